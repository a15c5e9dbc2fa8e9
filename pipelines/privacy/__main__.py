"""Forget a person, everywhere and in every version, and certify it.

    python -m pipelines.privacy forget PERSON --reason REASON            by pseudonym
    python -m pipelines.privacy forget --scheme SCHEME --reason REASON   by identifier, read from standard input

SCHEME is what a feed's `person:` says, such as workday_worker. An identifier never stands in a command line, where
other users and the shell's history would see it. Killed at any moment and run again, an erasure is finished. It needs
all four keys: CANDOR_PSEUDONYM_KEY, CANDOR_VAULT_KEY, CANDOR_AUDIT_KEY and CANDOR_PERSON_KEY.
"""

import argparse
import sys
from collections.abc import Sequence
from typing import Final

import polars as pl

from pipelines.base.pseudonyms import PSEUDONYM_KEY, pseudonym, secret
from pipelines.base.stage import guarded
from pipelines.base.store import open_store
from pipelines.privacy.forget import forget

REASONS: Final = ("request", "consent_withdrawn", "retention", "order")
"""A closed list: free text could name the person in the ledger for good."""


def main(argv: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m pipelines.privacy", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("verb", choices=["forget"])
    who = parser.add_mutually_exclusive_group(required=True)
    who.add_argument("person", nargs="?", metavar="PERSON", help="any pseudonym of the person")
    who.add_argument("--scheme", help="kind of the identifier on standard input")
    parser.add_argument("--reason", choices=REASONS, required=True)
    given = parser.parse_args(argv)
    return guarded(lambda: forget(open_store(), given.person or _named(given.scheme), given.reason))


def _named(scheme: str) -> str:
    """The pseudonym of the identifier on standard input."""
    value = sys.stdin.readline().rstrip("\r\n")
    return str(pseudonym(secret(PSEUDONYM_KEY), scheme, pl.Series([value]))[0])


if __name__ == "__main__":
    sys.exit(main())
