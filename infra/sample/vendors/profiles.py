"""What candidates tell of themselves in structured form, for the open standards: one job, one school, their skills.

Dates are as exact as people are: a year, a month or a day.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from infra.sample import names
from infra.sample import vocabulary as words

if TYPE_CHECKING:
    from infra.sample.hiring import Candidates

Row = dict[str, Any]
LENGTHS = (4, 7, 10)
"""Characters of a year, a month, a day."""


@dataclass(frozen=True, slots=True)
class Profile:
    """One candidate's."""

    title: str
    city: str
    employer: str
    since: str
    """`2014`, `2014-05` or `2014-05-01`."""
    school: str
    degree: str
    skills: tuple[str, ...]


def profile(candidates: Candidates, row: Row) -> Profile:
    """The profile of the candidate of a row of Workday's report."""
    i = int(row["Candidate_ID"].removeprefix("C-")) - 1
    family, people = words.FAMILIES[candidates.home[i]], candidates.people
    owned = [words.FAMILIES[f].skills[s] for f, s in zip(*np.nonzero(candidates.skills[i]), strict=True)]
    years = np.timedelta64(365 * int(candidates.years[i]), "D")
    since = str(candidates.created[i].astype("datetime64[D]") - years)
    return Profile(
        title=family.titles[i % len(family.titles)],
        city=names.CITIES[people.country[i]][people.city[i]],
        employer=names.EMPLOYERS[i % len(names.EMPLOYERS)],
        since=since[: LENGTHS[i % len(LENGTHS)]],
        school=names.SCHOOLS[i % len(names.SCHOOLS)],
        degree=names.DEGREES[i % len(names.DEGREES)],
        skills=tuple(owned),
    )
