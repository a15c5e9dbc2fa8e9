"""What an examiner gets is checked by somebody who has Python and openssl, and nothing of ours."""

import base64
import io
import itertools
import json
import math
import re
import shutil
import subprocess
import sys
import zipfile
from datetime import UTC, date, datetime
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml

from monitoring.examiner import recompute
from monitoring.examiner.__main__ import main
from monitoring.examiner.bundle import Wanted, make
from pipelines.audit import Entry, Tag, append, entries, statement
from pipelines.base.errors import ContractError, SettingsError
from pipelines.base.store import FileStore
from tests.unit.judging import evidence
from tests.unit.test_publish import FAMILY, Answers, back_to, released

PLACES = ("US-NY-NYC", "EU-DE")


@pytest.fixture(autouse=True)
def signing(monkeypatch):
    monkeypatch.setenv("CANDOR_SIGNING_KEY", "55" * 32)


@pytest.fixture(scope="module")
def once(tmp_path_factory):
    """The folder of `made`: making it takes ten times as long as copying it."""
    folder, answers = tmp_path_factory.mktemp("made"), Answers()
    store, stages = FileStore(folder / "a store"), folder / "var/stages/screening/evaluated"
    stages.mkdir(parents=True)
    (stages / "groups.sealed").write_bytes(b"sealed counts")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CANDOR_SIGNING_KEY", "55" * 32)
        append(store, Tag.FILE_INGESTED, "batch", rows=1)
        first = released(store, answers, folder)
        append(store, Tag.PEOPLE_SCORED, FAMILY, rows=10)
        released(store, answers, folder, "r2", weights=b"weights 2")
        append(store, Tag.PEOPLE_SCORED, FAMILY, rows=11)
        back_to(store, first, why="Complaints from the works council.")
        append(store, Tag.PEOPLE_SCORED, FAMILY, rows=12)
    return folder


@pytest.fixture
def made(once, store, tmp_path):
    """Two releases and a rollback to the first, with events before, between and after."""
    shutil.copytree(once, tmp_path, dirs_exist_ok=True)
    return store


def unpacked(data, folder):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        archive.extractall(folder)
    return folder


