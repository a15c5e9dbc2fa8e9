"""Oracle's loader files: escapes instead of quotes, several components a file, and a zip that is not trusted."""

import io
import struct
import zipfile
from typing import Any

import pytest

from pipelines.ingest.read import FAULT, NULL, ROW, _archive

WANT: dict[str, Any] = {
    "file": "Worker.dat",
    "component": "Assignment",
    "may_be_empty": False,
    "max_bytes": 1_000_000,
    "max_ratio": 100,
}
GOOD = "METADATA|Assignment|Id\nMERGE|Assignment|1\n"


def packed(files: dict[str, str | bytes], how: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", how) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data, how)
    return buffer.getvalue()


def test_lines_of_one_component_become_rows(reads):
    lines = [
        "\ufeffCOMMENT exported | by HR",
        "SET PURGE_FUTURE_CHANGES Y",
        "METADATA|Worker|PersonNumber|StartDate",
        "METADATA|Assignment|AssignmentNumber|Name|PersonId(SourceSystemId)|EndDate|Note",
        "MERGE|Worker|000123|2020/01/01",
        r"MERGE|Assignment|E000123|R\|D \\ \"x\" |0007|4712/12/31|line 1\nline 2",
        r"MERGE|Assignment|E000124|a\\|#NULL||\\n",
        "",
        "DELETE|Assignment|E000125",
        "MERGE|Assignment|1|2|3|4|5|6",
        "and a line that broke off",
    ]
    frame, report = reads("hdl", packed({"Worker.dat": "\r\n".join(lines), "BlobFiles/a.pdf": "x"}), WANT)
    assert frame[ROW].to_list() == [1, 2, 3, 4, 5]
    assert frame[FAULT].to_list() == [None, None, None, "ragged_row", "unknown_record"]
    assert frame["@instruction"].to_list() == ["MERGE", "MERGE", "DELETE", None, None]
    assert frame["AssignmentNumber"].to_list() == ["E000123", "E000124", "E000125", None, None]
    assert frame["Name"].to_list() == [r"R|D \ \"x\" ", "a\\", None, None, None]
    assert frame["PersonId(SourceSystemId)"].to_list() == ["0007", NULL, None, None, None]
    assert frame["EndDate"].to_list() == ["4712/12/31", "", None, None, None]
    assert frame["Note"].to_list() == ["line 1\nline 2", r"\n", None, None, None]
    assert frame["line"].to_list()[3:] == ["MERGE|Assignment|1|2|3|4|5|6", "and a line that broke off"]
    assert report.faults == {"ragged_row": 1, "unknown_record": 1}


def test_a_file_may_set_its_own_signs(reads):
    lines = [
        "SET FILE_DELIMITER ^",
        "SET FILE_ESCAPE ~",
        "SET FILE_NEW_LINE <br>",
        "METADATA^Assignment^Id^Name^Note",
        r"MERGE^Assignment^1^a|b~^c^x<br>y\z~~",
    ]
    frame, _ = reads("hdl", packed({"Worker.dat": "\n".join(lines)}), WANT)
    assert frame.rows() == [(1, None, "MERGE", "1", "a|b^c", "x\ny\\z~")]


def test_columns_are_those_of_the_latest_metadata(reads):
    text = f"{GOOD}METADATA|Assignment|Name|Id\nMERGE|Assignment|b|2\n"
    frame, _ = reads("hdl", packed({"Worker.dat": text}), WANT)
    assert frame.select("Id", "Name").rows() == [("1", None), ("2", "b")]


def test_a_column_is_there_when_no_line_goes_on_to_it(reads):
    text = "METADATA|Assignment|Id|EndDate\nMERGE|Assignment|1\nMETADATA|Worker|Other\n"
    frame, report = reads("hdl", packed({"Worker.dat": text}), WANT)
    assert "EndDate" not in frame.columns
    assert report.columns == ("@instruction", "Id", "EndDate")
    empty = packed({"Worker.dat": "METADATA|Assignment|Id|EndDate\n"})
    assert reads("hdl", empty, {**WANT, "may_be_empty": True})[1].columns == ("Id", "EndDate")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "missing_component"),
        ("METADATA|Worker|Id\nMERGE|Worker|1\n", "missing_component"),
        ("MERGE|Assignment|1\nMETADATA|Assignment|Id\n", "missing_component"),
        ("METADATA|Assignment|Id\n", "empty_report"),
        ("METADATA|Assignment|Id|Id\nMERGE|Assignment|1|2\n", "duplicate_header"),
        ("SET FILE_DELIMITER\n" + GOOD, "malformed_hdl"),
        (GOOD.encode() + b"MERGE|Assignment|\xe9\n", "bad_encoding"),
        (GOOD + "MERGE|Assignment|\x00\n", "bad_encoding"),
        (GOOD.encode("utf-16"), "bad_encoding"),
    ],
)
def test_a_file_that_is_not_what_it_should_be_is_held(refuses, text: str | bytes, reason: str):
    assert refuses("hdl", packed({"Worker.dat": text}), WANT) == reason


