"""Learning outcomes of the Open University, from what was known by day 60 of a presentation.

Reads `student.csv`, `student_registration.csv`, `student_assessment.csv`, `assessment.csv` and `course.csv`. A case is
an enrolment that was not withdrawn by day 60; it ends well with Pass or Distinction. Neither scorer sees gender, age,
disability, deprivation or region: they only say whose calibration is measured.

With a test folder its enrolments are judged, but for those that the training folder has too: whatever presentation
they are of, the model is trained on nothing but the training folder, and what happened there is known history. Without
one the newest presentation is judged, and the others train.
"""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from pipelines.base.errors import ContractError
from pipelines.base.settings import load
from pipelines.evaluate.bootstrap import auc, mean
from pipelines.models import GRADE, network
from pipelines.models.determinism import determined
from pipelines.models.outcomes import features
from tests.bench.quality.judgement import Judgement, Numbers, as_text, calibration_error, exact_calibration_error

DAY: Final = 60
BASELINE: Final = "HistGradientBoosting"
RUN: Final = ("code_module", "code_presentation")
CASE: Final = (*RUN, "id_student")
GROUPS: Final = ("gender", "age_band", "disability")
LEAST_GROUP: Final = 200
_KEYS: Final = {"code_module": "subject_id", "code_presentation": "target_code", "id_student": "person_id"}
_VALID_SHARE: Final = 0.15
_MONTHS: Final = "ABCDEFGHIJKL"
_FAVOURABLE: Final = ("Pass", "Distinction")


@dataclass(frozen=True, slots=True)
class Set:
    """The files as they are, all of text or numbers, one or several folders after each other."""

    students: pl.DataFrame
    """[n_enrolments] with registration and length of the presentation."""
    submissions: pl.DataFrame
    """[n_submissions] with the assessment's run and due day."""


def judge(train: Path, test: Path | None, seed: int) -> Judgement:
    """Train on the training folder, score the others as of day 60 of their presentation.

    Raises:
        ContractError: Nobody is left to learn from or to judge.
    """
    own = read(train)
    given = read(train, test) if test else own
    learnt, held = parted(own.students, given.students if test else None)
    found = Judgement()
    prepare = load(features.Prepare, "outcomes", "prepare")
    prepare = prepare.model_copy(update={"horizon_days": float(DAY), "horizon_share": 1.0})
    told = features.examples(tables(own), prepare)
    described = told if given is own else features.examples(tables(given), prepare)
    with tempfile.TemporaryDirectory() as folder:
        ours, grades = modelled(found, Path(folder), told, described, learnt=learnt, held=held, seed=seed)
    theirs = boosted(given, learnt, held, seed)
    _measure(found, held, learnt, {"model": ours, "baseline": theirs})
    if grades is not None:
        _grade(found, given, (with_grades(learnt, told), with_grades(held, described)), grades, seed)
    found.predictions = held.select(subject_id=pl.concat_str(CASE, separator="|"), probability=pl.Series(ours))
    return found


