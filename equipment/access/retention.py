"""保存期: which classes of personal data there are, how long each is kept, and who approved it.

The classes are a table (``personal_data.yaml``). Nothing is let go before the security administrator has approved the
period of its class; the run itself is above, where every room can be reached.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from equipment.access.model import Asker, Role
from equipment.access.store import Change, audit
from equipment.errors import CatalogueError, RetentionPeriodError
from equipment.foundation.database import Connection, load_queries

QUERIES = load_queries(__file__, "retention.sql")
LONGEST_DAYS = 36_525


class How(Enum):
    """What happens with what is over its time."""

    BLANK = "blank"
    """The row stays, without what names a person."""
    DELETE = "delete"
    LOG = "log"
    """Erased with an entry in the verifiable log, which says 已依法删除."""
    SETTING = "setting"
    """By a job of its own, after a setting of its own."""
    ELSEWHERE = "elsewhere"
    """Not held here."""


RUN = frozenset({How.BLANK, How.DELETE, How.LOG})


@dataclass(frozen=True, slots=True)
class PersonalClass:
    """One class: what it is, where it lies (schema.table), what is shipped and what the clause demands at least."""

    name: str
    zh: str
    what: str
    places: tuple[str, ...]
    days: int | None
    least_days: int | None
    basis: str
    how: How

    @property
    def approvable(self) -> bool:
        """Whether its period is approved here."""
        return self.how in RUN


@dataclass(frozen=True, slots=True)
class Period:
    """A class with the period that holds. ``approved_at`` None: only proposed, and nothing is let go."""

    of: PersonalClass
    days: int | None
    approved_at: datetime | None
    approved_by: str | None
    reason: str | None

    def cutoff(self, now: datetime) -> datetime | None:
        """What is older is over its time."""
        return None if self.days is None else now - timedelta(days=self.days)


@cache
def classes() -> Mapping[str, PersonalClass]:
    """The table.

    Raises
    ------
    CatalogueError
        It has a mistake.
    """
    return read_classes((files("equipment.access") / "personal_data.yaml").read_text(encoding="utf-8"))


def read_classes(text: str) -> Mapping[str, PersonalClass]:
    """The table from its YAML.

    Raises
    ------
    CatalogueError
        A field is missing or unknown, a class that is run has no period, or less than its clause demands.
    """
    document = yaml.safe_load(text)
    if document["approver"] != Role.SECURITY_ADMIN.value:
        raise CatalogueError(
            "personal_data.yaml: the database lets the security administrator approve, and nobody else"
        )
    return {name: _read(name, entry) for name, entry in document["classes"].items()}


def _read(name: str, entry: dict[str, Any]) -> PersonalClass:
    try:
        given = {"days": None, "least_days": None} | entry
        made = PersonalClass(name, **{**given, "places": tuple(entry["places"]), "how": How(entry["how"])})
    except (KeyError, TypeError, ValueError) as error:
        raise CatalogueError(f"personal_data.yaml: {name}: {error}") from None
    if made.approvable and (made.days is None or made.least_days is None or made.days < made.least_days):
        raise CatalogueError(f"personal_data.yaml: {name}: days and least_days are needed, in that order of size")
    return made


def periods(conn: Connection) -> list[Period]:
    """Every class with the period that holds."""
    approved = {row[0]: row[1:] for row in conn.execute(QUERIES.newest_periods)}
    found = []
    for one in classes().values():
        days, at, by, reason = approved.get(one.name, (one.days, None, None, None))
        found.append(Period(one, days, at, by, reason))
    return found


def approve(conn: Connection, asker: Asker, name: str, days: int, reason: str, now: datetime) -> None:
    """Let a period hold from now on, in the asker's transaction.

    Raises
    ------
    RetentionPeriodError
        No such class, no reason, or a period outside of what its clause allows.
    """
    one = classes().get(name)
    if one is None or not one.approvable or one.least_days is None:
        raise RetentionPeriodError(f"没有可批准的类别 {name} (no class whose period is approved here)")
    if not one.least_days <= days <= LONGEST_DAYS:
        raise RetentionPeriodError(
            f"{one.zh}：{one.least_days} 至 {LONGEST_DAYS} 天，依据 {one.basis} (so many days at least, by its clause)"
        )
    if not reason.strip():
        raise RetentionPeriodError("批准须写明理由 (say why)")
    before = next(p for p in periods(conn) if p.of.name == name)
    conn.execute(QUERIES.approve, (name, days, reason.strip(), now, asker.account_id))
    change = Change(reason.strip(), {"days": before.days if before.approved_at else None}, {"days": days})
    audit(conn, asker, "retention.approve", f"class:{name}", now, change=change)
