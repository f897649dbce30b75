"""发到手机: one file as a picture to scan."""

from __future__ import annotations

from typing import Annotated

import segno
from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from dashboards.api.downloads import LONGEST_ADDRESS, HandingOver, handed_over
from dashboards.context import Context
from dashboards.errors import BadRequestError
from dashboards.pages.frame import page, safe_back
from equipment.access.links import GRACE, LIFETIME
from equipment.errors import DownloadLinkError

router = APIRouter(include_in_schema=False)
MINUTES = {"minutes": int(LIFETIME.total_seconds() // 60), "grace": int(GRACE.total_seconds() // 60)}


@router.get("/hand-over")
def ask(request: Request, _: HandingOver, address: str = "") -> Response:
    """Say what a link does before one is made."""
    return page(
        request, "pages/hand_over.html", address=safe_back(address), made=None, picture=None, problem=None, **MINUTES
    )


@router.post("/hand-over")
def make(
    request: Request, context: Context, asker: HandingOver,
    address: Annotated[str, Form(max_length=LONGEST_ADDRESS)] = "",
) -> Response:  # fmt: skip
    try:
        made = handed_over(request, context, asker, safe_back(address))
    except (BadRequestError, DownloadLinkError) as error:
        return page(
            request,
            "pages/hand_over.html",
            status=422,
            address=safe_back(address),
            made=None,
            picture=None,
            problem=str(error),
            **MINUTES,
        )
    picture = segno.make(made.address, error="l").svg_data_uri(scale=4)
    return page(request, "pages/hand_over.html", address=address, made=made, picture=picture, problem=None, **MINUTES)
