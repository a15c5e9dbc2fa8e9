"""The performance model: recurrent networks over the newest steps, beside the summed-up columns.

Each member says a low, a middle and a high rating (quantiles); the saved network is their average. Its middle is
averaged with the median that a forest says (`forest`), which needs fewer ratings to be good: with the weight that
serves the validation cases best. The interval moves along, and is widened or narrowed by what the validation cases
needed for its coverage (conformalised quantile regression, Romano et al. 2019), those of the same job family above all:
one margin for all is too wide for one family and too narrow for another. These cases stopped the training, too, which
costs some figures of a thousand; half of them would be too few for a family.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from pipelines.models import Scorer, case_weights, tabular, trees
from pipelines.models.performance import forest
from pipelines.models.performance.features import Train, inputs
from pipelines.models.performance.forest import Forest
from pipelines.models.performance.steps import STEPS
from pipelines.models.saved import loaded
from pipelines.models.tabular import Columns, Numbers

MODEL: Final = "model.keras"
SPREAD: Final = "spread.json"
_KEYS: Final = ("person_id", "subject_id", "target_code")
_REASONS = 5
_LEAST_EFFECT = 0.005
"""Change of the predicted share below which a source is no reason."""
_OTHER = ("rating",)
_SLICE = 65_536
"""Cases whose sequences are held as numbers at once: those of a million would be gigabytes."""
_GROUP: Final = "job_family_code"
"""Whose validation cases set a margin of their own: what the company calls the work, and no protected attribute."""
_MIDDLE = 0.5
_WEIGHTS: Final = (0.0, 0.25, 0.5)
"""Weights of the network against the forest that are tried on the validation cases. A few hundred of them choose badly
between all and nothing: the forest, which also learns from them in the end, always has a half."""


def fit(
    prepared: pl.DataFrame, settings: Train, folder: Path, seed: int, min_people: int
) -> Sequence[Mapping[str, float]]:
    """Train on `train`, stop by `valid`.

    Args:
        prepared: [n_cases] examples with `split`.
        settings: The section `performance.train`.
        folder: Gets `MODEL`, the forest's trees, the columns and `SPREAD`.
        seed: Of everything random.
        min_people: People from whom a code has an embedding of its own, and of whom a leaf of the forest speaks.

    Returns:
        One mapping an epoch: epoch, loss, valid_loss.
    """
    import keras

    keras.utils.set_random_seed(seed)
    train, valid = (prepared.filter(pl.col("split") == name) for name in ("train", "valid"))
    columns, measures = tabular.learn(inputs(train), min_people), sequences(train)
    members, averaged = _network(columns, measures, train, settings)
    members.compile(
        optimizer=keras.optimizers.AdamW(settings.learning_rate, weight_decay=settings.weight_decay),
        loss=_pinball(settings),
    )
    members.optimizer.build(members.trainable_variables)  # or the first step would be traced twice
    history = members.fit(
        _arrays(columns, measures, train),
        _labels(train, settings.members),
        sample_weight=case_weights(train),
        validation_data=(_arrays(columns, measures, valid), _labels(valid, settings.members)),
        epochs=settings.epochs,
        batch_size=settings.batch,
        callbacks=[keras.callbacks.EarlyStopping(patience=settings.patience, restore_best_weights=True)],
        verbose=0,
    ).history
    folder.mkdir(parents=True, exist_ok=True)
    averaged.save(folder / MODEL)
    tabular.save(columns, folder)
    said = _run(averaged, _arrays(columns, measures, valid))
    grown = _grown(_forest(columns, train, settings, seed, min_people), _matrix(columns, valid))
    truth = valid["outcome"].to_numpy()
    missed = {weight: _missed(_mixed(said, grown, weight)[:, 1], truth) for weight in _WEIGHTS}
    weight = min(missed, key=lambda one: missed[one])
    low, _, high = _mixed(said, grown, weight).T
    needed = np.maximum(low - truth, truth - high)
    margins = tabular.margins(valid, _GROUP, needed, settings.coverage, min_people)
    _save_spread(folder, needed, settings.coverage, measures, weight, margins)
    whole = _forest(columns, prepared, settings, seed, min_people)  # the newest ratings tell most of the next
    forest.save(whole, folder)
    losses = zip(history["loss"], history["val_loss"], strict=True)
    return [{"epoch": n, "loss": loss, "valid_loss": valid_loss} for n, (loss, valid_loss) in enumerate(losses, 1)]


def fit_baseline(prepared: pl.DataFrame, settings: Train, folder: Path, seed: int, min_people: int) -> None:
    """Gradient boosting of the absolute error on the summed-up columns, kept as plain arrays.

    Args:
        prepared: [n_cases] examples with `split`.
        settings: The section `performance.train`.
        folder: Gets the trees, the columns and `SPREAD`.
        seed: Of the estimator.
        min_people: People from whom a code is told from others.
    """
    from sklearn.ensemble import HistGradientBoostingRegressor

    train, valid = (prepared.filter(pl.col("split") == name) for name in ("train", "valid"))
    columns = tabular.learn(inputs(train), min_people)
    estimator = HistGradientBoostingRegressor(
        loss="absolute_error",
        max_iter=settings.trees,
        learning_rate=settings.tree_rate,
        max_leaf_nodes=settings.tree_leaves,
        early_stopping=False,
        random_state=seed,
    )
    estimator.fit(_matrix(columns, train), train["outcome"].to_numpy())
    trees.save(trees.of(estimator), folder)
    tabular.save(columns, folder)
    missed = np.abs(_boosted(folder, columns, valid) - valid["outcome"].to_numpy())
    _save_spread(folder, missed, settings.coverage, [])


def predict(folder: Path, frame: pl.DataFrame, scorer: Scorer) -> pl.DataFrame:
    """The next rating as a share, with the interval that holds `coverage` of them.

    Args:
        folder: What `fit` (model) or `fit_baseline` (baseline) wrote.
        frame: [n_cases] as `features.cases` gives.
        scorer: Which of the two.

    Returns:
        [n_cases] person_id, subject_id, target_code, score, low, high in the order of `frame`, all in [0, 1].
    """
    columns, spread = tabular.load(folder), _spread(folder)
    if scorer == "baseline":
        score = _boosted(folder, columns, frame)
        low, high = score, score
    else:
        low, score, high = _said(folder, columns, spread, frame).T
    margin = tabular.margin_of_each(spread["margins"], frame, _GROUP, spread["margin"])
    sides = {"score": score, "low": low - margin, "high": high + margin}
    clipped = {name: np.clip(values, 0, 1) for name, values in sides.items()}
    clipped["low"] = np.minimum(clipped["low"], clipped["score"])
    clipped["high"] = np.maximum(clipped["high"], clipped["score"])
    return frame.select(_KEYS).with_columns(
        pl.Series(name, values, dtype=pl.Float64) for name, values in clipped.items()
    )


def validate(prepared: pl.DataFrame, settings: Train, folder: Path, seed: int, min_people: int) -> pl.DataFrame:
    """`predict` of the `valid` rows with a forest that has not learnt from them, as the saved one has.

    Args:
        prepared: [n_cases] examples with `split`.
        settings: The section `performance.train`.
        folder: What `fit` wrote with these very arguments.
        seed: As for `fit`.
        min_people: As for `fit`.
    """
    train, valid = (prepared.filter(pl.col("split") == name) for name in ("train", "valid"))
    columns, spread = tabular.load(folder), _spread(folder)
    said = _run(loaded(folder / MODEL), _arrays(columns, spread["measures"], valid))
    grown = _grown(_forest(columns, train, settings, seed, min_people), _matrix(columns, valid))
    three = np.clip(_mixed(said, grown, spread["network"]), 0, 1).T
    return valid.select(_KEYS).with_columns(
        pl.Series(name, values, dtype=pl.Float64) for name, values in zip(("low", "score", "high"), three, strict=True)
    )


def _said(folder: Path, columns: Columns, spread: Mapping[str, Any], frame: pl.DataFrame) -> Numbers:
    """[n_rows, 3] quantiles of network and forest, before the margin."""
    model, grows = loaded(folder / MODEL), forest.load(folder)

    def of(part: pl.DataFrame) -> Numbers:
        said = _run(model, _arrays(columns, spread["measures"], part))
        return _mixed(said, _grown(grows, _matrix(columns, part)), spread["network"])

    return np.concatenate([np.empty((0, 3)), *(of(part) for part in frame.iter_slices(_SLICE))])


def explain(folder: Path, frame: pl.DataFrame, scored: pl.DataFrame) -> list[list[str]]:
    """What pulls each predicted rating down or up: `lowers:` or `raises:` and the source, strongest first.

    A source is a measure with all its columns, the earlier ratings together, or a code. Its effect is the change of
    the prediction when it is replaced by the training medians, or by an unknown code.

    Args:
        folder: What `fit` wrote.
        frame: [n_cases] the cases.
        scored: [n_rows] rows of `predict` to explain.

    Returns:
        [n_rows] at most five codes each.
    """
    asked = scored.select(_KEYS).join(frame, on=_KEYS, how="left", maintain_order="left")
    if asked.is_empty():
        return []
    columns, spread, model, grows = tabular.load(folder), _spread(folder), loaded(folder / MODEL), forest.load(folder)
    measures, weight = spread["measures"], spread["network"]
    arrays = _arrays(columns, measures, asked)
    matrix = _matrix(columns, asked)
    sources = sorted({_source(name) for name in columns.names})

    def middle(given: dict[str, npt.NDArray[Any]], values: Numbers) -> Numbers:
        return _mixed(_run(model, given), _grown(grows, values), weight)[:, 1]

    whole = middle(arrays, matrix)
    without = (
        middle(_without(columns, measures, arrays, source), _unknown(columns, matrix, source)) for source in sources
    )
    effects = np.stack([whole - other for other in without], axis=1)
    return [_codes(sources, row) for row in effects]


def sequences(frame: pl.DataFrame) -> list[str]:
    """Measures whose steps the frame still has."""
    return sorted(name.removesuffix(STEPS) for name in frame.columns if name.endswith(STEPS))


def _network(columns: Columns, measures: Sequence[str], train: pl.DataFrame, settings: Train) -> tuple[Any, Any]:
    """The members side by side (three quantiles each, for training) and their average (what is saved)."""
    import keras

    layers = keras.layers
    arrays = _arrays(columns, measures, train)
    taken = {name: keras.Input(values.shape[1:], name=name, dtype=str(values.dtype)) for name, values in arrays.items()}
    scale = layers.Normalization(name="scale")
    scale.adapt(arrays["steps"])
    sequence = layers.Concatenate(name="sequence")([scale(taken["steps"]), taken["gaps"]])
    weights, bias = tabular.pieces(tabular.numbers(columns, train), settings.pieces)
    pieces = layers.Dense(len(bias), name="pieces", trainable=False)
    bounded = layers.ReLU(max_value=1.0, name="bounded")(pieces(taken["numeric"]))
    pieces.set_weights([weights, bias])
    outputs = []
    for member in range(settings.members):
        parts = [bounded, taken["missing"]]
        parts.append(layers.GRU(settings.units // 2, name=f"steps_{member}")(sequence))
        for place, (name, known) in enumerate(columns.codes.items()):
            embedding = layers.Embedding(len(known) + 1, settings.embedding, name=f"{name}_{member}")
            parts.append(embedding(taken["codes"][:, place]))
        hidden = layers.Dropout(settings.dropout, name=f"dropout_{member}_0")(layers.Concatenate()(parts))
        hidden = layers.Dense(settings.units, "gelu", name=f"dense_{member}")(hidden)
        hidden = layers.Dropout(settings.dropout, name=f"dropout_{member}_1")(hidden)
        outputs.append(_quantiles(layers, hidden, member))
    joined = outputs[0] if len(outputs) == 1 else layers.Concatenate(axis=1, name="members")(outputs)
    mean = outputs[0] if len(outputs) == 1 else layers.Average(name="average")(outputs)
    three = layers.Reshape((3,), name="quantiles")(mean)
    return keras.Model(taken, joined, name="members_of_performance"), keras.Model(taken, three, name="performance")


def _quantiles(layers: Any, hidden: Any, member: int) -> Any:
    """[n, 1, 3] low <= middle <= high, each in (0, 1)."""
    middle = layers.Dense(1, name=f"middle_{member}")(hidden)
    below = layers.Dense(1, "softplus", name=f"below_{member}")(hidden)
    above = layers.Dense(1, "softplus", name=f"above_{member}")(hidden)
    three = layers.Concatenate(name=f"three_{member}")(
        [
            layers.Subtract(name=f"less_{member}")([middle, below]),
            middle,
            layers.Add(name=f"more_{member}")([middle, above]),
        ]
    )
    return layers.Reshape((1, 3), name=f"member_{member}")(layers.Activation("sigmoid", name=f"share_{member}")(three))


def _pinball(settings: Train) -> Any:
    """Loss whose minimum is the wanted quantiles: the middle one is the absolute error, halved."""
    import keras

    tail = (1 - settings.coverage) / 2
    levels = np.array([tail, 0.5, 1 - tail], dtype=np.float32)

    def loss(truth: Any, predicted: Any) -> Any:
        missed = truth - predicted
        return keras.ops.mean(keras.ops.maximum(levels * missed, (levels - 1) * missed), axis=-1)

    return loss


def _arrays(columns: Columns, measures: Sequence[str], frame: pl.DataFrame) -> dict[str, npt.NDArray[Any]]:
    """What the network takes: numeric, missing and codes as a table; steps and gaps [n_rows, n_steps, n_measures]."""
    values = tabular.numbers(columns, frame)
    missing = np.isnan(values)
    steps = _steps(measures, frame)
    gaps = np.isnan(steps)
    return {
        "numeric": np.where(missing, np.array(columns.medians), values).astype(np.float32),
        "missing": missing.astype(np.float32),
        "codes": tabular.indices(columns, frame).astype(np.int32),
        "steps": np.where(gaps, _typical(columns, measures), steps).astype(np.float32),
        "gaps": gaps.astype(np.float32),
    }


def _steps(measures: Sequence[str], frame: pl.DataFrame) -> Numbers:
    """[n_rows, n_steps, n_measures]; a measure that the frame lacks is NaN throughout."""
    if not measures or frame.is_empty():
        return np.full((len(frame), 1, len(measures)), np.nan)
    known = {m: _table(frame[m + STEPS]) for m in measures if m + STEPS in frame.columns}
    blank = np.full_like(next(iter(known.values()), np.full((len(frame), 1), np.nan)), np.nan)
    return np.stack([known.get(measure, blank) for measure in measures], axis=2)


def _table(lists: pl.Series) -> Numbers:
    """[n_rows, n_steps] of lists that are all as long, NaN for null."""
    return lists.explode().cast(pl.Float64).to_numpy().reshape(len(lists), -1)


def _typical(columns: Columns, measures: Sequence[str]) -> Numbers:
    """[n_measures] training median of each measure's newest value; 0 where it was never there."""
    medians = dict(zip(columns.numeric, columns.medians, strict=True))
    return np.array([medians.get(measure, 0.0) for measure in measures])


