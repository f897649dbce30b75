"""What surrounds every page: who looks, in which language, what he may open.

``page`` renders a template for a request; ``error_page`` does the same where things went wrong, also when it is not
known who asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, partial
from typing import Any
from urllib.parse import urlsplit

from fastapi import Request
from starlette.responses import HTMLResponse, Response

from dashboards import i18n
from dashboards.context import Identity, WebContext, web_context
from dashboards.pages import names
from dashboards.rendering import THEMES, Frame, NavigationItem, Renderer, Viewer, nobody
from dashboards.words import N_
from equipment.access.matrix import permits
from equipment.access.model import Role

LANGUAGE_COOKIE = "teshe_language"
THEME_COOKIE = "teshe_theme"

SECTIONS: tuple[tuple[str, str, str], ...] = (
    (N_("Emergency desk"), "/desk", "desk.view"),
    (N_("City wall"), "/wall", "wall.view"),
    (N_("Maintenance"), "/firm", "firm.view"),
    (N_("Visits due"), "/firm/plan", "firm.view"),
    (N_("Field"), "/field", "record.file"),
    (N_("On-demand plans"), "/on-demand-plans", "plan.view"),
    (N_("To confirm"), "/use-unit", "use_unit.view"),
    (N_("Daily duties"), "/duties", "duty.view"),
    (N_("Equipment"), "/units", "unit.view"),
    (N_("Gas cylinders"), "/cylinders", "cylinder.oversee"),
    (N_("Calls"), "/calls", "call.view"),
    (N_("Emergency statistics"), "/statistics", "statistics.view"),
    (N_("Hazard ledger"), "/ledger/hazards", "hazard.view"),
    (N_("Plausibility"), "/plausibility", "finding.view"),
    (N_("Indicators"), "/board", "board.view"),
    (N_("Alarm rules"), "/rules", "rule.edit"),
    (N_("Data quality"), "/quality", "quality.view"),
    (N_("Accounts"), "/accounts", "account.manage"),
    (N_("Personal data"), "/retention", "retention.view"),
    (N_("Audit"), "/audit", "audit.view"),
)
"""Top bar: label, address, the action that opens it (the access matrix decides)."""

HOMES: Mapping[str, str] = {
    "desk": "/desk",
    "firm_manager": "/firm",
    "firm_worker": "/firm",
    "use_unit_director": "/use-unit",
    "use_unit_officer": "/use-unit",
    "inspector": "/ledger",
    "regulator": "/board",
    "system_admin": "/quality",
    "security_admin": "/accounts",
    "auditor": "/audit",
}
"""Where each role begins its day."""


@cache
def renderer() -> Renderer:
    """The one renderer of this process, with the names that the catalogues give."""
    made = Renderer()
    made.environment.globals.update(
        rule_name=names.rule_name,
        signal_value=names.signal_value,
        item_names=names.item_names,
        finding_text=names.finding_text,
    )
    return made


def safe_back(address: str | None) -> str:
    """An address of this site, whatever was asked for.

    >>> safe_back("https://elsewhere.example/")
    '/'
    >>> safe_back("//elsewhere.example/")
    '/'
    >>> safe_back("/units?q=a")
    '/units?q=a'
    """
    if not address or not address.startswith("/") or address.startswith(("//", "/\\")):
        return "/"
    parts = urlsplit(address)
    return address if not parts.scheme and not parts.netloc else "/"


def navigation(role: Role, path: str) -> tuple[NavigationItem, ...]:
    """The sections this role may open."""
    return tuple(
        NavigationItem(label, address, current=path == address or path.startswith(address + "/"))
        for label, address, action in SECTIONS
        if permits(role, action)
    )


def language_of(request: Request) -> str:
    """The language of this page: asked for in the address, chosen in this browser, else zh-CN."""
    return i18n.choose_language(request.query_params.get("lang"), request.cookies.get(LANGUAGE_COOKIE))


def frame_of(request: Request, identity: Identity | None, *, feed_after: int | None = None) -> Frame:
    """The frame of one request."""
    context: WebContext = web_context(request)
    asker = identity.asker if identity else None
    theme = request.cookies.get(THEME_COOKIE, "auto")
    return Frame(
        now=context.clock.now(),
        language=language_of(request),
        theme=theme if theme in THEMES else "auto",
        path=request.url.path,
        query=tuple(request.query_params.multi_items()),
        viewer=Viewer(asker.display_name, asker.role.value) if asker else None,
        navigation=navigation(asker.role, request.url.path) if asker else (),
        csrf=identity.csrf or "" if identity else "",
        permits=partial(permits, asker.role) if asker else nobody,
        feed_address="/ws/desk" if feed_after is not None else None,
        feed_after=feed_after,
        city=context.settings.city_name,
        hotline=context.settings.hotline,
        city_sign_in=bool(context.settings.oidc_issuer),
        demo=context.settings.demo_notice,
    )


def identity_of(request: Request) -> Identity | None:
    """Who was found by the route's dependency, if any."""
    found: Identity | None = getattr(request.state, "identity", None)
    return found


def page(
    request: Request, template: str, *, status: int = 200, feed_after: int | None = None, **values: Any
) -> Response:
    """Render one page for whoever the route has identified."""
    frame = frame_of(request, identity_of(request), feed_after=feed_after)
    return HTMLResponse(renderer().render(template, frame, **values), status_code=status)


def error_page(request: Request, status: int, title: str, detail: str) -> Response:
    """An error for a person: what happened, what to do, how to go on."""
    return page(request, "pages/error.html", status=status, code=status, title=title, detail=detail)
