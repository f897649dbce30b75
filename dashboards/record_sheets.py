"""维保记录打印: the records of a lift as PDF, each with its digest, its place in the log and the proof of it as a QR code."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import segno
import typst

from dashboards.errors import LabelError
from dashboards.labels import FONT_FAMILIES, chinese_fonts
from dashboards.rendering import local
from equipment.transparency.log import Inclusion
from maintenance.checklists.catalogue import load_items

TEMPLATE = Path(__file__).parent / "templates" / "records.typ"
MOST_RECORDS = 200
PROOF = "teshe-proof-1"
LEVELS = {"half_month": "半月保", "quarter": "季保", "half_year": "半年保", "year": "年保", "on_demand": "按需维保"}
STATES = {"submitted": "待确认", "confirmed": "已确认", "disputed": "有异议", "corrected": "已被更正"}
RESULTS = {"fail": "不合格", "fixed": "已处理", "not_applicable": "不适用"}
OFFICER = "officer"


@dataclass(frozen=True, slots=True)
class Sheet:
    """One record to print. ``content`` is what was signed; ``proof`` None: not in a signed checkpoint yet."""

    id: str
    content: Mapping[str, Any]
    state: str
    firm: str
    started: Any
    ended: Any
    digest: bytes
    signers: Sequence[tuple[str, str, Any]]
    proof: Inclusion | None
    names: Mapping[str, str] = field(default_factory=dict)
    """Of items that the manufacturer demands."""


def proof_text(record: str, digest: bytes, proof: Inclusion) -> str:
    """What the QR code says: enough to check the place in the log against a checkpoint that is held elsewhere.

    Lines: format, record, digest, commitment, place, size of the checkpoint, its root, time of the entry, and the path, base64.
    """
    entry = proof.placed.entry
    return "\n".join(
        [
            PROOF, record, digest.hex(), entry.commitment.hex(), str(proof.placed.seq), str(proof.checkpoint.size),
            base64.b64encode(proof.checkpoint.root).decode(), entry.at.isoformat(),
            base64.b64encode(b"".join(proof.path)).decode(),
        ]
    )  # fmt: skip


def _row(sheet: Sheet) -> dict[str, Any]:
    content, names = sheet.content, {item.id: item.name_zh for item in load_items()} | dict(sheet.names)
    erased = "erased" in content
    items = [] if erased else content["items"]
    told = [
        f"{i['id']} {names.get(i['id'], '')} {RESULTS.get(i['result'], '合格')}"
        + (f" {i['value']:g}" if i.get("value") is not None else "")
        + (f"：{i['note']}" if i.get("note") else "")
        for i in items
        if i["result"] in RESULTS or i.get("value") is not None
    ]
    proof = sheet.proof
    return {
        "title": f"{local(sheet.started):%Y-%m-%d} {LEVELS.get('' if erased else content['level'], '')}",
        "state": "内容已依法删除" if erased else STATES.get(sheet.state, sheet.state),
        "firm": sheet.firm,
        "workers": "、".join(w["name"] + (f"（{w['certificate_no']}）" if w.get("certificate_no") else "") for w in content.get("workers", [])),
        "span": f"{local(sheet.started):%Y-%m-%d %H:%M} – {local(sheet.ended):%H:%M}",
        "count": f"{len(items)} 项，合格 {sum(i['result'] == 'pass' for i in items)} 项",
        "told": told,
        "parts": "、".join(f"{p['name']}×{p['quantity']:g}" for p in content.get("parts", [])),
        "found": content.get("found", ""),
        "signers": "；".join(
            f"{'安全管理人员' if role == OFFICER else '维保人员'} {who} {local(at):%Y-%m-%d %H:%M}" for role, who, at in sheet.signers
        ),
        "id": sheet.id,
        "digest": sheet.digest.hex(),
        "place": "尚未进入签名检查点" if proof is None else f"{proof.placed.seq}（检查点 {proof.checkpoint.size}）",
        "qr": "" if proof is None else segno.make(proof_text(sheet.id, sheet.digest, proof), error="l", micro=False).svg_inline(border=2),
    }  # fmt: skip


def record_sheets(lift: Mapping[str, str], sheets: Sequence[Sheet], city: str) -> bytes:
    """The records as PDF/A-2b. ``lift``: label and value of its facts.

    Raises
    ------
    LabelError
        Nothing to print, too much at once, or no Chinese font on this machine.
    """
    if not 1 <= len(sheets) <= MOST_RECORDS:
        raise LabelError(f"没有记录，或超过 {MOST_RECORDS} 份 (no record, or more than {MOST_RECORDS})")
    inputs = {
        "lift": json.dumps(list(lift.items())), "records": json.dumps([_row(s) for s in sheets]), "city": city,
        "families": json.dumps(FONT_FAMILIES),
    }  # fmt: skip
    return bytes(typst.compile(str(TEMPLATE), font_paths=chinese_fonts(), sys_inputs=inputs, pdf_standards="a-2b"))
