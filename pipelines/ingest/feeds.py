"""Feeds: one YAML file an export says where it comes from, how to read it and what its columns mean.

Everything is checked before any data is touched: words and types by pydantic, then names against the canonical tables,
the dialects and the other feeds. All faults of all files come in one error.
"""

import calendar
import hashlib
import importlib
import pkgutil
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import yaml
from pydantic import BaseModel, Field, PrivateAttr, ValidationError, field_validator

from pipelines.base.contracts import TABLES
from pipelines.base.errors import SettingsError
from pipelines.base.settings import environment, parsed, said_twice
from pipelines.ingest.deliveries import Delta, Extracted, Full, Limits, Ready
from pipelines.ingest.rules import Condition, Declared, Join, Name, Options, Rule, TableMap
from pipelines.ingest.sources import Bucket, Pgp, Sftp, bucket

READERS: Final = Path(__file__).parent / "read"
"""Each module in it is a dialect, unless its name begins with an underscore."""
FEEDS: Final = "CANDOR_FEEDS"


def dialects() -> tuple[str, ...]:
    """Names of all dialects: what lies in their folder, so that a feed cannot name any other module."""
    return tuple(sorted(m.name for m in pkgutil.iter_modules([str(READERS)]) if not m.name.startswith("_")))


WRITTEN: Final = "extracted_at"
"""What a manifest calls the moment of extraction, and the group beside those of the name that has it, in ISO 8601."""


def options_of(dialect: str) -> type[BaseModel] | None:
    """The options that a dialect declares, which loads its module; None where it has none of its own."""
    found: type[BaseModel] | None = getattr(importlib.import_module(f"{__package__}.read.{dialect}"), "Options", None)
    return found


class Sentinel(Declared):
    """Texts that a source writes where there is nothing, such as `9999-12-31` or `N/A`: empty cells to every rule."""

    cells: Annotated[tuple[Name, ...], Field(min_length=1)]
    """Compared whole, without blanks at the ends."""
    columns: tuple[Name, ...] = ()
    """Where they mean nothing; everywhere when none is named. `NA` may also be Namibia, `Null` a name."""


_BARE: Final = re.compile(r"\d{6}(\d{2})?")
"""A month or day without dashes, as sequence generators stamp names."""
_STAMP: Final = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})[T_-]?(\d{2})[:-]?(\d{2})[:-]?(\d{2})Z?")
"""A moment, as names of files have it."""
_HEADED: Final = ("csv", "excel")
_NEUTRAL: Final = {"owner": "nobody", "cadence": "once", "location": "", "dialect": "csv", "options": {}}
"""Stand for wrong entries while the others are checked; such a feed is never used."""


