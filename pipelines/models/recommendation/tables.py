"""What both scorers count: who took what together (EASE) and what followed what (first-order Markov).

EASE is Steck's closed-form item-to-item regression (2019); together with a Markov chain it is the declared baseline.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from pipelines.models.recommendation.features import LISTED

Numbers = npt.NDArray[np.float64]
Links = npt.NDArray[np.floating[Any]]
Indices = npt.NDArray[np.int64]
Titles = Mapping[str, str | None]
"""Course -> title and topic; None for a course without a title."""
CATALOGUE: Final = "catalogue.json"
_WEIGHTS: Final = "tables.npz"
_BEGINNINGS: Final = "beginnings.npz"
ALWAYS: Final = "popular"
"""The link that is no link: it speaks for a course whatever was taken."""
_UNKNOWN: Final = "unknown"
"""Job family of workers whose source tells none: no family."""
_AHEAD: Final = 4
_FADING: Final = 0.7
_WORD: Final = re.compile(r"\w+")
_DIGITS: Final = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The courses a model knows, in order, their levels, and which of them are mandatory."""

    courses: tuple[str, ...]
    levels: tuple[str, ...]
    mandatory: frozenset[str] = frozenset()
    """Never recommended, whatever a day's list says."""

    def save(self, folder: Path) -> None:
        """Write `CATALOGUE`."""
        told = {"courses": self.courses, "levels": self.levels, "mandatory": sorted(self.mandatory)}
        text = json.dumps(told, indent=1)
        (folder / CATALOGUE).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "Catalogue":
        """The catalogue that `save` wrote."""
        raw = json.loads((folder / CATALOGUE).read_text(encoding="utf-8"))
        # releases of before know of none: there the list of the day has to do
        return cls(tuple(raw["courses"]), tuple(raw["levels"]), frozenset(raw.get("mandatory", [])))


@dataclass(frozen=True, slots=True)
class Beginnings:
    """What is taken in each job family: all that speaks for a course to somebody who has taken none."""

    families: tuple[str, ...]
    shares: Numbers
    """[n_families + 1, n_courses] share of all courses taken; the last row is of everybody."""

    def of(self, families: Sequence[str | None]) -> Numbers:
        """[n_people, n_courses] the shares of each one's job family; those of everybody where it is not known."""
        place = {family: row for row, family in enumerate(self.families)}
        shares: Numbers = self.shares[[place.get(family or "", -1) for family in families]]
        return shares

    def save(self, folder: Path) -> None:
        """Plain arrays, never a pickle; equal shares give equal bytes."""
        np.savez(folder / _BEGINNINGS, families=np.array(self.families, dtype=np.str_), shares=self.shares)

    @classmethod
    def load(cls, folder: Path) -> "Beginnings | None":
        """What `save` wrote; None in a release of before."""
        if not (folder / _BEGINNINGS).exists():
            return None
        with np.load(folder / _BEGINNINGS, allow_pickle=False) as arrays:
            return cls(tuple(arrays["families"].tolist()), arrays["shares"])


@dataclass(frozen=True, slots=True)
class Tables:
    """Counts turned into weights."""

    ease: Numbers
    """[n_courses, n_courses] weight of having taken the row's course on the column's."""
    markov: Numbers
    """[n_courses, n_courses] share of learners who took the column's course right after the row's."""
    popular: Numbers
    """[n_courses] share of all steps."""

    def score(self, seen: Numbers, last: Indices) -> Numbers:
        """[n_cases, n_courses] EASE plus Markov.

        Args:
            seen: [n_cases, n_courses] 1 where taken.
            last: [n_cases] index of the newest course, -1 for none known.
        """
        followed = np.where((last >= 0)[:, None], self.markov[np.maximum(last, 0)], self.popular)
        scores: Numbers = seen @ self.ease + followed
        return scores


