"""All four families on a tiny company through all stages: what they read, and what they cannot know.

Everybody's protected attributes are unmistakable words here, and all keys are in the environment: nothing that training
could write is out of the search's reach.
"""

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
import yaml

from infra.sample.exports import write
from infra.sample.plan import DELIVERIES, Plan
from pipelines import audit, gate, prepare, snapshot, train
from pipelines.audit import Tag
from pipelines.base import keys as keyring
from pipelines.base import known, settings, snapshots, vault
from pipelines.base.catalog import (
    CANDIDATES,
    EVALUATED,
    FAMILIES,
    GATED,
    PREPARED,
    SCORED,
    SNAPSHOT,
    STAGES,
    TRAINED,
    WEIGHED,
    stage_dir,
)
from pipelines.base.contracts import TABLES
from pipelines.base.digests import sha256_bytes
from pipelines.base.errors import ContractError
from pipelines.base.lake import Lake
from pipelines.base.store import FileStore
from pipelines.evaluate import __main__ as evaluate
from pipelines.evaluate import choose, groups, selective, weigh
from pipelines.ingest.__main__ import run as ingest
from pipelines.ingest.batch import Batch
from pipelines.models import TOGETHER, features
from pipelines.publish.pointers import point
from pipelines.score import rows, switch
from pipelines.score import stage as score
from pipelines.score.__main__ import main as score_main
from tests.e2e.canary import unpacked
from tests.stages.news import told_later

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras on NumPy 2

ROOT = Path(__file__).parents[2]
DVC = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
RUN = (snapshot.run, prepare.run, weigh.run, train.run, choose.run, score.run, evaluate.run, gate.run)
RUNS = dict(zip(STAGES, RUN, strict=True))
CANARY = "qxyzzyv"
WEIGHS = "performance"
"""The family of which an alternative is trained too, with weights that stand for somebody's sex."""
RANKS = "recommendation"
"""And one whose models rank, with the first alternative that it declares."""
HIDDEN = (SNAPSHOT, PREPARED, CANDIDATES, SCORED)
"""What stages wrote that must not know who is what."""
LABELS = ("stage_code", "decided_by", "known_at", "outcome", "end_score_share", "split", *TOGETHER)
"""What of a case is not a feature: it may be known later."""
COMPARED = ("rare_word_share",)
"""Monitored, and read by no model: how unlike the texts of one reading are, so it knows them all."""


def quick(root: Path) -> None:
    """params.yaml as it is, but trained for two epochs."""
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    small = {"epochs": 2, "members": 1, "trees": 5}
    for family in FAMILIES:
        params[family]["train"] |= {name: value for name, value in small.items() if name in params[family]["train"]}
        own = params[family]["alternatives"]["tried"]
        tried = {WEIGHS: [{"name": "reweighed", "reweigh": "sex"}], RANKS: own[:1]}
        params[family]["alternatives"]["tried"] = tried.get(family, [])
    params["evaluate"]["resamples"] = 50
    (root / "params.yaml").write_text(yaml.safe_dump(params))


def plant(store: FileStore) -> None:
    """Everybody is declared anew, in words that occur nowhere else, and has a birth date.

    Whoever was born in an even year turned 40 within the history, some among the test cases: younger at one decision,
    older at the next.
    """
    manifest = Lake(store).require()
    said = vault.read_protected(store, manifest)
    year = pl.col("value_code")
    last = year.str.slice(3, 1)
    turning = (
        pl.when(last.is_in(list("048")))
        .then(pl.lit("1986-06-15"))
        .when(last.is_in(list("26")))
        .then(pl.lit("1986-09-20"))
    )
    born = said.filter(pl.col("attribute_code") == "birth_year").with_columns(
        attribute_code=pl.lit("birth_date"), value_code=turning.otherwise(year + "-06-15")
    )
    words = pl.concat_str(pl.lit(CANARY), "attribute_code", "value_code", separator="_")
    planted = pl.concat([said.with_columns(value_code=words), born]).with_columns(file_id=pl.lit("canary"))
    Lake(store).publish("canary", {}, {"protected": planted.drop("published_seq", "record_sha256")}, {})


