"""Lake, vault and ledger on a real S3 server: what they promise on a folder holds there."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import polars as pl
import pytest

from pipelines.audit import Tag, append, entries, verify
from pipelines.audit.ledger import record
from pipelines.base import delta, vault
from pipelines.base.errors import SettingsError, SourceUnavailable
from pipelines.base.lake import Lake
from pipelines.base.stage import EXIT_WAIT, guarded
from pipelines.base.store import FileStore, connection, open_store

from .breaking import proxy

KNOWN = {"file_id": "f", "source_row": 1, "known_from_basis": "source"}


def courses(*titles: str, on: int = 1) -> pl.DataFrame:
    rows = [
        {"course_id": title, "title": title, "topic_code": None, "level_code": None, "duration_minutes": 30.0}
        | dict.fromkeys(("is_active", "is_mandatory", "valid_from", "valid_to", "audience_codes", "renewal_months"))
        | KNOWN
        | {"known_from": datetime(2026, 1, on, tzinfo=UTC)}
        for title in titles
    ]
    types = {"topic_code": pl.String, "level_code": pl.String, "known_from": pl.Datetime("us", "UTC")}
    return pl.DataFrame(rows, schema_overrides=types)


def answers(value: str) -> pl.DataFrame:
    row = {"person_id": "p_1", "attribute_code": "sex", "value_code": value} | KNOWN
    known = {"known_from": datetime(2026, 1, 1, tzinfo=UTC)}
    return pl.DataFrame([row | known], schema_overrides={"known_from": pl.Datetime("us", "UTC")})


def titles(store) -> list[str]:
    lake = Lake(store)
    return lake.read("courses", lake.require())["title"].to_list()


@pytest.mark.usefixtures("keys")
def test_a_batch_is_published_and_read_as_on_a_folder(s3, tmp_path):
    folder = FileStore(tmp_path / "folder")
    for store in (s3, folder):
        lake = Lake(store)
        lake.publish("b1", {"courses": courses("a", "b")}, {"protected": answers("female")}, {})
        lake.publish("b2", {"courses": courses("c", on=2)}, {}, {})
    assert titles(s3) == titles(folder) == ["a", "b", "c"]
    assert [m.sha256 for m in Lake(s3).manifests()] == [m.sha256 for m in Lake(folder).manifests()]
    assert vault.read_protected(s3, Lake(s3).require())["value_code"].to_list() == ["female"]


@pytest.mark.usefixtures("keys")
def test_the_vault_is_sealed_there_too(s3, monkeypatch):
    Lake(s3).publish("b1", {}, {"protected": answers("CANARY-VALUE")}, {})
    assert all(b"CANARY-VALUE" not in data for data in s3.read_many(s3.list("vault")))
    monkeypatch.setenv("CANDOR_AUDIT_KEY", "44" * 32)
    with pytest.raises(SettingsError, match="does not open it"):
        vault.read_protected(s3, Lake(s3).require())


def test_batches_published_at_once_are_all_published(s3):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: Lake(open_store()).publish(f"b{n}", {"courses": courses(f"c{n}")}, {}, {}), range(4)))
    assert [manifest.seq for manifest in Lake(s3).manifests()] == [1, 2, 3, 4]
    assert titles(s3) == ["c0", "c1", "c2", "c3"]


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8, 0.95])
def test_a_server_that_goes_away_within_a_publish_leaves_the_old_state(url, server, share, monkeypatch):
    direct = open_store(url)
    with proxy(server.url) as between:
        between.budget = whole = 1_000_000
        with monkeypatch.context() as patched:
            patched.setenv("AWS_ENDPOINT_URL", between.url)
            Lake(open_store(url)).publish("b1", {"courses": courses("a", "b")}, {}, {})
            used = whole - between.budget
            patched.setattr(connection, "READ_SECONDS", 1)  # only now: nothing more has to be answered
            patched.setattr(connection, "TRIES", 1)
            connection._client.cache_clear()
            between.budget = used * share
            with pytest.raises((SourceUnavailable, OSError), match=r"must answer|renew its lock|Generic S3 error"):
                Lake(open_store(url)).publish("b2", {"courses": courses("c", on=2)}, {}, {})
    connection._client.cache_clear()
    monkeypatch.setattr("pipelines.base.store.lease.SECONDS", 1.0)
    assert titles(direct) == ["a", "b"]
    Lake(direct).publish("b2", {"courses": courses("c", on=2)}, {}, {})
    assert titles(direct) == ["a", "b", "c"]
    assert len(Lake(direct).versions("courses", Lake(direct).require())) == 3


def test_a_server_that_is_away_denies_nothing_whatever_digits_a_file_has_in_its_name():
    said = "Generic S3 error: Error performing PUT http://s3/part-403a-c403.parquet - HTTP error: connection refused"
    with pytest.raises(SourceUnavailable, match="must answer about lake/courses"), delta._answering("lake/courses"):
        raise OSError(said)


def test_who_is_erased_from_a_table_is_in_no_object_of_either_bucket(s3, client):
    rows = pl.DataFrame({"bucket": [0, 0, 1], "person_id": ["p_canary", "p_2", "p_3"]})
    first = delta.append(s3, "lake/workers", rows, ["bucket"], after=None)
    delta.erase(s3, "lake/workers", ["p_canary"], at=first)
    delta.forget_log(s3, "lake/workers", delta.purge(s3, "lake/workers"))
    assert sorted(delta.scan(s3, "lake/workers").collect()["person_id"]) == ["p_2", "p_3"]
    assert all(b"p_canary" not in data for data in s3.read_many(s3.list("lake")))
    versions = client.list_object_versions(Bucket=s3._at.bucket).get("Versions", [])
    assert sorted(item["Key"].removeprefix("a/company/") for item in versions) == s3.list("lake")


def test_a_read_that_breaks_off_late_ends_a_command_as_one_that_can_be_tried_again(capsys):
    def broken() -> str:
        raise OSError("Generic S3 error: error sending request")

    assert guarded(broken) == EXIT_WAIT
    assert capsys.readouterr().err.startswith("SourceUnavailable: The S3 server must answer; it did not.")

    def other() -> str:
        raise OSError("another")

    with pytest.raises(OSError, match="another"):
        guarded(other)


def test_the_ledger_does_not_fork_and_seals_its_stretches_under_lock(s3, client):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: record(s3, Tag.PEOPLE_SCORED, "screening", {"number": n}, stretch=5), range(12)))
    assert verify(s3, stretch=5) == []
    assert sorted(entry.facts["number"] for entry in entries(s3)) == list(range(12))
    segments = s3.list("ledger/segments")
    assert [name.rpartition("/")[2][:12] for name in segments] == ["000000000001", "000000000006"]
    held = client.get_object_retention(Bucket=s3._at.locked, Key=s3.full(segments[0]))["Retention"]
    assert held["Mode"] == "COMPLIANCE"
    s3.put("ledger/000000000002.json", s3.read("ledger/000000000003.json"))
    assert any("is not the one that ledger/segments/000000000001" in fault for fault in verify(s3, stretch=5))


def test_the_same_event_is_appended_once(s3):
    for _ in range(3):
        append(s3, Tag.MODEL_HELD, "screening", once=True, run="r1")
    assert len(list(entries(s3))) == 1
