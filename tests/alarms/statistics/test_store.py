"""What is read from the database against a recount of what was put into it."""

from __future__ import annotations

import random
from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any

from alarms.statistics.model import Period, Start
from alarms.statistics.store import read_statistics
from equipment.foundation.clock import SHANGHAI
from equipment.foundation.database import Connection
from tests.conftest import START
from tests.dashboards.page_city import add_organisation, add_places, add_unit, insert

PERIOD = Period(date(2026, 2, 1), date(2026, 2, 28))
NOW = START


def invented(chance: random.Random, number: int, units: list[int]) -> tuple[dict[str, Any], list[tuple[int, bool]]]:
    """One incident as its row, and its orders as (level, arrived)."""
    at = datetime(2026, 1, 31, 23, tzinfo=SHANGHAI) + timedelta(seconds=chance.randrange(30 * 86_400))
    spans = sorted(chance.randrange(3_000) for _ in range(3))
    row = {
        "number": f"20260201-{number:04d}", "unit_no": chance.choice(units),
        "state": chance.choice(["closed", "closed", "freed", "cancelled", "auto_cleared", "merged"]),
        "kind": chance.choice(["entrapment", "entrapment", "fault", "self_release"]), "severity": "critical",
        "nature": chance.choice(["real", "real", "real", "drill", "test", "supplement"]),
        "first_source": chance.choice(["call", "alarm", "qr"]), "confirmed": chance.random() < 0.8,
        "opened_at": at - timedelta(seconds=30), "reported_at": at, "touched_at": at,
        "dispatched_at": at + timedelta(seconds=spans[0]),
        "arrived_at": at + timedelta(seconds=spans[1]) if chance.random() < 0.9 else None,
        "freed_at": at + timedelta(seconds=spans[2]), "trapped": chance.choice([None, 1, 2, 5]),
        "cause_code": chance.choice([None, "201", "303"]),
    }  # fmt: skip
    orders = [(level, row["arrived_at"] is not None and level == chance.choice([1, 2])) for level in (1, 2)]
    return row, orders[: chance.randrange(3)]


def test_the_figures_of_a_month_equal_a_recount_of_its_rows(conn: Connection) -> None:
    add_places(conn)
    firm = add_organisation(conn, "maintenance_firm", "甲", START)
    user = add_organisation(conn, "use_unit", "乙", START)
    units = [add_unit(conn, n, f"梯 {n}", firm, user, START) for n in range(5)]
    chance, kept = random.Random(5), []
    for number in range(300):
        row, orders = invented(chance, number, units)
        incident = insert(conn, "alarms.incident", **row)
        for level, arrived in orders:
            insert(
                conn, "alarms.dispatch", incident_id=incident, unit_no=row["unit_no"], level=level,
                ordered_at=row["dispatched_at"], answer_by=row["dispatched_at"], arrive_by=row["dispatched_at"],
                arrived_at=row["arrived_at"] if arrived else None,
            )  # fmt: skip
        came = [level for level, arrived in orders if arrived]
        row["level"] = came[0] if came else max((level for level, _ in orders), default=None)
        kept.append(row)
    f = read_statistics(conn, PERIOD, NOW).figures

    inside = [
        r for r in kept
        if r["confirmed"] and r["state"] not in ("cancelled", "auto_cleared", "merged")
        and PERIOD.first <= r["reported_at"].astimezone(SHANGHAI).date() <= PERIOD.last
    ]  # fmt: skip
    trapped = [r for r in inside if r["nature"] == "real" and r["kind"] == "entrapment"]
    assert len(trapped) > 20
    assert f.entrapments == len(trapped)
    assert {n.value: count for n, count in f.by_nature.items()} == {
        n: sum(r["nature"] == n for r in inside) for n in ("real", "drill", "test", "supplement")
    }
    assert f.people_freed == sum(r["trapped"] or 0 for r in trapped)
    assert f.levels == Counter(r["level"] for r in trapped)
    assert f.causes == Counter(r["cause_code"] for r in trapped)
    for start, column in ((Start.REPORTED, "reported_at"), (Start.DISPATCHED, "dispatched_at")):
        late = [r for r in trapped if r["arrived_at"] and r["arrived_at"] - r[column] > timedelta(minutes=30)]
        assert {c.number for c in f.late[start]} == {r["number"] for r in late}
    assert f.lifts == len(units)


def test_the_first_and_the_last_second_of_a_month_are_those_of_the_city(conn: Connection) -> None:
    add_places(conn)
    firm = add_organisation(conn, "maintenance_firm", "甲", START)
    unit = add_unit(conn, 1, "梯", firm, firm, START)
    edges = (
        datetime(2026, 1, 31, 23, 59, 59, tzinfo=SHANGHAI), datetime(2026, 2, 1, tzinfo=SHANGHAI),
        datetime(2026, 2, 28, 23, 59, 59, tzinfo=SHANGHAI), datetime(2026, 3, 1, tzinfo=SHANGHAI),
    )  # fmt: skip
    for number, at in enumerate(edges):
        insert(
            conn, "alarms.incident", number=f"n{number}", unit_no=unit, state="closed", kind="entrapment", severity="high",
            first_source="call", confirmed=True, opened_at=at, reported_at=at, touched_at=at,
        )  # fmt: skip
    assert read_statistics(conn, PERIOD, NOW).figures.entrapments == 2