def checked(folder, *words):
    """Exit code and lines of verify.py, run without anything that is installed here."""
    command = [sys.executable, "-I", "-S", "verify.py", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert not done.stderr
    return done.returncode, done.stdout


def names(data):
    return zipfile.ZipFile(io.BytesIO(data)).namelist()


def test_somebody_without_candor_checks_it(made, tmp_path):
    folder = unpacked(make(made, Wanted(FAMILY), PLACES), tmp_path / "bundle")
    code, said = checked(folder)
    assert (code, said.splitlines()[0]) == (
        0,
        "Nothing was changed, and every number that follows from others does. Releases: [3].",
    )
    readme = (folder / "README.md").read_text()
    for shown in ("rollback: Complaints from the works council.", "anna", "ben", "python verify.py", "us-nyc-ll144"):
        assert shown in readme
    code, said = checked(folder, "--signatures")
    (command,) = [line for line in said.splitlines() if line.startswith("openssl")]
    assert subprocess.run(command.split(), cwd=folder, capture_output=True, check=False).returncode == 0
    shown = re.findall(r"^    (openssl .+)$", readme, re.MULTILINE)
    assert shown[0] == command
    (key,) = (folder / "keys").iterdir()
    said = subprocess.run(["sh", "-c", shown[1]], cwd=folder, capture_output=True, text=True, check=True).stdout
    assert said.split()[-1] == key.stem
    assert len(shown) == 2
    signed = next(folder.glob("signatures/*/signed"))
    signed.write_bytes(signed.read_bytes().replace(b'"rollback"', b'"release!"'))
    assert subprocess.run(command.split(), cwd=folder, capture_output=True, check=False).returncode == 1
    assert checked(folder)[0] == 0, "what was written for openssl is no part of the bundle"


def test_it_is_the_same_whenever_and_wherever_it_is_made(made, tmp_path):
    data = make(made, Wanted(FAMILY), PLACES)
    copy = FileStore(tmp_path / "elsewhere")
    for zone in ("releases", "proposals", "ledger"):
        for key in made.list(zone):
            copy.put(key, made.read(key))
    append(copy, Tag.PEOPLE_SCORED, FAMILY, rows=13)
    assert make(copy, Wanted(FAMILY), PLACES) == data


def test_models_and_sealed_counts_stay_out_by_digest(made, tmp_path):
    data = make(made, Wanted(FAMILY, 1), PLACES)
    assert not [name for name in names(data) if "/model/" in name or name.endswith(".sealed")]
    folder = unpacked(data, tmp_path / "bundle")
    assert sorted(json.loads((folder / "facts.json").read_text())["left_out"]) == [
        "releases/000000000001/files/evaluated/groups.sealed",
        "releases/000000000001/files/model/assets/terms.json",
        "releases/000000000001/files/model/model.keras",
    ]
    assert "\n\n- the model itself, which" in (readme := (folder / "README.md").read_text())
    assert "\n- counts of single subjects, sealed since" in readme
    whole = make(made, Wanted(FAMILY, 1, with_model=True), PLACES)
    assert [name for name in names(whole) if "/model/" in name]
    assert checked(folder := unpacked(whole, tmp_path / "whole"))[0] == 0
    assert "the model itself" not in (folder / "README.md").read_text()


def test_its_readme_names_what_is_there_and_nothing_else(made):
    data = make(made, Wanted(FAMILY), PLACES)
    readme = zipfile.ZipFile(io.BytesIO(data)).read("README.md").decode()
    (table,) = re.findall(r"\| file \| what \|\n\|---\|---\|\n((?:\|.*\n)+)\n", readme)
    rows = [re.findall("`([^`]+)`", line.split("|")[1]) for line in table.splitlines()]
    there = set(names(data))
    found = {row: {name for name in there if fnmatch(name, f"{row}*")} for row in itertools.chain(*rows)}
    assert [row for row in found if not found[row]] == []
    assert there - set().union(*found.values()) == {
        "README.md",
        "verify.py",
        "releases/000000000003/files/manifest.json",
    }


def test_a_flipped_byte_of_any_file_is_named(made, tmp_path):
    folder = unpacked(make(made, Wanted(FAMILY), PLACES), tmp_path / "bundle")
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != "manifest.json"]
    assert len(files) > 15
    for path in [*files, folder / "releases/000000000003/files/manifest.json"]:
        data = path.read_bytes()
        path.write_bytes(data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 1]) + data[len(data) // 2 + 1 :])
        assert recompute.check(folder) == [
            f"{path.relative_to(folder).as_posix()} is not the file that manifest.json names."
        ]
        path.write_bytes(data)
    (folder / "law/more.yaml").write_text("more")
    (folder / "README.md").unlink()
    assert recompute.check(folder) == ["README.md is missing.", "law/more.yaml is not in manifest.json."]


def resealed(folder):
    """As somebody does who changes a file and the digests of the bundle after it."""
    named = json.loads((folder / "manifest.json").read_text())
    named["files"] = {name: recompute.sha256((folder / name).read_bytes()) for name in named["files"]}
    (folder / "manifest.json").write_text(json.dumps(named))


JUNK = [
    *(b"", b"{", b"[]", b"null", b"7", b'"x"', b"{}", b"\xff\xfe\x00", b"[" * 100_000, b"9" * 5_000),
    b'{"files": 1, "ledger": {"first": 1, "last": 1e300, "sha256": 0}, "releases": [[]]}',
]
"""Bytes of no form, of JSON's and of that of another file."""


@pytest.fixture
def bundle(made, tmp_path):
    return unpacked(make(made, Wanted(FAMILY), PLACES), tmp_path / "bundle")


def test_junk_in_the_place_of_any_file_is_a_fault_and_no_traceback(bundle):
    """Somebody who forges a bundle writes its digests anew; whatever is in it, `verify.py` says where it stopped."""
    is_read = set()
    for path in sorted(path for path in bundle.rglob("*") if path.is_file()):
        data = path.read_bytes()
        for junk in JUNK:
            path.write_bytes(junk)
            if path.name != "manifest.json" or path.parent != bundle:
                resealed(bundle)
            found = recompute.check(bundle)
            if found:
                is_read.add(path.relative_to(bundle).as_posix())
        path.write_bytes(data)
        if path.name != "manifest.json" or path.parent != bundle:
            resealed(bundle)
    assert is_read >= {
        "manifest.json",
        "facts.json",
        "ledger/entries.jsonl",
        f"{TOP}/pointer.json",
        f"{TOP}/statement.json",
    }
    assert f"{TOP}/files/verdict.json" in is_read
    assert recompute.check(bundle) == []


def test_no_forged_name_of_a_key_gets_into_a_command(bundle):
    statement = bundle / f"{TOP}/statement.json"
    envelope = json.loads(statement.read_bytes())
    envelope["signatures"][0]["keyid"] = "$(reboot)"
    statement.write_text(json.dumps(envelope))
    assert recompute.told("A statement", lambda: recompute.signatures(bundle)) == [
        "A statement is not of the form that Candor writes (ValueError)."
    ]


def leaves(content, path=()):
    """Places of everything in a JSON document."""
    yield path
    items = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, value in items:
        yield from leaves(value, (*path, key))


@pytest.mark.parametrize("file", ["facts.json", "pointer.json", "files/verdict.json", "files/evaluated/groups.json"])
def test_any_value_of_any_type_in_any_place_is_survived(bundle, file):
    path = bundle / (file if file == "facts.json" else f"{TOP}/{file}")
    whole = json.loads(path.read_bytes())
    for place in list(leaves(whole))[1:400:5]:
        for junk in (None, -(10**30), "x", [[]], {"a": 1}, math.inf):
            changed = json.loads(json.dumps(whole))
            inner = changed
            for key in place[:-1]:
                inner = inner[key]
            inner[place[-1]] = junk
            path.write_text(json.dumps(changed))
            resealed(bundle)
            assert all(isinstance(fault, str) for fault in recompute.check(bundle))


TOP = "releases/000000000003"


@pytest.mark.parametrize(
    ("file", "change", "fault"),
    [
        (f"{TOP}/pointer.json", ('"anna"', '"mary"'), "differ in who approved"),
        (f"{TOP}/pointer.json", ('"rollback"', '"release"'), "differ in kind"),
        (f"{TOP}/pointer.json", ('"as_of": "2026-10-31"', '"as_of": "2026-10-30"'), "differ in as_of"),
        (f"{TOP}/pointer.json", ('"sha256": "', '"sha256": "0'), "with another digest than it has"),
        (f"{TOP}/pointer.json", ('"reason": "Complaints', '"reason": "Compliment'), "differ in the reason"),
        (f"{TOP}/pointer.json", ('"folder": "releases', '"folder": "proposals'), "names another folder than entry"),
        ("facts.json", ('"sha256": "', '"sha256": "0'), "is not the one whose digest facts.json names"),
        (f"{TOP}/files/manifest.json", ('"files"', ' "files"'), "another manifest than entry"),
        (f"{TOP}/files/evaluated/groups.json", ('"selected": 2500', '"selected": 2600'), "groups.json of release"),
        (f"{TOP}/files/card.json", ('"params_sha256"', ' "params_sha256"'), "card.json of release"),
        (f"{TOP}/statement.json", ('"payload"', ' "payload"'), "is not the one that entry"),
        ("ledger/entries.jsonl", ('"reason":"Complaints', '"reason":"Compliment'), "is not as it was written"),
        ("ledger/cited.jsonl", ('"name":"anna"', '"name":"mary"'), "is not as it was written"),
        ("facts.json", ('"first": ', '"first": 1'), "must hold the entries"),
        ("facts.json", ("/files/model/model.keras", "/files/model/model.other"), "model.keras of release"),
    ],
)
def test_whoever_seals_the_bundle_anew_is_caught_by_what_it_binds(made, tmp_path, file, change, fault):
    folder = unpacked(make(made, Wanted(FAMILY), PLACES), tmp_path / "bundle")
    text = (folder / file).read_text()
    assert change[0] in text
    (folder / file).write_text(text.replace(*change))
    resealed(folder)
    assert any(fault in found for found in recompute.check(folder))


def placed(folder, change=lambda _pointers, _entries: None):
    """What is said of the places of releases 1 and 3, after a change of pointers by number and of entries."""
    lines = [*recompute.lines(folder / "ledger/entries.jsonl"), *recompute.lines(folder / "ledger/cited.jsonl")]
    known = {entry["sequence"]: entry for entry in map(json.loads, lines)}
    files = {number: folder / f"releases/{number:012d}/pointer.json" for number in (1, 2, 3)}
    pointers = {number: json.loads(file.read_text()) for number, file in files.items()}
    change(pointers, [entry for entry in known.values() if entry["tag"] == "model:released"])
    for number, file in files.items():
        file.write_text(json.dumps(pointers[number]))
    return " ".join(recompute.placed(folder, [1, 2, 3], known))


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda said, _: said[3].update(said[1]), "Release 000000000003 is not the number that its pointer and entry"),
        (lambda said, _: said[3].update(said[1]), "Release 000000000003 is of entry 7, and a release before it is of"),
        (lambda said, _: said[3].update(said[1], sequence=3), "is not the number that its pointer and entry 7 name."),
        (lambda said, _: said[2].update(sequence=5), "Release 000000000002 is not the number that its pointer"),
        (lambda said, _: said[2]["ledger"].update(sequence=8), "Release 000000000002 anchors what was before its own"),
        (
            lambda _, entries: entries[-1]["facts"].update(number=2),
            "gives release 000000000002's number to a newer",
        ),
        (
            lambda _, entries: entries[-1]["facts"].update(statement_sha256=entries[0]["facts"]["statement_sha256"]),
            "has the statement of release 000000000001 as well",
        ),
    ],
)
def test_a_release_at_another_place_than_the_ledger_gave_it_is_named(made, tmp_path, change, fault):
    today = datetime.now(UTC).date()
    folder = unpacked(make(made, Wanted(FAMILY, since=today, until=today), PLACES), tmp_path / "bundle")
    assert placed(folder) == ""
    assert fault in placed(folder, change)


