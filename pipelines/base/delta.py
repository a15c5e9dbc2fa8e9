"""Delta tables in a store: read lazily, replace one partition, append, erase for good.

Polars' own `scan_delta` cannot open local tables below a folder with a space in its name (measured with 1.x and
deltalake 1.6: it looks for `%20`), hence the way through a PyArrow dataset.
"""

import importlib
import json
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any
from urllib.parse import unquote

import polars as pl
from deltalake import ColumnProperties, DeltaTable, WriterProperties, write_deltalake
from deltalake.exceptions import DeltaError, TableNotFoundError
from polars.io.plugins import register_io_source

from pipelines.base.errors import SettingsError, SourceUnavailable
from pipelines.base.stage import loading
from pipelines.base.store import Store

_PIECE = 1 << 16
"""Rows that are Arrow at once."""
_LOG_DIGITS = 20
"""Of the version at the beginning of a log file's name."""

_KINDS = {"date": "Date32", "timestamp": 'Timestamp(Microsecond, Some("UTC"))', "string": "Utf8"}
"""What Delta calls a type, and what Arrow does."""

_DENIED = ("status code: 403", "AccessDenied", "lacked the necessary privileges")
"""Never the bare number: the same sentence names files by random digits, and a server that is away denies nothing."""


def version(store: Store, key: str) -> int | None:
    """The table's newest version; None where there is no table."""
    try:
        with _answering(key):
            return int(DeltaTable(store.uri(key), storage_options=store.options()).version())
    except TableNotFoundError:
        return None


def scan(store: Store, key: str, at: int | None = None) -> pl.LazyFrame:
    """A table, lazily; filters and column choices reach the files.

    Args:
        store: Where it is.
        key: Its folder, such as `lake/workers`.
        at: Version, the newest by default.

    Raises:
        TableNotFoundError: There is no such table; ask `version` first.
    """
    with _answering(key):
        table = DeltaTable(store.uri(key), version=at, storage_options=store.options())
        return _lazily(_dataset(table))


def _lazily(dataset: Any) -> pl.LazyFrame:  # PyArrow has no static types
    """A dataset as Polars reads it, filtered by PyArrow where it can.

    Delta Lake's deletions write text as views (measured with deltalake 1.6), which PyArrow 26 reads and cannot compare:
    once a person was erased, a filter on text failed on every file that had them. Such a read is filtered by Polars.
    """
    pushed = pl.scan_pyarrow_dataset(dataset)

    def read(
        columns: list[str] | None, predicate: pl.Expr | None, n_rows: int | None, _batch: int | None
    ) -> Iterator[pl.DataFrame]:
        def found(frame: pl.LazyFrame) -> pl.DataFrame:
            frame = frame if predicate is None else frame.filter(predicate)
            frame = frame if columns is None else frame.select(columns)
            return (frame if n_rows is None else frame.head(n_rows)).collect()

        try:
            yield found(pushed)
        except NotImplementedError:  # PyArrow cannot compare the text of files that Delta rewrote: Polars filters then
            yield found(pl.scan_pyarrow_dataset(dataset, allow_pyarrow_filter=False))

    return register_io_source(read, schema=pushed.collect_schema())


def _dataset(table: DeltaTable) -> Any:  # PyArrow has no static types
    if "pyarrow.dataset" not in sys.modules:
        with loading(without=("pandas",)):  # which it looks for in vain, and whose import costs twice its own
            importlib.import_module("pyarrow.dataset")
    return table.to_pyarrow_dataset()


