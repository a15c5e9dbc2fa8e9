"""Check an unpacked bundle: nothing changed, everything bound to everything, every number that follows from others.

    python verify.py                     in the bundle's folder; exit code 1 and a line for each fault
    python verify.py --signatures        also writes what `openssl` needs, and prints its commands

Python 3.11 and its standard library only; it reads files beside it, writes nothing without --signatures, and fetches
nothing. What it cannot do is said in README.md: check a signature (openssl does), and know whether the ledger's head
and the signing key are those that the company shows to everybody else.
"""

import base64
import hashlib
import json
import math
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import NormalDist
from typing import Any

Z = NormalDist().inv_cdf(0.975)
CLOSE = 1e-9
"""Relative difference that the order of additions may make."""
SMALL_PEOPLE, SMALL_EXPECTED = 30, 5
"""Fewer people compared, or an expected cell below: then Fisher's exact test decides."""
EXACT_LIMIT = 2000
"""People up to whom the exact test is made again here."""
JUDGED = {"metrics.json": "evaluated/metrics.json", "groups.json": "evaluated/groups.json", "card.json": "card.json"}
"""What every verdict has as evidence, and the file of the release; what else it has lies under its own name."""
PREDICATE = {
    "alternatives": "alternatives.json",
    "card": "card.json",
    "groups": "evaluated/groups.json",
    "metrics": "evaluated/metrics.json",
    "sealedGroups": "evaluated/groups.sealed",
    "verdict": "verdict.json",
}
MARK = b'{"content_sha256":"'
OTHER_FORM = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, OSError, RecursionError)
"""What reading raises where a file is not of the form that Candor writes, whatever its bytes are."""


def sha256(data: bytes) -> str:
    """Hex digest."""
    return hashlib.sha256(data).hexdigest()


