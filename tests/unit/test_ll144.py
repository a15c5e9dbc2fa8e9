"""The bias audit package: counts from scores, the pages, and that every changed byte is named."""

import io
import json
import subprocess
import sys
import zipfile
from datetime import UTC, date, datetime
from html import unescape
from html.parser import HTMLParser

import polars as pl
import pytest

from monitoring.ll144 import bundle, proof
from monitoring.ll144.counted import counted
from monitoring.ll144.facts import stated
from monitoring.words import DECIDES
from pipelines.base.digests import sha256_bytes
from pipelines.base.errors import ContractError, SettingsError
from pipelines.fairness import RULES, law
from pipelines.fairness.statutory import Cell
from tests.unit.test_fairness_statutory import SELECTING

LAW = next(pack for pack in law.library() if pack.code == "us-nyc-ll144")
DAY = date(2026, 10, 31)
EVIL = '=1+1 <script>alert("x")</script> & more of it'
SAID = {
    "family": "screening",
    "model": "screening release 1",
    "model_sha256": "a" * 64,
    "data_sha256": "b" * 64,
    "since": date(2026, 1, 1),
    "until": DAY,
    "scored_as_of": (date(2026, 9, 30), DAY),
    "scored_on": (date(2026, 10, 1), date(2026, 11, 2)),
    "lost_scorings": 0,
    "forgotten_rows": 0,
    "median": 0.5,
    "ties": 2000,
    "extract_sha256": "c" * 64,
    "audited_on": date(2026, 11, 27),
    "distributed_on": date(2026, 1, 5),
    "source": "historical",
    "explanation": "Applications to all positions in New York City.",
    "why_not_historical": None,
    "auditor": None,
    "exclusion_justification": None,
    "law": LAW.code,
    "law_sha256": LAW.sha256,
    "categories": LAW.categories,
    "small_share": LAW.small_share,
    "rules": RULES.code,
    "min_group_size": 30,
    "made_by_sha256": bundle.made_by(),
}


def files(cells=SELECTING, **more):
    facts = stated(SAID | more)
    return bundle.files(bundle.inputs(facts, cells, law.text_of(LAW)), facts, list(cells))


@pytest.fixture(scope="module")
def package():
    return bundle.packed(files())


def texts(**more):
    return {name: data.decode() for name, data in files(**more).items()}


class Page(HTMLParser):
    """Tables as lists of rows, and everything a page would fetch or run."""

    def __init__(self, text):
        super().__init__()
        self.tables, self.fetched, self.tags, self.cell = [], [], [], None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.fetched += [value for name, value in attrs if name in {"src", "href"} and not value.startswith("#")]
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in {"th", "td"}:
            self.tables[-1][-1].append("")
            self.cell = True

    def handle_endtag(self, tag):
        if tag in {"th", "td"}:
            self.cell = None

    def handle_data(self, data):
        if self.cell:
            self.tables[-1][-1][-1] += data


def test_the_published_page_has_the_rules_tables_and_states_the_unknown_outside_them():
    text = texts()["summary.html"]
    page = Page(text)
    assert len(page.tables) == 6
    sex = page.tables[0]
    assert sex[0] == ["Category", "# of applicants", "# selected", "Selection rate", "Impact ratio"]
    assert sex[1:] == [["Male", "1390", "667", "48.0%", "1.000"], ["Female", "1181", "555", "47.0%", "0.979"]]
    assert ["Black or African American, Male", "226", "95", "42.0%", "0.806"] in page.tables[2]
    assert not any("nknown" in cell for table in page.tables for row in table for cell in row)
    assert "used to assess 250 applicants with an unknown sex or race/ethnicity category" in text
    assert "<dd>2026-11-27</dd>" in text
    assert "<dd>2026-01-05</dd>" in text
    assert "none yet: until one has recomputed it, this is no bias audit" in text
    assert "ADVERSE" not in text, "verdicts stand on a page of their own"


def test_what_is_no_longer_on_file_is_stated_in_facts_statement_readme_and_summary():
    made = texts(lost_scorings=3, forgotten_rows=7)
    assert '"lost_scorings": 3' in made["facts.json"]
    assert "scorings_no_longer_on_file,3\nscores_of_people_forgotten_since,7\n" in made["statement.csv"]
    assert "3 other scorings of the period are on record and no longer on file" in made["README.md"]
    assert "3 scorings of the period are no longer on file, and 7 scores were of people" in made["summary.html"]
    whole = texts()
    assert "scored_on,2026-10-01 2026-11-02\n" in whole["statement.csv"]
    assert "scored_as_of,2026-09-30 2026-10-31\n" in whole["statement.csv"]
    assert "no longer on file" not in whole["summary.html"]


