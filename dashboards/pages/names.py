"""Names that the catalogues of the other rooms give: rules, checklist items, enum values of signals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from alarms.rules import city
from alarms.rules.load import load_pack
from dashboards import i18n, words
from dashboards.rendering import local, word_filter
from equipment.catalogue.model import Signal
from equipment.foundation.database import Connection
from maintenance.checklists.catalogue import load_items
from maintenance.plausibility.catalogue import catalogue
from maintenance.plausibility.service import Held


@dataclass(frozen=True, slots=True)
class _Titles:
    """Titles of rules in Chinese and English, and the newest edit of the city's rules that they know."""

    mark: int
    of: Mapping[str, tuple[str, str]]


@cache
def _shipped() -> _Titles:
    return _Titles(0, {rule.id: (rule.title_zh, rule.title_en) for rule in load_pack().rules})


_newest: list[_Titles] = []
"""The titles with the city's own, as last read; one entry or none."""


def learn_rules(conn: Connection) -> None:
    """Know the city's own rules by name, and their newest edit; a page that names rules calls it in its transaction."""
    mark = city.mark_of(conn)[0]
    if mark != (_newest[0] if _newest else _shipped()).mark:
        loaded = city.load(conn)
        _newest[:] = [_Titles(mark, {rule.id: (rule.title_zh, rule.title_en) for rule in loaded.rules.rules})]


def rule_name(rule: str, language: str) -> str:
    """The title of a rule in the page's language; a rule that has gone keeps its id."""
    zh, en = (_newest[0] if _newest else _shipped()).of.get(rule, (rule, rule))
    return zh if language == i18n.DEFAULT_LANGUAGE else en


@cache
def item_names() -> dict[str, str]:
    """Checklist item id to its Chinese name (TSG T5002-2017)."""
    return {item.id: item.name_zh for item in load_items()}


def signal_value(signal: Signal, code: Any, language: str) -> Any:
    """What a code of an enum signal means."""
    name = (signal.values or {}).get(int(code))
    return word_filter(None, name if name is not None else str(code), "signal_value")  # type: ignore[arg-type]


def finding_text(held: Held, language: str) -> str:
    """A finding in words; one of a check that has gone keeps its name."""
    check = catalogue().checks.get(held.check)
    return check.told(held.detail, "zh" if language == i18n.DEFAULT_LANGUAGE else "en") if check else held.check


ORIGINS = {
    "record": "/records/{}", "record_id": "/records/{}", "call": "/calls/{}", "lead": "/ledger/leads/{}", "alarms": "/alarms/{}",
    "hazard_id": "/ledger/hazards/{}", "duty_report": "/duties",
}  # fmt: skip
"""Where a value of evidence leads, by its name."""
FAMILIES = {
    "level": ("record_level",), "grade": ("hazard_grade",), "check": ("finding_check",), "stage": ("file_stage",),
    "colour": ("risk_colour",), "source": ("lead_source",), "method": ("delivery_method",), "duty": ("duty_kind", "due_duty"),
}  # fmt: skip
"""Of which families a code of evidence may be, by its name."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A value of evidence for a person; ``href`` "" leads nowhere."""

    text: str
    href: str = ""


def evidence_value(key: str, value: str | float) -> Shown:
    """A code in its word, a moment in the city's time, a rule by its title, an origin with its address."""
    text = str(value)
    if key in ("rule", "rules"):
        return Shown(rule_name(text, i18n.current_language()))
    word = next((w for f in FAMILIES.get(key, ()) if (w := words.source_text(f, text))), None)
    if word is not None:
        return Shown(i18n.gettext(word))
    if isinstance(value, str) and "T" in value:
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            moment = None
        if moment is not None and moment.tzinfo is not None:
            return Shown(f"{local(moment):%Y-%m-%d %H:%M:%S}")
    return Shown(text, ORIGINS[key].format(text) if key in ORIGINS else "")
