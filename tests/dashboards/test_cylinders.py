"""Stations, inspectors and the public over the web: from registration to the scan."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from equipment.access.model import Role
from tests.pipeline import PASSWORD
from tests.platform import Person, Platform

KEY = {"Idempotency_Key": "station-call-1"}


@pytest.fixture
def station(platform: Platform) -> Person:
    return platform.log_in("filling", PASSWORD)


def fill(platform: Platform, code: str, **values: Any) -> dict[str, Any]:
    at = platform.clock.now()
    return {
        "code": code, "medium": "lpg", "filled_at": at.isoformat(), "checked_at": (at - timedelta(minutes=4)).isoformat(),
        "appearance_ok": True, "leak_free": True, "empty_kg": 16.6, "full_kg": 31.0, "gun": "G1", "filler": "赵充装",
        "checker": "钱检查", "video_url": "https://video.example/1",
    } | values  # fmt: skip


def test_a_station_registers_fills_delivers_and_everybody_may_scan(platform: Platform, station: Person) -> None:
    cylinder = {"code": "N-00001", "maker_code": "1", "serial": "1", "make_date": "2024-01-01", "variety_code": "2320", "medium": "lpg",
                "tare_kg": 16.5, "max_fill_kg": 14.9, "next_inspection": "2028-01-01"}  # fmt: skip
    assert station.post("/cylinders", {"cylinders": [cylinder]})["registered"] == 1
    check = {"medium": "lpg", "at": platform.clock.now().isoformat(), "appearance_ok": True}
    assert station.post("/cylinders/N-00001/check", check) == {
        "allowed": True,
        "state": "checked",
        "reasons": [],
        "detail": "",
    }
    foreign = platform.conn.execute(
        "select code from equipment.cylinder where station_id <> (select station_id from equipment.cylinder where code = 'N-00001') limit 1"
    ).fetchone()
    assert foreign is not None
    sent = {"fills": [fill(platform, "N-00001"), fill(platform, foreign[0]), {"code": "N-00001"}]}
    assert station.send("/fills", sent).status_code == 400
    answer = station.post("/fills", sent, **KEY)
    assert [i["outcome"] for i in answer["items"]] == ["accepted", "refused", "invalid"]
    assert "another_station" in answer["items"][1]["reasons"]
    again = station.post("/fills", sent, **KEY)
    assert (again["items"], again["replayed"]) == (answer["items"], True)
    assert station.send("/fills", {"fills": sent["fills"][:1]}, **KEY).status_code == 409
    platform.pipeline.wait(60)
    moved = station.post("/cylinders/N-00001/events", {"event": "deliver", "recipient": "孙某", "phone": "13800000000"})
    assert moved["state"] == "delivered"
    assert station.post("/cylinders/N-00001/events", {"event": "deliver"})["repeated"] is True
    platform.pipeline.wait(1)
    assert station.send("/cylinders/N-00001/events", {"event": "deliver"}).status_code == 409
    story = station.get("/cylinders/N-00001")
    assert (len(story["fills"]), story["events"][0]["event"]) == (1, "deliver")
    stranger = TestClient(platform.app, base_url="https://testserver")
    shown = stranger.get("/api/v1/public/cylinders/N-00001")
    assert (shown.status_code, shown.json()["state"]) == (200, "delivered")
    page = stranger.get("/cylinder/N-00001")
    assert page.status_code == 200
    for secret in ("赵充装", "钱检查", "孙某", "13800000000"):
        assert secret not in shown.text + page.text
    assert stranger.get("/api/v1/public/cylinders/X-0").status_code == 404
    assert stranger.get("/cylinder/X-0").status_code == 404
    assert stranger.get("/cylinder?code=N-00001", follow_redirects=False).headers["location"] == "/cylinder/N-00001"


def test_an_inspector_licenses_freezes_and_reads_and_a_property_is_told_what_it_is_not(
    platform: Platform, station: Person
) -> None:
    inspector = platform.person(Role.INSPECTOR)
    (own,) = inspector.get("/filling-stations")
    licence = {"licence_no": "TS-2", "media": ["lpg", "dme"], "valid_from": "2026-01-01", "valid_to": "2030-01-01"}
    made = inspector.post(f"/filling-stations/{own['id']}/licences", licence)
    revoked = inspector.send(f"/filling-stations/{own['id']}/licences/{made['id']}/revoke", {"reason": "地址变更"})
    assert revoked.status_code == 204
    policy = {"policy_no": "P-9", "insurer": "示例财险", "valid_from": "2026-01-01", "valid_to": "2027-01-01"}
    assert station.send(f"/filling-stations/{own['id']}/policies", policy).status_code == 201
    assert station.send(f"/filling-stations/{own['id']}/policies", policy).status_code == 409
    code = inspector.get("/cylinders?limit=1")[0]["code"]
    assert inspector.post(f"/cylinders/{code}/events", {"event": "freeze", "reason": "核查"})["state"] == "frozen"
    assert station.send(f"/cylinders/{code}/events", {"event": "unfreeze", "reason": "x"}).status_code == 403
    entry = platform.conn.execute(
        "select count(*) from equipment.audit_entry where action = 'cylinder.license'"
    ).fetchone()
    assert entry == (2,)
    owner = platform.person(Role.USE_UNIT_DIRECTOR)
    assert owner.send("/fills", {"fills": [fill(platform, code)]}, **KEY).status_code == 404
    assert owner.get("/cylinders") == []
    assert "未登记为气瓶充装单位" in owner.client.get("/cylinders").text


def test_exports_hold_what_the_lists_hold(platform: Platform, station: Person) -> None:
    answer = station.client.get("/api/v1/cylinders/export.csv")
    assert answer.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert len(rows) - 1 == len(station.get("/cylinders?limit=500")) == 100
    since = (platform.clock.now() - timedelta(days=30)).strftime("%Y-%m-%dT%H:%M:%SZ")
    fills = station.client.get(f"/api/v1/fills/export.csv?from={since}")
    assert len(fills.text.strip().splitlines()) - 1 == len(station.get(f"/fills?from={since}&limit=1000")) > 20
    assert station.client.get("/api/v1/fills?from=2020-01-01T00:00:00Z").status_code == 400


@pytest.mark.parametrize("address", [
    "/cylinders", "/cylinders?view=due&due=soon", "/cylinders?view=due&due=unknown", "/cylinders?view=fills", "/cylinders?view=refused",
    "/cylinders?view=all", "/cylinders?view=all&state=full&after=5", "/cylinders?q=nothing", "/cylinders?view=nonsense&station=x&page=x&after=-",
    "/cylinders/3413020100000002", "/cylinder-transfers", "/cylinder-transfers?all=yes&before=x&codes=1", "/cylinder", "/cylinder?code=%3Cscript%3E",
])  # fmt: skip
def test_every_view_of_the_pages_renders(platform: Platform, station: Person, address: str) -> None:
    for person in (station, platform.person(Role.REGULATOR)):
        answer = person.client.get(address)
        assert answer.status_code == 200, answer.text[:500]
        assert "<script>" not in answer.text


def test_a_cylinder_is_corrected_by_its_form_and_offered_to_another_station(
    platform: Platform, station: Person
) -> None:
    empty = station.get("/cylinders?state=empty&limit=50")
    code = next(c["code"] for c in empty if c["next_inspection"] > f"{platform.clock.now():%Y-%m-%d}")
    shown = station.client.get(f"/cylinders/{code}")
    assert 'data-method="PATCH"' in shown.text
    assert 'name="tare_kg"' not in shown.text
    assert 'name="tare_kg"' in platform.person(Role.INSPECTOR).client.get(f"/cylinders/{code}").text
    tag = station.client.get(f"/api/v1/cylinders/{code}").headers["etag"]

    def patch(body: dict[str, Any], **headers: str) -> Any:
        sent = {"X-CSRF-Token": station.csrf} | {k.replace("_", "-"): v for k, v in headers.items()}
        return station.client.patch(f"/api/v1/cylinders/{code}", json=body, headers=sent)

    change = {"certificate_no": "瓶10皖L00001(24)", "reason": "补录"}
    assert patch(change).status_code == 428
    platform.clock.advance(1)
    assert patch(change, If_Match=tag).json()["certificate_no"] == change["certificate_no"]
    assert patch(change | {"certificate_no": "x"}, If_Match=tag).status_code == 412
    assert patch({"tare_kg": 1, "reason": "x"}, If_Match="*").status_code == 403
    assert "补录" in station.client.get(f"/cylinders/{code}").text
    row = platform.conn.execute(
        "select organisation_id from equipment.filling_station where organisation_id <>"
        " (select station_id from equipment.cylinder where code = %s) order by 1 limit 1",
        (code,),
    ).fetchone()
    assert row is not None
    made = station.post("/cylinder-transfers", {"to_station": row[0], "codes": [code, "X-0000"], "reason": "转让"})
    assert (made["offered"], made["refused"]) == (1, [{"code": "X-0000", "reasons": ["unknown_cylinder"]}])
    listed = station.client.get("/cylinder-transfers").text
    assert code in listed
    assert 'value="withdraw"' in listed
    assert 'value="accept"' not in listed
    assert station.post(f"/cylinder-transfers/{made['id']}", {"event": "withdraw"})["state"] == "withdrawn"
    assert station.send(f"/cylinder-transfers/{made['id']}", {"event": "withdraw"}).status_code == 409
    assert station.send("/cylinder-transfers/99999", {"event": "withdraw"}).status_code == 404
    assert (
        platform.person(Role.INSPECTOR)
        .send("/cylinder-transfers", {"to_station": 1, "codes": ["x"], "reason": "x"})
        .status_code
        == 403
    )
