"""下载链接: an address of one file that opens without a login, for a telephone or another program, for a few minutes.

The code binds person, purpose, address and end. The row behind it ends with the session, the account, or two minutes
after the first use; what the person may see is judged when the link is opened, not when it is made.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import UUID, uuid4

from equipment.access import scope, store
from equipment.access.model import Asker
from equipment.access.signing import Keyring, Ticket, shown
from equipment.errors import DownloadLinkError
from equipment.foundation.database import Connection

PARAMETER = "link"
LIFETIME = timedelta(minutes=10)
GRACE = timedelta(minutes=2)
"""Telephones hand the address on and ask again; after that the link is used up."""
KIND = b"download-link"


@dataclass(frozen=True, slots=True)
class Link:
    """A link that was made: ``address`` with its code."""

    address: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Download:
    """What is handed over: ``address`` begins with / and says what file, ``action`` is what its route asks for."""

    address: str
    purpose: str
    action: str


def plain(path: str, query: str) -> str:
    """An address in the one form that is signed, without a link's code in it.

    >>> plain("/labels.pdf", "q=%E7%94%B5&link=x")
    '/labels.pdf?q=%E7%94%B5'
    """
    kept = [(k, v) for k, v in parse_qsl(query, keep_blank_values=True) if k != PARAMETER]
    return f"{path}?{urlencode(kept)}" if kept else path


def make(conn: Connection, keys: Keyring, asker: Asker, session: str, wanted: Download, now: datetime) -> Link:
    """Make a link for the asker, and write it into the audit.

    Raises
    ------
    DownloadLinkError
        There is no such session, or it has too many links.
    """
    number, until = uuid4(), (now + LIFETIME).replace(microsecond=0)
    hashed = hashlib.sha256(session.encode()).digest()
    values = (number, hashed, wanted.purpose, wanted.action, wanted.address, now, until)
    row = conn.execute(store.QUERIES.issue_download_link, values).fetchone()
    if row is None or not row[0]:
        raise DownloadLinkError("不能生成链接：链接过多，请稍后再试 (too many links: use those that you have)")
    store.audit(conn, asker, "download.hand_over", _subject(number, wanted.address), now)
    text = Ticket(number.bytes, asker.account_id, int(until.timestamp())).text(keys, KIND, _about(wanted))
    joint = "&" if "?" in wanted.address else "?"
    return Link(f"{wanted.address}{joint}{PARAMETER}={text}", until)


def take(
    conn: Connection, keys: Keyring, text: str, wanted: Download, now: datetime, origin: str | None = None
) -> Asker:
    """Whose link it is, if it is right for this address; the use stands in the audit.

    Raises
    ------
    DownloadLinkError
        It is forged, for another file, used, over, or its session has ended: the answer is the same.
    """
    ticket = shown(keys, text, KIND, _about(wanted), now)
    if ticket is None:
        raise _over()
    row = conn.execute(store.QUERIES.take_download_link, (UUID(bytes=ticket.number), GRACE, now)).fetchone()
    if row is None:
        raise _over()
    asker, ending = store.asker_of_row(row[:6]), datetime.fromtimestamp(ticket.ends, UTC)
    if (asker.account_id, *row[6:9], row[9]) != (ticket.account, wanted.purpose, wanted.action, wanted.address, ending):
        raise _over()
    scope.apply(conn, asker)
    subject = _subject(UUID(bytes=ticket.number), wanted.address)
    store.audit(conn, asker, "download.open", subject, now, change=store.Change(origin=origin))
    return asker


def _about(wanted: Download) -> bytes:
    return wanted.purpose.encode() + b"\0" + wanted.address.encode()


def _subject(number: UUID, address: str) -> str:
    return f"download:{number}:{urlsplit(address).path}"


def _over() -> DownloadLinkError:
    return DownloadLinkError("下载链接无效或已过期，请在本系统重新生成 (the link is over: make another one)")