def restated(folder, change):
    """Faults of a statement that says something else and is named by its entry, as one is that a forger signs."""
    name, facts = "000000000003", json.loads((folder / "facts.json").read_text())
    pointer = json.loads((folder / f"{TOP}/pointer.json").read_text())
    lines = [*recompute.lines(folder / "ledger/entries.jsonl"), *recompute.lines(folder / "ledger/cited.jsonl")]
    known = {entry["sequence"]: entry for entry in map(json.loads, lines)}
    entry = next(item for item in known.values() if item["recorded_at"] == pointer["released_at"])
    place = folder / f"{TOP}/statement.json"
    envelope = json.loads(place.read_text())
    content = json.loads(base64.b64decode(envelope["payload"]))
    change(content, envelope["signatures"][0], known)
    envelope["payload"] = base64.b64encode(json.dumps(content).encode()).decode()
    place.write_text(json.dumps(envelope))
    entry["facts"]["statement_sha256"] = recompute.sha256(place.read_bytes())
    named = json.loads((folder / f"{TOP}/files/manifest.json").read_text())["files"]
    assert facts["releases"] == [3]
    return list(recompute.stated(folder, name, entry, named, known))


def _approval(content, _signature, _known):
    approval = content["predicate"]["approvals"][0]
    approval["name"] = "mary"
    approval["digest"]["sha256"] = recompute.sha256(
        recompute.canonical({key: value for key, value in approval.items() if key != "digest"})
    )


