"""维保单位自报台账: a firm hands in the list of its own lifts, and touches nobody else's."""

from __future__ import annotations

from typing import Any

from equipment.access.model import Role
from tests.equipment.imports.conftest import Web, new_row


def send(web: Web, rows: list[dict[str, str]], role: Role = Role.FIRM_MANAGER, **query: str) -> Any:
    person = web.person(role)
    content = web.desk.file(rows).read_bytes()
    return person.client.post("/api/v1/imports", content=content, params=query, headers={"X-CSRF-Token": person.csrf})


def own_firm(web: Web) -> int:
    row = web.desk.conn.execute("select organisation_id from equipment.account where role = 'firm_manager'").fetchone()
    assert row is not None
    return int(row[0])


def lifts(web: Web, *, own: bool) -> list[tuple[Any, ...]]:
    operator = "=" if own else "<>"
    return web.desk.conn.execute(
        f"select id, device_code, name, rescue_code from equipment.unit where firm_org_id {operator} %s order by no",
        (own_firm(web),),
    ).fetchall()


def applied(web: Web, rows: list[dict[str, str]]) -> dict[str, Any]:
    manager = web.person(Role.FIRM_MANAGER)
    sent = send(web, rows)
    assert sent.status_code == 201, sent.text
    job = sent.json()["id"]
    web.desk.importer.run_open()
    assert manager.get(f"/imports/{job}")["state"] == "checked"
    assert manager.send(f"/imports/{job}/apply", {}).status_code == 200
    web.desk.importer.run_open()
    found: dict[str, Any] = manager.get(f"/imports/{job}")
    return found


def test_a_firm_fills_what_is_its_own_to_say_and_the_rest_waits_for_the_registrar(web: Web) -> None:
    mine = lifts(web, own=True)[0]
    web.desk.conn.execute("update equipment.unit set internal_no = null, rescue_code = null where id = %s", (mine[0],))
    row = {
        "source_key": "本单位-001", "device_code": mine[1], "internal_no": "3#", "name": "另一个名字", "rescue_code": "299999",
        "insurance_valid_to": "2027-05-31",
    }  # fmt: skip
    job = applied(web, [row])
    assert (job["state"], job["counts"]["update"], job["counts"]["conflicts"]) == ("done", 1, 2)
    now = web.desk.conn.execute(
        "select internal_no, name, rescue_code, insurance_valid_to::text, firm_org_id from equipment.unit where id = %s",
        (mine[0],),
    ).fetchone()
    assert now == ("3#", mine[2], None, "2027-05-31", own_firm(web))
    regulator = web.person(Role.REGULATOR)
    waiting = {i["field"]: i for i in regulator.get("/reconciliation")}
    assert set(waiting) == {"name", "rescue_code"}
    assert {i["source"] for i in waiting.values()} == {f"firm:{own_firm(web)}"}
    assert regulator.get(f"/imports/{job['id']}")["firm_org_id"] == own_firm(web)
    (entry,) = web.desk.conn.execute(
        "select a.role from equipment.audit_entry e join equipment.account a on a.id = e.account_id where e.action = 'unit.edit'"
    ).fetchall()
    assert entry == ("firm_manager",)


def test_a_lift_of_another_firm_and_an_unknown_one_are_not_touched_and_not_told(web: Web) -> None:
    theirs, mine = lifts(web, own=False)[0], lifts(web, own=True)[0]
    before = web.desk.units()
    rows = [
        {"source_key": "1", "device_code": theirs[1], "insurance_valid_to": "2027-05-31"},
        {"source_key": "2", "device_code": new_row(7)["device_code"], "name": "新梯"},
        {"source_key": "3", "device_code": mine[1], "rescue_code": str(theirs[3])},
    ]
    job = applied(web, rows)
    assert (job["counts"]["refused"], job["counts"]["waiting"], job["counts"]["update"]) == (2, 1, 0)
    assert web.desk.units() == before
    report = web.person(Role.FIRM_MANAGER).get(f"/imports/{job['id']}/report")
    told = " ".join(line["why"] + line["value"] + line["remedy"] for line in report)
    assert "不是贵单位维保的电梯" in told
    assert theirs[0] not in told.replace(str(theirs[3]), "")
    assert theirs[2] not in told
    found = {(i["kind"], i["source_key"]) for i in web.person(Role.REGULATOR).get("/reconciliation")}
    assert found == {("unmatched", "2"), ("identity", "3")}, (
        "the registrar decides, also where the row names no district"
    )


def test_a_firm_speaks_for_itself_alone_and_sees_its_own_jobs_alone(web: Web) -> None:
    manager, regulator = web.person(Role.FIRM_MANAGER), web.person(Role.REGULATOR)
    row = [{"source_key": "1", "device_code": lifts(web, own=True)[0][1]}]
    other = web.desk.conn.execute(
        "select id from equipment.organisation where kind = 'maintenance_firm' and id <> %s limit 1", (own_firm(web),)
    ).fetchone()
    assert other is not None
    assert send(web, row, source="registry").status_code == 403
    assert send(web, row, source="firm", firm=str(other[0])).status_code == 403
    assert send(web, row, create_organisations="true").status_code == 403
    theirs = send(web, row, Role.REGULATOR, source="firm", firm=str(other[0])).json()["id"]
    same = send(web, row, Role.REGULATOR, source="firm", firm=str(own_firm(web))).json()["id"]
    first = send(web, row)
    assert (first.status_code, first.json()["id"] not in (theirs, same)) == (201, True)
    assert (send(web, row).status_code, send(web, row).json()["id"]) == (200, first.json()["id"])
    assert [j["id"] for j in manager.get("/imports")] == [first.json()["id"]]
    assert manager.client.get(f"/api/v1/imports/{same}").status_code == 404
    assert manager.send(f"/imports/{same}/apply", {}).status_code == 404
    assert manager.client.get(f"/imports/{same}").status_code == 404
    assert {j["id"] for j in regulator.get("/imports")} == {theirs, same, first.json()["id"]}
    page = manager.client.get("/imports").text
    assert 'name="source"' not in page
    assert 'name="create_organisations"' not in page
    assert "贵单位维保电梯的台账" in page
    assert send(web, row, Role.FIRM_WORKER).status_code == 403


def test_a_lift_that_changed_hands_between_trial_and_writing_is_refused(web: Web) -> None:
    mine, manager = lifts(web, own=True)[0], web.person(Role.FIRM_MANAGER)
    job = send(web, [{"source_key": "1", "device_code": mine[1], "insurance_valid_to": "2027-05-31"}]).json()["id"]
    web.desk.importer.run_open()
    assert manager.get(f"/imports/{job}")["counts"]["update"] == 1
    web.desk.conn.execute("update equipment.unit set firm_org_id = null, changed_at = now() where id = %s", (mine[0],))
    manager.send(f"/imports/{job}/apply", {})
    web.desk.importer.run_open()
    assert manager.get(f"/imports/{job}")["counts"]["refused"] == 1
    assert web.desk.conn.execute(
        "select insurance_valid_to::text <> '2027-05-31' or insurance_valid_to is null from equipment.unit where id = %s",
        (mine[0],),
    ).fetchone() == (True,)
