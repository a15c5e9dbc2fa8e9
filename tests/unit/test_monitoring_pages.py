"""Drawings and pages: what they say, and that nothing gets through unescaped."""

import json
import math
import re
from dataclasses import replace
from datetime import date
from html import unescape
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urljoin
from xml.etree import ElementTree as ET

import pytest

from monitoring import page, svg
from monitoring.portal import evidence, pages
from monitoring.portal.evidence import Day, Ledger, Model
from monitoring.portal.ingested import Check, Feed, HeldFile, Ingested, Late, Missed, NewColumns
from monitoring.portal.roles import Reader, Role
from monitoring.portal.scope import Part, Scope
from monitoring.results import Axis, Bias, Finding, Findings, Tally
from monitoring.words import DECIDES
from pipelines.audit import Entry, Head, Tag
from pipelines.audit.lived import Stretch
from pipelines.base.catalog import AUDIT_PAGES, FAMILIES
from pipelines.fairness import judge_counts, law
from pipelines.fairness.law import Duty, Standing
from tests.stages import monitored_company as company

DAGS = Path(__file__).parents[2] / "dags"
DAY = date(2026, 10, 31)
EVIL = '<script>alert("x")</script>'
WHO = Reader("c", Role.COMPLIANCE)
WHOLE = Ledger(Head(7, "e" * 64), ())


def drawn(text):
    return ET.fromstring(text)  # noqa: S314  # our own drawing


def test_a_dot_stands_where_its_value_is():
    text = svg.intervals([svg.Bar("a", 0.5, 0.25, 0.75)], svg.Axis(0, 1), "t", width=590, label_width=200)
    root = drawn(text)
    (circle,) = root.iter("circle")
    assert float(circle.get("cx")) == 300  # halfway between 200 and 590 - 190
    (line,) = root.iter("line")
    assert (float(line.get("x1")), float(line.get("x2"))) == (250, 350)


def test_an_interval_without_a_bound_ends_at_the_edge_and_an_unknown_one_is_not_drawn():
    root = drawn(svg.intervals([svg.Bar("a", 0.5, 0.1, math.inf)], svg.Axis(0, 1), "t", width=590, label_width=200))
    assert float(next(root.iter("line")).get("x2")) == 400
    unknown = drawn(svg.intervals([svg.Bar("a", math.nan, math.nan, math.nan, "too few")], svg.Axis(0, 1), "t"))
    assert not list(unknown.iter("circle"))
    assert not list(unknown.iter("line"))


def test_a_frontier_has_every_known_model_where_its_validity_and_its_ratio_are():
    """By hand: 490 pixels from -.1 to .1 beginning at 70, and 286 from 0 to 1 ending at 310."""
    points = [
        svg.Point("a", (0.0, -0.05, 0.05), (0.5, 0.25, math.inf), "good"),
        svg.Point("unknown", (0.0, -0.05, 0.05), (math.nan, math.nan, math.nan)),
        svg.Point("c", (0.1, math.nan, math.nan), (1.0, math.nan, math.nan)),
    ]
    root = drawn(svg.frontier(points, svg.Axis(-0.1, 0.1), svg.Axis(0, 1), "t", ("across", "up")))
    places = [(float(dot.get("cx")), float(dot.get("cy"))) for dot in root.iter("circle")]
    assert places == [(315, 167), (560, 24)]
    whiskers = [tuple(float(line.get(end)) for end in ("x1", "x2", "y1", "y2")) for line in root.iter("line")]
    assert whiskers == [(192.5, 437.5, 167, 167), (315, 315, 238.5, 24)]
    assert [text.text for text in root.iter("text") if "note" in text.get("class")] == ["1 a", "3 c"]


def test_on_a_frontier_no_number_and_no_mark_covers_another():
    points = [
        svg.Point(name, (x, x, x), (0.5, 0.5, 0.5)) for name, x in (("a", 0), ("b", 0), ("c", 0.002), ("d", 0.05))
    ]
    marks = ((-0.02, "-0.02"), (0.0, "as declared"), (0.09, "far"))
    root = drawn(svg.frontier(points, svg.Axis(-0.1, 0.1, marks), svg.Axis(0, 1), "t", ("across", "up")))
    spots = {text.text: float(text.get("x")) for text in root.iter("text") if text.text in {"1", "2", "3", "4"}}
    assert spots == {"1": 323, "2": 337, "3": 355.9, "4": 445.5}
    rows = {text.text: text.get("y") for text in root.iter("text") if text.get("class") == "mark-text"}
    assert rows == {"-0.02": "326", "as declared": "339", "far": "326"}


def test_a_long_page_begins_with_links_to_its_sections_and_a_short_one_does_not():
    section = '<section><h2>{} <span class="word bad">held</span></h2><p>x</p></section>'
    body = "".join(map(section.format, ("A", "B &lt;b", "C", "D")))
    text = page.contents(body)
    links = re.findall(r'<a href="#(part-\d)">(.*?) <span', text)
    assert links == [("part-1", "A"), ("part-2", "B &lt;b"), ("part-3", "C"), ("part-4", "D")]
    assert re.findall(r'<section id="(part-\d)"><h2>(.)', text) == [(place, title[0]) for place, title in links]
    short = "".join(map(section.format, "ABC"))
    assert page.contents(short) == short


def test_the_frontier_of_a_choice_marks_the_model_taken_and_where_validity_is_no_longer_equal():
    told = {"value": 0.6, "low": 0.5, "high": 0.7}
    against = {"value": 0.0, "low": 0.0, "high": 0.0}
    one = {"name": "declared", "difference": against, "impact_ratio": told, "is_equal": True}
    choice = {"chosen": "declared", "metric": "auc", "margins": {"validity": 0.02}, "alternatives": [one]}
    text = str(page.frontier(choice))
    assert "1 declared, taken" in text
    assert ">-0.02</text>" in text
    nothing = one | {"impact_ratio": dict.fromkeys(told), "difference": dict.fromkeys(told)}
    assert page.frontier(choice | {"alternatives": [nothing]}) == ""


def test_drawings_escape_their_labels():
    point = svg.Point(EVIL, (0.5, 0.1, 0.9), (0.5, 0.1, 0.9), EVIL)
    marked = svg.Axis(0, 1, ((0.5, EVIL),))
    assert "<script>" not in svg.frontier([point], marked, marked, EVIL, (EVIL, EVIL))
    assert "<script>" not in svg.intervals([svg.Bar(EVIL, 0.5, 0.1, 0.9, EVIL)], svg.Axis(0, 1, ((0.5, EVIL),)), EVIL)
    assert "<script>" not in svg.distributions([1.0], [1.0], EVIL)


