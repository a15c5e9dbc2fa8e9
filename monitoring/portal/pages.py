"""The Audit page's HTML, from evidence. Pure: no store, no request, no Airflow.

Links are relative, since the page lives below a prefix and inside a frame: `base` is the way back to its root.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from markupsafe import Markup

from monitoring import page
from monitoring.audience import bias_for_all, oversight_for_all, verdict_for_all
from monitoring.documents.made import KINDS
from monitoring.findings import whole
from monitoring.portal import evidence
from monitoring.portal.clocks import Board, span
from monitoring.portal.evidence import BiasAudit, Day, Drill, Ledger, Model
from monitoring.portal.ingested import Feed, Ingested
from monitoring.portal.roles import Reader
from monitoring.portal.scope import Scope
from monitoring.texts import noted, say
from monitoring.words import SEEN
from pipelines.audit.lived import Stretch
from pipelines.base.catalog import FAMILIES
from pipelines.base.releases import MODIFICATION, Release
from pipelines.fairness.law import Pack, Standing
from pipelines.publish.versions import Change

QUESTIONS = {
    "screening": noted("Does this person's resume fit this requisition?"),
    "recommendation": noted("Which course should this person take next?"),
    "outcomes": noted("Will this person complete or pass this course?"),
    "performance": noted("What will this person's next rating be?"),
}
CRITERIA = {
    "sole": noted("the only criterion"),
    "most_weighted": noted("weighed more than any other criterion"),
    "overriding": noted("overrides what other criteria say"),
    "one_of_several": noted("one of several criteria, neither weighed most nor overriding"),
}
"""What part a score can have in decisions, as it is shown."""


def overview(
    models: Sequence[Model],
    ledger: Ledger,
    who: Reader,
    board: Board | None = None,
    *,
    stops: Sequence[str] = (),
    unchecked: Sequence[str] = (),
    drill: Drill | None = None,
) -> str:
    """All families at a glance, who is not scored and why, and the clocks of the law where they are known."""
    read = [replace(item, newest=_read(item.newest, who)) if item.newest else item for item in models]
    shown = {"models": read, "ledger": ledger, "board": board, "stops": stops, "unchecked": unchecked, "drill": drill}
    return _page("audit_overview.html", noted("Overview"), "", who, **shown)


def model(
    shown: Model,
    ledger: Ledger,
    feeds: Sequence[Feed],
    who: Reader,
    audits: Sequence[BiasAudit] | None = (),
    *,
    audits_fault: str = "",
    alarms: Sequence[str] = (),
    ahead: Sequence[str] = (),
    changes: Sequence[Change] = (),
    scope: Scope | None = None,
) -> str:
    """One family: the live model, its verdict, metrics, groups, and what monitoring found since."""
    release = shown.shown
    verdict, day = release.verdict if release else None, _read(shown.newest or Day(date.min), who)
    candidate = shown.candidate
    if not who.sees_counts:
        verdict = verdict_for_all(verdict) if verdict else None
        candidate = replace(candidate, verdict=verdict_for_all(candidate.verdict)) if candidate else None
    told = accepted(release.pointer.approvers) if release else {}
    return _page(
        "audit_model.html",
        shown.family,
        "../",
        who,
        model=replace(shown, candidate=candidate),
        verdict=verdict,
        day=day,
        ledger=ledger,
        total=_total(feeds),
        pages=evidence.PAGES,
        audits=audits,
        audits_fault=audits_fault,
        alarms=alarms,
        ahead=ahead,
        changes=changes,
        scope=scope,
        criteria=CRITERIA,
        audit_files=evidence.AUDIT_FILES,
        documents={kind: title for kind, (_, title) in KINDS.items()},
        accepted=told,
        modified_by=sorted(
            {name for gap, names in told.items() if gap.startswith(f"{MODIFICATION}:") for name in names}
        ),
        metrics=metrics,
    )


def report(family: str, as_of: str, name: str, who: Reader) -> str:
    """The frame around a report, with the way back."""
    shown = {"as_of": as_of, "name": name, "kind": evidence.PAGES[name]}
    return _page("audit_report.html", family, "../../../", who, **shown)


def records(
    ledger: Ledger,
    arrived: Ingested,
    who: Reader,
    lived: Sequence[Stretch] = (),
    drills: Sequence[Drill] = (),
    *,
    day: date | None = None,
    then: Sequence[Stretch] = (),
) -> str:
    """What was live when, what arrived, what it was checked for, what became of it, and the ledger.

    Args:
        ledger: Its state and newest entries.
        arrived: What ingest has on record.
        who: The reader.
        lived: All that was ever live.
        drills: Of the stop switch.
        day: What was live on this day is asked for; None: nobody asks.
        then: What was, with its scorings of the day.
    """
    shown = {"ledger": ledger, "arrived": arrived, "total": _total(arrived.feeds), "lived": lived, "drills": drills}
    shown |= {"day": day, "then": then}
    live: dict[str, str] = {}
    for item in lived:  # the newest first
        if item.kind != "stop":
            live.setdefault(item.family, item.facts["verdict_sha256"])
    shown["live"] = live
    return _page("audit_records.html", noted("Records"), "", who, **shown)


def rollback(family: str, live: Release, target: Release, who: Reader) -> str:
    """What going back to a release asks for: a reason, everything else is filled in."""
    return _page("audit_rollback.html", family, "../../", who, family=family, live=live, target=target)


KINDS_OF_DUTIES = (noted("computation"), noted("record"), noted("clock"), noted("text"), noted("ban"))
"""What a law can ask for, as it is shown."""
BASES = {
    "primary": noted("the law's own text"),
    "secondary": noted("texts about it"),
    "known": noted("general knowledge"),
    "inferred": noted("an inference of ours"),
}


def laws(
    standing: Standing,
    coming: Sequence[tuple[date, Pack, int]],
    ended: Sequence[Pack],
    who: Reader,
    *,
    place: str = "",
    places: Sequence[str] = (),
) -> str:
    """All that the law asks for in some places on a day, what starts later, and what no longer applies.

    Args:
        standing: What holds then and there.
        coming: As `law.coming`.
        ended: As `law.ended`.
        who: The reader.
        place: What was asked for; empty: those of params.yaml.
        places: What can be asked for.
    """
    shown = {"standing": standing, "coming": coming, "ended": ended, "bases": BASES}
    shown |= {"place": place, "places": places}
    return _page("audit_laws.html", noted("Laws"), "", who, **shown)


def refusal(status: int, reason: str) -> str:
    """What somebody sees who may not see the page."""
    return page.render("audit_refusal.html", status=status, reason=reason)


def accepted(approvers: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Gap name -> names of those who accepted it in writing."""
    found: dict[str, list[str]] = {}
    for approver in approvers:
        for gap in approver.get("accepted_gaps", ()):
            found.setdefault(str(gap), []).append(str(approver.get("name", "somebody")))
    return found


