"""What may happen to rows before the rules apply: a text of cells, joins, groups to rows, columns to rows, filters."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import polars as pl

from pipelines.base.errors import ContractError
from pipelines.base.pseudonyms import as_seen
from pipelines.ingest.cells import BROKEN, Context, cell, decoded
from pipelines.ingest.composed import with_text
from pipelines.ingest.fold import folded
from pipelines.ingest.read import ROW
from pipelines.ingest.rules import Beside, Condition, Explode, Join, TableMap, Timeline, Unpivot, whole

REASON = "reason_code"
NOTES = pl.Schema({ROW: pl.Int64(), REASON: pl.String()})
"""Rows that go no further, and why."""

Other = Callable[[Join], pl.DataFrame]
"""Finds the other file of a join."""


@dataclass(slots=True)
class Shaped:
    """Rows on their way, and those left behind."""

    frame: pl.DataFrame
    filtered: list[pl.DataFrame]
    rejected: list[pl.DataFrame]
    codes: pl.DataFrame | None = None
    """Of columns with a map of codes: column, cells filled, and of those not listed in the map."""
    former: pl.DataFrame | None = None
    """Rows of `person_links` from people to what they were named before it was asked how their identifiers look."""

    def drop(self, keep: pl.Expr, reason: str, *, reject: bool = False) -> None:
        """Keep only rows where `keep` holds; note the others."""
        marked = self.frame.with_columns(_keep=keep.fill_null(value=False))
        gone = marked.filter(~pl.col("_keep")).select(ROW, pl.lit(reason).alias(REASON))
        (self.rejected if reject else self.filtered).append(gone)
        self.frame = marked.filter("_keep").drop("_keep")


def context_of(frame: pl.DataFrame, context: Context) -> Context:
    """The context for a frame's present columns."""
    return replace(context, columns=frozenset(frame.columns))


def shape(frame: pl.DataFrame, mapped: TableMap, context: Context, other: Other) -> Shaped:
    """Apply a table's compose, joins, explode, unpivot, joins by what those made, and filters, in this order."""
    shaped = Shaped(frame, [], [])
    if mapped.compose is not None:
        shaped.frame = with_text(frame, mapped.compose, context_of(frame, context))
    late, turned = [], mapped.turned()
    for step in mapped.join:
        if turned & step.here():
            late.append(step)
            turned |= step.made()
    for step in mapped.join:
        if step not in late:
            join(shaped, step, context, other)
    if mapped.explode is not None or mapped.unpivot is not None:
        wanted, made = {ROW, *mapped.reads(), *mapped.made()}, mapped.made()
        shaped.frame = shaped.frame.select(
            name
            for name in shaped.frame.columns
            if name in wanted or (name.startswith("@") and name.rpartition("|")[2] not in made)
        )
    for group in mapped.explode.steps if mapped.explode is not None else ():
        shaped.frame = _with_members(shaped.frame, group, context)
        for reason in shaped.frame["_broken"].drop_nulls().unique().sort():
            shaped.drop(pl.col("_broken").ne_missing(reason), reason, reject=True)
        shaped.frame = _of_members(shaped.frame, group, context)
        for condition in group.rows:
            keep_rows(shaped, condition, context)
        shaped.frame = _latest(shaped.frame, group, context)
    if mapped.unpivot is not None:
        late_keys = {name for step in late for name in step.here()}
        spent = set(mapped.unpivot.columns) - mapped.reads_last() - late_keys
        shaped.frame = unpivot(shaped.frame, mapped.unpivot, context, spent)
    for step in late:
        join(shaped, step, context, other)
    for condition in mapped.rows:
        keep_rows(shaped, condition, context)
    return shaped


