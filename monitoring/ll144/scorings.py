"""What the ledger says was scored, against what is still on file. Pure.

A day as of which people were scored is one partition, replaced whole: by a repeat with newer data, by another release.
So rows on file are not all that a model ever scored, and a package says how many of its scorings they leave out.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

import polars as pl

from pipelines.audit import Entry, Tag
from pipelines.base.contracts import SCORED, conform
from pipelines.base.digests import sha256_frame
from pipelines.base.errors import ContractError

_SHADOW: Final = "shadow"
_SAID: Final = frozenset({"as_of", "kind", "rows", "scored_sha256"})


@dataclass(frozen=True, slots=True)
class Scorings:
    """How the rows that are counted came to be."""

    scored_on: tuple[date, ...]
    """Days on which they were scored, whatever day as of."""
    first_used_on: date | None
    """Day on which the model first scored people outside shadow; None while it never did."""
    lost: int
    """Other scorings of the period by this model whose rows are no longer on file."""
    forgotten: int
    """Rows of people who were forgotten since."""


def scorings(
    rows: pl.DataFrame,
    ledger: Iterable[Entry],
    family: str,
    model_sha256: str,
    *,
    is_shadow: bool,
    since: date,
    until: date,
) -> Scorings:
    """Hold one model's rows against the ledger.

    Args:
        rows: [n_scores] `Scored` on file of this model as of the days of the period, as they were written.
        ledger: All entries, oldest first.
        family: Model family.
        model_sha256: Which model.
        is_shadow: Whether in shadow or in use.
        since: First day as of which it scored.
        until: Last one.

    Raises:
        ContractError: Rows are on file that no scoring on record left, or an entry does not say what was scored.
    """
    scored, gone = [], [0]
    for entry in ledger:
        if entry.tag is Tag.PERSON_FORGOTTEN:
            gone.append(entry.sequence)
        elif entry.tag is Tag.PEOPLE_SCORED and entry.subject == family:
            scored.append(entry)
    ours = [item for item in scored if item.facts.get("model_sha256") == model_sha256]
    silent = [item.sequence for item in ours if not item.facts.keys() >= _SAID]
    if silent:
        raise ContractError(
            f"Every scoring in the ledger must say {', '.join(sorted(_SAID))}; entries {silent[:5]} do not. "
            "Find out who wrote them."
        )
    counted = [item for item in ours if (item.facts["kind"] == _SHADOW) == is_shadow]
    counted = [item for item in counted if since <= _as_of(item) <= until]
    kept: set[tuple[date, str]] = set()
    forgotten = 0
    for (day,), there in rows.group_by("as_of", maintain_order=True):
        last = _left(conform(there, SCORED, "Scored"), [item for item in counted if _as_of(item) == day], max(gone))
        kept.add(_mark(last))
        forgotten += int(last.facts["rows"]) - len(there)
    used = [_on(item) for item in ours if item.facts["kind"] != _SHADOW]
    return Scorings(
        scored_on=tuple(sorted({_on(item) for item in counted if _mark(item) in kept})),
        first_used_on=min(used, default=None),
        lost=len({_mark(item) for item in counted} - kept),
        forgotten=forgotten,
    )


def _left(rows: pl.DataFrame, entries: list[Entry], erased: int) -> Entry:
    """The scoring that left the rows of a day; some of them may be of people who were forgotten after it."""
    digest = sha256_frame(rows)
    for entry in reversed(entries):
        if entry.facts["scored_sha256"] == digest:
            return entry
    if entries and entries[-1].sequence < erased and len(rows) < entries[-1].facts["rows"]:
        return entries[-1]
    raise ContractError(
        f"Rows as of {rows['as_of'][0]} must be those of a scoring that the ledger holds; these are not. "
        "Score the day again, or restore it."
    )


def _mark(entry: Entry) -> tuple[date, str]:
    """What tells one scoring from a repeat that gave the same rows."""
    return _as_of(entry), entry.facts["scored_sha256"]


def _as_of(entry: Entry) -> date:
    return date.fromisoformat(entry.facts["as_of"])


def _on(entry: Entry) -> date:
    return date.fromisoformat(entry.recorded_at[:10])
