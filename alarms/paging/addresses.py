"""通知渠道: where an organisation wants to be told beside the telephone, and whom the two-hour rule names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from alarms.errors import AlarmsInputError, ConflictError
from alarms.paging.outbox import QUERIES
from equipment.access import webhooks
from equipment.foundation.database import Connection

CHANNELS = ("wecom", "dingtalk", "webhook", "email")
MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


@dataclass(frozen=True, slots=True)
class Reached:
    """One way in which an organisation is reached. ``id`` None: it follows from the register or the roster."""

    organisation_id: int
    organisation: str
    kind: str
    id: int | None
    channel: str
    address: str
    name: str
    since: datetime | None
    dead: int
    """Notifications of the last 30 days that never arrived this way."""


@dataclass(frozen=True, slots=True)
class NewAddress:
    """An address to be added. ``secret``: of DingTalk's robot; that of a webhook is ours and made here."""

    organisation_id: int
    channel: str
    address: str
    secret: str | None = None


def reached(conn: Connection, now: datetime, organisation_id: int | None = None) -> list[Reached]:
    """Who is reached by which channel at this moment: firms with lifts and rescue stations, as the caller may see them."""
    values = {"now": now, "organisation": organisation_id}
    return [Reached(*row) for row in conn.execute(QUERIES.reached, values)]


def add(conn: Connection, new: NewAddress, now: datetime) -> tuple[int, str | None]:
    """Add an address; returns its id and, of a webhook, the secret that signs what is sent there: shown this once.

    Raises
    ------
    AlarmsInputError
        What is wrong with it.
    ConflictError
        It is there already.
    """
    address = new.address.strip()
    if new.channel not in CHANNELS:
        raise AlarmsInputError(f"渠道须为 {', '.join(CHANNELS)} 之一 (one of these)")
    if new.channel == "email" and MAIL.fullmatch(address) is None:
        raise AlarmsInputError("请填写邮箱地址，如 zhiban@example.com (a mail address)")
    if new.channel != "email" and not address.startswith("https://"):
        raise AlarmsInputError("请填写以 https:// 开头的地址 (an address that begins with https://)")
    made = webhooks.new_secret() if new.channel == "webhook" else None
    secret = made or (new.secret or None if new.channel == "dingtalk" else None)
    row = conn.execute(QUERIES.add_address, (new.organisation_id, new.channel, address, secret, now)).fetchone()
    if row is None:
        raise ConflictError("该渠道和地址已登记 (this address is there already)")
    return int(row[0]), made


def end(conn: Connection, address_id: int, now: datetime) -> bool:
    """Nothing is sent there any more; False when there is no such address."""
    return conn.execute(QUERIES.end_address, (now, address_id)).fetchone() is not None
