"""What an incident (应急事件) is, and what can be asked of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any


class IncidentState(Enum):
    """Where an incident stands."""

    VERIFYING = "verifying"
    """待核实: only a sensor says so."""
    ACCEPTED = "accepted"
    """已接警: a person says so."""
    DISPATCHED = "dispatched"
    """已派单"""
    ANSWERED = "answered"
    """已应答"""
    ARRIVED = "arrived"
    """已到达"""
    FREED = "freed"
    """已解救"""
    CALLED_BACK = "called_back"
    """已回访"""
    CLOSED = "closed"
    """已办结"""
    CANCELLED = "cancelled"
    """已撤销"""
    AUTO_CLEARED = "auto_cleared"
    """自动消除: the sensor took it back before anybody confirmed it."""
    MERGED = "merged"
    """已合并"""


class IncidentEvent(Enum):
    """What can happen to an incident."""

    ACCEPT = "accept"
    """接警: a seat takes it."""
    CONFIRM = "confirm"
    """核实属实, by a seat or by a call."""
    UNANSWERED = "unanswered"
    """无人应答: nobody could be asked, so help goes."""
    SELF_RELEASE = "self_release"
    """自行脱困"""
    DISPATCH = "dispatch"
    """派单"""
    ANSWER = "answer"
    """应答"""
    REFUSE = "refuse"
    """拒单"""
    ESCALATE = "escalate"
    """升级"""
    ARRIVE = "arrive"
    """到达"""
    FREE = "free"
    """解救"""
    CALL_BACK = "call_back"
    """回访"""
    CLOSE = "close"
    """办结"""
    CANCEL = "cancel"
    """撤销 (误报)"""
    CLEAR = "clear"
    """The sensor took it back."""
    NOTE = "note"
    """备注"""
    DEPART = "depart"
    """出发: those who were ordered are on their way."""
    MERGE = "merge"
    """合并, by hand: it is the same event as another one."""
    SPLIT = "split"
    """拆分, by hand: some of its sources tell of another event."""
    ASK = "ask"
    """询问卡: what the caller was asked, and how many are inside or hurt."""
    REASSURE = "reassure"
    """安抚回拨: somebody has spoken to those inside."""
    SETTLE = "settle"
    """直接办结: a complaint or a question that needs nobody on site."""


class Outcome(Enum):
    """核实结果: what asking the car, the duty room or the firm has found."""

    CONFIRMED = "confirmed"
    FALSE_ALARM = "false_alarm"
    SELF_RELEASE = "self_release"
    NO_ANSWER = "no_answer"


@dataclass(frozen=True, slots=True)
class Incident:
    """One incident as it stands; the columns of its row."""

    id: int
    number: str
    unit_no: int | None
    state: IncidentState
    kind: str
    severity: str
    first_source: str
    confirmed: bool
    trapped: int | None
    injured: int | None
    opened_at: datetime
    reported_at: datetime | None
    verify_by: datetime | None
    accepted_at: datetime | None
    accepted_by: int | None
    dispatched_at: datetime | None
    arrived_at: datetime | None
    freed_at: datetime | None
    called_back_at: datetime | None
    closed_at: datetime | None
    version: int
    suspected_dead: int | None = None
    serious_injuries: int | None = None
    nature: str = "real"
    departed_at: datetime | None = None
    reassure_by: datetime | None = None
    merged_into: int | None = None

    @property
    def began_at(self) -> datetime:
        """The first milestone: 报警, or what opened it."""
        return self.reported_at or self.opened_at


@dataclass(frozen=True, slots=True)
class Source:
    """What reports an incident: an alarm of a sensor, a 96366 call, a QR report.

    ``confirmed``: a person says so. ``seat`` took the call and so has the incident.
    ``caller``: the number that rang; who rings again without naming a lift means the same.
    """

    kind: str
    id: str
    unit_no: int | None
    incident_kind: str
    severity: str
    reported_at: datetime
    confirmed: bool
    place: str = ""
    trapped: int | None = None
    injured: int | None = None
    suspected_dead: int | None = None
    medical_rescue: bool = False
    major_incident: bool = False
    seat: int | None = None
    caller: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Command:
    """What somebody wants of an incident.

    ``version`` is the one he has seen; None asks without having looked (sensors, timers). ``at``: when it happened, if
    not now. ``actor``: the account, None for the platform itself.
    """

    incident_id: int
    event: IncidentEvent
    actor: int | None = None
    actor_name: str | None = None
    how_known: str = "system"
    version: int | None = None
    at: datetime | None = None
    reason: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
