"""Files that resumes come as, sound and damaged, each made here."""

import io
import zipfile
import zlib
from collections.abc import Callable

import docx
import pypdf
from PIL import Image
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from pipelines.ingest.documents.bounds import Limits

LIMITS = Limits(
    max_bytes=1_000_000,
    max_pages=3,
    max_seconds=30,
    max_memory_bytes=2 << 30,
    max_inflation=100,
    min_chars=40,
    max_glued_share=0.01,
    max_broken_share=0.02,
)
SOUND = "Backend engineer with ten years of kafka and python in teams of seven"
TYPES = {"[Content_Types].xml": b"<Types/>"}


def drawn(draw: Callable[[Canvas], None], password: str = "") -> bytes:
    """A PDF of one page."""
    buffer = io.BytesIO()
    canvas = Canvas(buffer, invariant=1)
    draw(canvas)
    canvas.save()
    if not password:
        return buffer.getvalue()
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(buffer.getvalue()))
    writer.encrypt(password, algorithm="RC4-128")
    locked = io.BytesIO()
    writer.write(locked)
    return locked.getvalue()


def sound_pdf() -> bytes:
    return drawn(lambda canvas: canvas.drawString(72, 780, SOUND))


def scan() -> bytes:
    picture = ImageReader(Image.effect_noise((300, 400), 50))
    return drawn(lambda canvas: canvas.drawImage(picture, 0, 0, 595, 842))


def word(write: Callable[["docx.document.Document"], None]) -> bytes:
    document = docx.Document()
    write(document)
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def ole(entry: str) -> bytes:
    """An OLE container: header of 512 bytes, then a directory whose second entry has the name."""
    root, named = (name.encode("utf-16-le").ljust(128, b"\0") for name in ("Root Entry", entry))
    return (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)).ljust(512, b"\1") + root + named


def pdf_of(*objects: bytes) -> bytes:
    """A PDF of objects 1 to n as they are, the first of them the catalogue."""
    body, places = b"%PDF-1.7\n", []
    for number, data in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, data)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    return body + (
        b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF"
        % (size, table, size, len(body))
    )


def stream(data: bytes, more: bytes = b"") -> bytes:
    return b"<<%s/Length %d>>\nstream\n%s\nendstream" % (more, len(data), data)


def page_of(content: bytes, resources: bytes = b"", *others: bytes) -> bytes:
    """A PDF whose one page has a content stream (object 4); other objects are numbered from 5."""
    return pdf_of(
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<<%s>>>>" % resources,
        content,
        *others,
    )


HELVETICA = b"/Font<</F1 5 0 R>>"
FONT = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>"


def many_pages(count: int) -> bytes:
    """A PDF of so many blank pages."""
    kids = b" ".join(b"%d 0 R" % number for number in range(3, count + 3))
    pages = [b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>"] * count
    return pdf_of(b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[%s]/Count %d>>" % (kids, count), *pages)


def content(operations: bytes) -> bytes:
    """A PDF whose one page draws this, with Helvetica as F1."""
    return page_of(stream(operations), HELVETICA, FONT)


def deflated_twice(megabytes: int) -> bytes:
    """Drawing operations of so many megabytes as some kilobytes, for two filters."""
    packer = zlib.compressobj(9)
    once = b"".join(packer.compress(b"0 0 m\n" * 174_763) for _ in range(megabytes)) + packer.flush()
    return zlib.compress(once, 9)


TWICE = b"/Filter[/FlateDecode/FlateDecode]"


def pdf_bomb() -> bytes:
    """A page that unpacks to 400 megabytes."""
    return page_of(stream(deflated_twice(400), TWICE))


def form_bomb() -> bytes:
    """The same in a form that the page draws."""
    form = stream(deflated_twice(400), b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]" + TWICE)
    return page_of(stream(b"/X1 Do"), b"/XObject<</X1 5 0 R>>", form)


def font_bomb() -> bytes:
    """The same as the map of a font, which only the parsers unpack."""
    font = FONT[:-2] + b"/ToUnicode 6 0 R>>"
    shown = stream(b"BT /F1 12 Tf 72 700 Td (" + SOUND.encode() + b") Tj ET")
    return page_of(shown, HELVETICA, font, stream(deflated_twice(400), TWICE))


def lying_docx() -> bytes:
    """A DOCX whose directory says of a large part that it is small."""
    data = bytearray(zipped({**TYPES, "word/document.xml": b"0" * 2_000_000}))
    size = (2_000_000).to_bytes(4, "little")
    while (at := data.find(size)) >= 0:
        data[at : at + 4] = (2_000).to_bytes(4, "little")
    return bytes(data)
