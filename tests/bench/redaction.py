"""What the redaction of resumes finds and what it spoils: precision and recall per kind, with Wilson's 95% intervals.

python -m tests.bench.redaction               the sample company's resumes and the variants, through the real reader
python -m tests.bench.redaction --real FOLDER replacements in real resumes, which have no truth: counts only, no text

Recall: of the values planted (the generator says what it wrote), the share of which no letter and no digit is left.
Precision: of the replacements, the share that hides nothing but what was planted and the words that announce it.
"""

import argparse
import csv
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from unittest.mock import patch

from scipy.stats import binomtest

from infra.sample.exports import simulate
from infra.sample.plan import Plan
from infra.sample.resume_variants import variant
from infra.sample.resumes import Line, compose, docx, file_name, pdf
from pipelines.ingest.documents import extract as reader
from pipelines.ingest.documents.redact import find
from pipelines.ingest.feeds import load, options
from pipelines.ingest.read.documents import Options
from tests.bench.measure import ROOT

SEED: Final = 20_261_126
"""Of the variants; another one writes other people."""


@dataclass(frozen=True, slots=True)
class Truth:
    """A planted value and its statement, as ranges in a text's letters and digits alone: line breaks move."""

    kind: str
    value: range
    statement: range


@dataclass(slots=True)
class Tally:
    """Counts of one kind."""

    planted: int = 0
    hidden: int = 0
    replaced: int = 0
    right: int = 0

    @property
    def recall(self) -> float:
        """NaN when nothing was planted."""
        return self.hidden / self.planted if self.planted else float("nan")

    @property
    def precision(self) -> float:
        """NaN when nothing was replaced."""
        return self.right / self.replaced if self.replaced else float("nan")


Document = tuple[str, list[Truth]]


def size(text: str) -> int:
    """Letters and digits of a text."""
    return sum(map(str.isalnum, text))


def truths(lines: Iterable[Line]) -> list[Truth]:
    """Where the planted values are."""
    found, before = [], 0
    for line in lines:
        at = 0
        for one in line.planted:
            at = line.text.index(str(one), at)
            start = before + size(line.text[:at])
            value = start + size(one.label)
            end = value + size(one.value)
            found.append(Truth(one.kind, range(value, end), range(start, end + size(one.tail))))
            at += len(str(one))
        before += size(line.text)
    return found


def document(lines: list[Line], *, is_pdf: bool) -> Document:
    """A resume written, read back by the real reader without its redaction, and where its truths are in that text.

    Raises:
        ValueError: The reader changed letters or their order, so that nothing can be measured.
    """
    limits = options(Options, load(ROOT / "feeds")["resumes"])
    with patch.object(reader, "redact", str):  # the reader hands out nothing that is not redacted
        text = str(reader.extract(pdf(lines) if is_pdf else docx(lines), limits).text)
    if [c for c in text if c.isalnum()] != [c for line in lines for c in line.text if c.isalnum()]:
        raise ValueError("A resume must be read with its letters in their order; the reader changed them.")
    return text, truths(lines)


def sample(count: int) -> Iterator[Document]:
    """Resumes of the sample company, evenly from all of its candidates."""
    plan = Plan(2_000)
    candidates = simulate(plan).hiring.candidates
    for index in range(0, len(candidates.home), max(1, len(candidates.home) // count)):
        yield document(compose(plan, candidates, index), is_pdf=file_name(plan, index).endswith(".pdf"))


def variants(count: int) -> Iterator[Document]:
    """The variants, three in four as PDF."""
    for index in range(count):
        yield document(variant(SEED, index), is_pdf=index % 4 > 0)


def tally(documents: Iterable[Document]) -> dict[str, Tally]:
    """Counts per kind, by name."""
    counts: dict[str, Tally] = {}
    for text, planted in documents:
        before = [0]
        for character in text:
            before.append(before[-1] + character.isalnum())
        spans = [(range(before[span.start], before[span.end]), span.kind) for span in find(text)]
        gone = {place for places, _ in spans for place in places}
        told = {place for truth in planted for place in truth.statement}
        for truth in planted:
            count = counts.setdefault(truth.kind, Tally())
            count.planted += 1
            count.hidden += gone.issuperset(truth.value)
        for places, kind in spans:
            count = counts.setdefault(kind, Tally())
            count.replaced += 1
            count.right += told.issuperset(places)
    return dict(sorted(counts.items()))


def interval(successes: int, of: int) -> str:
    """A share with Wilson's 95% interval; a dash when there is nothing to share."""
    if not of:
        return "-"
    bounds = binomtest(successes, of).proportion_ci(method="wilson")
    return f"{successes / of:.3f} [{bounds.low:.3f}, {bounds.high:.3f}] of {of}"


def table(counts: dict[str, Tally]) -> str:
    """A row per kind."""
    rows = [f"{'kind':<16} {'recall':<34} precision"]
    for kind, count in counts.items():
        recall, precision = interval(count.hidden, count.planted), interval(count.right, count.replaced)
        rows.append(f"{kind:<16} {recall:<34} {precision}")
    return "\n".join(rows)


def real(folder: Path) -> str:
    """Replacements per kind in a folder's resumes.csv, and in how many resumes there is one."""
    csv.field_size_limit(1 << 24)
    with (folder / "resumes.csv").open(encoding="utf-8", newline="") as file:
        kinds = [[span.kind for span in find(row["text"])] for row in csv.DictReader(file)]
    all_of, in_resumes = (
        Counter(kind for found in kinds for kind in found),
        Counter(k for found in kinds for k in set(found)),
    )
    return "\n".join(f"{kind:<16} {count:>6} in {in_resumes[kind]} resumes" for kind, count in sorted(all_of.items()))


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.redaction", description=__doc__)
    parser.add_argument("--count", type=int, default=500, help="resumes of each set")
    parser.add_argument("--real", type=Path, help="folder with a resumes.csv")
    given = parser.parse_args()
    if given.real:
        print(real(given.real))
        return 0
    print("The sample company\n" + table(tally(sample(given.count))))
    print("\nVariants\n" + table(tally(variants(given.count))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
