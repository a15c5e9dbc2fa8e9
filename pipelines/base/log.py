"""Structured logs on standard error: an event name in snake_case and keys, never a person's value.

Every value is looked at before it is printed: what looks like somebody's (an e-mail, a phone, a social security number,
a date of birth) is withheld, and the line says of which kind it was. That it was there is a fault of whoever logged it.
"""

import logging
import os
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Final, cast

from pipelines.base.personal import PERSONAL
from pipelines.base.stage import loading

with loading(without=("rich",)):  # for coloured tracebacks, which no command prints: a tenth of its start
    import structlog

_PERSONAL: Final = {what: re.compile(pattern) for what, pattern in PERSONAL.items()}


def scanned(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A line's event and values without those that look like somebody's, as a processor of structlog.

    Returns:
        The same keys; `[withheld: email]` and the like instead of a text, or of a whole list or mapping, that has one.
    """
    return {key: _withheld(value) for key, value in event.items()}


def _withheld(value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    text = str(value)
    found = [what for what, pattern in _PERSONAL.items() if pattern.search(text)]
    return f"[withheld: {', '.join(found)}]" if found else value


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger for `run` functions; pure functions do not log.

    Args:
        name: The stage, shown as `stage`.

    Returns:
        A bound logger. `CANDOR_LOG=json` prints one JSON object a line instead of text.
    """
    renderer = (
        structlog.processors.JSONRenderer()
        if os.environ.get("CANDOR_LOG") == "json"
        else structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0)
    )
    logger = structlog.wrap_logger(
        structlog.PrintLogger(sys.stderr),
        processors=[
            scanned,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        stage=name,
    )
    return cast("structlog.stdlib.BoundLogger", logger)
