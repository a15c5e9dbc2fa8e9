"""Make the bias audit package of Local Law 144, or prove one; count what the law could cost.

    python -m monitoring.ll144 make --since DAY --until DAY --explanation TEXT [--of released|shadow|candidate] ...
    python -m monitoring.ll144 verify PACKAGE.zip
    python -m monitoring.ll144 exposure

`make` counts the applications that a screening model scored as of the days of the period, by sex and race/ethnicity,
writes the package into the store's reports zone under its digest, records it in the ledger and prints one JSON line.
Made again from the same data and words it is the same. What is on file must be what the ledger says was scored; how
many scorings a later one took the place of is stated. It needs CANDOR_AUDIT_KEY. `--of candidate` takes what the stage
`score` left in this checkout: an audit before first use.

`verify` needs neither store nor key. It makes the package again from its own counts and names every file and cell that
differs, and then exits with 1.

`exposure` counts days of use without a bias audit and people without a notice (`penalties`), of all that screening ever
scored outside shadow. Who may be in the city counts, so `law.locations` in params.yaml makes the number smaller. Beside
it stands what was last said about the output's part in decisions (`pipelines.publish scope`), if anything was.
"""

import argparse
import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import polars as pl

from monitoring import released, tables
from monitoring.ll144 import bundle, penalties, proof
from monitoring.ll144.counted import Counted, counted
from monitoring.ll144.facts import stated
from monitoring.ll144.scorings import scorings
from monitoring.ll144.stored import keep
from pipelines import audit, models
from pipelines.audit.shown import noticed, shown
from pipelines.base import catalog, known, people, releases
from pipelines.base.digests import sha256_bytes
from pipelines.base.errors import ContractError, SettingsError
from pipelines.base.lake import Lake
from pipelines.base.settings import Law, load
from pipelines.base.stage import guarded, leave
from pipelines.base.store import Store, open_store
from pipelines.evaluate import groups
from pipelines.fairness import RULES, law
from pipelines.fairness.statutory import unknown
from pipelines.gate import GateSettings
from pipelines.publish import scopes
from pipelines.score import places

FAMILY: Final = "screening"
"""The one family that screens candidates for employment."""
LAW: Final = "us-nyc-ll144"


def make(args: argparse.Namespace) -> str:
    """The line of `make`.

    Raises:
        ContractError: There is no such model, it scored nobody in the period, what is on file is no scoring on record,
            or groups are not those of the law.
        SettingsError: The facts are not complete or cannot be, the audit is of no day though an auditor is named, of a
            later one than today or an earlier one than the last scoring, or the law was not in force on it; or --to
            names no folder.
    """
    args = argparse.Namespace(**vars(args) | {"audited_on": _audited_on(args)})
    if args.distributed_on and args.distributed_on > datetime.now(UTC).date():
        raise SettingsError(f"A first use must have been; got {args.distributed_on}. Leave out --distributed-on.")
    if args.of != "released" and args.source == "historical":
        raise SettingsError(
            f"Historical data come from use of the tool; a model that is {args.of} has none. Use --source test, and "
            "say with --why-not-historical how the data came to be."
        )
    if args.to is not None and not args.to.absolute().parent.is_dir():
        raise SettingsError(
            "A package can only be written into a folder that is there; --to names none. Make it first."
        )
    store = open_store()
    pack = law.current(LAW, args.audited_on)
    scored, about = _candidate(args) if args.of == "candidate" else _scored(store, args)
    lake = Lake(store)
    manifest = lake.require()
    # Scores keep the pseudonym of their day; groups have the one that stands for the human as known now.
    scored = people.resolve(scored, known.links(lake, manifest, args.until))
    found = counted(scored, groups.read(lake, manifest, args.until), models.features(FAMILY).UNIT, pack.categories)
    facts = stated(_facts(args, about, found, scored, pack))
    cells = list(found.cells)
    data = bundle.packed(bundle.files(bundle.inputs(facts, cells, law.text_of(pack)), facts, cells))
    kept = keep(store, data, facts)
    if args.to is not None:
        store.download(kept.key, args.to)
    applicants, lost = sum(cell.applicants for cell in cells), unknown(cells)["either"]
    return json.dumps({"sha256": kept.sha256, "key": kept.key, "applicants": applicants, "unknown": lost})


