"""Exports in, canonical tables out: discover, land, read, map, validate, publish.

    python -m pipelines.ingest run [--batch B]

Each step leaves its result under `work/ingest/<batch>/` and does nothing when the result is there already, so a step
can be repeated at any time. What a file means is declared in `feeds/*.yaml`; no step knows a vendor's column.
"""

import os

# Polars gives memory back after half a second and asks for it again with the next part of a file; set before it loads.
os.environ.setdefault("_RJEM_MALLOC_CONF", "dirty_decay_ms:2000")
