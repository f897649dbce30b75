"""外网受理: on the internet side a request that changes something is taken down, numbered and handed over.

Who asks, his CSRF token and his right to the action are checked here; whether it can be done is decided on the
government side, by the same route. The answer is 202 with a number under which the outcome will be found.
"""

from __future__ import annotations

import base64
from typing import Any

from psycopg.types.json import Jsonb
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboards import problems
from dashboards.context import Identity, WebContext, web_context
from dashboards.errors import HandedOverError
from equipment.access import scope
from equipment.link.store import QUERIES

KEPT_HEADERS = (
    "content-type",
    "accept",
    "idempotency-key",
    "if-match",
    "teshe-key",
    "teshe-signature",
    "teshe-sandbox",
)
ANONYMOUS = ("/lift/", "/cylinder/", "/reply/", "/api/v1/public/")
"""Where somebody without an account asks for something."""
MOST_ANONYMOUS = 64_000
"""[bytes]"""
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class KeepBody:
    """Keeps the whole body of a changing request: it may turn out that it is to be handed over."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope_: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope_["type"] != "http" or scope_["method"] in SAFE:
            await self._app(scope_, receive, send)
            return
        pieces, more = [], True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                return  # the caller went away
            pieces.append(message.get("body", b""))
            more = message.get("more_body", False)
        body = b"".join(pieces)
        scope_["teshe.body"] = body

        async def again() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope_, again, send)


def is_anonymous(request: Request) -> bool:
    """Whether somebody without an account asks for something that is decided inside."""
    return request.method not in SAFE and request.url.path.startswith(ANONYMOUS)


def from_nobody(request: Request) -> Response:
    """Take down what somebody without an account asks; nobody fills the link with one request."""
    if len(request.scope["teshe.body"]) > MOST_ANONYMOUS:
        return problems.answer(request, 413, "Too large", f"内容超过 {MOST_ANONYMOUS} 字节 (say it in fewer bytes)")
    return handed_over(request, None)


def refuse(request: Request, error: HandedOverError) -> Response:
    """Answer of a route that is decided on the other side."""
    return handed_over(request, error.identity)


def handed_over(request: Request, who: Identity | None) -> Response:
    """Take the request down; its number."""
    context: WebContext = web_context(request)
    body: bytes = request.scope["teshe.body"]
    headers = {name: request.headers[name] for name in KEPT_HEADERS if name in request.headers}
    if not request.url.path.startswith("/api/"):
        headers.pop("accept", None)  # a page is rendered here, from what is answered there
    content: dict[str, Any] = {
        "method": request.method, "path": request.url.path, "query": request.url.query, "headers": headers,
        "body": base64.b64encode(body).decode("ascii"),
        "origin": request.client.host if request.client is not None else "",
    }  # fmt: skip
    account = None if who is None else who.asker.account_id
    what = f"{request.method} {request.url.path}"[:300]
    with context.transaction(None) as conn:
        if who is not None:
            scope.apply(conn, who.asker)
        row = conn.execute(QUERIES.ask, (account, what, Jsonb(content), context.clock.now())).fetchone()
    number = int(row[0]) if row else 0
    detail = f"已受理，编号 {number}，由内网办理 (taken down as number {number}; decided on the government side)"
    if problems.wants_page(request):
        from dashboards.pages.frame import page  # noqa: PLC0415  # the page layer is above this one

        return page(request, "pages/handed_over.html", status=202, number=number, back=request.headers.get("referer"))
    address = f"/api/v1/link/requests/{number}"
    piece = _piece(request, len(body))
    return JSONResponse(
        {"handed_over": number, "detail": detail, "outcome": address} | piece, 202, {"Location": address}
    )


def _piece(request: Request, length: int) -> dict[str, Any]:
    """What the phone waits for while it sends a photo in pieces: the next offset."""
    offset, size = request.query_params.get("offset", ""), request.query_params.get("size", "")
    if request.method != "PUT" or not size.isdigit():
        return {}
    received = (int(offset) if offset.isdigit() else 0) + length
    return {"received": received, "complete": received >= int(size)}
