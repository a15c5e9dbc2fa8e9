"""Write one delivery: simulate the company, cut it at the delivery's end, print every file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from infra.sample import company, faults, hiring, learning, performance, tables, workday
from infra.sample.dialects import Table, replacing_folder, write_json, write_report
from infra.sample.plan import Array, Delivery, Plan, blocks
from infra.sample.resumes import candidate_id, compose, docx, file_name, pdf

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

Report = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class Company:
    """The simulated company, without what is simulated block by block."""

    workers: company.Workers
    hiring: hiring.Hiring
    courses: learning.Courses


def simulate(plan: Plan) -> Company:
    """Simulate people, hiring and the course catalogue."""
    workers = company.draw_direct_workers(plan)
    hired = hiring.simulate(plan, workers)
    return Company(company.with_hires(workers, hired.hires), hired, learning.draw_courses(plan))


@dataclass(slots=True)
class Job:
    """One delivery being written. `resumes`: indices of the candidates whose resumes it holds."""

    plan: Plan
    world: Company
    delivery: Delivery
    out: Path
    resumes: Array
    report: Report
    counts: dict[str, int]

    def path(self, name: str, suffix: str) -> str:
        """A file's name below `out`."""
        return f"{name}_{self.delivery.period}{suffix}"

    def note(self, name: str, rows: int) -> None:
        """Count and report one finished file."""
        self.counts[name] = rows
        self.report(name, rows)

    @property
    def is_history(self) -> bool:
        """Whether this is the delivery that most faults are planted in."""
        return self.delivery.name == "history"


def write(plan: Plan, delivery: Delivery, out: Path, resumes_max: int | None, report: Report) -> dict[str, int]:
    """Write all files of a delivery.

    Args:
        plan: Size, kind and seed.
        delivery: Which of the two.
        out: The company's exports folder.
        resumes_max: At most so many resumes, the newest candidates' ones; None for the plan's own cap.
        report: Called once a file with its name below `out` and its rows.

    Returns:
        Rows per file; also written last of all to `_deliveries/<period>.json`.
    """
    world = simulate(plan)
    new = np.flatnonzero(delivery.holds(world.hiring.candidates.created))
    cap = plan.resumes_cap if resumes_max is None else resumes_max
    resumes = new if cap is None else new[max(0, len(new) - cap) :]
    job = Job(plan, world, delivery, out, resumes, report, {})
    for step in (_write_workday, _write_learning, _write_performance, _write_resumes):
        step(job)
    write_json(out / "_deliveries" / f"{delivery.period}.json", {"period": delivery.period, "files": job.counts})
    return job.counts


def _write_workday(job: Job) -> None:
    plan, delivery, workers, hired = job.plan, job.delivery, job.world.workers, job.world.hiring
    candidates = hired.candidates
    new_workers = np.flatnonzero(delivery.holds(workers.hired))
    new_candidates = np.flatnonzero(delivery.holds(candidates.created))
    reports: dict[str, Iterator[dict[str, Any]]] = {
        "workday/HRML_Workers": faults.bad_workers(workday.worker_rows(plan, workers, delivery), len(workers)),
        "workday/HRML_Requisitions": workday.requisition_rows(hired, workers, delivery),
        "workday/HRML_Candidates": workday.candidate_rows(plan, hired, delivery, set(job.resumes.tolist())),
        "workday/HRML_Applications": faults.bad_applications(workday.application_rows(hired, delivery), delivery),
        "workday_restricted/HRML_Protected": workday.protected_rows(
            "Worker_ID",
            [workday.worker_id(i) for i in new_workers.tolist()],
            workers.people.take(new_workers),
            workers.hired[new_workers],
        ),
        "workday_restricted/HRML_Candidate_EEO": workday.protected_rows(
            "Candidate_ID",
            [candidate_id(i) for i in new_candidates.tolist()],
            candidates.people.take(new_candidates),
            candidates.created[new_candidates].astype("datetime64[D]"),
        ),
    }
    for name, rows in reports.items():
        path = job.path(name, ".json")
        job.note(path, write_report(job.out / path, rows))


def _write_learning(job: Job) -> None:
    path = job.path("lms/courses", ".csv")
    with Table(job.out / path, has_bom=True) as catalogue:
        catalogue.append(tables.course_frame(job.world.courses))
    job.note(path, catalogue.rows)
    paths = {name: job.path(f"lms/{name}", ".csv") for name in ("enrolments", "progress", "completions")}
    with ExitStack() as stack:
        files = {name: stack.enter_context(Table(job.out / path, has_bom=True)) for name, path in paths.items()}
        for block in blocks(len(job.world.workers)):
            frames = _learning(job.plan, job.world, block, job.delivery)
            if job.is_history and block.start == 0:
                frames = faults.bad_learning(frames)
            for name, file in files.items():
                file.append(frames[name])
    for name, file in files.items():
        job.note(paths[name], file.rows)


def _learning(plan: Plan, world: Company, block: slice, delivery: Delivery) -> dict[str, pl.DataFrame]:
    work = performance.simulate(plan, world.workers, block)
    enrolments = learning.simulate(plan, world.courses, world.workers, work, block)
    handed = learning.submissions(plan, world.courses, enrolments, block)
    return tables.learning_frames(plan, world.courses, enrolments, handed, delivery)


def _write_performance(job: Job) -> None:
    plan, delivery = job.plan, job.delivery
    paths = {name: job.path(f"performance/{name}", ".csv") for name in ("reviews", "work_records")}
    reviews, records = Table(job.out / paths["reviews"], separator=";"), Table(job.out / paths["work_records"])
    with reviews, records:
        for block in blocks(len(job.world.workers)):
            work = performance.simulate(plan, job.world.workers, block)
            frames = {
                "reviews": tables.review_frame(plan, work, block, delivery),
                "work_records": tables.record_frame(plan, work, block, delivery),
            }
            if job.is_history and block.start == 0:
                frames = faults.bad_performance(frames)
            reviews.append(frames["reviews"])
            records.append(frames["work_records"])
    job.note(paths["reviews"], reviews.rows)
    job.note(paths["work_records"], records.rows)


def _write_resumes(job: Job) -> None:
    path, candidates = f"resumes/{job.delivery.period}", job.world.hiring.candidates
    pdfs = [i for i in job.resumes.tolist() if file_name(job.plan, i).endswith(".pdf")]
    bad = {index: number for number, index in enumerate(pdfs[4:7])} if job.is_history else {}
    with replacing_folder(job.out / path) as folder:
        for index in job.resumes.tolist():
            lines, name = compose(job.plan, candidates, index), file_name(job.plan, index)
            if index in bad:
                body = faults.bad_resume(bad[index], lines)
            else:
                body = docx(lines) if name.endswith(".docx") else pdf(lines)
            (folder / name).write_bytes(body)
    job.note(path, len(job.resumes))
