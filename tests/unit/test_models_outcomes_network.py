"""Both tabular families' scorers: they learn, repeat themselves, say the same after loading, and give reasons."""

import json
import os
import shutil
import zipfile

import numpy as np
import polars as pl
import pytest

from pipelines import models
from pipelines.models import network, saved, tabular, trees
from pipelines.models.outcomes.features import Train as OutcomesTrain
from pipelines.models.performance.features import Train as PerformanceTrain
from pipelines.score.recheck import tried_reasons

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras on NumPy 2

COMMON = {"epochs": 12, "patience": 12, "batch": 32, "learning_rate": 0.02, "weight_decay": 0.001, "dropout": 0.05}
COMMON |= {"units": 8, "embedding": 2, "pieces": 4, "members": 2}
COMMON |= {"trees": 20, "tree_rate": 0.2, "tree_leaves": 4}
SETTINGS = {
    "outcomes": OutcomesTrain(**COMMON, grade_coverage=0.9),
    "performance": PerformanceTrain(**COMMON, coverage=0.8, forest=5, forest_leaf=2),
}


def prepared(family: str) -> pl.DataFrame:
    """300 people: `told` decides, `noise` does not, `gaps` is missing for half of them."""
    rng = np.random.default_rng(3)
    told, noise = rng.normal(size=300), rng.normal(size=300)
    gaps = [None if n % 2 else 1.0 for n in range(300)]
    share = 1 / (1 + np.exp(-3 * told))
    frame = pl.DataFrame({"person_id": [f"p{n:03}" for n in range(300)], "subject_id": "s", "target_code": "t"})
    split = ["train"] * 200 + ["valid"] * 50 + ["test"] * 50
    names = ("submitted_score_mean", "lead_days", "credits") if family == "outcomes" else ("told", "noise", "gaps")
    frame = frame.with_columns(
        split=pl.Series(split),
        outcome=pl.Series((share > 0.5).astype(float) if family == "outcomes" else share),
        **{name: pl.Series(values) for name, values in zip(names, (told, noise, gaps), strict=True)},
    )
    if family == "outcomes":
        return frame.with_columns(course_id=pl.lit("c"))
    steps = [[None, value - 0.1, value] for value in told]
    return frame.with_columns(job_family_code=pl.lit("sales"), told__steps=pl.Series(steps, dtype=pl.List(pl.Float64)))


@pytest.fixture(scope="module", params=["outcomes", "performance"])
def fitted(request, tmp_path_factory):
    family, folder = request.param, tmp_path_factory.mktemp(request.param)
    frame = prepared(family)
    history = network(family).fit(frame, SETTINGS[family], folder / "model", 1, 2)
    network(family).fit_baseline(frame, SETTINGS[family], folder / "baseline", 1, 2)
    return family, folder, frame.filter(split="test"), history


def test_each_epoch_leaves_its_losses_and_they_fall(fitted):
    *_, history = fitted
    assert [row["epoch"] for row in history] == list(range(1, 13))
    assert history[-1]["valid_loss"] < history[0]["valid_loss"]


@pytest.mark.parametrize("scorer", ["model", "baseline"])
def test_scores_follow_what_decides_and_lie_in_their_interval(fitted, scorer):
    family, folder, test, _ = fitted
    found = network(family).predict(folder / scorer, test, scorer)
    assert found["person_id"].to_list() == test["person_id"].to_list()
    assert np.corrcoef(found["score"].rank(), test["outcome"].rank())[0, 1] > 0.7
    assert found.select(((pl.col("low") <= pl.col("score")) & (pl.col("score") <= pl.col("high"))).all()).item()
    assert found.select(pl.col("low").min() >= 0, pl.col("high").max() <= 1).row(0) == (True, True)


@pytest.mark.parametrize("scorer", ["model", "baseline"])
def test_codes_never_seen_and_columns_not_there_are_unknown_not_errors(fitted, scorer):
    family, folder, test, _ = fitted
    code = "course_id" if family == "outcomes" else "job_family_code"
    gone = "credits" if family == "outcomes" else "gaps"
    found = network(family).predict(folder / scorer, test.drop(gone).with_columns(pl.lit("new").alias(code)), scorer)
    assert found["score"].is_finite().all()


