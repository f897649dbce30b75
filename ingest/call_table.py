"""A file of calls as rows of text: CSV in UTF-8 or GB18030, or the first sheet of an XLSX workbook that has rows."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from datetime import time as day_time
from typing import Any
from zipfile import BadZipFile

from python_calamine import CalamineError, CalamineWorkbook

from equipment.foundation.errors import TableFileError
from equipment.foundation.tables import OF_A_REQUEST, refuse_bomb
from ingest.errors import ImportFileError

ENCODINGS = ("utf-8-sig", "gb18030")
WORKBOOK = b"PK\x03\x04"
OLD_WORKBOOK = b"\xd0\xcf\x11\xe0"
Line = tuple[int, list[str]]


@dataclass(frozen=True, slots=True)
class CallTable:
    """What the file is (``utf-8-sig``, ``gb18030``, ``xlsx``), and its lines with their numbers, from 1."""

    form: str
    lines: Iterator[Line]


def read_table(content: bytes) -> CallTable:
    """The lines of a file.

    Raises
    ------
    ImportFileError
        It is neither CSV nor a workbook, or its encoding is unknown. A line that cannot be read raises when its turn
        comes.
    """
    if content.startswith((WORKBOOK, OLD_WORKBOOK)):
        return CallTable("xlsx", _sheet_lines(content))
    text, encoding = decode(content)
    return CallTable(encoding, text_lines(text))


def decode(content: bytes) -> tuple[str, str]:
    """The file as text, and the encoding it is in.

    Raises
    ------
    ImportFileError
        It is in neither of the two.
    """
    for encoding in ENCODINGS:
        try:
            return content.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    raise ImportFileError(
        "文件编码无法识别，请另存为 UTF-8 或 GB18030 的 CSV，或 XLSX (save the file as CSV in UTF-8 or GB18030, or as XLSX)"
    )


def text_lines(text: str) -> Iterator[Line]:
    """Lines of a CSV text, by comma or tab.

    Raises
    ------
    ImportFileError
        A line cannot be taken apart.
    """
    dialect = "\t" if text[:2_000].count("\t") > text[:2_000].count(",") else ","
    # a lone carriage return ends a line too, as spreadsheets of the last century write them
    reader = csv.reader(io.StringIO(text, newline=None), delimiter=dialect)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise ImportFileError(
                f"第 {reader.line_num} 行无法读取，请另存为 CSV UTF-8 后重试 (line cannot be read: {error})"
            ) from None
        yield reader.line_num, cells


def _sheet_lines(content: bytes) -> Iterator[Line]:
    try:
        if content.startswith(WORKBOOK):
            refuse_bomb(io.BytesIO(content), OF_A_REQUEST)
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(content))
        for name in workbook.sheet_names:
            rows = workbook.get_sheet_by_name(name).to_python(skip_empty_area=False)
            if any(cell not in ("", None) for row in rows for cell in row):
                yield from ((number, [cell_text(cell) for cell in row]) for number, row in enumerate(rows, start=1))
                return
    except TableFileError as error:
        raise ImportFileError(str(error)) from None
    except (CalamineError, BadZipFile, ValueError, OSError) as error:
        raise ImportFileError(
            f"工作簿无法读取，请另存为 XLSX 或 CSV 后重试 (workbook cannot be read: {error})"
        ) from None


def cell_text(cell: Any) -> str:
    """A cell of a workbook as a person reads it.

    >>> cell_text(2.0), cell_text(datetime(2026, 3, 1, 8, 15))
    ('2', '2026-03-01 08:15:00')
    """
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "是" if cell else "否"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime):
        # a spreadsheet's day number is exact to less than a second only
        rounded = (cell + timedelta(milliseconds=500)).replace(microsecond=0)
        return rounded.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(cell, date):
        return f"{cell.isoformat()} 00:00:00"
    if isinstance(cell, day_time):
        return cell.isoformat()
    return str(cell).strip()
