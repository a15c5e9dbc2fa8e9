"""What goes wrong on the way to a real S3 server, and what the person who meets it is told."""

import os

import pytest

from infra.setup import radosgw
from pipelines.audit import Tag, append
from pipelines.base.errors import SettingsError, SourceUnavailable
from pipelines.base.releases import pointers
from pipelines.base.store import connection as speaking
from pipelines.base.store import open_store
from pipelines.publish.pointers import point

from .breaking import proxy
from .conftest import deny

ACTS = {
    "read": lambda store: store.read("reports/x"),
    "put": lambda store: store.put("reports/x", b""),
    "create": lambda store: store.create("ledger/x", b""),
    "exists": lambda store: store.exists("reports/x"),
    "size": lambda store: store.size("reports/x"),
    "list": lambda store: store.list("reports"),
    "delete": lambda store: store.delete("reports/x"),
    "uri": lambda store: store.uri("lake/workers"),
    "lock": lambda store: store.lock("publish").__enter__(),
    "read once": lambda store: store.read("releases/x"),
    "create once": lambda store: store.create("releases/x", b""),
    "list once": lambda store: store.list("releases"),
}


@pytest.fixture(params=ACTS)
def act(request):
    return ACTS[request.param]


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """Clients that try twice, made anew for each test; a real answer takes seconds where others use the machine."""
    monkeypatch.setattr(speaking, "READ_SECONDS", 10)
    monkeypatch.setattr(speaking, "TRIES", 2)
    speaking._client.cache_clear()
    yield
    speaking._client.cache_clear()


def test_a_wrong_secret_is_a_settings_error_that_does_not_tell_it(url, act, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "forged-0123")
    with pytest.raises(
        SettingsError, match="must be known to the S3 server; it answered SignatureDoesNotMatch"
    ) as error:
        act(open_store(url))
    assert "forged" not in str(error.value)


