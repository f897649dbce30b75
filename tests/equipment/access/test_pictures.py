"""Pictures without what their makers put beside them."""

from __future__ import annotations

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from equipment.access.pictures import JPEG, PNG, MalformedPictureError, stripped

PLACE = b"GPS 33.64N 116.98E"


def segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


JFIF = segment(0xE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0")
TABLES = segment(0xDB, bytes(65)) + segment(0xC0, b"\x08\0\x01\0\x01\x01\x01\x11\0")
SCAN = segment(0xDA, b"\x01\x01\0\0?\0") + b"\x12\xff\x00\x34\xff\xd0\x56"
END = b"\xff\xd9"


def exif(order: str, turned: int) -> bytes:
    mark = b"II*\0" if order == "<" else b"MM\0*"
    entry = struct.pack(f"{order}HHIHH", 0x0112, 3, 1, turned, 0)
    return b"Exif\0\0" + mark + struct.pack(f"{order}IH", 8, 1) + entry + struct.pack(f"{order}I", 0) + PLACE


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def riff(*chunks: bytes) -> bytes:
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def part(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) & 1)


PLAIN_JPEG = JPEG + JFIF + TABLES + SCAN + END
PLAIN_PNG = PNG + chunk(b"IHDR", bytes(13)) + chunk(b"IDAT", b"x") + chunk(b"IEND", b"")
PLAIN_WEBP = riff(part(b"VP8 ", b"abc"))


@pytest.mark.parametrize("plain", [PLAIN_JPEG, PLAIN_PNG, PLAIN_WEBP])
def test_a_picture_without_metadata_is_the_same_bytes(plain: bytes) -> None:
    found = stripped(plain)
    assert (found.content, found.changed) == (plain, False)


@pytest.mark.parametrize(
    ("dirty", "clean"),
    [
        (JPEG + JFIF + segment(0xE1, exif("<", 1)) + TABLES + SCAN + END, PLAIN_JPEG),
        (JPEG + JFIF + segment(0xFE, PLACE) + segment(0xED, PLACE) + TABLES + SCAN + END, PLAIN_JPEG),
        (PLAIN_JPEG + b"PK\x03\x04" + PLACE + END, PLAIN_JPEG),
        (PNG + chunk(b"IHDR", bytes(13)) + chunk(b"tEXt", PLACE) + chunk(b"IDAT", b"x") + chunk(b"eXIf", PLACE)
         + chunk(b"IEND", b"") + PLACE, PLAIN_PNG),
        (riff(part(b"VP8 ", b"abc"), part(b"EXIF", PLACE), part(b"XMP ", PLACE)) + PLACE, PLAIN_WEBP),
        (riff(part(b"VP8X", b"\x0c" + bytes(9)), part(b"VP8 ", b"abc"), part(b"EXIF", PLACE)),
         riff(part(b"VP8X", bytes(10)), part(b"VP8 ", b"abc"))),
    ],
)  # fmt: skip
def test_metadata_and_what_hides_behind_the_end_are_gone(dirty: bytes, clean: bytes) -> None:
    found = stripped(dirty)
    assert (found.content, found.changed) == (clean, True)
    assert PLACE not in found.content


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("turned", [3, 6, 8])
def test_a_picture_stays_upright(order: str, turned: int) -> None:
    found = stripped(JPEG + JFIF + segment(0xE1, exif(order, turned)) + TABLES + SCAN + END).content
    assert PLACE not in found
    again = stripped(found)
    assert struct.pack(">HHIH", 0x0112, 3, 1, turned) in again.content
    assert again.content == found


@given(st.sampled_from([PLAIN_JPEG, PLAIN_PNG, PLAIN_WEBP]), st.integers(2, 200))
def test_a_picture_that_is_cut_off_is_no_picture(plain: bytes, length: int) -> None:
    if length < len(plain):
        with pytest.raises(MalformedPictureError):
            stripped(plain[:length])


@given(st.sampled_from([JPEG, PNG, b"RIFF\x20\0\0\0WEBP", b""]), st.binary(max_size=300))
def test_no_bytes_do_anything_but_be_refused_or_be_stable(head: bytes, rest: bytes) -> None:
    try:
        once = stripped(head + rest).content
    except MalformedPictureError:
        return
    assert stripped(once).content == once
