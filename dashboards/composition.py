"""What the processes are made of: the packages in the order of the arrow, and their environment."""

from __future__ import annotations

import os
from collections.abc import Mapping

from equipment.foundation.errors import InputError
from equipment.foundation.settings import FoundationSettings

PACKAGES = ("equipment", "ingest", "alarms", "maintenance", "dashboards")
"""In the order in which they depend on each other, and so are migrated."""


def require_database(settings: FoundationSettings) -> str:
    """The owner's database URL.

    Raises
    ------
    InputError
        It is not configured.
    """
    if settings.database_url is None:
        raise InputError("set TESHE_DATABASE_URL to the database, or use teshe demo, which brings its own")
    return settings.database_url


def process_environment(changes: Mapping[str, str]) -> dict[str, str]:
    """The environment of this process with some settings changed."""
    return {**os.environ, **changes}
