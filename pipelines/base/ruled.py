"""By which rules a model is judged: the number that a verdict carries, and that a release holds against today's.

Rules are code, laws and thresholds. Their number is made of what they are, not of what somebody remembered to count up:
an upgrade, a pack of law or a threshold that is new gives another one, and so does a comment, which is the safe side. A
retrain judges by the rules of its own commit; `publish` asks for those of the installation, so no branch brings milder
ones along unseen. The digests are that commit's own word: they show what differs, not that nobody forged them.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import ConfigDict

from pipelines.base.digests import sha256_bytes, sha256_files
from pipelines.base.settings import MinPeople, Section, load

CODE: Final = (
    "pipelines/gate",
    "pipelines/evaluate",
    "pipelines/fairness",
    "pipelines/base/ages.py",
    "pipelines/base/known.py",
    "pipelines/base/people.py",
    "pipelines/base/ruled.py",
    "pipelines/base/slices.py",
    "pipelines/base/tried.py",
    "pipelines/base/vault.py",
    "pipelines/score/deletion.py",
    "pipelines/score/exchange.py",
    "pipelines/score/rows.py",
    "pipelines/score/serve.py",
    "pipelines/score/stage.py",
)
"""What judges, and what says of whom: files, and folders with all their Python. `gate` in dvc.yaml depends on each."""
LAWS: Final = "pipelines/fairness/law/packs"
"""The packs of law."""
THRESHOLDS: Final = ("gate", "choose", "evaluate", "serve")
"""Sections of params.yaml that say what holds a model, what counts as equal, what is too little to say, and what
serving may take."""
_HERE: Final = Path(__file__).parents[2]


class _Thresholds(Section):
    """A section as it is: which keys it must have is for the stage to say that reads it."""

    model_config = ConfigDict(frozen=True, extra="allow")


def rules(root: Path | None = None) -> dict[str, str]:
    """Digests of the rules that this installation judges by.

    Args:
        root: Folder that holds `params.yaml`; the working directory by default. Code and laws are those that run.

    Returns:
        `code`, `laws` and `thresholds`: sha256 of each.

    Raises:
        SettingsError: params.yaml, a section of `THRESHOLDS` or `privacy.min_people` is missing.
    """
    numbers = {name: load(_Thresholds, name, root=root).model_dump(mode="json") for name in THRESHOLDS}
    numbers["privacy"] = load(MinPeople, "privacy", root=root).model_dump()  # whose figures verdicts tell to all
    return {
        "code": sha256_files(_HERE, CODE),
        "laws": sha256_files(_HERE, [LAWS], "*.yaml"),
        "thresholds": sha256_bytes(json.dumps(numbers, sort_keys=True).encode()),
    }


def others(verdict: Mapping[str, Any], today: Mapping[str, str]) -> list[str]:
    """Parts of the rules, of `rules`, by which a verdict was not given; all of them where it does not say."""
    given = verdict.get("rules")
    said = given if isinstance(given, Mapping) else {}
    return [name for name, digest in today.items() if said.get(name) != digest]
