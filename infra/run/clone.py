"""A retrain's own clone: one checkout per run, nothing shared but the cache, the DVC remote and the git remote.

    python -m infra.run.clone open    RUN --order JSON --requester NAME    clone the ordered ref, fresh
    python -m infra.run.clone pin     RUN                                  write lake.lock
    python -m infra.run.clone repro   RUN STAGE                            dvc repro of one stage, all families
    python -m infra.run.clone push    RUN                                  dvc push; commit on runs/<run>; git push
    python -m infra.run.clone propose RUN                                  propose every family's verdict

A try that finds the marks of a killed one ends what that left running and starts again in a fresh clone with
the same lake.lock: half-written files and DVC's stale locks never reach a second try. Where the remotes and the
cache are comes from CANDOR_GIT_REMOTE, CANDOR_DVC_REMOTE, CANDOR_DVC_CACHE and CANDOR_CLONES.
"""

import argparse
import ctypes
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Final

MARK: Final = "CANDOR_CLONE"
DVC_LOCK: Final = "dvc.lock"
LAKE_LOCK: Final = "lake.lock"
STORAGE: Final = "store"
"""Name of the DVC remote, set in the clone's own configuration."""
OPENING: Final = ("snapshot", "prepare")
"""Stages that open people's rows. Every step holds the key, for it may have to make those rows again; only these
stages are handed it."""
JUDGING: Final = ("weigh", "choose", "evaluate")
"""Stages that open protected attributes. They are run alone: no other stage may run because of them with their key."""
KEYS: Final = {"CANDOR_PERSON_KEY": OPENING, "CANDOR_AUDIT_KEY": JUDGING}
"""A key that a step may hold, and the stages that are handed it: no code of a model is."""
LONGEST_FIRST: Final = ("outcomes", "screening", "recommendation", "performance")
"""Families by how long they are trained: on 200 workers 37, 22, 15 and 12 seconds of one core. A wrong order costs time
and changes no result."""
BEFORE: Final = {"choose": "train", "evaluate": "score"}
"""Stage that judges -> the one whose results it reads and a fresh checkout lacks."""

_PR_SET_PDEATHSIG: Final = 1
_libc = ctypes.CDLL(None)


class SettingsError(Exception):
    """A variable of the environment is missing: a retry does not mend it."""


class SourceUnavailable(Exception):
    """A command in the clone failed; the task's log has its words. Worth another try: it talks to remotes."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a retrain was asked for. `as_of` is empty for the newest day known."""

    families: tuple[str, ...]
    as_of: str
    reason: str
    ref: str
    requester: str


