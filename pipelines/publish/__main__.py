"""Propose a model, release it when two people approved, or go back.

    python -m pipelines.publish propose FAMILY --run-id RUN --requester NAME --commit SHA
    python -m pipelines.publish brief FAMILY --verdict SHA256 [--dag-run RUN]
    python -m pipelines.publish release --dag-run RUN --family FAMILY --verdict SHA256
    python -m pipelines.publish rollback FAMILY --to SHA256 --why TEXT (--by NAME | --dag-run RUN)
        [--instead-of NUMBER]
    python -m pipelines.publish refuse --dag DAG --dag-run RUN --code CODE
    python -m pipelines.publish live FAMILY
    python -m pipelines.publish notice FAMILY --law CODE --by NAME (--given-on DAY --where TEXT | --withdrawn WHY)
        [--renews DAY | --corrects DAY]
    python -m pipelines.publish assess FAMILY --law CODE --by NAME
        (--document FILE --signed-on DAY --conclusion TEXT | --withdrawn WHY)
    python -m pipelines.publish scope FAMILY --law CODE --by NAME --criterion WHICH --weights TEXT

All print one line of JSON, except `brief`, which prints a page. `release`, and `brief` and `rollback` for a run, need
CANDOR_AIRFLOW_URL and CANDOR_VIEWER_PASSWORD, and act only on what Airflow itself recorded. `refuse` writes down that
what asked for a run was turned away.
"""

import argparse
import json
import os
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import ConfigDict

from pipelines.audit import Tag, append, vouched
from pipelines.base import releases
from pipelines.base.catalog import FAMILIES
from pipelines.base.errors import SettingsError
from pipelines.base.records import AIRFLOW_URL, address, asked_by, open_records
from pipelines.base.releases import Release
from pipelines.base.settings import Law, Signers, load
from pipelines.base.stage import guarded, leave
from pipelines.base.store import open_store
from pipelines.publish import assessments, notices, scopes
from pipelines.publish.approvals import Wanted
from pipelines.publish.brief import brief
from pipelines.publish.proposals import Origin, propose, read_verdict
from pipelines.publish.release import Wish, admitted, modification, release, rollback


