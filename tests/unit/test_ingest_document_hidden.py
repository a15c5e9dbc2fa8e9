"""Text that nobody sees on the page is counted and left out; what is seen stays, white letters on a dark band too."""

import time
from collections.abc import Callable
from typing import Any

import docx
import pytest
from docx.enum.text import WD_COLOR_INDEX
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import qn
from docx.shared import Pt, RGBColor
from reportlab.lib.colors import CMYKColorSep
from reportlab.pdfgen.canvas import Canvas

from pipelines.ingest.documents import pdf
from pipelines.ingest.documents.extract import extract
from pipelines.ingest.documents.pdf_signs import Signs
from tests.unit import document_files as files

SEEN = "Backend engineer with ten years of kafka and python, leading teams of seven people"
"""Of 69 letters."""
HIDDEN = "java spark hadoop scala"
"""Of 20 letters."""
WHITE = RGBColor(255, 255, 255)


def found(data: bytes) -> tuple[str, float]:
    result = extract(data, files.LIMITS)
    assert result.status == "ok"
    return str(result.text), float(str(result.hidden_text_share))


def on_white(canvas: Canvas) -> None:
    canvas.setFillColorRGB(1, 1, 1)
    canvas.drawString(72, 700, HIDDEN)


def on_grey_scale(canvas: Canvas) -> None:
    canvas.setFillGray(0.98)
    canvas.drawString(72, 700, HIDDEN)


def in_no_ink(canvas: Canvas) -> None:
    canvas.setFillColorCMYK(0, 0, 0, 0)
    canvas.drawString(72, 700, HIDDEN)


def in_no_spot(canvas: Canvas) -> None:
    canvas.setFillColor(CMYKColorSep(0, 1, 1, 0, spotName="Red", density=0))
    canvas.drawString(72, 700, HIDDEN)


def tiny(canvas: Canvas) -> None:
    canvas.setFont("Helvetica", 1)
    canvas.drawString(72, 700, HIDDEN)


def shrunk(canvas: Canvas) -> None:
    canvas.scale(0.1, 0.1)
    canvas.drawString(720, 7000, HIDDEN)


def beside(canvas: Canvas) -> None:
    canvas.drawString(-900, 700, HIDDEN)


def behind(canvas: Canvas) -> None:
    canvas.drawString(3000, 700, HIDDEN)


def below(canvas: Canvas) -> None:
    canvas.drawString(72, -900, HIDDEN)


def above(canvas: Canvas) -> None:
    canvas.drawString(72, 3000, HIDDEN)


def undrawn(canvas: Canvas) -> None:
    text = canvas.beginText(72, 700)
    text.setTextRenderMode(3)
    text.textOut(HIDDEN)
    canvas.drawText(text)


def white_on_white_band(canvas: Canvas) -> None:
    canvas.setFillColorRGB(0, 0, 0.5)
    canvas.rect(60, 690, 400, 30, fill=1, stroke=0)
    canvas.setFillColorRGB(1, 1, 1)
    canvas.rect(60, 690, 400, 30, fill=1, stroke=0)
    canvas.drawString(72, 700, HIDDEN)


def in_a_form(canvas: Canvas) -> None:
    canvas.beginForm("stamp")
    on_white(canvas)
    canvas.endForm()
    canvas.doForm("stamp")


@pytest.mark.parametrize(
    "hide",
    [
        on_white,
        on_grey_scale,
        in_no_ink,
        in_no_spot,
        tiny,
        shrunk,
        beside,
        behind,
        below,
        above,
        undrawn,
        white_on_white_band,
        in_a_form,
    ],
)
def test_what_a_pdf_hides_is_counted_and_left_out(hide: Callable[[Canvas], None]) -> None:
    def draw(canvas: Canvas) -> None:
        canvas.drawString(72, 780, SEEN)
        canvas.saveState()
        hide(canvas)
        canvas.restoreState()
        canvas.drawString(72, 600, "Seen below")

    text, share = found(files.drawn(draw))
    assert text.split("\n") == [SEEN, "", "Seen below"] or text.split("\n") == [SEEN, "Seen below"]
    shown = len(SEEN) + len("Seen below")  # a PDF counts its blanks, which it draws as it draws letters
    assert share == pytest.approx(len(HIDDEN) / (len(HIDDEN) + shown))


