"""Stacks of changes, folded by hand: what holds from when until when, and since when that could be known."""

import json
from itertools import pairwise, permutations
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from pipelines.ingest.explain.words import uses
from pipelines.ingest.fold import folded
from pipelines.ingest.persons import persons
from pipelines.ingest.rules import Explode, Fold
from tests.unit.conftest import declared

FOLD = Fold.model_validate(
    {
        "day": "Day",
        "order": "@Sequence",
        "known": "Entry",
        "event": "Code",
        "parts": {"column": "Job", "key": "ID", "last_day": "End"},
        "own": ["Why"],
        "groups": {"Worker": None, "Job.Unit": "Type"},
        "added": {"@isAdded": ["1"]},
        "removed": {"@isDeleted": ["1"]},
        "begins": ["HIR"],
        "ends": ["TERM", "TERM-C"],
        "after": ["TERM", "TERM-C", "TERM-R"],
        "rescinds": {"HIR-R": "HIR", "TERM-R": "TERM", "LOA-R": "LOA"},
        "corrects": {"TERM-C": "TERM", "HIR-C": "HIR", "LOA-C": "LOA"},
    }
)
SHOWN = ("Job.ID", "from", "until", "order", "known", "Code", "Worker.Status", "Job.Grade", "Job.Boss")
Cell = str | None


def change(day: str, entered: str, code: str, order: int = 1, **more: Any) -> dict[str, Any]:
    """A change; days and moments stand in January 2024 by their number."""
    when, known = f"2024-01-{day}T00:00:00.000+01:00", f"2024-01-{entered}T12:00:00.000+01:00"
    jobs = more.pop("jobs", [])
    status = {"Worker": json.dumps([{"Status": more.pop("status")}])} if "status" in more else {}
    job = {"Job": json.dumps(jobs)} if jobs else {}
    return {"Day": when, "Entry": known, "Code": code, "@Sequence": str(order), **status, **job, **more}


def new(key: str, **cells: Cell) -> dict[str, Cell]:
    return {"ID": key, "@isAdded": "1", "Grade": "P1", "Boss": "7", **cells}


def gone(key: str) -> dict[str, Cell]:
    return {"ID": key, "@isDeleted": "1", "Grade": "as it was"}


def outcome(changes: list[Any] | str, fields: tuple[str, ...] = SHOWN) -> list[tuple[Cell, ...]] | str:
    """Slices with day and moment by their number in January, or why there are none."""
    text = changes if isinstance(changes, str) else json.dumps(changes)
    made, why = folded(pl.Series([text]), FOLD, fields)
    if why[0] is not None:
        return str(why[0])
    days = {"from", "until", "known"}
    return [
        tuple(_short(cells[name]) if name in days else cells[name] for name in fields) for cells in json.loads(made[0])
    ]


def _short(text: Cell) -> Cell:
    if text is None:
        return None
    assert text.startswith("2024-01-")
    assert text.endswith("T11:00:00.000000Z") or len(text) == 10
    return text[8:10]


HIRED = change("02", "01", "HIR", status="Active", jobs=[new("a")])


def test_what_a_change_does_not_say_is_kept_from_those_before():
    raised = change("05", "04", "DTA", 2, jobs=[{"ID": "a", "Grade": "P2"}])
    away = change("09", "08", "LOA", 3, status="Away")
    assert outcome([HIRED, raised, away]) == [
        ("a", "02", "05", "0", "04", "HIR", "Active", "P1", "7"),
        ("a", "05", "09", "0", "08", "DTA", "Active", "P2", "7"),
        ("a", "09", None, "0", "08", "LOA", "Away", "P2", "7"),
    ]


def test_the_order_in_which_changes_stand_says_nothing():
    stack = [
        HIRED,
        change("05", "03", "DTA", 9, jobs=[{"ID": "a", "Grade": "P2"}]),
        change("05", "02", "DTA", 10, jobs=[{"ID": "a", "Grade": "P3"}]),
        change("04", "06", "DTA", 11, jobs=[{"ID": "a", "Boss": "8"}]),
    ]
    told = [
        ("a", "02", "04", "0", "06", "HIR", "Active", "P1", "7"),
        ("a", "04", "05", "0", "06", "DTA", "Active", "P1", "8"),
        ("a", "05", "06", "0", "06", "DTA", "Active", "P2", "8"),
        ("a", "05", None, "1", "06", "DTA", "Active", "P3", "8"),
    ]
    for turned in permutations(stack):
        assert outcome(list(turned)) == told


