"""The next lawful step of a hazard as one button, with what it asks in the same place (一单四制).

The state table of the ledger decides what is allowed; this is only how each step is offered. The main step comes
first; what leads back or aside comes after it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dashboards.words import N_


@dataclass(frozen=True, slots=True)
class Ask:
    """One field of a step: its name in ``detail``, its label, its kind, and whether it must be filled."""

    name: str
    label: str
    kind: str = "text"
    required: bool = True


@dataclass(frozen=True, slots=True)
class Step:
    """One step: the ledger's event, the button's label, the action that may do it, what it asks."""

    event: str
    label: str
    asks: tuple[Ask, ...] = ()
    action: str = "hazard.supervise"
    reason: str = N_("Reason")


EVIDENCE = Ask("evidence", N_("Evidence: what was seen, measured or photographed"), "textarea")
UNSUBSTANTIATE = Step("unsubstantiate", N_("Not substantiated"), (EVIDENCE,))

STEPS: Mapping[str, tuple[Step, ...]] = {
    "listed": (
        Step(
            "hand_over",
            N_("Hand over to the responsible unit"),
            (
                Ask("responsible_org_id", N_("Responsible unit"), "organisation"),
                Ask("measures", N_("Measures"), "textarea"),
                Ask("due_at", N_("Deadline"), "date"),
            ),
        ),
        UNSUBSTANTIATE,
    ),
    "handed_over": (Step("receipt", N_("Sign the receipt"), action="hazard.rectify"), UNSUBSTANTIATE),
    "receipted": (
        Step(
            "start",
            N_("Begin the rectification"),
            (Ask("measures", N_("Measures"), "textarea"),),
            action="hazard.rectify",
        ),
        UNSUBSTANTIATE,
    ),
    "rectifying": (
        Step("apply", N_("Apply for close-out"), (EVIDENCE,), action="hazard.rectify"),
        Step("progress", N_("Enter progress"), (EVIDENCE,), action="hazard.rectify"),
    ),
    "recheck": (
        Step(
            "close",
            N_("Re-checked: close out"),
            (
                Ask("officers", N_("Officers who re-checked, with their badge numbers")),
                EVIDENCE,
            ),
        ),
        Step("return", N_("Return for more work"), (EVIDENCE,)),
    ),
    "closed": (Step("reopen", N_("Reopen"), (EVIDENCE,)),),
    "unsubstantiated": (),
}


def lawful_steps(state: str, grade: str) -> tuple[Step, ...]:
    """The steps that lead on from a state, the main one first.

    >>> lawful_steps("recheck", "major")[0].event
    'close'
    """
    return STEPS[state]
