"""Every page in a real browser: both languages, a phone, no other host, no CSP violation, the main action by keyboard."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Page,
    Route,
    ViewportSize,
    WebSocketRoute,
    expect,
    sync_playwright,
)
from psycopg import sql

from dashboards.app import create_app
from dashboards.settings import WebSettings
from equipment.foundation.clock import ManualClock
from equipment.foundation.database import DatabaseRole, connect, open_pool
from equipment.foundation.ports import free_port
from equipment.transparency.keys import Signer
from tests.conftest import START, Server
from tests.dashboards import page_city
from tests.services.probes import chromium_path
from tests.services.web import served

pytestmark = pytest.mark.requires("chromium")
VENDOR = Path(__file__).parents[2] / "dashboards" / "static" / "vendor"
PHONE: ViewportSize = {"width": 390, "height": 844}
LAPTOP: ViewportSize = {"width": 1366, "height": 768}

PAGES: dict[str, tuple[str, ...]] = {
    "desk": (
        "/desk",
        "/desk/1",
        "/desk/2",
        "/wall",
        "/alarms",
        "/units",
        "/units?q=341001",
        "/units/SZ00000",
        "/calls",
        "/calls/new?plate=341000",
        "/calls/import",
        "/quality",
        "/quality/devices",
        "/quality/sources",
        "/quality/quarantine",
        "/quality/quarantine/1",
        "/quality/quarantine/2",
    ),
    "firm_manager": (
        "/firm",
        "/records",
        f"/records/{page_city.RECORD}",
        "/ledger/hazards",
        "/firm-changes",
        "/contracts",
        "/rosters",
    ),
    "use_unit_officer": ("/use-unit", f"/records/{page_city.RECORD}"),
    "inspector": (
        "/units/SZ00001",
        "/organisations",
        "/organisations/1",
        "/firm-changes?all=yes",
        "/contracts",
        "/rosters",
        "/test-calls",
        "/officers",
        "/units/new",
        "/register",
        "/ledger",
        "/ledger/leads/1",
        "/ledger/hazards",
        "/ledger/hazards/1",
        "/ledger/hazards/2",
    ),
    "regulator": (
        "/board",
        "/board/definitions",
        "/cylinders",
        "/cylinders?view=fills",
        "/cylinders?view=refused",
        "/cylinders?view=all",
        f"/cylinders/{page_city.CYLINDER}",
    ),
    "security_admin": ("/audit",),
    "auditor": ("/audit", "/desk/1"),
}
PUBLIC = ("/login", "/lift", "/lift/341000", "/cylinder", f"/cylinder/{page_city.CYLINDER}")


@pytest.fixture(scope="module")
def site(plain_server: Server) -> Iterator[str]:
    """The web process over a small city, with the clock standing still."""
    name = f"teshe_pages_{os.getpid()}_{secrets.token_hex(3)}"
    with psycopg.connect(plain_server.owner_url("postgres"), autocommit=True) as admin:
        admin.execute(
            sql.SQL("create database {} template {}").format(
                sql.Identifier(name), sql.Identifier(plain_server.template)
            )
        )
    url = plain_server.owner_url(name)
    with connect(url, DatabaseRole.OWNER, application_name="pages") as conn:
        page_city.build(conn, START)
    pool = open_pool(url, DatabaseRole.SCOPED, max_size=4, application_name="pages")
    settings = WebSettings(cookie_secure=False)
    port = free_port()
    app = create_app(pool, url, settings, ManualClock(START), Signer.generate("teshe.test"))
    with served(app, port):
        yield f"http://127.0.0.1:{port}"
    pool.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=chromium_path(), args=["--no-sandbox"])
        yield chromium
        chromium.close()


@dataclass
class Visit:
    """One person's browser, and what went wrong in it."""

    site: str
    context: BrowserContext
    page: Page
    troubles: list[str] = field(default_factory=list)

    def watch(self) -> None:
        self.page.on("pageerror", lambda error: self.troubles.append(f"error: {error}"))
        self.page.on("console", lambda m: self.troubles.append(m.text) if m.type in ("error", "warning") else None)
        self.page.on("request", lambda request: self._local(request.url))

    def _local(self, url: str) -> None:
        if not url.startswith((self.site, self.site.replace("http", "ws"), "data:", "blob:")):
            self.troubles.append(f"asked another host: {url}")

    def enter(self, role: str) -> None:
        self.page.goto(f"{self.site}/login")
        self.page.get_by_label("账号", exact=True).fill(role)
        self.page.get_by_label("密码").fill(page_city.PASSWORD)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(lambda url: "/login" not in url)

    def go(self, address: str) -> Page:
        self.page.goto(self.site + address)
        return self.page


