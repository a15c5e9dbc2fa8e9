"""What one pattern can tell: contact data, birth, age, nationality, family, gender, photo.

Repetitions are bounded or possessive and begin where the thing can begin: no text makes them start over and over.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from pipelines.ingest.documents.redact.page import HEAD_LINES, PROSE, Page, Piece, Span
from pipelines.ingest.documents.redact.words import DEMONYMS, ENGLISH, GERMAN

Finder = Callable[[Page], Iterator[Span]]

_MONTH: Final = r"(?:jan|feb|m[a\u00e4]r|apr|ma[iy]|jun|jul|aug|sep|o[ck]t|nov|de[cz])[a-z]{0,6}"
_DATE: Final = (
    r"(?:\d{4}-\d{2}-\d{2}|\d{1,2}[./-] ?\d{1,2}[./-] ?\d{2,4}"
    rf"|\d{{1,2}}(?:st|nd|rd|th)?\.? {_MONTH}\.?,? \d{{4}}|{_MONTH}\.? \d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}})"
)
START: Final = r"(?:(?<![^|\u2022\u00b7;,\t\n(]) *+(?:[-*\u2022] )?|(?<=  ))"
"""Where a statement may begin: a line, a cell, behind a bar, a dot, a comma, a bracket or a wide blank."""
END: Final = r"(?= *+(?:[|\u2022\u00b7;,.)\t\n]| {2}|\Z))"
SEP: Final = r"(?: *+(?:\n *+)?:\s*+| *+\t *+)"
CELL: Final = r"[^|\u2022\u00b7;,\t\n]{1,60}(?<! )"
LONG_CELL: Final = r"[^|\u2022\u00b7;\t\n]{1,120}(?<! )"

_EMAIL: Final = r"(?<![\w.+'-])[\w.+'-]++(?:@| ?[(\[]at[)\]] ?)[\w-]++(?:\.[\w-]++)++"
_SITES: Final = "linkedin|github|gitlab|xing|twitter|facebook|instagram|kaggle|behance|medium|orcid|researchgate"
_LINK: Final = rf"(?:https?://|www\.)[^\s|]++|\b(?:{_SITES})\.(?:com|org|net)/[^\s|]++"
_BORN: Final = (
    rf"(?:\b(?:date of birth|birth ?(?:date|day)|born(?: on)?|d\.?o\.?b\.?|geburts(?:datum|tag)|geb(?:oren|\.)(?: am)?)"
    rf"[\s:]*+(?:{_DATE}|{_MONTH}\.? \d{{4}})"
    r"|\b(?:born in|year of birth|birth year|geburtsjahr|jahrgang|geboren)[\s:]*+(?:19|20)\d\d"
    rf"|(?<![\w*])\* ?{_DATE}(?! ?(?:-|\u2013|to|bis) ?\w))(?!\w)"
    r"(?: in (?-i:[A-Z\u00c0-\u00de])[\w-]{1,30})?"
)
_CALLED: Final = (
    r"\b(?:phone|tel(?:ephone|efon)?|mobile?|cell|handy|fax)(?: no\.?| number)?\.?[ :]{1,3}(\+?\(?\d[\d ()./-]{5,18}\d)"
)
_INTERNATIONAL: Final = r"(?:\+|(?<![\w.,/-])00)[1-9][\d ()./-]{6,18}\d"
_DIGITS: Final = re.compile(r"[+(\d][\d ()./-]{5,}+")
_NUMBER: Final = re.compile(
    r"(?<![\w.,/-])(?<![Nn][or]\. )(?:\+\d{1,3}[ .-]?)?(?:\(\d{1,5}\)[ .-]?)?\d{2,5}(?:[ ./-]\d{2,5}){1,5}(?![\w%])"
    r"|(?<![\w.,/-])\(?0\d{2,4}\)?[ /-]{1,2}\d{6,9}(?!\w)"
)
_BIRTH_PLACE: Final = rf"(?<!\w)(?:place of birth|birth ?place|geburtsort){SEP}{CELL}"
_ADULT: Final = r"(?:1[6-9]|[2-7]\d)"
_AGE: Final = (
    rf"\b((?:i am|i'm|i\u2019m|ich bin) (?:an? )?{_ADULT}[- ](?:years?[- ]old|jahre alt))(?!\w)"
    rf"|(?<![\w.,-])({_ADULT} (?:years old|jahre alt))(?!\w| [a-z])|{START}(aged {_ADULT}){END}"
)
_AGE_FIELD: Final = (
    r"[Aa](?<![^|\u2022\u00b7;,\t\n( ].)(?:ge|lter|GE|LTER)"
    rf"[: \t]{{1,3}}{_ADULT}(?: [Yy]ears?(?: old)?| Jahre(?: alt)?)?{END}"
)
_PEOPLE: Final = r"(?:(?:united|new|south|north|sri|saudi|costa|el) )?[^\W\d_][\w.-]{1,24}"
_NATION: Final = (
    rf"(?<!\w)(?:nationality|citizenship|nationalit\u00e4t|staats(?:angeh\u00f6rigkeit|b\u00fcrgerschaft))"
    rf"(?:{SEP}{_PEOPLE}(?:(?: and | und | ?[/&] ?){_PEOPLE}(?![\w.-]| ?:))?"
    rf"| (?-i:[A-Z])[\w.]{{1,20}}(?: (?:and|und) {_PEOPLE})?{END})"
    r"|\b[a-z\u00e4\u00f6\u00fc]{4,20}e[rn]? staats(?:angeh\u00f6rige|b\u00fcrger)(?:[rn]|in)?(?!\w)"
)
_NATIONS: Final = "|".join(sorted(DEMONYMS))
_CITIZEN: Final = (
    rf"(?:U\.?S\.?(?:A\.?)?|{_NATIONS}) (?:[Cc]itizen|national)(?!\w)"
    r"|[A-Z](?!enior|orporate|lobal|rivate|ood|irst)[a-z]{2,15} citizen(?!\w)"
    r"|[Cc]itizen of (?:the )?[A-Z]\w{2,20}(?: [A-Z]\w{2,20})?"
)
_CHILDREN: Final = r"(?:\d|one|two|three|four|no|ein|zwei|drei|vier|keine?) (?:child(?:ren)?|kids?|kind(?:er|ern)?)"
_PARENT: Final = "mother|father|parent|mum|mom|dad|mutter|vater"
_PARENTS: Final = rf"(?:{_PARENT}) (?:of|von) (?:\d|one|two|three|four|zwei|drei|vier)"
_STATE: Final = rf"(?:{_PARENTS}|(?:(?:never|not|in a|newly|recently) )?[^\W\d_]{{3,20}})"
_MARITAL: Final = (
    rf"(?<!\w)(?:(?:marital|civil|family|relationship) status|familienstand){SEP}(?:{_CHILDREN}|{_STATE})"
    rf"(?:(?: with| mit|,)? {_CHILDREN})?"
    rf"|(?<!\w)status{SEP}(?:married|single|divorced|widowed)(?:(?: with|,)? {_CHILDREN})?"
    rf"|(?<!\w)(?:children|kinder){SEP}(?:{_CHILDREN}|\d|one|two|three|none|nil|keine|zwei|drei){END}"
)
_FAMILY: Final = (
    rf"(?<!\w)(?:verheiratet|ledig|geschieden|verwitwet)(?:(?: mit|,)? {_CHILDREN})?(?!\w)|\b{_PARENTS}(?!\w)"
)
_GENDER: Final = (
    rf"(?<!\w)(?:gender|sex|geschlecht){SEP}"
    rf"(?:female|male|woman|man|non-?binary|diverse?|weiblich|m\u00e4nnlich|f|m|w|d|x)(?!\w)"
)
_IMAGE: Final = "photo(?:graph)?|picture|foto|lichtbild|(?:bewerbungs|pass)(?:foto|bild)"
_PHOTO: Final = (
    rf"{START}((?:{_IMAGE}){SEP}[^|\u2022\u00b7;,\t\n]{{1,60}}|\[(?:{_IMAGE})\])"
    rf"|\b((?:{_IMAGE}) (?:attached|enclosed|above|below|(?:liegt )?(?:anbei|bei)|beigef\u00fcgt|siehe))(?!\w)"
    rf"|{START}({_IMAGE})(?= *+(?:[|\n]|\Z))|(?<![\w.-])([\w.-]{{1,80}}\.(?:jpe?g|png|gif|heic|bmp|tiff?))(?!\w)"
)
_SUBJECT: Final = "she|he|they|sie|er|xe|ze|her|him|hers|his|them|their|theirs|ihr|ihn|ihm|ihre|sein|seine"
_PRONOUNS: Final = rf"{START}((?:(?:my|preferred) )?(?:pronouns|pronomen)(?:{SEP}| are ){CELL})"
_FIRST: Final = re.compile(rf"(?<![\w/])(?:{_SUBJECT}) ?\Z", re.IGNORECASE)
_THEN: Final = re.compile(rf"/ ?(?:{_SUBJECT})(?: ?/ ?(?:{_SUBJECT}))?(?![\w/])", re.IGNORECASE)
_FIRST_LENGTH: Final = 8
_PRONOUN: Final = re.compile(
    r"[SsHh](?<![\w'/-].)(?:(?<=[Ss])he|(?<=[Hh])(?:e|im(?:self)?|er(?:s|self)?|is))(?![\w-]|/\w)"
)
_ER: Final = re.compile(r"(?<![\w'/-])(?:[Ee]r|[Ii]hn|[Ii]hm|[Ss]eine[rmns]?|sie|ihre?[rmns]?)(?![\w/-])")
_DEMONYM: Final = re.compile(rf"{_NATIONS}|[a-z\u00f6]{{3,12}}isch|deutsch")
_ALONE: Final = re.compile(rf"(?:married|single|divorced|widowed|separated)|{_CHILDREN}", re.IGNORECASE)
_PERSONAL: Final = frozenset({"BIRTH_DATE", "BIRTH_PLACE", "AGE", "NATIONALITY", "MARITAL_STATUS", "GENDER"})


def _matches(
    page: Page, *, pattern: re.Pattern[str], kind: str, hints: tuple[str, ...], further: int
) -> Iterator[Span]:
    """The statement itself is the pattern's only group that took part, or all of the match without groups."""
    for start, end in page.holding(hints, further):
        for match in pattern.finditer(page.masked, start, end):
            yield Span(*match.span(match.lastindex or 0), kind)


