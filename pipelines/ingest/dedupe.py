"""Leave out what says nothing new: rows equal to the version before them, in the file, the batch or the lake."""

from typing import Final

import polars as pl

from pipelines.base import vault
from pipelines.base.contracts import Slices, Table
from pipelines.base.digests import row_digests
from pipelines.base.lake import Lake, Manifest
from pipelines.base.slices import overruling
from pipelines.base.store import Store

UNIT: Final = "unit_no"
DIGEST: Final = "record_sha256"
_KEY: Final = "_key"
_PUBLISHED: Final = ("published_seq", "source_row")
_DUPLICATE: Final = "duplicate_row"
UNCHANGED: Final = "unchanged_row"


def versions(store: Store, manifest: Manifest | None, table: Table) -> pl.DataFrame:
    """Key digest, `known_from` and record digest of the versions that were published, and when slices hold of what.

    Args:
        store: The zones.
        manifest: The lake's state; None while it is empty.
        table: The canonical table.

    Returns:
        [n_versions] rows in the order in which they were published; for tables of the vault only the newest version of
        each key.
    """
    lies = table.slices.columns if table.slices else ()
    if manifest is None or table.name not in manifest.tables:
        told = {"known_from": pl.Datetime("us", "UTC"), DIGEST: pl.String()}
        return pl.DataFrame(schema={_KEY: pl.UInt64(), **told, **{name: table.schema[name] for name in lies}})
    columns = [pl.struct(table.key).hash().alias(_KEY), pl.col("known_from", DIGEST, *lies)]
    if table.zone != "lake":
        return vault.read(store, table.name, manifest).select(columns)
    frame = Lake(store).scan(table.name, manifest)
    wanted = frame.select({*table.key, *lies, "known_from", DIGEST, *_PUBLISHED})
    return wanted.collect().sort(_PUBLISHED).select(columns)