def append(
    store: Store,
    key: str,
    rows: pl.DataFrame,
    partition_by: list[str],
    *,
    after: int | None,
    distinct: Collection[str] = (),
) -> int:
    """Add rows after a given version and return the new one.

    Args:
        store: Where the table is.
        key: Its folder.
        rows: [n_rows] what to add; columns that the table lacks are added to it, null in the rows before.
        partition_by: Columns that become folders.
        after: Version to build on; whatever a killed writer left behind it is stepped back over. None starts anew.
        distinct: Text columns whose values hardly ever repeat.

    Raises:
        SourceUnavailable: Another wrote at the same time: a lock was lost. No manifest names what was written.
    """
    with _answering(key):
        uri, options = store.uri(key), store.options()
        if after is None:
            write_deltalake(
                uri,
                _in_pieces(rows),
                mode="overwrite",
                schema_mode="overwrite",
                partition_by=partition_by,
                storage_options=options,
                writer_properties=_encoding(rows, distinct),
            )
            return int(DeltaTable(uri, storage_options=options).version())
        table = DeltaTable(uri, storage_options=options)
        if table.version() != after:
            table.restore(after)
        before = int(table.version())
        write_deltalake(
            table,
            _in_pieces(rows),
            mode="append",
            schema_mode="merge",
            partition_by=partition_by,
            writer_properties=_encoding(rows, distinct),
        )
    if table.version() != before + 1:
        raise SourceUnavailable(f"{key} must have one writer at a time; it had two. Run the same command again.")
    return before + 1


def replace_partition(store: Store, key: str, rows: pl.DataFrame, partition: dict[str, str]) -> None:
    """Make `rows` the whole content of one partition, in one commit.

    Args:
        store: Where the table is; it is created when there is none.
        key: Its folder, such as `scores/scored`.
        rows: [n_rows] with the partition's columns in every row; columns that the table lacks are added to it.
        partition: Column -> value, both as text; the table is partitioned by these columns.
    """
    uri, options = store.uri(key), store.options()
    columns = list(partition)
    is_new = version(store, key) is None
    predicate = " AND ".join(f"{name} = '{value}'" for name, value in partition.items())
    with _answering(key):
        if is_new:
            write_deltalake(uri, rows.to_arrow(), mode="append", partition_by=columns, storage_options=options)
            return
        write_deltalake(
            uri,
            rows.to_arrow(),
            mode="overwrite",
            predicate=predicate,
            partition_by=columns,
            schema_mode="merge",
            storage_options=options,
        )


def _in_pieces(rows: pl.DataFrame) -> Any:  # PyArrow has no static types
    """Rows as Arrow, of which there are never more at once than a writer takes: a copy of all would be as large."""
    import pyarrow as pa  # type: ignore[import-untyped]

    pieces = (batch for some in rows.iter_slices(_PIECE) for batch in some.to_arrow().to_batches())
    return pa.RecordBatchReader.from_batches(rows.clear().to_arrow().schema, pieces)


def _encoding(rows: pl.DataFrame, distinct: Collection[str]) -> WriterProperties:
    """Parquet builds a dictionary of every column and gives up when it is full: half of the time of writing."""
    plain = [name for name, kind in rows.schema.items() if name in distinct or kind != pl.String]
    return WriterProperties(column_properties={name: ColumnProperties(dictionary_enabled=False) for name in plain})


@contextmanager
def _answering(key: str) -> Iterator[None]:
    """What the disk or server under a table answers, as errors of ours; Delta Lake says it in words only."""
    try:
        yield
    except TableNotFoundError:
        raise
    except (DeltaError, OSError) as error:
        said = str(error)
        if "No space left" in said:
            raise SourceUnavailable(
                f"The store must have room for {key}; its disk is full. Nothing was changed: make room and run again."
            ) from None
        if not any(word in said for word in ("S3 error", "Error performing")):
            raise
        if any(word in said for word in _DENIED):
            raise SettingsError(
                f"This account must be allowed to use {key} on S3; it is not. Grant it (README, On S3)."
            ) from None
        raise SourceUnavailable(
            f"The S3 server must answer about {key}; it did not. Nothing was half-published: run it again."
        ) from None


