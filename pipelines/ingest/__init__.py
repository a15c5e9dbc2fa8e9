"""Exports in, canonical tables out: discover, land, read, map, validate, publish.

    python -m pipelines.ingest run [--batch B]

Each step leaves its result under `work/ingest/<batch>/` and does nothing when the result is there already, so a step
can be repeated at any time. What a file means is declared in `feeds/*.yaml`; no step knows a vendor's column.
"""
