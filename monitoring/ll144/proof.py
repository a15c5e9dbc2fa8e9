"""Prove a package: make it again from its own counts and facts, and name what differs. Pure: bytes in, sentences out.

Nothing of a package is run, unpacked to disk or trusted: `recompute.py` is compared with the digest that the manifest
names, and never executed. Inputs, from which everything else follows, are compared with the manifest cell by cell; all
other files with what the inputs give; the zip itself, last, with the zip that the files give.
"""

import json
import zipfile
from collections.abc import Iterator, Mapping
from io import BytesIO
from itertools import zip_longest
from typing import Final

from pydantic import ValidationError

from monitoring.ll144 import bundle
from monitoring.ll144.bundle import CODE, COUNTS, FACTS, INPUTS, LAW, MANIFEST, Manifest
from monitoring.ll144.facts import FORMAT, Facts, stated
from pipelines.base.digests import sha256_bytes
from pipelines.base.errors import ContractError, SettingsError
from pipelines.fairness import RULES, law, statutory
from pipelines.fairness.statutory import Cell

_LIMIT: Final = 16 * 2**20
"""Bytes of a package; ours have a hundredth of it."""
_LAW_LIMIT: Final = 2**16
_PEOPLE: Final = 10**7
"""Applicants of one package: more could not be judged in the memory of a small machine."""
_LOCAL_HEADER: Final = 30
"""Bytes of a member's header in a zip, before its name."""


def verify(data: bytes) -> list[str]:
    """Every fault of a package; empty when each number follows from its counts and each byte is as it was made.

    Args:
        data: The zip.

    Returns:
        One sentence a fault. Each names a file, and within it the cell, the fact or the line.
    """
    try:
        members = opened(data)
        named = _manifest(members)
    except ContractError as error:
        return [str(error)]
    faults = [*_changed(members, named)]
    try:
        facts, cells = read(members)
    except (ContractError, SettingsError) as error:
        return [*faults, str(error)]
    try:
        expected = bundle.files({name: members[name] for name in INPUTS}, facts, cells)
    except (ValueError, LookupError, ArithmeticError, MemoryError, RecursionError):
        return [*faults, f"{COUNTS} and {FACTS} must give tables; they do not. Ask for the original."]
    if members[CODE] != bundle.code():
        faults.append(f"{CODE} must be this Candor's; it is another Candor's {CODE}. Prove the package with that one.")
    faults += [fault for name in expected for fault in _differing(name, expected[name], members.get(name))]
    faults += [
        f"{statutory.shown(name)} must not be in a package; it is there." for name in members if name not in expected
    ]
    if facts.rules != RULES.code and faults:
        faults.append(
            f"Verdicts were made by {facts.rules} and this Candor has {RULES.code}: prove them with that one."
        )
    if facts.made_by_sha256 != bundle.made_by() and faults:
        faults.append("The package was made by another Candor, or with other libraries: prove it with those.")
    return faults or _framed(data, bundle.packed(expected))


def is_of_another_candor(data: bytes) -> bool:
    """Whether other code or libraries made a package than are here. Raises as `read` on one that `verify` refuses."""
    facts, _ = read(opened(data))
    return facts.made_by_sha256 != bundle.made_by()


def opened(data: bytes) -> dict[str, bytes]:
    """The files of a package as they lie in the zip, whatever its checksums say: those are compared in the end.

    Raises:
        ContractError: It is no zip of stored files, or too large.
    """
    if len(data) > _LIMIT:
        raise ContractError(f"A package must have {_LIMIT} bytes at most; it has {len(data)}. Ask for the original.")
    try:
        return {member.filename: _stored(data, member) for member in _listed(data)}
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        raise ContractError(
            "A package must be a zip of stored files; its directory is damaged. Ask for the original."
        ) from None


def read(members: Mapping[str, bytes]) -> tuple[Facts, list[Cell]]:
    """What a package says.

    Raises:
        ContractError: A file is missing or not readable.
        SettingsError: The facts are not complete.
    """
    lost = [name for name in INPUTS if name not in members]
    if lost:
        raise ContractError(f"A package must hold {', '.join(INPUTS)}; {', '.join(lost)} are missing.")
    try:
        said = json.loads(members[FACTS])
    except (ValueError, RecursionError):
        raise ContractError(f"{FACTS} must be JSON; it is not.") from None
    if isinstance(said, dict) and said.get("format") != FORMAT:
        raise SettingsError(f"{FACTS} must be of format {FORMAT}; it is of another. Use the Candor that made it.")
    facts = stated(said)
    if facts.to_json() != members[FACTS]:
        raise ContractError(f"{FACTS} must be written as its facts are; it is written in another way.")
    if sha256_bytes(members[LAW]) != facts.law_sha256:
        raise ContractError(f"{LAW} must be the pack that {FACTS} names; it is another.")
    _must_be_of_the_law(facts, members[LAW])
    try:
        cells = statutory.from_counts(members[COUNTS].decode())
    except ValueError as error:
        raise ContractError(f"{error}; it is not." if COUNTS in str(error) else f"{COUNTS} must be text.") from None
    if statutory.as_counts(cells).encode() != members[COUNTS]:
        raise ContractError(f"{COUNTS} must be written as its counts are; it is written in another way.")
    _must_be_possible(cells, facts)
    return facts, cells


