"""Which rows only tell again of people of whom retention let go: that they are, who they are, what they declared.

Somebody is known again by anything else that is told of them: a row of another table, now or before, one that their
source says is of a later day, one that says something else. They come in whole then, however old what is said of
themselves; but of what was told before the day, only the newest. Who is linked to somebody who is known is known.
"""

from collections.abc import Iterable, Mapping
from typing import Final

import polars as pl

from pipelines.base import forgotten, retired, vault
from pipelines.base.catalog import VAULT
from pipelines.base.contracts import TABLES, Table
from pipelines.base.lake import OWN, Lake, told_on
from pipelines.base.people import representatives
from pipelines.base.retired import BEFORE, CANDIDATES, Retired

_PLACE: Final = "_place"
_LINK: Final = ("person_id", "linked_person_id")
Rows = Mapping[str, pl.LazyFrame]


def retold(lake: Lake, rows: Rows) -> dict[str, pl.Series]:
    """Rows of a batch that tell nothing but what was let go.

    Args:
        lake: What is known by now.
        rows: Table -> canonical rows to be published, without those that happened before days that are kept.

    Returns:
        Table -> [n] which of its rows, counted from 0; tables without any are absent.
    """
    told = [name for name in rows if name in OWN or TABLES[name].zone != "lake"]
    old = {name: found for name in told if len(found := _old(lake, TABLES[name], rows[name]))}
    if not old:
        return {}
    known = lake.people() | _people(frame for name, frame in rows.items() if name not in told)
    known |= _people(_except(rows[name], old.get(name)) for name in told if name in OWN)
    known = _with_linked(lake, rows, known)
    gone = {name: _gone(lake, TABLES[name], rows[name], found, known) for name, found in old.items()}
    return {name: places for name, places in gone.items() if len(places)}


def left(rows: Rows, gone: Mapping[str, pl.Series]) -> dict[str, pl.LazyFrame]:
    """Rows without those that `retold` found."""
    return {name: _but(frame, gone[name]) if name in gone else frame for name, frame in rows.items()}


def _old(lake: Lake, table: Table, rows: pl.LazyFrame) -> pl.DataFrame:
    """[n] place, key, known_from and whom rows are about that tell of a day before people were let go, or the same."""
    gone = retired.read(lake.store, CANDIDATES, *([VAULT] if table.zone != "lake" else []))
    who = forgotten.about(table.schema)
    if gone.marks.is_empty():
        return pl.DataFrame()
    people = pl.concat([rows.select(pl.col(name).alias("")).unique().collect().to_series() for name in who])
    days = gone.days(people)
    if days.is_empty():
        return pl.DataFrame()
    day = [pl.col(name).replace_strict(days["person_id"], days[BEFORE], default=None) for name in who]
    wanted = rows.with_row_index(_PLACE).filter(pl.all_horizontal(one.is_not_null() for one in day))
    columns = {*table.key, *who, "known_from", "known_from_basis", "record_sha256"}
    found = wanted.select(_PLACE, *sorted(columns), is_old=told_on(table) < pl.min_horizontal(day)).collect()
    return found.filter(pl.col("is_old") | _is_same(found, gone)).drop("is_old")


def _is_same(rows: pl.DataFrame, gone: Retired) -> pl.Series:
    """[n] bool: rows that were let go and seem as new as their file, since no source gave them a moment."""
    return gone.repeats(rows["record_sha256"]) & (rows["known_from_basis"] != "source")


def _with_linked(lake: Lake, rows: Rows, known: set[str]) -> set[str]:
    """People, and all whom links of lake or batch say to be one of them."""
    manifest, links = lake.manifest(), [frame.select(_LINK) for name, frame in rows.items() if name == "person_links"]
    if manifest is not None and "person_links" in manifest.tables:
        links.append(lake.scan("person_links", manifest).select(_LINK))
    human = representatives(pl.concat(links).unique().collect()) if links else {}
    humans = {human[person] for person in known if person in human}
    return known | {person for person, own in human.items() if own in humans}


def _gone(lake: Lake, table: Table, rows: pl.LazyFrame, old: pl.DataFrame, known: set[str]) -> pl.Series:
    """Places of old rows about nobody who is known, and of those that something newer has taken the place of."""
    is_known = pl.any_horizontal(pl.col(name).is_in(list(known)) for name in forgotten.about(table.schema))
    again, gone = old.filter(is_known), old.filter(~is_known)[_PLACE]
    if again.is_empty():
        return gone
    key = list(table.key)
    versions = pl.concat([rows.select(*key, "known_from"), _held(lake, table).select(*key, "known_from")])
    theirs = versions.join(again.lazy().select(key).unique(), on=key, how="semi", nulls_equal=True)
    last = theirs.group_by(key).agg(pl.col("known_from").max().alias("_last")).collect()
    told = again.join(last, on=key, nulls_equal=True)
    return pl.concat([gone, told.filter(pl.col("known_from") < pl.col("_last"))[_PLACE]])


def _held(lake: Lake, table: Table) -> pl.LazyFrame:
    """What is in the lake or the vault of a table."""
    manifest = lake.manifest()
    if manifest is None or table.name not in manifest.tables:
        return pl.LazyFrame(schema={**table.schema, "known_from": pl.Datetime("us", "UTC")})
    is_in_lake = table.zone == "lake"
    return lake.scan(table.name, manifest) if is_in_lake else vault.read(lake.store, table.name, manifest).lazy()


def _except(rows: pl.LazyFrame, old: pl.DataFrame | None) -> pl.LazyFrame:
    return rows if old is None else _but(rows, old[_PLACE])


def _but(rows: pl.LazyFrame, places: pl.Series) -> pl.LazyFrame:
    return rows.with_row_index(_PLACE).filter(~pl.col(_PLACE).is_in(places.implode())).drop(_PLACE)


def _people(frames: Iterable[pl.LazyFrame]) -> set[str]:
    """Everybody whom rows name."""
    found = set[str]()
    for frame in frames:
        for column in frame.collect_schema().names():
            if column.endswith("person_id"):
                found |= {*frame.select(pl.col(column).unique().drop_nulls()).collect().to_series()}
    return found
