"""What was live on a day, on what data, who allowed it: by hand, from a ledger whose clock is set."""

from datetime import UTC, date, datetime

import pytest

from pipelines import audit
from pipelines.audit import Tag, ledger, lived
from pipelines.audit.__main__ import main

A, B = "a" * 64, "b" * 64
DAY = "2026-03-01"


@pytest.fixture
def clock(monkeypatch):
    """Sets the moment that the next entries are recorded at."""

    def at(text):
        class Then(datetime):
            @classmethod
            def now(cls, tz=None):
                return datetime.fromisoformat(f"2026-{text}:00+00:00").astimezone(UTC)

        monkeypatch.setattr(ledger, "datetime", Then)

    return at


def released(store, model, kind="release", family="screening", **more):
    facts = {"kind": kind, "model_sha256": model, "data_sha256": "d" * 64, "verdict_sha256": model[::-1],
             "manifest_sha256": "e" * 64, "as_of": "2026-02-28", "run_id": "r",
             "approvers": [{"name": "anna", "approved_at": "2026-03-01T09:00:00Z"},
                           {"name": "ben", "approved_at": "2026-03-01T09:30:00Z",
                            "recorded_by": "http://af"}]}  # fmt: skip
    audit.append(store, Tag.MODEL_RELEASED, family, **{**facts, **more})


def scored(store, model, rows, kind="release"):
    about = {"as_of": "2026-03-03", "verdict_sha256": model, "model_sha256": model, "kind": kind}
    audit.append(store, Tag.PEOPLE_SCORED, "screening", rows=rows, **about)


@pytest.fixture
def told(store, clock):
    """A from 1 March, B from noon of 3 March, back to A at noon of 4 March; stopped for an hour that evening."""
    clock("03-01T09:00")
    about = {"verdict_sha256": A, "requester": "engineer", "commit": "c0ffee"}
    audit.append(store, Tag.MODEL_PROPOSED, "screening", **about)
    audit.append(store, Tag.MODEL_HELD, "outcomes", verdict_sha256=A, requester="engineer", commit="c0ffee")
    clock("03-01T10:00")
    released(store, A)
    released(store, B, family="performance")
    clock("03-03T06:00")
    scored(store, A, 20)
    clock("03-03T12:00")
    released(store, B)
    clock("03-03T13:00")
    scored(store, B, 21)
    scored(store, A, 99)  # not by what was live then
    clock("03-04T12:00")
    released(store, A, "rollback", reason="Complaints of applicants.", asked_by="clara")
    clock("03-04T18:00")
    audit.append(store, Tag.SCORING_STOPPED, "scoring", by="dora", why="An inspection.", number=1, run_id="")
    clock("03-04T19:00")
    audit.append(store, Tag.SCORING_RESTARTED, "scoring", by="dora", why="It is over now.", number=2, run_id="")
    return store


def brief(found):
    days = [(stretch.since[5:16], (stretch.until or "")[5:16]) for stretch in found]
    what = [(stretch.family, stretch.kind, stretch.facts.get("model_sha256", "")[:1]) for stretch in found]
    return [(*left, *right) for left, right in zip(what, days, strict=True)]


def test_a_release_is_live_until_the_next_of_its_family(told):
    assert brief(lived.stretches(told)) == [
        ("screening", "release", "a", "03-01T10:00", "03-03T12:00"),
        ("performance", "release", "b", "03-01T10:00", ""),
        ("screening", "release", "b", "03-03T12:00", "03-04T12:00"),
        ("screening", "rollback", "a", "03-04T12:00", ""),
        ("scoring", "stop", "", "03-04T18:00", "03-04T19:00"),
    ]


@pytest.mark.parametrize(
    ("day", "live"),
    [
        (date(2026, 2, 28), []),
        (date(2026, 3, 1), ["screening a", "performance b"]),
        (date(2026, 3, 3), ["screening a", "performance b", "screening b"]),
        (date(2026, 3, 4), ["performance b", "screening b", "screening a", "scoring "]),
        (date(2026, 3, 9), ["performance b", "screening a"]),
    ],
)
def test_on_a_day_everything_counts_that_was_live_at_some_moment_of_it(told, day, live):
    assert [f"{family} {model}" for family, _, model, *_ in brief(lived.on(told, day))] == live


def test_what_a_release_scored_is_what_it_scored_while_it_was_live(told):
    found = {(s.family, s.facts["model_sha256"]): s.scorings for s in lived.on(told, date(2026, 3, 3))}
    assert [scoring["rows"] for scoring in found["screening", A]] == [20]
    assert [scoring["rows"] for scoring in found["screening", B]] == [21]


def test_one_call_answers_what_was_live_on_what_data_and_who_allowed_it(told, monkeypatch, capsys):
    monkeypatch.setenv("CANDOR_STORE", told.url)
    assert main(["live", "2026-03-03"]) == 0
    first, *_ = (text := capsys.readouterr().out).split("performance")
    people = f"anna ({DAY}T09:00:00Z) and ben ({DAY}T09:30:00Z), on record at http://af"
    assert first.splitlines() == [
        "screening  release  2026-03-01T10:00:00.000000+00:00 to 2026-03-03T12:00:00.000000+00:00  (entry 3)",
        f"  model    {A}",
        f"  data     {'d' * 64}, as of 2026-02-28",
        f"  verdict  {A}",
        f"  allowed by {people}; asked for by engineer, from commit c0ffee",
        "  scored 20 rows as of 2026-03-03",
    ]
    proof = text.splitlines()[-1]
    assert proof.startswith("The ledger is broken, so do not rely on this: "), "no file of these releases is there"
    assert main(["live", "2026-03-04"]) == 0
    text = capsys.readouterr().out
    assert "  gone back to by clara: Complaints of applicants.\n" in text
    assert "  stopped by dora: An inspection.\n" in text
    assert main(["live", "2026-01-01"]) == 0
    assert capsys.readouterr().out.startswith("Nothing was live on 2026-01-01.\n")


def test_what_was_cut_short_before_its_pointer_was_never_live(store, clock):
    for moment, model, number in (("03-01T10:00", A, 1), ("03-02T10:00", B, 2), ("03-02T11:00", A, 2)):
        clock(moment)
        released(store, model, number=number)
    released(store, B, family="performance", number=2)
    assert brief(lived.stretches(store)) == [
        ("screening", "release", "a", "03-01T10:00", "03-02T11:00"),
        ("screening", "release", "a", "03-02T11:00", ""),
        ("performance", "release", "b", "03-02T11:00", ""),
    ]


def test_the_answer_of_a_broken_ledger_says_so(told, monkeypatch, capsys):
    monkeypatch.setenv("CANDOR_STORE", told.url)
    told.delete(told.list("ledger")[1])
    assert main(["live", "2026-03-03"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("The ledger is broken, so do not rely on this: ")
