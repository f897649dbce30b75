"""维保变更 as its parties see it: each finds its own next step as a form, and no other's."""

from __future__ import annotations

import re

from equipment.access.model import Role
from tests.platform import Person, Platform

LIFT = (
    "select u.id, u.device_code, u.rescue_code from equipment.unit u join equipment.account a on a.role = 'use_unit_director'"
    " where u.use_org_id = a.organisation_id and u.kind = 'lift' and u.status = 'in_use' order by u.no limit 1"
)


def offered(person: Person, unit: str) -> set[str]:
    """Events that the page offers for a unit's change."""
    answer = person.client.get("/firm-changes", params={"unit": unit, "all": "yes"})
    assert answer.status_code == 200, answer.text
    return set(re.findall(r'name="event" value="(\w+)"', answer.text))


def test_each_party_is_offered_its_own_steps(platform: Platform) -> None:
    firm, director = platform.person(Role.FIRM_MANAGER), platform.person(Role.USE_UNIT_DIRECTOR)
    row = platform.conn.execute(LIFT).fetchone()
    assert row is not None
    unit, device, plate = row
    # the lift belongs to another firm until now
    own = platform.conn.execute(
        "select organisation_id from equipment.account where role = 'firm_manager' order by id limit 1"
    ).fetchone()
    assert own is not None
    other = platform.conn.execute(
        "select id from equipment.organisation where kind = 'maintenance_firm' and id <> %s order by id limit 1", own
    ).fetchone()
    assert other is not None
    platform.conn.execute("update equipment.unit set firm_org_id = %s where id = %s", (other[0], unit))
    assert 'data-api="/api/v1/firm-changes"' in firm.client.get("/firm-changes").text
    assert 'data-api="/api/v1/firm-changes"' not in director.client.get("/firm-changes").text
    made = firm.send("/firm-changes", {"device_code": device, "rescue_code": plate})
    assert made.status_code == 201, made.text
    change = made.json()
    assert offered(firm, unit) == {"withdraw"}
    assert offered(director, unit) == {"confirm", "refuse"}
    assert offered(platform.person(Role.REGULATOR), unit) == set()
    assert offered(platform.person(Role.AUDITOR), unit) == set()
    assert f"/firm-changes?unit={unit}" in director.client.get(f"/units/{unit}").text
    director.post(f"/firm-changes/{change['id']}", {"event": "confirm", "version": change["version"]})
    assert offered(director, unit) == set()
    assert "异议截止" in firm.client.get("/firm-changes").text
    assert platform.person(Role.DESK).client.get("/firm-changes").status_code == 403