def _labelled(page: Page, *, pattern: re.Pattern[str], kind: str, labels: frozenset[str]) -> Iterator[Span]:
    """The same of a pattern whose every match begins with one of the labels, before a colon or a tab."""
    if not labels.isdisjoint(page.labels):
        yield from (Span(*match.span(match.lastindex or 0), kind) for match in pattern.finditer(page.masked))


def _finder(kind: str, pattern: str, *hints: str, flags: int = re.IGNORECASE) -> Finder:
    """A pattern that begins in the lines in which one of the hints, in lower case, occurs, and has a label's value.

    The value may stand in the line below its label, or the colon below the label and the value below the colon.
    """
    return partial(_matches, pattern=re.compile(pattern, flags), kind=kind, hints=hints, further=2)


def _finder_in_lines(kind: str, pattern: str, *hints: str, flags: int = re.IGNORECASE) -> Finder:
    """A pattern that begins and ends in one of the lines in which one of the hints, in lower case, occurs."""
    return partial(_matches, pattern=re.compile(pattern, flags), kind=kind, hints=hints, further=0)


def _finder_of_labels(kind: str, pattern: str, *labels: str) -> Finder:
    """A pattern that runs only where one of the labels, in lower case, stands before a colon or a tab."""
    return partial(_labelled, pattern=re.compile(pattern, re.IGNORECASE), kind=kind, labels=frozenset(labels))


