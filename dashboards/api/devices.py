"""终端凭证 of a unit: issued, rotated and revoked by the system administrator; a secret is shown once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from dashboards.context import Context, WebContext, permit
from equipment.access.model import Asker
from equipment.access.store import Change, audit
from equipment.credentials import store
from equipment.registry.store import require_unit

router = APIRouter(tags=["devices"])
MOST_OVERLAP_HOURS = 24 * 90


class Rotation(BaseModel):
    """How long the credentials before the new one still hold."""

    model_config = ConfigDict(extra="forbid")

    overlap_hours: float = Field(72, ge=0, le=MOST_OVERLAP_HOURS, description="Until a technician reaches the terminal")


class Revocation(BaseModel):
    """Which credential ends, and why."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field("", max_length=60, description="Empty: all credentials of the unit")
    reason: str = Field(min_length=1, max_length=500)


@dataclass(frozen=True, slots=True)
class Credential:
    """A credential; its secret is kept nowhere."""

    name: str
    issued_at: datetime
    ends_at: datetime | None
    revoked_at: datetime | None
    revoked_reason: str | None
    holds: bool


@dataclass(frozen=True, slots=True)
class Issued:
    """User name and password for the terminal's MQTT connection, shown this once."""

    name: str
    secret: str


@dataclass(frozen=True, slots=True)
class Ended:
    """How many credentials ended."""

    ended: int


def credentials_of(context: WebContext, asker: Asker, unit_id: str) -> list[Credential]:
    """A unit's credentials, the newest first."""
    now = context.clock.now()
    with context.transaction(asker) as conn:
        found = store.of_unit(conn, require_unit(conn, unit_id).id)
    return [Credential(c.name, c.issued_at, c.ends_at, c.revoked_at, c.revoked_reason, c.holds(now)) for c in found]


def issued(context: WebContext, asker: Asker, unit_id: str, wanted: Rotation) -> Issued:
    """A fresh credential, written into the audit without its secret."""
    now = context.clock.now()
    with context.transaction(asker) as conn:
        made = store.issue(conn, unit_id, now, timedelta(hours=wanted.overlap_hours))
        after = {"credential": made.name, "others_hold_hours": wanted.overlap_hours}
        audit(conn, asker, "device.issue", f"unit:{unit_id}", now, change=Change(after=after))
    return Issued(made.name, made.secret)


def revoked(context: WebContext, asker: Asker, unit_id: str, wanted: Revocation) -> Ended:
    """End credentials at once, and write why into the audit."""
    now = context.clock.now()
    with context.transaction(asker) as conn:
        count = store.revoke(conn, unit_id, wanted.name, wanted.reason, now)
        change = Change(wanted.reason, after={"credential": wanted.name or "*"})
        audit(conn, asker, "device.revoke", f"unit:{unit_id}", now, change=change)
    return Ended(count)


@router.get("/units/{unit_id}/credentials")
def listing(
    context: Context, unit_id: str, asker: Annotated[Asker, Depends(permit("device.view"))]
) -> list[Credential]:
    return credentials_of(context, asker, unit_id)


@router.post("/units/{unit_id}/credentials", status_code=201)
def issue(
    context: Context, unit_id: str, wanted: Rotation, asker: Annotated[Asker, Depends(permit("device.manage"))]
) -> Issued:
    """Also how a credential is rotated: the ones before it hold for ``overlap_hours`` more."""
    return issued(context, asker, unit_id, wanted)


@router.post("/units/{unit_id}/credentials/revoke")
def revoke(
    context: Context, unit_id: str, wanted: Revocation, asker: Annotated[Asker, Depends(permit("device.manage"))]
) -> Ended:
    return revoked(context, asker, unit_id, wanted)
