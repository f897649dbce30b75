"""Who asks, and the one transaction in which he is answered.

A route names its action once (``asker: Asker = Depends(permit("incident.accept"))``) and opens its transaction
explicitly, so that the answer leaves only after the commit.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Request
from psycopg_pool import ConnectionPool
from starlette.requests import HTTPConnection

from dashboards import surfaces
from dashboards.downloads import download
from dashboards.errors import (
    CsrfError,
    FactorNeededError,
    ForbiddenError,
    HandedOverError,
    NotFoundError,
    NotLoggedInError,
    PasswordNeededError,
)
from dashboards.settings import WebSettings
from dashboards.zone import asked
from equipment.access import factors, links, scope, store
from equipment.access.matrix import permits
from equipment.access.model import Asker
from equipment.access.seal import Seal
from equipment.access.signing import Keyring
from equipment.access.store import SessionToken
from equipment.errors import LoginRefusedError
from equipment.foundation.clock import Clock
from equipment.foundation.database import Connection, translated
from equipment.link.model import Side
from equipment.transparency.keys import Signer

SESSION_COOKIE = "teshe_session"
CSRF_FIELD = "_csrf"
CSRF_HEADER = "x-csrf-token"
OWN_ACCOUNT = "self.manage"
"""The one action that is open to whoever has not set his password yet."""
DECIDED_HERE = frozenset({OWN_ACCOUNT, "token.issue", "download.hand_over"})
"""What the internet side decides itself: how its own accounts log in, and hand a file of theirs to a telephone."""
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Identity:
    """身份: the asker and how he proved it.

    ``actions`` limits a token to what it was issued for; None means all that the role may do.
    ``csrf`` is None for tokens, which no browser sends by itself. ``must_change``: he came with a one-time code, and may
    do nothing but set a password.
    """

    asker: Asker
    csrf: str | None
    actions: frozenset[str] | None
    must_change: bool = False
    must_enrol: bool = False
    """His role needs a second factor, and he has none yet."""


@dataclass(frozen=True, slots=True)
class WebContext:
    """What every request of one web process shares."""

    pool: ConnectionPool[Connection]
    clock: Clock
    settings: WebSettings
    signer: Signer

    def seal(self) -> Seal:
        """What closes and opens the secrets of second factors."""
        return Seal.from_file(self.settings.seal_key_file)

    def link_keys(self) -> Keyring:
        """What signs and checks the links of files."""
        return Keyring.from_file(self.settings.link_keys_file)

    @contextmanager
    def transaction(self, asker: Asker | None) -> Iterator[Connection]:
        """One transaction under the asker's scope; without an asker it sees no scoped row."""
        with translated(), self.pool.connection() as conn, conn.transaction():
            if asker is not None:
                scope.apply(conn, asker)
            yield conn
            asked.mark(conn)

    def opened(self, account: int, replaced: str | None) -> SessionToken:
        """A session for an account that has proved itself.

        Raises
        ------
        LoginRefusedError
            The account belongs to another surface.
        """
        now = self.clock.now()
        with self.transaction(None) as conn:
            session = store.open_session(conn, account, now, replaced)
            found = store.resolve_session(conn, session.token, now)
            if found is None or found[0].role not in surfaces.ROLES[self.settings.surface]:
                store.close_session(conn, session.token)
                raise LoginRefusedError("该账号不能从此入口登录 (this account signs in at another address)")
        return session

    def identify(self, connection: HTTPConnection) -> Identity | None:
        """Resolve the bearer token or the session cookie; None when there is neither or it is no longer valid."""
        now = self.clock.now()
        linked = self._by_link(connection, now)
        if linked is not None:
            return linked
        authorization = connection.headers.get("authorization", "")
        if authorization.lower().startswith("bearer "):
            with self.transaction(None) as conn:
                token = store.resolve_token(conn, authorization[7:].strip(), now)
            if token is None or token[0].role not in surfaces.ROLES[self.settings.surface]:
                return None
            return Identity(token[0], None, frozenset(token[1]))
        cookie = connection.cookies.get(SESSION_COOKIE)
        if not cookie:
            return None
        with self.transaction(None) as conn:
            session = store.resolve_session(conn, cookie, now)
            if session is None:
                return None
            needed = self.settings.second_factor_required and session[0].role in factors.NEEDED_BY
            must_enrol = needed and not factors.has(conn, session[0].account_id)
        if session[0].role not in surfaces.ROLES[self.settings.surface]:
            return None
        return Identity(session[0], session[1], None, session[2], must_enrol)

    def _by_link(self, connection: HTTPConnection, now: datetime) -> Identity | None:
        """Whoever made the link that opens this one file; None: no link came.

        Raises
        ------
        DownloadLinkError
            A link came, and opens nothing: it is not passed over for a session that may be there too.
        """
        text = connection.query_params.get(links.PARAMETER)
        if text is None or connection.scope.get("method") != "GET":
            return None
        wanted = download(connection.scope["path"], connection.scope["query_string"].decode("latin-1"))
        if wanted is None:
            return None
        origin = connection.client.host if connection.client else None
        with self.transaction(None) as conn:
            asker = links.take(conn, self.link_keys(), text, wanted, now, origin)
        if asker.role not in surfaces.ROLES[self.settings.surface]:
            return None
        return Identity(asker, None, frozenset({wanted.action}))


