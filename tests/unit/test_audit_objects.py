"""The evidence of a release: signed, bound by digests, and whoever changes a byte of it is found out."""

import base64
import json
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from html import unescape

import pytest

from infra.run import evidence as evidence_of
from monitoring.examiner import bundle
from monitoring.portal import evidence as shown
from monitoring.portal import pages
from monitoring.portal.roles import Reader, Role
from monitoring.released import current
from pipelines.audit import Tag, append, dsse, entries, ledger, pointed, verify, vouched
from pipelines.audit.__main__ import main
from pipelines.audit.ledger import record
from pipelines.audit.objects import prove
from pipelines.audit.segments import key as ledger_key
from pipelines.audit.statement import adopt, attest, pem_key
from pipelines.base import releases
from pipelines.base.digests import sha256_bytes, sha256_tree
from pipelines.base.errors import ContractError, GateRefused, SettingsError
from pipelines.base.settings import Law
from pipelines.base.store import FileStore
from pipelines.publish.__main__ import main as publish
from pipelines.publish.approvals import Wanted
from pipelines.publish.pointers import point
from pipelines.publish.proposals import Origin, propose
from pipelines.publish.release import release
from tests.unit.test_publish import APPROVERS, FAMILY, GAPS, NOBODY, Answers, back_to, proposed, released

KEY = "55" * 32
DAY = date(2026, 11, 27)


@pytest.fixture(autouse=True)
def signing(monkeypatch):
    monkeypatch.setenv("CANDOR_SIGNING_KEY", KEY)


@pytest.fixture(scope="module")
def once(tmp_path_factory):
    """The folder of `made`: making it takes ten times as long as copying it."""
    folder, answers = tmp_path_factory.mktemp("made"), Answers()
    store = FileStore(folder / "a store")
    (folder / "var/stages/screening/evaluated").mkdir(parents=True)
    (folder / "var/stages/screening/evaluated/groups.sealed").write_bytes(b"sealed counts")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CANDOR_SIGNING_KEY", KEY)
        first = released(store, answers, folder)
        released(store, answers, folder, "r2", weights=b"weights 2")
        back_to(store, first)
    return folder


@pytest.fixture
def made(once, store, tmp_path):
    """Two releases, a rollback, and a stretch of three entries sealed."""
    shutil.copytree(once, tmp_path, dirs_exist_ok=True)
    return store


def statements(store):
    return store.list(f"releases/{FAMILY}/statements")


def opened(store, key):
    envelope = json.loads(store.read(key))
    return envelope, json.loads(base64.b64decode(envelope["payload"]))


# ---------------------------------------------------------------- envelopes


def test_what_is_signed_is_what_the_dsse_specification_says():
    # The example of protocol.md, "PAE".
    assert dsse.pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_a_signature_is_that_of_the_ed25519_standard():
    # RFC 8032, 7.1, test 1: key pair; its message is empty, ours is not, so only the public key is compared.
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    raw = dsse.read_public(dsse.public_pem(dsse.private_key(seed))).public_bytes_raw()
    assert raw.hex() == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"


@pytest.mark.parametrize("place", range(0, 330, 3))
def test_no_byte_of_an_envelope_can_be_another(place):
    key = dsse.private_key(b"1" * 32)
    envelope = dsse.enveloped(b'{"a":1}', key)
    known = {dsse.key_id(key.public_key()): key.public_key()}
    assert dsse.opened(envelope, known) == b'{"a":1}'
    if place < len(envelope):
        with pytest.raises(ContractError, match="must"):
            dsse.opened(flipped(envelope, place), known)


def test_a_key_that_is_not_known_signs_nothing():
    key, other = dsse.private_key(b"1" * 32), dsse.private_key(b"2" * 32)
    named = {dsse.key_id(key.public_key()): other.public_key()}
    with pytest.raises(ContractError, match="names another"):
        dsse.opened(dsse.enveloped(b"{}", key), {dsse.key_id(other.public_key()): other.public_key()})
    with pytest.raises(ContractError, match="must be over its payload"):
        dsse.opened(dsse.enveloped(b"{}", key), named)


# ---------------------------------------------------------------- statements


def test_a_release_is_signed_and_the_statement_binds_all_of_it(store, tmp_path):
    pointer = released(store, Answers(), tmp_path)
    (key,) = statements(store)
    envelope, said = opened(store, key)
    assert envelope["payloadType"] == "application/vnd.in-toto+json"
    assert (said["_type"], said["predicateType"]) == ("https://in-toto.io/Statement/v1", "urn:candor:release:v1")
    subjects = {item["name"]: item["digest"]["sha256"] for item in said["subject"]}
    there = store.list(pointer.folder)
    assert {f"{pointer.folder}/{name}": sha256 for name, sha256 in subjects.items()} == {
        name: sha256_bytes(store.read(name)) for name in there
    }
    releases.download(store, pointer, tmp_path / "there")
    bound = said["predicate"]
    assert bound["model"]["digest"]["sha256"] == sha256_tree(tmp_path / "there/model")
    assert bound["data"] == {"asOf": "2026-10-31", "digest": {"sha256": "b" * 64}}
    assert bound["lake"]["digest"]["sha256"] == "c" * 64
    assert bound["params"]["digest"]["sha256"] == "d" * 64
    assert bound["code"]["digest"] == {"gitCommit": "c0ffee"}
    assert bound["verdict"] == {"digest": {"sha256": pointer.verdict_sha256}, "name": "verdict.json"}
    assert bound["metrics"]["digest"]["sha256"] == subjects["evaluated/metrics.json"]
    assert [(item["name"], item["accepted_gaps"]) for item in bound["approvals"]] == [
        ("anna", list(GAPS)),
        ("ben", list(GAPS)),
    ]
    assert bound["approvals"][0]["justification"] == "I read the whole report."
    assert {item["recorded_by"] for item in bound["approvals"]} == {"https://airflow.example"}
    last = list(entries(store))[-1]
    assert (last.tag, last.facts["statement_sha256"]) == (Tag.MODEL_RELEASED, sha256_bytes(store.read(key)))


