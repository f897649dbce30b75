"""Whole cases at scripted time: from what started them to 销号, with everything that must stop them on the way."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from importlib.resources import files
from typing import Any

import psycopg
import pytest

from dashboards.verification import LOOKUPS
from equipment.access.model import Role
from equipment.transparency.errors import LogDamagedError
from equipment.transparency.inspection import inspect
from maintenance.errors import DataError
from maintenance.hazards import files as case_files
from maintenance.hazards.clauses import clauses, fitting
from maintenance.hazards.deadlines import deadlines, read_deadlines
from maintenance.hazards.sampling import drawn
from tests.conftest import Database
from tests.dashboards.test_story import record as record_of
from tests.maintenance.office import FULL, LIFT, PNG, Office

JPEG = b"\xff\xd8\xff\xe0after"
TWO = "张监察 W1001、李监察 W1002"


def confirmed_record(office: Office) -> str:
    """A visit of the firm since the hazard was listed, which the use-unit has confirmed."""
    now = office.platform.clock.now()
    row = office.conn.execute(
        "insert into maintenance.record (id, unit_no, firm_org_id, idempotency_key, level, template, workers, started_at, ended_at,"
        " received_at, state, content, digest, confirmed_at) values (gen_random_uuid(), %s, %s, %s, 'half_month', 't', '[]', %s, %s, %s,"
        " 'confirmed', '{}', '\\x00', %s) returning id",
        (office.unit_no, office.firm_org, str(now), now, now, now, now),
    ).fetchone()
    return str(row[0])


def due_later(office: Office, days: int) -> str:
    return (office.platform.clock.now() + timedelta(days=days)).date().isoformat()


def test_a_major_case_from_report_to_close_out(office: Office) -> None:
    hazard = office.hazard("major", "4.6 b", stop_use=True)
    due = due_later(office, 10)
    bare = {"responsible_org_id": office.use_org, "measures": "更换门锁", "due_at": due}
    assert "责任人、整改资金、应急预案" in office.refused(office.inspector, hazard, "hand_over", **bare)
    office.rectifying(hazard, **FULL)
    office.act(office.officer, hazard, "progress", evidence="已订购门锁")
    office.photo(office.inspector, hazard, "before")
    office.act(office.officer, hazard, "apply", evidence="门锁已更换，试运行正常")
    officers = "张监察 W1001、李监察 W1002"
    assert "另一名" in office.refused(office.inspector, hazard, "close", evidence="合格", officers=officers)
    second = office.second_inspector()
    office.act(second, hazard, "inspect", evidence="现场测量啮合 8 mm", officer="李监察 W1002")
    assert "照片" in office.refused(office.inspector, hazard, "close", evidence="合格", officers=officers)
    assert office.photo(office.inspector, hazard, "after", JPEG).status_code == 201
    assert "2 人" in office.refused(office.inspector, hazard, "close", evidence="合格", officers="张监察 W1001")
    assert "另一名" in office.refused(second, hazard, "close", evidence="合格", officers=officers)
    done = office.act(office.inspector, hazard, "close", evidence="复查合格", officers=officers)
    assert (done["state"], done["closed_at"] is not None) == ("closed", True)
    assert office.events(hazard) == ["list", "hand_over", "receipt", "start", "progress", "apply", "inspect", "close"]


def test_nothing_closes_without_evidence_not_even_by_the_owner_of_the_database(office: Office) -> None:
    hazard = office.hazard()
    office.rectifying(hazard)
    office.act(office.officer, hazard, "apply", evidence="已整改")
    assert "证据" in office.refused(office.inspector, hazard, "close", officers="张监察 W1、李监察 W2", evidence="  ")
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation), office.conn.transaction():
        office.conn.execute(
            "update maintenance.hazard set state = 'closed', closed_at = now() where id = %s", (hazard,)
        )
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation), office.conn.transaction():
        office.conn.execute("delete from maintenance.hazard where id = %s", (hazard,))
    for role in (Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDITOR, Role.REGULATOR, Role.FIRM_WORKER):
        office.refused(office.platform.person(role), hazard, "close", evidence="x", officers="张监察 W1、李监察 W2")


def test_a_major_grade_asks_for_an_item_that_exists(office: Office) -> None:
    lead = office.report()
    for clause in (None, "9.9 z"):
        verdict = {"decision": "hazard", "reason": "属实", "grade": "major", "clause": clause}
        answer = office.inspector.send(f"/leads/{lead}/decide", verdict)
        assert answer.status_code == 409
        assert "GB 45067-2024" in answer.json()["detail"]
    hazard = office.hazard(cause="x")
    assert "GB 45067" in office.refused(office.inspector, hazard, "regrade", "升级", grade="major", evidence="短接")
    found = office.act(office.inspector, hazard, "regrade", "升级", grade="major", clause="4.6 b", evidence="短接")
    assert (found["grade"], found["clause"]) == ("major", "4.6 b")


def test_a_clause_must_be_about_the_kind_of_equipment(office: Office) -> None:
    """A lift's hazard cannot rest on an item about boilers, nor a lift's on one about escalators, whatever the grade."""
    lead = office.report()
    for clause in ("4.2 c", "4.6 d", "4.5 b"):
        for grade in ("major", "general"):
            verdict = {"decision": "hazard", "reason": "属实", "grade": grade, "clause": clause}
            answer = office.inspector.send(f"/leads/{lead}/decide", verdict)
            assert answer.status_code == 409
            assert "不适用于电梯" in answer.json()["detail"]
    body = {"source": "inspection", "unit_id": LIFT, "summary": "x", "clause": "4.7 a"}
    assert office.inspector.send("/leads", body).status_code == 409
    hazard = office.hazard(cause="x")
    refused = office.refused(office.inspector, hazard, "regrade", "升级", grade="major", clause="4.9 b", evidence="x")
    assert "不适用于电梯" in refused
    shown = office.inspector.client.get(f"/ledger/hazards/{hazard}", headers={"accept": "text/html"}).text
    assert "限速器－安全钳联动试验失效" in shown
    assert "热工仪表失效" not in shown


def test_every_kind_of_equipment_has_items_of_its_own_and_the_general_ones() -> None:
    kinds = {k for c in clauses().values() for k in c.kinds}
    assert len(clauses()) == 47
    for kind in kinds:
        own = [c.id for c in fitting(kind) if not c.id.startswith("4.1 ")]
        assert own
        assert len(fitting(kind)) == len(own) + 4
    assert {c.id for c in fitting("escalator")} & {"4.6 b", "4.6 c"} == set()


def test_a_general_hazard_is_closed_by_its_unit_with_a_fact_that_holds(office: Office) -> None:
    before = confirmed_record(office)
    office.platform.clock.advance(60)
    hazard = office.hazard()
    office.rectifying(hazard)
    office.platform.clock.advance(3600)
    assert "维保记录编号" in office.refused(office.officer, hazard, "self_close", evidence="已整改")
    assert "since then" in office.refused(office.officer, hazard, "self_close", evidence="已整改", record_id=before)
    record = confirmed_record(office)
    done = office.act(office.officer, hazard, "self_close", evidence="已整改", record_id=record)
    assert (done["state"], done["self_closed"]) == ("closed", True)
    row = office.conn.execute(
        "select evidence -> 'fact' ->> 'record_id' from maintenance.hazard_event where hazard_id = %s and event = 'self_close'",
        (hazard,),
    ).fetchone()
    assert row[0] == record


@pytest.mark.parametrize("stands", ["listed", "handed_over", "receipted"])
def test_a_fact_that_comes_early_closes_a_general_hazard_where_it_stands(office: Office, stands: str) -> None:
    """The overdue visit is filed and confirmed before the unit has signed, or before anybody has handed it over."""
    hazard = office.hazard()
    if stands != "listed":
        office.hand_over(hazard)
    if stands == "receipted":
        office.act(office.officer, hazard, "receipt")
    office.platform.clock.advance(3600)
    stranger = office.platform.log_in("filling")
    record = confirmed_record(office)
    office.refused(stranger, hazard, "self_close", evidence="x", record_id=record)
    shown = office.officer.client.get(f"/ledger/hazards/{hazard}", headers={"accept": "text/html"}).text
    assert f"/api/v1/hazards/{hazard}/self_close" in shown
    done = office.act(office.officer, hazard, "self_close", evidence="已维保", record_id=record)
    assert (done["state"], done["self_closed"], done["responsible_org_id"]) == ("closed", True, office.use_org)


def test_once_a_re_check_was_asked_for_the_officer_decides_and_what_was_wrong_once_is_re_checked(
    office: Office,
) -> None:
    hazard = office.hazard()
    office.rectifying(hazard)
    office.act(office.officer, hazard, "apply", evidence="已整改")
    office.platform.clock.advance(3600)
    record = confirmed_record(office)
    assert "recheck" in office.refused(office.officer, hazard, "self_close", evidence="x", record_id=record)
    office.act(office.inspector, hazard, "close", evidence="合格", officers=TWO)
    office.act(office.inspector, hazard, "reopen", evidence="再次短接")
    assert "复查" in office.refused(office.officer, hazard, "self_close", evidence="x", record_id=record)


def test_a_failed_item_is_closed_by_a_record_in_which_it_is_right(office: Office) -> None:
    worker = office.platform.person(Role.FIRM_WORKER)
    body = record_of(office.platform, LIFT, "A-1-21", "门锁短接线未拆")
    worker.post("/records", body, Idempotency_Key="failed-1")
    lead = next(x for x in office.inspector.get("/leads") if x["cause"] == "item:A-1-21")
    verdict = {"decision": "hazard", "reason": "属实", "grade": "general"}
    hazard = office.inspector.post(f"/leads/{lead['id']}/decide", verdict)["hazard_id"]
    office.platform.clock.advance(3600)
    bare = confirmed_record(office)
    assert "A-1-21" in office.refused(office.officer, hazard, "self_close", evidence="x", record_id=bare)
    office.conn.execute(
        "insert into maintenance.record (id, unit_no, firm_org_id, idempotency_key, level, template, workers, started_at, ended_at,"
        " received_at, state, content, digest, confirmed_at) select '00000000-0000-4000-8000-000000000001', unit_no, firm_org_id,"
        " 'right', level, template, workers, started_at, ended_at, received_at, state,"
        """ '{"items": [{"id": "A-1-21", "result": "fixed"}]}', digest, confirmed_at from maintenance.record where id = %s""",
        (bare,),
    )
    right = "00000000-0000-4000-8000-000000000001"
    assert office.act(office.officer, hazard, "self_close", evidence="已拆除", record_id=right)["state"] == "closed"


def test_what_ends_a_case_names_every_photograph_of_it(office: Office) -> None:
    hazard = office.hazard()
    office.rectifying(hazard)
    for stage, data in (("before", PNG), ("after", JPEG)):
        assert office.photo(office.officer, hazard, stage, data).status_code == 201
    office.act(office.officer, hazard, "apply", evidence="已整改")
    office.act(office.inspector, hazard, "close", evidence="合格", officers=TWO)
    row = office.conn.execute(
        "select evidence -> 'files' from maintenance.hazard_event where hazard_id = %s and event = 'close'", (hazard,)
    ).fetchone()
    digests = {f["sha256"] for f in office.inspector.get(f"/hazards/{hazard}/files")}
    assert {f["sha256"] for f in row[0]} == digests
    assert len(digests) == 2
    assert {f["stage"] for f in row[0]} == {"before", "after"}


def test_the_register_itself_is_the_fact_for_an_insurance_that_ran_out(office: Office) -> None:
    office.conn.execute("update equipment.unit set status = 'stopped' where id <> %s", (LIFT,))
    office.conn.execute("update equipment.unit set insurance_valid_to = '2026-02-01' where id = %s", (LIFT,))
    for _ in range(4):
        office.platform.clock.advance(3)
        office.platform.turn()
    lead = next(x["id"] for x in office.inspector.get("/leads") if x["cause"] == "overdue:insurance")
    hazard = office.inspector.post(f"/leads/{lead}/decide", {"decision": "hazard", "reason": "属实"})["hazard_id"]
    office.rectifying(hazard)
    assert "登记" in office.refused(office.officer, hazard, "self_close", evidence="已续保")
    office.conn.execute("update equipment.unit set insurance_valid_to = '2027-02-01' where id = %s", (LIFT,))
    assert office.act(office.officer, hazard, "self_close", evidence="已续保")["state"] == "closed"


@pytest.mark.parametrize(("grade", "clause"), [("serious", None), ("major", "4.6 b")])
def test_what_is_worse_than_general_is_not_closed_by_its_unit(office: Office, grade: str, clause: str | None) -> None:
    hazard = office.hazard(grade, clause)
    office.rectifying(hazard, **FULL)
    assert "一般" in office.refused(
        office.officer, hazard, "self_close", evidence="x", record_id=confirmed_record(office)
    )


def test_a_drawn_share_of_own_corrections_is_looked_at_again(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("maintenance.hazards.service.drawn", lambda number, at, share: share > 0)
    hazard = office.hazard()
    office.rectifying(hazard)
    office.platform.clock.advance(60)
    done = office.act(office.officer, hazard, "self_close", evidence="已整改", record_id=confirmed_record(office))
    assert done["look_back"] == "due"
    assert [h["id"] for h in office.inspector.get("/hazards?state=look_back")] == [hazard]
    office.later(days=31)
    assert office.events(hazard)[-1] == "late"
    two = "张监察 W1001、李监察 W1002"
    assert office.act(office.inspector, hazard, "look_back", evidence="现场属实", officers=two)["look_back"] == "passed"
    assert "未被抽中" in office.refused(office.inspector, hazard, "look_back", evidence="x", officers=two)
    again = office.act(office.inspector, hazard, "reopen", evidence="再次短接")
    assert (again["state"], again["reopened"]) == ("rectifying", 1)


def test_the_draw_takes_about_its_share_and_is_repeatable(office: Office) -> None:
    at = office.platform.clock.now()
    numbers = [f"YH341302-2026-{n:04d}" for n in range(4000)]
    share = deadlines().look_back_share
    found = [n for n in numbers if drawn(n, at, share)]
    assert 0.07 < len(found) / len(numbers) < 0.13
    assert found == [n for n in numbers if drawn(n, at, share)]
    assert found != [n for n in numbers if drawn(n, at + timedelta(microseconds=1), share)]


def test_late_steps_and_passed_deadlines_are_told_by_themselves_once(office: Office) -> None:
    hazard = office.hazard()
    office.later(days=5, seconds=1)
    assert office.events(hazard) == ["list", "late"]
    office.hand_over(hazard, days=2)
    office.act(office.officer, hazard, "receipt")
    office.act(office.officer, hazard, "start", measures="x")
    office.later(days=3)
    office.later(days=3)
    assert office.events(hazard).count("overdue") == 1
    assert [h["id"] for h in office.inspector.get("/hazards?state=overdue")] == [hazard]


def test_an_extension_is_asked_for_and_granted_or_refused(office: Office) -> None:
    hazard = office.hazard()
    office.rectifying(hazard, days=5)
    assert "没有待批准" in office.refused(office.inspector, hazard, "grant_extension", "备件未到")
    assert "晚于" in office.refused(
        office.officer, hazard, "ask_extension", until=due_later(office, 2), evidence="备件"
    )
    office.act(office.officer, hazard, "ask_extension", until=due_later(office, 20), evidence="备件未到")
    office.act(office.inspector, hazard, "refuse_extension", "理由不足")
    office.act(office.officer, hazard, "ask_extension", until=due_later(office, 20), evidence="附供货证明")
    found = office.act(office.regulator, hazard, "grant_extension", "属实")
    assert found["due_at"][:10] == due_later(office, 20)


def test_notices_supervision_and_interviews_are_numbered_and_by_who_may(office: Office) -> None:
    hazard = office.hazard()
    office.hand_over(hazard)
    assert office.act(office.inspector, hazard, "notify", "逾期未改", scope="全区")["notices"] == 1
    office.refused(office.inspector, hazard, "supervise", "久拖不改")
    assert office.act(office.regulator, hazard, "supervise", "久拖不改")["supervised_at"] is not None
    assert "已在" in office.refused(office.regulator, hazard, "supervise", "x")
    office.act(office.regulator, hazard, "interview", "约谈主要负责人", evidence="承诺 5 日内整改")
    papers = office.inspector.get(f"/hazards/{hazard}/documents")
    assert [p["number"] for p in papers] == [
        "埇市监特交〔2026〕1号", "埇市监特通〔2026〕1号", "宿市监特督〔2026〕1号", "宿市监特约〔2026〕1号",
    ]  # fmt: skip
    served = {"method": "direct", "receiver": "王经理", "delivered_at": office.platform.clock.now().isoformat()}
    refused = office.inspector.send(f"/documents/{papers[0]['id']}/deliveries", served)
    assert "执法证号" in refused.json()["detail"] or "2 人" in refused.json()["detail"]
    served |= {"officers": TWO, "place": "小区物业办公室"}
    left = office.inspector.send(f"/documents/{papers[0]['id']}/deliveries", served | {"method": "left"})
    assert "见证人" in left.json()["detail"]
    assert len(office.inspector.post(f"/documents/{papers[0]['id']}/deliveries", served)) == 1
    assert office.events(hazard)[-1] == "served"
    served["delivered_at"] = "2020-01-01T00:00:00+08:00"
    assert office.inspector.send(f"/documents/{papers[0]['id']}/deliveries", served).status_code == 409


def test_a_number_is_not_spent_by_a_step_that_fails(office: Office, database: Database) -> None:
    hazard = office.hazard()
    with psycopg.connect(database.url, autocommit=True) as owner:
        for _ in range(3):
            with contextlib.suppress(psycopg.errors.DivisionByZero), owner.transaction():
                owner.execute("select maintenance.next_in_series('order:341302', 2026, 0)")
                owner.execute("select 1 / 0")
    assert "理由" in office.refused(office.inspector, hazard, "order", measures="停止使用", officers=TWO)
    assert "执法人员" in office.refused(office.inspector, hazard, "order", "现场短接", measures="停止使用")
    for wrong in ("张监察", "张监察 W1001", "张监察 W1001、李监察 W1001"):
        office.refused(office.inspector, hazard, "order", "现场短接", measures="停止使用", officers=wrong)
    office.act(office.inspector, hazard, "order", "现场短接", measures="停止使用", officers=TWO)
    assert office.inspector.get(f"/hazards/{hazard}/documents")[0]["number"] == "埇市监特令〔2026〕1号"


def test_only_the_responsible_unit_rectifies_and_another_can_be_named(office: Office) -> None:
    hazard = office.hazard()
    assert "使用单位或维保单位" in office.refused(
        office.inspector, hazard, "hand_over", responsible_org_id=999, measures="x", due_at=due_later(office, 3)
    )
    office.hand_over(hazard)
    firm = office.platform.person(Role.FIRM_MANAGER)
    assert "责任单位" in office.refused(firm, hazard, "receipt")
    office.act(office.officer, hazard, "send_back", "属维保质量问题", evidence="合同第 3 条")
    office.hand_over(hazard, responsible_org_id=office.firm_org)
    assert office.act(firm, hazard, "receipt")["state"] == "receipted"
    assert office.hand_over(hazard)["responsible_org_id"] == office.use_org


def test_the_second_of_two_inspectors_is_told_who_was_first(office: Office) -> None:
    hazard = office.hazard()
    second = office.second_inspector()
    seen = second.get(f"/hazards/{hazard}")["version"]
    office.act(office.inspector, hazard, "stop_use", evidence="短接")
    answer = second.send(f"/hazards/{hazard}/stop_use", {"version": seen, "detail": {"evidence": "短接"}})
    assert answer.status_code == 409
    name = office.conn.execute("select display_name from equipment.account where login = 'inspector'").fetchone()[0]
    assert name in answer.json()["detail"]
    assert "stop_use" in answer.json()["detail"]
    assert office.events(hazard) == ["list", "stop_use"]


def test_the_colour_comes_from_the_published_matrix_and_stays_as_it_was_judged(office: Office) -> None:
    hazard = office.hazard()
    lec: dict[str, Any] = {"method": "LEC", "L": 3, "E": 6, "C": 15}
    assert office.act(office.inspector, hazard, "assess", **lec)["risk_colour"] == "orange"
    assert "之一" in office.refused(office.inspector, hazard, "assess", method="LEC", L=4, E=6, C=15)
    matrix = office.inspector.get("/risk/matrix")
    assert matrix["version"] == 0
    content: dict[str, Any] = matrix["content"]
    content["methods"]["LEC"]["bands"][0] = {"colour": "red", "above": 200}
    body = {"content": content, "basis": "宿市监〔2026〕8号", "approved_by": "王局长"}
    preview = office.regulator.post("/risk/matrix/preview", {"content": content})
    assert [(c["before"], c["after"]) for c in preview["changed"]] == [("orange", "red")]
    assert office.inspector.send("/risk/matrix/preview", {"content": content}).status_code == 403
    assert office.inspector.get("/risk/matrix")["version"] == 0
    assert office.inspector.send("/risk/matrix", body).status_code == 403
    assert office.regulator.post("/risk/matrix", body)["version"] == 1
    assert office.regulator.send("/risk/matrix", body).status_code == 409
    assert office.inspector.get(f"/hazards/{hazard}")["risk_colour"] == "orange"
    assert office.act(office.inspector, hazard, "assess", **lec)["risk_colour"] == "red"
    published = office.inspector.get("/risk/matrix")
    assert (published["approved_by"], published["basis"]) == ("王局长", "宿市监〔2026〕8号")
    shown = office.inspector.client.get("/ledger/risk-matrix", headers={"accept": "text/html"}).text
    assert "王局长" in shown
    assert "data-preview" not in shown
    assert "data-preview" in office.regulator.client.get("/ledger/risk-matrix", headers={"accept": "text/html"}).text
    content["methods"]["LEC"]["bands"].pop()
    assert office.regulator.send("/risk/matrix", body | {"content": content}).status_code == 409


def test_files_are_kept_by_what_they_are(office: Office) -> None:
    hazard = office.hazard()
    assert office.photo(office.officer, hazard, "before").json()["media_type"] == "image/png"
    assert (
        office.photo(office.officer, hazard, "before").json() == office.photo(office.officer, hazard, "before").json()
    )
    assert office.photo(office.officer, hazard, "before", b"<svg>").status_code == 409
    for brand in (b"heic", b"hevc", b"heim", b"msf1"):
        assert case_files.sniff(b"\0\0\0\x18ftyp" + brand + b"\0\0\0\0") == "image/heic"
    assert office.photo(office.officer, hazard, "before", b"\xff\xd8\xff" + b"0" * 8_400_000).status_code == 409
    found = office.inspector.get(f"/hazards/{hazard}/files")
    assert len(found) == 1
    answer = office.inspector.client.get(f"/api/v1/hazards/{hazard}/files/{found[0]['id']}?original=true")
    assert answer.content == PNG


def test_the_log_covers_every_entry_of_a_case_and_names_what_was_changed(office: Office, database: Database) -> None:
    hazard = office.hazard()
    office.rectifying(hazard)
    office.platform.turn(6)
    with psycopg.connect(database.url, autocommit=True) as owner:
        inspect(owner, LOOKUPS)
        owner.execute("set session_replication_role = replica")
        owner.execute(
            "update maintenance.hazard_event set reason = 'x' where hazard_id = %s and event = 'receipt'", (hazard,)
        )
        with pytest.raises(LogDamagedError, match="hazard"):
            inspect(owner, LOOKUPS)


def test_a_table_of_deadlines_with_a_mistake_is_refused() -> None:
    text = (files("maintenance.hazards") / "deadlines.yaml").read_text(encoding="utf-8")
    assert read_deadlines(text) == deadlines()
    for good, wrong in (
        ("days: 5", "days: 0"),
        ("mark: M", "mark: Q"),
        ("share: 0.1", "share: 2"),
        ("recheck:", "other:"),
    ):
        with pytest.raises(DataError):
            read_deadlines(text.replace(good, wrong, 1) if good != "mark: M" else text.replace(good, wrong))
