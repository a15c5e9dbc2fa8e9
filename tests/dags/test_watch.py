"""What wakes `ingest_exports`: the real trigger, in Airflow's own stream, at a queue that speaks as SQS does."""

import json
import time

import pytest

from .forked import ROOT, forking
from .sqs import serving

CREATED = json.dumps({"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": {"x": "Ada"}}]})
REMOVED = CREATED.replace("ObjectCreated:Put", "ObjectRemoved:Delete")

ALONE = """
import asyncio, os, sys
from dags import _watch as watch
async def main():
    events = watch.NewObjects(os.environ["QUEUE"]).run()
    for _ in range(int(sys.argv[1])):
        async with asyncio.timeout(60):
            print("event", (await anext(events)).payload, flush=True)
            input()  # until the test has looked
    await events.aclose()
asyncio.run(main())
"""

STREAM = """
import asyncio, itertools, os
from dags import _watch as watch
from airflow.triggers.shared_stream import SharedStreamManager
async def main():
    manager, trigger, numbers = SharedStreamManager(), watch.NewObjects(os.environ["QUEUE"]), itertools.count(1)
    key = trigger.shared_stream_key()
    events = trigger.filter_shared_stream(manager.subscribe(trigger_id=1, trigger=trigger, key=key))
    print("event", (await anext(events)).payload, flush=True)
    number = manager.bind_pending_event(trigger_id=1, key=key)
    following = asyncio.ensure_future(anext(events))
    await asyncio.sleep(0.3)
    await asyncio.to_thread(input)
    manager.confirm_persisted([number])
    await asyncio.sleep(0.5)
    print("confirmed", flush=True)
    await asyncio.to_thread(input)
    following.cancel()
    await manager.stop_all()
asyncio.run(main())
"""

UNKEPT = """
import asyncio, os
from dags import _watch as watch
async def main():
    messages = watch.Messages(os.environ["QUEUE"])
    async for count, told in messages.open_stream():
        for kept in (dict(acked=0, failed=0), dict(acked=0, failed=1), dict(acked=1, failed=1)):
            await messages.advance([watch.AdvanceItem(told, watch.AdvanceOutcome(**kept))])
        print("event", flush=True)
        await asyncio.to_thread(input)
asyncio.run(main())
"""


@pytest.fixture
def queue():
    with serving() as made:
        yield made


@pytest.fixture(scope="module")
def forks(tmp_path_factory):
    with forking(tmp_path_factory.mktemp("airflow"), "dags._watch", "pipelines.ingest.notices", "boto3") as made:
        yield made


@pytest.fixture
def started(forks, queue, tmp_path):
    """A program with the queue's address, an account, and one line of input for each look of the test."""
    running = []

    def start(code, *words, url=None):
        running.append(
            forks.start(
                code,
                *words,
                AIRFLOW_HOME=str(tmp_path),
                PYTHONPATH=str(ROOT),
                QUEUE=url or queue.url,
                AWS_ACCESS_KEY_ID="x",
                AWS_SECRET_ACCESS_KEY="x",
                AWS_DEFAULT_REGION="eu-central-1",
                AWS_ENDPOINT_URL="http://127.0.0.1:1",  # of a store elsewhere
            )
        )
        return running[-1]

    yield start
    for process in running:
        process.kill()
        process.ended()


def line(process, start="event"):
    """The next line that begins so."""
    return next(found.strip() for found in process.stdout if found.startswith(start))


def go_on(process):
    process.stdin.write("\n")
    process.stdin.flush()


def test_a_message_is_removed_only_after_its_event_was_taken(queue, started):
    queue.send(CREATED)
    process = started(ALONE, "2")
    assert line(process) == "event {'messages': 1}", "a count, and nothing of what the message says"
    assert queue.left == [CREATED]
    queue.send(CREATED)
    go_on(process)
    line(process)
    assert "DeleteMessage" in queue.asked
    assert len(queue.left) == 1


def test_in_airflows_stream_a_message_is_removed_only_once_its_event_is_kept(queue, started):
    queue.hidden_seconds = 60
    queue.send(CREATED)
    process = started(STREAM)
    assert line(process) == "event {'messages': 1}"
    assert "DeleteMessage" not in queue.asked
    go_on(process)
    line(process, "confirmed")
    until = time.monotonic() + 60  # it is removed beside, by a request of its own
    while queue.left:
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_message_whose_event_was_not_kept_stays(queue, started):
    queue.send(CREATED)
    line(started(UNKEPT))
    assert (queue.left, "DeleteMessage" in queue.asked) == ([CREATED], False)


def test_a_killed_listener_loses_nothing(queue, started):
    queue.send(CREATED)
    process = started(ALONE, "1")
    line(process)
    process.kill()
    assert line(started(ALONE, "1")) == "event {'messages': 1}", "the message came again"


def test_what_is_no_news_is_removed_and_what_is_not_of_s3_is_left_to_the_queue(queue, started):
    foreign = '{"name": "Ada"}'
    test_event = '{"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b"}'
    queue.hidden_seconds = 60
    for body in (REMOVED, foreign, test_event):
        queue.send(body)
    process = started(ALONE, "1")
    said = [next(process.stdout) for _ in range(1)]
    while len([text for text in said if "message_tells_nothing" in text]) < 3:
        said.append(next(process.stdout))
    queue.send(CREATED)
    line(process)
    assert queue.left == [foreign, CREATED]
    assert all(word in "".join(said) for word in ("other_s3_event", "no_s3_event", "test_event"))
    assert "Ada" not in "".join(said)


@pytest.mark.parametrize(
    ("status", "word", "told"),
    [
        (403, "AccessDenied", "SettingsError"),
        (400, "QueueDoesNotExist", "SettingsError"),
        (503, "ServiceUnavailable", "SourceUnavailable"),
    ],
)
def test_a_queue_that_does_not_let_us_in_is_logged_and_asked_again(queue, started, status, word, told):
    queue.faults = [(status, word)] * (2 if status == 503 else 1)
    queue.send(CREATED)
    process = started(ALONE.replace("async def main", "watch.PAUSE_SECONDS = 0\nasync def main"), "1")
    logged = next(text for text in process.stdout if "queue_not_read" in text)
    assert told in logged
    assert line(process) == "event {'messages': 1}"


def test_what_is_no_url_of_a_queue_is_told(started):
    process = started(ALONE, "1", url="https://key:secret@sqs.example.com/1/q")
    logged = next(text for text in process.stdout if "queue_not_read" in text)
    assert "CANDOR_ARRIVALS_QUEUE must hold the URL" in logged
    assert "secret" not in logged
