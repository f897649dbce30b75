"""The queue in a storm: grouped by district, and nothing that may need rescue is ever out of sight."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from dashboards.pages.desk_queue import STORM_FROM, grouped, in_sight, to_ring_back
from tests.conftest import START


@dataclass(frozen=True)
class Row:
    id: int
    district_zh: str | None
    district_en: str | None
    kind: str
    severity: str
    accepted_at: object
    freed_at: object
    reassure_by: object = None


rows = st.lists(
    st.builds(
        Row, st.integers(1, 10**6), st.sampled_from([None, "埇桥区", "砀山县"]), st.just("x"),
        st.sampled_from(["entrapment", "fault", "unknown"]), st.sampled_from(["critical", "high", "low"]),
        st.sampled_from([None, START]), st.sampled_from([None, START]),
    ),
    max_size=30, unique_by=lambda r: r.id,
)  # fmt: skip


@given(rows, st.sampled_from([None, "埇桥区"]))
def test_every_incident_is_there_once_and_rescue_stays_in_sight(queue: list[Row], storm: str | None) -> None:
    storms = [SimpleNamespace(place_kind="district", place_zh=storm, ended_at=None)] if storm else []
    groups = grouped(queue, storms)
    everything = [i.id for g in groups for i in (*g.shown, *g.folded)]
    assert sorted(everything) == sorted(i.id for i in queue)
    assert not any(in_sight(i) for g in groups for i in g.folded)
    if queue:
        first = groups[0]
        assert queue[0] in (*first.shown, *first.folded)


def incident(number: int, district: str = "埇桥区", **values: object) -> Row:
    return Row(**({"id": number, "district_zh": district, "district_en": "Y", "kind": "fault", "severity": "high",
                   "accepted_at": START, "freed_at": None} | values))  # type: ignore[arg-type]  # fmt: skip


def test_a_district_is_grouped_from_six_or_by_a_storm_that_was_found() -> None:
    few = [incident(n) for n in range(STORM_FROM - 1)]
    assert len(grouped(few, [])) == STORM_FROM - 1
    assert len(grouped([*few, incident(99)], [])) == 1
    storm = SimpleNamespace(place_kind="district", place_zh="埇桥区", ended_at=None)
    over = SimpleNamespace(place_kind="district", place_zh="埇桥区", ended_at=START)
    assert len(grouped(few[:2], [storm])) == 1
    assert len(grouped(few[:2], [over])) == 2


def test_those_inside_who_wait_longest_come_first() -> None:
    queue = [incident(1, reassure_by=START), incident(2, reassure_by=START - timedelta(minutes=1)), incident(3),
             incident(4, reassure_by=START, freed_at=START)]  # fmt: skip
    assert [i.id for i in to_ring_back(queue)] == [2, 1]
