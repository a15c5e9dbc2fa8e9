"""The package: inputs, what follows from them, and a zip whose bytes are the same whenever it is made again. Pure.

    facts.json counts.csv law.yaml recompute.py                 the inputs
    tables.csv statement.csv summary.html                       for publication
    verdicts.csv verdicts.html README.md manifest.json          for the auditor

Members are stored, not compressed: a flipped byte of the zip is a flipped byte of a file that can be named, and no
compressor's version changes the digest. Verdicts and pages are made by code and libraries of a day, which facts name.
"""

import json
import math
import zipfile
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict

from monitoring import page
from monitoring.ll144.facts import FORMAT, Facts
from pipelines.base.digests import sha256_bytes
from pipelines.fairness import UNKNOWN, AxisJudgement, judge_counts, statutory
from pipelines.fairness.statutory import BOTH, MEASURES, RACE, SELECTION, SEX, TABLES, Cell, Row

FACTS: Final = "facts.json"
COUNTS: Final = "counts.csv"
LAW: Final = "law.yaml"
CODE: Final = "recompute.py"
INPUTS: Final = (FACTS, COUNTS, LAW, CODE)
MANIFEST: Final = "manifest.json"
README: Final = "README.md"
PUBLISHED: Final = ("summary.html", "tables.csv", "statement.csv")
VERDICTS: Final = ("verdicts.html", "verdicts.csv")
_LIBRARIES: Final = ("numpy", "scipy", "jinja2", "markupsafe")
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_TITLES: Final = {SEX: "Sex categories", RACE: "Race/ethnicity categories", BOTH: "Intersectional categories"}
_SOURCES: Final = {
    "historical": "Historical data: collected during the employer's own use of the tool.",
    "pooled": "Historical data of several employers or employment agencies that use the tool.",
    "test": "Test data: made or obtained for this audit.",
}


def inputs(facts: Facts, cells: Iterable[Cell], law_text: bytes) -> dict[str, bytes]:
    """What everything else follows from."""
    return {FACTS: facts.to_json(), COUNTS: statutory.as_counts(cells).encode(), LAW: law_text, CODE: code()}


def code() -> bytes:
    """What recomputes the tables, as this Candor has it."""
    return Path(statutory.__file__).read_bytes()


@cache
def made_by() -> str:
    """Digest of what makes verdicts and pages: this code, its templates, and the libraries' versions."""
    here = Path(__file__).parent
    sources = [
        *here.glob("*.py"),
        here.parent / "page.py",
        here.parent / "words.py",
        *(here.parent / "templates").glob("ll144_*"),
        *Path(statutory.__file__).parent.glob("*.py"),
    ]
    found = sorted(f"{path.name} {sha256_bytes(path.read_bytes())}" for path in sources)
    return sha256_bytes("\n".join([*found, *(f"{name} {version(name)}" for name in _LIBRARIES)]).encode())


def files(given: Mapping[str, bytes], facts: Facts, cells: list[Cell]) -> dict[str, bytes]:
    """All files of a package by name, in the zip's order.

    Args:
        given: `inputs`, byte for byte.
        facts: What FACTS says.
        cells: What COUNTS says.
    """
    tables = statutory.told(json.loads(given[FACTS]), given[COUNTS].decode())
    judged = verdicts(facts, cells)
    told = statement(facts, cells, tables)
    about = {
        "facts": facts,
        "names": names(facts),
        "titles": _TITLES,
        "sources": _SOURCES,
        "rounded": statutory.rounded,
        "small": f"{facts.small_share * 100:f}".rstrip("0").rstrip("."),
        "figure": _number,
    }
    texts = {
        "tables.csv": statutory.as_tables(tables),
        "statement.csv": statutory.as_csv(("fact", "value"), ((name, _plain(text)) for name, text in told.items())),
        "summary.html": page.render("ll144_summary.html", **about, told=told, tables=_by_table(tables)),
        "verdicts.csv": _as_csv(judged),
        "verdicts.html": page.render("ll144_verdicts.html", **about, judged=judged),
        README: page.render("ll144_readme.md", **about, published=PUBLISHED, cells=cells, told=told),
    }
    made = {name: bytes(given[name]) for name in INPUTS} | {name: text.encode() for name, text in texts.items()}
    return made | {MANIFEST: manifest(made).to_json()}


