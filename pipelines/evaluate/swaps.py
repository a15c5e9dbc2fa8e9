"""Whether one group's signals, in the resume of the same person, decide otherwise than another's: a data check.

`score` exchanged them (`score.exchange`). An exchange that changes decisions more often one way than the other is no
fact about anybody's work: the person is the same. Which signals were tried is told, for it says nothing of others.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pipelines.fairness import RULES
from pipelines.fairness.corrections import benjamini_hochberg


def check(found: Sequence[Mapping[str, Any]], *, reads_texts: bool) -> dict[str, Any]:
    """The data check on what `score` found; corrected for how many signals the model reads.

    A signal that moves nobody's score, such as a word that is in no vocabulary, cannot decide: it is no look.

    Args:
        found: signal, axis, one, other, pairs, gained, lost, p_value, largest_shift of each; empty for families without
            a text.
        reads_texts: Whether texts of people are an input of the family.

    Returns:
        check, passed and reason. Where texts are read, no signals have not passed, nor any that was exchanged in
        nobody's resume.
    """
    name = "no_signal_decides"
    if not reads_texts:
        return {"check": name, "passed": True, "reason": "No text of a person is an input: nothing to exchange."}
    pairs = min((row["pairs"] for row in found), default=0)
    if not pairs:
        return {"check": name, "passed": False, "reason": "No resume had a signal to exchange: nothing is known."}
    read = [row for row in found if row["largest_shift"] != 0]
    reason = f"{len(found)} signals were exchanged in {pairs} resumes; {len(read)} move a score at all"
    if not read:
        return {"check": name, "passed": True, "reason": f"{reason}: the model reads no such word."}
    corrected = benjamini_hochberg([row["p_value"] for row in read])
    moved = [row for row, p in zip(read, corrected, strict=True) if not p >= RULES.significance_level]
    worst = read[int(np.argmin(corrected))]
    reason += f", and {len(moved)} decide otherwise more often one way. Most one-sided is {_told(worst)}."
    return {"check": name, "passed": not moved, "reason": reason}


def _told(row: Mapping[str, Any]) -> str:
    return (
        f"{row['signal']} ({row['axis']}): {row['lost']} selected only as {row['one']}, {row['gained']} only as "
        f"{row['other']}"
    )
