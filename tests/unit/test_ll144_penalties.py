"""What use without an audit or a notice could cost under Local Law 144: by hand."""

from datetime import date

import pytest

from monitoring.ll144 import penalties
from monitoring.ll144.penalties import Use
from pipelines.audit import Entry, Tag
from pipelines.audit.shown import Notice, noticed
from pipelines.base.errors import SettingsError
from pipelines.fairness import law

PACK = next(pack for pack in law.library() if pack.code == "us-nyc-ll144")
MODEL, OTHER = "a" * 64, "b" * 64
NOV = {day: date(2026, 11, day) for day in range(1, 31)}
FIRST, SECOND = (date(2026, 10, 1), MODEL), (date(2026, 10, 2), MODEL)
AUDITED = {MODEL: (date(2026, 1, 5),)}
IN_TIME = Notice(date(2026, 10, 1), None)


def counted(used, people, *, audits=AUDITED, told=(IN_TIME,), pack=PACK):
    return penalties.counted(used, people, audits, told, pack)


def cost(found):
    return found["violations"], found["least"], found["most"]


def test_with_an_audit_and_a_notice_in_time_nothing_is_due():
    found = counted([Use(NOV[16], FIRST)], {FIRST: {"p", "q"}})
    assert found == {
        "days_of_use": 1, "days_without_audit": 0, "people": 2, "people_without_notice": 0, "violations": 0,
        "first_on": None, "least": 0, "most": 0, "currency": "USD", "uses_without_rows": 0,
    }  # fmt: skip


def test_every_day_of_use_without_an_audit_is_one_violation_and_the_first_costs_less():
    """Three days, of which one twice: 500 at most for the first, 500 to 1,500 for each other."""
    used = [Use(NOV[day], FIRST) for day in (16, 17, 17, 18)]
    found = counted(used, {FIRST: {"p"}}, audits={OTHER: (date(2026, 11, 1),)})
    assert (found["days_of_use"], found["days_without_audit"], found["first_on"]) == (3, 3, "2026-11-16")
    assert cost(found) == (3, 1000, 500 + 2 * 1500)


def test_every_person_without_a_notice_is_one_violation_once_on_the_first_day():
    """Two, p and q, on the 17th, p again and r on the 18th: two on the first day, one later. In no order."""
    used = [Use(NOV[18], SECOND), Use(NOV[17], FIRST)]
    found = counted(used, {FIRST: {"p", "q"}, SECOND: {"p", "r"}}, told=())
    assert (found["people"], found["people_without_notice"], found["first_on"]) == (3, 3, "2026-11-17")
    assert cost(found) == (3, 500, 2 * 500 + 1500)


def test_what_is_missing_both_is_counted_both():
    found = counted([Use(NOV[17], FIRST)], {FIRST: {"p", "q"}}, audits={}, told=())
    assert cost(found) == (3, 0, 1500)


@pytest.mark.parametrize(
    ("day", "missing"),
    [(date(2026, 1, 4), 1), (date(2026, 1, 5), 0), (date(2027, 1, 5), 0), (date(2027, 1, 6), 1)],
)
def test_an_audit_is_good_from_its_day_for_a_year(day, missing):
    assert counted([Use(day, FIRST)], {FIRST: {"p"}})["days_without_audit"] == missing


@pytest.mark.parametrize(
    ("told", "missing"),
    [
        # Ten business days before Monday 16 November, without Veterans Day on the 11th and Election Day on the 3rd
        (Notice(date(2026, 10, 29), None), 0),
        (Notice(date(2026, 10, 30), None), 1),
        (Notice(date(2026, 10, 1), NOV[17]), 0),
        (Notice(date(2026, 10, 1), NOV[16]), 1),
    ],
)
def test_a_notice_is_given_in_time_and_stands_until_it_is_withdrawn(told, missing):
    assert counted([Use(NOV[16], FIRST)], {FIRST: {"p"}}, told=(told,))["people_without_notice"] == missing


def test_without_the_holidays_of_the_year_no_notice_is_in_time():
    found = counted([Use(date(2028, 3, 1), FIRST)], {FIRST: {"p"}}, audits={MODEL: (date(2028, 1, 1),)})
    assert (found["people_without_notice"], found["days_without_audit"]) == (1, 0)


def test_a_use_about_nobody_in_the_city_or_before_the_law_is_none_and_one_without_rows_is_a_day():
    used = [Use(NOV[16], FIRST), Use(date(2023, 7, 4), SECOND), Use(NOV[17], (date(2026, 10, 3), MODEL))]
    found = counted(used, {FIRST: set(), SECOND: {"p"}}, audits={}, told=())
    assert (found["days_of_use"], found["days_without_audit"], found["people"]) == (1, 1, 0)
    assert found["uses_without_rows"] == 1


