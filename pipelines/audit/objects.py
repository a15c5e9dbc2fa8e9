"""Prove every object of every release, and every bias audit, or name the one that is not as it was.

The chain of the ledger proves the entries, and the entries prove all else:

    model:released   names manifest, model, data and statement by sha256, and so the pointer that was written after it
    manifest.json    names every file of the folder: model, card, profile, verdict, metrics, groups, sealed groups
    verdict.json     names the metrics, groups and card that it was given on
    audit:packaged   names a bias audit's package by sha256
    statement        is what the entry, the manifest and the verdict say, signed by a key that the ledger adopted

A release of before statements were signed has none; the first key in the ledger ends that. Folders of proposals may be
taken away later, unless a shadow model lies there; while there, they are as they were proposed.
"""

import hashlib
import json
import re
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from pipelines.audit import dsse, pointed, segments
from pipelines.audit.ledger import Entry, Head, Tag
from pipelines.audit.pointed import CHANGED
from pipelines.audit.proof import Proof, walk
from pipelines.audit.segments import STRETCH
from pipelines.audit.statement import SIGNED, commit_of, pem_key, statement, statement_key
from pipelines.base.catalog import AUDITS, FAMILIES, PROPOSALS, RELEASES
from pipelines.base.digests import sha256_bytes
from pipelines.base.errors import ContractError
from pipelines.base.releases import CARD, MANIFEST, METRICS, MODEL, VERDICT, Release, read_manifest
from pipelines.base.store import Store

_JUDGED: Final = {"metrics.json": METRICS, "groups.json": "evaluated/groups.json", "card.json": CARD}
"""What every verdict has as evidence, and where that lies in a release; what else it has lies under its own name."""
_DIGESTS: Final = ("verdict_sha256", "manifest_sha256", "model_sha256", "data_sha256")
_SHA256: Final = re.compile("[0-9a-f]{64}")
_PART: Final = 1 << 20
"""Bytes of a file that are in memory at a time."""


@dataclass(frozen=True, slots=True)
class _Folder:
    """Files that belong together, as an entry of the ledger names them."""

    key: str
    facts: Mapping[str, Any]
    must_be_there: bool


def prove(store: Store, *, signers: Collection[str] = (), stretch: int = STRETCH) -> list[str]:
    """Every fault of the ledger and of all that it vouches for; empty when all is whole.

    Args:
        store: Holds the ledger, the releases and the proposals.
        signers: Fingerprints of the only keys that may sign; then every release must be signed. Without any, whoever
            can write the store may have adopted a key of their own.
        stretch: Entries in a segment.

    Returns:
        One sentence a fault, each naming its entry or object.
    """
    return proved(store, signers=signers, stretch=stretch)[0]


def proved(store: Store, *, signers: Collection[str] = (), stretch: int = STRETCH) -> tuple[list[str], Proof]:
    """As `prove`, with what the ledger itself holds: its head, and the entries that releases rest on."""
    proof = walk(store, stretch=stretch)
    return [*proof.faults, *faults(store, proof, signers)], proof


def noted(store: Store, head: Head) -> list[str]:
    """Why the ledger is not the one whose entry somebody noted elsewhere; empty when it is.

    Args:
        store: Holds the ledger, whose chain is proved apart.
        head: Number and digest as they were noted. All up to there is as it was when the digests are the same.
    """
    name = segments.key(head.sequence)
    if not store.exists(name):
        return [f"Entry {head.sequence} of the ledger is missing, which was noted elsewhere: the tail was cut."]
    if sha256_bytes(store.read(name)) != head.sha256:
        return [f"Entry {head.sequence} of the ledger is not the one that was noted elsewhere: it was replaced."]
    return []


def faults(store: Store, proof: Proof, signers: Collection[str] = ()) -> list[str]:
    """Every object that is not what the ledger says of it.

    Args:
        store: Holds the objects.
        proof: Of the ledger; an entry that is not whole is named there.
        signers: As for `prove`.
    """
    misshapen = {entry.sequence for entry in proof.kept if entry.subject in FAMILIES and not _is_shaped(entry)}
    kept = tuple(entry for entry in proof.kept if entry.sequence not in misshapen)
    released = [entry for entry in kept if entry.tag is Tag.MODEL_RELEASED and entry.subject in FAMILIES]
    keys, found = _keys(store, kept)
    found += [
        f"Entry {sequence} of the ledger must name a model by its digests, and who approved; it was written by hand."
        for sequence in sorted(misshapen)
    ]
    found += [
        f"Entry {entry.sequence} of the ledger adopts the key {entry.subject}, which is none of those that may sign."
        for entry in kept
        if entry.tag is Tag.KEY_ADOPTED and signers and entry.subject not in signers
    ]
    there = [(item, store.read(item.key)) for item in proof.pointers]
    found += pointed.faults(there, kept, proof.unreadable)
    known: dict[str, list[str]] = {}
    for folder in _folders(kept, proof.pointers):
        if folder.key not in known:
            known[folder.key] = _tried(folder.key, _folder(store, folder))
            found += known[folder.key]
    for entry in kept:
        if entry.tag is Tag.AUDIT_PACKAGED and entry.subject in FAMILIES:
            found += [fault for fault in _package(store, entry) if fault not in found]
    first_key = min((entry.sequence for entry in kept if entry.tag is Tag.KEY_ADOPTED), default=None)
    for entry in released:
        if SIGNED in entry.facts:
            is_whole = not known.get(_released_folder(entry))
            about = f"Entry {entry.sequence} of the ledger, or its statement,"
            found += _tried(about, _statement(store, entry, kept, keys, is_whole=is_whole))
        elif signers or (first_key is not None and entry.sequence > first_key):
            found.append(f"Entry {entry.sequence} of the ledger releases a {entry.subject} model without a statement.")
    return found


