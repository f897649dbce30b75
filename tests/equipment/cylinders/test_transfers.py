"""Transfers between stations and corrections: who may, what is refused, and that the history goes with the cylinder."""

from __future__ import annotations

from datetime import date
from typing import Any

import psycopg
import pytest

from equipment.access.model import Asker, Role
from equipment.cylinders import corrections, store, transfers
from equipment.cylinders.model import Cylinder
from equipment.cylinders.transfers import TransferEvent
from equipment.errors import (
    CylinderInputError,
    CylinderStepError,
    DuplicateCodeError,
    OutOfScopeError,
    UnknownCylinderError,
    UnknownTransferError,
)
from tests.equipment.cylinders.conftest import Yard

DIRECTOR, OFFICER, INSPECTOR = Role.USE_UNIT_DIRECTOR, Role.USE_UNIT_OFFICER, Role.INSPECTOR


def offered(yard: Yard, *codes: str) -> tuple[transfers.OfferAnswer, Asker]:
    giver = yard.asker(DIRECTOR, yard.a)
    with yard.as_asker(giver) as conn:
        return transfers.offer(conn, yard.b, codes, "整体转让", giver, yard.clock.now()), giver


def decided(yard: Yard, number: int, event: TransferEvent, asker: Asker, answer: str = "") -> transfers.Transfer:
    with yard.as_asker(asker) as conn:
        return transfers.decide(conn, number, event, answer, asker, yard.clock.now())


def owner_of(yard: Yard, code: str) -> int:
    row = yard.conn.execute("select station_id from equipment.cylinder where code = %s", (code,)).fetchone()
    assert row is not None
    return int(row[0])


def test_what_cannot_go_is_named_and_the_rest_goes(yard: Yard) -> None:
    yard.cylinder("A-0004", next_inspection=None)
    yard.cylinder("A-0005", next_inspection=date(2025, 1, 1))
    yard.cylinder("A-0006", make_date=date(2000, 1, 1))
    yard.cylinder("A-0007", medium="acetylene", variety_code="2310", tare_kg=None, max_fill_kg=None)
    yard.send(yard.fill("A-0003"))
    answer, _ = offered(
        yard, "A-0001", "A-0002", "A-0003", "A-0004", "A-0005", "A-0006", "A-0007", "B-0001", "X-9999", "A-0001"
    )
    assert answer.offered == 2
    assert {item.code: item.reasons for item in answer.refused} == {
        "A-0003": ("not_empty",), "A-0004": ("inspection_unknown",), "A-0005": ("inspection_overdue",), "A-0006": ("beyond_life",),
        "A-0007": ("medium_not_licensed",), "B-0001": ("another_station",), "X-9999": ("unknown_cylinder",),
    }  # fmt: skip
    again, _ = offered(yard, "A-0001")
    assert (again.id, again.refused[0].reasons) == (None, ("in_transfer",))
    assert owner_of(yard, "A-0001") == yard.a


def test_the_receiver_takes_over_what_still_stands_empty_and_the_history_goes_along(yard: Yard) -> None:
    yard.send(yard.fill("A-0001", -3_000), station=yard.a)
    yard.conn.execute("update equipment.cylinder set state = 'empty' where code = 'A-0001'")
    answer, _ = offered(yard, "A-0001", "A-0002")
    assert answer.id is not None
    yard.clock.advance(60)
    yard.send(yard.fill("A-0002"))
    receiver = yard.asker(DIRECTOR, yard.b)
    found = decided(yard, answer.id, TransferEvent.ACCEPT, receiver)
    assert (found.state, found.cylinders, found.moved, found.to_name) == ("accepted", 2, 1, "乙充装站")
    assert (owner_of(yard, "A-0001"), owner_of(yard, "A-0002")) == (yard.b, yard.a)
    with yard.as_asker(receiver) as conn:
        assert [(i.code, i.outcome, i.reasons) for i in transfers.items_of(conn, answer.id)] == [
            ("A-0001", "moved", ()), ("A-0002", "stayed", ("not_empty",))
        ]  # fmt: skip
        mine = store.find(conn, "A-0001")
        (event,) = store.events_of(conn, mine.no)
        assert (event.event, event.detail["from"]) == ("transfer", "甲充装站")
        assert len(store.fills_of(conn, mine.no)) == 1
    with yard.as_asker(yard.asker(DIRECTOR, yard.a)) as giver, pytest.raises(UnknownCylinderError):
        store.find(giver, "A-0001")
    refused = yard.send(yard.fill("A-0001", 1), station=yard.a)
    assert refused.items[0].reasons == ("another_station",)
    assert yard.send(yard.fill("A-0001", 2), station=yard.b).accepted == 1
    with pytest.raises(CylinderStepError):
        decided(yard, answer.id, TransferEvent.ACCEPT, receiver)


def test_an_offer_is_refused_with_a_reason_or_withdrawn_and_the_cylinders_are_free_again(yard: Yard) -> None:
    answer, giver = offered(yard, "A-0001")
    assert answer.id is not None
    receiver = yard.asker(DIRECTOR, yard.b)
    with pytest.raises(CylinderInputError):
        decided(yard, answer.id, TransferEvent.REFUSE, receiver)
    assert decided(yard, answer.id, TransferEvent.REFUSE, receiver, "数量不符").answer == "数量不符"
    second, _ = offered(yard, "A-0001")
    assert second.id is not None
    with pytest.raises(OutOfScopeError):
        decided(yard, second.id, TransferEvent.ACCEPT, giver)
    with pytest.raises(OutOfScopeError):
        decided(yard, second.id, TransferEvent.WITHDRAW, receiver)
    assert decided(yard, second.id, TransferEvent.WITHDRAW, giver).state == "withdrawn"
    assert offered(yard, "A-0001")[0].offered == 1


