"""How every command starts and ends: one line on success, `ErrorName: message` on failure.

A user's mistake never shows a traceback.
"""

import argparse
import errno
import gc
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from types import ModuleType
from typing import Final, NoReturn

from pipelines.base.catalog import FAMILIES
from pipelines.base.errors import CandorError, GateRefused, SourceUnavailable

EXIT_ERROR = 1
EXIT_REFUSED = 3
"""A rule said no. Trying again cannot help."""
EXIT_WAIT = 75
"""Another system did not answer (EX_TEMPFAIL of sysexits.h). Trying again may help."""
_FULL: Final = (os.strerror(errno.ENOSPC), os.strerror(errno.EDQUOT))
"""How every library that writes files tells of a full disk."""


def main(run: Callable[[str], str], doc: str | None, argv: Sequence[str] | None = None) -> int:
    """Command line of a stage that works on one family.

    Args:
        run: Takes the family, does the work, returns the line to print.
        doc: The module's docstring, shown by `--help`.
        argv: Arguments; the process's own by default.

    Returns:
        The exit code for `sys.exit`.
    """
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("family", choices=FAMILIES, help="which model family")
    family = parser.parse_args(argv).family
    return guarded(lambda: run(family))


def guarded(step: Callable[[], str | None]) -> int:
    """Run a step; print its line, or its error without a traceback.

    Args:
        step: Does the work and returns a line for standard output, or None for silence.

    Returns:
        0, or the exit code that says who must act.
    """
    try:
        try:
            line = step()
        except Exception as error:  # noqa: BLE001  raised again, as what it is or as what a full disk asks for
            raise _no_room(error) from None
    except CandorError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)  # the command's own output
        if isinstance(error, GateRefused):
            return EXIT_REFUSED
        return EXIT_WAIT if isinstance(error, SourceUnavailable) else EXIT_ERROR
    except OSError as error:  # a table is read long after it was opened, and Delta Lake says this in words only
        if "S3 error" not in str(error):
            raise
        print("SourceUnavailable: The S3 server must answer; it did not. Run the same command again.", file=sys.stderr)
        return EXIT_WAIT
    if line is not None:
        print(line)  # the command's own output
    return 0


def leave(code: int) -> NoReturn:
    """End the process now, as the last thing a command does.

    Python would take every module apart first, more than a second of it for TensorFlow. Nothing waits for that: every
    file is closed by whoever opened it, and a process may be killed at any moment anyhow.

    Args:
        code: The exit code.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


@contextmanager
def loading(without: Sequence[str] = ()) -> Iterator[None]:
    """While a large library is imported: nothing looks for garbage, then or ever, in what it brings.

    An import makes objects by the hundred thousand and drops none, and the collector walks all of them again and again:
    a third of the time that TensorFlow or Great Expectations take.

    Args:
        without: Modules that the library does without where they are not installed, and that it does not find here.
            Others import them before or after as ever.
    """
    was_on, missing = gc.isenabled(), _Missing(without)
    sys.meta_path.insert(0, missing)
    gc.disable()
    try:
        yield
    finally:
        sys.meta_path.remove(missing)
        gc.freeze()
        if was_on:
            gc.enable()


class _Missing(MetaPathFinder):
    """Finds that modules are not installed. None in `sys.modules` says so too, but not to what is compiled."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names

    def find_spec(self, fullname: str, _path: Sequence[str] | None, _target: ModuleType | None = None) -> None:
        if fullname in self.names:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)


def _no_room(error: Exception) -> Exception:
    """A full disk as an error that says what to do, whichever library met it; any other error as it is."""
    if isinstance(error, CandorError) or not any(words in str(error) for words in _FULL):
        return error
    return SourceUnavailable(
        "The disk must have room for what is written; it has none left. What was there before is unchanged. "
        "Make room and run the same command again."
    )