def _numbers(page: Page) -> Iterator[Span]:
    for run in _DIGITS.finditer(page.masked):
        for match in _NUMBER.finditer(page.masked, run.start(), min(run.end() + 1, len(page.masked))):
            if _is_phone(match.group()):
                yield Span(*match.span(), "PHONE")


_NO_PHONE: Final = re.compile(
    rf"{_DATE}|\d{{1,3}}(?:\.\d{{3}})+"  # days, thousands
    r"|97[89][ -].*|.*(?<!\d)\d{1,2}/\d.*"  # books, and months as in 03/2007
    r"|(?!0)\d{4,5}[ ./-]\d{2,5}|(?!0)\d{2,3}[ ./-](?!\d{4}$)\d{2,5}"  # from 1200-1800; only 555-0142 is local
)


def _is_phone(text: str) -> bool:
    """Runs of 7 to 15 digits are phones unless they are years, dates, thousands or a range, as in 2015 - 2019."""
    digits = re.sub(r"\D", "", text)
    is_years = all(len(group) == 4 and group[:2] in ("19", "20") for group in re.findall(r"\d+", text))
    return 7 <= len(digits) <= 15 and not is_years and not _NO_PHONE.fullmatch(text)


def _pairs(page: Page) -> Iterator[Span]:
    """As in she/her/hers, looked for from the slash, which is rare."""
    for match in _THEN.finditer(page.masked):
        first = _FIRST.search(page.masked, max(0, match.start() - _FIRST_LENGTH), match.start())
        if first:
            yield Span(first.start(), match.end(), "PRONOUN")


