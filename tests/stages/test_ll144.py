"""The bias audit package from a little company's store: made, recorded, proved from a shell, and shown."""

import io
import json
import shutil
import zipfile
from dataclasses import replace
from datetime import UTC, date, datetime
from types import SimpleNamespace

import polars as pl
import pytest

from monitoring.ll144.__main__ import main
from monitoring.portal import evidence, pages
from monitoring.portal.evidence import Ledger, Model
from monitoring.portal.roles import Reader, Role
from pipelines import audit
from pipelines.audit import Head, Tag
from pipelines.base import delta, releases
from pipelines.base.contracts import PROVENANCE, SCORED, TABLES
from pipelines.base.digests import sha256_frame
from pipelines.base.errors import ContractError
from pipelines.base.lake import Lake
from pipelines.base.store import FileStore
from tests.stages import monitored_company as company

WHY = "Applications to all requisitions of the sample company."
ARGS = ["make", "--since", "2026-09-01", "--until", "2026-10-31", "--audited-on", "2026-11-27", "--explanation", WHY]
TODAY = date(2026, 11, 28)
MIDDLE = date(2026, 10, 20)
WHO = Reader("c", Role.COMPLIANCE)


def scores(day, score_of, model=company.MODEL):
    """Everybody scored on a day; whoever scores above a half is selected."""
    people = company.applicants()
    rows = people.select("person_id", "subject_id", "sex", "i").with_columns(score=score_of)
    return rows.select(
        "person_id",
        pl.lit("screening").alias("family"),
        "subject_id",
        pl.lit("screen").alias("target_code"),
        pl.lit("model").alias("scorer"),
        "score",
        pl.lit(0.0).alias("low"),
        pl.lit(1.0).alias("high"),
        (pl.col("score") > 0.5).alias("is_selected"),
        pl.lit([], dtype=pl.List(pl.String)).alias("reasons"),
        pl.lit(model).alias("model_sha256"),
        pl.lit(company.DATA).alias("data_sha256"),
        pl.lit(day).alias("as_of"),
        pl.lit(datetime(day.year, day.month, day.day, tzinfo=UTC)).alias("scored_at"),
    ).select(SCORED.names())


def write(store, day, frame, on=date(2026, 11, 16), kind="release"):
    """One scoring as of a day, and on which day the ledger has it."""
    partition = {"family": "screening", "as_of": str(day)}
    delta.replace_partition(store, "scores/scored", frame.with_columns(is_shadow=pl.lit(kind == "shadow")), partition)
    facts = {"model_sha256": frame["model_sha256"][0], "kind": kind, "as_of": str(day), "rows": len(frame)}
    record(store, on, Tag.PEOPLE_SCORED, "screening", **facts, scored_sha256=sha256_frame(frame))


def record(store, on, tag, subject, **facts):
    now = datetime(on.year, on.month, on.day, tzinfo=UTC)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipelines.audit.ledger.datetime", SimpleNamespace(now=lambda _: now))
        audit.append(store, tag, subject, **facts)


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """720 applicants, half of them women; every third woman and every second man scores above a half. All are white."""
    root = tmp_path_factory.mktemp("template")
    made = FileStore(root / "store")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CANDOR_STORE", made.url)
        patch.setenv("CANDOR_AUDIT_KEY", "33" * 32)
        company._lake(made, company.applicants().with_columns(ethnicity=pl.lit("white")))
        company.release(made, "screening")
        share = pl.when(pl.col("sex") == "female").then(3).otherwise(2)
        usual = pl.when(pl.col("i") % share == 0).then(0.9).otherwise(0.1)
        # On 15 November people were scored as of 31 October, and five days later in shadow.
        write(made, company.SECOND, scores(company.SECOND, usual), date(2026, 11, 15))
        # Another model scored everybody high: none of that is counted.
        write(made, company.FIRST, scores(company.FIRST, pl.lit(0.9), model="f" * 64))
        facts = {"model_sha256": company.MODEL, "kind": "shadow", "as_of": "2026-08-31", "rows": 0}
        record(made, date(2026, 11, 20), Tag.PEOPLE_SCORED, "screening", **facts, scored_sha256="0" * 64)
    return made.root


