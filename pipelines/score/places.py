"""Where a model may not be used today, and whose cases that concerns.

Reads   params     law.jurisdictions, which name all places in them too, and law.locations: which place a location of
                   the company's systems is in
        ledger     bias audits, notices and impact assessments
        lake       where jobs are (`requisitions`, `worker_history`, `workers`) and people live (`candidates`)

A case whose place nobody knows counts as being everywhere that is named, one with several as being in each. Without any
jurisdiction nothing is checked.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import product
from typing import Any, Final

import polars as pl

from pipelines.audit import vouched
from pipelines.audit.shown import NOTHING, Shown, every, shown
from pipelines.base import known, people
from pipelines.base.catalog import FAMILIES, HIRING
from pipelines.base.errors import ContractError
from pipelines.base.lake import Lake, Manifest
from pipelines.base.settings import Law
from pipelines.base.store import Store
from pipelines.fairness import law

NOTHING_CHECKED: Final = (
    "Nobody checks before scoring whether a law wants a notice or a bias audit first: law.jurisdictions in params.yaml "
    "names no place."
)
_Places = list[str | None]
"""Of each record, where it has a job or a person; None is anywhere."""


def stopped(
    store: Store,
    family: str,
    model_sha256: str,
    settings: Law,
    today: date | None = None,
    *,
    is_shadow: bool = False,
    is_for_another: bool = False,
) -> dict[str, tuple[str, ...]]:
    """Jurisdictions in which a model may not be used, and why: of those named and all in them that a law is of.

    Args:
        store: Holds the ledger.
        family: Whose model.
        model_sha256: Which.
        settings: Whose laws count.
        today: The day of use: the clock's, whatever day is scored as of.
        is_shadow: Whether its scores are used on nobody; then only what holds for making them is asked.
        is_for_another: Whether its purpose is another than that of the model that scores: then no impact assessment on
            record is of it.

    Raises:
        SettingsError: A place is none that a pack could mean.
        ContractError: The ledger does not say what it must.
    """
    on_record = shown(store, family) if settings.jurisdictions else NOTHING
    on_record = replace(on_record, assessments={}) if is_for_another else on_record
    return _stopped(on_record, family, None if is_shadow else model_sha256, settings, today)


def allowed(
    cases: pl.DataFrame,
    *,
    store: Store,
    manifest: Manifest,
    family: str,
    as_of: date,
    stopped: Collection[str],
    settings: Law,
) -> tuple[pl.DataFrame, dict[str, int]]:
    """The cases that are nowhere where scoring is stopped.

    Args:
        cases: [n_cases] person_id (resolved), subject_id.
        store: Holds the lake.
        manifest: Which state of it.
        family: A case of `HIRING` is where its requisition is, any other where the person works.
        as_of: The day that is scored.
        stopped: Jurisdictions.
        settings: Which locations are where.

    Returns:
        The cases that may be scored, and the number of those that may not, by jurisdiction; who may be in two counts
        in both.
    """
    if not stopped:
        return cases, {}
    homes = _countries(store, manifest, as_of, "candidates")
    works = (_requisitions if family == HIRING else _workers)(store, manifest, as_of, settings)
    job = "subject_id" if family == HIRING else "person_id"
    keys = ["person_id", job] if family == HIRING else [job]
    placed = cases.select(keys).unique().sort(keys)
    rows = [
        (
            *row.values(),
            _there(stopped, works.get(row[job]), homes.get(row["person_id"])),
        )
        for row in placed.iter_rows(named=True)
    ]
    schema: dict[str, Any] = {**dict.fromkeys(keys, pl.String), "_places": pl.List(pl.String)}
    marked = cases.join(pl.DataFrame(rows, schema=schema, orient="row"), on=keys, how="left", maintain_order="left")
    counts = {name: int(marked["_places"].list.contains(name).sum()) for name in stopped}
    return marked.filter(pl.col("_places").list.len() == 0).drop("_places"), counts


def told(store: Store, settings: Law, signers: Collection[str], today: date | None = None) -> list[str]:
    """Which families score nobody, and where live models may not be used, with the reasons, in sentences.

    Args:
        store: Holds releases and the ledger.
        settings: Whose laws count; without any jurisdiction no place is told.
        signers: As for `vouched.live`, which every scoring asks first.
        today: The day of use: the clock's.

    Raises:
        SettingsError: A place is none that a pack could mean.
        ContractError: The ledger does not say what it must.
    """
    on_record: Mapping[str, Shown] = every(store) if settings.jurisdictions else {}
    lines = []
    for family in FAMILIES:
        try:
            live = vouched.live(store, family, signers)
        except ContractError as error:
            lines.append(f"{family.capitalize()} scores nobody. {error}")
            continue
        of_it = on_record.get(family, NOTHING)
        found = _stopped(of_it, family, live.model_sha256, settings, today) if live else {}
        lines += [f"In {place}, {family} scores nobody. {' '.join(reasons)}" for place, reasons in found.items()]
    return lines


def _stopped(
    on_record: Shown, family: str, model_sha256: str | None, settings: Law, today: date | None
) -> dict[str, tuple[str, ...]]:
    """Why in which place; without a model, whatever holds for any."""
    day, hires, assessments = today or datetime.now(UTC).date(), family == HIRING, on_record.assessments

    def why(place: str) -> tuple[str, ...]:
        if model_sha256 is None:
            return law.unassessed(place, day, hires, assessments)
        audits = on_record.audits.get(model_sha256, ())
        return law.lacking(place, day, hires=hires, audits=audits, notices=on_record.notices, assessments=assessments)

    found = {place: why(place) for place in law.within(settings.jurisdictions)}
    return {place: reasons for place, reasons in sorted(found.items()) if reasons}


def _there(stopped: Collection[str], works: _Places | None, homes: _Places | None) -> list[str]:
    """Of the jurisdictions those in which one of the jobs or homes may be."""
    where = list(product(works or [None], homes or [None]))
    return [name for name in stopped if any(law.is_there(name, work, home) for work, home in where)]


def _requisitions(store: Store, manifest: Manifest, as_of: date, settings: Law) -> dict[str, _Places]:
    """Requisition -> place of its job; absent where there is no such requisition."""
    jobs = Lake(store).read("requisitions", manifest, as_of, ["requisition_id", "location_code"])
    return {job: [settings.locations.get(code)] for job, code in jobs.iter_rows()}


def _workers(store: Store, manifest: Manifest, as_of: date, settings: Law) -> dict[str, _Places]:
    """Person -> places of their primary jobs on the day, else the countries that they work in."""
    found = _countries(store, manifest, as_of, "workers")
    if "worker_history" not in manifest.tables:
        return found
    jobs = known.jobs(Lake(store), manifest, on=as_of, known=as_of).filter("is_primary_assignment")
    at: dict[str, _Places] = {}
    for person, code in jobs.select("person_id", "location_code").iter_rows():
        at.setdefault(person, []).append(settings.locations.get(code))
    return found | {person: _finer(found.get(person, []), places) for person, places in at.items()}


def _finer(countries: _Places, jobs: _Places) -> _Places:
    """Places of somebody's jobs, and the countries that these do not account for.

    Where each record of somebody has a job at a known place, a country counts only if none of the jobs is in it. Else
    all do: two records whose jobs have one key in two systems show one job.
    """
    placed = [job for job in jobs if job is not None]
    if len(placed) < max(len(jobs), len(countries)):
        return [*placed, *(countries or [None])]
    return [*placed, *(at for at in countries if at and not any(law.holds(at, job) for job in placed))]


def _countries(store: Store, manifest: Manifest, as_of: date, table: str) -> dict[str, _Places]:
    """Person -> country of each record that is theirs, as a place."""
    lake = Lake(store)
    told = lake.read(table, manifest, as_of, ["person_id", "country_code"])
    found: dict[str, _Places] = {}
    for person, country in people.resolve(told, known.links(lake, manifest, as_of)).iter_rows():
        found.setdefault(person, []).append(law.place_of(country))
    return found
