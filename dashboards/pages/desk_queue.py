"""What the desk's page makes of its queue: groups in a storm, who must be rung back, and where the teams are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dashboards.pages import maps
from dashboards.pages.reads import QUERIES, rows
from dashboards.rendering import local
from equipment.foundation.database import Connection

STORM_FROM = 6
"""Open incidents of one district from which they are grouped; a storm that is found (alarms.storms) groups from two."""
FOUND_FROM = 2


@dataclass(frozen=True, slots=True)
class QueueGroup:
    """Incidents of one district in a storm, or one by itself (``district`` empty).

    ``shown`` stay in sight: people may be inside, or nobody has taken it. Only ``folded`` can be folded away.
    """

    district: str
    district_en: str
    shown: tuple[Any, ...]
    folded: tuple[Any, ...]

    @property
    def count(self) -> int:
        """All of them."""
        return len(self.shown) + len(self.folded)

    @property
    def entrapments(self) -> int:
        """Those with people inside, as far as is known."""
        return sum(i.kind == "entrapment" for i in self.shown)


def in_sight(incident: Any) -> bool:
    """Whether it may never be folded away."""
    if incident.freed_at is not None:
        return False
    return incident.kind in ("entrapment", "unknown") or incident.accepted_at is None or incident.severity == "critical"


def grouped(queue: Sequence[Any], storms: Sequence[Any]) -> list[QueueGroup]:
    """The queue in its order of urgency; districts in a storm come as one group at the place of their most urgent incident."""
    found = {s.place_zh for s in storms if s.place_kind == "district" and s.ended_at is None}
    parts: dict[str, list[Any]] = {}
    for incident in queue:
        parts.setdefault(incident.district_zh or "", []).append(incident)
    groups: list[QueueGroup] = []
    done: set[str] = set()
    for incident in queue:
        place = incident.district_zh or ""
        own = parts[place]
        if place and len(own) >= (FOUND_FROM if place in found else STORM_FROM):
            if place not in done:
                done.add(place)
                shown = tuple(i for i in own if in_sight(i))
                folded = tuple(i for i in own if not in_sight(i))
                groups.append(QueueGroup(place, incident.district_en or place, shown, folded))
            continue
        groups.append(QueueGroup("", "", (incident,), ()))
    return groups


def to_ring_back(queue: Sequence[Any]) -> list[Any]:
    """安抚回拨: those whose people are still inside and wait for the next word, the most overdue first."""
    waiting = [i for i in queue if i.reassure_by is not None and i.freed_at is None]
    return sorted(waiting, key=lambda i: i.reassure_by)


def to_merge_with(incident: Any, queue: Sequence[Any]) -> list[Any]:
    """Open incidents that may be the same event: of the same lift first, then of the same place, then in their urgency."""
    others = [i for i in queue if i.id != incident.id]
    return sorted(
        others,
        key=lambda i: (
            i.unit_id is None or i.unit_id != incident.unit_id, not i.place_name or i.place_name != incident.place_name,
        ),
    )  # fmt: skip


def teams(conn: Connection) -> list[dict[str, Any]]:
    """Teams that have said where they set out or arrived, as marks of the map with the time of that word."""
    found = []
    for t in rows(conn, QUERIES.desk_teams):
        words = f"{t.number} · {local(t.arrived_at or t.departed_at):%H:%M}"
        kind = "team" if t.arrived_at else "setting-out"
        found.append(
            maps.point(t.lat, t.lon, t.organisation or t.number, kind=kind, words=words, href=f"/desk/{t.incident_id}")
        )
    return maps.placed(found)
