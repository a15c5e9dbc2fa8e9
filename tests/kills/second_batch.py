"""A second delivery to a lake that holds one: it is checked, and only has to be published."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from tests.kills import roads
from tests.kills.killing import Server

BATCH = "b2"


def until_publish(folder: Path) -> int:
    """All steps of the second batch but the last."""
    from pipelines.ingest import __main__ as command
    from pipelines.ingest.check import let_go

    command.finish = lambda batch: let_go(batch) or "not yet"  # as the step `validate` ends
    return roads.ingest(folder, BATCH)


def publish(folder: Path) -> int:
    """The last step."""
    from pipelines.ingest.__main__ import main

    roads.environment(folder)
    return main(["publish", BATCH])


ROADS: dict[str, Callable[[Path], Any]] = {
    "until_publish_again": until_publish,
    "publish": publish,
    "ingest_next": partial(roads.ingest, batch="b3"),
}


def deliver(folder: Path) -> None:
    """News of somebody known, somebody new with an answer, a row for quarantine, a course."""
    from tests.stages.test_ingest import report, table, worker

    exports = folder / "exports"
    moved = worker(1, Job_Family_ID="OPS", Last_Functionally_Updated="2026-02-05T08:00:00.000Z")
    report(exports / "workday/HRML_Workers_2026-10.json", moved, worker(3), worker(4, Hire_Date="2024-13-45"))
    report(
        exports / "workday_restricted/HRML_Protected_2026-10.json",
        {"Worker_ID": "000003", "Gender_ID": "Male", "Birth_Date": "1991-05-06", "Declared_Date": "2026-02-05"},
    )
    table(
        exports / "lms/courses_2026-11.csv",
        "Course ID,Title,Topic,Level,Duration (min),Active",
        "K2,Two,T,Foundation,30,Yes",
    )


def made(server: Server, folder: Path) -> Path:
    """A company whose first batch is published and whose second is checked."""
    folder.mkdir(exist_ok=True)
    roads.environment(folder)
    roads.deliver(folder)
    assert server.call("ingest", folder) == 0, server.said()
    deliver(folder)
    assert server.call("until_publish_again", folder) == 0, server.said()
    return folder
