"""Whose figures are not told where tables go to those who must not see few people's: the small, and who tells of them.

A small group that is merely left out can be worked out: from the total, from another attribute's groups, from the table
of two attributes beside those of each, or from bounds, as where nobody of all who are left was selected. So all tables
about the same people are looked at together, as one system of equations over the cells in which attributes meet, and
further groups are withheld, the smallest that help, until none of this is left. How many people a group has is always
told: that is how a small group is shown and not dropped. What is protected is what was counted of them.

What may not follow is a small group, all of a row who are left out where they are few, and few people who have an
answer on one attribute and none on the other. And between the least and the most that can still be true of a small
group must lie one person, and as many as would be of the rarer outcome at everybody's rate; or what the total of
everybody leaves open, which is told everywhere. Not looked at are sums over several rows, and what somebody knows
beside the tables.

Source:
    Complementary suppression and its audit by linear programming: Cox (1980), JASA 75, 377-385; Willenborg and de Waal
    (2001), Elements of Statistical Disclosure Control, chapter 4.
"""

import math
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Final

import numpy as np
import scipy  # its parts load at first use: most tables need no program solved, and whoever reads them waits

from pipelines.fairness.counting import UNKNOWN, Floats, axes_of, is_crossed, joined

_ZERO: Final = 1e-7
"""Entries are 0 and 1, and rows some dozens: what is smaller is of the arithmetic."""
_TOLERANCE: Final = 1e-6
"""A solution of a linear program keeps each row by a little less."""

Name = tuple[str, str]
"""Axis and group."""
Hidden = frozenset[Name]


@dataclass(frozen=True, slots=True)
class Cell:
    """What a table has of one group."""

    people: int
    """Distinct. They are told."""
    of: int | None = None
    """Cases, the most that any count can be; without, as many as people."""
    counts: tuple[int, ...] = ()
    """What was counted of the cases, one number a figure; empty where figures are no counts and have no such bounds."""
    is_few: bool = False
    """Not to be told though the group is large: few stand behind one of its figures."""
    is_kept: bool = False
    """Withheld only where no other group helps: something was found about it."""

    @property
    def cases(self) -> int:
        """The most that any count can be."""
        return self.people if self.of is None else self.of


Tables = Mapping[str, Mapping[str, Cell]]
"""Axis to its groups, `unknown` among them; an axis of two has the names that `counting` gives."""


def suppress(tables: Tables, least: int) -> dict[str, frozenset[str]]:
    """The groups of each axis whose figures are not told.

    Args:
        tables: About the same people. An axis whose totals are others than those of the rest is looked at by itself,
            and so is one of two axes that does not fit them.
        least: Fewer people are few.

    Returns:
        Axis to groups: those with fewer people, those that are `is_few`, and those without which one of them would
        follow. Groups without people never: they have no figures.
    """
    found: set[Name] = set()
    for part in _alike(tables):
        found |= _withheld(_System(part, least))
    return {axis: frozenset(group for name, group in found if name == axis) for axis in tables}


@dataclass(frozen=True, slots=True)
class _Target:
    """People of whom nothing may follow, as what is added up of the cells where all attributes meet."""

    axis: str
    row: Floats
    people: int
    cases: int
    is_bounded: bool
    """Whether bounds may not tell it either."""
    is_cell: bool = False
    """Whether they are a withheld cell of the axis."""

    @property
    def key(self) -> tuple[str, bytes]:
        """Who these people are."""
        return self.axis, self.row.tobytes()


