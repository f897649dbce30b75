"""What an operator deploys: the compose file, the broker's configurations, the image."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from pydantic_settings import BaseSettings
from typer.main import get_command

from dashboards.commands import app
from dashboards.commands.services import web_login
from equipment.foundation.embedded_nats import EmbeddedNats, binary
from equipment.foundation.errors import InputError
from equipment.foundation.settings import FoundationSettings
from tests.conftest import PACKAGES, Database

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
PROFILES = ("single", "cluster")
IMAGE_OF_ANOTHER = {"database", "broker", "broker-1", "broker-2", "broker-3"}


def ours(kind: type[BaseSettings]) -> Iterator[type[BaseSettings]]:
    """Every class of settings that the commands have loaded."""
    for found in kind.__subclasses__():
        if found.__module__.split(".")[0] in PACKAGES:
            yield found
        yield from ours(found)


KNOWN_SETTINGS = {
    f"{settings.model_config.get('env_prefix')}{name}".upper()
    for settings in ours(BaseSettings)
    for name in settings.model_fields
}


def in_profile(profile: str) -> set[str]:
    return {n for n, s in COMPOSE["services"].items() if profile in s.get("profiles", PROFILES)}


@pytest.mark.parametrize("profile", PROFILES)
def test_a_profile_is_a_whole_installation(profile: str) -> None:
    services = in_profile(profile)
    assert {"database", "migrate", "worker", "jobs", "upkeep", "web"} <= services
    brokers = {n for n in services if n.startswith("broker")}
    assert len(brokers) == (1 if profile == "single" else 3)
    for name in services:
        for other, how in COMPOSE["services"][name].get("depends_on", {}).items():
            assert other in services or how.get("required") is False, f"{name} waits for {other}"


def test_our_services_run_commands_that_exist_with_settings_that_exist() -> None:
    commands = set(get_command(app).list_commands(None))  # type: ignore[attr-defined]
    for name, service in COMPOSE["services"].items():
        if name in IMAGE_OF_ANOTHER:
            continue
        assert service["command"][0] in commands, name
        assert set(service["environment"]) <= KNOWN_SETTINGS, name


def test_every_service_that_stays_says_whether_it_is_healthy() -> None:
    assert [
        n for n, s in COMPOSE["services"].items() if n not in {"migrate", "authorise"} and "healthcheck" not in s
    ] == []


def test_the_web_process_has_no_login_but_its_own() -> None:
    environment = COMPOSE["services"]["web"]["environment"]
    assert "TESHE_DATABASE_URL" not in environment
    assert conninfo_to_dict(re.sub(r"\$\{[^}]*\}", "x", environment["TESHE_WEB_DATABASE_URL"]))["user"] == "teshe_web"


def test_no_password_is_written_anywhere() -> None:
    example = (ROOT / "deploy" / "env.example").read_text(encoding="utf-8")
    asked = re.findall(r"\$\{(\w+):\?", (ROOT / "compose.yaml").read_text(encoding="utf-8"))
    assert {line.split("=")[0] for line in example.splitlines() if line.endswith("=")} == set(asked)


@pytest.mark.parametrize("name", ["single", "cluster"])
def test_the_brokers_take_their_configuration(name: str) -> None:
    secrets = {"TESHE_NODE": "node-1", "TESHE_BROKER_PASSWORD": "p"}
    done = subprocess.run(
        [binary(), "-t", "-c", ROOT / "deploy" / "nats" / f"{name}.conf"],
        capture_output=True, text=True, check=False, env={**os.environ, **secrets},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_the_brokers_of_an_installation_are_set_as_the_embedded_one(nats: EmbeddedNats) -> None:
    """Acknowledgement times and limits decide what can be lost: they must not differ by where it runs."""
    embedded = nats._configuration(0)
    mqtt = embedded["mqtt"]
    assert isinstance(mqtt, dict)
    for name in ("single", "cluster"):
        text = (ROOT / "deploy" / "nats" / f"{name}.conf").read_text(encoding="utf-8")
        assert f"max_ack_pending: {mqtt['max_ack_pending']}" in text
        assert 'ack_wait: "5s"' in text


def test_the_image_has_every_package_and_the_browser_libraries() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    for package in ("equipment", "ingest", "alarms", "maintenance", "dashboards"):
        assert f"COPY {package} {package}" in text
    assert "copy_vendor.py" in text


def test_migration_makes_the_web_login_and_it_may_do_nothing_else(database: Database) -> None:
    parts = conninfo_to_dict(database.url)
    web_url = make_conninfo(database.url, user="teshe_web_test", password="web-secret-1")
    web_login(FoundationSettings(database_url=database.url, web_database_url=web_url))
    with psycopg.connect(web_url) as conn:
        assert conn.execute(
            "select pg_has_role('teshe_scoped', 'member'), pg_has_role('teshe_system', 'member')"
        ).fetchone() == (True, False)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute("set role teshe_system")
    for wrong in (database.url, make_conninfo(database.url, user="teshe_web_test", password="")):
        with pytest.raises(InputError, match="login of its own"):
            web_login(FoundationSettings(database_url=database.url, web_database_url=wrong))
    with psycopg.connect(database.url, autocommit=True) as owner:
        owner.execute("drop role teshe_web_test")
    assert parts["user"] != "teshe_web_test"
