"""Groups and floods in the database, and as pages show them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from alarms.storms.model import Group, load_causes
from equipment.foundation.database import Connection, load_queries

QUERIES = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class Storm:
    """A group as one line: what, where, since when, how many, and who in it needs rescue."""

    id: int
    cause: str
    place_kind: str
    place: str
    first_alarm: str
    first_unit_id: str | None
    """None: outside the caller's area."""
    first_unit_name: str | None
    started_at: datetime
    ended_at: datetime | None
    place_zh: str
    place_en: str
    alarms: int
    units: int
    active: int
    inhibited: int
    rescue: int
    """Entrapments and calls for help inside it; they page by themselves."""

    @property
    def definition(self) -> Group | None:
        """The cause as it is now; None when it is gone."""
        return load_causes().group(self.cause)


@dataclass(frozen=True, slots=True)
class Member:
    """One alarm of a group."""

    alarm_id: str
    unit_id: str
    unit_name: str
    rule: str
    severity: str
    state: str
    active: bool
    protected: bool
    inhibited: bool
    trigger: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class OpenFlood:
    """A flood that goes on."""

    console: str
    started_at: datetime
    peak: int


def storms(conn: Connection, ended_after: datetime) -> list[Storm]:
    """Groups that last or ended after that, as the caller may see their members."""
    return [Storm(*row) for row in conn.execute(QUERIES.storms_shown, (ended_after,))]


def members(conn: Connection, storm_id: int) -> list[Member]:
    """Alarms of a group, those that need rescue first."""
    return [Member(*row) for row in conn.execute(QUERIES.members, (storm_id,))]


def open_floods(conn: Connection) -> list[OpenFlood]:
    """Floods that go on."""
    return [OpenFlood(*row) for row in conn.execute(QUERIES.floods_open)]
