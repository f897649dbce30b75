"""签名 of a record by the people it names: each from his own account, over what he was shown (电子签名法 art. 13)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from equipment.access.model import Asker, ScopeKind
from equipment.foundation.database import Connection
from equipment.transparency import log
from equipment.transparency.entry import digest_of
from maintenance.errors import StepError, UnknownRecordError
from maintenance.sealed import QUERIES, SIGNATURE

WORKER, OFFICER = "worker", "officer"


@dataclass(frozen=True, slots=True)
class Shown:
    """What the signer's screen showed, and from where. ``digest`` is of the canonical form on that screen (hex)."""

    digest: str
    device: str = ""
    device_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature."""

    role: str
    signer: str
    account_id: int
    digest: str
    method: str
    device: str
    device_time: datetime | None
    received_at: datetime


def sign(conn: Connection, record_id: UUID, asker: Asker, shown: Shown, now: datetime) -> Signature:
    """Sign as a worker of the firm, or as the use-unit's officer.

    Raises
    ------
    UnknownRecordError
    StepError
        It was corrected, signed already, or the screen showed something else than what is filed.
    """
    row = conn.execute(QUERIES.record_to_sign, (record_id,)).fetchone()
    if row is None:
        raise UnknownRecordError(f"没有维保记录 {record_id} (no such record)")
    unit_no, digest, state = int(row[0]), bytes(row[1]), row[2]
    if state == "corrected":
        raise StepError("该记录已被更正，请签署最新一份 (it was corrected: sign the newest)")
    if shown.digest.lower() != digest.hex():
        raise StepError(
            f"您看到的内容与已报送的不一致（应为 {digest.hex()[:16]}…），请刷新后再签"
            " (your screen showed something else than what is filed: load it again)"
        )
    role = OFFICER if asker.scope_kind is ScopeKind.USE_UNIT else WORKER
    method = "confirmation" if role == OFFICER else "session"
    device = shown.device[:200]
    values: dict[str, Any] = {
        "record_id": str(record_id), "unit_no": unit_no, "role": role, "account_id": asker.account_id,
        "signer": asker.display_name, "digest": digest, "method": method, "device": device,
        "device_time": shown.device_time, "received_at": now,
    }  # fmt: skip
    made = conn.execute(QUERIES.insert_signature, values).fetchone()
    if made is None:
        raise StepError("您已签过这份记录 (you have signed this record already)")
    log.seal(conn, SIGNATURE, str(made[0]), digest_of(values | {"digest": digest.hex()}), now)
    return Signature(role, asker.display_name, asker.account_id, digest.hex(), method, device,
                     shown.device_time, now)  # fmt: skip


def signatures_of(conn: Connection, record_id: UUID) -> list[Signature]:
    """Who has signed, oldest first."""
    return [Signature(*row) for row in conn.execute(QUERIES.signatures, (record_id,))]
