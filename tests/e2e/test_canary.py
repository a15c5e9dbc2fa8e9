"""A person's values stay where they belong: everything that the whole road wrote is searched for them."""

import re
from html import unescape
from urllib.parse import urljoin
from urllib.request import ProxyHandler, Request, build_opener

import pytest

from infra.run import airflow
from pipelines.base.catalog import FAMILIES

from .canary import PATTERNS, PERSONAL, findings

pytestmark = pytest.mark.airflow

SYSTEM_IDS = ("worker id", "candidate id")
"""What the files for ATS and LMS name people by: their own numbers."""


@pytest.mark.parametrize(("family", "name"), [("screening", "candidate id"), ("performance", "worker id")])
def test_the_canary_went_the_whole_road(world, family, name):
    files = (world.company.var / "scores" / "exports" / family).glob("*.csv")
    assert any(PATTERNS[name].search(file.read_bytes()) for file in files)


def test_its_values_stand_in_clear_only_where_they_must(world):
    allowed = {"exports/": tuple(PERSONAL), "scores/exports/": SYSTEM_IDS}
    assert findings(world.company.var, allowed) == {}


def test_no_page_of_the_portal_shows_them(world):
    shown = portal(world)
    assert len(shown) > len(FAMILIES)
    for address, page in shown.items():
        assert not [name for name, pattern in PATTERNS.items() if pattern.search(page)], address


def portal(world):
    """Address -> bytes of every page, report and table that a reviewer can click to."""
    account = {"username": "compliance_first", "password": world.passwords["compliance_first"]}
    token = world.api().call("POST", "/auth/token", account)["access_token"]
    top = f"{airflow.url(world.company)}/candor-audit/"
    pages, due = {}, [top]
    while due:
        address = due.pop()
        request = Request(address, headers={"Authorization": f"Bearer {token}"})  # noqa: S310  # our own Airflow
        with build_opener(ProxyHandler({})).open(request, timeout=60) as answer:
            pages[address] = answer.read()
        links = re.findall(rb"""(?:href|src)=["']([^"'#]+)""", pages[address])
        found = {urljoin(address, unescape(link.decode())) for link in links}
        due += [link for link in found if link.startswith(top) and link not in pages and link not in due]
    return pages
