"""授权全表: role x action x state, composed of the table of access and the tables of states; nothing here is a second source.

A step asks for an action (matrix.yaml says who may), and the state must know the step (the room's own table says when).
:func:`rows` is what an auditor reads; a test compares it with what the web process answers.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from enum import Enum

from alarms.incidents import lifecycle as incidents
from alarms.incidents.model import IncidentEvent, IncidentState
from dashboards.api.incidents import action_of_event
from equipment.access.matrix import matrix, permits
from equipment.access.model import Role
from maintenance.hazards import lifecycle as hazards


@dataclass(frozen=True, slots=True)
class Machine:
    """What passes through states by steps. ``action_of`` gives "" for what nobody does by hand."""

    name: str
    states: tuple[Enum, ...]
    steps: tuple[Enum, ...]
    possible: Collection[tuple[Enum, Enum]]
    action_of: Callable[[Enum], str]

    def permits(self, role: Role, state: Enum, step: Enum) -> bool:
        """Whether the role may take the step in this state."""
        action = self.action_of(step)
        return bool(action) and (state, step) in self.possible and permits(role, action)


def _hazard(step: Enum) -> str:
    return hazards.action_of(hazards.HazardStep(step))


def _incident(step: Enum) -> str:
    return action_of_event(IncidentEvent(step))


MACHINES: tuple[Machine, ...] = (
    Machine("incident", tuple(IncidentState), tuple(IncidentEvent), incidents.TABLE.keys(), _incident),
    Machine("hazard", tuple(hazards.HazardState), tuple(hazards.HazardStep), hazards.TABLE.keys(), _hazard),
)


def rows() -> Iterator[tuple[str, str, str, str]]:
    """Role, action, state and step; "any" where no state has a say."""
    of_states = {machine.action_of(step) for machine in MACHINES for step in machine.steps}
    for action in sorted(matrix()):
        for role in Role:
            if not permits(role, action):
                continue
            if action not in of_states:
                yield role.value, action, "any", ""
                continue
            for machine in MACHINES:
                for step in machine.steps:
                    if machine.action_of(step) == action:
                        for state in machine.states:
                            if machine.permits(role, state, step):
                                yield role.value, action, f"{machine.name}:{state.value}", step.value
