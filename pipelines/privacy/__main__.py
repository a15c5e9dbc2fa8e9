"""Forget a person, everywhere and in every version, and certify it; let go of exports kept long enough.

    python -m pipelines.privacy forget PERSON --reason REASON            by pseudonym
    python -m pipelines.privacy forget --scheme SCHEME --reason REASON   by identifier, read from standard input
    python -m pipelines.privacy expire [--as-of DAY]                     what landed privacy.keep_days before DAY

SCHEME is what a feed's `person:` says, such as workday_worker. An identifier never stands in a command line, where
other users and the shell's history would see it. Killed at any moment and run again, an erasure is finished. It needs
all four keys: CANDOR_PSEUDONYM_KEY, CANDOR_VAULT_KEY, CANDOR_AUDIT_KEY and CANDOR_PERSON_KEY. `expire` needs none,
but where privacy.retention names them both of the vault, and that of people for snapshots.
"""

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from getpass import getpass
from typing import Final

import polars as pl

from pipelines.base.errors import ContractError
from pipelines.base.pseudonyms import PSEUDONYM_KEY, pseudonym, secret
from pipelines.base.stage import guarded, leave
from pipelines.base.store import open_store
from pipelines.privacy import expire
from pipelines.privacy.forget import forget

REASONS: Final = ("request", "consent_withdrawn", "retention", "order")
"""A closed list: free text could name the person in the ledger for good."""


def main(argv: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m pipelines.privacy", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    erasing = verbs.add_parser("forget", help="forget a person")
    who = erasing.add_mutually_exclusive_group(required=True)
    who.add_argument("person", nargs="?", metavar="PERSON", help="any pseudonym of the person")
    who.add_argument("--scheme", help="kind of the identifier on standard input")
    erasing.add_argument("--reason", choices=REASONS, required=True)
    expiring = verbs.add_parser("expire", help="destroy the keys of exports that landed long ago")
    expiring.add_argument("--as-of", type=date.fromisoformat, help="the day to count from (default: today)")
    given = parser.parse_args(argv)
    if given.verb == "expire":
        return guarded(lambda: expire.run(open_store(), given.as_of or datetime.now(UTC).date()))
    return guarded(lambda: forget(open_store(), [given.person] if given.person else _named(given.scheme), given.reason))


def _named(scheme: str) -> list[str]:
    """The pseudonyms of the identifier on standard input, which at a terminal is asked for and not shown.

    It is as it looks, and as it is written: a lake may know the person by the one or by the other.
    """
    typed = getpass(f"{scheme}, not shown: ") if sys.stdin.isatty() else sys.stdin.readline()
    told, key = pl.Series([typed.rstrip("\r\n")]), secret(PSEUDONYM_KEY)
    named, once = (pseudonym(key, scheme, told, is_as_written=is_once) for is_once in (False, True))
    if named[0] is None:
        raise ContractError("An identifier must have something that can be seen; got nothing. Give it again.")
    return list(dict.fromkeys([*named, *once]))


if __name__ == "__main__":
    leave(main())
