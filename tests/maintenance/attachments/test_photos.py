"""Photos in pieces, by digest, through the web process."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image

from equipment.access.model import Role
from equipment.foundation.clock import ManualClock
from tests.conftest import Database
from tests.dashboards.test_story import LIFT
from tests.platform import Platform, platform_over

JPEG = bytes.fromhex("ffd8ffe000104a46494600010100") + bytes(range(256)) * 40


@pytest.fixture
def platform(database: Database, clock: ManualClock) -> Iterator[Platform]:
    with platform_over(database, clock) as made:
        yield made


def put(platform: Platform, content: bytes, whole: bytes, offset: int = 0, size: int | None = None) -> Any:
    person = platform.person(Role.FIRM_WORKER)
    digest = hashlib.sha256(whole).hexdigest()
    return person.client.put(
        f"/api/v1/units/{LIFT}/photos/{digest}?offset={offset}&size={size or len(whole)}",
        content=content, headers={"X-CSRF-Token": person.csrf},
    )  # fmt: skip


def test_a_photo_comes_in_pieces_and_goes_on_where_it_stopped(platform: Platform) -> None:
    digest = hashlib.sha256(JPEG).hexdigest()
    worker = platform.person(Role.FIRM_WORKER)
    assert put(platform, JPEG[:5], JPEG).json() == {"received": 5, "complete": False}
    assert put(platform, JPEG[:5], JPEG).status_code == 409
    assert worker.get(f"/units/{LIFT}/photos/{digest}/state") == {"received": 5, "complete": False}
    assert put(platform, JPEG[5:], JPEG, 5).json() == {"received": len(JPEG), "complete": True}
    assert put(platform, JPEG, JPEG).json() == {"received": len(JPEG), "complete": True}
    shown = worker.client.get(f"/api/v1/units/{LIFT}/photos/{digest}?original=true")
    assert (shown.content, shown.headers["content-type"]) == (JPEG, "image/jpeg")


@pytest.mark.parametrize(
    ("content", "size", "words"),
    [
        (b"\0\0\0\x18ftypheic" + bytes(40), None, "HEIC"),
        (JPEG, 30_000_000, "30.0 MB"),
        (b"%PDF-1.7 and more of it", None, "JPEG"),
    ],
)
def test_what_cannot_be_taken_gets_a_clear_answer(
    platform: Platform, content: bytes, size: int | None, words: str
) -> None:
    answer = put(platform, content, content, size=size)
    assert answer.status_code == 422
    assert words in answer.text


def test_a_body_of_thirty_megabytes_is_not_read_to_its_end(platform: Platform) -> None:
    answer = put(platform, bytes(30_000_000), JPEG)
    assert answer.status_code in (400, 422)
    assert "5 MB" in answer.text


def test_altered_bytes_are_refused_and_the_photo_can_be_sent_again(platform: Platform) -> None:
    answer = put(platform, JPEG[:-1] + b"\0", JPEG)
    assert answer.status_code == 422
    assert put(platform, JPEG, JPEG).json()["complete"]


def test_another_firm_sees_no_photo(platform: Platform) -> None:
    put(platform, JPEG, JPEG)
    person = platform.person(Role.SYSTEM_ADMIN)
    digest = hashlib.sha256(JPEG).hexdigest()
    assert person.client.get(f"/api/v1/units/{LIFT}/photos/{digest}").status_code in (403, 404)


def test_a_browser_gets_the_pixels_and_the_original_stays_what_was_signed(platform: Platform) -> None:
    exif = Image.Exif()
    exif[0x010E] = "GPS 33.64N 116.98E"
    out = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(out, "JPEG", exif=exif)
    sent = out.getvalue() + b"PK\x03\x04<script>"
    digest = hashlib.sha256(sent).hexdigest()
    assert put(platform, sent, sent).json()["complete"]
    address = f"/api/v1/units/{LIFT}/photos/{digest}"
    worker, office = platform.person(Role.FIRM_WORKER), platform.person(Role.DESK)
    for person in (worker, office):
        shown = person.client.get(address)
        assert shown.headers["content-type"] == "image/jpeg"
        assert "private" in shown.headers["cache-control"]
        assert b"116.98E" not in shown.content
        assert b"<script>" not in shown.content
    original = worker.client.get(f"{address}?original=true")
    assert hashlib.sha256(original.content).hexdigest() == digest
    assert original.headers["content-disposition"].startswith("attachment")
    assert office.client.get(f"{address}?original=true").status_code == 403
    said = platform.conn.execute("select subject from equipment.audit_entry where action = 'photo.original'").fetchall()
    assert said == [(f"photo:{LIFT}:{digest}",)]


def test_what_does_not_decode_is_a_file_and_never_a_picture(platform: Platform) -> None:
    put(platform, JPEG, JPEG)
    digest = hashlib.sha256(JPEG).hexdigest()
    answer = platform.person(Role.FIRM_WORKER).client.get(f"/api/v1/units/{LIFT}/photos/{digest}")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment")


def test_a_picture_that_claims_more_than_a_camera_makes_is_refused(platform: Platform) -> None:
    out = io.BytesIO()
    Image.new("1", (6_400, 6_400)).save(out, "PNG")
    assert len(out.getvalue()) < 50_000
    answer = put(platform, out.getvalue(), out.getvalue())
    assert (answer.status_code, "像素" in answer.text) == (422, True)
