"""Inputs that no model may have, by their names: the last look at what a feed brought in.

A measure of work records becomes an input under the name that its feed gives it, so no list of features in code can
keep a banned one out. A name is all that is seen here: whoever calls a postcode `region` is found by the test of
stand-ins, not by this. The words are data of the law packs, in the languages of the exports; how names are put together
is here. What could be of a person is: an age is free only where a known thing has it.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from functools import cache
from itertools import pairwise, takewhile
from typing import Final

from pipelines.fairness.law.packs import Duty, library


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_OF: Final = _set("of von der des du de del della di da do van")
_FIGURES: Final = _set("mean average avg median max min sum total")
_ENDS: Final = _FIGURES | _set("minute hour day week month year trend step by per at in on when for from to and with")
"""Words after which a name says no more of whom or what a figure is."""
_BESIDE: Final = _set(
    """is has my id nr num number code key flag status type value score rate share index group band bucket range level
    home work private person personal people candidate applicant employee emp worker staff member learner user team
    interview year month day date data datum fecha annee anno ano jahr lieu luogo lugar pais paese ort land plaats
    woon mean average avg median max min sum count std norm raw clean encoded digit prefix city state county street
    address addr residence mail job customer manager owner usa of at hire"""
)
"""Words that names of columns are glued together with: `homezip`."""
_SHORTEST: Final = 3
"""Letters of a word of a phrase that others may be glued to, or that two words written apart may be one of."""
_LONGEST: Final = 60
"""Letters of a word that is still taken apart."""


def banned(inputs: Iterable[str], day: date) -> dict[str, tuple[str, ...]]:
    """Inputs whose names have a word of a ban.

    Args:
        inputs: Names of a model's inputs.
        day: From which on the model may be used.

    Returns:
        Input -> `pack/duty` of each ban, ordered. Every place counts, and every law but those that ended by the day: a
        model is for days to come, and for whoever works there by then.
    """
    bans = [
        (f"{pack.code}/{duty.code}", duty)
        for pack in library()
        if pack.ends_on is None or pack.ends_on > day
        for duty in pack.duties
    ]
    found = {name: tuple(ban for ban, duty in bans if _is_banned(name, duty)) for name in sorted(set(inputs))}
    return {name: hit for name, hit in found.items() if hit}


def _is_banned(name: str, duty: Duty) -> bool:
    words = [part for word in _words(name) for part in _parted(word, _known(duty))]
    free = [at for phrase in duty.unless for at in _places(phrase, words)]
    hits = [at for phrase in duty.words for at in _places(phrase, words)]
    hits += [range(n, n + 1) for n, word in enumerate(words) if any(stem in word for stem in duty.stems)]
    hits += [range(n, n + 2) for n, joined in _joined(words) if joined in _alone(duty) or joined.startswith(duty.stems)]
    hits += [at for phrase in duty.of_people for at in _places(phrase, words) if not _is_of_a_thing(at, words, duty)]
    return any(not any(set(at) <= set(all_of) for all_of in free) for at in hits)


def _words(name: str) -> list[str]:
    """`homeZIPCodes__mean` has the words home, zip, code and mean; accents are dropped."""
    plain = unicodedata.normalize("NFKD", name.replace("ß", "ss").replace("ø", "o"))
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", plain)
    return [_singular(word) for word in re.findall(r"[a-z]+", parted.lower())]


def _singular(word: str) -> str:
    if len(word) < 4 or word.endswith(("ss", "us", "is")):
        return word
    return f"{word[:-3]}y" if word.endswith("ies") else word.removesuffix("s")


def _parted(word: str, known: frozenset[str]) -> Sequence[str]:
    """The words that one is glued from, the fewest; itself where it is no such word."""
    best: list[list[str] | None] = [[], *[None] * len(word)]
    for end in range(1, len(word) + 1 if len(word) <= _LONGEST else 0):
        ways = [
            [*before, word[start:end]]
            for start in range(end)
            if (before := best[start]) is not None and word[start:end] in known
        ]
        best[end] = min(ways, key=len, default=None)
    return best[-1] or [word]


def _joined(words: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Where two words stand, and what they are as one: `geo_hash` and `keyStrokes` part what a ban writes together."""
    for n, two in enumerate(pairwise(words)):
        if min(map(len, two)) >= _SHORTEST:
            yield n, "".join(two)


@cache
def _alone(duty: Duty) -> frozenset[str]:
    """Words that a ban has by themselves."""
    return frozenset(word for phrase in duty.words for word in _phrase(phrase) if " " not in phrase)


@cache
def _known(duty: Duty) -> frozenset[str]:
    """Words that one may be glued from: short ones of a phrase, such as `ne le`, are in too many others."""
    phrases = (*duty.words, *duty.of_people)
    said = {word for phrase in phrases for word in _phrase(phrase) if " " not in phrase or len(word) >= _SHORTEST}
    return _BESIDE | (said | {word for phrase in (*duty.things, *duty.unless) for word in _phrase(phrase)}) - _OF


@cache
def _phrase(phrase: str) -> tuple[str, ...]:
    return tuple(_singular(word) for word in phrase.split())


def _places(phrase: str, words: Sequence[str]) -> Iterator[range]:
    """Where words stand in a row."""
    wanted = _phrase(phrase)
    for start in range(len(words) - len(wanted) + 1):
        if tuple(words[start : start + len(wanted)]) == wanted:
            yield range(start, start + len(wanted))


def _is_of_a_thing(at: range, words: Sequence[str], duty: Duty) -> bool:
    """Whether what has an age is a thing: the last noun after `age of`, otherwise the one before the age."""
    after = words[at.stop :]
    if after and after[0] in _OF:
        said = [*takewhile(lambda word: word not in _ENDS, after[1:])]
    else:
        said = [word for word in words[: at.start] if word not in _FIGURES]
    return bool(said) and (said[-1],) in {_phrase(thing) for thing in duty.things}
