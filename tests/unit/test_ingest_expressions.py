"""Rules: what a cell becomes, and which reason a cell that becomes nothing gets."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from pydantic import ValidationError

from pipelines.base.contracts import Column
from pipelines.ingest.cells import Context, cleaned
from pipelines.ingest.expressions import fill, worked_out
from pipelines.ingest.read import NULL
from pipelines.ingest.rules import Rule

END = datetime(2026, 9, 30, 23, 59, 59, 999999, tzinfo=UTC)


def filled(
    rule: dict[str, Any], column: Column, nothing: dict[str, tuple[str, ...]] | None = None, **cells: list[str | None]
) -> tuple[list[Any], list[str | None]]:
    frame = pl.DataFrame(cells, schema=dict.fromkeys(cells, pl.String))
    context = Context(frozenset(frame.columns), END, b"k" * 32, nothing=nothing or {})
    made = fill(Rule.model_validate(rule), column, context)
    out = worked_out(frame.lazy(), [made]).select(value=made.value, fault=made.fault).collect()
    return out["value"].to_list(), out["fault"].to_list()


NUMBER = Column("score_share", "float", required=False)


def test_a_decimal_comma_is_read_only_where_it_is_declared() -> None:
    values, faults = filled({"from": "s", "number": "comma"}, NUMBER, s=["87,5", "87.5", "9", "-1,25"])
    assert values == [87.5, None, 9.0, -1.25]
    assert faults == [None, "unparsable", None, None]


@pytest.mark.parametrize(
    ("rule", "given", "expected"),
    [
        (
            {"thousands": ","},
            ["1,234,567.5", "1,234", "12", "-1,000", "12,34", "1,2345", "1,,234", "1.234,5"],
            [1234567.5, 1234, 12, -1000],
        ),
        (
            {"number": "comma", "thousands": "."},
            ["1.234.567,5", "1.234", "12,5", "1234567,5", "1.23", "1,234.5"],
            [1234567.5, 1234, 12.5, 1234567.5],
        ),
        ({"thousands": " "}, ["1 234", "1\u00a0234\u202f567.25", "1 23"], [1234, 1234567.25]),
        ({"thousands": "'"}, ["1'234.5", "1\u2019234"], [1234.5]),
        (
            {"accounting": True},
            ["(100)", "100-", " (1.5) ", "7", "-3", "(-3)", "-3-", "(3", "()", "-"],
            [-100, -100, -1.5, 7, -3],
        ),
        (
            {"accounting": True, "number": "comma", "thousands": "."},
            ["(1.234,5)", "1.000-", "(1.00)"],
            [-1234.5, -1000],
        ),
        ({}, ["1,234", "(100)", "100-"], []),
    ],
)
def test_what_stands_in_a_number_beside_its_digits_is_said_by_the_feed(rule, given, expected) -> None:
    values, faults = filled({"from": "s"} | rule, NUMBER, s=given)
    assert values == expected + [None] * (len(given) - len(expected))
    assert faults == [None] * len(expected) + ["unparsable"] * (len(given) - len(expected))


def test_thousands_and_decimals_have_signs_of_their_own() -> None:
    for rule in ({"number": "comma", "thousands": ","}, {"thousands": "."}, {"number": "point", "thousands": "."}):
        with pytest.raises(ValidationError, match="another sign than the decimal mark"):
            Rule.model_validate({"from": "s"} | rule)


def test_text_that_only_looks_like_a_number_to_a_computer_is_refused() -> None:
    values, faults = filled({"from": "s"}, NUMBER, s=["1e5", "nan", "inf", "1_000", "0x1", "1,5", ".5", "+2."])
    assert values == [None, None, None, None, None, None, 0.5, 2.0]
    assert faults[:6] == ["unparsable"] * 6


def test_absent_null_and_empty_cells_are_missing_and_only_required_columns_mind() -> None:
    rule = {"from": "d", "date": "%Y-%m-%d"}
    cells: list[str | None] = [None, "\x00", "", "  "]
    assert filled(rule, Column("hired_at", "date"), d=cells)[1] == ["missing"] * 4
    assert filled(rule, Column("terminated_at", "date", required=False), d=cells) == ([None] * 4, [None] * 4)


def test_a_date_that_is_no_date_is_a_fault_even_in_an_optional_column() -> None:
    rule = {"from": "d", "date": "%Y-%m-%d"}
    days = ["2024-02-29", "2024-13-45", "2023-02-29", "9999-12-31", "1899-12-31"]
    values, faults = filled(rule, Column("terminated_at", "date", required=False), d=days)
    assert values == [date(2024, 2, 29), None, None, None, None]
    assert faults == [None, "unparsable", "unparsable", "unparsable", "unparsable"]


def test_a_text_that_stands_for_nothing_is_an_empty_cell_where_it_is_declared() -> None:
    rule = {"from": ["d", "e"], "date": "%Y-%m-%d"}
    nothing = {"": ("9999-12-31",), "e": ("2024-01-02",)}
    ends: list[str | None] = ["9999-12-31", " 9999-12-31 ", "2024-01-01", "2024-01-02", "9999-12-3"]
    others: list[str | None] = ["2024-01-01", "2024-01-02", "9999-12-31", None, "2024-01-01"]
    values, faults = filled(rule, Column("terminated_at", "date", required=False), nothing, d=ends, e=others)
    assert values == [date(2024, 1, 1), None, date(2024, 1, 1), date(2024, 1, 2), None]
    assert faults == [None, None, None, None, "unparsable"]


def test_an_end_is_the_day_that_the_column_keeps_whichever_the_source_writes() -> None:
    column = Column("terminated_at", "date", required=False)
    days: list[str | None] = ["2024-03-01", "2025-03-01", "2026-01-01", ""]
    rule = {"from": "d", "date": "%Y-%m-%d"}
    last = [date(2024, 3, 1), date(2025, 3, 1), date(2026, 1, 1), None]
    assert filled({**rule, "means": "last_day"}, column, d=days) == (last, [None] * 4)
    before = [date(2024, 2, 29), date(2025, 2, 28), date(2025, 12, 31), None]
    assert filled({**rule, "means": "first_day_after"}, column, d=days) == (before, [None] * 4)
    after = [date(2024, 3, 2), date(2025, 3, 2), date(2026, 1, 2), None]
    exclusive = Column("valid_to", "date", required=False, end="first_day_after")
    assert filled({**rule, "means": "last_day"}, exclusive, d=days) == (after, [None] * 4)
    assert filled({**rule, "means": "first_day_after"}, exclusive, d=days) == (last, [None] * 4)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("%m/%d/%Y %I:%M:%S %p", "04/19/2021 01:35:44 PM"),
        ("%d.%m.%Y %-H:%M:%S", "19.04.2021 13:35:44"),
        ("%Y-%m-%dT%H:%M:%S%.3f%:z", "2021-04-19T15:35:44.000+02:00"),
        ("%Y-%m-%dT%H:%M:%S%.3f%:z", "2021-04-18T23:35:44.000-14:00"),
    ],
)
def test_a_moment_keeps_its_time_however_the_format_tells_it(pattern: str, text: str) -> None:
    values, faults = filled({"from": "m", "moment": pattern}, Column("occurred_at", "moment"), m=[text])
    assert (values, faults) == ([datetime(2021, 4, 19, 13, 35, 44, tzinfo=UTC)], [None])


@pytest.mark.parametrize("offset", ["+14:00", "+02:00", "-11:00"])
def test_the_offset_of_a_date_never_moves_its_day(offset: str) -> None:
    rule = {"from": "d", "date": "%Y-%m-%d%:z"}
    values, faults = filled(rule, Column("hired_at", "date"), d=[f"2024-05-01{offset}", "2024-05-01"])
    assert values == [date(2024, 5, 1), None]
    assert faults == [None, "unparsable"]


def test_moments_are_read_as_utc_and_days_may_end_late() -> None:
    moment = Column("occurred_at", "moment")
    assert filled({"from": "m", "moment": "%d.%m.%Y %H:%M"}, moment, m=["05.11.2023 20:21"])[0] == [
        datetime(2023, 11, 5, 20, 21, tzinfo=UTC)
    ]
    for day, text in (("%Y-%m-%d", "2024-04-24"), ("Stand %d.%m.%Y", "Stand 24.04.2024")):
        assert filled({"from": "m", "moment": day, "end_of": "day"}, moment, m=[text])[0] == [
            datetime(2024, 4, 24, 23, 59, 59, 999999, tzinfo=UTC)
        ]


def test_moments_may_be_seconds_or_milliseconds_since_1970() -> None:
    column = Column("known_from", "moment", required=False)
    cells: list[str | None] = ["1628509001183", "0", "-315619200000", "1628509001.5", "1e12", "9" * 15, "9" * 20, None]
    values, faults = filled({"from": "m", "moment": "%s%3f"}, column, m=cells)
    assert values[:3] == [
        datetime(2021, 8, 9, 11, 36, 41, 183000, tzinfo=UTC),
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(1960, 1, 1, tzinfo=UTC),
    ]
    assert values[3:] == [None] * 5
    assert faults == [None] * 3 + ["unparsable"] * 4 + [None]
    assert filled({"from": "m", "moment": "%s"}, column, m=["1628509001", "1628509001183"]) == (
        [datetime(2021, 8, 9, 11, 36, 41, tzinfo=UTC), None],
        [None, "unparsable"],
    )
    seconds = ["1628509001", "-1628509001", "4102444799", "4102444800"]
    assert filled({"from": "m", "moment": "%s%3f"}, column, m=seconds)[1] == ["unparsable"] * 3 + [None]
    day = {"from": "d", "date": "%s%3f"}
    assert filled(day, Column("hired_at", "date"), d=["1628553599999", "1628553600000"])[0] == [
        date(2021, 8, 9),
        date(2021, 8, 10),
    ]


def test_a_moment_of_clocks_elsewhere_is_never_earlier_than_it_was() -> None:
    column = Column("occurred_at", "moment")
    rule = {"from": "m", "moment": "%d.%m.%Y %H:%M", "zone": "Europe/Berlin"}
    # Clocks there went from 2 to 3 on 28 March and showed every minute from 2 to 3 twice on 31 October.
    told: list[str | None] = ["19.04.2021 15:35", "19.11.2021 13:35", "31.10.2021 02:30", "28.03.2021 02:30", None]
    values, faults = filled(rule, column, m=told)
    assert values == [
        datetime(2021, 4, 19, 13, 35, tzinfo=UTC),
        datetime(2021, 11, 19, 12, 35, tzinfo=UTC),
        datetime(2021, 10, 31, 1, 30, tzinfo=UTC),
        None,
        None,
    ]
    assert faults == [None, None, None, "unparsable", "missing"]
    west = filled({**rule, "zone": "America/Los_Angeles"}, column, m=["19.04.2021 18:00"])[0]
    assert west == [datetime(2021, 4, 20, 1, 0, tzinfo=UTC)]
    worded = {"from": "m", "moment": "%d.%m.%Y godz. %H:%M", "zone": "Europe/Warsaw"}  # its z is no Z
    assert filled(worded, column, m=["19.04.2021 godz. 15:35"])[0] == [datetime(2021, 4, 19, 13, 35, tzinfo=UTC)]


@pytest.mark.parametrize(
    ("zone", "pattern", "text", "day"),
    [
        ("Europe/Berlin", "%Y-%m-%dT%H:%M:%S%.3fZ", "2017-06-21T22:00:00.000Z", 22),
        ("America/Los_Angeles", "%Y-%m-%dT%H:%M:%S%.3fZ", "2017-06-22T07:00:00.000Z", 22),
        ("America/Los_Angeles", "%Y-%m-%dT%H:%M:%S%:z", "2017-06-22T00:00:00+02:00", 21),
        ("Europe/Berlin", "%s%3f", "1498082400000", 22),
        ("Europe/Berlin", "%Y-%m-%d %H:%M:%S UTC", "2017-06-21 22:00:00 UTC", 22),
        ("America/New_York", "%Y-%m-%d %H:%M (GMT)", "2017-06-22 04:00 (GMT)", 22),
        ("America/New_York", "%Y-%m-%d %H:%M+00:00", "2017-06-22 03:59+00:00", 21),
        ("Europe/Berlin", "%a %b %d %H:%M:%S GMT %Y", "Wed Jun 21 22:00:00 GMT 2017", 22),
        (None, "%Y-%m-%d %H:%M:%S", "2017-06-22 00:00:00", 22),
        (None, "%Y-%m-%dT%H:%M:%S%.3fZ", "2017-06-21T22:00:00.000Z", 21),
        (None, "%Y-%m-%dT%H:%M:%S%:z", "2017-06-22T00:00:00+02:00", 22),
    ],
)
def test_a_day_told_as_its_midnight_is_that_day_where_the_source_says_whose_midnight(zone, pattern, text, day) -> None:
    rule = {"from": "d", "date": pattern, "zone": zone}
    assert filled(rule, Column("hired_at", "date"), d=[text]) == ([date(2017, 6, day)], [None])


@pytest.mark.parametrize(
    "more",
    [
        {"date": "%Y-%m-%d"},
        {"date": "%Y-%m-%d%:z"},
        {"date": "%Y-%m-%d %H:%M:%S"},
        *({"date": f"%Y-%m-%d %H:%M{offset}"} for offset in (" %Z", "+02:00", " GMT+2")),
        {"date": "%Y-%m-%d", "moment": "%Y-%m-%d %H:%M"},
        {"date": "%Y-%m-%dT%H:%M%:z", "moment": "%Y-%m-%dT%H:%M%:z"},
        {"moment": "%Y-%m-%d"},
        {"moment": "%Y-%m-%d %H:%M", "end_of": "day"},
        *({"moment": f"%Y-%m-%dT%H:%M:%S{offset}"} for offset in ("Z", "%z", "%:z", "%#z", "+00:00", " UTC", " GMT")),
        {"moment": "%a %b %d %H:%M:%S GMT %Y"},
        {"moment": "%s%3f"},
        {"moment": "%+"},
        {},
    ],
)
def test_a_zone_is_refused_where_it_would_move_what_is_told_already(more) -> None:
    with pytest.raises(ValidationError, match="zone goes with"):
        Rule.model_validate({"from": "d", "zone": "Europe/Berlin", **more})


@pytest.mark.parametrize(
    "pattern",
    [
        *(
            f"%Y-%m-%d %H:%M{offset}"
            for offset in (" +0200", "-07:00", "-07", "+2", " GMT+2", " (UTC+02:00)", " CEST", " (MEZ)", " EST", " %Z")
        ),
        *(f"%Y-%m-%d %H:%M{named}" for named in ("NZ", " MESZ", " EST (UTC)", " (Pacific Standard Time)", " UTC2")),
        *(f"%Y-%m-%d %H:%M{more}" for more in ("+0200Z", "+02:00 GMT", "+00:30", " \u221202:00", "[Europe/Berlin]")),
        *(f"%Y-%m-%d %H:%M{more}" for more in ("\u201305:00", " europe/berlin", " 0500", "\uff0b09:00")),
        "%a %b %d %H:%M:%S CET %Y",
        "%Y-%m-%d %I:%M %p EST",
        "%d.%m.%Y %T +0100",
        *(f"{time}-07 %d.%m.%Y" for time in ("%H:%M", "%H:%M:%S", "%H:%M:%S%.3f", "%I:%M %p", "%I:%M %P")),
        "MEZ %d.%m.%Y %H:%M",
    ],
)
def test_an_offset_that_nobody_would_read_is_refused_and_not_taken_for_utc(pattern: str) -> None:
    with pytest.raises(ValidationError, match=r"moment\n.*must not have an offset or a name of a zone as its words"):
        Rule.model_validate({"from": "d", "moment": pattern})


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("%Y-%m-%d %H:%M:%S %z", "2026-07-01 10:00:00 +0200"),
        ("%Y-%m-%d %H:%M:%S%:z", "2026-07-01 01:00:00-07:00"),
        ("%Y-%m-%d %H:%M:%S GMT%#z", "2026-07-01 10:00:00 GMT+02"),
        ("%Y-%m-%d %H:%M:%S (GMT)", "2026-07-01 08:00:00 (GMT)"),
        ("%d.%m.%Y um %H:%M Uhr", "01.07.2026 um 08:00 Uhr"),
        ("%d-%b-%Y %I:%M %p", "01-Jul-2026 08:00 AM"),
        ("%a %b %d %H:%M:%S GMT %Y", "Wed Jul 01 08:00:00 GMT 2026"),
        ("%d/%m/%Y \u00e0 %Hh%M", "01/07/2026 \u00e0 08h00"),
        ("%G-W%V-%uT%H:%M", "2026-W27-3T08:00"),
        ("%B %dst, %Y at %I:%M %p", "July 01st, 2026 at 08:00 AM"),
        ("%H:%M-%d.%m.%Y", "08:00-01.07.2026"),
        ("%H:%M %Y-%m-01", "08:00 2026-07-01"),
        ("%d%H%MZ%b%Y", "010800ZJul2026"),
        ("%Y-%m-%d %H:%M:%S %z %Z", "2026-07-01 10:00:00 +0200 CEST"),
        (
            "%Y-%m-%d %H:%M:%S GMT+0000 (Coordinated Universal Time)",
            "2026-07-01 08:00:00 GMT+0000 (Coordinated Universal Time)",
        ),
        ("%Y-%m-01T%H:%M:%S", "2026-07-01T08:00:00"),
        ("%H:%M:%S %Y-%m-%d", "08:00:00 2026-07-01"),
        ("%Y-%m-%dT%H:%M:%S%.3f+00:00", "2026-07-01T08:00:00.000+00:00"),
    ],
)
def test_an_offset_is_read_where_the_format_reads_it(pattern: str, text: str) -> None:
    told = filled({"from": "d", "moment": pattern}, Column("seen_at", "moment"), d=[text])
    assert told == ([datetime(2026, 7, 1, 8, tzinfo=UTC)], [None])


@pytest.mark.parametrize("name", ["Berlin", "CET+1"])
def test_a_zone_has_a_name_that_is_known(name: str) -> None:
    with pytest.raises(ValidationError, match="must be a time zone of the IANA database"):
        Rule.model_validate({"from": "d", "moment": "%Y-%m-%d %H:%M", "zone": name})


def test_markup_leaves_its_text_and_words_stay_whole() -> None:
    rule = {"from": "t", "html": True}
    cells: list[str | None] = [
        "<p>We look for\n<b>S</b>enior&nbsp;people.</p><ul><li>R&amp;D</li><li>5 &lt; 6</li></ul><!-- <p>no</p> -->",
        "plain  text",
        "<br/>",
        None,
    ]
    values, _ = filled(rule, Column("title", "text", required=False), t=cells)
    assert values == ["We look for Senior people. R&D 5 < 6", "plain text", None, None]


@pytest.mark.parametrize("pattern", ["%d.%m.%y", "%d.%m.%-y", "%D", "%x", "%g-W%V-%u", "100%%", "d.m.Y"])
def test_two_digit_years_are_refused_when_the_feed_is_read(pattern: str) -> None:
    with pytest.raises(ValueError, match="four-digit year"):
        Rule.model_validate({"from": "d", "date": pattern})


@pytest.mark.parametrize("pattern", ["%Y-%m-%d %I:%M", "%Y-%m-%d %H:%M %p", "%Y-%m-%d %H"])
def test_a_format_that_no_reader_takes_is_refused_when_the_feed_is_read_and_stops_no_batch(pattern: str) -> None:
    with pytest.raises(ValueError, match="must be a format that can be read"):
        Rule.model_validate({"from": "d", "date": pattern})


def test_a_month_ends_on_its_last_day() -> None:
    rule = {"template": "{month}-01", "date": "%Y-%m-%d", "end_of": "month"}
    assert filled(rule, Column("period_end", "date"), month=["2024-02", "2026-09"])[0] == [
        date(2024, 2, 29),
        date(2026, 9, 30),
    ]


def test_unknown_codes_are_rejected_unless_the_feed_says_otherwise() -> None:
    column = Column("level_code", "code", required=False)
    cells: list[str | None] = ["Beginner", "Odd", None]
    codes = {"codes": {"Beginner": "foundation"}}
    assert filled({"from": "l", **codes}, column, l=cells) == (["foundation", None, None], [None, "unknown_code", None])
    assert filled({"from": "l", **codes, "else": "keep"}, column, l=cells)[0] == ["foundation", "Odd", None]
    assert filled({"from": "l", **codes, "else": "null"}, column, l=cells) == (["foundation", None, None], [None] * 3)
    assert filled({"from": "l", **codes, "else": "other"}, column, l=cells)[0] == ["foundation", "other", None]


def test_silence_is_no_consent() -> None:
    rule = {"from": "c", "absent": "0", "codes": {"1": "true", "0": "false"}}
    values, faults = filled(rule, Column("is_given", "bool"), c=["1", "0", None, "", "yes"])
    assert values == [True, False, False, False, None]
    assert faults[4] == "unknown_code"


def test_relative_days_are_anchored_to_a_date_and_may_come_before_it() -> None:
    rule = {"from": "starts", "moment": "%Y-%m-%d", "plus_days": ["left", "length"]}
    values, faults = filled(
        rule,
        Column("occurred_at", "moment"),
        starts=["2013-10-01", "2013-10-01", "2013-10-01", "2013-10-01"],
        left=["-3.0", None, None, "soon"],
        length=["268", "30", None, "268"],
    )
    assert values[:2] == [datetime(2013, 9, 28, tzinfo=UTC), datetime(2013, 10, 31, tzinfo=UTC)]
    assert faults == [None, None, "missing", "unparsable"]


def test_an_amount_of_money_is_kept_as_it_is_written_or_not_at_all() -> None:
    texts = ["21.3755", "+7", "-0.5", "1.50000", "99999999999999.9999"]
    texts += ["1.00001", "123456789012345", "1e3", "12 EUR", None]
    values, faults = filled({"from": "pay"}, Column("amount", "money"), pay=texts)
    assert values[:5] == [Decimal(text) for text in ("21.3755", "7", "-0.5", "1.5", "99999999999999.9999")]
    assert values[5:] == [None] * 5
    assert faults == [None] * 5 + ["unparsable"] * 4 + ["missing"]
    german = {"from": "pay", "number": "comma", "thousands": "."}
    assert filled(german, Column("amount", "money"), pay=["4.100,50"])[0] == [Decimal("4100.50")]


def test_minutes_lead_from_a_beginning_to_an_end_to_the_microsecond() -> None:
    rule = {"from": "starts", "moment": "%Y-%m-%d %H:%M", "plus_minutes": "takes"}
    values, faults = filled(
        rule,
        Column("ends_at", "moment"),
        starts=["2024-02-28 23:50", *["2024-03-01 10:00"] * 4, None],
        takes=["50", "-0.1", "2.01", None, "an hour", "5"],
    )
    assert values[:3] == [
        datetime(2024, 2, 29, 0, 40, tzinfo=UTC),
        datetime(2024, 3, 1, 9, 59, 54, tzinfo=UTC),
        datetime(2024, 3, 1, 10, 2, 0, 600_000, tzinfo=UTC),
    ]
    assert faults == [None, None, None, "missing", "unparsable", "missing"]


def test_lateness_is_the_difference_of_two_columns_and_unknown_without_a_due_day() -> None:
    values, faults = filled({"from": "sent", "minus": "due"}, NUMBER, sent=["18", "18"], due=["19", None])
    assert values == [-1.0, None]
    assert faults == [None, None]


def test_a_scale_is_laid_on_a_share_and_what_lies_outside_stays_outside() -> None:
    rule = {"from": "r", "number": "comma", "range": [1, 5]}
    assert filled(rule, NUMBER, r=["1,0", "4,0", "7,0"])[0] == [0.0, 0.75, 1.5]


@pytest.mark.parametrize("high", [49, 98, 103, 107])  # times their inverse they are not 1
def test_the_highest_of_a_scale_is_1_to_the_last_bit(high: int) -> None:
    rule = {"from": "r", "range": [0, high]}
    assert filled(rule, NUMBER, r=[str(high), None])[0] == [1.0, None]
    assert filled(rule, NUMBER, r=[str(high), "0", "7"])[0] == [1.0, 0.0, 7 / high]


def test_clipping_is_for_feeds_that_ask_for_it() -> None:
    assert filled({"from": "r", "clip": [0, 1]}, NUMBER, r=["1.12", "0.4"])[0] == [1.0, 0.4]


def test_identifiers_become_pseudonyms_and_leading_zeros_matter() -> None:
    column = Column("person_id", "id")
    values, _ = filled({"from": "w", "person": "workday_worker"}, column, w=["000123", "123", "000123"])
    other, _ = filled({"from": "w", "person": "workday_candidate"}, column, w=["000123"])
    assert values[0] == values[2]
    assert len({values[0], values[1], other[0]}) == 3
    assert all(value.startswith("p_") and len(value) == 34 for value in [*values, *other])


def test_a_template_with_an_empty_part_is_missing() -> None:
    values, faults = filled({"template": "{a}|{b}"}, Column("person_id", "id"), a=["x", "x"], b=["1", ""])
    assert values == ["x|1", None]
    assert faults == [None, "missing"]


def test_several_members_of_a_group_are_one_code_and_another_column_can_decide() -> None:
    rule = {
        "listed": {"column": "g", "field": "ID", "many": "two_or_more"},
        "override": [{"column": "h", "equals": "1", "value": "H"}],
        "codes": {"W": "white", "H": "hispanic", "two_or_more": "two_or_more"},
    }
    values, _ = filled(
        rule,
        Column("value_code", "code", required=False),
        g=['[{"ID":"W"}]', '[{"ID":"W"},{"ID":"B"}]', '[{"ID":"W"},{"ID":"W"}]', '[{"ID":"W"}]', None],
        h=["0", "0", None, "1", "0"],
    )
    assert values == ["white", "two_or_more", "white", "hispanic", None]


def test_spreading_is_stable_and_stays_within_its_days() -> None:
    rule = {"constant": "2021-01-04T09:00:00Z", "spread_days": 10, "spread_by": "r"}
    names = [str(number) for number in range(200)]
    values, _ = filled(rule, Column("occurred_at", "moment"), r=names)
    again, _ = filled(rule, Column("occurred_at", "moment"), r=names)
    assert values == again
    assert {(value - datetime(2021, 1, 4, 9, tzinfo=UTC)).days for value in values} == set(range(10))


def test_a_rule_has_one_source() -> None:
    with pytest.raises(ValueError, match="exactly one of from"):
        Rule.model_validate({"from": "a", "constant": "b"})


@pytest.mark.parametrize("blank", ["", " ", "\t\n", "\u00a0", "\u3000 ", "\u2028", NULL, f" {NULL} "])
def test_a_cell_that_shows_nothing_is_missing_whatever_it_is_blank_with(blank):
    frame = pl.DataFrame({"a": ["x", blank, None], "plain": ["x", "y", None], "b": [blank, "é", "~"]})
    clean = cleaned(frame, frame.columns, Context(frozenset(frame.columns), END, b""))
    assert clean.to_dict(as_series=False) == {"a": ["x", None, None], "plain": ["x", "y", None], "b": [None, "é", "~"]}


def test_words_that_a_source_writes_for_nothing_are_missing_in_columns_without_blanks_too():
    frame = pl.DataFrame({"a": ["none", "x"], "b": ["none", "x"]})
    context = Context(frozenset(frame.columns), END, b"", nothing={"a": ("none",)})
    assert cleaned(frame, ["a", "b"], context).rows() == [(None, "none"), ("x", "x")]
