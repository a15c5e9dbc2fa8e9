"""Requisitions, candidates and applications.

Merit is the share of a requisition's required skills that a candidate has, and years of relevant work;
both stand in the resume. `decisions` says what people made of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from infra.sample import names
from infra.sample import vocabulary as words
from infra.sample.company import FEMALE, MALE, NON_BINARY, Hires, People, Workers, draw_people
from infra.sample.decisions import DAY, HIRED, Cases, decide
from infra.sample.plan import FIRST_DAY, LAST_DAY, Array, Plan, moments

REQUIRED = 6
PLANTED_APPLICANTS = 280
PLANTED_FAMILY = 0


@dataclass(frozen=True, slots=True)
class Requisitions:
    """One entry per requisition. `skills`: [n, 6] indices into the family's skills; all are required."""

    family: Array
    title: Array
    opened: Array
    applicants: Array
    skills: Array
    manager: Array
    recruiter: Array
    openings: Array
    planted: int

    def __len__(self) -> int:
        return len(self.family)


@dataclass(frozen=True, slots=True)
class Candidates:
    """One entry per candidate, in order of their first application.

    Attributes:
        skills: [n, families, 14] bool.
        years: Whole years of relevant work, as the resume says.
        worker: Index of the worker they already are, -1 for outsiders.
        created: Moment of the first application, less some minutes.
    """

    people: People
    home: Array
    skills: Array
    years: Array
    worker: Array
    created: Array

    def __len__(self) -> int:
        return len(self.home)


@dataclass(frozen=True, slots=True)
class Applications:
    """One entry per application, in order of `applied`; `last`, `outcome` and `completed` as in `Decisions`.

    Attributes:
        merit: The truth behind decisions: standardised skills match and years.
        hired_worker: Index of the worker an application led to; -1 for the others.
    """

    candidate: Array
    requisition: Array
    applied: Array
    merit: Array
    last: Array
    outcome: Array
    completed: Array
    hired_worker: Array

    def __len__(self) -> int:
        return len(self.candidate)


@dataclass(frozen=True, slots=True)
class Hiring:
    """All of it, and the workers it led to."""

    requisitions: Requisitions
    candidates: Candidates
    applications: Applications
    hires: Hires


def simulate(plan: Plan, workers: Workers) -> Hiring:
    """Simulate 36 months of hiring into `workers`, whose last entries the hires will replace."""
    requisitions = _draw_requisitions(plan)
    requisition, applied = _arrivals(plan, requisitions)
    candidate = _reuse(plan, requisitions, requisition)
    first = np.unique(candidate, return_index=True)[1]
    candidates = _draw_candidates(plan, requisitions, workers, requisition[first], applied[first])
    match, years = _match(requisitions, candidates, requisition, candidate)
    merit = 1.0 * _standard(match) + 0.45 * _standard(years)
    is_single = np.bincount(candidate)[candidate] == 1
    cases = Cases(
        applied=applied,
        merit=merit,
        is_planted=requisition == requisitions.planted,
        is_female=candidates.people.sex[candidate] == FEMALE,
        can_join=is_single & (candidates.worker[candidate] < 0),
    )
    made = decide(plan, cases)
    joined, hired_worker = made.joined, np.full(len(cases), -1, np.int64)
    hired_worker[joined] = np.arange(len(workers) - len(joined), len(workers))
    hires = Hires(
        candidate=candidate[joined],
        people=candidates.people.take(candidate[joined]),
        family=requisitions.family[requisition[joined]].astype(np.int8),
        hired=made.completed[joined, HIRED].astype("datetime64[D]"),
    )
    applications = Applications(
        candidate, requisition, applied, merit, made.last, made.outcome, made.completed, hired_worker
    )
    return Hiring(requisitions, candidates, applications, hires)


def _standard(values: Array) -> Array:
    return np.asarray((values - values.mean()) / values.std())


