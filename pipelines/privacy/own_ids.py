"""Which of a vendor's own ids are one person's: by them an erasure knows rows that name nobody by a rule.

A row that has several ids, or ids and somebody whom its feed's rules name, says that they belong together. Ids that
lead to a person in this way, over however many rows, are theirs, unless they lead to somebody else as well. Landed
files are all that is asked, and what has been rewritten says nothing any more: what was found goes into the group of
hashes before any is.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import polars as pl

from pipelines.base import forgotten
from pipelines.base.forgotten import Group
from pipelines.base.store import Store
from pipelines.ingest.persons import KIND, PERSON, VALUE
from pipelines.ingest.read import ROW

NOBODY: Final = ""
"""The kind of a pseudonym, which is no vendor's."""
_OF_SEVERAL: Final = " of several"
"""Behind the kind of an id that leads to somebody else, too."""
NODE: Final = [KIND, VALUE]
_NODES: Final = pl.Schema({KIND: pl.String(), VALUE: pl.String()})
_OTHER: Final = {name: f"{name}_other" for name in NODE}


@dataclass(frozen=True, slots=True)
class Links:
    """What rows of files say belongs together."""

    edges: pl.DataFrame
    """[n] kind, value, kind_other, value_other: in both directions. The kind of a pseudonym is empty."""
    told: pl.DataFrame
    """[n] kind, value: ids of which some feed's own rules say whose they are, or that they are nobody's."""


def links(rows: Iterable[tuple[pl.DataFrame, pl.DataFrame, bool]]) -> Links:
    """What belongs together.

    Args:
        rows: Of parts of files: [n] source_row, kind, value of ids; [n] source_row, person_id; and whether the feed
            tells by itself whom its rows are about.
    """
    edges, told = [pl.DataFrame(schema=_NODES | {new: pl.String() for new in _OTHER.values()})], _NODES.to_frame()
    for ids, named, is_telling in rows:
        people = named.select(ROW, pl.lit(NOBODY).alias(KIND), pl.col(PERSON).alias(VALUE))
        nodes = pl.concat([ids, people.join(ids, on=ROW, how="semi")])
        pairs = nodes.join(nodes.rename(_OTHER), on=ROW).select(edges[0].columns)
        edges = [pl.concat([*edges, pairs.filter(pl.struct(NODE) != pl.struct(*_OTHER.values()))]).unique()]
        if is_telling:
            told = pl.concat([told, ids.select(NODE)]).unique()
    return Links(edges[0], told)


def widened(store: Store, one: Group, said: Links) -> tuple[Group, pl.DataFrame]:
    """A person with the ids that are theirs.

    Args:
        store: Holds who was forgotten before.
        one: The person.
        said: From `links`.

    Returns:
        The person, by more hashes; and [n] kind, value of ids of which it is known whose they are.
    """
    nodes = pl.concat([said.edges.select(NODE), said.told]).unique()
    people = nodes.filter(pl.col(KIND) == NOBODY)
    is_mine = one.holds(people[VALUE])
    ids = nodes.filter(pl.col(KIND) != NOBODY)
    known, several = _marked(ids, one)
    mine = _reached(said.edges, pl.concat([people.filter(is_mine), known, several]), people.filter(~is_mine))
    others = _reached(said.edges, pl.concat([people.filter(~is_mine), several]), people.filter(is_mine))
    theirs = mine.join(others, on=NODE, how="anti").filter(pl.col(KIND) != NOBODY)
    shared = mine.join(others, on=NODE, how="semi").filter(pl.col(KIND) != NOBODY)
    found = [*theirs.rows(), *((f"{kind}{_OF_SEVERAL}", value) for kind, value in shared.rows())]
    return one | forgotten.group(store, (), found), _reached(said.edges, said.told, _NODES.to_frame())


def rows_of(ids: pl.DataFrame, one: Group, told: pl.DataFrame) -> tuple[set[int], set[int]]:
    """Rows that are a person's by an id, and those of which nobody can say it.

    Args:
        ids: [n] source_row, kind, value.
        one: The person, and `told`: from `widened`.
        told: [n] kind, value.
    """
    known, several = _marked(ids.select(NODE).unique(), one)
    theirs = set(ids.join(known, on=NODE, how="semi")[ROW])
    unknown = ids.join(told, on=NODE, how="anti").join(known, on=NODE, how="anti")
    return theirs, (set(unknown[ROW]) | set(ids.join(several, on=NODE, how="semi")[ROW])) - theirs


def _marked(ids: pl.DataFrame, one: Group) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Ids that a group of hashes has as theirs, and as those of several."""
    theirs = [row for row in ids.rows() if one.has(*row)]
    several = [row for row in ids.rows() if one.has(f"{row[0]}{_OF_SEVERAL}", row[1])]
    first, second = (pl.DataFrame(rows, schema=_NODES, orient="row") for rows in (theirs, several))
    return first.join(second, on=NODE, how="anti"), second


def _reached(edges: pl.DataFrame, start: pl.DataFrame, closed: pl.DataFrame) -> pl.DataFrame:
    """All that can be reached, but for people who are others: what is theirs leads no further."""
    seen = new = start.unique()
    while len(new):
        new = edges.join(new, on=NODE, how="semi").select(pl.col(new).alias(old) for old, new in _OTHER.items())
        new = new.unique().join(seen, on=NODE, how="anti").join(closed, on=NODE, how="anti")
        seen = pl.concat([seen, new])
    return seen