@pytest.fixture
def filled(store, template, monkeypatch, tmp_path):
    shutil.copytree(template, store.root)
    monkeypatch.setenv("CANDOR_AUDIT_KEY", "33" * 32)
    (tmp_path / "params.yaml").write_text(company.PARAMS)
    monkeypatch.chdir(tmp_path)
    return store


def made(capsys, *more):
    assert main([*ARGS, *more]) == 0, capsys.readouterr().err
    return json.loads(capsys.readouterr().out)


def refused(capsys, *more):
    assert main([*ARGS, *more]) == 1
    return capsys.readouterr().err


def test_a_package_is_made_recorded_once_and_proved(filled, capsys, tmp_path, monkeypatch):
    first = made(capsys, "--to", str(tmp_path / "package.zip"))
    assert (first["applicants"], first["unknown"]) == (720, 0)
    assert made(capsys) == first, "made again it is the same"
    entries = [entry for entry in audit.entries(filled) if entry.tag is Tag.AUDIT_PACKAGED]
    assert [entry.facts["sha256"] for entry in entries] == [first["sha256"]]
    assert entries[0].facts["distributed_on"] == "2026-11-15", "the day of the model's first scoring"
    assert filled.list("reports/ll144") == [f"reports/ll144/screening/{first['sha256']}.zip"]
    assert main(["verify", str(tmp_path / "package.zip")]) == 0
    told = capsys.readouterr().out
    assert f"sha256 {first['sha256']}. Only the ledger's entry" in told
    assert "another Candor" not in told
    monkeypatch.setattr("monitoring.ll144.bundle.made_by", lambda: "0" * 64)
    assert main(["verify", str(tmp_path / "package.zip")]) == 0
    assert "It was made by another Candor" in capsys.readouterr().out
    with zipfile.ZipFile(tmp_path / "package.zip") as archive:
        counts = archive.read("counts.csv").decode().splitlines()
        everything = b"".join(archive.read(name) for name in archive.namelist()).decode()
        facts = json.loads(archive.read("facts.json"))
    # People are numbered requisition by requisition, women before men, in runs of 120, 120, 60, 60, ... from 0. Of the
    # women every third number is high: 40 of 120 and 20 of 60, four times. Of the men every second: 60 and 4 x 30.
    assert counts[1:] == ["male,white,360,180,180", "female,white,360,120,120"]
    assert (facts["median"], facts["ties"]) == (0.1, 420)
    assert facts["scored_as_of"] == ["2026-10-31"], "the other model's day is not this one's"
    assert facts["scored_on"] == ["2026-11-15"], "the day of the ledger"
    assert (facts["lost_scorings"], facts["forgotten_rows"]) == (0, 0)
    people = company.applicants()["person_id"]
    assert not any(person in everything for person in people)


def test_the_tool_is_in_use_since_this_very_model_first_scored_people(filled, capsys):
    first = releases.live(filled, "screening")
    other = replace(first, sequence=2, model_sha256="f" * 64, released_at="2026-09-20T09:00:00+00:00")
    back = replace(first, sequence=3, kind="rollback", released_at="2026-11-01T09:00:00+00:00")
    for pointer in (other, back):
        company.recorded(filled, pointer)
    # As of a day before the period; and in shadow earlier still, which is no use.
    write(filled, date(2026, 8, 31), scores(date(2026, 8, 31), pl.lit(0.9)), date(2026, 9, 2), "shadow")
    write(filled, date(2026, 8, 31), scores(date(2026, 8, 31), pl.lit(0.9)), date(2026, 10, 5))
    made(capsys)
    made(capsys, "--release", "2")
    made(capsys, "--distributed-on", "2026-01-02")
    told = [entry.facts for entry in audit.entries(filled) if entry.tag is Tag.AUDIT_PACKAGED]
    assert [(facts["model"], facts["distributed_on"]) for facts in told] == [
        ("screening rollback 3", "2026-10-05"),
        ("screening release 2", "2026-11-16"),
        ("screening rollback 3", "2026-01-02"),
    ]


