"""Rows in = accepted + quarantined + filtered, counted by source row; every row has one reason at most."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import polars as pl

NOTHING: Final = "nothing_to_take"
"""A source row from which the feed takes no canonical row, such as an application without any decided stage."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of source rows."""

    rows: int = 0
    accepted: int = 0
    quarantined: int = 0
    filtered: int = 0
    held: int = 0
    """Files, whose rows nobody counted."""
    reasons: Mapping[str, int] = field(default_factory=dict)

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.rows + other.rows,
            self.accepted + other.accepted,
            self.quarantined + other.quarantined,
            self.filtered + other.filtered,
            self.held + other.held,
            dict(sorted((Counter(self.reasons) + Counter(other.reasons)).items())),
        )

    @property
    def adds_up(self) -> bool:
        """The invariant: no row is lost, none is counted twice, and every row left out has its reason."""
        parts = self.accepted + self.quarantined + self.filtered
        reasoned = sum(self.reasons.values()) == self.quarantined + self.filtered + self.held
        return self.rows == parts and min(self.accepted, self.quarantined, self.filtered) >= 0 and reasoned

    def to_json(self) -> dict[str, Any]:
        """As the manifest keeps it."""
        return {
            "in": self.rows,
            "accepted": self.accepted,
            "quarantined": self.quarantined,
            "filtered": self.filtered,
            "held": self.held,
            "reasons": dict(self.reasons),
        }


def tally(rows: int, bad: pl.DataFrame, accepted: pl.DataFrame, filtered: pl.DataFrame) -> Tally:
    """What became of one unit's rows.

    Args:
        rows: Source rows in the unit.
        bad: [n] source_row, reason_code of rows that failed; the first reason counts.
        accepted: [n] source_row of rows of which something is published.
        filtered: [n] source_row, reason_code of rows left out, of which other parts may be accepted or bad.

    Returns:
        Counts; they add up only when every row left a trace.
    """
    worst = bad.unique("source_row", keep="first", maintain_order=True)
    quiet = (
        filtered.join(accepted, on="source_row", how="anti")
        .join(worst, on="source_row", how="anti")
        .unique("source_row", keep="first", maintain_order=True)
    )
    reasons = Counter(worst["reason_code"].to_list()) + Counter(quiet["reason_code"].to_list())
    return Tally(rows, len(accepted), len(worst), len(quiet), 0, dict(sorted(reasons.items())))