def parted(own: pl.DataFrame, every: pl.DataFrame | None) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Cases that are learnt, and cases that are judged: no enrolment is in both.

    Args:
        own: [n_enrolments] of the training folder.
        every: [n_enrolments] of both folders, None without a test folder: then the newest presentation is judged.

    Raises:
        ContractError: One of the two has no case.
    """
    if every is None:
        asked, newest = cases(own), own["code_presentation"].max()  # their order by name is that of time
        is_judged = pl.col("code_presentation") == newest
        learnt, held = asked.filter(~is_judged), asked.filter(is_judged)
    else:
        learnt, held = cases(own), cases(every).join(own, on=CASE, how="anti", maintain_order="left")
    if learnt.is_empty() or held.is_empty():
        raise ContractError(
            f"Both sides must have an enrolment that was there on day {DAY}; got {len(learnt)} to learn from and "
            f"{len(held)} to judge. Give a test folder with enrolments that the training folder lacks."
        )
    return learnt, held


def read(*folders: Path) -> Set:
    """The files of one or several folders; a row that is in several counts once.

    Raises:
        ContractError: A presentation has no length: nobody would know when it ends, and no case of it has features.
    """

    def rows(name: str, *key: str) -> pl.DataFrame:
        every = pl.concat([as_text(folder / name) for folder in folders], how="diagonal")
        return every.unique(key, keep="last", maintain_order=True)

    registered = rows("student_registration.csv", *CASE)
    length = rows("course.csv", *RUN)
    students = rows("student.csv", *CASE).join(registered, on=CASE, how="left", maintain_order="left")
    students = students.join(length, on=RUN, how="left", maintain_order="left")
    handed_in = rows("student_assessment.csv", "id_assessment", "id_student")
    submissions = handed_in.join(rows("assessment.csv", "id_assessment"), on="id_assessment", maintain_order="left")
    students = _numbers(
        students, "date_registration", "date_unregistration", "module_presentation_length",
        "num_of_prev_attempts", "studied_credits",
    )  # fmt: skip
    endless = students.filter(pl.col("module_presentation_length").is_null()).select(
        pl.concat_str(RUN, separator=" ", ignore_nulls=True)
    )
    if not endless.is_empty():
        runs = ", ".join(endless.to_series().unique().sort())
        raise ContractError(
            f"Every presentation that somebody enrolled in must have its days in course.csv; got none of {runs}. Add "
            "them there, or leave out their students."
        )
    return Set(students, _numbers(submissions, "date_submitted", "score", "date"))


def cases(students: pl.DataFrame) -> pl.DataFrame:
    """Enrolments not withdrawn by day 60, with `outcome` 1 for Pass or Distinction, in order of their keys."""
    stayed = pl.col("date_unregistration").is_null() | (pl.col("date_unregistration") > DAY)
    outcome = pl.col("final_result").is_in(_FAVOURABLE).cast(pl.Float64)
    return students.filter(stayed).with_columns(outcome=outcome).sort(CASE)


def tables(given: Set) -> dict[str, pl.DataFrame]:
    """The family's canonical tables, from the files.

    Who registered after day 60 counts as registered on that day, or the family would not be asked about them.
    """
    told = pl.concat([given.students["code_presentation"], given.submissions["code_presentation"]])
    starts = {code: _start(code) for code in told.unique().sort()}
    start = pl.col("code_presentation").replace_strict(starts, return_dtype=pl.Datetime("us", "UTC"))
    students = given.students.with_columns(starts_at=start)
    source = pl.lit("source")

    def on(day: pl.Expr) -> pl.Expr:
        return pl.col("starts_at") + pl.duration(days=day)

    registered = on(pl.col("date_registration").fill_null(0).clip(upper_bound=DAY))
    runs = {"person_id": "id_student", "course_id": "code_module", "run_code": "code_presentation"}
    enrolments = students.select(
        enrolment_id=pl.concat_str(CASE, separator="|"),
        **runs,
        enrolled_at=registered,
        starts_at="starts_at",
        due_at=on(pl.col("module_presentation_length")),
        credits="studied_credits",
        prior_attempts="num_of_prev_attempts",
        education_code="highest_education",
        assigned_by_code=pl.lit(None, pl.String),
        known_from=registered,
        known_from_basis=source,
    )
    left = pl.col("final_result") == "Withdrawn"
    # a withdrawal without a day is one that nobody had noted by the end
    last = pl.when(left).then(pl.col("date_unregistration")).fill_null(pl.col("module_presentation_length"))
    ended = pl.when(left).then(pl.lit("withdrawn")).when(pl.col("final_result").is_in(_FAVOURABLE))
    ends = students.select(
        **runs,
        event_code=ended.then(pl.lit("passed")).otherwise(pl.lit("failed")),
        occurred_at=pl.max_horizontal(on(last), registered),
    )
    handed_in = given.submissions.with_columns(starts_at=start).select(
        **runs,
        event_code=pl.lit("submitted"),
        item_code="id_assessment",
        occurred_at=on(pl.col("date_submitted")),
        score_share=pl.col("score") / 100,
        lateness_days=pl.col("date_submitted") - pl.col("date"),
    )
    events = pl.concat([ends, handed_in], how="diagonal").with_columns(
        known_from="occurred_at", known_from_basis=source
    )
    about = {"topic_code": pl.String, "level_code": pl.String, "duration_minutes": pl.Float64}
    courses = students.group_by(course_id="code_module").agg(known_from=pl.col("starts_at").min()).sort("course_id")
    known = {"known_from": pl.Datetime("us", "UTC"), "known_from_basis": pl.String}
    workers = {"person_id": pl.String, "job_family_code": pl.String}
    records = {
        "person_id": pl.String, "period_start": pl.Date, "period_end": pl.Date, "measure_code": pl.String,
        "value": pl.Float64,
    }  # fmt: skip
    return {
        "enrolments": enrolments,
        "learning_events": events,
        "courses": courses.with_columns(known_from_basis=source, **{n: pl.lit(None, t) for n, t in about.items()}),
        "workers": pl.DataFrame(schema=workers | known),
        "work_records": pl.DataFrame(schema=records | known),
    }


def modelled(
    found: Judgement,
    folder: Path,
    told: pl.DataFrame,
    described: pl.DataFrame,
    *,
    learnt: pl.DataFrame,
    held: pl.DataFrame,
    seed: int,
) -> tuple[Numbers, pl.DataFrame | None]:
    """[n_held] chance of a good end by the family's own model, which learns from `told` alone; and its grades."""
    train = load(features.Train, "outcomes", "train")
    known = learnt.select(**{ours: pl.col(theirs) for theirs, ours in _KEYS.items()})
    asked = held.select(**{ours: pl.col(theirs) for theirs, ours in _KEYS.items()})
    steps = told.join(known, on=list(known.columns), how="semi")
    cases_ = asked.join(described, on=list(asked.columns), how="left", maintain_order="left")
    is_valid = pl.Series([_share(person) < _VALID_SHARE for person in steps["person_id"]], dtype=pl.Boolean)
    if is_valid.all() or not is_valid.any():
        raise ContractError(
            f"There must be people to train on and others to stop by; got {(~is_valid).sum()} enrolments and "
            f"{is_valid.sum()}. Give a training folder with more people."
        )
    split = pl.when(is_valid).then(pl.lit("valid")).otherwise(pl.lit("train"))
    family = network("outcomes")
    determined(seed)
    with found.training():
        family.fit(steps.with_columns(split=split), train, folder, seed, 1)
    with found.scoring(len(cases_)):
        chances = family.predict(folder, cases_, "model")["score"].to_numpy()
    return chances, family.grades(folder, cases_, "model")