def metrics(verdict: Mapping[str, Any]) -> Markup:
    """The gate's metrics: model, baseline and chance on one axis."""
    found = verdict.get("metrics") or {}
    rows = [_estimate(said, found.get(name)) for name, said in (("model", say("model")), ("baseline", say("baseline")))]
    chance = found.get("chance")
    if isinstance(chance, int | float):
        rows.append((say("chance"), float(chance), None, None, "plain"))
    return page.figures(str(found.get("metric") or say("metric")), [row for row in rows if row[1] is not None])


def _estimate(name: str, found: Any) -> tuple[str, float | None, float | None, float | None, str]:
    known = found if isinstance(found, Mapping) else {}
    return name, known.get("value"), known.get("low"), known.get("high"), "plain"


def _read(day: Day, who: Reader) -> Day:
    """A day as its reader may see it."""
    if who.sees_counts:
        return replace(day, findings=whole(day.findings, day.bias)) if day.findings else day
    day = replace(day, bias=bias_for_all(day.bias)) if day.bias else day
    return replace(day, oversight=oversight_for_all(day.oversight)) if day.oversight else day


def _page(template: str, current: str, base: str, who: Reader, **values: Any) -> str:
    shared = {
        "base": base,
        "current": current,
        "who": who,
        "families": FAMILIES,
        "questions": QUESTIONS,
        "seen": SEEN,
        "span": span,
    }
    return page.render(template, **shared, **values)


def _total(feeds: Sequence[Feed]) -> dict[str, int]:
    total = dict.fromkeys(("in", "accepted", "quarantined", "filtered", "held"), 0)
    for feed in feeds:
        for name in total:
            total[name] += feed.rows[name]
    return total
