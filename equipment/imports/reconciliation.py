"""核对: what sources and registry disagree about, decided by a person with a reason. Runs in the caller's scope."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from equipment.access.model import Asker
from equipment.access.store import Change, audit
from equipment.catalogue.varieties import varieties
from equipment.errors import DecisionError, OutOfScopeError, UnknownReconciliationError
from equipment.foundation.database import Connection
from equipment.imports.columns import ORGANISATIONS, columns
from equipment.imports.plan import DEFAULTS, new_id, typed
from equipment.imports.store import QUERIES
from equipment.registry.model import NewUnit
from equipment.registry.store import UnitChanges, create_unit, require_unit, update_unit

PAGE = 50
LONGEST_REASON = 500


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """One item of the work list (核对事项)."""

    id: int
    source: str
    source_key: str
    kind: str
    field: str
    unit_no: int | None
    unit_id: str | None
    unit_name: str | None
    candidates: list[int]
    candidate_ids: list[str]
    registry_value: Any
    source_value: Any
    job_id: int
    line: int
    opened_at: datetime
    seen_at: datetime
    decision: str | None
    reason: str | None
    decided_by_name: str | None
    decided_at: datetime | None


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decides: ``unit_id`` says which unit it is, where that is the question."""

    decision: str
    reason: str
    unit_id: str | None = None


@dataclass(frozen=True, slots=True)
class WorkFilter:
    """Which items of the work list; an empty text is no condition."""

    source: str = ""
    kind: str = ""
    decided: bool = False


def items(conn: Connection, wanted: WorkFilter, after: int = 0, limit: int = PAGE) -> list[Reconciliation]:
    """A page of the work list in the order of its ids."""
    values = {
        "source": wanted.source, "kind": wanted.kind, "decided": wanted.decided, "after": after, "limit": limit,
        "item": None,
    }  # fmt: skip
    return [Reconciliation(*row) for row in conn.execute(QUERIES.reconciliations, values)]


def require_item(conn: Connection, item_id: int) -> Reconciliation:
    """One item.

    Raises
    ------
    UnknownReconciliationError
        There is none, or the caller may not see it.
    """
    values = {"source": "", "kind": "", "decided": None, "after": 0, "limit": 1, "item": item_id}
    row = conn.execute(QUERIES.reconciliations, values).fetchone()
    if row is None:
        raise UnknownReconciliationError(f"没有核对事项 {item_id} (no such item)")
    return Reconciliation(*row)


def counts(conn: Connection) -> dict[tuple[str, str], int]:
    """Open items by source and kind."""
    return {(row[0], row[1]): row[2] for row in conn.execute(QUERIES.open_counts)}


def changes_of(item: Reconciliation) -> dict[str, Any]:
    """The values of the unit that taking the source's word sets."""
    if item.field == "position":
        return dict(item.source_value)
    return typed({item.field: item.source_value})


@dataclass(slots=True)
class _Act:
    conn: Connection
    item: Reconciliation
    wanted: Decision
    asker: Asker
    now: datetime

    def keep(self) -> None:
        """The registry is right; the same word of the source is not asked again."""

    def ignore(self) -> None:
        """The row is nothing for the registry."""

    def take(self) -> None:
        """The source is right."""
        if self.item.unit_id is None:
            raise DecisionError("没有对应的设备 (no unit)")
        unit = require_unit(self.conn, self.item.unit_id)
        update_unit(self.conn, unit.id, UnitChanges(changes_of(self.item)), self.asker, self.wanted.reason, self.now)

    def link(self) -> None:
        """The row is this unit: from now on its key finds it."""
        if not self.wanted.unit_id:
            raise DecisionError("请填写设备编号 (say which unit it is)")
        unit = require_unit(self.conn, self.wanted.unit_id)
        values = (self.item.source, self.item.source_key, unit.no, self.asker.account_id, self.now)
        self.conn.execute(QUERIES.link_source, values)

    def create(self) -> None:
        """The row is a unit that nobody has registered yet."""
        values = unit_values(self.conn, self.item)
        no = create_unit(self.conn, NewUnit(**values), self.now)
        audit(
            self.conn, self.asker, "unit.create", f"unit:{values['id']}", self.now,
            change=Change(self.wanted.reason, None, self.item.source_value),
        )  # fmt: skip
        self.conn.execute(
            QUERIES.link_source, (self.item.source, self.item.source_key, no, self.asker.account_id, self.now)
        )


