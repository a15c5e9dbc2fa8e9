"""Turn text cells into canonical rows as the feed declares; what cannot be turned is rejected with a reason code.

Reads   raw       text cells of one unit, part by part
Writes  mapped    <table>/part-*.arrow; _rejected and _filtered: source_row, table, reason_code; _filled: of each
                  required column that a rule reads how many rows have something in it; _codes: table, column, cells
                  with a code and of those how many the feed's map does not list; _former: rows of `person_links` from
                  people to the names that they had in a lake of before; report.json: rows, and a digest of the
                  files that each join looked into

Clear identifiers stop here: people become keyed pseudonyms, and only the vault's table `identifiers` keeps a value.
"""

import json
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import polars as pl

from pipelines.base.contracts import TABLES, Column
from pipelines.base.digests import sha256_bytes
from pipelines.base.errors import ContractError
from pipelines.base.pseudonyms import PSEUDONYM_KEY, secret
from pipelines.ingest import feeds as declared
from pipelines.ingest.ahead import ahead
from pipelines.ingest.batch import Batch, Held, Unit, read_json, result, spill, write_json
from pipelines.ingest.cells import Context, cell, cleaned
from pipelines.ingest.counts import NOTHING
from pipelines.ingest.discover import delivered
from pipelines.ingest.expressions import Filled, faults, fill, with_moments, worked_out
from pipelines.ingest.feeds import Feed
from pipelines.ingest.filled import FILLED, LENGTHS, counted
from pipelines.ingest.identity import may_look_otherwise, once, with_names
from pipelines.ingest.land import land
from pipelines.ingest.lookups import looked_up, must_be_there
from pipelines.ingest.read import FAULT, ROW, parts, read, reading
from pipelines.ingest.reshape import NOTES, REASON, Other, Shaped, context_of, join, keep_rows, shape, with_seen
from pipelines.ingest.rules import Condition, Join, Rule, TableMap

REJECTED: Final = "_rejected"
FILTERED: Final = "_filtered"
CODES: Final = "_codes"
FORMER: Final = "_former"
"""Folders beside those of the tables."""
BAD: Final = pl.Schema({ROW: pl.Int64(), "table": pl.String(), REASON: pl.String()})
COUNTED: Final = pl.Schema({"table": pl.String(), "column": pl.String(), "filled": pl.Int64(), "unlisted": pl.Int64()})
KNOWN_FROM: Final = Column("known_from", "moment", required=False)
SOURCE: Final = "source"
_KNOWN: Final = ("known_from", "known_from_basis")
OBSERVED: Final = "observed"

See = Callable[[pl.DataFrame, pl.DataFrame], None]
"""Looks at one table's rows before the bad ones leave: their cells, and beside them what those became."""
Raw = tuple[Path, Mapping[str, str]]
"""A raw part, and the named groups of its file's name."""
Made = tuple[int, dict[str, pl.DataFrame]]
"""How many rows a part has, and what was made of them by `<table>/<index>`, rejected and filtered rows among it."""


