"""个人信息: who sees a person's telephone as it is, and how it looks to everybody else.

Duty telephones of offices are no personal data; they are there to be rung.
"""

from __future__ import annotations

from equipment.access.model import Asker, Role

KEPT_FIRST, KEPT_LAST = 3, 4
STARS = "****"


def masked(phone: str | None) -> str | None:
    """A telephone of which nobody can ring the whole.

    >>> masked("13805571234")
    '138****1234'
    >>> masked("6110")
    '****'
    """
    if not phone:
        return phone
    if len(phone) < KEPT_FIRST + KEPT_LAST + len(STARS):
        return STARS
    return phone[:KEPT_FIRST] + STARS + phone[-KEPT_LAST:]


def sees_phones(asker: Asker, organisation_id: int | None) -> bool:
    """The desk rings whoever can help; an organisation knows its own people. Everybody else gives a reason first."""
    own = organisation_id is not None and asker.organisation_id == organisation_id
    return asker.role is Role.DESK or own


def phone_for(asker: Asker, phone: str | None, organisation_id: int | None = None) -> str | None:
    """The telephone as this asker sees it."""
    return phone if sees_phones(asker, organisation_id) else masked(phone)
