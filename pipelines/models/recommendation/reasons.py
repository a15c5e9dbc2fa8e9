"""Why a course was put forward: the courses without which it would have scored less.

What the counts say of a learner's courses only nominates them. A score is a share of the whole, a vector of unit length
and a network besides, so a course that speaks for another may still have lowered its score. Each one nominated is
taken out of the history and the learner is scored again: it is a reason if the score falls, and the more the sooner.
Where none is, all of them are tried together; then it may be one that many take. Of what is put forward for want of
anything better that is said.
"""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from pipelines.models.recommendation.tables import Links, Numbers

MOST: Final = 3
"""Reasons of one course; so many courses are nominated for it too."""
TOGETHER: Final = "together:courses_taken"
"""Without all that was taken the score would be lower, and no one course is a reason."""
POPULAR: Final = "popular:everybody"
"""It is taken more than the mean of the courses open to the learner, and nothing of theirs speaks for it."""
NOTHING: Final = "none:nothing_speaks_for_it"
"""It is among the best of what is left to the learner, by nothing that could be named."""
_LEAST: Final = 1e-6
"""A fall that nobody sees, as scores are kept."""
Rescore = Callable[[Sequence[int], Sequence[Sequence[int]]], Numbers]
"""Learners, by their place, and a history for each -> [n, n_courses] scores among the courses that are open to them."""


def nominated(past: Sequence[int], course: int, ease: Links, linked: Links) -> list[int]:
    """At most `MOST` of the courses taken that speak for another one, the loudest first.

    Args:
        past: Courses taken, oldest first.
        course: The one that is put forward.
        ease: [n_courses, n_courses] weight of having taken the row's course on the column's.
        linked: [n_courses + 1, n_courses] weight of the newest course taken, from 1, on the column's.
    """
    weights = {taken: float(ease[taken, course]) / len(past) ** 0.5 for taken in past}
    if past:
        weights[past[-1]] += float(linked[past[-1] + 1, course])
    return sorted((taken for taken in weights if weights[taken] > 0), key=lambda taken: (-weights[taken], taken))[:MOST]


def of(
    past: Sequence[Sequence[int]], asked: Sequence[tuple[int, int]], ease: Links, linked: Links, rescore: Rescore
) -> list[list[int]]:
    """The courses taken without which each score would be lower.

    Args:
        past: [n_people] courses taken, oldest first.
        asked: [n_asked] a learner's place in `past` and the course put forward.
        ease: As for `nominated`.
        linked: As for `nominated`.
        rescore: Scores learners by other histories.

    Returns:
        [n_asked] at most `MOST` courses, the one whose absence costs most first.
    """
    named = [nominated(past[person], course, ease, linked) for person, course in asked]
    trials = sorted({(person, taken) for (person, _), several in zip(asked, named, strict=True) for taken in several})
    if not trials:
        return [[] for _ in asked]
    place = {trial: row for row, trial in enumerate(trials)}
    people = sorted({person for person, _ in trials})
    whole = dict(zip(people, rescore(people, [past[person] for person in people]), strict=True))
    without = rescore(
        [person for person, _ in trials], [[c for c in past[person] if c != taken] for person, taken in trials]
    )
    found = []
    for (person, course), several in zip(asked, named, strict=True):
        falls = np.array([whole[person][course] - without[place[person, taken], course] for taken in several])
        order = sorted(range(len(several)), key=lambda n: (-falls[n], several[n]))
        found.append([several[n] for n in order if falls[n] > _LEAST])
    return found


def beside(
    past: Sequence[Sequence[int]], asked: Sequence[tuple[int, int]], shut: Numbers, popular: Numbers, rescore: Rescore
) -> list[str]:
    """What else speaks for each course, of which no course taken alone does.

    Args:
        past: As for `of`.
        asked: Likewise.
        shut: [n_people, n_courses] 1 where a course is not open.
        popular: [n_courses] share of all courses taken.
        rescore: As for `of`.

    Returns:
        [n_asked] `TOGETHER`, `POPULAR` or `NOTHING`, the first that is true.
    """
    people = sorted({person for person, _ in asked if past[person]})
    taken: tuple[list[Sequence[int]], ...] = ([past[person] for person in people], [[] for _ in people])
    whole, without = (
        dict(zip(people, rescore(people, histories) if people else [], strict=True)) for histories in taken
    )
    found = []
    for person, course in asked:
        if person in whole and whole[person][course] - without[person][course] > _LEAST:
            found.append(TOGETHER)
        else:
            is_popular = popular[course] > popular[shut[person] == 0].mean() + _LEAST
            found.append(POPULAR if is_popular else NOTHING)
    return found
