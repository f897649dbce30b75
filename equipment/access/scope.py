"""Puts the asker's scope on a transaction; the row policies of the database do the rest."""

from equipment.access.model import Asker
from equipment.foundation.database import Connection, load_queries

QUERIES = load_queries(__file__)


def apply(conn: Connection, asker: Asker) -> None:
    """Let the current transaction see what ``asker`` may see, until it ends.

    A bound that the asker lacks is set empty, which shows nothing, so that nothing of an earlier asker can remain.
    """
    conn.execute(
        QUERIES.set_scope,
        (
            asker.scope_kind.value,
            asker.scope_path or "",
            "" if asker.organisation_id is None else str(asker.organisation_id),
            asker.role.value,
            str(asker.account_id),
        ),
    )
