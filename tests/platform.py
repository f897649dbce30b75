"""The whole platform without processes: scripted worker, jobs by turns, the web process as a client sees it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI
from fastapi.testclient import TestClient

from alarms.incidents.settings import DeskSettings
from dashboards.app import create_app
from dashboards.jobs import Jobs
from dashboards.settings import WebSettings
from equipment.access.model import Role
from equipment.city.build import LOGINS
from equipment.foundation import stream
from equipment.foundation.clock import ManualClock
from equipment.foundation.database import Connection, DatabaseRole, open_pool
from equipment.transparency.keys import Signer
from tests.conftest import Database
from tests.pipeline import PASSWORD, Pipeline

LOGIN_OF = {login.role: login.login for login in LOGINS}


@dataclass
class Person:
    """Somebody with a session, as his browser or his software asks."""

    client: TestClient
    csrf: str

    def get(self, address: str) -> Any:
        """The JSON of a successful answer."""
        answer = self.client.get(f"/api/v1{address}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def send(self, address: str, body: Any, **headers: str) -> Any:
        """POST; the answer, whatever it is."""
        names = {"X-CSRF-Token": self.csrf} | {k.replace("_", "-"): v for k, v in headers.items()}
        return self.client.post(f"/api/v1{address}", json=body, headers=names)

    def post(self, address: str, body: Any, **headers: str) -> Any:
        """POST that must succeed."""
        answer = self.send(address, body, **headers)
        assert answer.status_code in (200, 201, 204), answer.text
        return answer.json() if answer.content else None


@dataclass
class Platform:
    """A small city at a scripted time."""

    app: FastAPI
    pipeline: Pipeline
    clock: ManualClock
    conn: Connection
    stack: ExitStack
    signer: Signer
    jobs: Jobs = field(init=False)
    people: dict[Role, Person] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.jobs = Jobs(DeskSettings(), self.signer)

    def person(self, role: Role) -> Person:
        """The demo account of a role, logged in."""
        if role not in self.people:
            self.people[role] = self.log_in(LOGIN_OF[role])
        return self.people[role]

    def log_in(self, login: str, password: str = PASSWORD) -> Person:
        """A session of an account."""
        client = TestClient(self.app, base_url="https://testserver")
        answer = client.post("/api/v1/sessions", json={"login": login, "password": password})
        assert answer.status_code == 201, answer.text
        return Person(client, answer.json()["csrf"])

    def turn(self, seconds: float = 0.0) -> None:
        """Let time pass and the jobs do what is due."""
        if seconds:
            self.pipeline.wait(seconds)
        now = self.clock.now()
        for _ in range(2):
            stream.sequence_waiting(self.conn, now)
            self.jobs.turn(self.conn, now)
        stream.sequence_waiting(self.conn, now)


@contextmanager
def platform_over(database: Database, clock: ManualClock) -> Iterator[Platform]:
    """A platform over a fresh database."""
    with ExitStack() as stack:
        worker = stack.enter_context(database.connect(autocommit=True))
        jobs = stack.enter_context(database.connect(autocommit=True))
        pipeline = Pipeline(worker, clock)
        pool = open_pool(database.url, DatabaseRole.SCOPED, max_size=4, application_name="test-web")
        stack.callback(pool.close)
        signer = Signer.generate("teshe.test")
        app = create_app(pool, database.url, WebSettings(record_position_seconds=0), clock, signer)
        yield Platform(app, pipeline, clock, jobs, stack, signer)
