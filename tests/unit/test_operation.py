"""The first steps of `make run` where something is in the way: they work, or one line says what to do."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from infra.run import __main__ as cli
from infra.run import airflow, processes
from infra.setup import company as companies
from infra.setup import repository, secrets
from infra.setup.company import Company, Refused

ROOT = Path(__file__).parents[2]
SYSTEM = shutil.which("python3", path="/usr/bin:/usr/local/bin")
FIRST_STEPS = """
import sys
from infra.setup import company, repository, secrets
made = company.described("", 200, "", sys.argv[1])
company.claim(made)
secrets.create_keys(made)
secrets.create_accounts(made)
print(repository.seed(made), repository.uncommitted())
"""

as_root = pytest.mark.skipif(
    os.getuid() != 0 or SYSTEM is None, reason="only root can become somebody else or mount (see README, Tests)"
)


def made(folder: Path) -> Company:
    company = companies.described("", 200, "", str(folder))
    companies.claim(company)
    return company


def clone(folder: Path) -> Path:
    """A checkout that belongs to whoever runs the tests and that everybody may read."""
    subprocess.run(["git", "clone", "-q", str(ROOT), str(folder)], check=True)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "infra", folder / "infra", dirs_exist_ok=True, ignore=ignored)  # as it is now
    subprocess.run(["chmod", "-R", "a+rX", str(folder)], check=True)
    return folder


def as_nobody(command: list[str], cwd: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    user = {"user": "nobody", "group": "nogroup", "extra_groups": []}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False, **user)


def test_a_taken_port_is_passed_over_and_the_free_one_remembered(tmp_path):
    company = made(tmp_path / "var")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        company.airflow.mkdir()
        (company.airflow / "port").write_text(str(port))
        with airflow._chosen_port(company):
            assert airflow._port(company) > port
    assert airflow.url(company) == f"http://127.0.0.1:{(company.airflow / 'port').read_text()}"


def test_airflow_inherits_secrets_of_sources_and_nothing_else_of_another_company(tmp_path, monkeypatch):
    company = made(tmp_path)
    secrets.create_keys(company)
    secrets.create_accounts(company)
    for name in ("CANDOR_SFTP_PAYROLL", "CANDOR_PGP_PAYROLL", "CANDOR_VAULT_KEY", "CANDOR_OTHER"):
        monkeypatch.setenv(name, "given")
    assert {name for name, value in airflow.environment(company).items() if value == "given"} == {
        "CANDOR_SFTP_PAYROLL",
        "CANDOR_PGP_PAYROLL",
    }


def test_a_listener_runs_only_where_a_queue_is_named_and_knows_it(tmp_path, monkeypatch):
    company = made(tmp_path)
    secrets.create_keys(company)
    secrets.create_accounts(company)
    monkeypatch.delenv("CANDOR_ARRIVALS_QUEUE", raising=False)
    assert set(airflow.components()) == {"api-server", "dag-processor", "scheduler"}
    monkeypatch.setenv("CANDOR_ARRIVALS_QUEUE", "https://sqs.example.com/1/arrivals")
    assert set(airflow.components()) == {"api-server", "dag-processor", "scheduler", "triggerer"}
    assert airflow.environment(company)["CANDOR_ARRIVALS_QUEUE"] == "https://sqs.example.com/1/arrivals"


@pytest.mark.parametrize("text", ["", "80a"])
def test_a_port_half_written_by_a_killed_run_is_chosen_again(tmp_path, text):
    company = made(tmp_path)
    company.airflow.mkdir()
    (company.airflow / "port").write_text(text)
    with airflow._chosen_port(company):
        assert airflow._port(company) >= airflow.FIRST_PORT


def test_of_two_companies_that_start_at_once_neither_takes_the_others_port(tmp_path):
    first, second = made(tmp_path / "first"), made(tmp_path / "second")
    with socket.create_server(("127.0.0.1", 0)) as free:
        claimed = free.getsockname()[1]
    for company in (first, second):
        company.airflow.mkdir()
        (company.airflow / "port").write_text(str(claimed))
    with airflow._chosen_port(first), airflow._chosen_port(second):
        assert airflow._port(first) == claimed
        assert airflow._port(second) > claimed
    (second.airflow / "port").write_text(str(claimed))
    with airflow._chosen_port(second):  # nobody has it any more
        assert airflow._port(second) == claimed


def test_a_pid_file_of_a_killed_run_ends_nobody_who_has_its_number_now(tmp_path):
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        told = {"pid": stranger.pid, "since": "1", "mark": "of another boot"}
        (tmp_path / "scheduler.pid").write_text(json.dumps(told))
        (tmp_path / "api-server.pid").write_text('{"pid": 1')
        assert processes.stop(["scheduler", "api-server"], tmp_path) == 0
        assert stranger.poll() is None
        assert not (tmp_path / "scheduler.pid").exists()
    finally:
        stranger.kill()
        stranger.wait()


START = """
import os, sys
from pathlib import Path
from infra.run import processes
print(processes.start("scheduler", [sys.executable, "-c", sys.argv[2]], os.environ, Path(sys.argv[1])).mark)
os._exit(0)  # as a command that is over, while what it started goes on
"""
LEAVES = """
import subprocess, time
subprocess.Popen(["sleep", "60"], start_new_session=True)  # as a task of Airflow leaves its scheduler
time.sleep(60)
"""


def test_down_ends_what_a_component_started_wherever_it_went_and_nobody_else(tmp_path, capsys):
    company = made(tmp_path)
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        words = [sys.executable, "-u", "-c", START, str(company.airflow), LEAVES]
        mark = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
        until = time.monotonic() + 60
        while len(marked(mark)) < 2:
            assert time.monotonic() < until
            time.sleep(0.05)
        assert cli.main(["down", "--var", str(tmp_path)]) == 0
        assert capsys.readouterr().out == "2 processes ended.\n"
        assert marked(mark) == []
        assert stranger.poll() is None
        assert cli.main(["down", "--var", str(tmp_path)]) == 0
        assert capsys.readouterr().out == "Nothing was running.\n"
    finally:
        stranger.kill()
        stranger.wait()


def test_a_run_killed_while_it_claimed_its_folder_or_made_its_repository_goes_on(tmp_path):
    (tmp_path / "var").mkdir()
    (tmp_path / "var/company.draft").write_text('{"kind"')
    company = made(tmp_path / "var")
    company.git.mkdir(parents=True)
    assert repository.seed(company) == repository.head()
    assert companies.opened(str(tmp_path / "var")) == company


@pytest.mark.parametrize("text", ["", '{"kind"', "{}", "[]"])
def test_a_folder_whose_identity_is_broken_is_refused_in_one_line(tmp_path, text):
    (tmp_path / "company.json").write_text(text)
    for attempt in (lambda: made(tmp_path), lambda: companies.opened(str(tmp_path))):
        with pytest.raises(Refused, match="must say what its folder was made for"):
            attempt()


@as_root
def test_somebody_else_than_the_owner_of_the_checkout_gets_through_the_first_steps():
    home = Path(tempfile.mkdtemp())  # nobody may not enter pytest's folders
    try:
        checkout = clone(home / "with a space")
        var = home / "of nobody"
        var.mkdir()
        shutil.chown(var, "nobody")
        home.chmod(0o755)
        environment = {"HOME": str(var), "PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"}
        command = [str(SYSTEM), "-c", FIRST_STEPS, str(var / "company")]
        done = as_nobody(command, checkout, environment)
        assert done.returncode == 0, done.stderr
        assert done.stdout.split()[0] == repository.head()
        assert (var / "company/secrets/keys.json").stat().st_mode & 0o777 == 0o600
        command = [str(SYSTEM), "-m", "infra.run", "run", "--var", str(var / "other")]
        done = as_nobody(command, checkout, environment)
        assert (done.returncode, done.stderr.count("\n")) == (1, 1)
        assert "Let the owner of that folder run `make env` once." in done.stderr
    finally:
        shutil.rmtree(home)


@as_root
def test_a_read_only_checkout_beside_a_writable_var_is_left_as_it_is(tmp_path):
    checkout, var = clone(tmp_path / "checkout"), tmp_path / "var"
    inside = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && cd "$0" && exec "$@"'
    words = ["unshare", "-m", "sh", "-c", inside, str(checkout), sys.executable, "-c", FIRST_STEPS, str(var)]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    if "permission denied" in done.stderr.lower():
        pytest.skip(reason="this root may not mount (see README, Tests)")
    assert done.returncode == 0, done.stderr
    assert not list(checkout.rglob("__pycache__"))
    assert (var / "git/candor.git/HEAD").is_file()


@pytest.mark.parametrize("version", [(3, 9, 2), (3, 10, 12), (3, 13, 0)])
@pytest.mark.parametrize("words", [["infra.run", "run"], ["infra.setup.venv"]])
def test_a_python_that_is_too_old_or_too_new_is_said_in_one_line_before_anything_is_made(tmp_path, version, words):
    checkout = clone(tmp_path / "checkout")
    code = f"import runpy, sys; sys.version_info = {version}; sys.argv = {words}"
    words = [sys.executable, "-c", f"{code}; runpy.run_module({words[0]!r}, run_name='__main__')"]
    done = subprocess.run(words, cwd=checkout, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
    assert "Candor needs Python 3.11 or 3.12; this is 3." in done.stderr
    assert not (checkout / ".venv").exists()


def test_a_set_up_that_cannot_go_on_says_what_failed_in_one_line(tmp_path):
    checkout = clone(tmp_path / "checkout")
    broken = checkout / ".venv" / "tools" / "bin" / "uv"
    for program in (broken, checkout / ".venv" / "bin" / "python"):
        program.parent.mkdir(parents=True)
        program.write_text("#!/bin/sh\nexit 7\n")
        program.chmod(0o755)
    words = [sys.executable, "-m", "infra.setup.venv"]
    done = subprocess.run(words, cwd=checkout, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
    assert "`uv export --quiet --frozen` must succeed to set up .venv; it ended with exit code 7" in done.stderr


@pytest.mark.parametrize("workers", ["1", "19", "1000001"])
def test_a_size_that_no_sample_company_has_is_refused_before_anything_is_made(tmp_path, workers):
    words = [sys.executable, "-m", "infra.run", "run", "--workers", workers, "--var", str(tmp_path / "var")]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert f"WORKERS must be between 20 and 1000000; got {workers}." in done.stderr
    assert not (tmp_path / "var").exists()


@pytest.mark.parametrize("workers", [20, 1_000_000])
def test_the_smallest_and_the_largest_sample_company_may_be_asked_for(tmp_path, workers):
    assert companies.described("", workers, "", str(tmp_path)).workers == workers


def test_given_exports_have_their_own_size(tmp_path):
    assert companies.described("", 1, str(tmp_path), str(tmp_path / "var")).workers == 0


def test_a_var_that_cannot_be_made_is_said_in_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    words = [sys.executable, "-m", "infra.run", "run", "--var", str(tmp_path / "file")]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "VAR must be a folder" in done.stderr


HIDES = """
import ctypes, os, subprocess, sys, time
if os.fork() == 0:
    ctypes.CDLL(None).prctl(4, 0)  # PR_SET_DUMPABLE, as Airflow's workers do
    while subprocess.run(["sleep", "60"], start_new_session=True):  # a task of such a worker
        pass
