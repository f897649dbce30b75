"""Terminals with credentials of their own, tried against the shipped configuration of NATS and of Mosquitto."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from equipment.credentials import certificates, store
from equipment.credentials.store import Secret
from equipment.foundation.clock import SystemClock
from equipment.foundation.errors import BrokerUnavailableError
from ingest.broker import BrokerAddress, ShardSessions, ensure_sessions
from ingest.credentials import nats_control, violations
from ingest.credentials.authorisation import require_tls
from ingest.credentials.nats_control import ControlAddress, reload, store_nothing_outside
from ingest.credentials.runner import BrokerAuthorisation, write_files
from ingest.credentials.settings import CredentialSettings
from tests.pipeline import Pipeline
from tests.services.shipped import PLATFORM_PASSWORD, ShippedMosquitto, ShippedNats

WAIT = 10.0
OWN, FOREIGN = "L000001", "L000002"
SHARD_CLIENT = "shard-0-00112233445566778899aabbccddeeff"
Shipped = ShippedNats | ShippedMosquitto


@dataclass
class Client:
    """One MQTT client, and what happened to it."""

    port: int
    user: str
    password: str
    name: str
    clean: bool = True
    ca: Path | None = None
    connected: list[str] = field(default_factory=list)
    granted: list[str] = field(default_factory=list)
    heard: list[tuple[str, bytes]] = field(default_factory=list)
    happened: threading.Condition = field(default_factory=threading.Condition)
    gone: int = 0

    def __post_init__(self) -> None:
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=self.name, clean_session=self.clean)
        client.username_pw_set(self.user, self.password)
        client.on_connect = lambda *a: self._note(self.connected, str(a[3]))
        client.on_subscribe = lambda *a: self._note(self.granted, str(a[3][0]))
        client.on_message = lambda _c, _u, m: self._note(self.heard, (m.topic, m.payload))
        client.on_disconnect = self._left
        client.reconnect_delay_set(60, 60)
        if self.ca is not None:
            client.tls_set(str(self.ca))
        self.client = client

    def _note(self, where: list[Any], what: Any) -> None:
        with self.happened:
            where.append(what)
            self.happened.notify_all()

    def _left(self, *_: object) -> None:
        with self.happened:
            self.gone += 1
            self.happened.notify_all()

    def until(self, condition: Any) -> None:
        with self.happened:
            assert self.happened.wait_for(condition, WAIT), (self.connected, self.granted, self.heard, self.gone)

    def connect(self) -> str:
        """The broker's answer."""
        self.client.connect("127.0.0.1", self.port)
        self.client.loop_start()
        self.until(lambda: self.connected)
        return self.connected[-1]

    def publish(self, topic: str, payload: bytes = b"{}") -> None:
        sent = self.client.publish(topic, payload, qos=1)
        sent.wait_for_publish(WAIT)
        assert sent.is_published()

    def subscribe(self, topic: str) -> str:
        before = len(self.granted)
        self.client.subscribe(topic, qos=1)
        self.until(lambda: len(self.granted) > before)
        return self.granted[-1]

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@dataclass
class Plant:
    """A broker that follows the registry's credentials, and the platform that listens on it."""

    broker: Shipped
    pipeline: Pipeline
    upkeep: BrokerAuthorisation
    clients: list[Client] = field(default_factory=list)

    def follow(self) -> None:
        self.upkeep.follow(self.pipeline.conn, self.pipeline.clock.now())
        self.broker.reload()

    def issue(self, unit: str = OWN) -> Secret:
        made = store.issue(self.pipeline.conn, unit, self.pipeline.clock.now())
        self.follow()
        return made

    def terminal(self, secret: Secret, name: str = "terminal", **more: Any) -> Client:
        return self._kept(Client(self.broker.port, secret.name, secret.secret, name, **more))

    def platform(self) -> Client:
        """A listener to everything, connected."""
        made = self._kept(Client(self.broker.platform_port, "platform", PLATFORM_PASSWORD, "listener"))
        assert made.connect() == "Success"
        assert made.subscribe("teshe/v1/+/+/+") == "Granted QoS 1"
        return made

    def let_in(self, secret: Secret, name: str = "terminal") -> Client:
        """Connected; Mosquitto reads its files a moment after it was told."""
        for _ in range(50):
            client = self.terminal(secret, name)
            if client.connect() == "Success":
                return client
            client.close()
        raise AssertionError("never let in")

    def _kept(self, client: Client) -> Client:
        self.clients.append(client)
        return client


