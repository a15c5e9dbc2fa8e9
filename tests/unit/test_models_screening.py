"""Screening: which application is a case, which text it is judged on, who is put forward."""

import math
import re
import zlib
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.base.contracts import empty
from pipelines.base.errors import ContractError
from pipelines.models import TOGETHER
from pipelines.models.screening import bands, near, text
from pipelines.models.screening import features as screening

SETTINGS = screening.Prepare(min_chars=5, valid_share=0.25, test_share=0.25)
DAY = datetime(2026, 3, 1, 12, tzinfo=UTC)


def moment(day: int) -> datetime:
    return DAY + timedelta(days=day)


def rows(name: str, *given: dict[str, object]) -> pl.DataFrame:
    """A canonical table with nulls where nothing is given."""
    schema = empty(name).schema
    basis = {"known_from": DAY, "known_from_basis": "observed"}
    return pl.DataFrame([{**dict.fromkeys(schema), **basis, **row} for row in given], schema=schema)


def application(
    name: str, person: str, day: int, status: str = "rejected", requisition: str = "R-1"
) -> dict[str, object]:
    return {
        "application_id": name,
        "person_id": person,
        "requisition_id": requisition,
        "applied_at": moment(day),
        "status_code": status,
    }


def event(name: str, person: str, outcome: str, day: int, stage: str = "screen") -> dict[str, object]:
    return {
        "application_id": name,
        "person_id": person,
        "requisition_id": "R-1",
        "stage_code": stage,
        "outcome_code": outcome,
        "decided_by": "human",
        "occurred_at": moment(day),
    }


def resume(person: str, words: str, day: int, basis: str = "observed", status: str = "ok") -> dict[str, object]:
    return {
        "person_id": person,
        "document_id": f"{person}-{day}",
        "text": words,
        "status_code": status,
        "received_at": moment(day),
        "known_from_basis": basis,
    }


def company(**tables: pl.DataFrame) -> dict[str, pl.DataFrame]:
    wanted = {"requisition_id": "R-1", "title": "Cook", "description": "Soup and bread", "job_family_code": "KITCHEN"}
    return {name: empty(name) for name in screening.TABLES} | {"requisitions": rows("requisitions", wanted)} | tables


def test_withdrawn_applications_are_no_examples() -> None:
    tables = company(
        applications=rows("applications", application("a1", "p1", 0), application("a2", "p2", 0)),
        application_events=rows(
            "application_events", event("a1", "p1", "withdrawn", 3), event("a2", "p2", "advanced", 4)
        ),
        resumes=rows("resumes", resume("p1", "cook of soup", -1), resume("p2", "baker of bread", -1)),
    )
    found = screening.examples(tables, SETTINGS)
    assert found["person_id"].to_list() == ["p2"]
    assert found["outcome"].to_list() == [1.0]
    assert found["known_at"].to_list() == [moment(4)]
    assert found["occurred_at"].to_list() == [moment(0)]
    assert found["requisition_text"].to_list() == ["Cook\nSoup and bread"]


def test_a_decision_at_a_later_stage_is_no_screening_decision() -> None:
    tables = company(
        applications=rows("applications", application("a1", "p1", 0)),
        application_events=rows("application_events", event("a1", "p1", "rejected", 3, stage="interview")),
        resumes=rows("resumes", resume("p1", "cook of soup", -1)),
    )
    assert screening.examples(tables, SETTINGS).is_empty()
    assert screening.outcomes(tables).is_empty()


def test_the_newest_resume_sent_by_then_is_read_and_never_a_later_one() -> None:
    tables = company(
        applications=rows("applications", application("a1", "p1", 0)),
        application_events=rows("application_events", event("a1", "p1", "advanced", 3)),
        resumes=rows("resumes", resume("p1", "first", -9), resume("p1", "second", 0), resume("p1", "third", 1)),
    )
    assert screening.examples(tables, SETTINGS)["resume_text"].to_list() == ["second"]


