"""The Audit page as a web application: who may see it, what it serves, what it shows of a real little company."""

import importlib.util
import io
import json
import re
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from monitoring.__main__ import main
from monitoring.documents.made import KINDS
from monitoring.ll144 import bundle, stored
from monitoring.ll144.facts import stated
from monitoring.portal import evidence
from monitoring.portal.roles import Role
from pipelines import audit
from pipelines.audit import ledger
from pipelines.base import releases
from pipelines.base.catalog import FAMILIES
from pipelines.base.digests import sha256_bytes
from pipelines.base.store import FileStore
from pipelines.publish.release import release
from pipelines.score.recheck import Reason
from tests.browser import CHROMIUM, MISSING, browser
from tests.stages import monitored_company as company
from tests.unit.test_documents_packet import packet
from tests.unit.test_fairness_statutory import SELECTING
from tests.unit.test_ll144 import SAID as AUDIT
from tests.unit.test_publish import APPROVERS, GAPS, SINCE, Answers, another, released

pytestmark = pytest.mark.filterwarnings("ignore")  # of Airflow's and Evidently's own imports

PLUGIN = Path(__file__).parents[2] / "monitoring" / "portal" / "plugin" / "candor_audit.py"
FORESEEN = """
documents:
  foreseen: [seed]
  metric_move: 0.05
  ratio_fall: 0.1
  shift: 0.2
"""
BROWSER = {"accept": "text/html"}


@pytest.fixture(scope="module")
def portal(tmp_path_factory):
    """The application, imported with an Airflow home that is thrown away."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_HOME", str(tmp_path_factory.mktemp("airflow")))
        from monitoring.portal import app

        yield app


@pytest.fixture
def manager(portal, monkeypatch):
    from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager

    class Manager(SimpleAuthManager):
        def __init__(self):
            pass

        def get_url_login(self, **kwargs):
            return f"/auth/login?next={kwargs['next_url']}"

    made = Manager()
    monkeypatch.setattr(portal, "get_auth_manager", lambda: made)
    return made


@pytest.fixture
def client(portal, manager, monkeypatch):
    """Answers as the user named in the header `user`; anonymous without it."""
    from airflow.api_fastapi.core_api.security import get_user
    from fastapi import HTTPException, Request
    from fastapi.testclient import TestClient

    def signed_in(request: Request):
        name = request.headers.get("user")
        if name is None:
            raise HTTPException(401, "Not authenticated")
        return SimpleNamespace(get_name=lambda: name, role="admin" if name == "admin" else "user")

    monkeypatch.setenv("CANDOR_COMPLIANCE_USERS", "compliance_first, compliance_second")
    portal.app.dependency_overrides[get_user] = signed_in
    yield TestClient(portal.app, follow_redirects=False)
    portal.app.dependency_overrides.clear()


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A monitored company, made once and never changed."""
    root = tmp_path_factory.mktemp("template")
    (root / "params.yaml").write_text(company.PARAMS)
    made = FileStore(root / "store")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CANDOR_STORE", made.url)
        patch.setenv("CANDOR_AUDIT_KEY", "33" * 32)
        patch.chdir(root)
        company.fill(made)
        for check in ("drift", "performance", "bias", "oversight", "report"):
            assert main([check, "screening"]) == 0
    return made.root


@pytest.fixture
def filled(store, template):
    """A copy of the monitored company, without any key in the environment."""
    shutil.copytree(template, store.root)
    return store


