import json
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from infra.run import evidence as evidence_of
from pipelines import audit, gate
from pipelines.audit import Tag, entries, verify, vouched
from pipelines.audit.__main__ import proved
from pipelines.audit.objects import prove
from pipelines.base import releases, ruled
from pipelines.base.digests import sha256_bytes, sha256_tree
from pipelines.base.errors import CandorError, ContractError, GateRefused, SourceUnavailable
from pipelines.base.records import Act
from pipelines.base.settings import Law
from pipelines.base.store import FileStore, open_store
from pipelines.publish import __main__ as cli
from pipelines.publish import proposals
from pipelines.publish.approvals import Wanted
from pipelines.publish.brief import brief
from pipelines.publish.modified import Modified
from pipelines.publish.pointers import point
from pipelines.publish.proposals import Origin, code_of, read_verdict
from pipelines.publish.release import Wish, admitted, modification, release, rollback
from pipelines.publish.versions import Change
from tests.unit.judging import evidence

FAMILY = "screening"
APPROVERS = ("anna", "ben")
GAPS = ("intersections:everyone", "sex:unknown", "sex:by_subject")
NOWHERE = Law(jurisdictions=(), locations={})
WHY_BACK = "Complaints from the works council."
PURPOSE = "Puts applications in an order for recruiters."
NOBODY = {"axes": [], "by_subject": [], "tallies": []}
PARAMS = yaml.safe_load((Path(__file__).parents[2] / "params.yaml").read_text())
THRESHOLDS = yaml.safe_dump({name: PARAMS[name] for name in (*ruled.THRESHOLDS, "privacy")})


PROPOSED_IN = {}
"""Verdict to the store in which it was proposed last."""


class Answers:
    """A small Airflow: release runs that a retrain triggered, each answered by two people."""

    address = "https://airflow.example"

    def __init__(self):
        self.runs, self.gates, self.done = {}, {}, {}

    def approve(self, run_id, verdict, gaps=GAPS, people=APPROVERS):
        self.runs[run_id] = {
            "dag_id": "release",
            "dag_run_id": run_id,
            "run_type": "operator_triggered",
            "triggering_user_name": "engineer",
            "conf": {"family": FAMILY, "verdict": verdict},
        }
        for number, (task, name) in enumerate(zip(("approve_first", "approve_second"), people, strict=True)):
            self.gates[run_id, task] = {
                "task_instance": {"dag_id": "release", "dag_run_id": run_id, "task_id": task},
                "response_received": True,
                "responded_at": "2026-11-01T10:00:00Z",
                "responded_by_user": {"id": str(number + 3), "name": name},
                "chosen_options": ["Approve"],
                "params_input": {"justification": "I read the whole report.", "accepted_gaps": ",".join(gaps)},
                "body": self.read(verdict),
            }
        return Wanted(FAMILY, verdict, run_id)

    def read(self, verdict):
        """What people were shown; nothing of what is not as it was proposed, or never was."""
        try:
            store = PROPOSED_IN.get(verdict) or open_store()
            return brief(
                read_verdict(store, FAMILY, verdict), verdict, self.address, modification(store, FAMILY, verdict)
            )
        except CandorError:
            return ""

    def run(self, dag, run_id):
        assert dag == "release"
        return self.runs.get(run_id, {})

    def gate(self, dag, run_id, task):
        return self.gates.get((run_id, task))

    def acts(self, dag, run_id):
        return self.done.get(run_id, [])


def checkout(
    root: Path,
    weights=b"weights 1",
    groups=None,
    checks=True,
    *,
    serves=True,
    alternatives=None,
    inputs=(),
    purpose=PURPOSE,
):
    """What `dvc repro` leaves, by the real gate."""
    stages = root / "var/stages" / FAMILY
    (stages / "trained/model/assets").mkdir(parents=True, exist_ok=True)
    (stages / "trained/model/model.keras").write_bytes(weights)
    (stages / "trained/model/assets/terms.json").write_bytes(b"[]")
    model, data = sha256_tree(stages / "trained/model"), "b" * 64
    card = {"model_sha256": model, "data_sha256": data, "params_sha256": "d" * 64, "inputs": list(inputs)}
    write(stages / "trained/card.json", card)
    write(stages / "trained/profile.json", {"column": {"kind": "numeric", "missing_share": 0.0}})
    write(stages / "trained/alternatives.json", alternatives or choice(model))
    interval = {"value": 0.8, "low": 0.7, "high": 0.9}
    metrics = {
        "family": FAMILY,
        "metric": "auc",
        "higher_is_better": True,
        "n": 500,
        "chance": 0.5,
        "as_of": "2026-10-31",
    }
    below = {"value": 0.75, "low": 0.65, "high": 0.85}
    metrics |= {"model": interval, "baseline": below, "difference": {"value": 0.05, "low": 0.01, "high": 0.1}}
    metrics |= {"data_checks": [{"check": "rows", "passed": checks, "reason": "500 rows."}] if checks else []}
    metrics |= {"slices": {"judged": [], "too_few": {}}, "to_accept": [], "intervals": []}
    metrics |= {"model_sha256": model, "data_sha256": data, "lake_sha256": "c" * 64}
    write(stages / "evaluated/metrics.json", metrics)
    write(stages / "evaluated/groups.json", judged() if groups is None else groups)
    served = [{"check": "loads", "passed": serves, "reason": "It was asked."}]
    write(stages / "evaluated/served.json", {"family": FAMILY, "model_sha256": model, "checks": served})
    (root / "params.yaml").write_text(
        f"{THRESHOLDS}{FAMILY}: {{purpose: {purpose}}}\n"
        "publish: {approvers: [anna, ben], signers: []}\n"
        "law: {jurisdictions: [], locations: {}}\n"
        "documents: {foreseen: [], metric_move: 0.05, ratio_fall: 0.1, shift: 0.2}"
    )
    gate.run(FAMILY, root)
    return root


def choice(taken, chosen="declared", others=(("plain", 0.6),)):
    """What `choose` writes: the declared model selects women at .7 of men's rate; `others` are name and ratio."""

    def one(name, ratio):
        told = {"value": ratio, "low": ratio - 0.1, "high": ratio + 0.1}
        equal = {"value": -0.01, "low": -0.03, "high": 0.01}
        about = {"name": name, "what": "something else", "model_sha256": taken if name == chosen else "e" * 64}
        about |= {"metric": told, "difference": equal, "selected_share": 0.4, "impact_ratio": told, "gain": told}
        return about | {"axis": "sex", "group": "female", "verdict": "INVESTIGATE", "is_equal": True}

    return {
        "family": FAMILY,
        "metric": "auc",
        "higher_is_better": True,
        "n": 300,
        "take": chosen,
        "chosen": chosen,
        "why": "params.yaml names it.",
        "margins": {"validity": 0.02, "impact_ratio": 0.02, "selected_share": 0.1},
        "alternatives": [one("declared", 0.7), *(one(name, ratio) for name, ratio in others)],
    }


def judged():
    selected = [True, False] * 5000 + [True]
    group = ["a"] * 5000 + ["b"] * 5000 + [None]
    return evidence(selected, {"sex": group}, ["r"] * 10001)


def write(file, content):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content))


@pytest.fixture(autouse=True)
def signing(monkeypatch):
    monkeypatch.setenv("CANDOR_SIGNING_KEY", "55" * 32)


@pytest.fixture
def store(tmp_path):
    return FileStore(tmp_path / "the store")


@pytest.fixture
def answers():
    return Answers()


def propose(store, family, origin, root):
    found = proposals.propose(store, family, origin, root)
    PROPOSED_IN[found["verdict_sha256"]] = store
    return found


def proposed(store, root, run="r1", **changes):
    return propose(store, FAMILY, Origin(run, "engineer", "c0ffee"), checkout(root, **changes))


def released(store, answers, root, run="r1", **changes):
    """A release that two people accepted with all that was asked."""
    sha = proposed(store, root, run, **changes)["verdict_sha256"]
    gap = modification(store, FAMILY, sha).gap
    gaps = (*GAPS, *([gap["name"]] if gap else ()))
    return release(store, answers, answers.approve(f"release__{run}", sha, gaps), APPROVERS)


