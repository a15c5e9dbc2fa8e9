"""Rules as Polars expressions: text in, typed canonical values and reason codes out, a whole column at a time.

A value that is absent, null or empty is missing; one that is there and cannot be read is a fault, also in an optional
column: what a source wrote is never dropped silently.
"""

import html
import re
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import zip_longest
from typing import Final, cast

import polars as pl

from pipelines.base.contracts import DTYPES, Column
from pipelines.ingest.cells import BROKEN, Context, cell, decoded, first
from pipelines.ingest.formats import is_timed
from pipelines.ingest.identity import named, named_column
from pipelines.ingest.read import LEAST_MILLISECONDS
from pipelines.ingest.rules import Listed, Rule, template_columns

YEARS: Final = (1900, 2100)
"""Dates outside are unreadable: they come from milliseconds read as seconds and from sentinels nobody declared."""
_FAR: Final = 366 * (YEARS[1] - YEARS[0])
"""Days that lead from no date to another."""
_EPOCHS: Final = {"%s": (1_000_000, r"^-?\d{1,12}$", 0), "%s%3f": (1_000, r"^-?\d{1,15}$", LEAST_MILLISECONDS)}
"""Format -> microseconds of one, what is a number of them (more digits are past any year), and the least far from 0."""
_BLOCKS: Final = (
    r"(?i)</?(?:p|div|br|hr|li|ul|ol|dl|dt|dd|h[1-6]|table|tr|td|th|section|article|blockquote|pre)\b[^>]*>"
)
"""Tags between which a word ends; others may stand within one."""
_NUMBER: Final = {"point": r"^[+-]?(\d+(\.\d*)?|\.\d+)$", "comma": r"^[+-]?(\d+(,\d*)?|,\d+)$"}


@dataclass(frozen=True, slots=True)
class Filled:
    """A canonical column in the making."""

    value: pl.Expr
    fault: pl.Expr
    """Reason code, null where the value is good."""
    steps: tuple[pl.Expr, ...] = ()
    """Columns that `worked_out` adds one after the other: of what value and fault both read, Polars alone would work
    out the inner part again for each."""
    unlisted: pl.Expr | None = None
    """Of a rule with a map of codes that has no word for others: whether the map lacks the cell's; null where empty."""


class _Steps:
    """The steps of one column."""

    def __init__(self, column: str) -> None:
        self._column = column
        self.made: list[pl.Expr] = []

    def add(self, made: pl.Expr) -> pl.Expr:
        """A column for what is worked out; the expression that reads it."""
        name = f"@step|{len(self.made)}|{self._column}"
        self.made.append(made.alias(name))
        return pl.col(name)


def worked_out(frame: pl.LazyFrame, filled: Iterable[Filled]) -> pl.LazyFrame:
    """`frame` with the columns that values and faults read."""
    for together in zip_longest(*(item.steps for item in filled)):
        frame = frame.with_columns(step for step in together if step is not None)
    return frame


def fill(rule: Rule, column: Column, context: Context) -> Filled:
    """A rule's value and fault for a column of the contract.

    Args:
        rule: How to fill it.
        column: What it must become.
        context: The frame's columns, the extraction moment and the key.
    """
    if rule.constant is not None or rule.extracted:
        return Filled(_given(rule, column, context), pl.lit(None, dtype=pl.String))
    made = named_column(rule)
    if made in context.columns:
        return Filled(pl.col(made), pl.when(pl.col(made).is_null() & pl.lit(column.required)).then(pl.lit("missing")))
    parsed_once = moment_column(rule, column.kind)
    if parsed_once in context.columns:
        return _of_moments(pl.col(parsed_once), first(rule.from_ or (), context), column)
    steps = _Steps(column.name)
    text = steps.add(_source(rule, context))
    coded = steps.add(_coded(rule, text)) if rule.codes is not None else text
    value, wrong = _value(rule, coded, column, context, steps)
    is_listed = rule.codes is not None and rule.otherwise in ("reject", "null")
    unlisted = pl.when(text.is_not_null()).then(coded.is_null()) if is_listed else None
    is_refused = unlisted is not None and rule.otherwise == "reject"
    unknown = text.is_not_null() & coded.is_null() if is_refused else pl.lit(value=False)
    missing = value.is_null() if column.required else pl.lit(value=False)
    fault = (
        pl.when(_is_broken(rule, context))
        .then(pl.lit(BROKEN))
        .when(unknown)
        .then(pl.lit("unknown_code"))
        .when(wrong)
        .then(pl.lit("unparsable"))
        .when(missing)
        .then(pl.lit("missing"))
    )
    return Filled(value, fault, tuple(steps.made), unlisted)


