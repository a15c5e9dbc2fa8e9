"""Expectations from the contracts: every rule finds its row, and no result holds a value."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, date, datetime
from importlib import resources
from pathlib import Path
from string import ascii_uppercase
from typing import Any

import polars as pl
import pytest

from pipelines.base.contracts import TABLES, Column, Table, by_reference
from pipelines.base.errors import ContractError
from pipelines.ingest import suites as ingest_suites
from pipelines.ingest.cells import Context
from pipelines.ingest.check import validator
from pipelines.ingest.expressions import fill, worked_out
from pipelines.ingest.rules import Rule
from pipelines.validate import check, engine
from pipelines.validate.batch import run
from pipelines.validate.suites import key_rules, privacy_rules, rate_rules, rules, suite

pytestmark = pytest.mark.filterwarnings("ignore")  # Great Expectations warns about pandas and marshmallow internals

FEEDS = Path(__file__).parents[2] / "feeds"
CANARY = "p_00000000000000000000000000000CANARY"
PERSON = "p_" + "0" * 32
GOOD = {
    "person_id": PERSON,
    "worker_type_code": "employee",
    "hired_at": date(2020, 1, 1),
    "terminated_at": None,
    "job_family_code": "ENG",
    "management_level_code": None,
    "company_code": None,
    "country_code": None,
    "manager_person_id": None,
    "fte": 1.0,
    "known_from": datetime(2026, 1, 1, tzinfo=UTC),
}
SCHEMA = {**TABLES["workers"].schema, "known_from": pl.Datetime("us", "UTC")}
CANDIDATES = pl.DataFrame(
    [(PERSON, datetime(2026, 1, 1, tzinfo=UTC), None, "US", datetime(2026, 1, 1, tzinfo=UTC))],
    schema={**TABLES["candidates"].schema, "known_from": pl.Datetime("us", "UTC")},
    orient="row",
)


def workers(*changes: dict[str, Any]) -> pl.DataFrame:
    people = [{**GOOD, "person_id": f"p_{number:032x}", **change} for number, change in enumerate(changes)]
    return pl.DataFrame(people, schema=SCHEMA)


def failures(frame: pl.DataFrame, name: str = "workers", **known: pl.Series) -> list[tuple[int, str]]:
    return sorted(check(TABLES[name], frame, known).failed.rows())


def test_the_suites_can_be_read_as_json_and_loaded_by_great_expectations() -> None:
    words = [sys.executable, "-m", "pipelines.validate", "--suites"]
    printed = json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
    assert list(printed) == list(TABLES)
    engine.context()  # loads Great Expectations as it is loaded to check
    import great_expectations as gx

    for name, said in printed.items():
        read = gx.ExpectationSuite(name=name, expectations=said["expectations"])
        assert [type(loaded).__name__ for loaded in read.expectations] == [
            rule.kind
            for rule in [
                *rules(TABLES[name]),
                *key_rules(),
                *rate_rules(TABLES[name]),
                *privacy_rules(TABLES[name]),
            ]
        ]
    pair = {"type": "expect_column_pair_values_a_to_be_greater_than_b", "column_A": "terminated_at"}
    found = [{"type": said["type"], **said["kwargs"]} for said in printed["workers"]["expectations"]]
    assert any(pair.items() <= said.items() for said in found)


def test_what_files_are_held_against_is_loaded_by_great_expectations_too(monkeypatch: pytest.MonkeyPatch) -> None:
    engine.context()
    import great_expectations as gx

    kinds: set[str] = set()
    for folder in (FEEDS, FEEDS / "real", *sorted(FEEDS.glob("vendors/*"))):
        monkeypatch.setenv("CANDOR_FEEDS", str(folder))
        for name, said in json.loads(ingest_suites.suites()).items():
            read = gx.ExpectationSuite(name=name, expectations=said["expectations"])
            assert len(read.expectations) == len(said["expectations"]), name
            kinds |= {type(loaded).__name__ for loaded in read.expectations}
    assert {"ExpectTableRowCountToBeBetween", "ExpectTableColumnsToMatchSet"} < kinds


def test_a_suite_says_of_every_expectation_what_becomes_of_what_fails() -> None:
    said = {
        (name, one["meta"]["reason_code"]): (one["meta"]["level"], one["meta"]["severity"], one["kwargs"].get("mostly"))
        for name, table in TABLES.items()
        for one in suite(table)["expectations"]
    }
    assert said[("workers", "missing:hired_at")] == ("canonical", "quarantine", None)
    assert said[("workers", "conflicting_key")] == ("canonical", "quarantine", None)
    assert said[("applications", "unknown_requisition")] == ("cross_table", "quarantine", None)
    assert said[("applications", "unresolved:requisition_id")] == ("cross_table", "warn", 0.99)
    assert said[("workers", "unresolved:manager_person_id")] == ("cross_table", "warn", 0.97)
    assert said[("workers", "manager_cycle")] == ("cross_table", "warn", None)
    assert said[("resumes", "looks_like_ssn:text")] == ("privacy", "warn", None)
    assert not [name for name, code in said if name in ("protected", "identifiers") and code.startswith("looks")]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"hired_at": None}, "missing:hired_at"),
        ({"worker_type_code": "ghost"}, "unknown_code:worker_type_code"),
        ({"fte": 2.5}, "out_of_range:fte"),
        ({"fte": -0.1}, "out_of_range:fte"),
        ({"terminated_at": date(2019, 12, 31)}, "disordered:terminated_at"),
        ({"person_id": "000123"}, "no_pseudonym:person_id"),
        ({"manager_person_id": "000123"}, "no_pseudonym:manager_person_id"),
    ],
)
def test_each_rule_names_the_row_that_breaks_it(change: dict[str, Any], reason: str) -> None:
    assert failures(workers({}, change, {})) == [(1, reason)]


def test_a_lateness_of_more_than_a_hundred_years_is_none() -> None:
    day, late = datetime(2026, 1, 1, tzinfo=UTC), [0.5, -36_600.0, 36_601.0, -1e9, float("inf"), None]
    told = {"course_id": "c", "event_code": "submitted", "occurred_at": day, "known_from": day}
    rows = [told | {"person_id": f"p_{n:032x}", "lateness_days": days} for n, days in enumerate(late)]
    frame = pl.DataFrame(rows, {**TABLES["learning_events"].schema, "known_from": pl.Datetime("us", "UTC")})
    found = failures(frame, "learning_events", courses=pl.Series(["c"]))
    assert found == [(row, "out_of_range:lateness_days") for row in (2, 3, 4)]


def test_sound_rows_fail_nothing() -> None:
    assert failures(workers({}, {"terminated_at": date(2020, 1, 1), "fte": 2.0})) == []


@pytest.mark.parametrize("large", [False, True])
def test_nobody_was_hired_first_after_they_were_hired_nor_left_before(
    monkeypatch: pytest.MonkeyPatch, large: bool
) -> None:
    monkeypatch.setattr(engine, "LARGE", 1 if large else 100)
    days = [date(2019, 1, 1), date(2019, 1, 2), date(2019, 1, 3)]
    first, same, late = ({"hired_at": days[1], "originally_hired_at": day} for day in days)
    left = {"hired_at": days[1], "terminated_at": days[0]}
    assert sorted(failures(workers(first, same, late, left, {"originally_hired_at": None}))) == [
        (2, "disordered:hired_at"),
        (3, "disordered:terminated_at"),
    ]


@pytest.mark.parametrize("large", [False, True])
def test_a_country_that_is_no_iso_code_is_counted_and_its_row_stays(
    monkeypatch: pytest.MonkeyPatch, large: bool
) -> None:
    monkeypatch.setattr(engine, "LARGE", 1 if large else 100)
    countries = ("US", "USA", "us", "Deutschland", "840", "NA", None, "USA", "UK")
    outcome = check(TABLES["workers"], workers(*({"country_code": country} for country in countries)), {})
    assert outcome.failed.is_empty()
    found = next(f for f in outcome.findings if f.reason_code == "malformed:country_code")
    assert (found.failed, found.level, found.severity) == (6, "canonical", "warn")
    assert any(f.reason_code == "malformed:country_code" for f in check(TABLES["candidates"], CANDIDATES, {}).findings)


@pytest.mark.parametrize("table", [name for name, table in TABLES.items() if "country_code" in table.schema])
def test_countries_are_those_that_iso_assigns(table: str) -> None:
    """The list is that of the time zone database, which names every country with its code of ISO 3166-1."""
    lines = (resources.files("tzdata") / "zoneinfo" / "iso3166.tab").read_text(encoding="utf-8").splitlines()
    assigned = {line.split("\t")[0] for line in lines if not line.startswith("#")}
    form = next(column.form for column in TABLES[table].columns if column.name == "country_code")
    pairs = {a + b for a in ascii_uppercase for b in ascii_uppercase}
    assert {pair for pair in pairs if re.search(form, pair)} == assigned


SHARES = ({}, {"1.0": 1.0, "0.5": 0.5, "100": 100.0, "50": 50.0, "0": 0.0, "2": 2.0}, (2, 0))
"""Declared are shares; percentages that come among them are no workers."""
PERCENTAGES = ({"range": (0, 100)}, {"100": 1.0, "1.0": 0.01, "0.5": 0.005, "2": 0.02, "2.5": 0.025, "0": 0.0}, (0, 3))
"""Declared are percentages; shares that come among them are workers of a hundredth, which only somebody can tell."""


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize(("declared", "cells", "failed"), [SHARES, PERCENTAGES])
def test_a_full_time_job_of_100_next_to_one_of_1_is_quarantined_or_counted(
    monkeypatch: pytest.MonkeyPatch, large: bool, declared: dict[str, Any], cells: dict[str, float], failed: Any
) -> None:
    monkeypatch.setattr(engine, "LARGE", 1 if large else 100)
    column = next(column for column in TABLES["workers"].columns if column.name == "fte")
    rule = Rule.model_validate({"from": "f", **declared})
    made = fill(rule, column, Context(frozenset({"f"}), datetime(2026, 1, 1, tzinfo=UTC), b""))
    frame = pl.LazyFrame({"f": list(cells)})
    made_of = worked_out(frame, [made]).select(made.value.alias("fte")).collect()["fte"].to_list()
    assert made_of == list(cells.values())
    outcome = check(TABLES["workers"], workers(*({"fte": share} for share in [*made_of, None])), {})
    found = {found.reason_code: found for found in outcome.findings}
    assert (found["out_of_range:fte"].failed, found["other_scale:fte"].failed) == failed
    assert found["other_scale:fte"].severity == "warn"
    assert sorted(outcome.failed.rows()) == [(number, "out_of_range:fte") for number in (2, 3)[: failed[0]]]


@pytest.mark.parametrize("large", [False, True])
def test_what_happens_to_an_application_before_it_is_made_is_counted(
    monkeypatch: pytest.MonkeyPatch, large: bool
) -> None:
    monkeypatch.setattr(engine, "LARGE", 1 if large else 100)
    told = [
        ("a", "applied", 5),
        ("a", "screen", 5),
        ("a", "interview", 4),  # too early
        ("b", "screen", 1),  # of which the batch does not tell when it was made
        ("c", "applied", 9),  # made, re-opened
        ("c", "applied", 2),
        ("c", "hired", 3),
        ("d", "applied", 7),
        ("d", "offer", 6),  # too early
    ]
    event = {"person_id": PERSON, "requisition_id": "R-1", "outcome_code": "advanced", "decided_by": "human"}
    rows = [
        {**event, "application_id": name, "stage_code": stage, "occurred_at": datetime(2026, 1, day, tzinfo=UTC)}
        for name, stage, day in told
    ]
    schema = {**TABLES["application_events"].schema, "known_from": pl.Datetime("us", "UTC")}
    frame = pl.DataFrame([row | {"known_from": datetime(2026, 2, 1, tzinfo=UTC)} for row in rows], schema=schema)
    known = {"applications": pl.Series(["a", "b", "c", "d"]), "requisitions": pl.Series(["R-1"])}
    outcome = check(TABLES["application_events"], frame, known)
    assert outcome.failed.is_empty()
    found = next(f for f in outcome.findings if f.reason_code == "early_event")
    assert (found.checked, found.failed, found.severity) == (9, 2, "warn")
    known["applications"] = pl.Series(["a", "b", "d"])
    outcome = check(TABLES["application_events"], frame, known)
    assert sorted(outcome.failed.rows()) == [(row, "unknown_application") for row in (4, 5, 6)], "nobody made it"


def test_two_rows_for_one_version_of_a_thing_both_fail() -> None:
    same = workers({"person_id": PERSON}, {"person_id": PERSON, "fte": 0.5}, {})
    assert failures(same) == [(0, "conflicting_key"), (1, "conflicting_key")]


def test_a_reference_must_be_known() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    frame = pl.DataFrame(
        [
            ("a_" + "0" * 32, PERSON, "R-1", moment, "hired", moment),
            ("a_" + "1" * 32, PERSON, "R-9", moment, "hired", moment),
        ],
        schema={**TABLES["applications"].schema, "known_from": pl.Datetime("us", "UTC")},
        orient="row",
    )
    known = {"requisitions": pl.Series(["R-1"]), "candidates": pl.Series([PERSON])}
    assert failures(frame, "applications", **known) == [(1, "unknown_requisition")]
    nobody = {"requisitions": pl.Series(["R-1", "R-9"]), "candidates": pl.Series([], dtype=pl.String)}
    assert failures(frame, "applications", **nobody) == [(0, "unknown_person"), (1, "unknown_person")]


def test_no_result_holds_a_value() -> None:
    outcome = check(TABLES["workers"], workers({"person_id": CANARY, "worker_type_code": CANARY}), {})
    assert len(outcome.failed) == 2
    assert "CANARY" not in json.dumps([asdict(finding) for finding in outcome.findings])
    assert "CANARY" not in str(outcome.failed.rows())


def test_great_expectations_itself_is_never_told_to_quote(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    original = engine._finding

    def spy(table: str, item: Any, rows: int) -> Any:
        seen.append(json.dumps(item.to_json_dict()["result"], default=str))
        return original(table, item, rows)

    monkeypatch.setattr(engine, "_finding", spy)
    check(TABLES["workers"], workers({"person_id": CANARY, "worker_type_code": CANARY}, {}), {})
    assert len(seen) > 5
    assert not [result for result in seen if "CANARY" in result]


def test_a_large_table_fails_in_the_same_rows_as_a_small_one(monkeypatch: pytest.MonkeyPatch) -> None:
    early = {"hired_at": date(2024, 1, 1), "terminated_at": date(2023, 1, 1)}
    ghosts = [
        {"worker_type_code": "ghost"},
        {"worker_type_code": "ghost", "fte": 9.0},
        {"hired_at": None},
        early,
        early,
        {"fte": 8.5},
    ]
    frame = workers({}, {"fte": 9.0}, {"person_id": PERSON}, {}, {"person_id": PERSON, "fte": 0.1}, *ghosts)
    whole = check(TABLES["workers"], frame, {})
    monkeypatch.setattr(engine, "LARGE", 1)
    monkeypatch.setattr(engine, "CHUNK", 2)
    by_content = check(TABLES["workers"], frame, {})
    assert sorted(by_content.failed.rows()) == sorted(whole.failed.rows())
    assert len(whole.failed) == 2 + 3 + 1 + 2 + 3
    assert sorted(map(repr, by_content.findings)) == sorted(map(repr, whole.findings))
    assert {finding.checked for finding in by_content.findings} == {11}


def test_of_pairs_in_order_one_is_shown_and_of_others_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "LARGE", 1)
    shown: list[pl.DataFrame] = []
    original = engine._run

    def spy(table: str, found: list[engine.Rule], rows: pl.DataFrame) -> Any:
        shown.extend([rows] if [rule.reason_code for rule in found] == ["disordered:terminated_at"] else [])
        return original(table, found, rows)

    monkeypatch.setattr(engine, "_run", spy)
    days = [date(2020, 1, 1 + number) if number else None for number in range(6)]
    pairs = [(1, 2), (1, 3), (2, 3), (3, 2), (4, 2), (5, 5), (1, 0), (2, 0), (3, 2)]
    frame = workers(*({"hired_at": days[hired], "terminated_at": days[left]} for hired, left in pairs))
    assert failures(frame) == [(number, "disordered:terminated_at") for number in (3, 4, 8)]
    seen = {(row["hired_at"], row["terminated_at"]) for row in shown[0].to_dicts()}
    assert seen == {(days[hired], days[left]) for hired, left in [(1, 2), (3, 2), (4, 2), (5, 5), (1, 0)]}


def test_what_passed_in_one_table_is_not_asked_again_in_another_and_nothing_else_passes(monkeypatch) -> None:
    monkeypatch.setattr(engine, "LARGE", 1)
    asked: list[list[str | None]] = []
    original = engine._run

    def spy(table: str, found: list[engine.Rule], rows: pl.DataFrame) -> Any:
        if "no_pseudonym:person_id" in [rule.reason_code for rule in found]:
            asked.append(sorted(rows["person_id"].to_list(), key=str))
        return original(table, found, rows)

    monkeypatch.setattr(engine, "_run", spy)
    sound: engine.Sound = {}
    other = f"p_{7:032x}"
    first = check(TABLES["workers"], workers({"person_id": PERSON}, {"person_id": "nobody"}), {}, sound)
    rows = workers({"person_id": PERSON}, {"person_id": "nobody"}, {"person_id": other}, {"person_id": None})
    again = check(TABLES["workers"], rows, {}, sound)
    assert asked == [["nobody", PERSON], [None, "nobody", other]]
    assert "no_pseudonym:person_id" in first.failed["reason_code"]
    alone = check(TABLES["workers"], rows, {})
    assert sorted(again.failed.rows()) == sorted(alone.failed.rows())


def test_an_expectation_that_cannot_be_evaluated_stops_the_batch() -> None:
    table = Table("odd", ("a",), (Column("a", "float", low=0),))
    frame = pl.DataFrame({"a": ["x"], "known_from": [datetime(2026, 1, 1, tzinfo=UTC)]})
    with pytest.raises(ContractError, match="out_of_range:a of odd was not"):
        check(table, frame, {})


def test_what_only_expectations_on_distributions_use_is_not_loaded_and_can_be_by_others() -> None:
    code = (
        "import sys; from pipelines.validate import engine; engine.context()\n"
        "assert not {'altair', 'scipy.stats'} & set(sys.modules)\n"
        "from great_expectations.expectations.core import expect_column_kl_divergence_to_be_less_than as kl\n"
        "from pipelines.base.errors import ContractError\n"
        "try:\n    kl.stats.entropy\nexcept ContractError as error:\n    print(error)\n"
        "import scipy.stats; print(scipy.stats.norm.cdf(0))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == (
        "Expectations must do without scipy.stats.entropy; one does not. See validate.engine.\n0.5\n"
    )


def test_tables_come_after_those_they_refer_to() -> None:
    names = [table.name for table in by_reference()]
    assert sorted(names) == sorted(TABLES)
    for table in TABLES.values():
        assert all(names.index(other) < names.index(table.name) for other in table.refers.values())


NOTHING = (None,) * 7
"""Of a course: duration, status, whether it is mandatory, from when and until when it is valid, and its audience."""


def test_a_rejected_source_row_is_not_there_for_others_to_refer_to(tmp_path: Path) -> None:
    for name in ("rows", "known"):
        (tmp_path / name).mkdir()
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    courses = pl.DataFrame(
        [
            ("C-1", "One", None, "odd", *NOTHING, moment, 0, 1),
            ("C-2", "Two", None, "advanced", *NOTHING, moment, 0, 2),
        ],
        schema={
            **TABLES["courses"].schema,
            "known_from": pl.Datetime("us", "UTC"),
            "unit_no": pl.Int32,
            "source_row": pl.Int64,
        },
        orient="row",
    )
    courses.write_ipc(tmp_path / "rows" / "courses.arrow")
    events = [
        (PERSON, course, None, "viewed", None, moment, None, None, None, moment, 1, n) for n, course in enumerate("123")
    ]
    frame = pl.DataFrame(
        events,
        schema={
            **TABLES["learning_events"].schema,
            "known_from": pl.Datetime("us", "UTC"),
            "unit_no": pl.Int32,
            "source_row": pl.Int64,
        },
        orient="row",
    ).with_columns(course_id=pl.lit("C-") + pl.col("course_id"))
    frame.write_ipc(tmp_path / "rows" / "learning_events.arrow")
    pl.DataFrame({"course_id": ["C-3"]}).write_parquet(tmp_path / "known" / "courses.parquet")
    none = {"unit_no": pl.Int32, "source_row": pl.Int64}
    pl.DataFrame(schema=none).write_parquet(tmp_path / "rejected.parquet")
    assert run(tmp_path).endswith("2 source rows failed")
    failed = pl.read_parquet(tmp_path / "failed.parquet").rows()
    assert failed == [(0, 1, "courses", "unknown_code:level_code"), (1, 0, "learning_events", "unknown_course")]


def test_tables_are_checked_as_they_come_and_an_end_too_early_checks_nothing(tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    none = pl.DataFrame(schema={"unit_no": pl.Int32, "source_row": pl.Int64})
    for folder in (whole, broken):
        for name in ("rows", "known"):
            (folder / name).mkdir(parents=True)

    def laid_out(folder: Path, until: str = "") -> Iterator[str]:
        none.write_parquet(folder / "rejected.parquet")
        for table in by_reference():
            if table.name == until:
                raise OSError("the disk is full")
            if table.name == "workers":
                frame = workers({"person_id": PERSON, "worker_type_code": "odd"})
                rows = frame.with_columns(unit_no=pl.lit(0, pl.Int32), source_row=pl.lit(7, pl.Int64))
                rows.write_ipc(folder / "rows" / "workers.arrow")
            yield table.name

    with validator() as validate:
        validate(whole, laid_out(whole))
    failed = pl.read_parquet(whole / "failed.parquet")
    assert failed.select("source_row", "table", "reason_code").rows() == [
        (7, "workers", "unknown_code:worker_type_code")
    ]
    with pytest.raises(OSError, match="disk is full"), validator() as validate:
        validate(broken, laid_out(broken, until="workers"))
    assert sorted(path.name for path in broken.iterdir()) == ["known", "rejected.parquet", "rows"]
