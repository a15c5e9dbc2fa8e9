import json
import multiprocessing
from concurrent.futures import ThreadPoolExecutor

import pytest

from pipelines.audit import Tag, append, entries, head, verify
from pipelines.audit.__main__ import main
from pipelines.audit.ledger import record, seal_closed
from pipelines.audit.segments import STRETCH, segment_key
from pipelines.base.digests import sha256_bytes
from pipelines.base.errors import ContractError
from pipelines.base.releases import Release
from pipelines.base.store import FileStore
from tests.bench.ledger import make

KEYS = [f"ledger/{n:012d}.json" for n in range(1, 6)]


@pytest.fixture
def store(tmp_path):
    return FileStore(tmp_path / "a store with spaces")


@pytest.fixture
def five(store):
    for number in range(1, 6):
        append(store, Tag.MODEL_TRAINED, "screening", number=number)
    return store


def pointer(store, verdict="v" * 64, kind="release", sequence=1, ledger=None):
    top = head(store)
    return Release(
        family="screening",
        sequence=sequence,
        kind=kind,
        folder="releases/screening/x",
        verdict_sha256=verdict,
        manifest_sha256="m" * 64,
        model_sha256="d" * 64,
        data_sha256="e" * 64,
        as_of="2026-10-31",
        run_id="release__x",
        reason="",
        approvers=(),
        ledger=ledger or {"sequence": top.sequence, "sha256": top.sha256},
        released_at="2026-11-01T00:00:00+00:00",
    )


def anchor(store, **changes):
    release = pointer(store, **changes)
    store.put(release.key, release.to_json())


def test_each_entry_holds_the_digest_of_the_one_before(five):
    assert five.list("ledger") == KEYS
    contents = [json.loads(five.read(key)) for key in KEYS]
    assert contents[0]["previous_sha256"] == "0" * 64
    for before, after in zip(KEYS, contents[1:], strict=False):
        assert after["previous_sha256"] == sha256_bytes(five.read(before))
    assert verify(five) == []
    assert (head(five).sequence, head(five).sha256) == (5, sha256_bytes(five.read(KEYS[4])))


def test_an_empty_ledger_is_whole(store):
    assert verify(store) == []
    assert head(store).sequence == 0


@pytest.mark.parametrize("broken", [1, 3, 5])
def test_a_changed_entry_is_named(five, broken):
    key = KEYS[broken - 1]
    five.put(key, five.read(key).replace(b'"number":', b'"numbex":'))
    assert any(f"Entry {broken} of the ledger" in fault for fault in verify(five))


def test_an_entry_rewritten_with_its_own_digest_is_named_by_the_next(five):
    forged = FileStore(five.root / "forged")
    append(forged, Tag.MODEL_TRAINED, "screening", number=99)
    five.put(KEYS[0], forged.read(KEYS[0]))
    assert verify(five) == ["Entry 1 of the ledger is not the one that entry 2 followed: it was replaced."]


def test_a_removed_entry_is_named(five):
    five.delete(KEYS[2])
    assert verify(five) == ["Entry 3 of the ledger is missing."]


def test_a_cut_beginning_is_named(five):
    for key in KEYS[:2]:
        five.delete(key)
    assert verify(five) == ["Entry 1 of the ledger is missing.", "Entry 2 of the ledger is missing."]


def test_a_foreign_object_is_named(five):
    five.put("ledger/1.json", b"{}")
    assert any("ledger/1.json is none" in fault for fault in verify(five))


def test_a_cut_tail_shows_by_the_anchor_of_a_release(five):
    append(five, Tag.MODEL_RELEASED, "screening", verdict_sha256="v" * 64)
    anchor(five)
    assert verify(five) == []
    five.delete("ledger/000000000006.json")
    assert any("Entry 6 of the ledger is missing, which releases/screening" in fault for fault in verify(five))


def test_a_rewritten_head_shows_by_the_anchor_of_a_release(five):
    append(five, Tag.MODEL_RELEASED, "screening", verdict_sha256="v" * 64)
    anchor(five)
    five.delete("ledger/000000000006.json")
    append(five, Tag.MODEL_RELEASED, "screening", verdict_sha256="v" * 64, forged=True)
    assert verify(five) == [
        "Entry 6 of the ledger is not the one that releases/screening/000000000001.json anchors: it was replaced."
    ]


@pytest.mark.parametrize(("kind", "tag"), [("release", Tag.MODEL_HELD), ("shadow", Tag.MODEL_RELEASED)])
def test_a_release_without_its_entry_shows(five, kind, tag):
    append(five, tag, "screening", verdict_sha256="v" * 64)
    append(five, Tag.MODEL_RELEASED, "outcomes", verdict_sha256="v" * 64)
    anchor(five, kind=kind)
    assert any("entry in the ledger: it was put there by hand" in fault for fault in verify(five))


