"""The Audit page as a web application inside Airflow's API server, behind Airflow's own login.

    GET ./                                   all families
    GET models/<family>                      one family
    GET records                              ingest counts, checks, held files and the ledger; ?prove=now waits for all
    GET reports/<family>/<day>/<name>        a report in its frame
    GET raw/<family>/<day>/<name>            the report itself, in a sandbox of its own
    GET audits/<family>/<sha256>/<name>      a bias audit's page, table or package
    GET bundles/<family>/<number>/examiner.zip   what an examiner gets about a release, made now
    GET documents/<family>/<number>/<kind>.html  a document about a release, made now
    GET rollbacks/<family>/<verdict>         a form, filled in but for the reason, that goes back to an older release
    GET rollback.js                          what sends it: to Airflow, as whoever is signed in there
    GET style.css

Anonymous requests are sent to the login (a browser) or answered 401; people without the role that `roles` asks for get
403. Under SimpleAuthManager, which knows no custom rights, a role is a list of names in the environment; other managers
are asked for `can_read` on its resource. Everything is read-only; no route takes anything but a GET.
"""

# No `from __future__ import annotations` here: FastAPI could not resolve GetUserDep and would answer 422 to everybody.

import os
import re
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any, Final

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager
from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException as AnyHTTPException
from starlette.middleware.gzip import GZipMiddleware

from monitoring import page, released, texts
from monitoring.documents import made
from monitoring.examiner.bundle import Wanted, make
from monitoring.portal import clocks, evidence, ingested, pages
from monitoring.portal.proved import SHORT
from monitoring.portal.roles import Reader, Role, Source, widest
from monitoring.portal.scope import scope
from monitoring.texts import noted, say
from pipelines.base import releases
from pipelines.base.catalog import FAMILIES
from pipelines.base.errors import CandorError
from pipelines.base.settings import Law, Signers, load
from pipelines.base.store import Store, open_store
from pipelines.fairness import law
from pipelines.publish.modified import Modified

_FIRST: Final = 5
"""Changes that an alarm names."""
_NUMBER: Final = re.compile("[1-9][0-9]{0,8}")
"""Of a release."""
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_PAGE: Final = _HEADERS | {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; frame-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'"
}
_ASKING: Final = _PAGE | {
    "Content-Security-Policy": _PAGE["Content-Security-Policy"].replace("form-action 'none'", "form-action 'self'")
}
"""Of pages that ask for a day."""
_FORM: Final = _HEADERS | {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
}
"""The only page of ours with a script, our own; what it asks goes to Airflow, which decides."""
_REPORT: Final = _HEADERS | {
    "Content-Security-Policy": "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'unsafe-inline'; img-src data: blob:; font-src data:; worker-src blob:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'"
}
"""Evidently's pages run their own scripts, so they get an origin of their own: no cookie, no request, no way out."""
_SUMMARY: Final = _HEADERS | {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'"
}
"""Our own summary has no script, and its links to the other reports need the session: no sandbox."""

app = FastAPI(title="Candor audit", docs_url=None, redoc_url=None, openapi_url=None)
app.add_middleware(GZipMiddleware, minimum_size=10_000, compresslevel=1)  # Evidently's scripts are megabytes


def role_of(user: Any, manager: Any) -> Role:
    """The widest role of a user.

    Args:
        user: Airflow's user.
        manager: Airflow's auth manager.
    """

    def has(source: Source) -> bool:
        if isinstance(manager, SimpleAuthManager):
            named = {name.strip() for name in os.environ.get(source.variable, "").split(",")} - {""}
            return user.get_name() in named
        return bool(manager.is_authorized_custom_view(method="GET", resource_name=source.resource, user=user))

    return widest(has)


def reader(user: GetUserDep) -> Reader:
    """The signed-in reader; whoever has no role is refused."""
    found = Reader(str(user.get_name()), role_of(user, get_auth_manager()))
    if found.role is Role.NOBODY:
        raise HTTPException(
            403, noted("The Audit page is for those who have a role on it. Ask an administrator for one.")
        )
    return found


def _at_least(role: Role) -> Callable[[Reader], Reader]:
    def checked(who: Reader = Depends(reader)) -> Reader:  # noqa: B008  # FastAPI's form
        if who.role < role:
            with texts.speaking(texts.wanted()):
                asked = say("This is for the role {role}. Ask an administrator for it.", role=say(role.name.lower()))
            raise HTTPException(403, asked)
        return who

    return checked


