"""任职与代理: where an account acts and until when, given by the security administrator; taken up by its holder."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from pydantic import ValidationError
from starlette.responses import RedirectResponse, Response

from dashboards.api import assignments as api
from dashboards.api.sessions import renewed, set_cookie
from dashboards.context import SESSION_COOKIE, Context, WebContext, permit
from dashboards.pages.frame import page
from equipment.access import accounts, assignments
from equipment.access.model import Asker
from equipment.catalogue.varieties import jurisdictions
from equipment.errors import EquipmentError
from equipment.foundation.clock import SHANGHAI

router = APIRouter(include_in_schema=False)
Managing = Annotated[Asker, Depends(permit("account.manage"))]
Own = Annotated[Asker, Depends(permit("self.manage"))]
FIELDS = ("kind", "jurisdiction_id", "since", "until", "reason")


def _page(
    request: Request, context: WebContext, asker: Asker, account_id: int, status: int = 200, **shown: Any
) -> Response:
    with context.transaction(asker) as conn:
        account = accounts.by_id(conn, account_id)
        given = assignments.of_account(conn, account_id, context.clock.now())
        heirs = [
            a for a in accounts.listing(conn)
            if a.active and a.id != account_id and (a.role, a.organisation_id) == (account.role, account.organisation_id)
        ]  # fmt: skip
    names = {j.id: j.zh for j in jurisdictions().values()}
    values: dict[str, Any] = {
        "problem": None,
        "moved": None,
        "wanted": dict.fromkeys(FIELDS, ""),
        "heir": "",
        "why": "",
    }
    return page(
        request, "pages/assignments.html", status=status, account=account, given=given, heirs=heirs,
        heir_names=[(a.id, f"{a.display_name} · {a.login}") for a in heirs], names=names,
        longest=assignments.LONGEST_DELEGATION.days, own=asker.account_id, **(values | shown),
    )  # fmt: skip


@router.get("/accounts/{account_id}/assignments")
def listing(request: Request, context: Context, account_id: int, asker: Managing) -> Response:
    return _page(request, context, asker, account_id)


def _moment(text: str, *, last: bool) -> datetime | None:
    """The beginning of a day of the city, or its end: a delegation until Friday holds on Friday."""
    if not text:
        return None
    day = datetime.combine(date.fromisoformat(text), time.min, SHANGHAI)
    return day + timedelta(days=1) if last else day


@router.post("/accounts/{account_id}/assignments")
async def give(request: Request, context: Context, account_id: int, asker: Managing) -> Response:
    """Give an area for a time; what was typed stays on the form when it was wrong."""
    form = await request.form()
    wanted = {name: str(form.get(name, "")).strip()[:500] for name in FIELDS}
    try:
        given = {**wanted, "since": _moment(wanted["since"], last=False), "until": _moment(wanted["until"], last=True)}
        api.given(context, asker, account_id, api.NewAssignment.model_validate(given))
    except ValidationError as error:
        problem = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        return _page(request, context, asker, account_id, 422, problem=problem, wanted=wanted)
    except (EquipmentError, ValueError) as error:
        return _page(request, context, asker, account_id, 422, problem=str(error), wanted=wanted)
    return RedirectResponse(f"/accounts/{account_id}/assignments", status_code=303)


@router.post("/accounts/{account_id}/assignments/{assignment_id}/end")
def end(request: Request, context: Context, account_id: int, assignment_id: int, asker: Managing) -> Response:
    try:
        api.ended(context, asker, account_id, assignment_id)
    except EquipmentError as error:
        return _page(request, context, asker, account_id, 422, problem=str(error))
    return RedirectResponse(f"/accounts/{account_id}/assignments", status_code=303)


@router.post("/accounts/{account_id}/hand-over")
def hand_over(
    request: Request, context: Context, account_id: int, asker: Managing, to: Annotated[str, Form(max_length=20)] = "",
    reason: Annotated[str, Form(max_length=500)] = "",
) -> Response:  # fmt: skip
    """交接: alarms that are charged to this person by name go to another."""
    try:
        moved = api.handed_over(context, asker, account_id, api.HandOver(to=int(to), reason=reason.strip()))
    except (ValidationError, ValueError):
        problem = "请选择接收人并填写原因 (choose who takes over, and say why)"
        return _page(request, context, asker, account_id, 422, problem=problem, heir=to, why=reason)
    except EquipmentError as error:
        return _page(request, context, asker, account_id, 422, problem=str(error), heir=to, why=reason)
    return _page(request, context, asker, account_id, moved=moved)


@router.post("/account/acting")
def take_up(request: Request, context: Context, asker: Own, assignment: Annotated[str, Form()] = "") -> Response:
    """Act in a delegated area in this session, or in one's own again."""
    number = int(assignment) if assignment.isdigit() else None
    api.taken_up(context, asker, request.cookies.get(SESSION_COOKIE, ""), number)
    response = RedirectResponse("/account", status_code=303)
    set_cookie(context, response, renewed(request, context, asker, alone=False))
    return response
