"""Resume to job family, and requisition to resumes (`resumes.csv`: resume_id, job_family, text).

A resume is scored against the requisition of every job family; the best is the family said, and a requisition ranks all
resumes held out. Of a resume's families one is right, which the model, to which every requisition is a question of its
own, cannot know: its odds are shared out among them (`shared_out`), at a temperature that training resumes set.

Everything is measured twice: with the first line, which is the job title and tells the family, and without it.
Requisitions are the project's own (`feeds/real/requisitions.csv`); a family without one has its name for a text.

Without a test folder five stratified folds are held out in turn. The calibration error is told of each fold too, and
in the notes what exact chances would have: of a few hundred resumes about .04. Predictions hold both scores of every
resume and family.
"""

import importlib.util
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from pipelines.base.errors import ContractError
from pipelines.base.settings import MinPeople, load
from pipelines.evaluate.bootstrap import mean
from pipelines.models import network
from pipelines.models.determinism import determined
from pipelines.models.screening import features
from tests.bench.measure import ROOT
from tests.bench.quality.judgement import (
    Codes,
    Judgement,
    Numbers,
    as_text,
    calibration_error,
    exact_calibration_error,
    macro_f1,
)

FOLDS: Final = 5
SVC: Final = "TF-IDF + LinearSVC"
BOOSTED: Final = "LightGBM on 5,000 terms"
BM25: Final = "BM25"
_VALID_SHARE: Final = 0.1
_REJECTED: Final = 6
"""Other families whose requisition a resume of the training is rejected for: all would be the same again and again."""
_K1, _B = 1.5, 0.75
_LEAST: Final = 1e-7
_POWERS: Final = tuple(0.2 + 0.02 * step for step in range(91))
"""From 0.2 to 2."""
Texts = Sequence[str]


@dataclass(frozen=True, slots=True)
class Reading:
    """Resumes read in one way."""

    people: pl.Series
    """[n_resumes] resume_id."""
    texts: Texts
    truth: Codes
    """[n_resumes] job family, as its place in `families`."""
    families: Sequence[str]


def judge(train: Path, test: Path | None, seed: int) -> Judgement:
    """Both variants of the text over the folds, or from `train` to `test`."""
    rows = read(train)
    later = read(test) if test else None
    found = Judgement()
    if later is not None:
        later, told = unlearnt(rows, later)
        found.notes += told
    if rows.is_empty() or (later is not None and later.is_empty()):
        raise ContractError(
            "Both folders must have resumes, the test folder some that the training folder lacks; one has none. "
            "Give a test folder with other resumes."
        )
    every = rows if later is None else pl.concat([rows, later])
    families = sorted(every["job_family"].unique())
    truth = np.array([families.index(name) for name in every["job_family"]])
    held = [np.arange(len(rows), len(every))] if later is not None else folds(truth, seed)
    known = np.arange(len(rows))
    written = every["text"].to_list()
    scores = {}
    for name, texts in (("with the title line", written), ("without the title line", [untitled(t) for t in written])):
        parts = [(np.setdiff1d(known, part), part) for part in held]
        scores[name] = _variant(found, name, Reading(every["resume_id"], texts, truth, families), parts, seed)
    judged = np.sort(np.concatenate(held))
    with_title, without = scores.values()
    found.predictions = pl.DataFrame(
        {
            "subject_id": every["resume_id"].gather(np.repeat(judged, len(families))),
            "target_id": pl.Series(families).gather(np.tile(np.arange(len(families)), len(judged))),
            "score": with_title[judged].ravel(),
            "score_without_title": without[judged].ravel(),
        }
    )
    return found


def read(folder: Path) -> pl.DataFrame:
    """[n_resumes] resume_id, job_family, text."""
    rows = as_text(folder / "resumes.csv")
    return rows.select("resume_id", "job_family", pl.col("text").fill_null(""))


