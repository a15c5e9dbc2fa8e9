"""Whether a feed would bring into the lake what no model may know, by what its source calls it: no more is seen."""

from datetime import date

from pipelines.base.contracts import TABLES
from pipelines.ingest.feeds import Feed


def banned_names(feed: Feed, day: date) -> list[str]:
    """Columns and measures of the lake that a feed fills from what is called what no model may know.

    Args:
        feed: Its declaration.
        day: From which on a law's bans count, see `law.banned`.

    Returns:
        Table and column, or measure, of each, in order. Not of what becomes a pseudonym, nor of the country, which the
        contract asks for and which may stand in an address.
    """
    from pipelines.fairness import law  # a quarter of a second, of whoever asks

    lake = [mapped for mapped in feed.tables if TABLES[mapped.table].zone == "lake"]
    sources = {
        f"{mapped.table}.{name}": set(rule.columns())
        for mapped in lake
        for name, rule in mapped.columns.items()
        if rule.person is None and name != "country_code"
    }
    for mapped in lake:  # a measure becomes an input by its code
        told = mapped.unpivot.columns if mapped.unpivot else {}
        sources |= {f"{mapped.table}.{code}": {source, code} for source, code in told.items()}
    hits = law.banned({source for some in sources.values() for source in some}, day)
    return sorted(where for where, some in sources.items() if not hits.keys().isdisjoint(some))
