"""Which expectations a canonical table has: read off its contract, so that no rule is written twice.

Each has a severity: `quarantine` takes the row out, `hold` is for files as they come (`ingest` decides that), and what
has `warn` changes no row's fate and is shown.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

import polars as pl

from pipelines.base.contracts import Column, Slices, Table
from pipelines.base.personal import PERSONAL

ROW: Final = "row"
"""Synthetic row number: the only thing a result may name."""
FILLED: Final = "ExpectColumnValuesToNotBeNull"
"""Name of the expectation that tells cells apart by whether they are filled."""
BETWEEN: Final = "ExpectColumnValuesToBeBetween"
ORDERED: Final = "ExpectColumnPairValuesAToBeGreaterThanB"
LIKE: Final = "ExpectColumnValuesToMatchRegex"
UNLIKE: Final = "ExpectColumnValuesToNotMatchRegex"
AMONG: Final = "ExpectColumnValuesToBeInSet"
KEY: Final = "key"
"""Digest of the key and `known_from`: one version of a thing at a time."""
ALONE: Final = "is_alone"
"""Helper column of slices: at the moment at which it was known, no other was to hold on the same day."""
JOINED: Final = "is_joined"
"""Helper column of slices: what was known at that moment leaves no day beside it between two without one."""
BEGUN: Final = "is_begun"
"""Helper column of what happens to one thing after another: what comes first has happened by then, as far as the batch
tells of it."""
_PSEUDONYM: Final = r"^[a-z]{1,3}_[0-9a-f]{32}$"
MANAGER: Final = "manager_person_id"
TOP: Final = "is_further_top"  # of a company
CYCLE: Final = "is_in_cycle"
"""What is asked of a worker among all of them; not a column."""
RESOLVED: Final = 0.99
MANAGERS_RESOLVED: Final = 0.97
"""Least shares of references that must resolve."""

Level = Literal["file", "raw", "canonical", "cross_table", "privacy"]
Severity = Literal["quarantine", "hold", "warn"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One expectation."""

    reason_code: str
    kind: str
    """Name of the expectation's class in Great Expectations."""
    arguments: Mapping[str, Any]
    level: Level = "canonical"
    severity: Severity = "quarantine"
    about: str = ""
    """Of a rule on many rows at once what it is about, such as a column."""

    @property
    def mostly(self) -> float:
        """Least share of what is checked that must pass."""
        return float(self.arguments.get("mostly", 1))

    @property
    def meta(self) -> dict[str, str]:
        """What Great Expectations hands back with the result."""
        return {"reason_code": self.reason_code, "level": self.level, "severity": self.severity}


