"""The words of a feed's mapping: one rule a canonical column, and what may happen to rows before the rules apply.

A rule has exactly one source (`from`, `constant`, `template`, `extracted`, `listed`) and then any of the steps below,
which always apply in the order in which they are declared here, whatever their order in the file.
"""

import re
from typing import Annotated, Any, Final, Literal, Self

import polars as pl
from pydantic import AfterValidator, Field, model_validator

from pipelines.base.contracts import End
from pipelines.base.settings import Section
from pipelines.ingest.formats import Format, Instant, Zone, is_instant, is_timed

Name = Annotated[str, Field(min_length=1)]


class Declared(Section):
    """A part of a feed file; what stands under its fields explains them in an editor, too (see `schema`)."""


def whole(pattern: str) -> str:
    """The regular expression of texts of which nothing stands beside what a pattern means."""
    return f"^(?:{pattern})$"


def _parses(text: str) -> str:
    try:
        for pattern in (text, whole(text)):
            pl.Series([""]).str.contains(pattern)
    except pl.exceptions.PolarsError:
        raise ValueError("must be a regular expression, without look-around and back-references") from None
    return text


Pattern = Annotated[str, Field(min_length=1), AfterValidator(_parses)]
"""A regular expression of a kind that takes no more time than the text is long."""


class Listed(Declared):
    """One code out of a repeated group, such as `[{"ID": "White"}]`."""

    column: Name
    field: Name
    many: Name
    """The code when the group has more than one distinct member."""


class Override(Declared):
    """Another column decides: where `column` holds `equals`, the text is `value`."""

    column: Name
    equals: str
    value: str


class Identity(Declared):
    """A keyed pseudonym of something that is not a person."""

    prefix: Annotated[str, Field(pattern=r"^[a-z]{1,3}$")]
    scheme: Name


SOURCES = ("from_", "constant", "template", "extracted", "listed")


