"""A reviewer signs in to the real Airflow, clicks Audit and reads the page of a model, in a real browser."""

import re
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import pytest

from infra.run import airflow
from pipelines.base.catalog import FAMILIES
from tests.browser import CHROMIUM, MISSING, browser

pytestmark = [
    pytest.mark.airflow,
    pytest.mark.skipif(CHROMIUM is None, reason=MISSING),
]


def sign_in(page, url, name, password):
    page.goto(url)
    page.locator("input[name=username]").fill(name)
    page.locator("input[name=password]").fill(password)
    page.locator("button[type=submit], button:has-text('Sign in')").first.click()
    page.wait_for_url(re.compile(r"^(?!.*/auth/login)"))


def audit_frame(page):
    """The page behind *Audit*, inside Airflow's frame."""
    page.get_by_role("link", name="Audit").or_(page.get_by_role("button", name="Audit")).first.click()
    return page.frame_locator("iframe").first


def read_by_reviewer(url, password, picture):
    """What a reviewer sees: screening (a screenshot goes to `picture`), its bias report, performance's drift report."""
    faults = []
    with browser() as opened:
        page = opened.new_page(viewport={"width": 1400, "height": 1000})
        page.on("pageerror", lambda error: faults.append(str(error)))
        sign_in(page, url, "compliance_first", password)
        frame = audit_frame(page)
        frame.get_by_role("heading", name="Overview").wait_for()
        overview = frame.locator("main").inner_text()
        frame.get_by_role("link", name="Screening").first.click()
        frame.get_by_role("heading", name="Screening", exact=True).wait_for()
        model = frame.locator("main").inner_text()
        page.screenshot(path=str(picture))
        frame.get_by_role("link", name="Bias, Evidently report").click()
        report = frame.frame_locator("iframe.report").get_by_text("Subjects judged ADVERSE").first
        report.wait_for()
        bias = frame.frame_locator("iframe.report").locator("body").inner_text()
        frame.get_by_role("link", name="Performance").first.click()
        frame.get_by_role("heading", name="Performance", exact=True).wait_for()
        frame.get_by_role("link", name="Drift, Evidently report").click()
        report = frame.frame_locator("iframe.report")
        report.get_by_text("overtime_hours").first.wait_for()
        drift = report.locator("body").inner_text()
    assert faults == []
    return overview, model, bias, drift


def test_everybody_can_read_the_pages(world):
    """axe-core finds nothing on any page; screen readers, keyboards and print have what they need."""
    from axe_playwright_python.sync_playwright import Axe

    url = f"{airflow.url(world.company)}/candor-audit"
    found = {}
    with browser() as opened:
        page = opened.new_page(viewport={"width": 1400, "height": 1000}, bypass_csp=True)  # axe is put into the page
        sign_in(page, airflow.url(world.company), "compliance_first", world.passwords["compliance_first"])
        names = ["", *(f"models/{family}" for family in FAMILIES), "records"]
        page.goto(f"{url}/models/screening")
        links = page.locator("main a").evaluate_all("links => links.map(link => link.href)")
        summary = next(link for link in links if link.endswith("/index.html"))
        for address in [
            *(f"{url}/{name}" for name in names),
            summary,
            summary.replace("/reports/", "/raw/"),
            f"{url}/no",
        ]:
            page.goto(address)
            assert page.locator("main").count() == 1, address
            violations = Axe().run(page, options={"iframes": False}).response["violations"]
            found[address] = [(v["id"], v["nodes"][0]["html"]) for v in violations]
    assert not any(found.values()), {address: what for address, what in found.items() if what}


def status_of(url, **headers):
    """Status without a session; redirects are not followed."""
    request = Request(f"{url}/candor-audit/", headers=headers)  # noqa: S310  # our own Airflow
    try:
        with build_opener(ProxyHandler({})).open(request, timeout=30) as answer:
            return answer.status, answer.url
    except HTTPError as error:
        error.close()
        return error.code, ""


def test_a_reviewer_finds_the_planted_requisition_with_a_few_clicks(world, tmp_path):
    picture = tmp_path / "audit.png"
    overview, model, bias, drift = read_by_reviewer(
        airflow.url(world.company), world.passwords["compliance_first"], picture
    )
    assert picture.stat().st_size > 10_000
    assert "compliance_first, compliance_second" in re.sub(r"\s+", " ", overview)
    assert re.search(r"Model sha256\s+[0-9a-f]{64}", model)
    requisition = next(iter(re.findall(r"R-\d{4}", " ".join(world.summary["truths"]))))
    for text in (overview, model, bias):
        assert re.search(rf"{requisition}, human decisions at screen, sex: .*ADVERSE", text)
    assert re.search(r"overtime_hours\b", drift)
    assert not re.search("ADVERSE", drift)


def test_anonymous_people_and_other_accounts_do_not_get_in(world):
    url = airflow.url(world.company)
    assert status_of(url, Accept="application/json")[0] == 401
    status, address = status_of(url, Accept="text/html")
    assert status == 200
    assert "/auth/login" in address
    with browser() as opened:
        page = opened.new_page()
        sign_in(page, url, "admin", world.passwords["admin"])
        frame = audit_frame(page)
        frame.get_by_text("The Audit page is for those who have a role on it").wait_for()
