"""XML: nested and repeated elements keep their places, and what is hostile is held before it is looked at."""

import io
import json
from typing import Any

import polars as pl
import pytest

from pipelines.ingest.cells import Context
from pipelines.ingest.feeds import Feed
from pipelines.ingest.read import FAULT, NULL, ROW, _records, _xml
from pipelines.ingest.reshape import explode
from pipelines.ingest.rules import Explode

QUOTES = '"' * 100
ROWS = {"record_path": "rows/row", "lists": [], "may_be_empty": False}


def read(reads: Any, text: str, path: str, *lists: str, **more: Any) -> list[dict[str, str]]:
    options = {"record_path": path, "lists": list(lists), "may_be_empty": False}
    frame, report = reads("xml_records", text.encode(), options, **more)
    assert frame[ROW].to_list() == list(range(1, report.rows + 1))
    rows = frame.drop(ROW, FAULT).to_dicts()
    return [{name: text for name, text in row.items() if text is not None} for row in rows]


def test_simple_workday_xml_becomes_columns(reads):
    text = """<?xml version="1.0" encoding="UTF-8"?>
    <wd:Report_Data xmlns:wd="urn:com.workday.report/HRML_Workers">
      <wd:Report_Entry>
        <wd:Worker_ID>000123</wd:Worker_ID>
        <wd:Job_Profile wd:Descriptor="Engineer; Platform"><wd:ID wd:type="WID">0a</wd:ID></wd:Job_Profile>
        <wd:Title>  R&amp;D &lt;lead&gt; &#x674E;</wd:Title>
        <wd:Org_group><wd:Name>A</wd:Name><wd:Unit><wd:Code>7</wd:Code></wd:Unit></wd:Org_group>
        <wd:Empty/>
      </wd:Report_Entry>
      <wd:Report_Entry><wd:Worker_ID>NA</wd:Worker_ID></wd:Report_Entry>
    </wd:Report_Data>"""
    assert read(reads, text, "Report_Data/Report_Entry") == [
        {
            "Worker_ID": "000123",
            "Job_Profile.@Descriptor": "Engineer; Platform",
            "Job_Profile.ID": "0a",
            "Job_Profile.ID.@type": "WID",
            "Title": "  R&D <lead> 李",
            "Org_group.Name": "A",
            "Org_group.Unit.Code": "7",
            "Empty": "",
        },
        {"Worker_ID": "NA"},
    ]


def test_absent_nil_and_empty_are_three_things(reads):
    text = (
        '<rows xmlns:i="http://www.w3.org/2001/XMLSchema-instance">'
        '<row><a i:nil="true"/><b></b></row><row><b i:nil="false">x</b></row></rows>'
    )
    assert read(reads, text, "rows/row") == [{"a": NULL, "b": ""}, {"b": "x"}]


def test_attributes_of_records_are_cells_too(reads):
    assert read(reads, '<rows><row id="007" n="a"/><row id="8">text</row></rows>', "rows/row") == [
        {"@id": "007", "@n": "a"},
        {"@id": "8", "#text": "text"},
    ]


def test_a_declared_list_is_one_also_with_one_member_and_can_be_exploded(reads):
    person = """<CompoundEmployee><person><person_id_external>5</person_id_external>{}</person></CompoundEmployee>"""
    job = "<job><start_date>{}</start_date><event_reason>HIRNEW<previous>DATACHG</previous></event_reason></job>"
    one, two = job.format("2020-01-01"), job.format("2021-01-01")
    text = f"<R>{person.format(one)}{person.format(one + two)}{person.format('')}</R>"
    rows = read(reads, text, "R/CompoundEmployee", "person.job")
    first = {"start_date": "2020-01-01", "event_reason": "HIRNEW", "event_reason.previous": "DATACHG"}
    assert [json.loads(row.get("person.job", "[]")) for row in rows] == [
        [first],
        [first, first | {"start_date": "2021-01-01"}],
        [],
    ]
    frame = pl.DataFrame(rows, schema={"person.person_id_external": pl.String, "person.job": pl.String})
    step = Explode(column="person.job", fields=("start_date", "event_reason.previous"))
    made = explode(frame, step, Context(frozenset(frame.columns), None, b""))  # type: ignore[arg-type]
    assert made["person.job.start_date"].to_list() == ["2020-01-01", "2020-01-01", "2021-01-01"]
    assert made["person.job.event_reason.previous"].to_list() == ["DATACHG"] * 3


