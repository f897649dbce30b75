"""The register's forms in a real browser: what was typed stays after a refusal, a state that is too old says so."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from dashboards.app import create_app
from dashboards.settings import WebSettings
from equipment.access.model import Role
from equipment.foundation.database import DatabaseRole, open_pool
from equipment.foundation.ports import free_port
from tests.conftest import Database
from tests.pipeline import PASSWORD
from tests.platform import LOGIN_OF, Platform
from tests.services.probes import chromium_path
from tests.services.web import served

pytestmark = pytest.mark.requires("chromium")
LAPTOP: ViewportSize = {"width": 1366, "height": 768}
PHONE: ViewportSize = {"width": 390, "height": 844}
PICTURES = os.environ.get("TESHE_TEST_PICTURES")
"""A folder for pictures of every page, for whoever wants to look."""
PAGES = {
    Role.REGULATOR: ("/units", "/units/new", "/contracts", "/contracts/1", "/rosters", "/test-calls", "/officers", "/register",
                     "/organisations", "/organisations/1", "/imports", "/cylinder-transfers"),
    Role.FIRM_MANAGER: ("/firm", "/imports", "/contracts", "/contracts/new", "/rosters", "/firm-changes"),
    Role.USE_UNIT_DIRECTOR: ("/officers", "/contracts", "/contracts/new"),
}  # fmt: skip


@pytest.fixture
def site(platform: Platform, database: Database) -> Iterator[str]:
    """The platform's city behind a port."""
    pool = open_pool(database.url, DatabaseRole.SCOPED, max_size=4, application_name="register")
    app = create_app(pool, database.url, WebSettings(cookie_secure=False), platform.clock, platform.signer)
    port = free_port()
    with served(app, port):
        yield f"http://127.0.0.1:{port}"
    pool.close()


@pytest.fixture
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=chromium_path(), args=["--no-sandbox"])
        yield chromium
        chromium.close()


def entered(browser: Browser, site: str, role: Role, troubles: list[str]) -> Page:
    """A person's browser after the login; what goes wrong in it is noted."""
    page = browser.new_context(viewport=LAPTOP, locale="zh-CN", reduced_motion="reduce").new_page()
    page.on("pageerror", lambda error: troubles.append(f"error: {error}"))
    page.goto(f"{site}/login")
    page.get_by_label("账号", exact=True).fill(LOGIN_OF[role])
    page.get_by_label("密码").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/login" not in url)
    return page


def test_every_page_of_the_register_fits_a_laptop_and_a_phone(site: str, browser: Browser, platform: Platform) -> None:
    unit = platform.conn.execute("select id from equipment.unit where kind = 'lift' order by no limit 1").fetchone()
    assert unit is not None
    troubles: list[str] = []
    for role, addresses in PAGES.items():
        page = entered(browser, site, role, troubles)
        for address in (*addresses, *([f"/units/{unit[0]}"] if role is Role.REGULATOR else [])):
            for name, size in (("laptop", LAPTOP), ("phone", PHONE)):
                page.set_viewport_size(size)
                page.goto(site + address)
                expect(page.locator("main")).to_be_visible()
                assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], f"{address} on a {name}"
                if PICTURES:
                    file = f"{role.value}{address.replace('/', '_')}_{name}.png"
                    page.screenshot(path=Path(PICTURES) / file, full_page=True)
    assert troubles == []


def test_what_was_typed_stays_and_a_state_that_is_too_old_says_so(
    site: str, browser: Browser, platform: Platform
) -> None:
    troubles: list[str] = []
    page = entered(browser, site, Role.FIRM_MANAGER, troubles)
    page.goto(f"{site}/contracts")
    page.locator("tbody a").first.click()
    page.get_by_text("续期", exact=True).first.click()
    page.locator("#day-extend").fill("2026-01-01")
    page.locator("#reason-extend").fill("续签一年")
    page.locator("#day-extend").evaluate("field => field.removeAttribute('min')")
    page.get_by_role("button", name="续期").click()
    expect(page.get_by_role("alert")).to_contain_text("新的止日须晚于")
    expect(page.locator("#reason-extend")).to_have_value("续签一年")
    page.locator("#day-extend").fill("2027-12-31")
    platform.clock.advance(1)
    platform.conn.execute("update equipment.contract set changed_at = %s", (platform.clock.now(),))
    page.get_by_role("button", name="续期").click()
    expect(page.get_by_role("alert")).to_contain_text("已被他人修改")
    expect(page.locator("#day-extend")).to_have_value("2027-12-31")
    page.reload()
    page.get_by_text("续期", exact=True).first.click()
    page.locator("#day-extend").fill("2027-12-31")
    page.locator("#reason-extend").fill("续签一年")
    page.get_by_role("button", name="续期").click()
    expect(page.get_by_text("续期至（不含）")).to_be_visible()
    expect(page.get_by_text("2027-12-31").first).to_be_visible()
    assert troubles == []


def test_a_new_contract_counts_what_is_chosen_and_is_registered(
    site: str, browser: Browser, platform: Platform
) -> None:
    platform.conn.execute(
        "update equipment.contract_unit set superseded_at = %s where superseded_at is null", (platform.clock.now(),)
    )
    page = entered(browser, site, Role.FIRM_MANAGER, [])
    page.goto(f"{site}/contracts/new")
    page.get_by_label("使用单位").select_option(index=1)
    page.wait_for_url(lambda url: "use_unit=" in url)
    boxes = page.locator("input[name='units[text]']")
    expect(page.locator("[data-chosen]")).to_have_text(str(boxes.count()))
    page.get_by_role("button", name="全不选").click()
    expect(page.locator("[data-chosen]")).to_have_text("0")
    boxes.first.check()
    page.get_by_label("合同编号").fill("WB-浏览器-1")
    page.get_by_role("button", name="登记合同").click()
    page.wait_for_url(lambda url: url.rstrip("/").split("/")[-1].isdigit())
    expect(page.get_by_role("heading", name="WB-浏览器-1")).to_be_visible()