def verify(package: Path) -> str:
    """The line of `verify`.

    Raises:
        ContractError: Names every fault.
    """
    try:
        data = package.read_bytes()
    except OSError:
        raise ContractError("A package must be a file that can be read; this one cannot. Correct the path.") from None
    faults = proof.verify(data)
    if faults:
        raise ContractError(
            f"A package must follow from its counts; {len(faults)} faults. {' '.join(faults)} Ask for the original."
        )
    maker = " It was made by another Candor, to the same bytes." if proof.is_of_another_candor(data) else ""
    return (
        f"The package is whole: every number follows from its counts.{maker} sha256 {sha256_bytes(data)}. Only the "
        "ledger's entry audit:packaged with this sha256 proves where it comes from."
    )


def exposure() -> str:
    """The line of `exposure`.

    Raises:
        ContractError: The ledger does not say what it must.
    """
    store, today = open_store(), datetime.now(UTC).date()
    pack, settings = law.current(LAW, today), load(Law, "law")
    ledger = list(audit.entries(store))
    used = penalties.uses(ledger, FAMILY)
    found = penalties.counted(
        used,
        _in_the_city(store, pack.jurisdiction, settings, today) if used else {},
        shown(store, FAMILY).audits,
        noticed(ledger, FAMILY, LAW),
        pack,
    )
    return json.dumps({"law": LAW, "until": today.isoformat(), **found, "scope": scopes.stated(store, FAMILY, LAW)})


def _in_the_city(store: Store, place: str, settings: Law, today: date) -> dict[penalties.Scored, set[str]]:
    """Whom each scoring on file was about that may be in the place, as is known today."""
    rows = tables.read(store, tables.SCORED, FAMILY, tables.days(store, tables.SCORED, FAMILY))
    if rows.is_empty():
        return {}
    rows = rows.filter(pl.col("scorer") == "model")
    if "is_shadow" in rows.columns:
        rows = rows.filter(~pl.col("is_shadow").fill_null(value=False))
    lake = Lake(store)
    manifest = lake.require()
    rows = people.resolve(rows, known.links(lake, manifest)).select("as_of", "model_sha256", "person_id", "subject_id")
    cases = rows.select("person_id", "subject_id").unique(maintain_order=True)
    elsewhere, _ = places.allowed(
        cases, store=store, manifest=manifest, family=FAMILY, as_of=today, stopped=[place], settings=settings
    )
    there = rows.join(elsewhere, on=["person_id", "subject_id"], how="anti")
    found: dict[penalties.Scored, set[str]] = {key: set() for key in rows.select("as_of", "model_sha256").iter_rows()}
    for as_of, model, person in there.select("as_of", "model_sha256", "person_id").iter_rows():
        found[as_of, model].add(person)
    return found


def _audited_on(args: argparse.Namespace) -> date:
    """The day of the audit. An auditor's is never taken for granted: last year's, made again, would be of today."""
    today = datetime.now(UTC).date()
    if args.auditor and args.audited_on is None:
        raise SettingsError(
            "An auditor's audit must say its day, from which the law's year runs; it does not. Give --audited-on."
        )
    on: date = args.audited_on or today
    if on > today:
        raise SettingsError(f"An audit must not be of a later day than today; got {on}. Correct the date.")
    return on


def _scored(store: Store, args: argparse.Namespace) -> tuple[pl.DataFrame, dict[str, Any]]:
    """What a released model scored as of the days of the period, and what is known of it."""
    is_shadow = args.of == "shadow"
    if not is_shadow and args.release is None:
        released.live(store, FAMILY)  # else what is newest is nothing that anybody was scored by
    pointers = releases.shadows(store, FAMILY) if is_shadow else released.history(store, FAMILY)
    chosen = [item for item in pointers if args.release is None or item.sequence == args.release]
    if not chosen:
        raise ContractError(f"An audit must be of a model that is {args.of}; there is none. Choose another with --of.")
    release = chosen[-1]
    rows = tables.read(store, tables.SCORED, FAMILY, tables.days(store, tables.SCORED, FAMILY))
    if rows.is_empty():
        raise ContractError(f"An audit must have scores; {FAMILY} has none yet. Wait for the first scoring.")
    ours = rows.filter(pl.col("scorer") == "model", pl.col("model_sha256") == release.model_sha256)
    if "is_shadow" in ours.columns:
        ours = ours.filter(pl.col("is_shadow") == is_shadow)
    ours = _within(ours, args)
    period = {"since": args.since, "until": args.until}
    known = scorings(ours, audit.entries(store), FAMILY, release.model_sha256, is_shadow=is_shadow, **period)
    return ours, {
        "model": release.id,
        "model_sha256": release.model_sha256,
        "data_sha256": release.data_sha256,
        "distributed_on": None if is_shadow else known.first_used_on,
        "scored_on": known.scored_on,
        "lost_scorings": known.lost,
        "forgotten_rows": known.forgotten,
    }


