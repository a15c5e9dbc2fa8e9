"""A text made of cells is without the person's name, whatever the case and script of either."""

import unicodedata
from datetime import UTC, datetime

import polars as pl
import pytest

from pipelines.ingest.cells import Context
from pipelines.ingest.composed import told, with_text, without
from pipelines.ingest.rules import Compose

NAME = "[NAME]"


@pytest.mark.parametrize(
    ("names", "text", "expected"),
    [
        (["maria lopez"], "By maria lopez. Maria led, LOPEZ too, as lopez said", "By *. * led, * too, as * said"),
        (["jane de la cruz"], "de la empresa, Jane de la Cruz", "de la empresa, *"),
        (["li wei"], "Li Wei built; as li wei; il y a, li polite", "* built; as *; il y a, li polite"),
        (["Jane", "Doe"], "As jane doe I wrote; DOE, JANE; doe, jane; a doe", "As * I wrote; *; *; a doe"),
        (["MCDONALD", "MARY"], "McDonald led, Mary McDonald", "* led, *"),
        (["O'Brien"], "Pat O\u2019Brien; OBrien; O'BRIEN and o'brien; Brien", "Pat *; *; * and *; *"),
        (["Ann-Marie"], "Ann Marie's work; ANN MARIE; AnnMarie; ann-marie", "*'s work; *; *; *"),
        (["Robert (Bob) Smith"], "Bob and Smith, robert smith, Robert Smith", "* and *"),
        (['["Jane", "Zo\\u00eb"]', "Doe"], "Jane and Zoë Doe", "* and *"),
        (["Jürgen Groß"], "GROSS, JÜRGEN; J. Groß", "*; J. *"),
        (["王小明"], "王小明负责 数据\n王小明, 北京", "*负责 数据\n*, 北京"),
        (["王", "小明"], "小明王, 王小明负责国王; 王 led", "*负责国王; * led"),
        (["محمد علي"], "محمد علي led; محمدعلي; ومحمد", "* led; *; و*"),
        (["राम कुमार"], "राम कुमार led, कुमार", "* led, *"),
        (["김민수"], "김민수 led 김민수의", "* led *의"),
        (["Иван Петров"], "ПЕТРОВ и Иван; иван петров", "* и *; *"),
        (["Al Will"], "Al has worked in AI; I will also", "* has worked in AI; I will also"),
        (["Jo", "B", "2", "van"], "Plan B in 2 van then Jo", "Plan B in 2 van then *"),
        (["Jane Doe"], "CV_Jane_Doe and Janet Doerr", "CV_* and Janet Doerr"),
        ([None, "", " "], "Jane", "Jane"),
    ],
)
def test_a_name_goes_from_a_text_whatever_its_case_and_script(names, text, expected):
    found = without(told([text], ["Summary"]), names).removeprefix("Summary\n")
    assert found == expected.replace("*", NAME)


@pytest.mark.parametrize(("of_cell", "of_text"), [("NFD", "NFC"), ("NFC", "NFD"), ("NFD", "NFD")])
def test_marks_that_stand_by_themselves_are_part_of_a_letter(of_cell, of_text):
    name, text = unicodedata.normalize(of_cell, "Zoë Ångström"), unicodedata.normalize(of_text, "Zoë Ångström built")
    assert without(told([text], ["Summary"]), [name]) == "Summary\n[NAME] built"


def test_an_address_with_the_name_in_it_goes_whole():
    step = Compose(column="resume", names=("n",), sections={"s": ""})
    frame = pl.DataFrame({"n": ["Jane Doe"], "s": ["jane.doe@doe.example, Jane.Doe@doe.example, jane doe led a team"]})
    context = Context(frozenset(frame.columns), datetime(2026, 1, 1, tzinfo=UTC), b"k" * 32)
    ((text, count, language),) = with_text(frame, step, context).select(step.made[0], step.made[1], step.made[3]).rows()
    assert text == "[EMAIL], [EMAIL], [NAME] led a team"
    assert (count, language) == (str(len(text)), None)


def test_a_text_made_of_cells_has_a_language_and_none_has_none():
    step = Compose(column="resume", names=("n",), sections={"s": ""})
    told = "Leitung der Abrechnung mit einem Team von fünf sowie Schulung und Beratung für Filialen"
    frame = pl.DataFrame({"n": ["Jane Doe"] * 2, "s": [told, None]}, schema={"n": pl.String, "s": pl.String})
    context = Context(frozenset(frame.columns), datetime(2026, 1, 1, tzinfo=UTC), b"k" * 32)
    made = with_text(frame, step, context)
    assert made["resume.language_code"].to_list() == ["de", None]
    assert made.select(step.made).row(1) == (None,) * 4