def plant_over(broker: Shipped, pipeline: Pipeline) -> Iterator[Plant]:
    settings = CredentialSettings(
        broker_auth_dir=broker.folder, broker_kind=broker.kind, broker_control_port=broker.control_port,
        broker_log_file=None if broker.log is None else str(broker.log),
    )  # fmt: skip
    address = BrokerAddress("127.0.0.1", broker.platform_port, "platform", PLATFORM_PASSWORD)
    write_files(pipeline.conn, broker.folder, broker.kind, PLATFORM_PASSWORD, pipeline.clock.now())
    broker.start()
    made = Plant(broker, pipeline, BrokerAuthorisation(settings, address))
    try:
        yield made
    finally:
        for client in made.clients:
            client.close()
        broker.stop()


@pytest.fixture(params=["nats", pytest.param("mosquitto", marks=pytest.mark.requires("mosquitto"))])
def plant(request: pytest.FixtureRequest, pipeline: Pipeline, tmp_path: Path, logs: Path) -> Iterator[Plant]:
    yield from plant_over(ShippedNats(tmp_path) if request.param == "nats" else ShippedMosquitto(logs), pipeline)


@pytest.fixture
def nats_plant(pipeline: Pipeline, tmp_path: Path) -> Iterator[Plant]:
    yield from plant_over(ShippedNats(tmp_path), pipeline)


def test_a_terminal_publishes_below_its_own_unit_in_any_shard_and_nowhere_else(plant: Plant) -> None:
    platform, secret = plant.platform(), plant.issue()
    for topic in (f"teshe/v1/0/{FOREIGN}/telemetry", f"teshe/v1/0/{OWN}/telemetry/x", "teshe/v1/0", "other/x"):
        # both brokers acknowledge and drop; Mosquitto then cuts off a client that goes on
        rogue = plant.let_in(secret, "rogue")
        rogue.publish(topic, b"forbidden")
        rogue.close()
    terminal = plant.let_in(secret)
    terminal.publish(f"teshe/v1/a/{OWN}/status", b"1")
    terminal.publish(f"teshe/v1/0/{OWN}/telemetry", b"2")
    platform.until(lambda: len(platform.heard) >= 2)
    assert platform.heard == [(f"teshe/v1/a/{OWN}/status", b"1"), (f"teshe/v1/0/{OWN}/telemetry", b"2")]


@pytest.mark.parametrize("topic", ["#", "teshe/#", "teshe/v1/+/+/+", f"teshe/v1/0/{OWN}/telemetry", "$SYS/#"])
def test_a_terminal_hears_nothing(plant: Plant, topic: str) -> None:
    secret = plant.issue()
    terminal, other = plant.let_in(secret), plant.let_in(plant.issue(FOREIGN), "other")
    # Mosquitto grants what it never delivers; NATS refuses
    assert plant.broker.kind == "mosquitto" or terminal.subscribe(topic) != "Granted QoS 1"
    if plant.broker.kind == "mosquitto":
        terminal.client.subscribe(topic, qos=1)
    platform = plant.platform()
    other.publish(f"teshe/v1/0/{FOREIGN}/telemetry", b"secret")
    terminal.publish(f"teshe/v1/0/{OWN}/telemetry", b"own")
    platform.until(lambda: len(platform.heard) >= 2)
    terminal.publish(f"teshe/v1/0/{OWN}/status", b"after")  # its answer comes behind whatever was to be delivered
    assert terminal.heard == []


def test_a_will_on_another_units_topic_is_not_published(plant: Plant) -> None:
    secret = plant.issue()
    plant.let_in(secret).close()
    platform, terminal = plant.platform(), plant.terminal(secret, "dying")
    terminal.client.will_set(f"teshe/v1/0/{FOREIGN}/status", b"offline", qos=1)
    if terminal.connect() == "Success":
        terminal.client.socket().close()  # type: ignore[union-attr]
    plant.let_in(secret, "marker").publish(f"teshe/v1/0/{OWN}/status", b"marker")
    platform.until(lambda: platform.heard)
    assert platform.heard == [(f"teshe/v1/0/{OWN}/status", b"marker")]


@pytest.mark.parametrize("attempt", ["wrong secret", "no such user", "anonymous", "platform"])
def test_nobody_else_gets_in(plant: Plant, attempt: str) -> None:
    secret = plant.issue()
    user = {"wrong secret": secret.name, "no such user": "L000009.1", "anonymous": "", "platform": "platform"}[attempt]
    stranger = Client(plant.broker.port, user, "" if attempt == "anonymous" else "guess", "stranger")
    plant.clients.append(stranger)
    if attempt == "anonymous":
        stranger.client.username = None
        stranger.client.username_pw_set(None)
    assert stranger.connect() == "Not authorized"