def web_context(connection: HTTPConnection) -> WebContext:
    """The context of the process that serves this connection."""
    context: WebContext = connection.app.state.context
    return context


Context = Annotated[WebContext, Depends(web_context)]


def identity(request: Request, context: Context) -> Identity:
    """The caller's identity.

    Raises
    ------
    NotLoggedInError
        Neither a valid session nor a valid token.
    """
    found = context.identify(request)
    if found is None:
        raise NotLoggedInError("Log in on /login, or send a valid API token as 'Authorization: Bearer …'.")
    request.state.identity = found
    return found


async def unforged(request: Request, who: Annotated[Identity, Depends(identity)]) -> Identity:
    """Refuse a state-changing request of a browser session that does not carry the session's CSRF token."""
    if request.method in SAFE_METHODS or who.csrf is None:
        return who
    sent = request.headers.get(CSRF_HEADER, "")
    if not sent and "form" in request.headers.get("content-type", ""):
        form = await request.form()
        value = form.get(CSRF_FIELD, "")
        sent = value if isinstance(value, str) else ""
    if not hmac.compare_digest(sent.encode(), who.csrf.encode()):
        raise CsrfError("Reload the page and send the form again; nothing was changed.")
    return who


def permit(action: str) -> Callable[..., Asker]:
    """Dependency of a route: the asker, if his role (and his token) may do ``action``.

    The action's name stands on the returned function (``.action``), so that a test can compare every route with
    the matrix.
    """

    def dependency(request: Request, context: Context, who: Annotated[Identity, Depends(unforged)]) -> Asker:
        if not surfaces.serves_action(context.settings.surface, action):
            raise NotFoundError("此入口不提供该功能 (not served here: another address of the platform does)")
        allowed = permits(who.asker.role, action) and (who.actions is None or action in who.actions)
        if who.must_change and action != OWN_ACCOUNT and not asked.is_under_way():
            raise PasswordNeededError("首次登录须先修改密码 (set a password of your own first: /account)")
        if who.must_enrol and action != OWN_ACCOUNT:
            raise FactorNeededError("须先启用双因素登录 (turn on your second factor first: /account)")
        if not allowed:
            raise ForbiddenError(f"'{action}' is not open to your role; ask your administrator if it should be.")
        outside = context.settings.zone is Side.OUTER and request.method not in SAFE_METHODS
        if outside and action not in DECIDED_HERE:
            raise HandedOverError(who)
        return who.asker

    marked: Any = dependency
    marked.action = action
    return dependency
