"""lake.lock: the state of the lake that a checkout's results rest on. `python -m pipelines.snapshot pin` writes it."""

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from pipelines.base.catalog import LAKE_LOCK
from pipelines.base.errors import ContractError
from pipelines.base.lake import Lake, Manifest


@dataclass(frozen=True, slots=True)
class LakeLock:
    """A parsed lake.lock."""

    seq: int
    sha256: str
    """Of the manifest."""
    days: dict[str, date]

    def as_of(self, family: str) -> date:
        """The day a family sees. Raises ContractError when the family is not in the lock."""
        if family not in self.days:
            raise ContractError(
                f"{LAKE_LOCK} must name the day of {family}; it names {', '.join(self.days) or 'none'}. "
                "Pin the lake anew."
            )
        return self.days[family]

    def manifest(self, lake: Lake) -> Manifest:
        """The pinned manifest.

        Raises:
            ContractError: The store holds none with that number and digest.
        """
        found = lake.manifest(self.seq)
        if found is None or found.sha256 != self.sha256:
            raise ContractError(
                f"The store must hold manifest {self.seq} with the digest {self.sha256[:12]} that {LAKE_LOCK} names; "
                f"it holds {found.sha256[:12] if found else 'none'}. "
                "Point CANDOR_STORE at that store or pin the lake anew."
            )
        return found


def lake_lock(root: Path | None = None) -> LakeLock:
    """The lock of a checkout.

    Args:
        root: The checkout; the working directory by default.

    Raises:
        ContractError: There is none, or it is not in its form.
    """
    file = (root or Path()) / LAKE_LOCK
    if not file.is_file():
        raise ContractError(f"{LAKE_LOCK} must exist; it does not. Run `python -m pipelines.snapshot pin`.")
    try:
        raw: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        days = {family: date.fromisoformat(day) for family, day in raw["as_of"].items()}
        return LakeLock(int(raw["manifest"]["seq"]), str(raw["manifest"]["sha256"]), days)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ContractError(
            f"{LAKE_LOCK} must be what `python -m pipelines.snapshot pin` writes; it is not. Pin the lake anew."
        ) from None
