"""An input that names a group fails, by whatever name; ordinary differences are told and do not."""

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from pipelines.evaluate import standins

N = 400


def people(share=0.5):
    sex = np.where(np.arange(N) < N * share, "female", "male")
    return pl.DataFrame({"person_id": [f"p{i}" for i in range(N)], "sex": sex})


def inputs(**columns):
    return pl.DataFrame({"person_id": [f"p{i}" for i in range(N)], "subject_id": ["s"] * N, **columns})


def noise(seed=1):
    return np.random.default_rng(seed).standard_normal(N)


def judged(frame, groups=None, least=30, reasons=()):
    found = standins.tested(frame, people() if groups is None else groups, least, 1)
    return found, standins.check(found, standins.to_accept("outcomes", found, reasons))


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


def below(strangers):
    """An input that ranks all women before all men, but for so many of them, who come last of all."""
    return np.where(IS_FEMALE & (np.arange(N) >= strangers), 1.0, np.where(IS_FEMALE, -1.0, 0.0))


@pytest.mark.parametrize(("strangers", "low", "holds"), [(3, 0.954, True), (4, 0.948, False)])
def test_what_may_be_chance_does_not_hold_and_must_be_accepted(strangers, low, holds):
    # by hand, of 200 women: the area is 1 - n / 200, DeLong's variance area * (1 - area) / 199, men add none
    found, check = judged(inputs(work=noise(2), named=below(strangers)))
    (one,) = standins.to_accept("outcomes", found, ())
    assert (one["input"], one["axis"], one["reason"]) == ("named", "sex", None)
    assert one["single"] == pytest.approx(1 - strangers / 200)
    assert one["single_low"] == pytest.approx(low, abs=0.0005)
    assert (one["is_sure"], not check["passed"]) == (holds, holds)
    assert ("These stand in: named for sex." in check["reason"]) is holds


def declared(**changes):
    of = {"family": "outcomes", "input": "named", "attribute": "sex", "reason": "The work itself needs exactly this."}
    return standins.WorkReason(**of | changes)


@pytest.mark.parametrize(
    "changes", [{"family": "screening"}, {"input": "named missing"}, {"input": "name"}, {"attribute": "age_40"}]
)
def test_a_reason_excuses_its_own_input_attribute_and_family_only(changes):
    frame = inputs(work=noise(2), named=IS_FEMALE * 1.0)
    assert judged(frame, reasons=[declared()])[1]["passed"]
    assert not judged(frame, reasons=[declared(**changes)])[1]["passed"]


def test_a_reason_does_not_hide_a_second_input_and_stands_in_what_is_to_be_accepted():
    frame = inputs(named=IS_FEMALE * 1.0, second=below(1), third=noise())
    found, check = judged(frame, reasons=[declared()])
    assert not check["passed"]
    assert "stand in: second for sex. Take" in check["reason"]
    told = standins.to_accept("outcomes", found, [declared()])
    assert [(one["input"], one["reason"]) for one in told] == [("named", declared().reason), ("second", None)]


def test_a_reason_must_be_written():
    with pytest.raises(ValidationError, match="at least 20"):
        declared(reason="  because of work       ")


def test_no_code_is_repeated():
    found, check = judged(inputs(work=noise(2), named=np.where(IS_FEMALE, "Ada Lovelace", "Charles Babbage")))
    assert found[0]["input"] == "named"
    assert "Ada" not in check["reason"] + str(found)
    assert "Charles" not in check["reason"] + str(found)


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
