"""One row of a file as the values it states. What a cell cannot mean is said with what to do; nothing is guessed."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from functools import cache, lru_cache
from typing import Any

from equipment.catalogue.varieties import jurisdictions, varieties
from equipment.errors import InvalidCodeError
from equipment.foundation.tables import Row, Trouble, is_formula, original
from equipment.imports.columns import (
    PARAMETERS,
    Column,
    Mapping,
    clear_words,
    columns,
    empty_words,
    meanings,
    plain,
)
from equipment.imports.model import Problem, Severity
from equipment.registry.codes import check_credit_code, check_rescue_code, tidy
from equipment.registry.model import UNIT_ID

SCIENTIFIC = re.compile(r"^[+-]?\d(\.\d+)?[eE]\+\d{2,}$")
"""As spreadsheets write a number that is too long for the cell: 3.11010E+16. A code such as 00E0 is none."""
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
DATE = re.compile(r"^(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[ T]00:00(?::00)?)?$")
COMPACT_DATE = re.compile(r"^(\d{4})(\d{2})(\d{2})$")
LONGEST_CODE = 60
LONGEST_KEY = 120
ANY_KEY = ("id", "device_code", "registration_code", "certificate_no", "rescue_code")
CLEARABLE = frozenset(
    {"text", "code", "plate", "degrees", "date", "organisation", "parameter"}
)  # fmt: skip
TROUBLES: dict[Trouble, tuple[str, str, Severity]] = {
    Trouble.OTHER_ENCODING: (
        "此行的编码与文件其余各行不同 (this line is in another encoding than the rest)",
        "用一个程序打开全文，另存为 CSV UTF-8 (open it all in one program and save as CSV UTF-8)", Severity.REFUSAL),
    Trouble.NOT_TEXT: (
        "此行不是可识别的文字 (this line is no text that can be read)",
        "核对原文件，另存为 CSV UTF-8 或 XLSX (compare with the original and save as CSV UTF-8 or XLSX)", Severity.REFUSAL),
    Trouble.MERGED: (
        "合并单元格：取首格的值 (merged cells: the value of the first was taken)",
        "核对此行的值；最好取消合并 (look at this row; better unmerge the cells)", Severity.NOTE),
    Trouble.FORMULA: (
        "公式单元格：取上次计算的结果 (a formula: its last result was taken)",
        "核对此值；最好粘贴为数值 (look at this value; better paste it as a value)", Severity.NOTE),
    Trouble.EMPTY_FORMULA: (
        "公式没有计算结果 (a formula without a result)",
        "在电子表格中打开并保存，或粘贴为数值 (open and save it in a spreadsheet, or paste it as a value)", Severity.REFUSAL),
    Trouble.TOO_MANY_CELLS: (
        "此行的列数多于表头 (this row has more cells than the header)",
        "值中含分隔符时要加引号，或另存为 XLSX (quote values with delimiters in them, or save as XLSX)", Severity.REFUSAL),
}  # fmt: skip


class CellError(Exception):
    """A cell cannot mean what its column says: why, and what to do."""

    def __init__(self, why: str, remedy: str) -> None:
        super().__init__(why)
        self.why = why
        self.remedy = remedy


@dataclass(slots=True)
class Stated:
    """What one row says. ``values``: by field of the file's columns, JSON values; null means that it is to be emptied."""

    line: int
    values: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    @property
    def broken(self) -> bool:
        """Whether a cell cannot be read, so that the row cannot be imported."""
        return any(problem.severity is Severity.REFUSAL for problem in self.problems)


def _text(text: str, column: Column) -> str:
    if len(text) > column.longest:
        raise CellError(f"超过 {column.longest} 个字 (longer than that)", "缩短此值 (shorten it)")
    return text


def _exact(text: str) -> str:
    if SCIENTIFIC.match(text):
        raise CellError(
            "电子表格把长编号变成了数字，末尾几位已丢失 (the spreadsheet made a number of it and lost digits)",
            "把该列设为文本格式，从原始资料重新填写 (format the column as text and enter it again)",
        )
    return tidy(text)


def _code(text: str, column: Column) -> str:
    code = _exact(text)
    if len(code) > LONGEST_CODE:
        raise CellError("编号过长 (too long for a code)", "只保留一个编号 (keep one code only)")
    return code


def _plate(text: str, column: Column) -> str:
    try:
        return check_rescue_code(_exact(text))
    except InvalidCodeError:
        raise CellError(
            "救援识别码应为 6 位数字 (a plate has 6 digits)",
            "按轿厢内标牌填写；以 0 开头时把该列设为文本 (as on the plate in the car; as text where it begins with 0)",
        ) from None


def _id(text: str, column: Column) -> str:
    if not UNIT_ID.match(text):
        raise CellError(
            "应为 1 至 40 位字母、数字、_ 和 - (letters, digits, _ and -)",
            "新设备可留空，由平台编号 (leave it empty for a new unit)",
        )
    return text


def _key(text: str, column: Column) -> str:
    if len(text) > LONGEST_KEY:
        raise CellError("来源编号过长 (too long for a key)", "填写来源系统中的编号 (the key in the source)")
    return text


@lru_cache(maxsize=20_000)
def _credit_code(text: str) -> str:
    return check_credit_code(text)


def _credit(text: str, column: Column) -> str:
    try:
        return _credit_code(_exact(text))
    except InvalidCodeError as error:
        raise CellError(
            f"统一社会信用代码有误: {error}", "按营业执照核对 (compare with the business licence)"
        ) from None


def _degrees(text: str, column: Column) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or abs(number) > 180:
        raise CellError("不是十进制度数 (not degrees)", "填写十进制度数，例如 116.984 (decimal degrees)")
    return number


