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
        The table names an unknown role.
    """
    document = yaml.safe_load((files("equipment.access") / "matrix.yaml").read_text(encoding="utf-8"))
    try:
        return {action: frozenset(Role(name) for name in names) for action, names in document["actions"].items()}
    except ValueError as error:
        raise CatalogueError(f"matrix.yaml: {error}") from None


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
