"""Make `.venv` from `uv.lock`, and only when the lock changed since.

The lock names versions and sha256 sums but no place (`infra/lock.sh` says why); files come from whichever index pip and
uv are set up for. Bytecode is compiled at once: without it every Airflow command takes ten seconds longer. Runs before
the environment exists, on the standard library alone.
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from infra.setup import PYTHON_WANTED
from infra.setup.company import ROOT, Refused

VENV: Final = ROOT / ".venv"
PYTHON: Final = VENV / "bin" / "python"
TOOLS: Final = VENV / "tools"
UV: Final = TOOLS / "bin" / "uv"
"""uv lives beside the locked packages, not among them: it is what installs them."""
STAMP: Final = VENV / "candor.lock.sha256"


def fresh() -> bool:
    """Whether `.venv` was made from this very lock."""
    return PYTHON.exists() and STAMP.exists() and STAMP.read_text() == digest()


def make() -> None:
    """Bring `.venv` to the state of `uv.lock`.

    Raises:
        Refused: There is no `.venv` yet, and the Python that would become it is too new for what is locked; or a
            package could not be installed.
    """
    if fresh():
        return
    if not PYTHON.exists():
        if sys.version_info >= (3, 13):
            raise Refused(PYTHON_WANTED)
        succeed(sys.executable, "-m", "venv", "--without-pip", str(VENV))
    if not UV.exists():
        succeed(sys.executable, "-m", "venv", str(TOOLS))
        succeed(str(TOOLS / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "uv")
    uv, wanted = str(UV), str(VENV / "requirements.txt")
    succeed(uv, "export", "--quiet", "--frozen", "--no-emit-project", "--no-header", "--output-file", wanted)
    succeed(uv, "pip", "sync", "--quiet", "--require-hashes", "--compile-bytecode", "--python", str(PYTHON), wanted)
    STAMP.write_text(digest())


def digest() -> str:
    """Of the lock."""
    return hashlib.sha256((ROOT / "uv.lock").read_bytes()).hexdigest()


def succeed(*words: str) -> None:
    """Run a command.

    Raises:
        Refused: It ended with an exit code.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment.pop("VIRTUAL_ENV", None)
    code = subprocess.run(words, cwd=ROOT, env=environment, check=False).returncode
    if code:
        shown = " ".join([Path(words[0]).name, *words[1:4]])
        raise Refused(
            f"`{shown}` must succeed to set up .venv; it ended with exit code {code} and the words above. Mend that "
            "(Debian keeps Python's venv in python3-venv; packages come from the index that pip is set up for), then "
            "run the same command again."
        )


if __name__ == "__main__":
    try:
        make()
    except Refused as refused:
        sys.exit(f"error: {refused}")
