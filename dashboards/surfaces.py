"""分区: which part of the platform a web process serves, so that the internet and the government side can run apart.

A surface is known by the roles that come there. An action that none of them may do is not served, and an account of
another role is a stranger there, whatever it knows: the desk's password opens nothing on the internet side.
"""

from __future__ import annotations

from enum import Enum

from equipment.access.matrix import permits
from equipment.access.model import Role


class Surface(Enum):
    """面."""

    ALL = "all"
    """Everything in one process."""
    PUBLIC = "public"
    """What a passenger scans; nobody logs in."""
    FIELD = "field"
    """Maintenance workers with their phones."""
    FIRM = "firm"
    """Firms and use-units at their desks, and their software."""
    DESK = "desk"
    """应急台, inspectors, regulators: the government side."""
    ADMIN = "admin"
    """The three administrators."""


FIRMS = frozenset({Role.FIRM_MANAGER, Role.FIRM_WORKER})
ROLES: dict[Surface, frozenset[Role]] = {
    Surface.ALL: frozenset(Role),
    Surface.PUBLIC: frozenset(),
    Surface.FIELD: FIRMS,
    Surface.FIRM: FIRMS | {Role.USE_UNIT_DIRECTOR, Role.USE_UNIT_OFFICER},
    Surface.DESK: frozenset({Role.DESK, Role.INSPECTOR, Role.REGULATOR}),
    Surface.ADMIN: frozenset({Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDITOR}),
}
FIELD_ACTIONS = frozenset(
    {"record.file", "record.sign", "record.view", "unit.view", "key.view", "incident.respond", "incident.view", "feed.read",
     "self.manage", "download.hand_over"}
)  # fmt: skip
OPEN_TO_ALL = ("/lift", "/cylinder", "/api/v1/public")
LOGIN = ("/login", "/api/v1/sessions")


def serves_action(surface: Surface, action: str) -> bool:
    """Whether the surface has the routes of this action."""
    if surface is Surface.FIELD and action not in FIELD_ACTIONS:
        return False
    return any(permits(role, action) for role in ROLES[surface])


def serves_path(surface: Surface, path: str) -> bool:
    """Whether the surface has this address, as far as the address alone can tell."""
    if below(path, OPEN_TO_ALL):
        return surface in (Surface.ALL, Surface.PUBLIC)
    return surface is not Surface.PUBLIC or not below(path, (*LOGIN, "/api/"))


def below(path: str, roots: tuple[str, ...]) -> bool:
    """Whether the path is one of the roots, or lies below one."""
    return any(path == root.rstrip("/") or path.startswith(root.rstrip("/") + "/") for root in roots)
