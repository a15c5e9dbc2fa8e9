"""Hiring as Greenhouse's Harvest API printed it until version 1 ended in August 2026: the shape that old files have.

The same things as in `greenhouse`, but more lies within another: departments and openings in a job, the job in an
application. Custom fields come twice. There is no history of stages, and who was rejected stays in the last one.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from infra.sample.vendors.greenhouse import (
    CLOSE_REASONS,
    JOB_STAGE,
    PRIVATE,
    REASONS,
    STAGES,
    Rows,
    application,
    candidate,
    custom,
    departments,
    job,
    job_stages,
    number_of,
    openings,
    posts,
    reason_of,
    rows_of,
    visits,
)
from infra.sample.vendors.pages import write_pages

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from infra.sample.company import Workers
    from infra.sample.hiring import Hiring
    from infra.sample.plan import Delivery, Plan

PAGE = 500
Row = dict[str, Any]


def write_archive(plan: Plan, hiring: Hiring, workers: Workers, delivery: Delivery, out: Path) -> dict[str, int]:
    """Write what version 1 answered until it was switched off, a file a page of a list.

    Returns:
        Records per list.
    """
    rows = rows_of(plan, hiring, workers, delivery)
    lists: dict[str, Iterable[Row]] = {
        "jobs": (old_job(row, rows.hired) for row in rows.requisitions),
        "job_posts": chain.from_iterable(map(posts, rows.requisitions)),
        "job_stages": chain.from_iterable(map(job_stages, rows.requisitions)),
        "candidates": map(old_candidate, rows.candidates),
        "applications": chain((old_application(row, rows) for row in rows.applications), [_old_prospect(rows)]),
    }
    folder = out / "greenhouse_v1"
    return {name: write_pages(folder / f"{name}_{delivery.period}", made, PAGE) for name, made in lists.items()}


def old_job(row: Row, hired: Mapping[str, Sequence[Row]]) -> Row:
    """A job of version 1: its departments and openings lie within it, custom fields twice."""
    new = job(row)
    code = row["Job_Family_ID"]
    department = next(item for item in departments() if item["external_id"] == code)
    return {
        "id": new["id"],
        "name": row["Title"],
        "requisition_id": row["Requisition_ID"],
        "notes": None,
        "confidential": False,
        "status": new["status"],
        "created_at": new["created_at"],
        "opened_at": new["opened_at"],
        "closed_at": new["closed_at"],
        "updated_at": new["updated_at"],
        "departments": [{key: department[key] for key in ("id", "name", "external_id")}],
        "offices": [],
        "openings": [_old_opening(opening) for opening in openings(row, hired)],
        **_twice({"openings_total": custom("Places", row["Openings_Total"])}),
    }


def _old_opening(new: Row) -> Row:
    reason = new["close_reason_id"]
    return {
        "id": new["id"],
        "opening_id": new["opening_id"],
        "status": "open" if new["open"] else "closed",
        "opened_at": new["opened_at"],
        "closed_at": new["closed_at"],
        "application_id": new["application_id"],
        "close_reason": {"id": reason, "name": CLOSE_REASONS[reason]} if reason else None,
    }


def old_candidate(row: Row) -> Row:
    """A candidate of version 1."""
    new = candidate(row)
    taken = ("id", "first_name", "last_name", "company", "title", "created_at", "updated_at")
    lists = ("phone_numbers", "addresses", "email_addresses", "website_addresses", "social_media_addresses", "tags")
    return {
        **{key: new[key] for key in (*taken, *lists)},
        "last_activity": new["last_activity_at"],
        "is_private": False,
        "photo_url": None,
        "attachments": [],
        "can_email": True,
        **_twice(new["custom_fields"]),
    }


def old_application(row: Row, rows: Rows) -> Row:
    """An application of version 1. Who was rejected stays in the stage; of how they came there nothing is told."""
    new = application(row, rows)
    is_rejected = new["status"] == "rejected"
    stage = visits(row)[-1]["Stage_ID"]
    last = JOB_STAGE + 10 * number_of(row["Requisition_ID"]) + list(STAGES).index(stage)
    name = STAGES[stage]
    reason = reason_of(REASONS[row["Disposition_ID"]]) if is_rejected else None
    if reason:
        reason["type"] = {key: reason["type"][key] for key in ("id", "name")}
    return {
        "id": new["id"],
        "candidate_id": new["candidate_id"],
        "prospect": False,
        "applied_at": new["created_at"],
        "rejected_at": new["rejected_at"],
        "last_activity_at": new["last_activity_at"],
        "location": None,
        "source": {"id": new["source_id"], "public_name": rows.sources[row["Candidate_ID"]]},
        "credited_to": None,
        "rejection_reason": reason,
        "rejection_details": {"custom_fields": {}, "keyed_custom_fields": {}} if is_rejected else None,
        "jobs": [{"id": new["job_id"], "name": "A job"}],
        "job_post_id": new["job_post_id"],
        "status": {"in_process": "active"}.get(new["status"], new["status"]),
        "current_stage": None if new["status"] == "hired" else {"id": last, "name": name},
        "answers": [],
        "prospect_detail": None,
        **_twice(new["custom_fields"]),
    }


def _old_prospect(rows: Rows) -> Row:
    like = {**rows.applications[0], "Application_ID": f"A-{PRIVATE + 1}"}
    nowhere = {"prospect": True, "jobs": [], "current_stage": None, "status": "active", "rejected_at": None}
    return old_application(like, rows) | nowhere | {"rejection_reason": None, "rejection_details": None}


def _twice(fields: Mapping[str, Row]) -> Row:
    """Custom fields as values, and with their names and types under another key."""
    return {"custom_fields": {key: field["value"] for key, field in fields.items()}, "keyed_custom_fields": fields}
