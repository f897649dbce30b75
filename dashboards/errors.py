"""Errors of the pages, the API and the commands, drawn by whose fault they are.

::

    DashboardsError
    ├── RequestError            the caller's
    │   ├── NotLoggedInError
    │   ├── ForbiddenError
    │   │   └── PasswordNeededError
    │   │       └── FactorNeededError
    │   ├── CsrfError
    │   ├── NotFoundError
    │   ├── PreconditionRequiredError
    │   ├── PreconditionFailedError
    │   ├── BadRequestError
    │   ├── LabelError
    │   └── SignInRefusedError
    ├── IdentityProviderError   the world's: the city's identity provider does not answer as one
    ├── HandedOverError         nobody's: it is decided in the other zone
    ├── PublishedFeedError      ours or the world's: the live feed cannot be read
    └── CatalogueError          ours: a language catalogue is missing or cannot be read
"""

from typing import Any


class DashboardsError(Exception):
    """Root of the errors of this package."""


class RequestError(DashboardsError):
    """The request cannot be served as it is; ``detail`` says what to do."""

    status = 400
    title = "The request is not valid"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class NotLoggedInError(RequestError):
    """未登录: no valid session cookie and no valid token."""

    status = 401
    title = "Log in first"


class ForbiddenError(RequestError):
    """无权限: the role may not do this."""

    status = 403
    title = "Your role does not allow this"


class PasswordNeededError(ForbiddenError):
    """首次登录: a one-time code opens nothing but the page that sets a password."""

    title = "Set your password first"


class FactorNeededError(PasswordNeededError):
    """双因素未启用: a role that needs a second factor opens nothing but the page that turns it on."""

    title = "Turn on your second factor first"


class HandedOverError(DashboardsError):
    """受理: whoever asks may, and the government side decides. Carries who he is."""

    def __init__(self, identity: Any) -> None:
        super().__init__("handed over")
        self.identity = identity


class CsrfError(RequestError):
    """The form did not come from our own page, or the page is too old."""

    status = 403
    title = "The form is out of date"


class NotFoundError(RequestError):
    """不存在, or not visible to whoever asks: the two are not told apart."""

    status = 404
    title = "Not found"


class BadRequestError(RequestError):
    """A value is missing or wrong."""


class PreconditionRequiredError(RequestError):
    """A change without If-Match: its author may not have seen what he overwrites."""

    status = 428
    title = "Say which state you have read"


class PreconditionFailedError(RequestError):
    """Changed meanwhile: the ETag that was sent is of an older state."""

    status = 412
    title = "Changed meanwhile"


class LabelError(RequestError):
    """标签: the sheet of labels cannot be printed as asked."""


class SignInRefusedError(RequestError):
    """统一身份: what came back from the identity provider opens nothing."""

    status = 401
    title = "Not signed in"


class IdentityProviderError(DashboardsError):
    """统一身份: the provider cannot be reached, or does not answer as one."""


class PublishedFeedError(DashboardsError):
    """The live feed cannot be read; clients are told that it is stale."""


class CatalogueError(DashboardsError):
    """语言目录: a language catalogue is missing or cannot be read."""
