"""Dated scoring: current people with the released model, and how earlier cases ended.

Reads   lake       the newest manifest, as known at the end of the day
        releases   the live release, if the ledger vouches for it, or the one in shadow, every file checked against its
                   digest
        proposals  the candidate beside it
        switches   whether scoring is stopped, all the while
        ledger     notices and bias audits, where `law.jurisdictions` names places, and for a model in shadow impact
                   assessments alone, which are asked of any
Writes  scores/scored, scores/inputs, scores/outcomes   one partition a family and day, replaced whole
        scores/exports                                  the file for the ATS or LMS, of mandatory training what is due,
                                                        and scores foreseen; never for a model in shadow
        ledger     people:scored, once for the same rows, with the digests of that file; before the file is there

The day is never later than what the family's tables speak of. Scoring a day again with the same release and lake
gives the same rows. When somebody is forgotten between reading and writing, or a law's answer for a place changes,
both are done again.
"""

import json
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, Final

import polars as pl

from pipelines import audit
from pipelines.audit import vouched
from pipelines.base import delta, known, releases
from pipelines.base.catalog import SCORES
from pipelines.base.contracts import OUTCOMES, SCORED, conform, is_abstained
from pipelines.base.digests import sha256_bytes, sha256_frame
from pipelines.base.errors import CandorError, ContractError, GateRefused, SourceUnavailable
from pipelines.base.lake import Lake, Manifest
from pipelines.base.log import get_logger
from pipelines.base.releases import Release
from pipelines.base.settings import Law, Signers, check, load
from pipelines.base.store import Store, open_store
from pipelines.models import features
from pipelines.score import beside, export, places, rows, spread, switch

NOTHING: Final = "nothing_released"
UNCHANGED: Final = "unchanged"
"""The same release scored the same lake as of the same day before: scoring again would give the same rows."""
_LOCK: Final = "scores"
_OF_THE_ROWS: Final = ("rows", "scored_sha256", "export_sha256", "not_scored")
"""Facts of a scoring that follow from what it rests on."""
_TAG: Final = audit.Tag.CANDIDATE_SCORED
_Allowed = tuple[pl.DataFrame, dict[str, int]]
"""Cases that may be scored, and how many may not, by place."""


@dataclass(frozen=True, slots=True)
class _Found:
    """What a release says of everybody whom it may be asked about, and what that rests on."""

    as_of: date
    tables: dict[str, pl.DataFrame]
    withheld: dict[str, int]
    """Table -> rows that were not read for want of consent."""
    stopped: dict[str, tuple[str, ...]]
    """Place where nobody is scored -> why."""
    scored: pl.DataFrame
    inputs: pl.DataFrame
    counts: dict[str, int]
    """Place -> cases that were not scored."""
    grades: pl.DataFrame | None


def run(family: str, today: date, root: Path | None = None) -> str:
    """Score everybody whom the family's model is asked about now.

    Args:
        family: One of the catalog's families.
        today: Nothing known later is used.
        root: Holds params.yaml; the working directory by default.

    Returns:
        One line of JSON: status (`scored`, `unchanged` or `nothing_released`), family, as_of, rows, selected,
        abstained, is_shadow, export, `stopped`: place -> cases that were not scored, and why; `without_consent`: table
        -> rows that were not read since their people did not agree, or took it back; and `candidate`, where one was
        scored beside the live model (`beside`).

    Raises:
        SettingsError: A live model's scores need CANDOR_VAULT_KEY for the identifiers of the ATS or LMS.
        ContractError: The live release is not what the ledger calls for, or not signed (`vouched`).
        GateRefused: Scoring is stopped (`switch`).
    """
    store = open_store()
    with switch.watched(store) as require_running:
        signers = load(Signers, "publish", root=root).signers
        release = vouched.live(store, family, signers) or releases.shadow(store, family)
        if release is None:
            answer: dict[str, Any] = {"status": NOTHING, "family": family}
        else:
            answer = _run(store, release, today, root, require_running)
            if (found := _beside(store, release, today, root, require_running)) is not None:
                answer["candidate"] = found
    get_logger("score").info("people_scored", **answer)
    return json.dumps(answer)


