"""Sessions and tokens: who is asking."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from dashboards import known_browsers
from dashboards.context import SESSION_COOKIE, Context, Identity, WebContext, permit, unforged
from dashboards.errors import BadRequestError, NotFoundError
from dashboards.known_browsers import Known
from equipment.access import factors, store, throttle
from equipment.access.factors import Offer, Proof
from equipment.access.matrix import matrix, permits
from equipment.access.model import Asker
from equipment.access.store import SessionToken
from equipment.errors import LoginLockedError, LoginRefusedError

router = APIRouter(tags=["sessions"])
LONGEST_TOKEN_DAYS = 366


class Login(BaseModel):
    """账号 and 密码."""

    model_config = ConfigDict(extra="forbid")

    login: str = Field(max_length=100)
    password: str = Field(max_length=1_000)
    code: str = Field("", max_length=40, description="One-time or recovery code, for accounts with a second factor")


class NewPassword(BaseModel):
    """The old password (or the one-time code) and the new one."""

    model_config = ConfigDict(extra="forbid")

    old: str = Field(max_length=1_000)
    new: str = Field(max_length=1_000)
    staff_number: str = Field("", max_length=40, description="工号; an administrator gives it at his first login")


class TokenWish(BaseModel):
    """What a token shall be good for."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=100, description="What will use it")
    actions: list[str] = Field(min_length=1, description="Actions it may do, each one that your role may do")
    days: int = Field(90, ge=1, le=LONGEST_TOKEN_DAYS)


@dataclass(frozen=True, slots=True)
class Session:
    """A session; the cookie is set by the answer, ``csrf`` goes into the header X-CSRF-Token."""

    csrf: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class OpenSession:
    """One of your sessions: end the one that you do not know."""

    id: int
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Me:
    """Who you are, and what your role may do."""

    login: str
    display_name: str
    role: str
    actions: list[str]


@dataclass(frozen=True, slots=True)
class Issued:
    """A token, shown this once: only its hash is kept."""

    token: str


class FactorCode(BaseModel):
    """Six digits from the telephone."""

    model_config = ConfigDict(extra="forbid")

    code: str = Field(max_length=40)


@dataclass(frozen=True, slots=True)
class RecoveryCodes:
    """Each opens the account once instead of a code, with the password. Print them."""

    recovery_codes: list[str]


@router.post("/sessions", status_code=201)
def log_in(request: Request, context: Context, wanted: Login, response: Response) -> Session:
    session = signed_in(request, context, wanted, response)
    return Session(session.csrf, session.expires_at)


def signed_in(request: Request, context: WebContext, wanted: Login, response: Response) -> SessionToken:
    """A fresh session, which the answer takes to the browser, if login, password and code are right.

    Raises
    ------
    LoginRefusedError
    LoginLockedError
        The account, or the address that the request came from, had too many wrong ones.
    SecondFactorNeededError
    """
    now, address = context.clock.now(), throttle.group(request.client.host if request.client else None)
    proof = Proof(wanted.login.strip(), wanted.password, wanted.code)
    known = known_browsers.recognised(request, context, proof.login)
    if known is None:
        with context.transaction(None) as conn:
            throttle.check(conn, address, now)
    try:
        account = _proved(context, proof, known, now)
        if account is None:
            raise store.refused()
    except (LoginRefusedError, LoginLockedError):
        if known is None:
            with context.transaction(None) as conn:
                throttle.note_wrong(conn, address, now)
        raise
    session = context.opened(account, request.cookies.get(SESSION_COOKIE))
    keep_cookie(context, response, session)
    if known is None:
        known_browsers.keep(context, response, proof.login, account)
    return session


def _proved(context: WebContext, proof: Proof, known: Known | None, now: datetime) -> int | None:
    """The account that is opened; what was wrong is counted where it was typed."""
    with context.transaction(None) as conn:  # commits the count of a wrong password
        if known is None:
            return factors.check_login(conn, context.seal, proof, now)
        failed = known_browsers.check(conn, known, now)
        account = factors.check_login(conn, context.seal, proof, now, trusted=known.account_id)
        known_browsers.note(conn, known, failed, right=account is not None, now=now)
        return account


def renewed(request: Request, context: WebContext, asker: Asker, *, alone: bool) -> str | None:
    """A fresh name for the browser's session, because what it may do has changed; ``alone``: other sessions end.

    None: whoever asks came with a token.
    """
    old = request.cookies.get(SESSION_COOKIE)
    if old is None:
        return None
    with context.transaction(asker) as conn:
        return store.renew_session(conn, old, alone=alone)


def keep_cookie(context: WebContext, response: Response, session: SessionToken) -> None:
    """Give the browser its session."""
    set_cookie(context, response, session.token)


