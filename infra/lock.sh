#!/bin/sh
# Resolve the dependencies of pyproject.toml again and write uv.lock.
#
# The lock names versions and sha256 sums, not the place they came from: every index address is replaced by a reserved
# name that resolves nowhere. Installing takes the sums from the lock and the files from whichever index your pip or uv
# is set up for (`infra/setup/venv.py`), so a company's mirror works without touching a file.
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:.venv/tools/bin uv lock "$@"
sed -i -E 's#(registry = ")https?://[^"]+#\1https://index.invalid/simple#; s#(url = ")https?://[^/"]+/#\1https://files.invalid/#g' uv.lock
