"""Files of other feeds that a file's joins look things up in: those that lie in their folders now."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import polars as pl

from pipelines.base.errors import SettingsError
from pipelines.ingest import discover
from pipelines.ingest.batch import Held, Unit
from pipelines.ingest.feeds import Feed
from pipelines.ingest.map import Raw, beside, joined
from pipelines.ingest.pgp import plain
from pipelines.ingest.read import parts, read_file
from pipelines.ingest.rules import Join, TableMap

FOUND: Final = "found"
"""What is said of a joined file that is there and can be read, also when it has no rows."""


class Lookups:
    """Raw parts of joined feeds, and in words what was found of each."""

    def __init__(self, feeds: Mapping[str, Feed], period: str, scratch: Path) -> None:
        """Nothing is read yet.

        Args:
            feeds: All of them.
            period: Of the file that is explained: of a joined feed its file is taken, else the newest.
            scratch: Folder for raw parts.
        """
        self.feeds = feeds
        self.period = period
        self.scratch = scratch
        self.said: dict[str, str] = {}
        self._raws: dict[str, list[Raw]] = {}

    def let_through(self, feed: Feed) -> Feed:
        """The feed, with rows let through where what they are looked up in has not arrived."""
        for step in feed.joins:
            if step.feed is not None and step.feed not in self.said:
                self._raws[step.feed], self.said[step.feed] = self._read(step.feed)
        tables = tuple(self._table(mapped) for mapped in feed.tables)
        return feed.model_copy(update={"join": tuple(map(self._step, feed.join)), "tables": tables})

    def other(self, step: Join) -> pl.DataFrame:
        """What a join finds; no rows where nothing has arrived."""
        if step.file is not None:
            return beside(step.file)
        return joined(self._raws[str(step.feed)], self.feeds[str(step.feed)], step)

    def _table(self, mapped: TableMap) -> TableMap:
        return mapped.model_copy(update={"join": tuple(map(self._step, mapped.join))})

    def _step(self, step: Join) -> Join:
        is_there = step.feed is None or self.said[step.feed] == FOUND
        return step if is_there else step.model_copy(update={"missing": "keep"})

    def _read(self, name: str) -> tuple[list[Raw], str]:
        feed = self.feeds[name]
        try:
            units = discover.units_of(feed, discover.place(feed))
        except SettingsError as error:
            return [], str(error)
        wanted = [unit for unit in units if unit.groups.get("period") == self.period] or units[-1:]
        if not wanted:
            return [], f"no file has arrived in its folder; a run would stop and ask for {name} first"
        found: list[Raw] = []
        for number, unit in enumerate(wanted):
            out = self.scratch / f"{name}-{number}"
            out.mkdir()
            try:
                with plain(_source(feed, unit), feed, self.scratch) as source:
                    read_file(source, out, feed, unit)
            except Held as why:
                return [], f"its file is held: {why.reason_code}: {why}"
            found += [(part, unit.groups) for part in parts(out)]
        return found, FOUND


def _source(feed: Feed, unit: Unit) -> Path:
    folder = discover.place(feed)
    return folder if unit.documents else folder / unit.name
