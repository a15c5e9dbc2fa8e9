"""A feed's rules in words: which columns of a file each reads, what becomes of them, and how."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from pipelines.base.contracts import TABLES, Column
from pipelines.ingest.expressions import moved_days
from pipelines.ingest.feeds import Feed
from pipelines.ingest.map import KNOWN_FROM
from pipelines.ingest.rules import Condition, Explode, Join, Rule, TableMap

_MARK: Final = {"point": "number with a decimal point", "comma": "number with a decimal comma"}


@dataclass(frozen=True, slots=True)
class Use:
    """One thing that a feed does with a column of its file."""

    column: str
    """The file's column; empty for what no column gives."""
    to: str
    how: str
    number: int = -1
    """Which of the feed's tables; -1 where nothing is filled."""
    target: str = ""
    """The canonical column that is filled."""
    code: str = ""
    """Where columns become rows: the code of this one's."""


def uses(feeds: Mapping[str, Feed], feed: Feed) -> list[Use]:
    """All uses of a feed's columns, in the order of its declaration; then those of feeds that look things up in it."""
    found = [*_rows(feed.rows, "every table"), *_joins(feed.join)]
    for number, mapped in enumerate(feed.tables):
        taken = {new for join in (*feed.join, *mapped.join) for new in join.made()}
        found += [*_composed(mapped), *_joins(mapped.join), *_rows(mapped.rows, mapped.table, mapped.explode)]
        ruled = [(column, mapped.columns.get(column.name)) for column in TABLES[mapped.table].columns]
        for column, rule in [*ruled, (KNOWN_FROM, mapped.known_from)]:
            if rule is not None:
                found += [replace(use, number=number) for use in _filled(rule, column, mapped, taken)]
    found += [Use(column, "erasure", f"whose a row is, by {kind}") for kind, column in feed.own_ids.items()]
    joins = [(name, join) for name, other in feeds.items() for join in other.joins if join.feed == feed.name]
    return list(dict.fromkeys([*found, *(use for name, join in joins for use in _taken(name, join))]))


def _taken(name: str, join: Join) -> Iterator[Use]:
    """What another feed has of this one's columns."""
    for here, there in join.match.items():
        yield Use(there, name, f"found there by {here}")
    for new, there in join.take.items():
        yield Use(there, name, f"taken there as {new}")
    for there in join.there():
        if there not in {*join.match.values(), *join.take.values()}:
            yield Use(there, name, "decides there which row is found")


def _rows(conditions: Iterable[Condition], where: str, explode: Explode | None = None) -> Iterator[Use]:
    for condition in conditions:
        if condition.among is not None:
            test = f"where it is one of {len(condition.among)} declared texts"
        elif condition.not_among is not None:
            test = f"where it is none of {len(condition.not_among)} declared texts"
        elif condition.like is not None:
            test = f"where it looks like {condition.like}"
        elif condition.above is not None and condition.ranks:
            test = f"unless it stands no further than {condition.above} in an order of {len(condition.ranks)} texts"
        elif condition.above is not None:
            test = f"where it is above {condition.above}"
        else:
            test = "where it is filled" if condition.filled else "where it is empty"
        is_member = explode is not None and condition.column.startswith(f"{explode.column}.")
        column = explode.column if explode is not None and is_member else condition.column
        done = "rejected" if condition.reject else "filtered"
        yield Use(column, where, f"rows are kept {test}; others are {done} as {condition.reason}")


def _composed(mapped: TableMap) -> Iterator[Use]:
    """Cells that become a text together."""
    if mapped.compose is not None:
        for name, heading in mapped.compose.sections.items():
            below = f" below {heading}" if heading else " on top"
            yield Use(name, f"{mapped.table} as {mapped.compose.made[0]}", f"a part of the text{below}, redacted")
        for name in mapped.compose.names:
            yield Use(name, f"{mapped.table} as {mapped.compose.made[0]}", "a name that goes from the text")


def _joins(joins: Iterable[Join]) -> Iterator[Use]:
    for join in joins:
        for here, there in join.match.items():
            which = "latest" if join.latest else "earliest"
            among = f", the {which} by {', '.join(join.chosen)}" if join.chosen else ""
            yield Use(here, join.other, f"looked up there as {there}{among}")