def _labels(frame: pl.DataFrame, members: int) -> npt.NDArray[np.float32]:
    """[n_rows, n_members, 3] the rating, once a quantile."""
    truth = frame["outcome"].to_numpy().astype(np.float32)
    return np.broadcast_to(truth[:, None, None], (len(truth), members, 3)).copy()


def _matrix(columns: Columns, frame: pl.DataFrame) -> Numbers:
    """[n_rows, n_columns] numbers, NaN where missing, and code indices side by side, for trees."""
    return np.column_stack([tabular.numbers(columns, frame), tabular.indices(columns, frame)]).astype(np.float64)


def _unknown(columns: Columns, matrix: Numbers, source: str) -> Numbers:
    """The same cases knowing nothing of one source, as `_without`."""
    changed = matrix.copy()
    for place, name in enumerate(columns.names):
        if _source(name) == source:
            changed[:, place] = columns.medians[place] if place < len(columns.numeric) else 0
    return changed


def _forest(columns: Columns, frame: pl.DataFrame, settings: Train, seed: int, min_people: int) -> Forest:
    """The forest of the summed-up columns."""
    people = frame["person_id"].rank("dense").to_numpy().astype(np.int64) - 1
    weights = case_weights(frame)
    return forest.grow(
        _matrix(columns, frame),
        frame["outcome"].to_numpy(),
        people,
        weights=None if weights is None else weights[:, 0].astype(np.float64),
        size=settings.forest,
        leaf=settings.forest_leaf,
        seed=seed,
        least=min_people,
    )


