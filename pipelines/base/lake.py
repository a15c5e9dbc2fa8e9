"""The lake: canonical tables as Delta Lake, visible only through a manifest that names the version of every table.

A row is a version of the thing its key names; versions are appended, never changed. What was known at a moment is the
newest version of each key with `known_from` up to then. Publishing is serialised; a batch spans tables and becomes
visible with its manifest, or not at all. A publish killed half-way leaves Delta versions that no manifest names; the
next publish steps back over them.

An erasure leaves one version of a table, and none of its history. Every older manifest then reads that version up to
the rows of its own number: the same rows, minus the person.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time
from typing import Any, Final

import polars as pl

from pipelines.base import delta, vault
from pipelines.base.catalog import LAKE
from pipelines.base.contracts import PROVENANCE, TABLES, Table, conform, empty
from pipelines.base.days import end_of
from pipelines.base.digests import row_digests, sha256_bytes, sha256_lines
from pipelines.base.errors import ContractError
from pipelines.base.store import Store

BUCKETS: Final = 8
"""Hash buckets of the person key. Part of the layout: changing it means rewriting the lake."""
MANIFESTS: Final = f"{LAKE}/manifests"
PUBLISHING: Final = "publish"
"""The lock of whoever writes the lake, the vault or quarantine."""
REWRITTEN: Final = f"{LAKE}/rewritten"
"""Per table the version that an erasure left."""
RETIRED: Final = f"{LAKE}/retired"
"""Per table the day before which nothing is kept; what a file says of earlier days is not taken in again."""
OWN: Final = ("candidates", "consents", "person_links")
"""Tables that say of a person no more than that they are one to decide about, may be, and who else they are."""
TOLD: Final = "told_on"
Rows = pl.DataFrame | pl.LazyFrame
Note = Callable[[str, str, str], None]
"""Told of an object and its digests before and after, just before it is changed."""


@dataclass(frozen=True, slots=True)
class TableVersion:
    """One table in a manifest."""

    version: int
    """Delta version; for a table of the vault the number of sealed parts."""
    rows: int
    sha256: str
    """Digest of the bag of rows, whatever their order and files."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the lake was after a batch."""

    seq: int
    batch_id: str
    tables: Mapping[str, TableVersion]
    counts: Mapping[str, Any]
    """Per feed: rows in, accepted, quarantined, filtered."""

    @property
    def sha256(self) -> str:
        """Digest of the content, which `lake.lock`, verdicts and releases name.

        Delta versions do not count: after a killed publish they differ while every row is the same.
        """
        content = {name: [table.rows, table.sha256] for name, table in self.tables.items()}
        return sha256_bytes(json.dumps(content, sort_keys=True).encode())

    def to_json(self) -> bytes:
        """Canonical bytes: the same manifest gives the same bytes."""
        return json.dumps(asdict(self), sort_keys=True, indent=1).encode()

    @classmethod
    def from_json(cls, data: bytes) -> "Manifest":
        """The manifest again."""
        raw = json.loads(data)
        tables = {name: TableVersion(**entry) for name, entry in raw["tables"].items()}
        return cls(raw["seq"], raw["batch_id"], tables, raw["counts"])


def bucket() -> pl.Expr:
    """The hash bucket of `person_id`: the pseudonym is a hash already."""
    return pl.col("person_id").str.slice(2, 4).str.to_integer(base=16, strict=False).fill_null(0) % BUCKETS


def stamp(table: Table, frame: pl.DataFrame) -> pl.DataFrame:
    """`frame` with `record_sha256` and `bucket`, in the contract's order.

    Args:
        table: The canonical table.
        frame: [n_rows] business columns and `file_id`, `source_row`, `known_from`, `known_from_basis`; a
            `record_sha256` that ingest has taken already is kept.

    Raises:
        ContractError: Columns are missing or of another type.
    """
    business = conform(frame, table.schema, table.name)
    place = bucket() if "person_id" in frame.columns else pl.lit(0)
    digests = frame["record_sha256"] if "record_sha256" in frame.columns else row_digests(business)
    stamped = frame.with_columns(digests, place.cast(pl.Int32).alias("bucket"), published_seq=pl.lit(0))
    return conform(stamped, pl.Schema({**table.schema, **PROVENANCE}), table.name)


def told_on(table: Table) -> pl.Expr:
    """The last day on which a source told of somebody, by a row that says that they are."""
    moments = [name for name in ("created_at", "known_from") if name == "known_from" or name in table.schema]
    return pl.max_horizontal(moments).dt.date().alias(TOLD)


