"""Candidates as HR-XML tells them, as staffing agencies send them: 2.5 by itself, 3.x as a message of OAGIS.

A standard has no place for when somebody became a candidate, where they came from and what they agreed to. It leaves a
UserArea for that, whose words are this company's. What is protected stands among the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape, quoteattr

from infra.sample.dialects import replacing
from infra.sample.vendors.profiles import profile
from infra.sample.workday import candidate_rows

if TYPE_CHECKING:
    from pathlib import Path

    from infra.sample.hiring import Hiring
    from infra.sample.plan import Delivery, Plan
    from infra.sample.vendors.profiles import Profile

Row = dict[str, Any]
HEAD_2 = '<?xml version="1.0" encoding="UTF-8"?>\n<Candidates xmlns="http://ns.hr-xml.org/2007-04-15">\n'
TAIL_2 = "</Candidates>\n"
HEAD_3 = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<ShowCandidate xmlns="http://www.hr-xml.org/3" xmlns:oa="http://www.openapplications.org/oagis/9" releaseID="3.3">'
    "\n<oa:ApplicationArea><oa:CreationDateTime>{}Z</oa:CreationDateTime></oa:ApplicationArea>\n<DataArea><oa:Show/>\n"
)
TAIL_3 = "</DataArea></ShowCandidate>\n"
ANY_DATE = {4: "Year", 7: "YearMonth", 10: "AnyDate"}
"""Length of a date -> the element of version 2 that holds one so exact."""
CONTACTS = "Communication"


def write_candidates(plan: Plan, hiring: Hiring, delivery: Delivery, out: Path, version: int) -> int:
    """Write new and changed candidates.

    Args:
        plan: The company's.
        hiring: Its candidates.
        delivery: Names the file.
        out: The company's exports folder.
        version: 2 or 3.

    Returns:
        Their number.
    """
    made = {2: (HEAD_2, candidate_2, TAIL_2), 3: (HEAD_3.format(delivery.end), candidate_3, TAIL_3)}
    head, one, tail = made[version]
    count = 0
    with replacing(out / "hr_xml" / f"candidates_v{version}_{delivery.period}.xml") as file:
        file.write(head.encode())
        for row in candidate_rows(plan, hiring, delivery, set()):
            file.write(f"{one(row, profile(hiring.candidates, row))}\n".encode())
            count += 1
        file.write(tail.encode())
    return count


def element(name: str, /, *inner: str, **attributes: str) -> str:
    """An element of elements."""
    said = "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items())
    return f"<{name}{said}>{''.join(inner)}</{name}>"


def text(name: str, said: str | None, /, **attributes: str) -> str:
    """An element of text; nothing without."""
    return element(name, escape(said), **attributes) if said else ""


def user_area(row: Row) -> str:
    """What is the company's own."""
    return element(
        "UserArea",
        text("Created", row["Created_Moment"]),
        text("LastUpdated", row["Last_Updated_Moment"]),
        text("Source", row["Source"]),
        text("AnalyticsConsent", row["Consent_Given"]),
    )


def candidate_2(row: Row, about: Profile) -> str:
    """A candidate of version 2: ids of several owners, ways to reach somebody side by side, dates of any exactness."""
    owners = [("Company", row["Candidate_ID"]), ("Payroll", row["Employee_ID"])]
    ids = [element("Id", text("IdValue", number, name="Number"), idOwner=owner) for owner, number in owners if number]
    first, last = row["Legal_First_Name"], row["Legal_Last_Name"]
    return element(
        "Candidate",
        element("CandidateRecordInfo", *ids, text("Status", "Active")),
        element(
            "CandidateProfile",
            element(
                "PersonalData",
                element(
                    "PersonName",
                    text("FormattedName", f"{first} {last}"),
                    text("GivenName", first),
                    text("FamilyName", last),
                ),
                element(
                    "ContactMethod",
                    text("Use", "personal"),
                    element("Telephone", text("FormattedNumber", row["Phone"])),
                    text("InternetEmailAddress", row["Email"]),
                    element("PostalAddress", text("CountryCode", row["Country_ISO"]), text("Municipality", about.city)),
                ),
                element("PersonDescriptors", element("DemographicDescriptors", text("Nationality", "Declined"))),
            ),
        ),
        element("Resume", element("StructuredXMLResume", _history(about), _schools(about), _skills(about))),
        user_area(row),
    )


def _history(about: Profile) -> str:
    start = element("StartDate", text(ANY_DATE[len(about.since)], about.since))
    end = element("EndDate", text("StringDate", "current"))
    job = element("PositionHistory", text("Title", about.title), start, end)
    return element("EmploymentHistory", element("EmployerOrg", text("EmployerOrgName", about.employer), job))


def _schools(about: Profile) -> str:
    school = element("School", text("SchoolName", about.school))
    degree = element("Degree", text("DegreeName", about.degree))
    return element("EducationHistory", element("SchoolOrInstitution", school, degree))


def _skills(about: Profile) -> str:
    return element("Qualifications", *(element("Competency", name=skill) for skill in about.skills))


def candidate_3(row: Row, about: Profile) -> str:
    """A candidate of version 3: numbers by scheme, each way to reach somebody with its channel."""
    first, last = row["Legal_First_Name"], row["Legal_Last_Name"]
    return element(
        "Candidate",
        text("DocumentID", row["Candidate_ID"], schemeID="Candidate", schemeAgencyID="Company"),
        text("AlternateDocumentID", row["Employee_ID"], schemeID="Employee", schemeAgencyID="Payroll"),
        element(
            "CandidatePerson",
            element(
                "PersonName",
                text("FormattedName", f"{first} {last}"),
                text("oa:GivenName", first),
                text("FamilyName", last),
            ),
            element(CONTACTS, text("ChannelCode", "Telephone"), text("oa:FormattedNumber", row["Phone"])),
            element(CONTACTS, text("ChannelCode", "Email"), text("oa:URI", row["Email"])),
            element(
                CONTACTS,
                element("Address", text("oa:CityName", about.city), text("CountryCode", row["Country_ISO"])),
            ),
            text("GenderCode", "NotDisclosed"),
        ),
        element(
            "CandidateProfile",
            element(
                "EmploymentHistory",
                element(
                    "EmployerHistory",
                    text("OrganizationName", about.employer),
                    element(
                        "PositionHistory",
                        text("PositionTitle", about.title),
                        element("StartDate", text("FormattedDateTime", about.since)),
                        text("CurrentIndicator", "true"),
                    ),
                ),
            ),
            element("Qualifications", *(_competency(skill) for skill in about.skills)),
            languageCode="en",
        ),
        user_area(row),
    )


def _competency(skill: str) -> str:
    return element("PersonCompetency", text("CompetencyName", skill))