def test_a_change_entered_late_was_not_known_before_nor_is_what_it_changes_of_later_slices():
    later = change("20", "03", "DTA", 2, jobs=[{"ID": "a", "Grade": "P4", "Boss": "9"}])
    late = change("10", "25", "DTA", 3, jobs=[{"ID": "a", "Grade": "P2"}])
    assert outcome([HIRED, later, late]) == [
        ("a", "02", "10", "0", "25", "HIR", "Active", "P1", "7"),
        ("a", "10", "20", "0", "25", "DTA", "Active", "P2", "7"),
        ("a", "20", None, "0", "03", "DTA", "Active", "P4", "9"),
    ], "the last says grade and boss itself, as it did all the time"
    boss = change("10", "25", "DTA", 3, jobs=[{"ID": "a", "Boss": "8"}])
    promoted = change("20", "03", "DTA", 2, jobs=[{"ID": "a", "Grade": "P4"}])
    assert outcome([HIRED, promoted, boss])[-1] == ("a", "20", None, "0", "25", "DTA", "Active", "P4", "8")


def test_what_is_told_empty_is_empty_and_what_is_not_told_is_as_it_was():
    cleared = change("05", "04", "DTA", 2, jobs=[{"ID": "a", "Boss": "", "Boss.@priorValue": "7"}])
    nil = change("05", "04", "DTA", 2, jobs=[{"ID": "a", "Boss": None}])
    for one in (cleared, nil):
        after = change("07", "06", "DTA", 3, jobs=[{"ID": "a", "Grade": "P2"}])
        assert [told[-2:] for told in outcome([HIRED, one, after])] == [("P1", "7"), ("P1", None), ("P2", None)]


def test_what_changes_nothing_that_is_read_begins_no_slice():
    again = change("05", "04", "DTA", 2, status="Active", jobs=[{"ID": "a", "Grade": "P1"}])
    moved = change("06", "05", "DTA", 3, Address="elsewhere", jobs=[{"ID": "a", "@isUpdated": "1", "Desk": "12"}])
    assert outcome([HIRED, again, moved]) == [("a", "02", None, "0", "01", "HIR", "Active", "P1", "7")]


def test_what_says_the_same_again_was_known_before():
    raised = change("25", "05", "DTA", 3, jobs=[{"ID": "a", "Boss": "8"}])
    again = change("10", "20", "DTA", 2, status="Active", jobs=[{"ID": "a", "Grade": "P1"}])
    assert [told[1:5] for told in outcome([HIRED, raised, again])] == [("02", "25", "0", "05"), ("25", None, "0", "05")]


def test_a_termination_that_is_rescinded_leaves_the_job_as_it_was_but_known_anew():
    left = change("10", "05", "TERM", 2, status="Gone")
    assert outcome([HIRED, left]) == [
        ("a", "02", "11", "0", "05", "HIR", "Active", "P1", "7"),
        ("a", "11", None, "0", "05", "TERM", "Gone", "P1", "7"),
    ], "its day is the last one"
    back = change("10", "08", "TERM-R", 5, status="Active")
    assert outcome([HIRED, left, back]) == [("a", "02", None, "0", "08", "HIR", "Active", "P1", "7")]
    other = change("12", "08", "TERM-R", 3, status="Active")
    assert len(outcome([HIRED, left, other])) == 2, "of another day"
    again = change("10", "09", "TERM", 4, status="Gone")
    assert outcome([HIRED, left, back, again])[-1][:6] == ("a", "11", None, "0", "09", "TERM")
    before = change("04", "03", "DTA", 5, jobs=[{"ID": "a", "Grade": "P2"}])
    first, second = outcome([HIRED, left, back, before])
    assert (first[4], second[4]) == ("03", "08"), "days before were told as they are all the time"


