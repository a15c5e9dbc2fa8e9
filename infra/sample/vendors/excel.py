"""The list of everybody employed as somebody in Human Resources keeps it in Excel, and hands it over once a month.

A title over merged cells, an empty row, then the header. Numbers of people are numbers that a format shows with their
zeros; who reports to whom as well. Days and moments are numbers, too. Names are put together by a formula, and a second
sheet that nobody sees has the lists for its menus.
"""

from __future__ import annotations

import zipfile
from datetime import datetime
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from infra.sample.dialects import replacing
from infra.sample.workday import worker_rows

if TYPE_CHECKING:
    from pathlib import Path

    from infra.sample.company import Workers
    from infra.sample.plan import Delivery, Plan

Row = dict[str, Any]
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"
PLAIN, DAY, MOMENT, ID = range(4)
"""Styles, in the order of the stylesheet."""
COLUMNS = (
    "Personnel no.",
    "Name",
    "First name",
    "Last name",
    "E-mail",
    "Type",
    "Entry",
    "Last day",
    "Job family",
    "Level",
    "Country",
    "Reports to",
    "FTE",
    "Analytics",
    "Candidate no.",
    "Changed",
    "First entry",
    "Company",
)
FIRST = 4
"""The row below the header."""
PARTS = {
    "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{KIND}.sheet.main+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{KIND}.worksheet+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet2.xml" ContentType="{KIND}.worksheet+xml"/>'
    f'<Override PartName="/xl/styles.xml" ContentType="{KIND}.styles+xml"/>'
    f'<Override PartName="/xl/sharedStrings.xml" ContentType="{KIND}.sharedStrings+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><workbookPr date1904="{{}}"/><sheets>'
    '<sheet name="Lists" sheetId="1" state="hidden" r:id="rId2"/><sheet name="Staff" sheetId="2" r:id="rId1"/>'
    "</sheets></workbook>",
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="rId2" Type="{OFFICE}/worksheet" Target="worksheets/sheet2.xml"/>'
    f'<Relationship Id="rId3" Type="{OFFICE}/styles" Target="styles.xml"/>'
    f'<Relationship Id="rId4" Type="{OFFICE}/sharedStrings" Target="sharedStrings.xml"/></Relationships>',
    "xl/styles.xml": f'<styleSheet xmlns="{MAIN}"><numFmts count="3"><numFmt numFmtId="164" formatCode="dd/mm/yyyy"/>'
    '<numFmt numFmtId="165" formatCode="dd/mm/yyyy hh:mm"/><numFmt numFmtId="166" formatCode="000000"/></numFmts>'
    '<fonts count="1"><font/></fonts><fills count="1"><fill/></fills><borders count="1"><border/></borders>'
    '<cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="4"><xf numFmtId="0"/><xf numFmtId="164"/>'
    '<xf numFmtId="165"/><xf numFmtId="166"/></cellXfs></styleSheet>',
    "xl/worksheets/sheet2.xml": f'<worksheet xmlns="{MAIN}"><sheetData><row r="1"><c r="A1"><v>1</v></c></row>'
    "</sheetData></worksheet>",
}


def write_staff(plan: Plan, workers: Workers, delivery: Delivery, out: Path, *, is_1904: bool = False) -> int:
    """Write the workbook.

    Args:
        plan: The company's.
        workers: All of them.
        delivery: Whose end is the day of the list.
        out: The company's exports folder.
        is_1904: Whether days are counted from 1904, as a workbook that began on an old Mac does for ever.

    Returns:
        The number of workers.
    """
    sheet, count = Sheet(is_1904=is_1904), 0
    sheet.row(1, ["Staff of the company, confidential"])
    sheet.row(FIRST - 1, list(COLUMNS))
    for row in worker_rows(plan, workers, delivery):
        sheet.row(FIRST + count, cells(row))
        count += 1
    with replacing(out / "excel" / f"Staff {delivery.period}.xlsx") as file, zipfile.ZipFile(file, "w") as archive:
        for name, text in {**PARTS, **sheet.parts()}.items():
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            archive.writestr(info, text.replace("{}", str(int(is_1904))), zipfile.ZIP_DEFLATED)
    return count


def cells(row: Row) -> list[Any]:
    """One worker in the order of the columns: texts, numbers, truths, days, moments; a formula with its value."""
    manager, left = row["Manager_Worker_ID"], row["Termination_Date"]
    return [
        int(row["Worker_ID"]),
        ("D{0}&amp;&quot;, &quot;&amp;C{0}", f"{row['Legal_Last_Name']}, {row['Legal_First_Name']}"),
        row["Legal_First_Name"],
        row["Legal_Last_Name"],
        row["Work_Email"],
        row["Worker_Type"],
        datetime.fromisoformat(row["Hire_Date"]).date(),
        datetime.fromisoformat(left).date() if left else None,
        row["Job_Family_ID"],
        row["Management_Level_ID"],
        row["Country_ISO"],
        int(manager) if manager else None,
        float(row["FTE"]),
        row["Analytics_Consent"] == "1",
        row["Hired_From_Candidate_ID"],
        datetime.fromisoformat(row["Last_Functionally_Updated"]).replace(tzinfo=None),
        datetime.fromisoformat(row["Original_Hire_Date"]).date(),
        row["Company_ID"],
    ]


class Sheet:
    """Rows of a sheet in the making, and the texts that they share."""

    def __init__(self, *, is_1904: bool) -> None:
        self._epoch = datetime(1904, 1, 1) if is_1904 else datetime(1899, 12, 30)  # noqa: DTZ001 - Excel has no zones
        self._rows: list[str] = []
        self._texts: dict[str, int] = {}

    def row(self, number: int, values: list[Any]) -> None:
        """Add a row; None is a cell that is not there."""
        made = [self._cell(f"{chr(ord('A') + n)}{number}", v, number) for n, v in enumerate(values) if v is not None]
        self._rows.append(f'<row r="{number}">{"".join(made)}</row>')

    def parts(self) -> dict[str, str]:
        """The sheet and its texts."""
        texts = "".join(f'<si><t xml:space="preserve">{escape(text)}</t></si>' for text in self._texts)
        return {
            "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{MAIN}"><dimension ref="A1:R{len(self._rows) + 1}"/>'
            f'<sheetData>{"".join(self._rows)}</sheetData><autoFilter ref="A{FIRST - 1}:R{FIRST - 1}"/>'
            '<mergeCells count="1"><mergeCell ref="A1:R1"/></mergeCells></worksheet>',
            "xl/sharedStrings.xml": f'<sst xmlns="{MAIN}">{texts}</sst>',
        }

    def _cell(self, place: str, value: Any, number: int) -> str:
        looks, inner = "", ""
        match value:
            case bool():
                looks, inner = ' t="b"', f"<v>{int(value)}</v>"
            case int():
                looks, inner = f' s="{ID}"', f"<v>{value}</v>"
            case float():
                inner = f"<v>{value!r}</v>"
            case str():
                looks, inner = ' t="s"', f"<v>{self._texts.setdefault(value, len(self._texts))}</v>"
            case (formula, result):
                looks, inner = ' t="str"', f"<f>{formula.format(number)}</f><v>{escape(result)}</v>"
            case datetime():
                looks, inner = f' s="{MOMENT}"', f"<v>{(value - self._epoch).total_seconds() / 86_400!r}</v>"
            case _:
                looks, inner = f' s="{DAY}"', f"<v>{value.toordinal() - self._epoch.toordinal()}</v>"
        return f'<c r="{place}"{looks}>{inner}</c>'
