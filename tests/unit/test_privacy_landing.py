import json
from pathlib import Path

import polars as pl
import pytest

from pipelines.base import pseudonyms
from pipelines.base.sealed import seal_frame, unseal_frame
from pipelines.ingest import files
from pipelines.privacy import landing

pytestmark = pytest.mark.usefixtures("keys", "declared")
KEY = bytes.fromhex("11" * 32)


@pytest.fixture
def declared(monkeypatch):
    monkeypatch.setenv("CANDOR_FEEDS", str(Path(__file__).parents[2] / "feeds"))


def who(scheme: str, value: str) -> str:
    return str(pseudonyms.pseudonym(KEY, scheme, pl.Series([value]))[0])


def land(store, feed, name, data, documents=()):
    key = f"landing/{feed}/2026-01/{'a' * 64}/{name}"
    store.put(key, data)
    record = files.Record(
        feed, name, "a" * 64, {"period": "2026-01"}, "b", "published", "f", key, {}, len(data), documents
    )
    files.enter(store, record)
    return key


def erased(store, *people):
    noted = {}
    unsearched = landing.erase(store, people, lambda name, old, new: noted.update({name: (old, new)}))
    return noted, unsearched


def test_lines_of_a_csv_file_go_and_all_other_bytes_stay(store):
    head = b"Enrollment ID,Employee ID,Course ID,Run,Enrolled At,Starts At,Due At,Attempt,Assigned By\r\n"
    lines = [
        f'E-{n},{person},"c, with ""quotes""\nand a break",r,01.01.2026 00:00,02.01.2026 00:00,,1,HR\r\n'.encode()
        for n, person in enumerate(["000001", "000002", "000001", "000003"])
    ]
    key = land(store, "lms_enrolments", "enrolments_2026-01.csv", head + b"".join(lines))
    noted, unsearched = erased(store, who("workday_worker", "000001"))
    assert store.read(key) == head + lines[1] + lines[3]
    assert set(noted) == {key}
    assert unsearched == []
    assert erased(store, who("workday_worker", "000001")) == ({}, [])


@pytest.mark.parametrize("gone", ["C-000001", "C-000002", "C-000003"])
def test_elements_of_a_json_list_go_and_all_other_bytes_stay(store, gone):
    people = ["C-000001", "C-000002", "C-000003"]
    text = {p: json.dumps({"Candidate_ID": p, "Declared_Date": "2026-01-02", "X": "é]["}) for p in people}
    kept = [person for person in people if person != gone]
    data = '{ "Report_Entry" : [\n ' + ",\n ".join(text[p] for p in people) + '\n] , "z": 1}'
    key = land(store, "workday_candidate_eeo", "HRML_Candidate_EEO_2026-01.json", data.encode())
    erased(store, who("workday_candidate", gone))
    left = store.read(key).decode()
    assert gone not in left
    assert [row["Candidate_ID"] for row in json.loads(left)["Report_Entry"]] == kept
    assert all(text[person] in left for person in kept)


def test_documents_go_with_their_lines_of_index_and_register(store):
    names = [("2026-01/C-000001.pdf", "b" * 64, 3), ("2026-01/C-000002.pdf", "c" * 64, 3)]
    for name, sha256, _ in names:
        store.put(f"landing/resumes/2026-01/{sha256}/{name.split('/')[1]}", b"pdf")
    key = land(store, "resumes", "index.json", json.dumps(names).encode(), tuple(names))
    noted, _ = erased(store, who("workday_candidate", "C-000001"))
    assert store.list("landing") == [key, f"landing/resumes/2026-01/{'c' * 64}/C-000002.pdf"]
    assert json.loads(store.read(key)) == [list(names[1])]
    assert files.of_feed(store, "resumes")[0].documents == (names[1],)
    assert "C-000001" not in str(noted)
    assert noted[f"landing/resumes/2026-01/{'b' * 64}"] == ("b" * 64, "")


def test_rejected_rows_go_from_quarantine(store):
    land(store, "lms_enrolments", "enrolments_2026-01.csv", b"")
    frame = pl.DataFrame(
        {"source_row": [1, 2], "Employee ID": ["000001", "000002"]}, schema_overrides={"source_row": pl.Int64}
    )
    store.put("quarantine/b/u.sealed", seal_frame(bytes.fromhex("22" * 32), frame))
    store.put("quarantine/b/u.json", json.dumps({"feed": "lms_enrolments", "file_id": "a" * 64}).encode())
    noted, unsearched = erased(store, who("workday_worker", "000001"))
    assert unseal_frame(bytes.fromhex("22" * 32), store.read("quarantine/b/u.sealed"))["source_row"].to_list() == [2]
    assert set(noted) == {"quarantine/b/u.sealed"}
    assert len(unsearched) == 1  # the empty file cannot be read as its feed says


def test_a_manager_named_in_somebody_elses_row_does_not_take_that_row(store):
    raw = pl.DataFrame({"source_row": [1, 2], "Worker_ID": ["000001", "000002"], "Manager_ID": [None, "000001"]})
    feed = landing.declared.load(landing.declared.folder())["workday_workers"]
    assert landing.rows_of(raw, feed, {"period": "2026-01"}, [who("workday_worker", "000001")]) == {1}