def test_of_two_of_a_day_the_one_entered_last_is_rescinded():
    first, then = change("10", "05", "LOA", 2, status="Away"), change("10", "06", "LOA", 3, status="Ill")
    back = change("10", "07", "LOA-R", 4)
    assert [told[5:7] for told in outcome([HIRED, first, then, back])] == [("HIR", "Active"), ("LOA", "Away")]


def test_a_termination_that_is_corrected_ends_on_the_other_day():
    left, right = change("10", "05", "TERM", 2, status="Gone"), change("07", "06", "TERM-C", 3, status="Gone")
    assert outcome([HIRED, left, right]) == [
        ("a", "02", "08", "0", "06", "HIR", "Active", "P1", "7"),
        ("a", "08", None, "0", "06", "TERM-C", "Gone", "P1", "7"),
    ]


def test_a_termination_that_was_corrected_is_rescinded_on_its_day_now_or_before():
    left, right = change("10", "05", "TERM", 2, status="Gone"), change("07", "06", "TERM-C", 3, status="Gone")
    for day in ("07", "10"):
        back = change(day, "08", "TERM-R", 4, status="Active")
        assert outcome([HIRED, left, right, back]) == [("a", "02", None, "0", "08", "HIR", "Active", "P1", "7")]
    assert len(outcome([HIRED, left, right, change("08", "08", "TERM-R", 4, status="Active")])) == 2
    again = change("05", "07", "TERM-C", 4)
    assert len(outcome([HIRED, left, right, again, change("10", "08", "TERM-R", 5, status="Active")])) == 1


def test_a_correction_may_be_corrected():
    left, right = change("10", "05", "TERM", 2, status="Gone"), change("07", "06", "TERM-C", 3, status="Gone")
    for day, after in (("04", "05"), ("12", "13")):
        again = change(day, "08", "TERM-C", 4)
        assert outcome([HIRED, left, right, again]) == [
            ("a", "02", after, "0", "08", "HIR", "Active", "P1", "7"),
            ("a", after, None, "0", "08", "TERM-C", "Gone", "P1", "7"),
        ]


def test_a_correction_leaves_as_it_was_what_it_does_not_tell():
    left = change("10", "05", "TERM", 2, Why="moved", status="Gone", jobs=[{"ID": "a", "Grade": "P2"}])
    right = change("07", "06", "TERM-C", 3, jobs=[{"ID": "a", "Boss": None}])
    fields = ("from", "Why", "Worker.Status", "Job.Grade", "Job.Boss")
    assert outcome([HIRED, left, right], fields)[-1] == ("08", "moved", "Gone", "P2", None)
    # A hire of which one cell is corrected, and one that was of another job.
    assert outcome([HIRED, change("03", "05", "HIR-C", 2, jobs=[{"ID": "a", "Grade": "P5"}])]) == [
        ("a", "03", None, "0", "05", "HIR-C", "Active", "P5", "7")
    ]
    assert outcome([HIRED, change("02", "05", "HIR-C", 2, jobs=[gone("a"), {"ID": "b", "Grade": "P5"}])]) == [
        ("b", "02", None, "0", "05", "HIR-C", "Active", "P5", None)
    ]
    came = change("02", "01", "HIR", status="Active", jobs=[gone("z"), new("a")])
    assert outcome([came, change("03", "05", "HIR-C", 2)])[0][:3] == ("a", "03", None), "from where nothing is told of"
    # A job that the correction says was not gone.
    second = change("03", "02", "DTA", 2, jobs=[new("b")])
    away = change("06", "05", "LOA", 3, status="Away", jobs=[gone("b")])
    stays = change("06", "07", "LOA-C", 4, jobs=[{"ID": "b", "Grade": "P3"}])
    assert [one[1:3] for one in outcome([HIRED, second, away, stays]) if one[0] == "b"] == [("03", "06"), ("06", None)]


