"""Answers of a REST service as files: JSON, a file a page."""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING, Any

from infra.sample.dialects import replacing

Row = dict[str, Any]

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    Wrap = Callable[[list[Row], bool], Any]
    """The document of one page, given its records and whether another page comes after it."""


def bare(records: list[Row], _has_next: bool) -> Any:
    """A page that is its list; the next one stands in a header of the answer."""
    return records


def write_pages(stem: Path, rows: Iterable[Row], page: int, wrap: Wrap = bare) -> int:
    """Write `<stem>_0001.json` and so on; without rows one empty page, as a service answers.

    Args:
        stem: Folder and beginning of the files' names.
        rows: Records, made one at a time.
        page: Records a page.
        wrap: What the service puts around them.

    Returns:
        The number of records.
    """
    source, count, number = iter(rows), 0, 1
    records = list(islice(source, page))
    while records or number == 1:
        now, records = records, list(islice(source, page))
        with replacing(stem.with_name(f"{stem.name}_{number:04d}.json")) as file:
            file.write(json.dumps(wrap(now, bool(records)), ensure_ascii=False).encode())
        count, number = count + len(now), number + 1
    return count
