"""A firefighters lift: nobody knows its items until a manufacturer's template is approved and assigned; then the form does."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from equipment.access.model import Role
from equipment.foundation.tables import write_xlsx
from maintenance.templates.model import COLUMNS, EXAMPLES
from tests.dashboards.test_story import LIFT
from tests.platform import Person, Platform

NAME = "消防员电梯 甲厂"
QUERY = f"name={NAME}&variety_code=3420&source=使用维护说明书 2025&file_name=items.xlsx"


@pytest.fixture(autouse=True)
def firefighters_lift(platform: Platform) -> None:
    platform.conn.execute("update equipment.unit set variety_code = '3420' where id = %s", (LIFT,))


def table(tmp_path: Path, *more: tuple[str, ...]) -> bytes:
    write_xlsx(tmp_path / "items.xlsx", COLUMNS, [*EXAMPLES, *more], "x")
    return (tmp_path / "items.xlsx").read_bytes()


def propose(person: Person, content: bytes, query: str = QUERY) -> Any:
    return person.client.post(f"/api/v1/templates?{query}", content=content, headers={"X-CSRF-Token": person.csrf})


def lift_of(person: Person) -> dict[str, Any]:
    found: dict[str, Any] = next(lift for lift in person.get("/field/shift")["lifts"] if lift["id"] == LIFT)
    return found


def visit(platform: Platform, *items: str, level: str = "half_month") -> dict[str, Any]:
    end = platform.clock.now() - timedelta(minutes=1)
    return {
        "unit_id": LIFT, "level": level, "workers": [{"name": "张三"}], "submitted_at": end.isoformat(),
        "sign_in": {"at": (end - timedelta(minutes=30)).isoformat()}, "sign_out": {"at": end.isoformat()},
        "items": [{"id": item, "result": "pass"} for item in items],
    }  # fmt: skip


def test_imported_approved_assigned_and_used(platform: Platform, tmp_path: Path) -> None:
    firm, inspector = platform.person(Role.FIRM_MANAGER), platform.person(Role.INSPECTOR)
    worker = platform.person(Role.FIRM_WORKER)
    assert lift_of(worker)["annex"] is None
    answer = propose(firm, table(tmp_path))
    assert answer.status_code == 201, answer.text
    first = answer.json()["id"]
    assert "相同" in propose(firm, table(tmp_path)).text
    assert firm.send("/template-assignments", {"name": NAME, "unit_id": LIFT}).status_code == 422
    assert firm.send(f"/templates/{first}/approve", {}).status_code == 403
    assert "甲厂" in inspector.client.get("/templates").text
    assert "消防对讲" in inspector.client.get(f"/templates/{first}").text
    assert inspector.post(f"/templates/{first}/approve", {}) == {"state": "approved"}
    assert inspector.send(f"/templates/{first}/approve", {}).status_code == 409
    firm.post("/template-assignments", {"name": NAME, "unit_id": LIFT})
    assert firm.send("/template-assignments", {"name": NAME, "variety_code": "3420"}).status_code in (403, 422)

    key = lift_of(worker)["annex"]
    shift = worker.get("/field/shift")
    assert [i["id"] for i in shift["checklists"][key]["quarter"]] == ["X-01", "X-02"]
    assert [i["id"] for i in worker.get(f"/units/{LIFT}/checklist?level=half_month")] == ["X-01"]
    missing = worker.send("/records", visit(platform, level="quarter"), Idempotency_Key="visit-0001")
    assert "X-02" in missing.text
    body = visit(platform, "X-01") | {"items": [{"id": "X-01", "result": "fail", "note": "开关失灵"}]}
    made = worker.post("/records", body, Idempotency_Key="visit-0002")
    page = worker.client.get(f"/records/{made['record_id']}").text
    assert f"{NAME} 第1版" in page
    assert "X-01 消防员开关" in page
    assert "消防员开关" in str(platform.conn.execute("select summary from maintenance.lead").fetchall())


def test_a_new_version_holds_and_the_one_before_is_taken_for_a_week(platform: Platform, tmp_path: Path) -> None:
    inspector, worker = platform.person(Role.INSPECTOR), platform.person(Role.FIRM_WORKER)
    first = propose(inspector, table(tmp_path)).json()["id"]
    inspector.post(f"/templates/{first}/approve", {})
    platform.conn.execute("update equipment.unit set manufacturer = '甲厂' where id = %s", (LIFT,))
    inspector.post("/template-assignments", {"name": NAME, "variety_code": "3420", "manufacturer": "甲厂"})
    assert lift_of(worker)["annex"] == f"T{first}"
    platform.clock.advance(30 * 86_400)
    platform.people.clear()
    inspector, worker = platform.person(Role.INSPECTOR), platform.person(Role.FIRM_WORKER)
    second = propose(inspector, table(tmp_path, ("X-04", "半月", "层站", "x", "y", "", "", "", "", ""))).json()["id"]
    inspector.post(f"/templates/{second}/approve", {})
    assert lift_of(worker)["annex"] == f"T{second}"
    worker.post("/records", visit(platform, "X-01"), Idempotency_Key="visit-0001")
    worker.post("/records", visit(platform, "X-01", "X-04"), Idempotency_Key="visit-0002")
    platform.clock.advance(8 * 86_400)
    platform.people.clear()
    inspector, worker = platform.person(Role.INSPECTOR), platform.person(Role.FIRM_WORKER)
    late = worker.send("/records", visit(platform, "X-01"), Idempotency_Key="visit-0003")
    assert "X-04" in late.text
    assert inspector.send(f"/templates/{second}/withdraw", {}).status_code == 409
    inspector.post(f"/templates/{second}/withdraw", {"reason": "说明书勘误"})
    assert lift_of(worker)["annex"] == f"T{first}"
    inspector.post("/template-assignments", {"name": "", "variety_code": "3420", "manufacturer": "甲厂"})
    assert lift_of(worker)["annex"] is None


def test_other_equipment_by_template_comes_onto_the_phone(platform: Platform, tmp_path: Path) -> None:
    inspector, worker = platform.person(Role.INSPECTOR), platform.person(Role.FIRM_WORKER)
    platform.conn.execute("update equipment.unit set kind = 'crane', variety_code = '4110' where id = %s", (LIFT,))
    assert LIFT not in {lift["id"] for lift in worker.get("/field/shift")["lifts"]}
    text = "- {编号: Q-01, 级别: 半月, 部位: 设备本体, 项目: 起升限位, 要求: 动作可靠, 试验: true}\n".encode()
    made = propose(inspector, text, "name=桥式起重机&variety_code=4110&source=厂家手册&file_name=q.yaml").json()
    inspector.post(f"/templates/{made['id']}/approve", {})
    platform.person(Role.FIRM_MANAGER).post("/template-assignments", {"name": "桥式起重机", "unit_id": LIFT})
    assert lift_of(worker)["annex"] == f"T{made['id']}"
    worker.post("/records", visit(platform, "Q-01"), Idempotency_Key="visit-0001")


def test_a_table_of_records_fills_in_the_templates_items(platform: Platform, tmp_path: Path) -> None:
    inspector, firm = platform.person(Role.INSPECTOR), platform.person(Role.FIRM_MANAGER)
    made = propose(inspector, table(tmp_path)).json()["id"]
    inspector.post(f"/templates/{made}/approve", {})
    firm.post("/template-assignments", {"name": NAME, "unit_id": LIFT})
    end = platform.clock.now()
    times = [f"{end - timedelta(minutes=m):%Y-%m-%d %H:%M}" for m in (40, 5)]
    names = ("记录编号", "电梯", "级别", "人员1", "签到时间", "签退时间", "其余项目")
    lines = [",".join(names), ",".join(("WB-2026-1", LIFT, "季保", "张三", *times, "合格"))]
    answer = firm.client.post(
        "/api/v1/records/table?dry_run=true", content="\n".join(lines).encode(), headers={"X-CSRF-Token": firm.csrf}
    )
    assert answer.json()["refused"] == 0, answer.text
