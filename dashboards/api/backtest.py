"""回测 and 设备型号准入: what rules would have done, and which models of device may ring the desk."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from alarms.backtest import runs, trust
from alarms.backtest.model import Matching, Period
from alarms.backtest.run import IN_FORCE
from alarms.backtest.runs import Order
from alarms.backtest.settings import BacktestSettings
from alarms.backtest.trust import Decision, Wish
from dashboards.context import Context, permit
from dashboards.errors import NotFoundError
from equipment.access.model import Asker

router = APIRouter(tags=["backtest"])
LONGEST_TEXT = 200_000


class Wanted(BaseModel):
    """A back-test: rules (``shipped``, ``in_force``, an id with or without ``@version``, or YAML), or two to compare."""

    model_config = ConfigDict(extra="forbid")

    rules_a: str = Field(IN_FORCE, min_length=1, max_length=LONGEST_TEXT)
    rules_b: str | None = Field(None, min_length=1, max_length=LONGEST_TEXT)
    begin: AwareDatetime
    end: AwareDatetime
    units: list[str] = Field(default_factory=list, max_length=10_000)
    before_minutes: float | None = Field(None, gt=0, le=1_440)
    after_minutes: float | None = Field(None, ge=0, le=1_440)


class Decided(BaseModel):
    """A signed decision about a rule on a model of device."""

    model_config = ConfigDict(extra="forbid")

    rule: str = Field(min_length=1, max_length=100)
    device_model: str = Field(min_length=1, max_length=100)
    decision: Decision
    reason: str = Field(min_length=1, max_length=500)
    document_no: str = Field("", max_length=100)
    expires_at: AwareDatetime | None = None


def matching_of(before_minutes: float | None, after_minutes: float | None) -> Matching:
    """The window of matching; what is not given is the city's setting."""
    settings = BacktestSettings()
    before = settings.match_before_minutes if before_minutes is None else before_minutes
    after = settings.match_after_minutes if after_minutes is None else after_minutes
    return Matching(before * 60, after * 60)


@router.get("/backtests")
def backtests(context: Context, asker: Annotated[Asker, Depends(permit("backtest.view"))]) -> list[dict[str, Any]]:
    """Runs, newest first, without their results."""
    with context.transaction(asker) as conn:
        return [
            {name: value for name, value in asdict(run).items() if name not in ("result_a", "result_b", "scope_path")}
            for run in runs.newest(conn)
        ]


@router.post("/backtests", status_code=202)
def order(context: Context, wanted: Wanted, asker: Annotated[Asker, Depends(permit("backtest.run"))]) -> dict[str, int]:
    """Queue a back-test; look at it under its id."""
    wish = Order(
        wanted.rules_a, wanted.rules_b, Period(wanted.begin, wanted.end),
        matching_of(wanted.before_minutes, wanted.after_minutes), tuple(wanted.units),
    )  # fmt: skip
    with context.transaction(asker) as conn:
        return {"id": runs.order(conn, wish, asker, context.clock.now())}


@router.get("/backtests/{run_id}")
def backtest(
    context: Context, run_id: int, asker: Annotated[Asker, Depends(permit("backtest.view"))]
) -> dict[str, Any]:
    """One run with what it found."""
    with context.transaction(asker) as conn:
        run = runs.find(conn, run_id)
    if run is None:
        raise NotFoundError(f"没有回测 {run_id} (no such back-test)")
    return {name: value for name, value in asdict(run).items() if name != "scope_path"}


@router.get("/device-trust")
def device_trust(context: Context, asker: Annotated[Asker, Depends(permit("trust.view"))]) -> dict[str, Any]:
    """Every rule that would ring, or is in shadow, on every model of device: its score and what holds."""
    now = context.clock.now()
    with context.transaction(asker) as conn:
        return {
            "pairs": [{**asdict(pair), "standing": pair.standing.value} for pair in trust.scored(conn, now)],
            "decisions": [asdict(entry) for entry in trust.history(conn)],
        }


@router.post("/device-trust", status_code=201)
def decide(
    context: Context, decided: Decided, asker: Annotated[Asker, Depends(permit("trust.decide"))]
) -> dict[str, int]:
    """A signed exception, a signed mute, or back to the shadow period; sealed in the audit log."""
    wish = Wish(
        decided.rule, decided.device_model, decided.decision, decided.reason, decided.document_no, decided.expires_at
    )
    with context.transaction(asker) as conn:
        return {"id": trust.decide(conn, wish, asker, context.clock.now())}
