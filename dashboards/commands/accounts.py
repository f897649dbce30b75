"""``teshe accounts``: the operator's way to make, end and reset accounts; each act stands in the audit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Annotated

import typer

from dashboards import authorisation
from dashboards.composition import require_database
from dashboards.settings import WebSettings
from equipment.access import accounts, signing, subjects
from equipment.access.accounts import AccountWish
from equipment.access.model import Role
from equipment.access.store import Change, audit_many
from equipment.errors import AccountInputError
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


@app.command("link")
def link(login: str, subject: Annotated[str, typer.Argument(help="Its 'sub' at the identity provider.")]) -> None:
    """Let a subject of the city's identity provider open an account; its rights stay what they are."""
    now = SystemClock().now()
    issuer = WebSettings().oidc_issuer
    if not issuer:
        raise AccountInputError("未接入统一身份认证 (set TESHE_OIDC_ISSUER first)")
    with _transaction() as conn:
        subjects.link(conn, accounts.by_login(conn, login).id, issuer, subject, now)
        after = {"issuer": issuer, "subject": subject}
        audit_many(conn, None, [("account.link", f"account:{login}", Change(after=after))], now)
    typer.echo(f"{login} is opened by {subject}")


@app.command("unlink")
def unlink(login: str) -> None:
    """End the link of an account to the city's identity provider."""
    now = SystemClock().now()
    with _transaction() as conn:
        if not subjects.unlink(conn, accounts.by_login(conn, login).id):
            raise AccountInputError(f"{login} 没有关联 (the account is not linked)")
        audit_many(conn, None, [("account.unlink", f"account:{login}", Change())], now)
    typer.echo(f"{login} is not linked any more")


@app.command("matrix")
def access_matrix() -> None:
    """Print who may do what in which state, as CSV: role, action, state, step."""
    typer.echo("role,action,state,step")
    for row in authorisation.rows():
        typer.echo(",".join(row))


@app.command("change-link-keys")
def change_link_keys() -> None:
    """Begin a new key for download links; links under the key before it hold until they end."""
    file = WebSettings().link_keys_file
    signing.rotate(file)
    typer.echo(f"{file}: a new key signs; run it twice to end every link at once")


def first_run(conn: Connection) -> None:
    """On an installation without accounts: make the security administrator, and print his code once."""
    now = SystemClock().now()
    code = accounts.first_run(conn, now)
    if code is not None:
        audit_many(conn, None, [("account.create", f"account:{accounts.FIRST_LOGIN}", Change("first run"))], now)
        say_code(accounts.FIRST_LOGIN, code)
