"""Puts the asker's scope on a transaction; the row policies of the database do the rest."""

from equipment.access.model import Asker
from equipment.foundation.database import Connection, set_local


def apply(conn: Connection, asker: Asker) -> None:
    """Let the current transaction see what ``asker`` may see, until it ends."""
    values = {
        "teshe.scope_kind": asker.scope_kind.value,
        "teshe.scope_path": asker.scope_path or "",
        "teshe.organisation": "" if asker.organisation_id is None else str(asker.organisation_id),
        "teshe.role": asker.role.value,
        "teshe.account": str(asker.account_id),
    }
    for name, value in values.items():
        set_local(conn, name, value)
