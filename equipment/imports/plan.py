"""What to do with one row: a function of what it states, of the unit it matches, and of whose word stands. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from hashlib import sha256
from typing import Any

from equipment.catalogue.varieties import jurisdictions, varieties
from equipment.imports import columns as catalogue
from equipment.imports.columns import ORGANISATIONS, columns, truths
from equipment.imports.model import ImportOptions, Outcome, Problem, Severity
from equipment.registry.checks import CHECKS
from equipment.registry.codes import doubts
from equipment.registry.model import NewUnit

RANKS = (
    ("source_key", "来源编号"), ("id", "设备编号"), ("device_code", "设备代码"), ("registration_code", "注册代码"),
    ("certificate_no", "使用登记证编号"), ("rescue_code", "救援识别码"), ("place", "地址和单位内编号"),
)  # fmt: skip
"""By what a row finds its unit, the surest first. The numbers are those of ``found``."""
PLACE_RANK = len(RANKS) - 1
UNIT_FIELDS = ("id", "kind", *truths())
"""Values of a unit that files carry; what else a unit has keeps its value, and a new one gets its default."""
DEFAULTS: Mapping[str, Any] = {
    f.name: f.default
    for f in fields(NewUnit)
    if f.name in truths() and f.name not in ("variety_code", "name", "address", "jurisdiction_id")
}
DATES = ("make_date", "first_use_date", "insurance_valid_to")
NEVER_NULL = ("place_name", "building", "entrance")
POSITION = ("lon", "lat", "datum")
NOTHING: tuple[Any, ...] = (None, "", {})
TO_CREATE = "create"
"""Stands for the id of an organisation that will be registered first."""
CHECK_COLUMNS = {
    "_identity": "id", "_names": "name", "_variety": "variety_code", "_plate": "rescue_code", "_position": "lon",
    "_accuracy": "lon", "_dates": "make_date",
}  # fmt: skip
"""Which column a check of the registry speaks of; a check without an entry speaks of the whole row."""
WHOLE_ROW = "整行"
REGISTRARS = frozenset(
    {
        "device_code",
        "registration_code",
        "certificate_no",
        "rescue_code",
        "use_org_id",
        "jurisdiction_id",
        "variety_code",
    }
)
"""Who a lift is, whose it is and who supervises it: what a firm states of these waits for the registrar, also where the
registry has nothing yet."""
CORRECT_IT = "按原始资料更正此值后重新导入 (correct it after the original and import again)"


@dataclass(frozen=True, slots=True)
class FoundOrganisation:
    """What the name and the credit code of an organisation lead to: an id, a wish to register it, or a reason why not."""

    id: int | None = None
    create: bool = False
    why: str = ""
    remedy: str = ""
    note: str = ""


OrganisationKey = tuple[str, str | None, str | None]
"""Kind, name, credit code."""


@dataclass(frozen=True, slots=True)
class Known:
    """A unit of the registry as it stands."""

    no: int
    values: Mapping[str, Any]
    jurisdiction_path: str
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row to be planned, with all that was found by its codes."""

    line: int
    source_key: str
    values: dict[str, Any]
    broken: bool
    found: Sequence[tuple[int, list[int], list[str | None]]]
    unit: Known | None
    twins: Sequence[tuple[str, list[int]]] = ()
    """Columns whose value stands in other lines of the file too, and in which."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What all rows of a job are planned on."""

    options: ImportOptions
    scope_path: str
    today: date
    organisations: Mapping[OrganisationKey, FoundOrganisation]
    kept: Mapping[tuple[str, str], Any] = field(default_factory=dict)
    """What a person has refused before, by (source key, field): it is not asked again."""
    ignored: frozenset[str] = frozenset()
    """Keys of the source that a person said to leave out."""
    firm: int | None = None
    """The firm that handed the file in itself: it reaches its own lifts only."""

    @property
    def source(self) -> catalogue.Source:
        """The kind of source."""
        return catalogue.sources()[self.options.source]

    def takes(self, name: str) -> bool:
        """Whether the word of this source stands for a value at once."""
        return self.options.source == "registry" or truths()[name].source == self.options.source

    def fills(self, name: str) -> bool:
        """Whether the source may say what the registry does not have."""
        return truths()[name].fill and not (self.firm is not None and name in REGISTRARS)