def _value(rule: Rule, coded: pl.Expr, column: Column, context: Context, steps: _Steps) -> tuple[pl.Expr, pl.Expr]:
    """A text as a value, and whether there is a text that becomes none."""
    plain = _parsed(rule, coded, column.kind)
    value = parsed = coded if plain is coded else steps.add(plain)
    wrong = pl.lit(value=False) if parsed is coded else coded.is_not_null() & parsed.is_null()
    for operand, step in _arithmetic(rule, context, column.kind):
        number = _number(operand, "point")
        before, value = value, step(value, number)
        wrong = wrong | (operand.is_not_null() & (number.is_null() | (before.is_not_null() & value.is_null())))
    value = _finish(rule, value, column, context)
    value = value if value is parsed else steps.add(value)
    # A strict cast would end the batch at a number of thirty digits, and show it.
    whole = value.cast(DTYPES[column.kind], strict=False)
    return whole, wrong | (value.is_not_null() & whole.is_null()) if column.kind == "int" else wrong


def moment_column(rule: Rule, kind: str) -> str:
    """Where the moments of a bare column stand once they were parsed; empty for other rules.

    What a source says of when it knew something holds for all that it says: several tables ask for the same moments.
    """
    is_alone = set(rule.model_dump(exclude_defaults=True)) == {"from_", "moment"}
    is_bare = kind == "moment" and isinstance(rule.from_, str) and is_alone
    return f"@moment|{rule.moment}|{rule.from_}" if is_bare else ""


def with_moments(frame: pl.DataFrame, rules: Iterable[tuple[Rule, str]], context: Context) -> pl.DataFrame:
    """`frame` with the moments of its bare columns.

    Args:
        frame: [n_rows] cells.
        rules: Rules and the kinds of the columns that they fill.
        context: The frame's columns.
    """
    wanted = {moment_column(rule, kind): rule for rule, kind in rules if rule.from_ in context.columns}
    parsed = {name: _moment(cell(str(r.from_), context), str(r.moment)) for name, r in wanted.items() if name}
    return frame.lazy().with_columns(**{name: value.cast(DTYPES["moment"]) for name, value in parsed.items()}).collect()


def _of_moments(value: pl.Expr, text: pl.Expr, column: Column) -> Filled:
    missing = value.is_null() & pl.lit(column.required)
    unparsable = text.is_not_null() & value.is_null()
    return Filled(value, pl.when(unparsable).then(pl.lit("unparsable")).when(missing).then(pl.lit("missing")))


def _given(rule: Rule, column: Column, context: Context) -> pl.Expr:
    """A value that does not depend on the row, or only by spreading its date."""
    dtype = DTYPES[column.kind]
    if rule.extracted:
        return pl.lit(context.extracted).cast(dtype)
    if column.kind in ("date", "moment"):
        fixed = datetime.fromisoformat(str(rule.constant))
        value = pl.lit(fixed.replace(tzinfo=None)).dt.replace_time_zone("UTC")
        return _spread(rule, value, context).cast(dtype)
    constant = pl.lit(rule.constant)
    return (constant.cast(pl.String) if dtype == pl.String else constant.cast(dtype)).cast(dtype)


def _source(rule: Rule, context: Context) -> pl.Expr:
    if rule.template is not None:
        text = _templated(rule, context)
    elif rule.listed is not None:
        text = _single(rule, context)
    else:
        text = first(rule.from_ or (), context)
        text = text.str.strip_chars() if rule.trim else text
    if rule.html:
        text = _without_markup(text)
    if rule.extract is not None:
        text = text.str.extract(rule.extract, 1)
    if rule.absent is not None:
        text = text.fill_null(rule.absent)
    for override in rule.override:
        decides = (cell(override.column, context) == override.equals).fill_null(value=False)
        text = pl.when(decides).then(pl.lit(override.value)).otherwise(text)
    return text


def _templated(rule: Rule, context: Context) -> pl.Expr:
    template = rule.template or ""
    names = template_columns(template)
    parts = [cell(name, context) for name in names]
    pattern = template
    for name in names:
        pattern = pattern.replace(f"{{{name}}}", "{}", 1)
    return pl.format(pattern, *[part.str.strip_chars() if rule.trim else part for part in parts])


def _single(rule: Rule, context: Context) -> pl.Expr:
    """The one distinct member of a repeated group; null when there is none."""
    listed = cast("Listed", rule.listed)
    found = _members(listed, context).list.eval(pl.element().struct.field(listed.field))
    members = found.list.unique(maintain_order=True)
    return pl.when(members.list.len() > 1).then(pl.lit(listed.many)).otherwise(members.list.get(0, null_on_oob=True))


