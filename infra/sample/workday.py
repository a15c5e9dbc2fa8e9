"""Rows of the Workday reports, as they stood when a delivery was cut.

Workers and requisitions are full reports; candidates, applications and protected attributes hold what is
new or changed. Rows are made one at a time: a report of a million workers is never in memory.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

from infra.sample import names
from infra.sample import vocabulary as words
from infra.sample.company import FEMALE, MALE, NON_BINARY, People, Workers
from infra.sample.decisions import HIRED, REJECTED, SCREEN, STAGES, TAKEN, WITHDRAWN
from infra.sample.dialects import date_texts, moment_texts
from infra.sample.resumes import candidate_id, contact, file_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.sample.hiring import Applications, Hiring
    from infra.sample.plan import Array, Delivery, Plan

Row = dict[str, Any]
CHUNK = 20_000
AWAY = 120
"""Days between two employments of somebody who was hired again."""
SEXES = {FEMALE: "Female", MALE: "Male", NON_BINARY: "Non_Binary"}
DISABILITIES = ("Yes", "No", "Declined")
DESCRIPTION = (
    "We are looking for a {title} for our team in {city}. You will {duty}, and {duty2}. You bring solid experience "
    "with {0}, {1} and {2}. You have worked with {3} and {4}, and you know {5} well enough to help others with it. "
    "We offer thirty days of leave, a budget for training and flexible hours. Applications from people of every "
    "background are welcome."
)


def worker_id(index: int) -> str:
    """Six digits whose leading zeros matter: 000123."""
    return f"{index:06d}"


def wid(*parts: object) -> str:
    """32 hex digits, the same for the same parts."""
    return hashlib.md5("|".join(map(str, parts)).encode(), usedforsecurity=False).hexdigest()


def requisition_id(index: int) -> str:
    """R-0001 for the first requisition."""
    return f"R-{index + 1:04d}"


def application_id(index: int) -> str:
    """A-0000001 for the first application."""
    return f"A-{index + 1:07d}"


def worker_rows(plan: Plan, workers: Workers, delivery: Delivery) -> Iterator[Row]:
    """All workers hired before the cut, with a termination only where it had happened by then."""
    for at in range(0, len(workers), CHUNK):
        yield from _worker_chunk(plan, workers, delivery, np.arange(at, min(at + CHUNK, len(workers))))


def _worker_chunk(plan: Plan, workers: Workers, delivery: Delivery, index: Array) -> Iterator[Row]:
    index = index[workers.hired[index] < delivery.end]
    people, gone = workers.people, workers.terminated[index]
    gone = np.where(gone < delivery.end, gone, np.datetime64("NaT", "D"))
    updated = np.where(np.isnat(gone), workers.hired[index].astype("datetime64[s]"), gone.astype("datetime64[s]"))
    moments = moment_texts(updated + np.timedelta64(6 * 3600, "s"))
    is_back = index % 11 == 7
    originals = workers.hired[index] - np.where(is_back, 900, 0)  # of whoever was hired again, years before
    dates = zip(date_texts(workers.hired[index]), date_texts(originals), date_texts(gone), moments, strict=True)
    for i, (hired, original, left, changed) in zip(index.tolist(), dates, strict=True):
        family, country = words.FAMILIES[workers.family[i]], int(people.country[i])
        first = (names.WOMEN if people.is_woman[i] else names.MEN)[people.first[i]]
        last = names.SURNAMES[people.last[i]]
        half, grade, manager = bool(workers.is_part_time[i]), int(workers.grade[i]), int(workers.manager[i])
        key = worker_id(i)
        yield {
            "Worker_ID": key,
            "Worker_WID": wid("worker", plan.seed, i),
            "Universal_ID": f"U{key}",
            "Worker_Type": "Contingent Worker" if workers.is_contingent[i] else "Employee",
            "Worker_Status": "Terminated" if left else "Active",
            "Hire_Date": hired,
            "Original_Hire_Date": original,
            "Termination_Date": left,
            "Termination_Category": (("Voluntary", "Involuntary")[i % 3 == 0] if left else None),
            "Position_ID": f"P-{key}",
            "Job_Profile_ID": f"{family.code}-{grade}",
            "Job_Family_ID": family.code,
            "Management_Level_ID": f"M{grade - 4}" if grade > 4 else f"P{grade}",
            "Business_Title": family.titles[i % 3],
            "Supervisory_Org_ID": f"ORG-{max(manager, 0):06d}",
            "Company_ID": f"COMP-{names.COUNTRIES[country]}",
            "Location_ID": names.CITIES[country][people.city[i]],
            "Country_ISO": names.COUNTRIES[country],
            "Manager_Worker_ID": worker_id(manager) if manager >= 0 else None,
            "FTE": "0.6" if half else "1.0",
            "Time_Type": "Part_time" if half else "Full_time",
            "Scheduled_Weekly_Hours": "24" if half else "40",
            "Base_Pay": str(workers.pay[i]),
            "Base_Pay_Currency": names.CURRENCIES[country],
            "Base_Pay_Frequency": "Annual",
            "Analytics_Consent": "1" if people.has_consent[i] else "0",
            "Legal_First_Name": first,
            "Legal_Last_Name": last,
            "Work_Email": f"w{key}@company.example",
            "Hired_From_Candidate_ID": candidate_id(int(workers.candidate[i])) if workers.candidate[i] >= 0 else None,
            "Regrettable_Termination": ("1" if people.level[i] > 0 else "0") if left else None,
            "Last_Functionally_Updated": changed,
        }


def before(row: Row) -> tuple[str, str] | None:
    """First and last day of the employment before this one, of whoever was hired again."""
    hired, original = row["Hire_Date"], row["Original_Hire_Date"]
    return None if original == hired else (original, str(np.datetime64(hired, "D") - AWAY))


def employments(row: Row) -> list[Row]:
    """Employments of a person where a system has several: the one before, in whose place another came, and now.

    Half of those who came back were contingent workers before. Some work for another company of the group as well,
    since the same day or later: that employment is not the primary one, and says so by `Is_Primary`. So does the only
    one of a few, by mistake. `Number` counts them.
    """
    number, made = int(row["Worker_ID"]), []
    if former := before(row):
        kind = "Employee" if number % 2 else "Contingent Worker"
        ended = {"Hire_Date": former[0], "Termination_Date": former[1], "Worker_Type": kind}
        old = {"Job_Family_ID": "HR", "Job_Profile_ID": "HR-1", "Management_Level_ID": "P1", "FTE": "0.5"}
        made.append({**row, **ended, **old, "Is_Primary": str(number % 4 == 1).lower()})
    made.append({**row, "Is_Primary": "false" if number % 19 == 5 else "true"})
    if number % 17 == 3 and number % 19 != 5:
        begun = str(np.datetime64(row["Hire_Date"], "D") + 10 * (number % 2))
        beside = {"Hire_Date": begun, "Termination_Date": None, "Company_ID": "COMP-BESIDE", "FTE": "0.1"}
        made.append({**row, **beside, "Job_Family_ID": "HR", "Job_Profile_ID": "HR-1", "Is_Primary": "false"})
    return [{**one, "Number": str(at)} for at, one in enumerate(made, 1)]


def beside(row: Row) -> list[Row]:
    """What somebody has in other companies of the group at the same time."""
    return [one for one in employments(row) if one["Company_ID"] != row["Company_ID"]]


def requisition_rows(hiring: Hiring, workers: Workers, delivery: Delivery) -> Iterator[Row]:
    """All requisitions opened before the cut; open while any of their applications is."""
    requisitions, applications = hiring.requisitions, hiring.applications
    end = applications.completed[np.arange(len(applications)), applications.last]
    for r in range(len(requisitions)):
        if not requisitions.opened[r] < delivery.end:
            continue
        own = applications.requisition == r
        is_taken = own & (applications.outcome == TAKEN)
        filled = int((is_taken & (end < delivery.end)).sum())
        is_done = bool((end[own] < delivery.end).all())
        total = max(1, int(is_taken.sum()))
        status = ("Filled" if filled >= total else "Closed") if is_done else "Open"
        last = end[own].max() if is_done else requisitions.opened[r]
        opened = requisitions.opened[r : r + 1]
        family = words.FAMILIES[requisitions.family[r]]
        manager = int(requisitions.manager[r])
        city = names.CITIES[workers.people.country[manager]][workers.people.city[manager]]
        title = family.titles[requisitions.title[r]]
        yield {
            "Requisition_ID": requisition_id(r),
            "Title": title,
            "Status": status,
            "Created_Date": date_texts(opened)[0],
            "Target_Hire_Date": date_texts(opened + np.timedelta64(75, "D"))[0],
            "Filled_Date": str(last.astype("datetime64[D]")) if status == "Filled" else None,
            "Job_Profile_ID": f"{family.code}-{1 + r % 4}",
            "Job_Family_ID": family.code,
            "Supervisory_Org_ID": f"ORG-{manager:06d}",
            "Location_ID": city,
            "Openings_Total": str(total),
            "Openings_Filled": str(filled),
            "Hiring_Manager_Worker_ID": worker_id(manager),
            "Recruiter_Worker_ID": worker_id(int(requisitions.recruiter[r])),
            "Is_Evergreen": "1" if r == requisitions.planted else "0",
            "Job_Description": describe(hiring, r, title, city),
            "Last_Functionally_Updated": moment_texts(np.array([last]).astype("datetime64[s]"))[0],
        }


def describe(hiring: Hiring, r: int, title: str, city: str) -> str:
    """The text of a requisition: its six required skills, in prose."""
    family = words.FAMILIES[hiring.requisitions.family[r]]
    skills = [family.skills[s] for s in hiring.requisitions.skills[r]]
    duty, other = family.duties if r % 2 else family.duties[::-1]
    return DESCRIPTION.format(*skills, title=title, city=city, duty=duty, duty2=other)


def candidate_rows(plan: Plan, hiring: Hiring, delivery: Delivery, with_resume: set[int]) -> Iterator[Row]:
    """Candidates who are new, or who became workers, in this delivery."""
    candidates, applications = hiring.candidates, hiring.applications
    employee = candidates.worker.copy()
    updated = candidates.created.copy()
    joined = (applications.hired_worker >= 0) & (applications.completed[:, HIRED] < delivery.end)
    who = applications.candidate[joined]
    employee[who], updated[who] = applications.hired_worker[joined], applications.completed[joined, HIRED]
    chosen = np.flatnonzero(delivery.holds(candidates.created) | delivery.holds(updated))
    texts = zip(moment_texts(candidates.created[chosen]), moment_texts(updated[chosen]), strict=True)
    for i, (created, changed) in zip(chosen.tolist(), texts, strict=True):
        who_is = contact(candidates, i)
        consent = bool(candidates.people.has_consent[i])
        name = file_name(plan, i)
        yield {
            "Candidate_ID": candidate_id(i),
            "Candidate_WID": wid("candidate", plan.seed, i),
            "Employee_ID": worker_id(int(employee[i])) if employee[i] >= 0 else None,
            "Country_ISO": names.COUNTRIES[candidates.people.country[i]],
            "Created_Moment": created,
            "Last_Updated_Moment": changed,
            "Source": "Internal" if candidates.worker[i] >= 0 else names.SOURCES[i * 7 % len(names.SOURCES)],
            "Consent_Given": "1" if consent else "0",
            "Consent_Date": str(created)[:10] if consent else None,
            "Do_Not_Hire": "0",
            "Legal_First_Name": who_is.first,
            "Legal_Last_Name": who_is.last,
            "Email": who_is.email,
            "Phone": who_is.phone,
            "Resume_Attachment_Group": (
                [{"File_Name": name, "Content_WID": wid("resume", plan.seed, i)}] if i in with_resume else None
            ),
        }


def application_rows(hiring: Hiring, delivery: Delivery) -> Iterator[Row]:
    """Applications with any event in this delivery, each with its whole history up to the cut."""
    a = hiring.applications
    steps = a.last[:, None] >= np.arange(len(STAGES))
    done = (steps & (a.completed < delivery.end)).sum(axis=1)
    updated = np.where(done > 0, a.completed[np.arange(len(a)), np.maximum(done - 1, 0)], a.applied)
    chosen = np.flatnonzero(delivery.holds(a.applied) | delivery.holds(updated))
    applied, changed = moment_texts(a.applied[chosen]), moment_texts(updated[chosen])
    for n, i in enumerate(chosen.tolist()):
        yield _application(hiring, i, int(done[i]), applied[n], changed[n])


def _application(hiring: Hiring, i: int, done: int, applied: str | None, changed: str | None) -> Row:
    a: Applications = hiring.applications
    last, outcome = int(a.last[i]), int(a.outcome[i])
    is_over = done == last + 1
    stage = last if is_over else done
    ends = moment_texts(a.completed[i])
    status = ("Rejected", "Withdrawn", "Hired")[outcome] if is_over else "In Process"
    is_disposed = is_over and outcome != TAKEN
    reason = {REJECTED: "KNOCKOUT" if last < SCREEN else "NOT_QUALIFIED", WITHDRAWN: "CANDIDATE_WITHDREW"}
    recruiter = int(hiring.requisitions.recruiter[a.requisition[i]])
    return {
        "Application_ID": application_id(i),
        "Candidate_ID": candidate_id(int(a.candidate[i])),
        "Requisition_ID": requisition_id(int(a.requisition[i])),
        "Applied_Moment": applied,
        "Source": names.SOURCES[int(a.candidate[i]) * 7 % len(names.SOURCES)],
        "Current_Stage_ID": STAGES[stage],
        "Current_Status": status,
        "Disposition_ID": reason[outcome] if is_disposed else None,
        "Disposition_Date": str(ends[last])[:10] if is_disposed else None,
        "Disposition_By": worker_id(recruiter) if is_disposed else None,
        "Hire_Date": str(ends[HIRED])[:10] if status == "Hired" else None,
        "Hired_Worker_ID": worker_id(int(a.hired_worker[i])) if status == "Hired" else None,
        "Last_Updated_Moment": changed,
        "Stage_History_group": [
            {
                "Stage_ID": STAGES[s],
                "Step": str(s + 1),
                "Started_Moment": applied if s == 0 else ends[s - 1],
                **({"Completed_Moment": ends[s], "Outcome": _outcome(s, last, outcome)} if s < done else {}),
                "Decided_By": "Rule" if s == 0 else "Human",
            }
            for s in range(stage + 1)
        ],
    }


def _outcome(stage: int, last: int, outcome: int) -> str:
    if stage < last or outcome == TAKEN:
        return "Advanced"
    return "Rejected" if outcome == REJECTED else "Withdrawn"


def protected_rows(name: str, ids: list[str], people: People, declared: Array) -> Iterator[Row]:
    """Protected attributes as declared; what was not declared is left out. `name` is the id's key."""
    births, dates = date_texts(people.born), date_texts(declared)
    for i, key in enumerate(ids):
        ethnicity = names.ETHNICITIES[people.ethnicity[i]]
        is_known, is_hispanic = ethnicity != "Unknown", ethnicity == "Hispanic"
        yield {
            name: key,
            "Gender_ID": SEXES.get(int(people.sex[i])),
            "Race_Ethnicity_IDs_group": ([{"ID": "White" if is_hispanic else ethnicity}] if is_known else None),
            "Hispanic_or_Latino": ("1" if is_hispanic else "0") if is_known else None,
            "Birth_Date": births[i],
            "Disability_Status": DISABILITIES[people.disability[i]],
            "Veteran_Status": "Veteran" if people.is_veteran[i] else "Not_a_Veteran",
            "Declared_Date": dates[i],
        }
