"""Resumes: what a candidate wrote, and how it becomes the bytes of a PDF or DOCX file.

Every skill a candidate has stands in the skills section, some of them again in the experience; no other
skill is ever named. The first lines hold what must be redacted: name, e-mail, phone, address, birth date; each line
says what of it that is.
Both writers give the same bytes for the same resume: no dates of saving, no random identifiers.
"""

from __future__ import annotations

import io
import textwrap
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

import numpy as np

from infra.sample import names
from infra.sample import vocabulary as words

if TYPE_CHECKING:
    from infra.sample.hiring import Candidates
    from infra.sample.plan import Plan

MONTH_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
HEADINGS = (
    ("Summary", "Experience", "Skills", "Education", "Interests"),
    ("Profile", "Work history", "Key skills", "Education", "Activities"),
    ("About me", "Professional experience", "Skills and tools", "Training and education", "Outside work"),
)
BULLETS = (
    "Responsible for {} in a team of {}",
    "Daily use of {}, with {} colleagues",
    "Introduced {} and trained {} people in it",
    "Improved {} for {} internal customers",
)


@dataclass(frozen=True, slots=True)
class Planted:
    """Something that tells who or what a person is: the value itself, and the words around it that announce it."""

    kind: str
    value: str
    label: str = ""
    tail: str = ""

    def __str__(self) -> str:
        return self.label + self.value + self.tail


@dataclass(frozen=True, slots=True)
class Line:
    """One paragraph of a resume: its text, whether it is a heading, and what it tells about who wrote it."""

    text: str
    is_heading: bool = False
    planted: tuple[Planted, ...] = ()


def paragraph(*pieces: str | Planted, is_heading: bool = False) -> Line:
    """A paragraph of words and of what is planted between them, in the order of reading."""
    return Line("".join(map(str, pieces)), is_heading, tuple(piece for piece in pieces if isinstance(piece, Planted)))


@dataclass(frozen=True, slots=True)
class Contact:
    """A candidate's direct identifiers."""

    first: str
    last: str
    email: str
    phone: str
    address: str
    born: str


def contact(candidates: Candidates, index: int) -> Contact:
    """The direct identifiers of one candidate. E-mail and phone are unique: they carry the index."""
    people = candidates.people
    first = (names.WOMEN if people.is_woman[index] else names.MEN)[people.first[index]]
    last, country = names.SURNAMES[people.last[index]], int(people.country[index])
    mailbox = "".join(c for c in f"{first}.{last}".lower() if c.isascii() and (c.isalpha() or c == "."))
    street = names.STREETS[index % len(names.STREETS)]
    city = names.CITIES[country][people.city[index]]
    return Contact(
        first=first,
        last=last,
        email=f"{mailbox}{index}@example.org",
        phone=f"{names.DIALLING[country]} 555 {index // 10_000:03d} {index % 10_000:04d}",
        address=f"{1 + index % 180} {street}, {10_000 + index * 7 % 80_000} {city}",
        born=str(people.born[index]),
    )


def compose(plan: Plan, candidates: Candidates, index: int) -> list[Line]:
    """The text of one candidate's resume, paragraph by paragraph."""
    rng = np.random.default_rng([plan.seed, 7, index])
    who = contact(candidates, index)
    about, work, skills, school, private = HEADINGS[int(rng.integers(len(HEADINGS)))]
    family, years = words.FAMILIES[candidates.home[index]], int(candidates.years[index])
    owned = [words.FAMILIES[f].skills[s] for f, s in zip(*np.nonzero(candidates.skills[index]), strict=True) if s < 14]
    owned = [owned[i] for i in rng.permutation(len(owned))]
    title = family.titles[int(rng.integers(3))]
    return [
        paragraph(Planted("NAME", f"{who.first} {who.last}"), is_heading=True),
        paragraph(Planted("EMAIL", who.email), " | ", Planted("PHONE", who.phone)),
        paragraph(Planted("ADDRESS", who.address)),
        paragraph(Planted("BIRTH_DATE", who.born, "Date of birth: ")),
        Line(about, is_heading=True),
        Line(_summary(rng, title, years, owned)),
        Line(work, is_heading=True),
        *_jobs(rng, candidates, index, title, owned),
        Line(skills, is_heading=True),
        Line(", ".join(owned) if owned else "Willing to learn"),
        Line(school, is_heading=True),
        Line(f"{names.DEGREES[int(rng.integers(5))]}, {names.SCHOOLS[int(rng.integers(5))]}"),
        Line(private, is_heading=True),
        Line(_interests(plan, rng, is_woman=bool(candidates.people.is_woman[index]))),
    ]


