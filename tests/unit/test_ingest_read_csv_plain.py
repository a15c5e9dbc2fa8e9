"""Delimited text without odd cells is read another way; what comes of a file must not depend on it."""

from pathlib import Path
from typing import Any
from unittest.mock import patch

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipelines.ingest.batch import Held
from pipelines.ingest.read import FAULT, ROW, _csv_plain, csv, parts
from pipelines.ingest.read._csv_plain import Plain
from tests.unit.test_ingest_read import CSV, UNIT, feed

CELLS = st.sampled_from(
    ["", "a", "1,5", "x y", " ", "é", "李", '"', 'say "so"', "#1", "null", "\r", "a\nb", "-", "'", "\t"]
)
ROWS = st.lists(st.lists(CELLS, min_size=1, max_size=4), min_size=1, max_size=12)
CHANGES = st.lists(
    st.tuples(st.integers(0, 400), st.sampled_from([*',"\n\r a;', "", "\n\n", '""', "\xa0"])), max_size=2
)
ENDS = st.sampled_from(["\n", "\r\n"])
PLAIN = ["", "a", "1,5", "x y", "é", "#1", "null"]


def text(rows: list[list[str]], end: str, *, is_quoted: bool) -> str:
    """Rows as CSV; `is_quoted`: every cell in quotes, else only those that need it."""
    found = []
    for row in rows:
        cells = [
            '"' + cell.replace('"', '""') + '"' if is_quoted or set(cell) & set(',"\r\n') else cell for cell in row
        ]
        found.append(",".join(cells))
    return end.join(["A,B,C", *found]) + end


def outcome(folder: Path, data: bytes) -> Any:
    """Rows with their numbers and faults, or why the file is held."""
    for part in folder.iterdir():
        part.unlink()
    (folder / "in.csv").write_bytes(data)
    try:
        report = csv.read(folder / "in.csv", folder, feed("csv", CSV), UNIT)
    except Held as held:
        return held.reason_code
    frames = [pl.read_ipc(part) for part in parts(folder)]
    return report, pl.concat(frames, how="diagonal").sort(ROW).rows() if frames else []


def both(folder: Path, data: bytes) -> tuple[Any, Any]:
    """As it is, in pieces of 40 bytes, and by Arrow alone."""
    with patch.object(_csv_plain, "PIECE", 40):
        fast = outcome(folder, data)
    with patch.object(Plain, "frames", lambda _: ()):
        return fast, outcome(folder, data)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("csv")


@settings(max_examples=400, deadline=None)
@given(ROWS, ENDS, st.booleans(), CHANGES)
@example([["1", "2", "3"]] * 9 + [["1", "2"]] + [["1", "2", "3"]] * 3, "\n", False, [])
@example([["1", "2", "3"]] * 9 + [["1", "2", "3", "4"]] + [["1", "2", "3"]] * 3, "\n", False, [])
@example([["1", "2", "3"]] * 9, "\n", False, [(30, "\n\n")])
@example([["1", 'a"b', 'c"d'], ["1", "2", "3"]], "\n", False, [])
@example([["", "a", "a", "1,5"]], "\r\n", True, [(18, " ")])
@example([["1", "a\rb", "3"], ["1", "2", "3\r"]], "\n", False, [(18, "\r")])
def test_both_ways_of_reading_give_the_same(folder: Path, rows, end: str, is_quoted: bool, changes) -> None:
    data = text(rows, end, is_quoted=is_quoted)
    for place, character in changes:
        at = place % len(data)
        data = data[:at] + character + data[at + 1 :]
    fast, slow = both(folder, data.encode())
    assert fast == slow


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from(PLAIN), min_size=3, max_size=3), min_size=1, max_size=20),
    ENDS,
    st.booleans(),
    st.booleans(),
)
def test_sound_rows_are_never_left_to_arrow(folder: Path, rows, end: str, is_quoted: bool, is_cut: bool) -> None:
    data = text(rows, end, is_quoted=is_quoted)
    (folder / "in.csv").write_bytes((data.removesuffix(end) if is_cut and end == "\n" else data).encode())
    with patch.object(_csv_plain, "PIECE", 64):
        plain = Plain(folder / "in.csv", ["A", "B", "C"], ",", '"')
        found = [row for _, _, frame in plain.frames() for row in frame.rows()]
    assert found == [tuple(row) for row in rows]
    assert plain.at == (folder / "in.csv").stat().st_size


