"""Figures of the bias report: 1,000,000 applications for 5,000 requisitions, three axes and 14 intersectional cells.

    python -m tests.bench.bias

What `evaluate` and the gate do with a candidate, and what monitoring does with a day, each from the tables that they
read to the files that they leave: units, join of the groups, counts, judgements of every axis and intersection, over
all and by requisition, JSON, CSV and pages. Both judge people's past decisions and the model's selections on the same
applications, so twice the rows. Seconds are those of the work, imports left out; memory is that of the whole process.
A tenth of the applications, for a tenth of the requisitions, gives the growth.
"""

import importlib
import json
import os
import sys
import tempfile
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from tests.bench.measure import Figure, cost

ROWS: Final = 1_000_000
A_REQUISITION: Final = 200
"""Applications."""
A_PERSON: Final = 2.5
SEED: Final = 20_261_101
UNIT: Final = ("person_id", "subject_id")
LEAST: Final = 30
DAY: Final = date(2026, 10, 31)
PLANTED: Final = "R-000007"
WAYS: Final = ("evaluate", "monitor")


def make(folder: Path, rows: int) -> None:
    """Tables as the store has them. One requisition turns women away; all the others and so the pool do not."""
    random = np.random.default_rng(SEED)
    people = int(rows / A_PERSON)
    ids = pl.select(pl.format("p_{}", pl.int_range(people).cast(pl.String).str.zfill(32))).to_series()
    sex = random.choice(["female", "male", "unknown"], people, p=[0.48, 0.48, 0.04])
    shares = [0.55, 0.15, 0.12, 0.08, 0.03, 0.02, 0.02, 0.03]
    ethnicity = random.choice([f"ethnicity {n}" for n in range(7)] + ["unknown"], people, p=shares)
    age = random.choice(["40 or over", "under 40", "unknown"], people, p=[0.3, 0.66, 0.04])
    pl.DataFrame({"person_id": ids, "age_40": age, "ethnicity": ethnicity, "sex": sex}).write_parquet(folder / "groups")
    person = random.integers(0, people, rows)
    subject = pl.select(
        pl.format("R-{}", (pl.int_range(rows) % (rows // A_REQUISITION)).cast(pl.String).str.zfill(6))
    ).to_series()
    is_turned_away = (subject == PLANTED).to_numpy() & (sex[person] == "female")
    chosen = random.random(rows) < np.where(is_turned_away, 0.1, np.where((subject == PLANTED).to_numpy(), 0.6, 0.3))
    cases = pl.DataFrame({"person_id": ids[person], "subject_id": subject})
    cases.with_columns(
        stage_code=pl.lit("screen"), outcome=pl.Series(chosen.astype(float)), decided_by=pl.lit("human")
    ).write_parquet(folder / "outcomes")
    score = pl.Series(random.random(rows))
    cases.with_columns(scorer=pl.lit("model"), score=score, is_selected=score < 0.3).write_parquet(folder / "scored")


def evaluate(folder: Path) -> None:
    """As the stages `evaluate` and `gate` do, but for the metrics."""
    from pipelines.base.sealed import seal_frame
    from pipelines.evaluate import groups
    from pipelines.evaluate.written import write
    from pipelines.fairness.evidence import Groups, gaps
    from pipelines.gate import GateSettings, judge_groups

    settings = GateSettings(slice_drop=0.1, min_group_size=LEAST, min_known_share=0.5)
    scored, outcomes, people = (pl.read_parquet(folder / name) for name in ("scored", "outcomes", "groups"))
    told, pools, cells = groups.judged(scored, outcomes, people, UNIT, LEAST)
    write(folder / "groups.json", told)
    pools.write_csv(folder / "groups.csv")
    (folder / "groups.sealed").write_bytes(seal_frame(bytes(32), cells))
    evidence = Groups.model_validate_json((folder / "groups.json").read_bytes())
    findings = list(judge_groups(evidence, settings))
    assert findings, "the gate must have judged"
    assert {gap.axis for gap in gaps(evidence)} >= {"sex", "sex x ethnicity", "age_40"}, "unknown people are a gap"
    assert told["human"]["by_subject"][0]["subject"] == PLANTED, "what was planted must come first"


def monitor(folder: Path) -> None:
    """As `monitoring bias` and `monitoring report` do."""
    from monitoring import _evidently, bias, page
    from monitoring.findings import concluded, of_bias
    from monitoring.settings import monitor_settings
    from pipelines.base.sealed import seal_frame
    from pipelines.evaluate import groups, parity

    scored, outcomes, people = (pl.read_parquet(folder / name) for name in ("scored", "outcomes", "groups"))
    decisions = {"human": groups.human_decisions(outcomes, UNIT), "model": groups.model_selections(scored, UNIT)}
    reports = {source: groups.reports(part, people, LEAST) for source, part in decisions.items()}
    about = {"family": "screening", "as_of": DAY, "lists": tuple(parity.listed(scored, people, LEAST, LEAST))}
    result = bias.judged(reports).model_copy(update=about)
    (folder / "bias.html").write_bytes(_evidently.bias_report(result, "counts"))
    groups.by_source(reports, groups.pools).write_csv(folder / "bias.csv")
    (folder / "bias.sealed").write_bytes(seal_frame(bytes(32), groups.by_source(reports, groups.cells)))
    (folder / "bias.json").write_text(result.model_dump_json(indent=1))
    found = concluded("screening", DAY, of_bias(result), (), monitor_settings())
    (folder / "index.html").write_text(page.report(found, None, None, result))
    assert result.hidden, "what was planted must be the first line"
    assert result.hidden[0].startswith(f"{PLANTED}, human decisions at screen, sex: female")


def measured(way: str, folder: Path) -> tuple[float, float]:
    """Seconds of the work in a process of its own, and its GiB."""
    spent = cost(
        [sys.executable, "-m", "tests.bench.bias", way, str(folder)], {**os.environ, "PYTHONWARNINGS": "ignore"}
    )
    return json.loads((folder / f"{way}.seconds").read_text()), spent.peak


def figures() -> list[Figure]:
    """The figures of the bias report and their bounds."""
    result = []
    with tempfile.TemporaryDirectory() as name:
        folders = {rows: Path(name) / str(rows) for rows in (ROWS // 10, ROWS)}
        for rows, folder in folders.items():
            folder.mkdir()
            make(folder, rows)
        for way in WAYS:
            (few, _), (many, peak) = (measured(way, folder) for folder in folders.values())
            told = f"bias report, {way}, 1,000,000 applications decided and scored"
            result += [Figure(told, many, 20, "s"), Figure(f"{told}: memory", peak, 2, "GiB")]
            result.append(Figure(f"bias report, {way}: 1,000,000 applications / 100,000", many / few, 11, "x"))
        page = (folders[ROWS] / "index.html").stat().st_size / 1e6
        result.append(Figure("bias report, page of 5,000 requisitions", page, 2, "MB"))
    return result


def main(words: list[str]) -> int:
    """Do one piece of work, or measure; exit code 1 when a figure is above its bound."""
    if words:
        way, folder = words[0], Path(words[1])
        for name in ("monitoring._evidently", "pipelines.evaluate.__main__", "pipelines.gate"):
            importlib.import_module(name)  # what it takes is not the report's
        work = {"evaluate": evaluate, "monitor": monitor}[way]
        began = time.perf_counter()
        work(folder)
        (folder / f"{way}.seconds").write_text(json.dumps(time.perf_counter() - began))
        return 0
    began = datetime.now(UTC)
    found = figures()
    print("\n".join(figure.line() for figure in found))
    print(f"measured in {(datetime.now(UTC) - began).seconds} s")
    return int(not all(figure.holds for figure in found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
