"""The people of the sample company: who they are, what they can do, when they were employed.

Protected attributes are drawn from a stream of their own and enter no latent trait: nothing about merit,
diligence or performance follows from sex, ethnicity, disability or (beyond what years of work need) age.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from infra.sample import names
from infra.sample import vocabulary as words
from infra.sample.plan import FIRST_DAY, LAST_DAY, Array, Plan

FEMALE, MALE, NON_BINARY, UNDECLARED = 0, 1, 2, 3


@dataclass(frozen=True, slots=True)
class People:
    """One entry per person in every array, all of one length.

    Attributes:
        is_woman: What a first name suggests; the truth behind an undeclared sex.
        sex: FEMALE, MALE, NON_BINARY or UNDECLARED, as declared.
        ethnicity: Index into `vocabulary.ETHNICITIES`.
        diligence: Standard normal. Learners finish courses because of it.
        level: Standard normal. The lasting part of somebody's performance.
    """

    is_woman: Array
    sex: Array
    ethnicity: Array
    born: Array
    disability: Array
    is_veteran: Array
    first: Array
    last: Array
    country: Array
    city: Array
    has_consent: Array
    diligence: Array
    level: Array

    def __len__(self) -> int:
        return len(self.sex)

    def take(self, index: Array) -> People:
        """The people at `index`, in that order."""
        return People(**{f.name: getattr(self, f.name)[index] for f in fields(self)})

    def put(self, index: Array, others: People) -> People:
        """These people, with those at `index` replaced by `others`, in order."""
        changed = {f.name: getattr(self, f.name).copy() for f in fields(self)}
        for name, values in changed.items():
            values[index] = getattr(others, name)
        return People(**changed)


@dataclass(frozen=True, slots=True)
class Workers:
    """One entry per worker. The last `hires` of them came through the applicant tracking system.

    Attributes:
        terminated: NaT for those who stayed.
        family: Index into `vocabulary.FAMILIES`.
        manager: Index of a worker; -1 at the top.
        candidate: Index of the candidate a worker was hired from; -1 for the others.
    """

    people: People
    hired: Array
    terminated: Array
    family: Array
    grade: Array
    manager: Array
    candidate: Array
    is_contingent: Array
    is_part_time: Array
    pay: Array

    def __len__(self) -> int:
        return len(self.hired)


def draw_people(plan: Plan, name: str, count: int) -> People:
    """Draw `count` people; `name` keeps one table's people apart from another's."""
    protected, other = plan.stream(f"{name}:protected"), plan.stream(f"{name}:other")
    is_woman = protected.random(count) < 0.49
    sex = np.where(is_woman, FEMALE, MALE).astype(np.int8)
    odd = protected.random(count)
    sex[odd < 0.006] = NON_BINARY
    sex[odd > 0.98] = UNDECLARED
    country = other.choice(len(names.COUNTRIES), count, p=names.COUNTRY_SHARES).astype(np.int8)
    cities = np.array([len(names) for names in names.CITIES])
    return People(
        is_woman=is_woman,
        sex=sex,
        ethnicity=protected.choice(len(names.ETHNICITIES), count, p=names.ETHNICITY_SHARES).astype(np.int8),
        born=_births(protected, count),
        disability=protected.choice(3, count, p=(0.07, 0.83, 0.10)).astype(np.int8),
        is_veteran=protected.random(count) < 0.05,
        first=np.where(
            is_woman, other.integers(len(names.WOMEN), size=count), other.integers(len(names.MEN), size=count)
        ).astype(np.int16),
        last=other.integers(len(names.SURNAMES), size=count).astype(np.int16),
        country=country,
        city=(other.random(count) * cities[country]).astype(np.int8),
        has_consent=other.random(count) >= 0.04,
        diligence=other.standard_normal(count).astype(np.float32),
        level=other.standard_normal(count).astype(np.float32),
    )


def _births(rng: np.random.Generator, count: int) -> Array:
    """[n] days. Ages of 21 to 63 in mid-2025, two in five at 40 or more."""
    older = rng.random(count) < 0.41
    age = np.where(older, rng.uniform(40, 63, count), 40 - 19.4 * np.sqrt(rng.random(count)) ** 1.5)
    return np.datetime64("2025-07-01", "D") - (age * 365.25).astype("timedelta64[D]")


def draw_direct_workers(plan: Plan) -> Workers:
    """All workers, as if none had been hired through the applicant tracking system."""
    rng, count = plan.stream("workers"), plan.workers
    people = draw_people(plan, "workers", count)
    is_old = rng.random(count) < 0.8
    is_manager = np.arange(count) < count // 10
    before = (rng.random(count) ** 2 * 5_000).astype("timedelta64[D]") + np.timedelta64(5, "D")
    within = (rng.random(count) * 1_094).astype("timedelta64[D]")
    hired = np.where(is_old | is_manager, FIRST_DAY - before, FIRST_DAY + within)
    of_age = people.born + np.timedelta64(18 * 365 + 5, "D")
    family = rng.integers(len(words.FAMILIES), size=count).astype(np.int8)
    grade = np.where(is_manager, 5 + (rng.random(count) < 0.2), rng.integers(1, 5, size=count)).astype(np.int8)
    hired = np.maximum(hired, np.minimum(of_age, FIRST_DAY + np.timedelta64(900, "D")))
    return Workers(
        people=people,
        hired=hired,
        terminated=_terminations(rng, hired, is_manager),
        family=family,
        grade=grade,
        manager=_managers(rng, family),
        candidate=np.full(count, -1, np.int32),
        is_contingent=(rng.random(count) < 0.05) & ~is_manager,
        is_part_time=rng.random(count) < 0.12,
        pay=_pay(rng, family, grade),
    )


def with_hires(workers: Workers, hires: Hires) -> Workers:
    """The same workers, the last ones replaced by the people hired through the applicant tracking system."""
    at = np.arange(len(workers) - len(hires.candidate), len(workers))

    def put(values: Array, new: Array) -> Array:
        changed = values.copy()
        changed[at] = new
        return changed

    gone = workers.terminated[at]
    stays = ~(gone > hires.hired + np.timedelta64(60, "D"))
    return replace(
        workers,
        people=workers.people.put(at, hires.people),
        hired=put(workers.hired, hires.hired),
        terminated=put(workers.terminated, np.where(stays, np.datetime64("NaT", "D"), gone)),
        family=put(workers.family, hires.family),
        candidate=put(workers.candidate, hires.candidate),
        is_contingent=put(workers.is_contingent, np.zeros(len(at), bool)),
    )


@dataclass(frozen=True, slots=True)
class Hires:
    """Candidates who become workers: who, where and on which day. Ordered by day."""

    candidate: Array
    people: People
    family: Array
    hired: Array


def _terminations(rng: np.random.Generator, hired: Array, is_manager: Array) -> Array:
    """[n] days, NaT for those who stay past the calendar: about nine in a hundred leave each year."""
    at_risk_from = np.maximum(hired + np.timedelta64(30, "D"), FIRST_DAY)
    gone = at_risk_from + (rng.exponential(4_000, len(hired))).astype("timedelta64[D]")
    return np.where((gone <= LAST_DAY) & ~is_manager, gone, np.datetime64("NaT", "D"))


def _managers(rng: np.random.Generator, family: Array) -> Array:
    """[n] worker index: a manager of the same job family where there is one; managers report to worker 0."""
    count = len(family)
    heads = max(1, count // 10)
    manager = np.zeros(count, np.int32)
    for code in range(len(words.FAMILIES)):
        own = np.flatnonzero(family[:heads] == code)
        team = np.flatnonzero(family == code)
        if len(own):
            manager[team] = own[rng.integers(len(own), size=len(team))]
    manager[:heads] = 0
    manager[0] = -1
    return manager


def _pay(rng: np.random.Generator, family: Array, grade: Array) -> Array:
    base = np.array([f.pay for f in words.FAMILIES])[family]
    return (base * (0.8 + 0.15 * grade) * rng.uniform(0.95, 1.05, len(family)) / 100).astype(np.int64) * 100