def _run(
    store: Store, release: Release, today: date, root: Path | None, require_running: Callable[[], None]
) -> dict[str, Any]:
    family = release.family
    if not release.is_shadow:
        export.require_key()
    manifest, law = Lake(store).require(), load(Law, "law", root=root)
    asked = partial(places.stopped, store, family, release.model_sha256, law, is_shadow=release.is_shadow)
    day = known.day_known(Lake(store), manifest, features(family).TABLES, today)
    if _is_done(store, _basis(release, manifest, day, law, asked()), family, is_shadow=release.is_shadow):
        return {"status": UNCHANGED, "family": family}
    with _settled(store, release, manifest, today, law, asked, require_running) as found:
        as_of, scored = found.as_of, found.scored
        _replace(store, "scored", family, as_of, scored.with_columns(is_shadow=pl.lit(release.is_shadow)))
        _replace(store, "inputs", family, as_of, found.inputs)
        told = {"due": _due(family, found.tables, as_of), "grades": found.grades}
        whole = {name: frame for name, frame in told.items() if frame is not None}
        files = (
            {} if release.is_shadow else export.files(store, manifest, family, as_of, scored, beside=whole, root=root)
        )
        basis = _basis(release, manifest, as_of, law, found.stopped)
        _record(store, family, _facts(basis, scored, found.counts, files))
        if not release.is_shadow:
            for key in _of_the_day(store, family, as_of.isoformat()) - set(files):
                store.delete(key)
        for key, data in files.items():  # last: nothing leaves before the ledger has it
            store.put(key, data)
    return {
        "status": "scored",
        "family": family,
        "as_of": as_of.isoformat(),
        "rows": len(scored),
        "selected": int(scored["is_selected"].sum()),
        "abstained": scored.filter(is_abstained()).height,
        "is_shadow": release.is_shadow,
        "export": list(files),
        "stopped": {place: {"cases": found.counts[place], "why": list(why)} for place, why in found.stopped.items()},
        "without_consent": found.withheld,
    }


def _beside(
    store: Store, live: Release, today: date, root: Path | None, require_running: Callable[[], None]
) -> dict[str, Any] | None:
    """Score the candidate beside the model that just scored, once; None without one, and beside one in shadow.

    A fault of it is told and holds up nothing.
    """
    if live.is_shadow:
        return None
    try:
        release = beside.candidate(store, live.family, load(Signers, "publish", root=root).signers)
        if release is None:
            return None
        return _compared(store, today, live, release, load(Law, "law", root=root), require_running)
    except (GateRefused, SourceUnavailable):
        raise
    except Exception as error:  # noqa: BLE001  a model that nobody approved may fail in any way; the live one is done
        return {"status": "not_scored", "why": str(error) if isinstance(error, CandorError) else type(error).__name__}


def _compared(  # noqa: PLR0917  a step of `_beside`
    store: Store, today: date, live: Release, release: Release, law: Law, require_running: Callable[[], None]
) -> dict[str, Any]:
    family, manifest = live.family, Lake(store).require()
    purposes = {releases.purpose(releases.verdict(store, one)) for one in (live, release)}
    of_shadow = partial(places.stopped, is_shadow=True, is_for_another=len(purposes) > 1)
    asked = partial(of_shadow, store, family, release.model_sha256, law)

    def about(as_of: date, stopped: Collection[str]) -> dict[str, Any]:
        return {
            "as_of": as_of.isoformat(),
            "live_verdict_sha256": live.verdict_sha256,
            "verdict_sha256": release.verdict_sha256,
            "model_sha256": release.model_sha256,
            "manifest_sha256": manifest.sha256,
            **({"not_scored": list(stopped)} if law.jurisdictions else {}),
        }

    basis = about(known.day_known(Lake(store), manifest, features(family).TABLES, today), asked())
    if any(basis.items() <= dict(e.facts).items() for e in audit.entries(store) if e.tag is _TAG):
        return {"status": UNCHANGED}
    with _settled(store, release, manifest, today, law, asked, require_running) as found:
        _replace(store, beside.TABLE, family, found.as_of, found.scored)
    is_ours = (pl.col("family") == family) & (pl.col("as_of").cast(pl.String) == found.as_of.isoformat())
    compared = beside.compared(delta.scan(store, f"{SCORES}/scored").filter(is_ours).collect(), found.scored)
    facts = about(found.as_of, found.stopped) | compared
    audit.append(store, _TAG, family, once=True, **facts)
    return {"status": "scored", **facts}


