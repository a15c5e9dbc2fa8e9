"""Interviews of the sample company, as Greenhouse, Lever and Oracle print them."""

from datetime import UTC, datetime

import polars as pl
import pytest

from infra.sample import workday
from infra.sample.interviews import interviews
from infra.sample.vendors import greenhouse, greenhouse_interviews, lever, lever_interviews
from infra.sample.vendors.oracle import interviews as oracle_interviews
from infra.sample.vendors.oracle import recruiting
from pipelines.base.contracts import TABLES
from pipelines.base.pseudonyms import pseudonym
from pipelines.ingest.map import FILTERED
from tests.vendors.printed import DELIVERY, PLAN, VENDORS, canonical, company

KNOWN = ("known_from", "known_from_basis")
FEEDS = {
    "greenhouse": [feed for feed in (VENDORS / "greenhouse").glob("*.yaml") if "_v1_" not in feed.name],
    "lever": [*(VENDORS / "lever").glob("*.yaml")],
    "oracle": [
        VENDORS / "oracle" / f"oracle_bip_{name}.yaml"
        for name in ("requisitions", "candidates", "applications", "interviews", "interview_feedback")
    ],
}


def write(vendor, out):
    """The company's hiring, and its interviews."""
    world = company()
    hired = {"greenhouse": greenhouse.write_harvest, "lever": lever.write_hiring, "oracle": recruiting.write_hiring}
    asked = {"greenhouse": greenhouse_interviews, "lever": lever_interviews, "oracle": oracle_interviews}
    hired[vendor](PLAN, world.hiring, world.workers, DELIVERY, out)
    return asked[vendor].write_interviews(world.hiring, DELIVERY, out)


def told():
    """What the company knows of its interviews, and whose they are."""
    rows = list(workday.application_rows(company().hiring, DELIVERY))
    return list(interviews(rows)), {row["Application_ID"]: row["Candidate_ID"] for row in rows}


def keyed(scheme, texts, prefix):
    return pseudonym(bytes.fromhex("11" * 32), scheme, pl.Series(texts), prefix)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Vendor -> what its files became."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        for name, byte in (("PSEUDONYM", "11"), ("VAULT", "22")):
            monkeypatch.setenv(f"CANDOR_{name}_KEY", byte * 32)
        found = {}
        for vendor, declared in FEEDS.items():
            folder = tmp_path_factory.mktemp(vendor)
            write(vendor, folder / "exports")
            found[vendor] = canonical(folder, declared, monkeypatch)
    return found


def moments(texts):
    return pl.Series(texts, dtype=pl.String).str.to_datetime("%Y-%m-%dT%H:%M:%S%.3fZ", time_unit="us", time_zone="UTC")


def test_interviews_of_every_vendor_are_those_that_the_company_had(made):
    asked, whose = told()
    ours, theirs, others = (made[vendor]["interviews"] for vendor in FEEDS)
    is_cancelled = pl.col("status_code") == "cancelled"
    assert others.filter(is_cancelled).height == 1
    assert others.filter(~is_cancelled).equals(ours)
    cancelled = theirs.filter(pl.col("status_code") == "cancelled")
    assert len(cancelled) == 1, "Greenhouse lets go of what was cancelled, Lever says so"
    theirs = theirs.filter(pl.col("status_code") != "cancelled")
    assert set(ours.columns) == {*TABLES["interviews"].schema, *KNOWN}
    assert ours.drop(KNOWN).equals(theirs.drop(KNOWN))
    assert {*theirs["known_from"]} == {datetime(2026, 9, 30, 23, 59, 59, 999999, tzinfo=UTC)}
    expected = pl.DataFrame(
        {
            "interview_id": keyed("interview", [str(one.key) for one in asked], "i"),
            "person_id": keyed("workday_candidate", [whose[one.application] for one in asked], "p"),
            "application_id": keyed("workday_application", [one.application for one in asked], "a"),
            "stage_code": [{"SCREEN": "screen", "INTERVIEW": "interview"}[one.stage] for one in asked],
            "kind_code": [{"SCREEN": "phone", "INTERVIEW": "onsite"}[one.stage] for one in asked],
            "status_code": ["completed" if one.opinions else "scheduled" for one in asked],
            "arranged_at": moments([one.arranged for one in asked]),
            "starts_at": moments([one.starts for one in asked]),
            "ends_at": moments([one.ends for one in asked]),
            "known_from": moments([one.opinions[-1].submitted if one.opinions else one.arranged for one in asked]),
            "known_from_basis": ["source"] * len(asked),
        }
    )
    assert expected.select(ours.columns).sort(pl.all()).equals(ours)
    assert {*ours["status_code"]} == {"completed", "scheduled"}
    assert {*ours["kind_code"]} == {"phone", "onsite"}


