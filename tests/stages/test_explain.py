"""`check FEED FILE`: what a file would become, told in counts and names, with nothing written and nobody named."""

import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from reportlab.pdfgen.canvas import Canvas

from pipelines.base.store import FileStore
from pipelines.ingest import feeds
from pipelines.ingest.__main__ import main, run
from pipelines.ingest.batch import Batch
from pipelines.ingest.persons import persons

CANARIES = ("Zanzibarova", "quokka@example.org", "4711", "Tuesday")
FEEDS: list[dict[str, Any]] = [
    {
        "name": "people",
        "files": r"people_(?P<period>\d{4}-\d{2})\.csv",
        "required": ["Number", "Hired", "Kind"],
        "never": {"Fired": "it leaks the label"},
        "tables": [
            {
                "table": "workers",
                "columns": {
                    "person_id": {"from": "Number", "person": "number"},
                    "worker_type_code": {"from": "Kind", "codes": {"E": "employee", "C": "contingent"}},
                    "hired_at": {"from": "Hired", "date": "%Y-%m-%d"},
                    "job_family_code": {"constant": "ENG"},
                    "fte": {"from": "Share", "number": "comma"},
                },
            },
            {
                "table": "identifiers",
                "unpivot": {"columns": {"Number": "number", "Mail": "work_email"}, "name": "scheme", "value": "text"},
                "columns": {
                    "person_id": {"from": "Number", "person": "number"},
                    "scheme_code": {"from": "scheme"},
                    "value": {"from": "text"},
                },
            },
        ],
    },
    {
        "name": "ratings",
        "files": r"ratings_(?P<period>\d{4}-\d{2})\.csv",
        "tables": [
            {
                "table": "reviews",
                "join": [
                    {"feed": "people", "match": {"Who": "Number"}, "take": {"Since": "Hired"}, "missing": "reject"}
                ],
                "columns": {
                    "person_id": {"from": "Who", "person": "number"},
                    "period_code": {"from": "period"},
                    "period_start": {"from": "Since", "date": "%Y-%m-%d"},
                    "period_end": {"from": "Since", "date": "%Y-%m-%d"},
                    "completed_at": {"extracted": True},
                    "rating_share": {"from": "Rating", "number": "point", "range": [1, 5]},
                    "is_team_level": {"constant": False},
                },
            }
        ],
    },
]
PEOPLE = """Number,Kind,Hired,Share,Mail,Name,Fired
4711,E,2020-02-01,"0,5",quokka@example.org,Zanzibarova,x
4712,E,2020-02-31,1,,Zanzibarova,
4713,Tuesday,,ten,,Zanzibarova,
4714,C,2021-01-01,,a@example.org
"""


