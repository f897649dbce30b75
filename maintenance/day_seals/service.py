"""Sealing one day's records together. Every function runs in its caller's transaction and scope.

What is sealed is a statement that names the firm, the day and every record by its commitment in the log, so that a
record that is erased by law leaves the seal whole. Whoever seals sends back the digest of the statement that his page
showed: a record that came in between is not sealed unseen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4

from equipment.access.model import Asker
from equipment.foundation.clock import SHANGHAI
from equipment.foundation.database import Connection, load_queries
from equipment.transparency import log
from equipment.transparency.entry import commitment_of, digest_of
from equipment.transparency.keys import PublicKey, Signer
from maintenance.errors import MeanwhileError, StepError, UnknownSealError
from maintenance.records.acknowledgement import Promise, countersigned
from maintenance.sealed import DAY_SEAL, RECORD

QUERIES = load_queries(__file__)
FORMAT = "teshe-day-seal-1"
SHOWN_SEALS = 30


@dataclass(frozen=True, slots=True)
class DayRecord:
    """One record as the page names it."""

    id: UUID
    commitment: str
    level: str
    ended_at: datetime
    workers: list[dict[str, Any]]
    state: str
    unit_id: str
    unit_name: str
    rescue_code: str | None


@dataclass(frozen=True, slots=True)
class Day:
    """What is to be sealed of a day."""

    firm_org_id: int
    day: date
    records: tuple[DayRecord, ...]

    @property
    def digest(self) -> bytes:
        """SHA-256 of the statement (RFC 8785)."""
        return digest_of(statement(self.firm_org_id, self.day, [(r.id, r.commitment) for r in self.records]))


@dataclass(frozen=True, slots=True)
class Proof:
    """How whoever seals proved himself for this one act, and from which device."""

    shown_digest: str
    with_code: bool
    device: str = ""


@dataclass(frozen=True, slots=True)
class DaySeal:
    """The receipt. ``position`` None: its place in the log follows within seconds."""

    id: UUID
    firm_org_id: int
    firm_name: str
    day: date
    digest: str
    signer: str
    method: str
    device: str
    received_at: datetime
    promise: Promise
    position: int | None
    named: tuple[tuple[UUID, str], ...]
    """Every record under the seal with its commitment (hex), by id."""
    records: tuple[DayRecord, ...]
    """Those that the reader may see."""

    def holds(self, key: PublicKey) -> bool:
        """Whether the digest is that of the records named, and this key of the server countersigned it."""
        sealed = statement(self.firm_org_id, self.day, self.named)
        return digest_of(sealed).hex() == self.digest and self.promise.holds(key)


def statement(firm: int, day: date, records: Sequence[tuple[UUID, str]]) -> dict[str, Any]:
    """What is sealed: format, firm, day, and every record's id and commitment, by id.

    >>> statement(7, date(2026, 3, 2), [])["format"]
    'teshe-day-seal-1'
    """
    named = sorted((str(record), commitment) for record, commitment in records)
    return {"day": day.isoformat(), "firm": firm, "format": FORMAT, "records": [list(pair) for pair in named]}


def day_of(conn: Connection, day: date, asker: Asker) -> Day:
    """The asker's firm's records whose visit ended on a day and that no seal covers: neither a key's nor a day's."""
    since = datetime.combine(day, time(), SHANGHAI)
    wanted = {"firm": asker.organisation_id, "since": since, "until": since + timedelta(days=1)}
    found = conn.execute(QUERIES.open_records, wanted).fetchall()
    named = ((row, _commitment(conn, row[0], row[1])) for row in found)
    records = tuple(DayRecord(row[0], commitment, *row[2:]) for row, commitment in named if commitment is not None)
    return Day(asker.organisation_id or 0, day, records)


def _commitment(conn: Connection, record: UUID, digest: bytes) -> str | None:
    """As it stands in the log, or will within a moment; None of what was erased by law: there is nothing to seal."""
    salt = log.salt_of(conn, RECORD, str(record))
    return None if salt is None else commitment_of(salt, digest).hex()


def seal(conn: Connection, day: date, asker: Asker, proof: Proof, signer: Signer, now: datetime) -> UUID:
    """Seal a day's records; gives the seal's id. The caller has proved the asker's password for this one act.

    Raises
    ------
    StepError
        There is nothing to seal, or the day is to come.
    MeanwhileError
        The page showed other records than there are now.
    """
    if day > now.astimezone(SHANGHAI).date():
        raise StepError("日期还没到 (the day is to come)")
    conn.execute(QUERIES.lock_firm, (asker.organisation_id,))
    shown = day_of(conn, day, asker)
    if not shown.records:
        raise StepError(f"{day} 没有待封存的记录 (no record of that day is left to be sealed)")
    if proof.shown_digest.lower() != shown.digest.hex():
        raise MeanwhileError(
            "记录在您查看后有增减，请刷新后核对再封存 (records came or went since you looked: load the page again)"
        )
    made = uuid4()
    promised = countersigned(str(made), shown.digest, now, signer)
    method = "password_and_code" if proof.with_code else "password"
    values: dict[str, Any] = {
        "id": made, "firm": shown.firm_org_id, "day": day, "digest": shown.digest, "account": asker.account_id,
        "signer": asker.display_name, "method": method, "device": proof.device[:200], "now": now,
        "key": promised.key_id, "countersignature": promised.signature,
    }  # fmt: skip
    conn.execute(QUERIES.insert_seal, values)
    ids, named = [r.id for r in shown.records], [bytes.fromhex(r.commitment) for r in shown.records]
    conn.execute(QUERIES.insert_records, {"seal": made, "firm": shown.firm_org_id, "ids": ids, "commitments": named})
    log.seal(conn, DAY_SEAL, str(made), digests_of(conn, [str(made)])[str(made)], now)
    return made


def digests_of(conn: Connection, subjects: list[str]) -> dict[str, bytes]:
    """Digests of seals as they lie there now, for the log."""
    names = ("firm", "day", "digest", "account", "signer", "method", "device", "at", "records")
    rows = conn.execute(QUERIES.sealed_content, (subjects,)).fetchall()
    return {row[0]: digest_of(dict(zip(names, row[1:], strict=True))) for row in rows}


def find(conn: Connection, seal_id: UUID) -> DaySeal:
    """The receipt of a seal.

    Raises
    ------
    UnknownSealError
    """
    row = conn.execute(QUERIES.seal, (seal_id,)).fetchone()
    if row is None:
        raise UnknownSealError(f"没有封存 {seal_id} (no such seal)")
    placed = log.positions_of(conn, DAY_SEAL, str(seal_id))
    records = tuple(DayRecord(r[0], bytes(r[1]).hex(), *r[2:]) for r in conn.execute(QUERIES.seal_records, (seal_id,)))
    named = tuple((r[0], bytes(r[1]).hex()) for r in conn.execute(QUERIES.named, (seal_id,)))
    promised = Promise.of(str(row[0]), bytes(row[4]), row[8], row[9], row[10])
    return DaySeal(
        row[0], row[1], row[2], row[3], bytes(row[4]).hex(), row[5], row[6], row[7], row[8], promised,
        placed[0].seq if placed else None, named, records,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Made:
    """A seal in the list."""

    id: UUID
    day: date
    signer: str
    received_at: datetime
    records: int


def seals_of(conn: Connection, firm: int) -> list[Made]:
    """A firm's newest seals."""
    return [Made(*row) for row in conn.execute(QUERIES.seals, (firm, SHOWN_SEALS))]


def seal_of(conn: Connection, record: UUID) -> UUID | None:
    """Under which day's seal a record stands."""
    row = conn.execute(QUERIES.seal_of_record, (record,)).fetchone()
    return None if row is None else row[0]