def _late(_content, _signature, known):
    for entry in known.values():
        if entry["tag"] == "key:adopted":
            entry["sequence"] = 10_000


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda said, *_: said["subject"].pop(), "is about other files"),
        (lambda said, *_: said["predicate"]["model"]["digest"].update(sha256="0"), "names another model"),
        (lambda said, *_: said["predicate"]["metrics"]["digest"].update(sha256="0"), "names another metrics"),
        (lambda said, *_: said["predicate"].pop("sealedGroups"), "names another sealedGroups"),
        (lambda said, *_: said["predicate"].update(number=4), "names another number"),
        (lambda said, *_: said["predicate"].update(kind="release"), "names another kind"),
        (lambda said, *_: said["predicate"].update(reason="Compliments."), "names another reason"),
        (lambda said, *_: said["predicate"].update(runId="r"), "names another runId"),
        (lambda said, *_: said["predicate"].update(family="outcomes"), "names another family"),
        (lambda said, *_: said["predicate"]["data"].update(asOf="2026-10-30"), "names another asOf"),
        (_approval, "names other approvals"),
        (
            lambda said, *_: said["predicate"]["approvals"][0]["digest"].update(sha256="0"),
            "another digest than it says",
        ),
        (lambda _said, signature, _known: signature.update(keyid="0"), "is not in keys/ under its fingerprint"),
        (_late, "was not adopted in the ledger before"),
    ],
)
def test_a_statement_that_says_something_else_is_named(made, tmp_path, change, fault):
    folder = unpacked(make(made, Wanted(FAMILY), PLACES), tmp_path / "bundle")
    assert restated(folder, lambda *_: None) == []
    assert any(fault in found for found in restated(folder, change))