def test_the_taller_share_fills_the_drawing():
    rects = list(drawn(svg.distributions([0.5, 0.5], [1.0, 0.0], "t")).iter("rect"))
    assert [float(r.get("height")) for r in rects] == [26, 52, 26, 0]


@pytest.mark.parametrize("word", ["ADVERSE", "held", "SOMETHING_NEW", ""])
def test_only_words_known_to_be_good_look_good(word):
    assert page.tone(word) != "good"


@pytest.mark.parametrize(
    ("metric", "name"),
    [
        ("hr_at_10", "HR@10"),
        ("mae", "mean absolute error"),
        ("auc", "AUC"),
        ("MAE", "mean absolute error"),
        ("new_one", "new_one"),
    ],
)
def test_a_metric_is_told_by_its_name_and_not_by_that_of_a_column(metric, name):
    choice = company.alternatives("screening") | {"metric": metric}
    assert f"validity: {name} against the declared model" in page.frontier(choice)
    assert f"{name} with intervals" in page.figures(metric, [("model", 0.5, 0.4, 0.6, "plain")])


def test_an_unknown_number_is_a_dash_and_not_a_zero():
    assert (page.number(None, 2), page.number(math.nan, 2), page.share(None)) == ("–", "–", "–")  # noqa: RUF001
    assert (page.share(0.253), page.share(0.0253), page.number(1234.5, 1)) == ("25%", "2.5%", "1,234.5")


def test_a_number_that_rounds_to_none_has_no_sign_and_others_keep_theirs():
    assert [page.number(value, 2) for value in (-0.004, -0.006, 0.004)] == ["0.00", "-0.01", "0.00"]
    assert [page.share(value) for value in (-0.0004, -0.0006, 0.0004)] == ["0.0%", "-0.1%", "0.0%"]
    points = [{"value": value, "low": None, "high": None} for value in (-0.0004, 0.0004, -0.0006, 0.0006)]
    assert [page.environment().globals["points"](one) for one in points] == ["0.0", "0.0", "-0.1", "+0.1"]
    text = str(page.figures("auc", [("model", -0.0004, -0.2, 0.2, "plain")]))
    assert "0.000 [-0.200 to 0.200]" in text
    assert "-0.000" not in text


@pytest.mark.parametrize(
    ("days", "says"),
    [
        (None, "–"),  # noqa: RUF001
        (math.nan, "–"),  # noqa: RUF001
        (0.0, "0 minutes"),
        (40 / 1440, "40 minutes"),
        (59.4 / 1440, "59 minutes"),
        (1 / 24, "1.0 hours"),
        (0.75, "18.0 hours"),
        (1.0, "1.0 days"),
        (12.34, "12.3 days"),
    ],
)
def test_who_decides_within_minutes_is_not_told_in_days(days, says):
    assert page.waited(days) == says


def axis(counts, **about):
    judged = judge_counts(counts, axis=about.get("axis", "sex"), min_group_size=30, subject=about.get("subject"))
    return Axis(source="human", stage="screen", subject=about.get("subject"), judgement=judged.to_dict())


def monitored(text="R-7 fails"):
    found = Findings(
        family="screening",
        as_of=DAY,
        retrain=True,
        reasons=("psi",),
        findings=(Finding(rule="bias_human_subject", subject="R-7", text=text),),
    )
    pool = axis({"female": (120, 30), "male": (120, 72), "few": (5, 1), "unknown": (9, 2)})
    bias = Bias(family="screening", as_of=DAY, status="ok", pools=(pool,))
    return Day(DAY, found, bias, names=("index.html", "bias.html"))


@pytest.mark.parametrize(
    ("p", "says"),
    [(0.0, "< 0.001"), (0.00099999, "< 0.001"), (0.001, "0.001"), (0.0314, "0.031"), (1.0, "1.000"), (None, "–")],  # noqa: RUF001
)
def test_no_p_value_is_told_as_none(p, says):
    assert page.p_value(p) == says


def test_every_table_of_a_page_or_document_scrolls_in_a_box_that_a_keyboard_reaches():
    for path in page.TEMPLATES.glob("*.html"):
        boxes = re.findall(r"(<div class=\"scroll\"[^>]*>)?\s*<table", path.read_text())
        assert all('tabindex="0"' in box and "aria-label=" in box for box in boxes), path.name


def test_every_p_value_of_a_page_or_document_has_the_one_form():
    for path in page.TEMPLATES.glob("*.html"):
        assert not re.findall(r"(?:number\([^()]*(?:p_value|_p\b|mid_p)|p_value\", \d)", path.read_text()), path.name


@pytest.mark.parametrize(
    ("counts", "effect", "low", "high"),
    [
        ({"female": (40, 0), "male": (40, 20)}, 1.0, 0.0, 0.12574),
        ({"female": (80, 0), "male": (80, 40)}, 2.0, 0.0, 0.12574),
        ({"female": (40, 0), "male": (40, 30)}, 1.0, 0.0, 0.08240),
    ],
    ids=["once", "twice_each", "more_of_the_reference"],
)
def test_where_a_cell_is_empty_the_bootstrap_stands_beside_the_score_interval(counts, effect, low, high):
    """Quantiles of Beta(.5, 40.5) over the reference's Beta, by numerical integration with SciPy's distributions."""
    found = axis(counts).judgement
    rows = [row | {"design_effect": effect} for row in found["groups"]]
    found |= {"groups": rows}
    (female,) = (row for row in rows if row["group"] == "female")
    assert page.bootstrapped(found, female) == pytest.approx((low, high), abs=0.003)
    pool = Axis(source="human", stage="screen", subject=None, judgement=found)
    bias = Bias(family="screening", as_of=DAY, status="ok", pools=(pool,))
    nothing = Findings(family="screening", as_of=DAY, retrain=False, reasons=(), findings=())
    told = page.report(nothing, None, None, bias)
    (told_high,) = re.findall(r"<td>score<br><span class=\"hint\">bootstrap 0\.00 to (0\.\d\d)<", told)
    assert float(told_high) == pytest.approx(high, abs=0.008)


def test_the_bootstrap_is_told_of_empty_cells_alone_and_of_none_whose_counts_are_not():
    full = axis({"female": (120, 30), "male": (120, 72)}).judgement
    assert [page.bootstrapped(full, row) for row in full["groups"]] == [None, None]
    empty = axis({"female": (40, 0), "male": (40, 20)}).judgement
    for hidden in empty["groups"]:
        for gone in (("n", "selected"), ("selected",)):  # few people keep their number
            rows = [row | dict.fromkeys(gone) if row is hidden else row for row in empty["groups"]]
            assert all(page.bootstrapped({"groups": rows}, row) is None for row in rows)


