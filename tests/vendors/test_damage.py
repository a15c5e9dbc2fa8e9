"""Files of vendors as they are when something went wrong: refused or quarantined with a reason, never half believed.

Each begins as the sample company prints it, with a canary in it, and is damaged in one place. `check` reads and maps it
as a run does and counts every row; nothing it says names the canary.
"""

import contextlib
import json
import re
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from infra.sample import workday
from infra.sample.dialects import write_report
from infra.sample.exports import Company, simulate
from infra.sample.plan import DELIVERIES, Plan
from infra.sample.vendors import adp, successfactors, successfactors_compound, workday_csv, workday_eib
from infra.sample.vendors.oracle import extract, loader
from pipelines.ingest import __main__ as command
from tests.fuzz.seeds import unpacked
from tests.kills.roads import nothing_failed
from tests.unit.test_ingest_read_hdl import packed

FEEDS = Path(__file__).parents[2] / "feeds"
PLAN, DELIVERY = Plan(20), DELIVERIES["history"]
CANARY = "Zanzibarova"
ROWS = 20
"""Workers of the company, none of which is lost."""

Damage = Callable[[bytes], bytes]


class Case(NamedTuple):
    """One damage."""

    feed: str
    damage: Damage
    held: str = ""
    """Why the file is."""
    bad: dict[str, int] = {}  # noqa: RUF012  # reason codes of rows; none where the file is held


@cache
def company() -> Company:
    return simulate(PLAN)


def rows() -> list[dict[str, Any]]:
    """Workday's workers, each with the canary for a name."""
    found = workday.worker_rows(PLAN, company().workers, DELIVERY)
    return [{**row, "Legal_Last_Name": CANARY} for row in found]


def staff(write: Callable[..., object], **more: Any) -> Callable[[Path], object]:
    return lambda out: write(PLAN, company().workers, DELIVERY, out, **more)


WRITERS: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "workday_workers": ("", lambda out: write_report(out / "HRML_Workers_2026-09.json", rows()), "HRML_Workers"),
    "workday_csv_workers": ("vendors/workday", staff(workday_csv.write_workers), ""),
    "workday_eib_workers": ("vendors/workday", staff(workday_eib.write_delimited), "EIB_Workers_2"),
    "adp_report": ("vendors/adp", staff(adp.write_report), "Roster"),
    "successfactors_employments": ("vendors/successfactors", staff(successfactors.write_employments), "EmpEmployment"),
    "successfactors_compound": ("vendors/successfactors", staff(successfactors_compound.write_people), "Compound"),
    "oracle_extract_workers": ("vendors/oracle", staff(extract.write_extract), ""),
    "oracle_hdl_workers": ("vendors/oracle", staff(loader.write_loader), "Workers"),
}
"""Feed -> folder of its feeds, what prints its file, how that is named."""


@cache
def sound(feed: str) -> tuple[str, bytes]:
    """Name and bytes of the file that a writer prints."""
    _, write, named = WRITERS[feed]
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder))
        [path] = [p for p in Path(folder).rglob("*") if p.is_file() and p.name.startswith(named)]
        return path.name, path.read_bytes()


def put(old: str | bytes, new: str | bytes, times: int = 1) -> Damage:
    """Something else in the first places where it stands."""
    old, new = (text.encode() if isinstance(text, str) else text for text in (old, new))

    def damage(data: bytes) -> bytes:
        assert old in data, "the damage must be one"
        return data.replace(old, new, times)

    return damage


def member(damage: Damage, name: str = "Worker.dat") -> Damage:
    """Of a file in an archive."""
    return lambda data: packed({**unpacked(data), name: damage(unpacked(data).get(name, b""))})


def hired(text: str) -> Damage:
    """The day on which the first worker was hired, as Workday writes it."""
    return put('"Hire_Date":"2023-02-04"', f'"Hire_Date":"{text}"')


def column(change: Callable[[list[str]], list[str]]) -> Damage:
    """Every row of a table of commas, whose cells hold none."""
    return lambda data: b"".join(
        (",".join(change(line.rstrip("\r\n").split(","))) + "\r\n").encode() for line in data.decode().splitlines(True)
    )