def sealed(entry):
    """An entry as somebody writes it who can count digests."""
    plain = recompute.canonical({name: value for name, value in entry.items() if name != "content_sha256"})
    return b'{"content_sha256":"%b",%b\n' % (recompute.sha256(plain).encode(), plain[1:])


def test_the_last_entry_of_the_stretch_cannot_be_another_than_the_head_that_is_printed(made, tmp_path):
    today = datetime.now(UTC).date()
    folder = unpacked(make(made, Wanted(FAMILY, since=today, until=today), PLACES), tmp_path / "bundle")
    path = folder / "ledger/entries.jsonl"
    *lines, last = recompute.lines(path)
    entry = json.loads(last)
    assert entry["facts"] == {"rows": 12}
    entry["facts"]["rows"] = 2
    path.write_bytes(b"".join([*lines, sealed(entry)]))
    resealed(folder)
    assert recompute.check(folder) == [
        f"Entry {entry['sequence']} of the ledger is not the one whose digest facts.json names."
    ]


def test_a_cited_entry_takes_the_place_of_none_in_the_chain(made, tmp_path):
    folder = unpacked(make(made, Wanted(FAMILY), PLACES), tmp_path / "bundle")
    entry = json.loads(recompute.lines(folder / "ledger/entries.jsonl")[-1])
    del entry["facts"]["statement_sha256"]
    entry["facts"]["approvers"][1]["name"] = "mallory"
    pointer = folder / f"{TOP}/pointer.json"
    pointer.write_text(json.dumps(json.loads(pointer.read_text()) | {"approvers": entry["facts"]["approvers"]}))
    with (folder / "ledger/cited.jsonl").open("ab") as file:
        file.write(sealed(entry))
    resealed(folder)
    found = " ".join(recompute.check(folder))
    assert f"Entry {entry['sequence']} of the ledger is cited though it stands elsewhere in the bundle." in found
    assert "differ in who approved" in found, "the chain has the last word"