def back_to(store, older, today=None, law=NOWHERE, **words):
    said = {"why": WHY_BACK, "by": "clara", "verdict_sha256": older.verdict_sha256, **words}
    return rollback(store, Wish(FAMILY, **said), law, today)


def tags(store):
    return [str(entry.tag) for entry in entries(store)]


def refused(store, answers, wanted, match, approvers=APPROVERS):
    """The codes under which the ledger has the refusal."""
    before = releases.pointers(store, FAMILY)
    with pytest.raises(GateRefused, match=match):
        release(store, answers, wanted, approvers)
    assert releases.pointers(store, FAMILY) == before
    last = list(entries(store))[-1]
    assert (last.tag, last.subject, last.facts["run_id"]) == (Tag.RELEASE_REFUSED, FAMILY, wanted.run_id)
    assert last.facts["codes"]
    return last.facts["codes"]


def test_an_approved_proposal_becomes_the_live_release(store, answers, tmp_path):
    found = released(store, answers, tmp_path)
    assert releases.live(store, FAMILY) == found
    assert (found.sequence, found.kind, [person["name"] for person in found.approvers]) == (
        1,
        "release",
        ["anna", "ben"],
    )
    assert tags(store) == [
        "model:trained",
        "model:proposed",
        "key:adopted",
        "release:approved",
        "release:approved",
        "model:released",
    ]
    assert prove(store) == []
    releases.download(store, found, tmp_path / "there")
    assert (tmp_path / "there/model/model.keras").read_bytes() == b"weights 1"
    assert json.loads((tmp_path / "there/profile.json").read_text()) == {
        "column": {"kind": "numeric", "missing_share": 0.0}
    }
    assert (tmp_path / "there/evaluated/groups.json").is_file()
    assert releases.verdict(store, found)["verdict"] == "allowed"


def test_a_verdict_is_read_by_its_digest_and_not_when_changed(store, answers, tmp_path):
    sha = proposed(store, tmp_path)["verdict_sha256"]
    key = f"proposals/{FAMILY}/{sha}/verdict.json"
    store.put(key, store.read(key) + b" ")
    codes = refused(store, answers, answers.approve("r", sha), "must have the sha256 in its name")
    assert codes == ["changed_after_proposal"]


def test_what_people_were_shown_must_be_the_brief_of_what_is_released(store, answers, tmp_path):
    wanted = answers.approve("r", proposed(store, tmp_path)["verdict_sha256"])
    gate = answers.gates["r", "approve_second"]
    gate["body"] = gate["body"].replace("0.800", "0.900")
    assert refused(store, answers, wanted, "approve_second: what it showed is not the brief") == ["other_brief"]


@pytest.mark.parametrize("name", ["model/model.keras", "evaluated/groups.json", "profile.json", "manifest.json"])
def test_a_file_changed_after_the_proposal_is_refused(store, answers, tmp_path, name):
    sha = proposed(store, tmp_path)["verdict_sha256"]
    store.put(f"proposals/{FAMILY}/{sha}/{name}", b'{"files": {}}')
    assert refused(store, answers, answers.approve("r", sha), "changed") == ["changed_after_proposal"]


def test_another_model_with_a_manifest_to_match_is_refused(store, answers, tmp_path):
    sha = proposed(store, tmp_path)["verdict_sha256"]
    folder = f"proposals/{FAMILY}/{sha}"
    manifest = json.loads(store.read(f"{folder}/manifest.json"))
    manifest["files"]["model/model.keras"] = sha256_bytes(b"other")
    store.put(f"{folder}/model/model.keras", b"other")
    store.put(f"{folder}/manifest.json", json.dumps(manifest).encode())
    refused(store, answers, answers.approve("r", sha), "manifest.json must have the sha256")


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """An installation whose rules the test changes, in a folder of its own."""
    folder = tmp_path / "installed"
    folder.mkdir()
    (folder / "params.yaml").write_text(yaml.safe_dump(PARAMS))
    monkeypatch.chdir(folder)

    def moved(part):
        """Another part of the rules than when a verdict was given."""
        if part == "thresholds":
            evaluate = PARAMS["evaluate"] | {"min_cases": PARAMS["evaluate"]["min_cases"] + 1}
            (folder / "params.yaml").write_text(yaml.safe_dump(PARAMS | {"evaluate": evaluate}))
        else:
            there = ruled.rules()
            monkeypatch.setattr("pipelines.publish.release.rules", lambda: there | {part: "f" * 64})

    return moved


@pytest.mark.parametrize("part", ["code", "laws", "thresholds"])
def test_a_verdict_of_other_rules_is_neither_asked_about_nor_released(store, answers, tmp_path, installed, part):
    """As after an upgrade between the retrain and the second approval; by hand, each part is told by its name."""
    sha = proposed(store, tmp_path)["verdict_sha256"]
    wanted = answers.approve("r", sha)
    assert admitted(store, answers, wanted)["rules"] == ruled.rules()
    installed(part)
    told = rf"rules of today; its {part} (is|are) not.*retrain"
    with pytest.raises(GateRefused, match=told):
        admitted(store, answers, wanted)
    assert refused(store, answers, wanted, told) == ["other_rules"]


def test_a_verdict_that_does_not_say_by_which_rules_is_not_released(store, answers, tmp_path):
    """One of a version before rules had a number."""
    root = checkout(tmp_path)
    file = root / f"var/stages/{FAMILY}/gated/verdict.json"
    verdict = json.loads(file.read_text())
    del verdict["rules"]
    write(file, verdict)
    sha = propose(store, FAMILY, Origin("r1", "engineer", "c"), root)["verdict_sha256"]
    codes = refused(store, answers, answers.approve("r", sha), "its code, laws, thresholds are not")
    assert codes == ["other_rules"]


def test_what_was_released_by_the_rules_of_its_day_stays_and_verify_tells(
    store, answers, tmp_path, monkeypatch, installed
):
    monkeypatch.setenv("CANDOR_STORE", store.url)
    first = released(store, answers, tmp_path)
    second = released(store, answers, tmp_path, "r2", weights=b"weights 2")
    assert "other rules" not in proved()
    installed("thresholds")
    again = Wanted(FAMILY, second.verdict_sha256, "release__r2")
    assert release(store, answers, again, APPROVERS) == second  # the same run, tried once more
    assert "judged by other rules than today's: screening 2 (thresholds). Retrain" in proved()
    assert back_to(store, first).kind == "rollback"
    assert prove(store) == []


def test_a_held_verdict_is_recorded_and_refused_whoever_approves(store, answers, tmp_path):
    said = proposed(store, tmp_path, checks=False)
    assert (said["verdict"], said["shadow"]) == ("held", False)
    assert tags(store) == ["model:trained", "model:held"]
    assert list(entries(store))[1].facts["codes"] == ["no_checks"]
    refused(store, answers, answers.approve("r", said["verdict_sha256"]), "it is held because of data_checks")
    assert releases.shadow(store, FAMILY) is None


def test_a_verdict_that_says_allowed_over_a_failed_finding_is_refused(store, answers, tmp_path):
    root = checkout(tmp_path, checks=False)
    file = root / f"var/stages/{FAMILY}/gated/verdict.json"
    file.write_text(file.read_text().replace('"held"', '"allowed"'))
    sha = propose(store, FAMILY, Origin("r1", "engineer", "c"), root)["verdict_sha256"]
    refused(store, answers, answers.approve("r", sha), "because of data_checks")


def test_a_verdict_that_says_held_over_passed_findings_is_refused(store, answers, tmp_path):
    root = checkout(tmp_path)
    file = root / f"var/stages/{FAMILY}/gated/verdict.json"
    file.write_text(file.read_text().replace('"allowed"', '"held"'))
    sha = propose(store, FAMILY, Origin("r1", "engineer", "c"), root)["verdict_sha256"]
    refused(store, answers, answers.approve("r", sha), "it is held")


def test_a_verdict_that_the_ledger_says_was_held_is_refused(store, answers, tmp_path):
    sha = proposed(store, tmp_path)["verdict_sha256"]
    audit.append(store, Tag.MODEL_HELD, FAMILY, verdict_sha256=sha, requester="engineer", run_id="r2")
    refused(store, answers, answers.approve("r", sha), "the ledger knows of no proposal")


