"""Great Expectations on pandas, in memory: nothing is written, and no cell reaches a result.

Many rows say the same: of a large table every rule sees each distinct content of its columns once, and what it finds
holds for all rows with that content.

BASIC and SUMMARY results quote failing cells by default. With `exclude_unexpected_values` and a synthetic index column
they hold counts and row numbers only (tests plant a canary value). An expectation that raised looks like one that
failed without a count; here it stops the batch.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from types import ModuleType
from typing import Any, Final

import polars as pl

from pipelines.base.contracts import Table
from pipelines.base.errors import ContractError
from pipelines.base.stage import loading
from pipelines.validate.suites import (
    BETWEEN,
    FILLED,
    KEY,
    ORDERED,
    ROW,
    Finding,
    Outcome,
    Rule,
    columns_of,
    key_rules,
    rules,
    with_helpers,
)

LARGE: Final = 100_000
"""Rows from which rules are run column by column on distinct contents; below, one run of all rules costs less."""
CHUNK: Final = 1_000_000
"""Rows a run: the pandas engine is good up to about a million."""
_NONE: Final = pl.DataFrame(schema={ROW: pl.Int64(), "reason_code": pl.String()})
Sound = dict[str, pl.Series]
"""Rules on one column -> contents that passed them, in whichever table: most people are in several."""


def check(
    table: Table,
    frame: pl.DataFrame,
    known: Mapping[str, pl.Series],
    sound: Sound | None = None,
    before: pl.DataFrame | None = None,
) -> Outcome:
    """Check a canonical table's rows.

    Args:
        table: The contract.
        frame: [n_rows] canonical rows with `known_from`, exact duplicates removed.
        known: Referenced table -> [n] ids that exist.
        sound: What passed before; what passes now is added.
        before: Of a table of slices, what the lake has of the same things.

    Returns:
        Findings of all expectations, and the rows that failed, numbered from 0 in the order given.

    Raises:
        ContractError: An expectation could not be evaluated.
    """
    if frame.is_empty():
        return Outcome([], _NONE)
    helped = with_helpers(table, frame, known, before)
    if len(helped) < LARGE:
        runs = list(_run(table.name, [*rules(table), *key_rules()], helped))
    else:
        runs = [*_by_content(table, helped, {} if sound is None else sound), *_by_key(table, helped)]
    failed = [bad for finding, bad in runs if finding.severity == "quarantine"]
    return Outcome([finding for finding, _ in runs], pl.concat([_NONE, *failed]))


def seen(table: str, found: list[Rule], rows: pl.DataFrame) -> list[Finding]:
    """What rules see in rows, numbered by `ROW`, of which some are shown.

    Raises:
        ContractError: An expectation could not be evaluated.
    """
    return [finding for finding, _ in _run(table, found, rows)] if found and len(rows) else []


def _by_content(table: Table, helped: pl.DataFrame, sound: Sound) -> Iterator[tuple[Finding, pl.DataFrame]]:
    """Run the rules on single rows, those that read the same columns together."""
    groups: dict[tuple[str, ...], list[Rule]] = {}
    for rule in rules(table):
        groups.setdefault(tuple(columns_of([rule])), []).append(rule)
    for columns, found in groups.items():
        contents = _not_yet(_contents(helped, columns, found), found, sound)
        pieces = (contents[at : at + CHUNK] for at in range(0, len(contents), CHUNK))
        failed = pl.concat([_NONE, *(bad for piece in pieces for _, bad in _run(table.name, found, piece))])
        _note(contents, failed, found, sound)
        bad = _spread(helped, list(columns), contents, failed)
        for rule in found:
            mine = bad.filter(pl.col("reason_code") == rule.reason_code)
            yield Finding(table.name, rule.reason_code, len(helped), len(mine), rule.level, rule.severity), mine


def _by_key(table: Table, helped: pl.DataFrame) -> Iterator[tuple[Finding, pl.DataFrame]]:
    """Run the rules on the whole table, on rows whose key comes more than once; on any one where none does."""
    is_clear = helped[KEY].n_unique() == len(helped)
    shown = helped.head(1) if is_clear else helped.filter(pl.col(KEY).is_duplicated())
    for finding, bad in _run(table.name, key_rules(), shown):
        yield replace(finding, checked=len(helped)), bad


def _contents(helped: pl.DataFrame, columns: tuple[str, ...], found: list[Rule]) -> pl.DataFrame:
    """A row for each content that the rules can tell apart.

    Null or not is all that a rule on filled cells looks at; one on a range has nothing to say about a second value
    within it, and is shown every value that is not. So is one on an order, of pairs. Of a column where few values come
    twice, such as a key, all rows are shown: finding the distinct ones costs more than checking the others again.
    """
    rows = helped.select(ROW, *columns)
    if all(rule.kind == FILLED for rule in found):  # each of one column
        return rows.filter(pl.col(columns[0]).is_null().is_first_distinct())
    if len(found) == 1 and found[0].kind in (BETWEEN, ORDERED):
        is_within = _is_within(found[0])
        rows = rows.filter(~is_within | is_within.is_first_distinct())
    if len(columns) == 1 and 2 * rows.select(pl.col(columns[0]).approx_n_unique()).item() > len(rows):
        return rows
    return rows.unique(columns, keep="first", maintain_order=True)


def _is_within(rule: Rule) -> pl.Expr:
    """Whether a value lies in the range, or a pair strictly in the order, that a rule asks for; null where it is."""
    given = rule.arguments
    if rule.kind == ORDERED:
        return pl.col(given["column_A"]) > pl.col(given["column_B"])
    low, high = given["min_value"], given["max_value"]
    above = pl.col(given["column"]) >= low if low is not None else pl.lit(value=True)
    return above & (pl.col(given["column"]) <= high if high is not None else pl.lit(value=True))


def _not_yet(contents: pl.DataFrame, found: list[Rule], sound: Sound) -> pl.DataFrame:
    """Contents that did not pass the same rules before."""
    passed = sound.get(_said(found))
    if passed is None or not _is_text(contents):
        return contents
    if passed.equals(contents.to_series(1)):  # the same people in the same order, which is seen at once
        return contents.clear()
    return contents.join(passed.rename(contents.columns[1]).to_frame(), on=contents.columns[1], how="anti")


def _note(contents: pl.DataFrame, failed: pl.DataFrame, found: list[Rule], sound: Sound) -> None:
    """Remember what passed, of rules on text: others have few contents or cost little."""
    if _is_text(contents):
        passed = contents.join(failed, on=ROW, how="anti").to_series(1).rename("")
        sound[_said(found)] = pl.concat([sound.get(_said(found), passed.clear()), passed])


def _is_text(contents: pl.DataFrame) -> bool:
    """Whether contents are those of one column of text."""
    return contents.dtypes[1:] == [pl.String]


def _said(found: list[Rule]) -> str:
    """Rules without the names of the columns that they are about."""
    return str([(rule.kind, {k: v for k, v in rule.arguments.items() if k != "column"}) for rule in found])


def _spread(helped: pl.DataFrame, columns: list[str], contents: pl.DataFrame, failed: pl.DataFrame) -> pl.DataFrame:
    """All rows that say what a failed one says."""
    if failed.is_empty():
        return failed
    wrong = contents.join(failed, on=ROW).drop(ROW).unique()
    return helped.select(ROW, *columns).join(wrong, on=columns, nulls_equal=True).select(failed.columns).sort(ROW)


@cache
def context() -> Any:  # Great Expectations' own type
    """Great Expectations, imported and set up once a process."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    os.environ.setdefault("TQDM_DISABLE", "1")
    # 3 s: only where rows are checked. It does without what reaches databases and clouds where that is not installed.
    with loading(without=("sqlalchemy", "boto3", "botocore")), absent("altair", "scipy.stats"):
        import great_expectations as gx
        from great_expectations.data_context.types.base import ProgressBarsConfig
        from great_expectations.execution_engine import pandas_execution_engine

    # The fingerprint of a batch enters nothing we keep, and costs more than the checks of a large one.
    pandas_execution_engine.hash_pandas_dataframe = lambda frame: str(len(frame))
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    source = context.data_sources.add_pandas("batch")
    return source.add_dataframe_asset("table").add_batch_definition_whole_dataframe("rows")