@dataclass
class Check:
    """Runs the command in a company without a store and without keys."""

    exports: Path
    scratch: Path
    read: Callable[[], tuple[str, str]]

    def __call__(self, feed: str, path: Path, *more: str) -> tuple[int, str, str]:
        code = main(["check", feed, str(path), *more])
        out, err = self.read()
        assert not list(self.scratch.iterdir()), "scratch must be removed"
        assert not [canary for canary in CANARIES if canary in out + err]
        return code, out, err

    def facts(self, feed: str, path: Path) -> tuple[int, dict[str, Any]]:
        code, out, _ = self(feed, path, "--json")
        return code, json.loads(out)

    def file(self, name: str, content: str | bytes) -> Path:
        (self.exports / name).write_bytes(content.encode() if isinstance(content, str) else content)
        return self.exports / name


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Check:
    common = {
        "owner": "HR",
        "cadence": "monthly",
        "location": "",
        "dialect": "csv",
        "extracted_at": {"end_of": "period"},
    }
    for name in ("feeds", "exports", "scratch"):
        (tmp_path / name).mkdir()
    for feed in FEEDS:
        content = {**common, "options": {"delimiter": ",", "quote": '"'}, **feed}
        (tmp_path / "feeds" / f"{feed['name']}.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    monkeypatch.setenv("CANDOR_FEEDS", str(tmp_path / "feeds"))
    monkeypatch.setenv("CANDOR_EXPORTS", str(tmp_path / "exports"))
    for name in ("CANDOR_STORE", "CANDOR_PSEUDONYM_KEY", "CANDOR_VAULT_KEY", "CANDOR_WORK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
    return Check(tmp_path / "exports", tmp_path / "scratch", lambda: tuple(capsys.readouterr()))  # type: ignore[arg-type]


def outcomes(facts: dict[str, Any], column: str) -> dict[str, tuple[int | None, dict[str, int]]]:
    found = next(entry for entry in facts["columns"] if entry["name"] == column)
    return {entry["to"]: (entry["turned"], entry["rejected"]) for entry in found["becomes"]}


def test_every_cell_of_every_column_is_accounted_for(check: Check) -> None:
    code, facts = check.facts("people", check.file("people_2026-09.csv", PEOPLE))
    assert code == 0
    assert facts["rows"] == {
        "in": 4,
        "accepted": 1,
        "quarantined": 3,
        "filtered": 0,
        "held": 0,
        "reasons": {"ragged_row": 1, "unknown_code:worker_type_code": 1, "unparsable:hired_at": 1},
    }
    cells = {entry["name"]: (entry["filled"], entry["empty"]) for entry in facts["columns"]}
    assert cells == {
        "Number": (3, 0),
        "Kind": (3, 0),
        "Hired": (2, 1),
        "Share": (3, 0),
        "Mail": (1, 2),
        "Name": (3, 0),
        "Fired": (1, 2),
    }
    assert outcomes(facts, "Kind") == {"workers.worker_type_code": (2, {"unknown_code": 1})}
    assert outcomes(facts, "Hired") == {"workers.hired_at": (1, {"missing": 1, "unparsable": 1}), "ratings": (None, {})}
    assert outcomes(facts, "Share") == {"workers.fte": (2, {"unparsable": 1})}
    assert outcomes(facts, "Mail") == {"identifiers.value": (1, {})}
    assert outcomes(facts, "Number") == {
        "workers.person_id": (3, {}),
        "identifiers.person_id": (4, {}),
        "identifiers.value": (3, {}),
        "ratings": (None, {}),
    }
    assert outcomes(facts, "Name") == {}
    tables = {entry["table"]: (entry["rows"], entry["rejected"]) for entry in facts["tables"]}
    wrong = {"missing:hired_at": 1, "unknown_code:worker_type_code": 1, "unparsable:fte": 1, "unparsable:hired_at": 1}
    assert tables == {"workers": (1, wrong), "identifiers": (4, {})}


def test_the_page_says_in_words_how_each_column_is_read(check: Check) -> None:
    code, page, _ = check("people", check.file("people_2026-09.csv", PEOPLE))
    lines = {line.split("  ")[0]: " ".join(line.split()) for line in page.splitlines()}
    assert code == 0
    assert lines["people: the file would be taken in; 3 of its rows rejected"]
    assert lines["Hired"] == "Hired 2 1 workers.hired_at 1 missing 1, unparsable 1 date %Y-%m-%d"
    assert lines["Kind"] == "Kind 3 0 workers.worker_type_code 2 unknown_code 1 2 codes, others are rejected"
    assert lines["Share"] == "Share 3 0 workers.fte 2 unparsable 1 number with a decimal comma"
    assert lines["Number"] == "Number 3 0 workers.person_id 3 pseudonym of a person, scheme number"
    assert lines["Mail"] == "Mail 1 2 identifiers.value 1 a row of its own, called work_email"
    assert lines["Name"] == "Name 3 0 not read"
    assert lines["Fired"] == "Fired 1 2 never read it leaks the label"
    assert "  job_family_code: always ENG" in page
    assert (
        "  optional and without a rule: terminated_at, originally_hired_at, management_level_code, company_code, "
        "country_code, manager_person_id" in page
    )
    assert "name       declared; period 2026-09" in page
    assert "written at 2026-09-30T23:59:59+00:00" in page


def test_columns_that_only_other_feeds_look_up_are_no_unread_ones(check: Check, tmp_path: Path) -> None:
    statuses = {**FEEDS[0], "name": "statuses", "files": r"statuses_(?P<period>\d{4}-\d{2})\.csv", "tables": []}
    statuses |= {"required": [], "never": {}, "own_ids": {"status": "Id"}}
    join = {"feed": "statuses", "match": {"Kind": "Code"}, "take": {"Text": "Label"}, "latest": ["Since"]}
    people = {**FEEDS[0], "join": [{**join, "missing": "keep"}]}
    common = {"owner": "HR", "cadence": "monthly", "location": "", "dialect": "csv"}
    options = {"extracted_at": {"end_of": "period"}, "options": {"delimiter": ",", "quote": '"'}}
    for feed in (statuses, people):
        (tmp_path / "feeds" / f"{feed['name']}.yaml").write_text(yaml.safe_dump({**common, **options, **feed}))
    code, page, _ = check(
        "statuses", check.file("statuses_2026-09.csv", "Code,Label,Since,Id,Number\nE,x,2026-01-01,1,\n")
    )
    lines = {line.split("  ")[0]: " ".join(line.split()) for line in page.splitlines()}
    assert code == 0
    assert lines["Code"] == "Code 1 0 people found there by Kind"
    assert lines["Label"] == "Label 1 0 people taken there as Text"
    assert lines["Since"] == "Since 1 0 people decides there which row is found"
    assert lines["Id"] == "Id 1 0 erasure whose a row is, by status"
    assert lines["Number"] == "Number 0 1 not read", "it is people's that ratings look up"


def test_a_held_file_says_why_and_which_columns_it_has(check: Check) -> None:
    code, page, _ = check("people", check.file("people_2026-09.csv", PEOPLE.replace("Kind", "Sort", 1)))
    assert code == 1
    assert page.startswith("people: the file would be held: missing_required_column\n")
    assert "people must have the columns Number, Hired, Kind; Kind missing." in page
    assert "required columns that the file lacks: Kind" in page
    assert "\nSort " in page


def test_a_header_that_may_be_somebodys_values_is_not_shown(check: Check) -> None:
    rows = "4711,E,2020-02-01,Zanzibarova\n4712,E,2020-02-01,Zanzibarova\n"
    code, page, _ = check("people", check.file("people_2026-09.csv", rows))
    assert code == 1
    assert "4 columns, none of which the feed names: is the first line a header?" in page
    assert "2020-02-01" not in page


def test_a_column_whose_name_would_move_the_cursor_is_shown_safely(check: Check) -> None:
    header = b"Number,Kind,Hired,\x1b[2Jgone"
    code, page, _ = check("people", check.file("people_2026-09.csv", header + b"\n1,E,2020-02-01,x\n"))
    assert code == 0
    assert "\x1b" not in page
    assert "?[2Jgone" in page


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty_file"),
        ("Number,Kind,Hired\n4711,E,Zanzibarov\xe1\n".encode("cp1252"), "bad_encoding"),
        (PEOPLE.encode("utf-16"), "bad_encoding"),
        (b"Number,Kind,Hired,kind\n4711,E,2020-02-01,E\n", "duplicate_header"),
        (b'Number,Kind,Hired\n4711,E,"2020-02-01\n4712,E,Zanzibarova\n', "malformed_csv"),
    ],
)
def test_a_damaged_file_is_held_with_its_reason(check: Check, content: bytes, reason: str) -> None:
    code, facts = check.facts("people", check.file("people_2026-09.csv", content))
    assert (code, facts["held"]["reason_code"], facts["rows"]) == (1, reason, None)