@pytest.mark.parametrize(
    "how",
    [
        b"3 Tr",
        b"3.0 Tr",
        b"+3 Tr",
        b"3\0Tr",
        b"0 Tz",
        b"-2. Tz",
        b"900 Ts",
        b"-900 Ts",
        b"900 %note\nTs",
        b"3 %note\nTr",
        b"3 %note\r%0\rTr",
        b"3 %" + b"long" * 20 + b" 0\n Tr",
        b"1.00 g",
        b".98 .98 .98 rg",
        b"1 1 1rg",
        b"1 %note\ng",
        b"1 1 %0\n1 rg",
        b"%g\n1 g",
        b"0 0 0 0 k",
        b"0. 0.00 .0 .01 k",
        b"0 0 0 %note\n0 k",
        b"/Red cs 0 %note\n scn",
        b"0.0000000000000 0.0000000000000 0.0000000000000 0.0000000000000 k",
        b"/DeviceGray cs 1 sc",
        b"/DeviceRGB cs 1 1 1 scn",
        b"/DeviceCMYK cs 0 0 0 0 scn",
        b"/Red cs 0 scn",
        b"/Red cs .0 scn",
        b"/Red cs 0 sc",
    ],
)
def test_however_a_pdf_writes_that_it_shows_nothing_it_is_counted_and_left_out(how: bytes) -> None:
    shown = f"BT /F1 12 Tf 14 TL 72 700 Td ({SEEN}) Tj T* q %s ({HIDDEN}) Tj Q T* (Below) Tj ET"
    red = b"/ColorSpace<</Red[/Separation/Red/DeviceCMYK 6 0 R]>>" if b"/Red" in how else b""
    tint = b"<</FunctionType 2/Domain[0 1]/C0[0 0 0 0]/C1[0 1 1 0]/N 1>>"
    page = files.page_of(files.stream(shown.encode() % how), files.HELVETICA + red, files.FONT, tint)
    text, share = found(page)
    assert text.split() == [*SEEN.split(), "Below"]
    assert share == pytest.approx(len(HIDDEN) / (len(HIDDEN) + len(SEEN) + len("Below")))


STATES = {b"/Clear": b"<</ca 0>>", b"/Half": b"<</ca .5/CA 0>>", b"/Tiny": b"<</Font[5 0 R 1]>>", b"/Odd": b" null"}
MARKED = b"/OC /L1 BDC %s EMC"
BAND = b"0 0 .4 rg 60 630 400 60 re f"


def of_layers(shown: bytes, settings: bytes, states: bytes = b"") -> bytes:
    """A page that shows SEEN, then this, then a line below; its layers are L1 and L2, any of both, and both."""
    drawn = b"BT /F1 12 Tf 14 TL 72 700 Td (%s) Tj T* ET %s BT /F1 12 Tf 72 600 Td (Below) Tj ET"
    form = b"/Type/XObject/Subtype/Form/BBox[0 0 595 842]/Resources<</Font<</F1 5 0 R>>>>"
    text = b"BT /F1 12 Tf 72 650 Td (%s) Tj ET" % HIDDEN.encode()
    layers = b"/Properties<</L1 6 0 R/L2 7 0 R/Any 8 0 R/All 9 0 R>>/XObject<</X1 10 0 R/X2 11 0 R>>"
    return files.pdf_of(
        b"<</Type/Catalog/Pages 2 0 R/OCProperties<</OCGs[6 0 R 7 0 R]/D<<%s>>>>>>" % settings,
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<<%s%s/ExtGState<<%s>>>>>>"
        % (files.HELVETICA, layers, states),
        files.stream(drawn % (SEEN.encode(), shown)),
        files.FONT,
        b"<</Type/OCG/Name(one)>>",
        b"<</Type/OCG/Name(two)>>",
        b"<</Type/OCMD/OCGs[6 0 R 7 0 R]>>",
        b"<</Type/OCMD/OCGs[6 0 R 7 0 R]/P/AllOn>>",
        files.stream(text, form),
        files.stream(text, form + b"/OC 6 0 R"),
    )


