"""Print the sealed counts of single subjects as CSV: a row a source, stage, axis, subject and group, however small.

    python -m pipelines.evaluate.cells < groups.sealed

Needs the audit identity, CANDOR_AUDIT_KEY. What comes out can tell one person's answer: keep it apart from lists of
people.
"""

import sys

from pipelines.base.errors import CandorError
from pipelines.base.pseudonyms import AUDIT_KEY, secret
from pipelines.base.sealed import unseal_frame


def opened(sealed: bytes) -> str:
    """The counts as CSV.

    Raises:
        SettingsError: CANDOR_AUDIT_KEY is missing or another one, or the bytes were changed.
    """
    return unseal_frame(secret(AUDIT_KEY), sealed).write_csv()


def main() -> int:
    """From standard input to standard output; a fault is one line, and 1."""
    try:
        sys.stdout.write(opened(sys.stdin.buffer.read()))
    except CandorError as fault:
        sys.stderr.write(f"{type(fault).__name__}: {fault}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
