"""The field form in a real browser: a shift without network, killed in the middle, twice the same, in two windows."""

from __future__ import annotations

import os
import struct
import threading
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect, sync_playwright
from psycopg import sql

from dashboards.app import create_app
from dashboards.settings import WebSettings
from equipment.foundation.clock import SystemClock
from equipment.foundation.database import DatabaseRole, connect, open_pool
from equipment.foundation.ports import free_port
from equipment.transparency.keys import Signer
from maintenance.records.model import canonical, read_record
from tests.conftest import Server
from tests.dashboards import page_city
from tests.services.probes import chromium_path
from tests.services.web import served

pytestmark = pytest.mark.requires("chromium")
PLACES = ("machine_room", "car_top", "car", "landing", "pit")
PICTURES = os.environ.get("TESHE_PICTURES")


def png(width: int, height: int) -> bytes:
    """A picture that a camera could have made, as far as a browser cares."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = b"".join(b"\0" + bytes((x * 7 + y * 13) % 256 for x in range(width * 3)) for y in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b"")


VIDEO_RUNS = "() => document.querySelector('video.camera').videoWidth > 0"
PHOTO: Any = {"name": "a.png", "mimeType": "image/png", "buffer": png(1600, 400)}


@pytest.fixture
def site(plain_server: Server) -> Iterator[tuple[str, str]]:
    name = f"teshe_field_{os.getpid()}"
    with psycopg.connect(plain_server.owner_url("postgres"), autocommit=True) as admin:
        admin.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))
        admin.execute(
            sql.SQL("create database {} template {}").format(
                sql.Identifier(name), sql.Identifier(plain_server.template)
            )
        )
    url = plain_server.owner_url(name)
    clock = SystemClock()
    with connect(url, DatabaseRole.OWNER, application_name="field") as conn:
        page_city.build(conn, clock.now())
    pool = open_pool(url, DatabaseRole.SCOPED, max_size=4, application_name="field")
    settings = WebSettings(cookie_secure=False, record_position_seconds=0)
    app = create_app(pool, url, settings, clock, Signer.generate("teshe.test"))
    port = free_port()
    with served(app, port):
        yield f"http://127.0.0.1:{port}", url
    pool.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=chromium_path(),
            args=["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"],
        )
        yield chromium
        chromium.close()


@dataclass
class Phone:
    """A worker's phone, and how often he touched it."""

    site: str
    url: str
    context: BrowserContext
    page: Page
    taps: int = 0
    troubles: list[str] = field(default_factory=list)

    def open(self) -> Page:
        self.page = self.context.new_page()
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on("console", lambda m: self.troubles.append(m.text) if "Content Security Policy" in m.text else None)
        self.page.goto(f"{self.site}/field")
        expect(self.page.locator("body")).to_have_attribute("data-ready", "yes", timeout=20_000)
        return self.page

    def log_in(self, role: str = "firm_worker") -> None:
        self.page.goto(f"{self.site}/login")
        self.page.get_by_label("账号", exact=True).fill(role)
        self.page.get_by_label("密码").fill(page_city.PASSWORD)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(lambda url: "/login" not in url)

    def arrive(self, plate: str) -> None:
        self.page.locator("#plate").press_sequentially(plate)
        self.taps += len(plate)
        expect(self.page.locator("[data-place=machine_room]").first).to_be_visible()

    def work(self) -> None:
        """All places in order, the self-monitoring of the brake, the measured lock engagement."""
        for place in PLACES:
            self.page.locator(f"input[data-photo={place}]").set_input_files(PHOTO)
            self.taps += 1
            expect(self.page.locator(f"section[data-place={place}]").get_by_text("已拍照通过")).to_be_visible()
        self.page.locator("[data-item=A-1-06] [data-result=pass]").click()
        value = self.page.locator("[data-value=A-1-29]")
        value.fill("8")
        value.press("Tab")
        self.taps += 3
        expect(self.page.locator("#submit")).to_be_visible()

    def sign(self, plate: str) -> None:
        self.page.locator("#plate-out").press_sequentially(plate)
        self.taps += len(plate)
        self.draw_and_submit()

    def draw_and_submit(self) -> None:
        pad = self.page.locator("canvas.pad")
        pad.scroll_into_view_if_needed()
        box = pad.bounding_box()
        assert box is not None
        mouse = self.page.mouse
        mouse.move(box["x"] + 40, box["y"] + 40)
        mouse.down()
        mouse.move(box["x"] + 200, box["y"] + 100, steps=4)
        mouse.up()
        self.page.locator("#submit").click()
        self.taps += 2
        expect(self.page.get_by_text("已签名，存于本机")).to_be_visible()

    def ask(self, query: str) -> int:
        with psycopg.connect(self.url) as conn:
            row = conn.execute(query.encode()).fetchone()
        return int(row[0]) if row else 0

    def sent(self) -> int:
        return self.ask(
            "select count(*) from maintenance.record r join maintenance.record_signature s on s.record_id = r.id"
        )

    def picture(self, name: str) -> None:
        if PICTURES:
            self.page.screenshot(path=Path(PICTURES) / f"{name}.png")