@pytest.mark.parametrize(
    ("shown", "settings", "is_seen"),
    [
        (MARKED % b"/X1 Do", b"/OFF[6 0 R]", False),
        (MARKED % b"/X1 Do /X1 Do", b"/OFF[6 0 R]", False),
        (MARKED % b"/X1 Do", b"/OFF[7 0 R]", True),
        (MARKED % b"/X1 Do", b"", True),
        (MARKED % b"/X1 Do", b"/BaseState/OFF/ON[7 0 R]", False),
        (MARKED % b"/X1 Do", b"/BaseState/OFF/ON[6 0 R]", True),
        (MARKED % b"/Span BMC /X1 Do EMC", b"/OFF[6 0 R]", False),
        (MARKED % b"" + b"/X1 Do", b"/OFF[6 0 R]", True),
        (MARKED % b"/X1 Do" + b" /X1 Do", b"/OFF[6 0 R]", None),
        (b"/OC /Any BDC /X1 Do EMC", b"/OFF[6 0 R]", True),
        (b"/OC /Any BDC /X1 Do EMC", b"/OFF[6 0 R 7 0 R]", False),
        (b"/OC /All BDC /X1 Do EMC", b"/OFF[6 0 R]", False),
        (b"/OC /No BDC /X1 Do EMC", b"/OFF[6 0 R]", True),
        (b"/Span /L1 BDC /X1 Do EMC", b"/OFF[6 0 R]", True),
        (b"EMC EMC /X2 Do", b"/OFF[6 0 R null]", False),
        (b"/X2 Do", b"/OFF[7 0 R]", True),
        (MARKED % b"BT /F1 12 Tf 72 650 Td (%s) Tj ET" % HIDDEN.encode(), b"/OFF[6 0 R]", False),
        (MARKED % BAND + b" 1 g /X1 Do 0 g", b"/OFF[6 0 R]", False),
        (MARKED % BAND + b" 1 g /X1 Do 0 g", b"/OFF[7 0 R]", True),
    ],
)
def test_what_belongs_to_a_layer_that_is_not_shown_is_hidden(
    shown: bytes, settings: bytes, *, is_seen: bool | None
) -> None:
    text, share = found(of_layers(shown, settings))
    assert (HIDDEN in text) == (is_seen is not False)
    assert "Below" in text
    times = {True: 0, False: 1, None: 1}[is_seen]
    all_of = len(SEEN) + len("Below") + len(HIDDEN) * (1 if is_seen is not None else 2)
    assert share == pytest.approx(times * len(HIDDEN) / all_of)


@pytest.mark.parametrize(
    ("how", "is_seen"),
    [
        (b"/Clear gs", False),
        (b"/Half gs", True),
        (b"/Odd gs /None gs", True),
        (b"/Tiny gs", False),
        (b"/Clear gs ET 0 0 .4 rg 60 600 400 90 re f /Half gs 1 g BT /F1 12 Tf 72 672 Td", False),
        (b"/Half gs ET 0 0 .4 rg 60 600 400 90 re f 1 g BT /F1 12 Tf 72 672 Td", True),
        (b"/Half gs 1 Tr", False),
        (b"/Half gs 2 Tr", True),
    ],
)
def test_what_lets_all_through_is_neither_seen_nor_a_ground(how: bytes, *, is_seen: bool) -> None:
    shown = b"q BT /F1 12 Tf 72 672 Td %s (%s) Tj ET Q" % (how, HIDDEN.encode())
    text, share = found(of_layers(shown, b"", b"".join(name + said for name, said in STATES.items() if name in how)))
    assert (HIDDEN in text) == is_seen
    assert share == pytest.approx(0.0 if is_seen else len(HIDDEN) / (len(HIDDEN) + len(SEEN) + len("Below")))


@pytest.mark.parametrize(
    "drawn",
    [
        b"0 g 0 0 0 rg .2 .2 .9 rg 0 0 0 1 k 0 Tr 0.0 Tr 90 Tz -5 Ts /GSa gs",
        b"/CSp cs 0.1 0 0 scn 10 0 Td <0001> Tj",
        b"/P1 scn (1 Trainee) Tj (1 king) Tj /F1g 1 Tf",
    ],
)
def test_what_is_plainly_drawn_in_dark_colours_shows_no_sign(drawn: bytes) -> None:
    signs = Signs.of(drawn)
    assert not signs.is_odd
    assert not signs.may_be_white
    assert not Signs.of(drawn.replace(b"0 0 scn", b"0 .1 scn")).may_lack_ink


