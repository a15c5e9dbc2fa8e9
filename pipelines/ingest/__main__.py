"""Take exports in, step by step or in one go.

    python -m pipelines.ingest run [--batch B] [--replay FEED]     all of the following
    python -m pipelines.ingest discover --batch B [--replay FEED]  prints {"batch": ..., "units": [...]}
    python -m pipelines.ingest land|read|map B UNIT                one step of one unit
    python -m pipelines.ingest take B UNIT                         all three of them, mapping what is read meanwhile
    python -m pipelines.ingest validate|publish B                  the whole batch
    python -m pipelines.ingest check FEED FILE [--json]            what a file would become; writes nothing
    python -m pipelines.ingest late                                feeds whose next file is not there though it is due
    python -m pipelines.ingest held                                held files that wait for a person to decide
    python -m pipelines.ingest ask FEED SHA256                     what that person reads
    python -m pipelines.ingest decide FEED SHA256 --choice release|reject --by NAME --note WHY
    python -m pipelines.ingest decide FEED SHA256 --dag-run RUN    the same, as Airflow recorded the answer
    python -m pipelines.ingest schema                              JSON Schema of feed files, for editors
    python -m pipelines.ingest suites                              what files are held against, as JSON

A file that is not what its feed declares is held: the line says why, the exit code is 0, the batch goes on without it.
So is one that can be read and that nobody should believe unseen, such as a full file that lost people. A released file
is taken in by the next run, from its landed bytes; a rejected one never is.
`--replay FEED` reads every landed file of a feed again, as it is declared now; what the lake has already is left out.
`check` reads and maps one file as a run does, beside the store, and says for every column where it goes, how, and how
many cells were turned or rejected, and why; never what is in a cell. Its exit code is 1 when a run would hold the file
for what it is or pass it over, 0 otherwise, also when rows are rejected. Of the store in CANDOR_STORE, where that is
set, it asks which days are kept; what came before the file only a run knows.
"""

import argparse
import json
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import asdict
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

from pipelines.base import staging
from pipelines.base.errors import ContractError, SettingsError, SourceUnavailable
from pipelines.base.lake import Lake
from pipelines.base.log import get_logger
from pipelines.base.records import open_records
from pipelines.base.settings import load
from pipelines.base.stage import EXIT_ERROR, guarded, leave
from pipelines.base.store import STORE_URL, open_store
from pipelines.ingest import cadence, files
from pipelines.ingest import feeds as declared
from pipelines.ingest.admit import is_outdated
from pipelines.ingest.batch import Batch, Held, Unit, carry_over, drop, read_json, tidy, unpublished, write_json
from pipelines.ingest.check import check, let_go, noted, validator
from pipelines.ingest.decide import Deciders, Decision, File, answered, decide, listed
from pipelines.ingest.decide import page as decision_page
from pipelines.ingest.discover import discover, take_along
from pipelines.ingest.explain import Explained, explain
from pipelines.ingest.explain.page import page
from pipelines.ingest.feeds import Feed
from pipelines.ingest.land import floating, land, settle, stay
from pipelines.ingest.map import looking_elsewhere, map_unit
from pipelines.ingest.publish import Overtaken, drifted, publish
from pipelines.ingest.read import read
from pipelines.ingest.schema import schema
from pipelines.ingest.suites import suites

Step = Callable[[Batch, Unit, Mapping[str, Feed]], str]


def land_step(batch: Batch, unit: Unit, feeds: Mapping[str, Feed]) -> str:
    """Land one unit."""
    return land(batch, unit, feeds[unit.feed])


def read_step(batch: Batch, unit: Unit, feeds: Mapping[str, Feed]) -> str:
    """Read one unit."""
    report = read(batch, unit, feeds[unit.feed])
    faults = ", ".join(f"{reason} {count}" for reason, count in sorted(report.faults.items()))
    return f"read {unit.id}: {report.rows} rows" + (f", unusable: {faults}" if faults else "")


def map_step(batch: Batch, unit: Unit, feeds: Mapping[str, Feed]) -> str:
    """Map one unit."""
    return f"mapped {unit.id}: {map_unit(batch, unit, feeds)['rows']} rows"


