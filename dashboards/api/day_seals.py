"""当日封存: a firm without a system of its own seals a day's records, by a person who proves himself for this one act."""

from __future__ import annotations

import time
from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from dashboards.context import Context, WebContext, permit
from equipment.access import factors, store
from equipment.access.model import Asker
from maintenance.day_seals import service
from maintenance.day_seals.service import DaySeal, Proof

router = APIRouter(tags=["maintenance"])
LOOK_SECONDS = 0.02


class NewSeal(BaseModel):
    """The day, what the page showed, and the password (and code) again."""

    model_config = ConfigDict(extra="forbid")

    day: date
    digest: str = Field(pattern="^[0-9a-fA-F]{64}$", description="Of the statement that was shown")
    password: str = Field(min_length=1, max_length=200)
    code: str = Field("", max_length=40, description="One-time code, where a second factor is on")
    device: str = Field("", max_length=200)


@router.post("/day-seals", status_code=201)
def seal(context: Context, wanted: NewSeal, asker: Annotated[Asker, Depends(permit("record.seal"))]) -> DaySeal:
    """Seal all records of a day that no seal covers yet."""
    now = context.clock.now()
    with context.transaction(None) as conn:  # commits the count of a wrong password
        proved = factors.check_login(conn, context.seal, factors.Proof(asker.login, wanted.password, wanted.code), now)
    if proved != asker.account_id:
        raise store.refused()
    with context.transaction(asker) as conn:
        proof = Proof(wanted.digest, bool(wanted.code) and factors.has(conn, asker.account_id), wanted.device)
        made = service.seal(conn, wanted.day, asker, proof, context.signer, now)
        store.audit(conn, asker, "record.seal", f"day_seal:{made}", now)
    return _placed(context, asker, made)


def _placed(context: WebContext, asker: Asker, made: UUID) -> DaySeal:
    """The receipt; waits a moment for the place in the log."""
    for _ in range(round(context.settings.record_position_seconds / LOOK_SECONDS) + 1):
        with context.transaction(asker) as conn:
            found = service.find(conn, made)
        if found.position is not None:
            break
        time.sleep(LOOK_SECONDS)
    return found


@router.get("/day-seals/{seal_id}")
def receipt(context: Context, seal_id: UUID, asker: Annotated[Asker, Depends(permit("record.view"))]) -> DaySeal:
    with context.transaction(asker) as conn:
        return service.find(conn, seal_id)
