"""``/healthz`` and ``/metrics``: is this process able to serve, and what has it counted."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from dashboards.context import Context
from equipment.foundation import metrics
from equipment.foundation.errors import WorldError
from equipment.link import store
from ingest import account
from ingest.account import Delivery, Figures

router = APIRouter(include_in_schema=False)
COUNTED = (
    "dirty_markers", "account_notes", "stream_pending", "shards_owned", "devices_online", "devices_offline",
    "replays_waiting", "quarantine_waiting",
)  # fmt: skip
OUTCOMES = ("received", "stored", "duplicates", "quarantined", "redelivered", "late")


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
def prometheus(context: Context) -> Response:
    """Counters of this process and figures of the whole installation, in the Prometheus text format.

    A figure that cannot be read is absent, and ``teshe_database_up`` is 0: it is never an old one.
    """
    now = context.clock.now()
    try:
        with context.transaction(None) as conn:
            figures, total, zones = account.figures(conn, now), account.total(conn), store.standing(conn)
        text = figures_text(figures, total, now)
        if zones is not None:
            text += f"teshe_link_age_seconds {zones.age_seconds(now):.3f}\nteshe_link_blocked {int(zones.problem is not None)}\n"
    except WorldError:
        text = "teshe_database_up 0\n"
    return PlainTextResponse(metrics.render() + text, media_type="text/plain; version=0.0.4")


def figures_text(figures: Figures, total: Delivery, now: datetime) -> str:
    """Lines of the exposition format. What has never happened has no age."""
    ages = {"teshe_last_batch_age_seconds": figures.last_batch_at, "teshe_upkeep_age_seconds": figures.upkeep_ran_at}
    lines = ["teshe_database_up 1"]
    lines += [f"{name} {(now - at).total_seconds():.3f}" for name, at in ages.items() if at is not None]
    lines += [f"teshe_{name} {getattr(figures, name)}" for name in COUNTED]
    lines += [f'teshe_account_samples_total{{outcome="{name}"}} {getattr(total, name)}' for name in OUTCOMES]
    return "\n".join(lines) + "\n"