def test_a_resume_that_the_source_dates_after_the_application_is_not_read() -> None:
    tables = company(
        applications=rows("applications", application("a1", "p1", 0)),
        application_events=rows("application_events", event("a1", "p1", "advanced", 3)),
        resumes=rows("resumes", resume("p1", "written later", 1, basis="source")),
    )
    assert screening.examples(tables, SETTINGS).is_empty()


def test_a_resume_that_was_told_after_the_application_is_not_read() -> None:
    sent = resume("p1", "second", -1, basis="source") | {"known_from": moment(1)}
    first = resume("p1", "first", -9, basis="source") | {"known_from": moment(-9)}
    tables = company(
        applications=rows("applications", application("a1", "p1", 0)),
        application_events=rows("application_events", event("a1", "p1", "advanced", 3)),
        resumes=rows("resumes", first, sent),
    )
    assert screening.examples(tables, SETTINGS)["resume_text"].to_list() == ["first"]


def test_a_requisition_is_read_as_it_was_when_somebody_applied() -> None:
    versions = [
        {"requisition_id": "R-1", "title": "Cook", "description": text, "known_from": moment(day)}
        | {"known_from_basis": "source"}
        for text, day in (("Soup", 5), ("Soup and bread", 9))
    ]
    tables = company(
        applications=rows("applications", application("a1", "p1", 0), application("a2", "p2", 10)),
        application_events=rows(
            "application_events", event("a1", "p1", "advanced", 11), event("a2", "p2", "rejected", 12)
        ),
        resumes=rows("resumes", resume("p1", "cook of soup", -1), resume("p2", "baker of bread", -1)),
        requisitions=rows("requisitions", *versions),
    )
    found = dict(screening.examples(tables, SETTINGS).select("person_id", "requisition_text").iter_rows())
    assert found == {"p1": "Cook\nSoup", "p2": "Cook\nSoup and bread"}


def test_a_resume_without_a_date_of_its_own_came_with_the_application() -> None:
    tables = company(
        applications=rows("applications", application("a1", "p1", 0)),
        application_events=rows("application_events", event("a1", "p1", "advanced", 3)),
        resumes=rows("resumes", resume("p1", "newer", 90), resume("p1", "older", 80)),
    )
    assert screening.examples(tables, SETTINGS)["resume_text"].to_list() == ["older"]


def test_unreadable_and_short_resumes_are_left_to_a_person() -> None:
    tables = company(
        applications=rows("applications", *(application(f"a{n}", f"p{n}", 0, "in_process") for n in (1, 2, 3))),
        resumes=rows(
            "resumes",
            resume("p1", "cook of soup", -1, status="corrupt"),
            resume("p2", "abc", -1),
            resume("p3", "cooks", -1),
        ),
    )
    assert screening.cases(tables, SETTINGS, date(2026, 4, 1))["person_id"].to_list() == ["p3"]


def test_cases_are_in_process_and_not_screened_by_the_day() -> None:
    tables = company(
        applications=rows(
            "applications",
            application("a1", "p1", 0, "in_process"),
            application("a2", "p2", 0, "in_process"),
            application("a3", "p3", 0, "rejected"),
            application("a4", "p4", 40, "in_process"),
        ),
        application_events=rows(
            "application_events", event("a2", "p2", "advanced", 2), event("a1", "p1", "advanced", 20)
        ),
        resumes=rows("resumes", *(resume(f"p{n}", "cook of soup", -1) for n in (1, 2, 3, 4))),
    )
    assert screening.cases(tables, SETTINGS, date(2026, 3, 10))["person_id"].to_list() == ["p1"]


def a_pool() -> dict[str, pl.DataFrame]:
    """Three candidates, one without a resume; two open requisitions and one that closed. Ann has applied to R-1."""
    roles = [
        {
            "requisition_id": f"R-{n}",
            "title": f"Cook {n}",
            "description": "soup",
            "job_family_code": "F",
            "status_code": status,
            "opened_at": DAY.date(),
        }
        for n, status in ((1, "open"), (2, "open"), (3, "open"))
    ]
    closed = roles[2] | {"status_code": "closed", "known_from": moment(2)}
    return company(
        requisitions=rows("requisitions", *roles, closed),
        candidates=rows("candidates", *({"person_id": name, "created_at": DAY} for name in ("ann", "bea", "cy"))),
        resumes=rows("resumes", resume("ann", "I cook soup.", 0), resume("bea", "I bake bread.", 0)),
        applications=rows("applications", application("A-1", "ann", 1, status="in_process")),
    )  # fmt: skip


