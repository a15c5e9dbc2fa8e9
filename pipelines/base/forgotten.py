"""Who was forgotten and must not come back with the next full export: keyed hashes, for ingest and for erasures.

An object `keys/forgotten/<hash>` a pseudonym; in it the hashes of all that was the same human's, so that one of their
pseudonyms still finds the others after the links were erased. A hash can be tested by the holder of
CANDOR_PSEUDONYM_KEY only, and read by nobody. Nothing takes it away: who returns to the company returns under a new
number, which is a new pseudonym.
"""

import hmac
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Final

import polars as pl

from pipelines.base.catalog import KEYS
from pipelines.base.pseudonyms import PSEUDONYM_KEY, secret
from pipelines.base.store import Store

REASON: Final = "forgotten"
_FOLDER: Final = f"{KEYS}/forgotten"
_ABOUT: Final = ("person_id", "linked_person_id")
"""Columns that say whom a row is about; a manager named in somebody else's row is not among them."""
_WORD: Final = re.compile(r"\w[\w@.+-]*\w")
_SHORT: Final = 4
"""Characters: a shorter word stands for anything."""


@dataclass(frozen=True, slots=True)
class Group:
    """All that was one human's, as hashes: it knows them when it sees them, and cannot name them."""

    people: frozenset[str] = frozenset()
    """Of pseudonyms."""
    identifiers: frozenset[str] = frozenset()
    """Of schemes and values."""
    words: frozenset[str] = frozenset()
    """Of identifiers that were nobody else's: a text that has one is about this human."""

    def __or__(self, other: "Group") -> "Group":
        return Group(self.people | other.people, self.identifiers | other.identifiers, self.words | other.words)

    def among(self, people: pl.Series) -> list[str]:
        """Which pseudonyms are of this human. Null is nobody's."""
        key = secret(PSEUDONYM_KEY)
        return [person for person in people.drop_nulls().unique() if _mark(person, key=key) in self.people]

    def holds(self, people: pl.Series) -> pl.Series:
        """[n] bool: whose pseudonyms are of this human."""
        return people.is_in(self.among(people)).fill_null(value=False)

    def has(self, scheme: str, value: str) -> bool:
        """Whether an identifier was theirs."""
        return _mark(f"{scheme}|{value}", "identifier") in self.identifiers

    def is_in(self, text: str) -> bool:
        """Whether a text has a word of theirs."""
        return any(_mark(word, "word") in self.words for word in _words(text))

    def to_json(self) -> str:
        """Canonical text."""
        return json.dumps({item.name: sorted(getattr(self, item.name)) for item in fields(self)})

    @classmethod
    def from_json(cls, text: str | bytes) -> "Group":
        """The group again; who was forgotten before groups were kept is one of one."""
        return cls(**{name: frozenset(marks) for name, marks in json.loads(text or "{}").items()})


def group(
    store: Store, people: Iterable[str], identifiers: Iterable[tuple[str, str]] = (), words: Iterable[str] = ()
) -> Group:
    """A human by what is known of them now, and by what was known when they were forgotten before.

    Args:
        store: Holds the hashes.
        people: Pseudonyms.
        identifiers: Scheme and value.
        words: Identifiers that are nobody else's; those that are no single word, or a short one, find nothing.
    """
    whole = {value.casefold() for value in words}
    made = Group(
        frozenset(_mark(person) for person in people),
        frozenset(_mark(f"{scheme}|{value}", "identifier") for scheme, value in identifiers),
        frozenset(_mark(word, "word") for word in whole if _words(word) == (word,)),
    )
    for key in sorted(f"{_FOLDER}/{mark}" for mark in made.people):
        if store.exists(key):
            made |= Group.from_json(store.read(key))
    return made


def add(store: Store, one: Group) -> None:
    """Keep a human out from now on."""
    for mark in sorted(one.people):
        store.put(f"{_FOLDER}/{mark}", one.to_json().encode())


def everybody(store: Store) -> Group:
    """All who were forgotten, as one."""
    found = Group()
    for data in store.read_many(store.list(_FOLDER)):
        found |= Group.from_json(data)
    return found


def about(schema: Iterable[str]) -> list[str]:
    """Columns that say whom a row of a table with these columns is about."""
    return [name for name in _ABOUT if name in schema]


def without(barred: Group, frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows of people who may be taken in, and the others with their `reason_code`.

    Args:
        barred: From `everybody`.
        frame: [n_rows] of any canonical table; where no column says whom a row is about nothing is taken out.
    """
    gone = [barred.holds(frame[name]) for name in about(frame.columns) if barred.people]
    is_gone = pl.any_horizontal(gone) if gone else pl.lit(value=False)
    return frame.filter(~is_gone), frame.filter(is_gone).with_columns(reason_code=pl.lit(REASON))


def _words(text: str) -> tuple[str, ...]:
    return tuple(word for word in _WORD.findall(text.casefold()) if len(word) >= _SHORT)


def _mark(text: str, kind: str = "", key: bytes | None = None) -> str:
    told = f"forgotten|{kind}|{text}" if kind else f"forgotten|{text}"
    return hmac.digest(key or secret(PSEUDONYM_KEY), told.encode(), "sha256").hex()
