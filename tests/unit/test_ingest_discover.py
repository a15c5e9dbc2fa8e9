"""What is new: by bytes, not by name; held files wait until they or their declaration change."""

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipelines.base import landing
from pipelines.base.digests import sha256_bytes
from pipelines.base.errors import ContractError, SettingsError
from pipelines.base.lake import PUBLISHING, Lake
from pipelines.base.store import FileStore
from pipelines.ingest import discover, files
from pipelines.ingest import feeds as declared
from pipelines.ingest.batch import Batch, Held, Unit, batch_name, result, unit_record
from pipelines.ingest.feeds import Feed
from pipelines.ingest.land import document_key, fetch, land
from pipelines.ingest.read import read, read_file


def feed(**more: object) -> Feed:
    return Feed.model_validate(
        {
            "name": "f",
            "owner": "o",
            "cadence": "once",
            "location": "in",
            "files": r"(?P<period>\d{4})\.csv",
            "dialect": "csv",
            "options": {},
            "extracted_at": {"constant": "2026-01-01T00:00:00Z"},
            "tables": [],
            "sha256": "one",
            **more,
        }
    )


FEEDS = {"f": feed()}


def deliver(folder: Path, **contents: str) -> list[Unit]:
    folder.mkdir(exist_ok=True)
    for name, content in contents.items():
        (folder / f"{name.removeprefix('y')}.csv").write_text(content, encoding="utf-8")
    return discover.units_of(feed(), folder)


def enter(store: FileStore, unit: Unit, status: str, since: int = 0) -> None:
    about = (unit.feed, unit.name, unit.sha256, unit.groups, "b", status, unit.feed_sha256, unit.landing_key, {})
    files.enter(store, files.Record(*about, unit.size, since=since))  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def _sealed(keys: None) -> None:
    """The register is sealed."""


def manifest_of(name: str) -> bytes:
    """What a manifest says of a file whose bytes are `a`, under any name."""
    entry = {"name": name, "sha256": sha256_bytes(b"a\n"), "records": 0}
    return json.dumps({"files": [entry]}).encode()


def names(units: list[Unit]) -> list[str]:
    return [unit.name for unit in units]


def seen(feed: Feed, folder: Path) -> tuple[list[Unit], int]:
    found = discover.sighted(feed, folder)
    assert not found.passed_over
    return found.units, found.waiting


def test_only_declared_and_finished_files_are_found(tmp_path: Path) -> None:
    for name in ("2024.csv", ".2025.csv", "2026.csv.tmp", "other.csv"):
        (tmp_path / name).write_text("x", encoding="utf-8")
    found = discover.units_of(feed(), tmp_path)
    assert names(found) == ["2024.csv"]
    assert found[0].groups == {"period": "2024"}


