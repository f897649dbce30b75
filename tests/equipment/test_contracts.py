"""维保变更: the whole table, each party's part, and that nobody is ever without a firm to call."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from equipment.access.model import Role
from equipment.contracts import store
from equipment.contracts.lifecycle import ACTORS, OPEN, TRANSITIONS, Event, State, step
from equipment.contracts.model import NewContract, Step
from equipment.errors import DuplicateCodeError, FirmChangeStepError, InvalidUnitError, UnknownUnitError
from equipment.foundation.database import Connection
from equipment.registry.store import require_unit
from tests.conftest import START
from tests.equipment.register import Register, as_scoped, as_system


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("event", list(Event))
def test_every_pair_is_a_transition_or_a_named_error(state: State, event: Event) -> None:
    if (state, event) in TRANSITIONS:
        assert step(state, event) is TRANSITIONS[(state, event)]
        assert state in OPEN
    else:
        with pytest.raises(FirmChangeStepError):
            step(state, event)
    assert event in ACTORS


@pytest.fixture
def register(conn: Connection) -> Register:
    made = Register(conn, START)
    made.unit(1)
    return made


def test_the_old_firm_answers_until_the_new_one_has_taken_over(register: Register, conn: Connection) -> None:
    old, new = register.firms[0], register.firms[1]
    new_firm = register.asker(Role.FIRM_MANAGER, new)
    old_firm = register.asker(Role.FIRM_MANAGER, old)
    property_ = register.asker(Role.USE_UNIT_DIRECTOR, register.use_units[0])
    office = register.asker(Role.INSPECTOR, "341302")
    as_scoped(conn, new_firm)
    with pytest.raises(UnknownUnitError):
        store.claim(conn, "311010000201900001", "130002", new_firm, START)
    change = store.claim(conn, "311010000201900001", "130001", new_firm, START)
    with pytest.raises(FirmChangeStepError):
        store.claim(conn, "311010000201900001", "130001", new_firm, START)
    for asker, event in ((new_firm, "confirm"), (new_firm, "take_over")):
        with pytest.raises(FirmChangeStepError):
            store.act(conn, change, Step(event), asker, START)
    as_scoped(conn, property_)
    assert store.act(conn, change, Step("confirm"), property_, START).state == "confirmed"
    as_scoped(conn, old_firm)
    with pytest.raises(FirmChangeStepError):
        store.act(conn, change, Step("object"), old_firm, START)
    assert store.act(conn, change, Step("object", "合同未到期"), old_firm, START).state == "objected"
    as_scoped(conn, office)
    assert store.act(conn, change, Step("dismiss", "合同已解除"), office, START).state == "cleared"
    assert require_unit(conn, "L000001").firm_org_id == old
    as_scoped(conn, new_firm)
    later = START + timedelta(days=2)
    assert store.act(conn, change, Step("take_over"), new_firm, later).state == "taken_over"
    assert require_unit(conn, "L000001").firm_org_id == new
    as_system(conn)
    story = [(e, to) for e, _, to, _, _ in store.history_of(conn, change)]
    assert story == [
        ("claim", "claimed"), ("confirm", "confirmed"), ("object", "objected"), ("dismiss", "cleared"), ("take_over", "taken_over")
    ]  # fmt: skip
    periods = conn.execute(
        "select value, lower(valid), upper(valid) from equipment.firm_period where superseded_at is null order by 2"
    )
    assert periods.fetchall() == [(old, START.date(), later.date()), (new, later.date(), None)]


def test_silence_is_consent_after_the_term_and_a_lift_without_a_firm_needs_none(
    register: Register, conn: Connection
) -> None:
    register.unit(2, firm_org_id=None)
    new_firm = register.asker(Role.FIRM_MANAGER, register.firms[1])
    property_ = register.asker(Role.USE_UNIT_OFFICER, register.use_units[0])
    changes = [store.claim(conn, f"31101000020190000{n}", f"13000{n}", new_firm, START) for n in (1, 2)]
    confirmed = [store.act(conn, change, Step("confirm"), property_, START).state for change in changes]
    assert confirmed == ["confirmed", "cleared"]
    assert store.lapse_due(conn, START + store.OBJECTION_TERM - timedelta(seconds=1)) == 0
    assert store.lapse_due(conn, START + store.OBJECTION_TERM) == 1
    assert store.require_change(conn, changes[0]).state == "cleared"


def test_an_outsider_sees_no_change_and_no_contract(register: Register, conn: Connection) -> None:
    new_firm = register.asker(Role.FIRM_MANAGER, register.firms[1])
    store.claim(conn, "311010000201900001", "130001", new_firm, START)
    contract(register, conn)
    as_scoped(conn, register.asker(Role.FIRM_MANAGER, register.firms[2]))
    assert store.changes(conn) == []
    assert store.contracts(conn) == []
    as_system(conn)
    as_scoped(conn, register.asker(Role.INSPECTOR, "341302"))
    assert len(store.changes(conn)) == len(store.contracts(conn)) == 1


def contract(register: Register, conn: Connection, number: str = "WB-1", unit: str = "L000001") -> int:
    days = (date(2026, 1, 1), date(2026, 1, 1), date(2027, 1, 1))
    new = NewContract(number, register.firms[0], register.use_units[0], *days, units=(unit,))
    return store.register_contract(conn, new, None, START)


def test_a_lift_has_one_contract_at_a_time(register: Register, conn: Connection) -> None:
    contract(register, conn)
    with pytest.raises(DuplicateCodeError):
        contract(register, conn, "WB-2")
    with pytest.raises(DuplicateCodeError):
        contract(register, conn)
    with pytest.raises(InvalidUnitError):
        contract(register, conn, "WB-3", "L999999")
    (found,) = store.contracts(conn)
    assert (found.number, found.units, found.until) == ("WB-1", 1, date(2027, 1, 1))
