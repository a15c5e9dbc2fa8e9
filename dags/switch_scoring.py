"""# switch_scoring: stop scoring, let it go on, or try the switch.

**Owner** compliance. **Runs** by its form only.

*stop* holds all families at once: no run of `score_people` begins, and what scores now ends within seconds. *restart*
lets the next run go on; trigger `score_people` to have it at once. *drill*, once a month, is a real stop for some
seconds: it sees that what scores ends within a minute, lets scoring go on, and leaves the record that the Audit page
shows; choose an hour at which nobody is scored. Each needs a reason of at least ten characters, which goes into the
ledger with the name of whoever triggered this, so name no person it is about. The Audit page says what stands.

**When it fails** the last line of the log says why. After a *drill* that was killed or did not hold scoring stays
stopped until a *restart*; otherwise nothing was changed: trigger it again. Without Airflow:
`python -m pipelines.score stop --by NAME --why TEXT`.
"""

from airflow.sdk import DAG, Param

from dags._stage import OWNER, RETRIED, RUN, VIEWER, Stage

with DAG(
    dag_id="switch_scoring",
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    max_active_runs=1,
    default_args={"owner": OWNER, "retries": 0},
    tags=["scores", "approval"],
    params={
        "act": Param("stop", type="string", enum=["stop", "restart", "drill"]),
        "why": Param(None, type=["null", "string"], title="Why (required)", description="Name no person."),
    },
):
    Stage(
        task_id="turn",
        command=["pipelines.score", "{{ params.act }}", "--why={{ params.why or '' }}", "--dag-run", RUN],
        secrets=VIEWER,
        **RETRIED,
    )