def test_a_file_of_another_name_is_explained_and_refused(check: Check) -> None:
    code, page, _ = check("people", check.file("staff.csv", PEOPLE))
    assert code == 1
    assert page.startswith("people: a run would pass the file over\n")
    assert "does not match `files`" in page
    assert "workers: 1 rows" in page


def test_a_file_elsewhere_is_matched_by_the_end_of_its_path(check: Check, tmp_path: Path) -> None:
    (tmp_path / "people_2026-09.csv").write_text(PEOPLE)
    code, facts = check.facts("people", tmp_path / "people_2026-09.csv")
    assert (code, facts["is_found"], facts["is_in_place"], facts["period"]) == (0, True, False, "2026-09")


def test_a_period_that_does_not_exist_holds_the_file(check: Check) -> None:
    code, facts = check.facts("people", check.file("people_2026-13.csv", PEOPLE))
    assert (code, facts["held"]["reason_code"]) == (1, "impossible_period")


SENTINELS = [{"cells": ["9999-12-31"], "columns": ["Left"]}, {"cells": ["N/A"]}]


def with_sentinels(check: Check) -> None:
    """Declare when people left, who leads them, and what says that nobody does."""
    file = check.exports.parent / "feeds" / "people.yaml"
    feed = yaml.safe_load(file.read_text())
    feed["tables"][0]["columns"] |= {
        "terminated_at": {"from": "Left", "date": "%Y-%m-%d", "means": "first_day_after"},
        "manager_person_id": {"from": "Boss", "person": "number"},
    }
    file.write_text(yaml.safe_dump({**feed, "sentinels": SENTINELS}), encoding="utf-8")


LEFT = """Number,Kind,Hired,Left,Boss
1,E,2020-02-01,9999-12-31,N/A
2,E,9999-12-31,2024-12-31,1
N/A,E,2020-02-01,,
"""


