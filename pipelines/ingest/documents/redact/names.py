"""Names of the person, of signatures, footers and referees; salutations with the names behind them.

The heading's name counts only beside contact data. Its parts go wherever they are written with a capital, so that the
month of May and a rose in lower case stay.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Final

from pipelines.ingest.documents.redact.education import HEADING_WORDS, section
from pipelines.ingest.documents.redact.page import PROSE, Page, Span, segments
from pipelines.ingest.documents.redact.statements import SEP, START
from pipelines.ingest.documents.redact.words import AFFIXES, JOBS, LABELS, NO_NAMES, PARTICLES

_UPPER: Final = r"[A-Z\u00c0-\u00de\u0100-\u017d]"
_WORD: Final = re.compile(
    rf"(?:{_UPPER}\.|(?:{_UPPER}|[a-z]{0, 2}['\u2019-]?(?={_UPPER}))[^\W\d_]*(?:['\u2019.-][^\W\d_]+)*\.?)"
)
_CAPITAL: Final = rf"{_UPPER}[\w'\u2019-]{{1,30}}"
_NO_NAMES: Final = NO_NAMES | HEADING_WORDS
_JOBS: Final = tuple(JOBS)
_LOWER: Final = f"(?:{'|'.join(sorted(PARTICLES))})"
_SOFTWARE: Final = (
    "office|excel|word|access|project|outlook|sql|windows|teams|asp|visio|visual|publisher|power|paint|dos|exchange|dynamics|"
    "share|server|one|suite|front|works|crm|internet|azure|test|degree|in |and "
)
_SALUTATION: Final = re.compile(
    rf"(?<![\w/])((?:Mrs|Mr|Mx|Herrn|Herr|Frau|Ms(?![. \n-]{{0,2}}(?i:{_SOFTWARE})))"
    rf"(?!\w)\.?|Miss(?= (?:{_LOWER} ){{0,2}}{_UPPER}))(\s?(?:(?:Dr|Prof)\.? ){{0,2}}(?:{_LOWER} ){{0,2}}{_CAPITAL}"
    rf"(?:(?: {_LOWER}){{0,2}} {_CAPITAL}){{0,2}})?"
)
_SALUTATIONS: Final = ("Mr", "Mx", "Ms", "Miss", "Herr", "Frau")
_LABELLED: Final = re.compile(
    rf"{START}((?:(?:full |first |last |middle |given |family |maiden |birth )?names?|surname|vorname|nachname|"
    rf"familienname"
    rf"|geburtsname|vor- und (?:nach|zu)name|name, vorname|applicant|candidate|bewerber(?:in)?|referees?|references?"
    rf"|referenz(?:en)?|signature|unterschrift|signed|gez\.?){SEP})([^|\u2022\u00b7;\t\n]{{2,80}})",
    re.IGNORECASE,
)
_SIGNING: Final = re.compile(
    r"(?:yours (?:sincerely|faithfully|truly)|sincerely(?: yours)?|(?:kind|best|warm) regards|regards|"
    r"respectfully|signed|"
    r"mit freundlichen gr\u00fc\u00dfen|freundliche gr\u00fc\u00dfe|hochachtungsvoll|gez\.|unterschrift|signature"
    r"|[^\W\d_]{3,20}, (?:den |im )?\d{1,2}\.? ?[^\W_]{1,9}\.? ?\d{4})[,.:]?",
    re.IGNORECASE,
)
_TITLE: Final = re.compile(
    r"(?:(?:resume|r\u00e9sum\u00e9|cv|curriculum vitae|lebenslauf|bewerbung(?:sunterlagen)?|application)(?: of|"
    r" von| for|:| -| \u2013)? )(.{3,60})|"
    r"(.{3,60}?)(?: ?[-\u2013|,])?,? (?:resume|r\u00e9sum\u00e9|cv|curriculum vitae|lebenslauf|(?:page|"
    r"seite) \d{1,2}(?: (?:of|von) \d{1,2})?)|"
    r"(?:page|seite) \d{1,2}(?: (?:of|von) \d{1,2})?(?: ?[-\u2013|,])? (.{3,60})",
    re.IGNORECASE,
)
_TITLES: Final = (
    "resume",
    "r\u00e9sum\u00e9",
    "cv",
    "curriculum",
    "vitae",
    "lebenslauf",
    "bewerbung",
    "application",
    "page",
    "seite",
)
"""A title begins or ends with one of these, or ends with a page's number."""
_REFERENCES: Final = re.compile(
    r"\W*(?:(?:professional |personal )?references?|referees?|referenzen)\W*", re.IGNORECASE
)
_GAP: Final = re.compile(rf"[ ,'\u2019_-]*(?:(?:{_UPPER}\.?|{_LOWER})[ ,'\u2019-]+){{0,4}}", re.IGNORECASE)
_MIN_PIECE: Final = 2
_MOST_WORDS: Final = 6
_MOST_CLOSING: Final = 40
"""Characters of the line above a signature."""
_MOST_REFEREES: Final = 12
"""Lines below the heading of the references."""