def test_a_batch_that_is_being_published_is_known_whole_or_not_at_all(
    store: FileStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its manifest can be seen before the register has its files: a plan between them would take them in again."""
    (unit,) = deliver(tmp_path / "in", y2024="a")
    monkeypatch.setenv(discover.EXPORTS, str(tmp_path))
    monkeypatch.setattr(declared, "folder", lambda: tmp_path)
    monkeypatch.setattr(declared, "load", lambda _: FEEDS)
    with ThreadPoolExecutor(1) as beside:
        with store.lock(PUBLISHING):
            seq = Lake(store).add("b", {}, {}, {}).seq
            planned = beside.submit(discover.discover, Batch(store, "other"))
            with pytest.raises(TimeoutError):
                planned.result(timeout=0.5)
            enter(store, unit, "published", files.in_order(seq, 0))
        plan = planned.result(timeout=30)
    assert (plan["seq"], plan["units"], plan["duplicates"]) == (seq, [], [])


def test_the_same_bytes_under_another_name_are_a_duplicate_delivery(store: FileStore, tmp_path: Path) -> None:
    new, duplicates = discover.sort(store, deliver(tmp_path / "in", y2024="a", y2025="a", y2026="b"), FEEDS)
    assert (names(new), names(duplicates)) == (["2024.csv", "2026.csv"], ["2025.csv"])


def test_a_file_that_was_taken_in_is_not_new_but_other_bytes_under_its_name_are(
    store: FileStore, tmp_path: Path
) -> None:
    (unit,) = deliver(tmp_path / "in", y2024="a")
    enter(store, unit, "published")
    assert discover.sort(store, [unit], FEEDS) == ([], [])
    (restated,) = deliver(tmp_path / "in", y2024="b")
    assert discover.sort(store, [restated], FEEDS) == ([restated], [])
    assert restated.landing_key != unit.landing_key


def test_of_an_objects_versions_only_the_newest_can_be_back(store: FileStore, tmp_path: Path) -> None:
    (first,), (last,) = deliver(tmp_path / "in", y2024="a"), deliver(tmp_path / "in", y2024="b")
    for since, unit in enumerate((first, last), start=1):
        enter(store, unit, "published", since)
    for versions in ([first, last], [last], [first, last, last]):
        assert discover.sort(store, versions, FEEDS) == ([], [])
    for versions in ([first], [last, first], [first, last, first]):
        assert discover.sort(store, versions, FEEDS) == ([first], [])


def test_of_an_objects_versions_with_the_same_bytes_the_newest_comes(store: FileStore, tmp_path: Path) -> None:
    (first,), (last,) = deliver(tmp_path / "in", y2024="a"), deliver(tmp_path / "in", y2024="b")
    assert discover.sort(store, [first, last, first, first], FEEDS) == ([last, first], [])


@pytest.mark.parametrize("status", ["held", "rejected"])
def test_a_file_that_was_not_taken_in_is_not_back(store: FileStore, tmp_path: Path, status: str) -> None:
    (first,), (last,) = deliver(tmp_path / "in", y2024="a"), deliver(tmp_path / "in", y2024="b")
    enter(store, first, status, 1)
    enter(store, last, "published", 2)
    assert discover.sort(store, [first], FEEDS) == ([], [])


def test_files_are_in_the_order_in_which_they_were_taken_in() -> None:
    order = [files.in_order(*at) for at in ((0, 0), (1, 0), (1, 1), (1, 100_000), (2, 0))]
    assert order == sorted(set(order))
    assert [files.manifest_of(since) for since in order] == [0, 1, 1, 1, 2]


def test_a_held_file_comes_up_again_only_when_its_declaration_changed(store: FileStore, tmp_path: Path) -> None:
    (unit,) = deliver(tmp_path / "in", y2024="a")
    enter(store, unit, "held")
    assert discover.sort(store, [unit], FEEDS) == ([], [])
    (again,) = discover.units_of(feed(sha256="two"), tmp_path / "in")
    assert discover.sort(store, [again], FEEDS) == ([again], [])


def test_what_only_has_the_name_of_a_file_is_passed_over_and_counted(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("the vault key", encoding="utf-8")
    place = tmp_path / "exports" / "in"
    place.mkdir(parents=True)
    (place / "2021.csv").symlink_to(tmp_path / "secret")
    (place / "2022.csv").symlink_to(tmp_path / "nowhere")
    os.mkfifo(place / "2023.csv")  # who opens it waits for ever
    (place / "2024.csv").write_text("a\n1\n", encoding="utf-8")
    (place / "2024.csv.json").symlink_to(tmp_path / "secret")
    for odd in (b"2025\n.csv", b"2025\xff.csv", "2025\u202e.csv".encode()):
        Path(os.fsdecode(os.fsencode(place) + b"/" + odd)).write_text("a\n1\n", encoding="utf-8")
    found = discover.sighted(feed(files=r"(?P<period>\d{4})(?s:.*)\.csv"), place)
    assert names(found.units) == ["2024.csv"]
    assert found.passed_over == {"not_a_file": 3, "unsafe_name": 3}
    waits = discover.sighted(feed(ready={"manifest": ".json"}), place)
    assert [unit.manifest for unit in waits.units] == [{}], "a manifest is a file, too"


def test_documents_of_one_delivery_are_one_unit(tmp_path: Path) -> None:
    for name in ("2024/a.pdf", "2024/b.pdf", "2025/a.pdf"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name, encoding="utf-8")
    folder = feed(dialect="documents", files=r"(?P<period>\d{4})/(?P<who>\w)\.pdf", options={"unit_by": ["period"]})
    found = discover.units_of(folder, tmp_path)
    assert [(unit.name, len(unit.documents)) for unit in found] == [("2024", 2), ("2025", 1)]


def test_a_file_that_changes_before_it_is_landed_is_held(
    store: FileStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANDOR_EXPORTS", str(tmp_path))
    (unit,) = deliver(tmp_path / "in", y2024="a")
    deliver(tmp_path / "in", y2024="b")
    with pytest.raises(Held, match="changed after discovery"):
        land(Batch(store, "b"), unit, feed())
    assert store.list("landing") == []


def test_landing_is_written_once(store: FileStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANDOR_EXPORTS", str(tmp_path))
    (unit,) = deliver(tmp_path / "in", y2024="a")
    land(Batch(store, "b"), unit, feed())
    landed = store.read(unit.landing_key)
    land(Batch(store, "c"), unit, feed())
    assert store.read(unit.landing_key) == landed
    assert fetch(store, unit.landing_key, tmp_path / "back").read_bytes() == b"a"
    assert len(store.list("keys/landing")) == 1


def test_a_documents_name_does_not_show_where_it_landed(store: FileStore) -> None:
    unit = Unit("u", "resumes", "2024", "a" * 64, 1, {}, "f", (("2024/C-000001.pdf", "b" * 64, 1),))
    key = document_key(unit, "2024/C-000001.pdf", "b" * 64)
    assert "C-000001" not in key
    assert key != document_key(unit, "2024/C-000002.pdf", "b" * 64)


def test_a_file_whose_key_is_destroyed_is_held_as_expired(
    store: FileStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANDOR_EXPORTS", str(tmp_path))
    (unit,) = deliver(tmp_path / "in", y2024="a")
    land(Batch(store, "b"), unit, feed())
    landing.let_go(store, store.list("keys/landing"))
    with pytest.raises(Held, match=r"kept for privacy.keep_days") as held:
        fetch(store, unit.landing_key, tmp_path / "back")
    assert held.value.reason_code == "expired"
    assert not (tmp_path / "back").exists()


def test_a_missing_exports_folder_is_said(store: FileStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANDOR_FEEDS", "feeds")
    monkeypatch.delenv("CANDOR_EXPORTS", raising=False)
    with pytest.raises(SettingsError, match="CANDOR_EXPORTS must hold"):
        discover.discover(Batch(store, "b"))
    monkeypatch.setenv("CANDOR_EXPORTS", str(tmp_path / "nowhere"))
    with pytest.raises(SettingsError, match="CANDOR_EXPORTS must name a folder"):
        discover.discover(Batch(store, "b"))


def test_a_folder_that_does_not_open_never_passes_for_one_without_anything_new(tmp_path: Path) -> None:
    declared = feed()
    (tmp_path / "in").symlink_to(tmp_path / "in")
    with pytest.raises(SettingsError, match="must open for this account; it does not"):
        discover.units_of(declared, tmp_path / "in")
    assert discover.units_of(declared, tmp_path / "not there") == []


def test_batch_names_become_safe_folders() -> None:
    assert batch_name("scheduled__2026-01-01T00:00:00+00:00") == "scheduled__2026-01-01T00-00-00-00-00"
    assert batch_name("../../x") == "x"
    assert batch_name(f"{'x' * 119}-y") == "x" * 119, "a folder's name is the name of its batch"
    with pytest.raises(ContractError, match="letters or digits"):
        batch_name("../..")


def fill_half(place: Path) -> None:
    with result(place) as out:
        (out / "part").write_text("1", encoding="utf-8")
        raise RuntimeError("half-way")


def test_a_result_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="half-way"):
        fill_half(tmp_path / "raw")
    assert list(tmp_path.iterdir()) == []
    with result(tmp_path / "raw") as out:
        (out / "part").write_text("1", encoding="utf-8")
    assert [path.name for path in tmp_path.iterdir()] == ["raw"]


def test_the_register_tells_nobody_how_a_document_is_called(store: FileStore, tmp_path: Path) -> None:
    [unit] = deliver(tmp_path / "in", y2024="a")
    enter(store, unit, "published")
    [key] = store.list("lake/files")
    assert b"2024" not in store.read(key)
    assert [record.name for record in files.find(store, "f", unit.sha256)] == ["2024.csv"]


def manifest(path: Path, sha256: str, records: object) -> None:
    said = {"files": [{"name": "other.csv"}, {"name": path.name, "sha256": sha256, "records": records}]}
    path.with_name(f"{path.name}.json").write_text(json.dumps(said), encoding="utf-8")


def test_a_file_waits_for_the_marker_beside_it(tmp_path: Path) -> None:
    waits = feed(ready={"marker": ".done"}, files=".*")
    (tmp_path / "a.csv").write_text("x", encoding="utf-8")
    (tmp_path / "b.csv").write_text("x", encoding="utf-8")
    (tmp_path / "b.done").touch()
    assert seen(waits, tmp_path) == ([], 2)
    (tmp_path / "a.csv.done").touch()
    units, waiting = seen(waits, tmp_path)
    assert (names(units), waiting) == (["a.csv"], 1)


def test_a_file_waits_until_nobody_has_written_to_it_for_long_enough(tmp_path: Path) -> None:
    waits = feed(ready={"untouched_seconds": 60})
    (tmp_path / "2024.csv").write_text("x", encoding="utf-8")
    os.utime(tmp_path / "2024.csv", (1000, 1000))
    assert [discover.is_ready(waits, tmp_path / "2024.csv", now) for now in (900, 1059, 1060)] == [False, False, True]
    assert names(discover.units_of(waits, tmp_path)) == ["2024.csv"]


def test_a_delivery_of_documents_waits_for_its_last_one(tmp_path: Path) -> None:
    for name in ("2024/a.pdf", "2024/b.pdf", "2025/a.pdf"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name, encoding="utf-8")
        os.utime(tmp_path / name, (1000, 1000))
    os.utime(tmp_path / "2024/b.pdf")
    options = {"unit_by": ["period"]}
    folder = feed(
        dialect="documents",
        files=r"(?P<period>\d{4})/(?P<who>\w)\.pdf",
        options=options,
        ready={"untouched_seconds": 60},
    )
    units, waiting = seen(folder, tmp_path)
    assert (names(units), waiting) == (["2025"], 1)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (("b" * 64, 2), "other_bytes_than_manifest"),
        ((None, 3), "other_records_than_manifest"),
        ((None, "2"), "other_bytes_than_manifest"),
        ((None, 2), None),
    ],
    ids=["digest", "count", "no_count", "true"],
)
def test_a_file_is_held_unless_it_is_what_its_manifest_says(
    store: FileStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    said: tuple[str | None, object],
    reason: str | None,
) -> None:
    monkeypatch.setenv("CANDOR_EXPORTS", str(tmp_path))
    waits = feed(ready={"manifest": ".json"}, options={"delimiter": ",", "quote": '"'})
    file = tmp_path / "in" / "2024.csv"
    file.parent.mkdir()
    file.write_text("a\n1\n2\n", encoding="utf-8")
    assert seen(waits, file.parent) == ([], 1)
    manifest(file, said[0] or sha256_bytes(b"a\n1\n2\n"), said[1])
    batch = Batch(store, "b")
    batch.write_plan({"units": [unit_record(unit) for unit in discover.units_of(waits, file.parent)]})
    (unit,) = batch.units()
    land(batch, unit, waits)
    if reason is None:
        assert read(batch, unit, waits).rows == 2
        return
    with pytest.raises(Held, match=r"must have the (bytes|records) that its manifest says") as caught:
        read(batch, unit, waits)
    assert caught.value.reason_code == reason
    enter(store, unit, "held")
    assert discover.sort(store, discover.units_of(waits, file.parent), FEEDS) == ([], [])
    manifest(file, sha256_bytes(b"a\n1\n2\n"), 2)
    corrected, _ = discover.sort(store, discover.units_of(waits, file.parent), FEEDS)
    assert names(corrected) == ["2024.csv"], "the same bytes with another manifest are tried again"


@pytest.mark.parametrize(
    ("of_file", "of_all", "is_held"),
    [
        ("2", None, False),
        (2, None, False),
        (None, "2", False),
        ("3", "2", True),
        (None, None, True),
        (["2"], None, True),
    ],
)
def test_a_file_of_another_layout_than_declared_is_held_by_its_manifest(
    *, tmp_path: Path, store: FileStore, monkeypatch: pytest.MonkeyPatch, of_file: object, of_all: object, is_held: bool
) -> None:
    monkeypatch.setenv("CANDOR_EXPORTS", str(tmp_path))
    waits = feed(ready={"manifest": ".json", "schema_version": "2"}, options={"delimiter": ",", "quote": '"'})
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "2024.csv").write_text("a\n1\n", encoding="utf-8")
    entry = {"name": "2024.csv", "sha256": sha256_bytes(b"a\n1\n"), "records": 1, "schema_version": of_file}
    said = {"schema_version": of_all, "files": [{name: it for name, it in entry.items() if it is not None}]}
    (tmp_path / "in" / "2024.csv.json").write_text(json.dumps(said), encoding="utf-8")
    batch = Batch(store, "b")
    batch.write_plan({"units": [unit_record(unit) for unit in discover.units_of(waits, tmp_path / "in")]})
    (unit,) = batch.units()
    land(batch, unit, waits)
    if not is_held:
        assert read(batch, unit, waits).rows == 1
        return
    with pytest.raises(Held, match=r"must say schema_version as its feed does \(2\)") as caught:
        read(batch, unit, waits)
    assert caught.value.reason_code == "other_schema"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"\xff",
        b"[" * 100_000,
        b'{"files": {"a": 1}}',
        b" " * (1 << 20) + b"{}",
        manifest_of("../2024.csv"),
        manifest_of("/etc/2024.csv"),
        json.dumps(
            {"files": [{"name": "2024.csv", "sha256": sha256_bytes(b"a\n"), "records": n} for n in (0, 1)]}
        ).encode(),
    ],
)
def test_a_manifest_that_says_nothing_holds_the_file_and_ends_nothing(tmp_path: Path, content: bytes) -> None:
    waits = feed(ready={"manifest": ".json"})
    (tmp_path / "2024.csv").write_text("a\n", encoding="utf-8")
    (tmp_path / "2024.csv.json").write_bytes(content)
    (unit,) = discover.units_of(waits, tmp_path)
    with pytest.raises(Held, match="or a manifest without its name, sha256 and records"):
        read_file(tmp_path / "2024.csv", tmp_path, waits, unit)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("is_list", [False, True])
def test_a_manifest_is_read_in_the_encoding_of_its_first_bytes(tmp_path: Path, encoding: str, is_list: bool) -> None:
    digest = sha256_bytes(b"a\n")
    text = f"2024.csv;7;{digest}\r\n" if is_list else manifest_of("2024.csv").decode()
    (tmp_path / "2024.csv").write_bytes(b"a\n")
    (tmp_path / "2024.csv.json").write_bytes(text.encode(encoding))
    (unit,) = discover.units_of(feed(ready={"manifest": ".json"}), tmp_path)
    assert unit.manifest == {"sha256": digest, "records": 7 if is_list else 0}


@pytest.mark.parametrize(("number", "text"), [(42, "42"), (True, None), (4.5, None), (["42"], None), (None, None)])
def test_a_run_that_is_a_number_is_named_by_its_digits(tmp_path: Path, number: object, text: str | None) -> None:
    said = json.loads(manifest_of("2024.csv")) | {"run_id": number, "previous_run_id": 41}
    (tmp_path / "2024.csv").write_bytes(b"a\n")
    (tmp_path / "2024.csv.json").write_text(json.dumps(said), encoding="utf-8")
    (unit,) = discover.units_of(feed(ready={"manifest": ".json"}), tmp_path)
    assert unit.manifest is not None
    assert (unit.manifest.get("run_id"), unit.manifest["previous_run_id"]) == (text, "41")


WRITTEN = {"ready": {"manifest": ".json"}, "extracted_at": {"manifest": True}}


@pytest.mark.parametrize(
    ("said", "moment"),
    [
        ("2026-02-02T03:04:05Z", datetime(2026, 2, 2, 3, 4, 5, tzinfo=UTC)),
        ("2026-02-02T03:04:05.250+05:30", datetime(2026, 2, 1, 21, 34, 5, 250_000, tzinfo=UTC)),
        ("20260202T030405Z", datetime(2026, 2, 2, 3, 4, 5, tzinfo=UTC)),
        ("2026-02-02T03:04:05", None),  # nobody knows where
        ("2026-02-02", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("yesterday", None),
        (1_770_000_000, None),
        (None, None),
    ],
)
def test_a_file_was_written_when_its_manifest_says(tmp_path: Path, said: object, moment: datetime | None) -> None:
    document = json.loads(manifest_of("2024.csv")) | {"extracted_at": said}
    (tmp_path / "2024.csv").write_bytes(b"a\n")
    (tmp_path / "2024.csv.json").write_text(json.dumps(document), encoding="utf-8")
    waits = feed(**WRITTEN, options={"delimiter": ",", "quote": '"'})
    (unit,) = discover.units_of(waits, tmp_path)
    assert waits.moment(unit.groups) == moment
    if moment is None:
        with pytest.raises(Held, match="must say extracted_at") as caught:
            read_file(tmp_path / "2024.csv", tmp_path, waits, unit)
        assert caught.value.reason_code == "no_moment_of_extraction"
    else:
        assert read_file(tmp_path / "2024.csv", tmp_path, waits, unit).rows == 0
    (other,) = discover.units_of(feed(ready={"manifest": ".json"}), tmp_path)
    assert other.groups.keys() == unit.groups.keys() - {"extracted_at"}, "nobody asked"


@pytest.mark.parametrize(
    ("moment", "is_held"),
    [
        ("2023-12-30T23:59:59Z", True),
        ("2023-12-31T12:00:00Z", False),  # the year begins earlier elsewhere
        ("1970-01-01T00:00:00Z", True),
        ("9999-12-31T23:59:59Z", True),
        ("2024-05-01T00:00:00Z", False),
    ],
)
def test_a_moment_before_the_files_period_or_to_come_holds_it(tmp_path: Path, moment: str, is_held: bool) -> None:
    """Everything that the file says would be known from then on."""
    document = json.loads(manifest_of("2024.csv")) | {"extracted_at": moment}
    (tmp_path / "2024.csv").write_bytes(b"a\n")
    (tmp_path / "2024.csv.json").write_text(json.dumps(document), encoding="utf-8")
    waits = feed(**WRITTEN, options={"delimiter": ",", "quote": '"'})
    (unit,) = discover.units_of(waits, tmp_path)
    if is_held:
        with pytest.raises(Held) as caught:
            read_file(tmp_path / "2024.csv", tmp_path, waits, unit)
        assert caught.value.reason_code == "implausible_moment"
    else:
        assert read_file(tmp_path / "2024.csv", tmp_path, waits, unit).rows == 0


def test_a_manifest_of_blanks_takes_no_time(tmp_path: Path) -> None:
    waits = feed(ready={"manifest": ".json"})
    (tmp_path / "2024.csv").write_bytes(b"a\n")
    (tmp_path / "2024.csv.json").write_bytes(b"2024.csv" + b" " * 80_000 + b"x\n")
    began = time.process_time()
    (unit,) = discover.units_of(waits, tmp_path)
    assert time.process_time() - began < 2, "twenty thousand blanks took a second, and twice as many four times that"
    assert unit.manifest == {}


def test_something_to_do_is_expected_where_a_name_is_new_before_its_file_is_read(store, tmp_path, monkeypatch):
    feeds, place = {"f": feed(ready={"marker": ".done"})}, tmp_path / "in"
    monkeypatch.setattr(discover.declared, "load", lambda _: feeds)
    monkeypatch.setenv("CANDOR_FEEDS", str(tmp_path))
    monkeypatch.setenv("CANDOR_EXPORTS", str(tmp_path))
    told: list[str] = []

    def expected() -> list[str]:
        told.clear()
        discover.discover(Batch(store, f"b{next(number)}"), expect=lambda: told.append("new"))
        return told

    number = iter(range(10))
    (known,) = deliver(place, y2024="a")
    assert expected() == [], "it is not complete"
    (place / "2024.csv.done").touch()
    enter(store, known, "published")
    assert expected() == []
    (place / "2024.csv").write_text("b", encoding="utf-8")
    assert expected() == [], "its bytes are new, which only reading them tells"
    deliver(place, y2025="a")
    (place / "2025.csv.done").touch()
    with monkeypatch.context() as patch:
        patch.setattr(discover.arrivals, "units_of", lambda feed, found: [] if told == ["new"] else None)
        assert expected() == ["new"]


def test_a_batch_that_was_to_do_nothing_looks_again_and_any_other_keeps_its_plan(store, tmp_path, monkeypatch):
    (tmp_path / "feeds").mkdir()
    text = """
name: f
owner: o
cadence: once
location: in
files: '(?P<period>\\d{4})\\.csv'
dialect: csv
options: {delimiter: ",", quote: '"'}
extracted_at: {constant: "2026-01-01T00:00:00Z"}
tables: []
"""
    (tmp_path / "feeds" / "f.yaml").write_text(text)
    monkeypatch.setenv("CANDOR_FEEDS", str(tmp_path / "feeds"))
    monkeypatch.setenv("CANDOR_EXPORTS", str(tmp_path))
    assert discover.discover(Batch(store, "morning"))["units"] == []
    deliver(tmp_path / "in", y2024="a,b\n1,2\n")
    assert [unit["name"] for unit in discover.discover(Batch(store, "morning"))["units"]] == ["2024.csv"]
    deliver(tmp_path / "in", y2025="a,b\n3,4\n")
    assert [unit["name"] for unit in discover.discover(Batch(store, "morning"))["units"]] == ["2024.csv"]
