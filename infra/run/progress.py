"""What a person sees while the road runs: one line per step, with a living one below it on a terminal."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.status import Status  # noqa: TC002  an attribute's type is looked up by readers, not only checkers

WIDTH: Final = 44


class Progress:
    """Prints steps. On a terminal the step at work shows what it is doing; elsewhere there are plain lines."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False, soft_wrap=True)
        self.seconds: dict[str, float] = {}
        """Wall time of each finished step."""
        self._title = ""
        self._result = ""
        self._status: Status | None = None

    def say(self, line: str, style: str = "") -> None:
        """Print a line of its own."""
        self.console.print(escape(line), style=style)

    def doing(self, what: str) -> None:
        """Show what the step at work is doing now."""
        if self._status is not None:
            self._status.update(f"{escape(self._title)}  [dim]{escape(what)}[/dim]")

    def result(self, what: str) -> None:
        """Say what the step came to; printed when it ends."""
        self._result = what

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """One step of the road. A fault leaves it marked as failed and goes on to the caller."""
        self._title, self._result, began = title, "", time.monotonic()
        self._status = self.console.status(escape(title)) if self.console.is_terminal else None
        if self._status is not None:
            self._status.start()
        mark = "[red]✗[/red]"
        try:
            yield
            mark = "[green]✓[/green]"
        finally:
            if self._status is not None:
                self._status.stop()
            taken = time.monotonic() - began
            self.seconds[title] = round(taken, 1)
            self.console.print(f"{mark} {escape(title):<{WIDTH}} {taken:6.1f} s  {escape(self._result)}")
