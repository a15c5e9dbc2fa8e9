"""Interviews and scorecards as Greenhouse's Harvest API prints them, version 3: lists that point to one another.

A scorecard names the kit that it was filled in by, a kit the interview of the job's plan, and so does an interview;
neither names a candidate. Besides, there is what must not come in: an interview that nobody has arranged, a draft,
notes, a private candidate's and a prospect's.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any

from infra.sample.interviews import CRITERIA, KEY, STAGES, Interview, Opinion, interviews
from infra.sample.vendors.greenhouse import APPLICATION, JOB, JOB_STAGE, PAGE, PRIVATE, USER, number_of
from infra.sample.vendors.greenhouse import STAGES as ALL
from infra.sample.vendors.pages import write_pages
from infra.sample.workday import application_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from infra.sample.hiring import Hiring
    from infra.sample.plan import Delivery

Row = dict[str, Any]
SLOT, KIT, ATTRIBUTE, RATED = 3_000_000_000, 3_500_000_000, 3_700_000_000, 3_800_000_000
RATINGS = {"strong_no": "definitely_not"}
"""Words of attributes that differ from those of scorecards."""
NOTE = "Told me about her two children, is 52 and wants 90k."


def write_interviews(hiring: Hiring, delivery: Delivery, out: Path) -> dict[str, int]:
    """Write what version 3 answers about interviews, a file a page of a list.

    Returns:
        Records per list.
    """
    rows = list(application_rows(hiring, delivery))
    every = list(interviews(rows))
    jobs = sorted({one.requisition for one in every})
    like = next(one for one in every if one.opinions)
    others = [_of(f"A-{PRIVATE}", 8, like), _of(f"A-{PRIVATE + 1}", 9, like)]
    opinions = [(one, said) for one in [*every, *others] for said in one.opinions]
    unsent = (opinions[0][0], replace(opinions[0][1], key=opinions[0][1].key + 7))
    lists: dict[str, Iterable[Row]] = {
        "interviews": chain(map(interview, every), [*map(interview, others), _unarranged(every[0])]),
        "job_interviews": (_slot(code, stage) for code in jobs for stage in STAGES),
        "interview_kits": ({"id": kit, "job_interview_id": kit - KIT + SLOT} for kit in _kits(jobs)),
        "job_candidate_attributes": (_attribute(code, n) for code in jobs for n in range(len(CRITERIA))),
        "scorecards": chain((scorecard(*told) for told in opinions), [_draft(*unsent)]),
        "scorecard_candidate_attributes": chain.from_iterable(attributes(*told) for told in [*opinions, unsent]),
    }
    folder = out / "greenhouse"
    return {name: write_pages(folder / f"{name}_{delivery.period}", made, PAGE) for name, made in lists.items()}


def interview(one: Interview) -> Row:
    """An interview: when it is, and which one of the job's plan."""
    last = one.opinions[-1].submitted if one.opinions else one.arranged
    return {
        "id": one.key,
        "created_at": one.arranged,
        "updated_at": last,
        "job_id": JOB + number_of(one.requisition),
        "application_id": APPLICATION + number_of(one.application),
        "job_interview_id": SLOT + _place(one.requisition, one.stage),
        "starts_at": one.starts,
        "ends_at": one.ends,
        "all_day_start_on": None,
        "all_day_end_on": None,
        "location": "Room Quinn",
        "status": "complete" if one.opinions else "scheduled",
        "organizer_id": USER + number_of(one.requisition),
    }


def scorecard(one: Interview, said: Opinion) -> Row:
    """What somebody thought on the whole; the notes are everybody's own words."""
    return {
        "id": said.key,
        "created_at": one.ends,
        "updated_at": said.submitted,
        "application_id": APPLICATION + number_of(one.application),
        "interview_kit_id": KIT + _place(one.requisition, one.stage),
        "interviewer_id": USER + 1,
        "submitter_id": USER + 1,
        "interviewed_at": one.starts,
        "submitted_at": said.submitted,
        "status": "complete",
        "candidate_rating": said.overall,
        "notes": NOTE,
        "private_notes": NOTE,
        "public_notes": None,
    }


def attributes(one: Interview, said: Opinion) -> Iterator[Row]:
    """What they thought on each of the things that they were to look at."""
    for n, rating in enumerate(said.criteria.values()):
        yield {
            "id": RATED + 10 * (said.key - 10 * KEY) + n,
            "scorecard_id": said.key,
            "job_candidate_attribute_id": ATTRIBUTE + 10 * number_of(one.requisition) + n,
            "candidate_attribute_rating": RATINGS.get(rating, rating),
            "note": NOTE,
            "updated_at": said.submitted,
        }


def _draft(one: Interview, said: Opinion) -> Row:
    return scorecard(one, said) | {"status": "draft", "submitted_at": None}


def _unarranged(like: Interview) -> Row:
    nowhen = {"starts_at": None, "ends_at": None}
    return interview(like) | {"id": like.key + 7, "status": "to_be_scheduled", **nowhen}


def _of(application: str, more: int, like: Interview) -> Interview:
    """The same of the application of a private candidate, or of a prospect."""
    (said,) = like.opinions[:1]
    mine = (replace(said, key=said.key + more),)
    return replace(like, key=like.key + more, application=application, opinions=mine)


def _slot(code: str, stage: str) -> Row:
    place = _place(code, stage)
    return {"id": SLOT + place, "name": ALL[stage], "job_interview_stage_id": JOB_STAGE + place}


def _kits(jobs: Iterable[str]) -> Iterator[int]:
    return (KIT + _place(code, stage) for code in jobs for stage in STAGES)


def _attribute(code: str, n: int) -> Row:
    job = JOB + number_of(code)
    return {"id": ATTRIBUTE + 10 * number_of(code) + n, "name": CRITERIA[n], "job_id": job, "active": True}


def _place(code: str, stage: str) -> int:
    """Where a stage's things of a job begin, as stages themselves do."""
    return 10 * number_of(code) + list(ALL).index(stage)