def canonical(content: Any) -> bytes:
    """JSON in one way only."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def check(folder: Path) -> list[str]:
    """One sentence for each fault; empty when there is none."""
    found = told("manifest.json", lambda: files(folder))  # what follows from a changed file would only repeat that
    return found or told("facts.json or the ledger beside it", lambda: bound(folder))


def told(where: str, faults: Callable[[], Iterable[str]]) -> list[str]:
    """Faults, the last of them where something of another form than Candor writes ended the looking."""
    found: list[str] = []
    try:
        found.extend(faults())
    except OTHER_FORM as error:
        found.append(f"{where} is not of the form that Candor writes ({type(error).__name__}).")
    return found


def bound(folder: Path) -> Iterator[str]:
    """Whether the ledger is whole and everything about the releases follows from it."""
    facts = json.loads((folder / "facts.json").read_bytes())
    chain = lines(folder / "ledger/entries.jsonl")
    cited = lines(folder / "ledger/cited.jsonl")
    yield from [*chained(chain, facts["ledger"]), *whole(cited), *elsewhere(cited, facts["ledger"])]
    known = {entry["sequence"]: entry for entry in map(json.loads, [*cited, *chain])}  # the chain has the last word
    digests = {json.loads(line)["sequence"]: sha256(line) for line in chain}
    yield from told("The pointer of a release", lambda: placed(folder, facts["releases"], known))
    for name in [f"{number:012d}" for number in facts["releases"]]:
        yield from told(f"Release {name}", partial(release, folder, name, facts, known, digests))


def files(folder: Path) -> Iterator[str]:
    """Files that are not those of manifest.json."""
    named = json.loads((folder / "manifest.json").read_bytes())["files"]
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - {"manifest.json"}
    for name in sorted({*named, *there}):
        if name not in named:
            if not name.startswith("signatures/"):
                yield f"{name} is not in manifest.json."
        elif name not in there:
            yield f"{name} is missing."
        elif sha256((folder / name).read_bytes()) != named[name]:
            yield f"{name} is not the file that manifest.json names."


def lines(path: Path) -> list[bytes]:
    """Entries of the ledger, byte for byte."""
    return path.read_bytes().splitlines(keepends=True)


def whole(entries: Sequence[bytes]) -> Iterator[str]:
    """Entries whose own digest is not that of their content."""
    for line in entries:
        own = line[len(MARK) : len(MARK) + 64].decode()
        rest = line[len(MARK) + 66 :]
        if not line.startswith(MARK) or sha256(b"{" + rest.removesuffix(b"\n")) != own:
            yield f"Entry {json.loads(line).get('sequence')} of the ledger is not as it was written."


def chained(entries: Sequence[bytes], said: Mapping[str, Any]) -> Iterator[str]:
    """Entries that do not follow the one before."""
    yield from whole(entries)
    read = [json.loads(line) for line in entries]
    numbers = [entry["sequence"] for entry in read]
    first, last = said["first"], said["last"]
    if len(numbers) != last - first + 1 or numbers != [first + place for place in range(len(numbers))]:
        yield f"ledger/entries.jsonl must hold the entries {said['first']} to {said['last']}."
    for before, entry in zip(entries, read[1:], strict=False):
        if entry["previous_sha256"] != sha256(before):
            yield f"Entry {entry['sequence']} of the ledger does not follow the one before it."
    if not entries or sha256(entries[-1]) != said["sha256"]:
        yield f"Entry {said['last']} of the ledger is not the one whose digest facts.json names."


def elsewhere(cited: Sequence[bytes], said: Mapping[str, Any]) -> Iterator[str]:
    """Cited entries that stand in the place of one of the chain, or of another cited one."""
    seen = set()
    for number in (json.loads(line)["sequence"] for line in cited):
        if said["first"] <= number <= said["last"] or number in seen:
            yield f"Entry {number} of the ledger is cited though it stands elsewhere in the bundle."
        seen.add(number)


def placed(folder: Path, numbers: Sequence[int], known: Mapping[int, Any]) -> Iterator[str]:
    """Releases at another place than the ledger gave them: what was once live is live again by an entry only."""
    newest = 0
    for number in sorted(numbers):
        pointer = json.loads((folder / f"releases/{number:012d}/pointer.json").read_bytes())
        entry = behind(pointer, known)
        if entry is None:
            continue
        if not pointer["sequence"] == entry["facts"].get("number", number) == number:
            yield f"Release {number:012d} is not the number that its pointer and entry {entry['sequence']} name."
        if entry["sequence"] <= newest:
            yield f"Release {number:012d} is of entry {entry['sequence']}, and a release before it is of {newest}."
        newest = max(newest, entry["sequence"])
        if pointer["ledger"]["sequence"] < entry["sequence"]:
            yield f"Release {number:012d} anchors what was before its own entry {entry['sequence']}."
        for other in known.values():
            if other["tag"] != "model:released" or other["subject"] != pointer["family"] or other is entry:
                continue
            if other["facts"].get("number") == number and other["sequence"] > entry["sequence"]:
                yield f"Entry {other['sequence']} of the ledger gives release {number:012d}'s number to a newer one."
            statement, repeats = other["facts"].get("statement_sha256"), entry["facts"].get("statement_sha256")
            if (
                statement
                and statement == repeats
                and ("number" in entry["facts"] or other["facts"]["kind"] == "release")
            ):
                yield f"Entry {other['sequence']} of the ledger has the statement of release {number:012d} as well."


def behind(pointer: Mapping[str, Any], known: Mapping[int, Any]) -> Any:
    """The entry that a pointer was written for; None when there is none."""
    about = ("model:released", pointer["family"], pointer["released_at"])
    return next((item for item in known.values() if (item["tag"], item["subject"], item["recorded_at"]) == about), None)


def release(
    folder: Path, name: str, facts: Mapping[str, Any], known: Mapping[int, Any], digests: Mapping[int, str]
) -> Iterator[str]:
    """Whether pointer, entry, manifest, files, verdict, parameters and statement of a release are one another's."""
    place = folder / "releases" / name
    pointer = json.loads((place / "pointer.json").read_bytes())
    entry = behind(pointer, known)
    if entry is None:
        yield f"No entry of the ledger stands behind release {name}."
        return
    said = entry["facts"]
    yield from pointed(name, pointer, entry, digests)
    yield from approved(name, entry, known)
    manifest = (place / "files/manifest.json").read_bytes()
    if sha256(manifest) != said["manifest_sha256"]:
        yield f"Release {name} has another manifest than entry {entry['sequence']} names."
        return
    named = json.loads(manifest)["files"]
    left_out = {file: facts["left_out"].get(f"releases/{name}/files/{file}") for file in named}
    yield from listed(place / "files", name, named, left_out)
    yield from judged(place / "files", name, named, said)
    if "statement_sha256" in said:
        yield from stated(folder, name, entry, named, known)
    elif any(item["tag"] == "key:adopted" and item["sequence"] < entry["sequence"] for item in known.values()):
        yield f"Release {name} is not signed, though the ledger had adopted a key before."
    for file in ("evaluated/groups.json", "evaluated/metrics.json", "verdict.json"):
        path = place / "files" / file
        if path.is_file():
            content = json.loads(path.read_bytes())
            where = f"{file} of release {name}"
            yield from {"evaluated/groups.json": groups, "evaluated/metrics.json": metrics}.get(file, verdict)(
                where, content
            )


