"""The outcomes model: a few small networks over numbers and embedded codes, averaged inside one saved model.

Normalisation is a layer of the model. A missing number is the training median plus a flag. The interval of a score is
the share that really completed among validation cases scored alike.

With what score a case ends is foreseen by networks of the same kind and boosted trees, half each, trained on absolute
errors of those who got one: they rest on nobody who left. Its interval is as wide as held `grade_coverage` of
validation cases, of people whose cases stopped no training, those of the same course above all; of a course that nobody
learnt from, as wide as that of nearly any that somebody did.
"""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from pipelines.models import GRADE, Scorer, case_weights, tabular, trees, workers
from pipelines.models.outcomes.features import Train, inputs
from pipelines.models.saved import loaded
from pipelines.models.tabular import Columns, Numbers

MODEL: Final = "model.keras"
BANDS: Final = "bands.json"
GRADES: Final = "grades.keras"
GRADE_WIDTH: Final = "grades.json"
_GRADE_TREES: Final = "grades.npz"
_COURSE: Final = "subject_id"
_LEAST_GRADED = 10
"""Validation cases with a score, of those that set the interval, below which none is foreseen."""
_KEYS: Final = ("person_id", "subject_id", "target_code")
_SURE = 1e-6
"""How near to 0 and 1 a chance is taken for what it is."""
_MOST_SHIFT = 1.0
"""Of the logarithm of odds: where all or none came true there is no end to it."""
_HALVINGS = 30
_BANDS = 10
_Z = 1.6448536269514722
"""Two-sided 90 % quantile of the normal distribution."""
_REASONS = 5
_LEAST_EFFECT = 0.01
"""Change of the score below which a column is no reason."""


def fit(
    prepared: pl.DataFrame, settings: Train, folder: Path, seed: int, min_people: int
) -> Sequence[Mapping[str, float]]:
    """Train on `train`, stop by `valid`.

    Args:
        prepared: [n_cases] examples with `split`.
        settings: The section `outcomes.train`.
        folder: Gets `MODEL`, the columns and `BANDS`.
        seed: Of everything random.
        min_people: People from whom a code has an embedding of its own.

    Returns:
        One mapping an epoch: epoch, loss, valid_loss.
    """
    import keras

    _forget_grades(folder)
    keras.utils.set_random_seed(seed)
    train, valid = (prepared.filter(pl.col("split") == name) for name in ("train", "valid"))
    columns = tabular.learn(inputs(train), min_people)
    members, averaged = _network(columns, train, settings)
    history = _learn(columns, members, train, valid, settings, seed)
    _centre(columns, members, train)
    folder.mkdir(parents=True, exist_ok=True)
    averaged.save(folder / MODEL)
    tabular.save(columns, folder)
    _save_bands(folder, _scores(averaged, columns, valid), valid["outcome"].to_numpy())
    _fit_grades(columns, train, valid, settings, folder, seed, min_people)
    losses = zip(history["loss"], history["val_loss"], strict=True)
    return [{"epoch": n, "loss": loss, "valid_loss": valid_loss} for n, (loss, valid_loss) in enumerate(losses, 1)]


def _learn(  # noqa: PLR0917
    columns: Columns, members: Any, train: pl.DataFrame, valid: pl.DataFrame, settings: Train, seed: int
) -> dict[str, list[float]]:
    """Train `members`, with the other workers where there are any: loss and val_loss of every epoch."""
    import keras

    def optimizer() -> Any:
        return keras.optimizers.AdamW(settings.learning_rate, weight_decay=settings.weight_decay)

    known, later = ((_arrays(columns, part), _labels(part, settings.members)) for part in (train, valid))
    if workers.count() > 1:
        return workers.fit(
            members,
            lambda: _network(columns, train, settings)[0],
            optimizer,
            keras.losses.binary_crossentropy,
            (*known, case_weights(train)),
            (*later, None),
            settings,
            seed,
        )
    members.compile(optimizer=optimizer(), loss=keras.losses.BinaryCrossentropy())
    members.optimizer.build(members.trainable_variables)  # or the first step would be traced twice
    found: dict[str, list[float]] = members.fit(
        *known,
        sample_weight=case_weights(train),
        validation_data=later,
        epochs=settings.epochs,
        batch_size=settings.batch,
        callbacks=[keras.callbacks.EarlyStopping(patience=settings.patience, restore_best_weights=True)],
        verbose=0,
    ).history
    return found


