"""One back-test from end to end: rules and units, the replay in processes, the comparison with reports."""

from __future__ import annotations

import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from alarms.backtest import truth
from alarms.backtest.model import Event, Matching, Period, Replayed, Task, WouldBe, units_of
from alarms.backtest.parallel import replay_all
from alarms.backtest.score import Bounds, Score, counted_for, score
from alarms.errors import BacktestError
from alarms.rules import city
from alarms.rules.applicability import Applies, applies
from alarms.rules.load import load_pack, read_rules, read_yaml
from alarms.rules.model import Mode, Rule
from equipment.foundation.database import Connection, DatabaseRole, connect, translated
from equipment.registry.model import UnitSummary
from equipment.registry.store import units_for_worker
from ingest.decode import to_us

SHIPPED, IN_FORCE = "shipped", "in_force"
NAMED = re.compile(r"(?P<rule>[a-z_]+\.[a-z0-9_]+)(@(?P<version>[0-9]+))?")
WATCHED = (Applies.YES, Applies.NO_TERMINAL)
MOST_SHOWN = 500
"""Alarms and reports that a report lists; the counts are of all."""
Progress = Callable[[float, datetime], None]
"""Is told what share is done, and until when one process has come."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a back-test is asked. No unit named: all. ``path``: only units below this jurisdiction."""

    rules: tuple[Rule, ...]
    period: Period
    matching: Matching
    units: tuple[str, ...] = ()
    path: str = "/"


def rules_of(conn: Connection, text: str) -> tuple[Rule, ...]:
    """Rules by what was typed: ``shipped``, ``in_force``, a rule's id with or without ``@version``, or YAML.

    Raises
    ------
    RuleError
        The YAML has a mistake.
    BacktestError
        No rule has that name or version, or all are disabled.
    """
    wanted = text.strip()
    named = NAMED.fullmatch(wanted)
    if wanted == SHIPPED:
        found: Sequence[Rule] = load_pack().rules
    elif wanted == IN_FORCE:
        found = city.load(conn).rules.rules
    elif named is not None:
        found = (_named(conn, named["rule"], None if named["version"] is None else int(named["version"])),)
    else:
        document = read_yaml(text)
        found = (
            read_rules(text).rules if isinstance(document, dict) and "rules" in document else (city.read_own(text, 1),)
        )
    enabled = tuple(rule for rule in found if rule.mode is not Mode.DISABLED)
    if not enabled:
        raise BacktestError("所给规则均已停用 (every rule that was given is disabled)")
    return enabled


def _named(conn: Connection, rule_id: str, version: int | None) -> Rule:
    shipped = load_pack().rule(rule_id)
    for edit in city.versions_of(conn, rule_id):
        if version in (None, edit.version):
            return city.read_own(edit.definition, edit.version)
    if shipped is not None and version in (None, shipped.version):
        return shipped
    raise BacktestError(
        f"没有规则 {rule_id} 的该版本 (no such rule or version; {SHIPPED} and {IN_FORCE} name them all)"
    )


def backtest(
    url: str, asked: Asked, workers: int, now: datetime, progress: Progress, *, patient: bool = False
) -> dict[str, Any]:
    """Replay and compare; the report is plain data, as it is stored and printed.

    Raises
    ------
    BacktestError
        The period is empty or lies in the future, or no unit is meant.
    ReplayFailedError
    """
    if asked.period.begin >= asked.period.end or asked.period.begin >= now:
        raise BacktestError("开始时间须早于结束时间且不在将来 (the period must begin before it ends, and before now)")
    began = time.perf_counter()
    with translated(), connect(url, DatabaseRole.SYSTEM, application_name="teshe-backtest", autocommit=True) as conn:
        every = [u for u in units_for_worker(conn) if u.jurisdiction_path.startswith(asked.path)]
        unknown = sorted(set(asked.units) - {u.id for u in every})
        if unknown:
            raise BacktestError(f"没有设备 {', '.join(unknown[:10])} (no such unit)")
        kinds = {rule.kind for rule in asked.rules}
        units = tuple(u for u in units_of(every, asked.units) if u.kind in kinds)
        if not units:
            raise BacktestError("没有适用的设备 (none of the units is of a kind that the rules are about)")
        limits = tuple(city.load(conn).settings.items())
    found = replay_all(
        url, _parts(asked, units, limits, workers), _share(asked.period, units, workers, progress), patient=patient
    )
    with translated(), connect(url, DatabaseRole.SYSTEM, application_name="teshe-backtest", autocommit=True) as conn:
        return {**_report(conn, asked, units, found, now), "seconds": round(time.perf_counter() - began, 3)}