@contextmanager
def absent(*names: str) -> Iterator[None]:
    """While Great Expectations is imported: modules that only its expectations on distributions use are not.

    They would be two fifths of the import. Whoever declares such an expectation is told so by the first use.
    """
    names = tuple(name for name in names if name not in sys.modules)
    sys.modules.update({name: _Absent(name) for name in names})
    try:
        yield
    finally:
        for name in names:
            del sys.modules[name]


class _Absent(ModuleType):
    """Stands for a module that is not loaded."""

    def __getattr__(self, name: str) -> Any:
        raise NotLoaded(f"Expectations must do without {self.__name__}.{name}; one does not. See validate.engine.")


class NotLoaded(ContractError, AttributeError):
    """Something of a module that is not loaded was asked for."""


def _run(table: str, found: list[Rule], rows: pl.DataFrame) -> list[tuple[Finding, pl.DataFrame]]:
    batch = context().get_batch(batch_parameters={"dataframe": rows.select(ROW, *columns_of(found)).to_pandas()})
    import great_expectations as gx  # loaded by `context`
    import great_expectations.expectations as gxe

    suite = gx.ExpectationSuite(name=table)
    for rule in found:
        suite.add_expectation(getattr(gxe, rule.kind)(**rule.arguments, meta=rule.meta))
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
    meta = item.expectation_config.meta
    reason = str(meta["reason_code"])
    failed = item.result.get("unexpected_count")
    if failed is None:
        raise ContractError(f"Every expectation must be evaluated; {reason} of {table} was not. See its column's type.")
    numbers = [number for entry in item.result.get("partial_unexpected_index_list", ()) for number in entry[ROW]]
    if len(numbers) != failed:
        raise ContractError(f"{reason} of {table} must name its {failed} rows; it named {len(numbers)}.")
    bad = pl.DataFrame({ROW: pl.Series(numbers, dtype=pl.Int64)}).with_columns(pl.lit(reason).alias("reason_code"))
    return Finding(table, reason, rows, int(failed), meta["level"], meta["severity"]), bad
