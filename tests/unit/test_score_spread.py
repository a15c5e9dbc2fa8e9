"""Scoring shared out: a real scheduler and two workers say what this process says."""

import os
import time
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from pipelines.base.errors import SettingsError, SourceUnavailable
from pipelines.models import network
from pipelines.models.outcomes.features import Decide, Train
from pipelines.score import rows, spread

pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # Keras on NumPy 2
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # sockets of a client that is closed
]

SETTINGS = Train(
    epochs=2, patience=2, batch=32, learning_rate=0.02, weight_decay=0.001, dropout=0.05, units=4, embedding=2,
    pieces=3, members=1, trees=5, tree_rate=0.2, tree_leaves=4, grade_coverage=0.9,
)  # fmt: skip
STAMP = rows.Stamp("m" * 64, "d" * 64, date(2026, 3, 1))
DECIDE = Decide(threshold=0.5)


def prepared() -> pl.DataFrame:
    """120 people whose pseudonyms fall into some buckets."""
    rng = np.random.default_rng(3)
    told = rng.normal(size=120)
    return pl.DataFrame(
        {
            "person_id": [f"p_{n * 2654435761 % 2**32:08x}" for n in range(120)],
            "subject_id": "s",
            "target_code": "t",
            "split": ["train"] * 60 + ["valid"] * 20 + ["test"] * 40,
            "outcome": (told > 0).astype(float),
            "submitted_score_mean": told,
            "credits": rng.normal(size=120),
            "course_id": "c",
        }
    )


def slow(number: int) -> tuple[int, int]:
    time.sleep(0.5)
    return number * number, os.getpid()


def test_a_cluster_says_what_this_process_says(cluster: str, tmp_path: Path) -> None:
    import distributed

    frame = prepared()
    network("outcomes").fit(frame, SETTINGS, tmp_path / "model", 1, 2)
    asked = frame.filter(split="test")
    alone = rows.scored("outcomes", tmp_path / "model", asked, "model", STAMP, decide=DECIDE)
    with distributed.Client(cluster) as client:
        client.wait_for_workers(2, timeout=60)
        pids = set(client.run(os.getpid).values())
    shared = spread.scored("outcomes", tmp_path / "model", asked, "model", STAMP, decide=DECIDE)
    assert len(alone) == 40
    assert shared.drop("score", "low", "high").equals(alone.drop("score", "low", "high"))
    assert shared["score"].to_list() == pytest.approx(
        alone["score"].to_list(), abs=2e-6
    )  # both rounded to six decimals
    for name in ("low", "high"):  # read off a steep line at the score
        assert shared[name].to_list() == pytest.approx(alone[name].to_list(), abs=1e-4)
    found = spread.each(slow, range(4))
    assert [square for square, _ in found] == [0, 1, 4, 9]
    assert {pid for _, pid in found} == pids
    assert len(pids) == 2


def test_on_one_machine_processes_share_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(spread.ADDRESS, raising=False)
    found = spread.each(slow, range(4))
    assert [square for square, _ in found] == [0, 1, 4, 9]
    assert os.getpid() not in {pid for _, pid in found}


def end(number: int) -> None:
    os._exit(number)


def test_a_killed_process_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(spread.ADDRESS, raising=False)
    with pytest.raises(SourceUnavailable, match="some were killed"):
        spread.each(end, [1, 1])


def test_few_people_are_scored_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(spread.ADDRESS, raising=False)
    monkeypatch.setattr(spread, "each", None)
    assert spread.scored("outcomes", tmp_path, prepared().head(0), "model", STAMP, decide=DECIDE).is_empty()


def test_many_people_are_shared_out_by_bucket(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(spread.ADDRESS, raising=False)
    monkeypatch.setattr(spread, "MANY", 120)
    seen = []

    def each(work, parts):
        seen.extend(parts)
        return []

    monkeypatch.setattr(spread, "each", each)
    spread.scored("outcomes", tmp_path, prepared(), "model", STAMP, decide=DECIDE)
    assert len(seen) == 8
    places = [{int(person[2:6], 16) % 8 for person in part["person_id"]} for part in seen]
    assert sorted(places, key=min) == [{place} for place in range(8)]
    assert pl.concat(seen).sort("person_id").equals(prepared().sort("person_id"))


def test_a_scheduler_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(spread.ADDRESS, "tcp://127.0.0.1:9")
    monkeypatch.setattr(spread, "_SECONDS", 1)
    with pytest.raises(SourceUnavailable, match="must answer within 1 seconds"):
        spread.each(slow, [1])


@pytest.mark.parametrize(
    "address", ["tcp://10.0.0.5:8786", "10.0.0.5:8786", "tcp://127.0.0.1.example:1", "ws://localhost:1"]
)
def test_people_are_not_sent_in_the_clear(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(spread.ADDRESS, address)
    with pytest.raises(SettingsError, match="must be tls://"):
        spread.each(slow, [1])
