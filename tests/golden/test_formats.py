"""Published formats stay what they were, to the byte. `tests/golden/formats.py` rebuilds the files on purpose."""

import json

import pytest

from tests.golden.formats import BUILD, FILES


@pytest.mark.parametrize("name", sorted(BUILD))
def test_a_published_format_has_not_changed(name):
    assert BUILD[name]() == (FILES / name).read_bytes(), f"rebuild with `python -m tests.golden.formats`: {name}"


def test_no_golden_file_is_left_over():
    assert {path.name for path in FILES.iterdir()} == set(BUILD)


def test_the_scores_that_others_import_hold_no_formula_and_no_nan():
    """By hand: the second person's identifier would be run by a spreadsheet, and nothing is recommended of them."""
    rows = (FILES / "scores.csv").read_text().splitlines()
    unsure = '"true","abstained:near_threshold"'
    assert rows[2] == f'"workday_candidate_id","\'=1+1","R-0001","screen",0.5,,,,{unsure},"2026-10-31"'
    second = json.loads((FILES / "scores.json").read_text())[1]
    assert (second["identifier"], second["low"], second["is_selected"]) == ("=1+1", None, None)


def test_the_published_audit_by_hand():
    """Of 200 in the tables 4 are exactly two percent, so Hispanic or Latino women stay; men are 50 % and women 39 %."""
    lines = (FILES / "ll144_tables.csv").read_text().splitlines()
    assert lines[1:3] == ["selection,sex,male,,100,50,0.5000,1.0000,", "selection,sex,female,,100,39,0.3900,0.7800,"]
    assert lines[3] == "selection,race_ethnicity,,hispanic,4,3,0.7500,1.0000,"
    assert lines[5] == "selection,intersectional,male,hispanic,0,0,,,no_applicants"
    assert "unknown_category,10" in (FILES / "ll144_statement.csv").read_text().splitlines()


def test_without_groups_the_published_verdict_is_held():
    verdict = json.loads((FILES / "verdict.json").read_text())
    assert (verdict["verdict"], verdict["shadow"]) == ("held", True)
