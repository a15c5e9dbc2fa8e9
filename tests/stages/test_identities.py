"""Who is who, from files of a source to the lake, the vault and an erasure: each test is a feed and runs of ingest."""

import contextlib
import io
import json
import shutil
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from pipelines.base import known, pseudonyms, vault
from pipelines.base.lake import Lake
from pipelines.base.pseudonyms import pseudonym
from pipelines.base.store import FileStore
from pipelines.ingest import __main__ as command
from pipelines.ingest import check, publish
from pipelines.privacy import __main__ as privacy
from pipelines.privacy.forget import forget, linked
from pipelines.privacy.retire import retire
from tests.kills.roads import nothing_failed


def feed(name: str, table: str, columns: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A daily CSV of one table."""
    return {
        "name": name,
        "owner": "HR",
        "cadence": "daily",
        "location": "hr",
        "files": rf"{name}_(?P<period>\d{{8}})\.csv",
        "dialect": "csv",
        "options": {"delimiter": ",", "quote": '"'},
        "extracted_at": {"end_of": "period"},
        "required": ["id"],
        "tables": [{"table": table, "columns": columns, **more}],
    }


@pytest.fixture(autouse=True)
def company(keys: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    del keys
    (tmp_path / "feeds").mkdir()
    monkeypatch.setenv("CANDOR_FEEDS", str(tmp_path / "feeds"))
    monkeypatch.setenv("CANDOR_EXPORTS", str(tmp_path / "exports"))
    for module in (command, check):  # starting Great Expectations takes longer than all else here
        monkeypatch.setattr(module, "validator", lambda: contextlib.nullcontext(nothing_failed))


def declared(folder: Path, *feeds: dict[str, Any]) -> None:
    for one in feeds:
        (folder / "feeds" / f"{one['name']}.yaml").write_text(yaml.safe_dump(one))


def delivered(folder: Path, name: str, text: str) -> None:
    place = folder / "exports" / "hr"
    place.mkdir(parents=True, exist_ok=True)
    (place / name).write_text(text, encoding="utf-8")


def run(batch: str) -> int:
    return command.main(["run", "--batch", batch])


def person(scheme: str, value: str) -> str:
    return str(pseudonym(bytes.fromhex("11" * 32), scheme, pl.Series([value]))[0])


def rows(store: FileStore, table: str, *columns: str) -> list[tuple[Any, ...]]:
    lake = Lake(store)
    return sorted(lake.read(table, lake.require(), columns=list(columns)).rows())


CONSENT = {
    "person_id": {"from": "id", "person": "w"},
    "is_given": {"from": "c", "codes": {"y": "true", "n": "false"}, "else": "reject"},
}


def test_what_the_vault_was_told_stays_while_the_ledger_does_not_say_when(store, tmp_path, monkeypatch):
    """A publish was killed between the manifest and the ledger, and who declared something in 2015 looks old."""
    sex = {"person_id": CONSENT["person_id"], "attribute_code": {"constant": "gender"}, "value_code": {"from": "g"}}
    since = {"from": "day", "moment": "%Y-%m-%d"}
    declared(tmp_path, feed("eeo", "protected", sex, known_from=since), feed("w", "consents", CONSENT))
    delivered(tmp_path, "eeo_20261120.csv", "id,day,g\nA,2015-01-01,f\nB,2015-01-01,m\n")
    delivered(tmp_path, "w_20261120.csv", "id,c\nB,y\n")

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(publish, "_register", killed)
        with pytest.raises(KeyboardInterrupt):
            run("b")
    today = datetime.now(UTC).date()

    def kept(today: date) -> int:
        retire(store, today, {"vault": 200}, ("EU-DE",), today=today)
        return len(vault.all_versions(store, "protected"))

    assert kept(today) == 2
    assert run("b") == 0
    assert kept(today) == kept(today + timedelta(days=200)) == 2
    assert kept(today + timedelta(days=202)) == 1, "the lake knows the other"


def test_rows_with_an_id_of_which_nothing_is_seen_are_nobodys(store, tmp_path):
    """Together they were one person, whom the last of them let agree."""
    declared(tmp_path, feed("w", "consents", CONSENT))
    delivered(tmp_path, "w_20261120.csv", "id,c\n\u200b,y\n\u2060\u200b,n\n\ufeff\u202a,y\n1,y\n")
    assert run("b") == 0
    assert rows(store, "consents", "person_id", "is_given") == [(person("w", "1"), True)]
    report = json.loads(store.read("reports/ingest/b.json"))["counts"]["w"]
    assert (report["in"], report["accepted"], report["quarantined"]) == (4, 1, 3)


def test_a_file_is_joined_by_ids_as_they_look_and_an_id_that_is_there_twice_is_one(store, tmp_path):
    said = feed("said", "consents", {}) | {"tables": [], "required": ["who", "c"]}
    join = [{"feed": "said", "match": {"id": "who"}, "take": {"c": "c"}, "missing": "reject"}]
    declared(tmp_path, feed("w", "consents", CONSENT, join=join), said)
    delivered(tmp_path, "said_20261119.csv", "who,c\nRene\u0301,y\nRen\u00e9,n\nA\u00a01,y\n")
    delivered(tmp_path, "w_20261120.csv", "id\nRen\u00e9\u200b\nA 1\n")
    assert run("b") == 0
    agreed = [(person("w", "Ren\u00e9"), False), (person("w", "A 1"), True)]
    assert rows(store, "consents", "person_id", "is_given") == sorted(agreed)


def test_ids_of_things_that_lost_their_zeros_hold_a_file_too(store, tmp_path):
    """They are nobody's pseudonym and stand in the lake as they came: enrolments would find no course."""
    columns = {"course_id": {"from": "id"}, "title": {"from": "title"}}
    declared(tmp_path, feed("courses", "courses", columns))
    delivered(tmp_path, "courses_20261119.csv", "id,title\n" + "".join(f"{n:06d},t\n" for n in range(60)))
    assert run("a") == 0
    delivered(tmp_path, "courses_20261120.csv", "id,title\n" + "".join(f"{n},t\n" for n in range(60)))
    run("b")
    held = json.loads(store.read("reports/ingest/b.json"))["held"]
    assert [one["reason_code"] for one in held] == ["reshaped_ids"]
    assert "id 100% with 1 or 2 instead of 6 characters" in held[0]["message"]
    assert len(rows(store, "courses", "course_id")) == 60


def humans(store: FileStore) -> list[set[str]]:
    """Who is one human with somebody else."""
    lake = Lake(store)
    who = known.links(lake, lake.require())
    return sorted(({one for one in who if who[one] == first} for first in {*who.values()}), key=min)


def test_workers_whom_a_report_took_for_one_come_apart_when_the_next_says_otherwise(store, tmp_path):
    """Worker 2 got another number in February and has none in March; nothing changed of worker 1, who is alone."""
    ours = Path(__file__).parents[2] / "feeds" / "vendors" / "workday" / "workday_universal_ids.yaml"
    shutil.copy(ours, tmp_path / "feeds")
    (tmp_path / "exports" / "workday").mkdir(parents=True)

    def told(month: str, **number: tuple[str, str | None]) -> list[set[str]]:
        report = [
            {"Worker_ID": who[1:], "Universal_ID": text, "Last_Functionally_Updated": f"2026-{day}T10:00:00.000Z"}
            for who, (day, text) in number.items()
        ]
        file = tmp_path / "exports" / "workday" / f"HRML_Workers_2026-{month}.json"
        file.write_text(json.dumps({"Report_Entry": report}))
        assert run(month) == 0
        return humans(store)

    one, two, three = (person("workday_worker", text) for text in "123")
    seven, nine = (person("workday_universal", text) for text in ("U7", "U9"))
    same, other = ("01-05", "U7"), ("01-05", "U9")
    assert told("01", w1=same, w2=same, w3=other) == [{one, two, seven}]
    assert linked(store, one) == sorted([one, two, seven])
    assert told("02", w1=same, w2=("02-05", "U8"), w3=other) == []
    assert told("03", w1=same, w2=("03-05", None), w3=other) == []
    assert [linked(store, each) for each in (one, two, three)] == [[one], [two], [three]]
    assert told("04", w1=same, w2=("03-05", None), w3=other, w4=("04-05", "U9")) == [
        {three, person("workday_worker", "4"), nine}
    ], "who had one number and has another one since"


NUMBERS = {
    "person_id": {"from": "id", "person": "w"},
    "scheme_code": {"from": "scheme"},
    "linked_person_id": {"from": "lms", "person": "lms"},
    "valid_from": {"from": "since", "date": "%Y-%m-%d"},
    "valid_to": {"from": "until", "date": "%Y-%m-%d", "means": "first_day_after"},
}


def test_the_number_that_was_told_last_counts_whatever_day_it_is_valid_from(store, tmp_path):
    declared(tmp_path, feed("n", "worker_identifiers", NUMBERS), feed("w", "consents", CONSENT))
    delivered(
        tmp_path,
        "n_20261119.csv",
        "id,scheme,lms,since,until\nA,lms,7,2020-01-01,\nB,lms,7,2020-01-01,\nB,network,5,,\n",
    )
    assert run("a") == 0
    a, b = person("w", "A"), person("w", "B")
    seven, *others = (person("lms", text) for text in "78695")
    assert humans(store) == [{a, b, seven, others[-1]}]
    delivered(
        tmp_path,
        "n_20261120.csv",
        "id,scheme,lms,since,until\nB,lms,8,2021-01-01,\nB,lms,6,2018-01-01,2019-01-01\nB,user,9,2021-01-01,\n",
    )
    assert run("b") == 0
    assert humans(store) == sorted([{a, seven}, {b, *others}], key=min), "what ended is theirs as well"
    assert linked(store, b) == sorted([b, *others]), "7 is somebody else's"


def test_an_erasure_takes_what_came_under_a_number_that_was_replaced(store, tmp_path):
    """Number 7 was Ann's; number 5 was Ann's by mistake and is Cat's, and 3 is a worker's own."""
    under_number = CONSENT | {"person_id": {"from": "id", "person": "lms"}}
    since = {"hired_at": {"from": "since", "date": "%Y-%m-%d"}}
    codes = {"worker_type_code": {"constant": "employee"}, "job_family_code": {"constant": "eng"}}
    declared(tmp_path, feed("n", "worker_identifiers", NUMBERS), feed("lms", "consents", under_number))
    declared(tmp_path, feed("staff", "workers", {"person_id": under_number["person_id"], **since, **codes}))
    delivered(tmp_path, "lms_20261119.csv", "id,c\n7,y\n8,y\n5,y\n3,y\n")
    delivered(tmp_path, "staff_20261119.csv", "id,since\n3,2020-01-01\n")
    delivered(tmp_path, "n_20261118.csv", "id,scheme,lms,since,until\nA,lms,7,,\nA,user,5,,\nA,ats,3,,\n")
    assert run("a") == 0
    delivered(tmp_path, "n_20261119.csv", "id,scheme,lms,since,until\nA,lms,8,,\nA,user,4,,\nA,ats,2,,\nC,user,5,,\n")
    assert run("b") == 0
    ann, cat = person("w", "A"), person("w", "C")
    numbers = [person("lms", text) for text in "7842"]
    assert linked(store, ann) == linked(store, numbers[1]) == sorted([ann, *numbers])
    forget(store, ann, "request")
    assert rows(store, "consents", "person_id") == sorted((person("lms", text),) for text in "53")
    assert linked(store, cat) == sorted([cat, person("lms", "5")])


def test_a_lake_in_which_ids_counted_as_they_are_written_knows_its_people_and_those_it_forgot(
    store, tmp_path, monkeypatch
):
    """Rene and Zoe, both with an accent that is a sign of its own, had other names; Rene asked to be forgotten."""
    declared(tmp_path, feed("w", "consents", CONSENT))
    delivered(tmp_path, "w_20261118.csv", "id,c\nRene\u0301,y\nZoe\u0308,n\nJos\u00e9,y\n")
    with monkeypatch.context() as patch:
        patch.setattr(pseudonyms, "as_seen", lambda values: values)
        assert run("a") == 0
        rene, zoe = person("w", "Rene\u0301"), person("w", "Zoe\u0308")
    jose = person("w", "Jos\u00e9")
    assert rows(store, "consents", "person_id") == sorted([(rene,), (zoe,), (jose,)])
    forget(store, rene, "request")
    [certificate] = store.list("reports/privacy")
    changed = [one["object"] for one in json.loads(store.read(certificate))["objects"]]
    assert [name for name in changed if name.startswith("landing/")], "what landed is searched by both names"
    delivered(tmp_path, "w_20261119.csv", "id,c\nRene\u0301,y\nRene\u0301,?\nZoe\u0308,n\nAna\u0301,y\nJos\u00e9,y\n")
    assert run("b") == 0
    now, ana = (person("w", text) for text in ("Zo\u00eb", "An\u00e1"))
    assert rows(store, "consents", "person_id", "is_given") == sorted(
        [(zoe, False), (now, False), (ana, True), (jose, True)]
    )
    assert rows(store, "person_links", "person_id", "linked_person_id") == [(now, zoe)], "others have one name"
    counted = json.loads(store.read("reports/ingest/b.json"))["counts"]["w"]
    assert (counted["accepted"], counted["quarantined"], counted["reasons"]) == (
        2,
        0,
        {"forgotten": 2, "unchanged_row": 1},
    )
    assert linked(store, now) == sorted([zoe, now])
    forget(store, zoe, "request")
    delivered(tmp_path, "w_20261120.csv", "id,c\nZo\u00eb,y\nZoe\u0308,y\nRene\u0301,y\nJos\u00e9,n\n")
    assert run("c") == 0
    assert rows(store, "consents", "person_id", "is_given") == sorted([(ana, True), (jose, False)])


def test_who_is_named_on_standard_input_is_forgotten_under_both_names(store, tmp_path, monkeypatch):
    """The lake knows Zoe by how the id is written, and no file told of them since."""
    declared(tmp_path, feed("w", "consents", CONSENT))
    delivered(tmp_path, "w_20261118.csv", "id,c\nZoe\u0308,y\n1,y\n")
    with monkeypatch.context() as patch:
        patch.setattr(pseudonyms, "as_seen", lambda values: values)
        assert run("a") == 0
    monkeypatch.setattr(sys, "stdin", io.StringIO("Zoe\u0308\n"))
    assert privacy.main(["forget", "--scheme", "w", "--reason", "request"]) == 0
    assert rows(store, "consents", "person_id") == [(person("w", "1"),)]
