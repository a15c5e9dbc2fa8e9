"""A real S3 server on this machine: one Ceph monitor, one OSD and one RADOS gateway, all on 127.0.0.1.

    python -m infra.setup.radosgw start FOLDER [--bucket NAME]    start, and print what to put into the environment
    python -m infra.setup.radosgw stop FOLDER                     end exactly the processes that `start` began

Debian's packages are installed when they are missing and this runs as root. The cluster lives in FOLDER and keeps its
data there over a stop; keys are random. Real S3 semantics (signatures, conditional writes, policies, Object Lock),
not production durability: one copy of everything, no authentication inside the cluster.
"""

import argparse
import base64
import contextlib
import json
import os
import secrets
import shlex
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from infra.run import processes
from infra.setup import packages
from infra.setup.company import Refused

PACKAGES: Final = ("ceph-mon", "ceph-osd", "radosgw", "ceph-common")
PROGRAMS: Final = ("ceph-mon", "ceph-osd", "radosgw", "ceph", "radosgw-admin")
DAEMONS: Final = ("radosgw", "ceph-osd", "ceph-mon")
PATIENCE_SECONDS: Final = 120
KMS_KEY: Final = "candor"
"""A key of the server's own, for objects that it is to encrypt (`aws:kms`)."""

_CONFIGURATION: Final = """[global]
fsid = {fsid}
mon initial members = a
mon host = [v2:127.0.0.1:{mon_v2},v1:127.0.0.1:{mon_v1}]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind ipv6 = false
auth cluster required = none
auth service required = none
auth client required = none
ms mon client mode = crc
auth allow insecure global id reclaim = true
mon allow pool size one = true
mon max pg per osd = 1000
mon data avail crit = 1
mon data avail warn = 2
mon osd full ratio = .97
mon osd backfillfull ratio = .96
mon osd nearfull ratio = .95
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 2
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
osd objectstore = bluestore
osd memory target = 939524096
bluestore block size = 8589934592
run dir = {folder}/run
admin socket =
log file = {folder}/log/$name.log
mon data = {folder}/mon
osd data = {folder}/osd
rgw data = {folder}/rgw
rgw crypt require ssl = false
rgw crypt s3 kms backend = testing
rgw crypt s3 kms encryption keys = {kms_key}={kms_secret}
"""


