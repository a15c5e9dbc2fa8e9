"""Bytes for Arrow's reader of CSV, in blocks that never end between the two signs of a line's end.

Arrow takes a block that ends with a carriage return to end a line there, and drops the line feed with which the next
one begins, within quotes too. So such a carriage return comes with the next block.
"""

from typing import BinaryIO

import pyarrow as pa  # type: ignore[import-untyped]

_RETURN = b"\r"


class Pairs:
    """A file to read once, from where it stands, as UTF-8."""

    closed = False

    def __init__(self, file: BinaryIO, encoding: str) -> None:
        """Nothing is read yet.

        Args:
            file: Open for reading.
            encoding: Of its text, of which bytes that are none raise UnicodeError.
        """
        given = pa.PythonFile(file, mode="r")
        self._file = given if encoding == "utf-8" else pa.transcoding_input_stream(given, encoding, "utf-8")
        self._kept = b""

    def read(self, size: int) -> bytes:
        """At most so many bytes; none at the end."""
        piece: bytes = self._kept + self._file.read(size - len(self._kept))
        self._kept = _RETURN if len(piece) > 1 and piece.endswith(_RETURN) else b""
        return piece.removesuffix(self._kept)

    def readable(self) -> bool:
        """Arrow asks."""
        return True

    def close(self) -> None:
        """Whoever opened the file closes it."""
