"""The simulated city has a past that the register's own questions can be asked about."""

from __future__ import annotations

from datetime import timedelta

from equipment.city.build import build_city
from equipment.due.store import due_of
from equipment.foundation.database import Connection
from equipment.history import store as history
from equipment.history.model import Wanted
from equipment.parties import store as parties
from equipment.registry import store
from tests.conftest import START

TODAY = START.date()


def test_the_city_has_periods_papers_and_rosters(conn: Connection) -> None:
    city = build_city(conn, units=40, seed=3, now=START, password="city-history-6")
    lifts = Wanted(kinds=("lift", "escalator"), status="in_use")
    now_in_use = history.units_as_of(conn, TODAY, lifts)
    earlier = history.units_as_of(conn, TODAY - timedelta(days=900), lifts)
    assert 30 < now_in_use <= 40
    assert 0 < earlier < now_in_use
    assert 0 < history.units_as_of(conn, TODAY - timedelta(days=300), Wanted(insured=True)) < city.units
    units = store.search_units(conn, store.UnitFilter(), limit=500)
    assert len(units) == city.units
    # nothing that stands in a row contradicts its periods
    assert history.project_changes(conn, START) == 0
    assert any(len([p for p in history.periods(conn, u.no) if p.attribute == "firm"]) > 1 for u in units)
    dues = [d for u in units for d in due_of(conn, u, TODAY)]
    states = {d.state for d in dues if d.duty == "inspection"}
    assert "ok" in states
    assert len([d for d in dues if d.state == "overdue"]) < len(dues) / 4
    assert parties.licences(conn, city.firms[0])
    assert parties.grades(conn, city.firms[0])
    assert parties.on_duty(conn, "341302-01", START)
    lists = {g.what: g.count for g in parties.gap_counts(conn, START)}
    assert set(lists) == set(parties.GAPS)
    assert lists["phone_unverified"] > 0
    assert len(parties.gaps(conn, "phone_unverified", START)) == lists["phone_unverified"]


def test_a_policy_that_begins_tomorrow_leaves_no_earlier_one_in_force_today(conn: Connection) -> None:
    # one lift in six hundred has its newest policy from tomorrow on
    city = build_city(conn, units=1_500, seed=7, now=START, password="city-history-6")
    insured = history.units_as_of(conn, TODAY, Wanted(insured=True))
    assert 0 < insured < city.units
