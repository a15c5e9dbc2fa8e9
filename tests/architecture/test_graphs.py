"""Three graphs, one truth: imports against DVC's dependencies.

Airflow's edges are held against DVC's in tests/dags/test_edges.py, the numbers that stages load against the `params:`
of dvc.yaml in tests/stages/test_every_family.py.
"""

import ast
import importlib
import re
from pathlib import Path

import grimp
import pytest
import yaml

from pipelines.base import ruled
from pipelines.base.catalog import FAMILIES, STAGES
from pipelines.base.settings import Section

ROOT = Path(__file__).parents[2]
DVC = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
MODULES = {"weigh": "pipelines.evaluate", "choose": "pipelines.evaluate"}
"""Stages that are not named as what they run: all that needs the audit identity is one package."""
USES_FAMILY = {"snapshot", "prepare", "weigh", "train", "choose", "score", "evaluate"}
"""Stages that load a family by its name, which no import graph shows: its `features`..."""
USES_NETWORK = {"train", "score"}
"""...and those that load all of it, Keras with it."""


@pytest.fixture(scope="module")
def imports() -> grimp.ImportGraph:
    return grimp.build_graph("pipelines", cache_dir=None)


def files_of(path: str) -> set[str]:
    """Modules below a dependency of dvc.yaml."""
    place = ROOT / path
    found = place.rglob("*.py") if place.is_dir() else [place]
    return {module_name(file) for file in found}


def module_name(file: Path) -> str:
    parts = list(file.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def needed(graph: grimp.ImportGraph, stage: str, family: str) -> set[str]:
    """First-party modules that a stage runs for a family, ancestors' `__init__` included."""
    top = MODULES.get(stage, f"pipelines.{stage}")
    start = {m for m in graph.modules if m == top or m.startswith(f"{top}.")}
    if stage in USES_FAMILY:
        start.add(f"pipelines.models.{family}.features")
    if stage in USES_NETWORK:
        start |= {m for m in graph.modules if m.startswith(f"pipelines.models.{family}.")}
    return start.union(*(graph.find_upstream_modules(m) for m in start))


def declared(stage: str, family: str) -> set[str]:
    deps = [dep.replace("${item.family}", family) for dep in DVC[stage]["deps"]]
    code = [dep for dep in deps if dep.startswith("pipelines")]
    return set().union(*(files_of(dep) for dep in code))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_declares_every_module_it_runs(imports, stage, family):
    missing = {m for m in needed(imports, stage, family) if not is_folder_only(m)} - declared(stage, family)
    assert not missing, f"dvc.yaml: {stage} must list {sorted(missing)} in deps, or an edit leaves a stale result"


@pytest.mark.parametrize("stage", sorted(set(STAGES) - USES_NETWORK - {"gate"}))  # `gate` runs no family at all
def test_no_other_stage_can_ask_for_a_familys_network(imports, stage):
    """By its name, which the graph does not show: whoever calls `network` imports that function."""
    run = needed(imports, stage, "screening")
    lines = [
        detail["line_contents"]
        for module in run
        for detail in imports.get_import_details(importer=module, imported="pipelines.models")
    ]
    assert lines, "nobody loads a family"
    assert [line for line in lines if re.search(r"\bnetwork\b|\*|^import |import models", line)] == []


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_never_depends_on_another_family(stage, family):
    others = {other for other in FAMILIES if other != family}
    assert not {m for m in declared(stage, family) if set(m.split(".")) & others}


def test_a_verdict_is_given_anew_when_the_rules_change_that_it_names():
    """Else it would name old ones for ever, and could never be released."""
    listed = {Path(dep) for dep in DVC["gate"]["deps"]}
    assert [path for path in (*ruled.CODE, ruled.LAWS) if not {Path(path), *Path(path).parents} & listed] == []
    assert {*ruled.THRESHOLDS, "privacy.min_people"} <= set(DVC["gate"]["params"])


PLUMBING = {
    "catalog",
    "contracts",
    "days",
    "digests",
    "errors",
    "lake",
    "locks",
    "log",
    "pseudonyms",
    "sealed",
    "settings",
    "stage",
    "store",
    "wording",
}
"""Of `pipelines.base`, what reads, writes, names and words: it judges nobody."""


def test_all_that_judges_is_among_the_rules_that_a_verdict_names(imports):
    """What the rules import is a rule, or plumbing, or the family's model."""
    rules = {module for path in ruled.CODE for module in files_of(path)}
    used = {one for rule in rules for one in imports.find_modules_directly_imported_by(rule)}
    plain = {"pipelines", "pipelines.models", *(f"pipelines.base.{name}" for name in PLUMBING)}
    assert used - rules - plain == set()


def test_nothing_is_trained_again_for_what_training_does_not_run(imports):
    """Training takes minutes: what it lists beside the family is what one family or another runs, and no more."""
    run = set().union(*(needed(imports, "train", family) for family in FAMILIES))
    listed = {m for family in FAMILIES for m in declared("train", family) if not is_folder_only(m)}
    assert listed - run == set()


def is_folder_only(module: str) -> bool:
    """A package whose `__init__` holds no code but a docstring cannot make a result stale."""
    file = ROOT / Path(*module.split(".")) / "__init__.py"
    return file.exists() and is_docstring_only(file.read_text())


def is_docstring_only(source: str) -> bool:
    body = ast.parse(source).body
    return not body or (len(body) == 1 and ast.get_docstring(ast.Module(body, []), clean=False) is not None)


@pytest.mark.parametrize(
    "code", ["import a", "X = 1", "if True:\n    import a", "async def f(): ...", "@f\nclass A: ..."]
)
def test_only_a_docstring_is_no_code(code):
    assert is_docstring_only("")
    assert is_docstring_only('# Of.\n"""Speaks of\nimport this\n"""\n')
    assert not is_docstring_only(code)
    assert not is_docstring_only(f'"""Of."""\n{code}\n')
    assert not is_docstring_only("1")


def test_dvc_knows_the_stages_of_the_catalog_in_order():
    assert list(DVC) == list(STAGES)
    assert all(DVC[stage]["matrix"]["family"] == list(FAMILIES) for stage in STAGES)


def test_outputs_with_rows_of_people_never_enter_the_cache():
    for stage in ("prepare", "score"):
        outs = [out for out in DVC[stage]["outs"] if isinstance(out, dict)]
        assert outs, stage
        assert all(next(iter(out.values())) == {"cache": False} for out in outs)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_familys_sections_match_its_settings(family):
    params = yaml.safe_load((ROOT / "params.yaml").read_text())[family]
    features = importlib.import_module(f"pipelines.models.{family}.features")
    for key, name in (("prepare", "Prepare"), ("train", "Train"), ("decide", "Decide")):
        model = getattr(features, name)
        assert issubclass(model, Section)
        model.model_validate(params[key])
