"""照片元数据: place, device, time, thumbnails and appended data are cut away from a picture before it is shown.

The picture itself is not encoded anew, so nothing is lost and nothing is invented; only its orientation is kept. What was
sent stays as it is where it is evidence: its digest stands in a record.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

JPEG, PNG, RIFF = b"\xff\xd8", b"\x89PNG\r\n\x1a\n", b"RIFF"
KEPT_MARKERS = frozenset({0xE0, 0xEE})
"""JFIF and Adobe's colour transform: without them colours change."""
KEPT_CHUNKS = frozenset(
    {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT", b"pHYs", b"bKGD"}
)
KNOWN_WEBP = frozenset({b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"})
ORIENTATION = 0x0112


class MalformedPictureError(ValueError):
    """The bytes are not built as a picture of their kind."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture without its metadata, and whether there was any."""

    content: bytes
    changed: bool


def stripped(content: bytes) -> Picture:
    """The same picture without metadata and without anything behind its end.

    Raises
    ------
    MalformedPictureError
        It is no JPEG, PNG or WebP, or is broken.
    """
    try:
        if content.startswith(JPEG):
            made = _jpeg(content)
        elif content.startswith(PNG):
            made = _png(content)
        elif content.startswith(RIFF) and content[8:12] == b"WEBP":
            made = _webp(content)
        else:
            raise MalformedPictureError("no JPEG, PNG or WebP")
    except (struct.error, IndexError) as error:
        raise MalformedPictureError(f"the picture ends in its middle: {error}") from None
    return Picture(made, made != content)


def _jpeg(data: bytes) -> bytes:
    kept, at, turned = [JPEG], 2, 1
    while True:
        if data[at] != 0xFF:
            raise MalformedPictureError("a JPEG segment does not begin with a marker")
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        (length,) = struct.unpack_from(">H", data, at + 2)
        segment = data[at : at + 2 + length]
        if length < 2 or len(segment) < 2 + length:
            raise MalformedPictureError("a JPEG segment is cut off")
        if marker == 0xE1 and segment[4:10] == b"Exif\0\0":
            turned = _orientation(segment[10:]) or turned
        foreign = (0xE0 <= marker <= 0xEF and marker not in KEPT_MARKERS) or marker == 0xFE
        if not foreign:
            kept.append(segment)
        at += 2 + length
        if marker == 0xDA:
            break
    # scans follow each other up to the first end of image; what lies behind it is no part of the picture
    end = _end_of_scans(data, at)
    if turned != 1:
        kept.insert(1, _only_orientation(turned))
    return b"".join(kept) + data[at:end]


def _end_of_scans(data: bytes, at: int) -> int:
    """Where the picture ends: markers inside a scan are stuffed with 0 or are restarts."""
    while True:
        at = data.find(b"\xff", at)
        if at < 0:
            raise MalformedPictureError("a JPEG has no end")
        marker = data[at + 1]
        if marker == 0xD9:
            return at + 2
        if marker in (0x00, 0xFF) or 0xD0 <= marker <= 0xD7:
            at += 1 if marker == 0xFF else 2
        else:
            (length,) = struct.unpack_from(">H", data, at + 2)
            at += 2 + length


def _orientation(tiff: bytes) -> int | None:
    """How the picture is to be turned, from the first directory of an Exif block."""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return None
    try:
        (first,) = struct.unpack_from(f"{order}I", tiff, 4)
        (count,) = struct.unpack_from(f"{order}H", tiff, first)
        for number in range(count):
            tag, kind, _, value = struct.unpack_from(f"{order}HHIH", tiff, first + 2 + 12 * number)
            if tag == ORIENTATION and kind == 3:
                return value if 1 <= value <= 8 else None
    except struct.error:
        return None
    return None


def _only_orientation(turned: int) -> bytes:
    tiff = b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, ORIENTATION, 3, 1, turned, 0, 0)
    body = b"Exif\0\0" + tiff
    return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body


def _png(data: bytes) -> bytes:
    kept, at = [PNG], len(PNG)
    while True:
        (length,) = struct.unpack_from(">I", data, at)
        name, chunk = data[at + 4 : at + 8], data[at : at + 12 + length]
        if len(chunk) < 12 + length:
            raise MalformedPictureError("a PNG chunk is cut off")
        if name in KEPT_CHUNKS:
            kept.append(chunk)
        at += 12 + length
        if name == b"IEND":
            return b"".join(kept)


def _webp(data: bytes) -> bytes:
    (size,) = struct.unpack_from("<I", data, 4)
    end, at, kept = 8 + size, 12, []
    if end > len(data):
        raise MalformedPictureError("a WebP file is cut off")
    while at < end:
        name = data[at : at + 4]
        (length,) = struct.unpack_from("<I", data, at + 4)
        whole = 8 + length + (length & 1)
        chunk = data[at : at + whole]
        if len(chunk) < 8 + length:
            raise MalformedPictureError("a WebP chunk is cut off")
        if name == b"VP8X":
            # the flags that promise Exif and XMP go with them
            chunk = chunk[:8] + bytes([chunk[8] & ~0x0C]) + chunk[9:]
        if name in KNOWN_WEBP:
            kept.append(chunk)
        at += whole
    body = b"WEBP" + b"".join(kept)
    return RIFF + struct.pack("<I", len(body)) + body
