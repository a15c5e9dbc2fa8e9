"""Lever: opportunities, applications, postings."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from infra.sample.vendors import lever
from pipelines.base.pseudonyms import pseudonym
from tests.vendors.printed import DELIVERY, PLAN, VENDORS, company
from tests.vendors.recruiting import OF_INTERVIEWS, of_vendor, of_workday

FEEDS = sorted(feed for feed in (VENDORS / "lever").glob("*.yaml") if not feed.stem.endswith(OF_INTERVIEWS))
NEW, SCREEN, INTERVIEW, OFFER, SIGNED = (lever.STAGES[name][0] for name in lever.STAGES)


def write(out: Path) -> dict[str, int]:
    world = company()
    return lever.write_hiring(PLAN, world.hiring, world.workers, DELIVERY, out)


def documents(out: Path, name: str) -> list[dict[str, Any]]:
    return [json.loads(page.read_text()) for page in sorted((out / "lever").glob(f"{name}_2026-09_*.json"))]


def of_persons(frame: pl.DataFrame, *columns: str) -> pl.DataFrame:
    """A row a person. When it was known is left out: Lever says that of opportunities, Workday of candidates."""
    return frame.select("person_id", *columns).unique().sort(pl.all())


def test_hiring_of_workday_and_of_lever_is_the_same(keys, tmp_path, monkeypatch):
    printed = of_workday(tmp_path / "w", monkeypatch)
    write(tmp_path / "l" / "exports")
    made = of_vendor(tmp_path / "l", FEEDS, monkeypatch)
    assert {*printed} - {*made} == {"person_links"}
    assert len(made["candidates"]) == len(printed["applications"]) > len(printed["candidates"])
    assert made["requisitions"].equals(printed["requisitions"])
    assert made["applications"].equals(printed["applications"])
    assert made["application_events"].equals(printed["application_events"])
    # Of several opportunities the first began when the candidate did.
    first = made["candidates"].sort("created_at").unique("person_id", keep="first", maintain_order=True)
    about = ("created_at", "source_code", "country_code")
    assert of_persons(first, *about).equals(of_persons(printed["candidates"], *about))
    assert of_persons(made["consents"], "is_given").equals(of_persons(printed["consents"], "is_given"))
    # Lever has one name, not a first and a last one.
    schemes = pl.col("scheme_code").is_in(["legal_first_name", "legal_last_name"])
    names = printed["identifiers"].filter(schemes).sort("person_id", "scheme_code").group_by("person_id")
    whole = names.agg(scheme_code=pl.lit("full_name"), value=pl.col("value").str.join(" "))
    others = printed["identifiers"].filter(~schemes).select("person_id", "scheme_code", "value")
    expected = pl.concat([others, whole.select(others.columns)]).unique().sort(pl.all())
    assert of_persons(made["identifiers"], "scheme_code", "value").equals(expected)


def test_a_page_is_what_lever_would_send(tmp_path):
    counts = write(tmp_path)
    pages = documents(tmp_path, "opportunities")
    assert [len(page["data"]) for page in pages[:-1]] == [100] * (len(pages) - 1)
    assert [(page["hasNext"], "next" in page) for page in pages] == [(True, True)] * (len(pages) - 1) + [(False, False)]
    records = [record for page in pages for record in page["data"]]
    assert len(records) == counts["opportunities"]
    assert sum(record["applications"] == [] for record in records) == 1
    assert sum(record["isAnonymized"] for record in records) == 1
    assert {record["dataProtection"] and record["dataProtection"]["store"]["allowed"] for record in records} == {
        None,
        True,
        False,
    }
    ended = {record["archived"] and record["archived"]["reason"] for record in records}
    assert ended == {None, *(key for name, (key, *_) in lever.REASONS.items() if name != "CLOSED")}
    assert lever.milliseconds("2021-08-09T11:36:41.183Z") == 1628509001183


def opportunity(number: str, changes: list[tuple[str, int, int, str | None]], **more: Any) -> dict[str, Any]:
    keys = ("toStageId", "toStageIndex", "updatedAt", "userId")
    return {
        "id": f"A-{number}",
        "contact": f"C-{number}",
        "name": "Ada Example",
        "createdAt": 1_700_000_000_000,
        "updatedAt": 1_700_000_900_123,
        "confidentiality": "non-confidential",
        "isAnonymized": False,
        "applications": [f"app-{number}"],
        "location": "Los Angeles, CA",
        "sources": [],
        "emails": [],
        "phones": [],
        "dataProtection": None,
        "archived": None,
        "stageChanges": [dict(zip(keys, change, strict=True)) for change in changes],
        **more,
    }


def test_histories_go_back_and_ends_are_not_all_rejections(keys, tmp_path, monkeypatch):
    """By hand: a candidate moved back and forth, and one whose position was closed when nobody had been hired."""
    write(tmp_path / "exports")
    [postings], [requisitions] = (documents(tmp_path / "exports", name) for name in ("postings", "requisitions"))
    posting = postings["data"][0]
    posting["state"] = "closed"
    requisitions["data"][0].update(headcountHired=0, closedAt=1_780_000_000_000)
    moves = [
        ("lead-new", 0, 1_700_000_000_000, "u"),
        (NEW, 3, 1_700_000_100_000, "u"),
        (SCREEN, 4, 1_700_000_200_000, None),
        (OFFER, 7, 1_700_000_300_000, "u"),
        (INTERVIEW, 5, 1_700_000_400_000, "u"),
        (OFFER, 7, 1_700_000_500_000, "u"),
    ]
    gone, closed = (
        {"reason": lever.REASONS[name][0], "archivedAt": 1_700_000_900_123} for name in ("CANDIDATE_WITHDREW", "CLOSED")
    )
    people = [opportunity("1", moves, archived=gone), opportunity("2", moves[:2], archived=closed)]
    applied = [
        {
            "id": person["applications"][0],
            "opportunityId": person["id"],
            "posting": posting["id"],
            "createdAt": 1_700_000_100_000,
            "archived": person["archived"],
        }
        for person in people
    ]
    changed = {"postings": postings["data"], "requisitions": requisitions["data"]}
    for name, records in {"opportunities": people, "applications": applied, **changed}.items():
        for page in (tmp_path / "exports" / "lever").glob(f"{name}_*.json"):
            page.unlink()
        (tmp_path / "exports" / "lever" / f"{name}_2026-09_0001.json").write_text(json.dumps({"data": records}))
    made = of_vendor(tmp_path, FEEDS, monkeypatch)
    events = made["application_events"].sort("occurred_at")
    assert events.select("stage_code", "outcome_code", "decided_by").rows() == [
        ("applied", "advanced", "rule"),
        ("screen", "advanced", "human"),
        ("interview", "advanced", "human"),
        ("offer", "withdrawn", "human"),
    ]
    assert events["occurred_at"].dt.epoch("ms").to_list() == [
        1_700_000_200_000,
        1_700_000_300_000,
        1_700_000_500_000,
        1_700_000_900_123,
    ]
    assert {*events["requisition_id"]} == {posting["reqCode"]}
    closed_one = made["requisitions"].filter(pl.col("requisition_id") == posting["reqCode"])
    assert closed_one.select("status_code", "closed_at").rows() == [("closed", date(2026, 5, 28))]
    key = bytes.fromhex("11" * 32)
    names = pseudonym(key, "workday_application", pl.Series(["A-1", "A-2"]), "a")
    states = dict(made["applications"].select("application_id", "status_code").rows())
    assert states == dict(zip(names, ["withdrawn", "closed"], strict=True))
    assert made["candidates"]["country_code"].to_list() == [None, None]
    assert made["consents"]["is_given"].to_list() == [False, False]
    assert {*made["identifiers"]["scheme_code"]} == {"workday_candidate_id", "full_name"}
