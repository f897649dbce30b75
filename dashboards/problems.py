"""Errors as answers: problem+json (RFC 9457) for programs, a page for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response

from dashboards.errors import NotLoggedInError, PasswordNeededError, RequestError
from equipment.access.links import PARAMETER
from equipment.foundation.errors import WorldError
from equipment.foundation.logs import get_logger

log = get_logger("dashboards.problems")
PROBLEM = "application/problem+json"
BEYOND_THE_COLUMN = frozenset(
    {psycopg.DataError, psycopg.errors.NumericValueOutOfRange, psycopg.errors.DatetimeFieldOverflow,
     psycopg.errors.UntranslatableCharacter, psycopg.errors.CharacterNotInRepertoire}
)  # fmt: skip
"""What the driver and the database say of a value that no column takes: a NUL in a text, a number of thirty digits."""


def problem(status: int, title: str, detail: str, **more: Any) -> JSONResponse:
    """One problem document."""
    return JSONResponse(
        {"type": "about:blank", "title": title, "status": status, "detail": detail, **more},
        status_code=status,
        media_type=PROBLEM,
    )


def wants_page(request: Request) -> bool:
    """Whether a person is reading: a browser asks for HTML. The API answers with a page only where a link led there."""
    by_link = PARAMETER in request.query_params
    return (by_link or not request.url.path.startswith("/api/")) and "text/html" in request.headers.get("accept", "")


def answer(request: Request, status: int, title: str, detail: str) -> Response:
    """The error in the form in which the caller can read it."""
    if wants_page(request):
        from dashboards.pages.frame import error_page  # noqa: PLC0415  # the page layer is above this one

        return error_page(request, status, title, detail)
    return problem(status, title, detail)


def install(app: FastAPI, faults: Sequence[tuple[type[Exception], int, str]]) -> None:
    """Map each named error of the packages below to its status; anything unnamed stays a 500 with a page."""

    @app.exception_handler(RequestError)
    def refuse(request: Request, error: RequestError) -> Response:
        if isinstance(error, NotLoggedInError) and wants_page(request) and request.method == "GET":
            return RedirectResponse(f"/login?next={request.url.path}", status_code=303)
        if isinstance(error, PasswordNeededError) and wants_page(request) and request.method == "GET":
            return RedirectResponse("/account", status_code=303)
        return answer(request, error.status, error.title, error.detail)

    @app.exception_handler(RequestValidationError)
    def invalid(request: Request, error: RequestValidationError) -> Response:
        places = [{"at": ".".join(str(part) for part in e["loc"]), "why": e["msg"]} for e in error.errors()]
        detail = "; ".join(f"{p['at']}: {p['why']}" for p in places)
        if wants_page(request):
            return answer(request, 422, "Some values are not valid", detail)
        return problem(422, "Some values are not valid", detail, errors=places)

    @app.exception_handler(HTTPException)
    def plain(request: Request, error: HTTPException) -> Response:
        return answer(request, error.status_code, str(error.detail), "Check the address and the method.")

    @app.exception_handler(psycopg.DataError)
    def not_kept(request: Request, error: psycopg.DataError) -> Response:
        if type(error) not in BEYOND_THE_COLUMN:
            raise error
        log.warning("value_not_kept", path=request.url.path, error=str(error))
        detail = f"数值、日期或字符无法保存 (a number, a date or a character that cannot be kept: {error})"
        return answer(request, 422, "Some values are not valid", detail)

    @app.exception_handler(OverflowError)
    def beyond(request: Request, error: OverflowError) -> Response:
        return answer(
            request, 422, "Some values are not valid", f"日期或数值超出范围 (a date or number out of range: {error})"
        )

    @app.exception_handler(WorldError)
    def broken(request: Request, error: WorldError) -> Response:
        log.error("world_fault", path=request.url.path, error=str(error))
        return answer(request, 503, "A service the platform needs is not answering", str(error))

    def mapped(status: int, title: str) -> Any:
        def handler(request: Request, error: Exception) -> Response:
            return answer(request, status, title, str(error))

        return handler

    for kind, status, title in faults:
        app.add_exception_handler(kind, mapped(status, title))
