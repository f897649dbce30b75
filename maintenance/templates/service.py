"""Importing, approving and assigning templates, and which items a machine has. In the caller's transaction and scope."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from equipment.access.model import Asker, ScopeKind
from equipment.catalogue.varieties import varieties
from equipment.foundation.database import Connection, load_queries
from equipment.registry.store import require_unit
from equipment.transparency.entry import digest_of
from maintenance.checklists.catalogue import Item, ItemList, annex_list
from maintenance.errors import StepError, TemplateError, UnknownTemplateError
from maintenance.templates.model import Template, restored, stored

QUERIES = load_queries(__file__)
STILL_TAKEN = timedelta(days=7)
"""So long after a new version records by the one before are taken: phones were in shafts without signal."""
STEPS: Mapping[tuple[str, str], str] = {
    ("proposed", "approve"): "approved",
    ("proposed", "reject"): "rejected",
    ("approved", "withdraw"): "withdrawn",
}
"""(state, step) to the next state; a pair that is missing is refused."""


@dataclass(frozen=True, slots=True)
class NewTemplate:
    """What is imported: of which name, for which variety, from which document."""

    name: str
    variety_code: str
    manufacturer: str
    source: str
    items: tuple[Item, ...]


def propose(conn: Connection, wanted: NewTemplate, asker: Asker, now: datetime) -> int:
    """Keep a new version of a name, to be approved; gives its id.

    Raises
    ------
    TemplateError
        No such variety, no name or source, or nothing differs from the newest version.
    """
    if wanted.variety_code not in varieties():
        raise TemplateError([("variety_code", f"目录中没有品种 {wanted.variety_code} (no such variety)")])
    missing = [n for n, text in (("name", wanted.name), ("source", wanted.source)) if not text.strip()]
    if missing:
        raise TemplateError([(name, "不能为空 (needed)") for name in missing])
    name = wanted.name.strip()
    conn.execute(QUERIES.lock_name, (name,))
    newest = conn.execute(QUERIES.newest_version, (name,)).fetchone()
    items = stored(wanted.items)
    digest = digest_of({"items": items, "variety": wanted.variety_code, "manufacturer": wanted.manufacturer})
    if newest is not None and bytes(newest[1]) == digest:
        raise TemplateError([("文件", f"与第 {newest[0]} 版相同 (the same as version {newest[0]})")])
    values = {
        "name": name, "version": newest[0] + 1 if newest else 1, "variety": wanted.variety_code,
        "manufacturer": wanted.manufacturer.strip(), "source": wanted.source.strip(), "items": Jsonb(items),
        "digest": digest, "account": asker.account_id, "who": asker.display_name, "now": now,
    }  # fmt: skip
    row = conn.execute(QUERIES.insert_template, values).fetchone()
    return int(row[0]) if row else 0


def find(conn: Connection, template_id: int) -> tuple[Template, str]:
    """A version with its state: proposed, approved, rejected or withdrawn.

    Raises
    ------
    UnknownTemplateError
    """
    row = conn.execute(QUERIES.template, (template_id,)).fetchone()
    if row is None:
        raise UnknownTemplateError(f"没有模板 {template_id} (no such template)")
    state = conn.execute(QUERIES.state, (template_id,)).fetchone()
    return _template(row), state[0] if state else "proposed"


def decide(conn: Connection, template_id: int, step: str, reason: str, asker: Asker, now: datetime) -> str:
    """Approve, reject or withdraw a version; gives its new state.

    Raises
    ------
    UnknownTemplateError
    StepError
        Not in this state, or no reason.
    """
    template, state = find(conn, template_id)
    conn.execute(QUERIES.lock_name, (template.name,))
    following = STEPS.get((state, step))
    if following is None:
        raise StepError(f"模板状态为 {state}，不能 {step} (not possible in this state)")
    if following != "approved" and not reason.strip():
        raise StepError("请写明理由 (say why)")
    conn.execute(QUERIES.decide, (template_id, following, reason.strip(), asker.account_id, asker.display_name, now))
    return following


@dataclass(frozen=True, slots=True)
class Target:
    """One machine, or a variety with or without a manufacturer."""

    unit_id: str | None = None
    variety_code: str | None = None
    manufacturer: str = ""


def assign(conn: Connection, name: str, target: Target, asker: Asker, now: datetime) -> None:
    """Let a name's newest approved version hold for a target; an empty name takes the template away.

    Raises
    ------
    TemplateError
        No target or two, no approved version of that name, or no such variety.
    UnknownUnitError
    """
    if (target.unit_id is None) == (target.variety_code is None):
        raise TemplateError([("unit_id", "指定一台设备，或一个品种 (name one machine, or one variety)")])
    if target.variety_code is not None and target.variety_code not in varieties():
        raise TemplateError([("variety_code", f"目录中没有品种 {target.variety_code} (no such variety)")])
    if target.variety_code is not None and asker.scope_kind is not ScopeKind.JURISDICTION:
        raise TemplateError(
            [("variety_code", "按品种指定由监管部门办理，贵单位可逐台指定 (only the authority assigns to a variety)")]
        )
    if name and conn.execute(QUERIES.approved_of, (name,)).fetchone() is None:
        raise TemplateError([("name", f"“{name}”没有已批准的版本 (no approved version of that name)")])
    unit = None if target.unit_id is None else require_unit(conn, target.unit_id).no
    values = (name, unit, target.variety_code, target.manufacturer, asker.account_id, asker.display_name, now)
    conn.execute(QUERIES.assign, values)


def lists_of(conn: Connection, units: Mapping[str, str], now: datetime) -> dict[str, tuple[ItemList, ...]]:
    """What is maintained on machines.

    Parameters
    ----------
    units
        Variety code by unit id.

    Returns
    -------
    By unit id: the list that holds, then one that held until a few days ago. Empty: nobody said what is maintained.
    """
    versions: dict[str, list[tuple[Template, datetime]]] = {}
    for row in conn.execute(QUERIES.of_units, {"units": list(units)}):
        versions.setdefault(row[0], []).append((_template(row[1:8]), row[8]))
    found: dict[str, tuple[ItemList, ...]] = {}
    for unit, variety in units.items():
        standard = annex_list(variety)
        held = versions.get(unit, [])
        recent = held[:2] if held and held[0][1] > now - STILL_TAKEN else held[:1]
        lists = tuple(template.added_to(standard) for template, _ in recent)
        found[unit] = lists or ((standard,) if standard is not None else ())
        # until a few days ago the machine had the standard alone
        if len(held) == 1 and recent and held[0][1] > now - STILL_TAKEN and standard is not None:
            found[unit] = (*lists, standard)
    return found


def units_of(conn: Connection) -> list[str]:
    """The asker's firm's units that have a template, of whatever kind."""
    return [row[0] for row in conn.execute(QUERIES.templated_units)]


def names_of(conn: Connection, titles: str) -> dict[str, str]:
    """Item id to name, of the templates that a record names."""
    rows = conn.execute(QUERIES.titled, (titles.split(" + "),)).fetchall()
    return {item["id"]: item["name_zh"] for row in rows for item in row[0]}


def _template(row: Sequence[Any]) -> Template:
    return Template(row[0], row[1], row[2], row[3], row[4], row[5], restored(row[6]))
