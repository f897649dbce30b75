"""常用浏览器: a browser in which an account has signed in before has a lock of its own.

Whoever types wrong passwords for the desk's account elsewhere locks that account for strangers, and no seat out: its browser
carries a signed name, for this login only, and wrong passwords typed there are counted there.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from starlette.requests import Request
from starlette.responses import Response

from dashboards.context import WebContext
from equipment.access.signing import Ticket, shown
from equipment.access.store import lock_until
from equipment.errors import LoginLockedError
from equipment.foundation.clock import SHANGHAI
from equipment.foundation.database import Connection, load_queries

QUERIES = load_queries(__file__)
LIFETIME = timedelta(days=180)
KIND = b"known-browser"


@dataclass(frozen=True, slots=True)
class Known:
    """A browser that has proved that this account signed in there."""

    account_id: int
    browser: bytes


def recognised(request: Request, context: WebContext, login: str) -> Known | None:
    """The browser's proof for this login; None: a stranger."""
    text = request.cookies.get(_cookie(login), "")
    ticket = shown(context.link_keys(), text, KIND, login.encode(), context.clock.now())
    return None if ticket is None else Known(ticket.account, hashlib.sha256(base64.urlsafe_b64decode(text)).digest())


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
    ticket = Ticket(secrets.token_bytes(16), account_id, int(until.timestamp()))
    text = ticket.text(context.link_keys(), KIND, login.encode())
    response.set_cookie(
        _cookie(login), text, max_age=int(LIFETIME.total_seconds()), httponly=True, samesite="lax",
        secure=context.settings.cookie_secure, path="/",
    )  # fmt: skip


def _cookie(login: str) -> str:
    return f"teshe_browser_{hashlib.sha256(login.encode()).hexdigest()[:8]}"
