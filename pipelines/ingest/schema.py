"""The JSON Schema of feed files, made from the models that check them, so that an editor completes and explains.

What only shows when names are looked up (other feeds, groups of a file name) is beyond it; loading feeds checks that.
"""

import json
import sys
from typing import Any

from pydantic import BaseModel

from pipelines.base.contracts import TABLES
from pipelines.ingest.feeds import Feed, dialects, options_of


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
    made["properties"]["dialect"]["enum"] = list(dialects())
    made["allOf"] = [_options(made["$defs"], name, model) for name in dialects() if (model := options_of(name))]
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps({**head, **made}, indent=1)


def _options(all_: dict[str, Any], dialect: str, model: type[BaseModel]) -> dict[str, Any]:
    """What the options of one dialect must be; the parts that they are made of are added to those of all."""
    made = model.model_json_schema(ref_template=f"#/$defs/{dialect}.{{model}}")
    all_ |= {f"{dialect}.{name}": part for name, part in made.pop("$defs", {}).items()}
    made["description"] = str(sys.modules[model.__module__].__doc__).strip()  # says what they mean
    spoken = {"required": ["dialect"], "properties": {"dialect": {"const": dialect}}}
    return {"if": spoken, "then": {"properties": {"options": made}}}