def test_an_unknown_account_is_a_settings_error(url, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    with pytest.raises(SettingsError, match="it answered InvalidAccessKeyId"):
        open_store(url).read("reports/x")


def test_no_credentials_are_a_settings_error(url, act, monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(SettingsError, match="must be set"):
        act(open_store(url))


def test_a_missing_bucket_is_named(account, act):
    with pytest.raises(SettingsError, match=r"The bucket no-such-\w+ of CANDOR_STORE must exist; it does not"):
        act(open_store("s3://no-such-bucket/x?locked=no-such-locked&retain_days=1"))


def test_a_denied_prefix_is_a_settings_error_that_names_the_zone(s3, client):
    s3.put("vault/protected/1", b"sealed")
    s3.put("reports/x", b"")
    deny(client, s3._at.bucket, f"{s3._at.bucket}/a/company/vault/*", "s3:GetObject", "s3:PutObject", "s3:DeleteObject")
    for attempt in (
        lambda: s3.read("vault/protected/1"),
        lambda: s3.put("vault/protected/1", b""),
        lambda: s3.create("vault/protected/2", b""),
        lambda: s3.delete("vault/protected/1"),
    ):
        with pytest.raises(SettingsError, match=r"must be allowed to use vault/ in bucket plain-\w+; .* AccessDenied"):
            attempt()
    assert s3.read("reports/x") == b""


def test_another_accounts_bucket_is_a_settings_error(url, account, act, monkeypatch):
    for name, value in radosgw.add_user(account, f"stranger-{os.urandom(3).hex()}").environment().items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match="must be allowed to use"):
        act(open_store(url))


def test_a_server_that_is_not_there_is_waited_for(url, act, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(SourceUnavailable, match="must answer; it did not"):
        act(open_store(url))


@pytest.fixture
def between(server, url, monkeypatch):
    """The way to a store's server, on which answers get lost; the store has asked what it asks once."""
    with proxy(server.url) as made:
        monkeypatch.setenv("AWS_ENDPOINT_URL", made.url)
        yield made


@pytest.mark.parametrize("fault", ["slow", "closed", "garbage", "busy"])
def test_a_server_that_breaks_every_answer_is_waited_for(url, server, fault, monkeypatch):
    monkeypatch.setattr(speaking, "READ_SECONDS", 0.5)
    with proxy(server.url) as between:
        monkeypatch.setenv("AWS_ENDPOINT_URL", between.url)
        between.faults = [fault] * 50
        with pytest.raises(SourceUnavailable, match=r"must answer; it (did not|answered)"):
            open_store(url).read("reports/x")
        assert between.connections == 6, "two tries of botocore's, three of ours"


@pytest.mark.parametrize("key", ["reports/x", "releases/x"])
@pytest.mark.parametrize("fault", ["slow", "closed", "busy", "cut"])
def test_one_broken_answer_is_asked_for_again(url, client, fault, key, monkeypatch):
    monkeypatch.setattr(speaking, "READ_SECONDS", 2)
    store, data = open_store(url), b"a longer answer than one byte"
    client.put_object(Bucket=bucket_of(store, key), Key=store.full(key), Body=data)
    with proxy(client.meta.endpoint_url) as between:
        monkeypatch.setenv("AWS_ENDPOINT_URL", between.url)
        between.faults = [fault]
        assert open_store(url).read(key) == data


@pytest.mark.parametrize("key", ["reports/x", "releases/x"])
def test_a_body_that_breaks_off_is_asked_for_again_twice(url, client, between, key):
    store, data = open_store(url), b"a longer answer than one byte"
    client.put_object(Bucket=bucket_of(store, key), Key=store.full(key), Body=data)
    between.broken = [data] * 2
    assert store.read(key) == data
    assert between.broken == []
    between.broken = [data] * 3
    with pytest.raises(SourceUnavailable, match="must answer; it did not"):
        store.read(key)


def bucket_of(store, key):
    return store._at.locked if key.startswith(("releases/", "ledger/segments/")) else store._at.bucket


WRITTEN_ONCE = ["ledger/1", "ledger/segments/1", "releases/screening/1"]


@pytest.mark.parametrize("again", ["", "taken"])  # a locked bucket takes a second version here; S3 itself answers 412
@pytest.mark.parametrize("key", WRITTEN_ONCE)
def test_a_create_whose_answer_was_lost_still_knows_that_it_wrote(url, between, key, again):
    store = open_store(url)
    assert not store.exists(key)
    between.lost, between.faults = 1, [again]
    assert store.create(key, b"mine")
    assert between.lost == 0
    assert not store.create(key, b"other")
    assert store.read(key) == b"mine"


@pytest.mark.parametrize("key", WRITTEN_ONCE)
def test_a_create_whose_answer_was_lost_knows_that_another_was_first(url, client, between, key):
    store = open_store(url)
    assert not store.exists(key)
    place = {"Bucket": bucket_of(store, key), "Key": store.full(key)}
    between.on_write = lambda _: client.put_object(**place, Body=b"minx") and None
    between.lost, between.faults = 1, ["taken"] if key == "ledger/1" else []
    assert not store.create(key, b"mine")
    assert store.read(key) == b"minx"


def test_a_file_whose_answer_was_lost_still_counts_as_written(url, between, tmp_path):
    (tmp_path / "model").write_bytes(b"weights" * 100_000)
    store = open_store(url)
    assert not store.exists("releases/x/model")
    between.lost = 1
    assert store.upload_new("releases/x/model", tmp_path / "model")


def test_a_release_whose_answer_was_lost_is_pointed_to_once(url, between):
    store = open_store(url)
    digests = dict.fromkeys(("verdict_sha256", "manifest_sha256", "model_sha256", "data_sha256"), "a" * 64)
    entry = append(store, Tag.MODEL_RELEASED, "screening", **digests, run_id="release__r1", as_of="2026-05-30")
    between.lost = 1
    made = point(store, "screening", "release", "releases/screening/x", entry)
    assert between.lost == 0
    assert (made.sequence, pointers(store, "screening")) == (1, [made])
