"""Files of one person each, named after them: an erasure leaves nothing of the name, and the file can be read again."""

import contextlib
import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import pytest
import yaml

from pipelines.base import landing
from pipelines.base.lake import Lake
from pipelines.base.store import Store
from pipelines.ingest import __main__ as command
from pipelines.ingest import check, files
from pipelines.ingest.batch import Batch
from pipelines.ingest.feeds import Feed
from pipelines.privacy.forget import forget
from tests.kills.roads import nothing_failed

from .forgotten_company import named, opened, readable

FEED = Path(__file__).parents[2] / "feeds" / "vendors" / "json_resume" / "json_resume_candidates.yaml"
NAMES = {"C-000001": "zoe-zanzibarova", "C-000002": "max-muster"}


class KilledError(Exception):
    pass


@pytest.fixture
def declared(keys, store, tmp_path, monkeypatch):
    """The folder of two files, as the vendor's feed says to declare them, and a copy of one."""
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
    return folder


@pytest.fixture
def resumes(declared):
    """The same, once these were taken in."""
    assert command.main(["run", "--batch", "one"]) == 0
    return declared


@pytest.fixture
def older(declared, store, monkeypatch):
    """The same of a version that landed them under their names; a file that is held is among them."""
    (declared / "zoe-zanzibarova-3.json").write_text("{")
    with monkeypatch.context() as then:
        then.setattr(Feed, "is_one", property(lambda _: False))
        assert command.main(["run", "--batch", "one"]) == 0
    assert any(key.endswith("/max-muster.json") for key in store.list("landing"))
    assert clear(store) != []
    return declared


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


def test_a_file_that_still_lies_in_its_folder_brings_no_name_back(resumes, store):
    forget(store, named("workday_candidate", "C-000001"), "request")
    before = files.of_feed(store, "json_resume_candidates")
    assert command.main(["run", "--batch", "still there"]) == 0
    assert clear(store) == []
    assert files.of_feed(store, "json_resume_candidates") == before


def opening(store) -> list[bytes]:
    """Every landed object that can be opened."""
    return sorted(opened(store, key) for key in store.list("landing"))


def test_what_landed_under_a_name_has_none_any_more_once_anybody_is_forgotten(older, store):
    before = files.of_feed(store, "json_resume_candidates")
    days = {key.split("/")[2] for key in store.list("keys/landing")}
    kept = opening(store)
    forget(store, named("workday_candidate", "C-000001"), "request")
    assert clear(store) == []
    assert {key.rpartition("/")[2] for key in store.list("landing")} == {"record"}
    batch = Batch(store, "one")
    assert {unit.name for unit in (*batch.units(), *batch.duplicates())} == {""}
    assert {unit.landing_key for unit in batch.units()} == {*store.list("landing")}
    after = files.of_feed(store, "json_resume_candidates")
    assert {record.landing_key for record in after} == {*store.list("landing")}
    assert sorted((r.sha256, r.status, r.since) for r in after) == sorted((r.sha256, r.status, r.since) for r in before)
    left = [body for body in kept if b"C-000001" not in body]
    assert opening(store) == sorted([*left, b"null"]), "others' bytes are as they were"
    assert {key.split("/")[2] for key in store.list("keys/landing")} == days
    assert len(store.list("keys/landing")) == len(store.list("landing")), "no key of what is gone"
    assert command.main(["run", "--batch", "again", "--replay", "json_resume_candidates"]) == 0
    assert json.loads(store.read("reports/ingest/again.json"))["counts"]["json_resume_candidates"]["in"] == 1


@pytest.mark.parametrize("at", ["copy", "enter", "remove", "replace"])
@pytest.mark.parametrize("is_done", [False, True])
def test_names_go_wherever_it_is_killed(older, store, monkeypatch, at, is_done):
    """Before and after each effect of taking the names away."""
    place = files if at == "enter" else landing
    real, bodies = getattr(place, at), opening(store)

    def dies(*given, **more):
        if is_done:
            real(*given, **more)
        raise KilledError

    with monkeypatch.context() as during:
        during.setattr(place, at, dies)
        with pytest.raises(KilledError):
            forget(store, named("workday_candidate", "C-000001"), "request")
    forget(store, named("workday_candidate", "C-000001"), "request")
    assert clear(store) == []
    assert opening(store) == sorted([*(body for body in bodies if b"C-000001" not in body), b"null"])
    assert len(store.list("keys/landing")) == len(store.list("landing"))


def test_what_expired_loses_its_name_and_is_still_said_to_have_expired(older, store):
    landing.let_go(store, landing.due(store, date(9999, 1, 1)))
    forget(store, named("workday_candidate", "C-000001"), "request")
    assert clear(store) == []
    assert {key.rpartition("/")[2] for key in store.list("landing")} == {"record"}
    assert all(record.name.startswith("erased/") for record in files.of_feed(store, "json_resume_candidates"))
    command.main(["run", "--batch", "again", "--replay", "json_resume_candidates"])
    assert {held["reason_code"] for held in json.loads(store.read("reports/ingest/again.json"))["held"]} == {"expired"}


