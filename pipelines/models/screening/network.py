"""The screening model: two texts in, one chance of being advanced out; the vocabulary is inside the saved model.

Both texts become weights of vocabulary terms (TF-IDF, logarithmic, unit length). Every member then looks at

- how much of what the requisition asks for the resume has, each term counted by a learned importance,
- how alike the texts are: learned weights of common terms, their cosine, and their product after one shared projection,
- the resume alone and the requisition alone.

Members learn side by side, each from its own resample of people, and are averaged. Where job families are told apart
they begin at what holds for unseen resumes, and the texts teach what is left (`architecture.begin`). The interval of a
score is the share that people advanced among validation cases scored alike.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
import numpy.typing as npt
import polars as pl
import tensorflow as tf

from pipelines.models import Scorer, case_weights
from pipelines.models.saved import loaded
from pipelines.models.screening import (
    architecture,
    bands,
    baseline,
    classic,
    crossed,
    encoder,
    kin,
    occlusion,
    spans,
    text,
)
from pipelines.models.screening.architecture import IMPORTANCE, JUDGE, MEMBERS, READER, TERMS
from pipelines.models.screening.encoder import Read
from pipelines.models.screening.features import TEXTS, Train

MODEL: Final = "model.keras"
_KEYS: Final = ("person_id", "subject_id", "target_code")
_BATCH = 512
_TRIED = 32
"""Resumes whose passages are tried at once, each some twenty times."""
_MATCHES, _GAPS = 3, 2
"""Reasons at most: terms that both texts have, and terms that only the requisition has."""
_LEAST = 0.2
"""Importance, as a share of the mean, below which a word is no reason: about every second requisition has it."""

Floats = npt.NDArray[np.float32]
Occluded = Callable[[Sequence[str], Sequence[spans.Places]], tuple[Floats, Floats]]
"""[n] texts and passages of each -> [n, size] of the texts, [n_passages of all, size] of them without each."""


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
    folder.mkdir(parents=True, exist_ok=True)
    (folder / encoder.WEIGHT).unlink(missing_ok=True)  # of a model that was here before
    if settings.shape in ("terms", "encoder"):
        model, history = _of_terms(train, valid, settings, seed, min_people)
    else:
        model, history = classic.fit(train, valid, settings, min_people)
    model.save(folder / MODEL)
    if settings.shape == "encoder":
        encoder.fit(train, valid, settings, folder, _scores(model, folder, valid))
    bands.save(folder, _scores(model, folder, valid), valid["outcome"].to_numpy())
    losses = zip(history["loss"], history["val_loss"], strict=True)
    return [{"epoch": n, "loss": loss, "valid_loss": valid_loss} for n, (loss, valid_loss) in enumerate(losses, 1)]


def _of_terms(
    train: pl.DataFrame, valid: pl.DataFrame, settings: Train, seed: int, min_people: int
) -> tuple[keras.Model, dict[str, list[float]]]:
    """The declared shape, trained, and the history that Keras gives."""
    terms, weights, plain = _vocabulary(train, settings, min_people)
    reads = architecture.encoder(terms, weights)
    both = pl.concat([train, valid])
    written = {name: _distinct(_compiled(reads), both[name]) for name in TEXTS}
    readers, spoken = _read(train, written, settings, min_people)
    members = architecture.members(plain, settings, settings.l2 / len(train))
    members.compile(
        optimizer=keras.optimizers.AdamW(settings.learning_rate, weight_decay=settings.weight_decay),
        loss=keras.losses.BinaryCrossentropy(),
    )
    members.optimizer.build(members.trainable_variables)  # or the first step would be traced twice
    asked = [written[TEXTS[1]][text_] > 0 for text_ in train["requisition_text"].unique().sort()]
    for number in range(settings.members):
        members.get_layer(f"{IMPORTANCE}{number}").set_weights([_importance(np.array(asked)[:, :plain])])
    taken, drawn = _pairs(train, written, spoken, plain), _resamples(train, settings.members, seed)
    if readers is not None and train["outcome"].n_unique() > 1:
        architecture.begin(members, taken, train["outcome"].to_numpy(), drawn[0])
    history = members.fit(
        taken,
        _labels(train, settings.members),
        sample_weight=drawn,
        validation_data=(_pairs(valid, written, spoken, plain), _labels(valid, settings.members)),
        epochs=settings.epochs,
        batch_size=settings.batch,
        callbacks=[keras.callbacks.EarlyStopping(patience=settings.patience, restore_best_weights=True)],
        verbose=0,
    ).history
    return architecture.whole(reads, architecture.judge(len(terms), members, readers)), history


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
        scores = (
            baseline.scores(folder, frame) if scorer == "baseline" else _scores(loaded(folder / MODEL), folder, frame)
        )
    low, high = bands.read(folder, scores)
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
    """What the requisition asks for: `match:` and a term that the resume has, `missing:` and a term that it has not.

    Terms come in order of their learned importance. They are vocabulary terms, so enough people wrote each of them.
    Then `span:` and the place of a passage of the resume without which the score is lower; it was tried.

    Args:
        folder: What `fit` wrote.
        frame: [n_cases] the cases.
        scored: [n_rows] rows of `predict` to explain.

    Returns:
        [n_rows] at most three matches, two gaps and two passages each; passages alone of a shape that knows no terms.
    """
    asked = scored.select(_KEYS).join(frame, on=_KEYS, how="left", maintain_order="left")
    if asked.is_empty():
        return []
    model = loaded(folder / MODEL)
    passages = _passages(model, folder, asked)
    if not crossed.is_of_terms(model):
        return passages
    reads, members = model.get_layer(READER), model.get_layer(JUDGE).get_layer(MEMBERS)
    plain = members.input_shape[0][1]
    terms = np.asarray(reads.get_layer(TERMS).get_vocabulary()[1 : plain + 1], dtype=object)
    importance = telling(terms, _learned(members))
    found: list[list[str]] = []
    for part in asked.iter_slices(_BATCH):  # every row has thousands of terms, twice
        resume, wanted = (
            _gathered(_distinct(_compiled(reads), part[name]), part[name])[:, :plain] > 0 for name in TEXTS
        )
        found += [
            [
                *_strongest("match", terms, importance * (has & asks), _MATCHES),
                *_strongest("missing", terms, importance * (~has & asks), _GAPS),
            ]
            for has, asks in zip(resume, wanted, strict=True)
        ]
    return [codes + places for codes, places in zip(found, passages, strict=True)]


def _passages(model: keras.Model, folder: Path, asked: pl.DataFrame) -> list[list[str]]:
    """[n_rows] `spans.named`: what each resume's score for a requisition rests on. Some resumes are tried at once."""
    reads, says = _towers(model, folder)
    tries = _occluded(model, folder, reads)
    most = spans.FEW if encoder.is_beside(folder) else spans.MANY
    requisitions = asked[TEXTS[1]].unique(maintain_order=True)
    wanted = _read_texts(reads, requisitions)
    named: list[list[str]] = [[] for _ in range(len(asked))]
    for part in _of_some_resumes(asked, requisitions, _TRIED):
        texts = part[TEXTS[0]].unique(maintain_order=True).to_list()
        places = [spans.passages(resume, most) for resume in texts]
        begins = np.cumsum([0, *map(len, places)])
        whole, left = tries(texts, places)
        for few in part.partition_by("block", maintain_order=True):
            columns, place = np.unique(few["requisition"].to_numpy(), return_inverse=True)
            before, after = (says(weights, wanted[columns]).numpy() for weights in (whole, left))
            for (row, own), column in zip(few.select("row", "own").iter_rows(), place, strict=True):
                drops = before[own, column] - after[begins[own] : begins[own + 1], column]
                named[row] = spans.named(places[own], drops)
    return named


