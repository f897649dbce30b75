"""充装单位, their licences and their insurance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import msgspec
import psycopg

from equipment.access.model import Asker, ScopeKind
from equipment.access.store import Change, audit
from equipment.cylinders.media import media
from equipment.cylinders.model import Licence
from equipment.errors import CylinderInputError, DuplicateCodeError, NotAStationError, OutOfScopeError
from equipment.foundation.clock import SHANGHAI
from equipment.foundation.database import Connection, load_queries

QUERIES = load_queries(__file__)
STATION = "filling_station"
"""Kind of the organisation."""


@dataclass(frozen=True, slots=True)
class Station:
    """充装单位 with the newest ends of its licence and insurance; None: none has begun."""

    id: int
    name: str
    district_zh: str
    district_en: str
    licensed_to: date | None
    insured_to: date | None


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever records for a station: ``account_id`` None is the system."""

    station_id: int
    account_id: int | None


@dataclass(frozen=True, slots=True)
class Policy:
    """气瓶充装责任保险 of a station."""

    id: int
    station_id: int
    policy_no: str
    insurer: str
    limit_yuan: float | None
    valid_from: date
    valid_to: date


class NewLicence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """充装许可证 as the authority enters it."""

    licence_no: str
    media: list[str]
    valid_from: date
    valid_to: date


class NewPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A policy as the station or the authority enters it."""

    policy_no: str
    insurer: str
    valid_from: date
    valid_to: date
    limit_yuan: float | None = None


def is_station(conn: Connection, organisation_id: int | None) -> bool:
    """Whether the organisation fills cylinders, as far as the caller may see."""
    return organisation_id is not None and conn.execute(QUERIES.is_station, (organisation_id,)).fetchone() is not None


def caller_of(conn: Connection, asker: Asker) -> Caller:
    """The station for which ``asker`` records.

    Raises
    ------
    NotAStationError
        His organisation is not registered as one.
    """
    organisation = asker.organisation_id
    if asker.scope_kind is not ScopeKind.USE_UNIT or organisation is None or not is_station(conn, organisation):
        raise NotAStationError("本单位未登记为气瓶充装单位，请联系辖区监察员 (your organisation is no filling station)")
    return Caller(organisation, asker.account_id)


def register_station(conn: Connection, organisation_id: int, asker: Asker | None, now: datetime) -> None:
    """Register an organisation of the kind ``filling_station``; again is harmless.

    Raises
    ------
    NotAStationError
        No such organisation, or of another kind.
    OutOfScopeError
    """
    row = conn.execute(QUERIES.organisation_kind, (organisation_id,)).fetchone()
    if row is None or row[0] != STATION:
        raise NotAStationError(f"没有充装单位 {organisation_id} (no organisation of the kind {STATION})")
    with _in_scope(conn):
        made = conn.execute(QUERIES.insert_station, (organisation_id, now)).rowcount
    if asker is not None and made:
        audit(
            conn, asker, "cylinder.license", f"station:{organisation_id}", now, change=Change("registered as a station")
        )


class _in_scope:  # noqa: N801  # reads as a phrase: with _in_scope(conn)
    """Undo the statement inside when the caller's scope forbids it, and say so in words."""

    def __init__(self, conn: Connection) -> None:
        self._savepoint = conn.transaction()

    def __enter__(self) -> None:
        self._savepoint.__enter__()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self._savepoint.__exit__(kind, error, trace)  # type: ignore[arg-type]
        if isinstance(error, psycopg.errors.InsufficientPrivilege):
            raise OutOfScopeError("不在您的权限或管辖范围内 (outside your scope)") from error
        if isinstance(error, psycopg.errors.ForeignKeyViolation):
            raise NotAStationError("没有该充装单位 (no such filling station)") from error
        if isinstance(error, psycopg.errors.UniqueViolation):
            raise DuplicateCodeError("该编号已登记 (registered already)") from error


def _period(valid_from: date, valid_to: date) -> list[str]:
    return [] if valid_from <= valid_to else ["valid_to: 早于 valid_from (ends before it begins)"]