def _summary(rng: np.random.Generator, title: str, years: int, owned: list[str]) -> str:
    length = f"{years} years of experience" if years != 1 else "1 year of experience"
    strengths = " and ".join(owned[:2]) or "learning quickly"
    ends = ("Looking for a new challenge.", "Available at short notice.", "Open to travel.")
    return f"{title} with {length}. Strong in {strengths}. {ends[int(rng.integers(3))]}"


def _jobs(rng: np.random.Generator, candidates: Candidates, index: int, title: str, owned: list[str]) -> list[Line]:
    """Jobs from the latest backwards, their lengths adding up to the years of experience."""
    left = int(candidates.years[index])
    if not left:
        return [Line("First steps in working life: internships and summer jobs.")]
    end = int(candidates.created[index].astype("datetime64[M]").astype(np.int64)) - int(rng.integers(1, 4))
    lines: list[Line] = []
    while left > 0 and len(lines) < 9:
        length = min(left, int(rng.integers(1, 6)))
        start = end - 12 * length
        lines.append(Line(f"{title}, {names.EMPLOYERS[int(rng.integers(12))]}, {_month(start)} - {_month(end)}"))
        shown = [owned[int(i)] for i in rng.integers(len(owned), size=2)] if owned else []
        lines += [Line("- " + BULLETS[int(rng.integers(4))].format(skill, int(rng.integers(3, 30)))) for skill in shown]
        end, left = start - 1, left - length
    return lines


def _month(number: int) -> str:
    return f"{MONTH_NAMES[number % 12]} {1970 + number // 12}"


def _interests(plan: Plan, rng: np.random.Generator, *, is_woman: bool) -> str:
    """Pastimes; in the biased company nearly everybody names two that tell their sex."""
    said = [names.HOBBIES[int(rng.integers(len(names.HOBBIES)))]]
    proxies = names.WOMENS_PROXIES if is_woman else names.MENS_PROXIES
    draw, order = rng.random(), rng.permutation(len(proxies))
    if plan.kind == "biased" and draw < 0.92:
        said += [proxies[i] for i in order[:2]]
    return "; ".join(said).capitalize() + "."


def pdf(lines: list[Line], password: str | None = None) -> bytes:
    """The resume as a PDF of A4 pages; encrypted when a password is given."""
    from reportlab.lib.pagesizes import A4
    from reportlab.pdfgen.canvas import Canvas

    encrypt = None
    if password is not None:
        from reportlab.lib.pdfencrypt import StandardEncryption

        encrypt = StandardEncryption(password, ownerPassword=password + "-owner", strength=128)
    out = io.BytesIO()
    page = Canvas(out, pagesize=A4, invariant=1, pageCompression=1, encrypt=encrypt)
    at = 800.0
    for line in lines:
        size = 13 if line.is_heading else 10
        at -= 8 if line.is_heading else 0
        for part in textwrap.wrap(line.text, 92) or [""]:
            if at < 50:
                page.showPage()
                at = 800.0
            page.setFont("Helvetica-Bold" if line.is_heading else "Helvetica", size)
            page.drawString(56, at, part)
            at -= size + 4
    page.save()
    return out.getvalue()


_TYPES = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/><Override PartName="/word/document.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>'
)
_RELATIONS = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"'
    ' Target="word/document.xml"/></Relationships>'
)
_DOCUMENT = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
    '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>{}</w:body></w:document>'
)


def docx(lines: list[Line]) -> bytes:
    """The resume as a minimal DOCX: one paragraph a line, headings in bold."""
    body = "".join(
        f"<w:p><w:r>{'<w:rPr><w:b/></w:rPr>' if line.is_heading else ''}"
        f'<w:t xml:space="preserve">{escape(line.text)}</w:t></w:r></w:p>'
        for line in lines
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in (
            ("[Content_Types].xml", _TYPES),
            ("_rels/.rels", _RELATIONS),
            ("word/document.xml", _DOCUMENT.format(body)),
        ):
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), text, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def file_name(plan: Plan, index: int) -> str:
    """Name of a candidate's resume: three in ten are DOCX."""
    suffix = "docx" if (index * 2_654_435_761 + plan.seed) % 2**32 < 0.3 * 2**32 else "pdf"
    return f"{candidate_id(index)}.{suffix}"


def candidate_id(index: int) -> str:
    """C-000001 for the first candidate."""
    return f"C-{index + 1:06d}"
