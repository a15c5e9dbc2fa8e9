"""What a release stands for, signed: a statement that anybody can check without Candor.

    releases/<family>/statements/<sha256>.json     a DSSE envelope around an in-toto statement, version 1
    releases/keys/<key id>.pem                     the public key that signed it; the ledger says when it was adopted

The statement's subjects are all files of the release by their sha256. Its predicate binds to them the model, data,
code, parameters, metrics, groups, the verdict and who approved it when and why. It says nothing that the ledger and the
release do not say: `objects` makes it again from them and compares. The entry `model:released` names its digest.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from pipelines.audit.dsse import enveloped, key_id, private_key, public_pem, read_public
from pipelines.audit.ledger import Entry, Tag, append, canonical, entries
from pipelines.base.catalog import RELEASES
from pipelines.base.digests import sha256_bytes
from pipelines.base.errors import ContractError
from pipelines.base.pseudonyms import SIGNING_KEY, secret
from pipelines.base.releases import CARD, MANIFEST, METRICS, NUMBER, VERDICT, read_manifest
from pipelines.base.store import Store
from pipelines.base.tried import ALTERNATIVES

STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE: Final = "urn:candor:release:v1"
"""Ours; this module says what it holds. A field more is the same version, another meaning is another one."""
SIGNED: Final = "statement_sha256"
"""The fact of `model:released` that names the statement."""
_FILES: Final = {
    "alternatives": ALTERNATIVES,
    "card": CARD,
    "groups": "evaluated/groups.json",
    "metrics": METRICS,
    "sealedGroups": "evaluated/groups.sealed",
    "verdict": VERDICT,
}
"""What the predicate names of a release's files, as far as they exist."""


def statement(
    family: str, facts: Mapping[str, Any], files: Mapping[str, str], verdict: Mapping[str, Any], commit: str
) -> bytes:
    """The payload.

    Args:
        family: Whose model.
        facts: Of the entry `model:released`.
        files: Relative name -> sha256 of the release's files.
        verdict: Content of its verdict.
        commit: The git commit that the proposal was made from.

    Returns:
        Canonical JSON.
    """
    subjects = dict(files) | {MANIFEST: facts["manifest_sha256"]}
    predicate = {
        "family": family,
        **({NUMBER: facts[NUMBER]} if NUMBER in facts else {}),  # statements of before keep their bytes
        "kind": facts["kind"],
        "reason": facts.get("reason", ""),
        "runId": facts["run_id"],
        "model": _digest("sha256", facts["model_sha256"]),
        "data": _digest("sha256", facts["data_sha256"]) | {"asOf": facts["as_of"]},
        "lake": _digest("sha256", verdict.get("lake_sha256")),
        "code": _digest("gitCommit", commit),
        "params": _digest("sha256", verdict.get("params_sha256")),
        **{name: _digest("sha256", files[file]) | {"name": file} for name, file in _FILES.items() if file in files},
        "decision": verdict.get("verdict"),
        "approvals": [dict(item) | _digest("sha256", sha256_bytes(canonical(item))) for item in facts["approvers"]],
    }
    return canonical(
        {
            "_type": STATEMENT_TYPE,
            "subject": [{"name": name} | _digest("sha256", sha256) for name, sha256 in sorted(subjects.items())],
            "predicateType": PREDICATE_TYPE,
            "predicate": predicate,
        }
    )


def attest(store: Store, family: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Sign what a release stands for, before the ledger says that it is one.

    Args:
        store: Holds the release's files, each checked by the caller.
        family: Whose model.
        facts: Those of the entry `model:released` to come.

    Returns:
        The facts, and the statement's digest among them. The same facts and key give the same.

    Raises:
        SettingsError: CANDOR_SIGNING_KEY is missing or malformed.
        ContractError: The release's files are not those in its facts, or were never proposed.
    """
    key = private_key(secret(SIGNING_KEY))
    plain: dict[str, Any] = json.loads(canonical(facts))
    folder = f"{RELEASES}/{family}/{facts['verdict_sha256']}"
    files = read_manifest(store, folder, facts["manifest_sha256"])
    verdict = json.loads(store.read(f"{folder}/{VERDICT}"))
    commit = commit_of(family, facts["verdict_sha256"], entries(store, newest_first=True))
    adopt(store, public_pem(key), key_id(key.public_key()))
    data = enveloped(statement(family, plain, files, verdict, commit), key)
    sha256 = sha256_bytes(data)
    store.create(statement_key(family, sha256), data)
    return {**facts, SIGNED: sha256}


def adopt(store: Store, pem: bytes, name: str) -> None:
    """Lay a public key beside the releases and write into the ledger that it signs from now on, both once.

    Raises:
        ContractError: Another key lies in its place.
    """
    if not store.create(pem_key(name), pem) and store.read(pem_key(name)) != pem:
        raise ContractError(f"{pem_key(name)} must be the key of its name; it is another. Find out who wrote it.")
    append(store, Tag.KEY_ADOPTED, name, once=True, algorithm="ed25519", pem_sha256=sha256_bytes(pem))


def keys_there(store: Store) -> Iterator[tuple[str, Ed25519PublicKey]]:
    """Id and key of the public keys beside the releases, whatever they are called; what is none is left out."""
    for name in store.list(f"{RELEASES}/keys"):
        with suppress(ContractError):
            key = read_public(store.read(name))
            yield key_id(key), key


def commit_of(family: str, verdict_sha256: str, known: Iterable[Entry]) -> str:
    """The commit that the newest proposal of a verdict was made from.

    Args:
        family: Whose model.
        verdict_sha256: Which verdict.
        known: Entries of the ledger, the newest first.

    Raises:
        ContractError: It was never proposed.
    """
    wanted = (Tag.MODEL_PROPOSED, family, verdict_sha256)
    for entry in known:
        if (entry.tag, entry.subject, entry.facts.get("verdict_sha256")) == wanted:
            return str(entry.facts.get("commit"))
    raise ContractError("What is signed must have been proposed; the ledger knows of no proposal. Retrain.")


def statement_key(family: str, sha256: str) -> str:
    """Where a statement lies."""
    return f"{RELEASES}/{family}/statements/{sha256}.json"


def pem_key(name: str) -> str:
    """Where a public key lies."""
    return f"{RELEASES}/keys/{name}.pem"


def _digest(algorithm: str, value: Any) -> dict[str, Any]:
    return {"digest": {algorithm: value}}