def test_nobody_to_score_is_no_error(fitted):
    family, folder, test, _ = fitted
    assert len(network(family).predict(folder / "model", test.clear(), "model")) == 0
    assert network(family).explain(folder / "model", test.clear(), test.clear()) == []


def test_the_first_reason_is_what_decides_with_its_direction(fitted):
    family, folder, test, _ = fitted
    name = "submitted_score_mean" if family == "outcomes" else "told"
    scored = network(family).predict(folder / "model", test, "model").sort("score")
    reasons = network(family).explain(folder / "model", test, scored)
    assert reasons[0][0] == f"lowers:{name}"
    assert reasons[-1][0] == f"raises:{name}"
    assert all(len(codes) <= 5 for codes in reasons)


def test_without_what_a_reason_names_the_score_moves_as_the_reason_says(fitted):
    family, folder, test, _ = fitted
    scored = network(family).predict(folder / "model", test, "model").sort("score")
    scored = pl.concat([scored.head(3), scored.tail(3)])
    reasons = network(family).explain(folder / "model", test, scored)
    for row, codes in zip(scored.iter_rows(named=True), reasons, strict=True):
        case = test.filter(person_id=row["person_id"])
        tried = tried_reasons(family, folder / "model", case, codes)
        assert tried
        assert all(reason.is_held for reason in tried)
        opposite = {"lowers": "raises", "raises": "lowers"}
        turned = [f"{opposite[kind]}:{name}" for kind, name in (code.split(":") for code in codes)]
        assert not any(reason.is_held for reason in tried_reasons(family, folder / "model", case, turned))


def test_trees_kept_as_arrays_say_what_scikit_learn_says(tmp_path):
    from sklearn.ensemble import HistGradientBoostingClassifier

    rng = np.random.default_rng(0)
    values = rng.normal(size=(200, 3))
    values[rng.random((200, 3)) < 0.2] = np.nan
    labels = (np.nan_to_num(values[:, 0]) > 0).astype(float)
    estimator = HistGradientBoostingClassifier(max_iter=15, random_state=0).fit(values, labels)
    trees.save(trees.of(estimator), tmp_path)
    assert trees.total(trees.load(tmp_path), values) == pytest.approx(estimator.decision_function(values))


def test_a_number_becomes_steps_between_quantiles():
    weights, bias = tabular.pieces(np.array([[0.0], [1.0], [3.0], [np.nan]]), 2)
    steps = np.clip(np.array([[-1.0], [0.5], [2.0], [9.0]]) @ weights + bias, 0, 1)
    assert steps == pytest.approx(np.array([[0, 0], [0.5, 0], [1, 0.5], [1, 1]]))


def test_codes_of_too_few_people_share_the_place_of_unknown_ones():
    frame = pl.DataFrame({"person_id": list("abcc"), "subject_id": "s", "code": ["x", "x", "y", "y"]})
    columns = tabular.learn(frame, 2)
    assert columns.codes == {"code": ["x"]}
    assert tabular.indices(columns, pl.DataFrame({"code": ["x", "y", None]})).tolist() == [[1], [0], [0]]


def test_keras_is_loaded_with_one_thread_in_and_between_operations(monkeypatch):
    loaded, threads = [], ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
    for name in threads:
        monkeypatch.setenv(name, "2")
    monkeypatch.setattr(
        models.importlib, "import_module", lambda name: loaded.append((name, *(os.environ[n] for n in threads)))
    )
    network("outcomes")
    assert loaded == [("keras", "1", "1"), ("pipelines.models.outcomes.network", "1", "1")]


def test_a_network_answers_for_every_row_in_order_whatever_the_batches():
    class Doubles:
        def predict_on_batch(self, arrays):
            return arrays["numeric"] * 2 + arrays["missing"]

    rows = np.arange(10_000, dtype=np.float32)[:, None]
    answers = tabular.answers(Doubles(), {"numeric": rows, "missing": np.ones_like(rows)})
    assert answers.dtype == np.float64
    assert (answers == rows * 2 + 1).all()


