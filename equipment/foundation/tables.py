"""Tables in files (CSV, XLSX, XLS): read row by row whatever wrote them, and written so that nothing in them runs.

Every cell comes out as text. What is wrong with a line or a cell comes with the row, never as a silent repair:
another encoding, bytes that are no text, merged cells, formulas.
"""

from __future__ import annotations

import csv
import re
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import IO, Any, BinaryIO
from xml.etree import ElementTree

import python_calamine
import xlsxwriter

from equipment.foundation.errors import TableFileError

HEADER_WITHIN = 20
"""Rows that may stand above the header: a title, a date of export."""
LONGEST_CELL = 131_072
EXACT_DIGITS = 15
"""Digits that a number of a spreadsheet keeps; longer codes must be text."""
CHINESE_FROM = "\u2e80"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
TRIGGERS = "=+-@%\t\r\n＝＋－＠"  # full-width ones start a formula in East Asian spreadsheets too
QUOTE_OR_TRIGGER = frozenset(TRIGGERS + "'")
DANGEROUS = re.compile(f"^'*[{re.escape(TRIGGERS)}]")
SHEET_NAMESPACE = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
SCANNED_BYTES = 1 << 20
POSITION = re.compile(rb"""\br\s*=\s*["']([A-Za-z]{0,3})(\d{1,9})""")
LONGEST_POSITION = 64
FORMULA_CELL = re.compile(rb'<c r="([A-Z]+)(\d+)"[^>]*><f[ >/]')


@dataclass(frozen=True, slots=True)
class Limits:
    """What an XLSX may unpack to [bytes], and how far its sheets may reach: last row times last column."""

    unpacked: int
    cells: int


OF_A_JOB = Limits(1_500_000_000, 60_000_000)
"""In a process of its own. The reader takes 32 bytes for each cell of the rectangle, also for an empty one."""
OF_A_REQUEST = Limits(200_000_000, 5_000_000)
"""Inside the web process: 200,000 calls of 22 columns fit."""


