"""Firms' systems file records: sealed, in batches, tried out first; people sign what they saw."""

from __future__ import annotations

import base64
import hashlib
import io
from typing import Any

import psycopg
import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from python_calamine import CalamineWorkbook

from equipment.access.model import Role
from maintenance.records.acknowledgement import Promise
from maintenance.records.seals import statement
from tests.dashboards.test_story import LIFT, record
from tests.platform import Platform


class FirmSystem:
    """A firm's own software with its key."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.manager = platform.person(Role.FIRM_MANAGER)
        self.key = Ed25519PrivateKey.generate()
        raw = self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        body = {"name": "ERP", "public_key": base64.b64encode(raw).decode()}
        self.key_id = self.manager.post("/keys", body)["id"]

    def seal(self, body: dict[str, Any], idempotency_key: str) -> str:
        digest = hashlib.sha256(rfc8785.dumps(normal(body))).digest()
        return base64.b64encode(self.key.sign(statement(idempotency_key, digest))).decode()

    def file(self, body: dict[str, Any], key: str, signature: str | None = None) -> Any:
        headers = {
            "Idempotency_Key": key,
            "Teshe_Key": self.key_id,
            "Teshe_Signature": signature or self.seal(body, key),
        }
        return self.manager.send("/records", body, **headers)


def normal(body: dict[str, Any]) -> dict[str, Any]:
    """The record with every field, as its canonical form has it."""
    sign = {"lon": None, "lat": None, "datum": "unknown", "accuracy_m": None, "how": "manual"}
    return {
        "parts": [],
        "found": "",
        "corrects": None,
        **body,
        "workers": [{"certificate_no": None, **w} for w in body["workers"]],
        "items": [{"value": None, "note": "", **i} for i in body["items"]],
        "sign_in": {**sign, **body["sign_in"]} | {"at": z(body["sign_in"]["at"])},
        "sign_out": {**sign, **body["sign_out"]} | {"at": z(body["sign_out"]["at"])},
        "submitted_at": z(body["submitted_at"]),
    }


def z(time: str) -> str:
    return time.replace("+00:00", "Z")


@pytest.fixture
def firm(platform: Platform) -> FirmSystem:
    return FirmSystem(platform)


def good(platform: Platform) -> dict[str, Any]:
    return record(platform, LIFT, "none", "")


def test_a_sealed_record_is_taken_and_countersigned(firm: FirmSystem) -> None:
    body = good(firm.platform)
    answer = firm.file(body, "visit-0001")
    assert answer.status_code == 201, answer.text
    receipt = answer.json()
    assert receipt["digest"] == hashlib.sha256(rfc8785.dumps(normal(body))).hexdigest()
    promise = Promise(**receipt["promise"])
    assert promise.holds(firm.platform.signer.public(firm.platform.clock.now()))
    firm.platform.turn(6)
    again = firm.file(body, "visit-0001").json()
    assert (again["repeated"], again["record_id"]) == (True, receipt["record_id"])
    assert again["position"] is not None


def test_a_seal_over_something_else_is_refused_and_nothing_is_kept(firm: FirmSystem) -> None:
    body = good(firm.platform)
    signature = firm.seal(body, "visit-0001")
    for altered, key in ((body | {"found": "x"}, "visit-0001"), (body, "visit-0002")):
        refused = firm.file(altered, key, signature)
        assert refused.status_code == 422
        assert "not over this record" in refused.text
    assert firm.file(body, "visit-0003", "no base64!").status_code == 422
    assert firm.platform.conn.execute("select count(*) from maintenance.record").fetchone() == (0,)


def test_a_revoked_key_seals_nothing_more(firm: FirmSystem) -> None:
    firm.manager.post(f"/keys/{firm.key_id}/revoke", {"reason": "员工离职"})
    refused = firm.file(good(firm.platform), "visit-0001")
    assert (refused.status_code, "revoked" in refused.text) == (422, True)
    assert firm.manager.send(f"/keys/{firm.key_id}/revoke", {"reason": "again"}).status_code == 422


def test_another_firms_key_is_no_key(platform: Platform, firm: FirmSystem) -> None:
    body = good(platform)
    headers = {
        "Idempotency_Key": "visit-0001",
        "Teshe_Key": "0123456789abcdef",
        "Teshe_Signature": firm.seal(body, "visit-0001"),
    }
    refused = firm.manager.send("/records", body, **headers)
    assert (refused.status_code, "not registered" in refused.text) == (422, True)


def test_a_batch_files_the_good_and_names_the_bad(firm: FirmSystem) -> None:
    body = good(firm.platform)
    other = body | {"found": "二"}
    batch = {
        "records": [
            {
                "idempotency_key": "batch-001",
                "record": body,
                "key_id": firm.key_id,
                "signature": firm.seal(body, "batch-001"),
            },
            {"idempotency_key": "batch-002", "record": body | {"unit_id": "NOBODYS"}},
            {"idempotency_key": "batch-003", "record": other},
            {"idempotency_key": "batch-001", "record": body},
        ]
    }
    found = firm.manager.post("/records/batch", batch)
    assert [o["status"] for o in found] == ["filed", "refused", "filed", "repeated"]
    assert found[1]["problems"][0]["field"] == "unit_id"
    assert found[0]["receipt"]["record_id"] == found[3]["receipt"]["record_id"]
    assert [o["status"] for o in firm.manager.post("/records/batch", batch)] == [
        "repeated",
        "refused",
        "repeated",
        "repeated",
    ]


def test_a_batch_that_cannot_be_read_files_nothing(firm: FirmSystem) -> None:
    short = {"idempotency_key": "short", "record": good(firm.platform)}
    wrongs: tuple[dict[str, Any], ...] = ({"records": []}, {"records": [short]}, {"x": 1})
    for wrong in wrongs:
        assert firm.manager.send("/records/batch", wrong).status_code == 400
    assert firm.platform.conn.execute("select count(*) from maintenance.record").fetchone() == (0,)


def test_the_sandbox_checks_everything_and_keeps_nothing(firm: FirmSystem) -> None:
    body = good(firm.platform)
    tried = firm.manager.post("/records", body, Idempotency_Key="visit-0001", Teshe_Sandbox="true")
    assert (tried["sandbox"], tried["promise"]) == (True, None)
    wrong = firm.manager.send(
        "/records", body | {"level": "weekly"}, Idempotency_Key="visit-0001", Teshe_Sandbox="true"
    )
    assert wrong.status_code == 422
    assert firm.platform.conn.execute("select count(*) from maintenance.record").fetchone() == (0,)
    assert firm.manager.post("/records", body, Idempotency_Key="visit-0001")["repeated"] is False


def test_each_signs_from_his_own_account_what_he_saw(platform: Platform) -> None:
    worker, officer = platform.person(Role.FIRM_WORKER), platform.person(Role.USE_UNIT_OFFICER)
    receipt = worker.post("/records", good(platform), Idempotency_Key="visit-0001")
    address = f"/records/{receipt['record_id']}"
    assert worker.send(f"{address}/signatures", {"digest": "00" * 32}).status_code == 409
    shown = {"digest": receipt["digest"], "device": "某手机", "device_time": platform.clock.now().isoformat()}
    assert worker.post(f"{address}/signatures", shown)["role"] == "worker"
    assert worker.send(f"{address}/signatures", shown).status_code == 409
    assert officer.send(f"{address}/confirm", {"digest": "11" * 32}).status_code == 409
    officer.post(f"{address}/confirm", shown)
    found = officer.get(f"{address}/signatures")
    assert [(s["role"], s["method"]) for s in found] == [("worker", "session"), ("officer", "confirmation")]
    state = platform.conn.execute("select state from maintenance.record").fetchone()
    assert state == ("confirmed",)


def test_a_filed_record_cannot_be_changed_by_anybody(platform: Platform) -> None:
    platform.person(Role.FIRM_WORKER).post("/records", good(platform), Idempotency_Key="visit-0001")
    for deed in ("update maintenance.record set content = '{}'", "delete from maintenance.record"):
        with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="never changed"):
            platform.conn.execute(deed.encode())


def test_the_records_of_a_lift_are_printed_with_the_proof_of_their_place(firm: FirmSystem) -> None:
    firm.file(good(firm.platform), "visit-0001")
    firm.platform.turn(2)
    answer = firm.manager.client.get(f"/api/v1/units/{LIFT}/records.pdf")
    assert answer.status_code == 200, answer.text
    assert answer.content.startswith(b"%PDF-1.7")
    empty = firm.manager.client.get("/api/v1/units/L000002/records.pdf")
    assert empty.status_code in (400, 404)


def test_the_list_is_asked_by_lift_day_level_and_state(platform: Platform, firm: FirmSystem) -> None:
    firm.manager.post("/records", good(platform), Idempotency_Key="list-0001")
    regulator = platform.person(Role.REGULATOR)
    row = platform.conn.execute(
        "select u.id, u.rescue_code, u.name, (r.ended_at at time zone 'Asia/Shanghai')::date from maintenance.record r"
        " join equipment.unit u on u.no = r.unit_no"
    ).fetchone()
    assert row is not None
    unit, plate, name, day = row
    for query, shown in (
        ("", True), (f"unit={unit}", True), (f"unit={plate}", True), ("unit=999999", False), (f"since={day}&until={day}", True),
        ("until=2020-01-01", False), ("since=2099-01-01", False), ("since=rubbish", True), ("level=year", False), ("state=disputed", False),
    ):  # fmt: skip
        text = regulator.client.get(f"/records?{query}").text
        assert (f">{name}</a>" in text) is shown, query
    assert "维保人员未签名" in regulator.client.get("/records").text
    table = regulator.client.get(f"/api/v1/records/list.xlsx?unit={unit}")
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(table.content)).get_sheet_by_index(0).to_python()
    assert [row[1] for row in sheet] == ["设备编号", unit]


def test_a_record_says_how_far_from_the_lift_it_was_signed_in(platform: Platform, firm: FirmSystem) -> None:
    body = good(platform)
    platform.conn.execute(
        "update equipment.unit set lon = 116.98, lat = 33.64, datum = 'wgs84' where id = %s", (body["unit_id"],)
    )
    near = {"lon": 116.981, "lat": 33.64, "datum": "wgs84", "accuracy_m": 12, "how": "plate"}
    made = firm.manager.post("/records", body | {"sign_in": body["sign_in"] | near}, Idempotency_Key="far-00001")
    page = firm.manager.client.get(f"/records/{made['record_id']}").text
    assert "距电梯 93 米 (±12 m)" in page
    assert "无定位" in page
