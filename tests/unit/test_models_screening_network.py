"""Screening's two scorers: they learn, say the same after loading, repeat themselves and give reasons."""

from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import polars as pl
import pytest

from pipelines.base.contracts import ABSTAINED
from pipelines.models import network as load_network
from pipelines.models.saved import loaded
from pipelines.models.screening import text
from pipelines.models.screening.features import Decide, Encoder, Train
from pipelines.score import rows
from pipelines.score.recheck import tried_reasons

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras on NumPy 2

SKILLS = ("soup", "bread", "cake", "ledger", "audit", "payroll")
SETTINGS = Train(
    encoder=Encoder(folder="", model_sha256="", vocab_sha256=""),
    shape="terms",
    words=12,
    newest_cases=60,
    max_terms=200,
    signs=200,
    ridge=0.5,
    epochs=4,
    patience=4,
    batch=16,
    learning_rate=0.01,
    weight_decay=0.001,
    l2=1.0,
    dropout=0.2,
    units=4,
    members=2,
    baseline_c=1.0,
)
network = cache(lambda: load_network("screening"))  # at the first test: to collect them needs no Keras


def examples() -> pl.DataFrame:
    """120 people with three skills each; who has two or more of the three that are asked for is advanced."""
    rng = np.random.default_rng(1)
    rows = []
    for number in range(120):
        has, asked = (set(rng.choice(SKILLS, 3, replace=False)) for _ in range(2))
        rows.append(
            {
                "person_id": f"p{number:03d}",
                "subject_id": f"R-{number % 7}",
                "target_code": "advanced",
                "occurred_at": datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number),
                "resume_text": f"I know {', '.join(sorted(has))}. Rare{number}.",
                "requisition_text": f"We want {', '.join(sorted(asked))}.",
                "outcome": float(len(has & asked) >= 2),
                "split": "train" if number < 80 else "valid" if number < 100 else "test",
            }
        )
    return pl.DataFrame(rows)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    root = tmp_path_factory.mktemp("screening")
    (root / "model").mkdir()
    (root / "baseline").mkdir()
    history = network().fit(examples(), SETTINGS, root / "model", 7, 3)
    assert set(history[0]) == {"epoch", "loss", "valid_loss"}
    network().fit_baseline(examples(), SETTINGS, root / "baseline", 7, 3)
    return root / "model", root / "baseline"


def test_people_with_what_is_asked_for_score_higher(folders: tuple[Path, Path]) -> None:
    test = examples().filter(pl.col("split") == "test")
    for folder, scorer in zip(folders, ("model", "baseline"), strict=True):
        found = network().predict(folder, test, scorer).join(test, on=["person_id", "subject_id"])
        means = dict(found.group_by("outcome").agg(pl.col("score").mean()).iter_rows())
        assert means[1.0] > means[0.0]
        assert found.filter((pl.col("low") > pl.col("score")) | (pl.col("high") < pl.col("score"))).is_empty()


def test_the_same_seed_gives_the_same_scores(folders: tuple[Path, Path], tmp_path: Path) -> None:
    test = examples().filter(pl.col("split") == "test")
    network().fit(examples(), SETTINGS, tmp_path, 7, 3)
    first, second = (network().predict(folder, test, "model") for folder in (folders[0], tmp_path))
    assert first.equals(second)


def test_rare_words_are_in_no_file_of_either_scorer(folders: tuple[Path, Path]) -> None:
    for folder in folders:
        for file in folder.iterdir():
            assert b"rare1" not in file.read_bytes()
    with ZipFile(folders[0] / "model.keras") as archive:
        assert b"soup" in archive.read("config.json")
        assert b"rare1" not in archive.read("config.json")


def test_reasons_name_what_is_there_and_what_is_missing(folders: tuple[Path, Path]) -> None:
    case = (
        examples()
        .head(1)
        .with_columns(
            resume_text=pl.lit("I know soup and bread."), requisition_text=pl.lit("We want soup, ledger and audit.")
        )
    )
    [reasons] = network().explain(folders[0], case, network().predict(folders[0], case, "model"))
    assert reasons[0] == "match:soup"
    assert {code for code in reasons if code.startswith("missing:")} == {"missing:ledger", "missing:audit"}
    assert len(reasons) <= 5


def test_without_what_a_reason_names_the_score_moves_as_the_reason_says(folders: tuple[Path, Path]) -> None:
    cases = examples().filter(split="test").head(6)
    scored = network().predict(folders[0], cases, "model")
    tried = [
        reason
        for row, codes in zip(scored.iter_rows(named=True), network().explain(folders[0], cases, scored), strict=True)
        for reason in tried_reasons("screening", folders[0], cases.filter(person_id=row["person_id"]), codes)
    ]
    assert {reason.code.partition(":")[0] for reason in tried} == {"match", "missing", "span"}
    assert all(reason.is_held for reason in tried)
    no_part = tried_reasons("screening", folders[0], cases.head(1), ["match:quetzal", "missing:quetzal"])
    assert not any(reason.is_held for reason in no_part)