def catalogue(frame: pl.DataFrame) -> Catalogue:
    """Every course that is listed or in the training steps, by name."""
    steps = frame.select("subject_id", "target_code")
    told = listed(frame)
    named = told.select("subject_id", "target_code")
    known = pl.concat([steps, named]).unique("subject_id", keep="first", maintain_order=True)
    only_before = frame.select(pl.col("history").explode().alias("subject_id")).unique().drop_nulls()
    courses = (
        only_before.join(known, on="subject_id", how="full", coalesce=True)
        .with_columns(pl.col("target_code").fill_null("unleveled"))
        .sort("subject_id")
    )
    compelled = frozenset(told.filter("is_mandatory")["subject_id"])
    return Catalogue(tuple(courses["subject_id"]), tuple(courses["target_code"]), compelled)


def listed(frame: pl.DataFrame) -> pl.DataFrame:
    """[n_courses] subject_id, target_code (level), text (title and topic), is_mandatory: what the source lists."""
    names = dict(zip(LISTED, ("subject_id", "target_code", "text", "is_mandatory"), strict=True))
    if not set(names) <= set(frame.columns):
        return pl.DataFrame(schema={**dict.fromkeys(names.values(), pl.String), "is_mandatory": pl.Boolean})
    told = frame.select(*names).filter(pl.col(LISTED[0]).is_not_null()).head(1)
    return told.explode(list(names)).rename(names).drop_nulls("subject_id")


def beginnings(frame: pl.DataFrame, courses: Sequence[str], backing: float, min_people: int) -> Beginnings:
    """What each job family takes, drawn towards what everybody takes.

    Args:
        frame: [n_steps] person_id, subject_id, job_family_code; all steps, the first of each learner too.
        courses: Names, in the order of the indices.
        backing: Courses of everybody that are added to a family's own; few people alone would say too much.
        min_people: Learners from whom a job family has shares of its own.
    """
    place = {course: row for row, course in enumerate(courses)}

    def counted(steps: pl.DataFrame) -> Numbers:
        return np.bincount([place[c] for c in steps["subject_id"]], minlength=len(courses)).astype(np.float64)

    whole = counted(frame)
    everybody = (whole + 0.5) / (whole.sum() + 0.5 * len(courses))
    if "job_family_code" not in frame.columns:  # it was taken out as a leak
        return Beginnings((), everybody[None])
    people = frame.group_by("job_family_code").agg(pl.col("person_id").n_unique()).drop_nulls()
    told = people.filter(pl.col("person_id") >= min_people, pl.col("job_family_code") != _UNKNOWN)
    families = told["job_family_code"].sort().to_list()
    own = [counted(frame.filter(pl.col("job_family_code") == family)) for family in families]
    shares = [(taken + backing * everybody) / (taken.sum() + backing) for taken in own]
    return Beginnings(tuple(families), np.array([*shares, everybody]))


def links(walks: Sequence[Sequence[int]], courses: Sequence[str], texts: Mapping[str, str | None]) -> dict[str, Links]:
    """What speaks for a course after another, in several ways: [n_courses, n_courses] a way, from the row's course.

    A way is a table of single precision: there are many, and catalogues of ten thousand courses. The last two need
    nobody who took the course: a new one is recommended by them.

    Args:
        walks: [n_learners] course indices in order.
        courses: Names, in the order of the indices.
        texts: What the courses are called.

    Returns:
        after: share of learners who took it next; skipped: the same two to four courses on, the further the less;
        before: share of learners who took it just before; popular: [1, n_courses] share of all steps;
        alike: cosine of the titles' words; neighbour: 1 for the next in the order of the source's numbers.
    """
    size = len(courses)
    after, skipped = np.zeros((size, size), np.float32), np.zeros((size, size), np.float32)
    taken = np.zeros((1, size))
    for walk in walks:
        np.add.at(taken[0], list(walk), 1)
        np.add.at(after, (list(walk[:-1]), list(walk[1:])), 1)
        for ahead in range(2, _AHEAD + 1):
            np.add.at(skipped, (list(walk[:-ahead]), list(walk[ahead:])), _FADING ** (ahead - 1))
    return {
        "after": _shares(after),
        "skipped": _shares(skipped),
        "before": _shares(after.T),
        ALWAYS: taken / max(taken.sum(), 1),
        "alike": _alike([texts.get(course) or "" for course in courses]),
        "neighbour": _neighbours(courses),
    }


