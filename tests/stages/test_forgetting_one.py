"""Files of one person each, named after them: an erasure leaves nothing of the name, and the file can be read again."""

import contextlib
import json
from pathlib import Path

import pytest
import yaml

from pipelines.ingest import __main__ as command
from pipelines.ingest import check, files
from pipelines.ingest.batch import Batch
from pipelines.privacy.forget import forget
from tests.kills.roads import nothing_failed

from .forgotten_company import named, opened

FEED = Path(__file__).parents[2] / "feeds" / "vendors" / "json_resume" / "json_resume_candidates.yaml"
NAMES = {"C-000001": "zoe-zanzibarova", "C-000002": "max-muster"}


@pytest.fixture
def resumes(keys, store, tmp_path, monkeypatch):
    """The folder of two files that were taken in, as the vendor's feed says to declare them, and a copy of one."""
    feed = yaml.safe_load(FEED.read_text()) | {
        "files": r"resumes/(?P<period>\d{4}-\d{2})/[^/]+\.json",
        "dialect": "json_records",
        "options": {"record_path": "", "is_one": True, "is_odata_v2": False, "may_be_empty": True},
    }
    (tmp_path / "feeds").mkdir()
    (tmp_path / "feeds" / "resumes.yaml").write_text(yaml.safe_dump(feed))
    folder = tmp_path / "exports" / "json_resume" / "resumes" / "2026-09"
    folder.mkdir(parents=True)
    monkeypatch.setenv("CANDOR_FEEDS", str(tmp_path / "feeds"))
    monkeypatch.setenv("CANDOR_EXPORTS", str(tmp_path / "exports"))
    for module in (command, check):
        monkeypatch.setattr(module, "validator", lambda: contextlib.nullcontext(nothing_failed))
    for number, name in NAMES.items():
        meta = {"canonical": f"https://x/{number}", "lastModified": "2026-09-01T00:00:00"}
        basics = {"name": name, "email": f"{name}@x.org", "summary": "writes code"}
        (folder / f"{name}.json").write_text(json.dumps({"meta": meta, "basics": basics}))
    (folder / "zoe-zanzibarova-2.json").write_bytes((folder / "zoe-zanzibarova.json").read_bytes())
    assert command.main(["run", "--batch", "one"]) == 0
    return folder


def clear(store) -> list[str]:
    """Keys and files of the store in which the name is readable."""
    paths = [path for path in store.root.rglob("*") if path.is_file()]
    return [str(path) for path in paths if "zanzibarova" in str(path.name) or b"zanzibarova" in path.read_bytes()]


def test_the_name_of_a_file_of_one_person_goes_with_the_person(resumes, store):
    assert clear(store) == []
    batch = Batch(store, "one")
    assert {unit.name for unit in (*batch.units(), *batch.duplicates())} == {""}, "it is published and needs none"
    before = files.of_feed(store, "json_resume_candidates")
    forget(store, named("workday_candidate", "C-000001"), "request")
    assert clear(store) == []
    after = files.of_feed(store, "json_resume_candidates")
    left = [record.name for record in after if not record.name.startswith("erased/")]
    assert left == ["resumes/2026-09/max-muster.json"]
    assert sorted((r.sha256, r.status) for r in after) == sorted((r.sha256, r.status) for r in before)
    (theirs,) = {record.sha256 for record in after if record.name not in left}
    (certificate,) = (json.loads(store.read(key)) for key in store.list("reports/privacy"))
    told = {one["object"] for one in certificate["objects"] if theirs in one["object"]}
    places = ("landing/json_resume_candidates/2026-09", "lake/files/json_resume_candidates")
    assert told == {f"{place}/{theirs}" for place in places}
    assert certificate["unsearched"] == []


def test_what_is_left_of_a_file_of_one_person_is_read_again(resumes, store):
    forget(store, named("workday_candidate", "C-000001"), "request")
    assert command.main(["run", "--batch", "again", "--replay", "json_resume_candidates"]) == 0
    report = json.loads(store.read("reports/ingest/again.json"))
    assert report["held"] == []
    assert report["counts"]["json_resume_candidates"]["in"] == 1
    (empty,) = {r.landing_key for r in files.of_feed(store, "json_resume_candidates") if r.name.startswith("erased/")}
    assert opened(store, empty) == b"null"


class KilledError(Exception):
    pass


@pytest.mark.parametrize("at", ["before", "after", "file"])
def test_an_erasure_that_is_killed_finds_the_person_in_the_file_again(resumes, store, monkeypatch, at):
    """Before or after it lets go of the first record with the name, or before it writes the file anew."""
    delete = type(store).delete

    def replaced(*_):
        raise KilledError

    def deleted(self, key):
        if not key.startswith("lake/files") or at == "after":
            delete(self, key)
        if key.startswith("lake/files"):
            raise KilledError

    with monkeypatch.context() as during:
        if at == "file":
            during.setattr("pipelines.base.landing.replace", replaced)
        else:
            during.setattr(type(store), "delete", deleted)
        with pytest.raises(KilledError):
            forget(store, named("workday_candidate", "C-000001"), "request")
    assert len(files.of_feed(store, "json_resume_candidates")) >= 3, "none is lost"
    forget(store, named("workday_candidate", "C-000001"), "request")
    after = files.of_feed(store, "json_resume_candidates")
    assert sorted(record.name.startswith("erased/") for record in after) == [False, True, True]
    assert b"null" in [opened(store, record.landing_key) for record in after]


def test_a_file_of_one_person_that_cannot_be_read_is_not_named(resumes, store):
    (resumes / "zoe-zanzibarova-3.json").write_text("{")
    command.main(["run", "--batch", "two"])
    forget(store, named("workday_candidate", "C-000002"), "request")
    assert clear(store) == []
    (certificate,) = (json.loads(store.read(key)) for key in store.list("reports/privacy"))
    (unread,) = (r for r in files.of_feed(store, "json_resume_candidates") if r.status == "held")
    place = f"landing/json_resume_candidates/2026-09/{unread.sha256}"
    assert certificate["unsearched"] == [{"object": place, "rows": None}]