def to_table(frame: pl.DataFrame, mapped: TableMap, context: Context, other: Other, see: See | None = None) -> Shaped:
    """The canonical rows that one table takes from raw rows.

    Args:
        frame: [n_rows] raw cells.
        mapped: The table's mapping.
        context: The extraction moment and the key.
        other: Finds joined files.
        see: Somebody who wants to look.

    Returns:
        Canonical rows with `source_row`, `known_from` and its basis; filtered and rejected source rows.
    """
    shaped = shape(frame, mapped, context, other)
    clean = context.clean | (mapped.unpivot.made() - set(context.nothing) if mapped.unpivot else set())
    here = replace(context_of(shaped.frame, context), clean=clean)
    filled = {
        column.name: fill(mapped.columns[column.name], column, here)
        if column.name in mapped.columns
        else Filled(pl.lit(None, dtype=column.dtype), pl.lit(None, dtype=pl.String))
        for column in TABLES[mapped.table].columns
    }
    former = _former(shaped.frame, mapped, here)
    known = fill(mapped.known_from, KNOWN_FROM, here) if mapped.known_from else None
    seen = known.value if known else pl.lit(None, dtype=KNOWN_FROM.dtype)
    wrong = faults({**filled, **({"known_from": known} if known else {})})
    unlisted = {name: item.unlisted for name, item in filled.items() if item.unlisted is not None}
    begun = worked_out(shaped.frame.lazy(), [*filled.values(), *former.values(), *([known] if known else [])])
    made = begun.select(
        ROW,
        *(item.value.alias(name) for name, item in filled.items()),
        # A source cannot know anything after it wrote the file.
        known_from=pl.min_horizontal(seen, pl.lit(context.extracted).cast(KNOWN_FROM.dtype)),
        known_from_basis=pl.when(seen.is_null()).then(pl.lit(OBSERVED)).otherwise(pl.lit(SOURCE)),
        **{REASON: pl.concat_str(wrong, separator=" ", ignore_nulls=True)},
        **{f"@unlisted|{name}": is_unlisted for name, is_unlisted in unlisted.items()},
        **{f"@former|{name}": item.value for name, item in former.items()},
    )
    rows = made.collect()
    shaped.codes, rows = _unlisted(rows, mapped.table, list(unlisted))
    if see is not None:
        see(shaped.frame, rows)
    bad = rows.filter(pl.col(REASON) != "").select(ROW, pl.col(REASON).str.split(" ")).explode(REASON)
    shaped.rejected.append(bad)
    good = (rows.filter(pl.col(REASON) == "") if len(bad) else rows).drop(REASON)
    shaped.frame = good.drop(f"@former|{name}" for name in former)
    if former:
        shaped.former = pl.concat(_links(good, name) for name in former)
    return shaped


def _former(frame: pl.DataFrame, mapped: TableMap, context: Context) -> dict[str, Filled]:
    """Columns of people whose identifiers may look otherwise than they are written, filled as they once were."""
    columns = [column for column in TABLES[mapped.table].columns if column.name in mapped.columns]
    return {
        column.name: fill(rule, replace(column, name=f"@former|{column.name}"), once(context))
        for column in columns
        if (rule := mapped.columns[column.name]).person is not None and may_look_otherwise(rule, frame).any()
    }