def _grown(grows: Forest, values: Numbers) -> Numbers:
    """[n_rows] the middle of what the forest holds likely."""
    return forest.quantiles(grows, values, (_MIDDLE,))[:, 0]


def _mixed(said: Numbers, middle: Numbers, weight: float) -> Numbers:
    """[n_rows, 3] the network's quantiles, moved so that the middle is the weighted mean of both."""
    moved: Numbers = said + ((1 - weight) * (middle - said[:, 1]))[:, None]
    return moved


def _missed(predicted: Numbers, truth: Numbers) -> float:
    """Mean absolute error; without cases 0."""
    return float(np.abs(predicted - truth).mean()) if len(truth) else 0.0


def _boosted(folder: Path, columns: Columns, frame: pl.DataFrame) -> Numbers:
    return np.clip(trees.total(trees.load(folder), _matrix(columns, frame)), 0, 1)


def _run(model: Any, arrays: Mapping[str, npt.NDArray[Any]]) -> Numbers:
    if not len(arrays["numeric"]):
        return np.empty((0, 3))
    return tabular.answers(model, arrays)


def _source(name: str) -> str:
    """What a column speaks of: a measure, `rating`, or the code itself."""
    return next((other for other in _OTHER if name.startswith(f"{other}_")), name.split("__", maxsplit=1)[0])


