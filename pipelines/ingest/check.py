"""Decide what becomes of every source row of a batch: accepted, quarantined or filtered, as a whole.

Reads   mapped     of all units that are not held, once those that are not plausible are; the lake and the vault
Writes  checked    rows/<table>.arrow to publish, in digests/ the digests of rows that have none themselves;
                   bad.parquet with reasons; findings.json; counts and tallies; reconciled.json, where a full file is
                   held against deltas; filled.json and lengths.json, how far columns are filled and how long
                    identifiers are; unread.json and drift.json, which columns no rule reads and what of them is new;
                    former.parquet, who was named otherwise before; lake.json, the manifest it was held against;
                    looked_up.json, what was looked into while mapping

If one canonical row made from a source row fails, nothing of that source row is published; it is filtered when nothing
of it is new. The expectations run in `pipelines.validate`, a process of its own: stages meet on disk.
"""

import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any, Final, cast

import polars as pl

from pipelines.base.contracts import TABLES, Table, by_reference
from pipelines.base.errors import ContractError
from pipelines.base.lake import Lake, Manifest, is_before
from pipelines.ingest import files, plausible, reconcile
from pipelines.ingest.batch import Batch, Unit, drop, read_json, result, spill, write_json
from pipelines.ingest.counts import Tally, tally
from pipelines.ingest.dedupe import DIGEST, UNIT, Whole, dedupe, digests, of_newest, versions
from pipelines.ingest.discover import taken_in
from pipelines.ingest.feeds import Feed
from pipelines.ingest.filled import filled, lengths
from pipelines.ingest.lookups import runs
from pipelines.ingest.map import CODES, COUNTED, FILTERED, FORMER, REJECTED
from pipelines.ingest.read import ROW
from pipelines.ingest.unread import drift, unread

SOURCE: Final = [UNIT, ROW]
_ROWS: Final = 1 << 40
"""More rows than any file has."""
SAMPLE: Final = 1_000
SEED: Final = 20_261_031
"""Rows of free text that are looked at, and which."""
BEYOND: Final = "beyond_retention"
"""Why a row is filtered that tells of a day before which nothing is kept."""
_MANAGER: Final = "manager_person_id"
_LINKS: Final = "person_links"
REASONS: Final = pl.Schema({UNIT: pl.Int32(), ROW: pl.Int64(), "reason_code": pl.String()})


Validate = Callable[[Path, Iterable[str]], None]
"""Runs the expectations on a folder that `lay_out` fills meanwhile, told of each table when it is there."""


def check(batch: Batch, feeds: Mapping[str, Feed], validate: Validate | None = None) -> dict[str, Any]:
    """Check a batch, once.

    Args:
        batch: Mapped units.
        feeds: Their declarations.
        validate: From `validator`, when somebody has one ready.

    Returns:
        Counts a feed.

    Raises:
        ContractError: Rows do not add up, or an expectation could not be evaluated.
    """
    done = batch.folder / "checked"
    if not done.is_dir():
        plausible.hold(batch, feeds)
        with result(done) as out, nullcontext(validate) if validate else validator() as check_rows:
            units = [unit for unit in batch.units() if batch.held(unit) is None]
            left_out = [pl.DataFrame(schema=REASONS)]
            check_rows(out, lay_out(batch, units, feeds, out, left_out))
            settle(batch, units, pl.concat(left_out), out)
            write_json(out / "counts.json", by_feed(batch, feeds, read_json(out / "tallies.json")))
            write_json(out / "reconciled.json", reconcile.reconcile(batch, feeds))
            write_json(out / "filled.json", {unit.id: filled(batch, unit) for unit in units})
            write_json(out / "lengths.json", {unit.id: lengths(batch, unit) for unit in units})
            write_json(out / "looked_up.json", noted(batch, units))
            beside = {unit.id: unread(batch, unit, feeds[unit.feed]) for unit in units}
            write_json(out / "unread.json", beside)
            write_json(out / "drift.json", drift(batch, feeds, units, beside))
    return dict(read_json(done / "counts.json"))


