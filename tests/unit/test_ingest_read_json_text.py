"""Records of nothing but text are read another way; what comes of a document must not depend on it."""

import json
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipelines.ingest.batch import Held
from pipelines.ingest.read import _json_text, _records
from pipelines.ingest.read._json_text import Document, cells

WORKDAY = {"record_path": "data", "may_be_empty": False}
TRICKY = st.sampled_from(
    ["*", "^a$", "^.*$", "", ":", ": ", ":a", "a", "b", "},{", '"', "\\", "\n", "é", "李", "1", "[", "null", ' :"']
)
VALUES = st.one_of(TRICKY, TRICKY, st.sampled_from([None, 1, 1.10, True, [], ["x"], {"a": "b"}, {}, "\x00"]))
RECORDS = st.lists(st.dictionaries(TRICKY, VALUES, max_size=4), min_size=1, max_size=6)
SEPARATORS = st.sampled_from([(",", ":"), (", ", ": "), (",\n", ":"), (",", " : "), (" ,", ":")])
CHANGES = st.lists(st.tuples(st.integers(0, 400), st.sampled_from([*'{}[],:"1 \n\\', ""])), max_size=2)


def changed(text: str, changes: list[tuple[int, str]]) -> str:
    for place, character in changes:
        at = place % len(text)
        text = text[:at] + character + text[at + 1 :]
    return text


def outcome(read: Callable[[], pl.DataFrame]) -> Any:
    try:
        return [{name: cell for name, cell in row.items() if cell is not None} for row in read().to_dicts()]
    except Held as held:
        return held.reason_code


@settings(max_examples=300, deadline=None)
@given(RECORDS, SEPARATORS, st.booleans(), CHANGES)
@example([{"a": "1"}, {"a": "2"}], (",", ":"), True, [(21, "}")])
@example([{"^a$": "x"}, {"a": "q"}], (",", ":"), True, [])
@example([{"*": "x", "a": "y"}, {"a": "z"}], (",", ":"), True, [])
@example([{"a": "x"}, {"a": "1" * 3000}], (",", ":"), True, [])
@example([{":": 1, "b": None, "a": "x"}], (",", ":"), True, [])
@example([{"a": True, "b": "x"}, {"a": "y"}, {"a": "1", "c": "z"}], (",", ":"), True, [])
def test_both_ways_of_reading_give_the_same(reads, records: list[Any], separators, ascii_only: bool, changes) -> None:
    text = json.dumps({"data": records}, separators=separators, ensure_ascii=ascii_only)
    data = changed(text, changes).encode()
    for name, options in (("workday_json", WORKDAY), ("json_records", WORKDAY | {"is_odata_v2": False})):
        with patch.object(_json_text, "PIECE", 24):
            fast = outcome(lambda: reads(name, data, options)[0])  # noqa: B023  called at once
        with patch.object(Document, "pieces", lambda _: ()):
            slow = outcome(lambda: reads(name, data, options)[0])  # noqa: B023
        assert fast == slow


@pytest.mark.parametrize(
    "piece",
    [
        b'{"a":1}',  # Polars would say "1"
        b'{"a":true,"zz":"x"}',
        b'{"a":null}',  # not the same as no `a` at all
        b'{"a":"1","a":"2"}',  # Polars would take the first
        b'{"a":"\\u0000"}',
        b'{"a":["x"]}',
        b'{"a":{"b":"c"}}',
        b'{"a" : 1,"b":"x"}',
        b'{":":5,"b":null}',
        b'{":" : 5,"b" : null}',  # as many quotes and colons as one name and its text
        b'{"a":"1"}\n{"a":"2"}',
        b'{"a":"1"},{"a":"2"} {"a":"3"}',
        b'{"a":"1"},5',
        b'{"a":"1",}',
        b'{"a":"\xff"}',
        b'{"a":"' + b"1" * 3000 + b'"}',  # a parser of the same piece would be held for it
    ],
)
def test_what_is_more_than_text_is_left_to_a_parser(piece: bytes):
    assert cells(piece, {"a", "b", ":"}) is None


def test_new_names_are_found_and_names_that_do_not_occur_are_no_columns():
    names = {"gone"}
    frame = cells(b'{"b":"1","a":""},\n{"a":"2"}', names)
    assert frame is not None
    assert frame.to_dict(as_series=False) == {"a": ["", "2"], "b": ["1", None]}
    assert names == {"gone", "a", "b"}


def test_a_long_document_of_short_records_is_no_record_too_large(reads, monkeypatch):
    monkeypatch.setattr(_records, "MAX_RECORD", 64)
    monkeypatch.setattr(_json_text, "PIECE", 32)
    data = json.dumps({"data": [{"a": str(n)} for n in range(100)]}).encode()
    assert reads("workday_json", data, WORKDAY)[1].rows == 100


def test_text_alone_needs_no_other_parser(reads, monkeypatch):
    asked: list[bytes] = []
    monkeypatch.setattr(
        "pipelines.ingest.read._json.Guarded.read", lambda self, size: asked.append(self._file.read(size)) or asked[-1]
    )
    data = json.dumps({"data": [{"a": str(n), "b": "é"} for n in range(1000)]}, ensure_ascii=False).encode()
    frame, report = reads("workday_json", data, WORKDAY)
    assert (report.rows, frame["a"].to_list()) == (1000, [str(n) for n in range(1000)])
    assert b"".join(asked) == b'{"data": []}'