def test_only_models_and_sealed_counts_may_be_left_out(made, tmp_path):
    folder = unpacked(make(made, Wanted(FAMILY), PLACES), tmp_path / "bundle")
    groups, facts = folder / f"{TOP}/files/evaluated/groups.json", json.loads((folder / "facts.json").read_text())
    facts["left_out"][f"{TOP}/files/evaluated/groups.json"] = recompute.sha256(groups.read_bytes())
    (folder / "facts.json").write_text(json.dumps(facts))
    groups.unlink()
    named = json.loads((folder / "manifest.json").read_text())["files"]
    del named[f"{TOP}/files/evaluated/groups.json"]
    (folder / "manifest.json").write_text(json.dumps({"files": named}))
    resealed(folder)
    assert recompute.check(folder) == ["evaluated/groups.json of release 000000000003 is missing."]


def test_a_release_without_a_statement_after_a_key_is_named(made, tmp_path):
    folder = unpacked(make(made, Wanted(FAMILY), PLACES), tmp_path / "bundle")
    path, facts = folder / "ledger/entries.jsonl", json.loads((folder / "facts.json").read_text())
    *lines, last = recompute.lines(path)
    entry = json.loads(last)
    del entry["facts"]["statement_sha256"]
    path.write_bytes(b"".join([*lines, sealed(entry)]))
    facts["ledger"]["sha256"] = digest = recompute.sha256(sealed(entry))
    (folder / "facts.json").write_text(json.dumps(facts))
    pointer = json.loads((folder / f"{TOP}/pointer.json").read_text())
    pointer["ledger"]["sha256"] = digest
    (folder / f"{TOP}/pointer.json").write_text(json.dumps(pointer))
    resealed(folder)
    assert recompute.check(folder) == [
        "Release 000000000003 is not signed, though the ledger had adopted a key before."
    ]


def test_model_files_and_parameters_are_those_that_are_named(made, tmp_path):
    place = unpacked(make(made, Wanted(FAMILY), PLACES), tmp_path / "bundle") / f"{TOP}/files"
    named = json.loads((place / "manifest.json").read_text())["files"]
    facts = dict(list(entries(made))[-2].facts)
    assert list(recompute.judged(place, "3", named, facts)) == []
    other = {**named, "model/model.keras": "0" * 64}
    assert list(recompute.judged(place, "3", other, facts)) == [
        "The model files of release 3 are not the model that the ledger names."
    ]
    for file in ("evaluated/metrics.json", "evaluated/served.json", "card.json"):
        assert list(recompute.judged(place, "3", {**named, file: "0" * 64}, facts)) == [
            f"The verdict of release 3 was given on another {file}."
        ]
    card = json.loads((place / "card.json").read_text()) | {"params": {"seed": 1}}
    (place / "card.json").write_text(json.dumps(card))
    assert list(recompute.judged(place, "3", named, facts)) == [
        "The parameters in card.json of release 3 are not those that its verdict names."
    ]


def test_the_examiner_looks_at_all_files_that_a_statement_names():
    assert recompute.PREDICATE == statement._FILES


def test_an_approval_without_its_entry_is_named():
    facts = {"verdict_sha256": "v", "run_id": "r"}
    entry = {"facts": {**facts, "approvers": [{"name": "anna"}, {"name": "ben"}]}}
    known = {1: {"tag": "release:approved", "facts": {**facts, "name": "anna"}}}
    known[2] = {"tag": "release:approved", "facts": {**facts, "run_id": "another", "name": "ben"}}
    assert list(recompute.approved("7", entry, known)) == [
        "Release 7 names ben as having approved, and no entry of the ledger says so."
    ]


def test_an_entry_that_does_not_follow_the_one_before_is_named():
    lines = [line.to_json() for line in (Entry(n, Tag.MODEL_TRAINED, "x", {}, "", "0" * 64) for n in (1, 2))]
    assert list(recompute.chained(lines, {"first": 1, "last": 2, "sha256": recompute.sha256(lines[-1])})) == [
        "Entry 2 of the ledger does not follow the one before it."
    ]


