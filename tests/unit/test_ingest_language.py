"""The language of a text: right or none, on texts that others wrote too."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import airflow
import pytest

from pipelines.base.contracts import TABLES
from pipelines.ingest.documents.extract import extract
from pipelines.ingest.documents.language import language
from tests.unit.document_files import LIMITS

RESUMES = {
    "de": "Leitung der Lohnabrechnung für 4.000 Personen. Einführung eines neuen Systems mit einem Team von fünf; "
    "Prüfungen bestanden, die zuvor nicht bestanden wurden. Berichte an den Vorstand sowie Schulung und Beratung.",
    "en": "Head of payroll for 4,000 people. Led the move to a new system with a team of five; audits passed that had "
    "failed before. Reports to the board by quarter.",
    "es": "Responsable de nóminas para 4.000 personas. Implanté el nuevo sistema con un equipo de cinco; superé las "
    "auditorías que antes fallaban. Informes y formación de los equipos desde 2015 hasta 2019, también en otras sedes.",
    "fr": "Responsable de la paie pour 4 000 personnes. Mise en place du nouveau logiciel avec une équipe de cinq ; "
    "audits réussis dans les délais. Rapports trimestriels au conseil et formation des équipes.",
    "it": "Responsabile delle paghe per 4.000 persone. Introduzione del nuovo sistema con una squadra di cinque; "
    "superate le verifiche della società. Relazioni alla direzione, formazione dei colleghi e anche presso le filiali.",
    "nl": "Hoofd salarisadministratie voor 4.000 mensen. Invoering van een nieuw systeem met een team van vijf; "
    "controles die eerder niet lukten zijn gehaald. Verslagen voor het bestuur en opleiding bij andere vestigingen.",
    "pl": "Kierownik działu płac dla 4000 osób. Wdrożenie nowego systemu przez zespół oraz szkolenia w oddziałach. "
    "Sprawozdania dla zarządu, które przedstawiano co kwartał, nadzór nad rozliczeniami przy współpracy z audytorem.",
    "pt": "Responsável pelo processamento de salários de 4.000 pessoas. Introduzi um novo sistema com uma equipa de "
    "cinco; auditorias que antes não passavam foram superadas. Relatórios aos diretores, também em outras filiais.",
    "sv": "Chef för lönerna för 4 000 personer. Införde ett nytt system med fem kollegor och klarade granskningar som "
    "inte gick igenom förut. Rapporter till styrelsen, samt utbildning inom bolaget från 2015.",
}
OTHERS = {
    "da": "Alle mennesker er født frie og lige i værdighed og rettigheder. De er udstyret med fornuft og samvittighed, "
    "og de bør handle mod hverandre i en broderskabets ånd. Enhver har krav på alle de rettigheder og friheder.",
    "ca": "Tots els éssers humans neixen lliures i iguals en dignitat i en drets. Són dotats de raó i de consciència, "
    "i han de comportar-se fraternalment els uns amb els altres. Tothom té tots els drets i llibertats, sense cap "
    "distinció de raça, color, sexe, llengua, religió, opinió política o de qualsevol altra mena.",
    "gl": "Tódolos seres humanos nacen libres e iguais en dignidade e dereitos e, dotados como están de razón e "
    "conciencia, díbense comportar fraternalmente uns cos outros. Toda persoa ten os dereitos e liberdades.",
    "ro": "Toate ființele umane se nasc libere și egale în demnitate și în drepturi. Ele sunt înzestrate cu rațiune și "
    "conștiință și trebuie să se comporte unele față de altele în spiritul fraternității.",
    "af": "Alle menslike wesens word vry, met gelyke waardigheid en regte, gebore. Hulle het rede en gewete en behoort "
    "in die gees van broederskap teenoor mekaar op te tree. Elkeen is geregtig op al die regte van hierdie Verklaring.",
}
"""Neighbours of the languages that are told: the Universal Declaration of Human Rights."""


@pytest.mark.parametrize(("code", "text"), RESUMES.items())
def test_each_language_is_told_in_two_lines_of_a_resume(code: str, text: str) -> None:
    assert language(text) == language(text.upper()) == code


@pytest.mark.parametrize("text", OTHERS.values(), ids=OTHERS)
def test_a_language_that_is_not_told_is_not_taken_for_its_neighbour(text: str) -> None:
    assert language(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Python, SQL, Kafka, Terraform",
        "the and of with",
        "the and the and the and",
        RESUMES["en"] + RESUMES["de"],
        "and " * 50,
        "järjestelmä " * 900 + RESUMES["en"],
    ],
    ids=["nothing", "terms", "four words", "two words", "two languages", "one word", "a quotation"],
)
def test_what_is_not_clear_is_no_language(text: str) -> None:
    assert language(text) is None


def strings(of: Any) -> Iterator[str]:
    if isinstance(of, str):
        yield of
    else:
        for one in of.values() if isinstance(of, dict) else of:
            yield from strings(one)


def test_words_of_airflows_pages_in_21_languages_are_told_rightly_or_not_at_all() -> None:
    places = sorted((Path(airflow.__file__).parent / "ui" / "dist" / "i18n" / "locales").iterdir())
    told = {
        place.name: [
            found
            for file in sorted(place.glob("*.json"))
            if (found := language(" ".join(strings(json.loads(file.read_text())))))
        ]
        for place in places
    }
    assert len(told) == 21
    wrong = {name: set(found) - {name} for name, found in told.items() if set(found) - {name}}
    assert wrong == {}
    assert {name for name, found in told.items() if len(found) >= 5} == {"de", "en", "es", "fr", "it", "nl", "pl", "pt"}


def test_a_document_has_the_language_of_its_text_as_the_contract_writes_it() -> None:
    assert extract(RESUMES["de"].encode(), LIMITS).language_code == "de"
    assert extract(b"", LIMITS).language_code is None
    (column,) = (column for column in TABLES["resumes"].columns if column.name == "language_code")
    assert column.form