def add_licence(conn: Connection, station_id: int, licence: NewLicence, asker: Asker | None, now: datetime) -> int:
    """Enter a 充装许可证; a renewal is another one. Returns its id.

    Raises
    ------
    CylinderInputError, NotAStationError, OutOfScopeError
    """
    unknown = sorted(set(licence.media) - set(media()))
    wrong = _period(licence.valid_from, licence.valid_to)
    wrong += [f"media: {', '.join(unknown)} 不在介质目录中 (not in the catalogue)"] if unknown else []
    wrong += ["media: 至少一种 (one at least)"] if not licence.media else []
    wrong += ["licence_no: 不能为空 (needed)"] if not licence.licence_no.strip() else []
    if wrong:
        raise CylinderInputError("; ".join(wrong))
    chosen = sorted(set(licence.media))
    with _in_scope(conn):
        row = conn.execute(
            QUERIES.insert_licence,
            (station_id, licence.licence_no.strip(), chosen, licence.valid_from, licence.valid_to, now),
        ).fetchone()
    if asker is not None:
        after = {"licence_no": licence.licence_no, "media": chosen, "valid_to": licence.valid_to.isoformat()}
        audit(conn, asker, "cylinder.license", f"station:{station_id}", now, change=Change(after=after))
    return int(row[0]) if row else 0


def revoke_licence(
    conn: Connection, station_id: int, licence_id: int, asker: Asker, reason: str, now: datetime
) -> None:
    """吊销 or 注销 from today on; fills of earlier days stay judged by it.

    Raises
    ------
    NotAStationError
        No such licence of this station, or it ended already.
    """
    today = now.astimezone(SHANGHAI).date()
    done = conn.execute(QUERIES.revoke_licence, (today, licence_id, station_id, today)).rowcount
    if not done:
        raise NotAStationError("没有可吊销的许可证，或不在您的管辖范围内 (no licence that could be revoked)")
    audit(
        conn, asker, "cylinder.license", f"station:{station_id}", now,
        change=Change(reason, {"licence": licence_id}, {"revoked_on": today.isoformat()}),
    )  # fmt: skip


def licences(conn: Connection, station_id: int) -> list[Licence]:
    """All licences of a station that the caller may see."""
    rows = conn.execute(QUERIES.licences, (station_id,))
    return [Licence(i, s, no, frozenset(m), start, end, revoked) for i, s, no, m, start, end, revoked in rows]


def add_policy(conn: Connection, station_id: int, policy: NewPolicy, asker: Asker | None, now: datetime) -> int:
    """Enter a policy; returns its id.

    Raises
    ------
    CylinderInputError, DuplicateCodeError, NotAStationError, OutOfScopeError
    """
    wrong = _period(policy.valid_from, policy.valid_to)
    wrong += [] if policy.policy_no.strip() and policy.insurer.strip() else ["policy_no, insurer: 不能为空 (needed)"]
    wrong += (
        ["limit_yuan: 须大于 0 (must be positive)"]
        if policy.limit_yuan is not None and not 0 < policy.limit_yuan < 1e12
        else []
    )
    if wrong:
        raise CylinderInputError("; ".join(wrong))
    with _in_scope(conn):
        row = conn.execute(
            QUERIES.insert_policy,
            (station_id, policy.policy_no.strip(), policy.insurer.strip(), policy.limit_yuan, policy.valid_from,
             policy.valid_to, now),
        ).fetchone()  # fmt: skip
    if asker is not None:
        after = {"policy_no": policy.policy_no, "valid_to": policy.valid_to.isoformat()}
        audit(conn, asker, "cylinder.insure", f"station:{station_id}", now, change=Change(after=after))
    return int(row[0]) if row else 0


def policies(conn: Connection, station_id: int) -> list[Policy]:
    """All policies of a station that the caller may see, newest first."""
    return [Policy(*row) for row in conn.execute(QUERIES.policies, (station_id,))]


def stations(conn: Connection, today: date) -> Sequence[Station]:
    """Every station the caller may see."""
    return [Station(*row) for row in conn.execute(QUERIES.stations, {"today": today})]
