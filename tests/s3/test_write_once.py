"""Releases and ledger segments under Object Lock: what somebody with the bucket's own keys can and cannot do."""

from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from infra.setup import radosgw
from pipelines.base.errors import ContractError, SettingsError
from pipelines.base.store import open_store

KEYS = ["releases/screening/000000000001.json", "ledger/segments/000000000001-000000010000.jsonl"]
FORBIDDEN = "AccessDenied"


@pytest.fixture(params=KEYS)
def locked(request, s3):
    assert s3.create(request.param, b"approved")
    return s3, request.param


def where(store, key):
    return {"Bucket": store._at.locked, "Key": f"a/company/{key}"}


def version(client, store, key):
    return client.head_object(**where(store, key))["VersionId"]


def test_what_is_written_once_is_locked_for_the_days_of_the_url(locked, client):
    store, key = locked
    held = client.get_object_retention(**where(store, key))["Retention"]
    assert held["Mode"] == "COMPLIANCE"
    assert abs(held["RetainUntilDate"] - (datetime.now(UTC) + timedelta(days=3650))) < timedelta(minutes=5)


def test_the_server_refuses_to_delete_it(locked, client):
    store, key = locked
    this = version(client, store, key)
    for more in ({}, {"BypassGovernanceRetention": True}):
        with pytest.raises(ClientError, match=FORBIDDEN):
            client.delete_object(**where(store, key), VersionId=this, **more)
    with pytest.raises(SettingsError, match=f"must be allowed to use .*{FORBIDDEN}"):
        store.delete(key)
    assert store.read(key) == b"approved"


def test_the_server_refuses_to_shorten_or_weaken_the_lock(locked, client):
    store, key = locked
    soon = datetime.now(UTC) + timedelta(days=1)
    late = datetime.now(UTC) + timedelta(days=3651)
    for mode, until in (("COMPLIANCE", soon), ("GOVERNANCE", late), ("GOVERNANCE", soon)):
        with pytest.raises(ClientError, match=FORBIDDEN):
            client.put_object_retention(
                **where(store, key), Retention={"Mode": mode, "RetainUntilDate": until}, BypassGovernanceRetention=True
            )
    client.put_object_retention(**where(store, key), Retention={"Mode": "COMPLIANCE", "RetainUntilDate": late})


def test_the_store_never_overwrites_it(locked, tmp_path):
    store, key = locked
    (tmp_path / "other").write_bytes(b"other")
    assert not store.create(key, b"other")
    assert not store.upload_new(key, tmp_path / "other")
    with pytest.raises(ContractError, match="must be written once"):
        store.put(key, b"other")
    with pytest.raises(ContractError, match="must be written once"):
        store.upload(key, tmp_path / "other")
    assert store.read(key) == b"approved"


def test_a_version_put_on_top_is_read_by_nobody(locked, client, tmp_path):
    store, key = locked
    client.put_object(**where(store, key), Body=b"forged and longer")
    assert store.read(key) == b"approved"
    assert store.size(key) == len(b"approved")
    assert not store.create(key, b"other")
    store.download(key, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == b"approved"


def test_a_delete_marker_hides_nothing(locked, client):
    store, key = locked
    client.delete_object(**where(store, key))
    assert store.exists(key)
    assert store.read(key) == b"approved"
    assert store.list(key.rpartition("/")[0]) == [key]
    assert not store.create(key, b"other")


def test_a_file_is_locked_too(s3, client, tmp_path):
    (tmp_path / "model").write_bytes(b"weights")
    assert s3.upload_new("releases/screening/x/model", tmp_path / "model")
    held = client.get_object_retention(**where(s3, "releases/screening/x/model"))["Retention"]
    assert held["Mode"] == "COMPLIANCE"


def test_everything_else_lies_where_it_can_be_forgotten(s3, client):
    for key in ("landing/x", "keys/person", "ledger/000000000001.json", "proposals/screening/x"):
        s3.create(key, b"")
        s3.delete(key)
    assert client.list_object_versions(Bucket=s3._at.bucket).get("Versions", []) == []
    assert client.list_object_versions(Bucket=s3._at.locked).get("Versions", []) == []


def test_a_bucket_without_object_lock_is_refused_before_anything_is_written(account, client, url):
    radosgw.add_bucket(account, "unlocked", is_locked=False)
    plain = url.partition("?")[0]
    store = open_store(f"{plain}?locked=unlocked&retain_days=1")
    with pytest.raises(SettingsError, match="unlocked, named by locked= in CANDOR_STORE, must have Object Lock on"):
        store.create(KEYS[0], b"")
    assert "Contents" not in client.list_objects_v2(Bucket="unlocked")


def test_a_bucket_that_keeps_versions_cannot_forget_and_is_refused(account, url):
    radosgw.add_bucket(account, "versioned")
    store = open_store(f"s3://versioned?{url.partition('?')[2]}")
    with pytest.raises(SettingsError, match="must not keep versions, since what is forgotten must be gone"):
        store.put("keys/person", b"")
