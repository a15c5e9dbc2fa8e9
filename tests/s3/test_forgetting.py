"""A person is forgotten on a real S3 server as in a folder: no zone and no older version of an object has them."""

import json
from pathlib import Path

import polars as pl
import pytest

from pipelines.base import delta
from pipelines.base import keys as keyring
from pipelines.base.errors import SettingsError
from pipelines.base.lake import Lake, Manifest
from pipelines.privacy import landing
from pipelines.privacy.forget import forget
from tests.stages import forgotten_company
from tests.stages.forgotten_company import APPLICANT, EVERYBODY, LANDED, OTHERS, WHO, readable

from .conftest import deny

pytestmark = pytest.mark.usefixtures("keys")


@pytest.fixture
def filled(any_store, tmp_path, monkeypatch):
    monkeypatch.setenv("CANDOR_WORK", str(tmp_path / "work"))
    monkeypatch.setenv("CANDOR_FEEDS", str(Path(__file__).parents[2] / "feeds"))
    forgotten_company.fill(any_store)
    return any_store


def consents(lake: Lake, manifest: Manifest) -> list[tuple[object, ...]]:
    """Rows as a manifest shows them."""
    return lake.versions("consents", manifest).select("person_id", "known_from", "record_sha256").sort(pl.all()).rows()


def test_nothing_of_the_person_is_left_and_everybody_else_is_as_before(filled):
    lake = Lake(filled)
    before = [consents(lake, manifest) for manifest in lake.manifests()]
    assert set(keyring.held(filled)["person_id"]) == set(EVERYBODY)
    assert WHO.encode() in readable(filled)
    said = forget(filled, APPLICANT, "request")
    assert "monitoring asks for a retrain of outcomes" in said
    left = readable(filled)
    assert not [text for text in (WHO, APPLICANT, "000009") if text.encode() in left]
    assert all(other.encode() in left for other in OTHERS)
    assert b"000010" in left
    assert set(keyring.held(filled)["person_id"]) == set(OTHERS)
    lines = map(forgotten_company.line, ("000010", "000011"))
    assert forgotten_company.opened(filled, LANDED) == b"".join([forgotten_company.HEAD, *lines])
    now = [consents(lake, manifest) for manifest in lake.manifests()]
    assert now == [[row for row in rows if row[0] != WHO] for rows in before]
    assert [len(rows) for rows in now] == [2, 4]
    assert delta.scan(filled, "scores/scored").collect()["person_id"].sort().to_list() == sorted(OTHERS)
    (certificate,) = (json.loads(filled.read(key)) for key in filled.list("reports/privacy"))
    zones = {entry["object"].split("/")[0] for entry in certificate["objects"]}
    assert zones == {"keys", "lake", "vault", "landing", "quarantine", "scores"}
    assert certificate["unsearched"] == []


def test_no_older_version_of_any_object_has_them_either(s3, client, tmp_path, monkeypatch):
    monkeypatch.setenv("CANDOR_WORK", str(tmp_path / "work"))
    monkeypatch.setenv("CANDOR_FEEDS", str(Path(__file__).parents[2] / "feeds"))
    forgotten_company.fill(s3)
    forget(s3, WHO, "request")
    versions = client.list_object_versions(Bucket=s3._at.bucket).get("Versions", [])
    keys = [item["Key"] for item in versions]
    assert len(keys) == len(set(keys)) > 20


def test_an_erasure_that_breaks_off_within_a_zone_is_finished_by_the_next(filled, monkeypatch):
    def broken(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(delta, "forget_log", broken)
        with pytest.raises(KeyboardInterrupt):
            forget(filled, WHO, "request")
    with monkeypatch.context() as patched:
        patched.setattr(landing, "erase", broken)
        with pytest.raises(KeyboardInterrupt):
            forget(filled, WHO, "request")
    forget(filled, WHO, "request")
    assert not [text for text in (WHO, "000009") if text.encode() in readable(filled)]
    assert len(filled.list("reports/privacy")) == 1


@pytest.mark.parametrize("act", [lambda s: delta.erase(s, "lake/w", ["p_1"]), lambda s: delta.purge(s, "lake/w")])
def test_what_may_not_be_written_is_a_settings_error_that_names_the_table(s3, client, act):
    rows = pl.DataFrame({"bucket": [0, 0], "person_id": ["p_1", "p_2"]})
    delta.append(s3, "lake/w", rows, ["bucket"], after=None)
    delta.erase(s3, "lake/w", ["p_2"])
    deny(client, s3._at.bucket, f"{s3._at.bucket}/a/company/lake/*", "s3:PutObject", "s3:DeleteObject")
    with pytest.raises(SettingsError, match="must be allowed to use lake/w on S3"):
        act(s3)
