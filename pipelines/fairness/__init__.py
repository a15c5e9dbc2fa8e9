"""Selection rates by group, and what may be concluded from them.

Words used here. A *group* is one answer on one *axis* (women, on the axis sex); people whose answer is missing are
the group `unknown`. A *selection* is the favourable outcome. The *reference* is the group with the highest selection
rate among those large enough to judge. The *impact ratio* is a group's rate divided by the reference's. A *subject*
is what people were selected for, such as a requisition, and a *stage* one of the decisions on it; judging each subject
and each stage on its own is what shows a bias that pooling hides. NaN means unknown, and no caller may read it as fair.

Pure functions over counts: nothing here reads a file, a clock or a setting, except that `law` reads its own packs and
that `statutory`, run as a script by an auditor, reads the package it lies in.
"""

from pipelines.fairness.axes import AxisJudgement, GroupRow, judge_counts
from pipelines.fairness.counting import UNKNOWN, cross, intersection
from pipelines.fairness.rules import RULES, Reason, Rules, Verdict, worst
from pipelines.fairness.scoring import ScoringRates, scoring_rates
from pipelines.fairness.strata import Strata, mantel_haenszel
from pipelines.fairness.subjects import AxisReport, against_all_stages, bias_report, kept
from pipelines.fairness.withheld import ALL_STAGES

__all__ = [
    "ALL_STAGES",
    "RULES",
    "UNKNOWN",
    "AxisJudgement",
    "AxisReport",
    "GroupRow",
    "Reason",
    "Rules",
    "ScoringRates",
    "Strata",
    "Verdict",
    "against_all_stages",
    "bias_report",
    "cross",
    "intersection",
    "judge_counts",
    "kept",
    "mantel_haenszel",
    "scoring_rates",
    "worst",
]
