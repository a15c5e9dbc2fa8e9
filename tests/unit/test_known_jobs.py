"""Jobs as valid on one day and as known on another."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from pipelines.base import known
from pipelines.base.contracts import TABLES
from pipelines.base.lake import Lake
from pipelines.base.store import FileStore

PERSON, OTHER = "p_" + "1" * 32, "p_" + "2" * 32
MADE = {"file_id": "f", "source_row": 1, "known_from_basis": "source"}
SCHEMA = {
    **TABLES["worker_history"].schema,
    "known_from": pl.Datetime("us", "UTC"),
    "known_from_basis": pl.String,
    "file_id": pl.String,
    "source_row": pl.Int64,
}
BASE = {
    "person_id": PERSON,
    "assignment_key": "j_1",
    "valid_to": None,
    "seq_in_day": 0,
    "event_type_code": "data_change",
    "employment_status_code": "active",
    "is_primary_assignment": True,
    "time_type_code": "full_time",
}


def entered(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(hour=10, tzinfo=UTC)


def row(start: date, end: date | None, moment: datetime, job: str, **more: Any) -> dict[str, Any]:
    return {**BASE, **MADE, "valid_from": start, "valid_to": end, "known_from": moment, "job_code": job, **more}


def told(start: str, end: str | None, moment: str, job: str, **more: Any) -> dict[str, Any]:
    last = date.fromisoformat(end) if end else None
    return row(date.fromisoformat(start), last, entered(moment), job, **more)


def publish(lake: Lake, *batches: list[dict[str, Any]], agreed: tuple[str, ...] = (PERSON, OTHER)) -> None:
    """Batches of job slices, after everybody agreed."""
    consents = [{"person_id": one, "is_given": True, "known_from": entered("2000-01-01"), **MADE} for one in agreed]
    if agreed:
        lake.publish("agreed", {"consents": pl.DataFrame(consents)}, {}, {})
    for number, batch in enumerate(batches):
        lake.publish(f"b{number}", {"worker_history": pl.DataFrame(batch, schema=SCHEMA)}, {}, {})


def jobs(lake: Lake, on: str, by: str, *more: str) -> list[Any]:
    found = known.jobs(lake, lake.require(), on=date.fromisoformat(on), known=date.fromisoformat(by))
    rows = found.select("job_code", *more).rows()
    return rows if more else [job for (job,) in rows]


def test_a_promotion_entered_late_is_in_no_answer_of_the_days_before_and_rewrites_those_since(store):
    lake = Lake(store)
    publish(
        lake,
        [told("2020-03-02", None, "2020-03-01", "ENG-3")],
        [
            told("2020-03-02", "2024-01-01", "2024-02-20", "ENG-3"),
            told("2024-01-01", None, "2024-02-20", "ENG-4"),
        ],
    )
    assert jobs(lake, "2024-01-01", "2024-01-31") == ["ENG-3"]
    assert jobs(lake, "2024-03-01", "2024-02-19") == ["ENG-3"]
    assert jobs(lake, "2024-01-01", "2024-02-20") == ["ENG-4"]
    assert jobs(lake, "2023-12-31", "2024-02-20") == ["ENG-3"]
    assert jobs(lake, "2020-03-01", "2024-02-20") == []
    assert jobs(lake, "2024-01-01", "2020-02-29") == []


def test_of_several_changes_on_a_day_the_last_holds_at_its_end_though_another_was_corrected_later(store):
    lake = Lake(store)
    publish(
        lake,
        [
            told("2021-05-03", "2023-09-01", "2023-09-01", "OPS-2"),
            told("2023-09-01", None, "2023-09-01", "OPS-3", seq_in_day=1),
            told("2023-09-01", "2023-09-02", "2023-10-05", "OPS-2b"),
        ],
    )
    assert jobs(lake, "2023-09-01", "2023-12-31") == ["OPS-3"]
    assert jobs(lake, "2023-08-31", "2023-12-31") == ["OPS-2"]


def test_the_second_change_of_a_day_is_withdrawn_when_the_first_goes_on(store):
    lake = Lake(store)
    first, second = told("2024-01-01", "2024-01-02", "2024-01-01", "A"), told("2024-01-01", None, "2024-01-02", "B")
    publish(lake, [first, second | {"seq_in_day": 1}], [told("2024-01-01", None, "2024-01-20", "A")])
    assert jobs(lake, "2024-01-05", "2024-01-19") == ["B"]
    assert jobs(lake, "2024-01-05", "2024-01-20") == ["A"]


def test_what_is_to_come_is_not_there_before_its_day_and_a_termination_withdrawn_is_none(store):
    lake = Lake(store)
    gone = {"employment_status_code": "terminated"}
    publish(
        lake,
        [
            told("2019-02-04", "2024-04-01", "2024-01-10", "A"),
            told("2024-04-01", None, "2024-01-10", "A", **gone),
            told("2024-06-01", None, "2024-01-15", "B", assignment_key="j_2"),
        ],
        [told("2019-02-04", None, "2024-03-05", "A")],
    )
    status = "employment_status_code"
    assert jobs(lake, "2024-03-31", "2024-01-31", status) == [("A", "active")]
    assert jobs(lake, "2024-04-01", "2024-01-31", status) == [("A", "terminated")]
    assert jobs(lake, "2024-04-01", "2024-03-31", status) == [("A", "active")]
    assert jobs(lake, "2024-05-31", "2024-03-31") == ["A"]
    assert jobs(lake, "2024-06-01", "2024-03-31") == ["A", "B"]


def test_an_assignment_that_ended_is_in_no_answer_from_the_first_day_after(store):
    lake = Lake(store)
    publish(lake, [told("2017-06-01", None, "2017-06-01", "A")], [told("2017-06-01", "2022-01-01", "2021-12-01", "A")])
    assert jobs(lake, "2021-12-31", "2022-06-30") == ["A"]
    assert jobs(lake, "2022-01-01", "2022-06-30") == []
    assert jobs(lake, "2022-01-01", "2021-11-30") == ["A"]


def test_people_are_who_they_were_known_to_be_and_only_if_they_had_agreed_by_then(store):
    lake = Lake(store)
    publish(lake, [told("2020-01-01", None, "2020-01-01", "A", person_id=OTHER)], agreed=())
    assert jobs(lake, "2024-01-01", "2024-01-31") == []
    given = {"person_id": PERSON, "is_given": True, "known_from": entered("2024-02-01"), **MADE}
    link = {"person_id": PERSON, "linked_person_id": OTHER, "known_from": entered("2024-02-02"), **MADE}
    lake.publish("c", {"consents": pl.DataFrame([given])}, {}, {})
    assert jobs(lake, "2024-01-01", "2024-02-01") == []
    lake.publish("l", {"person_links": pl.DataFrame([link])}, {}, {})
    assert jobs(lake, "2024-01-01", "2024-02-01") == [], "nobody knew yet that both are one"
    assert jobs(lake, "2024-01-01", "2024-02-02", "person_id") == [("A", PERSON)]


DAYS = 12
FIRST = date(2024, 1, 1)
EDITED = datetime(2024, 2, 1, 12, tzinfo=UTC)


@dataclass
class System:
    """An HR system of one assignment, day by day: what it thinks of each day, and which days something begins on."""

    days: list[str | None] = field(default_factory=lambda: [None] * DAYS)
    begun: dict[int, list[str]] = field(default_factory=dict)
    """Day -> what was entered for it; of withdrawn days too, since numbers are not given twice."""
    starts: set[int] = field(default_factory=set)
    spent: dict[int, int] = field(default_factory=dict)
    """Day -> how many of its entries were withdrawn."""

    def after(self, day: int) -> int:
        """The next day that something begins on."""
        return min((start for start in self.starts if start > day), default=DAYS)

    def enter(self, day: int, job: str) -> None:
        """A change, perhaps long ago, perhaps on a day that has some."""
        self.starts.add(day)
        self.begun.setdefault(day, []).append(job)
        self.days[day : self.after(day)] = [job] * (self.after(day) - day)

    def correct(self, day: int, job: str) -> None:
        """What was entered last for a day was wrong."""
        if day in self.starts:
            self.begun[day][-1] = job
            self.days[day : self.after(day)] = [job] * (self.after(day) - day)

    def amend(self, day: int, job: str) -> None:
        """What was entered first for a day that has more was wrong; at its end it does not matter."""
        first = self.spent.get(day, 0)
        if day in self.starts and first < len(self.begun[day]) - 1:
            self.begun[day][first] = job

    def withdraw(self, day: int, _: str) -> None:
        """All of a day: what was there before goes on."""
        if day in self.starts and day != min(self.starts):
            self.days[day : self.after(day)] = [self.days[day - 1]] * (self.after(day) - day)
            self.starts.remove(day)
            self.spent[day] = len(self.begun[day])

    def slices(self) -> Iterator[tuple[int, int, int | None, str]]:
        """Start, sequence, first day after, and what holds, as the system would print them now."""
        for start in sorted(self.starts):
            jobs = self.begun[start]
            for number in range(self.spent.get(start, 0), len(jobs)):
                end = self.after(start) if number == len(jobs) - 1 else start + 1
                yield start, number, None if end == DAYS else end, jobs[number]


def day(number: int) -> date:
    return FIRST + timedelta(number)


EDIT = st.tuples(
    st.sampled_from(["enter", "enter", "again", "amend", "correct", "withdraw"]),
    st.integers(0, DAYS - 1),
    st.sampled_from("ABC"),
)
EDITS = st.lists(EDIT, min_size=5, max_size=8)


def lived(edits: list[tuple[str, int, str]], key: str) -> tuple[list[list[str | None]], list[dict[str, Any]]]:
    """What a system thought of each day after each edit, and the rows that it printed anew."""
    system, seen = System(), {}
    thought, rows = [], []
    for number, (what, where, job) in enumerate(edits):
        begun = sorted(system.starts)
        start = where if what == "enter" or not begun else begun[where % len(begun)]
        getattr(system, "enter" if what == "again" else what)(start, job)
        thought.append(list(system.days))
        printed = {(start, order): (end, told) for start, order, end, told in system.slices()}
        for (start, order), (end, told) in printed.items():
            if seen.get((start, order)) != (end, told):
                made = row(day(start), day(end) if end else None, EDITED + timedelta(number), told, seq_in_day=order)
                rows.append(made | {"assignment_key": key})
        seen |= printed
    return thought, rows


@settings(max_examples=5, phases=[Phase.generate])  # an example is 48 answers: making it smaller takes minutes
@given(told=st.lists(EDITS, min_size=12, max_size=12), shuffle=st.randoms(use_true_random=False))
def test_whatever_is_edited_and_in_whichever_order_it_arrives_the_answer_is_what_the_source_thought(told, shuffle):
    """The oracle repaints a list of days at every edit, and never sees a slice. Twelve assignments at once."""
    lives = {f"j_{number:02d}": lived(edits, f"j_{number:02d}") for number, edits in enumerate(told)}
    rows = [made for _, printed in lives.values() for made in printed]
    shuffle.shuffle(rows)
    with TemporaryDirectory() as folder:
        lake = Lake(FileStore(Path(folder)))
        publish(lake, *[batch for batch in (rows[:20], rows[20:]) if batch])
        for number in (-1, *range(1, 8)):
            by = (EDITED + timedelta(number)).date()
            for on in range(0, DAYS, 2):
                expected = {}
                for key, (thought, _) in lives.items():
                    now = thought[min(number, len(thought) - 1)][on] if number >= 0 else None
                    expected |= {key: now} if now else {}
                found = known.jobs(lake, lake.require(), on=day(on), known=by)
                assert dict(found.select("assignment_key", "job_code").iter_rows()) == expected, (number, on)


def test_things_of_nobody_are_read_as_known_without_anybodys_consent(store):
    lake, table = Lake(store), TABLES["jobs"]
    schema = {**table.schema, **{name: SCHEMA[name] for name in ("known_from", *MADE)}}

    def of(code: str, start: str, end: str | None, moment: str, title: str) -> dict[str, Any]:
        days = {"valid_from": date.fromisoformat(start), "valid_to": date.fromisoformat(end) if end else None}
        about = {"job_code": code, "title": title, "is_active": True, "crosswalk_method_code": "none"}
        return {**MADE, **days, **about, "known_from": entered(moment)}

    first = [
        of("ENG-3", "2020-01-01", None, "2020-01-01", "Programmer"),
        of("OLD", "2019-01-01", "2022-01-01", "2020-01-01", "Typist"),
    ]
    later = [
        of("ENG-3", "2020-01-01", "2024-01-01", "2024-02-12", "Programmer"),
        of("ENG-3", "2024-01-01", None, "2024-02-12", "Engineer"),
    ]
    for number, batch in enumerate((first, later)):
        lake.publish(f"j{number}", {"jobs": pl.DataFrame(batch, schema=schema)}, {}, {})

    def titles(on: str, by: str) -> list[str]:
        days = {"on": date.fromisoformat(on), "known": date.fromisoformat(by)}
        return known.things(lake, lake.require(), "jobs", **days)["title"].to_list()

    assert titles("2024-01-15", "2024-01-31") == ["Programmer"]
    assert titles("2024-01-15", "2024-02-12") == ["Engineer"]
    assert titles("2023-12-31", "2024-02-12") == ["Programmer"]
    assert titles("2021-12-31", "2024-02-12") == ["Programmer", "Typist"]
    assert titles("2019-06-01", "2024-02-12") == ["Typist"]
    for name in ("worker_history", "courses"):
        with pytest.raises(ValueError, match=f"{name} must have slices"):
            known.things(lake, lake.require(), name, on=date(2024, 1, 1), known=date(2024, 1, 1))
