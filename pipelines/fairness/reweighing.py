"""Weights of people that make a protected attribute and the outcome independent, made of noisy answers.

The weights of Kamiran and Calders say everybody's group to whoever knows the outcome, as training code does. So nobody
is weighed by their group, but by one noisy answer to the question after it (randomised response): each answer is at
most `ODDS` times as likely from one group as from another. All that follows (how many people a cell holds, what it
weighs) is reckoned from answers and outcomes alone. Whoever sees weights of any number of families and days therefore
knows a person's one answer and no more, whatever else they know: a guess of the group is sharpened by that factor once.

The known noise is taken out of the counts of answers, and out of the weights: their mean over the people of a cell is
the weight that the cell is to have.
"""

from typing import Final

import numpy as np

from pipelines.fairness.counting import Bools, Floats, Ints

ODDS: Final = 3.0
"""How much more likely an answer is from its group than from another. No parameter: two values would be two answers."""
_SURE: Final = 2.0
"""Standard errors of the noise that a cell must hold to be weighed by."""


def truthful(groups: int) -> float:
    """Share of people whose answer is their group, and no throw of the dice, for a closed list of so many groups."""
    return (ODDS - 1) / (ODDS + groups - 1)


def answered(group: Ints, draw: Floats, groups: int) -> Ints:
    """One noisy answer a person.

    Args:
        group: [n_people] position in a closed list; -1 for whoever is in none of them: they answer at random, so that
            an answer does not tell that somebody declared nothing.
        draw: [n_people, 2] evenly spread in [0, 1), a person's own for ever.
        groups: Length of the list.

    Returns:
        [n_people] position in the list.

    Source:
        Warner (1965), randomised response; k answers as in Kairouz, Bonawitz and Ramage (2016).
    """
    at_random = np.floor(draw[:, 1] * groups).astype(np.int64)
    return np.where((group >= 0) & (draw[:, 0] < truthful(groups)), group, at_random)


def table(answer: Ints, favourable: Bools, groups: int, *, least: int) -> tuple[Floats, float]:
    """What people weigh, by their answer and their outcome.

    Args:
        answer: [n_people] as `answered` gives.
        favourable: [n_people] bool.
        groups: Length of the list.
        least: People of a group, as far as answers tell, in each of both outcomes: a weight that rests on few is noise,
            and so is one that rests on fewer than the noise of the answers itself.

    Returns:
        [n_groups, 2] of mean 1 over those weighed, never below 0, by whether the outcome was favourable; all 1 where
        fewer than two groups are large enough. Beside it how much of the way from 1 the weights go: less than 1 where
        all of it would have people count less than nothing.

    Source:
        Kamiran and Calders (2012), reweighing.
    """
    sure = truthful(groups)
    response = sure * np.eye(groups) + (1 - sure) / groups
    told = np.bincount(answer * 2 + favourable, minlength=2 * groups).reshape(groups, 2).astype(np.float64)
    cells = np.linalg.solve(response.T, told)
    noise = np.sqrt(told * (1 - told / np.maximum(told.sum(axis=0), 1))) / sure
    is_large = (cells >= np.maximum(max(least, 1), _SURE * noise)).all(axis=1)
    if is_large.sum() < 2:
        return np.ones((groups, 2)), 1.0
    counted = np.where(is_large[:, None], cells, 0)
    together = counted.sum(axis=1, keepdims=True) * counted.sum(axis=0, keepdims=True) / counted.sum()
    wanted = np.divide(together, counted, out=np.ones(counted.shape), where=is_large[:, None])
    weights = np.linalg.solve(response, wanted)
    strength = min(1.0, 1 / (1 - float(weights.min()))) if weights.min() < 0 else 1.0
    return np.maximum(1 + strength * (weights - 1), 0.0), strength