def test_openssl_checks_the_signature(store, tmp_path):
    released(store, Answers(), tmp_path)
    envelope, _ = opened(store, statements(store)[0])
    (signed,) = envelope["signatures"]
    (tmp_path / "pae").write_bytes(dsse.pae(envelope["payloadType"], base64.b64decode(envelope["payload"])))
    (tmp_path / "sig").write_bytes(base64.b64decode(signed["sig"]))
    store.download(pem_key(signed["keyid"]), tmp_path / "pem")
    words = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "pem", "-rawin", "-in", "pae", "-sigfile", "sig"]
    assert subprocess.run(words, cwd=tmp_path, check=False, capture_output=True).returncode == 0
    der = subprocess.run(
        ["openssl", "pkey", "-pubin", "-in", "pem", "-outform", "DER"], cwd=tmp_path, check=True, capture_output=True
    ).stdout
    assert sha256_bytes(der) == signed["keyid"]
    (tmp_path / "pae").write_bytes(b"another statement")
    assert subprocess.run(words, cwd=tmp_path, check=False, capture_output=True).returncode == 1


def test_a_rollback_is_signed_with_its_reason(made):
    last = list(entries(made))[-1]
    _, said = opened(made, f"releases/{FAMILY}/statements/{last.facts['statement_sha256']}.json")
    assert (said["predicate"]["kind"], said["predicate"]["reason"]) == (
        "rollback",
        "Complaints from the works council.",
    )
    assert len(statements(made)) == 3


def test_without_its_key_nothing_is_released_and_nobody_has_approved(store, tmp_path, monkeypatch):
    answers = Answers()
    wanted = answers.approve("release__r1", proposed(store, tmp_path)["verdict_sha256"])
    monkeypatch.delenv("CANDOR_SIGNING_KEY")
    with pytest.raises(SettingsError, match="CANDOR_SIGNING_KEY must hold"):
        release(store, answers, wanted, APPROVERS)
    assert [entry.tag for entry in entries(store)] == [Tag.MODEL_TRAINED, Tag.MODEL_PROPOSED]
    assert releases.live(store, FAMILY) is None


def test_another_key_signs_from_its_adoption_on_and_the_old_one_still_proves_the_old(made, tmp_path, monkeypatch):
    monkeypatch.setenv("CANDOR_SIGNING_KEY", "66" * 32)
    released(made, Answers(), tmp_path, "r3", weights=b"weights 3")
    adopted = [entry for entry in entries(made) if entry.tag is Tag.KEY_ADOPTED]
    assert len({entry.subject for entry in adopted}) == len(adopted) == len(made.list("releases/keys")) == 2
    assert prove(made) == []


def test_the_same_words_under_an_older_key_are_another_statement(made, tmp_path, monkeypatch):
    monkeypatch.setenv("CANDOR_SIGNING_KEY", "66" * 32)
    released(made, Answers(), tmp_path, "r3", weights=b"weights 3")
    last = list(entries(made))[-1]
    key = f"releases/{FAMILY}/statements/{last.facts['statement_sha256']}.json"
    payload = base64.b64decode(opened(made, key)[0]["payload"])
    made.put(key, dsse.enveloped(payload, dsse.private_key(bytes.fromhex(KEY))))
    assert any(fault.startswith(f"{key} is not the statement that entry") for fault in prove(made))


def test_a_key_under_the_name_of_another_is_no_key(made):
    pem = dsse.public_pem(dsse.private_key(b"7" * 32))
    made.put(pem_key("e" * 64), pem)
    number = append(made, Tag.KEY_ADOPTED, "e" * 64, algorithm="ed25519", pem_sha256=sha256_bytes(pem)).sequence
    (fault,) = prove(made)
    assert fault.startswith(f"{pem_key('e' * 64)} is not the key that entry {number} adopted.")


def test_a_key_signs_nothing_that_was_released_before_its_adoption(made):
    """Whoever can write could otherwise sign an older release with a key of their own."""
    own = dsse.private_key(b"7" * 32)
    last = list(entries(made))[-1]
    payload = base64.b64decode(opened(made, statements(made)[0])[0]["payload"])
    envelope = dsse.enveloped(payload, own)
    key = f"releases/{FAMILY}/statements/{sha256_bytes(envelope)}.json"
    made.put(key, envelope)
    append(made, Tag.MODEL_RELEASED, FAMILY, **(dict(last.facts) | {"statement_sha256": sha256_bytes(envelope)}))
    adopt(made, dsse.public_pem(own), dsse.key_id(own.public_key()))
    assert any(fault.startswith(f"{key}: A statement must be signed by a key that the ledger") for fault in prove(made))


# ---------------------------------------------------------------- flipping bytes


def flipped(data, place):
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


def test_what_was_not_touched_is_whole(made):
    assert prove(made) == []


