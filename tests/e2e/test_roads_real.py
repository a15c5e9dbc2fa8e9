"""The road of real exports: the same DAGs and models, other feed files. Held for want of groups is success."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import scipy

from .conftest import candor

pytestmark = [pytest.mark.roads, pytest.mark.real, pytest.mark.timeout(3600)]
WITHOUT_GROUPS = ("screening", "recommendation", "performance")


@dataclass(frozen=True)
class Road:
    """What one whole road left."""

    code: int
    printed: str
    summary: dict[str, Any]
    var: Path


@pytest.fixture(scope="module")
def road(real_data: Path, tmp_path_factory):
    var = tmp_path_factory.mktemp("real") / "a company"
    done = candor("run", "--exports", str(real_data), "--var", str(var))
    try:
        assert (var / "summary.json").is_file(), done.stdout[-3000:] + done.stderr[-3000:]
        yield Road(done.returncode, done.stdout, json.loads((var / "summary.json").read_text()), var)
    finally:
        candor("down", "--var", str(var))


def test_the_road_ends_well(road):
    assert road.code == 0, road.printed[-3000:]


def test_every_feed_is_balanced_and_none_is_empty(road):
    for feed, row in road.summary["ingest"].items():
        assert row["in"] == row["accepted"] + row["quarantined"] + row["filtered"], feed
        assert row["in"], feed
    read = {feed: row["in"] for feed, row in road.summary["ingest"].items()}
    assert (read["resumes"], read["outcomes_students"], read["elearning_views"]) == (800, 21_333, 17_438)


@pytest.mark.parametrize("family", WITHOUT_GROUPS)
def test_a_family_without_groups_is_scored_in_shadow_only(road, family):
    found = road.summary["families"][family]
    assert (found["verdict"], found["codes"]) == ("held", ["no_group_data"])
    assert (found["live"], found["approvers"], found["exports"]) == ("shadow", [], [])


def test_outcomes_have_groups_and_end_as_their_numbers_say(road):
    """Released by two people, or held for a group that its own counts show to be worse off: both are success."""
    found = road.summary["families"]["outcomes"]
    verdict = json.loads((road.var / "proposals" / "outcomes" / found["verdict_sha256"] / "verdict.json").read_text())
    judged = (*verdict["groups"]["axes"], *verdict["groups"]["by_subject"])
    worse_off = [group for axis in judged for group in found_adverse(axis["groups"])]
    assert "no_group_data" not in found["codes"]
    if worse_off:
        assert (found["verdict"], found["live"], found["codes"]) == ("held", "nothing", ["adverse"])
        assert (found["approvers"], found["exports"]) == ([], [])
        assert len(found["held_because"]) == len(worse_off)
    else:
        assert (found["verdict"], found["live"]) == ("allowed", "release")
        assert found["approvers"] == ["compliance_first", "compliance_second"]
        assert found["exports"]


def found_adverse(groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Groups that are selected less than four fifths as often as the one compared with, and not by chance."""
    [best] = [group for group in groups if group["is_reference"]]
    rate = best["selected"] / best["n"]
    others = [group for group in groups if not group["is_reference"] and group["people"] >= 30]
    return [
        group
        for group in others
        if group["selected"] / group["n"] < 0.8 * rate
        and scipy.stats.fisher_exact([[g["selected"], g["n"] - g["selected"]] for g in (group, best)]).pvalue < 0.05
        and (group["p_corrected"] or 0) < 0.05
    ]