def test_a_model_without_group_data_is_scored_in_shadow_only(store, answers, tmp_path):
    said = proposed(store, tmp_path, groups=NOBODY | {"human": NOBODY})
    assert (said["verdict"], said["shadow"]) == ("held", True)
    found = releases.shadow(store, FAMILY)
    assert (found.is_shadow, found.approvers, releases.live(store, FAMILY)) == (True, (), None)
    assert verify(store) == []
    releases.download(store, found, tmp_path / "there")
    assert proposed(store, tmp_path, groups=NOBODY | {"human": NOBODY}) == said
    assert len(releases.pointers(store, FAMILY, is_shadow=True)) == 1
    refused(store, answers, answers.approve("r", said["verdict_sha256"]), "because of group_data")


@pytest.mark.parametrize("gaps", [[], ["sex:unknown"], ["sex:by_subject", "all"], GAPS[1:], GAPS[:2]])
def test_every_gap_must_be_accepted_by_name(store, answers, tmp_path, gaps):
    sha = proposed(store, tmp_path)["verdict_sha256"]
    refused(
        store,
        answers,
        answers.approve("r", sha, gaps),
        f"ben did not accept {', '.join(sorted(set(GAPS) - set(gaps)))}",
    )


def test_a_gap_with_a_comma_in_its_name_can_be_accepted(store, answers, tmp_path):
    groups = evidence([True, False] * 5000 + [True], {"sex": ["a"] * 5000 + ["b"] * 5000 + ["c, d"]}, ["r"] * 10001)
    gaps = ("intersections:everyone", "sex:c, d", "sex:by_subject")
    wanted = answers.approve("release__r1", proposed(store, tmp_path, groups=groups)["verdict_sha256"], gaps)
    assert [person["accepted_gaps"] for person in release(store, answers, wanted, APPROVERS).approvers] == [
        list(gaps)
    ] * 2


def test_a_newer_verdict_replaces_a_waiting_one_even_when_held(store, answers, tmp_path):
    first = answers.approve("release__r1", proposed(store, tmp_path)["verdict_sha256"])
    proposed(store, tmp_path, "r2", weights=b"weights 2", checks=False)
    refused(store, answers, first, "run r2 brought a newer one")


def test_proposing_again_after_a_kill_does_not_make_an_old_verdict_new(store, answers, tmp_path):
    first = proposed(store, tmp_path)["verdict_sha256"]
    proposed(store, tmp_path, "r2", weights=b"weights 2")
    proposed(store, tmp_path, "r1", weights=b"weights 1")
    refused(store, answers, answers.approve("release__r1", first), "run r2 brought a newer one")


def test_the_same_verdict_of_a_newer_run_is_the_newest(store, answers, tmp_path):
    sha = proposed(store, tmp_path)["verdict_sha256"]
    proposed(store, tmp_path, "r2", weights=b"weights 2")
    assert proposed(store, tmp_path, "r3", weights=b"weights 1")["verdict_sha256"] == sha
    assert release(store, answers, answers.approve("release__r3", sha), APPROVERS).verdict_sha256 == sha


def test_who_asked_in_an_earlier_run_may_not_approve_the_same_verdict(store, answers, tmp_path):
    sha = proposed(store, tmp_path)["verdict_sha256"]
    propose(store, FAMILY, Origin("r0", "anna", "c0ffee"), tmp_path)
    refused(store, answers, answers.approve("r", sha), "anna asked for this release")


def test_a_verdict_that_was_never_proposed_is_refused(store, answers):
    refused(store, answers, answers.approve("r", "f" * 64), "is not there")
    refused(store, answers, answers.approve("r", "../../secrets"), "must name the sha256")


def test_a_proposal_that_the_ledger_does_not_know_is_refused(store, answers, tmp_path):
    other = FileStore(tmp_path / "other")
    sha = proposed(other, tmp_path)["verdict_sha256"]
    for key in other.list("proposals"):
        store.put(key, other.read(key))
    refused(store, answers, answers.approve("r", sha), "the ledger knows of no proposal")


def test_a_run_that_airflow_does_not_know_is_refused(store, answers, tmp_path):
    sha = proposed(store, tmp_path)["verdict_sha256"]
    refused(store, answers, Wanted(FAMILY, sha, "made up"), "the run on record is not made up")


def test_an_approved_run_releases_no_other_verdict(store, answers, tmp_path):
    sha = proposed(store, tmp_path)["verdict_sha256"]
    answers.approve("release__r1", sha)
    newer = proposed(store, tmp_path, "r2", weights=b"weights 2")["verdict_sha256"]
    refused(store, answers, Wanted(FAMILY, newer, "release__r1"), "another family or verdict")


def test_a_silent_airflow_decides_nothing(store, answers, tmp_path, monkeypatch):
    wanted = answers.approve("r", proposed(store, tmp_path)["verdict_sha256"])

    def silent(*_):
        raise SourceUnavailable("Airflow must answer.")

    monkeypatch.setattr(answers, "gate", silent)
    before = tags(store)
    with pytest.raises(SourceUnavailable):
        release(store, answers, wanted, APPROVERS)
    assert tags(store) == before


def test_a_refusal_is_written_once_however_often_it_is_tried(store, answers, tmp_path):
    sha = proposed(store, tmp_path, checks=False)["verdict_sha256"]
    for _ in range(3):
        refused(store, answers, answers.approve("r", sha), "held")
    assert tags(store).count("release:refused") == 1


def test_what_was_done_to_a_run_by_hand_is_on_record_though_two_people_approved(store, answers, tmp_path):
    wanted = answers.approve("release__r1", proposed(store, tmp_path)["verdict_sha256"])
    forged = [Act("create_xcom_entry", "approve_first", "op"), Act("update_hitl_detail", "approve_first", "op")]
    own = [Act("update_hitl_detail", "approve_first", "anna"), Act("update_hitl_detail", "approve_second", "ben")]
    answers.done["release__r1"] = [*own, *forged]
    release(store, answers, wanted, APPROVERS)
    assert tags(store)[2:5] == ["release:interfered", "key:adopted", "release:approved"]
    found = next(entry for entry in entries(store) if entry.tag == Tag.RELEASE_INTERFERED)
    assert found.facts == {"run_id": "release__r1", "acts": [asdict(act) for act in forged]}


def test_an_approver_who_tries_the_others_gate_is_on_record(store, answers, tmp_path):
    wanted = answers.approve("release__r1", proposed(store, tmp_path)["verdict_sha256"])
    answers.done["release__r1"] = [Act("update_hitl_detail", "approve_second", "anna")]
    release(store, answers, wanted, APPROVERS)
    assert tags(store).count("release:interfered") == 1


def test_a_run_that_no_retrain_triggered_asks_nobody(store, answers, tmp_path):
    sha = proposed(store, tmp_path)["verdict_sha256"]
    wanted = answers.approve("by hand", sha)
    assert admitted(store, answers, wanted)["family"] == FAMILY
    answers.runs["by hand"]["run_type"] = "manual"
    with pytest.raises(GateRefused, match="no retrain triggered it"):
        admitted(store, answers, wanted)
    assert list(entries(store))[-1].facts["codes"] == ["not_triggered"]


def test_text_from_a_forged_run_does_not_reach_the_ledger(store, answers):
    wanted = Wanted("Anna Zanzibarova", "../../x", "by hand")
    for attempt in (lambda: admitted(store, answers, wanted), lambda: release(store, answers, wanted, APPROVERS)):
        with pytest.raises(GateRefused):
            attempt()
    facts = [entry.facts | {"subject": entry.subject} for entry in entries(store)]
    assert {fact["subject"] for fact in facts} == {"unknown"}
    assert {fact["verdict_sha256"] for fact in facts} == {None}
    assert "Zanzibarova" not in json.dumps(facts)


def test_the_commands_note_a_retrain_that_was_turned_away(store, monkeypatch, capsys):
    monkeypatch.setenv("CANDOR_STORE", store.url)
    for _ in range(2):
        assert (
            cli.main(["refuse", "--dag", "retrain", "--dag-run", "asset_triggered__x", "--code", "posted_event"]) == 0
        )
    assert [(e.tag, e.facts["codes"]) for e in entries(store)] == [("event:refused", ["posted_event"])]


class Killed(Exception):
    """The process ends here."""