@dataclass(frozen=True, slots=True)
class Gateway:
    """A running server and the user it was made with."""

    folder: Path
    url: str
    access_key: str
    secret_key: str = field(repr=False)

    def environment(self) -> dict[str, str]:
        """What a client needs, under the names that every S3 client knows."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }


def install() -> None:
    """Install what is missing.

    Raises:
        Refused: Something is missing and cannot be installed here.
    """
    missing = _missing()
    if not missing:
        return
    command = ["apt-get", "install", "--yes", "-qq", "--no-install-recommends", *PACKAGES]
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise Refused(f"{', '.join(missing)} must be installed; they are not. As root: {shlex.join(command)}")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with packages.turn():
        for words in (["apt-get", "update", "-qq"], command) if _missing() else ():
            done = subprocess.run(words, env=quiet, capture_output=True, text=True, check=False)
            if done.returncode:
                last = (done.stderr.strip().splitlines() or ["no message"])[-1]
                raise Refused(f"`{shlex.join(words)}` must succeed; got: {last}")


def _missing() -> list[str]:
    return [program for program in PROGRAMS if not shutil.which(program)]


def start(folder: Path) -> Gateway:
    """Start the server of a folder, which is made when it is new.

    Raises:
        Refused: Packages are missing, or a part does not start; the message names its log.
    """
    install()
    stop(folder)
    gateway = known(folder) or _make(folder)
    port = gateway.url.rpartition(":")[2]
    _daemon(folder, "ceph-mon", "-i", "a")
    _until(lambda: _ceph(folder, "mon", "stat"), folder, "ceph-mon")
    if not (folder / "osd" / "ready").exists():
        _add_disk(folder)
    _daemon(folder, "ceph-osd", "-i", "0")
    # radosgw's defaults ask for cephx and a secure monitor connection; without them it hangs for 300 s
    plain = ("--ms_mon_client_mode=crc", "--auth_client_required=none", "--debug_rgw=0", "--rgw_enable_usage_log=false")
    # without tcp_nodelay every answer with a body waits 40 ms for the client's acknowledgement
    front = f"--rgw_frontends=beast endpoint=127.0.0.1:{port} tcp_nodelay=1"
    _daemon(folder, "radosgw", "-n", "client.admin", *plain, front, "--rgw_dns_name=localhost")
    _until(lambda: _answers(gateway.url), folder, "radosgw")
    user = ("--uid=candor", "--display-name=Candor")
    keys = (f"--access-key={gateway.access_key}", f"--secret={gateway.secret_key}")
    if not (_admin(folder, "user", "info", user[0]) or _admin(folder, "user", "create", *user, *keys)):
        raise Refused(f"radosgw must take its user; it did not. Read {folder / 'setup.log'}")
    return gateway


def known(folder: Path) -> Gateway | None:
    """The server that was made in a folder, running or not; None when there is none."""
    file = folder / "gateway.json"
    if not file.is_file():
        return None
    found = json.loads(file.read_text())
    return Gateway(**{**found, "folder": folder})


def add_user(gateway: Gateway, name: str) -> Gateway:
    """Another user of the same server, who owns nothing."""
    made = Gateway(gateway.folder, gateway.url, secrets.token_hex(10), secrets.token_hex(20))
    keys = (f"--access-key={made.access_key}", f"--secret={made.secret_key}")
    if not _admin(gateway.folder, "user", "create", f"--uid={name}", f"--display-name={name}", *keys):
        raise Refused(f"radosgw must take the user {name}; it did not. Read {gateway.folder / 'radosgw.log'}")
    return made


def add_bucket(gateway: Gateway, name: str, *, is_locked: bool = True) -> None:
    """Make a bucket, with Object Lock unless told otherwise."""
    import boto3

    given = gateway.environment()
    client = boto3.client(
        "s3",
        endpoint_url=gateway.url,
        region_name=given["AWS_DEFAULT_REGION"],
        aws_access_key_id=gateway.access_key,
        aws_secret_access_key=gateway.secret_key,
    )
    client.create_bucket(Bucket=name, ObjectLockEnabledForBucket=is_locked)


def stop(folder: Path) -> int:
    """End the server of a folder; how many processes that were."""
    return processes.stop(list(DAEMONS), folder)


def _make(folder: Path) -> Gateway:
    """Configuration, keys and the monitor's first map in an empty folder."""
    for name in ("mon", "osd", "rgw", "run", "log"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    fsid = str(uuid.uuid4())
    mon_v2, mon_v1, http = _free_ports(3)
    given = {"folder": folder, "fsid": fsid, "mon_v2": mon_v2, "mon_v1": mon_v1, "kms_key": KMS_KEY}
    secret = base64.b64encode(secrets.token_bytes(32)).decode()
    _private(folder / "ceph.conf", _CONFIGURATION.format(**given, kms_secret=secret))
    address = f"[v2:127.0.0.1:{mon_v2},v1:127.0.0.1:{mon_v1}]"
    monmap, keyring = str(folder / "monmap"), str(folder / "keyring")
    for words in (
        ["ceph-authtool", "--create-keyring", keyring, "--gen-key", "-n", "mon.", "--cap", "mon", "allow *"],
        ["monmaptool", "--create", "--clobber", "--fsid", fsid, "--addv", "a", address, monmap],
        ["ceph-mon", "-c", str(folder / "ceph.conf"), "--mkfs", "-i", "a", "--monmap", monmap, "--keyring", keyring],
    ):
        if not _run(folder, words):
            raise Refused(f"`{words[0]}` must succeed; it did not. Read {folder / 'setup.log'}")
    gateway = Gateway(folder, f"http://127.0.0.1:{http}", secrets.token_hex(10), secrets.token_hex(20))
    _private(folder / "gateway.json", json.dumps(asdict(gateway) | {"folder": str(folder)}))
    return gateway


def _add_disk(folder: Path) -> None:
    """The one OSD: a sparse file."""
    disk = str(uuid.uuid4())
    _until(lambda: _ceph(folder, "osd", "new", disk), folder, "ceph-mon")
    words = ["ceph-osd", "-c", str(folder / "ceph.conf"), "-i", "0", "--mkfs", "--osd-uuid", disk]
    if not _run(folder, words):
        raise Refused(f"`ceph-osd --mkfs` must succeed; it did not. Read {folder / 'setup.log'}")


def _daemon(folder: Path, program: str, *words: str) -> None:
    command = [program, "-f", "-c", str(folder / "ceph.conf"), *words]
    processes.start(program, command, os.environ, folder)


def _ceph(folder: Path, *words: str) -> bool:
    return _run(folder, ["ceph", "-c", str(folder / "ceph.conf"), "--connect-timeout", "5", *words])


def _admin(folder: Path, *words: str) -> bool:
    return _run(folder, ["radosgw-admin", "-c", str(folder / "ceph.conf"), "-n", "client.admin", *words])


def _run(folder: Path, words: Sequence[str]) -> bool:
    """Run a program of Ceph's; whether it succeeded. Keys that it prints reach no log."""
    with (folder / "setup.log").open("ab") as log, contextlib.suppress(subprocess.TimeoutExpired):
        done = subprocess.run(words, stdout=subprocess.DEVNULL, stderr=log, timeout=PATIENCE_SECONDS, check=False)
        return done.returncode == 0
    return False


def _until(holds: Callable[[], bool], folder: Path, program: str) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        started = processes.recorded(program, folder)
        if time.monotonic() > until or started is None or not processes.is_alive(started):
            raise Refused(f"{program} must start within {PATIENCE_SECONDS} s; it did not. Read {folder}/{program}.log")
        time.sleep(0.2)


def _answers(url: str) -> bool:
    try:
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=5).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def _free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now, all different."""
    with contextlib.ExitStack() as open_sockets:
        probes = [open_sockets.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def _private(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)


def main(words: list[str] | None = None) -> int:
    """Command line; the docstring of this module is its help."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["start", "stop"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--bucket", default="", help="make this bucket, and <bucket>-locked with Object Lock")
    asked = parser.parse_args(words)
    folder = asked.folder.resolve()
    try:
        if asked.command == "stop":
            print(f"{stop(folder)} processes ended.")
            return 0
        gateway = start(folder)
        if asked.bucket:
            add_bucket(gateway, asked.bucket, is_locked=False)
            add_bucket(gateway, f"{asked.bucket}-locked")
    except Refused as refused:
        print(f"error: {refused}", file=sys.stderr)
        return 1
    for name, value in gateway.environment().items():
        print(f"export {name}={shlex.quote(value)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
