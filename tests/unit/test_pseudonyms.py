import hashlib
import hmac

import polars as pl
import pytest

from pipelines.base.errors import SettingsError
from pipelines.base.pseudonyms import pseudonym
from pipelines.base.sealed import seal_frame, unseal_frame

KEY = b"k" * 32


def test_a_pseudonym_is_the_hmac_of_scheme_and_value():
    expected = "p_" + hmac.new(KEY, b"workday_worker|000123", hashlib.sha256).hexdigest()[:32]
    assert pseudonym(KEY, "workday_worker", pl.Series(["000123"])).to_list() == [expected]


def test_leading_zeros_schemes_and_keys_make_a_difference():
    one = pseudonym(KEY, "worker", pl.Series(["000123", "123", "000123"])).to_list()
    assert one[0] == one[2] != one[1]
    assert one[0] not in pseudonym(KEY, "candidate", pl.Series(["000123"]))
    assert one[0] not in pseudonym(b"x" * 32, "worker", pl.Series(["000123"]))


def test_no_identifier_means_no_person_and_those_beside_are_named_as_before():
    expected = ["p_" + hmac.new(KEY, f"worker|{text}".encode(), hashlib.sha256).hexdigest()[:32] for text in "1é2"]
    found = pseudonym(KEY, "worker", pl.Series("who", [None, "1", "é", None, "2"]))
    assert found.equals(pl.Series("who", [None, *expected[:2], None, expected[2]]))
    assert pseudonym(KEY, "worker", pl.Series([None, None], dtype=pl.String)).to_list() == [None, None]
    assert pseudonym(KEY, "worker", pl.Series([], dtype=pl.String)).to_list() == []


def test_sealing_is_deterministic_and_tamper_evident():
    frame = pl.DataFrame({"a": ["x", "y"]})
    sealed = seal_frame(KEY, frame)
    assert sealed == seal_frame(KEY, frame)
    assert unseal_frame(KEY, sealed).equals(frame)
    with pytest.raises(SettingsError, match="does not open it"):
        unseal_frame(KEY, sealed[:-1] + bytes([sealed[-1] ^ 1]))
