"""Make a document about a release from what is on record of it.

    python -m monitoring.documents make KIND FAMILY --to FILE.html [--release N]

KIND is card (model card), annex-iv (technical documentation of the EU's AI Act), dpia (draft of a data protection
impact assessment), colorado (pack of a developer for deployers) or versions (differences from the release before, with
an alarm where they are a substantial modification). Every value in it names its file, the place in it, and the file's
sha256; what a person must add is marked. Made again from the same release and the same monitoring it is the same.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

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
    target: Path = args.to
    if not target.absolute().parent.is_dir():
        raise SettingsError("A document can only be written into a folder that is there; --to names none. Make it.")
    pages, is_substantial = make(open_store(), [args.kind], args.family, args.release)
    data = pages[args.kind]
    target.write_bytes(data)
    about = {"kind": args.kind, "sha256": sha256_bytes(data), "to": str(target)}
    return json.dumps(about | {"substantial_modification": is_substantial})


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; the docstring of this module is its help."""
    parser = argparse.ArgumentParser(
        prog="python -m monitoring.documents", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    one = parser.add_subparsers(dest="verb", required=True).add_parser("make", help="write a document")
    one.add_argument("kind", choices=tuple(KINDS), help="which document")
    one.add_argument("family", choices=FAMILIES, help="which family")
    one.add_argument("--to", type=Path, required=True, help="where to write it")
    one.add_argument("--release", type=int, help="number of the release; the live one by default")
    args = parser.parse_args(argv)
    return guarded(lambda: made(args))


if __name__ == "__main__":
    leave(main())