def _parameter(text: str, column: Column) -> float | int:
    try:
        number = float(re.sub(r"\s*(m/s|kg|层)$", "", text))
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise CellError("不是数值 (not a number)", "只填数值，不带单位 (the number only)")
    return int(number) if number.is_integer() else number


@lru_cache(maxsize=50_000)
def _date_text(text: str) -> str:
    match = DATE.match(text) or COMPACT_DATE.match(text)
    if match is None:
        raise ValueError(text)
    return date(int(match[1]), int(match[2]), int(match[3])).isoformat()


def _date(text: str, column: Column) -> str:
    try:
        return _date_text(text)
    except ValueError:
        raise CellError(
            "不是存在的日期 (no such date)", "填写 2026-11-23 这样的日期，并把该列设为日期或文本 (like 2026-11-23)"
        ) from None


def _json(text: str, column: Column) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict) or "\\u0000" in text:
        raise CellError("不是 JSON 对象 (not a JSON object)", '例如 {"rated_pressure_mpa": 1.25} (like this)')
    return value


@cache
def _varieties_by_name() -> dict[str, str]:
    return {plain(v.zh): code for code, v in varieties().items()}


def _variety(text: str, column: Column) -> str:
    code = tidy(text)
    if code in varieties():
        return code
    if code + "0" in varieties():
        return code + "0"
    named = _varieties_by_name().get(plain(text))
    if named is None:
        raise CellError(
            "不在特种设备目录中 (not in the catalogue)", "填写 4 位品种代码，例如 3110 (the 4-character code)"
        )
    return named


@cache
def _jurisdictions_by_name() -> dict[str, str]:
    found: dict[str, str] = {}
    for j in jurisdictions().values():
        for name in (j.id, j.gb2260, j.zh, j.en, re.sub("(区|县|市|分局)$", "", j.zh)):
            if name:
                found.setdefault(plain(name), j.id)
    return found


def _jurisdiction(text: str, column: Column) -> str:
    found = _jurisdictions_by_name().get(plain(text))
    if found is None:
        districts = "、".join(j.zh for j in jurisdictions().values() if j.kind == "district")
        raise CellError("辖区未知 (no such jurisdiction)", f"填写名称或代码: {districts} 或其监管所 (name or code)")
    return found


def _word(table: str) -> Callable[[str, Column], str]:
    def read(text: str, column: Column) -> str:
        code = meanings(table).get(plain(text))
        if code is None:
            raise CellError(
                "不是已知的词 (not a known word)", f"可填: {'、'.join(dict.fromkeys(meanings(table)))} (one of these)"
            )
        return code

    return read


READERS: dict[str, Callable[[str, Column], Any]] = {
    "text": _text, "code": _code, "plate": _plate, "id": _id, "key": _key, "credit": _credit, "degrees": _degrees,
    "parameter": _parameter, "date": _date, "json": _json, "variety": _variety, "jurisdiction": _jurisdiction,
    "status": _word("statuses"), "datum": _word("datums"),
    "organisation": lambda text, column: _organisation(text),
}  # fmt: skip


def _organisation(text: str) -> str:
    if len(text) > 200:
        raise CellError("单位名称过长 (too long)", "只填一个单位 (one organisation only)")
    return text


def read_row(row: Row, mapping: Mapping) -> Stated:
    """What a row says; cells that cannot be read are named, all of them."""
    stated = Stated(row.line)
    for index, trouble in row.troubles:
        why, remedy, severity = TROUBLES[trouble]
        ours = 0 <= index < len(mapping.fields) and mapping.fields[index] is not None
        if index >= 0 and not ours:
            continue
        title = mapping.titles[index] if ours else "整行"
        value = row.cells[index] if ours else ",".join(cell for cell in row.cells if cell)[:80]
        stated.problems.append(Problem(row.line, title, value[:200], why, remedy, severity))
    known, nothing = columns(), empty_words()
    for name, title, cell in zip(mapping.fields, mapping.titles, row.cells, strict=False):
        if name is not None and cell and (bare := cell.strip()).lower() not in nothing:
            _read_cell(stated, known[name], title, bare)
    _join_parameters(stated)
    return stated


def _read_cell(stated: Stated, column: Column, title: str, bare: str) -> None:
    """Read a cell that says something, without the spaces around it."""
    try:
        if not bare.isprintable() and CONTROL.search(bare):
            raise CellError("含不可见的控制字符 (invisible control characters)", "删除后重新输入 (enter it again)")
        if is_formula(bare):
            raise CellError(
                "单元格内容是公式文本 (the text of a formula)",
                "填写值；名称确以 = 开头时在前面加 ' (the value, not a formula)",
            )
        text = original(bare).strip()
        if text in clear_words():
            if column.kind not in CLEARABLE or column.needed:
                raise CellError("此列不能清空 (this cannot be emptied)", "填写新的值 (give a new value)")
            stated.values[column.field] = None
            return
        stated.values[column.field] = READERS[column.kind](text, column)
    except CellError as error:
        stated.problems.append(Problem(stated.line, title, bare[:200], error.why, error.remedy))


def _join_parameters(stated: Stated) -> None:
    """The columns of single parameters become part of the JSON of all."""
    single = {name: stated.values.pop(name) for name in PARAMETERS if name in stated.values}
    if single:
        stated.values["parameters"] = {**stated.values.get("parameters", {}), **single}


def source_key(values: dict[str, Any], wanted: tuple[str, ...]) -> str:
    """The source's own key of a row: its first key column, else any code, else its address and number."""
    for name in (*wanted, *ANY_KEY):
        if values.get(name):
            return str(values[name])
    parts = (values.get("address"), values.get("internal_no") or values.get("name"))
    return "@" + "|".join(plain(str(part)) for part in parts if part)
