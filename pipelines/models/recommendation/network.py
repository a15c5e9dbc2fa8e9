"""The recommendation model: a network that reads the newest courses in order, mixed with what simple counts say.

The saved Keras model takes the newest courses and everything taken, and returns one score a course: the network's own
probability, EASE and what links a course to the newest one (`tables.links`) as fixed layers, weighted as it would have
served the newest steps best. The last two links rest on a course's title and place in the catalogue: by them one is
recommended that nobody has taken yet.
Somebody who has taken nothing is recommended what people of the same job family take (`tables.beginnings`), drawn
towards what everybody takes by as much as would have served the newest beginners best.
`low` and `high` are the least and the greatest of what the parts alone would give: how far they disagree, no interval
of confidence.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from pipelines.base.errors import ContractError
from pipelines.models import Scorer
from pipelines.models.recommendation import reasons, tables
from pipelines.models.recommendation.features import OPEN, Train
from pipelines.models.recommendation.tables import ALWAYS, Beginnings, Catalogue, Links, Numbers, Tables
from pipelines.models.saved import loaded

MODEL: Final = "model.keras"
MIXTURE: Final = "mixture.json"
_WEIGHTS: Final = (0.0, 0.05, 0.1, 0.2, 0.4, 0.7, 1.0, 1.5, 2.0, 4.0)
"""Weights of the network and of each link, against 1 of EASE, that are tried on the newest steps."""
_START: Final = {
    "network": 0.7,
    "after": 0.4,
    "skipped": 0.1,
    "before": 0.4,
    ALWAYS: 0.4,
    "alike": 0.1,
    "neighbour": 0.1,
}
"""Weights to begin with."""
_ROUNDS = 2
_NEWEST = 0.15
"""Share of the steps on which weights are tried."""
_JUDGED = 2000
"""Of these the newest, at most: each is scored for every course."""
_TOP = 10
_EXPLAINED = 100
"""Learners whose reasons are sought at once: each is scored again without every course that may be one."""
_BATCH = 512
_FADING = 0.6
"""What a course counts against the one taken after it, to begin with."""
_LEAST = 1e-9
"""Share of a course that nothing speaks for: every open course has a place."""
_BACKINGS: Final = (1e9, 500.0, 100.0, 20.0, 5.0)
"""Courses of everybody beside those of a job family; the first leaves nothing of the family, and wins where none is
better."""
_BACKING: Final = 20.0
"""Without beginners to ask."""
_PEOPLE = 1000
"""People whose scores are held in memory at once."""
_SHORTLIST = 50
"""Courses of a person that daily scoring writes down; nobody is shown more."""
Integers = npt.NDArray[np.int32]
Parts = Callable[[Sequence[Sequence[int]], Numbers], list[Numbers]]
"""Histories and what was taken -> [n_cases, n_courses] the score, then what each part alone would say."""
_PREDICTED = ("person_id", "subject_id", "target_code", "score", "low", "high")


def fit(
    prepared: pl.DataFrame,
    settings: Train,
    folder: Path,
    seed: int,
    min_people: int,
) -> Sequence[Mapping[str, float]]:
    """Choose epochs and mixture on the newest steps, of all and of each learner, then learn from all steps together.

    The newest steps stop the first training, by how high the network alone ranks their courses: that is what lists are
    judged by, and it still rises when the loss does not fall any more. The second, which they teach too, has as many
    epochs as were best there: nothing is left to stop it by.

    Args:
        prepared: [n_steps] examples with `split`.
        settings: The section `recommendation.train`.
        folder: Gets `MODEL`, the catalogue, `MIXTURE` and what job families take.
        seed: Of everything random.
        min_people: Learners of a job family from whom it is told from others.

    Returns:
        One mapping an epoch of the first fit: epoch, loss, valid_loss, valid_gain (NDCG@10 among all courses).

    Raises:
        ContractError: There is no step.
    """
    steps = _after_another(prepared)
    if steps.is_empty():
        raise ContractError(
            "Training must have a learner who took a course after another; got none. Wait until learners took more."
        )
    known = tables.catalogue(prepared)
    texts = dict(tables.listed(prepared).select("subject_id", "text").iter_rows())
    day = steps["occurred_at"].sort()[int((1 - _NEWEST) * len(steps))]
    is_late = (pl.col("occurred_at") >= day) | (pl.col("split") == "valid")
    early, late = steps.filter(~is_late), steps.filter(is_late)
    if early.is_empty():
        early, late = steps, steps.head(0)
    learn = partial(_learn, known=known, texts=texts, settings=settings, seed=seed)
    counts, links, reader, history = learn(early, late, epochs=settings.epochs)
    epochs = max(history, key=lambda told: told["valid_gain"])["epoch"] if len(late) else settings.epochs
    weights = _weigh(
        counts, links, reader, late.sort("occurred_at", "person_id").tail(_JUDGED), known=known, settings=settings
    )
    del counts, links, reader  # of two sets of tables the second would wait for memory of the first
    counts, links, reader, _ = learn(steps, steps.head(0), epochs=int(epochs))
    folder.mkdir(parents=True, exist_ok=True)
    begun = pl.col("history").list.len() == 0
    backing = _back(prepared.filter(~is_late), prepared.filter(is_late, begun), known, min_people)
    tables.beginnings(prepared, known.courses, backing, min_people).save(folder)
    _mixed(reader, counts, links, weights, settings).save(folder / MODEL)
    known.save(folder)
    text = json.dumps({"ease": 1.0, **weights, "recent": settings.recent, "epochs": int(epochs)}, indent=1)
    (folder / MIXTURE).write_text(text + "\n", encoding="utf-8")
    return history


def fit_baseline(
    prepared: pl.DataFrame,
    settings: Train,
    folder: Path,
    seed: int,  # noqa: ARG001  closed form
    min_people: int,  # noqa: ARG001  it keeps courses, which are the catalogue's and not a person's
) -> None:
    """EASE and a first-order Markov chain on the same steps, kept as plain arrays.

    Args:
        prepared: [n_steps] examples with `split`.
        settings: The section `recommendation.train`.
        folder: Gets the arrays and the catalogue.
        seed: Unused: nothing is random.
        min_people: Unused: no text, no code of a person.
    """
    known = tables.catalogue(prepared)
    walks = tables.sequences(_after_another(prepared), known.courses)
    tables.save(tables.count(walks, len(known.courses), settings.ridge, settings.smoothing), folder)
    known.save(folder)


def predict(folder: Path, frame: pl.DataFrame, scorer: Scorer) -> pl.DataFrame:
    """A score for every course that each learner has not taken and may take.

    Args:
        folder: What `fit` (model) or `fit_baseline` (baseline) wrote.
        frame: [n_cases] one row a learner, as `features.cases` gives.
        scorer: Which of the two.

    Returns:
        [n_cases x open courses] person_id, subject_id, target_code, score, low, high; scores of a learner sum to 1.
        Mandatory courses are never open. For people who are scored now (`split` is `now`) it must be in `OPEN` too, and
        there are only the best `_SHORTLIST` courses of each.
    """
    known = Catalogue.load(folder)
    parts = _counted(folder) if scorer == "baseline" else _mixture(folder)
    begun = None if scorer == "baseline" else Beginnings.load(folder)
    return pl.concat([_predict(chunk, known, parts, begun) for chunk in _chunks(frame)])


def validate(
    prepared: pl.DataFrame,
    settings: Train,
    folder: Path,
    seed: int,
    min_people: int,
) -> pl.DataFrame:
    """`predict` of the `valid` rows by a model that is learnt once more, from the `train` rows alone.

    Without a row where these teach nothing, since nobody took a course after another yet: then nothing is known.

    Args:
        prepared: [n_steps] examples with `split`.
        settings: The section `recommendation.train`.
        folder: What `fit` wrote.
        seed: As for `fit`.
        min_people: As for `fit`.
    """
    train = prepared.filter(pl.col("split") == "train")
    if _after_another(train).is_empty():
        return predict(folder, prepared.filter(pl.col("split") == "valid"), "model").clear()
    with TemporaryDirectory() as name:  # the model in `folder` has learnt from all steps
        fit(train, settings, Path(name), seed, min_people)
        return predict(Path(name), prepared.filter(pl.col("split") == "valid"), "model")


def explain(folder: Path, frame: pl.DataFrame, scored: pl.DataFrame) -> list[list[str]]:
    """Because of which earlier courses each course was put forward.

    Args:
        folder: What `fit` wrote.
        frame: [n_cases] the learners, one row each.
        scored: [n_rows] the courses to explain.

    Returns:
        [n_rows] at most three codes `after:<course>`, the strongest first: without that course the score would be lower
        (`reasons`). For who has taken nothing `job_family:<code>`, where more of that family take it than of everybody.
        Where neither is, one of `reasons.beside`: never none.
    """
    known, parts, begun = Catalogue.load(folder), _mixture(folder), Beginnings.load(folder)
    model = loaded(folder / MODEL)
    ease, linked = (np.asarray(model.get_layer(name).get_weights()[0]) for name in ("ease", "linked"))
    popular = linked[0] if begun is None else begun.of([None])[0]
    index = {course: place for place, course in enumerate(known.courses)}
    wanted = scored.group_by("person_id", maintain_order=True).agg("subject_id")
    asked_of = {person: [index[course] for course in courses] for person, courses in wanted.iter_rows()}
    codes: dict[tuple[str, int], list[str]] = {}
    for chunk in frame.filter(pl.col("person_id").is_in(list(asked_of))).iter_slices(_EXPLAINED):
        past, families, people = tables.histories(chunk, known.courses), _families(chunk), chunk["person_id"].to_list()
        shut = _shut(chunk, known, tables.multi_hot(past, len(known.courses)))

        def rescore(
            places: Sequence[int],
            histories: Sequence[Sequence[int]],
            shut: Numbers = shut,
            families: Sequence[str | None] = families,
        ) -> Numbers:
            seen = tables.multi_hot(histories, len(known.courses))
            said = _said(histories, [families[place] for place in places], seen, parts, begun)
            return _shares(said[0], shut[list(places)])

        asked = [(place, course) for place, person in enumerate(people) for course in asked_of[person]]
        for (place, course), several in zip(asked, reasons.of(past, asked, ease, linked, rescore), strict=True):
            told = [f"after:{known.courses[taken]}" for taken in several]
            codes[people[place], course] = told if past[place] else _begins(families[place], course, begun)
        bare = [(place, course) for place, course in asked if not codes[people[place], course]]
        others = reasons.beside(past, bare, shut, popular, rescore)
        codes |= {(people[place], course): [code] for (place, course), code in zip(bare, others, strict=True)}
    return [codes[person, index[course]] for person, course in scored.select("person_id", "subject_id").iter_rows()]


def _begins(family: str | None, course: int, begun: Beginnings | None) -> list[str]:
    if begun is None or family not in begun.families:
        return []
    own, everybody = begun.of([family, None])[:, course]
    return [f"job_family:{family}"] if own > everybody else []


def _learn(
    steps: pl.DataFrame,
    late: pl.DataFrame,
    *,
    known: Catalogue,
    texts: Mapping[str, str | None],
    settings: Train,
    seed: int,
    epochs: int,
) -> tuple[Tables, dict[str, Links], Any, list[dict[str, float]]]:
    """The counts, the links and the reading network, fitted on the same steps; `late` stops it, where there is any."""
    import keras

    size = len(known.courses)
    walks = tables.sequences(steps, known.courses)
    counts = tables.count(walks, size, settings.ridge, settings.smoothing)
    keras.utils.set_random_seed(seed)
    reader = _reader(counts, size, settings)
    taught = keras.Model(reader.inputs, reader.outputs)  # or what trained it would be saved with it
    taught.compile(
        optimizer=keras.optimizers.Adam(settings.learning_rate),
        loss=keras.losses.SparseCategoricalCrossentropy(),
        metrics=[keras.metrics.MeanMetricWrapper(_discounted, name="gain")],
    )
    taught.optimizer.build(taught.trainable_variables)  # or the first step would be traced twice
    recent, target, weight = _ahead(walks, settings)
    checked = None if late.is_empty() else (_recent(_past(late, known), settings.recent), _targets(late, known))
    stop = keras.callbacks.EarlyStopping(
        monitor="val_gain", mode="max", patience=settings.patience, restore_best_weights=True
    )
    losses = taught.fit(
        recent, target, sample_weight=weight, validation_data=checked, epochs=epochs, batch_size=settings.batch,
        callbacks=[stop] if checked else [], verbose=0,
    ).history  # fmt: skip
    side = "val_" if checked else ""
    rows = enumerate(zip(losses["loss"], losses[f"{side}loss"], losses[f"{side}gain"], strict=True), 1)
    told = [{"epoch": n, "loss": loss, "valid_loss": late_, "valid_gain": gain} for n, (loss, late_, gain) in rows]
    return counts, tables.links(walks, known.courses, texts), reader, told


def _discounted(target: Any, chance: Any) -> Any:
    """[n] 1 / log2(1 + rank) of the target's chance within the first ten, else 0; of equal chances it is the first."""
    from keras import ops

    own = ops.take_along_axis(chance, ops.cast(ops.reshape(target, (-1, 1)), "int32"), axis=1)
    rank = 1.0 + ops.sum(ops.cast(chance > own, "float32"), axis=1)
    return ops.where(rank <= _TOP, float(np.log(2)) / ops.log(1.0 + rank), 0.0)


