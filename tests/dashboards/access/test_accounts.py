"""Accounts from the first run on: one-time codes, three separated administrators, sessions."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from dashboards.app import create_app
from dashboards.settings import WebSettings
from equipment.access import accounts
from equipment.access.model import Role
from equipment.foundation.clock import ManualClock
from equipment.foundation.database import DatabaseRole, open_pool
from equipment.registry.store import load_jurisdictions
from equipment.transparency.keys import Signer
from tests.conftest import Database
from tests.pipeline import PASSWORD
from tests.platform import Person, Platform

NEW = "a-long-new-password"


@pytest.fixture
def city(platform: Platform) -> Platform:
    """The platform's small city with its demo accounts."""
    return platform


def wish(login: str, **values: Any) -> dict[str, Any]:
    return {"login": login, "display_name": "张三", "role": "inspector", "jurisdiction_id": "341302"} | values


def made(admin: Person, login: str, **values: Any) -> dict[str, Any]:
    found: dict[str, Any] = admin.post("/accounts", wish(login, **values))
    return found


def first_login(city: Platform, login: str, code: str, **values: str) -> Person:
    """Come with a one-time code and set a password."""
    person = city.log_in(login, code)
    person.csrf = person.post("/me/password", {"old": code, "new": NEW} | values)["csrf"]
    return person


def test_the_first_run_makes_one_security_administrator_and_no_second(database: Database, clock: ManualClock) -> None:
    with database.connect(DatabaseRole.SYSTEM) as conn:
        load_jurisdictions(conn)
        code = accounts.first_run(conn, clock.now())
        assert code is not None
        assert len(code) == 23
        assert accounts.first_run(conn, clock.now()) is None
        account = accounts.by_login(conn, accounts.FIRST_LOGIN)
    assert account.role == "security_admin"
    assert account.must_change


def test_the_first_administrator_says_whose_account_it_is(database: Database, clock: ManualClock) -> None:
    with database.connect(DatabaseRole.SYSTEM) as conn:
        load_jurisdictions(conn)
        code = accounts.first_run(conn, clock.now()) or ""
    with open_pool(database.url, DatabaseRole.SCOPED, max_size=2, application_name="test-web") as pool:
        app = create_app(pool, database.url, WebSettings(), clock, Signer.generate("teshe.test"))
        client = TestClient(app, base_url="https://testserver")
        answer = client.post("/api/v1/sessions", json={"login": "security", "password": code})
        _first_administrator(Person(client, answer.json()["csrf"]), code)


def _first_administrator(person: Person, code: str) -> None:
    refused = person.send("/me/password", {"old": code, "new": NEW})
    assert refused.status_code == 422
    assert "工号" in refused.text
    person.csrf = person.post("/me/password", {"old": code, "new": NEW, "staff_number": "s-001"})["csrf"]
    second = person.send("/accounts", wish("audit2", role="auditor", jurisdiction_id="341300", holder="S-001"))
    assert second.status_code == 422
    assert "三员分立" in second.text


def test_a_one_time_code_opens_nothing_but_the_setting_of_a_password(city: Platform) -> None:
    code = made(city.person(Role.SECURITY_ADMIN), "zhang")["code"]
    person = city.log_in("zhang", code)
    assert person.client.get("/api/v1/units").status_code == 403
    page = person.client.get("/units", headers={"accept": "text/html"}, follow_redirects=False)
    assert (page.status_code, page.headers["location"]) == (303, "/account")
    person.csrf = person.post("/me/password", {"old": code, "new": NEW})["csrf"]
    assert person.client.get("/api/v1/units").status_code == 200
    again = TestClient(city.app, base_url="https://testserver")
    assert again.post("/api/v1/sessions", json={"login": "zhang", "password": code}).status_code == 401


def test_a_one_time_code_runs_out(city: Platform, clock: ManualClock) -> None:
    code = made(city.person(Role.SECURITY_ADMIN), "zhang")["code"]
    clock.advance(accounts.CODE_LIFETIME.total_seconds() + 1)
    client = TestClient(city.app, base_url="https://testserver")
    assert client.post("/api/v1/sessions", json={"login": "zhang", "password": code}).status_code == 401


def test_an_account_ends_with_its_validity_also_in_an_open_session(city: Platform, clock: ManualClock) -> None:
    until = (clock.now() + timedelta(hours=2)).isoformat()
    code = made(city.person(Role.SECURITY_ADMIN), "zhang", valid_until=until)["code"]
    person = first_login(city, "zhang", code)
    clock.advance(2 * 3600 + 1)
    assert person.client.get("/api/v1/units").status_code == 401


