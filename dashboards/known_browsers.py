"""常用浏览器: a browser in which an account has signed in before has a lock of its own.

Whoever types wrong passwords for the desk's account elsewhere locks that account for strangers, and no seat out: its browser
carries a signed name, for this login only, and wrong passwords typed there are counted there.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
import struct
from dataclasses import dataclass
from datetime import datetime, timedelta

from starlette.requests import Request
from starlette.responses import Response

from dashboards.context import WebContext
from equipment.access.store import lock_until
from equipment.errors import LoginLockedError
from equipment.foundation.clock import SHANGHAI
from equipment.foundation.database import Connection, load_queries

QUERIES = load_queries(__file__)
LIFETIME = timedelta(days=180)
HEAD = struct.Struct(">16sqq")
MAC_BYTES = 32


@dataclass(frozen=True, slots=True)
class Known:
    """A browser that has proved that this account signed in there."""

    account_id: int
    browser: bytes


def recognised(request: Request, context: WebContext, login: str) -> Known | None:
    """The browser's proof for this login; None: a stranger."""
    try:
        raw = base64.b64decode(request.cookies.get(_cookie(login), ""), altchars=b"-_", validate=True)
        _, account, until = HEAD.unpack(raw[: HEAD.size])
    except (binascii.Error, ValueError, struct.error):
        return None
    head, given = raw[: HEAD.size], raw[HEAD.size :]
    if len(given) != MAC_BYTES or until <= context.clock.now().timestamp():
        return None
    if not context.link_keys().believes(_message(head, login), given):
        return None
    return Known(account, hashlib.sha256(raw).digest())


def check(conn: Connection, known: Known, now: datetime) -> int:
    """How many wrong ones in a row were typed there; locks the count until the transaction ends.

    Raises
    ------
    LoginLockedError
    """
    row = conn.execute(QUERIES.known_browser_state, (known.browser,)).fetchone()
    if row is not None and row[1] is not None and row[1] > now:
        raise LoginLockedError(f"本机密码错误次数过多，{row[1].astimezone(SHANGHAI):%H:%M:%S} 后再试")
    return 0 if row is None else int(row[0])


def note(conn: Connection, known: Known, failed: int, *, right: bool, now: datetime) -> None:
    """Count what was typed there; ``failed`` is what :func:`check` gave."""
    until = None if right else lock_until(failed + 1, now)
    conn.execute(QUERIES.note_known_browser, (known.browser, known.account_id, right, until, now))


def keep(context: WebContext, response: Response, login: str, account_id: int) -> None:
    """Let the browser prove from now on that the account signed in there."""
    until = context.clock.now() + LIFETIME
    head = HEAD.pack(secrets.token_bytes(16), account_id, int(until.timestamp()))
    text = base64.urlsafe_b64encode(head + context.link_keys().sign(_message(head, login))).decode()
    response.set_cookie(
        _cookie(login), text, max_age=int(LIFETIME.total_seconds()), httponly=True, samesite="lax",
        secure=context.settings.cookie_secure, path="/",
    )  # fmt: skip


def _cookie(login: str) -> str:
    return f"teshe_browser_{hashlib.sha256(login.encode()).hexdigest()[:8]}"


def _message(head: bytes, login: str) -> bytes:
    return b"known-browser\0" + head + login.encode()
