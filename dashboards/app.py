"""The web process: API, pages and live feed over one scoped connection pool."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

from fastapi import FastAPI, Request
from psycopg_pool import ConnectionPool
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from alarms.desk.duty import read_addresses
from alarms.desk.runner import WatchWork
from alarms.incidents.settings import DeskSettings
from alarms.paging.adapters import adapters
from alarms.paging.settings import PagingSettings
from dashboards import api, faults, health, interface, live, pages, problems, surfaces
from dashboards.context import WebContext
from dashboards.errors import HandedOverError
from dashboards.feed import Feed
from dashboards.identity_provider import IdentityProvider
from dashboards.limits import BodyLimit
from dashboards.settings import WebSettings
from dashboards.surfaces import Surface
from dashboards.zone import gate
from equipment.access.whence import asked_from
from equipment.foundation.clock import Clock
from equipment.foundation.database import Connection
from equipment.link.model import Side
from equipment.transparency.keys import Signer

STATIC = Path(__file__).parent / "static"


SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
        "connect-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(self), microphone=()",
}


TRANSPORT_SECURITY = "max-age=31536000; includeSubDomains"


def security_headers(settings: WebSettings) -> dict[str, str]:
    """Headers of every answer. Pictures may come from the intranet's map server too, where one is set.

    Where the session's cookie is for HTTPS only, browsers are told never to come without it.
    """
    headers = dict(SECURITY_HEADERS)
    if settings.cookie_secure:
        headers["Strict-Transport-Security"] = TRANSPORT_SECURITY
    parts = urlsplit(settings.tile_address)
    if parts.netloc:
        images = f"img-src 'self' data: blob: {parts.scheme}://{parts.netloc};"
        policy = headers["Content-Security-Policy"]
        headers["Content-Security-Policy"] = policy.replace("img-src 'self' data: blob:;", images)
    return headers


def watchdog_of(url: str, settings: WebSettings, clock: Clock) -> WatchWork | None:
    """Who looks after the escalator from here: the desk's side, which no job of ours can take along when it dies."""
    if settings.surface not in (Surface.ALL, Surface.DESK):
        return None
    paging = PagingSettings()
    return WatchWork(url, DeskSettings(), adapters(paging), read_addresses(paging.duty), clock)


def create_app(
    pool: ConnectionPool[Connection], feed_url: str, settings: WebSettings, clock: Clock, signer: Signer
) -> FastAPI:
    """Compose the application.

    Parameters
    ----------
    pool
        Connections under the scoped role, open.
    feed_url
        Where the feed reads and listens, over connections of its own (the same database).
    signer
        Countersigns receipts.
    """
    feed = Feed(feed_url, settings, clock)
    watch = watchdog_of(feed_url, settings, clock)
    headers = security_headers(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await feed.start()
        if watch is not None:
            watch.start()
        try:
            yield
        finally:
            if watch is not None:
                await asyncio.to_thread(watch.stop)
            await feed.stop()

    app = FastAPI(
        title="Teshe 特设",
        version="1",
        summary="Special-equipment and lift safety platform of a city",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
    )
    app.state.context = WebContext(pool, clock, settings, signer)
    app.state.feed = feed
    app.state.identity_provider = IdentityProvider(settings, clock) if settings.oidc_issuer else None

    @app.middleware("http")
    async def harden(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        if not surfaces.serves_path(settings.surface, request.url.path):
            detail = "此入口不提供该功能 (not served here: another address of the platform does)"
            response = problems.answer(request, 404, "Not found", detail)
        elif settings.zone is Side.OUTER and gate.is_anonymous(request):
            response = await run_in_threadpool(gate.from_nobody, request)
        else:
            with asked_from(request.client.host if request.client is not None else None):
                response = await call_next(request)
        for name, value in headers.items():
            response.headers.setdefault(name, value)
        if not request.url.path.startswith("/static/"):
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    if settings.zone is Side.OUTER:
        app.add_middleware(gate.KeepBody)
        app.add_exception_handler(HandedOverError, gate.refuse)  # type: ignore[arg-type]  # starlette's type is wider
    # outermost: counts before anything keeps a byte
    app.add_middleware(BodyLimit, most_bytes=settings.max_body_bytes)
    problems.install(app, faults.FAULTS)
    app.include_router(health.router)
    app.include_router(live.router)
    app.include_router(api.router, prefix="/api/v1")
    app.include_router(pages.router)
    interface.document(app)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    return app


def settle(app: FastAPI) -> None:
    """Have every route built: the framework does it at the first request, on the loop that serves everybody."""
    for path in ("/-", "/api/v1/-"):
        for route in app.routes:
            route.matches(
                {"type": "http", "method": "GET", "path": path, "root_path": "", "path_params": {}, "headers": []}
            )
