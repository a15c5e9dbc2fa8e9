"""Airflow's API server, which never waits for its own database on its event loop.

Airflow 3.3 writes down every request that changes something in an `async` dependency, with a blocking commit. On SQLite
that commit waits for whoever writes; when that is another request of the same server, whose own commit waits for the
event loop, both wait until SQLite gives up: a minute in which nothing is answered, tasks lose their heartbeats and one
of the two requests fails. Here the same log entry is written by a thread of the pool, as every other query of the
server is.
"""

import asyncio
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

from airflow.api_fastapi.common.db.common import SessionDep
from airflow.api_fastapi.core_api.security import GetUserDep
from airflow.api_fastapi.logging import decorators
from fastapi import Request
from fastapi.concurrency import run_in_threadpool

Logging = Callable[..., Any]


def beside_the_loop(action_logging: Callable[[str | None], Logging]) -> Callable[[str | None], Logging]:
    """Airflow's factory of logging dependencies, whose dependencies leave the event loop free.

    Args:
        action_logging: The factory as Airflow has it.
    """

    @wraps(action_logging)
    def factory(event: str | None = None) -> Logging:
        written = action_logging(event)

        async def log_action(request: Request, session: SessionDep, user: GetUserDep) -> None:
            await request.body()  # read here, where the connection is; the request keeps it
            await run_in_threadpool(lambda: asyncio.run(written(request, session, user)))

        return log_action

    return factory


def install() -> None:
    """Change that one factory; to be called before Airflow's routes are imported, which ask it."""
    decorators.action_logging = beside_the_loop(decorators.action_logging)


def main() -> None:
    """Be `airflow api-server` with the words given."""
    install()
    from airflow.__main__ import main as airflow

    sys.argv = ["airflow", "api-server", *sys.argv[1:]]
    airflow()


if __name__ == "__main__":
    main()