def counts_of(store, answer):
    with zipfile.ZipFile(io.BytesIO(store.read(answer["key"]))) as archive:
        return archive.read("counts.csv").decode().splitlines()[1:]


def test_who_is_found_to_be_one_human_later_keeps_a_group_and_counts_once(filled, capsys):
    before = made(capsys)
    women = company.applicants().filter(pl.col("sex") == "female").head(100)
    links = women.select("person_id", linked_person_id=pl.format("a_{}", pl.col("person_id").str.slice(2)))
    known = {"file_id": pl.lit("f2"), "source_row": pl.int_range(pl.len()), "known_from_basis": pl.lit("file")}
    known |= {"known_from": pl.lit(datetime(2026, 10, 15, tzinfo=UTC))}
    Lake(filled).publish("batch-2", {"person_links": links.with_columns(**known)}, {}, {})
    assert counts_of(filled, made(capsys)) == counts_of(filled, before), "scored before the link was known"
    # A day on which the same applications were scored under the pseudonym that stands for both.
    now = dict(links.select("person_id", "linked_person_id").iter_rows())
    write(filled, MIDDLE, scores(MIDDLE, pl.lit(0.9)).with_columns(pl.col("person_id").replace(now)))
    answer = made(capsys)
    assert (answer["applicants"], answer["unknown"]) == (720, 0)
    # All were selected in the middle; the newest scores are still those of 31 October.
    assert counts_of(filled, answer) == ["male,white,360,360,180", "female,white,360,360,120"]


def test_verify_names_the_cell_and_fails(filled, capsys, tmp_path):
    package = tmp_path / "package.zip"
    made(capsys, "--to", str(package))
    package.write_bytes(package.read_bytes().replace(b"male,white,360,180,180", b"male,white,360,181,180", 1))
    assert main(["verify", str(package)]) == 1
    told = capsys.readouterr().err
    assert "ContractError: A package must follow from its counts" in told
    assert "counts.csv must be the file that manifest.json names; line 2, column selected differs." in told
    assert main(["verify", str(tmp_path / "none.zip")]) == 1


def exposed(capsys):
    assert main(["exposure"]) == 0, capsys.readouterr().err
    return json.loads(capsys.readouterr().out)


def test_what_use_without_an_audit_or_a_notice_could_cost_is_counted(filled, capsys, tmp_path):
    """On 15 November 720 were scored, on the 16th the same by another model; a requisition in Chicago is elsewhere."""
    params = company.PARAMS + "law: {jurisdictions: [], locations: {CHI: US-IL, NYC1: US-NY-NYC}}\n"
    (tmp_path / "params.yaml").write_text(params)
    at = {"R-0007": "CHI", "R-0001": "NYC1"}
    told = {"known_from": datetime(2026, 9, 1, tzinfo=UTC), "known_from_basis": "file", "file_id": "f", "source_row": 1}
    schema = pl.Schema({**TABLES["requisitions"].schema, **PROVENANCE})
    jobs = [dict.fromkeys(schema) | {"requisition_id": n, "location_code": place} | told for n, place in at.items()]
    empty_ones = {
        name: pl.DataFrame(schema=pl.Schema({**TABLES[name].schema, **PROVENANCE})) for name in ("candidates",)
    }
    Lake(filled).publish("batch-2", {"requisitions": pl.DataFrame(jobs, schema=schema), **empty_ones}, {}, {})
    found = exposed(capsys)
    assert (found["days_of_use"], found["days_without_audit"], found["first_on"]) == (2, 2, "2026-11-15")
    assert (found["people"], found["people_without_notice"], found["scope"]) == (480, 480, None)
    assert (found["violations"], found["least"], found["most"]) == (482, 500, 481 * 500 + 1500)
    made(
        capsys, "--auditor", "A. Auditor, without any tie to us", "--audited-on", "2026-11-27"
    )  # too late for the days that were
    assert exposed(capsys)["days_without_audit"] == 2
    record(filled, date(2026, 11, 17), Tag.NOTICE_GIVEN, "screening", law="us-nyc-ll144", given_on="2026-10-01")
    assert exposed(capsys)["violations"] == 2
    facts = {"criterion": "sole", "weights": "Score 1, all else 0.", "by": "dora", "model_sha256": None}
    record(filled, date(2026, 11, 18), Tag.SCOPE_STATED, "screening", law="us-nyc-ll144", **facts)
    assert exposed(capsys)["scope"] == facts | {"law": "us-nyc-ll144"}
    unplaced = params.replace("CHI: US-IL, ", "")  # who may be in the city counts
    (tmp_path / "params.yaml").write_text(unplaced)
    assert exposed(capsys)["people"] == 720


