"""回执: what the server signs when it has taken a record, and where the record stands in the log."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import rfc8785

from equipment.foundation.database import Connection
from equipment.transparency.entry import utc_text
from equipment.transparency.keys import PublicKey, Signer
from maintenance.records.filing import Receipt
from maintenance.sealed import QUERIES

FORMAT = "teshe-receipt-1"


@dataclass(frozen=True, slots=True)
class Promise:
    """The server's signature: it has this record, and the log will. Keep it with the record."""

    format: str
    record_id: str
    digest: str
    received_at: str
    key_id: str
    signature: str

    @classmethod
    def of(cls, subject: str, digest: bytes, received_at: datetime, key_id: str, signature: str) -> Promise:
        """A promise from its parts; ``signature`` is base64."""
        return cls(FORMAT, subject, digest.hex(), utc_text(received_at), key_id, signature)

    def statement(self) -> bytes:
        """The bytes that are signed (RFC 8785)."""
        return rfc8785.dumps(
            {
                "digest": self.digest,
                "format": self.format,
                "received_at": self.received_at,
                "record_id": self.record_id,
            }
        )

    def holds(self, key: PublicKey) -> bool:
        """Whether this key has signed it."""
        return self.key_id == key.id and key.verifies(base64.b64decode(self.signature), self.statement())


def promise(receipt: Receipt, signer: Signer) -> Promise:
    """Countersign a receipt."""
    return countersigned(str(receipt.record_id), bytes.fromhex(receipt.digest), receipt.received_at, signer)


def countersigned(subject: str, digest: bytes, received_at: datetime, signer: Signer) -> Promise:
    """The server's signature that it has something of this id and digest, and that the log will."""
    blank = Promise.of(subject, digest, received_at, signer.id, "")
    return replace(blank, signature=base64.b64encode(signer.sign(blank.statement())).decode())


def positions(conn: Connection, record_ids: Sequence[str]) -> dict[str, int]:
    """Places in the log of those records that have one already."""
    return {subject: int(seq) for subject, seq in conn.execute(QUERIES.positions, (list(record_ids),))}
