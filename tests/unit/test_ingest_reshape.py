"""What happens to rows before rules: which row of several a join finds, what members of a group know of each other."""

import json
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest
from pydantic import ValidationError

from pipelines.base.errors import ContractError
from pipelines.ingest.cells import Context
from pipelines.ingest.read import ROW
from pipelines.ingest.reshape import REASON, Shaped, join, keep_rows, shape
from pipelines.ingest.rules import Condition, Join, Rule, TableMap

BLANK = Context(frozenset(), datetime(2026, 1, 1, tzinfo=UTC), b"")
STATUS = pl.DataFrame(
    {
        "who": ["1", "1", "1", "2", "2", "4", "4"],
        "day": ["2024-05-01", "2026-01-01", "2020-01-01", "2021-01-01", "2021-01-01", "2022-01-01", None],
        "id": ["9", "30", "4", "10", "9", "1", "2"],
        "status": ["Part-Time", "Terminated", "Full-Time", "later", "earlier", "dated", "undated"],
    }
)


def frame(**cells: list[str | None]) -> pl.DataFrame:
    count = len(next(iter(cells.values())))
    return pl.DataFrame({ROW: range(1, count + 1), **cells}, schema_overrides={ROW: pl.Int64()})


def looked_up(**more: Any) -> pl.DataFrame:
    step = {"feed": "status", "match": {"key": "who"}, "take": {"status": "status"}, "missing": "keep"}
    shaped = Shaped(frame(key=["1", "2", "3", "4"]), [], [])
    join(shaped, Join.model_validate({**step, **more}), BLANK, lambda _: STATUS)
    return shaped.frame


def test_of_several_rows_the_latest_is_found_whatever_their_order():
    assert looked_up(latest=["day", "id"])["status"].to_list() == ["Terminated", "later", None, "dated"]
    assert looked_up(latest=["id"])["status"].to_list() == ["Terminated", "later", None, "undated"]


def test_the_latest_is_found_though_it_says_what_an_older_one_said():
    """Full time, then part time, then full time again: the row in between is not the last."""
    hours = pl.DataFrame({"who": ["1"] * 3, "day": ["2020", "2022", "2024"], "status": ["full", "part", "full"]})
    step = {"feed": "x", "match": {"key": "who"}, "take": {"status": "status"}, "missing": "keep"}
    for chosen in ({"latest": ["day"]}, {"count": "n"}):
        shaped = Shaped(frame(key=["1"]), [], [])
        join(shaped, Join.model_validate({**step, **chosen}), BLANK, lambda _: hours)
        assert shaped.frame["status"].to_list() == ["full"]


def test_of_several_rows_the_earliest_is_found_and_one_without_a_day_is_none():
    assert looked_up(earliest=["day", "id"])["status"].to_list() == ["Full-Time", "earlier", None, "dated"]
    assert looked_up(earliest=["id"])["status"].to_list() == ["Full-Time", "earlier", None, "dated"]
    among = {"status": ["Terminated", "Part-Time"]}
    assert looked_up(earliest=["day"], where=among)["status"].to_list() == ["Part-Time", None, None, None]
    with pytest.raises(ValidationError, match="latest must not stand beside earliest"):
        looked_up(latest=["day"], earliest=["day"])
    with pytest.raises(ValidationError, match="many goes with none"):
        looked_up(many=True, earliest=["day"])


def test_the_latest_moment_is_the_latest_however_many_digits_it_has():
    moments = ["2026-03-01T10:00:00Z", "2026-01-01T10:00:00.123Z"]
    other = pl.DataFrame({"who": ["1", "1"], "at": moments, "status": ["later", "longer"]})
    step = {"feed": "x", "match": {"key": "who"}, "take": {"status": "status"}, "missing": "keep", "latest": ["at"]}
    shaped = Shaped(frame(key=["1"]), [], [])
    join(shaped, Join.model_validate(step), BLANK, lambda _: other)
    assert shaped.frame["status"].to_list() == ["later"]


