"""A login through the city's identity provider, and what somebody does who would like to get in that way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from fastapi.testclient import TestClient
from pydantic import ValidationError

from dashboards.pages.city_identity import BROWSER_COOKIE
from dashboards.settings import WebSettings
from equipment.access.model import Role
from equipment.foundation.clock import ManualClock
from tests.conftest import Database
from tests.dashboards.access.city_provider import CLIENT, SECRET, CityProvider, city_provider
from tests.dashboards.access.test_second_factor import Site, site_over
from tests.pipeline import PASSWORD
from tests.platform import LOGIN_OF

ISSUERS_OTHER = "https://other.example"


@dataclass
class City:
    site: Site
    provider: CityProvider

    def browser(self) -> TestClient:
        return TestClient(self.site.app, base_url="https://testserver", follow_redirects=False)

    def link(self, role: Role, subject: str) -> None:
        """Link the account as its holder does."""
        person = self.site.person(role)
        form = {"_csrf": person.csrf, "password": PASSWORD}
        shown = person.client.post("/account/city", data=form)
        assert shown.status_code == 200, shown.text
        address = next(p for p in shown.text.replace("&amp;", "&").split('"') if p.startswith(self.provider.address))
        self.provider.subject = subject
        back = person.client.get(self.provider.authorise(address), follow_redirects=False)
        assert (back.status_code, back.headers.get("location")) == (303, "/account#city"), back.text

    def begin(self, browser: TestClient, next_page: str = "/units") -> str:
        """To the provider, who signs somebody in: the address that leads back."""
        answer = browser.get("/login/city", params={"next": next_page})
        assert answer.status_code == 303
        return self.provider.authorise(answer.headers["location"])

    def accounts(self) -> Any:
        return self.site.conn.execute(
            "select id, role, organisation_id, jurisdiction_id, active, holder from equipment.account order by id"
        ).fetchall()


@pytest.fixture
def city(database: Database, clock: ManualClock, tmp_path: Path) -> Iterator[City]:
    yield from over(database, clock, tmp_path)


@pytest.fixture
def strict_city(database: Database, clock: ManualClock, tmp_path: Path) -> Iterator[City]:
    yield from over(database, clock, tmp_path, second_factor_required=True)


def over(database: Database, clock: ManualClock, folder: Path, **more: Any) -> Iterator[City]:
    with city_provider(clock) as provider:
        settings = {
            "oidc_issuer": provider.address, "oidc_client_id": CLIENT, "oidc_client_secret": SECRET,
            "oidc_own_address": "https://testserver",
        }  # fmt: skip
        for site in site_over(database, clock, folder, **settings, **more):
            yield City(site, provider)


def refused(answer: Any, status: int = 401) -> bool:
    """Nobody got in: the login page says why, and no session was given."""
    return answer.status_code == status and "teshe_session" not in answer.headers.get("set-cookie", "")


def test_a_linked_subject_opens_its_account_and_gives_it_no_right(city: City) -> None:
    before = city.accounts()
    city.link(Role.FIRM_WORKER, "u-7")
    browser = city.browser()
    answer = browser.get(city.begin(browser))
    assert (answer.status_code, answer.headers["location"]) == (303, "/units")
    me = browser.get("/api/v1/me").json()
    assert (me["login"], me["role"]) == (LOGIN_OF[Role.FIRM_WORKER], "firm_worker")
    assert browser.get("/api/v1/accounts").status_code == 403
    assert city.accounts() == before
    assert "/login/city" in city.browser().get("/login").text


def test_who_is_not_linked_stays_outside_and_no_account_appears(city: City) -> None:
    city.provider.subject = "somebody"
    before, browser = city.accounts(), city.browser()
    answer = browser.get(city.begin(browser))
    assert refused(answer)
    assert "未关联" in answer.text
    assert city.accounts() == before


LIES: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": ISSUERS_OTHER},
    "another audience": {"aud": "somebody-else"},
    "two audiences and no authorised party": {"aud": [CLIENT, "somebody-else"]},
    "another authorised party": {"aud": [CLIENT, "x"], "azp": "x"},
    "a wrong nonce": {"nonce": "n" * 64},
    "no nonce": {"nonce": None},
    "an expired token": {"exp": 1_000_000_000},
    "no end": {"exp": None},
    "a token of tomorrow": {"iat": 4_000_000_000},
    "nobody": {"sub": None},
    "a nameless one": {"sub": ""},
    "a number": {"sub": 7},
}


@pytest.mark.parametrize("lie", LIES)
def test_a_token_that_is_not_right_opens_nothing(city: City, lie: str) -> None:
    city.link(Role.DESK, "u-1")
    browser = city.browser()
    back = city.begin(browser)
    city.provider.lies = LIES[lie]
    assert refused(browser.get(back))
    assert browser.get("/api/v1/me").status_code == 401


@pytest.mark.parametrize("forge", ["shared-secret", "none", "key"])
def test_a_token_that_somebody_else_signed_opens_nothing(city: City, forge: str) -> None:
    city.link(Role.DESK, "u-1")
    browser = city.browser()
    back = city.begin(browser)
    city.provider.forge = forge
    assert refused(browser.get(back))


def test_a_state_is_good_once_in_the_browser_that_began_and_for_ten_minutes(city: City) -> None:
    city.link(Role.DESK, "u-1")
    browser = city.browser()
    back = city.begin(browser)
    cookie = browser.cookies.get(BROWSER_COOKIE, path="/login/city")
    assert browser.get(back).status_code == 303
    browser.cookies.set(BROWSER_COOKIE, str(cookie), path="/login/city")
    assert refused(browser.get(back)), "replayed"
    other, begun = city.browser(), city.begin(browser)
    assert refused(other.get(begun)), "the victim's browser did not begin"
    assert browser.get(begun).status_code == 303, "and the one that did goes on"
    late = city.begin(browser)
    city.site.clock.advance(601)
    assert refused(browser.get(late)), "too late"
    assert refused(browser.get("/login/city/back", params={"state": "x" * 64, "code": "y"}))


def test_an_answer_of_another_provider_or_an_error_opens_nothing(city: City) -> None:
    city.link(Role.DESK, "u-1")
    browser = city.browser()
    assert refused(browser.get(city.begin(browser) + f"&iss={ISSUERS_OTHER}"))
    assert refused(browser.get(city.begin(browser) + "&error=access_denied"))
    back = city.begin(browser)
    city.provider.codes.clear()
    assert refused(browser.get(back)), "the provider does not know the code"


@pytest.mark.parametrize("next_page", ["//evil.example", "https://evil.example", "/\\evil.example"])
def test_a_login_leads_nowhere_else(city: City, next_page: str) -> None:
    city.link(Role.DESK, "u-1")
    browser = city.browser()
    answer = browser.get(city.begin(browser, next_page))
    assert answer.headers["location"] == "/"


def test_keys_that_changed_are_fetched_at_most_once_a_minute(city: City) -> None:
    city.link(Role.DESK, "u-1")
    fetched = city.provider.key_fetches
    city.provider.rotate()
    city.site.clock.advance(61)
    browser = city.browser()
    assert browser.get(city.begin(browser)).status_code == 303
    assert city.provider.key_fetches == fetched + 1
    known = city.provider.keys
    for _ in range(3):
        back = city.begin(browser)
        city.provider.rotate()
        assert refused(browser.get(back))
    assert city.provider.key_fetches == fetched + 1, "made-up key names do not drive fetches"
    city.provider.keys = known
    assert browser.get(city.begin(browser)).status_code == 303


def test_a_disabled_account_and_a_reset_one_are_opened_by_no_subject(city: City) -> None:
    city.link(Role.DESK, "u-1")
    city.link(Role.REGULATOR, "u-2")
    admin = city.site.person(Role.SECURITY_ADMIN)
    numbers = {a["login"]: a["id"] for a in admin.get("/accounts")}
    admin.post(f"/accounts/{numbers['desk']}/disable", {"reason": "离职"})
    admin.post(f"/accounts/{numbers['regulator']}/reset", {})
    for subject in ("u-1", "u-2"):
        city.provider.subject = subject
        browser = city.browser()
        assert refused(browser.get(city.begin(browser)))


def test_a_second_factor_is_not_gone_round(city: City) -> None:
    city.link(Role.INSPECTOR, "u-1")
    city.site.enrol(Role.INSPECTOR)
    browser = city.browser()
    answer = browser.get(city.begin(browser))
    assert refused(answer)
    assert "第二因素" in answer.text
    city.provider.lies = {"amr": ["pwd", "otp"]}
    assert browser.get(city.begin(browser)).status_code == 303


def test_where_a_second_factor_is_required_the_provider_must_have_asked_for_one(strict_city: City) -> None:
    city = strict_city
    city.link(Role.INSPECTOR, "u-1")
    browser = city.browser()
    assert refused(browser.get(city.begin(browser)))


def test_linking_needs_the_password_and_the_session_that_began(city: City) -> None:
    desk, worker = city.site.person(Role.DESK), city.site.person(Role.FIRM_WORKER)
    wrong = desk.client.post("/account/city", data={"_csrf": desk.csrf, "password": "wrong-password"})
    assert wrong.status_code == 422
    assert desk.client.post("/account/city", data={"password": PASSWORD}).status_code == 403
    shown = desk.client.post("/account/city", data={"_csrf": desk.csrf, "password": PASSWORD})
    address = next(p for p in shown.text.replace("&amp;", "&").split('"') if p.startswith(city.provider.address))
    back = city.provider.authorise(address)
    # somebody else signs in meanwhile in the same browser
    browser = city.browser()
    browser.cookies.set("teshe_session", worker.client.cookies["teshe_session"])
    browser.cookies.set(BROWSER_COOKIE, desk.client.cookies.get(BROWSER_COOKIE, path="/login/city") or "")
    answer = browser.get(back)
    assert refused(answer)
    assert "发起关联" in answer.text
    assert city.site.conn.execute("select count(*) from equipment.account_subject").fetchone() == (0,)


def test_a_subject_opens_one_account_and_links_stand_in_the_audit(city: City) -> None:
    city.link(Role.DESK, "u-1")
    with pytest.raises(AssertionError, match="不能关联"):
        city.link(Role.REGULATOR, "u-1")
    desk = city.site.person(Role.DESK)
    assert "u-1" in desk.client.get("/account").text
    desk.client.post("/account/city/end", data={"_csrf": desk.csrf})
    browser = city.browser()
    assert refused(browser.get(city.begin(browser)))
    entries = city.site.conn.execute(
        "select action from equipment.audit_entry where action like 'account.%link' order by id"
    )
    assert [e[0] for e in entries.fetchall()] == ["account.link", "account.unlink"]


def test_a_provider_that_is_down_or_another_one_leaves_the_password(city: City) -> None:
    browser = city.browser()
    city.provider.called = ISSUERS_OTHER
    assert refused(browser.get("/login/city"), 503)
    city.provider.called, city.provider.broken = None, True
    answer = browser.get("/login/city")
    assert refused(answer, 503)
    assert 'name="password"' in answer.text
    city.provider.broken = False
    assert browser.get("/login/city").status_code == 303


def test_the_cookie_of_a_sign_in_is_out_of_reach(city: City) -> None:
    answer = city.browser().get("/login/city")
    flags = {part.strip().lower() for part in answer.headers["set-cookie"].split(";")[1:]}
    assert {"httponly", "secure", "samesite=lax", "path=/login/city"} <= flags
    sent = urlsplit(answer.headers["location"]).query
    assert SECRET not in sent
    assert "code_challenge=" in sent


def test_without_a_provider_there_is_none(site: Site) -> None:
    browser = TestClient(site.app, base_url="https://testserver", follow_redirects=False)
    assert browser.get("/login/city").status_code == 404
    assert browser.get("/login/city/back").status_code == 404
    assert "/login/city" not in browser.get("/login").text


@pytest.fixture
def site(database: Database, clock: ManualClock, tmp_path: Path) -> Iterator[Site]:
    yield from site_over(database, clock, tmp_path)


@pytest.mark.parametrize(
    "wrong",
    [
        {"oidc_issuer": "https://id.example"},
        {"oidc_issuer": "http://id.example", "oidc_client_id": "t", "oidc_own_address": "https://t.example"},
        {"oidc_issuer": "https://id.example", "oidc_client_id": "t", "oidc_own_address": "http://t.example"},
    ],
)
def test_half_a_provider_is_a_mistake_at_the_start(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        WebSettings(**wrong)  # type: ignore[arg-type]
