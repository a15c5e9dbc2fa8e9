"""Resumes that were taken in and that a person should look at: text that nobody sees, the same words over and over.

Nobody is turned away for either: a flag is counted in the report of ingest, and the lake says which document has it.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Final

import polars as pl

from pipelines.ingest.batch import Unit
from pipelines.ingest.dedupe import UNIT

TABLE: Final = "resumes"
FLOORS: Final[Mapping[str, float]] = {"hidden_text_share": 0.01, "stuffed_text_share": 0.1}
"""From which share on a document is flagged: stray white letters are fewer, and see `documents/stuffing`."""


def flagged(units: list[Unit], rows: Mapping[str, pl.LazyFrame]) -> dict[str, dict[str, int]]:
    """Documents with a flag.

    Args:
        units: Whose position is the `unit_no` of the rows.
        rows: Table -> [n_rows] canonical rows that are published.

    Returns:
        Feed -> flag, such as `hidden_text` -> documents. Only feeds and flags that there are.
    """
    found: dict[str, Counter[str]] = {}
    for frame in (rows[TABLE].select(UNIT, *FLOORS).collect(),) if TABLE in rows else ():
        for column, floor in FLOORS.items():
            for number in frame.filter(pl.col(column) >= floor)[UNIT]:
                found.setdefault(units[number].feed, Counter())[column.removesuffix("_share")] += 1
    return {feed: dict(sorted(counts.items())) for feed, counts in found.items()}
