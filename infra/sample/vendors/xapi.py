"""What the learning system prints as xAPI statements: one JSON object a line, in the order of its tables.

The same enrolments, submissions and endings as in `tables`. A statement is said of an account, about a course or an
item of one; a run and what an enrolment needs beyond the standard stand in its context. One completion was said by
mistake and is voided by a later statement, one is somebody's whose number another company gave; launches are said too,
which mean nothing to anybody.
"""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta, timezone
from itertools import chain
from typing import TYPE_CHECKING, Any

from infra.sample.dialects import replacing
from infra.sample.workday import wid

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import polars as pl

    from infra.sample.plan import Delivery

LMS = "https://lms.company.example"
HOME = "https://hr.company.example"
ADL = "http://adlnet.gov/expapi"
VERBS = {
    "registered": f"{ADL}/verbs/registered",
    "launched": f"{ADL}/verbs/launched",
    "submitted": "http://activitystrea.ms/schema/1.0/submit",
    "completed": f"{ADL}/verbs/completed",
    "failed": f"{ADL}/verbs/failed",
    "abandoned": "https://w3id.org/xapi/adl/verbs/abandoned",
    "expired": "http://id.tincanapi.com/verb/expired",
    "voided": f"{ADL}/verbs/voided",
}
ENDED = {"Completed": "completed", "Failed": "failed", "Withdrawn": "abandoned", "Expired": "expired"}
DELAY = timedelta(seconds=2)
"""Between what happens and its receipt."""
Row = dict[str, Any]


def write_statements(
    frames: dict[str, pl.DataFrame], catalogue: pl.DataFrame, delivery: Delivery, out: Path
) -> dict[str, int]:
    """Write all statements of a delivery.

    Args:
        frames: Of `tables.learning_frames`.
        catalogue: Of `tables.course_frame`.
        delivery: Names the file.
        out: The company's exports folder.

    Returns:
        Statements by verb.
    """
    counts = dict.fromkeys(VERBS, 0)
    titles = dict(catalogue.select("Course ID", "Title").iter_rows())
    with replacing(out / "lrs" / f"statements_{delivery.period}.ndjson") as file:
        for said in statements(frames, titles):
            file.write(json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
            counts[said["verb"]["display"]["en-US"]] += 1
    return counts


def statements(frames: dict[str, pl.DataFrame], titles: dict[str, str]) -> Iterator[Row]:
    """All statements, those that do not count among them."""
    said = chain(
        (registered(row, titles) for row in frames["enrolments"].iter_rows(named=True)),
        (launched(row, titles) for row in frames["enrolments"].head(50).iter_rows(named=True)),
        (submitted(row) for row in frames["progress"].iter_rows(named=True)),
        (ended(row, titles) for row in frames["completions"].iter_rows(named=True)),
    )
    yield from said
    last = frames["completions"].tail(1).row(0, named=True)
    mistake = ended(last | {"Status": "Completed", "Score": "100,0", "Enrollment ID": "E-0-0"}, titles)
    yield mistake
    yield voiding(mistake)
    guest = {"objectType": "Agent", "account": {"homePage": "https://partner.example", "name": last["Employee ID"]}}
    yield mistake | {"id": _uuid("guest", mistake["id"]), "actor": guest}


def registered(row: Row, titles: dict[str, str]) -> Row:
    """Somebody was enrolled. When it starts, who wanted it and the how-manieth time it is are extensions."""
    more = {
        f"{LMS}/xapi/starts-at": _moment(row["Starts At"]),
        f"{LMS}/xapi/due-at": _moment(row["Due At"]),
        f"{LMS}/xapi/assigned-by": row["Assigned By"],
        f"{LMS}/xapi/attempt": int(row["Attempt"]),
    }
    said = _statement(row, "registered", row["Enrolled At"], _course(row, titles))
    return said | {"context": said["context"] | {"extensions": more}}


def launched(row: Row, titles: dict[str, str]) -> Row:
    """Somebody opened a course."""
    return _statement(row, "launched", row["Starts At"], _course(row, titles))


def submitted(row: Row) -> Row:
    """Somebody handed in an item of a course."""
    item = {"objectType": "Activity", "id": f"{LMS}/courses/{row['Course ID']}/items/{row['Item']}"}
    said = _statement(row, "submitted", row["Submitted At"], item)
    more = {f"{LMS}/xapi/days-late": int(row["Days Late"])}
    return said | {"result": _result(row["Score"]), "context": said["context"] | {"extensions": more}}


def ended(row: Row, titles: dict[str, str]) -> Row:
    """A course came to its end for somebody, in one way or another."""
    verb = ENDED[row["Status"]]
    said = _statement(row, verb, row["Completed At"], _course(row, titles))
    if row["Score"] is None:
        return said
    return said | {"result": _result(row["Score"]) | {"completion": True, "success": verb == "completed"}}


def voiding(mistake: Row) -> Row:
    """What takes a statement back."""
    reference = {"objectType": "StatementRef", "id": mistake["id"]}
    verb = {"id": VERBS["voided"], "display": {"en-US": "voided"}}
    agent = {"objectType": "Agent", "mbox": "mailto:lms@company.example"}
    kept = {name: mistake[name] for name in ("timestamp", "stored", "version")}
    return {"id": _uuid("voiding", mistake["id"]), "actor": agent, "verb": verb, "object": reference, **kept}


def _statement(row: Row, verb: str, at: str, about: Row) -> Row:
    learner, run = row["Employee ID"], row["Run"]
    parent = about["id"].partition("/items/")[0]
    zone = timezone(timedelta(hours=2)) if int(learner) % 2 else UTC  # of the learner's device
    moment = _read(at)
    return {
        "id": _uuid(verb, row["Enrollment ID"], about["id"], at),
        "actor": {"objectType": "Agent", "account": {"homePage": HOME, "name": learner}},
        "verb": {"id": VERBS[verb], "display": {"en-US": verb}},
        "object": about,
        "context": {
            "registration": _uuid("enrolment", row["Enrollment ID"]),
            "contextActivities": {"parent": [{"id": parent}], "grouping": [{"id": f"{LMS}/runs/{run}"}]},
        },
        "timestamp": moment.astimezone(zone).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "stored": (moment + DELAY).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "version": "1.0.3",
    }


def _course(row: Row, titles: dict[str, str]) -> Row:
    kind, name = f"{ADL}/activities/course", titles[row["Course ID"]]
    return {
        "objectType": "Activity",
        "id": f"{LMS}/courses/{row['Course ID']}",
        "definition": {"type": kind, "name": {"en-US": name}},
    }


def _result(score: str) -> Row:
    raw = float(score.replace(",", "."))
    return {"score": {"scaled": raw / 100, "raw": raw, "min": 0, "max": 100}}


def _uuid(*parts: str) -> str:
    return str(uuid.UUID(hex=wid(*parts), version=4))


def _read(text: str) -> datetime:
    """A moment of the learning system's tables, which is UTC."""
    return datetime.strptime(text, "%d.%m.%Y %H:%M").replace(tzinfo=UTC)


def _moment(text: str) -> str:
    return _read(text).isoformat(timespec="milliseconds").replace("+00:00", "Z")
