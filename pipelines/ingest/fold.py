"""Stacks of changes as slices of time: what each change says is carried forward until another says otherwise.

A stack is believed as it stands when the file is written: changes that were taken back make no slice, and those that
were entered late change the slices of the days since.
"""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import polars as pl

from pipelines.ingest.cells import BROKEN
from pipelines.ingest.rules import Fold

INCOMPLETE: Final = "incomplete_stack"
"""Reason of a row whose changes do not go back to where something begins: what they leave out nobody can know."""
_DAY: Final = timedelta(days=1)
_ISO_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_CLEARED: Final = ("", "\x00")
_DECODER: Final = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)
"""Numbers stay the texts that they are."""
Cells = Mapping[str, str | None]


class _Unfoldable(Exception):
    """A stack is none, or lacks its beginning; the reason code is the argument."""


@dataclass(frozen=True, slots=True)
class _Said:
    """What a field holds, and when that was entered."""

    text: str | None
    entered: datetime


Facts = Mapping[str, _Said]


@dataclass(frozen=True, slots=True)
class _Change:
    """One member of a stack."""

    day: date
    order: int
    entered: datetime
    event: str
    own: Cells
    said: Cells
    parts: Mapping[str, Cells]
    """What it says of each part that is there after it."""
    added: frozenset[str]
    removed: frozenset[str]


