"""Two installations with folders between them, at a scripted time; the test carries the files, or does not."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.testclient import TestClient

from dashboards.app import create_app
from dashboards.settings import WebSettings
from dashboards.surfaces import Surface
from dashboards.zone.asked import AskedClock
from dashboards.zone.replay import Replay
from equipment.access.model import Role
from equipment.foundation.clock import ManualClock
from equipment.foundation.database import Connection, DatabaseRole, open_pool
from equipment.link import store
from equipment.link.model import Entry, Side
from equipment.link.runner import Link
from equipment.link.settings import LinkSettings
from equipment.link.store import Apply
from equipment.link.tables import set_up
from equipment.registry.store import load_jurisdictions
from equipment.transparency.keys import Signer
from ingest import relay
from ingest.model import Channel
from ingest.topics import topic_of
from tests.conftest import Database
from tests.pipeline import PASSWORD, sample
from tests.platform import LOGIN_OF, Person, Platform


@dataclass
class Zones:
    """``carry`` is the way across: what is laid down on one side lies on the other afterwards."""

    inner: Platform
    outer: FastAPI
    outer_conn: Connection
    clock: ManualClock
    links: dict[Side, Link]
    folders: dict[Side, LinkSettings]
    pools: dict[Side, Any]
    outer_url: str
    delivered: list[bytes] = field(default_factory=list)
    seq: int = 0

    def carry(self) -> None:
        for side in Side:
            source, target = self.folders[side].send_dir, self.folders[side.other].receive_dir
            target.mkdir(parents=True, exist_ok=True)
            for file in sorted(source.glob("*.bundle")) if source.is_dir() else ():
                shutil.move(file, target / file.name)

    def turn(self, *, up: bool = True, seconds: float = 0.0) -> None:
        """Let time pass, let both sides work, and carry until nothing is on its way."""
        if seconds:
            self.inner.pipeline.wait(seconds)
        self.inner.turn()
        for _ in range(4 if up else 1):
            for side, conn in ((Side.OUTER, self.outer_conn), (Side.INNER, self.inner.conn)):
                self.links[side].turn(conn, self.clock.now())
            if up:
                self.carry()
                self.inner.turn()

    def person(self, role: Role) -> Person:
        """Somebody who logs in on the internet side."""
        client = TestClient(self.outer, base_url="https://outer.testserver")
        answer = client.post("/api/v1/sessions", json={"login": LOGIN_OF[role], "password": PASSWORD})
        assert answer.status_code == 201, answer.text
        return Person(client, answer.json()["csrf"])

    def telemetry(self, unit: str, values: dict[str, Any]) -> bytes:
        """A device's message as the outer broker's session delivers it."""
        self.seq += 1
        payload = json.dumps(sample(self.clock.now(), self.seq, values)).encode()
        said = [topic_of(unit, Channel.TELEMETRY), base64.b64encode(payload).decode(), self.clock.now().isoformat()]
        with self.outer_conn.transaction():
            store.spool(self.outer_conn, relay.KIND, {"m": [said]}, self.clock.now())
        return payload

    def deliver(self, entries: Sequence[Entry]) -> None:
        """The inner broker and worker."""
        for topic, payload in relay.messages_of(entries):
            self.delivered.append(payload)
            self.inner.pipeline.receive(self.inner.pipeline.message(topic, payload))


def settings_of(home: Path, side: Side) -> LinkSettings:
    return LinkSettings(send_dir=home / side.value / "send", receive_dir=home / side.value / "receive")


def inner_do(replay: Replay, deliver: Callable[[Sequence[Entry]], None]) -> Apply:
    def outside(conn: Connection, entries: Sequence[Entry]) -> None:
        deliver(entries)
        replay.do(conn, entries)

    return Apply(outside=outside, inside=store.spend_codes)


@contextmanager
def zones_over(platform: Platform, inner: Database, outer: Database, clock: ManualClock, home: Path) -> Iterator[Zones]:
    with ExitStack() as stack:
        for database, side in ((inner, Side.INNER), (outer, Side.OUTER)):
            with database.connect(DatabaseRole.OWNER, autocommit=True) as owner:
                set_up(owner, side, clock.now())
        conn = stack.enter_context(outer.connect(autocommit=True))
        load_jurisdictions(conn)
        pools = []
        for database in (inner, outer):
            pool = open_pool(database.url, DatabaseRole.SCOPED, max_size=4, application_name="test-zone")
            stack.callback(pool.close)
            pools.append(pool)
        inside = [
            create_app(pools[0], inner.url, WebSettings(zone=Side.INNER, surface=surface, record_position_seconds=0),
                       AskedClock(clock), platform.signer)
            for surface in (Surface.FIRM, Surface.PUBLIC)
        ]  # fmt: skip
        web = WebSettings(zone=Side.OUTER, surface=Surface.FIRM, record_position_seconds=0)
        outside = create_app(pools[1], outer.url, web, clock, platform.signer)
        keys = {side: Signer.generate(side.value) for side in Side}
        folders = {side: settings_of(home, side) for side in Side}
        made = Zones(
            platform,
            outside,
            conn,
            clock,
            {},
            folders,
            dict(zip((Side.INNER, Side.OUTER), pools, strict=True)),
            outer.url,
        )
        does = {
            Side.INNER: inner_do(Replay(inside[0], inside[1], clock), made.deliver),
            Side.OUTER: Apply(inside=store.take_rows),
        }
        for side in Side:
            made.links[side] = Link(side, folders[side], keys[side], keys[side.other].public_key, does[side])
        yield made


def count(conn: Any, statement: str, *values: Any) -> Any:
    row = conn.execute(statement.encode(), values).fetchone()
    assert row is not None
    return row[0]