def noted(batch: Batch, units: Iterable[Unit]) -> dict[str, Any]:
    """Unit -> what was noted of its joins, of those that are mapped."""
    reports = {unit.id: read_json(batch.place(unit) / "mapped" / "report.json") for unit in units}
    return {name: report.get("looked_up") for name, report in reports.items() if report is not None}


def numbered(batch: Batch) -> list[Unit]:
    """Units of a checked batch, each at its `unit_no`: those that were checked, whatever became of them since.

    Raises:
        ContractError: One of them is held now: its rows would count as held and be published.
    """
    tallies = read_json(batch.folder / "checked" / "tallies.json")
    units = [unit for unit in batch.units() if unit.id in tallies]
    held = sum(batch.held(unit) is not None for unit in units)
    if held:
        raise ContractError(
            f"A file must not be held once its batch is checked; {held} of {len(units)} are. Remove the folder "
            f"work/ingest/{batch.name} and run the batch again."
        )
    return units


def let_go(batch: Batch) -> None:
    """Drop what nobody reads of a checked batch: what was mapped, and what was read of files without a bad row."""
    units = numbered(batch)
    bad = pl.read_parquet(batch.folder / "checked" / "bad.parquet", columns=[UNIT]).to_series().unique()
    quarantined = {units[number].id for number in bad}
    for unit in batch.units():
        drop(batch.place(unit) / "mapped")
        if unit.id not in quarantined:
            drop(batch.place(unit) / "raw")


def lay_out(
    batch: Batch, units: list[Unit], feeds: Mapping[str, Feed], out: Path, left_out: list[pl.DataFrame]
) -> Iterator[str]:
    """Write what `validate` reads.

    Args:
        batch: The batch.
        units: Those that are not held; their position is their `unit_no`.
        feeds: Their declarations.
        out: Folder to fill.
        left_out: Gets (unit_no, source_row, reason_code) of rows left out as repetitions.

    Yields:
        The name of each table when its rows, if it has any, are there.
    """
    lake = Lake(batch.store)
    manifest = lake.manifest()
    whole = _whole(batch, units, feeds)
    for name in ("rows", "digests", "known", "before", "samples"):
        (out / name).mkdir()
    write_json(out / "lake.json", {"seq": manifest.seq if manifest else 0})
    write_json(out / "codes.json", _codes(batch, units))
    _notes(batch, units, REJECTED).write_parquet(out / "rejected.parquet")
    _known(lake, manifest, out)
    for table in by_reference():
        frame = _rows(batch, units, feeds, table.name)
        if table.name == _LINKS:
            frame = _with_former(lake, manifest, frame, _rows(batch, units, feeds, FORMER), out)
        if frame is not None:
            frame, late = beyond(lake, table, frame)
            left_out.append(late)
            frame, replaced = of_newest(frame, table, [f"{unit.feed}/{unit.name}" for unit in units])
            left_out.append(replaced.select(REASONS.names()))
            frame, gone = dedupe(frame, table, versions(batch.store, manifest, table), whole)
            left_out.append(gone.select(REASONS.names()))
            _beside(lake, manifest, table, frame, out)
            spill(frame, out / "rows" / f"{table.name}.arrow")
            _before(lake, manifest, table, frame, out)
        yield table.name
        if frame is not None and DIGEST not in frame:  # they take as long as checking the rows does meanwhile
            spill(digests(frame, table).to_frame(), out / "digests" / f"{table.name}.arrow")
        del frame  # or it stays until the next table is there, too


def _whole(batch: Batch, units: list[Unit], feeds: Mapping[str, Feed]) -> Whole:
    """Units whose rows have moments of their source, and that are all that their export says; and pages of runs.

    What changed is not, nor may be one of several files of a run, unless its feed says that a file holds all there is.
    """
    dated = {
        feed.name
        for feed in feeds.values()
        if feed.delta is None
        and (feed.full is not None or not feed.extracted_at.manifest)
        and any(table.known_from is not None for table in feed.tables)
    }
    mine = {number: unit for number, unit in enumerate(units) if unit.feed in dated}
    digests_of = {
        name: {record.sha256 for record in files.of_feed(batch.store, name)}
        | {unit.sha256 for unit in mine.values() if unit.feed == name}
        for name in {unit.feed for unit in mine.values()}
    }
    return Whole(
        {number: unit.sha256 for number, unit in mine.items()},
        {number: digests_of[unit.feed] for number, unit in mine.items()},
        {number: unit.sha256 for number, unit in enumerate(units)},
        _exports(batch, units, feeds),
    )


