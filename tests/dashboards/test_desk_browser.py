"""The desk's page in a browser: a feed that cannot be believed, the keys, the storm, and those who wait for a word."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import WebSocketRoute, expect

from tests.dashboards.test_pages_browser import Visit, browser, site, visit

__all__ = ["browser", "site", "visit"]
pytestmark = pytest.mark.requires("chromium")


def heartbeat(seq: int, trouble: str | None) -> str:
    at = "2026-03-02T01:00:00+00:00"
    return json.dumps({"type": "heartbeat", "seq": seq, "at": at, "read_at": at, "trouble": trouble})


def test_the_page_says_why_the_feed_cannot_be_believed_and_resumes_by_its_number(visit: Visit) -> None:
    sockets: list[WebSocketRoute] = []

    def opened(socket: WebSocketRoute) -> None:
        sockets.append(socket)

    visit.page.route_web_socket(re.compile("/ws/desk"), opened)
    visit.enter("desk")
    page = visit.go("/desk/1")
    expect(page.locator("#feed")).to_have_attribute("data-state", "connecting")
    sockets[-1].send(heartbeat(41, None))
    expect(page.locator("#feed")).to_have_attribute("data-state", "live")
    sockets[-1].send(heartbeat(42, "sequencer"))
    banner = page.locator("#feed-banner")
    expect(banner).to_contain_text("服务器上有消息等待编号")
    expect(page).to_have_title(re.compile("^⚠"))
    sockets[-1].send(heartbeat(43, None))
    expect(banner).to_be_hidden()
    expect(page).not_to_have_title(re.compile("^⚠"))
    sockets[-1].close(code=1012)
    for _ in range(40):
        if "after=43" in sockets[-1].url:
            break
        page.wait_for_timeout(100)
    assert "after=43" in sockets[-1].url


def test_the_keys_are_listed_by_a_key(visit: Visit) -> None:
    visit.enter("desk")
    page = visit.go("/desk")
    page.keyboard.press("?")
    listed = page.locator("#shortcuts")
    expect(listed).to_be_visible()
    expect(listed).to_contain_text("一级派单")
    page.keyboard.press("Escape")
    expect(listed).to_be_hidden()
    page.keyboard.press("1")
    expect(page).to_have_url(re.compile(r"/desk/\d+$"))
    assert visit.troubles == []


@pytest.mark.parametrize("address", ["/statistics", "/outage", "/shift"])
def test_the_papers_fit_a_laptop_and_a_phone(visit: Visit, address: str) -> None:
    visit.enter("desk")
    for width, height in ((1366, 768), (390, 844)):
        visit.page.set_viewport_size({"width": width, "height": height})
        page = visit.go(address)
        expect(page.locator("article.document h1")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert visit.troubles == []
