"""What a person gets about a score: reasons that hold, in plain words, never about what is protected or fixed."""

import json
import re
from datetime import date

import polars as pl
import pytest

from monitoring.documents.cited import Source
from monitoring.documents.packet import FIXED, may_be_told, rendered, told
from pipelines.base.contracts import ABSTAINED
from pipelines.base.releases import Release
from pipelines.models.outcomes import features as outcomes
from pipelines.models.tabular import Columns
from pipelines.score.recheck import FAMILIES, Reason, Rechecked, is_of, without
from tests.unit.test_documents import Reader

ROW = {"score": 0.21, "low": 0.11, "high": 0.41, "is_selected": False, "as_of": date(2026, 10, 31)}
RELEASE = {
    "release": Source("release 7, pointer", "0" * 64, {"sequence": 7}),
    "metrics": Source("release 7, metrics", "1" * 64, {"decide": {"threshold": 0.4}}),
    "verdict": Source("release 7, verdict", "2" * 64, {"purpose": "Orders applications for recruiters."}),
}


def packet(family, *reasons):
    pointer = Release(family, 7, "release", *("x",) * 5, "2026-10-31", "r", "", (), {}, "2026-11-01")
    return rendered(family, Rechecked(ROW, pointer, reasons), RELEASE).decode()


def test_a_person_reads_the_purpose_that_was_declared_and_nothing_where_none_was(monkeypatch):
    assert "Orders applications for recruiters.</data>" in packet("screening")
    monkeypatch.delitem(RELEASE, "verdict")
    assert "was used along the way. It is not to decide" in packet("screening")


@pytest.mark.parametrize("family", FAMILIES)
def test_a_person_is_told_that_the_score_goes_to_another_system_too_and_what_was_tried_does_not(family):
    """`score.export` writes score, low, high and reasons of everybody for the ATS or LMS."""
    text = packet(family)
    assert "in no file that others get" not in text
    assert "Your score, how far it may be off and the reasons that the program named are also in the file for" in text
    assert "what was tried is in this packet alone." in text


def test_only_reasons_that_held_are_told_those_against_apart_from_those_in_favour():
    reasons = [
        Reason("lowers:viewed_count", 0.31, is_held=True),
        Reason("raises:credits", 0.11, is_held=True),
        Reason("lowers:credits", 0.2, is_held=False),
        Reason("missing:ledger", 0.3, is_held=True),
        Reason("match:audit", 0.1, is_held=True),
    ]
    found = told(reasons)
    assert (found.against, found.favour) == ((0, 3), (1, 4))
    assert (found.withheld, found.unproven) == (False, True)
    assert told(reasons[:2]).unproven is False
    passages = [Reason("span:10-42", 0.1, is_held=True), Reason("span:50-60", 0.4, is_held=False)]
    assert told([*reasons, *passages]) == found, "a passage is for who has the text"


@pytest.mark.parametrize(
    "code",
    [
        "match:young woman",
        "missing:Church",
        "match:german",
        "missing:verheiratet",
        "lowers:sex",
        "raises:ethnicity",
        *(f"lowers:{name}" for name in sorted(FIXED)),
    ],
)
def test_nothing_protected_and_nothing_fixed_is_told_and_that_is_said(code):
    assert not may_be_told(code)
    found = told([Reason(code, 0.5, is_held=True)])
    assert (found.against, found.favour, found.withheld) == ((), (), True)
    text = packet("screening" if code.startswith(("match", "missing")) else "outcomes", Reason(code, 0.5, is_held=True))
    assert code.partition(":")[2] not in re.sub(r"It was not given.*?</p>", "", text)
    assert "A person must look at your case." in text
    assert "No single thing that may be told lowered the score by itself." in text


OF_NOTICES = """
disabilities veterans sorority latino hispanic african asian black muslims islam jewish women girls mothers pregnancies
parental lgbt immigrants deaf blind wheelchair autism hiv illness sickness elderly retirement
schwangerschaft behinderung rollstuhl kinder rentner
"""
"""What notices of equal opportunity and resumes name, in the forms that they have there."""


@pytest.mark.parametrize("word", OF_NOTICES.split())
def test_groups_that_notices_of_equal_opportunity_name_are_told_in_no_form(word):
    assert not may_be_told(f"match:{word}")
    assert not may_be_told(f"missing:support for {word.capitalize()}")
    assert not may_be_told(f"lowers:{word}_days")


@pytest.mark.parametrize(
    "what",
    [
        "1985",
        "graduated 1998",
        "2003 2007",
        "30 years",
        "10+ yrs",
        "class of 98",
        "10001",
        "94103-1234",
        "Mrs",
        "citizens",
    ],
)
def test_what_tells_an_age_or_an_origin_is_told_in_no_form(what):
    assert not may_be_told(f"match:{what}")
    assert not may_be_told(f"missing:{what}")


@pytest.mark.parametrize("what", ["iso 27001", "iec 62304", "c++17", "365", "s3", "4.0 gpa", "100 tickets"])
def test_a_number_that_is_no_year_is_told(what):
    assert may_be_told(f"missing:{what}")


@pytest.mark.parametrize("name", [*outcomes.NUMERIC, *outcomes.CATEGORICAL])
def test_each_input_is_told_in_words_of_its_own_or_not_at_all(name):
    code = f"lowers:{name}"
    if may_be_told(code):
        text = packet("outcomes", Reason(code, 0.3, is_held=True))
        assert "in your work records" not in text, "give it words in documents_packet.html, or add it to FIXED"


