"""Names that the catalogues of the other rooms give: rules, checklist items, enum values of signals."""

from __future__ import annotations

from functools import cache
from typing import Any

from alarms.rules.load import load_pack
from dashboards import i18n
from dashboards.rendering import word_filter
from equipment.catalogue.model import Signal
from maintenance.checklists.catalogue import load_items
from maintenance.plausibility.catalogue import catalogue
from maintenance.plausibility.service import Held


@cache
def _rule_titles() -> dict[str, tuple[str, str]]:
    return {rule.id: (rule.title_zh, rule.title_en) for rule in load_pack().rules}


def rule_name(rule: str, language: str) -> str:
    """The title of a rule in the page's language; a rule that has gone keeps its id."""
    zh, en = _rule_titles().get(rule, (rule, rule))
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
