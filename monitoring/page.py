"""Results as HTML: the page of a day's report, and the words and drawings that the Audit page shares with it. Pure."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from monitoring import svg, texts
from monitoring.audience import bias_for_all, oversight_for_all
from monitoring.results import Bias, ColumnDrift, Drift, Estimated, Findings, Oversight, Performance, Tally
from monitoring.texts import counted, noted, say
from monitoring.texts.spoken import Speaking
from monitoring.words import DECIDES, MEANINGS, METRIC_MEANINGS, TONES, metric_name
from pipelines.base.contracts import TABLES
from pipelines.fairness import ALL_STAGES
from pipelines.fairness.counting import is_crossed
from pipelines.fairness.grids import worth
from pipelines.fairness.intervals import METHODS, posterior_interval
from pipelines.fairness.pairs import Pair

STAGES: Final = next(c.values for c in TABLES["application_events"].columns if c.name == "stage_code")
"""Of hiring, in their order."""
_ENDS: Final = (("value", "ratio"), ("low", "low"), ("high", "high"))
_SPAN: Final = (("value", "share"), ("low", "low"), ("high", "high"))
_LEAST_P: Final = 0.001
_OF_EMPTY_CELLS: Final = METHODS[2]
_DRAWS: Final = 100_000
_SEED: Final = 20231101
"""Of the bootstrap: the same page says the same."""
SAID: Final = ("audit_", "report.", "parts.")
"""How the names of templates begin that speak the reader's language; documents and packages are English."""
TEMPLATES: Final = Path(__file__).parent / "templates"


def report(
    result: Findings,
    drift: Drift | None,
    performance: Performance | None,
    bias: Bias | None,
    oversight: Oversight | None = None,
    *,
    estimated: Estimated | None = None,
) -> str:
    """The page of one family and day; self-contained, no script, nothing fetched."""
    release = next((part.release for part in (drift, performance, bias) if part and part.release), "")
    return render(
        "report.html",
        result=result,
        drift=drift,
        performance=performance,
        bias=bias_for_all(bias) if bias else None,
        oversight=oversight_for_all(oversight) if oversight else None,
        release=release,
        estimated=estimated,
        style=Markup(style()),  # noqa: S704  # our own file
    )


def script() -> str:
    """What sends the form that goes back to a release."""
    return (TEMPLATES / "rollback.js").read_text(encoding="utf-8")


def render(template: str, **values: Any) -> str:
    """A template of this package, every value escaped; a name that is missing is a mistake and raises."""
    with texts.speaking(texts.wanted() if template.startswith(SAID) else texts.ENGLISH):
        return _read_once().get_template(template).render(**values, language=texts.code())


@cache
def style() -> str:
    """The style sheet."""
    return (TEMPLATES / "style.css").read_text(encoding="utf-8")


def tone(verdict: str) -> str:
    """The class of a verdict word; an unknown word is never a good one."""
    return TONES.get(verdict, "unsure")


def meaning(verdict: str) -> str:
    """What a verdict word means."""
    return say(MEANINGS.get(verdict, noted("An unknown verdict: treat it as held.")))


def share(value: float | None) -> str:
    """A share in words, such as `41%`; a dash for unknown."""
    return "–" if value is None or math.isnan(value) else f"{value:z.1%}" if abs(value) < 0.1 else f"{value:.0%}"  # noqa: RUF001


def number(value: float | None, digits: int) -> str:
    """A number; a dash for unknown."""
    return "–" if value is None or math.isnan(value) else f"{value:z,.{digits}f}"  # noqa: RUF001


def signed(value: float, digits: int) -> str:
    """A number with its sign, and without one where it rounds to none."""
    said = f"{value:+.{digits}f}"
    return said if float(said) else number(0.0, digits)


def counts_people(judgement: Mapping[str, Any]) -> bool:
    """Whether every decision of a judgement is about somebody else, so that its rows count people."""
    return all(row.get("people") in (None, row["n"]) for row in judgement["groups"] if row["n"] is not None)


