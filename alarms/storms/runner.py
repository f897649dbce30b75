"""Finds groups and floods in what the alarms say; all it knows lies in the database, so that a restart changes nothing.

It runs inside the transaction of the consumer that opens incidents: whether an alarm pages is decided once, in order.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from alarms import store as alarms
from alarms.lifecycle import TABLE, AlarmEvent, AlarmState
from alarms.storms.flood import WINDOW, Flood, floods
from alarms.storms.model import Causes, Group, Place, load_causes
from alarms.storms.settings import StormSettings
from alarms.storms.store import QUERIES
from alarms.suppression.model import Kind, is_protected
from equipment.foundation import stream
from equipment.foundation.database import Connection

LOOK_EVERY = timedelta(seconds=1)
CATCH_UP = timedelta(hours=1)
"""How far back floods are looked for after nobody looked."""
CONSOLES = ("desk", "city")
ASKS = ("raised", "returned", "escalated")


@dataclass(frozen=True, slots=True)
class Annunciation:
    """An alarm that asks for somebody, and where it stands."""

    alarm_id: str
    unit_no: int
    rule: str
    protected: bool
    at: datetime
    places: dict[Place, str | None]


class StormRunner:
    """Groups alarms as they are told, inhibits what is explained, and watches the load."""

    def __init__(self, settings: StormSettings | None = None, causes: Causes | None = None) -> None:
        self._settings = settings or StormSettings()
        self._causes = causes or load_causes()
        self._looked_at: datetime | None = None

    def take(self, conn: Connection, payload: dict[str, Any], now: datetime) -> bool:
        """One message of the stream ``alarms``; True: it is explained by another and pages nobody by itself."""
        silent = payload["suppressed"] or payload["shadow"] or payload["retrospective"]
        if payload["event"] not in ASKS or silent:
            return False
        told = _annunciation(conn, payload)
        muted = False
        for group in self._causes.groups:  # it is a member of each, whichever of them mutes it
            muted = self._group(conn, told, group, now) or muted
        muted = muted or self._explained(conn, told, now)
        desk = "desk" in payload["receivers"]
        district, gateway, firm = (told.places[p] for p in (Place.DISTRICT, Place.GATEWAY, Place.FIRM))
        conn.execute(
            QUERIES.insert_annunciation,
            (
                told.alarm_id, told.unit_no, told.rule, payload["severity"], payload["event"], desk, muted, district,
                gateway, firm, told.at,
            ),
        )  # fmt: skip
        if not muted:
            self._found(conn, told, now)
        return muted

    def turn(self, conn: Connection, now: datetime) -> int:
        """End what is over and look at the load, at most once a second; returns how many groups and floods changed."""
        if self._looked_at is not None and now - self._looked_at < LOOK_EVERY:
            return 0
        self._looked_at = now
        alarms.hold_alone(conn)
        changed = self._end(conn, now)
        for console in CONSOLES:
            changed += self._watch(conn, console, now)
        return changed

    # ── groups ──

    def _group(self, conn: Connection, told: Annunciation, group: Group, now: datetime) -> bool:
        """Join the group that is open at the alarm's place; True: it inhibits the alarm."""
        place = told.places[group.place]
        if place is None:
            return False
        row = conn.execute(QUERIES.open_storm, (group.id, place)).fetchone()
        if row is None:
            return False
        storm_id, first, _, ends_by = row
        relevant = told.rule in group.inhibits or told.rule in group.triggers or told.protected
        if not relevant or now >= ends_by:
            return False
        wanted = told.rule in group.inhibits and told.alarm_id != first and not told.protected
        inhibited = wanted and _inhibit(conn, told.alarm_id, f"storm:{storm_id}", group.id, now, ends_by)
        trigger = told.rule in group.triggers
        conn.execute(QUERIES.insert_member, (storm_id, told.alarm_id, told.unit_no, trigger, inhibited, told.at))
        return inhibited

    def _found(self, conn: Connection, told: Annunciation, now: datetime) -> None:
        """Whether the alarm makes a group of those before it; the first in it goes on paging for all."""
        for group in self._causes.groups:
            place = told.places[group.place]
            if place is None or told.rule not in group.triggers:
                continue
            if conn.execute(QUERIES.open_storm, (group.id, place)).fetchone() is not None:
                continue
            asked = {
                "rules": sorted(group.triggers), "since": told.at - group.window, "until": told.at + group.window,
                "kind": group.place.value, "place": place,
            }  # fmt: skip
            found = sorted(conn.execute(QUERIES.trigger_alarms, asked).fetchall(), key=lambda r: (r[2], r[0]))
            if len({unit for _, unit, _ in found}) < group.count:
                continue
            self._open(conn, group, place, found, now)

    def _open(
        self, conn: Connection, group: Group, place: str, found: list[tuple[str, int, datetime]], now: datetime
    ) -> None:
        first, first_unit, started_at = found[0]
        ends_by = now + group.longest
        values = (group.id, group.place.value, place, first, started_at, now, ends_by)
        row = conn.execute(QUERIES.insert_storm, values).fetchone()
        storm_id = row[0] if row else 0
        for key, unit_no, at in found:
            wanted = key != first and group.inhibits
            inhibited = bool(wanted) and _inhibit(conn, key, f"storm:{storm_id}", group.id, now, ends_by)
            conn.execute(QUERIES.insert_member, (storm_id, key, unit_no, True, inhibited, at))
        _tell(conn, "storm", {"id": storm_id, "cause": group.id, "place": place, "event": "started"}, first_unit, now)

    def _explained(self, conn: Connection, told: Annunciation, now: datetime) -> bool:
        """Whether an active alarm of the same unit or place explains it."""
        if told.protected:
            return False
        for inhibition in self._causes.inhibitions:
            place = told.places[inhibition.place]
            if told.rule not in inhibition.effects or place is None:
                continue
            asked = {"cause": inhibition.cause, "kind": inhibition.place.value, "place": place, "unit": told.unit_no}
            row = conn.execute(QUERIES.active_cause, asked).fetchone()
            if row is not None:
                by, until = f"alarm:{row[0]}", now + inhibition.longest
                return _inhibit(conn, told.alarm_id, by, inhibition.id, now, until)
        return False

    def _end(self, conn: Connection, now: datetime) -> int:
        """Groups whose cause is over; what is still present in them pages by itself."""
        ended = 0
        for storm_id, cause, ends_by, active in conn.execute(QUERIES.open_storms).fetchall():
            group = self._causes.group(cause)
            if group is not None and active >= group.ends_below and now < ends_by:
                continue
            conn.execute(QUERIES.end_storm, (now, storm_id))
            for (key,) in conn.execute(QUERIES.inhibited_by, (f"storm:{storm_id}",)).fetchall():
                _release(conn, key, now)
            _tell(conn, "storm", {"id": storm_id, "cause": cause, "event": "ended"}, None, now)
            ended += 1
        for (key,) in conn.execute(QUERIES.causes_over).fetchall():
            _release(conn, key, now)
        return ended

    # ── floods ──

    def _watch(self, conn: Connection, console: str, now: datetime) -> int:
        """Bring the floods of a console up to now; an open one is found again in what was annunciated."""
        row = conn.execute(QUERIES.open_flood, (console,)).fetchone()
        last = conn.execute(QUERIES.last_flood_end, (console,)).fetchone()
        begun: datetime | None = row[1] if row else None
        after: datetime = begun or max(now - CATCH_UP, last[0] if last and last[0] else now - CATCH_UP)
        times = [r[0] for r in conn.execute(QUERIES.annunciated, (after - WINDOW, now, console == "desk"))]
        seats = self._settings.seats if console == "desk" else 1
        found = [f for f in floods(times, now, seats) if f.ended_at is None or f.ended_at > after]
        changed = 0
        if row is not None:
            going = found.pop(0) if found else Flood(begun or now, now, 0)
            conn.execute(QUERIES.change_flood, (going.ended_at, going.peak, row[0]))
            if going.ended_at is not None:
                _tell(conn, "flood", {"console": console, "event": "ended"}, None, now)
                changed += 1
        for flood in found:
            conn.execute(QUERIES.insert_flood, (console, flood.started_at, flood.ended_at, flood.peak))
            _tell(conn, "flood", {"console": console, "event": "started", "peak": flood.peak}, None, now)
            changed += 1
        return changed


