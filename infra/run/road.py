"""What `make run` and `make up` do, in order."""

import os
import time
from typing import Final

from infra.run import airflow, summary
from infra.run.journey import Journey
from infra.run.progress import Progress
from infra.setup import repository, secrets
from infra.setup.company import SET_UP_SECONDS, Company

FOLDERS: Final = ("exports", "dvc-remote", "dvc-cache", "retrain", "airflow/plugins")


def prepare(company: Company, progress: Progress) -> str:
    """Folders, keys, accounts and the git remote of a company; what exists is kept. The commit it will train."""
    with progress.step("Company is set up"):
        for folder in FOLDERS:
            (company.var / folder).mkdir(parents=True, exist_ok=True)
        secrets.create_keys(company)
        made = secrets.create_accounts(company)
        commit = repository.seed(company)
        progress.result(str(company.var))
    for account, password in made.items():
        progress.say(f"    account {account:<18} password {password}")
    if changed := repository.uncommitted():
        progress.say(f"    note: {changed} uncommitted changes are not part of what retrain runs", "yellow")
        progress.say(
            "    where they change how models are judged, none is released (other_rules): commit or stash", "yellow"
        )
    return commit


def run(company: Company) -> int:
    """The whole road, then the summary. Airflow is stopped at the end unless it was up before."""
    began, progress = time.monotonic(), Progress()
    was_up = airflow.is_kept(company)
    try:
        journey = Journey(company, progress, _start(company, progress, was_up=was_up))
        journey.travel()
        seconds = {**progress.seconds, "in all": round(time.monotonic() - began, 1)}
        if SET_UP_SECONDS in os.environ:
            seconds["set-up"] = float(os.environ[SET_UP_SECONDS])
        journey.over(seconds)
        with progress.step("Summary"):
            found = summary.collect(company, journey, seconds)
            summary.write(company, found)
        progress.say(summary.text(found))
    finally:
        if was_up:
            airflow.let_retrain(company, go_on=True)
        else:
            airflow.stop(company)
    return 0


def up(company: Company) -> int:
    """Start Airflow and leave it running."""
    progress = Progress()
    _start(company, progress, was_up=airflow.is_kept(company))
    airflow.keep(company)
    airflow.let_retrain(company, go_on=True)
    progress.say(f"Airflow    {airflow.url(company)}")
    progress.say(f"Accounts   {', '.join(secrets.ROLES)}; passwords in {company.accounts}")
    progress.say(f"Commands   . '{company.var}/env'  and then e.g. python -m pipelines.audit verify")
    progress.say(f"Stop       make down VAR='{company.var}'")
    return 0


def _start(company: Company, progress: Progress, *, was_up: bool) -> str:
    """Set-up and a running Airflow; the commit it will train."""
    commit = prepare(company, progress)
    with progress.step("Airflow is up"):
        if not was_up:
            airflow.start(company)
        progress.result(airflow.url(company))
    return commit
