"""Sets up one company on one machine: folders, keys, accounts, git and DVC remotes. Standard library only.

Every command of `make` comes through here first, so an old Python is told before it reads what it cannot.
"""

import sys

PYTHON_WANTED = f"Candor needs Python 3.11 or 3.12; this is {sys.version.split()[0]}. Set PYTHON=... for make."

if sys.version_info < (3, 11):  # noqa: UP036  ruff believes pyproject.toml, a stranger's python3 does not
    sys.exit(f"error: {PYTHON_WANTED}")
