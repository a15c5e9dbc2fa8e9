"""Closed lists of words by which the finders tell headings, names, nations and languages; English and German."""

from typing import Final


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


SCHOOL: Final = _words(
    """
    academic academics akademische akademischer ausbildung berufsausbildung bildung bildungsweg education
    educational hochschulausbildung schooling schulausbildung schulbildung schule schulische schulischer studies
    studium
    """
)
"""Words that make a heading one of education."""
OTHER: Final = _words(
    """
    about accomplishments achievements activities affiliations awards berufliche beruflicher berufserfahrung
    berufspraxis career certificates certifications competencies contact edv-kenntnisse ehrenamt employment
    erfahrung experience expertise fähigkeiten highlights hobbies hobbys honors honours information interessen
    interests kenntnisse kontakt languages licenses me memberships military objective personal persönliches
    positions praktika profil profile projects projekte publications qualifications referees references
    referenzen service skills sprachen sprachkenntnisse strengths summary tools training volunteer volunteering
    weiterbildung weiterbildungen werdegang work zertifikate
    """
)
"""Words that make a heading one of anything else."""
FILL: Final = _words(
    """
    & additional and background community computer core credentials daten degrees development formal higher
    history in key of other outside professional related relevant selected soft summary technical the und with
    """
)
"""Words that a heading may have beside."""
PARTICLES: Final = _words(
    """
    af al av bin da das de del della den der di do dos du e el ibn la las le los ten ter van von y zu zum zur
    """
)
"""Small words within names."""
AFFIXES: Final = _words(
    """
    b.a b.sc ba bsc cfa cpa dipl.-ing dipl.-kfm dr esq frau herr ii iii ing iv jr m.a m.b.a m.d m.sc ma mag mba
    md miss mr mrs ms msc mx ph.d phd phr pmp prof rn sr
    """
)
"""Titles and degrees around names."""
JOBS: Final = _words(
    """
    account accountant administrator advisor analyst angestellte angestellter architect assistant associate
    berater beraterin business clerk college company consultant coordinator customer designer developer director
    driver einkauf engineer entwickler entwicklerin executive fachkraft gmbh group hochschule inc ingenieur
    ingenieurin junior kauffrau kaufmann leader lecturer leiter leiterin leitung ltd manager marketing nurse
    officer operator president professor referent referentin registered representative sales school scientist
    senior software specialist student supervisor teacher technician trainee university universität
    """
)
"""How words end that are no names."""
NO_NAMES: Final = _words(
    """
    and anfrage auf available bewerbung bewerbungsunterlagen build city curriculum cv data daten details for
    furnished lebenslauf my name of page persönliche provided request resume road résumé seite state street the
    upon vitae your
    """
)
"""Words of a document's own, never a name's."""
DEMONYMS: Final = _words(
    """
    Afghan Algerian American Argentinian Australian Austrian Bangladeshi Belgian Brazilian British Bulgarian
    Canadian Chilean Chinese Colombian Croatian Cuban Czech Danish Dutch Egyptian English Ethiopian Filipino
    Finnish French German Ghanaian Greek Hungarian Indian Indonesian Iranian Iraqi Irish Israeli Italian
    Japanese Jordanian Kenyan Korean Lebanese Malaysian Mexican Moroccan Namibian Nigerian Norwegian Pakistani
    Peruvian Polish Portuguese Romanian Russian Saudi Scottish Serbian Singaporean Spanish Swedish Swiss Syrian
    Thai Tunisian Turkish Ukrainian Venezuelan Vietnamese Welsh Zimbabwean
    """
)
"""Who is of which nation, in English."""
GERMAN: Final = _words(
    """
    als bei das der die für im mit und von
    """
)
"""Words by which German text is told."""
ENGLISH: Final = _words(
    """
    and at by for of the to with
    """
)
"""And English text."""
LABELS: Final = _words(
    """
    name names applicant candidate bewerber bewerberin referee referees reference references referenz referenzen surname
    vorname nachname nachnamen zuname zunamen familienname geburtsname signature unterschrift signed gez
    """
)
"""The last words of what announces a name, before a colon."""