def test_a_network_is_read_once_until_its_bytes_change(fitted, tmp_path):
    family, folder, *_ = fitted
    file = tmp_path / network(family).MODEL
    shutil.copy(folder / "model" / file.name, file)
    first = saved.loaded(file)
    assert saved.loaded(file) is first
    assert saved.loaded(folder / "model" / file.name) is not first
    first = saved.loaded(file)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("note.txt", "other bytes")
    assert saved.loaded(file) is not first


def test_a_forest_kept_as_arrays_says_what_the_library_says() -> None:
    from sklearn.ensemble import ExtraTreesRegressor

    from pipelines.models import trees

    rng = np.random.default_rng(0)
    values, truth = rng.random((60, 3)).astype(np.float32), rng.random(60)
    forest = ExtraTreesRegressor(4, min_samples_leaf=3, random_state=0).fit(values, truth)
    assert trees.total(trees.mean_of(forest), values.astype(np.float64)) == pytest.approx(forest.predict(values))


def _leaves(found: trees.Trees, values: np.ndarray) -> list[list[list[int]]]:
    """Rows of every leaf that has any, a tree: walked here one row at a time."""
    told = []
    for root in found.roots:
        rows: dict[int, list[int]] = {}
        for row, given in enumerate(values):
            at = int(root)
            while not found.is_leaf[at]:
                at = int((found.left if given[found.feature[at]] <= found.threshold[at] else found.right)[at])
            rows.setdefault(at, []).append(row)
        told.append(list(rows.values()))
    return told


def test_a_leaf_of_few_people_is_merged_however_many_ratings_they_have() -> None:
    # one tree by hand: <= 1 are 3 ratings of one person, <= 2 the 2 of two others, the rest of two more
    tree = trees.Trees(
        roots=np.array([0]), feature=np.array([0, 0, 0, 0, 0]), threshold=np.array([2.0, 1.0, 0, 0, 0]),
        left=np.array([1, 3, 0, 0, 0]), right=np.array([2, 4, 0, 0, 0]),
        is_leaf=np.array([False, False, True, True, True]), is_missing_left=np.zeros(5, dtype=bool),
        value=np.array([0.5, 0.4, 0.7, 0.1, 0.9]), intercept=np.zeros(1),
    )  # fmt: skip
    values, people = np.array([[1.0], [1], [1], [2], [2], [3], [3]]), np.array([0, 0, 0, 1, 2, 3, 4])
    merged = trees.told_by(tree, values, people, 2)
    assert trees.total(merged, values).tolist() == [0.4] * 5 + [0.7] * 2
    assert merged.value.tolist() == [0.5, 0.4, 0.7]  # what the person's leaf said is kept nowhere
    assert trees.total(trees.told_by(tree, values, people, 4), values).tolist() == [0.5] * 7
    assert trees.total(trees.told_by(tree, values, people, 1), values).tolist() == [0.1] * 3 + [0.9] * 2 + [0.7] * 2


def test_every_leaf_of_the_forest_is_of_enough_people() -> None:
    rng = np.random.default_rng(0)
    people = np.repeat(np.arange(40), 5)  # five ratings each, alike: a leaf parts people before it parts ratings
    told = rng.random(40)[people] + rng.random(200) / 100
    frame = pl.DataFrame({"person_id": [f"p{n}" for n in people], "told": told, "outcome": told})
    columns = tabular.learn(frame.select("person_id", "told", subject_id=pl.lit("s")), 4)
    found = network("performance")._forest(columns, frame, SETTINGS["performance"], 0, 4).trees
    for leaves in _leaves(found, told.astype(np.float32)[:, None]):
        assert len(leaves) > 2
        assert min(len(set(people[rows])) for rows in leaves) >= 4


def test_the_forest_does_not_grow_with_the_company() -> None:
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({"person_id": np.arange(40_000).astype(str), "told": rng.random(40_000)})
    frame = frame.with_columns(outcome=pl.Series(rng.random(40_000)), subject_id=pl.lit("s"))
    found = network("performance")._forest(
        tabular.learn(frame.drop("outcome"), 1), frame, SETTINGS["performance"], 0, 1
    )
    assert (
        len(found.trees.is_leaf) / len(found.trees.roots) < 2 * 2000
    )  # leaves of 20 ratings; of 2 they were ten times as many


