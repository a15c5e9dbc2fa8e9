"""Words and terms of a text, the same for the vocabulary, the baseline and the inputs that are monitored. No Keras.

Years such as 1998 are dropped: in a resume they say how old somebody is. Other numbers stay ("7 years").
`architecture` does in TensorFlow what `words_of` and `fields_of` do here. Tests hold both together.
"""

import math
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
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

Reading = Callable[[pl.Series], pl.Series]
"""[n_texts] texts -> [n_texts] lists of words."""
_PART: Final = 1024
"""Texts that are read at once: of many, only what they say together is kept."""
_WORDS: Final = r"[\p{L}\p{N}+#]+"
_YEARS: Final = YEAR.replace(r"\b", r"(?-u:\b)")
"""`YEAR` in Polars, whose borders of words are those of ASCII only when told so."""


def words_of(texts: pl.Series) -> pl.Series:
    """[n_texts] lists of words: in lower case and in order, without years."""
    return texts.str.to_lowercase().str.replace_all(_YEARS, " ").str.extract_all(_WORDS)


def fields_of(texts: pl.Series) -> pl.Series:
    """[n_texts] `words_of` each text, then once more those of its short lines, each behind a `MARK`."""
    both = pl.DataFrame({"words": words_of(texts), "short": words_of(texts.str.replace_all(LONG_LINE, ""))})
    return both.select(pl.concat_list("words", pl.col("short").list.eval(MARK + pl.element()))).to_series()


def counted(texts: Sequence[str], min_people: int, of: Reading = words_of) -> tuple[list[str], list[float]]:
    """Terms that enough people wrote, and how telling each is; see `vocabulary`.

    Args:
        texts: [n_people] all that one person wrote, one text a person.
        min_people: A term of fewer people is left out: a rare term can name a person.
        of: What the words of texts are; terms are words, and pairs of neighbouring words joined by a space.

    Returns:
        As `vocabulary`, possibly none.
    """
    parts = [part.group_by("term").agg(people=pl.col("text").n_unique()) for part in _terms(texts, of)]
    seen = pl.concat(parts).group_by("term").agg(pl.col("people").sum()).filter(pl.col("people") >= min_people)
    common = sorted((-people, term) for term, people in seen.iter_rows())
    return [term for _, term in common], [math.log((1 + len(texts)) / (1 - less)) + 1 for less, _ in common]


def tallied(texts: Sequence[str], terms: Sequence[str], of: Reading = words_of) -> pl.DataFrame:
    """[n] text, column, count: how often a text has a term, by the places of both in what is given, in their order.

    Args:
        texts: [n_texts].
        terms: As `counted` names them; others are left out.
        of: As for `counted`.
    """
    known = pl.DataFrame({"term": terms, "column": range(len(terms))}, schema={"term": pl.String, "column": pl.Int64})
    parts = [
        part.join(known, on="term", how="inner").group_by("text", "column").agg(count=pl.len().cast(pl.Int64))
        for part in _terms(texts, of)
    ]
    return pl.concat(parts).sort("text", "column")


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


def rare_shares(texts: pl.Series) -> pl.Series:
    """[n_texts] share of each text's distinct words that no other of `texts` has; 0 for a text without words."""
    own = _counted(texts)
    rare = (pl.len().over("word") == 1).cast(pl.Float64)
    shares = own.with_columns(rare=rare).group_by("text").agg(pl.col("rare").mean())
    every = pl.DataFrame({"text": pl.int_range(len(texts), dtype=pl.UInt32, eager=True)})
    return every.join(shares, on="text", how="left", maintain_order="left")["rare"].fill_null(0.0)


def projections(texts: pl.Series) -> npt.NDArray[np.float64]:
    """[n_texts, 4] signed random sums of each text's words: they move when the language moves.

    The signs come from a checksum of the word, so they are the same everywhere and need no training.
    """
    own = _counted(texts)
    distinct = own["word"].unique().sort()
    signs = np.array([zlib.crc32(word.encode()) for word in distinct], dtype=np.uint32)
    bits = (signs[:, None] >> np.uint32(7) * np.arange(PROJECTIONS, dtype=np.uint32)) & np.uint32(1)
    text, weight = own["text"].to_numpy(), np.log1p(own["count"].to_numpy())
    length = np.sqrt(np.bincount(text, weight**2, len(texts)))
    signed = (weight / length[text])[:, None] * (2.0 * bits - 1)[distinct.search_sorted(own["word"]).to_numpy()]
    return np.column_stack([np.bincount(text, column, len(texts)) for column in signed.T])


def overlaps(texts: pl.Series, others: pl.Series) -> pl.Series:
    """[n_pairs] share of the distinct words of `others` that the text beside each has, too; 0 of none."""
    wanted = pl.col("wanted").list.unique()
    shared = pl.col("own").list.set_intersection(wanted).list.len()
    share = (shared / wanted.list.len().clip(1)).alias("share")
    pairs = pl.DataFrame({"own": texts, "wanted": others})
    parts = (part.select(words_of(part[name]) for name in part.columns) for part in pairs.iter_slices(_PART))
    return pl.concat([pl.Series("share", [], pl.Float64), *(part.select(share)["share"] for part in parts)])


def _counted(texts: pl.Series) -> pl.DataFrame:
    """[n] text (its place), word, count: by text and word."""
    read = texts.alias("word").to_frame().with_row_index("text")
    words = (part.with_columns(words_of(part["word"])).explode("word") for part in read.iter_slices(_PART))
    parts = [part.drop_nulls("word").group_by("text", "word").len("count") for part in words]
    nothing = read.clear().with_columns(count=pl.lit(None, pl.UInt32))
    return pl.concat([nothing, *parts]).sort("text", "word")


def _terms(texts: Sequence[str], of: Reading) -> Iterator[pl.DataFrame]:
    """Some texts at a time: [n] text (its place), term; every one as often as it is written."""
    for start in range(0, max(len(texts), 1), _PART):
        read = of(pl.Series(texts[start : start + _PART], dtype=pl.String))
        single = read.alias("word").to_frame().with_row_index("text", start).explode("word").drop_nulls("word")
        neighbour = pl.when(pl.col("text") == pl.col("text").shift(-1)).then(pl.col("word").shift(-1))
        pairs = single.select("text", word=pl.concat_str("word", neighbour, separator=" ")).drop_nulls("word")
        yield pl.concat([single, pairs]).rename({"word": "term"})
