"""Make a checked batch visible: the lake and the vault by one manifest, quarantine, the ledger, the register of files.

Reads   checked     tables and reasons of the batch
Writes  lake, vault one manifest
        quarantine  <batch>/<unit>.json (reason codes in clear), <batch>/<unit>.sealed (the rows, under the vault key)
        ledger      file:ingested, once a file; deltas:reconciled, once a full file and table
        reports     ingest/<batch>.json: counts a feed, checks, held files, duplicate deliveries, what deltas missed,
                    new columns, flagged documents; how many deliveries of known bytes say something else since another
                    batch was published, and come up again by themselves

The register comes last: a publish that was killed is repeated, and every step of it changes nothing the second time.
"""

import json
from collections import Counter
from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Any, Final, Literal

import polars as pl

from pipelines import audit
from pipelines.base.catalog import QUARANTINE, REPORTS
from pipelines.base.contracts import TABLES
from pipelines.base.lake import PUBLISHING, Lake
from pipelines.base.pseudonyms import VAULT_KEY, secret
from pipelines.base.sealed import seal_frame
from pipelines.ingest import decide, files
from pipelines.ingest import feeds as declared
from pipelines.ingest.admit import DUPLICATE, REJECTED, admit, gone, is_outdated, repeated
from pipelines.ingest.again import cells
from pipelines.ingest.batch import Batch, Unit, read_json, unit_record
from pipelines.ingest.check import numbered
from pipelines.ingest.counts import Tally
from pipelines.ingest.dedupe import UNIT
from pipelines.ingest.discover import known_as
from pipelines.ingest.flags import flagged
from pipelines.ingest.land import CHANGED, EXPIRED, settle
from pipelines.ingest.plausible import JOINED, PREDECESSOR
from pipelines.ingest.read import FAULT, ROW
from pipelines.ingest.suites import asked
from pipelines.ingest.unread import NEW

WAITING: Final = (PREDECESSOR, JOINED)
"""Why a file is held that waits for another one, and comes up again by itself."""
PASSING: Final = (*WAITING, EXPIRED, CHANGED)
"""Why a file is held without a word in the register: what became of an expired one when it could be read stays known,
one that changed while it was landed has other bytes now."""
Status = Literal["published", "held", "duplicate", "rejected"]
_LEFT_OUT: Final[Mapping[str, Status]] = {REJECTED: "rejected", DUPLICATE: "duplicate"}


class Overtaken(Exception):  # not an error of the program: the batch is checked anew
    """Another batch was published, which changes what this one has to say."""


def publish(batch: Batch) -> dict[str, Any]:
    """Publish a batch; the same batch again changes nothing.

    Args:
        batch: Checked.

    Returns:
        The report: counts a feed, manifest number, held files, duplicate deliveries, flagged documents.

    Raises:
        Overtaken: Another batch came between, and this one has to be checked anew.
    """
    with batch.store.lock(PUBLISHING):
        _rename(batch)
        if is_outdated(batch):
            raise Overtaken
        settle(batch)  # what the register will name
        units = numbered(batch)
        left_out = gone(batch, units)
        admitted = admit(batch, units, left_out)
        counts, duplicates = _with_duplicates(batch, repeated(batch), admitted.counts, admitted.tallies)
        is_known = {unit.id for unit in units} == {unit for unit, why in left_out.items() if why == DUPLICATE}
        seq = None if is_known else _lake(batch, units, admitted.rows, counts)
        _quarantine(batch, units, admitted.bad)
        reconciled = _reconciled(batch, {unit.sha256 for unit in units if unit.id not in left_out})
        _register(batch, admitted.tallies, duplicates, left_out, seq)
    report = _report(batch, counts, seq, len(duplicates), reconciled) | {"flags": flagged(units, admitted.rows)}
    batch.store.put(f"{REPORTS}/ingest/{batch.name}.json", json.dumps(report, sort_keys=True, indent=1).encode())
    return report


def _rename(batch: Batch) -> None:
    """Plan files under the names that the register has for them now: else what an erasure took would be back."""
    planned = {"units": batch.units(), "duplicates": batch.duplicates()}
    known = {kind: [known_as(batch.store, unit) for unit in units] for kind, units in planned.items()}
    if known != planned:
        batch.write_plan(batch.plan | {kind: [unit_record(unit) for unit in units] for kind, units in known.items()})


