"""The accident register (事故登记): append-only, a correction replaces by reference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from equipment.accidents.clock import with_casualty
from equipment.accidents.model import FACTS, FOLLOW_UPS, Accident, AccidentLevel, Casualty, FollowUp, NewAccident
from equipment.accidents.register import criteria_met, level_of, register
from equipment.errors import CorrectionError, InvalidAccidentError, UnknownAccidentError
from equipment.foundation.clock import SHANGHAI
from equipment.foundation.database import Connection, advisory_lock, load_queries

QUERIES = load_queries(__file__)
END_OF_TIME = datetime(9000, 1, 1, tzinfo=UTC)


def check(accident: NewAccident) -> None:
    """Refuse what cannot be.

    Raises
    ------
    InvalidAccidentError
        The message says what to do.
    """
    rules = register()
    if (
        accident.reported_at < accident.occurred_at
        or (accident.known_at or accident.occurred_at) < accident.occurred_at
    ):
        raise InvalidAccidentError("报告和知悉时间不能早于发生时间 (reported and known cannot lie before it happened)")
    if not accident.counted and not (accident.not_counted_reason or accident.exclusion):
        raise InvalidAccidentError("不计入的事故须说明理由 (say why the accident is not counted)")
    if accident.exclusion is not None and accident.exclusion not in rules.exclusions:
        raise InvalidAccidentError(f"没有不计入情形 {accident.exclusion}，可选: {', '.join(rules.exclusions)}")
    if accident.cause not in rules.causes:
        raise InvalidAccidentError(f"没有原因类别 {accident.cause}，可选: {', '.join(rules.causes)}")
    if set(accident.facts) - FACTS or any(v < 0 for v in accident.facts.values()):
        raise InvalidAccidentError(f"facts 只能是非负的 {', '.join(sorted(FACTS))}")


def report(conn: Connection, accident: NewAccident, account_id: int | None, now: datetime) -> int:
    """Enter an accident; its level is the highest that anything about it reaches."""
    year = accident.occurred_at.astimezone(SHANGHAI).year
    advisory_lock(conn, f"accident-number:{year}")
    row = conn.execute(QUERIES.next_number, (year,)).fetchone()
    number = str(row[0]) if row else ""
    return _insert(conn, accident, {"number": number, "recorded_by": account_id, "recorded_at": now})


def correct(
    conn: Connection, corrected: int, accident: NewAccident, account_id: int | None, now: datetime, reason: str = ""
) -> int:
    """Replace entry ``corrected`` by a new one of the same number (30-day follow-up, mistakes).

    Raises
    ------
    CorrectionError
        It does not exist, or was corrected already.
    """
    row = conn.execute(QUERIES.number_of, (corrected,)).fetchone()
    if row is None:
        raise CorrectionError(f"there is no accident entry {corrected}")
    marks = {"number": row[0], "corrects": corrected, "correction_reason": reason, "recorded_by": account_id,
             "recorded_at": now}  # fmt: skip
    try:
        with conn.transaction():
            return _insert(conn, accident, marks)
    except psycopg.errors.UniqueViolation as error:
        raise CorrectionError(f"entry {corrected} was corrected already: correct the newest entry") from error


def follow_casualty(conn: Connection, number: str, casualty: Casualty, account_id: int | None, now: datetime) -> int:
    """Enter that one person's condition changed; returns the id of the entry that now stands.

    Raises
    ------
    UnknownAccidentError
    InvalidAccidentError
    """
    current = require_current(conn, number)
    changed = with_casualty(as_new(current), casualty)
    detail = {"before": casualty.before.value if casualty.before else None, "after": casualty.after.value}
    add_follow_up(conn, number, "casualty", casualty.at, (account_id, now), note=casualty.note, detail=detail)
    words = f"伤亡变化: {detail['before'] or '—'} → {detail['after']}"
    return correct(conn, current.id, changed, account_id, now, words)


def add_follow_up(
    conn: Connection, number: str, event: str, at: datetime, by: tuple[int | None, datetime], *, note: str = "",
    step: str | None = None, detail: Mapping[str, object] | None = None,
) -> int:  # fmt: skip
    """Add to an accident; ``by`` is the account and the moment of entry. An event ``report`` names its ``step``.

    Raises
    ------
    InvalidAccidentError
        An unknown event or step, or it lies in the future.
    """
    if event not in FOLLOW_UPS or (event == "report") != (step is not None):
        raise InvalidAccidentError(f"an event is one of {', '.join(FOLLOW_UPS)}; a report names whom it went to")
    if step is not None and step not in {s.to for s in register().steps}:
        raise InvalidAccidentError(f"reports go to {', '.join(s.to for s in register().steps)}")
    account_id, now = by
    if at > now:
        raise InvalidAccidentError("时间不能晚于现在 (it cannot have happened in the future)")
    row = conn.execute(
        QUERIES.insert_follow_up, (number, event, step, at, now, account_id, note, Jsonb(dict(detail or {})))
    ).fetchone()
    return int(row[0]) if row else 0


def accidents_between(
    conn: Connection, start: datetime, end: datetime, known_at: datetime = END_OF_TIME
) -> list[Accident]:
    """Accidents that occurred from ``start`` to before ``end``, as the register had them at ``known_at``."""
    rows = conn.execute(
        f"{QUERIES.columns} {QUERIES.known_between}", {"start": start, "end": end, "known_at": known_at}
    )
    return [_read(list(row)) for row in rows]


def entries(conn: Connection, number: str) -> list[Accident]:
    """Every entry of one accident, oldest first; the last one stands."""
    return [_read(list(row)) for row in conn.execute(f"{QUERIES.columns} {QUERIES.entries_of}", (number,))]


def require_current(conn: Connection, number: str) -> Accident:
    """The entry that stands.

    Raises
    ------
    UnknownAccidentError
        There is none, or not for whoever asks.
    """
    found = entries(conn, number)
    if not found:
        raise UnknownAccidentError(f"没有事故 {number} (no such accident)")
    return found[-1]


def follow_ups(conn: Connection, number: str) -> list[FollowUp]:
    """What was added to an accident, in the order in which it happened."""
    return [FollowUp(*row) for row in conn.execute(QUERIES.follow_ups, (number,))]


def as_new(accident: Accident) -> NewAccident:
    """The content of an entry, to be corrected."""
    names = NewAccident.__dataclass_fields__
    return NewAccident(**{name: value for name, value in asdict(accident).items() if name in names})


def record_hotline_check(
    conn: Connection, subject: tuple[int | None, int | None], at: datetime, by: tuple[int | None, datetime], *,
    passed: bool, note: str = "",
) -> int:  # fmt: skip
    """A rescue plate was looked at (``subject``: unit), or a level-1 phone was rung (``subject``: organisation)."""
    unit_no, organisation_id = subject
    kind = "plate" if unit_no is not None else "level1_phone"
    account_id, now = by
    row = conn.execute(
        QUERIES.insert_hotline_check, (unit_no, organisation_id, kind, passed, at, note, account_id, now)
    ).fetchone()
    return int(row[0]) if row else 0


def _read(row: list[Any]) -> Accident:
    row[8] = AccidentLevel(row[8])
    return Accident(*row)


def _insert(conn: Connection, accident: NewAccident, marks: Mapping[str, Any]) -> int:
    if accident.exclusion is not None:
        clause = register().exclusions.get(accident.exclusion)
        reason = accident.not_counted_reason or (f"{clause.clause} {clause.zh}" if clause else None)
        accident = replace(accident, counted=False, not_counted_reason=reason)
    check(accident)
    values = {
        "corrects": None, "correction_reason": None, **asdict(accident), **marks,
        "facts": Jsonb(dict(accident.facts)),
        "level": level_of(accident.kind, accident.measures).value,
        "level_basis": [c.id for c in criteria_met(accident.kind, accident.measures)],
    }  # fmt: skip
    row = conn.execute(QUERIES.insert, values).fetchone()
    return int(row[0]) if row else 0