class Feed(Declared):
    """One export of one system."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    owner: Name
    """Who answers for the file at the source."""
    cadence: Literal["once", "daily", "weekly", "monthly"]
    """How often a file comes. One that does not is told as late, by the day in the name of the newest before it."""
    late_after_days: Annotated[int, Field(ge=0)] | None = None
    """How many days a file may take beyond the one on which it is due; without a word 3, of a month's file 7."""
    root: Literal["exports", "feeds"] = "exports"
    """`feeds` reads a file that lies beside the declaration."""
    location: str
    """Folder below the root; empty for the root itself. With `sftp`, the folder on that server: below the one that an
    account begins in, or from the top with a slash in front. Or `s3://bucket/prefix`, on the S3 server that the
    environment names; where a bucket keeps versions, each version that no deletion hides is a file of its own."""
    sftp: Sftp | None = None
    """The server that the files lie on; without a word they lie in a folder of this machine."""
    files: str
    """Regular expression for the path below the location; named groups become columns and the period. On a server,
    folders are looked into as deep as it has slashes."""
    ready: Ready | None = None
    """How a file shows that it is complete; without a word it is, unless its name is hidden or ends in .tmp, .part,
    .filepart. Files on an SFTP server must show it; an object on S3 appears whole."""
    pgp: Pgp | None = None
    """Files are encrypted, and signed."""
    full: Full | None = None
    """Files hold all there is, not only what changed."""
    delta: Delta | None = None
    """Files hold what changed, and are counted."""
    dialect: str
    """A module of `pipelines.ingest.read`."""
    options: Options
    encoding: Literal["utf-8", "utf-16", "cp1252", "latin-1"] = "utf-8"
    limits: Limits = Limits()
    """How large a file may be; without a word the limits that stand there."""
    sentinels: tuple[Sentinel, ...] = ()
    """Texts that stand for nothing."""
    extracted_at: Extracted
    after: tuple[Name, ...] = ()
    """Feeds whose files come first in a batch."""
    required: tuple[Name, ...] = ()
    """Columns without which the file is held."""
    header: tuple[Name, ...] = ()
    """Of files whose layout was agreed, all columns in their order; one with another header is held. Without a word
    columns may come in any order, and others beside them."""
    may_empty: Annotated[float, Field(ge=0, le=1)] = 0.2
    """By how much less of a required column may be filled than in the last files taken in, as a share of the rows; more
    holds the file until a person decides: a report that lost a right is sent with empty fields and no error. So does
    any other column that a rule reads and of which nothing is left, where it had enough before; 1 asks for neither."""
    may_reshape: Annotated[float, Field(ge=0, le=1)] = 0.01
    """Which share of the identifiers in a column may be of other lengths than the last files taken in had, where those
    had at most three; more holds the file until a person decides: a spreadsheet makes `123` of `000123`."""
    never: Mapping[Name, Name] = Field(default_factory=dict)
    """Columns that no rule may read, and why."""
    join: tuple[Join, ...] = ()
    _joined: set[str] = PrivateAttr(default_factory=set)
    """Columns that joins of other feeds take."""
    rows: tuple[Condition, ...] = ()
    tables: tuple[TableMap, ...]
    about: tuple[Rule, ...] | None = None
    """Of a feed without tables, which is only looked up: rules with `person` that say whom its rows are about; none
    where that is nobody. Without a word, and without `own_ids`, an erasure names its files, for somebody to look at."""
    own_ids: Mapping[Name, Name] = Field(default_factory=dict)
    """Kind of id -> column: ids that the vendor gave by itself to people, or to what is one person's alone, such as an
    application. Rows of any feed that have the same one are about the same person; an erasure follows it where no rule
    names anybody. One that leads to several people forgets nobody: its rows are named, for somebody to look at."""
    is_nobody_without: bool = False
    """A row that has none of `own_ids` is about nobody, such as a place that nobody has filled yet. Without a word it
    is somebody's, nobody knows whose: an erasure takes it for a word that was theirs alone, and counts the others."""
    sha256: str = ""
    """Digest of the declaration: a held file is tried again when it changes."""

    @field_validator("location")
    @classmethod
    def _is_a_place(cls, text: str) -> str:
        bucket(text)
        return text

    @field_validator("files")
    @classmethod
    def _compiles(cls, text: str) -> str:
        try:
            re.compile(text)
        except re.error as error:
            raise ValueError(f"must be a regular expression: {error}") from None
        return text

    @field_validator("dialect")
    @classmethod
    def _is_read(cls, name: str) -> str:
        if name not in dialects():
            raise ValueError(f"must be a dialect; there are {', '.join(dialects())}")
        return name

    @property
    def bucket(self) -> Bucket | None:
        """The prefix on S3 that the files lie below."""
        return bucket(self.location)

    @property
    def is_one(self) -> bool:
        """Whether a file is one record, about one person: its name is often theirs, as a document's is."""
        return bool(self.options.get("is_one"))

    @property
    def is_on_server(self) -> bool:
        """Whether the files lie on a server, not in a folder of this machine."""
        return self.sftp is not None or self.bucket is not None

    @property
    def groups(self) -> tuple[str, ...]:
        """Named groups of the file name."""
        return tuple(re.compile(self.files).groupindex)

    @property
    def nothing(self) -> dict[str, tuple[str, ...]]:
        """Column, empty for all of them -> texts that stand for nothing."""
        texts: dict[str, tuple[str, ...]] = {}
        for sentinel in self.sentinels:
            for name in sentinel.columns or ("",):
                texts[name] = (*texts.get(name, ()), *sentinel.cells)
        return texts

    @property
    def joins(self) -> tuple[Join, ...]:
        """All joins, those of single tables and of histories beside them among them."""
        own = (*self.join, *(join for table in self.tables for join in table.join))
        return (*own, *(other for join in own for other in join.beside()))

    def reads(self) -> set[str]:
        """Source columns that the mapping uses, joined ones left out."""
        joined = {name for join in self.join for name in join.made()}
        names = {name for condition in self.rows for name in condition.columns()}
        names |= {name for join in self.join for name in join.here()}
        names |= {name for rule in self.about or () for name in rule.columns()}
        return (names | {name for table in self.tables for name in table.reads()}) - joined

    def kept(self) -> set[str]:
        """Source columns that a mapping or another feed's join reads, and those with the name of what a step makes."""
        return self.mentions() | {*self.required, *self.never, *self.own_ids.values()} | self._joined

    @property
    def ids(self) -> tuple[str, ...]:
        """Source columns that hold nothing but what names a person or a thing."""
        kinds = {name: {column.name: column.kind for column in table.columns} for name, table in TABLES.items()}
        rules = [
            rule
            for mapped in self.tables
            for name, rule in mapped.columns.items()
            if rule.person or rule.id or kinds[mapped.table].get(name) == "id"
        ]
        names = {name for rule in rules if rule.from_ for name in rule.columns()}
        return tuple(sorted(names & self.reads()))

    def mentions(self) -> set[str]:
        """Every column that the mapping names: a source may have one of the name of what a step makes."""
        joined = {name for join in self.join for name in join.made()}
        return self.reads() | joined | {name for table in self.tables for name in table.made()}

    def with_moment(self, groups: Mapping[str, str], said: Mapping[str, Any] | None) -> dict[str, str]:
        """Groups of a file's name, and beside them the moment that its manifest said where that counts."""
        moment = (said or {}).get(WRITTEN) if self.extracted_at.manifest else None
        return {**groups, **({} if moment is None else {WRITTEN: str(moment)})}

    def extraction(self, groups: Mapping[str, str]) -> datetime:
        """When the source wrote a file, from the groups of its name, and what its manifest said beside them."""
        if self.extracted_at.constant is not None:
            moment = self.extracted_at.constant
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        if self.extracted_at.manifest:
            return datetime.fromisoformat(groups[WRITTEN])
        if self.extracted_at.at is not None:
            return _stamp(groups[self.extracted_at.at])
        text = groups[str(self.extracted_at.end_of)]
        if _BARE.fullmatch(text):
            text = "-".join(filter(None, (text[:4], text[4:6], text[6:])))
        year, month, *day = (int(part) for part in text.split("-"))
        last = day[0] if day else calendar.monthrange(year, month)[1]
        return datetime(year, month, last, 23, 59, 59, 999999, tzinfo=UTC)

    def moment(self, groups: Mapping[str, str]) -> datetime | None:
        """The same of a file that came when the feed was declared otherwise; None where its name says no moment now."""
        try:
            return self.extraction(groups)
        except (KeyError, ValueError):
            return None

    def begun(self, groups: Mapping[str, str]) -> datetime | None:
        """When the day or month began of which a file tells; None where its name says no moment now."""
        moment = self.moment(groups)
        if moment is None:
            return None
        is_of_month = (
            self.extracted_at.end_of is not None and len(groups[self.extracted_at.end_of].replace("-", "")) == 6
        )
        return datetime(moment.year, moment.month, 1 if is_of_month else moment.day, tzinfo=UTC)