def test_pages_stand_alone_print_and_can_be_used_by_keyboard():
    made = texts()
    for name in ("summary.html", "verdicts.html"):
        page = Page(made[name])
        assert page.fetched == []
        assert not {tag for tag, _ in page.tags} & {"script", "img", "link", "iframe", "form"}
        assert "@media print" in made[name]
        regions = [attrs for _, attrs in page.tags if attrs.get("role") == "region"]
        assert len(regions) == len(page.tables) == 6
        assert all(attrs["tabindex"] == "0" and attrs["aria-label"] for attrs in regions)
        assert ("html", {"lang": "en"}) in page.tags
        headers = [attrs for tag, attrs in page.tags if tag == "th"]
        assert headers
        assert all(attrs["scope"] in {"row", "col"} for attrs in headers)
    assert DECIDES in unescape(made["verdicts.html"]), "verdicts and intervals can seem at odds"


def test_what_people_write_is_escaped_and_is_no_formula():
    made = texts(explanation=EVIL, auditor=EVIL, exclusion_justification=EVIL)
    assert not any("<script" in made[name] for name in made if name.endswith((".html", ".md")))
    assert "data_explanation,\"'=1+1 <script>" in made["statement.csv"]


def test_small_categories_are_left_out_only_with_a_justification_which_is_printed():
    because = "Fewer than fifty people say nothing about the tool."
    # Two percent of 2,571 is 51.42: Native American or Alaska Native (41) is below, and of the intersections 24 and 17,
    # and Native Hawaiian or Pacific Islander women (32).
    auditor = "Somebody Independent LLP, without any tie."
    page = Page(texts(exclusion_justification=because, auditor=auditor)["summary.html"])
    assert ["Native American or Alaska Native", "41", "18", "43.9%", "left out, below 2%"] in page.tables[1]
    assert sum(row[-1] == "left out, below 2%" for row in page.tables[2]) == 3
    told = texts(exclusion_justification=because, auditor=auditor)["statement.csv"]
    assert "exclusion_justification,Fewer than fifty" in told
    assert "excluded_categories,4\n" in told
    assert "left out, below" not in texts()["summary.html"]


def test_verdicts_are_of_everybody_known_on_an_axis_and_unknown_is_shown():
    lines = texts()["verdicts.csv"].splitlines()
    (male,) = [line for line in lines if line.startswith("selection,sex,male,")]
    assert male.startswith("selection,sex,male,1480,717,0.4845,")  # 1,390 + 90 of unknown race; 667 + 50
    (lost,) = [line for line in lines if line.startswith("selection,sex,unknown,")]
    assert lost.startswith("selection,sex,unknown,160,100,")
    assert "INSUFFICIENT_DATA,unknown_group" in lost
    assert any(line.startswith("selection,intersectional,unknown,250,150,") for line in lines)


def test_the_specifications_vectors_g1_to_g4_stand_in_the_package():
    """Women against men: counts, the table's impact ratio, and on the other page interval, p and verdict.

    p is Fisher's in small samples, else that of z: 2 * norm.sf(5.1044) and so on.
    """
    for women, men, ratio, low, high, p, verdict in (
        ((10, 1), (20, 3), "0.6667", 0.079, 5.622, "1", "INSUFFICIENT_DATA"),
        ((10000, 4700), (10000, 5000), "0.9400", 0.914, 0.967, "2.19e-05", "INVESTIGATE"),
        ((400, 180), (1000, 600), "0.7500", 0.665, 0.845, "3.319e-07", "ADVERSE"),
        ((30, 9), (300, 120), "0.7500", 0.427, 1.318, "0.2845", "INSUFFICIENT_DATA"),
    ):
        made = texts(cells=[Cell("female", "white", *women, 0), Cell("male", "white", *men, 0)], min_group_size=5)
        assert f"selection,sex,female,,{women[0]},{women[1]},{women[1] / women[0]:.4f},{ratio},\n" in made["tables.csv"]
        (line,) = [row for row in made["verdicts.csv"].splitlines() if row.startswith("selection,sex,female,")]
        values = line.split(",")
        assert (values[6], values[9], values[10]) == (ratio, p, verdict)
        assert [float(value) for value in values[7:9]] == pytest.approx([low, high], abs=0.0006)