def test_people_are_set_beside_a_role_and_roles_beside_a_person_where_nobody_has_applied() -> None:
    day = moment(5).date()
    of_role = screening.pairs(a_pool(), SETTINGS, day, requisition_id="R-1")
    assert of_role.rows() == [("bea", "R-1", "advanced", "I bake bread.", "Cook 1\nsoup")]
    assert screening.pairs(a_pool(), SETTINGS, day, requisition_id="R-2")["person_id"].to_list() == ["ann", "bea"]
    assert screening.pairs(a_pool(), SETTINGS, day, person_id="ann")["subject_id"].to_list() == ["R-2"]
    assert screening.pairs(a_pool(), SETTINGS, day, person_id="bea")["subject_id"].to_list() == ["R-1", "R-2"]
    assert screening.pairs(a_pool(), SETTINGS, day, person_id="cy").is_empty()


@pytest.mark.parametrize("asked", [{"requisition_id": "R-3"}, {"requisition_id": "R-9"}, {"person_id": "dan"}])
def test_who_is_not_on_record_and_what_is_not_open_has_no_list(asked: dict[str, str]) -> None:
    with pytest.raises(ContractError, match="must be of an open requisition and a candidate on record") as told:
        screening.pairs(a_pool(), SETTINGS, moment(5).date(), **asked)
    assert not any(value in str(told.value) for value in asked.values())


def test_a_list_is_of_one_requisition_or_of_one_person() -> None:
    for asked in ({}, {"requisition_id": "R-1", "person_id": "ann"}):
        with pytest.raises(ContractError, match="neither or both"):
            screening.pairs(a_pool(), SETTINGS, moment(5).date(), **asked)


def split_of(*cases: tuple[str, int, str], valid_share: float = 0.25) -> dict[tuple[str, int], str]:
    frame = pl.DataFrame(
        [{"person_id": person, "occurred_at": moment(day), "resume_text": words} for person, day, words in cases]
    )
    found = screening.with_split(frame, SETTINGS.model_copy(update={"valid_share": valid_share}))
    return {((row["person_id"]), (row["occurred_at"] - DAY).days): row["split"] for row in found.iter_rows(named=True)}


def test_the_newest_people_test_and_the_oldest_train() -> None:
    found = split_of(*((f"p{n}", n, f"text {n}") for n in range(8)))
    assert [found[f"p{n}", n] for n in range(8)] == ["train"] * 4 + ["valid"] * 2 + ["test"] * 2


def test_a_person_and_a_copied_resume_stay_in_one_split() -> None:
    found = split_of(
        ("p0", 0, "a"), ("p1", 0, "b"), ("p1", 0, "b"), ("p2", 0, "c"), ("p9", 0, "a"), ("p4", 0, "d"), ("p5", 0, "e")
    )
    assert found["p9", 0] == found["p0", 0]


WORDS = [f"word{n}" for n in range(200)]


def test_a_resume_sent_again_with_a_few_words_changed_stays_in_one_split() -> None:
    # 200 words in a row are 198 threes; two words changed apart touch six of them: 192 of 204 are in both
    again = [*WORDS[:50], "another", *WORDS[51:150], "year", *WORDS[151:]]
    others = [" ".join(f"{name}{n}" for n in range(200)) for name in ("a", "b", "c", "d", "e")]
    cases = [(f"p{n}", 0, words) for n, words in enumerate([" ".join(WORDS), *others])]
    assert split_of(*cases, ("p9", 0, "something else"))["p9", 0] == "test"
    found = split_of(*cases, ("p9", 0, "\n".join(again).upper() + " 2019"))
    assert found["p9", 0] == found["p0", 0] == "train"


