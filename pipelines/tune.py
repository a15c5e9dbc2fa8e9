"""Look for better numbers of a family's training; tell which, and change nothing.

    python -m pipelines.tune FAMILY --trials N

Reads   params.yaml   `tune`: which numbers of `<family>.train` may change, and between what
        the last commit and both locks, in a clone that is removed when the search ends
Writes  experiments   `tune-FAMILY-STUDY-NNN`, one a trial: `dvc exp show` lists them
        STUDY.db      in var/tune/FAMILY: Optuna's study

A trial is `dvc exp run` up to `train` with nothing changed but those numbers, and is judged by the family's metric on
the validation cases, as a model that has not learnt their outcomes scores them. Test cases are dropped before anything
looks at them, and trials are not handed the audit key, so that protected attributes stay sealed. The first trial is the
numbers as declared. What trial N tries follows from the trials before it and the seed alone: a search that was killed
goes on as if it had not been. Another commit, lake.lock or family is another study. N counts all trials of a study.
The best of many looks better on these cases than it is: `dvc exp apply`, `dvc repro`, and `evaluate` judges it.
"""

import argparse
import fcntl
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal, Self

import numpy as np
import optuna
import polars as pl
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial
from pydantic import Field, model_validator

from pipelines.base.catalog import CANDIDATES, FAMILIES, LAKE_LOCK, PREPARED, stage_dir
from pipelines.base.digests import sha256_bytes
from pipelines.base.errors import ContractError, SettingsError
from pipelines.base.settings import PARAMS, Count, MinPeople, Section, check, load
from pipelines.base.stage import guarded, leave
from pipelines.base.tried import DECLARED, VALID
from pipelines.evaluate import metrics
from pipelines.models import features, network

AUDIT_KEY: Final = "CANDOR_AUDIT_KEY"
"""What a trial is not handed."""
LOCKS: Final = (LAKE_LOCK, "dvc.lock")
"""What an experiment needs, or applying it would take away the results of all other stages."""
_DECIMALS: Final = 6
_NAMED: Final = 8
"""Letters of a digest that name a study."""

Value = int | float | str


class Real(Section):
    """Any number between two, both included."""

    kind: Literal["float"]
    low: float
    high: float
    log: bool = False
    """Equal ratios are equally likely, rather than equal distances."""

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        _ranged(self.low, self.high, is_log=self.log)
        return self

    @property
    def ends(self) -> tuple[Value, ...]:
        """Values that the family's settings must allow: one between the ends too, which may be whole by themselves."""
        return (self.low, self.low + (self.high - self.low) / math.pi, self.high)

    def distribution(self) -> BaseDistribution:
        """For Optuna."""
        return FloatDistribution(self.low, self.high, log=self.log)


class Whole(Section):
    """Every `step`-th whole number between two, both included."""

    kind: Literal["int"]
    low: int
    high: int
    log: bool = False
    step: Count = 1

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if (self.high - self.low) % self.step or (self.log and self.step > 1):
            raise ValueError("steps must lead from low to high, and log takes none but 1")
        _ranged(self.low, self.high, is_log=self.log)
        return self

    @property
    def ends(self) -> tuple[Value, ...]:
        """Values that the family's settings must allow."""
        return (self.low, self.high)

    def distribution(self) -> BaseDistribution:
        """For Optuna."""
        return IntDistribution(self.low, self.high, log=self.log, step=self.step)


class Choice(Section):
    """One of some values."""

    kind: Literal["choice"]
    values: Annotated[tuple[Value, ...], Field(min_length=2)]

    @property
    def ends(self) -> tuple[Value, ...]:
        """Values that the family's settings must allow."""
        return self.values

    def distribution(self) -> BaseDistribution:
        """For Optuna."""
        return CategoricalDistribution(self.values)


Range = Annotated[Real | Whole | Choice, Field(discriminator="kind")]


class Tune(Section):
    """`tune`: what a search may change."""

    seed: Count
    spaces: dict[Literal["screening", "recommendation", "outcomes", "performance"], dict[str, Range]]
    """Family -> number of its `train` -> where to look."""


@dataclass(frozen=True, slots=True)
class Space:
    """Where a family's search looks."""

    family: str
    seed: int
    ranges: Mapping[str, BaseDistribution]
    declared: Mapping[str, Value]
    """The numbers as params.yaml has them: the first trial."""


