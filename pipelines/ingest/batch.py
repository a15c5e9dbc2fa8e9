"""A batch on disk: which units it has and how far each has come. A unit is a file, or a folder of documents.

`work/ingest/<batch>/plan.sealed` lists the units, under the vault key since documents are named after people;
`<batch>/<unit>/` holds what each step left. A result appears whole or not at all, by rename, and a step whose result is
there does nothing.
"""

import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from pipelines.base import staging
from pipelines.base.digests import sha256_bytes, sha256_tree
from pipelines.base.errors import ContractError
from pipelines.base.pseudonyms import VAULT_KEY, secret
from pipelines.base.sealed import seal, unseal
from pipelines.base.store import Store

if TYPE_CHECKING:
    from pipelines.ingest.afloat import Afloat

WORK: Final = "CANDOR_WORK"
"""Folder for scratch; `work` beside the zones where that is not set."""
CELLS: Final = (
    "*/raw",
    "*/mapped",
    "checked/rows",
    "checked/digests",
    "checked/known",
    "checked/before",
    "checked/samples",
)
"""Where a batch's folder holds cells of people."""
OLDER: Final = ("*/raw/part-*.parquet", "*/mapped/*/part-*.parquet", "checked/rows/*.parquet")
"""What versions before left there in another form."""
UNNAMED: Final = "record"
"""The last part of the landing key of a file of one person."""
CHECK: Final = ".candor-check-"
"""How folders of `checks` begin."""


class Held(Exception):  # not an error of the program: the file waits for its owner
    """A file that cannot be read as declared. The batch goes on without it."""

    def __init__(self, reason_code: str, message: str) -> None:
        """Say why.

        Args:
            reason_code: For counting, such as `missing_required_column`.
            message: What must hold; what was got. Never a value of a person.
        """
        super().__init__(message)
        self.reason_code = reason_code


@dataclass(frozen=True, slots=True)
class Unit:
    """One thing to ingest."""

    id: str
    feed: str
    name: str
    """Path below the feed's location; for documents the folder."""
    sha256: str
    size: int
    """Bytes."""
    groups: Mapping[str, str]
    feed_sha256: str
    documents: tuple[tuple[str, str, int], ...] = field(default=())
    """For a folder of documents: path, sha256 and bytes of each."""
    is_replay: bool = False
    is_released: bool = False
    """Whether a person decided that it is taken in, whatever speaks against it."""
    manifest: Mapping[str, Any] | None = None
    """What the file's manifest says: sha256 and records, and more of its run. Empty when that is nothing usable."""
    landed_as: str = ""
    """Where the bytes are, where that is not told by the name: of what landed before, and of a file of one person."""

    @property
    def landing_key(self) -> str:
        """Where the exact bytes are in the store; for documents their index."""
        if self.landed_as:
            return self.landed_as
        last = "index.json" if self.documents else Path(self.name).name
        return f"{self.landing_folder}/{self.sha256}/{last}"

    @property
    def landing_folder(self) -> str:
        """Where the feed's landed objects of the period are."""
        return f"landing/{self.feed}/{self.groups.get('period', 'undated')}"


def nameless(key: str) -> str:
    """The landing key of a file of one person without what the file was called."""
    return f"{key.rpartition('/')[0]}/{UNNAMED}"


