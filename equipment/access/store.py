"""Accounts, sessions and tokens. Secrets are stored as hashes; each is shown once, when it is made."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import uuid4

from psycopg.errors import UniqueViolation
from psycopg.types.json import Jsonb
from pwdlib import PasswordHash

from equipment.access import sealed
from equipment.access.model import SCOPE_OF, Asker, Role, ScopeKind
from equipment.access.whence import whence
from equipment.errors import AccountInputError, LoginLockedError, LoginRefusedError, OutOfScopeError, WeakPasswordError
from equipment.foundation.clock import SHANGHAI
from equipment.foundation.database import Connection, load_queries
from equipment.transparency import log
from equipment.transparency.entry import digest_of

QUERIES = load_queries(__file__)
SESSION_LIFETIME = timedelta(hours=12)
FREE_ATTEMPTS = 5
"""Wrong passwords before the account is locked for a while."""
FIRST_LOCK = timedelta(seconds=30)
LONGEST_LOCK = timedelta(hours=1)
SHORTEST_PASSWORD = 10
"""Characters. Length is what counts (NIST SP 800-63B); a local rule may demand more."""
TOKEN_MARK = "teshe"  # noqa: S105  # the visible beginning of every token, so that scanners find leaked ones


@dataclass(frozen=True, slots=True)
class SessionToken:
    """What a browser keeps: ``token`` in the cookie, ``csrf`` in its forms."""

    token: str
    csrf: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An 账号 to be made."""

    login: str
    display_name: str
    password: str
    role: Role
    organisation_id: int | None = None
    jurisdiction_id: str | None = None
    person_id: int | None = None


@cache
def _hasher() -> PasswordHash:
    return PasswordHash.recommended()


@cache
def _nobody() -> str:
    """A hash to compare with when the login does not exist, so that both cases take equally long."""
    return _hasher().hash(secrets.token_urlsafe(16))


