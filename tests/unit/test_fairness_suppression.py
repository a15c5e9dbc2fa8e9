"""Whose figures are withheld so that nothing of few people follows: by hand, and by trying all that could be true."""

import numpy as np
import scipy
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.fairness.counting import as_coded, cross, crossed_name
from pipelines.fairness.suppression import Cell, suppress

SHARES = [0.55, 0.42, 0.015, 0.015]
BOTH = crossed_name("sex", "race")


def plain(**groups):
    """Cells of so many people, or of so many people and so many of them counted."""
    return {
        name: Cell(said) if isinstance(said, int) else Cell(said[0], counts=(said[1],)) for name, said in groups.items()
    }


def withheld(least=10, **axes):
    return {name: set(groups) for name, groups in suppress(axes, least).items()}


def test_where_nobody_is_few_all_is_told():
    assert withheld(sex=plain(female=30, male=20, unknown=10)) == {"sex": set()}


def test_the_only_small_group_takes_the_smallest_other_with_it():
    assert withheld(sex=plain(female=30, male=20, other=2)) == {"sex": {"other", "male"}}


def test_small_groups_that_together_are_few_take_another_with_them():
    assert withheld(sex=plain(a=30, b=20, c=4, d=5)) == {"sex": {"c", "d", "b"}}
    assert withheld(sex=plain(a=30, b=20, c=4, d=6)) == {"sex": {"c", "d"}}


def test_unknown_people_are_as_few_as_others():
    assert withheld(sex=plain(female=30, male=20, unknown=3)) == {"sex": {"unknown", "male"}}


def test_a_group_without_people_is_nothing_to_withhold():
    assert withheld(sex=plain(female=30, male=20, other=0)) == {"sex": set()}


def test_a_group_of_which_something_was_found_is_withheld_last():
    groups = plain(female=30, other=2, unknown=25) | {"male": Cell(20, is_kept=True)}
    assert withheld(sex=groups) == {"sex": {"other", "unknown"}}
    assert withheld(sex=groups | {"unknown": Cell(25, is_kept=True)}) == {"sex": {"other", "female"}}


def test_a_large_group_with_few_behind_a_figure_is_not_told_nor_given_away():
    groups = plain(female=30, male=20) | {"other": Cell(15, is_few=True)}
    assert withheld(sex=groups) == {"sex": {"other", "male"}}


def test_where_nobody_or_everybody_left_was_counted_more_are_left():
    """Of 6 and 12 people nobody: then nobody of the 6. The next, of whom some were, leaves it open by itself."""
    assert withheld(sex=plain(a=(40, 10), b=(20, 5), c=(12, 0), d=(6, 0))) == {"sex": {"b", "d"}}
    assert withheld(sex=plain(a=(40, 30), b=(20, 15), c=(12, 12), d=(6, 6))) == {"sex": {"b", "d"}}
    assert withheld(sex=plain(a=(40, 10), b=(20, 5), c=(12, 3), d=(6, 0))) == {"sex": {"c", "d"}}


def test_as_many_must_stay_possible_as_the_group_would_have_at_everybodys_rate():
    """At a half of everybody 3 of 6: one of the 18 who are left is too few, and three are not."""
    assert withheld(sex=plain(a=(40, 23), b=(20, 15), c=(12, 1), d=(6, 0))) == {"sex": {"b", "d"}}
    assert withheld(sex=plain(a=(40, 23), b=(20, 13), c=(12, 3), d=(6, 0))) == {"sex": {"c", "d"}}


def test_of_nobody_counted_at_all_everything_follows_and_nothing_helps():
    assert withheld(sex=plain(a=(40, 0), b=(20, 0), c=(6, 0))) == {"sex": {"b", "c"}}


def test_one_group_alone_is_told_by_the_total_whatever_is_withheld():
    assert withheld(sex=plain(a=5)) == {"sex": {"a"}}


def test_an_axis_that_is_told_whole_gives_away_nothing_of_another_but_its_total():
    found = withheld(sex=plain(female=30, male=22), race=plain(a=30, b=20, c=2))
    assert found == {"sex": set(), "race": {"b", "c"}}


