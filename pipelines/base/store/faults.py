"""What an S3 server or the way to it answers, as errors that say what to do. Retrying is over when these are raised.

A key may hold the name of a person's file: errors name the bucket and the zone only.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, TypeVar

from pipelines.base.errors import CandorError, SettingsError, SourceUnavailable

_T = TypeVar("_T")

_CREDENTIALS: Final = ("InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "AuthFailure")
_CLOCK: Final = ("RequestTimeTooSkewed", "RequestExpired")
BODY_TRIES: Final = 3
"""Of reading an object whose body breaks off."""
_BUSY: Final = (408, 409, 429)
_AGAIN: Final = "Nothing was half-published: run the same command again."


@contextmanager
def answering(bucket: str, key: str = "") -> Iterator[None]:
    """Requests about one key, with their faults as errors of ours.

    Args:
        bucket: Which bucket is asked.
        key: About what; empty for the bucket itself.

    Raises:
        SettingsError: Credentials, bucket or rights are not what they must be.
        SourceUnavailable: No answer, or a broken one, after every retry.
    """
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError
    from urllib3.exceptions import HTTPError

    try:
        yield
    except (NoCredentialsError, PartialCredentialsError):
        raise SettingsError(
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY must be set (or another source of AWS credentials); "
            "none was found. Set them."
        ) from None
    except ClientError as error:
        raise refused(error.response, bucket, key) from None
    except (BotoCoreError, HTTPError, OSError) as error:
        raise SourceUnavailable(
            f"The S3 server of bucket {bucket} must answer; it did not ({type(error).__name__}). {_AGAIN}"
        ) from None


def whole(bucket: str, key: str, ask: Callable[[], _T]) -> _T:
    """What `ask` makes of an object's body, asked again when that breaks off: botocore tries again only before it.

    Raises:
        SettingsError: As `answering`.
        SourceUnavailable: As `answering`, every time.
    """
    for _ in range(BODY_TRIES - 1):
        with suppress(SourceUnavailable), answering(bucket, key):
            return ask()
    with answering(bucket, key):
        return ask()


def tries(response: dict[str, Any]) -> int:
    """How often a request was sent until this answer came; what was sent before may have been done all the same."""
    return 1 + int(response.get("ResponseMetadata", {}).get("RetryAttempts", 0))


def code(response: dict[str, Any]) -> str:
    """The server's own word for what went wrong; the status where the answer has no body."""
    return str(response.get("Error", {}).get("Code", "")) or str(status(response))


def status(response: dict[str, Any]) -> int:
    """HTTP status of an answer."""
    return int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def zone(key: str) -> str:
    """What a message may say of a key."""
    return f"{first}/" if (first := key.partition("/")[0]) else "the bucket"


def refused(response: dict[str, Any], bucket: str, key: str) -> CandorError:
    """The error for an answer that is not a success."""
    word, number, what = code(response), status(response), zone(key)
    if word in _CREDENTIALS:
        return SettingsError(
            f"AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY must be known to the S3 server; it answered {word}. "
            "Correct them, and AWS_ENDPOINT_URL if this is the wrong server."
        )
    if word in _CLOCK:
        return SettingsError(f"This machine's clock must be right; the S3 server answered {word}. Set it.")
    if word == "NoSuchBucket":
        return SettingsError(
            f"The bucket {bucket} of CANDOR_STORE must exist; it does not. Create it, or correct the URL."
        )
    if number == 403:
        return SettingsError(
            f"This account must be allowed to use {what} in bucket {bucket}; the server answered {word}. "
            "Grant it (README, On S3), or use another account."
        )
    if number >= 500 or number in _BUSY:
        return SourceUnavailable(
            f"The S3 server of bucket {bucket} must answer; it answered {word} ({number}) to every try. {_AGAIN}"
        )
    return SettingsError(
        f"The S3 server must take a request about {what} in bucket {bucket}; it answered {word} ({number}). "
        "Check that it speaks conditional writes and Object Lock (README, On S3)."
    )