STEPS: dict[str, Step] = {"land": land_step, "read": read_step, "map": map_step}
NAMES: Final = {
    **dict.fromkeys(("run", "discover", "schema", "suites", "held", "late"), 0),
    **dict.fromkeys(("validate", "publish"), 1),
    **dict.fromkeys((*STEPS, "take", "check", "ask", "decide"), 2),
}
"""Step -> names it takes."""
TURNS: Final = 10
"""How often a batch that was overtaken is tried again before somebody has to know: each check takes its time."""
AT_ONCE: Final = ("land", "map", "read")
"""The steps where nothing comes between them: a file is mapped while it is read, and says last how that went."""


def one(name: str, batch: Batch, unit: Unit, feeds: Mapping[str, Feed]) -> str:
    """A step of one unit; a held unit stays held and is passed over, and so is any of a batch that is checked.

    Done again after the check, with feeds as they are declared now, a step could hold what will be published.
    """
    held = batch.held(unit)
    if held is None and batch.is_checked:
        return f"checked {unit.id}"
    if held is None:
        try:
            return STEPS[name](batch, unit, feeds)
        except Held as why:
            batch.hold(unit, why)
            held = {"reason_code": why.reason_code, "message": str(why)}
    return f"held {unit.id}: {held['reason_code']}: {held['message']}"


def publish_line(report: Mapping[str, Any]) -> str:
    """What a batch came to, in one line."""
    counts = report["counts"].values()
    total = {name: sum(feed[name] for feed in counts) for name in ("in", "accepted", "quarantined", "filtered", "held")}
    manifest = f"manifest {report['manifest']}" if report["manifest"] else "no manifest"
    return (
        f"published {report['batch']} as {manifest}: {total['in']} rows in = {total['accepted']} accepted + "
        f"{total['quarantined']} quarantined + {total['filtered']} filtered; files held: {total['held']}"
        + "".join(f"; held {held['feed']}: {held['reason_code']}" for held in report["held"])
        + (f"; deliveries that come again: {report['come_again']}" if report.get("come_again") else "")
        + "".join(f"; {missed}" for found in report.get("reconciled", ()) if (missed := missed_line(found)))
    )


def missed_line(found: Mapping[str, Any]) -> str:
    """What deltas missed, as a full file tells; empty when that is nothing."""
    parts = {"differ": found["differ"], "never told": found["only_in_file"], "only in the lake": found["only_in_lake"]}
    said = ", ".join(f"{count} {what}" for what, count in parts.items() if count)
    about = f"{' and '.join(found['deltas'])} against {found['rows']} {found['table']} of {found['feed']}"
    return f"{about}: {said}" if said else ""


def run(batch: Batch, replay: str | None) -> str:
    """All steps of a batch, one after the other."""
    log = get_logger("ingest")
    if read_json(batch.folder / "published.json") is not None:
        return finish(batch)
    carry_over(batch.folder)
    if batch.is_checked:
        return finish(batch)
    finish_others(batch)
    feeds = declared.load(declared.folder())
    with ExitStack() as open_, ThreadPoolExecutor(1) as beside, floating(batch):
        ready = cache(lambda: open_.enter_context(validator()))
        plan = discover(batch, replay, ready)
        _tell(plan)
        if not plan["units"] and not plan["duplicates"]:
            waiting = ", ".join(f"{name} {count}" for name, count in plan["waiting"].items())
            return f"nothing new for batch {batch.name}" + (f"; not complete yet: {waiting}" if waiting else "")
        validate = ready()
        for name in AT_ONCE:
            for unit in batch.units():
                one(name, batch, unit, feeds)
            if name == "land":
                settled = beside.submit(settle, batch)  # a disk needs no processor
            log.info("step_done", step=name, units=len(plan["units"]))
        for unit in batch.units():
            if held := batch.held(unit):
                log.warning("file_held", feed=unit.feed, reason_code=held["reason_code"], message=held["message"])
        check(batch, feeds, validate)
        _tell_new(batch)
        settled.result()  # a disk tells a fault once only
    return finish(batch)


def _tell_new(batch: Batch) -> None:
    """Log which feeds have columns that they had not before; the report names them."""
    for said in drifted(batch):
        get_logger("ingest").warning("new_columns", feed=said["feed"], count=said["columns"], files=said["files"])


def _tell(plan: Mapping[str, Any]) -> None:
    """Log what of the feeds was seen and is not in the plan."""
    log = get_logger("ingest")
    for name, count in plan["waiting"].items():
        log.info("files_wait", feed=name, count=count)
    for name, reasons in plan.get("passed_over", {}).items():
        log.warning("files_passed_over", feed=name, **reasons)
    for name, told in plan.get("late", {}).items():
        log.warning("feed_late", feed=name, **told)


