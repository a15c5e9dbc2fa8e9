"""Identifiers that suddenly have another length hold their file: a spreadsheet on the way takes zeros away."""

import contextlib
import json

import polars as pl
import pytest
import yaml

from pipelines.base.lake import Lake
from pipelines.ingest import __main__ as command
from pipelines.ingest import check
from pipelines.ingest.feeds import Feed
from pipelines.ingest.filled import counted, reshaped
from tests.kills.roads import nothing_failed

AGREED = {
    "name": "agreed",
    "owner": "HR",
    "cadence": "monthly",
    "location": "",
    "files": r"agreed_(?P<period>\d{4}-\d{2})(_(?P<page>\d))?\.csv",
    "dialect": "csv",
    "options": {"delimiter": ",", "quote": '"'},
    "extracted_at": {"end_of": "period"},
    "tables": [
        {
            "table": "consents",
            "columns": {"person_id": {"from": "id", "person": "workday_worker"}, "is_given": {"constant": True}},
        }
    ],
}
FEED = Feed.model_validate(AGREED)
NOTE = "From July on numbers of four digits."


@pytest.fixture
def run(keys, store, tmp_path, monkeypatch, capsys):
    """Deliver ids and take in everything new; of files that were held the reason and the message."""
    for name in ("feeds", "exports"):
        (tmp_path / name).mkdir()
        monkeypatch.setenv(f"CANDOR_{name.upper()}", str(tmp_path / name))
    for module in (command, check):
        monkeypatch.setattr(module, "validator", lambda: contextlib.nullcontext(nothing_failed))
    (tmp_path / "feeds" / "agreed.yaml").write_text(yaml.safe_dump(AGREED))

    def ingest(batch: str, **files: list[str]) -> list[tuple[str, str]]:
        for name, ids in files.items():
            (tmp_path / "exports" / f"agreed_2026-{name[1:]}.csv").write_text("\n".join(["id", *ids]) + "\n")
        assert command.main(["run", "--batch", batch]) == 0
        capsys.readouterr()
        report = json.loads(store.read(f"reports/ingest/{batch}.json"))
        return [(held["reason_code"], held["message"]) for held in report["held"]]

    return ingest


def padded(count: int, first: int = 90) -> list[str]:
    return [f"{number:06d}" for number in range(first, first + count)]


def test_ids_that_lost_their_zeros_wait_until_a_person_says_so(run, store, capsys):
    assert run("june", _06=padded(30)) == []
    ((code, message),) = run("july", _07=[id_.lstrip("0") for id_ in padded(30)])
    assert code == "reshaped_ids"
    assert "as long as in the last 1 files taken in, but for 1% of them" in message
    assert "id 100% with 2 or 3 instead of 6 characters." in message
    assert "119" not in message, "no id is told"
    lake = Lake(store)
    assert len(lake.read("consents", lake.require())) == 30, "nobody has become two"
    command.main(["held"])
    _, sha256, *_ = next(line.split() for line in capsys.readouterr().out.splitlines() if line.startswith("agreed "))
    command.main(["decide", "agreed", sha256, "--choice", "release", "--by", "somebody", "--note", NOTE])
    assert run("august") == []
    assert run("september", _09=[id_.lstrip("0") for id_ in padded(40)]) == [], (
        "what was released is usual from then on"
    )
    assert run("october", _10=padded(40)) == []


def test_pages_of_one_export_are_weighed_together_and_what_was_held_is_no_measure(run):
    assert run("june", _06_1=padded(30), _06_2=padded(30, 500)) == []
    lost = {f"_07_{page}": [id_.lstrip("0") for id_ in padded(30, 90 * page)] for page in (1, 2)}
    assert [code for code, _ in run("july", **lost)] == ["reshaped_ids"] * 2
    assert [code for code, _ in run("august", _08=[id_.lstrip("0") for id_ in padded(31)])] == ["reshaped_ids"]
    assert run("september", _09=[id_.lstrip("0") for id_ in padded(19)]) == [], "of so few nothing is said"


def told(**lengths: int) -> dict[str, dict[str, int]]:
    return {"id": {length[1:]: count for length, count in lengths.items()}}


@pytest.mark.parametrize(
    ("before", "file", "is_held"),
    [
        ([], told(_6=100), False),
        ([told(_6=100)], told(_6=100), False),
        ([told(_6=1000)], told(_6=990, _3=10), False),  # a hundredth may be
        ([told(_6=1000)], told(_6=989, _3=11), True),
        ([told(_6=100)], told(_6=96, _5=4), False),  # four are mistakes of rows
        ([told(_6=100)], told(_6=95, _5=5), True),
        ([told(_6=100)], told(_7=100), True),
        ([told(_6=1000, _2=9)], told(_6=100, _2=50), True),  # what a few had is not usual
        ([told(_6=100), told(_4=100), told(_6=100)], told(_4=100), False),  # the source has had both
        ([told(_6=50, _7=25, _8=25)], told(_9=100), True),
        ([told(_6=25, _7=25, _8=25, _9=25)], told(_3=100), False),  # addresses, say, have no length
        ([told(**{f"_{n}": 9 for n in range(1, 120)})], told(_200=100), False),  # nor when each is rare
        ([told(_6=200, **{f"_{n}": 1 for n in range(10, 70)})], told(_3=100), False),  # nor when many are
        ([{"other": {"6": 100}}], told(_3=100), False),
    ],
)
def test_lengths_are_held_against_those_of_the_last_files(before, file, is_held):
    assert (reshaped(FEED, before, file) is not None) == is_held


def test_a_feed_may_say_that_its_ids_change():
    assert reshaped(FEED.model_copy(update={"may_reshape": 1.0}), [told(_6=100)], told(_3=100)) is None
    assert reshaped(FEED.model_copy(update={"may_reshape": 0.1}), [told(_6=100)], told(_6=90, _3=10)) is None


def test_characters_are_counted_and_cells_that_hold_nothing_are_not():
    raw = pl.DataFrame({"id": ["000123", None, "李", "Nuñez1", "x" * 5000], "other": ["1"] * 5})
    assert counted(raw, ["id"]).sort("length").rows() == [("id", 1, 1), ("id", 6, 2), ("id", 100, 1)]
    assert counted(raw, []).is_empty()
