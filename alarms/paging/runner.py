"""The outbox's own thread beside the jobs: a slow gateway holds up no clock."""

from __future__ import annotations

from datetime import datetime

from alarms.incidents.settings import DeskSettings
from alarms.paging.adapters import adapters
from alarms.paging.sender import Sender
from alarms.paging.settings import PagingSettings
from equipment.foundation.clock import Clock
from equipment.foundation.database import Connection
from equipment.foundation.process import BackgroundWork

PAUSE_SECONDS = 0.2


class PagingWork(BackgroundWork):
    """One turn sends what the outbox holds."""

    def __init__(self, url: str, clock: Clock, desk: DeskSettings) -> None:
        super().__init__(url, clock, "paging", PAUSE_SECONDS)
        settings = PagingSettings()
        self._sender = Sender(adapters(settings), settings, desk, clock)

    def turn(self, conn: Connection, now: datetime) -> int:  # the sender looks at the clock itself
        """Send what is due; returns how many were tried."""
        return self._sender.run_once(conn)
