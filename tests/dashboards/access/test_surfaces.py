"""One web process serves one part: other routes are not there, other roles are strangers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from dashboards.app import create_app
from dashboards.settings import WebSettings
from dashboards.surfaces import OPEN_TO_ALL, ROLES, Surface, serves_action
from equipment.access.matrix import matrix, permits
from equipment.access.model import Role
from equipment.foundation.clock import ManualClock
from equipment.foundation.database import DatabaseRole, open_pool
from equipment.transparency.keys import Signer
from tests.conftest import Database
from tests.dashboards.test_permissions import routes
from tests.pipeline import PASSWORD, Pipeline
from tests.platform import LOGIN_OF


@pytest.fixture
def apps(database: Database, clock: ManualClock) -> Iterator[dict[Surface, FastAPI]]:
    with ExitStack() as stack:
        Pipeline(stack.enter_context(database.connect(autocommit=True)), clock)
        pool = open_pool(database.url, DatabaseRole.SCOPED, max_size=4, application_name="test-web")
        stack.callback(pool.close)
        signer = Signer.generate("teshe.test")
        yield {s: create_app(pool, database.url, WebSettings(surface=s), clock, signer) for s in Surface}


def test_every_role_has_a_surface_and_every_action_is_served_somewhere() -> None:
    parts = [s for s in Surface if s is not Surface.ALL]
    assert frozenset().union(*(ROLES[s] for s in parts)) == frozenset(Role)
    assert {a for a in matrix() if not any(serves_action(s, a) for s in parts)} == set()
    assert all(serves_action(Surface.ALL, action) for action in matrix())


@pytest.mark.parametrize("surface", list(Surface))
def test_a_surface_lets_its_own_roles_in_and_no_other(apps: dict[Surface, FastAPI], surface: Surface) -> None:
    for role in Role:
        client = TestClient(apps[surface], base_url="https://testserver")
        answer = client.post("/api/v1/sessions", json={"login": LOGIN_OF[role], "password": PASSWORD})
        expected = 404 if surface is Surface.PUBLIC else 201 if role in ROLES[surface] else 401
        assert answer.status_code == expected, f"{surface.value} {role.value} {answer.text}"


@pytest.mark.parametrize("surface", list(Surface))
def test_a_session_of_another_surface_opens_nothing(apps: dict[Surface, FastAPI], surface: Surface) -> None:
    for role in (Role.DESK, Role.FIRM_MANAGER, Role.AUDITOR):
        client = TestClient(apps[Surface.ALL], base_url="https://testserver")
        client.post("/api/v1/sessions", json={"login": LOGIN_OF[role], "password": PASSWORD})
        other = TestClient(apps[surface], base_url="https://testserver", cookies=client.cookies)
        expected = {404} if surface is Surface.PUBLIC else {200} if role in ROLES[surface] else {401}
        assert other.get("/api/v1/me").status_code in expected, f"{surface.value} {role.value}"


@pytest.mark.parametrize("surface", [Surface.FIELD, Surface.FIRM, Surface.DESK, Surface.ADMIN])
def test_what_none_of_its_roles_may_do_is_not_there(apps: dict[Surface, FastAPI], surface: Surface) -> None:
    role = min(ROLES[surface], key=lambda r: r.value)
    client = TestClient(apps[surface], base_url="https://testserver")
    client.post("/api/v1/sessions", json={"login": LOGIN_OF[role], "password": PASSWORD})
    hidden = 0
    for method, path, action in routes():
        if method == "GET" and action is not None:
            answer = client.get(re.sub(r"\{[^}]*\}", "1", path), follow_redirects=False)
            if not serves_action(surface, action):
                hidden += 1
                assert answer.status_code == 404, f"{surface.value} {path}: {answer.status_code}"
            elif not permits(role, action):
                assert answer.status_code == 403, f"{surface.value} {path}: {answer.status_code}"
    assert hidden > 5


@pytest.mark.parametrize("surface", list(Surface))
def test_the_public_pages_are_on_the_public_surface(apps: dict[Surface, FastAPI], surface: Surface) -> None:
    client = TestClient(apps[surface], base_url="https://testserver")
    for path in OPEN_TO_ALL[:2]:
        found = client.get(path, follow_redirects=False).status_code != 404
        assert found is (surface in (Surface.ALL, Surface.PUBLIC)), f"{surface.value} {path}"
    assert client.get("/healthz").status_code == 200
    assert client.get("/login").status_code == (404 if surface is Surface.PUBLIC else 200)