def test_a_revoked_terminal_is_disconnected_and_others_are_not(plant: Plant) -> None:
    platform = plant.platform()
    secret, other = plant.issue(), plant.issue(FOREIGN)
    terminal, stays = plant.let_in(secret), plant.let_in(other, "other")
    store.revoke(plant.pipeline.conn, OWN, secret.name, "stolen", plant.pipeline.clock.now())
    plant.follow()
    terminal.until(lambda: terminal.gone)
    again = plant.terminal(secret, "again")
    assert again.connect() == "Not authorized"
    stays.publish(f"teshe/v1/0/{FOREIGN}/telemetry", b"here")
    platform.until(lambda: platform.heard)
    assert (stays.gone, platform.gone) == (0, 0)


def test_after_a_rotation_both_secrets_hold_until_the_overlap_is_over(plant: Plant) -> None:
    old = plant.issue()
    new = plant.issue()
    plant.let_in(new, "new")
    plant.let_in(old, "old")
    plant.pipeline.clock.advance(store.OVERLAP.total_seconds() + 1)
    plant.follow()
    for _ in range(50):
        late = plant.terminal(old, "late")
        if late.connect() != "Success":
            break
        late.close()
    assert late.connected[-1] == "Not authorized"
    plant.let_in(new, "newer")


def test_a_terminal_that_knows_a_shards_client_id_disturbs_no_shard(plant: Plant) -> None:
    address = BrokerAddress("127.0.0.1", plant.broker.platform_port, "platform", PLATFORM_PASSWORD)
    sessions = ShardSessions(address, {0: SHARD_CLIENT}, SystemClock())
    sessions.open(0)
    while not sessions.all_ready:
        sessions.poll(0.05)
    secret = plant.issue()
    # even the right id does not help: on Mosquitto who logs in is called by his credential, on NATS he is in an account
    # of his own; a second session of his is persistent, as a thief of messages would want it
    guesses = ["shard-0", SHARD_CLIENT[:-1], SHARD_CLIENT]
    for guess in guesses:
        plant.let_in(secret, guess).publish(f"teshe/v1/0/{OWN}/telemetry", guess.encode())
    found: list[bytes] = []
    while len(found) < len(guesses):
        arrived = sessions.poll(0.05)
        found += [delivery.message.payload for delivery in arrived]
        sessions.acknowledge(arrived)
    assert found == [guess.encode() for guess in guesses]
    thief = plant.terminal(secret, SHARD_CLIENT, clean=False)
    assert thief.connect() == "Success"
    thief.publish(f"teshe/v1/0/{OWN}/telemetry", b"once more")
    while not (arrived := sessions.poll(0.05)):
        pass
    sessions.acknowledge(arrived)
    assert (sessions.all_ready, thief.heard) == (True, [])
    sessions.close_all()
    # with nobody connected under it either: the session and what it waits for stay where they are
    thief.close()
    plant.let_in(secret, SHARD_CLIENT).publish(f"teshe/v1/0/{OWN}/telemetry", b"kept")
    sessions.open(0)
    while not (arrived := sessions.poll(0.05)):
        pass
    assert [d.message.payload for d in arrived] == [b"kept"]
    sessions.close_all()


def test_what_a_terminal_publishes_is_acknowledged_by_the_platforms_store_alone(nats_plant: Plant) -> None:
    """A killed broker keeps it: the terminals' own account, which nobody reads, stores nothing and acknowledges nothing."""
    broker = nats_plant.broker
    assert isinstance(broker, ShippedNats)
    address = BrokerAddress("127.0.0.1", broker.platform_port, "platform", PLATFORM_PASSWORD)
    ensure_sessions(address, {0: SHARD_CLIENT}, SystemClock())
    secret = nats_plant.issue()
    control = ControlAddress("127.0.0.1", broker.control_port, PLATFORM_PASSWORD)
    assert stored(control, "steward") == (["$MQTT.unused"], 0)
    terminal = nats_plant.let_in(secret)
    for number in range(200):
        terminal.publish(f"teshe/v1/0/{OWN}/telemetry", str(number).encode())
    assert stored(control, "steward") == (["$MQTT.unused"], 0)
    assert stored(control, "platform")[1] == 200
    broker.kill()
    broker.start()
    sessions = ShardSessions(address, {0: SHARD_CLIENT}, SystemClock())
    sessions.open(0)
    found: set[bytes] = set()
    while len(found) < 200:
        arrived = sessions.poll(0.05)
        found |= {d.message.payload for d in arrived}
        sessions.acknowledge(arrived)
    sessions.close_all()
    # after the restart it is still so, also for a server that had begun to store
    assert stored(control, "steward") == (["$MQTT.unused"], 0)
    store_nothing_outside(control)


