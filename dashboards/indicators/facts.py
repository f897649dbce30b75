"""What the indicators are made of, read once per question under the asker's scope (数据时点).

``known_at`` fixes everything: the accidents as the register had them then, and the newest data cut of that moment.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from dashboards.indicators.errors import NoDataCutError
from equipment.accidents.model import Accident
from equipment.accidents.store import accidents_between
from equipment.foundation.clock import SHANGHAI
from equipment.foundation.database import Connection, load_queries

QUERIES = load_queries(__file__)
BEGINNING = datetime(1949, 10, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Place:
    """辖区 as the board names it."""

    id: str
    kind: str
    zh: str
    en: str
    path: str


@dataclass(frozen=True, slots=True)
class DataCut:
    """When the counts were taken."""

    id: int
    cut_at: datetime
    day: date
    seconds: float


@dataclass(frozen=True, slots=True)
class Exposure:
    """Units of one place and kind by the end of one year, and their time in use within it [unit-years]."""

    path: str
    kind: str
    year: int
    in_use: int
    stopped: int
    in_use_years: float
    registered_years: float
    source: str


@dataclass(frozen=True, slots=True)
class ReferenceFigure:
    """参考数据: one published figure with its mark."""

    area: str
    year: int
    measure: str
    value: float
    mark: str
    source: str


@dataclass(frozen=True, slots=True)
class Focus:
    """What is looked at: a place, and one kind of equipment or all."""

    place: Place
    kind: str = ""

    def covers(self, path: str, kind: str) -> bool:
        """Whether something of ``kind`` at ``path`` belongs to it."""
        return path.startswith(self.place.path) and self.kind in ("", kind)


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything, for one asker and one moment."""

    known_at: datetime
    day: date
    cut: DataCut
    places: tuple[Place, ...]
    exposure: tuple[Exposure, ...]
    counts: Mapping[tuple[str, str, str], float]
    months: Mapping[tuple[str, str, date], float]
    accidents: tuple[Accident, ...]
    reference: tuple[ReferenceFigure, ...]
    paths: Mapping[str, str] = field(default_factory=dict)

    @property
    def whole(self) -> Place:
        """The largest place the asker sees."""
        return self.places[0]

    @property
    def districts(self) -> list[Place]:
        """区县局 and 分局."""
        return [p for p in self.places if p.kind == "district"]

    def place(self, wanted: str) -> Place:
        """A place by id; what is not there is the whole."""
        return next((p for p in self.places if p.id == wanted), self.whole)

    def accidents_of(self, focus: Focus) -> list[Accident]:
        """Accidents of a focus, oldest first."""
        return [a for a in self.accidents if focus.covers(self.paths.get(a.jurisdiction_id, ""), a.kind)]

    def exposures_of(self, focus: Focus, year: int) -> Iterator[Exposure]:
        """Exposures of a focus in one year."""
        return (e for e in self.exposure if e.year == year and focus.covers(e.path, e.kind))

    def count(self, focus: Focus, measure: str) -> int:
        """Sum of one measure over a focus."""
        found = (v for (path, kind, m), v in self.counts.items() if m == measure and focus.covers(path, kind))
        return round(sum(found))

    def counted(self, measure: str, month: date) -> bool:
        """Whether a measure was counted in a month at all, with whatever result."""
        return any(m == measure and at == month for _, m, at in self.months)

    def month(self, place: Place, measure: str, month: date) -> int:
        """Events of one month at a place."""
        found = (
            v for (p, m, at), v in self.months.items() if m == measure and at == month and p.startswith(place.path)
        )
        return round(sum(found))

    def reference_of(self, area: str) -> dict[int, dict[str, ReferenceFigure]]:
        """The figures of one area by year and measure."""
        found: dict[int, dict[str, ReferenceFigure]] = defaultdict(dict)
        for figure in self.reference:
            if figure.area == area:
                found[figure.year][figure.measure] = figure
        return found


def read_facts(conn: Connection, known_at: datetime, day: date | None = None) -> Facts:
    """Read everything that was known at ``known_at``, for figures as of the end of ``day`` (default: its own day).

    Raises
    ------
    NoDataCutError
        No data cut is as old as that: nothing can be said of that moment.
    """
    # in two statements: a cut that is made now is not visible to the statement that makes it
    wanted = conn.execute(QUERIES.cut_at, (known_at,)).fetchone()
    row = conn.execute(QUERIES.cut, wanted).fetchone() if wanted else None
    if row is None:
        raise NoDataCutError(
            "该时点没有数据快照，最早的快照晚于它，请选择更晚的时点或报告期 (no data cut is that old: choose a later moment or period)"
        )
    cut = DataCut(*row)
    places = tuple(Place(*r) for r in conn.execute(QUERIES.places))
    if not places:
        raise NoDataCutError("没有辖区资料 (no jurisdiction is registered for whoever asks)")
    return Facts(
        known_at=known_at,
        day=day or known_at.astimezone(SHANGHAI).date(),
        cut=cut,
        places=places,
        exposure=tuple(Exposure(*r) for r in conn.execute(QUERIES.exposure, (cut.id,))),
        counts={(p, k, m): float(v) for p, k, m, v in conn.execute(QUERIES.counts, (cut.id,))},
        months={(p, m, at): float(v) for p, m, at, v in conn.execute(QUERIES.months, (cut.id,))},
        accidents=tuple(accidents_between(conn, BEGINNING, known_at, known_at)),
        reference=tuple(ReferenceFigure(*r) for r in conn.execute(QUERIES.reference)),
        paths={p.id: p.path for p in places},
    )
