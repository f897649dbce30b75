"""依法删除: the content goes, the log stays whole and says so; nobody erases by the side door."""

from __future__ import annotations

import hashlib
from uuid import UUID

import psycopg
import pytest

from dashboards.verification import LOOKUPS
from equipment.access.model import Role
from equipment.transparency.inspection import inspect
from maintenance import bundle as bundles
from maintenance.errors import RetentionError
from maintenance.retention import service
from tests.dashboards.test_plausibility import scene
from tests.dashboards.test_story import LIFT, record
from tests.platform import Platform


def file_with_photo(platform: Platform) -> tuple[str, str]:
    worker, content = platform.person(Role.FIRM_WORKER), scene(1)
    name = hashlib.sha256(content).hexdigest()
    sent = worker.client.put(
        f"/api/v1/units/{LIFT}/photos/{name}?size={len(content)}",
        content=content,
        headers={"X-CSRF-Token": worker.csrf},
    )
    assert sent.status_code == 200
    shot = {"place": "car", "at": platform.clock.now().isoformat(), "photos": [name]}
    body = record(platform, LIFT, "A-1-21", "王大爷反映异响") | {"places": [shot]}
    made = worker.post("/records", body, Idempotency_Key="visit-0001")
    worker.post(f"/records/{made['record_id']}/signatures", {"digest": made["digest"], "device": "x"})
    platform.turn()
    return made["record_id"], name


def test_an_erased_record_leaves_the_log_whole_and_the_bundle_says_so(platform: Platform) -> None:
    record_id, name = file_with_photo(platform)
    conn, now = platform.conn, platform.clock.now()
    with conn.transaction():
        assert service.erase_record(conn, UUID(record_id), "当事人请求，个人信息保护法第47条", now) == 1
    platform.turn(5)
    findings = inspect(conn, LOOKUPS)
    assert findings.erased == 2
    everything = conn.execute(
        "select r::text || coalesce((select string_agg(i::text, '') from maintenance.record_item i where i.record_id = r.id), '')"
        " || coalesce((select string_agg(s::text, '') from maintenance.record_signature s where s.record_id = r.id), '')"
        " from maintenance.record r where id = %s", (record_id,),
    ).fetchone()  # fmt: skip
    assert everything is not None
    assert "张三" not in everything[0]
    assert "王大爷" not in everything[0]
    with conn.transaction():
        made = bundles.make(conn, [record_id], now)
    assert bundles.verify(made).erased == 1
    inspector = platform.person(Role.REGULATOR)
    gone = inspector.client.get(f"/api/v1/records/{record_id}")
    assert gone.status_code in (404, 405)
    firm = platform.person(Role.FIRM_MANAGER)
    photo = firm.client.get(f"/api/v1/units/{LIFT}/photos/{name}")
    assert photo.status_code == 404
    assert "已依法删除" in photo.json()["detail"]
    assert firm.client.get(f"/records/{record_id}").status_code == 200
    with conn.transaction(), pytest.raises(RetentionError):
        service.erase_record(conn, UUID(record_id), "again", now)


def test_nobody_erases_a_record_without_the_log(platform: Platform) -> None:
    record_id, _ = file_with_photo(platform)
    for statement in (
        "update maintenance.record set content = '{\"erased\": true}', workers = '[]' where id = %s",
        "update maintenance.record_item set note = '' where record_id = %s",
        "delete from maintenance.record_signature where record_id = %s",
    ):
        with pytest.raises(psycopg.errors.IntegrityConstraintViolation):
            platform.conn.execute(statement.encode(), (record_id,))
    with platform.conn.transaction(), pytest.raises(RetentionError):
        service.erase_record(platform.conn, UUID(record_id), " ", platform.clock.now())