def test_what_is_counted_and_what_is_taken_have_names_of_their_own():
    with pytest.raises(ValidationError, match="a column of its own"):
        looked_up(count="status")


def test_only_rows_of_declared_texts_are_found():
    among = {"status": ["Full-Time", "Part-Time"]}
    assert looked_up(latest=["day"], where=among)["status"].to_list() == ["Part-Time", None, None, None]


def test_rows_are_counted_before_one_is_chosen_and_none_are_zero():
    assert looked_up(latest=["day"], count="rows")["rows"].to_list() == ["3", "2", "0", "2"]
    some = looked_up(count="rows", where={"status": ["later", "Terminated"]})
    assert some["rows"].to_list() == ["1", "1", "0", "0"]
    assert some.columns == [ROW, "key", "status", "rows"]


def test_a_row_does_not_find_itself():
    """Two of three end when another begins, the second and the third at once."""
    stays = frame(id=["9", "10", "11"], ended=["a", "b", "b"], begun=["x", "b", "b"])
    step = {"feed": "x", "match": {"ended": "begun"}, "take": {"next": "id"}, "latest": ["id"], "itself": "id"}
    shaped = Shaped(stays, [], [])
    join(shaped, Join.model_validate({**step, "missing": "keep"}), BLANK, lambda _: stays)
    assert (shaped.frame["next"].to_list(), shaped.frame.columns) == ([None, "11", None], [*stays.columns, "next"])
    shaped = Shaped(stays, [], [])
    join(shaped, Join.model_validate({**step, "missing": "reject"}), BLANK, lambda _: stays)
    assert (shaped.frame["id"].to_list(), len(shaped.rejected[0])) == (["10"], 2)
    with pytest.raises(ValidationError, match="itself goes with latest"):
        Join.model_validate({**step, "missing": "keep", "latest": []})


def test_different_texts_are_counted_instead_of_rows():
    other = pl.DataFrame({"who": ["1", "1", "1", "2", "2"], "status": ["a", "b", "a", "c", ""]})
    step = {"feed": "x", "match": {"key": "who"}, "take": {"key_there": "who"}, "missing": "keep", "count": "n"}
    shaped = Shaped(frame(key=["1", "2", "3"]), [], [])
    join(shaped, Join.model_validate({**step, "distinct": "status"}), BLANK, lambda _: other)
    assert shaped.frame["n"].to_list() == ["2", "1", "0"]
    with pytest.raises(ValidationError, match="distinct goes with count"):
        Join.model_validate({**step, "count": None, "distinct": "status"})


def test_a_column_that_is_there_is_not_taken_for_the_one_looked_up():
    step = {"feed": "status", "match": {"key": "who"}, "take": {"status": "status"}, "missing": "keep"}
    shaped = Shaped(frame(key=["1"], status=["its own"]), [], [])
    with pytest.raises(ContractError, match="has status itself"):
        join(shaped, Join.model_validate(step), BLANK, lambda _: STATUS.head(1))


def test_a_join_that_repeats_rows_leaves_none_to_choose():
    with pytest.raises(ValidationError, match="many goes with none"):
        looked_up(many=True, latest=["day"])


def mapped(**more: Any) -> TableMap:
    given = {"table": "application_events", "columns": {"stage_code": {"from": "history.stage"}}}
    return TableMap.model_validate({**given, **more})


def test_a_member_of_a_group_knows_what_came_after_it():
    history = ['[{"stage": "a", "at": "1"}, {"stage": "b", "at": "2"}]', "[]", '[{"stage": "c", "at": "7"}]']
    step = {"column": "history", "fields": ["stage"], "next": ["at", "stage"]}
    made = shape(frame(history=history), mapped(explode=step, rows=[]), BLANK, lambda _: STATUS).frame
    columns = ["history.stage", "history.next.at", "history.next.stage"]
    assert made.select(ROW, *columns).rows() == [(1, "a", "2", "b"), (1, "b", None, None), (3, "c", None, None)]