@pytest.fixture(scope="module")
def walked(tmp_path_factory) -> Iterator[tuple[Path, FileStore, dict[tuple[str, str], set[str]]]]:
    """A checkout in which every stage of every family ran, its store, and the numbers that each of them loaded."""
    root = tmp_path_factory.mktemp("a checkout")
    store, loaded, check = FileStore(root / "the store"), {}, settings.check
    with pytest.MonkeyPatch.context() as patch:
        for name, byte in (("PSEUDONYM", "11"), ("VAULT", "22"), ("AUDIT", "33"), ("PERSON", "44")):
            patch.setenv(f"CANDOR_{name}_KEY", byte * 32)
        patch.setenv("CANDOR_STORE", store.url)
        patch.setenv("CANDOR_FEEDS", str(ROOT / "feeds"))
        patch.setenv("CANDOR_EXPORTS", str(root / "exports"))
        write(Plan(60), DELIVERIES["history"], root / "exports", 200, lambda name, rows: None)
        ingest(Batch(store, "history"), None)
        plant(store)
        quick(root)
        snapshot.pin(date(2026, 10, 31), root)
        for stage, run in RUNS.items():
            for family in FAMILIES:
                seen = loaded.setdefault((stage, family), set())

                def recorded(model, values, where, seen=seen):
                    named = model.model_fields if model.model_config["extra"] != "allow" else values
                    seen.update(f"{where}.{name}" for name in named)
                    return check(model, values, where)

                patch.setattr(settings, "check", recorded)
                run(family, root)
        yield root, store, loaded


def declared(stage: str, family: str) -> set[str]:
    """Every number below the `params:` of a stage in dvc.yaml."""
    params, found = yaml.safe_load((ROOT / "params.yaml").read_text()), set()
    for entry in DVC[stage].get("params", []):
        name = entry.replace("${item.family}", family)
        node = params
        for key in name.split("."):
            node = node[key]
        found |= {f"{name}.{key}" for key in node} if isinstance(node, dict) else {name}
    return found


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_declares_the_numbers_that_it_loads_and_no_others(walked, stage, family):
    """One too few leaves a stale result, one too many reruns for nothing."""
    assert walked[2][stage, family] == declared(stage, family)


def everything(root: Path, store: FileStore, family: str, artifact: str) -> Iterator[tuple[str, bytes]]:
    """What a stage wrote, in all forms in which it can be read: people's rows opened, tables and archives unpacked."""
    folder = stage_dir(family, artifact, root)
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        yield from ((file.name, data) for data in unpacked(file))
    if artifact == SNAPSHOT:
        names = json.loads((folder / snapshots.LAYOUT).read_text())  # all that is there, whatever the family asked for
        opened = snapshots.read(folder, names, keyring.held(store))
        yield from ((name, table.write_json().encode()) for name, table in opened.tables.items())


def found(root: Path, store: FileStore, family: str, artifact: str) -> list[str]:
    forms = (CANARY.encode(), CANARY.encode("utf-16-le"), CANARY.encode("utf-32-le"))  # NumPy keeps text in the last
    return [name for name, data in everything(root, store, family, artifact) if any(form in data for form in forms)]


@pytest.mark.parametrize("artifact", HIDDEN)
@pytest.mark.parametrize("family", FAMILIES)
def test_nothing_before_the_evaluation_knows_a_protected_attribute(walked, family, artifact):
    root, store, _ = walked
    assert sum(len(data) for _, data in everything(root, store, family, artifact)) > 1000
    assert found(root, store, family, artifact) == []


def test_weights_are_numbers_of_an_answer_and_an_outcome_and_say_nothing_else(walked):
    """Neither who nor what: the axis is the name of the column, as params.yaml has it."""
    root, store, _ = walked
    weights = pl.read_parquet(stage_dir(WEIGHS, WEIGHED, root) / "weights.parquet")
    assert weights.columns == ["sex"]
    assert len(weights) == len(pl.read_parquet(stage_dir(WEIGHS, PREPARED, root) / "examples.parquet"))
    assert weights["sex"].n_unique() <= 5, "two answers with two outcomes, and 1 for whoever trains nothing"
    assert found(root, store, WEIGHS, WEIGHED) == []


