"""The JSON Schema of feed files, made from the models that check them, so that an editor completes and explains.

What only shows when names are looked up (other feeds, groups of a file name) is beyond it; loading feeds checks that.
What stands under a field explains it. It is read here and not by pydantic, which would do so at every import: a quarter
of the time in which `pipelines.ingest` starts.
"""

import ast
import inspect
import json
import sys
import textwrap
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from pydantic import BaseModel

from pipelines.base.contracts import TABLES
from pipelines.ingest.feeds import Feed, dialects, options_of
from pipelines.ingest.rules import Declared


def schema() -> str:
    """The schema as it stands in `feeds/schema.json`, canonical tables and their columns among it."""
    made: dict[str, Any] = Feed.model_json_schema()
    _explain(made, Feed)
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
    _explain(made, model)
    all_ |= {f"{dialect}.{name}": part for name, part in made.pop("$defs", {}).items()}
    made["description"] = str(sys.modules[model.__module__].__doc__).strip()  # says what they mean
    spoken = {"required": ["dialect"], "properties": {"dialect": {"const": dialect}}}
    return {"if": spoken, "then": {"properties": {"options": made}}}


def _explain(made: dict[str, Any], model: type[BaseModel]) -> None:
    """Add to a model's schema, and to those of its parts, what stands under their fields."""
    named = {it.__name__: it for it in (model, *_below(Declared))}
    for name, part in ((model.__name__, made), *made.get("$defs", {}).items()):
        for field, told in _under_fields(named[name]) if name in named else ():
            if field in part["properties"]:
                part["properties"][field]["description"] = told


def _below(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for other in model.__subclasses__():
        yield other
        yield from _below(other)


def _under_fields(model: type[BaseModel]) -> Iterator[tuple[str, str]]:
    """Each field under which a text stands, by the name that it has in a file, and the text."""
    source = ast.parse(textwrap.dedent(inspect.getsource(model)))
    (body,) = (part.body for part in source.body if isinstance(part, ast.ClassDef))
    for field, told in pairwise(body):
        if not (isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)):
            continue
        name = field.target.id
        if name in model.model_fields and isinstance(told, ast.Expr) and isinstance(told.value, ast.Constant):
            yield model.model_fields[name].alias or name, inspect.cleandoc(str(told.value.value))
