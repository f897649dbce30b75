"""现场: the field form's shell and its service worker. The shell is the same for everybody: it names nobody."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from dashboards.context import permit
from dashboards.pages.frame import frame_of, page, renderer
from equipment.access.model import Asker

router = APIRouter(include_in_schema=False)
ROOT = Path(__file__).parents[1]
ASSETS = (
    "/static/css/tokens.css",
    "/static/icon.svg",
    *sorted(f"/static/field/{path.name}" for path in (ROOT / "static" / "field").iterdir()),
)
SHELL = ("/field", *ASSETS)
"""What the phone keeps to open the form without network."""


@cache
def version() -> str:
    """Changes with any byte of the shell."""
    found = hashlib.sha256()
    for path in (ROOT / "templates" / "field").iterdir():
        found.update(path.read_bytes())
    for address in ASSETS:
        found.update((ROOT / address.lstrip("/")).read_bytes())
    return found.hexdigest()[:16]


@router.get("/field")
def shell(request: Request, _: Annotated[Asker, Depends(permit("record.file"))]) -> Response:
    """The form. What it shows, it asks the API for, once, and keeps it on the phone."""
    return page(request, "field/shell.html")


@router.get("/field/worker.js")
def worker(request: Request, _: Annotated[Asker, Depends(permit("record.file"))]) -> Response:
    """The service worker, with the list of what it keeps."""
    text = renderer().render("field/worker.js", frame_of(request, None), version=version(), shell=list(SHELL))
    return Response(text, media_type="text/javascript", headers={"Service-Worker-Allowed": "/field"})