@dataclass(slots=True)
class Plan:
    """What will be done with one row."""

    line: int
    outcome: Outcome
    unit_no: int | None = None
    patch: dict[str, Any] = field(default_factory=dict)
    conflicts: list[dict[str, Any]] = field(default_factory=list)
    read_at: datetime | None = None
    problems: list[Problem] = field(default_factory=list)

    def refuse(self, title: str, value: str, why: str, remedy: str) -> None:
        """Say why the row is not imported."""
        self.problems.append(Problem(self.line, title, value[:200], why, remedy))

    def note(self, title: str, value: str, why: str, remedy: str) -> None:
        """Say what somebody should look at."""
        self.problems.append(Problem(self.line, title, value[:200], why, remedy, Severity.NOTE))

    @property
    def refused(self) -> bool:
        """Whether something stands against the row."""
        return any(problem.severity is Severity.REFUSAL for problem in self.problems)


def title_of(name: str) -> str:
    """The Chinese name of a value of a unit, or of a column."""
    column = columns().get(ORGANISATIONS[name][0] if name in ORGANISATIONS else name)
    return column.zh if column else name


def plan_row(row: Candidate, ground: Ground) -> Plan:
    """Decide what a row does. Its own unreadable cells are reported by whoever read them."""
    plan = Plan(row.line, Outcome.REFUSED)
    for name, lines in row.twins:
        others = "、".join(str(line) for line in lines[:5])
        plan.refuse(
            title_of(name) if name != "source_key" else RANKS[0][1], str(row.values.get(name) or row.source_key),
            f"文件中第 {others} 行有相同的值 (lines of this file share it)", "每台设备只保留一行 (keep one row per unit)",
        )  # fmt: skip
    if row.broken or row.twins:
        return plan
    values = _with_organisations(row, ground, plan)
    if row.source_key in ground.ignored and row.unit is None:
        plan.outcome = Outcome.UNCHANGED if not plan.refused else Outcome.REFUSED
    elif row.unit is None and _ambiguous(row):
        _ask_which(row, plan, "ambiguous")
    elif row.unit is None and ground.source.creates:
        _plan_new(row, values, ground, plan)
    elif row.unit is None:
        _ask_which(row, plan, "unmatched")
    else:
        _plan_change(row, row.unit, values, ground, plan)
    if plan.refused:
        plan.outcome = Outcome.REFUSED
    return plan


# ── organisations ──


def _with_organisations(row: Candidate, ground: Ground, plan: Plan) -> dict[str, Any]:
    values = {name: value for name, value in row.values.items() if name not in ("source_key", "id")}
    for target, (column, kind) in ORGANISATIONS.items():
        stated = column in values or f"{column}_code" in values
        name, code = values.pop(column, None), values.pop(f"{column}_code", None)
        if not stated:
            continue
        if name is None and code is None:
            values[target] = None
            continue
        found = ground.organisations[kind, name, code]
        if found.why:
            say = plan.refuse if ground.takes(target) else plan.note
            say(title_of(target), str(name or code), found.why, found.remedy)
            continue
        if found.note:
            plan.note(title_of(target), str(name or code), found.note, "核对单位名称 (look at the name)")
        values[target] = TO_CREATE if found.create else found.id
    if ground.source.per_organisation:
        values.setdefault("firm_org_id", ground.options.organisation_id)
    return values


# ── no unit ──


def _ambiguous(row: Candidate) -> bool:
    return any(len(units) > 1 for _, units, _ in row.found)


def _ask_which(row: Candidate, plan: Plan, kind: str) -> None:
    candidates = sorted({no for _, units, _ in row.found for no in units})
    plan.outcome = Outcome.WAITING
    plan.conflicts.append({"kind": kind, "field": "", "candidates": candidates, "source": row.values})
    why = "与多台设备相符" if kind == "ambiguous" else "台账中没有相符的设备"
    what = "several units match" if kind == "ambiguous" else "no unit matches"
    plan.note(
        WHOLE_ROW,
        row.source_key,
        f"{why} ({what})",
        "导入后在“核对”中指定设备 (after the import, say which it is in the work list)",
    )


def new_id(values: Mapping[str, Any], source_name: str, source_key: str) -> str:
    """The id of a unit whose file gives none: its own codes, which do not change; else the source and its key."""
    for name in ("device_code", "registration_code"):
        if values.get(name) and str(values[name]).isascii() and str(values[name]).isalnum():
            return str(values[name])[:40]
    return "U-" + sha256(f"{source_name}|{source_key}".encode()).hexdigest()[:16]


