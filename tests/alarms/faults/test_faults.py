"""Killed in the middle of a dispatch, without a database, without an escalator: nothing is lost, nobody is paged twice."""

from __future__ import annotations

import threading
import time
from typing import Any

import httpx
import pytest

from equipment.foundation.database import DatabaseRole, connect
from tests.alarms.faults.plant import ANSWER_SECONDS, WATCHDOG_SECONDS, DeskPlant
from tests.ingest.faults.conftest import Mortal
from tests.ingest.faults.plant import eventually

pytestmark = pytest.mark.timeout(300)


def dispatch_in_background(desk: DeskPlant, incident: dict[str, Any]) -> tuple[threading.Thread, list[Any]]:
    """The seat presses 派单 and waits; what it gets to see."""
    seen: list[Any] = []

    def press() -> None:
        try:
            seen.append(desk.post(f"/incidents/{incident['id']}/dispatch", {"version": incident["version"]}))
        except httpx.HTTPError as error:
            seen.append(error)

    thread = threading.Thread(target=press)
    thread.start()
    return thread, seen


def nobody_is_paged_twice(desk: DeskPlant, word: str = "困人") -> None:
    heard = desk.gateway.heard(word)
    assert heard
    assert set(heard.values()) == {1}
    numbers = [(path, to) for path, to, _ in heard]
    assert len(numbers) == len(set(numbers))


def test_the_web_server_is_killed_before_the_order_is_committed(desk: DeskPlant) -> None:
    incident = desk.report()
    with connect(desk.url, DatabaseRole.OWNER, application_name="test") as blocker:
        # the order is written, and its pages wait: the request is in the middle
        blocker.execute("lock table alarms.notification in access exclusive mode")
        thread, seen = dispatch_in_background(desk, incident)
        waiting = (
            "select count(*) from pg_stat_activity where application_name = 'teshe-web' and wait_event_type = 'Lock'"
            " and query like '%alarms.notification%' and datname = current_database()"
        )
        eventually(lambda: desk.rows(waiting) == [(1,)])
        desk.kill("web")
        blocker.rollback()
    thread.join(20)
    assert isinstance(seen[0], httpx.HTTPError)  # the seat sees that it did not go through
    eventually(lambda: desk.rows(waiting.replace("and wait_event_type = 'Lock'", "")) == [(0,)])
    assert desk.levels() == []
    assert desk.rows("select count(*) from alarms.notification") == [(0,)]
    desk.start("web")
    (again,) = desk.get("/incidents")
    assert (again["state"], again["version"]) == (incident["state"], incident["version"])
    assert desk.post(f"/incidents/{incident['id']}/dispatch", {"version": incident["version"]}).status_code == 200
    assert desk.levels() == [1]
    eventually(lambda: len(desk.gateway.heard("困人")) >= 2)
    nobody_is_paged_twice(desk)


def test_the_web_server_is_killed_after_the_commit_and_before_the_answer(desk: DeskPlant) -> None:
    incident = desk.report()
    thread, _ = dispatch_in_background(desk, incident)
    eventually(lambda: desk.levels() == [1])
    desk.kill("web")
    thread.join(20)
    desk.start("web")
    # who saw no answer presses again, with what he had seen: told who was first, and no second order
    answer = desk.post(f"/incidents/{incident['id']}/dispatch", {"version": incident["version"]})
    assert answer.status_code == 409
    assert "派单" in answer.json()["detail"] or "dispatch" in answer.json()["detail"]
    assert desk.levels() == [1]
    eventually(lambda: len(desk.gateway.heard("困人")) >= 2)
    nobody_is_paged_twice(desk)


def test_the_database_is_restarted_while_an_order_waits_for_its_answer(hasty_desk: DeskPlant, mortal: Mortal) -> None:
    desk = hasty_desk
    incident = desk.report()
    assert desk.post(f"/incidents/{incident['id']}/dispatch", {"version": incident["version"]}).status_code == 200
    eventually(lambda: len(desk.gateway.heard("困人")) >= 2)
    mortal.server.stop()
    away = time.monotonic()
    assert httpx.get(f"http://127.0.0.1:{desk.port}/healthz", timeout=20).status_code == 503  # said clearly
    # the watchdog needs no database to say that it cannot see
    eventually(lambda: len(desk.gateway.heard("值守报警：数据库")) == 2)
    while time.monotonic() - away < ANSWER_SECONDS + 2:
        time.sleep(0.2)
    mortal.server.start()
    # the timer ran out meanwhile: it acts once, and late rather than never
    eventually(lambda: desk.levels() == [1, 2])
    eventually(lambda: len(desk.gateway.heard("值守恢复")) == 2)
    time.sleep(2)
    assert desk.levels() == [1, 2]
    (after,) = desk.get("/incidents")
    assert (after["id"], after["state"]) == (incident["id"], "dispatched")
    nobody_is_paged_twice(desk)
    nobody_is_paged_twice(desk, "值守报警：数据库")


def test_the_escalator_is_killed_while_an_order_waits_for_its_answer(hasty_desk: DeskPlant) -> None:
    desk = hasty_desk
    incident = desk.report()
    assert desk.post(f"/incidents/{incident['id']}/dispatch", {"version": incident["version"]}).status_code == 200
    eventually(lambda: len(desk.gateway.heard("困人")) >= 2)
    desk.kill("jobs")
    killed = time.monotonic()
    # the web process tells people by itself, once each
    eventually(lambda: len(desk.gateway.heard("值守报警")) == 2, 20)
    assert time.monotonic() - killed >= WATCHDOG_SECONDS - 1
    assert {to for _, to, _ in desk.gateway.heard("值守报警")} == {"duty-1", "duty-2"}
    seen = desk.get("/desk/watch")
    assert seen["reason"]
    assert (seen["duty"], seen["told"]) == (2, 2)
    while time.monotonic() - killed < ANSWER_SECONDS + 2:
        time.sleep(0.2)
    assert desk.levels() == [1]
    desk.start("jobs")
    eventually(lambda: desk.levels() == [1, 2])
    eventually(lambda: desk.get("/desk/watch")["reason"] is None)
    time.sleep(2)
    assert desk.levels() == [1, 2]
    nobody_is_paged_twice(desk)
    nobody_is_paged_twice(desk, "值守报警")


def test_the_sender_is_killed_while_a_provider_takes_a_call(desk: DeskPlant) -> None:
    incident = desk.report()
    desk.gateway.open.clear()
    assert desk.post(f"/incidents/{incident['id']}/dispatch", {"version": incident["version"]}).status_code == 200
    eventually(lambda: {path for path, _, _ in desk.gateway.heard("困人")} == {"/voice", "/sms"})
    desk.kill("jobs")
    desk.gateway.open.set()
    desk.start("jobs")
    unsent = "select count(*) from alarms.notification where state in ('pending', 'sending')"
    eventually(lambda: desk.rows(unsent) == [(0,)], 60)
    heard = desk.gateway.heard("困人")
    # the provider is asked a second time under the same key, and so rings once
    numbers = [(path, to) for path, to, _ in heard if to]
    assert len(numbers) == len(set(numbers))
    assert max(heard.values()) == 2
    assert desk.rows("select count(*) from alarms.notification where state = 'dead'") == [(0,)]