def _reader(counts: Tables, size: int, settings: Train) -> Any:
    """[n, recent] course numbers, newest first, 0 for none -> [n, n_courses] probability of being next."""
    from keras import Input, Model, layers

    recent = Input((settings.recent,), dtype="int32", name="recent")
    embedded = layers.Embedding(size + 1, settings.units, name="course")(recent)
    embedded = layers.SpatialDropout1D(settings.dropout)(embedded)
    fading = layers.Dense(1, use_bias=False, name="fading")
    state = layers.Dropout(settings.dropout)(layers.Flatten()(fading(layers.Permute((2, 1))(embedded))))
    chance = layers.Dense(size, activation="softmax", kernel_initializer="zeros", name="chance")
    model = Model(recent, chance(state), name="reader")
    fading.set_weights([_FADING ** np.arange(settings.recent)[:, None]])
    chance.set_weights([chance.get_weights()[0], np.log(counts.popular)])
    return model


def _mixed(
    reader: Any, counts: Tables, links: Mapping[str, Links], weights: Mapping[str, float], settings: Train
) -> Any:
    """Network and counts as one model; three outputs: the mixture, the network alone, the counts alone."""
    from keras import Input, Model, layers

    size = len(counts.popular)
    recent = Input((settings.recent,), dtype="int32", name="recent")
    last = Input((1,), dtype="int32", name="last")
    seen = Input((size,), name="seen")
    # of unit length, or EASE would say the more the more was taken; its bias is what speaks for a course in any case
    ease = layers.Dense(size, name="ease")
    taken = layers.UnitNormalization(name="taken")(seen)
    linked = layers.Embedding(size + 1, size, name="linked")
    counted = layers.Add(name="counted")([ease(taken), layers.Flatten()(linked(last))])
    own = reader(recent)
    mixed = layers.Add(name="mixed")([counted, layers.Rescaling(weights["network"], name="weighted")(own)])
    ease.set_weights([counts.ease, weights[ALWAYS] * links[ALWAYS][0]])
    after = sum(weights[name] * link for name, link in links.items() if name != ALWAYS)
    linked.set_weights([np.vstack([counts.popular, after])])
    return Model([recent, last, seen], [mixed, own, counted])


