"""Hiring as Workday's own reports tell it: what recruiting systems are compared with."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest

from infra.sample import workday
from infra.sample.dialects import write_report
from pipelines.base.contracts import TABLES
from tests.vendors.printed import DELIVERY, FEEDS, PLAN, canonical, company

OF_INTERVIEWS = ("_interviews", "_interview_kits", "_scorecards", "_candidate_attributes", "_feedback")
"""How names of feeds end that tests/vendors/test_interviews.py reads."""


def rows() -> dict[str, list[workday.Row]]:
    """Rows of the three reports."""
    world = company()
    return {
        "Requisitions": list(workday.requisition_rows(world.hiring, world.workers, DELIVERY)),
        "Candidates": list(workday.candidate_rows(PLAN, world.hiring, DELIVERY, set())),
        "Applications": list(workday.application_rows(world.hiring, DELIVERY)),
    }


def of_vendor(folder: Path, feeds: Sequence[Path], monkeypatch: pytest.MonkeyPatch) -> dict[str, pl.DataFrame]:
    """Table -> canonical rows, without the notes on rows that were filtered."""
    made = canonical(folder, feeds, monkeypatch)
    return {name: frame for name, frame in made.items() if name in TABLES}


def of_workday(folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, pl.DataFrame]:
    """Table -> canonical rows, which have what a comparison must not lack."""
    printed = rows()
    for name, report in printed.items():
        write_report(folder / "exports" / "workday" / f"HRML_{name}_{DELIVERY.period}.json", report)
    made = of_vendor(folder, [FEEDS / f"workday_{name.lower()}.yaml" for name in printed], monkeypatch)
    events = [entry for row in printed["Applications"] for entry in row["Stage_History_group"] if "Outcome" in entry]
    candidates = printed["Candidates"]
    assert {name: len(frame) for name, frame in made.items()} == {
        "applications": len(printed["Applications"]),
        "application_events": len(events),
        "candidates": len(candidates),
        "consents": len(candidates),
        "identifiers": 5 * len(candidates),
        "person_links": sum(row["Employee_ID"] is not None for row in candidates),
        "requisitions": len(printed["Requisitions"]),
    }
    assert {*made["applications"]["status_code"]} == {"in_process", "rejected", "withdrawn", "hired"}
    assert {*made["application_events"]["stage_code"]} == {"applied", "screen", "interview", "offer", "hired"}
    assert {*made["requisitions"]["status_code"]} >= {"open", "filled"}
    assert made["consents"]["is_given"].n_unique() == 2
    assert made["candidates"]["source_code"].n_unique() == 6
    return made
