"""Entries by tag and subject out of a long ledger: what is read once, what again, and when nothing is believed."""

from dataclasses import replace
from datetime import date

import pytest

from monitoring.ll144 import stored
from pipelines.audit import Tag, append, entries
from pipelines.audit import ledger as written
from pipelines.audit.segments import key
from pipelines.audit.tagged import last_scored, marked
from pipelines.base.errors import ContractError
from pipelines.base.store import FileStore

SCORED, STOPPED = Tag.PEOPLE_SCORED, Tag.SCORING_STOPPED


def told(store, *tags, subject=None):
    return [(entry.sequence, entry.subject) for entry in marked(store, tags, subject)]


@pytest.fixture
def ledger(store):
    for tag, subject in ((SCORED, "screening"), (STOPPED, "scoring"), (SCORED, "outcomes"), (SCORED, "screening")):
        append(store, tag, subject)
    return store


def test_entries_of_some_tags_come_the_newest_first_and_of_one_subject_alone_where_that_is_asked(ledger):
    assert told(ledger, SCORED) == [(4, "screening"), (3, "outcomes"), (1, "screening")]
    assert told(ledger, SCORED, STOPPED) == [(4, "screening"), (3, "outcomes"), (2, "scoring"), (1, "screening")]
    assert told(ledger, SCORED, subject="screening") == [(4, "screening"), (1, "screening")]
    assert told(ledger, SCORED, subject="nobody") == told(ledger, Tag.MODEL_HELD) == []


def test_what_came_after_is_read_and_what_was_read_is_not_read_again(ledger, monkeypatch):
    told(ledger, SCORED)
    append(ledger, STOPPED, "scoring")
    read, parse = [], written.parse
    monkeypatch.setattr("pipelines.audit.tagged.parse", lambda data, place: read.append(place) or parse(data, place))
    assert told(ledger, STOPPED) == [(5, "scoring"), (2, "scoring")]
    assert read == [5, 5, 2], "the new one, and those that were asked for"


def test_another_ledger_in_the_same_place_and_one_that_was_cut_are_read_anew(ledger):
    told(ledger, SCORED)
    ledger.delete(key(4))
    assert told(ledger, SCORED) == [(3, "outcomes"), (1, "screening")]
    for entry in list(entries(ledger)):
        ledger.delete(key(entry.sequence))
    for subject in ("performance", "outcomes", "performance"):
        append(ledger, SCORED, subject)
    assert told(ledger, SCORED) == [(3, "performance"), (2, "outcomes"), (1, "performance")]


def test_an_entry_that_cannot_be_read_is_told_every_time_whether_it_was_known_before_or_not(ledger):
    ledger.put(key(2), b"{}")
    for _ in range(2):
        with pytest.raises(ContractError, match="Entry 2 of the ledger must be an entry"):
            told(ledger, SCORED)


def test_an_entry_that_was_changed_since_it_was_known_is_not_believed(ledger):
    told(ledger, SCORED)
    ledger.put(key(1), ledger.read(key(1)).replace(b"screening", b"other----"))
    with pytest.raises(ContractError, match="Entry 1 of the ledger must be as it was written"):
        told(ledger, SCORED)


def used(store, *models):
    return [(entry.facts["model_sha256"], entry.sequence) for entry in last_scored(store, "screening", models)]


@pytest.fixture
def scorings(store):
    """Scored by a; by b, in shadow after it was live; of another family by c, which never scored this one's."""
    for family, model, kind in (
        ("screening", "b", "release"), ("screening", "a", "release"), ("screening", "a", "rollback"),
        ("screening", "b", "shadow"), ("outcomes", "c", "release"), ("outcomes", "a", "release"),
    ):  # fmt: skip
        append(store, SCORED, family, model_sha256=model, kind=kind)
    append(store, STOPPED, "screening", model_sha256="a")
    return store


def test_the_last_scoring_of_a_model_is_its_newest_in_a_family_shadows_apart(scorings):
    assert used(scorings, "a", "b", "c", "d") == [("a", 3), ("b", 1)]
    append(scorings, SCORED, "screening", model_sha256="b", kind="release")
    assert used(scorings, "a", "b") == [("a", 3), ("b", 8)], "what came after is read too"
    scorings.delete(key(8))
    assert used(scorings, "b") == [("b", 1)], "and forgotten with the rest"