def _candidate(args: argparse.Namespace) -> tuple[pl.DataFrame, dict[str, Any]]:
    """What `score` left in this checkout for the cases that the candidate was tested on."""
    place = catalog.stage_dir(FAMILY, catalog.SCORED) / "scored.parquet"
    if not place.exists():
        raise ContractError(f"A candidate must be scored in this checkout; {place} is missing. Run `dvc repro` first.")
    rows = pl.read_parquet(place).filter(pl.col("scorer") == "model")
    digests = rows.select("model_sha256", "data_sha256").unique()
    if len(digests) != 1:
        raise ContractError(f"A candidate must be one model; {place} has {len(digests)}. Run `dvc repro` again.")
    about = {"model": f"{FAMILY} candidate", "distributed_on": None, "scored_on": ()}
    return _within(rows, args), {**about, "lost_scorings": 0, "forgotten_rows": 0, **digests.row(0, named=True)}


def _within(rows: pl.DataFrame, args: argparse.Namespace) -> pl.DataFrame:
    return rows.filter(pl.col("as_of").is_between(args.since, args.until))


def _facts(
    args: argparse.Namespace, about: dict[str, Any], found: Counted, scored: pl.DataFrame, pack: law.Pack
) -> dict[str, Any]:
    said = {name: getattr(args, name) for name in ("since", "until", "audited_on", "source", "explanation", "auditor")}
    return {
        "family": FAMILY,
        **about,
        **said,
        **({"distributed_on": args.distributed_on} if args.distributed_on else {}),
        "why_not_historical": args.why_not_historical,
        "exclusion_justification": args.exclude_small,
        "scored_as_of": tuple(sorted(set(scored["as_of"].to_list()))),
        "median": found.median,
        "ties": found.ties,
        "extract_sha256": found.extract_sha256,
        "law": pack.code,
        "law_sha256": pack.sha256,
        "categories": pack.categories,
        "small_share": pack.small_share,
        "rules": RULES.code,
        "min_group_size": load(GateSettings, "gate").min_group_size,
        "made_by_sha256": bundle.made_by(),
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m monitoring.ll144", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    one = verbs.add_parser("make", help="write a package and record it")
    one.add_argument("--of", choices=("released", "shadow", "candidate"), default="released", help="which model")
    one.add_argument("--release", type=int, help="number of the release; the newest by default")
    one.add_argument("--since", type=date.fromisoformat, required=True, help="first day as of which people were scored")
    one.add_argument("--until", type=date.fromisoformat, required=True, help="last one")
    one.add_argument(
        "--audited-on", type=date.fromisoformat, help="audit date; today by default, but never with --auditor"
    )
    one.add_argument(
        "--distributed-on", type=date.fromisoformat, help="day of first use; by default that of the ledger"
    )
    one.add_argument("--source", choices=("historical", "pooled", "test"), default="historical", help="of the data")
    one.add_argument("--explanation", required=True, help="of the data, for the public")
    one.add_argument("--why-not-historical", help="why other data, and how they came to be")
    one.add_argument("--auditor", help="the independent auditor, and that there is no tie")
    one.add_argument("--exclude-small", metavar="JUSTIFICATION", help="leave small categories out of the ratios")
    one.add_argument("--to", type=Path, help="write the zip here as well")
    verbs.add_parser("exposure", help="count days without an audit, people without a notice, and what they could cost")
    verbs.add_parser("verify", help="prove a package").add_argument("package", type=Path, help="the zip")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; the docstring of this module is its help."""
    args = _parser().parse_args(argv)
    if args.verb == "exposure":
        return guarded(exposure)
    return guarded(lambda: make(args) if args.verb == "make" else verify(args.package))


if __name__ == "__main__":
    leave(main())
