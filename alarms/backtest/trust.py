"""设备型号准入: a rule rings the desk for a model of device only once it has proven itself there, or by a signed exception.

Entrapment and a person's call for help are never muted by this: on a model that is not proven they open their 待核实
incident all the same, marked as unproven. Only a person's own signed decision mutes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from psycopg.types.json import Jsonb

from alarms.backtest.reading import QUERIES
from alarms.errors import TrustError
from alarms.incidents.model import Source
from alarms.rules.model import Rule
from alarms.suppression.model import is_protected
from equipment.access.model import Asker
from equipment.access.store import Change, audit
from equipment.foundation.database import Connection

NO_MODEL = "-"
"""A terminal whose model is not recorded."""
LONGEST_EXCEPTION = timedelta(days=366)


class Decision(Enum):
    """What holds for a rule on a model of device."""

    TRUSTED = "trusted"
    """Proven in its shadow period."""
    SHADOW = "shadow"
    """影子期: not proven."""
    EXCEPTION = "exception"
    """Rings by a person's signed exception, until it expires."""
    MUTE = "mute"
    """Does not ring by a person's signed decision, until it expires."""


class Standing(Enum):
    """How an alarm that would ring is handled."""

    RINGS = "rings"
    UNPROVEN = "unproven"
    """Rings as 待核实, marked."""
    MUTED = "muted"
    """Opens no incident; it is listed and told to everybody else."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One decision as it was written."""

    id: int
    rule: str
    device_model: str
    decision: str
    reason: str
    document_no: str | None
    evidence: dict[str, Any]
    author: str
    decided_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Scored:
    """A rule on a model of device: its live score, the decision in force, and how many alarms did not ring lately."""

    rule: str
    device_model: str
    shadow: bool
    never_muted: bool
    since: datetime
    scored_at: datetime
    units: int
    confirmed: int
    unconfirmed: int
    found_false: int
    pending: int
    events: int
    answered: int
    missed: int
    silent: int
    decision: str | None
    reason: str | None
    document_no: str | None
    author: str | None
    decided_at: datetime | None
    expires_at: datetime | None
    muted: int

    @property
    def standing(self) -> Standing:
        """What happens to its alarms now."""
        return standing(None if self.decision is None else Decision(self.decision), never_muted=self.never_muted)


@dataclass(frozen=True, slots=True)
class Wish:
    """A person's decision: what, why, by which document, until when."""

    rule: str
    device_model: str
    decision: Decision
    reason: str
    document_no: str
    expires_at: datetime | None


def standing(decision: Decision | None, *, never_muted: bool) -> Standing:
    """What follows of the decision in force; None: there is none.

    >>> standing(None, never_muted=True), standing(None, never_muted=False)
    (<Standing.UNPROVEN: 'unproven'>, <Standing.MUTED: 'muted'>)
    """
    if decision in (Decision.TRUSTED, Decision.EXCEPTION):
        return Standing.RINGS
    if decision is Decision.MUTE or not never_muted:
        return Standing.MUTED
    return Standing.UNPROVEN


def never_muted(rule: Rule) -> bool:
    """Whether alarms of a rule are never muted without a person."""
    return is_protected(rule.incident_kind, momentary=rule.momentary)


def in_force(conn: Connection, rule: str, device_model: str, now: datetime) -> Entry | None:
    """The decision that holds now."""
    row = conn.execute(QUERIES.trust_in_force, (rule, device_model, now)).fetchone()
    return None if row is None else Entry(*row)


def admitted(conn: Connection, payload: Mapping[str, Any], source: Source, now: datetime) -> Source | None:
    """The source of an alarm that rings, marked where its device is not proven; None where it must not ring.

    Either is recorded with its reason; everybody but the desk is told of the alarm as always.
    """
    row = conn.execute(QUERIES.model_of_unit, (payload["unit_no"],)).fetchone()
    model = NO_MODEL if row is None or row[0] is None else str(row[0])
    entry = in_force(conn, payload["rule"], model, now)
    decision = None if entry is None else Decision(entry.decision)
    protected = is_protected(payload["incident_kind"], momentary=bool(payload["momentary"]))
    found = standing(decision, never_muted=protected)
    if found is Standing.RINGS:
        return source
    why = "在影子期内 (in its shadow period)" if entry is None else f"{entry.author}: {entry.reason}"
    values = (source.id, payload["unit_no"], payload["rule"], model, found is Standing.UNPROVEN, why, now)
    conn.execute(QUERIES.insert_unproven, values)
    if found is Standing.MUTED:
        return None
    return replace(source, detail={**source.detail, "unproven": True, "device_model": model})


def decide(conn: Connection, wish: Wish, asker: Asker, now: datetime) -> int:
    """Write a person's decision and seal it in the audit log; returns its id.

    Raises
    ------
    TrustError
        Reason, document number or expiry is missing, or it runs for too long.
    """
    if wish.decision is Decision.TRUSTED:
        raise TrustError("准入由影子期评分得出 (trust is worked out, not given: make an exception)")
    if not wish.reason.strip() or not wish.rule.strip() or not wish.device_model.strip():
        raise TrustError("请写明规则、设备型号和理由 (name the rule, the model and the reason)")
    if wish.decision is not Decision.SHADOW:
        if not wish.document_no.strip():
            raise TrustError("请填写批准文号 (give the number of the document that allows it)")
        if wish.expires_at is None or not now < wish.expires_at <= now + LONGEST_EXCEPTION:
            raise TrustError("请填写一年以内的到期时间 (give an expiry within a year)")
    row = conn.execute(
        QUERIES.insert_trust,
        (
            wish.rule.strip(), wish.device_model.strip(), wish.decision.value, wish.reason.strip(),
            wish.document_no.strip() or None, Jsonb({}), asker.account_id, asker.display_name, now, wish.expires_at,
        ),
    ).fetchone()  # fmt: skip
    after = {
        "decision": wish.decision.value, "document_no": wish.document_no.strip() or None,
        "expires_at": None if wish.expires_at is None else wish.expires_at.isoformat(),
    }  # fmt: skip
    subject = f"device-trust:{wish.rule.strip()}:{wish.device_model.strip()}"
    audit(conn, asker, "trust.decide", subject, now, change=Change(wish.reason.strip(), after=after))
    return int(row[0]) if row else 0


def conclude(
    conn: Connection, rule: str, device_model: str, decision: Decision, evidence: Mapping[str, Any], now: datetime
) -> None:  # fmt: skip
    """Write what the shadow period has shown."""
    shown = {
        Decision.TRUSTED: "影子期达标 (the shadow period was passed)",
        Decision.SHADOW: "准确率低于标准 (precision fell below the standard)",
    }
    conn.execute(
        QUERIES.insert_trust,
        (rule, device_model, decision.value, shown[decision], None, Jsonb(dict(evidence)), None, "teshe", now, None),
    )


def history(conn: Connection, limit: int = 200) -> list[Entry]:
    """Decisions, newest first."""
    return [Entry(*row) for row in conn.execute(QUERIES.trust_history, (limit,))]


def scored(conn: Connection, now: datetime) -> list[Scored]:
    """Every pair that is scored."""
    return [Scored(*row) for row in conn.execute(QUERIES.trust_table, (now,))]
