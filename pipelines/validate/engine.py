"""Great Expectations on pandas, in memory: nothing is written, and no cell reaches a result.

Many rows say the same: of a large table every rule sees each distinct content of its columns once, and what it finds
holds for all rows with that content.

BASIC and SUMMARY results quote failing cells by default. With `exclude_unexpected_values` and a synthetic index column
they hold counts and row numbers only (tests plant a canary value). An expectation that raised looks like one that
failed without a count; here it stops the batch.
"""

import os
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

import polars as pl

from pipelines.base.contracts import Table
from pipelines.base.errors import ContractError
from pipelines.base.stage import loading
from pipelines.validate.suites import FILLED, ROW, Finding, Outcome, Rule, columns_of, key_rules, rules, with_helpers

LARGE: Final = 100_000
"""Rows from which rules are run column by column on distinct contents; below, one run of all rules costs less."""
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
    if len(helped) < LARGE:
        runs = list(_run(table.name, [*rules(table), *key_rules()], helped))
    else:
        runs = [*_by_content(table, helped), *_run(table.name, key_rules(), helped)]
    return Outcome([finding for finding, _ in runs], pl.concat([empty, *(bad for _, bad in runs)]))


def _by_content(table: Table, helped: pl.DataFrame) -> Iterator[tuple[Finding, pl.DataFrame]]:
    """Run the rules on single rows, those that read the same columns together."""
    groups: dict[tuple[str, ...], list[Rule]] = {}
    for rule in rules(table):
        groups.setdefault(tuple(columns_of([rule])), []).append(rule)
    for columns, found in groups.items():
        contents = _contents(helped, columns, found)
        failed = [
            bad
            for at in range(0, len(contents), CHUNK)
            for _, bad in _run(table.name, found, contents[at : at + CHUNK])
        ]
        bad = _spread(helped, list(columns), contents, pl.concat(failed))
        for rule in found:
            mine = bad.filter(pl.col("reason_code") == rule.reason_code)
            yield Finding(table.name, rule.reason_code, len(helped), len(mine)), mine


def _contents(helped: pl.DataFrame, columns: tuple[str, ...], found: list[Rule]) -> pl.DataFrame:
    """A row for each content that the rules can tell apart; null is all that one on filled cells looks at."""
    rows = helped.select(ROW, *columns)
    if all(rule.kind == FILLED for rule in found):
        return rows.filter(pl.struct(pl.col(columns).is_null()).is_first_distinct())
    return rows.unique(columns, keep="any")


def _spread(helped: pl.DataFrame, columns: list[str], contents: pl.DataFrame, failed: pl.DataFrame) -> pl.DataFrame:
    """All rows that say what a failed one says."""
    if failed.is_empty():
        return failed
    wrong = contents.join(failed, on=ROW).drop(ROW)
    return helped.select(ROW, *columns).join(wrong, on=columns, nulls_equal=True).select(failed.columns).sort(ROW)


@cache
def context() -> Any:  # Great Expectations' own type
    """Great Expectations, imported and set up once a process."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    os.environ.setdefault("TQDM_DISABLE", "1")
    with loading():  # 4 s: only where rows are checked
        import great_expectations as gx
        from great_expectations.data_context.types.base import ProgressBarsConfig
        from great_expectations.execution_engine import pandas_execution_engine

    # The fingerprint of a batch enters nothing we keep, and costs more than the checks of a large one.
    pandas_execution_engine.hash_pandas_dataframe = lambda frame: str(len(frame))
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    source = context.data_sources.add_pandas("batch")
    return source.add_dataframe_asset("table").add_batch_definition_whole_dataframe("rows")


def _run(table: str, found: list[Rule], rows: pl.DataFrame) -> list[tuple[Finding, pl.DataFrame]]:
    batch = context().get_batch(batch_parameters={"dataframe": rows.select(ROW, *columns_of(found)).to_pandas()})
    import great_expectations as gx  # loaded by `context`
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
