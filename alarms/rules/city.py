"""A city's own rules and the limits of its districts: versioned rows, checked before they are written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import yaml

from alarms.errors import ConflictError, RuleError
from alarms.rules.load import digest_of, load_pack, pack_document, read_rule, read_yaml, with_city
from alarms.rules.model import Origin, Rule, RuleSet
from equipment.access.model import Asker
from equipment.foundation.database import Connection, load_queries

QUERIES = load_queries(__file__, "city.sql")


@dataclass(frozen=True, slots=True)
class Version:
    """One edit of a rule."""

    id: int
    rule: str
    version: int
    definition: str
    author: str
    reason: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Setting:
    """One limit of a district that is in force."""

    jurisdiction_id: str
    name: str
    value: float | None
    author: str
    reason: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Loaded:
    """The rules in force, and what could not be read of them."""

    rules: RuleSet
    settings: dict[tuple[str, str], float]
    mark: tuple[int, int]
    """Newest rows of rules and settings that were seen."""
    broken: tuple[tuple[str, int, str], ...]
    """Rule, version and error of a row that this version of the program does not understand."""


def mark_of(conn: Connection) -> tuple[int, int]:
    """Changes when somebody edits a rule or a setting."""
    row = conn.execute(QUERIES.newest_edit).fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)


def load(conn: Connection, pack: RuleSet | None = None) -> Loaded:
    """The shipped rules with the city's own. A row that cannot be read leaves the shipped rule in force."""
    mark = mark_of(conn)
    own: list[Rule] = []
    broken: list[tuple[str, int, str]] = []
    for row in conn.execute(QUERIES.rules_in_force):
        version = Version(*row)
        try:
            own.append(read_own(version.definition, version.version))
        except RuleError as error:
            broken.append((version.rule, version.version, str(error)))
    settings = {(s.jurisdiction_id, s.name): s.value for s in settings_of(conn) if s.value is not None}
    return Loaded(with_city(pack or load_pack(), own), settings, mark, tuple(broken))


def read_own(text: str, version: int) -> Rule:
    """A rule from what was typed: one mapping of YAML; its version is ours to give.

    Raises
    ------
    RuleError
        With the field, and with line and column where it is one of place.
    """
    entry = read_yaml(text)
    if not isinstance(entry, dict):
        raise RuleError("line 1, column 1: a rule is a mapping of fields, such as “id: lift.my_rule”")
    if "version" in entry:
        raise RuleError("version: leave it out, it is counted by itself")
    defaults = pack_document().get("defaults", {})
    return read_rule({**entry, "version": version}, defaults, Origin.CITY)


def definition_of(conn: Connection, rule_id: str) -> str | None:
    """The text of a rule that is in force, for editing; None when there is no such rule."""
    row = conn.execute(QUERIES.newest_version, (rule_id,)).fetchone()
    if row is not None:
        return Version(*row).definition
    for entry in pack_document()["rules"]:
        if entry["id"] == rule_id:
            shown = {name: value for name, value in entry.items() if name != "version"}
            return yaml.safe_dump(shown, allow_unicode=True, sort_keys=False, width=110)
    return None


def versions_of(conn: Connection, rule_id: str) -> list[Version]:
    """Every edit of a rule, newest first."""
    return [Version(*row) for row in conn.execute(QUERIES.versions, (rule_id,))]


def next_version(conn: Connection, rule_id: str) -> int:
    """The number that the next edit gets."""
    shipped = load_pack().rule(rule_id)
    row = conn.execute(QUERIES.newest_version, (rule_id,)).fetchone()
    return max(0 if row is None else Version(*row).version, 0 if shipped is None else shipped.version) + 1


def save(conn: Connection, text: str, seen: int, asker: Asker, reason: str, now: datetime) -> Rule:
    """Write a new version of a rule.

    Parameters
    ----------
    seen
        The version that the next edit would get when the editor opened it.

    Raises
    ------
    RuleError
        The rule has a mistake, or no reason is given.
    ConflictError
        Somebody else edited it meanwhile.
    """
    if not reason.strip():
        raise RuleError("请写明修改原因 (say why it is changed)")
    draft = read_own(text, 1)
    conn.execute(QUERIES.lock_rule, (draft.id,))
    version = next_version(conn, draft.id)
    if version != seen:
        newest = versions_of(conn, draft.id)
        who = f"{newest[0].author} {newest[0].created_at:%Y-%m-%d %H:%M}" if newest else ""
        raise ConflictError(f"规则已被他人修改，请重新打开 (edited meanwhile by {who}: open it again)")
    conn.execute(
        QUERIES.insert_rule, (draft.id, version, text, asker.account_id, asker.display_name, reason.strip(), now)
    )
    return read_own(text, version)


def settings_of(conn: Connection) -> list[Setting]:
    """The limits of districts that are in force."""
    return [Setting(*row) for row in conn.execute(QUERIES.settings)]


def save_setting(
    conn: Connection, jurisdiction_id: str, name: str, value: float | None, asker: Asker, reason: str, now: datetime
) -> None:  # fmt: skip
    """Set a limit of a district, or take it back with None.

    Raises
    ------
    RuleError
        No rule asks for a setting of that name, no reason is given, or the district is not the asker's.
    """
    check_setting(conn, jurisdiction_id, name)
    if not reason.strip():
        raise RuleError("请写明修改原因 (say why it is changed)")
    conn.execute(
        QUERIES.insert_setting,
        (jurisdiction_id, name, value, asker.account_id, asker.display_name, reason.strip(), now),
    )


def check_setting(conn: Connection, jurisdiction_id: str, name: str) -> None:
    """Whether the asker may set this limit of this district at all.

    Raises
    ------
    RuleError
    """
    if name not in {known for known, _ in asked_settings(load(conn).rules.rules)}:
        raise RuleError(f"没有规则使用设置项 {name} (no rule asks for this setting)")
    if conn.execute(QUERIES.in_own_area, (jurisdiction_id,)).fetchone() is None:
        raise RuleError(f"辖区 {jurisdiction_id} 不存在或不在您的管辖范围 (no such district in your area)")


def edits_of_settings(conn: Connection, most: int = 50) -> list[Setting]:
    """Every change of a limit, newest first."""
    return [Setting(*row) for row in conn.execute(QUERIES.edits_of_settings, (most,))]


def asked_settings(rules: Sequence[Rule]) -> list[tuple[str, float]]:
    """Name and default of every district setting that rules ask for."""
    found = {
        (p.name, p.default) for r in rules for e in r.expressions for p in e.parameters if p.source.value == "setting"
    }
    return sorted(found)


def contents_of(loaded: Loaded) -> list[dict[str, Any]]:
    """What the log keeps of a rule set."""
    return [
        {"id": r.id, "version": r.version, "mode": r.mode.value, "origin": r.origin.value, "digest": r.digest}
        for r in loaded.rules.rules
    ]


def identity_of(loaded: Loaded) -> str:
    """Identity of rules and limits together."""
    settings = sorted((*key, value) for key, value in loaded.settings.items())
    return loaded.rules.id if not settings else digest_of([loaded.rules.id, settings])