@pytest.mark.parametrize(("p", "says"), [(0.049, "they differ"), (0.05, "no difference seen"), (None, "cannot say")])
def test_beside_a_pool_stands_what_its_subjects_share_and_whether_they_agree(p, says):
    pool = axis({"female": (120, 30), "male": (120, 72)})
    shared = {"group": "female", "ratio": 0.98, "low": 0.8, "high": 1.2, "heterogeneity_p": p, "strata": 12}
    both = pool.model_copy(update={"judgement": pool.judgement | {"common": [shared]}})
    found = Findings(family="screening", as_of=DAY, retrain=False, reasons=(), findings=())
    one, other = (
        page.report(found, None, None, Bias(family="screening", as_of=DAY, status="ok", pools=(item,)))
        for item in (both, pool)
    )
    assert "Mantel-Haenszel" in one
    assert ("0.98" in one, "0.80 to 1.20" in one) == (True, True)
    told = {text for text in ("they differ", "no difference seen", "cannot say") if text in one}
    assert told == {says}
    assert "Mantel-Haenszel" not in other
    assert "one of both groups alone" not in one  # a verdict from before they were counted
    lacking = pool.model_copy(update={"judgement": pool.judgement | {"common": [shared | {"lacking": 3}]}})
    bias = Bias(family="screening", as_of=DAY, status="ok", pools=(lacking,))
    assert "3 have one of both groups alone" in page.report(found, None, None, bias)


def test_a_group_too_small_to_judge_shows_how_many_it_has_and_nothing_counted_of_them():
    text = page.report(monitored().findings, None, None, monitored().bias)
    (row,) = re.findall(r'<tr><th scope="row">few</th>.*?</tr>', text, re.DOTALL)
    assert "not told" in row
    assert '<td class="n">5</td>' in row
    assert '<td class="n">1</td>' not in row
    assert "20%" not in row


@pytest.mark.parametrize(("role", "is_whole"), [(Role.VIEWER, False), (Role.ENGINEER, False), (Role.COMPLIANCE, True)])
def test_what_was_counted_of_few_people_is_on_the_page_of_compliance_alone(store, role, is_whole):
    company.release(store, "screening")
    found = evidence.model(store, "screening")
    few = axis({"female": (120, 31), "male": (150, 72), "few": (5, 3), "unknown": (50, 17)})
    found.live.verdict["groups"]["axes"][:] = [few.judgement]
    day = Day(DAY, monitored().findings, Bias(family="screening", as_of=DAY, status="ok", pools=(few,)))
    shown = pages.model(replace(found, newest=day), WHOLE, [], Reader("somebody", role))
    of = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in re.findall(r">few</th>(.*?)</tr>", shown, re.DOTALL)]
    assert [cells[0] for cells in of[:1]] == ["5"]
    assert [cells[1] == "3" for cells in of if cells[0] == "5"] == [is_whole] * 2
    assert (shown.count(">17<"), shown.count(">31<")) == (2 * is_whole, 2), "of the unknown it would follow"
    assert found.live.verdict["groups"]["axes"] == [few.judgement], "evidence stays as it is"


def test_a_group_whose_counts_are_not_told_is_named_in_its_subject():
    day = monitored()
    item = axis({"female": (50, 10), "male": (50, 40)}, subject="R-9")
    told = item.model_copy(update={"judgement": item.judgement | {"small_groups": ["few"]}})
    text = page.report(day.findings, None, None, day.bias.model_copy(update={"subjects": (told,)}))
    assert "Too few people for their counts to be told: few." in text


def staged(*counts, sex="sex", **about):
    """Pools at stages, each of (stage, counts by group)."""
    parts = [(stage, judge_counts(one, axis=sex, min_group_size=30).to_dict()) for stage, one in counts]
    return Bias(
        family="screening",
        as_of=DAY,
        status="ok",
        pools=tuple(Axis(source="human", stage=stage, subject=None, judgement=told) for stage, told in parts),
        **about,
    )


def test_a_funnel_tells_of_each_group_what_is_left_of_those_at_its_first_stage():
    """Of 100 women at the screen 50 go on, of those 50 decided about 20 after the interview, so 20 % of 100."""
    offer = ("offer", {"female": (20, 15), "male": (40, 30), "few": (2, 1)})
    screen = ("screen", {"female": (100, 50), "male": (100, 60), "few": (5, 3)})
    bias = staged(offer, ("interview", {"female": (50, 20), "male": (60, 40)}), screen, ("all stages", screen[1]))
    (funnel,) = page.funnels(bias)
    assert (funnel.axis, funnel.stages) == ("sex", ("screen", "interview", "offer"))
    rows = dict(funnel.rows)
    assert [cell and cell["selected"] for cell in rows["few"]] == [3, None, 1]
    root = drawn(funnel.drawing)
    notes = [note.text for note in root.iter("text") if note.get("class").startswith("note")]
    assert notes[:3] == ["50 of 100 at first, 50%", "too few to judge", "60 of 100 at first, 60%"]
    assert notes[3:6] == ["20 of 100 at first, 20%", "too few to judge", "40 of 100 at first, 40%"]
    long = [float(bar.get("width")) for bar in root.iter("rect")]
    assert long[2] / long[0] == pytest.approx(0.4, abs=0.01)


def test_one_stage_is_no_funnel_and_neither_are_intersections():
    one = ("screen", {"female": (100, 50), "male": (100, 60)})
    assert page.funnels(staged(one)) == []
    assert page.funnels(staged(one, ("interview", one[1]), sex="sex x ethnicity")) == []


def test_the_map_shows_in_which_attributes_a_subject_fails_and_counts_the_others():
    seven = axis({"female": (120, 30), "male": (120, 72)}, subject="R-7")
    other = axis({"a": (120, 30), "b": (120, 72)}, subject="R-7", axis="ethnicity")
    nine = axis({"female": (120, 33), "male": (120, 72)}, subject="R-9")
    fine = axis({"female": (120, 70), "male": (120, 72)}, subject="R-1")
    tallies = tuple(
        Tally(source="human", stage="screen", axis=name, verdicts={"ADVERSE": n})
        for name, n in (("sex", 2), ("ethnicity", 1))
    )
    about = {"family": "screening", "as_of": DAY, "status": "ok", "tallies": tallies}
    bias = Bias(subjects=(seven, nine, fine, other), **about)
    found = page.heat(bias, "human")
    assert found.axes == ("sex", "ethnicity")
    shape = [(name, [page.lowest(cell) if cell else None for cell in cells]) for name, cells in found.rows]
    assert shape == [("R-7 at screen", [pytest.approx(30 / 72)] * 2), ("R-9 at screen", [pytest.approx(33 / 72), None])]
    assert found.others == ("2 ADVERSE", "1 ADVERSE")
    assert page.heat(bias, "model").rows == ()