@pytest.mark.parametrize(("first", "second"), [("system_admin", "auditor"), ("auditor", "security_admin")])
def test_nobody_holds_two_of_the_three_administrators(city: Platform, first: str, second: str) -> None:
    admin = city.person(Role.SECURITY_ADMIN)
    made(admin, "one", role=first, jurisdiction_id="341300", holder="A7")
    answer = admin.send("/accounts", wish("two", role=second, jurisdiction_id="341300", holder=" a7 "))
    assert answer.status_code == 422
    assert "三员分立" in answer.text
    assert admin.send("/accounts", wish("three", role=second, jurisdiction_id="341300")).status_code == 422


def test_disabling_ends_sessions_at_once_and_stands_in_the_audit(city: Platform) -> None:
    admin = city.person(Role.SECURITY_ADMIN)
    account = made(admin, "zhang")
    person = first_login(city, "zhang", account["code"])
    admin.post(f"/accounts/{account['id']}/disable", {"reason": "left"})
    assert person.client.get("/api/v1/units").status_code == 401
    row = city.conn.execute(
        "select subject, reason from equipment.audit_entry where action = 'account.disable'"
    ).fetchone()
    assert row == ("account:zhang", "left")


def test_resetting_ends_the_password_and_the_sessions(city: Platform) -> None:
    admin = city.person(Role.SECURITY_ADMIN)
    account = made(admin, "zhang")
    person = first_login(city, "zhang", account["code"])
    fresh = admin.post(f"/accounts/{account['id']}/reset", {})["code"]
    assert person.client.get("/api/v1/units").status_code == 401
    first_login(city, "zhang", fresh)


def test_the_security_administrator_can_neither_end_himself_nor_reset_himself(city: Platform) -> None:
    admin = city.person(Role.SECURITY_ADMIN)
    own = next(a["id"] for a in admin.get("/accounts") if a["login"] == "security")
    assert admin.send(f"/accounts/{own}/disable", {"reason": "x"}).status_code == 422
    assert admin.send(f"/accounts/{own}/reset", {}).status_code == 422


def test_the_security_administrator_sees_no_secret(city: Platform) -> None:
    admin = city.person(Role.SECURITY_ADMIN)
    code = made(admin, "zhang")["code"]
    text = admin.client.get("/api/v1/accounts").text + admin.client.get("/accounts").text
    assert code not in text
    assert "argon2" not in text
    log = city.conn.execute("select string_agg(e::text, '') from equipment.audit_entry e").fetchone()
    assert log is not None
    assert code not in log[0]


def test_the_web_without_the_role_makes_no_account_even_with_its_role_dropped(
    database: Database, clock: ManualClock
) -> None:
    with database.connect(DatabaseRole.SCOPED) as conn:
        found = conn.execute("select equipment.manages_accounts(), equipment.is_operator()").fetchone()
    assert found == (False, False)


def test_a_login_rotates_the_session_of_the_browser(city: Platform) -> None:
    person = city.log_in("desk")
    old = person.client.cookies["teshe_session"]
    person.client.post("/api/v1/sessions", json={"login": "desk", "password": PASSWORD})
    assert person.client.cookies["teshe_session"] != old
    stale = TestClient(city.app, base_url="https://testserver", cookies={"teshe_session": old})
    assert stale.get("/api/v1/me").status_code == 401


def test_a_changed_password_ends_the_other_sessions_and_rotates_this_one(city: Platform) -> None:
    other, person = city.log_in("desk"), city.log_in("desk")
    old = person.client.cookies["teshe_session"]
    assert person.send("/me/password", {"old": "wrong", "new": NEW}).status_code == 401
    person.post("/me/password", {"old": PASSWORD, "new": NEW})
    assert other.client.get("/api/v1/me").status_code == 401
    assert person.client.cookies["teshe_session"] != old
    assert person.client.get("/api/v1/me").status_code == 200


def test_one_ends_his_own_sessions_and_nobody_elses(city: Platform) -> None:
    stolen, person, firm = city.log_in("desk"), city.log_in("desk"), city.log_in("firm")
    mine = {s["id"] for s in person.get("/me/sessions")}
    assert len(mine) == 2
    assert firm.send(f"/me/sessions/{min(mine)}/end", {}).status_code == 404
    person.post(f"/me/sessions/{min(mine)}/end", {})
    assert stolen.client.get("/api/v1/me").status_code == 401


def test_the_pages_make_an_account_and_keep_what_was_typed_when_it_was_wrong(city: Platform) -> None:
    admin = city.person(Role.SECURITY_ADMIN)
    form = {"_csrf": admin.csrf, **wish("li", display_name="李四"), "jurisdiction_id": ""}
    wrong = admin.client.post("/accounts", data=form)
    assert wrong.status_code == 422
    assert "李四" in wrong.text
    assert "辖区" in wrong.text
    right = admin.client.post("/accounts", data=form | {"jurisdiction_id": "341302"})
    assert right.status_code == 200
    assert "one-time-code" in right.text
    assert "李四" in admin.client.get("/accounts").text
    assert admin.client.get("/account").status_code == 200
