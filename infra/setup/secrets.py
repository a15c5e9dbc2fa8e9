"""Keys, accounts and the environment that hands them out.

Every secret is random, made once, and readable by its owner only. `environment` is the one place that says
which variable means what; `VAR/env` is the same for a shell.
"""

import base64
import json
import os
import secrets
import shlex
from pathlib import Path
from typing import Final

from infra.setup.company import Company
from infra.setup.venv import PYTHON

ROLES: Final = {
    "admin": "admin",
    "data_engineer": "op",
    "ml_engineer": "op",
    "compliance_first": "user",
    "compliance_second": "user",
    "viewer": "viewer",
}
"""Airflow accounts and their roles."""

REVIEWERS: Final = ("compliance_first", "compliance_second")
ENGINEERS: Final = ("data_engineer", "ml_engineer")
DECIDER: Final = "data_engineer"
"""Who says what becomes of a held file."""
KEYS: Final = (
    "CANDOR_PSEUDONYM_KEY",
    "CANDOR_VAULT_KEY",
    "CANDOR_AUDIT_KEY",
    "CANDOR_PERSON_KEY",
    "CANDOR_SIGNING_KEY",
)
AIRFLOW_KEYS: Final = ("AIRFLOW__API_AUTH__JWT_SECRET", "AIRFLOW__API__SECRET_KEY", "AIRFLOW__CORE__FERNET_KEY")


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, all of it or nothing."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    draft.replace(path)


def read_private(path: Path) -> dict[str, str]:
    """The names and secrets in a file written by `write_private`."""
    found: dict[str, str] = json.loads(path.read_text())
    return found


def create_keys(company: Company) -> None:
    """Make the keys that a company lacks. Those it has it keeps: other keys would orphan its data."""
    held = read_private(company.keys) if company.keys.exists() else {}
    made = {name: secrets.token_hex(32) for name in (*KEYS, *AIRFLOW_KEYS)}
    made["AIRFLOW__CORE__FERNET_KEY"] = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    made |= held
    if made == held:
        return
    write_private(company.keys, json.dumps(made, indent=2) + "\n")


def create_accounts(company: Company) -> dict[str, str]:
    """Make the accounts of a new company; the passwords made, which are empty when the accounts existed."""
    if company.accounts.exists():
        return {}
    made = {name: secrets.token_urlsafe(12) for name in ROLES}
    write_private(company.accounts, json.dumps(made, indent=2) + "\n")
    return made


def environment(company: Company, url: str) -> dict[str, str]:
    """Every CANDOR_ variable of a company.

    Args:
        company: Whose.
        url: Where its Airflow answers.
    """
    keys = read_private(company.keys)
    return {
        "CANDOR_STORE": store_url(company),
        "CANDOR_WORK": str(company.var / "work"),
        "CANDOR_EXPORTS": str(company.exports),
        "CANDOR_FEEDS": company.feeds,
        "CANDOR_GIT_REMOTE": str(company.git),
        "CANDOR_DVC_REMOTE": dvc_remote(company),
        "CANDOR_DVC_CACHE": str(company.var / "dvc-cache"),
        "CANDOR_CLONES": str(company.var / "retrain"),
        "CANDOR_AIRFLOW_URL": url,
        "CANDOR_REVIEWERS": ",".join(REVIEWERS),
        "CANDOR_DECIDERS": DECIDER,
        "CANDOR_VIEWER_PASSWORD": read_private(company.accounts)["viewer"],
        **{name: keys[name] for name in KEYS},
    }


def store_url(company: Company) -> str:
    """Where the company's zones lie."""
    from pipelines.base.store import FileStore  # needs .venv, which `make down` must not

    return company.store or FileStore(company.var).url


def dvc_remote(company: Company) -> str:
    """Where its snapshots and models lie: beside the zones. With a store on S3, CANDOR_DVC_REMOTE may say otherwise."""
    if not company.store:
        return str(company.var / "dvc-remote")
    return os.environ.get("CANDOR_DVC_REMOTE") or f"{company.store.partition('?')[0].rstrip('/')}/dvc"


def write_environment(company: Company, url: str) -> None:
    """Write `VAR/env`, for `. VAR/env` in a shell: the variables, and our Python first, which DVC's stages call."""
    lines = [f"export {name}={shlex.quote(value)}" for name, value in environment(company, url).items()]
    lines.append(f'export PATH={shlex.quote(str(PYTHON.parent))}:"$PATH"')
    write_private(company.var / "env", "\n".join(lines) + "\n")
