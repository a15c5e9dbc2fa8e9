"""Whether the reasons of a score are its reasons: what each names is taken away, and the case is scored again.

    match:term     the term is cut out of the resume            the score must fall
    span:from-to   that passage is cut out of the resume        the score must fall
    missing:term   the term is added to the resume              the score must rise
    lowers:what    the value becomes the median of training,    the score must rise
    raises:what    a code becomes unknown                       the score must fall

Done by the release that gave the score, on what was known on its day. A reason that does not move the score as it says
is none, and is told to nobody. Rankings have no reasons against anybody and are not looked at.
"""

import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import polars as pl

from pipelines import audit
from pipelines.audit import vouched
from pipelines.base import delta, known, releases
from pipelines.base.catalog import SCORES
from pipelines.base.contracts import ABSTAINED
from pipelines.base.errors import ContractError
from pipelines.base.lake import Lake
from pipelines.base.releases import Release
from pipelines.base.store import Store
from pipelines.models import features, network, tabular
from pipelines.models.tabular import Columns
from pipelines.score import deletion
from pipelines.score.people import approved

AGAINST: Final = ("missing", "lowers")
"""Kinds of reasons that spoke against somebody: without them the score is higher."""
FAMILIES: Final = ("screening", "outcomes", "performance")
_REPEATED: Final = 2e-6
"""Difference that rounding makes of a score that comes out again."""
_TEXT: Final = "resume_text"
_LISTS: Final = "__steps"


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason, tried."""

    code: str
    score: float
    """Without what it names."""
    is_held: bool
    """Whether the score moved as the reason says."""

    @property
    def is_against(self) -> bool:
        """Whether it spoke against the person."""
        return self.code.partition(":")[0] in AGAINST


@dataclass(frozen=True, slots=True)
class Rechecked:
    """A score on file, and its reasons tried."""

    row: dict[str, Any]
    """Of `Scored`, without the person."""
    release: Release
    reasons: tuple[Reason, ...]


def recheck(store: Store, family: str, person_id: str, subject_id: str, as_of: date) -> Rechecked:
    """Try the reasons of one score.

    Args:
        store: Holds scores, releases and the lake.
        family: One of `FAMILIES`.
        person_id: Whose score.
        subject_id: For what: a requisition, a course, a period.
        as_of: The day that was scored.

    Raises:
        ContractError: There is no such score, its release is not there, or it does not come out again from what was
            known on its day: then nobody can say what its reasons were.
    """
    row = _on_file(store, family, person_id, subject_id, as_of)
    release = _release(store, family, row)
    module, lake = features(family), Lake(store)
    tables = known.read_people(lake, lake.require(), module.TABLES, as_of, module.VERSIONED)[0]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        releases.download(store, release, folder)
        prepare, _ = approved(family, folder)
        keys = (pl.col("person_id") == person_id) & (pl.col("subject_id") == subject_id)
        case = module.cases(tables, prepare, as_of).filter(keys)
        model = folder / releases.MODEL
        if len(case) != 1 or abs(_score(family, model, case) - row["score"]) > _REPEATED:
            raise ContractError(
                f"A score of {family} must come out again from what was known on {as_of}; it does not, since something "
                "was corrected or let go. Score the day again and make the packet of that score."
            )
        tried = tuple(tried_reasons(family, model, case, row["reasons"]))
    return Rechecked({key: value for key, value in row.items() if key != "person_id"}, release, tried)


def tried_reasons(family: str, model: Path, case: pl.DataFrame, codes: list[str]) -> list[Reason]:
    """Score a case again without what each reason names.

    Args:
        family: Model family.
        model: What `fit` wrote.
        case: [1] the case.
        codes: Its reasons.
    """
    columns = tabular.load(model) if (model / tabular.FILE).exists() else None
    whole, found = _score(family, model, case), []
    for code in codes:
        if code == ABSTAINED:  # says what becomes of the score, and nothing about the case
            continue
        score = _score(family, model, without(case, code, columns))
        is_against = code.partition(":")[0] in AGAINST
        moved = score - whole if is_against else whole - score
        found.append(Reason(code, round(score, 6), is_held=moved > _REPEATED))
    return found


def without(case: pl.DataFrame, code: str, columns: Columns | None) -> pl.DataFrame:
    """The same case without what a reason names.

    Args:
        case: [n] cases.
        code: A reason.
        columns: Of a tabular family: which columns it reads, with their medians at training.

    Raises:
        ValueError: No such reason exists.
    """
    kind, _, what = code.partition(":")
    if kind == "missing":
        return case.with_columns(pl.col(_TEXT) + f"\n{what}")
    if kind == "match":
        words = r"\W+".join(map(re.escape, what.split()))
        cut = [re.sub(rf"(?<!\w){words}(?!\w)", " ", text, flags=re.IGNORECASE) for text in case[_TEXT].to_list()]
        return case.with_columns(pl.Series(_TEXT, cut))
    if kind == "span":
        place = deletion.place(code)
        return case.with_columns(pl.Series(_TEXT, [deletion.cut(text, place) for text in case[_TEXT].to_list()]))
    if kind in ("lowers", "raises") and columns is not None:
        medians = dict(zip(columns.numeric, columns.medians, strict=True))
        mine = [name for name in case.columns if is_of(name, what)]
        return case.with_columns(*(_unsaid(case, name, medians, what) for name in mine))
    raise ValueError(f"no such kind of reason: {kind}")


def is_of(name: str, what: str) -> bool:
    """Whether a column speaks of what a reason names: a measure with its mean, trend and steps, all earlier ratings."""
    return name == what or name.startswith((f"{what}__", "rating_" if what == "rating" else f"{what}__"))


def _unsaid(case: pl.DataFrame, name: str, medians: dict[str, float], what: str) -> pl.Series:
    if name.endswith(_LISTS):
        return pl.Series(name, [[medians.get(what, 0.0)] * len(steps) for steps in case[name].to_list()])
    dtype = case.schema[name]
    value = medians.get(name) if dtype.is_numeric() else None
    return pl.Series(name, [value] * len(case), dtype=pl.Float64 if dtype.is_numeric() else dtype)


def _score(family: str, model: Path, case: pl.DataFrame) -> float:
    return float(network(family).predict(model, case, "model")["score"].item()) if len(case) == 1 else float("nan")


def _on_file(store: Store, family: str, person_id: str, subject_id: str, as_of: date) -> dict[str, Any]:
    key = f"{SCORES}/scored"
    if delta.version(store, key) is not None:
        wanted = {"family": family, "as_of": as_of.isoformat(), "person_id": person_id, "subject_id": subject_id}
        rows = delta.scan(store, key).filter(scorer="model", **wanted).collect()
        row = rows.row(0, named=True) if len(rows) == 1 else {}
        if row and not row.get("is_shadow"):  # what was scored in shadow reached no decision
            return row
    raise ContractError(
        f"A packet must be about one score on file; {family} has none of that person and subject as of {as_of}. "
        "Take person, subject and day from the file that was handed to the ATS or LMS."
    )


def _release(store: Store, family: str, row: Mapping[str, Any]) -> Release:
    """The release that the ledger says gave the score that now stands: others may have the same model."""
    day, model = str(row["as_of"]), row["model_sha256"]
    for entry in audit.entries(store, newest_first=True):
        facts = entry.facts
        if (entry.tag, entry.subject, facts.get("as_of")) != (audit.Tag.PEOPLE_SCORED, family, day):
            continue
        said = (facts["model_sha256"], facts["kind"], facts["release"], facts["verdict_sha256"])
        pointers = vouched.history(store, family)  # under any key: the score may be older than those that are named
        found = next((p for p in pointers if (p.model_sha256, p.kind, p.sequence, p.verdict_sha256) == said), None)
        if found is not None and found.model_sha256 == model:
            return found
        break
    raise ContractError(
        f"A score of {family} must come from a release that the ledger says scored on {day}; none did. Find out why."
    )
