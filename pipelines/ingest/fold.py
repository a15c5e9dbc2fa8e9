"""Stacks of changes as slices of time: what each change says is carried forward until another says otherwise.

A stack is believed as it stands when the file is written: changes that were taken back make no slice, and those that
were entered late change the slices of the days since.
"""

import json
import re
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from typing import Any, Final

import polars as pl

from pipelines.ingest.cells import BROKEN
from pipelines.ingest.rules import Fold

INCOMPLETE: Final = "incomplete_stack"
"""Reason of a row whose changes do not go back to where something begins: what they leave out nobody can know."""
AMBIGUOUS: Final = "ambiguous_correction"
"""Reason of a row with a correction that may be of more than one change."""
TOO_LARGE: Final = "stack_too_large"
"""Reason of a row that would become more than anybody's life: each change of the person is a slice of each part."""
MOST_CHANGES: Final = 5_000
MOST_PARTS: Final = 500
MOST_SLICES: Final = 10_000
MOST_TEXT: Final = 2**24
"""Characters of all cells of a stack's slices."""
_DAY: Final = timedelta(days=1)
_NEVER: Final = 2900
"""A last day from this year on stands for none."""
_ISO_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_CLEARED: Final = ("", "\x00")
_DECODER: Final = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)
"""Numbers stay the texts that they are."""
Cells = Mapping[str, str | None]


class _Unfoldable(Exception):
    """A stack is none, lacks its beginning, or is too much; the reason code is the argument."""


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
    earlier: frozenset[date] = frozenset()
    """Days that it had before it was corrected."""


@dataclass(slots=True)
class _Slice:
    """What holds of a part from a day on."""

    change: _Change
    order: int
    facts: Facts
    last: date | None
    """The last day on which the part is there, if that was said; of a part that was left there is none."""
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
        [n_rows] JSON lists of slices, by part and time; and [n_rows] why there is none: `broken_group`,
        `incomplete_stack`, `ambiguous_correction` or `stack_too_large`. Both null where there is no stack.
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
        standing, undone = _standing([_change(member, fold, wanted) for member in _few(_members(text))], fold)
        return json.dumps(_all_told(_slices(standing, fold), fields, undone)), None
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


