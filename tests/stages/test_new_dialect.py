"""A dialect that nobody knew, written as the README says: one module, and feeds read it through the whole of ingest.

What it reads is LDIF in its simplest form: lines of `name: value`, an empty line between entries.
"""

import contextlib

import pytest
import yaml

import pipelines.ingest.read as readers
from pipelines.base.lake import Lake
from pipelines.ingest import __main__ as command
from pipelines.ingest import check, feeds
from tests.kills.roads import nothing_failed

MODULE = '''
"""Entries of a directory: a line a field, an empty line between entries. Options: `separator`."""

from itertools import groupby

from pipelines.base.settings import Section
from pipelines.ingest.batch import Held
from pipelines.ingest.feeds import options
from pipelines.ingest.read._records import Bounded, Record, write


class Options(Section):
    separator: str


def read(source, out, feed, unit):
    want = options(Options, feed)
    with source.open("rb") as file:
        bounded = Bounded(file, feed)
        blocks = groupby(bounded.lines(), lambda line: line.strip() != b"")
        entries = (list(lines) for is_entry, lines in blocks if is_entry)
        report = write(bounded.batches(record(lines, want.separator) for lines in entries), out, feed)
    if not report.rows:
        raise Held("empty_file", f"{feed.name} must have an entry; the file is empty.")
    return report


def record(lines, separator):
    text = b"".join(lines).decode(errors="replace")
    cells = dict(line.split(separator, 1) for line in text.splitlines() if separator in line)
    return Record(cells) if len(cells) == len(lines) else Record.broken("no_entry", text)
'''
FEED = {
    "name": "directory",
    "owner": "IT",
    "cadence": "once",
    "location": "",
    "files": r"people_(?P<written>\w+)\.ldif",
    "dialect": "ldif",
    "options": {"separator": ": "},
    "extracted_at": {"at": "written"},
    "required": ["cn"],
    "tables": [{"table": "courses", "columns": {"course_id": {"from": "cn"}, "title": {"from": "description"}}}],
}
PRINTED = b"cn: 007\ndescription: Safety: first\n\n\ncn: 008\nwho wrote this\n\ncn: 009\ndescription: NA\n"


@pytest.fixture
def company(keys, store, tmp_path, monkeypatch):
    for name in ("dialects", "feeds", "exports"):
        (tmp_path / name).mkdir()
    (tmp_path / "dialects" / "ldif.py").write_text(MODULE, encoding="utf-8")
    (tmp_path / "feeds" / "directory.yaml").write_text(yaml.safe_dump(FEED), encoding="utf-8")
    monkeypatch.setattr(feeds, "READERS", tmp_path / "dialects")  # for the folder that a module is added to
    monkeypatch.setattr(readers, "__path__", [*readers.__path__, str(tmp_path / "dialects")])
    monkeypatch.setenv("CANDOR_FEEDS", str(tmp_path / "feeds"))
    monkeypatch.setenv("CANDOR_EXPORTS", str(tmp_path / "exports"))
    for module in (command, check):
        monkeypatch.setattr(module, "validator", lambda: contextlib.nullcontext(nothing_failed))
    return tmp_path


def test_a_module_alone_makes_a_dialect_that_is_checked_ingested_and_held_as_any_other(company, store, capsys):
    path = company / "exports" / "people_20260131T060000Z.ldif"
    path.write_bytes(PRINTED)
    (company / "exports" / "people_20260201T060000Z.ldif").write_bytes(b"\n\n")
    assert command.main(["check", "directory", str(path)]) == 0
    said = capsys.readouterr().out
    assert "3 in = 2 accepted + 1 quarantined + 0 filtered" in said
    assert "no_entry 1" in said
    assert command.main(["run", "--batch", "b"]) == 0
    said = capsys.readouterr().out
    assert "3 rows in = 2 accepted + 1 quarantined + 0 filtered; files held: 1; held directory: empty_file" in said
    rows = Lake(store).read("courses", Lake(store).require()).sort("course_id")
    assert rows.select("course_id", "title").rows() == [("007", "Safety: first"), ("009", "NA")]
    assert rows["source_row"].to_list() == [1, 3]
    assert rows["known_from"].dt.to_string("%Y-%m-%dT%H:%M:%S").unique().to_list() == ["2026-01-31T06:00:00"]


def test_a_word_that_the_new_dialect_does_not_know_is_told_by_name(company, capsys):
    wrong = yaml.safe_dump(FEED | {"options": {"seperator": ":"}})
    (company / "feeds" / "directory.yaml").write_text(wrong, encoding="utf-8")
    path = company / "exports" / "people_20260131T060000Z.ldif"
    path.write_bytes(PRINTED)
    assert command.main(["check", "directory", str(path)]) != 0
    said = capsys.readouterr()
    assert "options.separator" in said.out + said.err
    assert "options.seperator" in said.out + said.err
