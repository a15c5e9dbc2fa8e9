"""A text encoder out of the store: how it reads, that it is the one that was approved, and that a model learns on it.

The encoder is made here: an embedding of pieces and nothing else, so that vectors can be told by hand.
"""

import importlib
import json
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from pipelines.base.digests import sha256_bytes, sha256_file
from pipelines.base.errors import ContractError, SettingsError
from pipelines.base.store import FileStore
from pipelines.models import network as load_network
from pipelines.models.screening.features import Decide, Encoder
from pipelines.score import rows
from tests.unit.test_models_screening_network import SETTINGS, examples

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras on NumPy 2

network = cache(lambda: load_network("screening"))  # at the first test: to collect them needs no Keras


@cache
def encoder():
    network()  # tells Keras how many threads it may have
    return importlib.import_module("pipelines.models.screening.encoder")


PIECES = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "i", "know", "we", "want", ",", ".", "and", "soup", "bread", "cake",
          "ledger", "audit", "pay", "##roll", "##s", "a", "##b", "élan", "elan")  # fmt: skip
KNOWN = {piece: place for place, piece in enumerate(PIECES)}


def onnx_of(table: np.ndarray) -> bytes:
    """[n, tokens] numbers -> [n, tokens, size] rows of a table."""
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    from onnx import TensorProto, helper, numpy_helper

    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["n", "t"]) for name in ("input_ids", "attention_mask")
    ]
    output = helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, ["n", "t", table.shape[1]])
    node = helper.make_node("Gather", ["table", "input_ids"], ["last_hidden_state"])
    graph = helper.make_graph(
        [node], "tiny", inputs, [output], [numpy_helper.from_array(table.astype(np.float32), "table")]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def beside(folder: Path, table: np.ndarray) -> Path:
    (folder / encoder().MODEL).write_bytes(onnx_of(table))
    (folder / encoder().VOCABULARY).write_text("\n".join(PIECES) + "\n", encoding="utf-8")
    return folder


def said(text: str) -> list[str]:
    return [PIECES[number] for number in encoder().pieces(text, KNOWN)]


def test_words_are_parted_into_the_longest_pieces_that_are_known() -> None:
    assert said("I know SOUP, payrolls.") == ["i", "know", "soup", ",", "pay", "##roll", "##s", "."]
    assert said("ab payx bread") == ["a", "##b", "[UNK]", "bread"]
    assert said("Élan soup\u200b\ufffds") == ["elan", "soup", "##s"]
    assert said("a" * 101 + " a") == ["[UNK]", "a"]
    assert said("a,b") == ["a", ",", "[UNK]"]
    assert said("") == []


def test_a_text_is_the_mean_of_its_tokens_over_all_its_windows(tmp_path: Path) -> None:
    read = encoder().reader(beside(tmp_path, np.eye(len(PIECES))))
    (vector,) = read(["soup soup bread"])
    told = {PIECES[n]: vector[n] for n in np.flatnonzero(vector)}
    assert told == pytest.approx(
        {name: n / 7**0.5 for name, n in {"soup": 2, "bread": 1, "[CLS]": 1, "[SEP]": 1}.items()}
    )
    (long,) = read(["soup " * 254 + "bread " * 254 + "cake " * 600])  # four windows of 254 pieces are read
    counts = {"soup": 254, "bread": 254, "cake": 508, "[CLS]": 4, "[SEP]": 4}
    length = sum(count**2 for count in counts.values()) ** 0.5
    assert {PIECES[n]: long[n] * length for n in np.flatnonzero(long)} == pytest.approx(counts, rel=1e-4)
    texts = ["", "soup", "bread and cake " * 90, "soup"]
    assert read(texts) == pytest.approx(np.concatenate([read([text]) for text in texts]), abs=1e-6)


@pytest.fixture
def staged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """An encoder in the store, by name and digests."""
    folder = tmp_path / "made"
    folder.mkdir()
    beside(folder, np.random.default_rng(5).normal(size=(len(PIECES), 12)))
    store = FileStore(tmp_path / "store")
    monkeypatch.setenv("CANDOR_STORE", store.url)
    store.put("encoders/tiny/model.onnx", (folder / encoder().MODEL).read_bytes())
    store.put("encoders/tiny/vocab.txt", (folder / encoder().VOCABULARY).read_bytes())
    digests = [sha256_file(folder / name) for name in (encoder().MODEL, encoder().VOCABULARY)]
    return {"folder": "encoders/tiny", "model_sha256": digests[0], "vocab_sha256": digests[1]}


def test_a_model_learns_on_it_and_travels_with_it(
    staged: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = SETTINGS.model_copy(
        update={
            "shape": "encoder",
            "encoder": Encoder(**staged),
            "epochs": 4,
            "members": 1,
            "units": 8,
            "learning_rate": 0.03,
        }
    )
    cases = examples().with_columns(outcome=pl.col("resume_text").str.contains("soup").cast(pl.Float64))
    first = tmp_path / "first"
    assert set(network().fit(cases, settings, first, 7, 3)[0]) == {"epoch", "loss", "valid_loss"}
    monkeypatch.delenv("CANDOR_STORE")  # a release reads nothing else
    test = cases.filter(split="test")
    stamp = rows.Stamp("m", "d", date(2026, 3, 1))
    found = rows.scored("screening", first, test, "model", stamp, decide=Decide(threshold=0.5))
    told = found.join(test, on=["person_id", "subject_id"])
    means = dict(told.group_by("outcome").agg(pl.col("score").mean()).rows())
    assert means[1.0] - means[0.0] > 0.5
    alone = [network().predict(first, case, "model")["score"].item() for case in test.head(4).iter_slices(1)]
    assert network().predict(first, test, "model")["score"].to_list()[:4] == pytest.approx(alone, abs=1e-6)
    two = test.head(1).with_columns(resume_text=pl.lit("We want cake and audit.\nI know soup, soup."))
    scored = network().predict(first, two, "model")
    assert network().explain(first, two, scored)[0][-1] == "span:24-42"

    def odds(weight: float) -> np.ndarray:
        (first / encoder().WEIGHT).write_text(json.dumps({"weight": weight}))
        chance = network().predict(first, test, "model")["score"].to_numpy()
        return np.log(chance / (1 - chance))

    import keras

    judged = keras.saving.load_model(first / encoder().JUDGED, compile=False)
    read = encoder().reader(first)
    own = judged([read(test[name].to_list()) for name in ("resume_text", "requisition_text")]).numpy()[:, 0]
    apart = np.log(own / (1 - own)).astype(np.float64)
    assert np.abs(apart - odds(0.0)).max() > 0.1
    assert odds(0.25) == pytest.approx(0.75 * odds(0.0) + 0.25 * apart, abs=1e-3)


def test_the_encoder_is_heard_as_far_as_it_helps_and_half_at_most() -> None:
    outcome = np.array([1.0, 0.0, 1.0, 0.0])
    right, wrong, even = np.array([0.9, 0.1, 0.9, 0.1]), np.array([0.1, 0.9, 0.1, 0.9]), np.full(4, 0.5)
    assert encoder().weighed(even, right, outcome) == 0.5
    assert encoder().weighed(right, wrong, outcome) == 0
    assert encoder().weighed(right, right, outcome) == 0
    # 3 of 4 came true where terms say .5 and the encoder 27 to 1: odds of 3 to 1 are those of a third, .35 next to it
    three = np.array([1.0, 1.0, 1.0, 0.0])
    assert encoder().weighed(even, np.full(4, 27 / 28), three) == 0.35
    assert encoder().mixed(np.array([0.5]), np.array([0.9]), 0.5).numpy() == pytest.approx([0.75])  # 9 to 1, to 3 to 1


def test_an_encoder_that_is_not_the_approved_one_is_not_read(staged: dict[str, str], tmp_path: Path) -> None:
    for name in ("model_sha256", "vocab_sha256"):
        other = staged | {name: sha256_bytes(b"other")}
        settings = SETTINGS.model_copy(update={"shape": "encoder", "encoder": Encoder(**other)})
        with pytest.raises(ContractError, match=r"must have the sha256 that params\.yaml names"):
            encoder().stage(settings, tmp_path)
    assert not (tmp_path / encoder().VOCABULARY).exists()


def test_without_an_encoder_there_is_no_such_shape(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="must have an encoder"):
        encoder().stage(SETTINGS.model_copy(update={"shape": "encoder"}), tmp_path)
