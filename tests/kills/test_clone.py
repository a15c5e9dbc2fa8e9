"""Kill -9 in the clone of a retrain, through `infra.run.clone` with the real git and DVC; the stages stand in."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from infra.run import clone as step
from infra.run.clone import LONGEST_FIRST, lanes
from pipelines.base.catalog import FAMILIES

ROOT = Path(__file__).parents[2]
RUN = "manual__2026-11-01T00:00:00+00:00"
ORDER = {"families": ["outcomes"], "as_of": None, "reason": "To be killed.", "ref": "main"}
GRAPH = """
stages:
  prepare:
    matrix: {family: [outcomes]}
    cmd: python stage.py prepare
    deps: [lake.lock]
    outs: [prepared: {cache: false}]
  train:
    matrix: {family: [outcomes]}
    cmd: python stage.py train
    deps: [prepared]
    outs: [trained, described]
"""
STAGE = """
import os, pathlib, subprocess, sys, time
name = sys.argv[1]
assert ("CANDOR_PERSON_KEY" in os.environ) == (name == "prepare"), "only prepare may be handed the key"
out = pathlib.Path(name + ("d" if name == "prepare" else "ed"))
out.write_text("half")
if name == "train" and pathlib.Path(os.environ["SLOW"]).exists():
    subprocess.run([sys.executable, "-c", "import time; time.sleep(600)"])