def _is_shaped(entry: Entry) -> bool:
    """Whether an entry that releases rest on has the facts that all of its kind have, each of its type."""
    facts, people = entry.facts, entry.facts.get("approvers", [] if entry.tag is Tag.MODEL_HELD else None)
    if entry.tag is Tag.MODEL_RELEASED:
        texts = [facts.get(name) for name in (*_DIGESTS, "as_of", "run_id", "kind")]
        return all(isinstance(text, str) for text in texts) and _are_people(people)
    return entry.tag is not Tag.MODEL_HELD or _are_people(people)


def _are_people(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(person, Mapping) for person in value)


def _tried(what: str, faults: Iterator[str]) -> list[str]:
    """The faults of one check. A form that we never write is one as well: it ends no proof and hides no others."""
    found = list[str]()
    try:
        for fault in faults:
            found.append(fault)
    except ContractError as error:
        found.append(str(error))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        found.append(f"{what} is not in the form in which it is written. {CHANGED}")
    return found


def _keys(store: Store, kept: tuple[Entry, ...]) -> tuple[dict[str, tuple[int, Ed25519PublicKey]], list[str]]:
    """Id -> the entry that adopted a key, and the key; and why others cannot be used."""
    keys, found = dict[str, tuple[int, Ed25519PublicKey]](), list[str]()
    for entry in kept:
        if entry.tag is not Tag.KEY_ADOPTED or entry.subject in keys:
            continue
        try:
            pem = store.read(pem_key(entry.subject))
            key = dsse.read_public(pem) if sha256_bytes(pem) == entry.facts.get("pem_sha256") else None
            if key is None or dsse.key_id(key) != entry.subject:
                found.append(f"{pem_key(entry.subject)} is not the key that entry {entry.sequence} adopted. {CHANGED}")
            else:
                keys[entry.subject] = (entry.sequence, key)
        except ContractError as error:
            found.append(str(error))
    return keys, found


def _released_folder(entry: Entry) -> str:
    return f"{RELEASES}/{entry.subject}/{entry.facts.get('verdict_sha256')}"


def _folders(kept: Iterable[Entry], pointers: Iterable[Release]) -> Iterator[_Folder]:
    """The folder behind every release, proposal and shadow model."""
    pointed_at = {pointer.folder for pointer in pointers}
    for entry in kept:
        if entry.subject not in FAMILIES or "manifest_sha256" not in entry.facts:
            continue
        if entry.tag is Tag.MODEL_RELEASED:
            yield _Folder(_released_folder(entry), entry.facts, must_be_there=True)
        else:
            key = f"{PROPOSALS}/{entry.subject}/{entry.facts.get('verdict_sha256')}"
            yield _Folder(key, entry.facts, must_be_there=key in pointed_at)


def _package(store: Store, entry: Entry) -> Iterator[str]:
    """Why a bias audit is not the one on record."""
    sha256 = str(entry.facts.get("sha256"))
    key = f"{AUDITS}/{entry.subject}/{sha256}.zip"
    if not _SHA256.fullmatch(sha256):
        yield f"Entry {entry.sequence} of the ledger must name a bias audit by its sha256; it was written by hand."
    elif not store.exists(key):
        yield f"{key} is missing: it was removed."
    elif sha256_bytes(store.read(key)) != sha256:
        yield f"{key} is not the bias audit on record. {CHANGED}"


