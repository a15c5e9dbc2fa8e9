"""Documents from sources and templates."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, Final

from markupsafe import Markup

from monitoring import page, released
from monitoring.documents import sources
from monitoring.documents.cited import Cited, Source, asks, is_confirmed, title_of
from monitoring.texts import noted
from monitoring.words import SEEN
from pipelines.audit import vouched
from pipelines.base.errors import ContractError
from pipelines.base.settings import load
from pipelines.base.store import Store
from pipelines.fairness import withheld
from pipelines.publish.modified import COMPARED, PROPOSAL, Modified, contents
from pipelines.publish.release import modification
from pipelines.publish.versions import BEFORE, Change, Documents, changes, is_substantial, leaf_names

KINDS: Final = {
    "card": ("documents_card.html", noted("Model card")),
    "annex-iv": ("documents_annex_iv.html", noted("Technical documentation")),
    "dpia": ("documents_dpia.html", noted("Data protection impact assessment, draft")),
    "colorado": ("documents_colorado.html", noted("Developer pack")),
    "versions": ("documents_versions.html", noted("Differences between releases")),
}
"""Kind -> its template and title."""
_SEEN: Final[dict[tuple[str, ...], tuple[str, ...]]] = {}
"""Of this process: releases compared, and what nobody foresaw."""
_AHEAD: Final[dict[tuple[str, ...], Modified]] = {}
"""Of this process: candidates compared with what scored then."""
ALWAYS: Final = (date.min, date.max)


def make(
    store: Store, kinds: Iterable[str], family: str, number: int | None = None, *, watched: tuple[date, date] = ALWAYS
) -> tuple[dict[str, bytes], bool | None]:
    """Documents by kind, and whether the release is a substantial modification of the one before it.

    None where nobody knows: no key that is named signed the one before it.

    Args:
        store: Holds the releases.
        kinds: Of `KINDS`.
        family: Whose model.
        number: Of the release; without it the live one.
        watched: First and last day of monitoring that is told; of those days the last.

    Raises:
        ContractError: There is no such release, or a file of it was changed.
    """
    settings = load(Documents, "documents")
    pointer, before, is_known = sources.chosen(store, family, number)
    found = sources.of_release(store, pointer) | sources.of_monitoring(store, pointer, *watched)
    if before is not None:
        found |= sources.of_release(store, before, BEFORE)
    found["settings"] = sources.of_settings(settings)
    differing = changes(_contents(found, BEFORE), _contents(found, ""), settings) if before is not None else []
    told = for_all(found)
    pages = {kind: rendered(kind, family, Cited(told), differing if is_known else None) for kind in kinds}
    return pages, is_substantial(differing) if is_known else None


def for_all(found: Mapping[str, Source]) -> dict[str, Source]:
    """The sources as a document may have them: it leaves the company, and so tells nothing of few people.

    What one of two releases withholds the other does too: side by side they would tell what changed since.

    Args:
        found: Under the names that templates use; those of the release before begin with `versions.BEFORE`.
    """
    names = [prefix + "groups" for prefix in ("", BEFORE) if prefix + "groups" in found]
    told = dict(found)
    for parts in (("axes",), ("human", "axes")):
        hidden = frozenset[withheld.Name]().union(*(withheld.withheld(_at(found[n].content, parts)) for n in names))
        for name in names:
            shown = withheld.for_all(_at(found[name].content, parts), hidden)
            told[name] = replace(told[name], content=_with(told[name].content, parts, shown))
    return told


def _at(content: Any, parts: Sequence[str]) -> list[dict[str, Any]]:
    for part in parts:
        content = content.get(part) if isinstance(content, Mapping) else None
    return list(content or ())


def _with(content: Any, parts: Sequence[str], shown: list[dict[str, Any]]) -> Any:
    if not isinstance(content, Mapping) or parts[0] not in content:
        return content
    return {**content, parts[0]: _with(content[parts[0]], parts[1:], shown) if parts[1:] else shown}


def unforeseen(store: Store, family: str) -> tuple[str, ...]:
    """What differs in the live release from the one before it though nobody foresaw it: then it is another system.

    The one before it is that of its first day: who goes back to a release makes no other system of it.

    Args:
        store: Holds the releases.
        family: Whose model.

    Returns:
        What each change is about, such as `inputs: tenure_days`; empty for the first release, and without any.

    Raises:
        ContractError: A file of a release was changed, or the ledger does not vouch for the newest; or for none before
            it, though it was not the first.
    """
    now = released.live(store, family)
    if now is None:
        return ()
    known = released.history(store, family)
    same = [place for place, item in enumerate(known) if item.verdict_sha256 == now.verdict_sha256]
    first = same[0] if now.kind == "rollback" else len(known) - 1
    before = known[first - 1] if first else None
    is_of_before = now.kind == known[first].kind == "rollback"  # it was new under a key that is named no longer
    if is_of_before or not vouched.follows(store, family, before, known[first]):
        raise ContractError(
            f"The release of {family} before number {known[first].sequence} must be known, to say whether that is "
            "another system; no key that publish.signers names has signed one. Name its key too, or compare by hand."
        )
    if before is None:
        return ()
    settings = load(Documents, "documents")
    key = (store.url, before.manifest_sha256, now.manifest_sha256, settings.model_dump_json())
    if key not in _SEEN:  # what is released never changes, and tables of selections can be megabytes
        then, today = (contents(store, pointer.folder, pointer.manifest_sha256) for pointer in (before, now))
        differing = changes(then, today, settings)
        _SEEN[key] = tuple(f"{change.kind}: {change.about}" for change in differing if not change.is_foreseen)
    return _SEEN[key]


def ahead(store: Store, family: str, verdict_sha256: str) -> Modified:
    """A candidate beside the release that scores now. Once: neither changes, and tables can be megabytes.

    Args:
        store: Holds the proposals and releases.
        family: Whose.
        verdict_sha256: Of the candidate.

    Raises:
        ContractError: A file of the candidate was changed, or the ledger does not vouch for the newest release.
    """
    live, settings = released.live(store, family), load(Documents, "documents")
    if live is None:
        return Modified()
    key = (store.url, live.key, live.manifest_sha256, verdict_sha256, settings.model_dump_json())
    if key not in _AHEAD:
        found = modification(store, family, verdict_sha256)
        if found.fault:
            return found
        _AHEAD[key] = found
    return _AHEAD[key]


def rendered(kind: str, family: str, cited: Cited, differing: list[Change] | None) -> bytes:
    """The page. Pure.

    Args:
        kind: One of `KINDS`.
        family: Whose model.
        cited: Everything that values may come from.
        differing: What differs from the release before; None where nobody knows what that was.
    """
    template, title = KINDS[kind]
    return page.render(
        template,
        title=title,
        family=family,
        seen=SEEN[family],
        cited=cited,
        n=cited.n,
        t=cited.t,
        title_of=title_of,
        asks=asks,
        is_confirmed=is_confirmed,
        leaves=leaf_names,
        changes=differing,
        is_known=differing is not None,
        before=cited.has(f"{BEFORE}release"),
        is_substantial=is_substantial(differing or []),
        shown_name=_shown_name,
        style=Markup(page.style()),  # noqa: S704  # our own file
    ).encode()


def _contents(found: dict[str, Source], prefix: str) -> dict[str, object]:
    return {name: found[prefix + name].content for name in (*COMPARED, PROPOSAL) if prefix + name in found}


def _shown_name(change: Change) -> Markup:
    """Which input, parameter or group, as its file calls it: names may hold digits and are no numbers of ours."""
    return Markup("<code>{}</code>").format(change.about)
