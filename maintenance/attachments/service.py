"""Receiving photos in pieces. Every function runs in its caller's transaction and scope.

A photo is named by the SHA-256 of its bytes, so that sending it again is harmless and a lost answer costs nothing: the
sender asks how much is there and goes on. What is wrong is refused with what to do, and what had arrived stays, unless
the whole does not match its digest.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from equipment.access.model import Asker
from equipment.access.pictures import MOST_PIXELS, claimed_pixels
from equipment.foundation.database import Connection, load_queries
from maintenance.errors import AttachmentError, OffsetError, UnknownAttachmentError

QUERIES = load_queries(__file__)
LARGEST_BYTES = 5_000_000
"""Of a photo, and of a piece of anything [bytes]."""
LARGEST_SCAN_BYTES = 20_000_000
_HEIC_BRANDS = (b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"heim", b"heis")


@dataclass(frozen=True, slots=True)
class Arrived:
    """How much of a photo is there [bytes]; complete: all of it, and it is the photo that its digest names."""

    received: int
    complete: bool


@dataclass(frozen=True, slots=True)
class Accepted:
    """What is taken: how large at most [bytes], and of which types."""

    largest_bytes: int
    types: frozenset[str]


PHOTO = Accepted(LARGEST_BYTES, frozenset({"image/jpeg", "image/png", "image/webp"}))
"""What every browser shows, for people compare it."""
SCAN = Accepted(LARGEST_SCAN_BYTES, PHOTO.types | {"image/heic", "application/pdf"})
"""Old paper is kept as it was scanned."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a photo or scan that will have ``size`` bytes, from ``offset`` on [bytes]."""

    unit_no: int
    sha256: bytes
    offset: int
    size: int
    content: bytes
    accepted: Accepted = PHOTO


def picture_type(head: bytes) -> str | None:
    """JPEG, PNG or WebP by the first bytes, whatever the name says; None: something else.

    >>> picture_type(b"RIFF....WEBP")
    'image/webp'
    """
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    return "image/webp" if head[:4] == b"RIFF" and head[8:12] == b"WEBP" else None


def is_heic(head: bytes) -> bool:
    """Whether it is a picture as newer iPhones take it, of whichever brand.

    >>> is_heic(b"....ftypheimmif1")
    True
    """
    return head[4:8] == b"ftyp" and head[8:12] in _HEIC_BRANDS


def _type_of(head: bytes) -> str | None:
    if is_heic(head):
        return "image/heic"
    return "application/pdf" if head.startswith(b"%PDF-") else picture_type(head)


def sniff(head: bytes, accepted: Accepted = PHOTO) -> str:
    """The type of a picture from its first bytes, whatever its name says.

    Raises
    ------
    AttachmentError
        It is of a type that is not taken.

    >>> sniff(bytes.fromhex("ffd8ffe000104a4649460001"))
    'image/jpeg'
    """
    kind = _type_of(head)
    if kind is not None and kind in accepted.types:
        return kind
    if kind == "image/heic":
        raise AttachmentError(
            "这是 HEIC 照片，请在手机“设置-相机-格式”中选“兼容性最佳”后重拍，或转成 JPEG 再传"
            " (HEIC is not taken: convert it to JPEG)"
        )
    if accepted is SCAN:
        raise AttachmentError("扫描件只收 PDF、JPEG、PNG、WebP、HEIC (only these types of scans are taken)")
    raise AttachmentError("只收 JPEG、PNG、WebP 照片 (only JPEG, PNG and WebP pictures are taken)")


def arrived(conn: Connection, unit_no: int, sha256: bytes, asker: Asker) -> Arrived:
    """How much of a photo is there."""
    whole = conn.execute(QUERIES.size_of, (unit_no, sha256)).fetchone()
    if whole is not None:
        return Arrived(int(whole[0]), complete=True)
    part = conn.execute(QUERIES.part_length, (unit_no, sha256, asker.account_id)).fetchone()
    return Arrived(0 if part is None else int(part[0]), complete=False)


def receive(conn: Connection, piece: Piece, asker: Asker, now: datetime) -> Arrived:
    """Take the next piece. The last one completes the photo, if its bytes have the digest.

    Raises
    ------
    AttachmentError
        Too large, of a type that is not taken, longer than announced, or another photo than its digest names.
    OffsetError
        The piece does not follow what is there.
    """
    most = piece.accepted.largest_bytes
    if piece.size > most:
        raise AttachmentError(
            f"文件有 {piece.size / 1e6:.1f} MB，最多 {most // 1_000_000} MB，请压缩后再传"
            f" (larger than {most // 1_000_000} MB: send a smaller one)"
        )
    there = arrived(conn, piece.unit_no, piece.sha256, asker)
    if there.complete:
        return there
    key = {"unit_no": piece.unit_no, "sha256": piece.sha256, "account": asker.account_id, "now": now}
    conn.execute(QUERIES.begin_part, key | {"size": piece.size})
    row = conn.execute(QUERIES.part_of, (piece.unit_no, piece.sha256, asker.account_id)).fetchone()
    announced, before = (piece.size, b"") if row is None else (int(row[0]), bytes(row[1]))
    if piece.offset != len(before) or piece.size != announced:
        raise OffsetError(
            f"已收到 {len(before)} 字节，共 {announced}，请从该处续传 ({len(before)} of {announced} bytes are there: go on from there)"
        )
    content = before + piece.content
    if len(content) > piece.size:
        raise AttachmentError(f"多于所报的 {piece.size} 字节 (longer than announced)")
    kind = sniff(content[:12], piece.accepted) if len(content) >= min(12, piece.size) else None
    if len(content) < piece.size or kind is None:
        conn.execute(QUERIES.add_piece, key | {"piece": piece.content})
        return Arrived(len(content), complete=False)
    if hashlib.sha256(content).digest() != piece.sha256:
        raise AttachmentError("内容与摘要不符，请重新上传 (the bytes do not have this SHA-256: send it again)")
    if (claimed_pixels(content) or 0) > MOST_PIXELS:
        raise AttachmentError(
            f"照片超过 {MOST_PIXELS // 1_000_000} 百万像素，请调低相机分辨率后重拍 (more pixels than any camera makes)"
        )
    conn.execute(QUERIES.keep, key | {"type": kind, "size": piece.size, "content": content})
    conn.execute(QUERIES.drop_part, (piece.unit_no, piece.sha256, asker.account_id))
    return Arrived(piece.size, complete=True)


def discard(conn: Connection, unit_no: int, sha256: bytes, asker: Asker) -> None:
    """Forget what has arrived of an unfinished photo, so that it can be sent from the start."""
    conn.execute(QUERIES.drop_part, (unit_no, sha256, asker.account_id))


def content(conn: Connection, unit_no: int, sha256: bytes) -> tuple[str, bytes]:
    """Type and bytes of a photo.

    Raises
    ------
    UnknownAttachmentError
    """
    row = conn.execute(QUERIES.content_of, (unit_no, sha256)).fetchone()
    erased = None if row is not None else conn.execute(QUERIES.erased, (sha256.hex(), unit_no)).fetchone()
    if erased is not None:
        raise UnknownAttachmentError(f"照片已依法删除：{erased[0]} (it was erased by law)")
    if row is None:
        raise UnknownAttachmentError("没有这张照片，或尚未传完 (no such photo, or it is still on its way)")
    return str(row[0]), bytes(row[1])