def test_models_that_rank_are_compared_with_an_alternative_too_and_the_verdict_carries_the_search(walked):
    root, _, _ = walked
    (name,) = [
        one["name"] for one in yaml.safe_load((root / "params.yaml").read_text())[RANKS]["alternatives"]["tried"]
    ]
    verdict = json.loads((stage_dir(RANKS, GATED, root) / "verdict.json").read_text())
    choice = verdict["alternatives"]
    declared, other = choice["alternatives"]
    assert (declared["name"], other["name"], choice["metric"]) == ("declared", name, "hr_at_10")
    assert declared["model_sha256"] != other["model_sha256"]
    cases = pl.read_parquet(stage_dir(RANKS, PREPARED, root) / "examples.parquet", columns=["split"])
    for one in ("declared", name):
        said = pl.read_parquet(stage_dir(RANKS, CANDIDATES, root) / one / "valid.parquet")
        shares = said.group_by("row").agg(pl.col("score").sum())["score"]
        assert len(shares) == (cases["split"] == "valid").sum() == choice["n"]
        assert shares.to_numpy() == pytest.approx(1, abs=1e-4)
    assert 0 < other["selected_share"] <= 1
    assert "alternatives:none_tried" not in {gap["name"] for gap in verdict["gaps"]}
    taken = next(one for one in choice["alternatives"] if one["name"] == choice["chosen"])
    card = json.loads((stage_dir(RANKS, TRAINED, root) / "card.json").read_text())
    assert card["model_sha256"] == verdict["model_sha256"] == taken["model_sha256"]


@pytest.mark.parametrize("family", FAMILIES)
def test_the_evaluation_does_and_the_search_would_have_found_them(walked, family):
    root, store, _ = walked
    axes = json.loads((stage_dir(family, EVALUATED, root) / "groups.json").read_text())["axes"]
    assert axes
    assert "groups.json" in found(root, store, family, EVALUATED)


def test_what_people_decided_after_the_screen_is_judged_too(walked):
    root, _, _ = walked
    human = json.loads((stage_dir("screening", EVALUATED, root) / "groups.json").read_text())["human"]
    assert {axis["stage"] for axis in human["axes"]} >= {"all stages", "screen", "interview"}


def test_people_were_as_old_as_on_the_day_of_the_decision(walked):
    """Against ages reckoned here, of the vault's birth dates and the lake's decisions."""
    root, store, _ = walked
    lake, day = Lake(store), date(2026, 10, 31)
    said = vault.read_protected(store, lake.require()).filter(pl.col("attribute_code") == "birth_date")
    born = {person: date.fromisoformat(text) for person, text in said.select("person_id", "value_code").iter_rows()}
    tables = known.read_people(lake, lake.require(), ("application_events",), day)[0]

    def ages(moments):
        told = Counter()
        for person, moment in moments.iter_rows():
            on, birth = moment.date(), born.get(person)
            years = on.year - birth.year - ((on.month, on.day) < (birth.month, birth.day)) if birth else None
            told["unknown" if years is None else "40 or over" if years >= 40 else "under 40"] += 1
        return told

    screened = features("screening").decisions(tables).filter(stage_code="screen", decided_by="human")
    files = stage_dir("screening", SCORED, root)
    asked = pl.read_parquet(files / "scored.parquet").filter(scorer="model").select("person_id", "subject_id")
    asked = asked.join(pl.read_parquet(files / "outcomes.parquet"), on=["person_id", "subject_id"])
    told = json.loads((stage_dir("screening", EVALUATED, root) / "groups.json").read_text())
    for axes, moments in (
        (told["human"]["axes"], screened["person_id", "known_at"]),
        (told["axes"], asked["person_id", "occurred_at"]),
    ):
        (axis,) = [
            axis for axis in axes if (axis["axis"], axis["stage"]) in {("age_40", "screen"), ("age_40", "selected")}
        ]
        expected = ages(moments)
        assert {row["group"]: row["n"] for row in axis["groups"]} == expected
        assert min(expected["under 40"], expected["40 or over"]) > 3
    metrics = json.loads((stage_dir("screening", EVALUATED, root) / "metrics.json").read_text())
    newest = asked.group_by("person_id").agg(pl.col("occurred_at").max())
    (axis,) = [axis for axis in metrics["parity"]["axes"] if axis["axis"] == "age_40"]
    assert {row["group"]: row["people"] for row in axis["groups"]} == ages(newest)
    as_of = asked.select("person_id", pl.lit(datetime(2026, 10, 31, tzinfo=UTC)))
    assert ages(as_of) != expected, "somebody turned 40 after a test case"


