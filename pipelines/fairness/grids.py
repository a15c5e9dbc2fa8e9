"""Counts of one axis, a row a subject, a column a group: all that is ever judged."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from pipelines.fairness.clusters import Repeats
from pipelines.fairness.counting import (
    Coded,
    Counts,
    Floats,
    Ints,
    as_coded,
    as_selected,
    as_subjects,
    in_order,
    same_length,
)


@dataclass(frozen=True, slots=True)
class Grid:
    """Counts of every group of every subject."""

    subjects: tuple[str, ...]
    groups: tuple[str, ...]
    """In order, `unknown` last."""
    people: Ints
    """[n_subjects, n_groups]; 0 where a subject has nobody of a group. In a pool decisions: somebody once a subject."""
    selected: Ints
    """[n_subjects, n_groups]."""
    persons: Ints | None = None
    """[n_subjects, n_groups] distinct people; None where everybody was decided about once."""
    design_effect: Floats | None = None
    """[n_subjects, n_groups] as in `clusters`; None where everybody was decided about once."""

    @property
    def heads(self) -> Ints:
        """[n_subjects, n_groups] distinct people."""
        return self.people if self.persons is None else self.persons

    @property
    def independent(self) -> "Grid":
        """As many decisions about different people as these are worth, in whole numbers."""
        if self.design_effect is None:
            return self
        return Grid(self.subjects, self.groups, *worth(self.people, self.selected, self.design_effect))

    @property
    def pool(self) -> "Grid":
        """All subjects together, as one."""
        return Grid(("",), self.groups, self.people.sum(axis=0)[np.newaxis], self.selected.sum(axis=0)[np.newaxis])

    def of(self, found: Repeats) -> "Grid":
        """A pool, with what its decisions share."""
        return replace(self, persons=found.persons[np.newaxis], design_effect=found.design_effect[np.newaxis])


def worth(people: npt.ArrayLike, selected: npt.ArrayLike, design_effect: npt.ArrayLike) -> tuple[Ints, Ints]:
    """As many decisions about different people as some are worth, and how many of these selected, in whole numbers.

    Args:
        people: [n_cells] decisions.
        selected: [n_cells] of these.
        design_effect: [n_cells] as in `clusters`, at least 1.
    """
    counted, effect = np.asarray(people), np.asarray(design_effect)
    fewer = np.maximum(np.rint(counted / effect), counted > 0).astype(np.int64)
    return fewer, np.minimum(np.rint(np.asarray(selected) / effect).astype(np.int64), fewer)


def tabulate(selected: npt.ArrayLike, group: npt.ArrayLike | Coded, subject: npt.ArrayLike | Coded) -> Grid:
    """Count people and selected by subject and group.

    Args:
        selected: [n_cases] bool.
        group: [n_cases] str, or coded; missing answers are `unknown`.
        subject: [n_cases] str, or coded.

    Raises:
        ContractError: The columns differ in length, or `selected` has gaps.
    """
    chosen, groups, subjects = as_selected(selected), as_coded(group), as_subjects(subject)
    same_length(chosen, groups.codes, subjects.codes)
    shape = (len(subjects.names), len(groups.names))
    cells = subjects.codes * shape[1] + groups.codes
    people = np.bincount(cells, minlength=shape[0] * shape[1]).reshape(shape)
    picked = np.bincount(cells[chosen], minlength=shape[0] * shape[1]).reshape(shape)
    return Grid(subjects.names, groups.names, people, picked)


def gridded(tables: Mapping[str, Counts]) -> Grid:
    """The grid of tables counted elsewhere."""
    groups = in_order(name for counts in tables.values() for name in counts)
    cells = [[counts.get(name, (0, 0)) for name in groups] for counts in tables.values()]
    both = np.array(cells, dtype=np.int64).reshape(len(tables), len(groups), 2)
    return Grid(tuple(tables), groups, both[..., 0], both[..., 1])
