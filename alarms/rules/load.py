"""Reads rules from YAML and checks every field; nothing of a rule is left unread."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from alarms.errors import RuleError
from alarms.rules.expression import Expression, parse
from alarms.rules.model import Mode, Receiver, Rule, RuleSet, Severity
from equipment.catalogue.load import load_catalogue
from equipment.catalogue.model import Kind
from ingest.codes.lists import concepts

REQUIRED = frozenset({"id", "kind", "title", "severity", "receivers", "latch", "guidance", "source", "mark"})
OPTIONAL = frozenset(
    {"condition", "silence_seconds", "clear", "suppress_when", "on_delay_seconds", "off_delay_seconds", "mode",
     "incident_kind", "version", "momentary"}
)  # fmt: skip
INCIDENT_KINDS = frozenset({"entrapment", "fault"})
NONE = "none"


def read_rule(entry: dict[str, Any], defaults: dict[str, Any]) -> Rule:
    """One rule from its mapping.

    Raises
    ------
    RuleError
        The message names the rule, the field and, in a condition, the column.
    """
    name = entry.get("id", "a rule without id")
    missing, unknown = REQUIRED - entry.keys(), entry.keys() - REQUIRED - OPTIONAL
    if missing or unknown:
        raise RuleError(f"{name}: missing {sorted(missing)}, unknown {sorted(unknown)}")
    kind = load_catalogue().kind(entry["kind"])
    if kind is None:
        raise RuleError(f"{name}: no kind is named {entry['kind']!r}")
    if ("condition" in entry) == ("silence_seconds" in entry):
        raise RuleError(f"{name}: give either condition or silence_seconds")
    suppress = entry.get("suppress_when", defaults.get(kind.name, {}).get("suppress_when", NONE))
    silence = entry.get("silence_seconds")
    try:
        receivers = frozenset(Receiver(r) for r in entry["receivers"])
        severity, mode = Severity(entry["severity"]), Mode(entry.get("mode", "enabled"))
    except ValueError as error:
        raise RuleError(f"{name}: {error}") from None
    incident = entry.get("incident_kind")
    if (Receiver.DESK in receivers) != (incident is not None) or (incident and incident not in INCIDENT_KINDS):
        raise RuleError(f"{name}: incident_kind ({', '.join(sorted(INCIDENT_KINDS))}) goes with the receiver desk")
    return Rule(
        id=entry["id"],
        version=int(entry.get("version", 1)),
        kind=kind.name,
        title_zh=entry["title"]["zh"],
        title_en=entry["title"]["en"],
        condition=_expression(name, "condition", entry.get("condition", NONE), kind),
        silence_seconds=None if silence is None else _seconds(name, "silence_seconds", silence),
        clear=_expression(name, "clear", entry.get("clear", NONE), kind),
        suppress_when=_expression(name, "suppress_when", suppress, kind),
        on_delay_seconds=_seconds(name, "on_delay_seconds", entry.get("on_delay_seconds", 0)),
        off_delay_seconds=_seconds(name, "off_delay_seconds", entry.get("off_delay_seconds", 0)),
        severity=severity,
        receivers=receivers,
        latch=bool(entry["latch"]),
        momentary=bool(entry.get("momentary", False)),
        mode=mode,
        incident_kind=incident,
        guidance_zh=entry["guidance"]["zh"],
        guidance_en=entry["guidance"]["en"],
        source=entry["source"],
        mark=entry["mark"],
    )


def _seconds(rule: str, field: str, value: Any) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or value < 0:
        raise RuleError(f"{rule}: {field} is a number of seconds, 0 or more")
    return float(value)


def _expression(rule: str, field: str, text: str, kind: Kind) -> Expression | None:
    if text == NONE:
        return None
    bits = {name: concept.bit for name, concept in concepts().items()}
    try:
        return parse(text, kind, bits)
    except RuleError as error:
        raise RuleError(f"{rule}: {field}: {error}") from None


def check_stale(rule: Rule) -> None:
    """A value must be held longer than the longest delay that needs it.

    Raises
    ------
    RuleError
    """
    kind = load_catalogue().kind(rule.kind)
    longest = max(rule.on_delay_seconds, rule.off_delay_seconds)
    for name in rule.condition.signals if rule.condition else ():
        signal = kind.signal(name) if kind else None
        if signal is not None and signal.stale_after_seconds <= longest:
            raise RuleError(
                f"{rule.id}: {name} is held {signal.stale_after_seconds:g} s, not longer than the delay of {longest:g} s"
            )


def read_rules(text: str) -> RuleSet:
    """A rule set from its YAML text.

    Raises
    ------
    RuleError
    """
    document = yaml.safe_load(text)
    rules = tuple(read_rule(entry, document.get("defaults", {})) for entry in document["rules"])
    ids = [rule.id for rule in rules]
    if len(set(ids)) != len(ids):
        raise RuleError(f"two rules share an id: {sorted({i for i in ids if ids.count(i) > 1})}")
    for rule in rules:
        check_stale(rule)
    digest = hashlib.sha256(json.dumps(document, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
    active = [rule for rule in rules if rule.mode is not Mode.DISABLED]
    kinds = {rule.kind for rule in active}
    return RuleSet(digest[:16], rules, {kind: tuple(r for r in active if r.kind == kind) for kind in kinds})


@cache
def load_pack() -> RuleSet:
    """The rules that are shipped."""
    return read_rules((files("alarms.rules") / "pack.yaml").read_text(encoding="utf-8"))
