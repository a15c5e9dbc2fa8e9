"""Debian's packages: one set-up on this machine after the other. apt fails beside another apt, it does not wait."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from infra.setup.company import ROOT

DPKG: Final = Path("/var/lib/dpkg")
"""There wherever apt works, whatever checkout the set-up is of."""


@contextmanager
def turn() -> Iterator[None]:
    """Wait until no other set-up fetches packages, and let others wait until the end of the block."""
    # the folder itself is locked: anybody may, no file stays behind, and apt's own locks are others
    handle = os.open(DPKG if DPKG.is_dir() else ROOT, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