def batch_name(text: str) -> str:
    """A batch's name as a folder: anything but letters, digits, dot, dash and underscore becomes a dash."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip(".-")[:120].rstrip(".-")
    if not name:
        raise ContractError("A batch must have a name with letters or digits; got none. Pass another --batch.")
    return name


class Batch:
    """Paths and states of one batch."""

    def __init__(self, store: Store, name: str) -> None:
        """Nothing is created yet.

        Args:
            store: The zones.
            name: As given; made safe for a folder.
        """
        self.store = store
        self.name = batch_name(name)
        self.folder = scratch(store) / "ingest" / self.name
        self.afloat: Afloat | None = None
        """Files that this process is landing and may read already."""

    @property
    def plan(self) -> dict[str, Any]:
        """What `discover` found.

        Raises:
            ContractError: It has not run.
        """
        if not self.is_planned:
            raise ContractError(f"Batch {self.name} must be discovered first; it is not. Run `discover`.")
        plan: dict[str, Any] = json.loads(unseal(secret(VAULT_KEY), self._plan.read_bytes()))
        return plan

    @property
    def is_planned(self) -> bool:
        """Whether `discover` has run."""
        return self._plan.is_file()

    @property
    def is_checked(self) -> bool:
        """Whether `validate` has run, from when on nothing can be added."""
        return (self.folder / "checked").is_dir()

    @property
    def _plan(self) -> Path:
        return self.folder / "plan.sealed"

    def write_plan(self, plan: Mapping[str, Any]) -> None:
        """Fix what the batch is about."""
        _write(self._plan, seal(secret(VAULT_KEY), json.dumps(plan, sort_keys=True).encode()))

    def at_work(self) -> AbstractContextManager[None]:
        """Hold the batch: an erasure drops the scratch of those that nobody holds."""
        return staging.at_work(self.folder)

    def units(self) -> list[Unit]:
        """All units, in order."""
        return [_unit(raw) for raw in self.plan["units"]]

    def duplicates(self) -> list[Unit]:
        """Files with bytes that were taken in before, under another name."""
        return [_unit(raw) for raw in self.plan["duplicates"]]

    def unit(self, unit_id: str) -> Unit:
        """One unit.

        Raises:
            ContractError: The batch has no such unit.
        """
        found = next((unit for unit in self.units() if unit.id == unit_id), None)
        if found is None:
            raise ContractError(f"A unit must be one of batch {self.name}; got another. Take it from `discover`.")
        return found

    def place(self, unit: Unit) -> Path:
        """The unit's folder."""
        return self.folder / unit.id

    def hold(self, unit: Unit, held: Held) -> None:
        """Note that a unit waits for its owner."""
        write_json(self.place(unit) / "held.json", {"reason_code": held.reason_code, "message": str(held)})

    def held(self, unit: Unit) -> dict[str, str] | None:
        """Why a unit is held; None when it is not."""
        held: dict[str, str] | None = read_json(self.place(unit) / "held.json")
        return held


def _unit(raw: dict[str, Any]) -> Unit:
    documents = tuple((str(name), str(sha256), int(size)) for name, sha256, size in raw["documents"])
    return Unit(**{**raw, "documents": documents})


def unit_id(feed: str, sha256: str, name: str = "") -> str:
    """A unit's id: the same bytes of the same feed are the same unit, but for those of another name in one batch."""
    return f"{feed}-{(sha256_bytes(f'{sha256} {name}'.encode()) if name else sha256)[:12]}"


def told_apart(units: Iterable[Unit]) -> list[Unit]:
    """Units of one batch, each with an id of its own: the same bytes may be told of two days."""
    apart: dict[str, Unit] = {}
    for unit in units:
        own = replace(unit, id=unit_id(unit.feed, unit.sha256, unit.name)) if unit.id in apart else unit
        apart[own.id] = own
    return list(apart.values())


def unit_record(unit: Unit) -> dict[str, Any]:
    """A unit as JSON keeps it."""
    return asdict(unit)


def scratch(store: Store) -> Path:
    """The local folder for what is needed only while something is at work.

    Raises:
        ContractError: The store is not a folder, and none is set.
    """
    given = os.environ.get(WORK)
    if given:
        return Path(given)
    if not store.url.startswith("file://"):
        raise ContractError(f"{WORK} must name a local folder when the store is not one. Set it.")
    return Path(store.uri("work"))