def test_a_correction_is_of_its_own_day_or_of_the_nearest():
    first, back = change("03", "02", "LOA", 2, status="Away"), change("05", "04", "RFL", 3, status="Active")
    then = change("10", "09", "LOA", 4, status="Ill")
    for day, days in (("03", "02 03 05 10"), ("04", "02 04 05 10"), ("09", "02 03 05 09"), ("15", "02 03 05 15")):
        told = outcome([HIRED, first, back, then, change(day, "20", "LOA-C", 2)])
        assert [one[1] for one in told] == days.split(), day
        assert {one[6] for one in told} == {"Active", "Away", "Ill"}
    twice = [HIRED, first, change("05", "04", "LOA", 3, status="Ill")]
    assert outcome([*twice, change("04", "20", "LOA-C", 2)]) == "ambiguous_correction"
    same = change("03", "05", "LOA", 3, status="Ill")
    assert outcome([HIRED, first, same, change("03", "20", "LOA-C", 2)]) == "ambiguous_correction"
    assert outcome([HIRED, change("03", "20", "LOA-C", 2, status="Away")])[-1][5:7] == ("LOA-C", "Away"), "of none"


def test_a_hire_that_is_rescinded_leaves_nothing():
    assert outcome([HIRED, change("02", "02", "HIR-R", 2)]) == []
    assert outcome([change("02", "02", "HIR-R")]) == []


def test_what_is_said_of_the_person_holds_for_all_their_jobs_and_of_a_job_for_that_one():
    second = change("04", "03", "DTA", 2, jobs=[new("b", Grade="P9")])
    raised = change("06", "05", "DTA", 3, jobs=[{"ID": "b", "Grade": "P10"}])
    away = change("08", "07", "LOA", 4, status="Away")
    ended = change("09", "09", "DTA", 5, jobs=[gone("b")])
    left = change("20", "19", "TERM", 6, status="Gone")
    back = change("25", "24", "HIR", 7, status="Active", jobs=[new("c", Boss=None)])
    assert outcome([HIRED, second, raised, away, ended, left, back]) == [
        ("a", "02", "08", "0", "07", "HIR", "Active", "P1", "7"),
        ("a", "08", "21", "0", "19", "LOA", "Away", "P1", "7"),
        ("a", "21", None, "0", "19", "TERM", "Gone", "P1", "7"),
        ("b", "04", "06", "0", "05", "DTA", "Active", "P9", "7"),
        ("b", "06", "08", "0", "07", "DTA", "Active", "P10", "7"),
        ("b", "08", "09", "0", "09", "LOA", "Away", "P10", "7"),
        ("c", "25", None, "0", "24", "HIR", "Active", "P1", None),
    ]


def test_a_job_that_a_termination_tells_as_gone_is_one_that_was_left():
    left = change("10", "05", "TERM", 2, status="Gone", jobs=[gone("a")])
    assert [told[5:8] for told in outcome([HIRED, left])] == [("HIR", "Active", "P1"), ("TERM", "Gone", "P1")]


def test_a_job_that_was_left_stays_so_where_it_is_told_beside_another():
    left = change("10", "05", "TERM", 2, status="Gone")
    back = change("20", "19", "DTA", 3, status="Active", jobs=[{"ID": "a"}, new("b")])
    told = [("a", "HIR", "Active"), ("a", "TERM", "Gone"), ("b", "DTA", "Active")]
    assert [(one[0], one[5], one[6]) for one in outcome([HIRED, left, back])] == told


def test_a_job_told_as_gone_and_as_new_keeps_nothing_of_before():
    anew = change("05", "04", "DTA", 2, jobs=[{"ID": "a", "Grade": "P2"}, gone("a")])
    assert outcome([HIRED, anew])[-1] == ("a", "05", None, "0", "04", "DTA", "Active", "P2", None)
    away, back = change("05", "04", "DTA", 2, jobs=[gone("a")]), change("09", "08", "DTA", 3, jobs=[new("a")])
    assert [told[1:4] for told in outcome([HIRED, away, back])] == [("02", "05", "0"), ("09", None, "0")]