def erase(store: Store, key: str, people: list[str], *, at: int | None = None) -> int:
    """Delete the rows of people in a new version, and return that. Old versions still have them: `purge` follows.

    Args:
        store: Where the table is.
        key: Its folder.
        people: Pseudonyms; none where they are gone and only old versions have them.
        at: Version to build on, the newest by default; what lies behind it is stepped back over.
    """
    named = ", ".join("'" + person.replace("'", "''") + "'" for person in people) or "NULL"
    with _answering(key):
        table = _restored(store, key, at)
        held = {field.name for field in table.schema().fields}
        columns = [name for name in ("person_id", "linked_person_id") if name in held]
        table.delete(" OR ".join(f"{name} IN ({named})" for name in columns))
        return int(_table(store, key).version())


def erase_before(
    store: Store, key: str, column: str, day: date, *, at: int | None = None, also: Collection[str] = ()
) -> int:
    """As `erase`, the rows whose date or moment in a column lies before a day (UTC), and those with some digests.

    A column of text must hold days in ISO form, as those do that are names of folders.
    """
    with _answering(key):
        table = _restored(store, key, at)
        kind = _KINDS[{field.name: field.type for field in table.schema().fields}[column].type]
        named = "".join(f" OR record_sha256 = '{digest}'" for digest in also)
        table.delete(f"{column} < arrow_cast('{day}', '{kind}'){named}")
        return int(_table(store, key).version())


def _restored(store: Store, key: str, at: int | None) -> DeltaTable:
    """The table at a version; what lies behind it is stepped back over."""
    table = _table(store, key)
    if at is not None and table.version() != at:
        table.restore(at)
    return table


def purge(store: Store, key: str) -> int:
    """Remove the files of everything but the newest version, and return that; `forget_log` follows.

    Args:
        store: Where the table is; nobody else may write it meanwhile.
        key: Its folder.
    """
    with _answering(key):
        table = _table(store, key)
        table.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False, full=True)
        table = _table(store, key)
        table.create_checkpoint()
        return int(table.version())


def forget_log(store: Store, key: str, upto: int) -> None:
    """Remove the log entries before a version, since their statistics quote values. Older versions are gone for good.

    The entry of that version stays, since a writer needs one; after `purge` it is the vacuum's own and quotes nothing.

    Args:
        store: Where the table is.
        key: Its folder.
        upto: From `purge`, and what everybody who names a version names by now.
    """
    for name in _log(store, key):
        if _number(name) < upto:
            store.delete(name)


def has_history(store: Store, key: str) -> bool:
    """Whether a table keeps anything beside its newest version: log entries, or files that this does not name."""
    with _answering(key):
        table = _table(store, key)
        named = {uri.rpartition("/")[2] for uri in table.file_uris()}
        newest = int(table.version())
    files = (name for name in store.list(key) if name.endswith(".parquet") and "/_delta_log/" not in name)
    return any(_number(name) < newest for name in _log(store, key)) or any(
        name.rpartition("/")[2] not in named for name in files
    )


def added(store: Store, key: str, after: int | None, at: int) -> Iterator[str]:
    """Keys of what Delta Lake wrote between two versions and never syncs: entries of the log, and files that they add.

    Args:
        store: Where the table is.
        key: Its folder.
        after: The version before; None for all up to `at`.
        at: The version now.
    """
    for name in _log(store, key):
        if (-1 if after is None else after) < _number(name) <= at:
            yield name
            entries = map(json.loads, store.read(name).splitlines()) if name.endswith(".json") else ()
            yield from (f"{key}/{unquote(entry['add']['path'])}" for entry in entries if "add" in entry)
    if store.exists(last := f"{key}/_delta_log/_last_checkpoint"):
        yield last


def is_there(store: Store, key: str, at: int) -> bool:
    """Whether a version can still be opened."""
    return store.exists(f"{key}/_delta_log/{at:0{_LOG_DIGITS}}.json")


def _table(store: Store, key: str) -> DeltaTable:
    return DeltaTable(store.uri(key), storage_options=store.options())


def _log(store: Store, key: str) -> list[str]:
    """Entries and checkpoints."""
    return [name for name in store.list(f"{key}/_delta_log") if name.rpartition("/")[2][:_LOG_DIGITS].isdecimal()]


def _number(name: str) -> int:
    return int(name.rpartition("/")[2][:_LOG_DIGITS])