def test_a_text_that_stands_for_nothing_fills_no_column_and_names_nobody(check: Check) -> None:
    with_sentinels(check)
    path = check.file("people_2026-09.csv", LEFT)
    code, page, _ = check("people", path)
    assert "date %Y-%m-%d, the day before: it is the first day after" in page
    code, facts = check.facts("people", path)
    assert code == 0
    assert facts["rows"]["reasons"] == {"missing:person_id": 1, "unparsable:hired_at": 1}
    cells = {entry["name"]: (entry["filled"], entry["empty"]) for entry in facts["columns"]}
    assert (cells["Number"], cells["Left"], cells["Boss"]) == ((2, 1), (1, 2), (1, 2))
    assert outcomes(facts, "Left") == {"workers.terminated_at": (1, {})}
    assert outcomes(facts, "Boss") == {"workers.manager_person_id": (1, {})}


def test_a_text_that_stands_for_nothing_finds_nothing_in_another_file(check: Check) -> None:
    with_sentinels(check)
    check.file("people_2026-09.csv", LEFT.replace("2,E,9999-12-31", "2,E,N/A"))
    ratings = "Who,Rating\n1,3\n2,3\nN/A,3\n"
    _, facts = check.facts("ratings", check.file("ratings_2026-09.csv", ratings))
    assert facts["rows"]["reasons"] == {"missing:period_start": 1, "unknown_people": 1}


def test_a_text_that_stands_for_nothing_is_nobody_to_be_forgotten(check: Check, keys: None) -> None:
    with_sentinels(check)
    feed = feeds.load(check.exports.parent / "feeds")["people"]
    raw = pl.DataFrame({"source_row": [1, 2], "Number": ["1", "N/A"], "Boss": ["N/A", "N/A"]})
    assert persons(raw, feed, {})["source_row"].to_list() == [1]


RATINGS = "Who,Rating\n4711,3\n9999,5\n"


def test_what_a_row_is_looked_up_in_is_read_where_it_lies(check: Check) -> None:
    check.file("people_2026-09.csv", PEOPLE)
    code, facts = check.facts("ratings", check.file("ratings_2026-09.csv", RATINGS))
    assert code == 0
    assert facts["joins"] == {"people": "found"}
    assert facts["rows"]["reasons"] == {"unknown_people": 1}
    assert outcomes(facts, "Rating") == {"reviews.rating_share": (1, {})}
    assert outcomes(facts, "period") == {"reviews.period_code": (1, {})}


def test_a_lookup_in_a_file_that_has_not_arrived_is_said_and_does_not_hide_the_rest(check: Check) -> None:
    code, page, _ = check("ratings", check.file("ratings_2026-09.csv", RATINGS))
    assert code == 0
    assert "looked up in people: no file has arrived in its folder; a run would stop and ask for people first" in page
    assert "4711" not in page
    _, facts = check.facts("ratings", check.exports / "ratings_2026-09.csv")
    assert outcomes(facts, "Rating") == {"reviews.rating_share": (2, {})}
    assert facts["rows"]["reasons"] == {"missing:period_start": 2}


def test_in_a_file_of_nobody_nobody_is_found(check: Check) -> None:
    check.file("people_2026-09.csv", f"{PEOPLE.splitlines()[0]}\n")
    _, facts = check.facts("ratings", check.file("ratings_2026-09.csv", RATINGS))
    assert facts["joins"] == {"people": "found"}
    assert facts["rows"]["reasons"] == {"unknown_people": 2}


def test_a_lookup_in_a_file_that_is_held_says_why(check: Check) -> None:
    check.file("people_2026-09.csv", "")
    _, facts = check.facts("ratings", check.file("ratings_2026-09.csv", RATINGS))
    assert facts["joins"]["people"].startswith("its file is held: empty_file: ")