def waited(days: float | None) -> str:
    """How long somebody took, in days, or in hours or minutes below one; a dash for unknown.

    Who decides minutes after the score has hardly read a resume: in days that would be none.
    """
    if days is None or math.isnan(days):
        return number(None, 1)
    minutes = days * 24 * 60
    if minutes < 60:
        return counted("{n} minute", "{n} minutes", round(minutes))
    if days < 1:
        return say("{n} hours", n=number(days * 24, 1))
    return say("{n} days", n=number(days, 1))


def p_value(value: float | None) -> str:
    """A p-value as it stands after a `p`; a small one is never written as none. A dash for unknown."""
    return "< 0.001" if value is not None and value < _LEAST_P else number(value, 3)


def ratios(judgement: Mapping[str, Any]) -> Markup:
    """Impact ratios of one axis with intervals; groups that were not compared say why. Empty when none was."""
    if not any(_is_compared(row) for row in judgement["groups"]):
        return Markup("")
    bars = [
        svg.Bar(
            label=str(row["group"]),
            value=_known(row["impact_ratio"] if _is_compared(row) or row["is_reference"] else None),
            low=_known(row["low"] if _is_compared(row) else None),
            high=_known(row["high"] if _is_compared(row) else None, math.inf if _is_compared(row) else math.nan),
            note=_note(row),
            tone=tone(str(row["verdict"])),
        )
        for row in judgement["groups"]
    ]
    axis = svg.Axis(0.25, 2.0, ((0.5, "0.5"), (0.8, "4/5"), (1.0, say("equal"))), is_log=True)
    title = say("Impact ratio by {axis} with 95% intervals", axis=judgement["axis"])
    return Markup(svg.intervals(bars, axis, title))  # noqa: S704  # svg escapes


def bootstrapped(judgement: Mapping[str, Any], row: Mapping[str, Any]) -> tuple[float, float] | None:
    """The bootstrap's interval of an impact ratio where a cell is empty, beside the score interval that counts.

    Either will do there by the formulas that this follows; they differ in what they take for granted, and where they
    tell another story the reader should know.

    Args:
        judgement: That the row is of.
        row: Of a group that was compared.

    Returns:
        Low and high; None where no cell is empty, or the counts are not told.
    """
    best = next((other for other in judgement["groups"] if other["is_reference"]), None)
    if row["interval"] != _OF_EMPTY_CELLS or best is None:
        return None
    if any(one[count] is None for one in (row, best) for count in ("n", "selected")):
        return None
    both = [(one["n"], one["selected"], one.get("design_effect", 1.0)) for one in (row, best)]
    (people, reference_people), (selected, reference_selected) = worth(*np.transpose(both))
    return _drawn(int(selected), int(people), int(reference_selected), int(reference_people))


@lru_cache(maxsize=4096)
def _drawn(*counts: int) -> tuple[float, float]:
    low, high = posterior_interval(Pair(*map(np.asarray, counts)), draws=_DRAWS, seed=_SEED)
    return float(low), float(high)


def attention(seen: Mapping[str, Any]) -> Markup:
    """How much each group is seen in lists, against the one seen most, with intervals. Empty when nobody is compared.

    Args:
        seen: axis and groups, as `lists` of a verdict's parity has them.
    """
    rows = [row for row in seen["groups"] if row.get("ratio") is not None]
    bars = [
        svg.Bar(
            str(row["group"]),
            float(row["ratio"]),
            _known(row["low"]),
            _known(row["high"]),
            say("{value} [{low} to {high}]", **{name: number(row[of], 2) for name, of in _ENDS}),
        )
        for row in rows
    ]
    axis = svg.Axis(0.25, 2.0, ((0.5, "0.5"), (1.0, say("equal"))), is_log=True)
    title = say("Attention in lists by {axis} with 95% intervals", axis=seen["axis"])
    return Markup(svg.intervals(bars, axis, title)) if len(bars) > 1 else Markup("")  # noqa: S704  # svg escapes


