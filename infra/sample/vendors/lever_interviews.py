"""Interviews and feedback as Lever's API prints them: each asked for by its opportunity, which a dump of all tells.

A form of feedback is a list of fields, of which one has the overall score, some a score each and some free words.
Besides, there is what must not come in, or not as what took place: an interview that was cancelled, one of a
confidential opportunity and one of a lead, feedback that was deleted or never sent.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from infra.sample.interviews import ORDER, Interview, Opinion, interviews
from infra.sample.vendors.lever import HIDDEN, PAGE, STAGES, milliseconds
from infra.sample.vendors.pages import write_pages
from infra.sample.workday import application_rows, wid

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from infra.sample.hiring import Hiring
    from infra.sample.plan import Delivery

Row = dict[str, Any]
SCORES = {
    "strong_no": "1 - Strong No Hire",
    "no": "2 - No Hire",
    "yes": "3 - Hire",
    "strong_yes": "4 - Strong Hire",
}
NOTE = "Was sick last year, but seems well again."


def write_interviews(hiring: Hiring, delivery: Delivery, out: Path) -> dict[str, int]:
    """Write what the API answers about interviews, a file a page of a list.

    Returns:
        Records per list.
    """
    every = list(interviews(application_rows(hiring, delivery)))
    opinions = [(one, said) for one in every for said in one.opinions]
    lead: Row = {"opportunityId": f"A-{HIDDEN + 2}"}
    hidden: Row = {"opportunityId": f"A-{HIDDEN}"}
    unwanted = (
        feedback(*opinions[0]) | {"id": "deleted", "deletedAt": milliseconds(every[0].ends)},
        feedback(*opinions[0]) | {"id": "unsent", "completedAt": None},
        feedback(*opinions[0]) | {"id": "confidential"} | hidden,
        feedback(*opinions[0]) | {"id": "lead"} | lead,
    )
    beside = (
        interview(every[0]) | {"id": str(every[0].key + 9), "canceledAt": milliseconds(every[0].starts)},
        interview(every[0]) | {"id": "confidential"} | hidden,
        interview(every[0]) | {"id": "lead"} | lead,
    )
    lists: dict[str, Iterable[Row]] = {
        "interviews": chain(map(interview, every), beside),
        "feedback": chain((feedback(*told) for told in opinions), unwanted),
    }
    folder = out / "lever"
    return {name: write_pages(folder / f"{name}_{delivery.period}", made, PAGE, _page) for name, made in lists.items()}


def _page(records: list[Row], has_next: bool) -> Row:
    cursor = {"next": wid("cursor", records[-1]["id"])} if has_next else {}
    return {"data": records, "hasNext": has_next, **cursor}


def interview(one: Interview) -> Row:
    """An interview, with the forms that were filled in after it."""
    return {
        "id": str(one.key),
        "opportunityId": one.application,
        "panel": wid("panel", one.key),
        "subject": "Interview with Quinn",
        "note": NOTE,
        "interviewers": [{"id": wid("user"), "name": "Bo Lang", "email": "bo.lang@company.example"}],
        "timezone": "America/Denver",
        "createdAt": milliseconds(one.arranged),
        "date": milliseconds(one.starts),
        "duration": one.minutes,
        "location": "",
        "feedbackForms": [str(said.key) for said in one.opinions],
        "stage": STAGES[one.stage][0],
        "canceledAt": None,
    }


def feedback(one: Interview, said: Opinion) -> Row:
    """A form that somebody filled in."""
    overall: Row = {"type": "score-system", "text": "Rating", "value": SCORES.get(said.overall)}
    rated: list[Row] = [
        {"type": "score", "text": name, "value": ORDER.index(rating) + 1 if rating in ORDER else None}
        for name, rating in said.criteria.items()
    ]
    words: Row = {"type": "textarea", "text": "Notes", "value": NOTE}
    return {
        "id": str(said.key),
        "opportunityId": one.application,
        "type": "interview",
        "text": "Interview feedback",
        "baseTemplateId": wid("template"),
        "interview": str(one.key),
        "panel": wid("panel", one.key),
        "user": wid("user"),
        "fields": [{"id": wid("field", n), **field} for n, field in enumerate([overall, *rated, words])],
        "createdAt": milliseconds(one.ends),
        "completedAt": milliseconds(said.submitted),
        "deletedAt": None,
    }
