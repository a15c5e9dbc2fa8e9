"""Keyed pseudonyms: a person's identifier never leaves ingest in clear, and without the key nobody can test a guess."""

from typing import Final

import polars as pl

from pipelines.base.digests import sha256_each
from pipelines.base.errors import SettingsError
from pipelines.base.settings import environment

PSEUDONYM_KEY = "CANDOR_PSEUDONYM_KEY"
VAULT_KEY = "CANDOR_VAULT_KEY"
AUDIT_KEY = "CANDOR_AUDIT_KEY"
PERSON_KEY = "CANDOR_PERSON_KEY"
SIGNING_KEY = "CANDOR_SIGNING_KEY"
_BLOCK: Final = 64
"""Bytes that SHA-256 takes at once."""
_DIGITS: Final = 32
"""Of a digest that stay: 128 bits."""
_UNSEEN: Final = r"\p{Default_Ignorable_Code_Point}"
"""Signs that are not shown (Unicode, DerivedCoreProperties), which spreadsheets and web pages leave within cells."""
_BLANK: Final = "[\u00a0\u2000-\u200a\u202f\u205f\u3000]"
TO_LOOK_AT: Final = r"^\s*$|[^\x00-\x7f]"
"""What may look otherwise than it is written. Hardly any identifier does: to find none is a tenth of the price."""

_WHAT = {
    PSEUDONYM_KEY: "the 64 hex characters that key pseudonyms",
    VAULT_KEY: "the 64 hex characters that seal direct identifiers and quarantined rows",
    AUDIT_KEY: "the audit identity (64 hex characters) that opens protected attributes",
    PERSON_KEY: "the 64 hex characters that seal each person's own key",
    SIGNING_KEY: "the 64 hex characters that sign what is released",
}


def secret(name: str) -> bytes:
    """A key from the environment.

    Args:
        name: One of the constants of this module.

    Returns:
        32 bytes.

    Raises:
        SettingsError: Unset, or not 64 hex characters. The value is never shown.
    """
    text = environment(name, _WHAT[name])
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise SettingsError(f"{name} must hold {_WHAT[name]}; got {len(text)} characters of another form. Set it anew.")
    return key


def pseudonym(
    key: bytes, scheme: str, values: pl.Series, prefix: str = "p", *, is_as_written: bool = False
) -> pl.Series:
    """HMAC-SHA256 of `scheme|value`, cut to 128 bits.

    Args:
        key: 32 bytes.
        scheme: The identifier's kind, such as `workday_worker`; equal values of other kinds differ.
        values: [n] str. Null stays null: no identifier, no person. They count as they look (`as_seen`), so one of which
            nothing can be seen is none.
        prefix: Tells people (`p`) from applications (`a`) and enrolments (`e`) for a reader's eye.
        is_as_written: They count as they are written, as they did before it was asked how they look.

    Returns:
        [n] str such as `p_0f3c…` with 32 hex digits.
    """
    values = values if is_as_written else as_seen(values)
    distinct = values.to_frame("").select(pl.col("").approx_n_unique()).item()
    if 2 * distinct > len(values):  # looking names up costs more than making them
        return _names(key, scheme, values, prefix)
    unique = values.drop_nulls().unique()
    return values.replace_strict(unique, _names(key, scheme, unique, prefix), default=None, return_dtype=pl.String)


def as_seen(values: pl.Series) -> pl.Series:
    """Identifiers as they look: one system writes an accent as a sign of its own, another has a blank that is none.

    Args:
        values: [n] str.

    Returns:
        [n] str: as they are, leading zeros and case too, but in Unicode's composed form, without what is not shown, any
        blank as a space; null where nothing is left that could be told from nothing.
    """
    if not values.str.contains(TO_LOOK_AT).any():
        return values
    # What is not shown goes first: it may part a letter from its accent.
    looks = values.str.replace_all(_UNSEEN, "").str.normalize("NFC").str.replace_all(_BLANK, " ")
    is_something = pl.col("").str.strip_chars() != ""
    return looks.to_frame("").select(pl.when(is_something).then(pl.col("")).alias(values.name)).to_series()


def _names(key: bytes, scheme: str, values: pl.Series, prefix: str) -> pl.Series:
    """A pseudonym a value: HMAC as RFC 2104 has it, two digests of a whole column at a time."""
    inner = sha256_each(_behind(0x36, key, f"{scheme}|", values))
    outer = sha256_each(_behind(0x5C, key, "", _decoded(inner.fill_null("00" * 32))))
    named = pl.when(pl.col("").is_not_null()).then(f"{prefix}_" + pl.lit(outer).str.head(_DIGITS))
    return values.to_frame("").select(named.alias(values.name)).to_series()


def _decoded(digests: pl.Series) -> pl.Series:
    """[n] 32 bytes of each hex digest; `str.decode` takes four times as long."""
    import pyarrow as pa  # type: ignore[import-untyped]  # most who ask for a key make no pseudonyms

    whole = bytes.fromhex(digests.str.join("").item())
    return pl.Series(pa.Array.from_buffers(pa.binary(32), len(digests), [None, pa.py_buffer(whole)]))


def _behind(pad: int, key: bytes, text: str, values: pl.Series) -> pl.Series:
    """[n] bytes: the padded key, a text and each value."""
    before = bytes(byte ^ pad for byte in key.ljust(_BLOCK, b"\x00")) + text.encode()
    return values.to_frame("").select(pl.lit(before) + pl.col("").cast(pl.Binary)).to_series()