def acquaintance(found: Mapping[str, Any], metric: str) -> Markup:
    """The metric of people with a case before the test and of those never seen. Empty when neither are enough.

    Args:
        found: judged, as `acquaintance` of a verdict's metrics has it.
        metric: Its name.
    """
    rows = [(say(one["slice"]), one["model"]) for one in found["judged"]]
    return figures(metric, [(name, of["value"], of["low"], of["high"], "plain") for name, of in rows])


def held(items: Sequence[Mapping[str, Any]]) -> Markup:
    """How many outcomes lie in the intervals of each group, beside the promise. Empty when nothing is told.

    Args:
        items: axis, group, share, low, high, promised and is_below, as `intervals` of a verdict's metrics has them.
    """
    if not items:
        return Markup("")
    bars = [
        svg.Bar(
            str(one["group"]) if one["group"] == one["axis"] else f"{one['axis']}: {one['group']}",
            _known(one["share"]),
            _known(one["low"]),
            _known(one["high"]),
            say("{value} [{low} to {high}]", **{name: share(one[of]) for name, of in _SPAN}),
            "warn" if one["is_below"] else "plain",
        )
        for one in items
    ]
    promised = float(items[0]["promised"])
    least = min([promised, *(bar.low for bar in bars)])
    axis = svg.Axis(max(0.0, least - 0.02), 1.0, ((promised, say("promised")),))
    title = say("Share of outcomes in their intervals, with 95% intervals for all rows together")
    return Markup(svg.intervals(bars, axis, title, label_width=190))  # noqa: S704  # svg escapes


def excess(popularity: Mapping[str, Any]) -> Markup:
    """By how much lists show each tenth of the courses more than it is taken next. Empty where that is not known.

    Args:
        popularity: deciles, as `popularity` of a verdict's metrics has it; of releases from before without `excess`.
    """
    rows = [(row, row["excess"]["model"]) for row in popularity["deciles"] if "excess" in row]
    known = [(row, e) for row, e in rows if e["value"] is not None]
    bars = [
        svg.Bar(
            say("{place}, the most taken", place=row["place"]) if row["place"] == 1 else str(row["place"]),
            float(e["value"]),
            _known(e["low"]),
            _known(e["high"]),
            _points(e),
        )
        for row, e in known
    ]
    if not bars:
        return Markup("")
    far = max(0.01, *(abs(x) for bar in bars for x in (bar.value, bar.low, bar.high) if math.isfinite(x))) * 1.05
    axis = svg.Axis(-far, far, ((0.0, say("as often")),))
    title = say("How much more of the lists than of what people take next, by tenth of the courses, with 95% intervals")
    return Markup(svg.intervals(bars, axis, title))  # noqa: S704  # svg escapes


def bounds(item: Mapping[str, Any]) -> Markup:
    """The rate among known outcomes of each group, in what the rate of all may be. Empty when nothing is told.

    Args:
        item: stage, axis and groups, as `selective` of a verdict's metrics has them.
    """
    bars = [
        svg.Bar(
            str(row["group"]),
            _known(row["among_known"]),
            _known(row["low"]),
            _known(row["high"]),
            say("{low} to {high}", low=share(row["low"]), high=share(row["high"])),
        )
        for row in item["groups"]
        if "low" in row
    ]
    axis = svg.Axis(0.0, 1.0, ((0.0, say("none")), (0.5, say("half")), (1.0, say("all"))))
    title = say("Among known outcomes, and the bounds of all, by {axis}", axis=item["axis"])
    return Markup(svg.intervals(bars, axis, title)) if bars else Markup("")  # noqa: S704  # svg escapes


def estimates(performance: Performance) -> Markup:
    """Today's metric beside the figures at release."""
    shown = [
        (say("model now"), performance.model, "plain"),
        (say("baseline now"), performance.baseline, "plain"),
        (say("model at release"), performance.model_at_release, "plain"),
        (say("baseline at release"), performance.baseline_at_release, "plain"),
    ]
    return figures(performance.metric, [(n, e.value, e.low, e.high, t) for n, e, t in shown if e is not None])


