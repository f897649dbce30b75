"""Excel 与 CSV 报送: one row is one record, read into the same filings that the API and the field app send.

Every item that a row does not name was done and is in order, which the row must say itself (column 其余项目, 合格): nothing
is assumed. Pure but for reading the file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from equipment.foundation.clock import SHANGHAI
from equipment.foundation.errors import TableFileError
from equipment.foundation.tables import OF_A_REQUEST, Row, Trouble, is_formula, original, read_table, write_xlsx
from maintenance.checklists.catalogue import ItemList
from maintenance.errors import RecordError
from maintenance.records.filing import Filing
from maintenance.records.model import ItemResult, Part, Record, Sign, Worker

COLUMNS = (
    "记录编号", "电梯", "级别", "人员1", "证书1", "人员2", "证书2", "签到时间", "签退时间", "其余项目", "测量值", "不合格",
    "已处理", "不适用", "更换部件", "发现问题",
)  # fmt: skip
NEEDED = ("记录编号", "电梯", "级别", "人员1", "签到时间", "签退时间", "其余项目")
EXAMPLE = (
    "WB-2026-0001", "341302", "半月保", "张三", "TS6JXXXX", "李四", "", "2026-03-02 09:00", "2026-03-02 09:40", "合格",
    "A-1-29=8", "A-1-21:三层门锁啮合 5 mm", "", "A-1-09:无旁路装置", "门滑块×2", "",
)  # fmt: skip
LEVELS = {
    "半月": "half_month",
    "季度": "quarter",
    "季": "quarter",
    "半年": "half_year",
    "年度": "year",
    "年": "year",
    "按需": "on_demand",
}
MOST_ROWS = 2_000
_ITEM = re.compile(r"\s*([A-Z0-9一-龥][\w\-.一-龥]*)\s*[:：=＝]\s*(.+)")
_TIMES = ("%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y/%m/%d %H:%M:%S", "%Y年%m月%d日 %H:%M")


@dataclass(frozen=True, slots=True)
class Line:
    """One row: a filing, or everything that is wrong with it as (column, reason)."""

    line: int
    key: str
    filing: Filing | None
    problems: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a lift: its id and what is maintained on it (None: nobody said so)."""

    id: str
    items: ItemList | None


def write_template(path: Path) -> None:
    """The empty table with one example row."""
    write_xlsx(path, COLUMNS, [EXAMPLE], "维保记录")


def is_header(cells: Sequence[str]) -> bool:
    """Whether a row has the names of the template."""
    return {"记录编号", "电梯", "级别"} <= {cell.strip() for cell in cells}


def read(path: Path, lift_of: Callable[[str], Known | None]) -> list[Line]:
    """The rows of a file.

    Raises
    ------
    RecordError
        It is no table, has no header or no row, or more than 2,000.
    """
    try:
        table = read_table(path, is_header, OF_A_REQUEST)
    except TableFileError as error:
        raise RecordError([("文件", str(error))]) from None
    names = [name.strip() for name in table.header]
    missing = [name for name in NEEDED if name not in names]
    if missing:
        raise RecordError([(name, "缺少该列，请使用模板 (column missing: use the template)") for name in missing])
    lines: list[Line] = []
    try:
        for row in table.rows:
            if len(lines) == MOST_ROWS:
                raise RecordError([("文件", f"超过 {MOST_ROWS} 行，请拆分 (split it: more than {MOST_ROWS} rows)")])
            cells = {n: original(c.strip()) for n, c in zip(names, row.cells, strict=False)}
            lines.append(_line(row, cells, lift_of))
    except TableFileError as error:
        raise RecordError([("文件", str(error))]) from None
    if not lines:
        raise RecordError([("文件", "没有记录行 (no row)")])
    return lines