def test_a_list_within_a_list_is_text_that_a_mapping_can_take_apart(reads):
    text = "<R><p><e><id>1</id><j>a</j><j>b</j></e><e><j n='2'>c</j></e></p></R>"
    [row] = read(reads, text, "R/p", "e", "e.j")
    assert json.loads(row["e"]) == [
        {"id": "1", "j": '[{"#text": "a"}, {"#text": "b"}]'},
        {"j": '[{"#text": "c", "@n": "2"}]'},
    ]


@pytest.mark.parametrize("opens", ["<a/><a>", "<a/><a><b>"])
def test_six_lists_within_one_another_are_a_row_with_a_fault(reads, opens: str):
    """Each doubles the backslashes before every quote."""
    closes = "</a>" if opens.endswith("<a>") else "</b></a>"
    rows = [f"<row>{opens * count}x{closes * count}</row>" for count in (5, 6, 7, 20)]
    frame, report = reads("xml_records", f"<rows>{''.join(rows)}<row><c>y</c></row></rows>".encode(), ROWS)
    assert frame[FAULT].to_list() == [None, "too_deep", "too_deep", "too_deep", None]
    assert report.faults == {"too_deep": 3}
    text = frame["a"][0]
    for _ in range(5):
        text = next(iter(json.loads(text)[1].values()))
    assert text == "x"


def test_quotes_in_lists_within_lists_are_a_row_with_a_fault_before_they_fill_the_memory(reads, monkeypatch):
    """A hundred quotes are some 200 letters in one list, 400 more in two, 800 more in three."""
    monkeypatch.setattr(_xml, "MAX_DUMPED", 1_000)
    lists = [("<a/><a>" * count, "</a>" * count) for count in (3, 3, 4, 5)]
    rows = [f"<row>{opens}{QUOTES}{closes}</row>" for opens, closes in lists]
    frame, _ = reads("xml_records", f"<rows>{''.join(rows)}<row><c>y</c></row></rows>".encode(), ROWS)
    assert frame[FAULT].to_list() == [None, None, "too_deep", "too_deep", None], "each record counts anew"
    assert frame["a"].str.count_matches('"').to_list()[2:4] == [None, None]


@pytest.mark.parametrize(("column", "fault"), [("a", "undeclared_list"), ("a.b", "undeclared_list"), ("c", None)])
def test_an_element_that_a_rule_reads_may_not_repeat_unless_it_is_declared(reads, column: str, fault: str | None):
    tables = [{"table": "workers", "columns": {"person_id": {"from": column}}}]
    data = b"<rows><row><a><b>1</b></a><a><b>2</b></a></row><row><a><b>3</b></a></row></rows>"
    frame, report = reads("xml_records", data, ROWS, tables=tables)
    assert frame[FAULT].to_list() == [fault, None]
    assert frame["a"].to_list() == ['[{"b": "1"}, {"b": "2"}]', None]
    assert report.faults == ({fault: 1} if fault else {})
    assert reads("xml_records", data, {**ROWS, "lists": ["a"]}, tables=tables)[1].faults == {}


REFERENCES = """<rows><row>
    <Boss><ID type="WID">0a</ID><ID type="Employee_ID">000123</ID></Boss>
    <Mail><Kind>HOME</Kind><To>h</To></Mail><Mail><Kind>WORK</Kind><To>w</To></Mail>
    <Step><Stage><ID type="WID">1b</ID><ID type="Stage_ID">OFFER</ID></Stage></Step>
</row></rows>"""


def test_elements_that_a_key_tells_apart_are_cells_of_their_own_also_within_lists(reads):
    options = {**ROWS, "lists": ["Step"], "keyed": {"ID": "@type", "Mail": "Kind"}}
    frame, _ = reads("xml_records", REFERENCES.encode(), options)
    [row] = frame.drop(ROW, FAULT).to_dicts()
    assert {name: row[name] for name in row if "@" not in name and not name.endswith("Kind")} == {
        "Boss.ID.WID": "0a",
        "Boss.ID.Employee_ID": "000123",
        "Mail.HOME.To": "h",
        "Mail.WORK.To": "w",
        "Step": row["Step"],
    }
    [step] = json.loads(row["Step"])
    assert (step["Stage.ID.WID"], step["Stage.ID.Stage_ID"]) == ("1b", "OFFER")


