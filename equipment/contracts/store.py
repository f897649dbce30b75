"""Contracts and changes of firm in the database. Every function runs in its caller's transaction and scope."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import psycopg

from equipment.access.model import Asker, Role, ScopeKind
from equipment.access.store import Change, audit
from equipment.contracts.lifecycle import ACTORS, NEEDS_REASON, OPEN, Event, Party, State, step
from equipment.contracts.model import (
    ENDING,
    Contract,
    ContractFilter,
    ContractOfUnit,
    FirmChange,
    Lift,
    NewContract,
    Step,
)
from equipment.errors import (
    ChangedMeanwhileError,
    DuplicateCodeError,
    FirmChangeStepError,
    InvalidPeriodError,
    InvalidUnitError,
    OutOfScopeError,
    UnknownFirmChangeError,
    UnknownUnitError,
)
from equipment.foundation.database import Connection, load_queries
from equipment.registry.codes import check_rescue_code, tidy

QUERIES = load_queries(__file__)
OBJECTION_TERM = timedelta(days=5)
"""Within which the old firm may object. Our own default: no rule names one; see docs/sources.md."""
ABSENT = "没有这项维保变更 (no such change of firm, or not yours to see)"


def register_contract(conn: Connection, new: NewContract, asker: Asker | None, now: datetime) -> int:
    """Register a contract with its lifts; returns its id.

    Raises
    ------
    InvalidPeriodError
        It ends before it begins.
    InvalidUnitError
        A lift is not one of the use-unit's, or none is named.
    DuplicateCodeError
        The firm has a contract of that number, or a lift has one in that time.
    OutOfScopeError
    """
    if new.until <= new.since:
        raise InvalidPeriodError(f"合同止日 {new.until} 须晚于起日 {new.since} (the contract must end after it begins)")
    wanted = sorted(set(new.units))
    values = {
        "number": new.number.strip(), "firm": new.firm_org_id, "use_unit": new.use_org_id, "signed_on": new.signed_on,
        "mode": new.mode, "now": now, "account": None if asker is None else asker.account_id,
        "since": new.since, "until": new.until, "units": wanted,
    }  # fmt: skip
    if not wanted or not values["number"]:
        raise InvalidUnitError("合同须有编号和电梯 (a contract needs its number and its lifts)")
    try:
        with conn.transaction():
            row = conn.execute(QUERIES.insert_contract, values).fetchone()
            number = int(row[0]) if row else 0
            covered = conn.execute(QUERIES.insert_contract_units, values | {"contract": number}).rowcount
            if covered != len(wanted):
                raise InvalidUnitError(
                    f"{len(wanted) - covered} 台不属于该使用单位 (not lifts of that use-unit): check the list"
                )
    except psycopg.errors.ExclusionViolation as error:
        raise DuplicateCodeError("其中有电梯在此期间已有合同 (a lift has a contract in that time)") from error
    except psycopg.errors.UniqueViolation as error:
        raise DuplicateCodeError(f"合同编号 {new.number} 已登记 (that number is registered)") from error
    except psycopg.errors.InsufficientPrivilege as error:
        raise OutOfScopeError("只能登记本单位的合同 (only contracts of your own organisation)") from error
    if asker is not None:
        audit(conn, asker, "contract.register", f"contract:{number}", now, change=Change(after={"units": wanted}))
    return number


def contracts(
    conn: Connection, today: date, wanted: ContractFilter | None = None, after: int = 0, limit: int = 50
) -> list[Contract]:
    """Contracts in order of their number that the caller may see."""
    wanted = wanted or ContractFilter()
    values = {
        "id": None, "organisation": wanted.organisation, "state": wanted.state, "today": today, "soon": today + ENDING,
        "after": after, "limit": limit,
    }  # fmt: skip
    return [Contract(*row) for row in conn.execute(QUERIES.contracts, values)]


def lifts_of(conn: Connection, use_unit: int, day: date, limit: int = 2_000) -> list[Lift]:
    """Lifts and escalators of a use-unit that the caller may see, with the contract of a day."""
    values = {"use_unit": use_unit, "day": day, "limit": limit}
    return [Lift(*row) for row in conn.execute(QUERIES.lifts_of_use_unit, values)]


def contract_of(conn: Connection, unit_no: int, today: date) -> ContractOfUnit | None:
    """The contract that covers a lift on a day, as far as the caller may see it."""
    row = conn.execute(QUERIES.contract_of_unit, (unit_no, today)).fetchone()
    return None if row is None else ContractOfUnit(*row)


def claim(conn: Connection, device_code: str, plate: str, asker: Asker, now: datetime) -> int:
    """申报接管: the new firm proves by both codes that it stood before the lift; returns the change's id.

    Raises
    ------
    UnknownUnitError
        The codes do not belong to one lift.
    FirmChangeStepError
        The firm has the lift already, it has no use-unit, or another change is under way.
    """
    if asker.organisation_id is None or asker.role is not Role.FIRM_MANAGER:
        raise OutOfScopeError("只有维保单位负责人可以申报 (only a firm's manager can claim a lift)")
    found = conn.execute(QUERIES.unit_for_claim, (tidy(device_code), check_rescue_code(plate))).fetchone()
    if found is None:
        raise UnknownUnitError(
            "设备代码与救援识别码不是同一台电梯 (these two codes are not of one lift): read both again"
        )
    no, unit_id, name, old_firm, use_unit = found
    if old_firm == asker.organisation_id:
        raise FirmChangeStepError("该电梯已由贵单位维保 (your firm has this lift already)")
    if use_unit is None:
        raise FirmChangeStepError(
            "该电梯没有使用单位，请先到监管所登记 (it has no use-unit: have that registered first)"
        )
    values = (no, unit_id, name, asker.organisation_id, old_firm, use_unit, now)
    try:
        with conn.transaction():
            row = conn.execute(QUERIES.insert_change, values).fetchone()
    except psycopg.errors.UniqueViolation as error:
        raise FirmChangeStepError("该电梯已有进行中的维保变更 (another change of its firm is under way)") from error
    change = int(row[0]) if row else 0
    conn.execute(
        QUERIES.insert_event, (change, "claim", None, State.CLAIMED.value, now, asker.account_id, "")
    )  # fmt: skip
    audit(conn, asker, "firm_change.claim", f"unit:{unit_id}", now)
    return change


def changes(
    conn: Connection, unit_id: str = "", after: int = 0, limit: int = 50, *, open_only: bool = False
) -> list[FirmChange]:
    """Changes of firm in order of their number, of one unit (empty: all the caller may see)."""
    values = {"id": None, "unit": unit_id, "open": open_only, "after": after, "limit": limit}
    return [FirmChange(*row) for row in conn.execute(QUERIES.changes, values)]


def require_change(conn: Connection, change: int) -> FirmChange:
    """The change of that id.

    Raises
    ------
    UnknownFirmChangeError
    """
    values = {"id": change, "unit": "", "open": False, "after": 0, "limit": 1}
    row = conn.execute(QUERIES.changes, values).fetchone()
    if row is None:
        raise UnknownFirmChangeError(ABSENT)
    return FirmChange(*row)


def party_of(asker: Asker, change: FirmChange) -> Party | None:
    """Which side of the change the asker speaks for; None: none."""
    if asker.scope_kind is ScopeKind.JURISDICTION:
        return Party.AUTHORITY if asker.role in (Role.INSPECTOR, Role.REGULATOR) else None
    speaks = asker.role in (Role.FIRM_MANAGER, Role.USE_UNIT_DIRECTOR, Role.USE_UNIT_OFFICER)
    sides = {
        change.new_firm_org_id: Party.NEW_FIRM,
        change.old_firm_org_id: Party.OLD_FIRM,
        change.use_org_id: Party.USE_UNIT,
    }
    return sides.get(asker.organisation_id) if speaks and asker.organisation_id is not None else None


def act(conn: Connection, change_id: int, wanted: Step, asker: Asker, now: datetime) -> FirmChange:
    """One step by one party.

    Raises
    ------
    UnknownFirmChangeError, FirmChangeStepError
    ChangedMeanwhileError
        It has moved on since ``wanted.version``.
    """
    conn.execute(QUERIES.lock_change, (change_id,))
    change = require_change(conn, change_id)
    try:
        event = Event(wanted.event)
    except ValueError:
        raise FirmChangeStepError(f"没有 {wanted.event!r} 这一步 (no such step)") from None
    if wanted.version is not None and wanted.version != change.version:
        raise ChangedMeanwhileError("维保变更已有进展，请刷新 (it has moved on: read it again)")
    if party_of(asker, change) is not ACTORS[event]:
        raise FirmChangeStepError(f"{event.value} 须由 {ACTORS[event].value} 办理 (belongs to another party)")
    if event in NEEDS_REASON and not wanted.reason.strip():
        raise FirmChangeStepError("请填写理由 (say why)")
    _move(conn, change, event, (asker.account_id, wanted.reason), now)
    audit(conn, asker, f"firm_change.{event.value}", f"unit:{change.unit_id}", now, reason=wanted.reason or None)
    return require_change(conn, change_id)


def _move(conn: Connection, change: FirmChange, event: Event, who: tuple[int | None, str], now: datetime) -> None:
    before = State(change.state)
    after = step(before, event)
    account, reason = who
    if after is State.TAKEN_OVER:
        row = conn.execute(QUERIES.take_over, (change.id, now, reason or "维保变更接管")).fetchone()
        moved = bool(row and row[0])
    else:
        term = now + OBJECTION_TERM if after is State.CONFIRMED else None
        closed = None if after in OPEN else now
        moved = bool(conn.execute(QUERIES.move, (after.value, term, closed, change.id, change.version)).rowcount)
    if not moved:
        raise ChangedMeanwhileError("维保变更已有进展，请刷新 (it has moved on: read it again)")
    conn.execute(
        QUERIES.insert_event, (change.id, event.value, before.value, after.value, now, account, reason)
    )  # fmt: skip
    if after is State.CONFIRMED and change.old_firm_org_id is None:
        _move(conn, require_change(conn, change.id), Event.LAPSE, (None, "无原维保单位"), now)


def lapse_due(conn: Connection, now: datetime) -> int:
    """Clear what nobody objected to in time; returns how many."""
    found = [int(row[0]) for row in conn.execute(QUERIES.lapsed, (now,))]
    for change in found:
        _move(conn, require_change(conn, change), Event.LAPSE, (None, "异议期满"), now)
    return len(found)


def history_of(conn: Connection, change: int) -> list[tuple[str, str | None, str, datetime, str]]:
    """Event, state before, state after, time and reason, oldest first."""
    return [(r[0], r[1], r[2], r[3], r[4]) for r in conn.execute(QUERIES.events, (change,))]