@dataclass(frozen=True, slots=True)
class Clone:
    """The clone of one run, and beside it what was ordered and which step is at work."""

    run: str

    @property
    def name(self) -> str:
        """The run's id as a folder and branch may be called."""
        return named(self.run)

    @property
    def path(self) -> Path:
        """The checkout."""
        return Path(variable("CANDOR_CLONES")) / self.name

    @property
    def branch(self) -> str:
        """Where the result is pushed."""
        return f"runs/{self.name}"

    @property
    def order_file(self) -> Path:
        """What was ordered."""
        return self.path.with_name(f"{self.name}.json")

    @property
    def pinned(self) -> Path:
        """What `pin` wrote: it outlives the clone."""
        return self.path.with_name(f"{self.name}.lake.lock")

    @property
    def at_work(self) -> Path:
        """Exists while a step runs; left behind by a killed one."""
        return self.path.with_name(f"{self.name}.at_work")

    @property
    def dropped(self) -> Path:
        """Exists when the rows of people are gone: whoever goes on here begins in a fresh checkout."""
        return self.path.with_name(f"{self.name}.rows_dropped")

    def order(self) -> Order:
        """What was ordered when the clone was opened."""
        found = json.loads(self.order_file.read_text())
        return Order(**{**found, "families": tuple(found["families"])})

    def call(self, *words: str) -> str:
        """Run a command in the clone, its words to stderr as they come; returns its stdout.

        Raises:
            SourceUnavailable: It failed. When a stage refused, its own error stands above in the log.
        """
        return self.side_by_side([words])[0]

    def side_by_side(self, commands: Sequence[Sequence[str]], without: Collection[str] = ()) -> list[str]:
        """Run commands in the clone at the same time, to the end of all; their stdouts.

        Args:
            commands: Words of each.
            without: Variables that they are not handed.

        Raises:
            SourceUnavailable: One of them failed; the others did what they could.
        """
        environment = {name: value for name, value in os.environ.items() if name not in without}
        environment |= {MARK: str(self.path), "DVC_NO_ANALYTICS": "1", "GIT_TERMINAL_PROMPT": "0"}
        children = [
            subprocess.Popen(
                words,
                cwd=self.path,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                text=True,
                errors="replace",
                preexec_fn=_die_with_parent,  # noqa: PLW1509  all are forked before our first thread starts
            )
            for words in commands
        ]
        said: list[list[str]] = [[] for _ in children]
        echoes = [
            threading.Thread(target=_echo, args=(child.stdout, lines))
            for child, lines in zip(children, said, strict=True)
        ]
        for echo in echoes:
            echo.start()
        codes = [child.wait() for child in children]
        if any(codes):
            reap(self)  # what outlives its parent holds our pipe open
        for child, echo in zip(children, echoes, strict=True):
            echo.join()
            if child.stdout:
                child.stdout.close()
        for words, code in zip(commands, codes, strict=True):
            if code:
                shown = " ".join(Path(words[0]).name if not at else word for at, word in enumerate(words[:4]))
                raise SourceUnavailable(f"`{shown}` must succeed in the clone of {self.run}; got exit code {code}.")
        return ["".join(lines) for lines in said]

    def dvc(self, *words: str) -> str:
        """Run DVC in the clone."""
        return self.call(sys.executable, "-m", "dvc", *words)

    def git(self, *words: str) -> str:
        """Run git in the clone."""
        return self.call("git", *words)


