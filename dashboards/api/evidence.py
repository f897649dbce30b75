"""Evidence as an answer: a picture is shown as a copy made from its pixels, everything else leaves as a file."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from dashboards.errors import ForbiddenError
from equipment.access.matrix import permits
from equipment.access.model import Asker
from equipment.access.pictures import MalformedPictureError, made_anew
from equipment.access.store import audit
from equipment.foundation.database import Connection

Original = Annotated[bool, Query(description="The bytes that were sent, which the digest is of")]
ORIGINAL = "photo.original"
CACHE = {"Cache-Control": "private, max-age=300"}
"""A copy is dear to make; after five minutes an erased photo is gone from browsers too."""


def shown(content: bytes, media_type: str, name: str) -> Response:
    """A picture for a browser; what does not decode, or is none, is offered as a file and never rendered here."""
    if not media_type.startswith("image/"):
        return original(content, media_type, name)
    try:
        copy = made_anew(content)
    except MalformedPictureError:
        return original(content, "application/octet-stream", name)
    return Response(copy.content, media_type=copy.media_type, headers=CACHE)


def original(content: bytes, media_type: str, name: str) -> Response:
    """The bytes as they were sent, as a file."""
    return Response(content, media_type=media_type, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def note_original(conn: Connection, asker: Asker, subject: str, now: datetime) -> None:
    """Let the asker have the bytes as they were sent, and write it into the audit.

    Raises
    ------
    ForbiddenError
        His role sees the picture only: the original tells where it was taken and with what.
    """
    if not permits(asker.role, ORIGINAL):
        raise ForbiddenError(
            "原件含拍摄地点和设备信息，您的角色只能看图片 (the original says more than the picture: ask the inspector)"
        )
    audit(conn, asker, ORIGINAL, subject, now)