def test_a_release_that_cannot_be_read_shows(five):
    five.put("releases/outcomes/000000000001.json", b"{")
    assert any("releases/outcomes/000000000001.json" in fault for fault in verify(five))


def test_once_means_once_and_other_facts_are_another_event(store):
    first = append(store, Tag.MODEL_HELD, "screening", once=True, run="r1", codes=["a", "b"])
    assert append(store, Tag.MODEL_HELD, "screening", once=True, run="r1", codes=("a", "b")) == first
    append(store, Tag.MODEL_HELD, "screening", once=True, run="r2", codes=["a", "b"])
    append(store, Tag.MODEL_PROPOSED, "screening", once=True, run="r1", codes=["a", "b"])
    append(store, Tag.MODEL_HELD, "outcomes", once=True, run="r1", codes=["a", "b"])
    append(store, Tag.MODEL_HELD, "screening", run="r1", codes=["a", "b"])
    assert len(list(entries(store))) == 5


def test_concurrent_threads_do_not_fork_the_chain(store):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: append(store, Tag.PEOPLE_SCORED, "screening", number=n), range(64)))
    assert verify(store) == []
    assert sorted(entry.facts["number"] for entry in entries(store)) == list(range(64))


def test_concurrent_threads_append_the_same_event_once(store):
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: append(store, Tag.PEOPLE_SCORED, "screening", once=True, day="d"), range(16)))
    assert {entry.sequence for entry in found} == {1}


def _write(root):
    for number in range(10):
        append(FileStore(root), Tag.FILE_INGESTED, "batch", number=number)


