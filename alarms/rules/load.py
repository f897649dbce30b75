"""Reads rules from YAML and checks every field; nothing of a rule is left unread."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from alarms.errors import RuleError
from alarms.rules import fields
from alarms.rules.expression import Expression, parse, parse_amount
from alarms.rules.model import Mode, Origin, Receiver, Repetition, Rule, RuleSet, Severity
from equipment.catalogue.load import load_catalogue
from equipment.catalogue.model import Kind
from ingest.codes.lists import concepts

REQUIRED = frozenset({"id", "kind", "title", "severity", "receivers", "latch", "guidance", "source", "mark"})
OPTIONAL = frozenset(
    {"condition", "silence_seconds", "silence_of", "clear", "deadband", "suppress_when", "on_delay_seconds",
     "off_delay_seconds", "count", "within_seconds", "schedule", "scope", "escalation", "mode", "incident_kind",
     "version", "momentary"}
)  # fmt: skip
INCIDENT_KINDS = frozenset({"entrapment", "fault"})
MARKS = frozenset({"V", "V-code", "P", "D", "C", "M"})
NONE = "none"
NEVER = "never"
Entry = dict[str, Any]


def read_rule(entry: Entry, defaults: Entry, origin: Origin = Origin.PACK) -> Rule:
    """One rule from its mapping.

    Raises
    ------
    RuleError
        The message names the rule, the field and, in a condition, line and column.
    """
    name = str(entry.get("id", "a rule without id"))
    missing, unknown = REQUIRED - entry.keys(), entry.keys() - REQUIRED - OPTIONAL
    if missing or unknown:
        raise RuleError(f"{name}: missing fields {sorted(missing)}, unknown fields {sorted(unknown)}")
    kind = load_catalogue().kind(str(entry["kind"]))
    if kind is None or not kind.signals:
        raise RuleError(f"{name}: kind: no measured kind is named {entry['kind']!r}")
    if ("condition" in entry) == ("silence_seconds" in entry):
        raise RuleError(f"{name}: give either condition or silence_seconds")
    if ("count" in entry) != ("within_seconds" in entry):
        raise RuleError(f"{name}: count and within_seconds go together")
    suppress = entry.get("suppress_when", defaults.get(kind.name, {}).get("suppress_when", NONE))
    severity = fields.choice(name, "severity", entry["severity"], Severity)
    receivers = frozenset(
        fields.choice(name, "receivers", r, Receiver) for r in fields.items(name, "receivers", entry["receivers"])
    )
    silence = fields.silence(name, entry, lambda text: _condition(name, "silence_of", text, kind))
    rule = Rule(
        id=fields.identifier(name, entry["id"], kind.name),
        version=fields.whole(name, "version", entry.get("version", 1)),
        origin=origin,
        digest=digest_of({"entry": entry, "suppress": suppress}),
        kind=kind.name,
        title_zh=fields.text(name, "title.zh", entry["title"], "zh"),
        title_en=fields.text(name, "title.en", entry["title"], "en"),
        condition=_condition(name, "condition", entry.get("condition", NONE), kind),
        silence=silence,
        clear=_condition(name, "clear", entry.get("clear", NONE), kind),
        deadband=fields.amount(name, "deadband", entry.get("deadband", 0)),
        suppress_when=_condition(name, "suppress_when", suppress, kind),
        on_delay=_delay(name, entry, kind),
        repetition=_repetition(name, entry),
        off_delay_seconds=fields.amount(name, "off_delay_seconds", entry.get("off_delay_seconds", 0)),
        schedule=fields.schedule(name, entry.get("schedule")),
        scope=fields.scope(name, entry.get("scope", {})),
        severity=severity,
        escalation=fields.escalation(name, entry.get("escalation", []), severity, lambda f, text: _condition(name, f, text, kind)),
        receivers=receivers,
        latch=fields.flag(name, "latch", entry["latch"]),
        momentary=fields.flag(name, "momentary", entry.get("momentary", False)),
        mode=fields.choice(name, "mode", entry.get("mode", "enabled"), Mode),
        incident_kind=entry.get("incident_kind"),
        guidance_zh=fields.text(name, "guidance.zh", entry["guidance"], "zh"),
        guidance_en=fields.text(name, "guidance.en", entry["guidance"], "en"),
        source=fields.text(name, "source", entry, "source"),
        mark=fields.text(name, "mark", entry, "mark"),
    )  # fmt: skip
    _check(rule)
    return rule


def _condition(rule: str, field: str, text: object, kind: Kind) -> Expression | None:
    if text == NONE:
        return None
    if not isinstance(text, str):
        raise RuleError(f"{rule}: {field}: a condition is a text")
    bits = {name: concept.bit for name, concept in concepts().items()}
    try:
        return parse(text, kind, bits)
    except RuleError as error:
        raise RuleError(f"{rule}: {field}: {error}") from None


def _delay(rule: str, entry: Entry, kind: Kind) -> Expression | None:
    """A number of seconds, or an amount that depends on the unit; ``never`` with a count."""
    given = entry.get("on_delay_seconds", NEVER if "count" in entry else 0)
    if given == NEVER:
        if "count" not in entry:
            raise RuleError(f"{rule}: on_delay_seconds: never goes with count and within_seconds")
        return None
    if not isinstance(given, str):
        given = f"{fields.amount(rule, 'on_delay_seconds', given):g}"
    try:
        return parse_amount(given, kind)
    except RuleError as error:
        raise RuleError(f"{rule}: on_delay_seconds: {error}") from None


def _repetition(rule: str, entry: Entry) -> Repetition | None:
    if "count" not in entry:
        return None
    count, seconds = (
        fields.whole(rule, "count", entry["count"]),
        fields.amount(rule, "within_seconds", entry["within_seconds"]),
    )
    if count < 2 or seconds <= 0:
        raise RuleError(f"{rule}: count is 2 or more, within_seconds more than 0")
    return Repetition(count, seconds)


def _check(rule: Rule) -> None:
    """What only shows when the fields are seen together."""
    if (Receiver.DESK in rule.receivers) != (rule.incident_kind is not None) or (
        rule.incident_kind and rule.incident_kind not in INCIDENT_KINDS
    ):
        raise RuleError(f"{rule.id}: incident_kind ({', '.join(sorted(INCIDENT_KINDS))}) goes with the receiver desk")
    if not rule.receivers:
        raise RuleError(f"{rule.id}: receivers: somebody must be told")
    if rule.mark not in MARKS:
        raise RuleError(f"{rule.id}: mark is one of {', '.join(sorted(MARKS))}")
    if rule.silence is not None and (rule.clear or rule.schedule or rule.escalation or rule.deadband):
        raise RuleError(f"{rule.id}: a rule of silence has no clear, deadband, schedule or escalation")
    if rule.clear is not None and rule.deadband:
        raise RuleError(f"{rule.id}: give either clear or deadband")
    if not math.isfinite(rule.on_delay_seconds) or rule.on_delay_seconds < 0:
        raise RuleError(f"{rule.id}: on_delay_seconds is a number of seconds, 0 or more")
    check_stale(rule)


def check_stale(rule: Rule) -> None:
    """A value must be held longer than the longest delay that needs it.

    Raises
    ------
    RuleError
    """
    kind = load_catalogue().kind(rule.kind)
    longest = max(rule.on_delay_seconds, rule.off_delay_seconds)
    for name in sorted(rule.condition.signals) if rule.condition else ():
        signal = kind.signal(name) if kind else None
        if signal is not None and signal.stale_after_seconds <= longest:
            raise RuleError(
                f"{rule.id}: {name} is held {signal.stale_after_seconds:g} s, not longer than the delay of {longest:g} s"
            )


def digest_of(document: object) -> str:
    """A short name of a document's content."""
    text = json.dumps(document, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def rule_set(rules: Iterable[Rule]) -> RuleSet:
    """Rules as they are judged together.

    Raises
    ------
    RuleError
        Two share an id.
    """
    found = tuple(rules)
    ids = [rule.id for rule in found]
    if len(set(ids)) != len(ids):
        raise RuleError(f"two rules share an id: {sorted({i for i in ids if ids.count(i) > 1})}")
    active = [rule for rule in found if rule.mode is not Mode.DISABLED]
    kinds = {rule.kind for rule in active}
    return RuleSet(
        digest_of([rule.key for rule in found]),
        found,
        {kind: tuple(r for r in active if r.kind == kind) for kind in kinds},
    )


def read_yaml(text: str) -> Any:
    """A YAML text.

    Raises
    ------
    RuleError
        With line and column.
    """
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise RuleError(f"{place}not YAML: {getattr(error, 'problem', None) or error}") from None


def read_rules(text: str) -> RuleSet:
    """A rule set from its YAML text.

    Raises
    ------
    RuleError
    """
    document = read_yaml(text)
    defaults = document.get("defaults", {})
    return rule_set(read_rule(entry, defaults) for entry in document["rules"])


def pack_document() -> Any:
    """The shipped pack as it is written."""
    return read_yaml((files("alarms.rules") / "pack.yaml").read_text(encoding="utf-8"))


@cache
def load_pack() -> RuleSet:
    """The rules that are shipped."""
    return read_rules((files("alarms.rules") / "pack.yaml").read_text(encoding="utf-8"))


def with_city(pack: RuleSet, own: Sequence[Rule]) -> RuleSet:
    """The shipped rules with a city's own: the same id replaces, another adds."""
    replaced = {rule.id for rule in own}
    return rule_set((*(rule for rule in pack.rules if rule.id not in replaced), *own)) if own else pack
