"""Impact assessments: that somebody who answers for the processing signed a complete one, before people are scored.

Reads   ledger     the assessments that stand
Writes  ledger     assessment:signed, assessment:withdrawn

`score` refuses people of a place whose law asks for an assessment (the GDPR, Art. 35) while none stands, to a model in
shadow as well. The document stays with the company: the ledger has its digest, whose word it is, and what it concludes.
It is about a system: where a release was accepted as another one, it must be made anew, by another document that nobody
could sign before that release was proposed.
"""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

from pipelines.audit import Entry, Tag, append, entries, vouched
from pipelines.audit.shown import System, is_assessed, system
from pipelines.base.digests import sha256_bytes
from pipelines.base.errors import ContractError
from pipelines.base.settings import Signers, load
from pipelines.base.store import Store
from pipelines.fairness import law

OPEN: Final = b"To be added by the company"
"""What a draft has wherever something is missing: as `python -m monitoring.documents make dpia` marks it."""
_WORDS: Final = 10
"""Characters of a conclusion, and of why an assessment is withdrawn, that say something."""


def sign(store: Store, family: str, code: str, document: Path, *, signed_on: date, conclusion: str, by: str) -> str:
    """Put on record that an assessment was completed and signed; once, however often it is said.

    Args:
        store: Holds the ledger and the releases.
        family: Which model's processing was assessed; the release that scores now is the one that was looked at.
        code: The pack of law that asks for it.
        document: The completed document.
        signed_on: When.
        conclusion: What it comes to, such as the residual risk and whether the authority was consulted.
        by: Who signed and answers for the processing.

    Returns:
        One line of JSON: status, family, law, document_sha256, signed_on.

    Raises:
        ContractError: The law asks for none, the document is not there or still a draft, the day is to come, or who or
            what is missing. Or the ledger does not vouch for what scores now. Or it is not of that system: the document
            is one of another, or was signed before there was this.
    """
    _known(code)
    if signed_on > datetime.now(UTC).date():
        raise ContractError(f"An assessment must have been signed; {signed_on} is to come. Record it on that day.")
    _said(by, conclusion, "what it concludes")
    digest = _digest(document)
    with store.lock(f"publish-{family}"):
        release = vouched.live(store, family, load(Signers, "publish").signers)
        facts: dict[str, Any] = {"law": code, "document_sha256": digest, "signed_on": signed_on.isoformat()}
        facts |= {"conclusion": conclusion.strip(), "by": by.strip()}
        facts["verdict_sha256"] = release.verdict_sha256 if release else None
        assessed = system(store, family, facts["verdict_sha256"])
        _anew(store, family, assessed, digest, signed_on)
        if assessed.signed.get(code) != facts:
            append(store, Tag.ASSESSMENT_SIGNED, family, **facts)
    told = {name: facts[name] for name in ("law", "document_sha256", "signed_on")}
    return json.dumps({"status": "signed", "family": family, **told})


def withdraw(store: Store, family: str, code: str, *, why: str, by: str) -> str:
    """Put on record that no assessment of a family stands any longer: nobody whom it concerns is scored from now on.

    Those of systems that do not score now end, too: going back to one would else make it count again.

    Returns:
        One line of JSON: status (`withdrawn`, or `nothing_stands` where there was none to withdraw), family, law.

    Raises:
        ContractError: The law asks for none, or who or why is missing.
    """
    _known(code)
    _said(by, why, "why")
    with store.lock(f"publish-{family}"):
        stands = is_assessed(store, family, code)
        if stands:
            append(store, Tag.ASSESSMENT_WITHDRAWN, family, law=code, why=why.strip(), by=by.strip())
    return json.dumps({"status": "withdrawn" if stands else "nothing_stands", "family": family, "law": code})


def _digest(document: Path) -> str:
    """Of a document that is there, and complete as far as a draft's marks tell."""
    try:
        data = document.read_bytes()
    except OSError:
        raise ContractError(
            f"A document must be a file that can be read; {document.name} is not. Name the completed assessment."
        ) from None
    if not data.strip() or OPEN in data:
        raise ContractError(
            f"An assessment must be complete before it counts; {document.name} is empty or still has places that begin "
            f"'{OPEN.decode()}'. Fill them in, and sign that."
        )
    return sha256_bytes(data)


def _anew(store: Store, family: str, assessed: System, digest: str, signed_on: date) -> None:
    """Raise ContractError where an assessment cannot be of the system that scores now."""
    if digest in assessed.elsewhere:
        raise ContractError(
            "An assessment must be of the system that scores now; this document is on record for another one of "
            f"{family}. Assess what differs, and sign that."
        )
    began = next((entry for entry in entries(store) if _proposes(entry, family, assessed.began_by)), None)
    if began is not None and signed_on < (day := datetime.fromisoformat(began.recorded_at).date()):
        raise ContractError(
            f"An assessment must be of the system that scores now, which was proposed on {day}; {signed_on} is before. "
            "Assess what differs, and sign that."
        )


def _proposes(entry: Entry, family: str, verdict_sha256: str) -> bool:
    wanted = (Tag.MODEL_PROPOSED, family, verdict_sha256)
    return (entry.tag, entry.subject, entry.facts.get("verdict_sha256")) == wanted


def _known(code: str) -> None:
    asking = [pack.code for pack in law.library() if law.asks_for_assessment(pack)]
    if code not in asking:
        raise ContractError(
            f"An assessment must be one that a pack of law asks for: {', '.join(asking)}. Name one of them."
        )


def _said(by: str, words: str, what: str) -> None:
    if not by.strip() or len(words.strip()) < _WORDS:
        raise ContractError(
            f"An assessment must be recorded by somebody, with {what} in at least {_WORDS} characters; one is not. Add "
            "it."
        )
