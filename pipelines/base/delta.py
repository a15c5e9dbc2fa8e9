"""Delta tables in a store: read lazily, replace one partition, append.

Polars' own `scan_delta` cannot open local tables below a folder with a space in its name (measured with 1.x and
deltalake 1.6: it looks for `%20`), hence the way through a PyArrow dataset.
"""

import polars as pl
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import TableNotFoundError

from pipelines.base.store import Store


def version(store: Store, key: str) -> int | None:
    """The table's newest version; None where there is no table."""
    try:
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
    table = DeltaTable(store.uri(key), version=at, storage_options=store.options())
    return pl.scan_pyarrow_dataset(table.to_pyarrow_dataset())


def append(store: Store, key: str, rows: pl.DataFrame, partition_by: list[str], *, after: int | None) -> int:
    """Add rows after a given version and return the new one.

    Args:
        store: Where the table is.
        key: Its folder.
        rows: [n_rows] what to add.
        partition_by: Columns that become folders.
        after: Version to build on; whatever a killed writer left behind it is stepped back over. None starts anew.
    """
    uri, options = store.uri(key), store.options()
    if after is not None:
        table = DeltaTable(uri, storage_options=options)
        if table.version() != after:
            table.restore(after)
    mode = "overwrite" if after is None else "append"
    write_deltalake(uri, rows.to_arrow(), mode=mode, partition_by=partition_by, storage_options=options)
    return int(DeltaTable(uri, storage_options=options).version())


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
    if version(store, key) is None:
        write_deltalake(uri, rows.to_arrow(), mode="append", partition_by=columns, storage_options=options)
        return
    predicate = " AND ".join(f"{name} = '{value}'" for name, value in partition.items())
    write_deltalake(
        uri,
        rows.to_arrow(),
        mode="overwrite",
        predicate=predicate,
        partition_by=columns,
        schema_mode="merge",
        storage_options=options,
    )
