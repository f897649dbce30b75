"""Photos came later: a record without them keeps the canonical form it always had."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from equipment.transparency.entry import VERSION, Entry, utc_text
from maintenance.canonical import canonical as canonical_text
from maintenance.canonical import canonical_of
from maintenance.records.model import canonical, photos_of, read_record

SIGN = {"at": "2026-03-02T01:00:00Z", "lon": None, "lat": None, "datum": "unknown", "accuracy_m": None, "how": "manual"}
OLD: dict[str, Any] = {
    "unit_id": "SZ1", "level": "half_month", "workers": [{"name": "王强", "certificate_no": None}], "sign_in": SIGN,
    "sign_out": SIGN, "items": [{"id": "A-1-01", "result": "pass", "value": None, "note": ""}],
    "submitted_at": "2026-03-02T01:30:00Z", "parts": [], "found": "", "corrects": None,
}  # fmt: skip


def test_a_record_without_photos_has_the_form_from_before_them() -> None:
    assert canonical(read_record(rfc8785.dumps(OLD))) == rfc8785.dumps(OLD)


def test_photos_places_and_the_drawing_are_under_the_digest() -> None:
    more = OLD | {"drawn": "a" * 64, "places": [{"place": "pit", "at": SIGN["at"], "photos": ["b" * 64]}]}
    record = read_record(rfc8785.dumps(more))
    assert canonical(record) == rfc8785.dumps(more)
    assert photos_of(record) == ["b" * 64, "a" * 64]


NAMES = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=8)
LEAVES = (
    st.none() | st.booleans() | st.text(st.characters(codec="utf-8")) | st.integers(1 - 2**53, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
)  # fmt: skip
VALUES = (
    LEAVES
    | st.lists(LEAVES, max_size=4)
    | st.dictionaries(NAMES, LEAVES | st.dictionaries(NAMES, LEAVES, max_size=4), max_size=4)
)


@settings(max_examples=500, deadline=None)
@given(VALUES)
def test_the_fast_way_writes_what_the_standard_says(value: Any) -> None:
    assert canonical_of(value) == rfc8785.dumps(value)
    assert canonical_text(json.dumps(value)) == rfc8785.dumps(value)


@given(st.text(st.characters(codec="utf-8"), max_size=12), st.text(st.characters(codec="utf-8"), max_size=12))
def test_an_entry_of_the_log_writes_itself_as_the_standard_says(kind: str, subject: str) -> None:
    at = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
    said: dict[str, Any] = {"at": utc_text(at), "commitment": "00" * 32, "kind": kind, "subject": subject, "v": VERSION}
    assert Entry(kind, subject, bytes(32), at).canonical() == rfc8785.dumps(said)
