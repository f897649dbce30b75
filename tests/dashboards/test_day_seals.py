"""当日封存: what the page shows is what is sealed, by a person who proves himself; the seal outlives an erasure."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from dashboards.verification import LOOKUPS
from equipment.access.model import Role
from equipment.transparency.errors import LogDamagedError
from equipment.transparency.inspection import inspect
from maintenance.retention import service as retention
from tests.conftest import Database
from tests.dashboards.test_story import LIFT, record
from tests.pipeline import PASSWORD
from tests.platform import Platform

DAY = "2026-03-02"


def file(platform: Platform, key: str) -> str:
    body = record(platform, LIFT, "A-1-21", "异响") | {"found": key}
    made: str = platform.person(Role.FIRM_WORKER).post("/records", body, Idempotency_Key=key)["record_id"]
    return made


def day_of(platform: Platform) -> str:
    row = platform.conn.execute(
        "select (max(ended_at) at time zone 'Asia/Shanghai')::date::text from maintenance.record"
    ).fetchone()
    return str(row[0]) if row else ""


def shown(platform: Platform, day: str) -> tuple[str, int]:
    """The digest that the page shows, and how many records."""
    text = platform.person(Role.FIRM_MANAGER).client.get(f"/firm/seals?day={day}").text
    return text.partition('name="digest" value="')[2][:64], text.count('<td class="main"')


def wish(day: str, digest: str, **more: Any) -> dict[str, Any]:
    return {"day": day, "digest": digest, "password": PASSWORD} | more


def test_one_action_seals_what_the_page_showed_and_the_receipt_says_where(platform: Platform) -> None:
    records = {file(platform, f"visit-000{n}") for n in range(3)}
    day = day_of(platform)
    digest, count = shown(platform, day)
    assert count == 3
    firm = platform.person(Role.FIRM_MANAGER)
    made = firm.post("/day-seals", wish(day, digest, device="电脑"))
    assert {r["id"] for r in made["records"]} == records
    assert (made["method"], made["position"], made["digest"]) == ("password", None, digest)
    platform.turn(6)
    found = firm.get(f"/day-seals/{made['id']}")
    assert found["position"] is not None
    page = firm.client.get(f"/firm/seals/{made['id']}").text
    assert str(found["position"]) in page
    assert 'class="flash bad"' not in page
    assert f"/firm/seals/{made['id']}" in firm.client.get(f"/records/{next(iter(records))}").text
    assert shown(platform, day) == ("", 0)
    assert firm.send("/day-seals", wish(day, digest)).status_code == 409
    assert inspect(platform.conn, LOOKUPS).unchecked == 0


def test_a_record_that_came_in_between_is_not_sealed_unseen(platform: Platform) -> None:
    file(platform, "visit-0001")
    day = day_of(platform)
    digest, _ = shown(platform, day)
    file(platform, "visit-0002")
    answer = platform.person(Role.FIRM_MANAGER).send("/day-seals", wish(day, digest))
    assert answer.status_code == 409
    assert "刷新" in answer.text
    assert platform.conn.execute("select count(*) from maintenance.day_seal").fetchone() == (0,)


def test_a_wrong_password_seals_nothing_and_is_counted(platform: Platform) -> None:
    file(platform, "visit-0001")
    day = day_of(platform)
    digest, _ = shown(platform, day)
    firm = platform.person(Role.FIRM_MANAGER)
    codes = [firm.send("/day-seals", wish(day, digest, password="wrong")).status_code for _ in range(8)]
    assert codes[0] == 401
    assert codes[-1] == 429
    assert platform.conn.execute("select count(*) from maintenance.day_seal").fetchone() == (0,)
    assert platform.person(Role.FIRM_WORKER).send("/day-seals", wish(day, digest)).status_code == 403


def test_an_erased_record_leaves_the_seal_whole_and_an_altered_seal_is_found(
    platform: Platform, database: Database
) -> None:
    erased = file(platform, "visit-0001")
    file(platform, "visit-0002")
    day = day_of(platform)
    made = platform.person(Role.FIRM_MANAGER).post("/day-seals", wish(day, shown(platform, day)[0]))
    with platform.conn.transaction():
        retention.erase_record(platform.conn, UUID(erased), "当事人请求", platform.clock.now())
    platform.turn(6)
    page = platform.person(Role.FIRM_MANAGER).client.get(f"/firm/seals/{made['id']}")
    assert page.status_code == 200
    assert 'class="flash bad"' not in page.text
    inspect(platform.conn, LOOKUPS)
    with psycopg.connect(database.url, autocommit=True) as owner:
        owner.execute("set session_replication_role = replica")
        owner.execute("delete from maintenance.day_seal_record where record_id = %s", (erased,))
    assert 'class="flash bad"' in platform.person(Role.FIRM_MANAGER).client.get(f"/firm/seals/{made['id']}").text
    with pytest.raises(LogDamagedError, match=r"day_seal .*changed"):
        inspect(platform.conn, LOOKUPS)


def test_whoever_sees_some_of_the_records_can_check_the_whole_seal(platform: Platform) -> None:
    mine = file(platform, "visit-0001")
    row = platform.conn.execute(
        "update equipment.unit set use_org_id = (select max(o.id) from equipment.organisation o where o.id <> use_org_id and o.id <> firm_org_id)"
        " where no = (select min(u.no) from equipment.unit u join equipment.account w on w.organisation_id = u.firm_org_id"
        " where w.login = 'worker' and u.id <> %s and u.variety_code like '31%%') returning id",
        (LIFT,),
    ).fetchone()
    assert row is not None
    platform.person(Role.FIRM_WORKER).post(
        "/records", record(platform, row[0], "none", ""), Idempotency_Key="visit-0002"
    )
    day = day_of(platform)
    made = platform.person(Role.FIRM_MANAGER).post("/day-seals", wish(day, shown(platform, day)[0]))
    officer = platform.person(Role.USE_UNIT_OFFICER)
    found = officer.get(f"/day-seals/{made['id']}")
    assert [r["id"] for r in found["records"]] == [mine]
    assert len(found["named"]) == 2
    assert 'class="flash bad"' not in officer.client.get(f"/firm/seals/{made['id']}").text


def test_other_firms_neither_see_nor_seal(platform: Platform) -> None:
    file(platform, "visit-0001")
    day = day_of(platform)
    made = platform.person(Role.FIRM_MANAGER).post("/day-seals", wish(day, shown(platform, day)[0]))
    assert platform.person(Role.USE_UNIT_OFFICER).client.get(f"/firm/seals/{made['id']}").status_code == 200
    platform.conn.execute(
        "update equipment.account set organisation_id = (select max(id) from equipment.organisation"
        " where kind = 'maintenance_firm' and id <> organisation_id) where login = 'firm'"
    )
    other = platform.log_in("firm")
    assert other.client.get(f"/api/v1/day-seals/{made['id']}").status_code == 404
    assert other.client.get(f"/api/v1/day-seals/{uuid4()}").status_code == 404
