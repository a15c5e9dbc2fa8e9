"""Great Expectations on pandas, in memory: nothing is written, and no cell reaches a result.

BASIC and SUMMARY results quote failing cells by default. With `exclude_unexpected_values` and a synthetic index column
they hold counts and row numbers only (tests plant a canary value). An expectation that raised looks like one that
failed without a count; here it stops the batch.
"""

import os
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

import polars as pl

from pipelines.base.contracts import Table
from pipelines.base.errors import ContractError
from pipelines.validate.suites import ROW, Finding, Outcome, Rule, columns_of, key_rules, rules, with_helpers

CHUNK: Final = 1_000_000
"""Rows a run: the pandas engine is good up to about a million."""


def check(table: Table, frame: pl.DataFrame, known: Mapping[str, pl.Series]) -> Outcome:
    """Check a canonical table's rows.

    Args:
        table: The contract.
        frame: [n_rows] canonical rows with `known_from`, exact duplicates removed.
        known: Referenced table -> [n] ids that exist.

    Returns:
        Findings of all expectations, and the rows that failed, numbered from 0 in the order given.

    Raises:
        ContractError: An expectation could not be evaluated.
    """
    empty = pl.DataFrame(schema={ROW: pl.Int64(), "reason_code": pl.String()})
    if frame.is_empty():
        return Outcome([], empty)
    helped = with_helpers(table, frame, known)
    counted: dict[str, Finding] = {}
    failed = [empty]
    for found, rows in _runs(table, helped):
        for finding, bad in _run(table.name, found, rows):
            before = counted.get(finding.reason_code)
            counted[finding.reason_code] = _sum(before, finding) if before else finding
            failed.append(bad)
    return Outcome(list(counted.values()), pl.concat(failed))


def _runs(table: Table, helped: pl.DataFrame) -> list[tuple[list[Rule], pl.DataFrame]]:
    """Which rules to run on which rows: all at once, or chunks for single rows and one narrow run for the key."""
    if len(helped) <= CHUNK:
        return [([*rules(table), *key_rules()], helped)]
    chunks = [helped.slice(start, CHUNK) for start in range(0, len(helped), CHUNK)]
    return [(key_rules(), helped), *((rules(table), chunk) for chunk in chunks)]


def _sum(one: Finding, other: Finding) -> Finding:
    return Finding(one.table, one.reason_code, one.checked + other.checked, one.failed + other.failed)


@cache
def _context() -> Any:  # Great Expectations' own type
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    os.environ.setdefault("TQDM_DISABLE", "1")
    import great_expectations as gx  # 4 s: only where rows are checked
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    source = context.data_sources.add_pandas("batch")
    return source.add_dataframe_asset("table").add_batch_definition_whole_dataframe("rows")


def _run(table: str, found: list[Rule], rows: pl.DataFrame) -> list[tuple[Finding, pl.DataFrame]]:
    batch = _context().get_batch(batch_parameters={"dataframe": rows.select(ROW, *columns_of(found)).to_pandas()})
    import great_expectations as gx  # loaded by _context
    import great_expectations.expectations as gxe

    suite = gx.ExpectationSuite(name=table)
    for rule in found:
        meta = {"reason_code": rule.reason_code}
        suite.add_expectation(getattr(gxe, rule.kind)(**rule.arguments, meta=meta))
    result = batch.validate(
        suite,
        result_format={
            "result_format": "SUMMARY",
            "partial_unexpected_count": len(rows),
            "unexpected_index_column_names": [ROW],
            "exclude_unexpected_values": True,
        },
    )
    return [_finding(table, item, len(rows)) for item in result.results]


def _finding(table: str, item: Any, rows: int) -> tuple[Finding, pl.DataFrame]:  # a GX result
    reason = str(item.expectation_config.meta["reason_code"])
    failed = item.result.get("unexpected_count")
    if failed is None:
        raise ContractError(f"Every expectation must be evaluated; {reason} of {table} was not. See its column's type.")
    numbers = [number for entry in item.result.get("partial_unexpected_index_list", ()) for number in entry[ROW]]
    if len(numbers) != failed:
        raise ContractError(f"{reason} of {table} must name its {failed} rows; it named {len(numbers)}.")
    bad = pl.DataFrame({ROW: pl.Series(numbers, dtype=pl.Int64)}).with_columns(pl.lit(reason).alias("reason_code"))
    return Finding(table, reason, rows, int(failed)), bad
