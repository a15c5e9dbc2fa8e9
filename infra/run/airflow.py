"""One Airflow for one company: SQLite, LocalExecutor, authentication on, everything on 127.0.0.1.

A triggerer only where a queue is listened to: waiting for people needs none in Airflow 3.3.
"""

import os
import socket
import sqlite3
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from infra.run import processes
from infra.run.api import Api, Unreachable
from infra.setup import secrets
from infra.setup.company import ROOT, Company, Refused
from infra.setup.venv import PYTHON, VENV
from pipelines.base.catalog import SOURCE_SECRETS
from pipelines.base.records import VIEWER

COMPONENTS: Final[dict[str, tuple[str, ...]]] = {
    "api-server": (str(PYTHON), "-m", "infra.run.api_server", "--host", "127.0.0.1", "--workers", "1"),
    "dag-processor": (str(VENV / "bin" / "airflow"), "dag-processor"),
    "scheduler": (str(PYTHON), "-m", "infra.run.scheduler"),
}
"""Component -> its command; two are Airflow's own, begun by a module of ours."""
LISTENER: Final = {"triggerer": (str(VENV / "bin" / "airflow"), "triggerer", "--skip-serve-logs")}
"""The same, for a company that is told of new objects."""
ARRIVALS_QUEUE: Final = "CANDOR_ARRIVALS_QUEUE"
"""The variable that holds the URL of that queue."""
LANGUAGE_FILE: Final = "CANDOR_TEXTS"
"""The variable with the path of the language that the Audit page speaks."""
POOL: Final = "retrain"
FIRST_PORT: Final = 8080
PLUGINS: Final = ROOT / "monitoring" / "portal" / "plugin"


def components() -> dict[str, tuple[str, ...]]:
    """What runs for a company: component -> its command."""
    return COMPONENTS | (LISTENER if os.environ.get(ARRIVALS_QUEUE) else {})


def url(company: Company) -> str:
    """Where the company's Airflow answers, or would."""
    return f"http://127.0.0.1:{_port(company)}"


def is_up(company: Company) -> bool:
    """Whether every component runs and says that it is healthy."""
    pids = [processes.recorded(name, company.airflow) for name in components()]
    return all(started and processes.is_alive(started) for started in pids) and _healthy(company)


def migrate(company: Company) -> None:
    """Create or upgrade the database, once a version; readers and the one writer do not block one another (WAL)."""
    log, done_by = company.airflow / "migrate.log", company.airflow / "migrated"
    is_there = (company.airflow / "airflow.db").exists() and done_by.exists()
    if is_there and done_by.read_text() == version("apache-airflow-core"):
        return
    log.parent.mkdir(parents=True, exist_ok=True)
    done_by.unlink(missing_ok=True)
    with log.open("wb") as file:
        command = [str(VENV / "bin" / "airflow"), "db", "migrate"]
        done = subprocess.run(command, env=environment(company), stdout=file, stderr=file, check=False)
    if done.returncode:
        raise Refused(f"Airflow's database must migrate; it did not. Read {log}")
    with closing(sqlite3.connect(company.airflow / "airflow.db")) as database:
        database.execute("PRAGMA journal_mode=WAL")
    done_by.write_text(version("apache-airflow-core"))


def start(company: Company, patience_seconds: float = 180) -> None:
    """Start all components and wait until they are healthy.

    Raises:
        Refused: One of them ended, or they took longer than `patience_seconds`.
    """
    stop(company)
    with _chosen_port(company):
        secrets.write_environment(company, url(company))
        migrate(company)
        for name, command in components().items():
            processes.start(name, command, environment(company), company.airflow)
        _await_health(company, patience_seconds)


def _await_health(company: Company, patience_seconds: float) -> None:
    until = time.monotonic() + patience_seconds
    while not _healthy(company):
        for name in components():
            started = processes.recorded(name, company.airflow)
            if started is None or not processes.is_alive(started):
                raise Refused(f"Airflow's {name} must run; it ended. Read {company.airflow / name}.log")
        if time.monotonic() > until:
            raise Refused(f"Airflow must be healthy within {patience_seconds:.0f} s; it is not. Read {company.airflow}")
        time.sleep(0.3)


def keep(company: Company) -> None:
    """Let Airflow outlive the command that started it."""
    (company.airflow / "kept").touch()


def let_retrain(company: Company, *, go_on: bool) -> None:
    """Let retrains go on, or let them wait: a run that monitoring asks for is neither lost nor in the way.

    Raises:
        Refused: Airflow did not answer for a minute.
    """
    pool = {"name": POOL, "slots": int(go_on), "description": "Retrains, one at a time", "include_deferred": False}
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            _set(Api(url(company), "admin", secrets.read_private(company.accounts)["admin"]), pool)
        except Unreachable:  # busy: nothing was decided
            time.sleep(1)
        else:
            return
    raise Refused(f"Airflow must answer within a minute; it does not. Read {company.airflow}")


