"""What a seat asks and says, step by step (应急话术): short, in the order in which it is needed.

The sentences are message ids; the seat sees them in the page's language and reads the Chinese ones aloud.
"""

from __future__ import annotations

from collections.abc import Mapping

from dashboards.words import N_

VERIFY = (
    N_("Ring the car's intercom: is anyone inside? How many, any child, old or ill person?"),
    N_("No answer: ring the use-unit's duty room, then the firm, and let someone look."),
    N_("Nobody can say: dispatch. An unanswered lead is never closed by itself."),
)
ENTRAPMENT = (
    N_("Calm first: help is on the way, the car cannot fall, there is enough air."),
    N_("Do not force the doors, do not climb out; sit away from the door and keep the phone free."),
    N_("Ask: how many, age, injury or illness, which floor is shown, is there light?"),
    N_("Tell who comes and when; ring back every 5 minutes until they are free."),
)
INJURY = (N_("Injury or illness: tell 120 now, name the entrance, and mark the medical rescue."),)
FAULT = (
    N_("Is anyone in the car? If yes, treat it as an entrapment."),
    N_("Ask the use-unit to put up the barrier and the notice; the lift stays out of use until the firm has signed."),
)
AFTERWARDS = (
    N_("Ring back: is everyone out and well? Was the arrival in time?"),
    N_("Enter the cause that the firm reports; the lift runs again only after its check."),
)

BY_KIND: Mapping[str, tuple[str, ...]] = {
    "entrapment": ENTRAPMENT + INJURY,
    "unknown": ENTRAPMENT + INJURY,
    "fault": FAULT,
}


def guidance_for(kind: str, state: str) -> tuple[str, ...]:
    """The steps for an incident as it stands now.

    >>> guidance_for("entrapment", "verifying")[0].startswith("Ring the car")
    True
    >>> guidance_for("complaint", "accepted")
    ()
    """
    if state == "verifying":
        return VERIFY
    if state in ("freed", "called_back"):
        return AFTERWARDS
    return BY_KIND.get(kind, ())