def _stamp(text: str) -> datetime:
    found = _STAMP.fullmatch(text)
    if found is None:
        raise ValueError("no moment to the second")
    year, month, day, hour, minute, second = (int(part) for part in found.groups())
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC)


def folder() -> Path:
    """The folder of the feeds, from CANDOR_FEEDS.

    Raises:
        SettingsError: It is not set or not a folder.
    """
    path = Path(environment(FEEDS, "the folder of feed declarations, such as feeds or feeds/real"))
    if not path.is_dir():
        raise SettingsError(f"{FEEDS} must name a folder; {path} is none. Run from the top of a checkout.")
    return path


def load(path: Path) -> dict[str, Feed]:
    """All feeds of a folder, in an order that respects `after`.

    Args:
        path: Folder with one YAML file a feed; subfolders are not read.

    Raises:
        SettingsError: Names every fault of every file at once.
    """
    feeds: dict[str, Feed] = {}
    faults: list[str] = []
    for file in sorted(path.glob("*.yaml")):
        feed, wrong = _read(file)
        if feed is not None and feed.name in feeds:
            wrong.append(f"{file.name}: name {feed.name} is taken by another file")
        faults += wrong
        if feed is not None:
            feeds[feed.name] = feed
    for feed in feeds.values():
        faults += [f"{feed.name}: {fault}" for fault in _semantics(feed, feeds, path)]
    if not feeds and not faults:
        faults.append(f"{path} holds no *.yaml")
    if not faults:
        for join in (join for feed in feeds.values() for join in feed.joins):
            if join.feed is not None:
                feeds[join.feed]._joined.update(join.there())  # noqa: SLF001  # nobody declares it
        ordered, circle = _ordered(feeds)
        if not circle:
            return ordered
        faults.append(f"`after` must not run in a circle; it does for {', '.join(circle)}")
    raise SettingsError("\n- ".join(["Feeds must be well declared:", *faults]) + "\nCorrect the files named.")


