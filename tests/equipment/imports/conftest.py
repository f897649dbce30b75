from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from psycopg import sql

from dashboards.app import create_app
from dashboards.settings import WebSettings
from equipment.access.model import Role
from equipment.city.build import build_city
from equipment.foundation.clock import ManualClock
from equipment.foundation.database import Connection, DatabaseRole, connect, open_pool
from equipment.foundation.tables import write_csv
from equipment.imports import store
from equipment.imports.columns import columns
from equipment.imports.model import ImportJob, ImportOptions
from equipment.imports.runner import Importer
from equipment.imports.settings import ImportSettings
from equipment.transparency.keys import Signer
from tests.conftest import START, Database, Server, _fresh
from tests.platform import LOGIN_OF, Person

PASSWORD = "import-city-5"  # of a throw-away database


class Desk:
    """A registrar without a browser: hands files in, looks at the report, applies."""

    def __init__(self, conn: Connection, clock: ManualClock, folder: Path) -> None:
        self.conn = conn
        self.clock = clock
        self.folder = folder
        self.settings = ImportSettings()
        self.importer = Importer(conn, clock, self.settings)

    def file(self, rows: list[dict[str, str]], name: str = "units.csv") -> Path:
        """A file whose columns are the fields that the rows have."""
        fields = list(dict.fromkeys(field for row in rows for field in row))
        path = self.folder / name
        titles = [columns()[field].zh if field in columns() else field for field in fields]
        write_csv(path, titles, ([row.get(field, "") for field in fields] for row in rows))
        return path

    def submit(self, path: Path, *, again: bool = False, **options: Any) -> int:
        sent = store.submission(path, path.name, self.settings.most_bytes)
        with self.conn.transaction():
            job, _ = store.submit(self.conn, sent, ImportOptions(**options), None, self.clock.now(), again=again)
        return job

    def trial(self, path: Path, **options: Any) -> ImportJob:
        job = self.submit(path, **options)
        self.importer.run(job)
        return store.require_job(self.conn, job)

    def apply(self, path: Path, **options: Any) -> ImportJob:
        job = self.trial(path, **options)
        with self.conn.transaction():
            store.request_apply(self.conn, job.id, self.clock.now())
        self.importer.run(job.id)
        return store.require_job(self.conn, job.id)

    def report(self, job: ImportJob) -> list[store.ReportLine]:
        return store.report(self.conn, job.id, limit=10_000)

    def units(self) -> list[tuple[Any, ...]]:
        return self.conn.execute("select * from equipment.unit order by no").fetchall()


@pytest.fixture(scope="session")
def city_template(plain_server: Server) -> str:
    """A database with a small city, made once and cloned for each test."""
    name = "teshe_import_city"
    with psycopg.connect(plain_server.owner_url("postgres"), autocommit=True) as admin:
        admin.execute(
            sql.SQL("create database {} template {}").format(
                sql.Identifier(name), sql.Identifier(plain_server.template)
            )
        )
    with connect(plain_server.owner_url(name), DatabaseRole.SYSTEM, application_name="city") as conn:
        build_city(conn, units=20, seed=3, now=START, password=PASSWORD)
    return name


@pytest.fixture
def city(plain_server: Server, city_template: str) -> Iterator[Database]:
    yield from _fresh(replace(plain_server, template=city_template))


@pytest.fixture
def desk(city: Database, clock: ManualClock, tmp_path: Path) -> Iterator[Desk]:
    """An import desk over a small city."""
    with city.connect(autocommit=True) as conn:
        yield Desk(conn, clock, tmp_path)


@dataclass
class Web:
    """The web process over the desk's city."""

    app: FastAPI
    desk: Desk
    database: Database
    people: dict[Role, Person] = field(default_factory=dict)

    def person(self, role: Role) -> Person:
        """The demo account of a role, logged in."""
        if role not in self.people:
            client = TestClient(self.app, base_url="https://testserver")
            answer = client.post("/api/v1/sessions", json={"login": LOGIN_OF[role], "password": PASSWORD})
            assert answer.status_code == 201, answer.text
            self.people[role] = Person(client, answer.json()["csrf"])
        return self.people[role]


@pytest.fixture
def web(desk: Desk, city: Database, clock: ManualClock) -> Iterator[Web]:
    pool = open_pool(city.url, DatabaseRole.SCOPED, max_size=4, application_name="test-web")
    yield Web(create_app(pool, city.url, WebSettings(), clock, Signer.generate("teshe.test")), desk, city)
    pool.close()


def new_row(number: int, **changes: str) -> dict[str, str]:
    """A row of a lift that can be registered."""
    row = {
        "variety_code": "3110", "device_code": f"3110108902024{number:05d}", "name": f"拂晓新城 {number} 号梯",
        "rescue_code": f"{200000 + number}", "internal_no": f"{number}#", "address": f"埇桥区银河一路 {number} 号",
        "jurisdiction_id": "埇桥区", "use_org": "宿州测试物业有限公司", "status": "在用",
    }  # fmt: skip
    return {**row, **changes}
