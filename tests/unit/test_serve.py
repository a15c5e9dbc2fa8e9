"""What a fresh process said, held against the bounds: by hand."""

import math

import pytest

from pipelines.score.serve import Serve, _peak_mb, ask, judged

BOUNDS = Serve(cases=5, start_seconds=60, answer_seconds=2, memory_mb=1000)
FOUND = {"start_seconds": 60.0, "answer_seconds": 2.0, "memory_mb": 1000.0, "asked": 5, "difference": 1e-5}
NAMES = ["loads", "start_seconds", "answer_seconds", "memory_mb", "same_answers"]


def failed(found):
    checks = judged(found, BOUNDS)
    assert [check["check"] for check in checks] == NAMES
    return {check["check"] for check in checks if not check["passed"]}


def test_at_its_bounds_a_model_serves():
    assert failed(FOUND) == set()


@pytest.mark.parametrize(
    ("name", "value", "check"),
    [
        ("start_seconds", 60.1, "start_seconds"),
        ("answer_seconds", 2.1, "answer_seconds"),
        ("memory_mb", 1000.1, "memory_mb"),
        ("difference", 1.1e-5, "same_answers"),
        ("difference", math.nan, "same_answers"),
        ("difference", None, "same_answers"),
        ("memory_mb", math.nan, "memory_mb"),
        ("memory_mb", "12", "memory_mb"),
    ],
)
def test_beyond_a_bound_or_without_a_number_it_does_not(name, value, check):
    assert failed(FOUND | {name: value}) == {check}
    assert failed({key: number for key, number in FOUND.items() if key != name}) == {check}


def test_a_process_that_did_not_get_that_far_fails_every_check():
    assert failed(None) == set(NAMES)


def test_what_passed_says_nothing_that_differs_from_run_to_run():
    assert judged(FOUND, BOUNDS) == judged(dict.fromkeys(FOUND, 0.0), BOUNDS)
    (check,) = [check for check in judged(FOUND | {"memory_mb": 2500.0}, BOUNDS) if not check["passed"]]
    assert check["reason"] == "memory_mb must be at most 1000. It was 2.5e+03."


def test_without_a_model_the_process_fails_and_that_is_all(tmp_path):
    assert ask("outcomes", tmp_path, BOUNDS) is None


def test_memory_is_counted():
    assert 10 < _peak_mb() < 20_000