def test_a_job_that_has_a_last_day_ends_with_it():
    second = change("03", "02", "DTA", 2, jobs=[new("b", Grade="P9")])
    ends = change("06", "05", "DTA", 3, jobs=[{"ID": "b", "End": "2024-01-08-08:00"}])
    away, left = change("10", "10", "LOA", 4, status="Away"), change("20", "19", "TERM", 5, status="Gone")
    told = outcome([HIRED, second, ends, away, left])
    assert [one[:6] for one in told if one[0] == "b"] == [
        ("b", "03", "06", "0", "05", "DTA"),
        ("b", "06", "09", "0", "05", "DTA"),
    ]
    assert [one[5] for one in told if one[0] == "a"] == ["HIR", "LOA", "TERM"]
    # Another change before it, and begun anew after it.
    raised = change("07", "06", "DTA", 4, jobs=[{"ID": "b", "Grade": "P10"}])
    again = change("15", "14", "DTA", 6, jobs=[new("b")])
    assert [one[1:5] for one in outcome([HIRED, second, ends, raised, away, again]) if one[0] == "b"] == [
        ("03", "06", "0", "05"),
        ("06", "07", "0", "06"),
        ("07", "09", "0", "06"),
        ("15", None, "0", "14"),
    ]
    # Said on the day after, there is nothing left to begin.
    after = change("09", "05", "DTA", 3, jobs=[{"ID": "b", "End": "2024-01-08"}])
    assert [one[1:3] for one in outcome([HIRED, second, after]) if one[0] == "b"] == [("03", "09")]
    # Taken back before it came.
    stays = change("07", "07", "DTA", 4, jobs=[{"ID": "b", "End": ""}])
    assert outcome([HIRED, second, ends, stays])[-1][:3] == ("b", "07", None)
    assert outcome([HIRED, change("06", "05", "DTA", 3, jobs=[{"ID": "a", "End": "soon"}])]) == "broken_group"


def test_who_is_terminated_on_the_last_day_of_a_job_has_left_it():
    left = change("10", "05", "TERM", 2, status="Gone", jobs=[{"ID": "a", "End": "2024-01-10"}])
    assert [one[1:6] for one in outcome([HIRED, left])] == [
        ("02", "11", "0", "05", "HIR"),
        ("11", None, "0", "05", "TERM"),
    ]
    ends, left = change("08", "05", "DTA", 2, jobs=[{"ID": "a", "End": "2024-01-10"}]), change("10", "06", "TERM", 3)
    assert [one[1:6] for one in outcome([HIRED, ends, left | {"Worker": '[{"Status": "Gone"}]'}])] == [
        ("02", "08", "0", "05", "HIR"),
        ("08", "11", "0", "05", "DTA"),
        ("11", None, "0", "06", "TERM"),
    ]


def test_who_is_terminated_after_the_last_day_of_their_job_has_left_it():
    """A job that ends on a Friday, and an employment that ends on Sunday."""
    left = change("10", "09", "TERM", 4, status="Gone")
    ends = change("05", "04", "DTA", 2, jobs=[{"ID": "a", "End": "2024-01-08"}])
    away = change("09", "08", "DTA", 3, jobs=[gone("a")])
    for over in ([ends], [away], [ends, away]):
        told = outcome([HIRED, *over, left])
        assert told[-1] == ("a", "11", None, "0", "09", "TERM", "Gone", "P1", "7")
        assert [one[2] for one in told[:-1]][-1] == "09"
    # Of two jobs the last one; of one that is there still, no other.
    second = change("03", "02", "DTA", 5, jobs=[new("b")])
    ended = change("04", "03", "DTA", 6, jobs=[gone("b")])
    told = [(one[0], one[5]) for one in outcome([HIRED, second, ended, ends, left])]
    assert told == [("a", "HIR"), ("a", "DTA"), ("a", "TERM"), ("b", "DTA")]
    told = [(one[0], one[5]) for one in outcome([HIRED, second, ends, left])]
    assert told == [("a", "HIR"), ("a", "DTA"), ("b", "DTA"), ("b", "TERM")]
    # Two that end with the same day, whichever way it is said.
    for last, after in (("10", "11"), ("08", "09")):
        one_way = change("05", "04", "DTA", 2, jobs=[{"ID": "a", "End": f"2024-01-{last}"}])
        other_way = change(after, "08", "DTA", 3, jobs=[gone("b")])
        told = [(one[0], one[1]) for one in outcome([HIRED, second, one_way, other_way, left]) if one[5] == "TERM"]
        assert told == [("a", "11"), ("b", "11")]
    earlier = change("04", "03", "DTA", 6, jobs=[{"ID": "b", "End": "2024-01-07"}])
    assert [one[0] for one in outcome([HIRED, second, earlier, ends, left]) if one[5] == "TERM"] == ["a"]
    # The status was told before, when no job was there.
    soon = change("09", "08", "DTA", 7, status="Gone")
    assert [one[5:7] for one in outcome([HIRED, ends, soon, left])][-1] == ("TERM", "Gone")
    assert len(outcome([HIRED, change("10", "09", "TERM", 4)])) == 1, "of a job that is there it says nothing new"
    # Another end has nothing to speak for, nor one after what came before it.
    assert len(outcome([HIRED, ends, left, change("20", "19", "TERM", 7, status="Left")])) == 3
    back = change("15", "14", "HIR", 7, status="Active", jobs=[new("c")])
    again = change("20", "19", "TERM", 8, status="Left")
    told = outcome([HIRED, ends, left, back, change("18", "17", "DTA", 9, jobs=[gone("c")]), again])
    assert [(one[0], one[6]) for one in told if one[5] == "TERM"] == [("a", "Gone"), ("c", "Left")]


