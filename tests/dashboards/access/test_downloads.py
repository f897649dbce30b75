"""Links that hand one file to a telephone: what they open, for how long, and what else they do not open."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from fastapi.testclient import TestClient

from dashboards.downloads import FILES, download
from equipment.access import signing
from equipment.access.links import GRACE, LIFETIME
from equipment.access.model import Role
from equipment.access.signing import Keyring
from equipment.foundation.clock import ManualClock
from equipment.foundation.errors import InputError
from tests.conftest import Database
from tests.dashboards.access.test_second_factor import Site, site_over
from tests.dashboards.test_permissions import routes
from tests.pipeline import PASSWORD
from tests.platform import Person

UNITS = "/api/v1/exports/units.csv"


@pytest.fixture
def site(database: Database, clock: ManualClock, tmp_path: Path) -> Iterator[Site]:
    yield from site_over(database, clock, tmp_path)


def link(person: Person, address: str = UNITS) -> str:
    """Path and query of a link."""
    parts = urlsplit(person.post("/downloads", {"address": address})["address"])
    assert parts.netloc == "testserver"
    return f"{parts.path}?{parts.query}"


def phone(site: Site) -> TestClient:
    return TestClient(site.app, base_url="https://testserver", follow_redirects=False)


def test_the_table_of_files_says_what_the_routes_say() -> None:
    real = {(path, action) for method, path, action in routes() if method == "GET"}
    assert {(path, action) for path, _, action in FILES} <= real
    assert download("/api/v1/me", "") is None
    assert download("/api/v1/exports/units.csv/../../me", "") is None


def test_a_telephone_gets_the_same_file_without_a_login_and_no_session(site: Site) -> None:
    firm = site.person(Role.FIRM_MANAGER)
    answer = phone(site).get(link(firm))
    assert answer.status_code == 200
    assert answer.content == firm.client.get(UNITS).content
    assert "set-cookie" not in answer.headers
    said = site.conn.execute(
        "select a.login, e.action, e.subject from equipment.audit_entry e join equipment.account a on a.id = e.account_id"
        " where e.action like 'download.%%' order by e.id"
    ).fetchall()
    assert [(row[0], row[1]) for row in said] == [("firm", "download.hand_over"), ("firm", "download.open")]
    assert all(row[2].endswith(UNITS) for row in said)


def test_it_is_good_once_and_the_telephone_may_ask_again_for_a_moment(site: Site) -> None:
    client, address = phone(site), link(site.person(Role.FIRM_MANAGER))
    assert client.get(address).status_code == 200
    site.clock.advance(GRACE.total_seconds() - 1)
    assert client.get(address).status_code == 200
    site.clock.advance(1)
    answer = client.get(address)
    assert (answer.status_code, "重新生成" in answer.text) == (410, True)
    page = client.get(address, headers={"accept": "text/html"})
    assert (page.status_code, page.headers["content-type"]) == (410, "text/html; charset=utf-8")
    assert "链接已失效" in page.text


def test_it_ends_after_ten_minutes(site: Site) -> None:
    address = link(site.person(Role.FIRM_MANAGER))
    site.clock.advance(LIFETIME.total_seconds())
    assert phone(site).get(address).status_code == 410


def test_it_opens_nothing_else(site: Site) -> None:
    client, address = phone(site), link(site.person(Role.FIRM_MANAGER))
    code = address.partition("link=")[2]
    for other in (
        f"/api/v1/exports/units.xlsx?link={code}",
        f"{UNITS}?q=a&link={code}",
        f"/api/v1/hazards/export?link={code}",
        f"{UNITS}?link={code[:-6]}AAAAA=",
        f"{UNITS}?link=",
        f"{UNITS}?link={'A' * 86}==",
    ):
        assert client.get(other).status_code == 410, other
    for path in ("/api/v1/me", "/api/v1/units", "/account"):
        assert client.get(f"{path}?link={code}").status_code in (401, 303), path
    assert client.post(f"/api/v1/downloads?link={code}", json={"address": UNITS}).status_code == 401
    assert client.get(address).status_code == 200, "and nothing of it used the link up"


def test_a_link_that_is_over_is_not_passed_over_for_a_session(site: Site) -> None:
    firm = site.person(Role.FIRM_MANAGER)
    assert firm.client.get(f"{UNITS}?link=x").status_code == 410


def ended_by_logout(site: Site, firm: Person) -> None:
    assert firm.client.delete("/api/v1/sessions", headers={"X-CSRF-Token": firm.csrf}).status_code == 204


def ended_by_password(site: Site, firm: Person) -> None:
    firm.post("/me/password", {"old": PASSWORD, "new": "another-word-2026"})


def ended_by_disabling(site: Site, firm: Person) -> None:
    admin = site.person(Role.SECURITY_ADMIN)
    number = next(a["id"] for a in admin.get("/accounts") if a["login"] == "firm")
    admin.post(f"/accounts/{number}/disable", {"reason": "离职"})


def ended_by_keys(site: Site, firm: Person) -> None:
    for _ in range(2):
        signing.rotate(site.app.state.context.settings.link_keys_file)


@pytest.mark.parametrize("ended", [ended_by_logout, ended_by_password, ended_by_disabling, ended_by_keys])
def test_it_ends_with_the_session_the_account_and_the_keys(site: Site, ended: Any) -> None:
    firm = site.person(Role.FIRM_MANAGER)
    address = link(firm)
    ended(site, firm)
    assert phone(site).get(address).status_code == 410


def test_a_change_of_keys_leaves_links_that_were_made_just_now(site: Site) -> None:
    address = link(site.person(Role.FIRM_MANAGER))
    file = site.app.state.context.settings.link_keys_file
    before = Keyring.from_file(file)
    signing.rotate(file)
    assert Keyring.from_file(file).keys[1:] == before.keys
    assert file.stat().st_mode & 0o777 == 0o600
    assert phone(site).get(address).status_code == 200


def test_a_file_that_is_no_keyring_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "links.keys").write_text("00")
    with pytest.raises(InputError, match="holds no keys"):
        Keyring.from_file(tmp_path / "links.keys")


def test_nobody_hands_over_what_he_may_not_fetch(site: Site) -> None:
    worker, firm = site.person(Role.FIRM_WORKER), site.person(Role.FIRM_MANAGER)
    assert worker.send("/downloads", {"address": UNITS}).status_code == 403
    for address in ("https://evil.example/labels.pdf", "//evil.example/labels.pdf", "/api/v1/me", "labels.pdf", "x"):
        assert firm.send("/downloads", {"address": address}).status_code == 400, address
    token = firm.post("/tokens", {"name": "x", "actions": ["unit.export"]})["token"]
    software = phone(site).post(
        "/api/v1/downloads", json={"address": UNITS}, headers={"Authorization": f"Bearer {token}"}
    )
    assert software.status_code == 403


def test_a_link_shows_what_its_maker_may_see_when_it_is_opened(site: Site) -> None:
    address = link(site.person(Role.FIRM_MANAGER))
    site.conn.execute("update equipment.account set role = 'firm_worker' where login = 'firm'")
    assert phone(site).get(address).status_code == 403


def test_a_copy_of_the_database_makes_no_link(site: Site) -> None:
    firm = site.person(Role.FIRM_MANAGER)
    code = link(firm).partition("link=")[2]
    rows = site.conn.execute("select d::text from equipment.download_link d").fetchall()
    assert len(rows) == 1
    assert code not in rows[0][0]


def test_the_page_shows_a_picture_to_scan(site: Site) -> None:
    firm = site.person(Role.FIRM_MANAGER)
    assert "/hand-over" in firm.client.get("/hand-over", params={"address": UNITS}).text
    shown = firm.client.post("/hand-over", data={"_csrf": firm.csrf, "address": UNITS})
    assert "data:image/svg+xml" in shown.text
    assert "units.csv?link=" in shown.text
    refused = firm.client.post("/hand-over", data={"_csrf": firm.csrf, "address": "/account"})
    assert refused.status_code == 422
