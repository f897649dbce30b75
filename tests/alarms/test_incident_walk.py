"""Every state with every event, in the database: where it leads, or why it is refused; then at random, against a model."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from alarms.errors import AlarmsInputError, ConflictError, ImpossibleOrderError, TransitionError
from alarms.incidents import joining, service, store
from alarms.incidents.lifecycle import CLOCK_SKEW, TABLE
from alarms.incidents.model import Command, Incident, Source
from alarms.incidents.model import IncidentEvent as E
from alarms.incidents.model import IncidentState as S
from alarms.incidents.settings import DeskSettings
from equipment.city.build import build_city
from equipment.foundation.clock import ManualClock
from equipment.foundation.database import Connection
from tests.conftest import START, Database

DESK = DeskSettings()
SEAT = 1

# "=" it stays; a name: where it leads; "." it is refused. Written from the response's rules, not from the code's table.
MATRIX = """
             verifying    accepted   dispatched answered   arrived  freed       called_back closed cancelled auto_cleared merged
accept       =            =          =          =          =        .           .           .      .         .            .
confirm      accepted     =          =          =          =        .           .           .      .         .            .
unanswered   dispatched   .          .          .          .        .           .           .      .         .            .
self_release freed        freed      freed      freed      freed    .           .           .      .         .            .
dispatch     dispatched   dispatched .          .          .        .           .           .      .         .            .
answer       .            .          answered   .          .        .           .           .      .         .            .
depart       .            .          answered   =          .        .           .           .      .         .            .
refuse       .            .          =          dispatched .        .           .           .      .         .            .
escalate     .            .          =          dispatched =        .           .           .      .         .            .
arrive       .            .          arrived    arrived    .        .           .           .      .         .            .
free         .            freed      freed      freed      freed    .           .           .      .         .            .
call_back    .            .          .          .          .        called_back .           .      .         .            .
close        .            .          .          .          .        .           closed      .      .         .            .
settle       .            closed     .          .          .        .           .           .      .         .            .
cancel       cancelled    cancelled  cancelled  cancelled  cancelled .          .           .      .         .            .
clear        auto_cleared =          =          =          =        =           =           .      .         .            .
note         =            =          =          =          =        =           =           =      =         =            =
merge        merged       merged     merged     merged     merged   merged      merged      .      .         .            .
split        =            =          =          =          =        =           =           .      .         .            .
ask          =            =          =          =          =        =           =           .      .         .            .
reassure     =            =          =          =          =        .           .           .      .         .            .
"""
WAYS: dict[S, tuple[E, ...]] = {
    S.VERIFYING: (),
    S.ACCEPTED: (E.CONFIRM,),
    S.DISPATCHED: (E.CONFIRM, E.DISPATCH),
    S.ANSWERED: (E.CONFIRM, E.DISPATCH, E.ANSWER),
    S.ARRIVED: (E.CONFIRM, E.DISPATCH, E.ANSWER, E.ARRIVE),
    S.FREED: (E.CONFIRM, E.DISPATCH, E.ANSWER, E.ARRIVE, E.FREE),
    S.CALLED_BACK: (E.CONFIRM, E.DISPATCH, E.ANSWER, E.ARRIVE, E.FREE, E.CALL_BACK),
    S.CLOSED: (E.CONFIRM, E.DISPATCH, E.ANSWER, E.ARRIVE, E.FREE, E.CALL_BACK, E.CLOSE),
    S.CANCELLED: (E.CANCEL,),
    S.AUTO_CLEARED: (E.CLEAR,),
    S.MERGED: (E.MERGE,),
}
"""How a lead gets into each state."""
COLUMNS = {
    E.DISPATCH: "dispatched_at", E.UNANSWERED: "dispatched_at", E.ARRIVE: "arrived_at", E.FREE: "freed_at",
    E.SELF_RELEASE: "freed_at", E.CALL_BACK: "called_back_at", E.CLOSE: "closed_at", E.SETTLE: "closed_at",
    E.CANCEL: "closed_at", E.DEPART: "departed_at",
}  # fmt: skip
DETAIL: dict[E, dict[str, Any]] = {E.CLOSE: {"cause_code": "301"}, E.ASK: {"trapped": 2, "floor": "5"}}


def matrix() -> dict[tuple[S, E], S]:
    head, *lines = MATRIX.strip().splitlines()
    states = [S(name) for name in head.split()]
    found = {}
    for line in lines:
        event, *cells = line.split()
        assert len(cells) == len(states), line
        for state, cell in zip(states, cells, strict=True):
            if cell != ".":
                found[(state, E(event))] = state if cell == "=" else S(cell)
    return found


EXPECTED = matrix()


def test_the_table_is_the_one_of_the_rules() -> None:
    assert {line.split()[0] for line in MATRIX.strip().splitlines()[1:]} == {e.value for e in E}
    assert EXPECTED == TABLE


class Room:
    """Incidents of a small city at a scripted time, over one connection."""

    def __init__(self, conn: Connection) -> None:
        self.conn, self.clock, self.made = conn, ManualClock(START), 0
        row = conn.execute("select no from equipment.unit where kind = 'lift' and firm_org_id is not null order by no")
        self.units = [r[0] for r in row]

    def lead(self, unit: int, kind: str = "entrapment") -> int:
        """A sensor's lead with two sources, which nobody has taken."""
        for _ in range(2):
            self.made += 1
            source = Source("alarm", f"walk-{self.made}", unit, kind, "critical", self.clock.now(), confirmed=False)
            found = joining.open_or_join(self.conn, source, DESK, self.clock.now())
        return found

    def into(self, state: S, unit: int, kind: str = "entrapment", actor: int | None = SEAT) -> int:
        """An incident of a lift in that state."""
        found = self.lead(unit, kind)
        for event in WAYS[state]:
            self.clock.advance(10)
            self.take(found, event, actor)
        assert self.look(found).state is state
        return found

    def look(self, incident: int) -> Incident:
        return store.find(self.conn, incident)

    def take(self, incident: int, event: E, actor: int | None = SEAT, **more: Any) -> Incident:
        """What the route or the clock of that event does."""
        now = self.clock.now()
        command = Command(incident, event, actor, "坐席甲", "seat", reason="走查", detail=DETAIL.get(event, {}), **more)
        if event is E.MERGE:
            return self.merge(command, now)
        if event is E.SPLIT:
            chosen = [(k, s) for k, s, _ in store.sources_of(self.conn, incident)][:1]
            joining.split(self.conn, command, joining.Split(chosen), DESK, now)
            return self.look(incident)
        return service.act(self.conn, command, DESK, now)

    def merge(self, command: Command, now: datetime) -> Incident:
        """Into an incident of another lift that is as far."""
        state = self.look(command.incident_id).state
        progress = state if state in joining.ORDER else S.VERIFYING
        other = self.into(progress, self.units[-1])
        joining.merge(self.conn, command, other, now)
        return self.look(command.incident_id)

    def traces(self) -> tuple[Any, ...]:
        """How much there is of everything that an event may write."""
        row = self.conn.execute(
            "select (select count(*) from alarms.incident_event), (select sum(version) from alarms.incident),"
            " (select count(*) from alarms.dispatch), (select count(*) from alarms.notification),"
            " (select count(*) from alarms.incident)"
        ).fetchone()
        return tuple(row or ())


