"""短信接单: the page behind the link of an SMS. Looking answers nothing; one press does, once."""

from __future__ import annotations

import hashlib
from typing import Annotated

from fastapi import APIRouter, Form, Request
from psycopg.types.json import Jsonb
from starlette.responses import RedirectResponse, Response

from dashboards.context import Context
from dashboards.pages.frame import page
from dashboards.pages.reads import QUERIES, row

router = APIRouter(include_in_schema=False)
ANSWERS = ("answer", "refuse")


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


@router.get("/reply/{token}")
def show(request: Request, context: Context, token: str) -> Response:
    """What the order is about; previews of a messenger that open the link answer nothing."""
    now = context.clock.now()
    with context.transaction(None) as conn:
        found = row(conn, QUERIES.reply_link, (_digest(token[:64]),))
    expired = found is not None and (found.expires_at < now or found.over)
    return page(request, "pages/reply.html", status=200 if found else 404, order=found, expired=expired)


@router.post("/reply/{token}")
def answer(context: Context, token: str, answer: Annotated[str, Form(max_length=10)]) -> Response:
    """Keep the answer; the jobs act on it at once. The token is what proves who answers."""
    digest = _digest(token[:64])
    with context.transaction(None) as conn:
        known = row(conn, QUERIES.reply_link, (digest,))
        if known is not None and answer in ANSWERS:
            payload = {"token_sha256": digest.hex(), "answer": answer}
            values = ("reply", f"{digest.hex()}:{answer}", Jsonb(payload), context.clock.now())
            conn.execute("select alarms.receive(%s, %s, %s, %s)", values)
    return RedirectResponse(f"/reply/{token[:64]}", status_code=303)