def _plan_new(row: Candidate, values: dict[str, Any], ground: Ground, plan: Plan) -> None:
    missing = [c for c in columns().values() if c.needed and not values.get(c.field)]
    for column in missing:
        plan.refuse(column.zh, "", "新设备必须有此值 (a new unit needs this)", "补填此列 (fill it in)")
    if missing:
        return
    variety = varieties()[values["variety_code"]]
    whole = {**DEFAULTS, **{k: v for k, v in values.items() if v is not None}}
    whole["id"] = row.values.get("id") or new_id(values, ground.options.source_name, row.source_key)
    whole["kind"] = variety.kind
    whole["parameters"] = _without_nulls(whole["parameters"] or {})
    plan.patch = whole
    plan.outcome = Outcome.NEW
    _require_scope(plan, whole["jurisdiction_id"], ground)
    _require_sound(plan, whole, ground.today)


# ── a unit ──


def _plan_change(row: Candidate, unit: Known, values: dict[str, Any], ground: Ground, plan: Plan) -> None:
    plan.unit_no, plan.read_at = unit.no, unit.changed_at
    if not unit.jurisdiction_path.startswith(ground.scope_path):
        plan.unit_no = None
        plan.refuse(
            WHOLE_ROW, row.source_key, "这是您辖区以外的设备 (a unit outside your area)",
            "由该辖区的监管人员导入 (the registrar of that area imports it)",
        )  # fmt: skip
        return
    if ground.firm is not None and unit.values["firm_org_id"] != ground.firm:
        plan.unit_no = None
        plan.refuse(
            WHOLE_ROW, row.source_key, "不是贵单位维保的电梯 (not a lift that your firm keeps)",
            "已接手的电梯先在“维保变更”中申报接管 (claim it first, under changes of firm)",
        )  # fmt: skip
        return
    if _other_units(row, unit, plan):
        if ground.options.source == "registry":
            return  # a registrar's own file: he corrects it
        plan.conflicts.append(
            {"kind": "identity", "field": "", "source": row.values,
             "candidates": sorted({no for rank, units, _ in row.found if rank < PLACE_RANK for no in units})}
        )  # fmt: skip
        return
    _compare(row, unit, values, ground, plan)
    if plan.patch:
        merged = {**unit.values, **plan.patch}
        if "jurisdiction_id" in plan.patch:
            _require_scope(plan, merged["jurisdiction_id"], ground)
        _require_sound(plan, merged, ground.today)
    plan.outcome = Outcome.UPDATE if plan.patch else Outcome.UNCHANGED


def _other_units(row: Candidate, unit: Known, plan: Plan) -> bool:
    """Whether a code of the row belongs to another unit than the one that a surer code names."""
    for rank, units, ids in row.found:
        if rank == PLACE_RANK or unit.no in units:
            continue
        name, title = RANKS[rank]
        owner = "、".join(i for i in ids if i) or "辖区以外的设备"
        plan.refuse(
            title, str(row.values.get(name) or row.source_key),
            f"属于另一台设备 {owner}，而此行的其他编号属于 {unit.values['id']} (this code belongs to another unit than the others)",
            "按标牌和登记证核对编号；调换编号时先导入释放的一方 (compare with plate and certificate)",
        )  # fmt: skip
    _surer_codes(row, unit, plan)
    if plan.refused:
        return True
    stated = row.values.get("id")
    if stated and stated != unit.values["id"] and not any(rank == 1 for rank, _, _ in row.found):
        plan.refuse(
            "设备编号", stated, f"此行的编号属于设备 {unit.values['id']}，设备编号不能改变 (a unit keeps its id for ever)",
            f"填写 {unit.values['id']} 或留空 (give that id, or none)",
        )  # fmt: skip
    return False


def _surer_codes(row: Candidate, unit: Known, plan: Plan) -> None:
    """A weak code must not turn one machine into another: what it found may not have other codes that are surer."""
    found_by = min(rank for rank, units, _ in row.found if unit.no in units)
    weak, weak_title = RANKS[found_by]
    for name, title in RANKS[2:found_by]:
        stated, registered = row.values.get(name), unit.values.get(name)
        if stated and registered and stated != registered:
            plan.refuse(
                weak_title, str(row.values.get(weak) or row.values.get("address", "")),
                f"属于设备 {unit.values['id']}，其{title}是 {registered}，此行是 {stated} (it belongs to a unit with another code)",
                "核对是哪台设备；确需更正时填写设备编号 (find out which unit it is; to correct its code, give its id)",
            )  # fmt: skip


