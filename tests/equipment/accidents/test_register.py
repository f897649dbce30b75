"""The accident register: levels, the 30 days, the clock of the reports, corrections that keep what was corrected."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from datetime import datetime, timedelta
from importlib.resources import files
from typing import Any

import psycopg
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from equipment.access import scope
from equipment.access.model import Asker, Role
from equipment.accidents import store
from equipment.accidents.clock import counts_as_death_of, reporting_clock, with_casualty
from equipment.accidents.model import AccidentLevel, Casualty, NewAccident, Outcome
from equipment.accidents.register import LEVELS, criteria_met, level_of, read_register, register
from equipment.errors import CatalogueError, CorrectionError, InvalidAccidentError, UnknownAccidentError
from equipment.foundation.clock import SHANGHAI
from equipment.foundation.database import Connection, DatabaseRole
from equipment.registry.store import load_jurisdictions
from tests.conftest import START, Database

LEVEL = AccidentLevel


def document() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((files("equipment.accidents") / "register.yaml").read_text("utf-8"))
    return found


def crash(**changes: Any) -> NewAccident:
    return replace(NewAccident("lift", "341302", START, START + timedelta(minutes=30)), **changes)


@pytest.mark.parametrize(
    ("kind", "measures", "level"),
    [
        ("lift", {}, LEVEL.BELOW),
        ("lift", {"trapped_minutes": 119}, LEVEL.BELOW),
        ("lift", {"trapped_minutes": 120}, LEVEL.GENERAL),
        ("crane", {"trapped_minutes": 120}, LEVEL.BELOW),
        ("lift", {"deaths": 1}, LEVEL.GENERAL),
        ("lift", {"deaths": 2, "serious_injuries": 9}, LEVEL.GENERAL),
        ("lift", {"deaths": 3}, LEVEL.LARGER),
        ("lift", {"deaths": 9, "serious_injuries": 50}, LEVEL.MAJOR),
        ("lift", {"deaths": 30}, LEVEL.EXTRAORDINARY),
        ("lift", {"loss_yuan": 9_999}, LEVEL.BELOW),
        ("lift", {"loss_yuan": 10_000_000}, LEVEL.LARGER),
        ("boiler", {"exploded": 1}, LEVEL.LARGER),
        ("boiler", {"exploded": 1, "boiler_mw": 600}, LEVEL.EXTRAORDINARY),
        ("crane", {"overturned": 1}, LEVEL.LARGER),
        ("ropeway", {"stranded_people": 100, "stranded_minutes": 24 * 60}, LEVEL.MAJOR),
        ("ropeway", {"stranded_people": 99, "stranded_minutes": 24 * 60}, LEVEL.LARGER),
        ("ropeway", {"stranded_people": 1, "stranded_minutes": 210}, LEVEL.GENERAL),
        ("amusement_ride", {"stranded_people": 1, "stranded_minutes": 60}, LEVEL.GENERAL),
        ("pressure_pipe", {"moved_people": 50_000}, LEVEL.MAJOR),
    ],
)
def test_the_whole_accident_takes_the_highest_level_reached(
    kind: str, measures: dict[str, float], level: LEVEL
) -> None:
    assert level_of(kind, measures) is level


@given(
    st.sampled_from(["lift", "boiler", "crane", "ropeway"]),
    st.dictionaries(
        st.sampled_from(["deaths", "serious_injuries", "loss_yuan", "trapped_minutes"]), st.integers(0, 10**9)
    ),
    st.sampled_from(["deaths", "serious_injuries", "loss_yuan", "trapped_minutes"]),
)
def test_more_of_anything_never_lowers_the_level(kind: str, measures: dict[str, float], more: str) -> None:
    worse = {**measures, more: measures.get(more, 0) * 2 + 1}
    assert LEVELS.index(level_of(kind, worse)) >= LEVELS.index(level_of(kind, measures))


def test_every_field_of_the_register_changes_something() -> None:
    whole = document()
    for position, entry in enumerate(whole["criteria"]):
        kind, measures = next(iter(entry.get("kinds", ["lift"]))), dict(entry["at_least"])
        assert entry["id"] in {c.id for c in criteria_met(kind, measures)}
        changed = deepcopy(whole)
        changed["criteria"][position]["at_least"] = {k: v + 1 for k, v in entry["at_least"].items()}
        assert entry["id"] not in {c.id for c in criteria_met(kind, measures, read_register(changed))}
        if "kinds" in entry:
            assert entry["id"] not in {c.id for c in criteria_met("vehicle", measures)}
        assert entry["clause"]
        assert entry["mark"] in {"V", "M", "D"}
    days = deepcopy(whole)
    days["death_days"]["days"] = 7
    died = START + timedelta(days=20)
    assert counts_as_death_of(START, died)
    assert not counts_as_death_of(START, died, read_register(days))


def test_a_criterion_with_a_measure_that_nobody_enters_is_refused() -> None:
    wrong = document()
    wrong["criteria"][0]["at_least"] = {"sadness": 3}
    with pytest.raises(CatalogueError, match="sadness"):
        read_register(wrong)


def test_the_thirtieth_day_counts_and_the_next_does_not() -> None:
    occurred = datetime(2026, 3, 1, 23, 30, tzinfo=SHANGHAI)
    assert counts_as_death_of(occurred, datetime(2026, 3, 31, 23, 59, tzinfo=SHANGHAI))
    assert not counts_as_death_of(occurred, datetime(2026, 4, 1, 0, 0, tzinfo=SHANGHAI))


def test_a_person_moves_between_conditions_and_nobody_is_invented() -> None:
    one = crash(serious_injuries=1)
    died = with_casualty(one, Casualty(Outcome.SERIOUS, Outcome.DEATH, START + timedelta(days=5)))
    assert (died.deaths, died.serious_injuries, died.later_deaths) == (1, 0, 0)
    late = with_casualty(one, Casualty(Outcome.SERIOUS, Outcome.DEATH, START + timedelta(days=40)))
    assert (late.deaths, late.serious_injuries, late.later_deaths) == (0, 0, 1)
    with pytest.raises(InvalidAccidentError):
        with_casualty(died, Casualty(Outcome.SERIOUS, Outcome.DEATH, START + timedelta(days=6)))
    with pytest.raises(InvalidAccidentError):
        with_casualty(one, Casualty(None, Outcome.MINOR, START - timedelta(days=1)))


@pytest.fixture
def city(conn: Connection) -> Connection:
    load_jurisdictions(conn)
    return conn


def test_the_clock_gives_an_hour_and_then_two_per_level(city: Connection) -> None:
    entry = store.report(
        city, crash(deaths=1, reported_at=START + timedelta(minutes=61)), None, START + timedelta(minutes=61)
    )
    number = next(a for a in store.accidents_between(city, START, START + timedelta(days=1)) if a.id == entry).number
    accident = store.require_current(city, number)
    county, town, province, national = reporting_clock(accident, {})
    assert county.state(START + timedelta(hours=9)) == "late"
    assert town.due_at == START + timedelta(minutes=61) + timedelta(hours=2)
    assert province.due_at == town.due_at + timedelta(hours=2)
    assert town.state(town.due_at) == "running"
    assert town.state(town.due_at + timedelta(seconds=1)) == "overdue"
    assert national.step.to == "national"
    # 越级: who told the province has told the city as well
    told = reporting_clock(accident, {"province": START + timedelta(minutes=90)})
    assert told[1].state(START + timedelta(hours=9)) == "in_time"
    assert told[2].state(START + timedelta(hours=9)) == "in_time"
    assert told[3].due_at == START + timedelta(minutes=90) + timedelta(hours=2)


def test_what_reaches_no_level_is_only_reported_to_the_county(city: Connection) -> None:
    store.report(city, crash(), None, START + timedelta(minutes=30))
    found = store.accidents_between(city, START, START + timedelta(days=1))[0]
    assert found.level is LEVEL.BELOW
    assert [d.step.to for d in reporting_clock(found, {})] == ["county"]


def test_a_follow_up_corrects_and_keeps_what_it_corrected(city: Connection) -> None:
    now = START + timedelta(hours=1)
    store.report(city, crash(deaths=2, serious_injuries=1), None, now)
    number = store.accidents_between(city, START, now)[0].number
    later = START + timedelta(days=3)
    store.follow_casualty(city, number, Casualty(Outcome.SERIOUS, Outcome.DEATH, later, "抢救无效"), None, later)
    first, last = store.entries(city, number)
    assert (first.level, last.level) == (LEVEL.GENERAL, LEVEL.LARGER)
    assert last.corrects == first.id
    assert last.level_basis[0] == "deaths_3"
    assert [f.event for f in store.follow_ups(city, number)] == ["casualty"]
    # what was known at a moment can be asked for for ever
    assert [a.deaths for a in store.accidents_between(city, START, later, known_at=later - timedelta(seconds=1))] == [2]
    assert [a.deaths for a in store.accidents_between(city, START, later, known_at=later)] == [3]
    with pytest.raises(CorrectionError):
        store.correct(city, first.id, crash(), None, later)


def test_the_database_refuses_to_change_the_register(database: Database) -> None:
    with database.connect() as conn:
        load_jurisdictions(conn)
        store.report(conn, crash(), None, START + timedelta(hours=1))
        conn.commit()
        for statement in (
            "update equipment.accident set deaths = 0",
            "delete from equipment.accident",
            "delete from equipment.accident_follow_up",
        ):
            with pytest.raises(psycopg.errors.Error):
                conn.execute(statement.encode())
            conn.rollback()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"exclusion": "boredom"}, "boredom"),
        ({"cause": "ghosts"}, "ghosts"),
        ({"facts": {"smell": 1.0}}, "facts"),
        ({"facts": {"moved_people": -1.0}}, "facts"),
        ({"counted": False}, "理由"),
        ({"reported_at": START - timedelta(minutes=1)}, "早于"),
    ],
)
def test_bad_input_is_named_and_nothing_is_entered(city: Connection, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidAccidentError, match=words):
        store.report(city, crash(**changes), None, START + timedelta(hours=1))
    assert store.accidents_between(city, START, START + timedelta(days=1)) == []


def test_an_exclusion_brings_its_reason_and_unknown_numbers_are_named(city: Connection) -> None:
    store.report(city, crash(exclusion="outside_cause", deaths=1), None, START + timedelta(hours=1))
    found = store.accidents_between(city, START, START + timedelta(days=1))[0]
    assert not found.counted
    assert register().exclusions["outside_cause"].clause in (found.not_counted_reason or "")
    with pytest.raises(UnknownAccidentError):
        store.require_current(city, "SG1999-0001")
    with pytest.raises(InvalidAccidentError):
        store.add_follow_up(city, found.number, "report", START, (None, START + timedelta(hours=1)), step="the mayor")


def test_a_district_neither_sees_nor_follows_up_anothers_accident(database: Database) -> None:
    with database.connect() as conn:
        load_jurisdictions(conn)
        store.report(conn, crash(), None, START + timedelta(hours=1))
        number = store.accidents_between(conn, START, START + timedelta(days=1))[0].number
        store.add_follow_up(conn, number, "fact", START, (None, START + timedelta(hours=1)), note="x")
        conn.commit()
    elsewhere = Asker(1, "x", "x", Role.INSPECTOR, None, "/341300/341321/")
    with database.connect(DatabaseRole.SCOPED) as conn:
        scope.apply(conn, elsewhere)
        assert store.entries(conn, number) == []
        assert store.follow_ups(conn, number) == []
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            store.add_follow_up(conn, number, "fact", START, (1, START + timedelta(hours=1)), note="mine")