def _must_be_of_the_law(facts: Facts, text: bytes) -> None:
    """What decides the tables is the law's, by the package's own text of it and by this Candor's."""
    ours = next(pack for pack in law.library() if pack.code == facts.law)
    if len(text) > _LAW_LIMIT:
        raise ContractError(f"{LAW} must have {_LAW_LIMIT} bytes at most; it has {len(text)}. Ask for the original.")
    theirs = ours if text == law.text_of(ours) else law.pack_of(text)
    for pack, whose in ((theirs, LAW), (ours, f"this Candor's {facts.law}")):
        for name, value in (("law", pack.code), ("categories", pack.categories), ("small_share", pack.small_share)):
            if getattr(facts, name) != value:
                raise ContractError(f"{FACTS}, {name} must be as {whose} has it; it is another.")


def _must_be_possible(cells: list[Cell], facts: Facts) -> None:
    """Counts that people could have, with a median that halves them.

    Each combination is there once, of known categories, and nobody was selected who did not apply.
    """
    codes = {(item.axis, item.code) for item in facts.categories}
    places = [(cell.sex, cell.race_ethnicity) for cell in cells]
    for number, cell in enumerate(cells, 2):
        if places.index(places[number - 2]) != number - 2:
            raise ContractError(f"{COUNTS}, line {number} must be of a combination of its own; it repeats one.")
        for axis, code in ((statutory.SEX, cell.sex), (statutory.RACE, cell.race_ethnicity)):
            if code != statutory.UNKNOWN and (axis, code) not in codes:
                raise ContractError(
                    f"{COUNTS}, line {number}, column {axis} must be a category of the law; it is none."
                )
        for name in ("selected", "above_median"):
            if getattr(cell, name) > cell.applicants:
                raise ContractError(f"{COUNTS}, line {number}, column {name} must not exceed applicants; it does.")
    people, above = sum(cell.applicants for cell in cells), sum(cell.above_median for cell in cells)
    if not 0 < people <= _PEOPLE:
        raise ContractError(f"{COUNTS} must count 1 to {_PEOPLE} applicants; it counts {people}.")
    if 2 * above > people or above + facts.ties > people or 2 * (above + facts.ties) < people:
        raise ContractError(
            f"Half of all applicants at most can be above the median, and half below; of {people} {above} are above it "
            f"in {COUNTS} and {facts.ties} at it in {FACTS}."
        )


def _manifest(members: Mapping[str, bytes]) -> Manifest:
    if MANIFEST not in members:
        raise ContractError(f"A package must hold {MANIFEST}; it is missing.")
    try:
        return Manifest.model_validate_json(members[MANIFEST])
    except ValidationError:
        raise ContractError(f"{MANIFEST} must name files, cells and facts; it is not readable.") from None


def _changed(members: Mapping[str, bytes], named: Manifest) -> Iterator[str]:
    """Inputs that are not those of the manifest, by cell and fact."""
    for name in INPUTS:
        if name in members and sha256_bytes(members[name]) != named.files.get(name):
            places = {COUNTS: _cells, FACTS: _facts}.get(name, _nowhere)(members[name], named)
            yield f"{name} must be the file that {MANIFEST} names; {'; '.join(places) or 'its digest differs'}."


def _cells(counts: bytes, named: Manifest) -> list[str]:
    text = counts.decode(errors="replace")
    columns = statutory.COUNT_COLUMNS
    nothing: list[str] = []
    return [
        f"line {number}, column {columns[place] if place < len(columns) else place + 1} differs"
        for number, (want, have) in enumerate(zip_longest(named.cells, bundle.marks(text), fillvalue=nothing), 1)
        for place, (mark, other) in enumerate(zip_longest(want, have))
        if mark != other
    ]


def _facts(facts: bytes, named: Manifest) -> list[str]:
    try:
        found = bundle.fact_marks(facts)
    except (ValueError, RecursionError):
        return []
    return [
        f"fact {statutory.shown(name)} differs"
        for name in sorted({*found, *named.facts})
        if found.get(name) != named.facts.get(name)
    ]


def _nowhere(_data: bytes, _named: Manifest) -> list[str]:
    return []


def _differing(name: str, expected: bytes, got: bytes | None) -> list[str]:
    """Where a file is not what follows from the inputs."""
    if got == expected:
        return []
    if got is None:
        return [f"{name} must be in a package; it is missing."]
    wanted, found = expected.decode(), got.decode(errors="replace")
    if name.endswith(".csv"):
        return statutory.differences(name, wanted, found)
    faults = [
        f"{name}, line {number} must be what the counts give: {statutory.shown(want.strip())}; it is "
        f"{statutory.shown(have.strip())}."
        for number, (want, have) in enumerate(zip_longest(wanted.split("\n"), found.split("\n"), fillvalue=""), 1)
        if want != have
    ]
    return faults or [f"{name} must end as the counts give it; it ends otherwise."]


def _framed(data: bytes, expected: bytes) -> list[str]:
    """Whether the zip around the files is as it was made."""
    if data == expected:
        return []
    place = next((n for n, pair in enumerate(zip(data, expected, strict=False)) if pair[0] != pair[1]), len(expected))
    return [f"The zip around the files must be as it was made; it differs from byte {place} on. The files are whole."]


def _listed(data: bytes) -> list[zipfile.ZipInfo]:
    with zipfile.ZipFile(BytesIO(data)) as archive:
        members = archive.infolist()
    if sum(member.file_size for member in members) > len(data):  # members that share bytes would be a bomb
        raise zipfile.BadZipFile
    return members


def _stored(data: bytes, member: zipfile.ZipInfo) -> bytes:
    """A member's bytes, without asking its checksum."""
    if member.compress_type != zipfile.ZIP_STORED:
        raise ValueError
    start = member.header_offset
    sizes = data[start + _LOCAL_HEADER - 4 : start + _LOCAL_HEADER]
    start += _LOCAL_HEADER + int.from_bytes(sizes[:2], "little") + int.from_bytes(sizes[2:], "little")
    return data[start : start + member.file_size]