class _System:
    """All cells of tables about the same people, and what always follows of them."""

    def __init__(self, tables: Tables, least: int) -> None:
        self.tables, self.least = tables, least
        self.pairs = [axis for axis in tables if is_crossed(axis) and self._fits(axis)]
        within = {name for axis in self.pairs for name in axes_of(axis)}
        self.atoms: list[tuple[str, str, str]] = []
        """Block, and what of it: two groups of a pair of axes, or one of an axis by itself."""
        self._cases: list[int] = []
        self._people: list[int] = []
        for axis in tables:
            if axis in self.pairs:
                self._add(axis, self._meeting(axis, "people"), self._meeting(axis, "cases"))
            elif axis not in within:
                cells = tables[axis]
                of = ({(name, ""): getattr(cell, key) for name, cell in cells.items()} for key in ("people", "cases"))
                self._add(axis, *of)

    def _add(self, block: str, people: Mapping[tuple[str, str], int], cases: Mapping[tuple[str, str], int]) -> None:
        self.atoms += [(block, *key) for key in people]
        self._people += people.values()
        self._cases += cases.values()

    def _fits(self, axis: str) -> bool:
        """Whether both axes of two are there and the cells of each row and column leave no fewer than nobody."""
        first, second = axes_of(axis)
        if not {first, second} <= set(self.tables):
            return False
        names = {joined(a, b) for a in self.tables[first] for b in self.tables[second]} | {UNKNOWN}
        if not set(self.tables[axis]) <= names:
            return False
        return all(
            min(found.values(), default=0) >= 0
            and sum(count for key, count in found.items() if UNKNOWN in key)
            == (getattr(self.tables[axis][UNKNOWN], of) if UNKNOWN in self.tables[axis] else 0)
            for of in ("people", "cases")
            for found in [self._meeting(axis, of)]
        )

    def _meeting(self, axis: str, of: str) -> dict[tuple[str, str], int]:
        """How many are where two axes meet: told, or what follows of those with one answer and of those with none."""
        first, second = (self.tables[name] for name in axes_of(axis))
        both = self.tables[axis]

        def known(a: str, b: str) -> int:
            return getattr(both[joined(a, b)], of) if joined(a, b) in both else 0

        rows, columns = ([name for name in cells if name != UNKNOWN] for cells in (first, second))
        found = {(a, b): known(a, b) for a in rows for b in columns}
        found |= {(a, UNKNOWN): getattr(first[a], of) - sum(found[a, b] for b in columns) for a in rows}
        found |= {(UNKNOWN, b): getattr(second[b], of) - sum(found[a, b] for a in rows) for b in columns}
        left = getattr(first[UNKNOWN], of) if UNKNOWN in first else 0
        found[UNKNOWN, UNKNOWN] = left - sum(found[UNKNOWN, b] for b in columns)
        return found

    @cached_property
    def rows(self) -> dict[Name, Floats]:
        """Every cell of every table, as what is added up of the atoms."""
        return {(axis, group): self._row(axis, group) for axis, cells in self.tables.items() for group in cells}

    def _row(self, axis: str, group: str) -> Floats:
        return self._side(next((pair for pair in self.pairs if axis in axes_of(pair)), axis), axis, group)

    def _side(self, block: str, axis: str, group: str) -> Floats:
        """A cell as what is added up of the atoms of one block that tells of it; where nobody is, nothing is."""
        return np.array([float(self._is_in(atom, block, axis, group)) for atom in self.atoms]) * self._there

    def _is_in(self, atom: tuple[str, str, str], block: str, axis: str, group: str) -> bool:
        name, first, second = atom
        if name != block:
            return False
        if axis in self.pairs:
            return joined(first, second) == group
        return (first, second)[axes_of(block).index(axis)] == group if block in self.pairs else first == group

    @cached_property
    def _there(self) -> Floats:
        return np.array([float(people > 0) for people in self._people])

    @cached_property
    def _always(self) -> tuple[Floats, Floats]:
        """Rows that hold whatever is told, and what they come to a figure: blocks are of the same people."""
        blocks = list(dict.fromkeys(block for block, *_ in self.atoms))
        whole = {block: self._there * [float(name == block) for name, *_ in self.atoms] for block in blocks}
        rows = [whole[blocks[0]], *(whole[a] - whole[b] for a, b in pairwise(blocks))]
        for axis in self.tables:
            beside = [pair for pair in self.pairs if axis in axes_of(pair)]
            for one, other in pairwise(beside):
                rows += [self._side(one, axis, group) - self._side(other, axis, group) for group in self.tables[axis]]
        right = np.zeros((len(rows), len(self.total)))
        right[0] = self.total
        return np.array(rows), right

    @cached_property
    def total(self) -> Floats:
        """[n_figures] of everybody; told everywhere."""
        cells = next(iter(self.tables.values())).values()
        return np.asarray(np.array([cell.counts for cell in cells], dtype=np.float64).sum(axis=0))

    @cached_property
    def small(self) -> Hidden:
        """Cells that may not be told whatever follows from them."""
        cells = ((axis, group, cell) for axis, groups in self.tables.items() for group, cell in groups.items())
        return frozenset(
            (axis, group) for axis, group, cell in cells if cell.people and (cell.people < self.least or cell.is_few)
        )

    @cached_property
    def _of_itself(self) -> list[_Target]:
        """Small cells, and the few who have one answer and not the other."""
        found = [
            _Target(axis, self.rows[axis, group], cell.people, cell.cases, is_bounded=True, is_cell=True)
            for axis, group in sorted(self.small)
            for cell in [self.tables[axis][group]]
        ]
        one = np.eye(len(self.atoms))
        return found + [
            _Target(block, one[place], self._people[place], self._cases[place], is_bounded=True)
            for place, (block, *groups) in enumerate(self.atoms)
            if UNKNOWN in groups and block in self.pairs and 0 < self._people[place] < self.least
        ]

    def _left(self, hidden: Hidden) -> Iterator[_Target]:
        """All that are left out of one row of a table, where they are few."""
        for axis, line in self._lines:
            row = np.zeros(len(self.atoms))
            people = 0
            for name, own, count in line:
                if name is None or name in hidden:
                    row, people = row + own, people + count
            if 0 < people < self.least:
                yield _Target(axis, row, people, people, is_bounded=False)

    @cached_property
    def _lines(self) -> list[tuple[str, list[tuple[Name | None, Floats, int]]]]:
        """Cells that add up to one of another table, or to everybody; None for those that no table has."""
        found: list[tuple[str, list[tuple[Name | None, Floats, int]]]] = [
            (axis, [((axis, group), self.rows[axis, group], cell.people) for group, cell in cells.items()])
            for axis, cells in self.tables.items()
        ]
        one = np.eye(len(self.atoms))
        for pair in self.pairs:
            for side in (1, 2):
                for group in dict.fromkeys(atom[side] for atom in self.atoms if atom[0] == pair):
                    line: list[tuple[Name | None, Floats, int]] = [
                        (None if UNKNOWN in atom else (pair, joined(*atom[1:])), one[place], self._people[place])
                        for place, atom in enumerate(self.atoms)
                        if (atom[0], atom[side]) == (pair, group)
                    ]
                    found.append((pair, line))
        return found

    def told(self, hidden: Hidden) -> tuple[list[Name], Floats, Floats]:
        """Cells that are told; rows of theirs and of all that always holds; and what each comes to a figure."""
        names = [name for name in self.rows if name not in hidden]
        rows, right = self._always
        counts = [self.tables[axis][group].counts for axis, group in names]
        mine = np.array([self.rows[name] for name in names]).reshape(-1, len(self.atoms))
        values = np.array(counts, dtype=np.float64).reshape(len(names), len(self.total))
        return names, np.vstack([rows, mine]), np.vstack([right, values])

    def unsafe(self, hidden: Hidden, past: Container[tuple[str, bytes]] = ()) -> _Target | None:
        """Some people of whom something follows; None where there are none but those of whom it always does."""
        basis = _span(self.told(hidden)[1])
        for target in [*self._of_itself, *self._left(hidden)]:
            if target.key not in past and _follows(basis, target) and not _follows(self._basis, target):
                return target
        narrow = (t for t in self._of_itself if t.key not in past and not self._is_open(hidden, t))
        return next(narrow, None)

    @cached_property
    def _basis(self) -> Floats:
        """Of what follows from everybody's total alone, which no withholding changes."""
        return _span(self._always[0])

    def is_safe(self, target: _Target, hidden: Hidden) -> bool:
        """Whether nothing follows of these people."""
        is_wide = not target.is_bounded or self._is_open(hidden, target)
        return is_wide and not _follows(_span(self.told(hidden)[1]), target)

    def _is_open(self, hidden: Hidden, target: _Target) -> bool:
        """Whether enough different numbers could be true of a group, of each figure.

        Kept by what is withheld of tables that bear on it: the more is, the more is open, and each answer costs two
        linear programs.
        """
        near = frozenset(name for name in hidden if name[0] in self._near[target.axis])
        opened, narrow = self._seen.setdefault(target.key, ([], []))
        if any(before <= near for before in opened):
            return True
        if any(before >= near for before in narrow):
            return False
        is_open = self._is_wide(hidden, target)
        (opened if is_open else narrow).append(near)
        return is_open

    @cached_property
    def _seen(self) -> dict[tuple[str, bytes], tuple[list[Hidden], list[Hidden]]]:
        """Target to what was withheld when it was open, and when it was not."""
        return {}

    @cached_property
    def _near(self) -> dict[str, frozenset[str]]:
        """Axis to those that bear on it: pairs that share an axis, and their axes; else, beside the total, only it."""
        groups = [frozenset((pair, *axes_of(pair))) for pair in self.pairs]
        found: list[frozenset[str]] = []
        for group in groups:
            joint = group.union(*(other for other in found if other & group))
            found = [other for other in found if not other & group] + [joint]
        return {axis: next((group for group in found if axis in group), frozenset((axis,))) for axis in self.tables}

    def _is_wide(self, hidden: Hidden, target: _Target) -> bool:
        every = max(1, sum(cell.cases for cell in next(iter(self.tables.values())).values()))
        for figure, total in enumerate(self.total.tolist()):
            needed = min(
                max(1, -(-target.cases * min(total, every - total) // every)), _free(target.cases, every, total)
            )
            if needed > 0 and self._width(hidden, target, figure, needed) < needed:
                return False
        return True

    def _width(self, hidden: Hidden, target: _Target, figure: int, needed: float) -> float:
        """How far apart the least and the most are that could be true, in whole numbers; no more than its axis says.

        Other axes only narrow what one leaves open: where that is less than needed, nothing else is asked.
        """
        if target.is_cell:
            left = [cell for group, cell in self.tables[target.axis].items() if (target.axis, group) in hidden]
            alone = _free(target.cases, sum(c.cases for c in left), sum(c.counts[figure] for c in left))
            if alone < needed or self._near[target.axis] == {target.axis}:
                return alone
        _, rows, values = self.told(hidden)
        points = self._points.setdefault(figure, [])
        if (span := _spread(points, rows, values[:, figure], target)) >= needed:
            return span
        bounds = [(0, cases) for cases in self._cases]
        ends = [
            scipy.optimize.linprog(sign * target.row, A_eq=rows, b_eq=values[:, figure], bounds=bounds, method="highs")
            for sign in (1.0, -1.0)
        ]
        if any(end.status != 0 for end in ends):
            return math.inf  # figures that contradict each other tell nothing
        points += [end.x for end in ends]
        return _whole(-ends[1].fun, ends[0].fun)

    @cached_property
    def _points(self) -> dict[int, list[Floats]]:
        """Figure to what was found that could be true of all cells: what shows one target open often shows others."""
        return {}

    def causes(self, target: _Target, hidden: Hidden) -> list[Name]:
        """Told cells that give it away, the first to be withheld first."""
        names, rows, _ = self.told(hidden)
        if _follows(_span(rows), target):
            weights = np.linalg.lstsq(rows.T, target.row, rcond=None)[0][len(rows) - len(names) :]
            found = [name for name, weight in zip(names, weights.tolist(), strict=True) if abs(weight) > _ZERO]
        else:
            found = [name for name in names if name[0] == target.axis] or names
        return sorted((name for name in found if self._cell(name).people), key=self.price)

    def price(self, name: Name) -> tuple[bool, int, str, str]:
        """What is lost by withholding a cell."""
        cell = self._cell(name)
        return cell.is_kept, cell.people, *name

    def _cell(self, name: Name) -> Cell:
        return self.tables[name[0]][name[1]]


def _withheld(system: _System) -> Hidden:
    """The small, then one after the other what gives them away, then back what need not be withheld after all."""
    hidden: Hidden = system.small
    past: list[tuple[str, bytes]] = []
    while (target := system.unsafe(hidden, past)) is not None:
        causes = system.causes(target, hidden)
        if not causes:
            past.append(target.key)  # it follows from what is told in any case
            continue
        alone = (name for name in causes if system.is_safe(target, hidden | {name}))
        hidden |= {next(alone, causes[0])}
    for name in sorted(hidden - system.small, key=system.price, reverse=True):
        if system.unsafe(hidden - {name}, past) is None:
            hidden -= {name}
    return hidden


def _alike(tables: Tables) -> list[Tables]:
    """Tables by what they come to, which must be the same where they are about the same people."""
    found: dict[tuple[int, ...], dict[str, Mapping[str, Cell]]] = {}
    for axis, cells in tables.items():
        counts = np.array([[cell.cases, *cell.counts] for cell in cells.values()], dtype=np.int64)
        if len(counts):
            found.setdefault(tuple(counts.sum(axis=0).tolist()), {})[axis] = cells
    return list(found.values())


def _free(cases: int, every: int, total: float) -> float:
    """How much of a total can be of some of the cases that it is of, or not: the most less the least."""
    return min(cases, total) - max(0, total - (every - cases))


def _whole(most: float, least: float) -> float:
    """How far apart, in whole numbers."""
    return float(np.floor(most + _ZERO) - np.ceil(least - _ZERO))


def _spread(points: Sequence[Floats], rows: Floats, values: Floats, target: _Target) -> float:
    """How far apart a target is at points where all that is told holds: no more than the least and the most are."""
    if not points:
        return -math.inf
    every = np.array(points)
    at = (every @ target.row)[(np.abs(every @ rows.T - values) < _TOLERANCE).all(axis=1)]
    return _whole(at.max(), at.min()) if len(at) else -math.inf


def _follows(basis: Floats, target: _Target) -> bool:
    return bool(np.linalg.norm(target.row - basis.T @ (basis @ target.row)) < _ZERO)


def _span(rows: Floats) -> Floats:
    """[rank, n] rows at right angles that span the same."""
    _, sizes, basis = np.linalg.svd(rows, full_matrices=False)
    return np.asarray(basis[sizes > _ZERO])