def test_the_last_scoring_is_found_without_reading_others_however_long_ago_it_was_and_where_there_is_none(
    scorings, monkeypatch
):
    used(scorings)
    read, parse = [], written.parse
    monkeypatch.setattr("pipelines.audit.tagged.parse", lambda data, place: read.append(place) or parse(data, place))
    assert used(scorings, "b", "never") == [("b", 1)]
    assert read == [1]


@pytest.mark.parametrize("change", [{"kind": "shadow"}, {"model_sha256": "c"}])
def test_a_last_scoring_that_became_another_is_not_believed(scorings, change):
    used(scorings)
    entry = written.parse(scorings.read(key(1)), 1)
    scorings.put(key(1), replace(entry, facts={**entry.facts, **change}).to_json())
    with pytest.raises(ContractError, match="Entry 1 of the ledger must be the scoring that it was"):
        used(scorings, "b")


def test_when_the_models_of_packages_were_last_used_is_found_without_reading_their_scorings(scorings, monkeypatch):
    """The page of a family asks for it: one whose audited model never scored read all of them each time."""
    days = dict.fromkeys(("since", "until", "audited_on"), "2026-01-01") | {"distributed_on": None, "auditor": None}
    for model in ("a", "never"):
        append(scorings, Tag.AUDIT_PACKAGED, "screening", sha256=model, model=model, model_sha256=model, **days)
    stored.on_record(scorings, "screening")
    read, parse = [], written.parse
    monkeypatch.setattr("pipelines.audit.tagged.parse", lambda data, place: read.append(place) or parse(data, place))
    found = {package.model: package.last_used_on for package in stored.on_record(scorings, "screening")}
    assert found == {"never": None, "a": date.fromisoformat(parse(scorings.read(key(3)), 3).recorded_at[:10])}
    assert sorted(read) == [3, 8, 9], "the newest scoring of a, and both packages"


def test_entries_beyond_one_that_is_missing_are_told_as_a_fault_by_whoever_knew_those_before_it(ledger, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr("pipelines.audit.tagged.time.monotonic", lambda: now[0])
    told(ledger, SCORED)
    for subject in ("outcomes", "performance", "outcomes"):
        append(ledger, STOPPED, subject)
    kept = ledger.read(key(5))
    ledger.delete(key(5))
    now[0] += 59
    assert told(ledger, STOPPED) == [(2, "scoring")], "the one after the newest known counts as not written yet"
    now[0] += 2
    for _ in range(2):
        with pytest.raises(ContractError, match="Entry 5 of the ledger must be there as others after it are"):
            told(ledger, STOPPED)
    ledger.put(key(5), kept)
    assert told(ledger, STOPPED) == [(7, "outcomes"), (6, "performance"), (5, "outcomes"), (2, "scoring")]


def test_a_ledger_with_a_hole_tells_nothing_to_who_reads_it_first(ledger):
    ledger.delete(key(2))
    with pytest.raises(ContractError, match="Entry 2 of the ledger must be there"):
        told(ledger, SCORED)


def test_a_list_made_while_others_wrote_loses_no_entry(ledger, monkeypatch):
    monkeypatch.setattr("pipelines.audit.tagged.numbered", lambda store: [key(1), key(2), key(4)])
    assert told(ledger, SCORED) == [(4, "screening"), (3, "outcomes"), (1, "screening")]


def test_the_whole_list_is_made_once_a_minute(ledger, monkeypatch):
    lists, whole, now = [], FileStore.list, [1000.0]
    monkeypatch.setattr("pipelines.audit.tagged.time.monotonic", lambda: now[0])
    monkeypatch.setattr(FileStore, "list", lambda store, prefix: lists.append(prefix) or whole(store, prefix))
    for now[0] in (1000.0, 1030.0, 1059.0, 1061.0, 1062.0, 1122.0):
        told(ledger, SCORED)
    assert len(lists) == 3


@pytest.mark.parametrize(("tag", "subject"), [(STOPPED, "screening"), (SCORED, "other")])
def test_an_entry_written_again_as_another_is_not_told_as_what_it_was(ledger, tag, subject):
    told(ledger, SCORED)
    first = next(entries(ledger))
    ledger.put(key(1), replace(first, tag=tag, subject=subject).to_json())
    with pytest.raises(ContractError, match="Entry 1 of the ledger must say what it said when it was read"):
        told(ledger, SCORED, subject="screening")
