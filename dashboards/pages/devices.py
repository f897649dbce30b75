"""终端凭证: who may log in to the broker for this unit, on a page beside the unit's."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from pydantic import ValidationError
from starlette.responses import RedirectResponse, Response

from dashboards.api import devices as api
from dashboards.context import Context, WebContext, permit
from dashboards.pages.frame import page
from equipment.access.model import Asker
from equipment.errors import EquipmentError
from equipment.registry.store import require_unit

router = APIRouter(include_in_schema=False)
Managing = Annotated[Asker, Depends(permit("device.manage"))]


def _page(
    request: Request, context: WebContext, asker: Asker, unit_id: str, status: int = 200, **shown: Any
) -> Response:
    found = api.credentials_of(context, asker, unit_id)
    with context.transaction(asker) as conn:
        unit = require_unit(conn, unit_id)
    values: dict[str, Any] = {"made": None, "problem": None, "reason": ""}
    return page(request, "pages/credentials.html", status=status, unit=unit, credentials=found, **(values | shown))


@router.get("/units/{unit_id}/credentials")
def credentials(
    request: Request, context: Context, unit_id: str, asker: Annotated[Asker, Depends(permit("device.view"))]
) -> Response:
    return _page(request, context, asker, unit_id)


@router.post("/units/{unit_id}/credentials")
def issue(
    request: Request, context: Context, unit_id: str, asker: Managing, overlap_hours: Annotated[str, Form()] = "72"
) -> Response:
    """Issue or rotate; the secret stands on the answer, and nowhere else."""
    try:
        wanted = api.Rotation.model_validate({"overlap_hours": overlap_hours})
    except ValidationError:
        problem = "新旧并存须为 0 至 2160 小时 (0 to 2160 hours)"
        return _page(request, context, asker, unit_id, 422, problem=problem)
    return _page(request, context, asker, unit_id, made=api.issued(context, asker, unit_id, wanted))


@router.post("/units/{unit_id}/credentials/revoke")
def revoke(
    request: Request, context: Context, unit_id: str, asker: Managing,
    name: Annotated[str, Form(max_length=60)] = "", reason: Annotated[str, Form(max_length=500)] = "",
) -> Response:  # fmt: skip
    if not reason.strip():
        return _page(request, context, asker, unit_id, 422, problem="吊销须填写原因 (say why the credential ends)")
    try:
        api.revoked(context, asker, unit_id, api.Revocation(name=name, reason=reason.strip()))
    except EquipmentError as error:
        return _page(request, context, asker, unit_id, 422, problem=str(error), reason=reason)
    return RedirectResponse(f"/units/{unit_id}/credentials", status_code=303)
