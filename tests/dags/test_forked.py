"""A forked program ends as one that was started does."""

from pathlib import Path

import pytest

from .forked import forking

LATE = "import threading; threading.Timer(0.2, print, ['late']).start()"
BYE = "import atexit; atexit.register(print, 'bye')"


@pytest.fixture(scope="module")
def forks(tmp_path_factory):
    with forking(tmp_path_factory.mktemp("home"), "json") as made:
        yield made


@pytest.mark.parametrize(
    ("code", "ends", "last"),
    [
        ("print('done')", 0, "done"),
        ("import sys; sys.exit(75)", 75, ""),
        ("import sys; sys.exit(0)", 0, ""),
        ("import sys; sys.exit()", 0, ""),
        ("import sys; sys.exit('not so')", 1, "not so"),
        ("1 / 0", 1, "ZeroDivisionError: division by zero"),
        ("import os; os.kill(os.getpid(), 9)", -9, ""),
        (LATE, 0, "late"),
        (f"{LATE}; 1 / 0", 1, "late"),
        (BYE, 0, "bye"),
        (f"{LATE}; {BYE}; import sys; sys.exit(3)", 3, "bye"),
    ],
)
def test_its_code_and_its_last_words_are_those_of_a_program_that_was_started(forks, code, ends, last):
    program = forks.start(code)
    said = program.stdout.read().splitlines()
    assert (program.ended(), said[-1] if said else "") == (ends, last)


def test_a_module_that_cannot_be_imported_is_told(tmp_path, capfd):
    with pytest.raises(ImportError, match=r"^json, no_such_module must"), forking(tmp_path, "json", "no_such_module"):
        pass
    assert "No module named 'no_such_module'" in capfd.readouterr().err


def test_nobody_forks_any_more_once_a_test_has_failed(tmp_path):
    servers = []

    def fails() -> None:
        with forking(tmp_path, "json") as forks:
            program = forks.start("import os; print(os.getppid())")
            servers.append(Path("/proc") / program.stdout.read().strip())
            assert (program.ended(), servers[0].is_dir()) == (0, True)
            raise KeyError("fails")

    with pytest.raises(KeyError, match="fails"):
        fails()
    assert not servers[0].is_dir()
