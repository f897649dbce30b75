"""The outbox's own thread beside the jobs: a slow gateway holds up no clock."""

from __future__ import annotations

import threading

import psycopg

from alarms.incidents.settings import DeskSettings
from alarms.paging.adapters import adapters
from alarms.paging.sender import Sender
from alarms.paging.settings import PagingSettings
from equipment.foundation.clock import Clock
from equipment.foundation.database import DatabaseRole, connect, translated
from equipment.foundation.errors import WorldError
from equipment.foundation.logs import get_logger
from equipment.foundation.process import backoff_seconds

logger = get_logger("alarms.paging")
PAUSE_SECONDS = 0.2


class PagingWork:
    """Sends what the outbox holds until it is stopped; a database that is away is waited for."""

    def __init__(self, url: str, clock: Clock, desk: DeskSettings) -> None:
        settings = PagingSettings()
        self._url = url
        self._sender = Sender(adapters(settings), settings, desk, clock)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="paging", daemon=True)

    def start(self) -> PagingWork:
        """Begin."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """End after what is being sent."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        attempt = 0
        while not self._stopped.is_set():
            try:
                with (
                    translated(),
                    connect(self._url, DatabaseRole.SYSTEM, application_name="teshe-paging", autocommit=True) as conn,
                ):
                    while not self._stopped.is_set():
                        done = self._sender.run_once(conn)
                        attempt = 0
                        self._stopped.wait(0 if done else PAUSE_SECONDS)
            except (WorldError, psycopg.Error) as error:
                attempt += 1
                logger.error("paging_failed", error=str(error), kind=type(error).__name__, attempt=attempt)
                self._stopped.wait(backoff_seconds(attempt))
