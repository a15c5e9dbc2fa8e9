"""make run, up, down and clean: one company on this machine, from exports to monitored models.

Works with the system's Python until `.venv` exists, then starts itself again inside it.
"""

import argparse
import errno
import fcntl
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.setup import company as companies
from infra.setup import venv
from infra.setup.company import Company, Refused


def main(words: list[str] | None = None) -> int:
    """Run one command. A mistake of the caller is one line and exit code 1."""
    try:
        return _commanded(_parsed(words))
    except Refused as refused:
        print(f"error: {refused}", file=sys.stderr)
        return 1
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EROFS, errno.ENOSPC):
            raise
        what = f"{error.filename} must be writable and have room; {error.strerror}"
        print(f"error: {what}. Choose another folder with VAR=..., or mend that one.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; the same command goes on where it was.", file=sys.stderr)
        return 130


def _commanded(asked: argparse.Namespace) -> int:
    """What was asked for."""
    if asked.command == "clean":
        return clean(companies.opened(_folder(asked)))
    if asked.command == "down":
        return down(companies.opened(_folder(asked)))
    _enter_environment()
    from infra.run import road

    if asked.command == "up":
        company = companies.opened(_folder(asked))
        with alone(company):
            return road.up(company)
    company = companies.described(asked.sample, asked.workers, asked.exports, asked.var)
    companies.claim(company)
    with alone(company):
        return road.run(company)


def down(company: Company) -> int:
    """End the company's Airflow."""
    from infra.run import airflow

    ended = airflow.stop(company)
    print(f"{ended} processes ended." if ended else "Nothing was running.")
    return 0


def clean(company: Company) -> int:
    """End the company's Airflow and remove its folder."""
    down(company)
    shutil.rmtree(company.var)
    print(f"{company.var} is removed.")
    if company.store:
        print(f"{company.store.partition('?')[0]} stays as it is: remove what may go with an S3 client.")
    return 0


@contextmanager
def alone(company: Company) -> Iterator[None]:
    """Hold the company for one command at a time.

    Raises:
        Refused: Another command holds it.
    """
    with (company.var / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused(
                f"Another command is at work on {company.var}. Wait for it, or choose another VAR=..."
            ) from None
        yield


def _folder(asked: argparse.Namespace) -> str:
    return str(asked.var or companies.FOLDERS["real" if asked.exports else asked.sample or "default"])


def _enter_environment() -> None:
    """Go on inside `.venv`, which is made first when it is missing or old."""
    if Path(sys.prefix).resolve() == venv.VENV.resolve() and venv.fresh():
        return
    if not venv.fresh():
        if not os.access(companies.ROOT, os.W_OK):
            raise Refused(
                f"{venv.VENV} must be there and up to date, since {companies.ROOT} cannot be written; it is not. "
                "Let the owner of that folder run `make env` once."
            )
        print("Setting up .venv from uv.lock (a few minutes the first time)", flush=True)
        began = time.monotonic()
        venv.make()
        os.environ[companies.SET_UP_SECONDS] = f"{time.monotonic() - began:.1f}"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    os.chdir(companies.ROOT)
    os.execve(venv.PYTHON, [str(venv.PYTHON), "-m", "infra.run", *sys.argv[1:]], environment)  # noqa: S606  the same program, in its own environment


def _parsed(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="infra.run", description=__doc__)
    parser.add_argument("command", choices=["run", "up", "down", "clean"])
    parser.add_argument("--sample", default="", help="default or biased")
    parser.add_argument(
        "--workers", default="2000", type=lambda text: int(text or 2000), help="size of the sample company"
    )
    parser.add_argument("--exports", default="", help="a folder of real exports instead of a sample")
    parser.add_argument("--var", default="", help="folder of the company")
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main())