def _members(listed: Listed, context: Context) -> pl.Expr:
    kind = pl.List(pl.Struct({listed.field: pl.String()}))
    return cell(listed.column, context).map_batches(partial(decoded, fields=(listed.field,)), return_dtype=kind)


def _is_broken(rule: Rule, context: Context) -> pl.Expr:
    """Whether a rule wants a member of a group, and the text is none."""
    if rule.listed is None:
        return pl.lit(value=False)
    return cell(rule.listed.column, context).is_not_null() & _members(rule.listed, context).is_null()


def _without_markup(text: pl.Expr) -> pl.Expr:
    """Text of HTML; null where nothing is left."""
    bare = text.str.replace_all(r"(?s)<!--.*?-->", "").str.replace_all(_BLOCKS, " ").str.replace_all("<[^>]*>", "")
    plain = bare.map_batches(_unescaped, return_dtype=pl.String).str.replace_all(r"\s+", " ").str.strip_chars()
    return pl.when(plain != "").then(plain)


def _unescaped(values: pl.Series) -> pl.Series:
    return pl.Series([None if v is None else html.unescape(v) for v in values], dtype=pl.String)


def _coded(rule: Rule, text: pl.Expr) -> pl.Expr:
    codes = rule.codes or {}
    old, new = list(codes), list(codes.values())
    if rule.otherwise == "keep":
        return text.replace(old, new)
    coded = text.replace_strict(old, new, default=None, return_dtype=pl.String)
    if rule.otherwise in ("reject", "null"):
        return coded
    return pl.when(text.is_not_null()).then(coded.fill_null(rule.otherwise))


def _parsed(rule: Rule, text: pl.Expr, kind: str) -> pl.Expr:
    """Text as the type that the column's kind asks for."""
    if kind == "moment":
        return _moment(text, str(rule.moment), rule.zone)
    if kind == "date" or rule.date is not None:
        day = _day(text, str(rule.date), rule.zone)
        if kind == "date":
            return day
        return (day.dt.year() if rule.year else day).cast(pl.String)
    if kind in ("int", "float", "share", "money"):
        read = _money if kind == "money" else _number
        return read(_ungrouped(rule, text), rule.number or "point")
    if kind == "bool":
        return text.replace_strict(["true", "false"], [True, False], default=None, return_dtype=pl.Boolean)
    return text


def _day(text: pl.Expr, pattern: str, zone: str | None) -> pl.Expr:
    if zone is not None:
        return _moment(text, pattern).dt.convert_time_zone(zone).dt.date()
    if pattern in _EPOCHS:
        return _moment(text, pattern).dt.date()
    return _plausible(text.str.to_date(pattern, strict=False))


def _moment(text: pl.Expr, pattern: str, zone: str | None = None) -> pl.Expr:
    if pattern in _EPOCHS:
        each, number, least = _EPOCHS[pattern]
        count = pl.when(text.str.contains(number)).then(text).cast(pl.Int64, strict=False)
        since = pl.when((count == 0) | (count.abs() >= least)).then(count) * each
        return _plausible(since.cast(pl.Datetime("us"))).dt.replace_time_zone("UTC")
    if not is_timed(pattern):
        return _plausible(text.str.to_date(pattern, strict=False)).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    told = _plausible(text.str.to_datetime(pattern, time_unit="us", strict=False))
    if zone is None:
        return told.dt.replace_time_zone("UTC")
    placed = told.dt.replace_time_zone(zone, ambiguous="latest", non_existent="null")
    return placed.dt.convert_time_zone("UTC")


def _plausible(moment: pl.Expr) -> pl.Expr:
    return pl.when(moment.dt.year().is_between(*YEARS)).then(moment)


def _ungrouped(rule: Rule, text: pl.Expr) -> pl.Expr:
    """A number's text without what a feed says stands in it beside digits, sign and decimal mark."""
    if rule.accounting:
        bare = text.str.strip_chars()
        inner = bare.str.extract(r"^\(([^-+()]+)\)$", 1).fill_null(bare.str.extract(r"^([^-+()]+)-$", 1))
        text = pl.when(inner.is_not_null()).then(pl.lit("-") + inner).otherwise(text)
    if rule.thousands is not None:
        sign = r"[\s\u{a0}\u{202f}]" if rule.thousands == " " else re.escape(rule.thousands)
        mark = {"comma": ",", "point": r"\."}[rule.number or "point"]
        is_grouped = text.str.contains(rf"^\s*[+-]?\d{{1,3}}(?:{sign}\d{{3}})+(?:{mark}\d*)?\s*$")
        text = pl.when(is_grouped).then(text.str.replace_all(sign, "")).otherwise(text)
    return text


