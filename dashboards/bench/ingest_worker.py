"""The worker as it is measured: the shipped one, which also notes when each of its batches was committed."""

from __future__ import annotations

import cProfile
import json
import sys
import time
from pathlib import Path
from typing import TextIO

from alarms.stage import AlarmStage
from equipment.foundation.clock import SystemClock
from equipment.foundation.logs import configure_logging
from equipment.foundation.process import StopSignal
from equipment.foundation.settings import FoundationSettings
from ingest.model import NoStage, Stage
from ingest.runner import Worker
from ingest.settings import IngestSettings


def note_commits(worker: Worker, file: TextIO) -> None:
    """Write ``shard number unix-time`` of every committed batch."""

    def noted(batches: dict[int, int]) -> None:
        now = time.time()
        file.write("".join(f"{shard} {number} {now:.6f}\n" for shard, number in batches.items()))

    worker.on_commit = noted


def peak_mb() -> float:
    """Most resident memory so far [MB]; unlike getrusage, without what the parent had when it started us."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    kilobytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    return int(kilobytes) * 1024 / 1e6


def main(commits: Path, rules: str, profile: str) -> None:
    """Run until SIGTERM. ``rules``: ``shipped`` or ``none``; ``profile``: a file, or ``-``."""
    foundation = FoundationSettings()
    configure_logging(foundation.log_format, foundation.log_level)
    stage: Stage = AlarmStage.shipped() if rules == "shipped" else NoStage()
    stop = StopSignal().listen()
    with commits.open("w", encoding="ascii") as file:
        worker = Worker(foundation, IngestSettings(), stage, SystemClock())
        note_commits(worker, file)
        if profile == "-":
            worker.run(stop)
        else:
            watched = cProfile.Profile()
            watched.runcall(worker.run, stop)
            watched.dump_stats(profile)
    commits.with_suffix(".json").write_text(json.dumps({"peak_mb": peak_mb()}), encoding="ascii")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
