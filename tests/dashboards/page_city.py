"""A small city for the page tests: a few units with everything that can happen to them, at a fixed moment."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from equipment.access import store as access
from equipment.access.model import Role
from equipment.cylinders.city import simulate_filling
from equipment.foundation.database import Connection

LONG_NAME = "宿州市埇桥区汴河街道银河一路与淮海北路交叉口国购广场二期商业综合体A座写字楼消防梯"
"""Forty characters and more."""
HOSTILE_NAME = "<img src=x onerror=alert(1)> 银河花园 2 号楼"
PASSWORD = "page-city-9"  # of a throw-away database
RECORD = UUID(int=1)
CYLINDER = "3413020100000001"
DISTRICTS = (("341302", "埇桥区", "Yongqiao District"), ("341321", "砀山县", "Dangshan County"))


def insert(conn: Connection, table: str, **values: Any) -> Any:
    """Insert one row and give back its first column."""
    columns = ", ".join(values)
    marks = ", ".join(["%s"] * len(values))
    returning = {"equipment.unit": "no", "ingest.unit_state": "unit_no", "alarms.incident_source": "incident_id"}
    key = returning.get(table, "id")
    query = f"insert into {table} ({columns}) values ({marks}) returning {key}"  # names of this file
    row = conn.execute(query.encode(), list(values.values())).fetchone()
    return row[0] if row else None


def add_places(conn: Connection) -> None:
    insert(
        conn, "equipment.jurisdiction", id="341300", kind="city", name_zh="宿州市", name_en="Suzhou", path="/341300/"
    )
    for code, zh, en in DISTRICTS:
        path = f"/341300/{code}/"
        insert(
            conn,
            "equipment.jurisdiction",
            id=code,
            parent_id="341300",
            kind="district",
            name_zh=zh,
            name_en=en,
            path=path,
        )


def add_organisation(conn: Connection, kind: str, name: str, now: datetime, **place: Any) -> int:
    phone = "0557-3000000"
    return int(
        insert(
            conn,
            "equipment.organisation",
            kind=kind,
            name=name,
            jurisdiction_id="341300",
            duty_phone=phone,
            created_at=now,
            **place,
        )
    )


def add_unit(conn: Connection, index: int, name: str, firm: int, user: int, now: datetime) -> int:
    return int(
        insert(
            conn,
            "equipment.unit",
            id=f"SZ{index:05d}",
            kind="lift",
            variety_code="3110",
            rescue_code=f"{341000 + index}",
            name=name,
            place_name="银河花园",
            building="3 号楼",
            entrance="2 单元",
            address=f"宿州市银河一路 {index} 号",
            lon=116.98 + index / 100,
            lat=33.64,
            datum="wgs84",
            jurisdiction_id=DISTRICTS[0][0],
            jurisdiction_path="filled by trigger",
            use_org_id=user,
            firm_org_id=firm,
            device_model="TS-L2",
            first_use_date=date(2014, 5, 1),
            insurance_valid_to=date(2026, 12, 31),
            changed_at=now,
        )
    )


def add_incidents(conn: Connection, units: list[int], firm: int, seat: int, now: datetime) -> None:
    minute = timedelta(minutes=1)
    common = {"kind": "entrapment", "severity": "critical", "first_source": "call", "confirmed": True}
    ordered = insert(
        conn,
        "alarms.incident",
        number="20260302-0001",
        unit_no=units[0],
        state="dispatched",
        opened_at=now - 14 * minute,
        reported_at=now - 14 * minute,
        accepted_at=now - 13 * minute,
        accepted_by=seat,
        dispatched_at=now - 2 * minute,
        trapped=3,
        **common,
    )
    insert(
        conn,
        "alarms.incident",
        number="20260302-0002",
        unit_no=units[1],
        state="verifying",
        opened_at=now - minute,
        verify_by=now + minute,
        **{**common, "kind": "unknown", "first_source": "alarm", "confirmed": False},
    )
    insert(
        conn,
        "alarms.dispatch",
        incident_id=ordered,
        unit_no=units[0],
        level=1,
        organisation_id=firm,
        ordered_at=now - 2 * minute,
        answer_by=now + minute,
        arrive_by=now + 28 * minute,
    )
    for event, before, after in (("opened", "accepted", "accepted"), ("dispatch", "accepted", "dispatched")):
        insert(
            conn,
            "alarms.incident_event",
            incident_id=ordered,
            unit_no=units[0],
            event=event,
            from_state=before,
            to_state=after,
            at=now - 2 * minute,
            recorded_at=now,
            account_id=seat,
            how_known="seat",
        )
    call = insert(
        conn,
        "ingest.call_record",
        source="seat",
        external_id="G0001",
        unit_no=units[0],
        rescue_code="341000",
        category="entrapment",
        caller_phone="13800001234",
        trapped=3,
        description="三人被困",
        reported_at=now - 14 * minute,
        content_sha256=b"x",
        received_at=now,
    )
    insert(
        conn,
        "alarms.incident_source",
        incident_id=ordered,
        source_kind="call",
        source_id=str(call),
        unit_no=units[0],
        joined_at=now,
    )
    insert(
        conn,
        "alarms.alarm",
        id="alarm-1",
        unit_no=units[0],
        shard=0,
        rule="lift.entrapment",
        rule_version=1,
        severity="critical",
        receivers=["desk"],
        state="unacknowledged",
        active=True,
        started_at=now - 15 * minute,
        raised_at=now - 14 * minute,
        evidence=Jsonb({}),
    )


def add_maintenance(conn: Connection, units: list[int], firm: int, user: int, officer: int, now: datetime) -> None:
    insert(
        conn,
        "maintenance.record",
        id=RECORD,
        unit_no=units[0],
        firm_org_id=firm,
        idempotency_key="k1",
        level="half_month",
        template="T5002-2017/A",
        workers=Jsonb([{"name": "王强", "certificate_no": "T34010020"}]),
        started_at=now - timedelta(days=2, minutes=45),
        ended_at=now - timedelta(days=2),
        received_at=now - timedelta(days=2),
        state="submitted",
        content=Jsonb({}),
        digest=b"\x12",
        failed_items=1,
    )
    conn.execute(
        "insert into maintenance.record_item (record_id, item_id, unit_no, result, value, note) values (%s, 'A-1-21', %s, 'fail', 3.5, '啮合深度不足')",
        (RECORD, units[0]),
    )
    lead = insert(
        conn,
        "maintenance.lead",
        unit_no=units[0],
        source_kind="record_item",
        source_id="1",
        cause="A-1-21",
        state="pending",
        urgent=True,
        suggested_grade="major",
        suggested_clause="4.2.3",
        summary="层门门锁啮合深度不足 7 mm",
        evidence=Jsonb({"value_mm": 3.5}),
        opened_at=now - timedelta(hours=1),
        last_seen_at=now,
        deadline=now + timedelta(hours=23),
    )
    for state in ("listed", "recheck"):
        hazard = insert(
            conn,
            "maintenance.hazard",
            number=f"YH341302-2026-{state}",
            unit_no=units[0],
            lead_id=lead,
            state=state,
            grade="general",
            description="层门可被扒开",
            responsible_org_id=user,
            due_at=now - timedelta(days=1),
            opened_at=now - timedelta(days=9),
            opened_by=officer,
        )
        insert(
            conn,
            "maintenance.hazard_event",
            hazard_id=hazard,
            unit_no=units[0],
            event="list",
            from_state="listed",
            to_state="listed",
            at=now - timedelta(days=9),
            account_id=officer,
            reason="现场复核属实",
            evidence=Jsonb({"seen": "门锁"}),
        )


def add_data_quality(conn: Connection, unit: int, now: datetime) -> None:
    insert(
        conn,
        "ingest.unit_state",
        unit_no=unit,
        last_ts=now,
        last_server_time=now,
        last_received_at=now,
        clock_offset_ms=10_800_000,
        clock_stable=True,
        online=True,
    )
    for reason, payload in (("not_json", b'{"ts": 17'), ("not_a_number", b"\x00\x01\xff")):
        insert(
            conn,
            "ingest.quarantine",
            shard=0,
            batch=1,
            received_at=now,
            topic="teshe/v1/3/SZ00000/telemetry",
            reason=reason,
            detail="at byte 9",
            payload=payload,
            payload_hash=1,
        )


def build(conn: Connection, now: datetime) -> None:
    """Fill an empty database. Account names are the roles' names."""
    add_places(conn)
    firm = add_organisation(conn, "maintenance_firm", "宿州安捷电梯工程有限公司", now)
    user = add_organisation(conn, "use_unit", "银河花园物业服务中心", now)
    add_organisation(conn, "rescue_station", "埇桥救援站", now, lat=33.65, lon=116.99, datum="wgs84")
    accounts = {}
    for role in Role:
        organisation = firm if role.value.startswith("firm") else user if role.value.startswith("use_unit") else None
        accounts[role] = access.create_account(
            conn, access.NewAccount(role.value, f"{role.value} 甲", PASSWORD, role, organisation, "341300"), now
        )
    names = (LONG_NAME, HOSTILE_NAME, *(f"拂晓新城 {n} 号楼东梯" for n in range(1, 60)))
    units = [add_unit(conn, index, name, firm, user, now) for index, name in enumerate(names)]
    add_incidents(conn, units, firm, accounts[Role.DESK], now)
    add_maintenance(conn, units, firm, user, accounts[Role.INSPECTOR], now)
    add_data_quality(conn, units[0], now)
    fillers = [
        add_organisation(conn, "filling_station", f"{name}液化气充装站", now) for name in ("埇桥示例", "砀山示例")
    ]
    simulate_filling(conn, fillers, cylinders=40, seed=5, now=now)
