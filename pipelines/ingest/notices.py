"""Listen to a queue that is told of new objects: S3's notifications, as they are or wrapped by SNS, on SQS.

A notification only says that looking is worth while; what is new, the listing of the next run decides. So a lost or a
forged one costs nothing, one that comes twice is harmless, and nothing of what it says is believed or kept.
"""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final
from urllib.parse import urlsplit

from pipelines.base.errors import SettingsError, SourceUnavailable

QUEUE: Final = "CANDOR_ARRIVALS_QUEUE"
"""The variable that holds the URL of the queue; without it nobody listens."""
WAIT_SECONDS: Final = 20
"""How long a question waits for a message; SQS takes no more."""
AT_ONCE: Final = 10
"""Messages of one answer; SQS gives no more."""
_URL: Final = re.compile(r"https?://[^/@?#\s]+/[^?#\s]+")
_REGION: Final = re.compile(r"sqs\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?")
_SOURCES: Final = ("aws:s3", "ceph:s3", "minio:s3")


class Kind(Enum):
    """What a message is."""

    CREATED = "created"
    """New objects."""
    OTHER = "other_s3_event"
    """Of S3, about something else, such as a deletion."""
    TEST = "test_event"
    """What S3 sends when notifications are switched on."""
    FOREIGN = "no_s3_event"
    """Somebody else's, or in a form that we do not know."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message on the queue."""

    kind: Kind
    receipt: str
    """By which it is removed."""


def kind(body: str) -> Kind:
    """What a message says. Whatever it is, this does not fail."""
    try:
        said = json.loads(body)
        if said.get("Type") == "Notification":  # of SNS
            said = json.loads(said["Message"])
        if said.get("Event") == "s3:TestEvent":
            return Kind.TEST
        names = [str(record["eventName"]) for record in said["Records"] if record["eventSource"] in _SOURCES]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Kind.FOREIGN
    if not names:
        return Kind.FOREIGN
    is_new = any(name.removeprefix("s3:").startswith("ObjectCreated:") for name in names)
    return Kind.CREATED if is_new else Kind.OTHER


class Queue:
    """An SQS queue, by the account in the environment."""

    def __init__(self, url: str) -> None:
        """Nothing is asked yet.

        Raises:
            SettingsError: It is no URL of a queue.
        """
        if not _URL.fullmatch(url):
            raise SettingsError(f"{QUEUE} must hold the URL of an SQS queue; it does not. Correct it.")
        self._url, self._client = url, _client(url)

    def receive(self) -> list[Message]:
        """Messages, waited for as long as SQS allows; none of them is removed by that."""
        with _answering():
            answer = self._client.receive_message(
                QueueUrl=self._url, MaxNumberOfMessages=AT_ONCE, WaitTimeSeconds=WAIT_SECONDS
            )
        return [Message(kind(item["Body"]), item["ReceiptHandle"]) for item in answer.get("Messages", ())]

    def remove(self, messages: Sequence[Message]) -> None:
        """Remove messages; one that stays all the same comes again."""
        for message in messages:
            with _answering():
                self._client.delete_message(QueueUrl=self._url, ReceiptHandle=message.receipt)


def _client(url: str) -> Any:  # botocore makes its clients' types at run time
    """A client for the server and the region that a queue's URL names, whatever other services are asked for."""
    import boto3
    from botocore.config import Config
    from botocore.exceptions import NoRegionError

    at = urlsplit(url)
    region = _REGION.fullmatch(at.hostname or "")
    settings = Config(
        connect_timeout=5, read_timeout=WAIT_SECONDS + 10, retries={"mode": "standard", "total_max_attempts": 2}
    )
    try:
        return boto3.session.Session().client(
            "sqs",
            endpoint_url=f"{at.scheme}://{at.netloc}",
            region_name=region[1] if region else None,
            config=settings,
        )
    except NoRegionError:
        raise SettingsError("AWS_DEFAULT_REGION must name the region of the queue; it is not set. Set it.") from None


@contextmanager
def _answering() -> Iterator[None]:
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError

    try:
        yield
    except (NoCredentialsError, PartialCredentialsError):
        raise SettingsError(
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY must be set; they are not. Set them."
        ) from None
    except ClientError as error:
        word = error.response.get("Error", {}).get("Code", "")
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if status >= 500 or status == 429:
            raise SourceUnavailable(f"The queue of {QUEUE} must answer; it answered {status}. Run again.") from None
        raise SettingsError(
            f"The queue of {QUEUE} must exist and let this account receive and delete messages; it answered {word}. "
            "Correct the URL, or grant it."
        ) from None
    except (BotoCoreError, OSError) as error:
        raise SourceUnavailable(
            f"The queue of {QUEUE} must answer; it did not ({type(error).__name__}). Run again."
        ) from None
