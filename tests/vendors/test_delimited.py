"""A declared mapping holds for any delimiter: the learning system's tables with tabs and pipes between cells."""

from pathlib import Path

import polars as pl
import pytest

from infra.sample import learning, performance, tables
from infra.sample.dialects import Table
from tests.vendors.printed import DELIVERY, FEEDS, PLAN, canonical, company


def printed() -> pl.DataFrame:
    """The table of enrolments as the learning system writes it."""
    world, block = company(), slice(0, len(company().workers))
    work = performance.simulate(PLAN, world.workers, block)
    enrolments = learning.simulate(PLAN, world.courses, world.workers, work, block)
    handed = learning.submissions(PLAN, world.courses, enrolments, block)
    return tables.learning_frames(PLAN, world.courses, enrolments, handed, DELIVERY)["enrolments"]


def read(folder: Path, suffix: str, delimiter: str, monkeypatch: pytest.MonkeyPatch) -> pl.DataFrame:
    """What the table becomes when it has another delimiter, and the feed says so."""
    with Table(folder / "exports" / "lms" / f"enrolments_2026-09.{suffix}", separator=delimiter) as table:
        table.append(printed())
    text = (FEEDS / "lms_enrolments.yaml").read_text()
    changes = {
        r"\.csv'": rf"\.{suffix}'",
        'delimiter: ","': f"delimiter: {delimiter!a}".replace("'", '"'),
        "\nafter: [lms_courses]": "",
    }
    for old, new in changes.items():
        assert text.count(old) == 1
        text = text.replace(old, new)
    feed = folder / "lms_enrolments.yaml"
    feed.write_text(text)
    return canonical(folder, [feed], monkeypatch)["enrolments"]


@pytest.mark.parametrize(("suffix", "delimiter"), [("tsv", "\t"), ("txt", "|")])
def test_tabs_and_pipes_become_what_commas_become(keys, tmp_path, monkeypatch, suffix, delimiter):
    expected = read(tmp_path / "c", "csv", ",", monkeypatch)
    made = read(tmp_path / "o", suffix, delimiter, monkeypatch)
    assert made.equals(expected)
    assert len(made) > 1000
    first = (tmp_path / "o" / "exports" / "lms" / f"enrolments_2026-09.{suffix}").read_text().partition("\n")[0]
    assert first.split(delimiter)[:3] == ["Enrollment ID", "Employee ID", "Course ID"]
