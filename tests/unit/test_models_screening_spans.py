"""Passages of a resume: where they are, and which are named."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.models.screening import spans


def said(text):
    return [text[start:end] for start, end in spans.passages(text)]


def test_a_passage_is_a_sentence_or_a_line_and_short_ones_go_together():
    text = "Cook\nBerlin\nI cooked soup for many people.  Then I left; it burnt.\nBread, cake, pies and\nmore"
    assert said(text) == [
        "Cook\nBerlin\nI cooked soup for many people.",
        "Then I left; it burnt.",
        "Bread, cake, pies and",
        "more",
    ]


def test_a_line_without_an_end_is_parted_and_long_texts_have_about_so_many_passages():
    assert [len(part.split()) for part in said("word " * 30)] == [12, 12, 6]
    # 2,400 words: passages of 100 at least, and 104 at most
    assert [len(part.split()) for part in said("word " * 2400)] == [104] * 23 + [8]
    assert [len(part.split()) for part in said("one two three. " * 800)][:2] == [102, 102]


@pytest.mark.parametrize("text", ["", "  ", "One two three four.", "One two three four five six"])
def test_a_text_that_is_one_passage_has_none(text):
    assert said(text) == []


@given(st.text(alphabet="ab .\n;é\u2003", max_size=300))
def test_no_word_is_in_two_passages_and_none_is_left_out(text):
    found = spans.passages(text)
    assert all(end <= start for (_, end), (start, _) in pairwise(found))
    if found:
        assert " ".join(said(text)).split() == text.split()


def test_without_a_passage_the_words_beside_it_stay_apart():
    assert spans.without("one two three", (4, 7)).split() == ["one", "three"]
    assert spans.without("onetwothree", (3, 6)) == "one three"


def test_two_at_most_are_named_the_first_moves_most_and_who_moves_little_is_none():
    places = [(0, 5), (6, 9), (10, 20), (21, 30)]
    assert spans.named(places, np.array([0.02, 0.3, 0.05, -0.4])) == ["span:6-9", "span:10-20"]
    assert spans.named(places, np.array([0.0099, 0.01, -0.2, 0.0])) == ["span:6-9"]