class Dying(FileStore):
    """A store whose process is killed at the n-th write."""

    def __init__(self, root, after):
        super().__init__(root)
        self.left = after

    def _count(self):
        self.left -= 1
        if self.left < 0:
            raise Killed

    def create(self, key, data):
        self._count()
        return super().create(key, data)

    def upload(self, key, path):
        self._count()
        super().upload(key, path)

    def upload_new(self, key, path):
        self._count()
        return super().upload_new(key, path)


def test_killed_at_any_write_and_run_again_ends_in_the_same_state(tmp_path, answers):
    whole = FileStore(tmp_path / "whole")
    root = checkout(tmp_path)

    def road(store):
        sha = propose(store, FAMILY, Origin("r1", "engineer", "c"), root)["verdict_sha256"]
        release(store, answers, answers.approve("release__r1", sha), APPROVERS)

    road(whole)
    died = 0
    for after in range(100):
        store = FileStore(tmp_path / f"killed {after}")
        try:
            road(Dying(store.root, after))
        except Killed:
            died += 1
            road(store)
        else:
            break
        assert tags(store) == tags(whole)
        assert prove(store) == []
        assert store.list("releases") == whole.list("releases")
        releases.download(store, releases.live(store, FAMILY), tmp_path / "there")
    # 9 files and a manifest, twice; 6 entries; a public key, a statement and a pointer
    assert died == 2 * 10 + 6 + 3


def test_releasing_again_changes_nothing_even_after_a_rollback(store, answers, tmp_path):
    first = released(store, answers, tmp_path)
    second = released(store, answers, tmp_path, "r2", weights=b"weights 2")
    back = back_to(store, first)
    wanted = Wanted(FAMILY, second.verdict_sha256, "release__r2")
    before = tags(store)
    assert release(store, answers, wanted, APPROVERS) == second
    assert (releases.live(store, FAMILY), tags(store)) == (back, before)


def test_a_release_left_unfinished_does_not_come_back_over_a_newer_one(store, answers, tmp_path):
    first = released(store, answers, tmp_path)
    store.delete(first.key)  # as if killed before the pointer
    second = released(store, answers, tmp_path, "r2", weights=b"weights 2")
    refused(store, answers, Wanted(FAMILY, first.verdict_sha256, "release__r1"), "came after this was approved")
    assert releases.live(store, FAMILY) == second


def test_a_clock_that_was_put_back_keeps_no_newer_release_from_going_live(store, answers, tmp_path, monkeypatch):
    first = released(store, answers, tmp_path)

    class LastYear(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) - timedelta(days=365)

    monkeypatch.setattr("pipelines.audit.ledger.datetime", LastYear)
    second = released(store, answers, tmp_path, "r2", weights=b"weights 2")
    assert second.released_at < first.released_at
    assert releases.live(store, FAMILY) == second
    assert verify(store) == []


def test_two_publishers_at_once_make_one_release(store, answers, tmp_path):
    wanted = answers.approve("release__r1", proposed(store, tmp_path)["verdict_sha256"])
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: release(store, answers, wanted, APPROVERS), range(4)))
    assert {item.sequence for item in found} == {1}
    assert tags(store).count("model:released") == 1


def test_a_rollback_is_a_new_pointer_to_the_older_folder(store, answers, tmp_path):
    first = released(store, answers, tmp_path)
    released(store, answers, tmp_path, "r2", weights=b"weights 2")
    back = back_to(store, first)
    assert (back.sequence, back.kind, back.folder) == (3, "rollback", first.folder)
    assert releases.live(store, FAMILY) == back
    assert back_to(store, first) == back
    last = list(entries(store))[-1]
    assert (last.tag, last.facts["reason"]) == (Tag.MODEL_RELEASED, "Complaints from the works council.")
    assert verify(store) == []


def test_a_rollback_says_what_the_ledger_says_and_not_what_a_pointer_says(store, answers, tmp_path):
    first = released(store, answers, tmp_path)
    released(store, answers, tmp_path, "r2", weights=b"weights 2")
    store.put(first.key, replace(first, data_sha256="9" * 64, as_of="2020-01-01", approvers=(), run_id="x").to_json())
    back = back_to(store, first)
    store.put(first.key, first.to_json())
    assert (back.data_sha256, back.as_of, back.run_id) == (first.data_sha256, first.as_of, first.run_id)
    assert back.approvers == first.approvers
    assert prove(store) == []


def test_going_back_over_a_release_cut_short_is_an_act_and_the_retry_comes_too_late(store, answers, tmp_path):
    first = released(store, answers, tmp_path)
    second = released(store, answers, tmp_path, "r2", weights=b"weights 2")
    store.delete(second.key)  # as if killed before the pointer
    back = back_to(store, first)
    assert (back.kind, back.sequence) == ("rollback", 2)
    assert tags(store).count("model:released") == 3
    assert back_to(store, first) == back
    assert tags(store).count("model:released") == 3
    refused(store, answers, Wanted(FAMILY, second.verdict_sha256, "release__r2"), "came after this was approved")
    assert releases.live(store, FAMILY) == back
    assert prove(store) == []


def test_a_release_names_its_five_blessings_in_the_ledger(store, answers, tmp_path):
    released(store, answers, tmp_path)
    last = list(entries(store))[-1]
    five = ["data", "performance", "fairness", "infrastructure", "two_people"]
    assert (last.tag, last.facts["blessings"]) == (Tag.MODEL_RELEASED, five)


@pytest.mark.parametrize("name", ["data", "performance", "fairness", "infrastructure"])
@pytest.mark.parametrize("given", [False, None, "true", 1])
def test_a_verdict_without_a_blessing_is_not_released_though_it_says_allowed(store, answers, tmp_path, name, given):
    """As by a gate that somebody changed, or one of a version before."""
    root = checkout(tmp_path)
    file = root / f"var/stages/{FAMILY}/gated/verdict.json"
    verdict = json.loads(file.read_text())
    if given is None:
        del verdict["blessings"][name]
    else:
        verdict["blessings"][name] = given
    write(file, verdict)
    sha256 = propose(store, FAMILY, Origin("r1", "engineer", "c0ffee"), root)["verdict_sha256"]
    wanted = answers.approve("release__r1", sha256)
    assert refused(store, answers, wanted, f"every blessing by its name; {name} is not given") == ["not_blessed"]


def test_a_model_that_does_not_serve_is_held_and_the_brief_says_so(store, tmp_path):
    sha256 = proposed(store, tmp_path, serves=False)["verdict_sha256"]
    page = brief(json.loads(store.read(f"proposals/{FAMILY}/{sha256}/verdict.json")), sha256)
    assert "the gate says *held*" in page
    assert "infrastructure **not given**" in page
    assert "performance given" in page


def test_no_word_at_the_command_line_goes_past_a_blessing():
    """A new option must be looked at: this is all there are."""
    verbs = next(action for action in cli.parser()._actions if action.choices and "release" in action.choices).choices
    words = {verb: {word for action in made._actions for word in action.option_strings} for verb, made in verbs.items()}
    assert words["release"] == {"-h", "--help", "--dag-run", "--family", "--verdict"}
    assert words["rollback"] == {"-h", "--help", "--to", "--why", "--reason", "--by", "--dag-run", "--instead-of"}
    assert set(words) == {"propose", "brief", "release", "rollback", "refuse", "live", "notice", "assess", "scope"}
    assert words["scope"] == {"-h", "--help", "--law", "--by", "--criterion", "--weights"}, "it only states"


def last_refusal(store):
    last = list(entries(store))[-1]
    assert (last.tag, last.subject) == (Tag.RELEASE_REFUSED, FAMILY)
    return last.facts["codes"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"why": "because"}, ("at least 10 characters", "no_reason")),
        ({"by": "  "}, ("asked for by somebody", "no_reason")),
        ({"verdict_sha256": "f" * 64}, ("never was", "never_released")),
        ({"verdict_sha256": "Anna Example, 1980"}, ("must name the sha256", "no_verdict")),
    ],
)
def test_a_rollback_needs_a_release_somebody_and_a_reason_and_the_refusal_is_on_record(
    store, answers, tmp_path, words, said
):
    first = released(store, answers, tmp_path)
    second = released(store, answers, tmp_path, "r2", weights=b"weights 2")
    with pytest.raises(GateRefused, match=said[0]):
        back_to(store, first, **words)
    assert last_refusal(store) == [said[1]]
    assert "Example" not in str([dict(entry.facts) for entry in entries(store)])
    assert releases.live(store, FAMILY) == second


