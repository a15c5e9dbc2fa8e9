"""Impact assessments on record: by whom, of which document and which system, and what ends them."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest

from monitoring.documents.made import rendered
from pipelines import audit
from pipelines.audit import Tag, entries
from pipelines.audit.shown import shown
from pipelines.base import releases
from pipelines.base.errors import ContractError
from pipelines.publish import assessments
from pipelines.publish.__main__ import main
from pipelines.publish.pointers import point
from tests.unit.test_documents import cited

LAW, DAY = "eu-gdpr", date(2026, 1, 5)
COMPLETE = b"%PDF-1.7 Signed by the controller."
DIGEST = "9408d2c09f21765ce0a80b86e36cb8d7430cab00d860db391c7f81676f9d9219"


@pytest.fixture
def document(tmp_path):
    made = tmp_path / "assessment.pdf"
    made.write_bytes(COMPLETE)
    return made


def sign(store, document, family="screening", code=LAW, **words):
    said = {"signed_on": DAY, "conclusion": "The residual risk is low.", "by": "dora"} | words
    return json.loads(assessments.sign(store, family, code, document, **said))


def withdrawn(store, family="screening"):
    return json.loads(assessments.withdraw(store, family, LAW, why="The processor was changed.", by="dora"))["status"]


def tags(store):
    return [str(entry.tag) for entry in entries(store)]


def released(store, verdict, *gaps, kind="release", is_cut_short=False, **more):
    """An entry in the ledger and the pointer after it."""
    people = [{"name": name, "accepted_gaps": list(gaps)} for name in ("anna", "ben")]
    number = len(releases.pointers(store, "screening")) + 1
    facts = {"kind": kind, "verdict_sha256": verdict, "approvers": people, "number": number, **more}
    facts |= dict.fromkeys(("manifest_sha256", "model_sha256", "data_sha256", "as_of"), "") | {"run_id": f"r{number}"}
    entry = audit.append(store, Tag.MODEL_RELEASED, "screening", **facts)
    if not is_cut_short:
        pointed(store, entry)
    return entry


def pointed(store, entry):
    point(store, "screening", entry.facts["kind"], f"releases/screening/{entry.facts['verdict_sha256']}", entry)


def test_an_assessment_stands_for_its_family_and_law_until_it_is_withdrawn(store, document):
    for _ in range(2):
        said = sign(store, document)
    assert shown(store, "screening").assessments == {LAW: DAY}
    assert shown(store, "performance").assessments == {}
    (entry,) = entries(store)
    assert entry.facts["document_sha256"] == said["document_sha256"]
    assert (entry.facts["by"], entry.facts["conclusion"]) == ("dora", "The residual risk is low.")
    assert [withdrawn(store), withdrawn(store)] == ["withdrawn", "nothing_stands"]
    assert shown(store, "screening").assessments == {}
    sign(store, document)
    assert shown(store, "screening").assessments == {LAW: DAY}
    assert tags(store) == ["assessment:signed", "assessment:withdrawn", "assessment:signed"]


def test_the_digest_is_that_of_the_document(store, document):
    """As sha256sum of coreutils has it."""
    assert sign(store, document)["document_sha256"] == DIGEST


def test_another_document_is_another_entry(store, document):
    sign(store, document)
    document.write_bytes(COMPLETE + b" Reviewed.")
    sign(store, document, signed_on=date(2026, 2, 1))
    assert (len(tags(store)), shown(store, "screening").assessments) == (2, {LAW: date(2026, 2, 1)})


def test_a_release_that_was_accepted_as_another_system_is_assessed_anew(store, document):
    def stands():
        return shown(store, "screening").assessments == {LAW: DAY}

    released(store, "1" * 64, "sex:unknown")
    sign(store, document)
    released(store, "2" * 64, "sex:unknown")
    assert stands(), "newer data, the same system"
    released(store, "3" * 64, "sex:unknown", "modification:since_release_2")
    assert not stands()
    released(store, "4" * 64)
    assert not stands()
    released(store, "2" * 64, kind="rollback")
    assert stands(), "that system was assessed"
    released(store, "4" * 64, kind="rollback")
    assert not stands()
    document.write_bytes(COMPLETE + b" What differs was assessed.")
    sign(store, document)
    assert stands()
    released(store, "1" * 64, kind="rollback")
    assert stands()
    assessments.withdraw(store, "screening", LAW, why="The processor was changed.", by="dora")
    assert not stands()
    released(store, "3" * 64, "sex:unknown", "modification:since_release_2", kind="rollback")
    assert not stands(), "of the other system, too"


A, B, C, ANOTHER = "1" * 64, "2" * 64, "3" * 64, "modification:since_release_1"


def test_an_assessment_is_of_what_scores_while_a_release_waits_for_its_pointer(store, document):
    released(store, A, modification=None)
    entry = released(store, B, ANOTHER, modification=ANOTHER, is_cut_short=True)
    sign(store, document)
    pointed(store, entry)
    assert shown(store, "screening").assessments == {}, "B was never assessed"
    released(store, A, kind="rollback")
    assert shown(store, "screening").assessments == {LAW: DAY}


def test_a_release_that_was_cut_short_for_good_began_no_system(store, document):
    released(store, A, modification=None)
    sign(store, document)
    released(store, B, ANOTHER, modification=ANOTHER, is_cut_short=True)
    assert shown(store, "screening").assessments == {}, "it may still come"
    released(store, C, modification=None)
    assert shown(store, "screening").assessments == {LAW: DAY}, "C is as A is"
    released(store, B, ANOTHER, modification="modification:since_release_2")
    assert shown(store, "screening").assessments == {}


def test_what_was_found_makes_another_system_and_not_what_people_typed(store, document):
    released(store, A, modification=None)
    sign(store, document)
    released(store, B, ANOTHER, modification=None)
    assert shown(store, "screening").assessments == {LAW: DAY}
    released(store, C, modification="modification:since_release_2")
    assert shown(store, "screening").assessments == {}


def test_the_assessment_of_another_system_is_none_of_this(store, document):
    released(store, A, modification=None)
    sign(store, document)
    audit.append(store, Tag.MODEL_PROPOSED, "screening", verdict_sha256=B, requester="engineer")
    released(store, B, modification=ANOTHER)
    today = datetime.now(UTC).date()
    with pytest.raises(ContractError, match="document is on record for another one of screening"):
        sign(store, document, signed_on=today)
    document.write_bytes(COMPLETE + b" What differs was assessed.")
    with pytest.raises(ContractError, match=f"was proposed on {today}; {today - timedelta(days=1)} is before"):
        sign(store, document, signed_on=today - timedelta(days=1))
    assert shown(store, "screening").assessments == {}
    for _ in range(2):
        sign(store, document, signed_on=today)
    assert shown(store, "screening").assessments == {LAW: today}
    released(store, A, kind="rollback")
    with pytest.raises(ContractError, match="on record for another one"):
        sign(store, document, signed_on=today)
    document.write_bytes(COMPLETE)
    sign(store, document)
    assert shown(store, "screening").assessments == {LAW: DAY}
    assert [entry.facts["verdict_sha256"] for entry in entries(store) if entry.tag is Tag.ASSESSMENT_SIGNED] == [A, B]
    sign(store, document, family="performance")  # one document of the processing may be of two families


def test_going_back_does_not_revive_what_was_withdrawn_while_another_system_scored(store, document):
    released(store, A, modification=None)
    sign(store, document)
    sign(store, document, family="performance")
    released(store, B, modification=ANOTHER)
    assert withdrawn(store, "outcomes") == "nothing_stands"
    assert withdrawn(store) == "withdrawn"
    released(store, A, kind="rollback")
    assert shown(store, "screening").assessments == {}
    assert shown(store, "performance").assessments == {LAW: DAY}
    assert withdrawn(store) == "nothing_stands"
    assert tags(store).count("assessment:withdrawn") == 1
    sign(store, document)
    assert shown(store, "screening").assessments == {LAW: DAY}


def test_a_draft_as_it_is_made_counts_for_nothing(store, document):
    """What the platform itself writes still has places that a person must fill."""
    document.write_bytes(rendered("dpia", "screening", cited(), []))
    with pytest.raises(ContractError, match=r"must be complete before it counts.*'To be added by the company'"):
        sign(store, document)
    assert tags(store) == []


@pytest.mark.parametrize(("words", "match"), [
    ({"conclusion": "low"}, "what it concludes"),
    ({"by": " "}, "by somebody"),
    ({"signed_on": datetime.now(UTC).date() + timedelta(days=2)}, "is to come"),
    ({"code": "eu-ai-act"}, "must be one that a pack of law asks for: eu-gdpr"),
    ({"code": "us-ugesp"}, "must be one that a pack of law asks for: eu-gdpr"),
])  # fmt: skip
def test_what_is_missing_is_said(store, document, words, match):
    with pytest.raises(ContractError, match=match):
        sign(store, document, **words)
    assert tags(store) == []


@pytest.mark.parametrize("data", [None, b"", b" \n"])
def test_a_document_that_is_not_there_or_empty_is_none(store, document, data):
    document.unlink()
    if data is not None:
        document.write_bytes(data)
    with pytest.raises(ContractError, match=r"assessment\.pdf is"):
        sign(store, document)
    with pytest.raises(ContractError, match="with why in at least 10 characters"):
        assessments.withdraw(store, "screening", LAW, why="no", by="dora")


def test_an_entry_that_does_not_say_when_is_an_error(store):
    audit.append(store, Tag.ASSESSMENT_SIGNED, "screening", law=LAW)
    with pytest.raises(ContractError, match="Entry 1 of the ledger must say all that assessment:signed means"):
        shown(store, "screening")


def test_the_command_signs_and_withdraws(store, document, capsys):
    about = ["assess", "screening", "--law", LAW, "--by", "dora"]
    assert main([*about, "--document", str(document)]) == 1
    assert "--signed-on names none" in capsys.readouterr().err
    conclusion = ["--conclusion", "The residual risk is low."]
    assert main([*about, "--document", str(document), "--signed-on", "2026-01-05", *conclusion]) == 0
    assert json.loads(capsys.readouterr().out)["status"] == "signed"
    assert main([*about, "--withdrawn", "The processor was changed."]) == 0
    assert json.loads(capsys.readouterr().out)["status"] == "withdrawn"
    assert tags(store) == ["assessment:signed", "assessment:withdrawn"]