@pytest.fixture
def phone(site: tuple[str, str], browser: Browser) -> Iterator[Phone]:
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale="zh-CN", has_touch=True)
    made = Phone(*site, context, context.new_page())
    made.log_in()
    made.page.close()
    made.open()
    yield made
    context.close()
    assert made.troubles == []


def test_a_half_monthly_visit_takes_few_taps_and_photos(phone: Phone) -> None:
    phone.picture("home")
    phone.arrive("341002")
    phone.picture("visit")
    phone.work()
    phone.picture("finish")
    phone.sign("341002")
    expect(phone.page.locator("#queue")).to_have_text("本机无待上传", timeout=20_000)
    assert phone.sent() == 1
    assert phone.taps <= 25
    assert (
        phone.ask(
            "select count(distinct p) from maintenance.record, jsonb_path_query(content, '$.places[*].photos[*]') p"
        )
        <= 5
    )
    assert phone.ask("select max(size) from maintenance.attachment") <= 500_000


def test_with_the_camera_in_the_form_every_tap_is_counted_and_they_stay_few(phone: Phone) -> None:
    """No camera app in between: the tap on the place is the photo."""
    phone.arrive("341002")
    phone.page.locator("[data-camera]").click()
    phone.taps += 1
    expect(phone.page.locator("video.camera")).to_be_visible()
    phone.page.wait_for_function(VIDEO_RUNS)
    phone.picture("camera")
    for place in PLACES:
        phone.page.locator(f"[data-shoot={place}]").click()
        phone.taps += 1
        expect(phone.page.locator(f"section[data-place={place}]").get_by_text("已拍照通过")).to_be_visible()
    phone.page.locator("[data-item=A-1-06] [data-result=pass]").click()
    value = phone.page.locator("[data-value=A-1-29]")
    value.fill("8")
    value.press("Tab")
    phone.taps += 3
    phone.sign("341002")
    expect(phone.page.locator("#queue")).to_have_text("本机无待上传", timeout=20_000)
    assert phone.sent() == 1
    assert phone.taps <= 25
    photos = "select count(distinct p) from maintenance.record, jsonb_path_query(content, '$.places[*].photos[*]') p"
    assert phone.ask(photos) <= 5
    # the next visit opens the camera by itself
    phone.arrive("341003")
    expect(phone.page.locator("[data-shoot=pit]")).to_be_visible()


def test_a_code_is_read_by_the_running_camera(phone: Phone) -> None:
    phone.page.evaluate(
        """() => { window.BarcodeDetector = class { async detect() { return [{ rawValue: "https://x.example/lift/341004" }]; } }; }"""
    )
    phone.page.locator("#queue").click()
    phone.page.locator("[data-scan]").click()
    expect(phone.page.locator("[data-place=machine_room]").first).to_be_visible()


