"""Eight candidates whom systems tell badly, whichever vendor printed them; the answers were worked out by hand."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from infra.sample import cast, workday
from infra.sample.dialects import write_report
from infra.sample.vendors import (
    greenhouse,
    greenhouse_v1,
    hr_xml,
    json_resume,
    lever,
    successfactors,
    successfactors_recruiting,
    workday_csv,
    workday_xml,
)
from infra.sample.vendors.oracle import recruiting, reports
from pipelines.base.pseudonyms import pseudonym
from pipelines.ingest.map import FILTERED
from tests.vendors.printed import DELIVERY, PLAN, VENDORS, canonical, company
from tests.vendors.test_cast_staff import FIRST_NAMES, LAST_NAMES
from tests.vendors.test_greenhouse import V3
from tests.vendors.test_lever import FEEDS as LEVER

KEY = bytes.fromhex("11" * 32)
EVENTS = {
    "A-0000001": [
        ("applied", "advanced", "rule", "03-02T11"),
        ("screen", "withdrawn", "human", "03-10T10"),
        ("screen", "advanced", "human", "03-25T10"),
        ("interview", "advanced", "human", "03-30T10"),
    ],
    "A-0000002": [
        ("applied", "advanced", "rule", "03-03T11"),
        ("screen", "advanced", "human", "03-10T12"),
        ("interview", "advanced", "human", "03-20T12"),
        ("interview", "advanced", "human", "04-02T12"),
        ("offer", "withdrawn", "human", "04-06T12"),
    ],
    "A-0000003": [
        ("applied", "advanced", "rule", "03-03T11"),
        ("screen", "advanced", "human", "03-13T10"),
        ("interview", "advanced", "human", "03-23T10"),
        ("offer", "advanced", "human", "04-03T10"),
        ("hired", "advanced", "human", "05-03T10"),
    ],
    "A-0000004": [
        ("applied", "advanced", "rule", "03-04T11"),
        ("screen", "advanced", "human", "03-14T10"),
        ("interview", "advanced", "human", "03-24T10"),
        ("offer", "advanced", "human", "04-04T10"),
        ("hired", "advanced", "human", "05-04T10"),
    ],
    "A-0000005": [("applied", "advanced", "rule", "03-06T11")],
}
STATES = {
    "A-0000001": ("C-000001", "R-0001", "03-02T09", "in_process"),
    "A-0000002": ("C-000002", "R-0001", "03-03T09", "withdrawn"),
    "A-0000003": ("C-000003", "R-0001", "03-03T09", "hired"),
    "A-0000004": ("C-000004", "R-0001", "03-04T09", "hired"),
    "A-0000005": ("C-000005", "R-0002", "03-06T09", "closed"),
}
REQUISITIONS = [
    ("R-0001", 'Clerk, "Night" shift;\nDean | Emeritus, 2', "open", 3),
    ("R-0002", "Backend Engineer", "closed", 1),
]
CONSENTS = {f"C-00000{n}": n != 5 for n in range(1, 9)}
LINKS = {"C-000002": "000002", "C-000003": "000003", "C-000004": "000004"}
NAMES = {f"C-00000{n}": (FIRST_NAMES[n - 1], LAST_NAMES[n - 1]) for n in range(1, 9)}
COUNTRIES = {f"C-00000{n}": "NA" if n % 2 else "US" for n in range(1, 9)}
RE_OPENED, CLOSED, PROSPECT = "A-0000001", "A-0000005", "C-000008"
UNTOLD = ("Greenhouse", "Lever")
"""Where somebody is taken up again, nothing is left of that they had withdrawn."""
WORKDAY = ("report", "CSV", "simple XML", "Workday XML")

Write = Callable[[Path], object]


def of(scheme: str, prefix: str, numbers: list[str]) -> list[str]:
    return pseudonym(KEY, scheme, pl.Series(numbers, dtype=pl.String), prefix).to_list()


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-{text}:00:00").replace(tzinfo=UTC)


def report(out: Path) -> None:
    world = company()
    for name, rows in (
        ("Requisitions", workday.requisition_rows(world.hiring, world.workers, DELIVERY)),
        ("Candidates", workday.candidate_rows(PLAN, world.hiring, DELIVERY, set())),
        ("Applications", workday.application_rows(world.hiring, DELIVERY)),
    ):
        write_report(out / "workday" / f"HRML_{name}_2026-09.json", rows)


def csv(out: Path) -> None:
    world = company()
    workday_csv.write_requisitions(world.workers, world.hiring, DELIVERY, out)
    workday_csv.write_candidates(PLAN, world.hiring, DELIVERY, set(), out)
    workday_csv.write_applications(world.hiring, DELIVERY, out)


def xml(write: Callable[[workday_xml.Tenant, str, Path], int]) -> Write:
    def written(out: Path) -> None:
        world = company()
        for name in ("Requisitions", "Candidates", "Applications"):
            write(workday_xml.Tenant(PLAN, world.workers, world.hiring, DELIVERY, set()), name, out)

    return written


def odata(out: Path) -> None:
    hiring = company().hiring
    successfactors.write_job_codes(DELIVERY, out)
    successfactors_recruiting.write_requisitions(hiring, company().workers, DELIVERY, out)
    successfactors_recruiting.write_candidates(PLAN, hiring, DELIVERY, out)
    successfactors_recruiting.write_applications(hiring, DELIVERY, out)


def all_of(write: Callable[..., object]) -> Write:
    return lambda out: write(PLAN, company().hiring, company().workers, DELIVERY, out)


THREE = ("requisitions", "candidates", "applications")
PRINTED: dict[str, tuple[Write, list[Path]]] = {
    "report": (report, [VENDORS.parent / f"workday_{name}.yaml" for name in THREE]),
    **{
        name: (write, [VENDORS / "workday" / f"workday_{kind}_{each}.yaml" for each in THREE])
        for name, kind, write in (
            ("CSV", "csv", csv),
            ("simple XML", "simplexml", xml(workday_xml.write_simple)),
            ("Workday XML", "xml", xml(workday_xml.write)),
        )
    },
    "OData": (
        odata,
        [VENDORS / "successfactors" / f"successfactors_{name}.yaml" for name in (*THREE, "job_codes")],
    ),
    "Greenhouse": (
        all_of(greenhouse.write_harvest),
        V3,
    ),
    "Greenhouse v1": (
        all_of(greenhouse_v1.write_archive),
        sorted((VENDORS / "greenhouse").glob("greenhouse_v1_*.yaml")),
    ),
    "Lever": (all_of(lever.write_hiring), LEVER),
    "BI Publisher": (
        all_of(recruiting.write_hiring),
        [VENDORS / "oracle" / f"oracle_bip_{name}.yaml" for name in (*THREE, "application_events")],
    ),
}
"""What prints the applicants, and the feeds that read it."""
ONLY_CANDIDATES: dict[str, tuple[Write, list[Path]]] = {
    **{
        f"HR-XML {version}": (
            lambda out, version=version: hr_xml.write_candidates(PLAN, company().hiring, DELIVERY, out, version),
            [VENDORS / "hr_xml" / f"hr_xml_v{version}_candidates.yaml"],
        )
        for version in (2, 3)
    },
    "JSON Resume": (
        lambda out: json_resume.write_resumes(PLAN, company().hiring, DELIVERY, out),
        [VENDORS / "json_resume" / "json_resume_candidates.yaml"],
    ),
}


def told(name: str) -> dict[str, list[tuple[str, ...]]]:
    """Events that a system tells of each application."""
    events = dict(EVENTS)
    if name.startswith("Greenhouse"):
        del events[CLOSED]  # it has no such state
    if name in UNTOLD:
        events[RE_OPENED] = [event for event in events[RE_OPENED] if event[1] != "withdrawn"]
    if name == "Greenhouse v1":  # and no history
        events = {key: [event for event in mine if event[1] == "withdrawn"] for key, mine in events.items()}
        events[RE_OPENED] = []
    return events


def number(name: str, key: str) -> str:
    """What a system calls a thing: SuccessFactors has whole numbers of its own."""
    return str(int(key.partition("-")[2])) if name == "OData" else key


@pytest.fixture
def printed(keys, tmp_path, monkeypatch):
    """What the files of a vendor become that has printed the cast."""

    def of_vendor(name: str) -> dict[str, pl.DataFrame]:
        modules = (workday, greenhouse, lever, successfactors_recruiting, reports, recruiting, hr_xml, json_resume)
        applications = cast.applications(with_unsent=name in (*WORKDAY, "BI Publisher"))
        if name.startswith("Greenhouse"):
            applications = [row for row in applications if row["Application_ID"] != CLOSED]
        rows = {
            "requisition_rows": cast.requisitions(),
            "candidate_rows": cast.candidates(),
            "application_rows": applications,
        }
        for module in modules:
            for function, found in rows.items():
                if hasattr(module, function):
                    monkeypatch.setattr(module, function, lambda *_, found=found: iter(found))
        write, feeds = (PRINTED | ONLY_CANDIDATES)[name]
        write(tmp_path / "exports")
        return canonical(tmp_path, feeds, monkeypatch)

    return of_vendor


@pytest.mark.parametrize("name", PRINTED)
def test_applicants_are_what_was_written_down_by_hand(printed, name):
    made, events = printed(name), told(name)
    keys = dict(zip(of("workday_application", "a", [number(name, key) for key in events]), events, strict=True))
    numbers = [number(name, key) for key in NAMES]
    people = dict(zip(of("workday_candidate", "p", numbers), NAMES, strict=True))
    columns = ["application_id", "stage_code", "outcome_code", "decided_by", "occurred_at"]
    found = made["application_events"].select(columns).unique().rows()
    expected = [(key, *said, at(when)) for key, mine in events.items() for *said, when in mine]
    assert sorted((keys[key], *more) for key, *more in found) == sorted(expected)
    columns = ["application_id", "person_id", "requisition_id", "applied_at", "status_code"]
    found = made["applications"].select(columns).unique().rows()
    assert {keys[key]: (people[who], *more) for key, who, *more in found} == {
        key: (who, number(name, where), at(when), state)
        for key, (who, where, when, state) in STATES.items()
        if key in events
    }
    columns = ["requisition_id", "title", "status_code", "opening_count"]
    assert sorted(made["requisitions"].select(columns).rows()) == [
        (number(name, key), *more) for key, *more in REQUISITIONS
    ]
    assert set(made["requisitions"]["description"]) == {'We mend R&D, "A/B" and more. Bring tools.'}
    candidates = set(NAMES) if name != "Lever" else set(NAMES) - {PROSPECT, "C-000006", "C-000007"}
    found = made["candidates"].select("person_id", "country_code").unique().rows()
    assert {people[who]: country for who, country in found} == {key: COUNTRIES[key] for key in candidates}
    found = made["consents"].select("person_id", "is_given").unique().rows()
    assert {people[who]: is_given for who, is_given in found} == {key: CONSENTS[key] for key in candidates}
    assert names_of(made, people) == {key: " ".join(NAMES[key]) for key in candidates}
    if name != "Lever":
        found = made["person_links"].select("person_id", "linked_person_id").unique().rows()
        workers = dict(zip(of("workday_worker", "p", list(LINKS.values())), LINKS.values(), strict=True))
        assert {people[who]: workers[worker] for who, worker in found} == LINKS


@pytest.mark.parametrize("name", PRINTED)
def test_an_application_of_a_merged_candidate_is_the_survivors_from_when_that_was_known(printed, monkeypatch, name):
    """The first candidate was found to be the second: the next file has one record and both applications."""
    first, survivor, merged = "A-0000001", "C-000002", "C-000001"
    applications, candidates = cast.applications, cast.candidates
    moved = {"Candidate_ID": survivor, "Last_Updated_Moment": "2026-07-01T10:00:00.000Z"}
    monkeypatch.setattr(
        cast,
        "applications",
        lambda **more: [row | (moved if row["Application_ID"] == first else {}) for row in applications(**more)],
    )
    monkeypatch.setattr(cast, "candidates", lambda: [row for row in candidates() if row["Candidate_ID"] != merged])
    made = printed(name)
    mine, other = of("workday_application", "a", [number(name, key) for key in (first, "A-0000002")])
    [person, gone] = of("workday_candidate", "p", [number(name, key) for key in (survivor, merged)])
    found = made["applications"].filter(pl.col("application_id").is_in([mine, other])).unique()
    assert set(found["person_id"]) == {person}
    assert gone not in set(made["candidates"]["person_id"])
    at_last = found.filter(application_id=mine).select("known_from", "known_from_basis").unique().row(0)
    assert at_last == (at("07-01T10"), "source")
    assert set(made["application_events"].filter(application_id=mine)["person_id"]) <= {person}


def names_of(made: dict[str, pl.DataFrame], people: dict[str, str]) -> dict[str, str]:
    """Everybody's whole name."""
    is_name = pl.col("scheme_code").is_in(["legal_first_name", "legal_last_name", "full_name"])
    names = made["identifiers"].filter(is_name).unique().sort("scheme_code").group_by("person_id", maintain_order=True)
    return {people[who]: " ".join(values) for who, values in names.agg("value").select("person_id", "value").rows()}


