"""Paths of units: by hand, with a circle that is cut where it was closed."""

from datetime import date

import polars as pl

from pipelines.base.contracts import TABLES
from pipelines.base.units import PATHS, paths


def units(*told: tuple[str, str | None, int]) -> pl.DataFrame:
    """Departments by code, what is above and the year since when."""
    rows = [
        {"org_type_code": "department", "org_unit_code": code, "valid_from": date(year, 1, 1), "is_active": True}
        | {"parent_type_code": "department" if parent else None, "parent_unit_code": parent}
        for code, parent, year in told
    ]
    return pl.DataFrame(rows, schema=TABLES["org_units"].schema)


def of(found: pl.DataFrame) -> dict[str, list[tuple[str, int]]]:
    made: dict[str, list[tuple[str, int]]] = {}
    for code, ancestor, depth in found.select("org_unit_code", "ancestor_unit_code", "depth").rows():
        made.setdefault(code, []).append((ancestor, depth))
    return made


def test_a_unit_stands_below_all_that_is_above_it() -> None:
    found, cut = paths(units(("C", "B", 2021), ("B", "A", 2022), ("A", None, 2020), ("X", "gone", 2020)))
    assert of(found) == {
        "A": [("A", 0)],
        "B": [("B", 0), ("A", 1)],
        "C": [("C", 0), ("B", 1), ("A", 2)],
        "X": [("X", 0), ("gone", 1)],
    }
    assert cut == 0
    assert found.schema == PATHS


def test_a_circle_is_cut_at_its_newest_step() -> None:
    found, cut = paths(units(("A", "C", 2024), ("B", "A", 2020), ("C", "B", 2021), ("D", "D", 2020), ("E", "C", 2025)))
    assert of(found) == {
        "A": [("A", 0)],
        "B": [("B", 0), ("A", 1)],
        "C": [("C", 0), ("B", 1), ("A", 2)],
        "D": [("D", 0)],
        "E": [("E", 0), ("C", 1), ("B", 2), ("A", 3)],
    }
    assert cut == 2, "A above C, and D above itself"


def test_units_of_one_number_and_two_kinds_are_two() -> None:
    both = pl.concat(
        [units(("1", None, 2020)), units(("1", None, 2020)).with_columns(org_type_code=pl.lit("location"))]
    )
    told = both.with_columns(
        parent_type_code=pl.when(pl.col("org_type_code") == "location").then(pl.lit("department")),
        parent_unit_code=pl.when(pl.col("org_type_code") == "location").then(pl.lit("1")),
    )
    found, cut = paths(told)
    assert found.rows() == [
        ("department", "1", "department", "1", 0),
        ("location", "1", "location", "1", 0),
        ("location", "1", "department", "1", 1),
    ]
    assert cut == 0


def test_without_units_there_are_no_paths() -> None:
    found, cut = paths(units())
    assert (found.schema, len(found), cut) == (PATHS, 0, 0)
