"""Identifiers become keyed pseudonyms, made once a column: it costs more than all other rules together."""

from collections.abc import Iterable
from dataclasses import replace
from functools import partial

import polars as pl

from pipelines.base.pseudonyms import TO_LOOK_AT, pseudonym
from pipelines.ingest.cells import Context, cell
from pipelines.ingest.rules import Rule


def named(rule: Rule, value: pl.Expr, context: Context) -> pl.Expr:
    """`value` as the pseudonym that the rule asks for; itself when it asks for none."""
    if rule.id is not None:
        scheme, prefix = rule.id.scheme, rule.id.prefix
    elif rule.person is not None:
        scheme, prefix = rule.person, "p"
    else:
        return value
    name = partial(_named, context.key, scheme, prefix, context.is_as_written)
    return value.map_batches(name, return_dtype=pl.String)


def named_column(rule: Rule) -> str:
    """Where the pseudonyms of a bare identifier column stand once they were made; empty for other rules.

    One identifier names rows of several tables, and making pseudonyms costs more than all the rest.
    """
    changed = (
        rule.trim or rule.html or rule.extract or rule.absent is not None or rule.override or rule.codes is not None
    )
    if changed or not isinstance(rule.from_, str) or not (rule.person or rule.id):
        return ""
    prefix, scheme = (rule.id.prefix, rule.id.scheme) if rule.id else ("p", rule.person)
    return f"@{prefix}|{scheme}|{rule.from_}"


def with_names(frame: pl.DataFrame, rules: Iterable[Rule], context: Context) -> pl.DataFrame:
    """`frame` with the pseudonyms of its bare identifier columns."""
    wanted = {named_column(rule): rule for rule in rules if rule.from_ in context.columns}
    return frame.with_columns(
        named(rule, cell(str(rule.from_), context), context).alias(name) for name, rule in wanted.items() if name
    )


def once(context: Context) -> Context:
    """A context in which identifiers count as they are written, as all did once, and nobody has been named yet."""
    bare = frozenset(name for name in context.columns if not (name.startswith("@") and "|" in name))
    return replace(context, columns=bare, is_as_written=True)


def may_look_otherwise(rule: Rule, frame: pl.DataFrame) -> pl.Series:
    """[n_rows] bool: where what a rule reads may be written in more than one way."""
    names = [name for name in rule.columns() if name in frame.columns]
    odd = [pl.col(name).str.contains(TO_LOOK_AT).fill_null(value=False) for name in names]
    is_odd = pl.any_horizontal(odd) if odd else pl.repeat(value=False, n=pl.len())
    return frame.select(is_odd.alias("")).to_series()


def _named(key: bytes, scheme: str, prefix: str, is_as_written: bool, values: pl.Series) -> pl.Series:
    return pseudonym(key, scheme, values, prefix, is_as_written=is_as_written)
