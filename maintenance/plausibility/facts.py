"""What is known of a record's visit, read from the database into a :class:`Case`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from alarms.rules.applicability import capabilities
from equipment.catalogue.load import load_catalogue
from equipment.foundation.database import Connection, load_queries
from ingest import read
from maintenance.plausibility.catalogue import Catalogue
from maintenance.plausibility.model import Case, Fix, Other, Picture, Place, Trace, Twin
from maintenance.plausibility.pictures import distance, print_of
from maintenance.plausibility.telemetry import MARGIN

QUERIES = load_queries(__file__)
LOOKED_AT = ("service_mode", "car_moving", "passenger", "run_count", "door_cycles", "power_source", "running")
MOST_POINTS = 20_000


@dataclass(frozen=True, slots=True)
class Filed:
    """A record with what is needed of its lift."""

    id: UUID
    unit_no: int
    firm: int
    content: Mapping[str, Any]
    began: datetime
    ended: datetime
    state: str
    kind: str
    model: str | None
    place: Place | None

    @property
    def workers(self) -> list[str]:
        """Certificate numbers, or names where there is none."""
        return sorted({w.get("certificate_no") or w["name"] for w in self.content["workers"]})


def filed(conn: Connection, record: UUID) -> Filed | None:
    """The record, locked; None where it is gone."""
    row = conn.execute(QUERIES.record, (record,)).fetchone()
    # what was erased by law is not looked at any more
    if row is None or "erased" in row[3]:
        return None
    number, unit_no, firm, content, began, ended, state, kind, model, lon, lat, datum, accuracy = row
    place = _place(lon, lat, datum, accuracy)
    return Filed(number, unit_no, firm, content, began, ended, state, kind, model, place)


def _place(lon: float | None, lat: float | None, datum: str, accuracy: float | None) -> Place | None:
    return None if lon is None or lat is None else Place(lon, lat, datum, accuracy)


def case_of(conn: Connection, record: Filed, of: Catalogue) -> Case:
    """Everything that is known of the visit; writes down what later comparisons need of it."""
    content = record.content
    values, letters, keys = _keys(record)
    conn.execute(QUERIES.write_fact, keys)
    others = [
        Other(row[0], row[1], frozenset(row[2]), row[3], row[4], _place(*row[5:]))
        for row in conn.execute(QUERIES.others, keys)
    ]
    same = conn.execute(QUERIES.same, keys).fetchone() or (0, 0, 0)
    signed = conn.execute(QUERIES.signers, (record.id,)).fetchall()
    return Case(
        level=content["level"],
        workers=frozenset(record.workers),
        began=record.began,
        ended=record.ended,
        fixes={when: fix for when in ("sign_in", "sign_out") if (fix := _fix(content[when])) is not None},
        place=record.place,
        others=tuple(others),
        pictures=_pictures(conn, record, of, keys),
        same_position=int(same[0]),
        values=values,
        same_values=int(same[1]),
        letters=letters,
        same_notes=int(same[2]),
        worker_devices={signer: _device(text) for role, signer, text in signed if role == "worker"},
        officer_devices=tuple(_device(text) for role, _, text in signed if role == "officer"),
        trace=_trace(conn, record),
    )


def _device(text: str) -> str:
    """The phone's own number in what it calls itself; without one many phones share a name, which says nothing."""
    return text.rpartition("#")[2] if "#" in text else ""


def _fix(sign: Mapping[str, Any]) -> Fix | None:
    if sign.get("lon") is None or sign.get("lat") is None:
        return None
    return Fix(sign["lon"], sign["lat"], sign.get("datum", "unknown"), sign.get("accuracy_m"), sign.get("mock"))


def _keys(record: Filed) -> tuple[int, int, dict[str, Any]]:
    """How many values and letters the record has, and what is compared with other records."""
    items = record.content["items"]
    values = {i["id"]: i["value"] for i in items if i.get("value") is not None}
    notes = {i["id"]: i["note"].strip() for i in items if i.get("note", "").strip()}
    position = _fix(record.content["sign_in"])
    corrects = record.content.get("corrects")
    return (
        len(values),
        sum(map(len, notes.values())),
        {
            "record": record.id, "unit_no": record.unit_no, "firm": record.firm, "workers": record.workers,
            "began": record.began, "ended": record.ended, "corrects": UUID(corrects) if corrects else None,
            "position": None if position is None else f"{position.lon!r} {position.lat!r}",
            "values": _digest(values), "notes": _digest(notes),
        },
    )  # fmt: skip


def _digest(values: Mapping[str, Any]) -> bytes | None:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).digest() if values else None


def _pictures(conn: Connection, record: Filed, of: Catalogue, keys: dict[str, Any]) -> tuple[Picture, ...]:
    content = record.content
    drawn = {bytes.fromhex(content["drawn"])} if content.get("drawn") else set()
    shot = {bytes.fromhex(p) for place in content.get("places", []) for p in place["photos"]}
    shot |= {bytes.fromhex(p) for item in content["items"] for p in item.get("photos", [])}
    names = [*drawn, *shot]
    for sha256, taken in conn.execute(QUERIES.unprinted, {"unit_no": record.unit_no, "names": names}).fetchall():
        made = print_of(bytes(taken))
        if made is not None:
            row = {
                "unit_no": record.unit_no, "sha256": sha256, "pixels": made.pixels, "shades": made.shades,
                "bands": made.bands, "detail": made.detail, "taken_at": made.taken_at,
            }  # fmt: skip
            conn.execute(QUERIES.write_print, row)
    for name in names:
        conn.execute(QUERIES.write_picture, (record.id, name, record.unit_no, record.firm, name in drawn))
    found = []
    for sha256, pixels, shades, bands, detail, taken_at in conn.execute(
        QUERIES.prints, (record.unit_no, names)
    ).fetchall():
        wanted = keys | {
            "bands": bands, "shades": shades, "drawn": bytes(sha256) in drawn,
            "bits": int(of.limit("photo_similar", "bits")),
        }  # fmt: skip
        twins = [
            Twin(
                row[0],
                row[1],
                row[2],
                distance(shades, row[5]),
                bytes(row[3]) == bytes(sha256) or bytes(row[4]) == bytes(pixels),
            )
            for row in conn.execute(QUERIES.twins, wanted)
        ]
        found.append(Picture(bytes(sha256) in drawn, taken_at, detail, tuple(twins)))
    return tuple(found)


def _trace(conn: Connection, record: Filed) -> Trace | None:
    """What the terminal said; a model that is not in the table of capabilities is not known to sense anything."""
    kind = load_catalogue().kind(record.kind)
    able = capabilities().get((record.model or "", record.kind))
    if kind is None or able is None:
        return None
    span = (record.began - MARGIN, record.ended + MARGIN)
    signals = {}
    for name in LOOKED_AT:
        signal = kind.signal(name)
        if signal is not None and name in able.signals:
            points = read.course(conn, record.kind, record.unit_no, signal, span, MOST_POINTS).points
            signals[name] = tuple((p.at, p.value) for p in points)
    return Trace(able.signals, signals) if any(signals.values()) else None