def figures(title: str, rows: Iterable[tuple[str, float | None, float | None, float | None, str]]) -> Markup:
    """Figures with intervals on one axis that fits them.

    Args:
        title: What they are, such as AUC.
        rows: Name, value, low, high, tone.
    """
    bars = [
        svg.Bar(name, _known(value), _known(low), _known(high), _with_bounds(value, low, high), colour)
        for name, value, low, high, colour in rows
    ]
    known = [x for bar in bars for x in (bar.value, bar.low, bar.high) if math.isfinite(x)]
    if not known:
        return Markup("")
    low, high = min(known), max(known)
    room = (high - low) * 0.1 or 0.05
    axis = svg.Axis(low - room, high + room, ((low, number(low, 3)), (high, number(high, 3))))
    named = title if " " in title else metric_name(title)
    return Markup(svg.intervals(bars, axis, say("{figure} with intervals", figure=named)))  # noqa: S704  # svg escapes


@dataclass(frozen=True, slots=True)
class Funnel:
    """How far the people of each group get, stage by stage."""

    axis: str
    stages: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Mapping[str, Any] | None, ...]], ...]
    """Group and, by stage, what `AxisJudgement` says of it; None where nobody of the group was decided about."""

    @property
    def drawing(self) -> Markup:
        """Of those decided about at the first stage, the share that went on at each; small groups are left empty."""
        bars = [
            svg.Bar(f"{stage}: {group}", *self._went_on(at, cells))
            for at, stage in enumerate(self.stages)
            for group, cells in self.rows
        ]
        return Markup(svg.shares(bars, say("Share that went on at each stage, by {axis}", axis=self.axis)))  # noqa: S704  # svg escapes

    def _went_on(self, at: int, cells: Sequence[Mapping[str, Any] | None]) -> tuple[float, float, float, str]:
        first, now = cells[0], cells[at]
        if first is None or now is None or first["is_small"] or not first["n"]:
            return math.nan, math.nan, math.nan, say("too few to judge")
        if not (first.get("is_told", True) and now.get("is_told", True)):
            return math.nan, math.nan, math.nan, say("not told")
        value = now["selected"] / first["n"]
        counts = {"selected": f"{now['selected']:,}", "n": f"{first['n']:,}", "share": share(value)}
        return value, math.nan, math.nan, say("{selected} of {n} at first, {share}", **counts)


def funnels(bias: Bias) -> list[Funnel]:
    """People's decisions stage by stage, one funnel an attribute; none where there is one stage or no stage.

    Args:
        bias: What was judged over all subjects.
    """
    pools = [a for a in bias.pools if a.source == "human" and a.stage != ALL_STAGES]
    stages = sorted({a.stage for a in pools}, key=lambda stage: (_order(stage), stage))
    made = []
    for axis in dict.fromkeys(a.judgement["axis"] for a in pools if not is_crossed(a.judgement["axis"])):
        told = {
            a.stage: {row["group"]: row for row in a.judgement["groups"]} for a in pools if a.judgement["axis"] == axis
        }
        groups = dict.fromkeys(group for stage in stages for group in told.get(stage, {}))
        rows = tuple((g, tuple(told.get(stage, {}).get(g) for stage in stages)) for g in groups)
        made.append(Funnel(axis, tuple(stages), rows))
    return made if len(stages) > 1 else []


def _order(stage: str) -> int:
    return STAGES.index(stage) if stage in STAGES else len(STAGES)


@dataclass(frozen=True, slots=True)
class Heat:
    """Subjects that need a look, by attribute: which of them fail in more than one place."""

    axes: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Mapping[str, Any] | None, ...]], ...]
    """Subject (with its stage) and, by attribute, the judgement; None where it is no finding."""
    others: tuple[str, ...]
    """By attribute, the verdicts of all subjects, counted."""