time.sleep(60)
"""


@pytest.mark.parametrize("is_killed_before", [False, True])
def test_down_ends_what_does_not_let_its_variables_be_read(tmp_path, capsys, monkeypatch, is_killed_before):
    """As it is for everybody but root, whom these tests may run as."""
    company = made(tmp_path)
    words = [sys.executable, "-u", "-c", START, str(company.airflow), HIDES]
    mark = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    until = time.monotonic() + 60
    while len(found := marked(mark)) < 3:
        assert time.monotonic() < until
        time.sleep(0.05)
    leader = processes.recorded("scheduler", company.airflow)
    read = processes._environment
    monkeypatch.setattr(processes, "_environment", lambda pid: None if pid in found else read(pid))
    if is_killed_before:
        os.kill(leader.pid, signal.SIGKILL)
        while processes.is_alive(leader):
            time.sleep(0.01)
    assert cli.main(["down", "--var", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"{2 if is_killed_before else 3} processes ended.\n"
    assert marked(mark) == []


@pytest.mark.parametrize("changed", [{"boot": "another"}, {"since": "9" * 12}])
def test_down_leaves_a_session_that_has_the_number_of_a_dead_one(tmp_path, monkeypatch, changed):
    """Its leader is gone and its variables cannot be read; it is from before, or of another boot."""
    words = [sys.executable, "-u", "-c", START, str(tmp_path), HIDES]
    mark = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    until = time.monotonic() + 60
    while len(found := marked(mark)) < 3:
        assert time.monotonic() < until
        time.sleep(0.05)
    leader = processes.recorded("scheduler", tmp_path)
    os.kill(leader.pid, signal.SIGKILL)
    while processes.is_alive(leader):
        time.sleep(0.01)
    told = json.loads((tmp_path / "scheduler.pid").read_text()) | changed
    (tmp_path / "scheduler.pid").write_text(json.dumps(told))
    with monkeypatch.context() as patch:
        patch.setattr(processes, "_environment", lambda _: None)
        assert processes.stop(["scheduler"], tmp_path) == 0
    assert len(marked(mark)) == 2
    for pid in found:
        if pid != leader.pid:
            os.kill(pid, signal.SIGKILL)


def marked(mark: str) -> list[int]:
    wanted, found = f"{processes.MARK}={mark}".encode(), []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
        except OSError:
            continue
    return found
