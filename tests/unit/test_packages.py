"""Set-ups that fetch Debian's packages, all at once, as the processes of `make test` do on a new machine."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
APT = """
import os, sys, time
from pathlib import Path
folder = Path(__file__).parent
with (folder / "asked").open("a") as log:
    log.write(f"{sys.argv[1]}\\n")
try:
    lock = os.open(folder / "lock", os.O_CREAT | os.O_EXCL)
except FileExistsError:
    sys.exit(100)  # as apt: it does not wait
time.sleep(0.3)
if sys.argv[1] == "download":
    fresh = (folder / "fresh").exists()
    Path("openssh.deb").touch()
    os.unlink(folder / "lock")
    sys.exit(0 if fresh else 100)
if sys.argv[1] == "update":
    (folder / "fresh").touch()
if sys.argv[1] == "install":
    for name in ("ceph-mon", "ceph-osd", "radosgw", "ceph", "radosgw-admin"):
        (folder / name).touch(0o755)
os.unlink(folder / "lock")
"""
"""Fails beside another of its kind, and downloads nothing before the lists of packages are new."""
DPKG = """
import sys
from pathlib import Path
(Path(sys.argv[3]) / "usr/sbin").mkdir(parents=True)
(Path(sys.argv[3]) / "usr/sbin/sshd").touch(0o755)
"""
SET_UP = """
import os, sys
from pathlib import Path
from infra.setup import packages, radosgw, sshd
folder = Path(sys.argv[2])
os.environ["PATH"], os.geteuid = str(folder / "bin"), lambda: 0
packages.DPKG, sshd.UNPACKED = folder, folder / "var" / "openssh"
{"sshd": sshd._unpacked, "radosgw": radosgw.install}[sys.argv[1]]()
"""


@pytest.mark.parametrize("kinds", [("sshd", "sshd", "radosgw"), ("radosgw", "sshd", "radosgw")])
def test_set_ups_that_begin_together_fetch_one_after_the_other_and_each_thing_once(tmp_path: Path, kinds) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, code in (("apt-get", APT), ("dpkg-deb", DPKG)):
        script = programs / f"{name}.py"
        script.write_text(code)
        (programs / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" -IS "{script}" "$@"\n')
        (programs / name).chmod(0o755)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-c", SET_UP]
    started = [subprocess.Popen([*words, kind, tmp_path], env=environment, stderr=subprocess.PIPE) for kind in kinds]
    said = [process.communicate(timeout=60)[1].decode() for process in started]
    assert [process.returncode for process in started] == [0, 0, 0], said
    assert (tmp_path / "var/openssh/usr/sbin/sshd").is_file()
    assert [path.name for path in (tmp_path / "var").iterdir()] == ["openssh"]
    asked = (programs / "asked").read_text().split()
    assert (asked.count("install"), asked.count("download") <= 2) == (1, True), asked