@pytest.mark.parametrize("key", ["a.b", "", "Home Mail", "é", "x" * 65])
def test_a_key_that_cannot_be_part_of_a_name_leaves_the_element_as_it_is(reads, key: str):
    options = {**ROWS, "keyed": {"ID": "@type"}}
    frame, report = reads("xml_records", f'<rows><row><ID type="{key}">1</ID></row></rows>'.encode(), options)
    assert set(report.columns) == {"ID", "ID.@type"}
    assert frame["ID"].to_list() == ["1"]


def test_a_key_that_comes_twice_is_a_list_that_a_rule_must_not_read(reads):
    tables = [{"table": "workers", "columns": {"person_id": {"from": "Mail.WORK.To"}}}]
    data = b"<rows><row><Mail k='WORK'><To>1</To></Mail><Mail k='WORK'><To>2</To></Mail></row></rows>"
    frame, _ = reads("xml_records", data, {**ROWS, "keyed": {"Mail": "@k"}}, tables=tables)
    assert frame[FAULT].to_list() == ["undeclared_list"]


def test_two_elements_that_would_share_a_column_are_a_fault(reads):
    frame, _ = reads("xml_records", b"<rows><row><a.b>1</a.b><a><b>2</b></a></row></rows>", ROWS)
    assert frame[FAULT].to_list() == ["ambiguous_column"]


def test_a_wrapper_and_its_members_may_have_one_name(reads):
    text = "<D><Jobs><Jobs><n>1</n></Jobs><Jobs><n>2</n></Jobs></Jobs><x><Jobs><Jobs><n>3</n></Jobs></Jobs></x></D>"
    assert read(reads, text, "D/Jobs/Jobs") == [{"n": "1"}, {"n": "2"}]
    assert read(reads, text, "D/x/Jobs") == [{"Jobs.n": "3"}]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "iso-8859-1", "windows-1252"])
def test_the_encoding_that_a_document_declares_is_its_own(reads, encoding: str):
    head = f'<?xml version="1.0" encoding="{encoding.removesuffix("-sig")}"?>'
    data = f"{head}<rows><row><a>Nuñez</a></row></rows>".encode(encoding)
    assert reads("xml_records", data, ROWS)[0]["a"].to_list() == ["Nuñez"]


LAUGHS = """<!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;">]>"""


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty_file"),
        (b" ", "truncated_xml"),
        (b"<rows><row><a>1</a></row><row><a>", "truncated_xml"),
        (b"<rows><row><a>1</a></row>", "truncated_xml"),
        (b"<rows><row><a>1</b></row></rows>", "malformed_xml"),
        (b"<rows><row>&a;</row></rows>", "malformed_xml"),
        (b"<rows><row><w:a>1</w:a></row></rows>", "malformed_xml"),
        (b"<rows><row><a>\xe9</a></row></rows>", "malformed_xml"),
        (b"<rows><row><a>\x00</a></row></rows>", "malformed_xml"),
        (b"<rows/><rows/>", "malformed_xml"),
        (b"{}", "malformed_xml"),
        (b'<?xml version="1.0" encoding="klingon"?><rows/>', "bad_encoding"),
        (b'<?xml version="1.0" encoding="shift_jis"?><rows/>', "bad_encoding"),
        (b"<other><row/></other>", "missing_record_path"),
        (b"<rows><x><row/></x></rows>", "empty_report"),
        (b"<rows><row _fault='1'/><row><_fault/></row></rows>", "reserved_column"),
        (LAUGHS.encode() + b"<rows><row>&c;</row></rows>", "hostile_xml"),
        (LAUGHS.encode() + b"<rows><row a='&c;'/></rows>", "hostile_xml"),
        (b'<!DOCTYPE rows [<!ENTITY a SYSTEM "file:///etc/passwd">]><rows><row>&a;</row></rows>', "hostile_xml"),
        (b'<!DOCTYPE rows [<!ENTITY % a SYSTEM "file:///etc/passwd"> %a;]><rows/>', "hostile_xml"),
        (b'<!DOCTYPE rows SYSTEM "file:///etc/passwd"><rows><row/></rows>', "hostile_xml"),
        (b"<!DOCTYPE rows><rows><row><a>1</a></row></rows>", "hostile_xml"),
        (b"<rows><row>" + b"<a>" * 100 + b"</a>" * 100 + b"</row></rows>", "hostile_xml"),
    ],
)
def test_xml_that_is_not_what_it_should_be_is_held(refuses, data: bytes, reason: str):
    assert refuses("xml_records", data, ROWS) == reason


