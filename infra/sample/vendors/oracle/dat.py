"""Files of the HCM Data Loader: lines of components, escapes instead of quotes, in a zip of no day."""

from __future__ import annotations

from contextlib import contextmanager
from typing import IO, TYPE_CHECKING
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from infra.sample.dialects import replacing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

END = "4712/12/31"
"""The last day of what is open."""


def metadata(component: str, columns: Sequence[str]) -> str:
    """The line that names a component's columns."""
    return "|".join(["METADATA", component, *columns])


def line(component: str, columns: Sequence[str], cells: Mapping[str, str | None], word: str = "MERGE") -> str:
    """A line in the order of its METADATA; empty fields at the end are left out."""
    values = [cells.get(name) or "" for name in columns]
    while not values[-1]:
        values.pop()
    return "|".join([word, component, *map(_escaped, values)])


def encoded(lines: Iterable[str]) -> bytes:
    """Lines as they stand in the file."""
    return "".join(f"{line}\r\n" for line in lines).encode()


@contextmanager
def archive(path: Path) -> Iterator[ZipFile]:
    """A zip that appears when it is complete."""
    with replacing(path) as handle, ZipFile(handle, "w") as made:
        yield made


@contextmanager
def member(into: ZipFile, name: str) -> Iterator[IO[bytes]]:
    """A file of an archive, of no day: equal content gives equal bytes."""
    info = ZipInfo(name)
    info.compress_type = ZIP_DEFLATED
    with into.open(info, "w", force_zip64=True) as file:
        yield file


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", "\\n")
