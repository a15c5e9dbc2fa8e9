"""Loads every DAG file as Airflow does and prints what the policies ask about, as JSON. Run by `conftest.py`.

A program of its own: Airflow wants its home in the environment before it is imported, and warns as it loads.
"""

import json
import sys
import time
from pathlib import Path

import airflow.sdk  # noqa: F401  its cost is not the DAG files'

before = set(sys.modules)
from airflow.dag_processing.dagbag import BundleDagBag  # noqa: E402

FOLDER = Path(__file__).parents[2] / "dags"


def described(dag):
    return {
        "tags": sorted(dag.tags),
        "doc": dag.doc_md or "",
        "schedule": repr(dag.timetable),
        "catchup": dag.catchup,
        "max_active_runs": dag.max_active_runs,
        "params": {name: dag.params.get_param(name).schema for name in dag.params},
        "watched": watched(dag.timetable),
        "tasks": {task.task_id: about(task) for task in dag.tasks},
    }


def watched(timetable):
    """Asset, its watchers, and each one's trigger as the triggerer will make it."""
    from airflow.serialization.encoders import encode_trigger

    assets = getattr(getattr(timetable, "asset_condition", None), "objects", ())
    return {
        asset.name: {watcher.name: encode_trigger(watcher.trigger) for watcher in asset.watchers} for asset in assets
    }


def about(task):
    words = getattr(task, "command", None) or task_words(task)
    return {
        "type": task.task_type,
        "owner": task.owner,
        "retries": task.retries,
        "rule": str(getattr(task.trigger_rule, "value", task.trigger_rule)),
        "after": sorted(task.upstream_task_ids),
        "outlets": [outlet.name for outlet in task.outlets],
        "command": [str(word) for word in words],
        "secrets": list(getattr(task, "secrets", ()) or getattr(task, "partial_kwargs", {}).get("secrets", ())),
        "assigned": [user["name"] for user in getattr(task, "assigned_users", None) or ()],
    }


def task_words(task):
    return getattr(task, "partial_kwargs", {}).get("command", ())


def main():
    start = time.process_time()  # of this process: other work on the machine must not fail a test
    bag = BundleDagBag(str(FOLDER), bundle_path=FOLDER, bundle_name="dags")
    seconds = time.process_time() - start
    found = {
        "errors": bag.import_errors,
        "seconds": seconds,
        "heavy": sorted({name.split(".")[0] for name in set(sys.modules) - before}),
        "dags": {dag_id: described(dag) for dag_id, dag in bag.dags.items()},
    }
    print(json.dumps(found, default=str))


if __name__ == "__main__":
    main()
