"""The page a reviewer reads before answering: what was judged, what was found, what stays unknown. Markdown."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

from pipelines.base.catalog import AUDIT_PAGES, BLESSINGS
from pipelines.base.wording import counted
from pipelines.fairness import withheld
from pipelines.fairness.evidence import LESS_DISCRIMINATORY, hidden
from pipelines.publish.modified import NOT_KNOWN, SUBSTANTIAL, Modified

_ALARMS: Final = {SUBSTANTIAL: "Substantial modification.", NOT_KNOWN: "Perhaps a substantial modification."}
"""How a gap about the release before begins, by its code."""
_IN_ADDRESSES: Final = ":/%[]"
"""What an address may have beside letters, digits and `_.-~`; all else, as a bracket that ends a link, is escaped."""
_MARKS: Final = re.compile(r"[\\`*_\[\]<>#|~]")
"""What a text could begin or end a link, a heading, a table or a tag with."""
_SHOWN: Final = 20
"""Changes that are told one by one."""


def brief(
    verdict: Mapping[str, Any], verdict_sha256: str, airflow_url: str = "", modification: Modified | None = None
) -> str:
    """The page about one verdict.

    Args:
        verdict: Content of verdict.json.
        verdict_sha256: Its digest.
        airflow_url: Where reviewers read; without it the page names the way instead of linking to it.
        modification: How it differs from the release that scores now.

    Returns:
        Markdown. Numbers that do not exist are written `unknown`.
    """
    return "\n".join(_lines(verdict, verdict_sha256, airflow_url.rstrip("/"), modification or Modified()))


def _lines(verdict: Mapping[str, Any], verdict_sha256: str, airflow_url: str, modification: Modified) -> Iterator[str]:
    metrics = verdict["metrics"]
    yield f"## {verdict['family']}: the gate says *{verdict['verdict']}*"
    yield ""
    for line in hidden(verdict["groups"]["by_subject"], verdict["groups"]["axes"]):
        yield f"**{line}**"
        yield ""
    if gap := modification.gap:
        yield f"**{_ALARMS[gap['code']]}** {gap['reason']}"
        yield ""
    if purpose := verdict.get("purpose"):
        yield f"Declared purpose: {_plain(purpose)}"
        yield ""
    cases = counted(metrics["n"], "case", "cases")
    yield f"Data as of {verdict['as_of']}, judged on {cases} that the model had not seen."
    yield ""
    yield f"| {metrics['metric']} | value | 95 % interval |"
    yield "|---|---|---|"
    for name in ("model", "baseline", "difference"):
        found = metrics.get(name) or {}
        yield f"| {name} | {_number(found, 'value')} | {_number(found, 'low')} to {_number(found, 'high')} |"
    yield from _slices((metrics.get("slices") or {}).get("judged") or [])
    yield ""
    yield f"Blessings: {_blessings(verdict.get('blessings') or {})}. The fifth are two people: you and another."
    yield from _findings(verdict["findings"])
    yield from _groups(verdict["groups"])
    yield from _alternatives(verdict.get("alternatives") or {})
    yield from _changes(modification)
    yield from _gaps([*verdict["gaps"], *([gap] if gap else ())])
    yield ""
    yield _audit_page(verdict["family"], airflow_url)
    yield f"Verdict `{verdict_sha256}`, model `{verdict['model_sha256']}`, data `{verdict['data_sha256']}`."
    yield f"Rules: {', '.join(f'{name} `{sha256}`' for name, sha256 in (verdict.get('rules') or {}).items())}."


def _plain(text: str) -> str:
    """One line that says only what it says: whoever writes a ref's params.yaml must not write this page."""
    return _MARKS.sub(r"\\\g<0>", " ".join(text.split()))


def _audit_page(family: str, airflow_url: str) -> str:
    """The way to the reports. The page itself, not Airflow's frame around it, which opens on all families."""
    if not airflow_url:
        return f"Open *Audit* in the navigation for the reports of {family}."
    link = f"{quote(airflow_url, safe=_IN_ADDRESSES)}/{AUDIT_PAGES}/models/{quote(family, safe='')}"
    return f"[Audit page of {family}, with its bias and drift reports]({link})."


def _slices(judged: list[Mapping[str, Any]]) -> Iterator[str]:
    """How good the model is for each group; subjects are many, so only those that hold are told, by their finding."""
    groups = [item for item in judged if item["axis"] != "subject"]
    if groups:
        yield ""
        yield "| the model for | cases | value | 95 % interval |"
        yield "|---|---|---|---|"
    for item in groups:
        found = item["model"]
        numbers = f"{_number(found, 'value')} | {_number(found, 'low')} to {_number(found, 'high')}"
        told = numbers if item.get("is_told", True) else "not told |"
        yield f"| {item['axis']}: {_cell(item['slice'])} | {item['n']} | {told} |"