def test_whom_another_ties_to_a_third_stays_in_the_split_of_both() -> None:
    # p0 and p5 sent one text, p5 and p9 another: p9's is no text that p0 wrote, and yet p5 teaches it with p0's
    others = [(f"p{n}", n, f"text {n}") for n in range(1, 5)]
    found = split_of(("p0", 0, "a"), ("p5", 0, "a"), ("p5", 0, "b"), *others, ("p9", 0, "b"))
    assert found["p9", 0] == found["p5", 0] == found["p0", 0] == "train"
    late = split_of(("p0", 0, "a"), ("p5", 0, "a"), ("p5", 8, "b"), *others, ("p9", 9, "b"))
    assert late["p5", 0] == "train"
    assert not {("p5", 8), ("p9", 9)} & set(late), "they are of the training, and of the time of the test"


def test_what_is_nearly_the_same_as_what_is_nearly_the_same_stays_in_its_split() -> None:
    # six words of 200 are changed again and again: each is nearly the next, the last has no word of the first
    told = [" ".join([f"new{m}" for m in range(n * 6)] + WORDS[n * 6 :]) for n in range(35)]
    assert not set(told[0].split()) & set(told[-1].split())
    chain = [(f"p{n:02d}", n, words) for n, words in enumerate(told)]
    others = [(f"q{n:02d}", n, " ".join(f"other{n}x{m}" for m in range(50))) for n in range(35)]
    found = split_of(*chain, *others)
    assert {split for (person, _), split in found.items() if person[0] == "p"} == {"train"}
    assert {split for (person, _), split in found.items() if person[0] == "q"} == {"train", "valid", "test"}
    assert ("p34", 34) not in found, "of the training by its text, of the test by its day: it is left out"


def test_many_copies_of_one_resume_leave_the_others_their_splits() -> None:
    found = split_of(*((f"p{n}", n, f"text {n}") for n in range(8)), *((f"c{n}", n, "copy") for n in range(8)))
    assert [found[f"p{n}", n] for n in range(8)] == ["train"] * 4 + ["valid"] * 2 + ["test"] * 2
    # those from before the others that stop the training, whose first came on day 4
    assert {case: split for case, split in found.items() if case[0][0] == "c"} == {
        (f"c{n}", n): "train" for n in range(5)
    }


def test_copies_no_more_than_a_split_is_to_have_take_their_room() -> None:
    found = split_of(*((f"p{n}", n, f"text {n}") for n in range(6)), ("c0", 0, "copy"), ("c1", 0, "copy"))
    # two of eight are the oldest quarter, p0 and p1 the next
    assert [found[f"p{n}", n] for n in range(6)] == ["train"] * 2 + ["valid"] * 2 + ["test"] * 2
    # of ten they are more than the tenth that is to stop the training: of eight others a quarter and a tenth are newest
    others = [(f"p{n}", n, f"text {n}") for n in range(8)]
    found = split_of(*others, ("c0", 0, "copy"), ("c1", 0, "copy"), valid_share=0.1)
    assert [found[f"p{n}", n] for n in range(8)] == ["train"] * 5 + ["valid"] + ["test"] * 2


def test_many_copies_of_one_resume_that_came_late_are_where_their_time_is() -> None:
    found = split_of(*((f"p{n}", n, f"text {n}") for n in range(8)), *((f"c{n}", 6, "copy") for n in range(8)))
    assert [found[f"p{n}", n] for n in range(8)] == ["train"] * 4 + ["valid"] * 2 + ["test"] * 2
    assert {found[f"c{n}", 6] for n in range(8)} == {"test"}


def test_where_all_are_copies_of_few_resumes_these_are_shared_out_by_time() -> None:
    found = split_of(*((f"{text}{n}", n, text) for n, text in enumerate("aaaabbbbcccc")))
    assert {person[0]: split for (person, _), split in found.items()} == {"a": "train", "b": "valid", "c": "test"}


