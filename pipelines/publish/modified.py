"""Whether a proposal is another system than the release that scores now: known before anybody approves it.

What `versions` finds, between the proposal and the live release. Where something differs that nobody foresaw, or where
nobody can tell, there is one gap more than the verdict has, such as `modification:since_release_3`: both approvers
accept it by its name, with the justification that each must give, or nothing is released. The name says against which
release, so that another one going live meanwhile asks anew. What the ledger does not vouch for scores nobody and is
compared with nothing: a pointer laid there by hand, to the proposal's own files, would hide every difference. A
family's first release is no modification of anything, and going back was approved when it was new.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pipelines.audit import Entry, vouched
from pipelines.base import releases
from pipelines.base.digests import sha256_bytes
from pipelines.base.errors import CandorError, ContractError
from pipelines.base.releases import CARD, METRICS, MODIFICATION, PROFILE, VERDICT, read_manifest
from pipelines.base.settings import Signers, load
from pipelines.base.store import Store
from pipelines.publish.proposals import folder_of, proposed
from pipelines.publish.versions import Change, Documents, changes

COMPARED: Final = {
    "verdict": VERDICT,
    "card": CARD,
    "metrics": METRICS,
    "groups": "evaluated/groups.json",
    "profile": PROFILE,
}
"""Files that are compared, under the names that `versions` and templates have for them."""
PROPOSAL: Final = "proposal"
"""What the ledger says of where a release came from, under the same kind of name."""
SUBSTANTIAL: Final = "substantial_modification"
"""Code of the gap, where something differs that nobody foresaw."""
NOT_KNOWN: Final = "modification_unknown"
"""Its code, where nobody can tell."""
_FIRST: Final = 5
"""Changes that a reason names."""


@dataclass(frozen=True, slots=True)
class Modified:
    """A proposal beside the release that scores now."""

    against: int = 0
    """Number of the newest release; 0 where there is none."""
    changes: tuple[Change, ...] = ()
    """What differs, what nobody foresaw first."""
    fault: str = ""
    """Why nobody can tell what differs."""

    @property
    def unforeseen(self) -> list[str]:
        """What differs though nobody foresaw it, such as `inputs: tenure_days`."""
        return [f"{change.kind}: {change.about}" for change in self.changes if not change.is_foreseen]

    @property
    def gap(self) -> dict[str, str] | None:
        """What approvers must accept, as gaps of a verdict are written; None when all that differs was foreseen."""
        if self.fault:
            what = f"Whether it is another system than release {self.against}, the newest, is not known."
            return self._gap(NOT_KNOWN, f"{what} {self.fault}")
        if not (found := self.unforeseen):
            return None
        more = f" and {len(found) - _FIRST} more" if found[_FIRST:] else ""
        return self._gap(
            SUBSTANTIAL,
            f"It differs from release {self.against}, which scores now, in what nobody foresaw: "
            f"{', '.join(found[:_FIRST])}{more}. It counts as another system until a person has assessed it as one.",
        )

    def _gap(self, code: str, reason: str) -> dict[str, str]:
        group = f"since_release_{self.against}"
        about = {"axis": MODIFICATION, "group": group, "code": code, "reason": reason}
        return {"name": f"{MODIFICATION}:{group}", **about}


def modified(store: Store, family: str, proposal: Entry) -> Modified:
    """Hold a proposal against the release that scores now.

    Args:
        store: Holds both.
        family: Whose model.
        proposal: Its entry in the ledger.

    Raises:
        ContractError: A file of the proposal is not what was proposed, or pointers cannot be read.
        SettingsError: Nothing says which changes were foreseen.
    """
    newest = releases.live(store, family)
    number = newest.sequence if newest is not None else 0
    try:
        live = vouched.live(store, family, load(Signers, "publish").signers)
    except ContractError as error:
        return Modified(number, fault=str(error))
    if live is None:
        return Modified()
    folder = folder_of(family, proposal.facts["verdict_sha256"])
    settings, now = load(Documents, "documents"), contents(store, folder, proposal.facts["manifest_sha256"])
    before = proposed(store, family, live.verdict_sha256)
    try:
        then = contents(store, live.folder, live.manifest_sha256)
        found = changes(then | {PROPOSAL: before.facts if before else {}}, now | {PROPOSAL: proposal.facts}, settings)
    except CandorError as error:  # what is damaged must not be in the way of what replaces it
        return Modified(live.sequence, fault=str(error))
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        return Modified(live.sequence, fault="What they say of themselves cannot be compared.")
    return Modified(live.sequence, tuple(found))


def contents(store: Store, folder: str, manifest_sha256: str) -> dict[str, Any]:
    """The files of a release or proposal that are compared, as far as it has them.

    Args:
        store: Holds it.
        folder: Key of its folder.
        manifest_sha256: Of its manifest.

    Raises:
        ContractError: A file is not the one that the manifest names.
    """
    files = read_manifest(store, folder, manifest_sha256)
    return {name: _content(store, folder, file, files) for name, file in COMPARED.items() if file in files}


def _content(store: Store, folder: str, file: str, files: Mapping[str, str]) -> Any:
    data = store.read(f"{folder}/{file}")
    if sha256_bytes(data) != files[file]:
        raise ContractError(f"{folder}/{file} must be as its manifest says; its digest differs. Find out who did it.")
    try:
        return json.loads(data)
    except ValueError:
        raise ContractError(f"{folder}/{file} must be JSON; it is not. Retrain.") from None
