import hashlib
import io
import json
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from pipelines.base import forgotten, pseudonyms
from pipelines.base import landing as objects
from pipelines.base.digests import sha256_bytes
from pipelines.base.sealed import seal_frame, unseal_frame
from pipelines.base.store import FileStore
from pipelines.ingest import files
from pipelines.ingest.batch import Unit
from pipelines.ingest.feeds import Feed
from pipelines.ingest.land import document_key
from pipelines.ingest.persons import are_joined, persons
from pipelines.privacy import landing, records

pytestmark = pytest.mark.usefixtures("keys", "declared")
KEY = bytes.fromhex("11" * 32)
DAY = date(2026, 2, 1)
VENDORS = Path(__file__).parents[2] / "feeds" / "vendors"
HEAD = b"Enrollment ID,Employee ID,Course ID,Run,Enrolled At,Starts At,Due At,Attempt,Assigned By\n"
ENROLMENT = b"E-1,000001,c,r,01.01.2026 00:00,02.01.2026 00:00,,1,HR\n"


@pytest.fixture
def declared(monkeypatch):
    monkeypatch.setenv("CANDOR_FEEDS", str(Path(__file__).parents[2] / "feeds"))


def who(scheme: str, value: str) -> str:
    return str(pseudonyms.pseudonym(KEY, scheme, pl.Series([value]))[0])


def sealed(store, key, data):
    sha256, scratch = hashlib.sha256(data).hexdigest(), store.root / "work"
    assert objects.write(store, key, io.BytesIO(data), sha256, day=DAY, scratch=scratch)


def opened(store, key):
    back = store.root / "work" / "back"
    return back.read_bytes() if objects.read(store, key, back) else None


def land(store, feed, name, data, documents=()):
    key = f"landing/{feed}/2026-01/{'a' * 64}/{name}"
    sealed(store, key, data)
    record = files.Record(
        feed, name, "a" * 64, {"period": "2026-01"}, "b", "published", "f", key, {}, len(data), documents
    )
    files.enter(store, record)
    return key


def document(name, sha256):
    """Where a document of the delivery of 2026-01 lies."""
    return document_key(Unit("u", "resumes", "2026-01", "a" * 64, 3, {"period": "2026-01"}, "f"), name, sha256)


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
    assert opened(store, key) == head + lines[1] + lines[3]
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
    left = opened(store, key).decode()
    assert gone not in left
    assert [row["Candidate_ID"] for row in json.loads(left)["Report_Entry"]] == kept
    assert all(text[person] in left for person in kept)


def test_documents_go_with_their_lines_of_index_and_register(store):
    names = [("2026-01/C-000001.pdf", "b" * 64, 3), ("2026-01/C-000002.pdf", "c" * 64, 3)]
    for name, sha256, _ in names:
        sealed(store, document(name, sha256), b"pdf")
    key = land(store, "resumes", "index.json", json.dumps(names).encode(), tuple(names))
    noted, _ = erased(store, who("workday_candidate", "C-000001"))
    assert store.list("landing") == [key, document(*names[1][:2])]
    assert len(store.list("keys/landing")) == 2
    assert json.loads(opened(store, key)) == [list(names[1])]
    assert files.of_feed(store, "resumes")[0].documents == (names[1],)
    assert "C-000001" not in str(noted)
    registered = [name for name in noted if name.startswith("lake/files/resumes/")]
    assert noted[registered[0]][1] == sha256_bytes(store.read(registered[0]))
    assert noted[f"landing/resumes/2026-01/{'b' * 64}"] == ("b" * 64, "")


def test_the_bytes_of_before_cannot_be_opened_after_an_erasure(store):
    key = land(store, "lms_enrolments", "enrolments_2026-01.csv", HEAD + ENROLMENT)
    before = store.read(key)
    erased(store, who("workday_worker", "000001"))
    assert opened(store, key) == HEAD
    store.put(key, before)  # as a backup would
    assert opened(store, key) is None


