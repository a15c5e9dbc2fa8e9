"""What a score has meant: the share advanced among validation cases scored alike, with its uncertainty. No Keras."""

import json
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

FILE: Final = "bands.json"
_CASES = 50
"""Validation cases of neighbouring scores that make one band."""
_Z = 1.6448536269514722
"""Two-sided 90 % quantile of the normal distribution."""

Floats = npt.NDArray[np.float64]


def save(folder: Path, scores: Floats, outcomes: Floats) -> None:
    """Write the bands of a scorer.

    Args:
        folder: The scorer's.
        scores: [n_cases] of validation cases.
        outcomes: [n_cases] 0 or 1.
    """
    order = np.argsort(scores, kind="stable")
    parts = [part for part in np.array_split(order, max(1, len(order) // _CASES)) if len(part)]
    found = [(float(scores[part].mean()), *_wilson(float(outcomes[part].mean()), len(part))) for part in parts]
    names = ("score", "low", "high")
    table = {name: [round(row[index], 6) for row in found] for index, name in enumerate(names)}
    (folder / FILE).write_text(json.dumps(table, sort_keys=True) + "\n", encoding="utf-8")


def read(folder: Path, scores: Floats) -> tuple[Floats, Floats]:
    """90 % interval of each score, widened to hold the score itself.

    Args:
        folder: Where `save` wrote.
        scores: [n] in [0, 1].

    Returns:
        [n] low and [n] high in [0, 1], between bands by interpolation; the whole range where nothing is known.
    """
    table = json.loads((folder / FILE).read_text(encoding="utf-8"))
    if not table["score"]:
        return np.zeros_like(scores), np.ones_like(scores)
    low, high = (np.interp(scores, table["score"], table[side]) for side in ("low", "high"))
    return np.minimum(low, scores), np.maximum(high, scores)


def _wilson(rate: float, n: int) -> tuple[float, float]:
    """Wilson's interval of a share."""
    square = _Z**2 / n
    centre = (rate + square / 2) / (1 + square)
    spread = _Z * float(np.sqrt(rate * (1 - rate) / n + square / (4 * n))) / (1 + square)
    return max(0.0, centre - spread), min(1.0, centre + spread)