def test_who_left_stays_so_whatever_is_said_of_the_job_until_it_begins_anew():
    left = change("10", "05", "TERM", 2, status="Gone")
    was = [("02", "11", "HIR", "Active"), ("11", None, "TERM", "Gone")]
    for day in ("11", "12"):
        for job in ({"ID": "a", "End": "2024-01-10"}, gone("a")):
            told = outcome([HIRED, left, change(day, "06", "DTA", 3, jobs=[job])])
            assert [(*one[1:3], *one[5:7]) for one in told] == was, (day, job)
    # Known better later, beside another job that is there: it is still the job of somebody who left.
    back = change("15", "14", "HIR", 4, status="Active", jobs=[new("b")])
    raised = change("17", "16", "DTA", 5, jobs=[{"ID": "a", "Grade": "P2", "End": "2024-01-10"}])
    assert outcome([HIRED, left, back, raised])[2] == ("a", "17", None, "0", "16", "DTA", "Gone", "P2", "7")
    anew = change("17", "16", "HIR", 5, status="Active", jobs=[new("a", End="2024-01-20")])
    assert [one[1:3] for one in outcome([HIRED, left, anew])] == [("02", "11"), ("11", "17"), ("17", "21")]


def test_a_last_day_that_never_comes_is_none():
    for end in ("9999-12-31", "2999-12-31-08:00", "2900-01-01"):
        open_end = change("05", "04", "DTA", 2, jobs=[{"ID": "a", "End": end}])
        away = change("10", "09", "LOA", 3, status="Away")
        assert [one[1:3] for one in outcome([HIRED, open_end, away])] == [("02", "05"), ("05", "10"), ("10", None)]


def test_a_job_removed_late_takes_along_what_was_said_of_it_before_and_nothing_later():
    second = change("03", "02", "DTA", 2, jobs=[new("b")])
    raised, ended = (change("10", "05", "DTA", 3, jobs=[job]) for job in ({"ID": "b", "Grade": "P2"}, gone("b")))
    late = change("06", "12", "DTA", 4, jobs=[gone("b")])
    for before in (raised, ended):
        told = [one[:5] for one in outcome([HIRED, second, before, late]) if one[0] == "b"]
        assert told == [("b", "03", "06", "0", "12")]
    for after in (raised, ended):
        assert outcome([HIRED, second, {**after, "Entry": late["Entry"]}, late]) == "incomplete_stack"


def stack(*statuses: str, jobs: int = 1, day: str = "04") -> list[dict[str, Any]]:
    """Everybody's jobs, and a status after the other."""
    hired = change("02", "01", "HIR", 0, status="Active", jobs=[new(f"j{number}") for number in range(jobs)])
    return [hired, *(change(day, "03", "DTA", number, status=text) for number, text in enumerate(statuses, 1))]