def test_of_a_group_the_latest_member_alone_may_become_a_row_and_tell_the_least_of_all():
    """Two who were here before, told in both orders, one of whom has a member without a day; and one who was not."""
    history = [
        '[{"at": "2019-01-01", "stage": "b"}, {"at": "2012-05-01", "stage": "a"}]',
        '[{"at": " ", "stage": "x"}, {"at": "2011-01-01", "stage": "a"}, {"at": "2020-01-01", "stage": "c"}]',
        '[{"at": "2018-01-01", "stage": "d"}, {"at": "2018-01-01", "stage": "e"}]',
        "[]",
    ]
    step = {"column": "history", "fields": ["stage", "at"], "latest": ["at"], "least": ["at"]}
    columns = ["history.stage", "history.at", "history.least.at"]
    table = mapped(explode=step, rows=[{"column": "history.least.at", "filled": True, "reason": "undated"}])
    made = shape(frame(history=history), table, BLANK, lambda _: STATUS).frame
    assert made.select(ROW, *columns).rows() == [
        (1, "b", "2019-01-01", "2012-05-01"),
        (2, "c", "2020-01-01", "2011-01-01"),
        (3, "e", "2018-01-01", "2018-01-01"),
    ]
    all_of_them = mapped(explode={**step, "latest": []}, rows=table.rows)
    rows = shape(frame(history=history[:2]), all_of_them, BLANK, lambda _: STATUS).frame
    assert rows["history.least.at"].to_list() == ["2012-05-01"] * 2 + ["2011-01-01"] * 3
    with pytest.raises(ValidationError, match="must be of fields that the step takes"):
        mapped(explode={**step, "least": ["day"]})


def test_the_latest_member_is_chosen_among_those_that_a_condition_leaves():
    """By hand: one whose latest is left out, one of whom nothing is left, one whose kind nobody told."""
    history = [
        '[{"at": "2015-01-01", "kind": "ST"}, {"at": "2025-01-01", "kind": "GA"}, {"at": "2010-01-01", "kind": "ST"}]',
        '[{"at": "2025-01-01", "kind": "GA"}]',
        '[{"at": "2015-01-01"}, {"at": "2025-01-01", "kind": "GA"}]',
    ]
    rows = [{"column": "history.kind", "not_among": ["GA"], "reason": "abroad"}]
    step = {"column": "history", "fields": ["at", "kind"], "latest": ["at"], "least": ["at"], "rows": rows}
    shaped = shape(frame(history=history), mapped(explode=step, rows=[]), BLANK, lambda _: STATUS)
    assert shaped.frame.select(ROW, "history.at", "history.least.at").rows() == [
        (1, "2015-01-01", "2010-01-01"),
        (3, "2015-01-01", "2015-01-01"),
    ]
    assert [note.rows() for note in shaped.filtered] == [[(1, "abroad"), (2, "abroad"), (3, "abroad")]]
    assert shaped.rejected == []
    with pytest.raises(ValidationError, match="rows of explode goes with latest"):
        mapped(explode={**step, "latest": []})
    with pytest.raises(ValidationError, match="rows of explode must be of columns that the step makes"):
        mapped(explode={**step, "rows": [{**rows[0], "column": "kind"}]})


def test_a_join_by_what_a_group_has_comes_after_the_group():
    step = {"column": "history", "fields": ["stage"]}
    found = {"feed": "x", "match": {"history.stage": "who"}, "take": {"is": "status"}, "missing": "reject"}
    table = mapped(explode=step, join=[{**found, "latest": ["day"]}])
    assert table.reads() == {"history"}
    shaped = shape(frame(history=['[{"stage": "1"}, {"stage": "3"}]']), table, BLANK, lambda _: STATUS)
    assert shaped.frame["is"].to_list() == ["Terminated"]
    assert [note[REASON].to_list() for note in shaped.rejected] == [["unknown_x"]]