@pytest.mark.parametrize(
    "row",
    [
        b"1,2",
        b"1,2,3,4",
        b"",
        b'1,a"b,3',
        b'1,"a ""b""",3',
        b'1,"a\nb",3',
        b"1,a\rb,3",
        b"1,\xff,3",
        b"1,\x00,3",
        b'1,"2,3',
    ],
)
def test_a_piece_that_proves_nothing_ends_where_the_one_before_ended(tmp_path: Path, row: bytes) -> None:
    head, sound = b"A,B,C\n", b"1,2,3\n" * 4
    (tmp_path / "in.csv").write_bytes(head + sound + row + b"\n" + sound)
    with patch.object(_csv_plain, "PIECE", len(sound)):
        plain = Plain(tmp_path / "in.csv", ["A", "B", "C"], ",", '"')
        frames = list(plain.frames())
    assert [(at, size, len(frame)) for at, size, frame in frames] == [(len(head), len(sound), 4)]
    assert plain.at == len(head + sound)


@pytest.mark.parametrize(
    ("piece", "is_wrapped"),
    [
        (b"1,2", True),
        (b'"1",2', True),
        (b'1,"2"', True),
        (b'"1","2"\r\n"3","4"\n', True),
        (b'x"1",2', False),
        (b'"1"x,2', False),
        (b'1,"2"x', False),
        (b'1,"2', False),
        (b'1,"2""3"', False),
    ],
)
def test_quotes_stand_around_whole_cells_at_the_ends_of_a_piece_too(tmp_path, piece: bytes, is_wrapped: bool) -> None:
    plain = Plain(tmp_path / "in.csv", ["A", "B"], ",", '"')
    assert plain._is_wrapped(plain._quotes(piece), piece) is is_wrapped


def test_numbers_of_rows_go_on_where_arrow_takes_over(tmp_path: Path) -> None:
    rows = ["1,2,3"] * 12 + ["4,5"] + ["6,7,8"] * 2
    (tmp_path / "in.csv").write_text("\n".join(["A,B,C", *rows]) + "\n")
    with patch.object(_csv_plain, "PIECE", 24):
        csv.read(tmp_path / "in.csv", tmp_path, feed("csv", CSV), UNIT)
    frame = pl.concat([pl.read_ipc(part) for part in parts(tmp_path)], how="diagonal").sort(ROW)
    assert frame[ROW].to_list() == list(range(1, 16))
    assert frame.filter(pl.col(FAULT) == "ragged_row")[ROW].to_list() == [13]


@pytest.mark.parametrize("row", [0, 4, 8])
def test_a_mark_within_the_text_is_a_character_wherever_arrow_takes_over(tmp_path: Path, row: int) -> None:
    rows = ["1,2,3"] * 12
    rows[row] = "\ufeff1,2,3"
    rows[row + 1] = "1,2"
    fast, slow = both(tmp_path, "\n".join(["A,B,C", *rows, ""]).encode())
    assert fast == slow
    assert fast[1][row][2] == "\ufeff1"


@pytest.mark.parametrize("more", [{"encoding": "cp1252"}, {"encoding": "latin-1"}])
def test_other_encodings_are_left_to_arrow(tmp_path: Path, more: dict[str, str]) -> None:
    (tmp_path / "in.csv").write_bytes("A,B\nü,2\n".encode("latin-1"))
    csv.read(tmp_path / "in.csv", tmp_path, feed("csv", CSV, **more), UNIT)
    assert pl.read_ipc(parts(tmp_path)[0])["A"].to_list() == ["ü"]
