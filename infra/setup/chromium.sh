#!/bin/sh
# Install Debian's Chromium for the test of the Audit page. Does nothing where it is installed.
set -eu

if command -v chromium >/dev/null 2>&1; then
    exit 0
fi
if [ "$(id -u)" -eq 0 ]; then
    run=""
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    run="sudo -n"
else
    echo "Chromium must be installed for the test of the Audit page; it is not, and installing needs root." >&2
    echo "Run: sudo apt-get update && sudo apt-get install --yes --no-install-recommends chromium fonts-dejavu-core" >&2
    exit 1
fi
if ! command -v apt-get >/dev/null 2>&1; then
    echo "Chromium must be installed for the test of the Audit page; this system has no apt-get. Install it yourself." >&2
    exit 1
fi
export DEBIAN_FRONTEND=noninteractive
$run apt-get update -qq
$run apt-get install --yes -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null
