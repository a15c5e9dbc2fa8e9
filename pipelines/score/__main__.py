"""Command line of `pipelines.score`."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime

import pipelines.score
from pipelines.base.catalog import FAMILIES
from pipelines.base.errors import CandorError
from pipelines.base.records import open_records
from pipelines.base.stage import guarded, leave
from pipelines.base.stage import main as stage_main
from pipelines.base.store import open_store
from pipelines.score import drill, match, people, stage, switch

_DATED = {"people": people.run, "outcomes": people.run_outcomes}
_HELP = {
    "stop": "stop scoring, all families",
    "restart": "let scoring go on, all families",
    "drill": "stop scoring, see it end, let it go on",
}
_ORDERS = tuple(_HELP)


def main(argv: Sequence[str] | None = None) -> int:
    """Start what the words ask for. `outcomes` alone is the family of that name."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["switch"] or (words[:1] and words[0] in _ORDERS):
        return _switch(words)
    if words[:1] == ["match"]:
        return _match(words[1:])
    is_dated = len(words) > 1 and words[0] in _DATED and words[1] in FAMILIES
    if not is_dated:
        return stage_main(stage.run, pipelines.score.__doc__, words)
    parser = _parser()
    parser.add_argument("what", choices=_DATED)
    parser.add_argument("family", choices=FAMILIES, help="which model family")
    parser.add_argument("--as-of", type=_day, default=None, help="the day (default, or when empty: today)")
    args = parser.parse_args(words)
    today = args.as_of or datetime.now(UTC).date()
    return guarded(lambda: _DATED[args.what](args.family, today))


def _match(words: Sequence[str]) -> int:
    parser = _parser()
    one = parser.add_mutually_exclusive_group(required=True)
    one.add_argument("--requisition", help="people for this open requisition")
    one.add_argument("--person", help="open requisitions for this person, by pseudonym")
    parser.add_argument("--top", type=int, default=10, help="length of the list")
    parser.add_argument("--as-of", type=_day, default=None, help="the day (default, or when empty: today)")
    parser.add_argument("--by", required=True, help="who asks; goes into the ledger")
    parser.add_argument("--why", required=True, help="what for; goes into the ledger, so name no person it is about")
    args = parser.parse_args(words)
    today = args.as_of or datetime.now(UTC).date()
    about = {"requisition_id": args.requisition, "person_id": args.person}
    return guarded(lambda: match.run(today, **about, top=args.top, by=args.by, why=args.why))


def _switch(words: Sequence[str]) -> int:
    parser = _parser()
    verbs = parser.add_subparsers(dest="what", required=True)
    verbs.add_parser("switch", help="print the order that counts")
    for verb in _ORDERS:
        order = verbs.add_parser(verb, help=_HELP[verb])
        order.add_argument("--why", required=True, help="goes into the ledger; name no person it is about")
        asker = order.add_mutually_exclusive_group(required=True)
        asker.add_argument("--by", help="who says so, at the command line")
        asker.add_argument("--dag-run", help="the run that asks: Airflow's own record says who triggered it")
    args = parser.parse_args(words)
    return guarded(_stands if args.what == "switch" else lambda: _give(args))


def _give(args: argparse.Namespace) -> str:
    stop, run_id = args.what == "stop", args.dag_run or ""
    if args.what == "drill":
        return drill.hold(open_store(), by=args.by or _asker(run_id, stop), why=args.why, run_id=run_id)
    return switch.give(open_store(), stop=stop, by=args.by or _asker(run_id, stop), why=args.why, run_id=run_id)


def _asker(run_id: str, stop: bool) -> str:
    try:
        records = open_records()
    except CandorError:
        if stop:
            return switch.UNKNOWN
        raise
    return switch.asked_by(records, run_id, stop=stop)


def _stands() -> str:
    order = switch.standing(open_store())
    return json.dumps(asdict(order) if order else {"is_stopped": False})


def _parser() -> argparse.ArgumentParser:
    return argparse.ArgumentParser(
        description=pipelines.score.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


if __name__ == "__main__":
    leave(main())
