"""Gather what is known of a family's releases, and of a period, into a zip that is the same whenever it is made again.

    README.md  verify.py  facts.json  manifest.json
    releases/<number>/pointer.json  statement.json  files/...   what was released, by whose word, signed
    keys/<key id>.pem                                           the public keys that signed
    ledger/entries.jsonl                                        a stretch of the ledger without a gap, byte for byte
    ledger/cited.jsonl                                          entries from elsewhere that the releases rest on
    law/<code>.yaml                                             the rule packs in force, by the text that was applied
    audits/<sha256>.zip                                         packages of Local Law 144 about these models
    documents/<number>/<kind>.html                              model card, technical file and others, every value cited
    reports/<day>/...                                           what monitoring concluded in the period

Left out, each with its sha256 in facts.json: the model's own files unless asked for, and sealed counts, which can tell
one person's answer. Nothing goes in before everything in the store was proved.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

from monitoring import page
from monitoring.documents import made
from monitoring.examiner import recompute
from monitoring.ll144 import stored
from monitoring.ll144.bundle import packed
from monitoring.portal import evidence
from pipelines import audit
from pipelines.audit import Entry, Tag
from pipelines.audit.objects import prove
from pipelines.audit.segments import key
from pipelines.audit.statement import SIGNED, pem_key, statement_key
from pipelines.base import releases
from pipelines.base.catalog import REPORTS
from pipelines.base.digests import sha256_bytes
from pipelines.base.errors import ContractError, SettingsError
from pipelines.base.releases import MANIFEST, MODEL, Release, read_manifest
from pipelines.base.store import Store
from pipelines.fairness import law

FORMAT: Final = 1
README: Final = "README.md"
CODE: Final = "verify.py"
FACTS: Final = "facts.json"
_SEALED: Final = ".sealed"
_STATEMENT: Final = "/statement.json"
_LEFT_OUT: Final = {
    f"/{MODEL}/": "the model itself, which the company may have to show you on its own premises",
    _SEALED: "counts of single subjects, sealed since they can tell the answer of one person",
}
"""Part of a file's name -> what is not in a bundle, for its reader."""
_REPORTS: Final = tuple(name for name in evidence.FILES if name.endswith((".json", ".csv")))


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a bundle is to be about."""

    family: str
    release: int | None = None
    """Number of one release; without it the live one, or with a period all that were live in it."""
    since: date | None = None
    until: date | None = None
    """First and last day of the period; both or neither."""
    with_model: bool = False
    """Whether the model's own files go in: they are the company's, and may be its secret."""


def make(store: Store, wanted: Wanted, jurisdictions: Collection[str], signers: Collection[str] = ()) -> bytes:
    """The zip.

    Args:
        store: Holds everything.
        wanted: What about.
        jurisdictions: Whose law is shown.
        signers: As for `objects.prove`.

    Raises:
        SettingsError: The period has no end, or ends before it begins.
        ContractError: Something in the store is not as the ledger says, or there is no such release.
    """
    if (wanted.since is None) != (wanted.until is None) or (wanted.since or date.min) > (wanted.until or date.max):
        raise SettingsError("A period must have a first and a last day in their order. Give --since and --until.")
    if found := prove(store, signers=signers):
        raise ContractError(
            f"What an examiner gets must be whole; {len(found)} faults. {' '.join(found)} Find out who did it, and "
            "tell the examiner."
        )
    return packed(files(store, wanted, jurisdictions))


def files(store: Store, wanted: Wanted, jurisdictions: Collection[str]) -> dict[str, bytes]:
    """Every file of a bundle by name, in the zip's order. Nothing is proved here."""
    chosen = _chosen(releases.pointers(store, wanted.family), wanted)
    cited, period = _entries(store, chosen, wanted)
    first, last = _stretch(chosen, cited, period)
    inside = list(store.read_many(map(key, range(first, last + 1))))
    day = wanted.until or date.fromisoformat(chosen[-1].released_at[:10])
    packs = law.standing(jurisdictions, day).packs
    found, left_out = _releases(store, chosen, cited, wanted)
    found |= {
        "ledger/entries.jsonl": b"".join(inside),
        "ledger/cited.jsonl": b"".join(entry.to_json() for entry in cited if not first <= entry.sequence <= last),
        **{f"law/{pack.code}.yaml": law.text_of(pack) for pack in packs},
        **_audits(store, chosen, wanted.family),
        **_documents(store, chosen, wanted),
        **_reports(store, wanted),
    }
    facts = {
        "format": FORMAT,
        "family": wanted.family,
        "releases": [item.sequence for item in chosen],
        "since": str(wanted.since) if wanted.since else None,
        "until": str(wanted.until) if wanted.until else None,
        "ledger": {"first": first, "last": last, "sha256": sha256_bytes(inside[-1])},
        "law_day": str(day),
        "jurisdictions": sorted(jurisdictions),
        "law": {pack.code: pack.sha256 for pack in packs},
        "left_out": left_out,
    }
    out = [what for mark, what in _LEFT_OUT.items() if any(mark in name for name in left_out)]
    tops = {name.partition("/")[0] for name in found}
    about = {"facts": facts, "pointers": chosen, "packs": packs, "tops": tops, "out": out, "signed": _signed(found)}
    whole = {
        README: page.render("examiner_readme.md", **about).encode(),
        CODE: Path(recompute.__file__).read_bytes(),
        FACTS: _json(facts),
        **dict(sorted(found.items())),
    }
    return whole | {MANIFEST: _json({"files": {name: sha256_bytes(data) for name, data in whole.items()}})}