def test_of_people_kept_together_it_is_told_what_that_cost_and_nothing_else_is_kept(walked):
    root, _, _ = walked
    reports = {name: json.loads((stage_dir(name, PREPARED, root) / "report.json").read_text()) for name in FAMILIES}
    assert [name for name, told in reports.items() if "left_out" in told] == ["screening"]
    kept = pl.read_parquet(stage_dir("screening", PREPARED, root) / "examples.parquet")
    assert not set(TOGETHER) & set(kept.columns)
    most = kept["person_id"].value_counts()["count"].max()
    told = reports["screening"]
    assert most <= told["largest_together"] <= len(kept) + told["left_out"], "a person's cases are always together"


def test_cases_of_which_none_can_stop_the_training_are_refused(walked, tmp_path):
    root, _, _ = walked
    shutil.copytree(stage_dir("screening", SNAPSHOT, root), stage_dir("screening", SNAPSHOT, tmp_path))
    params = yaml.safe_load((root / "params.yaml").read_text())
    params["screening"]["prepare"]["valid_share"] = 1e-9
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    with pytest.raises(
        ContractError, match=r"must have cases in train and in valid; there are .* valid 0, .* left out"
    ):
        prepare.run("screening", tmp_path)
    assert not (stage_dir("screening", PREPARED, tmp_path) / "examples.parquet").exists()


def test_signals_of_a_group_are_exchanged_where_people_write_and_candidates_are_seen_in_lists(walked):
    root, _, _ = walked
    files = {family: stage_dir(family, EVALUATED, root) / "metrics.json" for family in FAMILIES}
    told = {family: json.loads(file.read_text()) for family, file in files.items()}
    assert {family: len(found["swaps"]) for family, found in told.items() if found["swaps"]} == {"screening": 8}
    assert min(row["pairs"] for row in told["screening"]["swaps"]) > 5
    checks = [[check["check"] for check in found["data_checks"]] for found in told.values()]
    assert all("no_signal_decides" in names for names in checks)
    assert [family for family, found in told.items() if found["parity"]["lists"]] == ["screening"]
    assert [family for family, found in told.items() if found["abstention"]] == ["screening"]
    assert [family for family, found in told.items() if found["reasons"]] == ["screening"]
    tried = told["screening"]["reasons"]
    assert tried["cases"] + tried["without"] == told["screening"]["swaps"][0]["pairs"]
    assert [family for family, found in told.items() if not found["parity"]["axes"]] == ["recommendation"]
    assert [family for family, found in told.items() if found["popularity"]] == ["recommendation"]
    assert [family for family, found in told.items() if "grade_mae" in found["also"]] == ["outcomes"]
    tenths = told["recommendation"]["popularity"]["deciles"]
    assert sum(row["excess"]["model"]["value"] for row in tenths) == pytest.approx(0), "both are shares of one whole"
    assert [family for family, found in told.items() if found.get("grades")] == ["outcomes"]
    assert [family for family, found in told.items() if found.get("warnings")] == ["performance"]
    ahead = told["performance"]
    assert ahead["warnings"]["precision"]["model"]["value"] == pytest.approx(ahead["also"]["warned_precision"]["model"])
    assert [family for family, found in told.items() if not found["selective"]] == ["recommendation"]
    stages = {one["stage"] for one in told["screening"]["selective"]}
    assert stages >= {"screen", "interview"}
    rows = [row for found in told.values() for one in found["selective"] for row in one["groups"] if "low" in row]
    assert all(row["high"] - row["low"] == pytest.approx(1 - row["known_share"]) for row in rows)
    assert any(0 < row["known_share"] < 1 for row in rows), "some applied and never came to an interview"