@pytest.mark.parametrize("name", ONLY_CANDIDATES)
def test_candidates_alone_are_those_too(printed, name):
    made = printed(name)
    people = dict(zip(of("workday_candidate", "p", list(NAMES)), NAMES, strict=True))
    found = made["candidates"].select("person_id", "country_code").rows()
    assert {people[who]: country for who, country in found} == COUNTRIES
    assert names_of(made, people) == {key: " ".join(names) for key, names in NAMES.items()}


@pytest.mark.parametrize(("name", "files"), [("report", 1), ("BI Publisher", 2)])
def test_what_is_no_application_is_left_out_and_not_quarantined(printed, name, files):
    reasons = printed(name)[FILTERED]["reason_code"].value_counts()
    left_out = dict(reasons.iter_rows())
    assert {name: left_out[name] for name in ("draft", "prospect", "moved_back")} == {
        "draft": files,
        "prospect": files,
        "moved_back": 2,
    }


def test_a_stage_that_was_passed_at_once_is_not_the_next_of_itself(printed, monkeypatch):
    """An offer that was entered into the system together with the hire."""
    applied, screen, (*interview, _, _), _, (*hired, _, _) = cast.STEPS["A-0000003"]
    at_once = "04-03T10"
    stages = (
        (*interview, at_once, "Advanced"),
        ("OFFER", at_once, at_once, "Advanced"),
        (*hired, "05-03T10", "Advanced"),
    )
    monkeypatch.setitem(cast.STEPS, "A-0000003", (applied, screen, *stages))
    made = printed("Greenhouse")["application_events"]
    mine = made.filter(application_id=of("workday_application", "a", ["A-0000003"])[0], occurred_at=at(at_once))
    assert sorted(mine["stage_code"].unique()) == ["interview", "offer"]