@dataclass(slots=True)
class _Slice:
    """What holds of a part from a day on."""

    change: _Change
    order: int
    facts: Facts
    until: date | None = None
    entered: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.entered = max([self.change.entered, *(said.entered for said in self.facts.values())])

    def end(self, change: _Change) -> None:
        """Let another change end it; one of its own first day leaves it that day."""
        self.until = max(change.day, self.change.day + _DAY)
        self.entered = max(self.entered, change.entered)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Which fields are read, by what they speak of."""

    own: frozenset[str]
    """Of a change alone."""
    shared: frozenset[str]
    """Of all parts."""
    inner: Mapping[str, str]
    """Of a part: its field -> what a slice calls it."""


def folded(texts: pl.Series, fold: Fold, fields: Collection[str]) -> tuple[pl.Series, pl.Series]:
    """Stacks as slices.

    Args:
        texts: [n_rows] JSON lists of changes; null where there is none.
        fold: What says when a change holds, when it was entered, and what it speaks of.
        fields: What is wanted of a slice. Nothing else is looked at: what nobody reads begins no slice.

    Returns:
        [n_rows] JSON lists of slices, by part and time; and [n_rows] why there is none: `broken_group` or
        `incomplete_stack`. Both null where there is no stack.
    """
    above = f"{fold.parts.column}."
    own = {fold.day, fold.order, fold.known, fold.event, *fold.own}
    of_parts = {*fields, *([above + fold.parts.last_day] if fold.parts.last_day else [])}
    wanted = _Wanted(
        frozenset(own & {*fields}),
        frozenset(name for name in fields if name not in own and not name.startswith(above)),
        {name.removeprefix(above): name for name in of_parts if name.startswith(above)},
    )
    done: list[str | None] = []
    reasons: list[str | None] = []
    for text in texts:
        made, reason = _folded(text, fold, wanted, fields) if text is not None else (None, None)
        done.append(made)
        reasons.append(reason)
    return pl.Series("_member", done, dtype=pl.String), pl.Series("_broken", reasons, dtype=pl.String)


def _folded(text: str, fold: Fold, wanted: _Wanted, fields: Collection[str]) -> tuple[str | None, str | None]:
    try:
        standing, undone = _standing((_change(member, fold, wanted) for member in _members(text)), fold)
        return json.dumps([_told(one, fields, undone) for one in _slices(standing, fold)]), None
    except _Unfoldable as error:
        return None, str(error)
    except (ValueError, OverflowError, RecursionError):  # no JSON, no number, no day
        return None, BROKEN


def _members(value: Any) -> list[Mapping[str, Any]]:
    """Members of a group, which may lie within a cell as text."""
    members = _DECODER.decode(value) if isinstance(value, str) else value
    if not isinstance(members, list) or not all(isinstance(member, dict) for member in members):
        raise _Unfoldable(BROKEN)
    return members


def _change(member: Mapping[str, Any], fold: Fold, wanted: _Wanted) -> _Change:
    """A member as a change.

    Raises:
        _Unfoldable: It does not say when, or of which part.
        ValueError: What it says is no day, moment or number.
    """
    when, order, known, event = (member.get(name) for name in (fold.day, fold.order, fold.known, fold.event))
    if not (isinstance(when, str) and isinstance(order, str) and isinstance(known, str) and isinstance(event, str)):
        raise _Unfoldable(BROKEN)
    if not _ISO_DAY.match(when):
        raise _Unfoldable(BROKEN)
    entered = datetime.fromisoformat(known)
    told, added, removed = _parts(member.get(fold.parts.column), fold, wanted)
    # Told both as it was and as it is: nothing of what it was is left.
    added |= (removed & told.keys()) | (told.keys() if event in fold.begins else set())
    cells = _cells(member, "", fold)
    return _Change(
        date.fromisoformat(when[:10]) + _DAY * (event in fold.after),
        int(order),
        entered.astimezone(UTC) if entered.tzinfo else entered.replace(tzinfo=UTC),
        event,
        {name: cells[name] for name in wanted.own if name in cells},
        {name: cells[name] for name in wanted.shared if name in cells},
        told,
        frozenset(added),
        frozenset(removed - told.keys()),
    )


def _parts(value: Any, fold: Fold, wanted: _Wanted) -> tuple[dict[str, Cells], set[str], set[str]]:
    """What a change says of each part that is there after it, which of them begin anew, and which parts are gone."""
    told: dict[str, Cells] = {}
    added, removed = set[str](), set[str]()
    for part in _members(value or []):
        key = part.get(fold.parts.key)
        is_gone = _is(part, fold.removed)
        if not isinstance(key, str) or not key or (key in told and not is_gone):
            raise _Unfoldable(BROKEN)
        if is_gone:
            removed.add(key)
            continue
        cells = _cells(part, f"{fold.parts.column}.", fold)
        told[key] = {name: cells[inner] for inner, name in wanted.inner.items() if inner in cells}
        added |= {key} if _is(part, fold.added) else set()
    return told, added, removed


def _is(member: Mapping[str, Any], marks: Mapping[str, Collection[str]]) -> bool:
    return any(member.get(name) in texts for name, texts in marks.items())


def _cells(member: Mapping[str, Any], above: str, fold: Fold) -> dict[str, str | None]:
    """Cells of a change or a part, those of the members of its groups by their names; null is told empty."""
    cells = {name: _text(value) for name, value in member.items() if above + name not in fold.groups}
    for name in member:
        if above + name not in fold.groups:
            continue
        key, said = fold.groups[above + name], dict[str, str | None]()
        for one in sorted(_members(member[name] or []), key=lambda one: not _is(one, fold.removed)):
            within = name if key is None else f"{name}.{_text(one.get(key))}"
            is_gone = _is(one, fold.removed)  # such come first: what took their place is told as well
            said |= {f"{within}.{inner}": None if is_gone else _text(value) for inner, value in one.items()}
        cells |= said
    return cells


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return None if value in _CLEARED else value
    return json.dumps(value, ensure_ascii=False)


def _standing(changes: Iterable[_Change], fold: Fold) -> tuple[list[_Change], list[tuple[date, datetime]]]:
    """Changes that nobody took back, in the order in which they hold; and of others the day, and when it was undone."""
    standing: list[_Change] = []
    undone: list[tuple[date, datetime]] = []
    for change in sorted(changes, key=lambda one: (one.entered, one.day, one.order)):
        target = fold.rescinds.get(change.event) or fold.corrects.get(change.event)
        is_rescind = change.event in fold.rescinds
        theirs = [one for one in standing if one.event == target and (one.day == change.day or not is_rescind)]
        if theirs:
            standing.remove(theirs[-1])
            undone.append((theirs[-1].day, change.entered))
        if not is_rescind:
            standing.append(change)
    return sorted(standing, key=lambda one: (one.day, one.order, one.entered)), undone


def _slices(standing: Iterable[_Change], fold: Fold) -> Iterator[_Slice]:
    """The slices of all parts, each part's in order.

    Raises:
        _Unfoldable: Something is said of a part whose beginning is not told.
    """
    made: dict[str, list[_Slice]] = {}
    said_of: dict[str, Facts] = {}
    shared: Facts = {}
    still = set[str]()
    """Parts of which worker's facts are facts, too."""
    for change in standing:
        before, shared = shared, _carried(shared, change.said, change.entered)
        still = {key for key in still if change.day <= (_last_day(said_of[key], fold) or change.day) + _DAY}
        is_last, is_news = change.event in fold.ends, _texts(before) != _texts(shared)
        for key in () if is_last else _ended(change, said_of, fold):
            made[key][-1].end(change)
            still.discard(key)
            del said_of[key]
        for key in sorted(still | set(change.parts)):
            is_new = key in change.added
            if not is_new and key not in said_of:
                raise _Unfoldable(INCOMPLETE)
            kept = {} if is_new else said_of[key]
            said_of[key] = _carried(kept, change.parts.get(key, {}), change.entered)
            if is_new or (is_news and key in still) or _texts(said_of[key]) != _texts(kept):
                _begin(made.setdefault(key, []), change, {**shared, **said_of[key]}, fold)
        if not made:
            raise _Unfoldable(INCOMPLETE)
        still = set() if is_last else still | change.added
    for mine in made.values():
        for one in mine:
            last = _last(one, fold)
            if last is not None:
                one.until = min(last + _DAY, one.until or last + _DAY)
            if last is None or one.change.day <= last:
                yield one