def pointed(
    name: str, pointer: Mapping[str, Any], entry: Mapping[str, Any], digests: Mapping[int, str]
) -> Iterator[str]:
    """What a pointer says that its entry does not, and an anchor that is not in the ledger."""
    anchor, said = pointer["ledger"], entry["facts"]
    if digests.get(anchor["sequence"]) != anchor["sha256"]:
        yield f"Release {name} anchors entry {anchor['sequence']} with another digest than it has."
    for field in ("verdict_sha256", "manifest_sha256", "model_sha256", "data_sha256", "as_of", "run_id", "kind"):
        if pointer[field] != said[field]:
            yield f"The pointer of release {name} and entry {entry['sequence']} differ in {field}."
    if pointer["reason"] != said.get("reason", ""):
        yield f"The pointer of release {name} and entry {entry['sequence']} differ in the reason."
    if pointer["folder"] != f"releases/{entry['subject']}/{said['verdict_sha256']}":
        yield f"The pointer of release {name} names another folder than entry {entry['sequence']} does."
    if pointer["approvers"] != said["approvers"]:
        yield f"The pointer of release {name} and entry {entry['sequence']} differ in who approved."


def listed(place: Path, name: str, named: Mapping[str, str], left_out: Mapping[str, str | None]) -> Iterator[str]:
    """Files that are not those of the release's manifest, or are neither here nor left out."""
    for file, digest in named.items():
        if (place / file).is_file():
            if sha256((place / file).read_bytes()) != digest:
                yield f"{file} of release {name} is not the file that its manifest names."
        elif left_out[file] != digest or not (file.startswith("model/") or file.endswith(".sealed")):
            yield f"{file} of release {name} is missing."


def approved(name: str, entry: Mapping[str, Any], known: Mapping[int, Any]) -> Iterator[str]:
    """Approvals without an entry of their own."""
    about = ("verdict_sha256", "run_id")
    given = [
        {key: value for key, value in item["facts"].items() if key not in about}
        for item in known.values()
        if item["tag"] == "release:approved" and all(item["facts"].get(key) == entry["facts"][key] for key in about)
    ]
    for approval in entry["facts"]["approvers"]:
        if approval not in given:
            yield f"Release {name} names {approval['name']} as having approved, and no entry of the ledger says so."


def judged(place: Path, name: str, named: Mapping[str, str], said: Mapping[str, Any]) -> Iterator[str]:
    """Whether the verdict is the one released and about these files, and the parameters are those it names."""
    content = json.loads((place / "verdict.json").read_bytes())
    if named["verdict.json"] != said["verdict_sha256"]:
        yield f"Release {name} has another verdict than the ledger names."
    for evidence in {**JUDGED, **content["evidence"]}:
        places = (JUDGED.get(evidence, evidence), f"evaluated/{evidence}")
        file = next((place for place in places if place in named), evidence)
        if content["evidence"].get(evidence) != named.get(file):
            yield f"The verdict of release {name} was given on another {file}."
    for field in ("model_sha256", "data_sha256", "as_of"):
        if content[field] != said[field]:
            yield f"The verdict of release {name} is about another {field.removesuffix('_sha256')}."
    card = json.loads((place / "card.json").read_bytes()) if (place / "card.json").is_file() else {}
    if "params" in card and sha256(json.dumps(card["params"], sort_keys=True).encode()) != content["params_sha256"]:
        yield f"The parameters in card.json of release {name} are not those that its verdict names."
    tree = {file.removeprefix("model/"): digest for file, digest in named.items() if file.startswith("model/")}
    listed = "\n".join(f"{tree[file]}  {file}" for file in sorted(tree, key=lambda file: file.split("/")))
    if sha256(listed.encode()) != said["model_sha256"]:
        yield f"The model files of release {name} are not the model that the ledger names."