def test_an_erasure_killed_before_the_old_key_was_destroyed_destroys_it_when_run_again(store, monkeypatch):
    key = land(store, "lms_enrolments", "enrolments_2026-01.csv", HEAD + ENROLMENT)
    [old] = store.list("keys/landing")

    class Killed(BaseException):
        pass

    def die(*_):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(FileStore, "delete", die)
        with pytest.raises(Killed):
            erased(store, who("workday_worker", "000001"))
    assert old in store.list("keys/landing")
    erased(store, who("workday_worker", "000001"))
    assert old not in store.list("keys/landing")
    assert opened(store, key) == HEAD
    assert list((store.root / "work" / "privacy").iterdir()) == []


def test_a_file_whose_key_is_destroyed_holds_nobody(store):
    key = land(store, "lms_enrolments", "enrolments_2026-01.csv", HEAD + ENROLMENT)
    names = [("2026-01/C-000001.pdf", "b" * 64, 3)]
    sealed(store, document(*names[0][:2]), b"pdf")
    land(store, "resumes", "index.json", json.dumps(names).encode(), tuple(names))
    objects.let_go(store, store.list("keys/landing"))
    people = [who("workday_worker", "000001"), who("workday_candidate", "C-000001")]
    noted, unsearched = erased(store, *people)
    assert unsearched == {}
    register = [name for name in noted if name.startswith("lake/files/resumes/")]
    assert set(noted) == {f"landing/resumes/2026-01/{'b' * 64}", *register}
    assert opened(store, key) is None
    assert files.of_feed(store, "resumes")[0].documents == ()


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
    rejected = pl.DataFrame({"source_row": [1, 2, 3, 4], "Employee ID": [None] * 4, "line": RAGGED})
    rejected = rejected.cast({"Employee ID": pl.String})
    store.put("quarantine/b/u.sealed", seal_frame(bytes.fromhex("22" * 32), rejected))
    store.put("quarantine/b/u.json", json.dumps({"feed": "lms_enrolments", "file_id": "a" * 64}).encode())
    noted, unsearched = erased(store, who("workday_worker", "000001"), words=["000001", "Neill-Zapp", "bob"])
    assert opened(store, key) == head + lines[2] + lines[3]
    left = unseal_frame(bytes.fromhex("22" * 32), store.read("quarantine/b/u.sealed"))
    assert left["line"].to_list() == RAGGED[2:]
    assert set(noted) == {key, "quarantine/b/u.sealed"}
    assert unsearched == {key: 2, "quarantine/b/u.sealed": 2}


def test_an_element_that_is_no_object_goes_when_a_word_of_it_was_theirs_alone(store):
    elements = ['"C-000001"', '{"Candidate_ID": "C-000002", "Declared_Date": "2026-01-02"}', '["C-000003"]']
    data = '{"Report_Entry": [' + ", ".join(elements) + "]}"
    key = land(store, "workday_candidate_eeo", "HRML_Candidate_EEO_2026-01.json", data.encode())
    _, unsearched = erased(store, who("workday_candidate", "C-000001"), words=["C-000001"])
    assert opened(store, key).decode() == '{"Report_Entry": [' + ", ".join(elements[1:]) + "]}"
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


def test_a_file_whose_dialect_loses_no_single_records_is_named_and_stays_as_it_was(store, tmp_path, monkeypatch):
    text = (Path(__file__).parents[2] / "feeds" / "lms_enrolments.yaml").read_text(encoding="utf-8")
    (tmp_path / "feeds").mkdir()
    (tmp_path / "feeds" / "enrolments.yaml").write_text(
        f"{text}encoding: utf-16\n".replace("after:", "# after:"), encoding="utf-8"
    )
    monkeypatch.setenv("CANDOR_FEEDS", str(tmp_path / "feeds"))
    data = (HEAD + ENROLMENT).decode().encode("utf-16")
    key = land(store, "lms_enrolments", "enrolments_2026-01.csv", data)
    assert erased(store, who("workday_worker", "000001")) == ({}, {key: None})
    assert erased(store, who("workday_worker", "000002")) == ({}, {})
    assert opened(store, key) == data


def test_a_row_with_an_id_of_the_vendors_that_no_file_knows_is_counted(store, monkeypatch):
    """Lever's applications say which opportunity they are of; whose that is stands in another file, not there."""
    monkeypatch.setenv("CANDOR_FEEDS", str(VENDORS / "lever"))
    rows = {"data": [{"id": "1", "opportunityId": "7", "posting": "9"}]}
    key = land(store, "lever_applications", "applications.json", json.dumps(rows).encode())
    assert erased(store, who("workday_candidate", "C-000001")) == ({}, {key: 1})