def _occluded(model: keras.Model, folder: Path, reads: Read) -> Occluded:
    """What reads texts, and what is left of them without each passage; only of terms one reading tells both."""
    if crossed.is_of_terms(model) and not (encoder.is_beside(folder) and encoder.beside(folder).weight):
        layer = model.get_layer(READER).get_layer(TERMS)
        terms = occlusion.Terms.of(layer.get_vocabulary()[1:], layer.get_config()["idf_weights"])
        return lambda texts, places: occlusion.weighted(texts, places, terms)

    def read(texts: Sequence[str], places: Sequence[spans.Places]) -> tuple[Floats, Floats]:
        whole = reads(texts)
        left = [spans.without(one, place) for one, own in zip(texts, places, strict=True) for place in own]
        return whole, reads(left) if left else whole[:0]

    return read


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


def _vocabulary(train: pl.DataFrame, settings: Train, min_people: int) -> tuple[list[str], list[float], int]:
    """Terms and their weights: those of most people first, so many that the third says, then the other signs."""
    terms, weights = text.vocabulary(text.by_person(train), min_people, settings.max_terms)
    families = _families(train, min_people)
    if not families:
        return terms, weights, len(terms)
    people, belongs = kin.advanced(train, families)
    found, telling_ = text.counted(people["resume_text"].to_list(), min_people, text.fields_of)
    if not found:
        return terms, weights, len(terms)
    counts = baseline.weighted(people["resume_text"], found, np.asarray(telling_), text.fields_of)
    signs = kin.telling(counts, belongs, settings.signs)
    known = set(terms)
    added = [place for place in np.flatnonzero(signs) if found[place] not in known]
    return [*terms, *(found[n] for n in added)], [*weights, *(telling_[n] for n in added)], len(terms)


