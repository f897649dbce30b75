"""Scores the alarms that were really raised, live and in shadow, by rule and model of device; what follows for trust."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from alarms.backtest import trust, truth
from alarms.backtest.model import Period, WouldBe
from alarms.backtest.reading import QUERIES
from alarms.backtest.score import Bounds, Score, counted_for, score
from alarms.backtest.settings import BacktestSettings
from alarms.backtest.trust import Decision
from alarms.rules import city
from alarms.rules.applicability import Applies, applies
from alarms.rules.model import Mode, Receiver, Rule
from equipment.foundation import stream
from equipment.foundation.database import Connection
from equipment.registry.model import UnitSummary
from equipment.registry.store import units_for_worker
from ingest.decode import to_us

STREAM = "devices"
"""Messages about terminals; its one kind is ``device_untrusted`` (docs/backtest.md)."""
WATCHED = (Applies.YES, Applies.NO_TERMINAL)


@dataclass(frozen=True, slots=True)
class Pair:
    """A rule on a model of device, with the units that it watches there."""

    rule: Rule
    device_model: str
    units: tuple[int, ...]


def pairs_of(rules: Iterable[Rule], units: Sequence[UnitSummary]) -> list[Pair]:
    """Pairs that matter to the desk: rules that would ring it, and rules in shadow."""
    found: list[Pair] = []
    for rule in rules:
        if rule.mode is Mode.DISABLED or (Receiver.DESK not in rule.receivers and rule.mode is not Mode.SHADOW):
            continue
        by_model: dict[str, list[int]] = defaultdict(list)
        for unit in units:
            if unit.kind == rule.kind and applies(rule, unit) in WATCHED:
                by_model[unit.device_model or trust.NO_MODEL].append(unit.no)
        found += [Pair(rule, model, tuple(numbers)) for model, numbers in sorted(by_model.items())]
    return found


def proven(found: Score, since: datetime, settings: BacktestSettings, now: datetime) -> Decision | None:
    """What the score says of a pair; None: it is too early to say.

    The standard is exceeded, not only reached.
    """
    judged = found.confirmed + found.unconfirmed
    if now - since < timedelta(days=settings.shadow_days) or judged < settings.shadow_least_alarms:
        return None
    return Decision.TRUSTED if (found.precision or 0.0) > settings.shadow_precision else Decision.SHADOW


def score_all(conn: Connection, settings: BacktestSettings, now: datetime) -> int:
    """Score every pair over the shadow period and write what follows; returns how many decisions changed."""
    units = units_for_worker(conn)
    kinds = {unit.no: unit.kind for unit in units}
    pairs = pairs_of(city.load(conn).rules.rules, units)
    period = Period(now - timedelta(days=settings.shadow_days), now)
    alarms, confirmed, false = _raised(conn, period.begin)
    events = truth.reports(conn, list(kinds), period, settings.matching)
    silent = truth.silent_before(conn, kinds, events, settings.matching)
    bounds = Bounds(to_us(period.begin), to_us(period.end), to_us(now))
    changed = 0
    for pair in pairs:
        mine = set(pair.units)
        told = [a for a in alarms[pair.rule.id] if a.unit_no in mine]
        counted = counted_for(pair.rule.incident_kind)
        about = [e for e in events if e.unit_no in mine and e.kind in counted]
        made = score(told, about, settings.matching, bounds, silent, confirmed)
        found_false = sum((a.unit_no, a.raised_us) in false for a in told)
        changed += _write(conn, pair, made, found_false, settings, now)
    return changed


def _raised(
    conn: Connection, since: datetime
) -> tuple[dict[str, list[WouldBe]], set[tuple[int, int]], set[tuple[int, int]]]:
    """Alarms since then by rule; unit and time of those that people confirmed, and of those they found false."""
    alarms: dict[str, list[WouldBe]] = defaultdict(list)
    confirmed: set[tuple[int, int]] = set()
    false: set[tuple[int, int]] = set()
    for rule, unit_no, started, raised, severity, suppressed, true, untrue in conn.execute(
        QUERIES.raised_since, (since,)
    ):
        alarm = WouldBe(rule, unit_no, to_us(started), to_us(raised), severity, suppressed, late=False)
        alarms[rule].append(alarm)
        if true:
            confirmed.add((unit_no, alarm.raised_us))
        if untrue:
            false.add((unit_no, alarm.raised_us))
    return alarms, confirmed, false


def _write(
    conn: Connection, pair: Pair, made: Score, found_false: int, settings: BacktestSettings, now: datetime
) -> int:  # fmt: skip
    row = conn.execute(
        QUERIES.save_score,
        {
            "rule": pair.rule.id, "model": pair.device_model, "version": pair.rule.version,
            "shadow": pair.rule.mode is Mode.SHADOW, "never_muted": trust.never_muted(pair.rule), "now": now,
            "units": len(pair.units), "confirmed": made.confirmed, "unconfirmed": made.unconfirmed,
            "found_false": found_false, "pending": made.pending, "events": made.events, "answered": made.answered,
            "missed": made.missed, "silent": made.silent,
        },
    ).fetchone()  # fmt: skip
    decision = proven(made, row[0] if row else now, settings, now)
    entry = trust.in_force(conn, pair.rule.id, pair.device_model, now)
    held = None if entry is None else Decision(entry.decision)
    # a person's decision stands until it expires
    if decision is None or decision is held or held in (Decision.EXCEPTION, Decision.MUTE):
        return 0
    if decision is Decision.SHADOW and held is None:
        return 0
    evidence: dict[str, Any] = {
        "confirmed": made.confirmed, "unconfirmed": made.unconfirmed, "precision": made.precision,
        "days": settings.shadow_days, "standard": settings.shadow_precision, "version": pair.rule.version,
    }  # fmt: skip
    trust.conclude(conn, pair.rule.id, pair.device_model, decision, evidence, now)
    message = {
        "rule": pair.rule.id,
        "device_model": pair.device_model,
        "decision": decision.value,
        "at": now.isoformat(),
    }
    stream.publish(conn, "desk", "device_trust", message | evidence, unit_no=None, now=now)
    return 1


def report_devices(conn: Connection, settings: BacktestSettings, now: datetime) -> int:
    """Tell of devices whose alarms people found false again and again; returns how many. Each run is told once."""
    since = now - timedelta(days=settings.false_alarm_days)
    found = conn.execute(QUERIES.repeatedly_false, {"since": since, "times": settings.false_alarms}).fetchall()
    for unit_no, model, alarms, rules, first_at in found:
        conn.execute(QUERIES.insert_device_report, (unit_no, model, alarms, first_at, now))
        message = {
            "unit_no": unit_no, "device_model": model, "count": len(alarms), "alarms": alarms, "rules": rules,
            "since": first_at.isoformat(), "days": settings.false_alarm_days, "at": now.isoformat(),
        }  # fmt: skip
        stream.publish(conn, STREAM, "device_untrusted", message, unit_no=unit_no, now=now)
    return len(found)