def _folder(store: Store, folder: _Folder) -> Iterator[str]:
    """Files that are changed, missing or too many; and whether model, verdict and evidence are one another's."""
    there = set(store.list(folder.key))
    if not there and not folder.must_be_there:
        return
    try:
        files = read_manifest(store, folder.key, str(folder.facts["manifest_sha256"]))
    except (ContractError, ValueError, KeyError) as error:
        yield str(error)
        return
    digests = {}
    for name, expected in files.items():
        key = f"{folder.key}/{name}"
        if key not in there:
            yield f"{key} is missing: it was removed."
            continue
        digests[name] = _sha256(store, key)
        if digests[name] != expected:
            yield f"{key} is not the file that {MANIFEST} names. {CHANGED}"
    for key in sorted(there - {f"{folder.key}/{name}" for name in (*files, MANIFEST)}):
        yield f"{key} is in no {MANIFEST}: it was put there by hand."
    if digests == files:
        yield from _bound(store, folder, files)


def _bound(store: Store, folder: _Folder, files: Mapping[str, str]) -> Iterator[str]:
    """Whether what a manifest lists is what the ledger released: a manifest is a file as well."""
    if files.get(VERDICT) != folder.facts.get("verdict_sha256"):
        yield f"{folder.key}/{VERDICT} is not the verdict that the ledger names. {CHANGED}"
        return
    verdict = json.loads(store.read(f"{folder.key}/{VERDICT}"))
    for name in {**_JUDGED, **verdict["evidence"]}:
        where = next((file for file in (_JUDGED.get(name, name), f"evaluated/{name}") if file in files), name)
        if verdict["evidence"].get(name) != files.get(where):
            yield f"{folder.key}/{where} is not what the verdict was given on. {CHANGED}"
    for name in ("data_sha256", "as_of"):
        if name in folder.facts and folder.facts[name] != verdict.get(name):
            yield f"{folder.key}/{VERDICT} is about another {name} than the ledger names. {CHANGED}"
    model = {name.removeprefix(f"{MODEL}/"): sha256 for name, sha256 in files.items() if name.startswith(f"{MODEL}/")}
    if folder.facts.get("model_sha256") not in (_tree(model) if model else None, None):
        yield f"{folder.key}/{MODEL} is not the model that the ledger names. {CHANGED}"


def _tree(files: Mapping[str, str]) -> str:
    """As `digests.sha256_tree`, of files whose digests are known."""
    names = sorted(files, key=PurePosixPath)
    return sha256_bytes("\n".join(f"{files[name]}  {name}" for name in names).encode())


def _sha256(store: Store, key: str) -> str:
    digest = hashlib.sha256()
    with tempfile.TemporaryDirectory() as scratch, store.opened(key, Path(scratch)) as file:
        while part := file.read(_PART):
            digest.update(part)
    return digest.hexdigest()


def _statement(
    store: Store,
    entry: Entry,
    kept: tuple[Entry, ...],
    keys: Mapping[str, tuple[int, Ed25519PublicKey]],
    *,
    is_whole: bool,
) -> Iterator[str]:
    """Whether the statement of a release is the one on record, signed, and says what the release is."""
    key = statement_key(entry.subject, str(entry.facts[SIGNED]))
    try:
        envelope = store.read(key)
        if sha256_bytes(envelope) != entry.facts[SIGNED]:
            yield f"{key} is not the statement that entry {entry.sequence} names. {CHANGED}"
            return
        usable = {name: public for name, (sequence, public) in keys.items() if sequence < entry.sequence}
        payload = dsse.opened(envelope, usable)
    except ContractError as error:
        yield f"{key}: {error}"
        return
    yield from _approvals(entry, kept)
    if not is_whole:  # named already, file by file
        return
    folder = _released_folder(entry)
    files = read_manifest(store, folder, entry.facts["manifest_sha256"])
    verdict = json.loads(store.read(f"{folder}/{VERDICT}"))
    facts = {name: value for name, value in entry.facts.items() if name != SIGNED}
    try:
        before = [item for item in reversed(kept) if item.sequence < entry.sequence]
        commit = commit_of(entry.subject, entry.facts["verdict_sha256"], before)
    except ContractError as error:
        yield f"{key}: {error}"
        return
    if payload != statement(entry.subject, facts, files, verdict, commit):
        yield f"{key} says something else than the ledger and the release. {CHANGED}"


def _approvals(entry: Entry, kept: tuple[Entry, ...]) -> Iterator[str]:
    """Approvals that a release names and the ledger lacks."""
    given = [
        {name: value for name, value in item.facts.items() if name not in ("verdict_sha256", "run_id")}
        for item in kept
        if item.tag is Tag.RELEASE_APPROVED
        and (item.subject, item.facts.get("verdict_sha256"), item.facts.get("run_id"))
        == (entry.subject, entry.facts.get("verdict_sha256"), entry.facts.get("run_id"))
    ]
    for approval in entry.facts["approvers"]:
        if approval not in given:
            yield (
                f"Entry {entry.sequence} of the ledger names {approval.get('name')} as having approved, and no entry "
                "says so."
            )
