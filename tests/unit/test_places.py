"""Whose cases are where: requisitions and workers by their location, people by their country."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

from pipelines import audit
from pipelines.audit import Tag
from pipelines.base.contracts import TABLES
from pipelines.base.errors import SettingsError
from pipelines.base.lake import Lake
from pipelines.base.settings import Law, check
from pipelines.score import places

DAY = date(2026, 10, 31)
LAW = Law(jurisdictions=("US-NY-NYC", "EU-DE"), locations={"NYC1": "US-NY-NYC", "BER": "EU-DE", "CHI": "US-IL"})

LOCATIONS = ("NYC1", "BER", "CHI", "X", None)
HOMES = ((1, "US"), (2, "US"), (3, "DE"), (4, "DE"), (5, "FR"), (6, None))


def person(number):
    return f"p_{number:032d}"


def rows(name, *told):
    schema = TABLES[name].schema
    frame = pl.DataFrame([dict.fromkeys(schema) | row for row in told], schema=schema)
    known = pl.lit(datetime(2026, 1, 1, tzinfo=UTC))
    return frame.with_columns(
        file_id=pl.lit("f"), source_row=pl.int_range(pl.len()), known_from=known, known_from_basis=pl.lit("source")
    )


def requisition(name, location):
    about = {"title": "t", "description": "d", "job_family_code": "j", "status_code": "open", "opened_at": DAY}
    return {"requisition_id": name, "location_code": location, **about}


@pytest.fixture
def company(store):
    """Requisitions here and there; candidates by country; workers, two of whom have a job on record."""
    who = range(1, 7)
    jobs = [
        {"person_id": person(number), "assignment_key": "a", "valid_from": date(2020, 1, 1), "seq_in_day": 1,
         "event_type_code": "hire", "employment_status_code": "active", "is_primary_assignment": primary,
         "time_type_code": "full_time", "location_code": location}
        for number, location, primary in ((1, "NYC1", True), (2, "CHI", True), (3, "NOWHERE", True), (4, "NYC1", False))
    ]  # fmt: skip
    worker = {"worker_type_code": "employee", "hired_at": date(2020, 1, 1), "job_family_code": "j"}
    Lake(store).publish(
        "one",
        {
            "requisitions": rows("requisitions", *(requisition(f"r-{at}", at) for at in LOCATIONS)),
            "candidates": rows(
                "candidates",
                *({"person_id": person(n), "created_at": datetime(2026, 1, 1, tzinfo=UTC), "country_code": c}
                  for n, c in ((1, "US"), (2, "DE"))),
            ),
            "workers": rows("workers", *(worker | {"person_id": person(n), "country_code": c} for n, c in HOMES)),
            "worker_history": rows("worker_history", *jobs),
            "consents": rows("consents", *({"person_id": person(n), "is_given": True} for n in who)),
        },
        {},
        {},
    )  # fmt: skip
    return store


def allowed(store, family, cases, stopped, law=LAW):
    frame = pl.DataFrame(cases, schema=["person_id", "subject_id"], orient="row")
    manifest = Lake(store).require()
    kept, counts = places.allowed(
        frame, store=store, manifest=manifest, family=family, as_of=DAY, stopped=stopped, settings=law
    )
    return list(kept.iter_rows()), counts


def test_a_candidate_is_where_the_requisition_is_or_where_they_live(company):
    us, de, unknown = person(1), person(2), person(3)
    cases = [(who, f"r-{at}") for at in ("NYC1", "BER", "CHI") for who in (us, de, unknown)]
    kept, counts = allowed(company, "screening", cases, ["EU-DE"])
    assert kept == [(us, "r-NYC1"), (unknown, "r-NYC1"), (us, "r-CHI"), (unknown, "r-CHI")]
    assert counts == {"EU-DE": 5}
    kept, counts = allowed(company, "screening", cases, ["EU-DE", "US-NY-NYC"])
    assert kept == [(us, "r-CHI"), (unknown, "r-CHI")]
    assert counts == {"EU-DE": 5, "US-NY-NYC": 3}


@pytest.mark.parametrize("subject", ["r-X", "r-None", "r-of-nobody"])
def test_a_job_that_nobody_can_place_counts_as_being_everywhere_that_is_named(company, subject):
    assert allowed(company, "screening", [(person(1), subject)], ["US-NY-NYC"]) == ([], {"US-NY-NYC": 1})


def test_a_worker_is_where_their_primary_job_is_else_in_the_country_they_work_in(company):
    everybody = [(person(number), "c1") for number in range(1, 8)]
    kept, counts = allowed(company, "outcomes", everybody, ["US-NY-NYC"])
    # 2 works in Chicago; 3 at a place nobody names, in Germany; 4 in Germany, whatever the second job; 5 in France
    assert kept == [(person(number), "c1") for number in (2, 3, 4, 5)]
    assert counts == {"US-NY-NYC": 3}  # 1, and 6 and 7 of whom nobody knows


def test_nothing_is_asked_where_nothing_is_stopped(company):
    assert allowed(company, "screening", [(person(1), "r-X")], []) == ([(person(1), "r-X")], {})


def test_without_places_nothing_is_stopped_and_that_is_said(store):
    nowhere = Law(jurisdictions=(), locations={})
    assert places.stopped(store, "screening", "a" * 64, nowhere) == {}
    assert "law.jurisdictions in params.yaml names no place" in places.NOTHING_CHECKED


def test_only_places_that_lack_something_are_stopped(store):
    found = places.stopped(store, "screening", "a" * 64, LAW, date(2026, 11, 27))
    assert list(found) == ["US-NY-NYC"]
    assert len(found["US-NY-NYC"]) == 2
    assert places.stopped(store, "performance", "a" * 64, LAW, date(2026, 11, 27)) == {}


def test_an_audit_is_of_one_model_and_a_notice_of_one_family(store):
    about = {"model_sha256": "a" * 64, "audited_on": "2026-06-01", "auditor": "Audits Ltd"}
    audit.append(store, Tag.AUDIT_PACKAGED, "screening", **about)
    audit.append(store, Tag.NOTICE_GIVEN, "screening", law="us-nyc-ll144", given_on="2026-06-01")
    today = date(2026, 11, 27)
    assert places.stopped(store, "screening", "a" * 64, LAW, today) == {}
    assert "no bias audit of this model" in places.stopped(store, "screening", "b" * 64, LAW, today)["US-NY-NYC"][0]
    illinois = Law(jurisdictions=("US-IL",), locations={})
    audit.append(store, Tag.NOTICE_GIVEN, "screening", law="us-il-hb3773", given_on="2026-06-01")
    assert places.stopped(store, "screening", "a" * 64, illinois, today) == {}
    assert list(places.stopped(store, "performance", "a" * 64, illinois, today)) == ["US-IL"]


@pytest.mark.parametrize("place", ["NYC", "us-ny", "US_NY", ""])
def test_a_location_must_be_in_a_place_that_is_written_as_one(place):
    with pytest.raises(SettingsError, match=r"law\.locations\.NYC1: String should match pattern"):
        check(Law, {"jurisdictions": ["US"], "locations": {"NYC1": place}}, "law")
