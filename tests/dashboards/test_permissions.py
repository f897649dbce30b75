"""Every route as every role: what the matrix says is what the web process does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.routing import APIRoute, APIRouter
from starlette.routing import BaseRoute
from starlette.testclient import TestClient

from dashboards import api, health, live, pages
from equipment.access.matrix import matrix, permits
from equipment.access.model import Role
from tests.platform import Platform

PUBLIC = {
    ("POST", "/api/v1/sessions"), ("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/metrics"), ("GET", "/login"),
    ("POST", "/login"), ("GET", "/"), ("GET", "/lift"), ("GET", "/lift/{plate}"), ("GET", "/api/v1/openapi.json"),
    ("POST", "/preferences"), ("GET", "/cylinder"), ("GET", "/cylinder/{code}"), ("GET", "/api/v1/public/cylinders/{code}"),
    # signed by the call centre and the voice gateway, or known only to whoever has the link
    ("POST", "/api/v1/line/events"), ("POST", "/api/v1/paging/receipts"), ("GET", "/reply/{token}"), ("POST", "/reply/{token}"),
    ("GET", "/lift/{plate}/report"), ("POST", "/lift/{plate}/report"),
    # to the city's identity provider and back
    ("GET", "/login/city"), ("GET", "/login/city/back"),
}  # fmt: skip
"""Routes that nobody needs an account for."""


def routes() -> list[tuple[str, str, str | None]]:
    """Method, path and action of every route."""
    found: list[tuple[str, str, str | None]] = []
    for prefix, router in (("/api/v1", api.router), ("", pages.router), ("", health.router), ("", live.router)):
        for route in flat(router):
            if isinstance(route, APIRoute):
                action = next(iter(actions_of(route.dependant)), None)
                found += [(method, prefix + route.path, action) for method in route.methods or ()]
    return found


def flat(router: APIRouter) -> Iterator[BaseRoute]:
    """Routes of a router and of those it includes."""
    for route in router.routes:
        inner = getattr(route, "original_router", None)
        if inner is None:
            yield route
        else:
            yield from flat(inner)


def actions_of(dependant: Any) -> Iterator[str]:
    """Actions that the dependencies of a route ask for."""
    for dependency in dependant.dependencies:
        action = getattr(dependency.call, "action", None)
        if action is not None:
            yield action
        yield from actions_of(dependency)


def test_every_route_names_an_action_of_the_matrix_or_is_public() -> None:
    assert len(routes()) > 60
    nameless = {(method, path) for method, path, action in routes() if action is None}
    assert nameless <= PUBLIC | SELF
    assert {action for _, _, action in routes() if action is not None} <= set(matrix())


SELF = {("DELETE", "/api/v1/sessions"), ("POST", "/logout")}
"""Routes that act on the asker's own session only."""


@pytest.mark.parametrize("role", list(Role))
def test_every_route_answers_every_role_as_the_matrix_says(platform: Platform, role: Role) -> None:
    person = platform.person(role)
    for method, path, action in routes():
        if action is None:
            continue
        # no session is 0: the asker's own may be 1, and ending it would end the walk
        address = path.replace("{session_id}", "0")
        address = re.sub(r"\{[^}]*\}", "00000000-0000-0000-0000-000000000000" if "record" in path else "1", address)
        answer = person.client.request(
            method, address, headers={"X-CSRF-Token": person.csrf}, json={} if method == "POST" else None,
            follow_redirects=False,
        )  # fmt: skip
        refused = answer.status_code == 403
        assert refused is not permits(role, action), (
            f"{role.value} {method} {path}: {answer.status_code} {answer.text[:200]}"
        )
        assert answer.status_code < 500, f"{role.value} {method} {path}: {answer.text[:300]}"


def test_nobody_gets_in_without_a_session(platform: Platform) -> None:
    stranger = TestClient(platform.app, base_url="https://testserver")
    for method, path, action in routes():
        if action is None:
            continue
        address = re.sub(r"\{[^}]*\}", "1", path)
        answer = stranger.request(method, address, json={} if method == "POST" else None, follow_redirects=False)
        assert answer.status_code in (401, 303), f"{method} {path}: {answer.status_code}"


def test_a_forged_request_of_another_site_changes_nothing(platform: Platform) -> None:
    person = platform.person(Role.DESK)
    for headers in ({}, {"X-CSRF-Token": "0" * 43}):
        answer = person.client.post("/api/v1/calls", json={"category": "fault"}, headers=headers)
        assert answer.status_code == 403
    assert platform.conn.execute("select count(*) from ingest.call_record").fetchone() == (0,)


def test_a_token_does_what_it_was_issued_for_and_nothing_else(platform: Platform) -> None:
    firm = platform.person(Role.FIRM_MANAGER)
    token = firm.post("/tokens", {"name": "维保软件", "actions": ["record.file", "record.view"]})["token"]
    software = TestClient(platform.app, base_url="https://testserver", headers={"Authorization": f"Bearer {token}"})
    assert software.get("/api/v1/units/L000001/checklist?level=year").status_code == 200
    assert software.get("/api/v1/alarms").status_code == 403
    beyond = firm.send("/tokens", {"name": "x", "actions": ["lead.decide"]})
    assert beyond.status_code == 400
    stored = platform.conn.execute("select count(*) from equipment.api_token where position(%s in name) > 0", (token,))
    assert stored.fetchone() == (0,)
