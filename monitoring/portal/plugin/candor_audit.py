"""Airflow plugin: the entry *Audit* in the navigation, and the page behind it.

Every Airflow process loads its plugins, most of them once a task. So the page itself, which costs seconds to import,
is loaded by the first request for it: only the API server ever pays.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from functools import cache
from typing import Any, ClassVar

from airflow.plugins_manager import AirflowPlugin

from pipelines.base.catalog import AUDIT_PAGES

Message = MutableMapping[str, Any]


@cache
def _page() -> Any:
    from monitoring.portal.app import app

    return app


async def audit(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    """The page, as ASGI wants it."""
    await _page()(scope, receive, send)


class CandorAudit(AirflowPlugin):
    """What Airflow registers."""

    name = "candor_audit"
    fastapi_apps: ClassVar[list[Any]] = [{"app": audit, "url_prefix": f"/{AUDIT_PAGES}", "name": "Candor audit"}]
    external_views: ClassVar[list[Any]] = [
        {
            "name": "Audit",
            "href": f"{AUDIT_PAGES}/",  # without the last slash Airflow's own page opens inside the frame
            "destination": "nav",
            "url_route": "audit",
            "nav_top_level": True,
        },
    ]