def test_scores_of_a_model_in_shadow_are_no_use_of_the_tool(filled, capsys):
    alone = made(capsys)
    write(filled, company.FIRST, scores(company.FIRST, pl.lit(0.9)), kind="shadow")
    assert made(capsys) == alone
    write(filled, MIDDLE, scores(MIDDLE, pl.lit(0.9)))
    assert made(capsys) != alone


def facts_of(store, answer):
    with zipfile.ZipFile(io.BytesIO(store.read(answer["key"]))) as archive:
        return json.loads(archive.read("facts.json"))


def test_scorings_that_later_ones_took_the_place_of_are_stated(filled, capsys):
    same = scores(MIDDLE, pl.lit(0.9))
    for on in (date(2026, 10, 21), date(2026, 10, 22)):  # twice the same rows are one scoring
        write(filled, MIDDLE, same, on)
    assert facts_of(filled, made(capsys))["lost_scorings"] == 0
    write(filled, MIDDLE, scores(MIDDLE, pl.lit(0.2)), date(2026, 10, 23))
    repeated = facts_of(filled, made(capsys))
    assert (repeated["lost_scorings"], repeated["scored_on"]) == (1, ["2026-10-23", "2026-11-15"])
    write(filled, MIDDLE, scores(MIDDLE, pl.lit(0.9), model="f" * 64), date(2026, 10, 24))
    gone = facts_of(filled, made(capsys))
    assert (gone["lost_scorings"], gone["scored_as_of"]) == (2, ["2026-10-31"])
    assert gone["distributed_on"] == "2026-10-21", "it was used then, whatever is on file"
    # As of a day outside the period, another model's rows took the place of this one's: that is no loss of this audit.
    later = date(2026, 11, 1)
    for model in (company.MODEL, "f" * 64):
        write(filled, later, scores(later, pl.lit(0.9), model=model))
    assert facts_of(filled, made(capsys))["lost_scorings"] == 2


def test_what_is_on_file_must_be_a_scoring_on_record_less_those_who_were_forgotten(filled, capsys):
    frame = scores(company.SECOND, pl.lit(0.9)).head(700).with_columns(is_shadow=False)
    day = {"family": "screening", "as_of": str(company.SECOND)}
    record(filled, date(2026, 11, 1), Tag.PERSON_FORGOTTEN, "earlier", reason="request")
    write(filled, company.SECOND, scores(company.SECOND, pl.lit(0.9)), date(2026, 11, 17))
    delta.replace_partition(filled, "scores/scored", frame, day)
    assert "must be those of a scoring that the ledger holds" in refused(capsys), "forgotten before the scoring"
    record(filled, date(2026, 11, 18), Tag.PERSON_FORGOTTEN, "erasure", reason="request")
    told = facts_of(filled, made(capsys))
    assert (told["forgotten_rows"], told["lost_scorings"]) == (20, 1)
    more = scores(company.SECOND, pl.lit(0.8)).with_columns(is_shadow=False)
    delta.replace_partition(filled, "scores/scored", more, day)
    assert "Score the day again, or restore it" in refused(capsys), "nobody forgotten makes as many rows"


def test_an_entry_that_does_not_say_what_was_scored_refuses_the_audit(filled, capsys):
    record(filled, date(2026, 11, 16), Tag.PEOPLE_SCORED, "screening", model_sha256="f" * 64)  # of another model
    made(capsys)
    record(filled, date(2026, 11, 16), Tag.PEOPLE_SCORED, "screening", model_sha256=company.MODEL, kind="release")
    assert "must say as_of, kind, rows, scored_sha256; entries [" in refused(capsys)