def _read(file: Path) -> tuple[Feed | None, list[str]]:
    data = file.read_bytes()
    try:
        raw = parsed(data)
        if not isinstance(raw, dict):
            return None, [f"{file.name}: must be a mapping"]
        twice = [f"{file.name}: {fault}" for fault in said_twice(data)]
        feed = Feed.model_validate({**raw, "sha256": hashlib.sha256(data).hexdigest()})
        return _with_keys(feed, file.parent), [*twice, *(f"{file.name}: {fault}" for fault in _unfit(feed))]
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        return None, [f"{file.name}: must be YAML" + (f"; parsing failed at line {mark.line + 1}" if mark else "")]
    except ValidationError as error:
        found = error.errors(include_url=False)
        faults = [*twice, *(f"{file.name}: {'.'.join(map(str, e['loc']))}: {e['msg']}" for e in found)]
        wrong = {str(e["loc"][0]) for e in found}
        left = _without(raw, wrong)
        if left is not None and not wrong & {"dialect", "options"}:
            faults += [f"{file.name}: {fault}" for fault in _unfit(left)]
        return left, faults


def _with_keys(feed: Feed, folder: Path) -> Feed:
    """The feed; the public keys that it names are a part of what it declares."""
    if feed.pgp is None or feed.pgp.public_keys is None or not (folder / feed.pgp.public_keys).is_file():
        return feed
    keys = hashlib.sha256((folder / feed.pgp.public_keys).read_bytes()).hexdigest()
    return feed.model_copy(update={"sha256": hashlib.sha256(f"{feed.sha256} {keys}".encode()).hexdigest()})


def _without(raw: Mapping[str, Any], wrong: set[str]) -> Feed | None:
    """The feed without its wrong entries, so that names in the others are still looked up; None without its core."""
    kept = {name: value for name, value in raw.items() if name not in wrong}
    try:
        return Feed.model_validate(kept | {name: value for name, value in _NEUTRAL.items() if name in wrong})
    except ValidationError:
        return None


