"""参考数据: yearly figures of the nation and of provinces from a CSV file, each with its mark and source."""

from __future__ import annotations

import csv
import io
import math
from datetime import datetime

from dashboards.indicators.errors import ReferenceFileError
from dashboards.indicators.facts import QUERIES, ReferenceFigure
from equipment.foundation.database import Connection

COLUMNS = ("area", "year", "measure", "value", "mark", "source")
MEASURES = ("units_10k", "in_use_10k", "accidents", "deaths", "injuries", "published_rate")
MARKS = ("V", "V-code", "P", "D", "C", "M")


def read_reference(data: bytes) -> list[ReferenceFigure]:
    """Figures of a file in UTF-8 or GB18030 with the columns area, year, measure, value, mark, source.

    Raises
    ------
    ReferenceFileError
        A column is missing or a line cannot be read; nothing of the file is used then.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = data.decode("gb18030")
        except UnicodeDecodeError as error:
            raise ReferenceFileError("文件不是 UTF-8 或 GB18030 (the file is neither UTF-8 nor GB18030)") from error
    reader = csv.DictReader(io.StringIO(text, newline=""))
    missing = set(COLUMNS) - set(reader.fieldnames or ())
    if missing:
        raise ReferenceFileError(f"缺少列 {', '.join(sorted(missing))} (columns are missing)")
    return [_line(number, row) for number, row in enumerate(reader, start=2)]


def _line(number: int, row: dict[str, str]) -> ReferenceFigure:
    wrong: list[str] = []
    try:
        year, value = int(row["year"]), float(row["value"])
    except (TypeError, ValueError):
        raise ReferenceFileError(f"第 {number} 行: 年份或数值不是数字 (year or value is no number)") from None
    if not 1949 <= year <= 2100 or not math.isfinite(value) or value < 0:
        wrong.append("年份或数值超出范围")
    if row["measure"] not in MEASURES:
        wrong.append(f"measure 只能是 {', '.join(MEASURES)}")
    if row["mark"] not in MARKS:
        wrong.append(f"mark 只能是 {', '.join(MARKS)}")
    if not (row["area"] or "").strip() or not (row["source"] or "").strip():
        wrong.append("area 和 source 不能为空")
    if wrong:
        raise ReferenceFileError(f"第 {number} 行: {'；'.join(wrong)}")
    return ReferenceFigure(row["area"].strip(), year, row["measure"], value, row["mark"], row["source"].strip())


def import_reference(conn: Connection, figures: list[ReferenceFigure], now: datetime) -> int:
    """Add figures; a figure that is there as it is stays, another one for the same year replaces it. How many were added."""
    known = {ReferenceFigure(*row) for row in conn.execute(QUERIES.reference)}
    new = [f for f in figures if f not in known]
    for f in new:
        conn.execute(QUERIES.insert_reference, (f.area, f.year, f.measure, f.value, f.mark, f.source, now))
    return len(new)
