"""Figures of reading vendors' dialects, each against a bare streaming parser of the same file of some 200 MB.

    python -m tests.bench.dialects                 all four
    python -m tests.bench.dialects --mib 20        smaller files
    python -m tests.bench.dialects --case OData    only one

Ours is the whole way from the file to raw cells as Parquet, every limit and every count on; bare is one pass that makes
Python objects of the records (ijson, lxml.iterparse) and drops them. Both are whole processes, their start included.
"""

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Final, cast

from infra.sample.company import draw_direct_workers
from infra.sample.dialects import write_report
from infra.sample.plan import DELIVERIES, Plan
from infra.sample.vendors import successfactors, successfactors_compound, workday_xml
from infra.sample.workday import worker_rows
from tests.bench.measure import ROOT, Cost, Figure, cost, mean

if TYPE_CHECKING:
    from infra.sample.hiring import Hiring

MIB: Final = 200
BOUND: Final = 2.5
SEED: Final = 20_261_101
DELIVERY: Final = DELIVERIES["history"]
JSON: Final = """
import ijson, sys
with open(sys.argv[1], "rb") as file:
    for _ in ijson.get_backend("yajl2_c").items(file, sys.argv[2], buf_size=1 << 20):
        pass
"""
XML: Final = """
import sys
from lxml import etree
for _, element in etree.iterparse(sys.argv[1], tag=sys.argv[2], resolve_entities=False):
    element.clear()
    while element.getprevious() is not None:
        del element.getparent()[0]
"""
OURS: Final = """
import sys
from pathlib import Path
from pipelines.ingest import feeds
from pipelines.ingest.batch import Unit
from pipelines.ingest.read import read_file
feed = feeds.load(Path(sys.argv[2]))[sys.argv[3]]
source, out = Path(sys.argv[1]), Path(sys.argv[4])
out.mkdir()
unit = Unit("u", feed.name, source.name, "0" * 64, source.stat().st_size, {"period": "2026-09"}, "", "")
print(read_file(source, out, feed, unit).rows)
"""


Write = Callable[[Plan, Path], None]


@dataclass(frozen=True, slots=True)
class Case:
    """One dialect: who writes it, its feed, and a bare parser with what it looks for."""

    name: str
    write: Write
    feed: str
    bare: str
    records: str
    bytes_a_worker: int


def _workday_json(plan: Plan, out: Path) -> None:
    rows = worker_rows(plan, draw_direct_workers(plan), DELIVERY)
    write_report(out / f"HRML_Workers_{DELIVERY.period}.json", rows)


def _workday_xml(plan: Plan, out: Path) -> None:
    hiring = cast("Hiring", None)  # a report on workers says nothing of it
    workday_xml.write(workday_xml.Tenant(plan, draw_direct_workers(plan), hiring, DELIVERY, set()), "Workers", out)


def _odata(plan: Plan, out: Path) -> None:
    with _in_one_page(successfactors):
        successfactors.write_employments(plan, draw_direct_workers(plan), DELIVERY, out)


def _compound(plan: Plan, out: Path) -> None:
    with _in_one_page(successfactors_compound):
        successfactors_compound.write_people(plan, draw_direct_workers(plan), DELIVERY, out)


@contextmanager
def _in_one_page(writer: ModuleType) -> Iterator[None]:
    rows, writer.PAGE = writer.PAGE, sys.maxsize
    yield
    writer.PAGE = rows


CASES: Final = (
    Case("Workday JSON", _workday_json, "workday_workers.yaml", JSON, "Report_Entry.item", 760),
    Case(
        "Workday XML",
        _workday_xml,
        "vendors/workday/workday_xml_workers.yaml",
        XML,
        "{urn:com.workday.report/HRML_Workers}Report_Entry",
        3070,
    ),
    Case("OData", _odata, "vendors/successfactors/successfactors_employments.yaml", JSON, "d.results.item", 855),
    Case(
        "Compound Employee",
        _compound,
        "vendors/successfactors/successfactors_compound.yaml",
        XML,
        "CompoundEmployee",
        2400,
    ),
)


def measure(case: Case, mib: int) -> tuple[Cost, Cost, float]:
    """What ours and the bare parser take, and the file's MiB; the file is warm in memory for both."""
    with tempfile.TemporaryDirectory(prefix="candor bench ") as name:
        top = Path(name)
        (top / "feeds").mkdir()
        shutil.copy(ROOT / "feeds" / case.feed, top / "feeds")
        case.write(Plan((mib << 20) // case.bytes_a_worker, "default", SEED), top)
        [file] = [path for path in top.rglob("*_20*") if path.is_file()]
        bare = [sys.executable, "-c", case.bare, str(file), case.records]
        cost(bare, dict(os.environ))
        before = cost(bare, dict(os.environ))
        words = [str(file), str(top / "feeds"), Path(case.feed).stem, str(top / "raw")]
        ours = cost([sys.executable, "-c", OURS, *words], dict(os.environ) | {"PYTHONPATH": str(ROOT)})
        return ours, mean(before, cost(bare, dict(os.environ))), file.stat().st_size / (1 << 20)


def figures(cases: Sequence[Case] = CASES, mib: int = MIB) -> list[Figure]:
    """Measure; the costs themselves are printed as they come."""
    found = []
    for case in cases:
        ours, bare, size = measure(case, mib)
        print(f"{case.name}, {size:.0f} MiB: {ours}; bare: {bare}; CPU ratio {ours.cpu / bare.cpu:.2f}", flush=True)
        found.append(Figure(f"{case.name} to raw cells / a bare streaming parse", ours.wall / bare.wall, BOUND, "x"))
    return found


def main() -> int:
    """Measure and print; exit code 1 when a figure is above its bound."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.dialects", description=__doc__)
    parser.add_argument("--mib", type=int, default=MIB, help="about how large the files are (default %(default)s)")
    parser.add_argument("--case", choices=[case.name for case in CASES], help="only one of them")
    given = parser.parse_args()
    found = figures([case for case in CASES if given.case in (None, case.name)], given.mib)
    print("\n".join(figure.line() for figure in found))
    return int(not all(figure.holds for figure in found))


if __name__ == "__main__":
    sys.exit(main())
