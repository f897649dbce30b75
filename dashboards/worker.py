"""Composition of the worker: the ingest loop with the alarm stage inside its transaction."""

from __future__ import annotations

from alarms.stage import AlarmStage
from equipment.foundation.clock import Clock
from equipment.foundation.process import StopSignal
from equipment.foundation.settings import FoundationSettings
from ingest.runner import Worker
from ingest.settings import IngestSettings


def run_worker(foundation: FoundationSettings, ingest: IngestSettings, clock: Clock, stop: StopSignal) -> None:
    """Receive, store and judge until asked to stop; then drain."""
    worker = Worker(foundation, ingest, AlarmStage.shipped(), clock)
    worker.run(stop)
