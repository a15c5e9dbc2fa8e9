"""Scores written back: a file that an ATS or LMS imports, with its own identifiers.

`scores/exports/<family>/<as_of>.csv` and `.json`; beside them `<as_of>.due.csv` and `.json`, where a family knows of
what people have to do whatever a model says, which is never among the scores; and `<as_of>.grades.csv` and `.json`,
where it foresees with what score a case ends. What a spreadsheet would run as a formula gets a quote before it, in the
CSV only: JSON holds every value as it is. Where people are ranked, only those put forward are in the file.
Of early warnings the lowest prediction stands first. `is_selected` is empty where the model abstains: the file
recommends nothing about such a case, and a person decides.
"""

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Final

import polars as pl

from pipelines.base import known, people, vault
from pipelines.base.catalog import SCORES
from pipelines.base.contracts import TABLES, is_abstained
from pipelines.base.lake import Lake, Manifest
from pipelines.base.pseudonyms import VAULT_KEY, secret
from pipelines.base.settings import Section, load
from pipelines.base.store import Store
from pipelines.models import features

_BREAKS: Final = r"[\p{Cc}\p{Zl}\p{Zp}]"
"""Characters that begin another line or cell somewhere."""
_FORMULA: Final = r"(^|[;,])([\s\p{Cf}\"]*[=+\-@|%\x{FF1D}\x{FF0B}\x{FF0D}\x{FF20}])"
"""A sign that begins a formula, in full width too, where a cell begins: blanks, quotes and invisible characters do not
count, and where lists are parted by semicolons a file parted by commas is cut at every semicolon, quoted or not."""
_COLUMNS: Final = (
    "subject_id",
    "target_code",
    "score",
    "low",
    "high",
    "is_selected",
    "is_abstained",
    "reasons",
    "as_of",
)
_BESIDE: Final = {
    "due": ("subject_id", "enrolled_at", "due_at", "is_overdue", "as_of"),
    "grades": ("subject_id", "target_code", "grade", "low", "high", "as_of"),
}


class Score(Section):
    """How scores are written back."""

    export_schemes: tuple[str, ...]
    """Kinds of identifiers that other systems know people by, the preferred one first."""


def require_key() -> None:
    """Raise SettingsError now when identifiers could not be opened later."""
    secret(VAULT_KEY)


def files(
    store: Store,
    manifest: Manifest,
    family: str,
    as_of: date,
    scored: pl.DataFrame,
    *,
    beside: Mapping[str, pl.DataFrame] | None = None,
    root: Path | None = None,
) -> dict[str, bytes]:
    """A day's files in both forms, to be written last: whoever imports them acts on them.

    Args:
        store: Holds lake and vault.
        manifest: State of the lake and vault.
        family: Model family.
        as_of: The day.
        scored: [n_scores] `Scored` of the model.
        beside: `due` and `grades`, as far as the family gives them: [n_rows] person_id and what goes into the file.
        root: Holds params.yaml.

    Returns:
        The keys, two of each file, each with its bytes: the same for the same rows and identifiers.
    """
    settings = load(Score, "score", root=root)
    shown = scored.filter("is_selected") if features(family).METRIC == "ranking" else scored
    shown = shown.with_columns(is_abstained=is_abstained())
    shown = shown.with_columns(pl.when(~pl.col("is_abstained")).then("is_selected"))
    known = identifiers(store, manifest, family, as_of, settings)
    table = shown.join(known, on="person_id", how="left").select("scheme_code", "identifier", *_COLUMNS)
    # of more warnings than managers can act on the lowest are judged: they stand first
    first = [pl.col("score").fill_nan(-1)] if features(family).METRIC == "mae" else []
    table = table.sort(*first, "identifier", "subject_id", "target_code")
    stem = f"{SCORES}/exports/{family}/{as_of.isoformat()}"
    made = {f"{stem}.csv": as_csv(table), f"{stem}.json": as_json(table)}
    for name, frame in (beside or {}).items():
        named = frame.with_columns(as_of=pl.lit(as_of)).join(known, on="person_id", how="left")
        rows = named.select("scheme_code", "identifier", *_BESIDE[name]).sort("identifier", *_BESIDE[name][:2])
        made |= {f"{stem}.{name}.csv": as_csv(rows), f"{stem}.{name}.json": as_json(rows)}
    return made


def identifiers(store: Store, manifest: Manifest, family: str, as_of: date, settings: Score) -> pl.DataFrame:
    """The identifier by which the family's source system knows each person.

    Args:
        store: Holds lake and vault.
        manifest: Which state.
        family: Only pseudonyms that stand in this family's tables count: a hired candidate has others too.
        as_of: The day.
        settings: Which kinds.

    Returns:
        [n_people] person_id (resolved), scheme_code, identifier; people without one are absent.
    """
    lake = Lake(store)
    named = [name for name in features(family).TABLES if "person_id" in TABLES[name].schema]
    own = pl.concat([lake.read(name, manifest, as_of, ["person_id"]) for name in named]).unique()
    order = pl.DataFrame({"scheme_code": list(settings.export_schemes)}, schema={"scheme_code": pl.String})
    found = (
        vault.read(store, "identifiers", manifest, as_of)
        .join(own, on="person_id", how="semi")
        .join(order.with_row_index("place"), on="scheme_code")
    )
    resolved = people.resolve(found, known.links(lake, manifest, as_of)).sort("place", "value")
    first = resolved.unique(subset="person_id", keep="first", maintain_order=True)
    return first.select("person_id", "scheme_code", identifier="value").sort("person_id")


def as_csv(table: pl.DataFrame) -> bytes:
    """UTF-8 CSV, one line a row, every text quoted; reasons are joined by a semicolon, NaN is an empty cell."""
    flat = table.with_columns(pl.col(pl.List(pl.String)).list.join(";"), pl.col(pl.Float64).fill_nan(None))
    return flat.with_columns(guarded(pl.col(pl.String))).write_csv(quote_style="non_numeric").encode()


def guarded(text: pl.Expr) -> pl.Expr:
    """`text` in which nothing starts a formula and nothing breaks the line: a blank stands for a control character."""
    return text.str.replace_all(_BREAKS, " ").str.replace_all(_FORMULA, "${1}'${2}")


def as_json(table: pl.DataFrame) -> bytes:
    """A list of objects, NaN as null."""
    moments = pl.selectors.datetime().dt.to_string("iso:strict")
    plain = table.with_columns(pl.col("as_of").cast(pl.String), pl.col(pl.Float64).fill_nan(None), moments)
    return (json.dumps(plain.to_dicts(), indent=1, ensure_ascii=False) + "\n").encode()
