"""For what and where a model's scores may be used, as it is on record: what a page can show of it, read from the store.

Scoring itself refuses the places (`pipelines.score.places`); what part a score has in a decision is the company's own
word (`pipelines.publish.scopes`). Neither is shown as good where it is not known.
"""

from dataclasses import dataclass
from datetime import date

from monitoring.portal.evidence import SCREENING
from pipelines.base.errors import CandorError
from pipelines.base.settings import Law, load
from pipelines.base.store import Store
from pipelines.fairness import law
from pipelines.publish import scopes
from pipelines.score import places


@dataclass(frozen=True, slots=True)
class Part:
    """What part the score has in decisions, as a law asks to have it on record."""

    law: str
    """Its title."""
    where: str
    """Its section."""
    criterion: str = ""
    """Of `scopes.CRITERIA`; empty where nobody stated any."""
    weights: str = ""
    by: str = ""
    on: str = ""
    """Day in UTC."""
    is_of_this_model: bool = False
    """Whether it was stated of the model that scores now."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Of one family, today."""

    parts: tuple[Part, ...] = ()
    places: tuple[tuple[str, tuple[str, ...]], ...] | None = ()
    """Each named jurisdiction and why it may not be used there; no reason: it may. None: no model is live."""
    unchecked: str = ""
    """Why no place is checked; empty where they are."""
    fault: str = ""
    """Why none of this can be shown."""


def scope(store: Store, family: str, model_sha256: str | None, today: date) -> Scope:
    """What is on record of a family.

    Args:
        store: Holds the ledger.
        family: Whose scores.
        model_sha256: Of the live model; None when there is none.
        today: The day of use.
    """
    try:
        settings = load(Law, "law")
        return Scope(
            tuple(_parts(store, family, model_sha256, today)),
            _places(store, family, model_sha256, settings, today),
            "" if settings.jurisdictions else places.NOTHING_CHECKED,
        )
    except CandorError as error:
        return Scope(fault=str(error))


def _parts(store: Store, family: str, model_sha256: str | None, today: date) -> list[Part]:
    found = []
    for pack in law.library():
        duty = next((duty for duty in pack.duties_on(today) if duty.code == scopes.DUTY), None)
        if duty is None or family != SCREENING:  # who is hired is what such laws are about
            continue
        entry = scopes.newest(store, family, pack.code)
        if entry is None:
            found.append(Part(pack.title, duty.where))
            continue
        facts = entry.facts
        found.append(
            Part(
                pack.title,
                duty.where,
                str(facts["criterion"]),
                str(facts["weights"]),
                str(facts["by"]),
                entry.recorded_at[:10],
                model_sha256 is not None and facts["model_sha256"] == model_sha256,
            )
        )
    return found


def _places(
    store: Store, family: str, model_sha256: str | None, settings: Law, today: date
) -> tuple[tuple[str, tuple[str, ...]], ...] | None:
    if model_sha256 is None:
        return None
    refused = places.stopped(store, family, model_sha256, settings, today)
    return tuple((place, refused.get(place, ())) for place in sorted(law.within(settings.jurisdictions)))
