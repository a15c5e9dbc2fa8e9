"""Change stacks as Workday's PECI writes them, through the feed's own words; what they come to is known by hand."""

from collections.abc import Sequence

from infra.sample.vendors.workday_peci import HEAD
from tests.vendors.printed import canonical
from tests.vendors.test_job_history import FEEDS, of


def change(number: int, code: str, day: str, entered: str, *inner: str) -> str:
    told = "".join(inner)
    return (
        f'<peci:Effective_Change peci:Sequence="{number}"><peci:Derived_Event_Code>{code}</peci:Derived_Event_Code>'
        f"<peci:Effective_Moment>{day}T00:00:00+01:00</peci:Effective_Moment>"
        f"<peci:Entry_Moment>{entered}T10:00:00.000+01:00</peci:Entry_Moment>{told}</peci:Effective_Change>"
    )


def status(text: str) -> str:
    return f"<peci:Worker_Status><peci:Status>{text}</peci:Status></peci:Worker_Status>"


def position(mark: str = "", **cells: str) -> str:
    told = "".join(f"<peci:{name}>{text}</peci:{name}>" for name, text in {"Position_ID": "P-1-1", **cells}.items())
    return f"<peci:Position{mark}>{told}</peci:Position>"


NEW, DELETED = ' peci:isAdded="1"', ' peci:isDeleted="true"'
FULL = {"Primary_Job": "true", "Full_Time_Equivalent_Percentage": "100"}
HIRED = change(1, "HIR", "2020-01-01", "2019-12-01", status("Active"), position(NEW, **FULL))
LEFT = change(2, "TERM", "2021-01-31", "2021-01-10", status("Terminated"))
OTHER_DAY = change(3, "TERM-C", "2021-02-28", "2021-02-10")
FRIDAY = position(Position_End_Date="2021-01-29")
STACKS = {
    "000001": [HIRED, LEFT, OTHER_DAY],
    "000002": [HIRED, LEFT, OTHER_DAY, change(4, "TERM-R", "2021-02-28", "2021-02-15", status("Active"))],
    "000003": [HIRED, LEFT, OTHER_DAY, change(4, "TERM-C", "2021-03-31", "2021-02-15")],
    "000004": [
        HIRED,
        change(2, "LOA", "2021-01-01", "2020-12-01", status("On Leave")),
        change(3, "RFL", "2021-02-01", "2021-01-20", status("Active")),
        change(4, "LOA", "2022-01-01", "2021-12-01", status("On Leave")),
        change(5, "LOA-C", "2021-01-04", "2022-03-01", status("On Leave")),
    ],
    "000005": [HIRED, change(2, "DTA", "2021-01-01", "2020-12-01", FRIDAY), LEFT],
    "000006": [HIRED, LEFT, change(3, "DTA", "2021-02-02", "2021-02-02", position(DELETED))],
    "000007": [HIRED, LEFT, change(3, "DTA", "2021-02-02", "2021-02-02", FRIDAY)],
    "000008": [
        HIRED,
        change(2, "HIR-C", "2020-02-01", "2020-01-10", position(Full_Time_Equivalent_Percentage="80")),
        change(3, "DTA", "2020-03-01", "2020-02-20", position(Primary_Job="0", Position_End_Date="9999-12-31")),
    ],
    "000009": [
        HIRED,
        change(2, "DTA", "2020-06-01", "2020-05-01", position(Full_Time_Equivalent_Percentage="50")),
        change(3, "DTA", "2020-04-01", "2020-07-01", position(DELETED)),
    ],
    "000010": [
        HIRED,
        change(2, "PGO", "2021-06-01", "2021-05-20", position(Full_Time_Equivalent_Percentage="50")),
        change(3, "PCO", "2021-08-01", "2021-07-20"),
        change(4, "PGI", "2021-08-01", "2021-07-21", position(**FULL)),
    ],
}
TOLD = {
    "000001": ["2020-01-01 2021-03-01 hire active", "2021-03-01 - termination terminated"],
    "000002": ["2020-01-01 - hire active"],
    "000003": ["2020-01-01 2021-04-01 hire active", "2021-04-01 - termination terminated"],
    "000004": [
        "2020-01-01 2021-01-04 hire active",
        "2021-01-04 2021-02-01 leave_start leave_unpaid",
        "2021-02-01 2022-01-01 leave_end active",
        "2022-01-01 - leave_start leave_unpaid",
    ],
    "000005": [
        "2020-01-01 2021-01-01 hire active",
        "2021-01-01 2021-01-30 data_change active",
        "2021-02-01 - termination terminated",
    ],
    "000006": ["2020-01-01 2021-02-01 hire active", "2021-02-01 - termination terminated"],
    "000007": ["2020-01-01 2021-02-01 hire active", "2021-02-01 - termination terminated"],
    "000008": ["2020-02-01 2020-03-01 hire active", "2020-03-01 - data_change active"],
    "000009": ["2020-01-01 2020-04-01 hire active"],
    "000010": [
        "2020-01-01 2021-06-01 hire active",
        "2021-06-01 2021-08-01 population_exit active",
        "2021-08-01 - transfer active",
    ],
}
"""First day, first day after, event, status."""


def write(folder, stacks: dict[str, Sequence[str]]) -> None:
    folder.mkdir(parents=True)
    workers = "".join(
        f"<peci:Worker><peci:Worker_Summary><peci:Employee_ID>{who}</peci:Employee_ID></peci:Worker_Summary>"
        f"{''.join(stack)}</peci:Worker>"
        for who, stack in stacks.items()
    )
    text = f"{HEAD}{workers}</peci:Workers_Effective_Stack>"
    (folder / "Workers_Effective_Stack_2024-01.xml").write_text(text)


def test_a_stack_is_what_it_comes_to_by_hand(keys, tmp_path, monkeypatch):
    write(tmp_path / "exports" / "workday_peci", STACKS)
    made = canonical(tmp_path, FEEDS["workday peci"], monkeypatch)["worker_history"]
    who = {of(number): number for number in STACKS}
    told: dict[str, list[str]] = {}
    columns = ["person_id", "valid_from", "valid_to", "event_type_code", "employment_status_code"]
    for person, first, end, event, held in made.sort("person_id", "valid_from").select(columns).iter_rows():
        told.setdefault(who[person], []).append(f"{first} {end or '-'} {event} {held}")
    assert told == TOLD
    part = made.filter(person_id=of("000008")).sort("valid_from").select("fte", "is_primary_assignment")
    assert part.rows() == [(0.8, True), (0.8, False)]