def test_a_law_without_a_penalty_is_refused():
    with pytest.raises(SettingsError, match="must say what a violation costs"):
        counted([], {}, pack=PACK.model_copy(update={"penalty": None}))


def entry(number, tag, on, subject="screening", **facts):
    return Entry(number, tag, subject, facts, f"{on}T08:00:00.000000+00:00", "0" * 64)


def test_uses_and_notices_are_those_of_the_ledger():
    scored = {"as_of": "2026-10-01", "model_sha256": MODEL}
    ledger = [
        entry(1, Tag.PEOPLE_SCORED, NOV[2], kind="shadow", **scored),
        entry(2, Tag.PEOPLE_SCORED, NOV[3], kind="release", **scored),
        entry(3, Tag.PEOPLE_SCORED, NOV[4], "outcomes", kind="release", **scored),
        entry(4, Tag.PEOPLE_SCORED, NOV[5], kind="rollback", **scored),
        entry(5, Tag.NOTICE_GIVEN, NOV[6], law=PACK.code, given_on="2026-10-01"),
        entry(6, Tag.NOTICE_GIVEN, NOV[6], law="eu-gdpr", given_on="2026-10-02"),
        entry(7, Tag.NOTICE_WITHDRAWN, NOV[7], law=PACK.code, why="w"),
        entry(8, Tag.NOTICE_GIVEN, NOV[8], law=PACK.code, given_on="2026-11-02"),  # by mistake
        entry(8, Tag.NOTICE_GIVEN, NOV[8], law=PACK.code, given_on="2026-11-08"),
        entry(9, Tag.NOTICE_GIVEN, NOV[8], "outcomes", law=PACK.code, given_on="2026-10-03"),
        entry(10, Tag.NOTICE_WITHDRAWN, NOV[9], law=PACK.code, why="w"),
    ]
    assert penalties.uses(ledger, "screening") == [Use(NOV[3], FIRST), Use(NOV[5], FIRST)]
    assert noticed(ledger, "screening", PACK.code) == [
        Notice(date(2026, 10, 1), NOV[7]),
        Notice(NOV[8], NOV[9]),
    ]


@pytest.mark.parametrize(
    ("said", "told", "without"),
    [
        # A notice of 1 October, another text on 12 November: who was scored on the 16th and 30th was told in October.
        ({"renews": "2026-10-01"}, [date(2026, 10, 1), NOV[12]], 0),
        # The first was never there: the other's ten business days end on Monday 30 November, past Thanksgiving.
        ({"corrects": "2026-10-01"}, [NOV[12]], 1),
        ({}, [NOV[12]], 1),  # nobody says that the first was true
    ],
)
def test_a_renewal_leaves_people_told_and_a_correction_shows_that_they_were_not(said, told, without):
    ledger = [
        entry(1, Tag.NOTICE_GIVEN, NOV[2], law=PACK.code, given_on="2026-10-01"),
        entry(2, Tag.NOTICE_GIVEN, NOV[12], law=PACK.code, given_on="2026-11-12", **said),
    ]
    found = noticed(ledger, "screening", PACK.code)
    assert found == [Notice(day, None) for day in told]
    used = [Use(NOV[16], FIRST), Use(NOV[30], SECOND)]
    about = {FIRST: {"p"}, SECOND: {"q"}}
    assert counted(used, about, told=found)["people_without_notice"] == without


def test_one_of_many_is_corrected_and_a_withdrawal_ends_all():
    ledger = [
        entry(1, Tag.NOTICE_GIVEN, NOV[2], law=PACK.code, given_on="2026-10-01"),
        entry(2, Tag.NOTICE_GIVEN, NOV[2], law=PACK.code, given_on="2026-10-20", renews="2026-10-01"),
        entry(3, Tag.NOTICE_GIVEN, NOV[3], law=PACK.code, given_on="2026-10-25", corrects="2026-10-20"),
        entry(4, Tag.NOTICE_WITHDRAWN, NOV[9], law=PACK.code, why="w"),
        entry(5, Tag.NOTICE_GIVEN, NOV[10], law=PACK.code, given_on="2026-11-10"),
        entry(6, Tag.NOTICE_GIVEN, NOV[11], law=PACK.code, given_on="2026-11-11", corrects="2026-10-01"),
    ]
    assert noticed(ledger, "screening", PACK.code) == [
        Notice(date(2026, 10, 25), NOV[9]),  # that of 1 October never was so, and that it ended makes it no truer
        Notice(NOV[10], None),
        Notice(NOV[11], None),
    ]
