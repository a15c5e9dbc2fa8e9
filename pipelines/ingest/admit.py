"""What of a checked batch may be published: not who was forgotten, nor what was rejected or retired meanwhile.

Whoever is forgotten while a batch is at work must not come back with it, nor a file that a person rejected meanwhile,
nor days of which nothing is kept any more; nor must bytes be there twice that another batch took in. This is asked
under the lock of publishing. Such rows count as filtered, bad ones too, which quarantine would keep.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import takewhile
from typing import Any, Final

import polars as pl

from pipelines.base import forgotten
from pipelines.base.contracts import TABLES
from pipelines.base.errors import ContractError
from pipelines.base.forgotten import Group
from pipelines.base.lake import Lake, Manifest, is_before
from pipelines.ingest import feeds as declared
from pipelines.ingest import files
from pipelines.ingest.batch import Batch, Unit, read_json
from pipelines.ingest.check import BEYOND, REASONS, SOURCE, by_feed, rows_of
from pipelines.ingest.counts import Tally
from pipelines.ingest.dedupe import UNIT
from pipelines.ingest.discover import planned_now, still_repeated
from pipelines.ingest.map import looking_elsewhere
from pipelines.ingest.persons import own, persons
from pipelines.ingest.read import LINE, ROW, parts
from pipelines.ingest.retold import left, retold

REJECTED: Final = "rejected"
"""The register's word for such a file, and the reason of its rows."""
DUPLICATE: Final = "duplicate_delivery"
"""Why rows are left out of a file whose bytes were taken in before."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """The part of a batch that is published."""

    rows: Mapping[str, pl.LazyFrame]
    """Table -> canonical rows; read one by one, since together they are most of what is ever in memory."""
    bad: pl.DataFrame
    """unit_no, source_row and reason of rejected rows."""
    tallies: Mapping[str, Any]
    counts: dict[str, Any]


def gone(batch: Batch, units: list[Unit]) -> dict[str, str]:
    """Unit id -> why nothing of it is published now.

    Since the batch was planned a person rejected it, or another batch took the same bytes in, as runs of a backfill do
    not wait for the daily one. Who rejects a file once its rows can be seen in the lake comes too
    late: a publish that was killed after that says what is there.
    """
    is_late, found = _is_in_lake(batch), dict[str, str]()
    since = {manifest.batch_id for manifest in _after(batch, batch.plan.get("seq"))}
    for unit in units:
        records = files.find(batch.store, unit.feed, unit.sha256)
        if not is_late and any(record.status == REJECTED for record in records):
            found[unit.id] = REJECTED
        elif not unit.is_replay and any(
            record.name == unit.name and record.status == "published" and record.batch in since for record in records
        ):
            found[unit.id] = DUPLICATE
    return found


def repeated(batch: Batch) -> list[Unit]:
    """Duplicate deliveries that are so still, whatever another batch took in since the plan.

    Where other bytes came between meanwhile, they say what is not known: nobody has read them, so the register must not
    know them, and the next run finds them as news.
    """
    planned = batch.duplicates()
    if not planned or not _after(batch, batch.plan.get("seq")):
        return planned
    still = {(unit.feed, unit.name) for unit in still_repeated(batch, declared.load(declared.folder()))}
    return [unit for unit in planned if (unit.feed, unit.name) in still or _is_entered(batch, unit)]


def _is_entered(batch: Batch, unit: Unit) -> bool:
    """Whether the register knows a file under its name: by another batch, or by a publish that was killed later."""
    records = files.of_status(batch.store, unit.feed, unit.sha256, "published", "duplicate")
    return any(record.name == unit.name for record in records)


def is_outdated(batch: Batch) -> bool:
    """Whether a batch must be checked anew, with what other batches took in since, before it is published."""
    return is_overtaken(batch) or lacks_files(batch) or looks_elsewhere(batch)


def is_overtaken(batch: Batch) -> bool:
    """Whether another batch was published since this one was checked: what its rows repeat or restate has changed."""
    seq = (read_json(batch.folder / "checked" / "lake.json") or {}).get("seq")
    return not _is_in_lake(batch) and bool(_after(batch, seq))


def lacks_files(batch: Batch) -> bool:
    """Whether a batch would have other files now, by what another took in since its plan."""
    is_late = not _is_in_lake(batch) and bool(_after(batch, batch.plan.get("seq")))
    return is_late and planned_now(batch, declared.load(declared.folder())) != batch.units()


def looks_elsewhere(batch: Batch) -> bool:
    """Whether another batch took files in since this one was planned in which those of this one would be looked up."""
    if not batch.is_checked or _is_in_lake(batch) or not _after(batch, batch.plan.get("seq")):
        return False
    told = read_json(batch.folder / "checked" / "looked_up.json")
    older = dict.fromkeys(read_json(batch.folder / "checked" / "tallies.json"))  # noted by no older version
    return bool(looking_elsewhere(batch, declared.load(declared.folder()), older if told is None else told))


def _after(batch: Batch, seq: int | None) -> list[Manifest]:
    """What was published after a manifest and before a batch; nothing where an older version did not note which."""
    later = [it for it in Lake(batch.store).manifests() if seq is not None and it.seq > seq]
    return list(takewhile(lambda manifest: manifest.batch_id != batch.name, later))


def _is_in_lake(batch: Batch) -> bool:
    return any(manifest.batch_id == batch.name for manifest in Lake(batch.store).manifests())


def admit(batch: Batch, units: list[Unit], left_out: Mapping[str, str]) -> Admitted:
    """Leave out what was rejected, what was taken in by now and who was forgotten.

    Args:
        batch: Checked.
        units: From `numbered`.
        left_out: From `gone`.

    Raises:
        ContractError: Rows were accepted and none is there: another version checked the batch.
    """
    place = batch.folder / "checked"
    rows = {name: rows_of(place, name) for name in TABLES if (place / "rows" / f"{name}.arrow").is_file()}
    bad = pl.read_parquet(place / "bad.parquet")
    checked = Admitted(rows, bad, read_json(place / "tallies.json"), read_json(place / "counts.json"))
    if not rows and any(tally["accepted"] for tally in checked.tallies.values()) and not _is_in_lake(batch):
        raise ContractError(
            "Rows that were accepted must be there to be published; none is. "
            f"Remove the folder work/ingest/{batch.name} and run the batch again."
        )
    taken = _without(batch, units, left_out, checked)
    return _without_forgotten(batch, units, _not_beyond(batch, units, taken))


def _without(batch: Batch, units: list[Unit], left_out: Mapping[str, str], checked: Admitted) -> Admitted:
    """Without files of which nothing is published."""
    numbers = [number for number, unit in enumerate(units) if unit.id in left_out]
    if not numbers:
        return checked
    new = dict(checked.tallies)
    for number in numbers:
        before = Tally(**new[units[number].id])
        reasons = _reasons(checked.bad.filter(pl.col(UNIT) == number))
        new[units[number].id] = asdict(_moved(before, before.accepted, reasons, left_out[units[number].id]))
    rows = {name: frame.filter(~pl.col(UNIT).is_in(numbers)) for name, frame in checked.rows.items()}
    bad = checked.bad.filter(~pl.col(UNIT).is_in(numbers))
    return Admitted(rows, bad, new, by_feed(batch, checked.counts, new))


def _with_rows(
    batch: Batch, units: list[Unit], checked: Admitted, rows: Mapping[str, pl.LazyFrame], why: str
) -> Admitted:
    """With fewer rows; a source row of which nothing is left counts as filtered."""
    told = [[frame.select(SOURCE).collect() for frame in tables.values()] for tables in (checked.rows, rows)]
    before, after = (pl.concat([pl.DataFrame(schema=REASONS).select(SOURCE), *some]).unique() for some in told)
    missing = before.join(after, on=SOURCE, how="anti")
    new = dict(checked.tallies)
    for number, unit in enumerate(units):
        count = len(missing.filter(pl.col(UNIT) == number))
        if count:
            new[unit.id] = asdict(_moved(Tally(**new[unit.id]), count, [], why))
    return Admitted(rows, checked.bad, new, by_feed(batch, checked.counts, new))


def _not_beyond(batch: Batch, units: list[Unit], checked: Admitted) -> Admitted:
    """Without what tells of days of which nothing is kept any more since the batch was checked, and of people."""
    lake = Lake(batch.store)
    if _is_in_lake(batch):
        return checked
    days = {name: day for name in checked.rows if (day := lake.retired(name)) is not None}
    late = {name: is_before(TABLES[name], day).fill_null(value=False) for name, day in days.items()}
    rows = {name: frame.filter(~late[name]) if name in late else frame for name, frame in checked.rows.items()}
    again = retold(lake, rows)
    if not again and not any(len(checked.rows[name].filter(late[name]).head(1).collect()) for name in late):
        return checked
    return _with_rows(batch, units, checked, left(rows, again), BEYOND)


def _without_forgotten(batch: Batch, units: list[Unit], checked: Admitted) -> Admitted:
    """Without people who were forgotten."""
    rows, bad = checked.rows, checked.bad
    barred = forgotten.everybody(batch.store)
    if not barred.people:
        return checked
    former = batch.folder / "checked" / "former.parquet"
    kept, gone = _apart(rows, barred, pl.read_parquet(former) if former.is_file() else None)
    about_them = _rejected(batch, units, bad, barred)
    left = bad.join(about_them, on=SOURCE, how="anti", maintain_order="left")
    new = dict(checked.tallies)
    for number, unit in enumerate(units):
        mine = pl.col(UNIT) == number
        theirs = bad.filter(mine).join(about_them, on=SOURCE, how="semi", maintain_order="left")
        moved = _moved(Tally(**new[unit.id]), len(gone.filter(mine)), _reasons(theirs), forgotten.REASON)
        new[unit.id] = asdict(moved)
    return Admitted(kept, left, new, by_feed(batch, checked.counts, new))


def _apart(
    rows: Mapping[str, pl.LazyFrame], barred: Group, former: pl.DataFrame | None = None
) -> tuple[dict[str, pl.LazyFrame], pl.DataFrame]:
    """Rows about others, and the source rows of which nothing is left.

    Whoever was forgotten under what they were named once (`former`) is barred under what they are named now.
    Tables are still read one by one, of each only who and whence; a person costs one keyed hash, in however many.
    """
    who = {name: forgotten.about(TABLES[name].schema) for name in rows}
    people = pl.Series("", [], dtype=pl.String)
    for name, columns in who.items():
        for column in columns:
            told = rows[name].select(pl.col(column).alias("")).unique().collect().to_series()
            people = pl.concat([people, told]).unique()
    theirs = barred.among(people)
    if former is not None:
        theirs += former.filter(pl.col("former_id").is_in(barred.among(former["former_id"])))["person_id"].to_list()
    if not theirs:
        return dict(rows), pl.DataFrame(schema=REASONS).select(SOURCE)
    is_gone = {
        name: pl.any_horizontal(pl.col(column).is_in(theirs).fill_null(value=False) for column in columns)
        for name, columns in who.items()
        if columns
    }
    left_out, kept = (pl.DataFrame(schema=REASONS).select(SOURCE) for _ in range(2))
    for name, mine in is_gone.items():
        left_out = pl.concat([left_out, rows[name].filter(mine).select(SOURCE).collect()]).unique()
    left = {name: frame.filter(~is_gone[name]) if name in is_gone else frame for name, frame in rows.items()}
    for frame in left.values():  # a row may tell of others, too
        kept = pl.concat([kept, frame.select(SOURCE).join(left_out.lazy(), on=SOURCE, how="semi").collect()]).unique()
    return left, left_out.join(kept, on=SOURCE, how="anti")


def _reasons(bad: pl.DataFrame) -> list[str]:
    """The one reason of each row of a unit."""
    return bad.unique(ROW, keep="first", maintain_order=True)["reason_code"].to_list()


def _moved(before: Tally, accepted: int, reasons: list[str], why: str) -> Tally:
    """A tally with accepted and bad rows counted as filtered instead."""
    moved = accepted + len(reasons)
    counted = Counter(before.reasons)
    counted.subtract(reasons)
    counted[why] += moved
    return Tally(
        before.rows,
        before.accepted - accepted,
        before.quarantined - len(reasons),
        before.filtered + moved,
        before.held,
        dict(sorted((+counted).items())),
    )


def _rejected(batch: Batch, units: list[Unit], bad: pl.DataFrame, barred: Group) -> pl.DataFrame:
    """unit_no and source_row of rejected rows that are about people who were forgotten.

    A row whose cells cannot be told apart is theirs when it has a word that was theirs alone.
    """
    feeds = declared.load(declared.folder()) if len(bad) else {}
    found = [pl.DataFrame(schema=REASONS).select(SOURCE)]
    for number in bad[UNIT].unique().sort():
        unit = units[number]
        if unit.feed not in feeds:
            continue
        wanted = bad.filter(pl.col(UNIT) == number)
        for part in parts(batch.place(unit) / "raw"):
            raw = pl.read_ipc(part).join(wanted, on=ROW, how="semi")
            gone = forgotten.without(barred, persons(raw, feeds[unit.feed], unit.groups))[1]
            rows = gone[ROW].to_list()
            ids = own(raw, feeds[unit.feed])
            rows += [row for row, kind, value in ids.rows() if barred.has(kind, value)]
            if LINE in raw.columns:
                lines = raw.select(ROW, LINE).drop_nulls().rows()
                rows += [row for row, text in lines if barred.is_in(text)]
            found.append(pl.DataFrame({UNIT: [number] * len(rows), ROW: rows}, schema=found[0].schema))
    return pl.concat(found).unique()