def test_a_file_that_is_not_complete_is_waited_for(
    check: Check, store: FileStore, keys: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = check.exports.parent / "feeds" / "people.yaml"
    file.write_text(yaml.safe_dump({**yaml.safe_load(file.read_text()), "ready": {"marker": ".done"}}))
    path = check.file("people_2026-09.csv", PEOPLE)
    code, page, _ = check("people", path)
    assert (code, "complete   not yet" in page) == (0, True)
    assert run(Batch(store, "b"), None) == "nothing new for batch b; not complete yet: people 1"
    check.file("people_2026-09.csv.done", "")
    code, page, _ = check("people", path)
    assert (code, "complete" in page) == (0, False)


def test_an_unknown_feed_or_file_says_what_to_do(check: Check) -> None:
    code, _, said = check("persons", check.exports / "people_2026-09.csv")
    assert (code, said) == (
        1,
        "SettingsError: FEED must name a feed; persons is none of people, ratings. Correct it.\n",
    )
    code, _, said = check("people", check.exports / "people_2026-09.csv")
    assert (code, said) == (1, "SettingsError: FILE must name a file; it names none. Correct the path.\n")


def test_documents_are_read_where_they_lie_and_stay_there(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANDOR_FEEDS", "feeds")
    folder = check.exports / "resumes" / "2026-09"
    folder.mkdir(parents=True)
    canvas = Canvas(str(folder / "C-000001.pdf"))
    for number in range(12):
        canvas.drawString(72, 780 - 16 * number, f"Zanzibarova used kafka and python in project {number}")
    canvas.save()
    (folder / "C-000002.pdf").write_bytes(b"")
    code, facts = check.facts("resumes", folder)
    assert (code, facts["period"]) == (0, "2026-09")
    assert facts["rows"]["reasons"] == {"empty": 1, "missing:received_at": 1}
    assert outcomes(facts, "text") == {"resumes.text": (1, {})}
    assert sorted(path.name for path in folder.iterdir()) == ["C-000001.pdf", "C-000002.pdf"]
    (code, _, said) = check("resumes", check.exports)
    assert code == 0, said


def test_one_document_with_too_much_text_costs_itself_only(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    (declared := check.exports.parent / "vendor").mkdir()
    for name in ("resumes", "workday_requisitions", "workday_candidates"):
        feed = yaml.safe_load(Path(f"feeds/{name}.yaml").read_text(encoding="utf-8"))
        limits = {"limits": {"max_cell_bytes": 1_000}} if name == "resumes" else {}
        (declared / f"{name}.yaml").write_text(yaml.safe_dump(feed | limits), encoding="utf-8")
    monkeypatch.setenv("CANDOR_FEEDS", str(declared))
    folder = check.exports / "resumes" / "2026-09"
    folder.mkdir(parents=True)
    for candidate, lines in (("C-000001", 12), ("C-000002", 40)):  # some 600 and 2,000 bytes
        canvas = Canvas(str(folder / f"{candidate}.pdf"))
        for number in range(lines):
            canvas.drawString(72, 780 - 16 * number, f"Zanzibarova used kafka and python in project {number:04d}")
        canvas.save()
    code, facts = check.facts("resumes", folder)
    assert (code, facts["held"]) == (0, None)
    assert facts["rows"]["reasons"] == {"missing:received_at": 1, "too_large": 1}


def test_a_column_that_is_called_what_no_model_may_know_is_told(check: Check) -> None:
    """Whatever it would become in the lake; in the vault it is where it belongs."""
    file = check.file("people_2026-09.csv", PEOPLE)
    assert check.facts("people", file)[1]["banned"] == []
    declared = Path(os.environ["CANDOR_FEEDS"]) / "people.yaml"
    feed = yaml.safe_load(declared.read_text(encoding="utf-8"))
    feed["tables"][0]["columns"]["management_level_code"] = {"from": "Gender"}
    feed["tables"].append(
        {
            "table": "protected",
            "columns": {
                "person_id": {"from": "Number", "person": "number"},
                "attribute_code": {"constant": "sex"},
                "value_code": {"from": "Gender"},
            },
        }
    )
    declared.write_text(yaml.safe_dump(feed), encoding="utf-8")
    assert check.facts("people", file)[1]["banned"] == ["workers.management_level_code"]
    assert "no model may know: workers.management_level_code. Map it to `protected`" in check("people", file)[1]


def test_text_that_was_broken_before_is_counted_by_column(check: Check) -> None:
    """Umlauts of UTF-8 read as Windows-1252, a sign that stands for none, a question mark within a name."""
    names = ["Schl\u00c3\u00bcssel", "it\u00e2\u20ac\u2122s", "a\ufffdb", "N?\u00f1ez"]
    sound = ["S\u00c3O", "\u00c2ge", "Why?", "https://x.example/a?b=c", "Nu\u00f1ez", ""]
    lines = [f"47{n},E,2020-02-01,1,,{name}," for n, name in enumerate([*names, *sound], 10)]
    path = check.file("people_2026-09.csv", "\n".join([PEOPLE.partition("\n")[0], *lines]) + "\n")
    code, facts = check.facts("people", path)
    assert (code, facts["garbled"]) == (0, {"Name": 4})
    assert "by cells: Name 4. A run takes it as it is" in check("people", path)[1]
