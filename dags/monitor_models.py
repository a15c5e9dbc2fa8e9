"""# monitor_models: are the released models still true?

**Owner** machine learning and compliance. **Runs** after every scoring.

Per family: collects the outcomes known by now, then judges drift, performance (where labels arrived), bias (per
group and subject) and human oversight (what people made of the scores) with Evidently and writes one report, all in
one process: Evidently takes seconds to load.
A crossed bound of `params.yaml` raises an alert, and asks for a retrain at most once per family in
`monitor.cooldown_days`.

**When it fails** the other families are judged all the same. The log's last line says what to mend; clear the
red task. An alert is not a failure: read the report on the Audit page.
"""

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, Asset, task

from dags._stage import AUDIT, OWNER, RETRIED, Stage, asked, wanted
from pipelines.base.catalog import FAMILIES, RETRAIN_REQUEST_ASSET, SCORES_ASSET

with DAG(
    dag_id="monitor_models",
    doc_md=__doc__,
    schedule=[Asset(SCORES_ASSET)],
    catchup=False,
    max_active_runs=1,
    default_args={"owner": OWNER, "retries": 0},
    tags=["monitoring"],
):
    reports = []
    start = task(task_id="asked")(asked)()
    for family in FAMILIES:
        collect, judge = ["pipelines.score", "outcomes", family], ["monitoring", "judge", family]
        outcomes = Stage(task_id=f"outcomes_{family}", command=collect, **RETRIED)
        report = Stage(task_id=f"judge_{family}", command=judge, secrets=AUDIT, **RETRIED)
        start >> outcomes >> report
        reports.append(report)
    request = task(task_id="request_retrain", outlets=[Asset(RETRAIN_REQUEST_ASSET)], trigger_rule="all_done")
    request(wanted)([report.output for report in reports])
    reports >> EmptyOperator(task_id="every_family", trigger_rule="none_failed")  # a leaf, so that one failure shows