class PublishSettings(Signers):
    """`publish` in params.yaml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    approvers: tuple[str, ...]
    """Airflow user names that may approve a release."""


def said(released: Release) -> str:
    """One line about a pointer."""
    about: dict[str, Any] = {
        "family": released.family,
        "status": "shadow" if released.is_shadow else "live",
        "kind": released.kind,
        "sequence": released.sequence,
        "verdict_sha256": released.verdict_sha256,
        "model_sha256": released.model_sha256,
        "as_of": released.as_of,
        "released_at": released.released_at,
        "approvers": [approver["name"] for approver in released.approvers],
    }
    return json.dumps(about)


def on_propose(args: argparse.Namespace) -> str:
    """See `proposals.propose`."""
    return json.dumps(propose(open_store(), args.family, Origin(args.run_id, args.requester, args.commit)))


def on_brief(args: argparse.Namespace) -> str:
    """See `brief.brief`; for a release run only when it may ask at all."""
    store, url = open_store(), os.environ.get(AIRFLOW_URL, "")
    linked = address(url) if url else ""
    if args.dag_run is None:
        verdict = read_verdict(store, args.family, args.verdict)
    else:
        verdict = admitted(store, open_records(), Wanted(args.family, args.verdict, args.dag_run))
    about = modification(store, args.family, args.verdict)
    return brief(verdict, args.verdict, linked, about)


def on_release(args: argparse.Namespace) -> str:
    """See `release.release`."""
    approvers = load(PublishSettings, "publish").approvers
    wanted = Wanted(args.family, args.verdict, args.dag_run)
    return said(release(open_store(), open_records(), wanted, approvers))


def on_rollback(args: argparse.Namespace) -> str:
    """See `release.rollback`."""
    run_id = args.dag_run or ""
    by = args.by or asked_by(open_records(), "rollback", run_id)
    wish = Wish(args.family, args.to, args.why, by, run_id, args.instead_of)
    return said(rollback(open_store(), wish, load(Law, "law")))


def on_refuse(args: argparse.Namespace) -> str:
    """Write down that what asked for a run was turned away."""
    append(open_store(), Tag.EVENT_REFUSED, args.dag, once=True, run_id=args.dag_run, codes=[args.code])
    return json.dumps({"status": "refused", "codes": [args.code]})


def on_live(args: argparse.Namespace) -> str:
    """What scores people now, as scoring itself asks; without a release, what scores in shadow."""
    store = open_store()
    found = vouched.live(store, args.family, load(Signers, "publish").signers) or releases.shadow(store, args.family)
    return said(found) if found else json.dumps({"family": args.family, "status": "nothing_released"})


def on_notice(args: argparse.Namespace) -> str:
    """See `notices`."""
    if args.withdrawn:
        return notices.withdraw(open_store(), args.family, args.law, why=args.withdrawn, by=args.by)
    said_of = {"where": args.where, "by": args.by, "renews": args.renews, "corrects": args.corrects}
    return notices.give(open_store(), args.family, args.law, args.given_on, **said_of)


def on_assess(args: argparse.Namespace) -> str:
    """See `assessments`."""
    store = open_store()
    if args.withdrawn:
        return assessments.withdraw(store, args.family, args.law, why=args.withdrawn, by=args.by)
    if args.signed_on is None:
        raise SettingsError("A document must have been signed on a day; --signed-on names none. Add it.")
    said = {"signed_on": args.signed_on, "conclusion": args.conclusion, "by": args.by}
    return assessments.sign(store, args.family, args.law, args.document, **said)


def on_scope(args: argparse.Namespace) -> str:
    """See `scopes`."""
    return scopes.state(open_store(), args.family, args.law, args.criterion, weights=args.weights, by=args.by)


def _number(text: str) -> int | None:
    """Of a release; None where a form left it out."""
    return int(text) if text else None


def parser() -> argparse.ArgumentParser:
    """The command line; the docstring of this module is its help."""
    top = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = top.add_subparsers(dest="verb", required=True)

    def verb(name: str, act: Callable[[argparse.Namespace], str], what: str) -> argparse.ArgumentParser:
        added = verbs.add_parser(name, help=what)
        added.set_defaults(act=act)
        if name == "refuse":
            return added
        if name == "brief":  # a release run's parameters may say anything: the refusal belongs into the ledger
            added.add_argument("family", help="which family")
        elif name == "release":
            added.add_argument("--family", required=True, choices=FAMILIES, help="which family")
        else:
            added.add_argument("family", choices=FAMILIES, help="which family")
        return added

    proposing = verb("propose", on_propose, "copy a verdict and its model out of this checkout")
    proposing.add_argument("--run-id", required=True, help="the retrain run")
    proposing.add_argument("--requester", required=True, help="who asked for it")
    proposing.add_argument("--commit", required=True, help="the commit it was made from")
    briefing = verb("brief", on_brief, "print what a reviewer reads")
    briefing.add_argument("--verdict", required=True, help="its sha256")
    briefing.add_argument("--dag-run", help="the release run that asks; refused unless a retrain triggered it")
    releasing = verb("release", on_release, "release what two people approved")
    releasing.add_argument("--dag-run", required=True, help="the release run they answered in")
    releasing.add_argument("--verdict", required=True, help="its sha256")
    going_back = verb("rollback", on_rollback, "point back to an older release")
    going_back.add_argument("--to", required=True, help="sha256 of the older release's verdict")
    going_back.add_argument("--why", "--reason", required=True, help="goes into the ledger; name nobody it is about")
    going_back.add_argument(
        "--instead-of", type=_number, help="number of the release that scores now; refused once another does"
    )
    asking = going_back.add_mutually_exclusive_group(required=True)
    asking.add_argument("--by", help="who says so, at the command line")
    asking.add_argument("--dag-run", help="the run that asks: Airflow's own record says who triggered it")
    turning_away = verb("refuse", on_refuse, "note what was turned away")
    turning_away.add_argument("--dag", required=True, help="which DAG it asked for")
    turning_away.add_argument("--dag-run", required=True, help="the run that it reached")
    turning_away.add_argument("--code", required=True, choices=["posted_event"], help="why")
    verb("live", on_live, "print what scores people now")
    _on_record(verb)
    return top


def _on_record(verb: Callable[..., argparse.ArgumentParser]) -> None:
    """The verbs that put on record what laws ask for before use."""
    telling = verb("notice", on_notice, "record that people were told, or that a notice no longer stands")
    telling.add_argument("--law", required=True, help="code of the pack that asks for it")
    telling.add_argument("--by", required=True, help="who says so")
    telling.add_argument("--where", default="", help="where it can be read")
    standing = telling.add_mutually_exclusive_group(required=True)
    standing.add_argument("--given-on", type=date.fromisoformat, help="since when it is there for everybody")
    standing.add_argument("--withdrawn", help="why it no longer stands")
    beside = telling.add_mutually_exclusive_group()
    beside.add_argument("--renews", type=date.fromisoformat, help="day of the notice that stays good beside this one")
    beside.add_argument(
        "--corrects", type=date.fromisoformat, help="day of the notice that never was there as recorded"
    )
    assessing = verb("assess", on_assess, "record that an impact assessment was signed, or no longer stands")
    assessing.add_argument("--law", required=True, help="code of the pack that asks for it")
    assessing.add_argument("--by", required=True, help="who answers for the processing and says so")
    assessing.add_argument("--signed-on", type=date.fromisoformat, help="when the document was signed")
    assessing.add_argument("--conclusion", default="", help="what it comes to: residual risk, consultation")
    signing = assessing.add_mutually_exclusive_group(required=True)
    signing.add_argument("--document", type=Path, help="the completed document; its sha256 goes on record")
    signing.add_argument("--withdrawn", help="why it no longer stands")
    stating = verb("scope", on_scope, "record what part the output has in decisions, and by which weights")
    stating.add_argument("--law", required=True, help="code of the pack that asks for it")
    stating.add_argument("--by", required=True, help="who says so")
    stating.add_argument("--criterion", required=True, choices=scopes.CRITERIA, help="what the output is")
    stating.add_argument("--weights", required=True, help="of all criteria that decide, in words and numbers")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb."""
    args = parser().parse_args(argv)
    return guarded(lambda: args.act(args))


if __name__ == "__main__":
    leave(main())
