"""Whether a fill may be, as pure functions: each refusal has its own check, and all that apply are named."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from urllib.parse import urlsplit

import msgspec

from equipment.cylinders.lifecycle import FILL_PATHS, CylinderState
from equipment.cylinders.media import media
from equipment.cylinders.model import Check, Fill, Judged, Licence, Reason
from equipment.cylinders.settings import CylinderSettings
from equipment.foundation.clock import SHANGHAI

FUTURE = timedelta(minutes=10)
LONGEST_TEXT = 200
LONGEST_ADDRESS = 500
MOST = 100_000.0
"""No weight [kg] and no pressure [MPa] is larger."""
LONGEST_FILL = timedelta(days=2)
"""Between the check before a fill and its end."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A fill that was done, or that is asked for."""

    cylinder: Judged
    station_id: int
    medium: str
    at: datetime
    licences: Sequence[Licence]
    settings: CylinderSettings

    @property
    def day(self) -> date:
        """The city's day of it."""
        return self.at.astimezone(SHANGHAI).date()


def _another_station(a: Attempt) -> Reason | None:
    return Reason.ANOTHER_STATION if a.cylinder.station_id != a.station_id else None


def _scrapped(a: Attempt) -> Reason | None:
    return Reason.SCRAPPED if a.cylinder.state is CylinderState.SCRAPPED else None


def _beyond_life(a: Attempt) -> Reason | None:
    c = a.cylinder
    end = a.settings.end_of_life(c.make_date, media()[c.medium], c.scrap_date)
    return Reason.BEYOND_LIFE if a.day >= end else None


def _inspection(a: Attempt) -> Reason | None:
    due = a.cylinder.next_inspection
    if a.cylinder.state is CylinderState.SCRAPPED:
        return None
    if due is None:
        return Reason.INSPECTION_UNKNOWN
    return Reason.INSPECTION_OVERDUE if a.day > due else None


def _state(a: Attempt) -> Reason | None:
    ready = a.cylinder.state in FILL_PATHS or a.cylinder.state is CylinderState.SCRAPPED
    return None if ready else Reason.NOT_FILLABLE


def _licence(a: Attempt) -> Reason | None:
    holding = [licence for licence in a.licences if licence.holds_on(a.day)]
    if not holding:
        return Reason.NO_LICENCE
    return None if any(a.medium in licence.media for licence in holding) else Reason.MEDIUM_NOT_LICENSED


def _medium(a: Attempt) -> Reason | None:
    return Reason.WRONG_MEDIUM if a.medium != a.cylinder.medium else None


def _order(a: Attempt) -> Reason | None:
    last = a.cylinder.last_fill_at
    return Reason.OUT_OF_ORDER if last is not None and a.at <= last else None


CHECKS: tuple[Callable[[Attempt], Reason | None], ...] = (
    _another_station, _scrapped, _beyond_life, _inspection, _state, _licence, _medium, _order,
)  # fmt: skip

CLAUSES: tuple[tuple[Reason, str], ...] = (
    (Reason.WRONG_MEDIUM, "4.5 b"),
    (Reason.NO_LICENCE, "4.5 a"),
    (Reason.MEDIUM_NOT_LICENSED, "4.5 a"),
)
"""Items of GB 45067-2024 a refused fill may fall under, gravest first."""

REASON_TEXTS: dict[Reason, str] = {
    Reason.UNKNOWN_CYLINDER: "气瓶未登记，请先建档 (nobody registered this code: register the cylinder first)",
    Reason.ANOTHER_STATION: "非本单位产权气瓶，不得充装 (another station's cylinder)",
    Reason.SCRAPPED: "气瓶已报废 (scrapped)",
    Reason.BEYOND_LIFE: "超过设计使用年限，应报废 (beyond its design life: scrap it)",
    Reason.INSPECTION_OVERDUE: "超过检验有效期，请送检 (overdue for inspection: send it)",
    Reason.INSPECTION_UNKNOWN: "检验有效期未知，请送检或补录 (inspection not known: send it or enter it)",
    Reason.NOT_FILLABLE: "当前状态不可充装 (not in a fillable state)",
    Reason.NO_LICENCE: "充装许可不在有效期内 (the station's licence does not hold on that day)",
    Reason.MEDIUM_NOT_LICENSED: "充装介质不在许可范围内 (the licence does not name this medium)",
    Reason.WRONG_MEDIUM: "充装介质与气瓶不符，属错装介质 (wrong medium for this cylinder)",
    Reason.PRECHECK_FAILED: "充前检查不合格 (the check before the fill failed)",
    Reason.OUT_OF_ORDER: "早于或等于该瓶最近一次充装 (not after its newest fill)",
}


def refusals(attempt: Attempt) -> tuple[Reason, ...]:
    """Every reason against the attempt; empty when it may be."""
    return tuple(found for check in CHECKS if (found := check(attempt)) is not None)


def clause_of(reasons: Sequence[Reason]) -> str | None:
    """The item of GB 45067-2024, gravest first; None where the reasons are no major hazard."""
    return next((clause for reason, clause in CLAUSES if reason in reasons), None)