def heat(bias: Bias, source: str) -> Heat:
    """The map of subjects and attributes.

    Args:
        bias: What was judged; its subjects are those that need a look, the worst first.
        source: `human` or `model`.
    """
    found = [a for a in bias.subjects if a.source == source and a.verdict in ("ADVERSE", "INVESTIGATE")]
    tallies = [t for t in bias.tallies if t.source == source]
    axes = tuple(dict.fromkeys([*(t.axis for t in tallies), *(a.judgement["axis"] for a in found)]))
    cells = {(a.subject, a.stage, a.judgement["axis"]): a.judgement for a in found}
    places = dict.fromkeys((a.subject, a.stage) for a in found)
    return Heat(
        axes,
        tuple(
            (
                say("{subject} at {stage}", subject=subject, stage=stage) if source == "human" else str(subject),
                tuple(cells.get((subject, stage, axis)) for axis in axes),
            )
            for subject, stage in places
        ),
        tuple(tallied(t for t in tallies if t.axis == axis) for axis in axes),
    )


def lowest(judgement: Mapping[str, Any]) -> float | None:
    """The lowest impact ratio of a compared group; None when no group was compared."""
    return min((row["impact_ratio"] for row in judgement["groups"] if _is_compared(row)), default=None)


def departures(oversight: Oversight) -> Markup:
    """How often people departed from the recommendation, over all and by group, with intervals from 0 to 1."""
    rows = [(say("everybody"), oversight.departed)]
    rows += [(f"{group.axis}: {group.group}", group.departed) for group in oversight.groups]
    bars = [
        svg.Bar(
            name,
            _known(e.value),
            _known(e.low),
            _known(e.high),
            say("{value} [{low} to {high}]", value=share(e.value), low=share(e.low), high=share(e.high)),
        )
        for name, e in rows
        if e is not None
    ]
    axis = svg.Axis(0.0, 1.0, ((0.0, say("never")), (0.5, say("half")), (1.0, say("always"))))
    title = say("Share of recommendations that people departed from, with 95% intervals")
    return Markup(svg.intervals(bars, axis, title, label_width=190))  # noqa: S704  # svg escapes


def contents(body: str) -> Markup:
    """Sections of a long page below links to each; of fewer than four there is nothing to choose from.

    Args:
        body: HTML, escaped, in which every section begins with its title.
    """
    titles: list[str] = []

    def placed(title: re.Match[str]) -> str:
        titles.append(title[1])
        return f'<section id="part-{len(titles)}"><h2>{title[1]}</h2>'

    placed_body = re.sub(r"<section><h2>(.*?)</h2>", placed, body)
    if len(titles) < 4:
        return Markup(body)  # noqa: S704  # of our templates, which escape
    links = "".join(f'<a href="#part-{place}">{title}</a>' for place, title in enumerate(titles, 1))
    about = escape(say("On this page"))
    return Markup(f'<nav class="contents" aria-label="{about}">{links}</nav>{placed_body}')  # noqa: S704


def frontier(choice: Mapping[str, Any]) -> Markup:
    """The models that were tried: impact ratio against validity, each with its intervals. Empty when none is known.

    Args:
        choice: As a verdict has it, under `alternatives`.
    """
    points = [
        svg.Point(
            say("{name}, taken", name=one["name"]) if one["name"] == choice["chosen"] else str(one["name"]),
            _span(one["difference"], math.nan),
            _span(one["impact_ratio"], math.inf),
            "good" if one["name"] == choice["chosen"] else "plain" if one["is_equal"] else "unsure",
        )
        for one in choice["alternatives"]
    ]
    known = [x for p in points if math.isfinite(p.y[0]) for x in p.x if math.isfinite(x)]
    if not known:
        return Markup("")
    margin = -float(choice["margins"]["validity"])
    least, most = min([*known, 2 * margin]), max([*known, -margin])
    room = (most - least) * 0.05
    marks = ((margin, f"{margin:g}"), (0.0, say("as declared")))
    across = svg.Axis(least - room, most + room, marks)
    up = svg.Axis(0.0, 1.2, ((0.0, "0"), (0.5, "0.5"), (0.8, "4/5"), (1.0, say("equal"))))
    names = (
        say(
            "validity: {metric} against the declared model, better to the right",
            metric=metric_name(str(choice["metric"])),
        ),
        say("lowest impact ratio"),
    )
    title = say("Models that were tried: lowest impact ratio against validity, with 95% intervals")
    return Markup(svg.frontier(points, across, up, title, names))  # noqa: S704  # svg escapes