@pytest.mark.parametrize("word", ["familiar", "herbs", "history", "boycott", "shell", "transport", "blogs"])
def test_words_that_only_begin_alike_are_told(word):
    assert may_be_told(f"match:{word}")


@pytest.mark.parametrize(
    "code", ["match:soup", "missing:ledger clerk", "lowers:submitted_due_share", "raises:overtime_hours"]
)
def test_what_a_person_can_change_or_put_right_is_told(code):
    assert may_be_told(code)


def test_reasons_are_in_plain_words_with_the_score_that_there_would_have_been():
    text = packet("screening", Reason("missing:ledger", 0.31, is_held=True), Reason("match:audit", 0.15, is_held=True))
    against, favour = text.split("What spoke for you")
    assert "The requisition asks for “<code>ledger</code>”, and the text of your application did not have" in against
    assert '<data value="0.31" data-source="reasons, tried" data-path="0.score"' in against
    assert "The requisition asks for “<code>audit</code>”, and the text of your application has it." in favour
    assert "did not have this wording. With it the score would have been <data" in against
    assert "has it. Without it the score would have been <data" in favour
    assert "missing:" not in text
    outcomes = packet("outcomes", Reason("lowers:submitted_lateness_mean", 0.3, is_held=True))
    assert "how late or early you handed in" in outcomes
    assert "Had it been as it mostly is, or not known, the score would have been <data" in outcomes
    performance = packet("performance", Reason("lowers:overtime_hours", 0.3, is_held=True))
    assert "<code>overtime hours</code> in your work records" in performance


def test_whom_the_model_was_unsure_about_reads_that_it_recommended_nothing(monkeypatch):
    said = "Here it was not sure, and recommended nothing: a person decides without its advice."
    monkeypatch.setitem(RELEASE["metrics"].content, "decide", {"abstain": True, "threshold": 0.4})
    text = packet("screening")
    assert said not in text
    rule = "being advanced on: <data"
    assert 0 < text.index(rule) < text.index("Where the interval of a score has that in it, or is not known, nothing")
    assert "40%</data>" in text
    assert "abstain" not in text
    monkeypatch.setitem(ROW, "reasons", [ABSTAINED, "match:audit"])
    assert said in packet("screening")
    monkeypatch.setitem(RELEASE["metrics"].content["decide"], "abstain", False)
    assert "nothing is recommended" not in packet("screening")


def test_a_packet_claims_no_more_than_was_kept_from_the_model_and_sends_nobody_to_files_that_have_no_person():
    assert "it may have read, whatever that tells of you" in packet("screening")
    assert "it may have read" not in packet("outcomes")
    assert "the bundle for an examiner" not in packet("outcomes")
    assert "General Data Protection Regulation</cite>. <cite" in packet("outcomes")


@pytest.mark.parametrize("family", FAMILIES)
def test_a_packet_says_how_to_correct_how_to_be_scored_again_and_how_to_ask_for_a_person(family):
    text = packet(family, Reason("lowers:credits", 0.3, is_held=True))
    for said in (
        "It is corrected at its source, and your case is scored again",
        "You may ask that somebody who can decide otherwise looks at your case without the score.",
        "thirty days",
    ):
        assert said in text
    read = Reader(text)
    assert re.findall(r"\d", read.plain.replace("sha256", "")) == []
    values = {(value["data-source"], value["data-path"]): json.loads(value["value"]) for value in read.values}
    assert values["score of 2026-10-31", "score"] == 0.21
    assert values["release 7, metrics", "decide.threshold"] == 0.4


# ---------------------------------------------------------------- what a reason names, taken away


CASE = pl.DataFrame(
    {
        "resume_text": ["Soup, fish-soup and LEDGER  clerk. Souper."],
        "credits": [5.0],
        "topic_code": ["a"],
        "hours": [9.0],
        "hours__mean": [8.0],
        "hours__steps": [[7.0, None]],
        "rating_last": [0.9],
    }
)
COLUMNS = Columns(("credits", "hours", "hours__mean"), (2.0, 3.0, 4.0), {"topic_code": ["a"]})


def changed(code):
    row, was = without(CASE, code, COLUMNS).row(0, named=True), CASE.row(0, named=True)
    return {name: value for name, value in row.items() if value != was[name]}


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("missing:audit", {"resume_text": "Soup, fish-soup and LEDGER  clerk. Souper.\naudit"}),
        ("match:soup", {"resume_text": " , fish-  and LEDGER  clerk. Souper."}),
        ("match:ledger clerk", {"resume_text": "Soup, fish-soup and  . Souper."}),
        ("lowers:credits", {"credits": 2.0}),
        ("raises:topic_code", {"topic_code": None}),
        ("lowers:hours", {"hours": 3.0, "hours__mean": 4.0, "hours__steps": [3.0, 3.0]}),
        ("lowers:rating", {"rating_last": None}),
    ],
)
def test_what_a_reason_names_is_taken_away_and_nothing_else(code, expected):
    assert changed(code) == expected


def test_a_reason_of_no_known_kind_is_a_mistake():
    with pytest.raises(ValueError, match="no such kind of reason: after"):
        without(CASE, "after:course", COLUMNS)


def test_a_measure_has_its_mean_trend_and_steps_and_no_other_measure():
    assert all(is_of(name, "hours") for name in ("hours", "hours__mean", "hours__steps"))
    assert not any(is_of(name, "hours") for name in ("hours_worked", "rating_hours"))
    assert is_of("rating_count", "rating")
    assert not is_of("ratings", "rating")
