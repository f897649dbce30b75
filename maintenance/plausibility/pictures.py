"""How a picture looks, so that it is recognised when it comes again: pixels, 256 bits of shades, when it was taken.

Pillow decodes what phones make; no library of the lock does. A picture that cannot be read has no print.
"""

from __future__ import annotations

import hashlib
import io
import warnings
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from PIL import ExifTags, Image, ImageStat, UnidentifiedImageError

from equipment.foundation.clock import SHANGHAI

SIDE = 16
BAND_BITS = 16
MOST_PIXELS = 40_000_000


@dataclass(frozen=True, slots=True)
class Print:
    """Of a picture: SHA-256 of its pixels, difference hash (256 bits, row by row), spread of its shades, camera's time."""

    pixels: bytes
    shades: str
    detail: float
    taken_at: datetime | None

    @property
    def bands(self) -> list[int]:
        """The hash in 16 pieces, each with its place: near pictures share most of them."""
        cuts = range(0, SIDE * SIDE, BAND_BITS)
        return [(place << BAND_BITS) | int(self.shades[cut : cut + BAND_BITS], 2) for place, cut in enumerate(cuts)]


def distance(a: str, b: str) -> int:
    """Bits in which two hashes differ."""
    return (int(a, 2) ^ int(b, 2)).bit_count()


def print_of(content: bytes) -> Print | None:
    """The print of a picture; None where it cannot be read, or would unpack to more than any phone takes."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(content))
            if picture.width * picture.height > MOST_PIXELS:
                return None
            taken = _taken(picture)
            flat = picture.convert("RGB")
    except (
        UnidentifiedImageError,
        OSError,
        ValueError,
        SyntaxError,
        Image.DecompressionBombWarning,
        Image.DecompressionBombError,
    ):
        return None
    grey = flat.convert("L")
    small = grey.resize((SIDE + 1, SIDE), Image.Resampling.LANCZOS).tobytes()
    rows = [small[r * (SIDE + 1) : (r + 1) * (SIDE + 1)] for r in range(SIDE)]
    shades = "".join("1" if left > right else "0" for row in rows for left, right in pairwise(row))
    size = f"{flat.width}x{flat.height}:".encode()
    return Print(hashlib.sha256(size + flat.tobytes()).digest(), shades, float(ImageStat.Stat(grey).stddev[0]), taken)


def _taken(picture: Image.Image) -> datetime | None:
    """What the camera wrote; a time without zone is taken as the city's."""
    exif = picture.getexif()
    text = exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.DateTimeOriginal) or exif.get(ExifTags.Base.DateTime)
    try:
        return datetime.strptime(str(text), "%Y:%m:%d %H:%M:%S").replace(tzinfo=SHANGHAI) if text else None
    except ValueError:
        return None