def _centre(columns: Columns, members: Any, train: pl.DataFrame) -> None:
    """Shift what each member ends with, so that its mean chance of training cases is the share that came true.

    Where the likelihood is highest that is so. A training stopped before is off by what its last steps happened to do,
    and as all members saw the same batches, in the mean of them by as much: three points of a hundred on the Open
    University's presentations of 2013.
    """
    outcome, counts = train["outcome"].to_numpy(), case_weights(train)
    weights = None if counts is None else counts[:, 0]
    said = np.clip(tabular.answers(members, _arrays(columns, train)), _SURE, 1 - _SURE)
    odds, share = np.log(said / (1 - said)), np.average(outcome, weights=weights)
    low, high = np.full(odds.shape[1], -_MOST_SHIFT), np.full(odds.shape[1], _MOST_SHIFT)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        is_low = np.average(1 / (1 + np.exp(-(odds + middle))), axis=0, weights=weights) < share
        low, high = np.where(is_low, middle, low), np.where(is_low, high, middle)
    for member, shift in enumerate((low + high) / 2):
        last = members.get_layer(f"member_{member}")
        kernel, bias = last.get_weights()
        last.set_weights([kernel, bias + shift])


def fit_baseline(prepared: pl.DataFrame, settings: Train, folder: Path, seed: int, min_people: int) -> None:
    """Gradient boosting on the same rows and columns, kept as plain arrays.

    Args:
        prepared: [n_cases] examples with `split`.
        settings: The section `outcomes.train`.
        folder: Gets the trees, the columns and `BANDS`.
        seed: Of the estimator.
        min_people: People from whom a code is told from others.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    _forget_grades(folder)
    train, valid = (prepared.filter(pl.col("split") == name) for name in ("train", "valid"))
    columns = tabular.learn(inputs(train), min_people)
    estimator = HistGradientBoostingClassifier(
        max_iter=settings.trees,
        learning_rate=settings.tree_rate,
        max_leaf_nodes=settings.tree_leaves,
        early_stopping=False,
        random_state=seed,
    )
    estimator.fit(_matrix(columns, train), train["outcome"].to_numpy())
    trees.save(trees.of(estimator), folder)
    tabular.save(columns, folder)
    _save_bands(folder, _boosted(folder, columns, valid), valid["outcome"].to_numpy())
    known, (_, setting) = _with_grade(train), _apart(_with_grade(valid))
    if len(known) and len(setting) >= _LEAST_GRADED:
        _boost_grades(columns, known, settings, folder, seed)
        said = _boosted_grades(folder, columns, setting)
        _save_widths(folder, said, setting, known, settings.grade_coverage, min_people)


def _forget_grades(folder: Path) -> None:
    """A model in a folder of before must not foresee the scores of the one that was there."""
    for name in (GRADE_WIDTH, GRADES, _GRADE_TREES):
        (folder / name).unlink(missing_ok=True)


def _fit_grades(  # noqa: PLR0917
    columns: Columns,
    train: pl.DataFrame,
    valid: pl.DataFrame,
    settings: Train,
    folder: Path,
    seed: int,
    min_people: int,
) -> None:
    """Networks of the score at the end, on those who got one; nothing where too few did."""
    import keras

    known, (stopping, setting) = _with_grade(train), _apart(_with_grade(valid))
    if known.is_empty() or stopping.is_empty() or len(setting) < _LEAST_GRADED:
        return
    keras.utils.set_random_seed(seed)
    members, averaged = _network(columns, train, settings)
    members.compile(
        optimizer=keras.optimizers.AdamW(settings.learning_rate, weight_decay=settings.weight_decay),
        loss=keras.losses.MeanAbsoluteError(),
    )
    members.optimizer.build(members.trainable_variables)
    members.fit(
        _arrays(columns, known),
        _labels(known, settings.members, GRADE),
        sample_weight=case_weights(known),
        validation_data=(_arrays(columns, stopping), _labels(stopping, settings.members, GRADE)),
        epochs=settings.epochs,
        batch_size=settings.batch,
        callbacks=[keras.callbacks.EarlyStopping(patience=settings.patience, restore_best_weights=True)],
        verbose=0,
    )
    averaged.save(folder / GRADES)
    _boost_grades(columns, known, settings, folder, seed)
    said = _mixed_grades(folder, averaged, columns, setting)
    _save_widths(folder, said, setting, known, settings.grade_coverage, min_people)


def _boost_grades(columns: Columns, known: pl.DataFrame, settings: Train, folder: Path, seed: int) -> None:
    """Gradient boosting of the score at the end: the baseline, and half of the model."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    regressor = HistGradientBoostingRegressor(
        loss="absolute_error",
        max_iter=settings.trees,
        learning_rate=settings.tree_rate,
        max_leaf_nodes=settings.tree_leaves,
        early_stopping=False,
        random_state=seed,
    )
    counts = case_weights(known)
    regressor.fit(
        _matrix(columns, known), known[GRADE].to_numpy(), sample_weight=None if counts is None else counts[:, 0]
    )
    trees.save(trees.of(regressor), folder, _GRADE_TREES)