def company() -> Store:
    """The store of the company that this Airflow serves."""
    return open_store()


Viewer: Final = Depends(_at_least(Role.VIEWER))
Engineer: Final = Depends(_at_least(Role.ENGINEER))
Compliance: Final = Depends(_at_least(Role.COMPLIANCE))
Company: Final = Depends(company)


@app.exception_handler(AnyHTTPException)
async def refused(request: Request, error: AnyHTTPException) -> Response:
    """401 sends a browser to the login; everything else is said in the form the client asked for."""
    if "text/html" not in request.headers.get("accept", ""):
        return JSONResponse({"detail": error.detail}, error.status_code, headers=_HEADERS)
    if error.status_code == 401:
        return RedirectResponse(get_auth_manager().get_url_login(next_url=str(request.url)), 303)
    return HTMLResponse(pages.refusal(error.status_code, str(error.detail)), error.status_code, headers=_PAGE)


@app.get("/")
def overview(who: Reader = Viewer, store: Store = Company) -> Response:
    """All families at a glance, and the clocks of the law."""
    return _shown(lambda: _overview(who, store, datetime.now(UTC).date()))


@app.get("/models/{family}")
def model(family: str, who: Reader = Viewer, store: Store = Company) -> Response:
    """One family."""
    _must_be(family in FAMILIES)
    return _shown(lambda: _model(who, store, family, datetime.now(UTC).date()))


@app.get("/laws")
def laws(who: Reader = Viewer, on: str = "", place: str = "") -> Response:
    """What the law asks for on a day, today without one, in a place; without one, in those of params.yaml."""
    day = _day(on) or datetime.now(UTC).date()
    _must_be(place in ("", *law.everywhere()))
    return _shown(lambda: _laws(who, day, place), _ASKING)


@app.get("/records")
def records(who: Reader = Engineer, store: Store = Company, on: str = "", prove: str = "") -> Response:
    """Ingest counts and the ledger; with a day, what was live on it; asked to prove, of a long ledger, too."""
    day, upto = _day(on), sys.maxsize if prove else SHORT
    return _shown(lambda: _records(who, store, day, upto), _ASKING)


@app.get("/reports/{family}/{as_of}/{name}")
def report(family: str, as_of: str, name: str, who: Reader = Engineer, store: Store = Company) -> Response:
    """A report in its frame."""
    _must_be(family in FAMILIES and name in evidence.PAGES)
    _must_be(evidence.report_file(store, family, as_of, name, sees_counts=True) is not None)  # whether it is there
    return _shown(lambda: pages.report(family, as_of, name, who))


_KINDS = {"html": "text/html; charset=utf-8", "json": "application/json", "csv": "text/csv; charset=utf-8"}


@app.get("/raw/{family}/{as_of}/{name}")
def raw(family: str, as_of: str, name: str, who: Reader = Engineer, store: Store = Company) -> Response:
    """The report itself; whole counts by group only for who sees those."""
    if name in evidence.COUNTS and not who.sees_counts:
        raise HTTPException(403, noted("Counts by group are for the role compliance. Ask an administrator for it."))
    _must_be(family in FAMILIES)
    try:
        data = evidence.report_file(store, family, as_of, name, sees_counts=who.sees_counts)
    except CandorError as error:
        return HTMLResponse(pages.refusal(503, str(error)), 503, headers=_PAGE)
    _must_be(data is not None)
    headers = _SUMMARY if name == "index.html" else _REPORT
    return Response(data, media_type=_KINDS[name.rpartition(".")[2]], headers=headers)


@app.get("/audits/{family}/{digest}/{name}", dependencies=[Compliance])
def audit_file(family: str, digest: str, name: str, store: Store = Company) -> Response:
    """A file of a bias audit: pages to read here, all else to keep."""
    _must_be(family in FAMILIES and name in evidence.AUDIT_FILES)
    try:
        data = evidence.audit_file(store, family, digest, name)
    except CandorError as error:
        return HTMLResponse(pages.refusal(503, str(error)), 503, headers=_PAGE)
    _must_be(data is not None)
    if name.endswith(".html"):
        return Response(data, media_type="text/html; charset=utf-8", headers=_SUMMARY)
    kept = {"Content-Disposition": f'attachment; filename="ll144-{digest[:12]}-{name}"'}
    kind = "application/zip" if name.endswith(".zip") else "text/csv; charset=utf-8"
    return Response(data, media_type=kind, headers=_HEADERS | kept)