def test_the_specifications_vector_g6_moves_with_ties():
    """A 10, 20, 30, 30 and B 30, 30, 40, 50: nobody of A is strictly above the median of 30, half of B is."""
    rows = [(f"A{n}", "R1", DAY, score, False) for n, score in enumerate((10.0, 20.0, 30.0, 30.0))]
    rows += [(f"B{n}", "R1", DAY, score, False) for n, score in enumerate((30.0, 30.0, 40.0, 50.0))]
    groups = pl.DataFrame(
        {
            "person_id": [row[0] for row in rows],
            "sex": ["female" if row[0].startswith("A") else "male" for row in rows],
            "ethnicity": ["white"] * 8,
        }
    )
    found = counted(scored(*rows), groups, UNIT, LAW.categories)
    assert (found.median, found.ties) == (30.0, 4)
    tables = texts(cells=found.cells)["tables.csv"]
    assert "scoring,sex,male,,4,2,0.5000,1.0000,\nscoring,sex,female,,4,0,0.0000,0.0000,\n" in tables


def test_the_package_is_the_same_to_the_byte_and_is_proved(package):
    assert bundle.packed(files()) == package
    assert proof.verify(package) == []
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        assert archive.testzip() is None
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        named = json.loads(archive.read("manifest.json"))["files"]
        assert set(named) == set(archive.namelist()) - {"manifest.json"}


def spans(package):
    """File -> where its bytes lie in the zip."""
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        return {name: (package.index(archive.read(name)), len(archive.read(name))) for name in archive.namelist()}


def flipped(package, place):
    return package[:place] + bytes([package[place] ^ 1]) + package[place + 1 :]


def test_every_flipped_byte_is_seen_and_the_file_is_named(package):
    """Every 1601st byte, and with them some of every file and of the zip's own structure."""
    found = spans(package)
    for place in [*range(0, len(package), 1601), *(start for start, _ in found.values()), len(package) - 1]:
        faults = proof.verify(flipped(package, place))
        assert faults, place
        name = next((name for name, (start, size) in found.items() if start <= place < start + size), None)
        if name is not None:
            assert any(fault.startswith((f"{name} ", f"{name},")) for fault in faults), (place, name, faults[:3])


def changed(package, name, before, after):
    start, size = spans(package)[name]
    content = package[start : start + size]
    assert content.count(before) == 1
    assert len(before) == len(after)
    return package[:start] + content.replace(before, after) + package[start + size :]


@pytest.mark.parametrize(
    ("name", "before", "after", "fault"),
    [
        ("counts.csv", b"female,asian,295,", b"female,asian,285,", "line 13, column applicants differs"),
        ("counts.csv", b"male,unknown,90,50,", b"male,unknown,90,51,", "line 17, column selected differs"),
        ("facts.json", b'"ties": 2000', b'"ties": 2001', "fact 'ties' differs"),
        ("facts.json", b"2026-11-27", b"2026-11-28", "fact 'audited_on' differs"),
        (
            "tables.csv",
            b"0.8055",
            b"0.9055",
            "(selection intersectional male black), column impact_ratio must be '0.8055'",
        ),
        ("tables.csv", b"e,,1181,555", b"e,,1281,555", "(selection sex female), column applicants must be '1181'"),
        (
            "statement.csv",
            b"y,250",
            b"y,150",
            "line 13 (unknown_category 250), column value must be '250'; it is '150'.",
        ),
        ("summary.html", b"47.0%", b"49.0%", "must be what the counts give: '<td class=\"n\">47.0%</td>'"),
        ("verdicts.csv", b"selection,sex,male,1480", b"selection,sex,male,1481", "column people must be '1480'"),
        ("recompute.py", b"no float on the way", b"no float on the WAY", "recompute.py must be the file"),
        ("law.yaml", b"small_share: 0.02", b"small_share: 0.03", "law.yaml must be the file"),
    ],
)
def test_a_changed_cell_is_named(package, name, before, after, fault):
    found = proof.verify(changed(package, name, before, after))
    assert any(fault in item for item in found), found


