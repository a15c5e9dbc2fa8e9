"""The sample company keeps what its docstring promises."""

import csv
import hashlib
import json
import re
from collections import Counter
from pathlib import Path

import pytest

from infra.sample.__main__ import main
from infra.sample.exports import simulate
from infra.sample.plan import DELIVERIES, Plan
from infra.sample.truths import truths

HISTORY, MONTH36 = "2026-09", "2026-10"


def write(out: Path, delivery: str, *more: str) -> None:
    assert main(["--out", str(out), "--delivery", delivery, "--workers", "200", *more]) == 0


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("a company") / "exports"
    write(out, "history")
    write(out, "month36")
    return out


def report(exports: Path, name: str, period: str = HISTORY) -> list[dict]:
    return json.loads((exports / f"{name}_{period}.json").read_text())["Report_Entry"]


def table(exports: Path, name: str, period: str = HISTORY, separator: str = ",") -> list[dict]:
    text = (exports / f"{name}_{period}.csv").read_text(encoding="utf-8-sig")
    return [*csv.DictReader(text.splitlines(), delimiter=separator)]


def tree(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def screened(applications: list[dict], sexes: dict[str, str], requisition: str | None = None) -> dict[str, float]:
    """Share let on by human screening, by declared sex."""
    let_on, judged = Counter(), Counter()
    for row in applications:
        if requisition not in {None, row["Requisition_ID"]}:
            continue
        for step in row["Stage_History_group"]:
            sex = sexes.get(row["Candidate_ID"])
            if step["Stage_ID"] == "SCREEN" and step.get("Outcome") in {"Advanced", "Rejected"} and sex:
                judged[sex] += 1
                let_on[sex] += step["Outcome"] == "Advanced"
    return {sex: let_on[sex] / judged[sex] for sex in ("Female", "Male")} | {"least": min(judged.values(), default=0)}


def sexes(exports: Path) -> dict[str, str]:
    rows = report(exports, "workday_restricted/HRML_Candidate_EEO")
    return {row["Candidate_ID"]: row["Gender_ID"] for row in rows if row.get("Gender_ID") in {"Female", "Male"}}


def test_the_same_call_writes_the_same_bytes(exports: Path, tmp_path: Path) -> None:
    write(tmp_path / "again", "history")
    write(tmp_path / "again", "history")
    write(tmp_path / "again", "month36")
    assert tree(tmp_path / "again") == tree(exports)


def test_another_seed_writes_other_people(tmp_path: Path) -> None:
    plan, other = Plan(200), Plan(200, seed=1)
    assert list(simulate(plan).workers.people.last) != list(simulate(other).workers.people.last)


def test_nothing_unfinished_stays_behind(exports: Path) -> None:
    assert not list(exports.rglob(".*"))


def test_the_last_file_counts_all_others(exports: Path) -> None:
    for period in (HISTORY, MONTH36):
        counted = json.loads((exports / "_deliveries" / f"{period}.json").read_text())["files"]
        written = {str(p.relative_to(exports)) for p in exports.glob(f"*/*_{period}.*")} | {f"resumes/{period}"}
        assert set(counted) == written
        assert counted[f"resumes/{period}"] == len(list((exports / "resumes" / period).iterdir()))
        assert counted[f"workday/HRML_Workers_{period}.json"] == len(report(exports, "workday/HRML_Workers", period))


def test_the_history_knows_nothing_of_october(exports: Path) -> None:
    for path in exports.glob("workday*/*_2026-09.json"):
        assert not re.findall(r'"2026-1[0-2]-\d\d[T"]', re.sub(r'"Target_Hire_Date":"[^"]*"', "", path.read_text()))
    for name, column in (("progress", "Submitted At"), ("completions", "Completed At"), ("enrolments", "Enrolled At")):
        assert not [row for row in table(exports, f"lms/{name}") if row[column][3:10] == "10.2026"]
        assert all(row[column][3:10] == "10.2026" for row in table(exports, f"lms/{name}", MONTH36))


def test_what_was_open_is_decided_in_the_next_delivery(exports: Path) -> None:
    before = {row["Application_ID"]: row for row in report(exports, "workday/HRML_Applications")}
    after = {row["Application_ID"]: row for row in report(exports, "workday/HRML_Applications", MONTH36)}
    is_open = {key for key, row in before.items() if row["Current_Status"] == "In Process"}
    assert 0.06 < len(is_open) / len(before) < 0.12
    assert {key for key in after if key in before} <= is_open
    decided = [key for key in is_open & set(after) if after[key]["Current_Status"] != "In Process"]
    assert len(decided) >= len(is_open) / 2
    for key in decided:
        known = [step for step in before[key]["Stage_History_group"] if "Outcome" in step]
        assert after[key]["Stage_History_group"][: len(known)] == known


def test_an_enrolment_ends_once_and_after_it_began(exports: Path) -> None:
    ended = Counter(row["Enrollment ID"] for p in (HISTORY, MONTH36) for row in table(exports, "lms/completions", p))
    began = Counter(row["Enrollment ID"] for p in (HISTORY, MONTH36) for row in table(exports, "lms/enrolments", p))
    assert set(ended) <= set(began)
    assert set(ended.values()) == {1}
    assert sum(count - 1 for count in began.values()) == 3


def test_the_sixth_review_comes_with_the_second_delivery(exports: Path) -> None:
    first = table(exports, "performance/reviews", separator=";")
    second = table(exports, "performance/reviews", MONTH36, separator=";")
    assert {row["period"] for row in first} == {"2024H1", "2024H2", "2025H1", "2025H2", "2026H1"}
    assert {row["period"] for row in second} == {"2026H2"}
    assert {row["period_end"] for row in second} == {"2026-10-31"}


def test_every_hire_is_a_worker_who_names_the_candidate(exports: Path) -> None:
    for period in (HISTORY, MONTH36):
        workers = {row["Worker_ID"]: row for row in report(exports, "workday/HRML_Workers", period)}
        for row in report(exports, "workday/HRML_Applications", period):
            if row["Current_Status"] == "Hired":
                worker = workers[row["Hired_Worker_ID"]]
                assert worker["Hired_From_Candidate_ID"] == row["Candidate_ID"]
                assert worker["Hire_Date"] == row["Hire_Date"]


def test_linked_records_agree_on_protected_attributes_and_consent(exports: Path) -> None:
    candidates = {row["Candidate_ID"]: row for row in report(exports, "workday/HRML_Candidates")}
    as_candidate = {row["Candidate_ID"]: row for row in report(exports, "workday_restricted/HRML_Candidate_EEO")}
    as_worker = {row["Worker_ID"]: row for row in report(exports, "workday_restricted/HRML_Protected")}
    workers = {row["Worker_ID"]: row for row in report(exports, "workday/HRML_Workers")}
    linked = [row for row in candidates.values() if "Employee_ID" in row]
    assert len(linked) > 30
    for row in linked:
        key, worker = row["Candidate_ID"], row["Employee_ID"]
        assert row["Consent_Given"] == workers[worker]["Analytics_Consent"]
        for name in ("Gender_ID", "Race_Ethnicity_IDs_group", "Birth_Date", "Disability_Status"):
            assert as_candidate[key].get(name) == as_worker[worker].get(name)


def test_one_requisition_was_biased_while_the_pooled_rate_looks_fine(exports: Path) -> None:
    applications, groups = report(exports, "workday/HRML_Applications"), sexes(exports)
    planted = screened(applications, groups, truths(Plan(200))["planted_requisition"])
    pooled = screened(applications, groups)
    assert planted["least"] >= 100
    assert planted["Female"] / planted["Male"] <= 0.55
    assert 0.9 <= pooled["Female"] / pooled["Male"] <= 1.1


@pytest.mark.parametrize("workers", [20, 200, 2_000, 30_000])
@pytest.mark.parametrize("seed", [20_231_101, 5])
def test_the_planted_requisition_is_found_at_every_size(workers: int, seed: int) -> None:
    seen = truths(Plan(workers, seed=seed))["screening"]
    assert seen["planted"]["impact_ratio"] <= 0.55
    assert min(seen["planted"]["women"], seen["planted"]["men"]) >= 100
    assert seen["pooled"]["impact_ratio"] >= 0.9


def test_only_the_biased_company_punishes_women_everywhere_and_tells_sex_in_resumes() -> None:
    from infra.sample.resumes import compose

    fair, biased = Plan(200), Plan(200, "biased")
    assert truths(biased)["screening"]["pooled"]["impact_ratio"] < 0.35
    for plan, least, most in ((fair, 0.0, 0.0), (biased, 0.85, 0.97)):
        candidates = simulate(plan).hiring.candidates
        texts = [compose(plan, candidates, index)[-1].text for index in range(300)]
        share = sum(bool(re.search(r"women's|men's", text)) for text in texts) / len(texts)
        assert least <= share <= most


def test_overtime_drifts_in_the_last_month_only(exports: Path) -> None:
    def mean(rows: list[dict]) -> float:
        return sum(float(row["overtime_hours"]) for row in rows) / len(rows)

    rows = table(exports, "performance/work_records")
    by_month = {month: mean([r for r in rows if r["month"] == month]) for month in {r["month"] for r in rows}}
    assert max(by_month.values()) - min(by_month.values()) < 3
    assert mean(table(exports, "performance/work_records", MONTH36)) > max(by_month.values()) + 3


def test_the_leak_is_the_rating_itself(exports: Path) -> None:
    agreed = {
        (row["worker_id"], row["month"]): float(row["calibration_score"])
        for row in table(exports, "performance/work_records")
        if row["calibration_score"]
    }
    for row in table(exports, "performance/reviews", separator=";"):
        key = (row["worker_id"], row["period_end"][:7])
        if row["manager_rating"] not in {"", "7,0"} and key in agreed:
            assert agreed[key] == float(row["manager_rating"].replace(",", "."))
    assert not [key for key in agreed if key[1] > "2026-04"]


def test_bad_rows_are_those_that_truths_counts(exports: Path) -> None:
    counts = truths(Plan(200))
    workers = report(exports, "workday/HRML_Workers")
    assert counts["malformed"][HISTORY] == {
        "worker_without_hire_date": sum("Hire_Date" not in row for row in workers),
        "worker_with_impossible_hire_date": sum(row.get("Hire_Date") == "2024-13-45" for row in workers),
        "application_for_unknown_requisition": sum(
            row["Requisition_ID"] == "R-9999" for row in report(exports, "workday/HRML_Applications")
        ),
        "completion_with_score_abc": sum(row["Score"] == "abc" for row in table(exports, "lms/completions")),
        "review_with_rating_7": sum(
            row["manager_rating"] == "7,0" for row in table(exports, "performance/reviews", separator=";")
        ),
        "resume_encrypted": sum(b"/Encrypt" in p.read_bytes() for p in resumes(exports)),
        "resume_wrong_type": sum(p.stat().st_size > 0 and not _is_typed(p) for p in resumes(exports)),
        "resume_empty": sum(p.stat().st_size == 0 for p in resumes(exports)),
    }
    for name, path in (("enrolments", "lms/enrolments"), ("work_records", "performance/work_records")):
        rows = Counter(tuple(row.values()) for row in table(exports, path))
        assert sum(rows.values()) - len(rows) == counts["duplicates"][HISTORY][name]


def test_people_without_consent_are_those_that_truths_counts_by_delivery(exports: Path) -> None:
    counts = truths(Plan(200))["without_consent"]
    known: dict[str, set[str]] = {"workers": set(), "candidates": set()}
    for period in (HISTORY, MONTH36):
        workers = report(exports, "workday/HRML_Workers", period)
        candidates = report(exports, "workday/HRML_Candidates", period)
        silent = {
            # the two ghosts are copies of the first worker, and nobody's
            "workers": {r["Worker_ID"] for r in workers if r["Analytics_Consent"] == "0" and r["Worker_ID"] < "000200"},
            "candidates": {r["Candidate_ID"] for r in candidates if r["Consent_Given"] == "0"},
        }
        assert counts[period] == {table: len(people - known[table]) for table, people in silent.items()}
        known = {table: people | known[table] for table, people in silent.items()}
    assert min(counts[HISTORY].values()) > 0


def resumes(exports: Path) -> list[Path]:
    return sorted((exports / "resumes" / HISTORY).iterdir())


def _is_typed(path: Path) -> bool:
    return path.read_bytes().startswith(b"%PDF" if path.suffix == ".pdf" else b"PK")


def test_resumes_say_the_skills_of_their_candidates(exports: Path) -> None:
    from docx import Document
    from pypdf import PdfReader

    from infra.sample.vocabulary import FAMILIES

    candidates = simulate(Plan(200)).hiring.candidates
    assert {path.suffix for path in resumes(exports)} == {".pdf", ".docx"}
    for path in resumes(exports)[20:50]:
        if path.suffix == ".pdf":
            text = "\n".join(page.extract_text() for page in PdfReader(path).pages)
        else:
            text = "\n".join(paragraph.text for paragraph in Document(str(path)).paragraphs)
        text = " ".join(text.split())
        owned = candidates.skills[int(path.stem[2:]) - 1]
        for family, code in zip(FAMILIES, owned, strict=True):
            assert all(skill in text for skill, is_owned in zip(family.skills, code, strict=True) if is_owned)
        assert "@example.org" in text
        assert "Date of birth" in text


def test_resumes_can_be_capped_to_the_newest(tmp_path: Path) -> None:
    write(tmp_path, "history", "--resumes-max", "9")
    rows = report(tmp_path, "workday/HRML_Candidates")
    named = {row["Resume_Attachment_Group"][0]["File_Name"] for row in rows if "Resume_Attachment_Group" in row}
    assert named == {path.name for path in resumes(tmp_path)}
    assert len(named) == 9


def test_requisition_texts_are_prose_of_bounded_length(exports: Path) -> None:
    assert all(200 <= len(row["Job_Description"]) <= 900 for row in report(exports, "workday/HRML_Requisitions"))


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    from infra.sample.dialects import write_report

    path = tmp_path / "report.json"
    write_report(path, [{"a": 1, "b": None}])
    old = path.read_bytes()

    def rows():
        yield {"a": 2}
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_report(path, rows())
    assert path.read_bytes() == old == b'{"Report_Entry":[\n{"a":1}\n]}\n'
    assert list(tmp_path.iterdir()) == [path]


def test_a_large_company_prints_only_its_last_months() -> None:
    small, large = Plan(20_000), Plan(20_001)
    assert (small.first_month, small.first_period, small.resumes_cap) == (0, 0, None)
    assert (large.first_month, large.first_period, large.resumes_cap) == (33, 4, 2_000)
    assert Plan(1_000_000).applications == 200_000


@pytest.mark.parametrize("arguments", [["--workers", "19"], ["--workers", "1000001"], ["--delivery", "history"]])
def test_impossible_calls_are_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert "must be" in capsys.readouterr().err


def test_deliveries_meet_without_gap_or_overlap() -> None:
    assert DELIVERIES["history"].end == DELIVERIES["month36"].start
