"""Keyed pseudonyms: a person's identifier never leaves ingest in clear, and without the key nobody can test a guess."""

import hmac

import polars as pl

from pipelines.base.errors import SettingsError
from pipelines.base.settings import environment

PSEUDONYM_KEY = "CANDOR_PSEUDONYM_KEY"
VAULT_KEY = "CANDOR_VAULT_KEY"
AUDIT_KEY = "CANDOR_AUDIT_KEY"

_WHAT = {
    PSEUDONYM_KEY: "the 64 hex characters that key pseudonyms",
    VAULT_KEY: "the 64 hex characters that seal direct identifiers and quarantined rows",
    AUDIT_KEY: "the audit identity (64 hex characters) that opens protected attributes",
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


def pseudonym(key: bytes, scheme: str, values: pl.Series, prefix: str = "p") -> pl.Series:
    """HMAC-SHA256 of `scheme|value`, cut to 128 bits.

    Args:
        key: 32 bytes.
        scheme: The identifier's kind, such as `workday_worker`; equal values of other kinds differ.
        values: [n] str. Null stays null: no identifier, no person.
        prefix: Tells people (`p`) from applications (`a`) and enrolments (`e`) for a reader's eye.

    Returns:
        [n] str such as `p_0f3c…` with 32 hex digits.
    """
    unique = values.unique().drop_nulls()
    digest = hmac.digest
    stem = scheme.encode() + b"|"
    names = [f"{prefix}_{digest(key, stem + value.encode(), 'sha256')[:16].hex()}" for value in unique]
    return values.replace_strict(unique, pl.Series(names, dtype=pl.String), default=None, return_dtype=pl.String)