def test_an_audit_is_no_earlier_than_the_last_scoring_that_it_counts(filled, capsys):
    assert "no earlier than the last scoring" in refused(capsys, "--audited-on", "2026-11-14")
    made(capsys, "--audited-on", "2026-11-15")


def test_a_candidate_is_audited_from_the_checkout_before_first_use(filled, capsys, tmp_path):
    why = "Not in use yet: the newest earlier applications, which it was not trained on."
    before_use = ["--of", "candidate", "--source", "test", "--why-not-historical", why]
    assert "must be scored in this checkout" in refused(capsys, *before_use)
    place = tmp_path / "var/stages/screening/scored"
    place.mkdir(parents=True)
    scores(company.SECOND, pl.col("i") / 720, model="e" * 64).write_parquet(place / "scored.parquet")
    for of in ("candidate", "shadow"):
        said = refused(capsys, "--of", of, "--distributed-on", "2026-01-02")
        assert f"Historical data come from use of the tool; a model that is {of} has none" in said
    answer = made(capsys, *before_use)
    with zipfile.ZipFile(io.BytesIO(filled.read(answer["key"]))) as archive:
        facts = json.loads(archive.read("facts.json"))
        assert "<dd>not yet in use</dd>" in archive.read("summary.html").decode()
    assert (facts["model"], facts["model_sha256"], facts["distributed_on"]) == ("screening candidate", "e" * 64, None)


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        (["--since", "2026-11-01", "--until", "2026-11-05"], "whom this model scored in the period; there are none"),
        (["--audited-on", "2999-01-01"], "must not be of a later day than today"),
        (["--release", "7"], "must be of a model that is released; there is none"),
        (["--distributed-on", "2999-01-01"], "A first use must have been"),
        (["--distributed-on", "2026-11-16"], "no later than the first scoring"),
        (
            ["--of", "shadow", "--source", "test", "--why-not-historical", WHY],
            "must be of a model that is shadow; there is none",
        ),
        (["--audited-on", "2023-07-04", "--since", "2023-01-01", "--until", "2023-02-01"], "applies from 2023-07-05"),
        (["--source", "pooled"], "other than historical data need their reason"),
        (["--to", "nowhere/package.zip"], "into a folder that is there"),
        (["--exclude-small", "because"], "exclusion_justification: String should have at least 20"),
    ],
)
def test_what_is_no_audit_is_refused_and_leaves_nothing(filled, capsys, more, fault):
    assert fault in refused(capsys, *more)
    assert filled.list("reports/ll144") == []


def test_a_release_by_hand_is_not_the_one_that_is_audited(filled, capsys):
    forged = replace(releases.live(filled, "screening"), sequence=2)
    filled.put(forged.key, forged.to_json())
    assert f"{forged.key} must be what an entry of the ledger calls for" in refused(capsys)
    assert "there is none" in refused(capsys, "--release", "2")
    assert made(capsys, "--release", "1")["key"], "the one that scored is what it was"


def test_an_auditor_s_day_is_never_that_on_which_the_package_was_made(filled, capsys):
    """Else last year's audit, made again, would be good for another year."""
    undated = [word for word in ARGS if word not in ("--audited-on", "2026-11-27")]
    assert main([*undated, "--auditor", "Somebody Independent LLP, without any tie."]) == 1
    assert "must say its day, from which the law's year runs" in capsys.readouterr().err
    assert filled.list("reports/ll144") == []
    assert main(undated) == 0
    (entry,) = [entry for entry in audit.entries(filled) if entry.tag is Tag.AUDIT_PACKAGED]
    assert (entry.facts["audited_on"], entry.facts["auditor"]) == (datetime.now(UTC).date().isoformat(), None)


def test_without_the_audit_identity_there_is_no_audit(filled, capsys, monkeypatch):
    monkeypatch.delenv("CANDOR_AUDIT_KEY")
    assert "CANDOR_AUDIT_KEY" in refused(capsys)


