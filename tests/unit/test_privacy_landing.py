import json
from pathlib import Path

import polars as pl
import pytest

from pipelines.base import forgotten, pseudonyms
from pipelines.base.digests import sha256_bytes
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


def erased(store, *people, words=()):
    noted = {}
    one = forgotten.group(store, people, (), words)
    unsearched = landing.erase(store, one, lambda name, old, new: noted.update({name: (old, new)}))
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
    assert unsearched == {}
    assert erased(store, who("workday_worker", "000001")) == ({}, {})


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
    registered = [name for name in noted if name.startswith("lake/files/resumes/")]
    assert noted[registered[0]][1] == sha256_bytes(store.read(registered[0]))
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
    assert set(unsearched.values()) == {None}  # the empty file cannot be read as its feed says


def test_a_manager_named_in_somebody_elses_row_does_not_take_that_row(store):
    raw = pl.DataFrame({"source_row": [1, 2], "Worker_ID": ["000001", "000002"], "Manager_ID": [None, "000001"]})
    feed = landing.declared.load(landing.declared.folder())["workday_workers"]
    one = forgotten.group(store, [who("workday_worker", "000001")])
    assert landing.rows_of(raw, feed, {"period": "2026-01"}, one) == {1}


def test_a_row_that_links_somebody_with_the_person_is_about_them(store):
    raw = pl.DataFrame({"source_row": [1, 2], "Candidate_ID": ["C-1", "C-2"], "Employee_ID": ["000001", "000002"]})
    feed = landing.declared.load(landing.declared.folder())["workday_candidates"]
    one = forgotten.group(store, [who("workday_worker", "000001")])
    assert landing.rows_of(raw, feed, {"period": "2026-01"}, one) == {1}


RAGGED = ["x;000001;r", "y;O'Neill-Zapp;r", "z;anna;r", "w;000002;r"]


def test_a_line_that_its_feed_cannot_read_goes_when_a_word_of_it_was_theirs_alone(store):
    head = b"Enrollment ID,Employee ID,Course ID,Run,Enrolled At,Starts At,Due At,Attempt,Assigned By\n"
    lines = [f"{text.replace(';', ',')}\n".encode() for text in RAGGED]
    key = land(store, "lms_enrolments", "enrolments_2026-01.csv", head + b"".join(lines))
    sealed = pl.DataFrame({"source_row": [1, 2, 3, 4], "Employee ID": [None] * 4, "line": RAGGED})
    sealed = sealed.cast({"Employee ID": pl.String})
    store.put("quarantine/b/u.sealed", seal_frame(bytes.fromhex("22" * 32), sealed))
    store.put("quarantine/b/u.json", json.dumps({"feed": "lms_enrolments", "file_id": "a" * 64}).encode())
    noted, unsearched = erased(store, who("workday_worker", "000001"), words=["000001", "Neill-Zapp", "bob"])
    assert store.read(key) == head + lines[2] + lines[3]
    left = unseal_frame(bytes.fromhex("22" * 32), store.read("quarantine/b/u.sealed"))
    assert left["line"].to_list() == RAGGED[2:]
    assert set(noted) == {key, "quarantine/b/u.sealed"}
    assert unsearched == {key: 2, "quarantine/b/u.sealed": 2}


def test_an_element_that_is_no_object_goes_when_a_word_of_it_was_theirs_alone(store):
    elements = ['"C-000001"', '{"Candidate_ID": "C-000002", "Declared_Date": "2026-01-02"}', '["C-000003"]']
    data = '{"Report_Entry": [' + ", ".join(elements) + "]}"
    key = land(store, "workday_candidate_eeo", "HRML_Candidate_EEO_2026-01.json", data.encode())
    _, unsearched = erased(store, who("workday_candidate", "C-000001"), words=["C-000001"])
    assert store.read(key).decode() == '{"Report_Entry": [' + ", ".join(elements[1:]) + "]}"
    assert unsearched == {key: 1}


def test_a_short_word_and_words_of_several_find_nothing(store):
    one = forgotten.group(store, [], (), ["042", "Anna Maria", "anna@x.org"])
    assert not one.is_in("042,Anna Maria")
    assert one.is_in("1;ANNA@x.org.")
    assert not one.is_in("joanna@x.org")


def test_what_no_batch_has_registered_is_named_without_its_name(store):
    store.put(f"landing/resumes/2026-01/{'d' * 64}/C-000001.pdf", b"pdf")
    assert erased(store, who("workday_candidate", "C-000001"))[1] == {f"landing/resumes/2026-01/{'d' * 64}": None}


def test_a_file_that_a_killed_erasure_left_in_clear_goes_with_the_next(store):
    head = b"Enrollment ID,Employee ID,Course ID,Run,Enrolled At,Starts At,Due At,Attempt,Assigned By\n"
    land(store, "lms_enrolments", "enrolments_2026-01.csv", head)
    left = store.root / "work/privacy/left"
    left.mkdir(parents=True)
    (left / "source").write_bytes(b"000001")
    erased(store, who("workday_worker", "000001"))
    assert list((store.root / "work/privacy").iterdir()) == []