def _sha256(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def lock_until(failed_attempts: int, now: datetime) -> datetime | None:
    """Until when an account is locked after that many wrong passwords in a row; None while some are free."""
    beyond = failed_attempts - FREE_ATTEMPTS
    if beyond < 0:
        return None
    length: timedelta = min(LONGEST_LOCK, FIRST_LOCK * 2 ** min(beyond, 12))
    return now + length


def check_strength(password: str, login: str) -> None:
    """Refuse a password that is too short or is the login itself.

    Raises
    ------
    WeakPasswordError
    """
    if len(password) < SHORTEST_PASSWORD:
        raise WeakPasswordError(f"密码至少 {SHORTEST_PASSWORD} 位 (a password has at least this many characters)")
    if login.lower() in password.lower():
        raise WeakPasswordError("密码不得包含账号 (the password must not contain the login)")


def create_account(conn: Connection, account: NewAccount, now: datetime) -> int:
    """Make an account; the system role or the owner may do this.

    Raises
    ------
    OutOfScopeError
        The role is bounded by an organisation or a jurisdiction, and none is given.
    WeakPasswordError
    """
    bound = account.jurisdiction_id if SCOPE_OF[account.role] is ScopeKind.JURISDICTION else account.organisation_id
    if bound is None:
        what = "a jurisdiction" if SCOPE_OF[account.role] is ScopeKind.JURISDICTION else "an organisation"
        raise OutOfScopeError(f"an account of the role {account.role.value} needs {what}: without it, it sees nothing")
    check_strength(account.password, account.login)
    row = conn.execute(
        QUERIES.insert_account,
        (
            account.login, account.display_name, _hasher().hash(account.password), account.role.value,
            account.organisation_id, account.jurisdiction_id, account.person_id, now,
        ),
    ).fetchone()  # fmt: skip
    return int(row[0]) if row else 0


def check_password(
    conn: Connection, login: str, password: str, now: datetime, *, note_success: bool = True, trusted: int | None = None
) -> int | None:
    """The account that this password opens; None when it opens none (the attempt is counted).

    The caller must commit also after None, or the count is lost.

    Parameters
    ----------
    note_success
        Forget the wrong passwords before this right one; False while a second factor is still to be shown.
    trusted
        The account that a browser has signed in to before: its lock does not apply, and the caller counts what is wrong.

    Raises
    ------
    LoginLockedError
        Too many wrong passwords; the password was not looked at.
    """
    row = conn.execute(QUERIES.account_for_login, (login, now)).fetchone()
    account, stored, failed, locked = row if row else (None, _nobody(), 0, None)
    ours = account is None or account != trusted
    if ours and locked is not None and locked > now:
        raise LoginLockedError(f"密码错误次数过多，{locked.astimezone(SHANGHAI):%H:%M:%S} 后再试")
    right = _hasher().verify(password, stored)
    if account is None:
        return None
    if ours and (not right or note_success):
        conn.execute(QUERIES.note_login, (account, right, None if right else lock_until(failed + 1, now)))
    return int(account) if right else None


def note_right(conn: Connection, account: int) -> None:
    """The login was right as a whole: wrong ones before it are forgotten."""
    conn.execute(QUERIES.note_login, (account, True, None))


def note_wrong(conn: Connection, login: str, account: int, now: datetime) -> None:
    """A wrong second factor counts like a wrong password."""
    row = conn.execute(QUERIES.account_for_login, (login, now)).fetchone()
    failed = int(row[2]) if row else 0
    conn.execute(QUERIES.note_login, (account, False, lock_until(failed + 1, now)))


def open_session(conn: Connection, account_id: int, now: datetime, replaced: str | None = None) -> SessionToken:
    """A fresh session for an account that has proved itself; the one it replaces in the browser ends."""
    if replaced:
        close_session(conn, replaced)
    token, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(24)
    expires = now + SESSION_LIFETIME
    conn.execute(QUERIES.open_session, (_sha256(token), account_id, csrf, now, expires))
    return SessionToken(token, csrf, expires)


def refused() -> LoginRefusedError:
    """The one answer to a wrong login and to a wrong password."""
    return LoginRefusedError("账号或密码错误 (wrong login or password)")


def resolve_session(conn: Connection, token: str, now: datetime) -> tuple[Asker, str, bool] | None:
    """The asker behind a session cookie, the session's CSRF token, and whether he must set a password first.

    None when the session is not valid any more.
    """
    row = conn.execute(QUERIES.session_asker, (_sha256(token), now)).fetchone()
    return None if row is None else (asker_of_row(row[:6]), row[6], bool(row[7]))


def close_session(conn: Connection, token: str) -> None:
    """Log out."""
    conn.execute(QUERIES.close_session, (_sha256(token),))


def own_sessions(conn: Connection, now: datetime) -> list[tuple[int, datetime, datetime, datetime]]:
    """The asker's sessions as (id, made, last seen, ends), the latest used first."""
    return list(conn.execute(QUERIES.own_sessions, (now,)).fetchall())


def session_number(conn: Connection, token: str) -> int | None:
    """Which of the asker's own sessions a cookie is; None: none of them."""
    row = conn.execute(QUERIES.own_session_number, (_sha256(token),)).fetchone()
    return None if row is None or row[0] is None else int(row[0])


def renew_session(conn: Connection, token: str, *, alone: bool) -> str | None:
    """A fresh name for the asker's own session; ``alone``: his other sessions end. None: it is not his or is over."""
    fresh = secrets.token_urlsafe(32)
    row = conn.execute(QUERIES.renew_session, (_sha256(token), _sha256(fresh), alone)).fetchone()
    return fresh if row is not None and row[0] else None


def end_own_session(conn: Connection, session_id: int) -> bool:
    """End one of the asker's sessions; whether it was there."""
    row = conn.execute(QUERIES.end_own_session, (session_id,)).fetchone()
    return bool(row and row[0])


def forget_sessions(conn: Connection, now: datetime) -> int:
    """Delete sessions that are over; for the jobs, under the system role. Returns how many."""
    return conn.execute(QUERIES.forget_sessions, (now,)).rowcount


def change_password(conn: Connection, asker: Asker, new: str, now: datetime, staff_number: str = "") -> SessionToken:
    """Set the asker's own password: all his sessions end, and he goes on in a fresh one.

    The caller has checked the old password (:func:`check_password`) and applied the asker's scope.

    Parameters
    ----------
    staff_number
        工号 of whoever holds an administrator's account that does not say yet whose it is.

    Raises
    ------
    WeakPasswordError
    AccountInputError
        The staff number is missing, or holds another of the three administrators' accounts.
    """
    check_strength(new, asker.login)
    try:
        row = conn.execute(QUERIES.set_own_password, (_hasher().hash(new), staff_number)).fetchone()
    except UniqueViolation:
        raise separated() from None
    if row is None or not row[0]:
        raise AccountInputError(
            "管理员账号须填写工号 (an administrator's account needs the staff number of its holder)"
        )
    return open_session(conn, asker.account_id, now)


def hash_of(password: str) -> str:
    """What is stored of a password or one-time code."""
    return _hasher().hash(password)


def separated() -> AccountInputError:
    """The answer to a second administrator's account in one hand."""
    return AccountInputError(
        "三员分立：该工号已持有另一管理员账号 (whoever holds one of the three administrators' accounts holds no other)"
    )


def issue_token(
    conn: Connection, account_id: int, name: str, actions: frozenset[str], lifetime: timedelta, now: datetime
) -> str:
    """Make an API token; the returned text is shown once and stored only as a hash."""
    prefix, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
    conn.execute(QUERIES.issue_token, (prefix, _sha256(secret), account_id, name, sorted(actions), now, now + lifetime))
    return f"{TOKEN_MARK}_{prefix}_{secret}"


def resolve_token(conn: Connection, text: str, now: datetime) -> tuple[Asker, frozenset[str]] | None:
    """The asker behind an API token and what the token may do; None when it is not valid."""
    mark, _, rest = text.partition("_")
    prefix, _, secret = rest.partition("_")
    if mark != TOKEN_MARK or not prefix or not secret:
        return None
    row = conn.execute(QUERIES.token_asker, (prefix, _sha256(secret), now)).fetchone()
    return None if row is None else (asker_of_row(row[:6]), frozenset(row[6]))


def asker_of_row(row: tuple[object, ...]) -> Asker:
    """The asker from the six columns that name him."""
    account, login, name, role, organisation, path = row
    return Asker(
        int(str(account)), str(login), str(name), Role(role), None if organisation is None else int(str(organisation)),
        None if path is None else str(path),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Change:
    """What an audit entry says beyond who, what and when. ``origin``: from where; default: as the web process says."""

    reason: str | None = None
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    origin: str | None = None


def audit(
    conn: Connection,
    asker: Asker,
    action: str,
    subject: str,
    now: datetime,
    *,
    reason: str | None = None,
    change: Change | None = None,
) -> None:
    """Write who did what to what, in the transaction that did it; ``reason`` alone is short for a change with it."""
    audit_many(conn, asker.account_id, [(action, subject, change or Change(reason))], now)


def audit_many(
    conn: Connection, account_id: int | None, changes: Sequence[tuple[str, str, Change]], now: datetime
) -> None:
    """:func:`audit` for many changes of one hand, as (action, subject, change); None: the operator's command."""
    if not changes:
        return
    # lists go to the server in binary: as text, every element is searched for what must be escaped
    columns: dict[str, list[Any]] = {
        name: [] for name in ("entries", "actions", "subjects", "reasons", "befores", "afters", "origins")
    }
    seals = []
    for action, subject, said in changes:
        entry_id, origin = uuid4(), said.origin or whence()
        before, after = (None if values is None else dict(values) for values in (said.before, said.after))
        content = {
            "at": now, "account_id": account_id, "action": action, "subject": subject, "reason": said.reason,
            "before": before, "after": after, "origin": origin,
        }  # fmt: skip
        seals.append((str(entry_id), digest_of(sealed.content_of(content))))
        row = (
            entry_id, action, subject, said.reason, None if before is None else Jsonb(before),
            None if after is None else Jsonb(after), origin,
        )  # fmt: skip
        for column, value in zip(columns.values(), row, strict=True):
            column.append(value)
    conn.execute(QUERIES.audit, columns | {"at": now, "account": account_id})
    log.seal_many(conn, sealed.KIND, seals, now)
