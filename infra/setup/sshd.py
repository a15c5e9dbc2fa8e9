"""A real SFTP server on this machine: OpenSSH's sshd on 127.0.0.1, with keys of its own, until it is interrupted.

    python -m infra.setup.sshd FOLDER    serve FOLDER; prints a feed's words and the key to put into the environment

Needs no root and installs nothing: where there is no sshd, Debian's packages are unpacked below `var/`. sshd runs as an
ordinary user and lets in only that one, by key, to read and not to write. Started by root it runs as `daemon`, who must
be able to read FOLDER; whoever holds the key reads whatever that user can, not only FOLDER.
"""

import argparse
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from infra.setup import packages
from infra.setup.company import ROOT, Refused

PACKAGES: Final = ("openssh-server", "libwrap0")
UNPACKED: Final = ROOT / "var" / "openssh"
USER: Final = "daemon"
"""As whom root starts it; `nobody` counts as locked where systemd answers for accounts."""
PATIENCE_SECONDS: Final = 20
_CONFIGURATION: Final = """ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host
AuthorizedKeysFile {folder}/client.pub
Subsystem sftp internal-sftp
ForceCommand internal-sftp -R
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
MaxStartups 100
"""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    port: int
    user: str
    host_key: str
    """Type and fingerprint."""
    private_key: str
    """Of the one who is let in."""
    process: "subprocess.Popen[bytes]"


def found() -> Path:
    """The sshd program, unpacked where none is installed.

    Raises:
        Refused: There is none and no package of it either.
    """
    installed = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    return Path(installed) if installed else _unpacked() / "usr" / "sbin" / "sshd"


def _unpacked() -> Path:
    if UNPACKED.is_dir():  # whole: it got its name last
        return UNPACKED
    UNPACKED.parent.mkdir(exist_ok=True)
    with packages.turn(), tempfile.TemporaryDirectory(dir=UNPACKED.parent) as scratch:
        if not UNPACKED.is_dir():
            try:
                _fetch(Path(scratch))
            except (OSError, subprocess.SubprocessError):
                words = f"apt-get install {PACKAGES[0]}"
                raise Refused(f"sshd must be installed, or apt-get able to fetch it; it is not. {words}") from None
            (Path(scratch) / "root").replace(UNPACKED)
    return UNPACKED


def _fetch(scratch: Path) -> None:
    """Debian's packages, unpacked as `root`; the list of packages is brought up to date where it is too old."""

    def run(*words: str | Path) -> None:
        subprocess.run(words, cwd=scratch, capture_output=True, check=True)

    try:
        run("apt-get", "download", *PACKAGES)
    except subprocess.CalledProcessError:
        run("apt-get", "update", "-qq")
        run("apt-get", "download", *PACKAGES)
    for package in scratch.glob("*.deb"):
        run("dpkg-deb", "--extract", package, scratch / "root")


@contextmanager
def serving() -> Iterator[Server]:
    """A server until the end of the block.

    Raises:
        Refused: It cannot be had, or does not start.
    """
    program, is_root = found(), os.geteuid() == 0
    user = pwd.getpwnam(USER) if is_root else pwd.getpwuid(os.getuid())
    with tempfile.TemporaryDirectory(prefix="candor-sshd-") as scratch:
        folder, port = Path(scratch), _free_port()
        for file in (program, *(UNPACKED.glob("usr/lib/*/libwrap.so.0") if UNPACKED in program.parents else ())):
            shutil.copy(file, folder)
        host_key, private_key = _keys(folder)
        (folder / "sshd_config").write_text(_CONFIGURATION.format(port=port, folder=folder))
        for path in (folder, *folder.iterdir()) if is_root else ():
            os.chown(path, user.pw_uid, user.pw_gid)
        with (
            (folder / "log").open("wb") as log,
            subprocess.Popen(
                [folder / program.name, "-D", "-e", "-f", folder / "sshd_config"],
                env={"LD_LIBRARY_PATH": scratch},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=user.pw_uid if is_root else None,
                group=user.pw_gid if is_root else None,
                extra_groups=() if is_root else None,
            ) as process,
        ):
            try:
                _until_it_answers(port, process, folder / "log")
                yield Server(port, user.pw_name, host_key, private_key, process)
            finally:
                process.terminate()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _keys(folder: Path) -> tuple[str, str]:
    """Keys of the server and of its one user: what a feed pins, and what the user proves with."""
    import asyncssh

    host, client = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    host.write_private_key(folder / "host")
    client.write_public_key(folder / "client.pub")
    (folder / "host").chmod(0o600)
    return f"{host.get_algorithm()} {host.get_fingerprint()}", client.export_private_key().decode()


def _until_it_answers(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while process.poll() is None and time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    last = (log.read_text(errors="replace").strip().splitlines() or ["nothing"])[-1]
    raise Refused(f"sshd must answer within {PATIENCE_SECONDS} s; it did not. It says: {last}")


def main(words: list[str] | None = None) -> int:
    """Command line; the docstring of this module is its help."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args(words).folder.resolve()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # so that the server ends, too
    try:
        with serving() as server:
            print(f"location: {folder}")
            print(f"sftp: {{host: 127.0.0.1, port: {server.port}, user: {server.user},")
            print(f'  host_keys: ["{server.host_key}"], private_key: CANDOR_SFTP_LOCAL}}')
            print(f"export CANDOR_SFTP_LOCAL='{server.private_key}'", flush=True)
            server.process.wait()
    except Refused as refused:
        print(f"error: {refused}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
