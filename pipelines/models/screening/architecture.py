"""What the screening model is made of: text to weighted terms, the members, and the whole that is saved."""

from collections.abc import Sequence
from typing import Any, Final

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from keras import layers, ops

from pipelines.models.screening import kin, text
from pipelines.models.screening.features import TEXTS, Train

TERMS: Final = "terms"
READER: Final = "reader"
JUDGE: Final = "judge"
MEMBERS: Final = "members"
IMPORTANCE: Final = "importance_"
COVERED: Final = "covered_"
KIN: Final = "kin_"
"""Names of layers; a member's number follows the last three."""
TERM_SCALE: Final = 10.0
PROJECTION_SCALE: Final = 3.0
KIN_SCALE: Final = 10.0
"""Weights of unit length are small: larger ones let the coefficients be learned in a few epochs."""
_BATCH: Final = 512
Floats = npt.NDArray[np.float32]


@keras.saving.register_keras_serializable(package="candor", name="normalised")  # type: ignore[untyped-decorator]
def normalised(texts: tf.Tensor) -> tf.Tensor:
    """[...] strings in lower case, words parted by one space, without years: `text.words_of` in TensorFlow."""
    lower = tf.strings.regex_replace(tf.strings.lower(texts, encoding="utf-8"), text.YEAR, " ")
    return tf.strings.regex_replace(lower, text.SEPARATORS, " ")


@keras.saving.register_keras_serializable(package="candor", name="fielded")  # type: ignore[untyped-decorator]
def fielded(texts: tf.Tensor) -> tf.Tensor:
    """[...] `text.fields` in TensorFlow."""
    marked = tf.strings.regex_replace(normalised(tf.strings.regex_replace(texts, text.LONG_LINE, "")), r"(\S+)", r"_\1")
    return tf.strings.join([normalised(texts), marked], separator=" ")


def encoder(terms: Sequence[str], weights: Sequence[float]) -> keras.Model:
    """[n] strings -> [n, terms] logarithmic TF-IDF of terms of fields; other terms are left out."""
    reads = layers.TextVectorization(
        standardize=fielded,
        split="whitespace",
        ngrams=2,
        output_mode="tf_idf",
        vocabulary=list(terms),
        idf_weights=list(weights),
        name=TERMS,
    )
    written = keras.Input((), dtype="string")
    return keras.Model(written, ops.log1p(reads(written)[:, 1:]), name=READER)


def unit(weights: Floats) -> Floats:
    """[n, terms] scaled to unit length, as the networks see them."""
    length = np.sqrt((weights.astype(np.float64) ** 2).sum(axis=1, keepdims=True))
    scaled: Floats = (weights / np.where(length > 0, length, 1.0)).astype(np.float32)
    return scaled


def members(terms: int, settings: Train, penalty: float) -> keras.Model:
    """Two [n, terms] weights of unit length and [n, 2] how kin the texts are -> one [n, 1] chance a member."""
    resume, wanted = keras.Input((terms,), name="resume"), keras.Input((terms,), name="requisition")
    related = keras.Input((2,), name="kin")
    chances = [_member(resume, wanted, related, number, settings, penalty) for number in range(settings.members)]
    return keras.Model([resume, wanted, related], chances, name=MEMBERS)


def _member(resume: Any, wanted: Any, related: Any, number: int, settings: Train, penalty: float) -> Any:  # noqa: PLR0917
    """Sum of what each view says; all but the covered share start at nothing, unless `begin` tells them better."""

    def dense(units: int, name: str, **kwargs: Any) -> Any:
        return layers.Dense(units, name=f"{name}_{number}", **kwargs)

    def weigh(name: str, weights: Any) -> Any:
        ridge = keras.regularizers.L2(penalty / TERM_SCALE**2)
        return dense(1, name, kernel_initializer="zeros", kernel_regularizer=ridge)(weights * TERM_SCALE)

    asked = ops.sign(wanted)
    importance = dense(1, "importance", use_bias=False, kernel_constraint="non_neg")
    covered = ops.divide(importance(asked * ops.sign(resume)), importance(asked) + 1e-3)
    project = dense(settings.units, "projection")
    thin = layers.Dropout(settings.dropout, name=f"thin_texts_{number}")
    alike = project(thin(resume * PROJECTION_SCALE)) * project(thin(wanted * PROJECTION_SCALE))
    hidden = dense(settings.units, "hidden", activation="relu")(layers.Concatenate()([covered, alike, related]))
    hidden = layers.Dropout(settings.dropout, name=f"thin_hidden_{number}")(hidden)
    slope, start = keras.initializers.Constant(4.0), keras.initializers.Constant(-2.0)
    views = [
        dense(1, "covered", kernel_initializer=slope, bias_initializer=start)(covered),
        weigh("match", layers.UnitNormalization(name=f"common_{number}")(resume * wanted)),
        weigh("resume_only", resume),
        weigh("requisition_only", wanted),
        dense(1, "kin", kernel_initializer="zeros", use_bias=False)(related * KIN_SCALE),
        dense(1, "mixed", kernel_initializer="zeros")(hidden),
    ]
    return layers.Activation("sigmoid", name=f"chance_{number}")(layers.Add()(views))


