"""Notices: that people were told of a model before it is used on them, as laws of their places ask.

Reads   ledger     the notices that stand
Writes  ledger     notice:given, notice:withdrawn

`score` refuses people of a place whose notice is not on record. What was told is the
company's own: the record says where it can be read, not what it is worth.
"""

import json
from datetime import UTC, date, datetime
from typing import Any, Final

from pipelines.audit import Tag, append, entries
from pipelines.audit.shown import Notice, noticed, shown
from pipelines.base.errors import ContractError
from pipelines.base.store import Store
from pipelines.fairness import law

_WORDS: Final = 10
"""Characters of where a notice can be read, and of why one is withdrawn, that say something."""


def give(
    store: Store,
    family: str,
    code: str,
    given_on: date,
    *,
    where: str,
    by: str,
    renews: date | None = None,
    corrects: date | None = None,
) -> str:
    """Put on record that a notice was given; once, however often it is said.

    While one stands, another renews it (a new text, another place: both stand, and who was told stays told) or corrects
    it (the former never was there as recorded, and counts for nothing from its first day). Which of the two is never
    guessed: the first keeps a model in use, the second shows use without a notice.

    Args:
        store: Holds the ledger.
        family: Which model people were told of.
        code: The pack of law that asks for it.
        given_on: The day on which it was first there for everybody whom it concerns.
        where: Where it can be read, such as its address.
        by: Who says so.
        renews: Day of the standing notice that this one renews, or None.
        corrects: Day of the notice that was recorded by mistake, withdrawn or not, or None. That may be `given_on`,
            where only `where` was wrong.

    Returns:
        One line of JSON: status, family, law, given_on.

    Raises:
        ContractError: The law asks for no notice, the day is to come or before the last withdrawal, somebody or
            somewhere is missing, or what it is to a notice on record is not said or cannot be.
    """
    _known(code)
    if given_on > datetime.now(UTC).date():
        raise ContractError(f"A notice must have been given; {given_on} is to come. Record it on that day.")
    _said(by, where, "where it can be read")
    with store.lock(f"publish-{family}"):
        gone = _withdrawn_on(store, family, code)
        if gone is not None and given_on < gone:
            raise ContractError(
                f"A notice that was withdrawn on {gone} must be given anew; {given_on} is before. Give the day on "
                "which it was there again: its time runs from then."
            )
        of_it = noticed(entries(store), family, code)
        said = {"given_on": given_on, "where": where.strip(), "renews": renews, "corrects": corrects}
        facts: dict[str, Any] = {name: str(value) for name, value in said.items() if value is not None}
        if Notice(given_on, None) not in of_it or _newest(store, family, code, given_on) != facts:
            _require_said(of_it, given_on, renews, corrects)
            append(store, Tag.NOTICE_GIVEN, family, law=code, by=by.strip(), **facts)
    return json.dumps({"status": "given", "family": family, "law": code, "given_on": given_on.isoformat()})


def withdraw(store: Store, family: str, code: str, *, why: str, by: str) -> str:
    """Put on record that no notice of a family under a law stands any longer: nobody it concerns is scored from now on.

    Returns:
        One line of JSON: status (`withdrawn`, or `nothing_stands` where there was none to withdraw), family, law.

    Raises:
        ContractError: The law asks for no notice, or who or why is missing.
    """
    _known(code)
    _said(by, why, "why")
    with store.lock(f"publish-{family}"):
        stands = code in shown(store, family).notices
        if stands:
            append(store, Tag.NOTICE_WITHDRAWN, family, law=code, why=why.strip(), by=by.strip())
    return json.dumps({"status": "withdrawn" if stands else "nothing_stands", "family": family, "law": code})


def _require_said(of_it: list[Notice], given_on: date, renews: date | None, corrects: date | None) -> None:
    """Raise ContractError unless it is said, and can be, what a notice is to those on record."""
    standing = [one.given_on for one in of_it if one.ended_on is None]
    if (renews is not None and corrects is not None) or (standing and renews is None and corrects is None):
        raise ContractError(
            "A notice given while another stands must say whether it renews or corrects it, one of both; "
            f"{_listed(standing)} stands. Say --renews DAY where that one was there too, --corrects DAY where it never "
            "was."
        )
    if renews is not None and renews not in standing:
        raise ContractError(f"What a notice renews must stand; {renews} does not. Name one of: {_listed(standing)}.")
    if renews is not None and given_on < max(standing):
        raise ContractError(
            f"A renewal must be after what it renews; {given_on} is before {max(standing)}. Where the day on record "
            "is wrong, correct it."
        )
    known = [one.given_on for one in of_it]
    if corrects is not None and corrects not in known:
        raise ContractError(
            f"What a notice corrects must be on record, withdrawn or not; {corrects} is not. Name one of: "
            f"{_listed(known)}."
        )


def _listed(days: list[date]) -> str:
    return ", ".join(map(str, days)) or "none"


def _newest(store: Store, family: str, code: str, given_on: date) -> dict[str, Any] | None:
    """What was said last of a notice of a day, whoever said it."""
    wanted = (Tag.NOTICE_GIVEN, family, code, given_on.isoformat())
    for entry in entries(store, newest_first=True):
        if (entry.tag, entry.subject, entry.facts.get("law"), entry.facts.get("given_on")) == wanted:
            return {name: value for name, value in entry.facts.items() if name not in ("law", "by")}
    return None


def _withdrawn_on(store: Store, family: str, code: str) -> date | None:
    """The day, in UTC, of the newest withdrawal."""
    for entry in entries(store, newest_first=True):
        if (entry.tag, entry.subject, entry.facts.get("law")) == (Tag.NOTICE_WITHDRAWN, family, code):
            return datetime.fromisoformat(entry.recorded_at).date()
    return None


def _known(code: str) -> None:
    asking = [pack.code for pack in law.library() if law.asks_for_notice(pack)]
    if code not in asking:
        raise ContractError(f"A notice must be one that a pack of law asks for: {', '.join(asking)}. Name one of them.")


def _said(by: str, words: str, what: str) -> None:
    if not by.strip() or len(words.strip()) < _WORDS:
        raise ContractError(
            f"A notice must be recorded by somebody, with {what} in at least {_WORDS} characters; one is not. Add it."
        )
