"""Works the outbox off: claim, send outside of any transaction, note. A process that dies in between sends again."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from alarms.errors import PagingError
from alarms.incidents.settings import DeskSettings
from alarms.paging.adapters import Adapter, Outgoing, deliver
from alarms.paging.outbox import QUERIES
from alarms.paging.settings import PagingSettings
from equipment.foundation import metrics, stream
from equipment.foundation.clock import Clock
from equipment.foundation.database import Connection

CLAIM = timedelta(seconds=30)
"""How long a sender may take before another one sends the same again."""
AT_ONCE = 20
WAITS = (5, 15, 30, 60, 120, 300)
"""Seconds before the next attempt."""
KINDS = {"entrapment": "电梯困人", "fault": "电梯故障", "unknown": "电梯报警待核实"}

sent_total = metrics.counter(
    "teshe_notifications_total", "Notifications by channel and what became of them", ("channel", "outcome")
)


def words(body: Mapping[str, Any], purpose: str, link: str | None) -> str:
    """What is said: the place first, then what to do."""
    if purpose != "order":
        return str(body.get("text", ""))
    people = "" if body.get("trapped") is None else f"，被困{body['trapped']}人"
    place = " ".join(str(body.get(k) or "") for k in ("place", "lift")).strip() or "位置待核实"
    plate = f"，救援码{body['plate']}" if body.get("plate") else ""
    answer = f"。点此接单：{link}" if link else "。接单请按1，无法到场请按2"
    return f"【96366】{KINDS.get(str(body.get('kind')), '电梯事件')}：{place}{plate}{people}，事件{body.get('number')}{answer}"


@dataclass(slots=True)
class Sender:
    """One worker of the outbox; several may run beside each other. ``channels`` None: all of them."""

    adapters: Mapping[str, Adapter]
    settings: PagingSettings
    desk: DeskSettings
    clock: Clock
    channels: tuple[str, ...] | None = None

    def run_once(self, conn: Connection) -> int:
        """Send what is due; returns how many were tried. ``conn`` is in autocommit and has no transaction open."""
        now = self.clock.now()
        with conn.transaction():
            if self._rings:
                self._ring_again(conn, now)
            channels = None if self.channels is None else list(self.channels)
            claim = {"now": now, "until": now + CLAIM, "limit": AT_ONCE, "channels": channels}
            claimed = sorted(conn.execute(QUERIES.claim, claim).fetchall(), key=lambda row: (row[3] != "voice", row[0]))
        for row in claimed:
            values = {"id": row[0], "attempt": row[6], "until": self.clock.now() + CLAIM}
            if conn.execute(QUERIES.still_wanted, values).fetchone() is not None:
                self._one(conn, row)
            if self._rings:
                self._hang_up(conn)
        if self._rings:
            self._hang_up(conn)
        return len(claimed)

    @property
    def _rings(self) -> bool:
        return self.channels is None or "voice" in self.channels

    def _ring_again(self, conn: Connection, now: datetime) -> None:
        before = now - timedelta(seconds=self.settings.ring_again_seconds)
        values = {"now": now, "before": before, "most": self.settings.most_rings}
        for (again,) in conn.execute(QUERIES.ring_again, values).fetchall():
            conn.execute(QUERIES.note_attempt, (again, now, "again", "无人接听或按键 (nobody took it)"))

    def _one(self, conn: Connection, row: tuple[Any, ...]) -> None:
        number, key, purpose, channel, address, body, attempt, _, dispatch, organisation, _ = row
        now = self.clock.now()
        adapter = self.adapters.get(channel)
        try:
            if adapter is None:
                raise PagingError(f"通道 {channel} 未配置 (the channel is not configured)")
            link = self._link(conn, number, dispatch, now) if channel == "sms" and purpose == "order" else None
            secret = (
                conn.execute(QUERIES.secret_of, (organisation, channel, address)).fetchone() if organisation else None
            )
            out = Outgoing(
                key if row[10] == 0 else f"{key}:ring{row[10]}", address, words(body, purpose, link), body, attempt, now, secret[0] if secret else None,
            )  # fmt: skip
            provider = deliver(adapter, out)
        except PagingError as error:
            self._failed(conn, row, error, final=adapter is None)
            return
        with conn.transaction():
            values = {"now": now, "provider": provider, "id": number}
            if conn.execute(QUERIES.mark_sent, values).fetchone() is None:
                conn.execute(QUERIES.mark_stopped_while_sending, values)
            conn.execute(QUERIES.note_attempt, (number, now, "sent", provider))
        sent_total.labels(channel, "sent").inc()

    def _link(self, conn: Connection, number: int, dispatch: int, now: datetime) -> str:
        """A link that answers the order once; only its hash is kept."""
        token = secrets.token_urlsafe(18)
        digest = hashlib.sha256(token.encode()).digest()
        expires = now + timedelta(minutes=self.desk.reply_minutes)
        conn.execute(QUERIES.insert_link, (digest, dispatch, number, expires))
        return f"{self.settings.public_address.rstrip('/')}/reply/{token}"

    def _failed(self, conn: Connection, row: tuple[Any, ...], error: PagingError, *, final: bool) -> None:
        number, channel, attempt, now = row[0], row[3], row[6], self.clock.now()
        with conn.transaction():
            if not final and attempt < self.settings.most_attempts:
                wait = timedelta(seconds=WAITS[min(attempt, len(WAITS)) - 1])
                conn.execute(QUERIES.mark_failed, {"id": number, "next": now + wait, "error": str(error)[:500]})
                conn.execute(QUERIES.note_attempt, (number, now, "failed", str(error)[:500]))
                sent_total.labels(channel, "failed").inc()
                return
            dead = conn.execute(QUERIES.mark_dead, {"id": number, "error": str(error)[:500]}).fetchone()
            if dead is None:
                return
            conn.execute(QUERIES.note_attempt, (number, now, "dead", str(error)[:500]))
            incident, organisation, person, _, address = dead
            task = {
                "key": f"dead:{channel}:{'not-configured' if final else address}:{self.clock.now():%Y%m%d}", "kind": "dead_letter", "incident": incident, "unit": None, "organisation": organisation,
                "person": person, "detail": Jsonb({"channel": channel, "address": address, "error": str(error)[:300]}),
                "now": now, "by": None, "due": None,
            }  # fmt: skip
            conn.execute(QUERIES.insert_task, task)
            message = {"incident_id": incident, "channel": channel, "error": str(error)[:300]}
            stream.publish(conn, "desk", "dead_letter", message, unit_no=None, now=now)
        sent_total.labels(channel, "dead").inc()

    def _hang_up(self, conn: Connection) -> None:
        """Ring off what was answered elsewhere."""
        with conn.transaction():
            for number, provider, channel in conn.execute(QUERIES.to_hang_up).fetchall():
                adapter = self.adapters.get(channel)
                outcome, said = "stopped", provider
                try:
                    if adapter is not None:
                        adapter.hang_up(provider, self.clock.now())
                except PagingError as error:
                    outcome, said = "failed", str(error)[:500]
                conn.execute(QUERIES.hung_up, (number,))
                conn.execute(QUERIES.note_attempt, (number, self.clock.now(), outcome, said))
