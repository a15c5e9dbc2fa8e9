"""The vault: protected attributes and direct identifiers, sealed part by part, each half under its own key.

A part holds the rows of one batch as sealed Parquet. Whoever lacks the key reads nothing: training code is handed
neither key nor frame; `evaluate` and monitoring hold the audit key (protected attributes only), ingest and the
write-back of scores hold the vault key (identifiers only).
"""

from collections.abc import Callable, Collection, Mapping
from datetime import date
from typing import Final, Protocol

import polars as pl

from pipelines.base import ages
from pipelines.base.catalog import VAULT
from pipelines.base.contracts import TABLES, Table, empty
from pipelines.base.digests import sha256_bytes
from pipelines.base.pseudonyms import AUDIT_KEY, VAULT_KEY, secret
from pipelines.base.sealed import seal_frame, unseal_frame
from pipelines.base.store import Store

_KEYS: Final = {"attributes": AUDIT_KEY, "identifiers": VAULT_KEY}
UNKNOWN: Final = "unknown"
"""Group of people who did not say, or of whom nothing is known. Never read as fair, never dropped."""
AGE_40: Final = "age_40"
_BORN: Final = ("birth_date", "birth_year")
_BAND: Final = "age_band"
_UNSAID: Final = ("declined", "not_disclosed", "", UNKNOWN)


class Pinned(Protocol):
    """A vault table in a manifest: `version` is its number of parts."""

    @property
    def version(self) -> int:
        """Number of parts."""

    @property
    def rows(self) -> int:
        """Rows in all parts."""

    @property
    def sha256(self) -> str:
        """Digest of the chain of parts."""


class Tables(Protocol):
    """A manifest, as far as the vault needs it."""

    @property
    def tables(self) -> Mapping[str, Pinned]:
        """Table name -> pinned version."""


def append(store: Store, table: Table, frame: pl.DataFrame, before: Pinned | None, seq: int) -> tuple[int, int, str]:
    """Seal one batch's rows as the next part.

    Args:
        store: Where the vault is.
        table: `protected` or `identifiers`.
        frame: [n_rows] stamped rows; their order stays.
        before: The table in the last manifest; a part left behind by a killed publish is written over.
        seq: Number of the manifest to be.

    Returns:
        Parts, rows and digest for the manifest.

    Raises:
        SettingsError: The key is not in the environment.
    """
    parts, rows, digest = (before.version, before.rows, before.sha256) if before else (0, 0, "")
    ciphertext = seal_frame(secret(_KEYS[table.zone]), frame.with_columns(published_seq=pl.lit(seq)))
    store.put(_part(table.name, parts + 1), ciphertext)
    return parts + 1, rows + len(frame), sha256_bytes(f"{digest}{sha256_bytes(ciphertext)}".encode())


def read(store: Store, name: str, manifest: "Tables", as_of: date | None = None) -> pl.DataFrame:
    """A vault table as known at the end of a day.

    Args:
        store: Where the vault is.
        name: `protected` or `identifiers`.
        manifest: Which state of the lake and vault.
        as_of: Only rows known by then; everything by default.

    Returns:
        One row a key, the newest version known, ordered by key.

    Raises:
        SettingsError: The key is missing or not the right one.
    """
    table = TABLES[name]
    key = secret(_KEYS[table.zone])
    pinned = manifest.tables.get(name)
    if pinned is None:
        return empty(name)
    parts = [unseal_frame(key, store.read(_part(name, n))) for n in range(1, pinned.version + 1)]
    frame = pl.concat(parts)
    if as_of is not None:
        frame = frame.filter(pl.col("known_from").dt.date() <= as_of)
    return (
        frame.sort("known_from", "published_seq", "source_row")
        .unique(subset=list(table.key), keep="last")
        .sort(table.key)
    )


def erase(store: Store, name: str, people: Collection[str], note: Callable[[str, str, str], None]) -> None:
    """Rewrite the parts that hold people without their rows, those left behind by a killed publish too.

    Args:
        store: Where the vault is.
        name: `protected` or `identifiers`.
        people: Pseudonyms.
        note: Told of every part and its digests before and after, just before it is changed.
    """
    key = secret(_KEYS[TABLES[name].zone])
    for part in store.list(f"{VAULT}/{name}"):
        before = store.read(part)
        frame = unseal_frame(key, before)
        kept = frame.filter(~pl.col("person_id").is_in(list(people)))
        if len(kept) < len(frame):
            after = seal_frame(key, kept)
            note(part, sha256_bytes(before), sha256_bytes(after))
            store.put(part, after)


