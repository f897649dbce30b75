"""个人信息保存期: nothing goes unapproved, everything over its time goes then, and the log and the audit tell of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient

from dashboards import retention as runs
from dashboards.verification import LOOKUPS
from equipment.access import retention
from equipment.access.model import Role
from equipment.errors import CatalogueError
from equipment.transparency.inspection import inspect
from tests.dashboards.test_erasure import file_with_photo
from tests.platform import Platform

OLD = datetime(2020, 3, 1, tzinfo=UTC)
PHONE = "13905570001"


def approve(platform: Platform, name: str, days: int, reason: str = "安全工作会议 2026-1") -> TestClient:
    admin = platform.person(Role.SECURITY_ADMIN)
    answer = admin.client.post(
        f"/retention/{name}", data={"days": str(days), "reason": reason, "_csrf": admin.csrf}, follow_redirects=False
    )
    assert answer.status_code == 303, answer.text
    return admin.client


def over(platform: Platform, later: timedelta) -> Mapping[str, int | None]:
    with platform.conn.transaction():
        return {s.period.of.name: s.over for s in runs.count(platform.conn, platform.clock.now() + later)}


def audited(platform: Platform) -> list[Any]:
    return platform.conn.execute(
        "select subject, (after->>'count')::int from equipment.audit_entry where action = 'retention.erase' order by id"
    ).fetchall()


def test_every_class_that_is_run_has_its_eraser_and_its_places_exist(platform: Platform) -> None:
    approvable = {one.name for one in retention.classes().values() if one.approvable}
    assert set(runs.ERASERS) == approvable
    for one in retention.classes().values():
        for place in one.places:
            assert platform.conn.execute("select to_regclass(%s)", (place,)).fetchone() != (None,), place


def test_nothing_goes_before_its_period_is_approved(platform: Platform) -> None:
    file_with_photo(platform)
    late = timedelta(days=4_000)
    assert over(platform, late)["records"] == 1
    assert runs.run(platform.conn, platform.clock.now() + late) == {}
    assert over(platform, late)["records"] == 1
    assert audited(platform) == []


def test_an_approved_period_erases_records_and_photos_and_the_log_stays_whole(platform: Platform) -> None:
    file_with_photo(platform)
    approve(platform, "records", 3_000)
    approve(platform, "photos", 1_500)
    now = platform.clock.now()
    assert runs.run(platform.conn, now + timedelta(days=1_499)) == {"photos": 0, "records": 0}
    assert runs.run(platform.conn, now + timedelta(days=1_501)) == {"photos": 1, "records": 0}
    assert runs.run(platform.conn, now + timedelta(days=3_001)) == {"photos": 0, "records": 1}
    assert runs.run(platform.conn, now + timedelta(days=3_002)) == {"photos": 0, "records": 0}
    platform.turn(5)
    assert inspect(platform.conn, LOOKUPS).erased == 2, "the record and its signature"
    assert audited(platform) == [("class:photos", 1), ("class:records", 1)]


def test_nothing_goes_of_a_lift_with_an_open_hazard(platform: Platform) -> None:
    record, _ = file_with_photo(platform)
    approve(platform, "records", 1_461)
    platform.conn.execute(
        "insert into maintenance.hazard (number, unit_no, state, grade, description, opened_at, opened_by)"
        " select 'YH-1', unit_no, 'rectifying', 'general', 'x', now(), 1 from maintenance.record where id = %s", (record,),
    )  # fmt: skip
    assert over(platform, timedelta(days=4_000))["records"] == 0
    assert runs.run(platform.conn, platform.clock.now() + timedelta(days=2_000)) == {"records": 0}


def _old_calls(platform: Platform) -> None:
    for at, number in ((OLD, "old"), (platform.clock.now(), "new")):
        platform.conn.execute(
            "insert into ingest.call_record (source, external_id, category, caller_phone, reported_at, received_at,"
            " content_sha256) values ('t', %s, 'other', %s, %s, %s, '')", (number, PHONE, at, at),
        )  # fmt: skip
        platform.conn.execute(
            "insert into alarms.phone_call (source, external_id, caller, called, state, rang_at, received_at)"
            " values ('t', %s, %s, '96366', 'ended', %s, %s)", (number, PHONE, at, at),
        )  # fmt: skip
        platform.conn.execute(
            "insert into alarms.call_event_refused (received_at, way, reason, payload) values (%s, 'mqtt', 'x', %s)",
            (at, PHONE.encode()),
        )
    platform.conn.execute(
        "insert into equipment.stream_entry (stream, seq, kind, payload, created_at, sequenced_at)"
        " values ('desk', 1000000, 'line', jsonb_build_object('caller', %s::text, 'state', 'ended'), %s, %s)",
        (PHONE, OLD, OLD),
    )


def test_an_old_callers_number_goes_from_every_place_and_a_new_one_stays(platform: Platform) -> None:
    _old_calls(platform)
    approve(platform, "caller_phones", 1_095)
    approve(platform, "refused_messages", 90)
    assert runs.run(platform.conn, platform.clock.now()) == {"caller_phones": 3, "refused_messages": 1}
    left = platform.conn.execute(
        "select (select count(*) from ingest.call_record where caller_phone = %(p)s),"
        " (select count(*) from alarms.phone_call where caller = %(p)s),"
        " (select count(*) from alarms.call_event_refused),"
        " (select payload from equipment.stream_entry where seq = 1000000)", {"p": PHONE},
    ).fetchone()  # fmt: skip
    assert left == (1, 1, 1, {"caller": None, "state": "ended"})


def test_a_call_out_loses_the_old_callers_number_and_nothing_else(platform: Platform) -> None:
    conn = platform.conn
    conn.execute(
        "with made as (insert into alarms.incident (number, state, kind, severity, first_source, opened_at) values"
        " ('X-1', 'closed', 'other', 'low', 'call', %s) returning id) insert into alarms.call_out"
        " (incident_id, role, phone, result, at, account_id) select id, 'caller', %s, 'connected', %s, 1 from made",
        (OLD, PHONE, OLD),
    )
    for statement in (
        "update alarms.call_out set note = 'x'",
        "update alarms.call_out set phone = '1'",
        "delete from alarms.call_out",
    ):
        with pytest.raises(psycopg.errors.IntegrityConstraintViolation):
            conn.execute(statement.encode())
    approve(platform, "caller_phones", 1_095)
    assert runs.run(conn, platform.clock.now()) == {"caller_phones": 1}
    assert conn.execute("select phone, result from alarms.call_out").fetchone() == ("", "connected")


def test_people_who_left_long_ago_have_no_name(platform: Platform) -> None:
    row = platform.conn.execute("update equipment.person set left_on = '2020-03-01' where id = (select min(id) from"
                                " equipment.person) returning id, name").fetchone()  # fmt: skip
    assert row is not None
    approve(platform, "people", 1_826)
    assert runs.run(platform.conn, platform.clock.now()) == {"people": 1}
    found = platform.conn.execute("select name, phone from equipment.person where id = %s", (row[0],)).fetchone()
    assert found == ("已删除", None)


@pytest.mark.parametrize(
    ("name", "days", "reason", "said"),
    [
        ("photos", "1460", "省空间", "1461"),
        ("photos", "abc", "x", "整天数"),
        ("photos", "2000", " ", "理由"),
        ("recordings", "100", "x", "没有可批准的类别"),
        ("nothing", "100", "x", "没有可批准的类别"),
    ],
)
def test_a_period_below_its_clause_or_without_a_reason_is_refused(
    platform: Platform, name: str, days: str, reason: str, said: str
) -> None:
    admin = platform.person(Role.SECURITY_ADMIN)
    answer = admin.client.post(f"/retention/{name}", data={"days": days, "reason": reason, "_csrf": admin.csrf})
    assert answer.status_code == 422
    assert said in answer.text
    assert platform.conn.execute("select count(*) from equipment.retention_period").fetchone() == (0,)


def test_the_database_lets_nobody_else_approve_or_change_a_period(platform: Platform) -> None:
    client = approve(platform, "photos", 1_500)
    assert "安全工作会议 2026-1" in client.get("/retention").text
    for statement in ("update equipment.retention_period set days = 1", "delete from equipment.retention_period"):
        with pytest.raises(psycopg.errors.IntegrityConstraintViolation):
            platform.conn.execute(statement.encode())
    auditor = platform.person(Role.AUDITOR)
    assert auditor.client.get("/retention").status_code == 200
    refused = auditor.client.post("/retention/photos", data={"days": "1600", "reason": "x", "_csrf": auditor.csrf})
    assert refused.status_code == 403
    inspector = platform.person(Role.INSPECTOR)
    assert inspector.client.get("/retention").status_code == 403


def test_the_nightly_job_runs_once_a_night_and_counts_for_the_page(platform: Platform) -> None:
    _old_calls(platform)
    job = runs.RetentionJob()
    assert job.turn(platform.conn, platform.clock.now()) == 0
    admin = platform.person(Role.SECURITY_ADMIN)
    assert "未批准：不删除" in admin.client.get("/retention").text
    approve(platform, "caller_phones", 1_095)
    assert job.turn(platform.conn, platform.clock.now()) == 0, "this night's run is over"
    assert job.turn(platform.conn, platform.clock.now() + timedelta(days=1)) == 3


@pytest.mark.parametrize(
    "text",
    [
        "approver: regulator\nclasses: {}",
        "approver: security_admin\nclasses: {a: {zh: a, what: a, places: [], basis: a, how: blank}}",
        "approver: security_admin\nclasses: {a: {zh: a, what: a, places: [], basis: a, how: burn}}",
        "approver: security_admin\nclasses: {a: {zh: a, what: a, places: [], basis: a, how: blank, days: 5, least_days: 6}}",
    ],
)
def test_a_table_with_a_mistake_is_refused(text: str) -> None:
    with pytest.raises(CatalogueError):
        retention.read_classes(text)