@app.get("/bundles/{family}/{number}/examiner.zip", dependencies=[Compliance])
def bundle(family: str, number: str, store: Store = Company) -> Response:
    """What an examiner gets about a release."""
    _must_be(family in FAMILIES and _NUMBER.fullmatch(number) is not None)
    try:
        _must_be(any(item.sequence == int(number) for item in releases.pointers(store, family)))
        data = make(
            store,
            Wanted(family, int(number)),
            law.within(load(Law, "law").jurisdictions) or law.everywhere(),
            load(Signers, "publish").signers,
        )
    except CandorError as error:
        return HTMLResponse(pages.refusal(503, str(error)), 503, headers=_PAGE)
    kept = {"Content-Disposition": f'attachment; filename="{family}-{number}-examiner.zip"'}
    return Response(data, media_type="application/zip", headers=_HEADERS | kept)


@app.get("/documents/{family}/{number}/{kind}.html", dependencies=[Compliance])
def document(family: str, number: str, kind: str, store: Store = Company) -> Response:
    """A document about a release."""
    _must_be(family in FAMILIES and _NUMBER.fullmatch(number) is not None and kind in made.KINDS)
    try:
        _must_be(any(item.sequence == int(number) for item in released.history(store, family)))
        pages_made, _ = made.make(store, [kind], family, int(number))
    except CandorError as error:
        return HTMLResponse(pages.refusal(503, str(error)), 503, headers=_PAGE)
    return HTMLResponse(pages_made[kind], headers=_SUMMARY)


@app.get("/rollbacks/{family}/{verdict}")
def rollback(family: str, verdict: str, who: Reader = Compliance, store: Store = Company) -> Response:
    """The form to go back to an older release. It changes nothing: it asks for a run of Airflow's DAG."""
    _must_be(family in FAMILIES)
    try:
        newest, known = releases.pointers(store, family)[-1:], released.history(store, family)
    except CandorError as error:
        return HTMLResponse(pages.refusal(503, str(error)), 503, headers=_PAGE)
    try:
        scores = released.live(store, family)
    except CandorError:  # nobody is scored: going back to any is the way out
        scores = None
    found = [item for item in known if item.verdict_sha256 == verdict]
    _must_be(bool(found) and scores != found[-1])
    return HTMLResponse(pages.rollback(family, newest[0], found[-1], who), headers=_FORM)


@app.get("/rollback.js")
def rollback_script() -> Response:
    """The script of that form: nothing in it is secret."""
    return Response(page.script(), media_type="text/javascript", headers=_HEADERS)


@app.get("/style.css")
def style() -> Response:
    """The style sheet: nothing in it is secret."""
    return Response(page.style(), media_type="text/css", headers=_HEADERS)


def _overview(who: Reader, store: Store, today: date) -> str:
    models = {family: evidence.model(store, family) for family in FAMILIES}
    live = models[evidence.SCREENING].live
    audits, fault = evidence.audits_or_fault(store, evidence.SCREENING, today)
    try:
        settings = load(Law, "law")
        places = law.within(settings.jurisdictions) or law.everywhere()
        board = clocks.board(places, today, audits, live.pointer.model_sha256 if live else None, fault=fault)
        stops, unchecked = evidence.stops(store, settings, today)
    except CandorError as error:  # the models are shown whatever the clocks say
        board, stops, unchecked = clocks.Board(fault=str(error)), [str(error)], []
    ledger, alarms = evidence.ledger(store), [line for family in FAMILIES for line in _alarm(store, family)]
    for family, shown in models.items():
        alarms += _ahead(family, _waiting(store, shown))
    drill, untried = _tried(store, today)
    if any(shown.live for shown in models.values()):
        alarms += untried
    return pages.overview(
        list(models.values()), ledger, who, board, stops=stops, unchecked=[*alarms, *unchecked], drill=drill
    )


def _laws(who: Reader, day: date, place: str) -> str:
    places = law.within((place,) if place else load(Law, "law").jurisdictions) or law.everywhere()
    found = law.standing(places, day), law.coming(places, day), law.ended(places, day)
    return pages.laws(*found, who, place=place, places=law.everywhere())