def test_a_join_by_what_a_late_join_takes_comes_after_it():
    group = {"column": "history", "fields": ["stage"]}
    first = {"feed": "x", "match": {"history.stage": "who"}, "take": {"id": "id"}, "missing": "keep", "latest": ["day"]}
    second = {"feed": "x", "match": {"id": "id"}, "take": {"is": "status"}, "missing": "reject", "latest": ["day"]}
    shaped = shape(
        frame(history=['[{"stage": "1"}]']), mapped(explode=group, join=[first, second]), BLANK, lambda _: STATUS
    )
    assert shaped.frame.select("id", "is").rows() == [("30", "Terminated")]


def test_numbers_are_compared_as_numbers_and_what_is_none_is_not_above():
    shaped = Shaped(frame(a=["10", "9", "5", None, "x", "4"], b=["9", "10", "5", "1", "1", None]), [], [])
    keep_rows(shaped, Condition.model_validate({"column": "a", "above": "b", "reason": "back"}), BLANK)
    assert shaped.frame[ROW].to_list() == [1]
    assert shaped.filtered[0][REASON].to_list() == ["back"] * 5


def test_ids_that_do_not_look_like_one_are_rejected_and_missing_ones_are_left_to_the_rules():
    ids = ["000123", "123", "0001234", " 000123", "000123\n", None, "Ann Lee", "٠٠٠١٢٣", ""]
    shaped = Shaped(frame(a=ids), [], [])
    looks = {"column": "a", "like": "[0-9]{6}|X", "reason": "no_employee_id", "reject": True}
    keep_rows(shaped, Condition.model_validate(looks), BLANK)
    assert shaped.frame["a"].to_list() == ["000123", None, ""]
    assert shaped.rejected[0][REASON].to_list() == ["no_employee_id"] * 6


@pytest.mark.parametrize("pattern", ["(", "(?=a)", r"(a)\1", "(?x)a #", ""])
def test_a_pattern_that_is_none_is_a_fault_of_the_declaration(pattern):
    with pytest.raises(ValidationError, match=r"regular expression|at least 1 character"):
        Condition.model_validate({"column": "a", "like": pattern, "reason": "x"})
    with pytest.raises(ValidationError, match=r"regular expression|at least 1 character"):
        Rule.model_validate({"from": "a", "extract": pattern})


def test_a_condition_has_one_test():
    with pytest.raises(ValidationError, match="exactly one of filled, among, not_among, like, above"):
        Condition.model_validate({"column": "a", "above": "b", "filled": True, "reason": "x"})


def test_stacks_of_changes_that_cannot_be_folded_are_rejected_each_with_its_reason():
    fold = {
        "day": "Day",
        "order": "No",
        "known": "Entry",
        "event": "Code",
        "begins": ["HIR"],
        "parts": {"column": "Job", "key": "ID"},
        "added": {},
        "removed": {},
    }
    change = {"Day": "2024-01-02", "No": "1", "Entry": "2024-01-01T12:00:00Z", "Job": [{"ID": "a"}]}
    stacks = [json.dumps([{**change, "Code": "HIR"}]), json.dumps([{**change, "Code": "DTA"}]), "none", None]
    step = {"column": "stack", "fields": ["Job.ID", "from"], "fold": fold}
    shaped = shape(frame(stack=stacks), mapped(explode=step, rows=[]), BLANK, lambda _: STATUS)
    assert shaped.frame.select(ROW, "stack.Job.ID", "stack.from").rows() == [(1, "a", "2024-01-02")]
    assert [part.rows() for part in shaped.rejected] == [[(3, "broken_group")], [(2, "incomplete_stack")]]