def repacked(package, **other):
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    return bundle.packed({name: data for name, data in (members | other).items() if data is not None})


def test_a_package_with_a_file_more_or_less_is_no_package(package):
    assert proof.verify(repacked(package, **{"x.csv": b""})) == ["'x.csv' must not be in a package; it is there."]
    assert "statement.csv must be in a package" in proof.verify(repacked(package, **{"statement.csv": None}))[0]
    assert "manifest.json; it is missing" in proof.verify(repacked(package, **{"manifest.json": None}))[0]
    assert "facts.json are missing" in " ".join(proof.verify(repacked(package, **{"facts.json": None})))


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b"male,martian,1,0,0\n", "column race_ethnicity must be a category of the law; it is none"),
        (b"male,asian,1,0,0\n", "must be of a combination of its own; it repeats one"),
        (b"non_binary,asian,1,2,0\n", "column selected must not exceed applicants; it does"),
        (b"non_binary,asian,1,x,0\n", "column selected must be a whole number; it is not"),
    ],
)
def test_counts_that_nobody_could_have_counted_are_refused(package, line, fault):
    counts = files()["counts.csv"] + line
    assert any(fault in item for item in proof.verify(repacked(package, **{"counts.csv": counts})))


def test_another_law_than_the_facts_name_is_seen_though_the_manifest_was_made_to_fit():
    facts = stated(SAID)
    given = bundle.inputs(facts, SELECTING, law.text_of(LAW).replace(b"0.02", b"0.05"))
    forged = bundle.packed(bundle.files(given, facts, SELECTING))
    assert proof.verify(forged) == ["law.yaml must be the pack that facts.json names; it is another."]


def forged(cells=SELECTING, text=None, code=None, **more):
    """A package made to fit whatever it says."""
    facts = stated(SAID | more)
    given = bundle.inputs(facts, cells, text or law.text_of(LAW)) | ({"recompute.py": code} if code else {})
    return bundle.packed(bundle.files(given, facts, list(cells)))


EXCLUDING = {"auditor": "Somebody Independent LLP, no tie.", "exclusion_justification": "Fewer than fifty people each."}
SLACK = law.text_of(LAW).replace(b"small_share: 0.02", b"small_share: 0.5")


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        (EXCLUDING | {"small_share": "0.5"}, "facts.json, small_share must be as law.yaml has it"),
        (
            {"categories": tuple(c for c in LAW.categories if c.code != "native_american")},
            "facts.json, categories must",
        ),
        ({"categories": LAW.categories[::-1]}, "facts.json, categories must be as law.yaml has it"),
        (
            EXCLUDING | {"small_share": "0.5", "text": SLACK, "law_sha256": sha256_bytes(SLACK)},
            "small_share must be as this Candor's us-nyc-ll144 has it",
        ),
        ({"code": b'print("Every number follows from counts.csv.")\n'}, "it is another Candor's recompute.py"),
    ],
    ids=range(5),
)
def test_a_package_made_to_fit_another_law_or_code_is_not_proved(more, fault):
    (found,) = proof.verify(forged([cell for cell in SELECTING if cell.race_ethnicity != "native_american"], **more))
    assert fault in found


def test_a_package_of_another_candor_is_proved_and_a_difference_is_put_down_to_it():
    other = forged(made_by_sha256="0" * 64)
    assert proof.verify(other) == []
    assert proof.is_of_another_candor(other)
    assert not proof.is_of_another_candor(forged())
    page = files(made_by_sha256="0" * 64)["summary.html"] + b"\n"
    ends, whose = proof.verify(repacked(other, **{"summary.html": page}))
    assert ends == "summary.html must end as the counts give it; it ends otherwise."
    assert "made by another Candor" in whose
    assert "another Candor" not in " ".join(proof.verify(repacked(forged(), **{"summary.html": page})))


def test_a_law_with_other_holidays_proves_the_same_tables():
    text = law.text_of(LAW).replace(b"  - 2027-12-24\n", b"")
    assert proof.verify(forged(text=text, law_sha256=sha256_bytes(text))) == []


PAIR = (Cell("male", "white", 100, 10, 50), Cell("female", "white", 101, 10, 50))


@pytest.mark.parametrize(("ties", "is_possible"), [(0, False), (1, True), (101, True), (102, False)])
def test_a_median_halves_the_applicants(ties, is_possible):
    """Of 201 people 100 are above: with nobody at the median 101 would be below it, more than half."""
    assert (proof.verify(forged(PAIR, ties=ties)) == []) == is_possible


