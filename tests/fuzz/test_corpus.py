"""What the fuzzer found once never comes back, and sound files changed at random are read or refused."""

from random import Random
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.ingest.documents.pool import Worker
from pipelines.ingest.feeds import dialects
from tests.fuzz import targets
from tests.fuzz.targets import CORPUS, LIMITS, TARGETS

FOUND = sorted(path for path in CORPUS.rglob("*") if path.is_file())
FEW = settings(max_examples=12)
"""The fuzzer tries thousands a minute."""


@pytest.fixture(autouse=True, scope="module")
def documents_are_read_in_a_worker(tmp_path_factory):
    """As they are at work: a file that breaks what a parser keeps would break the tests that follow."""
    path, worker = tmp_path_factory.mktemp("documents") / "document", Worker(LIMITS)

    def extract(data, _limits):
        path.write_bytes(data)
        return worker.ask(path)

    with patch.object(targets, "extract", extract):
        yield
    worker.stop()


def changed(data: bytes, chance: Random) -> bytes:
    """A file that was cut, of which a piece stands twice, or in which some bytes are others."""
    at, to = sorted(chance.randrange(len(data) + 1) for _ in range(2))
    match chance.randrange(3):
        case 0:
            return data[:at]
        case 1:
            return data[:to] + data[at:]
        case _:
            flipped = bytearray(data)
            for _ in range(chance.randrange(1, 5)):
                flipped[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
            return bytes(flipped)


def test_every_dialect_and_every_type_of_document_is_attacked():
    assert set(TARGETS) == {*dialects()} - {"documents"} | {"pdf", "docx", "rtf", "html", "txt"}
    assert {path.parent.name for path in FOUND} <= set(TARGETS)


@pytest.mark.parametrize("path", FOUND, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_what_was_found_is_read_or_refused(path):
    TARGETS[path.parent.name].attack(path.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_sound_files_are_read(name):
    target = TARGETS[name]
    became = [target.attack(data) for data in target.seeds()]
    assert became[0] == "ok"


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # Arrow's, of a ragged row that is no text
@pytest.mark.parametrize("name", TARGETS)
@given(chance=st.randoms(use_true_random=False))
@FEW
def test_sound_files_that_were_changed_are_read_or_refused(name, chance):
    sound = TARGETS[name].seeds()
    TARGETS[name].attack(changed(chance.choice(sound), chance))
