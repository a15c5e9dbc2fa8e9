"""Entries by tag and subject out of a long ledger: what is read once, what again, and when nothing is believed."""

import pytest

from pipelines.audit import Tag, append, entries
from pipelines.audit import ledger as written
from pipelines.audit.segments import key
from pipelines.audit.tagged import marked
from pipelines.base.errors import ContractError

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