def detail_of(reasons: Sequence[Reason]) -> str:
    """The reasons in words."""
    return "；".join(REASON_TEXTS[reason] for reason in reasons)


def net_of(fill: Fill, cylinder: Judged) -> float | None:
    """净重 [kg]: as sent, else full weight less tare; None when it cannot be known."""
    if fill.net_kg is not None:
        return fill.net_kg
    if fill.full_kg is None or cylinder.tare_kg is None:
        return None
    return round(fill.full_kg - cylinder.tare_kg, 3)


def faults(fill: Fill, cylinder: Judged, tolerance_kg: float) -> tuple[str, ...]:
    """Why a fill does not pass its check afterwards: leak, overfilled, net_differs, reweigh_differs; empty: it passes.

    Whether a pressure is too high depends on the temperature, which no record carries; it is not judged.
    """
    found = [] if fill.leak_free else ["leak"]
    net = net_of(fill, cylinder)
    if net is not None and cylinder.max_fill_kg is not None and net > cylinder.max_fill_kg + tolerance_kg:
        found.append("overfilled")
    if None not in (fill.net_kg, fill.full_kg, cylinder.tare_kg):
        weighed = (fill.full_kg or 0.0) - (cylinder.tare_kg or 0.0)
        if abs(weighed - (fill.net_kg or 0.0)) > tolerance_kg:
            found.append("net_differs")
    if fill.reweigh_kg is not None and fill.full_kg is not None and abs(fill.reweigh_kg - fill.full_kg) > tolerance_kg:
        found.append("reweigh_differs")
    return tuple(found)


def is_traced(fill: Fill, cylinder: Judged) -> bool:
    """Whether nothing of the trace is missing: who filled and checked, with what, and the form's measurements."""
    if not (fill.filler and fill.checker and (fill.gun or fill.scale)):
        return False
    if media()[fill.medium].form.weighed:
        return None not in (fill.empty_kg, fill.full_kg, net_of(fill, cylinder), cylinder.max_fill_kg)
    return None not in (fill.residual_mpa, fill.pressure_mpa)


def problems(record: Fill | Check, now: datetime, oldest: timedelta) -> list[str]:
    """Everything that cannot be right in a record, as ``field: why``; empty when nothing is."""
    found = _values(record)
    if record.medium not in media():
        found.append(f"medium: {record.medium!r} 不在介质目录中 (not in the catalogue): {', '.join(media())}")
    moments = {name: getattr(record, name) for name in ("at", "checked_at", "filled_at") if hasattr(record, name)}
    naive = [f"{name}: 时间须带时区 (needs a time zone)" for name, at in moments.items() if at.tzinfo is None]
    if naive:
        return found + naive
    found += [f"{name}: 时间在将来 (lies in the future)" for name, at in moments.items() if at > now + FUTURE]
    found += [f"{name}: 早于保存期 (older than traces are kept)" for name, at in moments.items() if at < now - oldest]
    if isinstance(record, Fill):
        if record.checked_at > record.filled_at:
            found.append("checked_at: 充前检查晚于充装 (the check comes before the fill)")
        elif record.filled_at - record.checked_at > LONGEST_FILL:
            found.append("checked_at: 充前检查距充装超过 2 天 (more than two days before the fill: check again)")
        if record.video_url is not None and not is_web_address(record.video_url):
            found.append("video_url: 须为 http 或 https 地址 (must be an http or https address)")
    return found


def _values(record: Fill | Check) -> list[str]:
    found = []
    for name in record.__struct_fields__:
        value = getattr(record, name)
        if isinstance(value, float) and not (math.isfinite(value) and -0.1 <= value <= MOST):
            # a vacuum is a gauge pressure just below zero
            found.append(f"{name}: {value:g} 不可能 (not possible)")
        if isinstance(value, str):
            limit = LONGEST_ADDRESS if name in ("video_url", "note") else LONGEST_TEXT
            if not value.strip() or len(value) > limit or not value.isprintable():
                found.append(f"{name}: 须为 1 至 {limit} 个可见字符 (1 to {limit} printable characters)")
    return found


def is_web_address(text: str) -> bool:
    """Whether it is an http or https address of some host, without a password in it. It is never fetched.

    >>> is_web_address("https://video.example/f/1"), is_web_address("javascript:alert(1)"), is_web_address("http://")
    (True, False, False)
    """
    if not text.isascii() or any(c.isspace() for c in text):
        return False
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(host) and "@" not in parts.netloc


def evidence(attempt: Attempt | None) -> dict[str, object]:
    """What the attempt was judged by, by value."""
    if attempt is None:
        return {}
    judged: dict[str, object] = msgspec.to_builtins(attempt.cylinder)
    return {
        "cylinder": judged,
        "licences": [
            {"no": licence.licence_no, "media": sorted(licence.media), "from": licence.valid_from.isoformat(),
             "to": licence.valid_to.isoformat(),
             "revoked_on": licence.revoked_on.isoformat() if licence.revoked_on else None}
            for licence in attempt.licences
        ],
    }  # fmt: skip