@pytest.mark.parametrize("at", ["discover", "land", "read", "map", "validate"])
def test_an_erasure_while_files_are_read_again_leaves_no_name(older, store, at):
    """After each step before the last; somebody holds the batch all the while, so it is not dropped."""
    feed, batch = "json_resume_candidates", Batch(store, "again")
    others = [r for r in files.of_feed(store, feed) if r.name.endswith("max-muster.json")]

    def step(name: str) -> None:
        if name in command.STEPS:
            for unit in batch.units():
                assert command.main([name, "again", unit.id]) == 0
        else:
            given = ["--batch", "again", "--replay", feed] if name == "discover" else ["again"]
            assert command.main([name, *given]) == 0

    with batch.at_work():
        for name in ("discover", "land", "read", "map", "validate"):
            step(name)
            if name == at:
                forget(store, named("workday_candidate", "C-000001"), "request")
        step("publish")
    assert clear(store) == []
    records = files.of_feed(store, feed)
    assert {record.landing_key for record in records} == {*store.list("landing")}
    told = {json.loads(store.read(key))["landing_key"] for key in store.list("quarantine") if key.endswith("json")}
    assert told <= {*store.list("landing")}
    left = [r for r in records if not r.name.startswith("erased/")]
    assert [(r.name, r.sha256, r.since) for r in left if r.status == "published"] == [
        (r.name, r.sha256, r.since) for r in others
    ]
    # somebody else's file is corrected, and that is news
    theirs = older / "max-muster.json"
    theirs.write_text(theirs.read_text().replace("writes code", "reads code"))
    assert command.main(["run", "--batch", "corrected"]) == 0
    counts = json.loads(store.read("reports/ingest/corrected.json"))["counts"][feed]
    assert (counts["in"], counts["accepted"] > 0) == (1, True)
    assert clear(store) == []


def test_names_of_bytes_that_another_delivery_of_them_opens_stay(older, store):
    """A file that came for two months lies in landing for the first: a correction of it, and its way back, are read."""
    feed, theirs = "json_resume_candidates", older / "max-muster.json"
    data = theirs.read_bytes()
    again = older.parent / "2026-10" / "max-muster.json"
    again.parent.mkdir()
    again.write_bytes(data)
    assert command.main(["run", "--batch", "two"]) == 0
    forget(store, named("workday_candidate", "C-000001"), "request")
    sha256 = hashlib.sha256(data).hexdigest()
    names = {record.name for record in files.find(store, feed, sha256)}
    assert names == {f"resumes/{month}/max-muster.json" for month in ("2026-09", "2026-10")}
    again.unlink()
    rows = []
    for number, text in enumerate((data.replace(b"writes", b"reads"), data)):
        theirs.write_bytes(text)
        assert command.main(["run", "--batch", f"way-{number}"]) == 0
        rows.append(json.loads(store.read(f"reports/ingest/way-{number}.json"))["counts"][feed]["in"])
    assert rows == [2, 2], "October's is read again with it"
    assert clear(store) == []


def test_what_expired_is_read_again_after_other_bytes_and_who_was_forgotten_stays_out(older, store):
    feed, theirs, hers = "json_resume_candidates", older / "max-muster.json", older / "zoe-zanzibarova.json"
    data, before = theirs.read_bytes(), hers.read_bytes()
    hers.write_bytes(before.replace(b"writes", b"reads"))
    assert command.main(["run", "--batch", "hers"]) == 0
    landing.let_go(store, landing.due(store, date(9999, 1, 1)))
    forget(store, named("workday_candidate", "C-000001"), "request")
    for number, text in enumerate((data.replace(b"writes", b"reads"), data)):
        theirs.write_bytes(text)
        hers.write_bytes(before)
        assert command.main(["run", "--batch", f"way-{number}"]) == 0
        assert json.loads(store.read(f"reports/ingest/way-{number}.json"))["counts"][feed]["in"] == 1, "his alone"
    assert clear(store) == []


def test_what_no_batch_has_registered_stays_for_somebody_to_look_at(resumes, store, tmp_path):
    data = b'{"meta": {"canonical": "https://x/C-000003"}}'
    sha256 = hashlib.sha256(data).hexdigest()
    key = f"landing/json_resume_candidates/2026-09/{sha256}/somebody.json"
    landing.write(store, key, io.BytesIO(data), sha256, day=date(2026, 10, 1), scratch=tmp_path)
    forget(store, named("workday_candidate", "C-000001"), "request")
    assert opened(store, key) == data
    (certificate,) = (json.loads(store.read(key)) for key in store.list("reports/privacy"))
    assert certificate["unsearched"] == [{"object": key.rpartition("/")[0], "rows": None}]