ACTS: dict[str, dict[str, Callable[[_Act], None]]] = {
    "field": {"keep": _Act.keep, "take": _Act.take},
    "unmatched": {"link": _Act.link, "create": _Act.create, "ignore": _Act.ignore},
    "ambiguous": {"link": _Act.link, "ignore": _Act.ignore},
    "identity": {"link": _Act.link, "ignore": _Act.ignore},
}
"""What can be decided about each kind of item."""


def unit_values(conn: Connection, item: Reconciliation) -> dict[str, Any]:
    """A unit as an unmatched row states it.

    Raises
    ------
    DecisionError
        The row lacks what a unit cannot do without, or names organisations that are not registered.
    """
    stated = dict(item.source_value)
    missing = [c.zh for c in columns().values() if c.needed and not stated.get(c.field)]
    if missing:
        raise DecisionError(
            f"此行缺少 {'、'.join(missing)}，请在来源中补齐后重新导入，或指定已有设备 (the row lacks these: fill them in at the source)"
        )
    for target, (column, kind) in ORGANISATIONS.items():
        name, code = stated.pop(column, None), stated.pop(f"{column}_code", None)
        if name or code:
            found = conn.execute(QUERIES.one_organisation, {"kind": kind, "name": name, "code": code}).fetchone()
            if found is None:
                raise DecisionError(f"单位 {name or code} 未登记，请先登记 (register this organisation first)")
            stated[target] = found[0]
    key = stated.pop("source_key", None) or item.source_key
    whole = {**DEFAULTS, **{name: value for name, value in stated.items() if value is not None}}
    whole["id"] = stated.get("id") or new_id(stated, item.source, key)
    whole["kind"] = varieties()[whole["variety_code"]].kind
    return typed(whole)


def decide(conn: Connection, item_id: int, wanted: Decision, asker: Asker, now: datetime) -> Reconciliation:
    """Decide an item: act on the registry, keep the decision with its reason, write the audit entry.

    Raises
    ------
    UnknownReconciliationError, DecisionError, OutOfScopeError
    EquipmentInputError
        What the registry says to the change, for example that a code is taken.
    """
    conn.execute(QUERIES.lock_item, (item_id,))
    item = require_item(conn, item_id)
    act = ACTS[item.kind].get(wanted.decision)
    if item.decision is not None:
        raise DecisionError(f"此事项已决定: {item.decision} (decided already)")
    if act is None:
        raise DecisionError(f"此类事项可选 {', '.join(ACTS[item.kind])} (these can be decided)")
    if not wanted.reason.strip() or len(wanted.reason) > LONGEST_REASON:
        raise DecisionError(f"请写明理由，不超过 {LONGEST_REASON} 字 (say why)")
    act(_Act(conn, item, wanted, asker, now))
    done = conn.execute(
        QUERIES.close_item, (wanted.decision, wanted.reason.strip(), asker.account_id, now, item_id)
    ).rowcount
    if not done:
        raise OutOfScopeError("您的角色不能核对 (your role may not decide this)")
    before = {"registry": item.registry_value, "source": item.source_value, "field": item.field}
    after = {"decision": wanted.decision, "unit": wanted.unit_id or item.unit_id}
    audit(
        conn, asker, "reconciliation.decide", f"reconciliation:{item_id}", now,
        change=Change(wanted.reason.strip(), before, after, f"{item.source}:{item.source_key}"),
    )  # fmt: skip
    return require_item(conn, item_id)