def test_the_interval_moves_with_the_middle() -> None:
    from pipelines.models import network

    said = np.array([[0.2, 0.4, 0.7]])
    mixed = network("performance")._mixed(said, np.array([0.6]), 0.25)  # type: ignore[attr-defined]
    assert mixed[0] == pytest.approx([0.35, 0.55, 0.85])  # 0.25 of 0.4 and 0.75 of 0.6 are 0.55


def test_validation_scores_know_no_outcome_of_the_cases_they_are_about(fitted):
    """By turning those outcomes round: the saved performance model has learnt from them in the end."""
    family, folder, _, _ = fitted
    frame = prepared(family)
    outcome = pl.when(pl.col("split") == "valid").then(1 - pl.col("outcome")).otherwise(pl.col("outcome"))
    asked = (frame, frame.with_columns(outcome=outcome))
    first, turned = (network(family).validate(one, SETTINGS[family], folder / "model", 1, 2) for one in asked)
    valid = frame.filter(split="valid")
    assert first["person_id"].to_list() == valid["person_id"].to_list()
    assert first.equals(turned)
    saved_says = network(family).predict(folder / "model", valid, "model")
    assert (first["score"] - saved_says["score"]).abs().max() == pytest.approx(0, abs=0.3)
    assert first["score"].equals(saved_says["score"]) is (family == "outcomes")


def test_cases_that_count_nothing_teach_nothing(fitted, tmp_path):
    """Of the training cases only those count that end well: everybody is expected to."""
    family, folder, test, _ = fitted
    frame = prepared(family)
    weighed = frame.with_columns((pl.col("outcome") > 0.5).cast(pl.Float64).alias(models.CASE_WEIGHT))
    network(family).fit(weighed, SETTINGS[family], tmp_path, 1, 2)
    said = network(family).predict(tmp_path, test, "model")["score"]
    before = network(family).predict(folder / "model", test, "model")["score"]
    low = test["outcome"] < 0.3
    assert said.filter(low).mean() > before.filter(low).mean() + 0.2
    assert models.CASE_WEIGHT not in tabular.load(tmp_path).names


@pytest.mark.parametrize("weight", [1.0, 3.0])
def test_the_mean_chance_of_training_cases_is_the_share_of_them_that_came_true(tmp_path, weight):
    """Stopped after two epochs of steps too long, a network is far off in the mean; 103 of these 200 end well."""
    counts = pl.when(pl.col("outcome") > 0.5).then(weight).otherwise(1.0)
    frame = prepared("outcomes").with_columns(counts.alias(models.CASE_WEIGHT))
    settings = SETTINGS["outcomes"].model_copy(update={"epochs": 2, "learning_rate": 0.05})
    network("outcomes").fit(frame, settings, tmp_path, 1, 2)
    train = frame.filter(split="train")
    said = network("outcomes").predict(tmp_path, train, "model")["score"]
    share = 103 * weight / (103 * weight + 97)
    assert np.average(said, weights=train[models.CASE_WEIGHT]) == pytest.approx(share, abs=1e-4)


def test_where_every_case_ends_well_the_chance_stays_below_one(tmp_path):
    frame = prepared("outcomes").with_columns(outcome=pl.lit(1.0))
    network("outcomes").fit(frame, SETTINGS["outcomes"], tmp_path, 1, 2)
    said = network("outcomes").predict(tmp_path, frame, "model")["score"]
    assert 0.5 < said.min() <= said.max() < 1


def graded(frame: pl.DataFrame) -> pl.DataFrame:
    """Who passes has a score of `told`, squeezed to a share; the others have none."""
    share = 1 / (1 + (-pl.col("submitted_score_mean")).exp())
    return frame.with_columns(end_score_share=pl.when(pl.col("outcome") == 1).then(share))