def landed_json(store, feed, *rows):
    return land(store, feed, f"{feed}.json", json.dumps(list(rows)).encode())


def record(number, *ids):
    return [{"id": id_, "employeeNumber": number, "customContract": f"{number}-1"} for id_ in ids]


def jobs(*ids):
    return [{"id": str(n), "employeeId": id_, "date": "2020-01-01", "department": "X"} for n, id_ in enumerate(ids)]


def left_in(store, key, name):
    return [row[name] for row in json.loads(opened(store, key))]


@pytest.fixture
def bamboohr(store, monkeypatch):
    """Two people in the file that says whose a record is, three records of one of them; a table with records' ids."""
    monkeypatch.setenv("CANDOR_FEEDS", str(VENDORS / "bamboohr"))
    told = {"employees": [*record("000001", "11", "12"), *record("000002", "21")]}
    return land(store, "bamboohr_records", "employees.json", json.dumps(told).encode())


def test_rows_that_only_have_the_vendors_id_of_a_person_go(store, bamboohr):
    info = landed_json(store, "bamboohr_job_info", *jobs("11", "21", "12", "21"))
    status = [{**row, "employmentStatus": "Full-Time"} for row in jobs("21", "11")]
    statuses = landed_json(store, "bamboohr_employment_status", *status)
    noted, unsearched = erased(store, who("workday_worker", "000001"))
    assert left_in(store, info, "employeeId") == ["21", "21"]
    assert left_in(store, statuses, "employeeId") == ["21"]
    assert json.loads(opened(store, bamboohr))["employees"] == record("000002", "21")
    assert (set(noted), unsearched) == ({info, statuses, bamboohr}, {})


def land_later(store, told):
    """Another file of records."""
    key = f"landing/bamboohr_records/2026-02/{'e' * 64}/later.json"
    sealed(store, key, json.dumps({"employees": told}).encode())
    period = {"period": "2026-02"}
    files.enter(
        store, files.Record("bamboohr_records", "later.json", "e" * 64, period, "c", "published", "f", key, {}, 9)
    )
    return key


def test_an_id_that_was_another_persons_too_forgets_nobody_and_is_counted(store, bamboohr):
    key = land_later(store, record("000003", "12", "31"))
    info = landed_json(store, "bamboohr_job_info", *jobs("11", "12", "21", "31"))
    _, unsearched = erased(store, who("workday_worker", "000001"))
    assert left_in(store, info, "employeeId") == ["12", "21", "31"]
    assert unsearched == {info: 1}
    assert len(json.loads(opened(store, key))["employees"]) == 2


def test_an_id_that_became_another_persons_since_forgets_nobody_either(store, bamboohr):
    remembered = []
    landing.erase(store, forgotten.group(store, [who("workday_worker", "000001")]), lambda *_: None, remembered.append)
    land_later(store, record("000003", "12"))
    info = landed_json(store, "bamboohr_job_info", *jobs("11", "12"))
    assert landing.erase(store, remembered[0], lambda *_: None) == {info: 1}
    assert left_in(store, info, "employeeId") == ["12"]


def test_what_is_remembered_still_finds_rows_when_those_that_said_whose_an_id_is_are_gone(store, bamboohr):
    """As when an erasure was killed between two files and is run again."""
    one, remembered = forgotten.group(store, [who("workday_worker", "000001")]), []
    landing.erase(store, one, lambda *_: None, remembered.append)
    info = landed_json(store, "bamboohr_job_info", *jobs("11", "21"))
    assert landing.erase(store, one, lambda *_: None) == {info: 1}
    assert landing.erase(store, remembered[0], lambda *_: None) == {}
    assert left_in(store, info, "employeeId") == ["21"]


def test_nothing_is_changed_before_the_ids_are_remembered(store, bamboohr):
    landed_json(store, "bamboohr_job_info", *jobs("11", "21"))
    happened = []
    one = forgotten.group(store, [who("workday_worker", "000001")])
    landing.erase(store, one, lambda *_: happened.append("changed"), lambda _: happened.append("remembered"))
    assert happened == ["remembered", "changed", "changed"]


