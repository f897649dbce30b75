"""Pictures made anew from their pixels, without what their makers or somebody else put beside them."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, PngImagePlugin

from equipment.access.pictures import LONGEST_EDGE, MOST_PIXELS, MalformedPictureError, claimed_pixels, made_anew

PLACE = b"GPS 33.64N 116.98E"
SCRIPT = b"<script>alert(1)</script>"
ARCHIVE = b"PK\x03\x04" + SCRIPT


def picture(kind: str = "JPEG", size: tuple[int, int] = (48, 32), mode: str = "RGB", **more: object) -> bytes:
    image = Image.linear_gradient("L").resize(size).convert(mode)
    out = io.BytesIO()
    image.save(out, kind, **more)
    return out.getvalue()


def tagged(turned: int = 1) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F], exif[0x010E] = turned, "MAKER", PLACE.decode()
    exif.get_ifd(0x8825).update({1: "N", 2: (33.0, 38.0, 30.0), 3: "E", 4: (116.0, 58.0, 12.0)})
    return exif


def commented_png() -> bytes:
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Comment", PLACE.decode())
    notes.add_itxt("XML:com.adobe.xmp", PLACE.decode(), zip=True)
    return picture("PNG", pnginfo=notes, exif=tagged())


DIRTY = {
    "exif": picture(exif=tagged(), comment=PLACE),
    "webp": picture("WEBP", exif=tagged(), xmp=PLACE),
    "png": commented_png(),
    "archive behind the end": picture() + ARCHIVE,
    "page behind the end": picture("PNG") + b"<html>" + SCRIPT,
    "page in a comment": picture(comment=b"--><html>" + SCRIPT),
    "profile": picture(icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()),
    "broken profile": picture(icc_profile=PLACE * 40),
}


@pytest.mark.parametrize("name", DIRTY)
def test_nothing_but_pixels_comes_through(name: str) -> None:
    made = made_anew(DIRTY[name])
    for secret in (PLACE, b"MAKER", SCRIPT, b"PK\x03\x04", b"Exif", b"ICC_PROFILE", b"iCCP", b"eXIf", b"tEXt", b"xmp"):
        assert secret not in made.content, secret
    with Image.open(io.BytesIO(made.content)) as copy:
        assert copy.size == (48, 32)
        assert not copy.getexif()
        assert copy.info.keys() <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
        assert copy.get_format_mimetype() == made.media_type


@pytest.mark.parametrize("turned", range(1, 9))
def test_a_picture_stands_upright_without_saying_so(turned: int) -> None:
    with Image.open(io.BytesIO(made_anew(picture(exif=tagged(turned))).content)) as copy:
        assert copy.size == ((32, 48) if turned >= 5 else (48, 32))


def test_colours_stay_as_they_were_meant() -> None:
    lab = ImageCms.createProfile("sRGB")
    plain = Image.new("RGB", (8, 8), (200, 40, 30))
    out = io.BytesIO()
    plain.save(out, "PNG", icc_profile=ImageCms.ImageCmsProfile(lab).tobytes())
    with Image.open(io.BytesIO(made_anew(out.getvalue()).content)) as copy:
        seen = copy.convert("RGB").getpixel((4, 4))
    assert isinstance(seen, tuple)
    assert all(abs(a - b) <= 2 for a, b in zip(seen, (200, 40, 30), strict=True))


@pytest.mark.parametrize("mode", ["L", "CMYK", "RGB"])
def test_photos_of_every_kind_become_jpeg(mode: str) -> None:
    assert made_anew(picture(mode=mode)).media_type == "image/jpeg"


def test_a_drawn_signature_keeps_its_transparent_ground() -> None:
    ink = Image.new("RGBA", (20, 10), (0, 0, 0, 0))
    ink.putpixel((3, 3), (0, 0, 0, 255))
    out = io.BytesIO()
    ink.save(out, "PNG")
    with Image.open(io.BytesIO(made_anew(out.getvalue()).content)) as copy:
        assert (copy.mode, copy.getpixel((0, 0)), copy.getpixel((3, 3))) == ("RGBA", (0, 0, 0, 0), (0, 0, 0, 255))


def test_a_large_photo_is_made_smaller() -> None:
    with Image.open(io.BytesIO(made_anew(picture(size=(6_000, 1_000))).content)) as copy:
        assert max(copy.size) <= LONGEST_EDGE


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims to be huge."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1_000))) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("size", [(50_000, 50_000), (10_000, 9_000), (6_400, 6_400), (2**31 - 1, 2**31 - 1)])
def test_a_bomb_is_known_by_its_head_and_never_decoded(size: tuple[int, int]) -> None:
    claimed = claimed_pixels(bomb(*size))
    assert claimed is not None
    assert claimed > MOST_PIXELS
    with pytest.raises(MalformedPictureError):
        made_anew(bomb(*size))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_a_picture_that_is_cut_off_is_not_shown(kind: str, part: float) -> None:
    whole = picture(kind, size=(200, 200))
    with pytest.raises(MalformedPictureError):
        made_anew(whole[: int(len(whole) * part)])


@pytest.mark.parametrize("content", [b"", b"GIF89a" + bytes(100), b"<svg onload='x'/>", b"%PDF-1.7", ARCHIVE])
def test_other_files_are_no_pictures(content: bytes) -> None:
    assert claimed_pixels(content) is None
    with pytest.raises(MalformedPictureError):
        made_anew(content)


WHOLE = [picture(kind, exif=tagged()) for kind in ("JPEG", "PNG", "WEBP")]


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@settings(max_examples=150, deadline=None)
@given(st.sampled_from(WHOLE), st.lists(st.tuples(st.integers(0, 5_000), st.integers(0, 255)), max_size=12))
def test_whatever_is_damaged_is_shown_clean_or_not_at_all(whole: bytes, damage: list[tuple[int, int]]) -> None:
    broken = bytearray(whole)
    for at, value in damage:
        broken[at % len(broken)] = value
    try:
        made = made_anew(bytes(broken))
    except MalformedPictureError:
        return
    assert PLACE not in made.content
    assert made_anew(made.content).media_type == made.media_type