def test_a_reason_names_no_rare_word_and_none_that_only_the_applicant_wrote(
    folders: tuple[Path, Path],
) -> None:
    """`infra/adr/0009`: Quetzal is in no other resume, cake is not asked for."""
    case = (
        examples()
        .head(1)
        .with_columns(
            resume_text=pl.lit("I know soup, cake and Quetzal."), requisition_text=pl.lit("We want soup and Quetzal.")
        )
    )
    [reasons] = network().explain(folders[0], case, network().predict(folders[0], case, "model"))
    assert reasons == ["match:soup"]


def test_passages_are_named_without_which_the_score_is_lower(folders: tuple[Path, Path]) -> None:
    filler = "Enjoyed long walks along rivers."
    told = (filler, "I know soup and bread well.", filler, "Also ledger and audit.", filler)
    starts = [sum(len(part) + 1 for part in told[:n]) for n in range(5)]
    case = (
        examples()
        .head(1)
        .with_columns(resume_text=pl.lit("\n".join(told)), requisition_text=pl.lit("We want soup, bread and ledger."))
    )
    case = pl.concat([case, case.with_columns(subject_id=pl.lit("R-8"), requisition_text=pl.lit("We want cake."))])
    scored = network().predict(folders[0], case, "model")
    named = [
        [code for code in codes if code.startswith("span:")] for codes in network().explain(folders[0], case, scored)
    ]
    assert named[0][0] == f"span:{starts[1]}-{starts[1] + len(told[1])}"
    assert f"span:{starts[0]}-{starts[0] + len(filler)}" not in named[0]
    assert len(named[0]) <= 2
    for row, codes in zip(scored.iter_rows(named=True), named, strict=True):
        tried = tried_reasons("screening", folders[0], case.filter(subject_id=row["subject_id"]), codes)
        falls = [row["score"] - reason.score for reason in tried]
        assert falls == sorted(falls, reverse=True)
        assert all(fall >= 0.01 - 1e-6 for fall in falls)


def test_few_resumes_are_held_at_once_and_say_the_same(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = examples().filter(split="test")  # 20 resumes, and 10 of them once more among the others
    again = cases.head(10).with_columns(pl.lit("R-9").alias("subject_id"))
    asked = pl.concat([cases, again]).with_columns(order=pl.int_range(30) * 7 % 30).sort("order")
    whole = network().predict(folders[0], asked, "model")
    reasons = network().explain(folders[0], asked, whole)
    held = []
    slices = network()._slices  # type: ignore[attr-defined]

    def watched(texts: pl.Series) -> object:
        held.append((texts.name, len(texts)))
        return slices(texts)

    monkeypatch.setattr(network(), "_slices", watched)
    monkeypatch.setattr(network(), "_BATCH", 4)
    parted = network().predict(folders[0], asked, "model")
    assert parted["score"].to_list() == pytest.approx(whole["score"].to_list(), abs=1e-6)
    assert [size for name, size in held if name == "resume_text"] == [4] * 5  # none is read twice
    held.clear()
    assert network().explain(folders[0], asked, whole) == reasons
    assert max(size for name, size in held if name == "resume_text") <= 4


def test_no_case_gives_no_score(folders: tuple[Path, Path]) -> None:
    nobody = examples().head(0)
    assert network().predict(folders[0], nobody, "model").is_empty()
    assert network().explain(folders[0], nobody, network().predict(folders[0], nobody, "model")) == []


@pytest.mark.parametrize(
    "written", ["C++ & C#, 1998\u20132021: Köln ÉCOLE", "a_b-c.d 2019+ x2019 7 years", "", "  \n 20211 "]
)
def test_the_saved_model_reads_words_as_the_baseline_does(written: str) -> None:
    import tensorflow as tf

    from pipelines.models.screening.architecture import normalised

    assert normalised(tf.constant(written)).numpy().decode().split() == text.words_of(pl.Series([written])).to_list()[0]


@pytest.mark.parametrize(
    "written",
    [
        "Head Chef\n a b c d e f\n a b c d e f g\nh",
        "one\r\n\ttwo\tthree 1999\n\n",
        "",
        "a b c d e f g",
        "\u00c9cole\n" * 3,
    ],
)
def test_the_saved_model_reads_short_lines_as_its_vocabulary_was_chosen(written: str) -> None:
    import tensorflow as tf

    from pipelines.models.screening.architecture import fielded

    [fields] = text.fields_of(pl.Series([written])).to_list()
    assert fielded(tf.constant(written)).numpy().decode().split() == fields


def families() -> pl.DataFrame:
    """60 people whose title line is their trade; who applies for their own trade is advanced."""
    trades = ("Chef", "Teacher")
    rows = [
        {
            "person_id": f"p{number:03d}",
            "subject_id": f"R-{wanted}",
            "target_code": "advanced",
            "occurred_at": datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number),
            "resume_text": f"{trades[number % 2]}\nI worked for many different people in {number} years.",
            "requisition_text": f"{trades[wanted]}\nWe are looking for somebody like you.",
            "job_family_code": trades[wanted],
            "outcome": float(number % 2 == wanted),
            "split": "train" if number < 40 else "valid",
        }
        for number in range(60)
        for wanted in range(2)
    ]
    return pl.DataFrame(rows)


