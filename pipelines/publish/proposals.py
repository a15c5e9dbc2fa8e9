"""Proposals: model, verdict and evidence, out of the checkout and into the store, under the verdict's digest.

    proposals/<family>/<verdict sha256>/   verdict.json  card.json  alternatives.json  profile.json  model/  evaluated/
                                           manifest.json

A proposal is sealed by its manifest, written last; before that it may be written again. The ledger holds the digest of
the manifest, so what is released is what was proposed.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pipelines.audit import Entry, Tag, append, entries
from pipelines.base.catalog import EVALUATED, GATED, PROPOSALS, SERVED, TRAINED, stage_dir
from pipelines.base.digests import sha256_bytes, sha256_file, sha256_files, sha256_tree
from pipelines.base.errors import ContractError, GateRefused
from pipelines.base.releases import CARD, MANIFEST, METRICS, MODEL, PROFILE, VERDICT
from pipelines.base.store import Store
from pipelines.base.tried import ALTERNATIVES
from pipelines.publish.pointers import point
from pipelines.publish.versions import CODE

_PROPOSED: Final = (Tag.MODEL_PROPOSED, Tag.MODEL_HELD)
CHANGED: Final = "changed_after_proposal"
"""Why a release is refused whose files are not those that were proposed."""
_EVIDENCE: Final = {
    "metrics.json": METRICS,
    "groups.json": "evaluated/groups.json",
    "card.json": CARD,
    SERVED: f"evaluated/{SERVED}",
    ALTERNATIVES: ALTERNATIVES,
}
"""What a verdict names by its digest, and where that is in a proposal."""


_MADE_BY: Final = (
    *(f"pipelines/{name}.py" for name in ("snapshot", "prepare", "train")),
    *(f"pipelines/{name}" for name in ("base", "evaluate", "fairness", "gate", "score")),
)
"""Code that makes and judges the models of every family; to it comes the family's own, and what models share."""
_HERE: Final = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Origin:
    """Which run asks, for whom, from which commit."""

    run_id: str
    requester: str
    commit: str


def folder_of(family: str, verdict_sha256: str) -> str:
    """Key of a proposal's folder."""
    return f"{PROPOSALS}/{family}/{verdict_sha256}"


def propose(store: Store, family: str, origin: Origin, root: Path | None = None) -> dict[str, Any]:
    """Copy a family's model, verdict and evidence from this checkout into the store, and say so in the ledger.

    Args:
        store: Where proposals live.
        family: Whose model.
        origin: Who asks; goes into the ledger.
        root: The checkout; the working directory by default.

    Returns:
        `family`, `verdict`, `verdict_sha256` and `shadow`.

    Raises:
        ContractError: There is no verdict, or it is about other files than those in the checkout.
    """
    data = _verdict_bytes(family, root)
    verdict, sha256 = json.loads(data), sha256_bytes(data)
    files = _files(family, root)
    model = stage_dir(family, TRAINED, root) / MODEL
    _bound(family, verdict, files, sha256_tree(model) if model.is_dir() else None)
    with store.lock(f"publish-{family}"):
        folder = folder_of(family, sha256)
        manifest_sha256 = _seal(store, folder, files)
        facts = {name: verdict.get(name) for name in ("model_sha256", "data_sha256", "as_of")}
        facts |= {"alternative": verdict["alternatives"].get("chosen")}
        facts |= {"run_id": origin.run_id, "commit": origin.commit, CODE: code_of(family)}
        append(store, Tag.MODEL_TRAINED, family, once=True, **facts)
        facts |= {"verdict_sha256": sha256, "manifest_sha256": manifest_sha256, "requester": origin.requester}
        facts["codes"] = sorted({finding["code"] for finding in verdict["findings"] if not finding["passed"]})
        tag = Tag.MODEL_PROPOSED if verdict["verdict"] == "allowed" else Tag.MODEL_HELD
        entry = append(store, tag, family, once=True, **facts)
        if verdict["shadow"]:
            point(store, family, "shadow", folder, entry)
    return {"family": family, "verdict": verdict["verdict"], "verdict_sha256": sha256, "shadow": verdict["shadow"]}


