"""``python -m ingest.simulator``: the terminals of a registered city."""

from __future__ import annotations

import argparse
import json
import random
import sys
from dataclasses import asdict
from pathlib import Path

from equipment.foundation.clock import SystemClock
from equipment.foundation.database import DatabaseRole, connect
from equipment.foundation.process import StopSignal
from equipment.registry.store import units_for_worker
from ingest.broker import BrokerAddress
from ingest.simulator.behaviour import MODELS, Machine, machine_of
from ingest.simulator.city import CityScript
from ingest.simulator.keylog import KeyLog
from ingest.simulator.publisher import Terminals, run


def machines_of(database: str, seed: int) -> list[Machine]:
    """Every unit in use that has a terminal and a model of behaviour."""
    rng = random.Random(seed)  # noqa: S311  # rhythms of machines
    with connect(database, DatabaseRole.SYSTEM, application_name="teshe-simulator") as conn:
        units = units_for_worker(conn)
    wanted = [u for u in units if u.status == "in_use" and u.device_model is not None and u.kind in MODELS]
    return [machine_of(unit, rng) for unit in wanted]


def main() -> None:
    """Publish until SIGTERM; exit 1 when a PUBACK is missing."""
    parser = argparse.ArgumentParser(prog="python -m ingest.simulator", description=__doc__)
    parser.add_argument("--database", required=True, help="registry to take the units from")
    parser.add_argument("--broker", required=True, metavar="HOST:PORT")
    parser.add_argument("--rate", type=float, default=100.0, help="messages per second")
    parser.add_argument("--keys", type=Path, required=True, help="key log to write")
    parser.add_argument("--status", type=Path, required=True, help="status file to write")
    parser.add_argument("--clients", type=int, default=8, help="MQTT clients")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    clock, stop = SystemClock(), StopSignal().listen()
    host, _, port = args.broker.rpartition(":")
    machines = machines_of(args.database, args.seed)
    terminals = Terminals(BrokerAddress(host, int(port)), [m.id for m in machines], args.clients, clock)
    script = CityScript(machines, args.rate, clock.now().timestamp(), args.seed)
    with KeyLog(args.keys) as log:
        progress = run(script, terminals, log, args.status, clock, stop)
    print(json.dumps(asdict(progress)))  # noqa: T201  # the program's answer
    sys.exit(1 if progress.unacknowledged else 0)


if __name__ == "__main__":
    main()
