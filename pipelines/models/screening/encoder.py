"""A text encoder that the company staged in its store (ONNX, such as MiniLM), heard beside the terms.

`screening.train.encoder` names the folder in the store and the digests of its two files: `model.onnx`, a BERT whose
inputs are input_ids, attention_mask and, where it has one, token_type_ids, and whose first output is [n, tokens, size];
and `vocab.txt`, its WordPiece vocabulary in lower case, a piece a line. Nothing is downloaded. Both files travel with
the model, so that a release is whole. Needs the package onnxruntime, which is loaded nowhere else.

Long texts are read in windows; a text is the mean of its tokens, of unit length (Reimers and Gurevych 2019). The
encoder stays as it is: what is learned is a projection that both texts share, the bilinear form of the classic shapes,
and how much all of it weighs, on validation cases. Where it would only do harm it weighs nothing.
"""

import json
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
import numpy.typing as npt
import polars as pl
import tensorflow as tf
from keras import layers

from pipelines.base.digests import sha256_bytes, sha256_file
from pipelines.base.errors import ContractError, SettingsError
from pipelines.base.store import open_store
from pipelines.models import case_weights
from pipelines.models.screening import classic
from pipelines.models.screening.architecture import JUDGE, READER, Floats
from pipelines.models.screening.features import TEXTS, Train

MODEL: Final = "encoder.onnx"
VOCABULARY: Final = "vocab.txt"
JUDGED: Final = "encoder.keras"
WEIGHT: Final = "encoder.json"
"""Their names beside the saved model."""
READ_TEXTS: Final = ("resume_vector", "requisition_vector")
_WINDOW, _WINDOWS = 256, 4
"""Tokens that are read at once, the two that begin and end a window among them, and windows of a text at most."""
_BATCH: Final = 32
"""Windows at once."""
_LONGEST: Final = 100
"""Characters of a word that is looked for in pieces."""
_UNITS: Final = 128
"""Width of the projection that both texts share."""
_LEAST: Final = 1e-6
_WEIGHTS: Final = tuple(step / 20 for step in range(11))
"""What the encoder may weigh: the terms keep half of the say."""
_UNKNOWN, _BEGIN, _END = "[UNK]", "[CLS]", "[SEP]"


Read = Callable[[Sequence[str]], Floats]
"""[n] texts -> [n, size]."""


@dataclass(frozen=True, slots=True)
class Beside:
    """An encoder beside a model."""

    read: Read
    """[n] texts -> [n, units]."""
    says: Callable[[Any, Any], Any]
    """[n, units] resumes and [m, units] requisitions -> [n, m] chance."""
    weight: float
    """Its share of what is said."""


def is_beside(folder: Path) -> bool:
    """Whether a model reads by an encoder, too: while it is trained there is none yet."""
    return (folder / WEIGHT).is_file()


def stage(settings: Train, folder: Path) -> None:
    """Copy the encoder from the store beside the model to be.

    Args:
        settings: Name its folder in the store and its digests.
        folder: Of the model.

    Raises:
        SettingsError: `screening.train.encoder` names none.
        ContractError: A file there is not the one that it names.
    """
    wanted = settings.encoder
    if not wanted.folder:
        raise SettingsError(
            "The shape encoder must have an encoder: screening.train.encoder.folder in params.yaml is empty. Put "
            "model.onnx and vocab.txt into a folder of the store, and name it and their digests there."
        )
    kept = {MODEL: ("model.onnx", wanted.model_sha256), VOCABULARY: (VOCABULARY, wanted.vocab_sha256)}
    store = open_store()
    for name, (there, digest) in kept.items():
        data = store.read(f"{wanted.folder}/{there}")
        if sha256_bytes(data) != digest:
            raise ContractError(
                f"{there} of the encoder must have the sha256 that params.yaml names; it has another. Stage the file "
                "that was approved, or name the digest of this one."
            )
        (folder / name).write_bytes(data)