def test_a_small_cell_of_two_axes_takes_one_of_its_row_and_one_of_its_column():
    """female|b follows from all women and from all of b: its row and column each need another, these a fourth."""
    cells = {"female|a": 20, "female|b": 4, "female|c": 26, "male|a": 21, "male|b": 18, "male|c": 22}
    single = {"sex": plain(female=50, male=61), "race": plain(a=41, b=22, c=48)}
    assert withheld(**single, **{BOTH: plain(**cells)}) == {
        "sex": set(),
        "race": set(),
        BOTH: {"female|a", "female|b", "male|a", "male|b"},
    }


def test_people_with_one_answer_and_not_the_other_are_not_given_away():
    """3 women have no race: they follow from all women less those of each race, though no table has them."""
    cells = {"female|a": 20, "female|b": 27, "male|a": 21, "male|b": 32, "unknown": 15}
    single = {"sex": plain(female=50, male=65), "race": plain(a=41, b=59, unknown=15)}
    found = withheld(**single, **{BOTH: plain(**cells)})
    assert found["sex"] | found["race"] | found[BOTH]
    names = [name for axis, hidden in found.items() for name in hidden]
    assert "female" in names or {"female|a", "female|b"} & set(names)


def test_axes_of_other_people_are_looked_at_by_themselves():
    """As a person who turned 40 between two decisions is in two groups; and two axes that fit no others."""
    assert withheld(sex=plain(female=30, male=20, x=3), age=plain(young=30, old=24)) == {
        "sex": {"x", "male"},
        "age": set(),
    }
    odd = {BOTH: plain(**{"female|a": 90, "male|a": 2, "male|b": 8})}
    single = {"sex": plain(female=50, male=50), "race": plain(a=60, b=40)}
    assert withheld(**single, **odd) == {"sex": set(), "race": set(), BOTH: {"male|a", "male|b"}}


def test_several_figures_are_withheld_together():
    """Nothing follows of the first figure and all of the second."""
    cells = {"a": Cell(40, counts=(20, 9)), "b": Cell(20, counts=(9, 4)), "c": Cell(12, counts=(6, 0))}
    assert withheld(sex=cells | {"d": Cell(6, counts=(3, 0))}) == {"sex": {"b", "d"}}


def test_tables_without_anybody_are_told():
    assert withheld(sex={}) == {"sex": set()}
    assert suppress({}, 10) == {}


LEAST = 3
ANSWERS = ["a", "b", "unknown"]
AGES = crossed_name("sex", "age")
people = st.lists(st.tuples(*(st.sampled_from(ANSWERS) for _ in range(3)), st.booleans()), min_size=LEAST, max_size=12)


def looked_at(said, *axes):
    """Who is in each cell of each table, [n_people] bool, from the people themselves; and which cells are withheld."""
    columns = dict(zip(("sex", "race", "age"), np.array([row[:3] for row in said], dtype=object).T, strict=True))
    columns |= {name: cross(columns["sex"], columns[name[6:]]).labels for name in axes if " x " in name}
    who = {(axis, str(group)): columns[axis] == group for axis in axes for group in sorted(set(columns[axis]))}
    counted = np.array([row[3] for row in said])
    tables = {axis: {} for axis in axes}
    for (axis, group), them in who.items():
        tables[axis][group] = Cell(int(them.sum()), counts=(int((them & counted).sum()),))
    return columns, who, {(axis, group) for axis, groups in suppress(tables, LEAST).items() for group in groups}


def rank(rows):
    return np.linalg.matrix_rank(np.array(rows, dtype=float))


