"""摆渡包: what is laid into the folder by others, late, twice, in any order or changed."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from equipment.access.model import Role
from equipment.errors import BundleError
from equipment.link.model import GENESIS, Entry, Head, Side, digest, pack, unpack
from equipment.transparency.keys import Signer
from tests.conftest import START
from tests.dashboards.access.zones import Zones, count
from tests.dashboards.test_story import LIFT
from tests.pipeline import RESTING


@pytest.mark.parametrize("harm", ["flipped", "foreign key", "gap", "other chain", "wrong kind", "wrong shape", "short"])
def test_a_bundle_that_is_not_the_next_one_is_not_taken_and_the_desk_says_so(zones: Zones, harm: str) -> None:
    zones.turn()
    desk = zones.inner.person(Role.DESK)
    link, now = zones.links[Side.OUTER], zones.clock.now()
    conn = zones.inner.conn
    row = conn.execute("select number, sha256 from equipment.link_applied").fetchone()
    assert row is not None
    number, previous = int(row[0]) + 1, bytes(row[1])
    entries = [Entry("message", {"m": []}, now)]
    head = Head("outer", number, previous.hex(), now, 0, 1, "")
    signer = Signer.generate("stranger") if harm == "foreign key" else link.signer
    if harm == "wrong shape":
        entries = [Entry("message", {"m": "x"}, now)]
    if harm == "gap":
        head = Head("outer", number + 3, previous.hex(), now, 0, 1, "")
    if harm == "other chain":
        head = Head("outer", number, "00" * 32, now, 0, 1, "")
    if harm == "wrong kind":
        entries = [Entry("row", {"t": "equipment.unit", "op": "D", "k": {"no": 1}}, now)]
    content = bytearray(pack(head, entries, signer))
    if harm == "flipped":
        content[-5] ^= 1
    name_number = number + 3 if harm == "gap" else number
    folder = zones.folders[Side.INNER].receive_dir
    file = folder / f"outer-{name_number:012d}.bundle"
    file.write_bytes(bytes(content[:40] if harm == "short" else content))
    assert zones.links[Side.INNER].turn(conn, now) == 0
    assert count(conn, "select number from equipment.link_applied") == number - 1
    said = desk.get("/desk/watch")["link"]
    assert said is not None
    assert "摆渡包" in said
    file.unlink()
    zones.turn(seconds=11)
    assert desk.get("/desk/watch")["link"] is None


def test_files_may_come_twice_late_and_in_any_order_and_are_laid_down_again_when_lost(zones: Zones) -> None:
    zones.turn()
    sent = []
    outer, inner = zones.links[Side.OUTER], zones.folders[Side.INNER].receive_dir
    for _ in range(5):
        sent.append(zones.telemetry(LIFT, RESTING))
        zones.clock.advance(1)
        outer.turn(zones.outer_conn, zones.clock.now())
    send = zones.folders[Side.OUTER].send_dir
    files = sorted(send.glob("*.bundle"))
    assert len(files) == 5
    kept = {f.name: f.read_bytes() for f in files}
    files[0].unlink()  # lost on its way
    for file in reversed(files[1:]):
        file.rename(inner / file.name)
    zones.links[Side.INNER].turn(zones.inner.conn, zones.clock.now())
    assert zones.delivered == []
    outer.turn(zones.outer_conn, zones.clock.now())
    assert not files[0].exists(), "it may still be on its way"
    zones.clock.advance(121)
    zones.turn()
    assert zones.delivered == sent
    for name, content in kept.items():
        (inner / name).write_bytes(content)
    zones.turn()
    assert zones.delivered == sent
    assert not list(inner.glob("*.bundle"))


MESSAGES = st.lists(st.tuples(st.text(max_size=20), st.binary(max_size=20)), max_size=5).map(
    lambda found: {"m": [[topic, base64.b64encode(body).decode(), START.isoformat()] for topic, body in found]}
)
LOGINS = st.integers(0, 2**40).map(lambda number: {"account": number})


@given(
    st.lists(st.tuples(st.just("message"), MESSAGES) | st.tuples(st.just("login"), LOGINS), max_size=20),
    st.integers(0, 5_000),
    st.integers(0, 7),
)
def test_a_bundle_is_read_as_it_was_packed_and_no_changed_byte_passes(
    things: list[tuple[str, dict[str, Any]]], place: int, bit: int
) -> None:
    signer = Signer.generate("x")
    entries = [Entry(kind, dict(content), START) for kind, content in things]
    content = pack(Head("outer", 1, GENESIS.hex(), START, 0, len(entries), ""), entries, signer)
    found = unpack(content, Side.OUTER, signer.public_key)
    assert found.entries == entries
    assert found.sha256 == digest(content)
    harmed = bytearray(content)
    harmed[place % len(harmed)] ^= 1 << bit
    if bytes(harmed).lower() != content.lower():
        with pytest.raises(BundleError):
            unpack(bytes(harmed), Side.OUTER, signer.public_key)
