"""Figures of rates with intervals over 14 intersectional cells, against fairlearn's MetricFrame with its bootstrap.

    python -m tests.bench.rates

Selection rate, true and false positive rate, from columns of text to intervals. fairlearn makes its intervals of 100
bootstrap samples; so many are paid for by ten, times ten, which flatters it by what it does once.
"""

import sys
import time
import warnings
from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from pipelines.fairness.counting import cross
from pipelines.fairness.rates import group_rates
from tests.bench.measure import Figure

SEED: Final = 20_261_101
SAMPLES: Final = 100
TAKEN: Final = 10
_RATES: Final = ("selection", "true", "false")


def made(
    rows: int,
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_], npt.NDArray[np.object_], npt.NDArray[np.object_]]:
    """selected, outcome, and two attributes of 2 and 7 groups."""
    random = np.random.default_rng(SEED)
    sex = np.array(["female", "male"], dtype=object)[random.integers(0, 2, rows)]
    ethnicity = np.array([f"group {n}" for n in range(7)], dtype=object)[random.integers(0, 7, rows)]
    outcome = random.random(rows) < 0.4
    return random.random(rows) < np.where(outcome, 0.5, 0.2), outcome, sex, ethnicity


def ours(rows: int) -> float:
    """CPU seconds for `rows` people."""
    selected, outcome, sex, ethnicity = made(rows)

    def work() -> None:
        found = group_rates(selected, outcome, cross(sex, ethnicity), min_group_size=30)
        assert len(found.groups) == 14
        assert all(np.isfinite(found.rates[name].low).all() for name in _RATES)

    return _spent(work)


def fairlearns(rows: int) -> float:
    """CPU seconds of fairlearn for the same figures with 100 bootstrap samples."""
    from fairlearn import metrics

    selected, outcome, sex, ethnicity = made(rows)
    wanted = {
        "selection": metrics.selection_rate,
        "true": metrics.true_positive_rate,
        "false": metrics.false_positive_rate,
    }

    def work() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            metrics.MetricFrame(
                metrics=wanted,
                y_true=outcome,
                y_pred=selected,
                sensitive_features={"sex": sex, "ethnicity": ethnicity},
                n_boot=TAKEN,
                ci_quantiles=[0.025, 0.975],
                random_state=SEED,
            )

    return _spent(work) * SAMPLES / TAKEN


def _spent(work: Callable[[], None]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def figures() -> list[Figure]:
    """The figures of rates and their bounds."""
    ours(1_000)  # numpy's first calls are not the figure's
    ratio = ours(100_000) / fairlearns(100_000)
    told = "selection, true and false positive rates with intervals over 14 cells"
    return [
        Figure(f"{told}, 100,000 rows / fairlearn", ratio, 0.01, "x"),
        Figure(f"{told}, 1,000,000 rows", ours(1_000_000), 1, "s"),
    ]


def main() -> int:
    """Measure; exit code 1 when a figure is above its bound."""
    found = figures()
    print("\n".join(figure.line() for figure in found))
    return int(not all(figure.holds for figure in found))


if __name__ == "__main__":
    sys.exit(main())
