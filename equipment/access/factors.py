"""双因素: what a password alone does not open. One's own telephone, and ten recovery codes for the day it is lost."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from equipment.access import store, totp
from equipment.access.accounts import ADMINISTRATORS, CODE_LETTERS
from equipment.access.model import Asker, Role
from equipment.access.seal import Seal
from equipment.errors import SecondFactorError, SecondFactorNeededError
from equipment.foundation.database import Connection

NEEDED_BY = ADMINISTRATORS | {Role.INSPECTOR}
"""Whose account opens much: administrators and inspectors."""
KeyOfSeal = Callable[[], Seal]
"""Asked only where a second factor is: whoever has none needs no key file."""
RECOVERY_CODES = 10
RECOVERY_LETTERS = 12
"""Of an alphabet of 32: 60 bits."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What a telephone is given once."""

    secret: str
    address: str


@dataclass(frozen=True, slots=True)
class Proof:
    """What somebody shows at the login."""

    login: str
    password: str
    code: str


def _purpose(account_id: int) -> str:
    return f"second_factor:{account_id}"


def check_login(
    conn: Connection, seal: KeyOfSeal, proof: Proof, now: datetime, *, trusted: int | None = None
) -> int | None:
    """The account that password and code open together; None when they do not (the attempt is counted).

    An account without a confirmed second factor needs no code. A wrong code counts like a wrong password, and a right
    password does not take the count back before the code was right. The caller must commit also after None.

    Parameters
    ----------
    trusted
        As in :func:`equipment.access.store.check_password`.

    Raises
    ------
    LoginLockedError
    SecondFactorNeededError
        The password is right, and a code was not given.
    """
    account = store.check_password(conn, proof.login, proof.password, now, note_success=False, trusted=trusted)
    if account is None:
        return None
    row = conn.execute(store.QUERIES.factor_of, (account,)).fetchone()
    if row is not None and row[1]:
        if not proof.code.strip():
            raise SecondFactorNeededError("请同时输入密码和动态口令或恢复码 (give your password and a one-time code)")
        if not _code_opens(conn, seal, account, bytes(row[0]), proof.code, now):
            if account != trusted:
                store.note_wrong(conn, proof.login, account, now)
            return None
    if account != trusted:
        store.note_right(conn, account)
    return account


def _code_opens(conn: Connection, seal: KeyOfSeal, account: int, sealed: bytes, code: str, now: datetime) -> bool:
    text = "".join(code.split()).replace("-", "").upper()
    if len(text) == RECOVERY_LETTERS:
        used = conn.execute(
            store.QUERIES.use_recovery, (account, hashlib.sha256(text.encode()).digest(), now)
        ).fetchone()
        return bool(used and used[0])
    step = totp.matching_step(seal().open(sealed, _purpose(account)), text, now)
    if step is None:
        return False
    used = conn.execute(store.QUERIES.use_step, (account, step)).fetchone()
    return bool(used and used[0])


def has(conn: Connection, account_id: int) -> bool:
    """Whether the account has a confirmed second factor."""
    row = conn.execute(store.QUERIES.factor_of, (account_id,)).fetchone()
    return row is not None and bool(row[1])


def codes_left(conn: Connection) -> int:
    """How many of the asker's recovery codes are unused."""
    row = conn.execute(store.QUERIES.recovery_codes_left).fetchone()
    return int(row[0]) if row else 0


def offer(conn: Connection, seal: KeyOfSeal, asker: Asker, issuer: str, now: datetime) -> Offer:
    """A fresh secret for the asker's telephone; it counts only once :func:`confirm` has seen a code of it.

    Raises
    ------
    SecondFactorError
        One is confirmed already.
    """
    secret = totp.new_secret()
    row = conn.execute(store.QUERIES.offer_factor, (seal().close(secret, _purpose(asker.account_id)), now)).fetchone()
    if row is None or not row[0]:
        raise SecondFactorError("已启用双因素：更换手机须由安全管理员重置 (it is on already; a reset takes it off)")
    return Offer(totp.typed(secret), totp.address(secret, asker.login, issuer))


def confirm(conn: Connection, seal: KeyOfSeal, asker: Asker, code: str, now: datetime) -> list[str]:
    """Turn the offered factor on; the recovery codes, shown this once.

    Raises
    ------
    SecondFactorError
        Nothing was offered, it is on already, or the code is not right.
    """
    row = conn.execute(store.QUERIES.factor_of, (asker.account_id,)).fetchone()
    if row is None or row[1]:
        raise SecondFactorError("没有待启用的双因素 (nothing waits to be turned on: begin again)")
    step = totp.matching_step(seal().open(bytes(row[0]), _purpose(asker.account_id)), "".join(code.split()), now)
    if step is None:
        raise SecondFactorError("动态口令不对：核对手机时间后重试 (the code is not right: check the telephone's clock)")
    codes = ["".join(secrets.choice(CODE_LETTERS) for _ in range(RECOVERY_LETTERS)) for _ in range(RECOVERY_CODES)]
    hashes = [hashlib.sha256(one.encode()).digest() for one in codes]
    conn.execute(store.QUERIES.confirm_factor, (step, hashes, now))
    return [f"{one[:4]}-{one[4:8]}-{one[8:]}" for one in codes]