def test_colleagues_parts_and_findings_stand_in_the_record_and_a_dispute_is_corrected(phone: Phone) -> None:
    with psycopg.connect(phone.url) as conn:
        conn.execute(
            "insert into equipment.person (organisation_id, name, duty, certificate_no)"
            " select organisation_id, '李四', '维保', 'TS6-77' from equipment.account where login = 'firm_worker'"
        )
    phone.page.reload()
    expect(phone.page.locator("body")).to_have_attribute("data-ready", "yes", timeout=20_000)
    phone.arrive("341002")
    phone.work()
    phone.page.locator("details[data-place=more] summary").click()
    phone.page.locator("[data-person=李四]").check()
    phone.page.locator("[data-text=parts]").fill("门滑块×2；轿厢灯")
    phone.page.locator("[data-text=found]").fill("底坑渗水")
    phone.page.locator("[data-text=found]").press("Tab")
    phone.picture("more")
    phone.sign("341002")
    expect(phone.page.locator("#queue")).to_have_text("本机无待上传", timeout=20_000)
    with psycopg.connect(phone.url) as conn:
        row = conn.execute("select content, id from maintenance.record where idempotency_key <> 'k1'").fetchone()
        assert row is not None
        conn.execute(
            "update maintenance.record set state = 'disputed', dispute_reason = '底坑未清洁' where id = %s", (row[1],)
        )
    content = row[0]
    assert [w["name"] for w in content["workers"]][1:] == ["李四"]
    assert content["workers"][1]["certificate_no"] == "TS6-77"
    assert [(p["name"], p["quantity"]) for p in content["parts"]] == [("门滑块", 2), ("轿厢灯", 1)]
    assert content["found"] == "底坑渗水"
    phone.page.reload()
    phone.page.locator(f"[data-correct='{row[1]}']").click()
    phone.page.locator("details[data-place=more] summary").click()
    phone.page.locator("[data-text=found]").fill("底坑渗水，已清洁")
    phone.page.locator("[data-text=found]").press("Tab")
    phone.picture("correction")
    phone.draw_and_submit()
    expect(phone.page.locator("#queue")).to_have_text("本机无待上传", timeout=20_000)
    corrected = f"select count(*) from maintenance.record where corrects = '{row[1]}' and content->>'found' = '底坑渗水，已清洁'"
    assert phone.ask(corrected) == 1
    assert phone.ask(f"select count(*) from maintenance.record where id = '{row[1]}' and state = 'corrected'") == 1


def test_the_officer_sees_the_photos_and_confirms_on_his_phone_without_service_worker(
    phone: Phone, browser: Browser
) -> None:
    phone.arrive("341002")
    phone.work()
    phone.sign("341002")
    expect(phone.page.locator("#queue")).to_have_text("本机无待上传", timeout=20_000)
    phone.page.goto(f"{phone.site}/firm/plan")
    expect(phone.page.get_by_text("无记录，未知").first).to_be_visible()
    phone.picture("plan")
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale="zh-CN")
    context.add_init_script("delete Navigator.prototype.serviceWorker")
    officer = Phone(phone.site, phone.url, context, context.new_page())
    officer.log_in("use_unit_officer")
    with psycopg.connect(phone.url) as conn:
        row = conn.execute("select id from maintenance.record where idempotency_key <> 'k1'").fetchone()
    assert row is not None
    officer.page.goto(f"{phone.site}/records/{row[0]}")
    shown = officer.page.locator(".photos img")
    expect(shown).to_have_count(6)
    shown.first.scroll_into_view_if_needed()
    assert shown.first.evaluate("async (img) => { await img.decode(); return img.naturalWidth; }") > 0
    assert officer.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    officer.picture("officer")
    officer.page.get_by_role("button", name="确认").click()
    expect(officer.page.get_by_role("button", name="确认")).to_have_count(0)
    assert phone.ask("select count(*) from maintenance.record_signature where role = 'officer'") == 1
    context.close()