def gives_away(said, columns, who, hidden):
    """Whether something of few people follows: each person is an unknown, and whoever tries knows all answers."""
    counted = np.array([row[3] for row in said])
    shown = np.array([np.ones(len(said)), *(them for name, them in who.items() if name not in hidden)], dtype=float)
    meet = columns["sex"] + "|" + columns["race"]
    small = [*who.values(), *(meet == cell for cell in set(meet))]
    small = [them for them in small if 0 < them.sum() < LEAST]
    lines = [[name for name in who if name[0] == axis] for axis in ("sex", "race", BOTH)]
    left = [np.any([who[name] for name in line if name in hidden], axis=0) for line in lines]
    told = np.any(
        [who[name] for name in who if name[0] == BOTH and name not in hidden and name[1] != "unknown"], axis=0
    )
    left += [(columns[axis] == group) & ~told for axis in ("sex", "race") for group in set(columns[axis])]

    if any(rank([*shown, them]) == rank(shown) for them in (*small, *left) if 0 < np.sum(them) < LEAST):
        return True
    every = (np.arange(2 ** len(said))[:, np.newaxis] >> np.arange(len(said))) & 1
    could = every[(every @ shown.T == shown @ counted).all(axis=1)]
    return any(is_narrow(said, them, could[:, them].sum(axis=1)) for them in small)


def is_narrow(said, them, found):
    n, rest, total = int(them.sum()), len(said) - int(them.sum()), sum(row[3] for row in said)
    free = min(n, total) - max(0, total - rest)
    rarer = n * min(total, len(said) - total) / len(said)
    return found.max() - found.min() < min(free, max(1, rarer))


@settings(max_examples=60)
@given(people)
def test_nothing_of_few_people_can_be_worked_out_from_two_axes_and_both_and_nothing_is_withheld_for_nothing(said):
    columns, who, hidden = looked_at(said, "sex", "race", BOTH)
    small = {name for name, them in who.items() if them.sum() < LEAST}
    assert small <= hidden
    assert not gives_away(said, columns, who, hidden)
    for name in hidden - small:
        assert gives_away(said, columns, who, hidden - {name}), name


@settings(max_examples=40)
@given(people)
def test_nothing_of_few_people_is_a_sum_of_tables_that_share_an_axis(said):
    """Who is of which race and which age no table tells: people are unknowns twice, alike by sex and all together."""
    columns, who, hidden = looked_at(said, "sex", "race", "age", BOTH, AGES)
    none = np.zeros(len(said))

    def placed(axis, them):
        return np.concatenate([none, them] if axis in ("age", AGES) else [them, none])

    alike = [np.concatenate([them, -1.0 * them]) for (axis, _), them in who.items() if axis == "sex"]
    shown = [placed("sex", none + 1), *alike, *(placed(name[0], who[name]) for name in who if name not in hidden)]
    for (axis, _), them in who.items():
        if them.sum() < LEAST:
            assert rank([*shown, placed(axis, them)]) > rank(shown)
    for axis, other in ((BOTH, "race"), (AGES, "age")):
        meet = columns["sex"] + "|" + columns[other]
        for them in (meet == cell for cell in set(meet)):
            assert them.sum() >= LEAST or rank([*shown, placed(axis, them)]) > rank(shown)


def test_bounds_are_asked_for_once_and_not_where_an_axis_by_itself_is_too_narrow(monkeypatch):
    """Of two crossed axes with two small groups each: two programs a target and step were 72."""
    asked = []

    def counted(*args, **options):
        asked.append(options["method"])
        return solve(*args, **options)

    solve = scipy.optimize.linprog
    monkeypatch.setattr(scipy.optimize, "linprog", counted)
    random = np.random.default_rng(5)
    sex, race = random.choice(["f", "m", "d", "x"], 400, p=SHARES), random.choice(["a", "b", "c", "d"], 400, p=SHARES)
    yes = random.random(400) < 0.2
    both = cross(*(as_coded(column) for column in (sex, race)))
    columns = {"sex": sex, "race": race, BOTH: np.array(both.names, object)[both.codes]}
    tables = {
        axis: {name: Cell(int((own == name).sum()), counts=(int(yes[own == name].sum()),)) for name in np.unique(own)}
        for axis, own in columns.items()
    }
    assert {"d", "x"} <= suppress(tables, 10)["sex"]
    assert 0 < len(asked) <= 30