def test_the_report_page_fetches_nothing_and_runs_nothing():
    text = page.report(monitored().findings, None, None, monitored().bias)
    assert "<script" not in text
    assert not re.search(r'(src|href)="(https?:)?//', text)
    assert "Not measured." in text, "a check that did not run is said"


def test_everything_from_outside_is_escaped_on_every_page():
    evil = axis({EVIL: (50, 10), "male": (50, 40)}, subject=EVIL)
    day = monitored(EVIL)
    bias = day.bias.model_copy(update={"subjects": (evil,), "pools": (evil,)})
    model = Model("screening", newest=Day(DAY, day.findings, bias), days=(DAY,), faults=(EVIL,))
    ledger = Ledger(Head(1, EVIL), (EVIL,), (Entry(1, Tag.MODEL_HELD, EVIL, {EVIL: EVIL}, EVIL, EVIL),))
    feeds = [Feed(EVIL, dict.fromkeys(("in", "accepted", "quarantined", "filtered", "held"), 1), {EVIL: 1})]
    decision = dict.fromkeys(("choice", "by", "note"), EVIL)
    held = [HeldFile(EVIL, EVIL, EVIL, EVIL, EVIL, decision)]
    missed = [Missed(EVIL, EVIL, (EVIL,), EVIL, 1, 1, 1, 1, {EVIL: 1})]
    drifted = [NewColumns(EVIL, EVIL, 1, (EVIL,), 1)]
    late = [Late(EVIL, EVIL, EVIL, EVIL, EVIL)]
    somebody = Reader(EVIL, Role.COMPLIANCE)
    arrived = Ingested(feeds, [Check(EVIL, EVIL, 1, 1, EVIL, somebody)], held, missed, late, drifted)
    said = dict.fromkeys(("by", "why", "reason", "asked_by", "requester", "as_of", "commit"), somebody)
    said |= {f"{name}_sha256": EVIL for name in ("model", "data", "verdict", "manifest")}
    lived = Stretch(EVIL, EVIL, EVIL, "rollback", 1, {**said, "approvers": [{"name": EVIL}]})
    stop = Stretch(EVIL, EVIL, None, "stop", 2, said)
    named = {**dict.fromkeys(("title", "note", "jurisdiction", "replaced_by", "sha256"), EVIL), "source": (EVIL,)}
    duty = Duty(code="a", kind="text", asks=EVIL, where=EVIL, basis="known")
    bad = law.library()[0].model_copy(update=named | {"duties": (duty,), "ends_on": DAY})
    shown = [
        page.report(day.findings, None, None, bias),
        pages.overview([model], ledger, somebody, stops=[EVIL], unchecked=[EVIL]),
        pages.model(model, ledger, feeds, somebody, scope=Scope((Part(*[EVIL] * 6),), ((EVIL, (EVIL,)),))),
        pages.records(ledger, arrived, somebody, [lived, stop], day=DAY, then=[lived, stop]),
        pages.report("screening", EVIL, "bias.html", somebody),
        pages.laws(Standing(DAY, (EVIL,), (bad,)), [(DAY, bad, 1)], [bad], somebody),
        pages.refusal(403, EVIL),
    ]
    for text in shown:
        assert "<script" not in text
        assert "&lt;script&gt;" in text
    names = ("family", "kind", "verdict_sha256", "model_sha256", "as_of", "released_at")
    target = SimpleNamespace(**dict.fromkeys(names, EVIL), sequence=1, approvers=[{"name": EVIL}])
    form = pages.rollback(EVIL, target, target, somebody)
    assert re.findall("<script[^>]*>", form) == ['<script src="../../rollback.js" defer>'], "ours and no other"


@pytest.mark.parametrize("prefix", ["", "/airflow"])
def test_the_forms_of_airflow_are_one_click_away_below_any_prefix(store, prefix):
    company.release(store, "screening")
    live = evidence.model(store, "screening")
    stop = Stretch("scoring", "2026-11-01T00:00:00", None, "stop", 1, {"by": "clara", "why": "Complaints."})
    shown = {
        "": (pages.overview([live], WHOLE, WHO), ["switch_scoring"]),
        "models/screening": (pages.model(live, WHOLE, [], WHO), ["switch_scoring", "rollback"]),
        "records": (pages.records(WHOLE, Ingested(), WHO, [stop]), ["rollback"]),
    }
    for path, (text, dags) in shown.items():
        links = [link for link in re.findall(r'href="([^"]*)"', text) if "dags/" in link]
        at = f"http://h{prefix}/{AUDIT_PAGES}/{path}"
        assert [urljoin(at, link) for link in links] == [f"http://h{prefix}/dags/{dag}" for dag in dags]
        assert "target=" not in text, "Airflow's frame is a sandbox that opens neither the top window nor another"
    form = pages.rollback("screening", live.live.pointer, live.live.pointer, WHO)
    at = f"http://h{prefix}/{AUDIT_PAGES}/rollbacks/screening/{'0' * 64}"
    ask, run, script = (re.search(f'{name}="([^"]*)"', form)[1] for name in ("data-ask", "data-run", "script src"))
    assert urljoin(at, ask) == f"http://h{prefix}/api/v2/dags/rollback/dagRuns"
    assert urljoin(at, run) == f"http://h{prefix}/dags/rollback/runs/"
    assert urljoin(at, script) == f"http://h{prefix}/{AUDIT_PAGES}/rollback.js"
    assert all(f'dag_id="{dag}"' in (DAGS / f"{dag}.py").read_text() for dag in ("switch_scoring", "rollback"))


def test_the_tests_behind_a_verdict_stand_below_it():
    """G3 of the specification: 180 of 400 against 600 of 1,000."""
    pool = axis({"female": (400, 180), "male": (1000, 600)})
    found = Findings(family="screening", as_of=DAY, retrain=False, reasons=(), findings=())
    text = page.report(found, None, None, Bias(family="screening", as_of=DAY, status="ok", pools=(pool,)))
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))
    (told,) = re.findall(r"One person turns it Interval (.*? Katz)", text)
    assert told == "female -5.10 &lt; 0.001 &lt; 0.001 &lt; 0.001 &lt; 0.001 42.9 98% no Katz"


@pytest.mark.parametrize(("people", "head", "cell"), [(400, "People", "400"), (150, "Decisions", "400 150 people")])
def test_decisions_about_one_person_are_not_told_as_people(people, head, cell):
    """Three levels of courses a learner are three decisions about one person."""
    pool = axis({"female": (400, 180), "male": (1000, 600)})
    rows = [row | ({"people": people} if row["group"] == "female" else {}) for row in pool.judgement["groups"]]
    pool = pool.model_copy(update={"judgement": pool.judgement | {"groups": rows}})
    found = Findings(family="recommendation", as_of=DAY, retrain=False, reasons=(), findings=())
    text = page.report(found, None, None, Bias(family="recommendation", as_of=DAY, status="ok", pools=(pool,)))
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))
    assert f" Group {head} Selected " in text
    assert f" female {cell} 180 " in text