class Trouble(Enum):
    """What is wrong with a line or a cell of a file."""

    OTHER_ENCODING = "other_encoding"
    """The line is in another encoding than the rest of the file."""
    NOT_TEXT = "not_text"
    """The line is text in no encoding that we know."""
    MERGED = "merged"
    """The cell belongs to merged cells and takes the value of the first of them."""
    FORMULA = "formula"
    """The cell holds a formula; its last result was read."""
    EMPTY_FORMULA = "empty_formula"
    """The cell holds a formula without a result."""
    TOO_MANY_CELLS = "too_many_cells"
    """The row is longer than the header: a delimiter inside a value that is not quoted."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: ``line`` as the reader of the file counts (the first line is 1), and what is wrong, by column (-1: all)."""

    line: int
    cells: tuple[str, ...]
    troubles: tuple[tuple[int, Trouble], ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """The rows below a header."""

    header: tuple[str, ...]
    encoding: str
    lines: int
    """Of the whole file, for a progress bar."""
    rows: Iterator[Row]


IsHeader = Callable[[Sequence[str]], bool]


def read_table(path: Path, is_header: IsHeader, limits: Limits = OF_A_JOB) -> Table:
    """Open a file; rows are read as they are asked for.

    Raises
    ------
    TableFileError
        No table, or no row that ``is_header`` knows among the first; also while rows are read.
    """
    with path.open("rb") as file:
        start = file.read(8)
    if start.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        return _read_workbook(path, is_header, limits, zipped=start.startswith(b"PK"))
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise TableFileError("文件是 UTF-16 文本，请另存为 CSV UTF-8 或 XLSX (save as CSV UTF-8 or XLSX)")
    if start.startswith(b"%PDF"):
        raise TableFileError("文件是 PDF，请上传 CSV 或 XLSX (a PDF is no table: send CSV or XLSX)")
    return _read_csv(path, is_header)


# ── CSV ──


def _physical_lines(file: BinaryIO) -> Iterator[bytes]:
    """Lines without their ends; a lone carriage return ends one too. No byte of a GB18030 character looks like either."""
    for raw in file:
        yield from raw.rstrip(b"\r\n").split(b"\r")


def _reads_as_utf8(line: bytes) -> bool | None:
    """Whether a line is UTF-8 rather than GB18030; None for ASCII, which is both.

    Short words of GB18030 can be valid UTF-8 by chance, but then they read as Latin or Arabic letters, not as Chinese.
    """
    if line.isascii():
        return None
    try:
        return any(character >= CHINESE_FROM for character in line.decode())
    except UnicodeDecodeError:
        return False


def _is_gb18030(line: bytes) -> bool:
    try:
        line.decode("gb18030")
    except UnicodeDecodeError:
        return False
    return True


def detect_encoding(path: Path) -> tuple[str, int]:
    """What most lines are in, and how many lines there are.

    ``utf-8-sig`` also where there is no mark: the decoder takes both.
    """
    utf8, other, lines = 0, 0, 0
    with path.open("rb") as file:
        marked = file.read(3) == BYTE_ORDER_MARK
        file.seek(3 if marked else 0)
        for line in _physical_lines(file):
            lines += 1
            reads = _reads_as_utf8(line)
            utf8 += reads is True
            other += reads is False
    return ("utf-8-sig" if marked or utf8 >= other else "gb18030"), lines


def _decode(line: bytes, encoding: str) -> tuple[str, Trouble | None]:
    reads = _reads_as_utf8(line)
    if reads is None:
        return line.decode("ascii"), None
    if encoding == "gb18030":
        if reads:
            return line.decode(), Trouble.OTHER_ENCODING
        return (
            (line.decode("gb18030"), None)
            if _is_gb18030(line)
            else (line.decode("gb18030", "replace"), Trouble.NOT_TEXT)
        )
    try:
        return line.decode(), None
    except UnicodeDecodeError:
        if _is_gb18030(line):
            return line.decode("gb18030"), Trouble.OTHER_ENCODING
        return line.decode("utf-8", "replace"), Trouble.NOT_TEXT


def _delimiter(line: str) -> str:
    return max(",\t;", key=line.count)


def _read_csv(path: Path, is_header: IsHeader) -> Table:
    encoding, lines = detect_encoding(path)
    rows = _csv_rows(path, encoding)
    header = _find_header(rows, is_header)
    if header is None:
        raise _no_header()
    return Table(header.cells, encoding, lines, _below(header, rows))


def _csv_rows(path: Path, encoding: str) -> Iterator[Row]:
    """All rows with anything in them.

    Raises
    ------
    TableFileError
        A quotation mark that nothing closes.
    """
    troubles: dict[int, Trouble] = {}

    def decoded(file: BinaryIO) -> Iterator[str]:
        for number, raw in enumerate(_physical_lines(file), start=1):
            line, trouble = _decode(raw.removeprefix(BYTE_ORDER_MARK) if number == 1 else raw, encoding)
            if trouble is not None:
                troubles[number] = trouble
            yield line + "\n"

    with path.open("rb") as file:
        sample = b"\n".join(line for line, _ in zip(_physical_lines(file), range(HEADER_WITHIN), strict=False))
        file.seek(0)
        reader = csv.reader(decoded(file), delimiter=_delimiter(_decode(sample, encoding)[0]))
        while True:
            first = reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise TableFileError(
                    f"第 {first} 行引号不配对或单元格过长，请另存为 XLSX 后重试 (line {first}: a quotation mark is not closed: {error})"
                ) from None
            found = [troubles.pop(line) for line in range(first, reader.line_num + 1) if line in troubles]
            if any(cell.strip() for cell in cells):
                yield Row(first, tuple(cells), ((-1, found[0]),) if found else ())


# ── XLSX, XLS ──


def _read_workbook(path: Path, is_header: IsHeader, limits: Limits, *, zipped: bool) -> Table:
    try:
        if zipped:
            refuse_bomb(path, limits)
        workbook = python_calamine.CalamineWorkbook.from_path(str(path))
        names = [
            sheet.name for sheet in workbook.sheets_metadata
            if sheet.visible == python_calamine.SheetVisibleEnum.Visible
            and sheet.typ == python_calamine.SheetTypeEnum.WorkSheet
        ]  # fmt: skip
        for name in names:
            sheet = workbook.get_sheet_by_name(name)
            formulas = _formulas(path, name) if zipped else frozenset()
            rows = _sheet_rows(sheet, formulas)
            header = _find_header(rows, is_header)
            if header is not None:
                return Table(header.cells, "xlsx" if zipped else "xls", sheet.total_height, _below(header, rows))
    except (python_calamine.CalamineError, zipfile.BadZipFile, ElementTree.ParseError, KeyError) as error:
        raise TableFileError(
            f"工作簿无法读取：可能已损坏或设有密码，请去掉密码后另存为 XLSX (damaged, or locked with a password: {error})"
        ) from error
    raise _no_header()


def refuse_bomb(source: Path | BinaryIO, limits: Limits) -> None:
    """Refuse a workbook (XLSX) that would fill the memory, before anything reads it.

    The reader lays a sheet out as a full rectangle up to its last cell, so that five kilobytes with a cell at XFD1048576
    end the process. So the last row and column that any part names are looked for first, and each part must be as long
    as the archive says.

    Raises
    ------
    TableFileError
    """
    try:
        with zipfile.ZipFile(source) as archive:
            _check_parts(archive, limits)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise TableFileError(
            f"工作簿无法读取：可能已损坏或设有密码，请去掉密码后另存为 XLSX (damaged, or locked with a password: {error})"
        ) from None


def _check_parts(archive: zipfile.ZipFile, limits: Limits) -> None:
    unpacked = sum(entry.file_size for entry in archive.infolist())
    if unpacked > limits.unpacked:
        raise TableFileError(
            f"工作簿解压后有 {unpacked // 1_000_000} MB，超过上限，请拆分 (unpacks to more than is read: split it)"
        )
    if "xl/workbook.xml" not in archive.namelist():
        raise TableFileError("不是 XLSX 工作簿，请另存为 XLSX 后重试 (no XLSX workbook: save it as one)")
    for entry in archive.infolist():
        with archive.open(entry) as part:
            rows, columns = _furthest(part)
        if rows * columns > limits.cells:
            raise TableFileError(
                f"工作表大至第 {rows} 行第 {columns} 列，多为空格区，请删去多余行列或拆分后另存"
                " (the sheet reaches too far: delete the empty rows and columns behind the table, or split it)"
            )


def _furthest(part: IO[bytes]) -> tuple[int, int]:
    """The last row and the last column (from 1) that a part of a workbook names."""
    rows, columns, rest = 1, 1, b""
    while piece := part.read(SCANNED_BYTES):
        text = rest + piece
        found = POSITION.findall(text)
        rows = max(rows, max((int(number) for _, number in found), default=1))
        named = {letters.upper() for letters, _ in found}
        columns = max(columns, max((_column_number(letters) + 1 for letters in named), default=1))
        rest = text[-LONGEST_POSITION:]
    return rows, columns


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number - 1


def _formulas(path: Path, sheet: str) -> frozenset[tuple[int, int]]:
    """Cells (line from 1, column from 0) of a sheet that hold a formula."""
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
        if not {"xl/workbook.xml", "xl/_rels/workbook.xml.rels"} <= names:
            return frozenset()
        book = ElementTree.fromstring(archive.read("xl/workbook.xml"))  # noqa: S314  # expat expands no external entity
        relations = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))  # noqa: S314  # the same
        ids = {e.get("name"): e.get(RELATION) for e in book.iter(f"{SHEET_NAMESPACE}sheet")}
        targets = {e.get("Id"): e.get("Target", "") for e in relations}
        target = targets.get(ids.get(sheet), "").lstrip("/")
        entry = target if target.startswith("xl/") else f"xl/{target}"
        if entry not in names:
            return frozenset()
        content = archive.read(entry)
    return frozenset((int(m[2]), _column_number(m[1])) for m in FORMULA_CELL.finditer(content))