class Rule(Declared):
    """How one canonical column is filled."""

    from_: Name | tuple[Name, ...] | None = Field(None, alias="from")
    """A column; of several the first that is filled."""
    constant: bool | int | float | str | None = None
    template: Name | None = None
    """Text with `{column}` parts; null where one of them is empty."""
    extracted: Literal[True] | None = None
    """The moment at which the source wrote the file."""
    listed: Listed | None = None

    trim: bool = False
    """Drop blanks at both ends. Off by default: identifiers are compared exactly."""
    html: bool = False
    """Keep the text of HTML: without tags and comments, entities resolved, white space as single blanks."""
    extract: Pattern | None = None
    """Regular expression with one group: what to keep of the text; no match makes it empty."""
    absent: str | None = None
    """Text that stands for an empty or missing cell."""
    override: tuple[Override, ...] = ()
    codes: dict[str, str] | None = None
    otherwise: str = Field("reject", alias="else")
    """What becomes of a code that is not listed: `reject` the row, `keep` the text, `null`, or a code of its own."""
    number: Literal["point", "comma"] | None = None
    """The decimal mark. Columns of numbers take `point` when nothing is said."""
    thousands: Literal[",", ".", "'", " "] | None = None
    """What stands between groups of three digits; a blank is one of any width. Elsewhere it makes no number."""
    accounting: bool = False
    """`(100)` and `100-` are below zero, as accountants and mainframes write."""
    date: Format | None = None
    """As `moment`; the day is kept as it is written, whatever hour and offset stand beside it."""
    moment: Instant | None = None
    """Read as UTC unless it tells an offset, as `%z` does; `+0200` or `CET` as words of it are refused, as is `%Z`
    without an offset: nobody reads them. `%s` alone are seconds since 1970, `%s%3f` milliseconds."""
    zone: Zone | None = None
    """Where the clocks of the source stand, such as `Europe/Berlin`. A moment without an offset is what they showed: of
    an hour that comes twice the later one, as nothing may be known before it was, and one that they left out is none. A
    date that is told as an instant, such as midnight there in UTC, is the day that it was there; one whose format tells
    no offset, Z or UTC is the source's day as it stands and takes no zone."""
    plus: float | None = None
    """Add a constant to the number."""
    minus: Name | None = None
    """Subtract another column of numbers."""
    range: tuple[float, float] | None = None
    """Lay [low, high] on [0, 1]; what lies outside stays outside and is for the checks to refuse."""
    clip: tuple[float, float] | None = None
    plus_days: Name | tuple[Name, ...] | None = None
    """Add a column of days (of several the first that is filled), which may be negative, to the date or moment."""
    plus_minutes: Name | None = None
    """Add a column of minutes, such as how long something takes, to the moment."""
    spread_days: Annotated[int, Field(ge=1)] | None = None
    """Add 0 to n-1 days by a digest of `spread_by`: for sets without dates, whose splits in time need some."""
    spread_by: Name | None = None
    year: bool = False
    """Keep only the first four characters, the year of an ISO date."""
    end_of: Literal["day", "month"] | None = None
    """The last microsecond (moment) or day (date) of the day or month."""
    means: End | None = None
    """Which day the source writes for an end: the last one, or the first one after; the other is kept where the
    canonical column is of the other kind. Columns of an end, such as `workers.terminated_at`, must say it: sources
    differ, and a label moves by a day."""
    person: Name | None = None
    """The scheme of a person's identifier; the value becomes a pseudonym."""
    id: Identity | None = None

    @model_validator(mode="after")
    def _has_one_source(self) -> Self:
        given = [name for name in SOURCES if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError("must have exactly one of from, constant, template, extracted, listed")
        if (self.spread_days is None) != (self.spread_by is None):
            raise ValueError("spread_days and spread_by go together")
        if self.thousands == {"comma": ",", "point": "."}[self.number or "point"]:
            raise ValueError("thousands must be another sign than the decimal mark, which `number` says")
        return self

    @model_validator(mode="after")
    def _moves_nothing_that_is_placed(self) -> Self:
        if self.zone is None:
            return self
        is_free = self.moment is None or (is_timed(self.moment) and not is_instant(self.moment) and self.end_of is None)
        # A day beside an hour that tells no instant is the day there already: as if in UTC, west of it, it would be the
        # day before.
        is_told = self.date is None or is_instant(self.date)
        if (self.moment or self.date) is None or not is_free or not is_told:
            raise ValueError(
                "zone goes with a moment of an hour and no offset, without `end_of`, or a date that is told as an "
                "instant: an hour with its offset, Z or UTC"
            )
        return self

    def columns(self) -> set[str]:
        """Names of all source columns that the rule reads."""
        names = {self.from_} if isinstance(self.from_, str) else set(self.from_ or ())
        names |= set(template_columns(self.template or ""))
        names |= {self.plus_days} if isinstance(self.plus_days, str) else set(self.plus_days or ())
        names |= {name for name in (self.minus, self.plus_minutes, self.spread_by) if name}
        names |= {override.column for override in self.override}
        return names | ({self.listed.column} if self.listed else set())


def template_columns(template: str) -> list[str]:
    """Columns named in a template, in order."""
    return re.findall(r"\{([^{}]+)\}", template)


class Condition(Declared):
    """Rows to keep; others are filtered and counted under `reason`."""

    column: Name
    filled: bool | None = None
    among: tuple[str, ...] | None = None
    not_among: tuple[str, ...] | None = None
    """The texts of rows to leave out; others stay, empty and unknown ones too, so that a rule can refuse those."""
    like: Pattern | None = None
    """What the whole text must look like, such as an id: `[0-9]{6}`. Empty cells stay, for rules to refuse."""
    above: Name | None = None
    """Another column: both are whole numbers, and this one's is the greater."""
    ranks: tuple[str, ...] = ()
    """With `above`, texts in their order, to compare by instead: this column's stands behind the other's. Rows in which
    one of the two is none of them stay."""
    reason: Annotated[str, Field(pattern=r"^[a-z_]+$")]
    reject: bool = False
    """The others are no rows to leave out but wrong ones: they go to quarantine."""

    @model_validator(mode="after")
    def _has_one_test(self) -> Self:
        if (self.filled, self.among, self.not_among, self.like, self.above).count(None) != 4:
            raise ValueError("must have exactly one of filled, among, not_among, like, above")
        if self.ranks and self.above is None:
            raise ValueError("ranks goes with above: two columns are compared by it")
        if len(self.ranks) == 1 or len({*self.ranks}) < len(self.ranks):
            raise ValueError("ranks must be at least two texts, each of them once: they are an order")
        return self

    def columns(self) -> set[str]:
        """Columns that the test reads."""
        return {self.column} | ({self.above} if self.above else set())


_BESIDE: Final = "@until"
"""The end of a slice of a history beside: it has a name that no feed can give."""


class Beside(Declared):
    """Another history of the same things, in a file of its own and without ends, too."""

    feed: Name
    of: Annotated[tuple[Name, ...], Field(min_length=1)]
    """Columns there that name the thing, in the order of the timeline's."""
    day: Name
    order: tuple[Name, ...] = ()
    take: Annotated[dict[Name, Name], Field(min_length=1)]
    """New column here -> column there; empty before the first row there."""

    def join(self) -> "Join":
        """What is read of the other file, as a join says it."""
        history = Timeline(of=self.of, day=self.day, order=self.order, until=_BESIDE, place="@place")
        match = dict(zip(self.of, self.of, strict=True))
        return Join(feed=self.feed, match=match, take=self.take, missing="keep", timeline=history)


class News(Declared):
    """What is new in a slice, for histories that do not say what happened."""

    column: Name
    """New column: the first of `of` that holds another text than in the slice before of the same thing; `nothing` where
    all are as they were, and `first` in the first slice."""
    of: Annotated[tuple[Name, ...], Field(min_length=1)]
    """Columns that the join takes, those that matter most first."""
    ranks: dict[Name, Annotated[tuple[Name, ...], Field(min_length=2)]] = Field(default_factory=dict)
    """One of them -> its texts, the lowest first: from one of these to another the news are `<column> up` or `<column>
    down`."""
    before: dict[Name, Name] = Field(default_factory=dict)
    """New column -> one of them: its text in the slice before."""
    over: dict[Name, Annotated[tuple[Name, ...], Field(min_length=1)]] = Field(default_factory=dict)
    """One of them -> its texts once the thing has ended: while it holds one of them, nothing else is news."""


class Timeline(Declared):
    """Rows there say from which day on something holds, and not until when: the next row of the same thing ends it."""

    of: Annotated[tuple[Name, ...], Field(min_length=1)]
    """Columns there that name the thing."""
    day: Name
    """A column there, the first day; its first ten characters are YYYY-MM-DD. Where a row is without one, all rows of
    the same thing are rejected as `undated_<feed>`: nobody knows what held when."""
    order: tuple[Name, ...] = ()
    """Columns there, whole numbers or texts: of rows of one day the greatest comes last, of equal ones the last in the
    file."""
    until: Name
    """New column here: the first day after, at the earliest that after its own; empty for a thing's last row."""
    place: Name
    """New column here: from 0, which of the rows of its day it is."""
    beside: tuple[Beside, ...] = ()
    """Other histories of the same things. A row here becomes as many slices as there are days from which on one of them
    says something else while it holds; `until` and `place` are those of the slices. Of one day the first row of each
    goes with the first of the others, the second with the second: in which order tables changed on a day nobody knows.
    What they say of days before a thing's first row here makes no slice. One of their rows without a day is as one of
    its own."""
    since: Name | None = None
    """With `beside`, new column here: the first day of the slice."""
    news: News | None = None
    """With `beside`, new columns that say what changed."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if bool(self.beside) != (self.since is not None):
            raise ValueError("since goes with beside, and beside with since: a slice need not begin with its row")
        if self.news is not None and not self.beside:
            raise ValueError("news goes with beside")
        if any(len(other.of) != len(self.of) for other in self.beside):
            raise ValueError("beside: `of` must name a thing by as many columns as the timeline's own")
        if self.news is not None and not {*self.news.ranks, *self.news.before.values(), *self.news.over} <= {
            *self.news.of
        }:
            raise ValueError("news: ranks, before and over must speak of columns that stand under `of`")
        made = self.made()
        if len(set(made)) < len(made):
            raise ValueError("timeline must give each new column a name of its own")
        return self

    def made(self) -> list[str]:
        """Columns that it adds."""
        added = [self.until, self.place, *([self.since] if self.since else [])]
        added += [name for other in self.beside for name in other.take]
        return added + ([self.news.column, *self.news.before] if self.news else [])


class Join(Declared):
    """Columns of another file of the set, found by equal text.

    By a column that `explode` or `unpivot` makes, a table's join comes after it.
    """

    feed: Name | None = None
    """Another feed: of its files the last that was written before this one or on the same day (UTC), of this batch also
    one whose month holds the day, and a later one only where there is no other. Files whose names say the same moment
    are its pages. Of it the rows that its own `rows` keep."""
    file: Name | None = None
    """A reference CSV in the folder of the feeds."""
    match: Annotated[dict[Name, Name], Field(min_length=1)]
    """Column here -> column there."""
    take: dict[Name, Name] = Field(default_factory=dict)
    """New column here -> column there."""
    missing: Literal["reject", "keep"]
    many: bool = False
    """Whether several rows there may match, which repeats the row here."""
    every: bool = False
    """Whether rows that the other feed's own `rows` leave out may match as well, so that a rule here can say why."""
    where: dict[Name, tuple[Name, ...]] = Field(default_factory=dict)
    """Column there -> its texts in the rows that may match."""
    latest: tuple[Name, ...] = ()
    """Columns there, ISO days or moments, or whole numbers: of several rows that match, the one that has the greatest,
    and of equal ones the last in the file. Empty is the least."""
    earliest: tuple[Name, ...] = ()
    """The same of the least. Empty is the greatest."""
    dated: bool = False
    """With `latest`, whether its first column must be filled in all rows there that match: where it is not, nobody
    knows which is the last, and the row here is rejected as `undated_<feed>`."""
    itself: Name | None = None
    """With `latest`, a column that names rows here and there: where the one found is the row itself, none was."""
    timeline: Timeline | None = None
    """Rows there are a history without ends. `match` names this row in the feed's own file, or one of another."""
    count: Name | None = None
    """New column: how many rows there match, 0 where none does."""
    distinct: Name | None = None
    """With `count`, a column there: its different texts are counted instead of the rows."""

    @model_validator(mode="after")
    def _has_one_other(self) -> Self:
        if (self.feed is None) == (self.file is None):
            raise ValueError("must have exactly one of feed, file")
        if not self.take and self.timeline is None:
            raise ValueError("take must name a column: a join that adds none finds nothing")
        if self.timeline is not None and not set(self.timeline.made()).isdisjoint(self.take):
            raise ValueError("timeline must make columns of its own, not those that take makes")
        taken = {*self.take}.union(*(other.take for other in (self.timeline.beside if self.timeline else ())))
        if self.timeline is not None and self.timeline.news and not {*self.timeline.news.of} <= taken:
            raise ValueError("news must be of columns that the join takes or its timeline does beside")
        if self.timeline is not None and (self.many or self.chosen or self.count):
            raise ValueError("timeline goes with none of many, latest, earliest, count: it finds one row")
        if self.many and (self.chosen or self.count):
            raise ValueError("many goes with none of latest, earliest, count: they leave one row")
        if self.latest and self.earliest:
            raise ValueError("latest must not stand beside earliest: one row is found")
        if self.dated and not self.latest:
            raise ValueError("dated goes with latest: it says that its day must be there")
        if self.itself and not self.latest:
            raise ValueError("itself goes with latest: it judges the one row that was found")
        if self.distinct and not self.count:
            raise ValueError("distinct goes with count: it says what is counted")
        if self.count in self.take:
            raise ValueError("count must make a column of its own, not one that take makes")
        return self

    @property
    def chosen(self) -> tuple[str, ...]:
        """Columns there by which one of several rows is found."""
        return self.latest or self.earliest

    def here(self) -> set[str]:
        """Columns of the feed's own file that are read."""
        return {*self.match} | ({self.itself} if self.itself else set())

    def there(self) -> list[str]:
        """Columns of the other file that are read."""
        more = [name for name in (self.itself, self.distinct) if name]
        more += [*self.timeline.of, self.timeline.day, *self.timeline.order] if self.timeline else []
        return list(dict.fromkeys([*self.match.values(), *self.take.values(), *self.where, *self.chosen, *more]))

    def made(self) -> set[str]:
        """Columns that it adds."""
        ends = set(self.timeline.made()) if self.timeline else set()
        return {*self.take} | ends | ({self.count} if self.count else set())

    def beside(self) -> "tuple[Join, ...]":
        """Joins of the other histories of its timeline."""
        return tuple(other.join() for other in self.timeline.beside) if self.timeline else ()

    @property
    def asks_for_days(self) -> bool:
        """Whether rows without a day make that nothing is found."""
        return self.dated or (self.timeline is not None and not self.is_beside)

    @property
    def is_beside(self) -> bool:
        """Whether this is a history beside another one, which is nothing without it."""
        return self.timeline is not None and self.timeline.until == _BESIDE

    @property
    def other(self) -> str:
        """What is joined, for messages and reason codes."""
        return self.feed or (self.file or "").removesuffix(".csv")


class Parts(Declared):
    """What each change of a stack says it of: the jobs that somebody holds at once."""

    column: Name
    """A group within each change."""
    key: Name
    """Its field that names the part."""
    last_day: Name | None = None
    """Its field with the last day on which the part is there, if a source ends parts so; one from 2900 on is none."""


class Fold(Declared):
    """Members are changes, each of which says only what it changes, and become the slices of time that these make.

    A slice is of one part, and has of every field what the last change said that spoke of it; a field that a change
    tells empty is empty from then on. Fields of the change have their own names, those of a part `<parts.column>.` in
    front, and four more are made: `from`, the first day, and `until`, the first day after, empty while open; `order`,
    from 0, of a part's slices that begin on one day, of which all but the last hold for that day; `known`, when the
    last was entered of what makes the slice what it is: a change that it has a field of, the one that ends it, one that
    took another back. What a change leaves as it was begins no slice. A stack that does not go back to where its
    parts begin cannot be folded: its row is rejected as `incomplete_stack`. One of more than 5,000 changes or 500
    parts, or that would become more than 10,000 slices or 16 Mi characters, is nobody's: `stack_too_large`.
    """

    day: Name
    """From when a change holds; its first ten characters are a day, YYYY-MM-DD, as it is written."""
    order: Name
    """A whole number: of the changes of one day the greater comes later."""
    known: Name
    """When it was entered: a moment in ISO 8601, in UTC where it says no offset."""
    event: Name
    """A code of what happened."""
    parts: Parts
    own: tuple[Name, ...] = ()
    """Fields that speak of the change alone, as those above do: no later slice keeps them."""
    groups: dict[Name, Name | None] = Field(default_factory=dict)
    """Groups within a change, or `<parts.column>.<group>` within a part, and the field that tells their members apart:
    their fields are `<group>.<text of it>.<field>`. With null all members are one: `<group>.<field>`."""
    added: dict[Name, tuple[Name, ...]]
    """Field of a part -> its texts where the part begins anew, and keeps nothing of before."""
    removed: dict[Name, tuple[Name, ...]]
    """Field of a part or of a member of `groups` -> its texts where that ends, and is told as it was."""
    begins: tuple[Name, ...]
    """Events with which everything begins that they tell."""
    ends: tuple[Name, ...] = ()
    """Events after which parts stay as they are until they begin anew: what is said of the person later is not said of
    them, and no removal or last day takes them away. Where no part is there any more, such an event speaks for those
    that ended last since the one before."""
    after: tuple[Name, ...] = ()
    """Events whose day is the last one before they hold."""
    rescinds: dict[Name, Name] = Field(default_factory=dict)
    """Event -> the event of the same day that it takes back, of several the one that was entered last before it; where
    one was corrected, of its day before as well."""
    corrects: dict[Name, Name] = Field(default_factory=dict)
    """Event -> the event whose place it takes, corrected before or not: the one of its day, else of the nearest. What
    it does not tell is as it was. Where several are as near, nobody can know: the row is `ambiguous_correction`."""


class Explode(Declared):
    """A repeated group becomes rows; its fields become columns `<column>.<field>`."""

    column: Name
    fold: Fold | None = None
    """Members are changes: the rows are of the slices that they make."""
    fields: Annotated[tuple[Name, ...], Field(min_length=1)]
    next: tuple[Name, ...] = ()
    """Fields of the member after each, in the order of the file: columns `<column>.next.<field>`, empty for the last.
    For histories that say when something began, and so with the next one when it ended."""
    previous: tuple[Name, ...] = ()
    """The same of the member before each: columns `<column>.previous.<field>`, empty for the first."""
    latest: tuple[Name, ...] = ()
    """Fields, ISO days or moments, or whole numbers: of a group's members only the one that has the greatest becomes a
    row, of equal ones the last. Empty is the least."""
    rows: tuple[Condition, ...] = ()
    """With `latest`, by columns that this step makes: which members are there to choose from."""
    least: tuple[Name, ...] = ()
    """Fields, ISO days or moments: columns `<column>.least.<field>` have the least of all members of the group, whether
    they become rows or not."""
    then: "Explode | None" = None
    """A group within the members becomes rows in turn; its column is one that this step makes."""

    @property
    def made(self) -> tuple[str, ...]:
        """Columns that this step adds: the fields, those of the next member, those of the one before, the least."""
        beside = {"": self.fields, ".next": self.next, ".previous": self.previous, ".least": self.least}
        return tuple(f"{self.column}{which}.{field}" for which, fields in beside.items() for field in fields)

    @property
    def steps(self) -> "tuple[Explode, ...]":
        """This step and those within, from the outermost."""
        return (self, *(self.then.steps if self.then else ()))

    @model_validator(mode="after")
    def _is_within(self) -> Self:
        if self.fold and (self.next or self.previous or self.latest or self.least or self.then):
            raise ValueError("fold goes with none of next, previous, latest, least, then: slices know of each other")
        if not {*self.latest, *self.least} <= {*self.fields}:
            raise ValueError("latest and least must be of fields that the step takes")
        if self.rows and not self.latest:
            raise ValueError("rows of explode goes with latest; without it the rows of the table do the same")
        if not {name for condition in self.rows for name in condition.columns()} <= {*self.made}:
            raise ValueError("rows of explode must be of columns that the step makes")
        if self.then and self.then.column not in self.made:
            raise ValueError(f"then.column must be one that the step makes: {', '.join(self.made)}")
        return self


class Unpivot(Declared):
    """Columns become rows: a code and a value each. Empty cells give no row."""

    columns: Annotated[dict[Name, Name], Field(min_length=1)]
    """Source column -> code."""
    name: Name
    value: Name

    def made(self) -> set[str]:
        """Columns that it adds; a value is as clean as the cell that it was."""
        return {self.name, self.value}


class Compose(Declared):
    """A resume's text out of cells, redacted.

    It makes the columns `<column>.text`, `<column>.char_count`, `<column>.stuffed_text_share` and
    `<column>.language_code`, empty where no cell says anything, the last also where it is not clear.
    """

    column: Name
    names: Annotated[tuple[Name, ...], Field(min_length=1)]
    """Columns with names of the person: they are no part of the text, and go from it wherever they stand."""
    sections: Annotated[dict[Name, str], Field(min_length=1)]
    """Source column, of text or of a group -> what stands above it, such as Education; may be empty."""

    @model_validator(mode="after")
    def _names_are_no_text(self) -> Self:
        if found := sorted(set(self.names) & set(self.sections)):
            raise ValueError(f"sections must not have columns of names; got {', '.join(found)}")
        return self

    @property
    def made(self) -> tuple[str, ...]:
        """Columns that this step adds."""
        return tuple(f"{self.column}.{name}" for name in ("text", "char_count", "stuffed_text_share", "language_code"))


class TableMap(Declared):
    """What one canonical table takes from a feed."""

    table: Name
    compose: Compose | None = None
    join: tuple[Join, ...] = ()
    explode: Explode | None = None
    unpivot: Unpivot | None = None
    rows: tuple[Condition, ...] = ()
    known_from: Rule | None = None
    """When the source knew it; the extraction moment when nothing is said."""
    columns: dict[Name, Rule]

    def made(self) -> set[str]:
        """Columns that compose, joins, explode and unpivot add."""
        composed = set(self.compose.made) if self.compose else set()
        return {name for join in self.join for name in join.made()} | self.turned() | composed

    def turned(self) -> set[str]:
        """Columns that explode and unpivot add."""
        names = {name for step in self.explode.steps for name in step.made} if self.explode else set()
        return names | (self.unpivot.made() if self.unpivot else set())

    def reads(self) -> set[str]:
        """Source columns used, apart from those it adds itself."""
        names = self.reads_last() | {name for join in self.join for name in join.here()}
        names |= {self.explode.column} if self.explode else set()
        names |= {*self.compose.sections, *self.compose.names} if self.compose else set()
        names |= set(self.unpivot.columns) if self.unpivot else set()
        return names - self.made()

    def reads_last(self) -> set[str]:
        """Columns that conditions and rules use, once there are those that the table adds itself."""
        names: set[str] = set()
        for rule in [*self.columns.values(), *([self.known_from] if self.known_from else [])]:
            names |= rule.columns()
        return names | {name for condition in self.rows for name in condition.columns()}


Options = dict[str, Any]
