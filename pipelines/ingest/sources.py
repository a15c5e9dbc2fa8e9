"""The words of a feed about where its files come from, when that is not a folder of this machine.

Secrets are never among them: a feed names the variable that holds one.
"""

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from pipelines.base.errors import SettingsError
from pipelines.base.settings import Count, environment
from pipelines.ingest.rules import Declared, Name

HostKey = Annotated[
    str, Field(pattern=r"^(ssh-ed25519|ecdsa-sha2-nistp(256|384|521)|ssh-rsa) SHA256:[A-Za-z0-9+/]{43}$")
]
_BEGINS: Final = "-----BEGIN "
_S3: Final = "s3://"
_PREFIX: Final = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(/[^?#]*)?")


@dataclass(frozen=True, slots=True)
class Bucket:
    """A prefix of an S3 bucket. Its objects are listed and read; none is ever written or removed."""

    name: str
    prefix: str
    """With its last `/`; empty for the whole bucket."""


def bucket(location: str) -> Bucket | None:
    """The prefix that a location names; None when it names a folder.

    Raises:
        ValueError: It begins like one and is none. It is not shown: somebody may have written a key into it.
    """
    if not location.startswith(_S3):
        return None
    found = _PREFIX.fullmatch(location)
    if found is None:
        raise ValueError("must be s3://bucket/prefix and nothing else; accounts stand in the environment")
    prefix = (found[2] or "").strip("/")
    return Bucket(found[1], f"{prefix}/" if prefix else "")


class Sftp(Declared):
    """A folder on an SFTP server. Its files are listed and read; none is ever written, renamed or removed."""

    host: Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9.:-]*[A-Za-z0-9])?$")]
    port: Annotated[int, Field(ge=1, le=65535)] = 22
    user: Name
    host_keys: Annotated[tuple[HostKey, ...], Field(min_length=1)]
    """Type and fingerprint of the server's key, such as `ssh-ed25519 SHA256:…`, as its owner tells it and
    `ssh-keygen -lf` prints it; two while it is being replaced. A server with any other key is not spoken to."""
    private_key: Annotated[str, Field(pattern=r"^CANDOR_SFTP_[A-Z0-9_]+$")]
    """The variable of the environment that holds our key without a passphrase, in OpenSSH's form; or the path of a file
    with it that only its owner may read."""
    patience_seconds: Count = 60
    """How long an answer may take."""


class Pgp(Declared):
    """How files are encrypted and signed. Landing keeps them as they were delivered; readers get what is in them."""

    private_keys: Annotated[str, Field(pattern=r"^CANDOR_PGP_[A-Z0-9_]+$")]
    """The variable of the environment that holds our private keys, armoured, several one after the other while they are
    being replaced; or the path of a file with them that only its owner may read. A variable of the same name with
    _PASSPHRASE at its end opens them, if they need one."""
    signers: tuple[Annotated[str, Field(pattern=r"^[0-9A-F]{40}$")], ...] = ()
    """Full fingerprints of the primary keys that may sign. A file that somebody else signed, or nobody, is held."""
    public_keys: Name | None = None
    """A file beside the feeds with the signers' public keys, armoured."""
    unsafe_unsigned: bool = False
    """Take files in whoever wrote them: anybody has the key that they are encrypted to."""

    @model_validator(mode="after")
    def _says_who_signs(self) -> Self:
        if bool(self.signers) == self.unsafe_unsigned:
            raise ValueError("must have either signers, or unsafe_unsigned: true")
        if bool(self.signers) != (self.public_keys is not None):
            raise ValueError("must have public_keys when it has signers, and only then")
        return self


def private_text(name: str, what: str) -> str:
    """A private key from the environment, or from the file that the environment names.

    Args:
        name: The variable.
        what: What it holds, for the message.

    Raises:
        SettingsError: It is not set, or the file is missing or open to others. The value is never shown.
    """
    given = environment(name, what)
    if _BEGINS in given:
        return given
    try:
        with Path(given).open(encoding="ascii") as file:
            is_open = bool(os.fstat(file.fileno()).st_mode & (stat.S_IRWXG | stat.S_IRWXO))
            text = file.read(1 << 20)
    except (OSError, ValueError):
        raise SettingsError(f"{name} must hold {what}, or name a file with it; it does neither. Set it anew.") from None
    if is_open:
        raise SettingsError(f"The file that {name} names must be readable by its owner only; it is not. chmod 600 it.")
    return text
