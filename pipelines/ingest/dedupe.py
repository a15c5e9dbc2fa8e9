"""Leave out what says nothing new: rows equal to the version before them, in the file, the batch or the lake."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

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
_FILE: Final = "file_id"
_DUPLICATE: Final = "duplicate_row"
UNCHANGED: Final = "unchanged_row"
_REPLACED: Final = "replaced_row"
_EXPORT: Final = "_export"
_ALONE: Final = -1
_UNITS: Final = 1 << 40
"""More exports than there are."""
_NO_EXPORT: Final = pl.lit(None, dtype=pl.Int64).alias(_EXPORT)


@dataclass(frozen=True, slots=True)
class Whole:
    """Files that tell all there is of what they tell of, by `unit_no`: what one tells no more was taken back."""

    file: Mapping[int, str]
    """Its own digest."""
    feed: Mapping[int, Collection[str]]
    """Digests of the files of its feed, its own among them."""
    units: Mapping[int, str] = field(default_factory=dict)
    """Digests of all files, also of those that do not tell all there is."""
    exports: Mapping[str, int] = field(default_factory=dict)
    """Digest -> number of its export, of files that were written with others: what such pages say is said at once."""

    def export(self, number: int | None) -> int | None:
        """The export of a unit; None where it is a file alone."""
        return None if number is None else self.exports.get(self.units.get(number, ""))


NONE: Final = Whole({}, {})


def versions(store: Store, manifest: Manifest | None, table: Table) -> pl.DataFrame:
    """Key digest, `known_from`, record digest and file of versions that were published, and when slices hold of what.

    Args:
        store: The zones.
        manifest: The lake's state; None while it is empty.
        table: The canonical table.

    Returns:
        [n_versions] rows in the order in which they were published; for tables of the vault only the newest version of
        each key, and not of which file.
    """
    lies = table.slices.columns if table.slices else ()
    if manifest is None or table.name not in manifest.tables:
        told = {"known_from": pl.Datetime("us", "UTC"), DIGEST: pl.String()}
        of_file = {_FILE: pl.String()} if table.zone == "lake" else {}
        return pl.DataFrame(
            schema={_KEY: pl.UInt64(), **told, **{name: table.schema[name] for name in lies}, **of_file}
        )
    columns = [pl.struct(table.key).hash().alias(_KEY), pl.col("known_from", DIGEST, *lies)]
    if table.zone != "lake":
        return vault.read(store, table.name, manifest).select(columns)
    frame = Lake(store).scan(table.name, manifest)
    wanted = frame.select({*table.key, *lies, "known_from", DIGEST, _FILE, *_PUBLISHED})
    return wanted.collect().sort(_PUBLISHED).select(*columns, _FILE)


def of_newest(frame: pl.DataFrame, table: Table, files: Sequence[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Leave out what a file says of what another of its name, which came after it, says something of as well.

    Args:
        frame: [n_rows] as for `dedupe`.
        table: Their contract.
        files: What each unit's file is called, by `unit_no`; of those of one name the newest is the last.

    Returns:
        The rows, and (unit_no, source_row, reason_code) of the rest, which have the same `known_from` as the others.
    """
    if len(set(files)) == len(files):
        return frame, frame.clear().select(UNIT, "source_row", pl.lit(_REPLACED).alias("reason_code"))
    named = pl.col(UNIT).replace_strict(range(len(files)), pl.Series(files), return_dtype=pl.String)
    about = table.slices.of if table.slices else table.key
    is_newest = pl.col(UNIT) == pl.col(UNIT).max().over(*about, "known_from", named)
    gone = frame.filter(~is_newest).select(UNIT, "source_row", pl.lit(_REPLACED).alias("reason_code"))
    return frame.filter(is_newest), gone