out.write_text("rows of " + pathlib.Path("lake.lock").read_text())
pathlib.Path("described").write_text("a card")
"""


class Retrain:
    """One retrain's steps, each a process as Airflow's task starts it."""

    def __init__(self, top: Path) -> None:
        self.slow, self.clones, self.remote, self.log = (top / n for n in ("slow", "clones", "git", "log"))
        self.name = RUN.replace(":", "-").replace("+", "-")
        self.clone = self.clones / self.name
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "DVC_", "CANDOR_"))}
        self.environment = kept | {
            "CANDOR_GIT_REMOTE": str(self.remote),
            "CANDOR_DVC_REMOTE": str(top / "dvc-remote"),
            "CANDOR_DVC_CACHE": str(top / "dvc-cache"),
            "CANDOR_CLONES": str(self.clones),
            "CANDOR_PERSON_KEY": "opens people's rows",
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "SLOW": str(self.slow),
        }

    def start(self, *words: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "infra.run.clone", *words]
        with self.log.open("w") as log:  # a pipe would be held open by what outlives the step
            return subprocess.Popen(command, env=self.environment, stdout=log, stderr=log, text=True)

    def step(self, *words: str) -> None:
        assert self.start(*words).wait(timeout=120) == 0, self.log.read_text()

    def open(self) -> None:
        self.step("open", RUN, "--order", json.dumps(ORDER), "--requester", "engineer")
        for path in (self.clone / "lake.lock", self.clones / f"{self.name}.lake.lock"):  # as `pin` leaves them
            path.write_text("the pinned lake")

    def sleepers(self) -> list[int]:
        """Processes of a stage that sleeps in this clone."""
        mark = f"CANDOR_CLONE={self.clone}".encode()
        found = []
        for folder in Path("/proc").iterdir():
            try:
                if mark in (folder / "environ").read_bytes() and b"sleep(600)" in (folder / "cmdline").read_bytes():
                    found.append(int(folder.name))
            except (OSError, ValueError):
                continue
        return found

    def result(self) -> dict[str, str]:
        """What a retrain leaves for others: files, locks, and its branch."""
        names = ("prepared", "trained", "lake.lock", "dvc.lock")
        git = ["git", "-C", str(self.remote), "log", "--format=%s", f"main..runs/{self.name}"]
        branch = subprocess.run(git, capture_output=True, text=True, check=False).stdout
        return {name: (self.clone / name).read_text() for name in names} | {"branch": branch}


@pytest.fixture(scope="module")
def remote(tmp_path_factory):
    """A git remote with a graph of two stages."""
    top = tmp_path_factory.mktemp("remote")
    work = top / "work"
    (work / ".dvc").mkdir(parents=True)
    for name, text in (("dvc.yaml", GRAPH), ("stage.py", STAGE), (".dvc/config", ""), ("params.yaml", "{}")):
        (work / name).write_text(text)
    shutil.copy(ROOT / ".dvc" / ".gitignore", work / ".dvc" / ".gitignore")
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@t"]
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "x"]):
        subprocess.run([*git, *words], cwd=work, check=True)
    subprocess.run(["git", "clone", "-q", "--bare", str(work), str(top / "git")], check=True)
    return top / "git"


def made(remote: Path, top: Path) -> Retrain:
    retrain = Retrain(top)
    shutil.copytree(remote, retrain.remote)
    return retrain


def undisturbed(remote: Path, top: Path) -> dict[str, str]:
    retrain = made(remote, top)
    retrain.open()
    for stage in ("prepare", "train"):
        retrain.step("repro", RUN, stage)
    retrain.step("push", RUN)
    return retrain.result()


def test_whatever_is_killed_in_a_clone_the_next_try_ends_as_an_undisturbed_run(remote, tmp_path):
    retrain = made(remote, tmp_path / "killed")
    retrain.open()
    retrain.step("repro", RUN, "prepare")
    retrain.slow.touch()

    # The step itself dies in the middle of a stage: DVC dies with it, the stage's own child does not.
    step = retrain.start("repro", RUN, "train")
    until(lambda: bool(retrain.sleepers()))
    step.kill()
    step.wait()
    orphans = retrain.sleepers()
    assert orphans, "nothing outlived its parent: there is nothing to reap"
    assert (retrain.clone / "trained").read_text() == "half"

    # The next try dies while it makes its clone anew; DVC's and git's locks of dead processes lie about.
    retrain.clone.joinpath(".dvc/tmp/rwlock").write_text('{"trained": {"write": {"pid": 1')
    shutil.rmtree(retrain.clone / "dvc.yaml", ignore_errors=True)
    (retrain.clone / "dvc.yaml").unlink()
    (retrain.clone / "lake.lock").unlink()

    retrain.slow.unlink()
    retrain.step("repro", RUN, "train")
    assert retrain.sleepers() == [], "orphans of the killed try are still at work"

    # A push dies between its commit and its own push, and leaves git's and DVC's locks.
    retrain.step("push", RUN)
    (retrain.clone / ".git/index.lock").touch()
    (retrain.clone / ".dvc/tmp/rwlock").write_text('{"half')
    retrain.step("push", RUN)

    whole = undisturbed(remote, tmp_path / "whole")
    assert retrain.result() == whole
    assert whole["trained"] == "rows of the pinned lake"
    assert whole["branch"].splitlines() == ["Retrain outcomes"]
    assert not (retrain.clones / f"{retrain.name}.at_work").exists()


def test_a_retrain_drops_the_rows_that_failed_ones_before_it_left(remote, tmp_path):
    retrain = made(remote, tmp_path)
    retrain.open()
    failed = retrain.clones / "manual__2026-10-01T00-00-00-00-00" / "var/stages/outcomes/prepared"
    failed.mkdir(parents=True)
    (failed / "cases.parquet").write_text("rows of people")
    (failed / "report.json").write_text("{}")
    retrain.open()
    assert [path.name for path in failed.iterdir()] == ["report.json"]
    assert (retrain.clones / "manual__2026-10-01T00-00-00-00-00.rows_dropped").exists()


def test_a_stage_run_again_after_the_rows_were_dropped_makes_them_again(remote, tmp_path):
    retrain = made(remote, tmp_path)
    retrain.open()
    for stage in ("prepare", "train"):
        retrain.step("repro", RUN, stage)
    (retrain.clone / "prepared").unlink()
    (retrain.clones / f"{retrain.name}.rows_dropped").touch()
    retrain.step("repro", RUN, "train")
    assert (retrain.clone / "prepared").read_text() == "rows of the pinned lake"
    assert not (retrain.clones / f"{retrain.name}.rows_dropped").exists()


def until(holds, seconds=60):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_try_killed_while_it_clones_is_begun_again(remote, tmp_path):
    retrain = made(remote, tmp_path)
    retrain.open()
    shutil.rmtree(retrain.clone / ".git")  # half a clone
    (retrain.clones / f"{retrain.name}.at_work").write_text("")
    retrain.step("repro", RUN, "prepare")
    assert (retrain.clone / "prepared").read_text() == "rows of the pinned lake"


def test_a_push_killed_while_dvc_copies_is_finished_by_the_next(remote, tmp_path):
    retrain = made(remote, tmp_path)
    retrain.open()
    for stage in ("prepare", "train"):
        retrain.step("repro", RUN, stage)
    cached, pushed = tmp_path / "dvc-cache/files/md5", tmp_path / "dvc-remote/files/md5"
    slow = cached / next(name for name, text in files(cached).items() if text == "a card")
    slow.unlink()
    os.mkfifo(slow)  # a disk that hangs: whoever copies it waits
    slow.chmod(0o444)  # what DVC trusts without reading it

    push = retrain.start("push", RUN)
    other_ends: list[int] = []
    try:
        until(lambda: is_read(slow, other_ends))
    finally:
        push.kill()
    assert push.wait() == -signal.SIGKILL
    os.close(other_ends[0])
    assert "a card" not in files(pushed).values(), "nothing was left to push"
    slow.unlink()
    slow.write_text("a card")

    retrain.step("push", RUN)
    assert sorted(files(cached).values()) == ["a card", "rows of the pinned lake"]
    assert files(cached).items() <= files(pushed).items(), "DVC leaves a half copy under a name of its own"
    assert retrain.result()["branch"].splitlines() == ["Retrain outcomes"]


def is_read(pipe, other_ends):
    """Whether somebody waits for what the pipe gives; it then gives nothing until its other end is closed."""
    try:
        other_ends.append(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
    except OSError:
        return False
    return True


def files(top):
    return {path.relative_to(top).as_posix(): path.read_text() for path in top.rglob("*") if path.is_file()}


def test_dvc_killed_alone_is_a_failed_step_that_the_next_try_mends(remote, tmp_path):
    retrain = made(remote, tmp_path)
    retrain.open()
    retrain.step("repro", RUN, "prepare")
    retrain.slow.touch()
    step = retrain.start("repro", RUN, "train")
    until(lambda: bool(retrain.sleepers()))
    children = Path(f"/proc/{step.pid}/task/{step.pid}/children").read_text().split()
    os.kill(int(children[0]), signal.SIGKILL)
    assert step.wait(timeout=60) == 1
    assert "SourceUnavailable: `python" in retrain.log.read_text()
    retrain.slow.unlink()
    retrain.step("repro", RUN, "train")
    assert retrain.sleepers() == []
    assert (retrain.clone / "trained").read_text() == "rows of the pinned lake"


def test_what_cannot_make_way_for_a_fresh_clone_is_one_clear_line(remote, tmp_path):
    retrain = made(remote, tmp_path)
    retrain.clones.mkdir()
    retrain.clone.write_text("somebody's file")
    open_again = ("open", RUN, "--order", json.dumps(ORDER), "--requester", "engineer")
    assert retrain.start(*open_again).wait(timeout=60) == 1
    (said,) = retrain.log.read_text().splitlines()
    assert said.startswith(f"SourceUnavailable: What an earlier try left in {retrain.clone} must make way for a fresh")
    assert said.endswith("it stays (Not a directory). Remove it by hand if another try does not.")
    retrain.clone.unlink()
    retrain.open()


JUDGED = """
stages:
  prepare:
    matrix: {family: [outcomes]}
    cmd: python log.py prepare
    deps: [lake.lock]
    outs: [prepare: {cache: false}]
  weigh:
    matrix: {family: [outcomes]}
    cmd: python log.py weigh
    deps: [prepare]
    outs: [weigh]
  train:
    matrix: {family: [outcomes]}
    cmd: python log.py train
    deps: [prepare, weigh]
    outs: [train]
  choose:
    matrix: {family: [outcomes]}
    cmd: python log.py choose
    deps: [prepare, train]
    outs: [choose]
  score:
    matrix: {family: [outcomes]}
    cmd: python log.py score
    deps: [prepare, choose]
    outs: [score: {cache: false}]
  evaluate:
    matrix: {family: [outcomes]}
    cmd: python log.py evaluate
    deps: [score]
    outs: [evaluate]
