"""The overview's clocks: which audit is due when, what starts later, and that nothing unknown looks good."""

from datetime import date

import pytest

from monitoring.ll144.stored import Package
from monitoring.portal import pages
from monitoring.portal.clocks import Board, board, span
from monitoring.portal.evidence import BiasAudit, Ledger
from monitoring.portal.roles import Reader, Role
from pipelines.audit import Head
from pipelines.base.errors import SettingsError
from pipelines.fairness.law import Clock, coming

TODAY = date(2026, 11, 27)
OURS, OTHER = "a" * 64, "b" * 64
PLACES = ("US-NY-NYC", "US-IL", "US-CO", "EU-DE")
WHO = Reader("c", Role.COMPLIANCE)


def audited(on, *, model=OURS, auditor="Somebody Independent LLP.", expires=None, stays=None):
    package = Package("screening", "c" * 64, "release 1", model, date(2026, 1, 1), on, on, on, auditor, None)
    return BiasAudit(package, expires or on.replace(year=on.year + 1), stays, is_expired=False)


def due(audits, day=TODAY, places=("US-NY-NYC",), screens=OURS):
    return [(item.where, item.on, item.state) for item in board(places, day, audits, screens).due]


AGE, STAYS = "NYC Admin. Code 20-871(a)(1)", "6 RCNY 5-303"


@pytest.mark.parametrize(
    ("day", "state"),
    [
        (date(2027, 5, 1), "running"),
        (date(2027, 5, 2), "soon"),
        (date(2027, 6, 1), "soon"),
        (date(2027, 6, 2), "overdue"),
    ],
)
def test_the_audit_of_the_model_that_screens_is_good_for_a_year(day, state):
    assert due([audited(date(2026, 6, 1))], day) == [(AGE, date(2027, 6, 1), state)]


@pytest.mark.parametrize(
    "audits",
    [
        [],
        [audited(date(2026, 6, 1), model=OTHER)],
        [audited(date(2026, 6, 1), auditor=None)],
    ],
    ids=["none", "of another model", "recomputed by nobody"],
)
def test_what_is_no_audit_of_this_model_starts_no_clock(audits):
    assert due(audits) == [(AGE, None, "missing")]


def test_the_latest_audit_counts_and_not_the_last_one_recorded():
    older_recorded_last = [audited(date(2026, 2, 1)), audited(date(2026, 6, 1))]
    assert due(older_recorded_last) == [(AGE, date(2027, 6, 1), "running")]


def test_the_publication_has_a_clock_until_it_may_come_down():
    shown = [audited(date(2026, 6, 1), stays=date(2027, 4, 30))]
    assert due(shown)[0] == (STAYS, date(2027, 4, 30), "running")
    assert [where for where, _, _ in due(shown, date(2027, 5, 1))] == [AGE]


def test_a_model_that_screens_no_more_keeps_its_publication_until_six_months_after_its_last_use():
    retired = audited(date(2026, 6, 1), model=OTHER, stays=date(2027, 4, 30))
    now = audited(date(2026, 9, 1), stays=date(2027, 5, 27))
    assert due([now, retired]) == [
        (STAYS, date(2027, 4, 30), "running"),
        (STAYS, date(2027, 5, 27), "running"),
        (AGE, date(2027, 9, 1), "running"),
    ]
    assert due([retired], screens=None) == [(STAYS, date(2027, 4, 30), "running")]
    assert due([retired], date(2027, 4, 30), screens=None)[0][2] == "soon"
    assert due([retired], date(2027, 5, 1), screens=None) == []


def test_of_several_audits_of_one_model_one_row_is_shown_and_says_which_model():
    several = [audited(date(2026, month, 1), stays=date(2027, 4, 30)) for month in (9, 6)]
    shown = [item.of for item in board(["US-NY-NYC"], TODAY, several, None).due]
    assert shown == ["release 1"]
    unheard = audited(date(2026, 6, 1), stays=date(2027, 4, 30), auditor=None)
    assert due([unheard], screens=None) == [], "nothing was published as a bias audit"


def test_where_new_york_is_not_named_or_nobody_is_screened_no_audit_is_missing():
    assert due([], places=("US-NY",)) == []
    assert due([], screens=None) == []


def test_what_is_due_every_year_has_its_day():
    assert due([], places=("US-IL",)) == [("820 ILCS 42/20(b)", date(2026, 12, 31), "running")]
    assert due([], date(2026, 12, 1), ("US-IL",))[0][2] == "soon"
    assert due([], date(2027, 1, 1), ("US-IL",))[0][1] == date(2027, 12, 31)


def test_what_starts_later_is_told_before_it_does():
    told = [(start, pack.code, count) for start, pack, count in coming(["US-CO"], TODAY)]
    assert told == [(date(2027, 1, 1), "us-co-sb26-189", 7)]
    assert coming(["US-CO"], date(2027, 1, 1)) == ()
    europe = [(start, pack.code) for start, pack, _ in coming(["EU-DE"], TODAY)]
    assert europe == [(date(2027, 12, 2), "eu-ai-act")]
    assert coming(["US-NY-NYC"], TODAY) == ()


def test_clocks_that_start_with_an_event_are_listed_and_none_twice():
    made = board(PLACES, TODAY, [], OURS)
    listed = [f"{pack.code}/{duty.code}" for pack, duty in made.by_event]
    assert {"us-nyc-ll144/notice", "eu-gdpr/breach", "us-ugesp/contractor_retention"} <= set(listed)
    assert not {"us-nyc-ll144/audit_age", "us-il-video/demographic_report_due"} & set(listed)
    assert "eu-ai-act/serious_incident" not in listed, "not in force before December 2027"
    assert len(listed) == len(set(listed))


def test_a_place_that_no_law_could_mean_is_refused():
    with pytest.raises(SettingsError, match="must begin as the packs of law do"):
        board(["Germany"], TODAY, [], OURS)


def test_the_overview_says_what_is_missing_first_and_that_no_pack_is_advice():
    whole = Ledger(Head(1, "e" * 64), ())
    text = pages.overview([], whole, WHO, board(PLACES, TODAY, [], OURS))
    assert text.index("no audit on record") < text.index("2026-12-31")
    assert "2027-01-01</span>: Colorado SB 26-189, automated decision-making technology, 7 duties" in text
    assert "No pack of law is legal advice" in text
    faulty = pages.overview([], whole, WHO, Board(fault="<b>law</b> must be there"))
    assert "The clocks cannot be shown: &lt;b&gt;law" in faulty
    assert "in time" not in faulty
    unread = pages.overview([], whole, WHO, board(PLACES, TODAY, None, OURS, fault="Entry 7 is broken."))
    assert "The clocks of bias audits cannot be shown: Entry 7 is broken." in unread
    assert "2026-12-31" in unread
    assert "no audit on record" not in unread


@pytest.mark.parametrize(
    ("amount", "unit", "says"),
    [
        (1, "months", "1 month after request"),
        (30, "days", "30 days after request"),
        (10, "business_days", "10 business days after request"),
        (72, "hours", "72 hours after request"),
        (1, "years", "1 year after request"),
    ],
)
def test_a_span_of_one_is_told_as_one(amount, unit, says):
    assert span(Clock(amount=amount, unit=unit, side="after", trigger="request")) == says
