"""The interface under made-up requests of every role: whatever is sent, the answer is no 5xx and a documented status.

A few examples of each operation run always; ``--long`` runs many.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.core import NOT_SET

from equipment.access.model import Role
from tests.pipeline import TRAPPED
from tests.platform import Platform

FEW, MANY = 1, int(os.environ.get("TESHE_FUZZ_EXAMPLES", "40"))
OWN_SESSION = {"/api/v1/sessions", "/api/v1/me/password", "/api/v1/me/sessions/{session_id}/end"}
"""These would end the session that the walk lives on; they have tests of their own."""


def operations(platform: Platform) -> list[Any]:
    """Every operation of the document that the application gives of itself."""
    schema = schemathesis.openapi.from_dict(platform.app.openapi())
    found: list[Any] = [result.ok() for result in schema.get_all_operations()]  # type: ignore[union-attr]
    return [operation for operation in found if operation.path not in OWN_SESSION]


def send(client: TestClient, csrf: str, case: Any) -> Any:
    """One made-up request, with the caller's session."""
    content: dict[str, Any] = {}
    if case.body is not NOT_SET:
        content = {"content": case.body} if isinstance(case.body, bytes) else {"json": case.body}
        if case.media_type == "multipart/form-data":
            content = {"data": {k: str(v) for k, v in case.body.items()}} if isinstance(case.body, dict) else {}
    headers = {
        k: v
        for k, v in dict(case.headers or {}).items()
        if k.isascii() and str(v).isprintable() and str(v).isascii() and k.lower() != "authorization"
    }
    headers |= {"X-CSRF-Token": csrf}
    return client.request(
        case.method,
        case.formatted_path,
        params=dict(case.query or {}),
        headers=headers,
        follow_redirects=False,
        **content,
    )


def try_out(platform: Platform, role: Role, examples: int) -> int:
    person, asked = platform.person(role), 0
    # what breaks is an answer too, so that one walk finds everything
    client = TestClient(
        platform.app, base_url="https://testserver", raise_server_exceptions=False, cookies=dict(person.client.cookies)
    )
    wrong: dict[str, str] = {}
    documented = {
        f"{method.upper()} {path}": operation["responses"].keys()
        for path, operations_here in platform.app.openapi()["paths"].items()
        for method, operation in operations_here.items()
    }
    for operation in operations(platform):

        @seed(341300)
        @settings(
            max_examples=examples,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def once(case: Any) -> None:
            nonlocal asked
            answer = send(client, person.csrf, case)
            asked += 1
            said = f"{case.method} {case.formatted_path} {case.query} {case.body!r}: {answer.text[:300]}"
            if answer.status_code >= 500 or str(answer.status_code) not in documented[case.operation.label]:
                wrong[f"{case.operation.label} {answer.status_code}"] = said

        once()
    assert wrong == {}
    return asked


@pytest.mark.parametrize("role", [Role.REGULATOR, Role.FIRM_MANAGER, Role.DESK])
def test_no_made_up_request_breaks_the_interface(platform: Platform, role: Role) -> None:
    platform.pipeline.send(platform.pipeline.lifts[0], TRAPPED)
    platform.turn(120)
    assert try_out(platform, role, FEW) > 80


@pytest.mark.long
@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("role", list(Role))
def test_many_made_up_requests_break_nothing_either(platform: Platform, role: Role) -> None:
    platform.pipeline.send(platform.pipeline.lifts[0], TRAPPED)
    platform.turn(120)
    assert try_out(platform, role, MANY) > 80


def test_the_document_names_what_can_go_wrong_in_one_form(platform: Platform) -> None:
    schema = platform.app.openapi()
    assert schema == platform.app.openapi(), "made once"
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            statuses = operation["responses"]
            assert {s for s in statuses if int(s) < 300}, (method, path)
            assert "503" in statuses
            assert ("401" in statuses and "403" in statuses) or operation["security"] == [], (method, path)
            for status, answer in statuses.items():
                if int(status) >= 400:
                    assert list(answer["content"]) == ["application/problem+json"], (method, path, status)
    assert "HTTPValidationError" not in str(schema["paths"])
