"""Words of verdicts and of what can be known, as pages, reports and documents show them. Pure."""

from typing import Final

from monitoring.texts import noted, say

MEANINGS: Final = {
    "ADVERSE": noted(
        "A group is selected at less than four fifths of the best group's rate, chance does not explain it, and "
        "one different decision would not undo it."
    ),
    "INVESTIGATE": noted("There is a gap that the rules alone cannot settle. A person must look into it."),
    "INSUFFICIENT_DATA": noted("Too little data to see a gap of the size that matters. This never reads as fair."),
    "NO_EVIDENCE": noted("There was enough data to see a gap that matters, and none was seen."),
    "allowed": noted(
        "No check of the gate holds it; what is left open is listed as gaps. Two people still had to approve."
    ),
    "held": noted("At least one check of the gate did not pass. Nothing was released from this verdict."),
}
DECIDES: Final = noted(
    "What decides a verdict: whether the impact ratio is below four fifths, and whether a test of the group against "
    "the reference is significant, that is, chance alone would show such a gap less than once in twenty times. It is "
    "the z test of two rates or, where fewer than thirty people are compared or fewer than five would be expected in "
    "a cell, Fisher's exact test. Then whether one different decision would undo the gap, and whether so few people "
    "could show one at all (power). From four fifths on a significant gap is to be looked into where the rates "
    "differ by two points or more and at least one person is missing. ADVERSE must be significant after correction "
    "for all groups compared, too. The "
    "interval decides nothing: it says how large the gap may be, by Katz's formula or, where a cell is empty, as a "
    "score interval, for one comparison by itself. It is reckoned otherwise than the test, so that near the line they "
    "can differ: ADVERSE may stand beside an interval that holds equality, and a milder verdict beside one that does "
    "not."
)
"""Beside every verdict that has an interval: which of the two counts."""
METRICS: Final = {
    "auc": noted("AUC"),
    "mae": noted("mean absolute error"),
    "hr_at_10": noted("HR@10"),
}
"""Names of metrics, as they are shown."""
METRIC_MEANINGS: Final = {
    "auc": noted("AUC: how often a favourable case has the higher score of two; 0.5 is chance, 1 always."),
    "mae": noted(
        "Mean absolute error: how far a prediction lies from what came, in the mean, as a share of the scale."
    ),
    "hr_at_10": noted("HR@10: the share of people whose next course was among the first ten of their list."),
}
"""What they say."""
WORDS: Final = (
    *(noted("ADVERSE"), noted("INVESTIGATE"), noted("INSUFFICIENT DATA"), noted("NO EVIDENCE")),
    *(noted("allowed"), noted("held")),
)
"""Verdicts as they are shown."""
KINDS: Final = (noted("release"), noted("shadow"), noted("rollback"), noted("stop"))
"""Of pointers, as they are shown."""
TONES: Final = {
    "ADVERSE": "bad",
    "INVESTIGATE": "warn",
    "INSUFFICIENT_DATA": "unsure",
    "NO_EVIDENCE": "good",
    "allowed": "good",
    "held": "bad",
}
SEEN: Final = {
    "screening": noted(
        "an outcome is known of applications that people screened, and it is their decision, not how somebody "
        "would have worked: of people who never applied, or were not screened, nothing is learnt, and none of those "
        "turned away shows what they would have done"
    ),
    "recommendation": noted(
        "it is known which courses were taken: one that somebody was never shown, or was not allowed, "
        "looks like one that they did not want"
    ),
    "outcomes": noted(
        "an end is known of people who enrolled, or were enrolled, and were still there on the day of the "
        "prediction: who was never offered the course is in no figure"
    ),
    "performance": noted(
        "a rating is known of people who were hired and stayed until it was given, and it is what a "
        "reviewer said: who was not hired, or left before, is in no figure"
    ),
}
"""Whose outcomes can be known at all: selective labels, which no figure of accuracy or bias shows."""


def metric_name(metric: str) -> str:
    """The name of a metric, as it is shown; one that is not known as it is written."""
    return say(METRICS.get(metric.lower(), metric))
