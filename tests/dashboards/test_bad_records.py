"""Everything that can be wrong with a record or its photo gets a clear answer, and nothing is half kept."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from equipment.access.model import Role
from maintenance.plausibility.pictures import print_of
from tests.dashboards.test_plausibility import scene
from tests.dashboards.test_records import FirmSystem, good
from tests.platform import Platform


@pytest.fixture
def firm(platform: Platform) -> FirmSystem:
    return FirmSystem(platform)


def count(platform: Platform, table: str) -> int:
    row = platform.conn.execute(f"select count(*) from maintenance.{table}".encode()).fetchone()
    return int(row[0]) if row else 0


def test_a_picture_that_no_library_can_read_does_not_stop_the_clockwork() -> None:
    assert print_of(b"\xff\xd8\xff" + bytes(500)) is None
    assert print_of(scene(1)[:2_000]) is None


def test_a_record_from_the_future_is_refused(firm: FirmSystem) -> None:
    later = (firm.platform.clock.now() + timedelta(hours=1)).isoformat()
    body = good(firm.platform) | {"sign_out": {"at": later}, "submitted_at": later}
    answer = firm.manager.send("/records", body, Idempotency_Key="future-01")
    assert answer.status_code == 422
    assert "将来" in answer.text
    assert count(firm.platform, "record") == 0


def test_a_lift_of_another_firm_is_refused_as_the_wrong_plate(firm: FirmSystem) -> None:
    row = firm.platform.conn.execute(
        "select u.id from equipment.unit u join equipment.account a on a.login = 'firm' where u.firm_org_id <> a.organisation_id limit 1"
    ).fetchone()
    assert row is not None
    answer = firm.manager.send("/records", good(firm.platform) | {"unit_id": row[0]}, Idempotency_Key="wrong-01")
    assert answer.status_code == 422
    assert "不由贵单位维保" in answer.text


def test_an_expired_certificate_is_taken_and_said(firm: FirmSystem) -> None:
    firm.platform.conn.execute(
        "insert into equipment.person (organisation_id, name, duty, certificate_no, certificate_valid_to)"
        " select organisation_id, '张三', '维保', 'TS6-EXP', '2025-01-01' from equipment.account where login = 'firm'"
    )
    body = good(firm.platform) | {"workers": [{"name": "张三", "certificate_no": "TS6-EXP"}]}
    receipt = firm.manager.post("/records", body, Idempotency_Key="expired-1")
    assert any("到期" in w for w in receipt["warnings"])


@pytest.mark.parametrize("change", [{"level": "weekly"}, {"workers": []}, {"items": []}, {"photos": 1}])
def test_what_cannot_be_right_is_named(firm: FirmSystem, change: dict[str, Any]) -> None:
    answer = firm.manager.send("/records", good(firm.platform) | change, Idempotency_Key="wrong-0001")
    assert answer.status_code == 422
    assert next(iter(change)) in answer.text
    assert firm.platform.person(Role.FIRM_MANAGER) is firm.manager


def test_two_phones_with_one_visit_are_both_kept_and_told(firm: FirmSystem) -> None:
    first = firm.manager.post("/records", good(firm.platform), Idempotency_Key="phone-0001")
    second = firm.manager.post("/records", good(firm.platform) | {"found": "另一台手机"}, Idempotency_Key="phone-0002")
    assert not any("同一时段" in w for w in first["warnings"])
    assert any(first["record_id"] in w for w in second["warnings"])
    body = good(firm.platform) | {"found": "更正", "corrects": second["record_id"]}
    third = firm.manager.post("/records", body, Idempotency_Key="phone-0003")
    assert any(first["record_id"] in w for w in third["warnings"])
    assert count(firm.platform, "record") == 3