def undecided(batch: Batch) -> list[dict[str, str]]:
    """Held files of a published batch that wait for a person: feed and digest."""
    held = [(held["feed"], held["file_sha256"]) for held in read_json(batch.folder / "published.json")["held"]]
    waiting = [
        (feed, sha256)
        for feed, sha256 in held
        if any(record.batch == batch.name for record in files.of_status(batch.store, feed, sha256, "held"))
    ]
    return [{"feed": feed, "file": sha256} for feed, sha256 in waiting]


def catch_up(batch: Batch) -> bool:
    """Check a batch anew that another was published before: its check left out what was known then, and is news now.

    What the other one took in may be of later days, or be looked up in files of this one: it is read again with them.
    What of this one is looked up in files of the other is mapped again.
    What comes in between here and the lock of publishing is seen there, and the batch comes here again.

    Returns:
        Whether there was anything to catch up with.
    """
    mark = batch.folder / "overtaken.json"
    if not is_outdated(batch) and not (mark.is_file() and not batch.is_checked):
        return False
    write_json(mark, {})
    drop(batch.folder / "checked")
    feeds = declared.load(declared.folder())
    take_along(batch, feeds)
    for unit in looking_elsewhere(batch, feeds, noted(batch, batch.units())):
        drop(batch.place(unit) / "mapped")
    for name in AT_ONCE:
        for unit in batch.units():
            one(name, batch, unit, feeds)
    check(batch, feeds)
    get_logger("ingest").info("checked_anew", batch=batch.name)
    return True


def finish(batch: Batch) -> str:
    """Publish, note it, tidy up.

    Raises:
        SourceUnavailable: Whenever the batch was checked, another one had been published meanwhile.
    """
    report = read_json(batch.folder / "published.json")
    if report is None:
        finish_others(batch)
        stay(batch, declared.load(declared.folder()))
        report = _published(batch)
    write_json(batch.folder / "published.json", report)
    tidy(batch.store)
    return publish_line(report)


def finish_others(batch: Batch) -> None:
    """Publish to their end batches whose publish was killed, and that nobody is at work at.

    Their rows are in the lake, and as long as the register does not know their files these are news to this batch:
    rows that were rejected would be in quarantine twice. One that cannot be ended is told and holds up nobody.
    """
    others = [other for other in unpublished(batch.store) if other.name != batch.name]
    shown = {manifest.batch_id for manifest in Lake(batch.store).manifests()} if others else set()
    for other in others:
        if other.name in shown:
            with staging.claimed(other.folder) as is_mine:
                if is_mine:
                    _end(other)


def _end(batch: Batch) -> None:
    log = get_logger("ingest")
    try:
        carry_over(batch.folder)
        log.info("publish_ended", batch=batch.name, line=finish(batch))
    except (ContractError, SourceUnavailable) as why:
        log.warning("publish_not_ended", batch=batch.name, why=str(why))
    except (OSError, TypeError, ValueError) as why:  # its folder is damaged; the words may be of a person's cell
        log.warning("publish_not_ended", batch=batch.name, why=type(why).__name__)


def _published(batch: Batch) -> dict[str, Any]:
    for _ in range(TURNS):
        if catch_up(batch):  # and there may be more now that it took others along
            continue
        with suppress(Overtaken), ThreadPoolExecutor(1) as beside:  # freeing takes a quarter of publishing's time
            dropped = beside.submit(let_go, batch)
            try:
                return publish(batch)
            finally:
                dropped.result()
    raise SourceUnavailable(
        f"The lake must stay as it is while batch {batch.name} is checked and published; in {TURNS} rounds "
        "other batches came between. Nothing is lost: run it again once they are done."
    )


