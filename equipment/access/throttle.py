"""登录限速: wrong logins of one network address, whatever the accounts: one password tried on a thousand of them.

Sixty wrong ones in a row are free, because a whole office may stand behind one address; after that one every ten seconds.
A right login is never counted. The lock of a single account is another matter (:func:`equipment.access.store.lock_until`).
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from ipaddress import IPv6Address, IPv6Network, ip_address

from equipment.access import store
from equipment.errors import LoginLockedError
from equipment.foundation.database import Connection

FREE = 60
COST = timedelta(seconds=10)
NETWORK_BITS = 64
"""What one subscriber of IPv6 has."""


def group(host: str | None) -> str:
    """What counts as one address.

    >>> group("2001:db8::17"), group("192.0.2.7"), group(None)
    ('2001:db8::/64', '192.0.2.7', 'unknown')
    """
    try:
        address = ip_address(host or "")
    except ValueError:
        return (host or "unknown")[:100]
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(IPv6Network((address, NETWORK_BITS), strict=False))
    return str(address)


def check(conn: Connection, address: str, now: datetime) -> None:
    """Refuse a login before its password is looked at.

    Raises
    ------
    LoginLockedError
        Too many wrong ones came from there.
    """
    row = conn.execute(store.QUERIES.login_address_until, (address,)).fetchone()
    over = None if row is None or row[0] is None else row[0] - now - (FREE - 1) * COST
    if over is not None and over > timedelta():
        seconds = math.ceil(over.total_seconds())
        raise LoginLockedError(
            f"本网络地址登录错误过多，{seconds} 秒后再试 (too many wrong logins from this address: wait {seconds} s)"
        )


def note_wrong(conn: Connection, address: str, now: datetime) -> None:
    """Count a wrong login."""
    conn.execute(store.QUERIES.note_wrong_address, (address, COST, now))