def fit(train: pl.DataFrame, valid: pl.DataFrame, settings: Train, folder: Path, said: npt.NDArray[np.float64]) -> None:
    """Stage the encoder, train what compares what it reads, and weigh it against what the terms say.

    Args:
        train: [n_cases] that teach.
        valid: [n_valid] that stop the training and set the weight.
        settings: The section `screening.train`.
        folder: Gets the encoder, `JUDGED` and `WEIGHT`.
        said: [n_valid] chances by the terms alone.
    """
    stage(settings, folder)
    read = reader(folder)
    unique = pl.concat([frame[name].rename("text") for frame in (train, valid) for name in TEXTS]).unique().sort()
    known = dict(zip(unique, read(unique.to_list()), strict=True))

    def pairs(frame: pl.DataFrame) -> list[Floats]:
        return [np.array([known[value] for value in frame[name]]) for name in TEXTS]

    size = len(next(iter(known.values())))
    project = _projection(size, settings.dropout)
    vectors = [keras.Input((size,), name=name) for name in READ_TEXTS]
    model = keras.Model(vectors, classic.judge(_UNITS)([project(vector) for vector in vectors]))
    model.compile(
        optimizer=keras.optimizers.AdamW(settings.learning_rate, weight_decay=settings.weight_decay),
        loss=keras.losses.BinaryCrossentropy(),
    )
    model.optimizer.build(model.trainable_variables)
    model.fit(
        pairs(train),
        train["outcome"].to_numpy(),
        sample_weight=case_weights(train),
        validation_data=(pairs(valid), valid["outcome"].to_numpy()),
        epochs=settings.epochs,
        batch_size=settings.batch,
        callbacks=[keras.callbacks.EarlyStopping(patience=settings.patience, restore_best_weights=True)],
        verbose=0,
    )
    model.save(folder / JUDGED)
    own = model.predict(pairs(valid), verbose=0)[:, 0] if len(valid) else np.zeros(0, np.float32)
    weight = weighed(said, own, valid["outcome"].to_numpy())
    (folder / WEIGHT).write_text(json.dumps({"weight": weight}) + "\n", encoding="utf-8")


def weighed(terms: npt.NDArray[np.floating], own: npt.NDArray[np.floating], outcome: npt.NDArray[np.float64]) -> float:
    """The share of the encoder's say, from 0 to a half, under which outcomes are most likely; the least of equal ones.

    Args:
        terms: [n_cases] chances by the terms.
        own: [n_cases] chances by the encoder.
        outcome: [n_cases] 0 or 1.
    """

    def loss(weight: float) -> float:
        chance = np.clip(np.asarray(mixed(terms, own, weight), np.float64), _LEAST, 1 - _LEAST)
        return float(-(outcome * np.log(chance) + (1 - outcome) * np.log(1 - chance)).sum())

    return min(_WEIGHTS, key=loss)


def mixed(terms: Any, own: Any, weight: float) -> Any:
    """[...] chance whose logarithmic odds are the weighted mean of two.

    Args:
        terms: [...] chances by the terms.
        own: [...] chances by the encoder.
        weight: Of the second, in [0, 1].
    """

    def odds(chance: Any) -> Any:
        bounded = tf.clip_by_value(tf.cast(chance, tf.float32), _LEAST, 1 - _LEAST)
        return tf.math.log(bounded) - tf.math.log(1 - bounded)

    return tf.sigmoid((1 - weight) * odds(terms) + weight * odds(own))


def beside(folder: Path) -> Beside:
    """The encoder of a model: the same one as before while its bytes are.

    Args:
        folder: Of the model.

    Raises:
        SettingsError: onnxruntime is not installed.
    """
    return _beside(folder, *(sha256_file(folder / name) for name in (MODEL, VOCABULARY, JUDGED, WEIGHT)))


@lru_cache(maxsize=1)
def _beside(folder: Path, *_digests: str) -> Beside:
    weight = float(json.loads((folder / WEIGHT).read_text(encoding="utf-8"))["weight"])
    model = keras.saving.load_model(folder / JUDGED, compile=False, safe_mode=True)
    read, project, judge = reader(folder), model.get_layer(READER), model.get_layer(JUDGE)
    return Beside(lambda texts: np.asarray(project(read(texts))), partial(classic.says, judge), weight)


def _projection(size: int, dropout: float) -> keras.Model:
    """[n, size] -> [n, units]."""
    vector = keras.Input((size,))
    thin = layers.Dropout(dropout / 2)(vector * float(size) ** 0.5)  # components of about 1
    return keras.Model(vector, layers.Dense(_UNITS, activation="tanh")(thin), name=READER)


