"""Signed envelopes: who signed which bytes, and as what. Pure.

An envelope holds a payload, its type, and an Ed25519 signature over both, so that a signature cannot be taken over to
another type (DSSE 1.0, secure-systems-lab/dsse). One key signs; its id is the sha256 of the public key's DER form,
which `openssl pkey -pubin -outform DER` gives.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from pipelines.base.digests import sha256_bytes
from pipelines.base.errors import ContractError

PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
_KEY_BYTES: Final = 32


def pae(payload_type: str, payload: bytes) -> bytes:
    """What is signed: type and payload, each with its length (Pre-Authentication Encoding)."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def private_key(seed: bytes) -> Ed25519PrivateKey:
    """The key that 32 random bytes make. Raises ValueError on another number of them."""
    if len(seed) != _KEY_BYTES:
        raise ValueError
    return Ed25519PrivateKey.from_private_bytes(seed)


def public_pem(key: Ed25519PrivateKey) -> bytes:
    """The public key as everybody's tools read it."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def read_public(pem: bytes) -> Ed25519PublicKey:
    """A public key from its PEM.

    Raises:
        ContractError: It is none of Ed25519.
    """
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise ContractError("A signing key must be the PEM of an Ed25519 public key; this is none.")
    return key


def key_id(key: Ed25519PublicKey) -> str:
    """Hex sha256 of the public key's DER form."""
    return sha256_bytes(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def enveloped(payload: bytes, key: Ed25519PrivateKey) -> bytes:
    """The envelope: the same for the same payload and key, since Ed25519 draws no random numbers."""
    signature = key.sign(pae(PAYLOAD_TYPE, payload))
    return _written(payload, key_id(key.public_key()), signature)


def opened(envelope: bytes, keys: Mapping[str, Ed25519PublicKey]) -> bytes:
    """The payload of an envelope that one of the keys signed.

    Args:
        envelope: As `enveloped` wrote it, byte for byte.
        keys: Id -> public key, those that may sign.

    Raises:
        ContractError: It is no such envelope, its key is not among them, or the signature is not over this payload.
    """
    try:
        content = json.loads(envelope)
        (signed,) = content["signatures"]
        payload, signature = (base64.b64decode(text, validate=True) for text in (content["payload"], signed["sig"]))
        is_ours = _written(payload, signed["keyid"], signature) == envelope
    except (ValueError, TypeError, KeyError, binascii.Error, RecursionError):
        is_ours = False
    if not is_ours:
        raise ContractError("A signed statement must be a DSSE envelope as it was written; it is not.")
    if signed["keyid"] not in keys:
        raise ContractError("A statement must be signed by a key that the ledger adopted before; it names another.")
    try:
        keys[signed["keyid"]].verify(signature, pae(PAYLOAD_TYPE, payload))
    except InvalidSignature:
        raise ContractError("A statement's signature must be over its payload; it is not.") from None
    return payload


def _written(payload: bytes, key: str, signature: bytes) -> bytes:
    envelope = {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [{"keyid": key, "sig": base64.b64encode(signature).decode()}],
    }
    return (json.dumps(envelope, indent=1, sort_keys=True) + "\n").encode()