def test_concurrent_processes_do_not_fork_the_chain(store):
    context = multiprocessing.get_context("forkserver")
    writers = [context.Process(target=_write, args=(store.root,)) for _ in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert (verify(store), head(store).sequence) == ([], 30)


def test_nan_is_no_fact(store):
    with pytest.raises(ValueError, match="JSON compliant"):
        append(store, Tag.MODEL_HELD, "screening", auc=float("nan"))


def test_an_unreadable_entry_is_an_error_for_readers(five):
    five.put(KEYS[1], b"not json")
    with pytest.raises(ContractError, match="Entry 2"):
        list(entries(five))


def test_the_command_prints_one_line_or_names_the_fault(five, monkeypatch, capsys):
    monkeypatch.setenv("CANDOR_STORE", five.url)
    assert main(["verify"]) == 0
    assert capsys.readouterr().out.startswith("The ledger is whole: 5 entries, head ")
    assert main(["show", "--tag", "model:trained", "--last", "2"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
    five.delete(KEYS[1])
    assert main(["verify"]) == 1
    assert "Entry 2 of the ledger is missing." in capsys.readouterr().err


SEGMENT = "ledger/segments/000000000001-000000000003.jsonl"


@pytest.fixture
def sealed(store):
    for number in range(1, 8):
        record(store, Tag.MODEL_TRAINED, "screening", {"number": number}, stretch=3)
    return store


def test_a_closed_stretch_is_sealed_byte_for_byte_and_an_open_one_is_not(sealed):
    names = [f"ledger/{n:012d}.json" for n in range(1, 8)]
    assert sealed.list("ledger/segments") == [SEGMENT, "ledger/segments/000000000004-000000000006.jsonl"]
    assert sealed.read(SEGMENT) == b"".join(sealed.read(name) for name in names[:3])
    assert head(sealed).sequence == 7
    assert [entry.sequence for entry in entries(sealed)] == list(range(1, 8))
    assert verify(sealed, stretch=3) == []


def test_the_usual_stretch_is_ten_thousand_entries(sealed):
    assert segment_key(20_000, STRETCH) == "ledger/segments/000000010001-000000020000.jsonl"


def test_sealing_again_changes_nothing(sealed):
    before = {name: sealed.read(name) for name in sealed.list("ledger")}
    assert seal_closed(sealed, 7, 3) == []
    assert {name: sealed.read(name) for name in sealed.list("ledger")} == before


def test_what_a_killed_writer_did_not_seal_is_sealed_with_the_next_entry(sealed):
    before = {name: sealed.read(name) for name in sealed.list("ledger/segments")}
    for name in before:
        sealed.delete(name)
    record(sealed, Tag.MODEL_TRAINED, "screening", {"number": 8}, stretch=3)
    assert {name: sealed.read(name) for name in sealed.list("ledger/segments")} == before


def test_a_closed_stretch_without_its_segment_is_named_until_it_is_sealed(sealed):
    sealed.delete(SEGMENT)
    assert verify(sealed, stretch=3) == [f"{SEGMENT} is missing. Run `python -m pipelines.audit seal`."]
    assert seal_closed(sealed, 7, 3) == [3]
    assert verify(sealed, stretch=3) == []


def test_a_whole_chain_forged_anew_differs_from_its_segments(sealed):
    for number in range(1, 8):
        sealed.delete(f"ledger/{number:012d}.json")
    for number in range(1, 8):
        record(sealed, Tag.MODEL_TRAINED, "screening", {"number": 100 + number}, stretch=3)
    faults = verify(sealed, stretch=3)
    assert len(faults) == 6
    assert faults[0] == f"Entry 1 of the ledger is not the one that {SEGMENT} sealed: it was replaced or removed."


def test_a_removed_entry_of_a_sealed_stretch_is_named_with_its_copy(sealed):
    sealed.delete("ledger/000000000002.json")
    assert f"Entry 2 of the ledger is not the one that {SEGMENT} sealed: it was replaced or removed." in verify(
        sealed, stretch=3
    )


@pytest.mark.parametrize(
    ("name", "data", "fault"),
    [
        ("ledger/segments/000000000004-000000000006.jsonl", b"{}\n", "must hold 3 entries; it holds 1"),
        ("ledger/segments/000000000001-000000000002.jsonl", b"", "must hold sealed stretches of 3 entries only"),
        ("ledger/segments/notes.txt", b"", "must hold sealed stretches of 3 entries only"),
    ],
)
def test_a_foreign_segment_is_named(sealed, name, data, fault):
    sealed.put(name, data)
    assert any(fault in found for found in verify(sealed, stretch=3))


@pytest.mark.parametrize("broken", [1, 2, 3, 4])
def test_a_broken_stretch_is_not_sealed(store, broken):
    for number in range(1, 6):
        append(store, Tag.MODEL_TRAINED, "screening", number=number)
    other = FileStore(store.root / "other")
    for number in range(1, 6):
        append(other, Tag.MODEL_TRAINED, "outcomes", number=number)
    store.put(KEYS[broken - 1], other.read(KEYS[broken - 1]))
    assert seal_closed(store, 5, 3) == ([] if broken < 4 else [3])


def test_sealing_has_a_command(five, monkeypatch, capsys):
    monkeypatch.setenv("CANDOR_STORE", five.url)
    assert main(["seal"]) == 0
    assert capsys.readouterr().out == "0 stretches of the ledger were sealed now.\n"


def test_what_follows_a_stretch_is_held_against_it(sealed):
    other = FileStore(sealed.root / "other")
    for number in range(1, 8):
        record(other, Tag.MODEL_TRAINED, "outcomes", {"number": number}, stretch=3)
    sealed.put(KEYS[2], other.read(KEYS[2]))
    assert verify(sealed, stretch=3) == [
        "Entry 2 of the ledger is not the one that entry 3 followed: it was replaced.",
        "Entry 3 of the ledger is not the one that entry 4 followed: it was replaced.",
        f"Entry 3 of the ledger is not the one that {SEGMENT} sealed: it was replaced or removed.",
    ]


def test_entries_removed_on_both_sides_of_a_seam_are_named_and_what_is_after_them_is_not(sealed):
    for number in (3, 4):
        sealed.delete(KEYS[number - 1])
    assert verify(sealed, stretch=3)[:2] == ["Entry 3 of the ledger is missing.", "Entry 4 of the ledger is missing."]
    assert len(verify(sealed, stretch=3)) == 4


def test_a_stretch_of_which_only_its_copy_is_left_is_named(sealed):
    for number in range(4, 8):
        sealed.delete(f"ledger/{number:012d}.json")
    copy = "ledger/segments/000000000004-000000000006.jsonl"
    assert verify(sealed, stretch=3) == [
        f"Entry {number} of the ledger is not the one that {copy} sealed: it was replaced or removed."
        for number in (4, 5, 6)
    ]


def test_a_long_ledger_is_shared_among_processes_and_proved_the_same(store):
    make(store.root, 21, stretch=3)
    assert verify(store, stretch=3) == []
    store.put("ledger/000000000009.json", store.read("ledger/000000000008.json"))
    store.delete("ledger/000000000016.json")
    faults = verify(store, stretch=3)
    assert faults[:3] == [
        "Entry 9 of the ledger must be as it was written; its content was changed.",
        "Entry 9 of the ledger is not the one that entry 10 followed: it was replaced.",
        "Entry 16 of the ledger is missing.",
    ]
    assert len(faults) == 5


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data.replace(b'"facts"', b' "facts"'),
        lambda data: data.replace(b'{"content_sha256"', b'{"content_sha257"'),
        lambda data: data[:-1],
        lambda data: data + b"\n",
        lambda data: data.replace(b'"number":3', b'"number":3.0'),
    ],
)
def test_an_entry_written_in_another_way_is_named(five, damage):
    five.put(KEYS[2], damage(five.read(KEYS[2])))
    assert "Entry 3 of the ledger" in verify(five)[0]
