"""Structured logs on standard error: an event name in snake_case and keys, never a person's value."""

import logging
import os
import sys
from typing import cast

from pipelines.base.stage import loading

with loading(without=("rich",)):  # for coloured tracebacks, which no command prints: a tenth of its start
    import structlog


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
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        stage=name,
    )
    return cast("structlog.stdlib.BoundLogger", logger)