def code_of(family: str) -> str:
    """Digest of the code that makes and judges a family's models, as far as what runs here is it.

    A commit names everything that is in a repository; this differs only where a model could.
    """
    shared = [f"pipelines/models/{file.name}" for file in (_HERE / "pipelines/models").glob("*.py")]
    return sha256_files(_HERE, [*_MADE_BY, *shared, f"pipelines/models/{family}"])


def read_verdict(store: Store, family: str, verdict_sha256: str) -> dict[str, Any]:
    """A proposed verdict, by its digest.

    Raises:
        GateRefused: There is none, or its bytes have another digest.
    """
    key = f"{folder_of(family, verdict_sha256)}/{VERDICT}"
    if not store.exists(key):
        raise GateRefused(
            f"A verdict must have been proposed; {key} is not there. Retrain to propose one.", "never_proposed"
        )
    data = store.read(key)
    if sha256_bytes(data) != verdict_sha256:
        raise GateRefused(
            f"{key} must have the sha256 in its name; it was changed. Retrain, and find out who did it.", CHANGED
        )
    verdict: dict[str, Any] = json.loads(data)
    return verdict


def proposals(store: Store, family: str) -> list[Entry]:
    """What the ledger knows of a family's verdicts, newest first."""
    return [e for e in entries(store, newest_first=True) if e.tag in _PROPOSED and e.subject == family]


def proposed(store: Store, family: str, verdict_sha256: str) -> Entry | None:
    """The newest entry about a verdict; no more of the ledger is read than that takes. None where there is none."""
    for entry in entries(store, newest_first=True):
        about = (entry.subject, entry.facts.get("verdict_sha256"))
        if entry.tag in _PROPOSED and about == (family, verdict_sha256):
            return entry
    return None


def _verdict_bytes(family: str, root: Path | None) -> bytes:
    file = stage_dir(family, GATED, root) / VERDICT
    if not file.is_file():
        raise ContractError(
            f"{family} must have a verdict in this checkout; {file.name} is not there. Run `dvc repro` first."
        )
    return file.read_bytes()


def _files(family: str, root: Path | None) -> dict[str, Path]:
    """Name within the proposal to file, as far as they exist: a held model may lack some."""
    trained, evaluated = stage_dir(family, TRAINED, root), stage_dir(family, EVALUATED, root)
    files = {
        VERDICT: stage_dir(family, GATED, root) / VERDICT,
        CARD: trained / CARD,
        ALTERNATIVES: trained / ALTERNATIVES,
        PROFILE: trained / PROFILE,
    }
    for folder, name in ((trained / MODEL, MODEL), (evaluated, "evaluated")):
        files |= {f"{name}/{path.relative_to(folder).as_posix()}": path for path in sorted(folder.rglob("*"))}
    return {name: path for name, path in files.items() if path.is_file()}


def _bound(family: str, verdict: Mapping[str, Any], files: Mapping[str, Path], model_sha256: str | None) -> None:
    """Raise ContractError unless the verdict is about these very files, and an allowed model is whole."""
    faults = [
        name
        for name, where in _EVIDENCE.items()
        if verdict["evidence"].get(name) != (sha256_file(files[where]) if where in files else None)
    ]
    if verdict["family"] != family:
        faults.append("the family")
    if model_sha256 != verdict["model_sha256"]:
        faults.append(MODEL)
    if verdict["verdict"] == "allowed" and (model_sha256 is None or PROFILE not in files):
        faults.append(f"a {MODEL} with its {PROFILE}")
    if faults:
        raise ContractError(
            f"The verdict on {family} must be about the files in this checkout; it is not about {', '.join(faults)}. "
            "Run `dvc repro` again."
        )


def _seal(store: Store, folder: str, files: Mapping[str, Path]) -> str:
    """Copy the files and write the manifest last; its digest. A sealed proposal is left as it is."""
    key = f"{folder}/{MANIFEST}"
    if not store.exists(key):
        for name, path in files.items():
            store.upload(f"{folder}/{name}", path)
        listed = {"files": {name: sha256_file(path) for name, path in sorted(files.items())}}
        store.create(key, (json.dumps(listed, indent=1, sort_keys=True) + "\n").encode())
    return sha256_bytes(store.read(key))