def name_in(text: str) -> str:
    """The part of a text that is a full name, without titles and degrees; empty when it is none."""
    text = re.split(r" ?[(\[|]", text, maxsplit=1)[0].strip(" ,:")
    words = [word for word in re.split(r"[\s,]+", text) if word.lower().strip(".") not in AFFIXES]
    if not 2 <= len(words) <= _MOST_WORDS or len(text) > 60:
        return ""
    if any(word.lower().strip(".,") in _NO_NAMES or word.lower().endswith(_JOBS) for word in words):
        return ""
    is_formed = all(_WORD.fullmatch(word) or word.lower() in PARTICLES for word in words)
    own = [word for word in words if word.lower() not in PARTICLES]
    return text if is_formed and len(own) > 1 and _pieces(own) else ""


def labelled(page: Page) -> Iterator[Span]:
    """What stands behind "Name:", "Signature:", "Referee:" and is a name."""
    if LABELS.isdisjoint(page.labels):
        return
    for match in _LABELLED.finditer(page.masked):
        value = match.group(2)
        first = name_in(value.partition(",")[0]) if match.group(1).lower().startswith("ref") else ""
        name = first or name_in(value) or name_in(re.split(r"[,(]", value, maxsplit=1)[0]) or _one_word(*match.groups())
        if name:
            start = match.start(2) + value.index(name)
            is_field = value.strip() == name and "\n" not in match.group(1)
            yield Span(match.start(1) if is_field else start, start + len(name), "NAME")


def _one_word(label: str, value: str) -> str:
    """First and last name stand in fields of their own."""
    is_part = re.match(
        r"(?:first|last|middle|given|family|maiden|birth|surname|vor|nach|familien|geburts)", label, re.IGNORECASE
    )
    word = value.strip()
    return word if is_part and _WORD.fullmatch(word) and len(word) <= 30 else ""


def salutations(page: Page) -> Iterator[Span]:
    """Mr, Frau and the like, and up to three capitalised words behind them."""
    if not any(word in page.masked for word in _SALUTATIONS):
        return
    for match in _SALUTATION.finditer(page.masked):
        yield Span(*match.span(1), "SALUTATION")
        if match.group(2):
            yield Span(match.end(2) - len(match.group(2).lstrip()), match.end(2), "NAME")


