"""Landed objects: the exact bytes received, each sealed under a random key of its own.

    landing/<feed>/<period>/<sha256>/<name>       a line that names the form and the key, then the sealed pieces
    keys/landing/<day>/<object>/<number>.sealed   that key and the digest of the bytes, under CANDOR_VAULT_KEY

`day` is the day of landing, `object` a digest of the landing key, `number` how often the object was written anew.
Destroying the key destroys the object wherever a copy of it lies; both zones keep no versions. Pieces of 1 MiB are
sealed with AES-GCM; a piece's nonce is its place and whether it is the last, and each is bound to the line and to the
landing key, so that pieces cannot be cut off, put elsewhere or moved to another object. Memory does not grow with size.

A key is made only if absent and read back: whoever lands the same bytes again, after a kill or beside another, seals
the same bytes under the same key, and other bytes are never kept under it.
"""

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path
from typing import BinaryIO, Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pipelines.base import staging
from pipelines.base.catalog import KEYS, LANDING
from pipelines.base.digests import sha256_bytes, sha256_file
from pipelines.base.errors import ContractError
from pipelines.base.pseudonyms import VAULT_KEY, secret
from pipelines.base.sealed import seal, unseal
from pipelines.base.store import Store

FOLDER: Final = f"{KEYS}/landing"
PIECE: Final = 1 << 20
"""Bytes sealed at once."""
_STRETCH: Final = 64
"""Pieces after which the disk is asked to write them, beside the next ones: at the end it would be all at once."""
_TAG: Final = 16
_KEY: Final = 32
_LINE: Final = 128
"""Bytes within which the first line ends."""
_HEAD: Final = re.compile(rb"candor-landed-1 (\d{4}-\d\d-\d\d/[0-9a-f]{32}/\d+)\n")


def is_kept(store: Store, key: str) -> bool:
    """Whether an object is there and can be opened."""
    start = _start(store, key)
    return bool(start) and len(start) > len(_head(_named(start, key))) and store.exists(_name(_named(start, key)))


def write(store: Store, key: str, source: BinaryIO, sha256: str, *, day: date, scratch: Path) -> bool:
    """Keep bytes, unless they are kept already.

    Args:
        store: Where.
        key: Their landing key.
        source: The bytes.
        sha256: Of the bytes that are expected.
        day: Of the landing.
        scratch: Folder for the sealed file on its way; what a kill leaves there is sealed too.

    Returns:
        Whether they were the bytes expected; if not, nothing is kept of them.
    """
    with _sealed(store, key, source, sha256, day=day, scratch=scratch, settles=store.keeps_files) as (staged, digest):
        if digest == sha256:
            _keep(store, key, staged)
    return digest == sha256


def write_later(
    store: Store, key: str, source: BinaryIO, sha256: str, *, day: date, scratch: Path, copy: Path
) -> Callable[[], None] | None:
    """As `write`, but to wait for the disk or the server is left to whoever has the time.

    Args:
        store: As for `write`.
        key: As for `write`.
        source: As for `write`.
        sha256: As for `write`.
        day: As for `write`.
        scratch: As for `write`.
        copy: An empty file that gets the bytes as well, for until they are kept they cannot be read back.

    Returns:
        What keeps the bytes, to be called once, by any thread; None when they were not those expected.
    """
    with ExitStack() as stack:
        sealed = _sealed(store, key, source, sha256, day=day, scratch=scratch, settles=False, copy=copy)
        staged, digest = stack.enter_context(sealed)
        if digest != sha256:
            return None
        rest = stack.pop_all()

    def keep() -> None:
        with rest:
            _keep(store, key, staged)

    return keep


def _keep(store: Store, key: str, staged: Path) -> None:
    if not store.upload_new(key, staged, may_keep=True) and not is_kept(store, key):
        store.upload(key, staged)  # what was there had lost its key


