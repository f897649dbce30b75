"""Which models of device may ring the desk, what is never muted, and what a signed exception needs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from alarms.backtest import runs, shadow, trust
from alarms.backtest.model import Matching, Period
from alarms.backtest.runner import BacktestWork
from alarms.backtest.runs import Order
from alarms.backtest.score import Score
from alarms.backtest.settings import BacktestSettings
from alarms.backtest.trust import Decision, Standing, standing
from alarms.rules.load import load_pack
from alarms.rules.model import Receiver
from equipment.access.model import Role
from equipment.city.build import DEVICE_MODELS
from equipment.foundation.clock import ManualClock
from tests.conftest import START, Database
from tests.pipeline import RESTING, TRAPPED
from tests.platform import Platform, platform_over

OPEN_DOOR = RESTING | {"car_moving": True, "door_zone": False, "door_closed": False, "speed_m_s": 1.0}
SETTINGS = BacktestSettings()


@pytest.fixture
def platform(database: Database, clock: ManualClock) -> Iterator[Platform]:
    with platform_over(database, clock) as made:
        yield made


def incidents(platform: Platform) -> list[tuple[Any, ...]]:
    return platform.conn.execute(
        "select u.id, i.kind, i.state from alarms.incident i join equipment.unit u on u.no = i.unit_no"
    ).fetchall()


def of_model(platform: Platform, model: str | None) -> str:
    unit = platform.pipeline.lifts[0]
    platform.conn.execute("update equipment.unit set device_model = %s where id = %s", (model, unit))
    return unit


def travel_open(platform: Platform, unit: str) -> None:
    for _ in range(4):
        platform.pipeline.send(unit, OPEN_DOOR)
        platform.turn(2)


@pytest.mark.parametrize("decision", [None, *Decision])
@pytest.mark.parametrize("protected", [True, False])
def test_the_table_of_standings(decision: Decision | None, protected: bool) -> None:
    found = standing(decision, never_muted=protected)
    if decision in (Decision.TRUSTED, Decision.EXCEPTION):
        assert found is Standing.RINGS
    elif decision is Decision.MUTE:
        assert found is Standing.MUTED
    else:
        assert found is (Standing.UNPROVEN if protected else Standing.MUTED)


def test_shipped_rules_ring_for_the_simulated_terminals(platform: Platform) -> None:
    desk = [rule.id for rule in load_pack().rules if Receiver.DESK in rule.receivers]
    for rule in desk:
        for model in set(DEVICE_MODELS):
            entry = trust.in_force(platform.conn, rule, model, START)
            assert entry is None or entry.decision == "exception"
            assert entry is not None, (rule, model)
    travel_open(platform, of_model(platform, "TS-L2"))
    assert [kind for _, kind, _ in incidents(platform)] == ["fault"]


@pytest.mark.parametrize("model", ["XYZ-9", None])
def test_an_unproven_model_rings_only_for_people(platform: Platform, model: str | None) -> None:
    unit = of_model(platform, model)
    travel_open(platform, unit)
    assert incidents(platform) == []
    muted = platform.conn.execute("select rule, device_model, rang from alarms.unproven_alarm").fetchall()
    assert muted == [("lift.open_door_travel", model or trust.NO_MODEL, False)]
    assert platform.pipeline.alarms(unit), "it is an alarm all the same"
    platform.pipeline.send(unit, RESTING | {"alarm_button": True})
    platform.turn(60)
    assert [(kind, state) for _, kind, state in incidents(platform)] == [("entrapment", "verifying")]
    detail = platform.conn.execute("select detail from alarms.incident_event where event = 'opened'").fetchone()
    assert detail is not None
    assert detail[0]["unproven"] is True


def test_entrapment_is_muted_only_by_a_signed_decision(platform: Platform) -> None:
    unit = of_model(platform, "XYZ-9")
    regulator = platform.person(Role.REGULATOR)
    wish = {"rule": "lift.entrapment", "device_model": "XYZ-9", "decision": "mute", "reason": "传感器召回"}
    assert regulator.send("/device-trust", wish).status_code == 422
    until = (platform.clock.now() + timedelta(days=2)).isoformat()
    assert (
        platform.person(Role.DESK)
        .send("/device-trust", wish | {"document_no": "宿市监〔2026〕8号", "expires_at": until})
        .status_code
        == 403
    )
    regulator.post("/device-trust", wish | {"document_no": "宿市监〔2026〕8号", "expires_at": until})
    sealed = platform.conn.execute(
        "select action, subject from equipment.audit_entry where action = 'trust.decide'"
    ).fetchall()
    assert sealed == [("trust.decide", "device-trust:lift.entrapment:XYZ-9")]
    platform.pipeline.send(unit, TRAPPED)
    platform.turn(60)
    assert incidents(platform) == []
    platform.clock.advance(3 * 86_400)
    entry = trust.in_force(platform.conn, "lift.entrapment", "XYZ-9", platform.clock.now())
    assert entry is None, "it has expired"


def test_an_exception_rings_until_it_expires_and_trust_is_not_given_by_hand(platform: Platform) -> None:
    unit = of_model(platform, "XYZ-9")
    regulator = platform.person(Role.REGULATOR)
    wish = {"rule": "lift.open_door_travel", "device_model": "XYZ-9", "reason": "型式试验报告", "document_no": "S-7"}
    until = (platform.clock.now() + timedelta(days=2)).isoformat()
    assert regulator.send("/device-trust", wish | {"decision": "trusted", "expires_at": until}).status_code == 422
    late = (platform.clock.now() + timedelta(days=900)).isoformat()
    assert regulator.send("/device-trust", wish | {"decision": "exception", "expires_at": late}).status_code == 422
    regulator.post("/device-trust", wish | {"decision": "exception", "expires_at": until})
    travel_open(platform, unit)
    assert [kind for _, kind, _ in incidents(platform)] == ["fault"]


def scored(confirmed: int, unconfirmed: int) -> Score:
    return Score(confirmed=confirmed, unconfirmed=unconfirmed)


@pytest.mark.parametrize(
    ("days", "confirmed", "unconfirmed", "expected"),
    [
        (30, 9, 1, Decision.TRUSTED), (29.999, 9, 1, None), (30, 8, 2, Decision.SHADOW), (30, 5, 1, Decision.TRUSTED),
        (30, 4, 0, None), (30, 5, 0, Decision.TRUSTED), (300, 0, 0, None),
    ],
)  # fmt: skip
def test_what_a_shadow_period_proves(days: float, confirmed: int, unconfirmed: int, expected: Decision | None) -> None:
    since = START - timedelta(days=days)
    assert shadow.proven(scored(confirmed, unconfirmed), since, SETTINGS, START) is expected


def test_a_model_earns_its_trust_by_confirmed_alarms(platform: Platform) -> None:
    unit = of_model(platform, "XYZ-9")
    conn, settings = platform.conn, BacktestSettings(shadow_least_alarms=2)
    with conn.transaction():
        shadow.score_all(conn, settings, platform.clock.now())
    platform.clock.advance(28 * 86_400)
    for _ in range(2):
        platform.pipeline.send(unit, TRAPPED)
        platform.turn(60)
        number = conn.execute("select id from alarms.incident where state = 'verifying'").fetchone()
        assert number is not None
        conn.execute("update alarms.incident set confirmed = true, state = 'freed' where id = %s", number)
        platform.pipeline.send(unit, RESTING | {"door_closed": False})
        platform.turn(4 * 3_600)
    platform.clock.advance(3 * 86_400)
    with conn.transaction():
        shadow.score_all(conn, settings, platform.clock.now())
    entry = trust.in_force(conn, "lift.entrapment", "XYZ-9", platform.clock.now())
    assert entry is not None
    assert (entry.decision, entry.evidence["confirmed"]) == ("trusted", 2)
    page = platform.person(Role.REGULATOR).client.get("/device-trust").text
    assert "XYZ-9" in page
    assert "已达标" in page


def test_repeated_false_alarms_open_a_work_order_for_the_device_once(platform: Platform) -> None:
    unit, conn = of_model(platform, "XYZ-9"), platform.conn
    for number in range(3):
        platform.pipeline.send(unit, RESTING | {"alarm_button": True})
        platform.turn(5)
        conn.execute(
            "update alarms.incident set state = 'cancelled', outcome = 'false_alarm' where state = 'verifying'"
        )
        with conn.transaction():
            assert shadow.report_devices(conn, SETTINGS, platform.clock.now()) == (number == 2)
        platform.pipeline.send(unit, RESTING)
        platform.turn(600)
    with conn.transaction():
        assert shadow.report_devices(conn, SETTINGS, platform.clock.now()) == 0
    leads = conn.execute(
        "select source_kind, cause, evidence ->> 'device_model' from maintenance.lead where source_kind = 'device'"
    ).fetchall()
    assert leads == [("device", "device:false_alarms", "XYZ-9")]


def test_a_run_is_done_in_the_background_and_shown_side_by_side(platform: Platform, database: Database) -> None:
    unit = platform.pipeline.lifts[0]
    begin = platform.clock.now()
    platform.pipeline.send(unit, TRAPPED)
    platform.turn(600)
    regulator = platform.person(Role.REGULATOR)
    day = {"begin": begin.isoformat(), "end": platform.clock.now().isoformat()}
    assert regulator.send("/backtests", day | {"rules_a": "id: ["}).status_code == 422
    assert platform.person(Role.AUDITOR).send("/backtests", day).status_code == 403
    asked = regulator.send("/backtests", day | {"rules_a": "shipped", "rules_b": "lift.entrapment"})
    assert asked.status_code == 202
    number = asked.json()["id"]
    assert "排队中" in regulator.client.get("/backtest").text
    work = BacktestWork(database.url, platform.clock, BacktestSettings(processes=1))
    assert work.turn(platform.conn, platform.clock.now()) >= 1
    run = regulator.get(f"/backtests/{number}")
    assert run["state"] == "done", run["error"]
    assert {row["id"]: row["alarms"] for row in run["result_b"]["rules"]} == {"lift.entrapment": 1}
    page = regulator.client.get(f"/backtest/{number}").text
    assert "准确率" in page
    assert regulator.client.get("/backtest/999").status_code == 404
    form = {
        "_csrf": regulator.csrf,
        "rules_a": "lift.entrapment",
        "rules_b": "",
        "begin": "2026-03-02",
        "end": "2026-03-02",
    }
    assert regulator.client.post("/backtest", data=form, follow_redirects=False).status_code == 303
    wrong = regulator.client.post("/backtest", data=form | {"rules_a": "lift.none"})
    assert wrong.status_code == 422
    assert "lift.none" in wrong.text


def test_a_run_that_cannot_be_done_says_why(platform: Platform, database: Database) -> None:
    now = platform.clock.now()
    asker_path = "/341300/"
    conn = platform.conn
    conn.execute(
        "insert into alarms.backtest_run (rules_a, begins_at, ends_at, units, before_seconds, after_seconds, scope_path, author, asked_at)"
        " values ('shipped', %s, %s, '{L999999}', 60, 60, %s, 'x', %s)",
        (now - timedelta(days=1), now, asker_path, now),
    )
    BacktestWork(database.url, platform.clock, BacktestSettings(processes=1)).turn(conn, now)
    found = runs.newest(conn)[0]
    assert found.state == "failed"
    assert "L999999" in (found.error or "")
    assert Order("shipped", None, Period(now, now), Matching(1, 1)).units == ()
