"""What happens to a contract after it was signed: 终止, 续期, 增加 and 减少电梯. What held before is kept.

None of it changes who answers for a rescue: that is the firm of the unit, until another has taken over (维保变更).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

import psycopg

from equipment.access.model import Asker
from equipment.access.store import Change, audit
from equipment.contracts.model import ENDING, Contract, ContractChange, ContractEntry, ContractEvent, ContractUnit
from equipment.contracts.store import QUERIES
from equipment.errors import (
    DuplicateCodeError,
    InvalidPeriodError,
    InvalidUnitError,
    OutOfScopeError,
    UnknownContractError,
)
from equipment.foundation.clock import SHANGHAI
from equipment.foundation.database import Connection


def require_contract(conn: Connection, contract: int, today: date) -> Contract:
    """The contract of that id.

    Raises
    ------
    UnknownContractError
    """
    values = {
        "id": contract, "organisation": None, "state": "", "today": today, "soon": today + ENDING, "after": 0, "limit": 1,
    }  # fmt: skip
    row = conn.execute(QUERIES.contracts, values).fetchone()
    if row is None:
        raise UnknownContractError(f"没有维保合同 {contract} (no such contract, or not yours to see)")
    return Contract(*row)


def units_of(conn: Connection, contract: int) -> list[ContractUnit]:
    """The lifts of a contract with the days that it covers each."""
    return [ContractUnit(*row) for row in conn.execute(QUERIES.contract_units, (contract,))]


def entries_of(conn: Connection, contract: int) -> list[ContractEntry]:
    """What was changed in a contract, oldest first."""
    return [ContractEntry(*row) for row in conn.execute(QUERIES.contract_events, (contract,))]


def lock(conn: Connection, contract: int) -> None:
    """Let nobody else change the contract until the end of this transaction."""
    conn.execute(QUERIES.lock_contract, (contract,))


def amend(conn: Connection, contract: int, change: ContractChange, asker: Asker, now: datetime) -> Contract:
    """Change a contract from a day on.

    Raises
    ------
    UnknownContractError, OutOfScopeError
    InvalidPeriodError
        The day does not fit the days of the contract, or no reason is given.
    InvalidUnitError
        A lift is not one that can be added or taken out.
    DuplicateCodeError
        A lift has another contract in that time.
    """
    lock(conn, contract)
    today = now.astimezone(SHANGHAI).date()
    before = require_contract(conn, contract, today)
    if not change.reason.strip():
        raise InvalidPeriodError("请填写理由 (say why)")
    values: dict[str, Any] = {
        "contract": contract, "day": change.day, "until": before.until, "since": change.day, "now": now,
        "firm": before.firm_org_id, "use_unit": before.use_org_id, "units": None, "named": sorted(set(change.units)),
        "event": change.event.value, "reason": change.reason.strip(), "account": asker.account_id,
    }  # fmt: skip
    with _in_words(), conn.transaction():
        ACTS[change.event](conn, before, values)
        if not conn.execute(QUERIES.touch_contract, (now, contract)).rowcount:
            raise OutOfScopeError("您的角色不能变更合同 (your role may not change a contract)")
        conn.execute(QUERIES.insert_contract_event, values)
    audit(
        conn, asker, f"contract.{change.event.value}", f"contract:{contract}", now,
        change=Change(values["reason"], {"until": _iso(before.until)}, {"day": _iso(change.day), "units": values["named"]}),
    )  # fmt: skip
    return require_contract(conn, contract, today)


@contextmanager
def _in_words() -> Iterator[None]:
    try:
        yield
    except psycopg.errors.ExclusionViolation as error:
        raise DuplicateCodeError("其中有电梯在此期间已有合同 (a lift has a contract in that time)") from error
    except psycopg.errors.InsufficientPrivilege as error:
        raise OutOfScopeError("只能变更本单位的合同 (only contracts of your own organisation)") from error


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _days(contract: Contract) -> tuple[date, date]:
    if contract.since is None or contract.until is None:
        raise InvalidPeriodError("合同已作废，请登记新合同 (the contract is void: register a new one)")
    return contract.since, contract.until


def _within(contract: Contract, day: date) -> None:
    since, until = _days(contract)
    if not since <= day < until:
        raise InvalidPeriodError(
            f"日期须在合同期内: {since} 至 {contract.last_day} (the day must lie within the contract)"
        )


def _end(conn: Connection, contract: Contract, values: dict[str, Any]) -> None:
    """On its first day: it never held, and is void."""
    _within(contract, values["day"])
    conn.execute(QUERIES.end_units, values)


def _extend(conn: Connection, contract: Contract, values: dict[str, Any]) -> None:
    _, until = _days(contract)
    if values["day"] <= until:
        raise InvalidPeriodError(f"新的止日须晚于 {contract.last_day} (it must end later than it does)")
    conn.execute(QUERIES.extend_units, values)


def _add(conn: Connection, contract: Contract, values: dict[str, Any]) -> None:
    _within(contract, values["day"])
    wanted = values["named"]
    covered = conn.execute(QUERIES.insert_contract_units, values | {"units": wanted}).rowcount if wanted else 0
    if not wanted or covered != len(wanted):
        raise InvalidUnitError("请选择该使用单位的电梯 (choose lifts of that use-unit)")


def _remove(conn: Connection, contract: Contract, values: dict[str, Any]) -> None:
    _within(contract, values["day"])
    wanted = values["named"]
    row = conn.execute(QUERIES.end_units, values | {"units": wanted}).fetchone()
    if not wanted or row is None or row[0] != len(wanted):
        raise InvalidUnitError("请选择合同中的电梯 (choose lifts that the contract covers on that day)")


ACTS: dict[ContractEvent, Callable[[Connection, Contract, dict[str, Any]], None]] = {
    ContractEvent.END: _end,
    ContractEvent.EXTEND: _extend,
    ContractEvent.ADD_UNITS: _add,
    ContractEvent.REMOVE_UNITS: _remove,
}
"""What each change does."""