def _semantics(feed: Feed, feeds: Mapping[str, Feed], path: Path) -> list[str]:
    """Faults that only show when names are looked up."""
    faults = [f"after: {name} is no feed" for name in feed.after if name not in feeds]
    written = feed.extracted_at
    named = written.end_of or written.at
    if (written.end_of, written.at, written.constant, written.manifest).count(None) != 3:
        faults.append("extracted_at: must have exactly one of end_of, at, constant, manifest")
    elif written.manifest and (feed.ready is None or feed.ready.manifest is None):
        faults.append("extracted_at: manifest needs `ready: {manifest: …}`, which says where manifests are")
    elif written.manifest and WRITTEN in feed.groups:
        faults.append(f"extracted_at: with manifest, no group of `files` may be called {WRITTEN}")
    elif named is not None and named not in feed.groups:
        faults.append(f"extracted_at: {named} is no named group of `files`")
    faults += _origin(feed, path)
    if feed.full is not None and feed.delta is not None:
        faults.append("full: must not stand beside delta")
    if feed.full is not None:
        proved = [_unreconciled(feed, feeds.get(name), name) for name in feed.full.reconciles]
        faults += [f"full: {fault}" for fault in proved if fault]
    faults += _order(feed)
    faults += [*_about(feed), *_headed(feed)]
    if feed.dialect == "documents" and feed.ready is not None and feed.ready.suffix is not None:
        faults.append("ready: documents can only be untouched_seconds")
    read = feed.reads() | {name for table in feed.tables for name in table.turned()}
    read |= {*feed.own_ids.values()}
    faults += [f"never: {name} is read by a rule" for name in sorted(read & set(feed.never))]
    for join in feed.joins:
        other = feeds.get(str(join.feed))
        barred = set(join.there()) & set(other.never) if other is not None else set()
        faults += [f"join: {name} is a column that {join.feed} declares as never read" for name in sorted(barred)]
    used = feed.reads() | {*feed.own_ids.values()} | {name for table in feed.tables for name in table.made()}
    used |= {
        there for other in feeds.values() for join in other.joins if join.feed == feed.name for there in join.there()
    }
    faults += [f"sentinels: {name} is read by no rule" for name in sorted(set(feed.nothing) - used - {""})]
    for join in feed.joins:
        if join.feed and join.feed not in feeds:
            faults.append(f"join: {join.feed} is no feed")
        if join.file and not (path / join.file).is_file():
            faults.append(f"join: {join.file} is not in the folder of the feeds")
    for table in feed.tables:
        faults += _columns(table)
    return faults


def _order(feed: Feed) -> list[str]:
    """Faults of how a feed's changes follow one another."""
    if feed.delta is None:
        return []
    faults = []
    if feed.delta.sequence is not None and feed.delta.sequence not in feed.groups:
        faults.append(f"delta: {feed.delta.sequence} is no named group of `files`")
    if feed.delta.manifest and (feed.ready is None or feed.ready.manifest is None):
        faults.append("delta: manifest needs `ready: {manifest: …}`, which says what its files are called")
    if feed.dialect == "documents":
        faults.append("delta: documents have no sequence")
    return faults


def _headed(feed: Feed) -> list[str]:
    """Faults of the header that was agreed."""
    if not feed.header:
        return []
    faults = [f"header: {name} is read or required and not a part of it" for name in sorted(_lacking(feed))]
    if feed.dialect not in _HEADED:
        faults.append(f"header: only files of {' or '.join(_HEADED)} have one")
    return faults


def _lacking(feed: Feed) -> set[str]:
    made = {name for table in feed.tables for name in table.made()} | {*feed.groups}
    told = {name.casefold() for name in feed.header}
    return {name for name in (feed.reads() | {*feed.required}) - made if name.casefold() not in told}


def _about(feed: Feed) -> list[str]:
    """Faults of what a feed without tables says of people."""
    faults = []
    if feed.about is not None and feed.tables:
        faults.append("about: must not stand beside tables, whose rules say whom rows are about")
    if any(rule.person is None for rule in feed.about or ()):
        faults.append("about: must be rules with `person`, the scheme of the identifiers")
    if feed.is_nobody_without and not feed.own_ids:
        faults.append("is_nobody_without: goes with own_ids, without which a row is about nobody")
    return faults


def _unreconciled(feed: Feed, delta: Feed | None, name: str) -> str | None:
    """Why a full file proves nothing about a feed."""
    if delta is None or delta.delta is None:
        return f"reconciles: {name} is no feed with `delta`"
    if not {mapped.table for mapped in feed.tables} & {mapped.table for mapped in delta.tables}:
        return f"reconciles: {name} has no table in common"
    return None


def _origin(feed: Feed, path: Path) -> list[str]:
    """Faults of where files come from."""
    faults = []
    if feed.sftp is not None and feed.root == "feeds":
        faults.append("sftp: must not stand beside `root: feeds`")
    if feed.bucket is not None and (feed.sftp is not None or feed.root == "feeds"):
        faults.append("location: an S3 prefix must not stand beside `sftp` or `root: feeds`")
    if feed.sftp is not None and feed.ready is None:
        faults.append("sftp: needs `ready`, since a file on a server shows nothing by being there")
    if feed.pgp is not None and feed.dialect == "documents":
        faults.append("pgp: documents are not opened one by one; have them sent in the clear over SFTP or to S3")
    if feed.pgp is not None and feed.pgp.public_keys is not None and not (path / feed.pgp.public_keys).is_file():
        faults.append(f"pgp: {feed.pgp.public_keys} is not in the folder of the feeds")
    return faults