def _draw_requisitions(plan: Plan) -> Requisitions:
    rng, count = plan.stream("requisitions"), plan.requisitions
    planted = count // 2
    recent = max(3, round(count * 0.17))
    days = np.sort(rng.integers(0, 1_000, size=count - recent))
    opened = FIRST_DAY + np.concatenate([days, 1_024 + np.arange(recent) * 34 // recent]).astype("timedelta64[D]")
    opened[planted] = np.datetime64("2025-06-02", "D")
    family = (np.arange(count) + rng.integers(len(words.FAMILIES))) % len(words.FAMILIES)
    family[planted] = PLANTED_FAMILY
    others = plan.applications - PLANTED_APPLICANTS
    weights = rng.uniform(0.7, 1.3, count)
    weights[planted] = 0
    applicants = np.floor(weights / weights.sum() * others).astype(np.int64)
    applicants[np.argsort(-weights)[: others - applicants.sum()]] += 1
    applicants[planted] = PLANTED_APPLICANTS
    heads = max(1, plan.workers // 10)
    return Requisitions(
        family=family,
        title=rng.integers(3, size=count),
        opened=opened,
        applicants=applicants,
        skills=np.argsort(rng.random((count, 14)), axis=1)[:, :REQUIRED],
        manager=rng.integers(heads, size=count),
        recruiter=rng.integers(heads, size=count),
        openings=rng.integers(1, 8, size=count),
        planted=planted,
    )


def _arrivals(plan: Plan, requisitions: Requisitions) -> tuple[Array, Array]:
    """Which requisition each application is for, and when it came: most early on; the planted one over a year."""
    rng = plan.stream("arrivals")
    requisition = np.repeat(np.arange(len(requisitions)), requisitions.applicants)
    span = np.where(np.arange(len(requisitions)) == requisitions.planted, 360, 62)[requisition]
    opened = requisitions.opened[requisition]
    days = rng.beta(1.1, 1.9, len(requisition)) * np.minimum(span, (LAST_DAY - opened).astype(np.int64))
    applied = moments(opened, days * DAY + 6 * 3600)
    order = np.argsort(applied, kind="stable")
    return requisition[order], applied[order]


def _reuse(plan: Plan, requisitions: Requisitions, requisition: Array) -> Array:
    """[applications] candidate index: about one in nine comes from somebody who applied in that family before."""
    rng = plan.stream("reuse")
    count = len(requisition)
    wants, luck = rng.random(count) < 0.12, rng.random(count)
    candidate = np.full(count, -1, np.int64)
    known: dict[int, list[tuple[int, int]]] = {}
    fresh = 0
    for i, r in enumerate(requisition.tolist()):
        pool = known.setdefault(int(requisitions.family[r]), [])
        if wants[i] and pool and r != requisitions.planted:
            at = int(luck[i] * len(pool))
            if pool[at][1] != r:
                candidate[i] = pool.pop(at)[0]
                continue
        candidate[i] = fresh
        if r != requisitions.planted:
            pool.append((fresh, r))
        fresh += 1
    return candidate


def _draw_candidates(
    plan: Plan, requisitions: Requisitions, workers: Workers, requisition: Array, applied: Array
) -> Candidates:
    """Draw the candidates, given the requisition and the moment of each one's first application."""
    rng, count = plan.stream("candidates"), len(applied)
    wanted = requisitions.family[requisition]
    is_planted = requisition == requisitions.planted
    home = np.where(rng.random(count) < 0.85, wanted, rng.integers(len(words.FAMILIES), size=count))
    people = _balanced(draw_people(plan, "candidates", count), np.flatnonzero(is_planted))
    worker = _internals(rng, workers, applied, is_planted)
    inside = np.flatnonzero(worker >= 0)
    people = people.put(inside, workers.people.take(worker[inside]))
    ability = rng.beta(1.6, 1.8, count)
    chance = np.full((count, len(words.FAMILIES)), 0.04)
    chance[np.arange(count), home] = ability
    age = (applied.astype("datetime64[D]") - people.born).astype(np.int64) / 365.25
    return Candidates(
        people=people,
        home=home,
        skills=rng.random((count, len(words.FAMILIES), 14)) < chance[:, :, None],
        years=np.minimum(rng.binomial(11, rng.beta(1.3, 1.7, count)), np.maximum(0, age - 18)).astype(np.int64),
        worker=worker,
        created=applied - rng.integers(180, 2_400, size=count).astype("timedelta64[s]"),
    )


def _balanced(people: People, planted: Array) -> People:
    """The planted requisition's applicants: 137 women, 137 men and six others, in turn."""
    turn = np.arange(len(planted))
    sex = np.where(turn % 2 == 0, FEMALE, MALE).astype(np.int8)
    sex[turn % 47 == 46] = NON_BINARY
    chosen = people.take(planted)
    is_woman = np.where(sex == NON_BINARY, chosen.is_woman, sex == FEMALE)
    first = np.where(is_woman, chosen.first % len(names.WOMEN), chosen.first % len(names.MEN))
    columns = {name: getattr(chosen, name) for name in People.__slots__}
    return people.put(planted, People(**{**columns, "sex": sex, "is_woman": is_woman, "first": first}))


def _internals(rng: np.random.Generator, workers: Workers, applied: Array, is_planted: Array) -> Array:
    """[n] worker index or -1: a few candidates already work here. Each worker at most once."""
    half = len(workers) // 2
    free = np.flatnonzero(np.isnat(workers.terminated[:half]) & (workers.hired[:half] < FIRST_DAY))
    wants = np.flatnonzero((rng.random(len(applied)) < 0.03) & ~is_planted)[: len(free)]
    worker = np.full(len(applied), -1, np.int64)
    worker[wants] = rng.permutation(free)[: len(wants)]
    return worker


def _match(
    requisitions: Requisitions, candidates: Candidates, requisition: Array, candidate: Array
) -> tuple[Array, Array]:
    family = requisitions.family[requisition]
    owned = candidates.skills[candidate, family]
    share = np.take_along_axis(owned, requisitions.skills[requisition], axis=1).mean(axis=1)
    return share, candidates.years[candidate]
