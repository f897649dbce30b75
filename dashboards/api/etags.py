"""ETag and If-Match: nobody overwrites what he has not seen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import Header, Request, Response

from dashboards.errors import PreconditionFailedError, PreconditionRequiredError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
IfMatch = Annotated[str | None, Header(description="The ETag that you read; * to overwrite whatever is there")]


def etag_of(changed_at: datetime) -> str:
    """The tag of a state, from when it was last changed [µs].

    >>> etag_of(datetime(2026, 3, 2, 1, tzinfo=UTC))
    '"1772413200000000"'
    """
    return f'"{(changed_at - EPOCH) // timedelta(microseconds=1)}"'


def require_match(if_match: str | None, changed_at: datetime) -> None:
    """Let a change pass whose author has read the newest state.

    Raises
    ------
    PreconditionRequiredError
        No If-Match was sent.
    PreconditionFailedError
        It is the tag of another state.
    """
    if if_match is None:
        raise PreconditionRequiredError("Read it first and send its ETag back as If-Match: nothing was changed.")
    tags = [tag.strip() for tag in if_match.split(",")]
    if "*" not in tags and etag_of(changed_at) not in tags:
        raise PreconditionFailedError(
            "已被他人修改，请刷新后重试. It was changed meanwhile: read it again, nothing was changed."
        )


def link_next(request: Request, response: Response, last: int | None, parameter: str = "after") -> None:
    """Say where the next page is, by the key of the last row of this one (RFC 8288); None: there is none."""
    if last is not None:
        address = request.url.include_query_params(**{parameter: last})
        response.headers["Link"] = f'<{address.path}?{address.query}>; rel="next"'