def test_ids_lead_from_file_to_file(store, monkeypatch):
    """Greenhouse: an opening names an application, which names a candidate, who has the company's number."""
    monkeypatch.setenv("CANDOR_FEEDS", str(VENDORS / "greenhouse"))
    number = "custom_fields"
    people = [
        {"id": n, "private": False, "created_at": "2026-01-01", "updated_at": "2026-01-01"}
        | {number: {"candidate_number": {"value": f"C-{n}"}}}
        for n in (1, 2)
    ]
    applied = [
        {"id": 10 * n, "candidate_id": n, "job_id": 5, "prospect": False, "status": "hired"}
        | {"created_at": "2026-01-01", "updated_at": "2026-01-01", number: {"application_number": {"value": f"A{n}"}}}
        for n in (1, 2)
    ]
    places = [{"id": n, "job_id": 5, "closed_at": None, "close_reason_id": None, "application_id": n} for n in (10, 20)]
    places.append({**places[0], "id": 30, "application_id": None})
    candidates = landed_json(store, "greenhouse_candidates", *people)
    applications = landed_json(store, "greenhouse_applications", *applied)
    openings = landed_json(store, "greenhouse_openings", *places)
    _, unsearched = erased(store, who("workday_candidate", "C-1"))
    assert [left_in(store, key, "id") for key in (candidates, applications, openings)] == [[2], [20], [20, 30]]
    assert unsearched == {}


def test_a_row_that_lacks_the_vendors_id_goes_for_a_word_that_was_theirs_alone_or_is_counted(store, bamboohr):
    """BambooHR: a directory tells names by its own id, which a row may have empty, or not at all."""

    def named(number, last, **ids):
        return ids | {"firstName": "Bo", "lastName": last, "workEmail": f"{number}@x.org"}

    people = [named(1, "Zedermann", id="11"), named(2, "Nuñez", id=None), named(3, "Nuñez"), named(4, "Young")]
    told = {"employees": [*people, named(5, "Old", id="21")]}
    key = land(store, "bamboohr_directory", "directory_2026-01.json", json.dumps(told).encode())
    _, unsearched = erased(store, who("workday_worker", "000001"), words=["nuñez"])
    assert [row["lastName"] for row in json.loads(opened(store, key))["employees"]] == ["Young", "Old"]
    assert unsearched == {key: 1}
    assert erased(store, who("workday_worker", "000001"))[1] == {key: 1}


def test_an_erased_row_that_lacks_the_vendors_id_goes_for_a_word_that_nothing_reads(store, bamboohr):
    """Parts leave out columns that no rule reads; the file has them."""
    key = landed_json(store, "bamboohr_job_info", *jobs("21"), {**jobs("11")[0], "employeeId": "", "note": "zed@x.org"})
    assert erased(store, who("workday_worker", "000001"), words=["zed@x.org"])[1] == {}
    assert left_in(store, key, "employeeId") == ["21"]


def test_rejected_rows_that_lack_the_vendors_id_go_for_a_word_or_are_counted(store, bamboohr):
    landed_json(store, "bamboohr_job_info", *jobs("21"))
    frame = pl.DataFrame({"source_row": [1, 2, 3], "employeeId": ["21", None, None], "note": ["", "zed@x.org", "?"]})
    store.put("quarantine/b/u.sealed", seal_frame(bytes.fromhex("22" * 32), frame))
    store.put("quarantine/b/u.json", json.dumps({"feed": "bamboohr_job_info", "file_id": "a" * 64}).encode())
    _, unsearched = erased(store, who("workday_worker", "000001"), words=["zed@x.org"])
    left = unseal_frame(bytes.fromhex("22" * 32), store.read("quarantine/b/u.sealed"))
    assert left["note"].to_list() == ["", "?"]
    assert unsearched == {"quarantine/b/u.sealed": 1}


def test_rows_without_the_vendors_id_in_which_a_rule_names_somebody_else_are_theirs(store, bamboohr):
    key = land_later(store, [*record("000003", None), *record(None, None), *record(None, "21")])
    assert erased(store, who("workday_worker", "000001"))[1] == {key: 1}


