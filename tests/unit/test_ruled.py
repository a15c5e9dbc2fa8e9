import shutil
from pathlib import Path

import pytest
import yaml

from pipelines.base import ruled
from pipelines.base.errors import SettingsError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """An installation that is copied, as far as it judges."""
    for part in ruled.CODE:
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        (tmp_path / part).parent.mkdir(parents=True, exist_ok=True)
        copy(ROOT / part, tmp_path / part)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    monkeypatch.setattr(ruled, "_HERE", tmp_path)
    return tmp_path


def changed(root, before):
    """Names of the parts that are other than before."""
    return {name for name, digest in ruled.rules(root).items() if before[name] != digest}


def test_a_copy_has_the_same_rules_wherever_it_lies(installed):
    there = ruled.rules(installed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ruled, "_HERE", ROOT)
        assert ruled.rules(ROOT) == there
    assert len(set(there.values())) == 3


@pytest.mark.parametrize(
    ("file", "part"),
    [
        ("pipelines/gate/judged.py", "code"),
        ("pipelines/evaluate/standins.py", "code"),
        ("pipelines/fairness/rules.py", "code"),
        ("pipelines/fairness/law/use.py", "code"),
        ("pipelines/base/ages.py", "code"),
        ("pipelines/score/serve.py", "code"),  # what holds a model that does not serve, and with what it is called
        ("pipelines/score/stage.py", "code"),
        ("pipelines/fairness/law/packs/us-ugesp.yaml", "laws"),
    ],
)
def test_an_edit_of_what_judges_is_seen_in_its_part_alone(installed, file, part):
    before = ruled.rules(installed)
    with (installed / file).open("a") as added:
        added.write("# One word more.\n")
    assert changed(installed, before) == {part}


def test_a_new_law_and_a_new_module_are_other_rules(installed):
    before = ruled.rules(installed)
    (installed / "pipelines/fairness/law/packs/eu-new.yaml").write_text("code: eu-new\n")
    assert changed(installed, before) == {"laws"}
    (installed / "pipelines/evaluate/new.py").write_text("")
    assert changed(installed, before) == {"laws", "code"}


@pytest.mark.parametrize(
    ("section", "name", "part"),
    [
        ("gate", "slice_drop", {"thresholds"}),
        ("choose", "validity_margin", {"thresholds"}),
        ("serve", "answer_seconds", {"thresholds"}),
        ("serve", "memory_mb", {"thresholds"}),
        ("privacy", "min_people", {"thresholds"}),
        ("privacy", "keep_days", set()),
        ("monitor", "psi", set()),
    ],
)
def test_thresholds_count_and_other_numbers_do_not(installed, section, name, part):
    before, file = ruled.rules(installed), installed / "params.yaml"
    params = yaml.safe_load(file.read_text())
    params[section][name] += 1
    file.write_text(yaml.safe_dump(params))  # without comments and in another order: the numbers count
    assert changed(installed, before) == part


def test_what_thresholds_are_not_known_cannot_be_held_against(installed):
    (installed / "params.yaml").write_text("gate: {}\nchoose: {}\n")
    with pytest.raises(SettingsError, match="must have the section evaluate"):
        ruled.rules(installed)


def test_a_verdict_that_says_nothing_was_given_by_none_of_todays_rules():
    today = {"code": "1", "laws": "2", "thresholds": "3"}
    assert ruled.others({"rules": today}, today) == []
    assert ruled.others({"rules": today | {"laws": "4"}}, today) == ["laws"]
    assert ruled.others({}, today) == ruled.others({"rules": None}, today) == ["code", "laws", "thresholds"]
