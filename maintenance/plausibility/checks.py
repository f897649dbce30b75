"""The checks of place, time, person, picture and text. Pure: each says what it found, or why it could not look.

A check returns its findings; :class:`Blind` when it could not be made. What is unknown weighs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from equipment.foundation.clock import SHANGHAI
from equipment.registry.coordinates import Position, distance_m, locate
from maintenance.plausibility.catalogue import Catalogue
from maintenance.plausibility.model import Assessment, Case, Finding, Place, Skipped

LEVEL_WORDS = {"half_month": "半月", "quarter": "季度", "half_year": "半年", "year": "年度", "on_demand": "按需"}
WHEN_WORDS = {"sign_in": "签到", "sign_out": "签退"}
Values = Mapping[str, Any]
Found = Sequence[tuple[str, Values]]


class Blind(Exception):  # noqa: N818  # it is an answer, not a fault
    """The check could not be made, and why."""


def minutes_of(case: Case) -> float:
    """Claimed time on site [min]."""
    return (case.ended - case.began).total_seconds() / 60


def duration(case: Case, of: Catalogue) -> Found:
    """How long the visit lasted, against what such a visit usually takes."""
    usual = of.limit("too_short", case.level) if case.level in of.checks["too_short"].parameters else 0
    stayed = minutes_of(case)
    values = {"minutes": round(stayed), "usual": round(usual), "level_zh": LEVEL_WORDS.get(case.level, case.level)}
    if stayed < usual * of.limit("far_too_short", "share"):
        return [("far_too_short", values)]
    return [("too_short", values)] if stayed < usual else []


def load(case: Case, of: Catalogue) -> Found:
    """How much one worker claims for one day."""
    found: list[tuple[str, Values]] = []
    day = case.began.astimezone(SHANGHAI).date()
    for worker in sorted(case.workers):
        visits = [o for o in case.others if worker in o.workers and o.began.astimezone(SHANGHAI).date() == day]
        hours = (sum((o.ended - o.began).total_seconds() for o in visits) + minutes_of(case) * 60) / 3600
        if len(visits) + 1 > of.limit("too_many", "visits") or hours > of.limit("too_many", "hours"):
            found.append(("too_many", {"worker": worker, "visits": len(visits) + 1, "hours": round(hours, 1)}))
    return found[:1]


def _apart(a: Place, b: Place, unstated: float) -> float | None:
    """Metres that surely lie between two places; None where a datum is unknown."""
    here, there = a.located(), b.located()
    if here is None or there is None:
        return None
    doubt = sum(unstated if p.accuracy_m is None else p.accuracy_m for p in (here, there))
    return max(0.0, distance_m(Position(here.lon, here.lat), Position(there.lon, there.lat)) - doubt)


def presence(case: Case, of: Catalogue) -> Found:
    """Whether a worker was in two places at once, or travelled faster than anybody can."""
    if case.place is None or case.place.located() is None:
        raise Blind("电梯坐标或坐标系未知 (the lift's position or its datum is unknown)")
    two, travel = of.checks["two_places"].parameters, of.checks["impossible_travel"].parameters
    overlaps: list[tuple[str, Values]] = []
    leaps: list[tuple[str, Values]] = []
    for other in case.others:
        apart = None if other.place is None else _apart(case.place, other.place, two["unstated_accuracy_m"])
        if apart is None:
            continue
        overlap = (min(case.ended, other.ended) - max(case.began, other.began)).total_seconds() / 60
        values = {
            "worker": min(case.workers & other.workers, default=""), "unit": other.unit, "record": other.record,
            "distance_m": round(apart), "minutes": round(abs(overlap)),
        }  # fmt: skip
        if overlap >= two["overlap_minutes"] and apart > two["apart_m"]:
            overlaps.append(("two_places", values))
        elif overlap <= 0 and apart > travel["apart_m"]:
            speed = apart / 1000 / max(-overlap, 1.0) * 60
            if speed > travel["speed_km_h"]:
                leaps.append(("impossible_travel", values | {"speed_km_h": round(speed)}))
    return overlaps[:1] + leaps[:1]


def distance(case: Case, of: Catalogue) -> Found:
    """How far from the lift the phone was, after every doubt about both positions."""
    limits = of.checks["too_far"].parameters
    here = None if case.place is None else case.place.located()
    if here is None:
        raise Blind("电梯坐标或坐标系未知 (the lift's position or its datum is unknown)")
    usable = 0
    found: list[tuple[str, Values]] = []
    for when, fix in case.fixes.items():
        at = locate(fix.lon, fix.lat, fix.datum, fix.accuracy_m)
        if at is None or at.accuracy_m is None or at.accuracy_m > limits["worst_accuracy_m"]:
            continue
        usable += 1
        doubt = at.accuracy_m + (limits["unstated_accuracy_m"] if here.accuracy_m is None else here.accuracy_m)
        apart = distance_m(Position(at.lon, at.lat), Position(here.lon, here.lat)) - doubt
        if apart > limits["distance_m"]:
            values = {
                "when": when,
                "when_zh": WHEN_WORDS[when],
                "distance_m": round(apart),
                "allowance_m": round(doubt),
            }
            found.append(("too_far", values))
    if not usable:
        raise Blind("没有定位，或坐标系未知、精度不足 (no position, or of an unknown datum or poor accuracy)")
    return found[:1]


def mocked(case: Case, of: Catalogue) -> Found:
    """Whether the phone itself says that its position was simulated."""
    said = {when: fix.mock for when, fix in case.fixes.items() if fix.mock is not None}
    if not said:
        raise Blind("手机未报告是否模拟定位 (the phone does not say whether its position is simulated)")
    return [
        ("mock_declared", {"when": when, "when_zh": WHEN_WORDS[when]}) for when, mock in said.items() if mock
    ][:1]  # fmt: skip


def repeated(case: Case, of: Catalogue) -> Found:
    """Whether the position equals that of other days to the last digit."""
    if not case.fixes:
        raise Blind("没有定位 (no position)")
    enough = case.same_position >= of.limit("position_repeated", "times")
    return [("position_repeated", {"times": case.same_position})] if enough else []


def photos(case: Case, of: Catalogue) -> Found:
    """Whether a photo came before, as it is or nearly so."""
    shots = [p for p in case.pictures if not p.drawn]
    if not shots:
        raise Blind("没有照片，或照片尚未上传、无法读取 (no photo, or none that has arrived and can be read)")
    same = [t for p in shots for t in p.twins if t.same]
    if same:
        return [("photo_same", {"record": same[0].record, "unit": same[0].unit, "on": same[0].on})]
    like = of.checks["photo_similar"].parameters
    # a dark machine room looks like every other: a picture with nothing in it says nothing
    near = [t for p in shots if p.detail >= like["detail"] for t in p.twins if t.bits <= like["bits"]]
    return [
        ("photo_similar", {"record": t.record, "unit": t.unit, "on": t.on, "bits": t.bits}) for t in near[:1]
    ]  # fmt: skip


def photo_times(case: Case, of: Catalogue) -> Found:
    """Whether a photo says that it was taken outside the visit."""
    taken = [p.taken_at for p in case.pictures if p.taken_at is not None and not p.drawn]
    if not taken:
        raise Blind("照片不带拍摄时间 (no photo says when it was taken)")
    margin = of.limit("photo_old", "minutes") * 60
    odd = [
        at for at in taken
        if (case.began - at).total_seconds() > margin or (at - case.ended).total_seconds() > margin
    ]  # fmt: skip
    return [("photo_old", {"taken": at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")}) for at in odd[:1]]


def texts(case: Case, of: Catalogue) -> Found:
    """Whether values or notes were copied from other records."""
    values, notes = of.checks["values_pasted"].parameters, of.checks["notes_pasted"].parameters
    if case.values < values["values"] and case.letters < notes["letters"]:
        raise Blind("测量值和备注太少，看不出是否粘贴 (too few values and words to tell)")
    found: list[tuple[str, Values]] = []
    if case.values >= values["values"] and case.same_values >= values["times"]:
        found.append(("values_pasted", {"values": case.values, "times": case.same_values}))
    if case.letters >= notes["letters"] and case.same_notes >= notes["times"]:
        found.append(("notes_pasted", {"times": case.same_notes}))
    return found


def drawings(case: Case, of: Catalogue) -> Found:
    """Whether the drawn signature is another record's to the pixel."""
    drawn = [p for p in case.pictures if p.drawn]
    if not drawn:
        raise Blind("没有手写签名图 (no drawn signature)")
    same = [t for p in drawn for t in p.twins if t.same]
    return [("signature_same", {"record": t.record}) for t in same[:1]]


