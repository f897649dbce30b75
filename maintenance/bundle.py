"""可验证数据包: records with everything that proves them, for whoever does not trust us.

A bundle holds the contents, their salts, their places in the log, the paths to one signed checkpoint, and the public
keys. :func:`verify` needs nothing else, and no server.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.x509 import Certificate

from equipment.foundation.database import Connection
from equipment.transparency import checkpoint as checkpoints
from equipment.transparency import log
from equipment.transparency.checkpoint import Checkpoint
from equipment.transparency.entry import Entry, canonical, commitment_of, plain, utc_text
from equipment.transparency.errors import InvalidKeyError, LogDamagedError, NotInLogError
from equipment.transparency.keys import PublicKey
from equipment.transparency.merkle import verify_consistency, verify_inclusion
from maintenance.anchors import service as anchors
from maintenance.anchors import token
from maintenance.anchors.token import Stamp
from maintenance.canonical import canonical_of
from maintenance.errors import AnchorError
from maintenance.sealed import HAZARD, QUERIES, RECORD

FORMAT = "teshe-bundle-1"


class BundleKey(msgspec.Struct, frozen=True):
    """A public key as a bundle carries it."""

    id: str
    name: str
    algorithm: str
    public_key: str
    valid_from: datetime
    revoked_at: datetime | None = None


class Thing(msgspec.Struct, frozen=True):
    """One sealed thing; ``content`` and ``salt`` are null where they were erased by law."""

    kind: str
    subject: str
    seq: int
    at: datetime
    commitment: str
    path: list[str]
    salt: str | None = None
    content: dict[str, Any] | None = None
    sm3: str | None = None
    """SM3 (GB/T 32905) of the canonical content beside its SHA-256, for whoever must use the national algorithms."""


class Bundle(msgspec.Struct, frozen=True):
    """The file."""

    format: str
    made_at: datetime
    checkpoint: str
    keys: list[BundleKey]
    things: list[Thing]
    time_stamp: str | None = None
    """The token (RFC 3161, base64) of an authority over the checkpoint, where there is one."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What holds. ``key_id`` is the server's key: compare it with the published one."""

    checkpoint: Checkpoint
    key_id: str
    things: int
    erased: int
    grown: bool
    """An older checkpoint was given, and this log only added to it."""
    stamp: Stamp | None = None
    """What the time-stamp says."""
    stamp_checked: bool = False
    """It leads to the authority's certificate; otherwise it is only what the file claims."""


def make(conn: Connection, record_ids: Sequence[str], now: datetime) -> Bundle:
    """A bundle of records that the caller may read.

    Raises
    ------
    NotInLogError
        One of them has no place under a signed checkpoint yet; it has within seconds.
    """
    rows = conn.execute(QUERIES.record_positions, {"ids": list(record_ids)}).fetchall()
    return _bundle(conn, RECORD, rows, len(set(record_ids)), now)


def make_case(conn: Connection, hazard_id: int, now: datetime) -> Bundle:
    """A bundle of all entries of a hazard that the caller may see.

    Raises
    ------
    NotInLogError
        The newest has no place under a signed checkpoint yet; it has within seconds.
    """
    cursor = conn.execute(QUERIES.hazard_positions, (hazard_id,))
    names = [column.name for column in cursor.description or ()][2:]
    found = cursor.fetchall()
    rows = [(r[0], r[1], {n: plain(v) for n, v in zip(names, r[2:], strict=True)}) for r in found if r[0] is not None]
    return _bundle(conn, HAZARD, rows, len(found), now)


def _bundle(conn: Connection, kind: str, rows: Sequence[Any], wanted: int, now: datetime) -> Bundle:
    """``rows``: (position, subject, content), by position."""
    anchor = anchors.covering(conn, max((int(row[0]) for row in rows), default=0))
    note = log.newest_note(conn) if anchor is None else anchor.note
    if note is None or len(rows) < wanted:
        raise NotInLogError(
            "记录尚未全部进入签名检查点，请稍后再试 (not all are in a signed checkpoint yet: try again)"
        )
    proofs = log.prove_all(conn, [int(row[0]) for row in rows], note)
    things = [_thing(proof, log.salt_of(conn, kind, row[1]), row[2]) for proof, row in zip(proofs, rows, strict=True)]
    keys = [
        BundleKey(k.id, k.name, k.algorithm, base64.b64encode(k.public_key).decode(), k.valid_from, k.revoked_at)
        for k in log.keys_of(conn, None)
    ]
    stamp = None if anchor is None else base64.b64encode(anchor.token).decode()
    return Bundle(FORMAT, now, note, keys, things, stamp)


def _thing(proof: log.Inclusion, salt: bytes | None, content: dict[str, Any]) -> Thing:
    entry = proof.placed.entry
    return Thing(
        kind=entry.kind,
        subject=entry.subject,
        seq=proof.placed.seq,
        at=entry.at,
        commitment=entry.commitment.hex(),
        path=[step.hex() for step in proof.path],
        salt=None if salt is None else salt.hex(),
        content=None if salt is None else content,
        sm3=None if salt is None else sm3_of(canonical_of(content)),
    )


def sm3_of(form: bytes) -> str:
    """SM3 of a canonical form (RFC 8785), hexadecimal.

    >>> sm3_of(b"{}")[:16]
    'f1a823aaaaafe40e'
    """
    digest = hashes.Hash(hashes.SM3())
    digest.update(form)
    return digest.finalize().hex()


def records_of_unit(conn: Connection, unit_id: str) -> list[str]:
    """Ids of a unit's records, oldest first, as the caller may see them."""
    return [row[0] for row in conn.execute(QUERIES.records_of_unit, (unit_id,))]