"""
LOG = """
import os, pathlib, sys
keys = [name for name in ("CANDOR_PERSON_KEY", "CANDOR_AUDIT_KEY") if name in os.environ]
with open(os.environ["LOG"], "a") as log:
    print(sys.argv[1], *keys, file=log)
pathlib.Path(sys.argv[1]).write_text("rows")
"""


def test_no_stage_but_those_that_judge_runs_with_the_audit_key_though_a_try_begins_afresh(remote, tmp_path):
    """Two steps that judge are begun again in a fresh clone, which lacks the rows of people."""
    retrain = made(remote, tmp_path)
    work, log = tmp_path / "work", tmp_path / "stages"
    retrain.environment |= {"LOG": str(log), "CANDOR_AUDIT_KEY": "opens protected attributes"}
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@t"]
    subprocess.run([*git, "clone", "-q", str(retrain.remote), str(work)], check=True)
    (work / "dvc.yaml").write_text(JUDGED)
    (work / "log.py").write_text(LOG)
    for words in (["add", "-A"], ["commit", "-qm", "stages that judge"], ["push", "-q"]):
        subprocess.run([*git, *words], cwd=work, check=True)
    retrain.open()
    opens, judges = ["CANDOR_PERSON_KEY"], ["CANDOR_AUDIT_KEY"]
    wanted = []
    for stage, ran in (
        ("prepare", [["prepare", *opens]]),
        ("weigh", [["weigh", *judges]]),
        ("train", [["train"]]),
        ("choose again", [["prepare", *opens], ["choose", *judges]]),
        ("evaluate again", [["prepare", *opens], ["score"], ["evaluate", *judges]]),
    ):
        if stage.endswith("again"):
            (retrain.clones / f"{retrain.name}.at_work").touch()
        retrain.step("repro", RUN, stage.split()[0])
        wanted += ran
        assert [line.split() for line in log.read_text().splitlines()] == wanted
    (retrain.clone / "lake.lock").write_text("another lake")
    retrain.step("repro", RUN, "evaluate")
    assert [line.split() for line in log.read_text().splitlines()] == wanted, "nothing else runs because of it"


MEETING = """
stages:
  train:
    matrix: {family: [outcomes, performance]}
    cmd: python meet.py ${item.family}
    deps: [meet.py]
    params: [rate]
    outs: ["${item.family}.txt"]
