"""What browsers are told, where a redirect may lead, and what never reaches a log."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import pytest
from fastapi.testclient import TestClient
from hypothesis import example, given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from dashboards.app import TRANSPORT_SECURITY, security_headers
from dashboards.limits import BodyLimit
from dashboards.pages.frame import safe_back
from dashboards.settings import WebSettings
from equipment.access.model import Role
from equipment.foundation.logs import configure_logging
from tests.dashboards.test_permissions import routes
from tests.pipeline import PASSWORD, TRAPPED
from tests.platform import Platform


class Inline(HTMLParser):
    """Collects what a strict policy would have to allow: inline code, inline style, code in addresses."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "script" and "src" not in given and given.get("type") not in {"application/json"}:
            self.found.append("script without src")
        if tag in {"style", "base", "object", "embed", "iframe"}:
            self.found.append(tag)
        for name, value in attrs:
            if name.startswith("on") or name == "style":
                self.found.append(f"{tag} {name}")
            if name in {"href", "src", "action", "formaction"} and (value or "").strip().lower().startswith(
                "javascript"
            ):
                self.found.append(f"{tag} {name}={value}")


def test_every_page_lives_with_a_policy_without_inline_code(platform: Platform) -> None:
    for unit in platform.pipeline.lifts[:2]:
        platform.pipeline.send(unit, TRAPPED)
    platform.turn(120)
    seen = 0
    for role in (Role.DESK, Role.INSPECTOR, Role.REGULATOR, Role.FIRM_MANAGER, Role.SECURITY_ADMIN, Role.SYSTEM_ADMIN):
        client = platform.person(role).client
        for method, path, _ in routes():
            if method != "GET" or path.startswith("/api/"):
                continue
            address = path.replace("{unit_id}", "L000001")
            answer = client.get(re.sub(r"\{[^}]*\}", "1", address))
            policy = answer.headers["content-security-policy"]
            assert "unsafe" not in policy, path
            assert "default-src 'none'" in policy, path
            assert answer.headers["x-content-type-options"] == "nosniff", path
            if "text/html" in answer.headers.get("content-type", ""):
                page = Inline()
                page.feed(answer.text)
                assert page.found == [], f"{role.value} {address}"
                seen += 1
    assert seen > 60


def test_browsers_are_told_to_come_by_https_where_the_cookie_is_for_it() -> None:
    assert security_headers(WebSettings())["Strict-Transport-Security"] == TRANSPORT_SECURITY
    assert "Strict-Transport-Security" not in security_headers(WebSettings(cookie_secure=False))


def test_the_sessions_cookie_is_out_of_reach_of_scripts_clear_text_and_other_sites(platform: Platform) -> None:
    client = TestClient(platform.app, base_url="https://testserver")
    answer = client.post("/api/v1/sessions", json={"login": "desk", "password": PASSWORD})
    flags = {part.strip().lower() for part in answer.headers["set-cookie"].split(";")[1:]}
    assert {"httponly", "secure", "samesite=lax", "path=/"} <= flags


@given(st.text(max_size=40) | st.text("/\\\t\r\n:.@ ehtps", max_size=12))
@example("//evil.example")
@example("/\\evil.example")
@example("/\t/evil.example")
@example("\t//evil.example")
@example("/\r\n/evil.example")
@example("https:evil.example")
def test_no_redirect_leaves_the_site(address: str) -> None:
    """As a browser resolves it: tabs and line ends are dropped, backslashes are slashes."""
    back = re.sub(r"[\t\r\n]", "", safe_back(address)).replace("\\", "/")
    assert urlsplit(urljoin("https://teshe.test/login", back)).netloc == "teshe.test"


@pytest.mark.parametrize("next_page", ["//evil.example", "https://evil.example", "/\t/evil.example"])
def test_a_login_leads_nowhere_else(platform: Platform, next_page: str) -> None:
    client = TestClient(platform.app, base_url="https://testserver", follow_redirects=False)
    form = {"login": "desk", "password": PASSWORD, "next": next_page}
    assert client.post("/login", data=form).headers["location"] == "/"
    assert client.post("/preferences", data={"theme": "dark", "back": next_page}).headers["location"] == "/"


def test_no_secret_reaches_a_log(platform: Platform, capfd: pytest.CaptureFixture[str]) -> None:
    configure_logging("json", "debug")
    client = TestClient(platform.app, base_url="https://testserver")
    client.post("/api/v1/sessions", json={"login": "desk", "password": "a-wrong-password"})
    admin, firm = platform.person(Role.SYSTEM_ADMIN), platform.person(Role.FIRM_MANAGER)
    secrets = [
        PASSWORD, "a-wrong-password", admin.csrf, admin.client.cookies["teshe_session"],
        firm.post("/tokens", {"name": "x", "actions": ["record.view"]})["token"],
        admin.post("/units/L000001/credentials", {})["secret"],
        platform.person(Role.SECURITY_ADMIN).post("/me/second-factor", {})["secret"],
    ]  # fmt: skip
    firm.client.get("/api/v1/units", headers={"Authorization": f"Bearer {secrets[4]}x"})
    platform.turn(5)
    said = capfd.readouterr()
    log = platform.conn.execute("select coalesce(string_agg(e::text, ''), '') from equipment.audit_entry e").fetchone()
    assert log is not None
    for secret in secrets:
        assert secret not in said.out + said.err + log[0]


def test_an_upload_that_is_too_large_is_refused_with_the_limit(platform: Platform) -> None:
    desk = platform.person(Role.DESK)
    limit = platform.app.state.context.settings.max_upload_bytes
    answer = desk.client.post("/api/v1/calls/import", content=b"x" * (limit + 1), headers={"X-CSRF-Token": desk.csrf})
    assert answer.status_code == 400
    assert str(limit) in answer.text


def test_no_body_fills_the_memory_also_when_its_length_is_not_told() -> None:
    seen: list[int] = []

    async def route(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(len(await Request(scope, receive).body()))
        await PlainTextResponse("taken")(scope, receive, send)

    client = TestClient(BodyLimit(route, 10_000))
    assert client.post("/", content=b"x" * 10_000).text == "taken"
    assert client.post("/", content=b"x" * 10_001).status_code == 413
    assert client.post("/", content=(b"x" * 1_000 for _ in range(10))).text == "taken"
    late = client.post("/", content=(b"x" * 1_000 for _ in range(11)))
    assert (late.status_code, "10000" in late.text) == (413, True)
    assert seen == [10_000, 10_000]


def test_the_web_process_has_the_limit(platform: Platform) -> None:
    kinds: list[object] = [middleware.cls for middleware in platform.app.user_middleware]
    assert kinds[0] is BodyLimit


@pytest.mark.parametrize("firm", [1, 10**30])
@pytest.mark.parametrize("number", ["HT-1", "HT\x00-1"])
def test_a_value_that_no_column_takes_is_the_callers_mistake(platform: Platform, firm: int, number: str) -> None:
    inspector = platform.person(Role.INSPECTOR)
    body = {
        "number": number, "firm_org_id": firm, "use_org_id": 10**30, "since": "2026-01-01", "until": "2027-01-01",
        "units": ["L000001"],
    }  # fmt: skip
    answer = inspector.send("/contracts", body)
    assert answer.status_code == 422, answer.text
