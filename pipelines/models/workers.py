"""Training shared out among machines: those that `TF_CONFIG` names, as TensorFlow has it.

Every worker runs the same command on the same cases in a checkout of its own. Of every batch each takes its part, and
gradients are summed over all before a step, so that all end with the same weights: whose folder is used is no matter.
Keras 3's `model.fit` does not run under `MultiWorkerMirroredStrategy`, hence a loop of our own.
"""

import json
import os
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pipelines.base.errors import SettingsError

FAMILIES: Final = ("outcomes",)
"""Whose training can be shared out."""
_VARIABLE: Final = "TF_CONFIG"
_KINDS: Final = {"chief", "worker"}

Arrays = Mapping[str, npt.NDArray[Any]]
Cases = tuple[Arrays, npt.NDArray[np.float32], npt.NDArray[np.float32] | None]
"""What the network takes, [n_cases] rows each; the truth [n_cases, n]; what each case counts [n_cases, 1] or None."""


def count() -> int:
    """How many workers `TF_CONFIG` names; 1 without it.

    Raises:
        SettingsError: It is no such JSON.
    """
    written = os.environ.get(_VARIABLE, "").strip()
    if not written:
        return 1
    try:
        cluster, task = (json.loads(written)[name] for name in ("cluster", "task"))
        workers = [address for kind in sorted(_KINDS) for address in cluster.get(kind, ())]
        is_one = not set(cluster) - _KINDS and task["index"] in range(len(cluster[task["type"]]))
    except (ValueError, KeyError, TypeError, AttributeError):
        is_one = False
    if not is_one:
        raise SettingsError(
            f"{_VARIABLE} must be JSON with the workers' addresses under cluster, and which of them this is under "
            "task; it is not. Correct it, or unset it to train on this machine alone."
        )
    return len(workers)


def require(family: str) -> None:
    """Refuse to train a family alone, on every worker again, where workers are named.

    Raises:
        SettingsError: The family's training cannot be shared out.
    """
    if count() > 1 and family not in FAMILIES:
        raise SettingsError(
            f"With several workers in {_VARIABLE} the family must be {' or '.join(FAMILIES)}; it is {family}. "
            f"Unset {_VARIABLE} to train it on this machine."
        )


@lru_cache(maxsize=1)
def strategy() -> Any:
    """This worker's part in the whole, once a process and before anything else of TensorFlow; None for one worker."""
    if count() == 1:
        return None
    import tensorflow as tf

    return tf.distribute.MultiWorkerMirroredStrategy()


def fit(  # noqa: PLR0917
    model: Any,
    again: Callable[[], Any],
    optimizer: Callable[[], Any],
    loss: Callable[[Any, Any], Any],
    train: Cases,
    valid: Cases,
    settings: Any,
    seed: int,
) -> dict[str, list[float]]:
    """Train `model`, together with all other workers, as Keras's `fit` with early stopping does alone.

    Args:
        model: Holds the weights to begin with; gets those of the best epoch.
        again: Makes such a model once more.
        optimizer: Makes the optimizer.
        loss: Truth and answers -> [n_cases].
        train: Cases, the same on every worker.
        valid: Likewise.
        settings: Has epochs, patience and batch; a batch is that of all workers together.
        seed: Of the order of the cases. What is left out at a step is drawn by every worker for itself, from what
            `determined` seeded and its number: the same workers repeat themselves.

    Returns:
        loss and val_loss, one number an epoch: the same on every worker.
    """
    import tensorflow as tf

    shared = strategy()
    with shared.scope():
        copy, steps = again(), optimizer()
        copy.set_weights(model.get_weights())
        steps.build(copy.trainable_variables)
    _draw_apart(copy, shared.cluster_resolver.task_id)

    def missed(part: Any, *, training: bool) -> Any:
        given, truth, weight, total = part
        return tf.reduce_sum(loss(truth, copy(given, training=training)) * weight) / total

    def learn(part: Any) -> Any:
        with tf.GradientTape() as tape:
            found = missed(part, training=True)
        gradients = tape.gradient(found, copy.trainable_variables)
        steps.apply_gradients(zip(gradients, copy.trainable_variables, strict=True))  # which sums them over the workers
        return found

    def everywhere(work: Callable[[Any], Any], cases: Cases) -> Callable[[Any], float]:
        def summed(part: Any) -> Any:
            return shared.reduce("SUM", shared.run(work, args=(part,)), axis=None)

        compiled = tf.function(summed, input_signature=[_signature(cases)], autograph=False)
        return lambda rows: float(compiled(_part(cases, rows)))

    learns, judges = everywhere(learn, train), everywhere(lambda part: missed(part, training=False), valid)
    rng = np.random.default_rng(seed)
    history: dict[str, list[float]] = {"loss": [], "val_loss": []}
    best, kept = 0, copy.get_weights()
    for epoch in range(settings.epochs):
        order = rng.permutation(len(train[1]))
        batches = [order[start : start + settings.batch] for start in range(0, len(order), settings.batch)]
        history["loss"].append(float(np.average([learns(rows) for rows in batches], weights=[*map(len, batches)])))
        history["val_loss"].append(judges(np.arange(len(valid[1]))))
        if epoch == 0 or history["val_loss"][epoch] < history["val_loss"][best]:
            best, kept = epoch, copy.get_weights()
        if epoch - best >= settings.patience:
            break
    model.set_weights(kept)
    return history


def _draw_apart(model: Any, worker: int) -> None:
    """Give each worker draws of its own: all begin as the first, and would leave out the same units at the same time.

    What is drawn from is a variable, [seed, count], that is no weight; assigned out of a step, it is this worker's.
    """
    weights = {id(variable) for variable in model.weights}
    for state in (variable for variable in model.variables if id(variable) not in weights):
        state.assign(state.numpy() + np.array([worker, 0], dtype=np.uint32))


def _signature(cases: Cases) -> Any:
    """Of `_part`: any number of rows, or every other part of a batch would be traced anew."""
    import tensorflow as tf

    def of(array: npt.NDArray[Any]) -> Any:
        return tf.TensorSpec((None, *array.shape[1:]), array.dtype)

    given, truth, _ = cases
    numbers = tf.TensorSpec((None,), np.float32)
    return ({name: of(array) for name, array in given.items()}, of(truth), numbers, tf.TensorSpec((), np.float32))


def _part(cases: Cases, rows: npt.NDArray[np.int64]) -> Any:
    """This worker's share of some rows, possibly none, and how many they are for all."""
    import tensorflow as tf

    own = rows[strategy().cluster_resolver.task_id :: count()]
    given, truth, weights = cases
    counted = np.ones(len(own), np.float32) if weights is None else weights[own, 0]
    taken = {name: tf.constant(array[own]) for name, array in given.items()}
    return taken, tf.constant(truth[own]), tf.constant(counted), tf.constant(len(rows), tf.float32)