def test_a_shift_of_twenty_lifts_without_network_and_one_sync(phone: Phone) -> None:
    phone.context.set_offline(True)
    phone.page.close()
    phone.open()
    for index in range(2, 22):
        phone.arrive(f"{341000 + index}")
        phone.work()
        phone.sign(f"{341000 + index}")
    expect(phone.page.locator("#queue")).to_have_text("本机 20 条待上传")
    phone.picture("queue")
    assert phone.sent() == 0
    phone.page.close()
    phone.open()
    expect(phone.page.locator("#queue")).to_have_text("本机 20 条待上传")
    phone.context.set_offline(False)
    phone.page.locator("#queue").click()
    expect(phone.page.locator("#queue")).to_have_text("本机无待上传", timeout=60_000)
    assert phone.sent() == 20


def test_an_app_killed_after_the_record_was_filed_files_it_once(phone: Phone) -> None:
    phone.context.set_offline(True)
    phone.arrive("341003")
    phone.work()
    phone.sign("341003")
    killed = threading.Event()

    def swallow(route: Route) -> None:
        route.fetch()
        killed.set()
        route.abort()

    phone.context.route("**/api/v1/records", swallow)
    phone.context.set_offline(False)
    phone.page.locator("#queue").click()
    for _ in range(100):
        if killed.is_set():
            break
        phone.page.wait_for_timeout(100)
    phone.page.close()
    phone.context.unroute("**/api/v1/records")
    filed = "select count(*) from maintenance.record where level = 'half_month' and idempotency_key <> 'k1'"
    assert phone.ask(filed) == 1
    phone.open()
    expect(phone.page.locator("#queue")).to_have_text("本机无待上传", timeout=20_000)
    assert (phone.ask(filed), phone.sent()) == (1, 1)


def test_a_receipt_over_another_digest_keeps_the_record_on_the_phone(phone: Phone) -> None:
    def alter(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json={**answer.json(), "digest": "0" * 64})

    phone.context.route("**/api/v1/records", alter)
    phone.arrive("341004")
    phone.work()
    phone.sign("341004")
    expect(phone.page.get_by_text("服务器回执的摘要与本机不一致")).to_be_visible(timeout=20_000)
    expect(phone.page.locator("#queue")).to_have_text("本机 1 条待上传")
    phone.picture("conflict")


def test_a_draft_survives_a_kill_and_a_second_window_is_told(phone: Phone) -> None:
    phone.arrive("341005")
    phone.page.locator("[data-item=A-1-06] [data-result=pass]").click()
    expect(phone.page.locator("[data-item=A-1-06] [data-result=pass]")).to_have_attribute("aria-pressed", "true")
    first = phone.page
    phone.open()
    phone.arrive("341005")
    expect(phone.page.get_by_text("此草稿已在另一窗口打开")).to_be_visible()
    expect(phone.page.locator("[data-item=A-1-06] [data-result=fail]")).to_be_disabled()
    first.close()
    # the window that was told goes on by itself when the other has gone
    expect(phone.page.get_by_text("此草稿已在另一窗口打开")).to_have_count(0)
    expect(phone.page.locator("[data-item=A-1-06] [data-result=fail]")).to_be_enabled()
    phone.page.close()
    phone.open()
    phone.arrive("341005")
    expect(phone.page.locator("[data-item=A-1-06] [data-result=pass]")).to_have_attribute("aria-pressed", "true")
    expect(phone.page.get_by_text("此草稿已在另一窗口打开")).to_have_count(0)


def test_a_record_is_not_sent_under_another_workers_account(phone: Phone) -> None:
    phone.context.set_offline(True)
    phone.arrive("341006")
    phone.work()
    phone.sign("341006")
    phone.context.set_offline(False)
    phone.page.close()
    phone.context.clear_cookies()
    phone.page = phone.context.new_page()
    phone.log_in("firm_manager")
    phone.page.close()
    phone.open()
    expect(phone.page.get_by_text("请其本人登录后上传")).to_be_visible(timeout=20_000)
    assert phone.sent() == 0