def begin(judges: keras.Model, taken: Sequence[Floats], outcome: Floats, weight: Floats) -> None:
    """Let every member start at a logistic regression on the covered share and on how kin the texts are.

    Both hold for texts that taught nothing: a resume is kin as far as others say. The other views know the training
    texts by heart after some epochs, and would be believed instead if all had to be learnt at once (`infra/adr/0057`).
    The covered share speaks against nobody at the start, since `match:` and `missing:` say that it speaks for people:
    where it clearly did they start as they are.

    Args:
        judges: What `members` made, with the importance of terms in place.
        taken: What it takes of [n_cases].
        outcome: [n_cases] 0 or 1, both of them.
        weight: [n_cases] what a case counts.
    """
    from sklearn.linear_model import LogisticRegression

    views = [f"{COVERED}0", f"{KIN}0"]
    sees = keras.Model(judges.inputs, [judges.get_layer(name).input for name in views])
    seen = np.concatenate(sees.predict(taken, batch_size=_BATCH, verbose=0), axis=1)
    told = LogisticRegression(solver="newton-cholesky").fit(seen, outcome, weight)
    coefficients = told.coef_[0][:, None]
    if coefficients[0] < -1:
        return
    coefficients[0] = max(coefficients[0], 0)
    for number in range(len(judges.outputs)):
        judges.get_layer(f"{COVERED}{number}").set_weights([coefficients[:1], told.intercept_])
        judges.get_layer(f"{KIN}{number}").set_weights([coefficients[1:]])


def judge(size: int, judges: keras.Model, readers: tuple[kin.Reader, kin.Reader] | None) -> keras.Model:
    """Two [n, size] weights of all terms -> [n, 1] mean chance of the members, which read the first of the terms."""
    resume, wanted = keras.Input((size,), name="resume_terms"), keras.Input((size,), name="requisition_terms")
    first = judges.input_shape[0][1]
    plain = [layers.UnitNormalization()(weights[:, :first]) for weights in (resume, wanted)]
    alike = ops.zeros_like(resume[:, :2]) if readers is None else _kin(resume, wanted, readers)
    chances = judges([*plain, alike])
    chances = chances if isinstance(chances, list) else [chances]
    mean = layers.Average(name="score")(chances) if len(chances) > 1 else chances[0]
    return keras.Model([resume, wanted], mean, name=JUDGE)


def _kin(resume: Any, wanted: Any, readers: tuple[kin.Reader, kin.Reader]) -> Any:
    """[n, 2] `kin.alike` of what the two readers say."""
    spoken = []
    for name, weights, reader in zip(("resume", "requisition"), (resume, wanted), readers, strict=True):
        signs = layers.EinsumDense("bt,t->bt", output_shape=(len(reader.signs),), name=f"{name}_signs")
        families = layers.Dense(len(reader.begins), name=f"{name}_families")
        spoken.append(families(layers.UnitNormalization()(signs(weights))))
        signs.set_weights([reader.signs])
        families.set_weights([reader.speaks, reader.begins])
    alike = ops.sum(spoken[0] * spoken[1], axis=1, keepdims=True)
    return ops.concatenate([alike, ops.max(spoken[0], axis=1, keepdims=True)], axis=1)


def whole(reads: keras.Model, judges: keras.Model) -> keras.Model:
    """Two [n] strings -> [n, 1] mean chance of the members."""
    resume = keras.Input((), dtype="string", name=TEXTS[0])
    wanted = keras.Input((), dtype="string", name=TEXTS[1])
    return keras.Model([resume, wanted], judges([reads(resume), reads(wanted)]), name="screening")