BOM = b"\xef\xbb\xbf"
ENTITY = b'<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd">]><'
LAUGHS = b'<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><'
WORKDAY, CSV, EIB = "workday_workers", "workday_csv_workers", "workday_eib_workers"
ADP = "adp_report"
ODATA, COMPOUND = "successfactors_employments", "successfactors_compound"
EMPLOYMENTS = ROWS + 4
"""OData tells two of four people: one works for another company as well, two were here before, one is abroad."""
ABROAD = {"global_assignment": 1}
EXTRACT, LOADER = "oracle_extract_workers", "oracle_hdl_workers"
CASES: dict[str, Case] = {
    "nothing": Case(CSV, lambda data: data),
    "byte-order mark twice": Case(CSV, lambda data: BOM + BOM + data.removeprefix(BOM), "bad_encoding"),
    "byte-order mark twice in JSON": Case(WORKDAY, lambda data: BOM + BOM + data, "bad_encoding"),
    "byte-order mark twice in XML": Case(EXTRACT, lambda data: BOM + BOM + data, "bad_encoding"),
    "cp1252 for UTF-8": Case(CSV, put("Evans", "Zanzibarov\xe1".encode("cp1252")), "bad_encoding"),
    "cp1252 for UTF-8 in JSON": Case(WORKDAY, put(CANARY, CANARY.encode() + b"\xe1"), "malformed_json"),
    "cp1252 for UTF-8 in XML": Case(COMPOUND, put("Evans", b"Zanzibarov\xe1"), "malformed_xml"),
    "cp1252 for UTF-8 in a loader file": Case(LOADER, member(put("MERGE", b"MERG\xe9")), "bad_encoding"),
    "UTF-16": Case(CSV, lambda data: data.decode().encode("utf-16"), "bad_encoding"),
    "NUL": Case(CSV, put("Evans", f"{CANARY}\0"), "bad_encoding"),
    "ragged row": Case(CSV, put("Evans", f"{CANARY},x"), bad={"ragged_row": 1}),
    "header twice": Case(CSV, column(lambda cells: [*cells, cells[1]]), "duplicate_header"),
    "renamed column": Case(
        CSV, column(lambda cells: [cells[0].replace("Worker", "Staff"), *cells[1:]]), "missing_required_column"
    ),
    "dropped column": Case(CSV, column(lambda cells: cells[1:]), "missing_required_column"),
    "10,000 columns": Case(
        CSV, column(lambda cells: [*cells, *(f"{cells[0]}{n}" for n in range(10_000))]), "too_many_columns"
    ),
    "formula": Case(CSV, put("Evans", "=1+1|' /C calc'!A0")),
    "missing trailer": Case(EIB, lambda data: data[: data.rindex(b"TRL")], "missing_trailer"),
    "cut within a record": Case(EIB, lambda data: data[:1500], "missing_trailer"),
    "total": Case(ADP, lambda data: data),
    "missing total": Case(ADP, lambda data: data[: data.rindex(b"Total")], "missing_trailer"),
    "lines below the total": Case(ADP, lambda data: data + b"\r\n", "missing_trailer"),
    "wrong count": Case(EIB, put("TRL|0000000020", "TRL|0000000021"), "trailer_mismatch"),
    "lost record": Case(EIB, lambda data: re.sub(rb"DTL\|000003.*?\r\n", b"", data), "trailer_mismatch"),
    "no number for a count": Case(EIB, put("TRL|0000000020", f"TRL|{CANARY}"), "trailer_mismatch"),
    "two files in one": Case(EIB, lambda data: data + data, "trailer_mismatch"),
    "pipe in a name": Case(EIB, put("Evans", f"{CANARY}|x"), bad={"ragged_row": 1}),
    "unknown record": Case(EIB, put("DTL|000003", f"{CANARY}|000003"), bad={"unknown_record": 1}),
    "open end": Case(WORKDAY, hired("9999-12-31"), bad={"unparsable:hired_at": 1}),
    "open end of Oracle": Case(WORKDAY, hired("4712-12-31"), bad={"unparsable:hired_at": 1}),
    "no day": Case(WORKDAY, hired("0000-00-00"), bad={"unparsable:hired_at": 1}),
    "a day that is none": Case(WORKDAY, hired("2023-02-30"), bad={"unparsable:hired_at": 1}),
    "no Report_Entry": Case(WORKDAY, put("Report_Entry", CANARY), "missing_record_path"),
    "cut JSON": Case(WORKDAY, lambda data: data[:9000], "truncated_json"),
    "a page of HTML": Case(
        WORKDAY, lambda _: b"<html><body>Please sign in, Zanzibarova</body></html>", "malformed_json"
    ),
    "seconds for milliseconds": Case(
        ODATA, put("/Date(1675468800000)/", "/Date(1675468800)/"), bad={"unparsable:hired_at": 1}
    ),
    "before the common era": Case(
        ODATA, put("/Date(1675468800000)/", "/Date(-99999999999999)/"), bad={"unparsable:hired_at": 1}
    ),
    "before 1970": Case(ODATA, put("/Date(1675468800000)/", "/Date(-315619200000)/")),
    "no date": Case(ODATA, put("/Date(1675468800000)/", f"/Date({CANARY})/"), bad={"unparsable:hired_at": 1}),
    "an error": Case(ODATA, lambda _: b'{"error": {"code": "X", "message": {"value": "Zanzibarova"}}}', "source_error"),
    "text for a group": Case(
        ODATA, put('"jobInfoNav": {"results"', f'"jobInfoNav": "{CANARY}", "x": {{"results"'), bad={"broken_group": 1}
    ),
    "mixed content": Case(
        COMPOUND, put("<fte>1.0<", f"<fte>1.0<previous>0.5</previous>{CANARY}<"), bad={"unparsable:fte": 1}
    ),
    "a deletion as a change": Case(
        COMPOUND,
        put("<user_id>000000<", "<action>CHANGE</action><user_id>000000<"),
        bad={"unknown_code:worker_type_code": 1},
    ),
    "entities": Case(COMPOUND, put("<query", LAUGHS + b"query"), "hostile_xml"),
    "a file of ours as an entity": Case(COMPOUND, put("<query", ENTITY + b"query"), "hostile_xml"),
    "an entity of nobody": Case(COMPOUND, put("Evans", f"&{CANARY};"), "malformed_xml"),
    "XML that is not well-formed": Case(EXTRACT, put("</Worker>", f"</{CANARY}>"), "malformed_xml"),
    "cut XML": Case(EXTRACT, lambda data: data[:9000], "truncated_xml"),
    "entities of Oracle": Case(EXTRACT, put("<DATA_DS", ENTITY + b"DATA_DS"), "hostile_xml"),
    "another delimiter than declared": Case(
        LOADER, member(lambda data: b"SET FILE_DELIMITER ^\n" + data), "missing_component"
    ),
    "a path elsewhere": Case(LOADER, member(lambda _: b"x", "../Zanzibarova.dat"), "zip_slip"),
    "a zip bomb": Case(LOADER, member(lambda data: data + b"COMMENT " + b"0" * 20_000_000), "zip_bomb"),
}


