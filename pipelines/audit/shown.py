"""What the ledger can show of a model before it is used: audits by somebody independent, and notices that stand."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from pipelines.audit.ledger import Tag, entries
from pipelines.base.errors import ContractError
from pipelines.base.store import Store

_TAGS: Final = (Tag.AUDIT_PACKAGED, Tag.NOTICE_GIVEN, Tag.NOTICE_WITHDRAWN)


@dataclass(frozen=True, slots=True)
class Shown:
    """Of one family."""

    audits: Mapping[str, tuple[date, ...]]
    """sha256 of a model -> days of its bias audits that name an auditor."""
    notices: Mapping[str, date]
    """Code of a law -> the day on which its notice was given; one that was withdrawn is none."""


def shown(store: Store, family: str) -> Shown:
    """What stands now of one family. Raises as `every`."""
    return every(store).get(family, Shown({}, {}))


def every(store: Store) -> dict[str, Shown]:
    """Family -> what stands now; those of which nothing is on record are absent.

    Raises:
        ContractError: An entry does not say what its tag means.
    """
    found: dict[str, tuple[dict[str, tuple[date, ...]], dict[str, date]]] = {}
    for entry in entries(store):
        if entry.tag not in _TAGS:
            continue
        facts = entry.facts
        audits, notices = found.setdefault(entry.subject, ({}, {}))
        try:
            if entry.tag is Tag.AUDIT_PACKAGED and facts["auditor"]:
                model = str(facts["model_sha256"])
                audits[model] = (*audits.get(model, ()), date.fromisoformat(facts["audited_on"]))
            elif entry.tag is Tag.NOTICE_GIVEN:
                notices[facts["law"]] = date.fromisoformat(facts["given_on"])
            elif entry.tag is Tag.NOTICE_WITHDRAWN:
                notices.pop(facts["law"], None)
        except (KeyError, TypeError, ValueError):
            raise ContractError(
                f"Entry {entry.sequence} of the ledger must say all that {entry.tag} means; it does not. Find out who "
                "wrote it."
            ) from None
    return {family: Shown(*of_it) for family, of_it in found.items()}