def test_a_document_type_is_refused_in_any_encoding(refuses):
    assert refuses("xml_records", f"{LAUGHS}<rows><row>&c;</row></rows>".encode("utf-16"), ROWS) == "hostile_xml"


def test_a_report_without_records_can_be_allowed(reads, refuses):
    options = {**ROWS, "may_be_empty": True}
    assert reads("xml_records", b"<rows></rows>", options)[1].rows == 0
    assert refuses("xml_records", b"<other/>", options) == "missing_record_path"


def test_a_record_larger_than_the_limit_holds_the_file(refuses, monkeypatch):
    monkeypatch.setattr(_records, "MAX_RECORD", 1 << 21)
    data = b"<rows><row><a>" + b"x" * (1 << 22) + b"</a></row></rows>"
    assert refuses("xml_records", data, ROWS) == "record_too_large"


def test_what_was_read_does_not_pile_up(monkeypatch):
    monkeypatch.setattr(_xml, "PIECE", 64)
    feed = Feed.model_construct(name="f")
    reader = _xml.Reader(("rows", "row"), feed)
    data = b"<rows>" + b"<x><y/></x><row><a>1</a></row>" * 100 + b"</rows>"
    bounded = _records.Bounded(io.BufferedReader(io.BytesIO(data)), feed)
    siblings = [len(reader._open[0]) for _ in reader.elements(bounded)]
    assert len(siblings) == 100
    assert max(siblings) <= 10


@pytest.mark.parametrize("part", [b"<a/>", b"t<!-- -->", b"t<?p?>", b"<a><b/></a>"])
def test_a_record_of_too_many_parts_holds_the_file(reads, refuses, monkeypatch, part: bytes):
    monkeypatch.setattr(_xml, "MAX_PARTS", 50)
    few, many = part * 20, part * 51
    rows = b"<rows><x>" + b"<y/>" * 60 + b"</x><row>" + few + b"</row><row>" + few + b"</row>"
    assert reads("xml_records", rows + b"</rows>", ROWS)[1].rows == 2
    assert refuses("xml_records", rows + b"<row>" + many + b"</row></rows>", ROWS) == "record_too_large"


def test_comments_beside_the_records_are_counted_too(refuses, monkeypatch):
    monkeypatch.setattr(_xml, "MAX_PARTS", 50)
    data = b"<rows>" + b"t<!-- -->" * 51 + b"<row><a/></row></rows>"
    assert refuses("xml_records", data, ROWS) == "record_too_large"


FULL = {"record_path": "sync/row", "lists": [], "says": {"sync/head/full": ["true", "1"]}, "may_be_empty": False}


@pytest.mark.parametrize(
    "said", ["<full>true</full>", "<x:full xmlns:x='u'> 1\n</x:full>", "<full>t<!-- -->rue</full>"]
)
def test_a_file_that_says_what_its_feed_says_is_read(reads, said):
    frame, _ = reads("xml_records", f"<sync><head>{said}</head><row><a>1</a></row></sync>".encode(), FULL)
    assert frame["a"].to_list() == ["1"]


@pytest.mark.parametrize(
    "text",
    [
        "<sync><head><full>false</full></head><row><a>1</a></row></sync>",
        "<sync><head><full>true<full>false</full></full></head><row><a>1</a></row></sync>".replace("true", ""),
        "<sync><head/><row><a>1</a></row></sync>",
        "<sync><full>true</full><row><a>1</a></row></sync>",
        "<sync><row><a>1</a></row><head><full>true</full></head></sync>",
        "<sync><head><full>true</full><full>false</full></head><row><a>1</a></row></sync>",
    ],
)
def test_a_file_that_says_otherwise_or_too_late_or_nothing_is_held(refuses, text):
    assert refuses("xml_records", text.encode(), FULL) == "another_kind_of_file"


def test_what_a_file_says_is_looked_for_in_its_first_megabyte(refuses, monkeypatch):
    text = f"<sync><!--{'x' * 200_000}--><head><full>true</full></head><row><a>1</a></row></sync>"
    monkeypatch.setattr(_xml, "HEADING", 100_000)
    assert refuses("xml_records", text.encode(), FULL) == "another_kind_of_file"


def test_what_is_broken_or_hostile_is_said_before_what_kind_of_file_it_is(refuses):
    assert refuses("xml_records", b"<sync><head><full>false</full></head><row>", FULL) == "truncated_xml"
    assert refuses("xml_records", b"<!DOCTYPE sync><sync><row/></sync>", FULL) == "hostile_xml"
