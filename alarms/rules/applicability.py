"""Where a rule applies: its scope, and what the unit's terminal can sense.

A rule that needs what a model cannot sense is *not applicable* there. That is not "normal": nothing watches.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from importlib.resources import files

import yaml

from alarms.errors import RuleError
from alarms.rules import tree
from alarms.rules.model import Rule, Scope
from equipment.catalogue.load import load_catalogue
from equipment.registry.model import UnitSummary
from ingest.codes.lists import concepts


class Applies(Enum):
    """Whether a rule watches a unit."""

    YES = "applies"
    OUT_OF_SCOPE = "out_of_scope"
    """The rule is not meant for it."""
    NOT_SENSED = "not_sensed"
    """不适用: the terminal cannot sense what the rule needs."""
    NO_TERMINAL = "no_terminal"
    """不适用: there is no terminal."""


@dataclass(frozen=True, slots=True)
class Capability:
    """What a model of terminal can sense of one kind."""

    signals: frozenset[str]
    codes: frozenset[str]


@cache
def capabilities() -> Mapping[tuple[str, str], Capability]:
    """The capability table, by model and kind.

    Raises
    ------
    RuleError
        It names a signal or concept that does not exist.
    """
    document = yaml.safe_load((files("alarms.rules") / "capabilities.yaml").read_text(encoding="utf-8"))
    found: dict[tuple[str, str], Capability] = {}
    for model, kinds in document["models"].items():
        for name, entry in kinds.items():
            kind = load_catalogue().kind(name)
            signals, codes = frozenset(entry["signals"]), frozenset(entry["codes"])
            known = {signal.name for signal in kind.signals} if kind else set()
            wrong = sorted(signals - known) + sorted(codes - concepts().keys())
            if wrong:
                raise RuleError(f"capabilities.yaml: {model}: {name}: unknown {', '.join(wrong)}")
            found[model, name] = Capability(signals, codes)
    return found


def can_be_known(node: tree.Node, of: Capability, *, holds: bool = True) -> bool:
    """Whether a terminal that senses only ``of`` can ever make the node true (or, without ``holds``, false)."""
    match node:
        case tree.Held(signal) | tree.Flag(signal):
            return signal in of.signals
        case tree.Code(concept, _):
            return concept in of.codes
        case tree.Negation(inner):
            return can_be_known(inner, of, holds=not holds)
        case tree.Junction(every, parts):
            found = (can_be_known(part, of, holds=holds) for part in parts)
            return all(found) if every is holds else any(found)
        case _:
            return all(can_be_known(child, of) for child in tree.children(node))


def senses(rule: Rule, model: str) -> bool:
    """Whether a model can sense what a rule needs; a model that is not in the table is taken at its word.

    A rule that waits for something to come (``silence_of``) needs a model that is known to send it.
    """
    of = capabilities().get((model, rule.kind))
    if rule.silence is not None:
        if rule.silence.of is None:
            return True
        return of is not None and can_be_known(rule.silence.of, of)
    return of is None or rule.condition is None or can_be_known(rule.condition.tree, of)


def in_scope(scope: Scope, unit: UnitSummary) -> bool:
    """Whether a rule is meant for a unit."""
    tags = unit.parameters.get("tags")
    return (
        (not scope.varieties or unit.variety_code in scope.varieties)
        and (not scope.firms or unit.firm_org_id in scope.firms)
        and (not scope.districts or any(f"/{d}/" in unit.jurisdiction_path for d in scope.districts))
        and (not scope.units or unit.id in scope.units)
        and (not scope.tags or (isinstance(tags, list) and not scope.tags.isdisjoint(map(str, tags))))
    )


def applies(rule: Rule, unit: UnitSummary) -> Applies:
    """Whether a rule watches a unit, and if not, why."""
    if not in_scope(rule.scope, unit):
        return Applies.OUT_OF_SCOPE
    if unit.device_model is None:
        return Applies.NO_TERMINAL
    return Applies.YES if senses(rule, unit.device_model) else Applies.NOT_SENSED