def _weigh(
    counts: Tables, links: Mapping[str, Links], reader: Any, late: pl.DataFrame, *, known: Catalogue, settings: Train
) -> dict[str, float]:
    """Weights of the network and of the links by which the steps rank best (NDCG@10), found one after the other."""
    weights = {name: _START[name] for name in ("network", *links)}
    if late.is_empty():
        return weights
    past, target = _past(late, known), _targets(late, known)
    seen, last = tables.multi_hot(past, len(known.courses)), tables.newest(past)
    parts = {
        name: link if name == ALWAYS else np.where((last >= 0)[:, None], link[np.maximum(last, 0)], 0)
        for name, link in links.items()
    }
    parts["network"] = np.asarray(reader.predict(_recent(past, settings.recent), batch_size=_BATCH, verbose=0))
    whole = _unit(seen) @ counts.ease + sum(weights[name] * part for name, part in parts.items())
    best = _gain(whole, seen, target)
    for name in [*parts] * _ROUNDS:
        rest = whole - weights[name] * parts[name]
        tried = {weight: _gain(rest + weight * parts[name], seen, target) for weight in _WEIGHTS}
        weight = max(tried, key=lambda one: tried[one])
        if tried[weight] > best:
            best, weights[name] = tried[weight], weight
            whole = rest + weight * parts[name]
    return weights


