"""Issuing, rotating and revoking. A secret is random, shown once, and kept only as what the brokers compare with."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

import bcrypt
from psycopg.rows import class_row

from equipment.errors import UnknownCredentialError, UnknownUnitError
from equipment.foundation.database import Connection, load_queries

QUERIES = load_queries(__file__)
SECRET_BYTES = 24
OVERLAP = timedelta(hours=72)
"""So long the old credential holds after a rotation: a technician has to reach the terminal."""
BCRYPT_ROUNDS = 4
PBKDF2_ROUNDS = 101
"""Few rounds on purpose: 192 random bits cannot be guessed, and after a power cut thousands of terminals log in at once."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A fresh credential. ``secret`` is shown once."""

    name: str
    unit_id: str
    secret: str


@dataclass(frozen=True, slots=True)
class Credential:
    """A credential as its administrator sees it."""

    name: str
    unit_id: str
    issued_at: datetime
    ends_at: datetime | None
    revoked_at: datetime | None
    revoked_reason: str | None

    def holds(self, now: datetime) -> bool:
        """Whether a terminal can log in with it."""
        return self.revoked_at is None and (self.ends_at is None or self.ends_at > now)


@dataclass(frozen=True, slots=True)
class Accepted:
    """What a broker is told of a credential that holds."""

    name: str
    unit_id: str
    bcrypt: str
    pbkdf2: str


def hash_for_nats(secret: str) -> str:
    """The bcrypt form that NATS compares with."""
    return bcrypt.hashpw(secret.encode(), bcrypt.gensalt(BCRYPT_ROUNDS, b"2a")).decode()


def hash_for_mosquitto(secret: str) -> str:
    """The form of Mosquitto's password file: ``$7$`` rounds, salt and PBKDF2-HMAC-SHA512."""
    salt = secrets.token_bytes(12)
    derived = hashlib.pbkdf2_hmac("sha512", secret.encode(), salt, PBKDF2_ROUNDS)
    return f"$7${PBKDF2_ROUNDS}${base64.b64encode(salt).decode()}${base64.b64encode(derived).decode()}"


def issue(conn: Connection, unit_id: str, now: datetime, overlap: timedelta = OVERLAP) -> Secret:
    """Make a credential for the unit's terminal; the ones before it hold for ``overlap`` more.

    Raises
    ------
    UnknownUnitError
        No such unit, or not the asker's to manage.
    """
    secret = secrets.token_urlsafe(SECRET_BYTES)
    values = (unit_id, hash_for_nats(secret), hash_for_mosquitto(secret), now + overlap, now)
    row = conn.execute(QUERIES.issue, values).fetchone()
    if row is None or row[0] is None:
        raise UnknownUnitError(
            f"没有设备 {unit_id}，或不归您管理 (no such unit, or its terminal is not yours to manage)"
        )
    return Secret(str(row[0]), unit_id, secret)


def revoke(conn: Connection, unit_id: str, name: str, reason: str, now: datetime) -> int:
    """End a credential at once, or with an empty name all of the unit; returns how many ended.

    Raises
    ------
    UnknownCredentialError
        None holds by that name.
    """
    row = conn.execute(QUERIES.revoke, (unit_id, name, reason, now)).fetchone()
    ended = int(row[0]) if row else 0
    if not ended:
        raise UnknownCredentialError(
            f"没有有效的凭证 {name or unit_id} (no credential of that name holds, or it is not yours to manage)"
        )
    return ended


def of_unit(conn: Connection, unit_id: str) -> list[Credential]:
    """A unit's credentials, the newest first."""
    with conn.cursor(row_factory=class_row(Credential)) as cursor:
        return cursor.execute(QUERIES.of_unit, (unit_id,)).fetchall()


def without(conn: Connection, now: datetime) -> list[str]:
    """Units with a terminal that has no credential."""
    return [str(row[0]) for row in conn.execute(QUERIES.without, (now,))]


def accepted(conn: Connection, now: datetime) -> list[Accepted]:
    """Everything that holds, for the brokers' files; under the system role."""
    with conn.cursor(row_factory=class_row(Accepted)) as cursor:
        return cursor.execute(QUERIES.accepted, (now,)).fetchall()


def version(conn: Connection, now: datetime) -> tuple[object, ...]:
    """A value that changes whenever :func:`accepted` does."""
    return tuple(conn.execute(QUERIES.version, (now,)).fetchone() or ())
