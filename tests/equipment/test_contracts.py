"""维保变更: the whole table, each party's part, and that nobody is ever without a firm to call."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from equipment.access.model import Asker, Role
from equipment.contracts import amendments, store
from equipment.contracts.lifecycle import ACTORS, OPEN, TRANSITIONS, Event, State, step
from equipment.contracts.model import Contract, ContractChange, ContractEvent, NewContract, Step
from equipment.errors import (
    DuplicateCodeError,
    FirmChangeStepError,
    InvalidPeriodError,
    InvalidUnitError,
    OutOfScopeError,
    UnknownContractError,
    UnknownUnitError,
)
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
    assert store.contracts(conn, START.date()) == []
    as_system(conn)
    as_scoped(conn, register.asker(Role.INSPECTOR, "341302"))
    assert len(store.changes(conn)) == len(store.contracts(conn, START.date())) == 1


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
    (found,) = store.contracts(conn, START.date())
    assert (found.number, found.units, found.until) == ("WB-1", 1, date(2027, 1, 1))


def changed(conn: Connection, number: int, event: ContractEvent, day: date, asker: Asker, *units: str) -> Contract:
    return amendments.amend(conn, number, ContractChange(event, day, "双方约定", units), asker, START)


def test_a_contract_is_extended_gains_and_loses_lifts_and_ends_and_nothing_of_it_is_lost(
    register: Register, conn: Connection
) -> None:
    register.unit(2)
    number = contract(register, conn)
    manager = register.asker(Role.FIRM_MANAGER, register.firms[0])
    as_scoped(conn, manager)
    assert changed(conn, number, ContractEvent.EXTEND, date(2028, 1, 1), manager).last_day == date(2027, 12, 31)
    assert changed(conn, number, ContractEvent.ADD_UNITS, date(2026, 6, 1), manager, "L000002").units == 2
    with pytest.raises(InvalidUnitError):
        changed(conn, number, ContractEvent.ADD_UNITS, date(2026, 6, 1), manager, "L999999")
    with pytest.raises(DuplicateCodeError):
        changed(conn, number, ContractEvent.ADD_UNITS, date(2026, 7, 1), manager, "L000002")
    changed(conn, number, ContractEvent.REMOVE_UNITS, date(2026, 9, 1), manager, "L000001")
    with pytest.raises(InvalidUnitError):
        changed(conn, number, ContractEvent.REMOVE_UNITS, date(2026, 10, 1), manager, "L000001")
    ended = changed(conn, number, ContractEvent.END, date(2027, 3, 1), manager)
    assert (ended.until, ended.state(date(2026, 3, 2)), ended.state(date(2027, 3, 1))) == (
        date(2027, 3, 1),
        "in_force",
        "over",
    )
    found = [(u.unit_id, u.since, u.until) for u in amendments.units_of(conn, number)]
    assert found == [
        ("L000001", date(2026, 1, 1), date(2026, 9, 1)), ("L000002", date(2026, 6, 1), date(2027, 3, 1))
    ]  # fmt: skip
    assert [e.event for e in amendments.entries_of(conn, number)] == ["extend", "add_units", "remove_units", "end"]
    as_system(conn)
    kept = conn.execute("select count(*) from equipment.contract_unit where superseded_at is not null").fetchone()
    assert kept == (3,)
    assert require_unit(conn, "L000001").firm_org_id == register.firms[0]


@pytest.mark.parametrize(("event", "day"), [
    (ContractEvent.END, date(2025, 12, 31)), (ContractEvent.END, date(2027, 1, 1)), (ContractEvent.EXTEND, date(2027, 1, 1)),
    (ContractEvent.ADD_UNITS, date(2027, 1, 1)), (ContractEvent.REMOVE_UNITS, date(2025, 1, 1)),
])  # fmt: skip
def test_a_day_that_does_not_fit_the_contract_is_refused(
    register: Register, conn: Connection, event: ContractEvent, day: date
) -> None:
    number = contract(register, conn)
    with pytest.raises(InvalidPeriodError):
        changed(conn, number, event, day, register.asker(Role.INSPECTOR, "341302"), "L000001")


def test_a_contract_ended_on_its_first_day_is_void_and_its_lifts_are_free(register: Register, conn: Connection) -> None:
    number, office = contract(register, conn), register.asker(Role.INSPECTOR, "341302")
    void = changed(conn, number, ContractEvent.END, date(2026, 1, 1), office)
    assert (void.units, void.state(date(2026, 3, 2))) == (0, "void")
    with pytest.raises(InvalidPeriodError):
        changed(conn, number, ContractEvent.EXTEND, date(2028, 1, 1), office)
    contract(register, conn, "WB-2")


def test_only_its_parties_and_the_authority_change_a_contract(register: Register, conn: Connection) -> None:
    number = contract(register, conn)
    stranger = register.asker(Role.FIRM_MANAGER, register.firms[1])
    worker = register.asker(Role.FIRM_WORKER, register.firms[0])
    for asker, refusal in ((stranger, UnknownContractError), (worker, OutOfScopeError)):
        as_scoped(conn, asker)
        with pytest.raises(refusal):
            changed(conn, number, ContractEvent.END, date(2026, 6, 1), asker)
        as_system(conn)


def test_each_party_of_a_change_of_firm_reads_the_names_of_the_others(register: Register, conn: Connection) -> None:
    new_firm = register.asker(Role.FIRM_MANAGER, register.firms[1])
    store.claim(conn, "311010000201900001", "130001", new_firm, START)
    names = ("甲乙丙1电梯", "甲乙丙0电梯", "物业0")
    parties = (
        new_firm, register.asker(Role.FIRM_MANAGER, register.firms[0]),
        register.asker(Role.USE_UNIT_DIRECTOR, register.use_units[0]), register.asker(Role.INSPECTOR, "341302"),
    )  # fmt: skip
    for asker in parties:
        as_scoped(conn, asker)
        (change,) = store.changes(conn)
        assert (change.new_firm, change.old_firm, change.use_unit) == names
        as_system(conn)
    outsider = register.asker(Role.FIRM_MANAGER, register.firms[2])
    as_scoped(conn, new_firm)
    old = conn.execute("select name from equipment.organisation where id = %s", (register.firms[0],)).fetchone()
    assert old is None, "the name, and nothing else"
    as_system(conn)
    as_scoped(conn, outsider)
    assert conn.execute("select * from equipment.firm_change_names(1)").fetchall() == []
