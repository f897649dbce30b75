"""The next lawful step of a hazard as one button, with what it asks in the same place (一单四制).

The state table of the ledger decides what is allowed; this is only how each step is offered. The main step comes
first; what leads back or aside comes after it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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
MEASURES = Ask("measures", N_("Measures"), "textarea")
OFFICERS = Ask("officers", N_("Officers who re-checked, with their badge numbers"), "officers")
TWO = Ask("officers", N_("Two officers with their badge numbers"), "officers")
MAYBE_TWO = Ask("officers", N_("Two officers with their badge numbers"), "officers", required=False)
DUTIES = (
    Ask("responsible_person", N_("Person responsible"), required=False),
    Ask("funds", N_("Money"), required=False),
    Ask("plan", N_("Plan until it is removed"), "textarea", required=False),
)
"""五落实: the platform asks for them where the grade demands it."""
UNSUBSTANTIATE = Step("unsubstantiate", N_("Not substantiated"), (EVIDENCE,), action="hazard.press")
HAND_OVER = Step(
    "hand_over",
    N_("Hand over to the responsible unit"),
    (
        Ask("responsible_org_id", N_("Responsible unit"), "organisation"),
        MEASURES,
        Ask("due_at", N_("Deadline"), "date"),
        *DUTIES,
        MAYBE_TWO,
    ),
)
ASK_EXTENSION = Step(
    "ask_extension",
    N_("Ask for more time"),
    (Ask("until", N_("Until"), "date"), EVIDENCE),
    action="hazard.rectify",
)
SELF_CLOSE = Step(
    "self_close",
    N_("Close by a verified fact"),
    (
        EVIDENCE,
        Ask("record_id", N_("Id of the confirmed record, unless the register shows the fact"), required=False),
    ),
    action="hazard.rectify",
)
GRANT = Step("grant_extension", N_("Grant the extension"), action="hazard.press")
REFUSE = Step("refuse_extension", N_("Refuse the extension"), action="hazard.press")

STEPS: Mapping[str, tuple[Step, ...]] = {
    "listed": (HAND_OVER, UNSUBSTANTIATE, SELF_CLOSE),
    "handed_over": (
        Step("receipt", N_("Sign the receipt"), action="hazard.rectify"),
        Step("send_back", N_("Send back: not ours"), (EVIDENCE,), action="hazard.rectify"),
        SELF_CLOSE,
        UNSUBSTANTIATE,
    ),
    "receipted": (
        Step("start", N_("Begin the rectification"), (MEASURES,), action="hazard.rectify"),
        SELF_CLOSE,
        ASK_EXTENSION,
        UNSUBSTANTIATE,
    ),
    "rectifying": (
        Step("apply", N_("Apply for close-out"), (EVIDENCE,), action="hazard.rectify"),
        Step("progress", N_("Enter progress"), (EVIDENCE,), action="hazard.rectify"),
        SELF_CLOSE,
        ASK_EXTENSION,
        HAND_OVER,
    ),
    "recheck": (
        Step("close", N_("Re-checked: close out"), (OFFICERS, EVIDENCE)),
        Step(
            "inspect", N_("Enter my own re-check on site"), (Ask("officer", N_("My name and badge number")), EVIDENCE)
        ),
        Step("return", N_("Return for more work"), (EVIDENCE,)),
    ),
    "closed": (Step("reopen", N_("Reopen"), (EVIDENCE,)),),
    "unsubstantiated": (),
}
LOOK_BACK = Step("look_back", N_("Looked at again"), (OFFICERS, EVIDENCE))
ASIDE: tuple[Step, ...] = (
    Step("order", N_("Issue an order"), (MEASURES, TWO)),
    Step("notify", N_("Notify publicly"), (Ask("scope", N_("Scope of the notice")), MAYBE_TWO), action="hazard.press"),
    Step("interview", N_("Summon for a talk"), (EVIDENCE, MAYBE_TWO), action="hazard.press"),
    Step(
        "regrade",
        N_("Change the grade"),
        (
            Ask("grade", N_("Grade"), "grade"),
            Ask("clause", N_("Clause of GB 45067-2024"), "clause", required=False),
            EVIDENCE,
        ),
        action="hazard.press",
    ),
    Step(
        "assess",
        N_("Judge the risk"),
        (
            Ask("method", N_("Method"), "method"),
            Ask("L", "L"),
            Ask("E", N_("E (LEC only)"), required=False),
            Ask("C", N_("C (LEC only)"), required=False),
            Ask("S", N_("S (LS only)"), required=False),
        ),
        action="hazard.press",
    ),
    Step("stop_use", N_("Stop the use"), (EVIDENCE,)),
    Step("resume_use", N_("Allow the use again"), (EVIDENCE,)),
    Step("supervise", N_("Put under supervision"), action="hazard.command"),
    Step("unsupervise", N_("End the supervision"), action="hazard.command"),
)
"""What is possible with every open hazard besides its next step."""


def lawful_steps(found: Any) -> tuple[Step, ...]:
    """The steps that lead on from where a hazard stands, the main one first."""
    steps = STEPS[found.state]
    if found.state in ("receipted", "rectifying") and found.extension_until is not None:
        steps = (GRANT, REFUSE, *(s for s in steps if s is not ASK_EXTENSION))
    if found.grade != "general" or found.stop_use or found.supervised_at is not None or found.reopened:
        steps = tuple(s for s in steps if s.event != "self_close")
    return (LOOK_BACK, *steps) if found.look_back == "due" else steps


def side_steps(found: Any) -> tuple[Step, ...]:
    """The other steps that are possible with a hazard as it stands."""
    if found.state in ("closed", "unsubstantiated"):
        return ()
    hidden = {
        "resume_use" if not found.stop_use else "stop_use",
        "unsupervise" if found.supervised_at is None else "supervise",
    }
    return tuple(s for s in ASIDE if s.event not in hidden)