@pytest.mark.parametrize("part", [b"%", b"%\n", b"1 g ", b"0 Tr\n", b"\0"])
def test_signs_take_no_more_time_than_the_length_of_what_is_drawn(part: bytes) -> None:
    began = time.process_time()
    Signs.of(part * 40_000)
    assert time.process_time() - began < 0.5


def test_white_letters_on_a_dark_band_or_a_picture_are_seen() -> None:
    def draw(canvas: Canvas) -> None:
        canvas.setFillColorRGB(0.1, 0.1, 0.5)
        canvas.rect(0, 760, 595, 60, fill=1, stroke=0)
        canvas.setFillColorRGB(1, 1, 1)
        canvas.drawString(72, 780, SEEN)

    assert found(files.drawn(draw)) == (SEEN, 0.0)


def test_a_new_line_that_hidden_text_begins_with_stays() -> None:
    for hidden in (f"({HIDDEN}) '", f'0 2 ({HIDDEN}) "'):
        shown = f"BT /F1 12 Tf 14 TL 72 700 Td ({SEEN}) Tj 1 g {hidden} 0 g (Below) Tj ET"
        text, share = found(files.content(shown.encode()))
        assert text.replace(" ", "") == f"{SEEN}\nBelow".replace(" ", "")
        assert share == pytest.approx(23 / (23 + len(SEEN) + 5))


def test_a_scan_with_text_that_is_not_drawn_is_still_a_scan() -> None:
    assert (
        extract(files.drawn(lambda canvas: (undrawn(canvas), undrawn(canvas))[0]), files.LIMITS).status == "needs_ocr"
    )


def shaded(element: Any, fill: str) -> None:
    shade = OxmlElement("w:shd")
    shade.set(qn("w:val"), "clear")
    shade.set(qn("w:fill"), fill)
    element.append(shade)


def of_style(document: Any, run: Any) -> None:
    style = document.styles.add_style("Quiet", docx.enum.style.WD_STYLE_TYPE.CHARACTER)
    style.font.hidden = True
    run.style = document.styles.add_style("Quieter", docx.enum.style.WD_STYLE_TYPE.CHARACTER)
    run.style.base_style = style


@pytest.mark.parametrize(
    "hide",
    [
        lambda _, run: setattr(run.font, "hidden", True),
        lambda _, run: setattr(run.font.color, "rgb", WHITE),
        lambda _, run: setattr(run.font, "size", Pt(1)),
        lambda _, run: setattr(run.font, "size", Pt(2)),
        of_style,
    ],
)
def test_what_a_word_file_hides_is_counted_and_left_out(hide: Callable[[Any, Any], None]) -> None:
    def write(document: Any) -> None:
        paragraph = document.add_paragraph(SEEN)
        hide(document, paragraph.add_run(HIDDEN))
        cell = document.add_table(1, 1).rows[0].cells[0]
        hide(document, cell.paragraphs[0].add_run(HIDDEN)) if hide is not of_style else None

    text, share = found(files.word(write))
    times = 1 if hide is of_style else 2
    assert (text, share) == (SEEN, pytest.approx(20 * times / (20 * times + 69)))


def test_white_letters_on_a_dark_ground_of_a_word_file_are_seen() -> None:
    def write(document: Any) -> None:
        for number, text in enumerate(["On a run", "On a paragraph", "On a highlight"]):
            paragraph = document.add_paragraph()
            run = paragraph.add_run(text)
            run.font.color.rgb = WHITE
            if number == 2:
                run.font.highlight_color = WD_COLOR_INDEX.BLUE
            else:
                shaded(
                    (run._r if number == 0 else paragraph._p).get_or_add_rPr()
                    if number == 0
                    else paragraph._p.get_or_add_pPr(),
                    "1F3864",
                )
        cell = document.add_table(1, 1).rows[0].cells[0]
        shaded(cell._tc.get_or_add_tcPr(), "1F3864")
        cell.paragraphs[0].add_run("In a cell").font.color.rgb = WHITE

    assert found(files.word(write)) == ("On a run\nOn a paragraph\nOn a highlight\nIn a cell", 0.0)


