"""线索规则 as data: which alarms of a unit make a lead, how urgent, until when."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from importlib.resources import files

import yaml

from maintenance.errors import DataError
from maintenance.hazards.clauses import GRADES, clauses

EVERY = "*"
"""The entry for every alarm that no other names."""


@dataclass(frozen=True, slots=True)
class TriageRule:
    """``times`` alarms of ``rule`` within ``window`` make a lead of ``kind``."""

    rule: str
    times: int
    window: timedelta
    urgent: bool
    deadline: timedelta
    grade: str
    zh: str
    kind: str
    clause: str | None
    cause: str | None = None
    """What joins with leads of other sources; None: the rule itself."""

    def matches(self, alarm_rule: str) -> bool:
        """Whether an alarm of that rule is meant."""
        if self.rule.endswith("*"):
            return alarm_rule.startswith(self.rule[:-1])
        return alarm_rule == self.rule

    def takes(self, receivers: Collection[str], incident_kind: str | None) -> bool:
        """Whether an alarm that was told to these is meant: the ledger's own, those of incidents, and patterns by name.

        What only the firm is told of once (平层误差, 门故障) is a pattern when it comes again; of alarms that no entry names
        only those count that were for the ledger.
        """
        named_pattern = self.rule != EVERY and self.times > 1
        return "ledger" in receivers or incident_kind is not None or named_pattern


def read_triage(text: str) -> tuple[TriageRule, ...]:
    """The rules, from the YAML of the table.

    Raises
    ------
    DataError
        An entry has a mistake; names it.
    """
    found = []
    for entry in yaml.safe_load(text)["alarms"]:
        name = entry.get("rule", "?")
        try:
            made = TriageRule(
                rule=str(entry["rule"]), times=int(entry["times"]), window=timedelta(days=entry["days"]),
                urgent=bool(entry["urgent"]), deadline=timedelta(hours=entry["deadline_hours"]), grade=entry["grade"],
                zh=entry["zh"], kind=entry.get("kind", "alarm_pattern"), clause=entry.get("clause"),
                cause=entry.get("cause"),
            )  # fmt: skip
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"triage.yaml: {name}: {error!r}") from None
        if made.times < 1 or made.grade not in GRADES or (made.clause is not None and made.clause not in clauses()):
            raise DataError(f"triage.yaml: {name}: times, grade or clause cannot be right")
        found.append(made)
    return tuple(found)


@cache
def load_triage() -> tuple[TriageRule, ...]:
    """The shipped rules, in the order in which they are asked."""
    return read_triage((files("maintenance") / "triage.yaml").read_text(encoding="utf-8"))


def triage_of(alarm_rule: str) -> TriageRule | None:
    """The first rule that matches."""
    return next((rule for rule in load_triage() if rule.matches(alarm_rule)), None)


@dataclass(frozen=True, slots=True)
class DeviceTriage:
    """How the lead about a terminal that gives false alarms is opened."""

    urgent: bool
    deadline: timedelta
    grade: str
    kind: str
    zh: str


@cache
def load_device_triage() -> DeviceTriage:
    """The shipped rule.

    Raises
    ------
    DataError
    """
    entry = yaml.safe_load((files("maintenance") / "triage.yaml").read_text(encoding="utf-8"))["device"]
    try:
        made = DeviceTriage(
            bool(entry["urgent"]), timedelta(hours=entry["deadline_hours"]), entry["grade"], entry["kind"], entry["zh"]
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"triage.yaml: device: {error!r}") from None
    if made.grade not in GRADES:
        raise DataError("triage.yaml: device: the grade cannot be right")
    return made


@dataclass(frozen=True, slots=True)
class Source:
    """How a finding of one source is opened. ``clauses``: the item of GB 45067-2024 by kind of equipment.

    ``points``: from how many counted points on a record of maintenance is worth a person's look.
    """

    name: str
    urgent: bool
    deadline: timedelta
    grade: str
    zh: str
    tolerance_days: int = 0
    times: int = 1
    days: int = 0
    points: int = 0
    clauses: Mapping[str, str] = field(default_factory=dict)


BY_HAND = ("public", "media", "inspection", "handed_down", "transferred", "self_report")
"""What a person enters."""


def read_sources(text: str) -> dict[str, Source]:
    """The sources by name, from the YAML of the table.

    Raises
    ------
    DataError
        An entry has a mistake; names it.
    """
    found = {}
    for name, entry in yaml.safe_load(text)["sources"].items():
        try:
            made = Source(
                name, bool(entry["urgent"]), timedelta(hours=entry["deadline_hours"]), entry["grade"], entry["zh"],
                int(entry.get("tolerance_days", 0)), int(entry.get("times", 1)), int(entry.get("days", 0)), int(entry.get("points", 0)),
                dict(entry.get("clauses", {})),
            )  # fmt: skip
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"triage.yaml: {name}: {error!r}") from None
        unknown = set(made.clauses.values()) - set(clauses())
        if made.grade not in GRADES or unknown or min(made.tolerance_days, made.points) < 0 or made.times < 1:
            raise DataError(f"triage.yaml: {name}: grade, clause, tolerance, points or times cannot be right")
        found[name] = made
    missing = set(BY_HAND) - set(found)
    if missing:
        raise DataError(f"triage.yaml: no source {', '.join(sorted(missing))}")
    return found


@cache
def load_sources() -> dict[str, Source]:
    """The shipped sources by name."""
    return read_sources((files("maintenance") / "triage.yaml").read_text(encoding="utf-8"))


def source(name: str) -> Source:
    """The source of that name."""
    return load_sources()[name]