def test_a_rollback_replaces_the_release_that_was_looked_at_or_nothing(store, answers, tmp_path):
    first = released(store, answers, tmp_path)
    released(store, answers, tmp_path, "r2", weights=b"weights 2")
    third = released(store, answers, tmp_path, "r3", weights=b"weights 3")  # while somebody read the form
    with pytest.raises(GateRefused, match="that it was asked to, 2; 3 scores by now"):
        back_to(store, first, instead_of=2)
    assert (last_refusal(store), releases.live(store, FAMILY)) == (["superseded"], third)
    for _ in range(2):  # a task that is tried again after it did its work
        back = back_to(store, first, instead_of=3)
        assert (back.sequence, back.kind, back.verdict_sha256) == (4, "rollback", first.verdict_sha256)
    assert len(releases.pointers(store, FAMILY)) == 4


def test_a_pointer_by_hand_is_nothing_that_was_gone_back_to(store, answers, tmp_path):
    first = released(store, answers, tmp_path)
    forged = replace(first, sequence=2)
    store.put(forged.key, forged.to_json())
    back = back_to(store, first)
    assert (back.sequence, back.kind) == (3, "rollback")
    assert back_to(store, first) == vouched.live(store, FAMILY) == back


def test_a_pointer_by_hand_with_the_last_number_ends_no_family(store, answers, tmp_path):
    """It is named before anything is written to the ledger; once it is out of the store all goes on."""
    first = released(store, answers, tmp_path)
    forged = replace(first, sequence=10**12 - 1)
    store.put(forged.key, forged.to_json())
    before = [entry.sequence for entry in entries(store) if entry.tag is Tag.MODEL_RELEASED]
    for ask in (back_to, lambda *_: released(store, answers, tmp_path, "r2", weights=b"weights 2")):
        with pytest.raises(GateRefused, match=r"999999999999\.json leaves none\. It was put there by hand"):
            ask(store, first)
        assert last_refusal(store) == ["no_number"]
    assert [entry.sequence for entry in entries(store) if entry.tag is Tag.MODEL_RELEASED] == before
    store.delete(forged.key)
    second = released(store, answers, tmp_path, "r3", weights=b"weights 2")
    assert (second.sequence, vouched.live(store, FAMILY)) == (2, second)


@pytest.mark.parametrize(("said", "status"), [("--instead-of=2", 0), ("--instead-of=", 0), ("--instead-of=1", 3)])
def test_the_command_takes_the_number_that_a_form_may_leave_out(store, answers, tmp_path, monkeypatch, *, said, status):
    monkeypatch.setenv("CANDOR_STORE", store.url)
    first = released(store, answers, tmp_path)
    released(store, answers, tmp_path, "r2", weights=b"weights 2")
    monkeypatch.chdir(tmp_path)
    words = ["rollback", FAMILY, "--to", first.verdict_sha256, f"--why={WHY_BACK}", "--by=clara", said]
    assert cli.main(words) == status
    assert (releases.live(store, FAMILY).kind == "rollback") is (status == 0)


def test_a_rollback_says_who_asked_in_which_run(store, answers, tmp_path):
    first = released(store, answers, tmp_path)
    released(store, answers, tmp_path, "r2", weights=b"weights 2")
    back_to(store, first, run_id="manual__1")
    facts = list(entries(store))[-1].facts
    assert [facts[name] for name in ("kind", "asked_by", "asked_in", "from_sequence")] == [
        "rollback", "clara", "manual__1", 2,
    ]  # fmt: skip


def test_nobody_goes_back_to_what_was_held_or_changed_or_points_there_without_the_ledger(store, answers, tmp_path):
    first = released(store, answers, tmp_path)
    held = proposed(store, tmp_path, "r2", weights=b"weights 2", checks=False)["verdict_sha256"]
    with pytest.raises(GateRefused, match="never was"):
        back_to(store, first, verdict_sha256=held)
    folder = f"proposals/{FAMILY}/{held}"
    forged = replace(first, sequence=2, folder=folder, verdict_sha256=held)
    store.put(forged.key, forged.to_json())
    released(store, answers, tmp_path, "r3", weights=b"weights 3")
    with pytest.raises(GateRefused, match="never was"):
        back_to(store, first, verdict_sha256=held)
    entry = next(entry for entry in entries(store) if entry.tag is Tag.MODEL_RELEASED)
    audit.append(store, Tag.MODEL_RELEASED, FAMILY, **{**entry.facts, "verdict_sha256": held})
    store.put(f"releases/{FAMILY}/{held}/verdict.json", store.read(f"{folder}/verdict.json"))
    with pytest.raises(GateRefused, match="The verdict must allow this screening model; it is held"):
        back_to(store, first, verdict_sha256=held)
    store.put(f"{first.folder}/model/model.keras", b"changed")
    with pytest.raises(GateRefused, match="changed after approval"):
        back_to(store, first)
    assert last_refusal(store) == ["changed_after_proposal"]


@pytest.mark.parametrize("place", ["US-NY-NYC", "US-NY", "US"])
def test_who_names_a_country_goes_back_under_the_laws_of_its_cities_too(store, answers, tmp_path, place):
    first = released(store, answers, tmp_path)
    released(store, answers, tmp_path, "r2", weights=b"weights 2")
    with pytest.raises(GateRefused, match="In US-NY-NYC: New York City Local Law 144"):
        back_to(store, first, date(2026, 11, 27), Law(jurisdictions=(place,), locations={}))


@pytest.mark.parametrize(("audited", "may"), [("2025-11-27", True), ("2025-11-26", False), (None, False)])
def test_nobody_goes_back_to_a_release_whose_audit_is_older_than_the_law_allows(store, answers, tmp_path, audited, may):
    first = released(store, answers, tmp_path)
    second = released(store, answers, tmp_path, "r2", weights=b"weights 2")
    if audited:
        about = {"model_sha256": first.model_sha256, "audited_on": audited, "auditor": "Audits Ltd"}
        audit.append(store, Tag.AUDIT_PACKAGED, FAMILY, **about)
    city, today = Law(jurisdictions=("US-TX", "US-NY-NYC"), locations={}), date(2026, 11, 27)
    if may:
        assert back_to(store, first, today, city).kind == "rollback"
        return
    with pytest.raises(GateRefused, match="may be used today; In US-NY-NYC: New York City Local Law 144"):
        back_to(store, first, today, city)
    assert last_refusal(store) == ["expired"]
    assert releases.live(store, FAMILY) == second


class Forms:
    """Airflow's record of a run by a form."""

    def __init__(self, **changed):
        self.found = {
            "dag_id": "rollback", "dag_run_id": "m1", "run_type": "manual", "triggering_user_name": "clara",
        } | changed  # fmt: skip

    def run(self, dag, run_id):
        return self.found


@pytest.mark.parametrize(
    ("record", "is_asked"),
    [
        ({}, True),
        ({"triggering_user_name": None}, False),
        ({"run_type": "asset_triggered"}, False),
        ({"dag_id": "retrain"}, False),
        ({"dag_run_id": "m2"}, False),
    ],
)
def test_by_a_form_the_name_is_airflows_own_record(store, answers, tmp_path, monkeypatch, *, record, is_asked):
    first = released(store, answers, tmp_path)
    released(store, answers, tmp_path, "r2", weights=b"weights 2")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CANDOR_STORE", store.url)
    monkeypatch.setattr(cli, "open_records", lambda: Forms(**record))
    words = ["rollback", FAMILY, "--to", first.verdict_sha256, f"--why={WHY_BACK}", "--dag-run", "m1"]
    assert cli.main(words) == (0 if is_asked else 3)
    assert [release.kind for release in releases.pointers(store, FAMILY)][2:] == (["rollback"] if is_asked else [])


@pytest.mark.parametrize("name", ["model/model.keras", "verdict.json", "manifest.json"])
def test_a_release_changed_in_the_store_scores_nobody(store, answers, tmp_path, name):
    found = released(store, answers, tmp_path)
    store.put(f"{found.folder}/{name}", b'{"files": {}}')
    with pytest.raises(ContractError, match="changed after approval"):
        releases.download(store, found, tmp_path / "there")


