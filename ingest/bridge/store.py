"""What the bridge keeps in the database: its lease, the gateways, their state and their account."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec
from psycopg.errors import ForeignKeyViolation
from psycopg.types.json import Jsonb

from equipment.foundation.database import Connection, load_queries
from ingest.bridge.canonical import Unmapped
from ingest.bridge.model import Gap, Gateway, Listed
from ingest.bridge.sparkplug.node import Node
from ingest.codes.profiles import profile_of
from ingest.errors import GatewayError, LeaseLostError

QUERIES = load_queries(__file__)
LONGEST_DETAIL = 1_000


class GatewayState(msgspec.Struct):
    """All that must survive a restart. ``faults``: active codes by address, of vendors that send each on its own."""

    node: Node = msgspec.field(default_factory=Node)
    faults: dict[str, dict[str, list[str]]] = msgspec.field(default_factory=dict)


@dataclass(slots=True)
class Delta:
    """What one batch adds to a gateway's account."""

    messages: int = 0
    messages_qos0: int = 0
    republished: int = 0
    refused: int = 0
    rebirths_asked: int = 0
    online: bool | None = None
    gaps: list[Gap] = field(default_factory=list)
    unmapped: Counter[Unmapped] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class RefusedEntry:
    """A refusal as it is stored."""

    gateway_id: str
    received_at: datetime
    topic: str
    address: str
    reason: str
    detail: str
    payload: bytes


def client_id(conn: Connection) -> str:
    """The broker client id of the bridge; made at the first call."""
    conn.execute(QUERIES.ensure_bridge, (f"teshe-bridge-{secrets.token_hex(16)}",))
    row = conn.execute(QUERIES.bridge_client).fetchone()
    return str(row[0]) if row else ""


def has_led(conn: Connection) -> bool:
    """Whether a bridge has run on this installation, so that its sessions are on the broker."""
    row = conn.execute(QUERIES.has_led).fetchone()
    return row is not None and bool(row[0])


def take_lease(conn: Connection, owner: str, now: datetime, lifetime: timedelta) -> int | None:
    """The epoch of the lease, if it is free."""
    row = conn.execute(QUERIES.take_lease, {"owner": owner, "until": now + lifetime, "now": now}).fetchone()
    return int(row[0]) if row else None


def renew_lease(conn: Connection, owner: str, epoch: int, until: datetime) -> None:
    """Prolong the lease.

    Raises
    ------
    LeaseLostError
    """
    if conn.execute(QUERIES.renew_lease, (until, owner, epoch)).fetchone() is None:
        raise LeaseLostError("another bridge has taken over")


def hold_lease(conn: Connection, owner: str, epoch: int) -> None:
    """Lock the lease for this transaction.

    Raises
    ------
    LeaseLostError
    """
    if conn.execute(QUERIES.hold_lease, (owner, epoch)).fetchone() is None:
        raise LeaseLostError("another bridge has taken over")


def release_lease(conn: Connection, owner: str) -> None:
    """Let go, so that another need not wait."""
    conn.execute(QUERIES.release_lease, (owner,))


def add_gateway(conn: Connection, gateway_id: str, kind: str, name: str, now: datetime) -> None:
    """Register a gateway, or change its name and kind."""
    conn.execute(QUERIES.add_gateway, (gateway_id, kind, name, now))


def list_unit(conn: Connection, gateway_id: str, address: str, unit_id: str, profile: str) -> None:
    """Let a gateway speak for a unit.

    Raises
    ------
    GatewayError
        There is no such unit, or no such gateway.
    CodeListError
        The signal coding is not for this kind of unit.
    """
    row = conn.execute(QUERIES.unit_kind, (unit_id,)).fetchone()
    if row is None:
        raise GatewayError(f"没有设备 {unit_id} (no unit {unit_id!r} is registered: register it first)")
    profile_of(profile, row[0])
    values = {"gateway": gateway_id, "address": address, "unit": unit_id, "profile": profile}
    try:
        conn.execute(QUERIES.list_unit, values)
    except ForeignKeyViolation:
        raise GatewayError(f"没有网关 {gateway_id}，请先添加 (no gateway {gateway_id!r}: add it first)") from None


def disable_gateway(conn: Connection, gateway_id: str) -> None:
    """Refuse everything that a gateway sends from now on.

    Raises
    ------
    GatewayError
        There is none.
    """
    if conn.execute(QUERIES.disable_gateway, (gateway_id,)).fetchone() is None:
        raise GatewayError(f"没有网关 {gateway_id} (no gateway {gateway_id!r})")


def load_gateways(conn: Connection) -> dict[str, Gateway]:
    """Enabled gateways with their units."""
    found: dict[str, tuple[str, dict[str, Listed]]] = {}
    for gateway_id, kind, address, unit_id, unit_kind, profile in conn.execute(QUERIES.gateways):
        units = found.setdefault(gateway_id, (kind, {}))[1]
        if unit_id is not None:
            units[address] = Listed(unit_id, unit_kind, profile)
    return {gateway_id: Gateway(gateway_id, kind, units) for gateway_id, (kind, units) in found.items()}


def load_states(conn: Connection) -> dict[str, GatewayState]:
    """What was kept of each gateway."""
    return {
        gateway_id: msgspec.convert(state, GatewayState, str_keys=True)
        for gateway_id, state in conn.execute(QUERIES.states)
    }


def state_as_json(state: GatewayState) -> dict[str, Any]:
    """The state without what is held for a moment only."""
    document: dict[str, Any] = msgspec.to_builtins(
        msgspec.structs.replace(state, node=_without_held(state.node)), str_keys=True
    )
    return document


def _without_held(node: Node) -> Node:
    return Node(node.bd_seq, node.next_seq, node.newest_ms, node.devices, node.asked_at)


def save(
    conn: Connection, states: Mapping[str, GatewayState], deltas: Mapping[str, Delta], refused: list[RefusedEntry],
    now: datetime,
) -> None:  # fmt: skip
    """Write what one batch changed."""
    with conn.cursor() as cursor:
        cursor.executemany(
            QUERIES.save_state, [(name, Jsonb(state_as_json(state)), now) for name, state in states.items()]
        )
        cursor.executemany(QUERIES.add_account, [_account(name, delta, now) for name, delta in deltas.items()])
        cursor.executemany(
            QUERIES.add_gap,
            [(name, now, g.expected, g.got, g.missing) for name, delta in deltas.items() for g in delta.gaps],
        )
        cursor.executemany(
            QUERIES.add_unmapped,
            [
                {
                    "gateway_id": name,
                    "profile": u.profile,
                    "field": u.field[:80],
                    "value": u.value,
                    "count": count,
                    "now": now,
                }
                for name, delta in deltas.items()
                for u, count in delta.unmapped.items()
            ],
        )
        cursor.executemany(
            QUERIES.add_refusal,
            [
                (r.gateway_id, r.received_at, _text(r.topic), _text(r.address), r.reason, _text(r.detail[:LONGEST_DETAIL]),
                 r.payload)
                for r in refused
            ],
        )  # fmt: skip


def _account(name: str, delta: Delta, now: datetime) -> dict[str, Any]:
    return {
        "gateway_id": name, "now": now, "messages": delta.messages, "messages_qos0": delta.messages_qos0,
        "republished": delta.republished, "refused": delta.refused, "gaps": len(delta.gaps),
        "missing": sum(gap.missing for gap in delta.gaps), "rebirths_asked": delta.rebirths_asked, "online": delta.online,
    }  # fmt: skip


def _text(text: str) -> str:
    """PostgreSQL's text knows no NUL."""
    return text.replace("\x00", "\\0")
