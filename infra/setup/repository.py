"""The git remote that retrains clone: a bare repository, seeded from the checkout's HEAD.

The checkout itself is only read. What is not committed is not part of a retrain, and the caller is told.
"""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.setup.company import ROOT, Company, Refused


def git(*words: str, cwd: Path = ROOT) -> str:
    """Run git and return what it printed.

    Raises:
        Refused: Git failed.
    """
    with _trusting() as environment:
        command = ["git", *words]
        done = subprocess.run(command, env=environment, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        fault = done.stderr.strip().splitlines() or ["no message"]
        raise Refused(f"git {words[0]} must succeed in {cwd}; got: {fault[-1]}")
    return done.stdout.strip()


@contextmanager
def _trusting() -> Iterator[dict[str, str]]:
    """An environment in which git reads a checkout that somebody else owns: whoever runs its code trusts it already.

    A file, since git hands neither `-c` nor GIT_CONFIG_COUNT to the other side of a push.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".gitconfig") as file:
        if ROOT.stat().st_uid == os.getuid():
            yield dict(os.environ)
            return
        file.write(f'[safe]\n\tdirectory = "{ROOT}"\n\tdirectory = "{ROOT / ".git"}"\n')
        file.flush()
        yield {**os.environ, "GIT_CONFIG_GLOBAL": file.name}


def head() -> str:
    """The commit a retrain would run."""
    return git("rev-parse", "HEAD")


def uncommitted() -> int:
    """How many files of the checkout differ from HEAD."""
    return len(git("status", "--porcelain").splitlines())


def seed(company: Company) -> str:
    """Make the bare repository if need be and move its `main` to the checkout's HEAD; that commit."""
    if not (company.git / "config").exists() or not (company.git / "HEAD").exists():  # or killed while making it
        company.git.mkdir(parents=True, exist_ok=True)
        git("init", "--quiet", "--bare", "--initial-branch=main", str(company.git))
        git("config", "receive.shallowUpdate", "true", cwd=company.git)
    git("push", "--quiet", "--force", str(company.git), "HEAD:refs/heads/main")
    return head()