def _columns(mapped: TableMap) -> list[str]:
    table = TABLES.get(mapped.table)
    if table is None:
        return [f"tables: {mapped.table} is no canonical table; there are {', '.join(TABLES)}"]
    have = ", ".join(table.schema)
    faults = [f"{mapped.table}: {n} is no column; there are {have}" for n in mapped.columns if n not in table.schema]
    for column in table.columns:
        rule = mapped.columns.get(column.name)
        if rule is None and column.required:
            faults.append(f"{mapped.table}: {column.name} is required and has no rule")
        if column.end is not None and rule is not None and rule.constant is None and rule.means is None:
            faults.append(f"{mapped.table}.{column.name}: must say `means`: last_day or first_day_after")
        if rule is not None and (fault := _typed(rule, column.kind)):
            faults.append(f"{mapped.table}.{column.name}: {fault}")
        if rule is not None and rule.person is None and column.name.endswith("person_id"):
            faults.append(f"{mapped.table}.{column.name}: must have `person`, the scheme of the number: none is kept")
    for step in mapped.explode.steps if mapped.explode is not None else ():
        left = sorted(name for name in mapped.reads() if name.startswith(f"{step.column}."))
        faults += [f"{mapped.table}: {name} is none of the fields that explode takes" for name in left]
    if mapped.known_from is not None and (fault := _typed(mapped.known_from, "moment")):
        faults.append(f"{mapped.table}.known_from: {fault}")
    return faults


def _typed(rule: Rule, kind: str) -> str | None:
    """What is wrong with a rule for a column of this kind."""
    is_made = rule.constant is not None
    faults = {
        "a date needs `date` with its one format": kind == "date" and rule.date is None and not is_made,
        "a moment needs `moment` with its one format, or `extracted`": (
            kind == "moment" and rule.moment is None and not is_made and rule.extracted is None
        ),
        "a bool needs `codes` that give true and false, or a constant": (
            kind == "bool" and rule.codes is None and not isinstance(rule.constant, bool)
        ),
        "only a date has `means`": kind != "date" and rule.means is not None,
        "only a moment has `plus_minutes`": kind != "moment" and rule.plus_minutes is not None,
        "an amount of money is kept as it is written: it has none of `plus`, `minus`, `range`, `clip`": (
            kind == "money" and (rule.plus, rule.minus, rule.range, rule.clip) != (None,) * 4
        ),
    }
    return next((said for said, is_so in faults.items() if is_so), None)


def _ordered(feeds: Mapping[str, Feed]) -> tuple[dict[str, Feed], list[str]]:
    """Feeds after those they wait for, otherwise by name; and the feeds of a circle, if there is one."""
    left = dict(sorted(feeds.items()))
    done: dict[str, Feed] = {}
    while left:
        ready = [name for name, feed in left.items() if not set(feed.after) & set(left)]
        if not ready:
            return done, list(left)
        done.update({name: left.pop(name) for name in ready})
    return done, []


def options(model: type[Any], feed: Feed) -> Any:  # every dialect has its own section
    """A feed's options as its dialect wants them.

    Raises:
        SettingsError: Names every fault.
    """
    try:
        return model.model_validate(feed.options)
    except ValidationError as error:
        faults = "; ".join(_of_options(error))
        raise SettingsError(f"Feed {feed.name} must be well declared; {faults}. Correct its file.") from None


def _unfit(feed: Feed) -> list[str]:
    """Faults of a feed's options, as its dialect sees them; told before any file is read, beside all others."""
    model = options_of(feed.dialect)
    try:
        if model is not None:
            model.model_validate(feed.options)
    except ValidationError as error:
        return _of_options(error)
    return []


def _of_options(error: ValidationError) -> list[str]:
    found = error.errors(include_url=False)
    return [f"{'.'.join(map(str, ('options', *e['loc'])))}: {e['msg']}" for e in found]
