"""Filling stations and cylinders of the simulated city; made-up, the same seed makes the same."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from equipment.cylinders import filling, register
from equipment.cylinders.filling import FillCall
from equipment.cylinders.media import media
from equipment.cylinders.model import Fill, NewCylinder
from equipment.cylinders.settings import CylinderSettings, add_months
from equipment.cylinders.stations import Caller, NewLicence, NewPolicy, add_licence, add_policy, register_station
from equipment.foundation.clock import SHANGHAI
from equipment.foundation.database import Connection

TARE_KG, MOST_KG = 16.5, 14.9
OTHER_SHARE = 0.02
"""Of the fills that a station tries with a cylinder of another one: these are refused."""


def simulate_filling(conn: Connection, stations: Sequence[int], *, cylinders: int, seed: int, now: datetime) -> int:
    """Make ``stations`` (organisations of the kind ``filling_station``) fill LPG; returns how many cylinders they have.

    Runs under the system role. A few cylinders are overdue, one fill in a hundred leaks, and a few tries are refused.
    """
    rng = random.Random(seed)  # noqa: S311  # a simulation, nothing secret
    codes: dict[int, list[str]] = {}
    for position, station in enumerate(stations):
        _licence(conn, station, position, now)
        share = cylinders // len(stations)
        codes[station] = _cylinders(conn, station, position, share, rng, now)
    settings = CylinderSettings()
    for position, station in enumerate(stations):
        foreign = codes[stations[(position + 1) % len(stations)]]
        fills = _fills(codes[station], foreign, rng, now)
        for start in range(0, len(fills), filling.MOST_FILLS):
            call = FillCall([msgspec.Raw(msgspec.json.encode(f)) for f in fills[start : start + filling.MOST_FILLS]])
            filling.submit(conn, call, f"simulated-{seed}-{start}", Caller(station, None), now, settings)
    return sum(len(found) for found in codes.values())


def _licence(conn: Connection, station: int, position: int, now: datetime) -> None:
    today = now.astimezone(SHANGHAI).date()
    register_station(conn, station, None, now)
    began = add_months(today, -30)
    licence = NewLicence(f"TS4134{position + 1:03d}-{today.year + 1}", ["lpg"], began, add_months(began, 48))
    add_licence(conn, station, licence, None, now)
    policy = NewPolicy(
        f"QPZR{today.year}{position + 1:06d}", "示例财产保险", add_months(today, -5), add_months(today, 7), 5_000_000
    )
    add_policy(conn, station, policy, None, now)


def _cylinders(
    conn: Connection, station: int, position: int, count: int, rng: random.Random, now: datetime
) -> list[str]:
    today = now.astimezone(SHANGHAI).date()
    made = []
    for number in range(count):
        born = today - timedelta(days=rng.randint(200, 2_500))
        due = add_months(born, media()["lpg"].inspection_months)
        inspected = due if due <= today else None
        if inspected is not None and rng.random() < 0.9:
            due = add_months(inspected, media()["lpg"].inspection_months)
        code = f"341302{position + 1:02d}{number + 1:08d}"
        made.append(
            NewCylinder(
                code=code, maker_code="10890", serial=f"{position + 1}{number + 1:07d}", make_date=born,
                variety_code="2320", medium="lpg", volume_l=35.5, nominal_pressure_mpa=2.1, tare_kg=TARE_KG,
                max_fill_kg=MOST_KG, certificate_no=f"瓶32皖L{number + 1:05d}({today.year % 100:02d})",
                last_inspection=inspected if inspected is not None and due > today else None, next_inspection=due,
            )
        )  # fmt: skip
    raws = [msgspec.Raw(msgspec.json.encode(cylinder)) for cylinder in made]
    for start in range(0, len(raws), register.MOST_CYLINDERS):
        register.register(conn, raws[start : start + register.MOST_CYLINDERS], station, None, now)
    return [cylinder.code or "" for cylinder in made]


def _fills(own: Sequence[str], foreign: Sequence[str], rng: random.Random, now: datetime) -> list[Fill]:
    """One fill of most cylinders within the last three weeks; an overdue one is tried as well, and refused."""
    made = []
    for number, code in enumerate(own):
        if rng.random() < 0.15:
            continue
        at = (now - timedelta(minutes=rng.randint(30, 21 * 24 * 60))).replace(second=0, microsecond=0)
        tried = rng.choice(foreign) if rng.random() < OTHER_SHARE else code
        net = round(rng.uniform(14.2, 14.8), 1)
        made.append(
            Fill(
                code=tried, medium="lpg", checked_at=at - timedelta(minutes=6), filled_at=at, appearance_ok=True,
                leak_free=rng.random() > 0.01, residual_mpa=0.1, empty_kg=round(TARE_KG + rng.uniform(0, 0.3), 1),
                full_kg=round(TARE_KG + net, 1), net_kg=net, gun=f"G{number % 8 + 1}", scale=f"S{number % 8 + 1}",
                filler="示例充装工甲", checker="示例检查工乙", reweigh_kg=round(TARE_KG + net, 1),
                video_url=f"https://video.example/fills/{code}/{at:%Y%m%d%H%M}",
            )
        )  # fmt: skip
    return made
