"""Sound files to begin with, as the sample company's writers print them, each small. In some stands a canary."""

import io
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Final

from infra.sample import resumes, workday
from infra.sample.dialects import write_report
from infra.sample.exports import Company, simulate
from infra.sample.plan import DELIVERIES, Plan
from infra.sample.vendors import (
    excel,
    json_resume,
    successfactors,
    successfactors_compound,
    workday_csv,
    workday_eib,
)
from infra.sample.vendors.oracle import loader
from tests.unit import document_files

PLAN: Final = Plan(20)
DELIVERY: Final = DELIVERIES["history"]
CANARY: Final = "Zanzibarova"
LINES: Final = 5
"""Of a file that has a line for each of many records."""


@cache
def company() -> Company:
    """The smallest company that there is."""
    return simulate(PLAN)


@contextmanager
def printed(write: Callable[[Path], object]) -> Iterator[list[Path]]:
    """The files that a writer makes, in the order of their names."""
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder))
        yield sorted(path for path in Path(folder).rglob("*") if path.is_file())


def first(write: Callable[[Path], object]) -> bytes:
    """The first of them."""
    with printed(write) as files:
        return files[0].read_bytes()


@cache
def csv() -> list[bytes]:
    """Workday's report of workers as CSV."""
    return [first(lambda out: workday_csv.write_workers(PLAN, company().workers, DELIVERY, out))]


@cache
def workday_json() -> list[bytes]:
    """The same as JSON, and with groups and numbers in it."""
    rows = list(workday.worker_rows(PLAN, company().workers, DELIVERY))[:LINES]
    odd = [{**row, "FTE": 0.5, "Group": [{"ID": CANARY, "n": 1e9, "m": None}]} for row in rows]
    return [first(lambda out, rows=rows: write_report(out / "w", rows)) for rows in (rows, odd)]


@cache
def odata() -> list[bytes]:
    """A page of SuccessFactors."""
    return [first(lambda out: successfactors.write_employments(PLAN, company().workers, DELIVERY, out))]


@cache
def ndjson() -> list[bytes]:
    """Resumes, one a line."""
    text = first(lambda out: json_resume.write_resumes(PLAN, company().hiring, DELIVERY, out))
    return [b"".join(text.splitlines(keepends=True)[:LINES])]


@cache
def compound() -> list[bytes]:
    """Compound Employee, plain and within SOAP."""
    write = successfactors_compound.write_people
    return [
        first(lambda out, soap=soap: write(PLAN, company().workers, DELIVERY, out, is_soap=soap))
        for soap in (False, True)
    ]


@cache
def loader_file() -> bytes:
    """The archive of everybody that Oracle's loader takes; the other one has jobs."""
    with printed(lambda out: loader.write_loader(PLAN, company().workers, DELIVERY, out)) as files:
        return files[-1].read_bytes()


@cache
def recorded() -> list[bytes]:
    """An EIB file with header and trailer."""
    return [first(lambda out: workday_eib.write_delimited(PLAN, company().workers, DELIVERY, out))]


def fixed_width() -> list[bytes]:
    """Two cells a line."""
    return [b"HEAD\r\n" + b"".join(b"%06d%-14s\r\n" % (n, CANARY.encode()) for n in range(LINES))]


@cache
def workbook() -> bytes:
    """A list of staff."""
    return first(lambda out: excel.write_staff(PLAN, company().workers, DELIVERY, out))


def unpacked(data: bytes) -> dict[str, bytes]:
    """The files of an archive."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def resume() -> list[resumes.Line]:
    """The lines of somebody's resume."""
    return resumes.compose(PLAN, company().hiring.candidates, 0)


@cache
def pdf() -> list[bytes]:
    """A resume, and a page whose drawing is not packed."""
    shown = b"BT /F1 12 Tf 72 700 Td (" + document_files.SOUND.encode() + b") Tj 1 g 3 Tr (x) Tj ET"
    return [resumes.pdf(resume()), document_files.content(shown)]


@cache
def word() -> bytes:
    """A resume."""
    return resumes.docx(resume())


def rtf() -> list[bytes]:
    """Styles, colours, a table and what is hidden."""
    head = rb"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}{\colortbl;\red255\green255\blue255;}\f0\fs24 "
    return [
        head + rb"Engineer \'e9\par {\v hidden}{\cf1 white}\trowd\cell a\cell b\row \u8217? {\*\generator x;}\bin3 abc}"
    ]


def html() -> list[bytes]:
    """Styles, a table and what is hidden."""
    head = b"<!doctype html><html><head><style>.a{color:#fff;background:white} #b{display:none}</style></head><body>"
    table = b"<p class='a'>white</p><p id=b>none</p><table><tr><td>a</td><td>b</td></tr></table>"
    return [head + table + b"<p style='font-size:1px'>tiny</p>Engineer &amp; more</body></html>"]


def txt() -> list[bytes]:
    """Text in two encodings."""
    return ["Engineer für alles\nKafka".encode(), "Engineer für alles\nKafka".encode("utf-16")]