def _pronouns(page: Page) -> Iterator[Span]:
    yield from (Span(*match.span(), "PRONOUN") for match in _PRONOUN.finditer(page.masked))


def _german_pronouns(page: Page) -> Iterator[Span]:
    """Only in German text; "Sie" and "Ihr" also mean you, "sein" also means to be: they stay."""
    words = page.lower.split()
    if not GERMAN.isdisjoint(words) and sum(map(GERMAN.__contains__, words)) > sum(map(ENGLISH.__contains__, words)):
        yield from (Span(*match.span(), "PRONOUN") for match in _ER.finditer(page.masked))


def personal_lines(page: Page) -> Iterator[Span]:
    """Single words about nationality and family, in lines that tell birth, age or family, or alone near the top."""
    told = [span.start for span in page.found if span.kind in _PERSONAL]
    lines = page.lines() if told else page.lines()[: 2 * HEAD_LINES]
    starts = [line.start for line in lines]
    numbers = {bisect_right(starts, start) - 1 for start in told}
    for number in sorted(numbers.union(range(min(len(lines), 2 * HEAD_LINES)))):
        if len(lines[number].text) <= PROSE:
            yield from _single_words(lines[number], number in numbers)


def _single_words(line: Piece, is_told: bool) -> Iterator[Span]:
    for match in re.finditer(r"[^|\u2022\u00b7;,\t(.]+", line.text):
        word = match.group().strip()
        piece = Piece(line.start + match.start() + match.group().index(word), word)
        if _ALONE.fullmatch(word):
            yield piece.span("MARITAL_STATUS")
        elif is_told and _DEMONYM.fullmatch(word):
            yield piece.span("NATIONALITY")


CONTACT: Final[tuple[Finder, ...]] = (
    _finder_in_lines("EMAIL", _EMAIL, "@", "(at", "[at"),
    _finder_in_lines("LINK", _LINK, "http", "www.", ".com/", ".org/", ".net/"),
    _finder("BIRTH_DATE", _BORN, "born", "birth", "dob", "d.o.b", "geb", "jahrgang", "*"),
    _finder_in_lines("PHONE", _CALLED, "phone", "tel", "mob", "cell", "handy", "fax"),
    _finder_in_lines("PHONE", _INTERNATIONAL, "+", "00"),
    _numbers,
    _finder_of_labels("BIRTH_PLACE", _BIRTH_PLACE, "birth", "birthplace", "place", "geburtsort"),
)
PERSON: Final[tuple[Finder, ...]] = (
    _finder_of_labels("MARITAL_STATUS", _MARITAL, "status", "familienstand", "children", "kinder"),
    _finder_in_lines("MARITAL_STATUS", _FAMILY, "verheiratet", "ledig", "geschieden", "verwitwet", *_PARENT.split("|")),
    _finder("NATIONALITY", _NATION, "nationality", "citizenship", "nationalit\u00e4t", "staats"),
    _finder_in_lines("NATIONALITY", _CITIZEN, "citizen", " national", flags=0),
    _finder_of_labels("GENDER", _GENDER, "gender", "sex", "geschlecht"),
    _finder("PHOTO", _PHOTO, "photo", "foto", "bild", "picture", ".jp", ".png", ".gif", ".heic", ".bmp", ".tif"),
    _finder_in_lines("AGE", _AGE, "year old", "years old", "year-old", "years-old", "aged ", "jahre alt"),
    _finder_in_lines("AGE", _AGE_FIELD, "age:", "age ", "age\t", "alter:", "alter ", "alter\t", flags=0),
    _finder("PRONOUN", _PRONOUNS, "pronoun", "pronomen"),
    _pairs,
    _pronouns,
    _german_pronouns,
)
