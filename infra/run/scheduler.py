"""Airflow's scheduler, with what every task needs imported beforehand.

LocalExecutor forks its workers from the scheduler, and each task from a worker. What is imported here is there in
every task at once; otherwise each one imports some 400 modules again, half a second of CPU a task.
"""

import importlib
import sys
from typing import Final

FOR_EVERY_TASK: Final = (
    "airflow.sdk.execution_time.supervisor",
    "airflow.sdk.execution_time.task_runner",
    "airflow.dag_processing.dagbag",
    "airflow.providers.standard.decorators.python",
    "airflow.providers.standard.operators.hitl",
    "airflow.providers.standard.operators.trigger_dagrun",
)


def main() -> None:
    """Import, then be `airflow scheduler`."""
    for name in FOR_EVERY_TASK:
        importlib.import_module(name)
    from airflow.__main__ import main as airflow

    # its log server, which we leave out, listens on all addresses
    sys.argv = ["airflow", "scheduler", "--skip-serve-logs"]
    airflow()


if __name__ == "__main__":
    main()