def is_before(table: Table, day: date) -> pl.Expr:
    """Whether what a row tells happened before a day (UTC).

    Args:
        table: One that says from when its rows are kept.
        day: The day.
    """
    moment = (
        pl.lit(day) if table.schema[str(table.kept_from)] == pl.Date else pl.lit(datetime.combine(day, time(), UTC))
    )
    return pl.col(str(table.kept_from)) < moment


def newest(name: str, versions: pl.DataFrame) -> pl.DataFrame:
    """One row a key of a table, the version known last, ordered by key."""
    ordered = versions.sort("known_from", "published_seq", "source_row")
    return ordered.unique(subset=list(TABLES[name].key), keep="last", maintain_order=False).sort(TABLES[name].key)


class Lake:
    """Reads and publishes canonical tables of one store."""

    def __init__(self, store: Store) -> None:
        """Nothing is read yet.

        Args:
            store: Where the zones are.
        """
        self.store = store

    def manifest(self, seq: int | None = None) -> Manifest | None:
        """A manifest, the newest by default; None while nothing was published."""
        if seq is None:
            keys = self.store.list(MANIFESTS)
            return Manifest.from_json(self.store.read(keys[-1])) if keys else None
        return Manifest.from_json(self.store.read(_key(seq)))

    def manifests(self) -> list[Manifest]:
        """All manifests, oldest first."""
        return [Manifest.from_json(self.store.read(key)) for key in self.store.list(MANIFESTS)]

    def require(self) -> Manifest:
        """The newest manifest.

        Raises:
            ContractError: Nothing was published yet.
        """
        manifest = self.manifest()
        if manifest is None:
            raise ContractError(
                "The lake must hold data; nothing was published yet. Run `python -m pipelines.ingest run`."
            )
        return manifest

    def read(
        self, name: str, manifest: Manifest, as_of: date | None = None, columns: list[str] | None = None
    ) -> pl.DataFrame:
        """A canonical table as it was known at the end of a day.

        Args:
            name: A table of the lake.
            manifest: Which state of the lake.
            as_of: Only rows known by then; everything by default.
            columns: Columns wanted, all (provenance included) by default.

        Returns:
            One row a key, the newest version known, ordered by key. Empty when the table was never published.
        """
        found = newest(name, self.versions(name, manifest, as_of))
        return found.select(columns) if columns else found

    def versions(self, name: str, manifest: Manifest, as_of: date | None = None) -> pl.DataFrame:
        """All versions of all keys known by the end of `as_of`, in no order."""
        if name not in manifest.tables:
            return empty(name)
        frame = self.scan(name, manifest)
        if as_of is not None:
            frame = frame.filter(pl.col("known_from") <= end_of(as_of))
        return conform(frame.collect(), pl.Schema({**TABLES[name].schema, **PROVENANCE}), name)

    def scan(self, name: str, manifest: Manifest) -> pl.LazyFrame:
        """All rows of a published table that a manifest shows, lazily."""
        frame = delta.scan(self.store, f"{LAKE}/{name}", self._at(name, manifest.tables[name]))
        return _widened(frame, TABLES[name]).filter(pl.col("published_seq") <= manifest.seq)

    def newest_known(self, name: str, manifest: Manifest) -> datetime | None:
        """The latest `known_from` of a table; None when it is empty."""
        if name not in manifest.tables:
            return None
        frame = self.scan(name, manifest)
        newest = frame.select(pl.col("known_from").max()).collect().item()
        return newest if isinstance(newest, datetime) else None

    def publish(
        self,
        batch_id: str,
        lake_frames: Mapping[str, pl.DataFrame],
        vault_frames: Mapping[str, pl.DataFrame],
        counts: Mapping[str, Any],
    ) -> Manifest:
        """Make a batch visible under the lock of publishing; see `add`."""
        with self.store.lock(PUBLISHING):
            return self.add(batch_id, lake_frames, vault_frames, counts)

    def add(
        self,
        batch_id: str,
        lake_frames: Mapping[str, Rows],
        vault_frames: Mapping[str, Rows],
        counts: Mapping[str, Any],
    ) -> Manifest:
        """Make a batch visible, whole or not at all. The same batch again changes nothing.

        The caller holds the lock of publishing.

        Args:
            batch_id: Names the batch.
            lake_frames: Table name -> [n_rows] as `stamp` takes or gives; of lazy ones one is in memory at a time.
            vault_frames: The same for `protected` and `identifiers`.
            counts: Per feed: rows in, accepted, quarantined, filtered.

        Returns:
            The manifest that shows the batch.
        """
        known = self.manifests()
        done = next((m for m in reversed(known) if m.batch_id == batch_id), None)
        if done is not None:
            return done
        before = known[-1] if known else None
        seq = before.seq + 1 if before else 1
        tables = dict(before.tables) if before else {}
        for frames, append in ((lake_frames, self._append), (vault_frames, self._seal)):
            for name, rows in sorted(frames.items()):
                if (added := append(name, rows, tables.get(name), seq)) is not None:
                    tables[name] = added
        self.store.settle(self._written(before, tables))
        manifest = Manifest(seq, batch_id, tables, counts)
        if not self.store.create(_key(seq), manifest.to_json()):
            raise ContractError(
                f"Publishing must be serialised; manifest {seq} appeared meanwhile. Run the batch again."
            )
        return manifest

    def erase(self, people: Collection[str], note: Note) -> None:
        """Take people out of every table and of its history. Done again it changes nothing.

        The caller holds the lock of publishing.

        Args:
            people: Pseudonyms.
            note: Told of every table that holds or held them, and of every pointer to what is left.
        """
        manifest = self.manifest()
        for name in sorted(manifest.tables) if manifest else ():
            if manifest is not None and TABLES[name].zone == "lake" and "person_id" in TABLES[name].schema:
                self._erase(name, manifest, sorted(people), note)

    def erasures(self) -> list[bytes]:
        """Something that differs after every erasure: what was read before one must not be written after it."""
        return list(self.store.read_many(self.store.list(REWRITTEN)))

    def retired(self, name: str) -> date | None:
        """The day before which nothing of a table is kept; None where everything is."""
        key = f"{RETIRED}/{name}.json"
        return date.fromisoformat(json.loads(self.store.read(key))["before"]) if self.store.exists(key) else None

    def people(self, without: Collection[str] = ()) -> set[str]:
        """Everybody whom a row of any version names, as whoever it is about, is linked to or manages.

        Args:
            without: Tables that are not asked.
        """
        manifest, found = self.manifest(), set[str]()
        for name in sorted(manifest.tables.keys() - {*without}) if manifest else ():
            columns = [column for column in TABLES[name].schema if column.endswith("person_id")]
            if manifest is not None and TABLES[name].zone == "lake" and columns:
                rows = self.scan(name, manifest).select(columns).unique().collect()
                found |= {person for column in columns for person in rows[column].drop_nulls()}
        return found

    def leave(self, people: Collection[str], names: Collection[str], note: Note) -> None:
        """Take people out of tables, with all history of these. Done again it changes nothing.

        The caller holds the lock of publishing.

        Args:
            people: Pseudonyms.
            names: Tables of the lake.
            note: As for `erase`.
        """
        manifest = self.require()
        # links first: of whom a link alone is left nobody could say, after a kill, that they were to go
        for name in sorted(manifest.tables.keys() & {*names}, key=lambda name: (name != "person_links", name)):
            self._erase(name, manifest, sorted(people), note)

    def due(self, name: str, before: date) -> int:
        """How many rows of a table, all versions of all keys, are of a day before that one."""
        manifest = self.manifest()
        if manifest is None or name not in manifest.tables:
            return 0
        rows = delta.scan(self.store, f"{LAKE}/{name}", self._at(name, manifest.tables[name]))
        return int(rows.filter(is_before(TABLES[name], before)).select(pl.len()).collect().item())

    def retire(self, name: str, before: date, note: Note) -> None:
        """Take out what happened before a day, and all history of the table. Done again it changes nothing.

        The caller holds the lock of publishing.

        Args:
            name: A table of the lake that says from when its rows are kept.
            before: The day.
            note: As for `erase`.
        """
        table, manifest = TABLES[name], self.require()
        columns = [*table.key, str(table.kept_from), "known_from", "published_seq", "source_row", "record_sha256"]
        rows = self.scan(name, manifest).select(list(dict.fromkeys(columns))).collect()
        is_due = is_before(table, before)
        gone = newest(name, rows).filter(is_due).select(table.key)
        # a version that said a later day and was corrected since must not come back
        corrected = rows.filter(~is_due).join(gone, on=table.key, how="semi", nulls_equal=True)["record_sha256"]
        mark = json.dumps({"before": max(before, self.retired(name) or before).isoformat()}).encode()
        self.store.put(f"{RETIRED}/{name}.json", mark)

        def delete(key: str, at: int) -> int:
            also = corrected.unique().to_list()
            return delta.erase_before(self.store, key, str(table.kept_from), before, at=at, also=also)

        self._cut(name, manifest, is_due | pl.col("record_sha256").is_in(corrected.implode()), delete, note)

    def _erase(self, name: str, manifest: Manifest, people: list[str], note: Note) -> None:
        columns = [column for column in ("person_id", "linked_person_id") if column in TABLES[name].schema]

        def delete(key: str, at: int) -> int:
            return delta.erase(self.store, key, people, at=at)

        self._cut(name, manifest, pl.any_horizontal(pl.col(columns).is_in(people)), delete, note)

    def _cut(
        self, name: str, manifest: Manifest, is_due: pl.Expr, delete: Callable[[str, int], int], note: Note
    ) -> None:
        """Rows, then files of older versions, then the pointer, and only then the log that older pointers need.

        History goes even where the newest version does not hold them: an older one may.
        """
        key, at = f"{LAKE}/{name}", self._at(name, manifest.tables[name])
        frame = delta.scan(self.store, key, at).select("record_sha256", is_due=is_due.fill_null(value=False)).collect()
        kept = frame.filter(~pl.col("is_due"))
        if len(kept) < len(frame) or delta.has_history(self.store, key):
            note(key, sha256_lines(frame["record_sha256"]), sha256_lines(kept["record_sha256"]))
            erased = delete(key, at)
            self.store.settle(delta.added(self.store, key, at, erased))
            self._point(name, erased, note)
            left = delta.purge(self.store, key)
            self.store.settle(delta.added(self.store, key, erased, left))
            self._point(name, left, note)
            delta.forget_log(self.store, key, left)

    def _at(self, name: str, table: TableVersion) -> int:
        """The Delta version that shows a table of a manifest: its own, or what an erasure made of it since.

        Where that is gone, the newest has its rows: an erasure was killed, or its pointer was read before it moved.
        """
        key = f"{REWRITTEN}/{name}.json"
        left = json.loads(self.store.read(key))["version"] if self.store.exists(key) else 0
        at = max(table.version, int(left))
        if delta.is_there(self.store, f"{LAKE}/{name}", at):
            return at
        return delta.version(self.store, f"{LAKE}/{name}") or at

    def _point(self, name: str, version: int, note: Note) -> None:
        key, data = f"{REWRITTEN}/{name}.json", json.dumps({"version": version}).encode()
        before = self.store.read(key) if self.store.exists(key) else b""
        if before != data:
            note(key, sha256_bytes(before) if before else "", sha256_bytes(data))
            self.store.put(key, data)

    def _written(self, before: Manifest | None, tables: Mapping[str, TableVersion]) -> Iterator[str]:
        """Keys of what Delta Lake wrote of tables since a manifest; parts of the vault are settled as they are put."""
        for name, table in tables.items():
            known = before.tables.get(name) if before else None
            if TABLES[name].zone == "lake" and table != known:
                after = self._at(name, known) if known else None
                yield from delta.added(self.store, f"{LAKE}/{name}", after, table.version)

    def _append(self, name: str, rows: Rows, before: TableVersion | None, seq: int) -> TableVersion | None:
        """A table's new version; None where nothing is added."""
        table, key, rows = TABLES[name], f"{LAKE}/{name}", rows.lazy().collect()
        if rows.is_empty():
            return None
        rows = stamp(table, rows).with_columns(published_seq=pl.lit(seq))
        at = self._at(name, before) if before else None

        def digest(new: pl.Series) -> tuple[int, str]:
            known = [] if at is None else [delta.scan(self.store, key, at).select(new.name).collect().to_series()]
            whole = pl.concat([*known, new])
            return len(whole), sha256_lines(whole)

        with ThreadPoolExecutor(1) as beside:
            digested = beside.submit(digest, rows["record_sha256"])
            rows = rows.sort("bucket", maintain_order=True)
            version = delta.append(self.store, key, rows, ["bucket"], after=at, distinct=[*table.key, "record_sha256"])
            return TableVersion(version, *digested.result())

    def _seal(self, name: str, rows: Rows, before: TableVersion | None, seq: int) -> TableVersion | None:
        """As `_append`, of a table of the vault."""
        rows = rows.lazy().collect()
        if rows.is_empty():
            return None
        return TableVersion(*vault.append(self.store, TABLES[name], stamp(TABLES[name], rows), before, seq))


def _widened(frame: pl.LazyFrame, table: Table) -> pl.LazyFrame:
    """A table that was last written before its contract had some columns: null there, which they must allow."""
    held = frame.collect_schema().names()
    added = [column for column in table.columns if not column.required and column.name not in held]
    return frame.with_columns(pl.lit(None, column.dtype).alias(column.name) for column in added)


def _key(seq: int) -> str:
    return f"{MANIFESTS}/{seq:08d}.json"
