"""Who was forgotten and must not come back with the next full export: keyed hashes of pseudonyms, for ingest.

A hash is an object `keys/forgotten/<hash>`. It can be tested by the holder of CANDOR_PSEUDONYM_KEY only, and read by
nobody. Nothing takes it away: who returns to the company returns under a new number, which is a new pseudonym.
"""

import hmac
from collections.abc import Iterable
from typing import Final

import polars as pl

from pipelines.base.catalog import KEYS
from pipelines.base.pseudonyms import PSEUDONYM_KEY, secret
from pipelines.base.store import Store

REASON: Final = "forgotten"
_FOLDER: Final = f"{KEYS}/forgotten"


def add(store: Store, people: Iterable[str]) -> None:
    """Keep people out from now on."""
    for person in sorted(people):
        store.create(f"{_FOLDER}/{_mark(person)}", b"")


def without(store: Store, frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows of people who may be taken in, and the others with their `reason_code`.

    Args:
        store: Holds the hashes.
        frame: [n_rows] of any canonical table; without `person_id` nothing is taken out.
    """
    marks = {key.rpartition("/")[2] for key in store.list(_FOLDER)} if "person_id" in frame.columns else set()
    gone = [person for person in frame["person_id"].unique() if person and _mark(person) in marks] if marks else []
    is_gone = pl.col("person_id").is_in(gone) if gone else pl.lit(value=False)
    return frame.filter(~is_gone), frame.filter(is_gone).with_columns(reason_code=pl.lit(REASON))


def _mark(person: str) -> str:
    return hmac.digest(secret(PSEUDONYM_KEY), b"forgotten|" + person.encode(), "sha256").hex()
