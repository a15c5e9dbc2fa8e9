"""Local Law 144's tables, by the rule's own examples: 6 RCNY 5-301, The City Record of 6 April 2023."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.fairness import judge_counts
from pipelines.fairness.law import library
from pipelines.fairness.statutory import (
    Category,
    Cell,
    as_counts,
    as_tables,
    differences,
    from_counts,
    rounded,
    rows,
    unknown,
)

LAW = next(pack for pack in library() if pack.code == "us-nyc-ll144")
CATEGORIES = [Category(c.axis, c.code, c.name, c.is_optional) for c in LAW.categories]
RACES = ("hispanic", "white", "black", "pacific_islander", "asian", "native_american", "two_or_more")
TWO_PERCENT = Fraction(2, 100)

# The rule's first example, a tool that selects: (applicants, selected), men and women, Hispanic or Latino first.
MEN = ((205, 90), (412, 215), (226, 95), (87, 37), (321, 167), (24, 11), (115, 52))
WOMEN = ((190, 82), (385, 197), (164, 75), (32, 15), (295, 135), (17, 7), (98, 44))
UNKNOWN_250 = [
    Cell("unknown", "unknown", 100, 40, 0),
    Cell("male", "unknown", 90, 50, 0),
    Cell("unknown", "asian", 60, 60, 0),
]
SELECTING = [
    *(Cell("male", race, n, k, 0) for race, (n, k) in zip(RACES, MEN, strict=True)),
    *(Cell("female", race, n, k, 0) for race, (n, k) in zip(RACES, WOMEN, strict=True)),
    *UNKNOWN_250,
]
# The second, a tool that scores: (applicants, above the median).
MEN_ABOVE = ((16, 12), (20, 7), (20, 10), (4, 3), (12, 7), (8, 5), (12, 6))
WOMEN_ABOVE = ((12, 6), (20, 8), (12, 6), (4, 2), (12, 3), (8, 5), (8, 4))
SCORING = [
    *(Cell("male", race, n, 0, k) for race, (n, k) in zip(RACES, MEN_ABOVE, strict=True)),
    *(Cell("female", race, n, 0, k) for race, (n, k) in zip(RACES, WOMEN_ABOVE, strict=True)),
    Cell("unknown", "white", 15, 0, 5),
]


def tables(cells, *, is_excluding=False):
    return rows(cells, CATEGORIES, small_share=TWO_PERCENT, is_excluding=is_excluding)


def table(cells, measure, name, **how):
    return [row for row in tables(cells, **how) if (row.measure, row.table) == (measure, name)]


def printed(found, digits):
    return [rounded(row.impact_ratio, digits) for row in found]


def test_the_rules_example_of_a_tool_that_selects():
    sex = table(SELECTING, "selection", "sex")
    assert [(row.applicants, row.counted) for row in sex] == [(1390, 667), (1181, 555)]
    assert printed(sex, 3) == ["1.000", "0.979"]
    race = table(SELECTING, "selection", "race_ethnicity")
    # The rule's row of Hispanic or Latino (408 and 204) is not the sum of its men and women (395 and 172): left out.
    assert [(row.applicants, row.counted) for row in race[1:]] == [
        (797, 412),
        (390, 170),
        (119, 52),
        (616, 302),
        (41, 18),
        (213, 96),
    ]
    assert printed(race, 2)[1:] == ["1.00", "0.84", "0.85", "0.95", "0.85", "0.87"]
    both = table(SELECTING, "selection", "intersectional")
    assert [(row.sex, row.race_ethnicity) for row in both] == [
        ("male", "hispanic"),
        ("female", "hispanic"),
        *(("male", race) for race in RACES[1:]),
        *(("female", race) for race in RACES[1:]),
    ]
    men = ["1.000", "0.806", "0.815", "0.997", "0.878", "0.866"]
    women = ["0.981", "0.876", "0.898", "0.877", "0.789", "0.860"]
    assert printed(both, 3) == ["0.841", "0.827", *men, *women]
    assert rounded(both[0].rate * 100, 1) == "43.9"


def test_the_rules_example_of_a_tool_that_scores():
    sex = table(SCORING, "scoring", "sex")
    assert [(row.applicants, rounded(row.rate * 100, 1)) for row in sex] == [(92, "54.3"), (76, "44.7")]
    assert printed(sex, 2) == ["1.00", "0.82"]
    race = table(SCORING, "scoring", "race_ethnicity")
    assert printed(race, 2) == ["1.00", "0.58", "0.78", "0.97", "0.65", "0.97", "0.78"]
    men = ["0.47", "0.67", "1.00", "0.78", "0.83", "0.67"]
    women = ["0.53", "0.67", "0.67", "0.33", "0.83", "0.67"]
    assert printed(table(SCORING, "scoring", "intersectional"), 2) == ["1.00", "0.67", *men, *women]


def test_whoever_is_unknown_is_counted_once_and_is_in_no_table():
    assert unknown(SELECTING) == {"either": 250, "sex": 160, "race_ethnicity": 190}
    for name in ("sex", "race_ethnicity", "intersectional"):
        assert sum(row.applicants for row in table(SELECTING, "selection", name)) == 1390 + 1181


def test_a_category_without_applicants_is_shown_without_a_rate_and_an_optional_one_only_where_somebody_is_in_it():
    few = [Cell("male", "white", 10, 5, 5), Cell("female", "white", 10, 4, 4)]
    asian = next(row for row in table(few, "selection", "race_ethnicity") if row.race_ethnicity == "asian")
    assert (asian.applicants, asian.rate, asian.impact_ratio, asian.note) == (0, None, None, "no_applicants")
    assert len(table(few, "selection", "intersectional")) == 14
    other = [*few, Cell("non_binary", "white", 1, 1, 1)]
    assert [row.sex for row in table(other, "selection", "sex")] == ["male", "female", "non_binary"]
    assert len(table(other, "selection", "intersectional")) == 15


def test_the_reference_is_the_most_selected_category_however_small():
    cells = [
        Cell("male", "white", 990, 495, 0),
        Cell("female", "white", 999, 333, 0),
        Cell("non_binary", "white", 1, 1, 0),
    ]
    assert printed(table(cells, "selection", "sex"), 3) == ["0.500", "0.333", "1.000"]


def test_a_category_below_two_percent_may_be_left_out_of_the_ratios_and_keeps_its_count_and_rate():
    # 20 of 1,000 is exactly two percent and stays; 19 of 1,000 does not.
    cells = [Cell("male", "white", 961, 480, 0), Cell("male", "asian", 20, 5, 0), Cell("male", "black", 19, 19, 0)]
    kept = {row.race_ethnicity: row for row in table(cells, "selection", "race_ethnicity")}
    assert (kept["black"].is_small, kept["black"].impact_ratio, kept["black"].note) == (True, 1, "")
    assert (kept["asian"].is_small, rounded(kept["asian"].impact_ratio, 2)) == (False, "0.25")
    left = {row.race_ethnicity: row for row in table(cells, "selection", "race_ethnicity", is_excluding=True)}
    assert (left["black"].applicants, left["black"].counted, left["black"].rate) == (19, 19, 1)
    assert (left["black"].impact_ratio, left["black"].note) == (None, "excluded_as_small")
    assert (left["white"].impact_ratio, rounded(left["asian"].impact_ratio, 4)) == (1, "0.5005")  # .25 / (480/961)


def test_two_percent_are_of_those_in_the_tables_and_not_of_the_unknown_too():
    cells = [Cell("male", "white", 975, 480, 0), Cell("male", "asian", 25, 5, 0), Cell("unknown", "white", 500, 0, 0)]
    asian = next(row for row in table(cells, "selection", "race_ethnicity") if row.race_ethnicity == "asian")
    assert not asian.is_small  # 25 of 1,000; of 1,500 it would be


def test_where_nobody_is_selected_there_is_no_ratio():
    cells = [Cell("male", "white", 10, 0, 3), Cell("female", "white", 10, 0, 2)]
    assert [row.note for row in table(cells, "selection", "sex")] == ["nobody_counted"] * 2
    assert printed(table(cells, "scoring", "sex"), 2) == ["1.00", "0.67"]


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (Fraction(1, 8), 2, "0.13"),
        (Fraction(1), 3, "1.000"),
        (Fraction(1999, 2000), 2, "1.00"),
        (Fraction(0), 1, "0.0"),
        (Fraction(1, 200), 1, "0.0"),
        (Fraction(1005, 10), 1, "100.5"),
        (None, 3, ""),
    ],
)
def test_halves_are_rounded_upwards(value, digits, text):
    assert rounded(value, digits) == text


people = st.tuples(st.integers(0, 400), st.integers(0, 400)).map(lambda pair: (max(pair), min(pair)))


@given(st.dictionaries(st.sampled_from(RACES), people, min_size=2))
def test_ratios_agree_with_those_that_verdicts_print_beside_them(counts):
    cells = [Cell("male", race, n, k, 0) for race, (n, k) in counts.items()]
    judged = {row.group: row for row in judge_counts(counts, axis="ethnicity", min_group_size=1).groups}
    for row in table(cells, "selection", "race_ethnicity"):
        if row.impact_ratio is not None:
            assert float(row.impact_ratio) == pytest.approx(judged[row.race_ethnicity].statutory_impact_ratio)


@given(st.dictionaries(st.tuples(st.sampled_from(["male", "female"]), st.sampled_from(RACES)), people))
def test_counts_come_back_as_they_were_written(counts):
    cells = [Cell(sex, race, n, k, n - k) for (sex, race), (n, k) in counts.items()]
    assert from_counts(as_counts(cells)) == cells


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "line 1 must be sex,race_ethnicity,applicants,selected,above_median"),
        ("male,white,1,1,1\n", "line 1 must be"),
        ("sex,race_ethnicity,applicants,selected,above_median\nmale,white,1,1\n", "line 2 must have 5 columns"),
        ("sex,race_ethnicity,applicants,selected,above_median\nmale,white,1,-1,0\n", "line 2, column selected"),
        ("sex,race_ethnicity,applicants,selected,above_median\nmale,white,1,1,½\n", "line 2, column above_median"),
    ],
)
def test_counts_that_cannot_be_read_name_line_and_column(text, fault):
    with pytest.raises(ValueError, match=fault):
        from_counts(text)


def test_a_difference_names_the_line_and_the_column():
    text = as_tables(tables(SELECTING))
    assert differences("tables.csv", text, text) == []
    assert differences("tables.csv", text, text.replace("0.9793", "0.9794")) == [
        "tables.csv, line 3 (selection sex female), column impact_ratio must be '0.9793'; it is '0.9794'."
    ]
    assert differences("tables.csv", text, text + "x\n")[0].startswith("tables.csv, line 48 ")
    assert "line ends" in differences("tables.csv", text, text.replace("\n", "\r\n"))[0]