def _chosen(pointers: list[Release], wanted: Wanted) -> list[Release]:
    """The releases that the bundle is about."""
    if wanted.release is not None:
        found = [item for item in pointers if item.sequence == wanted.release]
    elif wanted.since is None or wanted.until is None:
        found = pointers[-1:]
    else:
        ends = [*(item.released_at for item in pointers[1:]), "9999"]
        after = str(wanted.until + timedelta(days=1))
        found = [
            item
            for item, end in zip(pointers, ends, strict=True)
            if item.released_at < after and end >= str(wanted.since)
        ]
    if not found:
        raise ContractError(
            f"A bundle must be about a release; {wanted.family} has none that was asked for. "
            f"`python -m pipelines.audit show --tag {Tag.MODEL_RELEASED}` lists them."
        )
    return found


def _entries(store: Store, chosen: Iterable[Release], wanted: Wanted) -> tuple[list[Entry], list[int]]:
    """Entries that the releases rest on, oldest first; and the numbers of those of the period."""
    verdicts = {item.verdict_sha256 for item in chosen}
    cited, period = list[Entry](), list[int]()
    for entry in audit.entries(store):
        is_about = entry.subject == wanted.family and entry.facts.get("verdict_sha256") in verdicts
        if entry.tag is Tag.KEY_ADOPTED or is_about:
            cited.append(entry)
        if wanted.since is not None and str(wanted.since) <= entry.recorded_at[:10] <= str(wanted.until):
            period.append(entry.sequence)
    return cited, period


def _stretch(chosen: list[Release], cited: list[Entry], period: list[int]) -> tuple[int, int]:
    """First and last number of the entries that are shown without a gap."""
    backing = [entry.sequence for entry in cited for item in chosen if entry.recorded_at == item.released_at]
    anchors = [int(item.ledger["sequence"]) for item in chosen]
    return min([*backing, *anchors, *period]), max([*backing, *anchors, *period])


def _releases(
    store: Store, chosen: list[Release], cited: list[Entry], wanted: Wanted
) -> tuple[dict[str, bytes], dict[str, str]]:
    """Files of the releases, and name -> sha256 of what is left out."""
    made, left_out = dict[str, bytes](), dict[str, str]()
    for item in chosen:
        top = f"releases/{item.sequence:012d}"
        made[f"{top}/pointer.json"] = store.read(item.key)
        made[f"{top}/files/{MANIFEST}"] = store.read(f"{item.folder}/{MANIFEST}")
        for name, sha256 in read_manifest(store, item.folder, item.manifest_sha256).items():
            is_models = name.startswith(f"{MODEL}/") and not wanted.with_model
            if is_models or name.endswith(_SEALED):
                left_out[f"{top}/files/{name}"] = sha256
            else:
                made[f"{top}/files/{name}"] = store.read(f"{item.folder}/{name}")
        for entry in cited:
            if entry.tag is Tag.MODEL_RELEASED and entry.recorded_at == item.released_at and SIGNED in entry.facts:
                statement = store.read(statement_key(item.family, entry.facts[SIGNED]))
                made[f"{top}{_STATEMENT}"] = statement
                for signed in json.loads(statement)["signatures"]:
                    made[f"keys/{signed['keyid']}.pem"] = store.read(pem_key(signed["keyid"]))
    return made, left_out


def _signed(found: Mapping[str, bytes]) -> list[tuple[str, str]]:
    """Number of each signed release, as in the names of its files, and fingerprint of the key."""
    statements = {name.split("/")[1]: json.loads(data) for name, data in found.items() if name.endswith(_STATEMENT)}
    return [(number, signed["keyid"]) for number, said in statements.items() for signed in said["signatures"]]


def _audits(store: Store, chosen: Iterable[Release], family: str) -> dict[str, bytes]:
    """Packages of Local Law 144 about the models."""
    models = {item.model_sha256 for item in chosen}
    about = [item for item in stored.on_record(store, family) if item.model_sha256 in models]
    return {f"audits/{item.sha256}.zip": stored.content(store, item) for item in about}


def _documents(store: Store, chosen: Iterable[Release], wanted: Wanted) -> dict[str, bytes]:
    """Documents about the releases; what monitoring found only in the period, so that they stay the same."""
    watched = (wanted.since or date.max, wanted.until or date.min)
    return {
        f"documents/{item.sequence:012d}/{kind}.html": data
        for item in chosen
        for kind, data in made.make(store, made.KINDS, item.family, item.sequence, watched=watched)[0].items()
    }


def _reports(store: Store, wanted: Wanted) -> dict[str, bytes]:
    """What monitoring left of the days of the period."""
    if wanted.since is None or wanted.until is None:
        return {}
    days = [day for day in evidence.report_days(store, wanted.family) if wanted.since <= day <= wanted.until]
    keys = {f"reports/{day}/{name}": f"{REPORTS}/{wanted.family}/{day}/{name}" for day in days for name in _REPORTS}
    return {name: store.read(place) for name, place in keys.items() if store.exists(place)}


def _json(content: Mapping[str, Any]) -> bytes:
    return (json.dumps(content, indent=1, sort_keys=True) + "\n").encode()