def keep_rows(shaped: Shaped, condition: Condition, context: Context) -> None:
    """Filter by one condition."""
    here = context_of(shaped.frame, context)
    value = cell(condition.column, here)
    if condition.among is not None:
        keep = value.is_in(list(condition.among))
    elif condition.not_among is not None:
        keep = value.is_null() | ~value.is_in(list(condition.not_among))
    elif condition.like is not None:
        keep = value.is_null() | value.str.contains(whole(condition.like))
    elif condition.above is not None and condition.ranks:
        places = dict(zip(condition.ranks, range(len(condition.ranks)), strict=True))
        here_and_there = [text.replace_strict(places, default=None) for text in (value, cell(condition.above, here))]
        keep = (here_and_there[0] > here_and_there[1]).fill_null(value=True)
    elif condition.above is not None:
        keep = value.cast(pl.Int64, strict=False) > cell(condition.above, here).cast(pl.Int64, strict=False)
    else:
        keep = value.is_not_null() if condition.filled else value.is_null()
    shaped.drop(keep, condition.reason, reject=condition.reject)


def join(shaped: Shaped, step: Join, context: Context, other: Other) -> None:
    """Add columns of another file; rows without a partner are rejected where the feed says so.

    Raises:
        ContractError: The other file has a key twice and the feed does not say `many`, or a new column has the name
            of one that is there.
    """
    its_own = sorted(step.made() & set(shaped.frame.columns))
    if its_own:
        raise ContractError(
            f"A join must give its columns new names; what looks up {step.other} has {', '.join(its_own)} itself. "
            "Name them otherwise under `take` or `count`."
        )
    right = other(step)
    there = list(step.match.values())
    beside = {
        str(one.feed): _history(other(one.join()), one, context)
        for one in (step.timeline.beside if step.timeline else ())
    }
    right = _matching(right, step, replace(context_of(right, context), clean=frozenset(), nothing={}), beside)
    names = [f"_on{i}" for i in range(len(there))]
    if not step.many and not beside and right.select(names).is_duplicated().any():
        raise ContractError(
            f"A join must find at most one row; {step.other} repeats its key {', '.join(there)}. "
            "Name more columns under `match`, or say `many: true`."
        )
    here = context_of(shaped.frame, context)
    left = with_seen(shaped.frame, {f"_on{i}": cell(name, here) for i, name in enumerate(step.match)})
    left = left.with_columns(pl.col(name).fill_null("") for name in _day_key(step))
    shaped.frame = left.join(right, on=names, how="left", maintain_order="left_right").drop(names)
    if step.itself:
        is_itself = pl.col("_itself") == pl.col("_self")
        others = [pl.when(~is_itself).then(pl.col(name)).alias(name) for name in (*step.take, "_found")]
        shaped.frame = with_seen(shaped.frame, {"_self": cell(step.itself, here)}).with_columns(others)
        shaped.frame = shaped.frame.drop("_itself", "_self")
    if step.missing == "reject":
        shaped.drop(pl.col("_found"), f"unknown_{step.other}", reject=True)
    for name in [step.other, *beside] if step.asks_for_days else []:
        shaped.drop(pl.col("_undated").ne_missing(name), f"undated_{name}", reject=True)
    if step.count:
        shaped.frame = shaped.frame.with_columns(pl.col(step.count).fill_null("0"))
    shaped.frame = shaped.frame.drop("_found", *(["_undated"] if step.asks_for_days else []))


def _day_key(step: Join) -> list[str]:
    """Of the keys of a history's rows the one that is its day: a row without a day is still that row."""
    day = step.timeline.day if step.timeline else None
    return [f"_on{i}" for i, name in enumerate(step.match.values()) if name == day]


def with_seen(frame: pl.DataFrame, cells: Mapping[str, pl.Expr]) -> pl.DataFrame:
    """`frame` with more columns: cells that name somebody or something, as these look; null where nothing is seen."""
    there = frame.with_columns(text.alias(name) for name, text in cells.items())
    return there.with_columns(as_seen(there[name]) for name in cells)