def set_cookie(context: WebContext, response: Response, token: str | None) -> None:
    """Out of reach of scripts, of clear text and of other sites; None: the browser keeps what it has."""
    if token is None:
        return
    response.set_cookie(
        SESSION_COOKIE, token, httponly=True, samesite="lax", secure=context.settings.cookie_secure, path="/"
    )


def changed_password(context: WebContext, asker: Asker, wanted: NewPassword) -> SessionToken:
    """Set the asker's password, if he knows the old one; all his sessions end, and the returned one begins.

    Raises
    ------
    LoginRefusedError
        The old password is wrong; it counts like one at the login.
    LoginLockedError
    WeakPasswordError
    AccountInputError
        An administrator's staff number is missing, or holds another administrator's account.
    """
    now = context.clock.now()
    with context.transaction(None) as conn:  # commits the count of a wrong password
        account = store.check_password(conn, asker.login, wanted.old, now)
    if account is None:
        raise store.refused()
    with context.transaction(asker) as conn:
        session = store.change_password(conn, asker, wanted.new, now, wanted.staff_number)
        store.audit(conn, asker, "account.password", f"account:{asker.login}", now)
    return session


@router.post("/me/password", status_code=201)
def change_password(
    context: Context, wanted: NewPassword, response: Response, asker: Annotated[Asker, Depends(permit("self.manage"))]
) -> Session:
    """Ends all your sessions, also this one; the answer carries a fresh one."""
    session = changed_password(context, asker, wanted)
    keep_cookie(context, response, session)
    return Session(session.csrf, session.expires_at)


@router.get("/me/sessions")
def sessions(context: Context, asker: Annotated[Asker, Depends(permit("self.manage"))]) -> list[OpenSession]:
    with context.transaction(asker) as conn:
        return [OpenSession(*row) for row in store.own_sessions(conn, context.clock.now())]


@router.post("/me/sessions/{session_id}/end", status_code=204)
def end_session(context: Context, session_id: int, asker: Annotated[Asker, Depends(permit("self.manage"))]) -> None:
    with context.transaction(asker) as conn:
        if not store.end_own_session(conn, session_id):
            raise NotFoundError("You have no such session; it may be over already.")
        store.audit(conn, asker, "session.end", f"account:{asker.login}", context.clock.now())


@router.delete("/sessions", status_code=204)
def log_out(request: Request, context: Context, who: Annotated[Identity, Depends(unforged)]) -> Response:
    with context.transaction(who.asker) as conn:
        store.close_session(conn, request.cookies.get(SESSION_COOKIE, ""))
    response = Response(status_code=204)
    response.delete_cookie(SESSION_COOKIE, path="/")
    return response


@router.get("/me")
def me(asker: Annotated[Asker, Depends(permit("self.manage"))]) -> Me:
    actions = sorted(action for action in matrix() if permits(asker.role, action))
    return Me(asker.login, asker.display_name, asker.role.value, actions)


@router.post("/me/second-factor", status_code=201)
def offer_factor(context: Context, asker: Annotated[Asker, Depends(permit("self.manage"))]) -> Offer:
    """A secret for your telephone; it counts only after a code of it was confirmed."""
    return offered_factor(context, asker)


@router.post("/me/second-factor/confirm")
def confirm_factor(
    request: Request, context: Context, wanted: FactorCode, response: Response,
    asker: Annotated[Asker, Depends(permit("self.manage"))],
) -> RecoveryCodes:  # fmt: skip
    """From now on a login needs a code; the recovery codes are shown this once, and your other sessions end."""
    codes = confirmed_factor(context, asker, wanted.code)
    set_cookie(context, response, renewed(request, context, asker, alone=True))
    return codes


def offered_factor(context: WebContext, asker: Asker) -> Offer:
    """Offer the asker a second factor."""
    with context.transaction(asker) as conn:
        return factors.offer(conn, context.seal, asker, context.settings.city_name, context.clock.now())


def confirmed_factor(context: WebContext, asker: Asker, code: str) -> RecoveryCodes:
    """Turn the asker's second factor on, and write it into the audit."""
    now = context.clock.now()
    with context.transaction(asker) as conn:
        codes = factors.confirm(conn, context.seal, asker, code, now)
        store.audit(conn, asker, "account.second_factor", f"account:{asker.login}", now)
    return RecoveryCodes(codes)


@router.post("/tokens", status_code=201)
def issue_token(context: Context, wish: TokenWish, asker: Annotated[Asker, Depends(permit("token.issue"))]) -> Issued:
    beyond = sorted(a for a in wish.actions if a not in matrix() or not permits(asker.role, a))
    if beyond:
        raise BadRequestError(f"A token cannot do more than its account: {', '.join(beyond)}.")
    now = context.clock.now()
    with context.transaction(asker) as conn:
        text = store.issue_token(
            conn, asker.account_id, wish.name, frozenset(wish.actions), timedelta(days=wish.days), now
        )
        store.audit(conn, asker, "token.issue", f"token:{wish.name}", now)
    return Issued(text)
