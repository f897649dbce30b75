"""What operators look at: sources, gaps, refusals, fields and codes that nothing knows; and who may."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from equipment.city.build import build_city
from equipment.foundation.database import Connection, DatabaseRole, set_local
from ingest.bridge import read, store
from ingest.bridge.canonical import Unmapped
from ingest.bridge.model import Gap
from ingest.bridge.store import Delta, GatewayState, RefusedEntry
from ingest.codes.profiles import CANONICAL
from ingest.errors import CodeListError, GatewayError, LeaseLostError
from tests.conftest import START, Database
from tests.pipeline import FREED, PASSWORD, Pipeline

MINUTE = timedelta(minutes=1)


def test_sources_gaps_and_refusals_are_counted_and_shown(conn: Connection) -> None:
    build_city(conn, units=12, seed=7, now=START, password=PASSWORD)
    store.add_gateway(conn, "Suzhou/node1", "sparkplug", "一号网关", START)
    store.list_unit(conn, "Suzhou/node1", "lift1", "L000001", CANONICAL)
    assert read.sources(conn)[0].guaranteed is None
    delta = Delta(messages=5, messages_qos0=2, republished=4, refused=1, gaps=[Gap(3, 6, 3)],
                  unmapped=Counter({Unmapped(CANONICAL, "Odd", "1"): 2}))  # fmt: skip
    refused = [RefusedEntry("Suzhou/node1", START, "t", "lift9", "unit_not_listed", "…", b"\x00raw")]
    for _ in range(2):
        store.save(conn, {"Suzhou/node1": GatewayState()}, {"Suzhou/node1": delta}, refused, START)
    (source,) = read.sources(conn)
    assert (source.units, source.messages, source.messages_qos0, source.republished, source.refused) == (1, 10, 4, 8, 2)
    assert (source.gaps, source.missing, source.guaranteed, source.online) == (2, 6, False, None)
    assert [(g.expected, g.got, g.missing) for g in read.gaps(conn, "Suzhou/node1")] == [(3, 6, 3)] * 2
    assert read.gaps(conn, "other") == []
    assert [r.payload for r in read.refusals(conn)] == [b"\x00raw"] * 2
    assert [(f.field, f.example, f.count) for f in read.unmapped_fields(conn)] == [("Odd", "1", 4)]
    store.disable_gateway(conn, "Suzhou/node1")
    assert store.load_gateways(conn) == {}


def test_a_gateway_is_told_what_is_wrong_with_its_list(conn: Connection) -> None:
    build_city(conn, units=12, seed=7, now=START, password=PASSWORD)
    store.add_gateway(conn, "gw1", "gateway", "", START)
    with pytest.raises(GatewayError, match="L999999"):
        store.list_unit(conn, "gw1", "A", "L999999", CANONICAL)
    with pytest.raises(CodeListError):
        store.list_unit(conn, "gw1", "A", "L000001", "bacnet-escalator")
    with pytest.raises(GatewayError):
        store.disable_gateway(conn, "nobody")
    conn.execute("savepoint s")
    with pytest.raises(GatewayError, match="add it first"):
        store.list_unit(conn, "nobody", "A", "L000001", CANONICAL)


def test_only_one_bridge_leads_and_a_new_epoch_shuts_the_old_one_out(conn: Connection) -> None:
    secret = store.client_id(conn)
    assert store.client_id(conn) == secret
    assert not store.has_led(conn)
    epoch = store.take_lease(conn, "a", START, MINUTE)
    assert epoch == 1
    assert store.take_lease(conn, "b", START + MINUTE / 2, MINUTE) is None
    store.hold_lease(conn, "a", epoch)
    assert store.take_lease(conn, "b", START + 2 * MINUTE, MINUTE) == 2
    with pytest.raises(LeaseLostError):
        store.hold_lease(conn, "a", 1)
    with pytest.raises(LeaseLostError):
        store.renew_lease(conn, "a", 1, START + 3 * MINUTE)
    store.release_lease(conn, "b")
    assert store.take_lease(conn, "c", START, MINUTE) == 3


def test_unmapped_codes_are_counted_with_their_names(pipeline: Pipeline) -> None:
    unit, other = pipeline.lifts[:2]
    pipeline.send(unit, FREED, codes=["99", "00", "08"], code_list="regional-push")
    pipeline.send(other, FREED, codes=["99", "nobody"], code_list="regional-push")
    found = read.unmapped_codes(pipeline.conn, START - MINUTE)
    assert [(c.code_list, c.code, c.zh, c.events, c.units) for c in found] == [
        ("regional-push", "99", "其他", 2, 2), ("regional-push", "nobody", None, 1, 1),
    ]  # fmt: skip
    assert read.unmapped_codes(pipeline.conn, datetime(2030, 1, 1, tzinfo=UTC)) == []


def test_a_firm_sees_none_of_it_and_a_district_its_own_codes(pipeline: Pipeline, database: Database) -> None:
    unit = pipeline.lifts[0]
    pipeline.send(unit, FREED, codes=["99"], code_list="regional-push")
    row = pipeline.conn.execute("select jurisdiction_path from equipment.unit where id = %s", (unit,)).fetchone()
    assert row is not None
    store.add_gateway(pipeline.conn, "gw1", "gateway", "", START)

    def seen(kind: str, path: str) -> tuple[int, int]:
        with database.connect(DatabaseRole.SCOPED) as scoped:
            set_local(scoped, "teshe.scope_kind", kind)
            set_local(scoped, "teshe.scope_path", path)
            return len(read.sources(scoped)), len(read.unmapped_codes(scoped, START - MINUTE))

    assert seen("firm", "") == (0, 0)
    assert seen("jurisdiction", row[0]) == (1, 1)
    assert seen("jurisdiction", "/elsewhere/") == (1, 0)
    with database.connect(DatabaseRole.SCOPED) as scoped, pytest.raises(psycopg.errors.InsufficientPrivilege):
        store.client_id(scoped)
