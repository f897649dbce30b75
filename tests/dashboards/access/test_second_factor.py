"""One-time codes by RFC 6238, recovery codes, and the lock-out of guesses, at scripted times."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from dashboards.app import create_app
from dashboards.settings import WebSettings
from equipment.access import factors, store, totp
from equipment.access.model import Role
from equipment.access.seal import Seal
from equipment.foundation.clock import ManualClock
from equipment.foundation.database import Connection, DatabaseRole, open_pool
from equipment.foundation.errors import InputError
from equipment.transparency.keys import Signer
from tests.conftest import Database
from tests.pipeline import PASSWORD, Pipeline
from tests.platform import LOGIN_OF, Person

RFC_SECRET = b"12345678901234567890"
RFC_6238 = (
    (59, "94287082"), (1111111109, "07081804"), (1111111111, "14050471"), (1234567890, "89005924"),
    (2000000000, "69279037"), (20000000000, "65353130"),
)  # fmt: skip


@pytest.mark.parametrize(("seconds", "eight_digits"), RFC_6238)
def test_the_codes_are_those_of_the_standard(seconds: int, eight_digits: str) -> None:
    step = totp.step_of(datetime.fromtimestamp(seconds, UTC))
    assert totp.code_at(RFC_SECRET, step) == eight_digits[-totp.DIGITS :]


@pytest.mark.parametrize(("late", "right"), [(-31, False), (-30, True), (0, True), (30, True), (60, False)])
def test_a_telephone_may_be_half_a_minute_off(late: int, right: bool) -> None:
    step = totp.step_of(datetime.fromtimestamp(1111111110, UTC))
    found = totp.matching_step(
        RFC_SECRET, totp.code_at(RFC_SECRET, step), datetime.fromtimestamp(1111111110 + late, UTC)
    )
    assert (found == step) is right


def test_a_sealed_secret_opens_with_its_key_in_its_row_only(tmp_path: Path) -> None:
    seal = Seal.from_file(tmp_path / "keys" / "seal.key")
    closed = seal.close(b"secret", "a")
    assert b"secret" not in closed
    assert Seal.from_file(tmp_path / "keys" / "seal.key").open(closed, "a") == b"secret"
    assert (tmp_path / "keys" / "seal.key").stat().st_mode & 0o777 == 0o600
    with pytest.raises(InputError):
        seal.open(closed, "b")
    with pytest.raises(InputError):
        Seal.from_file(tmp_path / "other.key").open(closed, "a")
    (tmp_path / "short.key").write_bytes(b"x")
    with pytest.raises(InputError, match="holds no key"):
        Seal.from_file(tmp_path / "short.key")


@dataclass
class Site:
    """A web process, and the telephone of whoever enrolled."""

    app: FastAPI
    clock: ManualClock
    conn: Connection

    def log_in(self, role: Role, **more: str) -> tuple[int, Person | None, str]:
        client = TestClient(self.app, base_url="https://testserver")
        body = {"login": LOGIN_OF[role], "password": PASSWORD} | more
        answer = client.post("/api/v1/sessions", json=body)
        person = Person(client, answer.json()["csrf"]) if answer.status_code == 201 else None
        return answer.status_code, person, answer.text

    def person(self, role: Role, **more: str) -> Person:
        status, person, text = self.log_in(role, **more)
        assert person is not None, (status, text)
        return person

    def enrol(self, role: Role) -> tuple[bytes, list[str]]:
        """The telephone's secret and the recovery codes."""
        import base64

        person = self.person(role)
        secret = person.post("/me/second-factor", {})["secret"]
        raw = base64.b32decode(secret)
        codes = person.post("/me/second-factor/confirm", {"code": self.code(raw)})["recovery_codes"]
        self.clock.advance(60)
        return raw, codes

    def code(self, secret: bytes) -> str:
        return totp.code_at(secret, totp.step_of(self.clock.now()))


def site_over(database: Database, clock: ManualClock, folder: Path, **settings: Any) -> Iterator[Site]:
    with ExitStack() as stack:
        conn = stack.enter_context(database.connect(autocommit=True))
        Pipeline(conn, clock)
        pool = open_pool(database.url, DatabaseRole.SCOPED, max_size=4, application_name="test-web")
        stack.callback(pool.close)
        web = WebSettings(
            record_position_seconds=0,
            seal_key_file=folder / "seal.key",
            link_keys_file=folder / "links.keys",
            **settings,
        )
        yield Site(create_app(pool, database.url, web, clock, Signer.generate("teshe.test")), clock, conn)


@pytest.fixture
def site(database: Database, clock: ManualClock, tmp_path: Path) -> Iterator[Site]:
    yield from site_over(database, clock, tmp_path)


@pytest.fixture
def strict_site(database: Database, clock: ManualClock, tmp_path: Path) -> Iterator[Site]:
    yield from site_over(database, clock, tmp_path, second_factor_required=True)


def test_a_login_needs_password_and_code_and_a_code_is_good_once(site: Site) -> None:
    secret, _ = site.enrol(Role.INSPECTOR)
    status, _, text = site.log_in(Role.INSPECTOR)
    assert (status, "动态口令" in text) == (401, True)
    code = site.code(secret)
    assert site.log_in(Role.INSPECTOR, code=code, password="wrong-password")[0] == 401
    site.person(Role.INSPECTOR, code=code)
    assert site.log_in(Role.INSPECTOR, code=code)[0] == 401
    site.clock.advance(30)
    site.person(Role.INSPECTOR, code=site.code(secret))