def _register(
    batch: Batch,
    tallies: Mapping[str, Any],
    duplicates: list[tuple[Unit, int]],
    left_out: Mapping[str, str],
    seq: int | None,
) -> None:
    """Held files, the ledger and the register of files, which has word already of what is left out."""
    waiting = set(decide.released(batch.store))
    newest = Lake(batch.store).manifest() if seq is None else None
    number = seq or (newest.seq if newest else 0)
    place = -1
    for place, unit in enumerate(batch.units()):
        since = files.in_order(number, place)
        held = batch.held(unit)
        facts = tallies.get(unit.id, {})
        records = files.find(batch.store, unit.feed, unit.sha256)
        known = {record.status for record in records if record.name == unit.name}
        if held is not None:
            _hold(batch, unit, held)
        why = left_out.get(unit.id)
        status: Status = "held" if held else "published" if why is None else _LEFT_OUT[why]
        _note(batch, unit, status, facts)
        if status == "published" or (status == "held" and held is not None and _is_news(held, known)):
            files.enter(batch.store, _record(batch, unit, status, facts, since))
        if status == "published" and (unit.is_released or not unit.is_replay):
            for record in files.of_status(batch.store, unit.feed, unit.sha256, "held"):  # under another name
                files.enter(batch.store, replace(record, status="duplicate", since=since))
        is_settled = held is None or held["reason_code"] not in WAITING
        if (unit.feed, unit.sha256) in waiting and is_settled:  # held again, somebody must decide again
            decide.close(batch.store, unit.feed, unit.sha256)
    for after, (unit, rows) in enumerate(duplicates, place + 1):
        if any(
            record.name == unit.name for record in files.of_status(batch.store, unit.feed, unit.sha256, "published")
        ):
            continue  # by another batch since the plan: that one has the counts
        files.enter(batch.store, _record(batch, unit, "duplicate", {"rows": rows}, files.in_order(number, after)))


def _reconciled(batch: Batch, taken: Collection[str]) -> list[dict[str, Any]]:
    """What full files that are taken in said about deltas, noted in the ledger."""
    # A batch that was checked by an older version has none.
    said: list[dict[str, Any]] = read_json(batch.folder / "checked" / "reconciled.json") or []
    kept = [found for found in said if found["file_sha256"] in taken]
    for found in kept:
        facts = {name: value for name, value in found.items() if isinstance(value, (int, str)) and name != "feed"}
        facts["deltas"] = ", ".join(found["deltas"])
        audit.append(batch.store, audit.Tag.DELTAS_RECONCILED, found["feed"], once=True, batch=batch.name, **facts)
    return kept


def _is_news(held: Mapping[str, str], known: AbstractSet[str]) -> bool:
    """Whether the register must say that a file is held: not of one that was taken in, whatever it is read as now."""
    return held["reason_code"] not in PASSING and known.isdisjoint(("published", "duplicate", "rejected"))


def _lake(batch: Batch, units: list[Unit], rows: Mapping[str, pl.LazyFrame], counts: Mapping[str, Any]) -> int | None:
    """One manifest for all tables; none when no file could be used."""
    if not units:
        return None
    file_id = pl.col(UNIT).replace_strict(range(len(units)), [unit.sha256 for unit in units], return_dtype=pl.String)
    frames: dict[str, pl.LazyFrame] = {}
    vault_frames: dict[str, pl.LazyFrame] = {}
    for name, taken in rows.items():
        frame = taken.with_columns(file_id.alias("file_id"))
        (frames if TABLES[name].zone == "lake" else vault_frames)[name] = frame
    return Lake(batch.store).add(batch.name, frames, vault_frames, counts).seq


def _with_duplicates(
    batch: Batch, again: list[Unit], counts: dict[str, Any], tallies: Mapping[str, Any]
) -> tuple[dict[str, Any], list[tuple[Unit, int]]]:
    """Counts with duplicate deliveries as filtered rows: as many as their first delivery had."""
    found = []
    for unit in again:
        rows = _rows_before(batch, unit, tallies)
        found.append((unit, rows))
        before = counts.get(unit.feed, Tally().to_json())
        reasons = {**before["reasons"], DUPLICATE: before["reasons"].get(DUPLICATE, 0) + rows}
        counts[unit.feed] = {
            **before,
            "in": before["in"] + rows,
            "filtered": before["filtered"] + rows,
            "reasons": reasons,
        }
    return counts, found


def _rows_before(batch: Batch, unit: Unit, tallies: Mapping[str, Any]) -> int:
    """Rows of the first delivery of the same bytes, in this batch or before; 0 when that one is held."""
    if unit.id in tallies:
        return int(tallies[unit.id]["rows"])
    records = files.find(batch.store, unit.feed, unit.sha256)
    return max((int(record.counts.get("rows", 0)) for record in records), default=0)


def _quarantine(batch: Batch, units: list[Unit], bad: pl.DataFrame) -> None:
    """Rejected rows, reasons in clear and cells sealed; text of documents is never copied, landing has it."""
    for number, unit in enumerate(units):
        reasons = bad.filter(pl.col(UNIT) == number).drop(UNIT)
        if reasons.is_empty() or batch.store.exists(_key(batch, unit, "json")):
            continue
        rows = (frame.drop("text", FAULT, strict=False) for frame in cells(batch, unit, reasons.select(ROW).unique()))
        payload = pl.concat(rows, how="diagonal")
        batch.store.put(_key(batch, unit, "sealed"), seal_frame(secret(VAULT_KEY), payload))
        entry = {**_about(unit), "held": False, "rows": reasons.to_dicts()}
        batch.store.put(_key(batch, unit, "json"), json.dumps(entry, sort_keys=True).encode())


