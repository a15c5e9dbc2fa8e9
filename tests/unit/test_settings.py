import pytest

from pipelines.base.errors import GateRefused, SettingsError, SourceUnavailable
from pipelines.base.pseudonyms import secret
from pipelines.base.settings import Count, Section, Share, load
from pipelines.base.stage import guarded


class Gate(Section):
    margin: Share
    people: Count


def params(tmp_path, text):
    (tmp_path / "params.yaml").write_text(text)
    return tmp_path


def test_a_section_is_read_by_its_path(tmp_path):
    root = params(tmp_path, "screening: {gate: {margin: 0.1, people: 30}}")
    assert load(Gate, "screening", "gate", root=root) == Gate(margin=0.1, people=30)


def test_all_faults_are_named_at_once_with_what_was_got(tmp_path):
    root = params(tmp_path, "gate: {margin: 1.8, peopel: 30}")
    with pytest.raises(SettingsError) as error:
        load(Gate, "gate", root=root)
    assert "gate.margin: Input should be less than 1; got 1.8" in str(error.value)
    assert "gate.people: Field required" in str(error.value)
    assert "gate.peopel: Extra inputs are not permitted" in str(error.value)


def test_a_missing_section_lists_what_there_is(tmp_path):
    with pytest.raises(SettingsError, match=r"must have the section gate; the file has prepare, train"):
        load(Gate, "gate", root=params(tmp_path, "train: {}\nprepare: {}"))


def test_a_file_that_is_not_yaml_names_the_line(tmp_path):
    with pytest.raises(SettingsError, match="parsing failed at line 2"):
        load(Gate, "gate", root=params(tmp_path, "gate:\n  margin: [1"))


def test_a_missing_key_says_how_to_get_it(monkeypatch):
    monkeypatch.delenv("CANDOR_VAULT_KEY", raising=False)
    with pytest.raises(SettingsError, match=r"CANDOR_VAULT_KEY must hold .*; it is not set. Run `. var/sample/env`"):
        secret("CANDOR_VAULT_KEY")


@pytest.mark.parametrize("text", ["zz" * 32, "11" * 31, "topsecret"])
def test_a_key_of_another_form_is_refused_and_never_shown(monkeypatch, text):
    monkeypatch.setenv("CANDOR_VAULT_KEY", text)
    with pytest.raises(SettingsError) as error:
        secret("CANDOR_VAULT_KEY")
    assert text not in str(error.value)


@pytest.mark.parametrize(
    ("error", "code"), [(SettingsError("x"), 1), (GateRefused("x"), 3), (SourceUnavailable("x"), 75)]
)
def test_the_exit_code_says_who_must_act(error, code, capsys):
    def step():
        raise error

    assert guarded(step) == code
    assert capsys.readouterr().err == f"{type(error).__name__}: x\n"