def _parts(
    asked: Asked, units: Sequence[UnitSummary], limits: Sequence[tuple[tuple[str, str], float]], workers: int
) -> list[list[Task]]:
    parts: list[list[Task]] = [[] for _ in range(max(1, workers))]
    for kind in sorted({rule.kind for rule in asked.rules}):
        rules = tuple(rule for rule in asked.rules if rule.kind == kind)
        mine = [unit for unit in units if unit.kind == kind]
        for number, part in enumerate(parts):
            some = tuple(mine[number :: len(parts)])
            if some:
                part.append(Task(kind, rules, some, tuple(limits), asked.period))
    return [part for part in parts if part]


def _share(
    period: Period, units: Sequence[UnitSummary], workers: int, progress: Progress
) -> Callable[[int, datetime, float], None]:
    """Progress as a share of the days of units that are to be read; each step tells how far one process has come."""
    kinds = Counter(u.kind for u in units)
    whole = sum(min(workers, count) for count in kinds.values()) * period.days
    steps: list[float] = []

    def told(_: int, until: datetime, days: float) -> None:
        steps.append(days)
        progress(min(1.0, sum(steps) / whole), until)

    return told


def _report(
    conn: Connection, asked: Asked, units: Sequence[UnitSummary], found: Replayed, now: datetime
) -> dict[str, Any]:
    ids, kinds = {u.no: u.id for u in units}, {u.no: u.kind for u in units}
    events = truth.reports(conn, list(ids), asked.period, asked.matching)
    silent = truth.silent_before(conn, kinds, events, asked.matching)
    bounds = Bounds(to_us(asked.period.begin), to_us(asked.period.end), to_us(now))
    scorer = _Scorer(asked, units, found.alarms, events, bounds, silent)
    days = asked.period.days
    return {
        "begin": asked.period.begin.isoformat(), "end": asked.period.end.isoformat(), "days": round(days, 4),
        "units": len(units), "rows": found.rows, "passed_over": found.passed_over, "failures": found.failures,
        "matching": {"before_seconds": asked.matching.before_seconds, "after_seconds": asked.matching.after_seconds},
        "rules": [
            {"id": r.id, "version": r.version, "title_zh": r.title_zh, "title_en": r.title_en,
             "incident_kind": r.incident_kind, "mode": r.mode.value, **scorer.of((r,)).plain(days)}
            for r in asked.rules
        ],
        "together": {
            kind: scorer.of(tuple(r for r in asked.rules if r.incident_kind == kind)).plain(days)
            for kind in ("entrapment", "fault") if any(r.incident_kind == kind for r in asked.rules)
        },
        "alarms": [_shown(alarm, ids) for alarm in sorted(found.alarms, key=lambda a: a.raised_us)[:MOST_SHOWN]],
        "alarms_total": len(found.alarms),
        "seconds_of_processes": {
            "reading": round(found.reading_seconds, 3), "parsing": round(found.parsing_seconds, 3),
            "folding": round(found.folding_seconds, 3),
        },
    }  # fmt: skip


def _shown(alarm: WouldBe, ids: dict[int, str]) -> dict[str, Any]:
    return {
        "rule": alarm.rule, "unit": ids[alarm.unit_no], "started_us": alarm.started_us, "raised_us": alarm.raised_us,
        "cleared_us": alarm.cleared_us, "severity": alarm.severity, "suppressed": alarm.suppressed,
    }  # fmt: skip


class _Scorer:
    """Scores of some rules together over the units that any of them watches."""

    def __init__(
        self, asked: Asked, units: Sequence[UnitSummary], alarms: Sequence[WouldBe], events: Sequence[Event],
        bounds: Bounds, silent: set[str],
    ) -> None:  # fmt: skip
        self._matching = asked.matching
        self._bounds = bounds
        self._silent = silent
        self._events = events
        self._alarms: dict[str, list[WouldBe]] = defaultdict(list)
        for alarm in alarms:
            self._alarms[alarm.rule].append(alarm)
        self._watched = {
            r.key: frozenset(u.no for u in units if u.kind == r.kind and applies(r, u) in WATCHED) for r in asked.rules
        }

    def of(self, rules: Sequence[Rule]) -> Score:
        """The score of some rules."""
        watched = frozenset[int]().union(*(self._watched[r.key] for r in rules))
        counted = frozenset[str]().union(*(counted_for(r.incident_kind) for r in rules))
        events = [e for e in self._events if e.unit_no in watched and e.kind in counted]
        alarms = [a for r in rules for a in self._alarms[r.id]]
        made = score(alarms, events, self._matching, self._bounds, self._silent)
        return replace(made, units=len(watched))
