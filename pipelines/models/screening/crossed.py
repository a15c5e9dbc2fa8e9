"""Every resume against every requisition, in one compiled graph: what the saved judge says of each pair.

What is said of one text alone (its projections, its families, its own coefficients) is said once a text, and what is
summed over the terms of a pair is a product of matrices; the judge itself does both once a pair. Texts are weights of
terms here, of one width however long they were written: nothing is padded, and their order is free.
"""

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, Final

import keras
import tensorflow as tf

from pipelines.models.screening import classic
from pipelines.models.screening.architecture import JUDGE, KIN_SCALE, MEMBERS, PROJECTION_SCALE, TERM_SCALE

Scorer = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
_LEAST: Final = 1e-24
"""Square of the length below which a text is not scaled, as `keras.layers.UnitNormalization` has it."""


@lru_cache(maxsize=1)
def reader(reads: Any) -> Callable[[tf.Tensor], tf.Tensor]:
    """What `architecture.encoder` made, [n] strings as [n, terms] weights, compiled once for any n."""
    compiled: Callable[[tf.Tensor], tf.Tensor] = tf.function(
        reads, input_signature=[tf.TensorSpec([None], tf.string)], autograph=False
    )
    return compiled


@lru_cache(maxsize=1)
def table(model: Any) -> Scorer:
    """[n, terms] weights of resumes and [m, terms] of requisitions -> [n, m] mean chance, as the saved judge says.

    Args:
        model: What `architecture.whole` made, or such a model loaded: its layers are read, none is changed. Of a
            classic shape what its tower makes of a text stands for the terms.
    """
    judge = model.get_layer(JUDGE)
    weights = tf.TensorSpec([None, judge.input_shape[0][1]], tf.float32)
    if not is_of_terms(model):
        said: Scorer = tf.function(partial(classic.says, judge), input_signature=[weights, weights], autograph=False)
        return said
    members = judge.get_layer(MEMBERS)

    def chances(resumes: tf.Tensor, wanted: tf.Tensor) -> tf.Tensor:
        plain = members.input_shape[0][1]
        kin = _kin(judge, resumes, wanted)
        pair = (_unit(resumes[:, :plain]), _unit(wanted[:, :plain]))
        said = [_member(members.get_layer, number, pair, kin) for number in range(len(members.outputs))]
        return tf.add_n(said) / len(said)

    compiled: Scorer = tf.function(chances, input_signature=[weights, weights], autograph=False)
    return compiled


def is_of_terms(model: Any) -> bool:
    """Whether it is no classic shape."""
    return any(layer.name == MEMBERS for layer in model.get_layer(JUDGE).layers)


def _member(layer: Callable[[str], Any], number: int, pair: tuple[tf.Tensor, tf.Tensor], kin: tf.Tensor) -> tf.Tensor:
    """[n, m] chance by one member: the views of `architecture.members`."""
    resumes, wanted = pair

    def named(name: str) -> Any:
        return layer(f"{name}_{number}")

    importance = named("importance").kernel[:, 0]
    asked = tf.sign(wanted) * importance
    covered = tf.matmul(tf.sign(resumes), asked, transpose_b=True) / (tf.reduce_sum(asked, axis=1) + 1e-3)
    project = named("projection")
    alike = project(resumes * PROJECTION_SCALE)[:, None] * project(wanted * PROJECTION_SCALE)[None]
    covered = covered[..., None]
    hidden = named("hidden")(tf.concat([covered, alike, kin], axis=2))
    views = [
        named("covered")(covered)[..., 0],
        _match(named("match"), resumes, wanted),
        named("resume_only")(resumes * TERM_SCALE),
        tf.transpose(named("requisition_only")(wanted * TERM_SCALE)),
        named("kin")(kin * KIN_SCALE)[..., 0],
        named("mixed")(hidden)[..., 0],
    ]
    total = views[0]
    for view in views[1:]:
        total += view
    return tf.sigmoid(total)


def _match(dense: Any, resumes: tf.Tensor, wanted: tf.Tensor) -> tf.Tensor:
    """[n, m] coefficients of common terms, which are scaled to unit length together."""
    common = tf.matmul(resumes, wanted * dense.kernel[:, 0], transpose_b=True)
    square = tf.matmul(resumes**2, wanted**2, transpose_b=True)
    return common * tf.math.rsqrt(tf.maximum(square, _LEAST)) * TERM_SCALE + dense.bias


def _kin(judge: keras.Model, resumes: tf.Tensor, wanted: tf.Tensor) -> tf.Tensor:
    """[n, m, 2] `kin.alike` of what the two readers say; nothing where there are none."""
    if not any(layer.name == "resume_families" for layer in judge.layers):
        return tf.zeros([tf.shape(resumes)[0], tf.shape(wanted)[0], 2])
    spoken = [
        judge.get_layer(f"{name}_families")(_unit(judge.get_layer(f"{name}_signs")(weights)))
        for name, weights in (("resume", resumes), ("requisition", wanted))
    ]
    alike = tf.matmul(spoken[0], spoken[1], transpose_b=True)
    first = tf.reduce_max(spoken[0], axis=1, keepdims=True)
    return tf.stack([alike, tf.broadcast_to(first, tf.shape(alike))], axis=2)


def _unit(weights: tf.Tensor) -> tf.Tensor:
    """[n, terms] scaled to unit length."""
    square = tf.reduce_sum(weights**2, axis=1, keepdims=True)
    return weights * tf.math.rsqrt(tf.maximum(square, _LEAST))