@pytest.mark.parametrize(
    "name", ["../Worker.dat", "a/../../b", "/etc/passwd", "\\\\host\\a", "C:\\a", "C:a", "a\\..\\..\\b", ".."]
)
def test_an_archive_with_a_name_that_points_elsewhere_is_held(refuses, name: str):
    assert refuses("hdl", packed({"Worker.dat": GOOD, name: "x"}), WANT) == "zip_slip"


@pytest.mark.parametrize("name", ["ClobFiles/a..b.txt", "..a", "a.dat/"])
def test_a_name_with_dots_is_only_a_name(reads, name: str):
    assert reads("hdl", packed({"Worker.dat": GOOD, name: ""}), WANT)[1].rows == 1


def test_an_archive_that_unpacks_to_too_much_is_held(reads, refuses, monkeypatch):
    text = GOOD + "COMMENT " + "0" * 50_000 + "\n"
    bomb, stored = packed({"Worker.dat": text}), packed({"Worker.dat": text}, zipfile.ZIP_STORED)
    assert len(bomb) * 100 < len(text)
    assert refuses("hdl", bomb, WANT) == "zip_bomb"
    assert reads("hdl", bomb, {**WANT, "max_ratio": 1000})[1].rows == 1
    assert reads("hdl", stored, WANT)[1].rows == 1
    assert reads("hdl", stored, {**WANT, "max_bytes": len(text)})[1].rows == 1
    assert refuses("hdl", stored, {**WANT, "max_bytes": len(text) - 1}) == "zip_bomb"
    monkeypatch.setattr(_archive, "MAX_FILES", 1)
    assert refuses("hdl", packed({"Worker.dat": GOOD, "a": "b"}), WANT) == "zip_bomb"


def test_an_archive_that_says_less_than_it_holds_is_held(refuses):
    data = bytearray(packed({"Worker.dat": GOOD + "MERGE|Assignment|2\n" * 1000}))
    directory = data.rindex(b"PK\x01\x02")
    struct.pack_into("<I", data, directory + 24, len(GOOD))  # its size, unpacked
    assert refuses("hdl", bytes(data), WANT) == "malformed_zip"


def test_an_encrypted_archive_is_held(refuses):
    data = bytearray(packed({"Worker.dat": GOOD}))
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.rindex(mark) + flags] |= 1
    assert refuses("hdl", bytes(data), WANT) == "encrypted_zip"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "malformed_zip"),
        (GOOD.encode(), "malformed_zip"),
        (packed({"Worker.dat": GOOD})[:-10], "malformed_zip"),
        (packed({"Worker.dat": GOOD * 100})[60:], "malformed_zip"),
        (packed({"Worker.dat": GOOD}, zipfile.ZIP_LZMA), "malformed_zip"),
        (packed({"Job.dat": GOOD}), "missing_member"),
        (packed({"worker.dat": GOOD, "folder/Worker.dat": GOOD}), "missing_member"),
    ],
)
def test_an_archive_that_is_not_what_it_should_be_is_held(refuses, data: bytes, reason: str):
    assert refuses("hdl", data, WANT) == reason


def test_a_file_that_is_there_twice_is_held(refuses):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("Worker.dat", GOOD)
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("Worker.dat", GOOD)
    assert refuses("hdl", buffer.getvalue(), WANT) == "missing_member"