ADDRESSES = [
    "/",
    "/models/screening",
    "/laws",
    "/records",
    "/reports/screening/2026-10-31/bias.html",
    "/raw/screening/2026-10-31/bias.json",
    f"/audits/screening/{'0' * 64}/package.zip",
    "/bundles/screening/1/examiner.zip",
    "/documents/screening/1/card.html",
    f"/rollbacks/screening/{'0' * 64}",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_anonymous_people_see_nothing(client, store, address):
    assert client.get(address).status_code == 401
    sent = client.get(address, headers=BROWSER)
    assert sent.status_code == 303
    assert sent.headers["location"].startswith("/auth/login?next=")


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("name", ["ml_engineer", "admin", "compliance", "", "compliance_first,"])
def test_people_without_the_role_are_refused(client, store, address, name):
    answer = client.get(address, headers={"user": name})
    assert answer.status_code == 403
    assert "have a role on it" in client.get(address, headers={"user": name, **BROWSER}).text


def test_nobody_is_allowed_when_no_one_is_named(client, store, monkeypatch):
    monkeypatch.delenv("CANDOR_COMPLIANCE_USERS")
    assert client.get("/", headers={"user": ""}).status_code == 403
    assert client.get("/", headers={"user": "compliance_first"}).status_code == 403


def test_other_auth_managers_are_asked_for_the_custom_views_the_widest_first(portal):
    asked = []
    manager = SimpleNamespace(is_authorized_custom_view=lambda **kwargs: asked.append(kwargs) or True)
    assert portal.role_of("user", manager) is Role.COMPLIANCE
    assert asked == [{"method": "GET", "resource_name": "Compliance", "user": "user"}]
    one = SimpleNamespace(is_authorized_custom_view=lambda **kwargs: kwargs["resource_name"] == "Compliance Viewer")
    assert portal.role_of("user", one) is Role.VIEWER
    nobody = SimpleNamespace(is_authorized_custom_view=lambda **kwargs: False)
    assert portal.role_of("user", nobody) is Role.NOBODY


@pytest.mark.parametrize(
    ("name", "seen"),
    [("watcher", 3), ("engineer", 5), ("both", 5), ("compliance_first", 10), ("compliance_second", 10)],
)
def test_each_role_reads_what_those_before_it_read_and_no_more(client, filled, monkeypatch, name, seen):
    monkeypatch.setenv("CANDOR_ENGINEER_USERS", "engineer, both, compliance_second")
    monkeypatch.setenv("CANDOR_VIEWER_USERS", "watcher, both")
    answers = [client.get(address, headers={"user": name}).status_code for address in ADDRESSES]
    assert [status != 403 for status in answers] == [place < seen for place in range(len(ADDRESSES))]
    page = client.get("/models/screening", headers={"user": name}).text
    assert ('href="../reports/' in page) == (seen > 3)
    assert ('href="../records"' in page) == (seen > 3)


def get(client, address, **headers):
    return client.get(address, headers={"user": "compliance_first", **headers})


def test_a_reviewer_reads_one_page_per_model(client, filled):
    overview = get(client, "/")
    assert overview.status_code == 200
    assert "R-0007, human decisions at screen, sex: female 25% (30 of 120)" in overview.text

    page = get(client, "/models/screening").text
    assert "Release 1" in page
    assert company.MODEL in page
    assert "compliance_first (2026-10-01 09:00 UTC" in page
    assert "0.810 [0.780 to 0.840]" in page
    assert "R-0007 alone, sex at screen" in page
    assert '<span class="word good">whole</span>' in page
    assert "Rows in 725 = accepted 720 + quarantined 4 + filtered 1" in page
    assert get(client, "/models/outcomes").status_code == 200
    assert "<strong>declared</strong> was taken. params.yaml names declared, whatever the others do." in page
    assert "Models that were tried: lowest impact ratio against validity, with 95% intervals" in page
    assert '-0.100 [-0.130 to -0.070]<br><span class="hint">not of equal validity' in page
    assert "<code>alternative:reweighed</code>" in page, "the gap that both approvers had to explain"
    assert "“It keeps its promise to candidates.”" in page

    records = get(client, "/records").text
    assert "duplicate row 1, unknown requisition 4" in records
    assert "hidden text in 4</span>" in records, "two of each batch"
    assert "model:released" in records
    assert 'unknown requisition</td><td class="n">1,450</td><td class="n"><span class="word bad">8</span>' in records
    assert "<td>canonical</td><td>quarantine</td><td>unknown requisition</td>" in records, "as older reports mean it"
    warning = '<td>cross table</td><td>warn <span class="word warn">in 2 batches</span></td><td>manager cycle</td>'
    assert f'{warning}<td class="n">80</td><td class="n">4</td>' in records
    assert 'missing:applied at</td><td class="n">1,450</td><td class="n">0</td>' in records
    assert "reject by data_engineer: &lt;b&gt;Cut&lt;/b&gt; short." in records
    assert records.count("no decision on record") == 1
    assert "It must have 90 records." in records


def test_reports_run_in_a_sandbox_and_pages_run_nothing(client, filled):
    page = get(client, "/models/screening").headers
    assert "script-src" not in page["content-security-policy"]
    assert "default-src 'none'" in page["content-security-policy"]
    assert page["cache-control"] == "no-store"
    raw = get(client, "/raw/screening/2026-10-31/bias.html").headers["content-security-policy"]
    assert raw.startswith("sandbox allow-scripts;")
    assert "allow-same-origin" not in raw
    assert "connect-src" not in raw, "default-src 'none' stands"
    summary = get(client, "/raw/screening/2026-10-31/index.html").headers["content-security-policy"]
    assert "script-src" not in summary


@pytest.mark.parametrize(
    "address",
    [
        "/models/nobody",
        "/models/..%2f..%2fkeys",
        "/raw/screening/2026-10-31/..%2f..%2f..%2fledger%2f000000000001.json",
        "/raw/screening/..%2f..%2fsecrets/keys.json",
        "/raw/screening/2026-10-31/other.html",
        "/raw/nobody/2026-10-31/index.html",
        "/reports/screening/2026-10-31/bias.json",
        "/reports/screening/1999-01-01/bias.html",
        "/raw/screening/2026-10-31/%2e%2e/%2e%2e/index.html",
    ],
)
def test_nothing_else_in_the_store_can_be_reached(client, filled, address):
    assert get(client, address).status_code == 404


@pytest.mark.parametrize("name", ["bias.csv", "bias.json"])
def test_counts_by_group_are_for_compliance_alone(client, filled, monkeypatch, name):
    monkeypatch.setenv("CANDOR_ENGINEER_USERS", "engineer")
    address = f"/raw/screening/2026-10-31/{name}"
    answers = [client.get(address, headers={"user": user}) for user in ("engineer", "compliance_first")]
    assert [answer.status_code for answer in answers] == [403, 200]


def test_a_page_and_its_reports_weigh_less_than_two_megabytes_on_the_way(client, filled):
    """Evidently's own page is 3.8 MB of scripts; a browser takes it compressed and shows the same."""
    for address in ("/", "/models/screening", "/raw/screening/2026-10-31/bias.html"):
        with client.stream("GET", address, headers={"user": "compliance_first", "accept-encoding": "gzip"}) as answer:
            sent = sum(map(len, answer.iter_raw()))
        assert 0 < sent < 2_000_000, address
    assert len(get(client, "/raw/screening/2026-10-31/bias.html").content) > 2_000_000, "what was sent is the report"


def test_what_an_examiner_gets_is_made_on_the_page_and_not_of_a_store_that_is_not_whole(client, store, tmp_path, keys):
    released(store, Answers(), tmp_path)
    assert 'href="../bundles/screening/1/examiner.zip"' in get(client, "/models/screening").text
    answer = get(client, "/bundles/screening/1/examiner.zip")
    assert answer.headers["content-disposition"] == 'attachment; filename="screening-1-examiner.zip"'
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert {"README.md", "verify.py", "releases/000000000001/statement.json"} <= set(archive.namelist())
    for address in ("screening/9", "nobody/1", "screening/x", "screening/1.0"):
        assert get(client, f"/bundles/{address}/examiner.zip").status_code == 404
    (first, *_) = store.list("ledger")
    store.put(first, b"{}")
    refused = get(client, "/bundles/screening/1/examiner.zip")
    assert (refused.status_code, "Entry 1 of the ledger" in refused.text) == (503, True)


def test_documents_about_a_release_open_as_pages(client, filled):
    assert 'href="../documents/screening/1/annex-iv.html"' in get(client, "/models/screening").text
    shown = get(client, "/documents/screening/1/annex-iv.html")
    assert "<h2>Post-market monitoring</h2>" in shown.text
    assert "script-src" not in shown.headers["content-security-policy"]
    for address in ("screening/9/card", "nobody/1/card", "screening/x/card", "screening/1/other"):
        assert get(client, f"/documents/{address}.html").status_code == 404
    verdict = next(key for key in filled.list("releases") if key.endswith("verdict.json"))
    filled.put(verdict, filled.read(verdict) + b" ")
    assert get(client, "/documents/screening/1/card.html").status_code == 503


# ---------------------------------------------------------------- going back


@pytest.fixture
def gone_on(client, store, tmp_path, keys, monkeypatch):
    """Two releases, the older of which one can go back to."""
    monkeypatch.chdir(tmp_path)
    older, newer = (released(store, Answers(), tmp_path, f"r{n}", weights=f"weights {n}".encode()) for n in (1, 2))
    return older, newer


def test_one_click_from_a_release_stands_the_form_that_goes_back_to_it(client, gone_on, monkeypatch):
    older, newer = gone_on
    monkeypatch.setenv("CANDOR_ENGINEER_USERS", "engineer")
    for address, base in (("/models/screening", "../"), ("/records", "")):
        text = get(client, address).text
        assert re.findall(r'href="(\S*rollbacks/\S*)"', text) == [f"{base}rollbacks/screening/{older.verdict_sha256}"]
        assert "rollbacks/" not in get(client, address, user="engineer").text
    shown = get(client, f"/rollbacks/screening/{older.verdict_sha256}")
    assert f'data-family="screening" data-verdict="{older.verdict_sha256}" data-live="2"' in shown.text
    assert "the release below scores people again, in place of release 2." in shown.text
    assert "<dd>anna, ben</dd>" in shown.text
    policy = shown.headers["content-security-policy"]
    assert "script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'" in policy
    assert "unsafe" not in policy
    for address in (f"screening/{newer.verdict_sha256}", f"screening/{'0' * 64}", f"nobody/{older.verdict_sha256}"):
        assert get(client, f"/rollbacks/{address}").status_code == 404
    assert "script-src" not in get(client, "/models/screening").headers["content-security-policy"]
    address = f"/rollbacks/screening/{older.verdict_sha256}"
    assert {client.request(verb, address, headers={"user": "compliance_first"}).status_code for verb in
            ("POST", "PUT", "DELETE", "PATCH")} == {405}  # fmt: skip


def test_a_form_is_not_shown_where_releases_cannot_be_read(client, store, gone_on):
    older, newer = gone_on
    store.put(newer.key, b"{}")
    assert get(client, f"/rollbacks/screening/{older.verdict_sha256}").status_code == 503


def follow(store, before, profile, ratio):
    """One more release like the one before it, but for a profile and the impact ratio of women."""
    row = {"group": "female", "n": 90, "verdict": "NO_EVIDENCE", "impact_ratio": ratio}
    number = releases.pointers(store, before.family)[-1].sequence + 1
    verdict = store.read(f"{before.folder}/verdict.json") + b"\n" * number  # other bytes each time
    files = {"verdict.json": verdict, "profile.json": json.dumps(profile).encode()}
    files["evaluated/groups.json"] = json.dumps({"axes": [{"axis": "sex", "groups": [row]}]}).encode()
    manifest = json.dumps({"files": {name: sha256_bytes(data) for name, data in files.items()}}).encode()
    verdict_sha256 = sha256_bytes(verdict)
    folder = f"releases/{before.family}/{verdict_sha256}"
    for name, data in (files | {"manifest.json": manifest}).items():
        store.put(f"{folder}/{name}", data)
    digests = {"verdict_sha256": verdict_sha256, "manifest_sha256": sha256_bytes(manifest)}
    return company.recorded(store, replace(before, sequence=number, folder=folder, **digests))


def test_a_release_that_is_another_system_raises_an_alarm_before_anybody_opens_a_document(
    client, filled, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text(company.PARAMS + FORESEEN)
    assert "Substantial modification" not in get(client, "/").text + get(client, "/models/screening").text
    (first,) = releases.pointers(filled, "screening")
    shifted = company.training_profile()
    shifted["tenure_days"] = shifted["tenure_days"] | {"shares": [0.55] + [0.05] * 9}
    follow(filled, first, shifted, 0.9)
    for address in ("/", "/models/screening"):
        text = get(client, address).text
        assert "Substantial modification: the release of screening that scores differs" in text
        assert "(groups: sex: female, population: tenure_days; 0 more)" in text
    assert "Substantial modification" not in get(client, "/models/outcomes").text
    second = follow(filled, first, shifted, 0.9)
    assert "Substantial modification" not in get(client, "/").text, "it is as the one before it"
    better = follow(filled, second, shifted, 1.0)
    assert "Substantial modification" not in get(client, "/").text, "a ratio may rise"
    follow(filled, better, shifted, 0.8)
    assert "(groups: sex: female; 0 more)" in get(client, "/").text, "and may not fall so far"
    follow(filled, better, shifted, 1.0)  # back to what was before that,
    follow(filled, better, shifted, 1.01)  # and on to something else
    assert "Substantial modification" not in get(client, "/").text
    (tmp_path / "params.yaml").write_text(company.PARAMS)
    assert "Whether screening was modified substantially is not known" in get(client, "/models/screening").text


def test_a_candidate_that_would_be_another_system_raises_an_alarm_before_it_is_released(
    client, store, tmp_path, keys, monkeypatch
):
    answers = Answers()
    sha = another(store, answers, tmp_path)
    monkeypatch.chdir(tmp_path)  # whose params.yaml says what was foreseen
    alarm = (
        "Before release: the newest candidate of screening would be a substantial modification of release 1. It "
        "differs in what nobody foresaw (inputs: postcode; 0 more)."
    )
    assert alarm in get(client, "/").text
    page = get(client, "/models/screening").text
    assert alarm in page
    assert '<code>postcode</code></td><td><span class="word warn">no</span></td><td>The model reads it anew.' in page
    release(store, answers, answers.approve("release__r2", sha, (*GAPS, SINCE)), APPROVERS)
    page = get(client, "/models/screening").text
    assert "Before release" not in page + get(client, "/").text
    assert "<dt>Substantial modification</dt><dd>accepted as such by anna, ben</dd>" in page
    assert "3 gaps, 3 accepted in writing" in page, "the fourth that they accepted is none of the verdict"


def test_the_stop_switch_is_tried_every_month_or_the_overview_says_so(client, store, tmp_path, keys, monkeypatch):
    released(store, Answers(), tmp_path)

    def tried(days_ago, seconds, is_held):
        moment = datetime.now(UTC) - timedelta(days=days_ago)
        monkeypatch.setattr(ledger, "datetime", SimpleNamespace(now=lambda _: moment))
        audit.append(store, audit.Tag.SCORING_TESTED, "scoring", by="clara", seconds=seconds, is_held=is_held)
        return str(moment.date())

    overdue = "The stop switch was not tried for a month."
    assert overdue in get(client, "/").text
    before = tried(32, 4.2, True)
    assert overdue in get(client, "/").text
    newer = tried(31, 5.1, True)
    text = get(client, "/").text
    assert overdue not in text
    said = f'on <span class="day">{newer}</span> by clara: what scored ended after 5.1 s.'
    assert f"The stop switch was last tried {said}" in text
    failed = tried(0, 60.0, False)
    text = get(client, "/").text
    assert f"The stop switch did not hold when clara tried it on {failed}." in text
    assert "was last tried" not in text
    rows = re.findall(r'class="day">([0-9-]+)</span></th><td>clara</td>', get(client, "/records").text)
    assert rows == [failed, newer, before]
    card = get(client, "/documents/screening/1/annex-iv.html").text
    assert re.search(r"The stop switch was last tried on .*it did not hold within .*>60.0</data>", card)


def test_a_bias_audit_opens_as_a_page_and_its_files_are_kept(client, filled):
    facts = stated(AUDIT)
    data = bundle.packed(bundle.files(bundle.inputs(facts, SELECTING, b"law"), facts, SELECTING))
    digest = stored.keep(filled, data, facts).sha256
    page = get(client, "/models/screening").text
    assert f'href="../audits/screening/{digest}/package.zip"' in page
    assert '<span class="day">2026-11-27</span>' in page
    shown = get(client, f"/audits/screening/{digest}/summary.html")
    assert "Results of the bias audit" in shown.text
    assert "script-src" not in shown.headers["content-security-policy"]
    whole = get(client, f"/audits/screening/{digest}/package.zip")
    assert whole.content == data
    assert whole.headers["content-disposition"] == f'attachment; filename="ll144-{digest[:12]}-package.zip"'
    assert get(client, f"/audits/screening/{digest}/tables.csv").headers["content-type"] == "text/csv; charset=utf-8"
    for address in (f"screening/{digest}/counts.csv", f"outcomes/{digest}/summary.html", "screening/x/summary.html"):
        assert get(client, f"/audits/{address}").status_code == 404
    filled.put(f"reports/ll144/screening/{digest}.zip", data.replace(b"1390", b"1391"))
    changed = get(client, f"/audits/screening/{digest}/summary.html")
    assert changed.status_code == 503
    assert "must be as it was recorded" in changed.text


def test_only_families_have_reports(client, filled):
    filled.put("reports/ingest/2026-10-31/index.html", b"not for the page")
    assert get(client, "/raw/ingest/2026-10-31/index.html").status_code == 404


def test_nothing_can_be_written(client, filled):
    assert client.post("/models/screening", headers={"user": "compliance_first"}).status_code == 405


def test_a_changed_verdict_is_not_shown_as_if_it_were_the_approved_one(client, filled):
    (key,) = [k for k in filled.list("releases") if k.endswith("/verdict.json")]
    filled.put(key, filled.read(key).replace(b"allowed", b"held---"))
    page = get(client, "/models/screening").text
    assert "Not trusted" in page
    assert "Nobody is scored, in shadow neither" in page
    assert "Nothing was released" not in page


def test_what_was_live_on_a_day_is_asked_for_on_the_page(client, store, tmp_path, keys):
    released(store, Answers(), tmp_path)
    day = datetime.now(UTC).date().isoformat()
    answer = get(client, f"/records?on={day}")
    assert f"Live on {day}, on what data, and who allowed it" in answer.text
    assert "form-action 'self'" in answer.headers["content-security-policy"]
    assert "Nothing was live on 2019-03-03." in get(client, "/records?on=2019-03-03").text
    for wrong in ("2026-02-30", "yesterday", "%3Cb%3E"):
        refused = get(client, f"/records?on={wrong}")
        assert (refused.status_code, "such as 2026-03-03" in refused.text) == (422, True)
        assert "<b>" not in refused.text
    assert "form-action 'none'" in get(client, "/").headers["content-security-policy"]


def test_records_of_a_long_ledger_are_proved_whole_for_who_asks_for_that_and_wait_for_nobody_else(
    client, store, tmp_path, keys, monkeypatch
):
    released(store, Answers(), tmp_path)
    assert "of every release were proved just now" in get(client, "/records").text
    monkeypatch.setattr("monitoring.portal.app.SHORT", 1)
    verdict = next(key for key in store.list("releases") if key.endswith("verdict.json"))
    store.put(verdict, store.read(verdict) + b" ")
    quick = get(client, "/records").text
    assert "proved just now" not in quick
    assert "The chain was proved 2" in quick
    assert '<button name="prove" value="now">' in quick
    whole = get(client, "/records?prove=now").text
    assert '<span class="word bad">broken</span>' in whole
    assert "verdict.json" in whole
    assert '<button name="prove"' not in whole


def test_the_laws_of_a_day_are_those_of_the_places_in_params(client, store, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text("law:\n  jurisdictions: [US-CO]\n  locations: {}\n")
    before, after = (get(client, f"/laws?on={day}").text for day in ("2026-12-31", "2027-01-01"))
    asked = '<th scope="row">clock</th>'
    assert (before.count("<section><h2>"), after.count("<section><h2>")) == (3, 3)  # and what starts later, or ended
    assert after.count(asked) - before.count(asked) == 3, "two of keeping records, and that of an adverse outcome"
    assert f"on {datetime.now(UTC).date()}, in US-CO" in get(client, "/laws").text
    assert get(client, "/laws?on=2027").status_code == 422
    illinois = get(client, "/laws?on=2026-12-31&place=US-IL").text
    assert "on 2026-12-31, in US-IL." in illinois
    assert ("HB 3773" in illinois, "SB 26-189" in illinois) == (True, False), "not where params.yaml says"
    assert "<option selected>US-IL</option>" in illinois
    assert get(client, "/laws?place=US-XX").status_code == 404
    wide = get(client, "/laws?on=2027-02-01&place=US").text
    (tmp_path / "params.yaml").write_text("law:\n  jurisdictions: [US]\n  locations: {}\n")
    as_set = get(client, "/laws?on=2027-02-01").text
    assert ("HB 3773" in wide, "SB 26-189" in wide) == (True, True), "in it are the states"
    assert re.findall("<h2>.*?</h2>", wide) == re.findall("<h2>.*?</h2>", as_set), "whoever names it, it is the same"


def test_a_broken_ledger_is_shown(client, filled):
    (first, *_) = filled.list("ledger")
    filled.put(first, filled.read(first).replace(b"screening", b"somebody!"))
    assert '<span class="word bad">broken</span>' in get(client, "/models/screening").text
    broken = get(client, "/records?on=2026-10-01").text
    assert '<span class="word bad">broken</span>' in broken
    assert "live on 2026-10-01" not in broken.lower(), "it proves nothing"


def test_an_entry_that_is_not_readable_takes_down_its_own_section_and_no_page(client, filled, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text("law:\n  jurisdictions: [US]\n  locations: {}\n")
    (first, *_) = filled.list("ledger")
    filled.put(first, b"{}")
    shown = get(client, "/models/screening")
    assert shown.status_code == 200
    assert "Cannot be shown: Entry 1 of the ledger must be an entry" in shown.text
    assert "0.810 [0.780 to 0.840]" in shown.text
    overview = get(client, "/")
    assert overview.status_code == 200
    assert "The clocks of bias audits cannot be shown: Entry 1 of the ledger" in overview.text
    assert "820 ILCS 42/20(b)" in overview.text, "the clocks of Illinois, which is in the US, need no ledger"
    assert "no audit on record" not in overview.text, "unknown is not missing"


def test_the_plugin_imports_nothing_of_the_page_before_it_is_asked():
    code = (
        "import sys, importlib.util as u; s = u.spec_from_file_location('candor_audit', sys.argv[1]); "
        "m = u.module_from_spec(s); s.loader.exec_module(m); "
        "assert not {'monitoring', 'polars', 'airflow.api_fastapi.core_api.security'} & set(sys.modules); "
        "v = m.CandorAudit.external_views[0]; print(v['name'], v['href'], v['nav_top_level'])"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, PLUGIN], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip().endswith("Audit candor-audit/ True")


def test_the_plugin_hands_requests_to_the_page(client, filled):
    from fastapi.testclient import TestClient

    spec = importlib.util.spec_from_file_location("candor_audit", PLUGIN)
    plugin = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(plugin)
    answer = TestClient(plugin.audit).get("/models/screening", headers={"user": "compliance_first"})
    assert answer.status_code == 200


# ---------------------------------------------------------------- every page, in a real browser


HOST = "http://portal.test"
PAPER = 718
"""Pixels between the margins of a sheet of A4."""
OVERFLOWS = """() => [document.documentElement, ...document.querySelectorAll(".scroll")]
  .filter(part => part.scrollWidth > part.clientWidth).map(part => part.innerText.slice(0, 60))"""
WIDER = """() => document.documentElement.scrollWidth <= document.documentElement.clientWidth ? [] :
  [...document.querySelectorAll("main *")].filter(part => !part.closest(".scroll")
    && part.getBoundingClientRect().right > document.documentElement.clientWidth)
  .map(part => part.tagName + " " + part.innerText?.slice(0, 60))"""
TALL = """() => [...document.querySelectorAll("tr")].filter(row => row.getBoundingClientRect().height > 240)
  .map(row => row.innerText.slice(0, 60))"""
"""Rows of which nobody sees the end: their columns were squeezed to a word."""
CLOSED = """() => [...document.querySelectorAll("details:not([open]) > :not(summary)")]
  .filter(part => !part.checkVisibility({contentVisibilityAuto: true})).map(part => part.innerText.slice(0, 60))"""
FOCUSABLE = "() => [...document.querySelectorAll('a[href], summary, .scroll')].map((e, n) => (e.dataset.n = n))"


def pages_of(filled):
    """Addresses of every page there is, one of a kind."""
    facts = stated(AUDIT)
    package = bundle.packed(bundle.files(bundle.inputs(facts, SELECTING, b"law"), facts, SELECTING))
    digest = stored.keep(filled, package, facts).sha256
    day = "screening/2026-10-31"
    return [
        *("/", *(f"/models/{family}" for family in FAMILIES), "/records", "/records?on=2026-10-31", "/laws", "/no"),
        *(f"/reports/{day}/index.html", *(f"/raw/{day}/{name}" for name in evidence.PAGES)),
        *(f"/documents/screening/1/{kind}.html" for kind in KINDS),
        *(f"/audits/screening/{digest}/{name}" for name in evidence.AUDIT_FILES if name.endswith(".html")),
    ]


@pytest.fixture
def open_page(client):
    """Opens a page of the portal in a browser that reaches nothing else; what it asked of others fails the test."""
    outside = []

    def answer(route):
        url = route.request.url
        if not url.startswith(f"{HOST}/"):
            outside.append(url)
            return route.abort()
        told = get(client, url.removeprefix(HOST), accept=route.request.headers.get("accept", ""))
        headers = {
            name: told.headers[name] for name in ("content-type", "content-security-policy") if name in told.headers
        }
        return route.fulfill(status=told.status_code, headers=headers, body=told.content)

    with browser() as opened:

        def made(width, **options):
            page = opened.new_page(viewport={"width": width, "height": 900}, **options)
            page.route("**/*", answer)
            return page

        yield made
    assert outside == []


in_a_browser = pytest.mark.skipif(CHROMIUM is None, reason=MISSING)


@in_a_browser
def test_axe_finds_nothing_on_any_page_however_narrow_it_is(filled, open_page):
    from axe_playwright_python.sync_playwright import Axe

    found, wider, tall, page = {}, {}, {}, open_page(400, bypass_csp=True)  # axe is put into the page
    for address in pages_of(filled):
        page.goto(HOST + address)
        if "/raw/" in address and not address.endswith("index.html"):
            page.get_by_text("R-0007" if "bias" in address else "overtime_hours").first.wait_for()
        assert page.locator("main").count() == 1, address
        wider[address], tall[address] = page.evaluate(WIDER), page.evaluate(TALL)
        violations = Axe().run(page, options={"iframes": False}).response["violations"]
        found[address] = [(fault["id"], fault["nodes"][0]["html"]) for fault in violations]
    page.set_content(packet("screening", Reason("missing:ledger", 0.31, is_held=True)))
    found["packet"], wider["packet"] = Axe().run(page).response["violations"], page.evaluate(WIDER)
    assert not any(found.values()), {address: what for address, what in found.items() if what}
    assert not any(wider.values()), {address: what for address, what in wider.items() if what}
    assert not any(tall.values()), {address: what for address, what in tall.items() if what}


ASKED = f"{HOST}/api/v2/dags/rollback/dagRuns"
WHY = "Complaints from the works council."


@in_a_browser
def test_the_form_asks_airflow_once_for_what_its_dag_takes_with_the_reason_that_was_typed(client, gone_on, open_page):
    """What Airflow itself would accept, by its own model of a request and by the DAG's own parameters."""
    from airflow.api_fastapi.core_api.datamodels.dag_run import TriggerDAGRunPostBody
    from axe_playwright_python.sync_playwright import Axe

    older, _ = gone_on
    page, asked, answers = open_page(500), [], [(403, {"detail": "<b>Forbidden</b>"}), (200, {"dag_run_id": "m/1"})]

    def airflow(route):
        asked.append(route.request)
        status, body = answers[len(asked) - 1]
        route.fulfill(status=status, json=body)

    page.route(ASKED, airflow)
    page.goto(f"{HOST}/rollbacks/screening/{older.verdict_sha256}")
    button = page.get_by_role("button", name="Go back to this release")
    button.click()
    page.get_by_label("Your reason").press_sequentially("too short")
    button.click()
    assert asked == [], "without a reason nothing is asked"
    page.get_by_label("Your reason").fill(f"  {WHY}\n")
    button.click()
    page.get_by_role("alert").get_by_text("403 <b>Forbidden</b>").wait_for()
    button.click()
    link = page.get_by_role("status").get_by_role("link")
    link.wait_for()
    assert link.evaluate("link => link.href") == f"{HOST}/dags/rollback/runs/m%2F1"
    assert button.is_disabled()
    assert not page.get_by_role("alert").is_visible()
    assert len(asked) == 2
    assert {(request.method, request.headers["content-type"]) for request in asked} == {("POST", "application/json")}
    body = TriggerDAGRunPostBody.model_validate_json(asked[1].post_data)
    assert body.conf == {"family": "screening", "to": older.verdict_sha256, "why": WHY, "instead_of": 2}
    with open_page(500, bypass_csp=True) as other:
        other.goto(page.url)
        assert Axe().run(other).response["violations"] == []


@in_a_browser
def test_a_keyboard_reaches_every_link_every_table_and_what_is_closed(filled, open_page):
    page = open_page(500)
    page.goto(f"{HOST}/models/screening")
    wanted, reached = set(map(str, page.evaluate(FOCUSABLE))), set()
    for _ in range(len(wanted) + 40):  # what lies in a closed part is reached once that is open
        page.keyboard.press("Tab")
        if page.evaluate("() => document.activeElement.matches('details:not([open]) > summary')"):
            page.keyboard.press("Enter")
        reached.add(page.evaluate("() => document.activeElement.dataset.n"))
    assert wanted - reached == set()


@in_a_browser
def test_what_was_live_on_a_day_breaks_no_moment_and_no_digest_in_pieces(gone_on, open_page):
    page = open_page(900)
    page.goto(f"{HOST}/records?on={date.fromisoformat(gone_on[0].released_at[:10])}")
    rows = page.locator("td.digests")
    assert rows.count() > 0
    lines = "parts => Math.max(...parts.map(part => part.getClientRects().length))"
    assert rows.locator("code").evaluate_all(lines) == 2
    assert page.locator("section .day").evaluate_all(lines) == 1


@in_a_browser
def test_on_paper_no_column_is_cut_off_and_nothing_stays_closed(filled, open_page):
    page, lost = open_page(PAPER), {}
    page.emulate_media(media="print")
    for address in pages_of(filled):
        if "/reports/" not in address and not address.endswith(("bias.html", "drift.html")):
            page.goto(HOST + address)
            lost[address] = page.evaluate(OVERFLOWS) + page.evaluate(CLOSED)
    assert not any(lost.values()), {address: what for address, what in lost.items() if what}
    assert len(lost) > 10
