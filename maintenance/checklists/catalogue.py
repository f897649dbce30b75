"""The 257 items of TSG T5002-2017, and what is due at a visit.

Levels are cumulative (art. 6): a quarterly visit includes the half-monthly items, and so on.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from equipment.catalogue.varieties import varieties
from maintenance.errors import DataError

VERSION = "TSG T5002-2017"
LEVELS = ("half_month", "quarter", "half_year", "year")
"""半月 季度 半年 年度, from the shallowest to the deepest."""
PLACES = ("machine_room", "car_top", "car", "landing", "pit", "machine_space", "walkway", "machine")
"""机房 轿顶 轿厢 层站 底坑; for escalators 机房 and 梯路; 设备本体 for whatever is no lift."""
PLACE_WORDS = {
    "machine_room": "机房",
    "car_top": "轿顶",
    "car": "轿厢",
    "landing": "层站",
    "pit": "底坑",
    "machine_space": "上下机房",
    "walkway": "梯路",
    "machine": "设备本体",
}
"""The standard names no place: every item's place is derived from the part it speaks of (see each row's mark)."""
ANNEXES = {
    "A": "曳引与强制驱动电梯",
    "B": "液压驱动电梯",
    "C": "杂物电梯",
    "D": "自动扶梯与自动人行道",
}
NOTES = {
    "A-1": "电梯没有的部件，其项目可以调整：结果填不适用，并写明原因。",
    "A-2": "规定进行试验的，按照规定进行；其余进行检查、调整、清洁、润滑。",
    "A-3": "符合标准值，指符合国家、行业标准以及制造单位要求。",
    "A-4": "制造单位要求，指制造单位的规定；没有规定的，按照安全技术规范和标准。",
}


@dataclass(frozen=True, slots=True)
class Measure:
    """The number in an item's requirement: what is written down is a value in ``unit``, within the limits [unit]."""

    unit: str
    low: float | None
    high: float | None
    mark: str

    def holds(self, value: float) -> bool:
        """Whether a value is within the limits; a limit itself is in range.

        >>> Measure("mm", 7, None, "P").holds(6.9)
        False
        """
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)


@dataclass(frozen=True, slots=True)
class Item:
    """一个维保项目.

    ``condition_zh`` says when a conditional item is due; ``clause`` is the item of GB 45067-2024 that a failure may
    mean; ``prescribed_test`` per note A-2.
    """

    id: str
    level: str
    place: str
    name_zh: str
    requirement_zh: str
    name_en: str
    prescribed_test: bool
    condition_zh: str
    clause: str
    mark: str
    measure: Measure | None = None

    @property
    def one_by_one(self) -> bool:
        """Whether a glance at the place does not answer it: a value, a prescribed test or a condition."""
        return self.measure is not None or self.prescribed_test or bool(self.condition_zh)

    @property
    def annex(self) -> str:
        """Letter of the annex: same-named items differ by annex."""
        return self.id[0]


@dataclass(frozen=True, slots=True)
class Checklist:
    """What is due at one visit. ``template`` names annex and version."""

    template: str
    annex: str
    level: str
    items: tuple[Item, ...]

    def item(self, item_id: str) -> Item | None:
        """The item of that id, if it is due."""
        return next((item for item in self.items if item.id == item_id), None)


@cache
def load_measures() -> dict[str, Measure]:
    """The items whose requirement has a number, by id.

    Raises
    ------
    DataError
        A measure has no unit or no limit.
    """
    text = (files("maintenance.checklists") / "measures.csv").read_text(encoding="utf-8")
    found = {}
    for row in csv.DictReader(text.splitlines()):
        low, high = (float(row[name]) if row[name] else None for name in ("low", "high"))
        if not row["unit"] or (low is None and high is None):
            raise DataError(f"measures.csv: {row['item_id']}: needs a unit and a limit")
        found[row["item_id"]] = Measure(row["unit"], low, high, row["mark"])
    return found


@cache
def load_items() -> tuple[Item, ...]:
    """All items in the order of the standard.

    Raises
    ------
    DataError
        The table has a mistake.
    """
    text = (files("maintenance.checklists") / "t5002.csv").read_text(encoding="utf-8")
    measures = load_measures()
    found = []
    for row in csv.DictReader(text.splitlines()):
        if row["level"] not in LEVELS or row["place"] not in PLACES:
            raise DataError(f"t5002.csv: {row['id']}: unknown level or place")
        more = {"prescribed_test": row["prescribed_test"] == "yes", "measure": measures.get(row["id"])}
        found.append(Item(**{**row, **more}))  # type: ignore[arg-type]
    if len({item.id for item in found}) != len(found):
        raise DataError("t5002.csv: an item stands there twice")
    unknown = measures.keys() - {item.id for item in found}
    if unknown:
        raise DataError(f"measures.csv: no such item: {', '.join(sorted(unknown))}")
    return tuple(found)


def annex_of(variety_code: str) -> str | None:
    """Annex for a variety of the 特种设备目录; None where the manufacturer sets the items (art. 2) or none apply.

    >>> annex_of("3110")
    'A'
    """
    variety = varieties().get(variety_code)
    annex = variety.annex if variety else None
    return annex if annex in ANNEXES else None


@dataclass(frozen=True, slots=True)
class ItemList:
    """Everything that is maintained on a machine, of all levels. ``key`` names it on a phone, ``template`` in a record."""

    key: str
    template: str
    items: tuple[Item, ...]

    def checklist(self, level: str) -> Checklist:
        """What is due at a visit of ``level``; a visit on demand includes the half-monthly items."""
        depth = LEVELS.index(level) if level in LEVELS else 0
        due = tuple(item for item in self.items if LEVELS.index(item.level) <= depth)
        return Checklist(self.template, self.key, level, due)


@cache
def annex_list(variety_code: str) -> ItemList | None:
    """The items of the standard for a variety; None where it names none."""
    annex = annex_of(variety_code)
    if annex is None:
        return None
    return ItemList(annex, f"{VERSION} {annex}", tuple(item for item in load_items() if item.annex == annex))


@cache
def checklist(annex: str, level: str) -> Checklist:
    """The items of an annex that are due at a visit of ``level``; a visit on demand includes the half-monthly ones."""
    items = tuple(item for item in load_items() if item.annex == annex)
    return ItemList(annex, f"{VERSION} {annex}", items).checklist(level)