def _links(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    """Rows of `person_links` from the people in a column to what they were once, where that is another name."""
    before = pl.col(f"@former|{name}")
    names = {"person_id": pl.col(name), "linked_person_id": before}
    return rows.filter(pl.col(name) != before).select(ROW, **names, **{k: pl.col(k) for k in _KNOWN})


def _unlisted(rows: pl.DataFrame, table: str, columns: list[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Counts of codes of each column, and the rows without what says which are not listed."""
    marks = [rows[f"@unlisted|{name}"] for name in columns]
    counts = [(table, mark.name.partition("|")[2], mark.count(), mark.sum()) for mark in marks]
    return pl.DataFrame(counts, schema=COUNTED, orient="row"), rows.drop(mark.name for mark in marks)


def reference(batch: Batch, feeds: Mapping[str, Feed], step: Join, of: Unit, units: Sequence[Unit]) -> pl.DataFrame:
    """All rows of a joined file, or of its pages: of those known when this one was written, the last.

    What a later file says was not known by then, and must not be told as if it had been; it is used only where there is
    no other. One of the same day counts as known, since files of a night are written one after the other, and so does
    one of this batch whose month holds the day, unless this one was taken in before and is read again. Rows of two
    moments are never joined as one: they would be of neither. Histories that are one only together are of the same day,
    or the file waits. Where manifests say the moments, the files of one run are of one export, whatever the clock says
    of each.

    Args:
        batch: The batch.
        feeds: All feeds.
        step: The join.
        of: The file whose rows are looked up.
        units: The files that they are looked up in.

    Raises:
        ContractError: Nothing of the joined feed ever arrived, or rows that were read are not there.
        Held: A history beside this one is not there yet.
    """
    if step.file is not None:
        return beside(step.file)
    name = str(step.feed)
    if not units and must_be_there(feeds, of, step):
        raise Held(
            "joined_file_held",
            f"{of.feed} is one history together with {name}; a file of {name} of the same day must be there, and "
            "none is. Deliver it: this one comes up again by itself.",
        )
    rows = sum(_ready(batch, unit, feeds[name]) for unit in units)
    raws = [(part, unit.groups) for unit in units for part in parts(batch.place(unit) / "raw")]
    if not units:
        raise ContractError(f"A joined file must have arrived; of {name} none did. Deliver it first.")
    if rows and not raws:  # or all that is looked up would pass for unknown
        raise ContractError(
            f"Rows of {name} that were read must be there to be looked up in; they are not. Remove the batch's folder "
            f"work/ingest/{batch.name} and run it again."
        )
    return joined(raws, feeds[name], step)


def _looked_up(batch: Batch, feeds: Mapping[str, Feed], step: Join, of: Unit) -> list[Unit]:
    """Files that a unit is looked up in, of the same bytes one."""
    name = str(step.feed)
    before = delivered(batch.store, feeds[name])
    here = _of_batch(batch, name, before)
    if name == of.feed:  # a replay may have several of this name, and each says what it says by itself
        here = [of, *(unit for unit in here if unit.name != of.name)]
    return list({unit.sha256: unit for unit in looked_up(feeds, of, step, before, here)}.values())


def _noted(units: Iterable[Unit]) -> str:
    """One digest for files, whose names may hold a person's number."""
    return sha256_bytes(json.dumps(sorted((unit.name, unit.sha256) for unit in units)).encode())


def looking_elsewhere(batch: Batch, feeds: Mapping[str, Feed], noted: Mapping[str, Any]) -> list[Unit]:
    """Units that would be looked up in other files now than they were, since another batch took some in.

    Args:
        batch: The batch.
        feeds: All feeds.
        noted: Unit -> what `map_unit` noted of its joins; null where an older version noted nothing.
    """
    return [
        unit
        for unit in batch.units()
        if unit.id in noted and unit.feed in feeds and _looks_elsewhere(batch, feeds, unit, noted[unit.id])
    ]


def _looks_elsewhere(batch: Batch, feeds: Mapping[str, Feed], unit: Unit, noted: Mapping[str, str] | None) -> bool:
    """Whether a unit would be; a join that was declared since counts with the next file."""
    steps = {step.model_dump_json(): step for step in feeds[unit.feed].joins if step.feed is not None}
    if noted is None:
        return bool(steps)
    return any(
        _noted(_looked_up(batch, feeds, step, unit)) != noted[key] for key, step in steps.items() if key in noted
    )


def beside(name: str) -> pl.DataFrame:
    """A reference CSV beside the feeds."""
    return pl.read_csv(declared.folder() / name, infer_schema=False, empty_string_is_null=False)


def joined(raws: Iterable[Raw], feed: Feed, step: Join) -> pl.DataFrame:
    """What a join takes of another feed's sound rows, cells cleaned as that feed says; files may have none."""
    columns = step.there()
    blank = Context(frozenset(), datetime.now(UTC), b"", nothing=feed.nothing)  # cells need neither moment nor key
    rows = () if step.every else feed.rows
    kept = (_kept(pl.read_ipc(part), rows, groups, blank).frame for part, groups in raws)
    frames = [frame.select(cell(name, context_of(frame, blank)).alias(name) for name in columns) for frame in kept]
    found = pl.concat([pl.DataFrame(schema=dict.fromkeys(columns, pl.String)), *frames])
    if step.many or step.where or step.chosen or step.count or step.timeline:  # chosen later
        return found
    keys = {f"_on{i}": pl.col(name) for i, name in enumerate(step.match.values())}
    return with_seen(found, keys).unique(list(keys), keep="last", maintain_order=True).drop(*keys)


def _ready(batch: Batch, unit: Unit, feed: Feed) -> int:
    """Land and read a joined file here when its own steps have not yet: they leave the same result. Its rows."""
    try:
        land(batch, unit, feed)
        return read(batch, unit, feed).rows
    except Held as held:
        raise Held("joined_file_held", f"A joined file must be readable; that of {feed.name} is held: {held}") from None


def _of_batch(batch: Batch, name: str, before: Sequence[Unit]) -> list[Unit]:
    """A feed's files of a batch, of one name the last; what has known bytes again by those of that file."""
    units = [unit for unit in batch.units() if unit.feed == name]
    bytes_of = {unit.sha256: unit for unit in (*before, *units)}
    again = [
        replace(bytes_of[unit.sha256], name=unit.name, groups=unit.groups, manifest=unit.manifest)
        for unit in batch.duplicates()
        if unit.feed == name and unit.sha256 in bytes_of
    ]
    return list({unit.name: unit for unit in (*again, *units)}.values())


def map_unit(batch: Batch, unit: Unit, feeds: Mapping[str, Feed]) -> dict[str, Any]:
    """Map a unit, once; one that was not read yet is mapped while it is read.

    Args:
        batch: The batch.
        unit: One of its units, landed.
        feeds: All feeds, since joins reach over.

    Returns:
        Counts of source rows, and a digest of what each join looked into.

    Raises:
        ContractError: Some that were read are not there to be mapped.
    """
    done = batch.place(unit) / "mapped"
    if not done.is_dir():
        cache: dict[str, pl.DataFrame] = {}
        noted: dict[str, str] = {}

        def other(step: Join) -> pl.DataFrame:
            name = step.model_dump_json()
            if name not in cache:
                units = [] if step.feed is None else _looked_up(batch, feeds, step, unit)
                noted[name] = _noted(units)
                cache[name] = reference(batch, feeds, step, unit, units)
            return cache[name]

        feed = feeds[unit.feed]
        try:
            with (
                result(done) as out,
                closing(reading(batch, unit, feed)) as raws,
                closing(map_parts(raws, feed, unit, secret(PSEUDONYM_KEY), other)) as parted,
            ):
                rows = 0
                for number, (count, made) in enumerate(parted):
                    rows += count
                    for place, frame in made.items():
                        table, index = place.split("/")
                        _write(frame, out / table, f"{number:05d}-{index}")
                _all_there(rows, batch, unit)
                write_json(out / "report.json", {"rows": rows, "looked_up": noted})
        except Exception:
            read(batch, unit, feed)  # raises when the file as a whole is wrong: that comes before what mapping said
            raise
    return dict(read_json(done / "report.json"))


def _all_there(rows: int, batch: Batch, unit: Unit) -> None:
    """Raise ContractError unless parts had every row that the reader counted: it may have been another version's."""
    read_before = int(read_json(batch.place(unit) / "raw" / "report.json")["rows"])
    if rows != read_before:
        raise ContractError(
            f"Every row of {unit.feed} that was read must be mapped; {rows} of {read_before} were. Remove the batch's "
            f"folder work/ingest/{batch.name} and run it again."
        )


def map_parts(
    raws: Iterable[Path], feed: Feed, unit: Unit, key: bytes, other: Other, *, see: Sequence[See] = ()
) -> Generator[Made, None, None]:
    """Map a unit's raw parts, one after the other.

    Args:
        raws: Parts of a reader.
        feed: The unit's feed.
        unit: Whose name has the period.
        key: Keys pseudonyms.
        other: Finds joined files.
        see: Somebody who wants to look, for each of the feed's tables; or nobody.
    """
    context = Context(frozenset(), feed.extraction(unit.groups), key, nothing=feed.nothing)
    named = (_named(_cells(part, feed), feed, unit, context) for part in raws)
    return ahead((len(raw), _map_part(raw, feed, unit, here, other, see=see)) for raw, here in ahead(named))


def _cells(part: Path, feed: Feed) -> pl.DataFrame:
    """Of a raw part the columns that the mapping names."""
    wanted = {ROW, FAULT, *feed.mentions()}
    return pl.read_ipc(part, columns=[name for name in pl.read_ipc_schema(part) if name in wanted])


def _named(raw: pl.DataFrame, feed: Feed, unit: Unit, context: Context) -> tuple[pl.DataFrame, Context]:
    """Clean cells and pseudonyms of one part, and the context that says which are clean."""
    # A part may lack a column that other parts have, since empty JSON keys are left out.
    absent = sorted(feed.reads() - set(raw.columns) - set(unit.groups))
    raw = raw.with_columns(pl.lit(None, dtype=pl.String).alias(name) for name in absent)
    here = context_of(raw, context)
    clean = sorted(feed.reads() & set(raw.columns))
    raw = cleaned(raw, clean, here)
    context = replace(context, clean=frozenset(clean))
    rules = list(_rules(feed))
    raw = with_names(raw, [rule for rule, _ in rules], context_of(raw, context))
    return with_moments(raw, rules, context_of(raw, context)), context


def _rules(feed: Feed) -> Iterator[tuple[Rule, str]]:
    """Every rule of a feed, and the kind of the column that it fills."""
    for mapped in feed.tables:
        kinds = {column.name: column.kind for column in TABLES[mapped.table].columns}
        yield from ((rule, kinds[name]) for name, rule in mapped.columns.items())
        if mapped.known_from is not None:
            yield mapped.known_from, KNOWN_FROM.kind


def _map_part(
    raw: pl.DataFrame, feed: Feed, unit: Unit, context: Context, other: Other, *, see: Sequence[See]
) -> dict[str, pl.DataFrame]:
    """Canonical rows by `<table>/<index>`, and what was rejected and filtered, of one part with names."""
    columns = sorted(feed.reads() & set(raw.columns))
    done = {f"{FILLED}/00": _filled(raw, columns)} if columns else {}
    if naming := [name for name in feed.ids if name in raw.columns]:
        done[f"{LENGTHS}/00"] = counted(raw, naming)
    rejected = [_reasons(raw.filter(pl.col(FAULT).is_not_null()).select(ROW, pl.col(FAULT).alias(REASON)), "")]
    start = _kept(raw, feed.rows, unit.groups, context)
    for step in feed.join:
        join(start, step, context, other)
    rejected += [_reasons(frame, "") for frame in start.rejected]
    filtered = list(start.filtered)
    if not feed.tables:
        filtered.append(start.frame.select(ROW, pl.lit("reference_only").alias(REASON)))
    made = []
    for index, mapped in enumerate(feed.tables):
        shaped = to_table(start.frame, mapped, context, other, see[index] if see else None)
        made.append(shaped.frame.select(ROW))
        rejected += [_reasons(frame, mapped.table) for frame in shaped.rejected]
        filtered += shaped.filtered
        done[f"{mapped.table}/{index:02d}"] = shaped.frame
        if shaped.codes is not None and len(shaped.codes):
            done[f"{CODES}/{index:02d}"] = shaped.codes
        if shaped.former is not None and len(shaped.former):
            done[f"{FORMER}/{index:02d}"] = shaped.former
    done[f"{REJECTED}/00"] = pl.concat([frame.cast(BAD) for frame in rejected])
    if not any(frame[ROW].equals(raw[ROW]) for frame in made):  # else every row left a trace
        traced = pl.concat([frame.select(ROW) for frame in [*made, *rejected, *filtered]])
        filtered.append(raw.join(traced, on=ROW, how="anti").select(ROW, pl.lit(NOTHING).alias(REASON)))
    done[f"{FILTERED}/00"] = pl.concat([pl.DataFrame(schema=NOTES), *(frame.cast(NOTES) for frame in filtered)])
    return done


def _filled(raw: pl.DataFrame, columns: Iterable[str]) -> pl.DataFrame:
    """One row: how many clean cells of each column hold something."""
    return raw.select(pl.col(name).is_not_null().sum().cast(pl.Int64) for name in columns)


def _kept(raw: pl.DataFrame, rows: Iterable[Condition], groups: Mapping[str, str], context: Context) -> Shaped:
    """Sound rows that meet the conditions, the groups of the file's name as columns; the others are noted."""
    named = {name: pl.lit(value) for name, value in groups.items() if name not in raw.columns}
    kept = Shaped(raw.filter(pl.col(FAULT).is_null()).drop(FAULT).with_columns(**named), [], [])
    for condition in rows:
        keep_rows(kept, condition, context)
    return kept


def _reasons(frame: pl.DataFrame, table: str) -> pl.DataFrame:
    return frame.select(ROW, pl.lit(table).alias("table"), REASON)


def _write(frame: pl.DataFrame, folder: Path, number: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    spill(frame, folder / f"part-{number}.arrow")