def test_few_people_are_compared_by_fishers_test():
    few, many = ({"group": "a", "n": n, "selected": s, "interval": "none"} for s, n in ((6, 14), (7, 14)))
    # at 28 people, all expected cells above 5: the number of people alone asks for the exact test, by hand
    # 2 * sum of hypergeometric chances of 6 or fewer of 13 selected among 14 of 28, which is 1 by symmetry
    assert math.isclose(recompute.compared(few, many)["p_value"], 1.0)


def test_another_key_in_the_bundle_is_named(made, tmp_path):
    folder = unpacked(make(made, Wanted(FAMILY), PLACES), tmp_path / "bundle")
    (key,) = (folder / "keys").iterdir()
    key.write_text(key.read_text().replace("MC", "MD", 1))
    resealed(folder)
    assert any("is not in keys/ under its fingerprint" in found for found in recompute.check(folder))


def test_a_period_has_all_that_was_live_in_it_and_its_stretch_of_the_ledger(made, tmp_path):
    today = date.fromisoformat(next(entries(made)).recorded_at[:10])
    bias = f"reports/{FAMILY}/{today}/bias.json"
    made.put(bias, b"{}")
    data = make(made, Wanted(FAMILY, since=today, until=today), PLACES)
    folder = unpacked(data, tmp_path / "bundle")
    facts = json.loads((folder / "facts.json").read_text())
    assert facts["releases"] == [1, 2, 3]
    assert (facts["ledger"]["first"], facts["ledger"]["last"]) == (1, len(made.list("ledger")))
    assert (folder / "ledger/cited.jsonl").read_bytes() == b""
    assert (folder / f"reports/{today}/bias.json").read_bytes() == b"{}"
    assert checked(folder)[0] == 0
    long_ago = Wanted(FAMILY, since=date(2020, 1, 1), until=date(2020, 12, 31))
    with pytest.raises(ContractError, match="must be about a release"):
        make(made, long_ago, PLACES)


@pytest.mark.parametrize(
    "period",
    [
        {"since": date(2026, 1, 2)},
        {"until": date(2026, 1, 2)},
        {"since": date(2026, 1, 2), "until": date(2026, 1, 1)},
    ],
)
def test_half_a_period_is_refused(made, period):
    with pytest.raises(SettingsError, match="must have a first and a last day"):
        make(made, Wanted(FAMILY, **period), PLACES)


def test_nothing_is_handed_out_of_a_store_that_is_not_whole(made):
    key = next(key for key in made.list("releases") if key.endswith("card.json"))
    made.put(key, b"{}")
    with pytest.raises(ContractError, match=re.escape(key)):
        make(made, Wanted(FAMILY), PLACES)


def test_a_release_of_before_signatures_is_checked_without_one(store, tmp_path, monkeypatch):
    monkeypatch.setattr("pipelines.publish.release.attest", lambda _store, _family, facts: facts)
    released(store, Answers(), tmp_path)
    folder = unpacked(make(store, Wanted(FAMILY), PLACES), tmp_path / "bundle")
    said = checked(folder, "--signatures")[1].splitlines()
    assert said[-1] == "No release here is signed."
    assert "Release 1 is not signed." in said
    assert "openssl pk" not in (readme := (folder / "README.md").read_text())
    assert "No release here is signed" in readme


def test_the_command_writes_the_zip(made, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CANDOR_STORE", made.url)
    documents = yaml.safe_load(Path("params.yaml").read_text())["documents"]
    settings = {
        "law": {"jurisdictions": list(PLACES), "locations": {}},
        "documents": documents,
        "publish": {"signers": []},
    }
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(settings))
    monkeypatch.chdir(tmp_path)
    assert main(["make", FAMILY, "--to", "b.zip"]) == 0
    assert json.loads(capsys.readouterr().out)["bytes"] == (tmp_path / "b.zip").stat().st_size
    assert {"documents/000000000003/card.html"} <= set(names((tmp_path / "b.zip").read_bytes()))
    assert (tmp_path / "b.zip").read_bytes() == make(made, Wanted(FAMILY), PLACES)
    assert main(["make", FAMILY, "--to", "nowhere/b.zip"]) == 1
    assert "--to names none" in capsys.readouterr().err


