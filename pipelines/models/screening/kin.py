"""Which job families a text speaks of: signs that tell families apart, and how much each speaks for which. No Keras.

A term is a sign as far as its weight differs between the resumes that each family's requisitions advanced
(chi-squared). Signs are weighted by the root of that and a ridge regression says how much each speaks for a family: in
closed form, so that nothing is random. Requisitions are read in the same way, and two texts are kin when they speak of
the same families.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

FOLDS: Final = 5
"""Parts of the people whose kin is told by what the others taught: who was learnt from is told too well."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Reader:
    """How much every term of a text speaks for every family."""

    signs: Floats
    """[n_terms] weight of a term, 0 for one that is no sign."""
    speaks: Floats
    """[n_terms, n_families] of the weighted terms, scaled to unit length."""
    begins: Floats
    """[n_families] of a text without signs."""

    def families(self, weights: Any) -> Floats:
        """[n_texts, n_families] how much each text speaks of each family, from [n_texts, n_terms] weights of terms."""
        said: Floats = _signed(weights, self.signs) @ self.speaks + self.begins
        return said


def learn(weights: Any, families: Floats, most: int, ridge: float, *, is_chosen: bool = True) -> Reader:
    """A reader of the texts that are known to belong to families.

    Args:
        weights: [n_texts, n_terms] weights of terms, none negative.
        families: [n_texts, n_families] 1 where a text belongs to a family, else 0.
        most: Signs at most: those that tell most.
        ridge: L2 penalty.
        is_chosen: Whether signs are chosen and weighted by what they tell; of a handful of texts nothing can be said.
    """
    size = weights.shape[1]
    signs = telling(weights, families, most) if is_chosen else np.ones(size)
    signed = _signed(weights, signs)
    mean, target = signed.mean(axis=0), families.mean(axis=0)
    if len(signed) <= size:
        centred = signed - mean
        known = centred @ centred.T + ridge * np.eye(len(signed))
        speaks = centred.T @ np.linalg.solve(known, families - target)
    else:
        centred = signed - mean
        known = centred.T @ centred + ridge * np.eye(size)
        speaks = np.linalg.solve(known, centred.T @ (families - target))
    return Reader(signs, speaks, target - mean @ speaks)


def telling(weights: Any, families: Floats, most: int) -> Floats:
    """[n_terms] root of each term's chi-squared against the families, 1 for the greatest, 0 beyond the `most` greatest.

    Args:
        weights: [n_texts, n_terms] none negative.
        families: [n_texts, n_families] 0 or 1.
        most: Terms that keep a weight.

    Source:
        Sebastiani 2002, on chi-squared for the choice of terms.
    """
    total = np.asarray(weights.sum(axis=0), dtype=np.float64).ravel()
    found = np.asarray((weights.T @ families).T, dtype=np.float64)
    expected = families.mean(axis=0)[:, None] * total
    squares = np.divide((found - expected) ** 2, expected, out=np.zeros_like(found), where=expected > 0).sum(axis=0)
    kept = np.zeros(len(total))
    order = np.argsort(-squares, kind="stable")[:most]
    kept[order] = np.sqrt(squares[order] / max(squares.max(initial=0.0), 1e-12))
    return kept


def unseen(weights: Any, families: Floats, people: Sequence[str], most: int, ridge: float) -> Floats:
    """[n_texts, n_families] what a reader says that has not seen the person.

    Args:
        weights: As for `learn`.
        families: As for `learn`.
        people: [n_texts] whose text each is; a person is in one fold everywhere.
        most: As for `learn`.
        ridge: As for `learn`.
    """
    fold = np.array([zlib.crc32(f"kin|{person}".encode()) % FOLDS for person in people])
    said = np.zeros_like(families)
    for number in range(FOLDS):
        held = fold == number
        if held.any() and not held.all():
            said[held] = learn(weights[~held], families[~held], most, ridge).families(weights[held])
    return said


def advanced(train: pl.DataFrame, families: Sequence[str]) -> tuple[pl.DataFrame, Floats]:
    """People who were advanced, and for requisitions of which families.

    Args:
        train: [n_cases] person_id, resume_text, job_family_code, outcome.
        families: Codes.

    Returns:
        [n_people] person_id, resume_text (all that the person wrote), in order of the pseudonym; [n_people,
        n_families].
    """
    people = (
        train.filter(pl.col("outcome") == 1, pl.col("job_family_code").is_in(list(families)))
        .group_by("person_id")
        .agg(pl.col("resume_text").unique().sort().str.join("\n"), pl.col("job_family_code").unique().sort())
        .sort("person_id")
    )
    belongs = [[float(name in own) for name in families] for own in people["job_family_code"].to_list()]
    return people.drop("job_family_code"), np.array(belongs).reshape(len(people), len(families))


def alike(resume: Floats, requisition: Floats) -> Floats:
    """[n_pairs, 2] how much the two speak of the same families, and how much the resume does of its own first one.

    Args:
        resume: [n_pairs, n_families].
        requisition: [n_pairs, n_families].
    """
    return np.column_stack([(resume * requisition).sum(axis=1), resume.max(axis=1)])


def _signed(weights: Any, signs: Floats) -> Floats:
    """Weighted by the signs, of unit length."""
    scaled = weights.multiply(signs).toarray() if hasattr(weights, "multiply") else weights * signs
    length = np.sqrt((scaled**2).sum(axis=1, keepdims=True))
    unit: Floats = np.asarray(scaled, dtype=np.float64) / np.where(length > 0, length, 1.0)
    return unit
