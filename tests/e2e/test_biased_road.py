"""The road of a company whose past screening was biased: the gate holds that model, and that is success."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from infra.setup.company import opened

from .conftest import candor, remains

pytestmark = [pytest.mark.roads, pytest.mark.timeout(1800)]
OTHERS = ("recommendation", "outcomes", "performance")


@dataclass(frozen=True)
class Road:
    """What one whole road left."""

    code: int
    printed: str
    summary: dict[str, Any]
    pointers: list[str]
    ledger: list[dict[str, Any]]
    left: list[str]
    """Processes of the company once the command had ended."""


@pytest.fixture(scope="module")
def road(tmp_path_factory):
    var = tmp_path_factory.mktemp("biased") / "a company"
    done = candor("run", "--sample", "biased", "--workers", "200", "--var", str(var))
    try:
        assert (var / "summary.json").is_file(), done.stdout[-3000:] + done.stderr[-3000:]
        left = remains(opened(str(var)))
        ledger = [json.loads(path.read_text()) for path in sorted((var / "ledger").glob("*.json"))]
        pointers = sorted(path.relative_to(var / "releases").as_posix() for path in (var / "releases").rglob("0*.json"))
        yield Road(done.returncode, done.stdout, json.loads((var / "summary.json").read_text()), pointers, ledger, left)
    finally:
        candor("down", "--var", str(var))


def test_holding_is_success(road):
    assert road.code == 0
    assert road.left == []


def test_the_screening_model_is_held_for_bias_and_nothing_of_it_is_live(road):
    screening = road.summary["families"]["screening"]
    assert screening["verdict"] == "held"
    assert "adverse" in screening["codes"]
    assert (screening["live"], screening["approvers"], screening["exports"]) == ("nothing", [], [])
    assert not [pointer for pointer in road.pointers if pointer.startswith("screening/")]
    tags = {entry["tag"] for entry in road.ledger if entry["subject"] == "screening"}
    assert "model:held" in tags
    assert not tags & {"model:released", "people:scored"}


def test_the_summary_says_why(road):
    reasons = road.summary["families"]["screening"]["held_because"]
    assert any("sex" in reason and "ADVERSE" in reason for reason in reasons)
    assert all(f"- screening is held: {reason}" in road.printed for reason in reasons)
    assert road.summary["truths"]["a screening model that repeats bias"]["found"]


@pytest.mark.parametrize("family", OTHERS)
def test_the_other_families_are_released(road, family):
    found = road.summary["families"][family]
    assert (found["verdict"], found["live"]) == ("allowed", "release")
    assert found["approvers"] == ["compliance_first", "compliance_second"]
