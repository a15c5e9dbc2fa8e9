"""A real browser, as the tests of pages open it."""

import shutil
from contextlib import contextmanager

CHROMIUM = shutil.which("chromium")
MISSING = "Chromium is not installed; run `sh infra/setup/chromium.sh` as root"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            yield opened
        finally:
            opened.close()