def named(run: str) -> str:
    """A run's id as a folder and branch may be called: ':' and '+' are legal in neither."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", run).strip(".-")


def open_clone(clone: Clone, order: Order) -> None:
    """Clone the git remote at the ordered ref, whatever an earlier try left.

    One retrain is at work at a time, so this is also where those that failed lose their rows of people.
    """
    clone.path.parent.mkdir(parents=True, exist_ok=True)
    for other in clone.path.parent.glob("*/"):
        if other != clone.path:
            _drop_rows(Clone(other.name))
    _write(clone.order_file, json.dumps(asdict(order)))
    renew(clone)


def renew(clone: Clone) -> None:
    """A fresh checkout of the ordered ref, with what an earlier try pinned but without any dvc.lock.

    A lock would let DVC take outputs that are never cached (rows of people) as unchanged though they are not
    there, and the next stage would miss them. Without it they are made again, while everything cached comes from
    the run cache: nothing is trained twice.
    """
    clone.at_work.touch()  # killed in here, the next try begins here again
    reap(clone)
    try:
        if clone.path.exists():
            shutil.rmtree(clone.path)
        clone.path.mkdir()
    except OSError as error:
        raise SourceUnavailable(
            f"What an earlier try left in {clone.path} must make way for a fresh clone; it stays ({error.strerror}). "
            "Remove it by hand if another try does not."
        ) from None
    clone.git("clone", "--quiet", "--no-checkout", variable("CANDOR_GIT_REMOTE"), ".")
    ref = f"{_remote_ref(clone, clone.order().ref)}^{{commit}}"
    found = clone.git("rev-parse", "--verify", "--quiet", "--end-of-options", ref)
    clone.git("checkout", "--quiet", "-B", clone.branch, found.strip())
    (clone.path / DVC_LOCK).unlink(missing_ok=True)
    (clone.path / ".dvc").mkdir(exist_ok=True)
    (clone.path / ".dvc" / "config.local").write_text(_configuration(clone.path))
    if clone.pinned.is_file():
        shutil.copyfile(clone.pinned, clone.path / LAKE_LOCK)
    clone.dropped.unlink(missing_ok=True)
    clone.at_work.unlink()


def pin(clone: Clone) -> None:
    """Fix what the lake knew on the ordered day."""
    as_of = ["--as-of", clone.order().as_of] if clone.order().as_of else []
    clone.call(sys.executable, "-m", "pipelines.snapshot", "pin", *as_of)
    _write(clone.pinned, (clone.path / LAKE_LOCK).read_text())


def repro(clone: Clone, stage: str) -> None:
    """Reproduce one stage for all ordered families; what did not change comes from the cache.

    A fresh checkout lacks the rows of people, which are in no cache: they are made again first, each by its own stage
    and with the keys of that stage alone.
    """
    is_fresh = clone.at_work.exists() or clone.dropped.exists()
    if is_fresh:
        renew(clone)
    clone.at_work.write_text(stage)
    cores = len(os.sched_getaffinity(0))
    for due in _due(stage) if is_fresh else [stage]:
        targets = [[f"{due}@{family}" for family in families] for families in lanes(clone.order().families, cores)]
        alone = ("--single-item",) if due in JUDGING else ()
        words = (sys.executable, "-m", "dvc", "--wait-for-lock", "repro", "--pull", "--allow-missing", *alone)
        without = [key for key, stages in KEYS.items() if due not in stages]
        clone.side_by_side([(*words, *lane) for lane in targets], without)
    clone.at_work.unlink()


def _due(stage: str) -> list[str]:
    """What a fresh checkout must run for a stage, in order."""
    if stage in OPENING:
        return [stage]
    return [OPENING[-1], *([BEFORE[stage]] if stage in BEFORE else []), stage]


def lanes(families: Sequence[str], cores: int) -> list[list[str]]:
    """Families shared out, one lane a core: a step computes on one, so that it gives the same on any machine.

    There and back: the one that takes longest goes with the one that takes shortest. DVC lets go of the checkout while
    a step's command runs, and families share no output; `--wait-for-lock` makes one lane wait while another writes
    `dvc.lock`. A family of unknown length counts as the longest. No lane is empty: without a target DVC runs the whole
    graph.
    """
    ordered = list(dict.fromkeys(families))
    longest = sorted(ordered, key=lambda family: LONGEST_FIRST.index(family) if family in LONGEST_FIRST else -1)
    count = min(len(longest), cores)
    shared: list[list[str]] = [[] for _ in range(count)]
    for at, family in enumerate(longest):
        turn, lane = divmod(at, count)
        shared[lane if turn % 2 == 0 else -1 - lane].append(family)
    return shared


def push(clone: Clone) -> dict[str, Any]:
    """Push the data, then commit locks and parameters on the run's branch and push that; the commit.

    Run again after a kill it leaves one commit, not two.
    """
    unlock(clone)
    _in_order(clone.path / DVC_LOCK)
    clone.dvc("push")
    clone.git(
        "add", "--force", *(name for name in (DVC_LOCK, LAKE_LOCK, "params.yaml") if (clone.path / name).exists())
    )
    order = clone.order()
    message = (
        f"Retrain {', '.join(order.families)}\n\n{order.reason}\n\nRun: {clone.run}\nRequested-by: {order.requester}"
    )
    identity = ("-c", "user.name=Candor", "-c", "user.email=candor@localhost")
    again = ["--amend"] if f"\nRun: {clone.run}\n" in clone.git("log", "-1", "--format=%B") else []
    clone.git(*identity, "commit", "--quiet", "--allow-empty", "--no-verify", *again, "-m", message)
    clone.git("push", "--quiet", "--force", "origin", f"HEAD:refs/heads/{clone.branch}")
    return {"commit": clone.git("rev-parse", "HEAD").strip(), "branch": clone.branch}


def _in_order(lock: Path) -> None:
    """Stages by name: lanes end in any order, and equal results must be equal bytes."""
    if not lock.is_file():
        return
    # DVC's own writer, so that it reads back what it wrote; loaded here, where alone it is needed.
    from dvc.utils.serialize import modify_yaml  # type: ignore[import-untyped]

    draft = lock.with_name(f"{lock.name}.draft")
    shutil.copyfile(lock, draft)
    with modify_yaml(draft) as content:
        for name in sorted(content["stages"]):
            content["stages"].move_to_end(name)
    draft.replace(lock)


def propose(clone: Clone) -> dict[str, Any]:
    """Propose each family's verdict, then drop the rows of people; the answers of `pipelines.publish propose`."""
    order, commit = clone.order(), clone.git("rev-parse", "HEAD").strip()
    facts = ("--run-id", clone.run, "--requester", order.requester, "--commit", commit)
    said = [
        clone.call(sys.executable, "-m", "pipelines.publish", "propose", family, *facts) for family in order.families
    ]
    _drop_rows(clone)
    return {"proposals": [json.loads(text.splitlines()[-1]) for text in said]}