def space(family: str, root: Path | None = None) -> Space:
    """A family's search space, every value of which its settings allow.

    Args:
        family: One of the catalog's families.
        root: The checkout; the working directory by default.

    Raises:
        SettingsError: There is none, it names what the family's `train` has not, leads outside what that allows, or
            leaves out the declared value. All faults are named at once.
    """
    settings, section = load(Tune, "tune", root=root), features(family).Train
    found: Mapping[str, Real | Whole | Choice] = settings.spaces.get(family, {})  # type: ignore[call-overload]
    if not found:
        raise SettingsError(f"tune.spaces.{family} must name a number to tune; it has none. Add one to {PARAMS}.")
    own = load(section, family, "train", root=root).model_dump()
    ranges = {name: one.distribution() for name, one in found.items()}
    faults = []
    for name, one in found.items():
        try:
            for end in one.ends:
                check(section, own | {name: end}, f"{family}.train")
        except SettingsError as error:
            faults.append(str(error))
            continue
        if not _holds(ranges[name], own[name]):
            faults.append(f"{name} must hold the declared value; got {own[name]}. Widen it.")
    if faults:
        raise SettingsError(f"tune.spaces.{family} must be what training allows. {' '.join(faults)}")
    return Space(family, settings.seed, ranges, {name: own[name] for name in found})


def proposed(where: Space, done: Sequence[FrozenTrial], *, higher_is_better: bool) -> dict[str, Value]:
    """What to try next: it follows from the trials before it and the seed alone.

    Args:
        where: The search space.
        done: Every trial so far, in order.
        higher_is_better: Of the family's metric.

    Returns:
        Number -> value: the declared ones at first, then what a tree-structured Parzen estimator proposes.
    """
    if not done:
        return dict(where.declared)
    sampler = optuna.samplers.TPESampler(seed=where.seed + len(done))  # a state that went on would be lost in a kill
    study = optuna.create_study(direction=_direction(higher_is_better=higher_is_better), sampler=sampler)
    study.add_trials(done)
    return {name: _short(value, where.ranges[name]) for name, value in study.ask(dict(where.ranges)).params.items()}


def judge(family: str, root: Path) -> float:
    """The family's metric of the model just trained, on validation cases.

    Args:
        family: One of the catalog's families.
        root: The checkout in which it was trained.

    Returns:
        NaN where a score is no number: what did not learn would be ranked as if it had.

    Raises:
        ContractError: The validation cases say nothing.
    """
    module = features(family)
    rows = pl.scan_parquet(stage_dir(family, PREPARED, root) / "examples.parquet").with_row_index("row")
    learning = rows.filter(pl.col("split") != "test").collect()
    valid = learning.filter(pl.col("split") == "valid")
    folder = stage_dir(family, CANDIDATES, root) / DECLARED
    if (folder / VALID).is_file():
        said = pl.read_parquet(folder / VALID).join(valid.select("row", "person_id"), on="row", how="inner")
    else:  # `train` writes them where there is an alternative to compare with
        own = load(module.Train, family, "train", root=root)
        seed, least = load(_Seed, "train", root=root).seed, load(MinPeople, "privacy", root=root).min_people
        said = network(family).validate(learning.drop("row"), own, folder / "model", seed, least)
    # As `train` rounds them: what differs by less is the order of sums, and must not decide between equal scores.
    said = said.select(*metrics.KEYS, pl.col("score").cast(pl.Float64).round(_DECIMALS)).unique(
        metrics.KEYS, keep="first"
    )
    if not said["score"].is_finite().fill_null(value=False).all():
        return math.nan
    both = pl.concat([said.with_columns(scorer=pl.lit(name)) for name in ("model", "baseline")])
    found = metrics.judged(module.METRIC, both, valid)
    value = _whole(found)
    if not math.isfinite(value):
        raise ContractError(
            f"The validation cases of {family} must tell how good a model is; {len(valid)} of them do not. "
            "Pin a lake with more of them, or raise prepare.valid_share."
        )
    return value


class _Seed(Section):
    seed: Count