def with_grades(cases_: pl.DataFrame, described: pl.DataFrame) -> pl.DataFrame:
    """[n_cases] with `end_score_share`, null for who came to no score."""
    grades = described.select(**{theirs: pl.col(ours) for theirs, ours in _KEYS.items()}, end_score_share=GRADE)
    return cases_.join(grades, on=CASE, how="left", maintain_order="left")


def boosted(given: Set, learnt: pl.DataFrame, held: pl.DataFrame, seed: int) -> Numbers:
    """[n_held] chance by scikit-learn's HistGradientBoosting with its defaults, on the columns of the README."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    known, asked = _matrices(given, learnt, held)
    estimator = HistGradientBoostingClassifier(random_state=seed, categorical_features=[0, 1])
    estimator.fit(known, learnt["outcome"].to_numpy())
    chance: Numbers = estimator.predict_proba(asked)[:, 1]
    return chance


def _grade(
    found: Judgement, given: Set, parts: tuple[pl.DataFrame, pl.DataFrame], grades: pl.DataFrame, seed: int
) -> None:
    """The absolute error of the score at the end, of who came to one; the baseline as `boosted`, on absolute errors."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    learnt, held = parts
    promised = load(features.Train, "outcomes", "train").grade_coverage
    has_one = held["end_score_share"].is_not_null()
    learnt, held, ours = learnt.drop_nulls("end_score_share"), held.filter(has_one), grades.filter(has_one)
    if held.is_empty():
        return
    known, asked = _matrices(given, learnt, held)
    estimator = HistGradientBoostingRegressor(loss="absolute_error", random_state=seed, categorical_features=[0, 1])
    estimator.fit(known, learnt["end_score_share"].to_numpy())
    truth = held["end_score_share"].to_numpy()
    model, theirs = (mean(np.abs(said - truth)) for said in (ours["grade"].to_numpy(), estimator.predict(asked)))
    found.compare("MAE of the score at the end", "lower", model, {BASELINE: theirs}, held["id_student"])
    inside = (ours["low"].to_numpy() <= truth) & (truth <= ours["high"].to_numpy())
    found.alone(f"coverage of the {promised:.0%} interval of the score at the end", "higher", float(inside.mean()))
    for label, part in _large_groups(held):
        found.alone(f"coverage of that interval, {label}", "higher", float(inside[part.to_numpy()].mean()))


