"""An input that names a group fails, by whatever name; ordinary differences are told and do not."""

import numpy as np
import polars as pl
import pytest

from pipelines.evaluate import standins

N = 400


def people(share=0.5):
    sex = np.where(np.arange(N) < N * share, "female", "male")
    return pl.DataFrame({"person_id": [f"p{i}" for i in range(N)], "sex": sex})


def inputs(**columns):
    return pl.DataFrame({"person_id": [f"p{i}" for i in range(N)], "subject_id": ["s"] * N, **columns})


def noise(seed=1):
    return np.random.default_rng(seed).standard_normal(N)


def judged(frame, groups=None, least=30):
    found = standins.tested(frame, people() if groups is None else groups, least, 1)
    return found, standins.check(found)


IS_FEMALE = np.arange(N) < N / 2


@pytest.mark.parametrize(
    "column",
    [
        IS_FEMALE * 1.0,
        IS_FEMALE * -3.0 + 0.1 * noise(),  # in the other direction
        np.where(IS_FEMALE, "A", "B"),  # a code
        pl.Series([1.0 if f else None for f in IS_FEMALE]),  # gaps alone
    ],
)
def test_an_input_that_names_a_group_fails(column):
    found, check = judged(inputs(work=noise(2), named=column))
    assert not check["passed"]
    assert {row["group"] for row in found} == {"female", "male"}
    assert found[0]["input"].startswith("named")
    assert found[0]["single"] > 0.98


def test_a_difference_between_groups_is_told_and_does_not_fail():
    # Means one deviation apart: the AUC is the normal's share below 1/sqrt(2), which is .76
    found, check = judged(inputs(work=noise(2), hours=noise() + IS_FEMALE))
    assert check["passed"]
    assert found[0]["single"] == pytest.approx(0.76, abs=0.05)
    assert found[0]["low"] < 0.76 < found[0]["high"] + 0.03
    assert "hours tells most" in check["reason"]


def test_whoever_has_several_cases_counts_once_by_the_newest():
    twice = pl.concat([inputs(named=IS_FEMALE * 1.0), inputs(named=noise())])
    found, check = judged(twice)
    assert (found[0]["people"], check["passed"]) == (200, True)


def test_few_people_or_no_group_or_no_input_are_not_tested():
    few = people(29 / N)
    for found, check in (
        judged(inputs(named=(few["sex"] == "female").to_numpy() * 1.0), few),
        judged(inputs(work=noise()), people().with_columns(sex=pl.lit("unknown"))),
        judged(inputs(work=noise()), people().select("person_id")),
        judged(inputs(work=np.zeros(N))),
        judged(inputs(work=pl.Series([None] * N, dtype=pl.Float64))),
    ):
        assert found == []
        assert check["passed"]
        assert "enough people" in check["reason"]