def test_an_end_before_the_moment_of_prediction_is_a_known_outcome_though_no_model_is_asked(walked):
    root, store, _ = walked
    lake, day = Lake(store), date(2026, 9, 30)
    tables, _ = known.read_people(lake, lake.require(), ("enrolments", "learning_events"), day)
    rows = tables["learning_events"].iter_rows(named=True)
    ends = ("completed", "passed", "failed", "withdrawn", "expired")
    ended = {(row["person_id"], row["course_id"], row["run_code"]) for row in rows if row["event_code"] in ends}
    asked = pl.read_parquet(stage_dir("outcomes", PREPARED, root) / "examples.parquet")
    assert ended > set(asked.select("person_id", "subject_id", "target_code").iter_rows()), "somebody left early"
    taken: dict[str, set[tuple[str, str, str]]] = {}
    for run in tables["enrolments"].select("person_id", "course_id", "run_code").iter_rows():
        taken.setdefault(run[0], set()).add(run)
    # everybody as one group, of which nothing follows about few: in a company so small no other is told
    everybody = pl.DataFrame({"person_id": list(taken)}).with_columns(of=pl.lit("all"))
    reached = selective.reached(lake, lake.require(), day, "outcomes")
    every = groups.decided(lake, lake.require(), day, "outcomes", asked)
    (one,) = selective.told(reached, every, everybody, by_stage=False, min_group_size=30, told_from=30)
    (row,) = one["groups"]
    each = [len(runs & ended) / len(runs) for runs in taken.values()]
    assert row["people"] == len(each)
    assert row["known_share"] == pytest.approx(sum(each) / len(each))
    metrics = json.loads((stage_dir("outcomes", EVALUATED, root) / "metrics.json").read_text())
    assert {one["axis"] for one in metrics["selective"]} == {*groups.read(lake, lake.require(), day).columns[1:]}


@pytest.fixture
def hiring(walked, tmp_path, monkeypatch):
    """The checkout, and a copy of its store in which the screening model is live."""
    root, store, _ = walked
    shutil.copytree(store.root, tmp_path / "copy")
    copy = FileStore(tmp_path / "copy")
    monkeypatch.setenv("CANDOR_STORE", copy.url)
    trained, card = stage_dir("screening", TRAINED, root), stage_dir("screening", TRAINED, root) / "card.json"
    files = {f"model/{file.name}": file.read_bytes() for file in sorted((trained / "model").iterdir())}
    metrics = (stage_dir("screening", EVALUATED, root) / "metrics.json").read_bytes()
    files |= {"card.json": card.read_bytes(), "evaluated/metrics.json": metrics, "verdict.json": b"{}"}
    verdict, said = sha256_bytes(b"{}"), json.loads(card.read_text())
    listed = json.dumps({"files": {name: sha256_bytes(data) for name, data in files.items()}}).encode()
    folder = f"releases/screening/{verdict}"
    for name, data in (files | {"manifest.json": listed}).items():
        copy.put(f"{folder}/{name}", data)
    facts = {name: said[name] for name in ("model_sha256", "data_sha256", "as_of")} | {"run_id": "run", "approvers": []}
    facts |= {"kind": "release", "verdict_sha256": verdict, "manifest_sha256": sha256_bytes(listed)}
    point(copy, "screening", "release", folder, audit.append(copy, Tag.MODEL_RELEASED, "screening", **facts))
    return root, copy, said["model_sha256"]


