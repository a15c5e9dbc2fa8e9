"""Make a document about a release, or for a person about a score, from what is on record.

    python -m monitoring.documents make KIND FAMILY --to FILE.html [--release N]
    python -m monitoring.documents packet FAMILY --person ID --subject ID --as-of DAY --to FILE.html

KIND is card (model card), annex-iv (technical documentation of the EU's AI Act), dpia (draft of a data protection
impact assessment), colorado (pack of a developer for deployers) or versions (differences from the release before, with
an alarm where they are a substantial modification). Every value in it names its file, the place in it, and the file's
sha256; what a person must add is marked. Made again from the same release and the same monitoring it is the same.

`packet` is for a person to whom a score of screening, outcomes or performance was not favourable: reasons in plain
words, each tried by taking away what it names and scoring again, how to have facts corrected, and how to ask for a
person. The ids are those that the tables have.
"""

import argparse
import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from monitoring.documents import packet
from monitoring.documents.made import KINDS, make
from pipelines.base.catalog import FAMILIES
from pipelines.base.digests import sha256_bytes
from pipelines.base.errors import SettingsError
from pipelines.base.stage import guarded, leave
from pipelines.base.store import open_store


def made(args: argparse.Namespace) -> str:
    """The line of `make`.

    Raises:
        SettingsError: --to names no folder that is there.
        ContractError: There is no such release, or a file of it was changed.
    """
    pages, is_substantial = make(open_store(), [args.kind], args.family, args.release)
    data = pages[args.kind]
    _write(args.to, data)
    about = {"kind": args.kind, "sha256": sha256_bytes(data), "to": str(args.to)}
    return json.dumps(about | {"substantial_modification": is_substantial})


def handed(args: argparse.Namespace) -> str:
    """The line of `packet`; it tells nothing of the person.

    Raises:
        SettingsError: --to names no folder that is there.
        ContractError: There is no such score, it was favourable, or it does not come out again.
    """
    data, told = packet.make(open_store(), args.family, args.person, args.subject, args.as_of)
    _write(args.to, data)
    about = {"against": len(told.against), "favour": len(told.favour)}
    return json.dumps(about | {"withheld": told.withheld, "unproven": told.unproven})


def _write(target: Path, data: bytes) -> None:
    if not target.absolute().parent.is_dir():
        raise SettingsError("A document can only be written into a folder that is there; --to names none. Make it.")
    target.write_bytes(data)


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; the docstring of this module is its help."""
    parser = argparse.ArgumentParser(
        prog="python -m monitoring.documents", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    one = verbs.add_parser("make", help="write a document about a release")
    one.add_argument("kind", choices=tuple(KINDS), help="which document")
    one.add_argument("family", choices=FAMILIES, help="which family")
    one.add_argument("--to", type=Path, required=True, help="where to write it")
    one.add_argument("--release", type=int, help="number of the release; the live one by default")
    two = verbs.add_parser("packet", help="write what a person gets about a score")
    two.add_argument("family", choices=FAMILIES, help="which family")
    two.add_argument("--person", required=True, help="whose score, as the tables call them")
    two.add_argument("--subject", required=True, help="requisition, course or period")
    two.add_argument("--as-of", type=date.fromisoformat, required=True, help="the day that was scored")
    two.add_argument("--to", type=Path, required=True, help="where to write it")
    args = parser.parse_args(argv)
    return guarded(lambda: made(args) if args.verb == "make" else handed(args))


if __name__ == "__main__":
    leave(main())