def test_a_status_that_stands_no_further_than_the_one_before_moved_nobody_on():
    history = [json.dumps([{"status": status} for status in ("New", "Talk", "Ended", "Talk", "Talk", "Offer", "Talk")])]
    step = {"column": "history", "fields": ["status"], "previous": ["status"]}
    ranks = ["New", "Talk", "Ended", "Offer"]
    moved = {"column": "history.status", "above": "history.previous.status", "ranks": ranks, "reason": "moved_back"}
    shaped = shape(frame(history=history), mapped(explode=step, rows=[moved]), BLANK, lambda _: STATUS)
    assert shaped.frame["history.status"].to_list() == ["New", "Talk", "Ended", "Offer"]
    assert shaped.frame["history.previous.status"].to_list() == [None, "New", "Talk", "Talk"]
    assert [len(part) for part in shaped.filtered] == [3]


def test_what_has_no_place_in_an_order_is_kept_for_a_rule_to_refuse():
    moved = {"column": "to", "above": "of", "ranks": ["a", "b"], "reason": "moved_back"}
    shaped = Shaped(frame(to=["a", "b", "x", "a", None], of=["b", "a", "a", "x", "a"]), [], [])
    keep_rows(shaped, Condition.model_validate(moved), BLANK)
    assert shaped.frame[ROW].to_list() == [2, 3, 4, 5]
    with pytest.raises(ValidationError, match="ranks goes with above"):
        Condition.model_validate({"column": "to", "filled": True, "ranks": ["a"], "reason": "moved_back"})
    for ranks in (["a"], ["a", "b", "a"]):
        with pytest.raises(ValidationError, match="at least two texts, each of them once"):
            Condition.model_validate({**moved, "ranks": ranks})


def test_rows_that_are_wrong_are_rejected_instead_of_left_out():
    shaped = Shaped(frame(to=["a", "b", None]), [], [])
    keep_rows(shaped, Condition(column="to", among=("a",), reason="odd", reject=True), BLANK)
    assert [part.rows() for part in shaped.rejected] == [[(2, "odd"), (3, "odd")]]
    assert (shaped.filtered, shaped.frame[ROW].to_list()) == ([], [1])


CHANGES = pl.DataFrame(
    {
        "who": ["1", "1", "1", "1", "2", "2", "2", "3"],
        "day": [
            "2024-05-01T00:00:00",
            "2020-01-01",
            "2024-05-01",
            "2021-03-01",
            "2020-01-01",
            "soon",
            None,
            "2020-02-01",
        ],
        "id": ["9", "1", "10", "100", "2", "3", "4", "5"],
    }
)
TIMELINE = {"of": ["who"], "day": "day", "order": ["id"], "until": "ends", "place": "nth"}


def dated(**more: Any) -> list[tuple[str | None, ...]]:
    """Of each row its end and place, as the file has them."""
    step = {"feed": "f", "match": {"who": "who", "id": "id"}, "missing": "keep", "timeline": {**TIMELINE, **more}}
    shaped = Shaped(CHANGES.with_row_index(ROW, 1), [], [])
    join(shaped, Join.model_validate(step), BLANK, lambda _: CHANGES)
    return shaped.frame.select("ends", "nth").rows()


def test_a_row_holds_until_the_next_of_its_thing_and_of_a_day_the_greatest_comes_last():
    assert dated() == [
        ("2024-05-02", "0"),
        ("2021-03-01", "0"),
        (None, "1"),
        ("2024-05-01", "0"),
        (None, "0"),
    ]
    assert dated(order=[])[:3] == dated()[:3], "the last in the file, where nothing is said"
    assert dated(order=[], day="day")[0] == ("2024-05-02", "0")


@pytest.mark.parametrize("missing", ["reject", "keep"])
@pytest.mark.parametrize("match", [{"who": "who", "id": "id"}, {"who": "who", "day": "day", "id": "id"}])
def test_a_thing_with_a_row_without_a_day_is_rejected_and_counted(match, missing):
    """Its other rows would say that they hold on; an end without a day is an end."""
    step = {"feed": "f", "match": match, "missing": missing, "timeline": TIMELINE}
    shaped = Shaped(CHANGES.with_row_index(ROW, 1).cast({ROW: pl.Int64()}), [], [])
    join(shaped, Join.model_validate(step), BLANK, lambda _: CHANGES)
    gone = pl.concat(shaped.rejected)
    assert gone.rows() == [(5, "undated_f"), (6, "undated_f"), (7, "undated_f")]
    assert shaped.frame[ROW].to_list() == [1, 2, 3, 4, 8]


