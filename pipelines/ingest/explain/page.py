"""What was explained, as text for a terminal."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from pipelines.ingest.explain import ColumnOfFile, Explained, Outcome, TableOfFile

_LONGEST: Final = 60
"""Characters of a column's name that are shown."""
_TITLES: Final = ("column of the file", "filled", "empty", "becomes", "turned", "rejected", "how")
_LATER: Final = (
    "Not looked at here: what the expectations ask of values (ranges, closed lists, references) and what the lake has "
    "already."
)
_UNASKED: Final = "Nor which days are kept: CANDOR_STORE is not set."


def page(it: Explained) -> str:
    """The whole explanation."""
    lines = [*_head(it), "", *_columns(it), *_tables(it.tables, it.kept_from or {}), *_joins(it.joins)]
    later = [_LATER] if it.kept_from is not None else [_LATER, _UNASKED]
    return "\n".join([*lines, *later] if it.rows is not None else lines).rstrip()


def _head(it: Explained) -> Iterator[str]:
    yield f"{it.feed}: {_verdict(it)}"
    if it.held is not None:
        yield f"  {it.held['message']}"
    name = "declared" if it.is_found else "does not match `files` of the feed, or ends as an unfinished one"
    yield f"  name       {name}" + (f"; period {it.period}" if it.period else "")
    if it.is_in_place is not None:
        yield f"  place      {'below the feed' if it.is_in_place else 'not below the feed'}'s location"
    if not it.is_ready:
        yield "  complete   not yet, by the feed's `ready`: a run waits for it"
    if it.extracted_at is not None:
        yield f"  written at {it.extracted_at}"
    if it.rows is not None:
        became = " + ".join(f"{it.rows[name]} {name}" for name in ("accepted", "quarantined", "filtered"))
        yield f"  rows       {it.rows['in']} in = {became}"
        yield from (f"             {reason} {count}" for reason, count in it.rows["reasons"].items())


def _verdict(it: Explained) -> str:
    if it.held is not None:
        return f"the file would be held: {it.held['reason_code']}"
    if not it.is_found:
        return "a run would pass the file over"
    rejected = it.rows["quarantined"] if it.rows else 0
    return f"the file would be taken in; {rejected} of its rows rejected" if rejected else "the file would be taken in"


def _columns(it: Explained) -> Iterator[str]:
    if it.hidden_columns:
        yield f"{it.hidden_columns} columns, none of which the feed names: is the first line a header?"
        yield ""
    if it.columns:
        yield from _aligned([_TITLES, *(row for column in it.columns for row in _column(column))])
        yield ""
    if it.garbled:
        cells = ", ".join(f"{shown(name)} {count}" for name, count in sorted(it.garbled.items()))
        yield f"text that looks broken before it came here, by cells: {cells}. A run takes it as it is: ask the source"
        yield ""
    if it.banned:
        yield (
            f"filled from a column that is called what no model may know: {', '.join(it.banned)}. Map it to "
            "`protected`, which only audits read, or leave it out"
        )
        yield ""
    for kind, wanted in (("required", True), ("optional", False)):
        names = [shown(name) for name, is_required in it.absent.items() if is_required is wanted]
        if names:
            yield f"{kind} columns that the file lacks: {', '.join(names)}"
            yield ""


def _column(column: ColumnOfFile) -> Iterator[tuple[str, ...]]:
    first = (shown(column.name), str(column.filled), str(column.empty))
    if column.never:
        yield (*first, "never read", "", "", column.never)
    elif not column.becomes:
        yield (*first, "not read", "", "", "")
    for outcome in column.becomes:
        yield (*first, *_outcome(outcome))
        first = ("", "", "")


def _outcome(outcome: Outcome) -> tuple[str, ...]:
    return (
        outcome.to,
        "" if outcome.turned is None else str(outcome.turned),
        _counts(outcome.rejected),
        outcome.how,
    )


def _tables(tables: Iterable[TableOfFile], kept_from: Mapping[str, str]) -> Iterator[str]:
    for table in tables:
        yield f"{table.table}: {table.rows} rows" + (f"; rejected: {_counts(table.rejected)}" if table.rejected else "")
        if table.table in kept_from:
            beyond = table.beyond_retention
            yield f"  nothing is kept of days before {kept_from[table.table]}: {beyond} of these rows are left out"
        for outcome in table.given:
            yield f"  {outcome.to.partition('.')[2]}: {outcome.how}"
        if table.lacking:
            yield f"  required, but nothing in the file gives it: {', '.join(table.lacking)}"
        if table.unfilled:
            yield f"  optional and without a rule: {', '.join(table.unfilled)}"
    if tables:
        yield ""


def _joins(joins: Mapping[str, str]) -> Iterator[str]:
    for name, said in joins.items():
        yield f"looked up in {name}: {said}" + ("" if said == "found" else "; its columns are empty here")
    if joins:
        yield ""


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{reason} {count}" for reason, count in counts.items())


def _aligned(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Rows in columns: numbers to the right, and `how` last as it is long."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            cell.rjust(width) if number in (1, 2, 4) else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()


def shown(name: str) -> str:
    """A name out of a file, safe for a terminal and not too long."""
    safe = "".join(letter if letter.isprintable() else "?" for letter in name)
    return safe if len(safe) <= _LONGEST else f"{safe[: _LONGEST - 1]}…"