def test_beside_a_verdict_and_an_interval_that_seem_at_odds_stands_which_of_them_decides():
    """12 of 30 against 38 of 60: z = -2.10, p .036, Fisher p .044; Katz .632 exp(-+1.96 x .244) = [.39, 1.02]."""
    pool = axis({"female": (30, 12), "male": (60, 38)})
    assert pool.verdict == "ADVERSE"
    found = Findings(family="screening", as_of=DAY, retrain=False, reasons=(), findings=())
    text = page.report(found, None, None, Bias(family="screening", as_of=DAY, status="ok", pools=(pool,)))
    assert "0.39 to 1.02" in text
    assert unescape(text).count(DECIDES) == 1


def test_a_model_page_says_for_whom_the_model_is_wrong_and_who_is_seen(store):
    company.release(store, "screening")
    live = evidence.model(store, "screening")
    assert "For whom it is wrong" not in pages.model(live, WHOLE, [], WHO), "evidence of before has none"
    rate = {"of": 40, "counted": 24, "share": 0.6, "low": 0.4, "high": 0.7}
    first = rate | {"share": 0.9, "gap": 0.0, "gap_low": 0.0, "gap_high": 0.0}
    apart = {"gap": -0.3, "gap_low": -0.45, "gap_high": -0.13}
    nothing = dict.fromkeys(apart)
    excess = {"excess": 0.123, "low": 0.012, "high": 0.234, "error": 0.2}
    groups = [
        {"group": "male", "people": 80, "rates": {"true": first, "false": {"of": 3}, "precision": first}},
        {
            "group": "female",
            "people": 81,
            "rates": {"true": rate | apart, "false": {"of": 2}, "precision": rate | nothing},
            "calibration": excess,
        },
        {"group": "few", "people": 4},
    ]
    seen = {"group": "female", "people": 81, "listed": 97, "ratio": 0.77, "low": 0.7, "high": 0.84, "by_merit": None}
    first = {"group": "male", "people": 90, "listed": 99, "ratio": 1.0, "low": 1.0, "high": 1.0, "by_merit": 1.0}
    apart = {"group": "unknown", "people": 50, "listed": 50, "ratio": None, "low": None, "high": None, "by_merit": None}
    lists = [{"axis": "sex", "groups": [seen, first, apart, {"group": "few", "people": 4}]}]
    found = {"axes": [{"axis": "sex", "groups": groups}], "lists": lists}
    swap = {"signal": "club", "axis": "sex", "one": "female", "other": "male", "pairs": 90, "gained": 12, "lost": 3}
    swap |= {"p_value": 0.00004, "mean_shift": 0.01234, "shift_low": 0.001, "shift_high": 0.0237}
    right = {"n": 70, "people": 70, "accuracy": 0.9, "calibration_error": 0.0312, "error_by_chance": 0.0211}
    none = {"n": 0, "people": 0, "accuracy": None, "calibration_error": None, "error_by_chance": None}
    share = {"share": 0.3, "low": 0.21, "high": 0.42}
    left = {"group": "female", "people": 81, "abstained": share, "kept": right}
    few = {"group": "few", "people": 40, "abstained": share, "kept": {"n": 3}}
    axis = {"axis": "sex", "groups": [left, few, {"group": "fewer", "people": 4}]}
    unsure = {"n": 100, "abstained": 30, "kept": right, "left": none, "all": right, "axes": [axis]}
    live.live.verdict["metrics"] |= {"parity": found, "swaps": [swap], "abstention": unsure}
    falls = {"value": 0.081, "low": 0.05, "high": 0.11}
    tried = {"cases": 40, "without": 6, "drop": 0.1, "random_drop": 0.019, "larger_share": 0.95, "difference": falls}
    live.live.verdict["metrics"]["reasons"] = tried
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", pages.model(live, WHOLE, [], WHO)))
    told = text[text.index("For whom it is wrong") :]
    assert "male 80 90% of 40 too few 90% of 40 –" in told  # noqa: RUF001
    assert "female 81 60% of 40 -0.30 [-0.45 to -0.13] too few 60% of 40 +0.12 [+0.01 to +0.23]" in told
    assert "few 4 too few to tell" in told
    assert "female 81 97 0.77 0.70 to 0.84 –" in told  # noqa: RUF001
    drawn = told[told.index("Attention in lists by sex with 95% intervals") : told.index("Who is seen in lists")]
    assert "female 0.77 [0.70 to 0.84]" in drawn
    assert "male 1.00 [1.00 to 1.00]" in drawn
    assert "unknown" not in drawn, "of the unknown there is no ratio"
    assert "few" not in drawn
    assert "The model abstains from 30% of 100 cases" in told
    assert "Decided 70 90% 0.031 0.021 Left to a person 0 – – – All 70 90%" in told  # noqa: RUF001
    assert "female 81 30% 21% to 42% 90% 0.031 0.021 if exactly right" in told
    assert "few 40 30% 21% to 42% too few to tell fewer 4 too few to tell" in told
    assert "the score of 40 resumes falls by 0.100 on average; without another passage" in told
    assert "by 0.019. Difference: 0.081 [0.050 to 0.110]; in 95% of them" in told
    assert "club female, male 90 3 12 &lt; 0.001 +0.0123 [+0.0010 to +0.0237]" in told


def test_what_known_outcomes_leave_open_is_drawn_and_told_by_group_and_stage(store):
    company.release(store, "screening")
    live = evidence.model(store, "screening")
    assert "What known outcomes leave open" not in pages.model(live, WHOLE, [], WHO), "evidence of before has none"
    men = {"group": "male", "people": 1200, "known_share": 0.8, "among_known": 0.5, "low": 0.4, "high": 0.6}
    men |= {"sure_low": 0.37, "sure_high": 0.63, "ratio_low": 1.0, "ratio_high": 1.0, "is_lower": False}
    women = men | {"group": "female", "people": 40, "low": 0.1, "high": 0.7, "ratio_low": 0.1667, "ratio_high": 1.75}
    apart = women | {"group": "unknown", "ratio_low": None, "ratio_high": None}
    lower = women | {"group": "other", "high": 0.12, "ratio_high": 0.3, "is_lower": True}
    groups = [women, men, lower, apart, {"group": "few", "people": 4}]
    whole = {"stage": "offer", "axis": "sex", "reference": "male", "groups": groups}
    hidden = {"stage": None, "axis": "race", "reference": None, "groups": [{"group": "few", "people": 4}]}
    live.live.verdict["metrics"] |= {"selective": [whole, hidden]}
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", pages.model(live, WHOLE, [], WHO)))
    told = text[text.index("What known outcomes leave open") :]
    drawn, table = told[: told.index("In figures")], told
    assert "Favourable at stage offer, by sex Among known" in drawn
    assert "Among known outcomes, and the bounds of all, by sex" in drawn
    assert "female 10% to 70% male 40% to 60%" in drawn
    assert "few" not in drawn
    assert "female 40 80% 50% 10% to 70% [37% to 63%] 0.17 to 1.75" in table
    assert "male 1,200 80% 50% 40% to 60% [37% to 63%] reference" in table
    assert "0.17 to 0.30 lower in any case unknown" in table
    assert "[37% to 63%] – few 4 too few to tell" in table  # noqa: RUF001
    why = "Nothing to draw: no group has enough people, or what is told would tell of few."
    assert f"Favourable outcomes, by race {why} In figures" in table
    assert told.count(why) == 1
    assert "bounds of all, by race" not in table, "nothing to draw"


