"""People of whom nothing is kept any more but who they are: their own row, what the vault says, their key of snapshots.

Reads   lake, scores   who has a row in any version, as whoever it is about, is linked to or manages
        vault, ledger  when something was last told of a person; both halves of the vault, so both keys are needed
        keys           people/; unkept.sealed, since when nothing is kept of whom
Writes  lake, vault, keys   without those for whom the time has come; unkept.sealed; retired/, hashes of whom lake and
                       vault let go of, so that no file that only repeats them brings them back

Who is told of again, of a later day, is known again: nobody is barred, and a new key is made. A person's key opens
their rows in snapshots that DVC keeps from before; without it these are noise.
"""

from collections.abc import Collection
from datetime import date
from typing import Final

import polars as pl

from pipelines import audit
from pipelines.base import forgotten, keys, retired, vault
from pipelines.base.catalog import KEYS, VAULT
from pipelines.base.contracts import PROVENANCE, TABLES
from pipelines.base.digests import sha256_bytes
from pipelines.base.lake import OWN, TOLD, Lake, told_on
from pipelines.base.people import representatives, resolve
from pipelines.base.pseudonyms import PERSON_KEY, secret
from pipelines.base.retired import CANDIDATES
from pipelines.base.sealed import seal_frame, unseal_frame
from pipelines.base.store import Store
from pipelines.privacy import scores

SINCE: Final = f"{KEYS}/unkept.sealed"
_VAULT: Final = tuple(name for name, table in TABLES.items() if table.zone != "lake")
_SCHEMA: Final = pl.Schema({"person_id": pl.String(), "since": pl.Date()})
_PROVENANCE: Final = ("published_seq", "known_from_basis", "record_sha256")
_ROWS: Final = pl.Schema(
    {"person_id": pl.String(), "linked_person_id": pl.String(), "is_other": pl.Boolean(), TOLD: pl.Date()}
    | {name: PROVENANCE[name] for name in _PROVENANCE}
)
"""What is told of whom, and when; a link once of each of its two, of whom the second `is_other`."""


def as_candidates(store: Store, before: date) -> tuple[list[str], int]:
    """Candidates of whom the lake has nothing but that they are, and of whom it was told nothing since a day.

    Whoever was rejected is one once applications, events and resumes have had their time; whoever was hired is a
    worker. Those who are linked to one another go together or not at all, and stay with whom only a link names, as it
    does a worker who is told of by no other feed. As for the vault it counts when a row was published, too.

    Args:
        store: All zones; nobody may publish meanwhile.
        before: The day.

    Returns:
        Their pseudonyms, and how many rows the lake has of them, all versions.
    """
    return _last_told(store, _in_lake(store), before, OWN)


def in_vault(store: Store, before: date) -> tuple[list[str], int]:
    """People of whom nothing else is kept and of whom the vault was told nothing since a day.

    What a source says of an older day counts from when it was published: who declared something years ago and applies
    now may be in the vault before the lake, where a held file has them. While the ledger does not say when a row was
    published, as after a publish that was killed, nobody knows how long it has been there, and its person stays.

    Args:
        store: All zones; nobody may publish meanwhile.
        before: The day.

    Returns:
        Their pseudonyms, and how many rows the vault has of them.
    """
    return _last_told(store, _vaulted(store), before)


def leave_lake(store: Store, before: date) -> None:
    """Let go of candidates. Who they were is noted first, by hashes."""
    people = as_candidates(store, before)[0]
    retired.add(store, CANDIDATES, people, _undated(_in_lake(store), people), before)
    Lake(store).leave(people, OWN, lambda *_: None)


def leave_vault(store: Store, before: date) -> None:
    """The same of the vault: the parts that hold people are rewritten without them."""
    people = in_vault(store, before)[0]
    retired.add(store, VAULT, people, _undated(_vaulted(store), people), before)
    for name in _VAULT:
        vault.erase(store, name, people, lambda *_: None)


def _in_lake(store: Store) -> pl.DataFrame:
    """What the lake says of people that is no more than that they are."""
    lake = Lake(store)
    manifest = lake.manifest()
    found = [pl.DataFrame(schema=_ROWS)]
    for name in OWN:
        if manifest is not None and name in manifest.tables:
            rows = lake.scan(name, manifest)
            whom = forgotten.about(TABLES[name].schema)
            found += [_told(rows, name, one, *(other for other in whom if other != one)).collect() for one in whom]
    return pl.concat(found, how="vertical_relaxed")


