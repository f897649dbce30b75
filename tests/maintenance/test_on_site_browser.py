"""现场复查 by phone in a real browser: the case opens without network, what was typed and photographed waits, nothing is sent twice."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.dashboards import page_city
from tests.dashboards.field.test_field_browser import PHOTO, browser, site

pytestmark = pytest.mark.requires("chromium")
__all__ = ["browser", "site"]
SAID = "现场测量啮合 8 mm，门锁已更换"


class Phone:
    """An inspector's phone."""

    def __init__(self, site: tuple[str, str], context: BrowserContext) -> None:
        self.site, self.url = site
        self.context = context
        self.troubles: list[str] = []
        self.page = self.open("/login")
        self.page.get_by_label("账号", exact=True).fill("inspector")
        self.page.get_by_label("密码").fill(page_city.PASSWORD)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(lambda url: "/login" not in url)
        self.hazard = self.ask("select id from maintenance.hazard where state = 'recheck'")

    def open(self, path: str) -> Page:
        page = self.context.new_page()
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        page.goto(f"{self.site}{path}")
        return page

    def ask(self, query: str) -> int:
        with psycopg.connect(self.url) as conn:
            row = conn.execute(query.encode()).fetchone()
        return int(row[0]) if row else 0

    def inspected(self) -> int:
        return self.ask("select count(*) from maintenance.hazard_event where event = 'inspect'")

    def take_along(self) -> None:
        """The list at the office, where there is network."""
        self.page.close()
        self.page = self.open("/ledger/site")
        expect(self.page.locator("[data-taken]")).to_have_text("1 / 1", timeout=30_000)

    def waiting(self, number: int) -> None:
        expect(self.page.locator("span[data-waiting]")).to_have_text(str(number), timeout=30_000)

    def re_open(self) -> None:
        self.page.close()
        self.page = self.open(f"/ledger/hazards/{self.hazard}/site")


@pytest.fixture
def phone(site: tuple[str, str], browser: Browser) -> Iterator[Phone]:
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale="zh-CN", has_touch=True)
    made = Phone(site, context)
    yield made
    context.close()
    assert made.troubles == []


def fill(page: Page) -> None:
    form = page.locator("form[data-api$='/inspect']")
    if not form.is_visible():
        page.locator("summary", has_text="登记").first.click()
    form.locator("[name='detail.officer']").fill("李监察 W1002")
    form.locator("[name='detail.evidence']").fill(SAID)
    form.locator("[name=reason]").fill("复查")


def test_a_re_check_in_a_shaft_without_signal_is_sent_once_when_the_network_comes_back(phone: Phone) -> None:
    phone.take_along()
    phone.context.set_offline(True)
    phone.re_open()
    page = phone.page
    page.locator("form[data-upload] [name=file]").set_input_files(PHOTO)
    page.locator("form[data-upload] button").click()
    phone.waiting(1)
    fill(page)
    page.wait_for_timeout(600)
    phone.re_open()  # the phone was put away half-way: what was typed is there again
    page = phone.page
    phone.waiting(1)
    expect(page.get_by_text("已恢复此前填写的内容")).to_be_visible()
    form = page.locator("form[data-api$='/inspect']")
    assert form.locator("[name='detail.evidence']").input_value() == SAID
    form.locator("button").click()
    phone.waiting(2)
    phone.re_open()
    phone.waiting(2)
    assert phone.inspected() == 0
    phone.context.set_offline(False)
    phone.page.locator("[data-again]").click()
    phone.waiting(0)
    assert phone.inspected() == 1
    assert phone.ask("select count(*) from maintenance.evidence_file") == 1
    assert phone.ask("select count(*) from maintenance.hazard_event where evidence ->> 'request' is not null") == 1


def test_a_lost_answer_does_not_take_the_step_twice(phone: Phone) -> None:
    phone.re_open()
    lost: list[str] = []

    def lose(route: object, request: object) -> None:
        if not lost:
            lost.append("once")
            route.fetch()  # type: ignore[attr-defined]
            route.abort()  # type: ignore[attr-defined]
        else:
            route.continue_()  # type: ignore[attr-defined]

    phone.page.route("**/inspect", lose)
    fill(phone.page)
    phone.page.locator("form[data-api$='/inspect'] button").click()
    expect(phone.page.locator("[data-state]")).to_have_text("无网络：已存本机，有网络后自动上传", timeout=20_000)
    assert phone.inspected() == 1
    phone.page.locator("[data-again]").click()
    phone.waiting(0)
    assert phone.inspected() == 1


def test_what_the_server_refuses_stays_with_its_reason(phone: Phone) -> None:
    phone.take_along()
    phone.context.set_offline(True)
    phone.re_open()
    fill(phone.page)
    phone.page.locator("form[data-api$='/inspect'] button").click()
    phone.waiting(1)
    with psycopg.connect(phone.url) as conn:
        conn.execute("update maintenance.hazard set version = version + 1")
    phone.context.set_offline(False)
    phone.page.locator("[data-again]").click()
    expect(phone.page.locator("[data-queue] .error")).to_contain_text("请刷新", timeout=20_000)
    phone.waiting(1)
    phone.page.on("dialog", lambda dialog: dialog.accept())
    phone.page.get_by_role("button", name="放弃").click()
    phone.waiting(0)
    assert phone.inspected() == 0