def test_people_are_ranked_for_a_role_and_roles_for_a_person_by_the_same_scores(hiring, capsys, monkeypatch):
    root, store, model = hiring
    lake, day = Lake(store), date(2026, 10, 31)
    told = known.read_people(lake, lake.require(), ("requisitions", "applications"), day)[0]
    role = told["requisitions"].filter(status_code="open")["requisition_id"].sort()[0]
    words = ["--by", "clara", "--why", "A colleague left at short notice.", "--as-of", str(day)]
    monkeypatch.chdir(root)
    assert score_main(["match", "--requisition", role, "--top", "4", *words]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    matches = found["matches"]
    assert (len(matches), found["model_sha256"], {row["subject_id"] for row in matches}) == (4, model, {role})
    assert [row["score"] for row in matches] == sorted((row["score"] for row in matches), reverse=True)
    applied = told["applications"].filter(requisition_id=role)["person_id"].to_list()
    assert not {row["person_id"] for row in matches} & set(applied)
    best = matches[0]
    assert score_main(["match", "--person", best["person_id"], "--top", "100", *words]) == 0
    roles = json.loads(capsys.readouterr().out.splitlines()[-1])["matches"]
    (same,) = [row for row in roles if row["subject_id"] == role]
    assert same == best
    assert all(row["low"] <= row["score"] <= row["high"] for row in roles)
    entries = list(audit.entries(store))[-2:]
    assert [entry.tag for entry in entries] == [audit.Tag.PEOPLE_MATCHED] * 2
    assert [entry.facts.get("requisition_id") for entry in entries] == [role, None]
    assert [entry.facts["by"] for entry in entries] == ["clara"] * 2
    assert best["person_id"] not in json.dumps([dict(entry.facts) for entry in entries])


def test_nobody_is_ranked_while_scoring_is_stopped_or_without_a_reason(hiring, capsys, monkeypatch):
    root, store, _ = hiring
    monkeypatch.chdir(root)
    words = ["match", "--requisition", "R", "--by", "clara", "--why"]
    assert score_main([*words, "short"]) != 0
    assert "must say who asks and why" in capsys.readouterr().err
    switch.give(store, stop=True, by="clara", why="Complaints came in.", run_id="")
    assert score_main([*words, "A colleague left at short notice."]) != 0
    assert "stopped" in capsys.readouterr().err
    assert audit.Tag.PEOPLE_MATCHED not in {entry.tag for entry in audit.entries(store)}


def test_the_search_reads_what_people_wrote(walked):
    """Rows of people in clear would be found: here their resumes, in the snapshot and in what is prepared of it."""
    root, store, _ = walked
    for artifact in (SNAPSHOT, PREPARED):
        text = b"".join(data for _, data in everything(root, store, "screening", artifact))
        assert b"p_" in text
        assert b"Experience" in text or b"EXPERIENCE" in text


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_is_handed_tables_of_the_lake_only(family):
    """Neither protected attributes nor direct identifiers."""
    assert {TABLES[name].zone for name in features(family).TABLES} == {"lake"}


@pytest.mark.parametrize("family", FAMILIES)
def test_no_feature_knows_what_was_told_later(walked, family):
    """Half of the cases are asked before a moment; what is told after it, also about the past, is in none of them."""
    root, store, _ = walked
    module, folder = features(family), stage_dir(family, SNAPSHOT, root)
    prepared = settings.load(module.Prepare, family, "prepare", root=root)
    tables = snapshots.read(folder, module.TABLES, keyring.held(store)).tables
    before = module.examples(tables, prepared)
    moment = before["occurred_at"].median()
    after = module.examples(told_later(tables, moment, module.VERSIONED), prepared)
    asked = [frame.filter(pl.col("occurred_at") <= moment).drop(LABELS, strict=False) for frame in (before, after)]
    same = asked[0].join(asked[1], on=["person_id", "subject_id", "target_code", "occurred_at"], suffix=" later")
    assert len(same) > 0.9 * len(asked[0]) > 20
    told = [name for name in asked[0].columns if f"{name} later" in same and name not in COMPARED]
    assert [name for name in told if same[name].ne_missing(same[f"{name} later"]).any()] == []


def test_who_works_there_is_recommended_what_is_open_that_day(walked):
    """One course is taken off the list, another made mandatory: nobody is recommended either, all have one to do."""
    root, store, _ = walked
    family, day = "recommendation", date(2026, 10, 31)
    module, folder = features(family), stage_dir(family, SNAPSHOT, root)
    tables = dict(snapshots.read(folder, module.TABLES, keyring.held(store)).tables)
    course = pl.col("course_id")
    tables["courses"] = tables["courses"].with_columns(
        is_active=course != "CRS-001", is_mandatory=course == "CRS-002", audience_codes=pl.lit(None, pl.String)
    )
    cases = module.cases(tables, settings.load(module.Prepare, family, "prepare", root=root), day)
    there = tables["workers"].filter(pl.col("terminated_at").is_null() | (pl.col("terminated_at") > day))
    assert set(cases["person_id"]) >= set(there.filter(pl.col("hired_at") <= day)["person_id"])
    decide = settings.load(module.Decide, family, "decide", root=root)
    model = stage_dir(family, TRAINED, root) / "model"
    scored = rows.scored(family, model, cases, "model", rows.Stamp("m", "d", day), decide=decide)
    chosen = scored.filter("is_selected")
    assert chosen.group_by("person_id").len()["len"].unique().to_list() == [decide.top_k]
    assert set(chosen["person_id"]) == set(cases["person_id"])
    assert not set(scored["subject_id"]) & {"CRS-001", "CRS-002"}
    taken = cases.select("person_id", pl.col("history").alias("subject_id")).explode("subject_id")
    assert scored.join(taken, on=["person_id", "subject_id"], how="semi").is_empty()
    assert set(module.due(tables, day)["subject_id"]) == {"CRS-002"}


def test_of_the_companys_own_courses_everybody_sees_what_is_open_to_them(walked):
    """HSE-001 is due for all since October, HSE-002 for HR, HSE-003 is over, 004 withdrawn, 005 for ENG and DATA."""
    root, store, _ = walked
    family, day = "recommendation", date(2026, 10, 31)
    module, folder = features(family), stage_dir(family, SNAPSHOT, root)
    tables = dict(snapshots.read(folder, module.TABLES, keyring.held(store)).tables)
    cases = module.cases(tables, settings.load(module.Prepare, family, "prepare", root=root), day)
    decide = settings.load(module.Decide, family, "decide", root=root)
    model = stage_dir(family, TRAINED, root) / "model"
    scored = rows.scored(family, model, cases, "model", rows.Stamp("m", "d", day), decide=decide)
    houses = [name for name in scored["subject_id"].unique() if name.startswith("HSE-")]
    assert set(houses) <= {"HSE-005"}
    families = dict(cases.select("person_id", "job_family_code").rows())
    shown = scored.filter(pl.col("subject_id") == "HSE-005")["person_id"]
    assert {families[person] for person in shown} <= {"ENG", "DATA"}
    open_to = dict(cases.select("job_family_code", module.OPEN).unique().rows())
    assert {code for code, courses in open_to.items() if "HSE-005" in json.loads(courses)} == {"ENG", "DATA"}
    staff = tables["workers"].filter(
        (pl.col("hired_at") <= day) & ~(pl.col("terminated_at") <= day).fill_null(value=False)
    )
    due = module.due(tables, day)
    everybody = set(staff.filter(pl.col("worker_type_code") != "team")["person_id"])
    hr = everybody & set(staff.filter(pl.col("job_family_code") == "HR")["person_id"])
    told = {name: set(due.filter(subject_id=name)["person_id"]) for name in due["subject_id"].unique()}
    assert told == {"HSE-001": everybody, "HSE-002": hr}
    assert 0 < len(hr) < len(everybody)
    assert not module.due(tables, date(2026, 9, 30)).filter(subject_id="HSE-001").height
