"""Calls played in a browser as a seat sees them: from the ring to the order, missed, broken off, passed on, claimed twice."""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx
import psycopg
import pytest
from playwright.sync_api import Browser, Locator, Page, WebSocketRoute, expect

from alarms.incidents.settings import DeskSettings
from dashboards.jobs import Jobs
from equipment.access import store as access
from equipment.access import webhooks
from equipment.access.model import Role
from equipment.foundation import stream
from equipment.foundation.database import DatabaseRole, connect
from equipment.transparency.keys import Signer
from tests.conftest import START, Server
from tests.dashboards import page_city
from tests.dashboards.test_pages_browser import LAPTOP, Visit, browser, site

__all__ = ["browser", "site"]
pytestmark = pytest.mark.requires("chromium")
SECRET = "22" * 32
PLATE = "341002"
"""Of a lift on which nothing is open."""


@dataclass
class Centre:
    """The call centre, and the jobs that act on what it tells."""

    address: str
    told: int = 0

    def tell(self, call: str, event: str, **more: str) -> None:
        self.told += 1
        body = json.dumps(
            {"source": "pbx", "call": call, "event": event, "called": "96366", "caller": "13800001234",
             "at": START.isoformat(), **more}
        ).encode()  # fmt: skip
        header = webhooks.sign(bytes.fromhex(SECRET), body, f"d{self.told}", START)
        answer = httpx.post(f"{self.address}/api/v1/line/events", content=body, headers={webhooks.HEADER: header})
        assert answer.status_code == 202


@dataclass
class Seat:
    """A seat's browser that counts what the person does."""

    page: Page
    actions: list[str] = field(default_factory=list)

    def press(self, key: str) -> None:
        self.actions.append(f"press {key}")
        self.page.keyboard.press(key)

    def type(self, text: str) -> None:
        self.actions.append(f"type {text}")
        self.page.keyboard.type(text)

    def click(self, what: Locator) -> None:
        self.actions.append("click")
        what.click()

    def row(self, call: str) -> Locator:
        return self.page.locator(".line-call").filter(has_text=call)


def lift_field(row: Locator) -> Locator:
    """Where the plate, or the place, of a call is typed."""
    return row.locator("[data-lift-input]")


@pytest.fixture(scope="module")
def centre(site: str, plain_server: Server) -> Iterator[Centre]:
    """With the jobs turning beside the web process, as they do."""
    os.environ["TESHE_PAGING_CALLS_SECRET"] = SECRET
    stop = threading.Event()

    with psycopg.connect(plain_server.owner_url("postgres")) as admin:
        names = "select datname from pg_database where datname like %s order by oid desc limit 1"
        newest = admin.execute(names, (f"teshe_pages_{os.getpid()}%",)).fetchone()
    assert newest is not None
    url = plain_server.owner_url(newest[0])
    with connect(url, DatabaseRole.OWNER, application_name="play") as conn:
        second = access.NewAccount("seat-b", "乙席", page_city.PASSWORD, Role.DESK, None, "341300")
        access.create_account(conn, second, START)

    def turn() -> None:
        jobs = Jobs(DeskSettings(), Signer.generate("teshe.test"))
        with connect(url, DatabaseRole.SYSTEM, application_name="play", autocommit=True) as conn:
            while not stop.wait(0.05):
                stream.sequence_waiting(conn, START)
                jobs.turn(conn, START)
                stream.sequence_waiting(conn, START)

    thread = threading.Thread(target=turn)
    thread.start()
    yield Centre(site)
    stop.set()
    thread.join(20)
    del os.environ["TESHE_PAGING_CALLS_SECRET"]


def seat_of(site: str, browser: Browser, role: str = "desk") -> Seat:
    context = browser.new_context(viewport=LAPTOP, locale="zh-CN", reduced_motion="reduce")
    visit = Visit(site, context, context.new_page())
    visit.enter(role)
    visit.go("/desk")
    return Seat(visit.page)


@pytest.fixture
def seat(site: str, centre: Centre, browser: Browser) -> Iterator[Seat]:
    made = seat_of(site, browser)
    expect(made.page.locator("#feed")).to_have_attribute("data-state", "live")
    yield made
    made.page.context.close()


def test_from_the_ring_to_the_order_in_three_actions(seat: Seat, centre: Centre) -> None:
    page = seat.page
    centre.tell("play-1", "ringing", caller="13800000001")
    expect(seat.row("13800000001")).to_be_visible()
    seat.press("t")
    expect(lift_field(seat.row("13800000001"))).to_be_focused()
    seat.type(PLATE)
    expect(page.locator("#lift-card")).to_contain_text(PLATE)
    seat.click(page.get_by_role("button", name="立案并一级派单"))
    expect(page).to_have_url(re.compile(r"/desk/\d+$"))
    expect(page.locator(".case-head")).to_contain_text("已派单")
    assert len(seat.actions) <= 3, seat.actions
    centre.tell("play-1", "ended")


def test_a_missed_call_is_cleared_by_a_call_back_only(seat: Seat, centre: Centre) -> None:
    centre.tell("play-2", "ringing", caller="13800000002")
    expect(seat.row("13800000002")).to_contain_text("振铃")
    centre.tell("play-2", "abandoned", caller="13800000002")
    row = seat.row("13800000002")
    expect(row).to_contain_text("未接来电")
    expect(row.get_by_role("link", name="立即回拨")).to_have_attribute("href", "tel:13800000002")
    row.get_by_role("button", name="无人接").click()
    expect(row).to_contain_text("已回拨 1 次")
    row.get_by_role("button", name="接通").click()
    expect(row).to_have_count(0)


