"""A company whose screening let women on at a quarter of the rate of men: the search finds a better model."""

import json
import shutil
from datetime import date
from pathlib import Path

import pytest
import yaml

from infra.sample.exports import write
from infra.sample.plan import DELIVERIES, Plan
from pipelines import gate, prepare, snapshot, train
from pipelines.base.catalog import TRAINED, stage_dir
from pipelines.base.store import FileStore
from pipelines.evaluate import choose, weigh
from pipelines.gate import Choice
from pipelines.ingest.__main__ import run as ingest
from pipelines.ingest.batch import Batch

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras on NumPy 2

ROOT = Path(__file__).parents[2]
FAMILY = "screening"
HIRING = ("workday_applications", "workday_candidate_eeo", "workday_candidates", "workday_requisitions", "resumes")


def numbers(root: Path, take: str, validity: float = 0.2) -> None:
    """Short training.

    Past decisions are biased, so whoever departs from them seems less valid: the margin is wide here.
    """
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    params[FAMILY]["train"] |= {"members": 1, "max_terms": 1000, "signs": 500, "epochs": 20}
    params[FAMILY]["alternatives"] = {"take": take, "tried": [{"name": "reweighed_on_sex", "reweigh": "sex"}]}
    params["choose"] |= {"selected_margin": 0.3, "validity_margin": validity}
    (root / "params.yaml").write_text(yaml.safe_dump(params))


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    """A checkout in which the search ran."""
    root = tmp_path_factory.mktemp("a biased company")
    feeds = root / "feeds"
    feeds.mkdir()
    for name in HIRING:
        shutil.copy(ROOT / "feeds" / f"{name}.yaml", feeds)
    store = FileStore(root / "the store")
    with pytest.MonkeyPatch.context() as patch:
        for name, byte in (("PSEUDONYM", "11"), ("VAULT", "22"), ("AUDIT", "33"), ("PERSON", "44")):
            patch.setenv(f"CANDOR_{name}_KEY", byte * 32)
        for name, value in (("STORE", store.url), ("FEEDS", str(feeds)), ("EXPORTS", str(root / "exports"))):
            patch.setenv(f"CANDOR_{name}", value)
        write(Plan(1000, "biased"), DELIVERIES["history"], root / "exports", None, lambda name, rows: None)
        ingest(Batch(store, "history"), None)
        snapshot.pin(date(2026, 10, 31), root)
        numbers(root, "best")
        for step in (snapshot.run, prepare.run, weigh.run, train.run, choose.run):
            step(FAMILY, root)
        yield root


def record(root: Path) -> dict:
    return json.loads((stage_dir(FAMILY, TRAINED, root) / "alternatives.json").read_text())


def test_a_model_with_a_better_impact_ratio_is_found_and_named(searched):
    found = record(searched)
    declared, other = found["alternatives"]
    assert declared["impact_ratio"]["value"] < 0.5
    assert other["impact_ratio"]["value"] > declared["impact_ratio"]["value"] + 0.1
    assert found["chosen"] == "reweighed_on_sex"
    assert other["gain"]["low"] > 1
    within = round(0.2 * declared["metric"]["value"], 4)
    told = f"reweighed_on_sex is surely no less valid, within {within}, and surely has a better impact ratio"
    assert told in found["why"]


@pytest.mark.parametrize(
    ("take", "validity", "name"),
    [("declared", 0.2, "alternative:reweighed_on_sex"), ("best", 0.06, "alternative_unsure:reweighed_on_sex")],
)
def test_who_takes_the_declared_one_must_explain_it_and_where_validity_is_unsure_accept_it(
    searched, tmp_path, take, validity, name
):
    shutil.copytree(searched / "var", tmp_path / "var")
    shutil.copy(searched / "lake.lock", tmp_path)
    numbers(tmp_path, take, validity)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CANDOR_AUDIT_KEY", "33" * 32)
        patch.setenv("CANDOR_STORE", FileStore(searched / "the store").url)
        choose.run(FAMILY, tmp_path)
    assert record(tmp_path)["chosen"] == "declared"
    [gap] = gate.passed_over(Choice.model_validate(record(tmp_path)))
    assert gap.name == name
