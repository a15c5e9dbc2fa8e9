"""Make `var/fuzz/venv`: the fuzzer of `uv.lock`, over what `.venv` has. Nothing of it enters `.venv`."""

import sys
import sysconfig
from pathlib import Path
from typing import Final

from infra.setup import venv
from infra.setup.company import ROOT, Refused

FOLDER: Final = ROOT / "var" / "fuzz" / "venv"
PYTHON: Final = FOLDER / "bin" / "python"
STAMP: Final = FOLDER / "candor.lock.sha256"


def make() -> None:
    """Bring `var/fuzz/venv` to the state of `uv.lock`. Runs within `.venv`, whose packages it refers to.

    Raises:
        Refused: The fuzzer could not be installed.
    """
    if STAMP.exists() and STAMP.read_text() == venv.digest():
        return
    venv.succeed(sys.executable, "-m", "venv", "--clear", "--without-pip", str(FOLDER))
    packages = Path(sysconfig.get_path("purelib", "venv", {"base": str(FOLDER)}))
    (packages / "candor.pth").write_text(sysconfig.get_path("purelib"))
    uv, wanted = str(venv.UV), str(FOLDER / "requirements.txt")
    group = ("--only-group", "fuzz", "--no-header", "--output-file", wanted)
    venv.succeed(uv, "export", "--quiet", "--frozen", "--no-emit-project", *group)
    venv.succeed(uv, "pip", "sync", "--quiet", "--require-hashes", "--python", str(PYTHON), wanted)
    STAMP.write_text(venv.digest())


if __name__ == "__main__":
    try:
        make()
    except Refused as refused:
        sys.exit(f"error: {refused}")