def _after_another(prepared: pl.DataFrame) -> pl.DataFrame:
    """The steps from a course to the next: all but each learner's first."""
    return prepared.filter(pl.col("history").list.len() > 0)


def _back(early: pl.DataFrame, late: pl.DataFrame, known: Catalogue, min_people: int) -> float:
    """By how much a job family is drawn towards everybody, so that the newest beginners are served best (NDCG@10)."""
    if late.is_empty() or early.is_empty():
        return _BACKING
    target, nothing = _targets(late, known), np.zeros((len(late), len(known.courses)))

    def gain(backing: float) -> float:
        begun = tables.beginnings(early, known.courses, backing, min_people)
        return _gain(begun.of(_families(late)), nothing, target)

    return max(_BACKINGS, key=gain)


def _families(frame: pl.DataFrame) -> list[str | None]:
    known = "job_family_code" in frame.columns
    return frame["job_family_code"].to_list() if known else [None] * len(frame)


def _unit(seen: Numbers) -> Numbers:
    """[n, n_courses] what was taken, of unit length a row."""
    length: Numbers = np.sqrt(np.maximum(seen.sum(axis=1, keepdims=True), 1))
    return seen / length


def _gain(scores: Numbers, seen: Numbers, target: Integers) -> float:
    """Mean NDCG@10 of the target among courses not taken."""
    open_scores = np.where(seen > 0, -np.inf, scores)
    own = open_scores[np.arange(len(target)), target][:, None]
    rank = (open_scores > own).sum(axis=1) + (open_scores == own).sum(axis=1) / 2 + 0.5
    return float(np.where(rank <= _TOP, 1 / np.log2(1 + rank), 0).mean())


