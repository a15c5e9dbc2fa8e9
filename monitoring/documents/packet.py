"""What a person gets to whom a score was not favourable: what it was, its reasons in plain words, what they can do.

Only reasons that were tried are told (`pipelines.score.recheck`): what each names was taken away, and the score moved
as the reason says. None is told that speaks of a protected attribute, or of what nobody can change or put right; that
some were not told is said. The packet goes to one person and is written nowhere but where it was asked for.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date
from typing import Final

from markupsafe import Markup

from monitoring import page
from monitoring.documents import sources
from monitoring.documents.cited import Cited, Source, asks, title_of
from pipelines.base.contracts import ABSTAINED
from pipelines.base.digests import sha256_bytes
from pipelines.base.errors import ContractError
from pipelines.base.store import Store
from pipelines.ingest.documents.redact.words import DEMONYMS
from pipelines.publish.versions import leaf_names
from pipelines.score.recheck import FAMILIES, Reason, Rechecked, recheck


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


PROTECTED: Final = frozenset(map(str.lower, DEMONYMS)) | _words(
    """
    age aged birth born citizen citizenship christian church catholic disabled disability divorced ethnic ethnicity
    father female gay gender herr hindu husband jewish lesbian male man married maternity men miss mosque mother mr
    mrs muslim nationality native old parental pregnancy pregnant pronouns protestant race religion religious
    retired sex single temple transgender union veteran wife woman women young
    alter behindert behinderung christlich ehefrau ehemann evangelisch frau geboren geburt geschlecht gewerkschaft
    herkunft jude katholisch kirche ledig mann muslimisch mutter schwanger schwerbehindert staatsangehörigkeit vater
    verheiratet
    """
)
"""Words that may speak of a protected attribute, in a text or an input's name. A reason with one is told to nobody."""
STEMS: Final = re.compile(
    r"(?:^|[\W_])(?:absen|afric|age_|aging|arab|army|asian|autis|behinder|black|blind|boys?\b|buddh|bundeswehr|child|christ"
    r"|church|citizen|deaf|deutsch"
    r"|disab|elder|eltern|ethnic|famil(?:y|ies)|father|femin|fratern|gay|gender|girl|handicap|health|hindu|hispan|hiv|illness|immigra"
    r"|islam|jew|jude|kids?\b|kinder|krank|latin[oax]|lesb|lgbt|maternit|matriarch|militar|mosque|mother|mosl|muslim|nation"
    r"|native|navy"
    r"|parent|paternit|pregnan|queer|race|racial|relig|rentner|retir|rollstuhl|schwanger|sexual|sick|soror|synagog"
    r"|trans(?:gender|sex)|veteran|wheelchair|wom[ae]n|(?:he|her|hers|him|his|she)\b)"
)
"""How such words begin, whatever their ending. Too much is withheld rather than too little: a person then looks."""
OLD: Final = re.compile(
    r"(?<!\d)(?:19|20)\d\d(?!\d)|\d\s*(?:\+\s*)?(?:years?|yrs?|jahren?)\b|^class of\b|^\W*\d{5}(?:-\d{4})?\W*$"
)
"""A year, a span of years, or a ZIP code by itself: they tell an age or an origin, and nobody can change them."""
FIXED: Final = frozenset(
    {
        "assigned_by_code",
        "earlier_completed_share",
        "earlier_count",
        "earlier_score_mean",
        "job_family_code",
        "lead_days",
        "prior_attempts",
        "rating",
    }
)
"""Inputs that the person can neither change nor put right: where they were placed, who enrolled them, what is past."""


@dataclass(frozen=True, slots=True)
class Told:
    """Reasons as they are told."""

    against: tuple[int, ...]
    """Positions in the tried reasons, the strongest first."""
    favour: tuple[int, ...]
    withheld: bool
    """Whether some may not be told, so that a person must look."""
    unproven: bool
    """Whether some did not move the score as they say."""


def told(reasons: Iterable[Reason]) -> Told:
    """Which of the tried reasons a person is told: no passage, whose place tells nothing without the text."""
    numbered = [(place, item) for place, item in enumerate(reasons) if not item.code.startswith("span:")]
    held = [(place, item) for place, item in numbered if item.is_held]
    open_ones = [(place, item) for place, item in held if may_be_told(item.code)]
    return Told(
        against=tuple(place for place, item in open_ones if item.is_against),
        favour=tuple(place for place, item in open_ones if not item.is_against),
        withheld=len(open_ones) < len(held),
        unproven=len(held) < len(numbered),
    )


def may_be_told(code: str) -> bool:
    """Whether a reason speaks of no protected attribute and of nothing that is fixed."""
    what = code.partition(":")[2].lower()
    return what not in FIXED and not PROTECTED & set(re.split(r"[\W_]+", what)) and not _hints(what)


def _hints(what: str) -> bool:
    return STEMS.search(what) is not None or OLD.search(what) is not None


def make(store: Store, family: str, person_id: str, subject_id: str, as_of: date) -> tuple[bytes, Told]:
    """The packet about one score.

    Args:
        store: Holds scores, releases and the lake.
        family: One of `recheck.FAMILIES`.
        person_id: Whose.
        subject_id: For what.
        as_of: The day that was scored.

    Raises:
        ContractError: The family turns nobody down, the score was favourable, or it cannot be tried again.
    """
    if family not in FAMILIES:
        raise ContractError(
            f"A packet must be about a score that can speak against somebody; {family} only proposes. None is needed."
        )
    found = recheck(store, family, person_id, subject_id, as_of)
    if found.row["is_selected"]:
        raise ContractError("A packet must be about a score that was not favourable; this one was. None is needed.")
    return rendered(family, found, sources.of_release(store, found.release)), told(found.reasons)


def rendered(family: str, found: Rechecked, release: dict[str, Source]) -> bytes:
    """The page. Pure.

    Args:
        family: Whose model.
        found: The score and its reasons, tried.
        release: Files of the release that gave it.
    """
    day = found.row["as_of"]
    score = {name: found.row[name] for name in ("score", "low", "high")} | {"as_of": str(day)}
    tried = [asdict(reason) for reason in found.reasons]
    about = {"score": _source(f"score of {day}", score), "tried": _source("reasons, tried", tried)}
    cited = Cited({name: release[name] for name in ("release", "metrics", "verdict") if name in release} | about)
    return page.render(
        "documents_packet.html",
        title="About your score",
        family=family,
        cited=cited,
        n=cited.n,
        t=cited.t,
        asks=asks,
        title_of=title_of,
        leaves=leaf_names,
        is_abstained=ABSTAINED in (found.row.get("reasons") or ()),
        told=told(found.reasons),
        reasons=found.reasons,
        style=Markup(page.style()),  # noqa: S704  # our own file
    ).encode()


def _source(name: str, content: object) -> Source:
    return Source(name, sha256_bytes(json.dumps(content, sort_keys=True).encode()), content)
