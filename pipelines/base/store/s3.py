"""S3 as a store: one bucket for what changes and can be forgotten, another, with Object Lock, for what never changes.

    s3://bucket/prefix?locked=bucket&retain_days=3650

Two buckets, because Object Lock needs versions and forgetting forbids them: what is deleted from `bucket` is gone, and
creating only if absent is left to the server (`If-None-Match`). `releases/` and `ledger/segments/` lie in `locked`
(`write_once`). Every request has a bounded time and botocore's standard retries.
"""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Final

from botocore.exceptions import ClientError

from pipelines.base import staging
from pipelines.base.catalog import RELEASES, SEGMENTS
from pipelines.base.errors import ContractError, SettingsError
from pipelines.base.store import connection, faults
from pipelines.base.store.connection import AT_ONCE, Place
from pipelines.base.store.lease import Leases
from pipelines.base.store.write_once import PAGE, WriteOnce, checked_key

WRITE_ONCE: Final = (RELEASES, SEGMENTS)
"""Prefixes of keys that lie in the locked bucket."""
_ABSENT: Final = ("NoSuchKey", "404")


class S3Store:
    """Objects in two buckets. Thread-safe, as its client is."""

    keeps_files = False

    def __init__(self, at: Place) -> None:
        """Nothing is asked of the server yet.

        Args:
            at: Buckets, prefix and retention.
        """
        self.url, self._at, self._known = at.url, at, False
        self._leases = Leases(self)
        self._locked: WriteOnce | None = None

    def read(self, key: str) -> bytes:
        """See `Store.read`."""
        if once := self._once(key):
            return once.read(key)
        return self.fetch(key)[0]

    def read_start(self, key: str, size: int) -> bytes:
        """See `Store.read_start`."""
        if once := self._once(key):
            return once.read(key)[:size]
        return self.fetch(key, Range=f"bytes=0-{size - 1}")[0]

    def read_many(self, keys: Iterable[str]) -> Iterator[bytes]:
        """See `Store.read_many`: some at a time, and no more than one lot beyond what the reader took."""
        waiting = iter(keys)
        while lot := list(islice(waiting, AT_ONCE)):
            with ThreadPoolExecutor(AT_ONCE) as pool:
                yield from pool.map(self.read, lot)

    def put(self, key: str, data: bytes) -> None:
        """See `Store.put`."""
        if self._once(key):
            raise ContractError(f"{faults.zone(key)} must be written once; a put would replace it. Use `create`.")
        self.replace(key, data)

    def create(self, key: str, data: bytes) -> bool:
        """See `Store.create`."""
        if once := self._once(key):
            return once.create(key, data)
        return self.replace(key, data, IfNoneMatch="*") is not None

    def exists(self, key: str) -> bool:
        """See `Store.exists`."""
        if once := self._once(key):
            return once.exists(key)
        return self._head(key) is not None

    def size(self, key: str) -> int:
        """See `Store.size`."""
        if once := self._once(key):
            return once.size(key)
        if (found := self._head(key)) is None:
            raise _missing(key)
        return int(found["ContentLength"])

    def list(self, prefix: str) -> list[str]:
        """See `Store.list`."""
        full = checked_key(prefix).rstrip("/") + "/"
        keys = [] if self._once(full) else [*self._listed(full)]
        beside = full.startswith(tuple(f"{zone}/" for zone in WRITE_ONCE))
        zones = [full] if beside else [f"{zone}/" for zone in WRITE_ONCE if zone.startswith(full)]
        for zone in zones:
            keys += self._write_once().list(zone)
        return sorted(keys)

    def delete(self, key: str) -> None:
        """See `Store.delete`."""
        if once := self._once(key):
            return once.delete(key)
        self._ready()
        with faults.answering(self._at.bucket, key):
            self.client.delete_object(Bucket=self._at.bucket, Key=self.full(key))
        return None

    def upload(self, key: str, path: Path) -> None:
        """See `Store.upload`."""
        if self._once(key):
            raise ContractError(
                f"{faults.zone(key)} must be written once; something would replace it. Use `upload_new`."
            )
        self._ready()
        with faults.answering(self._at.bucket, key):
            self.client.upload_file(str(path), self._at.bucket, self.full(key))

    def upload_new(self, key: str, path: Path, *, may_keep: bool = False) -> bool:
        """See `Store.upload_new`: one conditional request, which S3 takes up to 5 GiB."""
        del may_keep
        with path.open("rb") as body:
            if once := self._once(key):
                return once.create(key, body)
            return self.replace(key, body, IfNoneMatch="*") is not None

    def download(self, key: str, path: Path) -> None:
        """See `Store.download`."""
        bucket, version = self._version(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        with staging.new_file(path.parent, ".staged-") as staged:
            with faults.answering(bucket, key), staged.open("wb") as file:
                try:
                    self.client.download_fileobj(bucket, self.full(key), file, ExtraArgs=version)
                except ClientError as error:
                    if faults.code(error.response) in _ABSENT:
                        raise _missing(key) from None
                    raise
            staged.replace(path)

    @contextmanager
    def opened(self, key: str, scratch: Path) -> Iterator[BinaryIO]:
        """See `Store.opened`: a copy."""
        copy = scratch / "object"
        self.download(key, copy)
        with copy.open("rb") as file:
            yield file

    def uri(self, key: str) -> str:
        """See `Store.uri`."""
        self._ready()
        return f"s3://{self._at.bucket}/{self.full(key)}"

    def options(self) -> dict[str, str] | None:
        """See `Store.options`: Delta Lake commits by creating only if absent, so two writers never lose one."""
        return {"AWS_CONDITIONAL_PUT": "etag", **connection.of_delta()}

    def settle(self, keys: Iterable[str]) -> None:
        """See `Store.settle`: the server keeps what it has answered for."""

    def lock(self, name: str) -> AbstractContextManager[None]:
        """See `Store.lock` and `lease`."""
        return self._leases.held(name)

    @property
    def client(self) -> Any:
        """The process's client."""
        return connection.client()

    def full(self, key: str) -> str:
        """The key with the store's prefix."""
        return self._at.prefix + checked_key(key)

    def replace(self, key: str, data: Any, **condition: str) -> str | None:
        """Write under a condition of the server's; the object's ETag, or None when the condition did not hold."""
        self._ready()
        with faults.answering(self._at.bucket, key):
            try:
                made = self.client.put_object(Bucket=self._at.bucket, Key=self.full(key), Body=data, **condition)
            except ClientError as error:
                if faults.status(error.response) != 412:
                    raise
                return self._own(key, data, error.response)
        return str(made["ETag"]).strip('"')

    def fetch(self, key: str, **part: str) -> tuple[bytes, dict[str, Any]]:
        """An object, or the `Range` of it that is asked for, and the whole answer it came with."""

        def asked() -> tuple[bytes, dict[str, Any]]:
            found = self._get(key, **part)
            return bytes(found["Body"].read()), found

        return faults.whole(self._at.bucket, key, asked)

    def _own(self, key: str, data: Any, response: dict[str, Any]) -> str | None:
        """A condition that failed on a second try may have failed on what the first one wrote, its answer lost."""
        if faults.tries(response) == 1 or not isinstance(data, bytes):
            return None
        there, answer = self.fetch(key)
        return str(answer["ETag"]).strip('"') if there == data else None

    def _get(self, key: str, **part: str) -> Any:
        self._ready()
        try:
            return self.client.get_object(Bucket=self._at.bucket, Key=self.full(key), **part)
        except ClientError as error:
            if faults.code(error.response) in _ABSENT:
                raise _missing(key) from None
            raise

    def _head(self, key: str) -> Any:
        self._ready()
        with faults.answering(self._at.bucket, key):
            try:
                return self.client.head_object(Bucket=self._at.bucket, Key=self.full(key))
            except ClientError as error:
                if faults.status(error.response) != 404:
                    raise
                return None

    def _listed(self, prefix: str) -> Iterator[str]:
        self._ready()
        with faults.answering(self._at.bucket, prefix):
            pages = self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self._at.bucket, Prefix=self._at.prefix + prefix, PaginationConfig={"PageSize": PAGE}
            )
            for page in pages:
                yield from (item["Key"].removeprefix(self._at.prefix) for item in page.get("Contents", ()))

    def _version(self, key: str) -> tuple[str, dict[str, str]]:
        """Bucket, and which version to ask for where there are several."""
        once = self._once(key)
        return (self._at.locked, {"VersionId": once.first(key).id}) if once else (self._at.bucket, {})

    def _once(self, key: str) -> WriteOnce | None:
        return self._write_once() if key.startswith(tuple(f"{zone}/" for zone in WRITE_ONCE)) else None

    def _write_once(self) -> WriteOnce:
        self._leases.check()
        self._locked = self._locked or WriteOnce(self.client, self._at.locked, self._at.prefix, self._at.retain_days)
        return self._locked

    def _ready(self) -> None:
        """Raise when a lease is lost, or when the bucket is not one that can forget."""
        self._leases.check()
        if self._known:
            return
        with faults.answering(self._at.bucket):
            state = self.client.get_bucket_versioning(Bucket=self._at.bucket).get("Status")
        if state is not None:
            raise SettingsError(
                f"The bucket {self._at.bucket} must not keep versions, since what is forgotten must be gone; its "
                f"versioning is {state}. Use a new bucket; only the one named by locked= has Object Lock."
            )
        self._known = True


def _missing(key: str) -> ContractError:
    return ContractError(f"The store must hold {key}; there is no such object. Run the step before.")
