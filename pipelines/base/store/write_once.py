"""The locked bucket: objects that nobody can change or remove before their day, the bucket's owner included.

Every object is written with Object Lock in COMPLIANCE mode for the days that the store's URL names. The server refuses
to delete it and to shorten its time. What it cannot refuse is a new version or a delete marker on top, because a locked
bucket keeps versions. Hence readers never ask for "the newest": the oldest version is the object, whatever came
later, and a delete marker hides nothing. That also decides between two writers where a server ignores `If-None-Match`
on versions (radosgw 16 does): the first one written is the object, and only its writer is told that it wrote.
"""

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BufferedReader, BytesIO
from pathlib import PurePosixPath
from typing import Any, Final

from botocore.exceptions import ClientError

from pipelines.base.errors import ContractError, SettingsError
from pipelines.base.store import faults

MODE: Final = "COMPLIANCE"
PAGE: Final = 1000
"""Keys in one answer to a listing; S3 gives no more."""


@dataclass(frozen=True, slots=True)
class Version:
    """The version of an object that counts."""

    key: str
    id: str
    size: int
    """Bytes."""


def checked_key(key: str) -> str:
    """A key that stays in its store.

    Raises:
        ContractError: It is absolute, empty or steps upwards.
    """
    parts = PurePosixPath(key).parts
    if not parts or ".." in parts or key.startswith("/"):
        raise ContractError("A store key must be a relative path without '..'; got another form.")
    return key


class WriteOnce:
    """Objects below a prefix of a bucket with Object Lock."""

    def __init__(self, client: Any, bucket: str, prefix: str, retain_days: int) -> None:
        """Nothing is asked of the server yet.

        Args:
            client: Of boto3.
            bucket: With Object Lock.
            prefix: Of the store, with its last `/`.
            retain_days: Days that an object stays locked from its writing.
        """
        self._client, self._bucket, self._prefix, self._retain_days = client, bucket, prefix, retain_days
        self._is_locked = False

    def read(self, key: str) -> bytes:
        """The object's bytes. Raises ContractError when there is none."""
        version = self.first(key)
        return faults.whole(self._bucket, key, lambda: bytes(self._body(version).read()))

    def create(self, key: str, body: bytes | BufferedReader) -> bool:
        """Write only if absent and lock it; whether this call wrote what now counts."""
        self._ready()
        if self._found(key) is not None:
            return False
        until = datetime.now(UTC) + timedelta(days=self._retain_days)
        with faults.answering(self._bucket, key):
            try:
                made = self._client.put_object(
                    Bucket=self._bucket,
                    Key=self._full(key),
                    Body=body,
                    ContentMD5=_md5(body),
                    IfNoneMatch="*",
                    ObjectLockMode=MODE,
                    ObjectLockRetainUntilDate=until,
                )
            except ClientError as error:
                if faults.status(error.response) != 412:
                    raise
                made = error.response
        first = self.first(key)
        return first.id == made.get("VersionId") or (faults.tries(made) > 1 and self._holds(first, body))

    def exists(self, key: str) -> bool:
        """Whether the object was ever written."""
        return self._found(key) is not None

    def size(self, key: str) -> int:
        """Bytes of the object."""
        return self.first(key).size

    def list(self, prefix: str) -> list[str]:
        """Keys that were ever written below `prefix`."""
        return list(dict.fromkeys(version.key for version in self._versions(prefix)))

    def delete(self, key: str) -> None:
        """Ask the server to destroy the object, which it refuses until its day has come."""
        for version in [version for version in self._versions(checked_key(key)) if version.key == key]:
            with faults.answering(self._bucket, key):
                self._client.delete_object(Bucket=self._bucket, Key=self._full(key), VersionId=version.id)

    def first(self, key: str) -> Version:
        """The oldest version of an object. Raises ContractError when there is none."""
        found = self._found(key)
        if found is None:
            raise ContractError(f"The store must hold {key}; there is no such object. Run the step before.")
        return found

    def _holds(self, version: Version, body: bytes | BufferedReader) -> bool:
        """Whether a version is what an earlier try of ours wrote, its answer lost: it holds exactly our bytes.

        Another writer's equal bytes are taken for ours. That is harmless: two pointers differ in the head of the
        ledger that they anchor or are the same pointer, and files and segments lie under the digest or the numbers of
        what they hold, so that it is all one who wrote them.
        """

        def same() -> bool:
            ours = BytesIO(body) if isinstance(body, bytes) else body
            ours.seek(0)
            return all(ours.read(len(part)) == part for part in self._body(version).iter_chunks()) and not ours.read(1)

        return faults.whole(self._bucket, version.key, same)

    def _body(self, version: Version) -> Any:
        found = self._client.get_object(Bucket=self._bucket, Key=self._full(version.key), VersionId=version.id)
        return found["Body"]

    def _found(self, key: str) -> Version | None:
        found = None
        for version in self._versions(checked_key(key)):
            if version.key != key:
                break
            found = version  # the server lists a key's versions newest first
        return found

    def _versions(self, prefix: str) -> Iterator[Version]:
        with faults.answering(self._bucket, prefix):
            pages = self._client.get_paginator("list_object_versions").paginate(
                Bucket=self._bucket, Prefix=self._prefix + prefix, PaginationConfig={"PageSize": PAGE}
            )
            for page in pages:
                for item in page.get("Versions", ()):
                    yield Version(item["Key"].removeprefix(self._prefix), item["VersionId"], item["Size"])

    def _full(self, key: str) -> str:
        return self._prefix + checked_key(key)

    def _ready(self) -> None:
        """Raise SettingsError unless the bucket can lock. Asked before a write only: readers need no such right."""
        if self._is_locked:
            return
        with faults.answering(self._bucket):
            try:
                found = self._client.get_object_lock_configuration(Bucket=self._bucket)["ObjectLockConfiguration"]
            except ClientError as error:
                if faults.code(error.response) != "ObjectLockConfigurationNotFoundError":
                    raise
                found = {}
        if found.get("ObjectLockEnabled") != "Enabled":
            raise SettingsError(
                f"The bucket {self._bucket}, named by locked= in CANDOR_STORE, must have Object Lock on; it has not. "
                "Create a bucket with it and name that."
            )
        self._is_locked = True


def _md5(body: bytes | BufferedReader) -> str:
    """What S3 asks for beside a lock: the sum by which it refuses bytes that changed on the way."""
    if isinstance(body, bytes):
        digest = hashlib.md5(body, usedforsecurity=False)
    else:
        digest = hashlib.file_digest(body, lambda: hashlib.md5(usedforsecurity=False))
        body.seek(0)
    return base64.b64encode(digest.digest()).decode()
