"""One interface to bytes; nothing outside this package knows where they live.

    file:///folder                                             a folder: the embedded default
    s3://bucket/prefix?locked=bucket&retain_days=3650          S3: objects in one bucket, what is write-once in another

CANDOR_STORE is the only switch. A key is a relative path with `/`. Every write is atomic: a reader sees the old object,
the new one or none, never half of one. On S3, credentials, region and endpoint come from the AWS_ variables that every
client knows.
"""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from pipelines.base.errors import SettingsError
from pipelines.base.settings import environment
from pipelines.base.store.folder import FileStore
from pipelines.base.store.protocol import Store

STORE_URL = "CANDOR_STORE"

__all__ = ["STORE_URL", "FileStore", "Store", "open_store"]


def open_store(url: str | None = None) -> Store:
    """The store at `url`, by default the one in CANDOR_STORE. Nothing is asked of a server yet.

    Raises:
        SettingsError: No URL, or one that names no place.
    """
    url = url or environment(STORE_URL, "the URL of the store, such as file:///srv/candor")
    parts = urlsplit(url)
    if parts.scheme == "file" and parts.path.startswith("/"):
        return FileStore(Path(unquote(parts.path)))
    if parts.scheme == "s3":
        from pipelines.base.store.connection import place
        from pipelines.base.store.s3 import S3Store

        return S3Store(place(url))
    raise SettingsError(
        f"{STORE_URL} must be file:///absolute/folder or s3://bucket/prefix?locked=bucket&retain_days=3650; "
        f"got the scheme {parts.scheme!r}. Correct it."
    )