@pytest.fixture
def visit(site: str, browser: Browser) -> Iterator[Visit]:
    context = browser.new_context(viewport=LAPTOP, locale="zh-CN", reduced_motion="reduce")
    page = context.new_page()
    visit = Visit(site, context, page)
    visit.watch()
    yield visit
    context.close()


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("role", PAGES)
def test_every_page_of_a_role_works_on_a_laptop_and_on_a_phone(visit: Visit, role: str, language: str) -> None:
    visit.enter(role)
    visit.context.add_cookies([{"name": "teshe_language", "value": language, "url": visit.site}])
    for address in PAGES[role]:
        for size in (LAPTOP, PHONE):
            visit.page.set_viewport_size(size)
            page = visit.go(address)
            expect(page.locator("html")).to_have_attribute("lang", language)
            expect(page.locator("main")).to_be_visible()
            assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], (
                f"{address} is wider than {size}"
            )
            if language == "zh-CN":
                expect(page.locator("h1, h2").first).to_have_text(re.compile(r"[\u4e00-\u9fff]"))
    assert visit.troubles == []


@pytest.mark.parametrize("address", PUBLIC)
def test_public_pages_need_no_login(visit: Visit, address: str) -> None:
    visit.page.set_viewport_size(PHONE)
    page = visit.go(address)
    expect(page.locator("main")).to_be_visible()
    expect(page.get_by_text("96366").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert visit.troubles == []


def test_the_public_page_names_no_person_and_no_phone_but_the_hotline(visit: Visit) -> None:
    page = visit.go("/lift/341000")
    text = page.locator("main").inner_text()
    assert page_city.LONG_NAME in text
    assert "王强" not in text
    assert "0557" not in text


def test_a_wrong_password_says_so_and_keeps_the_account(visit: Visit) -> None:
    page = visit.go("/login")
    page.get_by_label("账号", exact=True).fill("auditor")
    page.get_by_label("密码").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert").filter(has_text="登录失败")).to_be_visible()
    expect(page.get_by_label("账号", exact=True)).to_have_value("auditor")


def test_without_a_session_a_page_leads_to_the_login_and_back(visit: Visit) -> None:
    page = visit.go("/units")
    expect(page).to_have_url(re.compile(r"/login\?next=/units"))
    page.get_by_label("账号", exact=True).fill("desk")
    page.get_by_label("密码").fill(page_city.PASSWORD)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/units$"))


def test_what_a_role_may_not_open_is_refused_with_a_page(visit: Visit) -> None:
    visit.enter("firm_manager")
    page = visit.go("/desk")
    expect(page.get_by_text("您的角色无权查看")).to_be_visible()
    expect(page.get_by_role("navigation").get_by_text("应急台")).to_have_count(0)


def test_what_does_not_exist_has_a_page(visit: Visit) -> None:
    visit.enter("desk")
    page = visit.go("/units/NOT-THERE")
    expect(page.get_by_text("不存在，或不在您的管辖范围内。")).to_be_visible()


def test_language_and_appearance_are_remembered(visit: Visit) -> None:
    visit.enter("desk")
    page = visit.go("/units?kind=lift")
    page.get_by_label("语言、外观与账号").click()
    page.get_by_role("button", name="English").click()
    expect(page).to_have_url(re.compile(r"/units\?kind=lift"))
    page.get_by_label("Language, theme and account").click()
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.get_by_role("heading", name="Equipment")).to_be_visible()


def test_the_desk_is_worked_from_the_keyboard(visit: Visit) -> None:
    visit.enter("desk")
    page = visit.go("/desk")
    page.keyboard.press("1")
    expect(page.locator(".case-head")).to_be_visible()
    expect(page).to_have_url(re.compile(r"/desk/\d+$"))
    page = visit.go("/desk/2")
    page.keyboard.press("v")
    form = page.locator("details.action[open] form")
    expect(form).to_be_visible()
    expect(form.locator("input[type=radio]").first).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(form).to_have_count(0)
    page.keyboard.press("n")
    expect(page).to_have_url(re.compile(r"/calls/new$"))
    expect(page.get_by_label("救援识别码")).to_be_focused()


def test_choosing_an_incident_swaps_the_panes_and_goes_back(visit: Visit) -> None:
    visit.enter("desk")
    page = visit.go("/desk/1")
    page.evaluate("window.stayed = true")
    page.locator("#q-2").click()
    expect(page.locator(".case-head")).to_contain_text("待核实")
    assert page.evaluate("window.stayed") is True
    page.go_back()
    expect(page.locator(".case-head h1")).to_have_text(page_city.LONG_NAME)
    assert visit.troubles == []