# ---------------------------------------------------------------- numbers


def counts(*rows):
    """Evidence of people by group: (group, selected, people)."""
    selected, group = [], []
    for name, chosen, people in rows:
        selected += [True] * chosen + [False] * (people - chosen)
        group += [name] * people
    return evidence(selected, {"sex": group}, ["r"] * len(group))


GOLDEN = [
    # spec: IR, Katz interval, z and p of published cases; G1 is decided by Fisher's test, G3 by the normal one
    (("women", 1, 10), ("men", 3, 20), {"ratio": 0.6667, "low": 0.079, "high": 5.622, "z": -0.380, "p": 1.0}),
    (("women", 180, 400), ("men", 600, 1000), {"ratio": 0.75, "low": 0.665, "high": 0.845, "z": -5.104, "p": 3.3e-07}),
]


@pytest.mark.parametrize(("group", "reference", "expected"), GOLDEN)
def test_numbers_are_made_again_as_the_published_cases_have_them(group, reference, expected):
    def row(name, selected, people):
        return {"group": name, "n": people, "selected": selected, "interval": "katz"}

    found = recompute.compared(row(*group), row(*reference))
    assert math.isclose(found["impact_ratio"], expected["ratio"], abs_tol=5e-5)
    assert math.isclose(found["low"], expected["low"], abs_tol=5e-4)
    assert math.isclose(found["high"], expected["high"], abs_tol=5e-4)
    assert math.isclose(found["z"], expected["z"], abs_tol=5e-4)
    assert math.isclose(found["p_value"], expected["p"], rel_tol=0.02)


def test_fishers_test_is_that_of_the_published_cases():
    assert math.isclose(recompute.fisher(9, 30, 120, 300), 0.3306, abs_tol=5e-5)
    assert math.isclose(recompute.fisher(180, 400, 600, 1000), 3.92e-07, rel_tol=2e-3)


@pytest.mark.parametrize(
    "rows",
    [
        (("a", 180, 400), ("b", 600, 1000), (None, 3, 9)),
        (("a", 10, 35), ("b", 15, 40)),
        (("a", 0, 50), ("b", 15, 40)),
        (("a", 0, 50), ("b", 0, 40)),
        (("a", 3, 5),),
    ],
)
def test_every_number_of_ours_follows_from_its_counts(rows):
    assert list(recompute.groups("groups.json", counts(*rows))) == []


@pytest.mark.parametrize(
    "field",
    ["rate", "impact_ratio", "statutory_impact_ratio", "low", "high", "z", "p_value", "shortfall", "n", "selected"],
)
def test_a_number_that_does_not_follow_is_named(field):
    found = counts(("a", 180, 400), ("b", 600, 1000))
    row = next(row for row in found["axes"][0]["groups"] if row["group"] == "a")
    row[field] = row[field] * 2 + 1
    faults = list(recompute.groups("groups.json", {"axes": found["axes"], "human": None}))
    assert any("sex" in fault and (field in fault) for fault in faults)


def test_a_verdict_is_what_its_findings_give():
    passing, failing = {"passed": True}, {"passed": False}
    assert list(recompute.verdict("v", {"verdict": "allowed", "findings": [passing]})) == []
    for findings in ([], [passing, failing]):
        assert list(recompute.verdict("v", {"verdict": "allowed", "findings": findings})) == [
            "v: its findings say held; the verdict is allowed."
        ]


@pytest.mark.parametrize(
    ("higher", "difference", "is_right"), [(True, 0.1, True), (False, -0.1, True), (True, 0.2, False)]
)
def test_the_difference_is_model_against_baseline(higher, difference, is_right):
    interval = {"low": 0.0, "high": 1.0}
    content = {"higher_is_better": higher, "model": {"value": 0.8, **interval}, "baseline": {"value": 0.7, **interval}}
    content["difference"] = {"value": difference, **interval}
    assert (not list(recompute.metrics("m", content))) is is_right
