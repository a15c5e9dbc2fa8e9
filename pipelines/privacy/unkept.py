"""People of whom nothing is kept any more but who they are: their own row, what the vault says, their key of snapshots.

Reads   lake, scores   who has a row in any version, as whoever it is about, is linked to or manages
        vault, ledger  when something was last told of a person; both halves of the vault, so both keys are needed
        keys           people/; unkept.sealed, since when nothing is kept of whom
Writes  lake, vault, keys   without those for whom the time has come; unkept.sealed

Who is told of again is simply known again: nobody is barred, and a new key is made. A person's key opens their rows in
snapshots that DVC keeps from before; without it these are noise.
"""

from collections.abc import Collection
from datetime import date
from typing import Final

import polars as pl

from pipelines import audit
from pipelines.base import keys, vault
from pipelines.base.catalog import KEYS
from pipelines.base.contracts import TABLES
from pipelines.base.digests import sha256_bytes
from pipelines.base.lake import OWN, TOLD, Lake, told_on
from pipelines.base.pseudonyms import PERSON_KEY, secret
from pipelines.base.sealed import seal_frame, unseal_frame
from pipelines.base.store import Store
from pipelines.privacy import scores

SINCE: Final = f"{KEYS}/unkept.sealed"
_VAULT: Final = tuple(name for name, table in TABLES.items() if table.zone != "lake")
_SCHEMA: Final = pl.Schema({"person_id": pl.String(), "since": pl.Date()})


def as_candidates(store: Store, before: date) -> tuple[list[str], int]:
    """Candidates of whom the lake has nothing but that they are, and of whom it was told nothing since a day.

    Whoever was rejected is one once applications, events and resumes have had their time; whoever was hired is a
    worker. As for the vault it counts when a row was published, too.

    Args:
        store: All zones; nobody may publish meanwhile.
        before: The day.

    Returns:
        Their pseudonyms, and how many rows the lake has of them, all versions.
    """
    lake = Lake(store)
    manifest = lake.manifest()
    if manifest is None or not manifest.tables.keys() & {*OWN}:
        return [], 0
    names = sorted(manifest.tables.keys() & {*OWN})
    told = [lake.scan(name, manifest).select("person_id", "published_seq", told_on(TABLES[name])) for name in names]
    return _last_told(store, pl.concat(told).collect(), before, OWN)


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
    told = [vault.all_versions(store, name) for name in _VAULT]
    columns = ("person_id", "published_seq", pl.col("known_from").dt.date().alias(TOLD))
    return _last_told(store, pl.concat([rows.select(columns) for rows in told]), before)


def _last_told(store: Store, told: pl.DataFrame, before: date, without: Collection[str] = ()) -> tuple[list[str], int]:
    """Of whom rows tell nothing since a day, and whom no other table names; and how many rows those are."""
    days = told.join(_published(store), on="published_seq", how="left")
    last = days.group_by("person_id").agg(
        pl.max_horizontal(pl.col(TOLD).max(), pl.col("published_on").max()).alias(TOLD),
        pl.col("published_on").is_not_null().all().alias("is_dated"),
        pl.len(),
    )
    due = last.filter("is_dated", pl.col(TOLD) < before, ~pl.col("person_id").is_in(_named(store, without)))
    return due["person_id"].sort().to_list(), int(due["len"].sum())


def _published(store: Store) -> pl.DataFrame:
    """[n] published_seq and published_on, the day on which the ledger was told of a batch; its manifest has none."""
    days: dict[str, str] = {}
    for entry in audit.entries(store):
        if entry.tag is audit.Tag.FILE_INGESTED:
            days.setdefault(str(entry.facts["batch"]), entry.recorded_at[:10])
    rows = [(manifest.seq, days.get(manifest.batch_id)) for manifest in Lake(store).manifests()]
    schema = {"published_seq": pl.Int64(), "published_on": pl.String()}
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(pl.col("published_on").str.to_date())


def leave_vault(store: Store, people: Collection[str]) -> None:
    """Rewrite the parts of the vault that hold people without them."""
    for name in _VAULT:
        vault.erase(store, name, people, lambda *_: None)


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
    """Take people who are being forgotten out of the list of those who wait. Done again it changes nothing."""
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
