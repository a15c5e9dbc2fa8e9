"""What a feed says of its files as they are delivered, beside where they lie.

When the source wrote one, how large it may be, how it shows that it is complete, and whether it holds all there is or
what changed.
"""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pipelines.base.settings import Count
from pipelines.ingest.rules import Declared, Name


class Extracted(Declared):
    """When the source wrote a file. Exactly one of these."""

    end_of: Name | None = None
    """A named group of the file name that holds a month (YYYY-MM) or a day (YYYY-MM-DD), with or without dashes: the
    end of it."""
    at: Name | None = None
    """A named group of the file name that holds a moment in UTC, to the second: 20260131T060000Z, with or without Z,
    dashes and colons. Of several files of one day the later one is newer."""
    constant: datetime | None = None
    manifest: Literal[True] | None = None
    """What the manifest says in `extracted_at`: a moment in ISO 8601 with Z or an offset. A period in a name says which
    days a file tells of; one that was written some days after those knows what nobody knew at the period's end. Files
    that were written within 24 hours and have one `run_id`, or none and one period, are of one export. A file that was
    taken in keeps its moment, whatever its manifest says once it is corrected. What a file tells no more of what its
    source dates was taken back where `full` says that a file holds all there is; without it a file may be a page of
    its run, whose other pages tell it, and takes nothing back."""


class Limits(Declared):
    """How large a file may be; a larger one is held. Raise a limit where a source honestly sends more."""

    max_bytes: Count = 8 << 30
    """Of the file, or of all documents of a delivery."""
    max_rows: Count = 100_000_000
    max_columns: Count = 2_000
    max_cell_bytes: Count = 1 << 20
    """Of one cell as UTF-8, a repeated group as its JSON text."""


Suffix = Annotated[str, Field(pattern=r"^\.[A-Za-z0-9._-]+$")]


class Ready(Declared):
    """How a file shows that it is complete; until then a run passes it over. Exactly one of these."""

    marker: Suffix | None = None
    """A file beside it with the same name and this at its end, such as `.done`; what is in it does not matter."""
    manifest: Suffix | None = None
    """The same, and it is JSON: `{"files": [{"name": …, "sha256": …, "records": …}]}`, with the digest of what was
    delivered, encrypted or not; or a line a file, `name|records|sha256`, also with commas. A file that is not what its
    manifest says is held, until either of them changes; so is one of which `full_or_delta` says what the feed does
    not."""
    schema_version: Name | None = None
    """With manifest, what it must say of a file as `schema_version`; a file of another layout is held."""
    untouched_seconds: Count | None = None
    """Nobody has written to it for so long; on a server, two looks so far apart saw the same size and time. The only
    way for a folder of documents, where it holds for all of them."""

    @property
    def suffix(self) -> str | None:
        """What the name of the file beside ends with."""
        return self.marker or self.manifest

    @model_validator(mode="after")
    def _has_one_signal(self) -> Self:
        if (self.marker, self.manifest, self.untouched_seconds).count(None) != 2:
            raise ValueError("must have exactly one of marker, manifest, untouched_seconds")
        if self.schema_version is not None and self.manifest is None:
            raise ValueError("schema_version goes with manifest, which says it")
        return self


class Full(Declared):
    """Every file holds all there is, so one with far fewer records than the one before may have been cut short."""

    may_lose: Annotated[float, Field(ge=0, lt=1)]
    """Share of the records of the newest file taken in that a file may lack. One that lacks more is held until a person
    decides; so is a file that was written before it. Not for exports in pages: a page does not hold all there is."""
    may_gain: Annotated[float, Field(gt=0)] = 1.0
    """Share of the same records that a file may have more; one with yet more, and twenty at least, is held: it may be
    of two companies, or tell everybody twice under other numbers. After fewer than twenty, as of a trial, any number
    may come."""
    reconciles: tuple[Name, ...] = ()
    """Delta feeds of the same system: each file is compared with what they made the lake believe; counts of what they
    missed are reported and go into the ledger."""


class Delta(Declared):
    """A file holds what changed since the one before, so none may be left out."""

    sequence: Name | None = None
    """A named group of the file name: a whole number that counts the files. A file waits until the one before it was
    taken in; the lowest number that arrives first begins."""
    manifest: Literal[True] | None = None
    """Instead, manifests name the run that wrote a file, `run_id`, and the one before, `previous_run_id`: a file waits
    until that one's was taken in; the oldest that arrives first begins. Later, one that names none before its own, or
    one that follows it, is held: a person decides whether a new chain begins with it."""

    @model_validator(mode="after")
    def _has_one_order(self) -> Self:
        if (self.sequence is None) == (self.manifest is None):
            raise ValueError("must have exactly one of sequence, manifest")
        return self
