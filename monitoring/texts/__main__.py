"""Every text of the Audit page and of the daily report, for translators.

    python -m monitoring.texts            writes monitoring/texts/messages.pot
    python -m monitoring.texts --check    exit code 1 when that file is not what the code says

To add a language: copy messages.pot to a file such as de.po, translate it (Poedit, Weblate or any editor), and name its
path in CANDOR_TEXTS. What it lacks stays English; a text that loses one of its values is refused by name.
"""

import argparse
import sys

from monitoring.texts.found import CATALOGUE, catalogue
from pipelines.base.stage import leave


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m monitoring.texts", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="write nothing")
    given = parser.parse_args()
    now = catalogue()
    if given.check:
        return int(not CATALOGUE.is_file() or CATALOGUE.read_bytes() != now)
    CATALOGUE.write_bytes(now)
    sys.stdout.write(f"{now.count(b'msgid ') - 1} texts in {CATALOGUE}\n")
    return 0


if __name__ == "__main__":
    leave(main())
