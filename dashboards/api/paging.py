"""通知渠道: the addresses at which an organisation is told beside the telephone."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from alarms.paging import addresses
from alarms.paging.addresses import NewAddress, Reached
from dashboards.context import Context, permit
from dashboards.errors import ForbiddenError, NotFoundError
from equipment.access.model import Asker, ScopeKind
from equipment.access.store import audit

router = APIRouter(prefix="/paging/addresses", tags=["desk"])


class AddressBody(BaseModel):
    """An address to be added. Without ``organisation_id`` it is the caller's own organisation."""

    model_config = ConfigDict(extra="forbid")

    organisation_id: int | None = None
    channel: str = Field(max_length=20)
    address: str = Field(min_length=3, max_length=300)
    secret: str | None = Field(None, max_length=200)


class Added(BaseModel):
    """The address. ``secret``: of a webhook, with which what we send there is signed; it is never shown again."""

    id: int
    secret: str | None


@router.get("")
def listed(context: Context, asker: Annotated[Asker, Depends(permit("paging.manage"))]) -> list[Reached]:
    """Who is reached by which channel at this moment."""
    with context.transaction(asker) as conn:
        own = asker.organisation_id if asker.scope_kind is ScopeKind.FIRM else None
        return addresses.reached(conn, context.clock.now(), own)


@router.post("", status_code=201)
def add(context: Context, body: AddressBody, asker: Annotated[Asker, Depends(permit("paging.manage"))]) -> Added:
    """Add a robot of WeCom or DingTalk, a webhook or a mail address."""
    now = context.clock.now()
    organisation = body.organisation_id if body.organisation_id is not None else asker.organisation_id
    if organisation is None or (asker.scope_kind is ScopeKind.FIRM and organisation != asker.organisation_id):
        raise ForbiddenError("只能登记本单位的渠道 (name your own organisation, or one of your area).")
    with context.transaction(asker) as conn:
        new = NewAddress(organisation, body.channel, body.address, body.secret)
        number, secret = addresses.add(conn, new, now)
        audit(conn, asker, "paging.add", f"paging_address:{number}", now)
    return Added(id=number, secret=secret)


@router.post("/{address_id}/end", status_code=204)
def end(context: Context, address_id: int, asker: Annotated[Asker, Depends(permit("paging.manage"))]) -> None:
    """Nothing is sent there any more."""
    now = context.clock.now()
    with context.transaction(asker) as conn:
        if not addresses.end(conn, address_id, now):
            raise NotFoundError("No such address.")
        audit(conn, asker, "paging.end", f"paging_address:{address_id}", now)
