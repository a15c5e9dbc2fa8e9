"""Files written back: scores, and beside them what is due whatever a model says."""

import json
from datetime import UTC, date, datetime

import polars as pl

from pipelines.base.contracts import SCORED
from pipelines.score import export, people

DAY = date(2026, 1, 3)
KNOWN = pl.DataFrame({"person_id": ["p_1"], "scheme_code": ["lms"], "identifier": ["=1"]})
DUE = pl.DataFrame(
    {
        "person_id": ["p_1", "p_2"],
        "subject_id": ["a", "b"],
        "enrolled_at": [datetime(2026, 1, 1, tzinfo=UTC), None],
        "due_at": [datetime(2026, 1, 2, 12, tzinfo=UTC), None],
        "is_overdue": [True, False],
    },
    schema_overrides=dict.fromkeys(("enrolled_at", "due_at"), pl.Datetime("us", "UTC")),
)


def test_what_is_due_is_in_files_of_its_own(monkeypatch):
    """Whoever has no identifier in the other system is there without one, as in the file of scores."""
    monkeypatch.setattr(export, "identifiers", lambda *_: KNOWN)
    scored = pl.DataFrame(schema=SCORED)
    made = export.files(None, None, "recommendation", DAY, scored, beside={"due": DUE})  # type: ignore[arg-type]
    stem = "scores/exports/recommendation/2026-01-03"
    assert list(made) == [f"{stem}.csv", f"{stem}.json", f"{stem}.due.csv", f"{stem}.due.json"]
    rows = made[f"{stem}.due.csv"].decode().splitlines()
    assert rows[0] == '"scheme_code","identifier","subject_id","enrolled_at","due_at","is_overdue","as_of"'
    assert [row.split(",")[:3] for row in rows[1:]] == [["", "", '"b"'], ['"lms"', '"\'=1"', '"a"']]
    told = {row["subject_id"]: row for row in json.loads(made[f"{stem}.due.json"])}
    assert (told["a"]["identifier"], told["a"]["is_overdue"], told["a"]["as_of"]) == ("=1", True, "2026-01-03")
    assert (told["a"]["due_at"], told["b"]["due_at"]) == ("2026-01-02T12:00:00.000000+00:00", None)


def test_scores_foreseen_are_in_files_of_their_own(monkeypatch):
    monkeypatch.setattr(export, "identifiers", lambda *_: KNOWN)
    grades = pl.DataFrame(
        {"person_id": ["p_1"], "subject_id": ["c"], "target_code": ["r"], "grade": [0.75], "low": [0.5], "high": [1.0]}
    )
    scored = pl.DataFrame(schema=SCORED)
    made = export.files(None, None, "outcomes", DAY, scored, beside={"grades": grades})  # type: ignore[arg-type]
    _, row = made["scores/exports/outcomes/2026-01-03.grades.csv"].decode().splitlines()
    assert row.split(",")[2:] == ['"c"', '"r"', "0.75", "0.5", "1.0", '"2026-01-03"']


def test_most_families_know_of_nothing_that_is_due(monkeypatch):
    monkeypatch.setattr(export, "identifiers", lambda *_: KNOWN)
    assert people._due("outcomes", {}, DAY) is None
    made = export.files(None, None, "outcomes", DAY, pl.DataFrame(schema=SCORED))  # type: ignore[arg-type]
    assert list(made) == ["scores/exports/outcomes/2026-01-03.csv", "scores/exports/outcomes/2026-01-03.json"]


def test_of_early_warnings_the_lowest_prediction_stands_first_and_of_other_families_nobody_is_placed(monkeypatch):
    """So that managers who can act on some only act on those that are judged; what is no number is the lowest."""
    monkeypatch.setattr(export, "identifiers", lambda *_: KNOWN.head(0))
    rows = [
        {"person_id": who, "subject_id": who, "score": score}
        for who, score in zip("abc", (0.3, 0.2, None), strict=True)
    ]
    made = pl.DataFrame(rows).with_columns(pl.col("score").fill_null(float("nan")), pl.lit("model").alias("scorer"))
    scored = pl.concat([pl.DataFrame(schema=SCORED), made], how="diagonal_relaxed")

    def order(family: str) -> list[str]:
        files = export.files(None, None, family, DAY, scored)  # type: ignore[arg-type]
        return [row["subject_id"] for row in json.loads(files[f"scores/exports/{family}/2026-01-03.json"])]

    assert order("performance") == ["c", "b", "a"]
    assert order("outcomes") == ["a", "b", "c"]
