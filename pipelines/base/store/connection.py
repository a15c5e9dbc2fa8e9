"""Where an S3 store is, and the client that speaks to it: bounded times, botocore's standard retries."""

import os
from dataclasses import dataclass
from functools import cache
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from pipelines.base.errors import SettingsError

ENDPOINT: Final = "AWS_ENDPOINT_URL"
CONNECT_SECONDS: Final = 5
READ_SECONDS: Final = 20
"""For the next byte of an answer."""
TRIES: Final = 4
"""Of each request, the first one among them, with growing pauses in between."""
AT_ONCE: Final = 16
"""Connections of a process."""


@dataclass(frozen=True, slots=True)
class Place:
    """A parsed URL."""

    url: str
    bucket: str
    prefix: str
    """With its last `/`; empty when the store is the whole bucket."""
    locked: str
    retain_days: int


def place(url: str) -> Place:
    """What CANDOR_STORE says.

    Raises:
        SettingsError: Names everything that is missing.
    """
    parts = urlsplit(url)
    asked = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    days = asked.get("retain_days", "")
    missing = [
        name
        for name, is_there in (
            ("a bucket", bool(parts.netloc)),
            ("locked=<the bucket with Object Lock>, another one", asked.get("locked", "") not in ("", parts.netloc)),
            ("retain_days=<days that releases and ledger segments stay locked>", days.isdecimal() and int(days) > 0),
        )
        if not is_there
    ]
    if missing or asked.keys() - {"locked", "retain_days"}:
        raise SettingsError(
            "CANDOR_STORE on S3 must be s3://bucket/prefix?locked=bucket&retain_days=3650; "
            f"{'it lacks ' + ' and '.join(missing) if missing else 'it has other words'}. Correct it."
        )
    prefix = parts.path.strip("/")
    return Place(url, parts.netloc, f"{prefix}/" if prefix else "", asked["locked"], int(days))


def client() -> Any:
    """The process's client for the account in the environment."""
    return _client(_account())


def of_delta() -> dict[str, str]:
    """The same connection as Delta Lake wants it; it reads the other AWS_ variables itself."""
    endpoint = os.environ.get(ENDPOINT, "")
    here = {ENDPOINT: endpoint, "AWS_ALLOW_HTTP": str(endpoint.startswith("http://")).lower()} if endpoint else {}
    return {"connect_timeout": f"{CONNECT_SECONDS}s", "timeout": f"{READ_SECONDS}s", **here}


@cache
def _client(account: tuple[tuple[str, str], ...]) -> Any:  # botocore makes its clients' types at run time
    """One client a process and account: making it takes longer than most requests."""
    import boto3
    from botocore.config import Config

    endpoint = dict(account).get(ENDPOINT)
    settings = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": TRIES},
        max_pool_connections=AT_ONCE,
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        s3={"addressing_style": "path"} if endpoint else {},
    )
    return boto3.session.Session().client("s3", config=settings)


def _account() -> tuple[tuple[str, str], ...]:
    """Everything that decides who asks which server."""
    return tuple(sorted((name, value) for name, value in os.environ.items() if name.startswith("AWS_")))
