"""The deletion test: what is cut out, of whom, and what is told of it."""

from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from pipelines.score import deletion
from pipelines.score.recheck import without

KEYS = ("person_id", "subject_id", "target_code")
TEXT = "soup " + "word " * 19 + "end"


class Net:
    """Scores by whether there is soup in a text."""

    def predict(self, folder, frame, scorer):
        assert scorer == "model"
        scores = frame["resume_text"].str.contains("soup").cast(pl.Float64) * 0.5 + 0.25
        return frame.select(KEYS).with_columns(score=scores).reverse()  # the order is the model's own


def cases(*rows):
    """Of (person, subject, day of January, reasons)."""
    keys = [{"person_id": person, "subject_id": subject, "target_code": "t"} for person, subject, *_ in rows]
    test = pl.DataFrame(
        [
            key | {"resume_text": TEXT, "occurred_at": datetime(2026, 1, row[2], tzinfo=UTC)}
            for key, row in zip(keys, rows, strict=True)
        ]
    )
    told = [
        key | {"scorer": scorer, "score": 0.75, "reasons": row[3] if scorer == "model" else []}
        for scorer in ("model", "baseline")
        for key, row in zip(keys, rows, strict=True)
    ]
    return test, pl.DataFrame(told, schema_overrides={"reasons": pl.List(pl.String)})


@pytest.fixture
def tested(monkeypatch):
    monkeypatch.setattr(deletion, "network", lambda family: Net())
    return lambda *rows: deletion.tested("screening", None, *cases(*rows))


def test_the_strongest_passage_of_each_persons_newest_case_is_set_against_others(tested):
    right = [(f"p{n}", "r", 2, ["match:soup", "span:0-4", "span:10-14"]) for n in range(30)]
    found = tested(*right, ("p0", "s", 1, ["span:10-14"]), ("q", "r", 1, ["match:soup"]))
    assert (found["cases"], found["without"], found["drop"]) == (30, 1, 0.5)
    # a passage of four characters begins at one of 20 words and has the soup in one: .5 / 20
    assert found["random_drop"] == pytest.approx(0.025, abs=0.025)
    assert found["difference"]["value"] == pytest.approx(0.5 - found["random_drop"])
    assert found["difference"]["low"] < found["difference"]["value"] < found["difference"]["high"]


def test_a_reason_that_is_none_moves_the_score_no_more_than_any_passage(tested):
    found = tested(*((f"p{n}", "r", 2, ["span:10-14"]) for n in range(30)))
    assert (found["drop"], found["larger_share"]) == (0, 0)
    assert found["difference"]["value"] == pytest.approx(-found["random_drop"])


def test_an_interval_by_hand():
    # differences .1, .2, .3: mean .2, standard deviation .1, 1.96 * .1 / sqrt(3) = .1132
    found = deletion.compared(np.array([0.3, 0.4, 0.5]), np.array([0.2, 0.2, 0.2]))
    assert found["difference"] == pytest.approx({"value": 0.2, "low": 0.0868, "high": 0.3132}, abs=1e-4)
    assert (found["drop"], found["larger_share"]) == (pytest.approx(0.4), 1)
    assert deletion.compared(np.array([0.3]), np.array([0.2]))["difference"]["low"] is None


def test_without_a_text_or_a_passage_nothing_is_claimed(tested):
    assert deletion.tested("outcomes", None, pl.DataFrame({"person_id": ["p"]}), pl.DataFrame()) is None
    assert tested(("p", "r", 1, ["match:soup"])) == {
        "cases": 0, "without": 1, "drop": None, "random_drop": None, "larger_share": None, "difference": None,
    }  # fmt: skip


def test_another_passage_is_as_long_begins_with_a_word_and_may_be_anywhere():
    drawn = {deletion.like("ab  cd ef", (0, 2), np.random.default_rng(seed)) for seed in range(60)}
    assert drawn == {(0, 2), (4, 6), (7, 9)}
    assert deletion.like("ab cd", (0, 5), np.random.default_rng(0)) == (0, 5)


def test_a_case_can_be_asked_about_without_the_passage():
    assert without(cases(("p", "r", 1, []))[0], "span:0-4", None)["resume_text"].item().startswith("  word")
