"""# ingest_exports: new files become rows of the lake.

**Owner** data engineering. **Runs** every morning, by hand, and when a queue (`CANDOR_ARRIVALS_QUEUE`) says so.

Finds files in `CANDOR_EXPORTS`, and on the servers that feeds name, that no batch has taken yet and takes each
through land (sha256, write-once), read and map; then the whole batch is validated and published to the lake, the
vault and quarantine, all at once. A day without new files is skipped and announces nothing. Beside this, the keys of
exports that landed more than `privacy.keep_days` ago are destroyed: such a file cannot be read again, a replay holds
it as `expired`; and rows of the lake that are older than `privacy.retention` says are taken out of it.

**When it fails** read the log of the red task: the last line names the feed, the rule and the count. A file
that cannot be read or believed is held and does not stop the others: one `held_file` run each asks in *Required
Actions*. After correcting the feed's YAML or the file, clear the red task: every step may be repeated.
"""

from datetime import timedelta

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import DAG, Asset, CronTriggerTimetable, task

from dags._stage import BATCH, INGEST, OWNER, PERSON, RETRIED, SOURCES, Stage, questions
from dags._watch import woken
from pipelines.base.catalog import LAKE_ASSET

with DAG(
    dag_id="ingest_exports",
    doc_md=__doc__,
    schedule=woken(CronTriggerTimetable("0 5 * * *", timezone="UTC", run_immediately=timedelta())),
    catchup=False,
    max_active_runs=1,
    default_args={"owner": OWNER, "retries": 0},
    tags=["data"],
):
    look = ["pipelines.ingest", "discover", "--batch", BATCH]
    discover = Stage(task_id="discover", command=look, secrets=SOURCES, take="units", **RETRIED)
    take = ["pipelines.ingest", "take", BATCH]  # three steps in one process: starting one costs more than most files do
    file = Stage.partial(task_id="land_read_map", command=take, secrets=SOURCES, **RETRIED).expand(
        about=discover.output
    )
    validate = Stage(task_id="validate", command=["pipelines.ingest", "validate", BATCH], secrets=INGEST)
    publish = Stage(
        task_id="publish",
        command=["pipelines.ingest", "publish", BATCH],
        secrets=INGEST,
        outlets=[Asset(LAKE_ASSET)],
        take="held",
        **RETRIED,
    )
    file >> validate >> publish
    TriggerDagRunOperator.partial(
        task_id="ask", trigger_dag_id="held_file", logical_date=None, skip_when_already_exists=True
    ).expand_kwargs(task(task_id="questions")(questions)(publish.output))
    # Whether or not anything arrived, and when nobody reads the lake any more: rows may leave it.
    expire = ["pipelines.privacy", "expire"]
    publish >> Stage(task_id="expire", command=expire, secrets=(*INGEST, *PERSON), trigger_rule="all_done", **RETRIED)
    publish >> EmptyOperator(task_id="every_step", trigger_rule="none_failed")  # a leaf, so that a failure shows