def _families(train: pl.DataFrame, min_people: int) -> list[str]:
    """Job families for whose requisitions enough people were advanced; none where two are not told apart."""
    if "job_family_code" not in train.columns:
        return []
    people = train.filter(pl.col("outcome") == 1).group_by("job_family_code").agg(pl.col("person_id").n_unique())
    enough = people.drop_nulls().filter(pl.col("person_id") >= min_people)["job_family_code"].sort().to_list()
    return enough if len(enough) > 1 else []


def _read(
    train: pl.DataFrame, written: Mapping[str, Mapping[str, Floats]], settings: Train, min_people: int
) -> tuple[tuple[kin.Reader, kin.Reader] | None, dict[str, dict[str, npt.NDArray[np.float64]]]]:
    """The two readers of families, and what they say of every text: of a text that taught, what they would unseen."""
    families = _families(train, min_people)
    resumes, wanted = (written[name] for name in TEXTS)
    if not families:
        return None, {}
    people, belongs = kin.advanced(train, families)
    first = train.sort("person_id").unique("resume_text", keep="first", maintain_order=True)
    own = first.join(
        people.select("person_id", place=pl.int_range(pl.len())), on="person_id", how="inner", maintain_order="left"
    )
    weights = np.array([resumes[value] for value in own["resume_text"]], dtype=np.float64)
    belongs = belongs[own["place"].to_numpy()]
    reader = kin.learn(weights, belongs, settings.signs, settings.ridge)
    asked = train.filter(pl.col("job_family_code").is_in(families)).unique("requisition_text").sort("requisition_text")
    of = np.array([[float(name == code) for name in families] for code in asked["job_family_code"]])
    terms = np.array([wanted[value] for value in asked["requisition_text"]], dtype=np.float64)
    other = kin.learn(terms, of, settings.signs, settings.ridge, is_chosen=False)
    said = {value: reader.families(row[None])[0] for value, row in resumes.items()}
    unseen = kin.unseen(weights, belongs, own["person_id"].to_list(), settings.signs, settings.ridge)
    said |= dict(zip(own["resume_text"], unseen, strict=True))
    return (reader, other), {TEXTS[0]: said, TEXTS[1]: {v: other.families(row[None])[0] for v, row in wanted.items()}}


def _pairs(
    frame: pl.DataFrame,
    written: Mapping[str, Mapping[str, Floats]],
    spoken: Mapping[str, Mapping[str, npt.NDArray[np.float64]]],
    plain: int,
) -> list[Floats]:
    """What the members take of every case."""
    both = [architecture.unit(_gathered(written[name], frame[name])[:, :plain]) for name in TEXTS]
    if not spoken:
        return [*both, np.zeros((len(frame), 2), np.float32)]
    resume, wanted = (_gathered(spoken[name], frame[name]) for name in TEXTS)
    return [*both, kin.alike(resume, wanted).astype(np.float32)]


def _towers(model: keras.Model, folder: Path) -> tuple[Read, crossed.Scorer]:
    """What reads texts, and what says of every resume and requisition that were read: with the encoder where it is."""
    terms, says = _compiled(model.get_layer(READER)), crossed.table(model)
    other = encoder.beside(folder) if encoder.is_beside(folder) else None
    if other is None or not other.weight:
        return terms, says
    size = model.get_layer(JUDGE).input_shape[0][1]

    def reads(texts: Sequence[str]) -> Floats:
        return np.concatenate([terms(texts), other.read(texts)], axis=1)

    def both(resumes: Any, wanted: Any) -> Any:
        first = says(resumes[:, :size], wanted[:, :size])
        return encoder.mixed(first, other.says(resumes[:, size:], wanted[:, size:]), other.weight)

    return reads, both