def _tried(store: Store, today: date) -> tuple[evidence.Drill | None, list[str]]:
    """The newest drill of the stop switch within a month; and what is wrong with it, or that there was none."""
    with texts.speaking(texts.wanted()):
        try:
            found = next(evidence.drills(store, today - evidence.EVERY), None)
        except CandorError as error:
            return None, [say("Whether the stop switch was tried is not known: {why}", why=error)]
        if found is None:
            return None, [
                say("The stop switch was not tried for a month. Hold a drill, by the form that stops scoring.")
            ]
        if not found.is_held:
            return found, [say("The stop switch did not hold when {by} tried it on {day}.", by=found.by, day=found.on)]
        return found, []


def _model(who: Reader, store: Store, family: str, today: date) -> str:
    audits, fault = evidence.audits_or_fault(store, family, today)
    shown, ledger, feeds = evidence.model(store, family), evidence.ledger(store), ingested.feeds(store)
    waiting = _waiting(store, shown)
    ahead = _ahead(family, waiting)
    return pages.model(
        shown,
        ledger,
        feeds,
        who,
        audits,
        audits_fault=fault,
        alarms=_alarm(store, family),
        ahead=ahead,
        changes=waiting.changes,
        scope=scope(store, family, shown.live.pointer.model_sha256 if shown.live else None, today),
    )


def _waiting(store: Store, shown: evidence.Model) -> Modified:
    """The newest candidate beside the release that scores, as long as it is not released."""
    if shown.candidate is None or shown.candidate.is_released:
        return Modified()
    try:
        return made.ahead(store, shown.family, shown.candidate.verdict_sha256)
    except CandorError as error:
        return Modified(shown.live.pointer.sequence if shown.live else 0, fault=str(error))


def _ahead(family: str, waiting: Modified) -> list[str]:
    """Whether the newest candidate would be a substantial modification, in one line before anybody releases it."""
    with texts.speaking(texts.wanted()):
        if waiting.fault:
            return [
                say(
                    "Whether the newest candidate of {family} would be a substantial modification is not known: {why}",
                    family=family,
                    why=waiting.fault,
                )
            ]
        if not (found := waiting.unforeseen):
            return []
        first, more = ", ".join(found[:_FIRST]), max(len(found) - _FIRST, 0)
        return [
            say(
                "Before release: the newest candidate of {family} would be a substantial modification of release "
                "{number}. It differs in what nobody foresaw ({first}; {more} more). Whoever approves it must accept "
                "that by its name.",
                family=family,
                number=waiting.against,
                first=first,
                more=more,
            )
        ]


def _alarm(store: Store, family: str) -> list[str]:
    """Whether the live release is a substantial modification of the one before it, in one line; or why nobody knows."""
    with texts.speaking(texts.wanted()):
        try:
            found = made.unforeseen(store, family)
        except CandorError as error:
            return [say("Whether {family} was modified substantially is not known: {why}", family=family, why=error)]
        if not found:
            return []
        first, more = ", ".join(found[:_FIRST]), max(len(found) - _FIRST, 0)
        return [
            say(
                "Substantial modification: the release of {family} that scores differs from the one before it in what "
                "nobody foresaw ({first}; {more} more). It may have to be assessed anew before it is used.",
                family=family,
                first=first,
                more=more,
            )
        ]


def _records(who: Reader, store: Store, day: date | None, upto: int) -> str:
    ledger = evidence.ledger(store, recent=100, all_upto=upto)
    lived = [] if ledger.faults else evidence.lived(store)  # a broken ledger proves nothing
    tried = [] if ledger.faults else list(evidence.drills(store))
    then = [] if ledger.faults or day is None else evidence.lived_on(store, day)
    return pages.records(ledger, ingested.ingested(store), who, lived, tried, day=day, then=then)


def _day(text: str) -> date | None:
    """The day that a reader asked for; none without one."""
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise HTTPException(422, noted("A day must be one of the calendar, such as 2026-03-03. Correct it.")) from None


def _must_be(condition: bool) -> None:
    if not condition:
        raise HTTPException(404, noted("There is no such page or report."))


def _shown(made: Callable[[], str], headers: Mapping[str, str] = _PAGE) -> Response:
    """A page; an error of ours is said on it, with the status of a server that cannot answer."""
    try:
        return HTMLResponse(made(), headers=dict(headers))
    except CandorError as error:
        return HTMLResponse(pages.refusal(503, str(error)), 503, headers=_PAGE)