def told(family: str, study: str, done: Sequence[FrozenTrial], *, higher_is_better: bool) -> str:
    """Every trial, the best first, and what to do with it; of equal ones the earlier, so the declared numbers first.

    Those that failed to learn are the last, and when all did there is nothing to take.
    """
    order = sorted(done, key=lambda one: (_missed(one, higher_is_better=higher_is_better), one.number))
    metric = {"auc": "auc", "mae": "mae", "ranking": "hr_at_10"}[features(family).METRIC]
    lines = [
        f"{named(family, study, one.number)}  {metric} {'none' if one.value is None else f'{one.value:.4f}'}  "
        + ", ".join(
            f"{name} {value:.6g}" if isinstance(value, float) else f"{name} {value}"
            for name, value in one.params.items()
        )
        for one in order
    ]
    best = named(family, study, order[0].number)
    then = (
        "The numbers as declared are the best of these: there is nothing to apply."
        if order[0].number == 0
        else "None learnt: there is nothing to apply."
        if order[0].value is None
        else f"Nothing is changed. To take the best: `dvc exp apply {best}`, then `dvc repro`."
    )
    return "\n".join([*lines, f"{family}: {len(done)} trials on validation cases. {then}"])


def named(family: str, study: str, number: int) -> str:
    """A trial as `dvc exp show` lists it."""
    return f"tune-{family}-{study}-{number:03}"


@dataclass(frozen=True, slots=True)
class Workspace:
    """A clone in which trials run, one after the other: the checkout is nobody's to wait for meanwhile."""

    path: Path
    commit: str
    lock: int
    """Descriptor of the search's lock. Children hold it too: what outlives a killed search keeps the next one away."""

    def call(self, *command: str) -> str:
        """Run a command in the clone; its stdout. Raises ContractError with the last lines when it fails."""
        return called(command, self.path, (self.lock,))

    def dvc(self, *words: str) -> str:
        """Run DVC in the clone."""
        return self.call(sys.executable, "-m", "dvc", *words)

    def trial(self, family: str, name: str, params: Mapping[str, Value]) -> None:
        """One experiment up to `train`, handed over to the checkout under its name."""
        numbers = [f"--set-param={family}.train.{key}={value}" for key, value in params.items()]
        self.dvc("exp", "run", "--quiet", "--name", name, *numbers, f"train@{family}")
        ref = f"refs/exps/{self.commit[:2]}/{self.commit[2:]}/{name}"
        self.call("git", "push", "--quiet", "--force", "origin", f"{ref}:{ref}")


