"""统一身份登录: to the city's identity provider and back, and one's own account linked to it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request
from starlette.responses import RedirectResponse, Response

from dashboards.api.sessions import keep_cookie
from dashboards.context import SESSION_COOKIE, Context, WebContext, permit
from dashboards.errors import IdentityProviderError, NotFoundError, SignInRefusedError
from dashboards.identity_provider import BACK, IdentityProvider, Person
from dashboards.pages.frame import page, safe_back
from equipment.access import factors, store, subjects
from equipment.access.model import Asker
from equipment.access.subjects import Attempt
from equipment.errors import AccountInputError, LoginLockedError, LoginRefusedError

router = APIRouter(include_in_schema=False)
Own = Annotated[Asker, Depends(permit("self.manage"))]
Short = Annotated[str, Query(max_length=4_000)]
BROWSER_COOKIE = "teshe_sign_in"
START = "/login/city"


def provider_of(request: Request) -> IdentityProvider:
    """The provider of this installation.

    Raises
    ------
    NotFoundError
        None is set.
    """
    found: IdentityProvider | None = request.app.state.identity_provider
    if found is None:
        raise NotFoundError("本系统未接入统一身份认证 (no identity provider is set: TESHE_OIDC_ISSUER)")
    return found


Provider = Annotated[IdentityProvider, Depends(provider_of)]


def _keep(context: WebContext, response: Response, attempt: Attempt) -> Response:
    response.set_cookie(
        BROWSER_COOKIE, attempt.browser, max_age=int(subjects.ATTEMPT_LIFETIME.total_seconds()), path=START,
        httponly=True, samesite="lax", secure=context.settings.cookie_secure,
    )  # fmt: skip
    return response


def _login_page(request: Request, status: int, problem: str, back: str = "/") -> Response:
    answer = page(request, "pages/login.html", status=status, login="", problem=problem, next=back)
    answer.delete_cookie(BROWSER_COOKIE, path=START)
    return answer


@router.get(START)
def begin(
    request: Request, context: Context, provider: Provider, next: Annotated[str, Query(max_length=500)] = "/"
) -> Response:
    back = safe_back(next)
    try:
        with context.transaction(None) as conn:
            attempt = subjects.begin(conn, back, context.clock.now())
        address = provider.address(attempt)
    except IdentityProviderError as error:
        return _login_page(request, 503, str(error), back)
    return _keep(context, RedirectResponse(address, status_code=303), attempt)


@router.get(BACK)
def come_back(
    request: Request, context: Context, provider: Provider, state: Short = "", code: Short = "", error: Short = "", iss: Short = ""
) -> Response:  # fmt: skip
    """The provider's answer. A state is good once, in the browser that began, for ten minutes."""
    with context.transaction(None) as conn:
        taken = subjects.take(conn, state, request.cookies.get(BROWSER_COOKIE, ""), context.clock.now())
    if taken is None:
        return _login_page(
            request,
            401,
            "登录请求已用过、超时或不是本浏览器发起，请重新登录 (used, too old, or begun elsewhere: begin again)",
        )
    try:
        if error or not code or (iss and iss != provider.issuer):
            raise SignInRefusedError("统一身份认证没有完成，请重新登录 (the provider did not sign you in: begin again)")
        person = provider.person(code, taken.nonce, taken.verifier)
        if taken.links is not None:
            return _linked(request, context, provider, person, taken.links)
        return _opened(request, context, provider, person, taken.back)
    except IdentityProviderError as fault:
        return _login_page(request, 503, str(fault), taken.back)
    except (SignInRefusedError, LoginRefusedError, AccountInputError) as refusal:
        return _login_page(request, 401, str(refusal), taken.back)


def _opened(request: Request, context: WebContext, provider: IdentityProvider, person: Person, back: str) -> Response:
    with context.transaction(None) as conn:
        found = subjects.account_of(conn, provider.issuer, person.subject, context.clock.now())
    if found is None:
        raise LoginRefusedError(
            "该统一身份未关联本系统账号：先用账号密码登录，在“我的账号”中关联"
            " (no account is linked to it: sign in with your password and link it under 'My account')"
        )
    demanded = context.settings.second_factor_required and found.role in factors.NEEDED_BY
    if (found.has_factor or demanded) and not person.strong:
        raise LoginRefusedError(
            "该账号须双因素登录，统一身份认证未确认第二因素：请用密码和动态口令登录"
            " (the provider confirmed no second factor: use your password and code)"
        )
    session = context.opened(found.account_id, request.cookies.get(SESSION_COOKIE))
    response = RedirectResponse(safe_back(back), status_code=303)
    response.delete_cookie(BROWSER_COOKIE, path=START)
    keep_cookie(context, response, session)
    return response


def _linked(
    request: Request, context: WebContext, provider: IdentityProvider, person: Person, account: int
) -> Response:
    identity, now = context.identify(request), context.clock.now()
    if identity is None or identity.asker.account_id != account:
        raise SignInRefusedError("关联须由发起关联的账号完成 (the account that began must still be signed in)")
    with context.transaction(identity.asker) as conn:
        subjects.link(conn, account, provider.issuer, person.subject, now)
        store.audit(
            conn, identity.asker, "account.link", f"account:{identity.asker.login}", now,
            change=store.Change(after={"issuer": provider.issuer, "subject": person.subject}),
        )  # fmt: skip
    response = RedirectResponse("/account#city", status_code=303)
    response.delete_cookie(BROWSER_COOKIE, path=START)
    return response


@router.post("/account/city")
def link(
    request: Request, context: Context, asker: Own, provider: Provider,
    password: Annotated[str, Form(max_length=1_000)] = "",
) -> Response:  # fmt: skip
    """Begin to link one's account, with its password once more: the browser then goes on by a link of its own."""
    now = context.clock.now()
    try:
        with context.transaction(None) as conn:  # commits the count of a wrong password
            known = store.check_password(conn, asker.login, password, now, note_success=False)
        if known is None:
            raise LoginRefusedError("密码错误，未关联 (the password is wrong; nothing was linked)")
        with context.transaction(asker) as conn:
            attempt = subjects.begin(conn, "/account", now, link=True)
        address, problem = provider.address(attempt), None
    except (IdentityProviderError, LoginRefusedError, LoginLockedError) as error:
        return page(request, "pages/city_identity.html", status=422, address=None, problem=str(error))
    return _keep(context, page(request, "pages/city_identity.html", address=address, problem=problem), attempt)


@router.post("/account/city/end")
def unlink(context: Context, asker: Own) -> Response:
    with context.transaction(asker) as conn:
        if subjects.unlink(conn, asker.account_id):
            store.audit(conn, asker, "account.unlink", f"account:{asker.login}", context.clock.now())
    return RedirectResponse("/account#city", status_code=303)
