"""Workday reports as RaaS prints them in XML: Workday XML, its default, and simple XML (format=simplexml).

The rows of `workday`. In Workday XML whatever points to another object is a reference: a descriptor to read, which
also tells a state, and identifiers by type, those of contingent workers of another type than employees'. Days and
moments have the offset of the tenant's zone, which lies east of UTC: there its midnight is another day. Simple XML has
texts in the same places. Both nest one related object, and repeat an element for several; what is empty is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape, quoteattr
from zoneinfo import ZoneInfo

from infra.sample import names, workday
from infra.sample.dialects import replacing

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from infra.sample.company import Workers
    from infra.sample.hiring import Hiring
    from infra.sample.plan import Delivery, Plan

Row = dict[str, Any]
ZONE = ZoneInfo("Europe/Berlin")
JOB = ("Job_Profile_ID", "Job_Family_ID", "Management_Level_ID")
"""What lies in the related object Job_Profile_group."""
COUNTRIES = {
    "US": ("United States of America", "USA"),
    "DE": ("Germany", "DEU"),
    "GB": ("United Kingdom", "GBR"),
    "NA": ("Namibia", "NAM"),
}


@dataclass(frozen=True, slots=True)
class Tenant:
    """The company as the reports of one delivery see it. `with_resume`: indices of candidates."""

    plan: Plan
    workers: Workers
    hiring: Hiring
    delivery: Delivery
    with_resume: set[int]

    def report(self, name: str) -> Iterable[Row]:
        """The rows of a report, without its prefix HRML_."""
        if name == "Workers":
            return workday.worker_rows(self.plan, self.workers, self.delivery)
        if name == "Requisitions":
            return workday.requisition_rows(self.hiring, self.workers, self.delivery)
        if name == "Candidates":
            return workday.candidate_rows(self.plan, self.hiring, self.delivery, self.with_resume)
        return workday.application_rows(self.hiring, self.delivery)

    def worker(self, element: str, key: str | None) -> str:
        """A reference to a worker, whose descriptor says whether they left."""
        if key is None:
            return ""
        i, people = int(key), self.workers.people
        first = (names.WOMEN if people.is_woman[i] else names.MEN)[people.first[i]]
        state = " (Terminated)" if self.workers.terminated[i] < self.delivery.end else ""
        kind = "Contingent_Worker_ID" if self.workers.is_contingent[i] else "Employee_ID"
        return reference(element, f"{first} {names.SURNAMES[people.last[i]]}{state}", {kind: key})


def write_simple(tenant: Tenant, name: str, out: Path) -> int:
    """Write a report as simple XML: Workers, Requisitions, Candidates or Applications.

    Returns:
        The number of entries.
    """
    return _write(tenant, name, out / "workday_simplexml", map(simple, tenant.report(name)))


def write(tenant: Tenant, name: str, out: Path) -> int:
    """Write a report as Workday XML.

    Returns:
        The number of entries.
    """
    entry = {"Workers": worker, "Requisitions": requisition, "Candidates": candidate, "Applications": application}[name]
    return _write(tenant, name, out / "workday_xml", (entry(tenant, row) for row in tenant.report(name)))


def _write(tenant: Tenant, name: str, folder: Path, entries: Iterable[str]) -> int:
    count = 0
    with replacing(folder / f"HRML_{name}_{tenant.delivery.period}.xml") as file:
        file.write(b'<?xml version="1.0" encoding="UTF-8"?>\n')
        file.write(f'<wd:Report_Data xmlns:wd="urn:com.workday.report/HRML_{name}">\n'.encode())
        for entry in entries:
            file.write(f"<wd:Report_Entry>{entry}</wd:Report_Entry>\n".encode())
            count += 1
        file.write(b"</wd:Report_Data>\n")
    return count


def leaf(element: str, value: str | None, attributes: str = "") -> str:
    """An element with text; nothing without a value."""
    return "" if value is None else f"<wd:{element}{attributes}>{escape(value)}</wd:{element}>"


def group(element: str, *parts: str) -> str:
    """An element of elements."""
    return f"<wd:{element}>{''.join(parts)}</wd:{element}>"


def reference(element: str, descriptor: str | None, ids: dict[str, str]) -> str:
    """A reference to an object: its descriptor, its WID, and identifiers by type; nothing without a descriptor."""
    if descriptor is None:
        return ""
    every = {"WID": workday.wid(*(ids or {"": descriptor}).items())} | ids
    inner = "".join(leaf("ID", value, f' wd:type="{kind}"') for kind, value in every.items())
    return f"<wd:{element} wd:Descriptor={quoteattr(descriptor)}>{inner}</wd:{element}>"


def coded(element: str, value: str | None, kind: str) -> str:
    """A reference to an object that is called as it is coded."""
    return "" if value is None else reference(element, value, {kind: value})


def country(code: str) -> str:
    """A reference to a country."""
    name, alpha3 = COUNTRIES[code]
    return reference("Country", name, {"ISO_3166-1_Alpha-2_Code": code, "ISO_3166-1_Alpha-3_Code": alpha3})


def day(element: str, text: str | None) -> str:
    """`2024-05-01` as 2024-05-01+02:00."""
    if text is None:
        return ""
    return leaf(element, text + datetime.fromisoformat(text).replace(tzinfo=ZONE).isoformat()[-6:])


def moment(element: str, text: str | None) -> str:
    """`2021-04-19T01:35:44.000Z` as 2021-04-19T03:35:44.000+02:00."""
    if text is None:
        return ""
    return leaf(element, datetime.fromisoformat(text).astimezone(ZONE).isoformat(timespec="milliseconds"))


def job(row: Row) -> str:
    """The related job profile, which is an element of its own."""
    return group("Job_Profile_group", *(coded(name.removesuffix("_ID"), row.get(name), name) for name in JOB))


def worker(tenant: Tenant, row: Row) -> str:
    """An entry of HRML_Workers."""
    hired_from = row["Hired_From_Candidate_ID"]
    name = f"{row['Legal_First_Name']} {row['Legal_Last_Name']}" if hired_from else None
    return "".join(
        [
            leaf("Worker_ID", row["Worker_ID"]),
            tenant.worker("Worker", row["Worker_ID"]),
            leaf("Universal_ID", row["Universal_ID"]),
            reference("Worker_Type", row["Worker_Type"], {}),
            reference("Worker_Status", row["Worker_Status"], {}),
            day("Hire_Date", row["Hire_Date"]),
            day("Original_Hire_Date", row["Original_Hire_Date"]),
            day("Termination_Date", row["Termination_Date"]),
            reference("Termination_Category", row["Termination_Category"], {}),
            coded("Position", row["Position_ID"], "Position_ID"),
            job(row),
            leaf("Business_Title", row["Business_Title"]),
            coded("Supervisory_Org", row["Supervisory_Org_ID"], "Organization_Reference_ID"),
            coded("Company", row["Company_ID"], "Company_Reference_ID"),
            coded("Location", row["Location_ID"], "Location_ID"),
            country(row["Country_ISO"]),
            tenant.worker("Manager", row["Manager_Worker_ID"]),
            leaf("FTE", row["FTE"]),
            coded("Time_Type", row["Time_Type"], "Position_Time_Type_ID"),
            leaf("Scheduled_Weekly_Hours", row["Scheduled_Weekly_Hours"]),
            leaf("Base_Pay", row["Base_Pay"], f' wd:Currency_Code="{row["Base_Pay_Currency"]}"'),
            coded("Base_Pay_Frequency", row["Base_Pay_Frequency"], "Frequency_ID"),
            leaf("Analytics_Consent", row["Analytics_Consent"]),
            leaf("Legal_First_Name", row["Legal_First_Name"]),
            leaf("Legal_Last_Name", row["Legal_Last_Name"]),
            leaf("Work_Email", row["Work_Email"]),
            reference("Hired_From_Candidate", name, {"Candidate_ID": hired_from}),
            leaf("Regrettable_Termination", row["Regrettable_Termination"]),
            moment("Last_Functionally_Updated", row["Last_Functionally_Updated"]),
        ]
    )


def requisition(tenant: Tenant, row: Row) -> str:
    """An entry of HRML_Requisitions."""
    return "".join(
        [
            leaf("Requisition_ID", row["Requisition_ID"]),
            leaf("Title", row["Title"]),
            reference("Status", row["Status"], {"Job_Requisition_Status_ID": row["Status"].upper()}),
            day("Created_Date", row["Created_Date"]),
            day("Target_Hire_Date", row["Target_Hire_Date"]),
            day("Filled_Date", row["Filled_Date"]),
            job(row),
            coded("Supervisory_Org", row["Supervisory_Org_ID"], "Organization_Reference_ID"),
            coded("Location", row["Location_ID"], "Location_ID"),
            leaf("Openings_Total", row["Openings_Total"]),
            leaf("Openings_Filled", row["Openings_Filled"]),
            tenant.worker("Hiring_Manager", row["Hiring_Manager_Worker_ID"]),
            tenant.worker("Recruiter", row["Recruiter_Worker_ID"]),
            leaf("Is_Evergreen", row["Is_Evergreen"]),
            leaf("Job_Description", row["Job_Description"]),
            moment("Last_Functionally_Updated", row["Last_Functionally_Updated"]),
        ]
    )


def candidate(tenant: Tenant, row: Row) -> str:
    """An entry of HRML_Candidates."""
    return "".join(
        [
            leaf("Candidate_ID", row["Candidate_ID"]),
            leaf("Candidate_WID", row["Candidate_WID"]),
            tenant.worker("Employee", row["Employee_ID"]),
            country(row["Country_ISO"]),
            moment("Created_Moment", row["Created_Moment"]),
            moment("Last_Updated_Moment", row["Last_Updated_Moment"]),
            reference("Source", row["Source"], {}),
            leaf("Consent_Given", row["Consent_Given"]),
            day("Consent_Date", row["Consent_Date"]),
            leaf("Do_Not_Hire", row["Do_Not_Hire"]),
            leaf("Legal_First_Name", row["Legal_First_Name"]),
            leaf("Legal_Last_Name", row["Legal_Last_Name"]),
            leaf("Email", row["Email"]),
            leaf("Phone", row["Phone"]),
            *(nested("Resume_Attachment_Group", file) for file in row["Resume_Attachment_Group"] or ()),
        ]
    )


def application(tenant: Tenant, row: Row) -> str:
    """An entry of HRML_Applications."""
    return "".join(
        [
            leaf("Application_ID", row["Application_ID"]),
            coded("Candidate", row["Candidate_ID"], "Candidate_ID"),
            coded("Requisition", row["Requisition_ID"], "Job_Requisition_ID"),
            moment("Applied_Moment", row["Applied_Moment"]),
            reference("Source", row["Source"], {}),
            coded("Current_Stage", row["Current_Stage_ID"], "Recruiting_Stage_ID"),
            reference("Current_Status", row["Current_Status"], {}),
            coded("Disposition", row["Disposition_ID"], "Recruiting_Disposition_ID"),
            day("Disposition_Date", row["Disposition_Date"]),
            tenant.worker("Disposition_By", row["Disposition_By"]),
            day("Hire_Date", row["Hire_Date"]),
            tenant.worker("Hired_Worker", row["Hired_Worker_ID"]),
            moment("Last_Updated_Moment", row["Last_Updated_Moment"]),
            *map(stage, row["Stage_History_group"]),
        ]
    )


def stage(step: Row) -> str:
    """A stage of an application's history."""
    return group(
        "Stage_History_group",
        coded("Stage", step["Stage_ID"], "Recruiting_Stage_ID"),
        leaf("Step", step["Step"]),
        moment("Started_Moment", step["Started_Moment"]),
        moment("Completed_Moment", step.get("Completed_Moment")),
        leaf("Outcome", step.get("Outcome")),
        leaf("Decided_By", step["Decided_By"]),
    )


def simple(row: Row) -> str:
    """An entry of simple XML: the job nested where the row has one, members of groups as repeated elements."""
    beside = {name: value for name, value in row.items() if name not in JOB}
    parts = [
        "".join(nested(name, member) for member in value) if isinstance(value, list) else leaf(name, value)
        for name, value in beside.items()
    ]
    related = {name: row[name] for name in JOB if name in row}
    return "".join([*parts, nested("Job_Profile_group", related) if related else ""])


def nested(element: str, fields: Row) -> str:
    """An element of texts."""
    return group(element, *(leaf(name, value) for name, value in fields.items()))
