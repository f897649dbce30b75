"""The log in a real database: order of commit, proofs, signatures, and everything an owner could do to it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from equipment.foundation.clock import ManualClock
from equipment.foundation.database import Connection, DatabaseRole
from equipment.transparency import checkpoint as checkpoints
from equipment.transparency import log, merkle
from equipment.transparency.errors import InvalidKeyError, LogDamagedError, NotInLogError
from equipment.transparency.inspection import Findings, inspect
from equipment.transparency.keys import PublicKey, Signer
from tests.conftest import Database

ORIGIN = "teshe.test/log"


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return Signer.from_file(tmp_path / "log.key", ORIGIN)


class Room:
    """Something that commits to its contents, and lets them be looked up."""

    def __init__(self, database: Database, signer: Signer, clock: ManualClock) -> None:
        self.database, self.signer, self.clock = database, signer, clock
        self.contents: dict[str, bytes] = {}
        with database.connect() as conn:
            key = PublicKey(signer.id, signer.name, signer.algorithm, signer.public_key, clock.now())
            log.register_key(conn, key, None)

    def write(self, conn: Connection, subject: str) -> None:
        self.contents[subject] = hashlib.sha256(subject.encode()).digest()
        log.seal(conn, "record", subject, self.contents[subject], self.clock.now())

    def fill(self, count: int) -> None:
        with self.database.connect() as conn:
            for number in range(count):
                self.write(conn, f"thing-{len(self.contents)}-{number}")
            conn.commit()
            log.sequence(conn, self.clock.now())

    def sign(self) -> None:
        self.clock.advance(10)
        with self.database.connect() as conn:
            assert log.sign_if_due(conn, self.signer, ORIGIN, self.clock.now()) is not None

    def inspect(self) -> Findings:
        def lookup(_: Connection, subjects: list[str]) -> Mapping[str, bytes]:
            return {s: self.contents[s] for s in subjects if s in self.contents}

        with self.database.connect() as conn:
            return inspect(conn, {"record": lookup})


@pytest.fixture
def room(database: Database, signer: Signer, clock: ManualClock) -> Room:
    return Room(database, signer, clock)


def test_what_commits_last_stands_last(room: Room) -> None:
    with room.database.connect() as early, room.database.connect() as late, room.database.connect() as sequencer:
        room.write(early, "first-inserted")
        room.write(late, "second-inserted")
        late.commit()
        assert log.sequence(sequencer, room.clock.now()) == 1
        sequencer.commit()
        early.commit()
        assert log.sequence(sequencer, room.clock.now()) == 1
        sequencer.commit()
        found = [p.entry.subject for p in log.read_entries(sequencer, 0, 10)]
    assert found == ["second-inserted", "first-inserted"]


def test_what_is_rolled_back_never_stood_there(room: Room) -> None:
    with room.database.connect() as conn:
        room.write(conn, "regretted")
        conn.rollback()
        assert log.sequence(conn, room.clock.now()) == 0


def test_every_entry_is_proven_by_the_checkpoint_that_covers_it(room: Room) -> None:
    room.fill(300)
    room.sign()
    room.fill(7)
    room.sign()
    with room.database.connect() as conn:
        for seq in (0, 1, 255, 256, 299, 300, 306):
            proof = log.prove(conn, seq)
            assert proof.holds()
            assert proof.checkpoint.size == (300 if seq < 300 else 307)
            assert not replace(proof, placed=replace(proof.placed, seq=seq ^ 1)).holds()
        growth = log.prove_growth(conn, 300, 307)
        old, new = log.prove(conn, 0).checkpoint, log.prove(conn, 306).checkpoint
    assert merkle.verify_consistency(300, 307, old.root, new.root, growth)


def test_an_entry_without_a_signature_is_not_proven_yet(room: Room) -> None:
    room.fill(1)
    with room.database.connect() as conn, pytest.raises(NotInLogError, match="try again"):
        log.prove(conn, 0)


def test_new_entries_are_signed_soon_and_a_quiet_log_once_an_hour(room: Room) -> None:
    room.fill(1)
    room.sign()
    with room.database.connect() as conn:
        assert log.sign_if_due(conn, room.signer, ORIGIN, room.clock.now()) is None
        later = room.clock.now() + timedelta(minutes=61)
        again = log.sign_if_due(conn, room.signer, ORIGIN, later)
    assert again is not None
    assert again.size == 1


def test_a_sound_log_is_found_sound(room: Room) -> None:
    room.fill(400)
    room.sign()
    room.fill(20)
    found = room.inspect()
    assert (found.entries, found.checkpoints, found.erased, found.unchecked) == (420, 1, 0, 0)


def test_a_lawful_erasure_leaves_the_log_whole(room: Room) -> None:
    room.fill(5)
    room.sign()
    del room.contents["thing-2-2"]
    with room.database.connect() as conn:
        assert log.erase(conn, "record", "thing-2-2", "当事人依法申请", room.clock.now())
        assert not log.erase(conn, "record", "thing-2-2", "again", room.clock.now())
        conn.commit()
        log.sequence(conn, room.clock.now())
    room.sign()
    found = room.inspect()
    assert (found.entries, found.erased, found.unchecked) == (6, 1, 1)


def test_a_changed_content_is_named(room: Room) -> None:
    room.fill(5)
    room.sign()
    room.contents["thing-3-3"] = hashlib.sha256(b"another story").digest()
    with pytest.raises(LogDamagedError, match=r"日志位置 3: record thing-3-3 .*changed"):
        room.inspect()


def test_a_removed_content_is_named(room: Room) -> None:
    room.fill(5)
    del room.contents["thing-4-4"]
    with pytest.raises(LogDamagedError, match=r"thing-4-4 .*gone"):
        room.inspect()


OWNERS_DEEDS = {
    "a time": (
        "update equipment.log_entry set at = at + interval '1 day' where seq = 3",
        "are not those of the signed",
    ),
    "a commitment": (
        "update equipment.log_entry set commitment = sha256('x') where seq = 3",
        "are not those of the signed|changed",
    ),
    "an entry in the middle": ("delete from equipment.log_entry where seq = 3", "entry 3 is missing"),
    "the newest entries": ("delete from equipment.log_entry where seq >= 8", "entries were removed"),
    "a tile": ("update equipment.log_tile set hashes = sha256('x') || substring(hashes from 33)", "tiles"),
    "a checkpoint": ("update equipment.log_checkpoint set root = sha256('x')", "not what was signed"),
    "a signature": (
        "update equipment.log_checkpoint set note = replace(note, '\n10\n', '\n11\n')",
        "no valid signature",
    ),
}


@pytest.mark.parametrize("deed", OWNERS_DEEDS)
def test_whatever_the_owner_of_the_database_changes_is_found(room: Room, deed: str) -> None:
    statement, found = OWNERS_DEEDS[deed]
    room.fill(10)
    room.sign()
    with psycopg.connect(room.database.url, autocommit=True) as owner:
        with pytest.raises(psycopg.errors.IntegrityConstraintViolation):
            owner.execute(statement.encode())
        owner.execute("set session_replication_role = replica")
        owner.execute(statement.encode())
    with pytest.raises(LogDamagedError, match=found):
        room.inspect()


def test_no_other_role_can_write_the_log(room: Room) -> None:
    room.fill(2)
    with room.database.connect(DatabaseRole.SCOPED) as conn:
        conn.execute(
            "select set_config('teshe.scope_kind', 'jurisdiction', true), set_config('teshe.scope_path', '/341300/', true)"
        )
        assert len(log.read_entries(conn, 0, 10)) == 2
        for statement in (
            "insert into equipment.log_entry values (9, 'record', 'x', sha256('x'), now(), now())",
            "insert into equipment.log_pending (kind, subject, commitment, at) values ('record', 'x', sha256('x'), now())",
            "delete from equipment.log_tile",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), conn.transaction():
                conn.execute(statement.encode())


def test_a_note_reads_back_and_only_its_key_has_signed_it(signer: Signer, tmp_path: Path, clock: ManualClock) -> None:
    made = checkpoints.Checkpoint(ORIGIN, 5, hashlib.sha256(b"r").digest(), clock.now())
    note = checkpoints.sign(made, signer)
    key = PublicKey(signer.id, ORIGIN, "ed25519", signer.public_key, clock.now())
    assert checkpoints.verified(note, key) == made
    other = Signer.from_file(tmp_path / "other.key", ORIGIN)
    with pytest.raises(LogDamagedError, match="no valid signature"):
        checkpoints.verified(note, replace(key, id=other.id, public_key=other.public_key))
    with pytest.raises(LogDamagedError, match="no valid signature"):
        checkpoints.verified(note.replace("\n5\n", "\n6\n"), key)
    with pytest.raises(LogDamagedError, match="not a checkpoint"):
        checkpoints.verified("nonsense", key)


def test_a_key_file_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "log.key"
    first = Signer.from_file(file, "a")
    assert Signer.from_file(file, "a").id == first.id
    assert file.stat().st_mode & 0o777 == 0o600
    file.write_text("not a key")
    with pytest.raises(InvalidKeyError, match="no Ed25519 key"):
        Signer.from_file(file, "a")


def test_a_key_is_revoked_from_a_time_and_never_changed(room: Room, clock: ManualClock) -> None:
    with room.database.connect() as conn:
        assert log.revoke_key(conn, room.signer.id, clock.now() + timedelta(hours=1), "泄露")
        assert not log.revoke_key(conn, room.signer.id, clock.now(), "again")
        key = log.find_key(conn, room.signer.id)
        assert key is not None
        assert key.valid_at(clock.now())
        assert not key.valid_at(clock.now() + timedelta(hours=1))
        with pytest.raises(psycopg.errors.IntegrityConstraintViolation), conn.transaction():
            conn.execute("update equipment.signing_key set name = 'x'")
