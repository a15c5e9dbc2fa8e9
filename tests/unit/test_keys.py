import polars as pl
import pytest

from pipelines.base import keys as keyring
from pipelines.base.errors import SettingsError

pytestmark = pytest.mark.usefixtures("keys")


def person(number: int) -> str:
    return f"p_{number:02x}{0:030x}"


EVERYBODY = pl.Series([person(n) for n in range(20)])


def test_a_person_keeps_key_and_handle(store):
    first = keyring.ensure(store, EVERYBODY)
    assert keyring.ensure(store, EVERYBODY).equals(first)
    assert keyring.held(store).equals(first)
    assert set(first["key"].bin.size()) == {32}
    assert first["key"].n_unique() == first["handle"].n_unique() == 20
    assert first["handle"].is_sorted()


def test_only_those_asked_for_are_handed_out(store):
    keyring.ensure(store, EVERYBODY)
    assert keyring.ensure(store, EVERYBODY[:3])["person_id"].sort().to_list() == EVERYBODY[:3].to_list()


def test_a_destroyed_key_is_gone_and_never_made_again(store):
    keyring.ensure(store, EVERYBODY)
    others = keyring.held(store).filter(pl.col("person_id") != person(4))
    shards = {key: store.read(key) for key in store.list("keys")}
    noted = []
    keyring.destroy(store, [person(4)], lambda name, *_: noted.append(name))
    assert keyring.held(store).equals(others)
    assert keyring.ensure(store, EVERYBODY).equals(others)
    assert keyring.marked(store, EVERYBODY) == [person(4)]
    assert [key for key in shards if store.read(key) != shards[key]] == noted
    keyring.destroy(store, [person(4)], lambda name, *_: noted.append(name))
    assert len(noted) == 1


def test_somebody_without_a_key_can_be_forgotten_too(store):
    keyring.destroy(store, [person(9)], lambda *_: None)
    assert keyring.ensure(store, EVERYBODY)["person_id"].sort().to_list() == [p for p in EVERYBODY if p != person(9)]


def test_without_the_secret_no_key_is_readable(store, monkeypatch):
    keyring.ensure(store, EVERYBODY)
    monkeypatch.setenv("CANDOR_PERSON_KEY", "55" * 32)
    with pytest.raises(SettingsError, match="CANDOR_PERSON_KEY"):
        keyring.held(store)
    monkeypatch.delenv("CANDOR_PERSON_KEY")
    with pytest.raises(SettingsError, match="CANDOR_PERSON_KEY must hold"):
        keyring.held(store)