def main(argv: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m pipelines.ingest", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("step", choices=list(NAMES))
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help="batch and unit, as `discover` printed them; for `check` a feed and a file; for `decide` feed and sha256",
    )
    parser.add_argument("--batch", help="name of the batch; `run` makes one from the time")
    parser.add_argument("--replay", metavar="FEED", help="read landed files of this feed again")
    parser.add_argument("--json", action="store_true", help="`check` for machines")
    parser.add_argument("--dag-run", metavar="RUN", help="the run that asked; Airflow's record of it decides")
    parser.add_argument("--choice", choices=["release", "reject"], help="`decide` without Airflow")
    parser.add_argument("--by", metavar="NAME", help="who decides")
    parser.add_argument("--note", metavar="WHY", help="why; goes into the ledger, so name no person")
    given = parser.parse_args(argv)
    wanted = NAMES[given.step]
    if len(given.names) != wanted or (given.step == "discover" and not given.batch):
        parser.error(f"{given.step} takes {wanted} names" + (" and --batch" if given.step == "discover" else ""))
    if given.step == "decide" and (given.dag_run is None) == (None in (given.choice, given.by, given.note)):
        parser.error("decide takes either --dag-run, or --choice, --by and --note")
    if given.step == "check":
        return checked(given.names[0], Path(given.names[1]), given.json)
    alone = {
        "schema": schema,
        "suites": suites,
        "late": _late,
        "held": _held,
        "ask": lambda: _ask(given),
        "decide": lambda: _decide(given),
    }
    return guarded(alone.get(given.step, lambda: _step(given)))


def checked(name: str, path: Path, as_json: bool) -> int:
    """Print what a file would become; the exit code says whether a run would take it in."""
    done: list[Explained] = []

    def step() -> str:
        feeds = declared.load(declared.folder())
        if name not in feeds:
            raise SettingsError(f"FEED must name a feed; {name} is none of {', '.join(feeds)}. Correct it.")
        done.append(explain(feeds, feeds[name], path, _kept_from(feeds[name])))
        return json.dumps(asdict(done[0]), indent=1, ensure_ascii=False) if as_json else page(done[0])

    code = guarded(step)
    return EXIT_ERROR if done and done[0].is_refused else code


def _kept_from(feed: Feed) -> Mapping[str, date] | None:
    """Table of a feed -> day before which the lake keeps nothing of it; None when nobody says where the store is."""
    if not os.environ.get(STORE_URL):
        return None
    lake = Lake(open_store())
    days = {mapped.table: lake.retired(mapped.table) for mapped in feed.tables}
    return {table: day for table, day in days.items() if day is not None}


def _late() -> str:
    return cadence.listed(open_store(), datetime.now(UTC).date())


def _held() -> str:
    feeds = declared.load(declared.folder())
    return "\n".join(listed(open_store(), feeds)) or "no file waits for a decision"


def _ask(given: argparse.Namespace) -> str:
    return decision_page(open_store(), File(*given.names))


def _decide(given: argparse.Namespace) -> str:
    store, file = open_store(), File(*given.names)
    if given.dag_run is None:
        return decide(store, file, Decision(given.choice, given.by, given.note))
    deciders = load(Deciders, "ingest").deciders
    return decide(store, file, answered(store, open_records(), file, given.dag_run, deciders))


def _step(given: argparse.Namespace) -> str:
    name = given.names[0] if given.names else given.batch or datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    batch = Batch(open_store(), name)
    with batch.at_work():
        return _of_batch(batch, given)


def _of_batch(batch: Batch, given: argparse.Namespace) -> str:
    if given.step == "run":
        return run(batch, given.replay)
    if given.step == "discover":
        finish_others(batch)
        plan = discover(batch, given.replay)
        _tell(plan)
        largest_first = sorted(plan["units"], key=lambda unit: -unit["size"])  # the longest task must not begin last
        return json.dumps({"batch": plan["batch"], "units": [unit["id"] for unit in largest_first]})
    carry_over(batch.folder)
    feeds = declared.load(declared.folder())
    if given.step == "validate":
        counts = check(batch, feeds)
        let_go(batch)
        _tell_new(batch)
        return f"validated {batch.name}: " + ", ".join(f"{k} {v['accepted']}/{v['in']}" for k, v in counts.items())
    if given.step == "publish":
        return f"{finish(batch)}\n{json.dumps({'held': undecided(batch)})}"
    unit = batch.unit(given.names[1])
    if given.step != "take":
        return one(given.step, batch, unit, feeds)
    with floating(batch) as afloat:
        lines = [one(name, batch, unit, feeds) for name in AT_ONCE]
        afloat.wait()
    return "\n".join(lines)


if __name__ == "__main__":
    os.environ.setdefault(
        "OPENBLAS_NUM_THREADS", "1"
    )  # NumPy's threads, here and in `validate`, would only wait, busily
    leave(main())
