"""下载链接: a file handed to a telephone or another program, for ten minutes, without a login there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from urllib.parse import quote, unquote, urlsplit

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from dashboards.context import SESSION_COOKIE, Context, WebContext, permit
from dashboards.downloads import download
from dashboards.errors import BadRequestError, ForbiddenError
from equipment.access import links
from equipment.access.matrix import permits
from equipment.access.model import Asker

router = APIRouter(tags=["downloads"])
HandingOver = Annotated[Asker, Depends(permit("download.hand_over"))]
LONGEST_ADDRESS = 1_000


class FileWish(BaseModel):
    """Which file."""

    model_config = ConfigDict(extra="forbid")

    address: str = Field(
        min_length=1,
        max_length=LONGEST_ADDRESS,
        description="Path and query of the file, such as /api/v1/hazards/export",
    )


@dataclass(frozen=True, slots=True)
class HandedOver:
    """Opens the file without a login, once; a telephone may ask again for two minutes."""

    address: str
    expires_at: datetime


def handed_over(request: Request, context: WebContext, asker: Asker, address: str) -> HandedOver:
    """Make a link for one file that the asker may fetch himself.

    Raises
    ------
    BadRequestError
        No file that is handed over, or no session that the link could end with.
    ForbiddenError
        The asker may not fetch it.
    """
    parts = urlsplit(address)
    wanted = None if parts.scheme or parts.netloc else download(unquote(parts.path), parts.query)
    if wanted is None:
        raise BadRequestError("该地址不是可转交的文件 (no file that can be handed over: see /api/v1/openapi.json)")
    if not permits(asker.role, wanted.action):
        raise ForbiddenError(f"'{wanted.action}' is not open to your role.")
    session = request.cookies.get(SESSION_COOKIE)
    if not session or request.headers.get("authorization"):
        raise BadRequestError("链接由登录会话生成，令牌可直接下载 (a token fetches the file itself)")
    with context.transaction(asker) as conn:
        made = links.make(conn, context.link_keys(), asker, session, wanted, context.clock.now())
    path, _, query = made.address.partition("?")
    base = context.settings.public_address or str(request.base_url)
    return HandedOver(f"{base.rstrip('/')}{quote(path)}?{query}", made.expires_at)


@router.post("/downloads", status_code=201)
def hand_over(request: Request, context: Context, wish: FileWish, asker: HandingOver) -> HandedOver:
    """A link to a file, for a telephone or another program."""
    return handed_over(request, context, asker, wish.address)
