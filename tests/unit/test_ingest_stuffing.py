"""Keyword stuffing: lists that come again and again, in order or not; honest texts, and who is flagged."""

import polars as pl
import pytest

from pipelines.ingest.batch import Unit
from pipelines.ingest.documents.stuffing import stuffed_share
from pipelines.ingest.flags import flagged

PROSE = " ".join("".join(chr(97 + (number // 26**place) % 26) for place in range(3)) for number in range(400))
"""400 different words."""


def listed(count: int) -> list[str]:
    return [f"term{chr(97 + number // 26)}{chr(97 + number % 26)}" for number in range(count)]


def test_a_list_pasted_five_times_is_stuffed_and_the_prose_around_it_not() -> None:
    pasted = ", ".join(listed(40) * 5)
    # of the last two words no row of three begins, but the rows before cover them
    assert stuffed_share(f"{PROSE}\n{pasted}\n{PROSE}") == pytest.approx(200 / 1000)
    assert stuffed_share(f"{PROSE}\n{', '.join(listed(40) * 4)}\n{PROSE}") == 0.0


def test_what_repeats_from_job_to_job_far_apart_is_not_stuffed() -> None:
    jobs = "\n".join(f"company name city {PROSE[number * 240 : number * 240 + 240]}" for number in range(6))
    assert stuffed_share(jobs) == 0.0


def test_few_terms_in_any_order_are_stuffed() -> None:
    terms = listed(20)
    turned = " ".join(term for turn in range(20) for term in terms[:: -1 if turn % 2 else 1][turn % 7 :])
    assert stuffed_share(turned) == 1.0


def test_a_stretch_is_stuffed_wherever_it_lies() -> None:
    terms = listed(20)
    turned = " ".join(terms[::-1] + terms + terms[::-1] + terms + terms[::-1])
    # a stretch of 60 words may begin with 4 of prose: with the 20 terms these are 24
    assert stuffed_share(f"{PROSE} {turned}") == pytest.approx(104 / 500)


def test_one_word_over_and_over_is_stuffed() -> None:
    assert stuffed_share(f"{PROSE} {'kafka ' * 100}") == pytest.approx(100 / 500, abs=0.05)


def test_a_long_list_of_terms_that_come_once_each_is_none() -> None:
    assert stuffed_share(", ".join(listed(400))) == 0.0


@pytest.mark.parametrize("text", ["", "a b c", "2015 - 2019"])
def test_without_words_nothing_is_stuffed(text: str) -> None:
    assert stuffed_share(text) == 0.0


def test_documents_to_look_at_are_counted_by_feed_and_flag() -> None:
    units = [Unit(name, feed, "2026-01", "a" * 64, 1, {}, "f") for name, feed in (("u", "resumes"), ("v", "others"))]
    rows = pl.DataFrame(
        {
            "unit_no": [0, 0, 0, 1, 1],
            "hidden_text_share": [0.3, 0.01, 0.0099, None, 0.5],
            "stuffed_text_share": [0.1, 0.0, 0.09, 0.05, None],
        }
    )
    expected = {"resumes": {"hidden_text": 2, "stuffed_text": 1}, "others": {"hidden_text": 1}}
    assert flagged(units, {"resumes": rows.lazy()}) == expected
    assert flagged(units, {}) == {}