def stated(
    folder: Path, name: str, entry: Mapping[str, Any], named: Mapping[str, str], known: Mapping[int, Any]
) -> Iterator[str]:
    """Whether the signed statement says what the release is. Its signature is openssl's to check."""
    data = (folder / "releases" / name / "statement.json").read_bytes()
    said = entry["facts"]
    if sha256(data) != said["statement_sha256"]:
        yield f"The statement of release {name} is not the one that entry {entry['sequence']} names."
        return
    envelope = json.loads(data)
    content = json.loads(base64.b64decode(envelope["payload"]))
    subjects = {item["name"]: item["digest"]["sha256"] for item in content["subject"]}
    if subjects != {**named, "manifest.json": said["manifest_sha256"]}:
        yield f"The statement of release {name} is about other files."
    bound = content["predicate"]
    expected = {
        "model": said["model_sha256"],
        "data": said["data_sha256"],
        **{field: named[file] for field, file in PREDICATE.items() if file in named},
    }
    for field, digest in expected.items():
        if bound.get(field, {}).get("digest", {}).get("sha256") != digest:
            yield f"The statement of release {name} names another {field}."
    plainly = {"family": entry["subject"], "kind": said["kind"], "reason": said.get("reason", "")}
    plainly |= {"runId": said["run_id"], "number": said.get("number")}
    for field, value in plainly.items():
        if bound.get(field) != value:
            yield f"The statement of release {name} names another {field}."
    if bound["data"].get("asOf") != said["as_of"]:
        yield f"The statement of release {name} names another asOf."
    approvals = [{key: value for key, value in item.items() if key != "digest"} for item in bound["approvals"]]
    if approvals != said["approvers"]:
        yield f"The statement of release {name} names other approvals."
    for item in bound["approvals"]:
        plain = {key: value for key, value in item.items() if key != "digest"}
        if sha256(canonical(plain)) != item["digest"]["sha256"]:
            yield f"An approval in the statement of release {name} has another digest than it says."
    (signed,) = envelope["signatures"]
    key = folder / "keys" / f"{signed['keyid']}.pem"
    if not key.is_file() or sha256(der(key.read_bytes())) != signed["keyid"]:
        yield f"The key that signed the statement of release {name} is not in keys/ under its fingerprint."
    adopted = [item for item in known.values() if item["tag"] == "key:adopted" and item["subject"] == signed["keyid"]]
    if not any(item["sequence"] < entry["sequence"] for item in adopted):
        yield f"The key that signed the statement of release {name} was not adopted in the ledger before."


def der(pem: bytes) -> bytes:
    """The key itself, whose sha256 is its fingerprint."""
    return base64.b64decode(b"".join(line for line in pem.splitlines() if not line.startswith(b"-----")))


def groups(where: str, content: Mapping[str, Any]) -> Iterator[str]:
    """Rates, impact ratios, intervals and tests that do not follow from the counts beside them."""
    for source in (content, content.get("human") or {}):
        for axis in [*source.get("axes", ()), *source.get("by_subject", ())]:
            yield from axis_of(where, axis)


def axis_of(where: str, axis: Mapping[str, Any]) -> Iterator[str]:
    """The same for one table."""
    rows = {row["group"]: row for row in axis["groups"]}
    place = f"{where}, {axis['axis']}{' of ' + str(axis['subject']) if axis.get('subject') else ''}"
    for field in ("n", "selected"):
        if sum(row[field] for row in rows.values()) != axis[field]:
            yield f"{place}: the groups' {field} do not add up."
    for name, row in rows.items():
        expected: dict[str, float | None] = {"rate": row["selected"] / row["n"] if row["n"] else None}
        best = rows.get(axis["statutory_reference"])
        if best and best["selected"] and row["n"]:
            expected["statutory_impact_ratio"] = rate(row) / rate(best)
        reference = rows.get(axis["reference"])
        if reference and reference["selected"] and row["n"] and not row["is_reference"]:
            expected |= compared(row, reference)
        for field, value in expected.items():
            if row.get(field) is not None and (value is None or not close(row[field], value)):
                yield f"{place}: the {field} of {name} must be {value}; it is {row[field]}."


def compared(row: Mapping[str, Any], reference: Mapping[str, Any]) -> dict[str, float | None]:
    """What a group beside the reference gives."""
    (n, s), (m, r) = independent(row), independent(reference)
    ratio, pooled = rate(row) / rate(reference), (s + r) / (n + m)
    both = (row["selected"] + reference["selected"]) / (row["n"] + reference["n"])
    found: dict[str, float | None] = {
        "impact_ratio": ratio,
        "shortfall": max(0.0, row["n"] * both - row["selected"]),
    }
    if row["interval"] == "katz":
        factor = math.exp(Z * math.sqrt(1 / s - 1 / n + 1 / r - 1 / m))
        found |= {"low": (s / n) / (r / m) / factor, "high": (s / n) / (r / m) * factor}
    spread = math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    if spread:
        found["z"] = z = (s / n - r / m) / spread
        is_small = min(pooled, 1 - pooled) * min(n, m) < SMALL_EXPECTED - CLOSE or n + m < SMALL_PEOPLE
        if not is_small:
            found["p_value"] = math.erfc(abs(z) / math.sqrt(2))
        elif n + m <= EXACT_LIMIT:
            found["p_value"] = fisher(s, n, r, m)
    return found


