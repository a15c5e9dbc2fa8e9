import gc
import importlib
import subprocess
import sys

import pytest

from pipelines.base.stage import leave, loading


def test_a_module_that_is_left_out_looks_as_if_it_were_not_installed_and_is_there_afterwards(monkeypatch):
    monkeypatch.delitem(sys.modules, "wave", raising=False)
    with loading(without=("wave", "json")):
        with pytest.raises(ImportError):
            importlib.import_module("wave")
        assert importlib.import_module("json").dumps(1) == "1", "what was loaded before stays"
    assert importlib.import_module("wave").open


def test_garbage_is_collected_again_after_loading_also_when_it_failed():
    with pytest.raises(ImportError), loading():
        importlib.import_module("there.is.no.such.module")
    assert gc.isenabled()


def test_leaving_says_everything_that_was_said_and_gives_the_code():
    code = f"from {leave.__module__} import leave; print('said', end=''); leave(3); print('never')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("said", 3)


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("from pipelines import models; models.network('screening')", "sklearn"),
        ("from pipelines.base import log", "rich"),
    ],
)
def test_wrappers_and_tracebacks_that_nobody_uses_are_not_loaded(code: str, absent: str):
    words = [sys.executable, "-c", f"import sys; {code}; print({absent!r} in sys.modules)"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_compiled_code_finds_what_is_hidden_as_little_and_finds_it_afterwards():
    """PyArrow's datasets look for pandas by a way of their own, and turn tables into its frames later."""
    code = (
        "import sys, polars, pyarrow\n"
        "from pipelines.base.stage import loading\n"
        "with loading(without=('pandas',)):\n    import pyarrow.dataset\n"
        "print('pandas' in sys.modules)\n"
        "print(polars.DataFrame({'a': [1], 'b': ['x']}).to_pandas().shape)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n(1, 2)\n"
