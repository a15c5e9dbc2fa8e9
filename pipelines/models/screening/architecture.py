"""What the screening model is made of: text to weighted terms, the members, and the whole that is saved."""

from typing import Any, Final

import keras
import polars as pl
import tensorflow as tf
from keras import layers, ops

from pipelines.models.screening import text
from pipelines.models.screening.features import TEXTS, Train

TERMS: Final = "terms"
MEMBERS: Final = "members"
IMPORTANCE: Final = "importance_"
"""Names of layers; a member's number follows the last."""
_TERM_SCALE = 10.0
_PROJECTION_SCALE = 3.0
"""Weights of unit length are small: larger ones let the coefficients be learned in a few epochs."""


@keras.saving.register_keras_serializable(package="candor", name="normalised")  # type: ignore[untyped-decorator]
def normalised(texts: tf.Tensor) -> tf.Tensor:
    """[...] strings in lower case, words parted by one space, without years: `text.words` in TensorFlow."""
    lower = tf.strings.regex_replace(tf.strings.lower(texts, encoding="utf-8"), text.YEAR, " ")
    return tf.strings.regex_replace(lower, text.SEPARATORS, " ")


def encoder(train: pl.DataFrame, settings: Train, min_people: int) -> layers.TextVectorization:
    """Text to TF-IDF over the terms of enough people's resumes; column 0 stands for all other terms."""
    terms, weights = text.vocabulary(text.by_person(train), min_people, settings.max_terms)
    return layers.TextVectorization(
        standardize=normalised,
        split="whitespace",
        ngrams=2,
        output_mode="tf_idf",
        vocabulary=terms,
        idf_weights=weights,
        name=TERMS,
    )


def weigher(reads: layers.TextVectorization) -> keras.Model:
    """[n] strings -> [n, terms] weights of unit length."""
    written = keras.Input((), dtype="string")
    return keras.Model(written, _weights(reads, written), name="weigher")


def _weights(reads: layers.TextVectorization, written: Any) -> Any:
    return layers.UnitNormalization()(ops.log1p(reads(written)[:, 1:]))


def members(terms: int, settings: Train, penalty: float) -> keras.Model:
    """Two [n, terms] weights -> one [n, 1] chance a member."""
    resume, wanted = keras.Input((terms,), name="resume"), keras.Input((terms,), name="requisition")
    chances = [_member(resume, wanted, number, settings, penalty) for number in range(settings.members)]
    return keras.Model([resume, wanted], chances, name=MEMBERS)


def _member(resume: Any, wanted: Any, number: int, settings: Train, penalty: float) -> Any:
    """Sum of what each view says; all but the covered share start at nothing."""

    def dense(units: int, name: str, **kwargs: Any) -> Any:
        return layers.Dense(units, name=f"{name}_{number}", **kwargs)

    def weigh(name: str, weights: Any) -> Any:
        ridge = keras.regularizers.L2(penalty / _TERM_SCALE**2)
        return dense(1, name, kernel_initializer="zeros", kernel_regularizer=ridge)(weights * _TERM_SCALE)

    asked = ops.sign(wanted)
    importance = dense(1, "importance", use_bias=False, kernel_constraint="non_neg")
    covered = ops.divide(importance(asked * ops.sign(resume)), importance(asked) + 1e-3)
    project = dense(settings.units, "projection")
    thin = layers.Dropout(settings.dropout, name=f"thin_texts_{number}")
    alike = project(thin(resume * _PROJECTION_SCALE)) * project(thin(wanted * _PROJECTION_SCALE))
    hidden = dense(settings.units, "hidden", activation="relu")(layers.Concatenate()([covered, alike]))
    hidden = layers.Dropout(settings.dropout, name=f"thin_hidden_{number}")(hidden)
    slope, start = keras.initializers.Constant(4.0), keras.initializers.Constant(-2.0)
    views = [
        dense(1, "covered", kernel_initializer=slope, bias_initializer=start)(covered),
        weigh("match", layers.UnitNormalization(name=f"common_{number}")(resume * wanted)),
        weigh("resume_only", resume),
        weigh("requisition_only", wanted),
        dense(1, "mixed", kernel_initializer="zeros")(hidden),
    ]
    return layers.Activation("sigmoid", name=f"chance_{number}")(layers.Add()(views))


def whole(reads: layers.TextVectorization, judges: keras.Model) -> keras.Model:
    """Two [n] strings -> [n, 1] mean chance of the members."""
    resume = keras.Input((), dtype="string", name=TEXTS[0])
    wanted = keras.Input((), dtype="string", name=TEXTS[1])
    chances = judges([_weights(reads, resume), _weights(reads, wanted)])
    chances = chances if isinstance(chances, list) else [chances]
    mean = layers.Average(name="score")(chances) if len(chances) > 1 else chances[0]
    return keras.Model([resume, wanted], mean, name="screening")