def _filled(rule: Rule, column: Column, mapped: TableMap, taken: set[str]) -> Iterator[Use]:
    """Uses of one rule. Columns that other files give are no columns of this one."""
    name = column.name
    to, how = f"{mapped.table}.{name}", in_words(rule, column)
    if not rule.columns():
        yield Use("", to, how, target=name)
    for source in sorted(rule.columns() - taken):
        if mapped.unpivot is not None and source == mapped.unpivot.value:
            for wide, code in mapped.unpivot.columns.items():
                yield Use(wide, to, _with(f"a row of its own, called {code}", how), target=name, code=code)
        elif mapped.unpivot is not None and source == mapped.unpivot.name:
            yield Use("", to, "the name of the column that became a row", target=name)
        elif mapped.explode is not None and source.startswith(f"{mapped.explode.column}."):
            field = source.removeprefix(f"{mapped.explode.column}.")
            member = "slice that the changes make" if mapped.explode.fold else "member"
            if mapped.explode.latest:
                member += f", the latest by {', '.join(mapped.explode.latest)}"
            yield Use(mapped.explode.column, to, _with(f"{field} of each {member}", how), target=name)
        else:
            yield Use(source, to, how, target=name)
    for source in sorted(rule.columns() & taken):
        yield Use("", to, _with(f"{source} of the file that was looked up", how), target=name)


def in_words(rule: Rule, column: Column) -> str:
    """How a rule fills a column, in the order in which its steps apply."""
    return ", ".join([*_source(rule), *_read(rule, column.kind), *_steps(rule, column)])


def _with(where: str, how: str) -> str:
    return f"{where}; {how}" if how else where


def _source(rule: Rule) -> Iterator[str]:
    if rule.constant is not None:
        yield f"always {str(rule.constant).lower() if isinstance(rule.constant, bool) else rule.constant}"
    if rule.extracted:
        yield "the moment at which the file was written"
    if rule.template is not None:
        yield f"composed as {rule.template}"
    if rule.listed is not None:
        yield f"{rule.listed.field} of its one member, {rule.listed.many} if it has several"
    if isinstance(rule.from_, tuple):
        yield f"the first filled of {', '.join(rule.from_)}"


def _read(rule: Rule, kind: str) -> Iterator[str]:
    if rule.trim:
        yield "trimmed"
    if rule.html:
        yield "without markup"
    if rule.extract is not None:
        yield f"what matches {rule.extract}"
    if rule.absent is not None:
        yield f"{rule.absent!r} when empty"
    for override in rule.override:
        yield f"{override.value} where {override.column} is {override.equals!r}"
    if rule.codes is not None:
        others = {"reject": "others are rejected", "keep": "others are kept", "null": "others become empty"}
        yield f"{len(rule.codes)} codes, {others.get(rule.otherwise, f'others become {rule.otherwise}')}"
    if kind in ("int", "float", "share", "money") and rule.constant is None:
        yield _MARK[rule.number or "point"]
        if rule.thousands is not None:
            yield f"thousands apart by {rule.thousands!r}"
        if rule.accounting:
            yield "(1) and 1- below zero"
    if rule.date is not None:
        yield f"date {rule.date}" + (f" in {rule.zone}" if rule.zone else "") + (", its year" if rule.year else "")
    if rule.moment is not None:
        yield f"moment {rule.moment} in {rule.zone or 'UTC'}"


def _steps(rule: Rule, column: Column) -> Iterator[str]:
    if rule.minus is not None:
        yield f"minus {rule.minus}"
    if rule.plus_days is not None:
        days = (rule.plus_days,) if isinstance(rule.plus_days, str) else rule.plus_days
        yield f"plus the days in {' or '.join(days)}"
    if rule.plus_minutes is not None:
        yield f"plus the minutes in {rule.plus_minutes}"
    if rule.plus is not None:
        yield f"plus {rule.plus:g}"
    if rule.range is not None:
        yield f"{rule.range[0]:g} to {rule.range[1]:g} laid on 0 to 1"
    if rule.clip is not None:
        yield f"cut to {rule.clip[0]:g} to {rule.clip[1]:g}"
    if rule.spread_days is not None:
        yield f"plus 0 to {rule.spread_days - 1} days by {rule.spread_by}"
    if rule.end_of is not None:
        yield f"the end of the {rule.end_of}"
    moved = moved_days(rule, column)
    if moved:
        yield "the day before: it is the first day after" if moved < 0 else "the day after: it is the last day"
    if rule.person is not None:
        yield f"pseudonym of a person, scheme {rule.person}"
    if rule.id is not None:
        yield f"pseudonym {rule.id.prefix}_…, scheme {rule.id.scheme}"
