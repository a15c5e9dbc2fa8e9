"""Tables that only some companies fill, through the real ingest: their rows hang together, and people are forgotten."""

import contextlib
import json
import shutil
from datetime import date

import polars as pl

from infra.sample import careers
from infra.sample.vendors import (
    greenhouse,
    greenhouse_interviews,
    json_resume,
    workday_pay,
    workday_structures,
)
from pipelines.base import known
from pipelines.base.lake import Lake
from pipelines.ingest import __main__ as command
from pipelines.privacy.forget import forget
from tests.kills.roads import nothing_failed
from tests.stages.forgotten_company import named, readable
from tests.vendors.printed import DELIVERY, PLAN, VENDORS, company

FEEDS = [feed for feed in (VENDORS / "greenhouse").glob("*.yaml") if "_v1_" not in feed.name]
FEEDS += [VENDORS / "workday" / f"workday_{name}.yaml" for name in ("jobs", "organizations", "pay")]
FEEDS += (VENDORS / "json_resume").glob("*.yaml")
ABOUT_PEOPLE = ("interviews", "interview_feedback", "profile_items", "base_pay")


def test_who_is_forgotten_is_in_none_of_the_tables_that_few_companies_fill(keys, store, tmp_path, monkeypatch):
    monkeypatch.setenv("CANDOR_FEEDS", str(tmp_path / "feeds"))
    monkeypatch.setenv("CANDOR_EXPORTS", str(tmp_path / "exports"))
    monkeypatch.setattr(command, "validator", lambda: contextlib.nullcontext(nothing_failed))
    (tmp_path / "feeds").mkdir()
    for feed in FEEDS:
        shutil.copy(feed, tmp_path / "feeds")
    out, month, world = tmp_path / "exports", careers.cut("2024-01"), company()
    greenhouse.write_harvest(PLAN, world.hiring, world.workers, DELIVERY, out)
    greenhouse_interviews.write_interviews(world.hiring, DELIVERY, out)
    json_resume.write_resumes(PLAN, world.hiring, DELIVERY, out)
    workday_structures.write_jobs(month, out)
    workday_structures.write_units(month, out)
    workday_pay.write_pay(month, out)
    assert command.main(["run", "--batch", "all"]) == 0
    counts = json.loads(store.read("reports/ingest/all.json"))["counts"]
    assert {name: said["quarantined"] for name, said in counts.items() if said["quarantined"]} == {}
    assert len(counts) == len(FEEDS)

    lake = Lake(store)
    manifest = lake.require()
    asked = lake.read("interview_feedback", manifest)["person_id"][0]
    for name in ABOUT_PEOPLE[:3]:
        assert asked in set(lake.read(name, manifest)["person_id"]), name
    paid = named("workday_worker", "000102")
    assert paid in set(lake.read("base_pay", manifest)["person_id"])
    assert len(known.things(lake, manifest, "jobs", on=date(2024, 1, 31), known=date(2024, 1, 31))) == 3
    assert len(known.things(lake, manifest, "org_units", on=date(2024, 1, 31), known=date(2024, 1, 31))) == 7
    others = {
        name: lake.read(name, manifest).filter(~pl.col("person_id").is_in([asked, paid])) for name in ABOUT_PEOPLE
    }

    assert b'"Worker_ID":"000102"' in readable(store, ("landing",))
    for person in (asked, paid):
        assert person.encode() in readable(store, ("lake",))
        forget(store, person, "request")
        assert person.encode() not in readable(store, ("lake", "landing"))
    assert b'"Worker_ID":"000102"' not in readable(store, ("landing",))
    for name, kept in others.items():
        left = lake.read(name, lake.require())
        assert left.drop("published_seq").equals(kept.drop("published_seq")), name
