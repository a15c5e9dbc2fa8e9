"""What people decide about applications: who goes on, who is hired, and when each stage ends.

A screening decision is merit plus noise, cut so that a known share of each sex goes on: exact by
construction, so that the planted requisition is found at every size and with every seed. Later stages
know nothing of sex.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from infra.sample.plan import DELIVERIES

if TYPE_CHECKING:
    from infra.sample.plan import Array, Plan

APPLIED, SCREEN, INTERVIEW, OFFER, HIRED = range(5)
STAGES = ("APPLIED", "SCREEN", "INTERVIEW", "OFFER", "HIRED")
REJECTED, WITHDRAWN, TAKEN = range(3)
DAY = 86_400


@dataclass(frozen=True, slots=True)
class Cases:
    """One entry per application. `can_join`: an outsider with no other application."""

    applied: Array
    merit: Array
    is_planted: Array
    is_female: Array
    can_join: Array

    def __len__(self) -> int:
        return len(self.applied)


@dataclass(frozen=True, slots=True)
class Decisions:
    """One entry per application.

    Attributes:
        last: Index of the last stage with an outcome; the stages before it all advanced.
        outcome: REJECTED, WITHDRAWN or TAKEN, at stage `last`.
        completed: [n, 5] moments at which each stage ended; beyond `last` they mean nothing.
        joined: Indices of those who started work within the calendar, in order of their first day.
    """

    last: Array
    outcome: Array
    completed: Array
    joined: Array


def decide(plan: Plan, cases: Cases) -> Decisions:
    """Decide all applications, also those whose decisions fall after the calendar."""
    rng, count = plan.stream("decisions"), len(cases)
    score = cases.merit + 1.05 * rng.standard_normal(count)
    is_knocked, quits = rng.random(count) < 0.03, rng.random(count) < 0.04
    completed = _stage_ends(rng, cases.applied)
    is_late = completed[:, SCREEN] >= DELIVERIES["history"].end
    screened = _screened(plan, cases, score, ~is_knocked & ~quits, is_late)
    interview = cases.merit + rng.standard_normal(count)
    floor = np.quantile(interview[screened], 0.74)
    last = np.select([is_knocked, ~screened, interview < floor], [APPLIED, SCREEN, INTERVIEW], OFFER)
    accepts = (last == OFFER) & cases.can_join & (rng.random(count) < 0.92)
    outcome = np.where((quits & (last == SCREEN)) | ((last == OFFER) & ~accepts), WITHDRAWN, REJECTED)
    accepts[_beyond(plan, np.flatnonzero(accepts), completed, interview)] = False
    last[accepts], outcome[accepts] = HIRED, TAKEN
    completed[accepts, OFFER] = completed[accepts, HIRED] - np.timedelta64(3600, "s")
    joined = np.flatnonzero(accepts & _starts_in_time(completed))
    return Decisions(last, outcome, completed, joined[np.argsort(completed[joined, HIRED], kind="stable")])


def _starts_in_time(completed: Array) -> Array:
    return np.asarray(completed[:, HIRED] < np.datetime64("2026-11-01"))


def _beyond(plan: Plan, accepting: Array, completed: Array, interview: Array) -> Array:
    """Those for whom there is no place after all: a small company hires at most a quarter of its workers."""
    joining = accepting[_starts_in_time(completed[accepting])]
    order = joining[np.argsort(-interview[joining], kind="stable")]
    return order[max(1, plan.workers // 4) :]


def advance_shares(plan: Plan, women: list[int], men: list[int]) -> Array:
    """Shares that screening lets on, [3, 2]: planted requisition, elsewhere, late; women, others.

    By default the other requisitions lean to women just enough for a pooled ratio of about .92 at the end
    of the history; the larger the company, the less it takes. Late decisions know no sex.

    Args:
        plan: Whose kind decides.
        women: Judged applications of women: planted requisition, elsewhere.
        men: The same of everybody else.
    """
    if plan.kind == "biased":
        return np.array([[0.12, 0.55], [0.14, 0.58], [0.14, 0.58]])
    planted, elsewhere = (0.09, 0.26), 0.45
    pooled_men = (planted[1] * men[0] + elsewhere * men[1]) / (men[0] + men[1])
    lean = (0.92 * pooled_men * (women[0] + women[1]) - planted[0] * women[0]) / max(1, women[1])
    return np.array([planted, (max(lean, elsewhere), elsewhere), (elsewhere, elsewhere)])


def _screened(plan: Plan, cases: Cases, score: Array, judged: Array, is_late: Array) -> Array:
    """[n] bool: the best of each sex by score among the judged, in the shares that `advance_shares` names."""
    places = (cases.is_planted, ~cases.is_planted & ~is_late, ~cases.is_planted & is_late)
    sexes = (cases.is_female, ~cases.is_female)
    groups = [[np.flatnonzero(judged & here & who) for here in places] for who in sexes]
    women, men = ([len(members) for members in row] for row in groups)
    shares = advance_shares(plan, women, men).T
    screened = np.zeros(len(score), bool)
    for row, shares_here in zip(groups, shares, strict=True):
        for members, share in zip(row, shares_here, strict=True):
            best = members[np.argsort(-score[members], kind="stable")]
            screened[best[: round(share * len(members))]] = True
    return screened


def _stage_ends(rng: np.random.Generator, applied: Array) -> Array:
    """[n, 5] moments: hours for the rule, then some weeks for people; the last one is the first day at work."""
    count = len(applied)
    days = np.stack(
        [
            rng.uniform(0.01, 0.5, count),
            rng.gamma(3.0, 5.0, count) + 2,
            rng.gamma(4.0, 3.5, count) + 3,
            rng.gamma(3.0, 2.0, count) + 1,
            rng.uniform(12, 40, count),
        ],
        axis=1,
    )
    ends = applied[:, None] + (np.cumsum(days, axis=1) * DAY).astype("timedelta64[s]")
    ends[:, HIRED] = ends[:, HIRED].astype("datetime64[D]").astype("datetime64[s]") + np.timedelta64(8 * 3600, "s")
    return np.asarray(ends)
