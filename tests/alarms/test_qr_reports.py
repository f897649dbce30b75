"""扫码报告: what anybody says who scans a plate, from the public form to the desk, at scripted times."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from alarms.desk import qr
from alarms.errors import AlarmsInputError
from dashboards.retention import ERASERS
from equipment.access.model import Role
from equipment.foundation.clock import ManualClock
from tests.conftest import Database
from tests.pipeline import TRAPPED
from tests.platform import Platform, platform_over

LIFT = "L000001"


@pytest.fixture
def city(database: Database, clock: ManualClock) -> Any:
    with platform_over(database, clock) as made:
        yield made


class Passenger:
    """Somebody with a telephone, who has scanned the plate."""

    def __init__(self, platform: Platform, unit: str = LIFT) -> None:
        self.platform = platform
        row = platform.conn.execute("select rescue_code from equipment.unit where id = %s", (unit,)).fetchone()
        assert row is not None
        self.address = f"/lift/{row[0]}/report"
        self.client = platform.person(Role.DESK).client  # a session changes nothing for the public page

    def form(self) -> str:
        found = re.search(r'name="form" value="([0-9a-f]{32})"', self.client.get(self.address).text)
        assert found is not None
        return found[1]

    def send(self, form: str = "", **fields: str) -> Any:
        values = {"form": form or self.form(), "kind": "entrapment", "words": "灯不亮", "phone": "", **fields}
        answer = self.client.post(self.address, data=values, follow_redirects=False)
        self.platform.turn()
        return answer

    def incidents(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.platform.person(Role.DESK).get("/incidents")
        return found

    def rows(self, query: str) -> list[Any]:
        return self.platform.conn.execute(query).fetchall()


@pytest.fixture
def passenger(city: Platform) -> Passenger:
    return Passenger(city)


def test_people_trapped_open_a_lead_with_its_clock_and_its_source(passenger: Passenger) -> None:
    answer = passenger.send(phone="13800001234")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{passenger.address}?sent=entrapment")
    (incident,) = passenger.incidents()
    assert (incident["state"], incident["confirmed"], incident["first_source"]) == ("verifying", False, "qr")
    page = passenger.client.get(f"/desk/{incident['id']}").text
    assert "扫码报告" in page
    assert "灯不亮" in page
    assert "13800001234" in page
    assert "tel:96366" in passenger.client.get(answer.headers["location"]).text
    # nobody could be asked: help goes
    passenger.platform.turn(91)
    assert passenger.incidents()[0]["state"] == "dispatched"


def test_a_report_joins_what_is_open_and_confirms_nothing(passenger: Passenger) -> None:
    passenger.platform.pipeline.send(LIFT, TRAPPED)
    passenger.platform.turn(46)
    passenger.send()
    (incident,) = passenger.incidents()
    assert (incident["confirmed"], incident["first_source"]) == (False, "alarm")
    assert passenger.rows("select source_kind from alarms.incident_source order by joined_at, source_kind") == [
        ("alarm",), ("qr",),
    ]  # fmt: skip


def test_a_complaint_is_a_task_unless_something_is_open(passenger: Passenger) -> None:
    passenger.send(kind="complaint", words="电梯太慢", phone="13800001234")
    assert passenger.incidents() == []
    desk = passenger.platform.person(Role.DESK)
    (task,) = desk.get("/desk/tasks")
    assert task["kind"] == "qr_report"
    assert "电梯太慢" in desk.client.get("/desk").text
    desk.post(f"/desk/tasks/{task['id']}/close", {"resolution": "已转告物业"})
    passenger.send()
    passenger.send(kind="complaint", words="快来")
    assert len(passenger.incidents()) == 1
    assert desk.get("/desk/tasks") == []


def test_the_same_press_twice_is_one_report_and_an_error_keeps_what_was_typed(passenger: Passenger) -> None:
    form = passenger.form()
    assert passenger.send(form, kind="fault").status_code == 303
    assert passenger.send(form, kind="fault").status_code == 303
    assert passenger.rows("select count(*) from alarms.qr_report") == [(1,)]
    wrong = passenger.send(kind="fault", words="", phone="not a number <b>")
    assert wrong.status_code == 422
    assert "not a number &lt;b&gt;" in wrong.text
    assert passenger.send(kind="", words="门夹人").status_code == 422
    # what fills in the field that nobody sees is asked once more, with its words
    again = passenger.send(words="我在三楼", homepage="http://x")
    assert again.status_code == 200
    assert "我在三楼" in again.text
    assert "再点一次" in again.text
    assert passenger.rows("select count(*) from alarms.qr_report") == [(1,)]


def test_a_flood_of_one_address_and_of_one_lift_is_bounded_and_says_so(passenger: Passenger) -> None:
    for _ in range(3):
        assert passenger.send().status_code == 303
    refused = passenger.send(words="第四次")
    assert refused.status_code == 429
    assert "第四次" in refused.text
    assert "96366" in refused.text
    assert passenger.rows("select count(*) from alarms.qr_report") == [(3,)]
    assert len(passenger.incidents()) == 1
    other = Passenger(passenger.platform, "L000002")
    assert other.send().status_code == 303
    for n in range(9):
        passenger.platform.conn.execute(
            "insert into alarms.qr_sender (report_id, sender, plate, received_at)"
            " select id, 'x' || %s, plate, received_at from alarms.qr_report where id not in (select report_id from alarms.qr_sender) limit 1",
            (n,),
        )
    for _ in range(25):
        passenger.platform.conn.execute(
            "with r as (insert into alarms.qr_report (form, plate, unit_no, unit_status, kind, received_at)"
            " select gen_random_uuid()::text, plate, unit_no, 'in_use', 'fault', received_at from alarms.qr_report order by id limit 1 returning *)"
            " insert into alarms.qr_sender (report_id, sender, plate, received_at) select id, 'other', plate, received_at from r"
        )
    passenger.platform.conn.execute("delete from alarms.qr_sender where sender = 'testclient'")
    full = passenger.send()
    assert full.status_code == 429
    assert "多次" in full.text
    passenger.platform.clock.advance(601)
    assert passenger.send().status_code == 303
    passenger.platform.turn(86_401)
    assert passenger.rows("select count(*) from alarms.qr_sender") == [(0,)]


def test_an_unknown_plate_says_so_and_keeps_the_words(passenger: Passenger) -> None:
    assert passenger.client.get("/lift/000000/report").status_code == 404
    answer = passenger.client.post("/lift/000000/report", data={"form": "0" * 32, "kind": "fault", "words": "门坏了"})
    assert answer.status_code == 404
    assert "门坏了" in answer.text
    assert "tel:96366" in answer.text
    assert passenger.rows("select count(*) from alarms.qr_report") == [(0,)]


def test_a_scrapped_lift_that_holds_people_is_a_lead_that_says_so(passenger: Passenger) -> None:
    passenger.platform.conn.execute("update equipment.unit set status = 'scrapped' where id = %s", (LIFT,))
    assert "报废" in passenger.client.get(passenger.address.removesuffix("/report")).text
    passenger.send()
    (incident,) = passenger.incidents()
    assert incident["state"] == "verifying"
    assert "报废" in passenger.client.get(f"/desk/{incident['id']}").text


def test_words_and_telephone_can_be_erased_and_the_report_stays(passenger: Passenger) -> None:
    passenger.send(phone="13800001234")
    ((number,),) = passenger.rows("select id from alarms.qr_report")
    now = passenger.platform.clock.now()
    with pytest.raises(AlarmsInputError):
        qr.erase(passenger.platform.conn, number, " ", now)
    qr.erase(passenger.platform.conn, number, "当事人请求", now)
    with pytest.raises(AlarmsInputError):
        qr.erase(passenger.platform.conn, number, "当事人请求", now)
    assert passenger.rows("select words, phone, erased_why from alarms.qr_report_words") == [("", None, "当事人请求")]
    (incident,) = passenger.incidents()
    page = passenger.client.get(f"/desk/{incident['id']}").text
    assert "灯不亮" not in page
    assert "扫码报告" in page
    later, conn, eraser = now + timedelta(days=401), passenger.platform.conn, ERASERS["scan_reports"]
    assert (eraser.count(conn, now), eraser.count(conn, later)) == (0, 1)
    assert (eraser.erase(conn, later, "保存期满", later), eraser.count(conn, later)) == (1, 0)


def test_who_has_no_business_there_reads_no_report(passenger: Passenger) -> None:
    passenger.send(phone="13800001234")
    (incident,) = passenger.incidents()
    firm = passenger.platform.person(Role.FIRM_MANAGER)
    assert "13800001234" not in firm.client.get(f"/api/v1/incidents/{incident['id']}").text
    assert "13800001234" not in firm.client.get("/firm").text
    inspector = passenger.platform.person(Role.AUDITOR)
    shown = inspector.client.get(f"/desk/{incident['id']}").text
    assert "13800001234" not in shown
    assert "138****1234" in shown
