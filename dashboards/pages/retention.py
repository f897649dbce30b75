"""个人信息保存期: what is kept for how long, by which clause, how much is over its time, and who approves it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import RedirectResponse, Response

from dashboards import retention as runs
from dashboards.context import Context, WebContext, permit
from dashboards.pages.frame import page
from equipment.access import retention
from equipment.access.model import Asker
from equipment.errors import RetentionPeriodError

router = APIRouter(include_in_schema=False)


def _page(request: Request, context: WebContext, asker: Asker, status: int = 200, **shown: Any) -> Response:
    with context.transaction(asker) as conn:
        found = runs.standings(conn)
    values: dict[str, Any] = {"problem": None, "wrong": None, "days": "", "reason": ""}
    return page(request, "pages/retention.html", status=status, standings=found, **(values | shown))


@router.get("/retention")
def listing(request: Request, context: Context, asker: Annotated[Asker, Depends(permit("retention.view"))]) -> Response:
    return _page(request, context, asker)


@router.post("/retention/{name}")
def approve(
    request: Request, context: Context, name: str, asker: Annotated[Asker, Depends(permit("retention.approve"))],
    days: Annotated[str, Form(max_length=10)] = "", reason: Annotated[str, Form(max_length=500)] = "",
) -> Response:  # fmt: skip
    """Let a period hold; what was typed stays on the form when it was wrong."""
    try:
        if not days.strip().isdigit():
            raise RetentionPeriodError("保存期须为整天数 (a whole number of days)")
        with context.transaction(asker) as conn:
            retention.approve(conn, asker, name, int(days), reason, context.clock.now())
    except RetentionPeriodError as error:
        return _page(request, context, asker, 422, problem=str(error), wrong=name, days=days, reason=reason)
    return RedirectResponse("/retention", status_code=303)
