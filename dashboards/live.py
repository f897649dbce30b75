"""The WebSocket of the live feed: ``/ws/desk?after=SEQ``."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from dashboards.context import Identity, WebContext, web_context
from dashboards.feed import Client, Feed
from equipment.access.matrix import permits

router = APIRouter()
ACTION = "feed.read"
CLOSE_UNAUTHORISED = 4401
CLOSE_FORBIDDEN = 4403
CLOSE_RESYNC = 4409
RECHECK_HEARTBEATS = 6
"""After so many heartbeats the session is looked up again, so that a revoked one stops hearing."""


def same_origin(socket: WebSocket) -> bool:
    """A browser page of another site must not ride on the cookie; programs send no Origin."""
    origin = socket.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == socket.headers.get("host", "")


def refusal(identity: Identity | None, socket: WebSocket) -> int | None:
    """The close code for who may not listen, or None."""
    if identity is None:
        return CLOSE_UNAUTHORISED
    named = identity.actions is None or ACTION in identity.actions
    allowed = not identity.must_change and permits(identity.asker.role, ACTION) and named
    return None if allowed and same_origin(socket) else CLOSE_FORBIDDEN


async def send_entries(socket: WebSocket, client: Client) -> None:
    """Send what is queued, forever; a client that fell behind is told so and let go."""
    while True:
        message = await client.queue.get()
        await socket.send_json(message)
        if client.lost and client.queue.empty():
            await socket.send_json({"type": "resync"})
            await socket.close(CLOSE_RESYNC)
            return


async def send_heartbeats(socket: WebSocket, feed: Feed, context: WebContext) -> None:
    """Send the feed's own state at a steady pace, so that silence means broken; end when the session has ended."""
    beats = 0
    while True:
        await socket.send_json(feed.state())
        await asyncio.sleep(context.settings.feed_heartbeat_seconds)
        beats += 1
        if beats % RECHECK_HEARTBEATS == 0 and await asyncio.to_thread(context.identify, socket) is None:
            await socket.close(CLOSE_UNAUTHORISED)
            return


async def until_closed(socket: WebSocket) -> None:
    """Read and ignore what the client says; ends when it hangs up."""
    with contextlib.suppress(WebSocketDisconnect):
        while True:
            await socket.receive_text()


@router.websocket("/ws/desk")
async def live(socket: WebSocket, after: int | None = None) -> None:
    """The feed: ``{"type": "entry", "seq", "kind", "at", "unit_no", "data"}``, heartbeats, ``resync``."""
    context = web_context(socket)
    feed: Feed = socket.app.state.feed
    identity = await asyncio.to_thread(context.identify, socket)
    await socket.accept()
    code = refusal(identity, socket)
    if identity is None or code is not None:
        await socket.close(code or CLOSE_UNAUTHORISED)
        return
    client, missed, resync = await feed.join(identity.asker, after)
    try:
        if resync:
            await socket.send_json({"type": "resync"})
        for message in missed:
            await socket.send_json(message)
        await serve(socket, client, feed, context)
    except (WebSocketDisconnect, RuntimeError):
        return
    finally:
        feed.leave(client)


async def serve(socket: WebSocket, client: Client, feed: Feed, context: WebContext) -> None:
    """Run the three sides of one connection until any ends."""
    tasks: list[asyncio.Task[Any]] = [
        asyncio.create_task(send_entries(socket, client)),
        asyncio.create_task(send_heartbeats(socket, feed, context)),
        asyncio.create_task(until_closed(socket)),
    ]
    try:
        ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        # not gather: it loses the message of a cancellation, by which the server knows its own
        await asyncio.wait(tasks)
    for task in ended:
        task.result()