def shape(column: ColumnDrift) -> Markup:
    """A column's distribution at training time and now."""
    before = [value or 0.0 for value in column.expected]
    now = [value or 0.0 for value in column.actual]
    title = say("Distribution of {column} at training and now", column=column.column)
    return Markup(svg.distributions(before[:40], now[:40], title))  # noqa: S704  # svg escapes


def tallied(tallies: Iterable[Tally]) -> str:
    """How many subjects of each verdict, worst first."""
    found: Counter[str] = Counter()
    for tally in tallies:
        found.update(tally.verdicts)
    return ", ".join(f"{found[v]:,} {say(v.replace('_', ' '))}" for v in MEANINGS if found[v]) or say("none")


def environment(said: tuple[str, ...] | None = SAID) -> Environment:
    """How templates are read.

    Args:
        said: How the names begin of those that speak the reader's language; None: none do, to look at them as written.
    """
    made = Speaking(
        lambda name: said is not None and name.startswith(said),
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {
        "say": say,
        "say_html": texts.say_html,
        "counted": texts.counted,
        "tone": tone,
        "meaning": meaning,
        "meanings_of": MEANINGS,
        "what_decides": DECIDES,
        "share": share,
        "number": number,
        "metric_name": metric_name,
        "metric_meanings": METRIC_MEANINGS,
        "signed": signed,
        "counts_people": counts_people,
        "p_value": p_value,
        "waited": waited,
        "ratios": ratios,
        "bootstrapped": bootstrapped,
        "attention": attention,
        "acquaintance": acquaintance,
        "held": held,
        "excess": excess,
        "points": _points,
        "bounds": bounds,
        "estimates": estimates,
        "departures": departures,
        "funnels": funnels,
        "heat": heat,
        "lowest": lowest,
        "figures": figures,
        "frontier": frontier,
        "shape": shape,
        "tallied": tallied,
    }
    made.filters["contents"] = contents
    return made


@cache
def _read_once() -> Environment:
    return environment()


def _is_compared(row: Mapping[str, Any]) -> bool:
    return row["p_value"] is not None


def _known(value: float | None, otherwise: float = math.nan) -> float:
    return otherwise if value is None else float(value)


def _span(found: Mapping[str, Any], beyond: float) -> svg.Span:
    """A value and its interval; `beyond` is where an end lies that does not exist."""
    value = _known(found["value"])
    return value, _known(found["low"]), _known(found["high"], math.nan if math.isnan(value) else beyond)


def _note(row: Mapping[str, Any]) -> str:
    if row["is_small"]:
        return say("too few to judge")
    if not row.get("is_told", True):
        return say("not told")
    if row["is_unknown"]:
        return say("unknown group")
    if row["is_reference"]:
        return say("reference")
    return say(str(row["verdict"]).replace("_", " ")).capitalize()


def _points(found: Mapping[str, Any]) -> str:
    """A difference of shares in points of a hundred, with its interval where there is one."""
    points = {name: signed(100 * found[name], 1) for name in ("value", "low", "high") if found[name] is not None}
    return say("{value} [{low} to {high}]", **points) if len(points) > 2 else points["value"]


def _with_bounds(value: float | None, low: float | None, high: float | None) -> str:
    if value is None:
        return say("unknown")
    if low is None or high is None:
        return number(value, 3)
    return say("{value} [{low} to {high}]", value=number(value, 3), low=number(low, 3), high=number(high, 3))
