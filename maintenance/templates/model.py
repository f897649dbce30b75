"""A manufacturer's items from a file (XLSX, CSV or YAML). Pure but for reading the file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from equipment.foundation.errors import TableFileError
from equipment.foundation.tables import is_formula, original, read_table, write_xlsx
from maintenance.checklists.catalogue import LEVELS, PLACE_WORDS, Item, ItemList, Measure
from maintenance.errors import TemplateError

COLUMNS = ("编号", "级别", "部位", "项目", "要求", "单位", "下限", "上限", "试验", "条件")
NEEDED = ("编号", "级别", "部位", "项目", "要求")
EXAMPLES = (
    ("X-01", "半月", "机房", "消防员开关", "动作可靠，标识清晰", "", "", "", "否", ""),
    ("X-02", "季度", "轿厢", "消防对讲", "与消防中心双向通话清晰", "", "", "", "是", ""),
    ("X-03", "年度", "底坑", "集水井排水", "水位不高于规定", "mm", "", "300", "否", "设有集水井时"),
)
LEVEL_OF = {"半月": "half_month", "季度": "quarter", "半年": "half_year", "年度": "year"} | {n: n for n in LEVELS}
PLACE_OF = {zh: name for name, zh in PLACE_WORDS.items()} | {name: name for name in PLACE_WORDS}
YES = {"是": True, "yes": True, "true": True, "": False, "否": False, "no": False, "false": False}
MOST_ITEMS = 500
LONGEST = 1_000
_ID = re.compile(r"[A-Z0-9一-龥][\w\-.一-龥]{0,29}")
_STANDARD = re.compile(r"[A-D]-\d")
"""Ids of TSG T5002: no other item may look like one."""


@dataclass(frozen=True, slots=True)
class Template:
    """A version as it is stored."""

    id: int
    name: str
    version: int
    variety_code: str
    manufacturer: str
    source: str
    items: tuple[Item, ...]

    @property
    def title(self) -> str:
        """As a record names it.

        >>> Template(1, "消防员电梯 甲厂", 2, "3420", "", "说明书", ()).title
        '消防员电梯 甲厂 第2版'
        """
        return f"{self.name} 第{self.version}版"

    def added_to(self, standard: ItemList | None) -> ItemList:
        """The items of a machine: those of the standard, where it has any, and these beyond them."""
        if standard is None:
            return ItemList(f"T{self.id}", self.title, self.items)
        return ItemList(
            f"{standard.key}+T{self.id}", f"{standard.template} + {self.title}", standard.items + self.items
        )


def write_example(path: Path) -> None:
    """The empty table with example rows."""
    write_xlsx(path, COLUMNS, EXAMPLES, "维保项目")


def read(path: Path, *, as_yaml: bool) -> tuple[Item, ...]:
    """The items of a file.

    Raises
    ------
    TemplateError
        Names every row and column that is wrong.
    """
    rows = _yaml_rows(path) if as_yaml else _table_rows(path)
    if not rows or len(rows) > MOST_ITEMS:
        raise TemplateError([("文件", f"须有 1 至 {MOST_ITEMS} 个项目 (1 to {MOST_ITEMS} items)")])
    wrong: list[tuple[str, str]] = []
    found = [_item(number, row, wrong) for number, row in enumerate(rows, start=1)]
    ids = [item.id for item in found if item is not None]
    wrong += [("编号", f"{name} 重复 (twice)") for name in sorted({n for n in ids if ids.count(n) > 1})]
    if wrong:
        raise TemplateError(wrong)
    return tuple(item for item in found if item is not None)


def _table_rows(path: Path) -> list[dict[str, str]]:
    try:
        table = read_table(path, lambda cells: set(NEEDED) <= {cell.strip() for cell in cells})
        names = [name.strip() for name in table.header]
        return [{n: original(c.strip()) for n, c in zip(names, row.cells, strict=False)} for row in table.rows]
    except TableFileError as error:
        raise TemplateError([("文件", str(error))]) from None


def _yaml_rows(path: Path) -> list[dict[str, str]]:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise TemplateError([("文件", f"不是 YAML (not YAML): {error}")]) from None
    entries = document.get("items") if isinstance(document, dict) else document
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise TemplateError([("文件", f"须为项目列表，每项有 {'、'.join(NEEDED)} (a list of items is needed)")])
    return [{str(k): _text(v) for k, v in entry.items()} for entry in entries]


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value).strip()


def _item(number: int, row: Mapping[str, str], wrong: list[tuple[str, str]]) -> Item | None:
    before = len(wrong)

    def say(column: str, reason: str) -> None:
        wrong.append((f"第 {number} 项 {column}", reason))

    for name in row:
        if name not in COLUMNS:
            say(name, f"没有该列，只有 {'、'.join(COLUMNS)} (no such column)")
    cells = {name: row.get(name, "") for name in COLUMNS}
    for name, cell in cells.items():
        if is_formula(cell):
            say(name, "是公式，请粘贴为值 (a formula: paste its value)")
        if len(cell) > LONGEST:
            say(name, f"最多 {LONGEST} 字 (too long)")
    for name in NEEDED:
        if not cells[name]:
            say(name, "不能为空 (needed)")
    if cells["编号"] and (_ID.fullmatch(cells["编号"]) is None or _STANDARD.match(cells["编号"])):
        say("编号", "大写字母、数字或汉字开头，最多 30 字，且不与 T5002 的编号混淆 (not such an id)")
    level, place = LEVEL_OF.get(cells["级别"].removesuffix("保")), PLACE_OF.get(cells["部位"])
    if cells["级别"] and level is None:
        say("级别", f"须为 {'、'.join(list(LEVEL_OF)[:4])} (one of these)")
    if cells["部位"] and place is None:
        say("部位", f"须为 {'、'.join(PLACE_WORDS.values())} (one of these)")
    test = YES.get(cells["试验"].lower())
    if test is None:
        say("试验", "填是或否 (yes or no)")
    measure = _measure(cells, say)
    if len(wrong) > before or level is None or place is None or test is None:
        return None
    return Item(
        cells["编号"], level, place, cells["项目"], cells["要求"], cells["项目"], test, cells["条件"], "", "M", measure
    )


def _measure(cells: Mapping[str, str], say: Any) -> Measure | None:
    bounds: list[float | None] = []
    for name in ("下限", "上限"):
        try:
            bounds.append(float(cells[name]) if cells[name] else None)
        except ValueError:
            say(name, f"“{cells[name]}”不是数字 (not a number)")
            return None
    low, high = bounds
    if low is None and high is None:
        if cells["单位"]:
            say("单位", "有单位须有下限或上限 (a unit needs a limit)")
        return None
    if not cells["单位"]:
        say("单位", "有限值须有单位 (a limit needs a unit)")
    if low is not None and high is not None and low > high:
        say("下限", "大于上限 (above the upper limit)")
    return Measure(cells["单位"], low, high, "M")


def stored(items: Sequence[Item]) -> list[dict[str, Any]]:
    """Items as JSON."""
    return [asdict(item) for item in items]


def restored(items: Sequence[Mapping[str, Any]]) -> tuple[Item, ...]:
    """Items from JSON."""
    return tuple(Item(**{**i, "measure": Measure(**i["measure"]) if i["measure"] else None}) for i in items)
