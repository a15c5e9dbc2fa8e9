"""People for a role, or roles for a person: the released screening model asked about who has not applied.

Reads   lake       candidates with a readable resume who consent, and open requisitions, as known at the end of the day
        releases   the live release, if the ledger vouches for it; a model in shadow is asked by nobody
        switches   whether scoring is stopped
        ledger     notices, bias audits and impact assessments, where `law.jurisdictions` names places
Writes  ledger     people:matched: who asked, why, about which requisition, how many were compared; never a person

The same towers say both directions: a resume and a requisition are read apart and compared, so one score serves for a
list of either. A list is for a person to read and is kept nowhere; nothing is recommended by it, and whoever has
applied is not in it, since that case is scored and decided.
"""

import json
import tempfile
from datetime import date
from pathlib import Path
from typing import Any, Final, cast

import polars as pl

from pipelines import audit
from pipelines.audit import vouched
from pipelines.base import known, releases
from pipelines.base.catalog import HIRING
from pipelines.base.errors import ContractError, SettingsError
from pipelines.base.lake import Lake
from pipelines.base.settings import Law, Signers, load
from pipelines.base.store import open_store
from pipelines.models import features, network
from pipelines.score import places, switch
from pipelines.score.people import approved

MOST: Final = 100
"""Longest list."""
_DECIMALS: Final = 6


def run(
    today: date,
    *,
    requisition_id: str | None = None,
    person_id: str | None = None,
    top: int = 10,
    by: str,
    why: str,
    root: Path | None = None,
) -> str:
    """Rank people for a requisition, or requisitions for a person.

    Args:
        today: Nothing known later is used.
        requisition_id: For which people are ranked; or
        person_id: for whom open requisitions are ranked. One of the two.
        top: Length of the list.
        by: Who asks.
        why: What for; goes on the ledger.
        root: Holds params.yaml.

    Returns:
        One line of JSON: as_of, model_sha256, compared (pairs), not_compared (pairs by place where the law stops it)
        and matches: person_id, subject_id, score, low, high, reasons; the best first, of equal ones by their ids.

    Raises:
        SettingsError: Who asks or why is not said, or the list is too long.
        ContractError: There is no live release that the ledger vouches for, or nothing to compare.
        GateRefused: Scoring is stopped (`switch`).
    """
    if not by.strip() or len(why.strip()) < switch.WHY_LENGTH or not 1 <= top <= MOST:
        raise SettingsError(
            f"A list must say who asks and why, in {switch.WHY_LENGTH} characters or more, and have 1 to {MOST} rows; "
            f"this has {top}, by {len(by.strip())} characters and for {len(why.strip())}. Say all of them."
        )
    store = open_store()
    with switch.watched(store) as require_running:
        release = vouched.live(store, HIRING, load(Signers, "publish", root=root).signers)
        if release is None:
            raise ContractError(f"A released model of {HIRING} must be live; none is. Release one first.")
        lake, law, module = Lake(store), load(Law, "law", root=root), cast("Any", features(HIRING))
        manifest = lake.require()
        as_of = known.day_known(lake, manifest, module.TABLES, today)
        tables = known.read_people(lake, manifest, module.TABLES, as_of, module.VERSIONED)[0]
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            releases.download(store, release, folder)
            prepare, _ = approved(HIRING, folder)
            pairs = module.pairs(tables, prepare, as_of, requisition_id=requisition_id, person_id=person_id)
            stopped = places.stopped(store, HIRING, release.model_sha256, law)
            pairs, counts = places.allowed(
                pairs, store=store, manifest=manifest, family=HIRING, as_of=as_of, stopped=stopped, settings=law
            )
            found = ranked(folder / releases.MODEL, pairs, top)
        require_running()
        said = {"as_of": as_of.isoformat(), "model_sha256": release.model_sha256, "compared": len(pairs)}
        facts: dict[str, Any] = {"release": release.sequence, "verdict_sha256": release.verdict_sha256, **said}
        facts |= {"by": by.strip(), "why": why.strip(), "listed": len(found)}
        facts |= {"requisition_id": requisition_id} if requisition_id else {}
        facts |= {"not_compared": counts} if counts else {}
        audit.append(store, audit.Tag.PEOPLE_MATCHED, HIRING, **facts)
    return json.dumps({**said, "not_compared": counts, "matches": found}, ensure_ascii=False)


def ranked(model: Path, pairs: pl.DataFrame, top: int) -> list[dict[str, Any]]:
    """The best of some pairs, with reasons.

    Args:
        model: What `fit` wrote.
        pairs: [n_pairs] of the family's `pairs`.
        top: So many.

    Returns:
        person_id, subject_id, score, low, high, reasons. NaN is in no list.
    """
    if pairs.is_empty():
        return []
    scored = network(HIRING).predict(model, pairs, "model").filter(pl.col("score").is_not_nan())
    scored = scored.with_columns(pl.col("score", "low", "high").round(_DECIMALS))
    best = scored.sort("score", "person_id", "subject_id", descending=[True, False, False]).head(top)
    reasons = network(HIRING).explain(model, pairs, best)
    rows = best.select("person_id", "subject_id", "score", "low", "high").to_dicts()
    return [row | {"reasons": codes} for row, codes in zip(rows, reasons, strict=True)]