def _number(text: pl.Expr, mark: str) -> pl.Expr:
    """A number; null unless the text is digits with at most one decimal mark: `1e5`, `nan` and `1.234,5` are none."""
    plain = text.str.strip_chars()
    plain = pl.when(plain.str.contains(_NUMBER[mark])).then(plain)
    number = plain.str.replace(",", ".", literal=True).cast(pl.Float64, strict=False)
    return pl.when(number.is_finite()).then(number)


def _money(text: pl.Expr, mark: str) -> pl.Expr:
    """An amount as it is written; null where it has more than fourteen digits before the mark or four after it."""
    plain = text.str.strip_chars()
    plain = pl.when(plain.str.contains(_NUMBER[mark])).then(plain).str.replace(",", ".", literal=True)
    whole = plain.str.contains(r"^[+-]?0*\d{0,14}(\.\d{0,4}0*)?$")
    return pl.when(whole).then(plain).cast(DTYPES["money"], strict=False)


def _arithmetic(rule: Rule, context: Context, kind: str) -> list[tuple[pl.Expr, Callable[[pl.Expr, pl.Expr], pl.Expr]]]:
    """Operand cells and what to do with them, in order."""
    steps: list[tuple[pl.Expr, Callable[[pl.Expr, pl.Expr], pl.Expr]]] = []
    if rule.minus is not None:
        steps.append((cell(rule.minus, context), partial(_minus)))
    if rule.plus_days is not None:
        steps.append((first(rule.plus_days, context), partial(_plus_days, as_date=kind == "date")))
    if rule.plus_minutes is not None:
        steps.append((cell(rule.plus_minutes, context), _plus_minutes))
    return steps


def _minus(value: pl.Expr, operand: pl.Expr) -> pl.Expr:
    return value - operand


def _plus_minutes(value: pl.Expr, minutes: pl.Expr) -> pl.Expr:
    near = pl.when(minutes.abs() < _FAR * 1440).then((minutes * 60_000_000).round()).cast(pl.Int64)
    return _plausible(value + pl.duration(microseconds=near))


def _plus_days(value: pl.Expr, days: pl.Expr, *, as_date: bool) -> pl.Expr:
    near = pl.when(days.abs() < _FAR).then(days * 86_400_000_000).cast(pl.Int64)
    moved = _plausible(value.cast(pl.Datetime("us", "UTC")) + pl.duration(microseconds=near))
    return moved.cast(pl.Date) if as_date else moved


def _finish(rule: Rule, value: pl.Expr, column: Column, context: Context) -> pl.Expr:
    if rule.plus is not None:
        value = value + rule.plus
    if rule.range is not None:
        low, high = rule.range
        # By a column: Polars multiplies by the inverse of a lone number, and `high` would not always become 1.
        value = (value - low) / (value * 0 + (high - low))
    if rule.clip is not None:
        value = value.clip(*rule.clip)
    value = _spread(rule, value, context)
    if rule.end_of is not None:
        value = _end(value, rule.end_of, column.kind)
    if moved_days(rule, column):
        value = value.dt.offset_by(f"{moved_days(rule, column)}d")
    return named(rule, value, context)


def moved_days(rule: Rule, column: Column) -> int:
    """How many days lie between the end that a source writes and the one that the column keeps."""
    if rule.means is None or rule.means == (column.end or "last_day"):
        return 0
    return -1 if rule.means == "first_day_after" else 1


def _spread(rule: Rule, value: pl.Expr, context: Context) -> pl.Expr:
    if rule.spread_days is None:
        return value
    digest = cell(str(rule.spread_by), context).map_batches(partial(_modulo, rule.spread_days), return_dtype=pl.Int64)
    return value + pl.duration(days=digest)


def _modulo(days: int, values: pl.Series) -> pl.Series:
    return pl.Series([None if v is None else zlib.crc32(v.encode()) % days for v in values], dtype=pl.Int64)


def _end(value: pl.Expr, unit: str, kind: str) -> pl.Expr:
    if kind == "date":
        return value.dt.month_end() if unit == "month" else value
    every = "1mo" if unit == "month" else "1d"
    return value.dt.truncate(every).dt.offset_by(every) - pl.duration(microseconds=1)


def faults(filled: Mapping[str, Filled]) -> list[pl.Expr]:
    """One text column a canonical column: `reason:column` where the value is bad."""
    return [(item.fault + pl.lit(f":{name}")).alias(f"!{name}") for name, item in filled.items()]