def test_a_stack_that_would_become_more_than_a_life_is_too_large():
    most = stack(*map(str, range(99)), jobs=100)
    assert len(outcome(most, ("Worker.Status",))) == 10_000
    assert outcome([*most, change("05", "04", "DTA", jobs=[new("z")])], ("Worker.Status",)) == "stack_too_large"
    assert len(outcome(stack(*["Active"] * 4_999), ("Worker.Status",))) == 1
    assert outcome(stack(*["Active"] * 5_000), ("Worker.Status",)) == "stack_too_large"
    assert len(outcome(stack(jobs=500))) == 500
    assert outcome(stack(jobs=501)) == "stack_too_large"
    long = change("02", "01", "HIR", Why="x" * 2**22, status="Active", jobs=[new(key) for key in "abc"])
    assert len(outcome([long], ("Why", "Job.Grade"))) == 3
    assert outcome([{**long, "Job": json.dumps([new(key) for key in "abcd"])}], ("Why", "Job.Grade")) == (
        "stack_too_large"
    )


def test_members_of_a_group_are_told_apart_and_what_is_gone_gives_way():
    def units(*told: dict[str, str]) -> str:
        return json.dumps(told)

    both = units({"Type": "Team", "Code": "t1"}, {"Type": "Firm", "Code": "f1"})
    moved = units({"Type": "Team", "Code": "t2", "@isAdded": "1"}, {"Type": "Team", "Code": "t1", "@isDeleted": "1"})
    left = units({"Type": "Firm", "Code": "f1", "@isDeleted": "1"})
    stack = [
        change("02", "01", "HIR", jobs=[new("a", Unit=both)]),
        change("04", "03", "DTA", 2, jobs=[{"ID": "a", "Unit": moved}]),
        change("06", "05", "DTA", 3, jobs=[{"ID": "a", "Unit": left}]),
    ]
    assert outcome(stack, ("from", "Job.Unit.Team.Code", "Job.Unit.Firm.Code")) == [
        ("02", "t1", "f1"),
        ("04", "t2", "f1"),
        ("06", "t2", None),
    ]


def test_what_a_change_says_of_itself_is_not_kept():
    away = change("05", "04", "LOA", 2, status="Away")
    raised = change("07", "06", "DTA", 3, Why="merit", jobs=[{"ID": "a", "Grade": "P2"}])
    fields = ("from", "Why", "Worker.Status", "Job.Grade")
    told = [("02", "new", "Active", "P1"), ("05", None, "Away", "P1"), ("07", "merit", "Away", "P2")]
    assert outcome([{**HIRED, "Why": "new"}, away, raised], fields) == told


@pytest.mark.parametrize(
    "stack",
    [
        [change("05", "04", "DTA", jobs=[{"ID": "a", "Grade": "P2"}])],
        [change("05", "04", "LOA", status="Away"), change("06", "05", "DTA", 2, jobs=[new("b")])],
        [HIRED, change("05", "04", "DTA", 2, jobs=[{"ID": "b", "Grade": "P2"}])],
        [HIRED, change("05", "04", "DTA", 2, jobs=[gone("b")])],
        [HIRED, change("05", "04", "DTA", 2, jobs=[gone("a")]), change("06", "05", "DTA", 3, jobs=[{"ID": "a"}])],
    ],
    ids=["a change alone", "a status alone", "another job", "another job's end", "a job that had ended"],
)
def test_a_stack_that_lacks_a_beginning_is_not_guessed_at(stack: list[Any]):
    assert outcome(stack) == "incomplete_stack"


def test_who_comes_from_where_nothing_is_told_of_begins():
    assert outcome([change("05", "04", "HIR", status="Active", jobs=[gone("z"), {"ID": "a"}])])[0][:2] == ("a", "05")


@pytest.mark.parametrize(
    "stack",
    [
        "no group",
        "{}",
        "[1]",
        "[" * 5000,
        [{**HIRED, "Day": "02/01/2024 00:00"}],
        [{**HIRED, "Day": "2024-02-30"}],
        [{**HIRED, "Day": None}],
        [{**HIRED, "Entry": "soon"}],
        [{**HIRED, "@Sequence": "1.5"}],
        [{**HIRED, "@Sequence": "9" * 5000}],
        [{**HIRED, "Code": None}],
        [{**HIRED, "Code": "TERM", "Day": "9999-12-31"}],
        [{**HIRED, "Job": "no group"}],
        [{**HIRED, "Job": json.dumps([new("a"), new("a", Grade="P2")])}],
        [{**HIRED, "Job": json.dumps([{"@isAdded": "1"}])}],
    ],
)
def test_a_stack_that_is_none_is_told_as_broken_and_no_cell_is(stack: Any):
    assert outcome(stack) == "broken_group"


