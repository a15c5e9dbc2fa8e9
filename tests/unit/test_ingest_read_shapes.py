"""Records that look alike are parsed once a shape, and come out as if each had been parsed."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.ingest.batch import Held
from pipelines.ingest.feeds import Feed
from pipelines.ingest.read import FAULT, ROW, _json_alike, _shapes, _xml_plain, xml_records
from pipelines.ingest.read._records import Record
from pipelines.ingest.read._shapes import Shapes
from pipelines.ingest.read._xml import Flattener

XML = {"record_path": "d/rows/row", "lists": ["l"], "keyed": {"ID": "@type"}, "may_be_empty": True}
HEAD = '<?xml version="1.0" encoding="UTF-8"?><d xmlns:i="http://www.w3.org/2001/XMLSchema-instance"><rows v="1">'
TAIL = "\n</rows></d>\n"
ROW_XML = (
    '\n<row n="{}"><a>{}</a><ID type="{}">{}</ID><ID type="W">{}</ID>{}<b k="{}">{}<c/>{}</b><l m="{}">{}</l></row>'
)
IN_VALUES = [
    "",
    "x",
    "5",
    " ",
    "é",
    "\u00a0",
    "&amp;",
    "\\",
    "=",
    ">",
    "]]",
    "true",
    "\ue0000000001",
    "李",
    "/",
    "\n",
    "\x7f",
]
IN_ROWS = [
    *IN_VALUES,
    *('"', "'", "<", "&", "\x00", "\ufffe", "<a>", "</a>", "<a/>", "<row>", "</row>", "</rows>", "<rows>", "</d>"),
    *(
        '<b k="',
        "<b k='x=\"",
        "' c='",
        '" type="WID"',
        ' type ="W"',
        '" i:nil="true"',
        '" xmlns:p="u"',
        "<p:a>",
        "</p:a>",
    ),
    *("<!--", "-->", "<![CDATA[", "]]>", "<?p", "?>", "<!DOCTYPE a>", '="', "='"),
]


def drawn(data: st.DataObject, pieces: list[str], holes: int) -> list[str]:
    parts = st.lists(st.sampled_from(pieces), max_size=3).map("".join)
    return data.draw(st.lists(parts, min_size=holes, max_size=holes))


def outcome(reads: Any, name: str, data: bytes, options: dict[str, Any]) -> Any:
    """Rows, or why there are none. The order of columns depends on where parts end."""
    try:
        frame, report = reads(name, data, options)
    except Held as held:
        return held.reason_code, str(held)
    return frame.select(sorted(frame.columns)).to_dicts(), report.rows, set(report.columns), report.faults


def same_the_long_way(reads: Any, name: str, data: bytes, options: dict[str, Any], turn_off: Any, piece: int) -> Any:  # noqa: PLR0917
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_xml_plain, "PIECE", piece)
        ours = outcome(reads, name, data, options)
        turn_off(patch)
        assert ours == outcome(reads, name, data, options)
    return ours


def no_xml_shapes(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(xml_records, "style", lambda _: None)


@given(data=st.data(), piece=st.sampled_from([300, 1 << 23]))
@settings(max_examples=60)
def test_any_values_between_the_same_tags_are_read_as_the_parser_reads_them(reads, data: st.DataObject, piece: int):
    rows = [ROW_XML.format(*drawn(data, IN_VALUES, 11)) for _ in range(data.draw(st.integers(1, 5)))]
    same_the_long_way(reads, "xml_records", "".join([HEAD, *rows, TAIL]).encode(), XML, no_xml_shapes, piece)


@given(data=st.data(), piece=st.sampled_from([60, 300, 1 << 23]))
@settings(max_examples=150)
def test_any_markup_is_read_or_refused_as_the_parser_does(reads, data: st.DataObject, piece: int):
    plain = [ROW_XML.format(*"abcdefghijk")] * 2
    odd = ROW_XML.format(*drawn(data, IN_ROWS, 11)) if data.draw(st.booleans()) else "".join(drawn(data, IN_ROWS, 4))
    rows = data.draw(st.permutations([*plain, odd, "<row>" + "".join(drawn(data, IN_ROWS, 3)) + "</row>"]))
    tail = data.draw(st.sampled_from([TAIL, "</rows>", "", "</rows><rows></rows></d>", "</d>", TAIL + "<d/>"]))
    text = "".join([HEAD, *rows, tail]).encode("utf-8", "surrogatepass")
    same_the_long_way(reads, "xml_records", text, XML, no_xml_shapes, piece)


@pytest.mark.parametrize(
    "row",
    [
        "<row><b k='x=\"q' c='r\"'/></row>",  # a double quote within single ones opens no value
        "<row><!-- >--< --></row>",
        "<row><a><![CDATA[>x<]]></a></row>",
        '<row><p:a xmlns:p="u">1</p:a></row>',
        '<row><p:a i:nil="false" xmlns:p="u" p:i="1">1</p:a></row>',
        '<row><ID type="{}">1</ID></row>',
        '<row><ID type ="{}">1</ID></row>',
        '<row><a i:nil="{}"/></row>',
        "<row><b>\u00a0{}<c/>\u3000</b></row>",
        "<row><b>{}\u00a0<c/></b></row>",
        '<row><b k="a&amp;="{}/></row>',
        "<row><a>{}</a></row></rows><rows><row><a>{}</a></row>",
        '<row><a/></row></rows><rows xmlns:p="u"><row><p:a>{}</p:a></row>',
        "<row><a>\x00>\x00{}</a></row>",
        "<row><a>{}</a></row><row><a\x00>\x00</a></row>",  # what a shape looks like within
        "<row><a>]]>{}</a></row>",
        "<row><a>{}</a></row><row>{}</row><x/>t<row/>",
        "<row><row>{}</row></row>",
        "<!DOCTYPE d><row>{}</row>",
        "<row>" + "<a>" * 70 + "{}" + "</a>" * 70 + "</row>",
    ],
)
def test_what_only_looks_like_a_value_is_none(reads, row: str):
    rows = [row.replace("{}", text) for text in ("WID", "true", "x", "false", "x.y")]
    text = "".join([HEAD, ROW_XML.format(*"abcdefghijk"), *rows, TAIL]).encode()
    same_the_long_way(reads, "xml_records", text, XML, no_xml_shapes, 1 << 23)


def test_names_that_an_element_above_declared_end_with_it(reads):
    row = "<row><a>{}</a></row>"
    text = f'<d><rows xmlns:p="u">{row}</rows><rows>{row}<row><p:a>1</p:a></row></rows></d>'
    assert same_the_long_way(reads, "xml_records", text.encode(), XML, no_xml_shapes, 1 << 23)[0] == "malformed_xml"


def test_cells_of_records_that_look_alike_are_each_their_own(reads):
    row = '<row n="{0}1"><a>{0}2</a><b k="{0}3">{0}4<c/> {0}5</b><l>{0}6<m>{0}7</m></l><l><m>{0}8</m></l></row>'
    text = HEAD + row.format("é") + "<row><z>Q&amp;A</z></row>" + row.format("A") + TAIL
    frame, report = reads("xml_records", text.encode(), XML)
    told = frame.drop(ROW, FAULT).to_dicts()
    assert [(cells["@n"], cells["a"], cells["b"], cells["b.@k"], cells["b.c"], cells["z"]) for cells in told] == [
        ("é1", "é2", "é4 é5", "é3", "", None),
        (None, None, None, None, None, "Q&A"),
        ("A1", "A2", "A4 A5", "A3", "", None),
    ]
    assert json.loads(told[2]["l"]) == [{"#text": "A6", "m": "A7"}, {"m": "A8"}]
    assert json.loads(told[0]["l"]) == [{"#text": "é6", "m": "é7"}, {"m": "é8"}]
    assert (report.rows, frame[ROW].to_list()) == (3, [1, 2, 3])


def test_a_shape_is_parsed_once(monkeypatch):
    feed, seen = Feed.model_construct(name="f"), _xml_plain.style({"ID": "@type"})
    assert seen is not None
    document = _xml_plain.Document(None, ("d", "rows", "row"), feed)  # type: ignore[arg-type]
    document._opened, document._close = HEAD.encode(), b"</row></rows></d>"
    parsed: list[str] = []

    def parse(text: str) -> list[Record]:
        parsed.append(text)
        return document.records(text, Flattener((), (), {"ID": "@type"}))

    texts = [ROW_XML.format(n, f"x{n}", "W", *range(8)).removesuffix("</row>") for n in range(5)]
    shapes = Shapes(seen, parse)
    assert [len(shapes.rows(texts) or ()) for _ in range(2)] == [5, 5]
    assert len(parsed) == 1
    monkeypatch.setattr(_shapes, "MAX_LEARNED", 10)
    shapes.rows([texts[0].replace("<a>", "<a><!---->"), texts[0].replace("<a>", "<z/><a>"), texts[0]])
    assert len(parsed) == 4


def test_records_that_all_differ_are_left_to_the_parser_of_the_whole(monkeypatch):
    monkeypatch.setattr(_shapes, "FEW", 2)
    shapes = Shapes(_xml_plain.style({}), lambda _: [Record({"a": "1"})])  # type: ignore[arg-type]
    assert shapes.rows(["<a>", "<b>"])
    assert shapes.rows(["<c>", "<d>"]) is None


@pytest.mark.parametrize("limit", [("PART_ROWS", 2), ("MAX_CELLS", 3)])
def test_frames_of_shapes_are_bounded(reads, monkeypatch, limit: tuple[str, int]):
    monkeypatch.setattr(f"pipelines.ingest.read._records.{limit[0]}", limit[1])
    text = HEAD + "".join(f"<row><a>{n}</a></row>" for n in range(5)) + TAIL
    frame, _ = reads("xml_records", text.encode(), XML)
    assert frame.select(ROW, "a").rows() == [(n + 1, str(n)) for n in range(5)]


JSON = {"record_path": "d.results", "may_be_empty": True, "is_odata_v2": True}
ROW_JSON = (
    '{"__metadata":{"u":{}},"a": {},"b":{"c": {},"d":{"e" :{}}},"f":{"results":[{"g":{},"h": {}},{"g":{}}]},"k":{} }'
)
JSON_VALUES = [
    *('""', '"x"', '"5"', "5", "-0", "0", "1.10", "-0.0", "0.0000001", "123456789012345678901", "1e3", "true", "null"),
    *('"/Date(1583107200000)/"', '"/Date(0+0000)/"', '"/Date(x)/"', '"/D"', r'"\/Date(0)\/"', r'"\ud800"', r'"\u0000"'),
    *('"é李"', '"\ue0000000001"', '"7391004680000001"', "7391004680000001", r'"a\": "', r'"\\"', '": "', '": 5, "'),
    *("[]", '["x: ", "y"]', "[: 5, 6]", '["x: 5, y"]', '{"a.b": 1, "a": {"b": 2}}', '{"__deferred": "x"}'),
    *(
        '{"results": "x"}',
        '{"results": ["/Date(0)/", {"n": 1.50}]}',
        '"\x7f"',
        '"\t"',
        '"\ufffe"',
        "007",
        "+1",
        "[" * 40,
    ),
    *('["\ue0000000000", "7391004680000000"]', '{"7391004680000000": "x"}'),
]
JSON_ROWS = [*JSON_VALUES, "{", "}", "[", "]", ",", ":", '"', "\\", '"a"', "}, {", "}, 1", "]}, [{", "\x00", " "]


def json_row(values: list[str]) -> str:
    first, *others = ROW_JSON.replace("{}", "\x01").split("\x01")
    return first + "".join(value + other for value, other in zip(values, others, strict=True))


def no_json_shapes(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(_json_alike.Nested, "texts", lambda *_: iter(()))


def same_json(reads: Any, rows: list[str], tail: str = "]}}", piece: int = 1 << 23) -> None:
    text = '{"d": {"results": [' + ", ".join(rows) + tail
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_json_alike, "PIECE", piece)
        same_the_long_way(reads, "json_records", text.encode("utf-8", "surrogatepass"), JSON, no_json_shapes, piece)


@given(data=st.data(), piece=st.sampled_from([300, 1 << 23]))
@settings(max_examples=100)
def test_any_values_of_the_same_names_are_read_as_the_parser_reads_them(reads, data: st.DataObject, piece: int):
    values = st.lists(st.sampled_from(JSON_VALUES), min_size=8, max_size=8)
    rows = [json_row(data.draw(values)) for _ in range(data.draw(st.integers(1, 4)))]
    same_json(reads, [*rows, *rows], piece=piece)


@pytest.mark.parametrize("value", JSON_VALUES)
def test_each_value_of_json_is_read_as_the_parser_reads_it(reads, value: str):
    rows = [json_row([each] * 8) for each in ('"x"', value, '"y"', value, "6", "1.5", '"/Date(86400000)/"')]
    same_json(reads, rows)


@given(data=st.data(), piece=st.sampled_from([60, 300, 1 << 23]))
@settings(max_examples=150)
def test_any_json_is_read_or_refused_as_the_parser_does(reads, data: st.DataObject, piece: int):
    plain = [json_row(['"x"', "1", '"y"', "2", '"z"', '"/Date(0)/"', '"w"', "3"])] * 2
    odd = json_row(drawn(data, JSON_ROWS, 8)) if data.draw(st.booleans()) else "".join(drawn(data, JSON_ROWS, 4))
    rows = data.draw(st.permutations([*plain, odd, '{"a": ' + "".join(drawn(data, JSON_ROWS, 1)) + "}"]))
    same_json(reads, rows, data.draw(st.sampled_from(["]}}", "]}", "", '], "results": [{}]}}', "]}}]"])), piece)


@pytest.mark.parametrize(
    "between",
    [
        '{"a": "1"} {"a": "2"}',
        '{"a": "1"}, 7, {"a": "2"}',
        '{"a": "1"}, 1{"a": "2"}',
        "{},, {}",
        '{"a": "1"}, {"a"\x00: "\x00"}',
    ],
)
def test_what_stands_between_records_of_json_is_looked_at(reads, between: str):
    same_json(reads, ['{"a": "3"}', between, '{"a": "4"}'])


def test_values_of_odata_that_look_alike_are_each_their_own(reads):
    row = '{"a": "%s", "n": %s, "l": {"results": [{"t": "/Date(%s)/", "v": "%s"}]}}'
    rows = [row % ("é", "1.10", 0, "w"), '{"a": null}', row % ("B", "12", 4320000000, "z"), "{}"]
    frame, report = reads("json_records", ('{"d": {"results": [' + ", ".join(rows) + "]}}").encode(), JSON)
    assert frame.select(ROW, "a", "n", "l").rows() == [
        (1, "é", "1.10", '[{"t": "1970-01-01T00:00:00.000", "v": "w"}]'),
        (2, "\x00", None, None),
        (3, "B", "12", '[{"t": "1970-02-20T00:00:00.000", "v": "z"}]'),
        (4, None, None, None),
    ]
    assert report.faults == {}


def test_what_looks_like_a_value_in_a_name_stays_in_the_name(reads):
    same_json(reads, ['{"Rating: 5 x": "a", "b": 5}', '{"Rating: 5 x": "c", "b": 6}'])
