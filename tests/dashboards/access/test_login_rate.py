"""Wrong logins of one network address, and sessions that get a fresh name when what they may do changes."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from equipment.access import store, throttle
from equipment.access.model import Role
from equipment.foundation.clock import ManualClock
from tests.conftest import Database
from tests.dashboards.access.test_second_factor import Site, site_over
from tests.pipeline import PASSWORD

WRONG = "one-password-for-all"


@pytest.fixture
def site(database: Database, clock: ManualClock, tmp_path: Path) -> Iterator[Site]:
    yield from site_over(database, clock, tmp_path)


def browser(site: Site, address: str) -> TestClient:
    return TestClient(site.app, base_url="https://testserver", client=(address, 50_000))


def attempt(client: TestClient, login: str, password: str = WRONG) -> Any:
    return client.post("/api/v1/sessions", json={"login": login, "password": password})


def test_one_password_tried_on_many_accounts_is_slowed_down_and_others_are_not(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "FREE", 6)
    thief, office = browser(site, "192.0.2.7"), browser(site, "192.0.2.8")
    for number in range(throttle.FREE):
        assert attempt(thief, f"nobody-{number}").status_code == 401
    refused = attempt(thief, "desk", PASSWORD)
    assert (refused.status_code, "10 秒后再试" in refused.text) == (429, True)
    assert "10 秒后再试" in thief.post("/login", data={"login": "desk", "password": PASSWORD}).text
    assert attempt(office, "desk", PASSWORD).status_code == 201
    site.clock.advance(throttle.COST.total_seconds())
    assert attempt(thief, "nobody").status_code == 401
    assert attempt(thief, "nobody").status_code == 429
    site.clock.advance(throttle.FREE * throttle.COST.total_seconds())
    assert attempt(thief, "desk", PASSWORD).status_code == 201
    for _ in range(2 * throttle.FREE):
        assert attempt(thief, "desk", PASSWORD).status_code == 201, "right ones are never counted"


def test_a_subscriber_of_ipv6_is_one_address_and_old_ones_are_forgotten(site: Site) -> None:
    attempt(browser(site, "2001:db8::1"), "nobody")
    attempt(browser(site, "2001:db8::2:3"), "nobody")
    attempt(browser(site, "::ffff:192.0.2.9"), "nobody")
    rows = site.conn.execute("select address from equipment.login_address order by 1").fetchall()
    assert [row[0] for row in rows] == ["192.0.2.9", "2001:db8::/64"]
    site.clock.advance(60)
    attempt(browser(site, "192.0.2.10"), "nobody")
    assert site.conn.execute("select count(*) from equipment.login_address").fetchone() == (1,)


def test_turning_the_second_factor_on_renews_the_session_and_ends_the_others(site: Site) -> None:
    elsewhere = site.person(Role.INSPECTOR)
    person = site.person(Role.INSPECTOR)
    before = person.client.cookies["teshe_session"]
    secret = person.post("/me/second-factor", {})["secret"]
    person.post("/me/second-factor/confirm", {"code": site.code(base64.b32decode(secret))})
    assert person.client.cookies["teshe_session"] != before
    assert person.client.get("/api/v1/me").status_code == 200
    assert elsewhere.client.get("/api/v1/me").status_code == 401
    stolen = browser(site, "192.0.2.7")
    stolen.cookies.set("teshe_session", before)
    assert stolen.get("/api/v1/me").status_code == 401


@pytest.mark.parametrize(("role", "ends"), [(Role.SECURITY_ADMIN, True), (Role.AUDITOR, True), (Role.DESK, False)])
def test_an_administrators_session_that_nobody_uses_ends_and_a_seats_does_not(
    site: Site, role: Role, ends: bool
) -> None:
    person = site.person(role)
    for _ in range(3):
        site.clock.advance(29 * 60)
        assert person.client.get("/api/v1/me").status_code == 200
    site.clock.advance(30 * 60)
    assert (person.client.get("/api/v1/me").status_code == 401) is ends


def test_a_stranger_who_locks_an_account_locks_no_seat_out(site: Site) -> None:
    seat, stranger = browser(site, "10.0.0.5"), browser(site, "192.0.2.7")
    assert attempt(seat, "desk", PASSWORD).status_code == 201
    for _ in range(store.FREE_ATTEMPTS):
        attempt(stranger, "desk")
    assert attempt(stranger, "desk", PASSWORD).status_code == 429
    assert attempt(seat, "desk").status_code == 401
    assert attempt(seat, "desk", PASSWORD).status_code == 201
    assert attempt(stranger, "desk", PASSWORD).status_code == 429, "and a right one there frees no stranger"


def test_a_known_browser_has_a_lock_of_its_own(site: Site) -> None:
    seat, other = browser(site, "10.0.0.5"), browser(site, "10.0.0.6")
    for client in (seat, other):
        assert attempt(client, "desk", PASSWORD).status_code == 201
    for _ in range(store.FREE_ATTEMPTS):
        assert attempt(seat, "desk").status_code == 401
    refused = attempt(seat, "desk", PASSWORD)
    assert (refused.status_code, "本机" in refused.text) == (429, True)
    assert attempt(other, "desk", PASSWORD).status_code == 201
    site.clock.advance(store.FIRST_LOCK.total_seconds() + 1)
    assert attempt(seat, "desk").status_code == 401
    site.clock.advance(store.FIRST_LOCK.total_seconds() + 1)
    assert attempt(seat, "desk", PASSWORD).status_code == 429, "twice as long the second time"
    site.clock.advance(store.FIRST_LOCK.total_seconds())
    assert attempt(seat, "desk", PASSWORD).status_code == 201


@pytest.mark.parametrize("forged", ["", "x", "A" * 86 + "==", "another"])
def test_a_browser_is_known_for_its_own_login_and_by_our_signature_only(site: Site, forged: str) -> None:
    seat, stranger = browser(site, "10.0.0.5"), browser(site, "192.0.2.7")
    attempt(seat, "regulator", PASSWORD)
    theirs = next(value for name, value in seat.cookies.items() if name.startswith("teshe_browser_"))
    attempt(seat, "desk", PASSWORD)
    name = next(n for n, v in seat.cookies.items() if n.startswith("teshe_browser_") and v != theirs)
    stranger.cookies.set(name, theirs if forged == "another" else forged)
    for _ in range(store.FREE_ATTEMPTS):
        attempt(stranger, "desk")
    assert attempt(stranger, "desk", PASSWORD).status_code == 429
