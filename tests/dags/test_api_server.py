"""A request that changes something must not stop the API server while another one is about to commit."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

TWO_REQUESTS = """
import asyncio, threading, sys
import httpx
from fastapi import Depends, FastAPI
from airflow.api_fastapi.core_api.security import get_user
from infra.run.api_server import beside_the_loop

committed = threading.Event()
seen = []

def waits_for_the_lock(event=None):
    async def log_action(request, session, user):
        seen.append(await request.json())
        seen.append(committed.wait(5))  # as SQLite does while another request holds its lock
    return log_action

factory = beside_the_loop(waits_for_the_lock) if sys.argv[1] == "ours" else None
app = FastAPI()
app.dependency_overrides[get_user] = lambda: None

if factory:
    changing = Depends(factory("an event"))
else:
    async def on_the_loop():
        seen.append(committed.wait(2))
    changing = Depends(on_the_loop)

@app.patch("/changes", dependencies=[changing])
def changes(body: dict):
    return body

@app.post("/commits")
async def commits():
    committed.set()  # needs the event loop, as the end of every session does
    return {}

async def main():
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        one = asyncio.create_task(client.patch("/changes", json={"slots": 1}))
        await asyncio.sleep(0.3)
        await client.post("/commits")
        print((await one).json(), seen)

asyncio.run(main())
"""


def both(factory, home):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    environment |= {"AIRFLOW_HOME": str(home), "PYTHONPATH": str(ROOT), "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR"}
    command = [sys.executable, "-W", "ignore", "-c", TWO_REQUESTS, factory]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.splitlines()[-1]


def test_what_is_written_down_about_a_request_waits_beside_the_event_loop(tmp_path):
    assert both("ours", tmp_path) == "{'slots': 1} [{'slots': 1}, True]"


def test_on_the_event_loop_it_would_wait_for_itself(tmp_path):
    assert both("theirs", tmp_path) == "{'slots': 1} [False]"


def test_every_route_of_airflow_gets_ours(tmp_path):
    program = (
        "import infra.run.api_server as ours; from airflow.api_fastapi.logging import decorators;"
        "decorators.action_logging = ours.beside_the_loop(decorators.action_logging);"
        "from airflow.api_fastapi.core_api.routes.public import pools, hitl, dag_run;"
        "names = {d.dependency.__qualname__ for m in (pools, hitl, dag_run)"
        " for r in m.__dict__.values() if hasattr(r, 'routes')"
        " for route in r.routes for d in route.dependencies};"
        "print(sorted(name for name in names if 'log_action' in name))"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    environment |= {"AIRFLOW_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-W", "ignore", "-c", program]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.stdout.splitlines()[-1] == "['beside_the_loop.<locals>.factory.<locals>.log_action']", done.stderr
