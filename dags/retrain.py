"""# retrain: the reproducible graph, run in production.

**Owner** machine learning. **Runs** by its form, or when monitoring asks (asset `retrain_request`).

Runs `dvc repro` of the same `dvc.yaml` an engineer runs by hand, in a clone of its own at the form's `ref`,
one task per stage with all families in it. Pushes the data to the DVC remote and `dvc.lock`, `lake.lock` and
the parameters to the branch `runs/<run>`. Every model that the gate allows is proposed: one `release` run each.

**When it fails** the log's last line says what to mend. Clear the red task: what a killed try left running is
ended and its half-written clone is replaced; finished stages come from the cache. A held model is no
failure: read its verdict on the Audit page.
"""

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import DAG, Asset, Param, chain, task

from dags._stage import HANDED, OWNER, PERSON, RETRAIN_POOL, RETRIED, RUN, Stage, allowed, ordered
from pipelines.base.catalog import FAMILIES, RETRAIN_REQUEST_ASSET, STAGES

EVERY = list(FAMILIES)

with DAG(
    dag_id="retrain",
    doc_md=__doc__,
    schedule=[Asset(RETRAIN_REQUEST_ASSET)],
    catchup=False,
    max_active_runs=1,
    default_args={"owner": OWNER, "retries": 0, "pool": RETRAIN_POOL},
    tags=["models"],
    params={
        "families": Param(EVERY, type="array", items={"enum": EVERY}, minItems=1, uniqueItems=True, examples=EVERY),
        "as_of": Param(None, type=["null", "string"], format="date", description="Newest day known, when empty."),
        "reason": Param(None, type=["null", "string"], description="Why now. Required; name no person."),
        "ref": Param("main", type="string", pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$", description="Branch or commit."),
    },
):
    order = task(task_id="order", multiple_outputs=True)(ordered)()
    clone = Stage(
        task_id="clone",
        command=["infra.run.clone", "open", RUN, "--order", order["order"], "--requester", order["requester"]],
        **RETRIED,
    )
    pin = Stage(task_id="pin", command=["infra.run.clone", "pin", RUN], **RETRIED)
    stages = [
        Stage(
            task_id=stage,
            command=["infra.run.clone", "repro", RUN, stage],
            secrets=HANDED.get(stage, PERSON),
            **RETRIED,
        )
        for stage in STAGES
    ]
    push = Stage(task_id="push", command=["infra.run.clone", "push", RUN], **RETRIED)
    propose = Stage(task_id="propose", command=["infra.run.clone", "propose", RUN], take="proposals", **RETRIED)
    release = TriggerDagRunOperator.partial(
        task_id="release", trigger_dag_id="release", logical_date=None, skip_when_already_exists=True
    ).expand_kwargs(task(task_id="allowed")(allowed)(propose.output))
    chain(clone, pin, *stages, push, propose)
