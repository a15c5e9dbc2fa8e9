"""What happened long ago leaves the lake with all its history, and no file brings it back."""

import json
import re
import shutil
from contextlib import nullcontext
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines import audit
from pipelines.base import delta
from pipelines.base.contracts import TABLES
from pipelines.base.errors import SettingsError
from pipelines.base.lake import Lake
from pipelines.base.store import FileStore
from pipelines.ingest import __main__ as ingest
from pipelines.ingest import reconcile
from pipelines.ingest.__main__ import main, run
from pipelines.ingest.batch import Batch, Unit
from pipelines.privacy import retire as retiring
from pipelines.privacy.retire import PLAN
from tests.kills.roads import nothing_failed

BENCH = Path(__file__).parents[1] / "bench" / "feeds"
TODAY = date(2026, 10, 1)
retire = partial(retiring.retire, today=TODAY)
HEAD = "Enrollment ID,Employee ID,Course ID,Run,Enrolled At,Starts At\n"
OLD = "E1,00017,K1,2023-01,31.12.2022 23:59,02.01.2023 09:00\n"
NEW = "E2,00018,K1,2023-01,01.01.2023 00:00,02.01.2023 09:00\n"
EU = ("EU-DE",)
"""Where no law says on that day how long a record must be kept."""
DAYS = (TODAY - date(2023, 1, 1)).days