BOX = """<w:p xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"
  xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"
  xmlns:s="http://schemas.microsoft.com/office/word/2010/wordprocessingShape"
  xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing"
  xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" xmlns:v="urn:schemas-microsoft-com:vml">
  <w:r>{run}<mc:AlternateContent><mc:Choice Requires="wps"><w:drawing><wp:inline>{anchor}<a:graphic><a:graphicData>
  <s:wsp>{shape}<s:txbx>{text}</s:txbx></s:wsp></a:graphicData></a:graphic></wp:inline></w:drawing></mc:Choice>
  <mc:Fallback><w:pict><v:textbox>{text}</v:textbox></w:pict></mc:Fallback></mc:AlternateContent></w:r></w:p>"""
VML = """<w:p xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"
  xmlns:v="urn:schemas-microsoft-com:vml">
  <w:r>{run}<w:pict><v:shape {shape}><v:textbox>{text}</v:textbox></v:shape></w:pict></w:r></w:p>"""
IN_WHITE = (
    f'<w:txbxContent><w:p><w:r><w:rPr><w:color w:val="FFFFFF"/></w:rPr><w:t>{HIDDEN}</w:t></w:r></w:p></w:txbxContent>'
)
IN_BLACK = IN_WHITE.replace("FFFFFF", "000000")
NAVY = '<a:solidFill><a:srgbClr val="1F3864"/></a:solidFill>'


@pytest.mark.parametrize(
    ("form", "shape", "anchor", "run", "text", "is_seen"),
    [
        (BOX, "", "", "", IN_BLACK, True),
        (BOX, "", "", "", IN_WHITE, False),
        (BOX, "<s:spPr><a:noFill/></s:spPr><s:style/>", "", "", IN_WHITE, False),
        (BOX, '<s:spPr><a:solidFill><a:srgbClr val="FEFEFE"/></a:solidFill></s:spPr>', "", "", IN_WHITE, False),
        (BOX, f"<s:spPr>{NAVY}</s:spPr>", "", "", IN_WHITE, True),
        (BOX, "<s:spPr><a:gradFill/></s:spPr>", "", "", IN_WHITE, True),
        (BOX, "<s:spPr/><s:style/>", "", "", IN_WHITE, True),
        (BOX, "", '<wp:docPr id="1" name="x" hidden="1"/>', "", IN_BLACK, False),
        (BOX, "", "", "<w:rPr><w:vanish/></w:rPr>", IN_BLACK, False),
        (VML, "", "", "", IN_WHITE, False),
        (VML, 'filled="f" fillcolor="#1f3864"', "", "", IN_WHITE, False),
        (VML, 'fillcolor="#1f3864 [3204]"', "", "", IN_WHITE, True),
    ],
)
def test_text_boxes_of_word_files_are_read_once_on_the_ground_of_their_shape(
    form: str, shape: str, anchor: str, run: str, text: str, *, is_seen: bool
) -> None:
    def write(document: Any) -> None:
        document.add_paragraph(SEEN)
        box = parse_xml(form.format(shape=shape, anchor=anchor, run=run, text=text))
        document.element.body.insert(1, box)

    expected = (f"{SEEN}\n\n{HIDDEN}", 0.0) if is_seen else (SEEN, pytest.approx(20 / 89))
    assert found(files.word(write)) == expected


def test_a_text_box_without_a_filling_stands_on_the_ground_of_its_cell() -> None:
    def write(document: Any) -> None:
        cell = document.add_table(1, 1).rows[0].cells[0]
        shaded(cell._tc.get_or_add_tcPr(), "1F3864")
        cell._tc.append(parse_xml(BOX.format(shape="", anchor="", run="", text=IN_WHITE)))

    assert found(files.word(write)) == (HIDDEN, 0.0)


