"""Inputs that no model may have, by their names: the last look at what a feed brought in.

A measure of work records becomes an input under the name that its feed gives it, so no list of features in code can
keep a banned one out. A name is all that is seen here: whoever calls a postcode `region` is found by the test of
stand-ins, not by this.
"""

import re
from collections.abc import Iterable

from pipelines.fairness.law.packs import library


def banned(inputs: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Inputs whose names have a word of a ban.

    Args:
        inputs: Names of a model's inputs.

    Returns:
        Input -> `pack/duty` of each ban, ordered. Every place and day counts, but for packs that ended: a model is for
        days to come, and for whoever works there by then.
    """
    bans = [
        (f"{pack.code}/{duty.code}", set(duty.words))
        for pack in library()
        if pack.ends_on is None
        for duty in pack.duties
        if duty.words
    ]
    found = {name: tuple(ban for ban, words in bans if words & _words(name)) for name in sorted(set(inputs))}
    return {name: hit for name, hit in found.items() if hit}


def _words(name: str) -> set[str]:
    """`homeZipCode__mean` has the words home, zip, code and mean."""
    return set(re.findall(r"[a-z]+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()))
