"""回测 and 设备型号准入 as pages: ask, watch, compare two versions of rules; who may ring the desk."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import RedirectResponse, Response

from alarms.backtest import runs, trust
from alarms.backtest.model import Period
from alarms.backtest.run import IN_FORCE, SHIPPED
from alarms.backtest.runs import Order
from alarms.backtest.score import LEADS
from alarms.backtest.settings import BacktestSettings
from alarms.backtest.trust import Decision, Wish
from alarms.errors import AlarmsInputError, BacktestError, TrustError
from dashboards.api.backtest import LONGEST_TEXT, matching_of
from dashboards.context import Context, permit
from dashboards.pages.frame import page
from dashboards.pages.names import learn_rules
from dashboards.pages.reads import known
from dashboards.rendering import local
from equipment.access.model import Asker
from equipment.foundation.clock import SHANGHAI

router = APIRouter(include_in_schema=False)


def _day(text: str) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(text), time(), SHANGHAI)
    except ValueError as error:
        raise BacktestError("请选择起止日期 (choose the first and the last day)") from error


@router.get("/backtest")
def backtests(
    request: Request, context: Context, asker: Annotated[Asker, Depends(permit("backtest.view"))]
) -> Response:
    return _listed(request, context, asker)


def _listed(request: Request, context: Context, asker: Asker, *, status: int = 200, **given: Any) -> Response:
    today = local(context.clock.now()).date()
    settings = BacktestSettings()
    asked = {
        "rules_a": SHIPPED, "rules_b": IN_FORCE, "begin": (today - timedelta(days=7)).isoformat(), "end": today.isoformat(),
        "units": "", "before": f"{settings.match_before_minutes:g}", "after": f"{settings.match_after_minutes:g}",
    } | given  # fmt: skip
    with context.transaction(asker) as conn:
        found = runs.newest(conn)
    return page(
        request, "pages/backtests.html", status=status, runs=found, asked=asked, problem=given.get("problem"),
        longest=LONGEST_TEXT,
    )  # fmt: skip


@router.post("/backtest")
def order(
    request: Request,
    context: Context,
    asker: Annotated[Asker, Depends(permit("backtest.run"))],
    rules_a: Annotated[str, Form(max_length=LONGEST_TEXT)] = "",
    rules_b: Annotated[str, Form(max_length=LONGEST_TEXT)] = "",
    begin: Annotated[str, Form()] = "",
    end: Annotated[str, Form()] = "",
    units: Annotated[str, Form(max_length=20_000)] = "",
    before: Annotated[float, Form(gt=0, le=1_440)] = 60,
    after: Annotated[float, Form(ge=0, le=1_440)] = 15,
) -> Response:
    """Queue a back-test; what was typed stays on the form when something is wrong."""
    typed = {
        "rules_a": rules_a, "rules_b": rules_b, "begin": begin, "end": end, "units": units, "before": f"{before:g}",
        "after": f"{after:g}",
    }  # fmt: skip
    names = tuple(part.strip() for part in units.replace("，", ",").replace("\n", ",").split(",") if part.strip())
    try:
        # the last day counts whole
        period = Period(_day(begin), min(_day(end) + timedelta(days=1), context.clock.now().astimezone(SHANGHAI)))
        second = rules_b.replace("\r\n", "\n").strip() or None
        wish = Order(rules_a.replace("\r\n", "\n"), second, period, matching_of(before, after), names)
        with context.transaction(asker) as conn:
            number = runs.order(conn, wish, asker, context.clock.now())
    except AlarmsInputError as error:
        return _listed(request, context, asker, status=422, problem=str(error), **typed)
    return RedirectResponse(f"/backtest/{number}", status_code=303)


@router.get("/backtest/{number}")
def backtest(
    request: Request, context: Context, number: int, asker: Annotated[Asker, Depends(permit("backtest.view"))]
) -> Response:
    with context.transaction(asker) as conn:
        run = known(runs.find(conn, number), f"没有回测 {number} (no such back-test)")
    return page(
        request, "pages/backtest.html", run=run, compared=runs.compared(run), leads=tuple(name for name, _, _ in LEADS)
    )


@router.get("/device-trust")
def device_trust(
    request: Request, context: Context, asker: Annotated[Asker, Depends(permit("trust.view"))]
) -> Response:
    return _trust(request, context, asker)


def _trust(request: Request, context: Context, asker: Asker, *, status: int = 200, **given: Any) -> Response:
    typed = {
        "rule": "",
        "device_model": "",
        "decision": "exception",
        "reason": "",
        "document_no": "",
        "expires": "",
    } | given
    with context.transaction(asker) as conn:
        learn_rules(conn)
        scored = trust.scored(conn, context.clock.now())
        history = trust.history(conn)
    return page(
        request, "pages/device_trust.html", status=status, scored=scored, history=history, typed=typed,
        problem=given.get("problem"), settings=BacktestSettings(),
    )  # fmt: skip


@router.post("/device-trust")
def decide(
    request: Request,
    context: Context,
    asker: Annotated[Asker, Depends(permit("trust.decide"))],
    rule: Annotated[str, Form(max_length=100)] = "",
    device_model: Annotated[str, Form(max_length=100)] = "",
    decision: Annotated[str, Form()] = "exception",
    reason: Annotated[str, Form(max_length=500)] = "",
    document_no: Annotated[str, Form(max_length=100)] = "",
    expires: Annotated[str, Form()] = "",
) -> Response:
    """Sign a decision; what was typed stays on the form when something is missing."""
    try:
        until = None if not expires else _day(expires)
        if decision not in {d.value for d in Decision}:
            raise TrustError("没有这种决定 (there is no such decision)")
        wish = Wish(rule, device_model, Decision(decision), reason, document_no, until)
        with context.transaction(asker) as conn:
            trust.decide(conn, wish, asker, context.clock.now())
    except AlarmsInputError as error:
        return _trust(
            request, context, asker, status=422, problem=str(error), rule=rule, device_model=device_model,
            decision=decision, reason=reason, document_no=document_no, expires=expires,
        )  # fmt: skip
    return RedirectResponse("/device-trust", status_code=303)
