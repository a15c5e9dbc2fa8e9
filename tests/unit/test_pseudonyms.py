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


@pytest.mark.parametrize(
    "text",
    [
        "Nun\u0303ez 7",
        "Nu\u00f1ez\u00a07",
        "Nu\u00f1\u200bez 7\ufeff",
        "Nun\u0303\u00adez\u202f7",
        "Nun\u034f\u0303ez\u205f7",
        "\u202aNu\u00f1ez 7\u202c",
        "\u2066Nu\u00f1ez 7\ufe0f\u2069",
        "\u061cNu\u00f1\u180eez 7\u3164",
    ],
)
def test_an_identifier_is_what_is_seen_of_it(text):
    expected = "p_" + hmac.new(KEY, "user|Nu\u00f1ez 7".encode(), hashlib.sha256).hexdigest()[:32]
    assert pseudonym(KEY, "user", pl.Series(["1", text, None])).to_list()[1] == expected
    others = ["Nunez 7", "nu\u00f1ez 7", "Nu\u00f1ez7", "Nu\u00f1ez 7 ", "\u674e"]
    assert expected not in pseudonym(KEY, "user", pl.Series([*others, "\u674e\u200b"])).to_list()
    assert pseudonym(KEY, "user", pl.Series(["\u674e", "\u674e\u200b"])).n_unique() == 1


@pytest.mark.parametrize(
    "text", ["", " ", "\t", "\u200b", "\u2060\u200b", "\ufeff", "\u00ad \u00a0", "\u202a\u202c", "\ufe0f"]
)
def test_an_identifier_of_which_nothing_is_seen_is_nobodys(text):
    assert pseudonym(KEY, "user", pl.Series("who", [text, "1"])).is_null().to_list() == [True, False]


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