def _without(
    columns: Columns, measures: Sequence[str], arrays: Mapping[str, npt.NDArray[Any]], source: str
) -> dict[str, npt.NDArray[Any]]:
    """The same cases knowing nothing of one source."""
    changed = {key: values.copy() for key, values in arrays.items()}
    for place, name in enumerate(columns.numeric):
        if _source(name) == source:
            changed["numeric"][:, place] = columns.medians[place]
            changed["missing"][:, place] = 0
    for place, name in enumerate(columns.codes):
        if name == source:
            changed["codes"][:, place] = 0
    for place, name in enumerate(measures):
        if name == source:
            changed["steps"][:, :, place] = _typical(columns, measures)[place]
            changed["gaps"][:, :, place] = 0
    return changed


def _codes(sources: Sequence[str], effects: Numbers) -> list[str]:
    order = sorted(range(len(sources)), key=lambda place: (-abs(effects[place]), sources[place]))[:_REASONS]
    strong = [place for place in order if abs(effects[place]) >= _LEAST_EFFECT]
    return [f"{'raises' if effects[place] > 0 else 'lowers'}:{sources[place]}" for place in strong]


def _save_spread(  # noqa: PLR0917
    folder: Path,
    needed: Numbers,
    coverage: float,
    measures: Sequence[str],
    network: float = 1.0,
    margins: Mapping[str, float] | None = None,
) -> None:
    """How far an interval must be moved outwards (or may be moved inwards) to hold its share of validation cases."""
    content = {
        "margin": tabular.margin(needed, coverage),
        "margins": margins or {},
        "coverage": coverage,
        "measures": list(measures),
        "network": network,
    }
    (folder / SPREAD).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _spread(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / SPREAD).read_text(encoding="utf-8"))
    return content
