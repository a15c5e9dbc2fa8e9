"""Which of a company's recorded seconds `make bench` compares, what workers it draws, and the ledger that it grows."""

import sqlite3
from statistics import mean

import pytest

from infra.setup import company as companies
from pipelines import audit
from pipelines.models.performance import features
from tests.bench import models, portal
from tests.bench.__main__ import by_dags, of_the_journey

RUNS = [
    ("ingest_exports", "first", "success", "02:00:00", "02:01:10"),
    ("retrain", "failed before", "failed", "02:01:11", "02:01:12"),
    ("retrain", "asked", "success", "02:01:12", "02:04:12"),
    ("score_people", "nothing released yet", "success", "02:01:12", "02:01:22"),
    ("score_people", "released", "success", "02:04:30", "02:05:00"),
    ("monitor_models", "of the first day", "success", "02:05:00", "02:06:10"),
    ("ingest_exports", "second", "success", "02:06:00", "02:06:20"),
    ("score_people", "of the last delivery", "success", "02:06:19", "02:06:49"),
    ("monitor_models", "of the last delivery", "success", "02:06:48", "02:07:28"),
    ("retrain", "monitoring asked", "success", "02:08:00", "02:09:00"),
    ("score_people", "later", "success", "02:10:00", "02:20:00"),
]


def test_each_step_is_the_run_of_the_journey_not_an_earlier_or_later_one(tmp_path):
    company = companies.described("", 200, "", str(tmp_path))
    company.airflow.mkdir()
    with sqlite3.connect(company.airflow / "airflow.db") as database:
        database.execute("create table dag_run (dag_id, run_id, state, start_date, end_date)")
        rows = [
            (dag, run, state, f"2026-11-26 {began}", f"2026-11-26 {ended}") for dag, run, state, began, ended in RUNS
        ]
        database.executemany("insert into dag_run values (?, ?, ?, ?, ?)", rows)
    assert by_dags(company, "asked") == {
        "ingest": 70,
        "retrain": 180,
        "ingest of the last delivery": 20,
        "score": 30,
        "monitor": 40,
    }


def test_the_first_journey_and_its_set_up_have_their_bounds(capsys):
    figures = of_the_journey({"in all": 470.0, "set-up": 250.0, "Summary": 2.0})
    assert [(figure.name, figure.value, figure.holds) for figure in figures] == [
        ("set-up", 250.0, False),
        ("make run after set-up", 470.0, True),
    ]
    assert [figure.name for figure in of_the_journey({"in all": 470.0})] == ["make run after set-up"]
    assert "did not measure it" in capsys.readouterr().out


def test_a_journey_that_was_cut_short_gives_no_figure():
    with pytest.raises(SystemExit, match="must have gone through"):
        of_the_journey({})


def test_drawn_workers_are_cases_of_the_performance_family() -> None:
    cases = models.drawn(3, 1)
    assert cases.equals(models.drawn(3, 1))
    steps = cases["output__steps"].to_list()
    assert [len(one) for one in steps] == [12] * 3
    assert cases["output"].to_list() == [one[-1] for one in steps]
    assert cases["output__trend"].to_list() == pytest.approx([mean(one[-3:]) - mean(one) for one in steps])
    assert cases["outcome"].is_between(0, 1).all()
    assert {"rating_last", "job_family_code", "output__mean"} <= set(features.inputs(cases).columns)


def test_a_ledger_that_was_grown_for_the_bench_is_whole(store):
    for family in ("screening", "outcomes"):
        audit.append(store, audit.Tag.PEOPLE_SCORED, family)
    portal.grow(store, store.root, 9)
    assert audit.verify(store) == []
    assert [entry.subject for entry in audit.entries(store)][-2:] == ["screening", "outcomes"]