def test_no_stack_is_no_slice_and_nothing_is_wrong_with_it():
    made, why = folded(pl.Series([None, "[]"], dtype=pl.String), FOLD, SHOWN)
    assert (made.to_list(), why.to_list()) == ([None, "[]"], [None, None])


def test_slices_know_of_each_other():
    step = {"column": "g", "fields": ["a"], "fold": FOLD.model_dump()}
    with pytest.raises(ValidationError, match="none of next, previous, latest, least, then"):
        Explode.model_validate({**step, "next": ["a"]})
    assert Explode.model_validate(step).fold == FOLD


def test_what_a_column_becomes_is_said_in_words():
    explode = {"column": "g", "fields": ["Job.ID"], "fold": FOLD.model_dump()}
    columns = {
        "person_id": {"from": "who", "person": "w"},
        "scheme_code": {"constant": "s"},
        "value": {"from": "g.Job.ID"},
    }
    tables = [{"table": "identifiers", "explode": explode, "columns": columns}]
    told = uses({}, declared("csv", {"delimiter": ",", "quote": '"'}, tables=tables))
    assert [(use.column, use.how) for use in told][-1] == ("g", "Job.ID of each slice that the changes make")


def test_whose_a_broken_or_empty_stack_is_can_be_told(keys):
    """Or it would outlive an erasure."""
    explode = {"column": "g", "fields": ["Job.ID"], "fold": FOLD.model_dump()}
    columns = {
        "person_id": {"from": "who", "person": "w"},
        "scheme_code": {"constant": "s"},
        "value": {"from": "g.Job.ID"},
    }
    tables = [{"table": "identifiers", "explode": explode, "columns": columns}]
    feed = declared("csv", {"delimiter": ",", "quote": '"'}, tables=tables)
    stacks = ["no group", "[]", None, json.dumps([HIRED])]
    raw = pl.DataFrame({"source_row": [1, 2, 3, 4], "who": list("abcd"), "g": stacks})
    assert sorted(persons(raw, feed, {})["source_row"]) == [1, 2, 3, 4]


DAYS = st.integers(1, 20).map("{:02d}".format)
JOBS = st.lists(
    st.sampled_from(["a", "b"]).flatmap(
        lambda key: st.sampled_from(
            [
                *(new(key), gone(key), {"ID": key, "Grade": "P2"}, {"ID": key, "Boss": None}),
                *({"ID": key, "End": "2024-01-09"}, {"ID": key, "End": ""}),
            ]
        )
    ),
    max_size=2,
    unique_by=lambda job: (job["ID"], "@isDeleted" in job),
)
CHANGES = st.builds(
    lambda day, entered, code, order, status, jobs: change(day, entered, code, order, status=status, jobs=jobs),
    DAYS,
    DAYS,
    st.sampled_from(["HIR", "DTA", "LOA", "LOA-R", "LOA-C", "TERM", "TERM-R", "TERM-C"]),
    st.integers(1, 5),
    st.sampled_from(["Active", "Away", "Gone"]),
    JOBS,
)


@settings(max_examples=150, deadline=None)
@given(st.lists(CHANGES, max_size=6))
def test_slices_of_a_job_follow_each_other_whatever_the_stack(stack: list[dict[str, Any]]):
    told = outcome([HIRED, *stack])
    if isinstance(told, str):
        assert told in ("incomplete_stack", "ambiguous_correction")
        return
    latest = max(one["Entry"][8:10] for one in [HIRED, *stack])
    for key in {one[0] for one in told}:
        mine = [one for one in told if one[0] == key]
        assert len({one[1:4:2] for one in mine}) == len(mine), "a day and an order name one slice"
        for (_, begun, until, order, *_), (_, then, _, later, *_) in pairwise(mine):
            assert until is not None
            if begun == then:
                assert (int(until), int(later)) == (int(begun) + 1, int(order) + 1)
            else:
                assert (until <= then, later) == (True, "0")
        assert all(one[4] <= latest for one in mine), "nothing is known later than the last that was entered"