def _compare(row: Candidate, unit: Known, values: dict[str, Any], ground: Ground, plan: Plan) -> None:
    moved = any(name in values and values[name] != unit.values[name] for name in ("lon", "lat"))
    if moved and "datum" not in values:
        values["datum"] = "unknown"
        plan.note(
            "坐标系",
            "",
            "文件没有注明坐标系 (the file does not say which datum)",
            "增加坐标系列；未知的坐标不上地图 (add the column)",
        )
    waiting: dict[str, Any] = {}
    for name, stated in values.items():
        before = unit.values[name]
        after = _after(name, before, stated)
        if after == before:
            continue
        if ground.takes(name) or (
            ground.fills(name) and (before in NOTHING or (name == "datum" and unit.values["lon"] is None))
        ):
            plan.patch[name] = after
        else:
            waiting[name] = after
    if any(name in waiting for name in POSITION):
        waiting |= {name: plan.patch.pop(name) for name in POSITION if name in plan.patch}
        position = {name: waiting.pop(name) for name in POSITION if name in waiting}
        _ask_value(row, "position", {name: unit.values[name] for name in POSITION}, position, ground, plan)
    for name, after in waiting.items():
        _ask_value(row, name, unit.values[name], after, ground, plan)


def _ask_value(row: Candidate, name: str, before: Any, after: Any, ground: Ground, plan: Plan) -> None:
    if (row.source_key, name) in ground.kept and ground.kept[row.source_key, name] == after:
        return
    if after == TO_CREATE:
        plan.note(
            title_of(name),
            "",
            "与台账不同，且单位未登记 (differs from the registry, and is not registered)",
            "先登记该单位 (register it first)",
        )
        return
    plan.conflicts.append({"kind": "field", "field": name, "registry": as_json(before), "source": as_json(after)})
    plan.note(
        "坐标" if name == "position" else title_of(name), str(after), f"与台账不同，台账为 {before} (differs from the registry)",
        "导入后在“核对”中决定采用哪个 (after the import, decide in the work list)",
    )  # fmt: skip


def _after(name: str, before: Any, stated: Any) -> Any:
    if name == "parameters":
        return _without_nulls({**(before or {}), **(stated or {})})
    if stated is None:
        return "" if name in NEVER_NULL else None
    return stated


# ── the registry's own rules ──


def _require_scope(plan: Plan, jurisdiction: str, ground: Ground) -> None:
    if not jurisdictions()[jurisdiction].path.startswith(ground.scope_path):
        plan.refuse(
            title_of("jurisdiction_id"), jurisdictions()[jurisdiction].zh, "在您的管辖范围以外 (outside your area)",
            "由该辖区的监管人员导入 (the registrar of that area imports it)",
        )  # fmt: skip


def typed(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values with their dates as dates; an organisation that is not registered yet has no id."""
    made = dict(values)
    for name in DATES:
        if isinstance(made.get(name), str):
            made[name] = date.fromisoformat(made[name])
    for name in ORGANISATIONS:
        if made.get(name) == TO_CREATE:
            made[name] = None
    return made


def as_json(value: Any) -> Any:
    """A value as JSON keeps it."""
    if isinstance(value, dict):
        return {name: as_json(inner) for name, inner in value.items()}
    return value.isoformat() if isinstance(value, date) else value


def _require_sound(plan: Plan, whole: Mapping[str, Any], today: date) -> None:
    unit = NewUnit(**typed(whole))
    for check in CHECKS:
        fault = check(unit, today)
        if fault is not None:
            name = CHECK_COLUMNS.get(check.__name__, "")
            plan.refuse(title_of(name) if name else WHOLE_ROW, _shown(whole, name), fault, CORRECT_IT)
    for doubt in doubts(unit.device_code, unit.registration_code, unit.certificate_no, unit.variety_code, today):
        title, _, why = doubt.partition(": ")
        name = {"设备代码": "device_code", "注册代码": "registration_code", "使用登记证编号": "certificate_no"}.get(
            title, ""
        )
        if name in plan.patch:
            plan.note(title, _shown(whole, name), why, "核对此编号；仍按原样导入 (look at it; it is imported as it is)")


def _shown(whole: Mapping[str, Any], name: str) -> str:
    if name == "lon":
        return f"{whole['lon']}, {whole['lat']}"
    if name == "make_date":
        return f"{whole['make_date']} / {whole['first_use_date']}"
    return str(whole.get(name, ""))


def _without_nulls(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in parameters.items() if value is not None}
