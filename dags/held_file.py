"""# held_file: a person says what becomes of a file that was held.

**Owner** data engineering. **Runs** once per file that `ingest_exports` held; a run that it did not start is refused.

Shows why the file is held and waits in *Required Actions*, for as long as it takes, for a data engineer: *Release*
takes it in from its landed bytes, whatever its size or day says against it; *Reject* never does. Write why; it goes
into the ledger, so name no person. `settle` reads Airflow's record of the answer, then `ingest_exports` is run again.

**When it fails** `settle` says which rule refused: nothing was decided. Clear `decide` to be asked again, as after a
note that was too short. `python -m pipelines.ingest decide` does the same without Airflow.
"""

from datetime import timedelta

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import DAG, Param

from dags._stage import DECIDERS, INGEST, OWNER, RETRIED, RUN, VIEWER, Stage, Text

FILE = ["{{ params.feed }}", "{{ params.file }}"]

with DAG(
    dag_id="held_file",
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    max_active_runs=16,
    default_args={"owner": OWNER, "retries": 0},
    tags=["data", "approval"],
    params={"feed": Param(None, type=["null", "string"]), "file": Param(None, type=["null", "string"])},
):
    brief = Text(task_id="brief", command=["pipelines.ingest", "ask", *FILE], secrets=INGEST, **RETRIED)
    decide = HITLOperator(
        task_id="decide",
        subject="A file of {{ params.feed }} is held: take it in?",
        body="{{ ti.xcom_pull(task_ids='brief') }}",
        options=["Release", "Reject"],
        assigned_users=DECIDERS,
        params={"note": Param(None, type=["null", "string"], title="Why (required)")},
        retries=3,
        retry_delay=timedelta(seconds=1),
    )
    settle = Stage(
        task_id="settle",
        command=["pipelines.ingest", "decide", *FILE, "--dag-run", RUN],
        secrets=(*INGEST, *VIEWER),
        skip_on=("rejected",),
        **RETRIED,
    )
    ingest = TriggerDagRunOperator(task_id="ingest", trigger_dag_id="ingest_exports", logical_date=None)
    brief >> decide >> settle >> ingest
