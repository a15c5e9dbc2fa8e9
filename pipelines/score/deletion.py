"""The deletion test: whether a passage that is named as a reason moves the score more than any passage does.

Of the newest test case of each person the strongest passage is cut out, and so are passages of its length that begin
anywhere; each time the case is scored again. A reason that a random passage equals is no reason.

Source:
    DeYoung et al. 2020 (ERASER), on comprehensiveness.
"""

from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from pipelines.models import network

MOST: Final = 300
"""People at most, those of the newest cases."""
_DRAWS: Final = 5
"""Random passages of each case, whose mean counts."""
_SEED: Final = 0
_TEXT: Final = "resume_text"
_KIND: Final = "span:"
_KEYS: Final = ("person_id", "subject_id", "target_code")
_Z: Final = 1.959964

Floats = npt.NDArray[np.float64]


def tested(family: str, model: Path, test: pl.DataFrame, scored: pl.DataFrame) -> dict[str, Any] | None:
    """Cut passages out of resumes, and score again.

    Args:
        family: Model family.
        model: What `fit` wrote.
        test: [n_cases] the test cases.
        scored: [n_scores] `Scored` of the model on them, with its reasons.

    Returns:
        cases: tried; without: cases that no single passage moves; drop: points that the score falls by without the
        strongest passage, on average; random_drop: without another of its length; difference: of the two, value and low
        and high with 95 % (normal; null of one case); larger_share: share of cases in which the named one moves it
        more. Null without cases; None for a family without texts.
    """
    if _TEXT not in test.columns:
        return None
    named = pl.col("reasons").list.eval(pl.element().filter(pl.element().str.starts_with(_KIND))).list.first()
    said = scored.filter(pl.col("scorer") == "model").select(*_KEYS, "score", code=named)
    cases = test.join(said, on=list(_KEYS), how="inner", maintain_order="left").sort("occurred_at", *_KEYS)
    newest = cases.unique("person_id", keep="last", maintain_order=True).tail(MOST).sort("person_id")
    tried = newest.drop_nulls("code").filter(pl.col("score").is_finite())
    texts = tried[_TEXT].to_list()
    places = [place(code) for code in tried["code"]]
    score = tried["score"].to_numpy()
    if not texts:
        nothing = dict.fromkeys(("drop", "random_drop", "larger_share", "difference"))
        return {"cases": 0, "without": len(newest), **nothing}
    rng = np.random.default_rng(_SEED)
    drop = score - _scores(family, model, tried, [cut(*both) for both in zip(texts, places, strict=True)])
    drawn = [
        score
        - _scores(
            family, model, tried, [cut(text, like(text, own, rng)) for text, own in zip(texts, places, strict=True)]
        )
        for _ in range(_DRAWS)
    ]
    random = np.mean(drawn, axis=0)
    return {"cases": len(texts), "without": len(newest) - len(texts), **compared(drop, random)}


def compared(drop: Floats, random: Floats) -> dict[str, Any]:
    """What `tested` tells of both.

    Args:
        drop: [n_cases] points that scores fall by without the named passage.
        random: [n_cases] without others.
    """
    more = drop - random
    half = _Z * float(np.std(more, ddof=1)) / len(more) ** 0.5 if len(more) > 1 else None
    value = float(more.mean())
    return {
        "drop": float(drop.mean()),
        "random_drop": float(random.mean()),
        "larger_share": float((more > 0).mean()),
        "difference": {
            "value": value,
            "low": None if half is None else value - half,
            "high": None if half is None else value + half,
        },
    }


def place(code: str) -> tuple[int, int]:
    """The characters that a reason such as `span:10-42` names: the first, and the one after the last."""
    start, end = code.removeprefix(_KIND).split("-")
    return int(start), int(end)


def cut(text: str, own: tuple[int, int]) -> str:
    """`text` without a passage."""
    return f"{text[: own[0]]} {text[own[1] :]}"


def like(text: str, own: tuple[int, int], rng: np.random.Generator) -> tuple[int, int]:
    """A passage as long as `own` that begins where a word does, anywhere in the text."""
    length = own[1] - own[0]
    begins = [n for n in range(len(text) - length + 1) if not text[n].isspace() and (n == 0 or text[n - 1].isspace())]
    start = int(rng.choice(begins or [own[0]]))
    return start, start + length


def _scores(family: str, model: Path, tried: pl.DataFrame, texts: list[str]) -> Floats:
    """[n_cases] scores with other resumes."""
    scored = network(family).predict(model, tried.with_columns(pl.Series(_TEXT, texts)), "model")
    told = tried.select(_KEYS).join(scored, on=list(_KEYS), how="left", maintain_order="left")
    return told["score"].to_numpy()