def dedupe(
    frame: pl.DataFrame, table: Table, before: pl.DataFrame, whole: Whole = NONE
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split rows into news and repetitions.

    Args:
        frame: [n_rows] canonical rows with `unit_no`, `source_row`, `known_from`, `extracted_at`.
        table: Their contract.
        before: Published versions, from `versions`.
        whole: Which files leave out what is no more.

    Returns:
        The news, and (unit_no, source_row, reason_code) of the rest. The news have their `record_sha256`, unless no key
        comes twice or came before, so that no row had to be compared with another. A row that differs from a version
        with the very same `known_from` is a restatement: nobody knew it before its file was written, so `known_from`
        becomes that. A slice that is told again after another took some of its days is news: it takes them back. So is
        a row with a moment of its source as of before what the same feed told since and tells no more: what was taken
        back need not change the moment of what it leaves, and nobody knew of that before the file was written. Pages of
    one export neither restate one another nor take days from what another one tells.
    """
    rows = frame.with_columns(pl.struct(table.key).hash().alias(_KEY))
    if _are_all_new(rows, before):
        return frame, frame.clear().select(UNIT, "source_row", pl.lit(_DUPLICATE).alias("reason_code"))
    moments = frame["extracted_at"].unique().sort().to_list() if whole.file or table.slices else []
    if len(moments) <= 1:
        return _dedupe(rows, table, before, whole)
    news: list[pl.DataFrame] = []
    gone: list[pl.DataFrame] = []
    placed = rows.with_row_index("_place")
    for moment in moments:  # what one file told the next may have taken back
        kept, left_out = _dedupe(placed.filter(pl.col("extracted_at") == moment), table, before, whole)
        before = pl.concat([before, _as_versions(kept, table, whole).select(before.columns)])
        news.append(kept)
        gone.append(left_out)
    return pl.concat(news).sort("_place").drop("_place"), pl.concat(gone)


def _as_versions(kept: pl.DataFrame, table: Table, whole: Whole) -> pl.DataFrame:
    """News as `versions` will have them."""
    file = pl.col(UNIT).replace_strict({**whole.units, **whole.file}, default=None, return_dtype=pl.String)
    return kept.with_columns(pl.struct(table.key).hash().alias(_KEY), file.alias(_FILE))


def _dedupe(rows: pl.DataFrame, table: Table, before: pl.DataFrame, whole: Whole) -> tuple[pl.DataFrame, pl.DataFrame]:
    rows = rows.with_columns(digests(rows, table)).with_row_index("_order")
    rows = rows.with_columns(_of_export(rows[UNIT].unique(), whole.export, pl.col(UNIT)))
    files = before[_FILE].unique() if _FILE in before.columns else pl.Series(_FILE, [], dtype=pl.String)
    before = before.with_columns(_of_export(files, whole.exports.get, pl.col(_FILE)) if len(files) else _NO_EXPORT)
    rows = _known_by_file(rows, _left(rows, before, table.slices, whole))
    rows, gone = _drop_repetitions(rows, before, table.slices)
    restated = _restated(rows, before)
    if restated.any():
        rows, more = _drop_repetitions(_known_by_file(rows, restated), before, table.slices)
        gone = pl.concat([gone, more])
    return rows.sort("_order").drop(_KEY, "_order", _EXPORT), gone


def _of_export(values: pl.Series, number: Callable[[Any], int | None], of: pl.Expr) -> pl.Expr:
    """Of which export a column's units or files are; null for those alone."""
    found = {value: made for value in values.to_list() if (made := number(value)) is not None}
    return (of.replace_strict(found, default=None, return_dtype=pl.Int64) if found else _NO_EXPORT).alias(_EXPORT)


def _known_by_file(rows: pl.DataFrame, which: pl.Series) -> pl.DataFrame:
    """`rows`, and those of `which` were not known before their file was written."""
    return rows.with_columns(
        known_from=pl.when(which).then(pl.col("extracted_at")).otherwise(pl.col("known_from")),
        known_from_basis=pl.when(which).then(pl.lit("observed")).otherwise(pl.col("known_from_basis")),
    )


def digests(frame: pl.DataFrame, table: Table) -> pl.Series:
    """[n_rows] `record_sha256` of canonical rows: the digest of what the contract has of them."""
    return row_digests(frame.select(table.schema.names())).alias(DIGEST)


def _are_all_new(rows: pl.DataFrame, before: pl.DataFrame) -> bool:
    """Whether no key comes twice or was published: nothing can repeat or restate anything then."""
    return rows[_KEY].n_unique() == len(rows) and not rows[_KEY].is_in(before[_KEY].implode()).any()


def _in_order(rows: pl.DataFrame, before: pl.DataFrame) -> pl.DataFrame:
    """New and published versions of the same keys in the order of time; published ones have no `_order`."""
    slim = rows.select(_KEY, "known_from", DIGEST, UNIT, "_order", _EXPORT)
    old = before.join(slim.select(_KEY).unique(), on=_KEY, how="semi").with_columns(
        pl.lit(None, dtype=slim.schema[UNIT]).alias(UNIT), pl.lit(None, dtype=pl.UInt32).alias("_order")
    )
    both = pl.concat([old.select(slim.columns), slim.with_columns(pl.col("_order").cast(pl.UInt32))])
    # Of versions of one moment that which was published last counts.
    return both.sort(_KEY, "known_from", "_order", nulls_last=False, maintain_order=True)


def _lined_up(rows: pl.DataFrame, before: pl.DataFrame) -> pl.DataFrame:
    """New versions in the order of time, each beside its predecessor of the same key, new or published."""
    both = _in_order(rows, before)
    same = pl.col(_KEY) == pl.col(_KEY).shift(1)
    is_other = pl.col("_order").is_null() | (~same | (pl.col(DIGEST) != pl.col(DIGEST).shift(1))).fill_null(value=True)
    return both.with_columns(
        _prior_digest=pl.when(same).then(pl.col(DIGEST).shift(1)),
        _told_since=pl.when(is_other).then(pl.col("known_from")).forward_fill(),
        _told_export=pl.when(is_other).then(pl.col(_EXPORT).fill_null(_ALONE)).forward_fill(),
        _prior_unit=pl.when(same).then(pl.col(UNIT).shift(1)),
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
    told = repeated.filter(pl.col("_told_since") < pl.col("known_from"))
    told = told.select("_order", "_told_since", "_told_export")
    told = rows.select("_order", _KEY, "known_from", *slices.columns, _EXPORT).join(told, on="_order")
    lies = [_KEY, "known_from", *slices.columns, _EXPORT]
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
    # What is told in the same breath takes nothing away: the thing has both.
    other = pl.col(f"{_EXPORT}_other")
    is_with_it = ((other == pl.col(_EXPORT)) | (other == pl.col("_told_export"))).fill_null(value=False)
    pairs = pairs.filter(~is_with_it)
    beside = rows.select(pl.col(_KEY).alias(f"{_KEY}_other"), "known_from")
    pairs = pairs.join(beside, on=[f"{_KEY}_other", "known_from"], how="anti")
    return pairs.select("_order").unique()


def _left(rows: pl.DataFrame, before: pl.DataFrame, slices: Slices | None, whole: Whole) -> pl.Series:
    """[n_rows] bool: told as of before, and what the feed told since of the same it tells no more."""
    is_whole = pl.col(UNIT).is_in(list(whole.feed)) & (pl.col("extracted_at") > pl.col("known_from"))
    again = rows.filter(is_whole, pl.col("known_from") == pl.col("known_from").max().over(_KEY, UNIT))
    if again.is_empty() or _FILE not in before.columns:
        return pl.repeat(value=False, n=len(rows), dtype=pl.Boolean, eager=True)
    about = ["_order", _KEY, DIGEST, UNIT, "known_from", "extracted_at", *(slices.columns if slices else ())]
    again = again.join(before, on=[_KEY, "known_from", DIGEST], how="semi").select(about)
    files = pl.DataFrame(
        [(unit, file) for unit, others in whole.feed.items() for file in others],
        schema={UNIT: rows.schema[UNIT], _FILE: pl.String},
        orient="row",
    )
    by_then = pl.col("known_from_other").is_between("known_from", "extracted_at", closed="none")
    told_no_more = before.join(rows, on=[_KEY, DIGEST], how="anti")
    # The version known last by the file, when it is the feed's own and another one.
    last = again.join(before, on=_KEY, suffix="_other", maintain_order="left_right").filter(by_then)
    last = last.sort("known_from_other", maintain_order=True).unique("_order", keep="last", maintain_order=True)
    # The file tells that version still only by a row that is later than this one: histories begin with what was first.
    told = rows.select(_KEY, pl.col(DIGEST).alias(f"{DIGEST}_other"), pl.col("known_from").alias("_at"))
    later = last.join(told, on=[_KEY, f"{DIGEST}_other"]).filter(pl.col("_at") > pl.col("known_from"))
    other = last.filter(pl.col(DIGEST) != pl.col(f"{DIGEST}_other")).join(later, on="_order", how="anti")
    found = [other.join(files, on=[UNIT, _FILE], how="semi").select("_order")]
    if slices is not None:
        of_others = told_no_more.join(rows, on=_KEY, how="anti")
        pairs = again.join(of_others, on=list(slices.of), suffix="_other")
        pairs = pairs.filter(pl.col(_KEY) != pl.col(f"{_KEY}_other"), by_then, overruling(slices, "_other"))
        found.append(pairs.join(files, on=[UNIT, _FILE], how="semi").select("_order"))
    return rows["_order"].is_in(pl.concat(found)["_order"].implode())


def _restated(rows: pl.DataFrame, before: pl.DataFrame) -> pl.Series:
    """[n_rows] bool: another file, of another export, said otherwise for the very same moment."""
    both = _in_order(rows, before)
    version = [_KEY, "known_from"]
    is_again = pl.all_horizontal(pl.col(name) == pl.col(name).shift(1) for name in version).fill_null(value=False)
    both = both.join(both.filter(is_again).select(version).unique(), on=version, how="semi", maintain_order="left")
    # Whose a version is: of an export, else of its file; of one that was published alone, nobody's.
    whose = pl.coalesce(pl.col(_EXPORT), pl.col(UNIT).cast(pl.Int64) + _UNITS, pl.lit(_ALONE))
    both = both.with_columns(_whose=whose)
    told = [bound.shift(1).over(version) for bound in (pl.col("_whose").cum_min(), pl.col("_whose").cum_max())]
    is_after_others = pl.any_horizontal((bound != pl.col("_whose")).fill_null(value=False) for bound in told)
    orders = both.filter(pl.col("_order").is_not_null(), is_after_others)["_order"]
    late = rows["extracted_at"] > rows["known_from"]
    return rows["_order"].is_in(orders.implode()) & late