@dataclass(frozen=True, slots=True)
class Finding:
    """What one expectation saw."""

    table: str
    """At the levels `file` and `raw` the feed."""
    reason_code: str
    checked: int
    failed: int
    level: Level = "canonical"
    severity: Severity = "quarantine"
    mostly: float = 1.0

    @property
    def is_met(self) -> bool:
        """Whether no more failed than may."""
        return self.failed <= self.checked * (1 - self.mostly)

    def to_json(self) -> dict[str, Any]:
        """As reports have it."""
        return {**asdict(self), "is_met": self.is_met}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What all expectations of a table saw."""

    findings: list[Finding]
    failed: pl.DataFrame
    """[n_failures] row, reason_code: a row may fail several rules. Not those that only warn."""


def known_column(column: str) -> str:
    """Name of the helper column that says whether a reference resolves."""
    return f"is_known_{column}"


def scaled_column(column: str) -> str:
    """Name of the helper column that says whether a number is of the scale that the contract asks for."""
    return f"is_scaled_{column}"


def current_column(column: str) -> str:
    """Name of the helper column that says whether a code was still in use when its row began."""
    return f"is_current_{column}"


def unknown(column: str) -> str:
    """Reason code of a reference that does not resolve, such as `unknown_requisition`."""
    return f"unknown_{column.removesuffix('_id')}"


def rules(table: Table) -> list[Rule]:
    """Expectations on single rows.

    Args:
        table: The contract.

    Returns:
        Required columns filled, closed codes listed, others well formed, none that had ended, numbers in range and of
        its scale, dates in order, pseudonyms well formed, references known, nothing before what comes first, slices
        side by side.
    """
    found = []
    for column in table.columns:
        name = column.name
        if column.required:
            found.append(Rule(f"missing:{name}", FILLED, {"column": name}))
        if column.values:
            among = {"column": name, "value_set": list(column.values)}
            found.append(Rule(f"unknown_code:{name}", AMONG, among))
        if column.form:
            found.append(Rule(f"malformed:{name}", LIKE, {"column": name, "regex": column.form}, severity="warn"))
        if column.ended and table.slices is not None:
            current = {"column": current_column(name), "value_set": [True]}
            found.append(Rule(f"ended:{name}", AMONG, current, severity="quarantine" if column.values else "warn"))
        low, high = column.bounds
        if low is not None or high is not None:
            between = {"column": name, "min_value": low, "max_value": high}
            found.append(Rule(f"out_of_range:{name}", BETWEEN, between))
        if column.odd_up_to is not None:
            scaled = {"column": scaled_column(name), "value_set": [True]}
            found.append(Rule(f"other_scale:{name}", AMONG, scaled, severity="warn"))
        if name.endswith("person_id"):
            form = {"column": name, "regex": _PSEUDONYM}
            found.append(Rule(f"no_pseudonym:{name}", LIKE, form))
    for earlier, later in table.ordered:
        pair = {"column_A": later, "column_B": earlier, "or_equal": True, "ignore_row_if": "either_value_is_missing"}
        found.append(Rule(f"disordered:{later}", ORDERED, pair))
    for column_name in table.refers:
        known = {"column": known_column(column_name), "value_set": [True]}
        severity: Severity = "quarantine" if column_name in table.references else "warn"
        found.append(Rule(unknown(column_name), AMONG, known, "cross_table", severity))
    if table.begins is not None:
        found.append(Rule("early_event", AMONG, {"column": BEGUN, "value_set": [True]}, severity="warn"))
    if table.slices is not None:
        alone, joined = ({"column": name, "value_set": [True]} for name in (ALONE, JOINED))
        found.append(Rule("overlap", AMONG, alone))
        found.append(Rule("gap", AMONG, joined, severity="warn"))
    return found


def key_rules() -> list[Rule]:
    """Expectations on the whole table at once."""
    return [Rule("conflicting_key", "ExpectColumnValuesToBeUnique", {"column": KEY})]


def rate_rules(table: Table) -> list[Rule]:
    """Expectations across tables, which `cross` evaluates: shares of references that resolve, and the hierarchy."""
    found = [_rate(f"unresolved:{name}", known_column(name), name, RESOLVED) for name in table.refers]
    if table.has_managers:
        found.append(_rate(f"unresolved:{MANAGER}", known_column(MANAGER), MANAGER, MANAGERS_RESOLVED))
        for code, name in (("several_tops", TOP), ("manager_cycle", CYCLE)):
            found.append(Rule(code, AMONG, {"column": name, "value_set": [False]}, "cross_table", "warn", name))
    return found


def _rate(code: str, column: str, about: str, mostly: float) -> Rule:
    arguments = {"column": column, "value_set": [True], "mostly": mostly}
    return Rule(code, AMONG, arguments, "cross_table", "warn", about)


def privacy_rules(table: Table) -> list[Rule]:
    """Expectations on samples of free text, which `privacy` evaluates: nothing in it says who somebody is."""
    return [
        Rule(f"looks_like_{what}:{name}", UNLIKE, {"column": name, "regex": regex}, "privacy", "warn", name)
        for name in table.free_text
        for what, regex in PERSONAL.items()
    ]


def suite(table: Table) -> dict[str, Any]:
    """A table's suite as Great Expectations writes one: name, and of each expectation type, kwargs and `Rule.meta`."""
    expectations = [
        {
            "type": re.sub(r"(?<!^)(?=[A-Z])", "_", rule.kind).lower(),
            "kwargs": dict(rule.arguments),
            "meta": rule.meta,
        }
        for rule in [*rules(table), *key_rules(), *rate_rules(table), *privacy_rules(table)]
    ]
    return {"name": table.name, "expectations": expectations}


def columns_of(found: list[Rule]) -> list[str]:
    """Columns that the rules read, each once."""
    names = [
        str(rule.arguments[name])
        for rule in found
        for name in ("column", "column_A", "column_B")
        if name in rule.arguments
    ]
    return list(dict.fromkeys(names))