@pytest.mark.parametrize(
    "attributes",
    [
        'style="display:none"',
        'style="Display: none !important"',
        'style="visibility:hidden"',
        'style="font-size:1px"',
        'style="font-size:0"',
        'style="color:#FFF"',
        'style="color: rgb(254, 255, 255)"',
        'style="color:white;background-color:#fefefe"',
        'style="position:absolute;left:-9999px"',
        'style="opacity:0.0"',
        'style="opacity:1%"',
        'style="color:transparent"',
        'style="color:rgba(0, 0, 0, 0)"',
        'style="color:rgb(0 0 0 / 1%)"',
        'style="color:#0000"',
        'style="color:#00000005"',
        'style="color:hsl(200, 10%, 99%)"',
        'style="color:rgb(100%,100%,99%)"',
        'style="color:#fff;background:rgba(0,0,0,0)"',
        'style="color:black;-webkit-text-fill-color:transparent"',
        'style="font:bold 1px/20px Arial"',
        'style="font-size:12px;font:1px Arial"',
        'style="overflow:hidden;height:0"',
        'style="overflow:hidden;width:1px;height:1px"',
        'style="overflow-x:clip;max-width:0%"',
        'style="clip:rect(0, 0, 0, 0)"',
        'style="clip:rect(9px 9px 9px 9px)"',
        'style="clip-path:inset(50%)"',
        'style="clip-path:inset(60% 0 40%)"',
        'style="clip:rect(0, 90px, 0, 0)"',
        'style="clip-path:inset(0 20% 0 80%)"',
        'style="clip-path:circle(0)"',
        'style="transform:rotate(3deg) scale(0.01)"',
        'style="transform:translatex(-9999px)"',
        'style="margin-left:-9999px"',
        'style="filter:opacity(0%)"',
        'style="content-visibility:hidden"',
        'style="transform:translate3d(-9999px,0,0)"',
        'style="transform:scale3d(0,0,0)"',
        'style="transform:matrix(0,0,0,0,0,0)"',
        'style="transform:matrix(1,0,0,.01,0,0)"',
        'style="transform:matrix(1,1,1,1,0,0)"',
        'style="transform:matrix(1,0,0,1,-9999,0)"',
        'style="transform:matrix3d(1,0,0,0, 0,0,0,0, 0,0,1,0, 0,0,0,1)"',
        'style="transform:matrix3d(1,0,0,0, 0,1,0,0, 0,0,1,0, 0,-9999,0,1)"',
        'style="scale:0"',
        'style="scale:1 0%"',
        'style="translate:0 -9999px"',
        'style="zoom:0.1"',
        'style="zoom:1%"><b style="font-size:20px"',
        'style="font:0/0 a"',
        'style="font:italic 0 serif"',
        'style="-webkit-text-fill-color:white;color:black"',
        'style="-webkit-text-fill-color:#fff"><b style="color:black"',
        'style="-webkit-text-fill-color:#fff"><b style="-webkit-text-fill-color:inherit"',
        'style="color:white!important;color:black"',
        'style="color:white ! important;color:black"',
        'class="firm" style="color:black"',
        'class="wide"',
        'class="any"',
        "hidden",
        "color=white",
        'class="quiet"',
        'id="no"',
    ],
)
def test_what_a_page_hides_is_counted_and_left_out(attributes: str) -> None:
    sheet = (
        "<style>/* a{} */ .quiet, p.x {color: #ffffff} @media screen {#no {display: none}}"
        ".firm {color: #fff!important}"
        "@media print, only screen and (min-width: 600px) and (max-width: 1280px) {b {top: 0} .wide {display: none}}"
        "</style><style media=all>.any {display: none}</style>"
    )
    page = f"<html>{sheet}<p>{SEEN}</p><font {attributes}><i>{HIDDEN}</i></font></html>"
    assert found(page.encode()) == (SEEN, pytest.approx(20 / 89))


