"""The classic shapes, to compare with: two towers that read words in order, by an LSTM or by convolutions.

Both texts go through one embedding and one tower; what the tower makes of them is compared by a bilinear form. They
have the layers that the declared model has (`READER` from strings, `JUDGE` from two texts), so that all else that is
done with a model is done with them. They learn slowly, hence from the newest cases only.
"""

from typing import Any, Final

import keras
import numpy as np
import numpy.typing as npt
import polars as pl
import tensorflow as tf
from keras import layers, ops

from pipelines.models import case_weights
from pipelines.models.screening import text
from pipelines.models.screening.architecture import JUDGE, READER, normalised, whole
from pipelines.models.screening.features import TEXTS, Train

SAYS: Final = "says"
"""Name of the layer whose coefficients are the bilinear form."""
_WINDOW: Final = 5
"""Words that a convolution sees at once."""


def fit(
    train: pl.DataFrame, valid: pl.DataFrame, settings: Train, min_people: int
) -> tuple[keras.Model, dict[str, list[float]]]:
    """Train one of the classic shapes.

    Args:
        train: [n_cases] of which the newest `settings.newest_cases` teach.
        valid: [n_cases] that stop the training.
        settings: The section `screening.train`, with the shape.
        min_people: People of whose resumes a word must be.

    Returns:
        From two [n] strings to [n, 1] chance, and the history that Keras gives.
    """
    train = train.sort("occurred_at", "person_id", "subject_id").tail(settings.newest_cases)
    found, _ = text.counted(text.by_person(train), min_people)
    known = [term for term in found if " " not in term][: settings.max_terms]
    splits = layers.TextVectorization(
        standardize=normalised,
        split="whitespace",
        output_mode="int",
        output_sequence_length=settings.words,
        vocabulary=known,
        name="words",
    )
    tower, says_ = _tower(len(known) + 2, settings), judge(settings.units)
    pair = [keras.Input((settings.words,), dtype="int64", name=name) for name in TEXTS]
    taught = keras.Model(pair, says_([tower(words) for words in pair]))
    taught.compile(
        optimizer=keras.optimizers.AdamW(settings.learning_rate, weight_decay=settings.weight_decay),
        loss=keras.losses.BinaryCrossentropy(),
    )
    taught.optimizer.build(taught.trainable_variables)
    history = taught.fit(
        _read(splits, train),
        train["outcome"].to_numpy(),
        sample_weight=case_weights(train),
        validation_data=(_read(splits, valid), valid["outcome"].to_numpy()),
        epochs=settings.epochs,
        batch_size=settings.batch,
        callbacks=[keras.callbacks.EarlyStopping(patience=settings.patience, restore_best_weights=True)],
        verbose=0,
    ).history
    written = keras.Input((), dtype="string")
    reads = keras.Model(written, tower(splits(written)), name=READER)
    return whole(reads, says_), history


def says(judge: Any, resumes: tf.Tensor, wanted: tf.Tensor) -> tf.Tensor:
    """[n, m] chance of every pair, as `judge` says it of one.

    Args:
        judge: Layer `JUDGE` of what `fit` made.
        resumes: [n, units] as `READER` reads them.
        wanted: [m, units] likewise, of requisitions.
    """
    layer = judge.get_layer(SAYS)
    common, own, asked = tf.split(layer.kernel[:, 0], 3)
    both = tf.matmul(resumes * common, wanted, transpose_b=True)
    alone = tf.linalg.matvec(resumes, own)[:, None] + tf.linalg.matvec(wanted, asked)[None]
    return tf.sigmoid(both + alone + layer.bias)


def _tower(words: int, settings: Train) -> keras.Model:
    """[n, words] numbers of words -> [n, units]."""
    given = keras.Input((settings.words,), dtype="int64")
    is_lstm = settings.shape == "lstm"
    meanings = layers.Embedding(words, settings.units, mask_zero=is_lstm)(given)
    meanings = layers.SpatialDropout1D(settings.dropout / 2)(meanings)
    if is_lstm:
        read = layers.LSTM(settings.units)(meanings)
    else:
        wide = layers.Conv1D(settings.units, _WINDOW, padding="same", activation="relu")(meanings)
        read = layers.GlobalMaxPooling1D()(wide)
    return keras.Model(given, layers.Dense(settings.units, activation="tanh")(read), name="tower")


def judge(units: int) -> keras.Model:
    """Two [n, units] -> [n, 1] chance."""
    resume, wanted = keras.Input((units,), name="resume_read"), keras.Input((units,), name="requisition_read")
    seen = ops.concatenate([resume * wanted, resume, wanted], axis=1)
    return keras.Model([resume, wanted], layers.Dense(1, activation="sigmoid", name=SAYS)(seen), name=JUDGE)


def _read(splits: Any, frame: pl.DataFrame) -> list[npt.NDArray[np.int64]]:
    """What the towers take of every case: numbers of the words of both texts."""
    return [splits(tf.constant(frame[name].to_list())).numpy() for name in TEXTS]
