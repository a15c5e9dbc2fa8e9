"""The real sets themselves, with thirty of the resumes: every row is accounted for, two families reach a verdict."""

import json
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from pipelines import gate, prepare, snapshot, train
from pipelines.base.catalog import GATED, stage_dir
from pipelines.base.lake import Lake
from pipelines.base.store import FileStore
from pipelines.evaluate import __main__ as evaluate
from pipelines.evaluate import choose, weigh
from pipelines.ingest.__main__ import run as ingest
from pipelines.ingest.batch import Batch
from pipelines.score import stage as score

pytestmark = [
    pytest.mark.real,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # Keras on NumPy 2
]
ROOT = Path(__file__).parents[2]
TABLES = ("elearning", "outcomes", "productivity")
JOBS = ("ACCOUNTANT", "CHEF", "TEACHER")
ROWS = {
    "elearning_courses": 1_167,
    "elearning_learners": 9_902,
    "elearning_views": 17_438,
    "elearning_watches": 2_271,
    "outcomes_assessments": 206,
    "outcomes_courses": 22,
    "outcomes_registrations": 21_333,
    "outcomes_students": 21_333,
    "outcomes_submissions": 121_738,
    "productivity": 957,
    "requisitions": 24,
    "resumes": 30,
}
"""Lines of the files without their heads; ten resumes of each job."""


@pytest.fixture(scope="module")
def real(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, FileStore]]:
    """A checkout, and the store into which the files were taken."""
    root = tmp_path_factory.mktemp("real")
    store, exports = FileStore(root / "var"), root / "exports"
    for name in TABLES:
        shutil.copytree(real_data / name, exports / name)
    for job in JOBS:
        (exports / "resumes/pdf" / job).mkdir(parents=True)
        for file in sorted((real_data / "resumes/pdf" / job).glob("*.pdf"))[:10]:
            shutil.copy(file, exports / "resumes/pdf" / job)
    with pytest.MonkeyPatch.context() as patch:
        for name, byte in (("PSEUDONYM", "11"), ("VAULT", "22"), ("AUDIT", "33"), ("PERSON", "44")):
            patch.setenv(f"CANDOR_{name}_KEY", byte * 32)
        patch.setenv("CANDOR_STORE", store.url)
        patch.setenv("CANDOR_FEEDS", str(ROOT / "feeds/real"))
        patch.setenv("CANDOR_EXPORTS", str(exports))
        ingest(Batch(store, "real"), None)
        quick(root)
        snapshot.pin(date(2026, 1, 1), root)
        yield root, store


def quick(root: Path) -> None:
    """params.yaml as it is, but the larger family trained for three epochs."""
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    params["outcomes"]["train"] |= {"epochs": 3, "members": 1, "trees": 20}
    params["evaluate"]["resamples"] = 100
    for family in ("outcomes", "performance", "screening"):
        params[family]["alternatives"]["tried"] = []
    (root / "params.yaml").write_text(yaml.safe_dump(params))


def counts(store: FileStore) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads(store.read("reports/ingest/real.json"))["counts"]
    return found


def rows(store: FileStore, name: str) -> pl.DataFrame:
    return Lake(store).read(name, Lake(store).require())


def judged(root: Path, family: str) -> dict[str, Any]:
    for step in (snapshot.run, prepare.run, weigh.run, train.run, choose.run, score.run, evaluate.run, gate.run):
        step(family, root)
    found: dict[str, Any] = json.loads((stage_dir(family, GATED, root) / "verdict.json").read_text())
    return found


def codes(verdict: dict[str, Any]) -> set[str]:
    return {finding["code"] for finding in verdict["findings"] if not finding["passed"]}


def test_every_row_of_every_file_was_read(real: tuple[Path, FileStore]) -> None:
    assert {feed: row["in"] for feed, row in counts(real[1]).items()} == ROWS


def test_every_row_is_accepted_quarantined_or_filtered(real: tuple[Path, FileStore]) -> None:
    for feed, row in counts(real[1]).items():
        assert row["in"] == row["accepted"] + row["quarantined"] + row["filtered"], feed
        assert row["held"] == 0, feed


def test_what_is_left_out_is_what_can_be_counted_in_the_files(real: tuple[Path, FileStore]) -> None:
    """268 views stand twice, two moments of watching are told in two ways, 36 registrations have no date.

    Assessments tell when submissions are due and no more, and the 22 presentations are of 7 courses.
    """
    assert {feed: row["reasons"] for feed, row in counts(real[1]).items() if row["reasons"]} == {
        "elearning_views": {"duplicate_row": 268},
        "elearning_watches": {"conflicting_key": 4},
        "outcomes_assessments": {"reference_only": 206},
        "outcomes_courses": {"duplicate_row": 15},
        "outcomes_registrations": {"missing:enrolled_at": 36},
    }


def test_the_lake_holds_what_the_files_say(real: tuple[Path, FileStore]) -> None:
    """Of 21,333 students 6,330 withdrew, 9,928 passed or better, 5,075 failed; 37 team days are above the norm."""
    events = rows(real[1], "learning_events")
    ended = events.filter(pl.col("event_code").is_in(["withdrawn", "passed", "failed"]))["event_code"]
    assert dict(ended.value_counts().iter_rows()) == {"withdrawn": 6_330, "passed": 9_928, "failed": 5_075}
    reviews = rows(real[1], "reviews")
    assert len(reviews) == 957
    assert (reviews["rating_share"] == 1.0).sum() >= 37
    assert reviews["person_id"].n_unique() == 24
    assert len(rows(real[1], "enrolments")) == 21_333 - 36


def test_outcomes_have_groups_and_are_judged_by_them(real: tuple[Path, FileStore]) -> None:
    verdict = judged(real[0], "outcomes")
    assert "no_group_data" not in codes(verdict)
    assert not verdict["shadow"]
    assert {axis["axis"] for axis in verdict["groups"]["axes"]} >= {"sex", "age_band", "disability"}


def test_productivity_has_no_groups_and_is_held_for_that(real: tuple[Path, FileStore]) -> None:
    verdict = judged(real[0], "performance")
    assert verdict["verdict"] == "held"
    assert verdict["shadow"]
    assert "no_group_data" in codes(verdict)
