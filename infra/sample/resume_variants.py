"""Resumes of people who write about themselves in many ways: a test set for whoever takes identifiers out of them.

The company's own resumes all have one shape. These vary it: contact data in other orders and on one line, middle names,
particles and double surnames, labelled fields, names in a footer, signatures, referees, pronouns, family, nationality,
photos, years of study; English and German. Beside them stand sentences that only look like it (`TRAPS`) and jobs with
their years, which must stay. Every paragraph says what is planted in it. Nothing here enters the company's exports.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from infra.sample import names
from infra.sample import resume_phrases as say
from infra.sample.resumes import Line, Planted, paragraph

if TYPE_CHECKING:
    from collections.abc import Sequence

MONTHS = (
    ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November"),
    ("Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November"),
)


class Writer:
    """One made-up person with a language and habits of their own."""

    def __init__(self, seed: int, index: int) -> None:
        """Draws who it is; the same two numbers give the same resume."""
        self.rng = np.random.default_rng([seed, 11, index])
        self.language = int(self.rng.random() < 0.4)
        self.n = 1 + index % 99
        self.given, self.family = self.pick(self.pick((names.WOMEN, names.MEN))), self._surname()

    def pick(self, choices: Sequence[Any]) -> Any:
        """One of them."""
        return choices[int(self.rng.integers(len(choices)))]

    def maybe(self, share: float) -> bool:
        """True in that share of cases."""
        return bool(self.rng.random() < share)

    def said(self, kind: str, wordings: say.Wordings, value: str) -> list[str | Planted]:
        """A value in one of the wordings of the writer's language, which announces it."""
        before, _, after = self.pick(wordings[self.language]).partition("{}")
        return [Planted(kind, value, before, after)]

    def full_name(self) -> str:
        """As it stands on top: with a middle name or initial, in capitals, or the family name first."""
        middle = self.pick(("", "", "", " M.", f" {self.pick(names.WOMEN)}", " J. R."))
        form = self.pick(("{g}{m} {f}", "{g}{m} {f}", "{g} {f}", "{f}, {g}"))
        name = form.format(g=self.given, m=middle, f=self.family)
        return str(name.upper() if self.maybe(0.15) else name)

    def _surname(self) -> str:
        one, other = self.pick(names.SURNAMES), self.pick(names.SURNAMES)
        forms = ("{a}", "{a}", "{a}", "{a}-{b}", "{a} {b}", f"{self.pick(say.PARTICLES)} {{a}}")
        return str(self.pick(forms)).format(a=one, b=other)


def variant(seed: int, index: int) -> list[Line]:
    """The resume of one made-up person, paragraph by paragraph, with what is planted in each."""
    who = Writer(seed, index)
    work, skills, school, references = who.pick(say.HEADINGS[who.language])
    lines = _head(who)
    if who.maybe(0.5):
        lines += _person(who)
    lines += _about(who)
    parts = [(work, _jobs(who)), (school, _studies(who)), (skills, [Line("Python, Excel, SAP, forklift licence")])]
    for heading, part in (parts[i] for i in who.rng.permutation(3)):
        lines += [Line(heading, is_heading=True), *part]
    if who.maybe(0.4):
        lines += [Line(references, is_heading=True), *_referees(who)]
    return lines + _end(who)


def _head(who: Writer) -> list[Line]:
    mail = _mail(who)
    number = who.pick(say.NUMBERS[who.language]).format(n=who.n)
    name = paragraph(*_name(who), is_heading=True)
    reach = [who.said("EMAIL", say.MAILS, mail), who.said("PHONE", say.PHONES, number)]
    if who.maybe(0.4):
        reach.append([Planted("LINK", str(who.pick(say.LINKS)).format(_handle(who)))])
    home = who.said("ADDRESS", say.HOMES, who.pick(say.ADDRESSES[who.language]).format(n=who.n))
    order = who.rng.permutation(len(reach))
    if who.maybe(0.5):
        contact = [
            paragraph(*_joined([reach[i] for i in order], who.pick((" | ", " \u2022 ", ", ", "  ")))),
            paragraph(*home),
        ]
    else:
        contact = [*(paragraph(*reach[i]) for i in order), paragraph(*home)]
    top = Line(who.pick(say.TOPS[who.language]), is_heading=True)
    title = Line(who.pick(say.TITLES[who.language]))
    orders = (
        [name, *contact],
        [name, title, *contact],
        [top, name, *contact],
        [*contact, name],
        [title, name, *contact],
    )
    return list(orders[who.pick((0, 0, 1, 2, 3, 4))])


def _name(who: Writer) -> list[str | Planted]:
    if who.maybe(0.15):
        return who.said("NAME", say.NAMES, who.full_name())
    pieces: list[str | Planted] = [Planted("NAME", who.full_name(), who.pick(("", "", "", "Dr. ")))]
    if who.maybe(0.1):
        pieces.append(who.pick(say.CREDENTIALS))
    if who.maybe(0.15):
        pieces += [" (", Planted("PRONOUN", who.pick(say.PAIRS[who.language])), ")"]
    return pieces


def _joined(parts: list[list[str | Planted]], between: str) -> list[str | Planted]:
    pieces = list(parts[0])
    for part in parts[1:]:
        pieces += [between, *part]
    return pieces


def _plain(text: str) -> str:
    return "".join(c for c in text.lower() if c.isascii() and c.isalpha())


def _handle(who: Writer) -> str:
    return f"{_plain(who.given)}-{_plain(who.family)}{who.n}"