@pytest.mark.parametrize(
    "attributes",
    [
        'style="color:white;background:navy"',
        'style="color:#fff;background:url(dark.png)"',
        'style="color:white"><b style="color:black"',
        'style="visibility:hidden"><b style="visibility:visible"',
        'style="color:black;background-color:blue"',
        'style="font-size:0.9em;opacity:0.5"',
        'style="color:rgba(0,0,0,.5)"',
        'style="color:#0008"',
        'style="color:hsl(200, 10%, 20%)"',
        'style="color:white;background:hsl(200 50% 20%)"',
        'style="color:transparent"><b style="color:black"',
        'style="font:12px/1px Arial"',
        'style="overflow:hidden;width:10%;max-height:20px"',
        'style="height:0"',
        'style="clip:rect(0,90px,20px,0)"',
        'style="clip:rect(0,auto,auto,0)"',
        'style="clip-path:inset(10% 40%)"',
        'style="clip-path:circle(50% at 50% 50%)"',
        'style="transform:scalex(-1) translate(-50%, -50%)"',
        'style="margin-left:-20px;filter:opacity(50%)"',
        'class="paper"',
        'class="narrow"',
        'class="dark"',
        'class="sheet"',
        'style="transform:translate3d(0,0,-9999px)"',
        'style="transform:translatez(-9999px) scalez(0)"',
        'style="transform:scale3d(1,1,0)"',
        'style="transform:matrix(0,1,-1,0,-20,0)"',
        'style="transform:matrix(.1,0,0,.1,0,0)"',
        'style="transform:matrix3d(1,0,0,0, 0,1,0,0, 0,0,0,0, 0,0,-9999,1)"',
        'style="scale:none;translate:none"',
        'style="zoom:0"',
        'style="zoom:normal"',
        'style="font:900 12px/0 a"',
        'style="font:12px a;font:oblique 0deg"',
        'style="-webkit-text-fill-color:black;color:white"',
        'style="-webkit-text-fill-color:white"><b style="-webkit-text-fill-color:currentcolor"',
        'style="color:white!important;color:black!important"',
        'style="color:white;color:black!important;color:white"',
    ],
)
def test_what_a_page_shows_is_not_hidden(attributes: str) -> None:
    sheet = (
        "<style>@media print {.paper {display: none}} @media (max-width:600px) {b {top: 0} .narrow {display: none}}"
        "@media screen and (min-width: 1281px), screen and (min-height: 2000px) {.narrow {display: none}}"
        "@media screen and (prefers-color-scheme: dark) {.dark {display: none}} @media not all {.dark {color: white}}"
        "</style><style media=print>.sheet {display: none}</style>"
    )
    assert found(f"<html>{sheet}<div {attributes}>{SEEN}".encode()) == (SEEN, 0.0)


def test_conditions_without_an_end_take_no_time() -> None:
    for sheet in ("@media " * 5_000, "@media{" * 50_000, "@media x{a{}" * 1_900, "@media x{" + "a{}" * 1_900):
        began = time.process_time()
        assert found(f"<html><style>{sheet}</style><p>{SEEN}</p>".encode()) == (SEEN, 0.0)
        assert time.process_time() - began < 2
    began = time.process_time()
    assert found(f"<html><style media='screen{' ' * 200_000}and{'1' * 200_000}'></style>{SEEN}".encode()) == (SEEN, 0.0)
    assert time.process_time() - began < 2


def test_what_a_browser_does_not_show_of_an_element_is_no_text() -> None:
    quiet = "".join(
        f"<{tag}>{HIDDEN}</{tag}>" for tag in ("audio", "video", "canvas", "datalist", "noframes", "noembed")
    )
    assert found(f"<html><p>{SEEN}</p>{quiet}".encode()) == (SEEN, 0.0)
    assert found(f"<html><p>{SEEN}</p><dialog>{HIDDEN}</dialog>".encode()) == (SEEN, pytest.approx(20 / 89))
    assert found(f"<html><dialog open>{SEEN}</dialog>".encode()) == (SEEN, 0.0)


@pytest.mark.parametrize("marks", [r"\v", r"\cf2", r"\fs2", r"\cf3\highlight2"])
def test_what_rtf_hides_is_counted_and_left_out(marks: str) -> None:
    palette = r"{\colortbl;\red0\green0\blue0;\red255\green255\blue255;\red250\green255\blue255;}"
    data = rf"{{\rtf1{palette}{SEEN} {{{marks} {HIDDEN}}}\plain{marks} {HIDDEN}\plain\par Below}}"
    assert found(data.encode()) == (f"{SEEN}\nBelow", pytest.approx(40 / (40 + 69 + 5)))


def test_white_letters_on_a_dark_ground_of_rtf_are_seen() -> None:
    palette = r"{\colortbl;\red0\green0\blue90;\red255\green255\blue255;}"
    data = rf"{{\rtf1{palette}{{\highlight1\cf2 One}} {{\chcbpat1\cf2 two}} {{\v0 three}}}}"
    assert found(data.encode()) == ("One two three", 0.0)


def test_after_a_panic_the_fast_parser_is_not_asked_what_can_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it keeps is broken from then on: it may say that all can be seen."""

    def panicking(*_: object) -> str:
        pdf._PANICS.append("PanicException")
        return ""

    def draw(canvas: Canvas) -> None:
        canvas.drawString(72, 780, SEEN)
        on_white(canvas)

    monkeypatch.setattr(pdf, "_PANICS", [])
    monkeypatch.setattr(pdf, "_oxide", panicking)
    monkeypatch.setattr(pdf, "_any_unseen", lambda *_, **__: False)
    assert found(files.drawn(draw))[0] == SEEN
