"""Identifiers become keyed pseudonyms, made once a column: it costs more than all other rules together."""

from collections.abc import Iterable
from functools import partial

import polars as pl

from pipelines.base.pseudonyms import pseudonym
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
    return value.map_batches(partial(_named, context.key, scheme, prefix), return_dtype=pl.String)


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


def _named(key: bytes, scheme: str, prefix: str, values: pl.Series) -> pl.Series:
    return pseudonym(key, scheme, values, prefix)
