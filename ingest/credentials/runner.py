"""Keeps the broker's authorisation in step with the registry, and records what the broker refused."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from equipment.credentials import store
from equipment.foundation.database import Connection
from equipment.foundation.errors import BrokerUnavailableError
from ingest.broker import BrokerAddress
from ingest.credentials import authorisation, nats_control, violations
from ingest.credentials.nats_control import ControlAddress, NotLetInError
from ingest.credentials.settings import CredentialSettings


def write_files(conn: Connection, folder: Path, kind: str, platform_password: str | None, now: datetime) -> int:
    """Write the files of a broker; how many credentials they let in."""
    folder.mkdir(parents=True, exist_ok=True)
    accepted = store.accepted(conn, now)
    if kind == "nats":
        text = authorisation.nats(accepted, authorisation.others(folder))
        authorisation.replace(folder / authorisation.NATS_FILE, text)
        return len(accepted)
    platform = store.hash_for_mosquitto(platform_password or "")
    rights = authorisation.mosquitto_rights(accepted) + authorisation.others(folder, authorisation.OTHERS_RIGHTS)
    authorisation.replace(folder / "mosquitto.acl", rights)
    passwords = authorisation.mosquitto_passwords(accepted, platform)
    passwords += authorisation.others(folder, authorisation.OTHERS_PASSWORDS)
    authorisation.replace(folder / "mosquitto.passwd", passwords)
    return len(accepted)


class BrokerAuthorisation:
    """Two duties of the upkeep."""

    def __init__(self, settings: CredentialSettings, address: BrokerAddress) -> None:
        self._settings = settings
        self._password = address.password
        self._control = ControlAddress(address.host, settings.broker_control_port, address.password)
        self._told: tuple[object, ...] | None = None
        self._tails: dict[str, violations.LogTail] = {}

    def follow(self, conn: Connection, now: datetime) -> int:
        """Write the files when a credential was issued, ended or revoked, and let the broker read them.

        Raises
        ------
        BrokerUnavailableError
            It was not told; the next turn tries again.
        """
        folder = self._settings.broker_auth_dir
        current = store.version(conn, now)
        if folder is None or current == self._told:
            return 0
        nats = self._settings.broker_kind == "nats"
        refused = self._store_nothing_outside() if nats else None
        count = write_files(conn, folder, self._settings.broker_kind, self._password, now)
        if refused is not None:
            # accounts that a server learns by reading its file again are not joined before it starts anew
            raise BrokerUnavailableError(
                f"the broker runs with the file of an older version: restart it once ({refused})"
            )
        if nats:
            nats_control.reload(self._control)
        self._told = current
        return count

    def _store_nothing_outside(self) -> NotLetInError | None:
        """Before the first terminal is let in; what a server of an older version says to it."""
        try:
            nats_control.store_nothing_outside(self._control)
        except NotLetInError as error:
            return error
        return None

    def watch(self, conn: Connection, _: datetime) -> int:
        """Record what the broker's log says of refused trials."""
        pattern = self._settings.broker_log_file
        anchor = Path(pattern).anchor if pattern else ""
        for file in sorted(Path(anchor).glob(pattern.removeprefix(anchor))) if pattern else ():
            self._tails.setdefault(str(file), violations.LogTail(file))
        lines = [line for tail in self._tails.values() for line in tail.read()]
        found = [one for one in map(violations.read_line, lines) if one is not None]
        if not found:
            return 0
        return violations.record(
            conn, violations.distinct(found), lambda n, c: nats_control.user_of(self._control, n, c)
        )
