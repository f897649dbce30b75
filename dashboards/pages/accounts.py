"""账号: one's own password and sessions, and the security administrator's list of accounts."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Annotated, Any

import segno
from fastapi import APIRouter, Depends, Form, Request
from pydantic import ValidationError
from starlette.responses import RedirectResponse, Response

from dashboards.api import accounts as api
from dashboards.api.sessions import (
    NewPassword,
    changed_password,
    confirmed_factor,
    keep_cookie,
    offered_factor,
    renewed,
    set_cookie,
)
from dashboards.context import SESSION_COOKIE, Context, Identity, WebContext, permit, unforged
from dashboards.pages.frame import page
from equipment.access import accounts, assignments, factors, store, subjects
from equipment.access.model import Asker, Role
from equipment.catalogue.varieties import jurisdictions
from equipment.errors import EquipmentError
from equipment.foundation.clock import SHANGHAI
from equipment.foundation.database import Connection

router = APIRouter(include_in_schema=False)
Managing = Annotated[Asker, Depends(permit("account.manage"))]
Own = Annotated[Asker, Depends(permit("self.manage"))]
Known = Annotated[Identity, Depends(unforged)]
FIELDS = ("login", "display_name", "role", "jurisdiction_id", "organisation_id", "holder", "valid_until")


def _subject(conn: Connection, request: Request) -> tuple[str, datetime] | None:
    provider = request.app.state.identity_provider
    return subjects.own(conn, provider.issuer) if provider else None


def _own(request: Request, context: WebContext, who: Identity, problem: str | None = None, **factor: Any) -> Response:
    with context.transaction(who.asker) as conn:
        has_factor, codes_left = factors.has(conn, who.asker.account_id), factors.codes_left(conn)
        subject = _subject(conn, request)
        this_session = store.session_number(conn, request.cookies.get(SESSION_COOKIE, ""))
        sessions = store.own_sessions(conn, context.clock.now())
        account = accounts.by_id(conn, who.asker.account_id)
        delegated = assignments.delegations(conn, who.asker.account_id, context.clock.now())
        acting = assignments.acting(conn, request.cookies.get(SESSION_COOKIE, ""))
    needs_holder = account.holder is None and who.asker.role in accounts.ADMINISTRATORS and who.must_change
    return page(
        request, "pages/account.html", status=422 if problem else 200, sessions=sessions, this_session=this_session, account=account, subject=subject,
        needs_holder=needs_holder, must_change=who.must_change, problem=problem, shortest=store.SHORTEST_PASSWORD, has_factor=has_factor,
        codes_left=codes_left, must_enrol=who.must_enrol and not has_factor, offer=factor.get("offer"),
        picture=factor.get("picture"), codes=factor.get("codes"),
        delegations=delegated, acting=acting, areas={j.id: j.zh for j in jurisdictions().values()},
    )  # fmt: skip


@router.get("/account")
def own(request: Request, context: Context, who: Known, _: Own) -> Response:
    return _own(request, context, who)


@router.post("/account/password")
def change_password(
    request: Request, context: Context, who: Known, asker: Own, old: Annotated[str, Form(max_length=1_000)] = "",
    new: Annotated[str, Form(max_length=1_000)] = "", staff_number: Annotated[str, Form(max_length=40)] = "",
) -> Response:  # fmt: skip
    """Ends every session of the account; this browser goes on in a fresh one."""
    try:
        session = changed_password(context, asker, NewPassword(old=old, new=new, staff_number=staff_number))
    except EquipmentError as error:
        return _own(request, context, who, str(error))
    response = RedirectResponse("/", status_code=303)
    keep_cookie(context, response, session)
    return response


@router.post("/account/second-factor")
def offer_factor(request: Request, context: Context, who: Known, asker: Own) -> Response:
    try:
        offer = offered_factor(context, asker)
    except EquipmentError as error:
        return _own(request, context, who, str(error))
    return _own(request, context, who, offer=offer, picture=segno.make(offer.address).svg_data_uri(scale=4))


@router.post("/account/second-factor/confirm")
def confirm_factor(
    request: Request, context: Context, who: Known, asker: Own, code: Annotated[str, Form(max_length=40)] = ""
) -> Response:
    try:
        codes = confirmed_factor(context, asker, code)
    except EquipmentError as error:
        return _own(request, context, who, str(error))
    token = renewed(request, context, asker, alone=True)
    answer = _own(request, context, who, codes=codes.recovery_codes)
    set_cookie(context, answer, token)
    return answer


@router.post("/account/sessions/{session_id}/end")
def end_session(context: Context, session_id: int, asker: Own) -> Response:
    with context.transaction(asker) as conn:
        if store.end_own_session(conn, session_id):
            store.audit(conn, asker, "session.end", f"account:{asker.login}", context.clock.now())
    return RedirectResponse("/account", status_code=303)


def _listing(request: Request, context: WebContext, asker: Asker, status: int = 200, **shown: Any) -> Response:
    with context.transaction(asker) as conn:
        found = accounts.listing(conn)
    areas = [(j.id, j.zh) for j in jurisdictions().values()]
    values: dict[str, Any] = {
        "own": asker.account_id,
        "problem": None,
        "code": None,
        "wanted": dict.fromkeys(FIELDS, ""),
    }
    return page(request, "pages/accounts.html", status=status, accounts=found, areas=areas, area_names=dict(areas),
                roles=[role.value for role in Role], **(values | shown))  # fmt: skip


@router.get("/accounts")
def listing(request: Request, context: Context, asker: Managing) -> Response:
    return _listing(request, context, asker)


@router.post("/accounts")
async def create(request: Request, context: Context, asker: Managing) -> Response:
    """Make an account; what was typed stays on the form when it was wrong."""
    form = await request.form()
    wanted = {name: str(form.get(name, "")).strip()[:100] for name in FIELDS}
    try:
        given: dict[str, Any] = {name: value or None for name, value in wanted.items()}
        if wanted["valid_until"]:
            given["valid_until"] = datetime.combine(date.fromisoformat(wanted["valid_until"]), time.max, SHANGHAI)
        code = api.made(context, asker, api.NewAccount.model_validate(given))
    except ValidationError as error:
        problem = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        return _listing(request, context, asker, 422, problem=problem, wanted=wanted)
    except (EquipmentError, ValueError) as error:
        return _listing(request, context, asker, 422, problem=str(error), wanted=wanted)
    return _listing(request, context, asker, code=code)


@router.post("/accounts/{account_id}/reset")
def reset(request: Request, context: Context, account_id: int, asker: Managing) -> Response:
    try:
        code = api.was_reset(context, asker, account_id)
    except EquipmentError as error:
        return _listing(request, context, asker, 422, problem=str(error))
    return _listing(request, context, asker, code=code)


@router.post("/accounts/{account_id}/disable")
def disable(
    request: Request, context: Context, account_id: int, asker: Managing,
    reason: Annotated[str, Form(max_length=500)] = "",
) -> Response:  # fmt: skip
    if not reason.strip():
        return _listing(request, context, asker, 422, problem="停用须填写原因 (say why the account ends)")
    try:
        api.disabled(context, asker, account_id, reason.strip())
    except EquipmentError as error:
        return _listing(request, context, asker, 422, problem=str(error))
    return RedirectResponse("/accounts", status_code=303)
