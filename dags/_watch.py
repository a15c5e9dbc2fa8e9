"""What wakes `ingest_exports` between two mornings: S3 tells a queue of new objects, and Airflow's triggerer listens.

Only where CANDOR_ARRIVALS_QUEUE names that queue; otherwise the morning's listing finds what is new. An event says how
many messages came and nothing of what they say.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import structlog
from airflow.sdk import Asset, AssetOrTimeSchedule, AssetWatcher
from airflow.triggers.base import BaseEventTrigger, TriggerEvent
from airflow.triggers.shared_stream import AdvanceItem, AdvanceOutcome, SharedStreamProducer

from pipelines.base.catalog import ARRIVALS_ASSET

if TYPE_CHECKING:
    from pipelines.ingest.notices import Message, Queue

QUEUE: Final = os.environ.get("CANDOR_ARRIVALS_QUEUE", "")
PAUSE_SECONDS: Final = 60
"""After a question that the queue did not answer."""
log = structlog.get_logger(__name__)


def woken(timetable: Any) -> Any:
    """A timetable, and beside it the queue where there is one."""
    if not QUEUE:
        return timetable
    watcher = AssetWatcher(name="new_objects", trigger=NewObjects(QUEUE))
    return AssetOrTimeSchedule(timetable=timetable, assets=[Asset(ARRIVALS_ASSET, watchers=[watcher])])


class NewObjects(BaseEventTrigger):
    """Fires when new objects are announced on a queue. Airflow says when it has kept an event; then messages go."""

    def __init__(self, queue: str) -> None:
        super().__init__()
        self.queue = queue

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """How the triggerer makes this trigger again."""
        return f"{__name__}.{type(self).__name__}", {"queue": self.queue}

    def shared_stream_key(self) -> tuple[str, str]:
        """Whoever listens to the same queue listens together."""
        return ("sqs", self.queue)

    @classmethod
    def create_shared_stream_producer(cls, kwargs: dict[str, Any]) -> "Messages":
        """What asks the queue, and removes messages when Airflow has kept their event."""
        return Messages(kwargs["queue"])

    async def filter_shared_stream(self, shared_stream: AsyncIterator[int]) -> AsyncIterator[TriggerEvent]:
        """One event for each answer that told of new objects."""
        async for count in shared_stream:
            yield TriggerEvent({"messages": count})

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """The same without Airflow's stream: messages go when whoever took the event asks for the next one."""
        messages = Messages(self.queue)
        async for count, told in messages.open_stream():
            yield TriggerEvent({"messages": count})
            await messages.advance([AdvanceItem(told, AdvanceOutcome(acked=1, failed=0))])


class Messages(SharedStreamProducer):
    """The messages of a queue. What goes wrong is logged and tried again: mornings are listed in any case."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._queue: Queue | None = None

    async def open_stream(self) -> AsyncIterator[tuple[int, list["Message"]]]:
        """How many messages of an answer tell of new objects, and those messages; for ever."""
        from pipelines.ingest.notices import Kind

        while True:
            given = await self._received()
            for kind in Kind:
                if kind is not Kind.CREATED and (count := sum(message.kind is kind for message in given)):
                    log.warning("message_tells_nothing", kind=kind.value, messages=count)
            # one that is no event of S3's stays for the queue's own rule: it may be somebody's, or show a mistake
            await self._remove([message for message in given if message.kind in (Kind.OTHER, Kind.TEST)])
            if created := [message for message in given if message.kind is Kind.CREATED]:
                yield len(created), created

    async def advance(self, batch: Sequence[AdvanceItem]) -> None:
        """Remove messages whose event is kept. Those of any other come again."""
        for item in batch:
            if item.outcome.is_clean:
                await self._remove(item.broker_payload)

    async def _received(self) -> list["Message"]:
        from pipelines.base.errors import CandorError

        try:
            return await asyncio.to_thread(self._asked)
        except CandorError as error:
            log.warning("queue_not_read", error=type(error).__name__, reason=str(error))
            await asyncio.sleep(PAUSE_SECONDS)
            return []

    def _asked(self) -> list["Message"]:
        from pipelines.ingest.notices import Queue

        self._queue = self._queue or Queue(self.url)
        return self._queue.receive()

    async def _remove(self, messages: list["Message"]) -> None:
        from pipelines.base.errors import CandorError

        try:
            if self._queue is not None and messages:
                await asyncio.to_thread(self._queue.remove, messages)
        except CandorError as error:
            log.warning("message_not_removed", error=type(error).__name__, reason=str(error))