def test_people_never_seen_and_what_intervals_hold_are_drawn_and_told(store):
    company.release(store, "performance")
    live = evidence.model(store, "performance")
    before = pages.model(live, WHOLE, [], WHO)
    assert "People whom it never saw" not in before, "evidence of before has none"
    assert "Whether its intervals hold" not in before
    axis = {"axis": "acquaintance"}
    strangers = axis | {"slice": "never seen", "n": 120, "people": 101}
    strangers |= {"model": {"value": 0.1423, "low": 0.12, "high": 0.1666}}
    known = axis | {
        "slice": "seen before",
        "n": 1300,
        "people": 1200,
        "model": {"value": 0.1, "low": 0.09, "high": 0.11},
    }
    one = {"people": 80, "promised": 0.9, "share": 0.7, "low": 0.6, "high": 0.79, "is_below": True}
    all_ = one | {"axis": "everybody", "group": "everybody", "people": 1500, "share": 0.91, "is_below": False}
    items = [all_ | {"low": 0.89, "high": 0.93}, one | {"axis": "sex", "group": "female"}]
    found = {"judged": [strangers, known], "too_few": {}}
    live.live.verdict["metrics"] |= {"metric": "mae", "acquaintance": found, "intervals": items}
    html = pages.model(live, WHOLE, [], WHO)
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))
    told = text[text.index("People whom it never saw") :]
    assert "mean absolute error with intervals" in told
    assert "never seen 0.142 [0.120 to 0.167] seen before 0.100 [0.090 to 0.110]" in told
    assert "never seen 101 120 0.142 0.120 to 0.167 seen before 1,200 1,300 0.100 0.090 to 0.110" in told
    assert "too few were tested" not in told
    held = told[told.index("Whether its intervals hold") :]
    assert "everybody 91% [89% to 93%] sex: female 70% [60% to 79%]" in held, "drawn"
    assert "90% are promised" in held
    assert "– everybody 1,500 91% 89% to 93% not surely fewer sex female 80 70% 60% to 79% surely fewer" in held  # noqa: RUF001
    drawing = html[html.index("Share of outcomes in their intervals") :]
    assert drawing[: drawing.index("</svg>")].count('class="whisker warn"') == 1
    live.live.verdict["metrics"]["acquaintance"] = {"judged": [known], "too_few": {"acquaintance": 1}}
    assert "Of the others too few were tested for a figure." in pages.model(live, WHOLE, [], WHO)


def test_early_warnings_and_scores_at_the_end_stand_with_intervals_beside_the_baseline(store):
    company.release(store, "performance")
    live = evidence.model(store, "performance")
    before = pages.model(live, WHOLE, [], WHO)
    assert "early warning is worth" not in before, "evidence of before has none"
    assert "With what score it ends" not in before
    model, other = {"value": 0.612, "low": 0.5, "high": 0.7}, {"value": 0.4, "low": 0.3, "high": 0.5}
    three = {"model": model, "baseline": other, "difference": {"value": 0.212, "low": None, "high": None}}
    days = {"median": 30.2, "low": 28.0, "high": 31.0}
    worth = {"n": 1040, "people": 700, "capacity": 0.1, "low": 0.25, "chance": 0.263, "precision": three}
    ends = {"n": 90, "people": 80, "error": three, "within": three}
    live.live.verdict["metrics"] |= {"warnings": worth | {"days_ahead": days}, "grades": ends}
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", pages.model(live, WHOLE, [], WHO)))
    told = text[text.index("What an early warning is worth") :]
    assert "Of 1,040 cases of 700 people a warning is given of the 10% with the lowest" in told
    assert "among the lowest 25% of all. Half of the cases are known between 28 and 31 days later, 30 in" in told
    assert "model 0.612 [0.500 to 0.700] baseline 0.400 [0.300 to 0.500] chance 0.263" in told, "drawn"
    assert "0.612 [0.500 to 0.700] 0.400 [0.300 to 0.500] 0.212 [– to –] 0.263" in told  # noqa: RUF001
    told = text[text.index("With what score it ends") :]
    assert "90 cases of 80 people" in told
    assert "Scores inside their interval, as a share 0.612 [0.500 to 0.700]" in told
    live.live.verdict["metrics"]["warnings"] |= {"recall": three, "flagged": 0.123}
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", pages.model(live, WHOLE, [], WHO)))
    told = text[text.index("What an early warning is worth") :]
    assert "the daily file warns of 12%; of more than the 10% that managers can act on, the lowest" in told
    assert "Low outcomes that were warned of, as a share 0.612 [0.500 to 0.700]" in told
    assert "too few people are warned of" not in told
    for lost in ({"value": None, "low": None, "high": None}, {"value": 1.0, "low": None, "high": None}):
        few = three | {"model": lost}
        live.live.verdict["metrics"]["warnings"] |= {"precision": few, "recall": few, "flagged": None}
        text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", pages.model(live, WHOLE, [], WHO)))
        told = text[text.index("What an early warning is worth") :]
        assert "Of 1,040 cases of 700 people too few people are warned of" in told
        assert "days later" not in told
        assert "warned of, as a share" not in told
    assert "Distance from the score at the end with intervals" in told


