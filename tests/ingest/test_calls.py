"""Calls: what cannot be right, the reference data, and which lift a call is about."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from importlib.resources import files
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from equipment.city.build import build_city
from equipment.foundation.clock import SHANGHAI
from equipment.foundation.database import Connection
from ingest.call_reference import read_reference, reference
from ingest.call_times import Bucket, durations, series
from ingest.call_units import CallLink, Told, UnitFinder, plain
from ingest.calls import MILESTONES, NewCall, choose_unit, faults, record_call
from ingest.errors import CallError
from tests.conftest import START
from tests.pipeline import PASSWORD

MINUTE = timedelta(minutes=1)
CALL = NewCall(source="api", external_id="W1", category="entrapment", reported_at=START - 60 * MINUTE)
NOBODY = Told(None, None, None, None, ())


@pytest.fixture
def city(conn: Connection) -> Connection:
    build_city(conn, units=12, seed=7, now=START, password=PASSWORD)
    conn.execute(
        "update equipment.unit set address = no || '号', place_name = '某处' || no, building = '', entrance = ''"
    )
    return conn


def named(found: list[tuple[str, str]]) -> list[str]:
    return [name for name, _ in found]


# ── times ──


@given(st.lists(st.none() | st.integers(0, 59), min_size=5, max_size=5))
def test_milestones_must_follow_each_other_and_may_be_missing(minutes: list[int | None]) -> None:
    later = dict(zip(MILESTONES[1:], minutes, strict=True))
    times: dict[str, Any] = {n: None if m is None else CALL.reported_at + m * MINUTE for n, m in later.items()}
    given_ones = [m for m in minutes if m is not None]
    wrong = named(faults(replace(CALL, **times), START))
    assert (wrong == []) == (given_ones == sorted(given_ones))


def test_people_who_got_out_by_themselves_were_free_before_anybody_came() -> None:
    times: dict[str, Any] = {"freed_at": CALL.reported_at + MINUTE, "arrived_at": CALL.reported_at + 9 * MINUTE}
    assert named(faults(replace(CALL, **times), START)) == ["freed_at"]
    assert faults(replace(CALL, category="self_release", **times), START) == []
    assert faults(replace(CALL, release_mode="self", **times), START) == []
    early: dict[str, Any] = {"freed_at": CALL.reported_at - MINUTE, "release_mode": "self"}
    assert named(faults(replace(CALL, **early), START)) == ["freed_at"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"external_id": " "}, "external_id"), ({"category": "x"}, "category"), ({"release_mode": "x"}, "release_mode"),
        ({"cause_code": "502"}, "cause_code"), ({"trapped": 100}, "trapped"), ({"injured": -1}, "injured"),
        ({"reported_at": START + timedelta(hours=1)}, "reported_at"),
        ({"reported_at": datetime(2026, 3, 1)}, "reported_at"),  # noqa: DTZ001
        ({"closed_at": datetime(2026, 3, 1)}, "closed_at"),  # noqa: DTZ001
    ],
)  # fmt: skip
def test_what_cannot_be_right_is_named(change: dict[str, Any], field: str) -> None:
    assert named(faults(replace(CALL, **change), START)) == [field]


# ── reference data ──


def test_the_cause_tree_is_whole_and_marked() -> None:
    causes = reference().causes
    assert len(causes) == 7 + 4 + 4 + 8 + 6 + 8 + 10
    assert {c.mark for c in causes.values()} == {"V-code"}
    assert "502" not in causes
    assert (causes["405"].zh, causes["405"].parent) == ("制动器", "400")
    assert reference().cause_of("制动器") == reference().cause_of(" 405 ") == "405"
    assert reference().cause_of("鬼") is None


MUTATIONS = ["zh", "en", "mark", "code", "children"]


@pytest.mark.parametrize("field", MUTATIONS)
def test_every_field_of_the_reference_matters(field: str) -> None:
    text = (files("ingest") / "call_reference.yaml").read_text(encoding="utf-8")
    document = yaml.safe_load(text)
    document["causes"][0][field] = {} if field == "children" else "999"
    assert read_reference(yaml.safe_dump(document)) != read_reference(text)
    document["causes"].append(document["causes"][1])
    with pytest.raises(CallError):
        read_reference(yaml.safe_dump(document))


# ── the lift ──


def test_a_lift_is_found_by_plate_then_certificate_then_registration_code(city: Connection) -> None:
    for no, column, value in ((2, "certificate_no", "梯11皖L0001"), (3, "registration_code", "31103413002020010001")):
        city.execute(f"update equipment.unit set {column} = %s where no = %s", (value, no))
    plates = city.execute(
        "select rescue_code, id from equipment.unit where rescue_code is not null order by no"
    ).fetchall()
    finder = UnitFinder(city)
    told = Told(plates[0][0], None, "梯11皖L0001", "31103413002020010001", ())
    first = finder.find(told)
    assert (first.link, first.unit and first.unit.id) == (CallLink.RESCUE_CODE, plates[0][1])
    second = finder.find(replace(told, rescue_code="999999"))
    assert (second.link, second.unit and second.unit.no) == (CallLink.CERTIFICATE, 2)
    third = finder.find(replace(told, rescue_code=None, certificate_no=None))
    assert (third.link, third.unit and third.unit.no) == (CallLink.REGISTRATION, 3)
    assert finder.find(NOBODY).link is CallLink.NONE


def test_a_name_that_two_lifts_carry_is_a_choice(city: Connection) -> None:
    city.execute("update equipment.unit set registration_code = 'R1' where no in (2, 3)")
    found = UnitFinder(city).find(replace(NOBODY, registration_code="R1"))
    assert (found.unit, found.link, [u.no for u in found.candidates]) == (None, CallLink.AMBIGUOUS, [2, 3])


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        ("埇桥区汴河路10号阳光花园3栋2单元", [1]),
        ("安徽省宿州市 埇桥区汴河路 10 号 阳光花园 3栋", [1, 2]),
        ("阳光花园", [1, 2, 3]),
        ("阳光花园5栋1单元左梯", [3]),
        ("阳光花园13栋", []),
        ("汴河", []),
        ("火星路1号", []),
    ],
)
def test_an_address_links_only_when_it_means_one_lift(city: Connection, words: str, numbers: list[int]) -> None:
    for no, building, entrance in ((1, "3栋", "2单元"), (2, "3栋", "1单元"), (3, "5栋", "1单元")):
        city.execute(
            "update equipment.unit set address = '埇桥区汴河路10号', place_name = '阳光花园', building = %s, entrance = %s,"
            " kind = 'lift' where no = %s", (building, entrance, no),
        )  # fmt: skip
    found = UnitFinder(city).find(replace(NOBODY, places=(words,)))
    if len(numbers) == 1:
        assert (found.link, found.unit and found.unit.no) == (CallLink.ADDRESS, numbers[0])
    else:
        assert found.unit is None
        assert [u.no for u in found.candidates] == numbers
        assert found.link is (CallLink.AMBIGUOUS if numbers else CallLink.NONE)


@given(st.text(max_size=40))
def test_any_words_become_plain_ones(words: str) -> None:
    assert plain(plain(words)) == plain(words) or plain(words).startswith(("省", "市")) or len(plain(words)) > 2


# ── keeping ──


def test_the_same_call_again_changes_nothing_and_a_lift_registered_later_links_it(city: Connection) -> None:
    call = replace(CALL, certificate_no="梯11皖L0002")
    first = record_call(city, call, None, START)
    assert (first.result, first.link) == ("new", CallLink.NONE)
    assert record_call(city, call, None, START).result == "unchanged"
    city.execute("update equipment.unit set certificate_no = '梯11皖L0002' where no = 4")
    again = record_call(city, call, None, START)
    assert (again.id, again.result, again.link) == (first.id, "updated", CallLink.CERTIFICATE)


def test_a_person_chooses_the_lift_and_the_choice_stands(city: Connection) -> None:
    city.execute("update equipment.unit set registration_code = 'R1' where no in (2, 3)")
    call = replace(CALL, registration_code="R1")
    receipt = record_call(city, call, None, START)
    assert len(receipt.candidates) == 2
    choose_unit(city, receipt.id, receipt.candidates[1], START)
    changed = record_call(city, replace(call, trapped=2), None, START)
    assert changed.result == "updated"
    row = city.execute("select unit_no, link, trapped from ingest.call_record").fetchone()
    assert row == (3, "chosen", 2)
    unchanged = record_call(city, replace(call, trapped=2), None, START)
    assert (unchanged.result, unchanged.unit_id, unchanged.link) == (
        "unchanged",
        receipt.candidates[1],
        CallLink.CHOSEN,
    )
    for call_id, unit in ((receipt.id, "nobody"), (receipt.id + 99, receipt.candidates[0])):
        with pytest.raises(CallError):
            choose_unit(city, call_id, unit, START)
    plate = city.execute("select rescue_code from equipment.unit where rescue_code is not null limit 1").fetchone()
    assert plate is not None
    sure = record_call(city, replace(CALL, external_id="W2", rescue_code=plate[0]), None, START)
    with pytest.raises(CallError, match="按编号"):
        choose_unit(city, sure.id, receipt.candidates[0], START)


def historic(number: str, day: datetime, times: dict[str, Any]) -> NewCall:
    return replace(CALL, **times | {"external_id": number, "reported_at": day})


def test_statistics_count_only_what_can_be_computed(city: Connection) -> None:
    day = datetime(2026, 3, 1, 0, 30, tzinfo=SHANGHAI)  # still the evening before, in UTC
    records: list[dict[str, Any]] = [
        {"arrived_at": day + 10 * MINUTE, "freed_at": day + 15 * MINUTE, "trapped": 2},
        {"arrived_at": day + 40 * MINUTE},
        {},
        {"category": "self_release", "freed_at": day + 5 * MINUTE, "arrived_at": day + 20 * MINUTE},
    ]
    for n, times in enumerate(records):
        record_call(city, historic(f"H{n}", day, times), None, START)
    found = durations(city, day - MINUTE, day + MINUTE)
    assert (found.calls, found.historical, found.with_arrival, found.with_rescue, found.arrived_late) == (4, 4, 3, 1, 1)
    assert found.mean_rescue_seconds == 300
    assert durations(city, day - MINUTE, day + MINUTE, "self_release").with_rescue == 0
    assert durations(city, day, day).mean_arrival_seconds is None
    (point,) = series(city, Bucket.DAY, day - MINUTE, day + MINUTE)
    assert (point.at.astimezone(SHANGHAI).date().isoformat(), point.calls, point.entrapments, point.trapped) == (
        "2026-03-01", 4, 3, 2,
    )  # fmt: skip