def called(command: Sequence[str], place: Path, descriptors: Sequence[int] = ()) -> str:
    """Run a command without the audit key; its stdout.

    Raises:
        ContractError: It failed; its last lines are told.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "DVC_"))}
    environment.pop(AUDIT_KEY, None)
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    environment |= {"DVC_NO_ANALYTICS": "1", "DVC_SITE_CACHE_DIR": str(place / ".dvc/tmp/site")}
    done = subprocess.run(
        command,
        cwd=place,
        env=environment,
        pass_fds=descriptors,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        said = " / ".join(line for line in (done.stdout + done.stderr).splitlines() if line.strip())[-600:]
        words = " ".join(command).removeprefix(f"{sys.executable} -m ")
        raise ContractError(
            f"`{words}` must succeed; got exit code {done.returncode}: {said}. A trial reuses what `dvc repro` left in "
            "the cache: run that first, then the same search again."
        )
    return done.stdout


def begun(root: Path) -> tuple[str, str]:
    """The commit that trials begin at, and the study that it and the pinned lake make.

    Raises:
        SettingsError: Tracked files have changes that no commit has, or there is no result to begin with.
    """
    if called(("git", "status", "--porcelain", "--untracked-files=no"), root).strip():
        raise SettingsError("Trials begin at the last commit, so all changes must be in it; some are not. Commit them.")
    if missing := [name for name in LOCKS if not (root / name).is_file()]:
        raise SettingsError(
            f"{' and '.join(LOCKS)} must be in the checkout; not there: {', '.join(missing)}. Run `dvc repro` first."
        )
    commit = called(("git", "rev-parse", "HEAD"), root).strip()
    return commit, sha256_bytes(commit.encode() + (root / LAKE_LOCK).read_bytes())[:_NAMED]


@contextmanager
def workspace(folder: Path, root: Path, commit: str) -> Iterator[Workspace]:
    """A clone of a commit with the checkout's locks and cache, removed at the end with the rows of people in it.

    Args:
        folder: Where it lies, and the lock that keeps a second search of the family away.
        root: The checkout.
        commit: Of the checkout.

    Raises:
        SettingsError: Another search of the family is at work.
    """
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise SettingsError(
                "One search of a family is at work at a time; another is, or the last training of one that was killed. "
                "Wait for its end."
            ) from None
        path = folder / "clone"
        shutil.rmtree(path, ignore_errors=True)  # what a killed search left
        try:
            called(("git", "clone", "--quiet", "--no-checkout", str(root), str(path)), root)
            made = Workspace(path, commit, lock.fileno())
            made.call("git", "checkout", "--quiet", "--detach", commit)
            made.call("git", "config", "user.name", "Candor")
            made.call("git", "config", "user.email", "candor@localhost")
            for name in LOCKS:  # git may know neither: they belong to an installation
                shutil.copyfile(root / name, path / name)
            cache = called((sys.executable, "-m", "dvc", "cache", "dir"), root).strip()
            (path / ".dvc" / "config.local").write_text(f"[cache]\n    dir = {(root / cache).resolve()}\n")
            yield made
        finally:
            shutil.rmtree(path, ignore_errors=True)


def run(family: str, trials: int, root: Path | None = None) -> str:
    """Search until a study has so many trials.

    Args:
        family: One of the catalog's families.
        trials: At least 1; those that the study has already count.
        root: The checkout; the working directory by default.
    """
    top = (root or Path()).resolve()
    where = space(family, top)
    higher = features(family).METRIC != "mae"
    commit, study = begun(top)
    folder = top / "var" / "tune" / family
    folder.mkdir(parents=True, exist_ok=True)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    stored = optuna.create_study(
        storage=f"sqlite:///{folder / study}.db",
        study_name=study,
        direction=_direction(higher_is_better=higher),
        load_if_exists=True,
    )
    if len(stored.get_trials()) < trials:
        with workspace(folder, top, commit) as clone:
            while len(done := stored.get_trials()) < trials:
                name = named(family, study, len(done))
                params = proposed(where, done, higher_is_better=higher)
                clone.trial(family, name, params)
                value = judge(family, clone.path)
                # Stored whole and at once: a trial that was killed leaves nothing, and is proposed again.
                stored.add_trial(_ended(params, where, value))
                print(f"{name}: {value:.4f}", file=sys.stderr)  # a search takes long
    return told(family, study, stored.get_trials(), higher_is_better=higher)


def _ended(params: Mapping[str, Value], where: Space, value: float) -> FrozenTrial:
    """For the study; one without a figure has failed, and the search goes on from others."""
    is_known = not math.isnan(value)
    return create_trial(
        state=TrialState.COMPLETE if is_known else TrialState.FAIL,
        params=dict(params),
        distributions=dict(where.ranges),
        value=value if is_known else None,
    )


def _missed(one: FrozenTrial, *, higher_is_better: bool) -> float:
    if one.value is None:
        return math.inf
    return -one.value if higher_is_better else one.value


def _ranged(low: float, high: float, *, is_log: bool) -> None:
    if not low < high or (is_log and low <= 0):
        raise ValueError("low must be below high, and above 0 on a log scale")


def _holds(one: BaseDistribution, value: Value) -> bool:
    if isinstance(one, CategoricalDistribution):
        return value in one.choices
    inside = one.low <= value <= one.high  # type: ignore[attr-defined]
    return bool(inside and (not isinstance(one, IntDistribution) or (value - one.low) % one.step == 0))  # type: ignore[operator]


def _short(value: Value, one: BaseDistribution) -> Value:
    """A number that reads well in params.yaml: four digits say all that a search can know."""
    return min(max(float(f"{value:.4g}"), one.low), one.high) if isinstance(one, FloatDistribution) else value


def _direction(*, higher_is_better: bool) -> Literal["maximize", "minimize"]:
    return "maximize" if higher_is_better else "minimize"


def _whole(found: metrics.Judged) -> float:
    """The metric with every case counted once."""
    cases = len(found.person)
    return float(found.model(np.ones((1, cases)))[0]) if cases else math.nan


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("family", choices=FAMILIES, help="which model family")
    parser.add_argument("--trials", type=int, required=True, help="how many the study is to have in the end")
    asked = parser.parse_args(argv)
    if asked.trials < 1:
        parser.error("--trials must be at least 1")
    return guarded(lambda: run(asked.family, asked.trials))


if __name__ == "__main__":
    leave(main())