def test_popular_courses_in_lists_stand_beside_those_of_the_baseline(store):
    company.release(store, "screening")
    live = evidence.model(store, "screening")
    assert "Popular and rare courses" not in pages.model(live, WHOLE, [], WHO), "only lists of courses have some"
    each = {"before": 0.91234, "next": 0.5, "model": 0.25, "baseline": None}
    whole = {name: {"shown": 4, "coverage": 0.125, "gini": 0.875} for name in ("before", "next", "model")}
    whole["baseline"] = {"shown": 0, "coverage": 0.0, "gini": None}
    over = {"model": {"value": -0.25, "low": -0.312, "high": -0.1}, "baseline": dict.fromkeys(("value", "low", "high"))}
    unsure = {"model": {"value": 0.004, "low": None, "high": None}, "baseline": over["baseline"]}
    tenths = [
        {"place": place, "courses": 124, **each, "excess": e}
        for place, e in ((1, over), (2, unsure), (3, {"model": over["baseline"]}))
    ]
    found = {"courses": 1234, **whole, "deciles": tenths}
    live.live.verdict["metrics"] |= {"popularity": found}
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", pages.model(live, WHOLE, [], WHO)))
    told = text[text.index("Popular and rare courses") :]
    assert "Who puts which of 1,234 courses forward" in told
    drawn = told[: told.index("Who puts which")]
    assert "as often" in drawn
    assert "1, the most taken -25.0 [-31.2 to -10.0] 2 +0.4" in drawn
    assert "1, the most taken 124 91% 50% 25% – -25.0 [-31.2 to -10.0]" in told  # noqa: RUF001
    assert "2 124 91% 50% 25% – +0.4 3 124 91% 50% 25% – – Courses" in told  # noqa: RUF001
    assert "Courses that occur at all 12% 12% 12% 0.0%" in told
    assert "Gini 0.88 0.88 0.88 –" in told  # noqa: RUF001
    older = [{name: row[name] for name in row if name != "excess"} for row in tenths]
    live.live.verdict["metrics"]["popularity"]["deciles"] = older
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", pages.model(live, WHOLE, [], WHO)))
    told = text[text.index("Popular and rare courses") :]
    assert "as often" not in told, "a release from before"
    assert "1, the most taken 124 91% 50% 25% – –" in told  # noqa: RUF001


def test_links_are_relative_since_the_page_lives_in_a_frame_below_a_prefix():
    model = Model("screening", newest=monitored(), days=(DAY,))
    for text in (
        pages.overview([model], WHOLE, WHO),
        pages.model(model, WHOLE, [], WHO),
        pages.report("screening", str(DAY), "bias.html", WHO),
    ):
        assert not re.search(r'(?:href|src)="/', text)
    assert 'href="../reports/screening/2026-10-31/bias.html"' in pages.model(model, WHOLE, [], WHO)
    assert "drift.html" not in pages.model(model, WHOLE, [], WHO), "only reports that exist are linked"
    assert 'src="../../../raw/screening/2026-10-31/bias.html"' in pages.report("screening", str(DAY), "bias.html", WHO)


def test_a_broken_ledger_is_said_on_every_page():
    broken = Ledger(Head(7, "e" * 64), ("Entry 3 of the ledger is missing.",))
    model = Model("screening")
    assert "Entry 3 of the ledger is missing." in pages.overview([model], broken, WHO)
    assert '<span class="word bad">broken</span>' in pages.model(model, broken, [], WHO)
    assert '<span class="word bad">broken</span>' in pages.records(broken, Ingested(), WHO)


def test_a_family_without_anything_says_so_and_never_looks_good():
    text = pages.model(Model("performance"), WHOLE, [], WHO)
    assert "Nothing was released" in text
    assert "not yet" in text


def test_every_family_says_whose_outcomes_can_be_known():
    said = [pages.model(Model(family), WHOLE, [], WHO) for family in FAMILIES]
    assert all("Learnt and judged on what can be known: " in text for text in said)
    assert "who was not hired, or left before, is in no figure" in said[FAMILIES.index("performance")]


def test_who_accepted_which_gap_is_listed_by_gap():
    approvers = [{"name": "a", "accepted_gaps": ["sex:few"]}, {"name": "b", "accepted_gaps": ["sex:few", "age:old"]}]
    assert pages.accepted(approvers) == {"sex:few": ["a", "b"], "age:old": ["b"]}


def test_rows_that_do_not_add_up_are_said():
    rows = {"in": 10, "accepted": 7, "quarantined": 1, "filtered": 1, "held": 0}
    assert "does not add up" in pages.records(WHOLE, Ingested([Feed("f", rows)]), WHO)
    assert Feed("f", rows | {"in": 9}).adds_up


@pytest.mark.parametrize(
    ("family", "day", "name"),
    [
        ("screening", "2026-10-31", "../../../ledger/000000000001.json"),
        ("screening", "..", "index.html"),
        ("screening", "2026-10-31/..", "index.html"),
        ("screening", "2026-10-31", "secrets.json"),
        ("screening", "2026-10-31\n", "index.html"),
        ("screening", "2026-10-30", "index.html"),
    ],
)
def test_only_reports_have_an_address(store, family, day, name):
    store.put("reports/screening/2026-10-31/index.html", b"page")
    store.put("reports/screening/2026-10-31/secrets.json", b"secret")
    store.put("ledger/000000000001.json", b"entry")
    assert evidence.report_file(store, "screening", "2026-10-31", "index.html") == b"page"
    assert evidence.report_file(store, family, day, name) is None


def test_the_records_page_says_what_was_live_on_a_day_on_what_data_and_who_allowed_it():
    about = {f"{name}_sha256": name[0] * 64 for name in ("model", "data", "verdict", "manifest")}
    about |= {
        "as_of": "2026-02-28",
        "requester": "erik",
        "commit": "c0ffee",
        "reason": "Complaints.",
        "asked_by": "vera",
    }
    allowed = [{"name": "clara", "approved_at": "2026-03-01T09:00:00+00:00"}, {"name": "dora"}]
    now = Stretch("screening", "2026-03-03T07:00:00", None, "rollback", 9, about | {"approvers": allowed})
    now = replace(now, scorings=({"rows": 1, "as_of": "2026-03-02"}, {"rows": 240, "as_of": "2026-03-03"}))
    stop = Stretch(
        "scoring", "2026-03-03T01:00:00", "2026-03-03T02:00:00", "stop", 8, {"by": "vera", "why": "A drill."}
    )

    def told(then, day):
        text = pages.records(WHOLE, Ingested(), WHO, [now], day=day, then=then)
        return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))

    seen = told([stop, now], date(2026, 3, 3))
    assert "Live on 2026-03-03, on what data, and who allowed it" in seen
    assert "Scoring stop 2026-03-03 01:00:00 2026-03-03 02:00:00 stopped by vera: A drill." in seen
    assert "clara (2026-03-01 09:00), dora; asked for by erik, from commit c0ffee ; gone back to by vera" in seen
    assert f"as of 2026-02-28 data {'d' * 64} model {'m' * 64} verdict {'v' * 64}" in seen
    assert "1 row as of 2026-03-02 240 rows as of 2026-03-03" in seen
    assert "Nothing was live on 2026-03-02." in told([], date(2026, 3, 2))
    assert "Nothing was live" not in told([], None)


