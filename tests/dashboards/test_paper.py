"""Paper and paperless side by side until a day, and old paper as 历史."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from equipment.access.model import Role
from tests.dashboards.test_plausibility import scene
from tests.dashboards.test_story import LIFT
from tests.platform import Platform


def test_two_cycles_side_by_side_then_no_way_back(platform: Platform) -> None:
    firm = platform.person(Role.FIRM_MANAGER)
    made = firm.post("/paperless", {"parallel_from": "2026-03-02"})
    assert (made["cycles"], made["paperless_from"]) == (2, "2026-04-01")
    moved = firm.post("/paperless", {"parallel_from": "2026-03-10", "cycles": 3})
    assert moved["paperless_from"] == "2026-04-24"
    assert firm.send("/paperless", {"parallel_from": "2026-02-01"}).status_code == 422
    regulator = platform.person(Role.REGULATOR)
    assert regulator.get(f"/paperless/{made['firm_org_id']}")["paperless_from"] == "2026-04-24"
    assert "2026-03-10" in firm.client.get("/firm").text
    platform.clock.advance(60 * 86_400)
    platform.people.clear()
    firm = platform.person(Role.FIRM_MANAGER)
    assert firm.send("/paperless", {"parallel_from": "2026-06-01"}).status_code == 422


def test_a_scan_is_history_and_no_visit_counts_by_it(platform: Platform) -> None:
    worker, content = platform.person(Role.FIRM_WORKER), scene(4)
    name = hashlib.sha256(content).hexdigest()
    body = {"on": "2026-01-05", "level": "half_month", "sha256": name}
    assert worker.send(f"/units/{LIFT}/paper-scans", body).status_code == 422
    worker.client.put(
        f"/api/v1/units/{LIFT}/photos/{name}?size={len(content)}",
        content=content,
        headers={"X-CSRF-Token": worker.csrf},
    )
    worker.post(f"/units/{LIFT}/paper-scans", body)
    worker.post(f"/units/{LIFT}/paper-scans", body)
    assert [s["visited_on"] for s in worker.get(f"/units/{LIFT}/paper-scans")] == ["2026-01-05"]
    assert platform.conn.execute("select count(*) from maintenance.record").fetchone() == (0,)


def put_scan(worker: Any, content: bytes, *, offset: int = 0, size: int | None = None, whole: bytes = b"") -> Any:
    name = hashlib.sha256(whole or content).hexdigest()
    return worker.client.put(
        f"/api/v1/units/{LIFT}/paper-scans/{name}?offset={offset}&size={size or len(whole or content)}",
        content=content,
        headers={"X-CSRF-Token": worker.csrf},
    )


PDF = b"%PDF-1.7\n" + b"x" * 5_000
HEIC = b"\x00\x00\x00\x18ftypheic" + b"y" * 5_000


@pytest.mark.parametrize(
    ("content", "kind"), [(PDF, "application/pdf"), (HEIC, "image/heic"), (scene(5), "image/jpeg")]
)
def test_a_scan_comes_in_pieces_and_goes_out_as_it_was(platform: Platform, content: bytes, kind: str) -> None:
    worker, name = platform.person(Role.FIRM_WORKER), hashlib.sha256(content).hexdigest()
    assert put_scan(worker, content[:1_000], whole=content).json() == {"received": 1_000, "complete": False}
    assert put_scan(worker, content[:1_000], whole=content).status_code == 409
    state = worker.get(f"/units/{LIFT}/paper-scans/{name}/state")
    assert put_scan(worker, content[1_000:], offset=state["received"], whole=content).json()["complete"]
    body = {"on": "2025-03-02", "level": "quarter", "sha256": name, "note": "旧记录.pdf"}
    assert worker.post(f"/units/{LIFT}/paper-scans", body) == {"repeated": False}
    assert worker.post(f"/units/{LIFT}/paper-scans", body) == {"repeated": True}
    other = worker.send(f"/units/{LIFT}/paper-scans", body | {"on": "2025-03-17"})
    assert other.status_code == 422
    assert "2025-03-02" in other.text
    officer = platform.person(Role.USE_UNIT_OFFICER)
    answer = officer.client.get(f"/api/v1/units/{LIFT}/paper-scans/{name}")
    assert (answer.content, answer.headers["content-type"]) == (content, kind)
    assert "attachment" in answer.headers["content-disposition"]
    assert "旧记录.pdf" in officer.client.get(f"/units/{LIFT}/paper-scans").text
    assert "旧记录.pdf" in worker.client.get("/firm/scans").text


def test_what_is_no_scan_is_refused_with_what_to_do(platform: Platform) -> None:
    worker = platform.person(Role.FIRM_WORKER)
    assert "只收 PDF" in put_scan(worker, b"PK\x03\x04" + b"z" * 100).text
    assert "20 MB" in put_scan(worker, PDF, size=20_000_001).text
    wrong = put_scan(worker, PDF[:-1] + b"!", whole=PDF)
    assert wrong.status_code == 422
    assert "摘要不符" in wrong.text
    photo = hashlib.sha256(PDF).hexdigest()
    refused = worker.client.put(
        f"/api/v1/units/{LIFT}/photos/{photo}?size={len(PDF)}", content=PDF, headers={"X-CSRF-Token": worker.csrf}
    )
    assert refused.status_code == 422
    name = hashlib.sha256(HEIC).hexdigest()
    late = {"on": "2099-01-01", "level": "quarter", "sha256": name}
    assert worker.send(f"/units/{LIFT}/paper-scans", late).status_code == 422
    assert worker.send(f"/units/{LIFT}/paper-scans", late | {"on": "2025-01-01", "level": "x"}).status_code == 422
    assert platform.conn.execute("select count(*) from maintenance.paper_scan").fetchone() == (0,)
