"""The outbox's own threads beside the jobs: a slow gateway holds up no clock, and no other gateway."""

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
GROUPS = (("voice",), ("sms",), ("page", "webhook", "wecom", "dingtalk", "email"))
"""Channels that wait for each other. Voice waits for nobody."""


class PagingWork(BackgroundWork):
    """One turn sends what the outbox holds for some channels."""

    def __init__(self, url: str, clock: Clock, desk: DeskSettings, channels: tuple[str, ...]) -> None:
        super().__init__(url, clock, f"paging-{channels[0]}", PAUSE_SECONDS)
        settings = PagingSettings()
        self._sender = Sender(adapters(settings), settings, desk, clock, channels)

    def turn(self, conn: Connection, now: datetime) -> int:  # the sender looks at the clock itself
        """Send what is due; returns how many were tried."""
        return self._sender.run_once(conn)