@pytest.fixture(scope="module")
def trades(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trades")
    network().fit(families(), SETTINGS, folder, 7, 3)
    return folder


def test_people_and_requisitions_of_one_trade_are_brought_together(trades: Path) -> None:
    asked = families().filter(pl.col("split") == "valid")
    scored = network().predict(trades, asked, "model")["score"]
    assert scored.filter(asked["outcome"] == 1).min() > scored.filter(asked["outcome"] == 0).max()


def test_who_is_kin_is_put_forward_before_anything_of_the_texts_is_learnt(tmp_path: Path) -> None:
    """All resumes have what is asked for; only the readers know what a cook may apply for."""
    own = pl.col("resume_text").str.replace("Chef", "Cook").str.replace("Teacher", "Tutor")
    renamed = families().with_columns(resume_text=own + "\nMy Chef and every Teacher of mine were always kind to me.")
    untaught = SETTINGS.model_copy(update={"epochs": 1, "learning_rate": 1e-9, "members": 1})
    network().fit(renamed, untaught, tmp_path, 7, 3)
    asked = renamed.filter(pl.col("split") == "valid")
    scored = network().predict(tmp_path, asked, "model")["score"]
    assert scored.filter(asked["outcome"] == 1).min() > 0.8
    assert scored.filter(asked["outcome"] == 0).max() < 0.2


def test_every_member_starts_at_what_the_covered_share_and_kin_told_of_the_outcome() -> None:
    """Of 900 kin 3 in 4 were advanced, or 9 in 10 where those count thrice; the others begin 1 in 2."""
    from pipelines.models.screening import architecture

    judges = architecture.members(2, SETTINGS, 1.0)
    for number in range(SETTINGS.members):
        judges.get_layer(f"{architecture.IMPORTANCE}{number}").set_weights([np.ones((2, 1), np.float32)])
    nothing = np.zeros((1800, 2), np.float32)
    kin = np.repeat([[0.5, 0], [0, 0]], 900, axis=0).astype(np.float32)
    outcome = np.concatenate([np.arange(900) % 4 > 0, np.arange(900) % 2 > 0]).astype(np.float32)
    for thrice, expected in ((1, [0.75, 0.5]), (3, [0.9, 0.75])):
        weight = np.where(outcome > 0, thrice, 1).astype(np.float32)
        architecture.begin(judges, [nothing, nothing, kin], outcome, weight)
        for said in judges.predict_on_batch([nothing[899:901], nothing[899:901], kin[899:901]]):
            assert said[:, 0] == pytest.approx(expected, abs=0.005)
    has = np.repeat([[1, 0], [0, 0]], 900, axis=0).astype(np.float32)  # one of the two terms that are asked for
    architecture.begin(judges, [has, nothing + 1, nothing], outcome, np.ones(1800, np.float32))
    for said in judges.predict_on_batch([has[899:901], nothing[899:901] + 1, nothing[899:901]]):
        assert said[:, 0] == pytest.approx([0.75, 0.5], abs=0.005)
    before = [weights.tolist() for weights in judges.get_weights()]
    architecture.begin(judges, [has, nothing + 1, nothing], 1 - outcome, np.ones(1800, np.float32))
    assert [weights.tolist() for weights in judges.get_weights()] == before, "what is asked for speaks against nobody"


@pytest.mark.parametrize("is_of_families", [True, False])
def test_a_table_of_pairs_says_what_the_saved_whole_says_of_each(
    is_of_families: bool, trades: Path, folders: tuple[Path, Path]
) -> None:
    """Short and long texts, and one without any known word, alone and among others."""
    import tensorflow as tf

    from pipelines.models.saved import loaded

    folder, cases = (trades, families()) if is_of_families else (folders[0], examples())
    some = cases.gather_every(5).head(12)
    longer = some.head(4).with_columns(pl.col("resume_text").repeat_by(40).list.join("\n"), subject_id=pl.lit("long"))
    empty = some.head(1).with_columns(resume_text=pl.lit("Qwertz"), subject_id=pl.lit("unknown"))
    asked = pl.concat([some, longer, empty])
    texts = [tf.constant(asked[name].to_list()) for name in ("resume_text", "requisition_text")]
    whole = loaded(folder / "model.keras").predict_on_batch(texts)[:, 0]
    scored = network().predict(folder, asked, "model")["score"].to_list()
    assert scored == pytest.approx(whole, abs=1e-6)
    assert len({round(score, 4) for score in scored}) > 4
    alone = [network().predict(folder, asked[n], "model")["score"][0] for n in range(len(asked))]
    assert alone == pytest.approx(scored, abs=1e-6)


def test_what_is_left_to_a_person_is_said_first_and_is_no_reason_to_try(folders: tuple[Path, Path]) -> None:
    test = examples().filter(split="test")
    plain = network().predict(folders[0], test, "model").sort("person_id", "subject_id")
    threshold = plain["score"].median()
    is_unsure = [low < threshold <= high for low, high in plain.select(pl.col("low", "high").round(6)).iter_rows()]
    assert sum(is_unsure) > 0
    stamp = rows.Stamp("m", "d", date(2026, 3, 1))
    for scorer, folder in zip(("model", "baseline"), folders, strict=True):
        found = rows.scored("screening", folder, test, scorer, stamp, decide=Decide(threshold=threshold, abstain=True))
        assert [ABSTAINED in codes[1:] for codes in found["reasons"]] == [False] * 20
        assert found["is_selected"].to_list() == [score >= threshold for score in found["score"]]
        if scorer == "model":
            assert [codes[0] == ABSTAINED for codes in found["reasons"]] == is_unsure
    assert tried_reasons("screening", folders[0], test.head(1), [ABSTAINED]) == []


def of_one_word(early_is_right: bool = True) -> pl.DataFrame:
    """The same people with another rule: who knows soup is advanced. Of the 20 oldest the opposite may be so."""
    soup = pl.col("resume_text").str.contains("soup")
    is_early = pl.lit(not early_is_right) & (pl.int_range(pl.len()) < 20)
    return examples().with_columns(outcome=(soup != is_early).cast(pl.Float64))


@pytest.mark.parametrize("shape", ["lstm", "convolution"])
def test_a_classic_shape_learns_from_the_newest_cases_and_says_the_same_alone(shape: str, tmp_path: Path) -> None:
    import tensorflow as tf  # after `load_network`, which says how many threads it may have

    settings = SETTINGS.model_copy(update={"shape": shape, "epochs": 12, "units": 8, "learning_rate": 0.03})
    runs = {"one": of_one_word(), "other": of_one_word(early_is_right=False)}
    for name, cases in list(runs.items())[: 2 if shape == "convolution" else 1]:
        (tmp_path / name).mkdir()
        assert set(network().fit(cases, settings, tmp_path / name, 7, 3)[0]) == {"epoch", "loss", "valid_loss"}
    test = of_one_word().filter(split="test")
    found = network().predict(tmp_path / "one", test, "model")
    if shape == "convolution":
        assert found.equals(network().predict(tmp_path / "other", test, "model"))  # the same 60 newest cases and seed
    means = dict(
        found.join(test, on=["person_id", "subject_id"]).group_by("outcome").agg(pl.col("score").mean()).rows()
    )
    assert means[1.0] - means[0.0] > 0.5
    alone = [network().predict(tmp_path / "one", case, "model")["score"].item() for case in test.iter_slices(1)]
    assert found["score"].to_list() == pytest.approx(alone, abs=1e-6)
    saved = loaded(tmp_path / "one" / "model.keras")
    said = saved([tf.constant(test[name].to_list()) for name in ("resume_text", "requisition_text")]).numpy()[:, 0]
    assert found["score"].to_list() == pytest.approx(said.tolist(), abs=1e-6)
    two = test.head(4).with_columns(resume_text=pl.lit("I like long walks here.\nI know soup and audit."))
    scored = network().predict(tmp_path / "one", two, "model")
    reasons = network().explain(tmp_path / "one", two, scored)
    assert {code.partition(":")[0] for codes in reasons for code in codes} <= {"span"}
    assert shape == "lstm" or reasons == [["span:24-46"]] * 4
    longer = test.with_columns(pl.col("resume_text") + " and" * 12 + " soup")
    assert (
        network()
        .predict(tmp_path / "one", test.with_columns(pl.col("resume_text") + " and" * 12), "model")
        .equals(network().predict(tmp_path / "one", longer, "model"))
    )
    with ZipFile(tmp_path / "one" / "model.keras") as archive:
        config = archive.read("config.json")
    assert b"soup" in config
    assert b"rare1" not in config
