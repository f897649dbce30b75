"""Import of 96366 call records from CSV or XLSX as the field exports them: messy headers, two encodings, city time.

Good rows are kept, bad ones are named with row, column and reason; the same file again changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import yaml

from equipment.foundation.clock import SHANGHAI
from equipment.foundation.database import Connection
from equipment.foundation.errors import TableFileError
from equipment.foundation.tables import OF_A_REQUEST, Row, Table, Trouble, original, read_table
from ingest.call_reference import reference
from ingest.call_units import CallLink, UnitFinder
from ingest.calls import CallReceipt, NewCall, faults, keep, told_of
from ingest.errors import ImportFileError

SOURCE = "csv"
REQUIRED = ("external_id", "reported_at", "category")
MOST_ROWS = 200_000
MOST_OUTCOMES = 2_000
"""So many rows are told one by one; all are counted, and every error is named."""
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


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """What became of one good row; ``candidates`` where a person must choose the lift."""

    row: int
    external_id: str
    result: str
    historical: bool
    link: CallLink
    unit_id: str | None
    candidates: tuple[str, ...]


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
    historical: int = 0
    without_unit: int = 0
    ambiguous: int = 0
    ignored_columns: list[str] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)
    outcomes: list[RowOutcome] = field(default_factory=list)


@cache
def _table() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((files("ingest") / "call_columns.yaml").read_text(encoding="utf-8"))
    return document


@cache
def _columns() -> dict[str, dict[str, Any]]:
    """All columns that are read; those of the template first."""
    return {**_table()["columns"], **_table()["more"]}


def _plain(text: str) -> str:
    """A header without spaces, case and what stands in brackets.

    >>> _plain(" 困人数（人） ")
    '困人数'
    """
    return re.sub(r"[（(].*?[)）]|[\s*：:]", "", text).lower()


@cache
def _columns_by_name() -> dict[str, str]:
    return {_plain(name): column for column, entry in _columns().items() for name in entry["names"]}


@cache
def _meaning(table: str) -> dict[str, str]:
    return {_plain(word): meaning for meaning, words in _table()[table].items() for word in words}


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
        case "release":
            return _meaning("releases")[_plain(text)]
        case _:
            return text


REASONS = {
    "time": "不是可识别的时间，例如 2026-11-23 08:15:00 (not a time)",
    "count": "不是人数 (not a number of people)",
    "category": "不是已知类别：困人 故障 投诉 咨询 自行脱困 误报 其他 (not a known category)",
    "flag": "请填 是 或 否 (yes or no)",
    "release": "不是已知解救方式：维保解救 物业解救 自行脱困 其他 (not a known way of release)",
}


TROUBLES = {
    Trouble.NOT_TEXT: "此行编码损坏，请另存为 CSV UTF-8 后重试 (the line is text in no known encoding)",
    Trouble.TOO_MANY_CELLS: "此行单元格多于表头，含分隔符的内容须加引号 (more cells than the header: quote what holds a comma)",
    Trouble.EMPTY_FORMULA: "公式没有结果，请粘贴为值 (a formula without a result: paste its value)",
}
"""What refuses a row; other troubles are read as they stand."""
WHOLE_ROW = "整行"


def is_header(cells: Sequence[str]) -> bool:
    """Whether a row is the header of a file of calls."""
    return sum(_plain(cell) in _columns_by_name() for cell in cells) >= len(REQUIRED)


@contextmanager
def opened(content: bytes) -> Iterator[Table]:
    """A file as a table.

    Raises
    ------
    ImportFileError
        It is no table, or has no header row; also while rows are read.
    """
    with NamedTemporaryFile(prefix="teshe-calls-") as file:
        file.write(content)
        file.flush()
        try:
            yield read_table(Path(file.name), is_header, OF_A_REQUEST)
        except TableFileError as error:
            raise ImportFileError(str(error)) from error


def read_rows(table: Table) -> tuple[list[str], Iterator[tuple[Row, dict[str, str]]]]:
    """Columns that mean nothing to us, and each row with its cells by column.

    Raises
    ------
    ImportFileError
        A required column is missing or twice there.
    """
    names = [_columns_by_name().get(_plain(cell)) for cell in table.header]
    known = [name for name in names if name is not None]
    twice = sorted({name for name in known if known.count(name) > 1})
    missing = [name for name in REQUIRED if name not in known]
    if twice or missing:
        wrong = [f"缺少列 {_title(name)} (missing)" for name in missing] + [
            f"重复列 {_title(name)} (twice)" for name in twice
        ]
        raise ImportFileError("; ".join(wrong))
    ignored = [cell for cell, name in zip(table.header, names, strict=True) if name is None and cell.strip()]

    def cells_of(row: Row) -> dict[str, str]:
        named = zip(names, row.cells, strict=False)
        return {name: original(cell.strip()).strip() for name, cell in named if name is not None}

    return ignored, ((row, cells_of(row)) for row in table.rows)


def _title(column: str) -> str:
    return str(_columns()[column]["names"][0])


TITLE_OF = {"cause_code": "cause"}
"""Columns of a file that are called otherwise in a call."""


def read_call(row: Row, cells: Mapping[str, str], now: datetime) -> NewCall | list[RowError]:
    """One row as a call, or everything that is wrong with it."""
    values: dict[str, Any] = {}
    line = row.line
    errors = [RowError(line, WHOLE_ROW, TROUBLES[trouble]) for _, trouble in row.troubles if trouble in TROUBLES]
    for column, text in cells.items():
        kind = _columns()[column]["kind"]
        try:
            value = _cell(kind, text)
        except (ValueError, KeyError):
            errors.append(RowError(line, _title(column), f"{text!r} {REASONS.get(kind, '')}"))
            continue
        if value is not None:
            values[column] = value
    cause = values.pop("cause", None)
    if cause is not None:
        code = reference().cause_of(cause)
        values |= {"cause_code": code} if code is not None else {"cause_text": cause}
    missing = [name for name in REQUIRED if name not in values]
    named = {error.column for error in errors}
    errors += [RowError(line, _title(n), "不能为空 (is needed)") for n in missing if _title(n) not in named]
    if errors:
        return errors
    call = NewCall(source=SOURCE, **values)
    wrong = faults(call, now)
    return [RowError(line, _title(TITLE_OF.get(name, name)), reason) for name, reason in wrong] or call


def import_calls(
    conn: Connection, content: bytes, entered_by: int | None, now: datetime, *, dry_run: bool
) -> ImportReport:
    """Import a file; with ``dry_run`` only say what would happen.

    Raises
    ------
    ImportFileError
        The file as a whole cannot be read as a table of calls.
    """
    with opened(content) as table:
        report = ImportReport(dry_run, table.encoding)
        report.ignored_columns, rows = read_rows(table)
        units = UnitFinder(conn)
        seen: set[str] = set()
        # a trial takes the same path and is taken back: it promises exactly what the import will do
        with conn.transaction(force_rollback=dry_run):
            for row, cells in rows:
                report.rows += 1
                if report.rows > MOST_ROWS:
                    raise ImportFileError(f"一次最多 {MOST_ROWS} 行，请拆分文件 (split the file)")
                call = read_call(row, cells, now)
                if isinstance(call, NewCall) and call.external_id in seen:
                    again = f"{call.external_id} 在文件中重复 (twice in this file)"
                    call = [RowError(row.line, _title("external_id"), again)]
                if isinstance(call, list):
                    report.refused += 1
                    report.errors += call
                    continue
                seen.add(call.external_id)
                _count(report, row.line, call, keep(conn, call, units.find(told_of(call)), entered_by, now))
    return report


def _count(report: ImportReport, line: int, call: NewCall, receipt: CallReceipt) -> None:
    setattr(report, receipt.result, getattr(report, receipt.result) + 1)
    report.historical += receipt.historical
    report.ambiguous += receipt.link is CallLink.AMBIGUOUS
    report.without_unit += receipt.unit_id is None
    if len(report.outcomes) < MOST_OUTCOMES:
        report.outcomes.append(
            RowOutcome(line, call.external_id, receipt.result, receipt.historical, receipt.link, receipt.unit_id,
                       receipt.candidates)
        )  # fmt: skip


def template() -> str:
    """An empty file with the 22 headers, as spreadsheets open it."""
    return "\ufeff" + ",".join(_title(column) for column in _table()["columns"]) + "\r\n"