def _blessings(given: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {'given' if given.get(name) is True else '**not given**'}" for name in BLESSINGS)


def _findings(findings: list[Mapping[str, Any]]) -> Iterator[str]:
    yield ""
    yield "### What was checked"
    yield ""
    for finding in findings:
        yield f"- {'passed' if finding['passed'] else '**HELD**'}: {finding['check']}. {finding['reason']}"


def _groups(groups: Mapping[str, Any]) -> Iterator[str]:
    yield ""
    yield "### Who would be selected"
    yield ""
    yield "| axis | group | selected | rate | impact ratio | 95 % interval | verdict |"
    yield "|---|---|---|---|---|---|---|"
    for axis in [*withheld.for_all(groups["axes"]), *withheld.for_all(groups["by_subject"], pools=groups["axes"])]:
        where = f"{axis['axis']}, {axis['subject']} alone" if axis.get("subject") else axis["axis"]
        for row in axis["groups"]:
            interval = f"{_number(row, 'low')} to {_number(row, 'high')}"
            if not row["is_told"]:
                about = "" if row["about"] is None else f"about {row['about']:.2f}"
                yield f"| {where} | {_cell(row['group'])} | not told, of {row['n']} | {about} | | | {row['verdict']} |"
                continue
            yield (
                f"| {where} | {_cell(row['group'])} | {row['selected']} of {row['n']} | {_number(row, 'rate')} "
                f"| {_number(row, 'impact_ratio')} | {interval} | {row['verdict']} |"
            )
        for group in axis.get("small_groups", ()):
            yield f"| {where} | {_cell(group)} | too few to be told | | | | INSUFFICIENT_DATA |"
    yield ""
    tables = counted(groups["subjects"], "table by subject was", "tables by subject were")
    yield f"{tables} made; those that need a look are above."
    yield "Not told: what was counted of few people, and what it follows from; compliance reads it on the Audit page."


def _cell(text: str) -> str:
    """In a table; a group of two axes has a bar in its name."""
    return text.replace("\\", "\\\\").replace("|", "\\|")


def _alternatives(choice: Mapping[str, Any]) -> Iterator[str]:
    """What was tried beside the model, on validation cases."""
    if not choice:
        return
    yield ""
    yield "### What else was tried"
    yield ""
    cases = counted(choice["n"], "validation case", "validation cases")
    yield f"{choice['why']} Measured on {cases}, each interval by itself."
    yield ""
    yield f"| model | otherwise | {choice['metric']} | against the declared | selected | lowest impact ratio | of |"
    yield "|---|---|---|---|---|---|---|"
    for one in choice["alternatives"]:
        name = f"**{one['name']}**, taken" if one["name"] == choice["chosen"] else one["name"]
        equal = "of equal validity" if one["is_equal"] else "not of equal validity"
        where = f"{one['axis']}: {_cell(one['group'])}" if one["axis"] else "nobody could be compared"
        told = (
            _number(one["metric"], "value"),
            f"{_interval(one['difference'])}, {equal}",
            _number(one, "selected_share"),
        )
        yield f"| {name} | {_cell(one['what'])} | {' | '.join(told)} | {_interval(one['impact_ratio'])} | {where} |"


def _changes(modification: Modified) -> Iterator[str]:
    """What differs from the release that scores now, what nobody foresaw first; of what was foreseen the number."""
    if not modification.changes:
        return
    unforeseen = [change for change in modification.changes if not change.is_foreseen]
    foreseen = len(modification.changes) - len(unforeseen)
    yield ""
    yield f"### What differs from release {modification.against}"
    yield ""
    yield from (f"- **not foreseen**: {change.kind}, `{change.about}`. {change.why}" for change in unforeseen[:_SHOWN])
    if unforeseen[_SHOWN:]:
        yield f"- **not foreseen**: {len(unforeseen) - _SHOWN} more."
    yield f"- {counted(foreseen, 'change that was', 'changes that were')} foreseen (`documents` in params.yaml)."


def _interval(found: Mapping[str, Any]) -> str:
    return f"{_number(found, 'value')} ({_number(found, 'low')} to {_number(found, 'high')})"


def _gaps(gaps: list[Mapping[str, Any]]) -> Iterator[str]:
    yield ""
    yield "### What the numbers cannot say"
    yield ""
    if not gaps:
        yield "Nothing is left open."
        return
    yield "None of this may be read as fair. To release all the same, list each name in *Gaps you accept*:"
    yield ""
    for gap in gaps:
        yield f"- `{gap['name']}`: {gap['reason']}"
    if any(gap["code"] == LESS_DISCRIMINATORY for gap in gaps):
        yield ""
        yield "An `alternative` also needs your reason, in *Why not the alternative*: without it nothing is released."


def _number(found: Mapping[str, Any], name: str) -> str:
    value = found.get(name)
    return f"{value:z.3f}" if isinstance(value, int | float) else "unknown"