def _boosted_grades(folder: Path, columns: Columns, frame: pl.DataFrame) -> Numbers:
    return np.clip(trees.total(trees.load(folder, _GRADE_TREES), _matrix(columns, frame)), 0, 1)


def _mixed_grades(folder: Path, model: Any, columns: Columns, frame: pl.DataFrame) -> Numbers:
    """The mean of networks and trees: on the presentations of 2013 it was off by less than either."""
    both: Numbers = (_scores(model, columns, frame) + _boosted_grades(folder, columns, frame)) / 2
    return both


def _with_grade(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.drop_nulls(GRADE) if GRADE in frame.columns else frame.clear()


def _apart(valid: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Validation cases that stop the training and those that set the interval: half the people each, nobody in both.

    What a training was stopped by is missed by less than what comes later.
    """
    people = valid["person_id"].unique().to_list()
    salted = sorted(people, key=lambda person: sha256(f"interval|{person}".encode()).hexdigest())
    is_setting = pl.col("person_id").is_in(salted[: (len(salted) + 1) // 2])
    return valid.filter(~is_setting), valid.filter(is_setting)


def _save_widths(  # noqa: PLR0917
    folder: Path, foreseen: Numbers, setting: pl.DataFrame, known: pl.DataFrame, coverage: float, min_people: int
) -> None:
    """Half the width by which the interval holds `coverage` of the cases to come, by course.

    A course that was learnt from and has too few cases that set it has that of all. Of one that nobody learnt from
    nothing is known but how courses differ whose width was measured: it has the width that is enough for `coverage` of
    these, else the widest, and never less than that of all.
    """
    missed = np.abs(foreseen - setting[GRADE].to_numpy())
    half = tabular.margin(missed, coverage)
    own = tabular.margins(setting, _COURSE, missed, coverage, min_people)
    strange = max(half, min(tabular.margin(np.array(list(own.values())), coverage), max(own.values(), default=half)))
    widths = dict.fromkeys(tabular.common(known, _COURSE, min_people), half) | own
    content = {"half_width": strange, "widths": widths}
    (folder / GRADE_WIDTH).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def grades(folder: Path, frame: pl.DataFrame, scorer: Scorer) -> pl.DataFrame | None:
    """With what score each case ends, if it comes to one.

    Args:
        folder: What `fit` (model) or `fit_baseline` (baseline) wrote.
        frame: [n_cases] as for `predict`.
        scorer: Which of the two.

    Returns:
        [n_cases] person_id, subject_id, target_code, grade, low, high, shares in the order of `frame`; None where too
        few had a score to learn from, and in releases of before.
    """
    if not (folder / GRADE_WIDTH).exists():
        return None
    columns, about = tabular.load(folder), json.loads((folder / GRADE_WIDTH).read_text(encoding="utf-8"))
    half = tabular.margin_of_each(
        about.get("widths", {}), frame, _COURSE, about["half_width"]
    )  # one, in older releases
    if scorer == "baseline":
        said = _boosted_grades(folder, columns, frame)
    else:
        said = _mixed_grades(folder, loaded(folder / GRADES), columns, frame)
    return frame.select(_KEYS).with_columns(
        grade=pl.Series(said, dtype=pl.Float64),
        low=pl.Series(np.clip(said - half, 0, 1), dtype=pl.Float64),
        high=pl.Series(np.clip(said + half, 0, 1), dtype=pl.Float64),
    )


def predict(folder: Path, frame: pl.DataFrame, scorer: Scorer) -> pl.DataFrame:
    """Chance to complete, with the interval of what came true for validation cases scored alike.

    Args:
        folder: What `fit` (model) or `fit_baseline` (baseline) wrote.
        frame: [n_cases] as `features.cases` gives.
        scorer: Which of the two.

    Returns:
        [n_cases] person_id, subject_id, target_code, score, low, high in the order of `frame`.
    """
    columns = tabular.load(folder)
    scores = (
        _boosted(folder, columns, frame) if scorer == "baseline" else _scores(loaded(folder / MODEL), columns, frame)
    )
    low, high = _band(folder, scores)
    return frame.select(_KEYS).with_columns(
        score=pl.Series(scores, dtype=pl.Float64),
        low=pl.Series(low, dtype=pl.Float64),
        high=pl.Series(high, dtype=pl.Float64),
    )


def validate(
    prepared: pl.DataFrame,
    settings: Train,  # noqa: ARG001  what `fit` wrote has learnt from no validation case
    folder: Path,
    seed: int,  # noqa: ARG001
    min_people: int,  # noqa: ARG001
) -> pl.DataFrame:
    """`predict` of the `valid` rows, which stop the training and teach nothing."""
    return predict(folder, prepared.filter(pl.col("split") == "valid"), "model")


def explain(folder: Path, frame: pl.DataFrame, scored: pl.DataFrame) -> list[list[str]]:
    """What moved each score most: `raises:` or `lowers:` and the column, strongest first.

    A column's effect is the change of the score when its value is replaced by the training median, or by an unknown
    code.

    Args:
        folder: What `fit` wrote.
        frame: [n_cases] the cases.
        scored: [n_rows] rows of `predict` to explain.

    Returns:
        [n_rows] at most five codes each; empty where no column moves the score by a hundredth.
    """
    asked = scored.select(_KEYS).join(frame, on=_KEYS, how="left", maintain_order="left")
    if asked.is_empty():
        return []
    columns, model = tabular.load(folder), loaded(folder / MODEL)
    arrays = _arrays(columns, asked)
    whole = _run(model, arrays)
    effects = np.stack([whole - _run(model, _without(columns, arrays, name)) for name in columns.names], axis=1)
    return [_codes(columns.names, row) for row in effects]


def _network(columns: Columns, train: pl.DataFrame, settings: Train) -> tuple[Any, Any]:
    """The members side by side (one output each, for training) and their average (what is saved)."""
    import keras

    layers = keras.layers
    numeric = keras.Input((len(columns.numeric),), name="numeric")
    missing = keras.Input((len(columns.numeric),), name="missing")
    codes = keras.Input((len(columns.codes),), dtype="int32", name="codes")
    weights, bias = tabular.pieces(tabular.numbers(columns, train), settings.pieces)
    pieces = layers.Dense(len(bias), name="pieces", trainable=False)
    scaled = layers.ReLU(max_value=1.0, name="bounded")(pieces(numeric))
    pieces.set_weights([weights, bias])
    outputs = []
    for member in range(settings.members):
        parts = [scaled, missing]
        for place, (name, known) in enumerate(columns.codes.items()):
            embedding = layers.Embedding(len(known) + 1, settings.embedding, name=f"{name}_{member}")
            parts.append(embedding(codes[:, place]))
        hidden = layers.Concatenate(name=f"joined_{member}")(parts)
        for depth in range(2):
            hidden = layers.Dense(settings.units // (depth + 1), "gelu", name=f"dense_{member}_{depth}")(hidden)
            hidden = layers.Dropout(settings.dropout, name=f"dropout_{member}_{depth}")(hidden)
        outputs.append(layers.Dense(1, "sigmoid", name=f"member_{member}")(hidden))
    taken = {"numeric": numeric, "missing": missing, "codes": codes}
    joined = outputs[0] if len(outputs) == 1 else layers.Concatenate(name="members")(outputs)
    mean = outputs[0] if len(outputs) == 1 else layers.Average(name="average")(outputs)
    return keras.Model(taken, joined, name="members_of_outcomes"), keras.Model(taken, mean, name="outcomes")


def _arrays(columns: Columns, frame: pl.DataFrame) -> dict[str, npt.NDArray[Any]]:
    """What the network takes: numeric and missing [n_rows, n_numeric], codes [n_rows, n_categorical]."""
    values = tabular.numbers(columns, frame)
    missing = np.isnan(values)
    filled = np.where(missing, np.array(columns.medians), values)
    return {
        "numeric": filled.astype(np.float32),
        "missing": missing.astype(np.float32),
        "codes": tabular.indices(columns, frame).astype(np.int32),
    }


def _labels(frame: pl.DataFrame, members: int, name: str = "outcome") -> npt.NDArray[np.float32]:
    return np.repeat(frame[name].to_numpy()[:, None], members, axis=1).astype(np.float32)


def _matrix(columns: Columns, frame: pl.DataFrame) -> Numbers:
    """[n_rows, n_columns] numbers and code indices side by side, for the trees."""
    return np.column_stack([tabular.numbers(columns, frame), tabular.indices(columns, frame)]).astype(np.float64)


def _boosted(folder: Path, columns: Columns, frame: pl.DataFrame) -> Numbers:
    chance: Numbers = 1 / (1 + np.exp(-trees.total(trees.load(folder), _matrix(columns, frame))))
    return chance


def _scores(model: Any, columns: Columns, frame: pl.DataFrame) -> Numbers:
    return _run(model, _arrays(columns, frame))


def _run(model: Any, arrays: Mapping[str, npt.NDArray[Any]]) -> Numbers:
    if not len(arrays["numeric"]):
        return np.empty(0)
    return tabular.answers(model, arrays)[:, 0]


def _without(columns: Columns, arrays: Mapping[str, npt.NDArray[Any]], name: str) -> dict[str, npt.NDArray[Any]]:
    """The same cases knowing nothing of one column."""
    changed = {key: values.copy() for key, values in arrays.items()}
    if name in columns.numeric:
        place = columns.numeric.index(name)
        changed["numeric"][:, place] = columns.medians[place]
        changed["missing"][:, place] = 0
    else:
        changed["codes"][:, list(columns.codes).index(name)] = 0
    return changed


def _codes(names: Sequence[str], effects: Numbers) -> list[str]:
    order = sorted(range(len(names)), key=lambda place: (-abs(effects[place]), names[place]))[:_REASONS]
    strong = [place for place in order if abs(effects[place]) >= _LEAST_EFFECT]
    return [f"{'raises' if effects[place] > 0 else 'lowers'}:{names[place]}" for place in strong]


def _save_bands(folder: Path, scores: Numbers, outcome: Numbers) -> None:
    """Wilson interval of the outcome among validation cases, in bins of equal size by score."""
    order = np.argsort(scores, kind="stable")
    bins = [part for part in np.array_split(order, min(_BANDS, len(order))) if len(part)]
    rows = [(float(scores[part].mean()), *_wilson(float(outcome[part].sum()), len(part))) for part in bins]
    bands = {"score": [r[0] for r in rows], "low": [r[1] for r in rows], "high": [r[2] for r in rows]}
    (folder / BANDS).write_text(json.dumps(bands, indent=1) + "\n", encoding="utf-8")


def _band(folder: Path, scores: Numbers) -> tuple[Numbers, Numbers]:
    bands = json.loads((folder / BANDS).read_text(encoding="utf-8"))
    if not bands["score"]:
        return np.zeros_like(scores), np.ones_like(scores)
    low, high = (np.interp(scores, bands["score"], bands[side]) for side in ("low", "high"))
    return np.minimum(low, scores), np.maximum(high, scores)


def _wilson(successes: float, n: int) -> tuple[float, float]:
    rate, z2 = successes / n, _Z**2
    centre = (rate + z2 / (2 * n)) / (1 + z2 / n)
    spread = _Z * float(np.sqrt(rate * (1 - rate) / n + z2 / (4 * n * n))) / (1 + z2 / n)
    return max(0.0, centre - spread), min(1.0, centre + spread)
