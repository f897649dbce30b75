"""到期 as pure functions: facts of a unit and a day in, due dates with their clause out.

Lifts: the base is the month of the passed supervision inspection (TSG T7001-2023). A date is the last day of its month
(derived: certificates name a month). An inspection in the window before a date answers that date and moves no other.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from equipment.due.rules import Clause, DateRule, Rule, RuleTable, rule_table

LATEST_YEAR = 100
"""Years after the base up to which dates are looked for."""
ANSWERS = {
    "inspection": frozenset({"periodic", "supervision", "repair_supervision", "restart"}),
    "self_test": frozenset({"self_test", "periodic", "restart"}),
    "internal_inspection": frozenset({"periodic"}),
    "yearly_check": frozenset({"periodic", "self_test"}),
}
"""What each duty is answered by."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """One 检验 or 自行检测 of a unit."""

    kind: str
    on: date
    passed: bool
    report_no: str | None = None
    body: str | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a unit. ``idle`` are spans out of use, end None: still."""

    variety: str
    kind: str
    status: str
    first_use: date | None
    certificate_no: str | None
    insured_to: date | None
    inspections: tuple[Inspection, ...] = ()
    idle: tuple[tuple[date, date | None], ...] = ()


@dataclass(frozen=True, slots=True)
class Due:
    """One duty. ``on`` None: it cannot be told, for the reason in ``why``; ``opens`` is the first day it may be done."""

    duty: str
    on: date | None
    state: str
    clause: Clause | None
    opens: date | None = None
    warn_days: int | None = None
    why: str = ""


def add_months(day: date, months: int) -> date:
    """The same day so many months on; the last of the month where that day does not exist.

    >>> add_months(date(2024, 1, 31), 1)
    datetime.date(2024, 2, 29)
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def month_end(day: date) -> date:
    """The last day of the month."""
    return day.replace(day=monthrange(day.year, day.month)[1])


def judged(on: date, today: date, warn_days: Sequence[int]) -> tuple[str, int | None]:
    """overdue, soon or ok, and the narrowest warning that is reached; the day itself is still in time."""
    if today > on:
        return "overdue", None
    reached = [days for days in warn_days if (on - today).days <= days]
    return ("soon", min(reached)) if reached else ("ok", None)


def base_of(facts: Facts) -> tuple[date | None, bool]:
    """The day from which years are counted, and whether it is a recorded supervision inspection."""
    passed = [i.on for i in facts.inspections if i.passed and i.kind == "supervision"]
    return (max(passed), True) if passed else (facts.first_use, False)


def schedule(rule: Rule, rules: RuleTable, base: date) -> Iterator[tuple[date, Clause]]:
    """The dates of a rule in order, each with its clause."""
    if rule.every_months:
        for n in range(LATEST_YEAR):
            yield month_end(add_months(base, rule.first_months + n * rule.every_months)), rule.clause
        return
    years = rule.years or rules.named(rule.besides).years
    for year in range(1, LATEST_YEAR):
        inspected = year in years or year > max(years)
        if inspected == bool(rule.years):
            yield month_end(add_months(base, 12 * year)), rule.clause if year <= max(years) else rule.then


def _with_following(dates: Iterator[tuple[date, Clause]]) -> Iterator[tuple[tuple[date, Clause], date | None]]:
    """Each date with the one after it; None: it is the last."""
    before = next(dates, None)
    for current in dates:
        if before is not None:
            yield before, current[0]
        before = current
    if before is not None:
        yield before, None


def _restart_base(facts: Facts, base: date, idle_months: int) -> date:
    """After a long idle time the years stay and the month is that of the inspection before the restart."""
    for inspection in sorted(facts.inspections, key=lambda i: i.on):
        if inspection.kind != "restart" or not inspection.passed:
            continue
        rested = any(add_months(start, idle_months) <= inspection.on for start, _ in facts.idle)
        if rested:
            base = base.replace(month=inspection.on.month, day=1)
    return base


def next_due(rule: Rule, rules: RuleTable, facts: Facts, today: date) -> Due:
    """The first date of a rule that nothing has answered."""
    start, recorded = base_of(facts)
    if start is None:
        return Due(rule.duty, None, "unknown", rule.clause, why="no_base")
    base = _restart_base(facts, start, rules.dates["restart"].months)
    done = sorted(i.on for i in facts.inspections if i.passed and i.kind in ANSWERS[rule.duty] and i.on > start)
    for (on, clause), after in _with_following(schedule(rule, rules, base)):
        opens = add_months(on, -rule.early_months).replace(day=1) if rule.early_months else add_months(on, -12)
        # the last date of a duty that ends (self-test) is answered by whatever comes later
        following = after or add_months(on, 12)
        if after is None:
            closes = date.max
        elif rule.early_months:
            closes = add_months(following, -rule.early_months).replace(day=1)
        else:
            closes = add_months(following, -12)
        repaired = any(
            i.passed and i.kind == "repair_supervision" and i.on.year == on.year for i in facts.inspections
        ) and rule.duty == "inspection"  # fmt: skip
        answered = repaired or any(opens <= day < max(closes, on + timedelta(days=1)) for day in done)
        # what was due before the register began to keep inspections is not called overdue: it is not known
        unrecorded = closes <= done[0] if done else following <= today
        if not answered and not unrecorded:
            state, warning = judged(on, today, rule.warn_days)
            if state == "overdue" and not done:
                state = "unknown"
            return Due(rule.duty, on, state, clause, opens, warning, "" if recorded else "base_assumed")
    return Due(rule.duty, None, "unknown", rule.clause, why="no_base")


def dated(duty: str, on: date | None, rule: DateRule, today: date) -> Due:
    """What has a last day of its own: a policy, a certificate."""
    if on is None:
        return Due(duty, None, "unknown", rule.clause, why="not_recorded")
    state, warning = judged(on, today, rule.warn_days)
    return Due(duty, on, state, rule.clause, warn_days=warning)


def idle_too_long(facts: Facts, months: int, today: date) -> date | None:
    """Since when the unit has been out of use for so many months without a break; None: it has not."""
    current = [start for start, end in facts.idle if end is None and add_months(start, months) <= today]
    return min(current) if current else None


def due_dates(facts: Facts, today: date, rules: RuleTable | None = None) -> list[Due]:
    """Everything that the law says is due of a unit, the nearest first and what is unknown before all.

    A unit that is scrapped, cancelled, dismantled or gone owes nothing; one that is idle for a year owes an inspection
    before it runs again, and nothing else of the kind.
    """
    table = rules or rule_table()
    if facts.status not in ("in_use", "stopped", "unregistered"):
        return []
    found: list[Due] = []
    rested = idle_too_long(facts, table.dates["restart"].months, today)
    if rested is not None:
        found.append(Due("restart", None, "before_restart", table.dates["restart"].clause, why="idle"))
    else:
        kind_rules = table.of(facts.variety)
        known = base_of(facts)[0] is not None
        # no further date of a duty that ends (self-test, once an inspection is due every year): nothing is owed
        found += [d for d in (next_due(r, table, facts, today) for r in kind_rules) if d.on is not None or not known]
        if not kind_rules:
            found.append(Due("inspection", None, "unknown", None, why="no_rule"))
    if facts.kind in ("lift", "escalator"):
        found.append(dated("insurance", facts.insured_to, table.dates["insurance"], today))
    if facts.certificate_no is None and facts.first_use is not None:
        rule = table.dates["registration"]
        found.append(dated("registration", facts.first_use + timedelta(days=rule.days), rule, today))
    return sorted(found, key=lambda d: (d.on is not None, d.on or today))
