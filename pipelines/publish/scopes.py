"""Scope: what part a model's output has in decisions, as a law asks that whoever uses it can show.

Writes  ledger     scope:stated

New York City's law is about tools whose output is the sole, the most weighted or an overriding criterion (6 RCNY
5-300). Which it is, and by which weights, is the company's own word, with a name and a day. Nothing is switched off by
it: who says that a tool is out of scope is still asked for its audit, and has this to show.
"""

import json
from typing import Any, Final

from pipelines.audit import Entry, Tag, append, vouched
from pipelines.audit.tagged import marked
from pipelines.base.errors import ContractError
from pipelines.base.settings import Signers, load
from pipelines.base.store import Store
from pipelines.fairness import law

CRITERIA: Final = ("sole", "most_weighted", "overriding", "one_of_several")
"""What the output can be among the criteria of a decision; only the last is none that the law is about."""
DUTY: Final = "scope"
_WORDS: Final = 10
"""Characters that say something about weights."""


def state(store: Store, family: str, code: str, criterion: str, *, weights: str, by: str) -> str:
    """Put on record what part the output has; once, however often the same is said of the same model.

    Args:
        store: Holds the ledger and the releases.
        family: Whose output.
        code: The pack of law that asks for it.
        criterion: Of `CRITERIA`.
        weights: Of the criteria that decide, the output among them, in words and numbers.
        by: Who says so.

    Returns:
        One line of JSON: status, family, law, criterion.

    Raises:
        ContractError: The law asks for no such record, the criterion is none, or weights or a name are missing. The
            ledger does not vouch for the newest release.
    """
    asking = [pack.code for pack in law.library() if any(duty.code == DUTY for duty in pack.duties)]
    if code not in asking or criterion not in CRITERIA:
        raise ContractError(
            f"A scope must be one that a pack of law asks for ({', '.join(asking)}), and one of {', '.join(CRITERIA)}; "
            "it is not. Name one of them."
        )
    if not by.strip() or len(weights.strip()) < _WORDS:
        raise ContractError(
            f"A scope must be stated by somebody, with the weights in at least {_WORDS} characters; one is not. Add it."
        )
    release = vouched.live(store, family, load(Signers, "publish").signers)
    facts: dict[str, Any] = {"law": code, "criterion": criterion, "weights": weights.strip(), "by": by.strip()}
    facts["model_sha256"] = release.model_sha256 if release else None
    with store.lock(f"publish-{family}"):
        if stated(store, family, code) != facts:
            append(store, Tag.SCOPE_STATED, family, **facts)
    return json.dumps({"status": "stated", "family": family, "law": code, "criterion": criterion})


def stated(store: Store, family: str, code: str) -> dict[str, Any] | None:
    """What was said last; None when nobody ever did."""
    entry = newest(store, family, code)
    return dict(entry.facts) if entry else None


def newest(store: Store, family: str, code: str) -> Entry | None:
    """The entry of what was said last; None when nobody ever did."""
    said = marked(store, (Tag.SCOPE_STATED,), family)
    return next((entry for entry in said if entry.facts.get("law") == code), None)
