"""A fill is kept or refused, each refusal by its name; the same again changes nothing."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import msgspec
import psycopg
import pytest

from equipment.cylinders import filling, judge, stations, store
from equipment.cylinders.filling import read_call, submit
from equipment.cylinders.media import media
from equipment.cylinders.model import Check, Reason
from equipment.cylinders.settings import CylinderSettings, add_months
from equipment.cylinders.stations import Caller, NewLicence
from equipment.errors import CylinderInputError, FillKeyError
from equipment.foundation import stream
from equipment.foundation.database import DatabaseRole
from tests.equipment.cylinders.conftest import Yard


def reasons(yard: Yard, code: str, station: int | None = None, **values: Any) -> tuple[str, ...]:
    answer = yard.send(yard.fill(code, **values), station=station)
    item = answer.items[0]
    assert (answer.accepted, answer.refused) == ((0, 1) if item.reasons else (1, 0)), answer
    return item.reasons


def test_a_fill_is_one_record_with_its_checks_and_the_limits_that_held(each_yard: Yard) -> None:
    yard = each_yard
    answer = yard.send(yard.fill("A-0001", residual_kg=0.1, reweigh_kg=31.1, video_url="https://v.example/1"))
    assert (answer.accepted, answer.items[0].outcome, answer.items[0].faults) == (1, "accepted", ())
    assert yard.state("A-0001") == "full"
    cylinder = store.find(yard.conn, "A-0001")
    assert cylinder.last_fill_at == yard.clock.now()
    (fill,) = store.fills_of(yard.conn, cylinder.no)
    assert fill.net_kg == pytest.approx(14.5)
    assert (fill.passed, fill.traced, fill.tare_kg) == (True, True, 16.5)
    assert fill.max_fill_kg == pytest.approx(14.9)
    assert fill.inspection_due == date(2027, 5, 1)
    assert (fill.filler, fill.checker, fill.video_url) == ("王充装", "李检查", "https://v.example/1")
    assert store.fills(yard.conn, yard.clock.now() - timedelta(days=1), yard.clock.now() + timedelta(seconds=1)) != []


def test_each_refusal_is_named(yard: Yard) -> None:
    today = yard.clock.now().date()
    yard.cylinder("A-OLD1", make_date=add_months(today, -12 * media()["lpg"].design_life_years))
    yard.cylinder("A-MARK", scrap_date=today)
    yard.cylinder("A-LATE", next_inspection=today - timedelta(days=1))
    yard.cylinder("A-NONE", next_inspection=None)
    yard.cylinder("A-LAST", next_inspection=today)
    assert reasons(yard, "X-9999") == ("unknown_cylinder",)
    assert reasons(yard, "B-0001") == ("another_station",)
    assert reasons(yard, "A-OLD1") == ("beyond_life",)
    assert reasons(yard, "A-MARK") == ("beyond_life",)
    assert reasons(yard, "A-LATE") == ("inspection_overdue",)
    assert reasons(yard, "A-NONE") == ("inspection_unknown",)
    assert reasons(yard, "A-LAST") == ()
    assert reasons(yard, "A-LAST", minutes=5) == ("not_fillable",)
    assert reasons(yard, "A-0001", medium="oxygen") == ("medium_not_licensed", "wrong_medium")
    assert reasons(yard, "A-0001", appearance_ok=False) == ("precheck_failed",)
    yard.conn.execute("update equipment.cylinder set state = 'scrapped', next_inspection = null where code = 'A-0001'")
    assert reasons(yard, "A-0001") == ("scrapped",)
    assert yard.count("cylinder_refusal") == 10
    assert {r.value for r in Reason} - {"out_of_order", "no_licence"} == {
        name for row in yard.conn.execute("select reasons from equipment.cylinder_refusal") for name in row[0]
    }


@pytest.mark.parametrize("state", ["delivered", "inspection", "repair", "lost", "full"])
def test_a_state_that_is_not_fillable_is_refused(yard: Yard, state: str) -> None:
    yard.conn.execute("update equipment.cylinder set state = %s where code = 'A-0001'", (state,))
    assert reasons(yard, "A-0001") == ("not_fillable",)
    assert yard.state("A-0001") == state


def test_a_licence_is_judged_on_the_day_of_the_fill(yard: Yard) -> None:
    yard.conn.execute("update equipment.filling_licence set revoked_on = '2026-03-02'")
    assert reasons(yard, "A-0001") == ("no_licence",)
    assert reasons(yard, "A-0001", minutes=-24 * 60) == ()
    renewed = NewLicence("TS4234001-2", ["lpg"], date(2026, 3, 2), date(2030, 3, 1))
    stations.add_licence(yard.conn, yard.a, renewed, None, yard.clock.now())
    assert reasons(yard, "A-0002") == ()


def test_design_life_is_a_setting(yard: Yard) -> None:
    yard.cylinder("A-OLD1", make_date=date(2017, 1, 1))
    call = read_call(msgspec.json.encode({"fills": [msgspec.to_builtins(yard.fill("A-OLD1"))]}))
    longer = CylinderSettings(design_life_years={"lpg": 20})
    assert submit(yard.conn, call, "life-1", Caller(yard.a, None), yard.clock.now(), CylinderSettings()).refused == 1
    assert submit(yard.conn, call, "life-2", Caller(yard.a, None), yard.clock.now(), longer).accepted == 1


@pytest.mark.parametrize("code", list(media()))
def test_every_figure_of_the_media_decides_something(yard: Yard, code: str) -> None:
    medium = media()[code]
    settings = CylinderSettings()
    assert settings.end_of_life(date(2020, 2, 29), medium, None) == add_months(
        date(2020, 2, 29), 12 * medium.design_life_years
    )
    assert settings.months(medium) == medium.inspection_months
    assert medium.mark in {"V", "P", "M"}
    fill = yard.fill("A-0001", medium=code, residual_mpa=None, pressure_mpa=15.0)
    cylinder = filling.judged(yard.conn, ["A-0001"])["A-0001"]
    assert judge.is_traced(fill, cylinder) is medium.form.weighed


def test_a_failed_check_after_the_fill_keeps_the_record_and_takes_the_cylinder_out(yard: Yard) -> None:
    answer = yard.send(
        yard.fill("A-0001", leak_free=False), yard.fill("A-0002", full_kg=33.0), yard.fill("A-0003", reweigh_kg=29.0)
    )
    assert [item.faults for item in answer.items] == [("leak",), ("overfilled",), ("reweigh_differs",)]
    assert [yard.state(code) for code in ("A-0001", "A-0002", "A-0003")] == ["repair"] * 3
    shown = store.public(yard.conn, "A-0002", yard.clock.now())
    assert shown is not None
    assert shown.passed is False


def test_the_same_call_again_gives_the_first_answer_and_keeps_nothing_twice(yard: Yard) -> None:
    call = (yard.fill("A-0001"), yard.fill("B-0001"))
    first = yard.send(*call, key="call-0001")
    again = yard.send(*call, key="call-0001")
    assert again.items == first.items
    assert (first.replayed, again.replayed) == (False, True)
    assert (yard.count("cylinder_fill"), yard.count("cylinder_refusal")) == (1, 1)
    with pytest.raises(FillKeyError):
        yard.send(yard.fill("A-0002"), key="call-0001")
    assert yard.send(yard.fill("B-0001"), station=yard.b, key="call-0001").accepted == 1


def test_the_same_fill_in_another_call_is_repeated_and_another_at_the_same_time_conflicts(yard: Yard) -> None:
    fill = yard.fill("A-0001")
    assert yard.send(fill, fill).repeated == 1
    assert yard.send(fill).items[0].outcome == "repeated"
    other = yard.send(yard.fill("A-0001", full_kg=30.0)).items[0]
    assert other.outcome == "invalid"
    assert "filled_at" in other.detail
    assert yard.count("cylinder_fill") == 1


def test_a_fill_before_the_newest_one_is_refused(yard: Yard) -> None:
    yard.send(yard.fill("A-0001"))
    yard.conn.execute("update equipment.cylinder set state = 'empty' where code = 'A-0001'")
    assert reasons(yard, "A-0001", minutes=-60) == ("out_of_order",)


def test_records_that_cannot_be_right_spoil_only_themselves(yard: Yard) -> None:
    sound = msgspec.to_builtins(yard.fill("A-0001"))
    future = (yard.clock.now() + timedelta(hours=1)).isoformat()
    bad: list[tuple[dict[str, Any], str]] = [
        ({"medium": "water"}, "medium"), ({"full_kg": -3}, "full_kg"), ({"full_kg": 1e9}, "full_kg"),
        ({"full_kg": "31"}, "full_kg"), ({"filled_at": future}, "filled_at"), ({"filled_at": "2026-03-02T09:00:00"}, "time zone"),
        ({"checked_at": future}, "checked_at"), ({"filled_at": "2019-03-02T09:00:00Z"}, "filled_at"),
        ({"video_url": "javascript:alert(1)"}, "video_url"), ({"video_url": "http://"}, "video_url"),
        ({"video_url": "https://user:secret@host/x"}, "video_url"), ({"filler": ""}, "filler"), ({"filler": "a\u0000b"}, "filler"),
        ({"surprise": 1}, "surprise"), ({"appearance_ok": None}, "appearance_ok"), ({"code": "x" * 300}, "code"),
    ]  # fmt: skip
    raws = [sound, *({**sound, **change} for change, _ in bad)]
    call = read_call(msgspec.json.encode({"fills": raws}))
    answer = submit(yard.conn, call, "bad-0001", Caller(yard.a, None), yard.clock.now(), CylinderSettings())
    assert (answer.accepted, answer.invalid) == (1, len(bad))
    for item, (_, word) in zip(answer.items[1:], bad, strict=True):
        assert word in item.detail, item
    assert yard.count("cylinder_refusal") == 0


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"fills": []}', b'{"fills": 1}', b"\xff", b'{"fills": [' + b"{}," * 1000 + b"{}]}"]
)
def test_a_call_that_is_none_is_refused_as_a_whole(body: bytes) -> None:
    with pytest.raises(CylinderInputError):
        read_call(body)


def test_a_wrong_medium_is_told_with_its_clause_and_kept_by_value(yard: Yard) -> None:
    licence = NewLicence("TS4234001-O", ["oxygen"], date(2025, 1, 1), date(2030, 1, 1))
    stations.add_licence(yard.conn, yard.a, licence, None, yard.clock.now())
    assert reasons(yard, "A-0001", medium="oxygen") == ("wrong_medium",)
    stream.sequence(yard.conn, filling.STREAM, yard.clock.now())
    (entry,) = stream.read_after(yard.conn, filling.STREAM, 0)
    assert entry.kind == "hazard"
    assert entry.payload == {
        "event": "hazard", "clause": "4.5 b", "prevented": False, "at": yard.clock.now().isoformat(), "code": "A-0001",
        "cylinder_no": 1, "cylinder_medium": "lpg", "medium": "oxygen", "station_id": yard.a, "owner_station_id": yard.a,
        "reasons": ["wrong_medium"],
    }  # fmt: skip
    row = yard.conn.execute("select record, judged, clause from equipment.cylinder_refusal").fetchone()
    assert row is not None
    assert (row[0]["filler"], row[1]["cylinder"]["medium"], row[2]) == ("王充装", "lpg", "4.5 b")
    assert yard.state("A-0001") == "empty"


def test_unlicensed_filling_is_told_too(yard: Yard) -> None:
    yard.conn.execute("update equipment.filling_licence set revoked_on = '2026-01-01'")
    reasons(yard, "A-0001")
    stream.sequence(yard.conn, filling.STREAM, yard.clock.now())
    assert [e.payload["clause"] for e in stream.read_after(yard.conn, filling.STREAM, 0)] == ["4.5 a"]


def test_asked_before_the_fill_the_answer_is_kept_and_says_whether_the_gas_may_flow(yard: Yard) -> None:
    caller, now, settings = Caller(yard.a, None), yard.clock.now(), CylinderSettings()

    def ask(code: str, **values: Any) -> tuple[bool, tuple[str, ...]]:
        answer = filling.check_before(
            yard.conn,
            code,
            msgspec.convert({"medium": "lpg", "at": now, "appearance_ok": True} | values, Check),
            caller,
            now,
            settings,
        )
        return answer.allowed, answer.reasons

    assert ask("A-0001") == (True, ())
    assert yard.state("A-0001") == "checked"
    assert ask("A-0002", appearance_ok=False) == (False, ("precheck_failed",))
    assert yard.state("A-0002") == "repair"
    assert ask("B-0001") == (False, ("another_station",))
    assert ask("X-1111") == (False, ("unknown_cylinder",))
    assert ask("A-0003", medium="oxygen") == (False, ("medium_not_licensed", "wrong_medium"))
    assert yard.count("cylinder_refusal") == 3
    stream.sequence(yard.conn, filling.STREAM, now)
    assert [e.payload["prevented"] for e in stream.read_after(yard.conn, filling.STREAM, 0)] == [True]
    with pytest.raises(CylinderInputError, match="medium"):
        ask("A-0003", medium="water")


def test_the_trace_is_append_only_also_for_its_owner(each_yard: Yard) -> None:
    each_yard.send(each_yard.fill("A-0001"), each_yard.fill("B-0001"))
    each_yard.conn.commit()
    statements = ("update equipment.{} set station_id = 1", "delete from equipment.{}", "truncate equipment.{}")
    with each_yard.database.connect(DatabaseRole.OWNER) as owner:
        for table in ("cylinder_fill", "cylinder_event", "cylinder_refusal"):
            for statement in statements:
                with pytest.raises(psycopg.errors.IntegrityError), owner.transaction():
                    owner.execute(statement.format(table).encode())


def test_a_full_call_of_a_thousand(yard: Yard) -> None:
    for number in range(1_000):
        yard.cylinder(f"M-{number:05d}")
    answer = yard.send(*(yard.fill(f"M-{number:05d}", minutes=-number / 60) for number in range(1_000)))
    assert answer.accepted == 1_000
    assert yard.count("cylinder_fill") == 1_000