def test_a_manifest_cannot_name_files_outside_its_folder(store):
    data = json.dumps({"files": {"../../x": "a"}}).encode()
    store.put("releases/screening/x/manifest.json", data)
    with pytest.raises(ContractError, match="outside"):
        releases.read_manifest(store, "releases/screening/x", sha256_bytes(data))


def test_an_unreadable_pointer_is_an_error_and_not_the_release_before(store, answers, tmp_path):
    found = released(store, answers, tmp_path)
    store.put("releases/screening/000000000002.json", b"{}")
    with pytest.raises(ContractError, match=r"000000000002\.json must be a release pointer"):
        releases.live(store, FAMILY)
    store.put("releases/screening/000000000002.json", found.to_json())
    with pytest.raises(ContractError, match="must name its own"):
        releases.live(store, FAMILY)


@pytest.mark.parametrize(
    "name", ["trained/model/model.keras", "evaluated/metrics.json", "trained/card.json", "evaluated/served.json"]
)
def test_a_verdict_about_other_files_than_those_here_is_not_proposed(store, tmp_path, name):
    root = checkout(tmp_path)
    (root / "var/stages" / FAMILY / name).write_bytes(b"{}")
    with pytest.raises(ContractError, match="must be about the files in this checkout"):
        propose(store, FAMILY, Origin("r1", "engineer", "c"), root)
    assert (tags(store), store.list("proposals")) == ([], [])


def test_a_sealed_proposal_is_not_written_again(store, answers, tmp_path):
    root = checkout(tmp_path)
    curve = root / f"var/stages/{FAMILY}/evaluated/roc.csv"
    curve.write_text("before")
    sha = propose(store, FAMILY, Origin("r1", "engineer", "c"), root)["verdict_sha256"]
    curve.write_text("after")
    assert propose(store, FAMILY, Origin("r2", "engineer", "c"), root)["verdict_sha256"] == sha
    found = release(store, answers, answers.approve("release__r2", sha), APPROVERS)
    assert store.read(f"{found.folder}/evaluated/roc.csv") == b"before"


def test_without_a_verdict_or_a_profile_nothing_is_proposed(store, tmp_path):
    with pytest.raises(ContractError, match="must have a verdict"):
        propose(store, FAMILY, Origin("r1", "engineer", "c"), tmp_path)
    (checkout(tmp_path) / f"var/stages/{FAMILY}/trained/profile.json").unlink()
    with pytest.raises(ContractError, match=r"profile\.json"):
        propose(store, FAMILY, Origin("r1", "engineer", "c"), tmp_path)


def test_the_brief_shows_verdict_groups_and_gaps_by_name(store, tmp_path):
    sha = proposed(store, tmp_path)["verdict_sha256"]
    page = brief(json.loads(store.read(f"proposals/{FAMILY}/{sha}/verdict.json")), sha)
    assert "## screening: the gate says *allowed*" in page
    assert "| model | 0.800 | 0.700 to 0.900 |" in page
    assert "| sex | a | 2500 of 5000 | 0.500 | 1.000 |" in page
    assert "| sex | b | not told, of 5000 | about 0.50 | | | NO_EVIDENCE |" in page, "the one unknown would follow"
    assert "- `sex:unknown`: 1 person: their group is not known." in page
    assert sha in page
    assert "Open *Audit* in the navigation for the reports of screening." in page


def test_the_brief_tells_no_figure_from_which_that_of_few_people_would_follow(store, tmp_path):
    sha = proposed(store, tmp_path)["verdict_sha256"]
    verdict = json.loads(store.read(f"proposals/{FAMILY}/{sha}/verdict.json"))
    one = {"axis": "sex", "n": 120, "model": {"value": 0.6, "low": 0.5, "high": 0.7}}
    verdict["metrics"]["slices"]["judged"] = [one | {"slice": "a", "is_told": False}, one | {"slice": "b"}]
    page = brief(verdict, sha).split("\n")
    assert {"| sex: a | 120 | not told | |", "| sex: b | 120 | 0.600 | 0.500 to 0.700 |"} <= set(page)


def test_a_declared_purpose_is_one_line_that_neither_heads_a_section_nor_links(store, tmp_path):
    sha = proposed(store, tmp_path)["verdict_sha256"]
    verdict = json.loads(store.read(f"proposals/{FAMILY}/{sha}/verdict.json"))
    plain = brief(verdict, sha)
    verdict["purpose"] = "Puts a_b\n\n### What was `checked`\u2028- *passed*: <b>|\r[Audit page](https://x.example/)\\"
    page = brief(verdict, sha)
    said = r"Puts a\_b \#\#\# What was \`checked\` - \*passed\*: \<b\>\| \[Audit page\](https://x.example/)" + "\\\\"
    assert f"Declared purpose: {said}" in page.split("\n")
    assert len(page.splitlines()) == len(plain.splitlines())


def test_the_brief_begins_with_what_pooling_hides_and_keeps_a_bar_in_a_name_inside_its_cell(store, tmp_path):
    sha = proposed(store, tmp_path)["verdict_sha256"]
    verdict = json.loads(store.read(f"proposals/{FAMILY}/{sha}/verdict.json"))
    axis = verdict["groups"]["axes"][0]
    rows = [axis["groups"][0] | {"group": "f|x", "verdict": "ADVERSE"}]
    rows += [axis["groups"][0] | {"group": r"f\|y|x", "verdict": "NO_EVIDENCE"}]
    failed = axis | {"axis": "sex x ethnicity", "subject": "R-7", "verdict": "ADVERSE", "groups": rows}
    verdict["groups"]["by_subject"] = [failed, failed | {"subject": "R-8", "is_hidden_in_pool": True}]
    page = brief(verdict, sha)
    assert page.splitlines()[2] == "**R-8, sex x ethnicity: f|x 50% (2500 of 5000) (pooling hides it). ADVERSE.**"
    assert "| sex x ethnicity, R-7 alone | f\\|x | 2500 of 5000 |" in page
    assert "too few" not in page
    verdict["groups"]["by_subject"] = [failed | {"small_groups": ["m|x"]}]
    assert "| sex x ethnicity, R-7 alone | m\\|x | too few to be told | | | | INSUFFICIENT_DATA |" in brief(
        verdict, sha
    )
    assert r"| sex x ethnicity, R-7 alone | f\\\|y\|x | 2500 of 5000 |" in page


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080", "https://airflow.example/hr/"])
def test_the_brief_links_to_the_familys_audit_page(store, tmp_path, url):
    sha = proposed(store, tmp_path)["verdict_sha256"]
    page = brief(json.loads(store.read(f"proposals/{FAMILY}/{sha}/verdict.json")), sha, url)
    (address,) = re.findall(r"\[Audit page of screening[^]]*\]\((.*)\)", page)
    assert address == f"{url.rstrip('/')}/candor-audit/models/screening"


def test_no_address_and_no_family_breaks_out_of_the_link_in_the_brief(tmp_path):
    verdict = json.loads((checkout(tmp_path) / f"var/stages/{FAMILY}/gated/verdict.json").read_text())
    page = brief(verdict | {"family": "a/b)"}, "f" * 64, "http://airflow.example/hr) [here](http://evil.example")
    (line,) = (line for line in page.splitlines() if "its bias and drift reports" in line)
    assert "(http://airflow.example/hr%29%20[here]%28http://evil.example/candor-audit/models/a%2Fb%29)." in line