def marked(page: Page) -> Iterator[Span]:
    """Names below a closing or below "References", beside "Resume of" or a page number."""
    signing, referees = False, 0
    for line in page.lines():
        text = line.text.strip()
        lower = text.lower()
        if len(text) > PROSE:
            signing, referees = False, 0
            continue
        is_title = (
            lower.startswith(_TITLES)
            or lower.endswith(_TITLES)
            or (lower[-1].isdigit() and ("page" in lower or "seite" in lower))
        )
        titled = _TITLE.fullmatch(text) if is_title else None
        found = next((part for part in titled.groups() if part), "") if titled else ""
        if signing:
            found = found or text
        elif referees:
            found = found or re.split(r", | \(| [-\u2013|] ", text, maxsplit=1)[0]
        name = name_in(found) if found else ""
        if name and (titled or signing or _is_referee(text, name)):
            yield Span(line.start + line.text.index(name), line.start + line.text.index(name) + len(name), "NAME")
        signing = len(text) <= _MOST_CLOSING and bool(_SIGNING.fullmatch(text))
        is_above = "refer" in lower and bool(_REFERENCES.fullmatch(text))
        referees = _MOST_REFEREES if is_above else referees - 1 if referees and not section(text) else 0


def _is_referee(text: str, name: str) -> bool:
    """Followed by what the person is, or by contact data, which are bars by now; a company's line stands alone."""
    return text != name or name.startswith(("Dr", "Prof"))


def everywhere(page: Page) -> Iterator[Span]:
    """The heading's name and its parts wherever they stand with a capital; parts beside each other are one span."""
    words = re.split(r"[\s,]+", _heading_name(page))
    forms = {
        form
        for piece in _pieces(words)
        for form in (piece, piece.upper(), piece.title(), _ascii(piece), _german(piece))
    }
    ordered = sorted((re.escape(form) for form in forms if len(form) >= _MIN_PIECE), key=len, reverse=True)
    if not ordered:
        return
    own = "|".join({word.lower() for word in words} & PARTICLES) or "(?!)"
    pattern = re.compile(rf"(?<![^\W\d_])(?:(?i:{own}) ){{0,3}}(?:{'|'.join(ordered)})(?![^\W\d_])")
    yield from _merged(page.masked, (match.span() for match in pattern.finditer(page.masked)))


def _merged(text: str, spans: Iterable[tuple[int, int]]) -> Iterator[Span]:
    last: tuple[int, int] | None = None
    for start, end in spans:
        if last and start - last[1] <= 30 and _GAP.fullmatch(text, last[1], start):
            last = (last[0], end)
            continue
        if last:
            yield Span(*last, "NAME")
        last = (start, end)
    if last:
        yield Span(*last, "NAME")


def _heading_name(page: Page) -> str:
    """The name on top: the candidate that the e-mail address repeats, or the first one; empty without contact data."""
    head = page.head()
    if not head:
        return ""
    end = head[-1].start + len(head[-1].text)
    near = [span for span in page.found if span.start < end]
    if not any(span.kind in ("EMAIL", "PHONE", "BIRTH_DATE") for span in near):
        return ""
    told = [page.text[span.start : span.end].partition(":")[2].strip() for span in near if span.kind == "NAME"]
    found = [
        name for line in head if len(line.text) <= PROSE for piece in segments(line) if (name := name_in(piece.text))
    ]
    boxes = " ".join(page.text[span.start : span.end] for span in near if span.kind == "EMAIL").lower()
    candidates = [*map(name_in, told), name_in(" ".join(told)), *found]
    ranked = sorted(filter(None, candidates), key=lambda name: not _is_repeated(name, boxes))
    return ranked[0] if ranked else ""


def _is_repeated(name: str, boxes: str) -> bool:
    return any(len(piece) > _MIN_PIECE and _ascii(piece).lower() in boxes for piece in _pieces(name.split()))


def _pieces(words: Iterable[str]) -> list[str]:
    """Words and parts of double names; particles, titles, degrees and initials do not count alone."""
    words = [word.strip(".,") for word in words]
    kept = [word for word in words if word.lower() not in PARTICLES | AFFIXES]
    parts = {part for word in kept for part in (word, *re.split(r"[-'\u2019.]", word))}
    return [part for part in parts if len(part) >= _MIN_PIECE]


def _ascii(word: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", word) if c.isascii())


def _german(word: str) -> str:
    for letter, two in (("\u00e4", "ae"), ("\u00f6", "oe"), ("\u00fc", "ue"), ("\u00df", "ss")):
        word = word.replace(letter, two)
    return word
