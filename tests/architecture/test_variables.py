"""Whoever runs Candor without `make up` finds every variable that it reads in the README."""

import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
OURS: Final = {"CANDOR_CLONE", "CANDOR_PROCESS_MARK"}
"""What one of our processes tells another, and nobody else sets."""


def test_every_variable_is_in_the_readme():
    folders = (ROOT / name for name in ("dags", "pipelines", "monitoring", "infra/run"))
    texts = [file.read_text() for folder in folders for file in folder.rglob("*.py")]
    names = {name for text in texts for name in re.findall(r"\bCANDOR_[A-Z_]*[A-Z]\b", text)}
    assert "CANDOR_STORE" in names
    readme = (ROOT / "README.md").read_text()
    assert {name for name in names - OURS if not re.search(rf"\b{name}\b", readme)} == set()
