"""People and applications that HR systems tell badly, written by hand as Workday's rows, which every writer prints.

The sample company knows nobody of them. `careers` has those whose jobs change.
"""

from __future__ import annotations

from typing import Any

Row = dict[str, Any]
COMPOSED, APART = "Nu\u00f1ez", "Nun\u0303ez"
"""The same name in one character less: it comes as it was written."""
TITLE = 'Clerk, "Night" shift;\nDean | Emeritus, 2'
"""40 characters of whatever stands between cells and records."""
NAMES = {
    "000001": ("Jennifer", "Null"),
    "000002": ("NA", "NA"),
    "000003": ("Se\u00e1n", "O'Brien"),
    "000004": ("Jos\u00e9", COMPOSED),
    "000005": ("Jose\u0301", APART),
    "000006": ("\u5c0f\u9f99", "\u674e"),
    "000007": ("\u0641\u0627\u0637\u0645\u0629", "\u0627\u0644\u0632\u0647\u0631\u0627\u0621"),
    "000008": ("True", "N/A"),
    "000009": ("1E5", "-"),
}
"""Worker -> first and last name."""
TO_COME, LEAVES, LEFT = "000006", "000007", "000008"
"""Who begins, and who goes, after the day on which everybody prints; and who is gone."""
DAYS = {TO_COME: "2026-11-02", LEAVES: "2026-12-31", LEFT: "2025-06-30"}
FIRST_HIRED = {"000009": "2012-05-01"}
"""Who was here before, and since when; others began with this employment."""
MANAGERS = {"000001": "000002", "000002": "000001", "000003": "000250", "000004": "000004", "000005": None}
"""Two who lead each other, one led by somebody whom no file has, one by themself, one by nobody; others by 000001."""


def staff() -> list[Row]:
    """Nine workers, three in Namibia; one is gone, one was hired again, one is to come and one to go."""
    return [_worker(number, key) for number, key in enumerate(NAMES)]


def _worker(number: int, key: str) -> Row:
    country, currency = (("NA", "NAD"), ("US", "USD"), ("DE", "EUR"), ("GB", "GBP"))[number % 4]
    hired = DAYS[key] if key == TO_COME else f"20{10 + number}-02-28"
    left = DAYS.get(key) if key in (LEAVES, LEFT) else None
    return {
        "Worker_ID": key,
        "Worker_WID": f"{number:032x}",
        "Universal_ID": f"U{key}",
        "Worker_Type": "Contingent Worker" if number == 5 else "Employee",
        "Worker_Status": "Terminated" if key == LEFT else "Active",
        "Hire_Date": hired,
        "Original_Hire_Date": FIRST_HIRED.get(key, hired),
        "Termination_Date": left,
        "Termination_Category": "Voluntary" if left else None,
        "Position_ID": f"P-{key}",
        "Job_Profile_ID": "ENG-2",
        "Job_Family_ID": "ENG",
        "Management_Level_ID": "P2",
        "Business_Title": TITLE,
        "Supervisory_Org_ID": "ORG-000001",
        "Company_ID": f"COMP-{country}",
        "Location_ID": "Windhoek" if country == "NA" else "Riverton",
        "Country_ISO": country,
        "Manager_Worker_ID": MANAGERS.get(key, "000001"),
        "FTE": "1.0",
        "Time_Type": "Full_time",
        "Scheduled_Weekly_Hours": "40",
        "Base_Pay": "50000",
        "Base_Pay_Currency": currency,
        "Base_Pay_Frequency": "Annual",
        "Analytics_Consent": "0" if number == 3 else "1",
        "Legal_First_Name": NAMES[key][0],
        "Legal_Last_Name": NAMES[key][1],
        "Work_Email": f"w{key}@company.example",
        "Hired_From_Candidate_ID": None,
        "Regrettable_Termination": "0" if left else None,
        "Last_Functionally_Updated": "2026-05-04T06:00:00.000Z",
    }


DESCRIPTION = 'We mend R&D, "A/B" and more. Bring tools.'
POSITION_CLOSED = "CLOSED"
STEPS = {
    # Withdrew, and was taken up again ten days later. Was moved back from the offer, and is in a further interview now.
    "A-0000001": (
        ("APPLIED", "03-02T09", "03-02T11", "Advanced"),
        ("SCREEN", "03-02T11", "03-10T10", "Withdrawn"),
        ("SCREEN", "03-20T10", "03-25T10", "Advanced"),
        ("INTERVIEW", "03-25T10", "03-30T10", "Advanced"),
        ("OFFER", "03-30T10", "04-03T10", "Moved Back"),
        ("INTERVIEW", "04-03T10", None, None),
    ),
    # Works here already. Was moved back from the offer to a further interview, and declined the second offer.
    "A-0000002": (
        ("APPLIED", "03-03T09", "03-03T11", "Advanced"),
        ("SCREEN", "03-03T11", "03-10T12", "Advanced"),
        ("INTERVIEW", "03-10T12", "03-20T12", "Advanced"),
        ("OFFER", "03-20T12", "03-24T12", "Moved Back"),
        ("INTERVIEW", "03-24T12", "04-02T12", "Advanced"),
        ("OFFER", "04-02T12", "04-06T12", "Withdrawn"),
    ),
    # Two who were hired on the requisition that stays open.
    **{
        f"A-000000{n}": (
            ("APPLIED", f"03-0{n}T09", f"03-0{n}T11", "Advanced"),
            ("SCREEN", f"03-0{n}T11", f"03-1{n}T10", "Advanced"),
            ("INTERVIEW", f"03-1{n}T10", f"03-2{n}T10", "Advanced"),
            ("OFFER", f"03-2{n}T10", f"04-0{n}T10", "Advanced"),
            ("HIRED", f"04-0{n}T10", f"05-0{n}T10", "Advanced"),
        )
        for n in (3, 4)
    },
    # The position was closed before anybody decided.
    "A-0000005": (
        ("APPLIED", "03-06T09", "03-06T11", "Advanced"),
        ("SCREEN", "03-06T11", None, None),
    ),
    # Never sent; and sent to no position.
    "A-0000006": (("APPLIED", "03-07T09", None, None),),
    "A-0000007": (("APPLIED", "03-08T09", None, None),),
}
"""Application -> stage, when it began and ended in 2026, and how."""
STATES = {
    "A-0000001": "In Process",
    "A-0000002": "Withdrawn",
    "A-0000003": "Hired",
    "A-0000004": "Hired",
    "A-0000005": "Closed",
    "A-0000006": "Draft",
    "A-0000007": "In Process",
}
UNSENT = ("A-0000006", "A-0000007")
"""Of which only Workday's reports tell: other writers have their own drafts and prospects."""
REQUISITIONS = {"A-0000005": "R-0002", "A-0000007": None}
"""All others are on R-0001."""
HIRED = {"C-000003": "000003", "C-000004": "000004"}
INTERNAL = {"C-000002": "000002"}


