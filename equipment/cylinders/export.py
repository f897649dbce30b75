"""CSV for spreadsheets: UTF-8 with its mark, and no cell that a spreadsheet would take for a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import datetime

from equipment.cylinders.model import Cylinder, FillRow
from equipment.foundation.clock import SHANGHAI

CYLINDER_COLUMNS = {
    "code": "气瓶编码", "station": "充装单位", "maker_code": "制造单位代码", "serial": "出厂编号", "make_date": "制造日期",
    "variety_code": "品种", "medium": "介质", "volume_l": "容积(L)", "nominal_pressure_mpa": "公称压力(MPa)",
    "tare_kg": "皮重(kg)", "max_fill_kg": "最大充装量(kg)", "certificate_no": "使用登记证编号",
    "last_inspection": "上次检验", "next_inspection": "下次检验", "scrap_date": "报废日期", "state": "状态",
    "last_fill_at": "最近充装",
}  # fmt: skip
FILL_COLUMNS = {
    "filled_at": "充装时间", "code": "气瓶编码", "station": "充装单位", "medium": "介质", "gun": "充装枪", "scale": "充装秤",
    "checked_at": "充前检查时间", "appearance_ok": "外观合格", "residual_mpa": "余压(MPa)", "empty_kg": "空瓶重(kg)",
    "residual_kg": "余液(kg)", "vacuum_mpa": "真空(MPa)", "pressure_mpa": "充装压力(MPa)", "full_kg": "满瓶重(kg)",
    "net_kg": "净重(kg)", "reweigh_kg": "复称(kg)", "leak_free": "无泄漏", "passed": "合格", "faults": "不合格原因",
    "filler": "充装人员", "checker": "检查人员", "rechecker": "复称人员", "traced": "记录完整", "note": "备注",
    "video_url": "视频",
}  # fmt: skip
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""First characters that make a cell of text a formula."""


def cell(value: object) -> str:
    """One cell.

    >>> cell("=1+1"), cell(-0.05), cell(None), cell(True)
    ("'=1+1", '-0.05', '', '1')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, datetime):
        return value.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")
    text = " ".join(value) if isinstance(value, tuple) else str(value)
    return f"'{text}" if text.startswith(FORMULA) else text


def header(columns: dict[str, str]) -> bytes:
    """The mark of UTF-8 and the first line."""
    return "\ufeff".encode() + lines([list(columns.values())])


def lines(rows: Iterable[Sequence[object]]) -> bytes:
    """Lines of CSV."""
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerows([cell(value) for value in row] for row in rows)
    return buffer.getvalue().encode()


def rows_of(found: Iterable[Cylinder | FillRow], columns: dict[str, str]) -> bytes:
    """Cylinders or fills as lines."""
    return lines([getattr(entry, name) for name in columns] for entry in found)