@pytest.fixture(scope="module")
def served(plain_server: Any) -> Iterator[Database]:
    from tests.conftest import _fresh

    yield from _fresh(plain_server)


@pytest.fixture(scope="module")
def city(served: Database) -> Database:
    with served.connect(autocommit=True) as conn:
        build_city(conn, units=12, seed=7, now=START, password="walk-city-7")  # of a throw-away database
    return served


@pytest.fixture
def room(city: Database) -> Iterator[Room]:
    with city.connect() as conn:
        yield Room(conn)
        conn.rollback()


class _UndoError(Exception):
    """Ends the savepoint of one step of the walk."""


@pytest.mark.parametrize("state", list(S), ids=lambda s: s.value)
def test_every_event_in_the_database(room: Room, state: S) -> None:
    kind = "complaint" if state is S.ACCEPTED else "entrapment"  # the one that may be settled by phone
    incident = room.into(state, room.units[0], kind, actor=None)  # no seat has taken it yet
    room.clock.advance(30)
    for event in E:
        expected = EXPECTED.get((state, event))
        try:
            with room.conn.transaction():
                if expected is None:
                    refused(room, incident, event)
                else:
                    allowed(room, incident, event, expected)
                raise _UndoError
        except _UndoError:
            continue


def refused(room: Room, incident: int, event: E) -> None:
    before, state = room.traces(), room.look(incident).state
    possible = next(e.value for s, e in TABLE if s is state)
    with pytest.raises(TransitionError) as told, room.conn.transaction():
        room.take(incident, event)
    for words in ("不能", "可以：", "not possible", possible):  # says why and what is possible, in both languages
        assert words in str(told.value)
    assert room.traces() == before


def allowed(room: Room, incident: int, event: E, expected: S) -> None:
    before, now = room.look(incident), room.clock.now()
    after = room.take(incident, event)
    assert after.state is expected
    assert after.version > before.version
    story = store.history_of(room.conn, incident)[-1]
    assert (story.from_state, story.to_state) == (before.state.value, expected.value)
    assert (story.account_id, story.how_known) == (SEAT, "seat")
    assert story.recorded_at == now
    column = COLUMNS.get(event)
    if column is not None and getattr(before, column) is None:
        assert getattr(after, column) == now


def test_every_milestone_says_when_by_whom_and_how_it_is_known(room: Room) -> None:
    incident = room.into(S.CALLED_BACK, room.units[0])
    room.take(incident, E.CLOSE)
    found = store.milestones_of(room.conn, incident)
    assert [m.name for m in found] == ["reported", "dispatched", "arrived", "freed", "called_back", "closed"]
    assert found[0].how_known == "sensor"
    assert {m.how_known for m in found[1:]} == {"seat"}
    assert all(m.account_id == SEAT and m.by for m in found[1:])
    assert [m.at for m in found] == sorted(m.at for m in found)