def _drop_rows(clone: Clone) -> None:
    """Remove rows of people in clear: nobody reads them once proposals are in the store, and no key forgets them."""
    clone.dropped.touch()
    for artifact in ("prepared", "scored"):
        for rows in clone.path.glob(f"var/stages/*/{artifact}/*.parquet"):
            rows.unlink()


def reap(clone: Clone) -> None:
    """End what a killed try of this very clone left running: grandchildren outlive their parent's death signal."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            try:
                if f"{MARK}={clone.path}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                    os.kill(int(folder.name), signal.SIGKILL)
            except OSError:
                continue


def unlock(clone: Clone) -> None:
    """Go on in a clone in which a try was killed: end what it left running, remove the locks it left."""
    reap(clone)
    for lock in [*(clone.path / ".git").rglob("*.lock"), clone.path / ".dvc" / "tmp" / "rwlock"]:
        lock.unlink(missing_ok=True)


def variable(name: str) -> str:
    """An environment variable that must be set.

    Raises:
        SettingsError: It is not.
    """
    value = os.environ.get(name, "")
    if not value:
        raise SettingsError(f"{name} must be set; it is not. `. VAR/env` sets it.")
    return value


def _remote_ref(clone: Clone, ref: str) -> str:
    """A branch of the remote by its name; a tag or commit as it is."""
    names = clone.git("for-each-ref", "--format=%(refname)", f"refs/remotes/origin/{ref}").split()
    return names[0] if names else ref


def _configuration(path: Path) -> str:
    return f"""[core]
    analytics = false
    check_update = false
    autostage = false
    remote = {STORAGE}
    site_cache_dir = {path}/.dvc/tmp/site
[cache]
    dir = {variable("CANDOR_DVC_CACHE")}
    type = "reflink,hardlink,copy"
['remote "{STORAGE}"']
    url = {variable("CANDOR_DVC_REMOTE")}
{_endpoint()}"""


def _endpoint() -> str:
    """Where S3 is, when it is not Amazon's; a folder knows no such word."""
    given = os.environ.get("AWS_ENDPOINT_URL", "")
    return f"    endpointurl = {given}\n" if given and variable("CANDOR_DVC_REMOTE").startswith("s3://") else ""


def _write(path: Path, text: str) -> None:
    """A file that is there whole or not at all."""
    draft = path.with_name(f"{path.name}.draft")
    draft.write_text(text)
    draft.replace(path)


def _echo(stream: IO[str] | None, said: list[str]) -> None:
    for line in stream or ():
        said.append(line)
        print(line, end="", file=sys.stderr)


def _die_with_parent() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def main(words: list[str] | None = None) -> int:
    """Run one step; its JSON answer is the last line. Exit code 1 with one line when it fails."""
    parser = argparse.ArgumentParser(
        prog="infra.run.clone", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("step", choices=["open", "pin", "repro", "push", "propose"])
    parser.add_argument("run")
    parser.add_argument("stage", nargs="?", default="")
    parser.add_argument("--order", type=json.loads, default={})
    parser.add_argument("--requester", default="")
    asked = parser.parse_args(words)
    clone = Clone(asked.run)
    steps: dict[str, Callable[[], Any]] = {
        "open": lambda: open_clone(clone, _ordered(asked.order, asked.requester)),
        "pin": lambda: pin(clone),
        "repro": lambda: repro(clone, asked.stage),
        "push": lambda: push(clone),
        "propose": lambda: propose(clone),
    }
    try:
        print(json.dumps(steps[asked.step]() or {"run": clone.run}))
    except (SettingsError, SourceUnavailable) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    return 0


def _ordered(order: dict[str, Any], requester: str) -> Order:
    families = tuple(dict.fromkeys(order["families"]))
    if not families:
        raise SettingsError("A retrain must name one family at least; it names none. Name those to be trained.")
    return Order(families, order.get("as_of") or "", order["reason"], order["ref"], requester)


if __name__ == "__main__":
    sys.exit(main())
