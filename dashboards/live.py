"""The WebSocket of the live feed: ``/ws/desk?after=SEQ``."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from dashboards.context import Identity, WebContext, web_context
from dashboards.feed import Client, Feed
from equipment.access.matrix import permits
from equipment.access.model import Asker
from equipment.foundation.errors import WorldError
from equipment.foundation.logs import get_logger

router = APIRouter()
log = get_logger("dashboards.live")
ACTION = "feed.read"
CLOSE_UNAUTHORISED = 4401
CLOSE_FORBIDDEN = 4403
CLOSE_RESYNC = 4409
CLOSE_TRY_LATER = 1013
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


async def send_entries(socket: WebSocket, client: Client, feed: Feed) -> None:
    """Send what is queued, forever; a client that fell behind is told so and let go."""
    while True:
        while client.waiting:
            await socket.send_text(client.waiting.popleft())
        if client.lost:
            await socket.send_text(feed.resync())
            await socket.close(CLOSE_RESYNC)
            return
        client.wake.clear()
        await client.wake.wait()


async def watch_session(socket: WebSocket, client: Client, context: WebContext) -> None:
    """Look the session up again at a steady pace: follow a changed scope, end when it may no longer listen."""
    while True:
        await asyncio.sleep(context.settings.feed_heartbeat_seconds * RECHECK_HEARTBEATS)
        try:
            identity = await asyncio.to_thread(context.identify, socket)
        except WorldError as error:
            # nothing can be told while the database is away, so nothing leaks; the heartbeat says that it is
            log.warning("feed_session_unchecked", error=str(error))
            continue
        code = refusal(identity, socket)
        if identity is None or code is not None:
            await socket.close(code or CLOSE_UNAUTHORISED)
            return
        client.asker = identity.asker


async def until_closed(socket: WebSocket) -> None:
    """Read and ignore what the client says; ends when it hangs up."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass


async def join(socket: WebSocket, feed: Feed, asker: Asker, after: int | None) -> Client:
    """Send what a client missed since ``after`` and register it, without a moment between in which an entry could pass.

    A client that was away too long, or names a number that this stream never had, is told to resynchronise.
    """
    position = feed.head if after is None else after
    if not await feed.knows(position):
        position = -1
    while position < feed.head:
        head, missed = feed.head, feed.missed(asker, position) if position >= 0 else None
        for text in [feed.resync()] if missed is None else missed:
            await socket.send_text(text)
        position = head
    return feed.join(asker, position)


@router.websocket("/ws/desk")
async def live(socket: WebSocket, after: int | None = None) -> None:
    """The feed: ``{"type": "entry", "seq", "kind", "at", "unit_no", "data"}``, heartbeats, ``resync``."""
    context = web_context(socket)
    feed: Feed = socket.app.state.feed
    try:
        identity = await asyncio.to_thread(context.identify, socket)
    except WorldError:
        await socket.accept()
        await socket.close(CLOSE_TRY_LATER)
        return
    await socket.accept()
    code = refusal(identity, socket)
    if identity is None or code is not None:
        await socket.close(code or CLOSE_UNAUTHORISED)
        return
    client: Client | None = None
    try:
        client = await join(socket, feed, identity.asker, after)
        await serve(socket, client, feed, context)
    except WorldError as error:
        log.warning("feed_not_resumed", error=str(error))
        await socket.close(CLOSE_TRY_LATER)
    except (WebSocketDisconnect, RuntimeError):
        return
    finally:
        if client is not None:
            feed.leave(client)


async def serve(socket: WebSocket, client: Client, feed: Feed, context: WebContext) -> None:
    """Run the three sides of one connection until any ends."""
    client.sender = asyncio.create_task(send_entries(socket, client, feed))
    tasks: list[asyncio.Task[Any]] = [
        client.sender,
        asyncio.create_task(watch_session(socket, client, context)),
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
        if not task.cancelled():  # the feed cuts off who does not read
            task.result()
