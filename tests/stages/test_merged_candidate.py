"""Two records of one candidate are merged at the source: what they did is the survivor's since, and not before."""

import contextlib
import shutil
from datetime import date

import polars as pl

from infra.sample import cast
from infra.sample.dialects import write_report
from pipelines.base.lake import Lake
from pipelines.ingest import __main__ as command
from tests.kills.roads import nothing_failed
from tests.stages.forgotten_company import named
from tests.vendors.printed import FEEDS

MERGED, SURVIVOR = "C-000005", "C-000004"
APPLICATION = "A-0000005"


def deliver(out, period: str, *, is_merged: bool) -> None:
    """Workday keeps the surviving Candidate_ID, also in applications of before."""
    [mine] = [row for row in cast.applications(with_unsent=False) if row["Application_ID"] == APPLICATION]
    if is_merged:
        mine |= {"Candidate_ID": SURVIVOR, "Last_Updated_Moment": "2026-07-01T10:00:00.000Z"}
    else:
        mine |= {"Current_Status": "In Process", "Last_Updated_Moment": "2026-03-06T11:00:00.000Z"}
    people = [
        row | {"Last_Updated_Moment": row["Created_Moment"]}
        for row in cast.candidates()
        if row["Candidate_ID"] in (SURVIVOR, *(() if is_merged else (MERGED,)))
    ]
    for name, rows in (("Requisitions", cast.requisitions()), ("Candidates", people), ("Applications", [mine])):
        write_report(out / "workday" / f"HRML_{name}_{period}.json", rows)


def test_what_a_merged_candidate_did_is_the_survivors_from_then_on(keys, store, tmp_path, monkeypatch):
    monkeypatch.setenv("CANDOR_FEEDS", str(tmp_path / "feeds"))
    monkeypatch.setenv("CANDOR_EXPORTS", str(tmp_path / "exports"))
    monkeypatch.setattr(command, "validator", lambda: contextlib.nullcontext(nothing_failed))
    (tmp_path / "feeds").mkdir()
    for name in ("requisitions", "candidates", "applications"):
        shutil.copy(FEEDS / f"workday_{name}.yaml", tmp_path / "feeds")
    for period, is_merged in (("2026-03", False), ("2026-07", True)):
        deliver(tmp_path / "exports", period, is_merged=is_merged)
        assert command.main(["run", "--batch", f"of-{period}"]) == 0
    lake = Lake(store)
    for by, who, state in (
        (date(2026, 6, 30), MERGED, "in_process"),
        (date(2026, 7, 31), SURVIVOR, "closed"),
    ):
        told = lake.read("applications", lake.require(), by)
        assert told.select("person_id", "status_code").rows() == [(named("workday_candidate", who), state)]
    events = lake.read("application_events", lake.require(), date(2026, 7, 31))
    assert events.select("person_id", "stage_code").rows() == [(named("workday_candidate", SURVIVOR), "applied")]
    assert lake.read("candidates", lake.require()).select(pl.len()).item() == 2, "who was merged stays known"