def independent(row: Mapping[str, Any]) -> tuple[int, int]:
    """Decisions about different people that a group's are worth, and those that selected."""
    effect = row.get("design_effect") or 1.0
    people = max(round(row["n"] / effect), int(row["n"] > 0))
    return people, min(round(row["selected"] / effect), people)


def rate(row: Mapping[str, Any]) -> float:
    """Selected of all."""
    return float(row["selected"] / row["n"])


def fisher(s: int, n: int, r: int, m: int) -> float:
    """Fisher's exact test, two-sided: all tables that are no likelier than this one."""
    chances = [math.comb(n, k) * math.comb(m, s + r - k) for k in range(max(0, s + r - m), min(n, s + r) + 1)]
    mine = math.comb(n, s) * math.comb(m, r)
    return sum(chance for chance in chances if chance <= mine) / math.comb(n + m, s + r)


def metrics(where: str, content: Mapping[str, Any]) -> Iterator[str]:
    """The difference that is not model against baseline, and intervals that do not hold their value."""
    model, baseline, difference = (content[name]["value"] for name in ("model", "baseline", "difference"))
    sign = 1 if content["higher_is_better"] else -1
    if None not in (model, baseline, difference) and not close(difference, sign * (model - baseline)):
        yield f"{where}: the difference must be model against baseline; it is another."
    for name in ("model", "difference"):
        found = content[name]
        if None not in (found["low"], found["high"]) and found["low"] > found["high"]:
            yield f"{where}: the interval of the {name} must begin below its end."


def verdict(where: str, content: Mapping[str, Any]) -> Iterator[str]:
    """A verdict that its findings do not give."""
    passed = [finding["passed"] is True for finding in content["findings"]]
    expected = "allowed" if passed and all(passed) else "held"
    if content["verdict"] != expected:
        yield f"{where}: its findings say {expected}; the verdict is {content['verdict']}."


def close(one: float, other: float) -> bool:
    """Equal up to the order of additions."""
    return math.isclose(one, other, rel_tol=CLOSE, abs_tol=CLOSE)


def signatures(folder: Path) -> list[str]:
    """Write what openssl needs to check each statement's signature; the commands."""
    commands = []
    for path in sorted(folder.glob("releases/*/statement.json")):
        envelope = json.loads(path.read_bytes())
        (signed,) = envelope["signatures"]
        if not re.fullmatch("[0-9a-f]{64}", signed["keyid"]):  # it stands in a command that somebody runs
            raise ValueError("no fingerprint")
        kind, payload = envelope["payloadType"].encode(), base64.b64decode(envelope["payload"])
        place = folder / "signatures" / path.parent.name
        place.mkdir(parents=True, exist_ok=True)
        (place / "signed").write_bytes(b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload))
        (place / "signature").write_bytes(base64.b64decode(signed["sig"]))
        beside = f"signatures/{path.parent.name}"
        commands.append(
            f"openssl pkeyutl -verify -pubin -inkey keys/{signed['keyid']}.pem -rawin "
            f"-in {beside}/signed -sigfile {beside}/signature"
        )
    return commands


def main(argv: Sequence[str]) -> int:
    """Check the folder that this file lies in."""
    folder = Path(__file__).resolve().parent
    found = check(folder)
    facts = json.loads((folder / "facts.json").read_bytes()) if not found else {}
    for fault in found:
        print(fault)
    if not found:
        print(f"Nothing was changed, and every number that follows from others does. Releases: {facts['releases']}.")
        print(f"The ledger's entry {facts['ledger']['last']} has the sha256 {facts['ledger']['sha256']}.")
        for number in facts["releases"]:
            if not (folder / f"releases/{number:012d}/statement.json").is_file():
                print(f"Release {number} is not signed.")
        for path in sorted((folder / "keys").glob("*.pem")):
            print(f"A statement is signed by the key {path.stem}: compare it with what the company gave you on paper.")
    if "--signatures" in argv:
        print("\n".join(told("A statement", lambda: signatures(folder))) or "No release here is signed.")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