def test_a_days_report_says_who_is_seen_in_its_lists_and_nothing_where_there_are_none():
    seen = {"group": "female", "people": 81, "listed": 97, "ratio": 0.77, "low": 0.7, "high": 0.84, "by_merit": None}
    first = {"group": "male", "people": 90, "listed": 99, "ratio": 1.0, "low": 1.0, "high": 1.0, "by_merit": None}
    lists = ({"axis": "sex", "groups": [seen, first, {"group": "few", "people": 4}]},)
    found = monitored()
    plain, told = (
        re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.report(found.findings, None, None, bias)))
        for bias in (found.bias, found.bias.model_copy(update={"lists": lists}))
    )
    assert "Who is seen in" not in plain
    told = told[told.index("Who is seen in the lists of the newest scoring") :]
    assert "Attention in lists by sex with 95% intervals" in told
    assert "95% interval female 81 97 0.77 0.70 to 0.84 male 90 99 1.00 1.00 to 1.00 few 4 too few to tell" in told
    assert "what came true" not in told[: told.index("few 4")]


def test_a_model_page_says_how_well_inputs_tell_groups_apart(store):
    company.release(store, "screening")
    live = evidence.model(store, "screening")
    assert "Whether inputs tell groups apart" not in pages.model(live, WHOLE, [], WHO)
    tells = {"axis": "sex", "group": "female", "people": 81, "auc": 0.713, "low": 0.66, "high": 0.77, "standing": []}
    tells |= {"input": "commute_days", "single": 0.684, "single_low": 0.63}
    named = {"input": "title_before", "single": 0.968, "single_low": 0.94}
    live.live.verdict["metrics"]["stand_ins"] = [tells, tells | named | {"group": "male", "standing": [named]}]
    told = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", pages.model(live, WHOLE, [], WHO)))
    assert "sex female 81 0.71 0.66 to 0.77 commute_days 0.68 at least 0.63" in told
    assert "title_before nearly the attribute itself 0.97 at least 0.94" in told


def laws_on(day, *places):
    text = pages.laws(law.standing(places, day), law.coming(places, day), law.ended(places, day), WHO)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", text)))


def test_the_laws_of_two_days_differ_by_colorado():
    """SB 26-189 applies from 1 January 2027; SB24-205 was repealed before it ever did."""
    eve, new_year = laws_on(date(2026, 12, 31), "US-CO"), laws_on(date(2027, 1, 1), "US-CO")
    duty = next(d for p in law.library() if p.code == "us-co-sb26-189" for d in p.duties if d.code == "adverse_outcome")
    asked = f"clock {duty.asks} {duty.where} 30 days after decision"
    assert asked not in eve
    assert asked in new_year
    assert "What starts later 2027-01-01 : " in eve
    assert "What starts later" not in new_year
    assert "ban No cut-off, score or quota adjusted by a protected group at decision time. 42 USC 2000e-2(l)" in eve
    repealed = next(p for p in law.library() if p.code == "us-co-sb24-205")
    for text in (eve, new_year):
        assert f"2026-06-30 : {repealed.title}" in text[text.index("What no longer applies") :]
        assert "In its place: us-co-sb26-189" in text
        assert "not confirmed by counsel" in text
    assert "What no longer applies" not in laws_on(date(2026, 6, 29), "US-CO")
    assert "What no longer applies" in laws_on(date(2026, 6, 30), "US-CO")
    assert "What no longer applies" not in laws_on(date(2026, 12, 31), "US-IL")


def test_a_duty_that_starts_later_than_its_law_is_not_asked_for_before():
    eve, then = laws_on(date(2027, 12, 1), "EU"), laws_on(date(2027, 12, 2), "EU")
    assert ("The nine sections of Annex IV." in eve, "The nine sections of Annex IV." in then) == (False, True)


def test_every_kind_and_basis_of_a_duty_has_words():
    said = {duty.kind for pack in law.library() for duty in pack.duties}
    assert said == set(pages.KINDS_OF_DUTIES)
    assert {duty.basis for pack in law.library() for duty in pack.duties} <= set(pages.BASES)


def test_a_verdict_from_before_blessings_were_named_is_shown():
    known = json.loads((Path(__file__).parents[1] / "golden" / "files" / "verdict.json").read_bytes())
    older = {name: value for name, value in known.items() if name != "blessings"}

    def shown(verdict):
        return pages.model(
            Model("screening", candidate=evidence.Candidate("a" * 64, "2026-10-31", verdict, is_released=False)),
            WHOLE, [], WHO,
        )  # fmt: skip

    assert ("Blessings:" in shown(known), "Blessings:" in shown(older)) == (True, False)
    assert "What the gate checked" in shown(older)


def test_what_a_candidate_said_in_shadow_stands_beside_what_the_live_model_said():
    verdict = json.loads((Path(__file__).parents[1] / "golden" / "files" / "verdict.json").read_bytes())
    beside = {"rows": 161, "as_of": "2026-10-31", "selected_by_live": 40, "selected_by_candidate": 44}

    def shown(**found):
        said = evidence.Candidate("a" * 64, "2026-10-31", verdict, is_released=False, beside=found and beside | found)
        return " ".join(pages.model(Model("screening", candidate=said), WHOLE, [], WHO).split())

    text = shown(same_decision_share=0.9752, mean_difference=-0.0004)
    assert (
        "Scored in shadow beside the live model, on the same 161 cases as of 2026-10-31: 97.5 % decided alike" in text
    )
    assert "the live model puts 40 forward, the candidate 44; its scores are 0.000 on average" in text
    assert "decided alike" not in shown(same_decision_share=None, mean_difference=None)
    assert "in shadow beside" not in shown(), "before it scored anybody"


@pytest.mark.parametrize(
    ("high", "selected", "says"),
    [
        (0.0, 0.5, "as valid, and selects fewer"),
        (-0.02, 0.7, "as valid, and selects more"),
        (-0.021, 0.5, "not of equal validity"),
        (None, 0.5, "not of equal validity"),
    ],
)
def test_an_alternative_that_is_as_valid_and_selects_otherwise_is_not_called_less_valid(store, high, selected, says):
    company.release(store, "screening")
    live = evidence.model(store, "screening")
    choice = live.live.verdict["alternatives"]
    declared, other = choice["alternatives"][:2]
    del choice["alternatives"][2:]
    declared |= {"selected_share": 0.6, "is_equal": True}
    other |= {"is_equal": False, "selected_share": selected, "difference": {"value": -0.03, "low": -0.05, "high": high}}
    choice["margins"]["validity"] = 0.02
    told = re.findall(r'<br><span class="hint">([^<]*(?:valid|validity)[^<]*)<', pages.model(live, WHOLE, [], WHO))
    assert told == ["of equal validity", says]