def test_the_score_at_the_end_is_foreseen_from_those_who_got_one(tmp_path):
    """Nine of ten later cases lie inside the interval, and whoever got none has one foreseen too."""
    family, frame = network("outcomes"), graded(prepared("outcomes"))
    settings = SETTINGS["outcomes"].model_copy(update={"epochs": 25, "patience": 25, "learning_rate": 0.04})
    family.fit(frame, settings, tmp_path / "model", 1, 2)
    family.fit_baseline(frame, settings, tmp_path / "baseline", 1, 2)
    test = frame.filter(split="test")
    for scorer in ("model", "baseline"):
        found = family.grades(tmp_path / scorer, test, scorer)
        assert found.select("person_id", "subject_id", "target_code").equals(
            test.select("person_id", "subject_id", "target_code")
        )
        known = found.with_columns(ended=test["end_score_share"]).drop_nulls("ended")
        assert 10 < len(known) < len(found)
        assert (known["grade"] - known["ended"]).abs().mean() < 0.05
        assert known.select(pl.col("ended").is_between("low", "high").mean()).item() >= 0.7
        assert found.select(((pl.col("low") <= pl.col("grade")) & (pl.col("grade") <= pl.col("high"))).all()).item()
        assert found.select(pl.col("low").min() >= 0, pl.col("high").max() <= 1).row(0) == (True, True)


def test_without_scores_none_is_foreseen_and_the_chances_are_the_same(tmp_path):
    family, frame = network("outcomes"), prepared("outcomes")
    settings = SETTINGS["outcomes"].model_copy(update={"epochs": 2})
    nobody = pl.lit(None, pl.Float64)
    given = {"none": frame, "nobody": frame.with_columns(end_score_share=nobody), "some": graded(frame)}
    test, chances = frame.filter(split="test"), []
    for name, rows in given.items():
        family.fit(rows, settings, tmp_path / name, 1, 2)
        assert (family.grades(tmp_path / name, test, "model") is None) == (name != "some")
        chances.append(family.predict(tmp_path / name, test, "model")["score"].to_list())
    assert chances[0] == chances[1] == chances[2]


def missing_by(courses: dict[str, list[float]]) -> pl.DataFrame:
    """Cases that ended that much above a half, of a person each."""
    rows = [(f"p{n}", course, 0.5 + miss) for course, missed in courses.items() for n, miss in enumerate(missed)]
    return pl.DataFrame(
        rows, schema={"person_id": pl.String, "subject_id": pl.String, "end_score_share": pl.Float64}, orient="row"
    )


def test_half_the_interval_is_what_nine_of_ten_are_missed_by_at_most(tmp_path):
    """Of 28 misses .01 to .28 the 27th: 9/10 of 29 are 26.1. Of 19 the 18th: 9/10 of 20. Of five nobody can tell."""
    module = network("outcomes")
    for count, half in ((28, 0.27), (19, 0.18), (5, 1.0)):
        missed = [n / 100 for n in range(1, count + 1)]
        module._save_widths(tmp_path, np.full(count, 0.5), missing_by({"a": missed}), missing_by({}), 0.9, 1)
        assert json.loads((tmp_path / module.GRADE_WIDTH).read_text())["half_width"] == pytest.approx(half)


def test_a_course_has_a_width_of_its_own_and_one_that_nobody_learnt_from_that_of_the_widest(tmp_path):
    """190 misses of .1 and twenty of .3: of all 210 the 190th, 9/10 of 211, is .1."""
    module, frame = network("outcomes"), graded(prepared("outcomes"))
    module.fit(frame, SETTINGS["outcomes"].model_copy(update={"epochs": 1, "members": 1}), tmp_path, 1, 2)
    asked = frame.head(5).with_columns(subject_id=pl.Series(["sure", "unsure", "rare", "alone", "new"]))

    def halves(*others, measured=()):
        setting = missing_by(
            {"sure": [0.1] * 180, "unsure": [0.3] * 20, "rare": [0.1] * 10} | dict.fromkeys(measured, [0.1] * 20)
        )
        learnt = missing_by({name: [0, 0] for name in ("sure", "unsure", "rare", *others)} | {"alone": [0]})
        module._save_widths(tmp_path, np.full(len(setting), 0.5), setting, learnt, 0.9, 2)
        return widths()

    def widths():
        found = module.grades(tmp_path, asked, "model")
        sides = pl.max_horizontal(pl.col("high") - pl.col("grade"), pl.col("grade") - pl.col("low"))
        return found.select(sides).to_series().to_list()

    own = (20 * 0.3 + 10 * 0.1) / 30  # pulled to that of all
    assert halves() == pytest.approx([0.1, own, 0.1, own, own])
    more = [f"c{n}" for n in range(19)]
    # of which nobody measured anything: that they have the width of all says nothing of how courses differ
    assert halves(*more) == pytest.approx([0.1, own, 0.1, own, own])
    # of 21 or 22 that were measured all but one have .1, and 9/10 of 22 or 23 are 19.8 or 20.7
    assert halves(*more, measured=more) == pytest.approx([0.1, own, 0.1, 0.1, 0.1])
    (tmp_path / module.GRADE_WIDTH).write_text('{"half_width": 0.2}')
    assert widths() == pytest.approx([0.2] * 5), "a release of before"


