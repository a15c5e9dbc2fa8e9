"""Next course on an e-learning log (`views.csv`, `watches.csv`, `courses.csv`, `learners.csv`).

A course counts once a learner, with the first view or watch. Two protocols:

- leave last out: of learners with three courses or more the newest is held out, everything else trains, and all
  courses not taken are ranked;
- rolling: what came before a day trains; then every later course of a learner with a history is an event, in order of
  time, learner, course. The courses not yet taken are ranked with the learner's history folded in, without retraining.

Of people without any course before the day the first one is asked for too: there is nothing to go by but their job
function, and the baseline is what everybody takes.

Of the catalogue the training is told what was there on its newest day. The files tell the year of a course alone, so
all of that year count as there; a course listed later cannot be recommended until the model is trained again.

With a test folder its log is the later part; without one both protocols are run, the day of the second is that of the
event after 80 % of all. Predictions hold the events numbered from 0, what was taken, and the 50 best courses.
"""

import json
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from pipelines.base.contracts import TABLES
from pipelines.base.errors import ContractError
from pipelines.base.settings import load
from pipelines.evaluate.bootstrap import mean
from pipelines.models import network
from pipelines.models.determinism import determined
from pipelines.models.recommendation import features
from tests.bench.quality.judgement import Judgement, Numbers, as_text

BEST: Final = 50
TOP: Final = 10
_RIDGE: Final = 100.0
_BEFORE: Final = 0.8
"""Share of the events before the day of the rolling protocol, without a test folder."""
_LEAST: Final = 3
"""Courses from which a learner's last one is held out."""
_PAIR: Final = ("user_id", "item_id")
BASELINE: Final = "EASE + Markov"
POPULARITY: Final = "popularity"


def judge(train: Path, test: Path | None, seed: int) -> Judgement:
    """Both protocols on `train`, or the rolling one from `train` to `test`."""
    found = Judgement()
    known, later = log(train), log(test) if test else None
    about = catalogue(*(folder for folder in (train, test) if folder))
    people = learners(*(folder for folder in (train, test) if folder))
    if later is None:
        place, total = pl.int_range(pl.len()).over("user_id"), pl.len().over("user_id")
        held = (total >= _LEAST) & (place == total - 1)
        _protocol(
            found, "leave last out", known.filter(~held), known.filter(held), about=about, people=people, seed=seed
        )
        day = known.sort("at", *_PAIR)["at"][int(_BEFORE * len(known))]
        known, later = known.filter(pl.col("at") < day), known.filter(pl.col("at") >= day)
    later = later.join(known, on=_PAIR, how="anti").sort("at", *_PAIR)
    _protocol(found, "rolling", known, later, about=about, people=people, seed=seed)
    return found


def log(folder: Path) -> pl.DataFrame:
    """[n_pairs] user_id, item_id, at: the first view or watch of each course, a learner's in order."""
    columns = (*_PAIR, "created_at")
    rows = pl.concat([as_text(folder / name).select(columns) for name in ("views.csv", "watches.csv")])
    at = pl.col("created_at").str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us", time_zone="UTC")
    ordered = rows.select(*(pl.col(name).cast(pl.String) for name in _PAIR), at=at).sort("user_id", "at", "item_id")
    return ordered.unique(_PAIR, keep="first", maintain_order=True)


def catalogue(*folders: Path) -> pl.DataFrame:
    """[n_courses] the canonical table of courses; of a course in several folders the first word, which was known."""
    level = {"Beginner": "foundation", "Intermediate": "intermediate", "Advanced": "advanced"}
    rows = pl.concat([as_text(folder / "courses.csv") for folder in folders], how="diagonal")
    return rows.unique("item_id", keep="first", maintain_order=True).select(
        pl.col("item_id").alias("course_id"),
        pl.col("name").alias("title"),
        pl.col("Software").str.extract("['\"]([^'\"]+)['\"]").alias("topic_code"),
        pl.col("Difficulty").replace_strict(level, default=None, return_dtype=pl.String).alias("level_code"),
        pl.col("duration").cast(pl.Float64, strict=False).alias("duration_minutes"),
        pl.format("{}-01-01", "created_at")
        .str.to_datetime("%Y-%m-%d", time_unit="us", time_zone="UTC")
        .alias("known_from"),
        known_from_basis=pl.lit("source"),
        **{name: pl.lit(None, TABLES["courses"].schema[name]) for name in ("is_active", "is_mandatory")},
        **{
            name: pl.lit(None, TABLES["courses"].schema[name])
            for name in ("valid_from", "valid_to", "audience_codes", "renewal_months")
        },
    )


def there(courses: pl.DataFrame, before: pl.DataFrame) -> pl.DataFrame:
    """The courses that were there on the newest day of the log that trains; of a course taken in it what is told."""
    is_taken = pl.col("course_id").is_in(before["item_id"].unique().to_list())
    return courses.filter(is_taken | (pl.col("known_from") <= before["at"].max()))


