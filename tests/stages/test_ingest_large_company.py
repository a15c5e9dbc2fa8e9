"""A company just above the size at which the generator cuts its tables short, through generator and ingest."""

import shutil
from collections import Counter
from pathlib import Path

from infra.sample.exports import write
from infra.sample.plan import DELIVERIES, LARGE, Plan
from pipelines.ingest.__main__ import run
from pipelines.ingest.batch import Batch
from pipelines.ingest.publish import publish

FEEDS = Path(__file__).parents[2] / "feeds"
CUT = (
    "workday_workers", "lms_courses", "lms_enrolments", "lms_completions", "performance_reviews",
    "performance_work_records",
)  # fmt: skip
"""Feeds of which a large company prints less, and what they lean on. The others would only take time."""
PLANTED = {
    ("lms_enrolments", "duplicate_row"): 3,
    ("performance_work_records", "duplicate_row"): 4,
    ("workday_workers", "missing:hired_at"): 1,
    ("workday_workers", "unparsable:hired_at"): 1,
    ("lms_completions", "unparsable:score_share"): 2,
    ("performance_reviews", "out_of_range:rating_share"): 1,
}
"""By hand, from the docstring of `infra.sample`."""
NO_FAULT = ("not_rated", "nothing_to_take")


def file(feed: str) -> str:
    """The file that a feed takes, as the generator names it."""
    system, _, table = feed.partition("_")
    if system == "workday":
        return f"workday/HRML_{table.capitalize()}_2026-09.json"
    return f"{system}/{table}_2026-09.csv"


def test_just_above_the_limit_every_row_is_taken_or_is_a_planted_fault(store, keys, tmp_path, monkeypatch):
    monkeypatch.setenv("CANDOR_EXPORTS", str(tmp_path / "exports"))
    monkeypatch.setenv("CANDOR_FEEDS", str(tmp_path / "feeds"))
    (tmp_path / "feeds").mkdir()
    for name in CUT:
        shutil.copy(FEEDS / f"{name}.yaml", tmp_path / "feeds")
    wrote = write(Plan(LARGE + 1), DELIVERIES["history"], tmp_path / "exports", 0, lambda name, rows: None)
    batch = Batch(store, "large")
    assert run(batch, None).endswith("files held: 0")
    counts = publish(batch)["counts"]
    assert {name: feed["in"] for name, feed in counts.items()} == {name: wrote[file(name)] for name in CUT}
    assert all(feed["in"] == feed["accepted"] + feed["quarantined"] + feed["filtered"] for feed in counts.values())
    away = Counter({(feed, why): n for feed, found in counts.items() for why, n in found["reasons"].items()})
    assert {key: n for key, n in away.items() if key[1] not in NO_FAULT} == PLANTED
    # workers of three years, one row each; work records of two months, one a worker and month
    assert counts["workday_workers"]["in"] > LARGE * 0.95
    assert counts["performance_work_records"]["in"] < 2 * (LARGE + 1) + 5
