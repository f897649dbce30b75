"""接口文档: the OpenAPI document says every status that an operation answers with, from one table of reasons.

A route documents what it gives when all is well; what it answers otherwise follows from what it is: whether it needs an
account, takes parameters, names a row, changes something. A test sends made-up requests as every role and fails at a
status that is not documented here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI

from dashboards.downloads import FILES
from dashboards.problems import PROBLEM

Operation = dict[str, Any]
Rule = tuple[int, str, Callable[[str, str, Operation], bool]]
CHANGING = frozenset({"post", "put", "patch", "delete"})
OPEN = frozenset(
    {"/api/v1/sessions", "/api/v1/line/events", "/api/v1/paging/receipts", "/api/v1/public/cylinders/{code}"}
)
"""Without a session or a token: the login, what others sign, and what everybody may read."""
SIGNED = frozenset({"/api/v1/line/events", "/api/v1/paging/receipts"})
PASSWORD = frozenset({"/api/v1/sessions", "/api/v1/me/password"})
FETCHED = frozenset(path for path, _, _ in FILES)
SCHEMA = {
    "title": "Problem",
    "description": "RFC 9457. ``detail`` says what to do, in Chinese with the English beside it.",
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["at", "why"],
                "properties": {"at": {"type": "string"}, "why": {"type": "string"}},
            },
        },
    },
}


def _header(operation: Operation, name: str) -> bool:
    return any(p["in"] == "header" and p["name"] == name for p in operation.get("parameters", ()))


RULES: tuple[Rule, ...] = (
    (400, "A value is missing or wrong", lambda path, method, op: method in CHANGING or bool(op.get("parameters"))),
    (401, "No valid session or token", lambda path, method, op: path not in OPEN or path in PASSWORD | SIGNED),
    (
        403,
        "Not open to the role, outside its scope, or without the CSRF token",
        lambda path, method, op: path not in OPEN,
    ),
    (404, "No such row, or not visible to whoever asks", lambda path, method, op: "{" in path or method in CHANGING),
    (409, "Not possible in this state, or changed meanwhile", lambda path, method, op: method in CHANGING),
    (410, "The download link is over", lambda path, method, op: path in FETCHED),
    (412, "Changed meanwhile", lambda path, method, op: _header(op, "if-match")),
    (413, "The body is too long", lambda path, method, op: method in CHANGING),
    (422, "Some values are not valid", lambda path, method, op: method in CHANGING or bool(op.get("parameters"))),
    (428, "If-Match is needed", lambda path, method, op: _header(op, "if-match")),
    (429, "Too many wrong passwords", lambda path, method, op: path in PASSWORD),
    (503, "A service the platform needs is not answering", lambda path, method, op: True),
)
"""Status, what it means, when an operation may answer with it."""


def document(app: FastAPI) -> None:
    """Let the application's document name the statuses of every operation."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            described(plain())
        return plain()

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's own way to change the document


def described(schema: dict[str, Any]) -> None:
    """Add the statuses, the form of a problem and the two ways to prove who asks."""
    schema["components"]["schemas"]["Problem"] = SCHEMA
    schema["components"]["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer"},
        "session": {"type": "apiKey", "in": "cookie", "name": "teshe_session"},
    }
    answer = {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            operation["security"] = [] if path in OPEN else [{"token": []}, {"session": []}]
            for status, meaning, applies in RULES:
                if applies(path, method, operation):
                    operation["responses"][str(status)] = {"description": meaning, "content": answer}