def _sheet_rows(sheet: Any, formulas: frozenset[tuple[int, int]]) -> Iterator[Row]:
    """Rows with anything in them, merged cells filled downwards and sideways with the value of their first."""
    # the reader begins with the first row of the sheet, but with the first column that is used
    _, left = sheet.start or (0, 0)
    merged = {
        (line, column): (first[0], first[1])
        for first, last in sheet.merged_cell_ranges or ()
        for line in range(first[0], last[0] + 1)
        for column in range(first[1], last[1] + 1)
        if (line, column) != (first[0], first[1])
    }
    holders = frozenset(merged.values())
    held: dict[tuple[int, int], str] = {}
    for line, values in enumerate(sheet.iter_rows()):
        cells = [""] * left + [cell_text(value) for value in values]
        troubles: list[tuple[int, Trouble]] = []
        if merged:
            for column in range(len(cells)):
                if (line, column) in holders:
                    held[line, column] = cells[column]
                elif (line, column) in merged and held.get(merged[line, column]):
                    cells[column] = held[merged[line, column]]
                    troubles.append((column, Trouble.MERGED))
        if formulas:
            for column, text in enumerate(cells):
                if (line + 1, column) in formulas:
                    troubles.append((column, Trouble.FORMULA if text else Trouble.EMPTY_FORMULA))
        if any(cell.strip() for cell in cells) or troubles:
            yield Row(line + 1, tuple(cells), tuple(troubles))


