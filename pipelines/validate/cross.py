"""Whether tables hang together: references that resolve, one top a company, nobody who leads themselves through others.

All of it warns: what becomes of a row is decided by the rules on single rows.
"""

from typing import Final

import numpy as np
import polars as pl

from pipelines.base.contracts import Table
from pipelines.validate.suites import CYCLE, MANAGER, TOP, Finding, Rule, rate_rules, unknown

PERSON: Final = "person_id"
COMPANY: Final = "company_code"
"""Of the legal employer; those who have none are of one company without a name."""
TELLS: Final = "tells_managers"
"""Whether the row's file names any manager: one that does not is silent about who is at the top."""
HIERARCHY: Final = pl.Schema(
    {
        PERSON: pl.String(),
        MANAGER: pl.String(),
        COMPANY: pl.String(),
        "hired_at": pl.Date(),
        "terminated_at": pl.Date(),
        "known_from": pl.Datetime("us", "UTC"),
        TELLS: pl.Boolean(),
    }
)


def rates(table: Table, findings: list[Finding]) -> list[Finding]:
    """How many references resolve, from what the rules on single rows saw.

    Args:
        table: The contract.
        findings: Of its rules.
    """
    seen = {finding.reason_code: finding for finding in findings}
    rows = [(rule, seen.get(unknown(str(rule.about)))) for rule in rate_rules(table) if rule.about in table.refers]
    return [_found(table.name, rule, row.checked, row.failed) for rule, row in rows if row is not None]


def hierarchy(table: Table, rows: pl.DataFrame, before: pl.DataFrame) -> list[Finding]:
    """What can be said of managers; nothing where no row names one.

    Args:
        table: The contract, which has managers.
        rows: [n_rows] rows that passed, with `unit_no`.
        before: [n_versions] all versions that the lake has: `HIERARCHY`.

    Returns:
        Rows whose manager is neither in the batch nor in the lake, of those that name one; people at the top past the
        first of their company, of those at the top; people who manage each other in a circle, of those who manage
        anybody. A group of companies may hang together or not: whoever leads one of them may be led from another.
    """
    telling = rows.filter(pl.col(MANAGER).is_not_null())["unit_no"].unique()
    rows = _numbered(rows.with_columns(pl.col("unit_no").is_in(telling.implode()).alias(TELLS)))
    versions = pl.concat([_numbered(before), rows])
    managers = versions.select(MANAGER).drop_nulls().unique()
    if managers.is_empty():
        return []
    managing = versions.join(managers, left_on=PERSON, right_on=MANAGER, how="semi", maintain_order="left")
    nobody = managers.join(managing, left_on=MANAGER, right_on=PERSON, how="anti")
    lost = rows.select(MANAGER).join(nobody, on=MANAGER, how="semi") if len(nobody) else nobody
    people, tops = _newest(managing), _tops(versions)
    seen = {
        MANAGER: (rows[MANAGER].count(), len(lost)),
        TOP: (len(tops), len(tops) - tops[COMPANY].n_unique()),
        CYCLE: (len(people), in_cycles(people)),
    }
    return [_found(table.name, rule, *seen[str(rule.about)]) for rule in rate_rules(table) if rule.about in seen]


def in_cycles(people: pl.DataFrame) -> int:
    """How many people manage each other in a circle. Whoever is their own manager is a top.

    Args:
        people: [n_people] person and manager, each person once.

    Returns:
        People in circles, not those below: after as many steps up as there are people only the former are reached.
    """
    ids = people.select(pl.col(PERSON).alias(MANAGER), pl.int_range(pl.len(), dtype=pl.Int64).alias("at"))
    above = people.select(MANAGER).join(ids, on=MANAGER, how="left", maintain_order="left")["at"]
    top = len(people)
    up = np.append(above.fill_null(top).to_numpy(), top)
    up[up == np.arange(top + 1)] = top
    for _ in range(top.bit_length()):  # each round doubles the steps
        if (up == top).all():
            return 0
        up = up[up]
    return int(np.count_nonzero(np.unique(up) != top))


def _numbered(versions: pl.DataFrame) -> pl.DataFrame:
    """People as numbers, which compare many times faster than pseudonyms."""
    manager = pl.when(pl.col(MANAGER).is_not_null()).then(pl.col(MANAGER).hash()).alias(MANAGER)
    return versions.select(pl.col(PERSON).hash(), manager, COMPANY, "hired_at", "terminated_at", "known_from", TELLS)


def _tops(versions: pl.DataFrame) -> pl.DataFrame:
    """People of whom a file could have said it, who are employed and have no manager now, or themselves.

    Now is when anything was told last: who is to come leads nobody yet, and who is to go still does.
    """
    today = pl.lit(versions["known_from"].max()).dt.date()
    is_employed = (pl.col("hired_at") <= today) & (pl.col("terminated_at") >= today).fill_null(value=True)
    is_top = pl.col(MANAGER).is_null() | (pl.col(MANAGER) == pl.col(PERSON))
    some = versions.join(versions.filter(is_top), on=PERSON, how="semi", maintain_order="left")
    told = some.join(some.filter(TELLS), on=PERSON, how="semi", maintain_order="left")
    return _newest(told).filter(is_top & is_employed)


def _newest(versions: pl.DataFrame) -> pl.DataFrame:
    return versions.sort("known_from", maintain_order=True).unique(PERSON, keep="last")


def _found(table: str, rule: Rule, checked: int, failed: int) -> Finding:
    return Finding(table, rule.reason_code, checked, failed, rule.level, rule.severity, rule.mostly)
