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
from pipelines.score.places import _finer as finer

DAY = date(2026, 10, 31)
LAW = Law(jurisdictions=("US-NY-NYC", "EU-DE"), locations={"NYC1": "US-NY-NYC", "BER": "EU-DE", "CHI": "US-IL"})

LOCATIONS = ("NYC1", "BER", "CHI", "X", None)
HOMES = ((1, "US"), (2, "US"), (3, "DE"), (4, "DE"), (5, "FR"), (6, None))
ALSO = ((11, "DE"), (12, "US"), (21, "US"), (22, "US"), (31, "US"), (32, "US"), (41, "FR"), (42, "DE"))
"""Four people with two records each, of which 21 and 22, 31 and 32, 41 and 42 have jobs."""


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
    who = (*range(1, 7), *(number for number, _ in ALSO))
    jobs = [
        {"person_id": person(number), "assignment_key": key, "valid_from": date(2020, 1, 1), "seq_in_day": 1,
         "event_type_code": "hire", "employment_status_code": "active", "is_primary_assignment": primary,
         "time_type_code": "full_time", "location_code": location}
        for number, location, primary, key in (
            (1, "NYC1", True, "a"), (2, "CHI", True, "a"), (3, "NOWHERE", True, "a"), (4, "NYC1", False, "a"),
            (21, "CHI", True, "a"), (22, "NYC1", True, "a"), (31, "CHI", True, "a"), (32, "CHI", True, "b"),
            (41, "CHI", True, "a"), (42, "BER", True, "b"),
        )
    ]  # fmt: skip
    worker = {"worker_type_code": "employee", "hired_at": date(2020, 1, 1), "job_family_code": "j"}
    Lake(store).publish(
        "one",
        {
            "requisitions": rows("requisitions", *(requisition(f"r-{at}", at) for at in LOCATIONS)),
            "candidates": rows(
                "candidates",
                *({"person_id": person(n), "created_at": datetime(2026, 1, 1, tzinfo=UTC), "country_code": c}
                  for n, c in ((1, "US"), (2, "DE"), (11, "DE"), (12, "US"), (21, None), (22, "DE"))),
            ),
            "workers": rows("workers", *(
                worker | {"person_id": person(n), "country_code": c} for n, c in HOMES + ALSO
            )),
            "worker_history": rows("worker_history", *jobs),
            "consents": rows("consents", *({"person_id": person(n), "is_given": True} for n in who)),
            "person_links": rows(
                "person_links",
                *({"person_id": person(n), "linked_person_id": person(n + 1)} for n in (11, 21, 31, 41)),
            ),
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


def test_a_person_with_two_records_is_where_each_of_them_has_them(company):
    people = [person(number) for number in (11, 21, 31, 41)]
    cases = [(who, "c1") for who in people]
    # 11 works in Germany and the US; 21 in Chicago and New York, of which the lake shows one, and lives in Germany; 31
    # works in Chicago, twice; 41 in Chicago and Berlin, and in France by a record that says so
    for place, elsewhere in (("EU-DE", [31]), ("US-NY-NYC", [31, 41]), ("EU-FR", [11, 21, 31])):
        kept, counts = allowed(company, "outcomes", cases, [place])
        assert kept == [(person(number), "c1") for number in elsewhere]
        assert counts == {place: 4 - len(elsewhere)}
    # and lives in either, whatever the order of the records
    kept, _ = allowed(company, "screening", [(who, "r-CHI") for who in people], ["EU-DE"])
    assert kept == [(person(number), "r-CHI") for number in (31, 41)]


@pytest.mark.parametrize(
    ("countries", "jobs", "places"),
    [
        (["US"], ["US-IL"], ["US-IL"]),
        ([None], ["US-IL"], ["US-IL"]),
        (["EU-DE"], ["US-IL"], ["US-IL", "EU-DE"]),
        (["US", "US"], ["US-IL", "US-NY"], ["US-IL", "US-NY"]),
        (["US", "US"], ["US-IL"], ["US-IL", "US", "US"]),
        (["US"], ["US-IL", None], ["US-IL", "US"]),
        (["US"], [None], ["US"]),
        ([], [None], [None]),
        ([], ["US-IL"], ["US-IL"]),
    ],
)
def test_a_country_counts_but_where_the_jobs_of_all_records_account_for_it(countries, jobs, places):
    assert finer(countries, jobs) == places


def test_nothing_is_asked_where_nothing_is_stopped(company):
    assert allowed(company, "screening", [(person(1), "r-X")], []) == ([(person(1), "r-X")], {})


def test_without_places_nothing_is_stopped_and_that_is_said(store):
    nowhere = Law(jurisdictions=(), locations={})
    assert places.stopped(store, "screening", "a" * 64, nowhere) == {}
    assert "law.jurisdictions in params.yaml names no place" in places.NOTHING_CHECKED


def test_only_places_that_lack_something_are_stopped(store):
    found = places.stopped(store, "screening", "a" * 64, LAW, date(2026, 11, 27))
    assert {place: len(why) for place, why in found.items()} == {"EU-DE": 1, "US-NY-NYC": 2}
    assert list(places.stopped(store, "performance", "a" * 64, LAW, date(2026, 11, 27))) == ["EU-DE"]
    signed(store, "performance")
    assert places.stopped(store, "performance", "a" * 64, LAW, date(2026, 11, 27)) == {}
    assert places.stopped(store, "performance", "a" * 64, LAW, date(2026, 10, 31)) != {}, "signed in November"


def signed(store, *families):
    """Impact assessments of the GDPR."""
    for family in families:
        audit.append(store, Tag.ASSESSMENT_SIGNED, family, law="eu-gdpr", signed_on="2026-11-01")


def test_of_a_model_in_shadow_nothing_but_an_assessment_is_asked(store):
    def asked(family):
        return places.stopped(store, family, "a" * 64, LAW, date(2026, 11, 27), is_shadow=True)

    (why,) = asked("screening")["EU-DE"]
    assert "(Art. 35): no impact assessment" in why
    assert list(asked("screening")) == list(asked("outcomes")) == ["EU-DE"]
    signed(store, "screening")
    assert (asked("screening"), list(asked("outcomes"))) == ({}, ["EU-DE"])


@pytest.mark.parametrize(
    ("named", "family", "found"),
    [
        (("US",), "screening", ["US-CA", "US-CO", "US-IL", "US-NY-NYC"]),
        (("US",), "performance", ["US-CA", "US-CO", "US-IL"]),
        (("US-NY",), "screening", ["US-NY-NYC"]),
        (("US-NY-NYC-5",), "screening", ["US-NY-NYC-5"]),
        (("EU-DE", "US-NY"), "screening", ["EU-DE", "US-NY-NYC"]),
        (("EU",), "outcomes", ["EU"]),
        (("US-N",), "screening", []),
    ],
)
def test_who_names_a_country_names_the_places_in_it_that_have_laws(store, named, family, found):
    law = Law(jurisdictions=named, locations={})
    # by then the rules of California (2027-01-01) and Colorado are in force; those of the EU on employment are not
    assert list(places.stopped(store, family, "a" * 64, law, date(2027, 7, 1))) == found


def test_an_audit_is_of_one_model_and_a_notice_of_one_family(store):
    about = {"model_sha256": "a" * 64, "audited_on": "2026-06-01", "auditor": "Audits Ltd"}
    signed(store, "screening", "performance")
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
