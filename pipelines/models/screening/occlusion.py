"""Weights of a text's terms without each of its passages, from one reading of the text. No Keras.

A passage takes its words away, and the pairs at its two ends; where it stood two others meet. Of the words of short
lines (`text.fields_of`) only those of the line in which the text closes again can change: what is left of it may be
short now, or long. So the counts of the whole are corrected, exactly, and only that line is read again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from pipelines.models.screening import text
from pipelines.models.screening.spans import Places

Floats = npt.NDArray[np.float32]
Codes = npt.NDArray[np.int64]
_NONE: Final = -1
"""A word of no term, and the place of a pair or word that is no term."""


@dataclass(frozen=True, slots=True)
class Terms:
    """A vocabulary of words and of pairs of neighbours, to be looked up by number."""

    words: pl.DataFrame
    """[n_words] word, number: all of which terms are made."""
    single: Codes
    """[n_words + 1] column of a word as a term; the last is of words that are in no term."""
    pairs: Codes
    """[n_pairs] ascending: first number times `n_words`, plus the second."""
    columns: Codes
    """[n_pairs] of the pairs."""
    weights: Floats
    """[n_terms] what one occurrence counts."""

    @classmethod
    def of(cls, terms: Sequence[str], weights: Sequence[float]) -> "Terms":
        """Numbers for `terms`, words or two words joined by a space, and their weights."""
        parts = [term.split(" ") for term in terms]
        names = sorted({word for part in parts for word in part})
        number = {name: place for place, name in enumerate(names)}
        single = np.full(len(names) + 1, _NONE)
        codes, columns = [], []
        for column, part in enumerate(parts):
            if len(part) == 1:
                single[number[part[0]]] = column
            else:
                codes.append(number[part[0]] * len(names) + number[part[1]])
                columns.append(column)
        order = np.argsort(codes)
        known = pl.DataFrame({"word": names, "number": range(len(names))}, {"word": pl.String, "number": pl.Int64})
        pairs, of_pairs = (np.array(found, dtype=np.int64)[order] for found in (codes, columns))
        return cls(known, single, pairs, of_pairs, np.asarray(weights, dtype=np.float32))

    def numbers(self, texts: Sequence[str], *, is_short_only: bool = False) -> tuple[Codes, Codes]:
        """[n_words of all] numbers of the words of texts, `_NONE` for one of no term; [n_texts + 1] where each begins.

        Args:
            texts: [n_texts].
            is_short_only: Whether only lines that are short count, as words of short lines.
        """
        given = pl.Series(texts, dtype=pl.String)
        found = text.words_of(given.str.replace_all(text.LONG_LINE, "") if is_short_only else given)
        words = found.explode(empty_as_null=False, keep_nulls=False).rename("word").to_frame()
        if is_short_only:
            words = words.select(word=text.MARK + pl.col("word"))
        numbers = words.join(self.words, on="word", how="left", maintain_order="left")["number"].fill_null(_NONE)
        return numbers.to_numpy(), _begins(found.list.len().to_numpy())

    def paired(self, first: Codes, second: Codes) -> Codes:
        """[n] columns of pairs of words, `_NONE` where they are no term."""
        if not len(self.pairs):
            return np.full(len(first), _NONE)
        code = np.where((first >= 0) & (second >= 0), first * len(self.words) + second, _NONE)
        place = np.minimum(np.searchsorted(self.pairs, code), len(self.pairs) - 1)
        return np.where(self.pairs[place] == code, self.columns[place], _NONE)


def weighted(texts: Sequence[str], places: Sequence[Places], terms: Terms) -> tuple[Floats, Floats]:
    """Logarithmic TF-IDF of texts, as `architecture.encoder` reads them, and of what is left without each passage.

    Args:
        texts: [n_texts].
        places: [n_texts] passages of each, in order, every word in one (`spans.passages`); possibly none.
        terms: Columns.

    Returns:
        [n_texts, n_terms] of the texts; [n_passages of all, n_terms] of `spans.without`, text by text.
    """
    stream, cuts = _streamed(texts, places, terms)
    # every text ends with a word of no term, so that no pair crosses from one to the next
    single, pair = terms.single[stream.words], terms.paired(stream.words, np.append(stream.words[1:], _NONE))
    size, count = len(terms.weights), len(texts)
    of_text = np.repeat(np.arange(count), np.diff(stream.begins))
    counts = _tallied(of_text, single, count, size) + _tallied(of_text, pair, count, size)
    whole = np.log1p(counts * terms.weights)
    changes = _changes(stream.words, single, pair, cuts, terms)
    cells, inverse = np.unique(changes[0], return_inverse=True)
    change = np.bincount(inverse, weights=changes[1], minlength=len(cells))
    row, column = np.divmod(cells, size)
    owner = np.repeat(np.arange(count), [len(own) for own in places])
    left = whole[owner]
    left[row, column] = np.log1p((counts[owner[row], column] + change).astype(np.float32) * terms.weights[column])
    return whole, left


@dataclass(frozen=True, slots=True)
class _Stream:
    """Texts one after the other: its words, those of its short lines, and a word of no term."""

    words: Codes
    begins: Codes
    """[n_texts + 1] where each begins."""


@dataclass(frozen=True, slots=True)
class _Cuts:
    """What is done to a stream, [n_edits] each."""

    row: Codes
    """Number of the passage that is left out."""
    start: Codes
    end: Codes
    """What is taken out: from, and up to."""
    put: Sequence[Codes]
    """Words that stand there instead."""


def _streamed(texts: Sequence[str], places: Sequence[Places], terms: Terms) -> tuple[_Stream, _Cuts]:
    """All words of the texts in order, and what every passage does to them."""
    # a text without passages is one piece; its passages are all of it otherwise
    pieces = [[written[a:b] for a, b in own] or [written] for written, own in zip(texts, places, strict=True)]
    lines = [written.split("\n") for written in texts]
    ends = [_closed(*both) for both in zip(texts, places, strict=True)]
    plain, of_piece = terms.numbers([piece for own in pieces for piece in own])
    short, of_line = terms.numbers([line for own in lines for line in own], is_short_only=True)
    closing, of_end = terms.numbers([end[2] for own in ends for end in own], is_short_only=True)
    parts: list[Codes] = []
    begins, row, start, end, put = [0], [], [], [], []
    piece = line = number = 0
    for own, its_lines, its_ends in zip(pieces, lines, ends, strict=True):
        words = plain[of_piece[piece] : of_piece[piece + len(own)]]
        marked = short[of_line[line] : of_line[line + len(its_lines)]]
        first = begins[-1]
        for n, (above, below, _) in enumerate(its_ends):
            i, j = (first + of_piece[piece + n + m] - of_piece[piece] for m in (0, 1))
            k, m = (first + len(words) + of_line[line + at] - of_line[line] for at in (above, below + 1))
            seam = closing[of_end[number] : of_end[number + 1]]
            # where the two touch they are one, or a pair between them would be counted twice
            edits = [(i, m, seam)] if j == k else [(i, j, seam[:0]), (k, m, seam)]
            for one, other, instead in edits:
                row.append(number)
                start.append(one)
                end.append(other)
                put.append(instead)
            number += 1
        parts += [words, marked, np.array([_NONE])]
        begins.append(first + len(words) + len(marked) + 1)
        piece += len(own)
        line += len(its_lines)
    rows, starts, ends_ = (np.array(values, dtype=np.int64) for values in (row, start, end))
    return _Stream(np.concatenate(parts), np.array(begins)), _Cuts(rows, starts, ends_, put)


def _closed(written: str, places: Places) -> list[tuple[int, int, str]]:
    """Of every passage the numbers of the lines where it begins and ends, and the line that is left of the two."""
    found = []
    for a, b in places:
        above, stop = written.rfind("\n", 0, a) + 1, written.find("\n", b)
        left = f"{written[above:a]} {written[b : len(written) if stop < 0 else stop]}"
        number = written.count("\n", 0, a)
        found.append((number, number + written.count("\n", a, b), left))
    return found


def _changes(
    words: Codes, single: Codes, pair: Codes, cuts: _Cuts, terms: Terms
) -> tuple[Codes, npt.NDArray[np.float64]]:
    """[n_changes] cells, as row times terms plus column, and by how much their count changes."""
    lengths = np.array([len(put) for put in cuts.put], dtype=np.int64) + 2
    begins = _begins(lengths)
    beside = np.zeros(begins[-1], dtype=np.int64)  # what is put, between its two neighbours
    beside[begins[:-1]] = words[cuts.start - 1]
    beside[begins[1:] - 1] = words[cuts.end]
    inside, owner = _spread(begins[:-1] + 1, begins[1:] - 1)
    beside[inside] = np.concatenate([*cuts.put, np.zeros(0, np.int64)])
    gone, of_gone = _spread(cuts.start, cuts.end)
    apart, of_apart = _spread(cuts.start - 1, cuts.end)
    meeting, of_meeting = _spread(begins[:-1], begins[1:] - 1)
    changed = [
        (of_gone, single[gone], -1),
        (of_apart, pair[apart], -1),
        (owner, terms.single[beside[inside]], 1),
        (of_meeting, terms.paired(beside[meeting], beside[meeting + 1]), 1),
    ]
    row = np.concatenate([cuts.row[of] for of, _, _ in changed])
    column = np.concatenate([columns for _, columns, _ in changed])
    change = np.concatenate([np.full(len(columns), by, np.float64) for _, columns, by in changed])
    is_term = column >= 0
    return row[is_term] * len(terms.weights) + column[is_term], change[is_term]


def _tallied(row: Codes, column: Codes, rows: int, columns: int) -> Floats:
    """[rows, columns] how often a row has a column; `_NONE` is no column."""
    is_term = column >= 0
    cells = row[is_term] * columns + column[is_term]
    return np.bincount(cells, minlength=rows * columns).reshape(rows, columns).astype(np.float32)


def _begins(lengths: npt.NDArray[Any]) -> Codes:
    """[n + 1] where each begins and the last ends, one after the other."""
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def _spread(starts: Codes, ends: Codes) -> tuple[Codes, Codes]:
    """Every place from each start up to each end, and whose it is."""
    lengths = ends - starts
    owner = np.repeat(np.arange(len(starts)), lengths)
    return np.arange(len(owner)) - np.repeat(_begins(lengths)[:-1] - starts, lengths), owner
