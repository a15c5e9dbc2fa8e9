"""The JSON Schema of feed files, made from the models that check them, so that an editor completes and explains.

What only shows when names are looked up (other feeds, groups of a file name) is beyond it; loading feeds checks that.
"""

import json
from typing import Any

from pipelines.base.contracts import TABLES
from pipelines.ingest.feeds import Feed


def schema() -> str:
    """The schema as it stands in `feeds/schema.json`, canonical tables and their columns among it."""
    made: dict[str, Any] = Feed.model_json_schema()
    made["properties"].pop("sha256")  # nobody writes it: it is the digest of the file
    mapped = made["$defs"]["TableMap"]
    mapped["properties"]["table"]["enum"] = list(TABLES)
    mapped["allOf"] = [
        {
            "if": {"properties": {"table": {"const": table.name}}},
            "then": {"properties": {"columns": {"propertyNames": {"enum": list(table.schema)}}}},
        }
        for table in TABLES.values()
    ]
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps({**head, **made}, indent=1)