def read(store: Store, key: str, path: Path) -> bool:
    """Write a landed object's bytes to a file, which appears whole or not at all.

    Args:
        store: Where it is.
        key: Its landing key.
        path: The file.

    Returns:
        Whether it could be opened still: not once its key is destroyed.

    Raises:
        ContractError: There is no such object, or not the bytes that were sealed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with staging.new_folder(path.parent, ".sealed-") as folder:
        with store.opened(key, folder) as sealed:
            head = sealed.readline(_LINE)
            name = _name(_named(head, key))
            is_emptied = os.fstat(sealed.fileno()).st_size == len(head)
            if is_emptied or not store.exists(name):
                return False
            material, _ = _unwrapped(store.read(name), name)
            _unseal(sealed, folder / "plain", material, head, key)
        (folder / "plain").replace(path)
    return True


def replace(store: Store, key: str, source: BinaryIO, scratch: Path) -> None:
    """Put other bytes in an object's place, under a new key; the old key is destroyed and the day stays.

    Args:
        store: Where it is.
        key: Its landing key.
        source: The new bytes.
        scratch: As for `write`.
    """
    start, _, number = _place(store, key).rpartition("/")
    place, material = f"{start}/{int(number) + 1}", os.urandom(_KEY)
    with _staged(scratch) as staged:
        digest = _seal(source, staged, material, _head(place), key)
        store.put(_name(place), _wrapped(material, digest, _name(place)))
        store.upload(key, staged)
    settle(store, key)


def copy(store: Store, key: str, new: str, scratch: Path) -> None:
    """Keep what landed under one key under another, too, as of the same day; done again it changes nothing.

    What cannot be opened any more is so there, too.

    Args:
        store: Where it is.
        key: Its landing key.
        new: The other one.
        scratch: As for `write`.
    """
    start = _start(store, key)
    if not start or _start(store, new):
        return
    scratch.mkdir(parents=True, exist_ok=True)
    day, _, number = _named(start, key).split("/")
    place = f"{day}/{_object(new)}/{number}"  # which also says whether other bytes stand there than those that landed
    with staging.new_folder(scratch) as folder:
        plain = folder / "plain"
        if not read(store, key, plain):
            store.put(new, _head(place))
            return
        material = _key_for(store, place, sha256_file(plain))
        with plain.open("rb") as source, _staged(folder) as staged:
            _seal(source, staged, material, _head(place), new)
            store.upload(new, staged)


def is_rewritten(store: Store, key: str) -> bool:
    """Whether other bytes stand in an object's place than those that landed; not where there is no object."""
    start = _start(store, key)
    return bool(start) and _named(start, key).rpartition("/")[2] != "0"


def settle(store: Store, key: str) -> None:
    """Destroy every key of an object but the one it is sealed under: those of bytes that were there before."""
    place = _place(store, key)
    for name in _keys_of(store, place):
        if name != _name(place):
            store.delete(name)


def remove(store: Store, key: str) -> None:
    """Destroy an object's keys, then take it away; nothing happens when it is gone."""
    if start := _start(store, key):
        for name in _keys_of(store, _named(start, key)):
            store.delete(name)
        store.delete(key)


def due(store: Store, first_kept: date) -> list[str]:
    """Names of the keys of everything that landed before a day."""
    names = store.list(FOLDER)
    return [name for name in names if name.removeprefix(f"{FOLDER}/").partition("/")[0] < first_kept.isoformat()]


def let_go(store: Store, names: Iterable[str]) -> None:
    """Destroy keys, and empty the objects that were sealed under them; done twice it changes nothing.

    Of an object its first line stays, to say that it was there and on which day it landed.
    """
    names = list(names)
    objects = {_object(key): key for key in store.list(LANDING)} if names else {}
    for name in names:
        place = name.removeprefix(f"{FOLDER}/").removesuffix(".sealed")
        key = objects.get(place.split("/")[1])
        if key is not None and (start := _start(store, key)) and _named(start, key) == place:
            store.put(key, _head(place))
        store.delete(name)


@contextmanager
def _sealed(
    store: Store,
    key: str,
    source: BinaryIO,
    sha256: str,
    *,
    day: date,
    scratch: Path,
    settles: bool,
    copy: Path | None = None,
) -> Iterator[tuple[Path, str]]:
    """Bytes as their object will be, most of them on the disk where it `settles`; and the digest of its plain bytes."""
    place = f"{day}/{_object(key)}/0"
    material = _key_for(store, place, sha256)
    with _staged(scratch) as staged:
        yield staged, _seal(source, staged, material, _head(place), key, settles=settles, copy=copy)


@contextmanager
def _staged(scratch: Path) -> Iterator[Path]:
    scratch.mkdir(parents=True, exist_ok=True)
    with staging.new_file(scratch, ".landing-") as staged:
        yield staged