def all_versions(store: Store, name: str) -> pl.DataFrame:
    """Every row that a vault table ever had, for an erasure."""
    key = secret(_KEYS[TABLES[name].zone])
    parts = [unseal_frame(key, store.read(part)) for part in store.list(f"{VAULT}/{name}")]
    return pl.concat([empty(name), *parts], how="vertical_relaxed")


def read_protected(store: Store, manifest: "Tables", as_of: date | None = None) -> pl.DataFrame:
    """Protected attributes, one row a person and attribute. For `evaluate` and monitoring only."""
    return read(store, "protected", manifest, as_of)


def groups(protected: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """The groups a person belongs to.

    Args:
        protected: [n_rows] person_id, attribute_code, value_code.
        as_of: Day on which the age is taken.

    Returns:
        [n_people] person_id and one str column an attribute present in the data, such as `sex`, `ethnicity`,
        `disability`. `age_40`, with `40 or over` and `under 40`, is there where it was told or a birth date (ISO), a
        birth year or an `age_band` is; a band with 40 inside it is on neither side. A missing or declined answer is
        `unknown`.
    """
    if protected.is_empty():
        return pl.DataFrame(schema={"person_id": pl.String})
    wide = protected.pivot(on="attribute_code", index="person_id", values="value_code", aggregate_function="last")
    wide = _with_age_40(wide, as_of)
    names = sorted(name for name in wide.columns if name != "person_id")
    said = [
        pl.when(pl.col(name).is_in(_UNSAID)).then(None).otherwise(pl.col(name)).fill_null(UNKNOWN).alias(name)
        for name in names
    ]
    return wide.select("person_id", *said).sort("person_id")


def forty(protected: pl.DataFrame) -> pl.DataFrame:
    """From when on somebody is 40, of those whose side of 40 in `groups` comes from their birth: others cannot age.

    Args:
        protected: [n_rows] person_id, attribute_code, value_code.

    Returns:
        [n_people] person_id, forty_from: text that sorts as days do.
    """
    if protected.is_empty():
        return pl.DataFrame(schema={"person_id": pl.String, "forty_from": pl.String})
    wanted = protected.filter(pl.col("attribute_code").is_in([*_BORN, AGE_40]))
    wide = wanted.pivot(on="attribute_code", index="person_id", values="value_code", aggregate_function="last")
    if AGE_40 in wide.columns:  # what somebody said about this very question comes first
        wide = wide.filter(pl.col(AGE_40).is_null() | pl.col(AGE_40).is_in(_UNSAID))
    born = [ages.forty_from(name) for name in _BORN if name in wide.columns]
    days = pl.coalesce(born) if born else pl.lit(None, pl.String)
    return wide.select("person_id", forty_from=days).drop_nulls().sort("person_id")


def _with_age_40(wide: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """The axis age 40 and over, by the best that is known of a person; birth dates go, bands stay as they are.

    What somebody said about this very question comes first, and stays in their words where it names no side.
    """
    born = [name for name in _BORN if name in wide.columns]
    sides = [ages.of_birth(name, as_of) for name in born]
    if AGE_40 in wide.columns:
        said = {
            answer: ages.of_band(answer) or answer for answer in wide[AGE_40].unique() if answer not in (None, *_UNSAID)
        }
        sides.insert(0, pl.col(AGE_40).replace_strict(said, default=None, return_dtype=pl.String))
    if _BAND in wide.columns:
        side_of = {band: ages.of_band(band or "") for band in wide[_BAND].unique().to_list()}
        sides.append(pl.col(_BAND).replace_strict(side_of, return_dtype=pl.String))
    return wide.with_columns(**{AGE_40: pl.coalesce(sides)}).drop(born) if sides else wide


def _part(name: str, number: int) -> str:
    return f"{VAULT}/{name}/{number:08d}.sealed"