class Manifest(BaseModel):
    """Digest of every file, and of every count and fact, so that a change in an input is named as exactly as any."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int
    files: dict[str, str]
    cells: list[list[str]]
    """Of counts.csv, line by line, the first one being its columns."""
    facts: dict[str, str]

    def to_json(self) -> bytes:
        """Canonical bytes."""
        return (json.dumps(self.model_dump(), indent=1, sort_keys=True) + "\n").encode()


def manifest(made: Mapping[str, bytes]) -> Manifest:
    """The manifest of all other files."""
    return Manifest(
        format=FORMAT,
        files={name: sha256_bytes(data) for name, data in made.items()},
        cells=marks(made[COUNTS].decode()),
        facts=fact_marks(made[FACTS]),
    )


def marks(counts: str) -> list[list[str]]:
    """A short digest for every cell of counts.csv."""
    return [
        [_mark(f"{number},{place},{cell}") for place, cell in enumerate(line.split(","))]
        for number, line in enumerate(counts.splitlines())
    ]


def fact_marks(facts: bytes) -> dict[str, str]:
    """A short digest for every fact of facts.json; none where it is no JSON object. Raises ValueError on no JSON."""
    said = json.loads(facts)
    return {name: _mark(json.dumps(value)) for name, value in said.items()} if isinstance(said, dict) else {}


def packed(made: Mapping[str, bytes]) -> bytes:
    """The zip: in the order of `made`, stored, every date 1 January 1980."""
    data = BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_STORED) as archive:
        for name, content in made.items():
            member = zipfile.ZipInfo(name, _EPOCH)
            member.create_system = 3  # the same on every system
            member.external_attr = 0o100644 << 16
            archive.writestr(member, content)
    return data.getvalue()


def statement(facts: Facts, cells: Iterable[Cell], tables: Iterable[Row]) -> dict[str, str]:
    """What must be published beside the tables, in the words of the rule (6 RCNY 5-303)."""
    everyone, lost = list(cells), statutory.unknown(cells)
    excluded = [row for row in tables if row.is_excluded and row.applicants]
    return {
        "audit_date": str(facts.audited_on),
        "distribution_date": str(facts.distributed_on or "not yet in use"),
        "independent_auditor": facts.auditor or "none yet: until one has recomputed it, this is no bias audit",
        "tool": facts.model,
        "data_source": facts.source,
        "data_explanation": facts.explanation,
        "why_not_historical": facts.why_not_historical or "not needed: historical data",
        "data_from": str(facts.since),
        "data_until": str(facts.until),
        "applicants_assessed": str(sum(cell.applicants for cell in everyone)),
        "applicants_in_tables": str(sum(cell.applicants for cell in everyone) - lost["either"]),
        "unknown_category": str(lost["either"]),
        "unknown_sex": str(lost[SEX]),
        "unknown_race_ethnicity": str(lost[RACE]),
        "at_median_score": str(facts.ties),
        "excluded_categories": str(len({(row.table, row.sex, row.race_ethnicity) for row in excluded})),
        "exclusion_justification": facts.exclusion_justification or "no category was left out",
        "model_sha256": facts.model_sha256,
        "scored_as_of": " ".join(map(str, facts.scored_as_of)),
        "scored_on": " ".join(map(str, facts.scored_on)) or "not on record",
        "scorings_no_longer_on_file": str(facts.lost_scorings),
        "scores_of_people_forgotten_since": str(facts.forgotten_rows),
    }


def names(facts: Facts) -> dict[str, str]:
    """Code -> the law's name of a category."""
    return {category.code: category.name for category in facts.categories}


def verdicts(facts: Facts, cells: Iterable[Cell]) -> dict[str, list[AxisJudgement]]:
    """Measure -> judgements on the three axes, of everyone known on each; `unknown` is a group there."""
    known = list(cells)
    return {
        measure: [
            judge_counts(_counts(known, measure, table), axis=table, min_group_size=facts.min_group_size)
            for table in TABLES
        ]
        for measure in MEASURES
    }


def _counts(cells: Iterable[Cell], measure: str, table: str) -> dict[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = {}
    for cell in cells:
        parts = {SEX: (cell.sex,), RACE: (cell.race_ethnicity,), BOTH: (cell.sex, cell.race_ethnicity)}[table]
        group = UNKNOWN if UNKNOWN in parts else "|".join(parts)
        people, counted = found.get(group, (0, 0))
        more = cell.selected if measure == SELECTION else cell.above_median
        found[group] = (people + cell.applicants, counted + more)
    return found


def _by_table(tables: Iterable[Row]) -> dict[str, dict[str, list[Row]]]:
    found: dict[str, dict[str, list[Row]]] = {measure: {table: [] for table in TABLES} for measure in MEASURES}
    for row in tables:
        found[row.measure][row.table].append(row)
    return found


def _as_csv(judged: Mapping[str, list[AxisJudgement]]) -> str:
    columns = ("measure", "axis", "group", "people", "counted", "rate", "impact_ratio", "low", "high", "p_corrected")
    lines = (
        [measure, item.axis, row.group, row.n, row.selected]
        + [_number(value) for value in (row.rate, row.impact_ratio, row.low, row.high)]
        + [_chance(row.p_corrected), row.verdict, " ".join(row.reasons)]
        for measure, items in judged.items()
        for item in items
        for row in item.groups
    )
    return statutory.as_csv((*columns, "verdict", "reasons"), lines)


def _number(value: float) -> str:
    """Four decimals; empty where there is no number or no bound."""
    return f"{value:.4f}" if math.isfinite(value) else ""


def _chance(p_value: float) -> str:
    """Four digits that count, however small: no p is 0."""
    return f"{p_value:.4g}" if math.isfinite(p_value) else ""


def _plain(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text


def _mark(text: str) -> str:
    return sha256_bytes(text.encode())[:16]
