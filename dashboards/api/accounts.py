"""账号管理 by the security administrator, who sees no secret."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from dashboards.context import Context, WebContext, permit
from equipment.access import accounts
from equipment.access.accounts import Account, AccountWish
from equipment.access.model import Asker, Role
from equipment.access.store import Change, audit

router = APIRouter(tags=["accounts"])
BIGGEST = 2**63 - 1


class NewAccount(BaseModel):
    """角色 x 辖区 x 单位 x 有效期."""

    model_config = ConfigDict(extra="forbid")

    login: str = Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9._@-]+$")
    display_name: str = Field(min_length=1, max_length=100)
    role: Role
    organisation_id: int | None = Field(None, ge=1, le=BIGGEST, description="For firms and use-units")
    jurisdiction_id: str | None = Field(None, max_length=40, description="For everybody else")
    valid_until: AwareDatetime | None = None
    holder: str | None = Field(None, max_length=40, description="工号; the three administrators need it")


class Disabling(BaseModel):
    """Why an account ends."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=500)


@dataclass(frozen=True, slots=True)
class OneTimeCode:
    """What opens the account once, until ``expires_at``; shown this once. Its holder then sets a password."""

    id: int
    login: str
    code: str
    expires_at: datetime


@router.get("/accounts")
def listing(context: Context, asker: Annotated[Asker, Depends(permit("account.manage"))]) -> list[Account]:
    with context.transaction(asker) as conn:
        return accounts.listing(conn)


def made(context: WebContext, asker: Asker, wanted: NewAccount) -> OneTimeCode:
    """Make the account and write it into the audit."""
    now = context.clock.now()
    wish = AccountWish(**wanted.model_dump())
    with context.transaction(asker) as conn:
        number, code = accounts.create(conn, wish, now)
        after = {**wanted.model_dump(mode="json", exclude={"display_name"})}
        audit(conn, asker, "account.create", f"account:{wish.login}", now, change=Change(after=after))
    return OneTimeCode(number, wish.login, code, now + accounts.CODE_LIFETIME)


def was_reset(context: WebContext, asker: Asker, account_id: int) -> OneTimeCode:
    """Give the account a fresh one-time code and write it into the audit."""
    now = context.clock.now()
    with context.transaction(asker) as conn:
        found = accounts.by_id(conn, account_id)
        code = accounts.reset(conn, account_id, now)
        audit(conn, asker, "account.reset", f"account:{found.login}", now)
    return OneTimeCode(account_id, found.login, code, now + accounts.CODE_LIFETIME)


def disabled(context: WebContext, asker: Asker, account_id: int, reason: str) -> None:
    """End the account and write it into the audit."""
    now = context.clock.now()
    with context.transaction(asker) as conn:
        found = accounts.by_id(conn, account_id)
        accounts.disable(conn, account_id, reason, now)
        audit(conn, asker, "account.disable", f"account:{found.login}", now, reason=reason)


@router.post("/accounts", status_code=201)
def create(
    context: Context, wanted: NewAccount, asker: Annotated[Asker, Depends(permit("account.manage"))]
) -> OneTimeCode:
    return made(context, asker, wanted)


@router.post("/accounts/{account_id}/reset", status_code=201)
def reset(context: Context, account_id: int, asker: Annotated[Asker, Depends(permit("account.manage"))]) -> OneTimeCode:
    return was_reset(context, asker, account_id)


@router.post("/accounts/{account_id}/disable", status_code=204)
def disable(
    context: Context, account_id: int, wanted: Disabling, asker: Annotated[Asker, Depends(permit("account.manage"))]
) -> None:
    disabled(context, asker, account_id, wanted.reason)