def stored(control: ControlAddress, user: str) -> tuple[list[str], int]:
    """Subjects and number of messages ever stored of an account's store of QoS 1."""
    with nats_control._linked(control, user) as link:
        info = nats_control._one(link, "INFO", None)
    return info["config"]["subjects"], info["state"]["last_seq"]


def test_a_broker_with_the_file_of_an_older_version_is_brought_up(pipeline: Pipeline, tmp_path: Path) -> None:
    broker = ShippedNats(tmp_path)
    old = 'authorization { users: [ { user: "platform", password: $TESHE_BROKER_PASSWORD } ] }\n'
    old += 'accounts { $SYS { users: [ { user: "control", password: $TESHE_BROKER_PASSWORD } ] } }\n'
    (broker.folder / "devices.conf").write_text(old, encoding="utf-8")
    broker.start()
    settings = CredentialSettings(broker_auth_dir=broker.folder, broker_control_port=broker.control_port)
    address = BrokerAddress("127.0.0.1", broker.platform_port, "platform", PLATFORM_PASSWORD)
    made = Plant(broker, pipeline, BrokerAuthorisation(settings, address))
    try:
        now = pipeline.clock.now()
        secret = store.issue(pipeline.conn, OWN, now)
        with pytest.raises(BrokerUnavailableError, match="restart it once"):
            made.upkeep.follow(pipeline.conn, now)
        broker.stop()
        broker.start()
        assert made.upkeep.follow(pipeline.conn, now) == 1
        ensure_sessions(address, {0: SHARD_CLIENT}, SystemClock())  # those of the older version lie in another account
        made.let_in(secret).publish(f"teshe/v1/0/{OWN}/telemetry", b"1")
        control = ControlAddress("127.0.0.1", broker.control_port, PLATFORM_PASSWORD)
        assert stored(control, "steward") == (["$MQTT.unused"], 0)
    finally:
        for client in made.clients:
            client.close()
        broker.stop()


def test_what_nats_refused_is_recorded_with_the_unit_whose_credential_it_was(nats_plant: Plant) -> None:
    terminal = nats_plant.let_in(nats_plant.issue(), "L000002-in-disguise")
    for _ in range(3):
        terminal.publish(f"teshe/v1/0/{FOREIGN}/telemetry")
    terminal.subscribe("teshe/#")
    conn = nats_plant.pipeline.conn
    count = 0
    for _ in range(200):
        count += nats_plant.upkeep.watch(conn, nats_plant.pipeline.clock.now())
        if count >= 2:
            break
    rows = conn.execute("select client, unit_id, unit_no is not null, topic from ingest.broker_violation").fetchall()
    assert (f"{OWN}.1", OWN, True, f"teshe/v1/0/{FOREIGN}/telemetry") in rows
    assert (f"{OWN}.1", OWN, True, "subscribe teshe/#") in rows
    # a restart reads the log from its beginning, and keeps nothing twice
    fresh = BrokerAuthorisation(
        CredentialSettings(
            broker_log_file=str(nats_plant.broker.log), broker_control_port=nats_plant.broker.control_port
        ),
        BrokerAddress("127.0.0.1", 1, "platform", PLATFORM_PASSWORD),
    )
    assert fresh.watch(conn, nats_plant.pipeline.clock.now()) == 0


def test_refused_trials_of_a_cluster_are_kept_each_once_and_told_apart(pipeline: Pipeline, tmp_path: Path) -> None:
    """The servers count their own connections, and their clocks differ: neither number nor newest time is enough."""
    line = '[7] 2026/03/02 01:00:0{second}.000001 [ERR] 10.0.0.9:1 - mid:{cid} - "{client}" - Publish Violation - Subject "teshe.v1.0.X.t"\n'
    for server, (second, client) in enumerate([(9, "one"), (3, "two")], 1):
        home = tmp_path / f"broker-{server}"
        home.mkdir()
        (home / "nats.log").write_text(line.format(second=second, cid=7, client=client), encoding="utf-8")
    names = {"one": f"{OWN}.1", "two": f"{FOREIGN}.1"}

    def look() -> int:
        tails = [violations.LogTail(file) for file in sorted(tmp_path.glob("broker-*/nats.log"))]
        kept = 0
        for tail in tails:
            found = [one for one in map(violations.read_line, tail.read()) if one is not None]
            kept += violations.record(pipeline.conn, violations.distinct(found), lambda _, client: names[client])
        return kept

    assert look() == 2, "the second is older than the first that was kept"
    assert look() == 0
    rows = pipeline.conn.execute("select unit_id from ingest.broker_violation order by at").fetchall()
    assert rows == [(FOREIGN,), (OWN,)]