def test_no_more_than_half_are_above_the_median_and_nobody_is_no_package():
    (found,) = proof.verify(forged([Cell("male", "white", 101, 0, 51), Cell("female", "white", 0, 0, 0)], ties=50))
    assert "Half of all applicants at most" in found
    assert proof.verify(forged([Cell("male", "white", 100, 0, 50)], ties=0)) == []
    (found,) = proof.verify(forged([], ties=0))
    assert "must count 1 to 10000000 applicants; it counts 0" in found


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("counts.csv", b"sex,race_ethnicity,applicants,selected,above_median\nmale,white,10000001,5,5\n"),
        ("counts.csv", b"sex,race_ethnicity,applicants,selected,above_median\nmale,white,999999999999,5,5\n"),
        ("law.yaml", b"[" * 60_000),
        ("law.yaml", b"- " * 30_000),
        ("law.yaml", b"a: &a [*a]"),
        ("law.yaml", b"[]"),
        ("law.yaml", b"\xff"),
        ("law.yaml", b"#" * 70_000),
    ],
    ids=range(8),
)
def test_inputs_made_to_bring_verify_down_are_faults(package, name, content):
    other = {name: content}
    if name == "law.yaml":
        other["facts.json"] = stated(SAID | {"law_sha256": sha256_bytes(content)}).to_json()
    found = proof.verify(repacked(package, **other))
    assert any("counts 10000001" in fault or "counts 999999999999" in fault or "law" in fault for fault in found)
    assert not any("must give tables" in fault for fault in found), "seen before anything is computed"


@pytest.mark.parametrize("error", [ValueError, MemoryError, OverflowError, KeyError])
def test_what_cannot_be_computed_is_a_fault_and_no_crash(package, monkeypatch, error):
    def fails(*_):
        raise error

    monkeypatch.setattr(bundle, "files", fails)
    (found,) = proof.verify(package)
    assert "must give tables" in found


@pytest.mark.parametrize("data", [b"", b"PK", b"not a zip at all", b"\x00" * 100])
def test_what_is_no_zip_is_refused(data):
    (fault,) = proof.verify(data)
    assert "its directory is damaged" in fault


def test_a_compressed_zip_is_refused_unopened():
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("facts.json", "0" * 1_000_000)
    assert "zip of stored files" in proof.verify(data.getvalue())[0]


def test_members_that_share_their_bytes_are_no_package():
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("facts.json", "0" * 1000)
        archive.filelist += archive.filelist * 1000
    assert "its directory is damaged" in proof.verify(data.getvalue())[0]


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("facts.json", b"[" * 100_000, "facts.json must be JSON; it is not."),
        ("facts.json", b"{" + b'"a":{' * 50_000, "facts.json must be JSON; it is not."),
        ("facts.json", b"[]", "The facts of an audit must be complete"),
        ("manifest.json", b"[" * 100_000, "manifest.json must name files, cells and facts; it is not readable."),
        ("counts.csv", b"\xff\xfe", "counts.csv must be text."),
        ("counts.csv", b'"' + b"x" * 200_000, "counts.csv must be CSV"),
        ("tables.csv", b'"' + b"x" * 200_000, "tables.csv must be CSV; it is not."),
        ("summary.html", b"\xff" * 100, "summary.html, line 1 must be what the counts give"),
    ],
    ids=range(8),
)
def test_files_made_to_break_a_reader_are_faults_and_no_crash(package, name, content, fault):
    assert any(fault in item for item in proof.verify(repacked(package, **{name: content})))


STEERS = "\x1b[2J\u202e\x9b\u2028"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("tables.csv", b"measure," + STEERS.encode()),
        ("statement.csv", b"fact," + STEERS.encode()),
        ("summary.html", STEERS.encode()),
        ("counts.csv", STEERS.encode()),
        ("law.yaml", STEERS.encode()),
        ("facts.json", json.dumps({"format": 3, STEERS: STEERS}).encode()),
        ("manifest.json", json.dumps({"format": 3, "files": {}, "cells": [], "facts": {STEERS: STEERS}}).encode()),
        (STEERS, b""),
        (STEERS[:1] * 3000, b""),
    ],
    ids=range(9),
)
def test_nothing_of_a_package_steers_the_terminal_that_prints_its_faults(package, name, content):
    found = proof.verify(repacked(package, **{name: content}))
    assert found
    assert all(fault.isprintable() for fault in found)
    assert "\\x1b" * 60 not in " ".join(found), "a long text is cut"