@dataclass
class Office:
    """Two people's files, of which each step of an order changes something; the last plan is at work until its end."""

    folder: Path
    store: Store
    monkeypatch: pytest.MonkeyPatch
    at_work: contextlib.ExitStack
    runs: Iterator[int] = field(default_factory=lambda: iter(range(1, 99)))
    batch: str = ""
    corrections: int = 0

    def __post_init__(self) -> None:
        self.hers, self.his = (self.folder / f"{name}.json" for name in NAMES.values())
        self.first = self.hers.read_bytes()

    def ingest(self, *words: str) -> None:
        assert command.main(list(words)) == 0

    def take(self, *words: str) -> None:
        self.batch = f"b-{next(self.runs)}"
        self.ingest("run", "--batch", self.batch, *words)

    def take_named(self) -> None:
        """As a version did that landed files under their names."""
        with self.monkeypatch.context() as then:
            then.setattr(Feed, "is_one", property(lambda _: False))
            self.take()

    def replay(self) -> None:
        self.take("--replay", "json_resume_candidates")

    def plan(self, *words: str) -> None:
        """All steps but the last."""
        name = f"b-{next(self.runs)}"
        self.at_work.enter_context(Batch(self.store, name).at_work())
        self.ingest("discover", "--batch", name, *words)
        for unit in Batch(self.store, name).units():
            self.ingest("take", name, unit.id)
        self.ingest("validate", name)
        self.planned = name

    def plan_replay(self) -> None:
        self.plan("--replay", "json_resume_candidates")

    def publish(self) -> None:
        self.ingest("publish", self.planned)
        self.at_work.close()

    def publish_dies(self) -> None:
        """Once the register has the first file."""
        self.dies(files, "enter", lambda: self.ingest("publish", self.planned))
        self.at_work.close()

    def erase(self) -> None:
        forget(self.store, named("workday_candidate", "C-000001"), "request")

    def erase_dies(self) -> None:
        """Once her file is written anew."""
        self.dies(landing, "replace", self.erase)

    def dies(self, module, name, act) -> None:
        real = getattr(module, name)

        def last(*given, **more):
            real(*given, **more)
            raise KilledError

        with self.monkeypatch.context() as then:
            then.setattr(module, name, last)
            with pytest.raises(KilledError):
                act()

    def expire(self) -> None:
        landing.let_go(self.store, landing.due(self.store, date(9999, 1, 1)))

    def corrects_her(self) -> None:
        self.hers.write_bytes(self.first.replace(b"writes", b"reads"))

    def takes_back(self) -> None:
        self.hers.write_bytes(self.first)

    def sends_her_again(self) -> None:
        """For another month, under another name."""
        again = self.folder.parent / "2026-10" / "zanzibarova.json"
        again.parent.mkdir()
        again.write_bytes(self.first)

    def corrects_him(self) -> None:
        self.corrections += 1
        said = json.loads(self.his.read_bytes())
        said["basics"]["summary"] = f"writes {self.corrections}"
        said["meta"]["lastModified"] = f"2026-09-{1 + self.corrections:02}T00:00:00"
        self.his.write_text(json.dumps(said))

    def left_by_older(self) -> None:
        """A version before gave known bytes of hers a name after she was forgotten."""
        known = files.of_feed(self.store, "json_resume_candidates")
        hers = next(one for one in known if one.name.startswith("erased/"))
        files.enter(self.store, replace(hers, name="resumes/2026-10/zanzibarova.json", status="duplicate"))


@pytest.mark.parametrize(
    "order",
    [
        "take plan_replay corrects_him take erase publish",
        "take_named plan_replay erase corrects_him take publish",
        "take_named corrects_her take takes_back take plan_replay erase publish take",
        "take_named plan_replay erase_dies publish erase",
        "take plan_replay publish_dies erase replay",
        "plan publish_dies erase take erase",
        "plan corrects_him take erase publish",
        "take corrects_her plan erase publish erase",
        "take sends_her_again plan erase publish take",
        "take erase sends_her_again take replay",
        "take erase corrects_her take takes_back take erase",
        "take_named expire plan_replay erase publish",
        "take erase left_by_older erase",
    ],
)
def test_whatever_the_order_the_name_is_gone_and_nobody_else_is(declared, store, monkeypatch, order):
    """What arrives anew after an erasure is kept as received until the next one, which therefore ends such an order."""
    with contextlib.ExitStack() as at_work:
        office = Office(declared, store, monkeypatch, at_work)
        for step in order.split():
            getattr(office, step)()
    for told in ("once", "after a correction"):
        assert clear(store) == [], told
        assert b"zanzibarova" not in readable(store), f"nor sealed, {told}"
        assert b"C-000001" not in readable(store), told
        records = files.of_feed(store, "json_resume_candidates")
        entries = [json.loads(store.read(key)) for key in store.list("quarantine") if key.endswith(".json")]
        places = {record.landing_key for record in records if record.status != "duplicate"}
        assert places | {entry["landing_key"] for entry in entries} <= {*store.list("landing")}, told
        if told == "once":
            office.corrects_him()
            office.take()
    report = json.loads(store.read(f"reports/ingest/{office.batch}.json"))
    assert report["counts"]["json_resume_candidates"]["accepted"] == 1, "his correction is news"
    lake = Lake(store)
    people = lake.scan("resumes", lake.require()).select("person_id", "text").collect()
    assert set(people["person_id"]) == {named("workday_candidate", "C-000002")}
    assert len(people.unique()) == len(people) == 1 + office.corrections, "each version of his, once"
