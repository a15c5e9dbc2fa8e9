"""What part an output has in decisions, on record."""

import json

import pytest

from pipelines.audit import entries
from pipelines.base.errors import ContractError
from pipelines.publish import scopes
from pipelines.publish.__main__ import main
from tests.unit.test_publish import Answers, released

LAW, WEIGHTS = "us-nyc-ll144", "Score 0.6, recruiter's mark 0.4."


def state(store, family="screening", code=LAW, criterion="most_weighted", **words):
    return scopes.state(store, family, code, criterion, **{"weights": WEIGHTS, "by": "dora", **words})


def test_the_last_word_counts_and_the_same_is_on_record_once(store):
    assert scopes.stated(store, "screening", LAW) is None
    for criterion in ("most_weighted", "most_weighted", "one_of_several"):
        state(store, criterion=criterion)
    assert [entry.facts["criterion"] for entry in entries(store)] == ["most_weighted", "one_of_several"]
    assert scopes.stated(store, "screening", LAW) == {
        "law": LAW, "criterion": "one_of_several", "weights": WEIGHTS, "by": "dora", "model_sha256": None,
    }  # fmt: skip
    assert scopes.stated(store, "performance", LAW) is None
    assert scopes.stated(store, "screening", "eu-gdpr") is None


def test_of_another_model_it_is_said_anew(store, tmp_path, monkeypatch):
    monkeypatch.setenv("CANDOR_SIGNING_KEY", "55" * 32)
    state(store)
    pointer = released(store, Answers(), tmp_path)
    state(store)
    state(store)
    told = [entry.facts["model_sha256"] for entry in entries(store) if entry.tag == "scope:stated"]
    assert told == [None, pointer.model_sha256]


@pytest.mark.parametrize(
    ("words", "match"),
    [
        ({"code": "us-ugesp"}, "one that a pack of law asks for"),
        ({"criterion": "half"}, "one of sole, most_weighted, overriding, one_of_several"),
        ({"weights": " little "}, "with the weights in at least 10"),
        ({"by": " "}, "by somebody"),
    ],
)
def test_a_scope_without_a_law_a_criterion_weights_or_a_name_is_refused(store, words, match):
    with pytest.raises(ContractError, match=match):
        state(store, **words)
    assert list(entries(store)) == []


def test_the_command_states_it(store, monkeypatch, capsys):
    monkeypatch.setenv("CANDOR_STORE", store.url)
    said = ["--law", LAW, "--criterion", "sole", "--weights", WEIGHTS, "--by", "dora"]
    assert main(["scope", "screening", *said]) == 0
    line = json.loads(capsys.readouterr().out)
    assert line == {"status": "stated", "family": "screening", "law": LAW, "criterion": "sole"}
