"""Ask whether the released models still hold.

    python -m monitoring judge FAMILY [--as-of DAY]                     all of the following
    python -m monitoring drift|performance|estimated|bias|oversight|report FAMILY [--as-of DAY]

Each command judges the newest day on which the family was scored (or the newest up to DAY), writes its report into the
store and prints one JSON line. `report` comes last and puts the others together. What cannot be judged
says so in `status` and is no error. `bias`, `oversight` and `estimated` need CANDOR_AUDIT_KEY.
"""

import argparse
import json
from collections.abc import Sequence
from datetime import date
from typing import Any

from monitoring.settings import monitor_settings
from pipelines.base.catalog import FAMILIES
from pipelines.base.errors import CandorError
from pipelines.base.stage import guarded, leave
from pipelines.base.store import open_store


def drift(family: str, until: date | None) -> dict[str, Any]:
    """The line of `drift`."""
    from monitoring import drift as check

    result = check.run(open_store(), family, until, monitor_settings())
    drifted = [column.column for column in result.columns if column.is_drifted]
    return {"status": result.status, "rows": result.rows, "columns": len(result.columns), "drifted": drifted} | _about(
        result
    )


def performance(family: str, until: date | None) -> dict[str, Any]:
    """The line of `performance`."""
    from monitoring import performance as check

    result = check.run(open_store(), family, until, monitor_settings())
    now, then = result.model, result.model_at_release
    return {
        "status": result.status,
        "metric": result.metric,
        "value": now.value if now else None,
        "low": now.low if now else None,
        "high": now.high if now else None,
        "at_release": then.value if then else None,
        "labels": f"{result.labelled} of {result.scored}",
    } | _about(result)


def estimated(family: str, until: date | None) -> dict[str, Any]:
    """The line of `estimated`."""
    from monitoring import estimated as check

    result = check.run(open_store(), family, until, monitor_settings())
    everybody = next(iter(result.groups), None)
    ours = everybody.estimated if everybody else None
    return {
        "status": result.status,
        "metric": result.metric,
        "value": ours.value if ours else None,
        "low": ours.low if ours else None,
        "high": ours.high if ours else None,
        "holds": everybody.is_within if everybody else None,
        "outside": [f"{row.axis}={row.group}" for row in result.groups if row.axis and row.is_within is False],
    } | _about(result)


def bias(family: str, until: date | None) -> dict[str, Any]:
    """The line of `bias`, which whoever reads logs may see."""
    from monitoring import audience
    from monitoring import bias as check

    result = check.run(open_store(), family, until)
    adverse = [a for a in (*result.subjects, *result.pools) if a.verdict == "ADVERSE"]
    return {
        "status": result.status,
        "judged": len(result.pools) + sum(sum(tally.verdicts.values()) for tally in result.tallies),
        "adverse": [[a.source, a.subject, a.judgement["axis"]] for a in adverse],
        "headline": next(iter(audience.bias_for_all(result).headlines), None),
    } | _about(result)


def oversight(family: str, until: date | None) -> dict[str, Any]:
    """The line of `oversight`."""
    from monitoring import oversight as check

    result = check.run(open_store(), family, until)
    departed = result.departed
    return {
        "status": result.status,
        "decided": result.decided,
        "departed": departed.value if departed else None,
        "low": departed.low if departed else None,
        "high": departed.high if departed else None,
        "by_rule": result.by_rule,
    } | _about(result)


def report(family: str, until: date | None) -> dict[str, Any]:
    """The line of `report`."""
    from monitoring import report as check

    result = check.run(open_store(), family, until, monitor_settings())
    return {
        "retrain": result.retrain,
        "reasons": list(result.reasons),
        "held_back": list(result.held_back),
        "findings": len(result.findings),
        "alerts": sum(finding.is_alert for finding in result.findings),
    } | _about(result)


def judge(family: str, until: date | None) -> dict[str, Any]:
    """The line of `report`, after all five checks. One that fails does not keep the others from being written.

    Raises:
        CandorError: What the first failing check said. Then there is no new report, and nothing is asked for.
    """
    faults = []
    for check in (bias, oversight, drift, performance, estimated):
        try:
            check(family, until)
        except CandorError as fault:
            faults.append(fault)
    if faults:
        raise faults[0]
    return report(family, until)


COMMANDS = {
    "judge": judge,
    "drift": drift,
    "performance": performance,
    "estimated": estimated,
    "bias": bias,
    "oversight": oversight,
    "report": report,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; the docstring of this module is its help."""
    parser = argparse.ArgumentParser(
        prog="python -m monitoring", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("check", choices=COMMANDS, help="what to judge")
    parser.add_argument("family", choices=FAMILIES, help="which model family")
    parser.add_argument("--as-of", type=_day, help="day, the newest by default (also when empty)")
    args = parser.parse_args(argv)
    return guarded(lambda: json.dumps(COMMANDS[args.check](args.family, args.as_of)))


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def _about(result: Any) -> dict[str, Any]:
    return {"family": result.family, "as_of": str(result.as_of) if result.as_of else None}


if __name__ == "__main__":
    leave(main())