def _matching(
    right: pl.DataFrame, step: Join, context: Context, beside: Mapping[str, pl.DataFrame] = MappingProxyType({})
) -> pl.DataFrame:
    """Rows of the other file that a join may find, or their slices: keys `_on<i>`, what it takes, `_found`.

    Where days are asked for, in `_undated` the first history that has a row without a day of the same thing.
    """
    cells = {name: cell(name, context) for name in step.there()}
    keys = [f"_on{i}" for i in range(len(step.match))]
    named = dict(zip(keys, (cells[name] for name in step.match.values()), strict=True))
    named |= {f"_of{i}": cells[name] for i, name in enumerate(step.timeline.of if step.timeline else ())}
    named |= {f"_{kind}": cells[name] for kind, name in (("itself", step.itself), ("distinct", step.distinct)) if name}
    right = with_seen(right, named)
    for name, texts in step.where.items():
        right = right.filter(cells[name].is_in(list(texts)))
    if step.chosen:
        order = _order(cells, step.chosen)
        right = right.sort(order, descending=bool(step.earliest), nulls_last=False, maintain_order=True)
    ends: dict[str, pl.Expr] = {}
    if step.timeline:
        right = right.sort(_order(cells, step.timeline.order), maintain_order=True) if step.timeline.order else right
        right = right.unique(keys, keep="last", maintain_order=True)
        right = right.with_columns(pl.col(name).fill_null("") for name in _day_key(step))
        own = _with_places(right, cells[step.timeline.day])
        right = own.filter(pl.col("_day").is_not_null())
        if beside:
            taken_here = [cells[name].alias(_new(new)) for new, name in step.take.items()]
            right = _slices(right, [one.filter(pl.col("_day").is_not_null()) for one in beside.values()], taken_here)
            ends = _told(step.timeline, _of(right))
        ends |= _ends(right, step.timeline) | {"_undated": pl.col("_undated")}
        without = own.filter(pl.col("_day").is_null())
        right = _with_undated(pl.concat([right, without], how="diagonal"), {step.other: own, **beside})
    if step.dated:
        is_undated = cells[step.latest[0]].is_null().any().over(keys)
        ends["_undated"] = pl.when(is_undated).then(pl.lit(step.other))
    number = pl.col("_distinct").drop_nulls().n_unique() if step.distinct else pl.len()
    counted = {step.count: number.over(keys).cast(pl.String)} if step.count else {}
    taken = {new: cells[name] for new, name in step.take.items()}
    taken |= ends | ({"_itself": pl.col("_itself")} if step.itself else {})
    right = right.select(*keys, **taken, **counted, _found=pl.lit(value=True))
    # Of what is taken one thing may come again after another: equal rows are one only where all of them are wanted.
    is_one = step.chosen or step.count
    return right.unique(keys, keep="last", maintain_order=True) if is_one else right.unique(maintain_order=True)


def _order(cells: Mapping[str, pl.Expr], names: Iterable[str]) -> list[pl.Expr]:
    """What to sort by: numbers of any length sort by their length first, texts do not."""
    is_number = {name: cells[name].str.contains(r"^\d+$").all() for name in names}
    return [
        part
        for name, is_one in is_number.items()
        for part in (pl.when(is_one).then(cells[name].str.len_bytes()), cells[name])
    ]


def _of(frame: pl.DataFrame) -> list[str]:
    """Columns that say, as it looks, which thing a row of a history is of."""
    return [name for name in frame.columns if name.startswith("_of")]


def _with_places(history: pl.DataFrame, day: pl.Expr) -> pl.DataFrame:
    """Rows of a history by thing and `_day`, null without one, and from 0 the `_place` of each on its day.

    Args:
        history: [n_rows] with `_of<i>`; rows of one day in the order in which they hold.
        day: Its cell with the day.
    """
    dated = history.with_columns(_day=day.str.head(10).str.to_date("%Y-%m-%d", strict=False))
    dated = dated.sort([*_of(dated), "_day"], maintain_order=True)
    return dated.with_columns(_place=pl.int_range(pl.len()).over([*_of(dated), "_day"]))


