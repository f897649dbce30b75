"""The process ``teshe link run`` on either side: what a bundle does there, and the loop that carries them."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime

import psycopg
from fastapi import FastAPI

from dashboards.app import create_app
from dashboards.settings import WebSettings
from dashboards.surfaces import Surface
from dashboards.zone.asked import AskedClock
from dashboards.zone.replay import Replay
from equipment.access.store import forget_sessions
from equipment.errors import LinkError
from equipment.foundation.clock import Clock
from equipment.foundation.database import Connection, DatabaseRole, connect, open_pool, translated
from equipment.foundation.errors import BrokerUnavailableError, WorldError
from equipment.foundation.logs import get_logger
from equipment.foundation.process import StopSignal, backoff_seconds
from equipment.link import store
from equipment.link.model import Entry, Side
from equipment.link.runner import Link
from equipment.link.settings import LinkSettings
from equipment.link.store import Apply
from equipment.transparency import log as transparency
from equipment.transparency.keys import KEY_BYTES, Signer
from ingest import lease, relay
from ingest.broker import BrokerAddress, ShardSessions
from ingest.credentials.runner import BrokerAuthorisation
from ingest.credentials.settings import CredentialSettings

log = get_logger("dashboards.zone")
POLL_SECONDS = 0.2


def link_signer(settings: LinkSettings) -> Signer:
    """The side's own key; made at the first start."""
    return Signer.from_file(settings.key_file, "teshe/link")


def peer_key(settings: LinkSettings) -> bytes:
    """The other side's public key.

    Raises
    ------
    LinkError
        It is missing, or is no key.
    """
    try:
        key = base64.b64decode(settings.peer_key or "", validate=True)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise LinkError("TESHE_LINK_PEER_KEY: 填对侧 teshe link key 显示的公钥 (what teshe link key shows over there)")
    return key


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where a side finds its services. ``web_url``: the login that row security binds."""

    url: str
    web_url: str
    broker: BrokerAddress
    log_signer: Signer


def inner_apply(replay: Replay, broker: relay.InnerBroker) -> Apply:
    """On the government side: telemetry into its broker, requests through its interface."""

    def outside(conn: Connection, entries: Sequence[Entry]) -> None:
        broker.publish(relay.messages_of(entries))
        replay.do(conn, entries)

    return Apply(outside=outside, inside=store.spend_codes)


def outer_apply() -> Apply:
    """On the internet side: the copy follows."""
    return Apply(inside=store.take_rows)


def run_link(where: Surroundings, settings: LinkSettings, clock: Clock, stop: StopSignal) -> None:
    """Carry bundles until asked to stop; what is away is waited for.

    Raises
    ------
    LinkError
        The database was not set up as a side, or another process carries already.
    """
    way, attempt = _Way(settings, link_signer(settings), peer_key(settings), clock), 0
    while not stop.is_set:
        try:
            with translated(), ExitStack() as stack:
                conn = stack.enter_context(
                    connect(where.url, DatabaseRole.SYSTEM, application_name="teshe-link", autocommit=True)
                )
                alone = conn.execute("select pg_try_advisory_lock(hashtextextended('link:run', 0))").fetchone()
                if alone is None or not alone[0]:
                    raise LinkError("另一 teshe link run 正在运行 (another teshe link run is at work on this database)")
                side = store.require_side(conn)
                log.info("link_ready", side=side.value)
                carry = _outer if side is Side.OUTER else _inner
                carry(stack, where, way)(conn, stop)
        except (WorldError, psycopg.Error) as error:
            attempt += 1
            log.error("link_failed", error=str(error), kind=type(error).__name__, attempt=attempt)
            stop.wait(backoff_seconds(attempt))


Carry = Callable[[Connection, StopSignal], None]


@dataclass(frozen=True, slots=True)
class _Way:
    settings: LinkSettings
    signer: Signer
    peer: bytes
    clock: Clock

    def link(self, side: Side, apply: Apply) -> Link:
        return Link(side, self.settings, self.signer, self.peer, apply)


def _inner(stack: ExitStack, where: Surroundings, way: _Way) -> Carry:
    clock = way.clock
    pool = open_pool(where.web_url, DatabaseRole.SCOPED, max_size=4, application_name="teshe-link-requests")
    stack.callback(pool.close)

    def app(surface: Surface) -> FastAPI:
        settings = WebSettings(zone=Side.INNER, surface=surface)
        return create_app(pool, where.web_url, settings, AskedClock(clock), where.log_signer)

    broker = relay.InnerBroker(where.broker)
    stack.callback(broker.close)
    link = way.link(Side.INNER, inner_apply(Replay(app(Surface.FIRM), app(Surface.PUBLIC), clock), broker))

    def carry(conn: Connection, stop: StopSignal) -> None:
        while not stop.is_set:
            applied = link.turn(conn, clock.now(), lambda: not stop.is_set)
            stop.wait(0 if applied else way.settings.every_seconds)

    return carry


class _Upkeep:
    """What the jobs do elsewhere: the audit enters this side's log, old sessions go, the broker follows the registry's copy."""

    def __init__(self, where: Surroundings) -> None:
        self._where = where
        self._broker = BrokerAuthorisation(CredentialSettings(), where.broker)

    def turn(self, conn: Connection, now: datetime) -> None:
        """Do what is due; a broker that cannot be told now is told at a later turn."""
        signer = self._where.log_signer
        with conn.transaction():
            transparency.sequence(conn, now)
            transparency.register_key(conn, signer.public(now), None)
            transparency.sign_if_due(conn, signer, signer.name, now)
            forget_sessions(conn, now)
        try:
            with conn.transaction():
                self._broker.follow(conn, now)
                self._broker.watch(conn, now)
        except BrokerUnavailableError as error:
            log.error("broker_not_told", error=str(error))


def _outer(stack: ExitStack, where: Surroundings, way: _Way) -> Carry:
    clock, link = way.clock, way.link(Side.OUTER, outer_apply())

    def carry(conn: Connection, stop: StopSignal) -> None:
        sessions = ShardSessions(where.broker, lease.make_shards(conn), clock)
        stack.callback(sessions.close_all)
        for shard in sorted(lease.client_ids(conn)):
            sessions.open(shard)
        upkeep = _Upkeep(where)
        next_turn = 0.0
        while not stop.is_set:
            relay.take(conn, sessions, POLL_SECONDS, clock.now())
            if clock.monotonic() >= next_turn:
                upkeep.turn(conn, clock.now())
                applied = link.turn(conn, clock.now(), lambda: not stop.is_set)
                next_turn = clock.monotonic() + (0 if applied else way.settings.every_seconds)

    return carry
