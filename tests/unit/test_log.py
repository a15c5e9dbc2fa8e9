"""A log says what happened and never to whom, whoever logs what."""

import json

import pytest

from pipelines.base.log import get_logger


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("zanzibarova@example.org", "email"),
        (["a.csv", "zanzibarova@example.org.csv"], "email"),
        ({"Zanzibarova": "+49 30 1234567"}, "phone"),
        (ValueError("could not read 078-05-1120 (Zanzibarova)"), "ssn"),
        ("Zanzibarova, born on 3 May 1980", "birth_date"),
        ("078-05-1120 zanzibarova@example.org", "ssn, email"),
    ],
)
@pytest.mark.parametrize("form", ["json", "text"])
def test_what_looks_like_somebodys_is_withheld_and_its_kind_told(monkeypatch, capsys, value, kind, form):
    monkeypatch.setenv("CANDOR_LOG", form)
    get_logger("ingest").info("file_read", file=value, rows=7)
    line = capsys.readouterr().err
    assert f"[withheld: {kind}]" in line
    assert "anzibarova" not in line
    assert "7" in line


def test_an_event_is_looked_at_too(monkeypatch, capsys):
    monkeypatch.setenv("CANDOR_LOG", "json")
    get_logger("ingest").info("read the file of zanzibarova@example.org")
    assert json.loads(capsys.readouterr().err)["event"] == "[withheld: email]"


def test_what_lines_have_stays_as_it_is(monkeypatch, capsys):
    monkeypatch.setenv("CANDOR_LOG", "json")
    said = {
        "batch": "20260930T235959",
        "sha256": "0123456789" * 6 + "abcd",
        "as_of": "2026-09-30",
        "file": "exports/workday/HRML_Workers_2026-09.json",
        "units": ["a", "b"],
        "counts": {"in": 5},
        "is_shadow": False,
        "share": 0.5,
        "key": None,
        "url": "s3://candor/acme?locked=candor-locked&retain_days=3650",
    }
    get_logger("ingest").info("step_done", **said)
    line = json.loads(capsys.readouterr().err)
    assert {name: line[name] for name in said} == said
    assert (line["event"], line["stage"], line["level"]) == ("step_done", "ingest", "info")
