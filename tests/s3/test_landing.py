"""Landed objects on either store: sealed, written once, rewritten under a new key, let go."""

import hashlib
import io
import os
from datetime import date

import pytest

from pipelines.base import landing
from tests.unit.test_landing import KEY

pytestmark = pytest.mark.usefixtures("keys")
DAY = date(2026, 3, 5)


def test_a_landed_object_goes_its_whole_way(any_store, tmp_path):
    data = os.urandom(5 << 20) + b"end"

    def land(bytes_, day=DAY):
        sha256 = hashlib.sha256(bytes_).hexdigest()
        return landing.write(any_store, KEY, io.BytesIO(bytes_), sha256, day=day, scratch=tmp_path / "scratch")

    def opened():
        back = tmp_path / "back"
        return back.read_bytes() if landing.read(any_store, KEY, back) else None

    assert not landing.is_kept(any_store, KEY)
    for _ in range(2):
        assert land(data)
        assert opened() == data
    assert len(any_store.list("keys/landing")) == 1
    landing.replace(any_store, KEY, io.BytesIO(data[3:]), tmp_path / "scratch")
    assert opened() == data[3:]
    assert len(any_store.list("keys/landing")) == 1
    landing.let_go(any_store, landing.due(any_store, date(2026, 3, 6)))
    assert opened() is None
    assert any_store.size(KEY) < 128
    assert land(data, date(2027, 3, 5))
    assert opened() == data
    landing.remove(any_store, KEY)
    assert any_store.list("landing") + any_store.list("keys") == []