def _ahead(walks: Sequence[Sequence[int]], settings: Train) -> tuple[Integers, Integers, Numbers]:
    """Every prefix of every walk with the next courses, each weighing half of the one before it."""
    past: list[Sequence[int]] = []
    target: list[int] = []
    weight: list[float] = []
    for walk in walks:
        for place in range(1, len(walk)):
            for ahead, course in enumerate(walk[place : place + settings.ahead]):
                past.append(walk[:place])
                target.append(course)
                weight.append(0.5**ahead)
    return _recent(past, settings.recent), np.array(target, np.int32), np.array(weight, np.float64)


def _past(frame: pl.DataFrame, known: Catalogue) -> list[list[int]]:
    return tables.histories(frame, known.courses)


def _targets(frame: pl.DataFrame, known: Catalogue) -> Integers:
    index = {course: place for place, course in enumerate(known.courses)}
    return np.array([index[course] for course in frame["subject_id"]], np.int32)


def _recent(past: Sequence[Sequence[int]], length: int) -> Integers:
    """[n, length] course numbers from 1, newest first, 0 for none."""
    rows = np.zeros((len(past), length), np.int32)
    for row, taken in enumerate(past):
        newest = taken[-length:][::-1]
        rows[row, : len(newest)] = np.array(newest, np.int32) + 1
    return rows


def _chunks(frame: pl.DataFrame) -> list[pl.DataFrame]:
    """People by the thousand: every person has a score for every course, and memory must not grow with the company."""
    return list(frame.iter_slices(_PEOPLE)) or [frame]


def _predict(frame: pl.DataFrame, known: Catalogue, parts: Parts, begun: Beginnings | None) -> pl.DataFrame:
    past = tables.histories(frame, known.courses)
    seen = tables.multi_hot(past, len(known.courses))
    is_now = bool((frame["split"] == "now").all())
    shut = _shut(frame, known, seen)
    shares = [_shares(part, shut) for part in _said(past, _families(frame), seen, parts, begun)]
    keep = _best(shares[0], shut) if is_now else shut == 0
    return _rows(frame, known, keep, shares[0], np.min(shares, axis=0), np.max(shares, axis=0))


def _said(
    past: Sequence[Sequence[int]],
    families: Sequence[str | None],
    seen: Numbers,
    parts: Parts,
    begun: Beginnings | None,
) -> list[Numbers]:
    """What `parts` says, and of who has taken nothing what `begun` does."""
    said = parts(past, seen)
    if begun is not None:
        new = [place for place, taken in enumerate(past) if not taken]
        own, everybody = begun.of([families[place] for place in new]), begun.of([None] * len(new))
        for part, shares in zip(said, (own, own, everybody), strict=True):
            part[new] = shares
    return said