@pytest.fixture
def company(store: FileStore, keys: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two enrolments, of either side of a new year."""
    del keys
    lms = tmp_path / "exports" / "lms"
    lms.mkdir(parents=True)
    monkeypatch.setenv("CANDOR_EXPORTS", str(tmp_path / "exports"))
    monkeypatch.setenv("CANDOR_FEEDS", str(BENCH))
    (lms / "courses_2026-09.csv").write_text("Course ID,Title\nK1,One\n")
    (lms / "enrolments_2026-08.csv").write_text(HEAD + OLD + NEW)
    assert "3 rows in = 3 accepted" in run(Batch(store, "first"), None)
    return lms


def enrolled(store: FileStore) -> list[datetime]:
    return Lake(store).read("enrolments", Lake(store).require())["enrolled_at"].to_list()


def retired(store: FileStore) -> list[tuple[str, dict[str, Any]]]:
    return [(e.subject, dict(e.facts)) for e in audit.entries(store) if e.tag is audit.Tag.ROWS_RETIRED]


def test_what_is_older_than_its_days_is_in_no_version_and_everything_else_stays(store, company):
    assert retire(store, TODAY, {"enrolments": DAYS + 1}, EU).startswith("retired: 0 rows")
    assert len(enrolled(store)) == 2
    assert retire(store, TODAY, {"enrolments": DAYS}, EU).startswith("retired: 1 rows of 1 tables")
    assert enrolled(store) == [datetime(2023, 1, 1, tzinfo=UTC)]
    assert not delta.has_history(store, "lake/enrolments")
    files = list(store.root.glob("lake/enrolments/bucket=*/*.parquet"))
    kept = [pl.read_parquet(file)["enrolled_at"].min() for file in files]
    assert kept == [datetime(2023, 1, 1, tzinfo=UTC)]
    assert retired(store) == [("enrolments", {"before": "2023-01-01", "rows": 1})]
    assert len(Lake(store).read("courses", Lake(store).require())) == 1
    assert retire(store, TODAY, {"enrolments": DAYS}, EU).startswith("retired: 0 rows")
    assert len(retired(store)) == 1


def test_a_file_that_tells_it_again_is_counted_and_brings_nothing_back(store, company):
    retire(store, TODAY, {"enrolments": DAYS}, EU)
    (company / "enrolments_2026-09.csv").write_text(HEAD + OLD + NEW.replace("E2", "E3"))
    assert "2 rows in = 1 accepted + 0 quarantined + 1 filtered" in run(Batch(store, "second"), None)
    assert enrolled(store) == [datetime(2023, 1, 1, tzinfo=UTC)] * 2
    counts = Lake(store).require().counts["lms_enrolments"]
    assert counts["reasons"] == {"beyond_retention": 1}


def test_a_check_tells_what_is_not_kept_as_a_run_does_and_says_when_nobody_was_asked(
    store, company, monkeypatch, capsys
):
    retire(store, TODAY, {"enrolments": DAYS}, EU)
    file = company / "enrolments_2026-09.csv"
    file.write_text(HEAD + OLD + NEW.replace("E2", "E3") + NEW.replace("E2", "E4") + NEW.replace("E2,", ","))
    assert main(["check", "lms_enrolments", str(file), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    (table,) = told["tables"]
    assert (told["kept_from"], table["rows"], table["beyond_retention"]) == ({"enrolments": "2023-01-01"}, 3, 1)
    assert told["rows"]["reasons"] == {"beyond_retention": 1, "missing:enrolment_id": 1}
    run(Batch(store, "second"), None)
    counts = Lake(store).require().counts["lms_enrolments"]
    assert {**told["rows"], "held": 0} == {name: counts[name] for name in told["rows"]}
    main(["check", "lms_enrolments", str(file)])
    assert "nothing is kept of days before 2023-01-01: 1 of these rows are left out" in capsys.readouterr().out
    monkeypatch.delenv("CANDOR_STORE")
    main(["check", "lms_enrolments", str(file)])
    assert "CANDOR_STORE is not set" in capsys.readouterr().out


@pytest.mark.parametrize("number", range(1, 9))
def test_killed_anywhere_it_is_finished_by_the_next_with_one_entry(store, company, monkeypatch, number):
    class Killed(BaseException):
        pass

    count = 0

    def dying(act: Any) -> Any:
        def acted(*given: Any, **named: Any) -> Any:
            nonlocal count
            count += 1
            if count == number:
                raise Killed
            return act(*given, **named)

        return acted

    with monkeypatch.context() as patch:
        for owner, name in (
            (FileStore, "put"),
            (FileStore, "delete"),
            (delta, "erase_before"),
            (delta, "purge"),
            (delta, "forget_log"),
            (retiring.audit, "append"),
        ):
            patch.setattr(owner, name, dying(getattr(owner, name)))
        with pytest.raises(Killed):
            retire(store, TODAY, {"enrolments": DAYS}, EU)
    retire(store, TODAY, {"enrolments": DAYS}, EU)
    assert enrolled(store) == [datetime(2023, 1, 1, tzinfo=UTC)]
    assert not delta.has_history(store, "lake/enrolments")
    assert retired(store) == [("enrolments", {"before": "2023-01-01", "rows": 1})]
    assert not store.exists(PLAN)


def test_only_what_happened_once_can_be_named(store):
    with pytest.raises(
        SettingsError,
        match=r"must name tables of what happened once, or a zone: application_events.*, snapshots; got workers",
    ):
        retire(store, TODAY, {"workers": 30, "reviews": 30}, EU)


def test_a_correction_that_makes_a_row_old_takes_what_it_corrected_along(store, company, tmp_path, monkeypatch):
    shutil.copytree(BENCH, tmp_path / "feeds")
    feed = tmp_path / "feeds" / "lms_enrolments.yaml"  # known when the file was written
    feed.write_text(re.sub(r" +known_from: .*\n", "", feed.read_text()))
    monkeypatch.setenv("CANDOR_FEEDS", str(feed.parent))
    (company / "enrolments_2026-09.csv").write_text(HEAD + NEW.replace("01.01.2023", "31.12.2022"))
    run(Batch(store, "corrected"), None)
    assert len(Lake(store).versions("enrolments", Lake(store).require())) == 3
    retire(store, TODAY, {"enrolments": DAYS}, EU)
    assert enrolled(store) == []
    run(Batch(store, "replayed"), "lms_enrolments")
    assert enrolled(store) == [], "nor does it come again where both files are read again"
    for month, day in (("10", "31.12.2022"), ("11", "01.01.2023")):
        (company / f"enrolments_2026-{month}.csv").write_text(HEAD + NEW.replace("E2", "E3").replace("01.01.2023", day))
    run(Batch(store, "the other way"), None)
    assert enrolled(store) == [datetime(2023, 1, 1, tzinfo=UTC)], "what is corrected to a day that is kept is kept"


@pytest.mark.parametrize(
    ("places", "days", "duties"),
    [
        (["US-TX"], 731, []),  # 41 CFR 60-1.12(a): two years
        (["US-TX"], 730, ["us-ugesp/contractor_retention"]),  # enough on 2026-10-01, and not on 2028-10-01
        (["US-TX"], 366, ["us-ugesp/contractor_retention"]),  # 29 CFR 1602.14: a year
        (["US-TX"], 365, ["us-ugesp/retention", "us-ugesp/contractor_retention"]),
        (["US-CA"], 1461, []),  # 2 CCR 11013: four years, of which one has a 29 February
        (["US-CA"], 1460, ["us-ca-feha-ads/records_kept"]),
        (["US"], 1460, ["us-ca-feha-ads/records_kept"]),
        (["EU-DE"], 1, []),
        ([], 1460, ["us-ca-feha-ads/records_kept"]),
        ([], 1461, []),
    ],
)
def test_what_a_law_asks_to_be_kept_is_not_let_go(store, places, days, duties):
    if not duties:
        assert retire(store, TODAY, {"enrolments": days}, places).startswith("retired: 0 rows")
        return
    with pytest.raises(SettingsError, match=f"enrolments: {days} days, {', '.join(duties)}. Give more days"):
        retire(store, TODAY, {"enrolments": days, "reviews": 3000}, places)
    assert store.list("keys") == []


def test_the_law_is_that_of_today_whatever_day_is_counted_from(store):
    before_it_came = date(2025, 9, 30)  # 2 CCR 11013 as of 2025-10-01
    assert retire(store, before_it_came, {"enrolments": 800}, ["US-CA"], today=before_it_came).startswith("retired: 0")
    with pytest.raises(SettingsError, match="enrolments: 800 days, us-ca-feha-ads/records_kept"):
        retire(store, before_it_came, {"enrolments": 800}, ["US-CA"])


def test_nobody_counts_from_a_day_to_come(store):
    with pytest.raises(SettingsError, match="must be counted from today or before"):
        retire(store, TODAY + timedelta(days=1), {"enrolments": 1}, EU)


def test_a_full_file_is_not_held_against_days_that_the_lake_let_go(store, company):
    retire(store, TODAY, {"enrolments": DAYS}, EU)
    batch, unit = Batch(store, "full"), Unit("u", "lms_enrolments", "e.csv", "0" * 64, 1, {}, "")
    place = batch.place(unit) / "mapped" / "enrolments"
    place.mkdir(parents=True)
    schema = {**TABLES["enrolments"].schema, "known_from": pl.Datetime("us", "UTC"), "source_row": pl.Int64()}
    moments = [datetime(2022, 12, 31, 23, 59, tzinfo=UTC), datetime(2023, 1, 1, tzinfo=UTC)]
    rows = pl.DataFrame({"enrolled_at": moments}, schema_overrides={"enrolled_at": schema["enrolled_at"]})
    pl.concat([pl.DataFrame(schema=schema), rows], how="diagonal").write_ipc(place / "part-0.arrow")
    assert reconcile._rows(batch, unit, TABLES["enrolments"])["enrolled_at"].to_list() == moments[1:]


def test_what_is_retired_between_check_and_publish_does_not_come_with_the_batch(store, company, monkeypatch):
    (company / "enrolments_2026-09.csv").write_text(HEAD + OLD.replace("E1", "E3") + NEW.replace("E2", "E4"))
    batch = Batch(store, "second")
    monkeypatch.setattr(ingest, "validator", lambda: nullcontext(nothing_failed))  # ten seconds
    with monkeypatch.context() as patch:
        patch.setattr(ingest, "finish", lambda _: "checked")
        assert run(batch, None) == "checked"
    retire(store, TODAY, {"enrolments": DAYS}, EU)
    run(batch, None)
    assert enrolled(store) == [datetime(2023, 1, 1, tzinfo=UTC)] * 2
    counts = json.loads(store.read("reports/ingest/second.json"))["counts"]["lms_enrolments"]
    assert (counts["in"], counts["accepted"], counts["filtered"], counts["reasons"]) == (
        2,
        1,
        1,
        {"beyond_retention": 1},
    )
