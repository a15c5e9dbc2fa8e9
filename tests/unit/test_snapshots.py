from datetime import UTC, date, datetime

import polars as pl
import pytest

from pipelines.base import keys as keyring
from pipelines.base import snapshots
from pipelines.base.contracts import TABLES
from pipelines.base.errors import ContractError, SettingsError

pytestmark = pytest.mark.usefixtures("keys")
KNOWN = datetime(2026, 1, 1, 12, 0, 0, 5, tzinfo=UTC)
SECRET = "Wrote the only book on hedge funds in Welsh"


def person(number: int) -> str:
    return f"p_{number:02x}{0:030x}"


def tables(people: int = 40) -> dict[str, pl.DataFrame]:
    """Rows with every type, nulls, empty and foreign text, NaN; person 3 has two resumes, person 5 none."""
    numbers = [n for n in range(people) if n != 5] + [3]
    resumes = pl.DataFrame(
        [
            {"person_id": person(n), "document_id": f"d{place}", "text": (None, "", "naïve 履歴書", SECRET)[n % 4]}
            | {"char_count": n, "status_code": "ok", "backend_code": None, "received_at": KNOWN}
            for place, n in enumerate(numbers)
        ],
        schema=TABLES["resumes"].schema,
    )
    workers = pl.DataFrame(
        [
            {"person_id": person(n), "worker_type_code": "employee", "hired_at": date(1969, 1, 1 + n % 28)}
            | {"job_family_code": "sales", "fte": (None, float("nan"), -0.1)[n % 3], "manager_person_id": person(0)}
            for n in range(people)
        ],
        schema=TABLES["workers"].schema,
    )
    consents = pl.DataFrame(
        {"person_id": [person(1), person(2)], "is_given": [True, None]}, schema=TABLES["consents"].schema
    )
    courses = pl.DataFrame({"course_id": ["c"], "title": ["x"]})
    given = {"resumes": resumes, "workers": workers, "consents": consents}
    return {name: frame.sort(TABLES[name].key) for name, frame in given.items()} | {"courses": courses}


def written(folder, store, given) -> None:
    snapshots.write(folder, given, keyring.ensure(store, snapshots.people(given)))


def test_rows_come_back_as_they_were(store, tmp_path):
    given = tables()
    written(tmp_path, store, given)
    found = snapshots.read(tmp_path, given, keyring.held(store))
    assert found.lacking == 0
    for name, frame in given.items():
        assert found.tables[name].equals(frame, null_equal=True), name
        assert found.tables[name].schema == frame.schema


def test_equal_rows_give_equal_bytes_and_one_changed_person_changes_one_file(store, tmp_path):
    given = tables()
    written(tmp_path / "a", store, given)
    written(tmp_path / "b", store, given)
    changed = given["workers"].with_columns(
        job_family_code=pl.when(pl.col("person_id") == person(7)).then(pl.lit("legal")).otherwise("job_family_code")
    )
    written(tmp_path / "c", store, given | {"workers": changed})
    files = {folder: {f.name: f.read_bytes() for f in (tmp_path / folder).iterdir()} for folder in "abc"}
    assert files["a"] == files["b"]
    assert len([name for name in files["a"] if files["a"][name] != files["c"][name]]) == 1


def test_nothing_of_a_person_can_be_read_without_the_keys(store, tmp_path):
    written(tmp_path, store, tables())
    everything = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert SECRET.encode() not in everything
    assert person(3).encode() not in everything


def test_a_person_without_a_key_is_lacking_and_counted(store, tmp_path):
    given = tables()
    written(tmp_path, store, given)
    keyring.destroy(store, [person(3), person(4)], lambda *_: None)
    found = snapshots.read(tmp_path, given, keyring.held(store))
    assert found.lacking == 2
    kept = given["workers"].filter(~pl.col("person_id").is_in([person(3), person(4)]))
    assert found.tables["workers"].equals(kept, null_equal=True)
    assert person(3) not in found.tables["resumes"]["person_id"]


def test_another_persons_key_opens_nothing(store, tmp_path):
    given = tables()
    written(tmp_path, store, given)
    held = keyring.held(store)
    crossed = held.with_columns(pl.col("key").reverse())
    with pytest.raises(SettingsError, match="it does not open it"):
        snapshots.read(tmp_path, given, crossed)


def test_a_table_that_is_missing_is_named(store, tmp_path):
    written(tmp_path, store, tables())
    with pytest.raises(ContractError, match="must hold the table reviews"):
        snapshots.read(tmp_path, ["reviews"], keyring.held(store))


def test_nobody_makes_an_empty_snapshot(store, tmp_path):
    written(tmp_path, store, {name: frame.clear() for name, frame in tables().items()})
    found = snapshots.read(tmp_path, ["workers"], keyring.held(store))
    assert found.tables["workers"].is_empty()
    assert found.lacking == 0


def test_many_people_are_shared_among_processes_and_nothing_changes(store, tmp_path, monkeypatch):
    given = tables()
    written(tmp_path / "alone", store, given)
    monkeypatch.setattr(snapshots, "MANY", 0)
    written(tmp_path / "shared", store, given)
    alone, shared = ({f.name: f.read_bytes() for f in (tmp_path / name).iterdir()} for name in ("alone", "shared"))
    assert alone == shared
    found = snapshots.read(tmp_path / "shared", given, keyring.held(store))
    assert all(found.tables[name].equals(frame, null_equal=True) for name, frame in given.items())