def read_json(path: Path) -> Any:  # JSON has no static type
    """A JSON file's content; None when there is no file."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None


def write_json(path: Path, content: Any) -> None:  # JSON has no static type
    """Write a JSON file whole or not at all."""
    _write(path, json.dumps(content, sort_keys=True, indent=1).encode())


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    staging.sweep(path.parent.glob(f".{path.name}-*"))
    with staging.new_file(path.parent, f".{path.name}-") as staged:
        staged.write_bytes(data)
        staged.replace(path)


def spill(frame: pl.DataFrame, path: Path) -> None:
    """Write rows on their way, as Arrow IPC.

    Polars opens a path twice, and a file that is opened anew while it is empty ext4 writes to the disk as soon as it is
    closed: twice the time, and hundreds of megabytes in the way of what must be there, for a file that is soon gone.
    """
    with path.open("wb") as file:
        frame.write_ipc(file)


@contextmanager
def result(place: Path) -> Iterator[Path]:
    """A folder to fill, which takes its name only when the block ends well.

    Args:
        place: The final folder; of two writers the first wins, as both write the same.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    staging.sweep(place.parent.glob(f".{place.name}-*"))
    with staging.new_folder(place.parent, f".{place.name}-") as staged:
        yield staged
        try:
            staged.rename(place)
        except OSError:
            if not place.is_dir():
                raise


def drop(folder: Path) -> None:
    """Remove a result, which loses its name first: a step that looks for it finds all of it or nothing."""
    staging.sweep(folder.parent.glob(f".{folder.name}-*"))
    with suppress(FileNotFoundError):
        shutil.rmtree(folder.rename(folder.with_name(f".{folder.name}-gone")), ignore_errors=True)


def carry_over(folder: Path) -> None:
    """Make Arrow files of the Parquet ones in which versions before left rows on their way, or these would be lost.

    Args:
        folder: A batch's. Several may do so at once; done again it changes nothing.
    """
    for pattern in OLDER:
        for file in sorted(folder.glob(pattern)):
            with suppress(FileNotFoundError), staging.new_file(file.parent, f".{file.name}-") as staged:
                pl.read_parquet(file).write_ipc(staged)
                staged.replace(file.with_suffix(".arrow"))
                file.unlink()


def checks() -> list[Path]:
    """Folders in which files are explained beside any store; a killed `check` leaves its own."""
    return list(Path(tempfile.gettempdir()).glob(f"{CHECK}*"))


def tidy(store: Store) -> None:
    """Drop what scratch has of people: of published batches, and what killed runs left half-done; counts stay."""
    top = scratch(store) / "ingest"
    staging.sweep([*top.glob("*/.*"), *top.glob("*/*/.*"), *checks()])
    for published in top.glob("*/published.json"):
        for pattern in CELLS:
            for folder in published.parent.glob(pattern):
                shutil.rmtree(folder, ignore_errors=True)
        _forget_names(Batch(store, published.parent.name))


def _forget_names(batch: Batch) -> None:
    """Documents and files of one person are named after people, and a published batch needs their names no more."""
    plan = batch.plan if batch.is_planned else {}
    left = {kind: [unit | _unnamed(unit) for unit in plan.get(kind, ())] for kind in ("units", "duplicates")}
    if any(units != plan.get(kind, []) for kind, units in left.items()):
        batch.write_plan(plan | left)


def _unnamed(unit: Mapping[str, Any]) -> dict[str, Any]:
    is_of_one = unit.get("landed_as", "").endswith(f"/{UNNAMED}")  # older plans do not say
    return {"documents": []} | ({"name": ""} if is_of_one else {})


def unpublished(store: Store) -> list[Batch]:
    """Batches that are checked and that nobody noted as published, by name."""
    checked = (Batch(store, place.parent.name) for place in sorted((scratch(store) / "ingest").glob("*/checked")))
    return [batch for batch in checked if not (batch.folder / "published.json").exists()]


def drop_unfinished(store: Store, note: Callable[[str, str, str], None]) -> list[str]:
    """Drop the scratch of batches that are not published and that nobody works at: they can be discovered again.

    Args:
        store: The zones.
        note: Told of each and the digests of its files before and after (empty: removed), just before it is dropped.

    Returns:
        Names of what somebody works at, and which stays.
    """
    left = []
    for folder in sorted((scratch(store) / "ingest").glob("*")):
        if (folder / "published.json").exists():
            continue
        if staging.is_held(folder):
            left.append(f"work/ingest/{folder.name}")
        else:
            note(f"work/ingest/{folder.name}", sha256_tree(folder), "")
            staging.sweep([folder])
    return left