def _matrices(given: Set, learnt: pl.DataFrame, held: pl.DataFrame) -> tuple[Numbers, Numbers]:
    """[n_learnt, 9] and [n_held, 9], the columns of the README; module and education are codes, and come first."""
    late = pl.col("date_submitted") - pl.col("date")
    facts = given.submissions.filter(pl.col("date_submitted") <= DAY).group_by(CASE).agg(
        count=pl.len(), mean=pl.col("score").mean(), least=pl.col("score").min(), delay=late.mean()
    )  # fmt: skip
    codes = {
        name: {value: place for place, value in enumerate(sorted(learnt[name].drop_nulls().unique()))}
        for name in ("code_module", "highest_education")
    }

    def matrix(frame: pl.DataFrame) -> Numbers:
        told = frame.join(facts, on=CASE, how="left", maintain_order="left")
        coded = (
            pl.col(name).replace_strict(known, default=None, return_dtype=pl.Float64) for name, known in codes.items()
        )
        numeric = ("num_of_prev_attempts", "studied_credits", "date_registration", "mean", "least", "delay")
        return told.select(
            *coded, *(pl.col(name).cast(pl.Float64) for name in numeric), pl.col("count").fill_null(0).cast(pl.Float64)
        ).to_numpy()

    return matrix(learnt), matrix(held)


def _measure(found: Judgement, held: pl.DataFrame, learnt: pl.DataFrame, chances: Mapping[str, Numbers]) -> None:
    """AUC and Brier of everybody and of people never seen, calibration of everybody and of each group."""
    unseen = ~held["id_student"].is_in(learnt["id_student"].unique().to_list())
    parts = {"": pl.repeat(value=True, n=len(held), eager=True), ", people never seen": unseen}
    for name, part in parts.items():
        if part.sum() >= LEAST_GROUP or not name:
            _compare(found, f"AUC{name}", "higher", held.filter(part), chances=_of(chances, part), measure=auc)
            _compare(found, f"Brier{name}", "lower", held.filter(part), chances=_of(chances, part), measure=_brier)
    _calibrate(found, "calibration error", held, chances)
    for label, part in _large_groups(held):
        _calibrate(found, f"calibration error, {label}", held.filter(part), _of(chances, part))


def _large_groups(held: pl.DataFrame) -> list[tuple[str, pl.Series]]:
    """Name and size, and [n_held] whether a case is of it, of each group of `LEAST_GROUP` cases."""
    parts = (
        (f"{name} {value}", (held[name] == value).fill_null(value=False))
        for name in GROUPS
        if name in held.columns
        for value in sorted(held[name].drop_nulls().unique())
    )
    return [(f"{label} ({part.sum()})", part) for label, part in parts if part.sum() >= LEAST_GROUP]


def _calibrate(found: Judgement, label: str, held: pl.DataFrame, chances: Mapping[str, Numbers]) -> None:
    """The calibration error, and what it would be if every chance of the model were exact."""
    _compare(found, label, "lower", held, chances=chances, measure=calibration_error)
    mean_, most = exact_calibration_error(chances["model"])
    found.notes.append(f"{label}: of exact chances {mean_:.4f} in the mean, below {most:.4f} 19 times of 20")


def _compare(found, name, better, held, *, chances, measure):
    outcome = held["outcome"].to_numpy()
    model, baseline = (measure(outcome, chances[side]) for side in ("model", "baseline"))
    found.compare(name, better, model, {BASELINE: baseline}, held["id_student"])


def _of(chances: Mapping[str, Numbers], part: pl.Series) -> dict[str, Numbers]:
    return {side: values[part.fill_null(value=False).to_numpy()] for side, values in chances.items()}


def _brier(outcome: Numbers, chance: Numbers):
    return mean((chance - outcome) ** 2)


def _start(presentation: str) -> datetime:
    """2013J began in October 2013: A is January.

    Raises:
        ContractError: It is no year and month.
    """
    year, month = presentation[:4], _MONTHS.find(presentation[4:]) + 1
    if not (len(presentation) == 5 and year.isdecimal() and int(year) and month):
        raise ContractError(
            f"A presentation must be a year and the letter of a month, such as 2013J; got {presentation!r}."
        )
    return datetime(int(year), month, 1, tzinfo=UTC)


def _share(person: str) -> float:
    """In [0, 1): the same for a person everywhere."""
    return int(sha256(f"valid|{person}".encode()).hexdigest()[:8], 16) / 2**32


def _numbers(frame: pl.DataFrame, *names: str) -> pl.DataFrame:
    return frame.with_columns(pl.col(name).cast(pl.Float64, strict=False) for name in names)
