"""Measure a model on cases it has not seen: how good, how sure, against its baseline, and whom it selects.

Reads   scored      `Scored` of model and baseline, `Outcomes`
        lake        what people decided at stages that no model is asked about, as pinned by lake.lock
        trained     card.json: digests, and the leaks that `prepare` took out
        vault       protected attributes, as pinned by lake.lock; needs the audit key
Writes  metrics.json      the family's metric with intervals, the paired difference, chance, data checks;
                          the metric for each group and subject with enough people, and how many have too few;
                          error rates, calibration and exposure in lists by group; how lists of courses are spread over
                          popular and rare ones; what `score` found when it exchanged one group's signals for another's;
                          what early warnings are worth, and how well scores at the end are foreseen, with intervals;
                          how far each group's rate may be from what known outcomes show, since some are not known;
                          of how many the model says nothing, and how right it is about the others; what the deletion
                          test of reasons found
        groups.json       selections by group, by intersection and by subject, of the model and of people before it
        groups.csv        the counts behind every judgement over all subjects: each stage, axis and group
        groups.sealed     those of each subject, however small: they can be one person's, so the audit key seals them;
                          `python -m pipelines.evaluate.cells` prints them
        roc.csv           true positive share of both scorers by false positive share (yes-or-no outcomes)
        served.json       as `score` left it
        calibration.csv   mean score against what came true, in bins of equal size; calibration_baseline.csv beside it

Intervals are percentile bootstraps that draw people, not rows: cases of one person are not independent. No model is
loaded here.
"""