def test_rows_of_a_user_id_that_says_no_number_go_with_the_employment_that_has_it(store, monkeypatch):
    """SuccessFactors: who a user id of letters is, only the employments say; learning and pay reject such rows."""
    monkeypatch.setenv("CANDOR_FEEDS", str(VENDORS / "successfactors"))
    told = dict.fromkeys(("startDate", "isContingentWorker", "lastModifiedDateTime", "jobInfoNav"), "x")
    people = [told | {"personIdExternal": f"00000{n}", "userId": f"EMP-{n}"} for n in (1, 2)]
    land(store, "successfactors_employments", "e.json", json.dumps({"d": {"results": people}}).encode())
    learnt = "componentTypeID componentID completionStatusID completionDate lastUpdateTimestamp"
    paid = "payComponent startDate paycompvalue currencyCode frequency"
    one, two = (
        [dict.fromkeys(names.split(), "x") | {key: f"EMP-{n}"} for n in (1, 2)]
        for names, key in ((learnt, "userID"), (paid, "userId"))
    )
    pages = {"learning": {"value": one}, "pay": {"d": {"results": two}}}
    keys = [land(store, f"successfactors_{n}", "f.json", json.dumps(page).encode()) for n, page in pages.items()]
    _, unsearched = erased(store, who("workday_worker", "000001"))
    assert unsearched == {}
    left = [opened(store, key).decode() for key in keys]
    assert [("EMP-1" in text, "EMP-2" in text) for text in left] == [(False, True)] * 2


def test_rejected_rows_with_the_vendors_id_of_a_person_go_from_quarantine(store, bamboohr):
    landed_json(store, "bamboohr_job_info", *jobs("21"))
    frame = pl.DataFrame({"source_row": [1, 2, 3], "employeeId": ["11", "21", "99"]})
    store.put("quarantine/b/u.sealed", seal_frame(bytes.fromhex("22" * 32), frame))
    store.put("quarantine/b/u.json", json.dumps({"feed": "bamboohr_job_info", "file_id": "a" * 64}).encode())
    _, unsearched = erased(store, who("workday_worker", "000001"))
    left = unseal_frame(bytes.fromhex("22" * 32), store.read("quarantine/b/u.sealed"))
    assert left["employeeId"].to_list() == ["21", "99"]
    assert unsearched == {"quarantine/b/u.sealed": 1}


@pytest.mark.parametrize(
    ("data", "path", "gone", "left"),
    [
        ('\ufeff [ {"a": 1} ,\n{"a": 2}]', "", {1}, '\ufeff [ {"a": 2}]'),
        (
            '[{"d": {"x": [7], "r": [1, 2]}}, {"d": {"r": [3]}}]',
            "d.r",
            {2, 3},
            '[{"d": {"x": [7], "r": [1]}}, {"d": {"r": []}}]',
        ),
        (
            '{"r": {"r": [0]}, "s": "\\"r\\": [", "q": {"r": [1, 2, 3]}}',
            "q.r",
            {1, 3},
            '{"r": {"r": [0]}, "s": "\\"r\\": [", "q": {"r": [2]}}',
        ),
    ],
    ids=["the document itself", "pages", "a key of the same name elsewhere"],
)
def test_elements_go_from_the_list_that_the_feed_names(data, path, gone, left):
    feed = Feed.model_validate(
        {
            "name": "f",
            "owner": "o",
            "cadence": "once",
            "location": "",
            "files": ".*",
            "dialect": "json_records",
            "options": {"record_path": path, "may_be_empty": True, "is_odata_v2": False},
            "extracted_at": {"constant": "2026-01-01T00:00:00Z"},
            "tables": [],
        }
    )
    assert records.without(data.encode(), gone, feed).decode() == left


def test_a_file_of_a_feed_that_nobody_declares_any_more_is_named_by_its_folder(store):
    """It may have been of one person, and named after them."""
    key = land(store, "people_of_before", "zoe-zanzibarova.json", b"{}")
    assert erased(store, who("workday_worker", "000001")) == ({}, {key.rpartition("/")[0]: None})


