"""Notices on record: who may be told of, when, and what the ledger shows."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest

from pipelines import audit
from pipelines.audit import Tag, entries
from pipelines.audit.shown import Notice, noticed, shown
from pipelines.base.errors import ContractError
from pipelines.publish import notices
from pipelines.publish.__main__ import main

LAW, WHERE = "us-il-hb3773", "careers page, section AI"


def give(store, **words):
    return notices.give(
        store, "screening", LAW, **{"given_on": date(2026, 1, 5), "where": WHERE, "by": "dora", **words}
    )


def tags(store):
    return [str(entry.tag) for entry in entries(store)]


def test_a_notice_stands_for_its_family_and_law_until_it_is_withdrawn(store):
    for _ in range(2):
        give(store)
    assert shown(store, "screening").notices == {LAW: date(2026, 1, 5)}
    assert shown(store, "performance").notices == {}
    for status in ("withdrawn", "nothing_stands"):
        told = notices.withdraw(store, "screening", LAW, why="The page was taken down.", by="dora")
        assert json.loads(told)["status"] == status
    assert shown(store, "screening").notices == {}
    today = datetime.now(UTC).date()
    give(store, given_on=today)
    assert shown(store, "screening").notices == {LAW: today}
    assert tags(store) == ["notice:given", "notice:withdrawn", "notice:given"]


def test_a_notice_that_was_withdrawn_does_not_count_from_its_first_day(store):
    give(store)
    give(store, given_on=date(2026, 1, 4), corrects=date(2026, 1, 5))  # a day may be, while the notice stands
    assert shown(store, "screening").notices == {LAW: date(2026, 1, 4)}
    notices.withdraw(store, "screening", LAW, why="The page was taken down.", by="dora")
    today = datetime.now(UTC).date()
    for day in (date(2026, 1, 5), today - timedelta(days=1)):
        with pytest.raises(ContractError, match=f"withdrawn on {today} must be given anew; {day} is before"):
            give(store, given_on=day)
    assert shown(store, "screening").notices == {}
    notices.give(store, "performance", LAW, date(2026, 1, 5), where=WHERE, by="dora")
    notices.give(store, "screening", "us-nyc-ll144", date(2026, 1, 5), where=WHERE, by="dora")
    give(store, given_on=today)
    assert shown(store, "screening").notices == {LAW: today, "us-nyc-ll144": date(2026, 1, 5)}


JAN, MAY = date(2026, 1, 5), date(2026, 5, 4)


def test_a_renewal_leaves_the_first_day_and_a_correction_takes_it(store):
    give(store)
    for _ in range(2):
        give(store, given_on=MAY, renews=JAN)
    assert shown(store, "screening").notices == {LAW: JAN}
    with pytest.raises(ContractError, match="2026-02-01 is before 2026-05-04"):
        give(store, given_on=date(2026, 2, 1), renews=JAN)
    for _ in range(2):
        give(store, given_on=MAY, corrects=JAN)
    assert shown(store, "screening").notices == {LAW: MAY}
    assert [entry.facts.get("renews", entry.facts.get("corrects")) for entry in entries(store)] == [
        None,
        *[str(JAN)] * 2,
    ]


@pytest.mark.parametrize(("said", "match"), [
    ({}, "must say whether it renews or corrects it, one of both; 2026-01-05 stands"),
    ({"renews": JAN, "corrects": JAN}, "one of both"),
    ({"renews": date(2026, 1, 6)}, "2026-01-06 does not. Name one of: 2026-01-05"),
    ({"corrects": date(2026, 1, 6)}, "2026-01-06 is not. Name one of: 2026-01-05"),
    ({"renews": JAN, "given_on": date(2026, 1, 4)}, "2026-01-04 is before 2026-01-05"),
])  # fmt: skip
def test_what_a_notice_is_to_one_that_stands_is_never_guessed(store, said, match):
    give(store)
    with pytest.raises(ContractError, match=match):
        give(store, **{"given_on": MAY, **said})
    assert shown(store, "screening").notices == {LAW: JAN}


@pytest.mark.parametrize("said", [{"renews": JAN}, {"corrects": JAN}])
def test_nothing_is_renewed_where_none_stands(store, said):
    with pytest.raises(ContractError, match=r"2026-01-05 (does|is) not\. Name one of: none"):
        give(store, given_on=MAY, **said)
    assert tags(store) == []


def test_a_correction_takes_a_notice_that_was_withdrawn_out_of_the_past(store):
    """Else whoever was exposed before the withdrawal would count as told for ever."""
    today = datetime.now(UTC).date()
    give(store)
    notices.withdraw(store, "screening", LAW, why="It was never there at all.", by="dora")
    assert noticed(entries(store), "screening", LAW) == [Notice(JAN, today)]
    with pytest.raises(ContractError, match=r"2026-01-05 does not\. Name one of: none"):
        give(store, given_on=today, renews=JAN)
    for _ in range(2):
        give(store, given_on=today, corrects=JAN)
    assert noticed(entries(store), "screening", LAW) == [Notice(today, None)]
    assert tags(store) == ["notice:given", "notice:withdrawn", "notice:given"]


def test_a_notice_of_the_day_of_its_withdrawal_stands_again(store):
    today = datetime.now(UTC).date()
    give(store, given_on=today)
    notices.withdraw(store, "screening", LAW, why="The page was taken down.", by="dora")
    give(store, given_on=today)
    assert shown(store, "screening").notices == {LAW: today}


def test_a_correction_of_one_notice_leaves_the_others(store):
    today = datetime.now(UTC).date()
    give(store)
    give(store, given_on=MAY, renews=JAN)
    notices.withdraw(store, "screening", LAW, why="The page was taken down.", by="dora")
    give(store, given_on=today, corrects=JAN)
    assert noticed(entries(store), "screening", LAW) == [Notice(MAY, today), Notice(today, None)]


def test_what_is_said_of_a_day_that_stands_is_not_dropped(store):
    give(store)
    give(store, by="emil")  # another who says the same adds nothing
    other = "works council's board"
    for said, match in [
        ({"where": other}, "must say whether it renews or corrects it"),
        ({"renews": date(2020, 1, 5)}, "2020-01-05 does not"),
        ({"corrects": date(2020, 1, 5)}, "2020-01-05 is not"),
        ({"renews": JAN, "corrects": JAN}, "one of both"),
    ]:
        with pytest.raises(ContractError, match=match):
            give(store, **said)
    assert len(tags(store)) == 1
    for _ in range(2):
        give(store, where=other, corrects=JAN)
    assert shown(store, "screening").notices == {LAW: JAN}
    assert [entry.facts["where"] for entry in entries(store)] == [WHERE, other]
    with pytest.raises(ContractError, match="must say whether it renews or corrects it"):
        give(store)


@pytest.mark.parametrize(("words", "match"), [
    ({"where": "there"}, "where it can be read"),
    ({"by": " "}, "by somebody"),
    ({"given_on": datetime.now(UTC).date() + timedelta(days=2)}, "is to come"),
])  # fmt: skip
def test_what_is_missing_is_said(store, words, match):
    with pytest.raises(ContractError, match=match):
        give(store, **words)
    assert tags(store) == []


@pytest.mark.parametrize("code", ["us-ugesp", "nyc"])
def test_a_law_that_asks_for_none_has_none(store, code):
    with pytest.raises(ContractError, match="must be one that a pack of law asks for: eu-ai-act, us-ca-cppa-admt"):
        notices.give(store, "screening", code, date(2026, 1, 5), where=WHERE, by="dora")
    with pytest.raises(ContractError, match="must be one that a pack of law asks for"):
        notices.withdraw(store, "screening", code, why="The page was taken down.", by="dora")


def packaged(store, model, audited_on, auditor):
    audit.append(store, Tag.AUDIT_PACKAGED, "screening", model_sha256=model, audited_on=audited_on, auditor=auditor)


def test_audits_count_for_the_model_they_are_of_where_somebody_independent_made_them(store):
    packaged(store, "a" * 64, "2026-02-01", "Audits Ltd")
    packaged(store, "a" * 64, "2026-03-01", "Audits Ltd")
    packaged(store, "b" * 64, "2026-04-01", None)
    assert shown(store, "screening").audits == {"a" * 64: (date(2026, 2, 1), date(2026, 3, 1))}


def test_an_entry_that_does_not_say_what_it_must_is_an_error(store):
    audit.append(store, Tag.AUDIT_PACKAGED, "screening", auditor="Audits Ltd", model_sha256="a" * 64, audited_on=None)
    with pytest.raises(ContractError, match="Entry 1 of the ledger must say all that audit:packaged means"):
        shown(store, "screening")


def test_the_command(store, monkeypatch, capsys):
    monkeypatch.setenv("CANDOR_STORE", store.url)
    given = ["notice", "screening", "--law", LAW, "--by", "dora"]
    assert main([*given, "--given-on", "2026-01-05", "--where", WHERE]) == 0
    assert json.loads(capsys.readouterr().out)["status"] == "given"
    assert main([*given, "--given-on", "2026-05-04", "--where", WHERE]) == 1
    assert "must say whether it renews or corrects it" in capsys.readouterr().err
    assert main([*given, "--given-on", "2026-05-04", "--where", WHERE, "--renews", "2026-01-05"]) == 0
    assert shown(store, "screening").notices == {LAW: date(2026, 1, 5)}
    capsys.readouterr()
    assert main([*given, "--withdrawn", "The page was taken down."]) == 0
    assert json.loads(capsys.readouterr().out)["status"] == "withdrawn"
