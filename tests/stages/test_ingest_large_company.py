"""A company just above the size at which the generator cuts its tables short, through generator and ingest."""

from collections import Counter
from pathlib import Path

from infra.sample.exports import write
from infra.sample.plan import DELIVERIES, LARGE, Plan
from pipelines.ingest.__main__ import run
from pipelines.ingest.batch import Batch
from pipelines.ingest.publish import publish

ROOT = Path(__file__).parents[2]
PLANTED = {
    ("lms_enrolments", "duplicate_row"): 3,
    ("performance_work_records", "duplicate_row"): 4,
    ("workday_workers", "missing:hired_at"): 1,
    ("workday_workers", "unparsable:hired_at"): 1,
    ("workday_applications", "unknown_requisition"): 1,
    ("lms_completions", "unparsable:score_share"): 2,
    ("performance_reviews", "out_of_range:rating_share"): 1,
    ("resumes", "empty"): 1,
    ("resumes", "encrypted"): 1,
    ("resumes", "unsupported"): 1,
}
"""By hand, from the docstring of `infra.sample`."""
NO_FAULT = ("not_rated", "nothing_to_take")


def test_just_above_the_limit_every_row_is_taken_or_is_a_planted_fault(store, keys, tmp_path, monkeypatch):
    monkeypatch.setenv("CANDOR_EXPORTS", str(tmp_path / "exports"))
    monkeypatch.setenv("CANDOR_FEEDS", str(ROOT / "feeds"))
    wrote = write(Plan(LARGE + 1), DELIVERIES["history"], tmp_path / "exports", 20, lambda name, rows: None)
    batch = Batch(store, "large")
    assert run(batch, None).endswith("files held: 0")
    counts = publish(batch)["counts"]
    assert sum(feed["in"] for feed in counts.values()) == sum(wrote.values())
    assert all(feed["in"] == feed["accepted"] + feed["quarantined"] + feed["filtered"] for feed in counts.values())
    away = Counter({(feed, why): n for feed, found in counts.items() for why, n in found["reasons"].items()})
    assert {key: n for key, n in away.items() if key[1] not in NO_FAULT} == PLANTED
    # workers of three years, one row each; work records of two months, one a worker and month
    assert counts["workday_workers"]["in"] > LARGE * 0.95
    assert counts["performance_work_records"]["in"] < 2 * (LARGE + 1) + 5
    assert counts["resumes"]["in"] == 20