def _ends(history: pl.DataFrame, step: Timeline) -> dict[str, pl.Expr]:
    """Columns that say until when each row of a history holds, and its place among those of its day."""
    following = pl.col("_day").shift(-1).over(_of(history))
    after = pl.max_horizontal(following, pl.col("_day") + pl.duration(days=1))
    until = pl.when(following.is_not_null()).then(after.dt.to_string("%Y-%m-%d"))
    return {step.until: until, step.place: pl.col("_place").cast(pl.String)}


def _history(rows: pl.DataFrame, step: Beside, context: Context) -> pl.DataFrame:
    """Another history of the same things, with what is taken of it by its new names: `_of<i>`, `_day`, `_place`."""
    here = replace(context_of(rows, context), clean=frozenset(), nothing={})
    cells = {name: cell(name, here) for name in step.join().there()}
    named = with_seen(rows, {f"_of{i}": cells[name] for i, name in enumerate(step.of)})
    named = named.sort(_order(cells, step.order), maintain_order=True) if step.order else named
    taken = [cells[name].alias(_new(new)) for new, name in step.take.items()]
    ordering = [cells[name].alias(f"_order{i}") for i, name in enumerate(step.order)]
    # A row that is told twice is one.
    told = named.select(*_of(named), *taken, *ordering, _at=cells[step.day]).unique(maintain_order=True)
    return _with_places(told.drop(f"_order{i}" for i in range(len(ordering))), pl.col("_at")).drop("_at")


def _new(name: str) -> str:
    """What a new column is called while columns of its file are beside it."""
    return f"_new|{name}"


def _slices(own: pl.DataFrame, beside: Sequence[pl.DataFrame], taken: Sequence[pl.Expr]) -> pl.DataFrame:
    """The slices that several histories of the same things make, from each thing's first row in its own history on.

    Args:
        own: [n_rows] the history whose rows become slices, with `_of<i>`, `_day`, `_place`.
        beside: Others, each [n_rows_there] with `_of<i>`, `_day`, `_place` and what is taken of it.
        taken: What is taken of `own`.

    Returns:
        [n_slices] in their order: `own` and all that is taken. `_day` and `_place` are the slice's.
    """
    of = _of(own)
    at = [*of, "_day", "_place"]
    made = pl.concat([own.select(at), *(one.select(at) for one in beside)]).unique().sort(at)
    for number, one in enumerate([own.with_columns(*taken), *beside]):
        row, cells = f"_row{number}", one.drop(at).with_row_index(f"_row{number}")
        begun = pl.concat([one.select(at), cells.select(row)], how="horizontal")
        made = made.join(begun, on=at, how="left", nulls_equal=True, maintain_order="left")
        made = made.with_columns(pl.col(row).forward_fill().over(of))
        made = made.join(cells, on=row, how="left", maintain_order="left")
    return made.filter(pl.col("_row0").is_not_null())


