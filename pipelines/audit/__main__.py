"""Prove the ledger and every release, or read it.

    python -m pipelines.audit verify [--key FINGERPRINT] [--head NUMBER:SHA256]
    python -m pipelines.audit seal
    python -m pipelines.audit show [--tag model:released] [--subject screening] [--last 20]
    python -m pipelines.audit live 2026-03-03

`verify` prints one line when the chain, its sealed segments, every anchor, and every file, approval and signed
statement of every release hold, and otherwise names each broken entry and object and exits with 1. It also says which
live releases were judged by other rules than this installation's of today: they stay valid. Alone it proves that
all is one piece; whoever can write everything can make another such piece. --key (also `publish.signers` in
params.yaml) says whose signature counts, and --head which entry, noted elsewhere, must be in it. `seal` seals closed
stretches at once; the next entry would do the same. `show` prints one entry a line, oldest first. `live` says what was
live on a day (UTC), on what data, who allowed it, what it scored that day, and whether the chain that says so is whole.
"""

import argparse
import json
import re
from collections.abc import Collection, Sequence
from datetime import date
from typing import Final

from pipelines.audit import lived, objects
from pipelines.audit.ledger import Entry, Head, Tag, entries, head, seal_closed
from pipelines.base import releases
from pipelines.base.catalog import FAMILIES
from pipelines.base.errors import ContractError, SettingsError
from pipelines.base.ruled import others, rules
from pipelines.base.settings import Signers, load
from pipelines.base.stage import guarded, leave
from pipelines.base.store import Store, open_store

_WHOLE: Final = "The ledger is whole, and so is every release that it vouches for."


def proved(signers: Collection[str] = (), noted: Head | None = None) -> str:
    """The line of `verify`.

    Args:
        signers: Fingerprints of the only keys that may sign; without any, nothing pins those in the ledger.
        noted: An entry that must be there, as somebody noted it elsewhere.

    Raises:
        ContractError: Names every fault.
    """
    store = open_store()
    faults, proof = objects.proved(store, signers=signers)
    faults += objects.noted(store, noted) if noted else []
    top, adopted = proof.head, sorted({entry.subject for entry in proof.kept if entry.tag is Tag.KEY_ADOPTED})
    if faults:
        raise ContractError(
            f"The ledger and all that it vouches for must be whole; {len(faults)} faults. {' '.join(faults)} "
            "Restore it from its write-once copy and find out who could write there."
        )
    line = f"The ledger is whole: {top.sequence} entries, head {top.sha256}. So is every release that it vouches for."
    if not signers:
        line += (
            f" Nothing pins the keys that it adopted ({', '.join(adopted) or 'none'}): compare them with what you have "
            "on paper, or name them with --key or as publish.signers in params.yaml."
        )
    return line + outdated(store)


def outdated(store: Store) -> str:
    """Which live releases were judged by other rules than today's, in a sentence that follows others.

    Empty where none was. That is no fault: each was approved by the rules of its day.
    """
    live = [found for family in FAMILIES if (found := releases.live(store, family))]
    if not live:
        return ""
    try:
        today = rules()
    except SettingsError:
        return " By which rules models are judged today is not known here, nor whether live ones were judged by them."
    told = [
        f"{item.family} {item.sequence} ({', '.join(parts)})"
        for item in live
        if (parts := others(releases.verdict(store, item), today))
    ]
    if not told:
        return ""
    return (
        f" Live and valid, but judged by other rules than today's: {'; '.join(told)}. Retrain to know what today's say."
    )


def sealed() -> str:
    """The line of `seal`."""
    store = open_store()
    done = seal_closed(store, head(store).sequence)
    return f"{len(done)} stretches of the ledger were sealed now."


def shown(tag: str | None, subject: str | None, last: int | None) -> str | None:
    """The lines of `show`; None when there is nothing to show."""
    chosen = [
        line(entry)
        for entry in entries(open_store())
        if (tag is None or entry.tag == tag) and (subject is None or entry.subject == subject)
    ]
    return "\n".join(chosen[-last:] if last else chosen) or None


def lived_on(day: date) -> str:
    """The lines of `live`."""
    store = open_store()
    found = [lived.told(stretch) for stretch in lived.on(store, day)] or [f"Nothing was live on {day}."]
    faults = objects.prove(store, signers=load(Signers, "publish").signers)
    proof = f"The ledger is broken, so do not rely on this: {faults[0]}" if faults else _WHOLE
    return "\n".join([*found, proof])


def line(entry: Entry) -> str:
    """One entry for a reader."""
    facts = json.dumps(dict(entry.facts), sort_keys=True, ensure_ascii=False)
    return f"{entry.sequence:>6}  {entry.recorded_at}  {entry.tag:<17}  {entry.subject}  {facts}"


def _noted(text: str) -> Head:
    """NUMBER:SHA256 as an entry. Raises ValueError on anything else."""
    if not re.fullmatch("[0-9]{1,12}:[0-9a-f]{64}", text):
        raise ValueError
    number, _, sha256 = text.partition(":")
    return Head(int(number), sha256)


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; the docstring of this module is its help."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    check = verbs.add_parser("verify", help="prove the chain and every object of every release")
    check.add_argument("--key", action="append", help="fingerprint that may sign, instead of publish.signers")
    check.add_argument("--head", type=_noted, help="an entry that must be there, as NUMBER:SHA256")
    verbs.add_parser("seal", help="seal closed stretches of entries")
    show = verbs.add_parser("show", help="print entries")
    show.add_argument("--tag", choices=[str(tag) for tag in Tag], help="only this tag")
    show.add_argument("--subject", help="only this subject, such as a family")
    show.add_argument("--last", type=int, help="only the last so many")
    live = verbs.add_parser("live", help="what was live on a day, on what data, who allowed it")
    live.add_argument("day", type=date.fromisoformat, help="such as 2026-03-03")
    args = parser.parse_args(argv)
    if args.verb == "live":
        return guarded(lambda: lived_on(args.day))
    if args.verb == "verify":
        return guarded(lambda: proved(args.key or load(Signers, "publish").signers, args.head))
    if args.verb == "seal":
        return guarded(sealed)
    return guarded(lambda: shown(args.tag, args.subject, args.last))


if __name__ == "__main__":
    leave(main())
