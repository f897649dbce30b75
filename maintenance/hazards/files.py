"""照片 and other files of a case: bytes as they came, with digest, sniffed type and a limit. Append-only."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from equipment.access.model import Asker
from equipment.foundation.database import Connection
from maintenance.attachments.service import is_heic, picture_type
from maintenance.errors import StepError, UnknownHazardError
from maintenance.leads import QUERIES

LARGEST = 8 * 1024 * 1024
"""Bytes of one file."""
MOST = 60
"""Files of one case."""
STAGES = ("before", "after", "other")
"""整改前 整改后 其他."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file without its bytes."""

    id: int
    stage: str
    media_type: str
    bytes: int
    sha256: str
    uploaded_at: datetime
    uploaded_by: str | None


def sniff(data: bytes) -> str | None:
    """The type by its first bytes, whatever its sender calls it; None: not one of those that are kept.

    >>> sniff(bytes.fromhex("ffd8ffe0"))
    'image/jpeg'
    """
    picture = picture_type(data)
    if picture is not None:
        return picture
    if is_heic(data):
        return "image/heic"
    return "application/pdf" if data.startswith(b"%PDF-") else None


def add(conn: Connection, hazard_id: int, stage: str, data: bytes, asker: Asker, now: datetime) -> StoredFile:
    """Keep a file; the same bytes again are the same file.

    Raises
    ------
    UnknownHazardError, StepError
    """
    if stage not in STAGES:
        raise StepError(f"阶段须为 {', '.join(STAGES)} 之一 (one of these)")
    if not data or len(data) > LARGEST:
        raise StepError(f"文件须为 1 字节至 {LARGEST // 1024 // 1024} MB，请压缩后重传 (too large or empty)")
    media = sniff(data)
    if media is None:
        raise StepError("只接受 JPEG、PNG、WebP、HEIC 照片和 PDF (photographs and PDF only)")
    row = conn.execute(QUERIES.files_count, (hazard_id,)).fetchone()
    if row is None:
        raise UnknownHazardError(f"没有隐患 {hazard_id} (no such hazard)")
    if row[0] >= MOST:
        raise StepError(f"一案最多 {MOST} 个文件 (too many files)")
    digest = hashlib.sha256(data).digest()
    conn.execute(
        QUERIES.insert_file,
        {"hazard_id": hazard_id, "stage": stage, "media_type": media, "size": len(data), "sha256": digest, "data": data,
         "at": now, "by": asker.account_id},
    )  # fmt: skip
    return next(f for f in files_of(conn, hazard_id) if f.sha256 == digest.hex() and f.stage == stage)


def files_of(conn: Connection, hazard_id: int) -> list[StoredFile]:
    """Files of a case, oldest first."""
    return [StoredFile(*row) for row in conn.execute(QUERIES.files_of, (hazard_id,))]


def content(conn: Connection, hazard_id: int, file_id: int) -> tuple[str, bytes]:
    """Type and bytes of a file.

    Raises
    ------
    UnknownHazardError
    """
    row = conn.execute(QUERIES.file_content, (hazard_id, file_id)).fetchone()
    if row is None:
        raise UnknownHazardError(f"没有文件 {file_id} (no such file)")
    return row[0], bytes(row[1])


def by_value(conn: Connection, hazard_id: int, wanted: Any) -> list[dict[str, Any]]:
    """Files as an entry keeps them: with their digests.

    Raises
    ------
    StepError
        One of them is not a file of the case.
    """
    if not isinstance(wanted, Iterable) or isinstance(wanted, str):
        raise StepError("files 须为文件编号列表 (a list of ids)")
    known = {f.id: f for f in files_of(conn, hazard_id)}
    found = []
    for file_id in wanted:
        if file_id not in known:
            raise StepError(f"本案没有文件 {file_id} (not a file of this case)")
        found.append(said(known[file_id]))
    return found


def said(f: StoredFile) -> dict[str, Any]:
    """A file as an entry names it."""
    return {"id": f.id, "stage": f.stage, "media_type": f.media_type, "bytes": f.bytes, "sha256": f.sha256}