def _shut(frame: pl.DataFrame, known: Catalogue, seen: Numbers) -> Numbers:
    """[n_cases, n_courses] 1 where a course was taken or may not be recommended."""
    is_now = bool((frame["split"] == "now").all())
    shut: Numbers = np.maximum(seen, _barred(frame[OPEN] if is_now else None, known, len(frame)))
    return shut


def _barred(lists: pl.Series | None, known: Catalogue, count: int) -> Numbers:
    """[count, n_courses] 1 where a course may not be recommended, whoever took it.

    Args:
        lists: [count] JSON lists of what may be, of the day; None for cases of the past.
        known: The courses, and which are mandatory.
        count: Cases.
    """
    never = np.array([float(course in known.mandatory) for course in known.courses])
    if lists is None:
        return np.tile(never, (count, 1))
    texts = lists.unique(maintain_order=True).to_list()
    rows = []
    for text in texts:
        may = frozenset(json.loads(text or "[]"))
        rows.append(np.maximum(never, [float(course not in may) for course in known.courses]))
    place = {text: row for row, text in enumerate(texts)}
    barred: Numbers = np.array(rows).reshape(-1, len(known.courses))[[place[text] for text in lists]]
    return barred


def _best(shares: Numbers, shut: Numbers) -> npt.NDArray[np.bool_]:
    """[n_cases, n_courses] whether a course is open and among a learner's best `_SHORTLIST`."""
    ranked = np.where(shut > 0, -1.0, shares)
    place = np.argsort(np.argsort(-ranked, axis=1, kind="stable"), axis=1, kind="stable")
    best: npt.NDArray[np.bool_] = (place < _SHORTLIST) & (shut == 0)
    return best


def _counted(folder: Path) -> Parts:
    counts = tables.load(folder)
    return lambda past, seen: [counts.score(seen, tables.newest(past))]


def _mixture(folder: Path) -> Parts:
    model = loaded(folder / MODEL)
    length = json.loads((folder / MIXTURE).read_text(encoding="utf-8"))["recent"]

    says = _compiled(model)

    def parts(past: Sequence[Sequence[int]], seen: Numbers) -> list[Numbers]:
        given = (_recent(past, length), (tables.newest(past) + 1).astype(np.int32)[:, None], seen.astype(np.float32))
        some = [says(*(one[at : at + _BATCH] for one in given)) for at in range(0, max(len(past), 1), _BATCH)]
        return [np.concatenate(part).astype(np.float64) for part in zip(*some, strict=True)]

    return parts


@lru_cache(maxsize=1)
def _compiled(model: Any) -> Callable[..., Sequence[Any]]:
    """The saved model as one graph for any number of learners: Keras's `predict` takes longer to begin than to say."""
    import tensorflow as tf

    (recent, *_), size = model.input_shape, model.input_shape[2][1]
    shapes = (([None, recent[1]], tf.int32), ([None, 1], tf.int32), ([None, size], tf.float32))
    signature = [tf.TensorSpec(*shape) for shape in shapes]
    compiled: Callable[..., Sequence[Any]] = tf.function(
        lambda *given: model(list(given)), input_signature=signature, autograph=False
    )
    return compiled


def _shares(scores: Numbers, shut: Numbers) -> Numbers:
    """Scores as shares of a learner's open courses; what speaks against a course counts as nothing."""
    open_scores = np.where(shut > 0, 0, np.maximum(scores, 0)) + np.where(shut > 0, 0, _LEAST)
    total = open_scores.sum(axis=1, keepdims=True)
    shares: Numbers = open_scores / np.where(total > 0, total, 1)
    return shares


def _rows(frame: pl.DataFrame, known: Catalogue, keep: npt.NDArray[np.bool_], *parts: Numbers) -> pl.DataFrame:
    """One row a learner and course to keep."""
    who, what = np.nonzero(keep)
    columns = dict(zip(("score", "low", "high"), (part[who, what] for part in parts), strict=True))
    return pl.DataFrame(
        {
            "person_id": frame["person_id"].gather(who),
            "subject_id": pl.Series(known.courses, dtype=pl.String).gather(what),
            "target_code": pl.Series(known.levels, dtype=pl.String).gather(what),
            **columns,
        }
    ).select(_PREDICTED)
