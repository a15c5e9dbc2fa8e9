"""The process in which documents are parsed: one JSON line in (a path), one JSON line out (status, redacted text).

The answer says too whether it `is_last`: then what a parser keeps between files is broken, and another process goes on.

It has a memory limit, no secrets in its environment and nothing to write to but its standard output.
"""

import json
import os
import resource
import sys
from dataclasses import asdict
from pathlib import Path

from pipelines.ingest.documents import pdf
from pipelines.ingest.documents.bounds import Limits
from pipelines.ingest.documents.extract import extract


def confine(limits: Limits) -> None:
    """Bound this process: memory, no core dumps, no files written."""
    resource.setrlimit(resource.RLIMIT_AS, (limits.max_memory_bytes, limits.max_memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def serve() -> None:
    """Answer until standard input ends. Parsers that print do so to standard error, which leads nowhere."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    limits = Limits.model_validate_json(sys.stdin.readline())
    confine(limits)
    pdf.quiet()
    for line in sys.stdin:
        found = asdict(extract(Path(json.loads(line)).read_bytes(), limits))
        answers.write(json.dumps(found | {"is_last": pdf.is_spent()}) + "\n")
        answers.flush()


if __name__ == "__main__":
    serve()
