"""``/healthz`` and ``/metrics``: is this process able to serve, and what has it counted."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from dashboards.context import Context
from equipment.foundation import metrics
from equipment.foundation.errors import WorldError

router = APIRouter(include_in_schema=False)


@router.get("/healthz")
def healthz(request: Request, context: Context) -> Response:
    """200 when the database answers, else 503 with the reason. Carries no data of the city."""
    checks: dict[str, Any] = {"feed_seq": request.app.state.feed.head}
    try:
        with context.transaction(None) as conn:
            conn.execute("select 1")
        checks["database"] = "ok"
        status = 200
    except WorldError as error:
        checks["database"] = str(error)
        status = 503
    return JSONResponse({"status": "ok" if status == 200 else "failing", **checks}, status_code=status)


@router.get("/metrics")
def prometheus() -> Response:
    """Counters of this process in the Prometheus text format."""
    return PlainTextResponse(metrics.render(), media_type="text/plain; version=0.0.4")
