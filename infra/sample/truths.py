"""The planted truths of one plan, for whoever checks that they were found."""

from __future__ import annotations

from typing import Any

import numpy as np

from infra.sample import faults
from infra.sample.company import FEMALE, MALE
from infra.sample.decisions import SCREEN, WITHDRAWN
from infra.sample.exports import Company, simulate
from infra.sample.plan import DELIVERIES, Delivery, Plan
from infra.sample.workday import requisition_id


def truths(plan: Plan) -> dict[str, Any]:
    """What was planted, by name; counts per delivery where deliveries differ."""
    world = simulate(plan)
    planted = world.hiring.requisitions.planted
    return {
        "workers": plan.workers,
        "kind": plan.kind,
        "seed": plan.seed,
        "planted_requisition": requisition_id(planted),
        "screening": {
            "planted": screening(world, world.hiring.applications.requisition == planted),
            "pooled": screening(world, np.ones(len(world.hiring.applications), bool)),
        },
        "drifting_measure": "overtime_hours",
        "drifts_in": "2026-10",
        "leaking_measure": "calibration_score",
        "without_consent": {d.period: without_consent(world, d) for d in DELIVERIES.values()},
        **{key: {d.period: faults.planted(d)[key] for d in DELIVERIES.values()} for key in ("duplicates", "malformed")},
    }


def without_consent(world: Company, delivery: Delivery) -> dict[str, int]:
    """People who did not consent and appear first in this delivery."""
    workers, candidates = world.workers, world.hiring.candidates
    return {
        "workers": int((~workers.people.has_consent & delivery.holds(workers.hired)).sum()),
        "candidates": int((~candidates.people.has_consent & delivery.holds(candidates.created)).sum()),
    }


def screening(world: Company, chosen: np.ndarray[Any, Any]) -> dict[str, float]:
    """Human screening decisions by sex among the chosen applications, by the end of the history."""
    a = world.hiring.applications
    sex = world.hiring.candidates.people.sex[a.candidate]
    is_decided = chosen & (a.last >= SCREEN) & ~((a.last == SCREEN) & (a.outcome == WITHDRAWN))
    is_decided &= a.completed[:, SCREEN] < DELIVERIES["history"].end
    women, men = (is_decided & (sex == code) for code in (FEMALE, MALE))
    shares = [float((a.last[group] > SCREEN).mean()) for group in (women, men)]
    return {
        "women": int(women.sum()),
        "men": int(men.sum()),
        "women_advanced_share": round(shares[0], 4),
        "men_advanced_share": round(shares[1], 4),
        "impact_ratio": round(min(shares) / max(shares), 4),
    }