def dedupe(frame: pl.DataFrame, table: Table, before: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split rows into news and repetitions.

    Args:
        frame: [n_rows] canonical rows with `unit_no`, `source_row`, `known_from`, `extracted_at`.
        table: Their contract.
        before: Published versions, from `versions`.

    Returns:
        The news, and (unit_no, source_row, reason_code) of the rest. The news have their `record_sha256`, unless no key
        comes twice or came before, so that no row had to be compared with another. A row that differs from a version
        with the very same `known_from` is a restatement: nobody knew it before its file was written, so `known_from`
        becomes that. A slice that is told again after another took some of its days is news: it takes them back.
    """
    rows = frame.with_columns(pl.struct(table.key).hash().alias(_KEY))
    if _are_all_new(rows, before):
        return frame, frame.clear().select(UNIT, "source_row", pl.lit(_DUPLICATE).alias("reason_code"))
    rows = rows.with_columns(digests(frame, table)).with_row_index("_order")
    rows, gone = _drop_repetitions(rows, before, table.slices)
    restated = _restated(rows, before)
    if restated.any():
        rows = rows.with_columns(
            known_from=pl.when(restated).then(pl.col("extracted_at")).otherwise(pl.col("known_from")),
            known_from_basis=pl.when(restated).then(pl.lit("observed")).otherwise(pl.col("known_from_basis")),
        )
        rows, more = _drop_repetitions(rows, before, table.slices)
        gone = pl.concat([gone, more])
    return rows.sort("_order").drop(_KEY, "_order"), gone


def digests(frame: pl.DataFrame, table: Table) -> pl.Series:
    """[n_rows] `record_sha256` of canonical rows: the digest of what the contract has of them."""
    return row_digests(frame.select(table.schema.names())).alias(DIGEST)


def _are_all_new(rows: pl.DataFrame, before: pl.DataFrame) -> bool:
    """Whether no key comes twice or was published: nothing can repeat or restate anything then."""
    return rows[_KEY].n_unique() == len(rows) and not rows[_KEY].is_in(before[_KEY].implode()).any()


def _lined_up(rows: pl.DataFrame, before: pl.DataFrame) -> pl.DataFrame:
    """New and published versions in the order of time, each beside its predecessor of the same key."""
    slim = rows.select(_KEY, "known_from", DIGEST, UNIT, "_order")
    old = before.join(slim.select(_KEY).unique(), on=_KEY, how="semi").with_columns(
        pl.lit(None, dtype=slim.schema[UNIT]).alias(UNIT), pl.lit(None, dtype=pl.UInt32).alias("_order")
    )
    both = pl.concat([old.select(slim.columns), slim.with_columns(pl.col("_order").cast(pl.UInt32))])
    # Of versions of one moment that which was published last counts.
    both = both.sort(_KEY, "known_from", "_order", nulls_last=False, maintain_order=True)
    same = pl.col(_KEY) == pl.col(_KEY).shift(1)
    is_other = pl.col("_order").is_null() | (~same | (pl.col(DIGEST) != pl.col(DIGEST).shift(1))).fill_null(value=True)
    return both.with_columns(
        _prior_digest=pl.when(same).then(pl.col(DIGEST).shift(1)),
        _told_since=pl.when(is_other).then(pl.col("known_from")).forward_fill(),
        _prior_unit=pl.when(same).then(pl.col(UNIT).shift(1)),
        _prior_known=pl.when(same).then(pl.col("known_from").shift(1)),
    ).filter(pl.col("_order").is_not_null())


def _drop_repetitions(
    rows: pl.DataFrame, before: pl.DataFrame, slices: Slices | None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    lined = _lined_up(rows, before)
    repeated = lined.filter(pl.col(DIGEST) == pl.col("_prior_digest"))
    if slices is not None:
        repeated = repeated.join(_taking_back(rows, before, repeated, slices), on="_order", how="anti")
    repeated = repeated.select(
        "_order",
        reason_code=pl.when(pl.col("_prior_unit") == pl.col(UNIT))
        .then(pl.lit(_DUPLICATE))
        .otherwise(pl.lit(UNCHANGED)),
    )
    gone = rows.join(repeated, on="_order", how="inner").select(UNIT, "source_row", "reason_code")
    return rows.join(repeated, on="_order", how="anti", maintain_order="left"), gone


def _taking_back(rows: pl.DataFrame, before: pl.DataFrame, repeated: pl.DataFrame, slices: Slices) -> pl.DataFrame:
    """`_order` of repeated slices of which another took some days since they were told first."""
    told = repeated.filter(pl.col("_told_since") < pl.col("known_from")).select("_order", "_told_since")
    told = rows.select("_order", _KEY, "known_from", *slices.columns).join(told, on="_order")
    lies = [_KEY, "known_from", *slices.columns]
    of = list(slices.of)
    spans = told.group_by(of).agg(pl.col("_told_since").min(), pl.col("known_from").max().alias("_told_until"))
    since = pl.col("known_from").is_between(pl.col("_told_since"), pl.col("_told_until"), closed="none")
    # Of most things nothing was told between: pairs of all slices of a thing would be far more.
    others = pl.concat([before.select(lies), rows.select(lies)]).join(spans, on=of).filter(since).select(lies)
    pairs = told.join(others, on=of, suffix="_other").filter(
        pl.col(_KEY) != pl.col(f"{_KEY}_other"),
        pl.col("known_from_other").is_between(pl.col("_told_since"), pl.col("known_from"), closed="none"),
        overruling(slices, "_other"),
    )
    return pairs.select("_order").unique()


def _restated(rows: pl.DataFrame, before: pl.DataFrame) -> pl.Series:
    """[n_rows] bool: another file said otherwise for the very same moment."""
    lined = _lined_up(rows, before)
    same_moment = pl.col("known_from") == pl.col("_prior_known")
    from_elsewhere = pl.col("_prior_unit").is_null() | (pl.col("_prior_unit") != pl.col(UNIT))
    orders = lined.filter(same_moment & from_elsewhere)["_order"]
    late = rows["extracted_at"] > rows["known_from"]
    return rows["_order"].is_in(orders.implode()) & late