def _exports(batch: Batch, units: list[Unit], feeds: Mapping[str, Feed]) -> dict[str, int]:
    """Digest -> number of its run, of files that a run wrote with others; of those that were taken in before, too."""
    here = sorted({unit.feed for unit in units if feeds[unit.feed].extracted_at.manifest})
    found = []
    for name in here:
        mine = [unit for unit in units if unit.feed == name]
        found += runs(feeds[name], [*taken_in(batch.store, feeds[name], mine), *mine])
    return {unit.sha256: number for number, run in enumerate(found) for unit in run}


def beyond(lake: Lake, table: Table, frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """A table's rows, and of those that tell of days before which nothing is kept the source row and that reason.

    What was corrected to such a day says of itself a later one, as files that are read again do: it is left out, too.
    """
    before = lake.retired(table.name)
    if before is None:
        return frame, pl.DataFrame(schema=REASONS)
    is_late, key = is_before(table, before).fill_null(value=False), list(table.key)
    late, kept = frame.filter(is_late), frame.filter(~is_late)
    corrected = _corrected(kept, late, key)
    if len(corrected):
        kept = kept.join(corrected, on=key, how="anti", nulls_equal=True, maintain_order="left")
    gone = pl.concat([late, corrected]).select(UNIT, ROW, pl.lit(BEYOND).alias("reason_code"))
    return kept, gone.select(REASONS.names())


def _corrected(rows: pl.DataFrame, late: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """Rows of things of which what is known last is among the late ones."""
    both = rows.join(late, on=key, how="semi", nulls_equal=True, maintain_order="left")
    if both.is_empty():
        return both
    told = pl.concat([both.with_columns(_is_late=False), late.with_columns(_is_late=True)])
    last = told.sort("known_from", UNIT, ROW).unique(key, keep="last").filter("_is_late")
    return both.join(last, on=key, how="semi", nulls_equal=True, maintain_order="left")


def _before(lake: Lake, manifest: Manifest | None, table: Table, frame: pl.DataFrame, out: Path) -> None:
    """What the lake has of the things whose slices these rows are; nothing for other tables."""
    if table.slices is not None and manifest is not None and table.name in manifest.tables:
        things = frame.select(table.slices.of).unique()
        columns = [*table.key, table.slices.end, "known_from"]
        held = lake.scan(table.name, manifest).select(columns).collect()
        held.join(things, on=table.slices.of, how="semi").write_parquet(out / "before" / f"{table.name}.parquet")


def _known(lake: Lake, manifest: Manifest | None, out: Path) -> None:
    """Ids in the lake, of every table that others refer to."""
    for name in {other for table in TABLES.values() for other in table.refers.values()}:
        if manifest is not None:
            ids = lake.read(name, manifest, columns=[TABLES[name].key[0]])
            ids.write_parquet(out / "known" / f"{name}.parquet")


def _beside(lake: Lake, manifest: Manifest | None, table: Table, rows: pl.DataFrame, out: Path) -> None:
    """Of a table with free text a sample; of one with managers all versions of who manages whom."""
    if table.free_text:
        sample = rows.select(*SOURCE, *table.free_text).sample(min(len(rows), SAMPLE), seed=SEED)
        sample.write_parquet(out / "samples" / f"{table.name}.parquet")
    if table.has_managers and manifest is not None and table.name in manifest.tables:
        told = pl.col(_MANAGER).is_not_null().any().over("file_id").alias("tells_managers")
        columns = ("person_id", _MANAGER, "company_code", "hired_at", "terminated_at", "known_from", told)
        lake.scan(table.name, manifest).select(columns).collect().write_parquet(out / "known" / "managers.parquet")


def _codes(batch: Batch, units: list[Unit]) -> list[dict[str, Any]]:
    """Cells with a code, and of those how many no map lists, of a feed's tables and columns."""
    frames = [
        pl.read_ipc(part).select(pl.lit(unit.feed).alias("feed"), *COUNTED)
        for unit in units
        for part in sorted((batch.place(unit) / "mapped" / CODES).glob("*.arrow"))
    ]
    counts = pl.concat([pl.DataFrame(schema={"feed": pl.String(), **COUNTED}), *frames])
    return counts.group_by("feed", "table", "column").agg(pl.col("filled", "unlisted").sum()).sort(pl.all()).to_dicts()


@contextmanager
def validator() -> Iterator[Validate]:
    """Where Great Expectations may be imported, which takes seconds: a process that gets ready while others read."""
    words = [sys.executable, "-m", "pipelines.validate"]  # our own module
    top = Path(__file__).parents[2]
    with subprocess.Popen(words, cwd=top, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        told = cast("IO[str]", process.stdin)

        def validate(folder: Path, laid_out: Iterable[str]) -> None:
            with suppress(BrokenPipeError):  # it ended, and its exit code says why
                for number, name in enumerate(laid_out):  # what all tables need is there with the first
                    told.write(f"{name}\n" if number else f"{folder}\n{name}\n")
                    told.flush()
            process.communicate()
            if process.returncode:
                raise ContractError(
                    "Every expectation must be evaluated; the reason stands above. Correct it, run again."
                )

        try:
            yield validate
        finally:
            process.terminate()  # nobody waits until it is ready when there was nothing to do


def rows_of(checked: Path, name: str) -> pl.LazyFrame:
    """A table's rows in the folder of a checked batch, with their digests where these lie beside them."""
    rows, beside = (checked / kind / f"{name}.arrow" for kind in ("rows", "digests"))
    parts = [pl.scan_ipc(file) for file in (rows, beside) if file.is_file()]
    return pl.concat(parts, how="horizontal") if len(parts) > 1 else parts[0]


def settle(batch: Batch, units: list[Unit], left_out: pl.DataFrame, out: Path) -> None:
    """Take bad source rows out of every table, and count.

    Args:
        batch: The batch.
        units: Those that are not held.
        left_out: From `lay_out`.
        out: The folder, with the results of `validate`.
    """
    bad = pl.concat(
        [pl.read_parquet(out / "rejected.parquet"), pl.read_parquet(out / "failed.parquet")], how="diagonal"
    )
    bad = bad.unique(maintain_order=True)
    bad.write_parquet(out / "bad.parquet")
    accepted: list[pl.Series] = []
    for file in sorted((out / "rows").glob("*.arrow")):
        sources = pl.read_ipc(file, columns=SOURCE)
        kept = sources.join(bad, on=SOURCE, how="anti") if len(bad) else sources
        if len(kept) != len(sources):
            frame = rows_of(out, file.stem).collect().join(bad, on=SOURCE, how="anti", maintain_order="left")
            spill(frame, file.with_suffix(".new"))  # what was read may still be looked up in the file
            file.with_suffix(".new").replace(file)
            (out / "digests" / file.name).unlink(missing_ok=True)
        taken = _numbers(kept)
        if not any(taken.equals(other) for other in accepted):  # most tables take the same rows
            accepted.append(taken)
    # A row that only repeats says so first; what single tables left out explains the others.
    filtered = pl.concat([left_out, _notes(batch, units, FILTERED).select(REASONS.names())])
    frames = [frame.partition_by(UNIT, as_dict=True) for frame in (bad, _sources(accepted), filtered)]
    empties = [bad.clear(), bad.clear().select(SOURCE), filtered.clear()]
    tallies = {}
    for number, unit in enumerate(units):
        rows = int(read_json(batch.place(unit) / "mapped" / "report.json")["rows"])
        mine = [some.get((number,), none) for some, none in zip(frames, empties, strict=True)]
        tallies[unit.id] = asdict(tally(rows, *mine))
    write_json(out / "tallies.json", tallies)


def _numbers(sources: pl.DataFrame) -> pl.Series:
    """Distinct source rows as one number each, which compares many times faster than a pair."""
    numbers = sources.select(pl.col(UNIT).cast(pl.Int64) * _ROWS + pl.col(ROW)).to_series()
    return numbers.filter(numbers.ne_missing(numbers.shift(1))) if numbers.is_sorted() else numbers.unique()


def _sources(numbers: list[pl.Series]) -> pl.DataFrame:
    """Distinct source rows of all tables, from `_numbers` of each."""
    all_ = pl.concat([pl.Series("", [], dtype=pl.Int64), *(some.alias("") for some in numbers)])
    rows = (all_ if len(numbers) == 1 else all_.unique()).to_frame("")
    return rows.select((pl.col("") // _ROWS).cast(REASONS[UNIT]).alias(UNIT), (pl.col("") % _ROWS).alias(ROW))


def _notes(batch: Batch, units: list[Unit], kind: str) -> pl.DataFrame:
    """Rejected or filtered source rows of all units."""
    schema = pl.Schema({**REASONS, "table": pl.String()})
    frames = [
        pl.read_ipc(part).with_columns(pl.lit(number, dtype=pl.Int32).alias(UNIT))
        for number, unit in enumerate(units)
        for part in sorted((batch.place(unit) / "mapped" / kind).glob("*.arrow"))
    ]
    return pl.concat([pl.DataFrame(schema=schema), *frames], how="diagonal").select(schema.names())


def _with_former(
    lake: Lake, manifest: Manifest | None, links: pl.DataFrame | None, former: pl.DataFrame | None, out: Path
) -> pl.DataFrame | None:
    """Links, and those to what people are named in the lake whose identifiers counted as they were written once."""
    if former is None:
        return links
    names = {"person_id": "person_id", "former_id": "linked_person_id"}
    former.select(**names).unique().write_parquet(out / "former.parquet")
    tables = [name for name in manifest.tables if "person_id" in TABLES[name].schema] if manifest else []
    known = [lake.versions(name, manifest)["person_id"] for name in tables if TABLES[name].zone == "lake" and manifest]
    is_known = pl.col("linked_person_id").is_in(pl.concat([pl.Series([], dtype=pl.String), *known]).unique().implode())
    links_of = former.filter(is_known).unique(["person_id", "linked_person_id"], keep="first", maintain_order=True)
    return pl.concat([links, links_of]) if links is not None else links_of if len(links_of) else None


def _rows(batch: Batch, units: list[Unit], feeds: Mapping[str, Feed], name: str) -> pl.DataFrame | None:
    """A table's mapped rows of all units; None where no unit has any."""
    frames = [
        pl.scan_ipc(part).with_columns(
            pl.lit(number, dtype=pl.Int32).alias(UNIT),
            pl.lit(feeds[unit.feed].extraction(unit.groups)).cast(pl.Datetime("us", "UTC")).alias("extracted_at"),
        )
        for number, unit in enumerate(units)
        for part in sorted((batch.place(unit) / "mapped" / name).glob("*.arrow"))
    ]
    return pl.concat(frames).collect() if frames else None


def by_feed(batch: Batch, feeds: Iterable[str], tallies: Mapping[str, Any]) -> dict[str, Any]:
    """Counts a feed in the order given, held files included.

    Raises:
        ContractError: Rows do not add up.
    """
    totals: dict[str, Tally] = {}
    for unit in batch.units():
        held = batch.held(unit)
        add = Tally(held=1, reasons={held["reason_code"]: 1}) if held else Tally(**tallies[unit.id])
        totals[unit.feed] = totals.get(unit.feed, Tally()) + add
    wrong = [name for name, total in totals.items() if not total.adds_up]
    if wrong:
        raise ContractError(f"Rows in must be accepted, quarantined or filtered; they are not in {', '.join(wrong)}.")
    return {name: totals[name].to_json() for name in feeds if name in totals}
