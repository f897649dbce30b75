"""过户: cylinders go from one filling station to another. Offered by the owner, taken over by the receiver, item by item judged.

A transfer changes whose a cylinder is, and nothing else: its fills and its history stay with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum
from typing import Any

import msgspec
import psycopg

from equipment.access.model import Asker
from equipment.access.store import Change, audit
from equipment.cylinders.filling import judged
from equipment.cylinders.lifecycle import CylinderEvent, CylinderState
from equipment.cylinders.media import media
from equipment.cylinders.model import Judged
from equipment.cylinders.settings import CylinderSettings
from equipment.cylinders.stations import QUERIES, caller_of
from equipment.errors import CylinderInputError, CylinderStepError, OutOfScopeError, UnknownTransferError
from equipment.foundation.clock import SHANGHAI
from equipment.foundation.database import Connection

MOST_CYLINDERS = 1_000
"""In one transfer."""
LONGEST_REASON = 200
RECEIVER, GIVER = "receiver", "giver"


class TransferState(Enum):
    """Where a transfer stands."""

    OFFERED = "offered"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class TransferEvent(Enum):
    """What a party does with an offer."""

    ACCEPT = "accept"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"


TABLE: dict[TransferEvent, tuple[str, TransferState]] = {
    TransferEvent.ACCEPT: (RECEIVER, TransferState.ACCEPTED),
    TransferEvent.REFUSE: (RECEIVER, TransferState.REFUSED),
    TransferEvent.WITHDRAW: (GIVER, TransferState.WITHDRAWN),
}
"""Whose each event is, and where it leads from an open offer."""


@dataclass(frozen=True, slots=True)
class StationName:
    """A station that cylinders can go to, and which media it is licensed for today."""

    id: int
    name: str
    media: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RefusedItem:
    """A cylinder that cannot be transferred, and why."""

    code: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OfferAnswer:
    """What became of an offer; ``id`` None: none of the cylinders can go, and nothing was kept."""

    id: int | None
    offered: int
    refused: tuple[RefusedItem, ...] = ()


@dataclass(frozen=True, slots=True)
class Transfer:
    """One transfer as its parties and their inspectors read it."""

    id: int
    from_station: int
    from_name: str
    to_station: int
    to_name: str
    state: str
    reason: str
    offered_at: datetime
    decided_at: datetime | None
    answer: str
    cylinders: int
    moved: int


@dataclass(frozen=True, slots=True)
class TransferItem:
    """A cylinder of a transfer: offered, moved, or stayed with its owner for these reasons."""

    code: str
    outcome: str
    reasons: tuple[str, ...] = field(default_factory=tuple)


def directory(conn: Connection, day: date) -> list[StationName]:
    """All filling stations by name."""
    return [StationName(i, name, tuple(found)) for i, name, found in conn.execute(QUERIES.station_directory, (day,))]


def obstacles(
    c: Judged | None, owner: int, licensed: Sequence[str], day: date, settings: CylinderSettings
) -> list[str]:
    """Why a cylinder cannot go from ``owner`` to a station that is licensed for these media: empty, it can."""
    if c is None:
        return ["unknown_cylinder"]
    if c.station_id != owner:
        return ["another_station"]
    found = []
    if c.state is CylinderState.SCRAPPED:
        return ["scrapped"]
    if c.state is not CylinderState.EMPTY:
        found.append("not_empty")
    if day >= settings.end_of_life(c.make_date, media()[c.medium], c.scrap_date):
        found.append("beyond_life")
    if c.next_inspection is None:
        found.append("inspection_unknown")
    elif day > c.next_inspection:
        found.append("inspection_overdue")
    if c.medium not in licensed:
        found.append("medium_not_licensed" if licensed else "no_licence")
    return found


def _licensed(conn: Connection, station: int, day: date) -> tuple[str, ...]:
    found = next((s for s in directory(conn, day) if s.id == station), None)
    if found is None:
        raise CylinderInputError("to_station: 没有该充装单位 (no such filling station)")
    return found.media


def offer(
    conn: Connection, to_station: int, codes: Sequence[str], reason: str, asker: Asker, now: datetime
) -> OfferAnswer:
    """Offer cylinders of one's own to another station. What cannot go is named and left out.

    Raises
    ------
    CylinderInputError
        No reason, no or too many cylinders, or the station is one's own or unknown.
    NotAStationError, OutOfScopeError
    """
    owner = caller_of(conn, asker).station_id
    wanted = list(dict.fromkeys(code.strip() for code in codes if code.strip() and "\x00" not in code))
    if not 1 <= len(wanted) <= MOST_CYLINDERS:
        raise CylinderInputError(f"codes: 一次 1 至 {MOST_CYLINDERS} 只 (1 to {MOST_CYLINDERS} cylinders)")
    if not reason.strip() or len(reason) > LONGEST_REASON:
        raise CylinderInputError(f"reason: 请写明原因，不超过 {LONGEST_REASON} 字 (say why)")
    if to_station == owner:
        raise CylinderInputError("to_station: 接收单位不能是本单位 (another station than your own)")
    day, settings = now.astimezone(SHANGHAI).date(), CylinderSettings()
    licensed, known = _licensed(conn, to_station, day), judged(conn, wanted)
    pending = {no for (no,) in conn.execute(QUERIES.pending_transfer, ([j.no for j in known.values()],))}
    refused, going = [], []
    for code in wanted:
        cylinder = known.get(code)
        why = obstacles(cylinder, owner, licensed, day, settings)
        if cylinder is not None and not why and cylinder.no in pending:
            why = ["in_transfer"]
        if cylinder is None or why:
            refused.append(RefusedItem(code, tuple(why)))
        else:
            going.append(cylinder)
    if not going:
        return OfferAnswer(None, 0, tuple(refused))
    number = _keep(conn, (owner, to_station, reason.strip(), now, asker.account_id), going)
    audit(
        conn, asker, "cylinder.transfer", f"transfer:{number}", now,
        change=Change(reason.strip(), None, {"to": to_station, "cylinders": len(going)}),
    )  # fmt: skip
    return OfferAnswer(number, len(going), tuple(refused))


def _keep(conn: Connection, values: tuple[Any, ...], going: Sequence[Judged]) -> int:
    try:
        with conn.transaction():
            row = conn.execute(QUERIES.insert_transfer, values).fetchone()
            number = int(row[0]) if row else 0
            numbers, codes = [c.no for c in going], [c.code for c in going]
            conn.execute(QUERIES.insert_transfer_items, (number, numbers, codes))
            return number
    except psycopg.errors.InsufficientPrivilege as error:
        raise OutOfScopeError("由充装单位的安全总监办理 (your station's director offers its cylinders)") from error
    except psycopg.errors.UniqueViolation as error:
        raise CylinderStepError("其中有气瓶正在转移 (one of these is being transferred)") from error


def transfers(conn: Connection, *, open_only: bool, before: int, limit: int = 50) -> list[Transfer]:
    """Transfers that the caller may see, newest first; ``before`` is the id of the last one of the page before."""
    values = {"id": None, "open": open_only, "before": before, "limit": limit}
    return [Transfer(*row) for row in conn.execute(QUERIES.transfers, values)]


def require_transfer(conn: Connection, transfer: int) -> Transfer:
    """The transfer of that id.

    Raises
    ------
    UnknownTransferError
    """
    row = conn.execute(QUERIES.transfers, {"id": transfer, "open": False, "before": 2**62, "limit": 1}).fetchone()
    if row is None:
        raise UnknownTransferError(f"没有气瓶转移 {transfer} (no such transfer, or not yours to see)")
    return Transfer(*row)


def items_of(conn: Connection, transfer: int) -> list[TransferItem]:
    """The cylinders of a transfer."""
    rows = conn.execute(QUERIES.transfer_items, (transfer,))
    return [TransferItem(code, outcome, tuple(reasons)) for code, outcome, reasons in rows]


def decide(conn: Connection, transfer: int, event: TransferEvent, answer: str, asker: Asker, now: datetime) -> Transfer:
    """Accept, refuse or withdraw an offer. Of what is accepted, each cylinder is judged once more.

    Raises
    ------
    UnknownTransferError, CylinderInputError
    CylinderStepError
        It is decided already.
    OutOfScopeError
        The other party's to do.
    """
    conn.execute(QUERIES.lock_transfer, (transfer,))
    found = require_transfer(conn, transfer)
    party, after = TABLE[event]
    if asker.organisation_id != (found.to_station if party == RECEIVER else found.from_station):
        raise OutOfScopeError("由另一方办理 (the other station's to do)")
    if found.state != TransferState.OFFERED.value:
        raise CylinderStepError(f"该转移已是 {found.state} (decided already)")
    if (event is TransferEvent.REFUSE and not answer.strip()) or len(answer) > LONGEST_REASON:
        raise CylinderInputError(f"answer: 请写明理由，不超过 {LONGEST_REASON} 字 (say why)")
    moved: list[int] = []
    stayed: dict[int, list[str]] = {}
    if event is TransferEvent.ACCEPT:
        moved, stayed = _take(conn, found, asker, now)
    conn.execute(QUERIES.settle_items, {"transfer": transfer, "moved": moved, "stayed": msgspec.json.encode(
        [{"no": no, "reasons": why} for no, why in stayed.items()]).decode()})  # fmt: skip
    conn.execute(QUERIES.settle_transfer, (after.value, now, asker.account_id, answer.strip(), transfer))
    audit(
        conn, asker, f"cylinder.transfer.{event.value}", f"transfer:{transfer}", now,
        change=Change(answer.strip() or None, None, {"moved": len(moved), "stayed": len(stayed)}),
    )  # fmt: skip
    return require_transfer(conn, transfer)


def _take(conn: Connection, found: Transfer, asker: Asker, now: datetime) -> tuple[list[int], dict[int, list[str]]]:
    """What goes over, and what stays and why: a cylinder may have been filled, lost or frozen since it was offered."""
    day, settings = now.astimezone(SHANGHAI).date(), CylinderSettings()
    licensed = _licensed(conn, found.to_station, day)
    offered = [(int(no), str(code)) for no, code in conn.execute(QUERIES.offered_items, (found.id,))]
    known = {c.no: c for c in judged(conn, [code for _, code in offered]).values()}
    stayed = {no: obstacles(known.get(no), found.from_station, licensed, day, settings) for no, _ in offered}
    sound = [no for no, why in stayed.items() if not why]
    row = conn.execute(QUERIES.take_cylinders, (found.id, sound, now)).fetchone()
    moved = sorted(int(no) for no in (row[0] if row else ()))
    stayed = {no: why or ["not_empty"] for no, why in stayed.items() if no not in set(moved)}
    detail = {"from": found.from_name, "to": found.to_name, "transfer": found.id}
    entries = [
        {"at": now, "recorded_at": now, "station_id": found.to_station, "cylinder_no": no, "account_id": asker.account_id,
         "event": CylinderEvent.TRANSFER.value, "from_state": "empty", "to_state": "empty", "reason": found.reason,
         "detail": detail}
        for no in moved
    ]  # fmt: skip
    if entries:
        conn.execute(QUERIES.keep_events, (msgspec.json.encode(entries).decode(),))
    return moved, stayed