@pytest.mark.timeout(30)
def test_a_chain_of_many_people_is_followed_to_its_end() -> None:
    """Each sent the resume of the next, too: one link a round would be as many rounds as people."""
    chain = [(f"p{n:05d}", 0, f"text {n + later}") for n in range(20_000) for later in (0, 1)]
    found = split_of(*chain[:20_000], ("q", 0, "text 15000"), *chain[20_002:])
    assert len(set(found.values())) == 2, "one link is missing"
    assert found["p00000", 0] == found["p09999", 0] != found["p10001", 0] == found["q", 0]


def test_only_texts_that_share_most_of_their_threes_share_a_band() -> None:
    half = [*WORDS[:100], *(f"other{n}" for n in range(100))]  # 98 of 298 threes are in both: a third
    texts = [" ".join(WORDS), "  " + ", ".join(WORDS) + " 1999", " ".join(half), " ".join(reversed(WORDS)), "two words"]
    found = near.bands(pl.Series("resume_text", [*texts, ""]))
    assert found["resume_text"].to_list() == [*texts, ""]
    numbers = found.drop("resume_text").rows()
    assert numbers[0] == numbers[1], "case, layout and years say nothing"
    assert not set(numbers[0]) & set(numbers[2])
    assert not set(numbers[0]) & set(numbers[3]), "the same words in another order"
    assert numbers[4] == numbers[5] == (None,) * near.BANDS


@pytest.mark.parametrize(("kept", "least", "most"), [(190, 29, 30), (80, 0, 2)])
def test_of_pairs_that_share_nine_of_ten_nearly_all_are_found_and_of_those_that_share_a_quarter_nearly_none(
    kept: int, least: int, most: int
) -> None:
    # 188 of 208 threes are in both: .904^6 six times, 99 in 100; 78 of 318: a quarter, one in 680
    def written(pair: int, other: str, length: int) -> str:
        return " ".join([*(f"w{pair}x{n}" for n in range(kept)), *(f"{other}{pair}x{n}" for n in range(length))])

    texts = [written(pair, other, 200 - kept) for pair in range(30) for other in "ab"]
    numbers = near.bands(pl.Series("resume_text", texts)).drop("resume_text").rows()
    found = sum(any(a == b for a, b in zip(*numbers[n : n + 2], strict=True)) for n in range(0, 60, 2))
    assert least <= found <= most


def test_no_three_reaches_into_the_next_text() -> None:
    short = [f"{a} {b} {c} {d}" for a, b, c, d in zip(WORDS, WORDS[9:], WORDS[20:], WORDS[3:], strict=False)]
    found = near.bands(pl.Series("resume_text", [*short, *(one.upper() for one in reversed(short))]))
    numbers = found.drop("resume_text").rows()
    assert numbers == numbers[::-1]


def test_a_year_is_none_of_the_words_that_near_duplicates_share_in_any_script() -> None:
    years = [" ".join(f"{word} {year}年 ({year})" for word in WORDS) for year in (2019, 2020)]
    assert len(near.bands(pl.Series("resume_text", years)).drop("resume_text").unique()) == 1


def test_a_text_without_three_words_is_near_to_none() -> None:
    found = near.bands(pl.Series("resume_text", ["", "2019", "a b", "- a b -", "a b c"])).drop("resume_text")
    assert found.select(pl.all_horizontal(pl.all().is_null())).to_series().to_list() == [True] * 4 + [False]


def test_nobody_is_a_duplicate_of_anybody() -> None:
    assert near.bands(pl.Series("resume_text", [], dtype=pl.String)).is_empty()


def test_a_case_after_the_next_split_began_is_left_out() -> None:
    found = split_of(("p0", 0, "a"), ("p0", 9, "a"), ("p1", 1, "b"), ("p2", 2, "c"), ("p3", 3, "d"), ("p4", 4, "e"))
    assert ("p0", 9) not in found
    assert found["p0", 0] == "train"


def test_how_many_cases_are_kept_together_is_told_with_those_that_are_left_out() -> None:
    """p0 and p1 sent one text: three cases, of which one came when the test had begun."""
    sent = [("p0", 0, "a"), ("p1", 0, "a"), ("p1", 9, "a"), *((f"p{n}", n, f"text {n}") for n in range(2, 8))]
    frame = pl.DataFrame(
        [{"person_id": person, "occurred_at": moment(day), "resume_text": words} for person, day, words in sent]
    )
    found = screening.with_split(frame, SETTINGS)
    assert found.select("person_id", *TOGETHER).rows() == [
        ("p0", "p0", 3),
        ("p1", "p0", 3),
        *((f"p{n}", f"p{n}", 1) for n in range(2, 8)),
    ]


