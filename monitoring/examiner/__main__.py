"""Make what an examiner gets: one zip about a release, to be checked without Candor.

    python -m monitoring.examiner make FAMILY --to FILE.zip [--release N] [--since DAY --until DAY] [--with-model]

Without --release it is about the live release, and with a period about all that were live in it; a period adds what
monitoring concluded and what the ledger says of those days. Everything in the store is proved first. Its README.md says
how somebody who has Python and nothing else checks it, and how openssl checks the signatures.
"""

import argparse
import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from monitoring.examiner.bundle import Wanted, make
from pipelines.base.catalog import FAMILIES
from pipelines.base.digests import sha256_bytes
from pipelines.base.errors import SettingsError
from pipelines.base.settings import Law, Signers, load
from pipelines.base.stage import guarded, leave
from pipelines.base.store import open_store
from pipelines.fairness import law


def made(args: argparse.Namespace) -> str:
    """The line of `make`.

    Raises:
        SettingsError: --to names no folder that is there, or the period is none.
        ContractError: Something in the store is not as the ledger says, or there is no such release.
    """
    target: Path = args.to
    if not target.absolute().parent.is_dir():
        raise SettingsError("A bundle can only be written into a folder that is there; --to names none. Make it first.")
    wanted = Wanted(args.family, args.release, args.since, args.until, with_model=args.with_model)
    data = make(
        open_store(),
        wanted,
        law.within(load(Law, "law").jurisdictions) or law.everywhere(),
        load(Signers, "publish").signers,
    )
    target.write_bytes(data)
    return json.dumps({"sha256": sha256_bytes(data), "bytes": len(data), "to": str(target)})


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; the docstring of this module is its help."""
    parser = argparse.ArgumentParser(
        prog="python -m monitoring.examiner", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    one = parser.add_subparsers(dest="verb", required=True).add_parser("make", help="write the zip")
    one.add_argument("family", choices=FAMILIES, help="which family")
    one.add_argument("--to", type=Path, required=True, help="where to write it")
    one.add_argument("--release", type=int, help="number of the release")
    one.add_argument("--since", type=date.fromisoformat, help="first day of a period")
    one.add_argument("--until", type=date.fromisoformat, help="its last day")
    one.add_argument("--with-model", action="store_true", help="put the model's own files in as well")
    args = parser.parse_args(argv)
    return guarded(lambda: made(args))


if __name__ == "__main__":
    leave(main())
