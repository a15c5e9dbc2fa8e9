"""Decisions are not people: what many decisions are worth when several of them are about the same person.

Whoever is rated in five periods is mostly rated alike in all of them. Counted as five people, a gap of chance looks
certain: with no bias at all, 40 people of 1,040 with five equal decisions each were ADVERSE 35 times in 100. All that
says how sure a comparison is therefore counts as many decisions about different people as they are worth; rates and
ratios are those of the decisions.
"""

from dataclasses import dataclass

import numpy as np

from pipelines.fairness.counting import Bools, Floats, Ints


@dataclass(frozen=True, slots=True)
class Repeats:
    """What decisions about the same people share, by group."""

    persons: Ints
    """[n_groups] distinct people."""
    design_effect: Floats
    """[n_groups] at least 1: so many decisions tell as much as one about somebody else; 1 for a group of nobody."""


def repeats(selected: Bools, group: Ints, person: Ints, groups: int) -> Repeats:
    """How much of what many decisions say is the same person again.

    Args:
        selected: [n_cases] whether each was selected.
        group: [n_cases] whose code is below `groups`.
        person: [n_cases] equal where the person is.
        groups: How many there are.

    Returns:
        Of each group `1 + (m - 1) r`: m the decisions about one person, weighted by how many they are, r how alike the
        decisions about one person are over all groups, from 0 to 1. Where everybody or nobody was selected it cannot
        be told how alike they are, and they count as equal.

    Source:
        Donald and Donner (1987): counts of clusters over design effects, with one correlation for all groups.
    """
    _, first, cluster = np.unique(person * groups + group, return_index=True, return_inverse=True)
    size, belongs = np.bincount(cluster), group[first]
    people = np.bincount(group, minlength=groups)
    rate = np.bincount(group, selected, minlength=groups) / np.maximum(people, 1)
    residual = selected - rate[group]
    within = float((np.bincount(cluster, residual) ** 2).sum() - (residual**2).sum())
    most = float((size * (size - 1) * (rate * (1 - rate))[belongs]).sum())  # had everybody's decisions been equal
    alike = min(max(within / most, 0.0), 1.0) if most else 1.0
    weighted = np.bincount(belongs, size**2, minlength=groups) / np.maximum(people, 1)
    return Repeats(np.bincount(belongs, minlength=groups), 1 + alike * np.maximum(weighted - 1, 0))
