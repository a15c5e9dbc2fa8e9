"""# release: two people decide.

**Owner** compliance. **Runs** once per model that a retrain proposed; a run that nobody's retrain triggered
is refused.

Shows the verdict, the metrics by group and the known gaps, and waits (72 hours) for two different people in
*Required Actions*, neither of them the one who asked for the retrain. Justify; accept every gap by its name,
or reject; of an alternative say why it is passed over. `publish` reads Airflow's record of both and releases.

**When it fails** `publish` says which rule refused: nothing was released. An answer given in the first seconds
can get lost; then the question is asked again. To try again, retrain: a newer verdict replaces a waiting one.
"""

from datetime import timedelta

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import DAG, Asset, Param

from dags._stage import OWNER, RETRIED, REVIEWERS, RUN, SIGNER, VIEWER, Stage, Text
from pipelines.base.catalog import RELEASE_ASSET

FAMILY, VERDICT = "{{ params.family }}", "{{ params.verdict }}"

with DAG(
    dag_id="release",
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    max_active_runs=16,
    default_args={"owner": OWNER, "retries": 0},
    tags=["models", "approval"],
    params={"family": Param(None, type=["null", "string"]), "verdict": Param(None, type=["null", "string"])},
):
    shown = ["pipelines.publish", "brief", FAMILY, "--verdict", VERDICT, "--dag-run", RUN]
    brief = Text(task_id="brief", command=shown, secrets=VIEWER, **RETRIED)
    gates = [
        ApprovalOperator(
            task_id=gate,
            subject=f"Release the {FAMILY} model?",
            body="{{ ti.xcom_pull(task_ids='brief') }}",
            assigned_users=REVIEWERS,
            params={
                "justification": Param(None, type=["null", "string"], title="Why (required)"),
                "accepted_gaps": Param(None, type=["null", "string"], title="Gaps you accept, each by its name"),
                "choice_reason": Param(None, type=["null", "string"], title="Why not the alternative that a gap names"),
            },
            response_timeout=timedelta(hours=72),
            retries=3,
            retry_delay=timedelta(seconds=1),
        )
        for gate in ("approve_first", "approve_second")
    ]
    publish = Stage(
        task_id="publish",
        command=["pipelines.publish", "release", "--dag-run", RUN, "--family", FAMILY, "--verdict", VERDICT],
        secrets=SIGNER,
        outlets=[Asset(RELEASE_ASSET)],
        **RETRIED,
    )
    brief >> gates >> publish