def test_the_lift_stands_beside_the_call_as_soon_as_six_digits_are_typed(visit: Visit) -> None:
    visit.enter("desk")
    page = visit.go("/calls/new")
    page.get_by_label("救援识别码").press_sequentially("341000")
    expect(page.locator("#lift-card")).to_contain_text(page_city.LONG_NAME)
    expect(page.locator("#lift-card")).to_contain_text("该电梯已有进行中的事件")


def test_names_that_look_like_markup_are_shown_as_text(visit: Visit) -> None:
    visit.enter("desk")
    for address in ("/desk", "/units/SZ00001", "/wall"):
        page = visit.go(address)
        expect(page.get_by_text("<img src=x").first).to_be_attached()
        expect(page.locator("img[src=x]")).to_have_count(0)
    assert visit.troubles == []


def test_the_feed_is_live_and_says_loudly_when_it_is_not(visit: Visit) -> None:
    visit.enter("desk")
    page = visit.go("/desk")
    expect(page.locator("#feed")).to_have_text("实时")
    expect(page.locator("#feed-banner")).to_be_hidden()

    def silent(_: WebSocketRoute) -> None:
        """A server that accepts and then says nothing."""

    page.route_web_socket(re.compile(r"/ws/desk"), silent)
    page.clock.install()
    page = visit.go("/desk")
    page.clock.run_for(14_000)
    expect(page.locator("#feed")).to_have_text("实时数据中断")
    expect(page.locator("#feed-banner")).to_be_visible()
    expect(page.locator("#feed-banner")).to_contain_text("列表为空不代表没有事件")


def test_an_untaken_incident_rings_or_says_that_it_cannot(visit: Visit) -> None:
    visit.enter("desk")
    page = visit.go("/desk")
    expect(page.locator("#sound-banner")).to_be_visible()
    page.get_by_role("button", name="开启声音").click()
    expect(page.locator("#sound-banner")).to_be_hidden()


def test_a_double_press_sends_once(visit: Visit) -> None:
    visit.enter("desk")
    page = visit.go("/desk/2")
    sent: list[Route] = []
    page.route("**/api/v1/incidents/**", lambda route: sent.append(route))
    button = page.get_by_role("button", name="接警")
    button.click()
    button.click()
    expect(button).to_have_attribute("aria-busy", "true")
    assert len(sent) == 1
    assert (sent[0].request.post_data_json or {})["version"] == 1
    assert sent[0].request.headers["x-csrf-token"]
    sent[0].abort()


def test_a_refused_step_says_why_and_loses_nothing(visit: Visit) -> None:
    visit.enter("desk")
    page = visit.go("/desk/2")
    refusal = '{"title": "已被他人处理", "detail": "请刷新后重试", "status": 409}'
    page.route(
        "**/api/v1/incidents/**",
        lambda route: route.fulfill(status=409, body=refusal, content_type="application/problem+json"),
    )
    page.keyboard.press("m")
    page.keyboard.type("对讲无人应答")
    page.locator("details.action[open] button").click()
    expect(page.get_by_role("alert").filter(has_text="已被他人处理: 请刷新后重试")).to_be_visible()
    expect(page.locator("details.action[open] textarea")).to_have_value("对讲无人应答")


def test_filters_live_in_the_address(visit: Visit) -> None:
    visit.enter("desk")
    page = visit.go("/units")
    expect(page.locator("tbody tr")).to_have_count(50)
    page.keyboard.press("/")
    page.keyboard.type("341001")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"q=341001"))
    expect(page.locator("tbody tr")).to_have_count(1)


def test_an_inspector_judges_a_lead_in_place(visit: Visit) -> None:
    visit.enter("inspector")
    page = visit.go("/ledger/leads/1")
    bodies: list[object] = []

    def keep(route: Route) -> None:
        bodies.append(route.request.post_data_json)
        route.fulfill(json={})

    page.route("**/api/v1/leads/1/decide", keep)
    page.get_by_label("如何核实").fill("现场测量 3.5 mm")
    page.get_by_role("button", name="转为隐患", exact=True).click()
    expect(page.get_by_label("如何核实")).to_have_value("")
    assert bodies
    assert bodies[0]["reason"] == "现场测量 3.5 mm"  # type: ignore[index]
    assert bodies[0]["grade"] == "major"  # type: ignore[index]