def test_nobody_else_offers_decides_or_sees(yard: Yard) -> None:
    answer, _ = offered(yard, "A-0001")
    assert answer.id is not None
    officer = yard.asker(OFFICER, yard.a)
    with yard.as_asker(officer) as conn, pytest.raises(OutOfScopeError):
        transfers.offer(conn, yard.b, ["A-0002"], "x", officer, yard.clock.now())
    with yard.as_asker(yard.asker(INSPECTOR, None, "/341300/341322/")) as far, pytest.raises(UnknownTransferError):
        transfers.require_transfer(far, answer.id)
    with yard.as_asker(yard.asker(INSPECTOR, None, "/341300/341321/")) as near:
        assert transfers.require_transfer(near, answer.id).state == "offered"
    inspector = yard.asker(INSPECTOR, None, "/341300/")
    with pytest.raises(OutOfScopeError):
        decided(yard, answer.id, TransferEvent.ACCEPT, inspector)


@pytest.mark.parametrize(("codes", "station", "reason"), [
    ([], None, "x"), (["A-0001"], "a", "x"), (["A-0001"], None, " "), (["A-0001"], "none", "x"),
])  # fmt: skip
def test_an_offer_that_cannot_be_is_refused_as_a_whole(
    yard: Yard, codes: list[str], station: str | None, reason: str
) -> None:
    to = {"a": yard.a, "none": 10**6}.get(station or "", yard.b)
    giver = yard.asker(DIRECTOR, yard.a)
    with yard.as_asker(giver) as conn, pytest.raises(CylinderInputError):
        transfers.offer(conn, to, codes, reason, giver, yard.clock.now())


def corrected(yard: Yard, asker: Asker, code: str = "A-0001", reason: str = "录入错误", **values: Any) -> Cylinder:
    with yard.as_asker(asker) as conn:
        return corrections.correct(conn, code, values, reason, asker, yard.clock.now())


def test_a_station_corrects_its_plate_and_its_code_and_the_history_keeps_the_old_one(yard: Yard) -> None:
    director = yard.asker(DIRECTOR, yard.a)
    found = corrected(yard, director, volume_l=35.5)
    assert found.volume_l == 35.5
    with yard.as_asker(director) as conn:
        (event,) = store.events_of(conn, found.no)
    assert (event.event, event.from_state, event.to_state, event.reason) == ("correct", "empty", "empty", "录入错误")
    assert event.detail == {"before": {"volume_l": None}, "after": {"volume_l": 35.5}}
    yard.clock.advance(1)
    with yard.as_asker(director) as conn:
        moved = corrections.correct(conn, "A-0001", {"code": "A-1001"}, "换码", director, yard.clock.now())
        assert (moved.no, moved.code) == (found.no, "A-1001")
        with pytest.raises(UnknownCylinderError):
            store.find(conn, "A-0001")


def test_what_limits_a_fill_is_the_inspectors_to_correct(yard: Yard) -> None:
    limits: dict[str, Any] = {
        "tare_kg": 15.0,
        "max_fill_kg": 20.0,
        "medium": "dme",
        "next_inspection": date(2030, 1, 1),
    }
    for name, value in limits.items():
        with pytest.raises(OutOfScopeError):
            corrected(yard, yard.asker(DIRECTOR, yard.a), **{name: value})
    found = corrected(yard, yard.asker(INSPECTOR, None, "/341300/341302/"), tare_kg=15.0, serial="S-1")
    assert (found.tare_kg, found.serial) == (15.0, "S-1")


def test_the_database_refuses_a_station_that_goes_past_the_rules(yard: Yard) -> None:
    with yard.as_asker(yard.asker(DIRECTOR, yard.a)) as conn:
        with pytest.raises(psycopg.errors.InsufficientPrivilege), conn.transaction():
            conn.execute("update equipment.cylinder set tare_kg = 1 where code = 'A-0001'")
        with pytest.raises(psycopg.errors.InsufficientPrivilege), conn.transaction():
            conn.execute("update equipment.cylinder set station_id = %s where code = 'A-0001'", (yard.b,))


@pytest.mark.parametrize(("values", "refusal"), [
    ({"code": "B-0001"}, DuplicateCodeError), ({"code": "?"}, CylinderInputError), ({"code": None}, CylinderInputError),
    ({"serial": None}, CylinderInputError), ({"make_date": date(2999, 1, 1)}, CylinderInputError), ({"colour": 1}, CylinderInputError),
    ({"serial": "SA-0002", "maker_code": "10890"}, DuplicateCodeError),
])  # fmt: skip
def test_a_correction_that_cannot_be_changes_nothing(
    yard: Yard, values: dict[str, Any], refusal: type[Exception]
) -> None:
    asker = yard.asker(INSPECTOR, None, "/341300/")
    with yard.as_asker(asker) as conn:
        before = store.find(conn, "A-0001")
        with pytest.raises(refusal):
            corrections.correct(conn, "A-0001", values, "x", asker, yard.clock.now())
        assert store.find(conn, "A-0001") == before
        with pytest.raises(CylinderInputError):
            corrections.correct(conn, "A-0001", {"serial": "S9"}, " ", asker, yard.clock.now())


def test_a_scrapped_cylinder_is_not_corrected(yard: Yard) -> None:
    yard.conn.execute("update equipment.cylinder set state = 'scrapped' where code = 'A-0001'")
    with pytest.raises(CylinderStepError):
        corrected(yard, yard.asker(INSPECTOR, None, "/341300/"), serial="S9")
