"""Who may read what of the Audit page. Pure.

| role | reads |
|---|---|
| viewer | the overview and the page of each model: what scores people, who allowed it, whether it holds |
| engineer | also the records (what arrived, was checked and held; the ledger) and the reports of monitoring |
| compliance | also the evidence that is kept as files, such as bias audits, and what was counted of few people |

Whoever has several roles has the widest; nobody has one by default.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from monitoring.texts import noted


class Role(IntEnum):
    """Each reads what those before it read."""

    NOBODY = 0
    VIEWER = 1
    ENGINEER = 2
    COMPLIANCE = 3


NAMES: Final = (noted("nobody"), noted("viewer"), noted("engineer"), noted("compliance"))
"""As the page says them."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads a page."""

    name: str
    role: Role

    @property
    def sees_records(self) -> bool:
        """Whether records and reports may be read."""
        return self.role >= Role.ENGINEER

    @property
    def sees_files(self) -> bool:
        """Whether evidence that is kept as files may be read."""
        return self.role >= Role.COMPLIANCE

    @property
    def sees_counts(self) -> bool:
        """Whether what was counted of few people may be read, and what it would follow from."""
        return self.role >= Role.COMPLIANCE


@dataclass(frozen=True, slots=True)
class Source:
    """Where a role comes from."""

    variable: str
    """Under SimpleAuthManager, which knows no custom rights: the environment variable with the names."""
    resource: str
    """Of other managers: the resource that `can_read` is asked for."""


SOURCES: Final = {
    Role.COMPLIANCE: Source("CANDOR_COMPLIANCE_USERS", "Compliance"),
    Role.ENGINEER: Source("CANDOR_ENGINEER_USERS", "Compliance Engineer"),
    Role.VIEWER: Source("CANDOR_VIEWER_USERS", "Compliance Viewer"),
}
"""The widest first."""


def widest(has: Callable[[Source], bool]) -> Role:
    """The widest role that somebody has."""
    return next((role for role, source in SOURCES.items() if has(source)), Role.NOBODY)
