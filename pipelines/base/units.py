"""Which units are above which, and how many steps: what `org_units` says of one day, read to the top."""

from typing import Final

import polars as pl

_UNIT: Final = ("org_type_code", "org_unit_code")
_ABOVE: Final = ("parent_type_code", "parent_unit_code")
PATHS: Final = pl.Schema(
    {**dict.fromkeys((*_UNIT, "ancestor_type_code", "ancestor_unit_code"), pl.String()), "depth": pl.Int64()}
)


def paths(units: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """Each unit with itself and with all that is above it.

    Args:
        units: [n_units] rows of `org_units` that hold on one day, one a unit, as `known.things` reads them.

    Returns:
        [n_paths] `PATHS`, ordered by unit and depth, 0 for itself; what is above without being a unit of its own ends a
        path. And how many units would stand above themselves: of the steps of a circle the one that holds since last is
        left out, since the others stood before it.
    """
    above: dict[tuple[str, str], tuple[str, str]] = {}
    cut = 0
    known = units.filter(pl.col("parent_unit_code").is_not_null()).sort("valid_from", *_UNIT)
    for kind, code, parent_kind, parent in known.select(*_UNIT, *_ABOVE).rows():
        if (kind, code) in _upwards(above, (parent_kind, parent)):
            cut += 1
        else:
            above[kind, code] = (parent_kind, parent)
    rows = [
        (*unit, *ancestor, depth)
        for unit in units.select(_UNIT).sort(_UNIT).rows()
        for depth, ancestor in enumerate(_upwards(above, unit))
    ]
    return pl.DataFrame(rows, schema=PATHS, orient="row"), cut


def _upwards(above: dict[tuple[str, str], tuple[str, str]], unit: tuple[str, str]) -> list[tuple[str, str]]:
    """A unit and what is above it, up to the top; there is no circle in `above`."""
    found = [unit]
    while found[-1] in above:
        found.append(above[found[-1]])
    return found
