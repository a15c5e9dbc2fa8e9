"""A company: the folder that holds everything one installation owns, and the names of what is in it.

Nothing here touches the disk except `claim`, which writes and checks the company's identity: a folder made for
200 workers is never silently continued with 2,000.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from infra.sample import LARGEST, SMALLEST

ROOT: Final = Path(__file__).resolve().parents[2]
"""The checkout this code runs from."""

KINDS: Final = ("default", "biased", "real")
SET_UP_SECONDS: Final = "CANDOR_SET_UP_SECONDS"
"""Variable that tells the command inside `.venv` how long making that took."""
FOLDERS: Final = {"default": "var/sample", "biased": "var/biased", "real": "var/real"}


class Refused(Exception):
    """What was asked for cannot be done; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Company:
    """Where one company lives and what it is made of.

    `workers` is 0 for a company whose exports are given, not generated.
    """

    var: Path
    kind: str
    workers: int
    exports: Path
    store: str = ""
    """URL of a store that is not the company's own folder."""

    @property
    def feeds(self) -> str:
        """Folder of feed files, relative to the checkout."""
        return "feeds/real" if self.kind == "real" else "feeds"

    @property
    def airflow(self) -> Path:
        """AIRFLOW_HOME: database, logs, pid files."""
        return self.var / "airflow"

    @property
    def keys(self) -> Path:
        """Secret keys, 0600."""
        return self.var / "secrets" / "keys.json"

    @property
    def accounts(self) -> Path:
        """Passwords of the Airflow accounts, 0600."""
        return self.var / "secrets" / "accounts.json"

    @property
    def git(self) -> Path:
        """The bare repository that retrains clone and push to."""
        return self.var / "git" / "candor.git"

    @property
    def identity(self) -> Path:
        """What this folder was made for."""
        return self.var / "company.json"


def described(kind: str, workers: int, exports: str, var: str) -> Company:
    """The company that the words of a command line mean; empty words mean the default.

    Raises:
        Refused: An unknown kind, a size that is no size, or a folder of exports that does not exist.
    """
    kind = "real" if exports else kind or "default"
    if kind not in KINDS or (kind == "real" and not exports):
        raise Refused(f"SAMPLE must be default or biased; got {kind!r}.")
    if not exports and not SMALLEST <= workers <= LARGEST:
        raise Refused(f"WORKERS must be between {SMALLEST} and {LARGEST}; got {workers}. Choose a size within that.")
    folder = Path(var or FOLDERS[kind]).expanduser()
    folder = (folder if folder.is_absolute() else ROOT / folder).resolve()
    if not exports:
        return Company(folder, kind, workers, folder / "exports", _store())
    given = Path(exports).expanduser().resolve()
    if not given.is_dir():
        raise Refused(f"EXPORTS must be a folder of exports; {given} is none.")
    return Company(folder, kind, 0, given, _store())


def claim(company: Company) -> None:
    """Write the company's identity, or check that the folder belongs to this very company.

    Raises:
        Refused: The folder belongs to another company, or holds something else.
    """
    asked = {
        "kind": company.kind,
        "workers": company.workers,
        "exports": str(company.exports),
        "store": company.store,
    }
    if company.identity.exists():
        found = _identity(company.identity)
        differing = [f"{name}={found.get(name)}" for name in asked if found.get(name) != asked[name]]
        if differing:
            raise Refused(
                f"{company.var} belongs to another company ({', '.join(differing)}). "
                f"Choose another folder with VAR=..., or remove this one with `make clean VAR='{company.var}'`."
            )
        return
    draft = company.identity.with_suffix(".draft")
    if company.var.exists() and not company.var.is_dir():
        raise Refused(f"VAR must be a folder; {company.var} is none. Choose another with VAR=...")
    if company.var.is_dir() and set(company.var.iterdir()) - {draft}:
        raise Refused(f"{company.var} is not empty and holds no company. Choose another folder with VAR=...")
    company.var.mkdir(parents=True, exist_ok=True)
    draft.write_text(json.dumps(asked, indent=2) + "\n")
    draft.replace(company.identity)


def opened(var: str) -> Company:
    """The company that lives in a folder.

    Raises:
        Refused: There is none.
    """
    folder = Path(var).expanduser()
    folder = (folder if folder.is_absolute() else ROOT / folder).resolve()
    if not (folder / "company.json").is_file():
        raise Refused(f"No company lives in {folder}. Make one with `make run`, or name its folder with VAR=...")
    found = _identity(folder / "company.json")
    return Company(folder, found["kind"], found["workers"], Path(found["exports"]), found["store"])


def _identity(file: Path) -> dict[str, Any]:
    """What a folder was made for.

    Raises:
        Refused: The file is not readable as that.
    """
    try:
        found = {"store": "", **json.loads(file.read_text())}
        if found.keys() >= {"kind", "workers", "exports"}:
            return found
    except (ValueError, TypeError):
        pass
    raise Refused(f"{file} must say what its folder was made for; it does not. Choose another folder with VAR=...")


def _store() -> str:
    """CANDOR_STORE where it is on S3. A folder's own URL, as `. VAR/env` sets it, says nothing about another VAR."""
    given = os.environ.get("CANDOR_STORE", "")
    return given if given.startswith("s3://") else ""