def _hold(batch: Batch, unit: Unit, held: Mapping[str, str]) -> None:
    entry = {**_about(unit), "held": True, **held, "rows": []}
    batch.store.put(_key(batch, unit, "json"), json.dumps(entry, sort_keys=True).encode())


def _key(batch: Batch, unit: Unit, kind: str) -> str:
    return f"{QUARANTINE}/{batch.name}/{unit.id}.{kind}"


def _about(unit: Unit) -> dict[str, str]:
    return {"feed": unit.feed, "file_id": unit.sha256, "landing_key": unit.landing_key, "feed_sha256": unit.feed_sha256}


def _note(batch: Batch, unit: Unit, status: str, tally: Mapping[str, Any]) -> None:
    """The ledger's entry. File names stay out: they may hold a person's number."""
    kept = ("rows", "accepted", "quarantined", "filtered")
    audit.append(
        batch.store,
        audit.Tag.FILE_INGESTED,
        unit.feed,
        once=True,
        batch=batch.name,
        file_sha256=unit.sha256,
        status=status,
        **{name: int(tally.get(name, 0)) for name in kept},
    )


def _record(batch: Batch, unit: Unit, status: Status, tally: Mapping[str, Any], since: int) -> files.Record:
    """What the register says. Of documents that are read again only those that an erasure has left since."""
    known = files.find(batch.store, unit.feed, unit.sha256) if unit.is_replay else []
    before = next((record for record in known if record.name == unit.name), None)
    was_taken_in = before is not None and before.status in ("published", "duplicate")
    documents = before.documents if before is not None and unit.documents else unit.documents
    weighed = {name: _weighed(batch, unit, name) if status == "published" else {} for name in ("filled", "lengths")}
    return files.Record(
        unit.feed,
        unit.name,
        unit.sha256,
        unit.groups,
        batch.name,
        status,
        unit.feed_sha256,
        unit.landing_key,
        tally,
        unit.size,
        documents,
        unit.manifest,
        **weighed,
        unread=_unread(batch, unit) if status == "published" else None,
        since=before.since if before is not None and was_taken_in else since,
    )


def _weighed(batch: Batch, unit: Unit, name: str) -> Mapping[str, Any]:
    """What the next files are held against; a batch that was checked by an older version may have none."""
    return dict((read_json(batch.folder / "checked" / f"{name}.json") or {}).get(unit.id, {}))


def _unread(batch: Batch, unit: Unit) -> tuple[str, ...] | None:
    """Columns that no rule reads; None where nobody looked."""
    found = (read_json(batch.folder / "checked" / "unread.json") or {}).get(unit.id)
    return None if found is None else tuple(found)


def _report(
    batch: Batch, counts: Mapping[str, Any], seq: int | None, duplicates: int, reconciled: list[dict[str, Any]]
) -> dict[str, Any]:
    held = [
        {"feed": unit.feed, "file_sha256": unit.sha256, "reason_code": why["reason_code"], "message": why["message"]}
        for unit in batch.units()
        if (why := batch.held(unit)) is not None
    ]
    return {
        "batch": batch.name,
        "manifest": seq,
        "counts": counts,
        "held": held,
        "duplicate_deliveries": duplicates,
        "come_again": len(batch.duplicates()) - duplicates,
        "checks": [*(read_json(batch.folder / "checked" / "findings.json") or ()), *_files(batch)],
        "reconciled": reconciled,
        "drift": drifted(batch),
    }


def _files(batch: Batch) -> list[dict[str, Any]]:
    """What files were held against and why they were held, and which have new columns: of a feed's files how many.

    One that is held for one thing is not asked about the others.
    """
    files_of = Counter(unit.feed for unit in batch.units())
    held = Counter((unit.feed, why["reason_code"]) for unit in batch.units() if (why := batch.held(unit)) is not None)
    sound = files_of - Counter(unit.feed for unit in batch.units() if batch.held(unit) is not None)
    feeds = declared.load(declared.folder())
    level: dict[tuple[str, str], str] = dict.fromkeys(sorted(held), "file")
    for name in [name for name in feeds if files_of[name]]:
        level |= {(name, one.reason_code): one.level for one in asked(feeds[name]) if one.severity == "hold"}
    found = [
        (feed, code, sound[feed] + held[feed, code], held[feed, code], "hold", level[feed, code])
        for feed, code in level
    ]
    found += [(said["feed"], NEW, files_of[said["feed"]], said["files"], "warn", "file") for said in drifted(batch)]
    return [
        {"table": feed, "reason_code": code, "checked": checked, "failed": failed, "severity": severity}
        | {"level": of, "mostly": 1.0, "is_met": not failed}
        for feed, code, checked, failed, severity, of in found
        if checked
    ]


def drifted(batch: Batch) -> list[dict[str, Any]]:
    """New columns of a checked batch, as `drift` told them; of one that an older version checked nothing."""
    return list(read_json(batch.folder / "checked" / "drift.json") or ())