SHARES = {"strong_no": 0.0, "no": 0.25, "mixed": 0.5, "yes": 0.75, "strong_yes": 1.0}


def test_feedback_of_every_vendor_is_what_was_thought_and_no_word_of_it(made):
    asked, whose = told()
    ours, theirs, others = (made[vendor]["interview_feedback"] for vendor in FEEDS)
    assert set(ours.columns) == {*TABLES["interview_feedback"].schema, *KNOWN}
    assert ours.equals(theirs)
    assert ours.equals(others)
    opinions = [(one, said) for one in asked for said in one.opinions]
    rows = [(one, said, None, said.overall) for one, said in opinions]
    rows += [(one, said, name, rating) for one, said in opinions for name, rating in said.criteria.items()]
    expected = pl.DataFrame(
        {
            "feedback_id": keyed("feedback", [str(said.key) for _, said, *_ in rows], "f"),
            "person_id": keyed("workday_candidate", [whose[one.application] for one, *_ in rows], "p"),
            "application_id": keyed("workday_application", [one.application for one, *_ in rows], "a"),
            "interview_id": keyed("interview", [str(one.key) for one, *_ in rows], "i"),
            "criterion_code": [name for *_, name, _ in rows],
            "rating_share": [SHARES.get(rating) for *_, rating in rows],
            "recommendation_code": [None if name else rating for *_, name, rating in rows],
            "submitted_at": moments([said.submitted for _, said, *_ in rows]),
            "known_from": moments([said.submitted for _, said, *_ in rows]),
            "known_from_basis": ["source"] * len(rows),
        }
    )
    assert expected.select(ours.columns).sort(pl.all()).equals(ours)
    overall = ours.filter(pl.col("criterion_code").is_null())
    assert {*overall["recommendation_code"]} == {"strong_no", "no", "yes", "strong_yes", "no_decision"}
    assert {*ours["rating_share"]} == {None, 0.0, 0.25, 0.5, 0.75, 1.0}
    for vendor, frames in made.items():
        cells = "".join(frames[name].write_csv() for name in ("interviews", "interview_feedback"))
        for words in ("children", "sick", "Quinn", "Bo Lang"):
            assert words not in cells, vendor


def test_what_vendors_print_besides_is_left_out_for_its_reason(made):
    found = {vendor: dict(made[vendor][FILTERED]["reason_code"].value_counts().iter_rows()) for vendor in FEEDS}
    ours, theirs = found["greenhouse"], found["lever"]
    assert found["oracle"]["unsent"] == 1
    assert ours["not_arranged"] == 1
    assert ours["draft"] == 1 + 1 + 2, "a job, a scorecard, and what was thought of two things"
    assert ours["private_candidate"] >= 1 + 1 + 2, "an interview, its scorecard and what was thought of two things"
    assert ours["prospect"] == 1 + 1 + 1 + 2, "an application, and the same"
    assert (theirs["unsent"], theirs["deleted"]) == (1, 1)
    assert theirs["lead"] == 1 + 1 + 1 + 2, "an opportunity, and of it the same"
    assert theirs["confidential"] >= 1 + 1 + 2, "an interview, its overall score and what was thought of two things"