def _line(row: Row, cells: Mapping[str, str], lift_of: Callable[[str], Known | None]) -> Line:
    key = cells.get("记录编号", "")
    wrong = [(name, "不能为空 (needed)") for name in NEEDED if not cells.get(name)]
    wrong += [(name, "是公式，请粘贴为值 (a formula: paste its value)") for name, c in cells.items() if is_formula(c)]
    if any(trouble is not Trouble.FORMULA for _, trouble in row.troubles):
        wrong.append(("行", "有合并单元格、编码错误或多余的列 (merged cells, another encoding, or too many cells)"))
    if key and not 8 <= len(key) <= 100:
        wrong.append(("记录编号", "须为 8 至 100 个字符 (8 to 100 characters)"))
    lift = lift_of(cells.get("电梯", ""))
    if cells.get("电梯") and lift is None:
        wrong.append(("电梯", f"没有电梯 {cells['电梯']}，或不由贵单位维保 (not one of yours)"))
    level = LEVELS.get(cells.get("级别", "").removesuffix("保").removesuffix("维保").removesuffix("保养") or "")
    if cells.get("级别") and level is None:
        wrong.append(("级别", "须为 半月、季度、半年、年度 或 按需 (one of these)"))
    if cells.get("其余项目") and cells["其余项目"] != "合格":
        wrong.append(("其余项目", "其余项目都完成且符合要求时填“合格”，否则逐项写明 (say 合格, or name the items)"))
    times = {}
    for name in ("签到时间", "签退时间"):
        times[name] = _time(cells.get(name, ""))
        if cells.get(name) and times[name] is None:
            wrong.append((name, "时间须如 2026-03-02 09:00 (such as this)"))
    results = _results(cells, wrong)
    began, ended = times["签到时间"], times["签退时间"]
    if wrong or lift is None or level is None or began is None or ended is None:
        return Line(row.line, key, None, tuple(wrong))
    record = Record(
        unit_id=lift.id,
        level=level,
        workers=[Worker(cells[f"人员{n}"], cells.get(f"证书{n}") or None) for n in (1, 2) if cells.get(f"人员{n}")],
        sign_in=Sign(began, how="table"),
        sign_out=Sign(ended, how="table"),
        items=_items(lift.items, level, results),
        # not the moment of the upload: the same file sent again is the same record
        submitted_at=ended,
        parts=[_part(text) for text in _pieces(cells.get("更换部件", ""))],
        found=cells.get("发现问题", ""),
    )
    return Line(row.line, key, Filing(record, key))


def _time(text: str) -> datetime | None:
    for form in _TIMES:
        try:
            return datetime.strptime(text, form).replace(tzinfo=SHANGHAI)
        except ValueError:
            continue
    return None


def _pieces(text: str) -> list[str]:
    return [piece.strip() for piece in re.split(r"[;；\n]", text) if piece.strip()]


def _part(text: str) -> Part:
    """A part with its number, such as 门滑块×2."""
    name, _, count = text.replace("*", "×").partition("×")
    try:
        return Part(name.strip(), float(count)) if count else Part(name.strip())
    except ValueError:
        return Part(text)


def _results(cells: Mapping[str, str], wrong: list[tuple[str, str]]) -> dict[str, ItemResult]:
    found: dict[str, ItemResult] = {}
    for column, result in (("测量值", "pass"), ("不合格", "fail"), ("已处理", "fixed"), ("不适用", "not_applicable")):
        for piece in _pieces(cells.get(column, "")):
            match = _ITEM.fullmatch(piece)
            if match is None:
                wrong.append((column, f"“{piece}”须如 A-1-21:原因，多项用分号隔开 (such as A-1-21:reason)"))
                continue
            item, said = match[1], match[2].strip()
            before = found.get(item)
            if column != "测量值":
                found[item] = ItemResult(item, result, before.value if before else None, said)
                continue
            try:
                found[item] = ItemResult(item, result, float(said))
            except ValueError:
                wrong.append((column, f"{item}: “{said}”不是数字 (not a number)"))
    return found


def _items(every: ItemList | None, level: str, named: Mapping[str, ItemResult]) -> list[ItemResult]:
    """The items of the visit: those that are named, and the others as in order."""
    if every is None:
        return list(named.values())
    due = every.checklist(level).items
    made = [
        named.get(item.id, ItemResult(item.id, "pass")) for item in due if not item.condition_zh or item.id in named
    ]
    known = {item.id for item in due}
    return made + [result for item, result in named.items() if item not in known]
