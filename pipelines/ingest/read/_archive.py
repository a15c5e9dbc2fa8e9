"""One file out of a zip, never unpacked to disk: names that point elsewhere, bombs and passwords hold the file."""

import errno
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import Annotated, Final, cast
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from pydantic import Field

from pipelines.base.settings import Section
from pipelines.ingest.batch import Held
from pipelines.ingest.feeds import Feed

MAX_FILES: Final = 10_000
_ENCRYPTED: Final = 0x1


class Limits(Section):
    """What an archive may grow to."""

    max_bytes: Annotated[int, Field(ge=1)]
    """Of all its files, unpacked."""
    max_ratio: Annotated[float, Field(ge=1)]
    """Bytes unpacked a byte packed. Text packs to a tenth; a bomb to a thousandth."""


@contextmanager
def member(source: Path, name: str, limits: Limits, feed: Feed) -> Iterator[BufferedReader]:
    """Open a file of an archive. What it holds is never more than the archive says and the limits allow.

    Args:
        source: The archive.
        name: The file, as the archive has it.
        limits: Of the archive.
        feed: For messages.

    Raises:
        Held: Not a sound archive, hostile, encrypted, or without the file.
    """
    with _opened(source, limits, feed) as archive:
        found = [info for info in archive.infolist() if info.filename == name]
        if len(found) != 1:
            raise Held("missing_member", f"{feed.name} must hold {name} once; it holds {len(found)} of it.")
        if found[0].compress_type not in (ZIP_STORED, ZIP_DEFLATED):
            raise Held("malformed_zip", f"{feed.name} must be packed with deflate; it is packed otherwise.")
        with archive.open(found[0]) as file:
            yield BufferedReader(cast("RawIOBase", file))


def members(source: Path, limits: Limits, feed: Feed) -> list[str]:
    """Names of the files of an archive, which is checked as `member` does.

    Raises:
        Held: Not a sound archive, hostile or encrypted.
    """
    with _opened(source, limits, feed) as archive:
        return archive.namelist()


@contextmanager
def _opened(source: Path, limits: Limits, feed: Feed) -> Iterator[ZipFile]:
    try:
        with ZipFile(source) as archive:
            _check(archive.infolist(), source.stat().st_size, limits, feed)
            yield archive
    except (BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, UnicodeDecodeError):
        raise _damaged(feed) from None
    except OSError as error:
        if error.errno != errno.EINVAL:  # of a place before the first byte, where the directory says a file is
            raise
        raise _damaged(feed) from None


def _damaged(feed: Feed) -> Held:
    return Held("malformed_zip", f"{feed.name} must be a whole zip; it is cut or damaged. Send it again.")


def _check(files: list[ZipInfo], packed: int, limits: Limits, feed: Feed) -> None:
    """Refuse an archive by what its directory says."""
    if any(_points_elsewhere(info.filename) for info in files):
        raise Held("zip_slip", f"{feed.name} must hold names below its own folder; one points elsewhere.")
    if any(info.flag_bits & _ENCRYPTED for info in files):
        raise Held("encrypted_zip", f"{feed.name} must be a zip without password; it has one. Use PGP instead.")
    unpacked = sum(info.file_size for info in files)
    if len(files) > MAX_FILES or unpacked > limits.max_bytes or unpacked > limits.max_ratio * packed:
        raise Held(
            "zip_bomb",
            f"{feed.name} must unpack to at most {limits.max_bytes:,} bytes, {limits.max_ratio:g} times its size and "
            f"{MAX_FILES:,} files; it says {unpacked:,} bytes, {unpacked / packed:.0f} times and {len(files):,} files. "
            "Raise the limits of the feed only for a source that is known.",
        )


def _points_elsewhere(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return parts[0] == "" or ":" in parts[0] or ".." in parts
