"""A district's office at work: its inspectors, a lift in its area, the unit responsible for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from equipment.access.model import Role
from equipment.access.store import NewAccount, create_account
from tests.pipeline import PASSWORD
from tests.platform import LOGIN_OF, Person, Platform

LIFT = "L000001"
PNG = b"\x89PNG\r\n\x1a\n" + b"picture"
FULL = {
    "responsible_person": "王经理",
    "funds": "自筹 2 万元",
    "plan": "停梯期间安排专人引导",
    "officers": "张监察 W1001、李监察 W1002",
}


@dataclass
class Office:
    """Everything a case needs."""

    platform: Platform
    sessions: dict[str, tuple[datetime, Person]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.conn.execute("update equipment.unit set jurisdiction_id = '341302' where id = %s", (LIFT,))
        row = self.conn.execute(
            "select no, use_org_id, firm_org_id from equipment.unit where id = %s", (LIFT,)
        ).fetchone()
        assert row is not None
        self.unit_no, self.use_org, self.firm_org = row

    @property
    def conn(self) -> Any:
        return self.platform.conn

    @property
    def inspector(self) -> Person:
        return self.person(LOGIN_OF[Role.INSPECTOR])

    @property
    def regulator(self) -> Person:
        return self.person(LOGIN_OF[Role.REGULATOR])

    @property
    def officer(self) -> Person:
        """The use-unit's safety officer."""
        return self.person(LOGIN_OF[Role.USE_UNIT_OFFICER])

    def person(self, login: str) -> Person:
        """Logged in; again when so much time has passed that a session may be over."""
        now = self.platform.clock.now()
        since, found = self.sessions.get(login, (now, None))
        if found is None or now - since > timedelta(minutes=5):
            found = self.platform.log_in(login)
            self.sessions[login] = (now, found)
        return found

    def second_inspector(self, district: str = "341302", login: str = "inspector2") -> Person:
        if login not in self.sessions:
            account = NewAccount(login, "李监察", PASSWORD, Role.INSPECTOR, jurisdiction_id=district)
            create_account(self.conn, account, self.platform.clock.now())
        return self.person(login)

    def later(self, **span: float) -> None:
        """Let time pass at once, and the jobs do what is due."""
        self.platform.clock.advance(timedelta(**span).total_seconds())
        self.platform.turn()

    def report(self, **more: Any) -> int:
        body = {"source": "inspection", "unit_id": LIFT, "summary": "层门门锁短接", **more}
        return int(self.inspector.post("/leads", body)["lead_id"])

    def hazard(self, grade: str = "general", clause: str | None = None, **more: Any) -> int:
        """A verified hazard on the list; ``source`` and ``cause`` are of its lead."""
        lead = self.report(**{name: more.pop(name) for name in ("source", "cause", "summary") if name in more})
        verdict = {"decision": "hazard", "reason": "现场核实属实", "grade": grade, "clause": clause, **more}
        return int(self.inspector.post(f"/leads/{lead}/decide", verdict)["hazard_id"])

    def act(self, person: Person, hazard: int, name: str, reason: str | None = None, **detail: Any) -> dict[str, Any]:
        done: dict[str, Any] = person.post(f"/hazards/{hazard}/{name}", {"reason": reason, "detail": detail})
        return done

    def refused(self, person: Person, hazard: int, name: str, reason: str | None = None, **detail: Any) -> str:
        answer = person.send(f"/hazards/{hazard}/{name}", {"reason": reason, "detail": detail})
        assert answer.status_code in (403, 404, 409, 422), answer.text
        return str(answer.json()["detail"])

    def hand_over(self, hazard: int, days: int = 10, **more: Any) -> dict[str, Any]:
        due = (self.platform.clock.now() + timedelta(days=days)).date().isoformat()
        detail = {"responsible_org_id": self.use_org, "measures": "更换门锁", "due_at": due, **more}
        return self.act(self.inspector, hazard, "hand_over", **detail)

    def rectifying(self, hazard: int, **more: Any) -> None:
        """Handed over, received, begun."""
        self.hand_over(hazard, **more)
        self.act(self.officer, hazard, "receipt")
        self.act(self.officer, hazard, "start", measures="停梯更换门锁")

    def photo(self, person: Person, hazard: int, stage: str, data: bytes = PNG) -> Any:
        return person.client.post(
            f"/api/v1/hazards/{hazard}/files?stage={stage}", content=data, headers={"X-CSRF-Token": person.csrf}
        )

    def events(self, hazard: int) -> list[str]:
        rows = self.conn.execute(
            "select event from maintenance.hazard_event where hazard_id = %s order by id", (hazard,)
        )
        return [row[0] for row in rows]
