"""The workers' report as SAP SuccessFactors prints it: OData v2, EmpEmployment with its job of the day, in pages.

The same workers as in `workday`, from its rows, in another vendor's words: days as wall clocks of the epoch, moments
with their offset, countries of three letters, NO_MANAGER, every object with its `__metadata`. FOJobCode says which job
function a job code belongs to.
"""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from infra.sample import vocabulary as words
from infra.sample.dialects import replacing
from infra.sample.workday import employments, worker_rows

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from infra.sample.company import Workers
    from infra.sample.plan import Delivery, Plan

PAGE = 1_000
COUNTRIES = {"US": "USA", "DE": "DEU", "GB": "GBR", "NA": "NAM"}
COMPANIES = {"COMP-US": "1000", "COMP-DE": "2000", "COMP-GB": "3000", "COMP-NA": "4000"}
GRADES = range(1, 7)
OPEN_END = "/Date(253402214400000)/"
"""9999-12-31."""
ABROAD = 20
"""Of so many people who work here, one is also somewhere else on a global assignment."""
DAYS_HOME = 200
"""Until somebody goes abroad."""
CLASSES = [("true", "false"), ("false", "true"), (None, None)]
"""Which employment is called the primary one, at home and abroad; some tenants say it of none."""
Row = dict[str, Any]


def write_employments(plan: Plan, workers: Workers, delivery: Delivery, out: Path) -> int:
    """Write a full dump of all employments, a file a page; of some people there are several.

    Returns:
        The number of employments.
    """
    told = (employment(one) for row in worker_rows(plan, workers, delivery) for one in several(row, delivery))
    return write_pages(out, "EmpEmployment", delivery, told)


def write_job_codes(delivery: Delivery, out: Path) -> int:
    """Write a full dump of all job codes as they are today.

    Returns:
        The number of job codes.
    """
    codes = [(f"{family.code}-{grade}", family.code) for family in words.FAMILIES for grade in GRADES]
    return write_pages(out, "FOJobCode", delivery, (job_code(code, function) for code, function in codes))


def write_pages(out: Path, entity: str, delivery: Delivery, objects: Iterable[Row]) -> int:
    """Write objects of an entity, a file a page; all but the last name the next one.

    Returns:
        The number of objects.
    """
    rows, count, page = iter(objects), 0, 0
    left = list(islice(rows, PAGE))
    while left:
        results, left, page = left, list(islice(rows, PAGE)), page + 1
        body: Row = {"results": results} | ({"__next": f"{entity}?$skiptoken={page}"} if left else {})
        with replacing(out / "successfactors" / f"{entity}_{delivery.period}_{page:04d}.json") as file:
            file.write(json.dumps({"d": body}, ensure_ascii=False).encode())
        count += len(results)
    return count


def job_code(code: str, function: str) -> Row:
    """A job code; its label changes with the reader's language, its code does not."""
    return {
        "__metadata": metadata("FOJobCode", code),
        "externalCode": code,
        "startDate": day("1990-01-01"),
        "endDate": OPEN_END,
        "name_defaultValue": code.title(),
        "name_de_DE": None,
        "jobFunction": function,
        "status": "A",
    }


def several(row: Row, delivery: Delivery) -> list[Row]:
    """The employments of a person, in no order, and behind them the one abroad: a global assignment."""
    key, made = int(row["Worker_ID"]), employments(row)
    made = made if key % 3 else made[::-1]
    start = str(np.datetime64(row["Hire_Date"], "D") + DAYS_HOME)
    if key % ABROAD != 1 or row["Termination_Date"] or start >= str(delivery.end.astype("datetime64[D]")):
        return made
    home, host = CLASSES[key // ABROAD % len(CLASSES)] if len(made) == 1 else ("", "false")
    made = [one | {"Is_Primary": home} for one in made] if len(made) == 1 else made
    away = {"Country_ISO": "DE" if row["Country_ISO"] != "DE" else "US", "Company_ID": "COMP-AWAY"}
    return [*made, row | away | {"Hire_Date": start, "Is_Primary": host, "Number": "GA"}]


def user_id(row: Row) -> str:
    """The first employment has the person's number, a later one that and its own, one abroad another."""
    number = row.get("Number", "1")
    if number == "GA":
        return f"{row['Worker_ID']}GA"
    return row["Worker_ID"] if number == "1" else f"{row['Worker_ID']}-{number}"


def assignment_class(row: Row) -> str:
    """Standard, or a global assignment."""
    return "GA" if row.get("Number") == "GA" else "ST"


def employment(row: Row) -> Row:
    """An employment of one Workday row, its navigation expanded where a consumer asks for it."""
    key, left = user_id(row), row["Termination_Date"]
    job = {
        "__metadata": metadata("EmpJob", key),
        "userId": key,
        "seqNumber": "1",
        "startDate": day(row["Hire_Date"]),
        "endDate": day(left) if left else OPEN_END,
        "jobCodeNav": {
            "__metadata": metadata("FOJobCode", row["Job_Profile_ID"]),
            "externalCode": row["Job_Profile_ID"],
            "jobFunction": row["Job_Family_ID"],
        },
        "payGrade": row["Management_Level_ID"],
        "company": COMPANIES.get(row["Company_ID"], "9000"),
        "countryOfCompany": COUNTRIES[row["Country_ISO"]],
        "managerId": row["Manager_Worker_ID"] or "NO_MANAGER",
        "fte": float(row["FTE"]),
        "positionNav": {"__deferred": {"uri": f"EmpJob('{key}')/positionNav"}},
    }
    return {
        "__metadata": metadata("EmpEmployment", key),
        "personIdExternal": row["Worker_ID"],
        "userId": key,
        "assignmentClass": assignment_class(row),
        "startDate": day(row["Hire_Date"]),
        "originalStartDate": day(row["Original_Hire_Date"]),
        "endDate": day(left) if left else None,
        "isContingentWorker": row["Worker_Type"] == "Contingent Worker",
        "lastModifiedDateTime": moment(row["Last_Functionally_Updated"]),
        "userNav": {"__metadata": metadata("User", key), "isPrimaryAssignment": row.get("Is_Primary") != "false"},
        "jobInfoNav": {"results": [job]},
        "personNav": {"__deferred": {"uri": f"EmpEmployment('{key}')/personNav"}},
    }


def day(text: str) -> str:
    """`2020-03-02` as `/Date(1583107200000)/`, midnight as if it were UTC."""
    return f"/Date({_milliseconds(text)})/"


def moment(text: str) -> str:
    """`2021-04-19T01:35:44.000Z` as `/Date(1618796144000+0000)/`."""
    return f"/Date({_milliseconds(text.removesuffix('Z'))}+0000)/"


def metadata(entity: str, key: str) -> Row:
    """What OData says of every object."""
    return {"uri": f"{entity}('{key}')", "type": f"SFOData.{entity}"}


def _milliseconds(text: str) -> int:
    return int(np.datetime64(text, "ms").astype(np.int64))
