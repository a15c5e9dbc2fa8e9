"""The tables of New York City's Local Law 144, exactly: counts in, rates and impact ratios out, no float on the way.

As 6 RCNY 5-301 asks and its two examples do it: sex, race/ethnicity, and both together; each ratio against the most
selected (highest scoring) category of its own table, whatever its size; whoever's sex or race/ethnicity is unknown is
in none of the tables and is stated as one number beside them. A category below the law's share may be left out of the
ratios, and then has no ratio and is no reference, but keeps its count and rate. There is no verdict here: the rule
sets no pass mark.

The standard library only: this very file lies in every audit package as `recompute.py`, where somebody without Candor
runs it beside the counts. `main` is for them, and alone reads files.
"""

import csv
import hashlib
import io
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import zip_longest
from pathlib import Path
from typing import Any

UNKNOWN = "unknown"
SEX, RACE, BOTH = "sex", "race_ethnicity", "intersectional"
TABLES = (SEX, RACE, BOTH)
SELECTION, SCORING = "selection", "scoring"
MEASURES = (SELECTION, SCORING)
COUNT_COLUMNS = (SEX, RACE, "applicants", "selected", "above_median")
TABLE_COLUMNS = ("measure", "table", SEX, RACE, "applicants", "counted", "rate", "impact_ratio", "note")


_DIGITS = 12
"""Of a count: more people than there are."""
_SHOWN = 200
"""Characters of somebody else's text that are printed."""


@dataclass(frozen=True)
class Category:
    """One category of the law on one axis."""

    axis: str
    """`sex` or `race_ethnicity`."""
    code: str
    name: str
    is_optional: bool = False
    """Shown only where somebody is in it; the others are shown with nobody too."""


@dataclass(frozen=True)
class Cell:
    """How many applicants of one sex and one race/ethnicity, either perhaps unknown."""

    sex: str
    race_ethnicity: str
    applicants: int
    selected: int
    above_median: int
    """Score strictly above the median of the full sample, unknown included."""


@dataclass(frozen=True)
class Row:
    """One category of one table."""

    measure: str
    table: str
    sex: str
    """Code; empty in the table by race/ethnicity."""
    race_ethnicity: str
    applicants: int
    counted: int
    """Selected, or above the median."""
    is_small: bool
    """Whether it is below the law's share of those in the tables."""
    is_excluded: bool
    rate: Fraction | None
    """None without applicants."""
    impact_ratio: Fraction | None = None
    """None without a rate, without anybody selected in any category, and for an excluded category."""

    @property
    def note(self) -> str:
        """Why there is no ratio, as a word; empty where there is one."""
        if not self.applicants:
            return "no_applicants"
        if self.is_excluded:
            return "excluded_as_small"
        return "" if self.impact_ratio is not None else "nobody_counted"


def rows(
    cells: Sequence[Cell], categories: Sequence[Category], *, small_share: Fraction, is_excluding: bool
) -> list[Row]:
    """All tables of both measures.

    Args:
        cells: Every combination at most once.
        categories: The law's, in its order.
        small_share: Share of those in the tables below which a category may be left out of the ratios.
        is_excluding: Whether they are left out: the auditor's choice, which needs a written justification.

    Returns:
        Measure by measure, table by table, in the law's order; the intersections as its examples have them, first those
        of whoever is Hispanic or Latino.
    """
    known = [cell for cell in cells if UNKNOWN not in {cell.sex, cell.race_ethnicity}]
    floor = small_share * sum(cell.applicants for cell in known)
    needed = {"", *(category.code for category in categories if not category.is_optional)}
    found = []
    for measure in MEASURES:
        for table in TABLES:
            counted = [_row(measure, table, place, known) for place in _places(table, categories)]
            shown = [row for row in counted if row.applicants or {row.sex, row.race_ethnicity} <= needed]
            found += _with_ratios(shown, floor, is_excluding)
    return found


def unknown(cells: Iterable[Cell]) -> dict[str, int]:
    """Applicants who are in no table: all of them, and by what is unknown of them."""
    lost = [cell for cell in cells if UNKNOWN in {cell.sex, cell.race_ethnicity}]
    return {
        "either": sum(cell.applicants for cell in lost),
        SEX: sum(cell.applicants for cell in lost if cell.sex == UNKNOWN),
        RACE: sum(cell.applicants for cell in lost if cell.race_ethnicity == UNKNOWN),
    }


def rounded(value: Fraction | None, digits: int) -> str:
    """A number with so many decimals, halves upwards; empty for None."""
    if value is None:
        return ""
    scaled = (value * 10**digits * 2 + 1) // 2
    return f"{scaled // 10**digits}.{scaled % 10**digits:0{digits}d}"


def as_counts(cells: Iterable[Cell]) -> str:
    """The content of counts.csv."""
    return as_csv(COUNT_COLUMNS, ([getattr(cell, name) for name in COUNT_COLUMNS] for cell in cells))


