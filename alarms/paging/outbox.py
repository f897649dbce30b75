"""Writes notifications in the transaction that wants somebody told. The sender works them off afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from equipment.foundation.database import Connection, load_queries

QUERIES = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class Notice:
    """One notification to be. ``key`` makes it the same one: a second writing changes nothing."""

    key: str
    purpose: str
    channel: str
    address: str
    body: Mapping[str, Any]
    incident_id: int | None = None
    dispatch_id: int | None = None
    organisation_id: int | None = None
    person_id: int | None = None


def write(conn: Connection, notice: Notice, now: datetime) -> bool:
    """Add a notification; False when it is there already."""
    row = conn.execute(
        QUERIES.insert_notification,
        (
            notice.key, notice.purpose, notice.incident_id, notice.dispatch_id, notice.organisation_id, notice.person_id,
            notice.channel, notice.address, Jsonb(dict(notice.body)), now, now,
        ),
    ).fetchone()  # fmt: skip
    return row is not None


def page_order(
    conn: Connection, incident_id: int, dispatch_id: int, organisation: int, unit_no: int | None, now: datetime
) -> int:
    """Page everybody who answers for an order: those on duty, the duty phone, and the firm's own channels.

    Voice comes first and an SMS beside it; the page is never the only way. Returns how many notifications there are.
    """
    row = conn.execute(QUERIES.words_of_incident, (incident_id,)).fetchone()
    number, kind, trapped, name, plate, place = row if row is not None else ("", "", None, "", "", "")
    body = {
        "number": number, "kind": kind, "trapped": trapped, "lift": name, "plate": plate, "place": place,
        "incident_id": incident_id, "dispatch_id": dispatch_id,
    }  # fmt: skip
    values = {"organisation": organisation, "unit": unit_no, "now": now}
    found = [(channel, address, person) for channel, address, person in conn.execute(QUERIES.addresses, values)]
    written = 0
    for channel, address, person in [*found, ("page", str(organisation), None)]:
        key = f"order:{dispatch_id}:{channel}:{address}"
        notice = Notice(
            key[:400], "order", channel, address, body, incident_id, dispatch_id, organisation, person
        )  # fmt: skip
        written += write(conn, notice, now)
    return written
