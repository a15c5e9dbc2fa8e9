"""A sample company: three years of people, hiring, learning and work, printed as vendors' exports.

    python -m infra.sample --out var/sample/exports --delivery history
    python -m infra.sample --out var/sample/exports --delivery month36
    python -m infra.sample truths

A simulator, not a mock: it shares no code with the readers. Everything follows from `--workers`, `--kind`
and `--seed`; the same call writes the same bytes on any day. The calendar is 2023-11 to 2026-10. The
history holds what was known by the end of 2026-09, month36 what became known in 2026-10: workers,
requisitions and courses in full, of the rest what is new or changed.

Planted truths, which `truths` prints
-------------------------------------
*Biased decisions.* One evergreen requisition (`planted_requisition`, 280 applicants of whom about 125 of
each sex were judged, from 2025-06 on): screening let on 9% of the women and 26% of the men. All other
requisitions let on 45%, of women more where that is needed for a pooled impact ratio of at least .9 in the
history (55% at 200 workers, nothing at 2,000). Merit knows no sex, and by default no resume tells it.
*The biased company* (`--kind biased`): all requisitions let on 14% of the women and 58% of the men, and
nine resumes in ten name pastimes that tell a sex ("captain of the women's hockey team").
*Drift.* `overtime_hours` reads 6 hours (about one standard deviation) more in 2026-10, everywhere: a new
time clock. The true load did not change.
*Leak.* `calibration_score`, in the work records of every month of a closed review period, is that period's
rating itself, agreed weeks after most of those months. `Regrettable_Termination` exists only for leavers.
*No consent.* About 4% of workers and of candidates. A candidate who becomes or is a worker keeps one answer.
*Bad rows*, all in the history: 3 enrolments and 4 work records twice, an application for requisition
R-9999, 2 completions with the score `abc`, a review rated 7,0, a resume that is encrypted, one that is text
under the name of a PDF, one of 0 bytes. Two worker records of nobody, one without Hire_Date and one hired on
2024-13-45, stand in both deliveries, as workers are always delivered in full.

What a model can learn
----------------------
*Screening.* Merit is 1.0 x the share of the six required skills that a candidate has (standardised), plus
0.45 x years of experience. Required skills stand in the requisition's text; a candidate's skills and years
stand in the resume. The AUC of merit for the human decision is .84 at 2,000 workers (.80 at 200, where the
planted requisition is two fifths of all).
*Outcomes.* Completing follows a learner's lasting diligence, the run's effort, the course's difficulty and
that month's overtime. The true chance has an AUC of about .84; earlier completions, course and overtime alone
reach .77, with the submissions of the first two weeks .84 (at 200 workers .72 and .81).
*Recommendation.* Per job family a Markov chain over courses: the next step of the topic (.5), the family's side
path (.2), taste (.3). Eight to nine courses a learner; first-order Markov finds the next one among five
in 70% of cases, popularity in 20%.
*Performance.* A lasting level plus AR(1); ratings follow the six months' mean. The previous period explains .59
of the variance of the next rating, five months of the period itself .85.

Protected attributes are drawn apart from everything above and enter none of it. Two things follow from age
alone: nobody is hired under 18, and nobody has more years of experience than adult life. One ethnic group
has 3% of the people, 5% did not say, 2% did not declare a sex.

Sizes
-----
200 workers: 700 applications, 12 requisitions, 36 courses. 2,000: 3,000, 60 and 60. In general 1.5
applications and 0.03 requisitions a worker, with at least 700 and 12. Above 20,000 workers, applications
stop at 200,000 and requisitions at 2,000, a delivery holds the newest 2,000 resumes only, work records and
enrolments start in 2026-08 and reviews with period 2026H1. Workers are then simulated in blocks of 50,000
with streams of their own, and every file is written row by row or block by block.

Conventions: worker ids count from 000000, attempts from 1; moments in the learning system are UTC without
saying so; an enrolment that outlives its learner's employment ends as Withdrawn on the last day.
"""

from typing import Final

SMALLEST: Final = 20
LARGEST: Final = 1_000_000
"""Workers of a sample company. Here, so that who asks for one need not import what draws it."""
