"""JSON as `evaluate` and `choose` leave it: no NaN, sorted keys, and never half a file."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def write(file: Path, content: Any) -> None:
    """JSON has no NaN: what does not exist is null, and the gate reads null as unknown."""
    text = json.dumps(plain(content), indent=1, sort_keys=True, allow_nan=False)
    staged = file.with_suffix(".tmp")
    staged.write_text(text + "\n", encoding="utf-8")
    staged.replace(file)


def plain(value: Any) -> Any:
    """`value` with null for every number that is none."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