def test_a_browser_without_service_worker_starts_no_record(phone: Phone) -> None:
    phone.page.close()
    phone.context.add_init_script("delete Navigator.prototype.serviceWorker")
    phone.page = phone.context.new_page()
    phone.page.goto(f"{phone.site}/field")
    expect(phone.page.get_by_text("请在浏览器打开并添加到桌面")).to_be_visible()
    expect(phone.page.locator("#plate")).to_have_count(0)
    phone.picture("wechat")


def test_another_lifts_plate_at_the_sign_out_is_said_and_nothing_is_lost(phone: Phone) -> None:
    phone.arrive("341007")
    phone.work()
    phone.page.locator("#plate-out").press_sequentially("341008")
    expect(phone.page.locator("#plate-wrong")).to_contain_text("341007")
    expect(phone.page.locator("#submit")).to_be_disabled()
    phone.page.locator("#plate-out").fill("")
    phone.sign("341007")
    expect(phone.page.locator("#queue")).to_have_text("本机无待上传", timeout=20_000)
    assert phone.sent() == 1


def test_a_heic_photo_is_said_and_the_draft_goes_on(phone: Phone) -> None:
    phone.arrive("341009")
    heic: Any = {"name": "a.heic", "mimeType": "image/heic", "buffer": b"\x00\x00\x00\x18ftypheic" + bytes(4_000)}
    phone.page.locator("input[data-photo=pit]").set_input_files(heic)
    expect(phone.page.get_by_text("可能是 HEIC")).to_be_visible()
    phone.page.locator("input[data-photo=pit]").set_input_files(PHOTO)
    expect(phone.page.locator("section[data-place=pit]").get_by_text("已拍照通过")).to_be_visible()


def test_two_phones_with_one_visit_are_both_filed_and_the_second_is_told(phone: Phone, browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale="zh-CN", has_touch=True)
    other = Phone(phone.site, phone.url, context, context.new_page())
    other.log_in()
    other.page.close()
    other.open()
    for one in (phone, other):
        one.arrive("341010")
        one.work()
    phone.page.wait_for_timeout(1_000)  # times are in whole seconds: the visits must share one
    for one in (phone, other):
        one.sign("341010")
        expect(one.page.locator("[data-warned]")).to_be_visible(timeout=20_000)  # the queue is empty before, too
        expect(one.page.locator("#queue")).to_have_text("本机无待上传", timeout=20_000)
    expect(other.page.locator("[data-warned]")).to_contain_text("同一时段本台已有记录")
    assert phone.sent() == 2
    context.close()


RECORDS = [
    {"items": [{"id": "A-1-29", "result": "pass", "value": 7.5}, {"id": "A-1-01", "result": "fail", "note": "门锁\"坏\"\\\n\u2028😀é"}]},
    {"items": [{"id": "A-1-29", "result": "pass", "value": 8, "photos": ["a" * 64]}], "drawn": "b" * 64},
    {"items": [], "places": [{"place": "pit", "at": "2026-03-02T01:02:03Z", "photos": ["c" * 64]}], "found": "€ \u0007"},
    {"items": [{"id": "x", "result": "pass", "value": 1e-7}, {"id": "y", "result": "pass", "value": 1e21}, {"id": "z", "result": "pass", "value": -0.0}]},
]  # fmt: skip


@pytest.mark.parametrize("more", RECORDS)
def test_the_browser_computes_the_servers_digest(phone: Phone, more: dict[str, Any]) -> None:
    sign = {"at": "2026-03-02T01:00:00Z", "lon": 116.98, "lat": 33.64, "datum": "wgs84", "accuracy_m": 12}
    body = {
        "unit_id": "SZ1", "level": "half_month", "workers": [{"name": "王强"}], "sign_in": sign,
        "sign_out": {"at": "2026-03-02T01:30:00Z"}, "submitted_at": "2026-03-02T01:30:01Z", **more,
    }  # fmt: skip
    made = phone.page.evaluate(
        "async (r) => { const c = await import('/static/field/canonical.js'); return c.canonical(c.complete(r)); }",
        body,
    )
    assert made.encode() == canonical(read_record(made.encode()))
