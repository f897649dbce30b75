"""统一身份: sign-ins on their way through the city's identity provider, and which account a subject of it opens.

A subject opens an account that exists and that was linked to it; it makes none, and rights come from the account alone.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from equipment.access import store
from equipment.access.model import Role
from equipment.errors import AccountInputError
from equipment.foundation.database import Connection

ATTEMPT_LIFETIME = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A sign-in that has begun: ``state`` goes through the provider, ``browser`` stays in this browser's cookie."""

    state: str
    browser: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class Taken:
    """A sign-in that has come back. ``links``: the account that is to be linked; None: a login."""

    nonce: str
    verifier: str
    back: str
    links: int | None


@dataclass(frozen=True, slots=True)
class Opened:
    """The account that a subject opens."""

    account_id: int
    role: Role
    has_factor: bool


def begin(conn: Connection, back: str, now: datetime, *, link: bool = False) -> Attempt:
    """Begin a sign-in, or (``link``) the linking of the asker's account."""
    made = Attempt(*(secrets.token_urlsafe(48) for _ in range(4)))
    until = now + ATTEMPT_LIFETIME
    conn.execute(
        store.QUERIES.begin_sign_in,
        (_sha256(made.state), _sha256(made.browser), made.nonce, made.verifier, back, link, now, until),
    )
    return made


def take(conn: Connection, state: str, browser: str, now: datetime) -> Taken | None:
    """What was begun under this state in this browser; once, and None when it is unknown, used or too old."""
    row = conn.execute(store.QUERIES.take_sign_in, (_sha256(state), _sha256(browser), now)).fetchone()
    return None if row is None else Taken(*row)


def account_of(conn: Connection, issuer: str, subject: str, now: datetime) -> Opened | None:
    """The open account that is linked to a subject."""
    row = conn.execute(store.QUERIES.account_of_subject, (issuer, subject, now)).fetchone()
    return None if row is None else Opened(int(row[0]), Role(row[1]), bool(row[2]))


def link(conn: Connection, account_id: int, issuer: str, subject: str, now: datetime) -> None:
    """Let a subject open the account: one's own, or any by the operator's command.

    Raises
    ------
    AccountInputError
        The subject opens an account already, or the account has a subject already.
    """
    if not 1 <= len(subject) <= 255:
        raise AccountInputError("统一身份标识为 1 至 255 个字符 (a subject has 1 to 255 characters)")
    row = conn.execute(store.QUERIES.link_subject, (account_id, issuer, subject, now)).fetchone()
    if row is None or not row[0]:
        raise AccountInputError(
            "不能关联：该统一身份已关联另一账号，或本账号已有关联，请先解除"
            " (that identity opens another account, or this account has one: unlink it first)"
        )


def unlink(conn: Connection, account_id: int) -> bool:
    """End the link of an account; whether there was one."""
    row = conn.execute(store.QUERIES.unlink_subjects, (account_id,)).fetchone()
    return bool(row and row[0])


def own(conn: Connection, issuer: str) -> tuple[str, datetime] | None:
    """The asker's subject at the provider, and since when."""
    row = conn.execute(store.QUERIES.own_subject, (issuer,)).fetchone()
    return None if row is None else (str(row[0]), row[1])


def _sha256(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
