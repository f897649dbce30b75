"""``teshe accounts``: the operator's way to make, end and reset accounts; each act stands in the audit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Annotated

import typer

from dashboards.composition import require_database
from equipment.access import accounts
from equipment.access.accounts import AccountWish
from equipment.access.model import Role
from equipment.access.store import Change, audit_many
from equipment.foundation.clock import SystemClock
from equipment.foundation.database import Connection, DatabaseRole, connect
from equipment.foundation.settings import FoundationSettings

app = typer.Typer(no_args_is_help=True, help="账号: make, end and reset.")


@contextmanager
def _transaction() -> Iterator[Connection]:
    url = require_database(FoundationSettings())
    with (
        connect(url, DatabaseRole.SYSTEM, application_name="teshe-accounts", autocommit=True) as conn,
        conn.transaction(),
    ):
        yield conn


def say_code(login: str, code: str) -> None:
    """Print a one-time code, which is kept nowhere."""
    hours = int(accounts.CODE_LIFETIME.total_seconds() // 3600)
    typer.echo(f"{login}: one-time code {code}, valid {hours} h, shown this once; a password is set at the first login")


@app.command("create")
def create(
    login: str,
    role: Annotated[Role, typer.Option(help="角色.")],
    name: Annotated[str, typer.Option(help="姓名, as others see it.")],
    jurisdiction: Annotated[str | None, typer.Option(help="Id of the 辖区, such as 341302.")] = None,
    organisation: Annotated[int | None, typer.Option(help="Id of the firm or use-unit.")] = None,
    holder: Annotated[str | None, typer.Option(help="工号; the three administrators need it.")] = None,
    days: Annotated[int | None, typer.Option(min=1, max=36_500, help="Valid for so many days.")] = None,
) -> None:
    """Make an account and print its one-time code."""
    now = SystemClock().now()
    until = None if days is None else now + timedelta(days=days)
    wish = AccountWish(login, name, role, organisation, jurisdiction, until, holder)
    with _transaction() as conn:
        _, code = accounts.create(conn, wish, now)
        after = {"role": role.value, "organisation_id": organisation, "jurisdiction_id": jurisdiction, "holder": holder}
        audit_many(conn, None, [("account.create", f"account:{login}", Change(after=after))], now)
    say_code(login, code)


@app.command("disable")
def disable(login: str, reason: Annotated[str, typer.Option(help="Why; stands in the audit.")]) -> None:
    """End an account at once, with its sessions and tokens."""
    now = SystemClock().now()
    with _transaction() as conn:
        accounts.disable(conn, accounts.by_login(conn, login).id, reason, now)
        audit_many(conn, None, [("account.disable", f"account:{login}", Change(reason))], now)
    typer.echo(f"{login} is disabled")


@app.command("reset")
def reset(login: str) -> None:
    """A fresh one-time code; the old password, all sessions and tokens end."""
    now = SystemClock().now()
    with _transaction() as conn:
        code = accounts.reset(conn, accounts.by_login(conn, login).id, now)
        audit_many(conn, None, [("account.reset", f"account:{login}", Change())], now)
    say_code(login, code)


def first_run(conn: Connection) -> None:
    """On an installation without accounts: make the security administrator, and print his code once."""
    now = SystemClock().now()
    code = accounts.first_run(conn, now)
    if code is not None:
        audit_many(conn, None, [("account.create", f"account:{accounts.FIRST_LOGIN}", Change("first run"))], now)
        say_code(accounts.FIRST_LOGIN, code)
