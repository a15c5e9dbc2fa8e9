"""The git remote that retrains clone: a bare repository, seeded from the checkout's HEAD.

The checkout itself is only read. What is not committed is not part of a retrain, and the caller is told.
"""

import subprocess
from pathlib import Path

from infra.setup.company import ROOT, Company, Refused


def git(*words: str, cwd: Path = ROOT) -> str:
    """Run git and return what it printed.

    Raises:
        Refused: Git failed.
    """
    done = subprocess.run(["git", *words], cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        fault = done.stderr.strip().splitlines() or ["no message"]
        raise Refused(f"git {words[0]} must succeed in {cwd}; got: {fault[-1]}")
    return done.stdout.strip()


def head() -> str:
    """The commit a retrain would run."""
    return git("rev-parse", "HEAD")


def uncommitted() -> int:
    """How many files of the checkout differ from HEAD."""
    return len(git("status", "--porcelain").splitlines())


def seed(company: Company) -> str:
    """Make the bare repository if need be and move its `main` to the checkout's HEAD; that commit."""
    if not company.git.exists():
        company.git.mkdir(parents=True)
        git("init", "--quiet", "--bare", "--initial-branch=main", str(company.git))
        git("config", "receive.shallowUpdate", "true", cwd=company.git)
    git("push", "--quiet", "--force", str(company.git), "HEAD:refs/heads/main")
    return head()