@contextmanager
def _settled(  # noqa: PLR0917  both who score need all of it
    store: Store,
    release: Release,
    manifest: Manifest,
    today: date,
    law: Law,
    asked: Callable[[], dict[str, tuple[str, ...]]],
    require_running: Callable[[], None],
) -> Iterator[_Found]:
    """Scores to be written under the lock that is held meanwhile: nothing that has a say changed while they were made.

    Args:
        store: Holds lake, releases and scores.
        release: Who scores.
        manifest: Which state of the lake.
        today: Nothing known later is used.
        law: Which locations are where.
        asked: Where the release may not be used, and why.
        require_running: Raises when scoring was stopped.
    """
    while True:
        erasures, stopped = Lake(store).erasures(), asked()
        as_of, tables, withheld = _known(store, manifest, release.family, today)
        about: dict[str, Any] = {"store": store, "manifest": manifest, "family": release.family, "as_of": as_of}
        may = partial(places.allowed, **about, stopped=stopped, settings=law)
        found = _predicted(store, release, as_of, tables, may)
        with store.lock(_LOCK):
            # Who was forgotten meanwhile would come back; whose notice was withdrawn would be scored.
            if asked() == stopped and Lake(store).erasures() == erasures:
                require_running()
                yield _Found(as_of, tables, withheld, stopped, *found)
                return


def run_outcomes(family: str, today: date) -> str:
    """Write everything known about how cases ended. No number has a say in that, so every release finds its cases.

    Args:
        family: One of the catalog's families.
        today: Nothing known later is used.

    Returns:
        One line of JSON: status, family, as_of, rows.
    """
    store = open_store()
    manifest = Lake(store).require()
    while True:
        erasures = Lake(store).erasures()
        as_of, tables, _ = _known(store, manifest, family, today)
        known = features(family).outcomes(tables).with_columns(family=pl.lit(family))
        with store.lock(_LOCK):
            if Lake(store).erasures() == erasures:
                _replace(store, "outcomes", family, as_of, conform(known, OUTCOMES, "Outcomes"))
                break
    get_logger("score").info("outcomes_written", family=family, as_of=as_of.isoformat(), rows=len(known))
    return json.dumps({"status": "written", "family": family, "as_of": as_of.isoformat(), "rows": len(known)})


def _known(
    store: Store, manifest: Manifest, family: str, today: date
) -> tuple[date, dict[str, pl.DataFrame], dict[str, int]]:
    """The family's day, its tables as known then, and of which of them rows were withheld for want of consent."""
    lake, module = Lake(store), features(family)
    as_of = known.day_known(lake, manifest, module.TABLES, today)
    tables, counts = known.read_people(lake, manifest, module.TABLES, as_of, module.VERSIONED)
    withheld = {name: count["without_consent"] for name, count in counts.items() if count["without_consent"]}
    return as_of, tables, withheld


def _due(family: str, tables: dict[str, pl.DataFrame], as_of: date) -> pl.DataFrame | None:
    """What people have to do whatever a model says; None for most families, which know of nothing."""
    module = features(family)
    found: pl.DataFrame | None = module.due(tables, as_of) if hasattr(module, "due") else None
    return found


def _predicted(
    store: Store,
    release: Release,
    as_of: date,
    tables: dict[str, pl.DataFrame],
    may: Callable[[pl.DataFrame], _Allowed],
) -> tuple[pl.DataFrame, pl.DataFrame, dict[str, int], pl.DataFrame | None]:
    """`Scored` and `Inputs` of everybody whom the release may be asked about, how many it may not, and grades.

    The numbers are by place; grades, with what score cases end, are None where the family foresees none.
    """
    family, module = release.family, features(release.family)
    with tempfile.TemporaryDirectory() as name:
        releases.download(store, release, Path(name))
        prepare, decide = approved(family, Path(name))
        cases, counts = may(module.cases(tables, prepare, as_of))
        inputs = _inputs(family, cases, Path(name) / releases.PROFILE)
        stamp = rows.Stamp(release.model_sha256, release.data_sha256, as_of)
        scored = spread.scored(family, Path(name) / releases.MODEL, cases, "model", stamp, decide=decide)
        grades = rows.grades(family, Path(name) / releases.MODEL, cases, "model")
        return scored, inputs, counts, grades


