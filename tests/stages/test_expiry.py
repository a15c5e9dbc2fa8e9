"""Exports are kept for so many days: then nothing opens them, and whoever asks is told why."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipelines import audit
from pipelines.base.lake import Lake
from pipelines.base.store import FileStore
from pipelines.ingest import files
from pipelines.ingest.__main__ import run
from pipelines.ingest.batch import Batch
from pipelines.privacy import __main__ as command
from pipelines.privacy import expire
from tests.kills import roads
from tests.stages.test_ingest import candidate, report, resume, table

JOINED = """
name: marks
owner: Learning and development
cadence: monthly
location: lms
files: 'marks_(?P<period>\\d{4}-\\d{2})\\.csv'
dialect: csv
options: {delimiter: ",", quote: '"'}
extracted_at: {end_of: period}
required: [Course, Mark]
join:
  - {feed: lms_courses, match: {Course: Course ID}, take: {Topic: Topic}, missing: keep}
tables: []
"""


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A folder whose two feeds were ingested today."""
    root = tmp_path_factory.mktemp("a company")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in roads.KEYS.items():
            patch.setenv(name, value)
        store = FileStore(root / "store")
        patch.setenv("CANDOR_STORE", store.url)
        patch.setenv("CANDOR_EXPORTS", str(root / "exports"))
        patch.setenv("CANDOR_FEEDS", str(root / "feeds"))
        roads.declare(
            root, "lms_courses", "resumes", "workday_candidates", "workday_requisitions", "workday_applications"
        )
        head = "Course ID,Title,Topic,Level,Duration (min),Active"
        table(root / "exports/lms/courses_2026-09.csv", head, "K1,One,T,Foundation,60,Yes")
        report(root / "exports/workday/HRML_Candidates_2026-09.json", candidate(1), candidate(2))
        resume(root / "exports/resumes/2026-09/C-000001.pdf")
        resume(root / "exports/resumes/2026-09/C-000002.pdf", password="secret")
        run(Batch(store, "first"), None)
        yield root, store


@pytest.fixture(scope="module")
def today(company: Any) -> date:
    """The day on which they were, which may not be the day on which the tests began."""
    return datetime.now(UTC).date()


def expired(store: FileStore) -> list[audit.Entry]:
    return [entry for entry in audit.entries(store) if entry.tag is audit.Tag.LANDING_EXPIRED]


def test_a_file_is_kept_for_all_its_days(company: Any, today: date) -> None:
    _, store = company
    said = expire.expire(store, today + timedelta(days=7), 7)
    assert said.startswith(f"expired: 0 landed objects from before {today}")
    assert expired(store) == []
    assert "1 rows in = 0 accepted + 0 quarantined + 1 filtered" in run(Batch(store, "in time"), "lms_courses")


def test_then_its_key_is_gone_and_a_replay_is_held_and_says_so(company: Any, today: date) -> None:
    root, store = company
    manifest, registered = Lake(store).require(), files.of_feed(store, "lms_courses")
    sealed = {key: store.read(key) for key in store.list("landing")}
    said = expire.expire(store, today + timedelta(days=8), 7)
    assert said == f"expired: 5 landed objects from before {today + timedelta(days=1)}, by 7 days kept"
    assert store.list("keys") == []
    for key, data in sealed.items():
        assert store.read(key) == data.partition(b"\n")[0] + b"\n"
    [entry] = expired(store)
    assert (entry.subject, entry.facts["objects"]) == (str(today + timedelta(days=1)), 5)

    for feed in ("lms_courses", "resumes"):
        line = run(Batch(store, f"replay {feed}"), feed)
        assert line.endswith(f"files held: 1; held {feed}: expired")
    assert Lake(store).require().counts == manifest.counts
    assert files.of_feed(store, "lms_courses") == registered
    assert run(Batch(store, "after"), None) == "nothing new for batch after"

    assert expire.expire(store, today + timedelta(days=8), 7).startswith("expired: 0")
    assert len(expired(store)) == 1
    (root / "feeds/marks.yaml").write_text(JOINED)
    table(root / "exports/lms/marks_2026-09.csv", "Course,Mark", "K1,5")
    assert run(Batch(store, "joining"), None).endswith("files held: 1; held marks: joined_file_held")
    message = json.loads(store.read("reports/ingest/joining.json"))["held"][0]["message"]
    assert "kept for privacy.keep_days" in message


@pytest.mark.parametrize("number", range(1, 8))
def test_an_expiry_killed_anywhere_is_finished_by_the_next_with_one_entry(
    store: FileStore, keys: None, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    from tests.unit.test_landing import land, opened

    names = [f"landing/f/2026/{'a' * 64}/{n}" for n in range(2)]
    for name in names:
        land(store, name.encode(), name, date(2026, 3, 5))
    count = 0

    class Killed(BaseException):
        pass

    def dying(act: Any) -> Any:
        def acted(*given: Any) -> Any:
            nonlocal count
            count += 1
            if count == number:
                raise Killed
            return act(*given)

        return acted

    with monkeypatch.context() as patch:
        for act in ("put", "create", "delete"):
            patch.setattr(FileStore, act, dying(getattr(FileStore, act)))
        with pytest.raises(Killed):
            expire.expire(store, date(2026, 4, 5), 30)
    expire.expire(store, date(2026, 4, 5), 30)
    assert [opened(store, name) for name in names] == [None, None]
    assert store.list("keys") == []
    assert [entry.facts["objects"] for entry in expired(store)] == [2]


def test_the_command_counts_from_the_day_it_is_given(
    store: FileStore, keys: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from tests.unit.test_landing import KEY, land

    (tmp_path / "params.yaml").write_text(
        "privacy: {min_people: 10, keep_days: 30, retention: {}}\nlaw: {jurisdictions: [US], locations: {}}"
    )
    monkeypatch.chdir(tmp_path)
    land(store, b"abc", KEY, date(2026, 3, 5))
    monkeypatch.delenv("CANDOR_VAULT_KEY")
    assert command.main(["expire", "--as-of", "2026-04-04"]) == 0
    assert command.main(["expire", "--as-of", "2026-04-05"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "expired: 0 landed objects from before 2026-03-05, by 30 days kept",
        "expired: 1 landed objects from before 2026-03-06, by 30 days kept",
    ]