def _set(admin: Api, pool: Mapping[str, Any]) -> None:
    """Make a pool, or change it. Changing one that is not there leaves Airflow 3.3 with SQLite locked: so ask first."""
    known = {found["name"] for found in admin.call("GET", "/api/v2/pools?limit=1000")["pools"]}
    method, path = ("PATCH", f"/api/v2/pools/{pool['name']}") if pool["name"] in known else ("POST", "/api/v2/pools")
    admin.call(method, path, pool)


def is_kept(company: Company) -> bool:
    """Whether somebody wants Airflow up. What a killed command left running is nobody's wish."""
    return (company.airflow / "kept").exists() and is_up(company)


def stop(company: Company) -> int:
    """End the company's Airflow and every task it runs; how many processes that were."""
    (company.airflow / "kept").unlink(missing_ok=True)
    return processes.stop([*COMPONENTS, *LISTENER], company.airflow)


def environment(company: Company) -> dict[str, str]:
    """The whole environment of Airflow's processes. Tasks inherit it; stages see only a part (`dags/_stage.py`)."""
    port, keys = _port(company), secrets.read_private(company.keys)
    settings = {
        "CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "CORE__LOAD_EXAMPLES": "False",
        "CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "CORE__PARALLELISM": "4",
        "CORE__MAX_MAP_LENGTH": "4096",
        "DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{company.airflow / 'airflow.db'}?timeout=60",
        "CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{name}:{role}" for name, role in secrets.ROLES.items()),
        "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(company.accounts),
        "CORE__PLUGINS_FOLDER": str(PLUGINS if PLUGINS.is_dir() else company.airflow / "plugins"),
        "API__PORT": str(port),
        "API__BASE_URL": f"http://127.0.0.1:{port}",
        "WORKERS__MIN_HEARTBEAT_INTERVAL": "1",  # also how long the end of a task may go unnoticed
        "SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
        "SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "15",
        "SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "15",
        "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
        "DAG_PROCESSOR__PARSING_PROCESSES": "1",
        "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "120",  # ours change with a commit; each look takes .4 s of CPU
        "USAGE_DATA_COLLECTION__ENABLED": "False",
        "LOGGING__NAMESPACE_LEVELS": "great_expectations=WARNING",
    }
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AIRFLOW", "CANDOR_", "VIRTUAL_ENV", "PYTHON", "MAKE"))
        or name.startswith((*SOURCE_SECRETS, ARRIVALS_QUEUE, LANGUAGE_FILE))
    }
    return {
        **inherited,
        **{f"AIRFLOW__{name}": value for name, value in settings.items()},
        **{name: keys[name] for name in secrets.AIRFLOW_KEYS},
        **secrets.environment(company, url(company)),
        "AIRFLOW_HOME": str(company.airflow),
        "CANDOR_COMPLIANCE_USERS": ",".join(secrets.REVIEWERS),
        "CANDOR_ENGINEER_USERS": ",".join(secrets.ENGINEERS),
        "CANDOR_VIEWER_USERS": VIEWER,
        "CANDOR_RETRAIN_POOL": POOL,
        "no_proxy": "127.0.0.1,localhost",
        "PATH": f"{VENV / 'bin'}:{os.environ.get('PATH', '')}",
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "SPT_NOENV": "1",  # process titles must not overwrite the environment that marks our processes
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "CUDA_VISIBLE_DEVICES": "-1",
        "DO_NOT_TRACK": "1",
        "GX_ANALYTICS_ENABLED": "False",
        "DVC_NO_ANALYTICS": "1",
    }


def _healthy(company: Company) -> bool:
    try:
        health = Api(url(company)).call("GET", "/api/v2/monitor/health")
    except Unreachable:
        return False
    parts = ("scheduler", "dag_processor", *(LISTENER if os.environ.get(ARRIVALS_QUEUE) else ()))
    return all(health[part]["status"] == "healthy" for part in parts)


def _port(company: Company) -> int:
    try:
        return int(_port_file(company).read_text())
    except (FileNotFoundError, ValueError):  # none chosen yet, or killed while writing it down
        return FIRST_PORT


@contextmanager
def _chosen_port(company: Company) -> Iterator[None]:
    """Keep the remembered port if it is free, else take the next free one and remember it.

    No other company on this machine takes it before Airflow answers there: the kernel gives the name of a port to one
    process, and takes it back whatever ends that.
    """
    port = _port(company)
    with ExitStack() as claims:
        while not (_binds(claims.enter_context(socket.socket(socket.AF_UNIX)), f"\0candor:{port}") and _free(port)):
            port += 1
        _port_file(company).parent.mkdir(parents=True, exist_ok=True)
        _port_file(company).write_text(str(port))
        yield


def _port_file(company: Company) -> Path:
    return company.airflow / "port"


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return probe.connect_ex(("127.0.0.1", port)) != 0 and _binds(probe, ("127.0.0.1", port))


def _binds(probe: socket.socket, address: str | tuple[str, int]) -> bool:
    try:
        probe.bind(address)
    except OSError:
        return False
    return True
