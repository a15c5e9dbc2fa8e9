"""Courses, enrolments, submissions and how each enrolment ended.

The next course follows a Markov chain per job family: half the time the natural next step of the same
topic (level by level), a fifth of the time the family's side path, else a draw by the family's taste.
An enrolment is completed by diligence and by that run's effort, against difficulty and overtime.
Effort and diligence also show in the submissions of the first two weeks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from infra.sample import vocabulary as words
from infra.sample.plan import FIRST_DAY, LAST_DAY, MONTH_STARTS, MONTHS, Array, Plan, moments

if TYPE_CHECKING:
    from infra.sample.company import Workers
    from infra.sample.performance import Performance

COMPLETED, FAILED, WITHDRAWN, EXPIRED = range(4)
STATUSES = ("Completed", "Failed", "Withdrawn", "Expired")
COURSES_A_TOPIC = 6
STEPS = 16
DAY = 86_400


@dataclass(frozen=True, slots=True)
class Courses:
    """One entry per course, topic by topic, level by level. `days`: from start to due."""

    topic: Array
    level: Array
    variant: Array
    minutes: Array
    difficulty: Array
    days: Array
    items: Array

    def __len__(self) -> int:
        return len(self.topic)


def draw_courses(plan: Plan) -> Courses:
    """The catalogue: six courses a topic, two at each level."""
    rng = plan.stream("courses")
    topic, level, variant = (
        x.ravel() for x in np.meshgrid(np.arange(plan.topics), np.arange(3), np.arange(2), indexing="ij")
    )
    count = len(topic)
    return Courses(
        topic=topic,
        level=level,
        variant=variant,
        minutes=(60 * (1 + level) + 15 * rng.integers(0, 6, size=count)).astype(np.int64),
        difficulty=0.8 * (level - 0.8) + 0.5 * rng.standard_normal(count),
        days=28 + 7 * level + rng.integers(0, 8, size=count),
        items=3 + level + rng.integers(0, 2, size=count),
    )


def transitions(plan: Plan, courses: Courses) -> tuple[Array, Array]:
    """Probabilities of the first course [families, courses] and of the next one [families, courses, courses]."""
    rng, count = plan.stream("paths"), len(courses)
    first = np.zeros((len(words.FAMILIES), count))
    chain = np.zeros((len(words.FAMILIES), count, count))
    for f, family in enumerate(words.FAMILIES):
        home = [t for t in family.topics if t < plan.topics] or [0]
        taste = np.where(np.isin(courses.topic, home), 1.0, 0.12) * np.exp(0.5 * rng.standard_normal(count))
        first[f] = taste * np.array([1.0, 0.15, 0.05])[courses.level]
        first[f] /= first[f].sum()
        chain[f] = 0.3 * taste / taste.sum()
        side = rng.choice(count, count, p=taste / taste.sum())
        for c in range(count):
            is_last = c % COURSES_A_TOPIC == COURSES_A_TOPIC - 1
            after = home[(home.index(courses.topic[c]) + 1) % len(home)] if courses.topic[c] in home else home[0]
            chain[f, c, after * COURSES_A_TOPIC if is_last else c + 1] += 0.5
            chain[f, c, side[c]] += 0.2
    return first, chain


def simulate(plan: Plan, courses: Courses, workers: Workers, performance: Performance, block: slice) -> pl.DataFrame:
    """Simulate the enrolments of one block of workers over all 36 months.

    Returns:
        One row per enrolment in order of worker and time: worker, number (of the worker's enrolments),
        course, attempt, enrolled_at, starts_at, due_at, assigned_by, effort, chance (the true probability
        of completing), status (index into STATUSES), ended_at, score (NaN unless completed or failed).
    """
    taken = _paths(plan, courses, workers, block)
    worker, step = np.nonzero(taken["course"] >= 0)
    course, enrolled, attempt = (taken[name][worker, step] for name in ("course", "enrolled", "attempt"))
    rng = plan.stream("enrolments", block.start)
    count = len(worker)
    starts = enrolled + (rng.uniform(1, 12, count) * DAY).astype("timedelta64[s]")
    days = courses.days[course].astype(np.float64)
    month = np.clip(np.searchsorted(MONTH_STARTS, starts.astype("datetime64[D]"), side="right") - 1, 0, MONTHS - 1)
    diligence = workers.people.diligence[block][worker].astype(np.float64)
    effort = rng.standard_normal(count)
    logit = 0.95 + 1.35 * diligence + 0.75 * effort
    logit += -0.9 * courses.difficulty[course] - 0.6 * performance.overtime[worker, month]
    chance = 1 / (1 + np.exp(-logit))
    luck, kind = rng.random(count), rng.random(count)
    status = np.where(
        luck < chance, COMPLETED, np.where(kind < 0.45, FAILED, np.where(kind < 0.75, WITHDRAWN, EXPIRED))
    )
    share = np.clip(0.8 - 0.1 * diligence + 0.2 * rng.standard_normal(count), 0.3, 1.15)
    fraction = np.choose(status, [share, np.clip(share + 0.3, 0.8, 1.2), rng.uniform(0.2, 0.95, count), 1 + 14 / days])
    ended = starts + (fraction * days * DAY).astype("timedelta64[s]")
    score = np.where(status == COMPLETED, 76 + 7 * effort + 5 * diligence, 44 + 5 * effort)
    score = np.clip(score + 4 * rng.standard_normal(count), *np.array([[60, 100], [5, 59.5]])[np.minimum(status, 1)].T)
    left = workers.terminated[block][worker]
    is_cut = ~np.isnat(left) & (ended >= left.astype("datetime64[s]"))
    status, ended = np.where(is_cut, WITHDRAWN, status), np.where(is_cut, left.astype("datetime64[s]"), ended)
    frame = pl.DataFrame(
        {
            "worker": worker + block.start,
            "number": step,
            "course": course,
            "attempt": attempt,
            "enrolled_at": enrolled.astype("datetime64[ms]"),
            "starts_at": starts.astype("datetime64[ms]"),
            "due_at": (starts + (days * DAY).astype("timedelta64[s]")).astype("datetime64[ms]"),
            "assigned_by": rng.choice(3, count, p=(0.55, 0.3, 0.15)),
            "diligence": diligence,
            "effort": effort,
            "chance": chance,
            "status": status,
            "ended_at": ended.astype("datetime64[ms]"),
            "score": np.where(status <= FAILED, (score * 2).round() / 2, np.nan),
        }
    )
    return frame.filter(np.isnat(left) | (starts < left.astype("datetime64[s]")))


def submissions(plan: Plan, courses: Courses, enrolments: pl.DataFrame, block: slice) -> pl.DataFrame:
    """Simulate what was handed in: worker, number, course, item, submitted_at, score, days_late.

    Items are due at even steps from day 4 on. Diligence and effort decide whether, when and how well.
    Nothing is handed in after the enrolment ended.
    """
    rng = plan.stream("submissions", block.start)
    items = courses.items[enrolments["course"].to_numpy()]
    row = np.repeat(np.arange(len(items)), items)
    item = np.arange(len(row)) - np.repeat(np.cumsum(items) - items, items)
    columns = {name: enrolments[name].to_numpy()[row] for name in enrolments.columns}
    diligence, effort, course = columns["diligence"], columns["effort"], columns["course"]
    planned = 4 + item * (courses.days[course] - 8) / items[row]
    late = 0.5 - 1.0 * diligence - 0.7 * effort + 3.0 * rng.standard_normal(len(row))
    at = columns["starts_at"] + (np.maximum(0.2, planned + late) * DAY).astype("timedelta64[s]")
    at = np.where(columns["status"] == COMPLETED, np.minimum(at, columns["ended_at"] - np.timedelta64(600, "s")), at)
    drive = 1.7 + 0.7 * diligence + 0.6 * effort
    is_done = (columns["status"] == COMPLETED) | (rng.random(len(row)) < 1 / (1 + np.exp(-drive)))
    score = 70 + 4 * diligence + 4 * effort - 5 * courses.difficulty[course] + 9 * rng.standard_normal(len(row))
    frame = pl.DataFrame(
        {
            "worker": columns["worker"],
            "number": columns["number"],
            "course": course,
            "item": item,
            "starts_at": columns["starts_at"],
            "submitted_at": at.astype("datetime64[ms]"),
            "score": (np.clip(score, 0, 100) * 2).round() / 2,
            "days_late": np.maximum(0, late).astype(np.int64),
        }
    )
    return frame.filter(is_done & (at < columns["ended_at"]) & (at > columns["starts_at"]))


def _paths(plan: Plan, courses: Courses, workers: Workers, block: slice) -> dict[str, Array]:
    """[workers, steps] course (-1 past the end), enrolled and attempt of each learner, step by step."""
    rng = plan.stream("learners", block.start)
    count = block.stop - block.start
    family = workers.family[block].astype(np.int64)
    first, chain = transitions(plan, courses)
    gap = 100 * rng.gamma(4.0, 0.25, count)
    when = moments(np.maximum(workers.hired[block], FIRST_DAY), rng.uniform(0, 0.7, count) * gap * DAY)
    end = np.minimum(np.where(np.isnat(workers.terminated[block]), LAST_DAY, workers.terminated[block]), LAST_DAY)
    seen = np.zeros((count, len(courses)), bool)
    course, enrolled = np.full((count, STEPS), -1, np.int64), np.full((count, STEPS), np.datetime64("NaT", "s"))
    attempt = np.ones((count, STEPS), np.int64)
    chances = first[family]
    for step in range(STEPS):
        again = (rng.random(count) < 0.05) & (step > 0)
        open_ = np.where(seen, 0, chances)
        total = np.cumsum(open_, axis=1)
        pick = (rng.random(count)[:, None] * total[:, -1:] > total).sum(axis=1)
        pick = np.where(again, course[:, max(step - 1, 0)], np.minimum(pick, len(courses) - 1))
        is_on = (when.astype("datetime64[D]") < end) & (pick >= 0)
        course[is_on, step], enrolled[is_on, step] = pick[is_on], when[is_on]
        attempt[again & is_on, step] = attempt[again & is_on, step - 1] + 1
        seen[np.arange(count), np.maximum(pick, 0)] = True
        chances = chain[family, np.maximum(pick, 0)]
        when = when + (np.maximum(45, gap * rng.gamma(2.5, 0.4, count)) * DAY).astype("timedelta64[s]")
    return {"course": course, "enrolled": enrolled, "attempt": attempt}
