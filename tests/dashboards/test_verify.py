"""A court asks for a record: the bundle proves it offline, and any change is found and named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
import rfc8785
from typer.testing import CliRunner

from dashboards.commands import app
from dashboards.verification import LOOKUPS, inspect_whole
from equipment.access.model import Role
from equipment.transparency import log
from equipment.transparency.errors import LogDamagedError
from equipment.transparency.inspection import inspect
from maintenance import bundle as bundles
from tests.conftest import Database
from tests.dashboards.test_story import LIFT, in_inspectors_district, record
from tests.platform import Platform

REASON = "层门锁紧元件啮合长度 5 mm"


def filed(platform: Platform, key: str = "visit-0001") -> UUID:
    """A record of the firm that is under a signed checkpoint."""
    firm = platform.person(Role.FIRM_WORKER)
    receipt = firm.post("/records", record(platform, LIFT, "A-1-21", REASON), Idempotency_Key=key)
    platform.turn(6)
    return UUID(receipt["record_id"])


def bundle_of(platform: Platform, record_id: UUID) -> dict[str, Any]:
    answer = platform.person(Role.USE_UNIT_OFFICER).client.get(f"/api/v1/records/{record_id}/bundle")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def verify(tmp_path: Path, bundle: Any, *options: str) -> tuple[int, dict[str, Any]]:
    file = tmp_path / "bundle.json"
    file.write_text(json.dumps(bundle), encoding="utf-8")
    done = CliRunner().invoke(app, ["verify", str(file), "--json", *options])
    return done.exit_code, json.loads(done.stdout)


def test_a_record_is_proven_offline(platform: Platform, tmp_path: Path) -> None:
    bundle = bundle_of(platform, filed(platform))
    code, found = verify(tmp_path, bundle)
    assert (code, found["holds"], found["things"], found["erased_by_law"]) == (0, True, 1, 0)
    assert verify(tmp_path, bundle, "--key", found["key"])[0] == 0
    assert verify(tmp_path, bundle, "--key", "0123456789abcdef")[0] == 1


FORGERIES: dict[str, Callable[[dict[str, Any]], None]] = {
    "a result": lambda b: b["things"][0]["content"]["items"][0].update(result="fixed"),
    "a time": lambda b: b["things"][0].update(at="2026-01-01T00:00:00Z"),
    "its place": lambda b: b["things"][0].update(seq=b["things"][0]["seq"] + 1),
    "the salt": lambda b: b["things"][0].update(salt="00" * 16),
    "the checkpoint": lambda b: b.update(checkpoint=b["checkpoint"].replace("teshe.test\n", "teshe.fake\n", 1)),
    "the key": lambda b: b["keys"][0].update(public_key="A" * 43 + "="),
    "a key under another's name": lambda b: b["keys"][0].update(id="0123456789abcdef"),
    "the format": lambda b: b.update(format="teshe-bundle-9"),
}


@pytest.mark.parametrize("what", FORGERIES)
def test_whatever_is_forged_is_found(platform: Platform, tmp_path: Path, what: str) -> None:
    bundle = bundle_of(platform, filed(platform))
    FORGERIES[what](bundle)
    code, found = verify(tmp_path, bundle)
    assert (code, found["holds"]) == (1, False)
    assert found["first"]


def test_a_record_that_is_not_signed_yet_says_so(platform: Platform) -> None:
    receipt = platform.person(Role.FIRM_WORKER).post(
        "/records", record(platform, LIFT, "A-1-21", REASON), Idempotency_Key="visit-0002"
    )
    answer = platform.person(Role.FIRM_MANAGER).client.get(f"/api/v1/records/{receipt['record_id']}/bundle")
    assert answer.status_code == 409
    assert "try again" in answer.text


def test_another_firms_record_has_no_bundle_for_us(platform: Platform) -> None:
    record_id = filed(platform)
    platform.conn.execute(
        "update equipment.unit set firm_org_id = (select max(id) from equipment.organisation where kind = 'maintenance_firm'"
        " and id <> firm_org_id) where id = %s",
        (LIFT,),
    )
    answer = platform.person(Role.FIRM_MANAGER).client.get(f"/api/v1/records/{record_id}/bundle")
    assert answer.status_code == 404


def test_the_whole_log_holds_after_a_day_of_work_and_names_what_the_owner_alters(
    platform: Platform, database: Database
) -> None:
    inspector = platform.person(Role.INSPECTOR)
    in_inspectors_district(platform)
    filed(platform)
    lead = inspector.get("/leads")[0]
    verdict = {"decision": "hazard", "reason": "现场核实属实", "grade": "serious"}
    hazard = inspector.post(f"/leads/{lead['id']}/decide", verdict)["hazard_id"]
    platform.person(Role.FIRM_MANAGER).post("/tokens", {"name": "ERP", "actions": ["record.view"]})
    platform.turn(6)
    found = inspect(platform.conn, LOOKUPS)
    assert found.entries >= 4
    assert (found.unchecked, found.erased) == (0, 0)
    assert inspect_whole(database.url) == found

    with psycopg.connect(database.url, autocommit=True) as owner:
        owner.execute("set session_replication_role = replica")
        owner.execute("update maintenance.hazard_event set reason = '误报' where hazard_id = %s", (hazard,))
    with pytest.raises(LogDamagedError, match=r"hazard .*changed"):
        inspect(platform.conn, LOOKUPS)
    with pytest.raises(LogDamagedError, match=r"hazard .*changed"):
        inspect_whole(database.url)


def test_an_older_checkpoint_is_a_prefix_of_the_newer_one(platform: Platform) -> None:
    first = bundles.read(json.dumps(bundle_of(platform, filed(platform))).encode())
    second = bundles.read(json.dumps(bundle_of(platform, filed(platform, "visit-0003"))).encode())
    old, new = (bundles.verify(b).checkpoint.size for b in (first, second))
    growth = log.prove_growth(platform.conn, old, new)
    assert bundles.verify(second, older=(first.checkpoint, growth)).grown
    with pytest.raises(LogDamagedError, match="history was rewritten"):
        bundles.verify(second, older=(first.checkpoint, [bytes(32), *growth]))


def test_a_bundle_lists_sm3_beside_sha256_and_a_wrong_one_is_named(platform: Platform, tmp_path: Path) -> None:
    bundle = bundle_of(platform, filed(platform))
    assert bundle["things"][0]["sm3"] == bundles.sm3_of(rfc8785.dumps(bundle["things"][0]["content"]))
    bundle["things"][0]["sm3"] = "0" * 64
    code, found = verify(tmp_path, bundle)
    assert code == 1
    assert "SM3" in found["first"]
