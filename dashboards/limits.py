"""上传上限: a request's body is counted while it arrives, so that nobody fills the memory with one request."""

from __future__ import annotations

import json

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class BodyLimit:
    """Answers 413 when a body is longer than ``most_bytes``, before the route has seen more of it."""

    def __init__(self, app: ASGIApp, most_bytes: int) -> None:
        self._app = app
        self._most = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        told = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if told.isdigit() and int(told) > self._most:
            await self._refuse(send)
            return
        got, over = 0, False

        async def counted() -> Message:
            nonlocal got, over
            message = await receive()
            got += len(message.get("body", b""))
            over = over or got > self._most
            return {"type": "http.disconnect"} if over else message

        async def noted(message: Message) -> None:
            # what the route says of a body that we cut off is not the answer
            if not over:
                await send(message)

        try:
            await self._app(scope, counted, noted)
        except ClientDisconnect:
            if not over:
                raise
        if over:
            await self._refuse(send)

    async def _refuse(self, send: Send) -> None:
        problem = {
            "type": "about:blank",
            "title": "Too large",
            "status": 413,
            "detail": f"上传内容超过 {self._most} 字节，请拆分后再传 (the body is larger than {self._most} bytes: split it)",
        }
        body = json.dumps(problem, ensure_ascii=False).encode()
        headers = [
            (b"content-type", b"application/problem+json"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
            (b"x-content-type-options", b"nosniff"),
        ]
        await send({"type": "http.response.start", "status": 413, "headers": headers})
        await send({"type": "http.response.body", "body": body})