def test_a_flipped_byte_of_any_object_of_a_release_is_named(made):
    record(made, Tag.MODEL_TRAINED, "outcomes", {}, stretch=5)
    watched = [key for zone in ("releases", "proposals", "ledger") for key in made.list(zone)]
    kinds = {key.rpartition("/")[2] for key in watched}
    assert {"model.keras", "card.json", "metrics.json", "groups.json", "groups.sealed", "verdict.json"} <= kinds
    assert {"profile.json", "manifest.json", "000000000003.json", "000000000001-000000000005.jsonl"} <= kinds
    assert any("statements" in key for key in watched)
    assert any(key.endswith(".pem") for key in watched)
    assert prove(made, stretch=5) == []
    for key in watched:
        data = made.read(key)
        for place in {0, len(data) // 2, len(data) - 1}:
            made.put(key, flipped(data, place))
            faults = prove(made, stretch=5)
            entry = key.removeprefix("ledger/").removesuffix(".json").lstrip("0")
            named = (key, f"Entry {entry} of the ledger")
            assert any(name in fault for fault in faults for name in named), (key, place, faults)
        made.put(key, data)
    assert prove(made, stretch=5) == []


def test_a_flipped_byte_of_a_bias_audit_is_named_and_so_is_one_that_was_removed(made):
    digest = sha256_bytes(b"a package")
    key = f"reports/ll144/{FAMILY}/{digest}.zip"
    made.put(key, b"a package")
    append(made, Tag.AUDIT_PACKAGED, FAMILY, sha256=digest)
    append(made, Tag.AUDIT_PACKAGED, FAMILY, sha256=digest, auditor="Somebody else.")
    assert prove(made) == []
    made.put(key, flipped(b"a package", 4))
    (fault,) = prove(made)
    assert fault.startswith(f"{key} is not the bias audit on record.")
    made.delete(key)
    assert prove(made) == [f"{key} is missing: it was removed."]
    written = append(made, Tag.AUDIT_PACKAGED, FAMILY, sha256="../../keys")
    assert prove(made)[1:] == [
        f"Entry {written.sequence} of the ledger must name a bias audit by its sha256; it was written by hand."
    ]


@pytest.mark.parametrize(
    ("was", "becomes", "field"),
    [
        (b"anna", b"anne", "approvers"),
        (b"2026-10-31", b"2026-10-30", "as_of"),
        (b"Complaints", b"Compliment", "reason"),
        (b"release__r1", b"release__r9", "run_id"),
        (b'"rollback"', b'"release"', "kind"),
        (b"releases/screening", b"proposals/screening", "folder"),
        (b' "as_of"', b'  "as_of"', "the way it is written"),
    ],
)
def test_a_pointer_that_says_something_else_than_its_entry_is_named_with_the_field(made, was, becomes, field):
    key = f"releases/{FAMILY}/000000000003.json"
    made.put(key, made.read(key).replace(was, becomes))
    assert f"{key} is not what its entry in the ledger says, in {field}." in " ".join(prove(made))


def test_what_is_removed_is_named(made):
    folder = next(key.rpartition("/")[0] for key in made.list("releases") if key.endswith("verdict.json"))
    gone = [
        f"{folder}/profile.json",
        f"releases/{FAMILY}/000000000002.json",
        *statements(made),
        *made.list("releases/keys"),
    ]
    for key in gone:
        data = made.read(key)
        made.delete(key)
        assert any(key in fault for fault in prove(made)), key
        made.put(key, data)


def test_the_newest_pointer_cannot_be_taken_away_unseen(made):
    made.delete(f"releases/{FAMILY}/000000000003.json")
    number = list(entries(made))[-1].sequence
    (fault,) = prove(made)
    assert fault.startswith(f"Entry {number} of the ledger releases a {FAMILY} model, and no pointer says so")


def test_a_file_that_nobody_listed_is_named(made):
    folder = next(key.rpartition("/")[0] for key in made.list("releases") if key.endswith("verdict.json"))
    made.put(f"{folder}/model/more.json", b"{}")
    assert prove(made) == [f"{folder}/model/more.json is in no manifest.json: it was put there by hand."]


def test_proposals_may_be_taken_away_and_shadow_models_may_not(store, tmp_path):
    released(store, Answers(), tmp_path)
    for key in store.list("proposals"):
        store.delete(key)
    assert prove(store) == []
    proposed(store, tmp_path, "r2", groups=NOBODY | {"human": NOBODY})
    assert releases.shadow(store, FAMILY) is not None
    assert prove(store) == []
    for key in store.list("proposals"):
        store.delete(key)
    assert any("proposals/" in fault for fault in prove(store))


# ---------------------------------------------------------------- places: which release is live


def moved(store, pointer, number, **changes):
    """A pointer under another number, as anybody can write it who can write the store."""
    other = replace(pointer, sequence=number, **changes)
    store.put(other.key, other.to_json())
    return other


def test_a_copy_of_an_old_pointer_makes_no_old_model_live_unseen(store, tmp_path):
    first = released(store, Answers(), tmp_path)
    released(store, Answers(), tmp_path, "r2", weights=b"weights 2")
    copy = moved(store, first, 3)
    assert releases.live(store, FAMILY) == copy, "the attack is one"
    assert f"{copy.key} is not what its entry in the ledger says, in sequence." in " ".join(prove(store))


def test_an_entry_appended_again_with_its_statement_is_named(store, tmp_path):
    first = released(store, Answers(), tmp_path)
    old = list(entries(store))[-1]
    released(store, Answers(), tmp_path, "r2", weights=b"weights 2")
    again = append(store, Tag.MODEL_RELEASED, FAMILY, **old.facts)
    top = ledger.head(store)
    moved(store, first, 3, released_at=again.recorded_at, ledger={"sequence": top.sequence, "sha256": top.sha256})
    wanted = f"Entry {again.sequence} of the ledger repeats the statement of entry {old.sequence}."
    assert any(fault.startswith(wanted) for fault in prove(store))


def test_pointers_that_changed_places_are_both_named(store, tmp_path):
    first = released(store, Answers(), tmp_path)
    second = released(store, Answers(), tmp_path, "r2", weights=b"weights 2")
    moved(store, second, 1)
    moved(store, first, 2)
    for pointer in (first, second):
        assert f"{pointer.key} is not what its entry in the ledger says, in sequence." in " ".join(prove(store))


def test_a_release_taken_out_of_the_middle_is_named_though_the_numbers_have_no_gap(made):
    _, second, third = releases.pointers(made, FAMILY)
    number = next(entry.sequence for entry in entries(made) if entry.recorded_at == second.released_at)
    made.delete(third.key)
    moved(made, third, 2)
    wanted = f"Entry {number} of the ledger releases a {FAMILY} model, and no pointer says so"
    assert any(fault.startswith(wanted) for fault in prove(made))


def test_the_number_is_signed(made):
    for key in statements(made):
        predicate = opened(made, key)[1]["predicate"]
        entry = next(e for e in entries(made) if e.facts.get("statement_sha256") == sha256_bytes(made.read(key)))
        assert predicate["number"] == entry.facts["number"]
    assert sorted(opened(made, key)[1]["predicate"]["number"] for key in statements(made)) == [1, 2, 3]


def test_going_back_and_forth_in_the_same_words_is_whole(made):
    first, second, _ = releases.pointers(made, FAMILY)
    for older in (second, first, second):
        back_to(made, older)
    assert [item.sequence for item in releases.pointers(made, FAMILY)] == [1, 2, 3, 4, 5, 6]
    assert prove(made) == []


@pytest.mark.parametrize("changes", [{"checks": []}, {"groups": NOBODY | {"human": NOBODY}, "serves": False}])
def test_a_model_that_is_held_for_a_fault_is_not_scored_in_shadow_unnoticed(store, tmp_path, changes):
    """Its entry is there and the pointer says what the entry says: only why it is held tells that it is forged."""
    said = proposed(store, tmp_path, **changes)
    assert (said["verdict"], said["shadow"]) == ("held", False)
    entry = list(entries(store))[-1]
    pointer = point(store, FAMILY, "shadow", f"proposals/{FAMILY}/{said['verdict_sha256']}", entry)
    assert prove(store) == [
        f"{pointer.key} lets a model score in shadow that is held for more than want of group data. {pointed.CHANGED}"
    ]


def old_times(*, is_shadow=False):
    """Three entries and pointers as they were before numbers were named."""
    tag, facts = (
        (Tag.MODEL_HELD, {"codes": ["no_group_data"]}) if is_shadow else (Tag.MODEL_RELEASED, {"kind": "release"})
    )
    names = dict.fromkeys(("manifest_sha256", "model_sha256", "data_sha256"), "0" * 64)
    said = [facts | names | {"as_of": "2026-01-01", "run_id": "r", "verdict_sha256": letter * 64} for letter in "abc"]
    kept = [
        ledger.Entry(number, tag, FAMILY, one, f"2026-01-0{number}", "0" * 64) for number, one in enumerate(said, 1)
    ]
    zone = "proposals" if is_shadow else "releases"
    pointers = [
        releases.Release(
            family=FAMILY, sequence=entry.sequence, kind=entry.facts.get("kind", "shadow"), approvers=(), reason="",
            folder=f"{zone}/{FAMILY}/{entry.facts['verdict_sha256']}", ledger={"sequence": entry.sequence},
            released_at=entry.recorded_at, **{k: v for k, v in entry.facts.items() if k not in ("kind", "codes")},
        )
        for entry in kept
    ]  # fmt: skip
    return kept, pointers


@pytest.mark.parametrize("is_shadow", [False, True])
@pytest.mark.parametrize(
    ("order", "fault"),
    [
        ((0, 1, 2), None),
        ((0, 2, 1), "is of entry 2 of the ledger, and a pointer before it is of entry 3"),
        ((0, 1, 2, 0), "is of entry 1 of the ledger, and a pointer before it is of entry 3"),
        ((0, 1, 1, 2), "is of entry 2 of the ledger, and a pointer before it is of entry 2"),
    ],
)
def test_without_numbers_pointers_must_follow_one_another_as_their_entries_do(order, fault, *, is_shadow):
    kept, pointers = old_times(is_shadow=is_shadow)
    placed = [replace(pointers[place], sequence=number) for number, place in enumerate(order, 1)]
    faults = list(pointed.faults([(item, item.to_json()) for item in placed], kept))
    assert faults == [] if fault is None else any(fault in found for found in faults)


def test_a_pointer_is_anchored_at_its_own_entry_or_after():
    kept, pointers = old_times()
    pointers[2] = replace(pointers[2], ledger={"sequence": 2})
    (fault,) = pointed.faults([(item, item.to_json()) for item in pointers], kept)
    assert fault == f"{pointers[2].key} anchors entry 2 of the ledger, which is before its own, 3."


def test_after_the_first_number_no_release_is_without_one():
    kept, pointers = old_times()
    said = [(item, item.to_json()) for item in pointers]
    kept[1] = replace(kept[1], facts={**kept[1].facts, "number": 2})
    assert list(pointed.faults(said, kept)) == [f"Entry 3 of the ledger releases a {FAMILY} model and names no number."]


def test_before_numbers_going_back_twice_in_the_same_words_was_one_statement():
    kept, _ = old_times()
    back = dict(kept[0].facts) | {"kind": "rollback", "statement_sha256": "5" * 64}
    for second, is_fault in (
        (back | {"from_sequence": 4}, False),
        (back, True),
        (back | {"kind": "release"}, True),
        (back | {"number": 3}, True),
    ):
        both = [replace(kept[0], facts=back), replace(kept[2], facts=second)]
        repeats = [fault for fault in pointed.faults([], both) if "repeats the statement of entry 1" in fault]
        assert bool(repeats) is is_fault


def test_what_was_live_is_told_as_whole_only_when_every_object_is(made, monkeypatch, capsys):
    monkeypatch.setenv("CANDOR_STORE", made.url)
    day = releases.live(made, FAMILY).released_at[:10]
    assert main(["live", day]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == (
        "The ledger is whole, and so is every release that it vouches for."
    )
    made.delete(next(key for key in made.list("releases") if key.endswith("model.keras")))
    assert main(["live", day]) == 0
    said = capsys.readouterr().out.splitlines()[-1]
    assert said.startswith("The ledger is broken, so do not rely on this: ")
    assert "model.keras is missing" in said


@pytest.mark.parametrize(("name", "value"), [("data_sha256", "9" * 64), ("as_of", "2020-01-01")])
def test_an_entry_that_names_another_day_or_data_than_its_verdict_is_named(made, name, value):
    last = list(entries(made))[-1]
    copy = FileStore(made.root / "forged")
    for key in made.list(f"releases/{FAMILY}/{last.facts['verdict_sha256']}"):
        copy.put(key, made.read(key))
    append(copy, Tag.MODEL_RELEASED, FAMILY, **(dict(last.facts) | {name: value}))
    assert f"verdict.json is about another {name} than the ledger names." in " ".join(prove(copy))


# ---------------------------------------------------------------- roots of trust, and junk


def ours():
    return dsse.key_id(dsse.private_key(bytes.fromhex(KEY)).public_key())


def test_a_release_under_a_key_that_the_writer_adopted_is_named_where_signers_are(made, tmp_path, monkeypatch):
    assert prove(made, signers=[ours()]) == []
    monkeypatch.setenv("CANDOR_SIGNING_KEY", "66" * 32)
    released(made, Answers(), tmp_path, "r3", weights=b"weights 3")
    adopted = next(entry for entry in reversed(list(entries(made))) if entry.tag is Tag.KEY_ADOPTED)
    assert prove(made, signers=[ours(), adopted.subject]) == [], "a key may be followed by another"
    (fault,) = prove(made, signers=[ours()])
    assert fault.startswith(f"Entry {adopted.sequence} of the ledger adopts the key {adopted.subject}, which is none")
    (tmp_path / "params.yaml").write_text(f'publish: {{signers: ["{ours()}"]}}')
    monkeypatch.chdir(tmp_path)
    assert shown.ledger(made, all_upto=1_000).faults == (fault,), "the Records page knows the signers too"
    with pytest.raises(ContractError, match="adopts the key"):
        bundle.make(made, bundle.Wanted(FAMILY), ["US"], [ours()])


def test_a_ledger_written_anew_from_before_keys_is_named_where_signers_are(made):
    old = list(entries(made))
    for name in made.list("ledger"):
        made.delete(name)
    before, moments = ledger.GENESIS, dict[str, ledger.Head]()
    for entry in (item for item in old if item.tag is not Tag.KEY_ADOPTED):
        facts = {name: value for name, value in entry.facts.items() if name not in ("statement_sha256", "number")}
        anew = replace(entry, sequence=len(moments) + 1, facts=facts, previous_sha256=before)
        before = anew.sha256
        made.put(f"ledger/{anew.sequence:012d}.json", anew.to_json())
        moments[entry.recorded_at] = ledger.Head(anew.sequence, before)
    for pointer in releases.pointers(made, FAMILY):
        top = moments[pointer.released_at]
        anew = replace(pointer, ledger={"sequence": top.sequence, "sha256": top.sha256})
        made.put(pointer.key, anew.to_json())
    assert prove(made) == [], "one piece it is"
    faults = prove(made, signers=[ours()])
    assert len(faults) == 3
    assert all("without a statement" in fault for fault in faults)


def test_a_tail_cut_after_the_last_anchor_shows_against_a_head_noted_elsewhere(made, monkeypatch, capsys):
    monkeypatch.setenv("CANDOR_STORE", made.url)
    top = append(made, Tag.SCORING_STOPPED, "scoring", number=1, by="anna", why="It is biased.", run_id="")
    words = ["verify", "--key", ours(), "--head", f"{top.sequence}:{top.sha256}"]
    assert main(words) == 0
    assert "Nothing pins" not in capsys.readouterr().out
    made.delete(f"ledger/{top.sequence:012d}.json")
    assert main(["verify"]) == 0
    said = capsys.readouterr().out
    assert f"Nothing pins the keys that it adopted ({ours()})" in said
    assert main(words) == 1
    assert f"Entry {top.sequence} of the ledger is missing, which was noted elsewhere" in capsys.readouterr().err
    append(made, Tag.SCORING_STOPPED, "scoring", number=1, by="anna", why="Nothing is.", run_id="")
    assert main(words) == 1
    assert f"Entry {top.sequence} of the ledger is not the one that was noted" in capsys.readouterr().err


@pytest.mark.parametrize(
    "facts",
    [
        {"approvers": None},
        {"approvers": ["anna"]},
        {"manifest_sha256": None},
        {"verdict_sha256": ["a"]},
        {"kind": 5},
    ],
)
def test_an_entry_of_another_shape_is_a_fault_by_its_number_and_hides_no_other(made, facts):
    last = list(entries(made))[-1]
    number = append(made, Tag.MODEL_RELEASED, FAMILY, **(dict(last.facts) | facts)).sequence
    folder = f"releases/{FAMILY}/{last.facts['verdict_sha256']}"
    made.put(f"{folder}/card.json", b"{}")
    faults = prove(made)
    assert f"Entry {number} of the ledger must name a model by its digests, and who approved" in " ".join(faults)
    assert any(fault.startswith(f"{folder}/card.json is not the file") for fault in faults)


@pytest.mark.parametrize("junk", [b"[" * 100_000, b'{"facts": 5}', b"null", b"\xff", b'{"a": NaN}'])
def test_junk_in_the_place_of_an_entry_or_a_pointer_is_named_and_hides_no_other(made, junk):
    keys = [f"releases/{FAMILY}/000000000002.json", "ledger/000000000002.json"]
    for key in keys:
        made.put(key, junk)
    copy = moved(made, releases.read(made, f"releases/{FAMILY}/000000000001.json"), 4)
    faults = " ".join(prove(made))
    assert f"{keys[0]} must be a release pointer; it is not readable." in faults
    assert "Entry 2 of the ledger must be" in faults
    assert f"{copy.key} is not what its entry in the ledger says, in sequence." in faults
    assert "is missing" not in faults
    assert "no pointer says so" not in faults


@pytest.mark.parametrize(
    "changes",
    [
        {"ledger": 5}, {"ledger": {"sequence": "6"}}, {"approvers": [1]}, {"reason": None}, {"sequence": "2"},
        {"verdict_sha256": ["a"]}, {"sequence": True},
    ],
)  # fmt: skip
def test_a_pointer_with_a_field_of_another_type_is_not_readable(made, changes):
    key = f"releases/{FAMILY}/000000000002.json"
    made.put(key, json.dumps(json.loads(made.read(key)) | changes).encode())
    with pytest.raises(ContractError, match="must be a release pointer; it is not readable"):
        releases.read(made, key)
    assert any(fault.startswith(f"{key} must be a release pointer") for fault in prove(made))


@pytest.mark.parametrize("file", ["manifest.json", "verdict.json"])
def test_a_forged_folder_of_another_shape_is_named(made, file):
    """The entry names what lies there, so that its digests are right and its content is no manifest or verdict."""
    last = list(entries(made))[-1]
    for junk in (b"[]", b"5", b"[" * 100_000, b'{"files": []}', b'{"evidence": 5}'):
        facts = dict(last.facts)
        if file == "verdict.json":
            facts["verdict_sha256"] = sha256_bytes(junk)
        folder = f"releases/{FAMILY}/{facts['verdict_sha256'] if file == 'verdict.json' else 'e' * 64}"
        facts["verdict_sha256"] = folder.rpartition("/")[2]
        listed = json.dumps({"files": {"verdict.json": sha256_bytes(junk)}}).encode()
        made.put(f"{folder}/manifest.json", junk if file == "manifest.json" else listed)
        if file == "verdict.json":
            made.put(f"{folder}/verdict.json", junk)
        append(
            made,
            Tag.MODEL_RELEASED,
            FAMILY,
            **(facts | {"manifest_sha256": sha256_bytes(made.read(f"{folder}/manifest.json"))}),
        )
        assert any(fault.startswith(folder) for fault in prove(made)), junk


# ---------------------------------------------------------------- forgers who can write the ledger too


def forged(made, tmp_path, **facts):
    """A release that somebody appends, with a manifest of their own and all digests in order."""
    entry = list(entries(made))[-1]
    append(made, Tag.MODEL_RELEASED, FAMILY, **(dict(entry.facts) | facts))
    return list(entries(made))[-1]


def test_a_release_appended_without_a_statement_is_named(made, tmp_path):
    last = list(entries(made))[-1]
    facts = {name: value for name, value in last.facts.items() if name != "statement_sha256"}
    made_up = append(made, Tag.MODEL_RELEASED, FAMILY, **facts)
    assert any(f"Entry {made_up.sequence} of the ledger releases a screening model without" in f for f in prove(made))


def test_a_release_appended_with_the_statement_of_another_is_named(made, tmp_path):
    made_up = forged(made, tmp_path, reason="Another reason that nobody gave.")
    key = f"releases/{FAMILY}/statements/{made_up.facts['statement_sha256']}.json"
    assert any(fault.startswith(f"{key} says something else than the ledger") for fault in prove(made))


@pytest.mark.parametrize(
    ("file", "fault"),
    [
        ("model/model.keras", "/model is not the model that the ledger names."),
        ("evaluated/metrics.json", "/evaluated/metrics.json is not what the verdict was given on."),
        ("card.json", "/card.json is not what the verdict was given on."),
        ("evaluated/served.json", "/evaluated/served.json is not what the verdict was given on."),
        ("verdict.json", "/verdict.json is not the verdict that the ledger names."),
    ],
)
def test_a_folder_with_a_manifest_of_its_own_is_held_against_verdict_and_ledger(made, file, fault):
    """Every file is as the forged manifest says, and the appended entry names that manifest."""
    last = list(entries(made))[-1]
    folder = f"releases/{FAMILY}/{last.facts['verdict_sha256']}"
    made.put(f"{folder}/{file}", made.read(f"{folder}/{file}") + b" ")
    listed = json.loads(made.read(f"{folder}/manifest.json"))
    listed["files"][file] = sha256_bytes(made.read(f"{folder}/{file}"))
    made.put(f"{folder}/manifest.json", json.dumps(listed).encode())
    record = {**last.facts, "manifest_sha256": sha256_bytes(made.read(f"{folder}/manifest.json"))}
    copy = FileStore(made.root / "forged")
    append(copy, Tag.MODEL_RELEASED, FAMILY, **record)
    for key in made.list(folder):
        copy.put(key, made.read(key))
    assert any(fault in found for found in prove(copy))
    assert not any("is not the file that" in found for found in prove(copy))


def test_a_later_proposal_of_the_same_verdict_from_another_commit_changes_nothing(store, tmp_path):
    released(store, Answers(), tmp_path)
    propose(store, FAMILY, Origin("r9", "engineer", "another commit"), tmp_path)
    assert prove(store) == []


def test_an_approval_that_nobody_gave_is_named(made, tmp_path, monkeypatch):
    last = list(entries(made))[-1]
    facts = {name: value for name, value in last.facts.items() if name != "statement_sha256"}
    facts["approvers"] = [facts["approvers"][0], facts["approvers"][1] | {"name": "mallory"}]
    made_up = append(made, Tag.MODEL_RELEASED, FAMILY, **attest(made, FAMILY, facts))
    assert any(
        f"Entry {made_up.sequence} of the ledger names mallory as having approved, and no entry says so." in fault
        for fault in prove(made)
    )


def test_a_release_of_before_statements_were_signed_is_whole(store, tmp_path, monkeypatch):
    monkeypatch.setattr("pipelines.publish.release.attest", lambda _store, _family, facts: facts)
    released(store, Answers(), tmp_path)
    assert prove(store) == verify(store) == []
    monkeypatch.undo()
    monkeypatch.setenv("CANDOR_SIGNING_KEY", KEY)
    released(store, Answers(), tmp_path, "r2", weights=b"weights 2")
    assert prove(store) == []


def test_the_command_proves_objects_as_well(made, monkeypatch, capsys):
    monkeypatch.setenv("CANDOR_STORE", made.url)
    assert main(["verify"]) == 0
    assert "So is every release that it vouches for." in capsys.readouterr().out
    key = next(key for key in made.list("releases") if key.endswith("model.keras"))
    made.put(key, b"another model")
    assert main(["verify"]) == 1
    assert f"{key} is not the file that manifest.json names." in capsys.readouterr().err


def test_a_store_without_releases_is_whole(tmp_path):
    assert prove(FileStore(tmp_path / "empty")) == []


# ---------------------------------------------------------------- what people may be scored by


def test_people_may_be_scored_by_what_was_released_and_signed(made):
    live, (pem,) = releases.live(made, FAMILY), made.list("releases/keys")
    key = pem.removeprefix("releases/keys/").removesuffix(".pem")
    assert (live.sequence, live.kind) == (3, "rollback")
    assert vouched.live(made, FAMILY) == vouched.live(made, FAMILY, [key]) == live
    assert vouched.live(made, "outcomes") is None
    made.put("releases/keys/old.pem", b"no key")
    assert vouched.live(made, FAMILY) == live
    with pytest.raises(ContractError, match="signed by a key that may"):
        vouched.live(made, FAMILY, ["0" * 64])


@pytest.mark.parametrize("changed", [
    {"sequence": 4},
    {"manifest_sha256": "0" * 64},
    {"folder": f"proposals/{FAMILY}/x"},
    {"released_at": "2026-11-02T10:00:00+00:00"},
    {"ledger": {}},
    {"ledger": {"sequence": 1, "sha256": "0" * 64}},
])  # fmt: skip
def test_a_pointer_by_hand_scores_nobody(made, changed):
    forged = replace(releases.live(made, FAMILY), **changed)
    made.put(forged.key, forged.to_json())
    with pytest.raises(ContractError, match=r"must be what an entry of the ledger calls for; none does"):
        vouched.live(made, FAMILY)


@pytest.mark.parametrize("changed", [
    {"number": 4},
    {"manifest_sha256": "0" * 64},
    {"number": 4, "statement_sha256": None},
])  # fmt: skip
def test_an_entry_by_hand_has_no_signature_of_its_own(made, changed):
    live, last = releases.live(made, FAMILY), [e for e in entries(made) if e.tag is Tag.MODEL_RELEASED][-1]
    facts = {name: value for name, value in {**last.facts, **changed}.items() if value is not None}
    entry = append(made, last.tag, FAMILY, **facts)
    said = {"manifest_sha256": facts["manifest_sha256"], "released_at": entry.recorded_at}
    forged = replace(live, sequence=facts["number"], ledger={"sequence": entry.sequence, "sha256": "any"}, **said)
    made.put(forged.key, forged.to_json())
    with pytest.raises(ContractError, match=rf"{forged.key} must have a statement signed by a key that may"):
        vouched.live(made, FAMILY)


def taken_away(store, sequence):
    """Take the newest pointer away, as whoever can write the store can; its entry stays."""
    pointer = releases.live(store, FAMILY)
    assert pointer.sequence == sequence
    store.delete(pointer.key)


def test_a_pointer_taken_away_brings_back_no_older_release(made):
    """The rollback away from 2 is removed: 2 must not score again. Only as long as a pointer may take it does."""
    taken_away(made, 3)
    last = [entry for entry in entries(made) if entry.tag is Tag.MODEL_RELEASED][-1]
    said = datetime.fromisoformat(last.recorded_at)
    for minutes in (-9, 0, 9):
        assert vouched.live(made, FAMILY, now=said + timedelta(minutes=minutes)).sequence == 2
    for minutes in (-11, 11, 10**6):
        with pytest.raises(ContractError, match=rf"that of entry {last.sequence} of the ledger has none.*again"):
            vouched.live(made, FAMILY, now=said + timedelta(minutes=minutes))
    back_to(made, releases.pointers(made, FAMILY)[0])
    assert vouched.live(made, FAMILY, now=said + timedelta(days=1)).released_at == last.recorded_at
    taken_away(made, 3)
    taken_away(made, 2)
    with pytest.raises(ContractError, match="must have a pointer"):
        vouched.live(made, FAMILY, now=said)
    taken_away(made, 1)
    with pytest.raises(ContractError, match="must have a pointer"):
        vouched.live(made, FAMILY, now=said)


def test_a_release_that_was_cut_short_holds_up_none_that_takes_its_number(made, tmp_path, monkeypatch):
    """What a kill leaves is an entry without a pointer; what the next run makes of it scores, however late."""
    first, late = releases.pointers(made, FAMILY)[0], datetime.now(UTC) + timedelta(days=1)
    with monkeypatch.context() as killed:
        killed.setattr("pipelines.publish.release.point", lambda *_: None)
        released(made, Answers(), tmp_path, "r4", weights=b"weights 4")
    assert vouched.live(made, FAMILY).sequence == 3
    with pytest.raises(ContractError, match="the run was cut short"):
        vouched.live(made, FAMILY, now=late)
    back_to(made, first)
    assert vouched.live(made, FAMILY, now=late) == releases.live(made, FAMILY)
    assert releases.live(made, FAMILY).sequence == 4


@pytest.mark.parametrize("number", [None, 1, 2])
def test_a_statement_of_before_is_live_at_no_number_after(made, number):
    """Whoever has no key can write an old release's entry once more, with its statement, and a pointer after all."""
    first = next(entry for entry in entries(made) if entry.tag is Tag.MODEL_RELEASED)
    facts = {name: value for name, value in first.facts.items() if name not in ("number", "statement_sha256")}
    signed = attest(made, FAMILY, facts if number is None else facts | {"number": number})
    entry = append(made, Tag.MODEL_RELEASED, FAMILY, **signed)
    place, known = number or 4, releases.pointers(made, FAMILY)
    for pointer in known[place - 1 :]:
        made.delete(pointer.key)
    said = {"released_at": entry.recorded_at, "ledger": {"sequence": entry.sequence, "sha256": entry.sha256}}
    forged = replace(known[0], **said, sequence=place)
    made.put(forged.key, forged.to_json())
    with pytest.raises(ContractError, match="none does: it was put there by hand"):
        vouched.live(made, FAMILY)


def test_an_unsigned_entry_with_a_high_number_does_not_stop_a_family_for_good(made, tmp_path):
    last = [entry for entry in entries(made) if entry.tag is Tag.MODEL_RELEASED][-1]
    append(made, Tag.MODEL_RELEASED, FAMILY, **(dict(last.facts) | {"number": 99}))
    with pytest.raises(ContractError, match="must have a pointer"):
        vouched.live(made, FAMILY)
    newer = released(made, Answers(), tmp_path, "r5", weights=b"weights 5")
    assert vouched.live(made, FAMILY) == newer


def test_many_missing_pointers_are_named_in_one_line(made):
    forged = replace(releases.pointers(made, FAMILY)[1], sequence=10**12 - 1)
    made.put(forged.key, forged.to_json())
    lost = [fault for fault in prove(made) if "missing" in fault]
    assert len(lost) == 1
    assert lost[0].startswith(f"releases/{FAMILY}/000000000004.json to releases/{FAMILY}/999999999998.json are missing")


def test_a_pointer_laid_in_the_place_of_one_on_its_way_is_not_taken_for_it(made, tmp_path, monkeypatch):
    """It names run, verdict and moment of the entry, and another folder: what was approved is not what is there."""
    answers = Answers()
    with monkeypatch.context() as killed:
        killed.setattr("pipelines.publish.release.point", lambda *_: None)
        released(made, answers, tmp_path, "r4", weights=b"weights 4")
    entry = [entry for entry in entries(made) if entry.tag is Tag.MODEL_RELEASED][-1]
    said = {name: entry.facts[name] for name in ("kind", "run_id", "verdict_sha256")} | {"sequence": 4}
    forged = replace(releases.pointers(made, FAMILY)[1], released_at=entry.recorded_at, **said)
    made.put(forged.key, forged.to_json())
    wanted = Wanted(FAMILY, entry.facts["verdict_sha256"], entry.facts["run_id"])
    with pytest.raises(GateRefused, match="came after this was approved"):
        release(made, answers, wanted, APPROVERS)
    back = back_to(made, releases.pointers(made, FAMILY)[1])
    assert (back.sequence, vouched.live(made, FAMILY)) == (5, back)


def unsigned(store, letter="a", **more):
    """A release without a statement, as before there were any."""
    facts = dict.fromkeys(("verdict_sha256", "manifest_sha256", "model_sha256", "data_sha256"), letter * 64)
    facts |= {"as_of": "2026-10-31", "run_id": f"r {letter}", "kind": "release", "approvers": []} | more
    folder = f"releases/{FAMILY}/{letter * 64}"
    return point(store, FAMILY, "release", folder, append(store, Tag.MODEL_RELEASED, FAMILY, **facts))


def test_a_release_of_before_statements_scores_until_a_key_is_named(store):
    """Another family's first signed release adopts a key, and `verify` finds nothing wrong with what was before it."""
    old = unsigned(store)
    assert vouched.live(store, FAMILY) == old
    for seed in (b"1", b"2"):
        key = dsse.private_key(seed * 32)
        adopt(store, dsse.public_pem(key), dsse.key_id(key.public_key()))
        assert vouched.live(store, FAMILY) == old
        assert not [fault for fault in prove(store) if "statement" in fault]
    with pytest.raises(ContractError, match="signed by a key that may"):
        vouched.live(store, FAMILY, ["0" * 64])


@pytest.mark.parametrize("keys", [1, 2])
def test_a_release_without_a_statement_after_the_first_key_scores_nobody(store, keys):
    for seed in (b"1", b"2")[:keys]:
        key = dsse.private_key(seed * 32)
        adopt(store, dsse.public_pem(key), dsse.key_id(key.public_key()))
        if seed == b"1":
            unsigned(store)
    for name in store.list("releases/keys"):
        store.delete(name)
    with pytest.raises(ContractError, match="signed by a key that may"):
        vouched.live(store, FAMILY)


def forged_pointer(store):
    """A pointer by hand to the model that was gone back from, with approvers who are on record; its key."""
    second, live = releases.pointers(store, FAMILY)[-2:]
    forged = replace(second, sequence=4, ledger=live.ledger, released_at="2026-11-28T00:00:00+00:00")
    store.put(forged.key, forged.to_json())
    return forged.key


def unlisted(store):
    """The live pointer is taken away, and its entry is of long ago."""
    taken_away(store, 3)
    last = [entry for entry in entries(store) if entry.tag is Tag.MODEL_RELEASED][-1]
    store.put(ledger_key(last.sequence), replace(last, recorded_at="2026-01-01T00:00:00+00:00").to_json())
    return f"The newest release of {FAMILY}"


@pytest.mark.parametrize("change", [forged_pointer, unlisted])
def test_a_release_that_scores_nobody_is_shown_as_that_and_not_as_live(made, change, monkeypatch, capsys):
    before = shown.model(made, FAMILY)
    assert [evidence_of.live(made, family) for family in (FAMILY, "outcomes")] == ["rollback", "nothing"]
    assert (before.live.pointer.sequence, before.refused) == (3, "")
    assert shown.stops(made, Law(jurisdictions=(), locations={}), DAY)[0] == []
    about = change(made)
    found = shown.model(made, FAMILY)
    assert (found.live, replace(found, shadow=before.live).shown) == (None, None)
    assert found.refused.startswith(about)
    assert found.faults == (found.refused,)
    assert evidence_of.live(made, FAMILY) == "nothing: not vouched for"
    for places in ((), ("EU-DE",)):
        lines, _ = shown.stops(made, Law(jurisdictions=places, locations={}), DAY)
        assert lines == [f"Screening scores nobody. {found.refused}"]
    who, whole = Reader("c", Role.COMPLIANCE), shown.ledger(made)
    text = unescape(pages.model(found, whole, [], who))
    assert f"Not trusted: {found.refused}" in text
    assert ">nobody is scored<" in text
    assert "Nobody is scored, in shadow neither" in text
    assert "Nothing was released" not in text
    assert "Approved by" not in text
    first = releases.pointers(made, FAMILY)[0].verdict_sha256
    assert f"rollbacks/{FAMILY}/{first}" in text, "the way back"
    text = pages.overview([found], whole, who, stops=lines)
    assert 'word good">live' not in text
    assert ">nobody is scored<" in text
    assert "anna" not in text
    with pytest.raises(ContractError, match="obody is scored by"):
        current(made, FAMILY)
    monkeypatch.setenv("CANDOR_STORE", made.url)
    assert publish(["live", FAMILY]) == 1
    assert capsys.readouterr().err.startswith(f"ContractError: {about}")
