"""Folders as the way across: a file per bundle, laid down whole, carried by whatever the two zones allow.

That may be the file channel of a 网闸, a data diode in each direction, or one rsync over TLS or SSH begun from inside.
Nothing is asked of it but that files arrive whole in the end; order, repetition and loss are dealt with here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from equipment.link.model import MOST_BYTES, Side

NAME = re.compile(r"(inner|outer)-(\d{12})\.bundle")
AHEAD = 10_000
"""Files that are this far ahead are left lying: they are not looked at one by one."""


def name_of(side: Side, number: int) -> str:
    """The file of a bundle."""
    return f"{side.value}-{number:012d}.bundle"


def lay_down(
    folder: Path, side: Side, bundles: Iterable[tuple[int, bytes, datetime]], laid: dict[int, datetime], resend: timedelta,
    now: datetime,
) -> int:  # fmt: skip
    """Write the files of bundles without receipt that are not there; returns how many.

    A file that was fetched but never confirmed is laid down again after ``resend``. ``laid`` remembers when each was.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o750)
    count = 0
    for number, content, _ in bundles:
        file = folder / name_of(side, number)
        if file.exists() or (number in laid and now < laid[number] + resend):
            continue
        part = folder / f".{file.name}.part"
        with part.open("wb") as handle:
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())
        part.rename(file)
        laid[number] = now
        count += 1
    return count


def clear(folder: Path, side: Side, confirmed: Iterable[int], laid: dict[int, datetime]) -> None:
    """Remove the files of bundles that the other side has applied."""
    for number in confirmed:
        (folder / name_of(side, number)).unlink(missing_ok=True)
        laid.pop(number, None)


def arrived(folder: Path, side: Side, next_number: int) -> list[tuple[int, Path]]:
    """Files of the other side from ``next_number`` on, in order; older ones are removed: they were applied."""
    found: list[tuple[int, Path]] = []
    for file in folder.glob("*.bundle") if folder.is_dir() else ():
        match = NAME.fullmatch(file.name)
        if match is None or match[1] != side.value:
            continue
        number = int(match[2])
        if number < next_number:
            file.unlink(missing_ok=True)
        elif number < next_number + AHEAD:
            found.append((number, file))
    return sorted(found)


def read(file: Path) -> bytes | None:
    """A file's bytes; None while it is not there, or longer than any bundle."""
    try:
        return file.read_bytes() if file.stat().st_size <= MOST_BYTES else None
    except FileNotFoundError:
        return None
