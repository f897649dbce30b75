"""A record is looked at with what the database knows; the accused answers; the inspector decides; the log holds it all."""

from __future__ import annotations

import hashlib
import io
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from PIL import Image

from dashboards.verification import LOOKUPS
from equipment.access.model import Role
from equipment.transparency.errors import LogDamagedError
from equipment.transparency.inspection import inspect
from maintenance.plausibility import service
from maintenance.slow import SlowMaintenance
from tests.dashboards.test_story import LIFT, record
from tests.pipeline import RESTING
from tests.platform import LOGIN_OF, Person, Platform


def scene(shift: int) -> bytes:
    """A picture with enough in it; ``shift`` moves its edges."""
    picture = Image.new("RGB", (320, 240))
    picture.putdata(
        [((x * 5 + shift * 40) % 256, (y * 9 + x * shift) % 256, (x * y) % 251) for y in range(240) for x in range(320)]
    )
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=90)
    return out.getvalue()


class Firm:
    """A firm whose worker files, and the clockwork that looks at it."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.work = SlowMaintenance("", platform.clock)
        row = platform.conn.execute(
            "select array_agg(u.id order by u.no) from equipment.unit u join equipment.account a on a.organisation_id = u.firm_org_id"
            " join equipment.account i on i.login = 'inspector' join equipment.jurisdiction j on j.id = i.jurisdiction_id"
            " where a.login = 'worker' and u.kind = 'lift' and starts_with(u.jurisdiction_path, j.path)"
        ).fetchone()
        self.lifts: list[str] = row[0] if row and row[0] else [LIFT]

    @property
    def worker(self) -> Person:
        """The worker, logged in again each time: sessions end while the test lets days pass."""
        self.platform.people.clear()
        return self.platform.person(Role.FIRM_WORKER)

    def photo(self, unit: str, content: bytes) -> str:
        name = hashlib.sha256(content).hexdigest()
        worker = self.worker
        answer = worker.client.put(
            f"/api/v1/units/{unit}/photos/{name}?size={len(content)}", content=content,
            headers={"X-CSRF-Token": worker.csrf},
        )  # fmt: skip
        assert answer.json()["complete"], answer.text
        return name

    def file(self, key: str, unit: str, **more: Any) -> str:
        body = record(self.platform, unit, "none", "") | more
        return str(self.worker.post("/records", body, Idempotency_Key=key)["record_id"])

    def look(self, minutes: float = 11) -> None:
        self.platform.turn()
        self.work.turn(self.platform.conn, self.platform.clock.now())
        self.platform.clock.advance(minutes * 60)
        while self.work.turn(self.platform.conn, self.platform.clock.now()):
            pass

    def story(self, record_id: str) -> dict[str, Any]:
        made: dict[str, Any] = self.worker.get(f"/records/{record_id}/plausibility")
        return made

    def checks(self, record_id: str) -> set[str]:
        return {f["check"] for f in self.story(record_id)["findings"] if f["state"] != "withdrawn"}


@pytest.fixture
def firm(platform: Platform) -> Firm:
    return Firm(platform)


def test_a_photo_that_comes_again_is_recognised_and_the_first_stays_clean(firm: Firm) -> None:
    unit = firm.lifts[0]
    first = firm.file("visit-0001", unit, places=[place(firm, firm.photo(unit, scene(1)))])
    firm.look()
    assert firm.checks(first) == set()
    firm.platform.clock.advance(15 * 86_400)
    same = firm.file("visit-0002", unit, places=[place(firm, firm.photo(unit, scene(1)))])
    fresh = firm.file("visit-0003", unit, places=[place(firm, firm.photo(unit, scene(3)))])
    picture = Image.open(io.BytesIO(scene(1))).resize((300, 225))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=60)
    smaller = firm.file("visit-0004", unit, places=[place(firm, firm.photo(unit, out.getvalue()))])
    firm.look()
    assert "photo_same" in firm.checks(same)
    assert "photo_similar" in firm.checks(smaller)
    assert {"photo_same", "photo_similar"} & firm.checks(fresh) == set()


def place(firm: Firm, photo: str) -> dict[str, Any]:
    return {"place": "car", "at": firm.platform.clock.now().isoformat(), "photos": [photo]}


def test_a_correction_is_no_copy_of_what_it_corrects(firm: Firm) -> None:
    unit = firm.lifts[0]
    shot = [place(firm, firm.photo(unit, scene(1)))]
    first = firm.file("visit-0001", unit, places=shot)
    second = firm.file("visit-0002", unit, places=shot, corrects=first)
    firm.look()
    assert "photo_same" not in firm.checks(second) | firm.checks(first)


def test_the_lift_itself_speaks_through_its_terminal(firm: Firm) -> None:
    """Normal service for the whole visit speaks against it; late telemetry of inspection withdraws that."""
    platform = firm.platform
    platform.conn.execute("update equipment.unit set device_model = 'TS-L2' where id = %s", (LIFT,))
    begin = platform.clock.now()
    for minute in range(0, 44, 2):
        platform.pipeline.send(
            LIFT, RESTING | {"run_count": 50, "power_source": 0}, at=begin + timedelta(minutes=minute)
        )
        platform.clock.advance(120)
    made = firm.file("visit-0001", LIFT)
    firm.look()
    assert {"no_inspection", "counters_still"} <= firm.checks(made)
    skipped = {s["check"] for s in firm.story(made)["skipped"]}
    assert "confirmation" in skipped
    for minute in (21, 23):
        platform.pipeline.send(LIFT, RESTING | {"service_mode": 2}, at=begin + timedelta(minutes=minute))
    firm.look(25 * 60)
    assert firm.checks(made) == {"inspection_seen"}
    states = {f["check"]: f["state"] for f in firm.story(made)["findings"]}
    assert states["no_inspection"] == "withdrawn"


def test_it_counts_only_after_the_accused_could_answer(firm: Firm) -> None:
    now = firm.platform.clock.now()
    short = {"sign_in": {"at": (now - timedelta(minutes=3)).isoformat()}}
    made = firm.file("visit-0001", firm.lifts[0], **short)
    firm.look()
    story = firm.story(made)
    assert (story["points"], story["provisional"]) == (0, 35)
    finding = story["findings"][0]["id"]
    inspector = firm.platform.log_in(LOGIN_OF[Role.INSPECTOR])
    refused = inspector.send(f"/findings/{finding}/uphold", {"reason": "太短"})
    assert refused.status_code == 409
    firm.worker.post(f"/findings/{finding}/answer", {"reason": "两人同时作业，另一人先到"})
    upheld = inspector.post(f"/findings/{finding}/uphold", {"reason": "无其他人签名"})
    assert (upheld["state"], upheld["counts"]) == ("counted", True)
    assert firm.story(made)["points"] == 35
    firm.worker.post(f"/findings/{finding}/answer", {"reason": "附考勤"})
    inspector.post(f"/findings/{finding}/dismiss", {"reason": "考勤属实"})
    assert firm.story(made)["points"] == 0
    page = inspector.client.get(f"/records/{made}").text
    assert "考勤属实" in page
    assert "两人同时作业" in page
    officer = firm.platform.person(Role.USE_UNIT_OFFICER)
    assert officer.client.get(f"/api/v1/records/{made}/plausibility").status_code == 403


def test_nobody_answered_in_time(firm: Firm) -> None:
    now = firm.platform.clock.now()
    made = firm.file("visit-0001", firm.lifts[0], sign_in={"at": (now - timedelta(minutes=3)).isoformat()})
    firm.look()
    firm.look(8 * 24 * 60)
    assert firm.story(made)["points"] == 35
    listed = firm.platform.person(Role.INSPECTOR).client.get("/plausibility").text
    assert "时长过短" in listed


def test_the_officers_confirmation_from_the_workers_phone_is_seen(firm: Firm) -> None:
    made = firm.worker.post("/records", record(firm.platform, LIFT, "none", ""), Idempotency_Key="visit-0001")
    digest = made["digest"]
    firm.worker.post(f"/records/{made['record_id']}/signatures", {"digest": digest, "device": "Chrome #abc"})
    officer = firm.platform.person(Role.USE_UNIT_OFFICER)
    officer.post(f"/records/{made['record_id']}/confirm", {"digest": digest, "device": "Chrome #abc"})
    firm.look()
    assert "own_device" in firm.checks(made["record_id"])


def test_another_firm_sees_nothing_and_the_log_notices_a_changed_word(firm: Firm) -> None:
    now = firm.platform.clock.now()
    made = firm.file("visit-0001", firm.lifts[0], sign_in={"at": (now - timedelta(minutes=3)).isoformat()})
    firm.look()
    firm.platform.turn()
    conn = firm.platform.conn
    inspect(conn, LOOKUPS)
    with conn.transaction():
        conn.execute("set local role teshe_scoped")
        conn.execute(
            "select set_config('teshe.scope_kind', 'firm', true), set_config('teshe.organisation', '999', true)"
        )
        assert service.story(conn, UUID(made)) is None
    conn.execute("reset role")
    conn.execute("alter table maintenance.finding_event disable trigger finding_event_append_only")
    conn.execute("update maintenance.finding_event set said = 'x'")
    with pytest.raises(LogDamagedError):
        inspect(conn, LOOKUPS)