def _compiled(reads: keras.Model) -> Read:
    compiled = crossed.reader(reads)
    return lambda texts: np.asarray(compiled(tf.constant(texts)))


def _distinct(reads: Read, texts: pl.Series) -> dict[str, Floats]:
    """Text -> [terms] weights: every distinct text is read once."""
    unique = texts.unique(maintain_order=True)
    return dict(zip(unique, _read_texts(reads, unique), strict=True))


def _read_texts(reads: Read, texts: pl.Series) -> Floats:
    """[n_texts, terms] weights, read `_BATCH` texts at a time."""
    return np.concatenate([reads(part.to_list()) for part in _slices(texts)])


def _slices(values: pl.Series) -> list[pl.Series]:
    return [values.slice(start, _BATCH) for start in range(0, len(values), _BATCH)]


def _gathered(known: Mapping[str, npt.NDArray[Any]], texts: pl.Series) -> npt.NDArray[Any]:
    """[n_texts, ...] what is known of each text."""
    return np.array([known[value] for value in texts])


def _importance(asked: npt.NDArray[np.bool_]) -> Floats:
    """[terms, 1] where every member starts: a term that few requisitions ask for tells more."""
    return np.log((1 + len(asked)) / (1 + asked.sum(axis=0)))[:, None].astype(np.float32)


def _labels(frame: pl.DataFrame, members: int) -> list[Floats]:
    return [frame["outcome"].to_numpy().astype(np.float32)[:, None]] * members


def _resamples(frame: pl.DataFrame, members: int, seed: int) -> list[Floats]:
    """[members][n_cases] how often each case's person was drawn, times what the case counts.

    A Poisson bootstrap by person; the first member sees all.
    """
    rng = np.random.default_rng(seed)
    people = frame["person_id"].rank("dense").to_numpy().astype(int) - 1
    drawn = [rng.poisson(1.0, people.max() + 1)[people].astype(np.float32) for _ in range(members - 1)]
    weights = case_weights(frame)
    counts = [np.ones(len(frame), np.float32), *drawn]
    return counts if weights is None else [count * weights[:, 0] for count in counts]


def _scores(model: keras.Model, folder: Path, frame: pl.DataFrame) -> npt.NDArray[np.float64]:
    """[n_cases] the saved model's mean chance: every distinct text is read once, then all are compared at once.

    Of resumes, which are many, some hundred are held at once with their terms; of requisitions all.
    """
    found = np.zeros(len(frame))
    if frame.is_empty():
        return found
    reads, says = _towers(model, folder)
    requisitions = frame[TEXTS[1]].unique(maintain_order=True)
    wanted = _read_texts(reads, requisitions)
    for part in _of_some_resumes(frame, requisitions, _BATCH):
        written = _read_texts(reads, part[TEXTS[0]].unique(maintain_order=True))
        for few in part.partition_by("block", maintain_order=True):
            columns, place = np.unique(few["requisition"].to_numpy(), return_inverse=True)
            chances = says(written, wanted[columns]).numpy()
            found[few["row"].to_numpy()] = chances[few["own"].to_numpy(), place]
    return found


def _of_some_resumes(frame: pl.DataFrame, requisitions: pl.Series, most: int) -> list[pl.DataFrame]:
    """The cases parted so that each part has so many distinct resumes at most, numbered by `own`.

    They come by requisition, so that a part is about few: `requisition` is its place, `block` that of so many places.
    """
    places = pl.DataFrame({TEXTS[1]: requisitions}).with_row_index("requisition")
    cases = frame.select(TEXTS).with_row_index("row").join(places, on=TEXTS[1], how="left", maintain_order="left")
    cases = cases.sort("requisition", "row")
    resumes = cases.select(TEXTS[0]).unique(maintain_order=True).with_row_index("resume")
    cases = cases.join(resumes, on=TEXTS[0], how="left", maintain_order="left").sort("resume", "requisition", "row")
    return cases.with_columns(
        part=pl.col("resume") // most, own=pl.col("resume") % most, block=pl.col("requisition") // most
    ).partition_by("part", maintain_order=True)