def test_cases_of_one_moment_are_all_kept() -> None:
    assert len(split_of(*((f"p{n}", 0, f"text {n}") for n in range(8)))) == 8


def test_terms_of_few_people_are_not_in_the_vocabulary() -> None:
    terms, weights = text.vocabulary(["soup soup bread", "soup cake", "bread cake"], min_people=2, max_terms=9)
    assert terms == ["bread", "cake", "soup"]
    assert weights == pytest.approx([1.2876821] * 3)  # ln(4 / 3) + 1


def test_a_person_counts_once_however_many_resumes_and_cases() -> None:
    frame = pl.DataFrame({"person_id": ["p1", "p1", "p2"], "resume_text": ["soup", "soup again", "bread"]})
    with pytest.raises(ContractError, match="that 2 people wrote; 2 people share none"):
        text.vocabulary(text.by_person(frame), min_people=2, max_terms=9)


def test_the_terms_of_most_people_are_kept() -> None:
    terms, _ = text.vocabulary(["soup", "soup", "cake", "cake", "cake", "bread"], min_people=1, max_terms=2)
    assert terms == ["cake", "soup"]


def test_years_are_no_words_since_they_tell_an_age() -> None:
    assert text.words_of(pl.Series(["Cook, 1998-2021: 7 years of C++ and C#; 20211"])).to_list() == [
        ["cook", "7", "years", "of", "c++", "and", "c#", "20211"],
    ]


def test_terms_are_words_and_pairs_within_a_text() -> None:
    terms, _ = text.counted(["Hot soup, daily", "Bread"], min_people=1)
    assert terms == ["bread", "daily", "hot", "hot soup", "soup", "soup daily"]


LETTERS = st.characters(exclude_categories=("Cs", "Cn")) | st.sampled_from("aZ1920+# \n\t_\u0130\u03a3\u00df")


def words(written: str) -> list[str]:
    """As Python reads them: letters, digits, `+` and `#`, in lower case, without years."""
    return re.findall(r"(?:[^\W_]|[+#])+", re.sub(text.YEAR, " ", written.lower(), flags=re.ASCII))


@given(st.lists(st.text(LETTERS), max_size=4))
def test_many_texts_at_once_are_read_as_one_by_one(texts: list[str]) -> None:
    assert text.words_of(pl.Series(texts, dtype=pl.String)).to_list() == [words(one) for one in texts]


@given(st.lists(st.text("ab \n1"), max_size=5))
def test_what_is_monitored_of_many_texts_is_that_of_each(texts: list[str]) -> None:
    series, bags = pl.Series(texts, dtype=pl.String), [words(one) for one in texts]
    others = series.reverse()
    shared = [len({*own} & {*wanted}) / max(len({*wanted}), 1) for own, wanted in zip(bags, bags[::-1], strict=True)]
    assert text.overlaps(series, others).to_list() == pytest.approx(shared)
    found = text.projections(series)
    assert found.shape == (len(texts), 4)
    for bag, sums in zip(bags, found, strict=True):
        weights = {word: math.log(1 + bag.count(word)) for word in bag}
        length = math.sqrt(sum(weight**2 for weight in weights.values())) or 1.0
        # the lowest bit of each of the checksum's first four groups of seven says the sign
        signs = {word: [1 if zlib.crc32(word.encode()) >> 7 * n & 1 else -1 for n in range(4)] for word in weights}
        assert sums == pytest.approx([sum(weights[w] * signs[w][n] for w in weights) / length for n in range(4)])


