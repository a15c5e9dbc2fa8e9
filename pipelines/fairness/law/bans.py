"""Inputs that no model may have, by their names: the last look at what a feed brought in.

A measure of work records becomes an input under the name that its feed gives it, so no list of features in code can
keep a banned one out. A name is all that is seen here: whoever calls a postcode `region` is found by the test of
stand-ins, not by this.
"""

import re
from collections.abc import Iterable
from datetime import date

from pipelines.fairness.law.packs import Duty, library


def banned(inputs: Iterable[str], day: date) -> dict[str, tuple[str, ...]]:
    """Inputs whose names have a word of a ban.

    Args:
        inputs: Names of a model's inputs.
        day: From which on the model may be used.

    Returns:
        Input -> `pack/duty` of each ban, ordered. Every place counts, and every law but those that ended by the day: a
        model is for days to come, and for whoever works there by then.
    """
    bans = [
        (f"{pack.code}/{duty.code}", duty)
        for pack in library()
        if pack.ends_on is None or pack.ends_on > day
        for duty in pack.duties
    ]
    found = {name: tuple(ban for ban, duty in bans if _is_banned(name, duty)) for name in sorted(set(inputs))}
    return {name: hit for name, hit in found.items() if hit}


def _is_banned(name: str, duty: Duty) -> bool:
    said = f" {_words(name)} "
    return any(f" {word} " in said for word in duty.words) or any(said.startswith(f" {w} ") for w in duty.first_words)


def _words(name: str) -> str:
    """`homeZipCode__mean` has the words home, zip, code and mean."""
    return " ".join(re.findall(r"[a-z]+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()))