def requisitions() -> list[Row]:
    """One that is always open and has filled two of three places, and one that was given up."""
    return [
        _requisition("R-0001", TITLE, "Open", ("3", "2"), is_evergreen=True),
        _requisition("R-0002", "Backend Engineer", "Closed", ("1", "0"), is_evergreen=False),
    ]


def _requisition(key: str, title: str, status: str, places: tuple[str, str], *, is_evergreen: bool) -> Row:
    return {
        "Requisition_ID": key,
        "Title": title,
        "Status": status,
        "Created_Date": "2026-03-01",
        "Target_Hire_Date": "2026-05-15",
        "Filled_Date": None,
        "Job_Profile_ID": "ENG-2",
        "Job_Family_ID": "ENG",
        "Supervisory_Org_ID": "ORG-000001",
        "Location_ID": "Riverton",
        "Openings_Total": places[0],
        "Openings_Filled": places[1],
        "Hiring_Manager_Worker_ID": "000001",
        "Recruiter_Worker_ID": "000002",
        "Is_Evergreen": "1" if is_evergreen else "0",
        "Job_Description": DESCRIPTION,
        "Last_Functionally_Updated": "2026-05-20T10:00:00.000Z",
    }


def candidates() -> list[Row]:
    """Eight people: the last is a prospect, who never applied."""
    return [_candidate(number, f"C-{number:06d}") for number in range(1, 9)]


def _candidate(number: int, key: str) -> Row:
    first, last = NAMES[f"{number:06d}"]
    return {
        "Candidate_ID": key,
        "Candidate_WID": f"{number + 100:032x}",
        "Employee_ID": (HIRED | INTERNAL).get(key),
        "Country_ISO": "NA" if number % 2 else "US",
        "Created_Moment": f"2026-03-0{number + 1}T08:30:00.000Z",
        "Last_Updated_Moment": "2026-05-10T10:00:00.000Z",
        "Source": "Internal" if key in INTERNAL else "Referral",
        "Consent_Given": "0" if number == 5 else "1",
        "Consent_Date": None if number == 5 else "2026-03-01",
        "Do_Not_Hire": "0",
        "Legal_First_Name": first,
        "Legal_Last_Name": last,
        "Email": f"c{number}@mail.example",
        "Phone": f"+1 202 555 01{number:02d}",
        "Resume_Attachment_Group": None,
    }


def applications(*, with_unsent: bool) -> list[Row]:
    """One of each of the first seven candidates, the last two of which are no applications."""
    return [_application(key) for key in STEPS if with_unsent or key not in UNSENT]


def _application(key: str) -> Row:
    state, steps = STATES[key], [_step(*step) for step in STEPS[key]]
    disposition = {"Withdrawn": "CANDIDATE_WITHDREW", "Closed": POSITION_CLOSED}.get(state)
    candidate = f"C-{int(key[2:]):06d}"
    return {
        "Application_ID": key,
        "Candidate_ID": candidate,
        "Requisition_ID": REQUISITIONS.get(key, "R-0001"),
        "Applied_Moment": steps[0]["Started_Moment"],
        "Source": "Internal" if candidate in INTERNAL else "Referral",
        "Current_Stage_ID": steps[-1]["Stage_ID"],
        "Current_Status": state,
        "Disposition_ID": disposition,
        "Disposition_Date": "2026-04-06" if disposition else None,
        "Disposition_By": "000002" if disposition else None,
        "Hire_Date": steps[-1]["Completed_Moment"][:10] if state == "Hired" else None,
        "Hired_Worker_ID": HIRED[candidate] if state == "Hired" else None,
        "Last_Updated_Moment": "2026-05-10T10:00:00.000Z",
        "Stage_History_group": [{**step, "Step": str(n)} for n, step in enumerate(steps, 1)],
    }


def _step(stage: str, began: str, ended: str | None, outcome: str | None) -> Row:
    done = {"Completed_Moment": f"2026-{ended}:00:00.000Z", "Outcome": outcome} if ended else {}
    by = "Rule" if stage == "APPLIED" else "Human"
    return {"Stage_ID": stage, "Started_Moment": f"2026-{began}:00:00.000Z", **done, "Decided_By": by}
