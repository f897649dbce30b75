"""The past of the simulated city: what was true before the day it was built, believable and without a gap.

The registry opens every period on the day a unit is registered. Here the days before are filled in, in bulk, and the
papers that belong to them: policies, contracts, licences, certificates, inspections, rosters, test calls.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from equipment.city import names
from equipment.due.dates import month_end, schedule
from equipment.due.rules import rule_table
from equipment.foundation.clock import SHANGHAI
from equipment.foundation.database import Connection, load_queries
from equipment.registry.store import create_person

QUERIES = load_queries(__file__, "history.sql")
YEAR = timedelta(days=365)
ORDER_74 = date(2023, 5, 5)
"""Since when a lift has its two officers by name (总局令第74号)."""
PLATES_BEGAN = date(2019, 1, 1)
WHY = "历史补录"

Row = tuple[int, object, date, date]


@dataclass(frozen=True, slots=True)
class _Unit:
    no: int
    kind: str
    variety: str
    status: str
    first_use: date
    firm: int | None
    use_unit: int | None
    plate: str | None
    insured_to: date | None


class CityHistory:
    """Fills in the years before ``now`` of a city that was just built."""

    def __init__(self, conn: Connection, rng: random.Random, now: datetime) -> None:
        self._conn = conn
        self._rng = rng
        self._now = now
        self._today = now.astimezone(SHANGHAI).date()
        self._periods: dict[str, list[Row]] = defaultdict(list)
        self._inspections: list[tuple[int, str, date]] = []

    def add(self, firms: Sequence[int], stations: Sequence[int]) -> None:
        """Everything."""
        for number in stations:
            for _ in range(2):
                name = self._rng.choice(names.SURNAMES) + self._rng.choice(names.GIVEN)
                create_person(self._conn, number, name, f"1990002{self._rng.randrange(10_000):04d}", "应急值班员", None)
        units = [_Unit(*row) for row in self._conn.execute(QUERIES.units)]
        for unit in units:
            self._statuses(unit)
            self._parties(unit, firms)
            self._plates(unit)
            self._policies(unit)
            self._inspected(unit)
        for attribute, found in self._periods.items():
            self._write(attribute, found)
        self._write_inspections()
        papers = {"now": self._now, "today": self._today, "why": WHY, "order_74": ORDER_74}
        for query in (QUERIES.officers, QUERIES.modes, QUERIES.licences, QUERIES.grades, QUERIES.certificates,
                      QUERIES.contracts, QUERIES.contract_units, QUERIES.shifts, QUERIES.phone_checks):  # fmt: skip
            self._conn.execute(query, papers)
        self._conn.execute(QUERIES.rebuild, {"units": [u.no for u in units], "now": self._now})

    def _add(self, attribute: str, unit: int, value: object, since: date, until: date) -> None:
        if since < until:
            self._periods[attribute].append((unit, value, since, until))

    def _statuses(self, unit: _Unit) -> None:
        if unit.status == "in_use":
            return
        stopped = max(unit.first_use + timedelta(days=1), self._today - timedelta(days=self._rng.randint(20, 900)))
        self._add("status", unit.no, "in_use", unit.first_use, min(stopped, self._today))
        self._add("status", unit.no, unit.status, min(stopped, self._today), self._today)

    def _parties(self, unit: _Unit, firms: Sequence[int]) -> None:
        if unit.use_unit is not None:
            self._add("use_unit", unit.no, unit.use_unit, unit.first_use, self._today)
        if unit.firm is None:
            return
        changed = unit.first_use
        if self._rng.random() < 0.3:
            changed = max(unit.first_use, self._today - timedelta(days=self._rng.randint(60, 1_500)))
            other = self._rng.choice([firm for firm in firms if firm != unit.firm])
            self._add("firm", unit.no, other, unit.first_use, changed)
        self._add("firm", unit.no, unit.firm, changed, self._today)

    def _plates(self, unit: _Unit) -> None:
        if unit.plate is None:
            return
        issued = max(unit.first_use, PLATES_BEGAN)
        replaced = issued
        if self._rng.random() < 0.08:
            replaced = max(issued, self._today - timedelta(days=self._rng.randint(30, 1_000)))
            self._add("plate", unit.no, f"9{unit.no % 100_000:05d}", issued, replaced)
        self._add("plate", unit.no, unit.plate, replaced, self._today)

    def _policies(self, unit: _Unit) -> None:
        if unit.insured_to is None:
            return
        until = unit.insured_to + timedelta(days=1)
        # the register knows the newest policy from today on, or by its last day alone
        known_from = min(self._today, unit.insured_to)
        for _ in range(4):
            begins = max(until - YEAR, unit.first_use)
            if begins < until:
                self._add("policy", unit.no, f"DTX{begins.year}{unit.no:06d}", begins, min(until, known_from))
            if begins == unit.first_use or self._rng.random() < 0.15:
                break
            # one in five is renewed late, and the lift is without cover for some weeks
            until = begins - timedelta(days=self._rng.choice((0, 0, 0, 0, 21)))

    def _inspected(self, unit: _Unit) -> None:
        self._inspections.append((unit.no, "supervision", unit.first_use))
        for rule in rule_table().of(unit.variety):
            if rule.duty not in ("inspection", "self_test"):
                continue
            kind = "periodic" if rule.duty == "inspection" else "self_test"
            for on, _ in schedule(rule, rule_table(), unit.first_use):
                done = on - timedelta(days=self._rng.randint(0, 25))
                late = on + timedelta(days=self._rng.randint(5, 40)) if self._rng.random() < 0.04 else done
                if month_end(on) > self._today + timedelta(days=20) or late > self._today:
                    break
                self._inspections.append((unit.no, kind, late))

    def _write(self, attribute: str, found: Sequence[Row]) -> None:
        units, values, since, until = zip(*found, strict=True)
        arguments = {
            "units": list(units), "values": [str(v) for v in values], "since": list(since), "until": list(until),
            "now": self._now, "why": WHY,
        }  # fmt: skip
        self._conn.execute(getattr(QUERIES, f"write_{attribute}"), arguments)

    def _write_inspections(self) -> None:
        units, kinds, days = zip(*self._inspections, strict=True)
        self._conn.execute(
            QUERIES.write_inspections,
            {"units": list(units), "kinds": list(kinds), "days": list(days), "now": self._now},
        )
