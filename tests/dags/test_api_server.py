"""A request that changes something must not stop the API server while another one is about to commit."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

TWO_REQUESTS = """
import asyncio, threading
import httpx
from fastapi import Depends, FastAPI
from airflow.api_fastapi.core_api.security import get_user
from infra.run.api_server import beside_the_loop

committed = threading.Event()
seen = []

def waits_for_the_lock(event=None):
    async def log_action(request, session, user):
        seen.append(await request.json())
        seen.append(committed.wait(60))  # as SQLite does while another request holds its lock
    return log_action

app = FastAPI()
app.dependency_overrides[get_user] = lambda: None
changing = Depends(beside_the_loop(waits_for_the_lock)("an event"))

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


PUBLIC_ROUTES = """
from infra.run.api_server import install
install()
from airflow.api_fastapi.core_api.routes.public import dag_run, hitl, pools
routers = [value for module in (dag_run, hitl, pools) for value in vars(module).values() if hasattr(value, "routes")]
asked = [depends for router in routers for route in router.routes for depends in route.dependencies]
names = {depends.dependency.__qualname__ for depends in asked}
print(sorted(name for name in names if "log_action" in name))
"""


def run(program, home):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    environment |= {"AIRFLOW_HOME": str(home), "PYTHONPATH": str(ROOT), "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR"}
    command = [sys.executable, "-W", "ignore", "-c", program]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.splitlines()[-1]


def test_what_is_written_down_about_a_request_waits_beside_the_event_loop(tmp_path):
    assert run(TWO_REQUESTS, tmp_path) == "{'slots': 1} [{'slots': 1}, True]"


def test_routes_that_change_something_get_ours(tmp_path):
    assert run(PUBLIC_ROUTES, tmp_path) == "['beside_the_loop.<locals>.factory.<locals>.log_action']"
