"""The law as dated data: which computations, records, clocks, texts and bans hold somewhere on a day.

A *pack* is one law as it stands between two days; `packs/` holds one file a pack. A *duty* is one thing that a pack
asks for. Jurisdictions are paths, and who is in New York City (`US-NY-NYC`) is in the United States (`US`) too. Nothing
here is code about a law: a law that changes is a new file, and the old one gets the day it ended.

No pack is legal advice: `is_confirmed_by_counsel` says whether a lawyer has compared it with the primary text, and
`basis` what a duty was written from.
"""

from pipelines.fairness.law.bans import banned
from pipelines.fairness.law.clocks import day_due, due, next_due
from pipelines.fairness.law.packs import Clock, Duty, Pack, current, library, pack_of, text_of
from pipelines.fairness.law.standing import Standing, coming, ended, everywhere, holds, standing, within
from pipelines.fairness.law.use import (
    asks_for_assessment,
    asks_for_notice,
    is_there,
    lacking,
    place_of,
    unassessed,
    unaudited,
)

__all__ = [
    "Clock",
    "Duty",
    "Pack",
    "Standing",
    "asks_for_assessment",
    "asks_for_notice",
    "banned",
    "coming",
    "current",
    "day_due",
    "due",
    "ended",
    "everywhere",
    "holds",
    "is_there",
    "lacking",
    "library",
    "next_due",
    "pack_of",
    "place_of",
    "standing",
    "text_of",
    "unassessed",
    "unaudited",
    "within",
]
