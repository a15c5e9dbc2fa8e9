"""One person whose every value is unmistakable, delivered whole and broken, and a search that finds them anywhere.

The canary is a worker, a candidate and a learner with consent; a second delivery carries the same values in rows
and files that must fail: malformed cells, a truncated report, a renamed column, a resume that is no document.
"""

import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import polars as pl

# Spelt backwards: every clone of the repository holds this file, and the search must not find it.
FIRST, LAST, WORKER, CANDIDATE = (text[::-1] for text in ("anelxuuQ", "ttavyzzyZ", "714077", "714077-C"))
ENROLMENT, APPLICATION, EMAIL = (text[::-1] for text in ("00-714077-E", "0714077-A", "elpmaxe.ttavyzzyz@anelxuuq"))
PHONE, STREET, BORN = (text[::-1] for text in ("0071 4077 03 94+", "4077 tnecserC htiloneX", "30-20-1691"))

PERSONAL: Final = {
    "first name": FIRST,
    "last name": LAST,
    "e-mail": EMAIL,
    "phone": PHONE,
    "street": STREET,
    "birth date": BORN,
    "worker id": WORKER,
    "candidate id": CANDIDATE,
    "enrolment id": ENROLMENT,
    "application id": APPLICATION,
}
_WHOLE: Final = rb"(?i)(?<![0-9a-z.])%s(?![0-9a-z])"
"""Six digits occur inside digests and fractions by chance; as a word of their own they are a person's number."""
PATTERNS: Final = {name: re.compile(_WHOLE % re.escape(value.encode())) for name, value in PERSONAL.items()}


def deliver(exports: Path) -> None:
    """Write both deliveries beside what the sample company exports."""
    for name, rows in _reports().items():
        _write(exports / f"{name}_2026-08.json", json.dumps({"Report_Entry": rows}))
    for name, text in _tables().items():
        _write(exports / f"{name}_2026-08.csv", text)
    _resume(exports / "resumes" / "2026-08" / f"{CANDIDATE}.pdf")
    _write(exports / "resumes" / "2026-08" / "C-770418.pdf", f"\0{FIRST} {LAST} {EMAIL}: this is no document\0\1")
    truncated = json.dumps({"Report_Entry": _reports()["workday_restricted/HRML_Candidate_EEO"]})[:-40]
    _write(exports / "workday_restricted" / "HRML_Candidate_EEO_2026-07.json", truncated)
    renamed = _tables()["lms/progress"].replace("Submitted At", "Submitted")
    _write(exports / "lms" / "progress_2026-07.csv", renamed)


def findings(top: Path, is_allowed: dict[str, tuple[str, ...]]) -> dict[str, list[str]]:
    """Where any value of the canary stands in clear.

    Args:
        top: Folder that is searched whole, in archives, Parquet and compressed objects too.
        is_allowed: Prefix below `top` -> names of the values that may stand there.

    Returns:
        Path below `top` -> names of the values found.
    """
    found = {}
    for file in sorted(path for path in top.rglob("*") if path.is_file() and not path.is_symlink()):
        place = file.relative_to(top).as_posix()
        allowed = {name for prefix, names in is_allowed.items() if place.startswith(prefix) for name in names}
        seen = {name for data in unpacked(file) for name in said_in(data)}
        if seen - allowed:
            found[place] = sorted(seen - allowed)
    return found


def said_in(data: bytes) -> set[str]:
    """Names of the values that stand in `data`. Most bytes hold none, and `in` says so much sooner than a pattern."""
    lower = data.lower()
    maybe = [name for name, value in PERSONAL.items() if value.lower().encode() in lower]
    return {name for name in maybe if PATTERNS[name].search(data)}


def unpacked(file: Path) -> Iterator[bytes]:
    """A file's bytes, and whatever they hold in packed form."""
    data = file.read_bytes()
    yield data
    if data[:4] == b"PAR1":
        yield (pl.read_parquet(io.BytesIO(data)).select(pl.exclude(pl.Binary)).write_json().encode())
    elif data[:4] == b"PK\x03\x04":  # two bytes alone begin some ciphertext in every tenth company
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            yield from (archive.read(name) for name in archive.namelist())
    elif data[:1] == b"\x78":
        try:
            yield zlib.decompress(data)  # an object of the git repository
        except zlib.error:
            return


