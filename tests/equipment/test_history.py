"""Periods: the database against a model that knows every day by itself; projection, scope, and hand-over."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from equipment.access.model import Role
from equipment.errors import DuplicateCodeError, InvalidPeriodError, OutOfScopeError, UnknownHandoverError
from equipment.foundation.clock import ManualClock
from equipment.foundation.database import Connection
from equipment.history import store as history
from equipment.history.model import Amendment, Attribute, Span, Wanted
from equipment.registry import store
from equipment.registry.store import UnitChanges
from tests.conftest import START
from tests.equipment.register import Register, as_scoped, as_system

TODAY = START.date()
HORIZON = 40
FIRST = TODAY - timedelta(days=HORIZON)
DAYS = [FIRST + timedelta(days=n) for n in range(2 * HORIZON + 1)]
"""The last of them stands for every day after it."""
PLACES = {"341302-01": "341302", "341302-02": "341302", "341321-01": "341321"}
STATUSES = ("in_use", "stopped", "scrapped")


class Model:
    """The same register, one value per attribute and day."""

    def __init__(self) -> None:
        self.days: list[dict[str, list[Any]]] = []

    def register(self, status: str, place: str, first_use: date | None, insured_to: date | None, firm: int) -> None:
        blank: dict[str, list[Any]] = {
            name: [None] * len(DAYS) for name in ("status", "jurisdiction", "policy", "firm")
        }
        self.days.append(blank)
        since = first_use or TODAY
        self.set(-1, "status", status, since if status == "in_use" else TODAY, None)
        self.set(-1, "jurisdiction", place, since, None)
        self.set(-1, "firm", firm, TODAY, None)
        if insured_to is not None:
            self.set(-1, "policy", "", min(TODAY, insured_to), insured_to + timedelta(days=1))

    def set(self, unit: int, name: str, value: Any, since: date, until: date | None) -> None:
        for n, day in enumerate(DAYS):
            if since <= day and (until is None or day < until):
                self.days[unit][name][n] = value

    def matches(self, unit: int, n: int, wanted: Wanted) -> bool:
        at = {name: values[n] for name, values in self.days[unit].items()}
        if at["status"] is None or at["jurisdiction"] is None:
            return False
        return (
            wanted.jurisdiction in ("", at["jurisdiction"], PLACES[at["jurisdiction"]], "341300")
            and wanted.status in ("", at["status"])
            and (wanted.insured is None or wanted.insured == (at["policy"] is not None))
        )

    def count(self, day: date, wanted: Wanted) -> int:
        n = min((day - FIRST).days, len(DAYS) - 1)
        return sum(self.matches(unit, n, wanted) for unit in range(len(self.days)))


days = st.sampled_from(DAYS)
new_units = st.fixed_dictionaries(
    {
        "status": st.sampled_from(STATUSES),
        "place": st.sampled_from(sorted(PLACES)),
        "first_use": st.none() | st.sampled_from(DAYS[:HORIZON]),
        "insured_to": st.none() | st.sampled_from(DAYS[:-1]),
    }
)
amendments = st.one_of(
    st.tuples(st.just(Attribute.STATUS), st.sampled_from(STATUSES)),
    st.tuples(st.just(Attribute.JURISDICTION), st.sampled_from(sorted(PLACES))),
    st.tuples(st.just(Attribute.POLICY), st.none() | st.sampled_from(["P1", "P2"])),
    st.tuples(st.just(Attribute.FIRM), st.none() | st.sampled_from([0, 1, 2])),
)
wanted = st.builds(
    Wanted,
    jurisdiction=st.sampled_from(["", "341300", "341302", "341302-02", "341321"]),
    status=st.sampled_from(["", *STATUSES]),
    insured=st.sampled_from([None, True, False]),
)
steps = st.tuples(st.integers(0, 3), amendments, days, st.integers(1, 30) | st.none())


@pytest.fixture(scope="module")
def scratch(plain_server: Any) -> Any:
    from tests.conftest import _fresh

    yield from _fresh(plain_server)


@settings(
    max_examples=25,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    units=st.lists(new_units, min_size=1, max_size=4),
    changes=st.lists(steps, max_size=8),
    questions=st.lists(st.tuples(days, st.integers(1, 60), wanted), min_size=3, max_size=5),
)
def test_counts_and_exposure_of_any_day_are_those_of_a_day_by_day_model(
    scratch: Any, units: list[dict[str, Any]], changes: list[Any], questions: list[Any]
) -> None:
    with scratch.connect() as conn:
        register, model = Register(conn, START), Model()
        ids = []
        for n, u in enumerate(units):
            ids.append(
                register.unit(
                    n + 1, status=u["status"], jurisdiction_id=u["place"], first_use_date=u["first_use"],
                    insurance_valid_to=u["insured_to"],
                )
            )  # fmt: skip
            model.register(u["status"], u["place"], u["first_use"], u["insured_to"], register.firms[0])
        for which, (attribute, value), since, length in changes:
            unit = which % len(ids)
            given_value = register.firms[value] if attribute is Attribute.FIRM and value is not None else value
            until = None if length is None else min(since + timedelta(days=length), DAYS[-1])
            if until is None and attribute is Attribute.POLICY:
                until = DAYS[-1]
            if until is not None and until <= since:
                continue
            amendment = Amendment(attribute, given_value, Span(since, until), "试")
            history.amend(conn, ids[unit], amendment, None, START)
            model.set(unit, attribute.value, given_value, since, until)
        for day, length, what in questions:
            assert history.units_as_of(conn, day, what) == model.count(day, what)
            span = Span(day, day + timedelta(days=length))
            brute = sum(model.count(day + timedelta(days=n), what) for n in range(length))
            assert history.unit_days(conn, span, what) == brute
        for unit, unit_id in enumerate(ids):
            row = store.require_unit(conn, unit_id)
            today = {name: values[HORIZON] for name, values in model.days[unit].items()}
            assert row.status == (today["status"] or "unregistered")
            assert row.firm_org_id == today["firm"]
            if today["jurisdiction"] is not None:
                assert row.jurisdiction_id == today["jurisdiction"]
            insured = row.insurance_valid_to is not None and row.insurance_valid_to >= TODAY
            assert insured == (today["policy"] is not None)
        conn.rollback()


@pytest.fixture
def register(conn: Connection) -> Register:
    return Register(conn, START)


def of(conn: Connection, unit: str, attribute: Attribute) -> list[tuple[str, date, date | None]]:
    no = store.require_unit(conn, unit).no
    return [(p.value, p.since, p.until) for p in history.periods(conn, no) if p.attribute == attribute.value]


def test_a_change_of_the_unit_opens_a_period_with_its_reason(register: Register, conn: Connection) -> None:
    unit = register.unit(1)
    asker = register.asker(Role.REGULATOR, "341300")
    later = START + timedelta(days=9)
    store.update_unit(conn, unit, UnitChanges({"status": "stopped", "rescue_code": "139999"}), asker, "报停申请", later)
    assert of(conn, unit, Attribute.STATUS) == [("in_use", TODAY, later.date()), ("stopped", later.date(), None)]
    assert of(conn, unit, Attribute.PLATE) == [("130001", TODAY, later.date()), ("139999", later.date(), None)]
    found = history.periods(conn, store.require_unit(conn, unit).no)
    assert {p.reason for p in found if p.since == later.date()} == {"报停申请"}


def test_a_correction_supersedes_and_deletes_nothing(register: Register, conn: Connection) -> None:
    unit = register.unit(1, first_use_date=date(2020, 1, 1))
    back = Span(date(2025, 1, 1), date(2025, 7, 1))
    history.amend(conn, unit, Amendment(Attribute.STATUS, "stopped", back, "补录停用"), None, START)
    assert of(conn, unit, Attribute.STATUS) == [
        ("in_use", date(2020, 1, 1), date(2025, 1, 1)),
        ("stopped", date(2025, 1, 1), date(2025, 7, 1)),
        ("in_use", date(2025, 7, 1), None),
    ]
    no = store.require_unit(conn, unit).no
    assert len(history.periods(conn, no, superseded=True)) == len(history.periods(conn, no)) + 1
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation), conn.transaction():
        conn.execute("delete from equipment.status_period")
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation), conn.transaction():
        conn.execute("update equipment.status_period set value = 'scrapped'")


def test_two_periods_of_one_attribute_cannot_overlap(register: Register, conn: Connection) -> None:
    unit = store.require_unit(conn, register.unit(1))
    with pytest.raises(psycopg.errors.ExclusionViolation), conn.transaction():
        conn.execute(
            "insert into equipment.status_period (unit_no, value, valid, recorded_at) values (%s, 'stopped', %s, now())",
            (unit.no, f"[{TODAY},)"),
        )


def test_a_plate_belongs_to_one_lift_on_any_day_and_may_be_issued_again(register: Register, conn: Connection) -> None:
    one, two = register.unit(1), register.unit(2)
    with pytest.raises(DuplicateCodeError):
        history.amend(conn, two, Amendment(Attribute.PLATE, "130001", Span(date(2025, 1, 1)), "换牌"), None, START)
    history.amend(conn, one, Amendment(Attribute.PLATE, "135555", Span(TODAY), "换牌"), None, START)
    history.amend(conn, two, Amendment(Attribute.PLATE, "130001", Span(TODAY), "换牌"), None, START)
    found = store.find_by_rescue_code(conn, "130001")
    assert found is not None
    assert found.id == two


@pytest.mark.parametrize(
    "amendment",
    [
        Amendment(Attribute.STATUS, "stopped", Span(TODAY, TODAY), "停"),
        Amendment(Attribute.STATUS, "stopped", Span(date(1, 1, 1)), "停"),
        Amendment(Attribute.STATUS, "stopped", Span(TODAY), " "),
        Amendment(Attribute.POLICY, "P1", Span(TODAY), "续保"),
        Amendment(Attribute.FIRM, "安捷", Span(TODAY), "换"),
    ],
)
def test_an_impossible_period_is_refused_in_words(register: Register, conn: Connection, amendment: Amendment) -> None:
    unit = register.unit(1)
    with pytest.raises(InvalidPeriodError):
        history.amend(conn, unit, amendment, None, START)


def test_a_delegation_ends_by_itself_and_the_work_moves_twice(
    register: Register, conn: Connection, clock: ManualClock
) -> None:
    unit = register.unit(1)
    there = register.asker(Role.INSPECTOR, "341372")
    here = register.asker(Role.INSPECTOR, "341302")
    span = Span(TODAY + timedelta(days=1), TODAY + timedelta(days=11))
    history.amend(conn, unit, Amendment(Attribute.JURISDICTION, "341372", span, "委托经开区分局"), None, START)
    assert history.project_changes(conn, START) == 0
    assert history.project_changes(conn, START + timedelta(days=1)) == 1
    assert store.require_unit(conn, unit).jurisdiction_path == "/341300/341372/"
    work = [{"kind": "hazard", "number": "YH1"}]
    assert history.list_open_work(conn, lambda _conn, _no: work, START) == 1
    as_scoped(conn, here)
    assert store.find_by_id(conn, unit) is None
    as_scoped(conn, there)
    assert store.find_by_id(conn, unit) is not None
    (given_over,) = history.handovers(conn, open_only=True)
    assert (given_over.from_id, given_over.to_id, given_over.until) == ("341302-01", "341372", span.until)
    assert given_over.open_work == work
    history.receive(conn, given_over.id, there, START)
    with pytest.raises(UnknownHandoverError):
        history.receive(conn, given_over.id, there, START)
    as_system(conn)
    assert history.project_changes(conn, START + timedelta(days=11)) == 1
    assert store.require_unit(conn, unit).jurisdiction_id == "341302-01"
    assert [h.to_id for h in history.handovers(conn)] == ["341372", "341302-01"]


def test_only_the_authority_that_has_the_unit_may_amend_it(register: Register, conn: Connection) -> None:
    unit = register.unit(1)
    stop = Amendment(Attribute.STATUS, "stopped", Span(TODAY), "停")
    for asker in (register.asker(Role.FIRM_MANAGER, register.firms[0]), register.asker(Role.DESK, "341300")):
        as_scoped(conn, asker)
        with pytest.raises(OutOfScopeError):
            history.amend(conn, unit, stop, asker, START)
        as_system(conn)
    mine = register.asker(Role.INSPECTOR, "341302")
    as_scoped(conn, mine)
    assert history.amend(conn, unit, stop, mine, START)
    assert store.require_unit(conn, unit).status == "stopped"
    # the inspector may give a unit away, past the bound of his own scope
    away = Amendment(Attribute.JURISDICTION, "341321-01", Span(TODAY), "移装")
    assert history.amend(conn, unit, away, mine, START)
    assert store.find_by_id(conn, unit) is None


def test_counts_have_the_scope_of_the_day_they_ask_for(register: Register, conn: Connection) -> None:
    unit = register.unit(1)
    register.unit(2, jurisdiction_id="341321-01", firm_org_id=register.firms[1])
    moved = Amendment(Attribute.FIRM, register.firms[1], Span(TODAY + timedelta(days=5)), "维保变更")
    history.amend(conn, unit, moved, None, START)
    expected: dict[tuple[Role, str | int, int], int] = {
        (Role.INSPECTOR, "341302", 0): 1, (Role.INSPECTOR, "341321", 0): 1, (Role.REGULATOR, "341300", 0): 2,
        (Role.FIRM_MANAGER, register.firms[0], 0): 1, (Role.FIRM_MANAGER, register.firms[0], 6): 0,
        (Role.FIRM_MANAGER, register.firms[1], 6): 2, (Role.USE_UNIT_OFFICER, register.use_units[0], 0): 2,
        (Role.USE_UNIT_OFFICER, register.use_units[1], 0): 0,
    }  # fmt: skip
    for (role, bound, days_on), count in expected.items():
        day = TODAY + timedelta(days=days_on)
        as_scoped(conn, register.asker(role, bound))
        assert history.units_as_of(conn, day, Wanted()) == count, (role, bound, days_on)
        assert history.unit_days(conn, Span(day, day + timedelta(days=1)), Wanted()) == count
        as_system(conn)
    conn.execute("set local role teshe_scoped")
    assert history.units_as_of(conn, TODAY, Wanted()) == 0
    assert history.unit_days(conn, Span(TODAY, DAYS[-1]), Wanted()) == 0


def test_a_new_last_day_of_insurance_lengthens_shortens_or_withdraws_cover(
    register: Register, conn: Connection
) -> None:
    unit = register.unit(1, insurance_valid_to=date(2026, 6, 30))
    asker = register.asker(Role.REGULATOR, "341300")

    def say(day: date | None) -> list[tuple[str, date, date | None]]:
        changes = UnitChanges({"insurance_valid_to": day})
        store.update_unit(conn, unit, changes, asker, "保单更正", START + timedelta(days=1))
        assert store.require_unit(conn, unit).insurance_valid_to == day
        return of(conn, unit, Attribute.POLICY)

    assert max(p[2] or TODAY for p in say(date(2027, 6, 30))) == date(2027, 7, 1)
    assert max(p[2] or TODAY for p in say(date(2026, 4, 30))) == date(2026, 5, 1)
    assert say(None) == []