def _annunciation(conn: Connection, payload: dict[str, Any]) -> Annunciation:
    row = conn.execute(QUERIES.placed, (payload["unit_no"],)).fetchone()
    district, gateway, firm = row if row is not None else ("", None, None)
    places: dict[Place, str | None] = {
        Place.DISTRICT: district, Place.GATEWAY: gateway, Place.FIRM: firm, Place.UNIT: str(payload["unit_no"]),
    }  # fmt: skip
    protected = is_protected(payload["incident_kind"], momentary=payload["momentary"])
    at = datetime.fromisoformat(payload["at"])
    return Annunciation(payload["alarm_id"], payload["unit_no"], payload["rule"], protected, at, places)


def _inhibit(conn: Connection, key: str, by: str, why: str, now: datetime, until: datetime) -> bool:
    """Mute an alarm that something explains; one that a person has taken up or muted is left to him."""
    alarm = alarms.lock(conn, key)
    if alarm is None or alarm.protected or alarm.state is AlarmState.ACKNOWLEDGED:
        return False
    after = TABLE.get((alarm.state, AlarmEvent.SUPPRESS))
    if after is None:
        return False
    values = {"id": key, "state": after.value, "until": until, "shelf": None, "by": by}
    conn.execute(alarms.QUERIES.set_muted, values)
    alarms.record_suppression(conn, key, alarm.unit_no, Kind.INHIBITION, by, None, why, now, until)
    alarms.tell(conn, alarm, "inhibited", after, now, None, why, {"by": by})
    return True


def _release(conn: Connection, key: str, now: datetime) -> None:
    alarm = alarms.lock(conn, key)
    if alarm is not None and alarm.state is AlarmState.SUPPRESSED_BY_DESIGN:
        alarms.release(conn, alarm, now, None, "群发已结束 (what explained it is over)")


def _tell(conn: Connection, kind: str, message: dict[str, Any], unit_no: int | None, now: datetime) -> None:
    stream.publish(conn, "desk", kind, message | {"at": now.isoformat()}, unit_no=unit_no, now=now)