def _last_day(facts: Facts, fold: Fold) -> date | None:
    """The last day on which a part is there, if that was said."""
    said = facts.get(f"{fold.parts.column}.{fold.parts.last_day}") if fold.parts.last_day else None
    if said is None or said.text is None:
        return None
    if not _ISO_DAY.match(said.text):
        raise _Unfoldable(BROKEN)
    return date.fromisoformat(said.text[:10])


def _ended(change: _Change, said_of: Collection[str], fold: Fold) -> Iterator[str]:
    """Parts that end with a change; those before a beginning may never have been told."""
    for key in sorted(change.removed):
        if key in said_of:
            yield key
        elif change.event not in fold.begins:
            raise _Unfoldable(INCOMPLETE)


def _last(one: _Slice, fold: Fold) -> date | None:
    """The last day of a slice, if it was said when the part ends; of one that has begun with the end there is none."""
    return None if one.change.event in fold.ends else _last_day(one.facts, fold)


def _begin(mine: list[_Slice], change: _Change, facts: Facts, fold: Fold) -> None:
    """Let a slice begin, and end the one before unless that has ended."""
    if mine and mine[-1].until is None and change.day <= (_last(mine[-1], fold) or change.day):
        mine[-1].end(change)
    mine.append(_Slice(change, sum(one.change.day == change.day for one in mine), facts))


def _carried(facts: Facts, said: Cells, entered: datetime) -> Facts:
    """Facts after what was said; what says the same again was known before."""
    news = {name: text for name, text in said.items() if name not in facts or facts[name].text != text}
    return {**facts, **{name: _Said(text, entered) for name, text in news.items()}}


def _texts(facts: Facts) -> dict[str, str]:
    return {name: said.text for name, said in facts.items() if said.text is not None}


def _told(one: _Slice, fields: Collection[str], undone: Sequence[tuple[date, datetime]]) -> Cells:
    """A slice as the cells that are wanted of it."""
    lifted = [entered for day, entered in undone if one.until is None or day < one.until]
    known = max([one.entered, *lifted])
    cells: dict[str, str | None] = {name: said.text for name, said in one.facts.items()}
    cells |= one.change.own
    cells |= {
        "from": one.change.day.isoformat(),
        "until": one.until.isoformat() if one.until else None,
        "order": str(one.order),
        "known": f"{known:%Y-%m-%dT%H:%M:%S.%f}Z",
    }
    return {name: cells.get(name) for name in fields}
