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
MANAGERS = {"000001": "000002", "000002": "000001", "000003": "000250", "000004": "000004", "000005": None}
"""Two who lead each other, one led by somebody whom no file has, one by themself, one by nobody; others by 000001."""


def staff() -> list[Row]:
    """Nine workers, three of them in Namibia, one of them gone."""
    return [_worker(number, key) for number, key in enumerate(NAMES)]


def _worker(number: int, key: str) -> Row:
    country, currency = (("NA", "NAD"), ("US", "USD"), ("DE", "EUR"), ("GB", "GBP"))[number % 4]
    hired, left = f"20{10 + number}-02-28", "2025-06-30" if number == 7 else None
    return {
        "Worker_ID": key,
        "Worker_WID": f"{number:032x}",
        "Universal_ID": f"U{key}",
        "Worker_Type": "Contingent Worker" if number == 5 else "Employee",
        "Worker_Status": "Terminated" if left else "Active",
        "Hire_Date": hired,
        "Original_Hire_Date": hired,
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
