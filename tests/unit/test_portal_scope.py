"""For what and where scores may be used, as the model page tells it: from the ledger and the settings, by hand."""

import re
from datetime import UTC, date, datetime

import pytest

from monitoring.portal import pages
from monitoring.portal.evidence import Model
from monitoring.portal.scope import Part, Scope, scope
from pipelines import audit
from pipelines.audit import Tag
from pipelines.publish import scopes
from pipelines.score.places import NOTHING_CHECKED
from tests.unit.test_monitoring_pages import WHO, WHOLE

MODEL, OTHER, TODAY = "a" * 64, "b" * 64, date(2026, 11, 27)
NYC = "New York City Local Law 144 of 2021, automated employment decision tools"


@pytest.fixture
def places(tmp_path, monkeypatch):
    def named(text):
        (tmp_path / "params.yaml").write_text(f"law:\n  jurisdictions: [{text}]\n  locations: {{}}\n")
        monkeypatch.chdir(tmp_path)

    named("")
    return named


def shown(found, family="screening"):
    text = pages.model(Model(family), WHOLE, [], WHO, scope=found)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text[text.index("What its scores") : text.index("<h2>Data")]))


def stated(store, model):
    facts = {"law": "us-nyc-ll144", "criterion": "overriding", "weights": "Score 0.7, years 0.3", "by": "dora"}
    return audit.append(store, Tag.SCOPE_STATED, "screening", **facts, model_sha256=model)


def test_what_nobody_stated_is_not_on_record_and_no_place_is_checked_without_any(store, places):
    found = scope(store, "screening", MODEL, TODAY)
    assert found == Scope((Part(NYC, "6 RCNY 5-300"),), (), NOTHING_CHECKED)
    assert f"{NYC}, 6 RCNY 5-300 not on record" in shown(found)
    assert NOTHING_CHECKED in shown(found)
    assert scope(store, "performance", MODEL, TODAY).parts == (), "the law is about who is hired or promoted"


@pytest.mark.parametrize(("model", "is_ours"), [(MODEL, True), (OTHER, False), (None, False)])
def test_the_part_of_the_score_is_told_and_of_which_model_it_was_stated(store, places, model, is_ours):
    entry = stated(store, model)
    found = scope(store, "screening", MODEL, TODAY)
    (part,) = found.parts
    assert part == Part(
        NYC, "6 RCNY 5-300", "overriding", "Score 0.7, years 0.3", "dora", entry.recorded_at[:10], is_ours
    )
    text = shown(found)
    assert "overrides what other criteria say" in text
    assert ("of another model" in text) is not is_ours
    assert f"Score 0.7, years 0.3 dora {datetime.now(UTC).date()}" in text


def test_every_criterion_has_words():
    assert set(pages.CRITERIA) == set(scopes.CRITERIA)


def test_each_place_says_whether_and_why_nobody_is_scored_there(store, places):
    places("US-IL, US-NY-NYC")
    audit.append(store, Tag.NOTICE_GIVEN, "screening", law="us-il-hb3773", given_on="2026-01-05")
    found = scope(store, "screening", MODEL, TODAY)
    told = dict(found.places)
    assert (set(told), told["US-IL"], found.unchecked) == ({"US-IL", "US-NY-NYC"}, (), "")
    assert [sentence.partition("): ")[2] for sentence in told["US-NY-NYC"]] == [
        "no bias audit of this model by an independent auditor is on record.",
        "no notice is on record.",
    ]
    text = shown(found)
    assert "US-IL may be used all that its laws want first is on record" in text
    assert "US-NY-NYC nobody is scored" in text


def test_without_a_live_model_nothing_may_be_used_anywhere(store, places):
    places("US-IL")
    stated(store, None)
    found = scope(store, "screening", None, TODAY)
    assert found.places is None
    assert not found.parts[0].is_of_this_model, "there is none"
    assert "No model is live: no score of this family may be used for a decision anywhere." in shown(found)


def test_what_cannot_be_read_is_a_fault_and_not_empty(store, places):
    audit.append(store, Tag.NOTICE_GIVEN, "screening", law="us-il-hb3773")
    places("US-IL")
    found = scope(store, "screening", MODEL, TODAY)
    assert found.parts == ()
    assert "Cannot be shown: Entry 1 of the ledger must say all that notice:given means" in shown(found)
