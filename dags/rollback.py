"""# rollback: an older release scores people again.

**Owner** compliance. **Runs** by its form only.

Points a family back to a release that two people approved when it was new, named by the sha256 of its verdict, for a
reason of at least ten characters. *Go back to it* on the Audit page (Records) asks for this with all but the reason
filled in, and is refused once another release scores than the one it shows. Reason and name of whoever triggered this
go into the ledger.
A model whose audit is older than the law of a configured place allows stays where it is. `score_people` follows.

**When it fails** nothing was changed; the last line of the log names the rule. To stop scoring at once instead, trigger
`switch_scoring`. Without Airflow: `python -m pipelines.publish rollback FAMILY --to SHA256 --why TEXT --by NAME`.
"""

from airflow.sdk import DAG, Asset, Param

from dags._stage import OWNER, RETRIED, RUN, SIGNER, Stage
from pipelines.base.catalog import FAMILIES, RELEASE_ASSET

with DAG(
    dag_id="rollback",
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    max_active_runs=1,
    default_args={"owner": OWNER, "retries": 0},
    tags=["models", "approval"],
    params={
        "family": Param(FAMILIES[0], type="string", enum=list(FAMILIES)),
        "to": Param(None, type=["null", "string"], title="Verdict (sha256)", description="Of the older release."),
        "why": Param(None, type=["null", "string"], title="Why (required)", description="Name no person."),
        "instead_of": Param(
            None,
            type=["null", "integer"],
            title="In place of release (number)",
            description="Refused once another scores. Empty: in place of whichever does.",
        ),
    },
):
    wish = ["{{ params.family }}", "--to={{ params.to or '' }}", "--why={{ params.why or '' }}"]
    wish += ["--instead-of={{ params.instead_of or '' }}"]
    Stage(
        task_id="go_back",
        command=["pipelines.publish", "rollback", *wish, "--dag-run", RUN],
        secrets=SIGNER,
        outlets=[Asset(RELEASE_ASSET)],
        **RETRIED,
    )
