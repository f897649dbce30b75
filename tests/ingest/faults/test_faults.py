"""Killed, stopped, cut, full: afterwards the accounts balance, nothing is there twice and nothing acknowledged is missing."""

from __future__ import annotations

import json
import os
import random
import signal
import time

import pytest

from equipment.foundation.database import DatabaseRole, connect
from equipment.foundation.embedded_nats import EmbeddedNats
from ingest.model import Channel
from ingest.topics import topic_of
from tests.ingest.faults.conftest import Mortal
from tests.ingest.faults.plant import Plant, eventually
from tests.ingest.faults.proxy import proxy

TAKE_OVER_SECONDS = 10.0
FULL = """
create function ingest.disk_is_full() returns trigger language plpgsql as $$
begin raise exception 'could not extend file: No space left on device' using errcode = '53100'; end $$;
create constraint trigger full_disk after insert on ingest.batch deferrable initially deferred
    for each row execute function ingest.disk_is_full();
"""


def worker_is_killed(plant: Plant, rounds: int) -> None:
    rng = random.Random(rounds)
    with plant.load():
        for _ in range(rounds):
            worker, before = plant.worker(), plant.stored()
            eventually(lambda before=before: plant.stored() > before + 50)  # type: ignore[misc]
            time.sleep(rng.random())
            plant.kill(worker)
        plant.worker()
    plant.settle_accounts()


def test_the_worker_is_killed_at_a_random_point_twice(plant: Plant) -> None:
    worker_is_killed(plant, 2)


@pytest.mark.long
@pytest.mark.timeout(1_200)
def test_the_worker_is_killed_at_a_random_point_twenty_times(plant: Plant) -> None:
    worker_is_killed(plant, 20)


def database_is_away(plant: Plant, mortal: Mortal, seconds: float) -> None:
    """Killed first, then stopped for a while, under load all the time."""
    plant.worker()
    with plant.load(200):
        eventually(lambda: plant.stored() > 50)
        os.kill(mortal.server.child.pid, signal.SIGKILL)
        mortal.server.child.process.wait(10)
        mortal.server.stop()
        mortal.server.start()
        before = plant.stored()
        eventually(lambda: plant.stored() > before)
        mortal.server.stop()
        time.sleep(seconds)
        mortal.server.start()
    plant.settle_accounts(90)


@pytest.mark.timeout(240)
def test_the_database_is_killed_and_then_away_for_a_while(mortal_plant: Plant, mortal: Mortal) -> None:
    database_is_away(mortal_plant, mortal, 3)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_the_database_is_killed_and_then_away_for_a_minute(mortal_plant: Plant, mortal: Mortal) -> None:
    database_is_away(mortal_plant, mortal, 60)


def test_the_broker_is_killed(nats_plant: Plant, nats: EmbeddedNats) -> None:
    nats_plant.worker()
    with nats_plant.load():
        for _ in range(2):
            before = nats_plant.stored()
            eventually(lambda before=before: nats_plant.stored() > before + 50)  # type: ignore[misc]
            os.kill(nats.child.pid, signal.SIGKILL)
            nats.child.process.wait(10)
            nats.stop()
            nats.start()
    nats_plant.settle_accounts()


def test_connections_are_cut_in_the_middle_of_a_packet(nats_plant: Plant) -> None:
    with proxy(nats_plant.port, cut_after=1_777, cuts=24) as middle:
        nats_plant.worker_port = middle.port
        nats_plant.worker()
        with nats_plant.load():
            eventually(lambda: middle.done >= 20)
        nats_plant.settle_accounts()


def test_a_commit_fails_because_the_disk_is_full(nats_plant: Plant) -> None:
    nats_plant.worker()
    with (
        nats_plant.load(),
        connect(nats_plant.url, DatabaseRole.OWNER, application_name="test", autocommit=True) as owner,
    ):
        eventually(lambda: nats_plant.stored() > 50)
        owner.execute(FULL.encode())
        time.sleep(0.5)
        full = nats_plant.stored()
        time.sleep(2)
        assert nats_plant.stored() == full
        owner.execute("drop trigger full_disk on ingest.batch")
        eventually(lambda: nats_plant.stored() > full)
    nats_plant.settle_accounts()


def test_a_message_that_the_database_refuses_holds_up_nobody(nats_plant: Plant) -> None:
    with connect(nats_plant.url, DatabaseRole.OWNER, application_name="test", autocommit=True) as owner:
        owner.execute("alter table ingest.reading_lift add check (run_count <> 666)")
    nats_plant.worker()
    poison = json.dumps({"ts": time.time_ns() // 1_000_000, "seq": 1, "values": {"run_count": 666}})
    nats_plant.publish(200)
    nats_plant.device.publish(topic_of(nats_plant.units[0], Channel.TELEMETRY), poison, qos=1)
    nats_plant.publish(200)
    eventually(lambda: nats_plant.stored() == len(nats_plant.published.keys))
    eventually(lambda: nats_plant.value("select count(*) from ingest.quarantine") == 1)
    assert nats_plant.value("select reason from ingest.quarantine") == "not_storable"


def test_of_two_workers_one_judges_and_the_other_takes_over_within_ten_seconds(nats_plant: Plant) -> None:
    nats_plant.lease_seconds = 8.0  # as shipped
    owners = "select count(distinct owner) from ingest.shard"
    first = nats_plant.worker()
    eventually(lambda: nats_plant.owned() == 16)
    epochs = nats_plant.value("select sum(epoch) from ingest.shard")
    nats_plant.worker()
    with nats_plant.load():
        eventually(lambda: nats_plant.stored() > 100)
        time.sleep(3)
        assert nats_plant.value(owners) == 1
        assert nats_plant.value("select sum(epoch) from ingest.shard") == epochs
        nats_plant.kill(first)
        killed = time.monotonic()
        eventually(lambda: nats_plant.value("select sum(epoch) from ingest.shard") == int(str(epochs)) + 16)
        assert time.monotonic() - killed < TAKE_OVER_SECONDS
    nats_plant.settle_accounts()


def test_a_worker_that_slept_through_its_lease_stays_away(nats_plant: Plant) -> None:
    sleeper = nats_plant.worker()
    with nats_plant.load():
        eventually(lambda: nats_plant.stored() > 50)
        owner = nats_plant.value("select min(owner) from ingest.shard")
        sleeper.send_signal(signal.SIGSTOP)
        nats_plant.worker()
        eventually(lambda: nats_plant.value("select count(*) from ingest.shard where owner = (select min(owner) from ingest.shard)") == 16
                   and nats_plant.value("select min(owner) from ingest.shard") != owner)  # fmt: skip
        sleeper.send_signal(signal.SIGCONT)
        time.sleep(3)
        assert nats_plant.value("select min(owner) from ingest.shard") != owner
    nats_plant.settle_accounts()
