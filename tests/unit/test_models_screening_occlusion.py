"""Terms of a resume without one of its passages, told from one reading: what reading the rest again would tell."""

import math
from collections import Counter
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipelines.models.screening import spans, text
from pipelines.models.screening.occlusion import Terms, weighted

WORDS = ("a", "b", "é", "_a", "_b")
TERMS = [*WORDS, *(f"{one} {other}" for one in WORDS for other in WORDS if (one, other) != ("b", "a"))]
WEIGHTS = [1.0 + place / 7 for place in range(len(TERMS))]
SAID = ("a", "b", "é", "c1", "2001", "-", "b.", " ", "\t", "\n", "\n", "\r", "\u2003", "_")
PIECES = st.lists(st.sampled_from(SAID), max_size=40)


def counted(left):
    """What a text counts for every term: the declared reading of texts, and arithmetic."""
    [words] = text.fields_of(pl.Series([left], dtype=pl.String)).to_list()
    counts = Counter(words) + Counter(" ".join(pair) for pair in pairwise(words))
    return [math.log1p(counts[term] * weight) for term, weight in zip(TERMS, WEIGHTS, strict=True)]


def both(texts, places):
    whole, left = weighted(texts, places, Terms.of(TERMS, WEIGHTS))
    rest = [spans.without(one, place) for one, own in zip(texts, places, strict=True) for place in own]
    return [*whole, *left], [counted(one) for one in [*texts, *rest]]


@given(st.lists(PIECES.map(" ".join) | PIECES.map("".join), min_size=1, max_size=3), st.integers(1, 9))
@example(["a a a\nb b b b b b b a a"], 3)  # six words of a long line are cut: what is left of it is short
@example(["a b a\nb a b. a a a a a\nb"], 3)  # two short lines close to one long one
@example(["b\na \n b a\nb"], 3)  # a passage of parts of two lines, and of one between them
@example(["a b a b a b a b", "b"], 4)  # a pair across the cut, and one across the end of the words
@settings(max_examples=120)
def test_what_is_left_counts_as_if_it_were_read_again(texts, size):
    places = []
    for one in texts:
        words = [match.span() for match in spans._WORD.finditer(one)]
        parts = [words[start : start + size] for start in range(0, len(words), size)]
        places.append([(part[0][0], part[-1][1]) for part in parts] if len(parts) > 1 else [])
    found, wanted = both(texts, places)
    assert np.allclose(found, wanted, atol=1e-6)


def test_a_line_that_becomes_short_speaks_twice_and_pairs_meet_where_a_passage_was():
    # seven words are a long line, six a short one, whose words count once more behind a mark
    terms = Terms.of(["x", "_x", "y z", "x _x", "_z _z"], [1.0] * 5)
    whole, left = weighted(["x y w w w w z"], [[(0, 3), (4, 11), (12, 13)]], terms)
    assert np.expm1(whole[0]).tolist() == pytest.approx([1, 0, 0, 0, 0])
    assert np.expm1(left).tolist() == [
        pytest.approx(of) for of in ([0, 0, 0, 0, 0], [1, 1, 1, 0, 0], [1, 1, 0, 0, 0])
    ]  # w w w w z twice, x y z _x _y _z, x y w w w w and their six
    _, left = weighted(["x y w w w w z"], [[(0, 1), (2, 13)]], terms)
    assert np.expm1(left[1]).tolist() == pytest.approx([1, 1, 0, 1, 0])  # x _x


def test_no_text_no_passage_and_no_pair_are_nothing():
    terms = Terms.of(["x"], [2.0])
    whole, left = weighted(["x x", ""], [[], []], terms)
    assert np.expm1(whole).tolist() == [[pytest.approx(4)], [0]]
    assert left.shape == (0, 1)