def _seal(
    source: BinaryIO,
    target: Path,
    material: bytes,
    head: bytes,
    key: str,
    *,
    settles: bool = False,
    copy: Path | None = None,
) -> str:
    cipher, about = AESGCM(material), head + key.encode()
    written = list[Future[None]]()
    with target.open("wb") as sealed, ThreadPoolExecutor(1) as beside, _Taken(copy) as taken:
        sealed.write(head)
        for number, (nonce, piece) in enumerate(_pieces(source, PIECE), 1):
            taken.update(piece)
            sealed.write(cipher.encrypt(nonce, piece, about))
            if settles and number % _STRETCH == 0:
                written.append(beside.submit(os.fdatasync, sealed.fileno()))
        for stretch in written:
            stretch.result()  # a disk tells a fault once only
        return taken.hexdigest()


def _unseal(sealed: BinaryIO, target: Path, material: bytes, head: bytes, key: str) -> None:
    """Open every piece. Only bytes of the digest in a key's record were ever kept under it: no need to take it anew."""
    cipher, about = AESGCM(material), head + key.encode()
    try:
        with target.open("wb") as plain:
            for nonce, piece in _pieces(sealed, PIECE + _TAG):
                plain.write(cipher.decrypt(nonce, piece, about))
    except InvalidTag:
        raise _changed(key) from None


class _Taken:
    """SHA-256 of pieces, and a copy of them where one is wanted; each is taken in while its writer goes on with it."""

    def __init__(self, copy: Path | None) -> None:
        self._digest, self._beside = hashlib.sha256(), ThreadPoolExecutor(1)
        # Not emptied anew: ext4 would write such a file to the disk as soon as it is closed, and it is soon gone.
        self._copy = copy.open("r+b") if copy else None
        self._last: Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._beside.shutdown()
        if self._copy:
            self._copy.close()

    def update(self, piece: bytes) -> None:
        """Take in a piece; a short one is not worth a thread."""
        self._settle()
        if len(piece) < PIECE:
            self._take(piece)
        else:
            self._last = self._beside.submit(self._take, piece)

    def hexdigest(self) -> str:
        """Of all pieces so far."""
        self._settle()
        return self._digest.hexdigest()

    def _take(self, piece: bytes) -> None:
        self._digest.update(piece)
        if self._copy:
            self._copy.write(piece)

    def _settle(self) -> None:
        if self._last is not None:
            self._last.result()
            self._last = None


def _pieces(file: BinaryIO, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Pieces with the nonce of each; no bytes at all are one empty piece."""
    number, piece = 0, file.read(size)
    while True:
        following = file.read(size)
        yield number.to_bytes(11) + bytes([not following]), piece
        if not following:
            return
        number, piece = number + 1, following


def _key_for(store: Store, place: str, sha256: str) -> bytes:
    """The key of an object that is about to land; the one of before when its writer was killed."""
    name, material = _name(place), os.urandom(_KEY)
    if store.create(name, _wrapped(material, sha256, name)):
        return material
    return _unwrapped(store.read(name), name)[0]


def _wrapped(material: bytes, sha256: str, name: str) -> bytes:
    return seal(secret(VAULT_KEY), material + bytes.fromhex(sha256), name.encode())


def _unwrapped(data: bytes, name: str) -> tuple[bytes, str]:
    plain = unseal(secret(VAULT_KEY), data, name.encode())
    return plain[:_KEY], plain[_KEY:].hex()


def _start(store: Store, key: str) -> bytes:
    """An object's first bytes; none when there is no object."""
    try:
        return store.read_start(key, _LINE)
    except ContractError:
        return b""


def _place(store: Store, key: str) -> str:
    """Which key an object names. Raises ContractError when there is no object."""
    return _named(store.read_start(key, _LINE), key)


def _keys_of(store: Store, place: str) -> list[str]:
    """The key of an object, and those that a killed rewriting left beside it."""
    return store.list(f"{FOLDER}/{place.rpartition('/')[0]}")


def _named(start: bytes, key: str) -> str:
    found = _HEAD.match(start)
    if found is None:
        raise ContractError(
            f"A landed object must begin with its form and its key; one of {_feed(key)} does not. "
            "Deliver the file again into a new store, or restore the object."
        )
    return found[1].decode()


def _head(place: str) -> bytes:
    return f"candor-landed-1 {place}\n".encode()


def _name(place: str) -> str:
    return f"{FOLDER}/{place}.sealed"


def _object(key: str) -> str:
    return sha256_bytes(key.encode())[:32]


def _feed(key: str) -> str:
    """All that an error may say of a landing key: a file's name may hold a person's number."""
    return key.split("/")[1]


def _changed(key: str) -> ContractError:
    return ContractError(
        f"A landed object must be what was sealed; one of {_feed(key)} is not: it was cut, changed or moved. "
        "Restore it, or deliver the file again."
    )
