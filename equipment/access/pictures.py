"""照片: what a browser gets of a picture that somebody sent is made anew from its pixels.

Place, device, thumbnails, profiles, comments and whatever hides beside or behind the picture have no way into the copy.
What was sent stays byte for byte where it is evidence: its digest stands in a record, and a worker has signed it.
"""

from __future__ import annotations

import io
import struct
import threading
import zlib
from dataclasses import dataclass

from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

FORMATS = ("JPEG", "PNG", "WEBP")
MOST_PIXELS = 40_000_000
"""A camera of today has 12 to 24 million; a few kilobytes can claim billions and would fill the memory."""
LONGEST_EDGE = 4_096
"""Pixels of the copy; the original has all of them."""
QUALITY = 88
LARGEST_PROFILE = 128 * 1024
AT_ONCE = 2
"""Pictures decoded at a time in one process: each may take 160 MB."""
BROKEN = (
    OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError, TypeError, OverflowError, ZeroDivisionError,
    struct.error, zlib.error,
)  # fmt: skip
"""What the decoders say of broken bytes, which is not one kind."""
_decoding = threading.BoundedSemaphore(AT_ONCE)


class MalformedPictureError(ValueError):
    """The bytes are no picture that is shown: broken, of another kind, or larger than any camera makes."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A picture made anew, without anything but pixels."""

    content: bytes
    media_type: str


def claimed_pixels(content: bytes) -> int | None:
    """How many pixels the head of a picture claims; nothing is decoded. None: no picture."""
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            return int(image.width * image.height)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return MOST_PIXELS + 1
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, zlib.error):
        return None


def made_anew(content: bytes) -> Copy:
    """A copy of a picture from its pixels: upright, in the colours of a screen (sRGB), JPEG or, if it is a drawing, PNG.

    Raises
    ------
    MalformedPictureError
    """
    pixels = claimed_pixels(content)
    if pixels is None or pixels > MOST_PIXELS:
        raise MalformedPictureError("no JPEG, PNG or WebP, or larger than any camera makes")
    try:
        with _decoding, Image.open(io.BytesIO(content), formats=FORMATS) as image:
            drawn = image.format == "PNG" or "A" in image.getbands() or "transparency" in image.info
            if not drawn:
                image.draft("RGB", (LONGEST_EDGE, LONGEST_EDGE))
            return _copy(ImageOps.exif_transpose(image), drawn=drawn)
    except BROKEN as error:
        raise MalformedPictureError(f"a picture that does not decode: {error}") from None


def _copy(image: Image.Image, *, drawn: bool) -> Copy:
    profile = image.info.get("icc_profile")
    pixels = image.convert("RGBA" if drawn else "RGB") if profile is None else _in_srgb(image, profile, drawn=drawn)
    pixels.thumbnail((LONGEST_EDGE, LONGEST_EDGE))
    bare = Image.frombytes(pixels.mode, pixels.size, pixels.tobytes())
    out = io.BytesIO()
    if drawn:
        bare.save(out, "PNG")
        return Copy(out.getvalue(), "image/png")
    bare.save(out, "JPEG", quality=QUALITY)
    return Copy(out.getvalue(), "image/jpeg")


def _in_srgb(image: Image.Image, profile: bytes, *, drawn: bool) -> Image.Image:
    """The colours as they were meant, where the profile can be read; its bytes go no further."""
    wanted = "RGBA" if drawn else "RGB"
    if len(profile) > LARGEST_PROFILE or image.mode not in {"RGB", "RGBA", "CMYK", "L"}:
        return image.convert(wanted)
    opaque = image.convert("RGB") if image.mode == "RGBA" else image
    try:
        source = ImageCms.getOpenProfile(io.BytesIO(profile))
        made = ImageCms.profileToProfile(opaque, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):
        return image.convert(wanted)
    if made is None:
        return image.convert(wanted)
    if drawn:
        made = made.convert("RGBA")
        if image.mode == "RGBA":
            made.putalpha(image.getchannel("A"))
    return made
