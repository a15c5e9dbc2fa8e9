"""A company of three that knows one of them, WHO, in every zone of a store: all that an erasure has to reach."""

import hashlib
import io
import json
import tempfile
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl

from pipelines.base import delta, landing, pseudonyms
from pipelines.base import keys as keyring
from pipelines.base.errors import SettingsError
from pipelines.base.lake import Lake
from pipelines.base.releases import METRICS, Release
from pipelines.base.sealed import seal_frame, unseal, unseal_frame
from pipelines.base.store import Store
from pipelines.ingest import files
from pipelines.ingest.batch import Unit
from pipelines.ingest.land import document_key

FAMILY = "outcomes"
LAKE, SCORES = ("workers", "consents", "enrolments", "person_links"), ("scored", "inputs", "outcomes")
SECRET = {name: bytes.fromhex(byte * 32) for name, byte in (("PSEUDONYM", "11"), ("VAULT", "22"), ("PERSON", "44"))}
SEALS = [bytes.fromhex(byte * 32) for byte in ("22", "33", "44")]
KNOWN = datetime(2026, 1, 5, tzinfo=UTC)
HEAD = b"Enrollment ID,Employee ID,Course ID,Run,Enrolled At,Starts At,Due At,Attempt,Assigned By\n"


def named(scheme: str, value: str) -> str:
    """The pseudonym of an identifier."""
    return str(pseudonyms.pseudonym(SECRET["PSEUDONYM"], scheme, pl.Series([value]))[0])


WHO, APPLICANT = named("workday_worker", "000009"), named("workday_candidate", "C-000009")
OTHERS = [named("workday_worker", number) for number in ("000010", "000011")]
EVERYBODY = [WHO, *OTHERS]
LANDED = "landing/lms_enrolments/2026-01/" + "a" * 64 + "/enrolments_2026-01.csv"


def line(number: str, enrolment: str = "E-1") -> bytes:
    """A line of the learning system's export."""
    return f"{enrolment},{number},K1,r,05.01.2026 09:00,06.01.2026 09:00,,1,HR\n".encode()


def stamped(rows: list[dict[str, object]], known: datetime = KNOWN) -> pl.DataFrame:
    """Canonical rows with their provenance."""
    born = {"file_id": "a" * 64, "known_from": known, "known_from_basis": "source"}
    return pl.DataFrame([row | born | {"source_row": n} for n, row in enumerate(rows, 1)], infer_schema_length=None)


ZONES = (
    "landing",
    "lake",
    "vault",
    "keys",
    "quarantine",
    "scores",
    "reports",
    "releases",
    "proposals",
    "ledger",
    "work",
)


def readable(store: Store, zones: Sequence[str] = ZONES) -> bytes:
    """Everything that can be read in a store by somebody with all four keys."""
    found = []
    for key in [key for zone in zones for key in store.list(zone)]:
        data = opened(store, key) if key.startswith("landing/") else store.read(key)
        found.append(data)
        if key.endswith(".parquet"):
            found.append(str(pl.read_parquet(io.BytesIO(data)).rows()).encode())
        for secret in SEALS if key.endswith(".sealed") else ():
            try:
                found.append(unseal(secret, data))
                found.append(str(unseal_frame(secret, data).rows()).encode())
            except (SettingsError, pl.exceptions.PolarsError):
                continue
    return b"\n".join(found)


def opened(store: Store, key: str) -> bytes:
    """A landed object's bytes; none once its key is destroyed."""
    with tempfile.TemporaryDirectory() as name:
        back = Path(name) / "back"
        return back.read_bytes() if landing.read(store, key, back) else b""


def seal_landed(store: Store, key: str, data: bytes) -> None:
    """Land bytes as ingest does."""
    sha256 = hashlib.sha256(data).hexdigest()
    with tempfile.TemporaryDirectory() as name:
        assert landing.write(store, key, io.BytesIO(data), sha256, day=KNOWN.date(), scratch=Path(name))


def fill(store: Store, lake_tables: Sequence[str] = LAKE, score_tables: Sequence[str] = SCORES) -> None:
    """All zones."""
    lake, vault = _tables()
    Lake(store).publish("first", {name: lake[name] for name in lake_tables}, vault, {})
    again = [{"person_id": person, "is_given": True} for person in EVERYBODY]
    Lake(store).publish("second", {"consents": stamped(again, datetime(2026, 2, 1, tzinfo=UTC))}, {}, {})
    keyring.ensure(store, pl.Series(EVERYBODY))
    _scores(store, score_tables)
    release(store, 1, Lake(store).require().sha256)
    land(store, LANDED, HEAD + b"".join(line(number) for number in ("000009", "000010", "000009", "000011")))
    _documents(store)
    rejected = pl.DataFrame({"source_row": [1, 2], "Employee ID": ["000009", "000010"]})
    store.put("quarantine/b/u.sealed", seal_frame(SECRET["VAULT"], rejected))
    store.put("quarantine/b/u.json", json.dumps({"feed": "lms_enrolments", "file_id": "a" * 64}).encode())


