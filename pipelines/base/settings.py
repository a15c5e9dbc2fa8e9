"""Numbers come from `params.yaml`, secrets from the environment; nothing has a default in code."""

import os
from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipelines.base.errors import SettingsError

PARAMS = "params.yaml"

Share = Annotated[float, Field(gt=0, lt=1)]
"""A share strictly between 0 and 1."""
Count = Annotated[int, Field(ge=1)]
"""A whole number of at least 1."""
Positive = Annotated[float, Field(gt=0)]
"""A number above 0."""


class Section(BaseModel):
    """One section of `params.yaml`: immutable, and unknown keys are faults."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class MinPeople(Section):
    """Of `privacy`, what stages of the graph read: how long exports are kept must not make them run again."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    min_people: Count
    """People from whom a term, a code or a bound of a bin must come to stand in what is kept for years."""


class Privacy(MinPeople):
    """`privacy`: what protects the people behind everything that is kept."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    keep_days: Count
    """Days for which landed exports can be read again."""
    retention: dict[str, Count]
    """Table of the lake, `candidates`, `scores`, `vault` or `snapshots` -> days after which what happened goes; all
    else stays."""


class Signers(Section):
    """Of `publish`, what proves a release: whose signature counts."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    signers: tuple[Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")], ...]
    """Fingerprints (sha256 of the DER form) of the only keys that may sign. Without any, nothing pins those adopted."""


class Law(Section):
    """`law`: whose laws count, for who may be scored, for the clocks on the Audit page and for what must be kept."""

    jurisdictions: tuple[str, ...]
    """Where people or jobs are, such as `US-NY-NYC` or `EU-DE`; wider places are implied, and so are those in them that
    a law is of: `US` names New York City too. Without any, all count for clocks and for what is kept, and none stops
    scoring."""
    locations: dict[str, Annotated[str, Field(pattern=r"^[A-Z]{2}(-[A-Z]+)*$")]]
    """Location code, as the company's systems have it, -> the place it is in. What is not named could be in any."""


S = TypeVar("S", bound=Section)


def parsed(text: str | bytes) -> Any:  # YAML has no static type
    """YAML as plain data, by libyaml where that is there: it is ten times as fast. Raises yaml.YAMLError."""
    try:
        return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506  both are safe
    except yaml.YAMLError:
        return yaml.safe_load(text)  # which says better in which line the fault is


def said_twice(text: str | bytes) -> list[str]:
    """Words that YAML has more than once in one mapping, of which the last would count without a word.

    Args:
        text: YAML that `parsed` reads.

    Returns:
        For each its name and lines; empty where every word stands once.
    """
    faults, seen = [], set[int]()
    waiting = [yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))]
    while waiting:
        node = waiting.pop()
        if node is None or id(node) in seen:  # an alias is the very node that it stands for
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            lines: dict[str, list[int]] = {}
            for word, _ in node.value:
                if isinstance(word, yaml.ScalarNode):
                    lines.setdefault(word.value, []).append(word.start_mark.line + 1)
            twice = {word: ", ".join(map(str, at)) for word, at in lines.items() if len(at) > 1}
            faults += [f"{word}: must stand once, not in lines {at}" for word, at in twice.items()]
            waiting += [value for _, value in node.value]
        elif isinstance(node, yaml.SequenceNode):
            waiting += node.value
    return sorted(faults)


def load(model: type[S], *path: str, root: Path | None = None) -> S:
    """The section of `params.yaml` at `path`, checked.

    Args:
        model: What the section must look like.
        path: Keys down to the section, such as `"screening", "train"`.
        root: Folder that holds `params.yaml`; the working directory by default.

    Raises:
        SettingsError: The file or the section is missing, or holds faults; all faults are named at once.
    """
    node = _read(root or Path())
    for depth, key in enumerate(path):
        if not isinstance(node, dict) or key not in node:
            have = ", ".join(sorted(map(str, node))) if isinstance(node, dict) else "no keys"
            raise SettingsError(
                f"{PARAMS} must have the section {'.'.join(path)}; {'.'.join(path[:depth]) or 'the file'} has {have}. "
                "Add the section or restore the file from git."
            )
        node = node[key]
    return check(model, node, ".".join(path))


def check(model: type[S], values: Any, where: str) -> S:  # any YAML value may arrive here
    """`values` as `model`.

    Args:
        model: What the section must look like.
        values: What YAML gave.
        where: Dotted name of the section, for the message.

    Raises:
        SettingsError: Names every fault at once, with the value: settings are not personal.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        faults = [
            f"{'.'.join([where, *map(str, e['loc'])])}: {e['msg']}; got {e['input']!r}"
            for e in error.errors(include_url=False)
        ]
        raise SettingsError("; ".join(faults) + f". Correct {PARAMS}.") from None


def environment(name: str, what: str) -> str:
    """An environment variable that must be set.

    Args:
        name: The variable.
        what: What it holds, for the message.

    Raises:
        SettingsError: It is unset or empty.
    """
    value = os.environ.get(name, "")
    if not value:
        raise SettingsError(f"{name} must hold {what}; it is not set. Run `. var/sample/env` or set it yourself.")
    return value


def _read(root: Path) -> Any:  # YAML has no static type
    file = root / PARAMS
    try:
        return parsed(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(
            f"{PARAMS} must be in the working directory; it is not there. Run from the top of a checkout."
        ) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" at line {mark.line + 1}" if mark else ""
        raise SettingsError(f"{PARAMS} must be YAML; parsing failed{line}. Correct that line.") from None
