"""Words and terms of a text, the same for the vocabulary, the baseline and the inputs that are monitored. No Keras.

Years such as 1998 are dropped: in a resume they say how old somebody is. Other numbers stay ("7 years").
`architecture` does in TensorFlow what `words` and `fields` do here; a test holds them together.
"""

import math
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Final

import polars as pl

from pipelines.base.errors import ContractError

SEPARATORS: Final = r"[^\p{L}\p{N}+#]+"
"""What parts words, in RE2: everything but letters, digits, `+` and `#` (so that C++ and C# are words)."""
YEAR: Final = r"\b(?:19|20)[0-9]{2}\b"
LONG_LINE: Final = r"(?m)^[ \t]*(?:[^ \t\n]+[ \t]+){6}[^ \t\n].*$"
"""A line of seven words or more; shorter ones are titles, places, skills."""
MARK: Final = "_"
"""Before a word of a short line. No word holds it."""
PROJECTIONS: Final = 4

_WORD: Final = re.compile(r"(?:[^\W_]|[+#])+")
_YEAR: Final = re.compile(YEAR, re.ASCII)
_LONG_LINE: Final = re.compile(LONG_LINE)


def words(text: str) -> list[str]:
    """Words of `text` in lower case and in order, without years."""
    return _WORD.findall(_YEAR.sub(" ", text.lower()))


def fields(text: str) -> list[str]:
    """Words of `text`, then once more those of its short lines, each behind a `MARK`."""
    return [*words(text), *(f"{MARK}{word}" for word in words(_LONG_LINE.sub("", text)))]


def terms(text: str) -> list[str]:
    """Words, and pairs of neighbouring words joined by a space."""
    return _with_pairs(words(text))


def field_terms(text: str) -> list[str]:
    """`terms` of `fields`."""
    return _with_pairs(fields(text))


def counted(
    texts: Iterable[str], min_people: int, of: Callable[[str], list[str]] = terms
) -> tuple[list[str], list[float]]:
    """Terms that enough people wrote, and how telling each is; see `vocabulary`.

    Args:
        texts: [n_people] all that one person wrote, one text a person.
        min_people: A term of fewer people is left out: a rare term can name a person.
        of: What a term is.

    Returns:
        As `vocabulary`, possibly none.
    """
    seen: Counter[str] = Counter()
    people = 0
    for text in texts:
        seen.update(set(of(text)))
        people += 1
    common = sorted((term for term, count in seen.items() if count >= min_people), key=lambda term: (-seen[term], term))
    return common, [math.log((1 + people) / (1 + seen[term])) + 1 for term in common]


def vocabulary(texts: Sequence[str], min_people: int, max_terms: int) -> tuple[list[str], list[float]]:
    """Terms that enough people wrote, and how telling each is.

    Args:
        texts: [n_people] all that one person wrote, one text a person.
        min_people: A term of fewer people is left out: a rare term can name a person.
        max_terms: The terms of most people are kept.

    Returns:
        [n_terms] terms, those of most people first, ties by alphabet; [n_terms] smooth inverse document frequencies.

    Raises:
        ContractError: No term is left.
    """
    common, weights = counted(texts, min_people)
    if not common:
        raise ContractError(
            f"Resumes must share terms that {min_people} people wrote; {len(texts)} people share none. "
            "Ingest more resumes, or lower privacy.min_people."
        )
    return common[:max_terms], weights[:max_terms]


def by_person(frame: pl.DataFrame) -> list[str]:
    """[n_people] all that each person wrote, in order of the pseudonym.

    Args:
        frame: [n_cases] person_id, resume_text.
    """
    written = frame.group_by("person_id").agg(pl.col("resume_text").unique().sort().str.join("\n"))
    return written.sort("person_id")["resume_text"].to_list()


def rare_shares(texts: Sequence[str]) -> list[float]:
    """[n_texts] share of each text's distinct words that no other of `texts` has; 0 for a text without words."""
    bags = [set(words(text)) for text in texts]
    seen = Counter(word for bag in bags for word in bag)
    return [sum(seen[word] == 1 for word in bag) / len(bag) if bag else 0.0 for bag in bags]


def projections(text: str) -> tuple[float, ...]:
    """[4] signed random sums of a text's words: they move when the language moves.

    The signs come from a checksum of the word, so they are the same everywhere and need no training.
    """
    counts = Counter(words(text))
    length = math.sqrt(sum(math.log1p(count) ** 2 for count in counts.values())) or 1.0
    sums = [0.0] * PROJECTIONS
    for word, count in sorted(counts.items()):
        signs = zlib.crc32(word.encode())
        weight = math.log1p(count) / length
        for index in range(PROJECTIONS):
            sums[index] += weight if signs >> (7 * index) & 1 else -weight
    return tuple(sums)


def _with_pairs(single: list[str]) -> list[str]:
    return [*single, *(f"{left} {right}" for left, right in pairwise(single))]
