"""Logging in and out, language and appearance, and the way home."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import RedirectResponse, Response

from dashboards import i18n
from dashboards.api.sessions import Login, signed_in
from dashboards.context import SESSION_COOKIE, Context, Identity, unforged
from dashboards.pages.frame import HOMES, LANGUAGE_COOKIE, THEME_COOKIE, page, safe_back
from dashboards.rendering import THEMES
from equipment.access import store
from equipment.errors import LoginLockedError, LoginRefusedError, SecondFactorNeededError

router = APIRouter(include_in_schema=False)
YEAR_SECONDS = 365 * 24 * 3600


@router.get("/")
def home(request: Request, context: Context) -> Response:
    """To the page with which this role begins its day."""
    identity = context.identify(request)
    if identity is None:
        return RedirectResponse("/login", status_code=303)
    if identity.must_change or identity.must_enrol:
        return RedirectResponse("/account", status_code=303)
    return RedirectResponse(HOMES[identity.asker.role.value], status_code=303)


@router.get("/login")
def login_form(request: Request) -> Response:
    return page(request, "pages/login.html", login="", problem=None, next=safe_back(request.query_params.get("next")))


@router.post("/login")
def log_in(
    request: Request,
    context: Context,
    login: Annotated[str, Form(max_length=100)] = "",
    password: Annotated[str, Form(max_length=1_000)] = "",
    code: Annotated[str, Form(max_length=40)] = "",
    next: Annotated[str, Form()] = "/",
) -> Response:
    """Check the password; what was typed stays on the form when it was wrong."""
    response = RedirectResponse(safe_back(next), status_code=303)
    try:
        signed_in(request, context, Login(login=login, password=password, code=code), response)
    except (LoginLockedError, LoginRefusedError, SecondFactorNeededError) as error:
        return page(request, "pages/login.html", status=401, login=login, problem=str(error), next=safe_back(next))
    return response


@router.post("/logout")
def log_out(request: Request, context: Context, who: Annotated[Identity, Depends(unforged)]) -> Response:
    with context.transaction(who.asker) as conn:
        store.close_session(conn, request.cookies.get(SESSION_COOKIE, ""))
    response = RedirectResponse("/login", status_code=303)
    response.delete_cookie(SESSION_COOKIE, path="/")
    return response


@router.post("/preferences")
def prefer(
    request: Request,
    language: Annotated[str | None, Form()] = None,
    theme: Annotated[str | None, Form()] = None,
    back: Annotated[str, Form()] = "/",
) -> Response:
    """Remember language and appearance in this browser. Changes nothing else, so it needs no login."""
    response = RedirectResponse(safe_back(back), status_code=303)
    if language is not None and language in i18n.LANGUAGES:
        response.set_cookie(LANGUAGE_COOKIE, language, max_age=YEAR_SECONDS, samesite="lax", path="/")
    if theme is not None and theme in THEMES:
        response.set_cookie(THEME_COOKIE, theme, max_age=YEAR_SECONDS, samesite="lax", path="/")
    return response
