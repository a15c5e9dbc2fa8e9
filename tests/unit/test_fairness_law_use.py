"""Conditions of use: which audits and notices must be on record, by hand from the texts of the laws."""

from datetime import date

import pytest

from pipelines.base.errors import SettingsError
from pipelines.fairness import law

NYC = "us-nyc-ll144"
TODAY = date(2026, 11, 27)  # a Friday after Thanksgiving; 11 and 26 November are holidays of New York City
AUDIT = "New York City Local Law 144 of 2021, automated employment decision tools (NYC Admin. Code 20-871(a)(1)): "
NOTICE = "New York City Local Law 144 of 2021, automated employment decision tools (6 RCNY 5-304): "


def lacking(place="US-NY-NYC", day=TODAY, *, hires=True, audits=(date(2026, 6, 1),), given=date(2026, 10, 1), pack=NYC):
    notices = {} if given is None else {pack: given}
    return law.lacking(place, day, hires=hires, audits=audits, notices=notices, assessments={})


def test_with_an_audit_of_this_year_and_a_notice_in_time_nothing_is_lacking():
    assert lacking() == ()


@pytest.mark.parametrize(("audited", "day", "is_good"), [
    (date(2025, 11, 27), TODAY, True),  # a year to the day: the last day
    (date(2025, 11, 26), TODAY, False),
    (date(2024, 2, 29), date(2025, 2, 28), True),
    (date(2024, 2, 29), date(2025, 3, 1), False),
])  # fmt: skip
def test_an_audit_is_good_for_a_year(audited, day, is_good):
    found = lacking(day=day, audits=(audited,), given=None)
    assert any("the bias audit of" in sentence for sentence in found) is not is_good


def test_the_newest_audit_counts_and_one_of_tomorrow_does_not():
    assert lacking(audits=(date(2020, 1, 1), date(2026, 6, 1))) == ()
    assert lacking(audits=(date(2026, 11, 28),)) == (
        f"{AUDIT}no bias audit of this model by an independent auditor is on record.",
    )


def test_an_expired_audit_says_until_when_it_was_good():
    assert lacking(audits=(date(2025, 11, 1),)) == (f"{AUDIT}the bias audit of 2025-11-01 was good until 2026-11-01.",)


@pytest.mark.parametrize(("given", "is_in_time"), [(date(2026, 11, 12), True), (date(2026, 11, 13), False)])
def test_a_notice_must_be_ten_business_days_old(given, is_in_time):
    """Back from Friday the 27th: 25, 24, 23, 20, 19, 18, 17, 16, 13, 12."""
    late = f"{NOTICE}the notice of {given} was due by 2026-11-12 for use on 2026-11-27."
    assert lacking(given=given) == (() if is_in_time else (late,))


@pytest.mark.parametrize("given", [None, date(2026, 11, 28)])
def test_without_a_notice_on_record_there_is_none(given):
    assert lacking(given=given) == (f"{NOTICE}no notice is on record.",)


def test_where_the_holidays_are_not_known_nobody_can_say_that_a_notice_was_in_time():
    found = lacking(day=date(2028, 3, 1), audits=(date(2028, 1, 1),), given=date(2027, 1, 4))
    assert len(found) == 1
    assert "Business days need all holidays" in found[0]


def test_new_yorks_law_is_about_hiring_and_others_about_every_decision():
    assert lacking(hires=False, audits=(), given=None) == ()
    assert [sentence.partition(" (")[0] for sentence in lacking("US-IL", hires=False, given=None)] == [
        pack.title for pack in law.library() if pack.code == "us-il-hb3773"
    ]


@pytest.mark.parametrize(("day", "count"), [(date(2026, 12, 31), 0), (date(2027, 1, 1), 1)])
def test_colorado_asks_for_its_notice_from_the_first_of_january_2027(day, count):
    assert len(lacking("US-CO", day, given=None)) == count
    assert lacking("US-CO", day, given=date(2026, 12, 30), pack="us-co-sb26-189") == ()


@pytest.mark.parametrize("hires", [True, False])
@pytest.mark.parametrize(("signed", "is_there"), [
    (None, False), (date(2026, 11, 28), False), (TODAY, True), (date(2018, 5, 25), True),
])  # fmt: skip
def test_in_the_union_an_impact_assessment_must_have_been_signed_by_the_day_of_use(hires, signed, is_there):
    """Art. 35 of the GDPR, of every decision about people; nothing else there is a condition before December 2027."""
    signed_of = {} if signed is None else {"eu-gdpr": signed, "us-nyc-ll144": signed}
    found = law.lacking("EU-DE", TODAY, hires=hires, audits=(), notices={}, assessments=signed_of)
    lacks = "General Data Protection Regulation (Art. 35): no impact assessment that somebody signed is on record."
    assert found == law.unassessed("EU-DE", TODAY, hires, signed_of) == (() if is_there else (lacks,))


def test_an_assessment_is_of_the_law_that_asks_for_it_and_asked_nowhere_else():
    assert {pack.code for pack in law.library() if law.asks_for_assessment(pack)} == {"eu-gdpr"}
    assert len(law.unassessed("EU-FR", TODAY, True, {"eu-ai-act": TODAY})) == 1
    assert law.unassessed("US-NY-NYC", TODAY, True, {}) == law.unassessed("EU", date(2018, 5, 24), True, {}) == ()


def test_from_december_2027_the_union_wants_a_notice_beside_the_assessment():
    day, both = (
        date(2027, 12, 2),
        law.lacking("EU-DE", date(2027, 12, 2), hires=True, audits=(), notices={}, assessments={}),
    )
    assert [sentence.partition(" (")[2][:11] for sentence in both] == ["Art. 26(7) ", "Art. 35): n"]
    assert len(law.unassessed("EU-DE", day, True, {})) == 1


def test_a_place_whose_laws_set_no_condition_lacks_nothing_and_a_misspelt_one_is_an_error():
    assert lacking("US-TX", audits=(), given=None) == ()
    with pytest.raises(SettingsError, match="jurisdiction must begin as the packs of law do"):
        lacking("NYC")


@pytest.mark.parametrize(("work", "home", "expected"), [
    (None, None, True),  # nobody knows
    ("US-NY-NYC", None, True),
    ("US-NY-NYC-BX", None, True),
    ("US-NY", None, True),  # wider: it may be in the city
    ("US", None, True),
    ("US-IL", None, False),
    ("EU-DE", None, False),
    ("US-NY-NYCX", None, False),  # another name, not a part of it
    ("US-IL", "US-NY-NYC", True),
    ("US-IL", "US", False),  # a home that only might be there adds nothing
    (None, "EU-DE", True),
])  # fmt: skip
def test_who_may_be_in_a_place_counts_as_being_there(work, home, expected):
    assert law.is_there("US-NY-NYC", work, home) is expected


@pytest.mark.parametrize(
    ("country", "place"),
    [
        ("US", "US"),
        ("DE", "EU-DE"),
        ("NO", "EU-NO"),
        ("GB", "GB"),
        ("DEU", None),
        ("us", None),
        ("", None),
        (None, None),
    ],
)
def test_a_country_is_a_place(country, place):
    assert law.place_of(country) == place


def test_who_asks_for_a_notice():
    asking = {pack.code for pack in law.library() if law.asks_for_notice(pack)}
    assert asking == {"us-nyc-ll144", "us-il-hb3773", "us-co-sb26-189", "us-ca-cppa-admt", "eu-ai-act"}