def test_the_page_shows_the_audit_with_its_clocks(filled, capsys):
    made(capsys)
    auditor = "Somebody Independent LLP, without any tie to employer or vendor."
    other = made(capsys, "--audited-on", "2026-11-20", "--auditor", auditor)
    newest, before = evidence.bias_audits(filled, "screening", TODAY)
    assert newest.package.sha256 == other["sha256"]
    assert (newest.expires_on, before.expires_on) == (date(2027, 11, 20), date(2027, 11, 27))
    assert newest.stays_until == date(2027, 5, 15), "six months after the last use, which shadow is none of"
    text = pages.model(Model("screening"), Ledger(Head(1, "e" * 64), ()), [], WHO, [newest, before])
    assert f'href="../audits/screening/{other["sha256"]}/summary.html"' in text
    assert auditor in text
    assert '<span class="word good">in time</span>' in text
    assert '<span class="word unsure">not recomputed yet</span>' in text
    assert "expired" not in text


@pytest.mark.parametrize(("today", "is_expired"), [(date(2027, 11, 27), False), (date(2027, 11, 28), True)])
def test_an_audit_is_good_for_a_year_and_not_a_day_more(filled, capsys, today, is_expired):
    made(capsys)
    (shown,) = evidence.bias_audits(filled, "screening", today)
    assert shown.is_expired == is_expired


def test_a_package_is_served_whole_and_only_if_it_is_the_one_on_record(filled, capsys):
    answer = made(capsys)
    digest, data = answer["sha256"], filled.read(answer["key"])
    assert evidence.audit_file(filled, "screening", digest, "package.zip") == data
    assert b"<h1>Results of the bias audit" in evidence.audit_file(filled, "screening", digest, "summary.html")
    for name in ("counts.csv", "../summary.html", "recompute.py", "manifest.json"):
        assert evidence.audit_file(filled, "screening", digest, name) is None
    assert evidence.audit_file(filled, "outcomes", digest, "summary.html") is None
    assert evidence.audit_file(filled, "screening", "0" * 64, "summary.html") is None
    # Laid beside it by hand, without an entry in the ledger:
    filled.put(f"reports/ll144/screening/{'0' * 64}.zip", data)
    assert evidence.audit_file(filled, "screening", "0" * 64, "summary.html") is None
    assert len(evidence.bias_audits(filled, "screening", TODAY)) == 1
    filled.put(answer["key"], data.replace(b"360,180", b"360,181", 1))
    with pytest.raises(ContractError, match="must be as it was recorded"):
        evidence.audit_file(filled, "screening", digest, "summary.html")


def test_a_package_that_is_gone_from_the_store_is_on_record_and_missing(filled, capsys):
    auditor = "Somebody Independent LLP, without any tie."
    answer = made(capsys, "--auditor", auditor)
    kept, digest = made(capsys), answer["sha256"]
    filled.delete(answer["key"])
    shown = evidence.bias_audits(filled, "screening", TODAY)
    assert [(item.package.sha256, item.package.is_missing) for item in shown] == [
        (kept["sha256"], False),
        (digest, True),
    ]
    text = pages.model(Model("screening"), Ledger(Head(1, "e" * 64), ()), [], WHO, shown)
    assert text.count("on record and missing") == 1
    assert f"../audits/screening/{digest}" not in text
    assert f"../audits/screening/{kept['sha256']}/package.zip" in text
    with pytest.raises(ContractError, match="it is on record and missing"):
        evidence.audit_file(filled, "screening", digest, "summary.html")
    assert made(capsys, "--auditor", auditor) == answer
    assert not any(item.package.is_missing for item in evidence.bias_audits(filled, "screening", TODAY))


def test_an_entry_that_names_no_days_is_a_fault_and_no_crash(filled):
    audit.append(filled, Tag.PEOPLE_SCORED, "screening", n=1)
    assert evidence.audits_or_fault(filled, "screening", TODAY) == ([], "")
    audit.append(filled, Tag.AUDIT_PACKAGED, "screening", sha256="0" * 64, since=1)
    found, fault = evidence.audits_or_fault(filled, "screening", TODAY)
    assert found is None
    assert "must name its model and days" in fault


def test_a_package_is_written_once_and_something_else_in_its_place_is_not_overwritten(filled, capsys):
    answer = made(capsys)
    filled.put(answer["key"], b"something else")
    assert "must be as it was recorded" in refused(capsys)
    assert filled.read(answer["key"]) == b"something else", "left for whoever must find out"