def test_parts_of_the_texts_are_counted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["soup soup bread", "soup cake", "bread cake", "", "soup bread soup"]
    whole, tallied = text.counted(texts, 2), text.tallied(texts, ["soup", "bread soup", "soup bread"])
    monkeypatch.setattr(text, "_PART", 2)
    assert text.counted(texts, 2) == whole
    assert text.tallied(texts, ["soup", "bread soup", "soup bread"]).equals(tallied)
    assert whole[0] == ["bread", "soup", "cake", "soup bread"]
    assert whole[1] == pytest.approx([1.4054651, 1.4054651, 1.6931472, 1.6931472])  # ln(6 / 4) + 1, ln(6 / 3) + 1
    assert tallied.rows() == [(0, 0, 2), (0, 2, 1), (1, 0, 1), (4, 0, 2), (4, 1, 1), (4, 2, 1)]


def test_of_no_text_nothing_is_counted() -> None:
    assert text.counted([], 1) == ([], [])
    assert text.tallied([], ["soup"]).is_empty()
    assert text.tallied(["soup"], []).is_empty()


def test_rare_words_are_those_of_no_other_text() -> None:
    assert text.rare_shares(pl.Series(["soup bread soup", "soup", ""])).to_list() == [0.5, 0.0, 0.0]
    assert text.rare_shares(pl.Series([], dtype=pl.String)).is_empty()


def test_inputs_hold_no_text() -> None:
    tables = company(
        applications=rows("applications", application("a1", "p1", 0, "in_process")),
        resumes=rows("resumes", resume("p1", "cook of soup", -1)),
    )
    found = screening.inputs(screening.cases(tables, SETTINGS, date(2026, 3, 10)))
    assert [name for name, dtype in found.schema.items() if dtype == pl.String] == [
        *("person_id", "subject_id", "job_family_code"),
    ]
    assert found["resume_chars"].to_list() == [12.0]
    assert found["overlap_share"].to_list() == [0.5]  # cook and soup, of cook, soup, and, bread


def test_the_threshold_itself_is_enough_and_nan_never_is() -> None:
    scored = pl.DataFrame({"score": [0.39, 0.4, 0.41, float("nan")]})
    assert screening.select(scored, screening.Decide(threshold=0.4)).to_list() == [False, True, True, False]


def test_the_interval_is_what_came_true_for_scores_alike(tmp_path) -> None:
    import numpy as np

    bands.save(tmp_path, np.repeat([0.2, 0.8], 50), np.repeat([0.0, 1.0], 50))
    low, high = bands.read(tmp_path, np.array([0.2, 0.8]))
    assert low[0] == 0.0
    assert high[0] == pytest.approx(0.2)  # Wilson of 0 of 50 ends at .051; the score itself is always inside
    assert low[1] == pytest.approx(0.8)
    assert high[1] == 1.0


def test_whoever_applied_could_have_been_decided_about_once_a_requisition() -> None:
    asked = rows(
        "applications",
        application("a1", "p2", 3),
        application("a2", "p1", 4, "withdrawn"),
        application("a3", "p2", 9, "in_process"),
        application("a4", "p2", 9, requisition="R-2"),
    )
    found = screening.reached({"applications": asked})
    assert found.rows() == [("p1", "R-1"), ("p2", "R-1"), ("p2", "R-2")]


def test_people_decide_at_every_stage_and_the_first_decision_of_each_counts() -> None:
    events = rows(
        "application_events",
        event("a1", "p1", "advanced", 3),
        event("a1", "p1", "rejected", 5, stage="interview"),
        event("a2", "p1", "advanced", 7, stage="interview"),  # a second application for the same requisition
        event("a3", "p2", "rejected", 3),
        event("a4", "p3", "withdrawn", 3),
        event("a5", "p4", "advanced", 4, stage="interview"),
        event("a5", "p4", "advanced", 9, stage="offer"),  # nobody is turned away there
    )
    found = screening.decisions({"application_events": events}).sort("stage_code", "person_id")
    assert found.with_columns(pl.col("known_at").dt.day()).rows() == [
        ("p1", "R-1", "interview", 0.0, "human", 6),
        ("p4", "R-1", "interview", 1.0, "human", 5),
        ("p1", "R-1", "screen", 1.0, "human", 4),
        ("p2", "R-1", "screen", 0.0, "human", 4),
    ]