def _shares(counts: Links) -> Links:
    shares: Links = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1e-12)
    return shares


def _alike(texts: Sequence[str]) -> Links:
    """[n, n] cosine of TF-IDF of words; 0 with itself."""
    bags = [set(_WORD.findall(text.lower())) for text in texts]
    places = {word: place for place, word in enumerate(sorted(set().union(*bags)))}
    seen = np.zeros((len(texts), len(places)), np.float32)
    for row, bag in enumerate(bags):
        seen[row, [places[word] for word in bag]] = 1
    weights = seen * (np.log((1 + len(texts)) / (1 + seen.sum(axis=0))) + 1).astype(np.float32)
    length = np.sqrt((weights**2).sum(axis=1, keepdims=True))
    unit = weights / np.where(length > 0, length, 1)
    alike: Links = unit @ unit.T
    np.fill_diagonal(alike, 0)
    return alike


def _neighbours(courses: Sequence[str]) -> Links:
    """[n, n] 1 for the next course; numbers within a name count as numbers, so that 9 comes before 10."""
    order = sorted(range(len(courses)), key=lambda place: [part.zfill(20) for part in _DIGITS.split(courses[place])])
    found = np.zeros((len(courses), len(courses)), np.float32)
    found[order[:-1], order[1:]] = 1
    return found


def histories(frame: pl.DataFrame, courses: Sequence[str]) -> list[list[int]]:
    """[n_cases] lists of course indices, oldest first; courses that the catalogue lacks are left out."""
    index = {course: place for place, course in enumerate(courses)}
    return [[index[c] for c in history if c in index] for history in frame["history"].to_list()]


def multi_hot(past: Sequence[Sequence[int]], count: int) -> Numbers:
    """[n_cases, n_courses] 1 where taken."""
    seen = np.zeros((len(past), count))
    for row, taken in enumerate(past):
        seen[row, list(taken)] = 1
    return seen


def newest(past: Sequence[Sequence[int]]) -> Indices:
    """[n_cases] index of the newest course, -1 for none."""
    return np.array([taken[-1] if taken else -1 for taken in past], np.int64)


def sequences(frame: pl.DataFrame, courses: Sequence[str]) -> list[list[int]]:
    """One list of course indices a learner: the longest training step with its target."""
    index = {course: place for place, course in enumerate(courses)}
    longest = frame.sort("person_id", "course_count").unique("person_id", keep="last", maintain_order=True)
    rows = longest.select("history", "subject_id").iter_rows()
    return [[index[course] for course in (*history, target)] for history, target in rows]


def count(walks: Sequence[Sequence[int]], size: int, ridge: float, smoothing: float) -> Tables:
    """Weights from whole sequences.

    Args:
        walks: [n_learners] course indices in order.
        size: Courses in the catalogue.
        ridge: L2 penalty of EASE.
        smoothing: Transitions by popularity added to every row.
    """
    taken = multi_hot(walks, size)
    inverse = np.linalg.inv(taken.T @ taken + ridge * np.eye(size))
    ease = -inverse / np.diag(inverse)
    np.fill_diagonal(ease, 0)
    steps = np.zeros((size, size))
    for walk in walks:
        np.add.at(steps, (list(walk[:-1]), list(walk[1:])), 1)
    popular = (taken.sum(axis=0) + 0.5) / (taken.sum() + 0.5 * size)
    markov = (steps + smoothing * popular) / (steps.sum(axis=1, keepdims=True) + smoothing)
    return Tables(ease, markov, popular)


def save(tables: Tables, folder: Path) -> None:
    """Plain arrays, never a pickle; equal tables give equal bytes."""
    np.savez(folder / _WEIGHTS, ease=tables.ease, markov=tables.markov, popular=tables.popular)


def load(folder: Path) -> Tables:
    """The tables that `save` wrote."""
    with np.load(folder / _WEIGHTS, allow_pickle=False) as arrays:
        return Tables(arrays["ease"], arrays["markov"], arrays["popular"])
