"""Deterministic authenticated encryption (AES-SIV): equal bytes under one key give equal ciphertext.

So sealed writes stay idempotent.
"""

import io

import polars as pl
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from pipelines.base.errors import SettingsError


def seal(key: bytes, plaintext: bytes, about: bytes = b"candor") -> bytes:
    """Ciphertext of `plaintext` under a 32-byte key; it opens only with the same `about` beside it."""
    return AESSIV(key).encrypt(plaintext, [about])


def unseal(key: bytes, ciphertext: bytes, about: bytes = b"candor") -> bytes:
    """Plaintext again.

    Raises:
        SettingsError: The key is not the one that sealed it, or the bytes were changed.
    """
    try:
        return AESSIV(key).decrypt(ciphertext, [about])
    except InvalidTag:
        raise SettingsError(
            "The key must be the one that sealed this part of the store; it does not open it. "
            "Check CANDOR_VAULT_KEY, CANDOR_AUDIT_KEY and CANDOR_PERSON_KEY against this store's secrets."
        ) from None


def seal_frame(key: bytes, frame: pl.DataFrame) -> bytes:
    """`frame` as sealed Parquet."""
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd", compression_level=1)  # digests hardly shrink at any level
    return seal(key, buffer.getvalue())


def unseal_frame(key: bytes, ciphertext: bytes) -> pl.DataFrame:
    """The frame that `seal_frame` sealed. Raises as `unseal`."""
    return pl.read_parquet(io.BytesIO(unseal(key, ciphertext)))