def unlearnt(known: pl.DataFrame, later: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """Resumes to judge that were not learnt, and what a reader must know of them.

    One with the id and the text of a learnt resume is left out. One with the id and another text is another resume:
    it gets its row (from 0) for a suffix, or two people would be one.
    """
    is_learnt = pl.struct("resume_id", "text").is_in(known.select(pl.struct("resume_id", "text")).to_series().implode())
    kept = later.with_row_index("row").filter(~is_learnt)
    is_taken = pl.col("resume_id").is_in(known["resume_id"].implode())
    named = kept.with_columns(
        resume_id=pl.when(is_taken).then(pl.format("{}#{}", "resume_id", "row")).otherwise("resume_id")
    )
    told = []
    if dropped := len(later) - len(kept):
        told.append(f"{dropped} resumes of the test folder left out: the training folder has the same id and text")
    if renamed := int((named["resume_id"] != kept["resume_id"]).sum()):
        told.append(f"{renamed} resumes of the test folder told by id#row: their id is used by another resume")
    return named.drop("row"), told


def untitled(resume: str) -> str:
    """A resume without its first line."""
    return resume.lstrip().partition("\n")[2]


def folds(truth: Codes, seed: int) -> list[Codes]:
    """[5] rows held out in turn, stratified by family."""
    from sklearn.model_selection import StratifiedKFold

    split = StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(truth, truth)
    return [np.asarray(held) for _, held in split]


def requisitions(families: Sequence[str]) -> list[str]:
    """[n_families] title and description of each family's requisition."""
    ours = pl.read_csv(ROOT / "feeds/real/requisitions.csv", infer_schema=False)
    known = dict(ours.select("family", pl.concat_str("title", "description", separator="\n")).iter_rows())
    return [known.get(family, family.replace("-", " ").title()) for family in families]


def _variant(found: Judgement, name: str, given: Reading, parts: Sequence[tuple[Codes, Codes]], seed: int) -> Numbers:
    """Train and measure one way of reading: [n_resumes, n_families] the model's scores, NaN where not held."""
    texts, truth, families = given.texts, given.truth, given.families
    ours = np.full((len(texts), len(families)), np.nan)
    bm25, theirs, others = ours.copy(), np.full(len(texts), -1), np.full(len(texts), -1)
    wanted = requisitions(families)
    is_there = importlib.util.find_spec("lightgbm") is not None
    if not is_there:
        found.notes.append(f"{BOOSTED}, {name}: not measured: lightgbm is not installed (README: `uv run --with`)")
    for known, held in parts:
        ours[held] = modelled(found, given, known, held, seed)
        learnt, asked = [texts[i] for i in known], [texts[i] for i in held]
        theirs[held], seconds = linear(learnt, truth[known], asked, seed)
        found.baseline_seconds += seconds
        bm25[held] = okapi(asked, wanted)
        if is_there:
            others[held] = grown(learnt, truth[known], asked, seed)
    judged = np.sort(np.concatenate([held for _, held in parts]))
    who, right, best = given.people.gather(judged), truth[judged], ours[judged].argmax(axis=1)
    sides = {SVC: theirs[judged]} | ({BOOSTED: others[judged]} if is_there else {})
    accuracy = {side: mean((said == right).astype(float)) for side, said in sides.items()}
    found.compare(f"accuracy, {name}", "higher", mean((best == right).astype(float)), accuracy, who)
    f1 = {side: macro_f1(right, said, len(families)) for side, said in sides.items()}
    found.compare(f"macro-F1, {name}", "higher", macro_f1(right, best, len(families)), f1, who)
    precision = [
        (average_precision(ours[held], truth[held]), average_precision(bm25[held], truth[held])) for _, held in parts
    ]
    model, baseline = (np.concatenate([pair[side] for pair in precision]) for side in (0, 1))
    asked = pl.Series(np.tile(np.arange(len(families)), len(parts)))
    is_known = ~np.isnan(model)
    found.compare(
        f"mean average precision of a requisition's resumes, {name}", "higher", mean(model[is_known]),
        {BM25: mean(baseline[is_known])}, asked.filter(is_known),
    )  # fmt: skip
    label = f"calibration error of the best family's score, {name}"
    _calibrated(found, label, ours[judged], right)
    for number, (_, held) in enumerate(parts, 1):
        if len(parts) > 1:
            _calibrated(found, f"{label}, fold {number}", ours[held], truth[held])
    return ours


def _calibrated(found: Judgement, label: str, shares: Numbers, right: Codes) -> None:
    """Add how far the best family's share is from how often it was right, and what exact shares would have."""
    sure, was_right = shares.max(axis=1), (shares.argmax(axis=1) == right).astype(float)
    found.alone(label, "lower", float(calibration_error(was_right, sure)(np.ones((1, len(sure))))[0]))
    exact, most = exact_calibration_error(sure)
    of_chance = f"chances that were exactly right would have {exact:.3f}, in 95 of 100 draws {most:.3f} at most"
    found.notes.append(f"{label}: {of_chance}")


def modelled(found: Judgement, given: Reading, known: Codes, held: Codes, seed: int) -> Numbers:
    """[n_held, n_families] the family's own model's share of every requisition in each resume."""
    train = load(features.Train, "screening", "train")
    count = len(given.families)
    learnt = np.unique(given.truth[known]).tolist()  # one that only the judged have would be learnt as always rejected
    pairs = [
        (int(row), family, float(given.truth[row] == family))
        for row in known
        for family in {int(given.truth[row]), *drawn(given.people[int(row)], learnt)}
    ]
    is_valid = pl.col("person_id").map_elements(_share, return_dtype=pl.Float64) < _VALID_SHARE
    split = pl.when(is_valid).then(pl.lit("valid")).otherwise(pl.lit("train"))
    steps = cases(given, sorted(pairs)).with_columns(split=split)
    valid = np.array([row for row in known if _share(given.people[int(row)]) < _VALID_SHARE], dtype=np.int64)
    asked, shown = (
        cases(given, [(int(row), family, None) for row in rows for family in range(count)]) for rows in (held, valid)
    )
    family = network("screening")
    with tempfile.TemporaryDirectory() as folder:
        determined(seed)
        with found.training():
            family.fit(steps, train, Path(folder), seed, load(MinPeople, "privacy").min_people)
            # this reads the model from its file, too: the baseline is in memory as well when its scoring is timed
            said = family.predict(Path(folder), shown, "model")["score"].to_numpy().reshape(len(valid), count)
            power = temperature(said, given.truth[valid])
        with found.scoring(len(held)):
            scored = family.predict(Path(folder), asked, "model")["score"].to_numpy().reshape(len(held), count)
            return shared_out(scored, power)


def shared_out(chance: Numbers, power: float) -> Numbers:
    """[n, n_families] odds of each family to a power, as shares of a resume's.

    A model that learnt from some of the rejections only has all odds too high by one factor, which falls out here.

    Args:
        chance: [n, n_families] in [0, 1].
        power: Above 1 for odds that are too timid, below 1 for bold ones.
    """
    bounded = np.clip(chance, _LEAST, 1 - _LEAST)
    said = power * np.log(bounded / (1 - bounded))
    odds = np.exp(said - said.max(axis=1, keepdims=True))
    shares: Numbers = odds / odds.sum(axis=1, keepdims=True)
    return shares


def temperature(chance: Numbers, truth: Codes) -> float:
    """The power of `_POWERS` under which `shared_out` holds the families most likely that were right.

    Args:
        chance: [n, n_families] of resumes that the model was not fitted to; 1 without any.
        truth: [n] place of the right family.

    Source:
        Guo et al. 2017, on temperatures.
    """
    if not len(chance):
        return 1.0
    rows = np.arange(len(truth))
    return max(_POWERS, key=lambda power: float(np.log(shared_out(chance, power)[rows, truth] + _LEAST).sum()))


def drawn(resume: str, families: Sequence[int]) -> list[int]:
    """Some of the families, the same for a resume everywhere."""
    digest = sha256(f"rejected|{resume}".encode()).digest()
    return [families[int.from_bytes(digest[2 * n : 2 * n + 2]) % len(families)] for n in range(_REJECTED)]


def cases(given: Reading, pairs: Sequence[tuple[int, int, float | None]]) -> pl.DataFrame:
    """[n_pairs] the family's cases in the order of `pairs` (row, family, outcome), as its `features` make them.

    The inputs that are monitored only (lengths, shares, projections) are left out: no scorer reads them.
    """
    wanted = requisitions(given.families)
    rows, targets = [row for row, _, _ in pairs], [target for _, target, _ in pairs]
    return pl.DataFrame(
        {
            "person_id": given.people.gather(rows),
            "subject_id": pl.Series(given.families).gather(targets),
            "target_code": pl.repeat(features.TARGET, len(pairs), eager=True),
            "outcome": pl.Series([outcome for _, _, outcome in pairs], dtype=pl.Float64),
            "resume_text": [given.texts[row] for row in rows],
            "requisition_text": [wanted[target] for target in targets],
            "job_family_code": pl.Series(given.families).gather(targets),
        }
    )


def linear(known: Texts, truth: Codes, asked: Texts, seed: int) -> tuple[Codes, float]:
    """Families by TF-IDF of words and pairs and a LinearSVC, and the seconds that scoring took."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.svm import LinearSVC

    reads = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    judges = LinearSVC(random_state=seed).fit(reads.fit_transform(known), truth)
    began = time.perf_counter()
    said = judges.predict(reads.transform(asked))  # the decision function and its largest class
    took = time.perf_counter() - began
    return np.asarray(said), took


def grown(known: Texts, truth: Codes, asked: Texts, seed: int) -> Codes:
    """Families by LightGBM on the 5,000 most frequent terms, where that library is there."""
    import lightgbm
    from sklearn.feature_extraction.text import TfidfVectorizer

    reads = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True, max_features=5000)
    settings: dict[str, Any] = {"random_state": seed, "n_jobs": 1, "verbose": -1, "deterministic": True}
    judges = lightgbm.LGBMClassifier(n_estimators=100, **settings).fit(reads.fit_transform(known), truth)
    return np.asarray(judges.predict(reads.transform(asked)))


def okapi(texts: Texts, wanted: Texts) -> Numbers:
    """[n_texts, n_wanted] Okapi BM25 of each requisition's words over the resumes.

    Source:
        Robertson and Zaragoza 2009.
    """
    from sklearn.feature_extraction.text import CountVectorizer

    reads = CountVectorizer(stop_words="english")
    counts = reads.fit_transform(texts).astype(np.float64)
    length = np.asarray(counts.sum(axis=1)).ravel()
    seen = np.asarray((counts > 0).sum(axis=0)).ravel()
    rare = np.log(1 + (len(texts) - seen + 0.5) / (seen + 0.5))
    weights = counts.tocsr(copy=True)
    per_row = np.repeat(_K1 * (1 - _B + _B * length / length.mean()), np.diff(weights.indptr))
    weights.data = weights.data * (_K1 + 1) / (weights.data + per_row) * rare[weights.indices]
    scores: Numbers = (weights @ (reads.transform(wanted) > 0).astype(np.float64).T).toarray()
    return scores


def average_precision(scores: Numbers, truth: Codes) -> Numbers:
    """[n_families] mean precision at the places of a family's own resumes; NaN for one without any."""
    found = np.full(scores.shape[1], np.nan)
    for family in range(scores.shape[1]):
        relevant = (truth == family)[np.argsort(-scores[:, family], kind="stable")]
        if relevant.any():
            place = np.flatnonzero(relevant)
            found[family] = float((np.arange(1, len(place) + 1) / (place + 1)).mean())
    return found


def _share(person: str) -> float:
    """In [0, 1): the same for a person everywhere."""
    return int(sha256(f"valid|{person}".encode()).hexdigest()[:8], 16) / 2**32