def _vaulted(store: Store) -> pl.DataFrame:
    """What the vault says of people."""
    told = [_told(vault.all_versions(store, name).lazy(), name, "person_id") for name in _VAULT]
    return pl.concat(told).collect()


def _told(rows: pl.LazyFrame, name: str, person: str, other: str | None = None) -> pl.LazyFrame:
    """[n] as `_ROWS`: what rows of a table tell of who is named in a column, and who else they name."""
    linked = pl.lit(None, pl.String) if other is None else pl.col(other)
    columns = {"linked_person_id": linked, "is_other": pl.lit(person != "person_id"), TOLD: told_on(TABLES[name])}
    return rows.select(pl.col(person).alias("person_id"), *_PROVENANCE, **columns).select(_ROWS.names())


def _undated(told: pl.DataFrame, people: Collection[str]) -> pl.DataFrame:
    """[n] person_id, record_sha256 of rows about people to which no source gave a moment: repeated, they seem new."""
    mine = pl.col("person_id").is_in(list(people))
    return told.filter(mine, pl.col("known_from_basis") != "source").select("person_id", "record_sha256").unique()


def _last_told(store: Store, told: pl.DataFrame, before: date, without: Collection[str] = ()) -> tuple[list[str], int]:
    """Of whom rows tell nothing since a day, and whom no other table names; and how many rows those are."""
    days = told.join(_published(store), on="published_seq", how="left")
    last = days.group_by("person_id").agg(
        pl.max_horizontal(pl.col(TOLD).max(), pl.col("published_on").max()).alias(TOLD),
        pl.col("published_on").is_not_null().all().alias("is_dated"),
        pl.col("linked_person_id").is_null().any().alias("is_one"),
        pl.col("is_other").not_().sum().alias("rows"),
    )
    humans = resolve(
        last.with_columns(human="person_id"), representatives(told.drop_nulls("linked_person_id")), ("human",)
    )
    is_due = (
        pl.col("is_dated")
        & pl.col("is_one")
        & (pl.col(TOLD) < before)
        & ~pl.col("person_id").is_in(_named(store, without))
    )
    due = humans.filter(is_due.all().over("human"))
    return due["person_id"].sort().to_list(), int(due["rows"].sum())


def _published(store: Store) -> pl.DataFrame:
    """[n] published_seq and published_on, the day on which the ledger was told of a batch; its manifest has none."""
    days: dict[str, str] = {}
    for entry in audit.entries(store):
        if entry.tag is audit.Tag.FILE_INGESTED:
            days.setdefault(str(entry.facts["batch"]), entry.recorded_at[:10])
    rows = [(manifest.seq, days.get(manifest.batch_id)) for manifest in Lake(store).manifests()]
    schema = {"published_seq": pl.Int64(), "published_on": pl.String()}
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(pl.col("published_on").str.to_date())


def with_key(store: Store, today: date, before: date) -> list[str]:
    """People with a key of whom nothing has been kept since before a day.

    Args:
        store: All zones; nobody may publish meanwhile.
        today: The day on which this is asked: since then nothing is kept of whom it finds for the first time.
        before: The day before which their time must have begun.
    """
    held = keys.held(store).select("person_id")
    unkept = held.filter(~pl.col("person_id").is_in(_named(store)))
    known = unseal_frame(secret(PERSON_KEY), store.read(SINCE)) if store.exists(SINCE) else pl.DataFrame(schema=_SCHEMA)
    since = unkept.join(known, on="person_id", how="left").with_columns(pl.col("since").fill_null(today))
    since = since.select(_SCHEMA.names()).sort("person_id")
    if len(since) or len(known):
        store.put(SINCE, seal_frame(secret(PERSON_KEY), since))
    return since.filter(pl.col("since") < before)["person_id"].to_list()


def erase(store: Store, people: Collection[str], note: scores.Note) -> None:
    """Take people who are being forgotten out of what is noted of those who wait or left. Again it changes nothing."""
    retired.erase(store, people, note)
    if store.exists(SINCE):
        before = store.read(SINCE)
        waiting = unseal_frame(secret(PERSON_KEY), before)
        kept = waiting.filter(~pl.col("person_id").is_in(list(people)))
        if len(kept) < len(waiting):
            after = seal_frame(secret(PERSON_KEY), kept)
            note(SINCE, sha256_bytes(before), sha256_bytes(after))
            store.put(SINCE, after)


def _named(store: Store, without: Collection[str] = ()) -> list[str]:
    """Everybody whom a row of the lake, of any version and of any table but these, or of the scores names."""
    return sorted(Lake(store).people(without) | scores.people(store))
