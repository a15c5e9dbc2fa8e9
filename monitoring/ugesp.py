"""Applicants, hires, promotions and terminations of a year, by job and by group: what 29 CFR 1607.15A wants on file.

    python -m monitoring.ugesp YEAR [--to FILE.csv]

Reads   lake     `applications`, `application_events`, `requisitions`, `worker_history`
        vault    sex, ethnicity and race, and sex by each of them; needs CANDOR_AUDIT_KEY
Writes  reports/ugesp/<year>.sealed   the counts, under the audit key: a cell can be one person's
                                      (`python -m pipelines.evaluate.cells` opens them)

A job is a job family: what requisitions and workers both say. Everybody counts whom the company's systems tell of:
these records are no scores, and nobody's consent keeps them from being made. All groups are shown, the unknown too, so
that none above 2 % of the labour force can be missing; that share, which is of the labour area and in no HR system, is
another than the 2 % of the audited data in New York City's rule. A person counts once in a cell.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import polars as pl

from pipelines.base import known, people
from pipelines.base.catalog import REPORTS
from pipelines.base.digests import sha256_bytes
from pipelines.base.errors import ContractError, SettingsError
from pipelines.base.lake import Lake
from pipelines.base.pseudonyms import AUDIT_KEY, secret
from pipelines.base.sealed import seal_frame
from pipelines.base.stage import guarded, leave
from pipelines.base.store import open_store
from pipelines.base.vault import UNKNOWN
from pipelines.evaluate import groups as evaluated
from pipelines.fairness import RULES
from pipelines.fairness.counting import crossed_name

TABLES: Final = ("applications", "application_events", "requisitions", "worker_history")
AXES: Final = ("sex", "ethnicity", "race")
_OF_WORKERS: Final = {"promotion": "promotions", "termination": "terminations"}
"""Event of the history -> what it is counted as."""


def happened(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """What happened to whom, in which job and year.

    Args:
        tables: `TABLES`, people resolved.

    Returns:
        [n] event (`applicants`, `hires`, `promotions`, `terminations`), year, job, person_id. Someone is hired in the
        year in which the stage `hired` says so, else in that of an application whose status does; promotions and
        terminations are of primary assignments.
    """
    jobs = tables["requisitions"].select("requisition_id", job="job_family_code")
    applied = tables["applications"].join(jobs, on="requisition_id", how="left")
    hired = tables["application_events"].filter(pl.col("stage_code") == "hired", pl.col("outcome_code") == "advanced")
    said = hired.join(jobs, on="requisition_id", how="left")
    unsaid = applied.filter(pl.col("status_code") == "hired").join(hired, on="application_id", how="anti")
    history = tables["worker_history"].filter(
        pl.col("is_primary_assignment"), pl.col("event_type_code").is_in(list(_OF_WORKERS))
    )
    parts = [
        (applied, pl.lit("applicants"), "applied_at", "job"),
        (said, pl.lit("hires"), "occurred_at", "job"),
        (unsaid, pl.lit("hires"), "applied_at", "job"),
        (history, pl.col("event_type_code").replace(_OF_WORKERS), "valid_from", "job_family_code"),
    ]
    return pl.concat(
        frame.select(
            event.alias("event"), pl.col(when).dt.year().alias("year"), pl.col(job).alias("job"), pl.col("person_id")
        )
        for frame, event, when, job in parts
    )


def counted(told: pl.DataFrame, groups: pl.DataFrame, year: int) -> pl.DataFrame:
    """Distinct people by job, event, axis and group.

    Args:
        told: [n] as `happened` gives.
        groups: [n_people] person_id and one column an axis.
        year: Which.

    Returns:
        [n_cells] year, job, event, axis, group, people, in this order; empty where nothing happened.
    """
    axes = [name for name in AXES if name in groups.columns]
    both = [pair for pair in RULES.intersections if set(pair) <= set(axes)]
    names = [*axes, *(crossed_name(*pair) for pair in both)]
    of_year = told.filter(pl.col("year") == year).with_columns(pl.col("job").fill_null(UNKNOWN))
    joined = of_year.join(groups, on="person_id", how="left").with_columns(pl.col(axes).fill_null(UNKNOWN))
    joined = joined.with_columns(
        pl.when(pl.all_horizontal(pl.col(pair) != UNKNOWN))
        .then(pl.concat_str(pair, separator="|"))
        .otherwise(pl.lit(UNKNOWN))
        .alias(crossed_name(*pair))
        for pair in both
    )
    cells = joined.unpivot(names, index=["year", "job", "event", "person_id"], variable_name="axis", value_name="group")
    key = ["year", "job", "event", "axis", "group"]
    return cells.group_by(key).agg(people=pl.col("person_id").n_unique().cast(pl.Int64)).sort(key)


def make(year: int, to: Path | None) -> str:
    """One line of JSON: year, jobs, cells, sha256 and key of what was written; `without`: tables that are not there.

    Raises:
        ContractError: Nothing happened in the year, or nobody's sex, ethnicity or race is known.
        SettingsError: CANDOR_AUDIT_KEY is missing or another one, or --to names no folder.
    """
    if to is not None and not to.absolute().parent.is_dir():
        raise SettingsError("Counts can only be written into a folder that is there; --to names none. Make it first.")
    store = open_store()
    lake = Lake(store)
    manifest = lake.require()
    links = known.links(lake, manifest)
    tables = {name: lake.read(name, manifest) for name in TABLES}
    tables = {
        name: people.resolve(frame, links) if "person_id" in frame.columns else frame for name, frame in tables.items()
    }
    told = happened(tables).filter(pl.col("year") == year)
    if told.is_empty():
        raise ContractError(f"A year must have applicants or events of workers; {year} has none. Name another.")
    groups = evaluated.read(lake, manifest, datetime.now(UTC).date())
    if not set(AXES) & set(groups.columns):
        raise ContractError(
            f"Records by group need {', '.join(AXES)} of somebody; nobody's is known. Ingest what people declared."
        )
    cells = counted(told, groups, year)
    key, data = f"{REPORTS}/ugesp/{year}.sealed", seal_frame(secret(AUDIT_KEY), cells)
    store.put(key, data)
    if to is not None:
        to.write_bytes(cells.write_csv().encode())
    about = {"year": year, "jobs": cells["job"].n_unique(), "cells": len(cells)}
    without = [name for name in TABLES if name not in manifest.tables]
    return json.dumps({**about, "sha256": sha256_bytes(data), "key": key, "without": without})


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; the docstring of this module is its help."""
    parser = argparse.ArgumentParser(
        prog="python -m monitoring.ugesp", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("year", type=int, help="calendar year")
    parser.add_argument("--to", type=Path, help="write the counts here as well, as CSV: keep them from lists of people")
    args = parser.parse_args(argv)
    return guarded(lambda: make(args.year, args.to))


if __name__ == "__main__":
    leave(main())