def test_a_history_of_which_the_last_row_is_asked_for_has_only_rows_with_a_day():
    step = {"feed": "f", "match": {"who": "who"}, "latest": ["day", "id"], "take": {"last": "id"}, "missing": "keep"}
    left, kept, found = frame(who=["1", "2", "3", "4"]), [], []
    for is_dated in (False, True):
        shaped = Shaped(left, [], [])
        join(shaped, Join.model_validate({**step, "dated": is_dated}), BLANK, lambda _: CHANGES)
        kept.append(dict(shaped.frame.select("who", "last").rows()))
        found += [part.rows() for part in shaped.rejected if len(part)]
    assert kept == [{"1": "9", "2": "3", "3": "5", "4": None}, {"1": "9", "3": "5", "4": None}]
    assert found == [[(2, "undated_f")]]
    with pytest.raises(ValidationError, match="dated goes with latest"):
        Join.model_validate({**step, "latest": [], "dated": True})


def test_a_row_that_is_told_twice_is_one():
    step = {"feed": "f", "match": {"who": "who", "id": "id"}, "missing": "keep", "timeline": TIMELINE}
    shaped = Shaped(CHANGES.with_row_index(ROW, 1), [], [])
    join(shaped, Join.model_validate(step), BLANK, lambda _: pl.concat([CHANGES, CHANGES]))
    assert shaped.frame.select("ends", "nth").rows() == dated()


@pytest.mark.parametrize("more", [{"many": True}, {"latest": ["day"]}, {"count": "n"}])
def test_a_timeline_finds_one_row(more):
    with pytest.raises(ValidationError, match="it finds one row"):
        looked_up(timeline=TIMELINE, **more)


def test_a_join_adds_something():
    with pytest.raises(ValidationError, match="take must name a column"):
        looked_up(take={})


def test_keys_are_matched_as_they_look():
    """A composed accent and one of its own, a blank that does not break, a sign that nobody sees."""
    other = pl.DataFrame({"who": ["Rene\u0301", "12 34", "\u202aA1", "\u200b"], "status": ["x", "y", "z", "nobody"]})
    step = {"feed": "x", "match": {"key": "who"}, "take": {"status": "status"}, "missing": "keep"}
    shaped = Shaped(frame(key=["Ren\u00e9", "12\u00a034", "A1", "\ufeff", "a1"]), [], [])
    join(shaped, Join.model_validate(step), BLANK, lambda _: other)
    assert shaped.frame["status"].to_list() == ["x", "y", "z", None, None]


def test_a_history_is_of_what_its_names_look_like():
    other = frame(id=["1", "2", "2\u200b"], who=["A\u200b", "A", "A"], day=["2024-01-01", "2024-02-01", "2024-03-01"])
    step = {"feed": "x", "match": {"id": "id"}, "missing": "keep"}
    step["timeline"] = {"of": ["who"], "day": "day", "until": "until", "place": "place"}
    shaped = Shaped(frame(id=["1", "2"]), [], [])
    join(shaped, Join.model_validate(step), BLANK, lambda _: other)
    assert shaped.frame["until"].to_list() == ["2024-03-01", None], "of one id the last row counts"


