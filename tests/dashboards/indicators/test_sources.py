"""Denominators and insurance of a cut are those of its day, as the register's own questions answer them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from psycopg.types.range import Range

from equipment.city.build import build_city
from equipment.foundation.clock import SHANGHAI
from equipment.foundation.database import Connection, DatabaseRole
from equipment.history import store as history
from equipment.history.model import Span, Wanted
from tests.conftest import START, Database

TODAY = START.astimezone(SHANGHAI).date()


@pytest.fixture
def city(database: Database) -> Iterator[Connection]:
    """A city, read as the owner: the functions of the cut are open to nobody else."""
    with database.connect(autocommit=True) as conn:
        build_city(conn, units=60, seed=11, now=START, password="source-city-8")
    with database.connect(DatabaseRole.OWNER, autocommit=True) as conn:
        yield conn


@pytest.mark.parametrize("on_day", [TODAY, date(2024, 12, 31), date(2025, 2, 28)])
def test_exposure_is_the_sum_over_the_periods(city: Connection, on_day: date) -> None:
    rows = city.execute("select * from dashboards.exposure(%s, %s)", (on_day.year - 5, on_day)).fetchall()
    assert len({row[2] for row in rows}) == 6
    for area, kind, year, in_use, stopped, in_use_years, registered_years, source in rows:
        assert source == "periods"
        until: date = min(date(year + 1, 1, 1), on_day + timedelta(days=1))
        span, last = Span(date(year, 1, 1), until), until - timedelta(days=1)
        days = (date(year + 1, 1, 1) - date(year, 1, 1)).days

        def count(status: str, area: str = area, kind: str = kind, last: date = last) -> int:
            return own(city, area, lambda below: history.units_as_of(city, last, Wanted(below, (kind,), status)))

        def spent(status: str, area: str = area, kind: str = kind, span: Span = span) -> int:
            return own(city, area, lambda below: history.unit_days(city, span, Wanted(below, (kind,), status)))

        assert (in_use, stopped) == (count("in_use"), count("stopped"))
        assert in_use_years == pytest.approx(spent("in_use") / days)
        assert registered_years == pytest.approx((spent("in_use") + spent("stopped")) / days)


def own(conn: Connection, area: str, ask: object) -> int:
    """What an area has itself: what it has with all below, less what its children have."""
    children = [
        row[0] for row in conn.execute("select id from equipment.jurisdiction where parent_id = %s", (area,)).fetchall()
    ]
    assert callable(ask)
    return int(ask(area)) - sum(int(ask(child)) for child in children)


def test_a_policy_covers_the_days_it_names_and_no_others(city: Connection) -> None:
    unit = city.execute(
        "select u.no from equipment.unit u where u.kind = 'lift' and u.status = 'in_use' and not exists ("
        "select from equipment.policy_period p where p.unit_no = u.no) order by u.no limit 1"
    ).fetchone()
    assert unit is not None
    begins, ends = TODAY + timedelta(days=5), TODAY + timedelta(days=370)
    city.execute("select equipment.amend('policy', %s, 'DTX1', %s, %s, '补录')", (unit[0], Range(begins, ends), START))

    def stage(day: date) -> int | None:
        found: dict[int, int] = dict(city.execute("select * from dashboards.stage_insurance(%s)", (day,)).fetchall())
        return found.get(unit[0])

    assert [stage(day) for day in (TODAY, begins - timedelta(days=1))] == [0, 0]  # bought, not yet in force
    assert [stage(day) for day in (begins, ends - timedelta(days=1))] == [3, 3]
    assert [stage(day) for day in (ends, ends + timedelta(days=59), ends + timedelta(days=90))] == [2, 2, 1]


def test_insured_lifts_are_as_many_as_the_register_counts(city: Connection) -> None:
    for back in (0, 30, 200, 900):
        day = TODAY - timedelta(days=back)
        found: dict[int, int] = dict(city.execute("select * from dashboards.stage_insurance(%s)", (day,)).fetchall())
        wanted = Wanted(kinds=("lift", "escalator"), status="in_use")
        assert len(found) == history.units_as_of(city, day, wanted)
        insured = Wanted(kinds=("lift", "escalator"), status="in_use", insured=True)
        assert sum(stage == 3 for stage in found.values()) == history.units_as_of(city, day, insured)