def test_a_recovery_code_opens_once(site: Site) -> None:
    _, codes = site.enrol(Role.AUDITOR)
    assert len(set(codes)) == factors.RECOVERY_CODES
    site.person(Role.AUDITOR, code=codes[0].lower())
    assert site.log_in(Role.AUDITOR, code=codes[0])[0] == 401
    person = site.person(Role.AUDITOR, code=codes[1])
    assert "8" in person.client.get("/account").text


def test_wrong_codes_lock_the_account_longer_each_time_and_a_right_password_frees_nothing(site: Site) -> None:
    secret, _ = site.enrol(Role.INSPECTOR)
    for _ in range(store.FREE_ATTEMPTS):
        assert site.log_in(Role.INSPECTOR, code="000000")[0] == 401
    assert site.log_in(Role.INSPECTOR, code=site.code(secret))[0] == 429
    wait = store.FIRST_LOCK.total_seconds()
    for _ in range(3):
        site.clock.advance(wait - 1)
        assert site.log_in(Role.INSPECTOR, code=site.code(secret))[0] == 429
        site.clock.advance(2)
        assert site.log_in(Role.INSPECTOR, code="000000")[0] == 401
        wait *= 2
    site.clock.advance(wait + 1)
    site.person(Role.INSPECTOR, code=site.code(secret))
    site.clock.advance(60)
    for _ in range(store.FREE_ATTEMPTS - 1):
        site.log_in(Role.INSPECTOR, code="000000")
    site.person(Role.INSPECTOR, code=site.code(secret))


def test_a_lock_grows_to_an_hour_and_no_further() -> None:
    now = datetime(2026, 3, 2, tzinfo=UTC)
    locks = [store.lock_until(n, now) for n in range(1, 40)]
    lengths = [(until - now).total_seconds() for until in locks if until is not None]
    assert locks[: store.FREE_ATTEMPTS - 1] == [None] * (store.FREE_ATTEMPTS - 1)
    assert lengths[:4] == [30, 60, 120, 240]
    assert lengths == sorted(lengths)
    assert lengths[-1] == store.LONGEST_LOCK.total_seconds()


@pytest.mark.parametrize("role", [role for role in Role if role in factors.NEEDED_BY])
def test_where_it_is_required_nothing_opens_before_it_is_on(strict_site: Site, role: Role) -> None:
    person = strict_site.person(role)
    for address in ("/api/v1/units", "/api/v1/accounts", "/quality"):
        answer = person.client.get(address, headers={"accept": "application/json"}, follow_redirects=False)
        assert answer.status_code == 403, address
    assert person.client.get("/", follow_redirects=False).headers["location"] == "/account"
    assert person.client.get("/account").status_code == 200
    secret, _ = strict_site.enrol(role)
    person = strict_site.person(role, code=strict_site.code(secret))
    assert person.client.get("/", follow_redirects=False).headers["location"] != "/account"


def test_others_are_not_bothered_where_it_is_required(strict_site: Site) -> None:
    assert strict_site.person(Role.FIRM_WORKER).client.get("/api/v1/units").status_code == 200


def test_a_confirmed_factor_is_replaced_by_nobody_but_a_reset(site: Site) -> None:
    secret, _ = site.enrol(Role.INSPECTOR)
    person = site.person(Role.INSPECTOR, code=site.code(secret))
    assert person.send("/me/second-factor", {}).status_code == 422
    assert person.send("/me/second-factor/confirm", {"code": site.code(secret)}).status_code == 422
    admin = site.person(Role.SECURITY_ADMIN)
    number = next(a["id"] for a in admin.get("/accounts") if a["login"] == "inspector")
    code = admin.post(f"/accounts/{number}/reset", {})["code"]
    assert (
        site.person(Role.INSPECTOR, password=code).send("/me/password", {"old": code, "new": PASSWORD}).status_code
        == 201
    )
    site.person(Role.INSPECTOR)


def test_whoever_has_no_second_factor_needs_no_key_file(site: Site) -> None:
    site.person(Role.DESK)
    assert not site.app.state.context.settings.seal_key_file.exists()


def test_the_database_alone_gives_no_code_away(site: Site) -> None:
    secret, codes = site.enrol(Role.INSPECTOR)
    rows = site.conn.execute("select sealed from equipment.second_factor").fetchall()
    assert secret not in bytes(rows[0][0])
    text = site.conn.execute("select string_agg(e::text, '') from equipment.audit_entry e").fetchone()
    assert text is not None
    assert all(code not in text[0] for code in (*codes, totp.typed(secret)))


def test_the_page_shows_a_picture_and_turns_it_on(site: Site) -> None:
    person = site.person(Role.REGULATOR)
    form = {"_csrf": person.csrf}
    shown = person.client.post("/account/second-factor", data=form)
    assert "data:image/svg+xml" in shown.text
    wrong = person.client.post("/account/second-factor/confirm", data=form | {"code": "000000"})
    assert wrong.status_code == 422
    sealed = site.conn.execute("select account_id, sealed from equipment.second_factor").fetchone()
    assert sealed is not None
    seal = Seal.from_file(site.app.state.context.settings.seal_key_file)
    secret = seal.open(bytes(sealed[1]), f"second_factor:{sealed[0]}")
    done = person.client.post("/account/second-factor/confirm", data=form | {"code": site.code(secret)})
    assert done.text.count("recovery-code") == factors.RECOVERY_CODES
