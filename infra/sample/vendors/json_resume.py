"""Candidates as JSON Resume 1.0 tells them: one document each, a line each in the dump of a careers site.

A document is about somebody and not about their candidacy: it has one name, no number but in its own address, no
source, no consent, and of its past only when it was last changed.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from infra.sample.dialects import replacing
from infra.sample.vendors.profiles import profile
from infra.sample.workday import candidate_rows

if TYPE_CHECKING:
    from pathlib import Path

    from infra.sample.hiring import Hiring
    from infra.sample.plan import Delivery, Plan
    from infra.sample.vendors.profiles import Profile

Row = dict[str, Any]
SCHEMA = "https://raw.githubusercontent.com/jsonresume/resume-schema/v1.0.0/schema.json"
PLACE = "https://careers.company.example/resumes"


def write_resumes(plan: Plan, hiring: Hiring, delivery: Delivery, out: Path) -> int:
    """Write the documents of new and changed candidates.

    Returns:
        Their number.
    """
    count = 0
    with replacing(out / "json_resume" / f"resumes_{delivery.period}.ndjson") as file:
        for row in candidate_rows(plan, hiring, delivery, set()):
            said = resume(row, profile(hiring.candidates, row))
            file.write(json.dumps(said, ensure_ascii=False).encode() + b"\n")
            count += 1
    return count


def resume(row: Row, about: Profile) -> Row:
    """One document."""
    work: Row = {"name": about.employer, "position": about.title, "startDate": about.since, "highlights": []}
    return {
        "$schema": SCHEMA,
        "basics": {
            "name": f"{row['Legal_First_Name']} {row['Legal_Last_Name']}",
            "label": about.title,
            "image": "",
            "email": row["Email"],
            "phone": row["Phone"],
            "location": {"city": about.city, "countryCode": row["Country_ISO"]},
            "profiles": [],
        },
        "work": [work],
        "education": [{"institution": about.school, "studyType": about.degree}],
        "skills": [{"name": skill, "keywords": []} for skill in about.skills],
        "languages": [{"language": "English", "fluency": "Fluent"}],
        "meta": {
            "canonical": f"{PLACE}/{row['Candidate_ID']}",
            "version": "v1.0.0",
            "lastModified": row["Last_Updated_Moment"].removesuffix(".000Z"),
        },
    }