def test_one_number_written_in_two_ways_is_one_and_oneself():
    other = frame(who=["1", "1\u2060", "2"], u=["U", "U", "V\u200b"])
    step = {"feed": "x", "match": {"u": "u"}, "take": {"same": "u"}, "count": "numbers", "distinct": "who"}
    shaped = Shaped(frame(who=["1", "2"], u=["U", "V"]), [], [])
    join(shaped, Join.model_validate({**step, "missing": "keep"}), BLANK, lambda _: other)
    assert shaped.frame["numbers"].to_list() == ["1", "1"]
    step = {
        "feed": "x",
        "match": {"u": "u"},
        "take": {"same": "u"},
        "itself": "who",
        "missing": "keep",
        "latest": ["who"],
    }
    shaped = Shaped(frame(who=["1\u200b"], u=["V"]), [], [])
    join(shaped, Join.model_validate(step), BLANK, lambda _: frame(who=["\ufeff1"], u=["V"]))
    assert shaped.frame["same"].to_list() == [None]


STATES = pl.DataFrame(
    [
        ("1", "a", "2020-01-01", "on"),
        ("3", "a", "2022-05-01", "off"),
        ("10", "a", "2022-05-01", "on"),
        ("4", "b", "2021-01-01", "on"),
    ],
    schema=["id", "who", "day", "state"],
    orient="row",
)
PLACES = pl.DataFrame(
    [
        ("11", "a", "2021-03-01", "east"),
        ("9", "a\u200b", "2021-03-01T00:00:00", "north"),
        ("1", "a", "2019-07-01", "south"),
        ("9", "a\u200b", "2021-03-01T00:00:00", "north"),
        ("12", "b", "2020-06-01", None),
        ("13", "b", "2021-02-01", "west"),
        ("14", "d", None, "nowhere"),
        ("15", "c", "2021-02-01", "south"),
    ],
    schema=["id", "whose", "day", "place"],
    orient="row",
)
BESIDE = {"feed": "g", "of": ["whose"], "day": "day", "order": ["id"], "take": {"day of": "place"}}
NEWS = {"column": "what", "of": ["now", "day of"], "ranks": {"day of": ["south", "east"]}, "before": {"was": "now"}}
BOTH = {**TIMELINE, "place": "nth", "since": "since", "beside": [BESIDE], "news": NEWS}


def of_both(
    states: pl.DataFrame = STATES,
    places: pl.DataFrame = PLACES,
    rejected: list[pl.DataFrame] | None = None,
    **more: Any,
) -> pl.DataFrame:
    """Slices of two histories, the rows of the first from its last to its first."""
    step = Join.model_validate(
        {"feed": "f", "match": {"who": "who", "id": "id"}, "take": {"now": "state"}, "missing": "reject"}
        | {"timeline": {**BOTH, **more}}
    )
    shaped = Shaped(states.reverse().with_row_index(ROW, 1), [], [] if rejected is None else rejected)
    join(shaped, step, BLANK, lambda one: {"f": states, "g": places}[str(one.feed)])
    columns = ["id", "since", "ends", "nth", "now", "day of", "what", "was"]
    return shaped.frame.select(name for name in columns if name in shaped.frame.columns)


def test_two_histories_of_one_thing_become_its_slices():
    """By hand: what the second says of a before its first row holds still when that begins, and its b begins empty."""
    assert of_both().rows() == [
        ("4", "2021-01-01", "2021-02-01", "0", "on", None, "first", None),
        ("4", "2021-02-01", None, "0", "on", "west", "day of", "on"),
        ("10", "2022-05-01", None, "1", "on", "east", "now", "off"),
        ("3", "2022-05-01", "2022-05-02", "0", "off", "east", "now", "on"),
        ("1", "2020-01-01", "2021-03-01", "0", "on", "south", "first", None),
        ("1", "2021-03-01", "2021-03-02", "0", "on", "north", "day of", "on"),
        ("1", "2021-03-01", "2022-05-01", "1", "on", "east", "day of", "on"),
    ]


