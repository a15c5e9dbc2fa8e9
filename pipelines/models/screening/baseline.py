"""The declared baseline: TF-IDF of the resume, of the requisition and of what they share, and a logistic regression.

Kept as one JSON of terms and one npz of numbers: nothing is unpickled. No Keras.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl
import scipy.sparse as sp

from pipelines.models.screening import text
from pipelines.models.screening.features import TEXTS, Train

TERMS: Final = "terms.json"
COEFFICIENTS: Final = "coefficients.npz"

Floats = npt.NDArray[np.float64]


def fit(train: pl.DataFrame, settings: Train, folder: Path, seed: int, min_people: int) -> None:
    """Fit on `train` and write `folder`.

    Args:
        train: [n_cases] the training rows.
        settings: The section `screening.train`.
        folder: Gets `TERMS` and `COEFFICIENTS`.
        seed: Of the solver.
        min_people: People of whose resumes a term must be.
    """
    from sklearn.linear_model import LogisticRegression

    written = text.by_person(train)
    terms, weights = text.vocabulary(written, min_people, settings.max_terms)
    columns = _columns(train, terms, np.asarray(weights))
    estimator = LogisticRegression(C=settings.baseline_c, max_iter=1000, solver="liblinear", random_state=seed)
    estimator.fit(columns, train["outcome"].to_numpy())
    folder.mkdir(parents=True, exist_ok=True)
    (folder / TERMS).write_text(json.dumps(terms, ensure_ascii=False) + "\n", encoding="utf-8")
    np.savez(
        folder / COEFFICIENTS, weights=np.asarray(weights), coefficients=estimator.coef_[0], bias=estimator.intercept_
    )


def scores(folder: Path, frame: pl.DataFrame) -> Floats:
    """[n_cases] chance of being advanced.

    Args:
        folder: What `fit` wrote.
        frame: [n_cases] with both texts.
    """
    terms = json.loads((folder / TERMS).read_text(encoding="utf-8"))
    with np.load(folder / COEFFICIENTS, allow_pickle=False) as saved:
        total = _columns(frame, terms, saved["weights"]) @ saved["coefficients"] + saved["bias"]
    return np.asarray(1 / (1 + np.exp(-total)), dtype=np.float64)


def _columns(frame: pl.DataFrame, terms: list[str], weights: Floats) -> sp.csr_matrix:
    """[n_cases, 3 terms] resume, requisition and their product, each of unit length."""
    resume, wanted = (weighted(frame[name], terms, weights) for name in TEXTS)
    return sp.hstack([resume, wanted, _unit(resume.multiply(wanted).tocsr())]).tocsr()


def weighted(
    texts: pl.Series, terms: Sequence[str], weights: Floats, of: text.Reading = text.words_of
) -> sp.csr_matrix:
    """[n_texts, terms] logarithmic counts times weights, of unit length; every distinct text is read once.

    Args:
        texts: [n_texts] str.
        terms: Columns.
        weights: [terms].
        of: What the words of texts are.
    """
    unique = texts.unique(maintain_order=True)
    found = text.tallied(unique.to_list(), terms, of)
    columns = found["column"].to_numpy()
    values = (1 + np.log(found["count"].to_numpy())) * weights[columns]
    ends = found["text"].to_numpy().searchsorted(np.arange(len(unique) + 1))
    rows = {value: row for row, value in enumerate(unique)}
    matrix = sp.csr_matrix((values, columns, ends), shape=(len(unique), len(terms)))
    return _unit(matrix)[[rows[value] for value in texts]]


def _unit(matrix: sp.csr_matrix) -> sp.csr_matrix:
    length = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    return sp.diags(1 / np.where(length > 0, length, 1.0)) @ matrix
