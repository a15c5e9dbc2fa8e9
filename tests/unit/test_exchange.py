"""The same person with another group's signals: who is asked, how, and what holds."""

from datetime import UTC, datetime

import polars as pl
import pytest

from pipelines.evaluate import swaps
from pipelines.models.screening import text
from pipelines.models.screening.features import Decide
from pipelines.score import exchange

KEYS = ("person_id", "subject_id", "target_code")


class Net:
    """A model that scores by what stands in the text, and keeps what it was asked."""

    def __init__(self, score):
        self.score, self.asked = score, []

    def predict(self, folder, frame, scorer):
        assert scorer == "model"
        self.asked.append(frame)
        scores = pl.Series("score", [self.score(text) for text in frame["resume_text"]], dtype=pl.Float64)
        return frame.select(KEYS).with_columns(scores).reverse()  # the order is the model's own


@pytest.fixture
def exchanged(monkeypatch):
    def run(score, test):
        net = Net(score)
        monkeypatch.setattr(exchange, "network", lambda family: net)
        return exchange.exchanged("screening", None, test, Decide(threshold=0.4)), net.asked

    return run


def cases(n, text="Built bridges."):
    rows = [
        {"person_id": f"p{place:04}", "subject_id": "r", "target_code": "t", "resume_text": text, "occurred_at": day}
        for place, day in ((place, datetime(2026, 1, 1 + place % 28, tzinfo=UTC)) for place in range(n))
    ]
    return pl.DataFrame(rows)


def of(found, signal, axis):
    (row,) = [row for row in found if (row["signal"], row["axis"]) == (signal, axis)]
    return row


def test_a_model_that_dislikes_one_groups_club_is_seen_by_the_pairs_and_by_no_other_signal(exchanged):
    found, _ = exchanged(lambda text: 0.3 if "women" in text.lower() else 0.4, cases(40))
    club = of(found, "club", "sex")
    assert (club["pairs"], club["gained"], club["lost"], club["one"], club["other"]) == (40, 40, 0, "female", "male")
    assert (club["mean_shift"], club["p_value"]) == (pytest.approx(0.1), pytest.approx(2 * 0.5**40))
    assert {(row["signal"], row["axis"]) for row in found if row["gained"] or row["lost"]} == {
        ("club", "sex"),
        ("school", "sex"),
    }
    told = swaps.check(found, reads_texts=True)
    assert not told["passed"]
    assert "2 decide otherwise" in told["reason"]


def test_a_model_that_reads_none_of_the_signals_passes(exchanged):
    found, _ = exchanged(lambda text: 0.5 if "bridges" in text else 0.1, cases(40))
    assert all((row["changed_share"], row["mean_shift"], row["largest_shift"]) == (0, 0, 0) for row in found)
    told = swaps.check(found, reads_texts=True)
    assert told["passed"]
    assert told["reason"] == (
        "8 signals were exchanged in 40 resumes; 0 move a score at all: the model reads no such word."
    )


def test_only_the_signal_differs_between_the_two_of_a_pair(exchanged):
    _, asked = exchanged(len, cases(20))
    for one, other in zip(asked[::2], asked[1::2], strict=True):
        assert one.drop("resume_text").equals(other.drop("resume_text"))
        pairs = zip(one["resume_text"], other["resume_text"], strict=True)
        lines = [(a.splitlines(), b.splitlines()) for a, b in pairs]
        assert all(a[:-1] == b[:-1] == ["Built bridges."] and a[-1] != b[-1] for a, b in lines)


def test_one_name_does_not_stand_for_a_group(exchanged):
    _, asked = exchanged(len, cases(20))
    last = {text.splitlines()[-1] for text in asked[0]["resume_text"]}
    assert last == set(exchange.SIGNALS[0].lines)
    assert len(last) == 6


def test_the_lines_of_a_pair_have_as_many_words_so_that_length_tells_nothing():
    for signal in exchange.SIGNALS:
        assert len(signal.lines) == len(signal.others)
        for one, other in zip(signal.lines, signal.others, strict=True):
            assert len(one.split()) == len(other.split()), signal


def test_a_person_is_asked_about_once_by_the_newest_case_and_the_newest_people_first(exchanged, monkeypatch):
    monkeypatch.setattr(exchange, "MOST", 3)
    old = cases(5).with_columns(subject_id=pl.lit("before"), occurred_at=pl.lit(datetime(2025, 1, 1, tzinfo=UTC)))
    found, asked = exchanged(len, pl.concat([cases(5), old]))
    assert found[0]["pairs"] == 3
    assert asked[0].select("person_id", "subject_id").rows() == [("p0002", "r"), ("p0003", "r"), ("p0004", "r")]


def test_scores_that_are_no_numbers_are_no_pairs_and_nobody_left_is_no_pass(exchanged):
    found, _ = exchanged(lambda text: float("nan"), cases(4))
    assert {row["pairs"] for row in found} == {0}
    assert found[0]["mean_shift"] is None
    assert not swaps.check(found, reads_texts=True)["passed"]


def test_what_differs_only_by_rounding_is_the_same(exchanged):
    found, _ = exchanged(lambda text: 0.4 - (1e-8 if "women" in text.lower() else 0), cases(30))
    assert {row["lost"] + row["gained"] for row in found} == {0}


def test_a_family_without_texts_has_nothing_to_exchange(exchanged):
    found, asked = exchanged(len, cases(3).drop("resume_text"))
    assert (found, asked) == ([], [])
    assert swaps.check(found, reads_texts=False)["passed"]


def pair(p_value, **more):
    return (
        {"signal": "s", "axis": "sex", "one": "a", "other": "b", "pairs": 9, "gained": 1, "lost": 2}
        | {"largest_shift": 0.1}
        | more
        | {"p_value": p_value}
    )


@pytest.mark.parametrize(
    ("p_values", "passes"),
    [((0.049,), False), ((0.05,), True), ((0.03, 1.0), True), ((0.024, 1.0), False), ((0.04, 0.04), False)],
)
def test_chance_has_as_many_tries_as_there_are_signals(p_values, passes):
    assert swaps.check([pair(p) for p in p_values], reads_texts=True)["passed"] is passes


def test_a_signal_that_moves_nobodys_score_is_no_try():
    unread = [pair(1.0, largest_shift=0) for _ in range(20)]
    told = swaps.check([*unread, pair(0.03)], reads_texts=True)
    assert not told["passed"]
    assert "21 signals were exchanged in 9 resumes; 1 move a score at all, and 1 decide" in told["reason"]
    assert swaps.check([*unread, pair(0.06)], reads_texts=True)["passed"]
    assert not swaps.check([pair(1.0, largest_shift=0, pairs=0)], reads_texts=True)["passed"]


def test_every_signal_but_the_year_of_study_reaches_a_model_that_reads_words():
    """Years are dropped: a signal of age that is only a year would always pass."""
    unread = set()
    for signal in exchange.SIGNALS:
        one, other = (text.fields_of(pl.Series(list(lines))).to_list() for lines in (signal.lines, signal.others))
        unread |= {(signal.name, signal.axis)} if any(a == b for a, b in zip(one, other, strict=True)) else set()
    assert unread == {("year of study", "age")}
    assert {signal.axis for signal in exchange.SIGNALS if signal.name != "year of study"} == {"sex", "ethnicity", "age"}


@pytest.mark.parametrize(("reads_texts", "passes"), [(True, False), (False, True)])
def test_where_texts_are_read_no_signal_at_all_passes_nothing(reads_texts, passes):
    assert swaps.check([], reads_texts=reads_texts)["passed"] is passes