def test_a_call_that_breaks_off_offers_to_ring_back_at_once(seat: Seat, centre: Centre) -> None:
    centre.tell("play-3", "ringing", caller="13800000003")
    expect(seat.row("13800000003")).to_be_visible()
    seat.press("t")
    expect(lift_field(seat.row("13800000003"))).to_be_focused()
    seat.type("3410")
    centre.tell("play-3", "ended", caller="13800000003", reason="dropped")
    row = seat.row("13800000003")
    expect(row).to_contain_text("立即回拨")
    expect(row.get_by_role("link", name="立即回拨")).to_have_class(re.compile("primary"))
    # what the seat was typing goes on
    expect(row.locator("[data-lift-input]")).to_have_value("3410")
    row.get_by_role("button", name="接通").click()
    expect(row).to_have_count(0)


@pytest.mark.parametrize(
    ("line", "result", "shown"), [("12345", "accepted", "已接收"), ("120", "no_answer", "无人接听")]
)
def test_a_call_is_passed_on_with_its_result(seat: Seat, centre: Centre, line: str, result: str, shown: str) -> None:
    caller = f"1380001{line:>04}"[:11]
    centre.tell(f"play-4-{line}", "ringing", caller=caller)
    row = seat.row(caller)
    expect(row).to_be_visible()
    row.get_by_role("button", name="接听").click()
    row.get_by_text("转接", exact=True).click()
    row.get_by_label("转至").select_option(line)
    row.get_by_label("结果").select_option(result)
    row.get_by_role("button", name="记录转接").click()
    expect(row).to_contain_text(f"→ {line} {shown}")
    centre.tell(f"play-4-{line}", "ended", caller=caller)
    expect(row).to_have_count(0)


def test_a_caller_who_hangs_up_while_the_seat_types_is_taken_down_all_the_same(seat: Seat, centre: Centre) -> None:
    centre.tell("play-8", "ringing", caller="13800000008")
    row = seat.row("13800000008")
    row.get_by_role("button", name="接听").click()
    expect(row.locator("[data-lift-input]")).to_be_focused()
    seat.type("拂晓新城 5 号楼")
    centre.tell("play-8", "ended", caller="13800000008")
    expect(row).to_contain_text("对方已挂断")
    expect(row.locator("[data-lift-input]")).to_have_value("拂晓新城 5 号楼")
    row.get_by_label("类型").select_option("consultation")
    row.get_by_role("button", name="建立事件").click()
    expect(seat.page).to_have_url(re.compile("/desk$|/desk/$"))
    expect(seat.row("13800000008")).to_have_count(0)


def test_a_call_rings_while_another_is_being_typed(seat: Seat, centre: Centre) -> None:
    centre.tell("play-6", "ringing", caller="13800000006")
    expect(seat.row("13800000006")).to_be_visible()
    seat.row("13800000006").get_by_role("button", name="接听").click()
    expect(lift_field(seat.row("13800000006"))).to_be_focused()
    seat.type("汴河")
    centre.tell("play-7", "ringing", caller="13800000007")
    expect(seat.row("13800000007")).to_contain_text("振铃")
    expect(lift_field(seat.row("13800000006"))).to_be_focused()
    seat.type("人家")
    expect(lift_field(seat.row("13800000006"))).to_have_value("汴河人家")
    for call in ("play-6", "play-7"):
        centre.tell(call, "ended", caller=f"1380000000{call[-1]}")
    expect(seat.row("13800000007")).to_contain_text("未接来电")


def test_of_two_seats_one_has_the_call_and_the_other_is_told(
    site: str, centre: Centre, browser: Browser, seat: Seat
) -> None:
    centre.tell("play-5", "ringing", caller="13800000005")
    expect(seat.row("13800000005")).to_be_visible()
    late = seat_of(site, browser, "seat-b")
    # the second seat's feed is silent: its page still shows the call as ringing

    def silent(_: WebSocketRoute) -> None:
        """Says nothing."""

    late.page.route_web_socket(re.compile("/ws/desk"), silent)
    late.page.reload()
    expect(late.row("13800000005")).to_contain_text("振铃")
    seat.row("13800000005").get_by_role("button", name="接听").click()
    expect(lift_field(seat.row("13800000005"))).to_be_focused()
    late.row("13800000005").get_by_role("button", name="接听").click()
    expect(late.page.get_by_role("alert").filter(has_text="接听该来电")).to_be_visible()
    late.page.context.close()
    centre.tell("play-5", "ended", caller="13800000005")


def test_the_public_form_works_in_a_messenger_without_a_script(site: str, centre: Centre, browser: Browser) -> None:
    agent = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/116 Mobile Safari/537.36 MicroMessenger/8.0.47 Language/zh_CN"
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, locale="zh-CN", user_agent=agent, java_script_enabled=False
    )
    page = context.new_page()
    page.goto(f"{site}/lift/{PLATE}")
    page.get_by_role("link", name="我要报告 / 投诉").click()
    expect(page.locator(".call-us").first).to_have_attribute("href", "tel:96366")
    page.get_by_label("电梯故障或运行异常").check()
    page.get_by_label("具体情况").fill("运行时有异响")
    page.get_by_role("button", name="提交给应急台").click()
    expect(page.get_by_role("heading", name="已提交给应急台")).to_be_visible()
    context.close()
