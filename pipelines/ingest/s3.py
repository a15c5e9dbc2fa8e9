"""Read a prefix of an S3 bucket, by the account and the server in the environment. Nothing there is ever written.

An object is read in ranges, each asked for by version and ETag, so that it is never a mix of two. Where a bucket keeps
versions each is an entry of its own, of documents the newest only; what a delete marker hides was taken back and is
none.
"""

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from itertools import groupby, takewhile
from typing import Any, Final

from botocore.exceptions import ClientError

from pipelines.base.errors import SettingsError
from pipelines.base.store import connection, faults
from pipelines.ingest.arrivals import UNSAFE, Gone
from pipelines.ingest.feeds import Feed
from pipelines.ingest.servers import Entry, plain
from pipelines.ingest.sources import Bucket

PIECE: Final = 8 << 20
"""Bytes of a range."""
PAGE: Final = 1000
"""Keys in one answer to a listing; S3 gives no more."""
_DENIED: Final = ("AccessDenied", "AllAccessDisabled", "403")
_CLOSED: Final = ("InvalidObjectState", "InvalidRequest", "InvalidArgument")
"""An object that lies in an archive, or is sealed under a key that its reader must send."""
_OTHER: Final = (404, 405, 412, 416)
"""What was listed is there no longer, or other bytes are."""
_NO_VERSIONS: Final = 501
"""A server that does not know the question keeps none."""


class _Replaced(Gone):
    """An object is not the one that was listed."""


@contextmanager
def connected(feed: Feed) -> Iterator["Prefix"]:
    """The prefix of a feed; nothing is asked of the server yet."""
    if feed.bucket is None:
        raise ValueError(f"{feed.name} has no bucket")
    yield Prefix(feed, feed.bucket)


class Prefix:
    """A prefix of a bucket, with a feed's files below it."""

    def __init__(self, feed: Feed, at: Bucket) -> None:
        """Nothing is asked of the server yet."""
        self._feed, self._at = feed, at
        self._client = connection.client()

    def listing(self) -> Iterator[Entry]:
        """All objects, as deep as the feed's pattern has slashes; older versions of one first."""
        deepest = self._feed.files.count("/")
        entries = self._entries(self._at.prefix, Delimiter="" if deepest else "/")
        for name, versions in groupby(entries, key=lambda entry: entry.name):
            newest_first = list(versions)
            is_one = self._feed.dialect == "documents" and bool(name)
            if name.count("/") <= deepest:
                yield from newest_first[:1] if is_one else reversed(newest_first)

    def named(self, name: str) -> list[Entry]:
        """Versions of an object, the newest first. Raises Gone when there is none."""
        entries = self._entries(f"{self._at.prefix}{name}", Delimiter="")
        found = list(takewhile(lambda entry: entry.name == name, entries))  # keys that go on after it come later
        if not found:
            raise Gone
        return found

    def sha256(self, entry: Entry) -> str | None:
        """The digest of an object; None when it is no longer as it was listed. Raises Gone when it cannot be read."""
        try:
            with self.opened(entry) as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except _Replaced:
            return None

    @contextmanager
    def opened(self, entry: Entry) -> Iterator[io.BufferedReader]:
        """The bytes of an object, in ranges. Raises Gone when it cannot be read, or is replaced meanwhile."""
        yield io.BufferedReader(_Raw(self, entry), PIECE)

    def start(self, name: str, size: int) -> bytes:
        """The first bytes of the newest version of an object. Raises Gone when it cannot be read."""
        return self._get(name, "", Range=f"bytes=0-{size - 1}")

    def part(self, entry: Entry, start: int, size: int) -> bytes:
        """So many bytes of the object that was listed. Raises Gone when they cannot be read."""
        version, _, etag = entry.pin.partition(" ")
        pinned = {"IfMatch": etag, **({"VersionId": version} if version else {})}
        data = self._get(entry.name, etag, Range=f"bytes={start}-{start + size - 1}", **pinned)
        if len(data) != size:
            raise _Replaced
        return data

    def _get(self, name: str, etag: str, **words: str) -> bytes:
        """Bytes of an object; asked again when they break off."""

        def asked() -> bytes:
            with self._refusals():
                try:
                    found = self._client.get_object(Bucket=self._at.name, Key=f"{self._at.prefix}{name}", **words)
                except ClientError as error:
                    raise _unread(error) from None
            if etag and found["ETag"] != etag:  # not every server heeds a condition
                raise _Replaced
            return bytes(found["Body"].read())

        return faults.whole(self._at.name, "", asked)

    def _entries(self, prefix: str, **words: str) -> Iterator[Entry]:
        """What has keys with this prefix, the newest version of each first."""
        keeps = self._keeps_versions
        operation = "list_object_versions" if keeps else "list_objects_v2"
        pages = self._client.get_paginator(operation).paginate(
            Bucket=self._at.name, Prefix=prefix, PaginationConfig={"PageSize": PAGE}, **words
        )
        with faults.answering(self._at.name), self._refusals():
            hidden: set[str] = set()
            for page in pages:
                hidden = set(sorted(hidden)[-1:])  # the last key of a page may go on in the next one
                hidden |= {item["Key"] for item in page.get("DeleteMarkers", ()) if item["IsLatest"]}
                for item in page.get("Versions" if keeps else "Contents", ()):
                    if item["Key"] not in hidden and not item["Key"].endswith("/"):
                        yield self._entry(item)

    def _entry(self, item: dict[str, Any]) -> Entry:
        name = item["Key"].removeprefix(self._at.prefix)
        is_safe = all(plain(step) for step in name.split("/"))
        pin = f"{item.get('VersionId', '')} {item['ETag']}"
        changed = item["LastModified"].timestamp()
        return Entry(name if is_safe else "", item["Size"], changed, is_safe, "" if is_safe else UNSAFE, pin)

    @cached_property
    def _keeps_versions(self) -> bool:
        with faults.answering(self._at.name), self._refusals():
            try:
                return self._client.get_bucket_versioning(Bucket=self._at.name).get("Status") is not None
            except ClientError as error:
                if faults.status(error.response) != _NO_VERSIONS:
                    raise
                return False

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        """What a server answers about this prefix, as what it means for the feed; the rest is told by `faults`."""
        try:
            yield
        except ClientError as error:
            word = faults.code(error.response)
            if word == "NoSuchBucket":
                raise SettingsError(
                    f"The bucket {self._at.name} of {self._feed.name} must exist; it does not. Correct the location."
                ) from None
            if word in _DENIED or word.startswith("KMS."):
                raise SettingsError(
                    f"This account must be allowed to list and read the location of {self._feed.name}; the server "
                    f"answered {word}. Grant it (README, Files on S3), or use another account."
                ) from None
            raise


def _unread(error: Any) -> Exception:  # botocore has no types
    """Why an object is not given: itself, or the server's answer when that is about more than this object."""
    word = faults.code(error.response)
    if word in _CLOSED:
        return Gone()
    is_other = faults.status(error.response) in _OTHER and word != "NoSuchBucket"
    return _Replaced() if is_other else error


class _Raw(io.RawIOBase):
    """An object as a stream of ranges."""

    def __init__(self, prefix: Prefix, entry: Entry) -> None:
        self._prefix, self._entry, self._count = prefix, entry, 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any) -> int:  # a buffer has no type before Python 3.12
        """Fill a buffer."""
        size = min(len(buffer), self._entry.size - self._count)
        data = self._prefix.part(self._entry, self._count, size) if size else b""
        buffer[:size] = data
        self._count += size
        return size