def with_helpers(
    table: Table, frame: pl.DataFrame, known: Mapping[str, pl.Series], before: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Add what the rules need: row number, key digest, references that resolve, scales, codes in use, how slices lie.

    Args:
        table: The contract.
        frame: [n_rows] canonical rows with `known_from`.
        known: Referenced table -> [n] ids that exist, in this batch or the lake.
        before: Of a table of slices, what the lake has of the same things.
    """
    resolves = [
        (
            pl.col(column).is_in(known[other].implode())
            | pl.col(column).is_null()
            | pl.lit(value=column in table.sought and known[other].is_empty())
        ).alias(known_column(column))
        for column, other in table.refers.items()
    ]
    scaled = [
        ((pl.col(column.name) == 0) | (pl.col(column.name) > column.odd_up_to)).alias(scaled_column(column.name))
        for column in table.columns
        if column.odd_up_to is not None
    ]
    current = [
        (pl.col(table.slices.start) <= _last_day(column)).fill_null(value=True).alias(current_column(column.name))
        for column in table.columns
        if column.ended and table.slices is not None
    ]
    helped = frame.with_columns(
        pl.int_range(pl.len(), dtype=pl.Int64).alias(ROW),
        pl.struct([*table.key, "known_from"]).hash().alias(KEY),
        *resolves,
        *scaled,
        *current,
        *_begun(table),
    )
    return helped if table.slices is None else _with_neighbours(helped, table.slices, before)


def _last_day(column: Column) -> pl.Expr:
    """Until when a code could be used; null for those that still can."""
    return pl.col(column.name).replace_strict(dict(column.ended), default=None, return_dtype=pl.Date)


def _begun(table: Table) -> list[pl.Expr]:
    """The helper column of a table whose things have a first event; in exports they come together."""
    if table.begins is None:
        return []
    column, code = table.begins
    moment = pl.col(str(table.kept_from))
    first = moment.filter(pl.col(column) == code).min().over(table.key[0])
    return [(moment >= first).fill_null(value=True).alias(BEGUN)]


def slice_columns(slices: Slices) -> list[str]:
    """Columns that say how slices lie."""
    return [*slices.columns, "known_from"]


def _order(slices: Slices) -> list[str]:
    return [slices.order] if slices.order else []


def _with_neighbours(helped: pl.DataFrame, slices: Slices, before: pl.DataFrame | None) -> pl.DataFrame:
    """Judge each slice beside what was known of the same thing at the moment at which it was known."""
    columns = slice_columns(slices)
    told = helped.select(ROW, *columns)
    all_ = pl.concat([told.select(columns), *([] if before is None else [before.select(columns)])])
    pairs = told.join(all_, on=slices.of, suffix="_other").filter(pl.col("known_from_other") <= pl.col("known_from"))
    key = [ROW, *(f"{name}_other" for name in (slices.start, *_order(slices)))]
    others = pairs.sort("known_from_other").unique(key, keep="last")
    judged = others.group_by(ROW).agg(_is_alone(slices).alias(ALONE), _is_joined(slices).alias(JOINED))
    return helped.join(judged, on=ROW, how="left", maintain_order="left")


def _is_alone(slices: Slices) -> pl.Expr:
    """Whether no other slice was told at the same moment to hold on a day of this one; those of a day are in order."""
    start, end = pl.col(slices.start), pl.col(slices.end)
    other, other_end = pl.col(f"{slices.start}_other"), pl.col(f"{slices.end}_other")
    is_shared = (other != start) & ~(other_end <= start).fill_null(value=False) & ~(end <= other).fill_null(value=False)
    return ~(is_shared & (pl.col("known_from_other") == pl.col("known_from"))).any()


def _is_joined(slices: Slices) -> pl.Expr:
    """Whether the day before the slice is another's if any began before it, and the day after it if any begins then."""
    start, end = pl.col(slices.start), pl.col(slices.end)
    other, other_end = pl.col(f"{slices.start}_other"), pl.col(f"{slices.end}_other")
    is_open = other_end.is_null()
    before, after = other < start, (other > end).fill_null(value=False)
    leads = (before & (is_open | (other_end >= start))).any()
    follows = ((other <= end) & (is_open | (other_end > end))).any()
    return (leads | ~before.any()) & (follows | ~after.any())
