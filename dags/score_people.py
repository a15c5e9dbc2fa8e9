"""# score_people: released models score the people of today.

**Owner** machine learning. **Runs** when the lake or a release changed.

Each family's released model (from the release store, never from a workspace) scores current applicants,
workers or learners; scores, reasons and the file for the ATS or LMS are written under today's day. A family
without a released model is skipped; when all are, nothing is announced.

**When it fails** the other families are scored all the same. A store that does not answer, or a table that an
erasure rewrote meanwhile, is read again by a retry. The last line of the log says what to mend; clear the red
task: a day's scores are written once per model and data, a repeat replaces them by the same.
"""

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, Asset, Param, task

from dags._stage import IMPORTABLE, OWNER, RETRIED, Stage, announced, asked
from pipelines.base.catalog import FAMILIES, LAKE_ASSET, RELEASE_ASSET, SCORES_ASSET

with DAG(
    dag_id="score_people",
    doc_md=__doc__,
    schedule=(Asset(LAKE_ASSET) | Asset(RELEASE_ASSET)),
    catchup=False,
    max_active_runs=1,
    default_args={"owner": OWNER, "retries": 0},
    tags=["scores"],
    params={"as_of": Param(None, type=["null", "string"], format="date", description="Today, when empty.")},
):
    scored = [
        Stage(
            task_id=f"score_{family}",
            command=["pipelines.score", "people", family, "--as-of", "{{ params.as_of or '' }}"],
            secrets=IMPORTABLE,
            skip_on=("nothing_released", "unchanged"),
            **RETRIED,
        )
        for family in FAMILIES
    ]
    task(task_id="asked")(asked)() >> scored
    announce = task(task_id="announce", outlets=[Asset(SCORES_ASSET)], trigger_rule="all_done")
    announce(announced)([family.output for family in scored])
    scored >> EmptyOperator(task_id="every_family", trigger_rule="none_failed")  # a leaf, so that one failure shows