def confirmation(case: Case, of: Catalogue) -> Found:
    """Whether the officer confirmed on a worker's own phone."""
    officers, workers = {d for d in case.officer_devices if d}, {d: w for w, d in case.worker_devices.items() if d}
    if not officers or not workers:
        raise Blind("尚未确认，或签名未带设备标识 (not confirmed yet, or a signature names no device)")
    return [("own_device", {"worker": workers[d]}) for d in sorted(officers & workers.keys())][:1]


CHECKS: Mapping[str, Callable[[Case, Catalogue], Found]] = {
    "duration": duration,
    "load": load,
    "presence": presence,
    "distance": distance,
    "mocked": mocked,
    "repeated": repeated,
    "photos": photos,
    "photo_times": photo_times,
    "texts": texts,
    "drawings": drawings,
    "confirmation": confirmation,
}


def run(checks: Mapping[str, Callable[[Case, Catalogue], Found]], case: Case, of: Catalogue) -> Assessment:
    """Make some checks of a case."""
    findings, skipped, looked = [], [], []
    for name, check in checks.items():
        try:
            found = check(case, of)
        except Blind as blind:
            skipped.append(Skipped(name, str(blind)))
            continue
        looked.append(name)
        findings += [Finding(n, of.checks[n].weight, values) for n, values in found]
    return Assessment(of.version, tuple(findings), tuple(skipped), tuple(looked))
