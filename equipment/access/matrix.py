"""The authorisation matrix (授权表)."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import yaml

from equipment.access.model import Role
from equipment.errors import CatalogueError


@cache
def matrix() -> dict[str, frozenset[Role]]:
    """Roles by action.

    Raises
    ------
    CatalogueError
        The table has a mistake.
    """
    return read_matrix((files("equipment.access") / "matrix.yaml").read_text(encoding="utf-8"))


def read_matrix(text: str) -> dict[str, frozenset[Role]]:
    """Roles by action, from the YAML of the table.

    Raises
    ------
    CatalogueError
        It names an unknown role, a role twice, or an action that nobody may do.
    """
    document = yaml.safe_load(text)
    found: dict[str, frozenset[Role]] = {}
    for action, names in document["actions"].items():
        try:
            found[action] = frozenset(Role(name) for name in names)
        except ValueError as error:
            raise CatalogueError(f"matrix.yaml: {action}: {error}") from None
        if not names or len(found[action]) != len(names):
            raise CatalogueError(f"matrix.yaml: {action} names no role, or one twice")
    return found


def permits(role: Role, action: str) -> bool:
    """Whether the role may do the action.

    Raises
    ------
    CatalogueError
        The action has no row: a route was added without its entry.
    """
    row = matrix().get(action)
    if row is None:
        raise CatalogueError(f"matrix.yaml has no row for {action!r}")
    return role in row
