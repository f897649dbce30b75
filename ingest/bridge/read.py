"""What operators look at: sources and their guarantee, gaps, refusals, fields and codes that nothing knows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from equipment.foundation.database import Connection, load_queries
from ingest.codes.lists import code_lists

QUERIES = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class Source:
    """A gateway and what it has sent. ``missing``: messages that never came, as its numbers tell."""

    id: str
    kind: str
    name: str
    enabled: bool
    units: int
    last_at: datetime | None
    messages: int
    messages_qos0: int
    republished: int
    refused: int
    gaps: int
    missing: int
    online: bool | None

    @property
    def guaranteed(self) -> bool | None:
        """Whether its broker keeps what it sends until we have it: no, once a message came at QoS 0 (无送达保证).

        None: it has sent nothing yet.
        """
        return None if not self.messages else self.messages_qos0 == 0


@dataclass(frozen=True, slots=True)
class SourceGap:
    """缺口 of a source."""

    gateway_id: str
    noticed_at: datetime
    expected: int
    got: int
    missing: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """拒收, with its bytes."""

    gateway_id: str
    received_at: datetime
    topic: str
    address: str
    reason: str
    detail: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class UnmappedField:
    """A field that a signal coding does not know, or that had a value it does not know."""

    gateway_id: str
    profile: str
    field: str
    example: str
    count: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class UnmappedCode:
    """A code that no concept fits. ``zh`` None: its list does not have it at all."""

    code_list: str
    code: str
    zh: str | None
    events: int
    units: int
    last_at: datetime


def sources(conn: Connection) -> list[Source]:
    """All gateways, as the caller may see them."""
    return [Source(*row) for row in conn.execute(QUERIES.sources)]


def gaps(conn: Connection, gateway: str | None = None, limit: int = 100) -> list[SourceGap]:
    """Newest gaps first."""
    return [SourceGap(*row) for row in conn.execute(QUERIES.gaps, {"gateway": gateway, "limit": limit})]


def refusals(conn: Connection, gateway: str | None = None, limit: int = 100) -> list[Refusal]:
    """Newest refusals first."""
    return [Refusal(*row) for row in conn.execute(QUERIES.refusals, {"gateway": gateway, "limit": limit})]


def unmapped_fields(conn: Connection, limit: int = 200) -> list[UnmappedField]:
    """Fields and values of gateways that nothing knows, newest first."""
    return [UnmappedField(*row) for row in conn.execute(QUERIES.unmapped_fields, {"limit": limit})]


def unmapped_codes(conn: Connection, since: datetime) -> list[UnmappedCode]:
    """Codes since a device time that no rule can judge, most frequent first; "no fault" is not among them."""
    found = []
    for code_list, code, events, units, last_at in conn.execute(QUERIES.unmapped_codes, (since,)):
        codes = code_lists()[code_list].codes if code_list in code_lists() else {}
        known = codes.get(code)
        if known is None or not known.normal:
            found.append(UnmappedCode(code_list, code, known.zh if known else None, events, units, last_at))
    return found
