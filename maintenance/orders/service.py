"""Issuing, reading and serving documents. Every function runs in its caller's transaction and scope."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

import yaml
from psycopg.types.json import Jsonb

from equipment.access.model import Asker
from equipment.foundation.database import Connection, load_queries
from equipment.transparency.entry import digest_of
from maintenance.errors import DataError, StepError, UnknownHazardError
from maintenance.hazards.clauses import clauses
from maintenance.hazards.demands import OFFICERS, officers_of
from maintenance.hazards.model import Hazard, Step
from maintenance.sealed import write_hazard_event

QUERIES = load_queries(__file__)
METHODS = ("direct", "left", "post", "electronic", "public")
"""直接送达 留置送达 邮寄送达 电子送达 公告送达."""
IN_PERSON = ("direct", "left")
"""Ways in which two officers act, each with his number."""


@dataclass(frozen=True, slots=True)
class Bureau:
    """发文单位: its name, and the word that its numbers begin with."""

    zh: str
    word: str


@dataclass(frozen=True, slots=True)
class Offices:
    """Bureaus by jurisdiction, and kinds of documents by name."""

    bureaus: Mapping[str, Bureau]
    kinds: Mapping[str, Bureau]


@cache
def offices() -> Offices:
    """The shipped names and words.

    Raises
    ------
    DataError
    """
    document = yaml.safe_load((files("maintenance.orders") / "bureaus.yaml").read_text(encoding="utf-8"))
    try:
        made = [
            {str(k): Bureau(e["zh"], e["word"]) for k, e in document[part].items()} for part in ("bureaus", "kinds")
        ]
    except (KeyError, TypeError) as error:
        raise DataError(f"bureaus.yaml: {error!r}") from None
    return Offices(*made)


@dataclass(frozen=True, slots=True)
class Issued:
    """One document as it was issued; ``content`` by value."""

    id: int
    number: str
    kind: str
    bureau: str
    hazard_id: int
    content: dict[str, Any]
    issued_at: datetime
    issued_by: str | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """送达: how, to whom, when."""

    method: str
    receiver: str
    delivered_at: datetime
    note: str = ""
    officers: str = ""
    place: str = ""


def bureau_of(asker: Asker, hazard: Hazard) -> str:
    """The bureau an officer acts for: his district's, or the city's."""
    parts = (asker.scope_path or hazard.jurisdiction_path).strip("/").split("/")
    return parts[1] if len(parts) > 1 else parts[0]


def issue(conn: Connection, kind: str, hazard: Hazard, step: Step, asker: Asker, now: datetime) -> dict[str, Any]:
    """Issue a document about a hazard; returns its id, number and digest, to stand in the sealed entry of the step."""
    known, of_bureau = offices(), bureau_of(asker, hazard)
    names = conn.execute(
        QUERIES.said_names, {"hazard": hazard.id, "bureau": of_bureau, "responsible": _responsible(hazard, step)}
    ).fetchone()  # fmt: skip
    if names is None:
        raise UnknownHazardError(f"没有隐患 {hazard.id} (no such hazard)")
    bureau_zh, unit_name, address, device_code, use_unit, firm, responsible = names
    bureau = known.bureaus.get(of_bureau, Bureau(bureau_zh, bureau_zh))
    clause = clauses().get(hazard.clause or "")
    content = {
        "title": known.kinds[kind].zh, "bureau": bureau.zh, "hazard": hazard.number, "description": hazard.description,
        "grade": hazard.grade, "clause": hazard.clause, "clause_text": clause.zh if clause else None,
        "stop_use": hazard.stop_use, "unit": unit_name, "address": address, "device_code": device_code, "use_unit": use_unit,
        "firm": firm, "responsible": responsible, "officer": asker.display_name, "reason": step.reason,
        **{n: _said(hazard, step, n) for n in ("responsible_person", "measures", "funds", "plan")},
        "due_at": str(step.detail.get("due_at") or (hazard.due_at.isoformat() if hazard.due_at else "")),
        **{n: str(step.detail[n]) for n in ("scope", "evidence") if step.detail.get(n)},
        "officers": officers_of(str(step.detail["officers"]), 1) if step.detail.get("officers") else [],
    }  # fmt: skip
    word = bureau.word + known.kinds[kind].word
    row = conn.execute(QUERIES.issue, (kind, word, hazard.id, Jsonb(content), now)).fetchone()
    digest = digest_of(content).hex()
    return {"id": int(row[0]), "number": str(row[1]), "sha256": digest} if row else {}


def _responsible(hazard: Hazard, step: Step) -> int | None:
    found = step.detail.get("responsible_org_id") or hazard.responsible_org_id
    return None if found is None else int(found)


def _said(hazard: Hazard, step: Step, name: str) -> str | None:
    return str(step.detail[name]) if step.detail.get(name) else getattr(hazard, name)


def documents_of(conn: Connection, hazard_id: int) -> list[Issued]:
    """Documents about a hazard, oldest first."""
    return [Issued(*row) for row in conn.execute(f"{QUERIES.document_columns} {QUERIES.of_hazard}", (hazard_id,))]


def document(conn: Connection, document_id: int) -> Issued:
    """The document of that id.

    Raises
    ------
    UnknownHazardError
    """
    row = conn.execute(f"{QUERIES.document_columns} {QUERIES.by_id}", (document_id,)).fetchone()
    if row is None:
        raise UnknownHazardError(f"没有文书 {document_id} (no such document)")
    return Issued(*row)


def deliver(conn: Connection, document_id: int, how: Delivery, asker: Asker, now: datetime) -> None:
    """Record that a document was served.

    Raises
    ------
    UnknownHazardError, StepError
    """
    found = document(conn, document_id)
    if how.method not in METHODS or not how.receiver.strip():
        raise StepError(f"请写明受送达人，方式须为 {', '.join(METHODS)} 之一 (receiver and one of these ways)")
    if not found.issued_at <= how.delivered_at <= now:
        raise StepError("送达时间须在发文之后、现在之前 (served after it was issued, and not in the future)")
    if how.method in IN_PERSON or how.officers.strip():
        officers_of(how.officers, OFFICERS)
    if how.method == "left" and not how.note.strip():
        raise StepError(
            "留置送达请写明见证人或者录音录像情况 (say who witnessed that it was left, or what was recorded)"
        )
    values = (
        document_id, how.method, how.receiver.strip(), how.delivered_at, how.note, how.officers.strip(), how.place.strip(), now,
        asker.account_id,
    )  # fmt: skip
    conn.execute(QUERIES.deliver, values)
    hazard = conn.execute(QUERIES.subject, (found.hazard_id,)).fetchone() or (None, "")
    entry = {
        "hazard_id": found.hazard_id, "unit_no": hazard[0], "event": "served", "from_state": hazard[1], "to_state": hazard[1], "at": now,
        "account_id": asker.account_id, "reason": how.note or None,
        "evidence": {
            "document": found.number, "method": how.method, "receiver": how.receiver.strip(), "place": how.place.strip(),
            "officers": how.officers.strip(), "delivered_at": how.delivered_at.isoformat(),
        },
    }  # fmt: skip
    write_hazard_event(conn, entry, now)


def deliveries(conn: Connection, document_id: int) -> list[Delivery]:
    """How a document was served, oldest first."""
    return [Delivery(*row) for row in conn.execute(QUERIES.deliveries, (document_id,))]


def names_of(conn: Connection, organisations: Iterable[int | None]) -> dict[int, str]:
    """Names of organisations that the caller may see."""
    wanted = sorted({o for o in organisations if o is not None})
    return {int(row[0]): str(row[1]) for row in conn.execute(QUERIES.organisation_names, (wanted,))}