def reader(folder: Path) -> Read:
    """What reads texts by the encoder beside a model: the same one as before while its bytes are.

    Args:
        folder: Of the model.

    Raises:
        SettingsError: onnxruntime is not installed.
    """
    return _reader(folder, sha256_file(folder / MODEL), sha256_file(folder / VOCABULARY))


@lru_cache(maxsize=1)
def _reader(folder: Path, _model_sha256: str, _vocab_sha256: str) -> Read:
    try:
        import onnxruntime
    except ImportError:
        raise SettingsError(
            "With a text encoder the package onnxruntime must be installed; it is not. Install it, or declare "
            "another shape."
        ) from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # sums in one order
    session = onnxruntime.InferenceSession(folder / MODEL, options, providers=["CPUExecutionProvider"])
    known = {piece: place for place, piece in enumerate((folder / VOCABULARY).read_text("utf-8").splitlines())}
    takes = {one.name for one in session.get_inputs()}

    def read(texts: Sequence[str]) -> Floats:
        parts = [(row, part) for row, text in enumerate(texts) for part in windows(pieces(text, known), known)]
        parts.sort(key=lambda one: len(one[1]))  # of like length together: less is padded
        total: dict[int, Any] = {}
        for start in range(0, len(parts), _BATCH):
            few = parts[start : start + _BATCH]
            fed = _padded([part for _, part in few])
            (said,) = session.run(None, {name: values for name, values in fed.items() if name in takes})[:1]
            sums = (said * fed["attention_mask"][..., None]).sum(axis=1)
            for (row, _), vector in zip(few, sums, strict=True):
                total[row] = total.get(row, 0) + vector
        found = np.array([total[row] for row in range(len(texts))], dtype=np.float32)
        scaled: Floats = found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)
        return scaled

    return read


def pieces(text: str, known: dict[str, int]) -> list[int]:
    """Numbers of the pieces of a text's words: of each word the longest piece that is known, then those of the rest.

    Args:
        text: In any case, with accents or without.
        known: Piece -> number; one within a word begins with `##`.

    Source:
        Wu et al. 2016 and Devlin et al. 2019, on WordPiece.
    """
    found: list[int] = []
    for word in _words(text):
        own: list[int] = []
        start = 0
        while start < len(word) <= _LONGEST:
            mark = "##" if start else ""
            ends = (end for end in range(len(word), start, -1) if mark + word[start:end] in known)
            if (end := next(ends, None)) is None:
                own = []
                break
            own.append(known[mark + word[start:end]])
            start = end
        found += own or [known[_UNKNOWN]]
    return found


def _words(text: str) -> list[str]:
    """Words in lower case without accents; a sign of punctuation and a Chinese character are words of their own."""
    seen = "".join(one for one in text if one.isspace() or not (one == "\ufffd" or unicodedata.category(one)[0] == "C"))
    plain = "".join(one for one in unicodedata.normalize("NFD", seen.lower()) if unicodedata.category(one) != "Mn")
    return "".join(f" {one} " if _is_alone(one) else one for one in plain).split()


def _is_alone(one: str) -> bool:
    if one.isascii():
        return not (one.isalnum() or one.isspace())
    return unicodedata.category(one)[0] == "P" or "\u3400" <= one <= "\u9fff"


def windows(numbers: Sequence[int], known: dict[str, int]) -> list[list[int]]:
    """[≤ 4] windows of a text, each between its two marks; one that is empty of an empty text."""
    room = _WINDOW - 2
    starts = range(0, max(len(numbers), 1), room)[:_WINDOWS]
    return [[known[_BEGIN], *numbers[start : start + room], known[_END]] for start in starts]


def _padded(parts: Sequence[Sequence[int]]) -> dict[str, Any]:
    """[n, longest] what a BERT takes."""
    width = max(map(len, parts))
    ids, mask = (np.zeros((len(parts), width), np.int64) for _ in range(2))
    for row, part in enumerate(parts):
        ids[row, : len(part)], mask[row, : len(part)] = part, 1
    return {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