def cell_text(value: Any) -> str:
    """A cell of a spreadsheet as text.

    A number with more digits than a spreadsheet keeps shows its exponent, so that it is not taken for a code.

    >>> cell_text(341302.0), cell_text(1.75), cell_text(31105001062011050006.0)
    ('341302', '1.75', '3.1105001062011e+19')
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, int | float):
        if abs(value) >= 10**EXACT_DIGITS:
            return format(value, f".{EXACT_DIGITS}g")
        return str(int(value)) if float(value).is_integer() else repr(value)
    if isinstance(value, datetime):
        # a spreadsheet's day number is exact to less than a second only
        moment = (value + timedelta(milliseconds=500)).replace(microsecond=0)
        return moment.date().isoformat() if moment.time() == datetime.min.time() else moment.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    return "" if value is None else str(value)


# ── header ──


def _find_header(rows: Iterator[Row], is_header: IsHeader) -> Row | None:
    for row, _ in zip(rows, range(HEADER_WITHIN), strict=False):
        if is_header(row.cells):
            return row
    return None


def _no_header() -> TableFileError:
    return TableFileError(
        f"前 {HEADER_WITHIN} 行中找不到表头，请使用模板的列名 (no header row: use the column names of the template)"
    )


def _below(header: Row, rows: Iterator[Row]) -> Iterator[Row]:
    width = len(header.cells)
    for row in rows:
        if any(cell.strip() for cell in row.cells[width:]):
            yield Row(row.line, row.cells, (*row.troubles, (-1, Trouble.TOO_MANY_CELLS)))
        else:
            yield row


# ── writing ──


def neutral(text: str) -> str:
    """A text that no spreadsheet takes for a formula: those that begin like one get an apostrophe before them.

    >>> neutral("=1+1"), neutral("'=1+1"), neutral("3 号楼")
    ("'=1+1", "''=1+1", '3 号楼')
    """
    return f"'{text}" if text and text[0] in QUOTE_OR_TRIGGER and DANGEROUS.match(text) else text


def original(text: str) -> str:
    """What :func:`neutral` was given.

    >>> original("'=1+1"), original("'quoted'")
    ('=1+1', "'quoted'")
    """
    return text[1:] if text.startswith("'") and DANGEROUS.match(text) else text


def is_formula(text: str) -> bool:
    """Whether a cell holds a formula that nobody neutralised.

    >>> is_formula("=HYPERLINK(1)"), is_formula("'=1"), is_formula("-")
    (True, False, False)
    """
    return text.startswith(("=", "＝")) and len(text) > 1


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> int:
    """Write a CSV file as spreadsheets open it (UTF-8 with a mark); returns how many rows."""
    count = 0
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        for row in rows:
            writer.writerow([neutral(cell) for cell in row])
            count += 1
    return count


def write_xlsx(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]], sheet: str) -> int:
    """Write a workbook whose cells are all text, so that no code loses a digit; returns how many rows."""
    count = 0
    workbook = xlsxwriter.Workbook(str(path), {"constant_memory": True, "strings_to_formulas": False})
    with workbook:
        page = workbook.add_worksheet(sheet)
        text, bold = workbook.add_format({"num_format": "@"}), workbook.add_format({"bold": True, "num_format": "@"})
        page.set_column(0, len(header) - 1, 18, text)
        page.freeze_panes(1, 0)
        for column, name in enumerate(header):
            page.write_string(0, column, name, bold)
        for row in rows:
            count += 1
            for column, cell in enumerate(row):
                if cell:
                    page.write_string(count, column, neutral(cell), text)
    return count
