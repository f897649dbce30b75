"""A checkpoint under an authority's clock: a bundle proves offline that its log stood so at that time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dashboards.commands import app
from dashboards.verification import inspect_whole
from maintenance.anchors import service
from maintenance.anchors.settings import AnchorSettings
from maintenance.errors import AnchorError
from tests.conftest import Database
from tests.dashboards.test_verify import bundle_of, filed, verify
from tests.maintenance.anchors.authority import Authority, served
from tests.platform import Platform

LOOPBACK = IPv4Network("127.0.0.0/8")


@dataclass
class Office:
    """An authority, its certificate as a file, and the settings that name it."""

    authority: Authority
    pem: Path
    settings: AnchorSettings


@pytest.fixture
def office(platform: Platform, tmp_path: Path) -> Iterator[Office]:
    authority, pem = Authority(platform.clock.now()), tmp_path / "tsa.pem"
    pem.write_bytes(authority.pem())
    with served(authority) as address:
        yield Office(authority, pem, AnchorSettings(address=address, certificates=pem, networks=[LOOPBACK]))


def test_a_bundle_carries_the_time_stamp_and_verifies_offline(
    platform: Platform, office: Office, tmp_path: Path
) -> None:
    record = filed(platform)
    assert bundle_of(platform, record)["time_stamp"] is None
    made = service.anchor_if_due(platform.conn, office.settings, platform.clock.now())
    assert made is not None
    filed(platform, "visit-0002")
    bundle = bundle_of(platform, record)
    assert bundle["checkpoint"] == made.note
    code, found = verify(tmp_path, bundle, "--tsa", str(office.pem))
    assert (code, found["stamp_checked"]) == (0, True)
    assert found["stamped_at"] == made.stamped_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    code, found = verify(tmp_path, bundle)
    assert (code, found["stamp_checked"]) == (0, False)

    stranger = tmp_path / "stranger.pem"
    stranger.write_bytes(Authority(platform.clock.now()).pem())
    assert verify(tmp_path, bundle, "--tsa", str(stranger))[0] == 1
    assert verify(tmp_path, bundle | {"time_stamp": None}, "--tsa", str(office.pem))[0] == 1
    assert verify(tmp_path, bundle | {"time_stamp": "AAAA"})[0] == 1


def test_once_a_day_and_a_silent_authority_is_tried_again(platform: Platform, office: Office) -> None:
    filed(platform)
    now = platform.clock.now()
    away = office.settings.model_copy(update={"address": "http://127.0.0.1:9/tsa"})
    assert service.anchor_if_due(platform.conn, away, now) is None
    assert service.anchor_if_due(platform.conn, AnchorSettings(), now) is None
    assert service.anchor_if_due(platform.conn, office.settings, now) is not None
    assert service.anchor_if_due(platform.conn, office.settings, now + timedelta(hours=23)) is None
    assert service.anchor_if_due(platform.conn, office.settings, now + timedelta(hours=25)) is not None
    assert service.check_all(platform.conn, (office.authority.root,)) == 2
    with pytest.raises(AnchorError, match="检查点"):
        service.check_all(platform.conn, (Authority(now).root,))
    with pytest.raises(AnchorError, match="TESHE_TSA_CERTIFICATES"):
        service.trusted(AnchorSettings(address="https://tsa.example/"))


def test_an_answer_that_does_not_hold_is_not_kept(platform: Platform, office: Office) -> None:
    filed(platform)
    for answer in (office.authority.refusal, Authority(platform.clock.now()).answer):
        with pytest.raises(AnchorError):
            service.anchor(platform.conn, answer, (office.authority.root,), platform.clock.now())
    assert service.anchors(platform.conn) == []


def test_the_database_is_checked_with_its_anchors(
    platform: Platform, office: Office, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    filed(platform)
    service.anchor_if_due(platform.conn, office.settings, platform.clock.now())
    assert inspect_whole(database.url).entries > 0
    monkeypatch.setenv("TESHE_DATABASE_URL", database.url)
    run = CliRunner().invoke(app, ["verify", "--database", "--json", "--tsa", str(office.pem)])
    assert json.loads(run.stdout)["stamps_checked"] == 1
    assert "宿州测试时间戳" in CliRunner().invoke(app, ["anchor", "list"]).stdout