def _with_undated(right: pl.DataFrame, beside: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """`right` with the first history that does not say of the same thing when all of it held; null where all do."""
    undated = [
        one.filter(pl.col("_day").is_null()).select(*_of(one), pl.lit(name).alias("_undated"))
        for name, one in beside.items()
    ]
    first = pl.concat(undated).unique(_of(right), keep="first", maintain_order=True)
    return right.join(first, on=_of(right), how="left", maintain_order="left")


def _told(step: Timeline, of: Sequence[str]) -> dict[str, pl.Expr]:
    """Columns of slices in their order: when each begins, what other histories say of it, and what is new in it."""
    told = {name: pl.col(_new(name)) for other in step.beside for name in other.take}
    told |= {str(step.since): pl.col("_day").dt.to_string("%Y-%m-%d")}
    if step.news is None:
        return told
    before = {name: pl.col(_new(name)).shift(1).over(of) for name in step.news.of}
    said = pl.lit("nothing")
    for name in reversed(step.news.of):
        now, word = pl.col(_new(name)), pl.lit(name)
        if ranks := step.news.ranks.get(name):
            places = dict(zip(ranks, range(len(ranks)), strict=True))
            was, is_ = (text.replace_strict(places, default=None) for text in (before[name], now))
            rise = pl.when(is_ > was).then(pl.lit(f"{name} up")).when(is_ < was).then(pl.lit(f"{name} down"))
            word = rise.otherwise(word)
        said = pl.when(now.ne_missing(before[name])).then(word).otherwise(said)
    for name, texts in step.news.over.items():
        has_ended = pl.col(_new(name)).is_in(list(texts)) & pl.col(_new(name)).eq_missing(before[name])
        said = pl.when(has_ended).then(pl.lit("nothing")).otherwise(said)
    is_first = pl.int_range(pl.len()).over(of) == 0
    news = {step.news.column: pl.when(is_first).then(pl.lit("first")).otherwise(said)}
    return told | news | {new: before[name] for new, name in step.news.before.items()}


def explode(frame: pl.DataFrame, step: Explode, context: Context) -> pl.DataFrame:
    """Rows for all members of a repeated group, also those of which `latest` leaves one; for a broken group none."""
    return _of_members(_with_members(frame, step, context), step, context).drop("_group")


def _with_members(frame: pl.DataFrame, step: Explode, context: Context) -> pl.DataFrame:
    """`frame` with the members of a group, and why its text is none."""
    texts = frame.select(cell(step.column, context_of(frame, context)).alias("_member"))["_member"]
    broken = pl.Series("_broken", [None] * len(texts), dtype=pl.String)
    if step.fold is not None:
        texts, broken = folded(texts, step.fold, step.fields)
    members = decoded(texts, [*step.fields, *step.next, *step.previous])
    is_none = texts.is_not_null() & members.is_null()
    return frame.with_columns(members, pl.when(is_none).then(pl.lit(BROKEN)).otherwise(broken).alias("_broken"))


def _of_members(frame: pl.DataFrame, step: Explode, context: Context) -> pl.DataFrame:
    """Rows for all members; `_group` says of which group."""
    rows = frame.drop("_broken").filter(pl.col("_member").list.len() > 0)
    beside = {"_next": pl.col("_member").list.shift(-1), "_previous": pl.col("_member").list.shift(1)}
    rows = rows.with_row_index("_group").with_columns(**beside).explode("_member", *beside)
    sides = {"_member": step.fields, "_next": step.next, "_previous": step.previous}
    taken = [(side, name) for side, names in sides.items() for name in names]
    fields = [pl.col(side).struct.field(name).alias(made) for (side, name), made in zip(taken, step.made, strict=False)]
    rows = rows.with_columns(fields).drop(*sides)
    here = context_of(rows, context)
    cells = {name: cell(f"{step.column}.{name}", here) for name in step.least}
    return rows.with_columns(cells[name].min().over("_group").alias(f"{step.column}.least.{name}") for name in cells)


def _latest(rows: pl.DataFrame, step: Explode, context: Context) -> pl.DataFrame:
    """Of rows of members all of them, or of each `_group` the one that the step says."""
    if step.latest:
        here = context_of(rows, context)
        cells = {name: cell(f"{step.column}.{name}", here) for name in step.latest}
        ordered = rows.sort("_group", *_order(cells, step.latest), nulls_last=False, maintain_order=True)
        rows = ordered.unique("_group", keep="last", maintain_order=True)
    return rows.drop("_group")


def unpivot(frame: pl.DataFrame, step: Unpivot, context: Context, spent: Collection[str]) -> pl.DataFrame:
    """Rows for the filled cells of several columns, without those columns that nobody reads after it."""
    here = context_of(frame, context)
    wide = frame.with_columns(cell(name, here).alias(f"_{code}") for name, code in step.columns.items())
    codes = {f"_{code}": code for code in step.columns.values()}
    keep = [name for name in frame.columns if name not in {step.name, step.value, *spent}]
    long = wide.unpivot(on=list(codes), index=keep, variable_name=step.name, value_name=step.value)
    return long.filter(pl.col(step.value).is_not_null()).with_columns(pl.col(step.name).replace(codes))