def checked(feed: str, path: Path, monkeypatch, capsys) -> tuple[dict[str, Any], str]:
    """What `check` says of a file for machines, and all that it said for anybody."""
    monkeypatch.setenv("CANDOR_FEEDS", str(FEEDS / WRITERS[feed][0]))
    command.main(["check", feed, str(path)])
    page = capsys.readouterr()
    command.main(["check", feed, str(path), "--json"])
    machine = capsys.readouterr()
    return json.loads(machine.out), page.out + page.err + machine.out + machine.err


@pytest.mark.parametrize("name", CASES)
def test_what_is_damaged_is_refused_or_quarantined_and_every_row_accounted_for(
    name: str, tmp_path, monkeypatch, capsys
):
    case = CASES[name]
    file, data = sound(case.feed)
    (tmp_path / file).write_bytes(case.damage(data))
    found, said = checked(case.feed, tmp_path / file, monkeypatch, capsys)
    assert (found["held"] or {"reason_code": ""})["reason_code"] == case.held
    if not case.held:
        rows = found["rows"]
        assert rows["reasons"] == case.bad | (ABROAD if case.feed == ODATA else {})
        told = EMPLOYMENTS if case.feed == ODATA else ROWS
        assert (rows["in"], rows["quarantined"]) == (told, sum(case.bad.values()))
        assert rows["accepted"] + rows["quarantined"] + rows["filtered"] == told
    assert not [value for value in (CANARY, "Evans", "w000000@") if value in said]


def test_a_page_that_comes_again_and_again_is_taken_once(store, keys, tmp_path, monkeypatch, capsys):
    """Who follows `__next` in a loop writes the same page until somebody stops it."""
    monkeypatch.setattr(command, "validator", lambda: contextlib.nullcontext(nothing_failed))
    folder, (name, data) = WRITERS[ODATA][0], sound(ODATA)
    page = data.replace(b'{"d": {', b'{"d": {"__next": "EmpEmployment?$skiptoken=1", ', 1)
    place = tmp_path / "exports" / "successfactors" / name
    place.parent.mkdir(parents=True)
    place.write_bytes(b"[" + b", ".join([page] * 3) + b"]")
    (tmp_path / "feeds").mkdir()
    shutil.copy(FEEDS / folder / f"{ODATA}.yaml", tmp_path / "feeds")
    monkeypatch.setenv("CANDOR_EXPORTS", str(tmp_path / "exports"))
    monkeypatch.setenv("CANDOR_FEEDS", str(tmp_path / "feeds"))
    assert command.main(["run", "--batch", "loop"]) == 0
    left_out = 3 * EMPLOYMENTS - ROWS
    assert (
        f"{3 * EMPLOYMENTS} rows in = {ROWS} accepted + 0 quarantined + {left_out} filtered" in capsys.readouterr().out
    )