@pytest.mark.parametrize(("path", "left"), [("", b"null"), ("d.e", b'{"d": {"e": null}}')])
def test_of_a_document_that_is_one_record_nothing_stays(path: str, left: bytes) -> None:
    words = {"name": "f", "owner": "o", "cadence": "once", "location": "", "files": ".*", "tables": []}
    options = {"record_path": path, "may_be_empty": True, "is_odata_v2": False, "is_one": True}
    reader = {"dialect": "json_records", "options": options, "extracted_at": {"constant": "2026-01-01T00:00:00Z"}}
    feed, data = Feed.model_validate(words | reader), b'{"d": {"e": {"name": "Zanzibarova"}}}'
    assert records.texts(data, feed, {1}) == {1: data.decode()}
    assert records.without(data, {1}, feed) == left
    assert records.without(data, set(), feed) == data


def test_rows_go_from_a_table_among_other_lines_and_those_stay() -> None:
    words = {
        "name": "f",
        "owner": "o",
        "cadence": "once",
        "location": "",
        "files": ".*",
        "dialect": "csv",
        "tables": [],
    }
    options = {"delimiter": ",", "quote": '"', "skip_top": 2, "skip_bottom": 1, "bottom_like": "^Total: "}
    feed = Feed.model_validate({**words, "options": options, "extracted_at": {"constant": "2026-01-01T00:00:00Z"}})
    data = b'Roster of 5" files\r\n\r\nid,name\r\n1,"a\r\nb"\r\n2,c\r\nTotal: 2\r\n'
    assert records.texts(data, feed, {1, 2}) == {1: '1,"a\r\nb"\r\n', 2: "2,c\r\n"}
    assert records.without(data, {1}, feed) == b'Roster of 5" files\r\n\r\nid,name\r\n2,c\r\nTotal: 2\r\n'
    assert records.without(data, {2}, feed) == b'Roster of 5" files\r\n\r\nid,name\r\n1,"a\r\nb"\r\nTotal: 2\r\n'


SALARIES = """
name: salaries
owner: HR
cadence: once
location: hr
files: 'salaries\\.csv'
dialect: csv
options: {delimiter: ",", quote: '"'}
extracted_at: {constant: 2026-01-31T00:00:00Z}
tables: []
"""


@pytest.mark.parametrize(
    ("about", "is_erased", "is_named"),
    [
        ("", False, True),
        ("about: []\n", False, False),
        ("about: [{from: Number, person: workday_worker}]\n", True, False),
    ],
)
def test_a_file_that_is_only_looked_up_says_whom_it_is_about_or_is_named(
    store, monkeypatch, about, is_erased, is_named
):
    tmp_path = store.root / "work"
    (tmp_path / "feeds").mkdir(parents=True)
    (tmp_path / "feeds" / "salaries.yaml").write_text(SALARIES + about, encoding="utf-8")
    monkeypatch.setenv("CANDOR_FEEDS", str(tmp_path / "feeds"))
    key = land(store, "salaries", "salaries.csv", b"Number,Grade\n000001,7\n000002,8\n")
    noted, unsearched = erased(store, who("workday_worker", "000001"))
    left = b"000002,8\n" if is_erased else b"000001,7\n000002,8\n"
    assert opened(store, key) == b"Number,Grade\n" + left
    assert (set(noted), unsearched) == ({key} if is_erased else set(), {key: None} if is_named else {})


FILLED = {"column": "team.no", "filled": False, "reason": "named"}


@pytest.mark.parametrize(
    "more", [{}, {"latest": ["no"]}, {"latest": ["no"], "rows": [FILLED]}], ids=["all", "one of them", "none left"]
)
def test_people_of_members_of_a_group_are_found_in_the_file(more):
    feed = Feed.model_validate(
        {
            "name": "f",
            "owner": "o",
            "cadence": "once",
            "location": "",
            "files": ".*",
            "dialect": "json_records",
            "options": {},
            "extracted_at": {"constant": "2026-01-01T00:00:00Z"},
            "tables": [
                {
                    "table": "consents",
                    "explode": {"column": "team", "fields": ["no"], **more},
                    "columns": {"person_id": {"from": "team.no", "person": "workday_worker"}},
                }
            ],
        }
    )
    raw = pl.DataFrame({"source_row": [1, 2], "team": ['[{"no": "000001"}, {"no": "000002"}]', "[]"]})
    found = persons(raw, feed, {}).sort("person_id")["person_id"].to_list()
    assert found == sorted(who("workday_worker", number) for number in ("000001", "000002"))
    assert not are_joined(feed)
