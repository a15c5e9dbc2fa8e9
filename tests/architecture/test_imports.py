import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_every_import_contract_is_kept():
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


MAY_ASK_THE_POINTER = {
    "live": {
        "pipelines/audit/__main__.py",  # after it proved everything
        "pipelines/audit/vouched.py",
        "pipelines/publish/modified.py",  # its number alone, where nothing is vouched for
    },
    "pointers": {
        "monitoring/examiner/bundle.py",  # its own verification says what the ledger makes of it, under any key
        "monitoring/portal/app.py",  # whether there is one to make that bundle of
        "pipelines/audit/vouched.py",
        "pipelines/privacy/learned.py",  # whatever model may have learnt of somebody, whoever laid it there
        "pipelines/publish/pointers.py",  # numbers: none is given twice
        "pipelines/publish/release.py",
    },
}


@pytest.mark.parametrize("name", MAY_ASK_THE_POINTER)
def test_what_scores_people_is_asked_of_the_ledger_and_not_of_whoever_wrote_a_pointer(name):
    files = (file for folder in ("pipelines", "monitoring", "infra", "dags") for file in (ROOT / folder).rglob("*.py"))
    found = {str(file.relative_to(ROOT)) for file in files if asks_the_pointer(ast.parse(file.read_text()), name)}
    assert found == MAY_ASK_THE_POINTER[name], "ask `audit.vouched`: its `live`, its `history`"


def asks_the_pointer(tree, asked):
    """Whether a module uses `releases.live` or `releases.pointers`, by whichever of its names."""
    return any(
        (isinstance(node, ast.Attribute) and node.attr == asked and ast.unparse(node.value).endswith("releases"))
        or (
            isinstance(node, ast.ImportFrom)
            and node.module == "pipelines.base.releases"
            and any(name.name == asked for name in node.names)
        )
        for node in ast.walk(tree)
    )


HEAVY = ("tensorflow", "keras", "great_expectations", "evidently", "sklearn", "airflow", "dvc", "pandas")
LIGHT = (
    "pipelines.base.lake",
    "pipelines.base.vault",
    "pipelines.fairness",
    "pipelines.audit",
    "pipelines.gate",
    "pipelines.publish",
    "pipelines.snapshot",
    "pipelines.evaluate",
    "pipelines.prepare",
    "pipelines.ingest",
)


@pytest.mark.parametrize("module", LIGHT)
def test_importing_a_stage_loads_nothing_heavy(module):
    code = f"import sys, {module}; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_map_of_the_flow_names_the_stages_of_dvc_in_their_order():
    import yaml

    import pipelines

    words = [line.split()[0] for line in (pipelines.__doc__ or "").splitlines() if line.startswith("    ")]
    stages = list(yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"])
    assert [word for word in words if word in stages] == stages
