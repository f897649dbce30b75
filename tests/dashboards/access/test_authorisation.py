"""Role x action x state: what the composed table says is what the web process answers, in every state, to every role."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

import psycopg
import pytest
from psycopg import sql

from dashboards.authorisation import MACHINES, Machine, rows
from equipment.access.matrix import matrix, permits
from equipment.access.model import Role
from equipment.foundation.clock import ManualClock
from tests.conftest import Database
from tests.dashboards.test_permissions import routes
from tests.maintenance.office import Office
from tests.pipeline import TRAPPED
from tests.platform import LOGIN_OF, platform_over

ROOTS = {"incident": "/incidents/{incident_id}", "hazard": "/hazards/{hazard_id}"}
TABLES = {"incident": ("alarms", "incident"), "hazard": ("maintenance", "hazard")}
OWN_ROUTES = {"confirm": "verify", "merge": "merge", "split": "split"}
"""They say more than a step, and check their words before the state."""
NOT_THE_ROLE, NOT_THE_STATE = "is not open to your role", "is not possible while"


@pytest.fixture
def office(database: Database, clock: ManualClock) -> Iterator[Office]:
    with platform_over(database, clock) as platform:
        yield Office(platform)


def test_every_step_of_a_route_asks_for_the_action_of_the_table() -> None:
    asked = {path.removeprefix("/api/v1"): action for method, path, action in routes() if method == "POST"}
    for machine in MACHINES:
        for step in machine.steps:
            address = f"{ROOTS[machine.name]}/{OWN_ROUTES.get(step.value, step.value)}"
            assert asked.get(address, "") == machine.action_of(step), address


def test_the_whole_table_names_every_action_role_and_state_that_can_be() -> None:
    table = list(rows())
    assert len(table) == len(set(table)) > 500
    assert {(role, action) for role, action, _, _ in table} == {
        (role.value, action) for action in matrix() for role in Role if permits(role, action)
    }
    for machine in MACHINES:
        named = {state for _, _, state, _ in table if state.startswith(f"{machine.name}:")}
        assert named == {
            f"{machine.name}:{s.value}"
            for s in machine.states
            if any((s, e) in machine.possible for e in machine.steps)
        }


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
def test_every_step_in_every_state_answers_every_role_as_the_table_says(
    office: Office, database: Database, machine: Machine
) -> None:
    with psycopg.connect(database.url, autocommit=True) as owner:
        owner.execute("set session_replication_role = replica")  # past every guard: only the state counts here
        judged = _judge(office, owner, machine)
    assert judged > 60


def _judge(office: Office, owner: psycopg.Connection, machine: Machine) -> int:
    number = _one(office, machine)
    people = {role: office.person(LOGIN_OF[role]) for role in Role}
    judged = 0
    for state in machine.states:
        for step in machine.steps:
            if not machine.action_of(step):
                continue
            for role, person in people.items():
                version = _put_in(owner, machine, number, state)
                root = ROOTS[machine.name].partition("{")[0]
                answer = person.send(
                    f"{root}{number}/{OWN_ROUTES.get(step.value, step.value)}", {"version": version, "reason": "试"}
                )
                said = f"{role.value} {state.value} {step.value}: {answer.status_code} {answer.text[:200]}"
                assert (answer.status_code == 403 and NOT_THE_ROLE in answer.text) is not permits(
                    role, machine.action_of(step)
                ), said
                if answer.status_code in (403, 404) or step.value in OWN_ROUTES:
                    continue
                possible = machine.permits(role, state, step)
                assert (answer.status_code == 409 and NOT_THE_STATE in answer.text) is not possible, said
                judged += 1
    return judged


def _one(office: Office, machine: Machine) -> int:
    if machine.name == "hazard":
        return office.hazard()
    office.platform.pipeline.send(office.platform.pipeline.lifts[0], TRAPPED)
    office.platform.turn(120)
    row = office.conn.execute("select id from alarms.incident order by id limit 1").fetchone()
    return int(row[0])


def _put_in(owner: psycopg.Connection, machine: Machine, number: int, state: Enum) -> int:
    """Its version then."""
    row = owner.execute(
        sql.SQL("update {} set state = %s where id = %s returning version").format(
            sql.Identifier(*TABLES[machine.name])
        ),
        (state.value, number),
    ).fetchone()
    assert row is not None
    return int(row[0])
