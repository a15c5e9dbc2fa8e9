"""Check a batch that lies in a folder, table by table, those referred to first.

Reads   rows/<table>.arrow      canonical rows with `unit_no` and `source_row`, repetitions left out
        known/<table>.parquet   ids that the lake has already, for tables that others refer to
        before/<table>.parquet  of tables of slices, what the lake has of the things that these rows are about
        known/managers.parquet  all versions of who manages whom, where the batch has workers
        samples/<table>.parquet some rows of tables with free text: that text, `unit_no` and `source_row`
        codes.json              of a feed, table and column with a map of codes: cells filled, and not listed in the map
        rejected.parquet        source rows that failed before
Writes  failed.parquet          unit_no, source_row, table, reason_code
        findings.json           every expectation: level, severity, rows checked, rows failed; no value
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import polars as pl

from pipelines.base.contracts import LISTED, TABLES, Table, by_reference
from pipelines.validate.cross import HIERARCHY, hierarchy, rates
from pipelines.validate.engine import Sound, check
from pipelines.validate.privacy import scan
from pipelines.validate.suites import ROW, Finding, columns_of, rules, slice_columns

SOURCE: Final = ["unit_no", "source_row"]
FAILED: Final = pl.Schema(
    {"unit_no": pl.Int32(), "source_row": pl.Int64(), "table": pl.String(), "reason_code": pl.String()}
)


REFERRED_TO: Final = frozenset(other for table in TABLES.values() for other in table.refers.values())


def run(folder: Path, laid_out: Iterator[str] | None = None) -> str:
    """Check a folder.

    Args:
        folder: As above.
        laid_out: Names of all tables, each once its rows are there, in the order of `by_reference`; without it all are.

    Returns:
        The line to print.

    Raises:
        ContractError: An expectation could not be evaluated.
        StopIteration: `laid_out` ended before the last table.
    """
    bad = pl.read_parquet(folder / "rejected.parquet").select(SOURCE).unique()
    failed = [pl.DataFrame(schema=FAILED)]
    findings: list[Finding] = []
    passed: dict[str, pl.Series] = {}
    sound: Sound = {}
    checked = 0
    for table in by_reference():
        if laid_out is not None:
            next(laid_out)
        file = folder / "rows" / f"{table.name}.arrow"
        frame = pl.read_ipc(file, columns=_needed(table)) if file.is_file() else None
        if frame is not None:
            frame = _without(frame, bad)
            known = {other: passed[other] for other in table.refers.values()}
            outcome = check(table, frame, known, sound, _before(table, folder))
            rows = frame.select(SOURCE).with_row_index(ROW).cast({ROW: pl.Int64})
            failed.append(_located(table, outcome.failed.join(rows, on=ROW, maintain_order="left")))
            bad = pl.concat([bad, failed[-1].select(SOURCE)]).unique()
            checked += len(frame)
            frame = _without(frame, bad)
            findings += [*outcome.findings, *_of_many(table, frame, outcome.findings, bad, folder)]
        if table.name in REFERRED_TO:
            passed[table.name] = _ids(table, frame, folder)
        del frame  # not kept while the next table is waited for
    findings += _listed(folder)
    located = pl.concat(failed)
    located.write_parquet(folder / "failed.parquet")
    (folder / "findings.json").write_text(json.dumps([f.to_json() for f in findings], indent=1), encoding="utf-8")
    wrong = located.select(SOURCE).n_unique()
    return f"checked {checked} rows by {len(findings)} expectations: {wrong} source rows failed"


def _of_many(
    table: Table, passed: pl.DataFrame, findings: list[Finding], bad: pl.DataFrame, folder: Path
) -> list[Finding]:
    """What is seen on many rows at once, which changes no row's fate."""
    found = rates(table, findings)
    if table.has_managers:
        known = folder / "known" / "managers.parquet"
        before = pl.read_parquet(known) if known.is_file() else pl.DataFrame(schema=HIERARCHY)
        found += hierarchy(table, passed, before)
    sample = folder / "samples" / f"{table.name}.parquet"
    return found + (scan(table, _without(pl.read_parquet(sample), bad)) if sample.is_file() else [])


def _listed(folder: Path) -> list[Finding]:
    """How many cells of columns with a map of codes the map does not list."""
    if not (folder / "codes.json").is_file():
        return []
    return [
        Finding(
            seen["feed"],
            f"unlisted_code:{seen['table']}.{seen['column']}",
            seen["filled"],
            seen["unlisted"],
            "raw",
            "warn",
            LISTED,
        )
        for seen in json.loads((folder / "codes.json").read_text(encoding="utf-8"))
    ]


def _needed(table: Table) -> list[str]:
    """Columns that the rules, their helpers and the reports read."""
    names = [name for name in columns_of(rules(table)) if name in table.schema]
    lies = slice_columns(table.slices) if table.slices else []
    lies += [name for name in HIERARCHY if name in table.schema] if table.has_managers else []
    return list(dict.fromkeys([*SOURCE, *table.key, *table.refers, "known_from", *lies, *names]))


def _before(table: Table, folder: Path) -> pl.DataFrame | None:
    file = folder / "before" / f"{table.name}.parquet"
    return pl.read_parquet(file) if file.is_file() else None


def _without(frame: pl.DataFrame, bad: pl.DataFrame) -> pl.DataFrame:
    return frame.join(bad, on=SOURCE, how="anti", maintain_order="left") if len(bad) else frame


def _located(table: Table, failed: pl.DataFrame) -> pl.DataFrame:
    return failed.select(*SOURCE, pl.lit(table.name).alias("table"), "reason_code")


def _ids(table: Table, frame: pl.DataFrame | None, folder: Path) -> pl.Series:
    """Ids of a table that exist now: rows that passed, and what the lake has."""
    key = table.key[0]
    ids = [pl.Series(key, [], dtype=pl.String)]
    if frame is not None:
        ids.append(frame[key])
    if (folder / "known" / f"{table.name}.parquet").is_file():
        ids.append(pl.read_parquet(folder / "known" / f"{table.name}.parquet")[key])
    return pl.concat(ids).unique()
