"""Take direct identifiers out of resume text before it is kept: names, e-mail, phone, links, address, birth date.

A placeholder such as [NAME] stands for each. The heading is a name only beside contact data: resumes without contact
data (names were removed before) begin with a job title, which must stay.
"""

import re
from typing import Final

HEAD_LINES: Final = 8
"""Contact data of a heading lies within these first lines that are not empty."""
_EMAIL: Final = re.compile(r"[\w.+'-]+@[\w-]+(?:\.[\w-]+)+")
_LINK: Final = re.compile(r"(?:https?://|www\.)\S+|\b(?:linkedin|github|xing)\.com/\S+", re.IGNORECASE)
_PHONE: Final = re.compile(
    r"(?<![\w.,/-])(?:\+\d{1,3}[ .-]?)?(?:\(\d{1,5}\)[ .-]?)?\d{2,5}(?:[ ./-]\d{2,5}){1,5}(?![\w%])"
)
_INTERNATIONAL: Final = re.compile(r"\+\d[\d ()./-]{6,18}\d")
_MONTH: Final = r"[A-Za-z\u00e4\u00f6\u00fc]{3,9}"
_DATE: Final = (
    r"(?:\d{4}-\d{2}-\d{2}|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}"
    rf"|\d{{1,2}}\.? {_MONTH}\.?,? \d{{4}}|{_MONTH}\.? \d{{1,2}},? \d{{4}})"
)
_BORN: Final = re.compile(
    rf"(?i:\b(?:date of birth|birth ?date|born(?: on)?|d\.?o\.?b\.?|geburtsdatum|geboren(?: am)?))[\s:]*{_DATE}"
)
_STREET: Final = (
    r"street|st\.|lane|road|rd\.|avenue|ave\.|way|drive|court|place|square|close|crescent|terrace|boulevard|blvd|"
    r"stra(?:ß|ss)e|str\.|allee|weg|platz|gasse"
)
_ADDRESS: Final = re.compile(
    rf"^(?=.*\d)(?:\d+[a-z]?,? .*\b(?:{_STREET})(?!\w).*"
    rf"|.*\b\w*(?:{_STREET})(?!\w),? \d+.*|(?:address|adresse)\s*:.*)$",
    re.IGNORECASE,
)
_POSTAL: Final = re.compile(r"^(?:\d{4,5} [A-ZÄÖÜ][\w -]+|[A-Z][\w .-]+,? [A-Z]{2} \d{5}(?:-\d{4})?)$")
_NAME_WORD: Final = re.compile(r"^[^\W\d_][^\W\d_'\u2019.-]*(?:['\u2019.-][^\W\d_]+)*\.?$")
_MIN_NAME: Final = 2


def redact(text: str) -> str:
    """The text with placeholders for what identifies a person directly.

    Args:
        text: As extracted and cleaned.

    Returns:
        The same lines; [NAME] [EMAIL] [LINK] [PHONE] [ADDRESS] [BIRTH_DATE] where something was.
    """
    lines = text.split("\n")
    head = _head(lines)
    names = _names(lines, head)
    for index in head:
        if _ADDRESS.match(lines[index].strip()) or _POSTAL.match(lines[index].strip()):
            lines[index] = "[ADDRESS]"
    body = _EMAIL.sub("[EMAIL]", "\n".join(lines))
    body = _LINK.sub("[LINK]", body)
    body = _BORN.sub("[BIRTH_DATE]", body)
    body = _INTERNATIONAL.sub("[PHONE]", body)
    body = _PHONE.sub(_phone, body)
    return _without(body, names)


def _head(lines: list[str]) -> list[int]:
    return [index for index, line in enumerate(lines) if line.strip()][:HEAD_LINES]


def _names(lines: list[str], head: list[int]) -> list[str]:
    """Words of the heading, when it looks like a name and contact data stand below it."""
    if not head:
        return []
    below = "\n".join(lines[index] for index in head[1:])
    words = re.split(r"[\s,]+", lines[head[0]].strip())
    has_contact = bool(_EMAIL.search(below) or _INTERNATIONAL.search(below) or _BORN.search(below))
    looks_like = 1 < len(words) <= 5 and all(_NAME_WORD.match(word) and word[0].isupper() for word in words)
    if not (has_contact and looks_like):
        return []
    pieces = {piece for word in words for piece in (word.strip("."), *re.split(r"[-'\u2019]", word.strip(".")))}
    return sorted((piece for piece in pieces if len(piece) >= _MIN_NAME), key=len, reverse=True)


def _without(text: str, names: list[str]) -> str:
    """Names wherever they are written with a capital, so that the month of May and a rose in lower case stay."""
    for name in names:
        forms = "|".join(sorted({re.escape(name), re.escape(name.upper()), re.escape(name.title())}))
        text = re.sub(rf"(?<!\w)(?:{forms})(?!\w)", "[NAME]", text)
    return re.sub(r"\[NAME\](?:[ ,'\u2019-]+(?:[A-Z]\. )?\[NAME\])+", "[NAME]", text)


def _phone(match: re.Match[str]) -> str:
    """Runs of 7 to 15 digits are phones unless they are years or dates, as in 2015 - 2019."""
    text = match.group()
    digits = re.sub(r"\D", "", text)
    groups = re.findall(r"\d+", text)
    is_years = all(len(group) == 4 and group[:2] in ("19", "20") for group in groups)
    is_date = bool(re.fullmatch(_DATE, text)) or bool(re.fullmatch(r"\d{1,2}/\d{4}(?:\s?-\s?\d{1,2}/\d{4})?", text))
    return text if is_years or is_date or not 7 <= len(digits) <= 15 else "[PHONE]"