EARLIER = {
    E.ARRIVE: (S.DISPATCHED, "派单"), E.DEPART: (S.DISPATCHED, "派单"), E.FREE: (S.ARRIVED, "到达"),
    E.CALL_BACK: (S.FREED, "解救"), E.CLOSE: (S.CALLED_BACK, "回访"), E.DISPATCH: (S.ACCEPTED, "报警"),
}  # fmt: skip


@pytest.mark.parametrize("event", list(EARLIER), ids=lambda e: e.value)
def test_a_milestone_cannot_be_told_before_the_one_it_follows_or_in_the_future(room: Room, event: E) -> None:
    state, word = EARLIER[event]
    room.clock.advance(600)
    incident = room.into(state, room.units[0])
    room.clock.advance(600)
    before = room.traces()
    for told, words in ((-3_600, f"不能早于{word}"), (60, "将来")):
        with pytest.raises(ImpossibleOrderError, match=words), room.conn.transaction():
            room.take(incident, event, at=room.clock.now() + timedelta(seconds=told))
    assert room.traces() == before


class Machine(RuleBasedStateMachine):
    """Seats, firms, sensors and clocks do anything at any time, also with an old view and a clock that goes back."""

    conn: Connection

    @initialize(kind=st.sampled_from(["entrapment", "fault", "complaint"]))
    def begin(self, kind: str) -> None:
        self.conn.rollback()
        self.room = Room(self.conn)
        self.kind, self.model = kind, S.VERIFYING
        self.incident = self.room.lead(self.room.units[0], kind)
        self.events, self.taken = len(store.history_of(self.conn, self.incident)), False

    @rule(seconds=st.integers(-900, 3_600))
    def time_passes(self, seconds: int) -> None:
        self.room.clock.advance(seconds)

    @rule(
        event=st.sampled_from([e for e in E if e not in (E.MERGE, E.SPLIT)]), told=st.none() | st.integers(-7_200, 60)
    )
    def somebody_acts(self, event: E, told: int | None) -> None:
        expected = EXPECTED.get((self.model, event))
        at = None if told is None else self.room.clock.now() + timedelta(seconds=told)
        try:
            with self.conn.transaction():
                done = self.room.take(self.incident, event, at=at)
        except ImpossibleOrderError:
            assert told is not None, "help is never refused for a clock's sake"
            return
        except TransitionError:
            by_kind = event is E.SETTLE and self.kind != "complaint"
            assert expected is None or by_kind or (event is E.ACCEPT and self.taken)
            return
        assert done.state is expected
        self.model = done.state
        self.events += 1
        self.kind = done.kind
        self.taken = done.accepted_by is not None

    @rule()
    def somebody_acts_on_an_old_view(self) -> None:
        old = self.room.look(self.incident).version - 1
        with pytest.raises((ConflictError, AlarmsInputError)), self.conn.transaction():
            self.room.take(self.incident, E.NOTE, version=old)

    @precondition(lambda self: self.model in (S.DISPATCHED, S.ANSWERED))
    @rule()
    def the_clocks_run(self) -> None:
        from alarms.incidents.clocks import run_clocks

        before = self.model
        with self.conn.transaction():
            run_clocks(self.conn, DESK, self.room.clock.now())
        self.model = self.room.look(self.incident).state
        assert self.model in (before, S.DISPATCHED)
        self.events = len(store.history_of(self.conn, self.incident))

    @invariant()
    def the_story_is_whole_and_in_order(self) -> None:
        if not hasattr(self, "room"):
            return
        now = self.room.look(self.incident)
        assert now.state is self.model
        story = store.history_of(self.conn, self.incident)
        assert len(story) == self.events
        assert all(a.to_state == b.from_state for a, b in pairwise(story))
        reached = [now.dispatched_at, now.arrived_at, now.freed_at, now.called_back_at]
        known = [at for at in reached if at is not None]
        assert all(b >= a - CLOCK_SKEW for a, b in pairwise(known))
        assert (now.state in (S.CLOSED, S.CANCELLED, S.AUTO_CLEARED)) == (now.closed_at is not None)

    @invariant()
    def nobody_is_paged_for_what_is_over_or_answered(self) -> None:
        if hasattr(self, "room") and self.model not in (S.DISPATCHED,):
            ringing = "select count(*) from alarms.notification where incident_id = %s and state in ('pending', 'sending') and purpose = 'order' and dispatch_id <= %s"
            row = self.conn.execute(
                "select max(id) from alarms.dispatch where incident_id = %s and answered_at is not null",
                (self.incident,),
            ).fetchone()
            answered = row[0] if row and row[0] else 0
            assert self.conn.execute(ringing.encode(), (self.incident, answered)).fetchone() == (0,)

    def teardown(self) -> None:
        self.conn.rollback()


def test_whatever_happens_in_whatever_order_the_incident_stays_lawful(city: Database) -> None:
    with city.connect() as conn:
        machine = type("Bound", (Machine,), {"conn": conn})
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=40, stateful_step_count=30, deadline=None,
                suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
            ),
        )  # fmt: skip