def from_counts(text: str) -> list[Cell]:
    """The cells of counts.csv.

    Raises:
        ValueError: Names the line and the column that cannot be read.
    """
    try:
        lines = _lines(text)
    except csv.Error:
        raise ValueError("counts.csv must be CSV") from None
    if not lines or tuple(lines[0]) != COUNT_COLUMNS:
        raise ValueError(f"counts.csv, line 1 must be {','.join(COUNT_COLUMNS)}")
    cells = []
    for number, line in enumerate(lines[1:], 2):
        if len(line) != len(COUNT_COLUMNS):
            raise ValueError(f"counts.csv, line {number} must have {len(COUNT_COLUMNS)} columns")
        for column, value in zip(COUNT_COLUMNS[2:], line[2:], strict=True):
            if not (value.isascii() and value.isdigit() and len(value) <= _DIGITS):
                raise ValueError(f"counts.csv, line {number}, column {column} must be a whole number")
        cells.append(Cell(line[0], line[1], *map(int, line[2:])))
    return cells


def as_tables(found: Iterable[Row]) -> str:
    """The content of tables.csv."""
    return as_csv(TABLE_COLUMNS, map(_printed, found))


def as_csv(columns: Sequence[str], lines: Iterable[Sequence[Any]]) -> str:
    """A CSV file: a comma, a line feed, quotes where needed."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(lines)
    return text.getvalue()


def differences(name: str, expected: str, got: str) -> list[str]:
    """Every cell of a CSV file that is not what it must be, as a sentence each that is safe to print."""
    try:
        wanted, found = _lines(expected), _lines(got)
    except csv.Error:
        return [f"{name} must be CSV; it is not."]
    faults = []
    nothing: list[str] = []
    for number, (must, value) in enumerate(zip_longest(wanted, found, fillvalue=nothing), 1):
        about = " ".join(word for word in must[:4] if word and number > 1)[:_SHOWN]
        for place, (want, have) in enumerate(zip_longest(must, value)):
            if want != have:
                column = wanted[0][place] if place < len(wanted[0]) else f"number {place + 1}"
                faults.append(
                    f"{name}, line {number} ({about}), column {column} must be {shown(want)}; it is {shown(have)}."
                )
    return faults or ([] if expected == got else [f"{name} must be written as its cells are; its line ends differ."])


def shown(text: str | None) -> str:
    """Somebody else's text for a terminal: whatever would steer one is escaped, and a long one is cut."""
    return "nothing" if text is None else repr(text)[:_SHOWN]


def told(facts: Mapping[str, Any], counts: str) -> list[Row]:
    """The tables of a package.

    Args:
        facts: Content of facts.json.
        counts: Content of counts.csv.

    Raises:
        ValueError: The counts cannot be read.
    """
    categories = [Category(**category) for category in facts["categories"]]
    is_excluding = facts["exclusion_justification"] is not None
    return rows(
        from_counts(counts), categories, small_share=Fraction(str(facts["small_share"])), is_excluding=is_excluding
    )


def main(argv: Sequence[str]) -> int:
    """Recompute the tables of an unpacked package: its folder, or the working directory."""
    folder = Path(argv[0]) if argv else Path()
    named = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["files"]
    changed = [
        f"{shown(name)} must have the sha256 {shown(digest)}; it has another."
        for name, digest in named.items()
        if hashlib.sha256((folder / name).read_bytes()).hexdigest() != digest
    ]
    text = {name: (folder / name).read_bytes().decode() for name in ("facts.json", "counts.csv", "tables.csv")}
    expected = as_tables(told(json.loads(text["facts.json"]), text["counts.csv"]))
    faults = [*changed, *differences("tables.csv", expected, text["tables.csv"])]
    print("\n".join(faults) or "Every number of tables.csv follows from counts.csv, and every file is as named.")
    return 1 if faults else 0


def _printed(row: Row) -> list[Any]:
    counts = [row.measure, row.table, row.sex, row.race_ethnicity, row.applicants, row.counted]
    return [*counts, rounded(row.rate, 4), rounded(row.impact_ratio, 4), row.note]


def _places(table: str, categories: Sequence[Category]) -> list[tuple[str, str]]:
    sexes = [category.code for category in categories if category.axis == SEX]
    races = [category.code for category in categories if category.axis == RACE]
    if table == SEX:
        return [(sex, "") for sex in sexes]
    if table == RACE:
        return [("", race) for race in races]
    first, *others = races
    return [(sex, first) for sex in sexes] + [(sex, race) for sex in sexes for race in others]


def _row(measure: str, table: str, place: tuple[str, str], known: Sequence[Cell]) -> Row:
    sex, race = place
    here = [cell for cell in known if sex in {"", cell.sex} and race in {"", cell.race_ethnicity}]
    applicants = sum(cell.applicants for cell in here)
    counted = sum(cell.selected if measure == SELECTION else cell.above_median for cell in here)
    rate = Fraction(counted, applicants) if applicants else None
    return Row(measure, table, sex, race, applicants, counted, is_small=False, is_excluded=False, rate=rate)


def _with_ratios(table: Sequence[Row], floor: Fraction, is_excluding: bool) -> list[Row]:
    small = [row.applicants < floor for row in table]
    kept = [row.rate for row, is_small in zip(table, small, strict=True) if not (is_small and is_excluding)]
    best = max((rate for rate in kept if rate is not None), default=Fraction(0))
    return [
        replace(
            row,
            is_small=is_small,
            is_excluded=is_small and is_excluding,
            impact_ratio=None if row.rate is None or not best or (is_small and is_excluding) else row.rate / best,
        )
        for row, is_small in zip(table, small, strict=True)
    ]


def _lines(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