def encode(bundle: Bundle) -> bytes:
    """The file's bytes."""
    return msgspec.json.format(msgspec.json.encode(bundle), indent=1)


def read(data: bytes) -> Bundle:
    """A bundle from its file.

    Raises
    ------
    LogDamagedError
        It is not one, or of another version.
    """
    try:
        bundle = msgspec.json.decode(data, type=Bundle)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise LogDamagedError(f"不是可验证数据包 (not a bundle): {error}") from None
    if bundle.format != FORMAT:
        raise LogDamagedError(f"数据包格式 {bundle.format!r}，本版本只认 {FORMAT} (another version)")
    return bundle


def verify(
    bundle: Bundle,
    trusted_key: str | None = None,
    older: tuple[str, Sequence[bytes]] | None = None,
    authority: tuple[Certificate, ...] = (),
) -> Verdict:
    """Check everything in a bundle.

    Parameters
    ----------
    trusted_key
        Id of the key that must have signed; None takes the bundle's word for it.
    older
        An older checkpoint's note and the consistency proof from it.
    authority
        Certificates of the time-stamping authority: the bundle must then carry its time-stamp.

    Raises
    ------
    LogDamagedError
        Names the first thing that does not hold.
    """
    signed, key = _signed(bundle, trusted_key)
    erased = sum(_check(position, thing, signed) for position, thing in enumerate(bundle.things, start=1))
    if older is not None:
        before = checkpoints.verified(older[0], key)
        if not verify_consistency(before.size, signed.size, before.root, signed.root, older[1]):
            raise LogDamagedError(
                f"检查点 {before.size} 不是检查点 {signed.size} 的前身 (the older checkpoint is not a prefix: history was rewritten)"
            )
    stamp = _stamp(bundle, authority)
    return Verdict(signed, key.id, len(bundle.things), erased, older is not None, stamp, bool(authority))


def _stamp(bundle: Bundle, authority: tuple[Certificate, ...]) -> Stamp | None:
    if bundle.time_stamp is None:
        if authority:
            raise LogDamagedError(
                "数据包没有时间戳 (the bundle has no time-stamp; ask again when its checkpoint has one)"
            )
        return None
    try:
        raw = base64.b64decode(bundle.time_stamp, validate=True)
        return token.verified(raw, bundle.checkpoint, authority) if authority else token.unverified(raw)
    except (ValueError, AnchorError) as error:
        raise LogDamagedError(str(error)) from None


def _signed(bundle: Bundle, trusted_key: str | None) -> tuple[Checkpoint, PublicKey]:
    for carried in bundle.keys:
        if trusted_key is not None and carried.id != trusted_key:
            continue
        try:
            raw = base64.b64decode(carried.public_key, validate=True)
        except ValueError:
            raise LogDamagedError(f"公钥 {carried.id} 不是 base64 (a key is not base64)") from None
        key = PublicKey(carried.id, carried.name, carried.algorithm, raw, carried.valid_from, carried.revoked_at)
        try:
            signed = checkpoints.verified(bundle.checkpoint, key)
        except (LogDamagedError, InvalidKeyError):
            continue
        if key.named_rightly and key.valid_at(signed.at):
            return signed, key
    raise LogDamagedError("检查点没有可信的签名 (the checkpoint has no signature of a trusted key)")


def _check(position: int, thing: Thing, signed: Checkpoint) -> bool:
    """Check one thing; True when its content was erased by law."""
    where = f"第 {position} 项 {thing.kind} {thing.subject}"
    try:
        commitment, path = bytes.fromhex(thing.commitment), [bytes.fromhex(step) for step in thing.path]
        salt = None if thing.salt is None else bytes.fromhex(thing.salt)
    except ValueError:
        raise LogDamagedError(f"{where}: 不是十六进制 (not hexadecimal)") from None
    if thing.at.tzinfo is None:
        raise LogDamagedError(f"{where}: 时间没有时区 (its time has no zone)")
    leaf = Entry(thing.kind, thing.subject, commitment, thing.at).leaf()
    if not verify_inclusion(leaf, thing.seq, signed.size, path, signed.root):
        raise LogDamagedError(f"{where}: 不在日志位置 {thing.seq} (not at its place in the log)")
    if salt is None or thing.content is None:
        return True
    form = _committed(thing.content, salt, commitment)
    if form is None:
        raise LogDamagedError(f"{where}: 内容在入账后被改动 (its content was changed after it was logged)")
    if thing.sm3 is not None and thing.sm3 != sm3_of(form):
        raise LogDamagedError(f"{where}: SM3 与内容不符 (its SM3 is not that of its content)")
    return False


def _committed(content: Mapping[str, Any], salt: bytes, commitment: bytes) -> bytes | None:
    """The canonical form of some content, if the commitment is to it: the fast way, then for rare names the general one."""
    for write in (canonical_of, canonical):
        form = write(content)
        if commitment_of(salt, hashlib.sha256(form).digest()) == commitment:
            return form
    return None


def summary(verdict: Verdict) -> Mapping[str, Any]:
    """The verdict as JSON values."""
    stamp = verdict.stamp
    return {
        "holds": True, "things": verdict.things, "erased_by_law": verdict.erased, "log_size": verdict.checkpoint.size,
        "signed_at": utc_text(verdict.checkpoint.at), "origin": verdict.checkpoint.origin, "key": verdict.key_id,
        "grown_from_older": verdict.grown, "stamped_at": None if stamp is None else utc_text(stamp.at),
        "authority": None if stamp is None else stamp.authority, "stamp_checked": verdict.stamp_checked,
    }  # fmt: skip
