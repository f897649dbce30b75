"""Paper and paperless side by side until a day, and old paper as 历史."""

from __future__ import annotations

import hashlib

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