"""
MEET = """
import os, pathlib, sys, time
family, = sys.argv[1:]
meeting = pathlib.Path(os.environ["MEETING"])
def until(holds):
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end, "the other one never came"
        time.sleep(0.05)
(meeting / family).touch()
until(lambda: len(list(meeting.iterdir())) == 2)  # nobody goes on alone
if family == "outcomes":
    lock = pathlib.Path("dvc.lock")
    until(lambda: lock.exists() and "performance" in lock.read_text())  # the first in order ends last
pathlib.Path(family + ".txt").write_text("trained")
"""


def test_families_are_trained_side_by_side_and_the_lock_does_not_tell_who_ended_first(remote, tmp_path):
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip(reason="one core has one lane: nothing runs side by side (see README, Tests)")
    retrain = made(remote, tmp_path)
    work, meeting = tmp_path / "work", tmp_path / "meeting"
    meeting.mkdir()
    retrain.environment["MEETING"] = str(meeting)
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@t"]
    subprocess.run([*git, "clone", "-q", str(retrain.remote), str(work)], check=True)
    (work / "dvc.yaml").write_text(MEETING)
    (work / "meet.py").write_text(MEET)
    (work / "params.yaml").write_text("rate: 0.00001\n")  # 1e-05 in the lock: a text to some readers
    for words in (["add", "-A"], ["commit", "-qm", "two families"], ["push", "-q"]):
        subprocess.run([*git, *words], cwd=work, check=True)
    order = json.dumps(ORDER | {"families": ["outcomes", "performance"]})
    retrain.step("open", RUN, "--order", order, "--requester", "engineer")
    retrain.step("repro", RUN, "train")
    retrain.step("push", RUN)
    lock = (retrain.clone / "dvc.lock").read_text()
    assert list(yaml.safe_load(lock)["stages"]) == ["train@outcomes", "train@performance"]
    retrain.step("repro", RUN, "train")
    assert "didn't change, skipping" in retrain.log.read_text()


def test_the_family_that_is_trained_longest_shares_its_core_with_the_one_trained_shortest():
    """By hand, from 37, 22, 15 and 12 seconds: 49 and 37 on two cores; 37, 22 and 27 on three."""
    four = ["screening", "recommendation", "outcomes", "performance"]
    assert lanes(four, 1) == [["outcomes", "screening", "recommendation", "performance"]]
    assert lanes(four, 2) == [["outcomes", "performance"], ["screening", "recommendation"]]
    assert lanes(four, 3) == [["outcomes"], ["screening"], ["recommendation", "performance"]]
    assert lanes(four, 8) == [["outcomes"], ["screening"], ["recommendation"], ["performance"]]
    assert lanes(["recommendation", "screening"], 2) == [["screening"], ["recommendation"]]


def test_no_lane_is_empty_for_a_family_named_twice_and_none_is_dropped_for_being_unknown():
    assert lanes(["outcomes"] * 2, 2) == [["outcomes"]]
    assert lanes(["outcomes", "screening", "outcomes"], 3) == [["outcomes"], ["screening"]]
    assert lanes(["recommendation", "payroll", "outcomes"], 2) == [["payroll"], ["outcomes", "recommendation"]]


def test_a_retrain_of_no_family_is_refused_and_one_named_twice_is_trained_once(remote, tmp_path, monkeypatch, capsys):
    retrain = made(remote, tmp_path)
    monkeypatch.setenv("CANDOR_CLONES", str(retrain.clones))
    monkeypatch.setenv("CANDOR_GIT_REMOTE", str(retrain.remote))
    monkeypatch.setenv("CANDOR_DVC_REMOTE", "none")
    monkeypatch.setenv("CANDOR_DVC_CACHE", "none")

    def opened(families):
        return step.main(["open", RUN, "--order", json.dumps(ORDER | {"families": families})])

    assert opened([]) == 1
    assert "SettingsError: A retrain must name one family at least" in capsys.readouterr().err
    assert not retrain.clones.exists()
    assert opened(["outcomes", "performance", "outcomes"]) == 0
    assert step.Clone(RUN).order().families == ("outcomes", "performance")


def test_no_family_is_left_out_for_not_being_among_those_whose_length_is_known():
    assert sorted(LONGEST_FIRST) == sorted(FAMILIES)