def test_a_brief_is_not_printed_with_a_link_to_somewhere_else(store, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CANDOR_STORE", store.url)
    sha = proposed(store, tmp_path)["verdict_sha256"]
    monkeypatch.setenv("CANDOR_AIRFLOW_URL", "https://viewer:hunter2@airflow.example")
    assert cli.main(["brief", FAMILY, "--verdict", sha]) == 1
    said = capsys.readouterr()
    assert "SettingsError: CANDOR_AIRFLOW_URL must be an address" in said.err
    assert "hunter2" not in said.err + said.out


def test_the_commands_print_one_json_line_or_the_refusal(store, answers, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CANDOR_STORE", store.url)
    monkeypatch.setenv("CANDOR_AIRFLOW_URL", "http://airflow.example")
    monkeypatch.chdir(checkout(tmp_path))
    assert cli.main(["live", FAMILY]) == 0
    assert json.loads(capsys.readouterr().out) == {"family": FAMILY, "status": "nothing_released"}
    assert cli.main(["propose", FAMILY, "--run-id", "r1", "--requester", "engineer", "--commit", "c"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["verdict"], said["shadow"]) == ("allowed", False)
    sha = said["verdict_sha256"]
    assert cli.main(["brief", FAMILY, "--verdict", sha]) == 0
    page = capsys.readouterr().out
    assert page.startswith("## screening")
    assert "(http://airflow.example/candor-audit/models/screening)" in page
    monkeypatch.setattr(cli, "open_records", lambda: answers)
    words = ["release", "--dag-run", "release__r1", "--family", FAMILY, "--verdict", sha]
    assert cli.main(words) == 3
    assert capsys.readouterr().err.startswith("GateRefused: ")
    answers.approve("release__r1", sha)
    assert cli.main(words) == 0
    assert json.loads(capsys.readouterr().out)["approvers"] == ["anna", "ben"]
    assert cli.main(["live", FAMILY]) == 0
    assert json.loads(capsys.readouterr().out)["verdict_sha256"] == sha
    assert cli.main(["rollback", FAMILY, "--to", sha, "--why", "None at all, really.", "--by", "clara"]) == 0
    assert audit.verify(store) == []


PASSED_OVER = "alternative:reweighed"
REASON = "Its scores cannot be explained to candidates."


def with_a_better_alternative(root):
    """The declared model was taken, and another of equal validity selects women at .9 of men's rate, not at .7."""
    checkout(root)
    model = sha256_tree(root / f"var/stages/{FAMILY}/trained/model")
    return checkout(root, alternatives=choice(model, others=[("reweighed", 0.9)]))


def test_a_worse_impact_ratio_at_equal_validity_needs_both_approvers_written_reason(store, tmp_path, answers):
    sha = propose(store, FAMILY, Origin("r1", "engineer", "c"), with_a_better_alternative(tmp_path))["verdict_sha256"]
    wanted = answers.approve("release__r1", sha, gaps=GAPS)
    with pytest.raises(GateRefused, match=rf"{PASSED_OVER}") as no:
        release(store, answers, wanted, APPROVERS)
    assert no.value.codes == ("gap_not_accepted",)
    wanted = answers.approve("release__r1", sha, gaps=(*GAPS, PASSED_OVER))
    for given in (None, "", "  because  ", {"value": "ten chars"}, 7):
        for name in ("approve_first", "approve_second"):
            answers.gates["release__r1", name]["params_input"]["choice_reason"] = REASON
        answers.gates["release__r1", "approve_second"]["params_input"]["choice_reason"] = given
        with pytest.raises(GateRefused, match=f"ben did not say why not {PASSED_OVER}") as no:
            release(store, answers, wanted, APPROVERS)
        assert no.value.codes == ("choice_not_explained",)
    assert releases.live(store, FAMILY) is None
    answers.gates["release__r1", "approve_second"]["params_input"]["choice_reason"] = {"value": f" {REASON} "}
    live = release(store, answers, wanted, APPROVERS)
    assert [approver["choice_reason"] for approver in live.approvers] == [REASON, REASON]
    approved = [entry for entry in entries(store) if entry.tag is Tag.RELEASE_APPROVED]
    assert [entry.facts["choice_reason"] for entry in approved] == [REASON, REASON]
    proposed = next(entry for entry in entries(store) if entry.tag is Tag.MODEL_PROPOSED)
    assert proposed.facts["alternative"] == "declared"


def test_a_reason_is_asked_for_only_where_an_alternative_is_passed_over(store, tmp_path, answers):
    checkout(tmp_path)
    model = sha256_tree(tmp_path / f"var/stages/{FAMILY}/trained/model")
    root = checkout(tmp_path, alternatives=choice(model, "reweighed", others=[("reweighed", 0.9)]))
    sha = propose(store, FAMILY, Origin("r1", "engineer", "c"), root)["verdict_sha256"]
    live = release(store, answers, answers.approve("release__r1", sha), APPROVERS)
    assert [approver["choice_reason"] for approver in live.approvers] == ["", ""]


def test_the_record_of_what_was_tried_is_bound_into_the_release(store, tmp_path, answers):
    root = with_a_better_alternative(tmp_path)
    file = root / f"var/stages/{FAMILY}/trained/alternatives.json"
    whole = file.read_bytes()
    file.write_bytes(whole.replace(b'"high": 0.01', b'"high": -0.9'))
    with pytest.raises(ContractError, match=r"it is not about alternatives\.json"):
        propose(store, FAMILY, Origin("r1", "engineer", "c"), root)
    file.write_bytes(whole)
    sha = propose(store, FAMILY, Origin("r1", "engineer", "c"), root)["verdict_sha256"]
    wanted = answers.approve("release__r1", sha, gaps=(*GAPS, PASSED_OVER))
    for task in ("approve_first", "approve_second"):
        answers.gates["release__r1", task]["params_input"]["choice_reason"] = REASON
    live = release(store, answers, wanted, APPROVERS)
    assert store.read(f"{live.folder}/alternatives.json") == whole
    releases.download(store, live, tmp_path / "there")
    assert json.loads((tmp_path / "there/verdict.json").read_text())["alternatives"] == json.loads(whole)


def test_the_brief_names_what_was_tried_and_asks_for_the_reason(tmp_path):
    root = with_a_better_alternative(tmp_path)
    verdict = json.loads((root / f"var/stages/{FAMILY}/gated/verdict.json").read_text())
    page = brief(verdict, "f" * 64)
    assert "| **declared**, taken |" in page
    assert "| reweighed | something else | 0.900 | -0.010 (-0.030 to 0.010), of equal validity | 0.400 |" in page
    assert f"- `{PASSED_OVER}`: On validation cases its lowest impact ratio is 0.90 [0.80 to 1.00]" in page
    assert "in *Why not the alternative*: without it nothing is released." in page
    assert "Why not the alternative" not in brief(verdict | {"gaps": []}, "f" * 64)


# ---------------------------------------------------------------- another system than the one before


SINCE = "modification:since_release_1"


def another(store, answers, root):
    """A release, and a proposal whose model reads one input more; both by the real gate."""
    released(store, answers, root)
    return proposed(store, root, "r2", weights=b"weights 2", inputs=["postcode"])["verdict_sha256"]


def test_another_system_is_not_released_unless_both_accept_that_by_its_name(store, answers, tmp_path):
    sha = another(store, answers, tmp_path)
    wanted = answers.approve("release__r2", sha)
    assert refused(store, answers, wanted, rf"anna did not accept {SINCE}\. ben did not") == ["gap_not_accepted"]
    assert set(evidence_of.asked(store, FAMILY, sha)) == {*GAPS, SINCE}, "as the demo's reviewers read them"
    one_of_two = answers.approve("release__r2", sha, (*GAPS, SINCE))
    answers.gates["release__r2", "approve_second"]["params_input"]["accepted_gaps"] = ",".join(GAPS)
    assert refused(store, answers, one_of_two, rf"ben did not accept {SINCE}") == ["gap_not_accepted"]
    made = release(store, answers, answers.approve("release__r2", sha, (*GAPS, SINCE)), APPROVERS)
    assert all(SINCE in approver["accepted_gaps"] for approver in made.approvers)
    assert found_by_release(store) == [None, SINCE], "the first is a modification of nothing"
    assert prove(store) == []


def found_by_release(store):
    """What the ledger says of releases: the gap that was found, whatever people typed."""
    return [entry.facts["modification"] for entry in entries(store) if entry.tag is Tag.MODEL_RELEASED]


def test_what_was_foreseen_asks_nothing_more(store, answers, tmp_path):
    released(store, answers, tmp_path)
    sha = proposed(store, tmp_path, "r2", weights=b"weights 2")["verdict_sha256"]
    assert modification(store, FAMILY, sha).gap is None
    assert release(store, answers, answers.approve("release__r2", sha, (*GAPS, SINCE)), APPROVERS).sequence == 2
    assert found_by_release(store) == [None, None], "to accept what nobody asks for makes no other system"


def test_a_model_for_another_purpose_is_another_system_and_the_brief_names_it(store, answers, tmp_path):
    released(store, answers, tmp_path)
    other = "Rejects applications before anybody reads them."
    sha = proposed(store, tmp_path, "r2", weights=b"weights 2", purpose=other)["verdict_sha256"]
    wanted = answers.approve("release__r2", sha)
    assert modification(store, FAMILY, sha).unforeseen == ["purpose: purpose"]
    assert refused(store, answers, wanted, rf"did not accept {SINCE}") == ["gap_not_accepted"]
    page = brief(json.loads(store.read(f"proposals/{FAMILY}/{sha}/verdict.json")), sha)
    assert f"Declared purpose: {other}" in page
    assert release(store, answers, answers.approve("release__r2", sha, (*GAPS, SINCE)), APPROVERS).sequence == 2


def test_other_code_is_told_and_asks_nothing_more(store, answers, tmp_path, monkeypatch):
    released(store, answers, tmp_path)
    monkeypatch.setattr("pipelines.publish.proposals.code_of", lambda family: "0" * 64)
    sha = proposed(store, tmp_path, "r2", weights=b"weights 2")["verdict_sha256"]
    found = modification(store, FAMILY, sha)
    assert [(change.kind, change.about) for change in found.changes] == [("code", "code_sha256")]
    assert found.gap is None


def test_the_digest_of_code_is_of_what_makes_and_judges_this_familys_models(tmp_path, monkeypatch):
    root = Path(__file__).parents[2]
    shutil.copytree(root / "pipelines", tmp_path / "pipelines", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr("pipelines.publish.proposals._HERE", tmp_path)
    before = code_of(FAMILY)
    for file in ("models/outcomes/features.py", "ingest/land.py", "publish/release.py", "audit/ledger.py"):
        append(tmp_path / "pipelines" / file)
    assert code_of(FAMILY) == before
    seen = {before}
    for file in ("train.py", "prepare.py", "models/asof.py", f"models/{FAMILY}/network.py", "evaluate/choose.py"):
        append(tmp_path / "pipelines" / file)
        seen.add(code_of(FAMILY))
    assert len(seen) == 6


def append(file):
    with file.open("a") as code:
        code.write("# One word more.\n")


def test_only_what_nobody_foresaw_is_asked_about():
    about = ("card", "a", "a")
    newer = Change("data", "as_of", *about, is_foreseen=True, why="Newer.")
    assert Modified(3, (newer,)).gap is None
    asked = Modified(3, (Change("decision", "threshold", *about, is_foreseen=False, why="Another."), newer))
    assert asked.unforeseen == ["decision: threshold"]
    assert (asked.gap["name"], asked.gap["code"]) == ("modification:since_release_3", "substantial_modification")


def test_what_cannot_be_compared_is_asked_about(store, answers, tmp_path):
    released(store, answers, tmp_path)
    write(checkout(tmp_path, b"weights 2") / f"var/stages/{FAMILY}/trained/profile.json", {"column": 7})
    sha = propose(store, FAMILY, Origin("r2", "engineer", "c0ffee"), tmp_path)["verdict_sha256"]
    assert modification(store, FAMILY, sha).gap["code"] == "modification_unknown"


def test_an_acceptance_of_the_difference_from_one_release_is_none_of_that_from_another(store, answers, tmp_path):
    sha = another(store, answers, tmp_path)
    answers.approve("release__r2", sha, (*GAPS, SINCE))
    first = releases.live(store, FAMILY)
    pointer = replace(first, sequence=2, kind="rollback")  # somebody went back while the two were reading
    store.put(pointer.key, pointer.to_json())
    assert modification(store, FAMILY, sha).gap["name"] == "modification:since_release_2"
    wanted = Wanted(FAMILY, sha, "release__r2")
    with pytest.raises(
        GateRefused, match="approve_first: what it showed is not the brief of this verdict as it is now"
    ):
        release(store, answers, wanted, APPROVERS)
    answers.approve("release__r2", sha, (*GAPS, SINCE))  # they were asked again, and say the same
    with pytest.raises(GateRefused, match="anna did not accept modification:since_release_2"):
        release(store, answers, wanted, APPROVERS)


def test_a_release_that_cannot_be_read_any_more_is_no_reason_to_ask_nothing(store, answers, tmp_path):
    released(store, answers, tmp_path)
    live = releases.live(store, FAMILY)
    store.put(f"{live.folder}/card.json", b"{}")
    sha = proposed(store, tmp_path, "r2", weights=b"weights 2")["verdict_sha256"]
    gap = modification(store, FAMILY, sha).gap
    assert (gap["name"], gap["code"]) == (SINCE, "modification_unknown")
    assert "its digest differs" in gap["reason"]
    refused(store, answers, answers.approve("release__r2", sha), rf"did not accept {SINCE}")
    assert release(store, answers, answers.approve("release__r2", sha, (*GAPS, SINCE)), APPROVERS).sequence == 2


def test_a_pointer_by_hand_to_the_proposals_own_files_hides_no_difference(store, answers, tmp_path):
    sha = another(store, answers, tmp_path)
    files = {"folder": f"proposals/{FAMILY}/{sha}", "verdict_sha256": sha}
    files["manifest_sha256"] = sha256_bytes(store.read(f"{files['folder']}/manifest.json"))
    forged = replace(releases.live(store, FAMILY), sequence=2, **files)
    store.put(forged.key, forged.to_json())
    name, gap = "modification:since_release_2", modification(store, FAMILY, sha).gap
    assert (gap["name"], gap["code"]) == (name, "modification_unknown")
    assert f"{forged.key} must be what an entry of the ledger calls for" in gap["reason"]
    refused(store, answers, answers.approve("release__r2", sha), rf"did not accept {name}")
    assert release(store, answers, answers.approve("release__r2", sha, (*GAPS, name)), APPROVERS).sequence == 3
    assert vouched.live(store, FAMILY).verdict_sha256 == sha


def test_the_first_release_and_what_nobody_proposed_are_no_modification(store, tmp_path):
    sha = proposed(store, tmp_path)["verdict_sha256"]
    assert modification(store, FAMILY, sha) == modification(store, FAMILY, "0" * 64) == Modified()


def test_the_brief_begins_with_the_alarm_and_asks_for_it_by_name(store, answers, tmp_path):
    sha = another(store, answers, tmp_path)
    verdict = json.loads(store.read(f"proposals/{FAMILY}/{sha}/verdict.json"))
    page = brief(verdict, sha, "", modification(store, FAMILY, sha))
    told = "It differs from release 1, which scores now, in what nobody foresaw: inputs: postcode."
    assert page.splitlines()[2].startswith(f"**Substantial modification.** {told}")
    assert f"- `{SINCE}`: {told}" in page
    assert "- **not foreseen**: inputs, `postcode`. The model reads it anew." in page
    assert "modification" not in brief(verdict, sha).lower()


def test_nobody_goes_back_to_what_an_entry_and_a_pointer_call_a_release_and_no_key_signed(store, answers, tmp_path):
    released(store, answers, tmp_path)
    sha256 = proposed(store, tmp_path / "two", run="r9", weights=b"of nobody")["verdict_sha256"]
    source = f"proposals/{FAMILY}/{sha256}"
    for key in store.list(source):
        store.put(key.replace("proposals/", "releases/", 1), store.read(key))
    said = json.loads(store.read(f"{source}/verdict.json"))
    facts = {"verdict_sha256": sha256, "manifest_sha256": sha256_bytes(store.read(f"{source}/manifest.json"))}
    facts |= {"model_sha256": said["model_sha256"], "data_sha256": "b" * 64, "as_of": "2026-10-31", "run_id": "x"}
    facts |= {"kind": "release", "number": 2, "approvers": [{"name": "anna"}, {"name": "ben"}]}
    entry = audit.append(store, Tag.MODEL_RELEASED, FAMILY, **facts)
    forged = point(store, FAMILY, "release", f"releases/{FAMILY}/{sha256}", entry)
    with pytest.raises(GateRefused) as caught:
        back_to(store, forged)
    assert caught.value.codes == ("never_released",)


def test_a_pointer_of_other_files_under_a_releases_verdict_keeps_nobody_from_going_back_to_it(store, answers, tmp_path):
    first = released(store, answers, tmp_path)
    forged = replace(first, sequence=2, manifest_sha256="0" * 64)
    store.put(forged.key, forged.to_json())
    back = back_to(store, first)
    assert (back.sequence, back.manifest_sha256) == (3, first.manifest_sha256)
    assert vouched.live(store, FAMILY) == back