def _mail(who: Writer) -> str:
    first, last = _plain(who.given), _plain(who.family)
    box = who.pick((f"{first}.{last}", f"{first[:1]}{last}", f"{last}_{who.n}", f"{first}{who.n}", f"mail+{who.n}"))
    return f"{box}@{who.pick(('example.org', 'mail.example.com', 'example.co.uk'))}"


def _birth(who: Writer) -> str:
    year, month, day = 1960 + who.n % 45, 1 + who.n % 11, 1 + who.n % 28
    word = MONTHS[who.language][month - 1]
    english = (
        f"{day} {word} {year}",
        f"{word} {day}, {year}",
        f"{day:02d}/{month:02d}/{year}",
        f"{year}-{month:02d}-{day:02d}",
    )
    german = (f"{day}. {word} {year}", f"{day:02d}.{month:02d}.{year}", f"{day}.{month}.{year % 100:02d}")
    return str(who.pick(german if who.language else english))


def _person(who: Writer) -> list[Line]:
    """What many countries' resumes say of the person beside contact data."""
    statements = [
        who.said("BIRTH_DATE", say.BIRTHS, _birth(who)),
        who.said("BIRTH_PLACE", say.BIRTH_PLACES, who.pick(names.CITIES[who.language])),
        who.said("AGE", say.AGES, str(20 + who.n % 45)),
        who.said("NATIONALITY", say.NATIONS, who.pick(say.NATIONALITIES[who.language])),
        who.said("MARITAL_STATUS", say.FAMILIES, who.pick(say.FAMILY[who.language])),
        who.said("GENDER", say.SEXES, who.pick(say.SEX[who.language])),
        who.said("PRONOUN", say.PRONOUNS, who.pick(say.PAIRS[who.language])),
        [Planted("PHOTO", who.pick(say.PHOTOS[who.language]))],
        [Planted("NATIONALITY", who.pick(say.CITIZENS))],
    ]
    chosen = [statements[i] for i in who.rng.permutation(len(statements))[: who.pick((2, 3, 5))]]
    if who.maybe(0.3):
        return [paragraph(*_joined(chosen, who.pick((" | ", ", ", " \u2022 "))))]
    return [paragraph(*statement) for statement in chosen]


def _about(who: Writer) -> list[Line]:
    traps = say.TRAPS[who.language]
    lines = [Line(traps[i]) for i in who.rng.permutation(len(traps))[:2]]
    if who.maybe(0.4):
        sentence, pronoun = who.pick(say.THIRD[who.language])
        before, _, after = sentence.partition("{}")
        lines.append(paragraph(before, Planted("PRONOUN", pronoun), after))
    if who.maybe(0.2):
        title = Planted("SALUTATION", who.pick(say.ADDRESSED[who.language]))
        rest = " joined the board in 2019." if who.language == say.EN else " kam 2019 in den Vorstand."
        lines.append(paragraph(title, " ", Planted("NAME", who.family), rest))
    if who.maybe(0.15):
        lines.append(paragraph(*who.said("AGE", say.TOLD_AGES, str(20 + who.n % 45)), "."))
    return lines


def _jobs(who: Writer) -> list[Line]:
    traps = say.TRAPS[who.language]
    start = 2010 + who.n % 7
    jobs = [who.pick(say.JOBS[who.language]).format(a=start - 4 * i, b=start + 3 - 4 * i) for i in range(2)]
    return [Line(text) for job in jobs for text in (job, "- " + who.pick(traps))]


def _studies(who: Writer) -> list[Line]:
    """Each year is planted on its own: the school and the months between them may stay."""
    lines = []
    for end in (1995 + who.n % 20, 2001 + who.n % 20)[: who.pick((1, 2))]:
        span = who.pick(say.SPANS).replace("{b}", "{}").replace("{a}", "{}", 1)
        years = [str(end - 4), str(end)][-span.count("{}") :]
        before, _, after = who.pick(say.STUDIES[who.language]).partition("{}")
        lines.append(paragraph(before, *_years(span, years), after))
    return lines


def _years(span: str, years: list[str]) -> list[str | Planted]:
    words = span.split("{}")
    pieces: list[str | Planted] = [words[0]]
    for year, after in zip(years, words[1:], strict=True):
        pieces += [Planted("GRADUATION_YEAR", year), after]
    return pieces


def _referees(who: Writer) -> list[Line]:
    if who.maybe(0.3):
        return [Line("References available upon request" if who.language == say.EN else "Referenzen auf Anfrage")]
    other = f"{who.pick(names.MEN)} {who.pick(names.SURNAMES)}"
    salutation, label, after = who.pick(say.REFEREES[who.language])
    mail = f"{_plain(other)}@example.com"
    pieces: list[str | Planted] = [Planted("NAME", other, label), after]
    if salutation:
        pieces.insert(0, Planted("SALUTATION", salutation))
    if who.maybe(0.5):
        return [paragraph(*pieces), paragraph(Planted("EMAIL", mail))]
    return [paragraph(*pieces, ", ", Planted("EMAIL", mail))]


def _end(who: Writer) -> list[Line]:
    name = f"{who.given} {who.family}"
    lines = []
    if who.maybe(0.3):
        lines += [Line(who.pick(say.SIGNED[who.language])), paragraph(Planted("NAME", name))]
    if who.maybe(0.4):
        before, _, after = who.pick(say.FEET[who.language]).partition("{}")
        lines.append(paragraph(before, Planted("NAME", name), after))
    return lines