def _few(members: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    if len(members) > MOST_CHANGES:
        raise _Unfoldable(TOO_LARGE)
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
    """Changes that nobody took back, in the order in which they hold; and of others the day, and when it was undone.

    Raises:
        _Unfoldable: A correction may be of several changes.
    """
    standing: dict[str, dict[date, list[_Change]]] = {}
    """By what happened, corrected or not, and day; those of a day as they were entered."""
    undone: list[tuple[date, datetime]] = []
    for change in sorted(changes, key=lambda one: (one.entered, one.day, one.order)):
        is_rescind = change.event in fold.rescinds
        named = fold.rescinds.get(change.event, change.event)
        theirs = standing.setdefault(fold.corrects.get(named, named), {})
        if is_rescind:
            target = _rescinded(theirs, change)
        else:
            target = _corrected(theirs, change) if change.event in fold.corrects else None
        if target is not None:
            theirs[target.day].remove(target)
            if not theirs[target.day]:
                del theirs[target.day]
            undone.append((target.day, change.entered))
        if not is_rescind:
            now = change if target is None else _laid_over(target, change, fold)
            theirs.setdefault(now.day, []).append(now)
    left = [change for theirs in standing.values() for ones in theirs.values() for change in ones]
    return sorted(left, key=lambda one: (one.day, one.order, one.entered)), undone


def _rescinded(theirs: Mapping[date, Sequence[_Change]], change: _Change) -> _Change | None:
    """What a change takes back: what holds from its day, or did before it was corrected."""
    of_day = theirs.get(change.day) or [one for ones in theirs.values() for one in ones if change.day in one.earlier]
    return of_day[-1] if of_day else None


def _corrected(theirs: Mapping[date, Sequence[_Change]], change: _Change) -> _Change | None:
    """What a change takes the place of: what holds from its day, else from the day that is nearest."""
    distance = min((abs(day - change.day) for day in theirs), default=timedelta(0))
    nearest = [one for day, ones in theirs.items() if abs(day - change.day) == distance for one in ones]
    if len(nearest) > 1:
        raise _Unfoldable(AMBIGUOUS)
    return nearest[0] if nearest else None


def _laid_over(corrected: _Change, change: _Change, fold: Fold) -> _Change:
    """A correction with all that it leaves as it was of what it corrects."""
    told = {key: cells for key, cells in corrected.parts.items() if key not in change.removed}
    parts = {key: {**told.get(key, {}), **change.parts.get(key, {})} for key in {**told, **change.parts}}
    begins = parts.keys() if fold.corrects[change.event] in fold.begins else (corrected.added | change.added)
    removed = (corrected.removed | change.removed) - parts.keys()
    return replace(
        change,
        own={**corrected.own, **change.own},
        said={**corrected.said, **change.said},
        parts=parts,
        added=frozenset(begins & parts.keys()),
        removed=frozenset(removed),
        earlier=corrected.earlier | {corrected.day},
    )


def _slices(standing: Iterable[_Change], fold: Fold) -> Iterator[_Slice]:
    """The slices of all parts, each part's in order.

    Raises:
        _Unfoldable: Something is said of a part whose beginning is not told, or there are too many.
    """
    walk = _Walk(fold)
    for change in standing:
        walk.take(change)
    for mine in walk.made.values():
        for one in mine:
            if one.last is not None:
                one.until = min(one.last + _DAY, one.until or one.last + _DAY)
            if one.last is None or one.change.day <= one.last:
                yield one


@dataclass(frozen=True, slots=True)
class _Gone:
    """A part that was removed."""

    last: date
    entered: datetime
    facts: Facts


@dataclass(slots=True)
class _Walk:
    """What holds after the changes so far, taken in the order in which they hold."""

    fold: Fold
    made: dict[str, list[_Slice]] = field(default_factory=dict)
    count: int = 0
    shared: Facts = field(default_factory=dict)
    """Of the person."""
    said_of: dict[str, Facts] = field(default_factory=dict)
    """Of a part that was not removed."""
    lasts: dict[str, date | None] = field(default_factory=dict)
    gone: dict[str, _Gone] = field(default_factory=dict)
    due: set[str] = field(default_factory=set)
    """Parts that began since the last event of an end, which is to speak for one at least."""
    left: dict[str, Facts] = field(default_factory=dict)
    """Parts that such an event ended, and what held of the person then: they stay so until they begin anew."""

    def take(self, change: _Change) -> None:
        """Let a change begin and end slices."""
        before, self.shared = self.shared, _carried(self.shared, change.said, change.entered)
        is_last, is_news = change.event in self.fold.ends, _texts(before) != _texts(self.shared)
        if not is_last:
            self._remove(change)
        there = self._there(change.day)
        ended = self._last_to_end() - there if is_last else set()
        told = {key for key in change.parts if is_last or not self._was_gone(key, change)}
        spoken = (there if is_news or is_last else set()) | ended
        for key in sorted(spoken | told):
            self._tell(key, change, is_news=key in ended or (is_news and key in spoken))
        if not self.made:
            raise _Unfoldable(INCOMPLETE)
        if is_last:
            self.left |= dict.fromkeys(spoken | told, self.shared)
            self.due.clear()

    def _there(self, day: date) -> set[str]:
        """Parts of which the person's facts are facts, too: on the day after their last one an end still speaks."""
        return {key for key in self.due & self.said_of.keys() if day <= (self.lasts[key] or day) + _DAY}

    def _last_to_end(self) -> set[str]:
        """Of the parts that began since the last such event, those that end last."""
        ends = {key: self.gone[key].last if key in self.gone else (self.lasts[key] or date.max) for key in self.due}
        last = max(ends.values(), default=None)
        return {key for key, day in ends.items() if day == last}

    def _was_gone(self, key: str, change: _Change) -> bool:
        """Whether a removal that was entered later lets nothing of what a change says of a part hold."""
        return key in self.gone and key not in change.added and change.entered < self.gone[key].entered

    def _remove(self, change: _Change) -> None:
        """End the parts that are gone; those before a beginning may never have been told."""
        for key in sorted(change.removed - self.left.keys()):
            if key in self.said_of:
                self.made[key][-1].end(change)
                last = min(change.day - _DAY, self.lasts[key] or date.max)
                self.gone[key] = _Gone(last, change.entered, self.said_of.pop(key))
            elif not self._was_gone(key, change) and self.fold.corrects.get(change.event, change.event) not in (
                self.fold.begins
            ):
                raise _Unfoldable(INCOMPLETE)

    def _tell(self, key: str, change: _Change, *, is_news: bool) -> None:
        """Carry what is said of a part, and let a slice begin if that is news."""
        is_new, is_last = key in change.added, change.event in self.fold.ends
        if is_new:
            self.left.pop(key, None)
            self.due.add(key)
        if not is_new and key not in self.said_of and not (is_last and key in self.gone):
            raise _Unfoldable(INCOMPLETE)
        removed = self.gone.pop(key, None)
        kept: Facts = {} if is_new else self.said_of[key] if removed is None else removed.facts
        said = dict(change.parts.get(key, {}))
        if is_last or key in self.left:
            kept = {name: held for name, held in kept.items() if name != self._last_field}
            said.pop(self._last_field, None)
        now = self.said_of[key] = _carried(kept, said, change.entered)
        self.lasts[key] = _last_day(now, self._last_field)
        if is_new or is_news or _texts(now) != _texts(kept):
            self._begin(key, change, {**self.left.get(key, self.shared), **now})

    @property
    def _last_field(self) -> str:
        return f"{self.fold.parts.column}.{self.fold.parts.last_day}" if self.fold.parts.last_day else ""

    def _begin(self, key: str, change: _Change, facts: Facts) -> None:
        """Let a slice begin, and end the one before unless that has ended."""
        mine = self.made.setdefault(key, [])
        before = mine[-1] if mine else None
        if before is not None and before.until is None and change.day <= (before.last or change.day):
            before.end(change)
        order = before.order + 1 if before is not None and before.change.day == change.day else 0
        mine.append(_Slice(change, order, facts, self.lasts[key]))
        self.count += 1
        if self.count > MOST_SLICES or len(self.made) > MOST_PARTS:
            raise _Unfoldable(TOO_LARGE)


def _last_day(facts: Facts, name: str) -> date | None:
    """The last day on which a part is there, if that was said."""
    said = facts.get(name)
    if said is None or said.text is None:
        return None
    if not _ISO_DAY.match(said.text):
        raise _Unfoldable(BROKEN)
    day = date.fromisoformat(said.text[:10])
    return day if day.year < _NEVER else None


def _carried(facts: Facts, said: Cells, entered: datetime) -> Facts:
    """Facts after what was said; what says the same again was known before."""
    news = {name: text for name, text in said.items() if name not in facts or facts[name].text != text}
    return {**facts, **{name: _Said(text, entered) for name, text in news.items()}}


def _texts(facts: Facts) -> dict[str, str]:
    return {name: said.text for name, said in facts.items() if said.text is not None}


def _all_told(
    slices: Iterable[_Slice], fields: Collection[str], undone: Sequence[tuple[date, datetime]]
) -> list[Cells]:
    """Slices as cells.

    Raises:
        _Unfoldable: They are too much: a long text that many slices repeat.
    """
    by_day = sorted(undone)
    days, lifted = [day for day, _ in by_day], list(accumulate((entered for _, entered in by_day), max))
    told: list[Cells] = []
    size = 0
    for one in slices:
        before = bisect_left(days, one.until) if one.until is not None else len(days)
        cells = _told(one, fields, max(one.entered, lifted[before - 1]) if before else one.entered)
        size += sum(len(text) for text in cells.values() if text is not None)
        if size > MOST_TEXT:
            raise _Unfoldable(TOO_LARGE)
        told.append(cells)
    return told


def _told(one: _Slice, fields: Collection[str], known: datetime) -> Cells:
    """A slice as the cells that are wanted of it."""
    cells: dict[str, str | None] = {name: said.text for name, said in one.facts.items()}
    cells |= one.change.own
    cells |= {
        "from": one.change.day.isoformat(),
        "until": one.until.isoformat() if one.until else None,
        "order": str(one.order),
        "known": f"{known:%Y-%m-%dT%H:%M:%S.%f}Z",
    }
    return {name: cells.get(name) for name in fields}
