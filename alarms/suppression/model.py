"""Ways to mute an alarm, and which alarms are protected from them."""

from __future__ import annotations

from enum import Enum

ENTRAPMENT = "entrapment"


class Kind(Enum):
    """Why an alarm pages nobody."""

    TIMED = "timed"
    """搁置 until a time."""
    ONE_SHOT = "one_shot"
    """单次搁置 until its condition ends."""
    DESIGN = "design"
    """设计抑制 by the rule's own condition."""
    INHIBITION = "inhibition"
    """群发抑制: another alarm explains it."""
    OUT_OF_SERVICE = "out_of_service"
    """停用."""


def is_protected(incident_kind: str | None, *, momentary: bool) -> bool:
    """Entrapment and a person's call for help: never muted by another alarm, and by a person not for long.

    >>> is_protected("entrapment", momentary=False), is_protected("fault", momentary=True), is_protected("fault", momentary=False)
    (True, True, False)
    """
    return momentary or incident_kind == ENTRAPMENT
