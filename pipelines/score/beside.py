"""A candidate beside the live model: what it would say of the same people, before anybody decides about releasing it.

Reads   ledger      the newest verdict on record: it waits for two people, or was held for want of group data alone
        proposals   its model, every file checked against the digests on record
Writes  scores/shadow   its scores, a partition a family and day, replaced whole: no decision, file or report reads them
        ledger          candidate:scored, with how it compares

Nothing of it may hold up or change what the live model does: it runs after that is written, and its faults are told in
the answer.
"""

import math
from collections.abc import Collection
from typing import Any, Final

import polars as pl

from pipelines import audit
from pipelines.audit import Tag, vouched
from pipelines.base.catalog import PROPOSALS
from pipelines.base.releases import Release
from pipelines.base.store import Store
from pipelines.score.rows import KEYS

TABLE: Final = "shadow"
_PROPOSED: Final = (Tag.MODEL_PROPOSED, Tag.MODEL_HELD)
_SHADOW: Final = ["no_group_data"]
"""What alone may hold a model that is scored in shadow."""


def candidate(store: Store, family: str, signers: Collection[str]) -> Release | None:
    """The newest verdict's model, as a pointer that is kept nowhere; None when it is released, or held for a fault.

    Args:
        store: Holds the ledger and the pointers.
        family: Whose model.
        signers: As for `vouched.live`: a pointer that no key signed releases nothing.
    """
    newest = (e for e in audit.entries(store, newest_first=True) if e.tag in _PROPOSED and e.subject == family)
    entry = next(newest, None)
    if entry is None or (entry.tag is Tag.MODEL_HELD and entry.facts["codes"] != _SHADOW):
        return None
    verdict_sha256 = str(entry.facts["verdict_sha256"])
    if any(pointer.verdict_sha256 == verdict_sha256 for pointer in vouched.history(store, family, signers)):
        return None
    digests = {name: str(entry.facts[name]) for name in ("manifest_sha256", "model_sha256", "data_sha256", "as_of")}
    return Release(
        family=family,
        sequence=0,
        kind="shadow",
        folder=f"{PROPOSALS}/{family}/{verdict_sha256}",
        verdict_sha256=verdict_sha256,
        run_id=str(entry.facts["run_id"]),
        reason="",
        approvers=(),
        ledger={},
        released_at=entry.recorded_at,
        **digests,
    )


def compared(live: pl.DataFrame, shadow: pl.DataFrame) -> dict[str, Any]:
    """How two models say of the same cases.

    Args:
        live: [n_scores] `Scored` of the live model.
        shadow: [n_scores] `Scored` of the candidate.

    Returns:
        rows: cases that both scored; selected_by_live, selected_by_candidate: of those; same_decision_share: share of
        them decided alike; mean_difference: of the scores, candidate less live. None where there is no such case.
    """
    names = [*KEYS, "score", "is_selected"]
    both = live.select(names).join(shadow.select(names), on=list(KEYS), suffix="_there")
    alike = (both["is_selected"] == both["is_selected_there"]).mean()
    apart = (both["score_there"] - both["score"]).mean()
    return {
        "rows": len(both),
        "selected_by_live": int(both["is_selected"].sum()),
        "selected_by_candidate": int(both["is_selected_there"].sum()),
        "same_decision_share": _rounded(alike),
        "mean_difference": _rounded(apart),
    }


def _rounded(value: Any) -> float | None:
    return round(float(value), 6) if value is not None and math.isfinite(value) else None
