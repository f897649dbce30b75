"""Over the web: hand in, watch, apply, decide, export, print; and what must not come out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from dashboards.app import create_app, security_headers
from dashboards.errors import LabelError
from dashboards.labels import MOST_LABELS, Label, label_sheet
from dashboards.pages.maps import cell_degrees, on_tiles
from dashboards.settings import WebSettings
from equipment.access.model import Role
from equipment.foundation.clock import ManualClock
from equipment.foundation.database import DatabaseRole, open_pool
from equipment.foundation.tables import read_table
from equipment.imports.runner import Importer
from equipment.imports.settings import ImportSettings
from equipment.registry.codes import qr_payload
from equipment.registry.coordinates import Position, wgs84_to_gcj02
from equipment.transparency.keys import Signer
from tests.conftest import Database
from tests.equipment.imports.conftest import Web, new_row


def send(web: Web, content: bytes, role: Role = Role.REGULATOR, **query: str) -> Any:
    person = web.person(role)
    return person.client.post("/api/v1/imports", content=content, params=query, headers={"X-CSRF-Token": person.csrf})


def table(web: Web, rows: list[dict[str, str]]) -> bytes:
    return web.desk.file(rows).read_bytes()


def test_from_the_file_to_the_registry(web: Web) -> None:
    content = table(web, [new_row(1), new_row(2, make_date="2019-02-30")])
    regulator = web.person(Role.REGULATOR)
    first = send(web, content, create_organisations="true", file_name="台账.csv")
    assert first.status_code == 201, first.text
    job = first.json()["id"]
    again = send(web, content, create_organisations="true", file_name="台账.csv")
    assert (again.status_code, again.json()["id"]) == (200, job)
    assert "data-watch" in regulator.client.get(f"/imports/{job}").text
    web.desk.importer.run_open()
    seen = regulator.get(f"/imports/{job}")
    assert (seen["state"], seen["counts"]["new"], seen["counts"]["refused"]) == ("checked", 1, 1)
    (line,) = regulator.get(f"/imports/{job}/report")
    assert (line["line"], line["title"], line["value"]) == (3, "制造日期", "2019-02-30")
    page = regulator.client.get(f"/imports/{job}").text
    assert "2019-02-30" in page
    assert "尚未写入任何数据" in page
    assert regulator.send(f"/imports/{job}/apply", {}).status_code == 200
    assert regulator.send(f"/imports/{job}/apply", {}).status_code == 200
    web.desk.importer.run_open()
    assert regulator.get(f"/imports/{job}")["state"] == "done"
    assert regulator.send(f"/imports/{job}/cancel", {}).status_code == 409
    assert regulator.get("/units/311010890202400001")["rescue_code"] == "200001"
    report = regulator.client.get(f"/api/v1/imports/{job}/report.csv")
    assert report.content.startswith(b"\xef\xbb\xbf")
    assert "2019-02-30" in report.text
    audited = web.desk.conn.execute("select action from equipment.audit_entry order by id").fetchall()
    assert [a for (a,) in audited] == ["import.submit", "import.apply", "unit.create"]


def test_a_file_that_is_too_large_is_refused_before_it_is_read(web: Web) -> None:
    person = web.person(Role.REGULATOR)

    def send(length: int) -> Any:
        headers = {"X-CSRF-Token": person.csrf, "Content-Length": str(length)}
        return person.client.post("/api/v1/imports", content=b"x", headers=headers)

    answer = send(110_000_000)
    assert answer.status_code == 422
    assert "110 MB，上限 100 MB" in answer.json()["detail"]
    # what no route takes is refused before any route is asked
    answer = send(200_000_000)
    assert answer.status_code == 413
    assert "120" in answer.json()["detail"]


def test_an_upload_without_a_length_is_counted_as_it_comes(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TESHE_IMPORT_MOST_BYTES", "2000")
    person = web.person(Role.REGULATOR)

    def parts() -> Iterator[bytes]:
        for _ in range(100):
            yield b"x" * 100

    answer = person.client.post("/api/v1/imports", content=parts(), headers={"X-CSRF-Token": person.csrf})
    assert answer.status_code == 422
    assert web.desk.conn.execute("select count(*) from equipment.import_job").fetchone() == (0,)


def test_a_job_is_seen_by_those_above_it_only(web: Web) -> None:
    job = send(web, table(web, [new_row(1)]), Role.REGULATOR).json()["id"]
    mine = send(web, table(web, [new_row(2)]), Role.INSPECTOR).json()["id"]
    assert web.person(Role.INSPECTOR).client.get(f"/api/v1/imports/{job}").status_code == 404
    assert [j["id"] for j in web.person(Role.INSPECTOR).get("/imports")] == [mine]
    assert [j["id"] for j in web.person(Role.REGULATOR).get("/imports")] == [mine, job]
    assert send(web, b"x", Role.DESK).status_code == 403
    assert send(web, table(web, [new_row(1)]), source="nonsense").status_code == 422
    assert send(web, table(web, [new_row(1)]), source="firm").status_code == 422


def test_the_work_list_is_decided_on_the_page(web: Web) -> None:
    row = web.desk.conn.execute("select device_code, name from equipment.unit where id = 'L000001'").fetchone()
    assert row is not None
    web.desk.apply(web.desk.file([{"device_code": row[0], "name": "<b>别的</b>"}]), source="plates")
    regulator = web.person(Role.REGULATOR)
    page = regulator.client.get("/reconciliation").text
    assert "&lt;b&gt;别的&lt;/b&gt;" in page
    assert row[1] in page
    (item,) = regulator.get("/reconciliation")
    assert regulator.send(f"/reconciliation/{item['id']}/decide", {"decision": "keep"}).status_code == 422
    done = regulator.post(f"/reconciliation/{item['id']}/decide", {"decision": "take", "reason": "标牌如此"})
    assert done["decision"] == "take"
    assert regulator.get("/units/L000001")["name"] == "<b>别的</b>"
    assert regulator.get("/reconciliation") == []
    assert "标牌如此" in regulator.client.get("/reconciliation?decided=yes").text
    assert "没有待核对的事项" in regulator.client.get("/reconciliation").text


def test_an_export_has_what_the_asker_may_see(web: Web, tmp_path: Path) -> None:
    web.desk.conn.execute("update equipment.unit set place_name = '=cmd|calc' where id = 'L000001'")
    for role in (Role.REGULATOR, Role.INSPECTOR, Role.FIRM_MANAGER):
        person = web.person(role)
        for kind in ("csv", "xlsx"):
            answer = person.client.get(f"/api/v1/exports/units.{kind}")
            assert answer.status_code == 200
            path = tmp_path / f"x.{kind}"
            path.write_bytes(answer.content)
            rows = list(read_table(path, lambda cells: "设备编号" in cells).rows)
            ids = {row.cells[0] for row in rows}
            seen = {u["id"] for u in person.get("/units?limit=500")}
            assert ids == seen != set()
            assert not any(cell.startswith("=") for row in rows for cell in row.cells)
    assert web.person(Role.REGULATOR).client.get("/api/v1/imports/template.xlsx").status_code == 200


def test_labels_are_a_pdf_of_the_plates_that_were_chosen(web: Web) -> None:
    person = web.person(Role.REGULATOR)
    plates = [
        p
        for (p,) in web.desk.conn.execute(
            "select rescue_code from equipment.unit where rescue_code is not null order by 1"
        )
    ]
    page = person.client.get("/labels").text
    assert f"{len(plates)} 枚标签" in page
    answer = person.client.get("/labels.pdf", params={"plates": f"{plates[0]}\n{plates[1]}"})
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF-1.7")
    assert b"pdfaid" in answer.content
    assert person.client.get("/labels.pdf", params={"q": "没有这样的地方"}).status_code == 400
    assert web.person(Role.DESK).client.get("/labels.pdf").status_code == 403
    with pytest.raises(LabelError, match=str(MOST_LABELS)):
        label_sheet([Label("130001", "x", "y")] * (MOST_LABELS + 1), "96366", "宿州市")


def test_the_qr_code_leads_to_the_public_page_which_names_no_person(web: Web) -> None:
    plate, name = web.desk.conn.execute(
        "select rescue_code, name from equipment.unit where id = 'L000001'"
    ).fetchone() or ("", "")
    address = qr_payload("https://testserver/", plate)
    stranger = TestClient(web.app, base_url="https://testserver")
    answer = stranger.get(address)
    assert answer.status_code == 200
    assert name in answer.text
    people = web.desk.conn.execute("select name, phone, certificate_no from equipment.person").fetchall()
    phones = web.desk.conn.execute(
        "select duty_phone from equipment.organisation where duty_phone is not null"
    ).fetchall()
    places = web.desk.conn.execute("select lon::text, lat::text from equipment.unit").fetchall()
    body = re.sub(r"<footer.*", "", answer.text, flags=re.DOTALL)
    for person in people:
        assert not any(value and value in body for value in person[1:])
        assert f">{person[0]}<" not in body
    assert not any(phone in body for (phone,) in phones)
    assert not any(lon in body or lat in body for lon, lat in places)
    assert not re.search(r"(?<!\d)1[3-9]\d{9}(?!\d)", body)


def test_the_map_counts_every_unit_once_and_says_what_it_does_not_draw(web: Web) -> None:
    web.desk.conn.execute("update equipment.unit set datum = 'unknown' where id = 'L000001'")
    web.desk.conn.execute("update equipment.unit set lon = null, lat = null where id = 'L000002'")
    web.desk.conn.execute("update equipment.unit set datum = 'gcj02' where id = 'L000003'")
    regulator = web.person(Role.REGULATOR)
    all_units = web.desk.conn.execute("select count(*) from equipment.unit").fetchone() or (0,)
    area = {"west": 110, "south": 30, "east": 120, "north": 40}
    seen = regulator.client.get("/map/cells", params=area).json()
    assert seen["units"] == sum(c["units"] for c in seen["cells"]) == all_units[0] - 2
    page = regulator.client.get("/map").text
    assert "1 台无坐标" in page
    assert "1 台坐标系未知" in page
    row = web.desk.conn.execute("select lon, lat from equipment.unit where id = 'L000003'").fetchone() or (0.0, 0.0)
    near = {"west": row[0] - 1e-3, "east": row[0] + 1e-3, "south": row[1] - 1e-3, "north": row[1] + 1e-3}
    (one,) = [c for c in regulator.client.get("/map/cells", params=near).json()["cells"] if c.get("id") == "L000003"]
    assert abs(one["lon"] - row[0]) > 1e-3
    inspector = web.person(Role.INSPECTOR).client.get("/map/cells", params=area).json()
    assert 0 < inspector["units"] < seen["units"]
    assert regulator.client.get("/map/cells", params={**area, "status": "scrapped"}).json()["units"] < seen["units"]


def test_tiles_come_from_the_intranet_only_where_they_are_set(city: Database, clock: ManualClock) -> None:
    plain, tiled = (
        WebSettings(),
        WebSettings(tile_address="https://tiles.intranet:8443/{z}/{x}/{y}.png", tile_datum="gcj02"),
    )
    assert "img-src 'self' data: blob:;" in security_headers(plain)["Content-Security-Policy"]
    assert (
        "img-src 'self' data: blob: https://tiles.intranet:8443;" in security_headers(tiled)["Content-Security-Policy"]
    )
    place = Position(116.98, 33.64)
    assert on_tiles(place, plain) == place
    assert on_tiles(place, tiled) == wgs84_to_gcj02(*place)
    pool = open_pool(city.url, DatabaseRole.SCOPED, max_size=2, application_name="test-tiles")
    app = create_app(pool, city.url, tiled, clock, Signer.generate("teshe.test"))
    client = TestClient(app, base_url="https://testserver")
    assert "https://tiles.intranet:8443" in client.get("/login").headers["content-security-policy"]
    pool.close()


def test_cells_are_powers_of_two_whatever_is_shown() -> None:
    assert cell_degrees(116, 118) == 2.0**-3
    assert cell_degrees(116, 116) > 0


def test_the_importer_process_runs_what_the_web_has_taken(web: Web) -> None:
    send(web, table(web, [new_row(1)]), create_organisations="true")
    with web.database.connect(autocommit=True) as other:
        second = Importer(other, web.desk.clock, ImportSettings())
        with web.desk.importer._alone(1):
            assert second.run(1) is False
        assert second.run_open() == 1