def test_what_recompute_prints_steers_no_terminal_either(package, tmp_path):
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        archive.extractall(tmp_path)
    (tmp_path / STEERS).write_bytes(b"")
    tables = tmp_path / "tables.csv"
    tables.write_text(tables.read_text(encoding="utf-8").replace("0.8055", STEERS), encoding="utf-8")
    named = json.loads((tmp_path / "manifest.json").read_text())["files"] | {STEERS: STEERS}
    (tmp_path / "manifest.json").write_text(json.dumps({"files": named}))
    command = [sys.executable, "-I", "-S", "recompute.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "")
    assert all(line.isprintable() for line in done.stdout.splitlines())
    assert "\\x1b[2J" in done.stdout


def test_counts_are_written_in_one_way(package):
    counts = files()["counts.csv"].replace(b",295,", b",0295,")
    faults = proof.verify(repacked(package, **{"counts.csv": counts}))
    assert any("must be written as its counts are" in fault for fault in faults)
    counts = files()["counts.csv"].replace(b",295,", b",2950000000000,")
    faults = proof.verify(repacked(package, **{"counts.csv": counts}))
    assert any("line 13, column applicants must be a whole number" in fault for fault in faults)


def test_a_package_of_a_later_format_asks_for_its_own_candor(package):
    facts = files()["facts.json"].replace(b'"format": 3', b'"format": 4')
    assert any(
        "Use the Candor that made it" in fault for fault in proof.verify(repacked(package, **{"facts.json": facts}))
    )


def test_an_auditor_without_candor_recomputes_the_tables(package, tmp_path):
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        archive.extractall(tmp_path)

    def run():
        command = [sys.executable, "-I", "-S", "recompute.py"]  # neither this checkout nor any package is in reach
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    whole = run()
    assert (whole.returncode, whole.stderr) == (0, "")
    assert whole.stdout.startswith("Every number of tables.csv follows from counts.csv")
    tables = tmp_path / "tables.csv"
    tables.write_text(tables.read_text().replace("0.8055", "0.9055"))
    broken = run()
    assert broken.returncode == 1
    assert "'tables.csv' must have the sha256" in broken.stdout
    assert "line 14 (selection intersectional male black), column impact_ratio must be '0.8055'" in broken.stdout


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ({"explanation": "short"}, "explanation: String should have at least 20"),
        ({"exclusion_justification": "   too small      "}, "exclusion_justification: String"),
        ({"exclusion_justification": "Fewer than fifty people each."}, "only an independent auditor may leave"),
        ({"until": date(2026, 11, 28)}, "end no later than the audit"),
        ({"since": date(2026, 11, 1)}, "begin before it ends"),
        ({"audited_on": date(2026, 11, 1)}, "no earlier than the last scoring"),
        ({"scored_as_of": ()}, "must be there, in order, and lie in the period"),
        ({"scored_as_of": (DAY, date(2026, 9, 30))}, "must be there, in order, and lie in the period"),
        ({"scored_as_of": (date(2025, 12, 31), DAY)}, "must be there, in order, and lie in the period"),
        ({"scored_as_of": (DAY, date(2026, 11, 1))}, "must be there, in order, and lie in the period"),
        ({"scored_on": ()}, "historical data have some"),
        ({"scored_on": (date(2026, 11, 2), date(2026, 10, 1))}, "days of scoring must be in order"),
        ({"distributed_on": date(2026, 10, 2)}, "the first use must be no later than the first scoring"),
        ({"ties": -1}, "ties: Input should be greater than or equal to 0"),
        ({"small_share": "0"}, "small_share: Input should be greater than 0"),
        ({"small_share": "1"}, "small_share: Input should be less than 1"),
        ({"small_share": "1E-100000000"}, "small_share: Decimal input should have no more than 6 decimal"),
        ({"law": "eu-gdpr"}, "law: Input should be 'us-nyc-ll144'"),
        ({"source": "test"}, "other than historical data need their reason"),
        ({"why_not_historical": "There were none at all before."}, "historical data need none"),
        ({"distributed_on": None}, "the day of first use"),
        ({"explanation": "Right to left \u202e and long enough."}, "explanation: String should match"),
        ({"auditor": "A line separator\u2028in a long name."}, "auditor: String should match"),
        ({"auditor": "A paragraph\u2029in a name long enough."}, "auditor: String should match"),
        ({"auditor": "C1 controls \x9b in a name long enough."}, "auditor: String should match"),
        ({"model": "\x1b[2J"}, "model: String should match"),
        ({"rules": "\u200b"}, "rules: String should match"),
        ({"family": ""}, "family: String should have at least 1"),
        ({"\x1b[2J": 1}, r"'\\x1b\[2J': Extra inputs"),
        ({"explanation": "Two lines\nof an explanation."}, "explanation: String should match"),
    ],
)
def test_an_audit_without_its_facts_is_refused(more, fault):
    with pytest.raises(SettingsError, match=fault):
        stated(SAID | more)


