"""What leaves the house: documents, the sheet, extractions that verify offline, transfers; evidence that outlives its readings."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from typing import Any

import pytest
import python_calamine

from dashboards.papers.compose import order
from maintenance import bundle as bundles
from maintenance.extracts.model import sm3
from maintenance.orders.service import deliveries, document
from tests.maintenance.office import FULL, LIFT, PNG, Office
from tests.pipeline import RESTING

TWO = "张监察 W1001、李监察 W1002"


def extracted(office: Office, **more: Any) -> dict[str, bytes]:
    body = {"officers": TWO, "party": "使用单位", "statement": "无异议", **more}
    made = office.inspector.post("/extracts", body)["extract_id"]
    answer = office.inspector.client.get(f"/api/v1/extracts/{made}")
    assert answer.status_code == 200
    with zipfile.ZipFile(io.BytesIO(answer.content)) as file:
        return {name: file.read(name) for name in file.namelist()}


def test_a_case_is_extracted_and_proven_without_the_server(office: Office) -> None:
    hazard = office.hazard()
    office.hand_over(hazard)
    office.photo(office.inspector, hazard, "before")
    office.platform.turn(6)
    found = extracted(office, kind="hazard", subject=str(hazard), transfer_to="宿州市公安局")
    listed = json.loads(found["manifest.json"])
    for name, said in listed.items():
        assert hashlib.sha256(found[name]).hexdigest() == said["sha256"]
        assert sm3(found[name]) == said["sm3"]
    assert {"电子数据提取笔录.pdf", "案件移送书.pdf", "case.json"} <= set(found)
    assert found["电子数据提取笔录.pdf"].startswith(b"%PDF")
    verdict = bundles.verify(bundles.read(found["entries.bundle.json"]))
    assert verdict.things == 2
    forged = found["entries.bundle.json"].replace("更换门锁".encode(), "无需整改".encode())
    with pytest.raises(Exception, match="改动"):
        bundles.verify(bundles.read(forged))
    assert office.events(hazard)[-1] == "transferred"


def test_an_extraction_asks_for_two_officers_and_something_to_extract(office: Office) -> None:
    hazard = office.hazard()
    body = {"kind": "hazard", "subject": str(hazard), "officers": "张监察 W1001", "party": "x", "statement": "x"}
    assert office.inspector.send("/extracts", body).status_code == 409
    assert office.officer.send("/extracts", body | {"officers": TWO}).status_code == 403
    empty = {
        "kind": "telemetry",
        "subject": LIFT,
        "since": "2026-01-01T00:00:00+08:00",
        "until": "2026-01-01T01:00:00+08:00",
    }
    answer = office.inspector.send("/extracts", body | empty | {"officers": TWO})
    assert answer.status_code == 422
    assert "没有收到数据" in answer.json()["detail"]


def test_a_document_is_a_pdf_and_the_ledger_a_sheet_of_what_is_shown(office: Office) -> None:
    hazard = office.hazard()
    office.hazard("major", "4.6 b", cause="x")
    office.hand_over(hazard)
    paper = office.inspector.get(f"/hazards/{hazard}/documents")[0]
    answer = office.officer.client.get(f"/api/v1/documents/{paper['id']}/pdf")
    assert answer.content.startswith(b"%PDF")
    answer = office.inspector.client.get("/api/v1/hazards/export?state=handed_over")
    sheet = (
        python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(answer.content)).get_sheet_by_name("台账").to_python()
    )
    assert len(sheet) == 2
    line = dict(zip(sheet[0], sheet[1], strict=True))
    assert (line["状态"], line["等级"]) == ("已交办", "一般")
    assert line["整改措施"] == "更换门锁"
    assert (line["交办单号"], line["区县"], line["核实人"]) == (paper["number"], "埇桥区", paper["issued_by"])
    assert line["使用单位"] not in ("", "—")
    assert (line["照片（整改前）"], line["逾期天数"], line["签收时间"]) == (0, 0, "—")


def test_a_case_from_the_sensor_to_close_out_whose_evidence_outlives_its_readings(office: Office) -> None:
    pipeline, clock = office.platform.pipeline, office.platform.clock
    moving = RESTING | {"car_moving": True, "door_closed": False, "door_zone": False, "speed_m_s": 0.8}
    for second in range(8):
        pipeline.send(LIFT, moving if second > 2 else RESTING)
        pipeline.wait(1)
    office.platform.turn(2)
    lead = next(x for x in office.inspector.get("/leads") if x["cause"] == "alarm:lift.open_door_travel")
    assert (lead["urgent"], lead["suggested_clause"], lead["source_kind"]) == (True, "4.6 b", "alarm_pattern")
    verdict = {"decision": "hazard", "reason": "现场门锁短接", "grade": "major", "stop_use": True}
    hazard = office.inspector.post(f"/leads/{lead['id']}/decide", verdict)["hazard_id"]
    kept = office.inspector.get(f"/hazards/{hazard}/telemetry")
    assert any(point[1] == pytest.approx(0.8, abs=0.01) for point in kept["courses"]["speed_m_s"]["points"])
    assert (
        kept["sha256"]
        == office.conn.execute(
            "select evidence ->> 'window_sha256' from maintenance.hazard_event where hazard_id = %s and event = 'list'",
            (hazard,),
        ).fetchone()[0]
    )
    office.conn.execute("delete from ingest.reading_lift where unit_no = %s", (office.unit_no,))
    assert office.inspector.get(f"/hazards/{hazard}/telemetry") == kept
    office.rectifying(hazard, **FULL)
    for stage, data in (("before", PNG), ("after", PNG + b"2")):
        office.photo(office.officer, hazard, stage, data)
    office.act(office.officer, hazard, "apply", evidence="门锁已更换")
    office.act(office.second_inspector(), hazard, "inspect", evidence="啮合 8 mm", officer="李监察 W1002")
    assert office.act(office.inspector, hazard, "close", evidence="复查合格", officers=TWO)["state"] == "closed"
    clock.advance(10)
    office.platform.turn(6)
    found = extracted(office, kind="hazard", subject=str(hazard))
    assert json.loads(found["telemetry.json"])["sha256"] == kept["sha256"]
    assert len([name for name in found if name.startswith("files/")]) == 2


def test_a_paper_carries_both_numbers_the_seal_and_how_it_was_served(office: Office) -> None:
    hazard = office.hazard()
    office.hand_over(hazard)
    office.act(office.inspector, hazard, "order", "现场短接", measures="停止使用", officers=TWO)
    first, second = office.inspector.get(f"/hazards/{hazard}/documents")
    served = {"method": "left", "receiver": "王经理", "delivered_at": office.platform.clock.now().isoformat(), "officers": TWO,
              "place": "物业办公室", "note": "社区工作人员见证"}  # fmt: skip
    office.inspector.post(f"/documents/{second['id']}/deliveries", served)
    with office.conn.transaction():
        paper = order(document(office.conn, second["id"]), deliveries(office.conn, second["id"]))
        bare = order(document(office.conn, first["id"]), [])
    assert [(o.name, o.badge) for o in paper.officers] == [("张监察", "W1001"), ("李监察", "W1002")]
    assert paper.servers == paper.officers
    assert "留置送达" in paper.served[0]
    assert "社区工作人员见证" in paper.served[0]
    assert len(bare.officers) == 2
    assert [o.badge for o in bare.officers] == ["", ""]
    assert bare.to
    for issued in (first, second):
        answer = office.inspector.client.get(f"/api/v1/documents/{issued['id']}/pdf")
        assert answer.content.startswith(b"%PDF")
