"""Connect to an SSH server whose key is pinned, and say what went wrong. No text of the server's stands in an error."""

from typing import Final

import asyncssh

from pipelines.base.errors import CandorError, SettingsError, SourceUnavailable
from pipelines.ingest.sources import Sftp, private_text

_ALIVE_SECONDS: Final = 15
_TYPES: Final = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa")
_RSA: Final = ("rsa-sha2-512", "rsa-sha2-256")
"""How a server may sign with an RSA key; not with SHA-1."""


class Pinned(asyncssh.SSHClient):
    """Believes a server with a key that is pinned, and remembers what it showed."""

    def __init__(self, pins: tuple[str, ...]) -> None:
        self._pins = pins
        self.shown = "none"

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:  # noqa: ARG002
        """Whether the key is one of ours."""
        self.shown = f"{key.get_algorithm()} {key.get_fingerprint()}"
        return self.shown in self._pins


async def connect(wanted: Sftp, met: Pinned) -> asyncssh.SSHClientConnection:
    """A connection to the server that was pinned, as the user that the feed names, by key and in no other way."""
    return await asyncssh.connect(
        wanted.host,
        wanted.port,
        username=wanted.user,
        client_keys=[_key(wanted.private_key)],
        client_factory=lambda: met,
        known_hosts=([], [], []),  # none: `Pinned` is asked instead
        server_host_key_algs=_algorithms(wanted.host_keys),
        config=None,
        agent_path=None,
        preferred_auth="publickey",
        connect_timeout=wanted.patience_seconds,
        login_timeout=wanted.patience_seconds,
        keepalive_interval=_ALIVE_SECONDS,
    )


def told(error: Exception, name: str, wanted: Sftp, met: Pinned) -> CandorError:
    """What went wrong between us and the server of a feed, as the error of whoever must act."""
    if isinstance(error, asyncssh.HostKeyNotVerifiable):
        return SettingsError(
            f"The server of {name} must show a key that sftp.host_keys names; it shows {met.shown}. "
            "Ask its owner whether the key was replaced: if so correct the feed, if not somebody stands between."
        )
    if isinstance(error, asyncssh.KeyExchangeFailed):
        return SettingsError(
            f"The server of {name} must speak keys and ciphers that still count as safe; it does not. "
            "Ask its owner to bring it up to date."
        )
    if isinstance(error, asyncssh.PermissionDenied):
        return SettingsError(
            f"The server of {name} must let sftp.user in with the key in {wanted.private_key}; it does not. "
            "Send its owner the public key, or correct the user."
        )
    return SourceUnavailable(f"The server of {name} must answer; it did not ({type(error).__name__}). Run again.")


def _key(name: str) -> asyncssh.SSHKey:
    try:
        return asyncssh.import_private_key(private_text(name, "the private key for an SFTP server"))
    except asyncssh.KeyImportError:
        raise SettingsError(
            f"{name} must hold a private key in OpenSSH's form without a passphrase; it does not. Set it anew."
        ) from None


def _algorithms(pins: tuple[str, ...]) -> list[str]:
    """How the server may prove its key: by the types that are pinned; by others only to be told apart."""
    types = dict.fromkeys([*(pin.partition(" ")[0] for pin in pins), *_TYPES])
    return [name for kind in types for name in (_RSA if kind == "ssh-rsa" else (kind,))]