def _tables() -> tuple[dict[str, pl.DataFrame], dict[str, pl.DataFrame]]:
    worker = {"worker_type_code": "employee", "hired_at": date(2020, 1, 1), "terminated_at": None, "fte": 1.0}
    worker |= {"job_family_code": "sales"} | dict.fromkeys(
        ("originally_hired_at", "management_level_code", "company_code", "country_code", "manager_person_id")
    )
    course = {"course_id": "K1", "run_code": "r", "enrolled_at": KNOWN, "starts_at": KNOWN, "due_at": None}
    course |= {"credits": 1.0, "prior_attempts": 0, "education_code": "none", "assigned_by_code": "hr"}
    lake = {
        "workers": stamped([{"person_id": person} | worker for person in EVERYBODY]),
        "consents": stamped([{"person_id": person, "is_given": True} for person in EVERYBODY]),
        "enrolments": stamped([{"enrolment_id": f"e_{p}", "person_id": p} | course for p in EVERYBODY]),
        "person_links": stamped([{"person_id": APPLICANT, "linked_person_id": WHO}]),
    }
    sexes = [{"person_id": p, "attribute_code": "sex", "value_code": "female"} for p in EVERYBODY]
    known = [
        {"person_id": person, "scheme_code": scheme, "value": value}
        for person, number, first in zip(EVERYBODY, ("000009", "000010", "000011"), ("Ann", "Ann", "Bo"), strict=True)
        for scheme, value in (
            ("workday_worker_id", number),
            ("work_email", f"{number}@example.org"),
            ("legal_first_name", first),
        )
    ]
    return lake, {"protected": stamped(sexes), "identifiers": stamped(known)}


def _scores(store: Store, tables: Sequence[str]) -> None:
    """A day scored twice, so that the table has a history, and the files written back."""
    for mark in (0.1, 0.2):
        rows = pl.DataFrame({"person_id": EVERYBODY, "score": [mark] * 3})
        day = {"family": FAMILY, "as_of": "2026-05-30"}
        for name in tables:
            frame = rows.with_columns(pl.lit(value).alias(column) for column, value in day.items())
            delta.replace_partition(store, f"scores/{name}", frame, day)
    numbers = ("000009", "000010", "000011")
    lines = [f"workday_worker_id,{number},1\n" for number in numbers]
    store.put(f"scores/exports/{FAMILY}/2026-05-30.csv", "".join(["scheme_code,identifier,score\n", *lines]).encode())
    listed = [{"scheme_code": "workday_worker_id", "identifier": number} for number in numbers]
    store.put(f"scores/exports/{FAMILY}/2026-05-30.json", json.dumps(listed).encode())


def release(
    store: Store, number: int, lake_sha256: str, *, model: str = "a" * 64, as_of: str = "2026-05-30"
) -> Release:
    """A live release, trained on a state of the lake."""
    folder = f"releases/{FAMILY}/{number:064x}"
    metrics = {"lake_sha256": lake_sha256, "model_sha256": model, "as_of": as_of}
    store.create(f"{folder}/{METRICS}", json.dumps(metrics).encode())
    digests = (f"{number:064x}", "b" * 64, model, "d" * 64)
    made = Release(FAMILY, number, "release", folder, *digests, as_of, "run", "test", (), {}, "2026-07-01")
    store.create(made.key, made.to_json())
    return made


def land(store: Store, key: str, data: bytes, documents: tuple[tuple[str, str, int], ...] = ()) -> None:
    """A landed file and its line in the register."""
    _, feed, period, sha256, name = key.split("/")
    seal_landed(store, key, data)
    about = ({"period": period}, "b", "published", "f", key, {}, len(data), documents)
    files.enter(store, files.Record(feed, name, sha256, *about))


_DELIVERY = Unit("u", "resumes", "2026-01", "b" * 64, 3, {"period": "2026-01"}, "f")


def _documents(store: Store) -> None:
    names = tuple((f"2026-01/C-0000{n}.pdf", digit * 64, 3) for n, digit in (("09", "c"), ("10", "d")))
    for name, sha256, _ in names:
        seal_landed(store, document_key(_DELIVERY, name, sha256), b"pdf")
    land(store, "landing/resumes/2026-01/" + "b" * 64 + "/index.json", json.dumps(names).encode(), names)