def test_of_one_day_the_first_row_of_one_history_goes_with_the_first_of_the_other():
    places = pl.DataFrame(
        [
            ("1", "a", "2020-01-01", "south"),
            ("2", "a", "2022-05-01", "north"),
            ("3", "a", "2022-05-01", "east"),
            ("4", "a", "2022-05-01", "south"),
        ],
        schema=PLACES.columns,
        orient="row",
    )
    step = {"feed": "f", "match": {"who": "who", "id": "id"}, "take": {"now": "state"}, "missing": "reject"}
    shaped = Shaped(STATES.head(3).with_row_index(ROW, 1), [], [])
    join(
        shaped, Join.model_validate({**step, "timeline": BOTH}), BLANK, lambda one: {"f": STATES, "g": places}[one.feed]
    )
    assert shaped.frame.select("id", "since", "ends", "nth", "now", "day of", "what").rows() == [
        ("1", "2020-01-01", "2022-05-01", "0", "on", "south", "first"),
        ("3", "2022-05-01", "2022-05-02", "0", "off", "north", "now"),
        ("10", "2022-05-01", "2022-05-02", "1", "on", "east", "now"),
        ("10", "2022-05-01", None, "2", "on", "south", "day of down"),
    ]


def test_what_did_not_change_is_no_news_and_ranks_say_which_way_it_went():
    news = {"column": "what", "of": ["now"], "ranks": {"now": ["off", "on"]}}
    said = of_both(news=news)
    assert said["what"].to_list() == ["first", "nothing", "now up", "now down", "first", "nothing", "nothing"]
    assert "was" not in said.columns
    assert of_both(news=None).columns == ["id", "since", "ends", "nth", "now", "day of"]


def test_of_what_has_ended_nothing_is_news_but_that_it_begins_again():
    states = pl.DataFrame(
        [("1", "a", "2020-01-01", "on"), ("2", "a", "2020-03-01", "off"), ("3", "a", "2021-03-01", "on")],
        schema=STATES.columns,
        orient="row",
    )
    places = [("1", "a", "2020-01-01", "south"), ("2", "a", "2020-02-01", "west"), ("3", "a", "2020-04-01", "east")]
    beside = pl.DataFrame(places, schema=PLACES.columns, orient="row")
    said = of_both(states, beside, news={**NEWS, "over": {"now": ["off"]}}).sort("since")
    assert said.select("since", "what").rows() == [
        ("2020-01-01", "first"),
        ("2020-02-01", "day of"),
        ("2020-03-01", "now"),
        ("2020-04-01", "nothing"),
        ("2021-03-01", "now"),
    ]


def test_a_thing_of_which_another_history_has_a_row_without_a_day_is_rejected_and_counted():
    """Its slices would say that nothing held until the first day that is told."""
    rejected: list[pl.DataFrame] = []
    undated = pl.concat([PLACES, pl.DataFrame([("16", "b", "0000-00-00", "east")], PLACES.schema, orient="row")])
    assert of_both(places=undated, rejected=rejected)["id"].unique().sort().to_list() == ["1", "10", "3"]
    gone = pl.concat(rejected).unique()
    assert gone.rows() == [(1, "undated_g")], "the first row here, which is that of b"


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ({"since": None}, "since goes with beside"),
        ({"beside": []}, "since goes with beside"),
        ({"beside": [], "since": None}, "news goes with beside"),
        ({"beside": [{**BESIDE, "of": ["whose", "id"]}]}, "as many columns as the timeline's own"),
        ({"news": {**NEWS, "ranks": {"nth": ["0", "1"]}}}, "speak of columns that stand under `of`"),
        ({"news": {**NEWS, "over": {"nth": ["0"]}}}, "speak of columns that stand under `of`"),
        ({"news": {**NEWS, "before": {"was": "nth"}}}, "speak of columns that stand under `of`"),
        ({"news": {**NEWS, "of": ["now", "day of", "nth"]}}, "of columns that the join takes"),
        ({"news": {**NEWS, "column": "since"}}, "a name of its own"),
        ({"beside": [BESIDE, BESIDE]}, "a name of its own"),
        ({"beside": [{**BESIDE, "take": {"now": "place"}}]}, "not those that take makes"),
    ],
)
def test_histories_beside_one_another_are_declared_whole(more, fault):
    with pytest.raises(ValidationError, match=fault):
        of_both(**more)
