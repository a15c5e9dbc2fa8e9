"""The screening model: two texts in, one chance of being advanced out; the vocabulary is inside the saved model.

Both texts become weights of vocabulary terms (TF-IDF, logarithmic, unit length). Every member then looks at

- how much of what the requisition asks for the resume has, each term counted by a learned importance,
- how alike the texts are: learned weights of common terms, their cosine, and their product after one shared projection,
- the resume alone and the requisition alone.

Members learn side by side, each from its own resample of people, and are averaged. The interval of a score is the share
that people advanced among validation cases scored alike.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import keras
import numpy as np
import numpy.typing as npt
import polars as pl
import tensorflow as tf

from pipelines.models import Scorer
from pipelines.models.saved import loaded
from pipelines.models.screening import architecture, bands, baseline
from pipelines.models.screening.architecture import IMPORTANCE, MEMBERS, TERMS
from pipelines.models.screening.features import TEXTS, Train

MODEL: Final = "model.keras"
_KEYS: Final = ("person_id", "subject_id", "target_code")
_BATCH = 512
_MATCHES, _GAPS = 3, 2
"""Reasons at most: terms that both texts have, and terms that only the requisition has."""
_LEAST = 0.2
"""Importance, as a share of the mean, below which a word is no reason: about every second requisition has it."""

Floats = npt.NDArray[np.float32]


def fit(
    prepared: pl.DataFrame, settings: Train, folder: Path, seed: int, min_people: int
) -> Sequence[Mapping[str, float]]:
    """Train on `train`, stop by `valid`.

    Args:
        prepared: [n_cases] examples with `split`.
        settings: The section `screening.train`.
        folder: Gets `MODEL` and the bands.
        seed: Of everything random.
        min_people: People of whose resumes a term must be.

    Returns:
        One mapping an epoch: epoch, loss, valid_loss.
    """
    keras.utils.clear_session()  # names of layers are numbered, and the numbers are saved
    keras.utils.set_random_seed(seed)
    train, valid = (prepared.filter(pl.col("split") == name) for name in ("train", "valid"))
    reads = architecture.encoder(train, settings, min_people)
    members = architecture.members(reads.vocabulary_size() - 1, settings, settings.l2 / len(train))
    members.compile(
        optimizer=keras.optimizers.AdamW(settings.learning_rate, weight_decay=settings.weight_decay),
        loss=keras.losses.BinaryCrossentropy(),
    )
    members.optimizer.build(members.trainable_variables)  # or the first step would be traced twice
    weigher = architecture.weigher(reads)
    for number in range(settings.members):
        members.get_layer(f"{IMPORTANCE}{number}").set_weights([_importance(weigher, train)])
    history = members.fit(
        _pairs(weigher, train),
        _labels(train, settings.members),
        sample_weight=_resamples(train, settings.members, seed),
        validation_data=(_pairs(weigher, valid), _labels(valid, settings.members)),
        epochs=settings.epochs,
        batch_size=settings.batch,
        callbacks=[keras.callbacks.EarlyStopping(patience=settings.patience, restore_best_weights=True)],
        verbose=0,
    ).history
    model = architecture.whole(reads, members)
    folder.mkdir(parents=True, exist_ok=True)
    model.save(folder / MODEL)
    bands.save(folder, _scores(model, valid), valid["outcome"].to_numpy())
    losses = zip(history["loss"], history["val_loss"], strict=True)
    return [{"epoch": n, "loss": loss, "valid_loss": valid_loss} for n, (loss, valid_loss) in enumerate(losses, 1)]


def fit_baseline(prepared: pl.DataFrame, settings: Train, folder: Path, seed: int, min_people: int) -> None:
    """TF-IDF and a logistic regression on the same rows.

    Args:
        prepared: [n_cases] examples with `split`.
        settings: The section `screening.train`.
        folder: Gets the coefficients and the bands.
        seed: Of the solver.
        min_people: As for `fit`.
    """
    train, valid = (prepared.filter(pl.col("split") == name) for name in ("train", "valid"))
    baseline.fit(train, settings, folder, seed, min_people)
    bands.save(folder, baseline.scores(folder, valid), valid["outcome"].to_numpy())


def predict(folder: Path, frame: pl.DataFrame, scorer: Scorer) -> pl.DataFrame:
    """Chance of being advanced, with the interval of what came true for validation cases scored alike.

    Args:
        folder: What `fit` (model) or `fit_baseline` (baseline) wrote.
        frame: [n_cases] with both texts.
        scorer: Which of the two.

    Returns:
        [n_cases] person_id, subject_id, target_code, score, low, high in the order of `frame`.
    """
    if frame.is_empty():
        scores = np.zeros(0)
    else:
        scores = baseline.scores(folder, frame) if scorer == "baseline" else _scores(loaded(folder / MODEL), frame)
    low, high = bands.read(folder, scores)
    return frame.select(_KEYS).with_columns(
        score=pl.Series(scores, dtype=pl.Float64),
        low=pl.Series(low, dtype=pl.Float64),
        high=pl.Series(high, dtype=pl.Float64),
    )


def explain(folder: Path, frame: pl.DataFrame, scored: pl.DataFrame) -> list[list[str]]:
    """What the requisition asks for: `match:` and a term that the resume has, `missing:` and a term that it has not.

    Terms come in order of their learned importance. They are vocabulary terms, so enough people wrote each of them.

    Args:
        folder: What `fit` wrote.
        frame: [n_cases] the cases.
        scored: [n_rows] rows of `predict` to explain.

    Returns:
        [n_rows] at most three matches and two gaps each.
    """
    asked = scored.select(_KEYS).join(frame, on=_KEYS, how="left", maintain_order="left")
    if asked.is_empty():
        return []
    model = loaded(folder / MODEL)
    reads = model.get_layer(TERMS)
    terms = np.asarray(reads.get_vocabulary()[1:], dtype=object)
    resume, wanted = (weights > 0 for weights in _pairs(architecture.weigher(reads), asked))
    importance = telling(terms, _learned(model.get_layer(MEMBERS)))
    return [
        [
            *_strongest("match", terms, importance * (has & asks), _MATCHES),
            *_strongest("missing", terms, importance * (~has & asks), _GAPS),
        ]
        for has, asks in zip(resume, wanted, strict=True)
    ]


def telling(terms: npt.NDArray[np.object_], importance: Floats) -> Floats:
    """`importance` without terms that hold a word of little importance, such as `and` or `team`.

    Args:
        terms: [terms] str.
        importance: [terms] with a mean of 1.

    Returns:
        [terms] importance, or 0 for a term that is no reason by itself.
    """
    own = dict(zip(terms, importance, strict=True))
    words = [[own.get(word, 0.0) for word in str(term).split()] for term in terms]
    return np.where([min(parts) >= _LEAST for parts in words], importance, 0.0).astype(np.float32)


def _learned(members: keras.Model) -> Floats:
    """[terms] importance of a term, averaged over the members."""
    found = [layer.get_weights()[0][:, 0] for layer in members.layers if layer.name.startswith(IMPORTANCE)]
    return np.mean([weights / max(float(weights.mean()), 1e-9) for weights in found], axis=0)


def _strongest(kind: str, terms: npt.NDArray[np.object_], strength: Floats, most: int) -> list[str]:
    """The strongest terms that share no word with a stronger one."""
    chosen: list[str] = []
    spoken: set[str] = set()
    for index in np.argsort(-strength, kind="stable")[: 10 * most]:
        parts = set(str(terms[index]).split())
        if strength[index] > 0 and len(chosen) < most and not parts & spoken:
            chosen.append(f"{kind}:{terms[index]}")
            spoken |= parts
    return chosen


def _pairs(weigher: keras.Model, frame: pl.DataFrame) -> list[Floats]:
    """Both texts of every case as weights; every distinct text is read once."""
    return [_distinct(weigher, frame[name]) for name in TEXTS]


def _distinct(weigher: keras.Model, texts: pl.Series) -> Floats:
    unique = texts.unique(maintain_order=True)
    weights = weigher.predict(tf.constant(unique.to_list()), batch_size=_BATCH, verbose=0)
    place = {value: row for row, value in enumerate(unique)}
    return np.asarray(weights[[place[value] for value in texts]], dtype=np.float32)


def _importance(weigher: keras.Model, train: pl.DataFrame) -> Floats:
    """[terms, 1] where every member starts: a term that few requisitions ask for tells more."""
    asked = weigher.predict(tf.constant(train["requisition_text"].unique().sort().to_list()), verbose=0) > 0
    return np.log((1 + len(asked)) / (1 + asked.sum(axis=0)))[:, None].astype(np.float32)


def _labels(frame: pl.DataFrame, members: int) -> list[Floats]:
    return [frame["outcome"].to_numpy().astype(np.float32)[:, None]] * members


def _resamples(frame: pl.DataFrame, members: int, seed: int) -> list[Floats]:
    """[members][n_cases] how often each case's person was drawn: a Poisson bootstrap by person; the first sees all."""
    rng = np.random.default_rng(seed)
    people = frame["person_id"].rank("dense").to_numpy().astype(int) - 1
    drawn = [rng.poisson(1.0, people.max() + 1)[people].astype(np.float32) for _ in range(members - 1)]
    return [np.ones(len(frame), np.float32), *drawn]


def _scores(model: keras.Model, frame: pl.DataFrame) -> npt.NDArray[np.float64]:
    """[n_cases] the saved model's mean chance."""
    texts = [tf.constant(frame[name].to_list()) for name in TEXTS]
    return np.asarray(model.predict(texts, batch_size=_BATCH, verbose=0), dtype=np.float64)[:, 0]
