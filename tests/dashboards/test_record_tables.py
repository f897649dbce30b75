"""Records from a spreadsheet: tried out, filed row by row through the one pipeline, repeated without harm."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from equipment.access.model import Role
from equipment.foundation.tables import write_csv, write_xlsx
from maintenance.records.tables import COLUMNS
from tests.platform import Platform

SPOT = "2026-03-02 08:00", "2026-03-02 08:40"


def row(platform: Platform, key: str, unit: str, **changes: str) -> list[str]:
    made = {
        "记录编号": key, "电梯": unit, "级别": "半月保", "人员1": "张三", "签到时间": SPOT[0], "签退时间": SPOT[1],
        "其余项目": "合格",
    } | changes  # fmt: skip
    return [made.get(name, "") for name in COLUMNS]


def upload(platform: Platform, path: Path, *, dry_run: bool) -> Any:
    firm = platform.person(Role.FIRM_MANAGER)
    return firm.client.post(
        f"/api/v1/records/table?dry_run={str(dry_run).lower()}", content=path.read_bytes(),
        headers={"X-CSRF-Token": firm.csrf},
    )  # fmt: skip


def count(platform: Platform) -> int:
    found = platform.conn.execute("select count(*) from maintenance.record").fetchone()
    return int(found[0]) if found else 0


def plate(platform: Platform) -> tuple[str, str]:
    found = platform.conn.execute(
        "select u.id, u.rescue_code from equipment.unit u join equipment.account a on a.organisation_id = u.firm_org_id"
        " where a.login = 'firm' and u.variety_code = '3110' order by u.no"
    ).fetchone()
    assert found is not None
    return found[0], found[1]


@pytest.mark.parametrize("kind", ["xlsx", "csv"])
def test_a_table_is_tried_out_filed_and_repeated(platform: Platform, tmp_path: Path, kind: str) -> None:
    unit, code = plate(platform)
    rows = [
        row(platform, "WB-0001-a", unit, 测量值="A-1-29=8.5", 更换部件="门滑块×2；轿厢灯"),
        row(platform, "WB-0002-a", code, 不合格="A-1-21:三层门锁啮合 5 mm", 不适用="A-1-09:无旁路装置"),
        row(platform, "WB-0003-a", "999999"),
        row(platform, "WB-0004-a", unit, 其余项目="", 签到时间="昨天"),
        row(platform, "short", unit, 级别="每天"),
        row(platform, "WB-0006-a", unit, 不合格="A-9-99:没有这一项"),
    ]
    path = tmp_path / f"records.{kind}"
    if kind == "xlsx":
        write_xlsx(path, COLUMNS, rows, "维保记录")
    else:
        write_csv(path, COLUMNS, rows)
    tried = upload(platform, path, dry_run=True).json()
    assert (tried["filed"], tried["refused"], count(platform)) == (2, 4, 0)
    problems = {o["line"]: {p["field"] for p in o["problems"]} for o in tried["outcomes"]}
    assert problems[2] == problems[3] == set()
    assert problems[4] == {"电梯"}
    assert problems[5] == {"其余项目", "签到时间"}
    assert problems[6] == {"记录编号", "级别"}
    assert any(field.endswith(".id") for field in problems[7])
    done = upload(platform, path, dry_run=False).json()
    assert (done["filed"], count(platform)) == (2, 2)
    content = platform.conn.execute(
        "select content from maintenance.record where idempotency_key = 'WB-0001-a'"
    ).fetchone()
    assert content is not None
    assert {i["id"]: i["value"] for i in content[0]["items"]}["A-1-29"] == 8.5
    assert [p["quantity"] for p in content[0]["parts"]] == [2, 1]
    leads = platform.conn.execute("select count(*) from maintenance.lead where source_kind = 'record_item'").fetchone()
    assert leads == (1,)
    platform.clock.advance(3600)
    again = upload(platform, path, dry_run=False).json()
    assert (again["filed"], again["repeated"], count(platform)) == (0, 2, 2)


def test_the_template_itself_can_be_read_and_rubbish_is_refused_in_words(platform: Platform, tmp_path: Path) -> None:
    firm = platform.person(Role.FIRM_MANAGER)
    path = tmp_path / "t.xlsx"
    path.write_bytes(firm.client.get("/api/v1/records/template.xlsx").content)
    answer = upload(platform, path, dry_run=True).json()
    assert answer["rows"] == 1
    path.write_bytes(b"PK\x03\x04 damaged")
    refused = upload(platform, path, dry_run=True)
    assert refused.status_code == 422
    assert "XLSX" in refused.json()["detail"]
    path.write_text("记录编号,电梯,级别\n1,2,3\n", encoding="utf-8")
    refused = upload(platform, path, dry_run=True)
    assert "其余项目" in refused.json()["detail"]
    assert firm.client.get("/firm/table").status_code == 200
    worker = platform.person(Role.USE_UNIT_OFFICER)
    assert worker.client.get("/firm/table").status_code == 403
