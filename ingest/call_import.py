"""Import of 96366 call records from CSV as the field exports them: messy headers, UTF-8 or GB18030, city time.

Good rows are kept, bad ones are named with row, column and reason; the same file again changes nothing.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from equipment.foundation.clock import SHANGHAI
from equipment.foundation.database import Connection
from ingest.calls import QUERIES, KnownUnit, NewCall, faults, keep
from ingest.errors import ImportFileError

SOURCE = "csv"
ENCODINGS = ("utf-8-sig", "gb18030")
REQUIRED = ("external_id", "reported_at", "category")
MOST_ROWS = 200_000
TIME_FORMATS = (
    "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y.%m.%d %H:%M:%S",
    "%Y年%m月%d日 %H:%M:%S", "%Y年%m月%d日 %H:%M", "%Y年%m月%d日 %H时%M分", "%Y%m%d%H%M%S",
)  # fmt: skip
EMPTY = frozenset({"", "-", "--", "/", "无", "null", "none", "nan", "n/a"})


@dataclass(frozen=True, slots=True)
class RowError:
    """What is wrong in one cell; ``row`` counts lines of the file, the header being 1."""

    row: int
    column: str
    reason: str


@dataclass(slots=True)
class ImportReport:
    """What an import did, or with ``dry_run`` would do."""

    dry_run: bool
    encoding: str
    rows: int = 0
    new: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0
    without_unit: int = 0
    ignored_columns: list[str] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)


@cache
def _table() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((files("ingest") / "call_columns.yaml").read_text(encoding="utf-8"))
    return document


def _plain(text: str) -> str:
    """A header without spaces, case and what stands in brackets.

    >>> _plain(" 困人数（人） ")
    '困人数'
    """
    return re.sub(r"[（(].*?[)）]|[\s*：:]", "", text).lower()


@cache
def _columns_by_name() -> dict[str, str]:
    return {_plain(name): column for column, entry in _table()["columns"].items() for name in entry["names"]}


@cache
def _meaning(table: str) -> dict[str, str]:
    return {_plain(word): meaning for meaning, words in _table()[table].items() for word in words}


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
        "文件编码无法识别，请另存为 UTF-8 或 GB18030 的 CSV (save the file as CSV in UTF-8 or GB18030)"
    )


def read_time(text: str) -> datetime:
    """A time of the city, or one that carries its own zone.

    Raises
    ------
    ValueError
    """
    for pattern in TIME_FORMATS:
        try:
            return datetime.strptime(text, pattern).replace(tzinfo=SHANGHAI)
        except ValueError:
            continue
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=SHANGHAI)


def _cell(kind: str, text: str) -> Any:
    if kind == "flag":
        return _meaning("flags")[_plain(text)] == "true"
    if text.lower() in EMPTY:
        return None
    match kind:
        case "time":
            return read_time(text)
        case "count":
            return int(re.sub(r"[人名位\s]|\.0+$", "", text))
        case "category":
            return _meaning("categories")[_plain(text)]
        case _:
            return text


REASONS = {
    "time": "不是可识别的时间，例如 2026-11-23 08:15:00 (not a time)",
    "count": "不是人数 (not a number of people)",
    "category": "不是已知类别：困人 故障 投诉 咨询 自行脱困 误报 其他 (not a known category)",
    "flag": "请填 是 或 否 (yes or no)",
}


def _lines(reader: Any) -> Iterator[tuple[int, list[str]]]:
    """Rows with their line numbers.

    Raises
    ------
    ImportFileError
        A line cannot be taken apart.
    """
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


def _header(reader: Iterator[list[str]]) -> list[str]:
    for row in reader:
        names = [_plain(cell) for cell in row]
        if sum(name in _columns_by_name() for name in names) >= len(REQUIRED):
            return row
    raise ImportFileError(
        "找不到表头：至少需要 工单编号、接警时间、类别 (no header row: these three columns are needed at least)"
    )


def read_rows(text: str) -> tuple[list[str], Iterator[tuple[int, dict[str, str]]]]:
    """Columns that mean nothing to us, and each row as {column: cell} with its line number.

    Raises
    ------
    ImportFileError
        There is no header row, or a required column is missing or twice there.
    """
    dialect = "\t" if text[:2_000].count("\t") > text[:2_000].count(",") else ","
    # a lone carriage return ends a line too, as spreadsheets of the last century write them
    reader = csv.reader(io.StringIO(text, newline=None), delimiter=dialect)
    lines = _lines(reader)
    header = _header(cells for _, cells in lines)
    names = [_columns_by_name().get(_plain(cell)) for cell in header]
    known = [name for name in names if name is not None]
    twice = sorted({name for name in known if known.count(name) > 1})
    missing = [name for name in REQUIRED if name not in known]
    if twice or missing:
        wrong = [f"缺少列 {_title(name)} (missing)" for name in missing] + [
            f"重复列 {_title(name)} (twice)" for name in twice
        ]
        raise ImportFileError("; ".join(wrong))
    ignored = [cell for cell, name in zip(header, names, strict=True) if name is None and cell.strip()]

    def rows() -> Iterator[tuple[int, dict[str, str]]]:
        for line, cells in lines:
            if any(cell.strip() for cell in cells):
                yield line, {name: cell.strip() for name, cell in zip(names, cells, strict=False) if name is not None}

    return ignored, rows()


def _title(column: str) -> str:
    return str(_table()["columns"][column]["names"][0])


def read_call(cells: Mapping[str, str], line: int, now: datetime) -> NewCall | list[RowError]:
    """One row as a call, or everything that is wrong with it."""
    values: dict[str, Any] = {}
    errors: list[RowError] = []
    for column, text in cells.items():
        kind = _table()["columns"][column]["kind"]
        try:
            value = _cell(kind, text)
        except (ValueError, KeyError):
            errors.append(RowError(line, _title(column), f"{text!r} {REASONS.get(kind, '')}"))
            continue
        if value is not None:
            values[column] = value
    values.pop("source", None)
    missing = [name for name in REQUIRED if name not in values]
    named = {error.column for error in errors}
    errors += [RowError(line, _title(n), "不能为空 (is needed)") for n in missing if _title(n) not in named]
    if errors:
        return errors
    call = NewCall(source=SOURCE, **values)
    wrong = faults(call, now)
    return [RowError(line, _title(name), reason) for name, reason in wrong] or call


def import_calls(
    conn: Connection, content: bytes, entered_by: int | None, now: datetime, *, dry_run: bool
) -> ImportReport:
    """Import a file; with ``dry_run`` only say what would happen.

    Raises
    ------
    ImportFileError
        The file as a whole cannot be read as a table of calls.
    """
    text, encoding = decode(content)
    report = ImportReport(dry_run, encoding)
    report.ignored_columns, rows = read_rows(text)
    units = _Units(conn)
    seen: set[str] = set()
    for line, cells in rows:
        report.rows += 1
        if report.rows > MOST_ROWS:
            raise ImportFileError(f"一次最多 {MOST_ROWS} 行，请拆分文件 (split the file)")
        call = read_call(cells, line, now)
        if isinstance(call, NewCall) and call.external_id in seen:
            call = [RowError(line, _title("external_id"), f"{call.external_id} 在文件中重复 (twice in this file)")]
        if isinstance(call, list):
            report.refused += 1
            report.errors += call
            continue
        seen.add(call.external_id)
        _take(conn, call, units.of(call), entered_by, now, report)
    return report


def _take(
    conn: Connection, call: NewCall, unit: KnownUnit | None, entered_by: int | None, now: datetime, report: ImportReport
) -> None:
    report.without_unit += unit is None
    if report.dry_run:
        known = conn.execute(QUERIES.known_call, (call.source, call.external_id)).fetchone()
        report.new += known is None
        report.unchanged += known is not None
        return
    result = keep(conn, call, unit, entered_by, now).result
    setattr(report, result, getattr(report, result) + 1)


class _Units:
    """Units by everything a row may name them with, read once."""

    def __init__(self, conn: Connection) -> None:
        self._by: dict[str, KnownUnit] = {}
        for no, unit_id, rescue_code, registration_code in conn.execute(QUERIES.all_units):
            for key in (rescue_code, unit_id, registration_code):
                if key:
                    self._by.setdefault(key, KnownUnit(no, unit_id))

    def of(self, call: NewCall) -> KnownUnit | None:
        for key in (call.rescue_code, call.unit_id, call.registration_code):
            if key and key in self._by:
                return self._by[key]
        return None


def template() -> str:
    """An empty file with the 22 headers, as spreadsheets open it."""
    return "\ufeff" + ",".join(_title(column) for column in _table()["columns"]) + "\r\n"
