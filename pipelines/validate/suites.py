"""Which expectations a canonical table has: read off its contract, so that no rule is written twice."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from pipelines.base.contracts import Table

ROW: Final = "row"
"""Synthetic row number: the only thing a result may name."""
FILLED: Final = "ExpectColumnValuesToNotBeNull"
BETWEEN: Final = "ExpectColumnValuesToBeBetween"
"""Name of the expectation that tells cells apart by whether they are filled."""
KEY: Final = "key"
"""Digest of the key and `known_from`: one version of a thing at a time."""
_PSEUDONYM: Final = r"^[a-z]{1,3}_[0-9a-f]{32}$"


@dataclass(frozen=True, slots=True)
class Rule:
    """One expectation."""

    reason_code: str
    kind: str
    """Name of the expectation's class in Great Expectations."""
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one expectation saw."""

    table: str
    reason_code: str
    checked: int
    failed: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What all expectations of a table saw."""

    findings: list[Finding]
    failed: pl.DataFrame
    """[n_failures] row, reason_code: a row may fail several rules."""


def known_column(column: str) -> str:
    """Name of the helper column that says whether a reference resolves."""
    return f"is_known_{column}"


def unknown(column: str) -> str:
    """Reason code of a reference that does not resolve, such as `unknown_requisition`."""
    return f"unknown_{column.removesuffix('_id')}"


def rules(table: Table) -> list[Rule]:
    """Expectations on single rows.

    Args:
        table: The contract.

    Returns:
        Required columns filled, closed codes listed, numbers in range, dates in order, pseudonyms well formed,
        references known.
    """
    found = []
    for column in table.columns:
        name = column.name
        if column.required:
            found.append(Rule(f"missing:{name}", FILLED, {"column": name}))
        if column.values:
            among = {"column": name, "value_set": list(column.values)}
            found.append(Rule(f"unknown_code:{name}", "ExpectColumnValuesToBeInSet", among))
        low, high = column.bounds
        if low is not None or high is not None:
            between = {"column": name, "min_value": low, "max_value": high}
            found.append(Rule(f"out_of_range:{name}", BETWEEN, between))
        if name.endswith("person_id"):
            form = {"column": name, "regex": _PSEUDONYM}
            found.append(Rule(f"no_pseudonym:{name}", "ExpectColumnValuesToMatchRegex", form))
    for earlier, later in table.ordered:
        pair = {"column_A": later, "column_B": earlier, "or_equal": True, "ignore_row_if": "either_value_is_missing"}
        found.append(Rule(f"disordered:{later}", "ExpectColumnPairValuesAToBeGreaterThanB", pair))
    for column_name in table.references:
        known = {"column": known_column(column_name), "value_set": [True]}
        found.append(Rule(unknown(column_name), "ExpectColumnValuesToBeInSet", known))
    return found


def key_rules() -> list[Rule]:
    """Expectations on the whole table at once."""
    return [Rule("conflicting_key", "ExpectColumnValuesToBeUnique", {"column": KEY})]


def suite(table: Table) -> dict[str, Any]:
    """A table's suite as Great Expectations writes one: name, and of each expectation type, kwargs and reason code."""
    expectations = [
        {
            "type": re.sub(r"(?<!^)(?=[A-Z])", "_", rule.kind).lower(),
            "kwargs": dict(rule.arguments),
            "meta": {"reason_code": rule.reason_code},
        }
        for rule in [*rules(table), *key_rules()]
    ]
    return {"name": table.name, "expectations": expectations}


def columns_of(found: list[Rule]) -> list[str]:
    """Columns that the rules read, each once."""
    names = [
        str(rule.arguments[name])
        for rule in found
        for name in ("column", "column_A", "column_B")
        if name in rule.arguments
    ]
    return list(dict.fromkeys(names))


def with_helpers(table: Table, frame: pl.DataFrame, known: Mapping[str, pl.Series]) -> pl.DataFrame:
    """Add what the rules need: row number, key digest, whether references resolve.

    Args:
        table: The contract.
        frame: [n_rows] canonical rows with `known_from`.
        known: Referenced table -> [n] ids that exist, in this batch or the lake.
    """
    resolves = [
        (pl.col(column).is_in(known[other].implode()) | pl.col(column).is_null()).alias(known_column(column))
        for column, other in table.references.items()
    ]
    return frame.with_columns(
        pl.int_range(pl.len(), dtype=pl.Int64).alias(ROW),
        pl.struct([*table.key, "known_from"]).hash().alias(KEY),
        *resolves,
    )