def scored(*rows):
    """(person, requisition, day, score, is_selected) each."""
    names = ("person_id", "subject_id", "as_of", "score", "is_selected")
    frame = pl.DataFrame(rows, schema=list(names), orient="row")
    return frame.with_columns(scored_at=pl.lit(datetime(2026, 10, 31, tzinfo=UTC)))


GROUPS = pl.DataFrame(
    {
        "person_id": ["a", "b", "c", "d"],
        "sex": ["female", "male", "male", "female"],
        "ethnicity": ["asian", "asian", "unknown", "white"],
    }
)
FIRST = date(2026, 9, 30)
UNIT = ("person_id", "subject_id")


def test_applications_are_counted_once_with_their_newest_score_and_strictly_above_the_median_of_all():
    found = counted(
        scored(
            ("a", "R1", DAY, 0.2, False),  # was selected in September; 0.2 is the newest
            ("a", "R1", FIRST, 0.9, True),
            ("a", "R2", DAY, 0.8, True),
            ("b", "R1", FIRST, 0.9, True),
            ("b", "R1", DAY, 0.4, False),
            ("c", "R1", DAY, 0.6, True),  # race unknown: in the median, in no table
            ("e", "R1", DAY, 0.4, False),  # nothing known
        ),
        GROUPS,
        UNIT,
        LAW.categories,
    )
    # Newest scores 0.2, 0.4, 0.4, 0.6, 0.8: the median is 0.4, two are at it.
    assert (found.median, found.ties) == (0.4, 2)
    assert found.cells == (
        Cell("male", "asian", 1, 1, 0),
        Cell("male", "unknown", 1, 1, 1),
        Cell("female", "asian", 2, 2, 1),
        Cell("unknown", "unknown", 1, 0, 0),
    )


def test_of_two_scores_of_one_human_on_one_day_the_higher_counts_whatever_their_order():
    rows = [("a", "R1", DAY, 0.9, False), ("a", "R1", DAY, 0.1, False), ("b", "R1", DAY, 0.5, False)]
    for order in (rows, rows[::-1]):
        assert counted(scored(*order), GROUPS, UNIT, LAW.categories).median == pytest.approx(0.7)


@pytest.mark.parametrize(
    ("rows", "groups", "fault"),
    [
        ((), GROUPS, "whom this model scored in the period; there are none"),
        ((("c", "R1", DAY, 0.1, True),), GROUPS, "of 1 applicants none has both"),
        ((("a", "R1", DAY, 0.1, True),), GROUPS.drop("ethnicity"), "of 1 applicants none has both"),
        ((("a", "R1", DAY, 0.1, True),), GROUPS.with_columns(sex=pl.lit("F")), "Every sex must be one of male, female"),
        ((("a", "R1", DAY, float("nan"), True),), GROUPS, "Every case must have a score; 1 of 1"),
    ],
)
def test_an_audit_of_nobody_or_of_strange_groups_is_refused(rows, groups, fault):
    with pytest.raises(ContractError, match=fault):
        counted(scored(*rows) if rows else pl.DataFrame(), groups, UNIT, LAW.categories)


def test_no_code_of_a_person_is_in_an_error():
    with pytest.raises(ContractError) as error:
        counted(scored(("a", "R1", DAY, 0.1, True)), GROUPS.with_columns(sex=pl.lit("Zx9")), UNIT, LAW.categories)
    assert "Zx9" not in str(error.value)
