"""What goes wrong on the way to a real S3 server, and what the person who meets it is told."""

import os

import pytest

from infra.setup import radosgw
from pipelines.base.errors import SettingsError, SourceUnavailable
from pipelines.base.store import connection as speaking
from pipelines.base.store import open_store

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
    """Clients that wait a fraction of a second, made anew for each test."""
    monkeypatch.setattr(speaking, "READ_SECONDS", 0.5)
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


@pytest.mark.parametrize("fault", ["slow", "closed", "garbage", "busy"])
def test_a_server_that_breaks_every_answer_is_waited_for(url, server, fault, monkeypatch):
    with proxy(server.url) as between:
        monkeypatch.setenv("AWS_ENDPOINT_URL", between.url)
        between.faults = [fault] * 50
        with pytest.raises(SourceUnavailable, match=r"must answer; it (did not|answered)"):
            open_store(url).read("reports/x")
        assert between.connections == 6, "two tries of botocore's, three of ours"


@pytest.mark.parametrize("fault", ["slow", "closed", "busy", "cut"])
def test_one_broken_answer_is_asked_for_again(url, server, fault, monkeypatch):
    open_store(url).put("reports/x", b"a longer answer than one byte")
    with proxy(server.url) as between:
        monkeypatch.setenv("AWS_ENDPOINT_URL", between.url)
        between.faults = [fault]
        assert open_store(url).read("reports/x") == b"a longer answer than one byte"


def test_a_create_whose_answer_was_lost_still_knows_that_it_wrote(url, server, monkeypatch):
    monkeypatch.setattr(speaking, "READ_SECONDS", 10)
    with proxy(server.url) as between:
        monkeypatch.setenv("AWS_ENDPOINT_URL", between.url)
        store = open_store(url)
        assert not store.exists("ledger/1")
        between.lost = 1
        assert store.create("ledger/1", b"mine")
        assert not store.create("ledger/1", b"other")
        assert store.read("ledger/1") == b"mine"
