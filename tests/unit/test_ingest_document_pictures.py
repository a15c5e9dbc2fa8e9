"""Photos in documents: flagged by shape, size and grain; a logo, a line, a scan or a landscape is none."""

import base64
import io
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
import sklearn.datasets
from docx.shared import Pt
from PIL import Image, ImageDraw
from reportlab.lib.utils import ImageReader

from pipelines.ingest.documents.extract import extract
from tests.unit import document_files as files

PHOTO: Final = Path(sklearn.datasets.__file__).parent / "images" / "flower.jpg"
"""A photograph of 640 x 427 pixels."""
LIMITS: Final = files.LIMITS.model_copy(update={"max_bytes": 10_000_000})
PASSPORT: Final = (99.0, 128.0)
"""Points of 35 x 45 mm."""


@cache
def photo(wide: int = 240, high: int = 310) -> Image.Image:
    with Image.open(PHOTO) as whole:
        return whole.convert("RGB").crop((100, 0, 100 + 427 * wide // high, 427)).resize((wide, high))


@cache
def logo(wide: int = 300, high: int = 300) -> Image.Image:
    drawn = Image.new("RGB", (wide, high), "white")
    pen = ImageDraw.Draw(drawn)
    pen.ellipse((wide // 8, high // 8, wide * 7 // 8, high * 7 // 8), fill=(20, 90, 160))
    pen.text((wide // 3, high // 2), "ACME", fill="white")
    return drawn


def saved(image: Image.Image, kind: str = "JPEG", **more: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **more)
    return out.getvalue()


def in_pdf(data: bytes, points: tuple[float, float]) -> bytes:
    def draw(canvas: Any) -> None:
        canvas.drawString(72, 780, files.SOUND)
        canvas.drawImage(ImageReader(io.BytesIO(data)), 72, 300, *points)

    return files.drawn(draw)


def in_word(data: bytes, points: tuple[float, float]) -> bytes:
    def write(document: Any) -> None:
        document.add_paragraph(files.SOUND)
        document.add_picture(io.BytesIO(data), Pt(points[0]), Pt(points[1]))

    return files.word(write)


def in_header(data: bytes, points: tuple[float, float]) -> bytes:
    def write(document: Any) -> None:
        document.add_paragraph(files.SOUND)
        run = document.sections[0].header.paragraphs[0].add_run()
        run.add_picture(io.BytesIO(data), Pt(points[0]), Pt(points[1]))

    return files.word(write)


def in_rtf(data: bytes, points: tuple[float, float]) -> bytes:
    kind = "pngblip" if data.startswith(b"\x89PNG") else "jpegblip"
    across, up = (round(20 * side) for side in points)
    head = rf"{{\*\shppict{{\pict{{\*\picprop{{\sp{{\sn wz}}{{\sv 1}}}}}}\picwgoal{across}\pichgoal{up}\{kind}"
    again = r"{\nonshppict{\pict\wmetafile8\picwgoal2000\pichgoal2000 " + "00" * 99 + "}}"
    return rf"{{\rtf1 {head} {data.hex()}}}}}{again}{files.SOUND}}}".encode()


def in_page(data: bytes, points: tuple[float, float]) -> bytes:
    across, up = (round(side / 0.75) for side in points)
    source = f"data:image/png;base64,{base64.b64encode(data).decode()}"
    return f'<html><p>{files.SOUND}<img src="{source}" width="{across}" height="{up}"></html>'.encode()


FORMATS: Final = (in_pdf, in_word, in_header, in_rtf, in_page)
Write = Callable[[bytes, tuple[float, float]], bytes]


@pytest.mark.parametrize("write", FORMATS)
def test_a_photo_of_a_passports_size_is_flagged_in_every_format_and_the_text_stays(write: Write) -> None:
    for data in (saved(photo()), saved(photo(), "PNG")):
        found = extract(write(data, PASSPORT), LIMITS)
        assert (found.status, found.has_photo) == ("ok", True)
        assert files.SOUND in str(found.text)


@pytest.mark.parametrize("write", FORMATS)
@pytest.mark.parametrize(
    ("picture", "points"),
    [
        (lambda: saved(logo(), "PNG"), (100, 100)),
        (lambda: saved(logo()), (100, 100)),
        (lambda: saved(logo(600, 2), "PNG"), (450, 2)),
        (lambda: saved(photo(400, 100)), (200, 50)),
        (lambda: saved(photo()), (10, 13)),
        (lambda: saved(photo()), (595, 770)),
        (lambda: saved(photo(32, 32)), (60, 60)),
    ],
    ids=["logo", "logo as JPEG", "line", "banner", "sign", "scan", "few pixels"],
)
def test_a_logo_a_line_a_banner_and_a_scan_are_no_photo(
    write: Write, picture: Callable[[], bytes], points: tuple[float, float]
) -> None:
    assert extract(write(picture(), points), LIMITS).has_photo is False


@pytest.mark.parametrize("write", [in_rtf, in_page])
def test_what_is_written_about_a_logo_is_no_grain(write: Write) -> None:
    about = saved(photo(100, 130))  # a small copy in the words about the picture, as cameras write one
    data = saved(logo(), exif=b"Exif\0\0" + about)
    assert extract(write(data, (100, 100)), LIMITS).has_photo is False


def test_a_photo_on_a_later_page_of_a_pdf_is_somebody_elses() -> None:
    def draw(canvas: Any, page: int) -> None:
        for number in range(3):
            canvas.drawString(72, 780, files.SOUND)
            if number == page:
                canvas.drawImage(ImageReader(io.BytesIO(saved(photo()))), 72, 300, *PASSPORT)
            canvas.showPage()

    flags = [extract(files.drawn(lambda canvas, n=n: draw(canvas, n)), LIMITS).has_photo for n in range(3)]
    assert flags == [True, True, False]


def test_a_picture_within_a_form_is_found_at_the_size_that_both_give_it() -> None:
    def draw(canvas: Any, scale: float) -> None:
        canvas.drawString(72, 780, files.SOUND)
        canvas.beginForm("badge", 0, 0, 400, 400)
        canvas.drawImage(ImageReader(io.BytesIO(saved(photo()))), 0, 0, 200, 258)
        canvas.endForm()
        canvas.scale(scale, scale)
        canvas.doForm("badge")

    assert extract(files.drawn(lambda canvas: draw(canvas, 0.5)), LIMITS).has_photo is True
    assert extract(files.drawn(lambda canvas: draw(canvas, 0.1)), LIMITS).has_photo is False


def test_a_picture_that_lies_elsewhere_is_told_by_its_size_or_not_at_all() -> None:
    def flag(tag: str) -> bool | None:
        return extract(f"<html><p>{files.SOUND}{tag}</html>".encode(), LIMITS).has_photo

    assert flag('<img src="https://example.org/me.jpg" width=140 height=180>') is None
    assert flag('<img src="me.jpg">') is None
    assert flag('<img src="me.jpg" style="max-width: 9px; width: 12pt; height: 12pt">') is False
    assert flag('<img src="https://example.org/seen.gif" width=1 height=1>') is False
    assert flag("") is False


def test_text_has_no_photo_and_a_document_without_text_does_not_say() -> None:
    assert extract(files.SOUND.encode(), LIMITS).has_photo is False
    assert extract(files.scan(), LIMITS).has_photo is None


def test_a_broken_picture_costs_its_flag_and_not_the_text() -> None:
    shown = b"BT /F1 12 Tf 72 700 Td (" + files.SOUND.encode() + b") Tj ET q x 0 0 128 72 72 cm /I1 Do Q"
    image = files.stream(
        b"?" * 200_000, b"/Subtype/Image/Width 300/Height 300/ColorSpace/DeviceGray/BitsPerComponent 8"
    )
    pdf = files.page_of(files.stream(shown), files.HELVETICA + b"/XObject<</I1 6 0 R>>", files.FONT, image)
    found = extract(pdf, LIMITS)
    assert (found.status, found.text, found.has_photo) == ("ok", files.SOUND, None)