def _reports() -> dict[str, list[dict[str, object]]]:
    moment, name = "2026-08-20T08:00:00.000Z", {"Legal_First_Name": FIRST, "Legal_Last_Name": LAST}
    worker = {
        "Worker_ID": WORKER,
        "Worker_Type": "Employee",
        "Hire_Date": "2022-08-15",
        "Job_Family_ID": "SALES",
        "Management_Level_ID": "P2",
        "Country_ISO": "DE",
        "Manager_Worker_ID": "000001",
        "FTE": "1.0",
        "Analytics_Consent": "1",
        "Work_Email": EMAIL,
        "Hired_From_Candidate_ID": CANDIDATE,
        "Last_Functionally_Updated": moment,
        **name,
    }
    candidate = {
        "Candidate_ID": CANDIDATE,
        "Employee_ID": WORKER,
        "Country_ISO": "DE",
        "Created_Moment": moment,
        "Last_Updated_Moment": moment,
        "Source": "Referral",
        "Consent_Given": "1",
        "Email": EMAIL,
        "Phone": PHONE,
        "Home_Address": STREET,
        **name,
    }
    stage = {"Stage_ID": "APPLIED", "Started_Moment": moment, "Completed_Moment": moment, "Outcome": "Advanced"}
    application = {
        "Application_ID": APPLICATION,
        "Candidate_ID": CANDIDATE,
        "Requisition_ID": "R-0010",
        "Applied_Moment": moment,
        "Current_Status": "In Process",
        "Last_Updated_Moment": moment,
        "Stage_History_group": [{**stage, "Decided_By": "Rule"}],
    }
    said = {"Gender_ID": "Female", "Birth_Date": BORN, "Disability_Status": "Yes", "Declared_Date": "2026-08-20"}
    return {
        "workday/HRML_Workers": [worker, worker | {"Worker_ID": "770418", "Hire_Date": f"{FIRST} {LAST}"}],
        "workday/HRML_Candidates": [candidate, candidate | {"Candidate_ID": f"{CANDIDATE}9", "Created_Moment": EMAIL}],
        "workday/HRML_Applications": [
            application,
            application | {"Application_ID": f"{APPLICATION}1", "Requisition_ID": f"{LAST}-7704"},
        ],
        "workday_restricted/HRML_Protected": [{"Worker_ID": WORKER, **said}, {"Worker_ID": WORKER, "Gender_ID": LAST}],
        "workday_restricted/HRML_Candidate_EEO": [{"Candidate_ID": CANDIDATE, **said}],
    }


def _tables() -> dict[str, str]:
    enrolment = f"{ENROLMENT},{WORKER},CRS-001,2026-08"
    months = "\n".join(f"{WORKER},2026-0{n},160.0,4.0,1,40,80.1,4.1,3.1,2026-0{n}-28T22:00:00Z" for n in range(1, 9))
    return {
        "lms/enrolments": "Enrollment ID,Employee ID,Course ID,Run,Enrolled At,Starts At,Due At,Assigned By,Attempt\n"
        f"{enrolment},05.08.2026 02:23,10.08.2026 01:01,30.12.2026 01:01,HR,1\n"
        f"{ENROLMENT}1,{WORKER},{LAST},2026-08,{FIRST},10.08.2026 01:01,30.12.2026 01:01,HR,1\n",
        "lms/completions": "Enrollment ID,Employee ID,Course ID,Run,Status,Completed At,Score\n"
        f'{ENROLMENT},{WORKER},CRS-002,2026-07,Completed,01.08.2026 06:40,"88,0"\n'
        f"{ENROLMENT},{WORKER},CRS-002,2026-07,{LAST},01.08.2026 06:40,{FIRST}\n",
        "lms/progress": "Enrollment ID,Employee ID,Course ID,Run,Item,Submitted At,Score,Days Late\n"
        f'{enrolment},Q0,20.08.2026 03:31,"72,0",0\n',
        "performance/reviews": "review_id;worker_id;period;period_start;period_end;completed_date;template;"
        "manager_rating;self_rating\n"
        f"RV-1;{WORKER};2026H1;2025-11-01;2026-04-30;2026-04-27;Half-Year Review;3,4;3,4\n"
        f"RV-2;{WORKER};2026H2;2026-05-01;2026-07-31;2026-07-27;{FIRST};{LAST};3,4\n",
        "performance/work_records": "worker_id,month,hours_worked,overtime_hours,absence_days,tasks_completed,"
        f"quality_score,customer_score,calibration_score,exported_at\n{months}\n"
        f"{WORKER},2026-08,{FIRST},{LAST},1,40,80.1,4.1,3.1,2026-08-28T22:00:00Z\n",
    }


def _resume(file: Path) -> None:
    from reportlab.pdfgen.canvas import Canvas

    lines = [
        f"{FIRST} {LAST}",
        f"{STREET}, 10115 Berlin",
        f"{EMAIL}  {PHONE}",
        f"Date of birth: {BORN}",
        "Profile: five years of looking after business customers, from first call to signed contract.",
        "Experience: account manager, 2019 to 2024. Negotiated contracts, kept a portfolio of sixty customers,",
        "wrote offers, ran workshops and forecasts, and trained four colleagues in the use of the sales system.",
        "Skills: negotiation, forecasting, customer care, presentation, spreadsheets, contract law.",
    ]
    file.parent.mkdir(parents=True, exist_ok=True)
    page = Canvas(str(file))
    for n, line in enumerate(lines):
        page.drawString(50, 780 - 18 * n, line)
    page.save()


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