def test_a_broker_that_cannot_be_told_is_told_at_the_next_turn(nats_plant: Plant) -> None:
    nats_plant.broker.stop()
    conn, now = nats_plant.pipeline.conn, nats_plant.pipeline.clock.now()
    secret = store.issue(conn, OWN, now)
    with pytest.raises(BrokerUnavailableError):
        nats_plant.upkeep.follow(conn, now)
    nats_plant.broker.start()
    assert nats_plant.upkeep.follow(conn, now) == 1
    assert nats_plant.upkeep.follow(conn, now) == 0
    nats_plant.let_in(secret)


def test_a_broken_file_leaves_the_running_broker_as_it_is(nats_plant: Plant) -> None:
    secret = nats_plant.issue()
    (nats_plant.broker.folder / "devices.conf").write_text("authorization { users: [", encoding="utf-8")
    with pytest.raises(BrokerUnavailableError, match="did not take"):
        reload(ControlAddress("127.0.0.1", nats_plant.broker.control_port, PLATFORM_PASSWORD))
    nats_plant.let_in(secret)


@pytest.mark.parametrize("kind", ["nats", pytest.param("mosquitto", marks=pytest.mark.requires("mosquitto"))])
def test_with_tls_clear_text_gets_nowhere_and_the_platform_speaks_it_too(
    kind: str, pipeline: Pipeline, tmp_path: Path, logs: Path
) -> None:
    broker: Shipped = ShippedNats(tmp_path) if kind == "nats" else ShippedMosquitto(logs, tls=True)
    now = SystemClock().now()
    certificates.make_authority(broker.folder, "test authority", now)
    certificates.make_server(broker.folder, ["localhost", "127.0.0.1"], now)
    if kind == "nats":
        require_tls(broker.folder)
    else:
        require = broker.folder / "server.pem"
        text = (broker.home / "mosquitto.conf").read_text(encoding="utf-8")
        assert f"{require.relative_to(broker.home.parents[2])}" in text
    ca = broker.folder / "ca.pem"
    for plant in plant_over(broker, pipeline):
        secret = plant.issue()
        plain = plant.terminal(secret, "plain")
        plain.client.connect("127.0.0.1", broker.port)
        plain.client.loop_start()
        plain.until(lambda: plain.gone)  # noqa: B023  # called at once
        assert plain.connected == []
        raw = socket.create_connection(("127.0.0.1", broker.port), WAIT)
        # the public authorities do not know this one
        with raw, pytest.raises(ssl.SSLCertVerificationError):
            ssl.create_default_context().wrap_socket(raw, server_hostname="127.0.0.1")
        address = BrokerAddress("127.0.0.1", broker.port, secret.name, secret.secret, ca)
        terminal = plant.terminal(secret, "safe", ca=ca)
        if kind == "nats":
            address = BrokerAddress("127.0.0.1", broker.port, "platform", PLATFORM_PASSWORD, ca)
            ensure_sessions(address, {0: SHARD_CLIENT}, SystemClock())
        assert terminal.connect() == "Success"
        for number in range(300):
            terminal.publish(f"teshe/v1/0/{OWN}/telemetry", b"x" * 2_000 + str(number).encode())
        if kind == "nats":
            sessions = ShardSessions(address, {0: SHARD_CLIENT}, SystemClock())
            sessions.open(0)
            seen: set[bytes] = set()
            while len(seen) < 300:
                arrived = sessions.poll(0.05)
                seen |= {d.message.payload for d in arrived}
                sessions.acknowledge(arrived)
            sessions.close_all()


def test_certificates_are_for_the_named_hosts_and_end_in_a_year(tmp_path: Path) -> None:
    from cryptography import x509

    now = SystemClock().now()
    assert certificates.make_authority(tmp_path, "a", now)
    assert not certificates.make_authority(tmp_path, "b", now)
    certificates.make_server(tmp_path, ["broker.local", "10.1.2.3"], now)
    made = x509.load_pem_x509_certificate((tmp_path / "server.pem").read_bytes())
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["broker.local"]
    assert [str(a) for a in names.get_values_for_type(x509.IPAddress)] == ["10.1.2.3"]
    assert made.not_valid_after_utc - now < timedelta(days=398)
    made.verify_directly_issued_by(x509.load_pem_x509_certificate((tmp_path / "ca.pem").read_bytes()))
    assert {p.name: oct(p.stat().st_mode & 0o777) for p in tmp_path.glob("*.key")} == {
        "ca.key": "0o600", "server.key": "0o600",
    }  # fmt: skip