def test_a_course_that_nobody_learnt_from_is_no_surer_than_all_together(tmp_path):
    """Measured is only one course, missed by .05, pulled to the .3 of all; the ten small ones are missed by that."""
    module = network("outcomes")
    missed = {"large": [0.05] * 20} | {f"c{n}": [0.3] * 4 for n in range(10)}
    setting = missing_by(missed)
    module._save_widths(tmp_path, np.full(60, 0.5), setting, setting, 0.9, 2)
    found = json.loads((tmp_path / module.GRADE_WIDTH).read_text())
    assert found["half_width"] == pytest.approx(0.3)
    assert found["widths"] == pytest.approx({"large": (20 * 0.05 + 10 * 0.3) / 30} | {f"c{n}": 0.3 for n in range(10)})


def test_who_sets_the_interval_of_scores_stops_no_training(monkeypatch, tmp_path):
    """Half the people each, whatever their cases; the width is of the misses of those who did not stop it."""
    module, frame = network("outcomes"), graded(prepared("outcomes"))
    twice = frame.filter(split="valid").with_columns(subject_id=pl.lit("other"))
    frame = pl.concat([frame, twice]).with_columns(end_score_share=pl.col("end_score_share").fill_null(0.3))
    stopping, setting = module._apart(frame.filter(split="valid"))
    assert (len(stopping), len(setting)) == (50, 50)
    assert (stopping["person_id"].n_unique(), setting["person_id"].n_unique()) == (25, 25)
    assert not set(stopping["person_id"]) & set(setting["person_id"])
    settings = SETTINGS["outcomes"].model_copy(update={"epochs": 2, "members": 1})
    worse = pl.when(pl.col("person_id").is_in(setting["person_id"].to_list())).then(1.0).otherwise("end_score_share")
    for name, rows in {"a": frame, "b": frame.with_columns(end_score_share=worse)}.items():
        module.fit(rows, settings, tmp_path / name, 1, 2)
        module.fit_baseline(rows, settings, tmp_path / f"{name}_base", 1, 2)
    sides = [
        (module.grades(tmp_path / n, frame, "model"), module.grades(tmp_path / f"{n}_base", frame, "baseline"))
        for n in "ab"
    ]
    for before, after in zip(*sides, strict=True):
        assert before["grade"].equals(after["grade"])  # what they came to taught nothing and stopped nothing
        assert (after["high"] - after["low"]).mean() > (before["high"] - before["low"]).mean() + 0.1


def test_a_model_trained_anew_in_a_folder_keeps_no_foreseen_scores_of_before(tmp_path):
    module, frame = network("outcomes"), prepared("outcomes")
    settings, test = SETTINGS["outcomes"].model_copy(update={"epochs": 1, "members": 1}), frame.filter(split="test")
    for fit, scorer in ((module.fit, "model"), (module.fit_baseline, "baseline")):
        folder = tmp_path / scorer
        fit(graded(frame), settings, folder, 1, 2)
        assert module.grades(folder, test, scorer) is not None
        files = {file.name for file in folder.iterdir()}
        fit(frame, settings, folder, 1, 2)
        assert module.grades(folder, test, scorer) is None
        assert files - {file.name for file in folder.iterdir()} == files & {"grades.json", "grades.keras", "grades.npz"}
