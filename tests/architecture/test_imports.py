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
    "pipelines/audit/__main__.py",  # after it proved everything
    "pipelines/audit/vouched.py",
    "pipelines/publish/assessments.py",  # what is signed counts for the system that the ledger says was released
    "pipelines/publish/modified.py",  # its number alone, where nothing is vouched for
}


def test_what_scores_people_is_asked_of_the_ledger_and_not_of_whoever_wrote_a_pointer():
    files = (file for folder in ("pipelines", "monitoring", "infra", "dags") for file in (ROOT / folder).rglob("*.py"))
    found = {str(file.relative_to(ROOT)) for file in files if asks_the_pointer(ast.parse(file.read_text()))}
    assert found == MAY_ASK_THE_POINTER, "ask `audit.vouched.live` instead of `releases.live`"


def asks_the_pointer(tree):
    """Whether a module uses `releases.live`, by whichever of its names."""
    return any(
        (isinstance(node, ast.Attribute) and node.attr == "live" and ast.unparse(node.value).endswith("releases"))
        or (
            isinstance(node, ast.ImportFrom)
            and node.module == "pipelines.base.releases"
            and any(name.name == "live" for name in node.names)
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
