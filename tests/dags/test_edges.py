"""The second graph and the third: what DVC derives from deps and outs is what the retrain DAG walks."""

from pathlib import Path

import yaml

from pipelines.base.catalog import LAKE_LOCK, STAGES

DVC = yaml.safe_load((Path(__file__).parents[2] / "dvc.yaml").read_text())["stages"]
Edges = set[tuple[str, str]]


def path(out: str | dict) -> str:
    return out if isinstance(out, str) else next(iter(out))


def dvc_edges() -> Edges:
    """Who reads what whom wrote. `pin` writes lake.lock, which DVC takes as it finds it."""
    written = {path(out): stage for stage, about in DVC.items() for out in about["outs"]} | {LAKE_LOCK: "pin"}
    return {
        (by, stage)
        for stage, about in DVC.items()
        for dep in about["deps"]
        for out, by in written.items()
        if dep == out or dep.startswith(f"{out}/")
    }


def after(edges: Edges, start: str) -> set[str]:
    """Everything that lies behind `start`."""
    near = {to for by, to in edges if by == start}
    return near.union(*(after(edges, to) for to in near))


def direct(edges: Edges) -> Edges:
    """Edges without those that a longer way makes needless."""
    return {(by, to) for by, to in edges if not any(to in after(edges, near) for b, near in edges if b == by)}


def test_a_longer_way_makes_an_edge_needless():
    """By hand: a → b → c, and a → c says nothing new."""
    assert direct({("a", "b"), ("b", "c"), ("a", "c")}) == {("a", "b"), ("b", "c")}
    assert direct({("a", "b"), ("a", "c")}) == {("a", "b"), ("a", "c")}


def test_the_retrain_dag_has_the_edges_that_dvc_derives(dags):
    tasks = dags["retrain"]["tasks"]
    walked = {(by, stage) for stage in STAGES for by in tasks[stage]["after"]}
    assert walked == direct(dvc_edges())
