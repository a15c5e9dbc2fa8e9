"""The people in the lake as they were known on a day: resolved, consenting, one version a key.

A human has one pseudonym here, whatever systems know them by. Silence is not consent, and who takes it back is not read
from then on, whatever day is asked about.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import Final, cast

import polars as pl

from pipelines.base import people
from pipelines.base.contracts import TABLES, Slices
from pipelines.base.days import end_of
from pipelines.base.errors import ContractError
from pipelines.base.lake import Lake, Manifest, newest
from pipelines.base.slices import holding

KNOWN: Final = ("known_from", "known_from_basis")
"""Kept beside the business columns: features may use a row only once it was known."""
RESTATED: Final = "restated"
"""The basis of a row that took another's place and whose source does not say when: it was known by the file that had it
first, and not before."""
_EXACT: Final = pl.Decimal(38, 4)
_PERIODS: Final = {"day": 260, "week": 52, "biweek": 26, "semimonth": 24, "month": 12, "year": 1}
"""How often a year somebody is paid so; a day is one of five of a week."""
_PERSONS: Final = ("person_id", "manager_person_id")
LINKING: Final = ("person_links", "worker_identifiers")
"""Tables that say who is who."""
LINK: Final = ("person_id", "linked_person_id")
_NUMBERED: Final = ["person_id", "scheme_code"]


def day_known(lake: Lake, manifest: Manifest, tables: Iterable[str], today: date) -> date:
    """The `as_of` of a family: the newest day its tables speak of, never later than `today`.

    Args:
        lake: Where the tables are.
        manifest: Which state of the lake.
        tables: Names of the family's tables; empty ones are passed over.
        today: The day asked for.
    """
    moments = [moment for name in tables if (moment := lake.newest_known(name, manifest)) is not None]
    return min([today, max(moments).date()]) if moments else today


def read_people(
    lake: Lake, manifest: Manifest, names: Iterable[str], as_of: date, versioned: Collection[str] = ()
) -> tuple[dict[str, pl.DataFrame], dict[str, dict[str, int]]]:
    """Tables as known at the end of `as_of`.

    Args:
        lake: Where the tables are.
        manifest: Which state of the lake.
        names: Tables of the lake.
        as_of: The day.
        versioned: Those of the tables of which every version is wanted, not only the newest.

    Returns:
        Table -> [n_rows] business columns that are for models and `KNOWN`, ordered by key and time; and per table how
        many rows were kept and how many belong to people without consent.

    Raises:
        ContractError: A table is for no model.
    """
    names = list(names)
    if barred := sorted(name for name in names if not TABLES[name].is_for_models):
        raise ContractError(
            f"A family may be given tables that are for models; {', '.join(barred)} is not. Take it from the family."
        )
    who = links(lake, manifest, as_of)
    agreed = _consenting(lake, manifest, as_of, who)
    frames: dict[str, pl.DataFrame] = {}
    counts: dict[str, dict[str, int]] = {}
    for name in names:
        versions = lake.versions(name, manifest, as_of)
        known = people.resolve(versions if name in versioned else _newest_of(name, versions), who, _PERSONS)
        kept = known.filter(pl.col("person_id").is_in(agreed.implode())) if "person_id" in known.columns else known
        key = [*TABLES[name].key, *(("known_from",) if name in versioned else ())]
        frames[name] = _newest(key, kept).select(*TABLES[name].for_models, *KNOWN)
        counts[name] = {"rows": len(frames[name]), "without_consent": len(known) - len(kept)}
    return frames, counts


def jobs(lake: Lake, manifest: Manifest, *, on: date, known: date) -> pl.DataFrame:
    """The jobs that people have on a day, as was known on another.

    Args:
        lake: Where the tables are.
        manifest: Which state of the lake.
        on: The day that is asked about, before or after the other: a hire to come is no job before its first day.
        known: The day by whose end it had to be known.

    Returns:
        One row of `worker_history` and `KNOWN` for each assignment of people who had agreed by then, ordered by key:
        the one that holds at the end of `on`, with the status of that day. Before a first day, and after an end that
        says no more, there is none. What only became known later changes nothing, but that somebody no longer agrees.
    """
    return _slices(lake, manifest, "worker_history", on=on, known=known)


def pay(lake: Lake, manifest: Manifest, *, on: date, known: date) -> pl.DataFrame:
    """What people are paid on a day, as was known on another; for people who ask, never for a model.

    Args:
        lake: Where the tables are.
        manifest: Which state of the lake.
        on: As for `jobs`.
        known: As for `jobs`.

    Returns:
        One row of `base_pay` and `KNOWN` for each assignment as in `jobs`, and `annual_amount` in the same currency:
        null of an hour's pay where the hours of a week are not known.
    """
    found = _slices(lake, manifest, "base_pay", on=on, known=known)
    is_hourly = pl.col("frequency_code") == "hour"
    times = pl.col("frequency_code").replace_strict(_PERIODS, default=None, return_dtype=pl.Int64)
    hours = pl.col("weekly_hours").cast(_EXACT) * _PERIODS["week"]
    factor = pl.when(is_hourly).then(hours).otherwise(times.cast(_EXACT))
    return found.with_columns(annual_amount=(pl.col("amount") * factor).cast(_EXACT))


def _slices(lake: Lake, manifest: Manifest, name: str, *, on: date, known: date) -> pl.DataFrame:
    """What holds of people who had agreed by the end of a day."""
    who = links(lake, manifest, known)
    versions = people.resolve(lake.versions(name, manifest, known), who, _PERSONS)
    agreed = _consenting(lake, manifest, known, who)
    mine = versions.filter(pl.col("person_id").is_in(agreed.implode()))
    slices = cast("Slices", TABLES[name].slices)
    return holding(newest(name, mine), slices, on).select(*TABLES[name].schema, *KNOWN)


def things(lake: Lake, manifest: Manifest, name: str, *, on: date, known: date) -> pl.DataFrame:
    """What holds on a day of things that are of nobody, such as `jobs`, as was known on another.

    Args:
        lake: Where the tables are.
        manifest: Which state of the lake.
        name: A table with slices and without people.
        on: The day that is asked about.
        known: The day by whose end it had to be known.

    Returns:
        One row of the table and `KNOWN` for each thing that there is at the end of `on`, ordered by key.

    Raises:
        ValueError: The table is no such table.
    """
    table = TABLES[name]
    if table.slices is None or "person_id" in table.schema:
        raise ValueError(f"{name} must have slices, and people in it are asked about with their consent, by jobs")
    versions = newest(name, lake.versions(name, manifest, known))
    return holding(versions, table.slices, on).select(*table.schema, *KNOWN)


def _consenting(lake: Lake, manifest: Manifest, as_of: date, who: Mapping[str, str]) -> pl.Series:
    """Resolved people who had agreed by the end of a day, and of whom nothing in the manifest says otherwise since.

    A family's tables may be of an older day than a withdrawal, which nothing may hide that was known later: neither a
    link, nor that two who were taken for one came apart.
    """
    told = lake.versions("consents", manifest)
    by_then = newest("consents", told.filter(pl.col("known_from") <= end_of(as_of)))
    agreed = people.consenting(people.resolve(by_then, who)).to_frame()
    refused = newest("consents", told).filter(~pl.col("is_given").fill_null(value=False))
    for known_as in (who, links(lake, manifest)):
        gone = people.resolve(refused, known_as)["person_id"].unique()
        is_gone = people.resolve(agreed, known_as)["person_id"].is_in(gone.implode())
        agreed = agreed.filter(~is_gone)
    return agreed["person_id"]


def links(lake: Lake, manifest: Manifest, as_of: date | None = None) -> dict[str, str]:
    """Pseudonym -> the one that stands for the human, as known on `as_of`; by everything known without a day.

    What `person_links` said once stands. Of a worker's numbers those of a scheme do that were told last, so that two
    people whom a source took for one come apart again when it says otherwise, and those of which it says itself that
    they ended: who has another one since is the same human. Who is linked to themselves has no number any more.
    """
    told, numbers = (lake.read(name, manifest, as_of) for name in LINKING)
    has_ended = pl.col("valid_to").is_not_null()
    last = numbers.filter(~has_ended)
    for moment in ("known_from", "published_seq"):
        last = last.filter(pl.col(moment) == pl.col(moment).max().over(_NUMBERED))
    standing = pl.concat([each.select(LINK) for each in (told, numbers.filter(has_ended), last)])
    return people.representatives(standing.filter(pl.col("person_id") != pl.col("linked_person_id")))


def _newest_of(name: str, versions: pl.DataFrame) -> pl.DataFrame:
    """One row a key, with the basis `RESTATED` where it took another's place and its source does not say when."""
    found, key = newest(name, versions), list(TABLES[name].key)
    if len(found) == len(versions):
        return found
    first = versions.group_by(key).agg(pl.col("known_from").min().alias("_first"))
    is_restated = (pl.col("known_from_basis") == "observed") & (pl.col("known_from") > pl.col("_first"))
    basis = pl.when(is_restated).then(pl.lit(RESTATED)).otherwise("known_from_basis").alias("known_from_basis")
    return (
        found.join(first, on=key, how="left", nulls_equal=True, maintain_order="left")
        .with_columns(basis)
        .drop("_first")
    )


def _newest(key: list[str], frame: pl.DataFrame) -> pl.DataFrame:
    """Linked records of one human can share a key once resolved: the newest stands."""
    return frame.sort("known_from", "published_seq", "source_row").unique(subset=key, keep="last").sort(key)
