"""Whether a feed would bring into the lake what no model may know, by what its source calls it: no more is seen."""

from collections.abc import Iterable, Mapping
from datetime import date

from pipelines.base.contracts import TABLES
from pipelines.ingest.feeds import Feed
from pipelines.ingest.rules import TableMap


def banned_names(feed: Feed, day: date) -> list[str]:
    """Columns and measures of the lake that a feed fills from what is called what no model may know.

    Args:
        feed: Its declaration.
        day: From which on a law's bans count, see `law.banned`.

    Returns:
        Table and column, or measure, of each, in order; what a join takes counts by its name there, too. Not of what
        becomes a pseudonym, nor of the country, which the contract asks for and which may stand in an address.
    """
    from pipelines.fairness import law  # a quarter of a second, of whoever asks

    lake = [mapped for mapped in feed.tables if TABLES[mapped.table].zone == "lake"]  # several may be of one table
    sources = [
        (f"{mapped.table}.{name}", _called(rule.columns(), _taken(feed, mapped)))
        for mapped in lake
        for name, rule in mapped.columns.items()
        if rule.person is None and name != "country_code"
    ]
    for mapped in lake:  # a measure becomes an input by its code
        told = mapped.unpivot.columns if mapped.unpivot else {}
        sources += [
            (f"{mapped.table}.{code}", _called({source}, _taken(feed, mapped)) | {code})
            for source, code in told.items()
        ]
    hits = law.banned({source for _, some in sources for source in some}, day)
    return sorted({where for where, some in sources if not hits.keys().isdisjoint(some)})


def _called(names: Iterable[str], taken: Mapping[str, str]) -> set[str]:
    """What columns, or groups that they are in, are called here and where a join takes them from."""
    there = {
        column + name.removeprefix(new)
        for name in names
        for new, column in taken.items()
        if f"{name}.".startswith(f"{new}.")
    }
    return {*names} | there


def _taken(feed: Feed, mapped: TableMap) -> dict[str, str]:
    """Columns that joins make for a table -> the columns there whose texts they are."""
    own = (*feed.join, *mapped.join)
    joins = (*own, *(other for join in own for other in join.beside()))
    taken = {new: column for join in joins for new, column in join.take.items()}
    news = [join.timeline.news for join in own if join.timeline and join.timeline.news]
    return taken | {new: taken[one] for said in news for new, one in said.before.items()}