def learners(*folders: Path) -> pl.DataFrame:
    """[n_learners] the canonical table of workers: who they are is their function, where they said so."""
    rows = pl.concat([as_text(folder / "learners.csv") for folder in folders], how="diagonal")
    moment = pl.lit(datetime(2016, 1, 1, tzinfo=UTC)).cast(pl.Datetime("us", "UTC"))
    job = pl.when(pl.col("job") != "N/A").then("job").fill_null("unknown")
    return rows.unique("user_id", keep="first", maintain_order=True).select(
        pl.col("user_id").alias("person_id"),
        job_family_code=job,
        terminated_at=pl.lit(None, pl.Date),
        known_from=moment,
        known_from_basis=pl.lit("source"),
    )


def tables(taken: pl.DataFrame, courses: pl.DataFrame, workers: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """The family's canonical tables, from a log."""
    seen = taken.select(
        person_id="user_id", course_id="item_id", occurred_at="at", known_from="at", known_from_basis=pl.lit("source")
    )
    none = seen.head(0).rename({"occurred_at": "enrolled_at"})
    return {"learning_events": seen, "enrolments": none, "courses": courses, "workers": workers}


def events(before: pl.DataFrame, later: pl.DataFrame) -> pl.DataFrame:
    """Every later course of a learner who had one, with the history by then.

    Args:
        before: [n_pairs] the log that trained, a learner's in order.
        later: [n_pairs] in order of time.

    Returns:
        [n_events] event (from 0), user_id, item_id, at, history ([n] item_id, oldest first).
    """
    past: dict[str, list[str]] = defaultdict(list)
    for user, item in before.sort("at", *_PAIR).select(_PAIR).iter_rows():
        past[user].append(item)
    rows = []
    for user, item, at in later.select(*_PAIR, "at").iter_rows():
        if past[user]:
            rows.append((user, item, at, list(past[user])))
        past[user].append(item)
    schema = {"user_id": pl.String, "item_id": pl.String, "at": later.schema["at"], "history": pl.List(pl.String)}
    return pl.DataFrame(rows, schema=schema, orient="row").with_row_index("event")


def _protocol(
    found: Judgement,
    name: str,
    before: pl.DataFrame,
    later: pl.DataFrame,
    *,
    about: pl.DataFrame,
    people: pl.DataFrame,
    seed: int,
) -> None:
    """Train on `before`, rank every event of `later`, add the metrics and the predictions."""
    asked = events(before, later)
    if before.is_empty() or asked.is_empty():
        raise ContractError(
            f"The {name} protocol must have courses to learn from and a later one of somebody with a history; got "
            f"{len(before)} and {len(asked)}. Give logs of the same learners, one after the other."
        )
    about = there(about, before)
    with tempfile.TemporaryDirectory() as folder:
        given = tables(before, about, people)
        ours = modelled(found, Path(folder), given, asked, seed)
        if name == "rolling":
            _first_courses(found, Path(folder), given, before, later)
    theirs = counted(before, asked)
    known = set(before["item_id"])
    hits = {side: [place(list_, item) for list_, item in zip(lists, asked["item_id"], strict=True)]
            for side, lists in (("model", ours), ("baseline", theirs))}  # fmt: skip
    is_new = ~asked["item_id"].is_in(list(known))
    for metric, gain in (("HR@10", hit), ("NDCG@10", discounted)):
        model, baseline = (np.array([gain(rank) for rank in hits[side]]) for side in ("model", "baseline"))
        found.compare(f"{metric}, {name}", "higher", mean(model), {BASELINE: mean(baseline)}, asked["user_id"])
        if name == "rolling" and is_new.any():
            mask = is_new.to_numpy()
            label = f"{metric}, {name}, courses never seen in training"
            found.compare(
                label, "higher", mean(model[mask]), {BASELINE: mean(baseline[mask])}, asked["user_id"].filter(is_new)
            )
    start = len(found.predictions)
    listed = pl.DataFrame(ours, schema=[f"course_{n}" for n in range(1, BEST + 1)], orient="row")
    shown = asked.select(pl.col("event") + start, "user_id", "item_id", protocol=pl.lit(name))
    found.predictions = pl.concat([found.predictions, shown.hstack(listed)], how="diagonal")


def modelled(
    found: Judgement, folder: Path, given: Mapping[str, pl.DataFrame], asked: pl.DataFrame, seed: int
) -> list[list[str]]:
    """[n_events] the 50 best courses by the family's own model."""
    prepare, train = (
        load(features.Prepare, "recommendation", "prepare"),
        load(features.Train, "recommendation", "train"),
    )
    family = network("recommendation")
    steps = features.examples(given, prepare)
    # nothing here is held out from the family's own view: its test is ours, so its newest step stops the training
    steps = steps.with_columns(pl.col("split").replace({"valid": "train", "test": "valid"}))
    determined(seed)
    with found.training():
        family.fit(steps, train, folder, seed, 1)
    cases = asked.select(
        person_id=pl.col("event").cast(pl.String),
        history=pl.col("history").list.tail(prepare.max_history),
        split=pl.lit("now"),
        open_courses=pl.lit(json.dumps(sorted(given["courses"]["course_id"]))),
    )
    with found.scoring(len(cases)):
        scored = family.predict(folder, cases, "model")
    return _lists(cases, scored)


def newcomers(before: pl.DataFrame, later: pl.DataFrame, workers: pl.DataFrame) -> pl.DataFrame:
    """[n_people] user_id, item_id, job_family_code: the first later course of everybody who had none before."""
    first = later.join(before, on="user_id", how="anti").sort("at", *_PAIR).unique("user_id", keep="first")
    jobs = workers.select("job_family_code", user_id="person_id")
    return first.select(_PAIR).join(jobs, on="user_id", how="left").sort("user_id")


def _first_courses(
    found: Judgement, folder: Path, given: Mapping[str, pl.DataFrame], before: pl.DataFrame, later: pl.DataFrame
) -> None:
    """Rank the first course of new people by the model in `folder`, and by how many took it."""
    new = newcomers(before, later, given["workers"])
    if new.is_empty():
        return
    cases = new.select(
        "job_family_code",
        person_id="user_id",
        history=pl.lit([], pl.List(pl.String)),
        split=pl.lit("now"),
        open_courses=pl.lit(json.dumps(sorted(given["courses"]["course_id"]))),
    )
    ours = _lists(cases, network("recommendation").predict(folder, cases, "model"))
    most = before.group_by("item_id").len().sort("len", "item_id", descending=[True, False])["item_id"].to_list()
    for metric, gain in (("HR@10", hit), ("NDCG@10", discounted)):
        model = np.array([gain(place(best, item)) for best, item in zip(ours, new["item_id"], strict=True)])
        popular = np.array([gain(place(most, item)) for item in new["item_id"]])
        label = f"{metric}, rolling, first course of new people"
        found.compare(label, "higher", mean(model), {POPULARITY: mean(popular)}, new["user_id"])


def _lists(cases: pl.DataFrame, scored: pl.DataFrame) -> list[list[str]]:
    """[n_cases] the best courses of each, by score and then by course."""
    best = (
        scored.sort("score", "subject_id", descending=[True, False])
        .group_by("person_id", maintain_order=True)
        .agg(pl.col("subject_id").head(BEST))
    )
    lists = dict(best.iter_rows())
    return [filled(lists.get(person, [])) for person in cases["person_id"]]


def counted(before: pl.DataFrame, asked: pl.DataFrame) -> list[list[str]]:
    """[n_events] the 50 best courses by EASE (Steck 2019, λ 100) and a first-order Markov chain, equal weights.

    Each of the two is divided by its greatest value of that learner: a plain sum would let the one of larger numbers
    decide, and is weaker.
    """
    items = sorted(before["item_id"].unique())
    number = {item: index for index, item in enumerate(items)}
    walks = [
        [number[item] for item in walk]
        for walk in before.sort("at", *_PAIR).group_by("user_id", maintain_order=True).agg("item_id")["item_id"]
    ]
    taken, follows = np.zeros((len(walks), len(items))), np.zeros((len(items), len(items)))
    for row, walk in enumerate(walks):
        taken[row, walk] = 1
        np.add.at(follows, (walk[:-1], walk[1:]), 1)
    inverse = np.linalg.inv(taken.T @ taken + _RIDGE * np.eye(len(items)))
    ease = -inverse / np.diag(inverse)
    np.fill_diagonal(ease, 0)
    markov = follows / np.maximum(follows.sum(axis=1, keepdims=True), 1)
    popular = taken.mean(axis=0) * 1e-6  # orders what neither of the two speaks for
    lists = []
    for history in asked["history"]:
        past = [number[item] for item in history if item in number]
        score: Numbers = popular + scaled(ease[past].sum(axis=0)) + (scaled(markov[past[-1]]) if past else 0)
        score[past] = -np.inf
        lists.append(filled([items[i] for i in np.argsort(-score, kind="stable")[:BEST] if np.isfinite(score[i])]))
    return lists


def scaled(values: Numbers) -> Numbers:
    """`values` so that the greatest is 1; as they are where none is above 0."""
    greatest = float(values.max(initial=0.0))
    return values / greatest if greatest > 0 else values


def filled(items: Sequence[str]) -> list[str | None]:
    """A list of just `BEST` courses; null where there are fewer."""
    return [*items[:BEST], *([None] * (BEST - len(items)))]


def place(best: Sequence[str | None], item: str) -> int:
    """From 1; 0 where the list lacks the course."""
    return best.index(item) + 1 if item in best else 0


def hit(rank: int) -> float:
    """Whether the rank is among the first ten."""
    return float(0 < rank <= TOP)


def discounted(rank: int) -> float:
    """NDCG@10 of a single wanted course."""
    return float(1 / np.log2(1 + rank)) if 0 < rank <= TOP else 0.0
