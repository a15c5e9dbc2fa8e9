"""Which model is a candidate, and how two models compare: by hand."""

import polars as pl
import pytest

from pipelines import audit
from pipelines.audit import Tag
from pipelines.base.releases import Release
from pipelines.score.beside import candidate, compared
from tests.stages.monitored_company import recorded

A, B = "a" * 64, "b" * 64


def judged(store, verdict, tag=Tag.MODEL_PROPOSED, codes=(), family="screening"):
    facts = dict.fromkeys(("manifest_sha256", "model_sha256", "data_sha256"), verdict)
    audit.append(store, tag, family, verdict_sha256=verdict, as_of="2026-10-31", run_id="r", codes=list(codes), **facts)


def pointer(number, verdict):
    folder = f"releases/screening/{verdict}"
    return Release(
        "screening", number, "release", folder, verdict, B, B, B, "2026-10-31", "r", "", (), {}, "2026-11-01"
    )


def point(store, number, verdict):
    made = pointer(number, verdict)
    store.put(made.key, made.to_json())


def test_the_newest_verdict_of_the_family_is_the_candidate_until_it_is_released(store):
    assert candidate(store, "screening", ()) is None
    judged(store, A)
    judged(store, "c" * 64, family="outcomes")
    found = candidate(store, "screening", ())
    assert (found.verdict_sha256, found.is_shadow, found.folder) == (A, True, f"proposals/screening/{A}")
    judged(store, B)
    assert candidate(store, "screening", ()).verdict_sha256 == B
    point(store, 1, B)
    assert candidate(store, "screening", ()).verdict_sha256 == B, "a pointer that somebody laid releases nothing"
    recorded(store, pointer(1, B))
    assert candidate(store, "screening", ()) is None, "what was released, and maybe left again, is no candidate"


@pytest.mark.parametrize(
    ("codes", "is_one"),
    [(["no_group_data"], True), (["adverse"], False), (["adverse", "no_group_data"], False), ([], False)],
)
def test_of_held_models_only_one_without_group_data_is_a_candidate(store, codes, is_one):
    judged(store, A)
    judged(store, B, Tag.MODEL_HELD, codes)
    assert (candidate(store, "screening", ()) is not None) is is_one


def scores(*rows):
    return pl.DataFrame(
        [(person, "r", "t", score, chosen) for person, score, chosen in rows],
        schema=["person_id", "subject_id", "target_code", "score", "is_selected"],
        orient="row",
    )


def test_only_cases_that_both_scored_are_compared():
    live = scores(("p1", 0.5, True), ("p2", 0.2, False), ("p3", 0.9, True), ("p4", 0.1, False))
    other = scores(("p1", 0.7, True), ("p2", 0.4, True), ("p3", 0.3, False), ("p5", 0.9, True))
    assert compared(live, other) == {
        "rows": 3,
        "selected_by_live": 2,
        "selected_by_candidate": 2,
        "same_decision_share": 0.333333,
        "mean_difference": pytest.approx((0.2 + 0.2 - 0.6) / 3, abs=1e-6),
    }


def test_without_a_case_of_both_nothing_is_said():
    assert compared(scores(("p1", 0.5, True)).clear(), scores(("p1", 0.5, True)))["same_decision_share"] is None