def approved(family: str, folder: Path) -> tuple[Any, Any]:
    """The family's `Prepare` and `Decide` that the release was trained and judged by; today's params.yaml has no say.

    Raises:
        ContractError: The release does not hold them.
    """
    module = features(family)
    try:
        prepare = json.loads((folder / releases.CARD).read_text(encoding="utf-8"))["params"]["prepare"]
        decide = json.loads((folder / releases.METRICS).read_text(encoding="utf-8"))["decide"]
    except (OSError, ValueError, KeyError):
        raise ContractError(
            f"The release of {family} must hold the numbers it was judged by; it does not. Retrain and release again."
        ) from None
    return check(module.Prepare, prepare, f"{family}.prepare"), check(module.Decide, decide, f"{family}.decide")


def _inputs(family: str, cases: pl.DataFrame, profile: Path) -> pl.DataFrame:
    """What the release knows of: inputs that were taken out as leaks are not monitored either.

    Raises:
        ContractError: It was trained on an input that is made no more, and would take it as missing of everybody.
    """
    module, described = features(family), json.loads(profile.read_text(encoding="utf-8"))
    inputs = module.inputs(cases)
    lost = sorted(described.keys() - {*inputs.columns})
    if hasattr(module, "is_measure"):
        lost = [name for name in lost if not module.is_measure(name, described)]
    if lost:
        raise ContractError(
            f"Every input that the release of {family} was trained on must be made of its cases; {', '.join(lost)} is "
            "not, with this version of Candor. Retrain and release again, or score with the version that trained it."
        )
    return inputs.select("person_id", "subject_id", *(name for name in inputs.columns if name in described))


def _replace(store: Store, table: str, family: str, as_of: date, frame: pl.DataFrame) -> None:
    day = as_of.isoformat()
    stamped = frame.with_columns(family=pl.lit(family), as_of=pl.lit(day))
    delta.replace_partition(store, f"{SCORES}/{table}", stamped, {"family": family, "as_of": day})


def _is_done(store: Store, basis: Mapping[str, Any], family: str, *, is_shadow: bool) -> bool:
    """Whether this very scoring was the last of its day, and its files are there, alone: another took its place."""
    last = _last(store, family, basis["as_of"])
    if last is None or _of_the_basis(last) != basis:
        return False
    files: Mapping[str, str] = last.get("export_sha256", {})
    is_whole = all(store.exists(key) and sha256_bytes(store.read(key)) == digest for key, digest in files.items())
    return is_shadow or (bool(files) and is_whole and _of_the_day(store, family, basis["as_of"]) <= set(files))


def _of_the_day(store: Store, family: str, day: str) -> set[str]:
    """Keys of the files that a day's scorings have left, those of a release that foresaw more than this one too."""
    folder = f"{SCORES}/exports/{family}"
    return {key for key in store.list(folder) if key.startswith(f"{folder}/{day}.")}


def _record(store: Store, family: str, facts: Mapping[str, Any]) -> None:
    if _last(store, family, facts["as_of"]) != facts:
        audit.append(store, audit.Tag.PEOPLE_SCORED, family, **facts)


def _facts(
    basis: Mapping[str, Any], scored: pl.DataFrame, counts: Mapping[str, int], files: Mapping[str, bytes]
) -> dict[str, Any]:
    return {
        **basis,
        "rows": len(scored),
        "scored_sha256": sha256_frame(scored.select(*SCORED)),
        **({"export_sha256": {key: sha256_bytes(data) for key, data in files.items()}} if files else {}),
        **({"not_scored": dict(counts)} if counts else {}),
    }


def _last(store: Store, family: str, as_of: str) -> dict[str, Any] | None:
    """What the ledger says of the newest scoring of a day."""
    for entry in audit.entries(store, newest_first=True):
        if entry.tag is audit.Tag.PEOPLE_SCORED and entry.subject == family and entry.facts.get("as_of") == as_of:
            return dict(entry.facts)
    return None


def _of_the_basis(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if name not in _OF_THE_ROWS}


def _basis(
    release: Release, manifest: Manifest, as_of: date, law: Law, stopped: Mapping[str, tuple[str, ...]]
) -> dict[str, Any]:
    """What a scoring rests on. Where laws are asked, their answer too: when it changes, people are scored again."""
    asked = {"jurisdictions": list(law.jurisdictions)} if law.jurisdictions else {}
    return {
        "as_of": as_of.isoformat(),
        "release": release.sequence,
        "kind": release.kind,
        "verdict_sha256": release.verdict_sha256,
        "model_sha256": release.model_sha256,
        "manifest": manifest.seq,
        "manifest_sha256": manifest.sha256,
        **asked,
        **({"stopped": {place: list(why) for place, why in stopped.items()}} if asked else {}),
    }
